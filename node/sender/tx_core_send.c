/* Getting requests out: the queue, nonces, fees, signing, refusals, replacement. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contracts-abi/revert.h"
#include "node/sender/sidecar.h"
#include "node/sender/tx_core.h"

#define BLOB_PATIENCE 4 /* times the usual wait before a replacement */
#define RAW_MAX       ((size_t)1 << 20)

/* --- money and nonces --- */

struct u256 tx_item_cost(const struct tx_item *it, uint64_t gas, const struct tx_fee *fee)
{
    uint64_t blob_gas = it->sidecar ? SIDECAR_BLOB_GAS * sidecar_blob_cnt(it->sidecar) : 0;
    return tx_fee_worst_cost(gas, blob_gas, fee, &it->value);
}

static struct tx_fee newest_fee(const struct tx_item *it)
{
    const struct tx_variant_row *v = &it->variants[it->variant_cnt - 1].row;
    return (struct tx_fee){ v->max_fee, v->max_tip, v->max_blob_fee };
}

static struct u256 newest_cost(const struct tx_item *it)
{
    struct tx_fee fee = newest_fee(it);
    return tx_item_cost(it, it->variants[it->variant_cnt - 1].row.gas_limit, &fee);
}

bool tx_core_has_blobs(const struct tx_core *c)
{
    const struct tx_item *it;
    TAILQ_FOREACH(it, &c->items, link)
    if (it->sidecar && !tx_state_is_final(it->state))
        return true;
    return false;
}

/* What everything in flight may still cost, saturating. */
struct u256 tx_core_reserved(const struct tx_core *c, const struct tx_item *except)
{
    struct u256 sum = U256_ZERO;
    const struct tx_item *it;
    TAILQ_FOREACH(it, &c->items, link)
    {
        if (it == except || !tx_item_in_flight(it))
            continue;
        struct u256 cost = newest_cost(it);
        if (!u256_add_checked(&sum, &sum, &cost))
            return U256_MAX;
    }
    return sum;
}

static bool can_pay(const struct tx_core *c, const struct tx_item *except, const struct u256 *cost)
{
    struct u256 need = tx_core_reserved(c, except);
    return u256_add_checked(&need, &need, cost) && !u256_lt(&c->view.balance, &need);
}

/* A finished request holds its nonce until the end is durable: after a crash it would be back. */
bool tx_core_nonce_is_held(const struct tx_core *c, uint64_t nonce)
{
    const struct tx_item *it;
    TAILQ_FOREACH(it, &c->items, link)
    if (it->nonce == nonce)
        return true;
    return false;
}

uint64_t tx_core_next_free(const struct tx_core *c)
{
    uint64_t n = c->view.latest_nonce > c->nonce_floor ? c->view.latest_nonce : c->nonce_floor;
    while (tx_core_nonce_is_held(c, n))
        n++;
    return n;
}

/* --- sending --- */

void tx_core_try_send(struct tx_core *c, struct tx_item *it)
{
    if (!it->send_wanted || it->send_busy || !c->started ||
        it->durable_variants < it->variant_cnt || !tx_item_in_flight(it))
        return;
    size_t k = it->variant_cnt;
    while (k > it->variant_base && !it->variants[k - 1].raw)
        k--;
    it->send_wanted = false;
    if (k == it->variant_base)
        return; /* only an adopted transaction: we do not have its bytes */
    it->send_busy = true;
    it->last_send_ms = c->now_ms;
    it->last_sent_variant = k - 1;
    it->absent_cnt = 0;
    if (it->sent_wall_ms == 0)
        it->sent_wall_ms = c->wall_ms;
    if (it->ever_sent && k - 1 == it->variant_base)
        c->stats.resends++;
    it->ever_sent = true;
    struct tx_cmd *cmd = tx_core_command(c, TX_CMD_SEND, it);
    cmd->variant = k - 1;
    cmd->to_all = it->send_to_all;
    it->send_to_all = false;
    if (it->state == TX_SIGNED)
        tx_core_set_state(c, it, TX_BROADCAST, NULL);
}

