/* node/state/witness_maker.h
 *
 * Makes the witness of a batch (node/stf/witness.h): executes its blocks once more, each on a view of the state before it, writes
 * down what is read, and opens the tree as it was before the batch for exactly that.
 *
 * Works on any batch whose block before the first lies within [state_proof_floor(), state_tree_block()]. Blocking, seconds for a
 * large batch; any thread (the state's own locks are taken leaf by leaf, so that blocks go on being applied). */
#ifndef GH_STATE_WITNESS_MAKER_H
#define GH_STATE_WITNESS_MAKER_H

#include "node/base/buf.h"
#include "node/state/state.h"

struct witness_source_block {            /* borrowed, from the block's record */
    const struct stf_block_context *ctx; /* block_hashes included */
    const struct bytes *txs;             /* envelopes */
    size_t tx_cnt;
    const struct bytes *forced_codes; /* factory dependencies of an upgrade */
    size_t forced_code_cnt;
    struct b256 block_hash; /* must come out again */
};
struct witness_source {
    uint64_t batch_number;
    uint8_t da_scheme;
    uint64_t last_timestamp;                   /* of the block before the first */
    const struct witness_source_block *blocks; /* numbers without a gap */
    size_t block_cnt;
};

/* Appends to out, whose maximum bounds the witness. ERR_INVALID: pruned, not hashed yet, or over a bound of the
 * encoding. ERR_LOCAL: executing a block again does not give its hash (a bug), or out of memory. */
MUST_USE bool witness_make(struct buf *out, struct state *s, const struct witness_source *src,
                           const struct stf_crypto *crypto, struct err *err);

#endif
