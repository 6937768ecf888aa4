/* node/layer.c
 *
 * What needs a settlement layer: clients, discovery, settlement, watchers. L1 is asked first: it says where the chain settles. Where that is a
 * Gateway, the Gateway is asked next, and settlement waits for its answer; requests are read on L1 meanwhile. A layer going away later only
 * makes these wait. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "node/base/hex.h"
#include "node/base/log.h"
#include "node/chain/worker.h"
#include "node/topology_internal.h"

#define DISCOVERY_RETRY_MAX_S 15

/* The chain ids of our L1 and of our settlement layer are written down at first contact: an endpoint of another chain is never believed again,
 * whatever answers first after a restart, and a chain that was moved meanwhile is noticed. */
#define L1_CHAIN_ID_ROW "l1-chain-id"
#define SL_CHAIN_ID_ROW "sl-chain-id"

static bool known_chain_id(struct node *n, const char *row, uint64_t *id, struct err *err)
{
    struct watcher_cursor c;
    bool found = false;
    *id = 0;
    if (!watcher_cursor_load(n->reader, row, &c, &found, err))
        return false;
    if (found)
        *id = c.next_block;
    return true;
}

static bool store_chain_ids(struct store_txn *t, void *arg, struct err *err)
{
    const struct node *n = arg;
    struct watcher_cursor l1 = { .next_block = n->contracts.chain_id };
    struct watcher_cursor sl = { .next_block = n->sl_chain_id };
    return watcher_cursor_put(t, L1_CHAIN_ID_ROW, &l1, err) &&
           watcher_cursor_put(t, SL_CHAIN_ID_ROW, &sl, err);
}

static void chain_ids_stored(void *arg, const struct err *err)
{
    if (err)
        node_fail(arg, err);
}

static struct eth_client *open_client(struct node *n, const char *name,
                                      const char (*urls)[CONFIG_TEXT_CAP], size_t url_cnt,
                                      uint64_t chain_id, struct err *err)
{
    const char *list[CONFIG_MAX_URLS];
    for (size_t i = 0; i < url_cnt; i++)
        list[i] = urls[i];
    struct eth_client_deps deps = { .base = n->base, .clock = n->clock };
    struct eth_client_config cfg = {
        .name = name, .urls = list, .url_cnt = url_cnt, .chain_id = chain_id
    };
    return eth_client_create(&deps, &cfg, err);
}

bool layer_create(struct node *n, struct err *err)
{
    const struct config *c = n->cfg;
    uint64_t l1_chain_id = 0;
    if (!known_chain_id(n, L1_CHAIN_ID_ROW, &l1_chain_id, err) ||
        !known_chain_id(n, SL_CHAIN_ID_ROW, &n->sl_chain_id, err))
        return false;
    n->l1 =
        open_client(n, "l1", c->general.l1_rpc_urls, c->general.l1_rpc_url_cnt, l1_chain_id, err);
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
                               .l1_chain_id = d->chain_id };
    rpc_set_contracts(n->rpc, &c);
}

static void log_contracts(const char *layer, const struct discovery_result *d)
{
    log_info(LOG_L1, "contracts discovered", LOG_STR("layer", layer),
             LOG_U64("chain_id", d->chain_id), LOG_U64("block", d->at_block),
             LOG_U64("settles_on", d->sl_chain_id), LOG_ADDR("diamond", &d->diamond),
             LOG_ADDR("timelock", &d->timelock), LOG_U64("committed", d->committed),
             LOG_U64("proved", d->proved), LOG_U64("executed", d->executed),
             LOG_U64("priority_ops", d->total_priority_txs), LOG_U64("da_scheme", d->da_scheme));
}

/* Until settlement runs, which then asks again by itself. */
static void retry_later(struct node *n)
{
    if (n->settlement)
        return;
    uint64_t s = n->discovery_failures < DISCOVERY_RETRY_MAX_S ? n->discovery_failures
                                                               : DISCOVERY_RETRY_MAX_S;
    struct timeval tv = { .tv_sec = (time_t)s };
    evtimer_add(n->discovery_timer, &tv);
}

static void not_usable(struct node *n, const char *layer, char problem[256], const struct err *why)
{
    snprintf(problem, 256, "%.250s", why->msg);
    if (n->discovery_failures++ % 10 == 0)
        log_warn(LOG_L1, "the layer is not usable yet", LOG_STR("layer", layer),
                 LOG_STR("error", why->msg));
    retry_later(n);
}

/* The layer's contracts are known, for the first time or again. */
static void take_sl_contracts(struct node *n, const struct discovery_result *r)
{
    struct err err = { .kind = ERR_NONE };
    n->sl_contracts = *r;
    if (n->settlement)
        settlement_on_contracts(n->settlement, r);
    else if (!layer_start_settlement(n, &err) || !mirrors_start(n, &err))
        node_fail(n, &err);
}

static void on_gateway_discovered(void *arg, const struct discovery_result *r,
                                  const struct err *failed)
{
    struct node *n = arg;
    n->discovery = NULL;
    if (failed) { /* also "not registered": it may not have executed the migration yet */
        not_usable(n, "the Gateway", n->gateway_problem, failed);
        return;
    }
    n->gateway_problem[0] = 0;
    n->discovery_failures = 0;
    struct discovery_result d = *r;
    d.sl_chain_id = n->contracts.sl_chain_id; /* where a chain settles is for L1 to say */
    d.sl_is_whitelisted = n->contracts.sl_is_whitelisted;
    if (!n->settlement)
        log_contracts("the Gateway", &d);
    take_sl_contracts(n, &d);
}

