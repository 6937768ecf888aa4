/* node/base/blake2s_avx512.c
 *
 * Sixteen BLAKE2s messages side by side: word w of message i is element i of vector w. A vector is
 * filled with 32 bytes of message i below and of message i + 8 above, so one transpose works on two
 * independent 8x8 squares. All 16 state and 16 message words fit the 32 registers. */
#include <immintrin.h>

#include "node/base/blake2s_lanes.h"
#include "node/base/blake2s_rounds.h"

#define TARGET       __attribute__((target("avx512f,avx2")))
#define TARGET_INNER static inline __attribute__((always_inline, target("avx512f,avx2")))

#define B2S_ADD(x, y) _mm512_add_epi32(x, y)
#define B2S_XOR(x, y) _mm512_xor_si512(x, y)
#define B2S_ROR16(x)  _mm512_ror_epi32(x, 16)
#define B2S_ROR12(x)  _mm512_ror_epi32(x, 12)
#define B2S_ROR8(x)   _mm512_ror_epi32(x, 8)
#define B2S_ROR7(x)   _mm512_ror_epi32(x, 7)

TARGET_INNER __m512i word(uint32_t x)
{
    return _mm512_set1_epi32((int)x);
}

/* two squares of 8x8 words, in place */
TARGET_INNER void transpose(__m512i r[8])
{
    const __m512i join_low = _mm512_set_epi64(13, 12, 5, 4, 9, 8, 1, 0);
    const __m512i join_high = _mm512_set_epi64(15, 14, 7, 6, 11, 10, 3, 2);
    __m512i t0 = _mm512_unpacklo_epi32(r[0], r[1]), t1 = _mm512_unpackhi_epi32(r[0], r[1]);
    __m512i t2 = _mm512_unpacklo_epi32(r[2], r[3]), t3 = _mm512_unpackhi_epi32(r[2], r[3]);
    __m512i t4 = _mm512_unpacklo_epi32(r[4], r[5]), t5 = _mm512_unpackhi_epi32(r[4], r[5]);
    __m512i t6 = _mm512_unpacklo_epi32(r[6], r[7]), t7 = _mm512_unpackhi_epi32(r[6], r[7]);
    __m512i u0 = _mm512_unpacklo_epi64(t0, t2), u1 = _mm512_unpackhi_epi64(t0, t2);
    __m512i u2 = _mm512_unpacklo_epi64(t1, t3), u3 = _mm512_unpackhi_epi64(t1, t3);
    __m512i u4 = _mm512_unpacklo_epi64(t4, t6), u5 = _mm512_unpackhi_epi64(t4, t6);
    __m512i u6 = _mm512_unpacklo_epi64(t5, t7), u7 = _mm512_unpackhi_epi64(t5, t7);
    r[0] = _mm512_permutex2var_epi64(u0, join_low, u4);
    r[1] = _mm512_permutex2var_epi64(u1, join_low, u5);
    r[2] = _mm512_permutex2var_epi64(u2, join_low, u6);
    r[3] = _mm512_permutex2var_epi64(u3, join_low, u7);
    r[4] = _mm512_permutex2var_epi64(u0, join_high, u4);
    r[5] = _mm512_permutex2var_epi64(u1, join_high, u5);
    r[6] = _mm512_permutex2var_epi64(u2, join_high, u6);
    r[7] = _mm512_permutex2var_epi64(u3, join_high, u7);
}

TARGET_INNER void compress(__m512i h[8], const __m512i m[16], uint32_t t, bool last)
{
    __m512i v[16] = {
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

TARGET_INNER __m512i load_two(const struct b256 *low, const struct b256 *high)
{
    __m256i a = _mm256_loadu_si256((const __m256i_u *)(const void *)low->b);
    __m256i b = _mm256_loadu_si256((const __m256i_u *)(const void *)high->b);
    return _mm512_inserti64x4(_mm512_castsi256_si512(a), b, 1);
}

/* m[0..8) = the sixteen 32-byte strings, transposed */
TARGET_INNER void load_words(__m512i m[8], const struct b256 *const p[16])
{
    for (int i = 0; i < 8; i++)
        m[i] = load_two(p[i], p[i + 8]);
    transpose(m);
}

TARGET_INNER void initial_state(__m512i h[8])
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

TARGET_INNER void store_digests(struct b256 *out, __m512i h[8])
{
    transpose(h);
    for (int i = 0; i < 8; i++) {
        _mm256_storeu_si256((__m256i_u *)(void *)out[i].b, _mm512_castsi512_si256(h[i]));
        _mm256_storeu_si256((__m256i_u *)(void *)out[i + 8].b, _mm512_extracti64x4_epi64(h[i], 1));
    }
}

TARGET void blake2s_nodes_x16(struct b256 *out, const struct b256 *const *left,
                              const struct b256 *const *right)
{
    __m512i h[8], m[16];
    load_words(m, left);
    load_words(m + 8, right);
    initial_state(h);
    compress(h, m, 64, true);
    store_digests(out, h);
}

TARGET void blake2s_leaves_x16(struct b256 *out, const struct blake2s_leaf_in *in)
{
    __m512i h[8], m[16];
    const struct b256 *key[16], *value[16];
    uint32_t low[16], high[16];
    for (int i = 0; i < 16; i++) {
        key[i] = in[i].key;
        value[i] = in[i].value;
        low[i] = (uint32_t)in[i].next;
        high[i] = (uint32_t)(in[i].next >> 32);
    }
    load_words(m, key);
    load_words(m + 8, value);
    initial_state(h);
    compress(h, m, 64, false);
    m[0] = _mm512_loadu_si512(low);
    m[1] = _mm512_loadu_si512(high);
    for (int i = 2; i < 16; i++)
        m[i] = _mm512_setzero_si512();
    compress(h, m, 72, true);
    store_digests(out, h);
}
