/* The shell around tx_core.h: carries its commands out on the event loop and brings the answers back. */
#include "node/sender/tx_manager.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/base/hex.h"
#include "node/base/log.h"
#include "node/net/eth_client.h"
#include "node/sender/signer.h"
#include "node/sender/tx_core.h"

#define FEE_BLOCKS       10
#define FEE_PERCENTILE   20
#define VIEW_PARTS       5
#define CALL_DEADLINE_MS 15000

/* One RPC call, or the group of calls that one command needs. */
struct call {
    struct tx_manager *m;
    enum tx_cmd_kind kind;
    uint64_t id;
    size_t variant;
    struct eth_request *reqs[VIEW_PARTS];
    unsigned left;
    struct tx_view view;
    bool has_market, has_err, is_revert;
    struct err err;
    uint64_t gas, block;
    struct buf revert;
    TAILQ_ENTRY(call) link;
};
struct tx_manager {
    struct tx_manager_deps deps;
    char *name; /* owned */
    tx_change_fn *on_change;
    void *arg;
    struct tx_core core;
    struct event *timer; /* owned */
    struct event *kick;  /* owned */
    bool loaded, started, draining;
    TAILQ_HEAD(, call) calls;
};

static void drain(struct tx_manager *m);

/* --- calls --- */

static struct call *call_new(struct tx_manager *m, const struct tx_cmd *cmd)
{
    struct call *k = calloc(1, sizeof(*k));
    CHECK(k != NULL);
    k->m = m;
    k->kind = cmd->kind;
    k->id = cmd->id;
    k->variant = cmd->variant;
    buf_init(&k->revert, (size_t)64 << 10);
    TAILQ_INSERT_TAIL(&m->calls, k, link);
    return k;
}

static void call_free(struct call *k)
{
    TAILQ_REMOVE(&k->m->calls, k, link);
    buf_clear(&k->revert);
    free(k);
}

static void call_cancel(struct call *k)
{
    for (size_t i = 0; i < GH_COUNT(k->reqs); i++)
        eth_cancel(k->reqs[i]);
    call_free(k);
}

/* The request of slot i has come back. true: it was the last one. */
static bool part_done(struct call *k, size_t i, const struct err *err)
{
    k->reqs[i] = NULL;
    if (err && !k->has_err) {
        k->has_err = true;
        k->err = *err;
    }
    return --k->left == 0;
}

static bool part_asked(struct call *k, size_t i, struct eth_request *r, const struct err *err)
{
    k->reqs[i] = r;
    if (r) {
        k->left++;
        return true;
    }
    k->has_err = true;
    k->err = *err;
    return false;
}

/* Nothing could be asked at all: the answer must still not come from inside the command. */
static bool none_asked(const struct call *k)
{
    return k->left == 0;
}

/* --- the view --- */

static void view_finish(struct call *k)
{
    struct tx_manager *m = k->m;
    if (!k->has_err && !k->has_market)
        k->has_err = !err_set(&k->err, ERR_TRANSIENT, "the node does not tell fees");
    if (k->has_err) {
        err_wrap(&k->err, "reading the chain");
        tx_core_on_view(&m->core, NULL, &k->err);
    } else {
        tx_core_on_view(&m->core, &k->view, NULL);
    }
    call_free(k);
    drain(m);
}

static void on_view_block(void *arg, const struct eth_reply *r, const struct eth_block *b)
{
    struct call *k = arg;
    struct err none;
    if (b) {
        k->view.head = b->number;
        k->view.head_hash = b->hash;
    } else if (!r->err) {
        err_set(&none, ERR_TRANSIENT, "the node has no head");
    }
    if (part_done(k, 0, r->err ? r->err : b ? NULL : &none))
        view_finish(k);
}

static void on_view_gas_price(void *arg, const struct eth_reply *r, const struct u256 *v)
{
    struct call *k = arg;
    if (v) {
        k->has_market = true;
        k->view.market.base_fee = *v;
        k->view.market.tip = U256_ZERO;
    }
    if (part_done(k, 1, r->err))
        view_finish(k);
}

