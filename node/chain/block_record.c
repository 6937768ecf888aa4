/* node/chain/block_record.c
 *
 * Layout (version 1): numbers big-endian, byte strings behind a u32 length, lists behind a u32 count.
 * Flat keys are not stored: they are recomputed from address and slot. */
#include "node/chain/block_record.h"

#include "node/base/hash.h"

#define RECORD_VERSION 1u
#define MAX_LIST       (1u << 22) /* items; far above any block, a bound for damaged input */

/* ---- writing ---- */

static void w_u8(struct buf *b, uint8_t v)
{
    buf_append(b, &v, 1);
}

static void w_u32(struct buf *b, uint32_t v)
{
    uint8_t x[4];
    store_be32(x, v);
    buf_append(b, x, 4);
}

static void w_u64(struct buf *b, uint64_t v)
{
    uint8_t x[8];
    store_be64(x, v);
    buf_append(b, x, 8);
}

static void w_u256(struct buf *b, const struct u256 *v)
{
    struct b256 w = u256_to_b256(v);
    buf_append(b, w.b, 32);
}

static void w_b256(struct buf *b, const struct b256 *v)
{
    buf_append(b, v->b, 32);
}

static void w_addr(struct buf *b, const struct addr *a)
{
    buf_append(b, a->b, 20);
}

static void w_bytes(struct buf *b, struct bytes v)
{
    w_u32(b, (uint32_t)v.len);
    buf_append(b, v.p, v.len);
}

static void write_context(struct buf *b, const struct stf_block_context *c)
{
    w_u64(b, c->chain_id);
    w_u64(b, c->number);
    w_u64(b, c->timestamp);
    /* hashes of blocks before genesis are zero: only the last min(number, 256) are stored */
    size_t known = c->number < 256 ? (size_t)c->number : 256;
    buf_append(b, c->block_hashes + (256 - known), known * 32);
    w_u256(b, &c->base_fee);
    w_u256(b, &c->pubdata_price);
    w_u256(b, &c->native_price);
    w_u256(b, &c->blob_fee);
    w_addr(b, &c->coinbase);
    w_u64(b, c->gas_limit);
    w_u64(b, c->pubdata_limit);
    w_u256(b, &c->mix_hash);
    w_u32(b, c->execution_version);
}

static void write_l2_log(struct buf *b, const struct stf_l2_log *l)
{
    w_u32(b, l->tx_number);
    w_u8(b, l->is_message ? 1 : 0);
    w_b256(b, &l->key);
    w_b256(b, &l->value);
    w_bytes(b, l->message);
}

static void write_event(struct buf *b, const struct stf_event *e)
{
    w_addr(b, &e->addr);
    w_u8(b, (uint8_t)e->topic_cnt);
    for (uint32_t i = 0; i < e->topic_cnt; i++)
        w_b256(b, &e->topics[i]);
    w_bytes(b, e->data);
}

static void write_tx(struct buf *b, const struct block_tx *t)
{
    w_bytes(b, t->envelope);
    w_b256(b, &t->hash);
    w_addr(b, &t->from);
    w_u8(b, (uint8_t)((t->success ? 1 : 0) | (t->has_created ? 2 : 0)));
    if (t->has_created)
        w_addr(b, &t->created);
    w_u64(b, t->gas_used);
    w_u64(b, t->gas_refunded);
    w_u64(b, t->native_used);
    w_u64(b, t->computational_native_used);
    w_u64(b, t->pubdata_used);
    w_u256(b, &t->effective_gas_price);
    w_u32(b, (uint32_t)t->event_cnt);
    for (size_t i = 0; i < t->event_cnt; i++)
        write_event(b, &t->events[i]);
    w_u32(b, (uint32_t)t->l2_log_cnt);
    for (size_t i = 0; i < t->l2_log_cnt; i++)
        write_l2_log(b, &t->l2_logs[i]);
}

