#include <stdio.h>
#include <string.h>

#include "node/base/log.h"
#include "node/net/eth_internal.h"

/* A refused endpoint is asked again this much later: somebody may have repaired its URL's target. */
#define REFUSED_RETRY_MS 60000

const char *eth_endpoint_state_name(enum eth_endpoint_state s)
{
    switch (s) {
    case ETH_ENDPOINT_UNPROBED:
        return "unprobed";
    case ETH_ENDPOINT_GOOD:
        return "good";
    case ETH_ENDPOINT_COOLING:
        return "cooling";
    case ETH_ENDPOINT_REFUSED:
        return "refused";
    }
    return "?";
}

bool eth_client_get_endpoint(const struct eth_client *c, size_t i, struct eth_endpoint_status *out)
{
    if (i >= c->endpoint_cnt)
        return false;
    const struct eth_endpoint *e = &c->endpoints[i];
    *out = (struct eth_endpoint_status){
        .name = e->name,
        .state = e->state,
        .posts = e->posts,
        .errors = e->errors,
        .rate_limited = e->rate_limited,
        .head = e->head,
        .retry_at_ms = e->retry_at_ms,
        .last_latency_ms = e->last_latency_ms,
        .mean_latency_ms = e->mean_latency_ms,
        .no_batch = e->no_batch,
        .last_error = e->last_error,
    };
    return true;
}

bool eth_client_outage(const struct eth_client *c, const char *name, char *out, size_t cap)
{
    const struct eth_endpoint *failing = NULL;
    for (size_t i = 0; i < c->endpoint_cnt; i++) {
        if (c->endpoints[i].state == ETH_ENDPOINT_GOOD)
            return false;
        if (c->endpoints[i].last_error[0])
            failing = &c->endpoints[i];
    }
    if (!failing)
        return false; /* nothing was asked yet */
    snprintf(out, cap, "none of %s's endpoints answers; %s: %.150s", name, failing->name,
             failing->last_error);
    return true;
}

void eth_endpoint_cool(struct eth_client *c, size_t i, const struct err *why, bool has_wait,
                       uint64_t wait_ms)
{
    struct eth_endpoint *e = &c->endpoints[i];
    uint64_t ms = c->cfg.backoff_min_ms;
    for (uint32_t k = 0; k < e->failures && ms < c->cfg.backoff_max_ms; k++)
        ms *= 2;
    if (ms > c->cfg.backoff_max_ms)
        ms = c->cfg.backoff_max_ms;
    if (has_wait && wait_ms > ms)
        ms = wait_ms < 4 * c->cfg.backoff_max_ms ? wait_ms : 4 * c->cfg.backoff_max_ms;
    if (e->state == ETH_ENDPOINT_GOOD || e->failures == 0)
        log_warn(LOG_NET, "endpoint cools down", LOG_STR("client", c->name),
                 LOG_STR("endpoint", e->name), LOG_U64("wait_ms", ms), LOG_STR("why", why->msg));
    e->errors++;
    e->failures++;
    e->state = ETH_ENDPOINT_COOLING;
    e->retry_at_ms = clock_mono_ms(c->clock) + ms;
    snprintf(e->last_error, sizeof(e->last_error), "%.150s", why->msg);
    eth_client_kick(c);
}

void eth_endpoint_refuse(struct eth_client *c, size_t i, const char *why)
{
    struct eth_endpoint *e = &c->endpoints[i];
    if (e->state != ETH_ENDPOINT_REFUSED)
        log_error(LOG_NET, "endpoint refused", LOG_STR("client", c->name),
                  LOG_STR("endpoint", e->name), LOG_STR("why", why));
    e->errors++;
    e->state = ETH_ENDPOINT_REFUSED;
    e->retry_at_ms = clock_mono_ms(c->clock) + REFUSED_RETRY_MS;
    snprintf(e->last_error, sizeof(e->last_error), "%.150s", why);
    eth_client_kick(c);
}