static void on_view_fees(void *arg, const struct eth_reply *r, const struct eth_fee_history *h)
{
    struct call *k = arg;
    struct err e;
    if (r->err && r->err->kind == ERR_REJECTED) { /* a node without fee history */
        k->reqs[1] = eth_gas_price(k->m->deps.eth, NULL, on_view_gas_price, k, &e);
        if (k->reqs[1])
            return;
    }
    if (h && h->base_fee_cnt > 0) {
        struct u256 rewards[FEE_BLOCKS];
        size_t n = h->reward_cnt < FEE_BLOCKS ? h->reward_cnt : FEE_BLOCKS;
        for (size_t i = 0; i < n; i++)
            rewards[i] = h->rewards[i];
        k->has_market = true;
        k->view.market.base_fee = h->base_fees[h->base_fee_cnt - 1];
        k->view.market.tip = tx_fee_median(rewards, n);
    }
    if (part_done(k, 1, r->err))
        view_finish(k);
}

static void on_view_balance(void *arg, const struct eth_reply *r, const struct u256 *v)
{
    struct call *k = arg;
    if (v)
        k->view.balance = *v;
    if (part_done(k, 2, r->err))
        view_finish(k);
}

static void on_view_latest(void *arg, const struct eth_reply *r, uint64_t v)
{
    struct call *k = arg;
    k->view.latest_nonce = v;
    if (part_done(k, 3, r->err))
        view_finish(k);
}

static void on_view_pending(void *arg, const struct eth_reply *r, uint64_t v)
{
    struct call *k = arg;
    k->view.pending_nonce = v;
    if (part_done(k, 4, r->err))
        view_finish(k);
}

static void do_view(struct tx_manager *m, const struct tx_cmd *cmd)
{
    struct call *k = call_new(m, cmd);
    struct eth_client *eth = m->deps.eth;
    const struct addr *self = &m->core.self;
    struct err e;
    uint64_t seen = m->core.view.head;
    /* a node a little behind is caught by the nonce floor; one far behind is passed over */
    struct eth_opts o = { .deadline_ms = CALL_DEADLINE_MS, .min_block = seen > 2 ? seen - 2 : 0 };
    part_asked(k, 0, eth_get_block(eth, ETH_AT_LATEST, &o, on_view_block, k, &e), &e);
    part_asked(k, 1, eth_fee_history(eth, FEE_BLOCKS, FEE_PERCENTILE, &o, on_view_fees, k, &e), &e);
    part_asked(k, 2, eth_get_balance(eth, self, ETH_AT_LATEST, &o, on_view_balance, k, &e), &e);
    part_asked(k, 3, eth_get_nonce(eth, self, ETH_AT_LATEST, &o, on_view_latest, k, &e), &e);
    part_asked(k, 4, eth_get_nonce(eth, self, ETH_AT_PENDING, &o, on_view_pending, k, &e), &e);
    if (none_asked(k)) {
        tx_core_on_view(&m->core, NULL, &k->err);
        call_free(k);
    }
}

/* --- simulation --- */

/* The contract said no, as opposed to the node not being able to say. */
static bool is_revert(const struct eth_reply *r)
{
    static const char *const words[] = { "revert",
                                         "out of gas",
                                         "invalid opcode",
                                         "stack",
                                         "VM Exception",
                                         "insufficient balance for transfer",
                                         "insufficient funds for transfer" };
    if (!r->err || r->err->kind != ERR_REJECTED)
        return false;
    if (r->has_revert_data || r->err->code == 3)
        return true;
    for (size_t i = 0; i < GH_COUNT(words); i++)
        if (strstr(r->err->msg, words[i]))
            return true;
    return false;
}