static void write_state(struct buf *b, const struct block_record *r)
{
    w_u32(b, (uint32_t)r->diff_cnt);
    for (size_t i = 0; i < r->diff_cnt; i++) {
        const struct stf_diff *d = &r->diffs[i];
        w_addr(b, &d->addr);
        w_b256(b, &d->slot);
        w_b256(b, &d->old_value);
        w_b256(b, &d->new_value);
        w_u8(b, d->is_new ? 1 : 0);
    }
    w_u32(b, (uint32_t)r->preimage_cnt);
    for (size_t i = 0; i < r->preimage_cnt; i++) {
        w_b256(b, &r->preimages[i].hash);
        w_u8(b, r->preimages[i].is_code ? 1 : 0);
        w_bytes(b, r->preimages[i].data);
    }
    w_u32(b, (uint32_t)r->forced_code_cnt);
    for (size_t i = 0; i < r->forced_code_cnt; i++)
        w_bytes(b, r->forced_codes[i]);
    w_u32(b, (uint32_t)r->interop_root_cnt);
    for (size_t i = 0; i < r->interop_root_cnt; i++) {
        w_u256(b, &r->interop_roots[i].chain_id);
        w_u256(b, &r->interop_roots[i].block_or_batch);
        w_b256(b, &r->interop_roots[i].root);
    }
}

bool block_record_encode(struct buf *out, const struct block_record *r, struct err *err)
{
    w_u8(out, RECORD_VERSION);
    write_context(out, &r->ctx);
    w_u32(out, r->protocol_minor);
    w_u64(out, r->starting_l1_priority_id);
    w_u64(out, r->previous_timestamp);
    w_b256(out, &r->header.transactions_root);
    w_u64(out, r->header.gas_used);
    w_b256(out, &r->header.mix_hash);
    w_b256(out, &r->block_hash);
    w_b256(out, &r->output_hash);
    w_u32(out, (uint32_t)r->tx_cnt);
    for (size_t i = 0; i < r->tx_cnt; i++)
        write_tx(out, &r->txs[i]);
    write_state(out, r);
    w_u8(out, r->sets_sl_chain_id ? 1 : 0);
    w_b256(out, &r->upgrade_tx_hash);
    w_bytes(out, r->pubdata);
    w_u32(out, r->l1_tx_cnt);
    w_u64(out, r->computational_native_used);
    w_u64(out, r->pubdata_used);
    if (out->failed)
        return err_set(err, ERR_LOCAL, "block record does not fit into %zu bytes", out->max);
    return true;
}

/* ---- reading: the first fault sticks, every later read gives zero ---- */

struct reader {
    const uint8_t *p, *end;
    struct arena *arena;
    bool ok, no_memory;
};

static const uint8_t *r_take(struct reader *r, size_t n)
{
    static const uint8_t zeros[64] = { 0 };
    if (!r->ok || (size_t)(r->end - r->p) < n) {
        r->ok = false;
        return n <= sizeof(zeros) ? zeros : NULL;
    }
    const uint8_t *p = r->p;
    r->p += n;
    return p;
}

static uint8_t r_u8(struct reader *r)
{
    return *r_take(r, 1);
}

static bool r_bool(struct reader *r)
{
    uint8_t v = r_u8(r);
    if (v > 1)
        r->ok = false;
    return v == 1;
}

static uint32_t r_u32(struct reader *r)
{
    return load_be32(r_take(r, 4));
}

static uint64_t r_u64(struct reader *r)
{
    return load_be64(r_take(r, 8));
}

static struct u256 r_u256(struct reader *r)
{
    return u256_of_be32(r_take(r, 32));
}

static struct b256 r_b256(struct reader *r)
{
    struct b256 v;
    memcpy(v.b, r_take(r, 32), 32);
    return v;
}

static struct addr r_addr(struct reader *r)
{
    struct addr a;
    memcpy(a.b, r_take(r, 20), 20);
    return a;
}

static struct bytes r_bytes(struct reader *r)
{
    uint32_t len = r_u32(r);
    if (!r->ok || (size_t)(r->end - r->p) < len) {
        r->ok = false;
        return bytes_of(NULL, 0);
    }
    struct bytes b = bytes_of(r->p, len);
    r->p += len;
    return b;
}

