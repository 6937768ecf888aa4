/* node/rpc/tallies.c
 *
 * Figures of the RPC itself: counters that workers bump without a lock. */
#include <stdio.h>
#include <stdlib.h>

#include "node/rpc/rpc_internal.h"

static const double second_bounds[] = { 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                        0.05,   0.1,   0.25,   0.5,   1,    5 };
static const double size_bounds[] = { 128, 512, 2048, 8192, 32768, 131072, 1048576, 8388608 };
static const double count_bounds[] = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000 };
static const double block_bounds[] = { 1, 10, 100, 1000, 10000, 100000 };

#define MAX_BOUNDS 12u

struct tally {
    atomic_uint_fast64_t counts[MAX_BOUNDS + 1];
    atomic_uint_fast64_t sum; /* microseconds for times, else the unit itself */
};

struct rpc_tallies {
    size_t method_cnt; /* and one entry for what names no method */
    struct tally request, response, in_batch, scanned, batch_time;
    struct {
        int code;
        atomic_uint_fast64_t cnt;
    } errors[16];
    struct tally times[];
};

static const int error_codes[] = { RPC_PARSE,    RPC_INVALID_REQUEST, RPC_NO_METHOD, RPC_PARAMS,
                                   RPC_INTERNAL, RPC_SERVER,          RPC_REVERTED,  RPC_TIMEOUT,
                                   RPC_TOO_BIG,  RPC_BATCH_TOO_LARGE };

struct rpc_tallies *rpc_tallies_create(size_t method_cnt)
{
    struct rpc_tallies *t = calloc(1, sizeof(*t) + (method_cnt + 1) * sizeof(t->times[0]));
    if (!t)
        return NULL;
    t->method_cnt = method_cnt;
    for (size_t i = 0; i < GH_COUNT(error_codes); i++)
        t->errors[i].code = error_codes[i];
    return t;
}

void rpc_tallies_destroy(struct rpc_tallies *t)
{
    free(t);
}

static void add(struct tally *t, const double *bounds, size_t cnt, double value, uint64_t sum)
{
    size_t i = 0;
    while (i < cnt && value > bounds[i])
        i++;
    atomic_fetch_add_explicit(&t->counts[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&t->sum, sum, memory_order_relaxed);
}

void rpc_tally_call(struct rpc_tallies *t, size_t method, uint64_t micros, int error_code)
{
    add(&t->times[method < t->method_cnt ? method : t->method_cnt], second_bounds,
        GH_COUNT(second_bounds), (double)micros / 1e6, micros);
    for (size_t i = 0; error_code && i < GH_COUNT(error_codes); i++)
        if (t->errors[i].code == error_code)
            atomic_fetch_add_explicit(&t->errors[i].cnt, 1, memory_order_relaxed);
}

void rpc_tally_body(struct rpc_tallies *t, size_t request, size_t response, size_t batch_cnt,
                    uint64_t micros)
{
    add(&t->request, size_bounds, GH_COUNT(size_bounds), (double)request, request);
    add(&t->response, size_bounds, GH_COUNT(size_bounds), (double)response, response);
    if (batch_cnt <= 1)
        return;
    add(&t->in_batch, count_bounds, GH_COUNT(count_bounds), (double)batch_cnt, batch_cnt);
    add(&t->batch_time, second_bounds, GH_COUNT(second_bounds), (double)micros / 1e6, micros);
}

void rpc_tally_scanned(struct rpc_tallies *t, uint64_t blocks)
{
    add(&t->scanned, block_bounds, GH_COUNT(block_bounds), (double)blocks, blocks);
}

static void put(struct metrics *m, enum metric_id id, const char *labels, struct tally *t,
                const double *bounds, size_t cnt, double unit)
{
    uint64_t counts[MAX_BOUNDS + 1], total = 0;
    for (size_t i = 0; i <= cnt; i++)
        total += counts[i] = atomic_load_explicit(&t->counts[i], memory_order_relaxed);
    if (total)
        metrics_put_histogram(m, id, labels, bounds, counts, cnt,
                              (double)atomic_load_explicit(&t->sum, memory_order_relaxed) * unit);
}

void rpc_tallies_collect(struct rpc_tallies *t, struct metrics *m)
{
    char label[96];
    for (size_t i = 0; i <= t->method_cnt; i++) {
        const char *name = i < t->method_cnt ? rpc_method_name(i) : "unknown";
        snprintf(label, sizeof(label), "method=\"%s\"", name);
        put(m, METRIC_RESPONSE_TIME, label, &t->times[i], second_bounds, GH_COUNT(second_bounds),
            1e-6);
    }
    put(m, METRIC_RESPONSE_TIME, "method=\"batch\"", &t->batch_time, second_bounds,
        GH_COUNT(second_bounds), 1e-6);
    put(m, METRIC_REQUEST_SIZE, NULL, &t->request, size_bounds, GH_COUNT(size_bounds), 1);
    put(m, METRIC_RESPONSE_SIZE, NULL, &t->response, size_bounds, GH_COUNT(size_bounds), 1);
    put(m, METRIC_REQUESTS_IN_BATCH, NULL, &t->in_batch, count_bounds, GH_COUNT(count_bounds), 1);
    put(m, METRIC_LOGS_SCANNED_BLOCKS, NULL, &t->scanned, block_bounds, GH_COUNT(block_bounds), 1);
    for (size_t i = 0; i < GH_COUNT(error_codes); i++) {
        uint64_t n = atomic_load_explicit(&t->errors[i].cnt, memory_order_relaxed);
        snprintf(label, sizeof(label), "code=\"%d\"", t->errors[i].code);
        if (n)
            metrics_put_u64(m, METRIC_RPC_ERRORS, label, n);
    }
}
