#include "node/state/genesis.h"

#include <jansson.h>
#include <string.h>

#include "node/base/file.h"
#include "node/base/hex.h"
#include "node/state/mem.h"

#define ARENA_CHUNK (1u << 20)
#define ARENA_LIMIT (512u << 20)

struct loader {
    struct genesis *g;
    uint64_t diff_cap, preimage_cap;
    struct err *err;
};

static bool bad(struct loader *ld, const char *where, const char *what)
{
    return err_set(ld->err, ERR_INVALID, "genesis: %.100s: %s", where, what);
}

/* ---- values ---- */

static bool read_fixed(struct loader *ld, void *out, size_t len, const json_t *j, const char *where)
{
    if (!json_is_string(j) ||
        !hex_decode_exact(out, len, json_string_value(j), json_string_length(j)))
        return bad(ld, where, len == 20 ? "not an address" : "not 32 bytes of hexadecimal");
    return true;
}

/* "0x..." of at most 32 bytes, or a small JSON integer. */
static bool read_number(struct loader *ld, struct u256 *out, const json_t *j, const char *where)
{
    if (json_is_integer(j) && json_integer_value(j) >= 0) {
        *out = u256_of_u64((uint64_t)json_integer_value(j));
        return true;
    }
    if (!json_is_string(j) ||
        !hex_parse_quantity(out, json_string_value(j), json_string_length(j), true))
        return bad(ld, where, "not a number of at most 32 bytes");
    return true;
}

static bool read_word(struct loader *ld, struct b256 *out, const char *text, size_t len,
                      const char *where)
{
    struct u256 v;
    if (!hex_parse_quantity(&v, text, len, true))
        return bad(ld, where, "not a word of at most 32 bytes");
    *out = u256_to_b256(&v);
    return true;
}

/* Code as bytes in the arena. */
static bool read_code(struct loader *ld, struct bytes *out, const json_t *j, const char *where)
{
    *out = (struct bytes){ 0 };
    if (!json_is_string(j))
        return bad(ld, where, "code is not a string");
    size_t text_len = json_string_length(j), len;
    uint8_t *p = arena_alloc(ld->g->arena, text_len / 2 + 1);
    if (!p)
        return err_set(ld->err, ERR_LOCAL, "genesis: out of memory");
    if (!hex_decode(p, text_len / 2 + 1, &len, json_string_value(j), text_len))
        return bad(ld, where, "code is not hexadecimal");
    if (len > UINT32_MAX / 2)
        return bad(ld, where, "code is too long");
    *out = bytes_of(p, len);
    return true;
}

/* ---- entries ---- */

static void add_diff(struct loader *ld, const struct stf_diff *d)
{
    struct genesis *g = ld->g;
    g->diffs = mem_more(g->diffs, &ld->diff_cap, g->diff_cnt + 1, sizeof(*g->diffs));
    g->diffs[g->diff_cnt++] = *d;
}

static void add_preimage(struct loader *ld, const struct b256 *hash, struct bytes data,
                         bool is_code)
{
    struct genesis *g = ld->g;
    g->preimages =
        mem_more(g->preimages, &ld->preimage_cap, g->preimage_cnt + 1, sizeof(*g->preimages));
    g->preimages[g->preimage_cnt++] = (struct stf_preimage){ *hash, data, is_code };
}

static void add_slot(struct loader *ld, const struct addr *a, const struct b256 *slot,
                     const struct b256 *value)
{
    struct stf_diff d = { .addr = *a,
                          .slot = *slot,
                          .flat_key = blake2s_flat_key(a, slot),
                          .new_value = *value,
                          .is_new = true };
    add_diff(ld, &d);
}