void eth_endpoint_ok(struct eth_client *c, size_t i)
{
    c->endpoints[i].failures = 0;
}

void eth_endpoint_saw_head(struct eth_client *c, size_t i, uint64_t head)
{
    if (head > c->endpoints[i].head)
        c->endpoints[i].head = head;
}

bool eth_endpoint_probe_due(const struct eth_client *c, size_t i, uint64_t now_ms)
{
    const struct eth_endpoint *e = &c->endpoints[i];
    return !e->probing && e->state != ETH_ENDPOINT_GOOD &&
           (e->state == ETH_ENDPOINT_UNPROBED || now_ms >= e->retry_at_ms);
}

static void probe_verdict(struct eth_client *c, size_t i)
{
    struct eth_endpoint *e = &c->endpoints[i];
    char why[160];
    e->probing = false;
    if (e->probe_failed) {
        struct err err;
        err_set(&err, ERR_TRANSIENT, "probe: %s", e->last_error);
        if (e->state != ETH_ENDPOINT_COOLING || clock_mono_ms(c->clock) >= e->retry_at_ms)
            eth_endpoint_cool(c, i, &err, false, 0);
        return;
    }
    if (c->chain_id == 0)
        c->chain_id = e->probe_chain_id;
    if (e->probe_chain_id != c->chain_id) {
        snprintf(why, sizeof(why), "its chain id is %llu, ours is %llu",
                 (unsigned long long)e->probe_chain_id, (unsigned long long)c->chain_id);
        eth_endpoint_refuse(c, i, why);
        return;
    }
    if (e->probe_on_fork) {
        snprintf(why, sizeof(why), "it has another block at finalized height %llu",
                 (unsigned long long)c->finalized_number);
        eth_endpoint_refuse(c, i, why);
        return;
    }
    if (e->probe_behind) {
        struct err err;
        err_set(&err, ERR_TRANSIENT, "behind: it lacks finalized block %llu",
                (unsigned long long)c->finalized_number);
        eth_endpoint_cool(c, i, &err, false, 0);
        return;
    }
    if (e->failures > 0)
        log_info(LOG_NET, "endpoint is back", LOG_STR("client", c->name),
                 LOG_STR("endpoint", e->name));
    e->state = ETH_ENDPOINT_GOOD;
    e->failures = 0;
    eth_client_kick(c);
}

static void probe_part_done(struct eth_client *c, size_t i, bool failed, const char *why)
{
    struct eth_endpoint *e = &c->endpoints[i];
    if (failed) {
        e->probe_failed = true;
        snprintf(e->last_error, sizeof(e->last_error), "%.150s", why);
    }
    if (--e->probe_left == 0)
        probe_verdict(c, i);
}

static enum eth_step step_probe_number(struct eth_request *r, const struct eth_reply *reply,
                                       struct err *err)
{
    struct eth_client *c = r->c;
    size_t i = (size_t)r->pinned;
    uint64_t v = 0;
    struct err e;
    (void)err;
    if (reply->err) {
        probe_part_done(c, i, true, reply->err->msg);
    } else if (!eth_decode_u64(reply->result, &v, &e)) {
        err_wrap(&e, "%s", r->method);
        probe_part_done(c, i, true, e.msg);
    } else {
        if (r->num[0] == 0)
            c->endpoints[i].probe_chain_id = v;
        else
            c->endpoints[i].head = v; /* also lowers it: the node may have been replaced */
        probe_part_done(c, i, false, "");
    }
    return ETH_STEP_DONE;
}

