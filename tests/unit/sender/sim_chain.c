#include "tests/unit/sender/sim_chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/base/hash.h"
#include "node/sender/sidecar.h"

static const struct addr self = { { 0xaa, 1 } };
static const struct addr target = { { 0xbb, 2 } };

/* --- signing: the fields one after another, and their hash --- */

#define HEAD 76

static bool fake_sign(void *ctx, const struct tx_item *item, const struct tx_variant_row *v,
                      const struct addr *to, const struct u256 *value, struct bytes data,
                      struct buf *raw, struct b256 *hash, struct err *err)
{
    uint8_t head[HEAD];
    (void)ctx;
    (void)err;
    store_be64(head, v->nonce);
    store_be64(head + 8, v->gas_limit);
    store_be64(head + 16, v->max_fee.w[0]);
    store_be64(head + 24, v->max_tip.w[0]);
    store_be64(head + 32, value->w[0]);
    memcpy(head + 40, to->b, 20);
    store_be64(head + 60, item->sidecar ? sidecar_blob_cnt(item->sidecar) : 0);
    store_be64(head + 68, v->max_blob_fee.w[0]);
    buf_append(raw, head, sizeof(head));
    buf_append(raw, data.p, data.len);
    *hash = keccak256(raw->p, raw->len);
    return true;
}

static struct sim_tx parse_raw(struct bytes raw)
{
    struct sim_tx t = { .nonce = load_be64(raw.p),
                        .gas = load_be64(raw.p + 8),
                        .max_fee = load_be64(raw.p + 16),
                        .max_tip = load_be64(raw.p + 24),
                        .value = load_be64(raw.p + 32),
                        .blobs = load_be64(raw.p + 60),
                        .max_blob_fee = load_be64(raw.p + 68) };
    memcpy(t.to.b, raw.p + 40, 20);
    t.data_len = raw.len - HEAD;
    CHECK(t.data_len <= sizeof(t.data));
    memcpy(t.data, raw.p + HEAD, t.data_len);
    t.hash = keccak256(raw.p, raw.len);
    return t;
}

/* --- the chain --- */

static struct sim_tx *by_hash(struct sim *s, const struct b256 *hash)
{
    for (size_t i = 0; i < s->tx_cnt; i++)
        if (b256_eq(&s->txs[i].hash, hash))
            return &s->txs[i];
    return NULL;
}

static struct sim_tx *pool_at(struct sim *s, uint64_t nonce)
{
    for (size_t i = 0; i < s->tx_cnt; i++)
        if (s->txs[i].in_pool && s->txs[i].nonce == nonce)
            return &s->txs[i];
    return NULL;
}

const struct sim_tx *sim_pool_at(const struct sim *s, uint64_t nonce)
{
    for (size_t i = 0; i < s->tx_cnt; i++)
        if (s->txs[i].in_pool && s->txs[i].nonce == nonce)
            return &s->txs[i];
    return NULL;
}

static bool has_other_kind(const struct sim *s, bool blobs)
{
    for (size_t i = 0; i < s->tx_cnt; i++)
        if (s->txs[i].in_pool && !s->txs[i].foreign && (s->txs[i].blobs > 0) != blobs)
            return true;
    return false;
}

static bool doubled(const struct sim_tx *t, const struct sim_tx *old)
{
    return t->max_fee >= 2 * old->max_fee && t->max_tip >= 2 * old->max_tip &&
           t->max_blob_fee >= 2 * old->max_blob_fee;
}

/* geth's rules; NULL: accepted */
static const char *pool_add(struct sim *s, const struct sim_tx *t)
{
    struct sim_tx *known = by_hash(s, &t->hash), *old = pool_at(s, t->nonce);
    if (known && (known->in_pool || known->block))
        return "already known";
    if (t->nonce < s->latest_nonce)
        return "nonce too low: next nonce is higher";
    if (t->max_tip < s->pool_min_tip)
        return "transaction underpriced: gas tip cap too low";
    if (t->gas < 21000)
        return "intrinsic gas too low";
    if (t->gas > 30000000)
        return "exceeds block gas limit";
    if (s->balance / t->gas < t->max_fee)
        return "insufficient funds for gas * price + value";
    if (has_other_kind(s, t->blobs > 0))
        return "address already reserved";
    if (t->blobs && !old && t->nonce != s->latest_nonce && !pool_at(s, t->nonce - 1))
        return "nonce too high: gapped"; /* the blob pool has no queue */
    if (old && t->blobs && !doubled(t, old))
        return "replacement transaction underpriced";
    if (old && (t->max_fee * 100 < old->max_fee * 110 || t->max_tip * 100 < old->max_tip * 110 ||
                t->max_fee <= old->max_fee || t->max_tip <= old->max_tip))
        return "replacement transaction underpriced";
    if (old)
        old->in_pool = false;
    if (known) {
        known->in_pool = true;
        return NULL;
    }
    CHECK(s->tx_cnt < SIM_TX_MAX);
    s->txs[s->tx_cnt] = *t;
    s->txs[s->tx_cnt++].in_pool = true;
    return NULL;
}

