/* node/rpc/scrape.c
 *
 * Gathering the figures of a scrape: from the chain, the pool, the state, settlement's frontiers, the listeners, and
 * from whoever else has some. */
#include <stdio.h>

#include "node/base/hex.h"
#include "node/rpc/rpc_internal.h"
#include "node/rpc/sockets.h"

static void put_labelled(struct metrics *m, enum metric_id id, const char *key, const char *value,
                         uint64_t n)
{
    char label[256] = "";
    if (metrics_label(label, sizeof(label), key, value))
        metrics_put_u64(m, id, label, n);
}

static void put_addr(struct metrics *m, enum metric_id id, const char *key, const struct addr *a)
{
    char text[43];
    hex_encode0x(text, a->b, 20);
    put_labelled(m, id, key, text, 1);
}

/* Of numbers that may need more than 53 bits the leading ones. */
static double number(const struct u256 *v)
{
    double x = 0;
    for (int i = 3; i >= 0; i--)
        x = x * 18446744073709551616.0 + (double)v->w[i];
    return x;
}

static void gather_process(struct rpc *r, struct metrics *m)
{
    char label[128] = "";
    struct rpc_contracts k = rpc_contracts_get(r);
    if (metrics_label(label, sizeof(label), "version", r->version) &&
        metrics_label(label, sizeof(label), "role", "main_node"))
        metrics_put_u64(m, METRIC_PROCESS_STARTED_AT, label, r->started_at_ms / 1000);
    metrics_put_u64(m, METRIC_CHAIN_ID, NULL, r->d.cfg->genesis.chain_id);
    put_labelled(m, METRIC_L1_DA_MODE, "da_input_mode",
                 config_pubdata_mode_name(r->d.cfg->l1_sender.pubdata_mode), 1);
    put_addr(m, METRIC_FEE_COLLECTOR, "address", &r->d.cfg->sequencer.fee_collector_address);
    char text[43], all[256] = "";
    const struct {
        const char *key;
        const struct addr *a;
    } rows[] = { { "bridgehub", &k.bridgehub },
                 { "diamond_proxy", &k.diamond_proxy },
                 { "validator_timelock", &k.validator_timelock } };
    bool ok = !addr_is_zero(&k.diamond_proxy);
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        hex_encode0x(text, rows[i].a->b, 20);
        ok = metrics_label(all, sizeof(all), rows[i].key, text) && ok;
    }
    if (ok)
        metrics_put_u64(m, METRIC_L1_CONTRACTS, all, 1);
}

static void gather_chain(struct rpc *r, struct metrics *m, const struct chain_head *h)
{
#define SEAL_NAME(id, name) name,
    static const char *const reasons[] = { CHAIN_SEAL_REASONS(SEAL_NAME) };
#undef SEAL_NAME
    struct chain_stats st;
    char reason[160];
    chain_stats_get(r->d.chain, &st);
    put_labelled(m, METRIC_EXECUTION_BLOCK, "stage", "sealed", h->number);
    put_labelled(m, METRIC_EXECUTION_BLOCK, "stage", "tree", chain_tree_head(r->d.chain));
    for (size_t i = 0; i < SEAL_REASON_CNT; i++)
        put_labelled(m, METRIC_EXECUTION_SEAL_REASON, "reason", reasons[i], st.seals[i]);
    put_labelled(m, METRIC_EXECUTION_TX_STATUS, "status", "success", st.txs - st.failed_txs);
    put_labelled(m, METRIC_EXECUTION_TX_STATUS, "status", "failed", st.failed_txs);
    metrics_put_u64(m, METRIC_EXECUTION_TXS, NULL, st.txs);
    metrics_put_u64(m, METRIC_EXECUTION_INVALID_TXS, NULL, st.invalid_txs);
    metrics_put_u64(m, METRIC_MISSING_PRECOMPILE, NULL, st.missing_precompile_purged);
    metrics_put_u64(m, METRIC_EXECUTION_NEXT_PRIORITY_ID, NULL, h->next_l1_priority_id);
    uint64_t now = clock_wall_ms(r->d.clock);
    if (st.last_block_at_ms && now >= st.last_block_at_ms)
        metrics_put(m, METRIC_EXECUTION_SINCE_BLOCK, NULL,
                    (double)(now - st.last_block_at_ms) / 1000);
    metrics_put_u64(m, METRIC_EXECUTION_VERSION, NULL, h->execution_version);
    metrics_put(m, METRIC_EXECUTION_BASE_FEE, NULL, number(&h->base_fee));
    metrics_put(m, METRIC_EXECUTION_NATIVE_PRICE, NULL, number(&h->native_price));
    metrics_put(m, METRIC_EXECUTION_PUBDATA_PRICE, NULL, number(&h->pubdata_price));
    metrics_put_u64(m, METRIC_TREE_BLOCK, NULL, chain_tree_head(r->d.chain));
    metrics_put_u64(m, METRIC_PIPELINE_ACCEPTING, NULL,
                    chain_is_accepting(r->d.chain, reason, sizeof(reason)));
}

