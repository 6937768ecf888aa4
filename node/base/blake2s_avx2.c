/* node/base/blake2s_avx2.c
 *
 * Eight BLAKE2s messages side by side: word w of message i is element i of vector w. Messages are
 * loaded whole and transposed, digests transposed back. */
#include <immintrin.h>

#include "node/base/blake2s_lanes.h"
#include "node/base/blake2s_rounds.h"

#define TARGET       __attribute__((target("avx2")))
#define TARGET_INNER static inline __attribute__((always_inline, target("avx2")))

#define B2S_ADD(x, y) _mm256_add_epi32(x, y)
#define B2S_XOR(x, y) _mm256_xor_si256(x, y)
#define B2S_ROR16(x)  _mm256_shuffle_epi8(x, ror16)
#define B2S_ROR12(x)  ror_shift(x, 12)
#define B2S_ROR8(x)   _mm256_shuffle_epi8(x, ror8)
#define B2S_ROR7(x)   ror_shift(x, 7)

TARGET_INNER __m256i ror_shift(__m256i x, int n)
{
    return _mm256_or_si256(_mm256_srli_epi32(x, n), _mm256_slli_epi32(x, 32 - n));
}

TARGET_INNER __m256i word(uint32_t x)
{
    return _mm256_set1_epi32((int)x);
}

/* 8x8 words, in place */
TARGET_INNER void transpose(__m256i r[8])
{
    __m256i t0 = _mm256_unpacklo_epi32(r[0], r[1]), t1 = _mm256_unpackhi_epi32(r[0], r[1]);
    __m256i t2 = _mm256_unpacklo_epi32(r[2], r[3]), t3 = _mm256_unpackhi_epi32(r[2], r[3]);
    __m256i t4 = _mm256_unpacklo_epi32(r[4], r[5]), t5 = _mm256_unpackhi_epi32(r[4], r[5]);
    __m256i t6 = _mm256_unpacklo_epi32(r[6], r[7]), t7 = _mm256_unpackhi_epi32(r[6], r[7]);
    __m256i u0 = _mm256_unpacklo_epi64(t0, t2), u1 = _mm256_unpackhi_epi64(t0, t2);
    __m256i u2 = _mm256_unpacklo_epi64(t1, t3), u3 = _mm256_unpackhi_epi64(t1, t3);
    __m256i u4 = _mm256_unpacklo_epi64(t4, t6), u5 = _mm256_unpackhi_epi64(t4, t6);
    __m256i u6 = _mm256_unpacklo_epi64(t5, t7), u7 = _mm256_unpackhi_epi64(t5, t7);
    r[0] = _mm256_permute2x128_si256(u0, u4, 0x20);
    r[1] = _mm256_permute2x128_si256(u1, u5, 0x20);
    r[2] = _mm256_permute2x128_si256(u2, u6, 0x20);
    r[3] = _mm256_permute2x128_si256(u3, u7, 0x20);
    r[4] = _mm256_permute2x128_si256(u0, u4, 0x31);
    r[5] = _mm256_permute2x128_si256(u1, u5, 0x31);
    r[6] = _mm256_permute2x128_si256(u2, u6, 0x31);
    r[7] = _mm256_permute2x128_si256(u3, u7, 0x31);
}

TARGET_INNER void compress(__m256i h[8], const __m256i m[16], uint32_t t, bool last)
{
    const __m256i ror16 = _mm256_set_epi8(13, 12, 15, 14, 9, 8, 11, 10, 5, 4, 7, 6, 1, 0, 3, 2, 13,
                                          12, 15, 14, 9, 8, 11, 10, 5, 4, 7, 6, 1, 0, 3, 2);
    const __m256i ror8 = _mm256_set_epi8(12, 15, 14, 13, 8, 11, 10, 9, 4, 7, 6, 5, 0, 3, 2, 1, 12,
                                         15, 14, 13, 8, 11, 10, 9, 4, 7, 6, 5, 0, 3, 2, 1);
    __m256i v[16] = {
        h[0],
        h[1],
        h[2],
        h[3],
        h[4],
        h[5],
        h[6],
        h[7],
        word(B2S_IV0),
        word(B2S_IV1),
        word(B2S_IV2),
        word(B2S_IV3),
        word(B2S_IV4 ^ t),
        word(B2S_IV5),
        word(last ? ~B2S_IV6 : B2S_IV6),
        word(B2S_IV7),
    };
    B2S_ALL_ROUNDS();
    h[0] = B2S_XOR(h[0], B2S_XOR(v[0], v[8]));
    h[1] = B2S_XOR(h[1], B2S_XOR(v[1], v[9]));
    h[2] = B2S_XOR(h[2], B2S_XOR(v[2], v[10]));
    h[3] = B2S_XOR(h[3], B2S_XOR(v[3], v[11]));
    h[4] = B2S_XOR(h[4], B2S_XOR(v[4], v[12]));
    h[5] = B2S_XOR(h[5], B2S_XOR(v[5], v[13]));
    h[6] = B2S_XOR(h[6], B2S_XOR(v[6], v[14]));
    h[7] = B2S_XOR(h[7], B2S_XOR(v[7], v[15]));
}

TARGET_INNER __m256i load32(const struct b256 *p)
{
    return _mm256_loadu_si256((const __m256i_u *)(const void *)p->b);
}

/* m[0..8) = the eight 32-byte strings, transposed */
TARGET_INNER void load_words(__m256i m[8], const struct b256 *const p[8])
{
    for (int i = 0; i < 8; i++)
        m[i] = load32(p[i]);
    transpose(m);
}

TARGET_INNER void initial_state(__m256i h[8])
{
    h[0] = word(B2S_H0);
    h[1] = word(B2S_IV1);
    h[2] = word(B2S_IV2);
    h[3] = word(B2S_IV3);
    h[4] = word(B2S_IV4);
    h[5] = word(B2S_IV5);
    h[6] = word(B2S_IV6);
    h[7] = word(B2S_IV7);
}

TARGET_INNER void store_digests(struct b256 *out, __m256i h[8])
{
    transpose(h);
    for (int i = 0; i < 8; i++)
        _mm256_storeu_si256((__m256i_u *)(void *)out[i].b, h[i]);
}

TARGET void blake2s_nodes_x8(struct b256 *out, const struct b256 *const *left,
                             const struct b256 *const *right)
{
    __m256i h[8], m[16];
    load_words(m, left);
    load_words(m + 8, right);
    initial_state(h);
    compress(h, m, 64, true);
    store_digests(out, h);
}

TARGET void blake2s_leaves_x8(struct b256 *out, const struct blake2s_leaf_in *in)
{
    __m256i h[8], m[16];
    const struct b256 *key[8], *value[8];
    uint32_t low[8], high[8];
    for (int i = 0; i < 8; i++) {
        key[i] = in[i].key;
        value[i] = in[i].value;
        low[i] = (uint32_t)in[i].next;
        high[i] = (uint32_t)(in[i].next >> 32);
    }
    load_words(m, key);
    load_words(m + 8, value);
    initial_state(h);
    compress(h, m, 64, false);
    m[0] = _mm256_loadu_si256((const __m256i_u *)(const void *)low);
    m[1] = _mm256_loadu_si256((const __m256i_u *)(const void *)high);
    for (int i = 2; i < 16; i++)
        m[i] = _mm256_setzero_si256();
    compress(h, m, 72, true);
    store_digests(out, h);
}
