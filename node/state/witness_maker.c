/* node/state/witness_maker.c */
#include "node/state/witness_maker.h"

#include <inttypes.h>
#include <stdlib.h>

#include "node/base/hash.h"
#include "node/base/map.h"
#include "node/state/state_impl.h"
#include "node/stf/verify.h"

#define KEEP_CHUNK (1u << 20)
#define KEEP_LIMIT ((size_t)4 << 30)
#define WORK_LIMIT ((size_t)2 << 30)

struct maker {
    struct state *s;
    const struct witness_source *src;
    const struct stf_crypto *crypto;
    struct arena keep, work;
    struct map keys;      /* flat key -> nothing: read by some block */
    struct map preimages; /* hash -> struct bytes in keep: read, and not made by the batch */
    struct map made;      /* hash -> nothing: made by blocks executed so far */
    struct map leaves;    /* index -> nothing: to open */
    struct err *err;
    bool no_memory, appends; /* some block makes a leaf */

    /* of the block being executed */
    const struct state_view *view;
    const struct witness_source_block *block;

    struct witness w;
};

static bool out_of_memory(struct maker *m)
{
    return err_set(m->err, ERR_LOCAL, "out of memory for a witness");
}

/* ---- recording ---- */

static bool record_slot(void *ctx, const struct b256 *flat_key, struct b256 *value, bool *exists)
{
    struct maker *m = ctx;
    bool inserted;
    if (!map_put(&m->keys, flat_key->b, &inserted)) {
        m->no_memory = true;
        return false;
    }
    return state_view_slot(m->view, flat_key, value, exists);
}

static bool find_preimage(const struct maker *m, const struct b256 *hash, struct bytes *out)
{
    for (size_t i = 0; i < m->block->forced_code_cnt; i++) {
        struct bytes code = m->block->forced_codes[i];
        struct b256 h = blake2s(code.p, code.len);
        if (b256_eq(&h, hash)) {
            *out = code;
            return true;
        }
    }
    return state_view_preimage(m->view, hash, out);
}

static bool record_preimage(void *ctx, const struct b256 *hash, struct bytes *out)
{
    struct maker *m = ctx;
    if (!find_preimage(m, hash, out))
        return false;
    if (map_find(&m->made, hash->b))
        return true;
    bool inserted = false;
    struct bytes *at = map_put(&m->preimages, hash->b, &inserted);
    const uint8_t *copy = at && inserted ? arena_copy(&m->keep, out->p, out->len) : NULL;
    if (!at || (inserted && !copy)) {
        m->no_memory = true;
        return false;
    }
    if (inserted)
        *at = bytes_of(copy, out->len);
    return true;
}

/* What the block leaves behind. */
static bool note_made(struct maker *m, const struct stf_block_output *o)
{
    bool inserted;
    for (size_t i = 0; i < o->diff_cnt; i++)
        m->appends |= o->diffs[i].is_new;
    for (size_t i = 0; i < o->preimage_cnt; i++)
        if (!map_put(&m->made, o->preimages[i].hash.b, &inserted))
            return out_of_memory(m);
    return true;
}

static bool execute(struct maker *m, const struct witness_source_block *b)
{
    struct stf_oracle oracle = { .ctx = m,
                                 .read_slot = record_slot,
                                 .read_preimage = record_preimage };
    struct stf_block_output o;
    struct verify_fault fault = { .code = VERIFY_OK };
    struct b256 *l1_tx_hashes;
    arena_reset(&m->work);
    m->block = b;
    struct state_view *view = state_view_open(m->s, b->ctx->number - 1, m->err);
    if (!view)
        return false;
    m->view = view;
    enum verify_code e = verify_run_block(&o, &fault, b->ctx, b->txs, b->tx_cnt, &oracle, m->crypto,
                                          &l1_tx_hashes, &m->work);
    state_view_close(view);
    m->view = NULL;
    if (m->no_memory)
        return out_of_memory(m);
    if (e != VERIFY_OK)
        return err_set(m->err, ERR_LOCAL, "executing it again: %s (%s, transaction %u)",
                       verify_code_text(e), stf_error_name(fault.stf.code), fault.tx);
    if (!b256_eq(&o.block_hash, &b->block_hash))
        return err_set(m->err, ERR_LOCAL, "executing it again gives another block hash");
    return note_made(m, &o);
}

