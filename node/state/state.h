/* node/state/state.h
 *
 * The state of the chain in memory: the flat map key -> value, the Merkle tree over it, preimages, and enough
 * history to read, prove and roll back (spec 20).
 *
 *   flat   leaves by index with their newest value; a key index with predecessor search. A change leaves an undo
 *          entry behind, linked to the entry before it: the undo log IS the multi-version store. A value at an
 *          older block is found in O(log changes of that key).
 *   tree   one dense array of hashes per level. It follows the flat state block by block and may lag behind it, so
 *          the builder never waits for hashing.
 *
 * Nothing here touches a disk except checkpoint.h. Durable truth is the chain's block records: at start load the
 * newest checkpoint at or below the oldest block that must stay readable, then apply the diffs of every later record
 * (no EVM). That also rebuilds history and old proofs.
 *
 * Threads. One thread at a time applies blocks (state_apply_flat), one at a time hashes (state_tree_advance); both are
 * serialised inside, so any thread may call. Any number of threads read through views and proofs meanwhile.
 * Views may be used by one thread at a time each.
 *
 * Retention. Blocks >= state_floor() can be viewed and rolled back to; blocks in [state_proof_floor(),
 * state_tree_block()] can be proved. Older ones are gone: the answer is an error ("pruned"), never a newer value.
 * floor = min(latest - history_blocks, keep_from, lowest pinned view, tree block), worked out whenever a block is
 * applied. Views do not hold old proofs; keep_from does.
 *
 * Preimages. Code and everything given at genesis stays for ever. An account record stays while the newest value or
 * a retained older value of an account names it, so memory is bounded by the state and the history, not by age.
 *
 * Memory running out while a block is being applied ends the process (CHECK): the state is rebuilt at start. */
#ifndef GH_STATE_STATE_H
#define GH_STATE_STATE_H

#include "node/base/bytes.h"
#include "node/base/err.h"
#include "node/stf/stf.h"

struct state;
struct state_view;

struct state_config {
    uint64_t history_blocks; /* blocks behind the newest that stay viewable; 0: only the newest */
    uint64_t
        proof_blocks; /* blocks behind the newest hashed one that stay provable; <= history_blocks
                              * is enforced */
};
#define STATE_HISTORY_BLOCKS_DEFAULT 4096u
#define STATE_PROOF_BLOCKS_DEFAULT   1024u

/* What a block's tree came to. */
struct state_mark {
    uint64_t block, leaf_count; /* guards counted */
    struct b256 root;
};

/* Guards only, no block. Never NULL. */
struct state *state_create(const struct state_config *cfg);
/* No view may be open. NULL allowed. */
void state_destroy(struct state *s);

/* Seeds an empty state with block `block` (0: genesis) and hashes it at once. Preimages given here stay for ever.
 * Order of diffs is the order of leaves; old_value and is_new are not looked at. ERR_INVALID: duplicate key, a
 * guard key, or a state that already has a block. */
MUST_USE bool state_start(struct state *s, uint64_t block, const struct stf_diff *diffs,
                          size_t diff_cnt, const struct stf_preimage *preimages,
                          size_t preimage_cnt, struct state_mark *mark, struct err *err);

/* ---- applying blocks ---- */

/* Makes the block visible to readers. `block` is latest + 1. Diffs are net changes in consensus order
 * (spec 20 §5.2). Everything is checked before anything changes: distinct keys, old_value and is_new as the state
 * has them, and the record behind every new account value given or known. ERR_INVALID says what is wrong. */
MUST_USE bool state_apply_flat(struct state *s, uint64_t block, const struct stf_diff *diffs,
                               size_t diff_cnt, const struct stf_preimage *preimages,
                               size_t preimage_cnt, struct err *err);
/* Hashes the waiting blocks in order up to and including `block` (at once if that is done already) and gives its
 * mark (NULL allowed). ERR_INVALID when the block is not applied, or older than the marks kept. */
MUST_USE bool state_tree_advance(struct state *s, uint64_t block, struct state_mark *mark,
                                 struct err *err);
/* Both. */
MUST_USE bool state_apply(struct state *s, uint64_t block, const struct stf_diff *diffs,
                          size_t diff_cnt, const struct stf_preimage *preimages,
                          size_t preimage_cnt, struct state_mark *mark, struct err *err);

/* Makes bare code known for ever, keyed by blake2s(code) (factory dependencies, spec 20 §2.3). */
void state_add_preimage(struct state *s, struct bytes code);

