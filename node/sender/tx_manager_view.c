/* One look at the chain: head, fees, balance, nonces; with blobs on the way also what they cost and which form of sidecar the chain
 * wants. */
#include <stdio.h>
#include <string.h>

#include "node/base/log.h"
#include "node/sender/tx_manager_internal.h"

#define FEE_BLOCKS     10
#define FEE_PERCENTILE 20
#define FORM_ASK_MS    60000

static void view_finish(struct tx_call *k)
{
    struct tx_manager *m = k->m;
    if (!k->has_err && !k->has_market)
        k->has_err = !err_set(&k->err, ERR_TRANSIENT, "the node does not tell fees");
    if (!k->has_err && k->needs_blob_fee && !k->has_blob_fee)
        k->has_err = !err_set(&k->err, ERR_TRANSIENT, "the node does not tell the blob base fee");
    if (k->has_err) {
        err_wrap(&k->err, "reading the chain");
        tx_core_on_view(&m->core, NULL, &k->err);
    } else {
        tx_core_on_view(&m->core, &k->view, NULL);
    }
    tx_call_free(k);
    tx_manager_drain(m);
}

static void on_view_block(void *arg, const struct eth_reply *r, const struct eth_block *b)
{
    struct tx_call *k = arg;
    struct err none;
    if (b) {
        k->view.head = b->number;
        k->view.head_hash = b->hash;
    } else if (!r->err) {
        err_set(&none, ERR_TRANSIENT, "the node has no head");
    }
    if (tx_call_part_done(k, 0, r->err ? r->err : b ? NULL : &none))
        view_finish(k);
}

static void on_view_gas_price(void *arg, const struct eth_reply *r, const struct u256 *v)
{
    struct tx_call *k = arg;
    if (v) {
        k->has_market = true;
        k->view.market.base_fee = *v;
        k->view.market.tip = U256_ZERO;
    }
    if (tx_call_part_done(k, 1, r->err))
        view_finish(k);
}

static void on_view_fees(void *arg, const struct eth_reply *r, const struct eth_fee_history *h)
{
    struct tx_call *k = arg;
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
        if (h->blob_base_fee_cnt > 0 && !k->has_blob_fee)
            k->view.market.blob_base_fee = h->blob_base_fees[h->blob_base_fee_cnt - 1];
        k->has_blob_fee |= h->blob_base_fee_cnt > 0;
    }
    if (tx_call_part_done(k, 1, r->err))
        view_finish(k);
}

/* A node whose fee history has no blobs may know their fee all the same; one that knows neither fails the view below. */
static void on_view_blob_fee(void *arg, const struct eth_reply *r, const struct u256 *v)
{
    struct tx_call *k = arg;
    if (v) {
        k->has_blob_fee = true;
        k->view.market.blob_base_fee = *v;
    }
    bool refused = r->err && r->err->kind == ERR_REJECTED;
    if (tx_call_part_done(k, 5, refused ? NULL : r->err))
        view_finish(k);
}

/* CLZ (0x1e) of 1, returned as a word: the instruction came with Osaka, as EIP-7594's sidecars did. */
static const uint8_t clz_probe[] = { 0x60, 0x01, 0x1e, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3 };

static bool says_no_such_opcode(const struct err *e)
{
    static const char *const words[] = { "opcode", "NotActivated", "instruction",
                                         "INVALID_OPERATION" };
    for (size_t i = 0; i < GH_COUNT(words); i++)
        if (e->kind == ERR_REJECTED && strcasestr(e->msg, words[i]))
            return true;
    return false;
}

