#include "node/state/tree.h"

#include "node/base/hash.h"
#include "node/state/mem.h"

#define LANES_BATCH 256u /* messages handed to the many-lane functions at once */

void tree_init(struct tree *t)
{
    *t = (struct tree){ 0 };
    ver_log_init(&t->log, sizeof(struct node_undo));
    struct b256 zero = { { 0 } };
    t->empty[0] = blake2s_leaf(&zero, &zero, 0);
    for (unsigned d = 0; d < TREE_DEPTH; d++)
        t->empty[d + 1] = blake2s_pair(&t->empty[d], &t->empty[d]);
}

void tree_clear(struct tree *t)
{
    for (unsigned d = 0; d <= TREE_MAX_LEVEL; d++) {
        mem_release(t->level[d].h, t->level[d].cap, sizeof(struct b256));
        mem_release(t->level[d].vers, t->level[d].vers_cap, sizeof(struct ver_link));
    }
    ver_log_clear(&t->log);
    *t = (struct tree){ 0 };
}

unsigned tree_height(uint64_t leaf_count)
{
    unsigned h = 0;
    for (uint64_t last = leaf_count - 1; last; last >>= 1)
        h++;
    return h;
}

static uint64_t level_len(uint64_t leaf_count, unsigned d)
{
    return ((leaf_count - 1) >> d) + 1;
}

/* Makes room for leaf_count leaves on every level; levels above the root level are empty. */
static void resize(struct tree *t, uint64_t leaf_count)
{
    unsigned h = tree_height(leaf_count);
    CHECK(leaf_count >= 2 && h <= TREE_MAX_LEVEL);
    for (unsigned d = 0; d <= TREE_MAX_LEVEL; d++) {
        struct tree_level *l = &t->level[d];
        uint64_t len = d <= h ? level_len(leaf_count, d) : 0;
        l->h = len ? mem_grow(l->h, &l->cap, len, sizeof(*l->h)) : l->h;
        if (d >= TREE_VER_LEVEL && len > l->len) {
            l->vers = mem_grow(l->vers, &l->vers_cap, len, sizeof(*l->vers));
            memset(l->vers + l->len, 0, (len - l->len) * sizeof(*l->vers));
        }
        l->len = len;
    }
    t->leaf_count = leaf_count;
}

static struct b256 root_of(struct tree *t)
{
    unsigned h = tree_height(t->leaf_count);
    struct b256 cur = t->level[h].h[0];
    for (unsigned d = h; d < TREE_DEPTH; d++)
        cur = blake2s_pair(&cur, &t->empty[d]);
    t->compressions += TREE_DEPTH - h;
    return cur;
}

static const struct b256 *node_or_empty(const struct tree *t, unsigned d, uint64_t pos)
{
    return pos < t->level[d].len ? &t->level[d].h[pos] : &t->empty[d];
}

/* Computes the nodes at `pos` of level d + 1 from level d; with old_len, nodes below it are recorded first. */
static void hash_nodes(struct tree *t, unsigned d, const uint64_t *pos, size_t n, uint64_t old_len)
{
    struct tree_level *up = &t->level[d + 1];
    const struct b256 *left[LANES_BATCH], *right[LANES_BATCH];
    struct b256 out[LANES_BATCH];
    for (size_t i = 0; i < n;) {
        size_t m = n - i < LANES_BATCH ? n - i : LANES_BATCH;
        for (size_t j = 0; j < m; j++) {
            left[j] = &t->level[d].h[2 * pos[i + j]];
            right[j] = node_or_empty(t, d, 2 * pos[i + j] + 1);
            __builtin_prefetch(&up->h[pos[i + j]], 1);
        }
        for (size_t j = i + m; j < n && j < i + m + LANES_BATCH;
             j++) /* the next batch's children */
            __builtin_prefetch(&t->level[d].h[2 * pos[j]]);
        blake2s_nodes(out, left, right, m);
        for (size_t j = 0; j < m; j++) {
            uint64_t p = pos[i + j];
            if (p < old_len && d + 1 >= TREE_VER_LEVEL) {
                struct ver_head *e = ver_log_add(&t->log, &up->vers[p]);
                ((struct node_undo *)(void *)e)->hash = up->h[p];
            }
            up->h[p] = out[j];
        }
        i += m;
    }
    t->compressions += n;
}

/* Ascending positions of one level become those of the next, in place. */
static size_t to_parents(uint64_t *pos, size_t n)
{
    size_t out = 0;
    for (size_t i = 0; i < n; i++)
        if (out == 0 || pos[out - 1] != pos[i] >> 1)
            pos[out++] = pos[i] >> 1;
    return out;
}