/* The record, its blob, and the entry that names it. An account with nothing in it gets no leaf. */
static bool add_account(struct loader *ld, const struct addr *a, uint64_t nonce,
                        const struct u256 *balance, struct bytes code)
{
    struct account_record rec = { .nonce = nonce, .balance = *balance };
    if (code.len) {
        size_t len = code_blob_len(code.len);
        uint8_t *blob = arena_zalloc(ld->g->arena, len);
        if (!blob)
            return err_set(ld->err, ERR_LOCAL, "genesis: out of memory");
        code_blob_build(blob, code);
        account_set_code(&rec, bytes_of(blob, len), code.len);
        add_preimage(ld, &rec.bytecode_hash, bytes_of(blob, len), true);
    }
    if (account_is_default(&rec))
        return true;
    uint8_t *raw = arena_alloc(ld->g->arena, ACCOUNT_RECORD_LEN);
    if (!raw)
        return err_set(ld->err, ERR_LOCAL, "genesis: out of memory");
    account_encode(raw, &rec);
    struct b256 value = account_value(&rec), slot = addr_pad32(a);
    add_preimage(ld, &value, bytes_of(raw, ACCOUNT_RECORD_LEN), false);
    struct addr pseudo = account_storage_addr();
    add_slot(ld, &pseudo, &slot, &value);
    return true;
}

static bool read_slots(struct loader *ld, const struct addr *a, json_t *slots, const char *where)
{
    if (!json_is_object(slots))
        return bad(ld, where, "storage is not an object");
    const char *key;
    json_t *v;
    json_object_foreach(slots, key, v)
    {
        struct b256 slot, value;
        struct u256 n;
        if (!read_word(ld, &slot, key, strlen(key), where) || !read_number(ld, &n, v, key))
            return false;
        value = u256_to_b256(&n);
        add_slot(ld, a, &slot, &value);
    }
    return true;
}

/* ---- the two shapes ---- */

static bool read_alloc_account(struct loader *ld, const char *name, json_t *acc)
{
    struct addr a;
    struct u256 nonce = U256_ZERO, balance = U256_ZERO;
    struct bytes code = { 0 };
    if (!hex_decode_exact(a.b, 20, name, strlen(name)))
        return bad(ld, name, "not an address");
    if (!json_is_object(acc))
        return bad(ld, name, "not an object");
    json_t *j;
    if ((j = json_object_get(acc, "nonce")) && !read_number(ld, &nonce, j, name))
        return false;
    if ((j = json_object_get(acc, "balance")) && !read_number(ld, &balance, j, name))
        return false;
    if ((j = json_object_get(acc, "code")) && !read_code(ld, &code, j, name))
        return false;
    if (!u256_fits_u64(&nonce))
        return bad(ld, name, "the nonce has more than 64 bits");
    if (!add_account(ld, &a, nonce.w[0], &balance, code))
        return false;
    j = json_object_get(acc, "storage");
    return !j || read_slots(ld, &a, j, name);
}

static bool read_alloc(struct loader *ld, json_t *alloc)
{
    if (!json_is_object(alloc))
        return bad(ld, "alloc", "not an object");
    const char *name;
    json_t *acc;
    json_object_foreach(alloc, name, acc)
    {
        if (!read_alloc_account(ld, name, acc))
            return false;
    }
    return true;
}

static bool read_contracts(struct loader *ld, json_t *list)
{
    if (!json_is_array(list))
        return bad(ld, "initial_contracts", "not an array");
    size_t i;
    json_t *pair;
    struct u256 none = U256_ZERO;
    json_array_foreach(list, i, pair)
    {
        struct addr a;
        struct bytes code;
        if (!json_is_array(pair) || json_array_size(pair) != 2)
            return bad(ld, "initial_contracts", "an item is not [address, code]");
        if (!read_fixed(ld, a.b, 20, json_array_get(pair, 0), "initial_contracts") ||
            !read_code(ld, &code, json_array_get(pair, 1), "initial_contracts"))
            return false;
        if (code.len == 0)
            return bad(ld, "initial_contracts", "a contract without code");
        if (!add_account(ld, &a, 1, &none, code))
            return false;
    }
    return true;
}

