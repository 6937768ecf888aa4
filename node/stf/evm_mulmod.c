/* node/stf/evm_mulmod.c: see evm_mulmod.h. */
#include "node/stf/evm_mulmod.h"

#define USES_BEFORE_READY 16u

/* hi:lo = a * b + c + d; cannot overflow */
static inline uint64_t mul_add2(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t *hi)
{
    uint64_t h, l = u64_mul_wide(a, b, &h), carry = 0;
    l = u64_add_carry(l, c, &carry);
    h += carry;
    carry = 0;
    l = u64_add_carry(l, d, &carry);
    *hi = h + carry;
    return l;
}

/* out[0..n] += a[0..n) * b, where out[n] is still unset */
static inline void mul_row(uint64_t *out, const uint64_t *a, unsigned n, uint64_t b)
{
    uint64_t carry = 0;
#pragma GCC unroll 5
    for (unsigned i = 0; i < n; i++)
        out[i] = mul_add2(a[i], b, out[i], carry, &carry);
    out[n] = carry;
}

/* The low `keep` limbs only: out[0..keep) += a * b */
static inline void mul_row_cut(uint64_t *out, const uint64_t *a, unsigned keep, uint64_t b)
{
    uint64_t carry = 0;
#pragma GCC unroll 5
    for (unsigned i = 0; i < keep; i++)
        out[i] = mul_add2(a[i], b, out[i], carry, &carry);
}

/* x (8 limbs) mod m */
static void reduce(struct u256 *r, const uint64_t x[8], const struct evm_modulus *c)
{
    /* q = floor(floor(x / 2^192) * mu / 2^320): the quotient, or up to two less */
    uint64_t q2[10] = { 0 };
    mul_row(q2, c->mu, 5, x[3]);
    mul_row(q2 + 1, c->mu, 5, x[4]);
    mul_row(q2 + 2, c->mu, 5, x[5]);
    mul_row(q2 + 3, c->mu, 5, x[6]);
    mul_row(q2 + 4, c->mu, 5, x[7]);
    const uint64_t *q = q2 + 5;

    /* q * m mod 2^320 */
    uint64_t p[5] = { 0 };
    uint64_t m[5] = { c->m.w[0], c->m.w[1], c->m.w[2], c->m.w[3], 0 };
    mul_row_cut(p, m, 5, q[0]);
    mul_row_cut(p + 1, m, 4, q[1]);
    mul_row_cut(p + 2, m, 3, q[2]);
    mul_row_cut(p + 3, m, 2, q[3]);
    p[4] += m[0] * q[4];

    uint64_t borrow = 0, rem[5];
#pragma GCC unroll 5
    for (unsigned i = 0; i < 5; i++)
        rem[i] = u64_sub_borrow(x[i], p[i], &borrow);
    /* what is left is below 3 * m, so at most two corrections */
    for (;;) {
        uint64_t t[5];
        borrow = 0;
#pragma GCC unroll 5
        for (unsigned i = 0; i < 5; i++)
            t[i] = u64_sub_borrow(rem[i], m[i], &borrow);
        if (borrow)
            break;
        memcpy(rem, t, sizeof(rem));
    }
    memcpy(r->w, rem, sizeof(r->w));
}

/* mu limb by limb, from the top: a remainder r gives the limb floor(r * 2^64 / m) and the next
 * remainder r' = r * 2^64 mod m. From limb * m = r * 2^64 - r' follows limb = -r' / m mod 2^64,
 * and m is odd. */
static void prepare(struct evm_modulus *c)
{
    const struct u256 *m = &c->m;
    struct u256 shift = { { 0, 1, 0, 0 } }; /* 2^64 */
    uint64_t inverse = m->w[0];             /* right in three bits; each step doubles them */
    for (unsigned i = 0; i < 5; i++)
        inverse *= 2 - m->w[0] * inverse;
    /* 2^512 = 2^192 * (2^64)^5, and 2^192 < m */
    struct u256 rem = { { 0, 0, 0, 1 } };
    for (unsigned i = 5; i-- > 0;) {
        rem = u256_mulmod(&rem, &shift, m);
        c->mu[i] = (0 - rem.w[0]) * inverse;
    }
    c->ready = true;
}

static bool is_preparable(const struct u256 *m)
{
    /* above 2^192, not only at it: the top remainder starts below m */
    return (m->w[0] & 1) && m->w[3] != 0;
}

void evm_mulmod(struct evm_modulus *c, struct u256 *r, const struct u256 *a, const struct u256 *b)
{
    if (!u256_eq(&c->m, r)) {
        c->m = *r;
        c->uses = 0;
        c->ready = false;
    }
    if (c->ready) {
        uint64_t x[8] = { 0 };
        mul_row(x, a->w, 4, b->w[0]);
        mul_row(x + 1, a->w, 4, b->w[1]);
        mul_row(x + 2, a->w, 4, b->w[2]);
        mul_row(x + 3, a->w, 4, b->w[3]);
        reduce(r, x, c);
        return;
    }
    *r = u256_mulmod(a, b, r);
    if (++c->uses == USES_BEFORE_READY && is_preparable(&c->m))
        prepare(c);
}