static void ask_gateway(struct node *n)
{
    struct err err = { .kind = ERR_NONE };
    struct addr bridgehub = addr_of_u32(GATEWAY_BRIDGEHUB);
    n->discovery = discovery_start(n->gateway, &bridgehub, n->cfg->genesis.chain_id,
                                   on_gateway_discovered, n, &err);
    if (!n->discovery)
        on_gateway_discovered(n, NULL, &err);
}

static bool open_gateway(struct node *n, struct err *err)
{
    const struct config *c = n->cfg;
    if (c->general.gateway_rpc_url_cnt == 0)
        return err_set(err, ERR_INVALID,
                       "this chain settles on chain %" PRIu64
                       ", a Gateway: general.gateway_rpc_url must name its RPC",
                       n->sl_chain_id);
    n->gateway = open_client(n, "gateway", c->general.gateway_rpc_urls,
                             c->general.gateway_rpc_url_cnt, n->sl_chain_id, err);
    return n->gateway != NULL;
}

/* The first answer of L1. */
static bool begin(struct node *n, struct err *err)
{
    const struct discovery_result *d = &n->contracts;
    if (n->sl_chain_id == 0)
        n->sl_chain_id = d->sl_chain_id;
    if (n->sl_chain_id != d->chain_id && !open_gateway(n, err))
        return false;
    if (!n->gateway && n->cfg->l1_sender.pubdata_mode == PUBDATA_RELAYED)
        return err_set(err, ERR_INVALID,
                       "l1_sender.pubdata_mode RelayedL2Calldata is for a chain that settles on a "
                       "Gateway; this one settles on L1: use Calldata or Validium");
    if (n->gateway && n->cfg->l1_sender.pubdata_mode == PUBDATA_BLOBS)
        return err_set(err, ERR_INVALID,
                       "l1_sender.pubdata_mode Blobs is for a chain that settles on L1; this one "
                       "settles on a Gateway, which has none: use RelayedL2Calldata or Validium");
    n->have_contracts = true;
    atomic_store(&n->l1_answered, true);
    if (!store_write(n->store, STORE_JOURNAL, store_chain_ids, chain_ids_stored, n, err))
        return false;
    log_contracts("L1", d);
    chain_set_sl_chain_id(n->chain, n->sl_chain_id);
    fees_layer_known(n);
    if (!n->gateway)
        take_sl_contracts(n, d);
    return layer_start_watcher(n, err);
}

static void on_discovered(void *arg, const struct discovery_result *r, const struct err *failed)
{
    struct node *n = arg;
    struct err err = { .kind = ERR_NONE };
    n->discovery = NULL;
    if (failed) {
        if (!n->have_contracts && failed->kind != ERR_TRANSIENT && failed->kind != ERR_LOCAL)
            node_fail(n, failed);
        else
            not_usable(n, "L1", n->l1_problem, failed);
        return;
    }
    n->l1_problem[0] = 0;
    n->contracts = *r;
    publish_contracts(n);
    if (!n->have_contracts && !begin(n, &err)) {
        node_fail(n, &err);
        return;
    }
    if (n->gateway) {
        ask_gateway(n);
        return;
    }
    n->discovery_failures = 0;
    if (n->settlement)
        settlement_on_contracts(n->settlement, r);
}

static void ask(struct node *n)
{
    struct err err = { .kind = ERR_NONE };
    n->discovery = discovery_start(n->l1, &n->cfg->genesis.bridgehub_address,
                                   n->cfg->genesis.chain_id, on_discovered, n, &err);
    if (!n->discovery)
        on_discovered(n, NULL, &err);
}

void layer_ask_contracts(struct node *n)
{
    if (!n->discovery && !n->stopping)
        ask(n);
}

static void on_discovery_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    layer_ask_contracts(arg);
}

void layer_start(struct node *n)
{
    n->discovery_timer = evtimer_new(n->base, on_discovery_timer, n);
    CHECK(n->discovery_timer != NULL);
    roots_start(n);
    ask(n);
    fees_start(n);
}

void layer_stop(struct node *n)
{
    if (n->discovery_timer)
        event_free(n->discovery_timer);
    n->discovery_timer = NULL;
    fees_stop(n);
    roots_stop(n);
    discovery_cancel(n->discovery);
    n->discovery = NULL;
    if (n->watcher)
        watcher_stop(n->watcher);
    if (n->gateway_watcher)
        watcher_stop(n->gateway_watcher);
    mirrors_stop(n);
    if (n->settlement)
        settlement_stop(n->settlement);
    if (n->settlement_worker) /* what it still computes is dropped */
        worker_pool_stop(n->settlement_worker);
    if (n->witnesses)
        witnesses_stop(n->witnesses);
}

void layer_destroy(struct node *n)
{
    watcher_destroy(n->watcher);
    watcher_destroy(n->gateway_watcher);
    mirrors_destroy(n);
    eth_client_destroy(n->gateway);
    eth_client_destroy(n->l1); /* ends requests that settlement does not hold handles of */
    settlement_destroy(n->settlement);
    worker_pool_destroy(n->settlement_worker);
    witnesses_destroy(n->witnesses);
    tx_journal_destroy(n->journal);
    for (int i = 0; i < LANE_CNT; i++)
        signer_destroy(n->signers[i]);
}
