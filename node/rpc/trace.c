/* node/rpc/trace.c */
#include "node/rpc/trace.h"

#include "node/rpc/params.h"

#define ARENA_CHUNK       ((size_t)256 << 10)
#define ARENA_LIMIT       ((size_t)256 << 20)
#define TIMEOUT_DEFAULT   5000u  /* ms */
#define TIMEOUT_MAX       60000u /* a worker is busy all that time */
#define STEPS_BETWEEN     2048u  /* looks at the clock */
#define TRACER_NAME_SHOWN 64

/* ---- memory, size and time ---- */

static size_t arena_size(const struct arena *a)
{
    return a->total + a->cap;
}

/* What the trace has allocated is held of the budget of all requests, from one look to the next. */
static void hold(struct trace *t)
{
    size_t want =
        arena_size(&t->arena) + arena_size(t->execution) + t->scratch.cap + t->c->out->cap;
    if (want < t->held)
        rpc_memory_release(t->c->r, t->held - want);
    else if (!rpc_memory_reserve(t->c->r, want - t->held)) {
        if (t->stop == TRACE_GOES_ON)
            t->stop = TRACE_NO_BUDGET;
        return;
    }
    t->held = want;
}

void *trace_alloc(struct trace *t, size_t n)
{
    size_t before = t->arena.total;
    void *p = t->stop == TRACE_GOES_ON ? arena_zalloc(&t->arena, n) : NULL;
    if (!p && t->stop == TRACE_GOES_ON)
        t->stop = TRACE_NO_MEMORY;
    if (t->arena.total != before)
        hold(t);
    return t->stop == TRACE_GOES_ON ? p : NULL;
}

struct bytes trace_copy(struct trace *t, struct bytes b)
{
    uint8_t *p = b.len ? trace_alloc(t, b.len) : NULL;
    if (!p)
        return bytes_of(NULL, 0);
    memcpy(p, b.p, b.len);
    return bytes_of(p, b.len);
}

void trace_grow(struct trace *t, size_t n)
{
    if (n > t->max_size || t->size > t->max_size - n) {
        if (t->stop == TRACE_GOES_ON)
            t->stop = TRACE_TOO_BIG;
        return;
    }
    t->size += n;
}

static void look(struct trace *t)
{
    t->countdown = STEPS_BETWEEN;
    hold(t);
    if (clock_mono_ms(t->c->r->d.clock) >= t->deadline_ms && t->stop == TRACE_GOES_ON)
        t->stop = TRACE_LATE;
}

bool trace_goes_on(struct trace *t)
{
    if (t->countdown-- == 0)
        look(t);
    return t->stop == TRACE_GOES_ON;
}

/* ---- between the state transition function and the tracer ---- */

static bool on_step(void *ctx, const struct stf_step *s)
{
    struct trace *t = ctx;
    if (t->in_body && t->ops->step)
        t->ops->step(t, t->state, s);
    return trace_goes_on(t);
}

static void on_enter(void *ctx, const struct ee_frame *f, enum call_kind kind)
{
    struct trace *t = ctx;
    if (f->depth == 0) /* the frames of a mint have another caller (spec 10 §5) */
        t->in_body = t->is_on && addr_eq(&f->caller, &t->at.tx->from);
    if (t->in_body && t->ops->enter)
        t->ops->enter(t, t->state, f, kind);
}

static void on_end(void *ctx, const struct ee_frame *f)
{
    struct trace *t = ctx;
    if (t->in_body && t->ops->end)
        t->ops->end(t, t->state, f);
}

static void on_exit_frame(void *ctx, const struct ee_frame *f, const struct frame_outcome *o)
{
    struct trace *t = ctx;
    if (t->in_body && t->ops->exit)
        t->ops->exit(t, t->state, f, o);
    if (f->depth == 0)
        t->in_body = false;
}

static void on_event(void *ctx, const struct stf_event *e)
{
    struct trace *t = ctx;
    if (t->in_body && t->ops->event)
        t->ops->event(t, t->state, e);
}

static void on_destruct(void *ctx, const struct addr *self, const struct addr *beneficiary,
                        const struct u256 *amount)
{
    struct trace *t = ctx;
    if (t->in_body && t->ops->destruct)
        t->ops->destruct(t, t->state, self, beneficiary, amount);
}

bool trace_begin(struct trace *t, const struct trace_tx *at)
{
    arena_reset(&t->arena);
    t->at = *at;
    t->is_on = true;
    t->in_body = false;
    t->result = NULL;
    t->state = t->ops->open(t, t->config);
    return t->state != NULL;
}

void trace_write(struct trace *t, const struct stf_tx_result *r, struct buf *out)
{
    t->is_on = false;
    t->result = r;
    look(t);
    if (t->stop == TRACE_GOES_ON)
        t->ops->write(t, t->state, out);
}

bool trace_fail(struct trace *t)
{
    switch (t->stop) {
    case TRACE_LATE:
        return rpc_fail(t->c, RPC_SERVER, "execution timeout");
    case TRACE_TOO_BIG:
        t->c->out->failed = true; /* the dispatcher says so in the usual words */
        return true;
    case TRACE_NO_MEMORY:
        return rpc_fail(t->c, RPC_SERVER, "the trace needs more memory than one request may have");
    case TRACE_NO_BUDGET:
        return rpc_fail(t->c, RPC_SERVER, "the server is out of memory for traces, try again");
    case TRACE_GOES_ON:
        break;
    }
    return rpc_fail(t->c, RPC_INTERNAL, "internal error: the trace stopped");
}

/* ---- options ---- */

