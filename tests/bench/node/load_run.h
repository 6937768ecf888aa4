/* tests/bench/node/load_run.h
 *
 * Sending a plan as fast as the peer takes it, and counting what gets into blocks by asking for the blocks. */
#ifndef GH_BENCH_LOAD_RUN_H
#define GH_BENCH_LOAD_RUN_H

#include "tests/bench/node/load_plan.h"

struct load_result {
    size_t sent, accepted, refused, included, blocks, most_in_block;
    double send_seconds; /* until the last answer to a submission */
    double seconds;      /* until the last transaction was seen in a block, or the wait was over */
    char first_refusal[200];
};

/* Which requests of the plan a connection sends, one after the other: lane c of n takes plan->req[lane_first[c]..lane_end[c]). */
struct load_lane {
    struct load_http http;
    size_t next, end;
};

/* Ends by itself: when everything accepted is in a block, after set->seconds of sending plus set->grace_ms. */
MUST_USE bool load_run(struct load_plan *p, struct load_lane *lanes, size_t lane_cnt,
                       struct load_http *control, struct load_result *out, struct err *err);

MUST_USE bool load_block_number(struct load_http *h, const struct load_target *t, uint64_t *out,
                                struct err *err);
/* The result of a call without parameters, as a quantity. */
MUST_USE bool load_quantity(struct load_http *h, const struct load_target *t, const char *method,
                            uint64_t *out, struct err *err);
/* Counts of receipts with status 1 among `want` transactions spread over the plan's included ones. */
MUST_USE bool load_sample_receipts(struct load_plan *p, struct load_http *h, size_t want,
                                   size_t *asked, size_t *good, struct err *err);

/* subcommands; each prints one line of JSON */
bool load_latency(const struct load_settings *set, struct err *err);

#endif