static struct b256 block_hash(const struct sim *s, uint64_t number)
{
    struct b256 h = b256_of_u64(number);
    h.b[0] = (uint8_t)s->fork;
    return h;
}

void sim_mine(struct sim *s)
{
    struct sim_tx *t;
    s->head++;
    while ((t = pool_at(s, s->latest_nonce)) != NULL && t->max_fee >= s->base_fee &&
           t->max_tip >= s->tip_to_mine && t->max_fee - s->base_fee >= s->tip_to_mine &&
           (t->blobs == 0 || t->max_blob_fee >= s->blob_base_fee)) {
        t->in_pool = false;
        t->block = s->head;
        t->status = !s->mine_reverts;
        s->balance -= 21000 * s->base_fee;
        s->latest_nonce++;
    }
}

void sim_reorg(struct sim *s, unsigned n, bool lose_txs)
{
    uint64_t from = s->head - n + 1;
    s->fork++;
    for (size_t i = 0; i < s->tx_cnt; i++) {
        struct sim_tx *t = &s->txs[i];
        if (t->block < from)
            continue;
        t->block = 0;
        t->in_pool = !lose_txs;
        if (t->nonce < s->latest_nonce)
            s->latest_nonce = t->nonce;
    }
}

void sim_drop_pool(struct sim *s)
{
    for (size_t i = 0; i < s->tx_cnt; i++)
        s->txs[i].in_pool = false;
}

void sim_foreign(struct sim *s, uint64_t nonce, const char *data, uint64_t max_fee, bool mined)
{
    struct sim_tx t = { .nonce = nonce,
                        .gas = 50000,
                        .max_fee = max_fee,
                        .max_tip = max_fee,
                        .to = target,
                        .foreign = true,
                        .status = true };
    struct sim_tx *old = pool_at(s, nonce);
    t.data_len = strlen(data);
    memcpy(t.data, data, t.data_len);
    t.hash = keccak256(&t, sizeof(t));
    if (old)
        old->in_pool = false;
    if (mined) {
        t.block = ++s->head;
        s->latest_nonce = nonce + 1;
    } else {
        t.in_pool = true;
    }
    s->txs[s->tx_cnt++] = t;
}

/* --- the journal --- */

static void copy_row(struct sim_row *d, const struct tx_row *r)
{
    if (r->sidecar && !d->sidecar)
        d->sidecar = sidecar_ref(r->sidecar);
    if (tx_state_is_final(r->state)) {
        sidecar_unref(d->sidecar);
        d->sidecar = NULL;
    }
    CHECK((d->sidecar != NULL) == (r->blob_cnt > 0 && !tx_state_is_final(r->state)));
    d->row = *r;
    d->row.sidecar = d->sidecar;
    d->row.blob_hashes = d->sidecar ? sidecar_hashes(d->sidecar) : NULL;
    snprintf(d->key, sizeof(d->key), "%s", r->key);
    snprintf(d->label, sizeof(d->label), "%s", r->label);
    snprintf(d->error, sizeof(d->error), "%s", r->error);
    CHECK(r->data.len <= sizeof(d->data) && r->variant_cnt <= GH_COUNT(d->variants));
    if (r->data.len)
        memcpy(d->data, r->data.p, r->data.len);
    for (size_t i = 0; i < r->variant_cnt; i++) {
        d->variants[i] = r->variants[i];
        if (r->variants[i].raw.len)
            memcpy(d->raw[i], r->variants[i].raw.p, r->variants[i].raw.len);
        d->variants[i].raw.p = d->raw[i];
    }
    d->row.key = d->key;
    d->row.label = d->label;
    d->row.error = d->error;
    d->row.data.p = d->data;
    d->row.variants = d->variants;
}

