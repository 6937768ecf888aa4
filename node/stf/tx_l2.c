/* node/stf/tx_l2.c
 *
 * Ethereum transactions: legacy, 0x01, 0x02, 0x03, 0x04 (spec 10 §1.2). The signing hash is that of the
 * list without its signature fields; the fields before them are hashed where they lie. */
#include "node/base/hash.h"
#include "node/base/rlp.h"
#include "node/stf/tx_wire.h"

/* 20 bytes, or empty for a creation */
static enum stf_error read_to(struct stf_tx *out, struct rlp_reader *r)
{
    struct bytes to = rlp_read_string(r);
    if (to.len == 0) {
        out->is_create = true;
        return STF_OK;
    }
    if (to.len != 20)
        return STF_E_INVALID_ENCODING;
    memcpy(out->to.b, to.p, 20);
    return STF_OK;
}

/* keccak(prefix || list header || fields || tail): the list without the signature */
static struct b256 hash_unsigned(struct bytes prefix, struct bytes fields, struct bytes tail)
{
    uint8_t head[9];
    struct keccak k;
    keccak_init(&k);
    keccak_update(&k, prefix.p, prefix.len);
    keccak_update(&k, head, rlp_write_list_header(head, fields.len + tail.len));
    keccak_update(&k, fields.p, fields.len);
    keccak_update(&k, tail.p, tail.len);
    return keccak_final(&k);
}

/* v = 27/28 or 35 + 2 * chain + parity */
static bool split_v(struct stf_tx *out, const struct u256 *v)
{
    if (u256_fits_u64(v) && v->w[0] < 35) {
        if (v->w[0] != 27 && v->w[0] != 28)
            return false;
        out->y_parity = (uint8_t)(v->w[0] - 27);
        return true;
    }
    struct u256 base = u256_of_u64(35);
    struct u256 rest = u256_sub(v, &base);
    out->y_parity = rest.w[0] & 1u;
    rest = u256_shr(&rest, 1);
    if (!u256_fits_u64(&rest))
        return false;
    out->has_chain_id = true;
    out->chain_id = rest.w[0];
    return true;
}

enum stf_error tx_decode_legacy(struct stf_tx *out, struct bytes in)
{
    struct rlp_reader top = rlp_reader_of(in);
    struct rlp_reader r = rlp_read_list(&top);
    const uint8_t *start = r.p;
    out->type = TX_LEGACY;
    out->nonce = rlp_read_u64(&r);
    out->max_fee = rlp_read_u256(&r);
    out->max_priority_fee = out->max_fee;
    out->gas_limit = rlp_read_u64(&r);
    if (read_to(out, &r) != STF_OK)
        return STF_E_INVALID_ENCODING;
    out->value = rlp_read_u256(&r);
    out->data = rlp_read_string(&r);
    if (!r.ok)
        return STF_E_INVALID_ENCODING;
    struct bytes fields = bytes_of(start, (size_t)(r.p - start));
    struct u256 v = rlp_read_u256(&r);
    out->r = rlp_read_u256(&r);
    out->s = rlp_read_u256(&r);
    if (!rlp_finish(&r) || !rlp_finish(&top) || !split_v(out, &v))
        return STF_E_INVALID_ENCODING;
    uint8_t tail[11];
    size_t n = 0;
    if (out->has_chain_id) {
        n += rlp_write_u64(tail, out->chain_id);
        n += rlp_write_u64(tail + n, 0);
        n += rlp_write_u64(tail + n, 0);
    }
    out->signing_hash = hash_unsigned(bytes_of(NULL, 0), fields, bytes_of(tail, n));
    out->hash = keccak256(in.p, in.len);
    return STF_OK;
}

/* How many items the list holds; a list whose items are too short to be valid is a fault at once, so
 * that nobody reserves memory for millions of empty ones. */
static size_t count_items(struct rlp_reader *list, size_t min_item_len)
{
    struct rlp_reader r = *list; /* the caller's cursor stays */
    size_t n = 0, len = (size_t)(r.end - r.p);
    while (r.ok && !rlp_at_end(&r)) {
        (void)rlp_read_raw(&r);
        n++;
    }
    if (!r.ok || n > len / min_item_len) {
        list->ok = false;
        return 0;
    }
    return n;
}

/* A list of 32-byte strings into the arena; b256 is its wire form. */
static enum stf_error read_words(const struct b256 **out, size_t *cnt, struct rlp_reader *r,
                                 struct arena *arena)
{
    struct rlp_reader list = rlp_read_list(r);
    size_t n = count_items(&list, 33);
    struct b256 *words = arena_alloc(arena, n * sizeof *words);
    if (words == NULL)
        return STF_E_OUT_OF_MEMORY;
    for (size_t i = 0; i < n && list.ok; i++)
        rlp_read_fixed(&list, words[i].b, 32);
    if (!rlp_finish(&list))
        return STF_E_INVALID_ENCODING;
    *out = words;
    *cnt = n;
    return STF_OK;
}

