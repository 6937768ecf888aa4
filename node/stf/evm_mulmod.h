/* node/stf/evm_mulmod.h   (inside stf)
 *
 * MULMOD by a modulus that stays. Programs that compute in a field use one modulus thousands of
 * times in a row; after some uses the quotient of 2^512 by it is kept, and a product is reduced
 * with multiplications only (Barrett; Handbook of Applied Cryptography 14.42, limbs of 64 bits, k
 * = 4). Results never depend on it.
 *
 * Only odd moduli above 2^192 are prepared: the others are rare, and oddness makes the preparation
 * cheap. Preparing costs about eight plain MULMODs, so it waits until as many were done twice
 * over. */
#ifndef GH_STF_EVM_MULMOD_H
#define GH_STF_EVM_MULMOD_H

#include "node/base/u256.h"

struct evm_modulus { /* zeroed: nothing known */
    struct u256 m;
    uint64_t mu[5]; /* floor(2^512 / m), valid when ready */
    unsigned uses;  /* in a row */
    bool ready;
};

/* *r = a * b mod *r; r is the modulus and the result, as on the stack. */
void evm_mulmod(struct evm_modulus *cache, struct u256 *r, const struct u256 *a,
                const struct u256 *b);

#endif
