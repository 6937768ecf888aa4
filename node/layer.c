/* node/layer.c
 *
 * What needs the settlement layer: client, discovery, settlement, watcher. Begins when L1 answers for the first time; L1 going away later
 * only makes these wait. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "node/base/hex.h"
#include "node/base/log.h"
#include "node/topology_internal.h"

#define DISCOVERY_RETRY_MAX_S 15

static void ask(struct node *n);

/* The chain id of our L1 is written down at first contact: an endpoint of another chain is never believed again, whatever
 * answers first after a restart. */
#define L1_CHAIN_ID_ROW "l1-chain-id"

static bool known_l1_chain_id(struct node *n, uint64_t *id, struct err *err)
{
    struct watcher_cursor c;
    bool found = false;
    *id = 0;
    if (!watcher_cursor_load(n->reader, L1_CHAIN_ID_ROW, &c, &found, err))
        return false;
    if (found)
        *id = c.next_block;
    return true;
}

static bool store_chain_id(struct store_txn *t, void *arg, struct err *err)
{
    const struct node *n = arg;
    struct watcher_cursor c = { .next_block = n->contracts.l1_chain_id };
    return watcher_cursor_put(t, L1_CHAIN_ID_ROW, &c, err);
}

static void chain_id_stored(void *arg, const struct err *err)
{
    if (err)
        node_fail(arg, err);
}

bool layer_create(struct node *n, struct err *err)
{
    const struct config *c = n->cfg;
    const char *urls[CONFIG_MAX_URLS];
    for (size_t i = 0; i < c->general.l1_rpc_url_cnt; i++)
        urls[i] = c->general.l1_rpc_urls[i];
    struct eth_client_deps deps = { .base = n->base, .clock = n->clock };
    struct eth_client_config cfg = { .name = "l1",
                                     .urls = urls,
                                     .url_cnt = c->general.l1_rpc_url_cnt };
    if (!known_l1_chain_id(n, &cfg.chain_id, err))
        return false;
    n->l1 = eth_client_create(&deps, &cfg, err);
    if (!n->l1)
        return false;
    if (!c->l1_sender.enabled)
        return true;
    const struct config_secret *keys[LANE_CNT] = { &c->l1_sender.operator_commit,
                                                   &c->l1_sender.operator_prove,
                                                   &c->l1_sender.operator_execute };
    for (int i = 0; i < LANE_CNT; i++) {
        n->signers[i] = signer_from_bytes(keys[i]->key, err);
        if (!n->signers[i])
            return err_wrap(err, "l1_sender.operator_%s_sk",
                            settlement_lane_name((enum settlement_lane)i));
    }
    n->journal = tx_journal_store(n->store, err);
    return n->journal != NULL;
}

/* ---- callbacks between the components ---- */

static bool load_block(void *arg, uint64_t number, struct arena *arena, struct batch_block *out,
                       struct err *err)
{
    struct node *n = arg;
    return chain_batch_block_load(n->chain, n->reader, number, arena, out, err);
}

static uint64_t tree_head(void *arg)
{
    return chain_tree_head(((struct node *)arg)->chain);
}

static void ask_contracts(void *arg)
{
    struct node *n = arg;
    if (!n->discovery && !n->stopping)
        ask(n);
}

static void on_settlement_change(void *arg)
{
    struct node *n = arg;
    struct settlement_frontiers f;
    settlement_frontiers_get(n->settlement, &f);
    /* proofs and rollback reach back to the last executed batch (spec 20 §10.2) */
    state_keep_from(n->state, f.block[FRONTIER_EXECUTED]);
}

static void on_batch_events(void *arg, const struct sl_event *events, size_t cnt)
{
    settlement_on_events(((struct node *)arg)->settlement, events, cnt);
}

static void on_l1_txs(void *arg)
{
    chain_l1_txs_arrived(((struct node *)arg)->chain);
}

static void on_rewind(void *arg, uint64_t from)
{
    settlement_on_rewind(((struct node *)arg)->settlement, from);
}

static uint64_t first_free_priority_id(void *arg)
{
    return chain_first_free_priority_id(((struct node *)arg)->chain);
}

static void on_caught_up(void *arg, uint64_t upper)
{
    struct node *n = arg;
    settlement_on_head(n->settlement, upper + n->cfg->l1_watcher.confirmations);
    settlement_on_caught_up(n->settlement);
}

