/* interop/message_root.h
 *
 * The trees of a MessageRoot contract, of L1 or of a Gateway, at any block of its chain (spec 40 §2). Pure: no clock, no network, no
 * storage; interop/mirror feeds it what the contract's events say.
 *
 *   chain tree    one for each registered chain; leaf = keccak("zkSync:BatchLeaf" || batch root || batch number); dynamic height,
 *                 padding keccak(96 zero bytes); the root of a tree without leaves is 32 zero bytes
 *   shared tree   leaf i = keccak("zkSync:ChainIdLeaf" || chain root || chain id) of the chain with index i; index 0 is the chain the
 *                 contract lives on, whose tree stays empty
 *
 * Changes carry the settlement layer's block; within one block only the last state can be read, as with historicalRoot. Whole subtrees
 * are kept, so that a root or a path of any past block costs O(log n) hashes. Memory: 80 bytes a batch for its chain, and 40 bytes for
 * each level of the shared tree and block that changes it.
 *
 * Not thread-safe. */
#ifndef GH_INTEROP_MESSAGE_ROOT_H
#define GH_INTEROP_MESSAGE_ROOT_H

#include "node/base/bytes.h"
#include "node/base/err.h"

#define MESSAGE_ROOT_MAX_CHAINS  4096u /* the bridgehub's own limit is 100 */
#define MESSAGE_ROOT_CHAIN_DEPTH 48u   /* of a chain tree; far above any number of batches */
#define MESSAGE_ROOT_DEPTH       12u   /* of the shared tree */

struct b256 message_root_batch_leaf(const struct b256 *batch_root, uint64_t batch);
struct b256 message_root_chain_leaf(const struct b256 *chain_root, uint64_t chain);
/* The same of any 256-bit number, as the words of a proof may hold. */
struct b256 message_root_batch_leaf_word(const struct b256 *batch_root, const struct b256 *batch);
struct b256 message_root_chain_leaf_word(const struct b256 *chain_root, const struct b256 *chain);

struct message_root;
/* `own_chain` lives at index 0 from block 0 on. NULL: out of memory. */
MUST_USE struct message_root *message_root_create(uint64_t own_chain);
void message_root_destroy(struct message_root *m); /* NULL allowed */

/* ---- changes; `block` never below the one of the change before ----
 * ERR_INVALID: something the contract would not have done; nothing has changed. ERR_LOCAL: out of memory. The chain the contract lives on may
 * be added once more, with index 0 and before any other, as the contract says it at its own setting up. */
MUST_USE bool message_root_add_chain(struct message_root *m, uint64_t block, uint64_t chain,
                                     uint64_t index, struct err *err);
/* Batches of a chain rise, but need not be consecutive: one that went away and came back has a gap. */
MUST_USE bool message_root_append(struct message_root *m, uint64_t block, uint64_t chain,
                                  uint64_t batch, const struct b256 *batch_root, struct err *err);
/* Takes back everything from blocks >= from. */
void message_root_rewind(struct message_root *m, uint64_t from);

/* ---- reading; `block` UINT64_MAX: now ---- */
/* getAggregatedRoot at the end of that block */
struct b256 message_root_at(const struct message_root *m, uint64_t block);
/* getChainRoot; false: not registered by then */
MUST_USE bool message_root_chain_root(const struct message_root *m, uint64_t chain, uint64_t block,
                                      struct b256 *out);
/* Block of the last change; false: none but the chain's own leaf. */
MUST_USE bool message_root_last_block(const struct message_root *m, uint64_t *block);
/* First block >= from that changed anything; false: none. */
MUST_USE bool message_root_next_change(const struct message_root *m, uint64_t from,
                                       uint64_t *block);

struct message_root_leaf { /* a batch in its chain's tree */
    uint64_t position;     /* the mask of proofs; not the batch number */
    uint64_t batch, block; /* block that appended it */
};
MUST_USE bool message_root_find(const struct message_root *m, uint64_t chain, uint64_t batch,
                                struct message_root_leaf *out);

struct message_root_path { /* from a batch leaf up to the aggregated root, as of one block */
    uint64_t position, index;
    unsigned batch_len, chain_len;
    struct b256 batch[MESSAGE_ROOT_CHAIN_DEPTH]; /* siblings, leaf level first */
    struct b256 chain[MESSAGE_ROOT_DEPTH];
    struct b256 chain_root, root;
};
/* false: the chain or the batch is not in the tree of that block. */
MUST_USE bool message_root_prove(const struct message_root *m, uint64_t chain, uint64_t batch,
                                 uint64_t block, struct message_root_path *out);

struct message_root_chain {
    uint64_t id, index, batches, last_batch, last_block; /* last_*: 0 without batches */
};
size_t message_root_chain_count(const struct message_root *m);
void message_root_chain_get(const struct message_root *m, size_t index,
                            struct message_root_chain *out);
uint64_t message_root_batch_count(const struct message_root *m);
size_t message_root_memory(const struct message_root *m); /* bytes held */

#endif
