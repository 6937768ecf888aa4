/* node/chain/worker.h
 *
 * A fixed pool of threads for CPU-heavy work. A job is handed over whole and handed back whole: `run` executes on a
 * worker and touches no component; `done` runs on the event loop. Jobs of a pool with one thread run in order. */
#ifndef GH_CHAIN_WORKER_H
#define GH_CHAIN_WORKER_H

#include <event2/event.h>

#include "node/base/err.h"

struct worker_pool;
typedef void worker_fn(void *arg);

MUST_USE struct worker_pool *worker_pool_create(struct event_base *base, unsigned threads,
                                                const char *name, struct err *err);
/* done may be NULL. false: out of memory, or stopping; nothing will run. */
MUST_USE bool worker_submit(struct worker_pool *p, worker_fn *run, worker_fn *done, void *arg);
/* Runs what is queued, joins the threads, then runs the outstanding `done` callbacks in place. Loop thread only. */
void worker_pool_stop(struct worker_pool *p);
void worker_pool_destroy(struct worker_pool *p); /* stops first; NULL allowed */

#endif
