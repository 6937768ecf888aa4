#include "node/net/eth_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/base/log.h"
#include "node/net/eth_internal.h"

#define FIRST_ID UINT64_C(2) /* 1 is ETH_HEAD_ID */

static uint64_t now_ms(const struct eth_client *c)
{
    return clock_mono_ms(c->clock);
}

/* --- two events: arming a timer takes back an activation of the same event --- */

void eth_client_kick(struct eth_client *c)
{
    event_active(c->kick, EV_TIMEOUT, 0);
}

static void wake_in(struct eth_client *c, uint64_t ms)
{
    struct timeval tv = { (time_t)(ms / 1000), (suseconds_t)(ms % 1000) * 1000 };
    event_add(c->wake, &tv);
}

/* --- requests --- */

bool eth_request_set_call(struct eth_request *r, const char *method, json_t *params)
{
    char *args = params ? json_dumps(params, JSON_COMPACT) : strdup("[]");
    json_decref(params);
    if (!args)
        return false;
    size_t cap = strlen(args) + strlen(method) + 80;
    char *text = malloc(cap);
    if (text) {
        int n =
            snprintf(text, cap, "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"method\":\"%s\",\"params\":%s}",
                     (unsigned long long)r->id, method, args);
        CHECK(n > 0 && (size_t)n < cap);
        free(r->text);
        r->text = text;
        r->text_len = (size_t)n;
        snprintf(r->method, sizeof(r->method), "%s", method);
    }
    free(args);
    return text != NULL;
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct eth_request *r = arg;
    struct err e;
    if (r->post)
        r->maybe_delivered = true;
    if (r->last_err.kind != ERR_NONE)
        err_set_code(&e, ERR_TRANSIENT, r->last_err.code, "%s: deadline passed; last problem: %s",
                     r->method, r->last_err.msg);
    else
        err_set(&e, ERR_TRANSIENT, "%s: no answer before the deadline", r->method);
    eth_request_fail(r, &e);
}

static bool arm_deadline(struct eth_request *r)
{
    uint64_t now = now_ms(r->c);
    uint64_t ms = r->deadline_at_ms > now ? r->deadline_at_ms - now : 0;
    struct timeval tv = { (time_t)(ms / 1000), (suseconds_t)(ms % 1000) * 1000 };
    return event_add(r->deadline, &tv) == 0;
}

/* Slow calls do not hold up others that travel in the same batch. */
static bool method_is_heavy(const char *m)
{
    return strcmp(m, "eth_getLogs") == 0 || strncmp(m, "debug_", 6) == 0 ||
           strncmp(m, "trace_", 6) == 0 || strcmp(m, "eth_simulateV1") == 0;
}

