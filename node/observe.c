/* node/observe.c
 *
 * What status and metrics show of L1, the watcher and settlement. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "node/base/hex.h"
#include "node/crypto/crypto.h"
#include "node/topology_internal.h"

/* ---- settlement, for RPC workers ---- */

static void frontiers(void *ctx, struct rpc_frontiers *out)
{
    struct settlement *s = ((struct node *)ctx)->settlement;
    struct settlement_frontiers f = { 0 };
    if (s)
        settlement_frontiers_get(s, &f);
    *out = (struct rpc_frontiers){ .sealed_batch = f.batch[FRONTIER_SEALED],
                                   .sealed_block = f.block[FRONTIER_SEALED],
                                   .committed_batch = f.batch[FRONTIER_COMMITTED],
                                   .committed_block = f.block[FRONTIER_COMMITTED],
                                   .proved_batch = f.batch[FRONTIER_PROVED],
                                   .proved_block = f.block[FRONTIER_PROVED],
                                   .executed_batch = f.batch[FRONTIER_EXECUTED],
                                   .executed_block = f.block[FRONTIER_EXECUTED],
                                   .finalized_executed_batch = f.batch[FRONTIER_FINALIZED],
                                   .finalized_executed_block = f.block[FRONTIER_FINALIZED] };
}

static bool status_json(void *ctx, struct buf *out)
{
    struct settlement *s = ((struct node *)ctx)->settlement;
    if (s)
        return settlement_status_json(s, out);
    /* an RPC worker may be here while the loop learns of a Gateway: only what never changes is read */
    bool l1 = !atomic_load(&((struct node *)ctx)->l1_answered);
    return buf_printf(
        out,
        "{\"frontiers\":null,\"lanes\":null,\"hold\":{\"reason\":\"%s has not answered "
        "yet\",\"remedy\":\"check general.%s_rpc_url\"}}",
        l1 ? "L1" : "the Gateway", l1 ? "l1" : "gateway");
}

static void waits_for(void *ctx, uint64_t batch, char *text, size_t cap, uint64_t *eta_ms)
{
    struct settlement *s = ((struct node *)ctx)->settlement;
    *eta_ms = UINT64_MAX;
    if (s)
        settlement_waits_for(s, batch, text, cap, eta_ms);
    else
        snprintf(text, cap, "%s to answer",
                 atomic_load(&((struct node *)ctx)->l1_answered) ? "the Gateway" : "L1");
}

struct rpc_settlement_ops observe_settlement_ops(struct node *n)
{
    return (struct rpc_settlement_ops){
        .ctx = n, .frontiers = frontiers, .status_json = status_json, .waits_for = waits_for
    };
}

/* ---- metrics ---- */

static double ether(const struct u256 *wei)
{
    double v = 0;
    for (int i = 3; i >= 0; i--)
        v = v * 18446744073709551616.0 + (double)wei->w[i];
    return v / 1e18;
}

static void endpoint_metrics(const struct eth_client *eth, const char *layer, struct metrics *m)
{
    struct eth_endpoint_status e;
    for (size_t i = 0; eth && eth_client_get_endpoint(eth, i, &e); i++) {
        char labels[96] = "", index[24];
        snprintf(index, sizeof(index), "%zu", i);
        if (layer)
            metrics_label(labels, sizeof(labels), "layer", layer);
        metrics_label(labels, sizeof(labels), "url_index", index);
        metrics_put_u64(m, METRIC_L1_RPC_HEALTHY, labels, e.state == ETH_ENDPOINT_GOOD);
        metrics_put_u64(m, METRIC_L1_RPC_REQUESTS, labels, e.posts);
        metrics_put_u64(m, METRIC_L1_RPC_FAILURES, labels, e.errors);
        metrics_put(m, METRIC_L1_RPC_LATENCY, labels, (double)e.mean_latency_ms / 1000);
    }
}

/* Of a chain on a Gateway: what is read there, and the roots it stores. */
static void gateway_metrics(const struct node *n, struct metrics *m)
{
    struct chain_roots_status r;
    if (!n->gateway)
        return;
    endpoint_metrics(n->gateway, "gateway", m);
    if (n->gateway_watcher) {
        struct watcher_status w;
        watcher_status_get(n->gateway_watcher, &w);
        metrics_put_u64(m, METRIC_L1_SCANNED, "event=\"gateway\"",
                        w.next_block ? w.next_block - 1 : 0);
        metrics_put_u64(m, METRIC_EVENTS_LOADED, "event=\"gateway_batch\"", w.batch_events);
    }
    chain_roots_status(n->chain, &r);
    metrics_put_u64(m, METRIC_INTEROP_ROOTS_IMPORTED, NULL, r.imported);
    metrics_put_u64(m, METRIC_INTEROP_ROOTS_WAITING, NULL, r.waiting + n->roots.cnt);
    metrics_put_u64(m, METRIC_INTEROP_ROOTS_STOPPED, NULL, r.stopped);
}

