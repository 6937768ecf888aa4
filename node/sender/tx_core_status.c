/* Rows, infos and figures of the machine, and its invariants. */
#include <stdio.h>
#include <string.h>

#include "node/sender/sidecar.h"
#include "node/sender/tx_core.h"

void tx_core_row(const struct tx_item *it, struct tx_variant_row *variants, struct tx_row *out)
{
    for (size_t i = 0; i < it->variant_cnt; i++)
        variants[i] = it->variants[i].row;
    *out = (struct tx_row){
        .id = it->id,
        .key = it->key,
        .label = it->label,
        .state = it->state,
        .to = it->to,
        .value = it->value,
        .data = bytes_of(it->data, it->data_len),
        .sidecar = it->durable ? NULL : it->sidecar, /* written once */
        .blob_hashes = it->sidecar ? sidecar_hashes(it->sidecar) : NULL,
        .blob_cnt = it->sidecar ? sidecar_blob_cnt(it->sidecar) : 0,
        .gas_hint = it->gas_hint,
        .nonce = it->nonce,
        .is_fill = it->is_fill,
        .cancel_wanted = it->cancel_wanted,
        .created_ms = it->created_ms,
        .sent_ms = it->sent_wall_ms,
        .block_number = it->block_number,
        .block_hash = it->block_hash,
        .mined_hash = it->mined_hash,
        .gas_used = it->gas_used,
        .paid = it->paid,
        .error = it->err.kind == ERR_NONE ? "" : it->err.msg,
        .variants = variants,
        .variant_cnt = it->variant_cnt,
    };
}

void tx_row_info(const struct tx_row *row, struct tx_info *out)
{
    *out = (struct tx_info){ .id = row->id,
                             .state = row->state,
                             .nonce = row->nonce,
                             .blob_cnt = (uint32_t)row->blob_cnt,
                             .variants = 0,
                             .created_ms = row->created_ms,
                             .sent_ms = row->sent_ms,
                             .block_number = row->block_number,
                             .block_hash = row->block_hash,
                             .gas_used = row->gas_used,
                             .paid = row->paid };
    snprintf(out->key, sizeof(out->key), "%s", row->key);
    snprintf(out->label, sizeof(out->label), "%s", row->label);
    snprintf(out->error, sizeof(out->error), "%.255s", row->error);
    for (size_t i = 0; i < row->variant_cnt; i++) {
        const struct tx_variant_row *v = &row->variants[i];
        if (v->nonce != row->nonce)
            continue;
        out->variants++;
        if (row->block_number == 0 || !b256_eq(&out->hash, &row->mined_hash)) {
            out->hash = v->hash;
            out->gas_limit = v->gas_limit;
            out->max_fee = v->max_fee;
            out->max_tip = v->max_tip;
            out->max_blob_fee = v->max_blob_fee;
        }
    }
}

void tx_core_info(const struct tx_item *it, struct tx_info *out)
{
    struct tx_row row;
    struct tx_variant_row variants[TX_VARIANTS_MAX * 4];
    struct tx_item copy = *it;
    size_t max = GH_COUNT(variants);
    if (copy.variant_cnt > max) { /* the newest are the ones that count */
        copy.variants += copy.variant_cnt - max;
        copy.variant_cnt = max;
    }
    tx_core_row(&copy, variants, &row);
    tx_row_info(&row, out);
    out->wait = it->wait;
}

void tx_core_note_spend(struct tx_core *c, const struct u256 *cost)
{
    c->spends[c->spend_at].at_ms = c->now_ms;
    c->spends[c->spend_at].cost = *cost;
    c->spend_at = (c->spend_at + 1) % TX_SPEND_RING;
    if (c->spend_cnt < TX_SPEND_RING)
        c->spend_cnt++;
    c->stats.spent = u256_add(&c->stats.spent, cost);
}

/* Over the last transactions; known once they span some minutes. */
static void spend_rate(const struct tx_core *c, struct tx_manager_status *out)
{
    struct u256 sum = U256_ZERO, day = u256_of_u64(86400000);
    uint64_t oldest = c->now_ms;
    for (size_t i = 0; i < c->spend_cnt; i++) {
        sum = u256_add(&sum, &c->spends[i].cost);
        if (c->spends[i].at_ms < oldest)
            oldest = c->spends[i].at_ms;
    }
    out->runway_ms = UINT64_MAX;
    uint64_t span_ms = c->now_ms - oldest;
    if (c->spend_cnt < 2 || span_ms < 60000 || u256_is_zero(&sum))
        return;
    struct u256 span = u256_of_u64(span_ms), p;
    if (u256_mul_checked(&p, &sum, &day))
        out->spend_per_day = u256_div(&p, &span);
    if (u256_mul_checked(&p, &c->view.balance, &span)) {
        p = u256_div(&p, &sum);
        out->runway_ms = u256_sat_u64(&p);
    }
}

void tx_core_status(const struct tx_core *c, struct tx_manager_status *out)
{
    const struct tx_item *it;
    *out = c->stats;
    out->addr = c->self;
    out->started = c->started;
    out->paused = c->paused;
    out->node_ok = c->view_ok;
    out->head = c->view.head;
    out->base_fee = c->view.market.base_fee;
    out->tip = c->view.market.tip;
    out->blob_base_fee = c->view.market.blob_base_fee;
    out->blob_fee_cap = c->fees.caps.max_blob_fee;
    out->balance = c->view.balance;
    out->latest_nonce = c->view.latest_nonce;
    out->pending_nonce = c->view.pending_nonce;
    out->next_nonce = tx_core_next_free(c);
    out->worst_cost = tx_core_reserved(c, NULL);
    out->foreign_seen = c->stats.foreign > 0;
    TAILQ_FOREACH(it, &c->items, link)
    {
        if (it->nonce == TX_NO_NONCE)
            out->queued++;
        else if (it->state == TX_MINED)
            out->unconfirmed++;
        else
            out->in_flight += tx_item_in_flight(it);
        out->wait_cnt[it->wait]++;
        uint64_t age = c->wall_ms > it->created_ms ? c->wall_ms - it->created_ms : 0;
        if (age > out->oldest_pending_ms)
            out->oldest_pending_ms = age;
        if (it->err.kind != ERR_NONE && out->last_error[0] == '\0')
            snprintf(out->last_error, sizeof(out->last_error), "%.255s", it->err.msg);
    }
    out->blob_fee_capped = out->wait_cnt[TX_WAIT_BLOB_FEE_CAPPED] > 0;
    out->fee_capped = out->blob_fee_capped || out->wait_cnt[TX_WAIT_FEE_CAPPED] > 0;
    out->low_funds = out->wait_cnt[TX_WAIT_LOW_FUNDS] > 0;
    spend_rate(c, out);
}

void tx_core_check(const struct tx_core *c)
{
    const struct tx_item *it, *other;
    uint64_t last = 0;
    TAILQ_FOREACH(it, &c->items, link)
    {
        CHECK(it->id > last);
        last = it->id;
        CHECK(it->variant_base <= it->variant_cnt && it->durable_variants <= it->variant_cnt);
        CHECK((it->nonce != TX_NO_NONCE) == (it->variant_base < it->variant_cnt));
        CHECK(it->nonce != TX_NO_NONCE || it->state == TX_INTENT || it->state == TX_ABANDONED);
        for (size_t i = it->variant_base; i < it->variant_cnt; i++)
            CHECK(it->variants[i].row.nonce == it->nonce);
        if (it->nonce == TX_NO_NONCE)
            continue;
        TAILQ_FOREACH(other, &c->items, link)
        CHECK(other == it || other->nonce != it->nonce);
    }
}
