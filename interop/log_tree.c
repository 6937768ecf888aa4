#include "interop/log_tree.h"

#include <stdlib.h>

#include "node/base/hash.h"

struct log_tree {
    size_t cnt;
    size_t start[BATCH_LOG_TREE_DEPTH + 1], len[BATCH_LOG_TREE_DEPTH + 1]; /* of a level in node */
    struct b256 zeros[BATCH_LOG_TREE_DEPTH + 1];
    struct b256 node[];
};

struct log_tree *log_tree_create(const struct b256 *leaves, size_t n)
{
    static const uint8_t no_log[88] = { 0 };
    size_t total = 0, len = n;
    CHECK(n <= BATCH_MAX_LOGS);
    for (unsigned d = 0; d <= BATCH_LOG_TREE_DEPTH; d++, len = (len + 1) / 2)
        total += len;
    struct log_tree *t = malloc(sizeof(*t) + total * sizeof(t->node[0]));
    if (!t)
        return NULL;
    t->cnt = n;
    t->zeros[0] = keccak256(no_log, sizeof(no_log));
    t->start[0] = 0;
    t->len[0] = n;
    if (n)
        memcpy(t->node, leaves, n * sizeof(*leaves));
    for (unsigned d = 0; d < BATCH_LOG_TREE_DEPTH; d++) {
        const struct b256 *below = t->node + t->start[d];
        t->start[d + 1] = t->start[d] + t->len[d];
        t->len[d + 1] = (t->len[d] + 1) / 2;
        for (size_t i = 0; i < t->len[d + 1]; i++)
            t->node[t->start[d + 1] + i] = keccak256_pair(
                &below[2 * i], 2 * i + 1 < t->len[d] ? &below[2 * i + 1] : &t->zeros[d]);
        t->zeros[d + 1] = keccak256_pair(&t->zeros[d], &t->zeros[d]);
    }
    return t;
}

void log_tree_destroy(struct log_tree *t)
{
    free(t);
}

size_t log_tree_count(const struct log_tree *t)
{
    return t->cnt;
}

const struct b256 *log_tree_leaf(const struct log_tree *t, size_t i)
{
    CHECK(i < t->cnt);
    return &t->node[i];
}

struct b256 log_tree_root(const struct log_tree *t)
{
    return t->cnt ? t->node[t->start[BATCH_LOG_TREE_DEPTH]] : t->zeros[BATCH_LOG_TREE_DEPTH];
}

void log_tree_path(const struct log_tree *t, size_t i, struct b256 path[BATCH_LOG_TREE_DEPTH])
{
    CHECK(i < t->cnt);
    for (unsigned d = 0; d < BATCH_LOG_TREE_DEPTH; d++) {
        size_t sibling = (i >> d) ^ 1;
        path[d] = sibling < t->len[d] ? t->node[t->start[d] + sibling] : t->zeros[d];
    }
}