static void on_view_fork(void *arg, const struct eth_reply *r, struct bytes v)
{
    struct tx_call *k = arg;
    struct tx_manager *m = k->m;
    bool old = r->err && says_no_such_opcode(r->err);
    bool known = old || (!r->err && v.len == 32 && v.p[31] == 255);
    enum sidecar_form told = old ? SIDECAR_EIP4844 : SIDECAR_EIP7594;
    if (known && (!m->form_is_told || told != m->form_told)) {
        /* a refusal turned to the other form since: that holds until the chain itself tells something new */
        m->form_is_told = true;
        m->form = m->form_told = told;
        log_info(LOG_SENDER, "form of blob sidecars", LOG_STR("sender", m->name),
                 LOG_STR("form", sidecar_form_name(told)));
    } else if (!known && !m->form_is_told) {
        log_warn(LOG_SENDER,
                 "the node does not tell whether Osaka is active: blob sidecars go out as",
                 LOG_STR("sender", m->name), LOG_STR("form", sidecar_form_name(m->form)),
                 LOG_STR("error", r->err ? r->err->msg : "another answer than CLZ's"));
    }
    if (tx_call_part_done(k, 6, NULL))
        view_finish(k);
}

static void ask_about_blobs(struct tx_call *k, const struct eth_opts *o)
{
    struct tx_manager *m = k->m;
    struct err e;
    uint64_t now = clock_mono_ms(m->deps.clock);
    if (!tx_core_has_blobs(&m->core))
        return;
    k->needs_blob_fee = k->view.knows_blobs = true;
    tx_call_part_asked(k, 5, eth_blob_base_fee(m->deps.eth, o, on_view_blob_fee, k, &e), &e);
    if (m->form_asked_ms != 0 && now - m->form_asked_ms < FORM_ASK_MS)
        return;
    struct eth_call_msg msg = { .data = bytes_of(clz_probe, sizeof(clz_probe)) };
    m->form_asked_ms = now ? now : 1;
    tx_call_part_asked(
        k, 6, eth_call(m->deps.eth, &msg, ETH_AT_LATEST, NULL, o, on_view_fork, k, &e), &e);
}

static void on_view_balance(void *arg, const struct eth_reply *r, const struct u256 *v)
{
    struct tx_call *k = arg;
    if (v)
        k->view.balance = *v;
    if (tx_call_part_done(k, 2, r->err))
        view_finish(k);
}

static void on_view_latest(void *arg, const struct eth_reply *r, uint64_t v)
{
    struct tx_call *k = arg;
    k->view.latest_nonce = v;
    if (tx_call_part_done(k, 3, r->err))
        view_finish(k);
}

static void on_view_pending(void *arg, const struct eth_reply *r, uint64_t v)
{
    struct tx_call *k = arg;
    k->view.pending_nonce = v;
    if (tx_call_part_done(k, 4, r->err))
        view_finish(k);
}

void tx_manager_ask_view(struct tx_manager *m, const struct tx_cmd *cmd)
{
    struct tx_call *k = tx_call_new(m, cmd);
    struct eth_client *eth = m->deps.eth;
    const struct addr *self = &m->core.self;
    struct err e;
    uint64_t seen = m->core.view.head;
    /* a node a little behind is caught by the nonce floor; one far behind is passed over */
    struct eth_opts o = { .deadline_ms = TX_CALL_DEADLINE_MS,
                          .min_block = seen > 2 ? seen - 2 : 0 };
    tx_call_part_asked(k, 0, eth_get_block(eth, ETH_AT_LATEST, &o, on_view_block, k, &e), &e);
    tx_call_part_asked(
        k, 1, eth_fee_history(eth, FEE_BLOCKS, FEE_PERCENTILE, &o, on_view_fees, k, &e), &e);
    tx_call_part_asked(k, 2, eth_get_balance(eth, self, ETH_AT_LATEST, &o, on_view_balance, k, &e),
                       &e);
    tx_call_part_asked(k, 3, eth_get_nonce(eth, self, ETH_AT_LATEST, &o, on_view_latest, k, &e),
                       &e);
    tx_call_part_asked(k, 4, eth_get_nonce(eth, self, ETH_AT_PENDING, &o, on_view_pending, k, &e),
                       &e);
    ask_about_blobs(k, &o);
    if (tx_call_none_asked(k)) {
        tx_core_on_view(&m->core, NULL, &k->err);
        tx_call_free(k);
    }
}
