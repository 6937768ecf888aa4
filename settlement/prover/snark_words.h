/* settlement/prover/snark_words.h
 *
 * What a prover hands in for a range, as the words the verifier contract takes (spec 30 §3.2). Everything that can be seen without the
 * verification key is checked here, because a transaction that reverts costs hours. */
#ifndef GH_SETTLEMENT_PROVER_SNARK_WORDS_H
#define GH_SETTLEMENT_PROVER_SNARK_WORDS_H

#include "node/base/bytes.h"
#include "node/base/u256.h"

#define SNARK_PLONK_WORDS 44u
#define SNARK_PLONK_LEN   (SNARK_PLONK_WORDS * 32u)
#define SNARK_MOCK_LEN    (4u * 32u)
#define SNARK_WORDS_MAX   (SNARK_PLONK_WORDS + 2u)

enum snark_kind { SNARK_PLONK, SNARK_MOCK };

/* 1408 bytes: a PLONK proof, 13 points of BN254 on the curve and 18 scalars below its order. 128 bytes: the words of a mock proof, which must
 * be [3, 0, 13, folded input]. Anything else is refused with the reason. slot: verifier version of word 0. */
MUST_USE bool snark_words(struct u256 out[SNARK_WORDS_MAX], size_t *cnt, enum snark_kind *kind,
                          struct bytes proof, const struct b256 *folded_input, uint32_t slot,
                          char reason[160]);

#endif
