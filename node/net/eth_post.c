#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/base/log.h"
#include "node/net/eth_internal.h"

/* --- sending --- */

void eth_post_free(struct eth_post *p)
{
    TAILQ_REMOVE(&p->c->posts, p, link);
    p->c->post_cnt--;
    free(p->reqs);
    free(p->ids);
    free(p);
}

static void post_on_result(void *arg, const struct http_result *h);

static void write_body(struct buf *body, struct eth_request **reqs, size_t cnt, bool is_batch,
                       bool asks_head)
{
    if (is_batch)
        buf_append_str(body, "[");
    if (asks_head)
        buf_append_str(body, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_blockNumber\","
                             "\"params\":[]},");
    for (size_t i = 0; i < cnt; i++) {
        if (i > 0)
            buf_append_str(body, ",");
        buf_append(body, reqs[i]->text, reqs[i]->text_len);
    }
    if (is_batch)
        buf_append_str(body, "]");
}

static struct eth_post *post_new(size_t cnt)
{
    struct eth_post *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->reqs = calloc(cnt, sizeof(struct eth_request *));
    p->ids = calloc(cnt, sizeof(uint64_t));
    if (p->reqs && p->ids)
        return p;
    free(p->reqs);
    free(p->ids);
    free(p);
    return NULL;
}

bool eth_post_send(struct eth_client *c, size_t endpoint, struct eth_request **reqs, size_t cnt,
                   struct err *err)
{
    struct eth_endpoint *ep = &c->endpoints[endpoint];
    struct eth_post *p = post_new(cnt);
    if (!p)
        return err_set(err, ERR_LOCAL, "out of memory");
    p->c = c;
    p->endpoint = endpoint;
    p->cnt = p->live = cnt;
    for (size_t i = 0; i < cnt && !ep->no_batch && c->cfg.batch_max > 1; i++)
        p->asks_head |= reqs[i]->opts.min_block > 0;
    p->is_batch = cnt > 1 || p->asks_head;
    struct buf body;
    buf_init(&body, (size_t)256 << 20);
    write_body(&body, reqs, cnt, p->is_batch, p->asks_head);
    bool failed = body.failed;
    size_t body_len = body.len;
    struct http_post_args args = { .url = ep->url,
                                   .content_type = "application/json",
                                   .headers = (const char *const *)c->headers,
                                   .header_cnt = c->header_cnt,
                                   .body = &body,
                                   .timeout_ms = c->cfg.attempt_timeout_ms,
                                   .max_len = c->cfg.max_response_len };
    TAILQ_INSERT_TAIL(&c->posts, p, link);
    c->post_cnt++;
    p->http = failed ? NULL : http_client_post(c->http, &args, post_on_result, p, err);
    if (!p->http) {
        buf_clear(&body);
        eth_post_free(p);
        return failed ? err_set(err, ERR_LOCAL, "out of memory") : false;
    }
    for (size_t i = 0; i < cnt; i++) {
        struct eth_request *r = reqs[i];
        TAILQ_REMOVE(&c->queue, r, link);
        c->queued--;
        c->in_flight++;
        r->post = p;
        r->post_slot = i;
        p->reqs[i] = r;
        p->ids[i] = r->id;
    }
    if (!reqs[0]->internal) {
        if (c->current != endpoint) {
            c->stats.failovers++;
            log_info(LOG_NET, "endpoint in use", LOG_STR("client", c->name),
                     LOG_STR("endpoint", ep->name));
        }
        c->current = endpoint;
    }
    ep->posts++;
    c->stats.posts++;
    c->stats.bytes_out += body_len;
    return true;
}

/* --- results --- */

static void count_latency(struct eth_client *c, struct eth_endpoint *ep, uint64_t ms)
{
    static const uint64_t bounds[ETH_LATENCY_BUCKETS - 1] = { 10, 30, 100, 300, 1000, 3000, 10000 };
    size_t i = 0;
    while (i < GH_COUNT(bounds) && ms > bounds[i])
        i++;
    c->stats.latency[i]++;
    ep->last_latency_ms = ms;
    ep->mean_latency_ms = ep->mean_latency_ms == 0 ? ms : (ep->mean_latency_ms * 7 + ms) / 8;
}

