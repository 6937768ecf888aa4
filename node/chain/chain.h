/* node/chain/chain.h
 *
 * The chain: builds blocks, makes them durable, brings state and tree forward, and answers what it knows.
 *
 * Life of a block (all after "durable" is a pure function of the record):
 *   loop      a transaction is available -> context (fees, time, hashes) and candidates, by value
 *   worker    stf executes them -> record, state layer (invisible)
 *   store     record appended and committed: durable
 *   loop      published: head moves, mempool and subscribers are told
 *   worker    tree hashed -> state commitment, block summary for batches
 *   store     index rows (derived)
 * One block is in work at a time; what arrives meanwhile is the next one. A crash before "durable": the block never existed.
 *
 * Reading is thread-safe: head and readers below may be used from RPC workers. */
#ifndef GH_CHAIN_CHAIN_H
#define GH_CHAIN_CHAIN_H

#include <event2/event.h>

#include "node/base/clock.h"
#include "node/chain/block_record.h"
#include "node/chain/mempool.h"
#include "node/state/state.h"
#include "node/stf/batch.h"
#include "node/store/store.h"

struct chain;
struct chain_block;
struct state_files;

struct chain_config {
    uint64_t chain_id, l1_chain_id, sl_chain_id;
    uint32_t protocol_minor; /* of the next block; 31 */
    uint64_t block_time_ms;  /* at most one block per this time while there is work; default 250 */
    size_t max_txs_in_block; /* 1000 */
    uint64_t block_gas_limit, block_pubdata_limit;
    struct addr fee_collector;
    struct u256 native_price, base_fee,
        pubdata_price;              /* of the fee model or its overrides, at start */
    uint64_t max_blocks_to_produce; /* 0: no limit */
    uint64_t checkpoint_every_blocks;
    uint64_t min_blocks_to_replay; /* executed again at start */
    uint64_t cached_blocks;        /* decoded blocks kept in memory */
    const char *data_dir;
};

struct chain_deps { /* borrowed */
    struct event_base *base;
    struct store *store;
    const struct stf_crypto *crypto;
    const struct clock *clock;
    struct mempool *mempool;
    struct state *state; /* at genesis, or at a checkpoint; chain_start brings it to the head */
    /* where checkpoints go; NULL: data_dir/checkpoints. Tests lose power here. */
    const struct state_files *checkpoint_files;
};

struct chain_head { /* value */
    uint64_t number, timestamp;
    struct b256 hash;
    struct u256 base_fee, native_price, pubdata_price;
    uint64_t gas_limit;
    uint64_t next_l1_priority_id;
    uint32_t execution_version, protocol_minor;
};

/* On the loop, after the block is durable and visible. The record is borrowed for the call. */
typedef void chain_block_fn(void *arg, const struct chain_block *b);
/* On the loop, after the tree has hashed the block: chain_batch_block_load(number) works from now on. */
typedef void chain_tree_fn(void *arg, uint64_t number);
/* The chain stopped producing, with the reason in words (a fatal verdict, a clock that went back, a full disk). */
typedef void chain_stopped_fn(void *arg, const struct err *why);

MUST_USE struct chain *chain_create(const struct chain_deps *deps, const struct chain_config *cfg,
                                    struct err *err);
/* Highest block whose tree row is in index.db; *any false when there is none. A checkpoint above it must not be loaded: rows
 * between the two could not be made any more, and batches need each. So it bounds max_block of checkpoint_load,
 * and chain_start refuses a state that lies above. Before chain_create; start-up only. */
MUST_USE bool chain_checkpoint_limit(struct store *s, uint64_t *block, bool *any, struct err *err);
/* Recovers: reads records after the state's block, applies their diffs, executes the last few again and compares output
 * hashes (ERR_LOCAL naming the block when they differ), then is ready to produce. Blocking; start-up only. */
MUST_USE bool chain_start(struct chain *c, struct err *err);
void chain_stop(struct chain *c); /* finishes the block in work, waits for its commit */
void chain_destroy(struct chain *c);
void chain_subscribe(struct chain *c, chain_block_fn *on_block, chain_tree_fn *on_tree,
                     chain_stopped_fn *on_stopped, void *arg);

/* Requests of the settlement layer are in the journal now (l1_tx.h): look for them. Loop only. */
void chain_l1_txs_arrived(struct chain *c);
/* First priority id that is in no block of ours, the one in work included. Loop only. */
uint64_t chain_first_free_priority_id(const struct chain *c);
/* Settlement layer of the first block's SetSLChainId, once it is known. Loop only, before block 1. */
void chain_set_sl_chain_id(struct chain *c, uint64_t id);
/* A root of the settlement layer's message tree (spec 40 §5): other chains' messages are proved against it here. */
struct chain_interop_root {
    uint64_t chain_id, block, log_id;
    struct b256 root;
};
/* Queues a root for import; the blocks after store it. The caller vouches that it is final and historical: a batch that depends on any other root
 * can never be executed. Roots come in ascending order of block, and of log_id where the contract counts; one that is stored already is passed over, so offering again after a
 * restart is safe. ERR_INVALID: not of our settlement layer, or out of order; ERR_TRANSIENT: too many wait, offer it again; ERR_REJECTED: imports
 * are stopped (an import failed, or chain_stop_roots). Loop only. */