static bool read_raw_storage(struct loader *ld, json_t *list, const char *where)
{
    if (!json_is_array(list))
        return bad(ld, where, "not an array");
    size_t i;
    json_t *pair;
    json_array_foreach(list, i, pair)
    {
        struct stf_diff d = { .is_new = true };
        if (!json_is_array(pair) || json_array_size(pair) != 2)
            return bad(ld, where, "an item is not [flat key, value]");
        if (!read_fixed(ld, d.flat_key.b, 32, json_array_get(pair, 0), where) ||
            !read_fixed(ld, d.new_value.b, 32, json_array_get(pair, 1), where))
            return false;
        add_diff(ld, &d);
    }
    return true;
}

static bool read_additional(struct loader *ld, json_t *j)
{
    if (json_is_array(j))
        return read_raw_storage(ld, j, "additional_storage");
    if (!json_is_object(j))
        return bad(ld, "additional_storage", "neither an object nor an array");
    const char *name;
    json_t *slots;
    json_object_foreach(j, name, slots)
    {
        struct addr a;
        if (!hex_decode_exact(a.b, 20, name, strlen(name)))
            return bad(ld, name, "not an address");
        if (!read_slots(ld, &a, slots, name))
            return false;
    }
    return true;
}

/* [0, 31, 0], { "minor": 31 } or "0.31.0" */
static bool read_version(struct loader *ld, const json_t *j, const char *where)
{
    const json_t *minor = json_is_array(j)    ? json_array_get(j, 1)
                          : json_is_object(j) ? json_object_get(j, "minor")
                                              : NULL;
    if (json_is_integer(minor) && json_integer_value(minor) >= 0 &&
        json_integer_value(minor) <= UINT32_MAX) {
        ld->g->protocol_minor = (uint32_t)json_integer_value(minor);
        return true;
    }
    const char *s = json_is_string(j) ? strchr(json_string_value(j), '.') : NULL;
    const char *end = s ? strchr(s + 1, '.') : NULL;
    struct u256 v;
    if (!end || !u256_parse_dec(&v, s + 1, (size_t)(end - s - 1)) || u256_sat_u64(&v) > UINT32_MAX)
        return bad(ld, where, "not a protocol version");
    ld->g->protocol_minor = (uint32_t)v.w[0];
    return true;
}

/* NULL when it is absent or null. */
static json_t *optional(json_t *obj, const char *name)
{
    json_t *j = json_object_get(obj, name);
    return json_is_null(j) ? NULL : j;
}

static bool read_labels(struct loader *ld, json_t *root)
{
    struct genesis *g = ld->g;
    json_t *j = optional(root, "genesisRoot");
    if (!j)
        j = optional(root, "genesis_root");
    if (j) {
        if (!read_fixed(ld, g->root.b, 32, j, "genesis root"))
            return false;
        g->has_root = true;
    }
    j = optional(root, "protocolVersion");
    if (!j)
        j = optional(root, "protocol_semantic_version");
    if (j && !read_version(ld, j, "protocol version"))
        return false;
    j = optional(root, "execution_version");
    struct u256 v = U256_ZERO;
    if (!j)
        return true;
    if (!read_number(ld, &v, j, "execution_version"))
        return false;
    if (u256_sat_u64(&v) > UINT32_MAX)
        return bad(ld, "execution_version", "too large");
    g->execution_version = (uint32_t)v.w[0];
    return true;
}

static int diff_cmp(const void *a, const void *b)
{
    return memcmp(((const struct stf_diff *)a)->flat_key.b,
                  ((const struct stf_diff *)b)->flat_key.b, 32);
}

/* Leaves are made in ascending flat-key order, at genesis only (spec 20 §4.4). */
static bool sort_entries(struct loader *ld)
{
    struct genesis *g = ld->g;
    if (g->diff_cnt)
        qsort(g->diffs, g->diff_cnt, sizeof(*g->diffs), diff_cmp);
    for (size_t i = 1; i < g->diff_cnt; i++) {
        if (!b256_eq(&g->diffs[i - 1].flat_key, &g->diffs[i].flat_key))
            continue;
        char hex[67];
        hex_encode0x(hex, g->diffs[i].flat_key.b, 32);
        return bad(ld, hex, "this flat key occurs twice");
    }
    return true;
}

