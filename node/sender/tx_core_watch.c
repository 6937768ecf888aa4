/* What the chain says about signed requests: rounds of receipts, reorganisations, foreign transactions, depth. */
#include <stdio.h>
#include <string.h>

#include "contracts-abi/revert.h"
#include "node/base/hex.h"
#include "node/sender/tx_core.h"

/* --- rounds --- */

void tx_core_begin_rounds(struct tx_core *c)
{
    struct tx_item *it;
    TAILQ_FOREACH(it, &c->items, link)
    {
        if (it->nonce == TX_NO_NONCE || tx_state_is_final(it->state) || it->round_left > 0 ||
            !it->ever_sent)
            continue;
        it->found = SIZE_MAX;
        it->round_bad = false;
        bool mined = it->state == TX_MINED;
        for (size_t i = it->variant_base; i < it->variant_cnt; i++) {
            if (mined && !b256_eq(&it->variants[i].row.hash, &it->mined_hash))
                continue;
            it->round_left++;
            tx_core_command(c, TX_CMD_RECEIPT, it)->variant = i;
        }
    }
}

static bool deep_enough(const struct tx_core *c, uint64_t block)
{
    return c->view.head + 1 >= block + c->cfg.required_confirmations;
}

/* --- mined --- */

static void finish(struct tx_core *c, struct tx_item *it)
{
    const struct tx_variant *v = &it->variants[it->mined_variant];
    struct u256 cost = it->paid;
    struct err e;
    if (it->mined_status && !v->row.is_cancel)
        cost = u256_add(&cost, &it->value);
    tx_core_note_spend(c, &cost);
    c->stats.gas_used += it->gas_used;
    if (v->row.is_cancel) {
        err_set(&e, ERR_INVALID, "cancelled: its nonce was used for a transfer of nothing");
        tx_core_set_state(c, it, TX_ABANDONED, &e);
    } else if (!it->mined_status) {
        e = it->err;
        if (e.kind == ERR_NONE)
            err_set(&e, ERR_REJECTED, "reverted on the settlement layer; reason unknown");
        tx_core_set_state(c, it, TX_REVERTED, &e);
    } else if (!v->raw) {
        err_set(&e, ERR_DIVERGED, "another program with this key did the same with nonce %llu",
                (unsigned long long)it->nonce);
        tx_core_set_state(c, it, TX_REPLACED, &e);
    } else {
        tx_core_set_state(c, it, TX_CONFIRMED, NULL);
    }
}

static void take_receipt(struct tx_item *it)
{
    const struct tx_receipt *r = &it->receipt;
    struct tx_fee paid = { .max_fee = r->price, .max_blob_fee = r->blob_price };
    struct u256 nothing = U256_ZERO;
    it->block_number = r->block_number;
    it->block_hash = r->block_hash;
    it->mined_variant = it->found;
    it->mined_hash = it->variants[it->found].row.hash;
    it->mined_status = r->status;
    it->gas_used = r->gas_used;
    it->paid = tx_fee_worst_cost(r->gas_used, r->blob_gas_used, &paid, &nothing);
}

static void mined(struct tx_core *c, struct tx_item *it)
{
    bool moved = it->state == TX_MINED && !b256_eq(&it->block_hash, &it->receipt.block_hash);
    bool is_new = it->state != TX_MINED || moved;
    c->stats.reorged += moved;
    take_receipt(it);
    if (it->nonce >= c->nonce_floor) { /* a view from a node behind must not offer it again */
        c->nonce_floor = it->nonce + 1;
        c->floor_head = c->view.head;
    }
    it->lost_rounds = 0;
    it->foreign = false;
    it->send_wanted = false;
    if (is_new) {
        struct err e;
        it->replay_done = false;
        if (!it->mined_status)
            err_set(&e, ERR_REJECTED, "reverted in block %llu",
                    (unsigned long long)it->block_number);
        tx_core_set_state(c, it, TX_MINED, it->mined_status ? NULL : &e);
    }
    tx_core_wait(c, it, TX_WAIT_CONFIRMATIONS);
    if (!it->mined_status && !it->replay_done) {
        if (!it->replay_busy) {
            it->replay_busy = true;
            tx_core_command(c, TX_CMD_REPLAY, it);
        }
        return;
    }
    /* A receipt is one endpoint's word. The account's nonce must say the same before we let go of the request: one that was not mined
     * leaves its nonce unused, and is sent again once the receipt is gone. */
    if (deep_enough(c, it->block_number) && c->view.latest_nonce > it->nonce)
        finish(c, it);
}