static void sender_metrics(struct node *n, struct metrics *m)
{
    struct settlement *s = n->settlement;
    for (int i = 0; s && i < LANE_CNT; i++) {
        struct tx_manager_status t;
        char labels[160] = "", addr[43];
        if (!settlement_sender_status(s, (enum settlement_lane)i, &t))
            return;
        metrics_label(labels, sizeof(labels), "command",
                      settlement_lane_name((enum settlement_lane)i));
        metrics_put(m, METRIC_L1_SENDER_BALANCE, labels, ether(&t.balance));
        metrics_put_u64(m, METRIC_L1_SENDER_NONCE, labels, t.next_nonce);
        metrics_put_u64(m, METRIC_L1_SENDER_PARALLEL, labels, t.in_flight);
        metrics_put(m, METRIC_L1_SENDER_OLDEST_PENDING, labels, (double)t.oldest_pending_ms / 1000);
        metrics_put_u64(m, METRIC_L1_SENDER_RESUBMISSIONS, labels, t.bumps);
        metrics_put_u64(m, METRIC_L1_SENDER_REVERTS, labels, t.reverted);
        metrics_put_u64(m, METRIC_L1_SENDER_PENDING_NONCE, labels, t.pending_nonce);
        metrics_put_u64(m, METRIC_L1_SENDER_LATEST_NONCE, labels, t.latest_nonce);
        metrics_put_u64(m, METRIC_L1_SENDER_FOREIGN_NONCE, labels, t.foreign);
        metrics_put_u64(m, METRIC_SETTLEMENT_FEE_CAP_WAITS, labels, t.fee_cap_waits);
        metrics_put(m, METRIC_L1_SENDER_FEE, labels, ether(&t.spent));
        metrics_put_u64(m, METRIC_L1_SENDER_GAS_USED, labels, t.gas_used);
        if (i == LANE_COMMIT && !u256_is_zero(&t.blob_base_fee))
            metrics_put_u64(m, METRIC_BLOB_BASE_FEE, NULL, u256_sat_u64(&t.blob_base_fee));
        hex_encode0x(addr, t.addr.b, 20);
        labels[0] = 0;
        metrics_label(labels, sizeof(labels), "operation",
                      settlement_lane_name((enum settlement_lane)i));
        metrics_label(labels, sizeof(labels), "operator_address", addr);
        metrics_put_u64(m, METRIC_L1_OPERATOR, labels, 1);
    }
}

static void watcher_metrics(const struct node *n, struct metrics *m)
{
    struct watcher_status w;
    if (!n->watcher)
        return;
    watcher_status_get(n->watcher, &w);
    metrics_put_u64(m, METRIC_L1_SCANNED, "event=\"all\"", w.next_block ? w.next_block - 1 : 0);
    metrics_put_u64(m, METRIC_EVENTS_LOADED, "event=\"priority\"", w.priority_ops);
    metrics_put_u64(m, METRIC_EVENTS_LOADED, "event=\"batch\"", w.batch_events);
    metrics_put_u64(m, METRIC_L1_REORGS, NULL, w.reorgs);
    metrics_put_u64(m, METRIC_L1_REORG_DEPTH, NULL, w.last_reorg_depth);
}

/* An upgrade waits while the newest published version is above the one of the chain's contracts. */
static void upgrade_metrics(const struct node *n, struct metrics *m)
{
    char version[32], label[64] = "";
    if (!n->have_contracts)
        return;
    uint64_t v = n->contracts.ctm_protocol_version;
    snprintf(version, sizeof(version), "0.%u.%u", (unsigned)(v >> 32), (unsigned)(uint32_t)v);
    metrics_label(label, sizeof(label), "version", version);
    metrics_put_u64(m, METRIC_UPGRADE_PENDING, label, v > n->contracts.protocol_version);
}

