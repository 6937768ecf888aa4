/* node/crypto/wnaf.h   (internal to crypto_free)
 *
 * Signed digits of scalars, for groups where the inverse is free. */
#ifndef GH_CRYPTO_WNAF_H
#define GH_CRYPTO_WNAF_H

#include "node/base/u256.h"

/* Digit i (0 to NAF_LEN - 1) of the non-adjacent form of k: (3k - k) / 2 without carries. */
#define NAF_LEN 65
static inline int naf_digit(uint64_t k, unsigned i)
{
    uint64_t hi, lo = u64_mul_wide(k, 3, &hi);
    unsigned bit = i + 1;
    uint64_t of_3k = bit < 64 ? lo >> bit : hi >> (bit - 64);
    uint64_t of_k = bit < 64 ? k >> bit : 0;
    return (int)(of_3k & 1) - (int)(of_k & 1);
}

#define WNAF_LEN 130
/* Signed windows of 5 bits: k < 2^128 as digits that are 0 or odd in [-15, 15], at most one of five
 * neighbours not 0; least significant first. */
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