void tx_core_on_replay(struct tx_core *c, uint64_t id, struct bytes data, const struct err *err)
{
    struct tx_item *it = tx_core_find(c, id);
    const char *remedy;
    char text[ABI_REVERT_TEXT_CAP];
    if (!it || !it->replay_busy)
        return;
    it->replay_busy = false;
    if (it->state != TX_MINED)
        return;
    it->replay_done = true;
    (void)tx_classify_revert(data, &remedy);
    if (data.len > 0)
        abi_format_revert(text, sizeof(text), data);
    else if (err)
        snprintf(text, sizeof(text), "reason unknown (%.200s)", err->msg);
    else
        snprintf(text, sizeof(text),
                 "the same call succeeds when asked again (out of gas, or a race)");
    err_set_code(&it->err, ERR_REJECTED, data.len >= 4 ? (int64_t)load_be32(data.p) : 0,
                 "reverted in block %llu: %.300s%s%s", (unsigned long long)it->block_number, text,
                 *remedy ? "; " : "", remedy);
    tx_core_dirty(c, it);
    tx_core_view_soon(c);
}

/* --- gone again --- */

static void reorged(struct tx_core *c, struct tx_item *it)
{
    struct err e;
    c->stats.reorged++;
    err_set(&e, ERR_TRANSIENT, "block %llu with it was reorganised away",
            (unsigned long long)it->block_number);
    it->block_number = 0;
    it->block_hash = it->mined_hash = (struct b256){ { 0 } };
    it->gas_used = 0;
    it->paid = U256_ZERO;
    it->lost_rounds = 0;
    it->verdict = TX_SEND_UNCLEAR;
    it->last_sign_head = c->view.head; /* not a reason to raise fees yet */
    it->last_sign_ms = c->now_ms;
    tx_core_set_state(c, it, TX_BROADCAST, &e);
    tx_core_wait(c, it, TX_WAIT_MINING);
    tx_core_want_send(c, it, true);
}

/* --- somebody else's --- */

static void start_over(struct tx_core *c, struct tx_item *it)
{
    struct err e = it->err;
    e.kind = ERR_DIVERGED;
    it->variant_base = it->variant_cnt;
    it->nonce = TX_NO_NONCE;
    it->prepared = it->bump_wanted = it->send_wanted = it->foreign = false;
    it->ever_sent = it->ever_accepted = false;
    it->retry_at_ms = 0;
    it->lost_rounds = 0;
    if (it->is_fill || it->cancel_wanted) { /* the nonce is used: that was all it was for */
        tx_core_set_state(c, it, TX_ABANDONED, &e);
        return;
    }
    tx_core_set_state(c, it, TX_INTENT, &e);
}

static void nonce_lost(struct tx_core *c, struct tx_item *it)
{
    if (++it->lost_rounds < TX_FOREIGN_ROUNDS)
        return;
    tx_core_wait(c, it, TX_WAIT_FOREIGN);
    if (!it->foreign) {
        it->foreign = true;
        it->foreign_head = c->view.head;
        it->foreign_at_ms = c->now_ms;
        c->stats.foreign++;
        err_set(&it->err, ERR_DIVERGED,
                "another sender uses this key: its transaction took nonce %llu",
                (unsigned long long)it->nonce);
        tx_core_dirty(c, it);
        tx_core_command(c, TX_CMD_NONCE_TX, it);
        return;
    }
    uint64_t patience = c->cfg.bump_after_ms * c->cfg.required_confirmations;
    if (deep_enough(c, it->foreign_head) || c->now_ms - it->foreign_at_ms >= patience)
        start_over(c, it);
}

