/* node/rpc/rpc.c
 *
 * Life of the component; requests are in server.c and dispatch.c. */
#include "node/rpc/rpc.h"

#include <stdlib.h>
#include <string.h>

#include "node/rpc/log_trees.h"
#include "node/rpc/rpc_internal.h"
#include "node/rpc/sockets.h"

#define SYNC_THREADS 4u /* calls that wait for a block, at once */

static char *copy_text(const char *s)
{
    size_t n = strlen(s) + 1;
    char *t = malloc(n);
    if (t)
        memcpy(t, s, n);
    return t;
}

static bool init_locks(struct rpc *r)
{
    pthread_condattr_t attr;
    if (pthread_mutex_init(&r->mutex, NULL) != 0)
        return false;
    if (pthread_condattr_init(&attr) != 0)
        return false;
    bool ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
              pthread_cond_init(&r->published, &attr) == 0;
    pthread_condattr_destroy(&attr);
    return ok;
}

struct rpc *rpc_create(const struct rpc_deps *deps, struct err *err)
{
    struct rpc *r = calloc(1, sizeof(*r));
    size_t methods = 0;
    if (!r || !init_locks(r)) {
        free(r);
        err_set(err, ERR_LOCAL, "out of memory for the RPC");
        return NULL;
    }
    while (rpc_method_name(methods))
        methods++;
    r->d = *deps;
    r->contracts = deps->contracts;
    r->started_at_ms = clock_wall_ms(deps->clock);
    r->version = copy_text(deps->version ? deps->version : "0.0.0");
    r->filters = rpc_filters_create();
    r->tallies = rpc_tallies_create(methods);
    r->log_trees = rpc_log_trees_create();
    r->sockets = rpc_sockets_create(r);
    r->genesis_answer = rpc_genesis_answer(deps->genesis_json, STF_EXECUTION_VERSION_V31);
    if (!r->version || !r->filters || !r->tallies || !r->log_trees || !r->sockets) {
        rpc_destroy(r);
        err_set(err, ERR_LOCAL, "out of memory for the RPC");
        return NULL;
    }
    return r;
}

/* Waiting senders look for their transaction again. Loop. */
static void on_block(void *arg, const struct chain_block *b)
{
    struct rpc *r = arg;
    notices_add_block(r, b);
    pthread_mutex_lock(&r->mutex);
    r->published_cnt++;
    pthread_cond_broadcast(&r->published);
    pthread_mutex_unlock(&r->mutex);
}

bool rpc_start(struct rpc *r, struct err *err)
{
    unsigned threads = (unsigned)r->d.cfg->general.workers;
    r->workers = worker_pool_create(r->d.base, threads ? threads : 1, "rpc", err);
    if (!r->workers)
        return false;
    r->sync_workers = worker_pool_create(r->d.base, SYNC_THREADS, "rpc-sync", err);
    if (!r->sync_workers)
        return false;
    if (r->d.chain)
        chain_subscribe(r->d.chain, on_block, NULL, NULL, r);
    r->started = true;
    return rpc_servers_start(r, err);
}

void rpc_set_ready(struct rpc *r)
{
    atomic_store(&r->ready, true);
}

void rpc_set_contracts(struct rpc *r, const struct rpc_contracts *c)
{
    pthread_mutex_lock(&r->mutex);
    r->contracts = *c;
    pthread_mutex_unlock(&r->mutex);
}

void rpc_set_mirror(struct rpc *r, struct mirror *m)
{
    atomic_store(&r->mirror, m);
}

/* Senders that wait give up, so that workers end. */
static void wake_waiters(struct rpc *r)
{
    atomic_store(&r->draining, true);
    pthread_mutex_lock(&r->mutex);
    pthread_cond_broadcast(&r->published);
    pthread_mutex_unlock(&r->mutex);
}

void rpc_look_drained(struct rpc *r)
{
    void (*done)(void *arg) = r->drained;
    if (!done || !r->http_drained || r->sockets->client_cnt > 0)
        return;
    r->drained = NULL;
    done(r->drained_arg);
}

static void on_http_drained(void *arg)
{
    struct rpc *r = arg;
    r->http_drained = true;
    rpc_look_drained(r);
}

void rpc_drain(struct rpc *r, uint64_t timeout_ms, void (*done)(void *arg), void *arg)
{
    wake_waiters(r);
    r->drained = done;
    r->drained_arg = arg;
    rpc_sockets_goodbye(r); /* each ends by itself soon, whether it is answered or not */
    if (r->http)
        http_server_drain(r->http, timeout_ms, on_http_drained, r);
    else
        on_http_drained(r);
}

void rpc_stop(struct rpc *r)
{
    if (r->stopped)
        return;
    r->stopped = true;
    r->drained = NULL;
    wake_waiters(r);
    rpc_servers_stop(r);
    if (r->workers)
        worker_pool_stop(r->workers);
    if (r->sync_workers)
        worker_pool_stop(r->sync_workers);
}

static void session_destroy(struct rpc_session *s)
{
    if (s->reader)
        store_reader_close(s->reader);
    arena_clear(&s->arena);
    free(s);
}

void rpc_destroy(struct rpc *r)
{
    if (!r)
        return;
    rpc_stop(r);
    rpc_servers_destroy(r);
    worker_pool_destroy(r->workers);
    worker_pool_destroy(r->sync_workers);
    while (r->free_sessions) {
        struct rpc_session *s = r->free_sessions;
        r->free_sessions = s->next;
        session_destroy(s);
    }
    rpc_filters_destroy(r->filters);
    rpc_tallies_destroy(r->tallies);
    rpc_log_trees_destroy(r->log_trees);
    rpc_sockets_destroy(r->sockets);
    free(r->genesis_answer);
    free(r->version);
    pthread_cond_destroy(&r->published);
    pthread_mutex_destroy(&r->mutex);
    free(r);
}
