/* Every command of the machine that asks the settlement layer's node something, but the view. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/base/log.h"
#include "node/sender/tx_manager_internal.h"

/* --- calls --- */

struct tx_call *tx_call_new(struct tx_manager *m, const struct tx_cmd *cmd)
{
    struct tx_call *k = calloc(1, sizeof(*k));
    CHECK(k != NULL);
    k->m = m;
    k->kind = cmd->kind;
    k->id = cmd->id;
    k->variant = cmd->variant;
    buf_init(&k->revert, (size_t)64 << 10);
    TAILQ_INSERT_TAIL(&m->calls, k, link);
    return k;
}

void tx_call_free(struct tx_call *k)
{
    TAILQ_REMOVE(&k->m->calls, k, link);
    buf_clear(&k->revert);
    free(k);
}

void tx_call_cancel(struct tx_call *k)
{
    for (size_t i = 0; i < GH_COUNT(k->reqs); i++)
        eth_cancel(k->reqs[i]);
    tx_call_free(k);
}

/* The request of slot i has come back. true: it was the last one. */
bool tx_call_part_done(struct tx_call *k, size_t i, const struct err *err)
{
    k->reqs[i] = NULL;
    if (err && !k->has_err) {
        k->has_err = true;
        k->err = *err;
    }
    return --k->left == 0;
}

bool tx_call_part_asked(struct tx_call *k, size_t i, struct eth_request *r, const struct err *err)
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
bool tx_call_none_asked(const struct tx_call *k)
{
    return k->left == 0;
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

static void keep_revert(struct tx_call *k, const struct eth_reply *r)
{
    k->is_revert = true;
    k->err = *r->err;
    buf_reset(&k->revert);
    buf_append(&k->revert, r->revert_data.p, r->revert_data.len);
}

static void prepare_finish(struct tx_call *k)
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
    tx_call_free(k);
    tx_manager_drain(m);
}

static void on_simulated(void *arg, const struct eth_reply *r, struct bytes v)
{
    struct tx_call *k = arg;
    (void)v;
    bool revert = is_revert(r);
    if (revert)
        keep_revert(k, r);
    if (tx_call_part_done(k, 0, revert ? NULL : r->err))
        prepare_finish(k);
}

static void on_estimated(void *arg, const struct eth_reply *r, uint64_t v)
{
    struct tx_call *k = arg;
    k->gas = v; /* 0 when the node cannot or will not: the call's own answer counts */
    bool refused = r->err && r->err->kind == ERR_REJECTED;
    if (tx_call_part_done(k, 1, refused ? NULL : r->err))
        prepare_finish(k);
}

static struct eth_call_msg message_of(const struct tx_manager *m, const struct tx_item *it)
{
    return (struct eth_call_msg){ .has_from = true,
                                  .from = m->core.self,
                                  .has_to = true,
                                  .to = it->to,
                                  .value = it->value,
                                  .data = bytes_of(it->data, it->data_len),
                                  .blob_hashes = it->sidecar ? sidecar_hashes(it->sidecar) : NULL,
                                  .blob_hash_cnt =
                                      it->sidecar ? sidecar_blob_cnt(it->sidecar) : 0 };
}

static void do_prepare(struct tx_manager *m, const struct tx_cmd *cmd, const struct tx_item *it)
{
    struct tx_call *k = tx_call_new(m, cmd);
    struct eth_call_msg msg = message_of(m, it);
    struct eth_opts o = { .deadline_ms = TX_CALL_DEADLINE_MS, .min_block = m->core.view.head };
    bool behind_others = false;
    const struct tx_item *other;
    TAILQ_FOREACH(other, &m->core.items, link)
    behind_others |= tx_item_in_flight(other);
    struct eth_block_id at = behind_others ? ETH_AT_PENDING : ETH_AT_LATEST;
    struct err e;
    tx_call_part_asked(k, 0, eth_call(m->deps.eth, &msg, at, NULL, &o, on_simulated, k, &e), &e);
    tx_call_part_asked(k, 1, eth_estimate_gas(m->deps.eth, &msg, at, &o, on_estimated, k, &e), &e);
    if (tx_call_none_asked(k)) {
        tx_core_on_prepared(&m->core, k->id, 0, (struct bytes){ NULL, 0 }, &k->err);
        tx_call_free(k);
    }
}

/* --- one-call commands --- */

