/* tests/bench/node/load_run.c */
#include "tests/bench/node/load_run.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/base/hex.h"
#include "tests/bench/node/load_json.h"

#define LOOK_NS   10000000u /* for a new block */
#define MAX_LANES 256

struct run {
    struct load_plan *p;
    struct load_result *r;
    struct load_http *control;
    uint64_t start_ns, last_included_ns, last_answer_ns, look_at_ns, mine_at_ns;
    uint64_t next_block;
    struct buf ask;   /* owned: the request on the control connection */
    bool mining;      /* the control connection waits for evm_mine */
    size_t in_flight; /* transactions submitted and not answered */
};

bool load_quantity(struct load_http *h, const struct load_target *t, const char *method,
                   uint64_t *out, struct err *err)
{
    char body[160];
    struct bytes answer;
    size_t at = 0;
    int n = snprintf(body, sizeof(body),
                     "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":[]}", method);
    if (!load_http_call(h, t, bytes_of(body, (size_t)n), &answer, err))
        return err_wrap(err, "%s", method);
    if (load_json_u64(answer, &at, "result", out))
        return true;
    char why[200];
    load_json_error(answer, why, sizeof(why));
    return err_set(err, ERR_REJECTED, "%s: %s", method, why);
}

bool load_block_number(struct load_http *h, const struct load_target *t, uint64_t *out,
                       struct err *err)
{
    return load_quantity(h, t, "eth_blockNumber", out, err);
}

/* Answers to submissions: a result each, or an error. */
static void count_answer(struct run *run, const struct load_http *h, uint32_t cnt)
{
    struct bytes body = load_http_body(h);
    size_t at = 0, good = 0, bad = 0;
    while (load_json_next(body, &at, "result"))
        good++;
    at = 0;
    while (load_json_next(body, &at, "error"))
        bad++;
    if (good + bad != cnt) /* the whole batch was refused with one answer */
        bad = cnt - (good < cnt ? good : cnt);
    run->r->accepted += good;
    run->r->refused += bad;
    run->in_flight -= cnt;
    if (bad && !run->r->first_refusal[0])
        load_json_error(body, run->r->first_refusal, sizeof(run->r->first_refusal));
    run->last_answer_ns = load_now_ns();
}

static void feed(struct run *run, struct load_lane *lane, uint64_t now)
{
    const struct load_settings *set = run->p->set;
    struct load_result *r = run->r;
    if (lane->http.busy || lane->next == lane->end ||
        (double)(now - run->start_ns) > set->seconds * 1e9 ||
        r->accepted + run->in_flight - r->included >= set->window)
        return;
    const struct load_request *q = &run->p->req[lane->next++];
    r->sent += q->cnt;
    run->in_flight += q->cnt;
    load_http_start(&lane->http, bytes_of(q->http.p, q->http.len));
}

static bool sending_is_over(const struct run *run, const struct load_lane *lanes, size_t n,
                            uint64_t now)
{
    bool late = (double)(now - run->start_ns) > run->p->set->seconds * 1e9;
    for (size_t i = 0; i < n; i++)
        if (lanes[i].http.busy || (lanes[i].next != lanes[i].end && !late))
            return false;
    return true;
}

/* A block's answer: hashes between "transactions":[ and ]. */
static void take_block(struct run *run)
{
    struct bytes body = load_http_body(run->control);
    size_t at = 0, ours = 0;
    const char *list = load_json_next(body, &at, "transactions");
    if (!list || *list != '[')
        return; /* null: no such block yet */
    const char *close = memchr(list, ']', body.len - at);
    size_t end = close ? (size_t)(close - (const char *)body.p) : body.len;
    struct b256 hash;
    uint32_t position;
    while (load_json_b256(body, &at, end, &hash))
        ours += load_plan_mark(run->p, &hash, &position);
    run->next_block++;
    run->look_at_ns = 0;
    if (!ours)
        return;
    run->r->blocks++;
    run->r->included += ours;
    run->r->most_in_block = ours > run->r->most_in_block ? ours : run->r->most_in_block;
    run->last_included_ns = load_now_ns();
}

static void ask(struct run *run, const char *method, const char *params)
{
    char body[200];
    int n = snprintf(body, sizeof(body),
                     "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":[%s]}", method,
                     params);
    buf_reset(&run->ask);
    CHECK(load_http_wrap(&run->ask, &run->p->set->target, bytes_of(body, (size_t)n)));
    load_http_start(run->control, bytes_of(run->ask.p, run->ask.len));
}

static void use_control(struct run *run, uint64_t now, bool sending)
{
    uint64_t mine_ns = run->p->set->mine_ms * 1000000;
    if (run->control->busy)
        return;
    if (mine_ns && now >= run->mine_at_ns && !(sending && run->p->set->mine_after)) {
        run->mining = true;
        run->mine_at_ns = now + mine_ns;
        ask(run, "evm_mine", "");
    } else if (now >= run->look_at_ns) {
        char params[100] = "\"", *end = params + 1;
        end += hex_quantity_u64(end, run->next_block);
        memcpy(end, "\",false", 8);
        run->look_at_ns = now + LOOK_NS;
        ask(run, "eth_getBlockByNumber", params);
    }
}

