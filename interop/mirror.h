/* interop/mirror.h
 *
 * The MessageRoot of one settlement layer, followed event by event (spec 40 §2, §10.1): what the contract would say at any past block, and
 * proofs from it, without asking an archive. The layer is a parameter: L1 or a Gateway.
 *
 * A watcher writes the contract's events to the store and hands them on; here they make the trees again, and each root in an event is
 * compared with ours. At start the trees are made from the store. The contract's own answer at the head is compared by the watcher, whose
 * questions are answered here. A difference holds the mirror, in words: nothing read afterwards is believed, and what was not agreed upon by
 * the contract is dropped from the store, so that a restart reads it again. How far it agreed is stored with the rows.
 *
 * Roots of blocks become importable one by one, in order: when ours is the one the event and the contract have, and the block is final by
 * the owner's policy.
 *
 * mirror_on_*, create and destroy on the loop thread; readers on any. */
#ifndef GH_INTEROP_MIRROR_H
#define GH_INTEROP_MIRROR_H

#include "interop/message_root.h"
#include "node/store/message_root_table.h"

struct mirror;
struct mirror_root { /* of a block that changed the contract */
    uint64_t block, log_id;
    struct b256 root;
    bool
        has_logs; /* it appended a batch that has logs: somebody may want to prove one against it */
};
struct mirror_config {
    uint64_t layer;   /* chain id */
    const char *name; /* "the Gateway"; borrowed */
};
struct mirror_callbacks { /* on the loop */
    void *arg;
    /* A root that may be imported, oldest first (see mirror_skip_imported). false: not now; it comes again. May be NULL. */
    bool (*on_importable_root)(void *arg, uint64_t chain_id, const struct mirror_root *r);
};
/* Rebuilds from the store. Rows that contradict each other are dropped from there on, with the cursor `cursor` set back, and said in the
 * log. NULL: out of memory or the store fails. */
MUST_USE struct mirror *mirror_create(struct store *store, const struct mirror_config *cfg,
                                      const struct mirror_callbacks *cb, const char *cursor,
                                      struct err *err);
void mirror_destroy(struct mirror *m); /* NULL allowed; before the store is closed */

/* ---- what the watcher calls (see l1-watcher/watcher.h for when) ---- */
MUST_USE bool mirror_on_roots(struct mirror *m, const struct message_root_row *rows, size_t n,
                              uint64_t covered_to, struct err *err);
struct b256 mirror_expected_root(struct mirror *m);
void mirror_on_checked(struct mirror *m, uint64_t block); /* the contract agrees there */
void mirror_on_rewind(struct mirror *m, uint64_t from);
/* Stopped for this reason: the mirror gives nothing that the contract has not agreed to. */
void mirror_hold(struct mirror *m, const char *why);

/* ---- what the owner calls ---- */
/* Once, after creation: roots that are imported already are not offered again. They were imported oldest first, so a few questions find the
 * last one. */
void mirror_skip_imported(struct mirror *m,
                          bool (*is_imported)(void *arg, const struct mirror_root *r), void *arg);
/* Blocks up to here are final by policy. Never goes back; a reorganisation below it holds the mirror. */
void mirror_set_final(struct mirror *m, uint64_t block);

/* ---- readers, any thread ---- */
/* The first importable root of a block > after. false: none (yet). */
MUST_USE bool mirror_next_importable(struct mirror *m, uint64_t after, struct mirror_root *out);
/* historicalRoot of exactly this block; false: no change there, or not read yet. */
MUST_USE bool mirror_root_of_block(struct mirror *m, uint64_t block, struct mirror_root *out);
/* The aggregated root at the end of `block`; false: not read that far, or held. */
MUST_USE bool mirror_root_at(struct mirror *m, uint64_t block, struct b256 *out);
MUST_USE bool mirror_find(struct mirror *m, uint64_t chain, uint64_t batch,
                          struct message_root_leaf *out);
/* As message_root_prove, for blocks that have been read. */
MUST_USE bool mirror_prove(struct mirror *m, uint64_t chain, uint64_t batch, uint64_t block,
                           struct message_root_path *out);

struct mirror_status {
    uint64_t layer;
    const char *name;
    uint64_t read_to, checked_to, final_to; /* blocks; 0: none yet */
    uint64_t chains, batches, last_log_id, last_change, rewinds;
    struct b256 root;
    size_t memory;
    char held[512]; /* "" while it is not */
};
void mirror_status_get(struct mirror *m, struct mirror_status *out);
/* The i-th chain of the tree; false beyond the last. */
MUST_USE bool mirror_chain_get(struct mirror *m, size_t i, struct message_root_chain *out);

#endif
