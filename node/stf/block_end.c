/* node/stf/block_end.c
 *
 * The end of a block: accounts written back to their 0x8003 slots, net changes in consensus order (spec 20 §5),
 * preimages, pubdata stream (spec 20 §6.1), header. */
#include "node/base/hash.h"
#include "node/stf/journal.h"

/* A net change; account is set for 0x8003 slots. */
struct change {
    struct stf_diff diff;
    const struct account_entry *account;
};

/* Addresses as three little-endian limbs, the least significant first; then the slot. This order is that
 * of new leaves in the tree. */
static int change_cmp(const struct stf_diff *a, const struct stf_diff *b)
{
    int r = memcmp(a->addr.b + 12, b->addr.b + 12, 8);
    if (r == 0)
        r = memcmp(a->addr.b + 4, b->addr.b + 4, 8);
    if (r == 0)
        r = memcmp(a->addr.b, b->addr.b, 4);
    return r != 0 ? r : memcmp(a->slot.b, b->slot.b, 32);
}

static void merge(const struct change **dst, const struct change *const *l, size_t ln,
                  const struct change *const *r, size_t rn)
{
    while (ln != 0 && rn != 0) {
        if (change_cmp(&(*r)->diff, &(*l)->diff) < 0) {
            *dst++ = *r++;
            rn--;
        } else {
            *dst++ = *l++;
            ln--;
        }
    }
    for (; ln != 0; ln--)
        *dst++ = *l++;
    for (; rn != 0; rn--)
        *dst++ = *r++;
}

/* Bottom-up merge sort; returns the array that holds the result. */
static const struct change **sort_changes(const struct change **a, const struct change **scratch,
                                          size_t n)
{
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t i = 0; i < n; i += 2 * width) {
            size_t ln = n - i < width ? n - i : width;
            size_t rn = n - i - ln < width ? n - i - ln : width;
            merge(scratch + i, a + i, ln, a + i + ln, rn);
        }
        const struct change **t = a;
        a = scratch;
        scratch = t;
    }
    return a;
}

static bool slot_changed(const struct slot_entry *s)
{
    return s->loaded && !b256_eq(&s->current, &s->initial);
}

static bool account_changed(const struct account_entry *e)
{
    return e->loaded && !account_eq(&e->current, &e->initial);
}

struct changes {
    const struct change **sorted;
    size_t cnt, account_cnt;
};

static void add_changes(const struct stf_block *b, struct change *c, const struct change **order)
{
    for (const struct slot_entry *s = b->slot_list; s != NULL; s = s->next) {
        if (!slot_changed(s))
            continue;
        c->diff = (struct stf_diff){ s->addr,    s->slot,    s->flat_key,
                                     s->initial, s->current, !s->has_leaf };
        c->account = NULL;
        *order++ = c++;
    }
    for (const struct account_entry *e = b->account_list; e != NULL; e = e->next) {
        if (!account_changed(e))
            continue;
        c->diff =
            (struct stf_diff){ account_storage_addr(), addr_pad32(&e->addr),       e->flat_key,
                               e->initial_value,       account_value(&e->current), !e->has_leaf };
        c->account = e;
        *order++ = c++;
    }
}

static bool collect_changes(struct stf_block *b, struct changes *out)
{
    size_t n = 0, accounts = 0;
    for (const struct slot_entry *s = b->slot_list; s != NULL; s = s->next)
        n += slot_changed(s);
    for (const struct account_entry *e = b->account_list; e != NULL; e = e->next)
        accounts += account_changed(e);
    n += accounts;
    struct change *c = arena_alloc(b->arena, n * sizeof *c);
    const struct change **order = arena_alloc(b->arena, n * sizeof *order);
    const struct change **scratch = arena_alloc(b->arena, n * sizeof *scratch);
    if (c == NULL || order == NULL || scratch == NULL)
        return false;
    add_changes(b, c, order);
    out->sorted = sort_changes(order, scratch, n);
    out->cnt = n;
    out->account_cnt = accounts;
    return true;
}