static void gather_state(struct rpc *r, struct metrics *m)
{
    struct state_usage u;
    state_usage(chain_state(r->d.chain), &u);
    metrics_put_u64(m, METRIC_STATE_LEAVES, NULL, u.leaf_count);
    metrics_put_u64(m, METRIC_STATE_VIEWS, NULL, u.open_views);
    put_labelled(m, METRIC_STATE_BYTES, "part", "leaves", u.leaf_bytes);
    put_labelled(m, METRIC_STATE_BYTES, "part", "index", u.index_bytes);
    put_labelled(m, METRIC_STATE_BYTES, "part", "tree", u.tree_bytes);
    put_labelled(m, METRIC_STATE_BYTES, "part", "history", u.history_bytes);
    put_labelled(m, METRIC_STATE_BYTES, "part", "preimages", u.preimage_bytes);
    metrics_put_u64(m, METRIC_STORE_QUEUE, NULL, store_queue_len(r->d.store));
}

static void gather_pool(struct rpc *r, struct metrics *m)
{
    struct mempool_stats p;
    mempool_stats_get(r->d.mempool, &p);
    put_labelled(m, METRIC_MEMPOOL_TXS, "pool", "pending", p.pending);
    put_labelled(m, METRIC_MEMPOOL_TXS, "pool", "queued", p.queued);
    metrics_put_u64(m, METRIC_MEMPOOL_BYTES, NULL, p.bytes);
    put_labelled(m, METRIC_MEMPOOL_EVENTS, "outcome", "inserted", p.inserted);
    put_labelled(m, METRIC_MEMPOOL_EVENTS, "outcome", "refused", p.refused);
    put_labelled(m, METRIC_MEMPOOL_EVENTS, "outcome", "replaced", p.replaced);
    put_labelled(m, METRIC_MEMPOOL_EVENTS, "outcome", "evicted", p.evicted);
}

/* Age of the first block that has not reached a stage. Recent blocks are in memory; for older ones the age of the
 * stage's last block bounds it from above. */
static double lag_seconds(struct rpc *r, uint64_t reached, uint64_t head, uint64_t now_ms)
{
    struct err err;
    if (reached >= head)
        return 0;
    struct rpc_session *s = rpc_session_take(r);
    if (!s)
        return 0;
    if (!s->reader)
        s->reader = store_reader_open(r->d.store, &err);
    const struct chain_block *b =
        s->reader ? chain_block_acquire(r->d.chain, s->reader, reached + 1, &err) : NULL;
    uint64_t at = b ? b->r.header.timestamp * 1000 : now_ms;
    chain_block_release(r->d.chain, b);
    rpc_session_give(r, s);
    return now_ms > at ? (double)(now_ms - at) / 1000 : 0;
}