static void on_watcher_stopped(void *arg, const struct err *why)
{
    struct node *n = arg;
    n->watcher_stopped = true;
    if (why->kind == ERR_DIVERGED)
        chain_pause(n->chain, "L1's history contradicts this chain's blocks");
    settlement_hold(n->settlement, why->msg,
                    "compare this node's L1 endpoint with another one; when L1 is right, rebuild "
                    "from the block named, then restart");
}

/* ---- coming up ---- */

static struct settlement_config settlement_config_of(const struct node *n)
{
    const struct config *c = n->cfg;
    struct settlement_config s = { .chain_id = c->genesis.chain_id,
                                   .sl_chain_id = n->contracts.l1_chain_id,
                                   .protocol_minor = 31,
                                   .genesis_state_commitment = n->genesis_commitment,
                                   .da_scheme = c->l1_sender.pubdata_mode == PUBDATA_VALIDIUM
                                                    ? DA_EMPTY_NO_DA
                                                    : DA_BLOBS_AND_PUBDATA_KECCAK,
                                   .batch_timeout_ms = c->batcher.batch_timeout_ms,
                                   .max_txs = c->batcher.tx_per_batch_limit,
                                   .max_blocks = c->batcher.blocks_per_batch_limit,
                                   .max_pubdata = BATCH_MAX_CALLDATA_PUBDATA,
                                   .max_native = 1ull << 35,
                                   .max_range = c->prover_api.max_fris_per_snark,
                                   .accept_history = c->l1_watcher.accept_history,
                                   .mock_proofs = c->prover_api.fake_fri_provers_enabled ||
                                                  c->prover_api.fake_snark_provers_enabled,
                                   .l1_finalized = c->rpc.finalized_mode == FINALIZED_L1 };
    s.sender.max_in_flight = (uint32_t)c->l1_sender.command_limit;
    s.sender.required_confirmations = (uint32_t)c->l1_sender.required_confirmations;
    s.sender.caps.max_fee = c->l1_sender.max_fee_per_gas;
    s.sender.caps.max_tip = c->l1_sender.max_priority_fee_per_gas;
    s.sender.poll_ms = c->l1_sender.poll_interval_ms;
    return s;
}

static bool start_settlement(struct node *n, struct err *err)
{
    struct settlement_deps deps = { .base = n->base,
                                    .clock = n->clock,
                                    .store = n->store,
                                    .sl = n->l1,
                                    .signers = { n->signers[0], n->signers[1], n->signers[2] },
                                    .journal = n->journal,
                                    .arg = n,
                                    .load_block = load_block,
                                    .tree_head = tree_head,
                                    .ask_contracts = ask_contracts,
                                    .on_change = on_settlement_change };
    struct settlement_config cfg = settlement_config_of(n);
    struct settlement *s = settlement_create(&deps, &cfg, err);
    if (!s)
        return false;
    n->settlement = s;
    return settlement_start(s, &n->contracts, err);
}

static bool store_cursor(struct store_txn *t, void *arg, struct err *err)
{
    return watcher_cursor_put(t, WATCHER_CURSOR_NAME, arg, err);
}

/* Steps that the contracts count and the journal does not have: the watcher reads again from where the first one can be. */
static bool step_watcher_back(struct node *n, struct err *err)
{
    struct watcher_cursor c;
    uint64_t from = 0;
    bool found = false;
    if (!settlement_missed_from(n->settlement, &from))
        return true;
    if (!watcher_cursor_load(n->reader, WATCHER_CURSOR_NAME, &c, &found, err))
        return false;
    if (!found || c.next_block <= from)
        return true;
    log_info(LOG_L1, "batch events are read again", LOG_U64("from", from),
             LOG_U64("cursor", c.next_block));
    struct watcher_cursor back = { .next_block = from };
    return store_write_sync(n->store, STORE_JOURNAL, store_cursor, &back, err);
}

static bool start_watcher(struct node *n, struct err *err)
{
    const struct config *c = n->cfg;
    if (!step_watcher_back(n, err))
        return false;
    struct watcher_deps deps = {
        .base = n->base, .clock = n->clock, .eth = n->l1, .store = n->store
    };
    struct watcher_config cfg = { .chain_id = c->genesis.chain_id,
                                  .diamond = n->contracts.diamond,
                                  .ctm = n->contracts.ctm,
                                  .server_notifier = n->contracts.server_notifier,
                                  .confirmations = c->l1_watcher.confirmations,
                                  .poll_ms = c->l1_watcher.poll_interval_ms,
                                  .max_blocks = c->l1_watcher.max_blocks_to_process };
    struct watcher_callbacks cb = { .arg = n,
                                    .on_batch_events = on_batch_events,
                                    .on_l1_txs = on_l1_txs,
                                    .on_rewind = on_rewind,
                                    .first_free_priority_id = first_free_priority_id,
                                    .on_caught_up = on_caught_up,
                                    .on_stopped = on_watcher_stopped };
    n->watcher = watcher_create(&deps, &cfg, &cb, err);
    return n->watcher && watcher_start(n->watcher, err);
}

