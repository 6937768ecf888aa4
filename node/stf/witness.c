/* node/stf/witness.c */
#include "node/stf/witness.h"

#include "node/base/hash.h"
#include "node/stf/batch.h"
#include "node/stf/tx.h"

#define MAGIC     "GHWITNES"
#define MAGIC_LEN 8u
#define DEPTH     64u
/* least bytes of an item, so that a count is checked before memory is taken for it */
#define BLOCK_MIN_LEN    140u
#define TX_MIN_LEN       5u
#define LEAF_LEN         80u
#define PREIMAGE_MIN_LEN 4u

/* ---- reading: the first fault sticks, all later reads give zero ---- */

struct reader {
    const uint8_t *p;
    size_t left;
    enum witness_result fault;
    struct arena *arena;
};

static void fail(struct reader *r, enum witness_result e)
{
    if (r->fault == WITNESS_OK)
        r->fault = e;
}

static const uint8_t *take(struct reader *r, size_t n)
{
    if (r->fault != WITNESS_OK)
        return NULL;
    if (n > r->left) {
        r->fault = WITNESS_CUT;
        return NULL;
    }
    const uint8_t *p = r->p;
    r->p += n;
    r->left -= n;
    return p;
}

static uint64_t take_u64(struct reader *r)
{
    const uint8_t *p = take(r, 8);
    return p ? load_be64(p) : 0;
}

static uint32_t take_u32(struct reader *r)
{
    const uint8_t *p = take(r, 4);
    return p ? load_be32(p) : 0;
}

static struct b256 take_b256(struct reader *r)
{
    struct b256 v = { { 0 } };
    const uint8_t *p = take(r, 32);
    if (p)
        memcpy(v.b, p, 32);
    return v;
}

static struct u256 take_u256(struct reader *r)
{
    const uint8_t *p = take(r, 32);
    return p ? u256_of_be32(p) : U256_ZERO;
}

/* n items of at least min_len bytes follow, and there is memory for them. */
static void *take_list(struct reader *r, size_t n, size_t min_len, size_t item_size)
{
    if (r->fault != WITNESS_OK)
        return NULL;
    if (n > r->left / min_len) {
        fail(r, WITNESS_CUT);
        return NULL;
    }
    if (n > SIZE_MAX / item_size) {
        fail(r, WITNESS_NO_MEMORY);
        return NULL;
    }
    void *list = arena_alloc(r->arena, n * item_size);
    if (!list)
        fail(r, WITNESS_NO_MEMORY);
    return list;
}

static uint32_t take_count(struct reader *r, uint32_t min, uint32_t max)
{
    uint32_t n = take_u32(r);
    if (r->fault == WITNESS_OK && (n < min || n > max))
        fail(r, WITNESS_RANGE);
    return r->fault == WITNESS_OK ? n : 0;
}

static const struct b256 *take_hashes(struct reader *r, size_t n)
{
    if (r->fault == WITNESS_OK && n > r->left / 32)
        fail(r, WITNESS_CUT);
    return r->fault == WITNESS_OK ? (const struct b256 *)take(r, n * 32) : NULL;
}

static void read_before(struct reader *r, struct witness *w)
{
    const uint8_t *magic = take(r, MAGIC_LEN);
    if (magic && memcmp(magic, MAGIC, MAGIC_LEN) != 0)
        fail(r, WITNESS_MAGIC);
    if (take_u32(r) != WITNESS_VERSION)
        fail(r, WITNESS_VERSION_UNKNOWN);
    w->chain_id = take_u64(r);
    w->batch_number = take_u64(r);
    const uint8_t *scheme = take(r, 1);
    w->da_scheme = scheme ? *scheme : 0;
    w->last_block = take_u64(r);
    w->last_timestamp = take_u64(r);
    w->leaf_count = take_u64(r);
    w->root = take_b256(r);
    const uint8_t *cnt = take(r, 2);
    w->hash_cnt = cnt ? (size_t)cnt[0] << 8 | cnt[1] : 0;
    if (w->leaf_count < 2 || w->leaf_count > WITNESS_MAX_TREE || w->hash_cnt > 256 ||
        w->last_block > UINT64_MAX - WITNESS_MAX_BLOCKS)
        fail(r, WITNESS_RANGE);
    w->hashes = take_hashes(r, w->hash_cnt);
    if (r->fault == WITNESS_OK && w->hash_cnt > 0 && b256_is_zero(&w->hashes[0]))
        fail(r, WITNESS_ORDER);
}