/* Items of a list: each takes at least min_len bytes, so a count cannot ask for more memory than the input has. */
static void *r_list(struct reader *r, size_t *cnt, size_t item_size, size_t min_len)
{
    uint32_t n = r_u32(r);
    if (!r->ok || n > MAX_LIST || (size_t)(r->end - r->p) / min_len < n) {
        r->ok = false;
        n = 0;
    }
    *cnt = n;
    void *items = arena_zalloc(r->arena, n * item_size);
    if (!items) {
        r->ok = false;
        r->no_memory = true;
        *cnt = 0;
    }
    return items;
}

static void read_context(struct reader *r, struct stf_block_context *c)
{
    *c = (struct stf_block_context){ 0 };
    c->chain_id = r_u64(r);
    c->number = r_u64(r);
    c->timestamp = r_u64(r);
    size_t known = c->number < 256 ? (size_t)c->number : 256;
    for (size_t i = 256 - known; i < 256; i++)
        c->block_hashes[i] = r_b256(r);
    c->base_fee = r_u256(r);
    c->pubdata_price = r_u256(r);
    c->native_price = r_u256(r);
    c->blob_fee = r_u256(r);
    c->coinbase = r_addr(r);
    c->gas_limit = r_u64(r);
    c->pubdata_limit = r_u64(r);
    c->mix_hash = r_u256(r);
    c->execution_version = r_u32(r);
}

static void read_l2_log(struct reader *r, struct stf_l2_log *l)
{
    uint32_t number = r_u32(r);
    if (number > UINT16_MAX)
        r->ok = false;
    l->tx_number = (uint16_t)number;
    l->is_message = r_bool(r);
    l->key = r_b256(r);
    l->value = r_b256(r);
    l->message = r_bytes(r);
}

static void read_event(struct reader *r, struct stf_event *e)
{
    e->addr = r_addr(r);
    e->topic_cnt = r_u8(r);
    if (e->topic_cnt > 4) {
        r->ok = false;
        e->topic_cnt = 0;
    }
    for (uint32_t i = 0; i < e->topic_cnt; i++)
        e->topics[i] = r_b256(r);
    e->data = r_bytes(r);
}

static void read_tx(struct reader *r, struct block_tx *t)
{
    t->envelope = r_bytes(r);
    t->hash = r_b256(r);
    t->from = r_addr(r);
    uint8_t flags = r_u8(r);
    if (flags > 3)
        r->ok = false;
    t->success = flags & 1;
    t->has_created = (flags & 2) != 0;
    if (t->has_created)
        t->created = r_addr(r);
    t->gas_used = r_u64(r);
    t->gas_refunded = r_u64(r);
    t->native_used = r_u64(r);
    t->computational_native_used = r_u64(r);
    t->pubdata_used = r_u64(r);
    t->effective_gas_price = r_u256(r);
    struct stf_event *events = r_list(r, &t->event_cnt, sizeof(*events), 25);
    for (size_t i = 0; i < t->event_cnt && r->ok; i++)
        read_event(r, &events[i]);
    t->events = events;
    struct stf_l2_log *logs = r_list(r, &t->l2_log_cnt, sizeof(*logs), 73);
    for (size_t i = 0; i < t->l2_log_cnt && r->ok; i++)
        read_l2_log(r, &logs[i]);
    t->l2_logs = logs;
}

static void read_diffs(struct reader *r, struct block_record *out)
{
    struct stf_diff *diffs = r_list(r, &out->diff_cnt, sizeof(*diffs), 117);
    for (size_t i = 0; i < out->diff_cnt && r->ok; i++) {
        struct stf_diff *d = &diffs[i];
        d->addr = r_addr(r);
        d->slot = r_b256(r);
        d->old_value = r_b256(r);
        d->new_value = r_b256(r);
        d->is_new = r_bool(r);
        d->flat_key = blake2s_flat_key(&d->addr, &d->slot);
    }
    out->diffs = diffs;
}

