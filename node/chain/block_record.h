/* node/chain/block_record.h
 *
 * A block as it becomes durable: one record with everything that is needed to publish it, to bring the state
 * forward without the EVM, to execute it again, and to put it into a batch. Decoding is total and bounded;
 * decoded pointers borrow from the input and the arena. The encoding is versioned (first byte) and private to this store. */
#ifndef GH_CHAIN_BLOCK_RECORD_H
#define GH_CHAIN_BLOCK_RECORD_H

#include "node/base/buf.h"
#include "node/base/err.h"
#include "node/stf/stf.h"

struct block_tx {
    struct bytes envelope; /* node/stf/tx.h */
    struct b256 hash;
    struct addr from;
    bool success, has_created;
    struct addr created;
    uint64_t gas_used, gas_refunded, native_used, computational_native_used, pubdata_used;
    struct u256 effective_gas_price;
    const struct stf_event *events;
    size_t event_cnt;
    const struct stf_l2_log *l2_logs;
    size_t l2_log_cnt;
};

struct block_record {
    struct stf_block_context ctx; /* block_hashes included */
    uint32_t protocol_minor;      /* 31 */
    uint64_t
        starting_l1_priority_id; /* of the first priority operation, or the next one when there is none */
    uint64_t previous_timestamp;
    struct stf_header header;
    struct b256 block_hash;
    struct b256 output_hash; /* spec 50 §1.6 */
    const struct block_tx *txs;
    size_t tx_cnt;
    const struct stf_diff *diffs;
    size_t diff_cnt;
    const struct stf_preimage *preimages;
    size_t preimage_cnt;
    const struct bytes *forced_codes; /* factory dependencies given to stf_block_add_preimage */
    size_t forced_code_cnt;
    const struct stf_interop_root *interop_roots;
    size_t interop_root_cnt;
    bool sets_sl_chain_id;
    struct b256 upgrade_tx_hash;
    struct bytes pubdata;
    uint32_t l1_tx_cnt;
    uint64_t computational_native_used, pubdata_used;
};

MUST_USE bool block_record_encode(struct buf *out, const struct block_record *r, struct err *err);
MUST_USE bool block_record_decode(struct block_record *out, struct bytes in, struct arena *arena,
                                  struct err *err);
struct b256 block_output_hash(const struct block_record *r);

#endif
