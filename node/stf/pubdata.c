/* node/stf/pubdata.c
 *
 * Encodings of state changes in pubdata version 1, and what a transaction is charged for them (spec 20 §6). */
#include "node/stf/journal.h"

enum { KIND_FULL = 0, KIND_ADD = 1, KIND_SUB = 2, KIND_TRANSFORM = 3, KIND_ACCOUNT = 4 };
enum {
    FORMAT_FULL = 0,
    FORMAT_NONCE = 1,
    FORMAT_BALANCE = 2,
    FORMAT_BOTH = 3,
    FORMAT_UNPUBLISHED = 4
};

size_t pubdata_value_diff(uint8_t out[33], const struct u256 *old, const struct u256 *now)
{
    struct u256 added = u256_sub(now, old), removed = u256_sub(old, now);
    bool shrinks = u256_lt(now, old), grows = u256_lt(old, now);
    unsigned kind = KIND_FULL, best = 32;
    const struct u256 *payload = now;
    /* the first of the shortest wins: add, subtract, transform */
    unsigned len = u256_byte_len(&added);
    if (!shrinks && len < best) {
        kind = KIND_ADD;
        best = len;
        payload = &added;
    }
    len = u256_byte_len(&removed);
    if (!grows && len < best) {
        kind = KIND_SUB;
        best = len;
        payload = &removed;
    }
    len = u256_byte_len(now);
    if (len < best) {
        kind = KIND_TRANSFORM;
        best = len;
        payload = now;
    }
    uint8_t word[32];
    u256_to_be32(word, payload);
    out[0] = kind == KIND_FULL ? 0 : (uint8_t)(best << 3 | kind);
    memcpy(out + 1, word + 32 - best, best);
    return 1 + best;
}

/* Appends to out when there is one, counts in any case. */
struct sink {
    uint8_t *out;
    size_t len;
};

static void put(struct sink *s, const void *p, size_t n)
{
    if (s->out != NULL && n != 0)
        memcpy(s->out + s->len, p, n);
    s->len += n;
}

static void put_u8(struct sink *s, uint8_t v)
{
    put(s, &v, 1);
}

static void put_u32(struct sink *s, size_t v)
{
    uint8_t w[4];
    store_be32(w, (uint32_t)v);
    put(s, w, 4);
}

static void put_value_diff(struct sink *s, const struct u256 *old, const struct u256 *now)
{
    uint8_t w[33];
    put(s, w, pubdata_value_diff(w, old, now));
}

static void put_nonce_diff(struct sink *s, const struct pubdata_account *a)
{
    struct u256 old = u256_of_u64(a->old->nonce), now = u256_of_u64(a->now->nonce);
    put_value_diff(s, &old, &now);
}

static void put_balance_diff(struct sink *s, const struct pubdata_account *a)
{
    if (a->balance_uncompressed) { /* only ever measured: the worst case */
        uint8_t w[33] = { 0 };
        u256_to_be32(w + 1, &a->now->balance);
        put(s, w, 33);
    } else {
        put_value_diff(s, &a->old->balance, &a->now->balance);
    }
}

static bool code_changed(const struct account_record *a, const struct account_record *b)
{
    return a->versioning != b->versioning || a->code_len != b->code_len ||
           a->artifacts_len != b->artifacts_len || a->observable_len != b->observable_len ||
           !b256_eq(&a->bytecode_hash, &b->bytecode_hash) ||
           !b256_eq(&a->observable_hash, &b->observable_hash);
}

static void put_full_account(struct sink *s, const struct pubdata_account *a)
{
    uint8_t versioning[8];
    put_u8(s,
           (uint8_t)((a->code_unpublished ? FORMAT_UNPUBLISHED : FORMAT_FULL) << 3 | KIND_ACCOUNT));
    store_be64(versioning, a->now->versioning);
    put(s, versioning, 8);
    put_nonce_diff(s, a);
    put_balance_diff(s, a);
    if (a->code_unpublished) {
        put(s, a->now->bytecode_hash.b, 32);
    } else {
        size_t blob_len = code_padded_len(a->now->code_len) + a->now->artifacts_len;
        CHECK(s->out == NULL || a->blob.len == blob_len);
        put_u32(s, a->now->code_len);
        put_u32(s, a->now->artifacts_len);
        put(s, a->blob.p, blob_len);
    }
    put_u32(s, a->now->observable_len);
}

size_t pubdata_account_diff(uint8_t *out, const struct pubdata_account *a)
{
    struct sink s;
    s.out = out;
    s.len = 0;
    if (code_changed(a->old, a->now)) {
        put_full_account(&s, a);
        return s.len;
    }
    bool nonce = a->old->nonce != a->now->nonce;
    bool balance = a->balance_uncompressed || !u256_eq(&a->old->balance, &a->now->balance);
    unsigned format = (nonce ? FORMAT_NONCE : 0) | (balance ? FORMAT_BALANCE : 0);
    put_u8(&s, (uint8_t)(format << 3 | KIND_ACCOUNT));
    if (nonce)
        put_nonce_diff(&s, a);
    if (balance)
        put_balance_diff(&s, a);
    return s.len;
}

/* ---- charging ---- */

static uint64_t account_charge(const struct account_entry *e)
{
    bool forced = e->balance_uncompressed;
    if (!forced && (account_eq(&e->current, &e->initial) || account_eq(&e->current, &e->tx_start)))
        return 0;
    struct pubdata_account a = { .old = &e->tx_start,
                                 .now = &e->current,
                                 .code_unpublished = e->code_unpublished,
                                 .balance_uncompressed = forced };
    uint64_t len = 32 + pubdata_account_diff(NULL, &a);
    /* version 1 charges the unpublished format for a length field it does not write */
    if (e->code_unpublished && code_changed(&e->tx_start, &e->current))
        len += 4;
    return len;
}

static uint64_t slot_charge(const struct slot_entry *s)
{
    if (b256_eq(&s->current, &s->initial) || b256_eq(&s->current, &s->tx_start))
        return 0;
    uint8_t scratch[33];
    struct u256 old = u256_of_b256(&s->tx_start), now = u256_of_b256(&s->current);
    return 32 + pubdata_value_diff(scratch, &old, &now);
}

uint64_t pubdata_of_tx(const struct stf_block *b)
{
    uint64_t n = 0;
    struct account_entry *const *accounts = b->tx_accounts.p;
    for (size_t i = 0; i < b->tx_accounts.cnt; i++)
        n += account_charge(accounts[i]);
    struct slot_entry *const *slots = b->tx_slots.p;
    for (size_t i = 0; i < b->tx_slots.cnt; i++)
        n += slot_charge(slots[i]);
    const struct stf_l2_log *logs = b->l2_logs.p;
    for (size_t i = b->tx_first_log; i < b->l2_logs.cnt; i++)
        n += 88 + (logs[i].is_message ? 4 + (uint64_t)logs[i].message.len : 0);
    return n;
}
