/* node/base/blake2s_avx512.c
 *
 * Sixteen BLAKE2s messages side by side. A vector is filled with 32 bytes of message i below and of
 * message i + 8 above, so one transpose works on two independent 8x8 squares. All 16 state and 16
 * message words fit the 32 registers. */
#include <immintrin.h>

#include "node/base/blake2s_lanes.h"
#include "node/base/blake2s_rounds.h"

#define TARGET       __attribute__((target("avx512f,avx2")))
#define TARGET_INNER static inline __attribute__((always_inline, target("avx512f,avx2")))

#define LANES        16
#define LANES_NODES  blake2s_nodes_x16
#define LANES_LEAVES blake2s_leaves_x16
typedef __m512i vec;

#define B2S_ADD(x, y) _mm512_add_epi32(x, y)
#define B2S_XOR(x, y) _mm512_xor_si512(x, y)
#define B2S_ROR16(x)  _mm512_ror_epi32(x, 16)
#define B2S_ROR12(x)  _mm512_ror_epi32(x, 12)
#define B2S_ROR8(x)   _mm512_ror_epi32(x, 8)
#define B2S_ROR7(x)   _mm512_ror_epi32(x, 7)

TARGET_INNER vec word(uint32_t x)
{
    return _mm512_set1_epi32((int)x);
}

TARGET_INNER vec zero(void)
{
    return _mm512_setzero_si512();
}

TARGET_INNER vec load_lanes(const uint32_t w[LANES])
{
    return _mm512_loadu_si512(w);
}

/* two squares of 8x8 words, in place */
TARGET_INNER void transpose(vec r[8])
{
    const vec join_low = _mm512_set_epi64(13, 12, 5, 4, 9, 8, 1, 0);
    const vec join_high = _mm512_set_epi64(15, 14, 7, 6, 11, 10, 3, 2);
    vec t0 = _mm512_unpacklo_epi32(r[0], r[1]), t1 = _mm512_unpackhi_epi32(r[0], r[1]);
    vec t2 = _mm512_unpacklo_epi32(r[2], r[3]), t3 = _mm512_unpackhi_epi32(r[2], r[3]);
    vec t4 = _mm512_unpacklo_epi32(r[4], r[5]), t5 = _mm512_unpackhi_epi32(r[4], r[5]);
    vec t6 = _mm512_unpacklo_epi32(r[6], r[7]), t7 = _mm512_unpackhi_epi32(r[6], r[7]);
    vec u0 = _mm512_unpacklo_epi64(t0, t2), u1 = _mm512_unpackhi_epi64(t0, t2);
    vec u2 = _mm512_unpacklo_epi64(t1, t3), u3 = _mm512_unpackhi_epi64(t1, t3);
    vec u4 = _mm512_unpacklo_epi64(t4, t6), u5 = _mm512_unpackhi_epi64(t4, t6);
    vec u6 = _mm512_unpacklo_epi64(t5, t7), u7 = _mm512_unpackhi_epi64(t5, t7);
    r[0] = _mm512_permutex2var_epi64(u0, join_low, u4);
    r[1] = _mm512_permutex2var_epi64(u1, join_low, u5);
    r[2] = _mm512_permutex2var_epi64(u2, join_low, u6);
    r[3] = _mm512_permutex2var_epi64(u3, join_low, u7);
    r[4] = _mm512_permutex2var_epi64(u0, join_high, u4);
    r[5] = _mm512_permutex2var_epi64(u1, join_high, u5);
    r[6] = _mm512_permutex2var_epi64(u2, join_high, u6);
    r[7] = _mm512_permutex2var_epi64(u3, join_high, u7);
}

TARGET_INNER vec load_two(const struct b256 *low, const struct b256 *high)
{
    __m256i a = _mm256_loadu_si256((const __m256i_u *)(const void *)low->b);
    __m256i b = _mm256_loadu_si256((const __m256i_u *)(const void *)high->b);
    return _mm512_inserti64x4(_mm512_castsi256_si512(a), b, 1);
}

/* m[0..8) = the sixteen 32-byte strings, transposed */
TARGET_INNER void load_words(vec m[8], const struct b256 *const p[LANES])
{
    for (int i = 0; i < 8; i++)
        m[i] = load_two(p[i], p[i + 8]);
    transpose(m);
}

TARGET_INNER void store_digests(struct b256 *out, vec h[8])
{
    transpose(h);
    for (int i = 0; i < 8; i++) {
        _mm256_storeu_si256((__m256i_u *)(void *)out[i].b, _mm512_castsi512_si256(h[i]));
        _mm256_storeu_si256((__m256i_u *)(void *)out[i + 8].b, _mm512_extracti64x4_epi64(h[i], 1));
    }
}

#include "node/base/blake2s_lanes.inc"
