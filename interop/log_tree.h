/* interop/log_tree.h
 *
 * The tree of a batch's L2->L1 logs with all its nodes, for many paths (spec 40 §1.2): keccak, 2^14 leaves, missing ones
 * keccak(88 zero bytes). 64 bytes a log. Pure; a built tree does not change and may be read by many threads. */
#ifndef GH_INTEROP_LOG_TREE_H
#define GH_INTEROP_LOG_TREE_H

#include "node/base/bytes.h"
#include "node/stf/batch.h"

struct log_tree;
/* leaves: batch_l2_log_leaf of all logs in emission order. NULL: out of memory. n <= BATCH_MAX_LOGS. */
MUST_USE struct log_tree *log_tree_create(const struct b256 *leaves, size_t n);
void log_tree_destroy(struct log_tree *t); /* NULL allowed */
size_t log_tree_count(const struct log_tree *t);
const struct b256 *log_tree_leaf(const struct log_tree *t, size_t i); /* i < count */
struct b256 log_tree_root(const struct log_tree *t);
/* Siblings of leaf i < count, leaf level first. */
void log_tree_path(const struct log_tree *t, size_t i, struct b256 path[BATCH_LOG_TREE_DEPTH]);

#endif
