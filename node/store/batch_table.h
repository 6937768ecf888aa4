/* node/store/batch_table.h
 *
 * Sealed batches and where they stand on the settlement layer. Table batch in the journal database, written by
 * settlement on the store thread, read by RPC, status and the proofs of messages. Numbers from 1, consecutive. */
#ifndef GH_STORE_BATCH_TABLE_H
#define GH_STORE_BATCH_TABLE_H

#include "node/store/store.h"

enum batch_step { BATCH_COMMIT, BATCH_PROVE, BATCH_EXECUTE, BATCH_STEP_CNT };
struct batch_step_row { /* a step as seen on the settlement layer */
    bool done;          /* the event is in a block with the required confirmations */
    struct b256 tx_hash, block_hash;
    uint64_t sl_block, sl_timestamp;
};
struct batch_row {
    uint64_t number, first_block, last_block;
    uint64_t first_timestamp, last_timestamp;
    uint64_t sealed_at_ms; /* wall clock */
    struct b256 state_commitment, stored_hash, commitment, l2_logs_tree_root, logs_root,
        multichain_root;
    struct b256 priority_ops_hash, dependency_roots_hash, upgrade_tx_hash, da_commitment;
    uint64_t l1_tx_cnt, l2_tx_cnt,
        first_priority_id; /* of the batch's first operation, or the next id */
    uint64_t sl_chain_id, l2_log_cnt, pubdata_len;
    uint32_t protocol_minor, execution_version;
    uint8_t da_scheme;
    struct b256 tree_root, last_256_hashes; /* preimage of the state commitment, for zks_getProof */
    uint64_t leaf_count;
    struct batch_step_row step[BATCH_STEP_CNT];
};

MUST_USE bool batch_put(struct store_txn *t, const struct batch_row *b,
                        struct err *err); /* insert; same number replaces only if not committed */
MUST_USE bool batch_step_put(struct store_txn *t, uint64_t number, enum batch_step step,
                             const struct batch_step_row *s, struct err *err);
/* When the step's block was made. Does nothing when the step is not done, or in another block by now. */
MUST_USE bool batch_step_time_put(struct store_txn *t, uint64_t number, enum batch_step step,
                                  const struct b256 *block_hash, uint64_t sl_timestamp,
                                  struct err *err);
/* Removes batches above `keep` (sealed but not on the settlement layer). */
MUST_USE bool batch_truncate(struct store_txn *t, uint64_t keep, struct err *err);
MUST_USE bool batch_load(struct store_reader *r, uint64_t number, struct batch_row *out,
                         bool *found, struct err *err);
MUST_USE bool batch_load_by_block(struct store_reader *r, uint64_t block, struct batch_row *out,
                                  bool *found, struct err *err);
MUST_USE bool batch_last(struct store_reader *r, uint64_t *number, struct err *err); /* 0: none */
/* highest number whose step is done; 0: none */
MUST_USE bool batch_frontier(struct store_reader *r, enum batch_step step, uint64_t *number,
                             struct err *err);

#endif
