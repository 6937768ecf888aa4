/* node/stf/batch.h
 *
 * Batches as pure functions (spec 30 §2, §3, §6). Freestanding: settlement, the verifier and the tests share it.
 *
 * A batch is a run of blocks. Blocks are added to an accumulator one by one; finishing gives the structures the
 * contracts hash: StoredBatchInfo and CommitBatchInfoZKsyncOS (v31). */
#ifndef GH_STF_BATCH_H
#define GH_STF_BATCH_H

#include "node/base/merkle.h"
#include "node/stf/stf.h"

#define BATCH_LOG_TREE_DEPTH       14u
#define BATCH_MAX_LOGS             16384u
#define BATCH_MAX_CALLDATA_PUBDATA 126976u

/* What a batch needs to know of one block. Borrowed. */
struct batch_block {
    uint64_t number, timestamp;
    struct b256 block_hash;
    struct b256 tree_root; /* of the state tree after the block */
    uint64_t leaf_count;
    struct b256
        last_256_hashes; /* blake2s of the last 256 block hashes, own one included (spec 20 §4.1) */
    uint32_t protocol_minor, execution_version;
    uint32_t tx_cnt, l1_tx_cnt;      /* all included; priority operations among them */
    const struct b256 *l1_tx_hashes; /* l1_tx_cnt canonical hashes, in order */
    struct b256 upgrade_tx_hash;     /* zero without one */
    const struct stf_l2_log *l2_logs;
    size_t l2_log_cnt;
    const struct stf_interop_root *interop_roots;
    size_t interop_root_cnt;
    struct bytes pubdata;
    uint64_t computational_native_used, gas_used;
    bool sets_sl_chain_id;       /* carries a SetSLChainId system transaction */
    uint64_t sl_chain_id;        /* SystemContext slot 0 after the block */
    struct b256 multichain_root; /* L2MessageRoot aggregated root after the block (spec 30 §2.7) */
};

enum da_scheme {
    DA_NONE = 0,
    DA_EMPTY_NO_DA = 1,
    DA_PUBDATA_KECCAK = 2,
    DA_BLOBS_AND_PUBDATA_KECCAK = 3,
    DA_BLOBS_ZKSYNC_OS = 4
};

struct stored_batch { /* StoredBatchInfo, spec 30 §2.1 */
    uint64_t number;
    struct b256 state_commitment; /* batchHash */
    uint64_t l1_tx_cnt;
    struct b256 priority_ops_hash, dependency_roots_hash, l2_logs_tree_root;
    struct b256 commitment; /* batch output hash */
};
struct b256 stored_batch_hash(const struct stored_batch *b);
/* batch 0: commitment 1, no logs root (spec 30 §2.1) */
struct stored_batch stored_batch_genesis(const struct b256 *genesis_state_commitment);

struct batch { /* everything a batch is, before DA input */
    struct stored_batch stored;
    uint64_t chain_id, sl_chain_id;
    uint64_t first_block, last_block, first_timestamp, last_timestamp;
    uint64_t l2_tx_cnt;
    uint32_t protocol_minor, execution_version;
    struct b256 upgrade_tx_hash, logs_root, multichain_root, da_commitment;
    uint8_t da_scheme;
    uint64_t pubdata_len, computational_native_used, l2_log_cnt;
};

struct b256 batch_state_commitment(const struct b256 *tree_root, uint64_t leaf_count,
                                   uint64_t block_number, const struct b256 *last_256_hashes,
                                   uint64_t timestamp);
/* blake2s of hashes[1..255] || own: ctx_hashes is the 256-entry array of the block's context */
struct b256 batch_last_256_hashes(const struct b256 ctx_hashes[256], const struct b256 *own_hash);
struct b256 batch_l2_log_leaf(const struct stf_l2_log *log);
/* root of the 2^14-leaf tree over the leaves; scratch has n entries */
struct b256 batch_logs_root(const struct b256 *leaves, size_t n, struct b256 *scratch);
struct b256 batch_empty_multichain_root(uint64_t chain_id);
/* slot of 0x10005 that holds the aggregated root, from the height in slot 4 (spec 30 §2.7) */
struct b256 batch_multichain_root_slot(const struct b256 *height);

/* scheme 1 and 3; 97-byte header for 3. false: scheme not computed here (blobs need KZG) */
MUST_USE bool batch_da_commitment(struct b256 *out, uint8_t scheme,
                                  const struct b256 *pubdata_keccak);
/* Scheme 4 (spec 30 §6.2): pubdata as a stream of 31-byte pieces, the first with its length (8 bytes, big-endian) and zeros;
 * each piece is the lower part of a scalar, zeros behind the end. The commitment is keccak over the versioned hashes. */
#define BATCH_BLOB_LEN      131072u
#define BATCH_BLOB_DATA_LEN 126976u
size_t batch_blob_cnt(size_t pubdata_len); /* at least 1 */
/* Blob k < batch_blob_cnt, all BATCH_BLOB_LEN bytes of it. */
void batch_blob_fill(uint8_t *blob, size_t k, struct bytes pubdata);
struct b256 batch_output_hash(const struct batch *b);
/* keccak(prev state commitment || state commitment || output hash), unshifted (spec 30 §3.1) */
struct b256 batch_public_input(const struct b256 *prev_state_commitment,
                               const struct stored_batch *b);
/* folds p(a)..p(b), shifted by 32 bits each (spec 30 §3.1) */
struct b256 batch_fold_public_inputs(const struct b256 *public_inputs, size_t n);

struct
    batch_accumulator { /* value type but for the arena: copy the struct to try a block and drop the copy */
    struct arena *arena;
    struct batch b;
    struct keccak pubdata;
    struct b256 priority_hash, dependency_hash;
    struct b256 tree_root, last_256;
    uint64_t leaf_count, block_cnt, tx_cnt, l1_tx_cnt;
    size_t interop_root_cnt;
    bool has_upgrade, sl_set_after_first;
    struct b256 *log_leaves; /* arena; grows */
    size_t log_cap;
};
void batch_accumulator_init(struct batch_accumulator *a, struct arena *arena, uint64_t number,
                            uint64_t chain_id, uint8_t da_scheme);
/* false: out of memory */
MUST_USE bool batch_accumulator_add(struct batch_accumulator *a, const struct batch_block *blk);
/* blob schemes: the caller gives the commitment; otherwise NULL */
void batch_accumulator_finish(struct batch_accumulator *a, struct batch *out,
                              const struct b256 *blob_da_commitment);

#endif
