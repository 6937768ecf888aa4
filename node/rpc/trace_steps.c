/* node/rpc/trace_steps.c
 *
 * The struct logger, which answers when no tracer is named: one object for each opcode, written to the answer as soon as
 * its price is known. */
#include "node/base/hex.h"
#include "node/rpc/encode.h"
#include "node/rpc/params.h"
#include "node/rpc/trace.h"

#define OP_SLOAD  0x54
#define OP_SSTORE 0x55

struct seen { /* a slot that an opcode touched */
    struct seen *next;
    struct addr addr;
    struct b256 slot, value;
};

struct steps {
    bool no_stack, no_storage, memory, returndata;
    uint64_t limit, cnt; /* of objects; limit 0: none */
    struct seen *seen;
    bool is_open; /* the answer has begun */
    /* the step held back; frame NULL: none. What follows its price is in the trace's scratch. */
    const struct ee_frame *frame;
    uint64_t pc, gas;
    uint8_t op;
    unsigned depth, stack_len;
    /* of the outermost frame */
    enum stf_halt halt;
    struct bytes output;
};

static void open_answer(struct steps *s, struct buf *out)
{
    if (s->is_open)
        return;
    s->is_open = true;
    js_open(out, '{');
    js_key(out, "structLogs");
    js_open(out, '[');
}

static void finish_step(struct trace *t, struct steps *s, uint64_t gas_left, const char *error)
{
    char name[32];
    struct buf *b = t->c->out;
    if (!s->frame)
        return;
    s->frame = NULL;
    open_answer(s, b);
    trace_op_name(name, s->op);
    js_open(b, '{');
    jm_number(b, "pc", s->pc);
    jm_text(b, "op", name);
    jm_number(b, "gas", s->gas);
    jm_number(b, "gasCost", s->gas - gas_left);
    jm_number(b, "depth", s->depth + 1);
    if (error)
        jm_text(b, "error", error);
    buf_append(b, t->scratch.p, t->scratch.len);
    js_close(b, '}');
    if ((b->failed || t->scratch.failed) && t->stop == TRACE_GOES_ON)
        t->stop = TRACE_TOO_BIG;
}

static void write_stack(struct buf *b, const struct stf_step *s)
{
    js_key(b, "stack");
    js_open(b, '[');
    for (unsigned i = 0; i < s->stack_len; i++)
        js_quantity_u256(b, &s->stack[i]);
    js_close(b, ']');
}

static void write_memory(struct buf *b, struct bytes memory)
{
    js_key(b, "memory");
    js_open(b, '[');
    for (size_t at = 0; at + 32 <= memory.len && !b->failed; at += 32)
        js_hex(b, memory.p + at, 32);
    js_close(b, ']');
}

static void see(struct trace *t, struct steps *s, const struct addr *a, const struct b256 *slot,
                const struct b256 *value)
{
    struct seen *x = s->seen;
    while (x && !(b256_eq(&x->slot, slot) && addr_eq(&x->addr, a)))
        x = x->next;
    if (!x) {
        x = trace_alloc(t, sizeof(*x));
        if (!x)
            return;
        *x = (struct seen){ .next = s->seen, .addr = *a, .slot = *slot };
        s->seen = x;
    }
    x->value = *value;
}

/* Every slot of the contract that was loaded or stored so far, with what it holds after this opcode. */
static void write_storage(struct trace *t, struct steps *s, struct buf *b,
                          const struct stf_step *step)
{
    const struct addr *self = &step->frame->self;
    const struct u256 *top = &step->stack[step->stack_len - 1];
    struct b256 slot = u256_to_b256(top), before, value;
    if (step->op == OP_SSTORE)
        value = u256_to_b256(top - 1);
    else if (!stf_block_slot(t->at.block, self, &slot, &before, &value))
        return; /* the block is lost, and says so itself */
    see(t, s, self, &slot, &value);
    js_key(b, "storage");
    js_open(b, '{');
    for (const struct seen *x = s->seen; x && !b->failed; x = x->next) {
        char name[67];
        if (!addr_eq(&x->addr, self))
            continue;
        hex_encode0x(name, x->slot.b, 32);
        jm_hash(b, name, &x->value);
    }
    js_close(b, '}');
}

