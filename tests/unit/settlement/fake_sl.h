/* tests/unit/settlement/fake_sl.h
 *
 * A settlement layer in this process: JSON-RPC on loopback over a small model of the contracts. Commit, prove and execute are decoded and
 * checked as the diamond does (previous hash, order, bounds, mock proof), transactions wait in a pool, blocks are mined by hand, a
 * reorganisation takes blocks away. Every transaction it was ever given is kept, so that a test can count. */
#ifndef GH_TESTS_FAKE_SL_H
#define GH_TESTS_FAKE_SL_H

#include <event2/event.h>

#include "node/stf/batch.h"
#include "settlement/settlement.h"

#define SL_MAX_BLOCKS 2048
#define SL_MAX_BATCH  96
#define SL_MAX_TXS    512
#define SL_MAX_LOGS   48
#define SL_GENESIS_TS 1800000000u

struct sl_batch {
    struct b256 stored_hash, state, commitment, logs_root;
    uint64_t first, last, committed_at;
};
struct sl_state {
    uint64_t committed, proved, executed, nonce[LANE_CNT];
    struct sl_batch batch[SL_MAX_BATCH];
};
struct sl_log {
    struct b256 topics[4], tx;
    size_t topic_cnt, len;
    uint8_t data[96];
};
struct sl_block {
    struct b256 hash;
    uint64_t timestamp;
    struct sl_state after;
    struct sl_log logs[SL_MAX_LOGS];
    size_t log_cnt;
};
struct sl_tx {
    int lane;
    bool is_fill;                    /* a transfer of nothing to itself */
    uint64_t nonce, from, to, block; /* block 0: not mined */
    bool ok, dropped;                /* dropped: a reorganisation took it and the pool forgot it */
    struct b256 hash;
    uint8_t *data; /* owned */
    size_t len;
};
struct fake_sl {
    struct sl_block *block; /* owned */
    uint64_t head, fork;
    struct sl_tx txs[SL_MAX_TXS];
    size_t tx_cnt;
    struct b256 genesis_state;
    struct addr keys[LANE_CNT], bridgehub, diamond, ctm, timelock, verifier;

    /* what the contracts are like */
    uint64_t chain_id, l1_chain_id, delay_s, protocol_version, ctm_version, testnet_word;
    uint64_t start_index, pricing;
    uint64_t sl_chain_id; /* where the Bridgehub says the chain settles */
    bool not_whitelisted;
    /* a Gateway: operations it has of the chain, and what GWAssetTracker says to a batch's logs (0: yes) */
    uint64_t priority_total;
    uint32_t tracker_error;
    const char *tracker_fault;            /* instead: an error of the node itself, without data */
    bool other_roots;                     /* the message root keeps others than asked for */
    uint64_t tracker_calls, tracker_last; /* questions, and the batch of the newest */
    uint8_t da_scheme;
    bool da_set, role[LANE_CNT], production_verifier, elsewhere, is_not_os, registered;
    bool no_bridgehub; /* everything there reverts */
    bool bad_address;  /* getVerifier answers a word that is no address */
    uint64_t da_word;  /* overrides the scheme when not zero */
    /* faults */
    unsigned fail_mined
        [LANE_CNT]; /* so many transactions of the lane fail when mined although the simulation went well */
    unsigned fail_call[LANE_CNT]; /* so many simulations of the lane revert */
    const char *fail_text; /* with Error of that text, at most 32 bytes; NULL: RoleAccessDenied */
    bool dead;             /* answers nothing */
    bool lags;             /* eth_call: header not found */
    unsigned refuse_times; /* so many blocks by number are refused */
    bool reorged_txs_are_lost; /* otherwise they go back into the pool */
    uint64_t finalized;        /* block of the tag */

    uint64_t calls, sends, hash_calls, root_calls;
    struct fake_node *node;
};

struct fake_sl *fake_sl_create(struct event_base *base);
void fake_sl_destroy(struct fake_sl *sl);
const char *fake_sl_url(const struct fake_sl *sl);
const struct sl_state *fake_sl_state(const struct fake_sl *sl);
/* One block with everything of the pool that can go. */
void fake_sl_mine(struct fake_sl *sl);
void fake_sl_mine_many(struct fake_sl *sl, unsigned n);
/* The last `depth` blocks are gone; as many empty ones of another fork are there. */
void fake_sl_reorg(struct fake_sl *sl, uint64_t depth);
/* BlocksRevert to that batch, in a block of its own. */
void fake_sl_revert(struct fake_sl *sl, uint64_t batch);
/* Somebody else's commit of a batch as given, in a block of its own. */
void fake_sl_commit_foreign(struct fake_sl *sl, const struct sl_batch *b);
/* Transactions of the lane for a range with that batch: by nonce, or mined and not failed. */
unsigned fake_sl_sent(const struct fake_sl *sl, enum settlement_lane lane, uint64_t batch);
unsigned fake_sl_failed(const struct fake_sl *sl); /* mined with status 0 */
void fake_sl_forget_pool(struct fake_sl *sl);

#endif
