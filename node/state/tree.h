/* node/state/tree.h
 *
 * The Merkle tree without locks: one dense array of hashes per level (spec 20 §3, §10.2), grown to the right only.
 *
 * Old nodes are recorded from level TREE_VER_LEVEL up. Below it, the part of an old tree that a proof needs is
 * 2^TREE_VER_LEVEL leaves at most, hashed again from their old values (which the flat state keeps anyway): some 50 us
 * instead of about 60 % of all node records. */
#ifndef GH_STATE_TREE_H
#define GH_STATE_TREE_H

#include "node/base/err.h"
#include "node/state/flat.h"

#define TREE_DEPTH     64u
#define TREE_VER_LEVEL 8u
#define TREE_MAX_LEVEL 48u /* 2^48 leaves */

struct tree_level {
    struct b256 *h; /* owned */
    uint64_t len, cap;
    struct ver_link *vers; /* owned; from TREE_VER_LEVEL up */
    uint64_t vers_cap;
};
struct node_undo {
    struct ver_head head;
    struct b256 hash;
};
struct tree {
    struct tree_level level[TREE_MAX_LEVEL + 1];
    struct b256 empty[TREE_DEPTH + 1];
    uint64_t leaf_count;
    struct ver_log log;
    uint64_t compressions;
};

void tree_init(struct tree *t);
void tree_clear(struct tree *t);
/* Hashes everything from the leaves (spec 20 §3.1) and starts the log with `block`. */
void tree_build(struct tree *t, uint64_t block, const struct flat *f);
/* One block: touches ascending by index, distinct, complete. Appends its mark to the log. */
void tree_apply(struct tree *t, uint64_t block, const struct leaf_touch *touches, size_t n,
                uint64_t leaf_count);
/* Back to `block` >= log.first. `touched` (ascending, distinct, below the old count): leaves changed by the blocks taken back;
 * the flat state is at `block` already. false: the root is not the saved one. */
MUST_USE bool tree_rollback(struct tree *t, uint64_t block, const struct flat *f,
                            const uint64_t *touched, size_t n);
/* Old nodes of blocks <= bare and marks of blocks < first go. */
void tree_prune(struct tree *t, uint64_t first, uint64_t bare);

/* Levels a proof names: bitlen(leaf_count - 1). */
unsigned tree_height(uint64_t leaf_count);
/* Siblings of leaf `index` after block n, log.bare <= n <= log.last. Returns their number. */
unsigned tree_siblings(const struct tree *t, const struct flat *f, uint64_t n, uint64_t index,
                       struct b256 out[TREE_DEPTH]);
/* Recomputes every level; false with the level and position of the first difference. */
bool tree_matches(const struct tree *t, const struct flat *f, unsigned *level, uint64_t *pos);
uint64_t tree_bytes(const struct tree *t);

#endif