/* Everyone still in the post tries again; `why` says what is wrong with the endpoint. */
static void retry_all(struct eth_post *p, const struct err *why, bool maybe_sent)
{
    for (size_t i = 0; i < p->cnt; i++) {
        struct eth_request *r = p->reqs[i];
        if (!r)
            continue;
        r->maybe_delivered |= maybe_sent;
        eth_request_retry(r, p->endpoint, why);
    }
}

/* Again, one by one, without blame on the endpoint. */
static void again_solo(struct eth_post *p)
{
    for (size_t i = 0; i < p->cnt; i++)
        if (p->reqs[i]) {
            p->reqs[i]->solo = true;
            eth_request_requeue(p->reqs[i]);
        }
}

static void fault(struct eth_post *p, const struct http_result *h, bool maybe_sent,
                  const struct err *why)
{
    eth_endpoint_cool(p->c, p->endpoint, why, h->has_retry_after, h->retry_after_ms);
    retry_all(p, why, maybe_sent);
}

static void too_large(struct eth_post *p, const struct err *why)
{
    struct err e = *why;
    e.code = ETH_CODE_TOO_LARGE;
    if (p->cnt > 1) {
        again_solo(p);
        return;
    }
    struct eth_reply reply = { .err = &e, .maybe_delivered = true, .endpoint = p->endpoint };
    if (p->reqs[0])
        eth_request_deliver(p->reqs[0], p->endpoint, &reply);
}

static struct eth_request *find_by_id(struct eth_post *p, uint64_t id)
{
    for (size_t i = 0; i < p->cnt; i++)
        if (p->reqs[i] && p->ids[i] == id)
            return p->reqs[i];
    return NULL;
}

static void deliver(struct eth_request *r, size_t endpoint, const struct rpc_answer *a)
{
    struct eth_client *c = r->c;
    struct eth_reply reply = { .result = a->result, .endpoint = endpoint };
    struct err e;
    struct buf revert;
    buf_init(&revert, c->cfg.max_response_len);
    if (a->is_error) {
        err_set_code(&e, ERR_REJECTED, a->code, "%s: %.300s", r->method, a->message);
        reply.err = &e;
        reply.has_revert_data = rpc_revert_data(a, &revert);
        if (reply.has_revert_data)
            reply.revert_data = bytes_of(revert.p, revert.len);
    }
    eth_request_deliver(r, endpoint, &reply);
    buf_clear(&revert);
}

/* The head that came with the batch. false: it did not come. */
static bool read_head(const json_t *doc, size_t cnt, uint64_t *head)
{
    for (size_t i = 0; i < cnt; i++) {
        struct rpc_answer a;
        struct err e;
        if (rpc_reply_answer(doc, true, i, &a, &e) && a.has_id && a.id == ETH_HEAD_ID &&
            !a.is_error)
            return eth_decode_u64(a.result, head, &e);
    }
    return false;
}

static void fail_over_behind(struct eth_post *p, uint64_t head)
{
    for (size_t i = 0; i < p->cnt; i++) {
        struct eth_request *r = p->reqs[i];
        struct err e;
        if (!r || r->opts.min_block <= head)
            continue;
        err_set(&e, ERR_TRANSIENT, "%s is at block %llu, %llu is needed",
                p->c->endpoints[p->endpoint].name, (unsigned long long)head,
                (unsigned long long)r->opts.min_block);
        eth_request_retry(r, p->endpoint, &e);
    }
}

static void rate_limited(struct eth_post *p, const struct http_result *h, const char *text)
{
    struct err e;
    p->c->endpoints[p->endpoint].rate_limited++;
    err_set(&e, ERR_TRANSIENT, "rate limit: %.200s", text);
    fault(p, h, false, &e);
}

static void batch_answers(struct eth_post *p, const struct http_result *h, const json_t *doc,
                          size_t cnt)
{
    struct err e;
    uint64_t head = 0;
    for (size_t i = 0; i < cnt; i++) {
        struct rpc_answer a;
        if (rpc_reply_answer(doc, true, i, &a, &e) && rpc_is_rate_limit(&a)) {
            rate_limited(p, h, a.message);
            return;
        }
    }
    if (p->asks_head) {
        if (!read_head(doc, cnt, &head)) {
            err_set(&e, ERR_TRANSIENT, "no head in the answer");
            fault(p, h, true, &e);
            return;
        }
        eth_endpoint_saw_head(p->c, p->endpoint, head);
        fail_over_behind(p, head);
    }
    eth_endpoint_ok(p->c, p->endpoint);
    for (size_t i = 0; i < cnt; i++) {
        struct rpc_answer a;
        if (!rpc_reply_answer(doc, true, i, &a, &e) || !a.has_id)
            continue;
        struct eth_request *r = find_by_id(p, a.id);
        if (r)
            deliver(r, p->endpoint, &a);
    }
    if (p->live > 0) {
        err_set(&e, ERR_TRANSIENT, "%zu of %zu calls of a batch were not answered", p->live,
                p->cnt);
        fault(p, h, true, &e);
    }
}

