/* settlement/internal.h   (inside settlement) */
#ifndef GH_SETTLEMENT_INTERNAL_H
#define GH_SETTLEMENT_INTERNAL_H

#include <pthread.h>
#include <sys/queue.h>

#include "node/sender/contract_read/contract_read.h"
#include "settlement/priority_tree.h"
#include "settlement/proto.h"
#include "settlement/settlement.h"

#define HOLD_TEXT_CAP     384
#define LANE_SPEED_SAMPLE 8

enum hold_source {
    HOLD_CONTRACTS,
    HOLD_GATEWAY,
    HOLD_VERIFICATION,
    HOLD_SENDING,
    HOLD_REVERTED_BATCHES,
    HOLD_DIVERGED,
    HOLD_CNT
};
struct hold {
    bool active;
    char reason[HOLD_TEXT_CAP], remedy[HOLD_TEXT_CAP];
};

/* A batch the settlement layer has and we have not sealed: our batch of that number must be exactly this one. Its steps are kept here, not in the
 * store, until it is sealed; after a crash they are read again (settlement_missed_from). */
struct expected_batch {
    uint64_t number, first, last;
    struct b256 state_commitment, commitment;
    struct batch_step_row step[BATCH_STEP_CNT]; /* step[BATCH_COMMIT].done */
};
struct expected_list {            /* in order of number */
    struct expected_batch *items; /* owned */
    size_t head, cnt, cap;        /* items[head .. head + cnt) */
};

struct step_change {
    uint64_t number;
    enum batch_step step;
    struct batch_step_row row;
};

struct lane {
    struct tx_manager *manager; /* owned; NULL without signers */
    uint64_t sent_to;           /* last batch of a live request; 0: none */
    uint64_t retry_at_ms;       /* monotonic, after a request that ended badly */
    unsigned failures;          /* in a row; each doubles the pause before the next try */
    char trouble[160]; /* the last failure, until the layer has more batches of this step */
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
    size_t open_execution;         /* bytes the open batch adds to its execution on a Gateway */
    struct {                       /* da_jobs.c: blobs alone */
        bool sealing, proving;     /* a job is under way */
        uint64_t epoch;            /* of the open batch: rises when it is begun again */
        struct sidecar *ready;     /* a reference: with proofs, of batch */
        uint64_t ready_number;     /* 0: none */
    } da;
    uint64_t open_mono_ms; /* when the open batch got its first block */
    struct expected_list expected;
    struct sl_event range; /* SL_BATCH_RANGE that came right before a commit */

    /* submit.c */
    struct lane lanes[LANE_CNT];
    void *lane_args[LANE_CNT]; /* owned: arguments of the senders' callbacks */
    struct priority_tree *tree;
    bool sending;         /* the senders are started */
    uint64_t next_commit; /* first batch without a commit request */

    /* steps.c */
    uint64_t frontier[BATCH_STEP_CNT]; /* confirmed on the settlement layer */
    uint64_t sl_head;                  /* newest block of the layer that we know of */
    uint64_t finalized_sl_block;
    struct eth_request *finalized_request;
    uint64_t last_check_ms, last_finalized_ms;
    struct step_change *changes; /* owned: steps of this turn, written in one transaction */
    size_t change_cnt, change_cap;

    /* asks.c */
    TAILQ_HEAD(, ask) asks;
    size_t ask_cnt;
    uint64_t times_next;  /* lowest batch with a step whose time is not known */
    uint64_t roots_next;  /* lowest executed batch whose logs root is not compared */
    uint64_t ask_at_ms;   /* monotonic, after an answer that did not come */
    bool wants_contracts; /* something waits for a newer reading of the contracts */

    /* gateway.c */
    uint64_t relayed; /* priority operations the Gateway has of the chain, as far as we know */
    struct {
        uint64_t number, passed;     /* batch asked about; last batch that may be committed */
        uint64_t again_at_ms;        /* monotonic */
        struct eth_request *request; /* at most one of these two */
        struct contract_read *read;
        struct arena arena; /* owned: the roots asked about, and the calls */
        struct contract_call *calls;
        struct proto_execute_batch batch;
        char wait[256];  /* what the next commit waits for; "" nothing */
        char relay[160]; /* what commit and execution wait for; "" nothing */
    } gate;

    struct prover *prover;             /* owned; NULL: no prover API */
    struct verification *verification; /* owned */

    struct hold holds[HOLD_CNT];
    uint64_t commit_sealed_at_ms; /* of the newest commit request, for the figure */

    pthread_mutex_t mutex; /* guards the snapshot below */
    struct settlement_frontiers snap;
    struct settlement_stats stats;
    struct hold snap_hold;
    char lane_wait[LANE_CNT][256];
    uint64_t step_ms[LANE_CNT]; /* smoothed time a batch takes for a step */
    uint64_t open_since_ms;     /* wall clock of the open batch's first block; 0: empty */
    uint64_t adopting;      /* the batch whose range has to come from the layer first; 0: none */
    uint64_t execute_at_ms; /* wall clock: the timelock lets the next batch go; 0: no delay */
    bool can_prove;
    char parts_json[4096]; /* prover API and verification, as members for the status */
};

