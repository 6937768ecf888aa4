/* node/topology.c */
#include "node/topology.h"

#include <event2/thread.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/base/file.h"
#include "node/base/log.h"
#include "node/crypto/crypto.h"
#include "node/state/checkpoint.h"
#include "node/topology_internal.h"

#define DRAIN_MS 5000

const char gatehouse_version[] = "0.1.0";

void node_fail(struct node *n, const struct err *err)
{
    n->fatal = *err;
    n->exit_code = 1;
    event_base_loopbreak(n->base);
}

/* ---- state: the newest checkpoint that leaves nothing missing, or genesis ---- */

/* Oldest block that must stay readable: the last executed batch for proofs, and the history that RPC promises. Never above the index of
 * tree rows (chain_checkpoint_limit). */
static bool oldest_needed(struct node *n, uint64_t *block, uint64_t *executed_block,
                          struct err *err)
{
    uint64_t executed = 0, limit = 0;
    struct batch_row row;
    bool found = false, any = false;
    *block = *executed_block = 0;
    if (!batch_frontier(n->reader, BATCH_EXECUTE, &executed, err) ||
        !chain_checkpoint_limit(n->store, &limit, &any, err))
        return false;
    if (executed > 0 && !batch_load(n->reader, executed, &row, &found, err))
        return false;
    if (found)
        *executed_block = row.last_block;
    if (!any || !found)
        return true;
    uint64_t history = n->cfg->general.history_blocks;
    *block = limit > history ? limit - history : 0;
    if (row.last_block < *block)
        *block = row.last_block;
    return true;
}

static bool load_state(struct node *n, struct err *err)
{
    const struct config *c = n->cfg;
    struct state_config cfg = { .history_blocks = c->general.history_blocks,
                                .proof_blocks = STATE_PROOF_BLOCKS_DEFAULT };
    struct genesis g;
    if (!file_read(&n->genesis_json, &n->genesis_json_len, c->genesis.genesis_input_path,
                   GENESIS_FILE_MAX, err) ||
        !genesis_parse(&g, bytes_of(n->genesis_json, n->genesis_json_len), err))
        return err_wrap(err, "genesis file %s", c->genesis.genesis_input_path);
    struct state *genesis = state_create(&cfg);
    bool ok = genesis_apply(genesis, &g, NULL, &n->genesis_commitment, err);
    genesis_clear(&g);
    if (!ok) {
        state_destroy(genesis);
        return err_wrap(err, "genesis file %s", c->genesis.genesis_input_path);
    }
    uint64_t needed = 0, executed = 0;
    char dir[4096];
    snprintf(dir, sizeof(dir), "%s/checkpoints", c->general.data_dir);
    struct store_fingerprint f = { .chain_id = c->genesis.chain_id,
                                   .bridgehub = c->genesis.bridgehub_address,
                                   .genesis_root = n->genesis_commitment };
    struct state_files *files = NULL;
    if (store_check_fingerprint(n->store, &f, err) && oldest_needed(n, &needed, &executed, err) &&
        (files = state_files_open(dir, err)) != NULL) {
        struct checkpoint_info info;
        err->kind = ERR_NONE;
        n->state = checkpoint_load(files, &cfg, c->genesis.chain_id, needed, &info, err);
        if (n->state)
            log_info(LOG_STATE, "checkpoint loaded", LOG_U64("block", info.block),
                     LOG_U64("leaves", info.leaf_count));
    }
    bool usable = files != NULL && (n->state || err->kind == ERR_NONE);
    state_files_close(files);
    if (n->state || !usable)
        state_destroy(genesis);
    else
        n->state = genesis;
    if (usable) /* witnesses and proofs reach back to the last executed batch, also of blocks applied before settlement runs */
        state_keep_from(n->state, executed);
    return usable;
}

/* ---- components ---- */