static void keep_revert(struct call *k, const struct eth_reply *r)
{
    k->is_revert = true;
    k->err = *r->err;
    buf_reset(&k->revert);
    buf_append(&k->revert, r->revert_data.p, r->revert_data.len);
}

static void prepare_finish(struct call *k)
{
    struct tx_manager *m = k->m;
    struct bytes data = bytes_of(k->revert.p, k->revert.len);
    if (k->is_revert) {
        k->err.kind = ERR_REJECTED;
        tx_core_on_prepared(&m->core, k->id, 0, data, &k->err);
    } else if (k->has_err) {
        k->err.kind = ERR_TRANSIENT;
        tx_core_on_prepared(&m->core, k->id, 0, (struct bytes){ NULL, 0 }, &k->err);
    } else {
        tx_core_on_prepared(&m->core, k->id, k->gas, (struct bytes){ NULL, 0 }, NULL);
    }
    call_free(k);
    drain(m);
}

static void on_simulated(void *arg, const struct eth_reply *r, struct bytes v)
{
    struct call *k = arg;
    (void)v;
    bool revert = is_revert(r);
    if (revert)
        keep_revert(k, r);
    if (part_done(k, 0, revert ? NULL : r->err))
        prepare_finish(k);
}

static void on_estimated(void *arg, const struct eth_reply *r, uint64_t v)
{
    struct call *k = arg;
    k->gas = v; /* 0 when the node cannot or will not: the call's own answer counts */
    bool refused = r->err && r->err->kind == ERR_REJECTED;
    if (part_done(k, 1, refused ? NULL : r->err))
        prepare_finish(k);
}

static struct eth_call_msg message_of(const struct tx_manager *m, const struct tx_item *it)
{
    return (struct eth_call_msg){ .has_from = true,
                                  .from = m->core.self,
                                  .has_to = true,
                                  .to = it->to,
                                  .value = it->value,
                                  .data = bytes_of(it->data, it->data_len) };
}

static void do_prepare(struct tx_manager *m, const struct tx_cmd *cmd, const struct tx_item *it)
{
    struct call *k = call_new(m, cmd);
    struct eth_call_msg msg = message_of(m, it);
    struct eth_opts o = { .deadline_ms = CALL_DEADLINE_MS, .min_block = m->core.view.head };
    bool behind_others = false;
    const struct tx_item *other;
    TAILQ_FOREACH(other, &m->core.items, link)
    behind_others |= tx_item_in_flight(other);
    struct eth_block_id at = behind_others ? ETH_AT_PENDING : ETH_AT_LATEST;
    struct err e;
    part_asked(k, 0, eth_call(m->deps.eth, &msg, at, NULL, &o, on_simulated, k, &e), &e);
    part_asked(k, 1, eth_estimate_gas(m->deps.eth, &msg, at, &o, on_estimated, k, &e), &e);
    if (none_asked(k)) {
        tx_core_on_prepared(&m->core, k->id, 0, (struct bytes){ NULL, 0 }, &k->err);
        call_free(k);
    }
}

/* --- one-call commands --- */

static void on_sent(void *arg, const struct eth_reply *r, const struct b256 *hash)
{
    struct call *k = arg;
    struct tx_manager *m = k->m;
    const struct tx_item *it = tx_core_find(&m->core, k->id);
    k->reqs[0] = NULL;
    if (hash && it && k->variant < it->variant_cnt &&
        !b256_eq(hash, &it->variants[k->variant].row.hash))
        log_warn(LOG_SENDER, "the node names another hash", LOG_STR("sender", m->name),
                 LOG_HASH("theirs", hash), LOG_HASH("ours", &it->variants[k->variant].row.hash));
    if (r->err && it)
        log_warn(LOG_SENDER, "send not accepted", LOG_STR("sender", m->name),
                 LOG_STR("key", it->key), LOG_U64("nonce", it->nonce),
                 LOG_STR("class", tx_verdict_name(tx_classify_send(r->err))),
                 LOG_BOOL("maybe_delivered", r->maybe_delivered), LOG_STR("error", r->err->msg));
    tx_core_on_sent(&m->core, k->id, k->variant, r->err);
    call_free(k);
    drain(m);
}