static void read_state(struct reader *r, struct block_record *out)
{
    read_diffs(r, out);
    struct stf_preimage *pre = r_list(r, &out->preimage_cnt, sizeof(*pre), 37);
    for (size_t i = 0; i < out->preimage_cnt && r->ok; i++) {
        pre[i].hash = r_b256(r);
        pre[i].is_code = r_bool(r);
        pre[i].data = r_bytes(r);
    }
    out->preimages = pre;
    struct bytes *codes = r_list(r, &out->forced_code_cnt, sizeof(*codes), 4);
    for (size_t i = 0; i < out->forced_code_cnt && r->ok; i++)
        codes[i] = r_bytes(r);
    out->forced_codes = codes;
    struct stf_interop_root *roots = r_list(r, &out->interop_root_cnt, sizeof(*roots), 96);
    for (size_t i = 0; i < out->interop_root_cnt && r->ok; i++) {
        roots[i].chain_id = r_u256(r);
        roots[i].block_or_batch = r_u256(r);
        roots[i].root = r_b256(r);
    }
    out->interop_roots = roots;
}

static void derive_header(struct block_record *r)
{
    r->header.parent_hash = r->ctx.block_hashes[255];
    r->header.coinbase = r->ctx.coinbase;
    r->header.number = r->ctx.number;
    r->header.gas_limit = r->ctx.gas_limit;
    r->header.timestamp = r->ctx.timestamp;
    r->header.base_fee = r->ctx.base_fee;
}

bool block_record_decode(struct block_record *out, struct bytes in, struct arena *arena,
                         struct err *err)
{
    struct reader r = { .p = in.p, .end = in.p + in.len, .arena = arena, .ok = in.len > 0 };
    *out = (struct block_record){ 0 };
    uint8_t version = r.ok ? r_u8(&r) : 0;
    if (r.ok && version != RECORD_VERSION)
        return err_set(err, ERR_INVALID, "block record has format %u, this binary reads %u",
                       version, RECORD_VERSION);
    read_context(&r, &out->ctx);
    out->protocol_minor = r_u32(&r);
    out->starting_l1_priority_id = r_u64(&r);
    out->previous_timestamp = r_u64(&r);
    out->header.transactions_root = r_b256(&r);
    out->header.gas_used = r_u64(&r);
    out->header.mix_hash = r_b256(&r);
    out->block_hash = r_b256(&r);
    out->output_hash = r_b256(&r);
    struct block_tx *txs = r_list(&r, &out->tx_cnt, sizeof(*txs), 137);
    for (size_t i = 0; i < out->tx_cnt && r.ok; i++)
        read_tx(&r, &txs[i]);
    out->txs = txs;
    read_state(&r, out);
    out->sets_sl_chain_id = r_bool(&r);
    out->upgrade_tx_hash = r_b256(&r);
    out->pubdata = r_bytes(&r);
    out->l1_tx_cnt = r_u32(&r);
    out->computational_native_used = r_u64(&r);
    out->pubdata_used = r_u64(&r);
    derive_header(out);
    if (r.no_memory)
        return err_set(err, ERR_LOCAL, "out of memory while reading a block record");
    if (!r.ok || r.p != r.end)
        return err_set(err, ERR_LOCAL, "damaged block record (%zu bytes)", in.len);
    return true;
}

struct b256 block_output_hash(const struct block_record *r)
{
    struct keccak k;
    keccak_init(&k);
    keccak_update(&k, r->block_hash.b, 32);
    for (size_t i = 0; i < r->tx_cnt; i++) {
        uint8_t x[9] = { r->txs[i].success ? 1 : 0 };
        store_be64(x + 1, r->txs[i].gas_used);
        keccak_update(&k, x, sizeof(x));
    }
    for (size_t i = 0; i < r->diff_cnt; i++) {
        keccak_update(&k, r->diffs[i].flat_key.b, 32);
        keccak_update(&k, r->diffs[i].new_value.b, 32);
    }
    return keccak_final(&k);
}