static void read_block(struct reader *r, struct witness_block *b)
{
    b->timestamp = take_u64(r);
    b->base_fee = take_u256(r);
    b->pubdata_price = take_u256(r);
    b->native_price = take_u256(r);
    const uint8_t *coinbase = take(r, 20);
    if (coinbase)
        memcpy(b->coinbase.b, coinbase, 20);
    b->gas_limit = take_u64(r);
    b->execution_version = take_u32(r);
    b->tx_cnt = take_count(r, 0, WITNESS_MAX_TXS);
    struct bytes *txs = take_list(r, b->tx_cnt, TX_MIN_LEN, sizeof(*txs));
    for (uint32_t i = 0; r->fault == WITNESS_OK && i < b->tx_cnt; i++) {
        uint32_t len = take_count(r, 1, TX_MAX_LEN);
        txs[i] = bytes_of(take(r, len), len);
    }
    b->txs = txs;
}

static void read_blocks(struct reader *r, struct witness *w)
{
    w->block_cnt = take_count(r, 1, WITNESS_MAX_BLOCKS);
    struct witness_block *blocks = take_list(r, w->block_cnt, BLOCK_MIN_LEN, sizeof(*blocks));
    uint64_t before = w->last_timestamp;
    for (size_t i = 0; r->fault == WITNESS_OK && i < w->block_cnt; i++) {
        blocks[i] = (struct witness_block){ 0 };
        read_block(r, &blocks[i]);
        if (r->fault == WITNESS_OK && blocks[i].timestamp < before)
            fail(r, WITNESS_ORDER);
        before = blocks[i].timestamp;
    }
    w->blocks = blocks;
}

static void read_leaves(struct reader *r, struct witness *w)
{
    w->leaf_cnt = take_count(r, 1, WITNESS_MAX_LEAVES);
    struct witness_leaf *leaves = take_list(r, w->leaf_cnt, LEAF_LEN, sizeof(*leaves));
    for (size_t i = 0; r->fault == WITNESS_OK && i < w->leaf_cnt; i++) {
        leaves[i].index = take_u64(r);
        leaves[i].key = take_b256(r);
        leaves[i].value = take_b256(r);
        leaves[i].next = take_u64(r);
        if (r->fault == WITNESS_OK &&
            (leaves[i].index >= w->leaf_count || (i > 0 && leaves[i].index <= leaves[i - 1].index)))
            fail(r, WITNESS_ORDER);
    }
    w->leaves = leaves;
    w->sibling_cnt = take_u32(r);
    w->siblings = take_hashes(r, w->sibling_cnt);
}

static void read_preimages(struct reader *r, struct witness *w)
{
    w->preimage_cnt = take_count(r, 0, WITNESS_MAX_LEAVES);
    struct bytes *list = take_list(r, w->preimage_cnt, PREIMAGE_MIN_LEN, sizeof(*list));
    for (size_t i = 0; r->fault == WITNESS_OK && i < w->preimage_cnt; i++) {
        uint32_t len = take_count(r, 0, WITNESS_MAX_PREIMAGE);
        list[i] = bytes_of(take(r, len), len);
    }
    w->preimages = list;
}

enum witness_result witness_decode(struct witness *out, struct bytes in, struct arena *arena)
{
    *out = (struct witness){ 0 };
    if (in.len > WITNESS_MAX_LEN)
        return WITNESS_TOO_LONG;
    struct reader r = { in.p, in.len, WITNESS_OK, arena };
    read_before(&r, out);
    read_blocks(&r, out);
    read_leaves(&r, out);
    read_preimages(&r, out);
    if (r.fault == WITNESS_OK && r.left != 0)
        fail(&r, WITNESS_TRAILING);
    return r.fault;
}

