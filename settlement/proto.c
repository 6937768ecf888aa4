/* settlement/proto.c */
#include "settlement/proto.h"

extern const struct settlement_proto settlement_proto_v31;

const struct settlement_proto *settlement_proto_find(uint32_t minor)
{
    static const struct settlement_proto *const known[] = { &settlement_proto_v31 };
    for (size_t i = 0; i < GH_COUNT(known); i++)
        if (known[i]->minor == minor)
            return known[i];
    return NULL;
}

void proto_mock_words(struct u256 out[4], const struct b256 *folded_input)
{
    out[0] = u256_of_u64(3); /* mock, verifier version 0 */
    out[1] = U256_ZERO;
    out[2] = u256_of_u64(13);
    out[3] = u256_of_b256(folded_input);
}

void proto_mock_proof(struct u256 out[4], const struct b256 *public_inputs, size_t n)
{
    struct b256 folded = batch_fold_public_inputs(public_inputs, n);
    proto_mock_words(out, &folded);
}