static bool method_is_plain(const char *m)
{
    size_t n = strlen(m);
    return n > 0 && n < ETH_METHOD_CAP &&
           strspn(m, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == n;
}

struct eth_request *eth_request_new(struct eth_client *c, const char *method, json_t *params,
                                    const struct eth_opts *opts, eth_step_fn *step,
                                    union eth_user_fn user, void *arg, struct err *err)
{
    struct eth_request *r = NULL;
    if (!method_is_plain(method)) {
        err_set(err, ERR_INVALID, "method name");
    } else if (c->queued + c->in_flight >= c->cfg.max_queued) {
        err_set(err, ERR_TRANSIENT, "%s: too many calls are waiting", method);
    } else {
        r = calloc(1, sizeof(*r));
        if (!r)
            err_set(err, ERR_LOCAL, "out of memory");
    }
    if (!r) {
        json_decref(params);
        return NULL;
    }
    r->c = c;
    r->id = c->next_id++;
    r->opts = opts ? *opts : (struct eth_opts){ 0 };
    r->step = step;
    r->user = user;
    r->arg = arg;
    r->pinned = -1;
    r->solo = method_is_heavy(method);
    uint64_t wait = r->opts.deadline_ms ? r->opts.deadline_ms : c->cfg.deadline_ms;
    r->deadline_at_ms = now_ms(c) + wait;
    r->deadline = evtimer_new(c->base, on_deadline, r);
    if (!eth_request_set_call(r, method, params) || !r->deadline || !arm_deadline(r)) {
        if (r->deadline)
            event_free(r->deadline);
        free(r->text);
        free(r);
        err_set(err, ERR_LOCAL, "out of memory");
        return NULL;
    }
    TAILQ_INSERT_TAIL(&c->queue, r, link);
    c->queued++;
    c->stats.calls++;
    eth_client_kick(c);
    return r;
}

/* Out of wherever it is. */
static void detach(struct eth_request *r)
{
    struct eth_client *c = r->c;
    if (!r->post) {
        TAILQ_REMOVE(&c->queue, r, link);
        c->queued--;
        return;
    }
    struct eth_post *p = r->post;
    p->reqs[r->post_slot] = NULL;
    p->live--;
    c->in_flight--;
    r->post = NULL;
    if (p->live == 0 && p->http) {
        http_post_cancel(p->http);
        p->http = NULL;
        eth_post_free(p);
        eth_client_kick(c);
    }
}

static void request_free(struct eth_request *r)
{
    event_free(r->deadline);
    free(r->text);
    free(r->extra);
    free(r);
}

void eth_request_requeue(struct eth_request *r)
{
    struct eth_client *c = r->c;
    detach(r);
    struct eth_request *after = NULL, *q;
    TAILQ_FOREACH(q, &c->queue, link)
    {
        if (q->id > r->id)
            break;
        after = q;
    }
    if (after)
        TAILQ_INSERT_AFTER(&c->queue, after, r, link);
    else
        TAILQ_INSERT_HEAD(&c->queue, r, link);
    c->queued++;
    eth_client_kick(c);
}

void eth_cancel(struct eth_request *r)
{
    if (!r)
        return;
    r->c->stats.cancelled++;
    detach(r);
    request_free(r);
}

/* The end of a request: it is in no list any more when the user hears of it. */
static void conclude(struct eth_request *r, const struct eth_reply *reply)
{
    struct err ignored;
    detach(r);
    event_del(r->deadline);
    enum eth_step s = r->step(r, reply, &ignored);
    CHECK(s == ETH_STEP_DONE);
    request_free(r);
}

void eth_request_fail(struct eth_request *r, const struct err *e)
{
    struct eth_reply reply = { .err = e, .maybe_delivered = r->maybe_delivered };
    if (!r->internal)
        r->c->stats.failed++;
    conclude(r, &reply);
}

void eth_request_retry(struct eth_request *r, size_t endpoint, const struct err *why)
{
    struct eth_client *c = r->c;
    r->attempts++;
    r->tried |= UINT32_C(1) << endpoint;
    r->last_err = *why;
    if (r->internal || (r->opts.max_attempts && r->attempts >= r->opts.max_attempts)) {
        struct err e = *why;
        err_wrap(&e, "%s", r->method);
        eth_request_fail(r, &e);
        return;
    }
    c->stats.retries++;
    eth_request_requeue(r);
}

/* Every endpoint gave an unusable answer, or this one may be the only. */
static void shape_problem(struct eth_request *r, size_t endpoint, const struct err *why)
{
    struct eth_client *c = r->c;
    uint32_t all = (UINT32_C(1) << c->endpoint_cnt) - 1;
    c->endpoints[endpoint].errors++;
    snprintf(c->endpoints[endpoint].last_error, sizeof(c->endpoints[endpoint].last_error), "%.150s",
             why->msg);
    if (((r->tried | (UINT32_C(1) << endpoint)) & all) == all) {
        struct err e = *why;
        err_wrap(&e, "%s", r->method);
        eth_request_fail(r, &e);
        return;
    }
    eth_request_retry(r, endpoint, why);
}

void eth_request_deliver(struct eth_request *r, size_t endpoint, const struct eth_reply *reply)
{
    struct eth_client *c = r->c;
    struct err e = { .kind = ERR_NONE };
    /* The step may call the user, who may cancel other requests or make new ones, but not touch r. */
    event_del(r->deadline);
    enum eth_step s = r->step(r, reply, &e);
    if (s == ETH_STEP_DONE) {
        if (!r->internal) {
            c->stats.answered += reply->err == NULL;
            c->stats.rejected += reply->err != NULL;
        }
        detach(r);
        request_free(r);
        return;
    }
    uint64_t wait = r->opts.deadline_ms ? r->opts.deadline_ms : c->cfg.deadline_ms;
    if (s == ETH_STEP_AGAIN) {
        r->deadline_at_ms = now_ms(c) + wait; /* another call, with its own time */
        arm_deadline(r);
        r->tried = 0;
        eth_request_requeue(r);
        return;
    }
    arm_deadline(r);
    if (s == ETH_STEP_BEHIND) {
        if (e.kind == ERR_NONE)
            err_set(&e, ERR_TRANSIENT, "%s has no block %llu yet", c->endpoints[endpoint].name,
                    (unsigned long long)r->opts.min_block);
        eth_request_retry(r, endpoint, &e);
    } else {
        shape_problem(r, endpoint, &e);
    }
}

/* --- dispatch --- */

static uint64_t backoff_ms(const struct eth_client *c, uint32_t rounds)
{
    uint64_t ms = c->cfg.backoff_min_ms;
    for (uint32_t i = 0; i < rounds && ms < c->cfg.backoff_max_ms; i++)
        ms *= 2;
    return ms < c->cfg.backoff_max_ms ? ms : c->cfg.backoff_max_ms;
}

/* The endpoint for r, or -1 when it has to wait. */
static int choose(struct eth_client *c, struct eth_request *r, uint64_t now)
{
    if (r->pinned >= 0)
        return r->pinned;
    bool untried = false, asks_head = false;
    for (size_t i = 0; i < c->endpoint_cnt; i++) {
        struct eth_endpoint *e = &c->endpoints[i];
        bool tried = (r->tried >> i) & 1;
        if (tried)
            continue;
        untried |= e->state != ETH_ENDPOINT_REFUSED;
        if (e->state != ETH_ENDPOINT_GOOD)
            continue;
        if (r->opts.min_block > e->head && (e->no_batch || c->cfg.batch_max == 1)) {
            eth_endpoint_refresh_head(c, i);
            asks_head = true;
            continue;
        }
        return (int)i;
    }
    if (asks_head) {
        r->not_before_ms = now + c->cfg.backoff_min_ms;
    } else if (!untried && r->tried) {
        r->tried = 0;
        r->not_before_ms = now + backoff_ms(c, r->rounds++);
    }
    return -1;
}

static void copy_to_all(struct eth_client *c, struct eth_request *r, size_t chosen);

struct pack {
    struct eth_request *reqs[256];
    size_t cnt, bytes;
};

static void pack_flush(struct eth_client *c, size_t endpoint, struct pack *p)
{
    struct err e;
    if (p->cnt == 0)
        return;
    if (!eth_post_send(c, endpoint, p->reqs, p->cnt, &e)) {
        log_error(LOG_NET, "cannot send", LOG_STR("endpoint", c->endpoints[endpoint].name),
                  LOG_STR("error", e.msg));
        eth_endpoint_cool(c, endpoint, &e, false, 0);
    }
    *p = (struct pack){ .cnt = 0 };
}

static void wake_later(struct eth_client *c, uint64_t now)
{
    uint64_t at = UINT64_MAX;
    const struct eth_request *r;
    TAILQ_FOREACH(r, &c->queue, link)
    if (r->not_before_ms > now && r->not_before_ms < at)
        at = r->not_before_ms;
    for (size_t i = 0; i < c->endpoint_cnt; i++) {
        const struct eth_endpoint *e = &c->endpoints[i];
        if (e->state != ETH_ENDPOINT_GOOD && !e->probing && e->retry_at_ms > now &&
            e->retry_at_ms < at)
            at = e->retry_at_ms;
    }
    if (at != UINT64_MAX && !TAILQ_EMPTY(&c->queue))
        wake_in(c, at - now);
}

static void dispatch(struct eth_client *c)
{
    static const struct pack empty;
    struct pack packs[ETH_ENDPOINT_MAX];
    uint64_t now = now_ms(c);
    struct eth_request *r, *next;
    for (size_t i = 0; i < ETH_ENDPOINT_MAX; i++)
        packs[i] = empty;
    for (size_t i = 0; i < c->endpoint_cnt; i++) {
        /* also the ones not needed now: a better one is used again, and to_all reaches everybody */
        if (!TAILQ_EMPTY(&c->queue) && eth_endpoint_probe_due(c, i, now))
            eth_endpoint_probe(c, i);
    }
    for (r = TAILQ_FIRST(&c->queue); r && c->post_cnt < c->cfg.max_posts; r = next) {
        next = TAILQ_NEXT(r, link);
        if (r->not_before_ms > now)
            continue;
        int chosen = choose(c, r, now);
        if (chosen < 0)
            continue;
        size_t ep = (size_t)chosen;
        struct pack *p = &packs[ep];
        if (r->opts.to_all && r->attempts == 0)
            copy_to_all(c, r, ep);
        if (r->solo || c->endpoints[ep].no_batch || c->cfg.batch_max == 1) {
            struct pack one = { .reqs = { r }, .cnt = 1 };
            pack_flush(c, ep, &one);
            continue;
        }
        if (p->cnt > 0 && p->bytes + r->text_len > ETH_BATCH_BYTES)
            pack_flush(c, ep, p);
        p->reqs[p->cnt++] = r;
        p->bytes += r->text_len;
        if (p->cnt >= c->cfg.batch_max || p->cnt == GH_COUNT(p->reqs))
            pack_flush(c, ep, p);
    }
    for (size_t i = 0; i < c->endpoint_cnt; i++)
        pack_flush(c, i, &packs[i]);
    wake_later(c, now);
}

static void on_kick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    dispatch(arg);
}