void tx_core_want_send(struct tx_core *c, struct tx_item *it, bool to_all)
{
    it->send_wanted = true;
    it->send_to_all |= to_all;
    tx_core_try_send(c, it);
}

static bool waits_for_fees(const struct tx_item *it)
{
    return it->wait == TX_WAIT_FEE_CAPPED || it->wait == TX_WAIT_BLOB_FEE_CAPPED;
}

static bool sign_variant(struct tx_core *c, struct tx_item *it, uint64_t nonce,
                         const struct tx_fee *fee)
{
    struct tx_variant_row row = { .nonce = nonce,
                                  .gas_limit = it->gas_limit,
                                  .max_fee = fee->max_fee,
                                  .max_tip = fee->max_tip,
                                  .max_blob_fee = fee->max_blob_fee,
                                  .is_cancel = it->cancel_wanted,
                                  .signed_ms = c->wall_ms };
    bool self_transfer = row.is_cancel || it->is_fill;
    struct u256 zero = U256_ZERO;
    struct bytes data = bytes_of(it->data, self_transfer ? 0 : it->data_len);
    struct buf raw;
    struct err e;
    buf_init(&raw, RAW_MAX);
    bool ok = c->sign(c->sign_ctx, it, &row, self_transfer ? &c->self : &it->to,
                      self_transfer ? &zero : &it->value, data, &raw, &row.hash, &e);
    if (ok && !tx_core_add_variant(c, it, &row, bytes_of(raw.p, raw.len)))
        ok = err_set(&e, ERR_LOCAL, "out of memory");
    buf_clear(&raw);
    if (!ok) {
        it->err = e;
        it->retry_at_ms = c->now_ms + TX_RETRY_MS;
        return false;
    }
    it->nonce = nonce;
    it->last_sign_ms = c->now_ms;
    it->last_sign_head = c->view.head;
    it->bump_wanted = false;
    it->bump_percent = 0;
    it->verdict = TX_SEND_UNCLEAR;
    it->send_wanted = true;
    if (waits_for_fees(it))
        it->err.kind = ERR_NONE;
    tx_core_wait(c, it, TX_WAIT_STORE);
    if (it->state == TX_INTENT)
        tx_core_set_state(c, it, TX_SIGNED, NULL);
    else
        tx_core_dirty(c, it);
    return true;
}

/* --- the queue --- */

static struct tx_item *next_queued(const struct tx_core *c)
{
    struct tx_item *it, *first = NULL;
    TAILQ_FOREACH(it, &c->items, link)
    {
        if (it->nonce != TX_NO_NONCE || tx_state_is_final(it->state))
            continue;
        if (it->is_fill)
            return it;
        if (!first)
            first = it;
    }
    return first;
}

/* A node's no about a transaction in flight, which later nonces would queue behind. */
static bool is_refusal(enum tx_verdict v)
{
    return v != TX_SEND_ACCEPTED && v != TX_SEND_KNOWN && v != TX_SEND_UNCLEAR;
}

static bool something_is_refused(const struct tx_core *c)
{
    const struct tx_item *it;
    TAILQ_FOREACH(it, &c->items, link)
    if (tx_item_in_flight(it) && is_refusal(it->verdict) && !it->ever_accepted)
        return true;
    return false;
}

static size_t in_flight_cnt(const struct tx_core *c)
{
    size_t n = 0;
    const struct tx_item *it;
    TAILQ_FOREACH(it, &c->items, link)
    n += tx_item_in_flight(it);
    return n;
}

static bool is_prepared(const struct tx_core *c, const struct tx_item *it)
{
    return it->prepared && c->view.head <= it->prepared_head + 2;
}

