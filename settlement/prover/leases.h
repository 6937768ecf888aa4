/* settlement/prover/leases.h
 *
 * Who works on what, until when. Pure: no clock, no store; times are monotonic milliseconds given by the caller. A lease is a favour, not a
 * right: it keeps two provers from doing the same work, and a proof that comes after its lease is as good as any. Leases die with the
 * process; the jobs come from the table of batches and are offered again.
 *
 * Jobs of one kind: single batches (FRI) or ranges (SNARK). Live leases never overlap. */
#ifndef GH_SETTLEMENT_PROVER_LEASES_H
#define GH_SETTLEMENT_PROVER_LEASES_H

#include "node/base/bytes.h"

#define LEASES_MAX        1024u
#define LEASES_PROVER_CAP 65u

struct lease {
    uint64_t from, to, since_ms;
    bool expired; /* counted as such */
    char prover[LEASES_PROVER_CAP];
};
struct leases {
    uint64_t timeout_ms;
    uint64_t timeouts, taken; /* ever */
    size_t cnt;
    struct lease items[LEASES_MAX]; /* by from */
};

void leases_init(struct leases *l, uint64_t timeout_ms);
/* Marks what ran out. */
void leases_expire(struct leases *l, uint64_t now_ms);
/* The lease that holds the batch, live or expired; NULL: none */
const struct lease *leases_find(const struct leases *l, uint64_t batch);
/* A live lease holds the batch. */
bool leases_is_busy(const struct leases *l, uint64_t batch);
/* Replaces the expired ones it overlaps. false: a live one overlaps, or there are too many. */
MUST_USE bool leases_take(struct leases *l, uint64_t from, uint64_t to, const char *prover,
                          uint64_t now_ms);
/* The work on these batches is done, or not wanted any more. */
void leases_drop(struct leases *l, uint64_t from, uint64_t to);

#endif
