/* settlement/prover/prover.h
 *
 * The prover API (spec 30 §13): HTTP server under /prover-jobs/v1, a queue of jobs made from the table of batches, proofs kept in the journal.
 *
 *   POST FRI/pick, FRI/submit, SNARK/pick, SNARK/submit       provers
 *   GET  FRI/N/peek, FRI/N/failed, SNARK/A/B/peek, SNARK/A/B/failed, status/   operators
 *
 * Jobs. A FRI job is a sealed batch above the proved frontier without a proof, offered lowest first once its witness is made. A SNARK job is a run
 * of batches from the proved frontier on that are committed and have FRI proofs, at most max_fris_per_snark. Leases keep provers apart
 * (leases.h). A submission is answered with 204 only when the proof is durable, and only then is it used.
 *
 * Trust. FRI proofs are opaque to us: whoever holds a token is believed, and the settlement layer's verifier has the last word. Of proofs
 * of ranges everything that needs no verification key is checked. A proof of another key than the chain's verifier has is refused with both.
 *
 * Mock proofs are made or taken only where the contract says it is the testnet verifier and the configuration asks for them.
 *
 * All on the event loop; prover_stats_get and prover_status_json too. */
#ifndef GH_SETTLEMENT_PROVER_PROVER_H
#define GH_SETTLEMENT_PROVER_PROVER_H

#include <event2/event.h>

#include "node/base/clock.h"
#include "node/net/eth_client.h"
#include "node/store/store.h"
#include "settlement/prover/snark_words.h"
#include "settlement/witness.h"

struct prover;

#define PROVER_TOKENS_MAX 2u

struct prover_config {
    bool enabled;
    const char *address; /* host:port; borrowed */
    uint64_t fri_timeout_ms, snark_timeout_ms;
    uint64_t max_assigned_range, max_fris_per_snark;
    uint64_t
        max_batch_age_ms; /* a FRI proof this old gets a mock proof of its range, where that is allowed */
    struct b256 vk;       /* what provers must have been built for; zero: prover_own_key() */
    uint32_t slot;        /* verifier version in word 0 of a real proof */
    bool fake_fri, fake_snark;
    bool allow_anonymous;
    size_t token_cnt; /* 0 only with allow_anonymous */
    uint8_t tokens[PROVER_TOKENS_MAX][32];
    struct b256 genesis_state_commitment;
};
/* Names the form of our prover_input (the witness, node/stf/witness.h); no registered program reads it, so no registered key equals it. */
struct b256 prover_own_key(void);

struct prover_deps { /* borrowed */
    struct event_base *base;
    const struct clock *clock;
    struct store *store;
    struct eth_client *sl;
    struct settlement_witness_ops witness;
    void *arg;
    void (*on_proof)(void *arg); /* a proof became durable: the prove lane may go on */
    void *job_arg;
    bool (*run_job)(void *arg, void (*run)(void *), void (*done)(void *),
                    void *job); /* as settlement_deps' */
};

MUST_USE struct prover *prover_create(const struct prover_deps *deps,
                                      const struct prover_config *cfg, struct err *err);
/* Listens. */
MUST_USE bool prover_start(struct prover *p, struct err *err);
/* No callback of ours runs afterwards but those of the store and of the maker of witnesses, which do nothing. */
void prover_stop(struct prover *p);
void prover_destroy(struct prover *p); /* NULL allowed */
uint16_t prover_port(const struct prover *p);

struct prover_view {
    uint64_t sealed, committed, proved, executed;
    uint64_t sent_to; /* last batch of a live prove request; 0: none */
    bool is_testnet_verifier;
};
/* What settlement knows; every turn. */
void prover_update(struct prover *p, const struct prover_view *v);
/* The verifier contract: its key is read, and read again when this is called again. */
void prover_on_verifier(struct prover *p, const struct addr *verifier);

/* For the prove lane. The range that can be proved from `from` on, no further than `to`: *to is its end. A proof that was handed in may have more
 * batches than max_fris_per_snark allows by now. false: nothing yet. */
MUST_USE bool prover_range(struct prover *p, uint64_t from, uint64_t *to);
/* Its words. ERR_LOCAL: not there any more. */
MUST_USE bool prover_words(struct prover *p, uint64_t from, uint64_t to,
                           struct u256 out[SNARK_WORDS_MAX], size_t *cnt, struct err *err);
/* The verifier contract said no. A proof that was handed in goes to the refused ones, and its range is offered again. */
void prover_on_rejected(struct prover *p, uint64_t from, uint64_t to, const char *reason);
/* What the batch's proof waits for, "" when nothing. */
void prover_waits_for(struct prover *p, uint64_t batch, char *text, size_t cap);

struct prover_stats {
    uint64_t fri_waiting, fri_assigned, snark_waiting, snark_assigned; /* batches */
    uint64_t oldest_ms; /* age of the oldest batch without a proof that was handed in */
    uint64_t fri_accepted, snark_accepted, refused, lease_timeouts, unauthorized;
    uint64_t witness_bytes; /* held */
};
void prover_stats_get(const struct prover *p, struct prover_stats *out);
bool prover_status_json(struct prover *p, struct buf *out); /* an object */

#endif
