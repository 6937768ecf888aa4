/* node/rpc/log_trees.h   (inside rpc)
 *
 * Trees of the logs of the batches asked about last, so that many proofs of one batch cost one tree. Shared by all workers. */
#ifndef GH_RPC_LOG_TREES_H
#define GH_RPC_LOG_TREES_H

#include "interop/log_tree.h"
#include "node/rpc/rpc_internal.h"

struct rpc_log_trees *rpc_log_trees_create(void);
void rpc_log_trees_destroy(struct rpc_log_trees *t); /* NULL allowed */
struct rpc_batch_logs {
    uint64_t batch, first_block;
    struct b256 root; /* of the batch: another one after a rollback is another tree */
    struct log_tree *tree;
    uint32_t *first_log; /* of each block, counted in the batch */
};
/* The logs of the batch, gathered when they are not there; NULL with the call failed. Give them back. */
const struct rpc_batch_logs *rpc_log_tree_take(struct rpc_call *c, const struct batch_row *row);
void rpc_log_tree_give(struct rpc_call *c, const struct rpc_batch_logs *logs);

#endif
