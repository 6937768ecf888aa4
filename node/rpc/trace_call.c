/* node/rpc/trace_call.c
 *
 * callTracer: the tree of calls; flatCallTracer: the same tree as a list, as OpenEthereum's trace module has it. */
#include <stdio.h>

#include "node/rpc/encode.h"
#include "node/rpc/trace.h"
#include "node/stf/evm.h"

#define FRAME_SIZE 300u /* characters of a frame without its data */
#define LOG_SIZE   400u

struct log {
    struct log *next;
    struct stf_event e;
    uint64_t index;
    uint32_t position; /* calls of the frame before it */
};

struct frame {
    struct frame *parent, *first, *last, *next;
    struct log *first_log, *last_log;
    const char *type;
    struct addr from, to;
    struct u256 value;
    struct bytes input, output;
    uint64_t gas, gas_used;
    uint64_t logs_before; /* live logs when it began */
    uint32_t calls;
    const char *error, *reason; /* NULL: none */
    bool is_create, has_value, is_precompile, is_destruct, is_reverted;
    /* while it runs */
    uint64_t gas_at_start;
    enum stf_halt end;
    struct bytes end_output;
    uint8_t op;
    unsigned stack_len;
};

struct calls {
    struct frame *root, *now;
    uint64_t logs; /* live, of this transaction */
    bool only_top, with_log;
    bool keeps_precompiles, parity_errors; /* flat */
};

static struct frame *add_frame(struct trace *t, struct calls *c)
{
    struct frame *f = trace_alloc(t, sizeof(*f));
    if (!f)
        return NULL;
    f->parent = c->now;
    f->logs_before = c->logs;
    if (!c->now)
        c->root = f;
    else if (!c->now->first)
        c->now->first = f;
    else
        c->now->last->next = f;
    if (c->now) {
        c->now->last = f;
        c->now->calls++;
    }
    return f;
}

static const char *type_of(enum call_kind kind)
{
    static const char *const names[] = {
        [CALL_PLAIN] = "CALL",        [CALL_CODE] = "CALLCODE", [CALL_DELEGATE] = "DELEGATECALL",
        [CALL_STATIC] = "STATICCALL", [CALL_CREATE] = "CREATE", [CALL_CREATE2] = "CREATE2",
    };
    return names[kind];
}

/* ---- events ---- */

static void on_enter(struct trace *t, void *state, const struct ee_frame *f, enum call_kind kind)
{
    struct calls *c = state;
    if (c->only_top && f->depth > 0)
        return;
    struct frame *x = add_frame(t, c);
    if (!x)
        return;
    c->now = x;
    x->type = type_of(kind);
    x->is_create = f->is_create;
    x->from = kind == CALL_DELEGATE || kind == CALL_CODE ? f->self : f->caller;
    x->to = f->code_addr;
    x->value = f->value;
    x->has_value = kind != CALL_STATIC;
    x->is_precompile = !f->is_create && precompile_find(t->at.rules, &f->code_addr) != PRE_NONE;
    x->input = trace_copy(t, f->is_create ? f->code : f->input);
    x->gas = f->depth == 0 ? t->at.tx->gas_limit : f->res.gas;
    x->gas_at_start = f->res.gas;
    trace_grow(t, FRAME_SIZE + 2 * x->input.len);
}

static void on_step(struct trace *t, void *state, const struct stf_step *s)
{
    struct calls *c = state;
    (void)t;
    if (c->now && !(c->only_top && s->depth > 0)) {
        c->now->op = s->op;
        c->now->stack_len = s->stack_len;
    }
}

static void on_end(struct trace *t, void *state, const struct ee_frame *f)
{
    struct calls *c = state;
    (void)t;
    if (c->now && !(c->only_top && f->depth > 0)) {
        c->now->end = f->halt;
        c->now->end_output = f->output;
    }
}