static enum stf_error read_access_list(struct stf_tx *out, struct rlp_reader *r,
                                       struct arena *arena)
{
    struct rlp_reader list = rlp_read_list(r);
    size_t n = count_items(&list, 1 + 21 + 1);
    struct tx_access *items = arena_zalloc(arena, n * sizeof *items);
    if (items == NULL)
        return STF_E_OUT_OF_MEMORY;
    for (size_t i = 0; i < n; i++) {
        struct rlp_reader item = rlp_read_list(&list);
        rlp_read_fixed(&item, items[i].addr.b, 20);
        enum stf_error e = read_words(&items[i].keys, &items[i].key_cnt, &item, arena);
        if (e != STF_OK)
            return e;
        if (!rlp_finish(&item))
            return STF_E_INVALID_ENCODING;
    }
    if (!rlp_finish(&list))
        return STF_E_INVALID_ENCODING;
    out->access = items;
    out->access_cnt = n;
    return STF_OK;
}

static enum stf_error read_authorizations(struct stf_tx *out, struct rlp_reader *r,
                                          struct arena *arena)
{
    struct rlp_reader list = rlp_read_list(r);
    size_t n = count_items(&list, 1 + 1 + 21 + 4);
    struct tx_authorization *auths = arena_zalloc(arena, n * sizeof *auths);
    if (auths == NULL)
        return STF_E_OUT_OF_MEMORY;
    for (size_t i = 0; i < n; i++) {
        struct rlp_reader item = rlp_read_list(&list);
        auths[i].chain_id = rlp_read_u256(&item);
        rlp_read_fixed(&item, auths[i].target.b, 20);
        auths[i].nonce = rlp_read_u64(&item);
        auths[i].y_parity = rlp_read_u256(&item);
        auths[i].r = rlp_read_u256(&item);
        auths[i].s = rlp_read_u256(&item);
        if (!rlp_finish(&item) || !u256_fits_u64(&auths[i].y_parity) ||
            auths[i].y_parity.w[0] > UINT8_MAX)
            return STF_E_INVALID_ENCODING;
    }
    if (!rlp_finish(&list))
        return STF_E_INVALID_ENCODING;
    out->auths = auths;
    out->auth_cnt = n;
    return STF_OK;
}

static enum stf_error read_lists(struct stf_tx *out, struct rlp_reader *r, struct arena *arena)
{
    enum stf_error e = read_access_list(out, r, arena);
    if (e != STF_OK)
        return e;
    if (out->type == TX_SET_CODE)
        return read_authorizations(out, r, arena);
    if (out->type == TX_BLOB) {
        out->max_fee_per_blob_gas = rlp_read_u256(r);
        return read_words(&out->blob_hashes, &out->blob_cnt, r, arena);
    }
    return STF_OK;
}

enum stf_error tx_decode_typed(struct stf_tx *out, struct bytes in, struct arena *arena)
{
    struct rlp_reader top = rlp_reader_of(bytes_of(in.p + 1, in.len - 1));
    struct rlp_reader r = rlp_read_list(&top);
    const uint8_t *start = r.p;
    out->has_chain_id = true;
    out->chain_id = rlp_read_u64(&r);
    out->nonce = rlp_read_u64(&r);
    out->max_priority_fee = rlp_read_u256(&r);
    out->max_fee = out->max_priority_fee;
    if (out->type != TX_ACCESS_LIST)
        out->max_fee = rlp_read_u256(&r);
    out->gas_limit = rlp_read_u64(&r);
    if (read_to(out, &r) != STF_OK)
        return STF_E_INVALID_ENCODING;
    if (out->is_create && (out->type == TX_BLOB || out->type == TX_SET_CODE))
        return STF_E_INVALID_ENCODING;
    out->value = rlp_read_u256(&r);
    out->data = rlp_read_string(&r);
    enum stf_error e = r.ok ? read_lists(out, &r, arena) : STF_E_INVALID_ENCODING;
    if (e != STF_OK)
        return e;
    if (!r.ok)
        return STF_E_INVALID_ENCODING;
    struct bytes fields = bytes_of(start, (size_t)(r.p - start));
    uint64_t parity = rlp_read_u64(&r);
    out->r = rlp_read_u256(&r);
    out->s = rlp_read_u256(&r);
    if (!rlp_finish(&r) || !rlp_finish(&top) || parity > 1)
        return STF_E_INVALID_ENCODING;
    out->y_parity = (uint8_t)parity;
    out->signing_hash = hash_unsigned(bytes_of(in.p, 1), fields, bytes_of(NULL, 0));
    out->hash = keccak256(in.p, in.len);
    return STF_OK;
}