static void do_send(struct tx_manager *m, const struct tx_cmd *cmd, const struct tx_item *it)
{
    const struct tx_variant *v = &it->variants[cmd->variant];
    struct eth_opts o = { .deadline_ms = CALL_DEADLINE_MS,
                          .max_attempts = 1,
                          .to_all = cmd->to_all };
    struct call *k = call_new(m, cmd);
    struct err e;
    log_info(LOG_SENDER, cmd->variant > it->variant_base ? "send replacement" : "send",
             LOG_STR("sender", m->name), LOG_STR("key", it->key), LOG_U64("nonce", it->nonce),
             LOG_HASH("tx", &v->row.hash), LOG_WEI("max_fee", &v->row.max_fee),
             LOG_WEI("max_tip", &v->row.max_tip), LOG_U64("gas", v->row.gas_limit));
    if (!part_asked(k, 0, eth_send_raw(m->deps.eth, v->row.raw, &o, on_sent, k, &e), &e)) {
        tx_core_on_sent(&m->core, k->id, k->variant, &e);
        call_free(k);
    }
}

static void on_receipt(void *arg, const struct eth_reply *r, const struct eth_receipt *rc)
{
    struct call *k = arg;
    struct tx_manager *m = k->m;
    struct tx_receipt mine;
    k->reqs[0] = NULL;
    if (rc)
        mine = (struct tx_receipt){ .status = rc->status,
                                    .block_number = rc->block_number,
                                    .gas_used = rc->gas_used,
                                    .block_hash = rc->block_hash,
                                    .price = rc->effective_gas_price };
    tx_core_on_receipt(&m->core, k->id, k->variant, rc ? &mine : NULL, r->err);
    call_free(k);
    drain(m);
}

static void do_receipt(struct tx_manager *m, const struct tx_cmd *cmd, const struct tx_item *it)
{
    /* a node that has not reached the block we saw it in cannot say that it is gone */
    struct eth_opts o = { .deadline_ms = CALL_DEADLINE_MS,
                          .min_block = it->state == TX_MINED ? it->block_number : 0 };
    struct call *k = call_new(m, cmd);
    struct err e;
    if (!part_asked(k, 0,
                    eth_get_receipt(m->deps.eth, &it->variants[cmd->variant].row.hash, &o,
                                    on_receipt, k, &e),
                    &e)) {
        tx_core_on_receipt(&m->core, k->id, k->variant, NULL, &e);
        call_free(k);
    }
}

static void on_lookup(void *arg, const struct eth_reply *r, const struct eth_tx *tx)
{
    struct call *k = arg;
    struct tx_manager *m = k->m;
    k->reqs[0] = NULL;
    tx_core_on_lookup(&m->core, k->id, tx != NULL, r->err);
    call_free(k);
    drain(m);
}

static void do_lookup(struct tx_manager *m, const struct tx_cmd *cmd, const struct tx_item *it)
{
    struct eth_opts o = { .deadline_ms = CALL_DEADLINE_MS };
    struct call *k = call_new(m, cmd);
    struct err e;
    const struct b256 *hash = &it->variants[cmd->variant].row.hash;
    if (!part_asked(k, 0, eth_get_tx(m->deps.eth, hash, &o, on_lookup, k, &e), &e)) {
        tx_core_on_lookup(&m->core, k->id, false, &e);
        call_free(k);
    }
}

static void on_nonce_tx(void *arg, const struct eth_reply *r, const struct eth_tx *tx)
{
    struct call *k = arg;
    struct tx_manager *m = k->m;
    (void)r;
    k->reqs[0] = NULL;
    struct tx_rival rival;
    if (tx)
        rival = (struct tx_rival){ .hash = tx->hash,
                                   .has_to = tx->has_to,
                                   .to = tx->to,
                                   .value = tx->value,
                                   .data = tx->input,
                                   .fee = { tx->max_fee, tx->max_tip } };
    tx_core_on_nonce_tx(&m->core, k->id, tx ? &rival : NULL);
    call_free(k);
    drain(m);
}