static bool export_diffs(struct stf_block *b, const struct changes *c, struct stf_block_output *out)
{
    struct stf_diff *diffs = arena_alloc(b->arena, c->cnt * sizeof *diffs);
    if (diffs == NULL)
        return false;
    for (size_t i = 0; i < c->cnt; i++)
        diffs[i] = c->sorted[i]->diff;
    out->diffs = diffs;
    out->diff_cnt = c->cnt;
    return true;
}

/* Code blobs first (each once), then account records. */
static bool export_preimages(struct stf_block *b, const struct changes *c,
                             struct stf_block_output *out)
{
    size_t max = b->code_preimages.cnt + c->account_cnt;
    struct stf_preimage *p = arena_alloc(b->arena, max * sizeof *p);
    uint8_t *records = arena_alloc(b->arena, c->account_cnt * ACCOUNT_RECORD_LEN);
    struct map seen;
    map_init(&seen, 32, 1, b->transients.seed, b->transients.alloc, NULL, b->arena);
    if (p == NULL || records == NULL)
        return false;
    size_t n = 0;
    const struct code_preimage *codes = b->code_preimages.p;
    for (size_t i = 0; i < b->code_preimages.cnt; i++) {
        bool inserted = false;
        if (map_put(&seen, codes[i].hash.b, &inserted) == NULL)
            return false;
        if (inserted)
            p[n++] = (struct stf_preimage){ codes[i].hash, codes[i].blob, true };
    }
    for (size_t i = 0; i < c->cnt; i++) {
        const struct account_entry *e = c->sorted[i]->account;
        if (e == NULL)
            continue;
        account_encode(records, &e->current);
        p[n++] = (struct stf_preimage){ c->sorted[i]->diff.new_value,
                                        bytes_of(records, ACCOUNT_RECORD_LEN), false };
        records += ACCOUNT_RECORD_LEN;
    }
    out->preimages = p;
    out->preimage_cnt = n;
    return true;
}

/* ---- pubdata stream ---- */

/* One change without its key; NULL measures. SIZE_MAX: the code is not to be had. */
static size_t write_change(struct stf_block *b, uint8_t *out, const struct change *c)
{
    if (c->account == NULL) {
        uint8_t scratch[33];
        struct u256 old = u256_of_b256(&c->diff.old_value), now = u256_of_b256(&c->diff.new_value);
        return pubdata_value_diff(out == NULL ? scratch : out, &old, &now);
    }
    const struct account_entry *e = c->account;
    struct pubdata_account a = { .old = &e->initial,
                                 .now = &e->current,
                                 .code_unpublished = e->code_unpublished };
    if (out != NULL && !e->code_unpublished && e->current.code_len != 0) {
        a.blob = journal_preimage(b, &e->current.bytecode_hash);
        if (a.blob.p == NULL)
            return SIZE_MAX;
    }
    return pubdata_account_diff(out, &a);
}

static size_t stream_len(struct stf_block *b, const struct changes *c)
{
    size_t n = 1 + 32 + 8 + 4 + 4 + 88 * b->l2_logs.cnt + 4;
    for (size_t i = 0; i < c->cnt; i++)
        n += 32 + write_change(b, NULL, c->sorted[i]);
    const struct stf_l2_log *logs = b->l2_logs.p;
    for (size_t i = 0; i < b->l2_logs.cnt; i++)
        n += logs[i].is_message ? 4 + logs[i].message.len : 0;
    return n;
}

static uint8_t *write_logs(const struct stf_block *b, uint8_t *p)
{
    const struct stf_l2_log *logs = b->l2_logs.p;
    size_t messages = 0;
    store_be32(p, (uint32_t)b->l2_logs.cnt);
    p += 4;
    for (size_t i = 0; i < b->l2_logs.cnt; i++, p += 88) {
        stf_l2_log_encode(p, &logs[i]);
        messages += logs[i].is_message;
    }
    store_be32(p, (uint32_t)messages);
    p += 4;
    for (size_t i = 0; i < b->l2_logs.cnt; i++) {
        if (!logs[i].is_message)
            continue;
        store_be32(p, (uint32_t)logs[i].message.len);
        p += 4;
        if (logs[i].message.len != 0)
            memcpy(p, logs[i].message.p, logs[i].message.len);
        p += logs[i].message.len;
    }
    return p;
}