static void hash_leaves(struct tree *t, const struct blake2s_leaf_in *in, const uint64_t *pos,
                        size_t n)
{
    struct b256 out[LANES_BATCH];
    for (size_t j = 0; j < n; j++)
        __builtin_prefetch(&t->level[0].h[pos[j]], 1);
    blake2s_leaves(out, in, n);
    for (size_t j = 0; j < n; j++)
        t->level[0].h[pos[j]] = out[j];
    t->compressions += 2 * n;
}

void tree_apply(struct tree *t, uint64_t block, const struct leaf_touch *touches, size_t n,
                uint64_t leaf_count)
{
    uint64_t old_len[TREE_MAX_LEVEL + 1];
    for (unsigned d = 0; d <= TREE_MAX_LEVEL; d++)
        old_len[d] = t->level[d].len;
    resize(t, leaf_count);
    struct ver_block *b = ver_log_push(&t->log, 0);
    CHECK(t->log.last == block);
    b->leaf_count = leaf_count;
    b->root = ver_log_at(&t->log, block - 1)->root;
    if (n == 0)
        return;
    uint64_t *pos = mem_alloc(n, sizeof(*pos));
    for (size_t i = 0; i < n; i++)
        pos[i] = touches[i].index;
    struct blake2s_leaf_in in[LANES_BATCH];
    for (size_t i = 0; i < n;) {
        size_t m = n - i < LANES_BATCH ? n - i : LANES_BATCH;
        for (size_t j = 0; j < m; j++)
            in[j] = (struct blake2s_leaf_in){ &touches[i + j].key, &touches[i + j].value,
                                              touches[i + j].next };
        hash_leaves(t, in, pos + i, m);
        i += m;
    }
    unsigned h = tree_height(leaf_count);
    size_t cnt = n;
    for (unsigned d = 0; d < h; d++) {
        cnt = to_parents(pos, cnt);
        hash_nodes(t, d, pos, cnt, old_len[d + 1]);
    }
    free(pos);
    ver_log_fit(&t->log);
    struct b256 root = root_of(t);
    ver_log_at(&t->log, block)->root = root;
}

/* Leaves [first, first + n) as the flat state has them now. n <= LANES_BATCH */
static void hash_flat_leaves(struct b256 *out, const struct flat *f, uint64_t first, size_t n)
{
    struct blake2s_leaf_in in[LANES_BATCH];
    for (size_t j = 0; j < n; j++) {
        const struct leaf *l = &f->leaves[first + j];
        in[j] = (struct blake2s_leaf_in){ &l->key, &l->value, l->next };
    }
    blake2s_leaves(out, in, n);
}

void tree_build(struct tree *t, uint64_t block, const struct flat *f)
{
    resize(t, f->leaf_count);
    for (uint64_t i = 0; i < f->leaf_count; i += LANES_BATCH) {
        uint64_t n = f->leaf_count - i < LANES_BATCH ? f->leaf_count - i : LANES_BATCH;
        hash_flat_leaves(t->level[0].h + i, f, i, n);
    }
    uint64_t pos[LANES_BATCH];
    for (unsigned d = 0; d < tree_height(f->leaf_count); d++) {
        uint64_t len = t->level[d + 1].len;
        for (uint64_t i = 0; i < len; i += LANES_BATCH) {
            size_t n = len - i < LANES_BATCH ? len - i : LANES_BATCH;
            for (size_t j = 0; j < n; j++)
                pos[j] = i + j;
            hash_nodes(t, d, pos, n, 0);
        }
    }
    struct ver_block *b = ver_log_start(&t->log, block);
    b->leaf_count = f->leaf_count;
    b->root = root_of(t);
}

/* ---- going back ---- */

/* The touched leaves that still exist, and the last leaf: its path is the right edge, whose nodes lose children. */
static size_t rollback_positions(uint64_t *pos, const uint64_t *touched, size_t n,
                                 uint64_t leaf_count)
{
    size_t cnt = 0;
    while (cnt < n && touched[cnt] < leaf_count) {
        pos[cnt] = touched[cnt];
        cnt++;
    }
    if (cnt == 0 || pos[cnt - 1] != leaf_count - 1)
        pos[cnt++] = leaf_count - 1;
    return cnt;
}

bool tree_rollback(struct tree *t, uint64_t block, const struct flat *f, const uint64_t *touched,
                   size_t n)
{
    if (block >= t->log.last)
        return true;
    const struct ver_block mark = *ver_log_at(&t->log, block);
    resize(t, mark.leaf_count);
    uint64_t *pos = mem_alloc(n + 1, sizeof(*pos));
    size_t cnt = rollback_positions(pos, touched, n, mark.leaf_count);
    for (size_t i = 0; i < cnt; i++)
        hash_flat_leaves(&t->level[0].h[pos[i]], f, pos[i], 1);
    t->compressions += 2 * cnt;
    for (unsigned d = 0; d < tree_height(mark.leaf_count); d++) {
        cnt = to_parents(pos, cnt);
        hash_nodes(t, d, pos, cnt, 0);
        struct tree_level *up = &t->level[d + 1];
        for (size_t i = 0; d + 1 >= TREE_VER_LEVEL && i < cnt; i++)
            up->vers[pos[i]] = ver_log_cut(&t->log, up->vers[pos[i]], block);
    }
    free(pos);
    while (t->log.last > block)
        ver_log_pop(&t->log);
    struct b256 root = root_of(t);
    return b256_eq(&root, &mark.root);
}

