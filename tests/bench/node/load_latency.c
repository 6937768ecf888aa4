/* tests/bench/node/load_latency.c
 *
 * Inclusion latency at a fixed rate: transaction i is due at start + i / rate whether or not the peer keeps up, each in a request of
 * its own; its latency ends when eth_getTransactionReceipt knows it. The receipt of the oldest open transaction is asked for every
 * few milliseconds; once it is there, those of the others are asked for in batches until none is found. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/base/hex.h"
#include "tests/bench/node/load_json.h"
#include "tests/bench/node/load_run.h"

#define ASK_AT_ONCE  64u
#define ASK_EVERY_NS 3000000u
#define LANES        64

struct latency {
    struct load_plan plan;
    struct load_http lane[LANES], control;
    uint32_t lane_tx[LANES];
    uint64_t start_ns, ask_at_ns;
    unsigned ask_cnt;
    uint64_t *due_ns, *seen_ns; /* owned, of each transaction */
    bool *refused;              /* owned */
    size_t next, answered, done, refusals;
    uint32_t oldest;
    struct buf json, ask; /* owned */
    char first_refusal[200];
};

static void submit_due(struct latency *l, uint64_t now)
{
    for (size_t i = 0; i < LANES && l->next < l->plan.req_cnt && l->due_ns[l->next] <= now; i++) {
        if (l->lane[i].busy)
            continue;
        const struct load_request *q = &l->plan.req[l->next];
        l->lane_tx[i] = (uint32_t)l->next++;
        load_http_start(&l->lane[i], bytes_of(q->http.p, q->http.len));
    }
}

static bool step_lanes(struct latency *l, struct err *err)
{
    for (size_t i = 0; i < LANES; i++) {
        bool done;
        size_t at = 0;
        if (!load_http_step(&l->lane[i], &done, err))
            return err_wrap(err, "sending");
        if (!done)
            continue;
        l->answered++;
        if (load_json_next(load_http_body(&l->lane[i]), &at, "result"))
            continue;
        l->refused[l->lane_tx[i]] = true;
        l->refusals++;
        if (!l->first_refusal[0])
            load_json_error(load_http_body(&l->lane[i]), l->first_refusal,
                            sizeof(l->first_refusal));
    }
    return true;
}

static bool is_open(const struct latency *l, uint32_t i)
{
    return !l->seen_ns[i] && !l->refused[i];
}

static void ask_receipts(struct latency *l, uint64_t now)
{
    unsigned n = 0;
    if (l->control.busy || now < l->ask_at_ns)
        return;
    while (l->oldest < l->next && !is_open(l, l->oldest))
        l->oldest++;
    buf_reset(&l->json);
    for (uint32_t i = l->oldest; i < l->next && n < l->ask_cnt; i++) {
        if (!is_open(l, i))
            continue;
        buf_printf(&l->json,
                   "%s{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"eth_getTransactionReceipt\","
                   "\"params\":[\"",
                   n ? "," : "[", n);
        buf_append_hex(&l->json, l->plan.hash[i].b, 32);
        buf_append_str(&l->json, "\"]}");
        n++;
    }
    if (!n)
        return;
    buf_append_str(&l->json, "]");
    buf_reset(&l->ask);
    CHECK(load_http_wrap(&l->ask, &l->plan.set->target, bytes_of(l->json.p, l->json.len)));
    load_http_start(&l->control, bytes_of(l->ask.p, l->ask.len));
    l->ask_at_ns = now + ASK_EVERY_NS;
}

static bool take_receipts(struct latency *l, struct err *err)
{
    bool done;
    size_t at = 0, found = 0;
    if (!load_http_step(&l->control, &done, err))
        return err_wrap(err, "asking for receipts");
    if (!done)
        return true;
    struct bytes body = load_http_body(&l->control);
    uint64_t now = load_now_ns();
    while (load_json_next(body, &at, "transactionHash")) {
        struct b256 hash;
        uint32_t i;
        if (!load_json_b256(body, &at, body.len, &hash) || !load_plan_mark(&l->plan, &hash, &i))
            continue;
        l->seen_ns[i] = now;
        l->done++;
        found++;
    }
    l->ask_cnt = found ? ASK_AT_ONCE : 1;
    if (found)
        l->ask_at_ns = 0;
    return true;
}

