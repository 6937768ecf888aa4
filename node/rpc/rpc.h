/* node/rpc/rpc.h
 *
 * What the world may ask of the node: JSON-RPC over HTTP (spec 50 §5), the status server and the metrics (spec 50 §9).
 *
 *   loop     evhttp reads a request, its memory is taken from one budget, the exchange is handed to a worker by value
 *   worker   depth scan -> parse -> dispatch (rpc_methods.def) -> JSON straight into a buffer
 *   loop     the reply is queued; a reader that does not take it in time is cut off
 *
 * Workers read: each has its own store_reader, blocks come from the chain by reference count, state through pinned views.
 * Nothing here changes the chain but mempool_insert. rpc_dispatch is the whole of the worker's part and has no other
 * input: tests and the fuzzer call it directly.
 *
 * Threads: create, start, stop, destroy and rpc_set_* on the loop thread; rpc_dispatch and the rest on any. */
#ifndef GH_RPC_RPC_H
#define GH_RPC_RPC_H

#include <event2/event.h>

#include "node/base/buf.h"
#include "node/base/clock.h"
#include "node/base/err.h"
#include "node/chain/chain.h"
#include "node/config.h"
#include "node/rpc/metrics.h"
#include "node/store/store.h"

struct rpc;

/* How far batches are; 0: none. Blocks are the last ones of these batches. */
struct rpc_frontiers {
    uint64_t sealed_batch, sealed_block;
    uint64_t committed_batch, committed_block;
    uint64_t proved_batch, proved_block;
    uint64_t executed_batch, executed_block;
    /* executed in a block that the settlement layer calls final */
    uint64_t finalized_executed_batch, finalized_executed_block;
};

/* What RPC asks of settlement. Thread-safe, quick (memory only), each may be NULL. */
struct rpc_settlement_ops {
    void *ctx;
    void (*frontiers)(void *ctx, struct rpc_frontiers *out);
    /* One JSON object: lanes, what each waits for, reason of a hold and its remedy, estimates. */
    bool (*status_json)(void *ctx, struct buf *out);
    /* What batch `batch` waits for on its way to execution, in words ("" when nothing); *eta_ms from now, UINT64_MAX: unknown.
     * batch 0: the batch being filled. */
    void (*waits_for)(void *ctx, uint64_t batch, char *text, size_t cap, uint64_t *eta_ms);
};

/* Discovered on the settlement layer; zero address: not known (yet). A value. */
struct rpc_contracts {
    struct addr bridgehub, diamond_proxy, validator_timelock, bytecodes_supplier;
    struct addr chain_type_manager, asset_router, message_root, base_token;
    /* of bridges an SDK may ask for; zero where the ecosystem has none */
    struct addr l1_erc20_bridge, l1_nullifier, native_token_vault;
    uint64_t l1_chain_id;
};

/* Other components' part of status and metrics; loop thread, memory only, each may be NULL. */
struct rpc_observe_ops {
    void *ctx;
    /* Adds samples of the metrics that belong to others (L1 client, senders, watcher). */
    void (*metrics)(void *ctx, struct metrics *m);
    /* Members of the /status object, each followed by a comma ("\"upgrade_pending\":null,"). */
    bool (*status_members)(void *ctx, struct buf *out);
    /* Elements of /status/pipeline's component array, without the brackets, separated by commas. */
    bool (*pipeline_components)(void *ctx, struct buf *out);
    /* Why transactions are not accepted beyond what the chain itself says: JSON objects separated by commas; nothing when
     * they are. */
    bool (*accepting_causes)(void *ctx, struct buf *out);
};

struct rpc_deps { /* borrowed for the life of rpc, but for values */
    struct event_base *base;
    const struct clock *clock;
    const struct config *cfg;
    struct chain *chain;
    struct mempool *mempool;
    struct store *store;
    const struct stf_crypto *crypto;
    struct rpc_settlement_ops settlement;
    struct rpc_observe_ops observe;
    struct rpc_contracts contracts;
    struct bytes genesis_json;  /* the genesis file as read; for zks_getGenesis */
    const char *version;        /* "0.1.0" */
    const char *fee_model_note; /* NULL, or a sentence shown in /status (overrides in force) */
    /* Prices of the settlement layer, for zks_getFeeParams and feeHistory; zero: unknown */
    struct u256 l1_gas_price;
};

/* Opens nothing. ERR_INVALID: an address of the configuration that does not parse. */
MUST_USE struct rpc *rpc_create(const struct rpc_deps *deps, struct err *err);
/* Binds the RPC, status and metrics listeners (those that are enabled) and starts the workers. The RPC port answers
 * only the boot set of spec 50 §5.1 until rpc_set_ready. ERR_LOCAL names an address that is taken. */
MUST_USE bool rpc_start(struct rpc *r, struct err *err);
/* The chain has started: everything may be asked. */
void rpc_set_ready(struct rpc *r);
void rpc_set_contracts(struct rpc *r, const struct rpc_contracts *c);
/* What proofs through the settlement layer are made of; NULL: none. Borrowed until rpc_stop. */
struct mirror;
void rpc_set_mirror(struct rpc *r, struct mirror *m);
/* A stop signal arrived: health and readiness turn to 503, submissions are refused, listeners drain for at most timeout_ms;
 * then `done` (may be NULL) runs from the loop. */
void rpc_drain(struct rpc *r, uint64_t timeout_ms, void (*done)(void *arg), void *arg);
/* Closes listeners and connections, waits for workers. Before chain, mempool and store go. */
void rpc_stop(struct rpc *r);
/* Stops first; NULL allowed. After chain_stop: the chain tells rpc of its blocks until then. */
void rpc_destroy(struct rpc *r);

/* The bound ports; 0 when that listener is not open. */
uint16_t rpc_port(const struct rpc *r);
uint16_t rpc_status_port(const struct rpc *r);
uint16_t rpc_metrics_port(const struct rpc *r);

/* One body, single call or batch, to one reply appended to `out` (empty for notifications). Total: any bytes give a
 * JSON-RPC answer. Any thread. `out` is bounded by its own max; an answer that does not fit becomes error -32008. */
void rpc_dispatch(struct rpc *r, struct bytes body, struct buf *out);

/* The answers of the status server and of /metrics, for tests and for the command line. Loop thread. Returns the HTTP status. */
int rpc_status_page(struct rpc *r, const char *path, struct buf *out);
void rpc_metrics_page(struct rpc *r, struct buf *out);

#endif
