/* node/base/u256.h
 *
 * Unsigned 256-bit numbers as four 64-bit limbs, least significant first. Arithmetic wraps modulo
 * 2^256 unless the name says otherwise. EVM semantics where there is a choice: x / 0 = 0,
 * x mod 0 = 0, shifts of 256 and more give 0 (or the sign). Freestanding; limb products go through
 * one helper (u64_mul_wide: __int128 where there is one, 32-bit parts elsewhere).
 *
 * Money and gas use the checked forms: they return false on overflow and leave *out untouched. */
#ifndef GH_BASE_U256_H
#define GH_BASE_U256_H

#include "node/base/bytes.h"

struct u256 {
    uint64_t w[4];
};

#define U256_ZERO ((struct u256){ { 0, 0, 0, 0 } })
#define U256_ONE  ((struct u256){ { 1, 0, 0, 0 } })
#define U256_MAX  ((struct u256){ { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX } })

/* hi:lo = a * b */
static inline uint64_t u64_mul_wide(uint64_t a, uint64_t b, uint64_t *hi)
{
#ifdef __SIZEOF_INT128__
    __extension__ typedef unsigned __int128 u128;
    u128 p = (u128)a * b;
    *hi = (uint64_t)(p >> 64);
    return (uint64_t)p;
#else
    uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
    uint64_t ll = al * bl, lh = al * bh, hl = ah * bl, hh = ah * bh;
    uint64_t mid = (ll >> 32) + (uint32_t)lh + (uint32_t)hl;
    *hi = hh + (lh >> 32) + (hl >> 32) + (mid >> 32);
    return (mid << 32) | (uint32_t)ll;
#endif
}
/* a + b + *carry; *carry (0 or 1) gets the carry out. On x86-64 the compiler's builtins make one
 * add-with-carry of it, which it does not find in the portable form. */
static inline uint64_t u64_add_carry(uint64_t a, uint64_t b, uint64_t *carry)
{
#ifdef __x86_64__
    unsigned long long s;
    *carry = __builtin_ia32_addcarryx_u64((unsigned char)*carry, a, b, &s);
    return s;
#else
    uint64_t s = a + b, c = s < a;
    uint64_t t = s + *carry;
    *carry = c | (t < s);
    return t;
#endif
}
static inline uint64_t u64_sub_borrow(uint64_t a, uint64_t b, uint64_t *borrow)
{
#if defined(__x86_64__) && defined(__clang__)
    unsigned long long d;
    *borrow = __builtin_ia32_subborrow_u64((unsigned char)*borrow, a, b, &d);
    return d;
#elif defined(__x86_64__)
    unsigned long long d;
    *borrow = __builtin_ia32_sbb_u64((unsigned char)*borrow, a, b, &d);
    return d;
#else
    uint64_t d = a - b, c = a < b;
    uint64_t t = d - *borrow;
    *borrow = c | (d < *borrow);
    return t;
#endif
}

static inline struct u256 u256_of_u64(uint64_t v)
{
    return (struct u256){ { v, 0, 0, 0 } };
}
static inline bool u256_is_zero(const struct u256 *a)
{
    return (a->w[0] | a->w[1] | a->w[2] | a->w[3]) == 0;
}
static inline bool u256_eq(const struct u256 *a, const struct u256 *b)
{
    return ((a->w[0] ^ b->w[0]) | (a->w[1] ^ b->w[1]) | (a->w[2] ^ b->w[2]) |
            (a->w[3] ^ b->w[3])) == 0;
}
static inline bool u256_fits_u64(const struct u256 *a)
{
    return (a->w[1] | a->w[2] | a->w[3]) == 0;
}
/* the value, or UINT64_MAX when it does not fit */
static inline uint64_t u256_sat_u64(const struct u256 *a)
{
    return u256_fits_u64(a) ? a->w[0] : UINT64_MAX;
}
static inline bool u256_lt(const struct u256 *a, const struct u256 *b)
{
    uint64_t br = 0;
    (void)u64_sub_borrow(a->w[0], b->w[0], &br);
    (void)u64_sub_borrow(a->w[1], b->w[1], &br);
    (void)u64_sub_borrow(a->w[2], b->w[2], &br);
    (void)u64_sub_borrow(a->w[3], b->w[3], &br);
    return br != 0;
}
static inline int u256_cmp(const struct u256 *a, const struct u256 *b)
{
    return u256_lt(a, b) ? -1 : u256_lt(b, a) ? 1 : 0;
}
/* Limb by limb, not in a loop: compilers keep an indexed result in memory. */
static inline struct u256 u256_add_carry(const struct u256 *a, const struct u256 *b,
                                         uint64_t *carry)
{
    uint64_t c = 0;
    uint64_t r0 = u64_add_carry(a->w[0], b->w[0], &c), r1 = u64_add_carry(a->w[1], b->w[1], &c);
    uint64_t r2 = u64_add_carry(a->w[2], b->w[2], &c), r3 = u64_add_carry(a->w[3], b->w[3], &c);
    *carry = c;
    return (struct u256){ { r0, r1, r2, r3 } };
}
static inline struct u256 u256_sub_borrow(const struct u256 *a, const struct u256 *b,
                                          uint64_t *borrow)
{
    uint64_t c = 0;
    uint64_t r0 = u64_sub_borrow(a->w[0], b->w[0], &c), r1 = u64_sub_borrow(a->w[1], b->w[1], &c);
    uint64_t r2 = u64_sub_borrow(a->w[2], b->w[2], &c), r3 = u64_sub_borrow(a->w[3], b->w[3], &c);
    *borrow = c;
    return (struct u256){ { r0, r1, r2, r3 } };
}
static inline struct u256 u256_add(const struct u256 *a, const struct u256 *b)
{
    uint64_t c;
    return u256_add_carry(a, b, &c);
}
static inline struct u256 u256_sub(const struct u256 *a, const struct u256 *b)
{
    uint64_t c;
    return u256_sub_borrow(a, b, &c);
}
MUST_USE static inline bool u256_add_checked(struct u256 *out, const struct u256 *a,
                                             const struct u256 *b)
{
    uint64_t c;
    struct u256 r = u256_add_carry(a, b, &c);
    if (c)
        return false;
    *out = r;
    return true;
}
MUST_USE static inline bool u256_sub_checked(struct u256 *out, const struct u256 *a,
                                             const struct u256 *b)
{
    uint64_t c;
    struct u256 r = u256_sub_borrow(a, b, &c);
    if (c)
        return false;
    *out = r;
    return true;
}