static void do_nonce_tx(struct tx_manager *m, const struct tx_cmd *cmd, const struct tx_item *it)
{
    struct eth_opts o = { .deadline_ms = CALL_DEADLINE_MS };
    struct call *k = call_new(m, cmd);
    struct err e;
    log_error(LOG_SENDER, "another sender uses this key", LOG_STR("sender", m->name),
              LOG_ADDR("address", &m->core.self), LOG_U64("nonce", it->nonce),
              LOG_STR("key", it->key));
    if (!part_asked(
            k, 0,
            eth_get_tx_by_nonce(m->deps.eth, &m->core.self, it->nonce, &o, on_nonce_tx, k, &e),
            &e)) {
        tx_core_on_nonce_tx(&m->core, k->id, NULL);
        call_free(k);
    }
}

/* --- why it reverted: the same call on the state before its block, then after it --- */

static void replay_finish(struct call *k, const struct err *err)
{
    struct tx_manager *m = k->m;
    tx_core_on_replay(&m->core, k->id, bytes_of(k->revert.p, k->revert.len), err);
    call_free(k);
    drain(m);
}

static void on_replay_after(void *arg, const struct eth_reply *r, struct bytes v)
{
    struct call *k = arg;
    (void)v;
    k->reqs[0] = NULL;
    if (is_revert(r))
        keep_revert(k, r);
    replay_finish(k, r->err);
}

static void on_replay_before(void *arg, const struct eth_reply *r, struct bytes v)
{
    struct call *k = arg;
    struct tx_manager *m = k->m;
    const struct tx_item *it = tx_core_find(&m->core, k->id);
    struct err e;
    (void)v;
    k->reqs[0] = NULL;
    if (is_revert(r) || !it) {
        if (it)
            keep_revert(k, r);
        replay_finish(k, r->err);
        return;
    }
    struct eth_call_msg msg = message_of(m, it);
    struct eth_opts o = { .deadline_ms = CALL_DEADLINE_MS };
    if (!part_asked(
            k, 0,
            eth_call(m->deps.eth, &msg, ETH_AT_NUMBER(k->block), NULL, &o, on_replay_after, k, &e),
            &e))
        replay_finish(k, &e);
}

static void do_replay(struct tx_manager *m, const struct tx_cmd *cmd, const struct tx_item *it)
{
    struct eth_call_msg msg = message_of(m, it);
    struct eth_opts o = { .deadline_ms = CALL_DEADLINE_MS };
    struct call *k = call_new(m, cmd);
    struct err e;
    k->block = it->block_number;
    uint64_t before = k->block > 0 ? k->block - 1 : 0;
    if (!part_asked(
            k, 0,
            eth_call(m->deps.eth, &msg, ETH_AT_NUMBER(before), NULL, &o, on_replay_before, k, &e),
            &e)) {
        tx_core_on_replay(&m->core, k->id, (struct bytes){ NULL, 0 }, &e);
        call_free(k);
    }
}

/* --- journal and owner --- */

static void on_put(void *arg, uint64_t ticket, const struct err *err)
{
    struct tx_manager *m = arg;
    if (err)
        log_error(LOG_SENDER, "journal write failed", LOG_STR("sender", m->name),
                  LOG_STR("error", err->msg));
    tx_core_on_put(&m->core, ticket, err);
    drain(m);
}

