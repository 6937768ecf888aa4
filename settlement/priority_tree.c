/* settlement/priority_tree.c */
#include "settlement/priority_tree.h"

#include <stdlib.h>

#include "node/base/hash.h"
#include "node/base/merkle.h"

struct level {
    struct b256 *nodes; /* owned: roots of complete subtrees of 2^k leaves, left to right */
    size_t cap;
};
struct priority_tree {
    uint64_t count;
    struct level levels[PRIORITY_TREE_MAX_DEPTH + 1];
    struct b256 zeros[PRIORITY_TREE_MAX_DEPTH + 1];
};

struct priority_tree *priority_tree_create(void)
{
    struct priority_tree *t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    t->zeros[0] = KECCAK_EMPTY;
    for (int k = 0; k < PRIORITY_TREE_MAX_DEPTH; k++)
        t->zeros[k + 1] = keccak256_pair(&t->zeros[k], &t->zeros[k]);
    return t;
}

void priority_tree_destroy(struct priority_tree *t)
{
    if (!t)
        return;
    for (int k = 0; k <= PRIORITY_TREE_MAX_DEPTH; k++)
        free(t->levels[k].nodes);
    free(t);
}

uint64_t priority_tree_count(const struct priority_tree *t)
{
    return t->count;
}

static bool reserve(struct level *l, uint64_t index)
{
    if (index < l->cap)
        return true;
    size_t cap = l->cap ? l->cap * 2 : 64;
    struct b256 *grown = realloc(l->nodes, cap * sizeof(*grown));
    if (!grown)
        return false;
    l->nodes = grown;
    l->cap = cap;
    return true;
}

bool priority_tree_append(struct priority_tree *t, const struct b256 *leaf)
{
    uint64_t i = t->count;
    if (i >> (PRIORITY_TREE_MAX_DEPTH - 1))
        return false;
    struct b256 node = *leaf;
    for (unsigned k = 0;; k++, i >>= 1) {
        if (!reserve(&t->levels[k], i))
            return false; /* lower levels are simply written again by the next append */
        t->levels[k].nodes[i] = node;
        if ((i & 1) == 0)
            break;
        node = keccak256_pair(&t->levels[k].nodes[i - 1], &node);
    }
    t->count++;
    return true;
}

/* Node i of level k in the tree of the first n leaves. */
static struct b256 node_at(const struct priority_tree *t, unsigned k, uint64_t i, uint64_t n)
{
    if ((i << k) >= n)
        return t->zeros[k];
    if (((i + 1) << k) <= n)
        return t->levels[k].nodes[i];
    struct b256 l = node_at(t, k - 1, 2 * i, n), r = node_at(t, k - 1, 2 * i + 1, n);
    return keccak256_pair(&l, &r);
}

struct b256 priority_tree_root(const struct priority_tree *t, uint64_t n)
{
    CHECK(n <= t->count);
    if (n == 0)
        return (struct b256){ { 0 } };
    return node_at(t, merkle_depth(n), 0, n);
}

void priority_tree_paths(const struct priority_tree *t, uint64_t start, uint64_t cnt, uint64_t n,
                         struct b256 left[PRIORITY_TREE_MAX_DEPTH],
                         struct b256 right[PRIORITY_TREE_MAX_DEPTH], unsigned *depth)
{
    CHECK(cnt > 0 && start + cnt <= n && n <= t->count);
    uint64_t a = start, b = start + cnt - 1;
    *depth = merkle_depth(n);
    for (unsigned k = 0; k < *depth; k++, a >>= 1, b >>= 1) {
        left[k] = a & 1 ? node_at(t, k, a - 1, n) : (struct b256){ { 0 } };
        right[k] = b & 1 ? (struct b256){ { 0 } } : node_at(t, k, b + 1, n);
    }
}
