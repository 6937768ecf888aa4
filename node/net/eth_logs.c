#include <stdlib.h>
#include <string.h>

#include "node/net/eth_internal.h"

#define SPAN_START UINT64_C(2000)
#define SPAN_MAX   UINT64_C(50000)

static json_t *range_params(const json_t *filter, uint64_t from, uint64_t to)
{
    json_t *o = json_copy((json_t *)(uintptr_t)filter);
    if (json_object_set_new(o, "fromBlock", eth_encode_u64(from)) != 0 ||
        json_object_set_new(o, "toBlock", eth_encode_u64(to)) != 0) {
        json_decref(o);
        return NULL;
    }
    return json_pack("[o]", o);
}

/* A node that mixes up ranges or order would make a watcher skip events. */
static bool check_logs(const struct eth_log *logs, size_t n, uint64_t from, uint64_t to,
                       struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (logs[i].block_number < from || logs[i].block_number > to)
            return err_set(err, ERR_INVALID, "log of block %llu outside %llu..%llu",
                           (unsigned long long)logs[i].block_number, (unsigned long long)from,
                           (unsigned long long)to);
        if (i > 0 && (logs[i].block_number < logs[i - 1].block_number ||
                      (logs[i].block_number == logs[i - 1].block_number &&
                       logs[i].log_index <= logs[i - 1].log_index)))
            return err_set(err, ERR_INVALID, "logs are not in order");
    }
    return true;
}

static struct eth_request *ask_logs(struct eth_client *c, json_t *params,
                                    const struct eth_opts *opts, eth_step_fn *step,
                                    union eth_user_fn user, void *arg, struct err *err)
{
    if (!params) {
        err_set(err, ERR_LOCAL, "out of memory");
        return NULL;
    }
    return eth_request_new(c, "eth_getLogs", params, opts, step, user, arg, err);
}

/* --- adaptive ranges: num[0] from, num[1] end of what is asked now, num[2] end of what is wanted --- */

struct scan {
    struct eth_span *span; /* borrowed */
    size_t filter_len;
    char filter[]; /* the filter as JSON, to build the next range from */
};

static uint64_t span_now(const struct eth_span *s)
{
    return s->blocks ? s->blocks : SPAN_START;
}

/* Providers that know better say so: "this block range should work: [0x1, 0x64]". */
static bool proposed_end(const char *msg, uint64_t from, uint64_t to, uint64_t *end)
{
    const char *p = strstr(msg, "[0x");
    const char *q = p ? strstr(p, ", 0x") : NULL;
    if (!q)
        return false;
    char *stop = NULL;
    uint64_t a = strtoull(p + 3, &stop, 16);
    uint64_t b = strtoull(q + 4, &stop, 16);
    if (*stop != ']' || a != from || b < from || b >= to)
        return false;
    *end = b;
    return true;
}

static bool worth_splitting(const struct eth_request *r, const struct err *e)
{
    if (r->num[1] == r->num[0])
        return false;
    if (e->kind == ERR_REJECTED)
        return e->code != -32601 && e->code != -32700;
    return e->kind == ERR_INVALID && e->code == ETH_CODE_TOO_LARGE;
}

static bool scan_ask(struct eth_request *r, uint64_t end)
{
    const struct scan *s = r->extra;
    json_t *filter = json_loadb(s->filter, s->filter_len, 0, NULL);
    r->num[1] = end;
    json_t *params = filter ? range_params(filter, r->num[0], end) : NULL;
    json_decref(filter);
    return params && eth_request_set_call(r, "eth_getLogs", params);
}

static enum eth_step scan_split(struct eth_request *r, const struct err *why, struct err *err)
{
    struct eth_span *span = ((struct scan *)r->extra)->span;
    uint64_t end = r->num[0] + (r->num[1] - r->num[0]) / 2;
    (void)proposed_end(why->msg, r->num[0], r->num[1], &end);
    span->splits++;
    span->blocks = end - r->num[0] + 1;
    if (scan_ask(r, end))
        return ETH_STEP_AGAIN;
    err_set(err, ERR_LOCAL, "out of memory");
    return ETH_STEP_BAD;
}

static void span_grow(struct eth_span *s, uint64_t asked)
{
    uint64_t max = s->blocks_max ? s->blocks_max : SPAN_MAX;
    if (asked < span_now(s))
        return; /* the end of the range, not a measure of what the provider takes */
    s->blocks = asked + asked / 2 + 1;
    if (s->blocks > max)
        s->blocks = max;
}

static enum eth_step step_scan(struct eth_request *r, const struct eth_reply *reply,
                               struct err *err)
{
    struct eth_span *span = ((struct scan *)r->extra)->span;
    struct arena a;
    struct eth_log *logs = NULL;
    size_t n = 0;
    if (reply->err) {
        if (worth_splitting(r, reply->err))
            return scan_split(r, reply->err, err);
        if (r->num[1] > r->num[0])
            span->blocks = (r->num[1] - r->num[0] + 2) / 2;
        r->user.scan(r->arg, reply, NULL, 0, 0);
        return ETH_STEP_DONE;
    }
    arena_init_growing(&a, (size_t)64 << 10, 4 * r->c->cfg.max_response_len);
    bool ok = eth_decode_logs(reply->result, &a, &logs, &n, err) &&
              check_logs(logs, n, r->num[0], r->num[1], err);
    if (ok) {
        span_grow(span, r->num[1] - r->num[0] + 1);
        r->user.scan(r->arg, reply, logs, n, r->num[1]);
    }
    arena_clear(&a);
    return ok ? ETH_STEP_DONE : ETH_STEP_BAD;
}

struct eth_request *eth_scan_logs(struct eth_client *c, struct eth_span *span,
                                  const struct eth_filter *f, uint64_t from, uint64_t to,
                                  const struct eth_opts *opts, eth_scan_fn *cb, void *arg,
                                  struct err *err)
{
    CHECK(from <= to);
    uint64_t end = to - from >= span_now(span) ? from + span_now(span) - 1 : to;
    json_t *filter = eth_encode_filter(f);
    char *text = filter ? json_dumps(filter, JSON_COMPACT) : NULL;
    size_t len = text ? strlen(text) : 0;
    struct scan *s = text ? malloc(sizeof(*s) + len + 1) : NULL;
    struct eth_request *r = NULL;
    if (!s)
        err_set(err, ERR_LOCAL, "out of memory");
    else
        r = ask_logs(c, range_params(filter, from, end), opts, step_scan,
                     (union eth_user_fn){ .scan = cb }, arg, err);
    if (r) {
        s->span = span;
        s->filter_len = len;
        memcpy(s->filter, text, len + 1);
        r->extra = s;
        r->num[0] = from;
        r->num[1] = end;
        r->num[2] = to;
    } else {
        free(s);
    }
    json_decref(filter);
    free(text);
    return r;
}
