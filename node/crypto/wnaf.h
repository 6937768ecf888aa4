/* node/crypto/wnaf.h   (internal to crypto_free)
 *
 * Signed windows of 5 bits: a number below 2^128 as digits that are 0 or odd in [-15, 15], at most one
 * of five neighbours not 0. */
#ifndef GH_CRYPTO_WNAF_H
#define GH_CRYPTO_WNAF_H

#include "node/base/u256.h"

#define WNAF_LEN 130

/* least significant digit first */
static inline void wnaf5(int8_t digits[WNAF_LEN], const struct u256 *k)
{
    struct u256 left = *k;
    for (size_t i = 0; i < WNAF_LEN; i++) {
        int d = 0;
        if (left.w[0] & 1) {
            d = (int)(left.w[0] & 31);
            struct u256 low = u256_of_u64((uint64_t)d);
            left = u256_sub(&left, &low);
            if (d >= 16) {
                struct u256 window = u256_of_u64(32);
                left = u256_add(&left, &window);
                d -= 32;
            }
        }
        digits[i] = (int8_t)d;
        for (size_t j = 0; j < 2; j++)
            left.w[j] = (left.w[j] >> 1) | (left.w[j + 1] << 63);
        left.w[2] >>= 1;
    }
}

#endif
