/* tests/bench/node/load_plan.h
 *
 * What is to be sent: many senders with keys made from a number, their transactions signed and their HTTP requests written before
 * any clock starts, and a table that finds a transaction by its hash. */
#ifndef GH_BENCH_LOAD_PLAN_H
#define GH_BENCH_LOAD_PLAN_H

#include "node/crypto/crypto.h"
#include "tests/bench/node/load_http.h"

struct load_sender {
    struct crypto_key key;
    struct addr addr;
    uint64_t nonce; /* of the next transaction */
};

enum load_kind { LOAD_NATIVE, LOAD_ERC20 };

struct load_settings {
    struct load_target target;
    uint64_t chain_id;
    enum load_kind kind;
    struct addr token;
    uint64_t max_fee_wei, gas_limit;
    size_t senders, txs, batch, connections, window;
    double seconds;    /* sending stops here */
    double rate;       /* latency: transactions a second */
    uint64_t mine_ms;  /* call evm_mine this often; 0: never */
    bool mine_after;   /* but not before everything was sent */
    uint64_t grace_ms; /* for what is sent and not yet in a block */
    uint64_t amount;   /* fund: what every sender gets, wei or token units */
    struct crypto_key root_key;
};

struct load_request {
    struct buf http;     /* owned */
    uint32_t first, cnt; /* transactions, as positions in the plan */
};

struct load_plan {
    const struct load_settings *set; /* borrowed */
    size_t tx_cnt, tx_cap;
    struct b256 *hash; /* of each transaction, in the order of the requests */
    bool *included;
    uint32_t *slot; /* open addressing: position + 1, or 0 */
    size_t slot_mask;
    struct load_request *req;
    size_t req_cnt, req_cap;
    struct buf json; /* of the request in the making */
    uint32_t in_json;
};

/* Sender i of every run on every chain. */
void load_sender_make(struct load_sender *s, size_t i);
/* Nonces of n senders as the chain has them. */
MUST_USE bool load_nonces_fetch(struct load_sender *s, size_t n, struct load_http *h,
                                const struct load_target *t, struct err *err);

MUST_USE bool load_plan_init(struct load_plan *p, const struct load_settings *set, size_t txs,
                             struct err *err);
void load_plan_clear(struct load_plan *p);
/* Signs a transfer of `amount` (coins, or tokens by set->kind) with the sender's next nonce and adds it to the request in the
 * making; the request ends after `per_request` transactions or with load_plan_end_request. per_request 0: a single call, not a
 * batch of one. */
void load_plan_add(struct load_plan *p, struct load_sender *from, const struct addr *to,
                   const struct u256 *amount, size_t per_request);
void load_plan_end_request(struct load_plan *p);
/* Marks a hash; false when it is not one of ours or was marked before. */
bool load_plan_mark(struct load_plan *p, const struct b256 *hash, uint32_t *position);

uint64_t load_now_ns(void);

#endif