static void prover_metrics(const struct settlement_stats *st, struct metrics *m)
{
    const struct prover_stats *p = &st->prover;
    const struct verification_stats *v = &st->verification;
    if (st->has_prover) {
        metrics_put_u64(m, METRIC_PROVER_JOBS, "stage=\"fri\",taken=\"no\"",
                        p->fri_waiting - p->fri_assigned);
        metrics_put_u64(m, METRIC_PROVER_JOBS, "stage=\"fri\",taken=\"yes\"", p->fri_assigned);
        metrics_put_u64(m, METRIC_PROVER_JOBS, "stage=\"snark\",taken=\"no\"",
                        p->snark_waiting - p->snark_assigned);
        metrics_put_u64(m, METRIC_PROVER_JOBS, "stage=\"snark\",taken=\"yes\"", p->snark_assigned);
        metrics_put(m, METRIC_PROVER_OLDEST, NULL, (double)p->oldest_ms / 1000);
        metrics_put_u64(m, METRIC_PROVER_LEASE_TIMEOUTS, NULL, p->lease_timeouts);
        metrics_put_u64(m, METRIC_PROVER_ACCEPTED, "stage=\"fri\"", p->fri_accepted);
        metrics_put_u64(m, METRIC_PROVER_ACCEPTED, "stage=\"snark\"", p->snark_accepted);
        metrics_put_u64(m, METRIC_PROVER_REFUSED, NULL, p->refused);
        metrics_put_u64(m, METRIC_PROVER_UNAUTHORIZED, NULL, p->unauthorized);
        metrics_put_u64(m, METRIC_PROVER_WITNESS_BYTES, NULL, p->witness_bytes);
    }
    if (st->has_verification) {
        metrics_put_u64(m, METRIC_VERIFIED_BATCHES, NULL, v->verified);
        metrics_put_u64(m, METRIC_VERIFICATION_MISMATCHES, NULL, v->mismatches);
        metrics_put_u64(m, METRIC_VERIFICATION_FAILURES, NULL, v->failures);
        metrics_put(m, METRIC_VERIFICATION_SECONDS, "part=\"witness\"",
                    (double)v->last_witness_ms / 1000);
        metrics_put(m, METRIC_VERIFICATION_SECONDS, "part=\"verification\"",
                    (double)v->last_took_ms / 1000);
    }
}

static void collect(void *ctx, struct metrics *m)
{
    struct node *n = ctx;
    endpoint_metrics(n->l1, NULL, m);
    gateway_metrics(n, m);
    sender_metrics(n, m);
    watcher_metrics(n, m);
    upgrade_metrics(n, m);
    mirrors_metrics(n, m);
    if (n->settlement) {
        struct settlement_stats st;
        settlement_stats_get(n->settlement, &st);
        char label[sizeof(st.hold_reason) * 2 + 16] = "";
        if (st.holding)
            metrics_label(label, sizeof(label), "reason", st.hold_reason);
        metrics_put_u64(m, METRIC_SETTLEMENT_HOLD, label, st.holding);
        metrics_put(m, METRIC_EXECUTE_DELAY, NULL, (double)st.execute_wait_ms / 1000);
        prover_metrics(&st, m);
    }
}

/* ---- /status ---- */

#define STATUS_BATCHES 12

static void put_addr(struct buf *out, const char *key, const struct addr *a)
{
    buf_printf(out, "\"%s\":\"", key);
    buf_append_hex(out, a->b, 20);
    buf_append_str(out, "\"");
}

/* One layer we look at: L1 always, and the Gateway the chain settles on. */
struct layer_view {
    const char *key, *name;
    struct eth_client *eth;
    const struct watcher *watcher;
    const char *problem;
};

static void status_watcher(const struct watcher *watcher, struct buf *out)
{
    struct watcher_status w;
    watcher_status_get(watcher, &w);
    buf_printf(
        out,
        ",\"watcher\":{\"head\":%" PRIu64 ",\"next_block\":%" PRIu64
        ",\"next_priority_id\":%" PRIu64 ",\"reorgs\":%" PRIu64 ",\"max_reorg_depth\":%" PRIu64
        ",\"caught_up\":%s,\"silent\":%s,\"stopped\":%s,\"error\":",
        w.head, w.next_block, w.next_priority_id, w.reorgs, w.max_reorg_depth,
        w.caught_up ? "true" : "false", w.silent ? "true" : "false", w.stopped ? "true" : "false");
    buf_append_json_str(out, w.error);
    buf_append_str(out, "}");
}

