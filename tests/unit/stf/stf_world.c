/* tests/unit/stf/stf_world.c */
#include "tests/unit/stf/stf_world.h"

#include <stdlib.h>
#include <string.h>

#include "node/base/hash.h"
#include "node/base/hex.h"

static void *world_alloc(void *ctx, size_t n)
{
    return arena_alloc(ctx, n);
}

static bool read_slot(void *ctx, const struct b256 *flat_key, struct b256 *value, bool *exists)
{
    const struct world *w = ctx;
    const size_t *at = map_find(&w->values, flat_key->b);
    *exists = at != NULL;
    *value = at == NULL ? (struct b256){ { 0 } } : w->leaves[*at].value;
    return !w->broken;
}

static bool read_preimage(void *ctx, const struct b256 *hash, struct bytes *out)
{
    const struct world *w = ctx;
    const struct bytes *at = map_find(&w->preimages, hash->b);
    if (at == NULL || w->broken)
        return false;
    *out = *at;
    return true;
}

static void append_leaf(struct world *w, const struct b256 *key, const struct b256 *value)
{
    if (w->leaf_cnt == w->leaf_cap) {
        w->leaf_cap = w->leaf_cap == 0 ? 64 : w->leaf_cap * 2;
        w->leaves = realloc(w->leaves, w->leaf_cap * sizeof *w->leaves);
        CHECK(w->leaves != NULL);
    }
    size_t *at = map_put(&w->values, key->b, NULL);
    CHECK(at != NULL);
    *at = w->leaf_cnt;
    w->leaves[w->leaf_cnt++] = (struct world_leaf){ *key, *value };
}

void world_init(struct world *w)
{
    memset(w, 0, sizeof *w);
    arena_init_growing(&w->arena, 1 << 20, 1u << 30);
    map_init(&w->values, 32, sizeof(size_t), 7, world_alloc, NULL, &w->arena);
    map_init(&w->preimages, 32, sizeof(struct bytes), 7, world_alloc, NULL, &w->arena);
    w->oracle.ctx = w;
    w->oracle.read_slot = read_slot;
    w->oracle.read_preimage = read_preimage;
    struct b256 zero = { { 0 } }, ones;
    memset(ones.b, 0xff, 32);
    append_leaf(w, &zero, &zero);
    append_leaf(w, &ones, &zero);
}

void world_clear(struct world *w)
{
    arena_clear(&w->arena);
    free(w->leaves);
    memset(w, 0, sizeof *w);
}

void world_put(struct world *w, const struct b256 *flat_key, const struct b256 *value)
{
    const size_t *at = map_find(&w->values, flat_key->b);
    if (at != NULL)
        w->leaves[*at].value = *value;
    else
        append_leaf(w, flat_key, value);
}

void world_put_preimage(struct world *w, const struct b256 *hash, struct bytes data)
{
    struct bytes *at = map_put(&w->preimages, hash->b, NULL);
    uint8_t *copy = arena_copy(&w->arena, data.p, data.len);
    CHECK(at != NULL && copy != NULL);
    *at = bytes_of(copy, data.len);
}

void world_set_slot(struct world *w, const struct addr *a, const struct b256 *slot,
                    const struct b256 *value)
{
    struct b256 key = blake2s_flat_key(a, slot);
    world_put(w, &key, value);
}

void world_set_account(struct world *w, const struct addr *a, uint64_t nonce,
                       const struct u256 *balance, struct bytes code)
{
    struct account_record rec;
    memset(&rec, 0, sizeof rec);
    rec.nonce = nonce;
    rec.balance = *balance;
    if (code.len != 0) {
        size_t len = code_blob_len(code.len);
        uint8_t *blob = arena_alloc(&w->arena, len);
        CHECK(blob != NULL);
        code_blob_build(blob, code);
        account_set_code(&rec, bytes_of(blob, len), code.len);
        world_put_preimage(w, &rec.bytecode_hash, bytes_of(blob, len));
    }
    uint8_t enc[ACCOUNT_RECORD_LEN];
    account_encode(enc, &rec);
    struct b256 value = account_value(&rec), key = account_flat_key(a);
    world_put_preimage(w, &value, bytes_of(enc, sizeof enc));
    world_put(w, &key, &value);
}

struct account_record world_account(const struct world *w, const struct addr *a)
{
    struct account_record rec;
    memset(&rec, 0, sizeof rec);
    struct b256 key = account_flat_key(a);
    const size_t *at = map_find(&w->values, key.b);
    if (at == NULL || b256_is_zero(&w->leaves[*at].value))
        return rec;
    const struct bytes *data = map_find(&w->preimages, w->leaves[*at].value.b);
    CHECK(data != NULL && account_decode(&rec, *data));
    return rec;
}

struct b256 world_slot(const struct world *w, const struct addr *a, const struct b256 *slot)
{
    struct b256 key = blake2s_flat_key(a, slot);
    const size_t *at = map_find(&w->values, key.b);
    return at == NULL ? (struct b256){ { 0 } } : w->leaves[*at].value;
}

