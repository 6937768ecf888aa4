/* node/rpc/trace.h   (inside rpc)
 *
 * Tracers: what debug_trace* answers. One struct trace serves one request: it stands between the state transition
 * function (struct stf_tracer) and the tracers that were asked for, watches the deadline and the size of the answer, and
 * leaves out what is not the transaction's body (the mint of an L1 transaction, spec 10 §5).
 *
 *   trace_init -> for each transaction: trace_begin, stf_tx_run with &t->hooks, trace_write -> trace_clear
 *
 * Shapes are those of go-ethereum's tracers of the same names. */
#ifndef GH_RPC_TRACE_H
#define GH_RPC_TRACE_H

#include "node/base/buf.h"
#include "node/rpc/rpc_internal.h"
#include "node/stf/ee.h"

struct trace;

/* A tracer's state lives in t->arena and is made anew for each transaction. Any function but open and write may be NULL. */
struct tracer_ops {
    const char *name;
    /* config: tracerConfig, may be NULL. NULL with the call failed: not a configuration of this tracer, or no memory. */
    void *(*open)(struct trace *t, const json_t *config);
    void (*step)(struct trace *t, void *state, const struct stf_step *s);
    void (*enter)(struct trace *t, void *state, const struct ee_frame *f, enum call_kind kind);
    void (*end)(struct trace *t, void *state, const struct ee_frame *f);
    void (*exit)(struct trace *t, void *state, const struct ee_frame *f,
                 const struct frame_outcome *o);
    void (*event)(struct trace *t, void *state, const struct stf_event *e);
    void (*destruct)(struct trace *t, void *state, const struct addr *self,
                     const struct addr *beneficiary, const struct u256 *amount);
    /* The result, one JSON value, or what is still missing of it. */
    void (*write)(struct trace *t, void *state, struct buf *out);
};
extern const struct tracer_ops tracer_calls, tracer_flat_calls, tracer_prestate, tracer_selectors,
    tracer_noop, tracer_mux, tracer_steps;
/* By its name; NULL with the call failed: not one of ours. */
const struct tracer_ops *tracer_find(struct rpc_call *c, const char *name);

/* TRACE_NO_MEMORY: of this request's own; TRACE_NO_BUDGET: of all requests together */
enum trace_stop { TRACE_GOES_ON, TRACE_LATE, TRACE_TOO_BIG, TRACE_NO_MEMORY, TRACE_NO_BUDGET };

/* What the transaction is; borrowed. */
struct trace_tx {
    const struct stf_tx *tx;
    struct stf_block *block;
    const struct stf_block_context *ctx;
    const struct stf_rules *rules;
    const struct b256 *block_hash; /* NULL: a call that is in no block */
    uint32_t index;
    uint64_t events_before; /* in the block */
};

struct trace {
    struct rpc_call *c;
    const struct tracer_ops *ops;
    const json_t *options, *config; /* borrowed; either may be NULL */
    struct stf_tracer hooks;        /* for stf_options; always the same */
    uint64_t deadline_ms;           /* of the monotonic clock */
    uint32_t countdown;             /* steps to the next look at the clock */
    enum trace_stop stop;
    size_t size, max_size; /* of the answer so far, about */
    struct buf scratch;    /* owned; the tracer's */
    size_t held;           /* of the memory budget */
    const struct arena
        *execution; /* borrowed: where the transactions run; counts as the trace's memory */

    /* the transaction being traced */
    struct arena arena; /* owned; emptied for each */
    void *state;
    bool is_on, in_body;
    struct trace_tx at;
    const struct stf_tx_result *result; /* while writing */
};

/* Reads options (parameter `i` of the call): tracer, tracerConfig, timeout, and what the struct logger takes. execution: of the state
 * transition, lives until trace_clear. On failure the call is failed and nothing stays open; so it does when as many traces are being made
 * as there may be: one worker is always left for others, where there is more than one. */
bool trace_init(struct trace *t, struct rpc_call *c, size_t i, const struct arena *execution);
void trace_clear(struct trace *t);
bool trace_begin(struct trace *t, const struct trace_tx *at);
/* Appends the result, or stops the trace. A tracer may have appended to c->out while the transaction ran: what stands before the result is written
 * before it runs. */
void trace_write(struct trace *t, const struct stf_tx_result *r, struct buf *out);
/* After a transaction that was stopped (t->stop): fails the call with the reason. */
bool trace_fail(struct trace *t);

/* ---- for tracers ---- */
/* Zeroed memory for this transaction; NULL after stopping the trace. */
void *trace_alloc(struct trace *t, size_t n);
struct bytes trace_copy(struct trace *t, struct bytes b);
/* Whether it is worth going on; looks at clock and memory from time to time. For loops that may be long. */
bool trace_goes_on(struct trace *t);
/* The answer will have about n more bytes; stops the trace when that is too much. */
void trace_grow(struct trace *t, size_t n);
/* An option that is a boolean: false when missing; *ok turns false, with the call failed, when it is something else. */
bool trace_flag(struct trace *t, const json_t *config, const char *key, bool *ok);
/* Why a frame failed, in the words of go-ethereum; NULL when it did not. end: how its environment ended (HALT_NONE: it never
 * ran); op, stack_len: its last opcode. */
const char *trace_error(struct trace *t, const struct frame_outcome *o, enum stf_halt end,
                        uint8_t op, unsigned stack_len, struct bytes output);
/* Why the whole transaction failed although its body did not; NULL when it did not fail. */
const char *trace_tx_error(struct trace *t);
/* Reason of Error(string) and Panic(uint256), in the trace's memory; NULL without one. */
const char *trace_revert_reason(struct trace *t, struct bytes output);

/* name of an opcode as traces show it */
void trace_op_name(char out[32], uint8_t op);

#endif
