/* node/stf/verify_state.c */
#include "node/stf/verify_state.h"

#include "node/base/hash.h"

static int b256_cmp(const struct b256 *a, const struct b256 *b)
{
    return memcmp(a->b, b->b, 32);
}

/* ---- keys ---- */

/* First place in by_key whose key is not below `key`. */
static size_t lower_bound(const struct verify_state *s, const struct b256 *key)
{
    size_t lo = 0, hi = s->cnt;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (b256_cmp(&s->leaves[s->by_key[mid]].key, key) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

enum where { LEAF, GAP, UNKNOWN };

/* LEAF: *place is the leaf's place in by_key; GAP: that of the leaf behind the gap. Guards are no keys. */
static enum where locate(const struct verify_state *s, const struct b256 *key, size_t *place)
{
    size_t at = lower_bound(s, key);
    *place = at;
    if (at == s->cnt)
        return UNKNOWN;
    const struct witness_leaf *leaf = &s->leaves[s->by_key[at]];
    if (b256_eq(&leaf->key, key))
        return leaf->index < 2 ? UNKNOWN : LEAF;
    if (at == 0)
        return UNKNOWN;
    return s->leaves[s->by_key[at - 1]].next == leaf->index ? GAP : UNKNOWN;
}

/* Bottom-up merge sort of leaf numbers by key; the result is in `a`. */
static void sort_by_key(const struct witness_leaf *leaves, uint32_t *a, uint32_t *tmp, size_t n)
{
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t i = 0; i < n; i += 2 * width) {
            size_t l = i, mid = n - i < width ? n : i + width;
            size_t r = mid, end = n - mid < width ? n : mid + width;
            for (size_t k = i; k < end; k++) {
                bool left =
                    r == end || (l < mid && b256_cmp(&leaves[a[l]].key, &leaves[a[r]].key) <= 0);
                tmp[k] = left ? a[l++] : a[r++];
            }
        }
        memcpy(a, tmp, n * sizeof(*a));
    }
}

/* ---- beginning ---- */

static void *alloc_map(void *ctx, size_t n)
{
    return arena_alloc(ctx, n);
}

static enum verify_state_result init_leaves(struct verify_state *s, const struct witness *w)
{
    size_t n = w->leaf_cnt;
    s->cap = n + n / 4 + 16;
    s->leaves = arena_alloc(s->arena, s->cap * sizeof(*s->leaves));
    s->by_key = arena_alloc(s->arena, s->cap * sizeof(*s->by_key));
    if (!s->leaves || !s->by_key)
        return VERIFY_STATE_NO_MEMORY;
    struct arena_mark mark = arena_save(s->arena);
    uint32_t *tmp = arena_alloc(s->arena, n * sizeof(*tmp));
    if (!tmp)
        return VERIFY_STATE_NO_MEMORY;
    memcpy(s->leaves, w->leaves, n * sizeof(*s->leaves));
    for (size_t i = 0; i < n; i++)
        s->by_key[i] = (uint32_t)i;
    sort_by_key(s->leaves, s->by_key, tmp, n);
    arena_restore(s->arena, mark);
    s->opened_cnt = s->cnt = n;
    for (size_t i = 1; i < n; i++)
        if (b256_eq(&s->leaves[s->by_key[i - 1]].key, &s->leaves[s->by_key[i]].key))
            return VERIFY_STATE_ORDER;
    return VERIFY_STATE_OK;
}

static enum verify_state_result init_preimages(struct verify_state *s, const struct witness *w)
{
    s->preimage_cnt = w->preimage_cnt;
    if (w->preimage_cnt > SIZE_MAX / sizeof(*s->preimages))
        return VERIFY_STATE_NO_MEMORY;
    s->preimages = arena_alloc(s->arena, w->preimage_cnt * sizeof(*s->preimages));
    if (!s->preimages)
        return VERIFY_STATE_NO_MEMORY;
    for (size_t i = 0; i < w->preimage_cnt; i++) {
        struct bytes data = w->preimages[i];
        s->preimages[i] = (struct verify_preimage){ blake2s(data.p, data.len), data, false };
        if (i > 0 && b256_cmp(&s->preimages[i - 1].hash, &s->preimages[i].hash) >= 0)
            return VERIFY_STATE_ORDER;
    }
    return VERIFY_STATE_OK;
}

