/* node/stf/evm_arith.h   (inside stf)
 *
 * Word arithmetic of the interpreter's hot opcodes, inlined, written to a place on the stack.
 * Everything rarer goes through node/base/u256.h. */
#ifndef GH_STF_EVM_ARITH_H
#define GH_STF_EVM_ARITH_H

#include "node/base/u256.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are swapped, not assembled");

/* 32 big-endian bytes to a word and back */
static inline uint64_t evm_load_be64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return __builtin_bswap64(v);
}
static inline void evm_load_be(struct u256 *r, const uint8_t *p)
{
    uint64_t w0 = evm_load_be64(p + 24), w1 = evm_load_be64(p + 16);
    uint64_t w2 = evm_load_be64(p + 8), w3 = evm_load_be64(p);
    r->w[0] = w0;
    r->w[1] = w1;
    r->w[2] = w2;
    r->w[3] = w3;
}
static inline void evm_store_be64(uint8_t *p, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(p, &v, 8);
}
static inline void evm_store_be(uint8_t *p, const struct u256 *a)
{
    uint64_t w0 = a->w[0], w1 = a->w[1], w2 = a->w[2], w3 = a->w[3];
    evm_store_be64(p, w3);
    evm_store_be64(p + 8, w2);
    evm_store_be64(p + 16, w1);
    evm_store_be64(p + 24, w0);
}

static inline void evm_load_addr(struct u256 *r, const struct addr *a)
{
    r->w[0] = evm_load_be64(a->b + 12);
    r->w[1] = evm_load_be64(a->b + 4);
    r->w[2] = load_be32(a->b);
    r->w[3] = 0;
}
static inline struct addr evm_to_addr(const struct u256 *v)
{
    uint8_t word[32];
    struct addr a;
    evm_store_be(word, v);
    memcpy(a.b, word + 12, 20);
    return a;
}
static inline struct b256 evm_to_b256(const struct u256 *v)
{
    struct b256 r;
    evm_store_be(r.b, v);
    return r;
}

static inline void evm_set_u64(struct u256 *r, uint64_t v)
{
    r->w[0] = v;
    r->w[1] = 0;
    r->w[2] = 0;
    r->w[3] = 0;
}

/* Words are moved limb by limb: a 16-byte load of two limbs that were just stored one by one waits
 * for both to leave the store buffer, a limb does not. */
static inline void evm_copy(struct u256 *r, const struct u256 *a)
{
    uint64_t w0 = a->w[0], w1 = a->w[1], w2 = a->w[2], w3 = a->w[3];
    r->w[0] = w0;
    r->w[1] = w1;
    r->w[2] = w2;
    r->w[3] = w3;
}
static inline void evm_swap(struct u256 *a, struct u256 *b)
{
    uint64_t w0 = a->w[0], w1 = a->w[1], w2 = a->w[2], w3 = a->w[3];
    evm_copy(a, b);
    b->w[0] = w0;
    b->w[1] = w1;
    b->w[2] = w2;
    b->w[3] = w3;
}

/* r = r op a */
static inline void evm_and(struct u256 *r, const struct u256 *a)
{
    r->w[0] &= a->w[0];
    r->w[1] &= a->w[1];
    r->w[2] &= a->w[2];
    r->w[3] &= a->w[3];
}
static inline void evm_or(struct u256 *r, const struct u256 *a)
{
    r->w[0] |= a->w[0];
    r->w[1] |= a->w[1];
    r->w[2] |= a->w[2];
    r->w[3] |= a->w[3];
}
static inline void evm_xor(struct u256 *r, const struct u256 *a)
{
    r->w[0] ^= a->w[0];
    r->w[1] ^= a->w[1];
    r->w[2] ^= a->w[2];
    r->w[3] ^= a->w[3];
}
static inline void evm_not(struct u256 *r)
{
    r->w[0] = ~r->w[0];
    r->w[1] = ~r->w[1];
    r->w[2] = ~r->w[2];
    r->w[3] = ~r->w[3];
}