/* Said with the figures and the key, so that the operator can decide. */
static void wait_for_fees(struct tx_core *c, struct tx_item *it, enum tx_fee_result why)
{
    const struct tx_fee_market *m = &c->view.market;
    const struct tx_fee_caps *caps = &c->fees.caps;
    bool blobs = why == TX_FEE_BLOB_CAPPED, tip = why == TX_FEE_TIP_CAPPED;
    const struct u256 *asked = blobs ? &m->blob_base_fee : tip ? &m->tip : &m->base_fee;
    const struct u256 *cap = blobs ? &caps->max_blob_fee : tip ? &caps->max_tip : &caps->max_fee;
    char asked_text[79], cap_text[79];
    u256_format_dec(asked_text, asked);
    u256_format_dec(cap_text, cap);
    if (why == TX_FEE_RELATIVE_CAPPED)
        err_set(
            &it->err, ERR_TRANSIENT,
            "waiting for base fee: %s wei asked, and a replacement would be above %u percent of it",
            asked_text, (unsigned)caps->base_fee_max_percent);
    else
        err_set(&it->err, ERR_TRANSIENT, "waiting for %s: %s wei asked, %s %s wei (%s)",
                blobs ? "blob fee"
                : tip ? "tip"
                      : "base fee",
                asked_text,
                u256_lt(cap, asked) && !tip ? "above cap"
                                            : "and a replacement would be above a cap, of",
                cap_text,
                blobs ? "l1_sender.max_fee_per_blob_gas"
                : tip ? "l1_sender.max_priority_fee_per_gas"
                      : "l1_sender.max_fee_per_gas");
    tx_core_wait(c, it, blobs ? TX_WAIT_BLOB_FEE_CAPPED : TX_WAIT_FEE_CAPPED);
}

/* Price, balance, nonce, signature. false: it waits. */
static bool dispatch_item(struct tx_core *c, struct tx_item *it)
{
    struct tx_fee fee = { .max_blob_fee = U256_ZERO };
    enum tx_fee_result r = tx_fee_fresh(&c->fees, &c->view.market, it->sidecar != NULL, &fee);
    if (r == TX_FEE_OK && it->sidecar)
        r = tx_fee_blob(&c->fees, &c->view.market, NULL, 0, &fee);
    if (r != TX_FEE_OK) {
        wait_for_fees(c, it, r);
        return false;
    }
    struct u256 cost = tx_item_cost(it, it->gas_limit, &fee);
    if (!can_pay(c, NULL, &cost)) {
        tx_core_wait(c, it, TX_WAIT_LOW_FUNDS);
        return false;
    }
    it->prepared = false;
    it->ever_sent = it->ever_accepted = it->has_rival = false;
    return sign_variant(c, it, tx_core_next_free(c), &fee);
}

static enum tx_wait pump_one(struct tx_core *c, struct tx_item *it)
{
    if (!it->durable || it->put_busy)
        return TX_WAIT_STORE;
    if (c->paused)
        return TX_WAIT_PAUSED;
    if (!c->view_ok)
        return TX_WAIT_NODE;
    if (it->sidecar && !c->view.knows_blobs) {
        tx_core_view_soon(c);
        return TX_WAIT_NODE;
    }
    if (in_flight_cnt(c) >= c->cfg.max_in_flight || something_is_refused(c))
        return TX_WAIT_SLOT;
    if (c->now_ms < it->retry_at_ms || it->prepare_busy)
        return it->wait;
    if (!is_prepared(c, it)) {
        it->prepare_busy = true;
        tx_core_command(c, TX_CMD_PREPARE, it);
        return it->wait == TX_WAIT_REVERT || it->wait == TX_WAIT_PREDECESSOR ? it->wait
                                                                             : TX_WAIT_NODE;
    }
    return TX_WAIT_NONE;
}

/* Requests leave in order, so only the first one without a nonce moves; those behind it wait for a slot. */
void tx_core_pump(struct tx_core *c)
{
    struct tx_item *it;
    if (!c->started)
        return;
    while ((it = next_queued(c)) != NULL) {
        enum tx_wait w = pump_one(c, it);
        if (w != TX_WAIT_NONE) {
            tx_core_wait(c, it, w);
            break;
        }
        if (!dispatch_item(c, it))
            break;
    }
    struct tx_item *first = next_queued(c);
    TAILQ_FOREACH(it, &c->items, link)
    if (it != first && it->nonce == TX_NO_NONCE && it->durable && !tx_state_is_final(it->state))
        it->wait = TX_WAIT_SLOT;
}