static enum eth_step step_ignore(struct eth_request *r, const struct eth_reply *reply,
                                 struct err *err)
{
    (void)r;
    (void)reply;
    (void)err;
    return ETH_STEP_DONE;
}

static void copy_to_all(struct eth_client *c, struct eth_request *r, size_t chosen)
{
    for (size_t i = 0; i < c->endpoint_cnt; i++) {
        if (i == chosen || c->endpoints[i].state != ETH_ENDPOINT_GOOD)
            continue;
        struct err e;
        struct eth_opts opts = { .deadline_ms = c->cfg.attempt_timeout_ms };
        union eth_user_fn none = { .raw = NULL };
        json_t *call = json_loads(r->text, 0, NULL);
        json_t *params = json_incref(json_object_get(call, "params"));
        json_decref(call);
        struct eth_request *copy =
            eth_request_new(c, r->method, params, &opts, step_ignore, none, NULL, &e);
        if (!copy)
            return; /* the main call goes out all the same */
        c->stats.calls--;
        copy->solo = true;
        copy->internal = true;
        copy->pinned = (int)i;
    }
}

/* --- raw calls --- */

static enum eth_step step_raw(struct eth_request *r, const struct eth_reply *reply, struct err *err)
{
    (void)err;
    r->user.raw(r->arg, reply);
    return ETH_STEP_DONE;
}