static void journal_put(struct sim *s, const struct tx_item *it)
{
    struct tx_variant_row variants[TX_VARIANTS_MAX * 2];
    struct tx_row row;
    size_t i = 0;
    tx_core_row(it, variants, &row);
    while (i < s->row_cnt && s->rows[i].row.id != it->id)
        i++;
    CHECK(i < SIM_ROWS);
    if (i == s->row_cnt)
        s->row_cnt++;
    copy_row(&s->rows[i], &row);
}

/* --- carrying commands out --- */

static void answer_view(struct sim *s)
{
    struct err e;
    if (s->node_down) {
        err_set(&e, ERR_TRANSIENT, "node down");
        tx_core_on_view(&s->core, NULL, &e);
        return;
    }
    uint64_t pending = s->latest_nonce;
    while (pool_at(s, pending))
        pending++;
    struct tx_view v = { .head = s->head,
                         .head_hash = block_hash(s, s->head),
                         .market = { u256_of_u64(s->base_fee), u256_of_u64(s->tip_asked),
                                     u256_of_u64(s->blob_base_fee) },
                         .knows_blobs = tx_core_has_blobs(&s->core),
                         .balance = u256_of_u64(s->balance),
                         .latest_nonce =
                             s->latest_nonce > s->nonce_lag ? s->latest_nonce - s->nonce_lag : 0,
                         .pending_nonce = pending };
    tx_core_on_view(&s->core, &v, NULL);
}

static void answer_send(struct sim *s, const struct tx_cmd *cmd, const struct tx_item *it)
{
    struct err e;
    bool stored = false;
    for (size_t i = 0; i < s->row_cnt; i++)
        stored |= s->rows[i].row.id == it->id && s->rows[i].row.variant_cnt > cmd->variant;
    CHECK(stored); /* nothing is sent that is not durable */
    err_set(&e, ERR_TRANSIENT, "connection reset");
    if (s->node_down || s->lose_send > 0) {
        s->lose_send -= s->lose_send > 0;
        tx_core_on_sent(&s->core, cmd->id, cmd->variant, &e);
        return;
    }
    if (s->send_error && s->send_error_cnt > 0) {
        s->send_error_cnt--;
        err_set(&e, ERR_REJECTED, "eth_sendRawTransaction: %s", s->send_error);
        tx_core_on_sent(&s->core, cmd->id, cmd->variant, &e);
        return;
    }
    struct sim_tx t = parse_raw(it->variants[cmd->variant].row.raw);
    const char *no = pool_add(s, &t);
    s->sends++;
    if (s->lose_reply > 0) {
        s->lose_reply--;
        tx_core_on_sent(&s->core, cmd->id, cmd->variant, &e);
        return;
    }
    if (no)
        err_set(&e, ERR_REJECTED, "eth_sendRawTransaction: %s", no);
    tx_core_on_sent(&s->core, cmd->id, cmd->variant, no ? &e : NULL);
}

static void answer_receipt(struct sim *s, const struct tx_cmd *cmd, const struct tx_item *it)
{
    struct err e;
    struct sim_tx *t = by_hash(s, &it->variants[cmd->variant].row.hash);
    if (s->node_down) {
        err_set(&e, ERR_TRANSIENT, "node down");
        tx_core_on_receipt(&s->core, cmd->id, cmd->variant, NULL, &e);
    } else if ((!t || !t->block) && s->invent_receipts) {
        struct tx_receipt rc = {
            .status = true, .block_number = 1, .gas_used = 21000, .price = U256_ZERO
        };
        memset(rc.block_hash.b, 0x11, 32);
        tx_core_on_receipt(&s->core, cmd->id, cmd->variant, &rc, NULL);
    } else if (!t || !t->block || s->hide_receipts) {
        tx_core_on_receipt(&s->core, cmd->id, cmd->variant, NULL, NULL);
    } else {
        struct tx_receipt rc = { .status = t->status,
                                 .block_number = t->block,
                                 .gas_used = 21000,
                                 .block_hash = block_hash(s, t->block),
                                 .price = u256_of_u64(s->base_fee),
                                 .blob_gas_used = t->blobs * SIDECAR_BLOB_GAS,
                                 .blob_price = u256_of_u64(t->blobs ? s->blob_base_fee : 0) };
        tx_core_on_receipt(&s->core, cmd->id, cmd->variant, &rc, NULL);
    }
}

