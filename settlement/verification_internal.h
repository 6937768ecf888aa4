/* settlement/verification_internal.h   (inside verification) */
#ifndef GH_SETTLEMENT_VERIFICATION_INTERNAL_H
#define GH_SETTLEMENT_VERIFICATION_INTERNAL_H

#include "settlement/verification.h"

struct http_client;
struct http_post;
struct store_reader;

enum answer_state { ANSWER_NONE, ANSWER_ASKED, ANSWER_EQUAL, ANSWER_DIFFERS, ANSWER_TOO_LARGE };
struct question { /* to one verifier, about the current batch */
    struct verification *v;
    enum answer_state state;
    struct http_post *post;
    uint64_t again_at_ms; /* monotonic */
    unsigned failures;    /* in a row, over batches */
    char name[128];       /* of the endpoint, without secrets */
    char trouble[160];    /* why it gave no answer, or what it answered; "" */
};

struct verification {
    struct verification_deps deps;
    struct verification_config cfg;
    struct store_reader *reader;
    struct http_client *http; /* remote */
    bool stopped;
    uint64_t
        passed; /* last batch found or made verified; the record of each decides (lets_commit) */

    /* the batch in work; number 0: none */
    uint64_t number, began_ms;
    struct b256 input, stored_hash;
    struct settlement_witness *witness;
    bool asked, storing; /* witness or local verdict on its way; record on its way */
    uint64_t again_at_ms;
    unsigned failures;
    char trouble[200];
    bool held; /* without a witness: until one is made; with one: until it is verified */
    struct question questions[VERIFIERS_MAX];
    struct verification_stats stats;
};

/* Verifiers in that state about the batch in work. */
size_t verification_count(const struct verification *v, enum answer_state state);

#endif