/* The slots that the batch's output repeats are read after its last block. */
static bool record_settlement(struct maker *m, uint64_t last_block)
{
    struct stf_oracle oracle = { .ctx = m,
                                 .read_slot = record_slot,
                                 .read_preimage = record_preimage };
    uint64_t sl_chain_id;
    struct b256 root;
    struct state_view *view = state_view_open(m->s, last_block, m->err);
    if (!view)
        return false;
    m->view = view;
    bool ok = verify_read_settlement(&oracle, &sl_chain_id, &root);
    state_view_close(view);
    m->view = NULL;
    return ok || err_set(m->err, ERR_LOCAL, "the state after block %" PRIu64 " cannot be read",
                         last_block);
}

/* ---- opening ---- */

static bool want_leaf(struct maker *m, uint64_t index)
{
    bool inserted;
    return map_put(&m->leaves, &index, &inserted) ? true : out_of_memory(m);
}

/* Flat lock held: the leaf of a key, or the leaves on both sides of its gap. */
static bool want_key(struct maker *m, uint64_t before, const struct b256 *key)
{
    const struct flat *f = &m->s->flat;
    uint64_t index, next;
    struct b256 value;
    if (flat_find(f, key, &index) && index < m->w.leaf_count)
        return want_leaf(m, index);
    CHECK(key_index_before(&f->index, flat_keys(f), key, m->w.leaf_count, &index));
    flat_leaf_at(f, index, before, &value, &next, NULL);
    return want_leaf(m, index) && want_leaf(m, next);
}

static bool still_there(struct maker *m, uint64_t before)
{
    const struct state *s = m->s;
    if (!s->has_block || before > s->tree.log.last)
        return err_set(m->err, ERR_INVALID, "block %" PRIu64 " is not hashed yet", before);
    if (before < s->tree.log.bare || before < s->floor)
        return err_set(m->err, ERR_INVALID, "the tree of block %" PRIu64 " is pruned", before);
    return true;
}

static bool want_leaves(struct maker *m, uint64_t before)
{
    const void *key;
    void *val;
    for (size_t i = 0; map_next(&m->keys, &i, &key, &val);) {
        struct b256 k;
        memcpy(k.b, key, 32);
        state_lock_flat_read(m->s);
        state_lock_tree_read(m->s);
        bool ok = still_there(m, before) && want_key(m, before, &k);
        state_unlock_tree(m->s);
        state_unlock_flat(m->s);
        if (!ok)
            return false;
    }
    return !m->appends || want_leaf(m, m->w.leaf_count - 1);
}