static uint64_t with_margin(const struct tx_core *c, uint64_t gas)
{
    uint64_t margin =
        gas / 100 * c->cfg.gas_margin_percent + gas % 100 * c->cfg.gas_margin_percent / 100;
    return gas + margin < gas ? UINT64_MAX : gas + margin;
}

static void simulation_reverted(struct tx_core *c, struct tx_item *it, struct bytes data,
                                const struct err *err)
{
    char text[ABI_REVERT_TEXT_CAP];
    const char *remedy;
    struct err e;
    enum tx_revert_class k = tx_classify_revert(data, &remedy);
    int64_t code = data.len >= 4 ? (int64_t)load_be32(data.p) : err->code;
    if (data.len > 0)
        abi_format_revert(text, sizeof(text), data);
    else
        snprintf(text, sizeof(text), "%.300s", err->msg);
    err_set_code(&e, ERR_REJECTED, code, "simulation reverts: %.300s%s%s", text,
                 *remedy ? "; " : "", remedy);
    it->err = e;
    it->prepared = false;
    it->retry_at_ms = c->now_ms + c->cfg.revert_retry_ms;
    if (k == TX_REVERT_WAIT && !c->cfg.independent) {
        tx_core_wait(c, it, TX_WAIT_REVERT);
        return;
    }
    if (in_flight_cnt(c) > 0 && !c->cfg.independent) {
        /* not every node simulates on top of its pool: the answer counts once ours are mined */
        tx_core_wait(c, it, TX_WAIT_PREDECESSOR);
        it->retry_at_ms = c->now_ms + c->cfg.poll_ms;
        return;
    }
    tx_core_set_state(c, it, TX_ABANDONED, &e);
}

void tx_core_on_prepared(struct tx_core *c, uint64_t id, uint64_t gas, struct bytes revert_data,
                         const struct err *err)
{
    struct tx_item *it = tx_core_find(c, id);
    if (!it || !it->prepare_busy)
        return;
    it->prepare_busy = false;
    if (tx_state_is_final(it->state))
        return;
    if (err && err->kind == ERR_REJECTED) {
        simulation_reverted(c, it, revert_data, err);
    } else if (err) {
        it->err = *err;
        it->retry_at_ms = c->now_ms + c->cfg.poll_ms;
        tx_core_wait(c, it, TX_WAIT_NODE);
    } else {
        it->prepared = true;
        it->prepared_head = c->view.head;
        it->retry_at_ms = 0;
        it->err.kind = ERR_NONE;
        it->gas_limit = gas            ? with_margin(c, gas)
                        : it->gas_hint ? it->gas_hint
                                       : c->cfg.gas_fallback;
        it->wait = TX_WAIT_NONE;
    }
    tx_core_pump(c);
}

/* --- what nodes say --- */

static void give_up_unsent(struct tx_core *c, struct tx_item *it, const struct err *err)
{
    struct err e = *err;
    err_wrap(&e, "no node can take it");
    e.kind = ERR_INVALID;
    tx_core_set_state(c, it, TX_ABANDONED, &e);
}

