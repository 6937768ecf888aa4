/* node/crypto/ripemd160.c
 *
 * RIPEMD-160 (Dobbertin, Bosselaers, Preneel, "RIPEMD-160: a strengthened version of RIPEMD"). Two
 * lines of five rounds of sixteen steps; the tables are those of the paper's appendix A. */
#include "node/crypto/portable.h"

static const uint8_t word_left[80] = {
    0, 1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, /* */
    7, 4,  13, 1,  10, 6,  15, 3,  12, 0, 9,  5,  2,  14, 11, 8,  /* */
    3, 10, 14, 4,  9,  15, 8,  1,  2,  7, 0,  6,  13, 11, 5,  12, /* */
    1, 9,  11, 10, 0,  8,  12, 4,  13, 3, 7,  15, 14, 5,  6,  2,  /* */
    4, 0,  5,  9,  7,  12, 2,  10, 14, 1, 3,  8,  11, 6,  15, 13,
};
static const uint8_t word_right[80] = {
    5,  14, 7,  0, 9, 2,  11, 4,  13, 6,  15, 8,  1,  10, 3,  12, /* */
    6,  11, 3,  7, 0, 13, 5,  10, 14, 15, 8,  12, 4,  9,  1,  2,  /* */
    15, 5,  1,  3, 7, 14, 6,  9,  11, 8,  12, 2,  10, 0,  4,  13, /* */
    8,  6,  4,  1, 3, 11, 15, 0,  5,  12, 2,  13, 9,  7,  10, 14, /* */
    12, 15, 10, 4, 1, 5,  8,  7,  6,  2,  13, 14, 0,  3,  9,  11,
};
static const uint8_t shift_left[80] = {
    11, 14, 15, 12, 5,  8,  7,  9,  11, 13, 14, 15, 6,  7,  9,  8,  /* */
    7,  6,  8,  13, 11, 9,  7,  15, 7,  12, 15, 9,  11, 7,  13, 12, /* */
    11, 13, 6,  7,  14, 9,  13, 15, 14, 8,  13, 6,  5,  12, 7,  5,  /* */
    11, 12, 14, 15, 14, 15, 9,  8,  9,  14, 5,  6,  8,  6,  5,  12, /* */
    9,  15, 5,  11, 6,  8,  13, 12, 5,  12, 13, 14, 11, 8,  5,  6,
};
static const uint8_t shift_right[80] = {
    8,  9,  9,  11, 13, 15, 15, 5,  7,  7,  8,  11, 14, 14, 12, 6,  /* */
    9,  13, 15, 7,  12, 8,  9,  11, 7,  7,  12, 7,  6,  15, 13, 11, /* */
    9,  7,  15, 11, 8,  6,  6,  14, 12, 13, 5,  14, 13, 13, 7,  5,  /* */
    15, 5,  8,  11, 14, 14, 6,  14, 6,  9,  12, 9,  12, 5,  15, 8,  /* */
    8,  5,  12, 9,  12, 5,  14, 6,  8,  13, 6,  5,  15, 13, 11, 11,
};
static const uint32_t add_left[5] = { 0, 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xa953fd4e };
static const uint32_t add_right[5] = { 0x50a28be6, 0x5c4dd124, 0x6d703ef3, 0x7a6d76e9, 0 };

static inline uint32_t rotl32(uint32_t x, unsigned n)
{
    return (x << n) | (x >> (32 - n));
}

static inline uint32_t round_function(unsigned round, uint32_t x, uint32_t y, uint32_t z)
{
    switch (round) {
    case 0:
        return x ^ y ^ z;
    case 1:
        return (x & y) | (~x & z);
    case 2:
        return (x | ~y) ^ z;
    case 3:
        return (x & z) | (y & ~z);
    default:
        return x ^ (y | ~z);
    }
}

static void ripemd160_line(uint32_t s[5], const uint32_t x[16], const uint8_t *word,
                           const uint8_t *shift, const uint32_t *add, bool right)
{
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 16 * round; i < 16 * round + 16; i++) {
            uint32_t f = round_function(right ? 4 - round : round, s[1], s[2], s[3]);
            uint32_t t = rotl32(s[0] + f + x[word[i]] + add[round], shift[i]) + s[4];
            s[0] = s[4];
            s[4] = s[3];
            s[3] = rotl32(s[2], 10);
            s[2] = s[1];
            s[1] = t;
        }
    }
}

static void ripemd160_compress(uint32_t h[5], const uint8_t block[64])
{
    uint32_t x[16], l[5], r[5];
    for (size_t i = 0; i < 16; i++)
        x[i] = load_le32(block + 4 * i);
    memcpy(l, h, sizeof(l));
    memcpy(r, h, sizeof(r));
    ripemd160_line(l, x, word_left, shift_left, add_left, false);
    ripemd160_line(r, x, word_right, shift_right, add_right, true);
    uint32_t t = h[1] + l[2] + r[3];
    h[1] = h[2] + l[3] + r[4];
    h[2] = h[3] + l[4] + r[0];
    h[3] = h[4] + l[0] + r[1];
    h[4] = h[0] + l[1] + r[2];
    h[0] = t;
}

void ripemd160(uint8_t out[20], const void *data, size_t len)
{
    uint32_t h[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
    const uint8_t *p = data;
    size_t left = len;
    for (; left >= 64; left -= 64, p += 64)
        ripemd160_compress(h, p);

    uint8_t tail[128] = { 0 };
    size_t tail_len = left < 56 ? 64 : 128;
    if (left)
        memcpy(tail, p, left);
    tail[left] = 0x80;
    store_le64(tail + tail_len - 8, (uint64_t)len * 8);
    ripemd160_compress(h, tail);
    if (tail_len == 128)
        ripemd160_compress(h, tail + 64);
    for (size_t i = 0; i < 5; i++)
        store_le32(out + 4 * i, h[i]);
}