/* ---- writing ---- */

size_t witness_encoded_len(const struct witness *w)
{
    size_t n = MAGIC_LEN + 4 + 8 + 8 + 1 + 8 + 8 + 8 + 32 + 2 + w->hash_cnt * 32 + 4;
    for (size_t i = 0; i < w->block_cnt; i++) {
        n += BLOCK_MIN_LEN;
        for (uint32_t k = 0; k < w->blocks[i].tx_cnt; k++)
            n += 4 + w->blocks[i].txs[k].len;
    }
    n += 4 + w->leaf_cnt * LEAF_LEN + 4 + w->sibling_cnt * 32 + 4;
    for (size_t i = 0; i < w->preimage_cnt; i++)
        n += 4 + w->preimages[i].len;
    return n;
}

static uint8_t *put(uint8_t *p, const void *src, size_t n)
{
    if (n)
        memcpy(p, src, n);
    return p + n;
}

static uint8_t *put_u64(uint8_t *p, uint64_t v)
{
    store_be64(p, v);
    return p + 8;
}

static uint8_t *put_u32(uint8_t *p, size_t v)
{
    store_be32(p, (uint32_t)v);
    return p + 4;
}

static uint8_t *put_u256(uint8_t *p, const struct u256 *v)
{
    struct b256 w = u256_to_b256(v);
    return put(p, w.b, 32);
}

static uint8_t *put_block(uint8_t *p, const struct witness_block *b)
{
    p = put_u64(p, b->timestamp);
    p = put_u256(p, &b->base_fee);
    p = put_u256(p, &b->pubdata_price);
    p = put_u256(p, &b->native_price);
    p = put(p, b->coinbase.b, 20);
    p = put_u64(p, b->gas_limit);
    p = put_u32(p, b->execution_version);
    p = put_u32(p, b->tx_cnt);
    for (uint32_t i = 0; i < b->tx_cnt; i++) {
        p = put_u32(p, b->txs[i].len);
        p = put(p, b->txs[i].p, b->txs[i].len);
    }
    return p;
}

void witness_encode(uint8_t *out, const struct witness *w)
{
    uint8_t *p = put(out, MAGIC, MAGIC_LEN);
    p = put_u32(p, WITNESS_VERSION);
    p = put_u64(p, w->chain_id);
    p = put_u64(p, w->batch_number);
    *p++ = w->da_scheme;
    p = put_u64(p, w->last_block);
    p = put_u64(p, w->last_timestamp);
    p = put_u64(p, w->leaf_count);
    p = put(p, w->root.b, 32);
    store_be16(p, (uint16_t)w->hash_cnt);
    p = put(p + 2, w->hashes, w->hash_cnt * 32);
    p = put_u32(p, w->block_cnt);
    for (size_t i = 0; i < w->block_cnt; i++)
        p = put_block(p, &w->blocks[i]);
    p = put_u32(p, w->leaf_cnt);
    for (size_t i = 0; i < w->leaf_cnt; i++) {
        p = put_u64(p, w->leaves[i].index);
        p = put(p, w->leaves[i].key.b, 32);
        p = put(p, w->leaves[i].value.b, 32);
        p = put_u64(p, w->leaves[i].next);
    }
    p = put_u32(p, w->sibling_cnt);
    p = put(p, w->siblings, w->sibling_cnt * 32);
    p = put_u32(p, w->preimage_cnt);
    for (size_t i = 0; i < w->preimage_cnt; i++) {
        p = put_u32(p, w->preimages[i].len);
        p = put(p, w->preimages[i].p, w->preimages[i].len);
    }
    CHECK((size_t)(p - out) == witness_encoded_len(w));
}

/* ---- the state before ---- */

void witness_ring(struct b256 out[256], const struct witness *w)
{
    memset(out, 0, 256 * sizeof(*out));
    if (w->hash_cnt)
        memcpy(&out[256 - w->hash_cnt], w->hashes, w->hash_cnt * 32);
}