static bool create_chain(struct node *n, struct err *err)
{
    const struct config *c = n->cfg;
    struct mempool_config m;
    mempool_config_default(&m);
    m.max_pending = c->mempool.max_pending_txs;
    m.max_queued = c->mempool.max_queued_txs;
    m.max_account_slots = c->mempool.max_account_slots;
    m.max_bytes = c->mempool.max_bytes;
    m.queued_ttl_ms = c->mempool.queued_ttl_ms;
    m.price_bump_percent = (unsigned)c->mempool.price_bump_percent;
    n->mempool = mempool_create(&m, n->clock);
    if (!n->mempool)
        return err_set(err, ERR_LOCAL, "out of memory");
    fees_init(n);
    struct chain_deps deps = { .base = n->base,
                               .store = n->store,
                               .crypto = crypto_host(),
                               .clock = n->clock,
                               .mempool = n->mempool,
                               .state = n->state };
    struct chain_config cfg = { .chain_id = c->genesis.chain_id,
                                .protocol_minor = 31,
                                .block_time_ms = c->sequencer.block_time_ms,
                                .max_txs_in_block = c->sequencer.max_transactions_in_block,
                                .block_gas_limit = c->sequencer.block_gas_limit,
                                .block_pubdata_limit = c->sequencer.block_pubdata_limit_bytes,
                                .fee_collector = c->sequencer.fee_collector_address,
                                .native_price = n->prices.native,
                                .base_fee = n->prices.base_fee,
                                .pubdata_price = n->prices.pubdata,
                                .max_blocks_to_produce = c->sequencer.max_blocks_to_produce,
                                .checkpoint_every_blocks = c->general.checkpoint_every_blocks,
                                .min_blocks_to_replay = c->general.min_blocks_to_replay,
                                .cached_blocks = c->general.blocks_to_retain_in_memory,
                                .data_dir = c->general.data_dir };
    n->chain = chain_create(&deps, &cfg, err);
    return n->chain != NULL;
}

static void on_tree(void *arg, uint64_t number)
{
    struct node *n = arg;
    struct settlement *s = n->settlement;
    if (s && !n->stopping)
        settlement_on_tree(s, number);
}

static bool create_rpc(struct node *n, struct err *err)
{
    struct rpc_deps deps = { .base = n->base,
                             .clock = n->clock,
                             .cfg = n->cfg,
                             .chain = n->chain,
                             .mempool = n->mempool,
                             .store = n->store,
                             .crypto = crypto_host(),
                             .settlement = observe_settlement_ops(n),
                             .observe = observe_ops(n),
                             .genesis_json = bytes_of(n->genesis_json, n->genesis_json_len),
                             .version = gatehouse_version };
    deps.contracts.bridgehub = n->cfg->genesis.bridgehub_address;
    n->rpc = rpc_create(&deps, err);
    return n->rpc && rpc_start(n->rpc, err);
}

/* ---- stopping ---- */

static void drained(void *arg)
{
    event_base_loopbreak(((struct node *)arg)->base);
}

static void on_signal(evutil_socket_t sig, short what, void *arg)
{
    (void)what;
    struct node *n = arg;
    if (n->stopping || sig == SIGINT) { /* the second one, or an impatient operator: at once */
        event_base_loopbreak(n->base);
        n->stopping = true;
        return;
    }
    n->stopping = true;
    log_info(LOG_NODE, "stopping");
    rpc_drain(n->rpc, DRAIN_MS, drained, n);
}

static bool catch_signals(struct node *n, struct err *err)
{
    signal(SIGPIPE, SIG_IGN);
    n->sigint = evsignal_new(n->base, SIGINT, on_signal, n);
    n->sigterm = evsignal_new(n->base, SIGTERM, on_signal, n);
    if (!n->sigint || !n->sigterm)
        return err_set(err, ERR_LOCAL, "out of memory");
    evsignal_add(n->sigint, NULL);
    evsignal_add(n->sigterm, NULL);
    return true;
}