static void single_answer(struct eth_post *p, const struct http_result *h, const json_t *doc)
{
    struct rpc_answer a;
    struct err e;
    if (!rpc_reply_answer(doc, false, 0, &a, &e)) {
        fault(p, h, true, &e);
        return;
    }
    if (rpc_is_rate_limit(&a)) {
        rate_limited(p, h, a.message);
        return;
    }
    if (p->is_batch) {
        /* one object for a batch: the node does not do batches */
        log_info(LOG_NET, "endpoint takes no batches",
                 LOG_STR("endpoint", p->c->endpoints[p->endpoint].name),
                 LOG_STR("said", a.message));
        p->c->endpoints[p->endpoint].no_batch = true;
        again_solo(p);
        return;
    }
    if (a.has_id ? a.id != p->ids[0] : !a.is_error) {
        err_set(&e, ERR_TRANSIENT, "answer to another call");
        fault(p, h, true, &e);
        return;
    }
    eth_endpoint_ok(p->c, p->endpoint);
    if (p->reqs[0])
        deliver(p->reqs[0], p->endpoint, &a);
}

static void http_problem(struct eth_post *p, const struct http_result *h)
{
    struct eth_endpoint *ep = &p->c->endpoints[p->endpoint];
    struct err e;
    err_set(&e, ERR_TRANSIENT, "HTTP %d", h->status);
    if (h->status == 429 || (h->status == 503 && h->has_retry_after))
        ep->rate_limited++;
    if (p->is_batch &&
        (h->status == 400 || h->status == 405 || h->status == 413 || h->status == 422)) {
        ep->no_batch |= h->status != 413;
        again_solo(p);
        return;
    }
    /* 429 comes from in front of the node: the call did not get there */
    fault(p, h, h->status != 429, &e);
}

static void handle_body(struct eth_post *p, const struct http_result *h)
{
    struct err e;
    bool is_array = false;
    size_t cnt = 0;
    bool is_good = h->status >= 200 && h->status < 300;
    json_t *doc = h->status == 429 ? NULL : rpc_reply_parse(h->body, &is_array, &cnt, &e);
    struct rpc_answer a;
    /* Some nodes put JSON-RPC errors into HTTP 4xx and 5xx; others put a text or their own JSON there. */
    bool is_rpc =
        doc && (is_good || (cnt > 0 && rpc_reply_answer(doc, is_array, 0, &a, &e) && a.has_id));
    if (!is_rpc && !is_good) {
        http_problem(p, h);
    } else if (!doc || (is_array && !p->is_batch)) {
        if (doc)
            err_set(&e, ERR_TRANSIENT, "a batch answers a single call");
        e.kind = ERR_TRANSIENT;
        fault(p, h, true, &e);
    } else if (is_array) {
        batch_answers(p, h, doc, cnt);
    } else {
        single_answer(p, h, doc);
    }
    json_decref(doc);
}

static void post_on_result(void *arg, const struct http_result *h)
{
    struct eth_post *p = arg;
    struct eth_client *c = p->c;
    struct eth_endpoint *ep = &c->endpoints[p->endpoint];
    p->http = NULL;
    c->stats.bytes_in += h->body.len;
    count_latency(c, ep, h->latency_ms);
    if (log_is_on(LOG_NET, LOG_TRACE))
        log_trace(LOG_NET, "exchange", LOG_STR("endpoint", ep->name), LOG_U64("calls", p->cnt),
                  LOG_STR("first", p->reqs[0] ? p->reqs[0]->method : "-"),
                  LOG_I64("status", h->ok ? h->status : -1), LOG_U64("ms", h->latency_ms));
    if (h->ok)
        handle_body(p, h);
    else if (h->too_large)
        too_large(p, &h->err);
    else
        fault(p, h, h->maybe_sent, &h->err);
    CHECK(p->live == 0);
    eth_post_free(p);
    eth_client_kick(c);
}