enum verify_state_result verify_state_init(struct verify_state *s, const struct witness *w,
                                           struct arena *arena)
{
    *s = (struct verify_state){ .arena = arena,
                                .leaf_count = w->leaf_count,
                                .siblings = w->siblings,
                                .sibling_cnt = w->sibling_cnt };
    map_init(&s->made, sizeof(struct b256), sizeof(struct bytes), load_le64(w->root.b), alloc_map,
             NULL, arena);
    enum verify_state_result e = init_leaves(s, w);
    struct b256 root;
    if (e == VERIFY_STATE_OK)
        e = verify_state_root(s, &root, arena);
    if (e == VERIFY_STATE_OK && !b256_eq(&root, &w->root))
        e = VERIFY_STATE_ROOT;
    return e == VERIFY_STATE_OK ? init_preimages(s, w) : e;
}

enum verify_state_result verify_state_root(const struct verify_state *s, struct b256 *root,
                                           struct arena *scratch)
{
    bool no_memory = false;
    if (witness_fold(root, s->leaves, s->cnt, s->leaf_count, s->siblings, s->sibling_cnt, scratch,
                     &no_memory))
        return VERIFY_STATE_OK;
    return no_memory ? VERIFY_STATE_NO_MEMORY : VERIFY_STATE_SIBLINGS;
}

/* ---- reading ---- */

static bool read_slot(void *ctx, const struct b256 *flat_key, struct b256 *value, bool *exists)
{
    const struct verify_state *s = ctx;
    size_t place;
    enum where where = locate(s, flat_key, &place);
    *exists = where == LEAF;
    *value = where == LEAF ? s->leaves[s->by_key[place]].value : (struct b256){ { 0 } };
    return where != UNKNOWN;
}

static bool read_preimage(void *ctx, const struct b256 *hash, struct bytes *out)
{
    struct verify_state *s = ctx;
    const struct bytes *made = map_find(&s->made, hash->b);
    if (made) {
        *out = *made;
        return true;
    }
    size_t lo = 0, hi = s->preimage_cnt;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = b256_cmp(&s->preimages[mid].hash, hash);
        if (c == 0) {
            s->preimages[mid].used = true;
            *out = s->preimages[mid].data;
            return true;
        }
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return false;
}

struct stf_oracle verify_state_oracle(struct verify_state *s)
{
    return (struct stf_oracle){ .ctx = s, .read_slot = read_slot, .read_preimage = read_preimage };
}

bool verify_state_all_used(const struct verify_state *s)
{
    for (size_t i = 0; i < s->preimage_cnt; i++)
        if (!s->preimages[i].used)
            return false;
    return true;
}

/* ---- changing ---- */

static bool reserve(struct verify_state *s, size_t more)
{
    if (more <= s->cap - s->cnt)
        return true;
    size_t cap = 2 * s->cap > s->cnt + more ? 2 * s->cap : s->cnt + more;
    struct witness_leaf *leaves = arena_alloc(s->arena, cap * sizeof(*leaves));
    uint32_t *by_key = arena_alloc(s->arena, cap * sizeof(*by_key));
    if (!leaves || !by_key)
        return false;
    memcpy(leaves, s->leaves, s->cnt * sizeof(*leaves));
    memcpy(by_key, s->by_key, s->cnt * sizeof(*by_key));
    s->leaves = leaves;
    s->by_key = by_key;
    s->cap = cap;
    return true;
}

/* The numbers of `n` new leaves, in key order, go to their places; then each is linked behind the leaf before it, so that a run
 * of new leaves in one gap becomes a chain. */