static void do_put(struct tx_manager *m, const struct tx_cmd *cmd, const struct tx_item *it)
{
    struct tx_variant_row *variants = calloc(it->variant_cnt + 1, sizeof(*variants));
    const struct tx_journal *j = m->deps.journal;
    struct tx_row row;
    struct err e;
    CHECK(variants != NULL);
    tx_core_row(it, variants, &row);
    row.updated_ms = clock_wall_ms(m->deps.clock);
    if (!j->ops->put(j->ctx, &m->core.self, m->core.cfg.chain_id, &row, cmd->ticket, on_put, m, &e))
        on_put(m, cmd->ticket, &e);
    free(variants);
}

static void do_notify(struct tx_manager *m, const struct tx_cmd *cmd)
{
    const struct err *err = cmd->has_err ? &cmd->err : NULL;
    enum log_level level = err ? LOG_WARN : cmd->state == TX_CONFIRMED ? LOG_INFO : LOG_DEBUG;
    LOG_AT(level, LOG_SENDER, "request", LOG_STR("sender", m->name), LOG_U64("id", cmd->id),
           LOG_STR("state", tx_state_name(cmd->state)), LOG_STR("error", err ? err->msg : ""));
    m->on_change(m->arg, cmd->id, cmd->state, err);
}

static void carry_out(struct tx_manager *m, const struct tx_cmd *cmd)
{
    const struct tx_item *it = tx_core_find(&m->core, cmd->id);
    if (!it && cmd->kind != TX_CMD_VIEW && cmd->kind != TX_CMD_NOTIFY)
        return;
    switch (cmd->kind) {
    case TX_CMD_VIEW:
        do_view(m, cmd);
        break;
    case TX_CMD_PUT:
        do_put(m, cmd, it);
        break;
    case TX_CMD_PREPARE:
        do_prepare(m, cmd, it);
        break;
    case TX_CMD_SEND:
        do_send(m, cmd, it);
        break;
    case TX_CMD_RECEIPT:
        do_receipt(m, cmd, it);
        break;
    case TX_CMD_LOOKUP:
        do_lookup(m, cmd, it);
        break;
    case TX_CMD_NONCE_TX:
        do_nonce_tx(m, cmd, it);
        break;
    case TX_CMD_REPLAY:
        do_replay(m, cmd, it);
        break;
    case TX_CMD_NOTIFY:
        do_notify(m, cmd);
        break;
    }
}

static void arm_timer(struct tx_manager *m)
{
    uint64_t now = clock_mono_ms(m->deps.clock), at = tx_core_next_wake_ms(&m->core);
    if (!m->started || at == UINT64_MAX)
        return;
    uint64_t ms = at > now ? at - now : 0;
    struct timeval tv = { (time_t)(ms / 1000), (suseconds_t)(ms % 1000) * 1000 };
    event_add(m->timer, &tv);
}

/* Commands may bring answers at once (a journal that writes on the spot), which make new commands. */
static void drain(struct tx_manager *m)
{
    struct tx_cmd cmd;
    if (m->draining)
        return;
    m->draining = true;
    while (m->started && tx_core_next(&m->core, &cmd))
        carry_out(m, &cmd);
    m->draining = false;
    arm_timer(m);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct tx_manager *m = arg;
    if (!m->started)
        return;
    tx_core_tick(&m->core, clock_mono_ms(m->deps.clock), clock_wall_ms(m->deps.clock));
    drain(m);
}

/* --- lifecycle --- */

static bool sign(void *ctx, const struct tx_item *item, const struct tx_variant_row *v,
                 const struct addr *to, const struct u256 *value, struct bytes data,
                 struct buf *raw, struct b256 *hash, struct err *err)
{
    const struct tx_manager *m = ctx;
    struct signer_tx tx = { .kind = SIGNER_TX_EIP1559,
                            .chain_id = m->core.cfg.chain_id,
                            .nonce = v->nonce,
                            .gas_limit = v->gas_limit,
                            .max_fee = v->max_fee,
                            .max_tip = v->max_tip,
                            .has_to = true,
                            .to = *to,
                            .value = *value,
                            .data = data };
    (void)item;
    return signer_sign_tx(m->deps.signer, &tx, raw, hash, err);
}

