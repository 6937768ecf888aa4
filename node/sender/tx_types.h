/* node/sender/tx_types.h
 *
 * The shared words of the sender: request, states, what it waits for. (spec 30 §11, spec 90 parts 1, 2) */
#ifndef GH_SENDER_TX_TYPES_H
#define GH_SENDER_TX_TYPES_H

#include "node/base/bytes.h"
#include "node/base/err.h"
#include "node/base/u256.h"

#define TX_KEY_CAP   96 /* with NUL */
#define TX_LABEL_CAP 64
#define TX_NO_NONCE  UINT64_MAX

/* The life of one request. Recorded one by one: "signed" is not "sent", "sent" is not "in the pool".
 *
 *   INTENT -> SIGNED -> BROADCAST -> ACCEPTED -> MINED -> CONFIRMED
 *                                                      \-> REVERTED
 *   MINED -> ACCEPTED when its block is reorganised away; SIGNED..ACCEPTED -> INTENT when another sender's transaction took the
 *   nonce for good; any but MINED -> ABANDONED when it cannot or shall not be sent. */
enum tx_state {
    TX_INTENT,    /* durable, no nonce yet */
    TX_SIGNED,    /* raw bytes durable; after a crash: perhaps sent */
    TX_BROADCAST, /* handed to a node, outcome unknown: watched by hash */
    TX_ACCEPTED,  /* a node has it in its pool */
    TX_MINED,     /* in a block, not deep enough */
    TX_CONFIRMED, /* final: status 1 at the required depth */
    TX_REPLACED, /* final: another sender's transaction with this nonce did the same thing (same target and data) */
    TX_REVERTED,  /* final: status 0 at the required depth */
    TX_ABANDONED, /* final: never mined and never will be */
    TX_STATE_CNT
};
const char *tx_state_name(enum tx_state s);
static inline bool tx_state_is_final(enum tx_state s)
{
    return s == TX_CONFIRMED || s == TX_REPLACED || s == TX_REVERTED || s == TX_ABANDONED;
}

/* Why a request does not move, for status, metrics and alerts. */
enum tx_wait {
    TX_WAIT_NONE,
    TX_WAIT_STORE, /* the journal's write */
    TX_WAIT_SLOT,  /* in-flight depth is used up, or an earlier request goes first */
    TX_WAIT_NODE,  /* the settlement layer's node does not answer */
    TX_WAIT_REVERT, /* the simulation reverts for a reason that passes with time (TimeNotReached ...) */
    TX_WAIT_PREDECESSOR, /* the simulation reverts while an earlier transaction of ours is not mined */
    TX_WAIT_FEE_CAPPED, /* the network asks more than our caps; goes on when fees fall or caps rise */
    TX_WAIT_BLOB_FEE_CAPPED, /* the same of the blobs' fee */
    TX_WAIT_LOW_FUNDS,       /* balance below the worst case; goes on when it is refilled */
    TX_WAIT_PAUSED,
    TX_WAIT_MINING,        /* in a pool */
    TX_WAIT_CONFIRMATIONS, /* mined, not deep enough */
    TX_WAIT_FOREIGN, /* another sender uses this key: waiting until its transaction is deep enough */
    TX_WAIT_CNT
};
const char *tx_wait_name(enum tx_wait w);

struct sidecar;
struct tx_request {    /* all copied */
    const char *key;   /* dedup key, "commit:12"; at most TX_KEY_CAP - 1 bytes */
    const char *label; /* for logs and metrics: "commit"; may be NULL */
    struct addr to;
    struct u256 value;
    struct bytes data;
    uint64_t gas_hint; /* used when the node cannot estimate; 0: the configured fallback */
    /* finished; a blob transaction then, of which the manager keeps a reference. NULL: an ordinary one */
    struct sidecar *sidecar;
};

struct tx_info { /* what a query shows; value type */
    uint64_t id;
    char key[TX_KEY_CAP], label[TX_LABEL_CAP];
    enum tx_state state;
    enum tx_wait wait;
    uint64_t nonce;   /* TX_NO_NONCE before one is given */
    struct b256 hash; /* newest signed hash; the mined one once mined; zero before */
    uint64_t gas_limit;
    struct u256 max_fee, max_tip, max_blob_fee; /* of that hash */
    uint32_t blob_cnt;
    uint32_t variants;            /* signed versions at this nonce: 1 + replacements */
    uint64_t created_ms, sent_ms; /* wall clock; 0: not yet */
    uint64_t block_number;        /* when mined */
    struct b256 block_hash;
    uint64_t gas_used;
    struct u256 paid; /* gas_used * effective price */
    char error[256];  /* last problem, "" when none */
};

struct tx_fee_caps {
    struct u256 max_fee; /* absolute, per gas */
    struct u256 max_tip;
    /* maxFeePerGas never above this multiple of the next base fee (plus tip), in percent; 0: no such cap */
    uint32_t base_fee_max_percent;
    struct u256 max_blob_fee; /* absolute, per blob gas; 0: unchanged, at first 2 gwei */
};

#endif
