/* tests/unit/stf/stf_world.h
 *
 * A small chain state in memory for tests of the state transition function: flat map, preimages, the oracle over them, and
 * a naive tree that hashes everything again each time. Used by the vector tests as well. */
#ifndef GH_TESTS_STF_WORLD_H
#define GH_TESTS_STF_WORLD_H

#include "node/base/map.h"
#include "node/stf/stf.h"

struct world_leaf {
    struct b256 key, value;
};
struct world {
    struct arena arena;        /* everything below */
    struct map values;         /* flat key -> index into leaves */
    struct map preimages;      /* hash -> struct bytes */
    struct world_leaf *leaves; /* in index order, guards at 0 and 1; owned (malloc) */
    size_t leaf_cnt, leaf_cap;
    struct stf_oracle oracle;
    bool broken; /* the oracle refuses everything */
};
void world_init(struct world *w); /* guards only */
void world_clear(struct world *w);
void world_put(struct world *w, const struct b256 *flat_key, const struct b256 *value);
void world_put_preimage(struct world *w, const struct b256 *hash, struct bytes data); /* copied */
void world_set_slot(struct world *w, const struct addr *a, const struct b256 *slot,
                    const struct b256 *value);
void world_set_account(struct world *w, const struct addr *a, uint64_t nonce,
                       const struct u256 *balance, struct bytes code);
struct account_record world_account(const struct world *w, const struct addr *a);
struct b256 world_slot(const struct world *w, const struct addr *a, const struct b256 *slot);
/* Diffs and preimages of a block that ended. */
void world_apply(struct world *w, const struct stf_block_output *out);
/* Leaves by ascending key instead of insertion, as at genesis. */
void world_sort_leaves(struct world *w);
struct b256 world_tree_root(const struct world *w);

/* number 1, timestamp 1000, base fee and native price 1000, pubdata free, 100 million gas */
struct stf_block_context world_context(void);
struct b256 world_b256(const char *hex);
struct addr world_addr(const char *hex);
struct u256 world_number(const char *text); /* decimal or 0x */
/* Hex with or without 0x, into the world's arena. */
struct bytes world_hex(struct world *w, const char *hex);

#endif