struct tx_manager *tx_manager_create(const struct tx_manager_deps *deps,
                                     const struct tx_manager_config *cfg, tx_change_fn *on_change,
                                     void *arg, struct err *err)
{
    struct tx_manager *m = calloc(1, sizeof(*m));
    if (!m) {
        err_set(err, ERR_LOCAL, "out of memory");
        return NULL;
    }
    struct addr self = signer_addr(deps->signer);
    m->deps = *deps;
    m->on_change = on_change;
    m->arg = arg;
    TAILQ_INIT(&m->calls);
    m->name = strdup(cfg->name ? cfg->name : "sender");
    m->timer = evtimer_new(deps->base, on_timer, m);
    m->kick = event_new(deps->base, -1, 0, on_timer, m);
    bool ok = tx_core_init(&m->core, cfg, &self, sign, m, err);
    if (ok && (!m->name || !m->timer || !m->kick))
        ok = err_set(err, ERR_LOCAL, "out of memory");
    if (!ok) {
        tx_manager_destroy(m);
        return NULL;
    }
    return m;
}

static bool adopt(void *arg, const struct tx_row *row)
{
    struct tx_manager *m = arg;
    log_info(LOG_SENDER, "adopted from the journal", LOG_STR("sender", m->name),
             LOG_U64("id", row->id), LOG_STR("key", row->key),
             LOG_STR("state", tx_state_name(row->state)), LOG_U64("versions", row->variant_cnt));
    return tx_core_adopt(&m->core, row);
}

bool tx_manager_start(struct tx_manager *m, struct err *err)
{
    uint64_t next_id = 1, floor = 0;
    const struct tx_journal *j = m->deps.journal;
    if (m->started)
        return true;
    if (!m->loaded && !j->ops->load(j->ctx, &m->core.self, m->core.cfg.chain_id, adopt, m, &next_id,
                                    &floor, err)) {
        tx_core_clear(&m->core);
        return err_wrap(err, "sender %s: journal", m->name);
    }
    m->loaded = true;
    m->started = true;
    tx_core_start(&m->core, next_id, floor, clock_mono_ms(m->deps.clock),
                  clock_wall_ms(m->deps.clock));
    event_active(m->kick, EV_READ, 0);
    log_info(LOG_SENDER, "started", LOG_STR("sender", m->name), LOG_ADDR("address", &m->core.self),
             LOG_U64("chain", m->core.cfg.chain_id), LOG_U64("adopted", m->core.item_cnt));
    return true;
}

void tx_manager_stop(struct tx_manager *m)
{
    if (!m->started)
        return;
    m->started = false;
    while (!TAILQ_EMPTY(&m->calls))
        call_cancel(TAILQ_FIRST(&m->calls));
    m->deps.journal->ops->forget(m->deps.journal->ctx, m);
    tx_core_stop(&m->core);
    event_del(m->timer);
    event_del(m->kick);
}

void tx_manager_destroy(struct tx_manager *m)
{
    if (!m)
        return;
    tx_manager_stop(m);
    tx_core_clear(&m->core);
    if (m->timer)
        event_free(m->timer);
    if (m->kick)
        event_free(m->kick);
    free(m->name);
    free(m);
}

/* --- requests --- */

/* The loop carries on: no callback runs inside the owner's call. */
static void carry_on_later(struct tx_manager *m)
{
    if (m->started)
        event_active(m->kick, EV_READ, 0);
}

struct found {
    bool any, same_payload;
    const struct tx_request *want;
    struct tx_info info;
};

static bool on_found(void *arg, const struct tx_row *row)
{
    struct found *f = arg;
    f->any = true;
    if (f->want)
        f->same_payload = addr_eq(&row->to, &f->want->to) &&
                          u256_eq(&row->value, &f->want->value) &&
                          bytes_eq(row->data, f->want->data);
    tx_row_info(row, &f->info);
    return true;
}

