/* node/base/keccak.c
 *
 * Keccak-f[1600] with all 25 lanes in locals, two rounds per loop turn so that the lanes need no
 * moves between rounds. On x86-64 hosts with BMI the same body is compiled a second time, where
 * and-not and rotate are single three-operand instructions. */
#include "node/base/hash.h"

#define RATE 136u

static const uint64_t round_constants[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
    0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

#define ROL(x, n) (((x) << (n)) | ((x) >> (64 - (n))))

/* One output row: the five rotated lanes (rho and pi), then chi. */
#define ROW(out, o, b0, b1, b2, b3, b4, rc)                                                        \
    do {                                                                                           \
        uint64_t t0 = (b0), t1 = (b1), t2 = (b2), t3 = (b3), t4 = (b4);                            \
        (out)[(o) + 0] = t0 ^ (~t1 & t2) ^ (rc);                                                   \
        (out)[(o) + 1] = t1 ^ (~t2 & t3);                                                          \
        (out)[(o) + 2] = t2 ^ (~t3 & t4);                                                          \
        (out)[(o) + 3] = t3 ^ (~t4 & t0);                                                          \
        (out)[(o) + 4] = t4 ^ (~t0 & t1);                                                          \
    } while (0)

#define ROUND(in, out, rc)                                                                         \
    do {                                                                                           \
        uint64_t c0 = (in)[0] ^ (in)[5] ^ (in)[10] ^ (in)[15] ^ (in)[20];                          \
        uint64_t c1 = (in)[1] ^ (in)[6] ^ (in)[11] ^ (in)[16] ^ (in)[21];                          \
        uint64_t c2 = (in)[2] ^ (in)[7] ^ (in)[12] ^ (in)[17] ^ (in)[22];                          \
        uint64_t c3 = (in)[3] ^ (in)[8] ^ (in)[13] ^ (in)[18] ^ (in)[23];                          \
        uint64_t c4 = (in)[4] ^ (in)[9] ^ (in)[14] ^ (in)[19] ^ (in)[24];                          \
        uint64_t d0 = c4 ^ ROL(c1, 1), d1 = c0 ^ ROL(c2, 1), d2 = c1 ^ ROL(c3, 1);                 \
        uint64_t d3 = c2 ^ ROL(c4, 1), d4 = c3 ^ ROL(c0, 1);                                       \
        ROW(out, 0, (in)[0] ^ d0, ROL((in)[6] ^ d1, 44), ROL((in)[12] ^ d2, 43),                   \
            ROL((in)[18] ^ d3, 21), ROL((in)[24] ^ d4, 14), rc);                                   \
        ROW(out, 5, ROL((in)[3] ^ d3, 28), ROL((in)[9] ^ d4, 20), ROL((in)[10] ^ d0, 3),           \
            ROL((in)[16] ^ d1, 45), ROL((in)[22] ^ d2, 61), 0);                                    \
        ROW(out, 10, ROL((in)[1] ^ d1, 1), ROL((in)[7] ^ d2, 6), ROL((in)[13] ^ d3, 25),           \
            ROL((in)[19] ^ d4, 8), ROL((in)[20] ^ d0, 18), 0);                                     \
        ROW(out, 15, ROL((in)[4] ^ d4, 27), ROL((in)[5] ^ d0, 36), ROL((in)[11] ^ d1, 10),         \
            ROL((in)[17] ^ d2, 15), ROL((in)[23] ^ d3, 56), 0);                                    \
        ROW(out, 20, ROL((in)[2] ^ d2, 62), ROL((in)[8] ^ d3, 55), ROL((in)[14] ^ d4, 39),         \
            ROL((in)[15] ^ d0, 41), ROL((in)[21] ^ d1, 2), 0);                                     \
    } while (0)

/* constant indices only: a loop over these would keep the lanes in memory */
static inline __attribute__((always_inline)) void copy_lanes(uint64_t *to, const uint64_t *from)
{
    to[0] = from[0];
    to[1] = from[1];
    to[2] = from[2];
    to[3] = from[3];
    to[4] = from[4];
    to[5] = from[5];
    to[6] = from[6];
    to[7] = from[7];
    to[8] = from[8];
    to[9] = from[9];
    to[10] = from[10];
    to[11] = from[11];
    to[12] = from[12];
    to[13] = from[13];
    to[14] = from[14];
    to[15] = from[15];
    to[16] = from[16];
    to[17] = from[17];
    to[18] = from[18];
    to[19] = from[19];
    to[20] = from[20];
    to[21] = from[21];
    to[22] = from[22];
    to[23] = from[23];
    to[24] = from[24];
}

static inline __attribute__((always_inline)) void permute_body(uint64_t s[25])
{
    uint64_t a[25], e[25];
    copy_lanes(a, s);
    for (int r = 0; r < 24; r += 2) {
        ROUND(a, e, round_constants[r]);
        ROUND(e, a, round_constants[r + 1]);
    }
    copy_lanes(s, a);
}

static void permute_portable(uint64_t s[25])
{
    permute_body(s);
}

#if __STDC_HOSTED__ && defined(__x86_64__)
__attribute__((target("bmi,bmi2"))) static void permute_bmi(uint64_t s[25])
{
    permute_body(s);
}

static inline void permute(uint64_t s[25])
{
    if (__builtin_cpu_supports("bmi2") && __builtin_cpu_supports("bmi"))
        permute_bmi(s);
    else
        permute_portable(s);
}
#else
static inline void permute(uint64_t s[25])
{
    permute_portable(s);
}
#endif

static inline void absorb(uint64_t s[25], const uint8_t *block)
{
    for (unsigned i = 0; i < RATE / 8; i++)
        s[i] ^= load_le64(block + (size_t)8 * i);
    permute(s);
}

/* The last, partial block: padding 0x01 ... 0x80, then the first 32 bytes of the state. */
static struct b256 finish(uint64_t s[25], const uint8_t *tail, size_t len)
{
    uint8_t block[RATE];
    struct b256 out;
    if (len)
        memcpy(block, tail, len);
    memset(block + len, 0, RATE - len);
    block[len] = 0x01;
    block[RATE - 1] |= 0x80;
    absorb(s, block);
    for (unsigned i = 0; i < 4; i++)
        store_le64(out.b + (size_t)8 * i, s[i]);
    return out;
}

struct b256 keccak256(const void *data, size_t len)
{
    uint64_t s[25] = { 0 };
    const uint8_t *p = data;
    for (; len >= RATE; len -= RATE, p += RATE)
        absorb(s, p);
    return finish(s, p, len);
}

struct b256 keccak256_pair(const struct b256 *left, const struct b256 *right)
{
    uint64_t s[25] = { 0 };
    struct b256 out;
    for (unsigned i = 0; i < 4; i++) {
        s[i] = load_le64(left->b + (size_t)8 * i);
        s[4 + i] = load_le64(right->b + (size_t)8 * i);
    }
    s[8] = 0x01;
    s[16] = UINT64_C(0x80) << 56;
    permute(s);
    for (unsigned i = 0; i < 4; i++)
        store_le64(out.b + (size_t)8 * i, s[i]);
    return out;
}

void keccak_init(struct keccak *k)
{
    memset(k, 0, sizeof(*k));
}

void keccak_update(struct keccak *k, const void *data, size_t len)
{
    const uint8_t *p = data;
    if (len == 0)
        return;
    if (k->fill) {
        size_t take = RATE - k->fill < len ? RATE - k->fill : len;
        memcpy(k->buf + k->fill, p, take);
        k->fill += take;
        p += take;
        len -= take;
        if (k->fill < RATE)
            return;
        absorb(k->state, k->buf);
        k->fill = 0;
    }
    for (; len >= RATE; len -= RATE, p += RATE)
        absorb(k->state, p);
    if (len)
        memcpy(k->buf, p, len);
    k->fill = len;
}

struct b256 keccak_final(struct keccak *k)
{
    return finish(k->state, k->buf, k->fill);
}
