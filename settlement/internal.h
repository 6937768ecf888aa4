/* settlement/internal.h   (inside settlement) */
#ifndef GH_SETTLEMENT_INTERNAL_H
#define GH_SETTLEMENT_INTERNAL_H

#include <pthread.h>

#include "node/sender/contract_read/contract_read.h"
#include "settlement/priority_tree.h"
#include "settlement/proto.h"
#include "settlement/settlement.h"

#define HOLD_TEXT_CAP     384
#define MAX_EXPECTED      4096 /* committed batches met on the chain that we have not sealed yet */
#define LANE_SPEED_SAMPLE 8

enum hold_source { HOLD_CONTRACTS, HOLD_SENDING, HOLD_REVERTED_BATCHES, HOLD_DIVERGED, HOLD_CNT };
struct hold {
    bool active;
    char reason[HOLD_TEXT_CAP], remedy[HOLD_TEXT_CAP];
};

/* A batch the settlement layer has and we have not sealed: our next batch must be exactly this one. */
struct expected_batch {
    uint64_t number, first, last;
    struct b256 state_commitment, commitment;
    struct batch_step_row commit;
};

struct lane {
    struct tx_manager *manager; /* owned; NULL without signers */
    uint64_t sent_to;           /* last batch of a live request; 0: none */
    uint64_t retry_at_ms;       /* monotonic, after a request that ended badly */
    bool submitted_something;
};

struct settlement {
    struct settlement_deps deps;
    struct settlement_config cfg;
    const struct settlement_proto *proto;
    struct store_reader *reader; /* owned; the loop's */
    struct event *timer;         /* owned: batch timeout, retries, periodic checks */
    struct discovery_result contracts;
    bool started, stopped, caught_up;
    struct contract_read *role_read;
    struct contract_call role_calls[LANE_CNT];
    struct arena role_arena;
    bool roles_ok[LANE_CNT], roles_known;

    /* batcher.c */
    struct arena open_arena; /* owned: log leaves of the open batch */
    struct batch_accumulator open;
    bool sealing;                  /* a sealed batch is on its way into the table */
    uint64_t sealed, sealed_block; /* last sealed batch and its last block */
    uint64_t next_priority_id;     /* first id of the open batch */
    struct expected_batch expected[MAX_EXPECTED];
    size_t expected_cnt;
    struct sl_event range; /* SL_BATCH_RANGE that came right before a commit */

    /* submit.c */
    struct lane lanes[LANE_CNT];
    void *lane_args[LANE_CNT]; /* owned: arguments of the senders' callbacks */
    struct priority_tree *tree;
    uint64_t next_commit; /* first batch without a commit request */

    /* steps.c */
    uint64_t frontier[BATCH_STEP_CNT]; /* confirmed on the settlement layer */
    uint64_t finalized_sl_block;
    struct eth_request *finalized_request;
    uint64_t last_check_ms, last_finalized_ms;

    struct hold holds[HOLD_CNT];
    uint64_t commit_sealed_at_ms; /* of the newest commit request, for the figure */

    pthread_mutex_t mutex; /* guards the snapshot below */
    struct settlement_frontiers snap;
    struct settlement_stats stats;
    struct hold snap_hold;
    char lane_wait[LANE_CNT][256];
    uint64_t step_ms[LANE_CNT]; /* smoothed time a batch takes for a step */
    uint64_t open_since_ms;     /* wall clock of the open batch's first block; 0: empty */
};

/* batcher.c */
MUST_USE bool batcher_load(struct settlement *s, struct err *err);
void batcher_run(struct settlement *s); /* adds what is hashed; seals */
/* 0: nothing open */
uint64_t batcher_deadline_ms(const struct settlement *s);

/* submit.c */
MUST_USE bool submit_create(struct settlement *s, struct err *err);
MUST_USE bool submit_start(struct settlement *s, struct err *err);
void submit_run(struct settlement *s);
void submit_on_frontier(struct settlement *s);
void submit_destroy(struct settlement *s);

/* steps.c */
MUST_USE bool steps_load(struct settlement *s, struct err *err);
bool steps_write(struct settlement *s, uint64_t number, enum batch_step step,
                 const struct batch_step_row *row);
/* a batch of ours is in the table now */
void steps_on_sealed(struct settlement *s, const struct batch_row *row);
void steps_poll_finalized(struct settlement *s);

/* checks.c: what the contracts must be like for sending to make sense */
MUST_USE bool checks_at_start(struct settlement *s, struct err *err);
void checks_run(struct settlement *s);
void checks_ask_roles(struct settlement *s);

/* settlement.c */
void hold_set(struct settlement *s, enum hold_source source, const char *reason,
              const char *remedy);
void hold_clear(struct settlement *s, enum hold_source source);
bool hold_any(const struct settlement *s);
/* number 0: the genesis batch */
MUST_USE bool stored_of(struct settlement *s, uint64_t number, struct stored_batch *out,
                        struct err *err);
void row_to_stored(const struct batch_row *r, struct stored_batch *out);
void settlement_run(struct settlement *s);
void snapshot_refresh(struct settlement *s);

#endif
