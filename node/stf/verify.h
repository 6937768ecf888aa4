/* node/stf/verify.h
 *
 * Stateless verification: executes a batch from its witness (witness.h) alone and says what it comes to. Freestanding,
 * and total: any bytes give a result. It is given no result to compare with; who wants to know whether a batch is right
 * compares what comes out.
 *
 *   1 the opened leaves fold to the root before; root, leaf count, number, hashes and time give the commitment before
 *   2 every block is executed by the transition function (stf.h), senders recovered from signatures; it reads values,
 *     absences and preimages only where the witness proves them; its net changes go into the opened part of the tree
 *   3 the changed leaves, the appended ones and the same siblings fold to the root after; with the blocks' hashes,
 *     logs, pubdata and requests that gives the batch (batch.h) and its public input
 *
 * Limits that only tell a producer when to seal are not repeated, except those of the rule set and the gas limit of the
 * header. Batches in blobs need a primitive that commits to them (struct stf_crypto); without it: VERIFY_DA_SCHEME. */
#ifndef GH_STF_VERIFY_H
#define GH_STF_VERIFY_H

#include "node/stf/batch.h"
#include "node/stf/stf.h"
#include "node/stf/witness.h"

#define VERIFY_RESULTS(X)                                                                          \
    X(VERIFY_OK, "verified")                                                                       \
    X(VERIFY_WITNESS, "the witness does not decode")                                               \
    X(VERIFY_NO_MEMORY, "out of memory")                                                           \
    X(VERIFY_ORDER, "leaves or preimages are not in canonical order")                              \
    X(VERIFY_SIBLINGS, "the siblings do not fit the opened leaves")                                \
    X(VERIFY_ROOT, "the opened leaves do not give the root before")                                \
    X(VERIFY_RULES, "the execution version is not known")                                          \
    X(VERIFY_BLOCK, "a block cannot be begun or ended")                                            \
    X(VERIFY_TX_DECODE, "a transaction does not decode")                                           \
    X(VERIFY_TX, "a transaction cannot be included")                                               \
    X(VERIFY_UPGRADE_PLACE, "an upgrade transaction failed, or is not in the first block")         \
    X(VERIFY_DIFF, "a change of the state that the witness does not open")                         \
    X(VERIFY_RIGHTMOST, "leaves are appended and the rightmost is not opened")                     \
    X(VERIFY_STATE, "a slot of the settlement is not opened")                                      \
    X(VERIFY_UNUSED, "a preimage is never read")                                                   \
    X(VERIFY_LOGS, "more L2->L1 logs than a batch may have")                                       \
    X(VERIFY_DA_SCHEME, "the DA commitment of this scheme is not computed here")
#define VERIFY_ENUM(id, text) id,
enum verify_code { VERIFY_RESULTS(VERIFY_ENUM) VERIFY_CODE_CNT };
const char *verify_code_text(enum verify_code c);

struct verify_fault { /* where it stopped */
    enum verify_code code;
    enum witness_result witness; /* VERIFY_WITNESS */
    struct stf_fault stf;        /* VERIFY_BLOCK, VERIFY_TX, VERIFY_TX_DECODE */
    uint64_t block;
    uint32_t tx; /* place in the block */
};
struct verify_result {
    struct b256 state_before, state_after, output_hash, public_input;
    struct b256
        stored_hash; /* StoredBatchInfo, as the settlement layer keeps it: binds the batch number too */
    struct batch batch;
    uint64_t tx_cnt, leaf_cnt, appended_cnt, preimage_cnt;
};

/* `work` is reset before every block and must hold the largest one; what lives longer goes to `keep`. Neither is given
 * back. Two arenas because a fixed one cannot give memory back out of order. *out is set only with VERIFY_OK. */
MUST_USE enum verify_code verify_batch(struct verify_result *out, struct verify_fault *fault,
                                       struct bytes witness, const struct stf_crypto *crypto,
                                       struct arena *keep, struct arena *work);

/* ---- parts, shared with the maker of witnesses ---- */

/* Executes a block from its context and envelopes, with signatures. Everything is work's memory. */
MUST_USE enum verify_code verify_run_block(struct stf_block_output *out, struct verify_fault *fault,
                                           const struct stf_block_context *ctx,
                                           const struct bytes *txs, size_t tx_cnt,
                                           const struct stf_oracle *oracle,
                                           const struct stf_crypto *crypto,
                                           struct b256 **l1_tx_hashes, struct arena *work);
/* What the output of a batch says of the state after its last block: SystemContext slot 0 and the aggregated root of
 * L2MessageRoot (spec 30 §2.7, §9.4). false: the oracle does not know. */
MUST_USE bool verify_read_settlement(const struct stf_oracle *oracle, uint64_t *sl_chain_id,
                                     struct b256 *multichain_root);

#endif