struct eth_request *eth_client_call(struct eth_client *c, const char *method, json_t *params,
                                    const struct eth_opts *opts, eth_reply_fn *cb, void *arg,
                                    struct err *err)
{
    return eth_request_new(c, method, params, opts, step_raw, (union eth_user_fn){ .raw = cb }, arg,
                           err);
}

/* --- lifecycle --- */

static void default_u64(uint64_t *v, uint64_t d)
{
    if (*v == 0)
        *v = d;
}

static void default_size(size_t *v, size_t d)
{
    if (*v == 0)
        *v = d;
}

static void fill_defaults(struct eth_client_config *cfg)
{
    default_u64(&cfg->attempt_timeout_ms, 10000);
    default_u64(&cfg->deadline_ms, 60000);
    default_u64(&cfg->backoff_min_ms, 250);
    default_u64(&cfg->backoff_max_ms, 30000);
    default_size(&cfg->max_response_len, (size_t)64 << 20);
    default_size(&cfg->max_posts, 16);
    default_size(&cfg->max_queued, 4096);
    default_size(&cfg->batch_max, 64);
    default_u64(&cfg->finalized_depth, 64);
    default_u64(&cfg->safe_depth, 32);
    if (cfg->batch_max > 256)
        cfg->batch_max = 256;
}

