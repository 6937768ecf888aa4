/* node/rpc/dispatch.c
 *
 * From a body to a reply: check, split into calls, find the handler, write the answer or the error. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/base/hex.h"
#include "node/base/log.h"
#include "node/rpc/encode.h"
#include "node/rpc/handlers.h"

enum method_ns { NS_ETH, NS_NET, NS_WEB3, NS_TXPOOL, NS_DEBUG, NS_ZKS };

static const struct method {
    const char *name;
    rpc_handler_fn *handler;
    enum method_ns ns;
    bool boot;
} methods[] = {
#define RPC_METHOD(name, handler, ns, boot) { name, handler, NS_##ns, boot },
#include "node/rpc/rpc_methods.def"
#undef RPC_METHOD
};

const char *rpc_method_name(size_t i)
{
    return i < GH_COUNT(methods) ? methods[i].name : NULL;
}

/* ---- failing a call ---- */

bool rpc_fail(struct rpc_call *c, int code, const char *fmt, ...)
{
    va_list ap;
    c->code = code;
    va_start(ap, fmt);
    vsnprintf(c->message, sizeof(c->message), fmt, ap);
    va_end(ap);
    return false;
}

bool rpc_fail_err(struct rpc_call *c, const struct err *e)
{
    log_warn(LOG_RPC, "call failed inside", LOG_STR("error", e->msg));
    return rpc_fail(c, RPC_INTERNAL, "internal error: %s", e->msg);
}

bool rpc_no_memory(struct rpc_call *c)
{
    return rpc_fail(c, RPC_INTERNAL, "internal error: out of memory for this request");
}

/* ---- memory and sessions ---- */

bool rpc_memory_reserve(void *rpc, size_t len)
{
    struct rpc *r = rpc;
    size_t used = atomic_load(&r->memory);
    do {
        if (len > r->d.cfg->rpc.memory_budget || used > r->d.cfg->rpc.memory_budget - len)
            return false;
    } while (!atomic_compare_exchange_weak(&r->memory, &used, used + len));
    return true;
}

void rpc_memory_release(void *rpc, size_t len)
{
    struct rpc *r = rpc;
    size_t before = atomic_fetch_sub(&r->memory, len);
    CHECK(before >= len);
}

#define ARENA_CHUNK (64u << 10)
#define ARENA_LIMIT ((size_t)1 << 30)

struct rpc_session *rpc_session_take(struct rpc *r)
{
    pthread_mutex_lock(&r->mutex);
    struct rpc_session *s = r->free_sessions;
    if (s)
        r->free_sessions = s->next;
    pthread_mutex_unlock(&r->mutex);
    if (s)
        return s;
    s = calloc(1, sizeof(*s));
    if (s)
        arena_init_growing(&s->arena, ARENA_CHUNK, ARENA_LIMIT);
    return s;
}

void rpc_session_give(struct rpc *r, struct rpc_session *s)
{
    state_view_close(s->view);
    s->view = NULL;
    s->client = NULL;
    arena_reset(&s->arena);
    pthread_mutex_lock(&r->mutex);
    s->next = r->free_sessions;
    r->free_sessions = s;
    pthread_mutex_unlock(&r->mutex);
}

struct store_reader *rpc_reader(struct rpc_call *c)
{
    if (c->s->reader)
        return c->s->reader;
    struct err err = { 0 };
    if (c->r->d.store)
        c->s->reader = store_reader_open(c->r->d.store, &err);
    if (!c->s->reader)
        rpc_fail_err(c, &err);
    return c->s->reader;
}

/* ---- one call ---- */

struct envelope { /* a request object, in slices of the body */
    struct json_slice id, method, params;
    bool has_id, valid;
};

static bool id_is_valid(struct json_slice id)
{
    char c = id.p[0];
    return c == '"' || c == '-' || (c >= '0' && c <= '9') || c == 'n';
}

static struct envelope split_call(struct json_slice call)
{
    struct envelope e = { .valid = call.len > 0 && call.p[0] == '{' };
    struct json_slice key, value;
    bool version = false;
    size_t at = 0;
    while (e.valid && json_object_next(call, &at, &key, &value)) {
        if (json_string_is(key, "jsonrpc"))
            version = json_string_is(value, "2.0");
        else if (json_string_is(key, "id"))
            e.id = value, e.has_id = true;
        else if (json_string_is(key, "method"))
            e.method = value;
        else if (json_string_is(key, "params"))
            e.params = value;
    }
    if (e.has_id && !id_is_valid(e.id)) {
        e.id = (struct json_slice){ "null", 4 };
        e.valid = false;
    }
    e.valid = e.valid && version && e.method.len > 0 && e.method.p[0] == '"';
    if (!e.valid && !e.has_id) {
        e.id = (struct json_slice){ "null", 4 };
        e.has_id = true;
    }
    return e;
}

