/* node/rpc/status.c
 *
 * The status server (spec 50 §9.2) and what a scrape of the metrics gathers (§9.1). Loop thread, memory only. */
#include <stdio.h>
#include <string.h>

#include "node/base/hex.h"
#include "node/rpc/encode.h"
#include "node/rpc/rpc_internal.h"

static bool is_ready(struct rpc *r)
{
    return atomic_load(&r->ready) && !atomic_load(&r->draining);
}

static struct rpc_frontiers frontiers(struct rpc *r)
{
    struct rpc_frontiers f = { 0 };
    if (r->d.settlement.frontiers)
        r->d.settlement.frontiers(r->d.settlement.ctx, &f);
    return f;
}

/* Elements of the causes array; nothing when transactions are taken. */
static void causes(struct rpc *r, struct buf *out)
{
    char reason[160] = "the chain has not started";
    bool accepting =
        atomic_load(&r->ready) && chain_is_accepting(r->d.chain, reason, sizeof(reason));
    if (!accepting) {
        js_open(out, '{');
        jm_text(out, "trigger", "block_production_disabled");
        jm_text(out, "reason", reason);
        js_close(out, '}');
    }
    if (r->d.observe.accepting_causes) {
        struct buf more;
        buf_init(&more, 64u << 10);
        if (r->d.observe.accepting_causes(r->d.observe.ctx, &more) && more.len && !more.failed &&
            buf_append(&more, "", 1))
            js_raw(out, (const char *)more.p);
        buf_clear(&more);
    }
}

static int page_accepting(struct rpc *r, struct buf *out)
{
    struct buf list;
    buf_init(&list, 64u << 10);
    js_open(&list, '[');
    causes(r, &list);
    bool none = list.len == 1;
    js_close(&list, ']');
    buf_append(&list, "", 1);
    bool stopping = atomic_load(&r->draining), accepting = none && !stopping;
    js_open(out, '{');
    jm_text(out, "status", stopping ? "terminating" : accepting ? "accepting" : "not_accepting");
    jm_bool(out, "accepting_transactions", accepting);
    jm_raw(out, "causes", list.failed ? "[]" : (const char *)list.p);
    js_close(out, '}');
    buf_clear(&list);
    return accepting ? 200 : 503;
}

/* ---- pipeline ---- */

static void component(struct buf *b, const char *name, uint64_t last, uint64_t head,
                      uint64_t upstream)
{
    js_open(b, '{');
    jm_text(b, "name", name);
    jm_text(b, "state", last >= upstream ? "waiting_recv" : "processing");
    jm_number(b, "last_processed_block", last);
    jm_number(b, "head_block_lag", head > last ? head - last : 0);
    jm_number(b, "adjacent_block_lag", upstream > last ? upstream - last : 0);
    js_close(b, '}');
}

static int page_pipeline(struct rpc *r, struct buf *out)
{
    if (!atomic_load(&r->ready)) {
        js_raw(out, "{\"head_block\":0,\"components\":[]}");
        return 503;
    }
    struct chain_head h = chain_head_get(r->d.chain);
    struct rpc_frontiers f = frontiers(r);
    uint64_t tree = chain_tree_head(r->d.chain);
    js_open(out, '{');
    jm_number(out, "head_block", h.number);
    js_key(out, "components");
    js_open(out, '[');
    component(out, "block_executor", h.number, h.number, h.number);
    component(out, "block_applier", h.number, h.number, h.number);
    component(out, "tree_manager", tree, h.number, h.number);
    component(out, "batcher", f.sealed_block, h.number, tree);
    component(out, "l1_sender_commit", f.committed_block, h.number, f.sealed_block);
    component(out, "l1_sender_prove", f.proved_block, h.number, f.committed_block);
    component(out, "l1_sender_execute", f.executed_block, h.number, f.proved_block);
    if (r->d.observe.pipeline_components) {
        struct buf more;
        buf_init(&more, 256u << 10);
        if (r->d.observe.pipeline_components(r->d.observe.ctx, &more) && more.len && !more.failed &&
            buf_append(&more, "", 1))
            js_raw(out, (const char *)more.p);
        buf_clear(&more);
    }
    js_close(out, ']');
    js_close(out, '}');
    return 200;
}

/* ---- /status ---- */

static void known_addr(struct buf *b, const char *key, const struct addr *a)
{
    if (addr_is_zero(a))
        jm_null(b, key);
    else
        jm_addr(b, key, a);
}

static void write_contracts(struct rpc *r, struct buf *b)
{
    struct rpc_contracts k = rpc_contracts_get(r);
    js_key(b, "contracts");
    js_open(b, '{');
    known_addr(b, "bridgehub", &k.bridgehub);
    known_addr(b, "diamond_proxy", &k.diamond_proxy);
    known_addr(b, "validator_timelock", &k.validator_timelock);
    known_addr(b, "chain_type_manager", &k.chain_type_manager);
    known_addr(b, "bytecodes_supplier", &k.bytecodes_supplier);
    known_addr(b, "asset_router", &k.asset_router);
    known_addr(b, "message_root", &k.message_root);
    known_addr(b, "base_token", &k.base_token);
    js_close(b, '}');
    jm_number(b, "chain_id", r->d.cfg->genesis.chain_id);
    jm_number(b, "l1_chain_id", k.l1_chain_id);
}