MUST_USE bool chain_import_root(struct chain *c, const struct chain_interop_root *r,
                                struct err *err);
/* Nothing is imported from now on until a restart; the first reason stays. Loop only. */
void chain_stop_roots(struct chain *c, const char *why);
/* Whether the newest state has it; ERR_DIVERGED: another root for that block. */
MUST_USE bool chain_root_is_imported(struct chain *c, const struct chain_interop_root *r,
                                     bool *imported, struct err *err);
struct chain_roots_status {
    uint64_t waiting, imported; /* since start */
    uint64_t last_block, last_log_id;
    bool stopped;
    char why[256];
};
void chain_roots_status(const struct chain *c, struct chain_roots_status *out); /* loop only */
/* A transaction became executable. Any thread. */
void chain_wake(struct chain *c);
/* Fees of blocks from the next one on. Loop only. */
void chain_set_fees(struct chain *c, const struct u256 *base_fee, const struct u256 *native_price,
                    const struct u256 *pubdata_price);
/* Stops and resumes taking transactions; `reason` is shown to senders. Any thread. */
void chain_pause(struct chain *c, const char *reason);
void chain_resume(struct chain *c);
/* NULL: accepting. Otherwise why not (copied). */
bool chain_is_accepting(struct chain *c, char *reason, size_t cap);

/* ---- reading; any thread ---- */
struct chain_head chain_head_get(struct chain *c);
uint64_t chain_tree_head(struct chain *c); /* highest block whose tree is hashed */
struct state *chain_state(struct chain *c);
/* Context the next block would have, for calls and estimates on top of `number` (its own parent hashes): spec 50 §5.4 */
MUST_USE bool chain_call_context(struct chain *c, struct store_reader *r, uint64_t number,
                                 struct stf_block_context *out, struct err *err);
/* A published block, decoded once and shared by reference count. Recent ones stay in memory; older ones are read
 * from the store and cached. NULL without an error (err->kind ERR_NONE) when there is no such block. Release what you acquire. */
struct chain_block {
    struct block_record r;
    uint8_t bloom[256];
    size_t encoded_len;
};
MUST_USE const struct chain_block *chain_block_acquire(struct chain *c, struct store_reader *r,
                                                       uint64_t number, struct err *err);
void chain_block_release(struct chain *c, const struct chain_block *b);
MUST_USE bool chain_block_number_of(struct chain *c, struct store_reader *r,
                                    const struct b256 *hash, uint64_t *number, bool *found,
                                    struct err *err);
struct chain_tx_location {
    uint64_t block;
    uint32_t index;
};
/* Only published blocks are found. */
MUST_USE bool chain_tx_find(struct chain *c, struct store_reader *r, const struct b256 *hash,
                            struct chain_tx_location *out, bool *found, struct err *err);
MUST_USE bool chain_tx_find_by_nonce(struct chain *c, struct store_reader *r,
                                     const struct addr *from, uint64_t nonce, struct b256 *hash,
                                     bool *found, struct err *err);
/* 256-byte bloom of a block's events, for eth_getLogs */
MUST_USE bool chain_bloom_load(struct chain *c, struct store_reader *r, uint64_t number,
                               uint8_t bloom[256], bool *found, struct err *err);
void chain_bloom_add(uint8_t bloom[256], const struct stf_event *e);
/* What a batch needs of a block whose tree is hashed. */
MUST_USE bool chain_batch_block_load(struct chain *c, struct store_reader *r, uint64_t number,
                                     struct arena *arena, struct batch_block *out, struct err *err);

/* ---- figures for status and metrics; any thread ---- */
#define CHAIN_SEAL_REASONS(X)                                                                      \
    X(SEAL_TIMEOUT, "timeout")                                                                     \
    X(SEAL_TX_COUNT, "tx_count_limit")                                                             \
    X(SEAL_GAS_LIMIT, "gas_limit")                                                                 \
    X(SEAL_GAS_VM, "gas_vm")                                                                       \
    X(SEAL_NATIVE, "native_cycles")                                                                \
    X(SEAL_PUBDATA, "pubdata")                                                                     \
    X(SEAL_LOGS, "l2_to_l1_logs")                                                                  \
    X(SEAL_UPGRADE, "upgrade_tx")                                                                  \
    X(SEAL_SL_CHAIN_ID, "sl_chain_id_update_tx")                                                   \
    X(SEAL_EXHAUSTED, "tx_stream_exhausted")
#define CHAIN_SEAL_ENUM(id, name) id,
enum chain_seal_reason { CHAIN_SEAL_REASONS(CHAIN_SEAL_ENUM) SEAL_REASON_CNT };
struct chain_stats {
    uint64_t blocks, txs, failed_txs, invalid_txs;
    uint64_t seals[SEAL_REASON_CNT];
    uint64_t last_block_at_ms;
    bool stopped;
    char stopped_why[256];
    uint64_t missing_precompile_purged;
};
void chain_stats_get(struct chain *c, struct chain_stats *out);

#endif