/* batcher.c */
MUST_USE bool batcher_load(struct settlement *s, struct err *err);
void batcher_run(struct settlement *s); /* adds what is hashed; seals */
/* Our sealed batches from that number on are not what the layer has: they were never committed, and are sealed again. */
void batcher_discard(struct settlement *s, uint64_t from);
/* The next batch is on the layer already, and its range is not settled yet; 0: no. */
uint64_t batcher_adopting(const struct settlement *s);

/* The open batch's blobs are committed to. */
void batcher_on_blobs(struct settlement *s, const struct b256 *commitment);

/* da_jobs.c */
/* Computes the open batch's commitments; batcher_on_blobs follows, unless the batch is begun anew meanwhile. */
MUST_USE bool da_start_seal(struct settlement *s, struct err *err);
/* *out: borrowed until da_drop; NULL: being made, settlement_run comes when it is there. */
MUST_USE bool da_blobs_of(struct settlement *s, const struct batch_row *row, struct sidecar **out,
                          struct err *err);
void da_drop(struct settlement *s);

/* expected.c */
struct expected_batch *expected_first(const struct expected_list *l); /* NULL: empty */
struct expected_batch *expected_last(const struct expected_list *l);
struct expected_batch *expected_find(const struct expected_list *l, uint64_t number);
/* Replaces one of the same number. false: out of memory */
MUST_USE bool expected_put(struct expected_list *l, const struct expected_batch *b);
void expected_pop_first(struct expected_list *l);
void expected_pop_last(struct expected_list *l);

/* submit.c */
#define PUBDATA_ARENA_CHUNK (256u << 10)
#define PUBDATA_ARENA_LIMIT (1u << 30)
/* Pubdata of a batch: the streams of its blocks, one after the other. */
MUST_USE bool pubdata_load(struct settlement *s, uint64_t first_block, uint64_t last_block,
                           struct arena *arena, struct buf *out, struct err *err);
MUST_USE bool submit_create(struct settlement *s, struct err *err);
MUST_USE bool submit_start(struct settlement *s, struct err *err);
void submit_run(struct settlement *s);
void submit_on_frontier(struct settlement *s);
/* Frontiers went back: live requests hold their lanes again, the rest is looked at anew. */
void submit_on_taken_back(struct settlement *s);
void submit_destroy(struct settlement *s);
/* The interop roots the batch depends on. */
MUST_USE bool submit_fill_roots(struct settlement *s, const struct batch_row *row,
                                struct arena *arena, struct proto_execute_batch *out,
                                struct err *err);

/* gateway.c */
/* An execution on a Gateway carries every log and message of its batches, in one transaction, which a pool must take: those of go-ethereum's and
 * reth's kind refuse one above 128 KiB. Only a block that is larger by itself makes a larger batch. */
#define GATEWAY_EXECUTION_MAX ((size_t)100 << 10)
size_t gateway_execution_len(const struct batch_block *b);
/* Last batch of an execution that begins with `from`, at most `to`. */
uint64_t gateway_execution_end(struct settlement *s, uint64_t from, uint64_t to);
/* The next are true at once where the layer is L1. */
/* false: not yet; settlement_run comes when the answer is there, gate says what is missing. */
bool gateway_lets_commit(struct settlement *s, uint64_t number);
bool gateway_lets_execute(struct settlement *s, const struct batch_row *row);
void gateway_create(struct settlement *s);
void gateway_destroy(struct settlement *s);
void gateway_on_relayed(struct settlement *s, uint64_t total);
void gateway_run(struct settlement *s);
void gateway_stop(struct settlement *s);
/* Sealed batches are not what they were: what was asked about them counts no more. */
void gateway_discard(struct settlement *s);
/* What the layer told may not hold any more. */
void gateway_forget(struct settlement *s);
/* Zero on L1, where nobody pays a settlement fee. */
struct addr gateway_fee_payer(const struct settlement *s);
MUST_USE bool gateway_fill_logs(struct settlement *s, const struct batch_row *row,
                                struct arena *arena, struct proto_execute_batch *out,
                                struct err *err);

/* steps.c */
MUST_USE bool steps_load(struct settlement *s, struct err *err);
/* A batch of ours is in the table now, with the steps `stored` it was adopted with. */
void steps_on_sealed(struct settlement *s, const struct batch_row *row,
                     const struct batch_step_row stored[BATCH_STEP_CNT]);
void steps_poll_finalized(struct settlement *s);

/* asks.c: questions to the layer that nothing waits for */
/* A batch that is committed, says our table, was committed with other contents, says an event: which one does the contract have? */
void asks_stored_hash(struct settlement *s, uint64_t number, const struct b256 *ours);
/* When the block of a step was made. */
void asks_time(struct settlement *s, uint64_t number, enum batch_step step,
               const struct batch_step_row *row);
void asks_run(struct settlement *s); /* the ones that are due */
void asks_stop(struct settlement *s);

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