static bool look_up(struct tx_manager *m, const char *key, uint64_t id, struct found *f,
                    struct err *err)
{
    const struct tx_journal *j = m->deps.journal;
    struct tx_item *it = key ? tx_core_find_key(&m->core, key) : tx_core_find(&m->core, id);
    if (!it)
        return j->ops->find(j->ctx, &m->core.self, m->core.cfg.chain_id, key, id, on_found, f, err);
    f->any = true;
    if (f->want)
        f->same_payload = addr_eq(&it->to, &f->want->to) && u256_eq(&it->value, &f->want->value) &&
                          bytes_eq(bytes_of(it->data, it->data_len), f->want->data);
    tx_core_info(it, &f->info);
    return true;
}

bool tx_manager_submit(struct tx_manager *m, const struct tx_request *r, uint64_t *id, bool *is_new,
                       struct err *err)
{
    struct found f = { .want = r };
    CHECK(m->loaded);
    if (!r->key || !*r->key || strlen(r->key) >= TX_KEY_CAP ||
        (r->label && strlen(r->label) >= TX_LABEL_CAP))
        return err_set(err, ERR_INVALID, "key or label missing or too long");
    if (!look_up(m, r->key, 0, &f, err))
        return err_wrap(err, "%s", r->key);
    bool failed = f.info.state == TX_REVERTED || f.info.state == TX_ABANDONED;
    if (f.any && !failed) {
        if (!f.same_payload)
            return err_set(err, ERR_INVALID, "%s was submitted with another payload", r->key);
        *id = f.info.id;
        *is_new = false;
        return true;
    }
    if (m->core.item_cnt >= m->core.cfg.max_requests)
        return err_set(err, ERR_TRANSIENT, "%zu requests are waiting already", m->core.item_cnt);
    struct tx_item *it = tx_core_submit(&m->core, r);
    if (!it)
        return err_set(err, ERR_LOCAL, "out of memory");
    *id = it->id;
    *is_new = true;
    carry_on_later(m);
    return true;
}

bool tx_manager_cancel(struct tx_manager *m, uint64_t id, struct err *err)
{
    bool ok = tx_core_cancel(&m->core, id, err);
    carry_on_later(m);
    return ok;
}

bool tx_manager_get(struct tx_manager *m, uint64_t id, struct tx_info *out)
{
    struct found f = { .want = NULL };
    struct err e;
    if (!look_up(m, NULL, id, &f, &e) || !f.any)
        return false;
    *out = f.info;
    return true;
}

bool tx_manager_find(struct tx_manager *m, const char *key, struct tx_info *out)
{
    struct found f = { .want = NULL };
    struct err e;
    if (!look_up(m, key, 0, &f, &e) || !f.any)
        return false;
    *out = f.info;
    return true;
}

size_t tx_manager_list(const struct tx_manager *m, struct tx_info *out, size_t cap)
{
    size_t n = 0;
    const struct tx_item *it;
    TAILQ_FOREACH(it, &m->core.items, link)
    {
        if (n < cap)
            tx_core_info(it, &out[n]);
        n++;
    }
    return n;
}

void tx_manager_pause(struct tx_manager *m)
{
    tx_core_pause(&m->core, true);
    carry_on_later(m);
}

void tx_manager_resume(struct tx_manager *m)
{
    tx_core_pause(&m->core, false);
    carry_on_later(m);
}

bool tx_manager_set_caps(struct tx_manager *m, const struct tx_fee_caps *caps, struct err *err)
{
    bool ok = tx_core_set_caps(&m->core, caps, err);
    carry_on_later(m);
    return ok;
}

struct tx_fee_caps tx_manager_caps(const struct tx_manager *m)
{
    return m->core.fees.caps;
}

void tx_manager_get_status(const struct tx_manager *m, struct tx_manager_status *out)
{
    tx_core_status(&m->core, out);
}
