/* node/rpc/trace_small.c
 *
 * 4byteTracer, noopTracer and muxTracer. */
#include <stdio.h>

#include "node/base/map.h"
#include "node/rpc/encode.h"
#include "node/rpc/trace.h"

/* ---- 4byteTracer: how often each function was called, by selector and length of its arguments ---- */

struct selector_key {
    uint8_t selector[8]; /* the last four are zero */
    uint64_t len;
};
struct selectors {
    struct map counts; /* selector_key -> uint64_t */
};

static void *from_arena(void *ctx, size_t n)
{
    return trace_alloc(ctx, n);
}

static void *selectors_open(struct trace *t, const json_t *config)
{
    (void)config;
    struct selectors *s = trace_alloc(t, sizeof(*s));
    if (s)
        map_init(&s->counts, sizeof(struct selector_key), sizeof(uint64_t), (uint64_t)(uintptr_t)t,
                 from_arena, NULL, t);
    return s;
}

static void selectors_enter(struct trace *t, void *state, const struct ee_frame *f,
                            enum call_kind kind)
{
    struct selectors *s = state;
    (void)kind;
    if (f->is_create || f->input.len < 4 ||
        (f->depth > 0 && precompile_find(t->at.rules, &f->code_addr) != PRE_NONE))
        return;
    struct selector_key key = { .len = f->input.len - 4 };
    memcpy(key.selector, f->input.p, 4);
    bool inserted = false;
    uint64_t *n = map_put(&s->counts, &key, &inserted);
    if (!n)
        return; /* the trace has stopped */
    if (inserted)
        trace_grow(t, 40);
    (*n)++;
}

static void selectors_write(struct trace *t, void *state, struct buf *out)
{
    struct selectors *s = state;
    const void *k;
    void *v;
    (void)t;
    js_open(out, '{');
    for (size_t i = 0; map_next(&s->counts, &i, &k, &v);) {
        const struct selector_key *key = k;
        char name[48];
        const uint64_t *n = v;
        snprintf(name, sizeof(name), "0x%02x%02x%02x%02x-%llu", key->selector[0], key->selector[1],
                 key->selector[2], key->selector[3], (unsigned long long)key->len);
        jm_number(out, name, *n);
    }
    js_close(out, '}');
}

const struct tracer_ops tracer_selectors = {
    .name = "4byteTracer",
    .open = selectors_open,
    .enter = selectors_enter,
    .write = selectors_write,
};

/* ---- noopTracer ---- */

static void *noop_open(struct trace *t, const json_t *config)
{
    (void)config;
    return trace_alloc(t, 1);
}

static void noop_write(struct trace *t, void *state, struct buf *out)
{
    (void)t, (void)state;
    js_raw(out, "{}");
}

const struct tracer_ops tracer_noop = {
    .name = "noopTracer",
    .open = noop_open,
    .write = noop_write,
};

/* ---- muxTracer: several at once ---- */

#define MUX_MAX 8u

struct mux {
    size_t cnt;
    struct {
        const struct tracer_ops *ops;
        void *state;
    } each[MUX_MAX];
};

static bool mux_add(struct trace *t, struct mux *m, const char *name, const json_t *config)
{
    if (m->cnt == MUX_MAX)
        return rpc_fail(t->c, RPC_PARAMS, "invalid tracer config: more than %u tracers", MUX_MAX);
    const struct tracer_ops *ops = tracer_find(t->c, name);
    if (!ops)
        return false;
    if (ops == &tracer_mux)
        return rpc_fail(t->c, RPC_PARAMS, "invalid tracer config: a muxTracer inside a muxTracer");
    if (json_is_null(config))
        config = NULL;
    if (config && !json_is_object(config))
        return rpc_fail(t->c, RPC_PARAMS, "invalid tracer config: %s: expected an object",
                        ops->name);
    m->each[m->cnt].ops = ops;
    m->each[m->cnt].state = ops->open(t, config);
    return m->each[m->cnt++].state != NULL;
}

static void *mux_open(struct trace *t, const json_t *config)
{
    struct mux *m = trace_alloc(t, sizeof(*m));
    const char *name;
    json_t *v;
    bool ok = m != NULL;
    json_object_foreach(json_unconst(config), name, v)
    {
        ok = ok && mux_add(t, m, name, v);
    }
    return ok ? m : NULL;
}

#define MUX_EACH(fn, ...)                                                                          \
    do {                                                                                           \
        struct mux *m = state;                                                                     \
        for (size_t i = 0; i < m->cnt; i++)                                                        \
            if (m->each[i].ops->fn)                                                                \
                m->each[i].ops->fn(t, m->each[i].state, __VA_ARGS__);                              \
    } while (0)

static void mux_step(struct trace *t, void *state, const struct stf_step *s)
{
    MUX_EACH(step, s);
}
static void mux_enter(struct trace *t, void *state, const struct ee_frame *f, enum call_kind kind)
{
    MUX_EACH(enter, f, kind);
}
static void mux_end(struct trace *t, void *state, const struct ee_frame *f)
{
    MUX_EACH(end, f);
}
static void mux_exit(struct trace *t, void *state, const struct ee_frame *f,
                     const struct frame_outcome *o)
{
    MUX_EACH(exit, f, o);
}
static void mux_event(struct trace *t, void *state, const struct stf_event *e)
{
    MUX_EACH(event, e);
}
static void mux_destruct(struct trace *t, void *state, const struct addr *self,
                         const struct addr *beneficiary, const struct u256 *amount)
{
    MUX_EACH(destruct, self, beneficiary, amount);
}

static void mux_write(struct trace *t, void *state, struct buf *out)
{
    struct mux *m = state;
    js_open(out, '{');
    for (size_t i = 0; i < m->cnt; i++) {
        js_key(out, m->each[i].ops->name);
        m->each[i].ops->write(t, m->each[i].state, out);
    }
    js_close(out, '}');
}

const struct tracer_ops tracer_mux = {
    .name = "muxTracer",
    .open = mux_open,
    .step = mux_step,
    .enter = mux_enter,
    .end = mux_end,
    .exit = mux_exit,
    .event = mux_event,
    .destruct = mux_destruct,
    .write = mux_write,
};