static void on_step(struct trace *t, void *state, const struct stf_step *step)
{
    struct steps *s = state;
    struct buf *b = &t->scratch;
    finish_step(t, s, s->frame ? s->frame->res.gas : 0, NULL);
    if (s->limit && s->cnt >= s->limit)
        return;
    s->cnt++;
    s->frame = step->frame;
    s->pc = step->pc;
    s->gas = step->gas;
    s->op = step->op;
    s->depth = step->depth;
    s->stack_len = step->stack_len;
    buf_reset(b);
    buf_append_str(b, ","); /* what it follows is written later */
    if (!s->no_stack)
        write_stack(b, step);
    if (s->returndata && step->returndata.len)
        jm_hex(b, "returnData", step->returndata.p, step->returndata.len);
    if (s->memory && step->memory.len)
        write_memory(b, step->memory);
    if (!s->no_storage && ((step->op == OP_SLOAD && step->stack_len >= 1) ||
                           (step->op == OP_SSTORE && step->stack_len >= 2)))
        write_storage(t, s, b, step);
    if (step->refund)
        jm_number(b, "refund", step->refund);
    if (b->len == 1)
        buf_reset(b);
}

static void on_enter(struct trace *t, void *state, const struct ee_frame *f, enum call_kind kind)
{
    struct steps *s = state;
    (void)f, (void)kind;
    finish_step(t, s, s->frame ? s->frame->res.gas : 0, NULL);
}

static void on_end(struct trace *t, void *state, const struct ee_frame *f)
{
    struct steps *s = state;
    struct frame_outcome o = { .halt = f->halt };
    const char *error = f->halt == HALT_STOP || f->halt == HALT_REVERT
                            ? NULL
                            : trace_error(t, &o, HALT_NONE, s->op, s->stack_len, f->output);
    finish_step(t, s, f->res.gas, error);
}

static void on_exit_frame(struct trace *t, void *state, const struct ee_frame *f,
                          const struct frame_outcome *o)
{
    struct steps *s = state;
    if (f->depth > 0)
        return;
    s->halt = o->halt;
    if (o->halt == HALT_STOP || o->halt == HALT_REVERT)
        s->output = trace_copy(t, o->output);
}

static void *steps_open(struct trace *t, const json_t *config)
{
    struct steps *s = trace_alloc(t, sizeof(*s));
    bool ok = true;
    if (!s)
        return NULL;
    s->no_stack = trace_flag(t, config, "disableStack", &ok);
    s->no_storage = trace_flag(t, config, "disableStorage", &ok);
    s->memory = trace_flag(t, config, "enableMemory", &ok);
    s->returndata = trace_flag(t, config, "enableReturnData", &ok);
    const json_t *limit = json_object_get(config, "limit");
    if (ok && limit && !json_is_null(limit))
        ok = value_u64(t->c, limit, "limit", &s->limit);
    return ok ? s : NULL;
}

static void steps_write(struct trace *t, void *state, struct buf *out)
{
    struct steps *s = state;
    const struct stf_tx_result *r = t->result;
    open_answer(s, out);
    js_close(out, ']');
    jm_bool(out, "failed", !r->success);
    jm_number(out, "gas", r->gas_used);
    /* what a failed creation or one without pubdata left is no return value */
    bool shown = r->success || s->halt == HALT_REVERT;
    jm_hex(out, "returnValue", s->output.p, shown ? s->output.len : 0);
    js_close(out, '}');
}

const struct tracer_ops tracer_steps = {
    .name = "", /* the one that answers when none is named */
    .open = steps_open,
    .step = on_step,
    .enter = on_enter,
    .end = on_end,
    .exit = on_exit_frame,
    .write = steps_write,
};