static bool read_root(struct loader *ld, json_t *root)
{
    if (!json_is_object(root))
        return bad(ld, "file", "not a JSON object");
    json_t *alloc = json_object_get(root, "alloc");
    json_t *contracts = json_object_get(root, "initial_contracts");
    if (!alloc == !contracts)
        return bad(ld, "file", "needs either alloc or initial_contracts");
    if (alloc && !read_alloc(ld, alloc))
        return false;
    if (contracts && !read_contracts(ld, contracts))
        return false;
    json_t *j = optional(root, "additional_storage");
    if (contracts && j && !read_additional(ld, j))
        return false;
    j = optional(root, "additional_storage_raw");
    if (contracts && j && !read_raw_storage(ld, j, "additional_storage_raw"))
        return false;
    return read_labels(ld, root) && sort_entries(ld);
}

bool genesis_parse(struct genesis *out, struct bytes json, struct err *err)
{
    *out = (struct genesis){ 0 };
    if (json.len > GENESIS_FILE_MAX)
        return err_set(err, ERR_INVALID, "genesis: more than %u bytes", GENESIS_FILE_MAX);
    json_error_t at;
    json_t *root = json_loadb((const char *)json.p, json.len, JSON_REJECT_DUPLICATES, &at);
    if (!root)
        return err_set(err, ERR_INVALID, "genesis: line %d: %.200s", at.line, at.text);
    out->arena = mem_zalloc(1, sizeof(*out->arena));
    arena_init_growing(out->arena, ARENA_CHUNK, ARENA_LIMIT);
    struct loader ld = { .g = out, .err = err };
    bool ok = read_root(&ld, root);
    json_decref(root);
    if (!ok)
        genesis_clear(out);
    return ok;
}

bool genesis_load(struct genesis *out, const char *path, struct err *err)
{
    *out = (struct genesis){ 0 };
    uint8_t *text;
    size_t len;
    if (!file_read(&text, &len, path, GENESIS_FILE_MAX, err))
        return false;
    bool ok = genesis_parse(out, bytes_of(text, len), err) || err_wrap(err, "%s", path);
    free(text);
    return ok;
}

void genesis_clear(struct genesis *g)
{
    free(g->diffs);
    free(g->preimages);
    if (g->arena) {
        arena_clear(g->arena);
        free(g->arena);
    }
    *g = (struct genesis){ 0 };
}

struct stf_header genesis_header(void)
{
    return (struct stf_header){ .gas_limit = 5000, .base_fee = u256_of_u64(1000000000) };
}

struct b256 genesis_block_hash(void)
{
    struct stf_header h = genesis_header();
    return stf_header_hash(&h);
}

bool genesis_apply(struct state *s, const struct genesis *g, struct state_mark *mark,
                   struct b256 *commitment, struct err *err)
{
    struct state_mark m;
    if (!state_start(s, 0, g->diffs, g->diff_cnt, g->preimages, g->preimage_cnt, &m, err))
        return err_wrap(err, "genesis");
    struct state_ring ring = { 0 };
    struct b256 own = genesis_block_hash();
    state_ring_push(&ring, &own);
    struct b256 last256 = state_ring_hash(&ring);
    struct b256 got = state_commitment(&m, &last256, 0);
    if (mark)
        *mark = m;
    if (commitment)
        *commitment = got;
    if (g->has_root && !b256_eq(&got, &g->root)) {
        char want_hex[67], got_hex[67];
        hex_encode0x(want_hex, g->root.b, 32);
        hex_encode0x(got_hex, got.b, 32);
        return err_set(err, ERR_INVALID,
                       "genesis: the file says state commitment %s, its content gives %s", want_hex,
                       got_hex);
    }
    return true;
}