/* Back to the end of `block`. Open views of later blocks fail from now on. The root is recomputed and compared with
 * the saved one. ERR_INVALID: below the floor or above the newest block. ERR_LOCAL: the roots differ (a bug or broken
 * memory: stop, and start again from a checkpoint). */
MUST_USE bool state_rollback(struct state *s, uint64_t block, struct err *err);

/* Blocks >= `block` stay viewable, provable and reachable by rollback whatever the depths say (the last block of
 * the last executed batch). Costs about 72 bytes a changed leaf and 56 a recorded node (5 a change, roughly) for every
 * block held, so it follows settlement. What is gone already does not come back. UINT64_MAX: no such bound (the
 * start value). */
void state_keep_from(struct state *s, uint64_t block);

bool state_has_block(const struct state *s);      /* started or loaded */
uint64_t state_latest(const struct state *s);     /* newest block visible; 0 without a block */
uint64_t state_tree_block(const struct state *s); /* newest block hashed */
uint64_t state_floor(const struct state *s);
uint64_t state_proof_floor(const struct state *s);
/* Kept for all blocks from state_floor() to state_tree_block(); false for others. */
MUST_USE bool state_mark_at(const struct state *s, uint64_t block, struct state_mark *out);

/* ---- views ---- */

#define STATE_LATEST UINT64_MAX
/* Pins the state at the end of `block`: O(1), and nothing it can read goes away until it is closed, except by
 * rollback. NULL with ERR_INVALID: pruned, or not there yet. */
struct state_view *state_view_open(struct state *s, uint64_t block, struct err *err);
void state_view_close(struct state_view *v); /* NULL allowed */
uint64_t state_view_block(const struct state_view *v);
/* false only when the view's block was rolled back. Absent: zero, exists false. */
MUST_USE bool state_view_slot(const struct state_view *v, const struct b256 *flat_key,
                              struct b256 *value, bool *exists);
/* Borrowed until the view is closed. false: unknown hash, or rolled back. */
MUST_USE bool state_view_preimage(const struct state_view *v, const struct b256 *hash,
                                  struct bytes *out);
/* Absent: the default record, *exists false. false: rolled back, or the record is missing or damaged. */
MUST_USE bool state_view_account(const struct state_view *v, const struct addr *a,
                                 struct account_record *out, bool *exists);
/* The code proper, without padding and bitmap; empty without code. Borrowed until the view is closed. */
MUST_USE bool state_view_code(const struct state_view *v, const struct account_record *rec,
                              struct bytes *code);
/* Value of slot `slot` of contract `a`; zero when absent. */
MUST_USE bool state_view_storage(const struct state_view *v, const struct addr *a,
                                 const struct b256 *slot, struct b256 *value);
/* For stf_block_begin: borrows the view. */
struct stf_oracle state_view_oracle(const struct state_view *v);

/* ---- checks and numbers ---- */

/* Walks the list from guard 0 (strictly rising keys, exactly leaf_count leaves), looks every key up in the index, and
 * recomputes every level from the leaves. Seconds on a large state: tests and `check` commands. Hashes waiting blocks
 * first. ERR_LOCAL names the first fault. */
MUST_USE bool state_check(struct state *s, struct err *err);

struct state_usage {
    uint64_t leaf_count, preimage_count;
    uint64_t leaf_bytes, index_bytes, tree_bytes, history_bytes, preimage_bytes;
    uint64_t history_blocks, open_views;
    uint64_t tree_compressions; /* blake2s compressions by state_tree_advance since the start */
};
void state_usage(const struct state *s, struct state_usage *out);

/* ---- state commitment (spec 20 §4.1) ---- */

/* The last 256 block hashes, oldest first; unknown ones are zero. A value. */
struct state_ring {
    struct b256 h[256]; /* [255]: the newest */
};
void state_ring_push(struct state_ring *r, const struct b256 *block_hash);
/* The ring after a block: the hashes in its own context moved up by one, then its hash. */
void state_ring_after(struct state_ring *r, const struct stf_block_context *ctx,
                      const struct b256 *block_hash);
/* blake2s over the 256 hashes */
struct b256 state_ring_hash(const struct state_ring *r);
/* blake2s(root || BE8 leaf_count || BE8 block || last256 || BE8 timestamp) */
struct b256 state_commitment(const struct state_mark *mark, const struct b256 *last256,
                             uint64_t timestamp);

#endif