static inline void evm_add(struct u256 *r, const struct u256 *a, const struct u256 *b)
{
    uint64_t c = 0;
    uint64_t w0 = u64_add_carry(a->w[0], b->w[0], &c), w1 = u64_add_carry(a->w[1], b->w[1], &c);
    uint64_t w2 = u64_add_carry(a->w[2], b->w[2], &c), w3 = u64_add_carry(a->w[3], b->w[3], &c);
    r->w[0] = w0;
    r->w[1] = w1;
    r->w[2] = w2;
    r->w[3] = w3;
}
static inline void evm_sub(struct u256 *r, const struct u256 *a, const struct u256 *b)
{
    uint64_t c = 0;
    uint64_t w0 = u64_sub_borrow(a->w[0], b->w[0], &c), w1 = u64_sub_borrow(a->w[1], b->w[1], &c);
    uint64_t w2 = u64_sub_borrow(a->w[2], b->w[2], &c), w3 = u64_sub_borrow(a->w[3], b->w[3], &c);
    r->w[0] = w0;
    r->w[1] = w1;
    r->w[2] = w2;
    r->w[3] = w3;
}
/* r = a * b mod 2^256: ten limb products, column by column */
static inline void evm_mul(struct u256 *r, const struct u256 *a, const struct u256 *b)
{
    uint64_t hi, carry, t0, t1, t2, t3;

    t0 = u64_mul_wide(a->w[0], b->w[0], &t1);
    /* a0*b1, a1*b0 into column 1 */
    uint64_t lo = u64_mul_wide(a->w[0], b->w[1], &hi);
    carry = 0;
    t1 = u64_add_carry(t1, lo, &carry);
    t2 = u64_add_carry(hi, 0, &carry);
    lo = u64_mul_wide(a->w[1], b->w[0], &hi);
    carry = 0;
    t1 = u64_add_carry(t1, lo, &carry);
    t2 = u64_add_carry(t2, hi, &carry);
    t3 = carry;
    /* column 2 */
    lo = u64_mul_wide(a->w[0], b->w[2], &hi);
    carry = 0;
    t2 = u64_add_carry(t2, lo, &carry);
    t3 = u64_add_carry(t3, hi, &carry);
    lo = u64_mul_wide(a->w[1], b->w[1], &hi);
    carry = 0;
    t2 = u64_add_carry(t2, lo, &carry);
    t3 = u64_add_carry(t3, hi, &carry);
    lo = u64_mul_wide(a->w[2], b->w[0], &hi);
    carry = 0;
    t2 = u64_add_carry(t2, lo, &carry);
    t3 = u64_add_carry(t3, hi, &carry);
    /* column 3: low halves only */
    t3 += a->w[0] * b->w[3] + a->w[1] * b->w[2] + a->w[2] * b->w[1] + a->w[3] * b->w[0];

    r->w[0] = t0;
    r->w[1] = t1;
    r->w[2] = t2;
    r->w[3] = t3;
}

/* with one limb k */
static inline void evm_add_u64(struct u256 *r, uint64_t k)
{
    uint64_t c = 0;
    uint64_t w0 = u64_add_carry(r->w[0], k, &c), w1 = u64_add_carry(r->w[1], 0, &c);
    uint64_t w2 = u64_add_carry(r->w[2], 0, &c), w3 = u64_add_carry(r->w[3], 0, &c);
    r->w[0] = w0;
    r->w[1] = w1;
    r->w[2] = w2;
    r->w[3] = w3;
}
static inline void evm_sub_u64(struct u256 *r, uint64_t k)
{
    uint64_t c = 0;
    uint64_t w0 = u64_sub_borrow(r->w[0], k, &c), w1 = u64_sub_borrow(r->w[1], 0, &c);
    uint64_t w2 = u64_sub_borrow(r->w[2], 0, &c), w3 = u64_sub_borrow(r->w[3], 0, &c);
    r->w[0] = w0;
    r->w[1] = w1;
    r->w[2] = w2;
    r->w[3] = w3;
}
/* r = k - r */
static inline void evm_rsub_u64(struct u256 *r, uint64_t k)
{
    uint64_t c = 0;
    uint64_t w0 = u64_sub_borrow(k, r->w[0], &c), w1 = u64_sub_borrow(0, r->w[1], &c);
    uint64_t w2 = u64_sub_borrow(0, r->w[2], &c), w3 = u64_sub_borrow(0, r->w[3], &c);
    r->w[0] = w0;
    r->w[1] = w1;
    r->w[2] = w2;
    r->w[3] = w3;
}
static inline void evm_mul_u64(struct u256 *r, uint64_t k)
{
    uint64_t h0, h1, h2, c = 0;
    uint64_t w0 = u64_mul_wide(r->w[0], k, &h0), l1 = u64_mul_wide(r->w[1], k, &h1);
    uint64_t l2 = u64_mul_wide(r->w[2], k, &h2), w3 = r->w[3] * k + h2;
    uint64_t w1 = u64_add_carry(l1, h0, &c), w2 = u64_add_carry(l2, h1, &c);
    r->w[0] = w0;
    r->w[1] = w1;
    r->w[2] = w2;
    r->w[3] = w3 + c;
}