static bool write_stream(struct stf_block *b, const struct changes *c, struct stf_block_output *out)
{
    size_t len = stream_len(b, c);
    uint8_t *start = arena_alloc(b->arena, len), *p = start;
    if (start == NULL)
        return false;
    *p++ = 1;
    memcpy(p, out->block_hash.b, 32);
    store_be64(p + 32, b->ctx->timestamp);
    store_be32(p + 40, (uint32_t)c->cnt);
    p += 44;
    for (size_t i = 0; i < c->cnt; i++) {
        memcpy(p, c->sorted[i]->diff.flat_key.b, 32);
        size_t n = write_change(b, p + 32, c->sorted[i]);
        if (n == SIZE_MAX)
            return false;
        p += 32 + n;
    }
    p = write_logs(b, p);
    CHECK((size_t)(p - start) == len);
    out->pubdata = bytes_of(start, len);
    return true;
}

static void fill_header(const struct stf_block *b, struct stf_block_output *out)
{
    const struct stf_block_context *ctx = b->ctx;
    out->header = (struct stf_header){ .parent_hash = ctx->block_hashes[255],
                                       .transactions_root = b->tx_rolling_hash,
                                       .coinbase = ctx->coinbase,
                                       .number = ctx->number,
                                       .gas_limit = ctx->gas_limit,
                                       .gas_used = b->gas_used,
                                       .timestamp = ctx->timestamp,
                                       .base_fee = ctx->base_fee,
                                       .mix_hash = b->rules->prevrandao_is_one
                                                       ? b256_of_u64(1)
                                                       : u256_to_b256(&ctx->mix_hash) };
    out->block_hash = stf_header_hash(&out->header);
}

bool stf_block_end(struct stf_block *b, struct stf_block_output *out, struct stf_fault *fault)
{
    memset(out, 0, sizeof *out);
    struct changes c;
    fill_header(b, out);
    if (b->fault.code != STF_OK || !collect_changes(b, &c) || !export_diffs(b, &c, out) ||
        !export_preimages(b, &c, out) || !write_stream(b, &c, out)) {
        (void)journal_out_of_memory(b); /* unless a fault is recorded already */
        *fault = b->fault;
        return false;
    }
    out->l2_logs = b->l2_logs.p;
    out->l2_log_cnt = b->l2_logs.cnt;
    out->interop_roots = b->interop_roots.p;
    out->interop_root_cnt = b->interop_roots.cnt;
    out->has_sl_chain_id = b->has_sl_chain_id;
    out->sl_chain_id = b->sl_chain_id;
    out->upgrade_tx_hash = b->upgrade_tx_hash;
    out->tx_cnt = b->tx_cnt;
    out->l1_tx_cnt = b->l1_tx_cnt;
    out->gas_used = b->gas_used;
    out->computational_native_used = b->native_used;
    out->pubdata_used = b->pubdata_used;
    return true;
}

/* ---- views ---- */

void stf_block_visit_accounts(const struct stf_block *b, stf_account_visit_fn *fn, void *arg)
{
    for (const struct account_entry *e = b->account_list; e != NULL; e = e->next) {
        if (!e->loaded)
            continue;
        struct bytes code = { NULL, 0 };
        if (e->current.code_len != 0) {
            const struct bytes *known = map_find(&b->preimages, e->current.bytecode_hash.b);
            struct bytes blob = known != NULL ? *known : code;
            if (known != NULL ||
                b->oracle->read_preimage(b->oracle->ctx, &e->current.bytecode_hash, &blob))
                code = bytes_of(blob.p, e->current.code_len);
        }
        fn(arg, &e->addr, &e->current, code);
    }
}

void stf_block_visit_slots(const struct stf_block *b, stf_slot_visit_fn *fn, void *arg)
{
    for (const struct slot_entry *s = b->slot_list; s != NULL; s = s->next)
        if (s->loaded)
            fn(arg, &s->addr, &s->slot, &s->current);
}
