/* node/stf/verify_state.h   (inside the verifier)
 *
 * The part of the state a witness opens: leaves and preimages, read as the transition function reads the whole state, changed
 * by net diffs, folded to a root before and after.
 *
 * Leaves stay in index order: first the opened ones, then those appended. `by_key` holds their numbers in key order. A key
 * is there if a leaf has it; it is absent if the leaf before it links to the leaf behind it, both opened or appended;
 * otherwise the witness does not say, and reading fails. */
#ifndef GH_STF_VERIFY_STATE_H
#define GH_STF_VERIFY_STATE_H

#include "node/base/map.h"
#include "node/stf/stf.h"
#include "node/stf/witness.h"

struct verify_preimage {
    struct b256 hash;
    struct bytes data;
    bool used;
};
struct verify_state {
    struct arena *arena;
    struct witness_leaf *leaves; /* opened_cnt, then appended */
    uint32_t *by_key;
    size_t opened_cnt, cnt, cap;
    uint64_t leaf_count; /* of the tree as it is now */
    const struct b256 *siblings;
    size_t sibling_cnt;
    struct verify_preimage *preimages; /* of the witness, rising by hash */
    size_t preimage_cnt;
    struct map made; /* hash -> struct bytes: preimages of blocks already executed */
};

enum verify_state_result {
    VERIFY_STATE_OK,
    VERIFY_STATE_NO_MEMORY,
    VERIFY_STATE_ORDER,    /* two leaves with one key, or preimages not rising by hash */
    VERIFY_STATE_SIBLINGS, /* too few or too many */
    VERIFY_STATE_ROOT,     /* the leaves do not give the root before */
    VERIFY_STATE_DIFF,     /* a change of a leaf that is not opened, or not as the diff says */
    VERIFY_STATE_RIGHTMOST /* leaves are appended and the rightmost is not opened */
};

/* Everything is kept in the arena, with pointers into the witness. Checks the root before. */
MUST_USE enum verify_state_result verify_state_init(struct verify_state *s, const struct witness *w,
                                                    struct arena *arena);
/* Borrows s. */
struct stf_oracle verify_state_oracle(struct verify_state *s);
/* One block: changes in consensus order, preimages copied. Scratch is not given back. */
MUST_USE enum verify_state_result
verify_state_apply(struct verify_state *s, const struct stf_block_output *o, struct arena *scratch);
MUST_USE enum verify_state_result verify_state_root(const struct verify_state *s, struct b256 *root,
                                                    struct arena *scratch);
/* Every preimage of the witness was read. */
bool verify_state_all_used(const struct verify_state *s);

#endif