static void act_on_refusal(struct tx_core *c, struct tx_item *it, const struct err *err)
{
    switch (it->verdict) {
    case TX_SEND_NONCE_LOW:
        tx_core_view_soon(c); /* the rounds find out whose transaction it is */
        break;
    case TX_SEND_REPLACE_LOW:
        /* a stranger's fees, if the node does not tell them: double; after our own version the pool's rule is just higher
         * than ours */
        it->bump_wanted = true;
        it->bump_percent = it->ever_accepted ? 2 * c->cfg.bump_percent : 100;
        if (!it->ever_accepted)
            tx_core_command(c, TX_CMD_NONCE_TX, it);
        break;
    case TX_SEND_UNDERPRICED:
        it->bump_wanted = true;
        it->bump_percent = 100;
        break;
    case TX_SEND_BELOW_BASE:
        it->bump_wanted = true;
        break;
    case TX_SEND_LOW_FUNDS:
        tx_core_wait(c, it, TX_WAIT_LOW_FUNDS);
        break;
    case TX_SEND_NODE_FEE_CAP:
        tx_core_wait(c, it, TX_WAIT_FEE_CAPPED);
        break;
    case TX_SEND_BAD_GAS:
    case TX_SEND_BAD_TX:
        if (!it->ever_accepted)
            give_up_unsent(c, it, err);
        break;
    case TX_SEND_NONCE_HIGH:
    case TX_SEND_POOL_FULL:
    case TX_SEND_WRONG_KIND:
    case TX_SEND_SIDECAR: /* the shell has turned to the other form */
        tx_core_wait(c, it, TX_WAIT_NODE);
        break;
    case TX_SEND_ACCEPTED:
    case TX_SEND_KNOWN:
    case TX_SEND_UNCLEAR:
    case TX_SEND_CNT:
        break;
    }
}

void tx_core_on_sent(struct tx_core *c, uint64_t id, size_t variant, const struct err *err)
{
    struct tx_item *it = tx_core_find(c, id);
    if (!it || !it->send_busy || it->last_sent_variant != variant)
        return;
    it->send_busy = false;
    if (!tx_item_in_flight(it))
        return;
    it->verdict = err ? tx_classify_send(err) : TX_SEND_ACCEPTED;
    if (err && it->verdict != TX_SEND_KNOWN) {
        it->err = *err;
        c->stats.send_errors++;
        c->stats.maybe_sent += it->verdict == TX_SEND_UNCLEAR;
    }
    if (it->verdict == TX_SEND_ACCEPTED || it->verdict == TX_SEND_KNOWN) {
        it->ever_accepted = true;
        it->err.kind = ERR_NONE;
        tx_core_wait(c, it, TX_WAIT_MINING);
        if (it->state != TX_ACCEPTED)
            tx_core_set_state(c, it, TX_ACCEPTED, NULL);
        tx_core_view_soon(c);
    } else if (it->verdict == TX_SEND_UNCLEAR) {
        tx_core_wait(c, it, TX_WAIT_MINING);
    } else {
        act_on_refusal(c, it, err);
    }
    tx_core_try_send(c, it);
    tx_core_pump(c);
}

/* --- tending what is in flight --- */

/* Few doublings fit under the caps. Where the newest version offers what the network asks, blobs are given more time. */
static uint64_t patience(const struct tx_core *c, const struct tx_item *it)
{
    const struct tx_variant_row *v = &it->variants[it->variant_cnt - 1].row;
    bool outpriced = u256_lt(&v->max_fee, &c->view.market.base_fee) ||
                     u256_lt(&v->max_blob_fee, &c->view.market.blob_base_fee);
    return it->sidecar && !outpriced ? BLOB_PATIENCE : 1;
}

static bool bump_is_due(const struct tx_core *c, const struct tx_item *it)
{
    uint64_t blocks = c->view.head > it->last_sign_head ? c->view.head - it->last_sign_head : 0;
    uint64_t times = patience(c, it);
    bool clock_says = c->now_ms - it->last_sign_ms >= times * c->cfg.bump_after_ms;
    if (blocks == 0 && !clock_says && it->last_sign_ms != 0)
        return false; /* at most one per block; the clock helps where blocks do not come by themselves */
    if (it->bump_wanted)
        return true;
    if (c->cfg.no_replacement || it->nonce != c->view.latest_nonce)
        return false;
    return blocks >= times * c->cfg.bump_after_blocks || clock_says;
}

static struct u256 max256(const struct u256 *a, const struct u256 *b)
{
    return u256_lt(a, b) ? *b : *a;
}

static uint32_t least_bump(const struct tx_core *c, const struct tx_item *it)
{
    return it->sidecar && c->cfg.bump_percent < TX_BLOB_BUMP_PERCENT ? TX_BLOB_BUMP_PERCENT
                                                                     : c->cfg.bump_percent;
}