static enum eth_step step_probe_final(struct eth_request *r, const struct eth_reply *reply,
                                      struct err *err)
{
    struct eth_client *c = r->c;
    size_t i = (size_t)r->pinned;
    struct b256 hash;
    struct err e;
    (void)err;
    if (reply->err) {
        probe_part_done(c, i, true, reply->err->msg);
        return ETH_STEP_DONE;
    }
    if (json_is_null(reply->result)) {
        c->endpoints[i].probe_behind = true;
    } else if (!eth_decode_hash(json_object_get(reply->result, "hash"), &hash, &e)) {
        probe_part_done(c, i, true, "probe: block without hash");
        return ETH_STEP_DONE;
    } else if (r->num[0] == c->finalized_number && !b256_eq(&hash, &c->finalized_hash)) {
        c->endpoints[i].probe_on_fork = true;
    }
    probe_part_done(c, i, false, "");
    return ETH_STEP_DONE;
}

static bool probe_ask(struct eth_client *c, size_t i, const char *method, json_t *params,
                      eth_step_fn *step, uint64_t note)
{
    struct err e;
    struct eth_opts opts = { .deadline_ms = c->cfg.attempt_timeout_ms + 1000 };
    union eth_user_fn none = { .raw = NULL };
    struct eth_request *r = eth_request_new(c, method, params, &opts, step, none, NULL, &e);
    if (!r)
        return false;
    c->stats.calls--; /* counters are about the user's calls */
    r->pinned = (int)i;
    r->internal = true;
    r->num[0] = note;
    c->endpoints[i].probe_left++;
    return true;
}

void eth_endpoint_probe(struct eth_client *c, size_t i)
{
    struct eth_endpoint *e = &c->endpoints[i];
    e->probing = true;
    e->probe_left = 0;
    e->probe_failed = e->probe_on_fork = e->probe_behind = false;
    bool ok = probe_ask(c, i, "eth_chainId", NULL, step_probe_number, 0) &&
              probe_ask(c, i, "eth_blockNumber", NULL, step_probe_number, 1);
    if (ok && c->finalized_known) {
        json_t *params = json_pack("[o,b]", eth_encode_u64(c->finalized_number), 0);
        ok = probe_ask(c, i, "eth_getBlockByNumber", params, step_probe_final, c->finalized_number);
    }
    if (ok)
        return;
    e->probe_failed =
        true; /* memory or queue: whatever was asked still comes back and gives the verdict */
    snprintf(e->last_error, sizeof(e->last_error), "too many calls are waiting");
    if (e->probe_left == 0) {
        e->probing = false;
        e->state = ETH_ENDPOINT_COOLING;
        e->retry_at_ms = clock_mono_ms(c->clock) + c->cfg.backoff_min_ms;
    }
}

static enum eth_step step_refresh(struct eth_request *r, const struct eth_reply *reply,
                                  struct err *err)
{
    struct eth_client *c = r->c;
    struct eth_endpoint *e = &c->endpoints[r->pinned];
    uint64_t v;
    struct err bad;
    (void)err;
    e->refreshing = false;
    if (!reply->err && eth_decode_u64(reply->result, &v, &bad) && v > e->head) {
        e->head = v;
        struct eth_request *q;
        TAILQ_FOREACH(q, &c->queue, link)
        if (q->opts.min_block && q->opts.min_block <= v)
            q->not_before_ms = 0;
        eth_client_kick(c);
    }
    return ETH_STEP_DONE;
}

/* For endpoints without batches: requests with a minimum wait in the queue until the head has been seen there. */
void eth_endpoint_refresh_head(struct eth_client *c, size_t i)
{
    struct eth_endpoint *e = &c->endpoints[i];
    struct err err;
    if (e->refreshing)
        return;
    struct eth_opts opts = { .deadline_ms = c->cfg.attempt_timeout_ms + 1000 };
    union eth_user_fn none = { .raw = NULL };
    struct eth_request *r =
        eth_request_new(c, "eth_blockNumber", NULL, &opts, step_refresh, none, NULL, &err);
    if (!r)
        return;
    c->stats.calls--;
    e->refreshing = true;
    r->pinned = (int)i;
    r->internal = true;
}