static const struct method *find_method(struct json_slice name)
{
    char text[64];
    if (!json_string_plain(name, text, sizeof(text)))
        return NULL;
    for (size_t i = 0; i < GH_COUNT(methods); i++)
        if (strcmp(methods[i].name, text) == 0)
            return &methods[i];
    return NULL;
}

static bool method_is_on(const struct rpc *r, const struct method *m)
{
    if (m->ns == NS_DEBUG)
        return r->d.cfg->rpc.debug_namespace;
    return m->ns != NS_TXPOOL || r->d.cfg->rpc.txpool_namespace;
}

/* `["0x.."]` with nothing else in it: the text inside the quotes. */
static bool single_string_param(struct json_slice params, struct json_slice *text)
{
    struct json_slice more;
    size_t at = 0;
    if (params.len == 0 || params.p[0] != '[' || !json_array_next(params, &at, text) ||
        text->p[0] != '"' || json_array_next(params, &at, &more))
        return false;
    *text = (struct json_slice){ text->p + 1, text->len - 2 };
    return memchr(text->p, '\\', text->len) == NULL;
}

static bool run_with_params(struct rpc_call *c, const struct method *m, struct json_slice params)
{
    if (params.len == 0 || params.p[0] == 'n')
        return m->handler(c);
    if (params.p[0] != '[')
        return rpc_fail(c, RPC_PARAMS, "invalid params: positional parameters are expected");
    json_error_t fault;
    json_t *tree = json_loadb(params.p, params.len, 0, &fault);
    if (!tree)
        return rpc_fail(c, RPC_PARAMS, "invalid params: %s", fault.text);
    c->params = tree;
    bool ok = m->handler(c);
    json_decref(tree);
    c->params = NULL;
    return ok;
}

static bool run_call(struct rpc_call *c, const struct envelope *e, size_t *method)
{
    if (!e->valid)
        return rpc_fail(c, RPC_INVALID_REQUEST, "invalid request");
    const struct method *m = find_method(e->method);
    if (!m)
        return rpc_fail(c, RPC_NO_METHOD, "Method not found");
    *method = (size_t)(m - methods);
    if (!method_is_on(c->r, m))
        return rpc_fail(c, RPC_NO_METHOD, "Method disabled");
    if (!m->boot && !atomic_load(&c->r->ready))
        return rpc_fail(c, RPC_SERVER, "Node is not ready");
    struct json_slice text;
    if (json_string_is(e->method, "eth_sendRawTransaction") &&
        single_string_param(e->params, &text))
        return rpc_send_raw(c, text.p, text.len);
    return run_with_params(c, m, e->params);
}

static void write_error(struct rpc_call *c)
{
    struct buf *b = c->out;
    buf_printf(b, "\"error\":{\"code\":%d,\"message\":", c->code);
    js_text(b, c->message);
    if (c->has_data) {
        js_key(b, "data");
        js_hex(b, c->data.p, c->data.len);
    } else if (c->data_text[0]) {
        js_key(b, "data");
        js_text(b, c->data_text);
    }
    buf_append(b, "}", 1);
}

static void cut(struct buf *b, size_t len)
{
    b->len = len;
    b->failed = false;
}

static void write_head(struct buf *out, struct json_slice id)
{
    buf_append_str(out, "{\"jsonrpc\":\"2.0\",\"id\":");
    buf_append(out, id.p, id.len);
    buf_append(out, ",", 1);
}

/* Response limit, with room left for an error in its place. */
#define ERROR_ROOM 4096u

static void answer_call(struct rpc *r, struct rpc_session *s, struct json_slice call,
                        struct buf *out)
{
    struct envelope e = split_call(call);
    struct rpc_call c = { .r = r, .s = s, .out = out };
    size_t start = out->len, full_max = out->max, limit = r->d.cfg->rpc.max_response_size;
    size_t method = GH_COUNT(methods);
    uint64_t from_ms = clock_mono_ms(r->d.clock);
    write_head(out, e.id);
    size_t head = out->len;
    if (full_max > ERROR_ROOM && out->max - ERROR_ROOM > out->len)
        out->max -= ERROR_ROOM;
    if (out->max > start + limit)
        out->max = start + limit;
    buf_append_str(out, "\"result\":");
    bool ok = run_call(&c, &e, &method);
    bool too_big = ok && out->failed;
    out->max = full_max;
    if (too_big) {
        ok = rpc_fail(&c, RPC_TOO_BIG, "Response is too big");
        snprintf(c.data_text, sizeof(c.data_text), "Exceeded max limit of %zu", limit);
    }
    if (!ok) {
        cut(out, head);
        if (c.code == 0)
            rpc_fail(&c, RPC_INTERNAL, "internal error");
        write_error(&c);
    }
    buf_append(out, "}", 1);
    if (!e.has_id)
        cut(out, start);
    rpc_tally_call(r->tallies, method, (clock_mono_ms(r->d.clock) - from_ms) * 1000,
                   ok ? 0 : c.code);
}