struct u256 u256_mul(const struct u256 *a, const struct u256 *b);
/* false when the product needs more than 256 bits */
MUST_USE bool u256_mul_checked(struct u256 *out, const struct u256 *a, const struct u256 *b);
/* 512-bit product, least significant limb first */
void u256_mul_full(uint64_t out[8], const struct u256 *a, const struct u256 *b);
/* quotient and remainder; q or r may be NULL; both 0 when d is 0 */
void u256_divmod(struct u256 *q, struct u256 *r, const struct u256 *n, const struct u256 *d);
struct u256 u256_div(const struct u256 *n, const struct u256 *d);
struct u256 u256_mod(const struct u256 *n, const struct u256 *d);
/* ceil(n / d); 0 when d is 0 */
struct u256 u256_div_ceil(const struct u256 *n, const struct u256 *d);
struct u256 u256_sdiv(const struct u256 *a, const struct u256 *b); /* EVM SDIV */
struct u256 u256_smod(const struct u256 *a, const struct u256 *b); /* EVM SMOD */
struct u256 u256_addmod(const struct u256 *a, const struct u256 *b, const struct u256 *m);
struct u256 u256_mulmod(const struct u256 *a, const struct u256 *b, const struct u256 *m);
struct u256 u256_exp(const struct u256 *base, const struct u256 *e);
/* EVM SIGNEXTEND: k = index of the sign byte, least significant first */
struct u256 u256_signextend(const struct u256 *k, const struct u256 *x);
bool u256_slt(const struct u256 *a, const struct u256 *b);
struct u256 u256_shl(const struct u256 *x, unsigned n);
struct u256 u256_shr(const struct u256 *x, unsigned n);
struct u256 u256_sar(const struct u256 *x, unsigned n);
unsigned u256_bit_len(const struct u256 *a);               /* 0 for 0 */
static inline unsigned u256_byte_len(const struct u256 *a) /* 0 for 0 */
{
    return (u256_bit_len(a) + 7) / 8;
}

struct u256 u256_of_be32(const uint8_t p[32]);
void u256_to_be32(uint8_t p[32], const struct u256 *a);
/* len <= 32 big-endian bytes */
struct u256 u256_of_be(const uint8_t *p, size_t len);
static inline struct u256 u256_of_b256(const struct b256 *b)
{
    return u256_of_be32(b->b);
}
static inline struct b256 u256_to_b256(const struct u256 *a)
{
    struct b256 r;
    u256_to_be32(r.b, a);
    return r;
}
static inline struct u256 u256_of_addr(const struct addr *a)
{
    return u256_of_be(a->b, 20);
}
/* the low 160 bits */
static inline struct addr u256_to_addr(const struct u256 *v)
{
    struct b256 b = u256_to_b256(v);
    return b256_low_addr(&b);
}
/* Decimal text. `out` needs 79 bytes; returns the length. Parse takes digits only, false on
 * overflow, an empty string or any other character. */
size_t u256_format_dec(char out[79], const struct u256 *a);
MUST_USE bool u256_parse_dec(struct u256 *out, const char *s, size_t len);

#endif
