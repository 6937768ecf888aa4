/* node/base/merkle.h
 *
 * Keccak Merkle trees of the contracts. Freestanding.
 *
 * fixed:       2^depth leaves, missing ones are a given padding leaf (L2->L1 logs tree, spec 30 §2.7:
 *              depth 14, padding keccak(88 zero bytes)).
 * dynamic:     minimal power-of-two size for n leaves, padding a given leaf (priority tree, spec 30 §7.1:
 *              padding keccak("")); depth 0 and root = leaf for n = 1.
 * incremental: append-only with the left edge only ("sides"), same roots as dynamic. */
#ifndef GH_BASE_MERKLE_H
#define GH_BASE_MERKLE_H

#include "node/base/arena.h"
#include "node/base/bytes.h"

#define MERKLE_MAX_DEPTH 64

/* Root of 2^depth leaves, the first n given. `scratch` needs room for n entries (NULL if n is 0). */
struct b256 merkle_fixed_root(const struct b256 *leaves, size_t n, unsigned depth,
                              const struct b256 *padding, struct b256 *scratch);
/* The same and the path of leaf `index` (depth siblings, leaf level first). */
struct b256 merkle_fixed_path(struct b256 *path, size_t index, const struct b256 *leaves, size_t n,
                              unsigned depth, const struct b256 *padding, struct b256 *scratch);
/* Root that a leaf at `index` with this path gives. */
struct b256 merkle_walk(const struct b256 *leaf, uint64_t index, const struct b256 *path,
                        unsigned depth);
/* ceil(log2(n)), 0 for n <= 1 */
unsigned merkle_depth(uint64_t n);
/* Paths of the range [start, start + cnt) in the dynamic tree of n leaves (spec 30 §7.2): `left` and
 * `right` get merkle_depth(n) words each; unused words are zero. Returns the root. cnt >= 1. */
struct b256 merkle_range_paths(struct b256 *left, struct b256 *right, uint64_t start, uint64_t cnt,
                               const struct b256 *leaves, uint64_t n, const struct b256 *padding,
                               struct b256 *scratch);

struct merkle_incremental { /* value type */
    uint64_t count;
    struct b256
        sides[MERKLE_MAX_DEPTH]; /* sides[d]: root of the last complete left subtree at level d */
    struct b256 zeros[MERKLE_MAX_DEPTH + 1];
};
void merkle_incremental_init(struct merkle_incremental *t, const struct b256 *padding);
void merkle_incremental_append(struct merkle_incremental *t, const struct b256 *leaf);
struct b256 merkle_incremental_root(const struct merkle_incremental *t); /* zero for no leaves */

#endif
