/* node/base/bytes.h
 *
 * Fixed and borrowed byte strings, and loads and stores with an explicit byte order.
 * Freestanding. Nothing here allocates.
 *
 * b256 is 32 opaque bytes (a hash, a slot key, a word on the wire, big-endian when it is a number).
 * addr is a 20-byte account address. bytes is a borrowed view; its owner outlives it. */
#ifndef GH_BASE_BYTES_H
#define GH_BASE_BYTES_H

#include "node/base/defs.h"

struct b256 {
    uint8_t b[32];
};
struct addr {
    uint8_t b[20];
};
struct bytes { /* borrowed; p may be NULL when len is 0 */
    const uint8_t *p;
    size_t len;
};

_Static_assert(sizeof(struct b256) == 32, "b256 is its wire form");
_Static_assert(sizeof(struct addr) == 20, "addr is its wire form");

/* The four functions a freestanding compiler may call by itself. A hosted build takes them from
 * <string.h>, so that a file may include both in any order. */
#if __STDC_HOSTED__
#include <string.h>
#else
void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
#endif

static inline struct bytes bytes_of(const void *p, size_t len)
{
    return (struct bytes){ (const uint8_t *)p, len };
}
static inline bool bytes_eq(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}
static inline bool b256_eq(const struct b256 *a, const struct b256 *b)
{
    return memcmp(a->b, b->b, 32) == 0;
}
static inline bool b256_is_zero(const struct b256 *a)
{
    uint8_t acc = 0;
    for (size_t i = 0; i < 32; i++)
        acc |= a->b[i];
    return acc == 0;
}
static inline bool addr_eq(const struct addr *a, const struct addr *b)
{
    return memcmp(a->b, b->b, 20) == 0;
}
static inline bool addr_is_zero(const struct addr *a)
{
    uint8_t acc = 0;
    for (size_t i = 0; i < 20; i++)
        acc |= a->b[i];
    return acc == 0;
}
/* 0x000..0n, for system addresses */
static inline struct addr addr_of_u32(uint32_t n)
{
    struct addr a = { { 0 } };
    a.b[16] = (uint8_t)(n >> 24);
    a.b[17] = (uint8_t)(n >> 16);
    a.b[18] = (uint8_t)(n >> 8);
    a.b[19] = (uint8_t)n;
    return a;
}
/* 12 zero bytes, then the address */
static inline struct b256 addr_pad32(const struct addr *a)
{
    struct b256 w = { { 0 } };
    memcpy(w.b + 12, a->b, 20);
    return w;
}
/* the low 20 bytes */
static inline struct addr b256_low_addr(const struct b256 *w)
{
    struct addr a;
    memcpy(a.b, w->b + 12, 20);
    return a;
}
/* a number as a 32-byte big-endian word */
static inline struct b256 b256_of_u64(uint64_t n)
{
    struct b256 w = { { 0 } };
    for (int i = 0; i < 8; i++)
        w.b[31 - i] = (uint8_t)(n >> (8 * i));
    return w;
}

static inline uint32_t load_be32(const uint8_t *p)
{
    return ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | p[3];
}
static inline uint64_t load_be64(const uint8_t *p)
{
    return ((uint64_t)load_be32(p) << 32) | load_be32(p + 4);
}
static inline uint32_t load_le32(const uint8_t *p)
{
    return ((uint32_t)p[3] << 24) | ((uint32_t)p[2] << 16) | ((uint32_t)p[1] << 8) | p[0];
}
static inline uint64_t load_le64(const uint8_t *p)
{
    return ((uint64_t)load_le32(p + 4) << 32) | load_le32(p);
}
static inline void store_be16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}
/* Byte by byte without a loop: compilers make one store of it where the machine has one. */
static inline void store_be32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}
static inline void store_be64(uint8_t *p, uint64_t v)
{
    store_be32(p, (uint32_t)(v >> 32));
    store_be32(p + 4, (uint32_t)v);
}
static inline void store_le32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
}
static inline void store_le64(uint8_t *p, uint64_t v)
{
    store_le32(p, (uint32_t)v);
    store_le32(p + 4, (uint32_t)(v >> 32));
}

#endif
