/* node/layer_parts.c
 *
 * Settlement and the watchers, wired to the chain. Where the chain settles on L1 one watcher reads everything; where it settles on a Gateway,
 * L1's reads requests and the Gateway's reads what happens to batches (spec 30 §9.2). */
#include <inttypes.h>
#include <string.h>

#include "node/base/hex.h"
#include "node/base/log.h"
#include "node/chain/worker.h"
#include "node/crypto/crypto.h"
#include "node/topology_internal.h"
#include "settlement/da/da.h"

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
    layer_ask_contracts(arg);
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
    struct settlement *s = ((struct node *)arg)->settlement;
    if (s) /* notices of L1 may come before the Gateway has answered: the contracts are read then */
        settlement_on_events(s, events, cnt);
}

static void on_l1_txs(void *arg)
{
    chain_l1_txs_arrived(((struct node *)arg)->chain);
}

static void on_rewind(void *arg, uint64_t from)
{
    settlement_on_rewind(((struct node *)arg)->settlement, from);
}

static void on_requests_rewind(void *arg, uint64_t from)
{
    (void)arg; /* steps of batches are not on this layer */
    (void)from;
}

static uint64_t first_free_priority_id(void *arg)
{
    return chain_first_free_priority_id(((struct node *)arg)->chain);
}

/* Blocks of the watched layer that are left alone. A Gateway's are final among themselves: it may make none for hours, and then the newest
 * would never be read. */
static uint64_t confirmations(const struct node *n, bool gateway)
{
    return gateway ? 0 : n->cfg->l1_watcher.confirmations;
}

static void on_caught_up(void *arg, uint64_t upper)
{
    struct node *n = arg;
    settlement_on_head(n->settlement, upper + confirmations(n, n->gateway != NULL));
    settlement_on_caught_up(n->settlement);
}

static void on_requests_caught_up(void *arg, uint64_t upper)
{
    (void)arg;
    (void)upper;
}

static void on_watcher_stopped(void *arg, const struct err *why)
{
    struct node *n = arg;
    n->watcher_stopped = true;
    if (why->kind == ERR_DIVERGED)
        chain_pause(n->chain, "L1's history contradicts this chain's blocks");
    if (n->settlement)
        settlement_hold(n->settlement, why->msg,
                        "compare this node's L1 endpoint with another one; when L1 is right, "
                        "rebuild from the block named, then restart");
}

static void on_gateway_watcher_stopped(void *arg, const struct err *why)
{
    struct node *n = arg;
    n->watcher_stopped = true;
    settlement_hold(n->settlement, why->msg,
                    "compare this node's Gateway endpoint with another one, then restart");
}

/* ---- coming up ---- */

static uint8_t da_scheme_of(enum config_pubdata_mode m)
{
    return m == PUBDATA_VALIDIUM ? DA_EMPTY_NO_DA
           : m == PUBDATA_BLOBS  ? DA_BLOBS_ZKSYNC_OS
                                 : DA_BLOBS_AND_PUBDATA_KECCAK;
}

static struct prover_config prover_config_of(const struct config *c)
{
    struct prover_config p = { .enabled = c->prover_api.enabled,
                               .address = c->prover_api.address,
                               .fri_timeout_ms = c->prover_api.fri_job_timeout_ms,
                               .snark_timeout_ms = c->prover_api.snark_job_timeout_ms,
                               .max_assigned_range = c->prover_api.max_assigned_batch_range,
                               .max_fris_per_snark = c->prover_api.max_fris_per_snark,
                               .max_batch_age_ms = c->prover_api.fake_snark_max_batch_age_ms,
                               .slot = (uint32_t)c->prover_api.verifier_version,
                               .fake_fri = c->prover_api.fake_fri_provers_enabled,
                               .fake_snark = c->prover_api.fake_snark_provers_enabled,
                               .allow_anonymous = c->prover_api.allow_anonymous };
    const struct config_secret *tokens[PROVER_TOKENS_MAX] = { &c->prover_api.token,
                                                              &c->prover_api.second_token };
    for (size_t i = 0; i < PROVER_TOKENS_MAX; i++)
        if (tokens[i]->set)
            memcpy(p.tokens[p.token_cnt++], tokens[i]->key, 32);
    if (c->prover_api.verification_key_hash[0])
        CHECK(hex_decode_exact(p.vk.b, 32, c->prover_api.verification_key_hash,
                               strlen(c->prover_api.verification_key_hash)));
    return p;
}