static bool step_control(struct run *run, struct err *err)
{
    bool done;
    if (!load_http_step(run->control, &done, err))
        return err_wrap(err, "asking for blocks");
    if (!done)
        return true;
    if (run->mining)
        run->look_at_ns = 0;
    else
        take_block(run);
    run->mining = false;
    return true;
}

static bool step_lanes(struct run *run, struct load_lane *lanes, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        bool done;
        if (!load_http_step(&lanes[i].http, &done, err))
            return err_wrap(err, "sending");
        if (done)
            count_answer(run, &lanes[i].http, run->p->req[lanes[i].next - 1].cnt);
    }
    return true;
}

static void wait_for_news(const struct run *run, const struct load_lane *lanes, size_t n)
{
    struct pollfd p[MAX_LANES + 1];
    for (size_t i = 0; i < n; i++)
        p[i] =
            (struct pollfd){ .fd = lanes[i].http.fd, .events = load_http_events(&lanes[i].http) };
    p[n] = (struct pollfd){ .fd = run->control->fd, .events = load_http_events(run->control) };
    (void)poll(p, (nfds_t)n + 1, 5);
}

static bool loop(struct run *run, struct load_lane *lanes, size_t n, struct err *err)
{
    const struct load_settings *set = run->p->set;
    uint64_t over_ns = 0;
    for (;;) {
        uint64_t now = load_now_ns();
        for (size_t i = 0; i < n; i++)
            feed(run, &lanes[i], now);
        use_control(run, now, !sending_is_over(run, lanes, n, now));
        wait_for_news(run, lanes, n);
        if (!step_lanes(run, lanes, n, err) || !step_control(run, err))
            return false;
        if (!sending_is_over(run, lanes, n, now))
            continue;
        over_ns = over_ns ? over_ns : now;
        if (run->r->included >= run->r->accepted || now - over_ns > set->grace_ms * 1000000)
            return true;
    }
}

/* The control connection may still wait for an answer: the next user must find it free. */
static bool settle_control(struct run *run, struct err *err)
{
    while (run->control->busy) {
        struct pollfd p = { .fd = run->control->fd, .events = load_http_events(run->control) };
        if (poll(&p, 1, 30000) == 0)
            return err_set(err, ERR_TRANSIENT, "the last question about blocks was not answered");
        if (!step_control(run, err))
            return false;
    }
    return true;
}

bool load_run(struct load_plan *p, struct load_lane *lanes, size_t lane_cnt,
              struct load_http *control, struct load_result *out, struct err *err)
{
    struct run run = { .p = p, .r = out, .control = control };
    CHECK(lane_cnt <= MAX_LANES);
    memset(out, 0, sizeof(*out));
    if (!load_block_number(control, &p->set->target, &run.next_block, err))
        return false;
    run.next_block++;
    buf_init(&run.ask, 4096);
    run.start_ns = run.last_included_ns = run.last_answer_ns = load_now_ns();
    run.mine_at_ns = run.start_ns + p->set->mine_ms * 1000000;
    bool ok = loop(&run, lanes, lane_cnt, err) && settle_control(&run, err);
    buf_clear(&run.ask);
    out->send_seconds = (double)(run.last_answer_ns - run.start_ns) / 1e9;
    /* what is not in a block yet costs the time it was waited for */
    uint64_t end = out->included < out->accepted ? load_now_ns() : run.last_included_ns;
    out->seconds = (double)(end - run.start_ns) / 1e9;
    return ok;
}

static void ask_receipt(struct buf *body, const struct b256 *hash, size_t id)
{
    buf_printf(
        body,
        "%s{\"jsonrpc\":\"2.0\",\"id\":%zu,\"method\":\"eth_getTransactionReceipt\",\"params\":[\"",
        id ? "," : "[", id);
    buf_append_hex(body, hash->b, 32);
    buf_append_str(body, "\"]}");
}

bool load_sample_receipts(struct load_plan *p, struct load_http *h, size_t want, size_t *asked,
                          size_t *good, struct err *err)
{
    struct buf body;
    struct bytes answer;
    size_t stride = p->tx_cnt / want + 1, at = 0;
    uint64_t status;
    *asked = *good = 0;
    buf_init(&body, (size_t)1 << 20);
    for (size_t i = 0; i < p->tx_cnt; i += stride)
        if (p->included[i])
            ask_receipt(&body, &p->hash[i], (*asked)++);
    buf_append_str(&body, "]");
    bool ok =
        *asked == 0 || load_http_call(h, &p->set->target, bytes_of(body.p, body.len), &answer, err);
    if (ok && *asked)
        while (load_json_u64(answer, &at, "status", &status))
            *good += status == 1;
    buf_clear(&body);
    return ok;
}