void tree_prune(struct tree *t, uint64_t first, uint64_t bare)
{
    ver_log_strip(&t->log, bare, NULL, NULL);
    ver_log_trim(&t->log, first < t->log.bare ? first : t->log.bare);
}

/* ---- proofs ---- */

/* Siblings below TREE_VER_LEVEL, from the old leaves of the group around `index`. */
static void group_siblings(const struct tree *t, const struct flat *f, uint64_t n, uint64_t index,
                           uint64_t leaf_count, unsigned levels, struct b256 *out)
{
    struct b256 cur[1u << TREE_VER_LEVEL], up[1u << TREE_VER_LEVEL], value[LANES_BATCH];
    const struct b256 *left[LANES_BATCH], *right[LANES_BATCH];
    struct blake2s_leaf_in in[LANES_BATCH];
    _Static_assert(LANES_BATCH >= 1u << TREE_VER_LEVEL, "a group is one batch");
    uint64_t first = index >> TREE_VER_LEVEL << TREE_VER_LEVEL;
    size_t cnt =
        leaf_count - first < 1u << TREE_VER_LEVEL ? leaf_count - first : 1u << TREE_VER_LEVEL;
    for (size_t j = 0; j < cnt; j++) {
        uint64_t next;
        flat_leaf_at(f, first + j, n, &value[j], &next, NULL);
        in[j] = (struct blake2s_leaf_in){ &f->leaves[first + j].key, &value[j], next };
    }
    blake2s_leaves(cur, in, cnt);
    for (unsigned d = 0; d < levels; d++) {
        size_t sib = (size_t)((index - first) >> d) ^ 1;
        out[d] = sib < cnt ? cur[sib] : t->empty[d];
        for (size_t j = 0; j < cnt; j += 2) {
            left[j / 2] = &cur[j];
            right[j / 2] = j + 1 < cnt ? &cur[j + 1] : &t->empty[d];
        }
        cnt = (cnt + 1) / 2;
        blake2s_nodes(up, left, right, cnt);
        memcpy(cur, up, cnt * sizeof(up[0]));
    }
}

unsigned tree_siblings(const struct tree *t, const struct flat *f, uint64_t n, uint64_t index,
                       struct b256 out[TREE_DEPTH])
{
    uint64_t leaf_count = ver_log_at(&t->log, n)->leaf_count;
    unsigned h = tree_height(leaf_count), low = h < TREE_VER_LEVEL ? h : TREE_VER_LEVEL;
    bool newest = n == t->log.last;
    if (!newest)
        group_siblings(t, f, n, index, leaf_count, low, out);
    for (unsigned d = newest ? 0 : low; d < h; d++) {
        uint64_t sib = (index >> d) ^ 1;
        out[d] = sib < level_len(leaf_count, d) ? t->level[d].h[sib] : t->empty[d];
        if (newest || sib >= level_len(leaf_count, d))
            continue;
        const struct ver_head *e = ver_log_find(&t->log, t->level[d].vers[sib], n);
        if (e)
            out[d] = ((const struct node_undo *)(const void *)e)->hash;
    }
    return h;
}

bool tree_matches(const struct tree *t, const struct flat *f, unsigned *level, uint64_t *pos)
{
    struct b256 want[LANES_BATCH];
    *level = 0;
    for (uint64_t i = 0; i < t->leaf_count; i += LANES_BATCH) {
        uint64_t n = t->leaf_count - i < LANES_BATCH ? t->leaf_count - i : LANES_BATCH;
        hash_flat_leaves(want, f, i, n);
        for (uint64_t j = 0; j < n; j++) {
            *pos = i + j;
            if (!b256_eq(&want[j], &t->level[0].h[i + j]))
                return false;
        }
    }
    for (unsigned d = 0; d < tree_height(t->leaf_count); d++) {
        *level = d + 1;
        for (uint64_t i = 0; i < t->level[d + 1].len; i++) {
            *pos = i;
            struct b256 h = blake2s_pair(&t->level[d].h[2 * i], node_or_empty(t, d, 2 * i + 1));
            if (!b256_eq(&h, &t->level[d + 1].h[i]))
                return false;
        }
    }
    return true;
}

uint64_t tree_bytes(const struct tree *t)
{
    uint64_t n = 0;
    for (unsigned d = 0; d <= TREE_MAX_LEVEL; d++)
        n += t->level[d].len *
             (sizeof(struct b256) + (d >= TREE_VER_LEVEL ? sizeof(struct ver_link) : 0));
    return n;
}