static void on_sent(void *arg, const struct eth_reply *r, const struct b256 *hash)
{
    struct tx_call *k = arg;
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
    if (r->err && tx_classify_send(r->err) == TX_SEND_SIDECAR && k->form == m->form) {
        m->form = m->form == SIDECAR_EIP4844 ? SIDECAR_EIP7594 : SIDECAR_EIP4844;
        log_warn(LOG_SENDER, "the node wants the other form of blob sidecars",
                 LOG_STR("sender", m->name), LOG_STR("form", sidecar_form_name(m->form)));
    }
    tx_core_on_sent(&m->core, k->id, k->variant, r->err);
    tx_call_free(k);
    tx_manager_drain(m);
}

/* What goes out: the signed bytes, of a blob transaction with its sidecar around them. */
static struct eth_request *send_bytes(struct tx_call *k, const struct tx_item *it,
                                      const struct tx_variant *v, const struct eth_opts *o,
                                      struct err *err)
{
    struct tx_manager *m = k->m;
    struct buf wrapped;
    struct eth_request *r = NULL;
    if (!it->sidecar)
        return eth_send_raw(m->deps.eth, v->row.raw, o, on_sent, k, err);
    k->form = m->form;
    m->form_is_used = true;
    buf_init(&wrapped, sidecar_wrapped_max(it->sidecar, v->row.raw));
    if (sidecar_wrap(&wrapped, it->sidecar, k->form, v->row.raw))
        r = eth_send_raw(m->deps.eth, bytes_of(wrapped.p, wrapped.len), o, on_sent, k, err);
    else
        err_set(err, ERR_LOCAL, "out of memory");
    buf_clear(&wrapped);
    return r;
}

static void do_send(struct tx_manager *m, const struct tx_cmd *cmd, const struct tx_item *it)
{
    const struct tx_variant *v = &it->variants[cmd->variant];
    struct eth_opts o = { .deadline_ms = TX_CALL_DEADLINE_MS,
                          .max_attempts = 1,
                          .to_all = cmd->to_all };
    struct tx_call *k = tx_call_new(m, cmd);
    struct err e;
    log_info(LOG_SENDER, cmd->variant > it->variant_base ? "send replacement" : "send",
             LOG_STR("sender", m->name), LOG_STR("key", it->key), LOG_U64("nonce", it->nonce),
             LOG_HASH("tx", &v->row.hash), LOG_WEI("max_fee", &v->row.max_fee),
             LOG_WEI("max_tip", &v->row.max_tip), LOG_U64("gas", v->row.gas_limit),
             LOG_U64("blobs", it->sidecar ? sidecar_blob_cnt(it->sidecar) : 0),
             LOG_WEI("max_blob_fee", &v->row.max_blob_fee));
    if (!tx_call_part_asked(k, 0, send_bytes(k, it, v, &o, &e), &e)) {
        tx_core_on_sent(&m->core, k->id, k->variant, &e);
        tx_call_free(k);
    }
}

static void on_receipt(void *arg, const struct eth_reply *r, const struct eth_receipt *rc)
{
    struct tx_call *k = arg;
    struct tx_manager *m = k->m;
    struct tx_receipt mine;
    k->reqs[0] = NULL;
    if (rc)
        mine = (struct tx_receipt){ .status = rc->status,
                                    .block_number = rc->block_number,
                                    .gas_used = rc->gas_used,
                                    .blob_gas_used = rc->blob_gas_used,
                                    .block_hash = rc->block_hash,
                                    .price = rc->effective_gas_price,
                                    .blob_price = rc->blob_gas_price };
    tx_core_on_receipt(&m->core, k->id, k->variant, rc ? &mine : NULL, r->err);
    tx_call_free(k);
    tx_manager_drain(m);
}

static void do_receipt(struct tx_manager *m, const struct tx_cmd *cmd, const struct tx_item *it)
{
    /* a node that has not reached the block we saw it in cannot say that it is gone */
    struct eth_opts o = { .deadline_ms = TX_CALL_DEADLINE_MS,
                          .min_block = it->state == TX_MINED ? it->block_number : 0 };
    struct tx_call *k = tx_call_new(m, cmd);
    struct err e;
    if (!tx_call_part_asked(k, 0,
                            eth_get_receipt(m->deps.eth, &it->variants[cmd->variant].row.hash, &o,
                                            on_receipt, k, &e),
                            &e)) {
        tx_core_on_receipt(&m->core, k->id, k->variant, NULL, &e);
        tx_call_free(k);
    }
}

