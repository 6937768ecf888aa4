/* interop/log_proof.c */
#include "interop/log_proof.h"

#include <inttypes.h>

#include "node/base/hash.h"
#include "node/base/merkle.h"

static const struct b256 meta_word = { { 1 /* version */, LOG_PROOF_PATH_LEN, 0 /* no batch path */,
                                         1 /* final */ } };

bool log_proof_root(struct b256 *root, const struct b256 *leaf, uint64_t index,
                    const struct b256 *words, size_t cnt)
{
    if (cnt != LOG_PROOF_LEN || !b256_eq(&words[0], &meta_word) || index >= BATCH_MAX_LOGS)
        return false;
    struct b256 local = merkle_walk(leaf, index, words + 1, BATCH_LOG_TREE_DEPTH);
    *root = keccak256_pair(&local, &words[LOG_PROOF_PATH_LEN]);
    return true;
}

bool log_proof_build(struct log_proof *out, const struct b256 *leaves, size_t n, uint64_t index,
                     const struct b256 *multichain_root, const struct b256 *expected,
                     struct b256 *scratch, struct err *err)
{
    static const uint8_t no_log[88] = { 0 };
    if (index >= n || n > BATCH_MAX_LOGS)
        return err_set(err, ERR_INVALID, "log %" PRIu64 " of %zu does not exist", index, n);
    struct b256 padding = keccak256(no_log, sizeof(no_log)), root;
    out->index = index;
    out->words[0] = meta_word;
    (void)merkle_fixed_path(out->words + 1, (size_t)index, leaves, n, BATCH_LOG_TREE_DEPTH,
                            &padding, scratch);
    out->words[LOG_PROOF_PATH_LEN] = *multichain_root;
    /* walked from the leaf, not taken from the builder: what is given out has been verified the way the contract does */
    if (!log_proof_root(&root, &leaves[index], index, out->words, LOG_PROOF_LEN) ||
        !b256_eq(&root, expected))
        return err_set(err, ERR_DIVERGED,
                       "the logs of the batch do not give its root on the settlement layer");
    out->root = root;
    return true;
}
