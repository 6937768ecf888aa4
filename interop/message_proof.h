/* interop/message_proof.h
 *
 * Inclusion proofs of L2->L1 logs, built and checked the way the contracts check them (spec 40 §3). Pure.
 *
 *   word 0        01 | log path length | batch path length | final | 28 zero bytes
 *   log path      14 siblings of the logs tree, then the multichain root of the batch: 15 words
 *   -- unless final --
 *   mask          position of the batch in its chain's tree
 *   batch path    siblings there
 *   packed        number of the settlement layer (high 128 bits) | mask in its root (low 128 bits)
 *   chain         the settlement layer's chain id
 *   nested        the same form again, final, from the chain's leaf: siblings of the shared tree
 *
 * Three layouts leave this node:
 *   direct        final at once: for the layer the chain settles on, when that is L1
 *   messages      number = block of the settlement layer, nested path = shared tree: for other chains that imported that block's root
 *   l1            number = batch of the settlement layer, nested path = shared tree, then the layer's own logs root, mask with the bit
 *                 above the path set (the aggregated root is the right half): for L1 when the chain settles on a Gateway */
#ifndef GH_INTEROP_MESSAGE_PROOF_H
#define GH_INTEROP_MESSAGE_PROOF_H

#include "interop/log_tree.h"
#include "interop/message_root.h"
#include "node/base/err.h"

#define MESSAGE_PROOF_LOG_LEN (BATCH_LOG_TREE_DEPTH + 1u)
#define MESSAGE_PROOF_MAX_LEN                                                                      \
    (1u + MESSAGE_PROOF_LOG_LEN + 1u + MESSAGE_ROOT_CHAIN_DEPTH + 2u + 1u + MESSAGE_ROOT_DEPTH + 1u)

/* ---- checking ---- */

enum proof_fault { /* what the contract reverts with */
                   PROOF_OK = 0,
                   PROOF_EMPTY,     /* MerklePathEmpty */
                   PROOF_VERSION,   /* UnsupportedProofMetadataVersion */
                   PROOF_FINAL_LEN, /* InvalidProofLengthForFinalNode */
                   PROOF_INDEX,     /* MerkleIndexOutOfBounds */
                   PROOF_PATH_LEN,  /* MerklePathOutOfBounds */
                   PROOF_NO_LOG,    /* HashedLogIsDefault */
                   PROOF_DEPTH,     /* DepthMoreThanOneForRecursiveMerkleProof */
                   PROOF_SHORT,     /* Panic(0x32): words are missing */
};
const char *proof_fault_name(enum proof_fault f); /* "" for PROOF_OK */

struct proof_end { /* where a proof leads */
    struct b256 chain,
        number;       /* whose root, as numbers: the claim's, or those of the settlement layer */
    struct b256 root; /* to be compared with what is known of (chain, number) */
    bool nested;      /* through a settlement layer */
    struct b256 batch_root; /* of the claim's own batch */
};
/* Any words give an answer. PROOF_OK says only that the words have a form; whether the claim holds is a comparison of end->root. Words
 * behind the end are ignored, as the contract does. */
MUST_USE enum proof_fault message_proof_walk(struct proof_end *end, const struct b256 *chain,
                                             const struct b256 *batch, const struct b256 *index,
                                             const struct b256 *leaf, const struct b256 *words,
                                             size_t cnt);

/* ---- building ---- */

struct message_proof {
    uint64_t batch, index; /* of the log in the batch */
    struct b256 batch_root;
    struct b256 root; /* the one the words lead to */
    size_t cnt;
    struct b256 words[MESSAGE_PROOF_MAX_LEN];
};
struct message_claim { /* a log of a batch; borrowed */
    uint64_t chain, batch;
    const struct log_tree *logs;
    size_t index;
    struct b256 multichain_root;
    struct b256 batch_root; /* as the settlement layer has it */
};
/* All three check the words against `claim->batch_root` or the given root before they return: ERR_DIVERGED when they do not lead there.
 * ERR_INVALID: no such log. */
MUST_USE bool message_proof_direct(struct message_proof *out, const struct message_claim *claim,
                                   struct err *err);
/* `path` is of the claim's batch as of the settlement layer's block `block`; `layer_root`: that block's root as the contract gives it. */
MUST_USE bool message_proof_messages(struct message_proof *out, const struct message_claim *claim,
                                     const struct message_root_path *path, uint64_t layer,
                                     uint64_t block, const struct b256 *layer_root,
                                     struct err *err);
/* `path` as of the last block of the layer's batch `layer_batch`, whose own logs have the root `layer_logs_root`; `layer_batch_root`: its
 * root on L1. */
MUST_USE bool message_proof_l1(struct message_proof *out, const struct message_claim *claim,
                               const struct message_root_path *path, uint64_t layer,
                               uint64_t layer_batch, const struct b256 *layer_logs_root,
                               const struct b256 *layer_batch_root, struct err *err);

#endif
