/* tests/statetest/world.h
 *
 * A pre-state as the state transition function reads it (flat keys, account records under 0x8003,
 * preimages), and the Ethereum state root of what it became. */
#ifndef GH_TESTS_STATETEST_WORLD_H
#define GH_TESTS_STATETEST_WORLD_H

#include "node/base/map.h"
#include "tests/statetest/fixture.h"

struct world {
    struct map slots;     /* flat key -> b256 */
    struct map preimages; /* hash -> struct bytes */
    struct map storages;  /* addresses with a slot that is not zero -> nothing */
    struct stf_oracle oracle;
    const struct fixture *fixture;
};

/* Preimages live in the arena. */
void world_init(struct world *w, const struct fixture *f, struct arena *arena);
void world_clear(struct world *w);
/* Root after the block's changes; b NULL: nothing was executed. The coinbase counts as touched. */
struct b256 world_state_root(const struct world *w, const struct stf_block *b, struct arena *arena);

#endif
