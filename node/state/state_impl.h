/* node/state/state_impl.h
 *
 * Inside of struct state, for the files of this folder.
 *
 * Locks, in the order they may be taken: writer, hasher, flat, tree, small.
 *   writer  one thread plans and commits blocks, rolls back, or starts
 *   hasher  one thread advances the tree
 *   flat    readers of leaves, index, preimages and the undo log against a commit (writers preferred)
 *   tree    readers of hashes and marks against an advance
 *   small   the queue of blocks to hash, open views, keep_from
 * The thread that holds `writer` may read the flat state without its lock: nobody else changes it. */
#ifndef GH_STATE_STATE_IMPL_H
#define GH_STATE_STATE_IMPL_H

#include <pthread.h>

#include "node/state/flat.h"
#include "node/state/state.h"
#include "node/state/tree.h"

struct state_locks {
    pthread_mutex_t writer, hasher, small;
    pthread_rwlock_t flat, tree;
};
struct state_job { /* a block waiting for the tree */
    struct state_job *next;
    uint64_t block, leaf_count;
    struct flat_plan plan; /* owned */
};
struct state {
    struct state_config cfg;
    struct state_locks *locks; /* owned; behind a pointer so that const readers can lock */
    struct flat flat;          /* flat lock */
    struct tree tree;          /* tree lock */
    bool has_block;            /* flat lock */
    uint64_t floor;            /* flat lock */
    /* small lock: */
    struct state_job *first_job, *last_job;
    struct state_view *views; /* list */
    uint64_t view_cnt, keep_from;
    uint64_t tree_block;
};
struct state_view {
    struct state *s;
    uint64_t block, leaf_count;
    uint64_t
        pin; /* block that must stay; small lock. After a rollback: its target, for what was borrowed before */
    bool dead; /* flat lock */
    struct state_view *prev, *next;
};

void state_lock_flat_read(const struct state *s);
void state_unlock_flat(const struct state *s);
void state_lock_tree_read(const struct state *s);
void state_unlock_tree(const struct state *s);

/* The flat state was filled from outside: hashes it and makes it block `block`. Nobody else knows s yet. */
void state_adopt(struct state *s, uint64_t block);

#endif