static int compare_leaves(const void *a, const void *b)
{
    const struct witness_leaf *x = a, *y = b;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* A leaf's path, TREE_DEPTH hashes a leaf would be mostly empty ones: `height` of them. */
static bool open_leaf(struct maker *m, uint64_t before, struct witness_leaf *leaf,
                      struct b256 *path, unsigned height)
{
    struct b256 siblings[TREE_DEPTH];
    const struct state *s = m->s;
    unsigned n = 0;
    state_lock_flat_read(s);
    state_lock_tree_read(s);
    bool ok = still_there(m, before);
    if (ok) {
        leaf->key = s->flat.leaves[leaf->index].key;
        flat_leaf_at(&s->flat, leaf->index, before, &leaf->value, &leaf->next, NULL);
        n = tree_siblings(&s->tree, &s->flat, before, leaf->index, siblings);
    }
    state_unlock_tree(s);
    state_unlock_flat(s);
    CHECK(!ok || n == height);
    if (ok)
        memcpy(path, siblings, height * sizeof(*path));
    return ok;
}

/* Goes up as witness_fold does, and takes from the paths what it will ask for. `pos` and `leaf`: the known nodes of a level, and for
 * each a leaf below it. */
static bool share_paths(struct maker *m, const struct b256 *paths, unsigned height)
{
    size_t n = m->w.leaf_cnt, cnt = 0, cap = n * height;
    struct b256 *out = arena_alloc(&m->keep, cap * sizeof(*out));
    uint64_t *pos = arena_alloc(&m->keep, n * sizeof(*pos));
    size_t *leaf = arena_alloc(&m->keep, n * sizeof(*leaf));
    if (!out || !pos || !leaf)
        return out_of_memory(m);
    for (size_t i = 0; i < n; i++) {
        pos[i] = m->w.leaves[i].index;
        leaf[i] = i;
    }
    for (unsigned d = 0; d < height; d++) {
        size_t k = 0;
        for (size_t i = 0; i < n; i++, k++) {
            uint64_t p = pos[i];
            size_t below = leaf[i];
            if (!(p & 1) && i + 1 < n && pos[i + 1] == p + 1)
                i++;
            else if (p & 1 || (p + 1) << d < m->w.leaf_count)
                out[cnt++] = paths[below * height + d];
            pos[k] = p >> 1;
            leaf[k] = below;
        }
        n = k;
    }
    m->w.siblings = out;
    m->w.sibling_cnt = cnt;
    return true;
}

static bool open_leaves(struct maker *m, uint64_t before)
{
    size_t n = m->leaves.count;
    unsigned height = tree_height(m->w.leaf_count);
    struct witness_leaf *leaves = arena_zalloc(&m->keep, n * sizeof(*leaves));
    struct b256 *paths = arena_alloc(&m->keep, n * height * sizeof(*paths));
    if (!leaves || !paths)
        return out_of_memory(m);
    const void *key;
    void *val;
    size_t k = 0;
    for (size_t i = 0; map_next(&m->leaves, &i, &key, &val);)
        memcpy(&leaves[k++].index, key, sizeof(uint64_t));
    qsort(leaves, n, sizeof(*leaves), compare_leaves);
    for (size_t i = 0; i < n; i++)
        if (!open_leaf(m, before, &leaves[i], &paths[i * height], height))
            return false;
    m->w.leaves = leaves;
    m->w.leaf_cnt = n;
    return share_paths(m, paths, height);
}

/* ---- putting together ---- */

static int compare_hashes(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

static bool sort_preimages(struct maker *m)
{
    size_t n = m->preimages.count, k = 0;
    struct b256 *hashes = arena_alloc(&m->keep, n * sizeof(*hashes));
    struct bytes *list = arena_alloc(&m->keep, n * sizeof(*list));
    if (!hashes || !list)
        return out_of_memory(m);
    const void *key;
    void *val;
    for (size_t i = 0; map_next(&m->preimages, &i, &key, &val);)
        memcpy(hashes[k++].b, key, 32);
    qsort(hashes, n, sizeof(*hashes), compare_hashes);
    for (size_t i = 0; i < n; i++)
        list[i] = *(const struct bytes *)map_find(&m->preimages, hashes[i].b);
    m->w.preimages = list;
    m->w.preimage_cnt = n;
    return true;
}

static bool put_blocks(struct maker *m)
{
    const struct witness_source *src = m->src;
    struct witness_block *blocks = arena_zalloc(&m->keep, src->block_cnt * sizeof(*blocks));
    if (!blocks)
        return out_of_memory(m);
    for (size_t i = 0; i < src->block_cnt; i++) {
        const struct stf_block_context *c = src->blocks[i].ctx;
        if (c->number != src->blocks[0].ctx->number + i || src->blocks[i].tx_cnt > WITNESS_MAX_TXS)
            return err_set(m->err, ERR_INVALID, "block %" PRIu64 " does not fit a witness",
                           c->number);
        blocks[i] = (struct witness_block){ .timestamp = c->timestamp,
                                            .gas_limit = c->gas_limit,
                                            .base_fee = c->base_fee,
                                            .pubdata_price = c->pubdata_price,
                                            .native_price = c->native_price,
                                            .coinbase = c->coinbase,
                                            .execution_version = c->execution_version,
                                            .tx_cnt = (uint32_t)src->blocks[i].tx_cnt,
                                            .txs = src->blocks[i].txs };
    }
    m->w.blocks = blocks;
    m->w.block_cnt = src->block_cnt;
    return true;
}

static bool put_before(struct maker *m, uint64_t before)
{
    const struct stf_block_context *c = m->src->blocks[0].ctx;
    struct state_mark mark;
    if (!state_mark_at(m->s, before, &mark))
        return err_set(m->err, ERR_INVALID, "block %" PRIu64 " is pruned or not hashed yet",
                       before);
    size_t first = 0;
    while (first < 256 && b256_is_zero(&c->block_hashes[first]))
        first++;
    m->w = (struct witness){ .chain_id = c->chain_id,
                             .batch_number = m->src->batch_number,
                             .da_scheme = m->src->da_scheme,
                             .last_block = before,
                             .last_timestamp = m->src->last_timestamp,
                             .leaf_count = mark.leaf_count,
                             .root = mark.root,
                             .hashes = &c->block_hashes[first],
                             .hash_cnt = 256 - first };
    return true;
}

static bool make(struct maker *m, struct buf *out)
{
    const struct witness_source *src = m->src;
    uint64_t before = src->blocks[0].ctx->number - 1;
    if (!put_before(m, before) || !put_blocks(m))
        return false;
    for (size_t i = 0; i < src->block_cnt; i++)
        if (!execute(m, &src->blocks[i]))
            return err_wrap(m->err, "block %" PRIu64, src->blocks[i].ctx->number);
    if (!record_settlement(m, before + src->block_cnt) || !want_leaves(m, before) ||
        !open_leaves(m, before) || !sort_preimages(m))
        return false;
    size_t len = witness_encoded_len(&m->w);
    uint8_t *p = len <= WITNESS_MAX_LEN ? buf_extend(out, len) : NULL;
    if (!p)
        return err_set(m->err, ERR_INVALID, "the witness would have %zu bytes", len);
    witness_encode(p, &m->w);
    return true;
}

bool witness_make(struct buf *out, struct state *s, const struct witness_source *src,
                  const struct stf_crypto *crypto, struct err *err)
{
    if (src->block_cnt == 0 || src->block_cnt > WITNESS_MAX_BLOCKS ||
        src->blocks[0].ctx->number == 0)
        return err_set(err, ERR_INVALID, "no blocks, or too many, for a witness");
    struct maker m = { .s = s, .src = src, .crypto = crypto, .err = err };
    arena_init_growing(&m.keep, KEEP_CHUNK, KEEP_LIMIT);
    arena_init_growing(&m.work, KEEP_CHUNK, WORK_LIMIT);
    map_init_host(&m.keys, sizeof(struct b256), 0);
    map_init_host(&m.preimages, sizeof(struct b256), sizeof(struct bytes));
    map_init_host(&m.made, sizeof(struct b256), 0);
    map_init_host(&m.leaves, sizeof(uint64_t), 0);
    bool ok = make(&m, out);
    map_clear(&m.keys);
    map_clear(&m.preimages);
    map_clear(&m.made);
    map_clear(&m.leaves);
    arena_clear(&m.keep);
    arena_clear(&m.work);
    return ok || err_wrap(err, "witness of batch %" PRIu64, src->batch_number);
}
