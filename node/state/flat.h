/* node/state/flat.h
 *
 * The flat state without locks: leaves by index, the key index, preimages and the undo log (see state.h). A block is
 * first planned (reads only) and then committed, so that readers are kept out for the copying alone. */
#ifndef GH_STATE_FLAT_H
#define GH_STATE_FLAT_H

#include "node/base/err.h"
#include "node/state/key_index.h"
#include "node/state/preimages.h"
#include "node/state/versions.h"
#include "node/stf/stf.h"

struct leaf {
    struct b256 key, value; /* key first: the index looks there */
    uint64_t next;
    struct ver_link ver;
};
/* What a leaf was before a block. */
struct leaf_undo {
    struct ver_head head; /* flags: UNDO_... */
    uint64_t index;
    struct b256 value;
    uint64_t next;
};
#define UNDO_VALUE   1u /* the value changed; otherwise only next */
#define UNDO_COUNTED 2u /* it was an account value: holds a reference to its record */

/* A leaf as a block leaves it: the tree's work. */
struct leaf_touch {
    uint64_t index;
    struct b256 key, value;
    uint64_t next;
    uint32_t flags;
};
#define TOUCH_VALUE   1u
#define TOUCH_NEW     2u
#define TOUCH_ACCOUNT 4u

struct flat {
    struct leaf *leaves; /* owned */
    uint8_t *counted; /* owned, beside it: the value is an account record that holds a reference */
    uint64_t leaf_count, leaf_cap, counted_cap;
    struct key_index index; /* guards included */
    struct preimages preimages;
    struct ver_log log;
};
struct flat_plan {
    struct leaf_touch *touches; /* ascending index, distinct */
    size_t touch_cnt, old_cnt;  /* old ones first */
};

void flat_init(struct flat *f); /* guards only */
void flat_clear(struct flat *f);
static inline struct key_source flat_keys(const struct flat *f)
{
    return (struct key_source){ f->leaves, sizeof(*f->leaves) };
}
/* A real leaf (no guard). */
bool flat_find(const struct flat *f, const struct b256 *key, uint64_t *index);
/* Leaf as it was after block n: n >= log.bare, index below the leaf count of n. *counted may be NULL. */
void flat_leaf_at(const struct flat *f, uint64_t index, uint64_t n, struct b256 *value,
                  uint64_t *next, bool *counted);

/* With `strict`: old_value, is_new and account records are checked. */
MUST_USE bool flat_plan_make(struct flat_plan *out, const struct flat *f,
                             const struct stf_diff *diffs, size_t diff_cnt,
                             const struct stf_preimage *preimages, size_t preimage_cnt, bool strict,
                             struct err *err);
void flat_plan_clear(struct flat_plan *p);
/* first: the log starts with `block`, preimages are kept for ever, no undo. */
void flat_commit(struct flat *f, uint64_t block, const struct flat_plan *p,
                 const struct stf_preimage *preimages, size_t preimage_cnt, bool first);
/* Drops undo entries of blocks <= floor. */
void flat_prune(struct flat *f, uint64_t floor);
/* Takes the newest block back. Calls back for every old leaf it restored. */
void flat_pop(struct flat *f, void (*restored)(void *arg, uint64_t index), void *arg);

#endif
