/* node/chain/mempool.h
 *
 * L2 transactions waiting for a block (spec 50 §3). Thread-safe: RPC workers insert and look up, the event loop
 * takes candidates and applies blocks; one mutex inside, held for microseconds.
 *
 * Per sender: transactions by nonce; executable are the ones with consecutive nonces from the account's, paid for, and
 * with max fee >= base fee. Candidates come out by effective tip, ties by arrival, each sender by nonce.
 * The pool knows an account's nonce and balance from the values given at insert and at mempool_apply_block. */
#ifndef GH_CHAIN_MEMPOOL_H
#define GH_CHAIN_MEMPOOL_H

#include "node/base/clock.h"
#include "node/base/err.h"
#include "node/stf/tx.h"

struct mempool;
struct mempool_config {
    size_t max_pending, max_queued; /* transactions; defaults 50,000 and 10,000 */
    size_t max_account_slots;       /* pending and queued each, default 64 */
    size_t max_bytes;               /* default 256 MiB */
    uint64_t queued_ttl_ms;         /* default 3 h */
    unsigned price_bump_percent;    /* default 10 */
};
void mempool_config_default(struct mempool_config *c);

/* What admission needs of the chain; filled by the caller from its view of the latest block. */
struct mempool_admission {
    uint64_t chain_id, block_gas_limit;
    size_t max_tx_len; /* encoded; 0: 128 KiB */
    struct u256 base_fee, minimal_base_fee, native_price, pubdata_price;
    uint64_t account_nonce;
    struct u256 account_balance;
    bool account_has_code; /* and not a delegation */
    bool allow_unprotected, allow_set_code;
};

/* JSON-RPC code and text of a refusal, texts of spec 50 §3.2 */
struct mempool_refusal {
    int code;
    char message[256];
};

MUST_USE struct mempool *mempool_create(const struct mempool_config *cfg,
                                        const struct clock *clock);
void mempool_destroy(struct mempool *m);

/* The stateless part of spec 50 §3.2, and the account part. Sender already recovered. */
MUST_USE bool mempool_validate(const struct stf_tx *tx, size_t encoded_len,
                               const struct mempool_admission *a, struct mempool_refusal *why);
/* Validates, then inserts a copy of the envelope. */
MUST_USE bool mempool_insert(struct mempool *m, const struct stf_tx *tx,
                             const struct mempool_admission *a, struct mempool_refusal *why);

struct mempool_tx { /* a copy, in the caller's arena */
    struct b256 hash;
    struct addr from;
    uint64_t nonce, gas_limit;
    struct bytes envelope;
    uint64_t arrived_ms;
    bool executable;
};
/* Up to max executable transactions in block order. Their memory is the arena's. */
MUST_USE bool mempool_candidates(struct mempool *m, const struct u256 *base_fee, size_t max,
                                 size_t max_bytes, struct arena *arena, struct mempool_tx **out,
                                 size_t *n);
bool mempool_has_candidates(struct mempool *m, const struct u256 *base_fee);
bool mempool_find(struct mempool *m, const struct b256 *hash, struct arena *arena,
                  struct mempool_tx *out);
bool mempool_find_by_nonce(struct mempool *m, const struct addr *from, uint64_t nonce,
                           struct arena *arena, struct mempool_tx *out);
/* account nonce, raised over consecutive pooled nonces */
uint64_t mempool_pending_nonce(struct mempool *m, const struct addr *from, uint64_t account_nonce);
/* Drops it; the sender's later ones become queued. */
void mempool_remove(struct mempool *m, const struct b256 *hash);
/* After a block is durable: new nonce and balance of accounts that changed; drops what is included or stale. */
struct mempool_account {
    struct addr addr;
    uint64_t nonce;
    struct u256 balance;
};
void mempool_apply_block(struct mempool *m, const struct mempool_account *changed, size_t n);
void mempool_expire(struct mempool *m);

struct mempool_stats {
    size_t pending, queued, bytes;
    uint64_t inserted, refused, replaced, evicted;
};
void mempool_stats_get(struct mempool *m, struct mempool_stats *out);
/* Every transaction, for txpool_content; sender by sender, nonces rising. */
MUST_USE bool mempool_snapshot(struct mempool *m, struct arena *arena, struct mempool_tx **out,
                               size_t *n);
/* Runs on the inserting thread after a transaction became executable (filters, subscriptions, waking the builder). */
typedef void mempool_event_fn(void *arg, const struct b256 *hash);
void mempool_on_executable(struct mempool *m, mempool_event_fn *fn, void *arg);

#endif