static void on_exit_frame(struct trace *t, void *state, const struct ee_frame *f,
                          const struct frame_outcome *o)
{
    struct calls *c = state;
    struct frame *x = c->now;
    if (!x || (c->only_top && f->depth > 0))
        return;
    c->now = x->parent;
    x->gas_used = x->gas_at_start - f->res.gas;
    if (o->halt != HALT_STOP) {
        x->error = trace_error(t, o, x->end, x->op, x->stack_len, x->end_output);
        x->is_reverted = o->halt == HALT_REVERT && o->refusal == FRAME_TAKEN;
        c->logs = x->logs_before;
    }
    if (o->halt == HALT_STOP || (o->halt == HALT_REVERT && o->output.len)) {
        x->output = trace_copy(t, o->output);
        trace_grow(t, 2 * x->output.len);
    }
    if (o->halt == HALT_REVERT && x->output.len >= 4)
        x->reason = trace_revert_reason(t, x->output);
}

static void on_event(struct trace *t, void *state, const struct stf_event *e)
{
    struct calls *c = state;
    if (!c->with_log || !c->now)
        return;
    struct log *l = trace_alloc(t, sizeof(*l));
    if (!l)
        return;
    l->e = *e; /* its data is the block's */
    l->index = t->at.events_before + c->logs++;
    l->position = c->now->calls;
    if (c->now->last_log)
        c->now->last_log->next = l;
    else
        c->now->first_log = l;
    c->now->last_log = l;
    trace_grow(t, LOG_SIZE + 2 * e->data.len);
}

static void on_destruct(struct trace *t, void *state, const struct addr *self,
                        const struct addr *beneficiary, const struct u256 *amount)
{
    struct calls *c = state;
    if (c->only_top || !c->now)
        return;
    struct frame *x = add_frame(t, c);
    if (!x)
        return;
    x->type = "SELFDESTRUCT";
    x->is_destruct = true;
    x->from = *self;
    x->to = *beneficiary;
    x->value = *amount;
    x->has_value = true;
    trace_grow(t, FRAME_SIZE);
}

/* What the whole transaction came to, in its first frame. An L1 transaction may fail before its body begins. */
static struct frame *settle(struct trace *t, struct calls *c)
{
    const struct stf_tx *tx = t->at.tx;
    struct frame *root = c->root;
    if (!root) {
        struct frame *f = root = add_frame(t, c);
        if (!f)
            return NULL;
        f->type = tx->is_create ? "CREATE" : "CALL";
        f->is_create = tx->is_create;
        f->from = tx->from;
        f->to = tx->to;
        f->value = tx->value;
        f->has_value = true;
        f->input = tx->data;
        f->gas = tx->gas_limit;
    }
    root->gas_used = t->result->gas_used;
    if (!root->error && !t->result->success) {
        root->error = trace_tx_error(t);
        root->output = bytes_of(NULL, 0);
    }
    return root;
}

/* ---- callTracer ---- */

static void write_logs(struct buf *out, const struct frame *f)
{
    js_key(out, "logs");
    js_open(out, '[');
    for (const struct log *l = f->first_log; l; l = l->next) {
        js_open(out, '{');
        jm_addr(out, "address", &l->e.addr);
        js_key(out, "topics");
        js_open(out, '[');
        for (uint32_t i = 0; i < l->e.topic_cnt; i++)
            js_hex(out, l->e.topics[i].b, 32);
        js_close(out, ']');
        jm_hex(out, "data", l->e.data.p, l->e.data.len);
        jm_quantity(out, "index", l->index);
        jm_quantity(out, "position", l->position);
        js_close(out, '}');
    }
    js_close(out, ']');
}

