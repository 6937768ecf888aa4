/* node/state/versions.h
 *
 * Old versions of things that change once per block at most: per block one array of entries, each holding what was
 * there before that block, linked to the entry of the change before it. A second link jumps further back
 * (skew-binary: every chain of length n is searched in O(log n)), so reading a hot slot thousands of blocks ago costs
 * a dozen steps.
 *
 * A thing keeps the link of its newest entry. "Before" is enough: the value after block n is the old value in
 * the entry with the smallest block > n, or the present value when there is none. */
#ifndef GH_STATE_VERSIONS_H
#define GH_STATE_VERSIONS_H

#include "node/base/bytes.h"

struct ver_link { /* block 0: none; the first block of a log has no entries */
    uint32_t block, pos;
};
struct ver_head { /* an entry starts with this */
    struct ver_link prior, jump;
    uint32_t depth, flags; /* flags: the owner's */
};
struct ver_block {
    uint8_t *entries; /* owned */
    uint32_t count, cap;
    uint64_t leaf_count; /* after the block */
    struct b256 root;    /* used by the tree only */
};
struct ver_log {
    struct ver_block *ring; /* owned; block b at [b & (cap - 1)] */
    size_t cap;
    uint64_t first, last; /* blocks in the ring */
    uint64_t bare;        /* entries of blocks <= bare are dropped; first <= bare */
    size_t entry_size;
    uint64_t bytes;
};

void ver_log_init(struct ver_log *l, size_t entry_size);
void ver_log_clear(struct ver_log *l);
/* An empty log whose only block is `block`. */
struct ver_block *ver_log_start(struct ver_log *l, uint64_t block);
/* Appends block last + 1 with room for cap entries. */
struct ver_block *ver_log_push(struct ver_log *l, uint32_t cap);
/* NULL outside [first, last]. */
struct ver_block *ver_log_at(const struct ver_log *l, uint64_t block);
/* Adds an entry to the newest block before *link and makes *link point at it. */
struct ver_head *ver_log_add(struct ver_log *l, struct ver_link *link);
/* Gives back what the newest block reserved and did not use. */
void ver_log_fit(struct ver_log *l);
/* Entry with the smallest block > n, or NULL: the present value is the one of block n. n >= bare. */
struct ver_head *ver_log_find(const struct ver_log *l, struct ver_link link, uint64_t n);
/* Newest link with block <= n that can still be reached; none otherwise. */
struct ver_link ver_log_cut(const struct ver_log *l, struct ver_link link, uint64_t n);
struct ver_head *ver_block_entry(const struct ver_log *l, const struct ver_block *b, uint32_t i);
/* Drops the entries of blocks <= upto, oldest first; each (may be NULL) sees every entry. */
void ver_log_strip(struct ver_log *l, uint64_t upto, void (*each)(void *arg, struct ver_head *e),
                   void *arg);
/* Forgets blocks below `first`; their entries must be stripped. */
void ver_log_trim(struct ver_log *l, uint64_t first);
void ver_log_pop(struct ver_log *l); /* the newest block */

#endif