struct b256 witness_state_commitment(const struct witness *w)
{
    static const uint8_t zeros[32] = { 0 };
    struct blake2s s;
    blake2s_init(&s);
    for (size_t i = w->hash_cnt; i < 256; i++)
        blake2s_update(&s, zeros, 32);
    if (w->hash_cnt)
        blake2s_update(&s, w->hashes, w->hash_cnt * 32);
    struct b256 last_256 = blake2s_final(&s);
    return batch_state_commitment(&w->root, w->leaf_count, w->last_block, &last_256,
                                  w->last_timestamp);
}

/* ---- folding ---- */

struct fold {
    uint64_t *pos; /* n: positions of the known nodes of the level, rising */
    struct b256 *hash, *next;
    const struct b256 **left, **right;
    size_t n;
    const struct b256 *siblings;
    size_t sibling_cnt, used;
    uint64_t leaf_count;
};

static const struct b256 *take_sibling(struct fold *f)
{
    return f->used < f->sibling_cnt ? &f->siblings[f->used++] : NULL;
}

static bool fold_level(struct fold *f, unsigned d, const struct b256 *empty)
{
    size_t m = 0;
    for (size_t i = 0; i < f->n; i++, m++) {
        uint64_t p = f->pos[i];
        f->left[m] = f->right[m] = &f->hash[i];
        if (p & 1)
            f->left[m] = take_sibling(f);
        else if (i + 1 < f->n && f->pos[i + 1] == p + 1)
            f->right[m] = &f->hash[++i];
        else if ((p + 1) << d >= f->leaf_count)
            f->right[m] = empty;
        else
            f->right[m] = take_sibling(f);
        if (!f->left[m] || !f->right[m])
            return false;
        f->pos[m] = p >> 1;
    }
    blake2s_nodes(f->next, f->left, f->right, m);
    struct b256 *t = f->hash;
    f->hash = f->next;
    f->next = t;
    f->n = m;
    return true;
}

static bool fold_leaves(struct fold *f, const struct witness_leaf *leaves, size_t n,
                        struct arena *scratch)
{
    struct blake2s_leaf_in *in = arena_alloc(scratch, n * sizeof(*in));
    f->pos = arena_alloc(scratch, n * sizeof(*f->pos));
    f->hash = arena_alloc(scratch, n * sizeof(*f->hash));
    f->next = arena_alloc(scratch, n * sizeof(*f->next));
    f->left = arena_alloc(scratch, n * sizeof(*f->left));
    f->right = arena_alloc(scratch, n * sizeof(*f->right));
    if (!in || !f->pos || !f->hash || !f->next || !f->left || !f->right)
        return false;
    for (size_t i = 0; i < n; i++) {
        in[i] = (struct blake2s_leaf_in){ &leaves[i].key, &leaves[i].value, leaves[i].next };
        f->pos[i] = leaves[i].index;
    }
    blake2s_leaves(f->hash, in, n);
    f->n = n;
    return true;
}

bool witness_fold(struct b256 *root, const struct witness_leaf *leaves, size_t n,
                  uint64_t leaf_count, const struct b256 *siblings, size_t sibling_cnt,
                  struct arena *scratch, bool *no_memory)
{
    struct arena_mark mark = arena_save(scratch);
    struct fold f = { .siblings = siblings, .sibling_cnt = sibling_cnt, .leaf_count = leaf_count };
    const struct b256 zero = { { 0 } };
    struct b256 empty = blake2s_leaf(&zero, &zero, 0);
    bool ok = fold_leaves(&f, leaves, n, scratch);
    *no_memory = !ok;
    for (unsigned d = 0; ok && d < DEPTH; d++) {
        ok = fold_level(&f, d, &empty);
        empty = blake2s_pair(&empty, &empty);
    }
    ok = ok && f.used == sibling_cnt;
    if (ok)
        *root = f.hash[0];
    arena_restore(scratch, mark);
    return ok;
}