/* The head of a frame, up to its calls. undone: it or a frame around it failed, so its logs never were. */
static void write_head(struct buf *out, const struct frame *f, bool undone)
{
    js_open(out, '{');
    jm_addr(out, "from", &f->from);
    jm_quantity(out, "gas", f->gas);
    jm_quantity(out, "gasUsed", f->gas_used);
    if (!(f->is_create && f->error))
        jm_addr(out, "to", &f->to);
    jm_hex(out, "input", f->input.p, f->input.len);
    if (f->output.len)
        jm_hex(out, "output", f->output.p, f->output.len);
    if (f->error)
        jm_text(out, "error", f->error);
    if (f->reason && *f->reason)
        jm_text(out, "revertReason", f->reason);
    if (f->first_log && !undone)
        write_logs(out, f);
    if (f->has_value)
        jm_quantity_u256(out, "value", &f->value);
    jm_text(out, "type", f->type);
}

/* Without recursion: the tree is as deep as calls may be. */
static void write_tree(struct buf *out, const struct frame *f)
{
    unsigned failed = 0; /* frames on the way down that failed */
    while (f) {
        failed += f->error != NULL;
        write_head(out, f, failed > 0);
        if (f->first) {
            js_key(out, "calls");
            js_open(out, '[');
            f = f->first;
            continue;
        }
        js_close(out, '}');
        failed -= f->error != NULL;
        while (f->parent && !f->next) {
            f = f->parent;
            js_close(out, ']');
            js_close(out, '}');
            failed -= f->error != NULL;
        }
        f = f->parent ? f->next : NULL;
    }
}

static void *calls_open(struct trace *t, const json_t *config)
{
    struct calls *c = trace_alloc(t, sizeof(*c));
    bool ok = true;
    if (!c)
        return NULL;
    c->only_top = trace_flag(t, config, "onlyTopCall", &ok);
    c->with_log = trace_flag(t, config, "withLog", &ok);
    return ok ? c : NULL;
}

static void calls_write(struct trace *t, void *state, struct buf *out)
{
    const struct frame *root = settle(t, state);
    if (root)
        write_tree(out, root);
    else
        js_raw(out, "null");
}

const struct tracer_ops tracer_calls = {
    .name = "callTracer",
    .open = calls_open,
    .step = on_step,
    .enter = on_enter,
    .end = on_end,
    .exit = on_exit_frame,
    .event = on_event,
    .destruct = on_destruct,
    .write = calls_write,
};

/* ---- flatCallTracer ---- */

/* OpenEthereum's words for the errors it had. */
static const char *flat_error(const struct calls *c, const char *error)
{
    static const char *const words[][2] = {
        { "contract creation code storage out of gas", "Out of gas" },
        { "out of gas", "Out of gas" },
        { "max call depth exceeded", "Out of stack" },
        { "execution reverted", "Reverted" },
        { "return data out of bounds", "Out of bounds" },
        { "write protection", "Mutable Call In Static Context" },
        { "invalid jump destination", "Bad jump destination" },
        { "invalid opcode: ", "Bad instruction" },
        { "stack underflow (", "Stack underflow" },
        { "stack limit reached ", "Out of stack" },
    };
    for (size_t i = 0; c->parity_errors && i < GH_COUNT(words); i++)
        if (strncmp(error, words[i][0], strlen(words[i][0])) == 0)
            return words[i][1];
    return error;
}

static void write_action(struct buf *out, const struct frame *f)
{
    char type[16];
    js_key(out, "action");
    js_open(out, '{');
    if (f->is_destruct) {
        jm_addr(out, "address", &f->from);
        jm_quantity_u256(out, "balance", &f->value);
        jm_addr(out, "refundAddress", &f->to);
    } else if (f->is_create) {
        jm_text(out, "creationMethod", f->type[6] ? "create2" : "create");
        jm_addr(out, "from", &f->from);
        jm_quantity(out, "gas", f->gas);
        jm_hex(out, "init", f->input.p, f->input.len);
        jm_quantity_u256(out, "value", &f->value);
    } else {
        size_t n = 0;
        for (; f->type[n] && n + 1 < sizeof(type); n++)
            type[n] = (char)(f->type[n] | 0x20);
        type[n] = 0;
        jm_text(out, "callType", type);
        jm_addr(out, "from", &f->from);
        jm_quantity(out, "gas", f->gas);
        jm_hex(out, "input", f->input.p, f->input.len);
        jm_addr(out, "to", &f->to);
        jm_quantity_u256(out, "value", &f->value);
    }
    js_close(out, '}');
}

