/* settlement/prover/snark_words.c */
#include "settlement/prover/snark_words.h"

#include <stdio.h>
#include <string.h>

#include "node/crypto/bn254.h"
#include "settlement/proto.h"

#define TYPE_PLONK   2u
#define SCALAR_FIRST 22u /* words 0-21 and 40-43 are points, the rest scalars */
#define SCALAR_END   40u

/* Order of the group (EIP-196). */
static const struct b256 group_order = { {
    0x30, 0x64, 0x4e, 0x72, 0xe1, 0x31, 0xa0, 0x29, 0xb8, 0x50, 0x45, 0xb6, 0x81, 0x81, 0x58, 0x5d,
    0x28, 0x33, 0xe8, 0x48, 0x79, 0xb9, 0x70, 0x91, 0x43, 0xe1, 0xf5, 0x93, 0xf0, 0x00, 0x00, 0x01,
} };

static bool refuse(char reason[160], const char *before, size_t n, const char *behind)
{
    snprintf(reason, 160, "%s%zu%s", before, n, behind);
    return false;
}

static bool is_point(const uint8_t *p)
{
    uint8_t in[128] = { 0 }, out[64];
    static const uint8_t infinity[64] = { 0 };
    memcpy(in, p, 64);
    return memcmp(p, infinity, 64) != 0 && bn254_add(out, in);
}

static bool plonk(struct u256 *out, size_t *cnt, struct bytes proof, uint32_t slot,
                  char reason[160])
{
    for (size_t i = 0; i < SNARK_PLONK_WORDS;) {
        const uint8_t *w = proof.p + 32 * i;
        if (i >= SCALAR_FIRST && i < SCALAR_END) {
            if (memcmp(w, group_order.b, 32) >= 0)
                return refuse(reason, "word ", i, " is not below the order of the group");
            i++;
            continue;
        }
        if (!is_point(w))
            return refuse(reason, "word ", i, " and the next are not a point of BN254");
        i += 2;
    }
    out[0] = u256_of_u64(TYPE_PLONK | (uint64_t)slot << 8);
    out[1] = U256_ZERO;
    for (size_t i = 0; i < SNARK_PLONK_WORDS; i++)
        out[2 + i] = u256_of_be32(proof.p + 32 * i);
    *cnt = SNARK_PLONK_WORDS + 2;
    return true;
}

bool snark_words(struct u256 out[SNARK_WORDS_MAX], size_t *cnt, enum snark_kind *kind,
                 struct bytes proof, const struct b256 *folded_input, uint32_t slot,
                 char reason[160])
{
    if (proof.len == SNARK_PLONK_LEN) {
        *kind = SNARK_PLONK;
        return plonk(out, cnt, proof, slot, reason);
    }
    if (proof.len != SNARK_MOCK_LEN)
        return refuse(reason, "a proof of a range has 1408 bytes, this one ", proof.len, "");
    struct u256 want[4];
    *kind = SNARK_MOCK;
    *cnt = 4;
    proto_mock_words(want, folded_input);
    for (size_t i = 0; i < 4; i++) {
        out[i] = u256_of_be32(proof.p + 32 * i);
        if (!u256_eq(&out[i], &want[i]))
            return refuse(reason, "word ", i, " of the mock proof is not that of this range");
    }
    return true;
}
