/* node/rpc/rpc_internal.h   (inside rpc)
 *
 * One call on one worker: struct rpc_call. A handler appends its result as JSON to c->out and returns true, or
 * returns false with rpc_fail*. Whatever it appended before failing is dropped by the dispatcher. */
#ifndef GH_RPC_INTERNAL_H
#define GH_RPC_INTERNAL_H

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>

#include "node/base/arena.h"
#include "node/chain/worker.h"
#include "node/net/http_server.h"
#include "node/rpc/json_scan.h"
#include "node/rpc/rpc.h"
#include "node/store/batch_table.h"

#define RPC_PARSE           (-32700)
#define RPC_INVALID_REQUEST (-32600)
#define RPC_NO_METHOD       (-32601)
#define RPC_PARAMS          (-32602)
#define RPC_INTERNAL        (-32603)
#define RPC_SERVER          (-32000) /* refusals of pool and VM */
#define RPC_REVERTED        3
#define RPC_TIMEOUT         4
#define RPC_TOO_BIG         (-32008) /* response */
#define RPC_BATCH_TOO_LARGE (-32010)

#define RPC_MESSAGE_CAP 768

struct rpc_filters;
struct rpc_tallies;
struct rpc_log_trees;
struct rpc_sockets;
struct rpc_client;

/* What a worker keeps between calls. Taken from a free list for one dispatch. */
struct rpc_session {
    struct rpc_session *next;
    struct store_reader *reader; /* owned; NULL until first needed */
    struct arena arena;          /* reset after each dispatch */
    struct state_view *view;     /* of the head, for submissions; closed after each dispatch */
    struct batch_row batch;      /* last one looked up; number 0: none */
    bool batch_final;            /* it will not change any more */
    struct rpc_client *client; /* whose call this is, where it can be told more later; NULL: HTTP */
};

struct rpc {
    struct rpc_deps d;
    struct worker_pool *workers;      /* owned */
    struct worker_pool *sync_workers; /* owned: calls that wait for a block */
    struct http_server *http, *status_http, *metrics_http;
    char *version; /* owned */
    uint64_t started_at_ms;
    _Atomic(struct mirror *) mirror;
    void (*drained)(void *arg); /* once the HTTP server is empty and WebSockets have said goodbye */
    void *drained_arg;
    bool http_drained;
    atomic_bool ready, draining;
    atomic_size_t memory; /* of the budget */
    atomic_size_t traces; /* being made */
    bool started, stopped;

    pthread_mutex_t mutex; /* guards the next three groups */
    struct rpc_contracts contracts;
    struct rpc_session *free_sessions;
    pthread_cond_t published; /* a block is visible; waiters look again */
    uint64_t published_cnt;

    struct rpc_filters *filters;     /* owned; has its own lock */
    struct rpc_tallies *tallies;     /* owned; counters */
    struct rpc_log_trees *log_trees; /* owned; has its own lock */
    struct rpc_sockets *sockets;     /* owned; WebSocket clients */
    char *genesis_answer; /* owned: result of zks_getGenesis, NULL when there is no file */
};

struct rpc_call {
    struct rpc *r;
    struct rpc_session *s;
    const json_t *params; /* array, may be NULL (none) */
    struct buf *out;
    /* filled by rpc_fail */
    int code;
    char message[RPC_MESSAGE_CAP];
    struct bytes data; /* error data as bytes, arena */
    bool has_data;
    char data_text[128]; /* error data as text; "" none */
};

/* jansson walks objects through pointers to what it does not change. */
static inline json_t *json_unconst(const json_t *v)
{
    json_t *m;
    memcpy(&m, &v, sizeof(m));
    return m;
}

typedef bool rpc_handler_fn(struct rpc_call *c);

/* rpc.c: calls `drained` when nothing is left */
void rpc_look_drained(struct rpc *r);

/* dispatch.c */
bool rpc_fail(struct rpc_call *c, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
bool rpc_fail_err(struct rpc_call *c, const struct err *e); /* internal error with its text */
bool rpc_no_memory(struct rpc_call *c);
struct rpc_session *rpc_session_take(struct rpc *r);
void rpc_session_give(struct rpc *r, struct rpc_session *s);
/* NULL with the call failed. */
struct store_reader *rpc_reader(struct rpc_call *c);
bool rpc_memory_reserve(void *rpc, size_t len);
void rpc_memory_release(void *rpc, size_t len);
const char *rpc_method_name(size_t i); /* NULL at the end; order of rpc_methods.def */

/* The same as rpc_dispatch for a client that stays. */
void rpc_dispatch_for(struct rpc *r, struct rpc_client *client, struct bytes body, struct buf *out);

/* tallies.c: figures of the RPC itself */
struct rpc_tallies *rpc_tallies_create(size_t method_cnt);
void rpc_tallies_destroy(struct rpc_tallies *t);
void rpc_tally_call(struct rpc_tallies *t, size_t method, uint64_t micros, int error_code);
void rpc_tally_body(struct rpc_tallies *t, size_t request, size_t response, size_t batch_cnt,
                    uint64_t micros);
void rpc_tally_scanned(struct rpc_tallies *t, uint64_t blocks);
void rpc_tallies_collect(struct rpc_tallies *t, struct metrics *m);

/* genesis_answer.c */
char *rpc_genesis_answer(struct bytes genesis_json, uint32_t execution_version);

/* filters (eth_filters.c) */
struct rpc_filters *rpc_filters_create(void);
void rpc_filters_destroy(struct rpc_filters *f);
size_t rpc_filters_count(struct rpc_filters *f);
/* A transaction went into the pool: if it is executable, filters and subscriptions for pending ones learn of it and of those it made
 * executable. */
void rpc_filters_pending(struct rpc_call *c, const struct stf_tx *tx);

/* eth_tx.c: the whole of eth_sendRawTransaction over the hex text of its parameter */
bool rpc_send_raw(struct rpc_call *c, const char *hex, size_t len);

/* server.c */
bool rpc_servers_start(struct rpc *r, struct err *err);
void rpc_servers_stop(struct rpc *r);
void rpc_servers_destroy(struct rpc *r);
/* The threads that answer this body: calls that wait for a block have threads of their own, so that they never keep others out. */
struct worker_pool *rpc_pool_for(struct rpc *r, struct bytes body);

/* ---- helpers over chain and store (lookup.c) ---- */
/* NULL: not found (code 0) or failed (code set). Release with rpc_block_release. */
const struct chain_block *rpc_block_get(struct rpc_call *c, uint64_t number);
void rpc_block_release(struct rpc_call *c, const struct chain_block *b);
/* Batch of a block, NULL when it is in none (or the table cannot be read: then too). Valid until the next call. */
const struct batch_row *rpc_batch_of_block(struct rpc_call *c, uint64_t block);
bool rpc_batch_get(struct rpc_call *c, uint64_t number, struct batch_row *out, bool *found);
struct rpc_frontiers rpc_frontiers_get(struct rpc_call *c);
struct rpc_contracts rpc_contracts_get(struct rpc *r);
/* A view of the state after `block`; NULL with the call failed (pruned, not there). */
struct state_view *rpc_view_open(struct rpc_call *c, uint64_t block);
/* Envelope into the session's arena. */
bool rpc_tx_decode(struct rpc_call *c, struct bytes envelope, struct stf_tx *out);
/* Found transactions: the block is acquired. *found false: unknown. */
bool rpc_tx_locate(struct rpc_call *c, const struct b256 *hash, const struct chain_block **b,
                   uint32_t *index, bool *found);

#endif
