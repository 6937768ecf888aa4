/* settlement/proto.h
 *
 * What the contracts of one protocol version want to see: one table of encoders per version (spec 30 §4). A version
 * that is not in the table is not settled. */
#ifndef GH_SETTLEMENT_PROTO_H
#define GH_SETTLEMENT_PROTO_H

#include "node/base/arena.h"
#include "node/base/buf.h"
#include "node/stf/batch.h"

struct proto_priority_ops { /* of one batch; cnt 0: three empty arrays */
    const struct b256 *left, *right, *items;
    size_t depth, cnt;
};
struct proto_execute_batch {
    struct stored_batch stored;
    struct proto_priority_ops ops;
    const struct stf_interop_root *roots;
    size_t root_cnt;
    /* read where the layer is a Gateway: all logs of the batch in order, with their messages (spec 30 §8.2) */
    const struct stf_l2_log *logs;
    size_t log_cnt;
    struct b256 multichain_root;
};

struct settlement_proto {
    uint32_t minor;
    /* Each appends the whole calldata for the timelock. false: out of memory or too large. */
    bool (*commit)(struct buf *out, const struct addr *chain, const struct stored_batch *prev,
                   const struct batch *b, struct bytes da_input);
    /* proof: the verifier's words */
    bool (*prove)(struct buf *out, struct arena *arena, const struct addr *chain,
                  const struct stored_batch *prev, const struct stored_batch *batches, size_t n,
                  const struct u256 *proof, size_t proof_cnt);
    /* on_gateway: with logs, messages and multichain roots, which L1 wants empty */
    bool (*execute)(struct buf *out, struct arena *arena, const struct addr *chain,
                    const struct proto_execute_batch *batches, size_t n, bool on_gateway,
                    const struct addr *fee_payer);
    /* What a Gateway does with the logs of one batch when it is executed there (GWAssetTracker, spec 30 §8.2). */
    bool (*process_logs)(struct buf *out, struct arena *arena, uint64_t chain_id,
                         const struct proto_execute_batch *b, const struct addr *fee_payer);
};
/* NULL: this binary does not settle batches of that version */
const struct settlement_proto *settlement_proto_find(uint32_t minor);

/* The mock proof of the testnet verifier (spec 30 §3.2): [3, 0, 13, folded public inputs]. */
void proto_mock_words(struct u256 out[4], const struct b256 *folded_input);
void proto_mock_proof(struct u256 out[4], const struct b256 *public_inputs, size_t n);

#endif
