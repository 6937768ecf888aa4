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

/* Signed windows of 5 bits: digits that are 0 or odd in [-15, 15], at most one of five neighbours
 * not 0; least significant first. Numbers below 2^128 need WNAF_LEN_128 of them. */
#define WNAF_LEN     257
#define WNAF_LEN_128 129
static inline void wnaf5(int8_t *digits, size_t len, const struct u256 *k)
{
    struct u256 left = *k;
    for (size_t i = 0; i < len; i++) {
        uint64_t carry = 0;
        int d = 0;
        if (left.w[0] & 1) {
            d = (int)(left.w[0] & 31);
            left.w[0] -= (uint64_t)d;
            if (d >= 16) {
                d -= 32;
                left.w[0] = u64_add_carry(left.w[0], 32, &carry);
                for (size_t j = 1; j < 4; j++)
                    left.w[j] = u64_add_carry(left.w[j], 0, &carry);
            }
        }
        digits[i] = (int8_t)d;
        for (size_t j = 0; j < 3; j++)
            left.w[j] = (left.w[j] >> 1) | (left.w[j + 1] << 63);
        left.w[3] = (left.w[3] >> 1) | (carry << 63);
    }
}

#endif