static void merge_new(struct verify_state *s, const uint32_t *fresh, size_t n)
{
    size_t old = s->cnt, first_new = s->cnt, to = s->cnt + n;
    for (size_t k = n; k > 0;) {
        const struct b256 *key = &s->leaves[fresh[k - 1]].key;
        if (old > 0 && b256_cmp(&s->leaves[s->by_key[old - 1]].key, key) > 0) {
            s->by_key[--to] = s->by_key[--old];
        } else {
            s->by_key[--to] = fresh[--k];
        }
    }
    s->cnt += n;
    for (size_t i = old; n > 0 && i < s->cnt; i++) {
        if (s->by_key[i] < first_new)
            continue;
        struct witness_leaf *before = &s->leaves[s->by_key[i - 1]];
        struct witness_leaf *leaf = &s->leaves[s->by_key[i]];
        leaf->next = before->next;
        before->next = leaf->index;
    }
}

static enum verify_state_result change_leaf(struct verify_state *s, const struct stf_diff *d,
                                            uint32_t *fresh, size_t *fresh_cnt)
{
    size_t place;
    enum where where = locate(s, &d->flat_key, &place);
    if (where == UNKNOWN || (where == GAP) != d->is_new)
        return VERIFY_STATE_DIFF;
    if (where == LEAF) {
        struct witness_leaf *leaf = &s->leaves[s->by_key[place]];
        if (!b256_eq(&leaf->value, &d->old_value))
            return VERIFY_STATE_DIFF;
        leaf->value = d->new_value;
        return VERIFY_STATE_OK;
    }
    uint32_t number = (uint32_t)(s->cnt + *fresh_cnt);
    s->leaves[number] = (struct witness_leaf){ .index = s->leaf_count++,
                                               .key = d->flat_key,
                                               .value = d->new_value };
    fresh[(*fresh_cnt)++] = number;
    return VERIFY_STATE_OK;
}

static enum verify_state_result keep_preimages(struct verify_state *s,
                                               const struct stf_block_output *o)
{
    for (size_t i = 0; i < o->preimage_cnt; i++) {
        const struct stf_preimage *p = &o->preimages[i];
        bool inserted = false;
        struct bytes *at = map_put(&s->made, p->hash.b, &inserted);
        if (!at)
            return VERIFY_STATE_NO_MEMORY;
        if (!inserted)
            continue;
        const uint8_t *copy = arena_copy(s->arena, p->data.p, p->data.len);
        if (!copy)
            return VERIFY_STATE_NO_MEMORY;
        *at = bytes_of(copy, p->data.len);
    }
    return VERIFY_STATE_OK;
}

enum verify_state_result verify_state_apply(struct verify_state *s,
                                            const struct stf_block_output *o, struct arena *scratch)
{
    size_t n = 0, new_cnt = 0;
    for (size_t i = 0; i < o->diff_cnt; i++)
        new_cnt += o->diffs[i].is_new;
    if (new_cnt > WITNESS_MAX_LEAVES || s->cnt > UINT32_MAX - WITNESS_MAX_LEAVES)
        return VERIFY_STATE_NO_MEMORY;
    uint32_t *fresh = arena_alloc(scratch, new_cnt * sizeof(*fresh));
    uint32_t *tmp = arena_alloc(scratch, new_cnt * sizeof(*tmp));
    if (!fresh || !tmp || !reserve(s, new_cnt))
        return VERIFY_STATE_NO_MEMORY;
    /* the last opened leaf is the rightmost, or nothing may follow */
    if (new_cnt > 0 && s->cnt == s->opened_cnt && s->leaves[s->cnt - 1].index != s->leaf_count - 1)
        return VERIFY_STATE_RIGHTMOST;
    for (size_t i = 0; i < o->diff_cnt; i++) {
        enum verify_state_result e = change_leaf(s, &o->diffs[i], fresh, &n);
        if (e != VERIFY_STATE_OK)
            return e;
    }
    sort_by_key(s->leaves, fresh, tmp, n);
    for (size_t i = 1; i < n; i++)
        if (b256_eq(&s->leaves[fresh[i - 1]].key, &s->leaves[fresh[i]].key))
            return VERIFY_STATE_DIFF;
    merge_new(s, fresh, n);
    return keep_preimages(s, o);
}