static void answer_nonce_tx(struct sim *s, const struct tx_cmd *cmd, const struct tx_item *it)
{
    const struct sim_tx *found = NULL;
    for (size_t i = 0; i < s->tx_cnt && !s->no_nonce_tx; i++)
        if (s->txs[i].nonce == it->nonce && (s->txs[i].block || (s->txs[i].in_pool && !found)))
            found = &s->txs[i];
    if (!found) {
        tx_core_on_nonce_tx(&s->core, cmd->id, NULL);
        return;
    }
    struct tx_rival r = { .hash = found->hash,
                          .has_to = true,
                          .to = found->to,
                          .value = u256_of_u64(found->value),
                          .data = bytes_of(found->data, found->data_len),
                          .fee = { u256_of_u64(found->max_fee), u256_of_u64(found->max_tip),
                                   u256_of_u64(found->max_blob_fee) } };
    tx_core_on_nonce_tx(&s->core, cmd->id, &r);
}

static void answer_prepare(struct sim *s, const struct tx_cmd *cmd)
{
    struct err e;
    struct bytes none = { NULL, 0 };
    if (s->node_down) {
        err_set(&e, ERR_TRANSIENT, "node down");
        tx_core_on_prepared(&s->core, cmd->id, 0, none, &e);
    } else if (s->revert) {
        err_set_code(&e, ERR_REJECTED, 3, "execution reverted");
        tx_core_on_prepared(&s->core, cmd->id, 0, bytes_of(s->revert, s->revert_len), &e);
    } else {
        tx_core_on_prepared(&s->core, cmd->id, s->estimate, none, NULL);
    }
}

static void answer_lookup(struct sim *s, const struct tx_cmd *cmd, const struct tx_item *it)
{
    struct err e;
    const struct sim_tx *t = by_hash(s, &it->variants[cmd->variant].row.hash);
    err_set(&e, ERR_TRANSIENT, "node down");
    tx_core_on_lookup(&s->core, cmd->id, t && (t->in_pool || t->block), s->node_down ? &e : NULL);
}

static void note(struct sim *s, const struct tx_cmd *cmd)
{
    CHECK(s->note_cnt < SIM_NOTES);
    struct sim_note *n = &s->notes[s->note_cnt++];
    *n = (struct sim_note){ .id = cmd->id, .state = cmd->state };
    if (cmd->has_err) {
        snprintf(n->err, sizeof(n->err), "%s", cmd->err.msg);
        n->code = cmd->err.code;
        n->kind = cmd->err.kind;
    }
}

static void carry_out(struct sim *s, const struct tx_cmd *cmd)
{
    const struct tx_item *it = tx_core_find(&s->core, cmd->id);
    struct err e;
    switch (cmd->kind) {
    case TX_CMD_VIEW:
        answer_view(s);
        break;
    case TX_CMD_PUT:
        if (!it)
            break;
        err_set(&e, ERR_LOCAL, "disk full");
        if (!s->put_fails)
            journal_put(s, it);
        tx_core_on_put(&s->core, cmd->ticket, s->put_fails ? &e : NULL);
        break;
    case TX_CMD_PREPARE:
        answer_prepare(s, cmd);
        break;
    case TX_CMD_SEND:
        if (it)
            answer_send(s, cmd, it);
        break;
    case TX_CMD_RECEIPT:
        if (it)
            answer_receipt(s, cmd, it);
        break;
    case TX_CMD_LOOKUP:
        if (it)
            answer_lookup(s, cmd, it);
        break;
    case TX_CMD_NONCE_TX:
        if (it)
            answer_nonce_tx(s, cmd, it);
        break;
    case TX_CMD_REPLAY:
        tx_core_on_replay(&s->core, cmd->id, bytes_of(s->revert, s->revert_len), NULL);
        break;
    case TX_CMD_NOTIFY:
        note(s, cmd);
        break;
    }
    tx_core_check(&s->core);
}

static void drain(struct sim *s)
{
    struct tx_cmd cmd;
    while (tx_core_next(&s->core, &cmd)) {
        if (s->crash_at && ++s->cmd_cnt >= s->crash_at) {
            s->crashed = true;
            return;
        }
        carry_out(s, &cmd);
    }
}

/* --- the process --- */

static void core_open(struct sim *s)
{
    struct err e;
    CHECK(tx_core_init(&s->core, &s->cfg, &self, fake_sign, s, &e));
}

struct sim *sim_new(const struct tx_manager_config *cfg)
{
    struct sim *s = calloc(1, sizeof(*s));
    CHECK(s != NULL);
    s->rows = calloc(SIM_ROWS, sizeof(*s->rows));
    CHECK(s->rows != NULL);
    s->cfg = *cfg;
    s->cfg.chain_id = 1;
    s->now_ms = 1000000;
    s->wall_ms = UINT64_C(1700000000000);
    s->head = 100;
    s->base_fee = 10 * SIM_GWEI;
    s->blob_base_fee = 1000;
    s->tip_asked = SIM_GWEI / 10;
    s->balance = UINT64_C(10000000000000000000);
    s->latest_nonce = 7;
    s->estimate = 100000;
    core_open(s);
    tx_core_start(&s->core, 1, 0, s->now_ms, s->wall_ms);
    drain(s);
    return s;
}

