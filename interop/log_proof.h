/* interop/log_proof.h
 *
 * Inclusion proofs of L2->L1 logs for a chain that settles on L1 (spec 40 §3.1, spec 50 §5.9). Pure.
 *
 * The logs of a batch are the leaves of a keccak tree of depth 14; the batch's root on the settlement layer is
 * keccak(logs root || multichain root). A proof is
 *
 *   word 0       01 | path length (15) | batch path length (0) | 01 (final) | 28 zero bytes
 *   words 1-14   siblings, leaf level first
 *   word 15      multichain root
 *
 * and is checked against the root the layer has before anybody gets it. */
#ifndef GH_INTEROP_LOG_PROOF_H
#define GH_INTEROP_LOG_PROOF_H

#include "node/base/err.h"
#include "node/stf/batch.h"

#define LOG_PROOF_PATH_LEN (BATCH_LOG_TREE_DEPTH + 1u)
#define LOG_PROOF_LEN      (LOG_PROOF_PATH_LEN + 1u)

struct log_proof {
    uint64_t index; /* of the log in the batch */
    struct b256 root;
    struct b256 words[LOG_PROOF_LEN];
};
/* leaves: hashes of all logs of the batch in emission order (batch_l2_log_leaf). `expected` is the batch's root on the
 * settlement layer; ERR_DIVERGED when the leaves do not give it, ERR_INVALID when index >= n. scratch: n entries. */
MUST_USE bool log_proof_build(struct log_proof *out, const struct b256 *leaves, size_t n,
                              uint64_t index, const struct b256 *multichain_root,
                              const struct b256 *expected, struct b256 *scratch, struct err *err);
/* Root that a leaf and a proof's words lead to, as the contract computes it. false: another layout, or an index beyond the tree. */
MUST_USE bool log_proof_root(struct b256 *root, const struct b256 *leaf, uint64_t index,
                             const struct b256 *words, size_t cnt);

#endif
