/* node/store/message_root_table.h
 *
 * What the MessageRoot contracts of settlement layers said, in the order they said it, and the batches of a Gateway. Tables
 * message_root_event, message_root_agreed and layer_batch in the journal database; written by l1-watcher and by interop's mirror on the store thread. `layer` is the
 * chain id of the layer the contract is on. */
#ifndef GH_STORE_MESSAGE_ROOT_TABLE_H
#define GH_STORE_MESSAGE_ROOT_TABLE_H

#include "node/store/store.h"

enum message_root_kind {
    MESSAGE_ROOT_CHAIN = 1, /* AddedChain: number = index */
    MESSAGE_ROOT_BATCH = 2, /* AppendedChainBatchRoot: number = batch, value = its root */
    MESSAGE_ROOT_CHAIN_ROOT =
        3, /* NewChainRoot: value = root of the chain's tree; only compared, never stored */
    MESSAGE_ROOT_INTEROP = 4, /* NewInteropRoot: number = log id, value = root of the shared tree */
};
struct message_root_row {
    enum message_root_kind kind;
    uint64_t block, log_index;
    uint64_t chain; /* of a root: the layer itself */
    uint64_t number;
    struct b256 value;
};

/* --- on the store thread --- */
/* Rows that are there already are written again. */
MUST_USE bool message_root_put(struct store_txn *t, uint64_t layer,
                               const struct message_root_row *rows, size_t n, struct err *err);
/* Removes rows of blocks >= from; what the contract agreed to ends there at the latest. */
MUST_USE bool message_root_truncate(struct store_txn *t, uint64_t layer, uint64_t from,
                                    struct err *err);
/* The contract has the root that the rows of blocks < next_block give. */
MUST_USE bool message_root_agreed_put(struct store_txn *t, uint64_t layer, uint64_t next_block,
                                      struct err *err);

/* --- readers --- */
/* Every row of the layer in order; stops with false when `each` does. */
MUST_USE bool message_root_each(struct store_reader *r, uint64_t layer,
                                bool (*each)(void *arg, const struct message_root_row *row,
                                             struct err *err),
                                void *arg, struct err *err);

MUST_USE bool message_root_agreed_load(struct store_reader *r, uint64_t layer, uint64_t *next_block,
                                       struct err *err); /* 0: it was not asked yet */

/* A batch of a Gateway: through it a message of a chain on the Gateway reaches L1. */
struct layer_batch_row {
    uint64_t number, first_block, last_block;
    struct b256 logs_root; /* of the Gateway's own logs */
    struct b256 root;      /* as committed; on L1 once executed */
    bool on_l1;            /* L1's MessageRoot has it */
};
MUST_USE bool layer_batch_put(struct store_txn *t, uint64_t layer, const struct layer_batch_row *b,
                              struct err *err);
MUST_USE bool layer_batch_truncate(struct store_txn *t, uint64_t layer, uint64_t from_number,
                                   struct err *err);
MUST_USE bool layer_batch_of_block(struct store_reader *r, uint64_t layer, uint64_t block,
                                   struct layer_batch_row *out, bool *found, struct err *err);
/* The last one; and the first one that is not on L1 yet. */
MUST_USE bool layer_batch_last(struct store_reader *r, uint64_t layer, struct layer_batch_row *out,
                               bool *found, struct err *err);
MUST_USE bool layer_batch_first_pending(struct store_reader *r, uint64_t layer,
                                        struct layer_batch_row *out, bool *found, struct err *err);

#endif