static bool does_the_same(const struct tx_item *it, const struct tx_rival *t)
{
    return t->has_to && addr_eq(&t->to, &it->to) && u256_eq(&t->value, &it->value) &&
           bytes_eq(t->data, bytes_of(it->data, it->data_len));
}

static bool is_ours(const struct tx_item *it, const struct b256 *hash)
{
    for (size_t i = it->variant_base; i < it->variant_cnt; i++)
        if (b256_eq(&it->variants[i].row.hash, hash))
            return true;
    return false;
}

/* It is watched like a version of our own from now on; we only do not have its bytes. */
static void adopt_twin(struct tx_core *c, struct tx_item *it, const struct tx_rival *t)
{
    struct tx_variant_row row = { .nonce = it->nonce,
                                  .hash = t->hash,
                                  .max_fee = t->fee.max_fee,
                                  .max_tip = t->fee.max_tip,
                                  .max_blob_fee = t->fee.max_blob_fee,
                                  .gas_limit = it->gas_limit,
                                  .signed_ms = c->wall_ms };
    if (!tx_core_add_variant(c, it, &row, (struct bytes){ NULL, 0 }))
        return;
    it->foreign = false;
    it->lost_rounds = 0;
    it->bump_wanted = it->send_wanted = false;
    it->ever_accepted = true;
    it->verdict = TX_SEND_KNOWN;
    if (it->state == TX_ACCEPTED)
        tx_core_dirty(c, it);
    else
        tx_core_set_state(c, it, TX_ACCEPTED, NULL);
    tx_core_wait(c, it, TX_WAIT_MINING);
    tx_core_view_soon(c);
}

void tx_core_on_nonce_tx(struct tx_core *c, uint64_t id, const struct tx_rival *t)
{
    struct tx_item *it = tx_core_find(c, id);
    char text[67];
    if (!it || !t || !tx_item_in_flight(it))
        return;
    if (is_ours(it, &t->hash)) {
        it->foreign = false; /* the receipt was only late */
        it->lost_rounds = 0;
        return;
    }
    if (does_the_same(it, t) && !it->cancel_wanted) {
        adopt_twin(c, it, t);
        return;
    }
    hex_encode0x(text, t->hash.b, 32);
    err_set(&it->err, ERR_DIVERGED, "another sender uses this key: transaction %s %s nonce %llu",
            text, it->foreign ? "took" : "waits in the pool with", (unsigned long long)it->nonce);
    if (!it->foreign) {
        c->stats.foreign += !it->has_rival;
        it->has_rival = true;
        it->rival = t->fee;
    }
    tx_core_dirty(c, it);
}

/* --- the end of a round --- */

static void settle_round(struct tx_core *c, struct tx_item *it)
{
    it->rounds++;
    if (it->found != SIZE_MAX) {
        mined(c, it);
    } else if (it->round_bad) {
        return;
    } else if (it->state == TX_MINED) {
        reorged(c, it);
    } else if (c->view_ok && c->view.latest_nonce > it->nonce) {
        nonce_lost(c, it);
    } else if (c->view_ok) {
        it->lost_rounds = 0;
        it->foreign = false;
        tx_core_tend(c, it);
    }
}

void tx_core_on_receipt(struct tx_core *c, uint64_t id, size_t variant, const struct tx_receipt *rc,
                        const struct err *err)
{
    struct tx_item *it = tx_core_find(c, id);
    if (!it || it->round_left == 0 || tx_state_is_final(it->state))
        return;
    it->round_left--;
    if (err) {
        it->round_bad = true;
    } else if (rc) {
        it->found = variant;
        it->receipt = *rc;
    }
    if (it->round_left == 0) {
        settle_round(c, it);
        tx_core_pump(c);
    }
}