static void status_layer(const struct layer_view *v, struct buf *out)
{
    struct eth_endpoint_status e;
    char problem[320] = "";
    buf_printf(out, "\"%s\":{\"endpoints\":[", v->key);
    for (size_t i = 0; v->eth && eth_client_get_endpoint(v->eth, i, &e); i++) {
        buf_append_str(out, i ? ",{\"name\":" : "{\"name\":");
        buf_append_json_str(out, e.name);
        buf_printf(out,
                   ",\"state\":\"%s\",\"head\":%" PRIu64 ",\"errors\":%" PRIu64 ",\"last_error\":",
                   eth_endpoint_state_name(e.state), e.head, e.errors);
        buf_append_json_str(out, e.last_error);
        buf_append_str(out, "}");
    }
    if (!v->eth || !eth_client_outage(v->eth, v->name, problem, sizeof(problem)))
        snprintf(problem, sizeof(problem), "%s", v->problem);
    buf_append_str(out, "],\"problem\":");
    buf_append_json_str(out, problem);
    if (v->watcher)
        status_watcher(v->watcher, out);
    buf_append_str(out, "},");
}

static void status_layers(const struct node *n, struct buf *out)
{
    const struct layer_view l1 = { "l1", "L1", n->l1, n->watcher, n->l1_problem };
    const struct layer_view gateway = { "gateway", "the Gateway", n->gateway, n->gateway_watcher,
                                        n->gateway_problem };
    status_layer(&l1, out);
    if (n->gateway)
        status_layer(&gateway, out);
}

static void status_contracts(const struct node *n, struct buf *out)
{
    const struct discovery_result *d = &n->sl_contracts;
    if (!n->settlement)
        return;
    buf_printf(out, "\"settlement_layer\":{\"chain_id\":%" PRIu64 ",\"is_gateway\":%s,",
               d->chain_id, n->gateway ? "true" : "false");
    put_addr(out, "bridgehub", &d->bridgehub);
    buf_append_str(out, ",");
    put_addr(out, "diamond", &d->diamond);
    buf_append_str(out, ",");
    put_addr(out, "timelock", &d->timelock);
    buf_printf(out,
               ",\"protocol_version\":\"0.%u.%u\",\"da_scheme\":%u,\"execution_delay_s\":%" PRIu64
               ",\"testnet_verifier\":%s},",
               discovery_protocol_minor(d), (uint32_t)d->protocol_version, d->da_scheme,
               d->execution_delay_s, d->is_testnet_verifier ? "true" : "false");
}

static void status_senders(struct node *n, struct buf *out)
{
    struct settlement *s = n->settlement;
    bool first = true;
    buf_append_str(out, "\"senders\":[");
    for (int i = 0; s && i < LANE_CNT; i++) {
        struct tx_manager_status t;
        char wei[79];
        if (!settlement_sender_status(s, (enum settlement_lane)i, &t))
            break;
        buf_printf(out, "%s{\"lane\":\"%s\",", first ? "" : ",",
                   settlement_lane_name((enum settlement_lane)i));
        put_addr(out, "address", &t.addr);
        u256_format_dec(wei, &t.balance);
        buf_printf(out,
                   ",\"balance_wei\":\"%s\",\"nonce_latest\":%" PRIu64 ",\"nonce_pending\":%" PRIu64
                   ",\"queued\":%zu,\"in_flight\":%zu,\"unconfirmed\":%zu"
                   ",\"oldest_pending_ms\":%" PRIu64
                   ",\"fee_capped\":%s,\"low_funds\":%s,\"foreign_seen\":%s,\"paused\":%s,"
                   "\"replaced\":%" PRIu64 ",\"reverted\":%" PRIu64,
                   wei, t.latest_nonce, t.pending_nonce, t.queued, t.in_flight, t.unconfirmed,
                   t.oldest_pending_ms, t.fee_capped ? "true" : "false",
                   t.low_funds ? "true" : "false", t.foreign_seen ? "true" : "false",
                   t.paused ? "true" : "false", t.bumps, t.reverted);
        if (t.sidecar_form[0]) {
            char cap[79];
            u256_format_dec(wei, &t.blob_base_fee);
            u256_format_dec(cap, &t.blob_fee_cap);
            buf_printf(out,
                       ",\"blob_base_fee_wei\":\"%s\",\"blob_fee_cap_wei\":\"%s\""
                       ",\"blob_fee_capped\":%s,\"sidecar_form\":\"%s\"",
                       wei, cap, t.blob_fee_capped ? "true" : "false", t.sidecar_form);
        }
        if (t.runway_ms == UINT64_MAX)
            buf_append_str(out, ",\"runway_days\":null,\"last_error\":");
        else
            buf_printf(out,
                       ",\"runway_days\":%.1f,\"last_error\":", (double)t.runway_ms / 86400000.0);
        buf_append_json_str(out, t.last_error);
        buf_append_str(out, "}");
        first = false;
    }
    buf_append_str(out, "],");
}

