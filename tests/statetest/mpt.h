/* tests/statetest/mpt.h
 *
 * Root of an Ethereum Merkle-Patricia trie over a finished set of keys (yellow paper, appendix D).
 * Built bottom up from the sorted items, never updated. Keys are any bytes, no key is a duplicate
 * of another. */
#ifndef GH_TESTS_STATETEST_MPT_H
#define GH_TESTS_STATETEST_MPT_H

#include "node/base/arena.h"
#include "node/base/bytes.h"
#include "node/base/hash.h"

struct mpt_item {
    struct bytes key;   /* for a secure trie already hashed */
    struct bytes value; /* not empty */
};

/* Sorts items in place. Nodes are built in the arena. The root of no items is keccak(rlp("")). */
struct b256 mpt_root(struct mpt_item *items, size_t n, struct arena *arena);

#endif