void world_apply(struct world *w, const struct stf_block_output *out)
{
    for (size_t i = 0; i < out->preimage_cnt; i++)
        world_put_preimage(w, &out->preimages[i].hash, out->preimages[i].data);
    for (size_t i = 0; i < out->diff_cnt; i++)
        world_put(w, &out->diffs[i].flat_key, &out->diffs[i].new_value);
}

static int leaf_cmp(const void *a, const void *b)
{
    return memcmp(((const struct world_leaf *)a)->key.b, ((const struct world_leaf *)b)->key.b, 32);
}

void world_sort_leaves(struct world *w)
{
    qsort(w->leaves + 2, w->leaf_cnt - 2, sizeof *w->leaves, leaf_cmp);
    for (size_t i = 0; i < w->leaf_cnt; i++)
        *(size_t *)map_find(&w->values, w->leaves[i].key.b) = i;
}

/* Index of the leaf with the next larger key; the last one points to itself. */
static void link_leaves(const struct world *w, uint64_t *next)
{
    struct world_leaf *sorted = malloc(w->leaf_cnt * sizeof *sorted);
    CHECK(sorted != NULL);
    memcpy(sorted, w->leaves, w->leaf_cnt * sizeof *sorted);
    qsort(sorted, w->leaf_cnt, sizeof *sorted, leaf_cmp);
    for (size_t i = 0; i < w->leaf_cnt; i++) {
        size_t after = i + 1 < w->leaf_cnt ? i + 1 : i;
        size_t from = *(const size_t *)map_find(&w->values, sorted[i].key.b);
        next[from] = *(const size_t *)map_find(&w->values, sorted[after].key.b);
    }
    free(sorted);
}

struct b256 world_tree_root(const struct world *w)
{
    uint64_t *next = malloc(w->leaf_cnt * sizeof *next);
    struct b256 *level = malloc((w->leaf_cnt + 1) * sizeof *level);
    CHECK(next != NULL && level != NULL);
    link_leaves(w, next);
    for (size_t i = 0; i < w->leaf_cnt; i++)
        level[i] = blake2s_leaf(&w->leaves[i].key, &w->leaves[i].value, next[i]);
    struct b256 zero = { { 0 } }, empty = blake2s_leaf(&zero, &zero, 0);
    size_t n = w->leaf_cnt;
    for (unsigned depth = 0; depth < 64; depth++) {
        if (n % 2 != 0)
            level[n++] = empty;
        for (size_t i = 0; i < n / 2; i++)
            level[i] = blake2s_pair(&level[2 * i], &level[2 * i + 1]);
        n /= 2;
        empty = blake2s_pair(&empty, &empty);
    }
    struct b256 root = level[0];
    free(level);
    free(next);
    return root;
}

struct stf_block_context world_context(void)
{
    struct stf_block_context c;
    memset(&c, 0, sizeof c);
    c.chain_id = 270;
    c.number = 1;
    c.timestamp = 1000;
    c.base_fee = u256_of_u64(1000);
    c.native_price = u256_of_u64(10);
    c.blob_fee = U256_ONE;
    c.coinbase = addr_of_u32(0xc0ffee);
    c.gas_limit = 100000000;
    c.pubdata_limit = 110000;
    c.execution_version = STF_EXECUTION_VERSION_V31;
    return c;
}

static void decode_fixed(uint8_t *out, size_t len, const char *hex)
{
    size_t got = 0;
    CHECK(hex_decode(out, len, &got, hex, strlen(hex)) && got == len);
}

struct b256 world_b256(const char *hex)
{
    struct b256 r;
    decode_fixed(r.b, 32, hex);
    return r;
}

struct addr world_addr(const char *hex)
{
    struct addr r;
    decode_fixed(r.b, 20, hex);
    return r;
}

struct u256 world_number(const char *text)
{
    struct u256 v = U256_ZERO;
    if (strncmp(text, "0x", 2) != 0) {
        CHECK(u256_parse_dec(&v, text, strlen(text)));
        return v;
    }
    struct u256 sixteen = u256_of_u64(16);
    for (const char *p = text + 2; *p != '\0'; p++) {
        const char *digits = "0123456789abcdef", *d = strchr(digits, *p | 0x20);
        CHECK(d != NULL);
        struct u256 digit = u256_of_u64((uint64_t)(d - digits));
        v = u256_mul(&v, &sixteen);
        v = u256_add(&v, &digit);
    }
    return v;
}

struct bytes world_hex(struct world *w, const char *hex)
{
    size_t cap = strlen(hex) / 2, len = 0;
    uint8_t *p = arena_alloc(&w->arena, cap + 1);
    CHECK(p != NULL && hex_decode(p, cap, &len, hex, strlen(hex)));
    return bytes_of(p, len);
}