/* A pool has a version of it, perhaps. */
static bool replaces(const struct tx_item *it)
{
    return it->ever_accepted || it->verdict != TX_SEND_BELOW_BASE;
}

/* What the next version of it pays for execution. */
static enum tx_fee_result next_fee(const struct tx_core *c, const struct tx_item *it,
                                   struct tx_fee *out)
{
    struct tx_fee old = newest_fee(it);
    uint32_t percent = it->bump_percent > least_bump(c, it) ? it->bump_percent : least_bump(c, it);
    if (it->has_rival) {
        old.max_fee = max256(&old.max_fee, &it->rival.max_fee);
        old.max_tip = max256(&old.max_tip, &it->rival.max_tip);
        return tx_fee_bump(&c->fees, &c->view.market, &old, least_bump(c, it), out);
    }
    if (!it->ever_accepted && it->verdict == TX_SEND_REPLACE_LOW)
        return tx_fee_bump_within(&c->fees, &c->view.market, &old, percent, out);
    if (replaces(it))
        return tx_fee_bump(&c->fees, &c->view.market, &old, percent, out);
    /* in no pool: nothing to outbid, and bump sees to it that something is new */
    return tx_fee_fresh(&c->fees, &c->view.market, it->sidecar != NULL, out);
}

static bool pays_more(const struct tx_fee *a, const struct tx_fee *b)
{
    return u256_lt(&b->max_fee, &a->max_fee) || u256_lt(&b->max_blob_fee, &a->max_blob_fee);
}

/* And for its blobs: in no pool, the base fee alone counts. */
static enum tx_fee_result next_blob_fee(const struct tx_core *c, const struct tx_item *it,
                                        struct tx_fee *out)
{
    struct tx_fee old = newest_fee(it);
    if (!it->sidecar)
        return TX_FEE_OK;
    if (it->has_rival)
        old.max_blob_fee = max256(&old.max_blob_fee, &it->rival.max_blob_fee);
    return tx_fee_blob(&c->fees, &c->view.market, replaces(it) ? &old : NULL, least_bump(c, it),
                       out);
}

static void bump(struct tx_core *c, struct tx_item *it)
{
    const struct tx_variant_row *v = &it->variants[it->variant_cnt - 1].row;
    struct tx_fee fee = { .max_blob_fee = U256_ZERO };
    enum tx_fee_result r = TX_FEE_CAPPED;
    if (it->variant_cnt - it->variant_base < TX_VARIANTS_MAX)
        r = next_fee(c, it, &fee);
    struct tx_fee old = newest_fee(it);
    if (r == TX_FEE_OK)
        r = next_blob_fee(c, it, &fee);
    if (r == TX_FEE_OK && !replaces(it) && !pays_more(&fee, &old))
        r = TX_FEE_CAPPED;
    if (r != TX_FEE_OK) {
        wait_for_fees(c, it, r);
        return;
    }
    struct u256 cost = tx_item_cost(it, v->gas_limit, &fee);
    if (!can_pay(c, it, &cost)) {
        tx_core_wait(c, it, TX_WAIT_LOW_FUNDS);
        return;
    }
    if (sign_variant(c, it, it->nonce, &fee))
        c->stats.bumps++;
}