static inline bool evm_slt(const struct u256 *a, const struct u256 *b)
{
    bool a_neg = (a->w[3] >> 63) != 0, b_neg = (b->w[3] >> 63) != 0;
    return a_neg != b_neg ? a_neg : u256_lt(a, b);
}

/* BYTE: byte i of x, most significant first */
static inline void evm_byte(struct u256 *r, const struct u256 *i, const struct u256 *x)
{
    uint64_t v = 0;
    if (u256_fits_u64(i) && i->w[0] < 32) {
        unsigned k = 31 - (unsigned)i->w[0];
        v = (x->w[k / 8] >> (8 * (k % 8))) & 0xff;
    }
    evm_set_u64(r, v);
}

/* r may be x. The limbs are read from a window of eight with zeros on one side, so there is no
 * branch on how far they move. */
static inline void evm_shl(struct u256 *r, const struct u256 *x, const struct u256 *by)
{
    if (GH_UNLIKELY(!u256_fits_u64(by) || by->w[0] > 255)) {
        evm_set_u64(r, 0);
        return;
    }
    unsigned n = (unsigned)by->w[0], limb = n / 64, bit = n % 64;
    uint64_t window[8] = { 0, 0, 0, 0, x->w[0], x->w[1], x->w[2], x->w[3] };
    const uint64_t *w = window + 4 - limb; /* limb <= 3, so w[-1] is inside */
    uint64_t below = w[-1];
    /* (v >> 1) >> (63 - bit) is v >> (64 - bit), also for bit = 0 */
    uint64_t r0 = (w[0] << bit) | ((below >> 1) >> (63 - bit));
    uint64_t r1 = (w[1] << bit) | ((w[0] >> 1) >> (63 - bit));
    uint64_t r2 = (w[2] << bit) | ((w[1] >> 1) >> (63 - bit));
    uint64_t r3 = (w[3] << bit) | ((w[2] >> 1) >> (63 - bit));
    r->w[0] = r0;
    r->w[1] = r1;
    r->w[2] = r2;
    r->w[3] = r3;
}
static inline void evm_shr(struct u256 *r, const struct u256 *x, const struct u256 *by)
{
    if (GH_UNLIKELY(!u256_fits_u64(by) || by->w[0] > 255)) {
        evm_set_u64(r, 0);
        return;
    }
    unsigned n = (unsigned)by->w[0], limb = n / 64, bit = n % 64;
    uint64_t window[8] = { x->w[0], x->w[1], x->w[2], x->w[3], 0, 0, 0, 0 };
    const uint64_t *w = window + limb;
    uint64_t r0 = (w[0] >> bit) | ((w[1] << 1) << (63 - bit));
    uint64_t r1 = (w[1] >> bit) | ((w[2] << 1) << (63 - bit));
    uint64_t r2 = (w[2] >> bit) | ((w[3] << 1) << (63 - bit));
    uint64_t r3 = (w[3] >> bit) | ((w[4] << 1) << (63 - bit));
    r->w[0] = r0;
    r->w[1] = r1;
    r->w[2] = r2;
    r->w[3] = r3;
}

/* Shifts by a known number of limbs and 0 <= bit < 64 bits. */
static inline void evm_shr_limbs(struct u256 *r, unsigned limbs, unsigned bit)
{
    uint64_t in[5] = { r->w[0], r->w[1], r->w[2], r->w[3], 0 }, out[4] = { 0 };
#pragma GCC unroll 4
    for (unsigned i = 0; i + limbs < 4; i++)
        out[i] = (in[i + limbs] >> bit) | ((in[i + limbs + 1] << 1) << (63 - bit));
    r->w[0] = out[0];
    r->w[1] = out[1];
    r->w[2] = out[2];
    r->w[3] = out[3];
}
static inline void evm_shl_limbs(struct u256 *r, unsigned limbs, unsigned bit)
{
    uint64_t in[5] = { 0, r->w[0], r->w[1], r->w[2], r->w[3] }, out[4] = { 0 };
#pragma GCC unroll 4
    for (unsigned i = limbs; i < 4; i++)
        out[i] = (in[i - limbs + 1] << bit) | ((in[i - limbs] >> 1) >> (63 - bit));
    r->w[0] = out[0];
    r->w[1] = out[1];
    r->w[2] = out[2];
    r->w[3] = out[3];
}