const struct tracer_ops *tracer_find(struct rpc_call *c, const char *name)
{
    static const struct tracer_ops *const all[] = {
        &tracer_calls,     &tracer_flat_calls, &tracer_prestate,
        &tracer_selectors, &tracer_noop,       &tracer_mux,
    };
    for (size_t i = 0; i < GH_COUNT(all); i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    if (strchr(name, '{') || strstr(name, "function"))
        rpc_fail(c, RPC_PARAMS,
                 "JavaScript tracers are not supported; callTracer, flatCallTracer, "
                 "prestateTracer, 4byteTracer, muxTracer and noopTracer are");
    else
        rpc_fail(c, RPC_PARAMS, "tracer %.*s is not supported", TRACER_NAME_SHOWN, name);
    return NULL;
}

bool trace_flag(struct trace *t, const json_t *config, const char *key, bool *ok)
{
    const json_t *v = json_object_get(config, key);
    if (!v || json_is_null(v))
        return false;
    if (!json_is_boolean(v)) {
        *ok = rpc_fail(t->c, RPC_PARAMS, "invalid tracer config: %s: expected true or false", key);
        return false;
    }
    return json_is_true(v);
}

/* A duration as Go writes it: "5s", "1m30s", "250ms". Fractions are taken for what they are worth in ms. */
static bool parse_duration(const char *s, uint64_t *ms)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = { { "ns", 1e-6 }, { "us", 1e-3 }, { "ms", 1 },
                  { "s", 1e3 },   { "m", 6e4 },   { "h", 3.6e6 } };
    double sum = 0;
    if (!*s)
        return false;
    while (*s) {
        double n = 0, place = 1;
        bool digits = false, fraction = false;
        for (; (*s >= '0' && *s <= '9') || (*s == '.' && !fraction); s++) {
            if (*s == '.') {
                fraction = true;
                continue;
            }
            digits = true;
            n = n * 10 + (*s - '0');
            place *= fraction ? 10 : 1;
        }
        size_t len = strcspn(s, "0123456789."), i = 0;
        while (i < GH_COUNT(units) &&
               (strlen(units[i].unit) != len || strncmp(units[i].unit, s, len) != 0))
            i++;
        if (!digits || i == GH_COUNT(units))
            return false;
        sum += n / place * units[i].ms;
        s += len;
    }
    *ms = sum < TIMEOUT_MAX ? (uint64_t)sum : TIMEOUT_MAX;
    return true;
}

static bool read_timeout(struct trace *t)
{
    uint64_t ms = TIMEOUT_DEFAULT;
    const json_t *v = json_object_get(t->options, "timeout");
    if (v && !json_is_null(v) && (!json_is_string(v) || !parse_duration(json_string_value(v), &ms)))
        return rpc_fail(t->c, RPC_PARAMS, "invalid params: timeout: expected a duration (\"5s\")");
    t->deadline_ms = clock_mono_ms(t->c->r->d.clock) + ms;
    return true;
}

static bool read_tracer(struct trace *t)
{
    const json_t *name = json_object_get(t->options, "tracer");
    t->config = json_object_get(t->options, "tracerConfig");
    if (json_is_null(t->config))
        t->config = NULL;
    if (t->config && !json_is_object(t->config))
        return rpc_fail(t->c, RPC_PARAMS, "invalid tracer config: expected an object");
    if (!name || json_is_null(name)) {
        t->ops = &tracer_steps;
        t->config = t->options;
        return true;
    }
    if (!json_is_string(name))
        return rpc_fail(t->c, RPC_PARAMS, "invalid params: tracer: expected a name");
    t->ops = tracer_find(t->c, json_string_value(name));
    return t->ops != NULL;
}

/* A place among the traces that are being made. */
static bool enter(struct rpc_call *c)
{
    size_t workers = (size_t)c->r->d.cfg->general.workers, max = workers > 2 ? workers - 1 : 1;
    size_t now = atomic_load(&c->r->traces);
    do {
        if (now >= max)
            return rpc_fail(c, RPC_SERVER, "no more than %zu traces are made at once; try again",
                            max);
    } while (!atomic_compare_exchange_weak(&c->r->traces, &now, now + 1));
    return true;
}

bool trace_init(struct trace *t, struct rpc_call *c, size_t i, const struct arena *execution)
{
    *t = (struct trace){ .c = c, .options = param_at(c, i), .execution = execution };
    if (t->options && !json_is_object(t->options))
        return rpc_fail(c, RPC_PARAMS, "invalid params: tracing options: expected an object");
    if (!read_tracer(t) || !read_timeout(t) || !enter(c))
        return false;
    t->hooks = (struct stf_tracer){ .ctx = t,
                                    .on_step = on_step,
                                    .on_enter = on_enter,
                                    .on_end = on_end,
                                    .on_exit = on_exit_frame,
                                    .on_event = on_event,
                                    .on_destruct = on_destruct };
    t->countdown = STEPS_BETWEEN;
    buf_init(&t->scratch, c->out->max);
    t->max_size = c->out->max > c->out->len ? c->out->max - c->out->len : 0;
    arena_init_growing(&t->arena, ARENA_CHUNK, ARENA_LIMIT);
    /* a configuration that is wrong is wrong for a block without transactions, too */
    bool ok = t->ops->open(t, t->config) != NULL;
    if (!ok)
        trace_clear(t);
    return ok;
}

void trace_clear(struct trace *t)
{
    arena_clear(&t->arena);
    buf_clear(&t->scratch);
    rpc_memory_release(t->c->r, t->held);
    atomic_fetch_sub(&t->c->r->traces, 1);
}