/* Refusals that pass by themselves. true: a bump may follow. */
static bool retry_refused(struct tx_core *c, struct tx_item *it)
{
    bool pause_over = c->now_ms - it->last_send_ms >= TX_RETRY_MS;
    switch (it->verdict) {
    case TX_SEND_LOW_FUNDS: {
        struct u256 cost = newest_cost(it);
        if (can_pay(c, it, &cost) && pause_over)
            tx_core_want_send(c, it, false);
        else
            tx_core_wait(c, it, TX_WAIT_LOW_FUNDS);
        return false;
    }
    case TX_SEND_NONCE_HIGH:
    case TX_SEND_POOL_FULL:
    case TX_SEND_WRONG_KIND:
    case TX_SEND_SIDECAR:
    case TX_SEND_NODE_FEE_CAP:
    case TX_SEND_NONCE_LOW: /* another node says the nonce is free */
        if (pause_over)
            tx_core_want_send(c, it, false);
        return false;
    case TX_SEND_REPLACE_LOW:
    case TX_SEND_UNDERPRICED:
    case TX_SEND_BELOW_BASE:
        return true;
    case TX_SEND_ACCEPTED:
    case TX_SEND_KNOWN:
    case TX_SEND_UNCLEAR:
    case TX_SEND_BAD_GAS:
    case TX_SEND_BAD_TX:
    case TX_SEND_CNT:
        break;
    }
    return true;
}

void tx_core_tend(struct tx_core *c, struct tx_item *it)
{
    if (it->send_busy || it->put_busy || !tx_item_in_flight(it))
        return;
    if (it->send_wanted) {
        tx_core_try_send(c, it);
        return;
    }
    if (!retry_refused(c, it))
        return;
    if (c->now_ms - it->last_send_ms >= c->cfg.resend_ms)
        tx_core_want_send(c, it, true);
    else if (it->rounds % TX_LOOKUP_ROUNDS == 0 && !it->lookup_busy && !is_refusal(it->verdict)) {
        it->lookup_busy = true;
        tx_core_command(c, TX_CMD_LOOKUP, it)->variant = it->last_sent_variant;
    }
    if (!is_refusal(it->verdict))
        tx_core_wait(
            c, it, waits_for_fees(it) || it->wait == TX_WAIT_LOW_FUNDS ? it->wait : TX_WAIT_MINING);
    if (!c->paused && !it->send_busy && bump_is_due(c, it))
        bump(c, it);
}

void tx_core_on_lookup(struct tx_core *c, uint64_t id, bool present, const struct err *err)
{
    struct tx_item *it = tx_core_find(c, id);
    if (!it || !it->lookup_busy)
        return;
    it->lookup_busy = false;
    if (err || !tx_item_in_flight(it))
        return;
    if (present) {
        it->absent_cnt = 0;
        if (it->state ==
            TX_BROADCAST) { /* the answer to the send was lost, the transaction was not */
            it->verdict = TX_SEND_KNOWN;
            it->ever_accepted = true;
            tx_core_set_state(c, it, TX_ACCEPTED, NULL);
        }
        return;
    }
    if (++it->absent_cnt >= 2)
        tx_core_want_send(c, it, true);
    else
        it->rounds--; /* look again in the next round */
}

/* --- stranded nonces --- */

void tx_core_mind_gap(struct tx_core *c)
{
    struct tx_item *it;
    uint64_t gap = tx_core_next_free(c);
    bool has_fill = false;
    const struct tx_item *above = NULL; /* the one that is stranded by it */
    TAILQ_FOREACH(it, &c->items, link)
    {
        if (tx_item_in_flight(it) && it->nonce > gap && (!above || it->nonce < above->nonce))
            above = it;
        has_fill |= it->is_fill && it->nonce == TX_NO_NONCE && !tx_state_is_final(it->state);
    }
    if (!above || c->view.pending_nonce > gap) {
        c->gap_rounds = 0;
        return;
    }
    /* the next request takes the nonce if it can; when it cannot, a transfer of nothing does */
    if (++c->gap_rounds < TX_GAP_ROUNDS || has_fill)
        return;
    it = tx_core_new_item(c);
    if (!it)
        return;
    it->id = c->next_id++;
    it->is_fill = true;
    it->sidecar = sidecar_ref(above->sidecar);
    it->to = c->self;
    it->data = malloc(1);
    CHECK(it->data != NULL);
    snprintf(it->key, sizeof(it->key), "fill:%llu:%llu", (unsigned long long)gap,
             (unsigned long long)it->id);
    snprintf(it->label, sizeof(it->label), "fill");
    c->stats.filled++;
    tx_core_dirty(c, it);
}
