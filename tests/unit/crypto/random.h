/* tests/unit/crypto/random.h: reproducible bytes. */
#ifndef GH_TESTS_CRYPTO_RANDOM_H
#define GH_TESTS_CRYPTO_RANDOM_H

#include "node/base/hash.h"

static struct b256 rng_state = { { 0x11 } };

static void random_bytes(uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (i % 32 == 0)
            rng_state = keccak256(rng_state.b, 32);
        p[i] = rng_state.b[i % 32];
    }
}

#endif
