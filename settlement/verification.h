/* settlement/verification.h
 *
 * The gate before a commit: a sealed batch is executed again from its witness alone, here or by others, and its commit is sent only when
 * what comes out is what was sealed (public input and stored hash). The one who verifies gets the witness, no result to compare with.
 *
 *   local    the stateless verification runs in this process, on a worker
 *   remote   `threshold` of the endpoints (gatehouse verifier) must answer as we sealed. One that answers otherwise is an alarm; when the rest
 *            cannot reach the threshold any more settlement is held. One that takes no witness of that size counts like one that
 *            differs, without the alarm. Both are asked again every minute; one that does not answer later and later.
 *
 * A witness that can never be made (ERR_INVALID) is a hold too; it is tried again all the same.
 *
 * One batch at a time, in order. That a batch was verified is written down before its commit is sent, bound to its stored hash, so a
 * restart asks again for one batch at most, and a batch sealed anew is verified anew. Batches met on the settlement layer are not asked about.
 *
 * On the event loop. */
#ifndef GH_SETTLEMENT_VERIFICATION_H
#define GH_SETTLEMENT_VERIFICATION_H

#include <event2/event.h>

#include "node/base/clock.h"
#include "node/store/store.h"
#include "settlement/witness.h"

#define VERIFIERS_MAX 8u

enum verification_mode { VERIFICATION_NONE, VERIFICATION_LOCAL, VERIFICATION_REMOTE };
struct verification_config {
    enum verification_mode mode;
    const char *urls[VERIFIERS_MAX]; /* borrowed: "http://host:port", all different */
    size_t url_cnt, threshold;       /* remote: 1 .. url_cnt */
    bool has_token;
    uint8_t token[32];
    uint64_t timeout_ms; /* of one answer */
    struct b256 genesis_state_commitment;
};
struct verification_deps { /* borrowed */
    struct event_base *base;
    const struct clock *clock;
    struct store *store;
    struct settlement_witness_ops witness;
    void *arg;
    void (*on_verified)(void *arg); /* one more batch may be committed */
    /* reason NULL: nothing is wrong (any more) */
    void (*on_mismatch)(void *arg, const char *reason, const char *remedy);
};

struct verification;
MUST_USE struct verification *verification_create(const struct verification_deps *deps,
                                                  const struct verification_config *cfg,
                                                  struct err *err);
void verification_stop(struct verification *v);
void verification_destroy(struct verification *v); /* NULL allowed */
/* Batches to look at: sealed, and on the settlement layer already. Every turn and every tick. */
void verification_run(struct verification *v, uint64_t sealed, uint64_t committed);
/* The record is there. */
bool verification_lets_commit(struct verification *v, uint64_t number);
/* What the batch waits for; "" nothing. */
void verification_waits_for(const struct verification *v, uint64_t batch, char *text, size_t cap);

struct verification_stats {
    uint64_t verified, mismatches,
        failures; /* batches; answers that differ; questions without an answer */
    uint64_t last_batch, last_witness_ms, last_took_ms, last_witness_bytes;
};
void verification_stats_get(const struct verification *v, struct verification_stats *out);
bool verification_status_json(const struct verification *v, struct buf *out); /* an object */

#endif
