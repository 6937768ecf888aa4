/* node/net/eth_types.h
 *
 * What an Ethereum JSON-RPC node says, as values. Everything a callback receives is borrowed: it lives until
 * the callback returns; copy what you keep. Amounts are wei, times are seconds of the layer's own clock. */
#ifndef GH_NET_ETH_TYPES_H
#define GH_NET_ETH_TYPES_H

#include "node/base/bytes.h"
#include "node/base/u256.h"

enum eth_tag {
    ETH_LATEST,
    ETH_PENDING,
    ETH_SAFE,
    ETH_FINALIZED,
    ETH_EARLIEST,
    ETH_NUMBER, /* .number */
    ETH_HASH,   /* .hash: only where the method takes a block hash (EIP-1898) */
};
struct eth_block_id {
    enum eth_tag tag;
    uint64_t number;
    struct b256 hash;
};
#define ETH_AT_LATEST    ((struct eth_block_id){ .tag = ETH_LATEST })
#define ETH_AT_PENDING   ((struct eth_block_id){ .tag = ETH_PENDING })
#define ETH_AT_SAFE      ((struct eth_block_id){ .tag = ETH_SAFE })
#define ETH_AT_FINALIZED ((struct eth_block_id){ .tag = ETH_FINALIZED })
#define ETH_AT_NUMBER(n) ((struct eth_block_id){ .tag = ETH_NUMBER, .number = (n) })
#define ETH_AT_HASH(h)   ((struct eth_block_id){ .tag = ETH_HASH, .hash = (h) })

struct eth_log {
    struct addr addr;
    struct b256 topics[4];
    size_t topic_cnt;
    struct bytes data;
    uint64_t block_number;
    struct b256 block_hash;
    struct b256 tx_hash;
    uint64_t tx_index;
    uint64_t log_index;
};

struct eth_block { /* header; transactions as hashes */
    uint64_t number;
    struct b256 hash;
    struct b256 parent_hash;
    uint64_t timestamp;
    uint64_t gas_limit, gas_used;
    bool has_base_fee;
    struct u256 base_fee;
    const struct b256 *tx_hashes; /* NULL when the node sent whole transactions */
    size_t tx_cnt;
};

struct eth_receipt {
    struct b256 tx_hash;
    uint64_t block_number;
    struct b256 block_hash;
    uint64_t tx_index;
    bool status; /* true: not reverted */
    uint64_t gas_used;
    struct u256 effective_gas_price; /* 0 when the node does not say */
    uint64_t blob_gas_used;          /* 0 without blobs */
    struct u256 blob_gas_price;
    struct addr from;
    const struct eth_log *logs;
    size_t log_cnt;
};

struct eth_tx {
    struct b256 hash;
    uint64_t nonce;
    struct addr from;
    bool has_to;
    struct addr to;
    struct u256 value;
    struct bytes input;
    uint64_t gas;
    uint64_t type;
    struct u256 max_fee, max_tip; /* legacy: both the gas price */
    struct u256 max_blob_fee;     /* 0 without blobs */
    bool mined;
    uint64_t block_number; /* when mined */
    struct b256 block_hash;
};

struct eth_fee_history {
    uint64_t oldest_block;
    const struct u256 *base_fees; /* base_fee_cnt = blocks + 1: the last is the next block's */
    size_t base_fee_cnt;
    const struct u256 *rewards; /* one per block: the first asked percentile; may be NULL */
    size_t reward_cnt;
    const struct u256 *pubdata_prices; /* of a ZKsync OS chain, wei a byte; may be NULL */
    size_t pubdata_price_cnt;
    const struct u256 *blob_base_fees; /* like base_fees; NULL where there are no blobs */
    size_t blob_base_fee_cnt;
};

/* A log filter. Empty lists match everything; topics[i] is a choice for position i. Borrowed. */
struct eth_filter {
    const struct addr *addrs;
    size_t addr_cnt;
    struct {
        const struct b256 *any;
        size_t cnt;
    } topics[4];
};

struct eth_call_msg {
    bool has_from;
    struct addr from;
    bool has_to; /* false: contract creation */
    struct addr to;
    struct u256 value; /* left out when zero */
    struct bytes data;
    uint64_t gas; /* left out when zero */
    /* What BLOBHASH tells; left out when there are none. No fee is named, so none is too low. */
    const struct b256 *blob_hashes;
    size_t blob_hash_cnt;
};

#endif