static void write_chain(struct rpc *r, struct buf *b)
{
    js_key(b, "chain");
    if (!atomic_load(&r->ready)) {
        js_raw(b, "null");
        return;
    }
    struct chain_head h = chain_head_get(r->d.chain);
    struct chain_stats st;
    char reason[160];
    chain_stats_get(r->d.chain, &st);
    js_open(b, '{');
    jm_number(b, "head_block", h.number);
    jm_hash(b, "head_hash", &h.hash);
    jm_number(b, "head_timestamp", h.timestamp);
    jm_number(b, "tree_block", chain_tree_head(r->d.chain));
    jm_number(b, "protocol_minor", h.protocol_minor);
    jm_number(b, "execution_version", h.execution_version);
    jm_number(b, "next_l1_priority_id", h.next_l1_priority_id);
    jm_quantity_u256(b, "base_fee", &h.base_fee);
    jm_quantity_u256(b, "native_price", &h.native_price);
    jm_quantity_u256(b, "pubdata_price", &h.pubdata_price);
    if (r->d.fee_model_note)
        jm_text(b, "fee_model", r->d.fee_model_note);
    jm_bool(b, "producing", !st.stopped);
    if (st.stopped)
        jm_text(b, "stopped_why", st.stopped_why);
    if (!chain_is_accepting(r->d.chain, reason, sizeof(reason)))
        jm_text(b, "not_accepting_why", reason);
    jm_number(b, "missing_precompile_purged", st.missing_precompile_purged);
    js_close(b, '}');
}

static void write_frontiers(struct rpc *r, struct buf *b)
{
    struct rpc_frontiers f = frontiers(r);
    const struct {
        const char *name;
        uint64_t batch, block;
    } rows[] = {
        { "sealed", f.sealed_batch, f.sealed_block },
        { "committed", f.committed_batch, f.committed_block },
        { "proved", f.proved_batch, f.proved_block },
        { "executed", f.executed_batch, f.executed_block },
        { "finalized_executed", f.finalized_executed_batch, f.finalized_executed_block },
    };
    js_key(b, "frontiers");
    js_open(b, '{');
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        js_key(b, rows[i].name);
        js_open(b, '{');
        jm_number(b, "batch", rows[i].batch);
        jm_number(b, "block", rows[i].block);
        js_close(b, '}');
    }
    js_close(b, '}');
}

/* What others give is taken only whole: a failed writer leaves its part out. */
static void write_settlement(struct rpc *r, struct buf *b)
{
    struct buf part;
    buf_init(&part, 1u << 20);
    bool ok = r->d.settlement.status_json &&
              r->d.settlement.status_json(r->d.settlement.ctx, &part) && part.len &&
              buf_append(&part, "", 1) && !part.failed;
    jm_raw(b, "settlement", ok ? (const char *)part.p : "null");
    buf_clear(&part);
}

static void write_others(struct rpc *r, struct buf *b)
{
    struct buf part;
    buf_init(&part, 1u << 20);
    bool ok = r->d.observe.status_members && r->d.observe.status_members(r->d.observe.ctx, &part) &&
              part.len && !part.failed;
    if (ok) {
        if (part.p[part.len - 1] == ',')
            part.len--;
        if (buf_append(&part, "", 1))
            js_raw(b, (const char *)part.p);
    }
    buf_clear(&part);
}

static int page_status(struct rpc *r, struct buf *out)
{
    bool healthy = !atomic_load(&r->draining);
    struct mempool_stats pool = { 0 };
    if (r->d.mempool)
        mempool_stats_get(r->d.mempool, &pool);
    js_open(out, '{');
    jm_bool(out, "healthy", healthy);
    jm_bool(out, "ready", is_ready(r));
    jm_text(out, "version", r->version);
    jm_number(out, "uptime_secs", (clock_wall_ms(r->d.clock) - r->started_at_ms) / 1000);
    write_contracts(r, out);
    write_chain(r, out);
    write_frontiers(r, out);
    js_key(out, "mempool");
    js_open(out, '{');
    jm_number(out, "pending", pool.pending);
    jm_number(out, "queued", pool.queued);
    jm_number(out, "bytes", pool.bytes);
    js_close(out, '}');
    write_settlement(r, out);
    write_others(r, out);
    js_close(out, '}');
    return healthy ? 200 : 503;
}

int rpc_status_page(struct rpc *r, const char *path, struct buf *out)
{
    bool stopping = atomic_load(&r->draining);
    if (strcmp(path, "/status") == 0 || strcmp(path, "/status/") == 0)
        return page_status(r, out);
    if (strcmp(path, "/status/health") == 0) {
        js_raw(out, stopping ? "{\"healthy\":false}" : "{\"healthy\":true}");
        return stopping ? 503 : 200;
    }
    if (strcmp(path, "/status/live") == 0)
        return 200;
    if (strcmp(path, "/status/ready") == 0)
        return is_ready(r) ? 200 : 503;
    if (strcmp(path, "/status/accepting") == 0)
        return page_accepting(r, out);
    if (strcmp(path, "/status/pipeline") == 0)
        return page_pipeline(r, out);
    js_raw(out, "{\"error\":\"no such page\"}");
    return 404;
}