static void on_minute(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    mempool_expire(((struct node *)arg)->mempool);
}

static bool start_minute_timer(struct node *n, struct err *err)
{
    struct timeval tv = { .tv_sec = 60 };
    n->minute_timer = event_new(n->base, -1, EV_PERSIST, on_minute, n);
    if (!n->minute_timer)
        return err_set(err, ERR_LOCAL, "out of memory");
    evtimer_add(n->minute_timer, &tv);
    return true;
}

/* A block is durable before its batch is: batches over blocks that are not there mean that the chain's file was lost or is older
 * than the journal, and a chain built anew on what is left could never settle. */
static bool check_blocks_of_batches(struct node *n, struct err *err)
{
    uint64_t last = 0, head = chain_head_get(n->chain).number;
    struct batch_row row;
    bool found = false;
    if (!batch_last(n->reader, &last, err) ||
        (last > 0 && !batch_load(n->reader, last, &row, &found, err)))
        return false;
    if (!found || row.last_block <= head)
        return true;
    return err_set(err, ERR_DIVERGED,
                   "batch %" PRIu64 " ends with block %" PRIu64
                   " and the chain in %s has blocks up to %" PRIu64
                   ": its file was lost or is older than the journal; restore the data folder",
                   last, row.last_block, n->cfg->general.data_dir, head);
}

static bool bring_up(struct node *n, struct err *err)
{
    struct store_config sc = { .dir = n->cfg->general.data_dir };
    n->store = store_open(n->base, &sc, err);
    n->reader = n->store ? store_reader_open(n->store, err) : NULL;
    if (!n->reader || !load_state(n, err) || !create_chain(n, err) || !catch_signals(n, err))
        return false;
    chain_subscribe(n->chain, NULL, on_tree, NULL, n);
    if (!create_rpc(n, err) || !chain_start(n->chain, err) || !check_blocks_of_batches(n, err) ||
        !start_minute_timer(n, err))
        return false;
    rpc_set_ready(n->rpc);
    struct chain_head h = chain_head_get(n->chain);
    log_info(LOG_NODE, "ready", LOG_U64("chain_id", n->cfg->genesis.chain_id),
             LOG_U64("block", h.number), LOG_U64("rpc_port", rpc_port(n->rpc)),
             LOG_U64("after_ms", clock_mono_ms(n->clock) - n->started_at_ms));
    if (!layer_create(n, err))
        return false;
    layer_start(n);
    return true;
}

static void tear_down(struct node *n)
{
    n->stopping = true;
    layer_stop(n);
    if (n->rpc)
        rpc_stop(n->rpc);
    if (n->chain)
        chain_stop(n->chain);
    layer_destroy(n);
    rpc_destroy(n->rpc);
    chain_destroy(n->chain);
    mempool_destroy(n->mempool);
    store_reader_close(n->reader);
    store_close(n->store);
    state_destroy(n->state);
    if (n->minute_timer)
        event_free(n->minute_timer);
    if (n->sigint)
        event_free(n->sigint);
    if (n->sigterm)
        event_free(n->sigterm);
    free(n->genesis_json);
    if (n->base)
        event_base_free(n->base);
}

int topology_run(const struct config *cfg, struct err *err)
{
    static struct node n; /* one per process; large */
    n = (struct node){ .cfg = cfg, .clock = clock_system() };
    n.started_at_ms = clock_mono_ms(n.clock);
    evthread_use_pthreads();
    n.base = event_base_new();
    if (!n.base) {
        err_set(err, ERR_LOCAL, "no event loop");
        return 1;
    }
    if (!bring_up(&n, err)) {
        tear_down(&n);
        return 1;
    }
    if (n.exit_code == 0)
        event_base_dispatch(n.base);
    int code = n.exit_code;
    if (code)
        *err = n.fatal;
    tear_down(&n);
    log_info(LOG_NODE, "stopped", LOG_U64("exit_code", code));
    return code;
}