static void write_result(struct buf *out, const struct frame *f)
{
    if (f->is_destruct || (f->error && !f->is_reverted))
        return;
    js_key(out, "result");
    js_open(out, '{');
    if (f->is_create && !f->error)
        jm_addr(out, "address", &f->to);
    if (f->is_create)
        jm_hex(out, "code", f->output.p, f->output.len);
    jm_quantity(out, "gasUsed", f->gas_used);
    if (!f->is_create)
        jm_hex(out, "output", f->output.p, f->output.len);
    js_close(out, '}');
}

/* Calls of precompiles inside the transaction are left out unless asked for. */
static bool is_shown(const struct calls *c, const struct frame *f)
{
    return c->keeps_precompiles || !f->parent || !f->is_precompile;
}

static uint32_t shown_calls(const struct calls *c, const struct frame *f)
{
    uint32_t n = 0;
    for (const struct frame *x = f->first; x; x = x->next)
        n += is_shown(c, x);
    return n;
}

static void write_flat(struct trace *t, struct buf *out, const struct calls *c,
                       const struct frame *f, const uint32_t *path, size_t depth)
{
    js_open(out, '{');
    write_action(out, f);
    if (t->at.block_hash) {
        jm_hash(out, "blockHash", t->at.block_hash);
        jm_number(out, "blockNumber", t->at.ctx->number);
    }
    if (f->error)
        jm_text(out, "error", flat_error(c, f->error));
    write_result(out, f);
    jm_number(out, "subtraces", shown_calls(c, f));
    js_key(out, "traceAddress");
    js_open(out, '[');
    for (size_t i = 0; i < depth; i++)
        js_number(out, path[i]);
    js_close(out, ']');
    if (t->at.block_hash) {
        jm_hash(out, "transactionHash", &t->at.tx->hash);
        jm_number(out, "transactionPosition", t->at.index);
    }
    jm_text(out, "type", f->is_destruct ? "suicide" : f->is_create ? "create" : "call");
    js_close(out, '}');
}

static void *flat_open(struct trace *t, const json_t *config)
{
    struct calls *c = trace_alloc(t, sizeof(*c));
    bool ok = true;
    if (!c)
        return NULL;
    c->keeps_precompiles = trace_flag(t, config, "includePrecompiles", &ok);
    c->parity_errors = trace_flag(t, config, "convertParityErrors", &ok);
    return ok ? c : NULL;
}

static void flat_write(struct trace *t, void *state, struct buf *out)
{
    struct calls *c = state;
    const struct frame *f = settle(t, c);
    uint32_t path[EE_DEPTH_CAP + 1] = { 0 };
    size_t depth = 0;
    js_open(out, '[');
    while (f && !out->failed) {
        if (is_shown(c, f))
            write_flat(t, out, c, f, path, depth);
        if (f->first) {
            f = f->first;
            path[depth++] = 0;
            continue;
        }
        while (f->parent && !f->next) {
            f = f->parent;
            depth--;
        }
        if (!f->parent)
            break;
        path[depth - 1] += is_shown(c, f); /* the place of the next one beside it */
        f = f->next;
    }
    js_close(out, ']');
}

const struct tracer_ops tracer_flat_calls = {
    .name = "flatCallTracer",
    .open = flat_open,
    .step = on_step,
    .enter = on_enter,
    .end = on_end,
    .exit = on_exit_frame,
    .destruct = on_destruct,
    .write = flat_write,
};
