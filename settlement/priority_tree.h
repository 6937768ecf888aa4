/* settlement/priority_tree.h
 *
 * Mirror of the diamond's priority tree (spec 30 §7): keccak, append-only, as wide as the next power of two, missing leaves
 * keccak(""). Every root it ever had is valid, so paths are given in the tree that ends with the batch's last operation.
 *
 * All levels are kept as dense arrays: append is O(1) amortised, a path O(depth^2) at worst (the right edge is computed). */
#ifndef GH_SETTLEMENT_PRIORITY_TREE_H
#define GH_SETTLEMENT_PRIORITY_TREE_H

#include "node/base/bytes.h"
#include "node/base/defs.h"

#define PRIORITY_TREE_MAX_DEPTH 40

struct priority_tree;
MUST_USE struct priority_tree *priority_tree_create(void); /* NULL: out of memory */
void priority_tree_destroy(struct priority_tree *t);
uint64_t priority_tree_count(const struct priority_tree *t);
/* false: out of memory, or too large */
MUST_USE bool priority_tree_append(struct priority_tree *t, const struct b256 *leaf);
/* Root of the first n leaves (n <= count); zero for n = 0. */
struct b256 priority_tree_root(const struct priority_tree *t, uint64_t n);
/* Siblings of the range [start, start + cnt) in the tree of the first n leaves: `*depth` words each, unused ones zero.
 * start + cnt <= n <= count, cnt >= 1. */
void priority_tree_paths(const struct priority_tree *t, uint64_t start, uint64_t cnt, uint64_t n,
                         struct b256 left[PRIORITY_TREE_MAX_DEPTH],
                         struct b256 right[PRIORITY_TREE_MAX_DEPTH], unsigned *depth);

#endif