static struct verification_config verification_config_of(const struct config *c)
{
    struct verification_config v = { .mode = c->verification.mode == VERIFY_LOCALLY
                                                 ? VERIFICATION_LOCAL
                                             : c->verification.mode == VERIFY_REMOTELY
                                                 ? VERIFICATION_REMOTE
                                                 : VERIFICATION_NONE,
                                     .url_cnt = c->verification.url_cnt,
                                     .threshold = (size_t)c->verification.threshold,
                                     .has_token = c->verification.token.set,
                                     .timeout_ms = c->verification.request_timeout_ms };
    for (size_t i = 0; i < v.url_cnt; i++)
        v.urls[i] = c->verification.urls[i];
    memcpy(v.token, c->verification.token.key, 32);
    return v;
}

static struct settlement_config settlement_config_of(const struct node *n)
{
    const struct config *c = n->cfg;
    struct settlement_config s = { .chain_id = c->genesis.chain_id,
                                   .layer = { .name = n->gateway ? "the Gateway" : "L1",
                                              .chain_id = n->sl_chain_id,
                                              .is_gateway = n->gateway != NULL },
                                   .protocol_minor = 31,
                                   .genesis_state_commitment = n->genesis_commitment,
                                   .da_scheme = da_scheme_of(c->l1_sender.pubdata_mode),
                                   .batch_timeout_ms = c->batcher.batch_timeout_ms,
                                   .max_txs = c->batcher.tx_per_batch_limit,
                                   .max_blocks = c->batcher.blocks_per_batch_limit,
                                   .max_pubdata = c->l1_sender.pubdata_mode == PUBDATA_BLOBS
                                                      ? da_capacity(DA_BLOBS_ZKSYNC_OS)
                                                      : BATCH_MAX_CALLDATA_PUBDATA,
                                   .max_native = 1ull << 35,
                                   .max_range = c->prover_api.max_fris_per_snark,
                                   .accept_history = c->l1_watcher.accept_history,
                                   .prover = prover_config_of(c),
                                   .verification = verification_config_of(c),
                                   .mock_proofs = c->prover_api.fake_fri_provers_enabled ||
                                                  c->prover_api.fake_snark_provers_enabled,
                                   .l1_finalized = c->rpc.finalized_mode == FINALIZED_L1 };
    s.sender.max_in_flight = (uint32_t)c->l1_sender.command_limit;
    s.sender.required_confirmations = (uint32_t)c->l1_sender.required_confirmations;
    s.sender.caps.max_fee = c->l1_sender.max_fee_per_gas;
    s.sender.caps.max_tip = c->l1_sender.max_priority_fee_per_gas;
    s.sender.caps.max_blob_fee = c->l1_sender.max_fee_per_blob_gas;
    s.sender.poll_ms = c->l1_sender.poll_interval_ms;
    if (n->gateway) { /* no public pool, no reorganisations of its own (spec 30 §11.3, spec 90 row 47) */
        s.sender.max_in_flight = s.sender.required_confirmations = 1;
        s.sender.no_replacement = true;
    }
    return s;
}

static bool run_settlement_job(void *arg, void (*run)(void *), void (*done)(void *), void *job)
{
    return worker_submit(((struct node *)arg)->settlement_worker, run, done, job);
}

/* Witnesses are made only where somebody wants them. */
static bool make_witnesses(struct node *n, struct settlement_witness_ops *ops, struct err *err)
{
    const struct config *c = n->cfg;
    if (!c->prover_api.enabled && c->verification.mode == VERIFY_NOTHING)
        return true;
    n->witnesses = witnesses_create(n->base, n->chain, n->store, crypto_host(), err);
    if (!n->witnesses)
        return false;
    *ops = witnesses_ops(n->witnesses);
    return true;
}

static bool make_settlement(struct node *n, struct err *err)
{
    if (n->cfg->l1_sender.pubdata_mode == PUBDATA_BLOBS || n->cfg->prover_api.enabled) {
        n->settlement_worker = worker_pool_create(n->base, 1, "settlement", err);
        if (!n->settlement_worker)
            return false;
    }
    struct settlement_deps deps = { .base = n->base,
                                    .clock = n->clock,
                                    .store = n->store,
                                    .sl = node_sl(n),
                                    .signers = { n->signers[0], n->signers[1], n->signers[2] },
                                    .journal = n->journal,
                                    .arg = n,
                                    .load_block = load_block,
                                    .tree_head = tree_head,
                                    .ask_contracts = ask_contracts,
                                    .run_job = n->settlement_worker ? run_settlement_job : NULL,
                                    .on_change = on_settlement_change };
    struct settlement_config cfg = settlement_config_of(n);
    if (!make_witnesses(n, &deps.witness, err))
        return false;
    struct settlement *s = settlement_create(&deps, &cfg, err);
    if (!s)
        return false;
    n->settlement = s;
    return settlement_start(s, &n->sl_contracts, err);
}