static void gather_batches(struct rpc *r, struct metrics *m, const struct chain_head *h)
{
    struct rpc_frontiers f = { 0 };
    uint64_t now = clock_wall_ms(r->d.clock);
    if (r->d.settlement.frontiers)
        r->d.settlement.frontiers(r->d.settlement.ctx, &f);
    const struct {
        const char *event, *stage;
        uint64_t batch, block;
    } rows[] = { { "batch_sealed", "sealed", f.sealed_batch, f.sealed_block },
                 { "commit_l1_tx_mined", "committed", f.committed_batch, f.committed_block },
                 { "prove_l1_tx_mined", "proved", f.proved_batch, f.proved_block },
                 { "execute_l1_tx_mined", "executed", f.executed_batch, f.executed_block },
                 { "finalized", "finalized", f.finalized_executed_batch,
                   f.finalized_executed_block } };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        char label[64] = "";
        put_labelled(m, METRIC_BATCHER_BATCH, "stage", rows[i].event, rows[i].batch);
        put_labelled(m, METRIC_BATCHER_BLOCK, "stage", rows[i].event, rows[i].block);
        put_labelled(m, METRIC_FINALITY_LAG_BLOCKS, "stage", rows[i].stage,
                     h->number > rows[i].block ? h->number - rows[i].block : 0);
        if (metrics_label(label, sizeof(label), "stage", rows[i].stage))
            metrics_put(m, METRIC_FINALITY_LAG, label,
                        lag_seconds(r, rows[i].block, h->number, now));
    }
}

static void gather_rpc(struct rpc *r, struct metrics *m)
{
    struct http_server_status st;
    if (r->http) {
        http_server_get_status(r->http, &st);
        metrics_put_u64(m, METRIC_RPC_CONNECTIONS, NULL, st.connections);
        metrics_put_u64(m, METRIC_RPC_IN_WORK, NULL, st.in_work);
        metrics_put_u64(m, METRIC_RPC_OVERLOADED, NULL, st.overloaded);
        metrics_put_u64(m, METRIC_RPC_SLOW_CLOSED, NULL, st.slow_closed);
    }
    metrics_put_u64(m, METRIC_RPC_MEMORY, NULL, atomic_load(&r->memory));
    metrics_put_u64(m, METRIC_WEBSOCKETS, NULL, r->sockets->client_cnt);
    metrics_put_u64(m, METRIC_SUBSCRIPTIONS, NULL, rpc_subscription_count(r->sockets));
    metrics_put_u64(m, METRIC_WEBSOCKET_EVENTS, "event=\"accepted\"", r->sockets->accepted);
    metrics_put_u64(m, METRIC_WEBSOCKET_EVENTS, "event=\"refused\"", r->sockets->refused);
    metrics_put_u64(m, METRIC_WEBSOCKET_EVENTS, "event=\"slow_closed\"", r->sockets->slow_closed);
    metrics_put_u64(m, METRIC_WEBSOCKET_EVENTS, "event=\"message\"", r->sockets->messages);
    metrics_put_u64(m, METRIC_WEBSOCKET_EVENTS, "event=\"notification\"",
                    r->sockets->notifications);
    metrics_put_u64(m, METRIC_NOTICES_LOST, NULL, rpc_notices_lost(r->sockets));
    metrics_put_u64(m, METRIC_RPC_FILTERS, NULL, rpc_filters_count(r->filters));
    rpc_tallies_collect(r->tallies, m);
}

void rpc_metrics_page(struct rpc *r, struct buf *out)
{
    struct metrics m;
    metrics_init(&m);
    gather_process(r, &m);
    gather_rpc(r, &m);
    if (atomic_load(&r->ready)) {
        struct chain_head h = chain_head_get(r->d.chain);
        gather_chain(r, &m, &h);
        gather_state(r, &m);
        gather_pool(r, &m);
        gather_batches(r, &m, &h);
    }
    if (r->d.observe.metrics)
        r->d.observe.metrics(r->d.observe.ctx, &m);
    metrics_write(&m, out);
    metrics_clear(&m);
}
