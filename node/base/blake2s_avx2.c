/* node/base/blake2s_avx2.c
 *
 * Eight BLAKE2s messages side by side. Messages are loaded whole and transposed, digests transposed back. */
#include <immintrin.h>

#include "node/base/blake2s_lanes.h"
#include "node/base/blake2s_rounds.h"

#define TARGET       __attribute__((target("avx2")))
#define TARGET_INNER static inline __attribute__((always_inline, target("avx2")))

#define LANES        8
#define LANES_NODES  blake2s_nodes_x8
#define LANES_LEAVES blake2s_leaves_x8
typedef __m256i vec;

#define B2S_ADD(x, y) _mm256_add_epi32(x, y)
#define B2S_XOR(x, y) _mm256_xor_si256(x, y)
#define B2S_ROR16(x)  _mm256_shuffle_epi8(x, ror16())
#define B2S_ROR12(x)  ror_shift(x, 12)
#define B2S_ROR8(x)   _mm256_shuffle_epi8(x, ror8())
#define B2S_ROR7(x)   ror_shift(x, 7)

TARGET_INNER vec ror_shift(vec x, int n)
{
    return _mm256_or_si256(_mm256_srli_epi32(x, n), _mm256_slli_epi32(x, 32 - n));
}

TARGET_INNER vec ror16(void)
{
    return _mm256_set_epi8(13, 12, 15, 14, 9, 8, 11, 10, 5, 4, 7, 6, 1, 0, 3, 2, 13, 12, 15, 14, 9,
                           8, 11, 10, 5, 4, 7, 6, 1, 0, 3, 2);
}

TARGET_INNER vec ror8(void)
{
    return _mm256_set_epi8(12, 15, 14, 13, 8, 11, 10, 9, 4, 7, 6, 5, 0, 3, 2, 1, 12, 15, 14, 13, 8,
                           11, 10, 9, 4, 7, 6, 5, 0, 3, 2, 1);
}

TARGET_INNER vec word(uint32_t x)
{
    return _mm256_set1_epi32((int)x);
}

TARGET_INNER vec zero(void)
{
    return _mm256_setzero_si256();
}

TARGET_INNER vec load_lanes(const uint32_t w[LANES])
{
    return _mm256_loadu_si256((const __m256i_u *)(const void *)w);
}

/* 8x8 words, in place */
TARGET_INNER void transpose(vec r[8])
{
    vec t0 = _mm256_unpacklo_epi32(r[0], r[1]), t1 = _mm256_unpackhi_epi32(r[0], r[1]);
    vec t2 = _mm256_unpacklo_epi32(r[2], r[3]), t3 = _mm256_unpackhi_epi32(r[2], r[3]);
    vec t4 = _mm256_unpacklo_epi32(r[4], r[5]), t5 = _mm256_unpackhi_epi32(r[4], r[5]);
    vec t6 = _mm256_unpacklo_epi32(r[6], r[7]), t7 = _mm256_unpackhi_epi32(r[6], r[7]);
    vec u0 = _mm256_unpacklo_epi64(t0, t2), u1 = _mm256_unpackhi_epi64(t0, t2);
    vec u2 = _mm256_unpacklo_epi64(t1, t3), u3 = _mm256_unpackhi_epi64(t1, t3);
    vec u4 = _mm256_unpacklo_epi64(t4, t6), u5 = _mm256_unpackhi_epi64(t4, t6);
    vec u6 = _mm256_unpacklo_epi64(t5, t7), u7 = _mm256_unpackhi_epi64(t5, t7);
    r[0] = _mm256_permute2x128_si256(u0, u4, 0x20);
    r[1] = _mm256_permute2x128_si256(u1, u5, 0x20);
    r[2] = _mm256_permute2x128_si256(u2, u6, 0x20);
    r[3] = _mm256_permute2x128_si256(u3, u7, 0x20);
    r[4] = _mm256_permute2x128_si256(u0, u4, 0x31);
    r[5] = _mm256_permute2x128_si256(u1, u5, 0x31);
    r[6] = _mm256_permute2x128_si256(u2, u6, 0x31);
    r[7] = _mm256_permute2x128_si256(u3, u7, 0x31);
}

TARGET_INNER vec load32(const struct b256 *p)
{
    return _mm256_loadu_si256((const __m256i_u *)(const void *)p->b);
}

/* m[0..8) = the eight 32-byte strings, transposed */
TARGET_INNER void load_words(vec m[8], const struct b256 *const p[LANES])
{
    for (int i = 0; i < 8; i++)
        m[i] = load32(p[i]);
    transpose(m);
}

TARGET_INNER void store_digests(struct b256 *out, vec h[8])
{
    transpose(h);
    for (int i = 0; i < 8; i++)
        _mm256_storeu_si256((__m256i_u *)(void *)out[i].b, h[i]);
}

#include "node/base/blake2s_lanes.inc"