static bool measure(struct latency *l, struct err *err)
{
    const struct load_settings *set = l->plan.set;
    uint64_t end = l->due_ns[l->plan.req_cnt - 1] + set->grace_ms * 1000000;
    for (;;) {
        struct pollfd p[LANES + 1];
        uint64_t now = load_now_ns();
        submit_due(l, now);
        ask_receipts(l, now);
        for (size_t i = 0; i < LANES; i++)
            p[i] = (struct pollfd){ .fd = l->lane[i].fd, .events = load_http_events(&l->lane[i]) };
        p[LANES] = (struct pollfd){ .fd = l->control.fd, .events = load_http_events(&l->control) };
        (void)poll(p, LANES + 1, 1);
        if (!step_lanes(l, err) || !take_receipts(l, err))
            return false;
        bool all = l->next == l->plan.req_cnt && l->answered == l->next &&
                   l->done + l->refusals >= l->next;
        if (all || now > end)
            return true;
    }
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static double at_percent(const uint64_t *sorted, size_t n, size_t tenths)
{
    return n ? (double)sorted[(n - 1) * tenths / 1000] / 1e6 : 0;
}

static void print(const struct latency *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->plan.tx_cnt; i++)
        if (l->seen_ns[i])
            l->seen_ns[n++] = l->seen_ns[i] - l->due_ns[i];
    qsort(l->seen_ns, n, sizeof(*l->seen_ns), compare);
    printf("{\"rate\":%.0f,\"sent\":%zu,\"included\":%zu,\"refused\":%zu,\"p50_ms\":%.1f,\"p90_"
           "ms\":%.1f,"
           "\"p99_ms\":%.1f,\"max_ms\":%.1f,\"first_refusal\":\"%s\"}\n",
           l->plan.set->rate, l->next, n, l->refusals, at_percent(l->seen_ns, n, 500),
           at_percent(l->seen_ns, n, 900), at_percent(l->seen_ns, n, 990),
           at_percent(l->seen_ns, n, 1000), l->first_refusal);
}

static bool prepare(struct latency *l, const struct load_settings *set, struct err *err)
{
    size_t txs = set->txs;
    struct load_sender *s = calloc(set->senders, sizeof(*s));
    l->due_ns = calloc(txs, sizeof(*l->due_ns));
    l->seen_ns = calloc(txs, sizeof(*l->seen_ns));
    l->refused = calloc(txs, sizeof(*l->refused));
    bool ok =
        (s && l->due_ns && l->seen_ns && l->refused) || err_set(err, ERR_LOCAL, "out of memory");
    for (size_t i = 0; ok && i < set->senders; i++)
        load_sender_make(&s[i], i);
    ok = ok && load_http_open(&l->control, &set->target, err) &&
         load_nonces_fetch(s, set->senders, &l->control, &set->target, err) &&
         load_plan_init(&l->plan, set, txs, err);
    for (size_t i = 0; ok && i < LANES; i++)
        ok = load_http_open(&l->lane[i], &set->target, err);
    struct u256 one = U256_ONE;
    for (size_t i = 0; ok && i < txs; i++)
        load_plan_add(&l->plan, &s[i % set->senders], &s[(i * 7 + 1) % set->senders].addr, &one, 0);
    free(s);
    buf_init(&l->json, (size_t)1 << 20);
    buf_init(&l->ask, (size_t)1 << 20);
    return ok;
}

bool load_latency(const struct load_settings *set, struct err *err)
{
    struct latency *l = calloc(1, sizeof(*l));
    if (!l)
        return err_set(err, ERR_LOCAL, "out of memory");
    l->control.fd = -1;
    for (size_t i = 0; i < LANES; i++)
        l->lane[i].fd = -1;
    bool ok = prepare(l, set, err);
    l->ask_cnt = 1;
    l->start_ns = load_now_ns() + 1000000;
    for (size_t i = 0; ok && i < set->txs; i++)
        l->due_ns[i] = l->start_ns + (uint64_t)((double)i * 1e9 / set->rate);
    ok = ok && measure(l, err);
    if (ok)
        print(l);
    for (size_t i = 0; i < LANES; i++)
        load_http_close(&l->lane[i]);
    load_http_close(&l->control);
    load_plan_clear(&l->plan);
    buf_clear(&l->json);
    buf_clear(&l->ask);
    free(l->due_ns);
    free(l->seen_ns);
    free(l->refused);
    free(l);
    return ok;
}