static bool copy_config(struct eth_client *c, const struct eth_client_config *cfg, struct err *err)
{
    if (cfg->url_cnt == 0 || cfg->url_cnt > ETH_ENDPOINT_MAX)
        return err_set(err, ERR_INVALID, "between 1 and %d endpoints are needed", ETH_ENDPOINT_MAX);
    c->cfg = *cfg;
    c->cfg.urls = NULL;
    c->cfg.headers = NULL;
    c->cfg.name = NULL;
    fill_defaults(&c->cfg);
    c->chain_id = cfg->chain_id;
    c->name = strdup(cfg->name ? cfg->name : "eth");
    c->headers = calloc(cfg->header_cnt + 1, sizeof(char *));
    if (!c->name || !c->headers)
        return err_set(err, ERR_LOCAL, "out of memory");
    for (size_t i = 0; i < cfg->header_cnt; i++) {
        c->headers[i] = strdup(cfg->headers[i]);
        if (!c->headers[i])
            return err_set(err, ERR_LOCAL, "out of memory");
        c->header_cnt++;
    }
    for (size_t i = 0; i < cfg->url_cnt; i++) {
        struct eth_endpoint *e = &c->endpoints[i];
        bool loopback;
        if (!http_url_public_name(e->name, sizeof(e->name), cfg->urls[i], &loopback, err))
            return err_wrap(err, "endpoint %zu", i + 1);
        e->url = strdup(cfg->urls[i]);
        if (!e->url)
            return err_set(err, ERR_LOCAL, "out of memory");
        c->endpoint_cnt++;
    }
    return true;
}

struct eth_client *eth_client_create(const struct eth_client_deps *deps,
                                     const struct eth_client_config *cfg, struct err *err)
{
    struct eth_client *c = calloc(1, sizeof(*c));
    if (!c) {
        err_set(err, ERR_LOCAL, "out of memory");
        return NULL;
    }
    c->base = deps->base;
    c->clock = deps->clock;
    c->next_id = FIRST_ID;
    TAILQ_INIT(&c->queue);
    TAILQ_INIT(&c->posts);
    bool ok = copy_config(c, cfg, err);
    if (ok) {
        c->http = http_client_create(deps->base, deps->clock, "gatehouse", err);
        c->kick = event_new(deps->base, -1, 0, on_kick, c);
        c->wake = evtimer_new(deps->base, on_kick, c);
        ok = c->http && c->kick && c->wake;
        if (!ok)
            err_set(err, ERR_LOCAL, "out of memory");
    }
    if (!ok) {
        eth_client_destroy(c);
        return NULL;
    }
    return c;
}

void eth_client_destroy(struct eth_client *c)
{
    if (!c)
        return;
    struct eth_request *r;
    struct eth_post *p;
    while ((r = TAILQ_FIRST(&c->queue)) != NULL) {
        detach(r); /* NOLINT(clang-analyzer-unix.Malloc): it unlinks itself */
        request_free(r);
    }
    while ((p = TAILQ_FIRST(&c->posts)) != NULL) {
        if (p->http)
            http_post_cancel(p->http);
        p->http = NULL;
        for (size_t i = 0; i < p->cnt; i++)
            if (p->reqs[i])
                request_free(p->reqs[i]);
        eth_post_free(p);
    }
    http_client_destroy(c->http);
    if (c->kick)
        event_free(c->kick);
    if (c->wake)
        event_free(c->wake);
    for (size_t i = 0; i < c->endpoint_cnt; i++)
        free(c->endpoints[i].url);
    for (size_t i = 0; i < c->header_cnt; i++)
        free(c->headers[i]);
    free(c->headers);
    free(c->name);
    free(c);
}

void eth_client_get_status(const struct eth_client *c, struct eth_client_status *out)
{
    *out = c->stats;
    out->chain_id = c->chain_id;
    out->endpoint_cnt = c->endpoint_cnt;
    out->current = c->current;
    out->in_flight = c->in_flight;
    out->queued = c->queued;
    out->seen_finalized = c->finalized_known ? c->finalized_number : 0;
}