void sim_free(struct sim *s)
{
    tx_core_clear(&s->core);
    for (size_t i = 0; i < s->row_cnt; i++)
        sidecar_unref(s->rows[i].sidecar);
    free(s->rows);
    free(s);
}

void sim_restart(struct sim *s)
{
    uint64_t next_id = 1;
    s->crashed = false;
    s->crash_at = 0;
    tx_core_clear(&s->core);
    core_open(s);
    for (size_t i = 0; i < s->row_cnt; i++) {
        if (s->rows[i].row.id >= next_id)
            next_id = s->rows[i].row.id + 1;
    }
    for (uint64_t id = 1; id < next_id; id++)
        for (size_t i = 0; i < s->row_cnt; i++)
            if (s->rows[i].row.id == id && !tx_state_is_final(s->rows[i].row.state))
                CHECK(tx_core_adopt(&s->core, &s->rows[i].row));
    uint64_t floor = 0;
    for (size_t i = 0; i < s->row_cnt; i++)
        if (tx_state_is_final(s->rows[i].row.state) && s->rows[i].row.block_number &&
            s->rows[i].row.nonce >= floor)
            floor = s->rows[i].row.nonce + 1;
    tx_core_start(&s->core, next_id, floor, s->now_ms, s->wall_ms);
    drain(s);
}

void sim_run(struct sim *s, uint64_t ms)
{
    uint64_t end = s->now_ms + ms;
    drain(s);
    while (s->now_ms < end && !s->crashed) {
        s->now_ms += 500;
        s->wall_ms += 500;
        tx_core_tick(&s->core, s->now_ms, s->wall_ms);
        drain(s);
    }
}

void sim_mine_and_run(struct sim *s, unsigned blocks)
{
    for (unsigned i = 0; i < blocks; i++) {
        sim_mine(s);
        sim_run(s, 2000);
    }
}

struct tx_manager_status sim_status(struct sim *s)
{
    struct tx_manager_status st;
    tx_core_status(&s->core, &st);
    return st;
}

static uint64_t submit(struct sim *s, const char *key, struct sidecar *blobs)
{
    struct tx_request r = { .key = key,
                            .label = "commit",
                            .to = target,
                            .data = bytes_of(key, strlen(key)),
                            .sidecar = blobs };
    struct tx_item *it = tx_core_submit(&s->core, &r);
    CHECK(it != NULL);
    uint64_t id = it->id;
    drain(s);
    return id;
}

uint64_t sim_submit(struct sim *s, const char *key)
{
    return submit(s, key, NULL);
}

uint64_t sim_submit_blobs(struct sim *s, const char *key, size_t blob_cnt)
{
    struct sidecar *blobs = sidecar_new(blob_cnt);
    CHECK(blobs != NULL);
    uint64_t id = submit(s, key, blobs);
    sidecar_unref(blobs);
    return id;
}

struct tx_item *sim_item(struct sim *s, const char *key)
{
    return tx_core_find_key(&s->core, key);
}

unsigned sim_mined(const struct sim *s, const char *data)
{
    unsigned n = 0;
    for (size_t i = 0; i < s->tx_cnt; i++)
        n += s->txs[i].block && s->txs[i].data_len == strlen(data) &&
             memcmp(s->txs[i].data, data, strlen(data)) == 0;
    return n;
}

enum tx_state sim_state(const struct sim *s, const char *key)
{
    enum tx_state st = TX_STATE_CNT;
    for (size_t i = 0; i < s->row_cnt; i++)
        if (strcmp(s->rows[i].key, key) == 0)
            st = s->rows[i].row.state;
    return st;
}

const struct sim_note *sim_last_note(const struct sim *s, uint64_t id)
{
    for (size_t i = s->note_cnt; i > 0; i--)
        if (s->notes[i - 1].id == id)
            return &s->notes[i - 1];
    return NULL;
}

unsigned sim_note_cnt(const struct sim *s, uint64_t id, enum tx_state st)
{
    unsigned n = 0;
    for (size_t i = 0; i < s->note_cnt; i++)
        n += s->notes[i].id == id && s->notes[i].state == st;
    return n;
}