static void publish_contracts(struct node *n)
{
    const struct discovery_result *d = &n->contracts;
    struct rpc_contracts c = { .bridgehub = d->bridgehub,
                               .diamond_proxy = d->diamond,
                               .validator_timelock = d->timelock,
                               .bytecodes_supplier = d->bytecodes_supplier,
                               .chain_type_manager = d->ctm,
                               .asset_router = d->asset_router,
                               .message_root = d->message_root,
                               .base_token = d->base_token,
                               .l1_chain_id = d->l1_chain_id };
    rpc_set_contracts(n->rpc, &c);
}

static void log_contracts(const struct discovery_result *d)
{
    log_info(LOG_L1, "contracts discovered", LOG_U64("l1_chain_id", d->l1_chain_id),
             LOG_U64("l1_block", d->at_block), LOG_ADDR("diamond", &d->diamond),
             LOG_ADDR("timelock", &d->timelock), LOG_U64("committed", d->committed),
             LOG_U64("proved", d->proved), LOG_U64("executed", d->executed),
             LOG_U64("priority_ops", d->total_priority_txs), LOG_U64("da_scheme", d->da_scheme));
}

static void on_discovered(void *arg, const struct discovery_result *r, const struct err *failed)
{
    struct node *n = arg;
    struct err err = { .kind = ERR_NONE };
    n->discovery = NULL;
    if (failed) {
        snprintf(n->l1_problem, sizeof(n->l1_problem), "%.250s", failed->msg);
        if (!n->have_contracts && failed->kind != ERR_TRANSIENT && failed->kind != ERR_LOCAL) {
            node_fail(n, failed);
            return;
        }
        if (n->discovery_failures++ % 10 == 0)
            log_warn(LOG_L1, "L1 is not usable yet", LOG_STR("error", failed->msg));
        if (!n->have_contracts) { /* afterwards settlement asks again by itself */
            uint64_t s = n->discovery_failures < DISCOVERY_RETRY_MAX_S ? n->discovery_failures
                                                                       : DISCOVERY_RETRY_MAX_S;
            struct timeval tv = { .tv_sec = (time_t)s };
            evtimer_add(n->discovery_timer, &tv);
        }
        return;
    }
    n->l1_problem[0] = 0;
    n->discovery_failures = 0;
    n->contracts = *r;
    publish_contracts(n);
    if (n->have_contracts) {
        settlement_on_contracts(n->settlement, r);
        return;
    }
    n->have_contracts = true;
    if (!store_write(n->store, STORE_JOURNAL, store_chain_id, chain_id_stored, n, &err)) {
        node_fail(n, &err);
        return;
    }
    log_contracts(r);
    chain_set_sl_chain_id(n->chain, r->l1_chain_id);
    if (!start_settlement(n, &err) || !start_watcher(n, &err))
        node_fail(n, &err);
}

static void ask(struct node *n)
{
    struct err err = { .kind = ERR_NONE };
    n->discovery = discovery_start(n->l1, &n->cfg->genesis.bridgehub_address,
                                   n->cfg->genesis.chain_id, on_discovered, n, &err);
    if (!n->discovery)
        on_discovered(n, NULL, &err);
}

static void on_discovery_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct node *n = arg;
    if (!n->discovery && !n->stopping)
        ask(n);
}

void layer_start(struct node *n)
{
    n->discovery_timer = evtimer_new(n->base, on_discovery_timer, n);
    CHECK(n->discovery_timer != NULL);
    ask(n);
    fees_start(n);
}

void layer_stop(struct node *n)
{
    if (n->discovery_timer)
        event_free(n->discovery_timer);
    n->discovery_timer = NULL;
    fees_stop(n);
    discovery_cancel(n->discovery);
    n->discovery = NULL;
    if (n->watcher)
        watcher_stop(n->watcher);
    if (n->settlement)
        settlement_stop(n->settlement);
}

void layer_destroy(struct node *n)
{
    watcher_destroy(n->watcher);
    eth_client_destroy(n->l1); /* ends requests that settlement does not hold handles of */
    settlement_destroy(n->settlement);
    tx_journal_destroy(n->journal);
    for (int i = 0; i < LANE_CNT; i++)
        signer_destroy(n->signers[i]);
}