static void whole_error(struct rpc *r, struct buf *out, int code, const char *message)
{
    struct rpc_call c = { .r = r, .out = out, .code = code };
    snprintf(c.message, sizeof(c.message), "%s", message);
    write_head(out, (struct json_slice){ "null", 4 });
    write_error(&c);
    buf_append(out, "}", 1);
    rpc_tally_call(r->tallies, GH_COUNT(methods), 0, code);
}

static size_t count_calls(struct json_slice batch)
{
    struct json_slice call;
    size_t n = 0;
    for (size_t at = 0; json_array_next(batch, &at, &call);)
        n++;
    return n;
}

/* The reply under construction is in the memory budget from one call to the next. */
static bool hold_reply(struct rpc *r, const struct buf *out, size_t *held)
{
    if (out->cap <= *held)
        return true;
    if (!rpc_memory_reserve(r, out->cap - *held))
        return false;
    *held = out->cap;
    return true;
}

static void answer_batch(struct rpc *r, struct rpc_session *s, struct json_slice batch,
                         struct buf *out)
{
    struct json_slice call;
    size_t start = out->len, held = 0;
    buf_append(out, "[", 1);
    for (size_t at = 0; json_array_next(batch, &at, &call);) {
        size_t before = out->len;
        if (before > start + 1)
            buf_append(out, ",", 1);
        size_t from = out->len;
        if (hold_reply(r, out, &held)) {
            answer_call(r, s, call, out);
        } else {
            struct envelope e = split_call(call);
            struct rpc_call c = { .r = r, .out = out };
            rpc_fail(&c, RPC_SERVER,
                     "the server is out of memory for replies, try a smaller batch");
            write_head(out, e.id);
            write_error(&c);
            buf_append(out, "}", 1);
        }
        if (out->len == from)
            cut(out, before); /* a notification */
    }
    if (out->failed) {
        cut(out, start);
        whole_error(r, out, RPC_TOO_BIG, "Response is too big");
    } else if (out->len == start + 1) {
        cut(out, start);
    } else {
        buf_append(out, "]", 1);
    }
    rpc_memory_release(r, held);
}

static void dispatch_checked(struct rpc *r, struct rpc_client *client, struct bytes body,
                             struct buf *out, size_t *calls)
{
    struct rpc_session *s = rpc_session_take(r);
    if (!s) {
        whole_error(r, out, RPC_INTERNAL, "internal error: out of memory for this request");
        return;
    }
    s->client = client;
    struct json_slice all = json_first(body);
    *calls = all.p[0] == '[' ? count_calls(all) : 1;
    if (all.p[0] != '[')
        answer_call(r, s, all, out);
    else if (*calls == 0)
        whole_error(r, out, RPC_INVALID_REQUEST, "invalid request: empty batch");
    else if (*calls > r->d.cfg->rpc.max_batch_size)
        whole_error(r, out, RPC_BATCH_TOO_LARGE, "The batch request was too large");
    else
        answer_batch(r, s, all, out);
    rpc_session_give(r, s);
}

void rpc_dispatch(struct rpc *r, struct bytes body, struct buf *out)
{
    rpc_dispatch_for(r, NULL, body, out);
}

void rpc_dispatch_for(struct rpc *r, struct rpc_client *client, struct bytes body, struct buf *out)
{
    uint64_t from_ms = clock_mono_ms(r->d.clock);
    size_t start = out->len, tree = 0, calls = 1;
    enum json_fault fault = json_check(body, JSON_MAX_DEPTH, &tree);
    if (fault == JSON_MALFORMED)
        whole_error(r, out, RPC_PARSE, "parse error: the request is not JSON");
    else if (fault == JSON_TOO_DEEP)
        whole_error(r, out, RPC_INVALID_REQUEST,
                    "invalid request: JSON nested deeper than 64 levels");
    else if (!rpc_memory_reserve(r, tree))
        whole_error(r, out, RPC_SERVER, "the server is out of memory for requests, try again");
    else {
        dispatch_checked(r, client, body, out, &calls);
        rpc_memory_release(r, tree);
    }
    rpc_tally_body(r->tallies, body.len, out->len - start, calls,
                   (clock_mono_ms(r->d.clock) - from_ms) * 1000);
}
