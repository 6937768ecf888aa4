/* node/base/blake2s.c: BLAKE2s-256, one message at a time. */
#include "node/base/blake2s_rounds.h"
#include "node/base/hash.h"

#define B2S_ADD(x, y) ((x) + (y))
#define B2S_XOR(x, y) ((x) ^ (y))
#define ROR(x, n)     (((x) >> (n)) | ((x) << (32 - (n))))
#define B2S_ROR16(x)  ror(x, 16)
#define B2S_ROR12(x)  ror(x, 12)
#define B2S_ROR8(x)   ror(x, 8)
#define B2S_ROR7(x)   ror(x, 7)

static inline __attribute__((always_inline)) uint32_t ror(uint32_t x, unsigned n)
{
    return ROR(x, n);
}

/* One compression; t counts the message bytes up to the end of this block. */
static inline __attribute__((always_inline)) void compress(uint32_t h[8], const uint32_t m[16],
                                                           uint64_t t, bool last)
{
    uint32_t v[16] = {
        h[0],
        h[1],
        h[2],
        h[3],
        h[4],
        h[5],
        h[6],
        h[7],
        B2S_IV0,
        B2S_IV1,
        B2S_IV2,
        B2S_IV3,
        B2S_IV4 ^ (uint32_t)t,
        B2S_IV5 ^ (uint32_t)(t >> 32),
        last ? ~B2S_IV6 : B2S_IV6,
        B2S_IV7,
    };
    B2S_ALL_ROUNDS();
    h[0] ^= v[0] ^ v[8];
    h[1] ^= v[1] ^ v[9];
    h[2] ^= v[2] ^ v[10];
    h[3] ^= v[3] ^ v[11];
    h[4] ^= v[4] ^ v[12];
    h[5] ^= v[5] ^ v[13];
    h[6] ^= v[6] ^ v[14];
    h[7] ^= v[7] ^ v[15];
}

#define INITIAL_STATE                                                                              \
    {                                                                                              \
        B2S_H0, B2S_IV1, B2S_IV2, B2S_IV3, B2S_IV4, B2S_IV5, B2S_IV6, B2S_IV7                      \
    }

static void compress_block(uint32_t h[8], const uint8_t *p, uint64_t t, bool last)
{
    uint32_t m[16];
    for (unsigned i = 0; i < 16; i++)
        m[i] = load_le32(p + 4 * i);
    compress(h, m, t, last);
}

static inline struct b256 digest_of(const uint32_t h[8])
{
    struct b256 out;
    for (unsigned i = 0; i < 8; i++)
        store_le32(out.b + 4 * i, h[i]);
    return out;
}

void blake2s_init(struct blake2s *s)
{
    static const uint32_t initial[8] = INITIAL_STATE;
    memset(s, 0, sizeof(*s));
    memcpy(s->h, initial, sizeof(initial));
}

/* A full buffer is kept until more bytes come, because the last block is compressed differently. */
void blake2s_update(struct blake2s *s, const void *data, size_t len)
{
    const uint8_t *p = data;
    if (len == 0)
        return;
    size_t room = 64 - s->fill;
    if (len > room) {
        memcpy(s->buf + s->fill, p, room);
        s->total += 64;
        compress_block(s->h, s->buf, s->total, false);
        s->fill = 0;
        p += room;
        len -= room;
        for (; len > 64; len -= 64, p += 64) {
            s->total += 64;
            compress_block(s->h, p, s->total, false);
        }
    }
    memcpy(s->buf + s->fill, p, len);
    s->fill += len;
}

struct b256 blake2s_final(struct blake2s *s)
{
    memset(s->buf + s->fill, 0, 64 - s->fill);
    s->total += s->fill;
    compress_block(s->h, s->buf, s->total, true);
    return digest_of(s->h);
}

struct b256 blake2s(const void *data, size_t len)
{
    uint32_t h[8] = INITIAL_STATE;
    const uint8_t *p = data;
    uint8_t block[64];
    uint64_t t = 0;
    for (; len > 64; len -= 64, p += 64) {
        t += 64;
        compress_block(h, p, t, false);
    }
    if (len)
        memcpy(block, p, len);
    memset(block + len, 0, 64 - len);
    compress_block(h, block, t + len, true);
    return digest_of(h);
}

struct b256 blake2s_pair(const struct b256 *left, const struct b256 *right)
{
    uint32_t h[8] = INITIAL_STATE, m[16];
    for (unsigned i = 0; i < 8; i++) {
        m[i] = load_le32(left->b + 4 * i);
        m[8 + i] = load_le32(right->b + 4 * i);
    }
    compress(h, m, 64, true);
    return digest_of(h);
}

struct b256 blake2s_leaf(const struct b256 *key, const struct b256 *value, uint64_t next)
{
    uint32_t h[8] = INITIAL_STATE, m[16];
    for (unsigned i = 0; i < 8; i++) {
        m[i] = load_le32(key->b + 4 * i);
        m[8 + i] = load_le32(value->b + 4 * i);
    }
    compress(h, m, 64, false);
    const uint32_t tail[16] = { (uint32_t)next, (uint32_t)(next >> 32) };
    compress(h, tail, 72, true);
    return digest_of(h);
}

struct b256 blake2s_flat_key(const struct addr *a, const struct b256 *slot)
{
    uint32_t h[8] = INITIAL_STATE;
    uint32_t m[16] = { 0 };
    for (unsigned i = 0; i < 5; i++)
        m[3 + i] = load_le32(a->b + 4 * i);
    for (unsigned i = 0; i < 8; i++)
        m[8 + i] = load_le32(slot->b + 4 * i);
    compress(h, m, 64, true);
    return digest_of(h);
}