/* ---- watchers ---- */

struct cursor_back {
    const char *name;
    struct watcher_cursor cursor;
};

static bool store_cursor(struct store_txn *t, void *arg, struct err *err)
{
    const struct cursor_back *b = arg;
    return watcher_cursor_put(t, b->name, &b->cursor, err);
}

/* Steps that the contracts count and the journal does not have: the watcher reads again from where the first one can be. */
static bool step_watcher_back(struct node *n, const char *name, struct err *err)
{
    struct watcher_cursor c;
    struct cursor_back back = { .name = name };
    bool found = false;
    if (!settlement_missed_from(n->settlement, &back.cursor.next_block))
        return true;
    if (!watcher_cursor_load(n->reader, name, &c, &found, err))
        return false;
    if (!found || c.next_block <= back.cursor.next_block)
        return true;
    log_info(LOG_L1, "batch events are read again", LOG_STR("cursor", name),
             LOG_U64("from", back.cursor.next_block), LOG_U64("at", c.next_block));
    return store_write_sync(n->store, STORE_JOURNAL, store_cursor, &back, err);
}

static struct watcher_config watcher_config_of(const struct node *n,
                                               const struct discovery_result *d)
{
    const struct config *c = n->cfg;
    bool gateway = n->gateway && d == &n->sl_contracts;
    return (struct watcher_config){ .name = gateway ? "the Gateway" : "L1",
                                    .cursor = gateway ? WATCHER_CURSOR_GATEWAY : WATCHER_CURSOR_L1,
                                    .families = gateway      ? WATCH_BATCHES
                                                : n->gateway ? WATCH_REQUESTS
                                                             : WATCH_REQUESTS | WATCH_BATCHES,
                                    .chain_id = c->genesis.chain_id,
                                    .diamond = d->diamond,
                                    .ctm = d->ctm,
                                    .server_notifier = d->server_notifier,
                                    .bridgehub = d->bridgehub,
                                    .chain_asset_handler = d->chain_asset_handler,
                                    .confirmations = confirmations(n, gateway),
                                    .poll_ms = c->l1_watcher.poll_interval_ms,
                                    .max_blocks = c->l1_watcher.max_blocks_to_process,
                                    .silence_alarm_ms = gateway ? UINT64_MAX : 0 };
}

static bool start(struct node *n, struct watcher **out, struct eth_client *eth,
                  const struct watcher_config *cfg, const struct watcher_callbacks *cb,
                  struct err *err)
{
    struct watcher_deps deps = {
        .base = n->base, .clock = n->clock, .eth = eth, .store = n->store
    };
    *out = watcher_create(&deps, cfg, cb, err);
    return *out && watcher_start(*out, err);
}

bool layer_start_watcher(struct node *n, struct err *err)
{
    struct watcher_config cfg = watcher_config_of(n, &n->contracts);
    struct watcher_callbacks cb = { .arg = n,
                                    .on_batch_events = on_batch_events,
                                    .on_l1_txs = on_l1_txs,
                                    .on_rewind = n->gateway ? on_requests_rewind : on_rewind,
                                    .first_free_priority_id = first_free_priority_id,
                                    .on_caught_up =
                                        n->gateway ? on_requests_caught_up : on_caught_up,
                                    .on_stopped = on_watcher_stopped };
    return start(n, &n->watcher, n->l1, &cfg, &cb, err);
}

bool layer_start_settlement(struct node *n, struct err *err)
{
    const char *cursor = n->gateway ? WATCHER_CURSOR_GATEWAY : WATCHER_CURSOR_L1;
    if (!make_settlement(n, err) || !step_watcher_back(n, cursor, err))
        return false;
    if (!n->gateway)
        return true;
    struct watcher_config cfg = watcher_config_of(n, &n->sl_contracts);
    struct watcher_callbacks cb = { .arg = n,
                                    .on_batch_events = on_batch_events,
                                    .on_l1_txs = on_l1_txs,
                                    .on_rewind = on_rewind,
                                    .on_caught_up = on_caught_up,
                                    .on_stopped = on_gateway_watcher_stopped };
    return start(n, &n->gateway_watcher, n->gateway, &cfg, &cb, err);
}