/* The gap an operator must know: an L2 transaction that reaches one of these is purged, an L1 one stops the node. */
static void status_precompiles(struct buf *out)
{
    const struct stf_crypto *c = crypto_host();
    const struct {
        const char *addr;
        bool there;
    } all[] = { { "0x01", c->ecrecover != NULL },     { "0x02", c->sha256 != NULL },
                { "0x03", c->ripemd160 != NULL },     { "0x05", c->modexp != NULL },
                { "0x06", c->bn254_add != NULL },     { "0x07", c->bn254_mul != NULL },
                { "0x08", c->bn254_pairing != NULL }, { "0x100", c->p256_verify != NULL } };
    bool first = true;
    buf_append_str(out, "\"missing_precompiles\":[");
    for (size_t i = 0; i < GH_COUNT(all); i++) {
        if (all[i].there)
            continue;
        buf_printf(out, "%s\"%s\"", first ? "" : ",", all[i].addr);
        first = false;
    }
    buf_append_str(out, "],");
}

/* What `gatehouse status` shows of the chain and its newest batches. */
static const char *stage_of(const struct settlement_frontiers *f, uint64_t batch)
{
    static const char *const names[] = { "sealed", "committed", "proved", "executed", "finalized" };
    unsigned stage = 0;
    for (unsigned i = 1; i < 5; i++)
        if (batch <= f->batch[i])
            stage = i;
    return names[stage];
}

static void status_batch(struct node *n, struct buf *out, const struct settlement_frontiers *f,
                         const struct batch_row *b, bool first)
{
    char waits[256];
    uint64_t eta = UINT64_MAX;
    settlement_waits_for(n->settlement, b->number, waits, sizeof(waits), &eta);
    buf_printf(out,
               "%s{\"number\":%" PRIu64 ",\"first_block\":%" PRIu64 ",\"last_block\":%" PRIu64
               ",\"l1_txs\":%" PRIu64 ",\"l2_txs\":%" PRIu64 ",\"sealed_at_ms\":%" PRIu64
               ",\"stage\":\"%s\",\"waits_for\":",
               first ? "" : ",", b->number, b->first_block, b->last_block, b->l1_tx_cnt,
               b->l2_tx_cnt, b->sealed_at_ms, stage_of(f, b->number));
    buf_append_json_str(out, waits);
    if (eta == UINT64_MAX)
        buf_append_str(out, ",\"eta_ms\":null}");
    else
        buf_printf(out, ",\"eta_ms\":%" PRIu64 "}", eta);
}

static void status_summary(struct node *n, struct buf *out)
{
    struct chain_head h = chain_head_get(n->chain);
    char why[256] = "";
    bool accepting = chain_is_accepting(n->chain, why, sizeof(why));
    buf_printf(out,
               "\"summary\":{\"chain_id\":%" PRIu64 ",\"head\":%" PRIu64
               ",\"head_timestamp\":%" PRIu64 ",\"accepting\":%s,\"not_accepting\":",
               n->cfg->genesis.chain_id, h.number, h.timestamp, accepting ? "true" : "false");
    buf_append_json_str(out, why);
    buf_append_str(out, ",\"batches\":[");
    struct settlement_frontiers f;
    uint64_t last = 0;
    if (n->settlement) {
        settlement_frontiers_get(n->settlement, &f);
        last = f.batch[FRONTIER_SEALED];
    }
    for (uint64_t b = last; b > 0 && b + STATUS_BATCHES > last; b--) {
        struct batch_row row;
        struct err err;
        bool found = false;
        if (batch_load(n->reader, b, &row, &found, &err) && found)
            status_batch(n, out, &f, &row, b == last);
    }
    buf_append_str(out, "],\"settlement\":");
    status_json(n, out);
    buf_append_str(out, "},");
}

static bool status_members(void *ctx, struct buf *out)
{
    struct node *n = ctx;
    status_summary(n, out);
    status_contracts(n, out);
    status_layers(n, out);
    if (n->gateway)
        (void)roots_status_json(n, out);
    (void)mirrors_status_json(n, out);
    status_senders(n, out);
    status_precompiles(out);
    return !out->failed;
}

struct rpc_observe_ops observe_ops(struct node *n)
{
    return (
        struct rpc_observe_ops){ .ctx = n, .metrics = collect, .status_members = status_members };
}
