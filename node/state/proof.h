/* node/state/proof.h
 *
 * Storage proofs in the shape of zks_getProof (spec 20 §8). The tree has depth 64; a proof carries the lowest
 * bitlen(leaf_count - 1) siblings, leaf level first; the rest are roots of empty subtrees. */
#ifndef GH_STATE_PROOF_H
#define GH_STATE_PROOF_H

#include "node/state/state.h"

struct state_leaf_proof {
    uint64_t index, next;
    struct b256 key, value;
    unsigned sibling_cnt;
    struct b256 siblings[64];
};
struct state_proof {        /* about 4 KB: by pointer */
    struct state_mark mark; /* the tree proved against */
    bool existing;
    struct state_leaf_proof leaf;  /* existing: the leaf; otherwise the left neighbour */
    struct state_leaf_proof right; /* right neighbour; only when not existing */
};

/* State after `block`. ERR_INVALID: not hashed yet, or pruned (zks_getProof answers null), or a guard key. */
MUST_USE bool state_prove(const struct state *s, uint64_t block, const struct b256 *flat_key,
                          struct state_proof *out, struct err *err);

/* Root that the leaf and its siblings give. false: 64 siblings or more, or an index that does not fit. */
MUST_USE bool state_proof_walk(const struct state_leaf_proof *p, struct b256 *root);
/* Checks a proof of `flat_key` against `root`; *value is zero for a missing key. */
MUST_USE bool state_proof_verify(const struct state_proof *p, const struct b256 *flat_key,
                                 const struct b256 *root, struct b256 *value);

#endif