/* r = a / b. Powers of two, the old way to unpack fields, are shifts. */
static inline void evm_div(struct u256 *r, const struct u256 *a, const struct u256 *b)
{
    struct u256 below; /* b - 1 */
    if (u256_fits_u64(a) && u256_fits_u64(b)) {
        evm_set_u64(r, b->w[0] ? a->w[0] / b->w[0] : 0);
        return;
    }
    evm_sub(&below, b, &U256_ONE);
    if (((b->w[0] & below.w[0]) | (b->w[1] & below.w[1]) | (b->w[2] & below.w[2]) |
         (b->w[3] & below.w[3])) == 0 &&
        !u256_is_zero(b)) {
        struct u256 by = u256_of_u64(u256_bit_len(b) - 1);
        evm_shr(r, a, &by);
        return;
    }
    struct u256 q = u256_div(a, b);
    evm_copy(r, &q);
}
/* Signed; the sign of a zero quotient does not matter. */
static inline void evm_sdiv(struct u256 *r, const struct u256 *a, const struct u256 *b)
{
    struct u256 x, y;
    bool a_neg = (a->w[3] >> 63) != 0, b_neg = (b->w[3] >> 63) != 0;
    evm_copy(&x, a);
    evm_copy(&y, b);
    if (a_neg)
        evm_rsub_u64(&x, 0);
    if (b_neg)
        evm_rsub_u64(&y, 0);
    evm_div(&x, &x, &y);
    if (a_neg != b_neg)
        evm_rsub_u64(&x, 0);
    evm_copy(r, &x);
}
static inline void evm_mod(struct u256 *r, const struct u256 *a, const struct u256 *b)
{
    struct u256 below;
    if (u256_fits_u64(a) && u256_fits_u64(b)) {
        evm_set_u64(r, b->w[0] ? a->w[0] % b->w[0] : 0);
        return;
    }
    evm_sub(&below, b, &U256_ONE);
    if (((b->w[0] & below.w[0]) | (b->w[1] & below.w[1]) | (b->w[2] & below.w[2]) |
         (b->w[3] & below.w[3])) == 0) {
        /* b = 0 has all ones below it, but anything mod 0 is 0 */
        if (u256_is_zero(b))
            evm_set_u64(&below, 0);
        evm_and(&below, a);
        evm_copy(r, &below);
        return;
    }
    struct u256 rem = u256_mod(a, b);
    evm_copy(r, &rem);
}

/* Arithmetic shift: the window is filled with the sign. */
static inline void evm_sar(struct u256 *r, const struct u256 *x, const struct u256 *by)
{
    uint64_t fill = (uint64_t)((int64_t)x->w[3] >> 63);
    uint64_t n = u256_fits_u64(by) && by->w[0] < 256 ? by->w[0] : 255;
    /* 255 moves the sign bit everywhere, as 256 and more do */
    unsigned limb = (unsigned)n / 64, bit = (unsigned)n % 64;
    uint64_t window[8] = { x->w[0], x->w[1], x->w[2], x->w[3], fill, fill, fill, fill };
    const uint64_t *w = window + limb;
    uint64_t r0 = (w[0] >> bit) | ((w[1] << 1) << (63 - bit));
    uint64_t r1 = (w[1] >> bit) | ((w[2] << 1) << (63 - bit));
    uint64_t r2 = (w[2] >> bit) | ((w[3] << 1) << (63 - bit));
    uint64_t r3 = (w[3] >> bit) | ((w[4] << 1) << (63 - bit));
    r->w[0] = r0;
    r->w[1] = r1;
    r->w[2] = r2;
    r->w[3] = r3;
}

/* SIGNEXTEND in place: byte k (least significant first) of x carries the sign. */
static inline void evm_signextend(struct u256 *x, const struct u256 *k)
{
    if (!u256_fits_u64(k) || k->w[0] >= 31)
        return;
    unsigned limb = (unsigned)k->w[0] / 8, drop = 56 - 8 * ((unsigned)k->w[0] % 8);
    int64_t v = (int64_t)(x->w[limb] << drop) >> drop;
    x->w[limb] = (uint64_t)v;
    for (unsigned i = limb + 1; i < 4; i++)
        x->w[i] = (uint64_t)(v >> 63);
}

#endif