static void on_lookup(void *arg, const struct eth_reply *r, const struct eth_tx *tx)
{
    struct tx_call *k = arg;
    struct tx_manager *m = k->m;
    k->reqs[0] = NULL;
    tx_core_on_lookup(&m->core, k->id, tx != NULL, r->err);
    tx_call_free(k);
    tx_manager_drain(m);
}

static void do_lookup(struct tx_manager *m, const struct tx_cmd *cmd, const struct tx_item *it)
{
    struct eth_opts o = { .deadline_ms = TX_CALL_DEADLINE_MS };
    struct tx_call *k = tx_call_new(m, cmd);
    struct err e;
    const struct b256 *hash = &it->variants[cmd->variant].row.hash;
    if (!tx_call_part_asked(k, 0, eth_get_tx(m->deps.eth, hash, &o, on_lookup, k, &e), &e)) {
        tx_core_on_lookup(&m->core, k->id, false, &e);
        tx_call_free(k);
    }
}

static void on_nonce_tx(void *arg, const struct eth_reply *r, const struct eth_tx *tx)
{
    struct tx_call *k = arg;
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
                                   .fee = { tx->max_fee, tx->max_tip, tx->max_blob_fee } };
    tx_core_on_nonce_tx(&m->core, k->id, tx ? &rival : NULL);
    tx_call_free(k);
    tx_manager_drain(m);
}

static void do_nonce_tx(struct tx_manager *m, const struct tx_cmd *cmd, const struct tx_item *it)
{
    struct eth_opts o = { .deadline_ms = TX_CALL_DEADLINE_MS };
    struct tx_call *k = tx_call_new(m, cmd);
    struct err e;
    log_error(LOG_SENDER, "another sender uses this key", LOG_STR("sender", m->name),
              LOG_ADDR("address", &m->core.self), LOG_U64("nonce", it->nonce),
              LOG_STR("key", it->key));
    if (!tx_call_part_asked(
            k, 0,
            eth_get_tx_by_nonce(m->deps.eth, &m->core.self, it->nonce, &o, on_nonce_tx, k, &e),
            &e)) {
        tx_core_on_nonce_tx(&m->core, k->id, NULL);
        tx_call_free(k);
    }
}

/* --- why it reverted: the same call on the state before its block, then after it --- */

static void replay_finish(struct tx_call *k, const struct err *err)
{
    struct tx_manager *m = k->m;
    tx_core_on_replay(&m->core, k->id, bytes_of(k->revert.p, k->revert.len), err);
    tx_call_free(k);
    tx_manager_drain(m);
}

static void on_replay_after(void *arg, const struct eth_reply *r, struct bytes v)
{
    struct tx_call *k = arg;
    (void)v;
    k->reqs[0] = NULL;
    if (is_revert(r))
        keep_revert(k, r);
    replay_finish(k, r->err);
}

static void on_replay_before(void *arg, const struct eth_reply *r, struct bytes v)
{
    struct tx_call *k = arg;
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
    struct eth_opts o = { .deadline_ms = TX_CALL_DEADLINE_MS };
    if (!tx_call_part_asked(
            k, 0,
            eth_call(m->deps.eth, &msg, ETH_AT_NUMBER(k->block), NULL, &o, on_replay_after, k, &e),
            &e))
        replay_finish(k, &e);
}

static void do_replay(struct tx_manager *m, const struct tx_cmd *cmd, const struct tx_item *it)
{
    struct eth_call_msg msg = message_of(m, it);
    struct eth_opts o = { .deadline_ms = TX_CALL_DEADLINE_MS };
    struct tx_call *k = tx_call_new(m, cmd);
    struct err e;
    k->block = it->block_number;
    uint64_t before = k->block > 0 ? k->block - 1 : 0;
    if (!tx_call_part_asked(
            k, 0,
            eth_call(m->deps.eth, &msg, ETH_AT_NUMBER(before), NULL, &o, on_replay_before, k, &e),
            &e)) {
        tx_core_on_replay(&m->core, k->id, (struct bytes){ NULL, 0 }, &e);
        tx_call_free(k);
    }
}

void tx_manager_ask(struct tx_manager *m, const struct tx_cmd *cmd, const struct tx_item *it)
{
    switch (cmd->kind) {
    case TX_CMD_VIEW:
        tx_manager_ask_view(m, cmd);
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
    case TX_CMD_PUT:
    case TX_CMD_NOTIFY:
        CHECK(false); /* no calls */
    }
}
