/* node/stf/tx.h
 *
 * Transactions: decoding, hashing, encoding (spec 10 §1). Freestanding; everything decoded borrows
 * from the input bytes, lists live in the caller's arena.
 *
 * Two envelopes meet here:
 *   L2 and system transactions: the EIP-2718 bytes (what is hashed).
 *   L1 transactions (0x7e, 0x7f): type byte, then T, the body of the ABI tuple L2CanonicalTransaction without
 *   the leading 0x20 word. The canonical hash is keccak(uint256(0x20) || T).
 * Both are called the envelope below: it is what block records, the prover and replicas carry. */
#ifndef GH_STF_TX_H
#define GH_STF_TX_H

#include "node/base/arena.h"
#include "node/base/bytes.h"
#include "node/base/u256.h"
#include "node/stf/errors.h"

#define TX_LEGACY        0x00
#define TX_ACCESS_LIST   0x01
#define TX_DYNAMIC_FEE   0x02
#define TX_BLOB          0x03 /* decoded for Ethereum rule sets only */
#define TX_SET_CODE      0x04
#define TX_SYSTEM        0x7d
#define TX_UPGRADE       0x7e
#define TX_PRIORITY      0x7f
#define TX_MAX_LEN       (1u << 23)
#define TX_SYSTEM_SENDER 0x8001u

struct tx_access {
    struct addr addr;
    const struct b256 *keys; /* arena */
    size_t key_cnt;
};
struct tx_authorization {
    struct u256 chain_id;
    struct addr target;
    uint64_t nonce;
    struct u256 y_parity, r, s;
};

struct stf_tx {
    uint8_t type;
    bool is_create;    /* to is absent */
    bool has_chain_id; /* false: legacy before EIP-155 */
    bool from_is_set;  /* recovered or given */
    uint8_t y_parity;
    struct addr from; /* L2: hint from signature recovery; system: 0x8001; L1: given */
    struct addr to;
    uint64_t chain_id, nonce, gas_limit;
    struct u256 max_fee, max_priority_fee; /* legacy and 2930: both gasPrice */
    struct u256 value;
    struct bytes data;
    struct u256 r, s;
    struct b256 hash;
    struct b256 signing_hash; /* L2 only */
    const struct tx_access *access;
    size_t access_cnt;
    const struct tx_authorization *auths;
    size_t auth_cnt;
    struct u256 max_fee_per_blob_gas; /* 0x03 */
    const struct b256 *blob_hashes;
    size_t blob_cnt;
    /* system */
    uint64_t salt;
    /* L1 */
    struct u256 l1_nonce; /* priority operation id, or protocol minor version */
    uint64_t gas_per_pubdata;
    struct u256 to_mint;          /* reserved[0] */
    struct addr refund_recipient; /* reserved[1] */
    struct bytes factory_deps;    /* 32-byte hashes, concatenated */
    struct bytes envelope;        /* the whole input, borrowed */
};

static inline bool tx_is_l1(const struct stf_tx *tx)
{
    return tx->type == TX_PRIORITY || tx->type == TX_UPGRADE;
}

/* Any envelope. Strict: canonical RLP, exact ABI offsets, zero padding, nothing behind.
 * Does not recover the sender of an L2 transaction. Checks no signature range and no chain id. */
MUST_USE enum stf_error tx_decode(struct stf_tx *out, struct bytes envelope, struct arena *arena);

/* System transaction envelope into the arena: 7d || rlp([to, data, salt]). Empty when out of memory. */
struct bytes tx_encode_system(const struct addr *to, struct bytes data, uint64_t salt,
                              struct arena *arena);
/* 27-byte-shifted v etc. are not needed: y_parity and the EIP-155 rule give v. */
struct u256 tx_v(const struct stf_tx *tx);
/* s <= n/2, r and s in [1, n-1] */
bool tx_signature_in_range(const struct stf_tx *tx);
/* from, to of a creation: keccak(rlp([from, nonce]))[12..] */
struct addr tx_create_address(const struct addr *from, uint64_t nonce);

#endif
