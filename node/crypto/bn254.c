/* node/crypto/bn254.c
 *
 * BN254. With x = 4965661367192848881:
 *   p = 36x^4 + 36x^3 + 24x^2 + 6x + 1 (the field),
 *   r = 36x^4 + 36x^3 + 18x^2 + 6x + 1 (the group order), y^2 = x^3 + 3, xi = 9 + i,
 *   and the D-type twist y^2 = x^3 + 3/xi, onto the curve by (x, y) -> (x w^2, y w^3).
 * The pairing is the optimal ate pairing (Vercauteren 2010) over the NAF of 6x + 2. */
#include "node/crypto/bn254.h"

#include "node/base/u256.h"
#include "node/crypto/wnaf.h"

#define BN_X 4965661367192848881u

/* ---- constants; field elements in Montgomery form, limbs least significant first ---- */
/* clang-format off */
#define FP_LIMBS 4
#define T(name)  bn_##name
static const uint64_t bn_modulus[4] = {
    0x3c208c16d87cfd47, 0x97816a916871ca8d, 0xb85045b68181585d, 0x30644e72e131a029 };
static const uint64_t bn_neg_inv = 0x87d20782e4866389;
static const uint64_t bn_r1[4] = {
    0xd35d438dc58f0d9d, 0x0a78eb28f5c70b3d, 0x666ea36f7879462c, 0x0e0a77c19a07df2f };
static const uint64_t bn_r2[4] = {
    0xf32cfc5b538afa89, 0xb5e71911d44501fb, 0x47ab1eff0a417ff6, 0x06d89f71cab8351f };
/* 3 */
static const uint64_t bn_b[4] = {
    0x7a17caa950ad28d7, 0x1f6ac17ae15521b9, 0x334bea4e696bd284, 0x2a1f6744ce179d8e };
/* 3 / (9 + i) */
static const uint64_t bn_twist_b[2][4] = {
    { 0x3bf938e377b802a8, 0x020b1b273633535d, 0x26b7edf049755260, 0x2514c6324384a86d },
    { 0x38e7ecccd1dcff67, 0x65f0b37d93ce0d3e, 0xd749d0dd22ac00aa, 0x0141b9ce4a688d4d } };
/* (9 + i)^(k (p-1)/6) */
static const uint64_t bn_frobenius[6][2][4] = {
    { { 0xd35d438dc58f0d9d, 0x0a78eb28f5c70b3d, 0x666ea36f7879462c, 0x0e0a77c19a07df2f },
      { 0x0000000000000000, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000 } },
    { { 0xaf9ba69633144907, 0xca6b1d7387afb78a, 0x11bded5ef08a2087, 0x02f34d751a1f3a7c },
      { 0xa222ae234c492d72, 0xd00f02a4565de15b, 0xdc2ff3a253dfc926, 0x10a75716b3899551 } },
    { { 0xb5773b104563ab30, 0x347f91c8a9aa6454, 0x7a007127242e0991, 0x1956bcd8118214ec },
      { 0x6e849f1ea0aa4757, 0xaa1c7b6d89f89141, 0xb6e713cdfae0ca3a, 0x26694fbb4e82ebc3 } },
    { { 0xe4bbdd0c2936b629, 0xbb30f162e133bacb, 0x31a9d1b6f9645366, 0x253570bea500f8dd },
      { 0xa1d77ce45ffe77c7, 0x07affd117826d1db, 0x6d16bd27bb7edc6b, 0x2c87200285defecc } },
    { { 0x7361d77f843abe92, 0xa5bb2bd3273411fb, 0x9c941f314b3e2399, 0x15df9cddbb9fd3ec },
      { 0x5dddfd154bd8c949, 0x62cb29a5a4445b60, 0x37bc870a0c7dd2b9, 0x24830a9d3171f0fd } },
    { { 0xc970692f41690fe7, 0xe240342127694b0b, 0x32bee66b83c459e8, 0x12aabced0ab08841 },
      { 0x0d485d2340aebfa9, 0x05193418ab2fcc57, 0xd3b0a40b8a4910f5, 0x2f21ebb535d2925a } },
};
/* The group order, plain. */
static const struct u256 bn_order = { {
    0x43e1f593f0000001, 0x2833e84879b97091, 0xb85045b68181585d, 0x30644e72e131a029 } };
/* A cube root of one, beta, with (beta x, y) = lambda (x, y) on G1, and a short basis (a1, -b1),
 * (b1, b2) of the lattice of all (u, v) with u + v lambda = 0 mod r; then floor(2^256 b2 / r) and
 * floor(2^256 b1 / r). */
static const uint64_t bn_beta[4] = {
    0x3350c88e13e80b9c, 0x7dce557cdb5e56b9, 0x6001b4b8b615564a, 0x2682e617020217e0 };
static const struct u256 glv_a1 = { { 0x8211bbeb7d4f1128, 0x6f4d8248eeb859fc, 0, 0 } };
static const struct u256 glv_b1 = { { 0x89d3256894d213e3, 0, 0, 0 } };
static const struct u256 glv_b2 = { { 0x0be4e1541221250b, 0x6f4d8248eeb859fd, 0, 0 } };
static const struct u256 glv_g1 = { { 0x5398fd0300ff6565, 0x4ccef014a773d2d2, 2, 0 } };
static const struct u256 glv_g2 = { { 0xd91d232ec7e0b3d7, 2, 0, 0 } };
/* 6x + 2 in non-adjacent form, most significant digit first */
static const int8_t bn_loop[66] = {
    1, 0, -1, 0, 1, 0, 0, 0, -1, 0, -1, 0, 0, 0, -1, 0, 1, 0, -1, 0, 0, -1,
    0, 0, 0, 0, 0, 1, 0, 0, -1, 0, 1, 0, 0, -1, 0, 0, 0, 0, -1, 0, 1, 0,
    0, 0, -1, 0, -1, 0, 0, 1, 0, 0, 0, -1, 0, 0, -1, 0, 1, 0, 1, 0, 0, 0 };
/* clang-format on */

#define FP_FULL_WIDTH 0
#include "node/crypto/fp.inc"
#include "node/crypto/fp2.inc"

/* 9x + y, which is below 10p, less the right multiple of p: with `top` its bits from 2^250 on, and p
 * about 12.1 2^250, 21 top / 256 is never above the quotient and less than 1.2 below it. */
static inline void bn_fp_nine_times_plus(struct bn_fp *r, const struct bn_fp *x,
                                         const struct bn_fp *y)
{
    uint64_t t[5], carry = 0, product = 0, borrow = 0;
    for (size_t i = 0; i < 4; i++) {
        uint64_t eight = x->w[i] << 3 | (i ? x->w[i - 1] >> 61 : 0);
        t[i] = u64_add_carry(eight, x->w[i], &carry);
    }
    t[4] = (x->w[3] >> 61) + carry;
    carry = 0;
    for (size_t i = 0; i < 4; i++)
        t[i] = u64_add_carry(t[i], y->w[i], &carry);
    t[4] += carry;
    uint64_t top = t[4] << 6 | t[3] >> 58, quotient = 21 * top >> 8;
    for (size_t i = 0; i < 4; i++)
        t[i] = u64_sub_borrow(t[i], bn_mac(quotient, bn_modulus[i], 0, &product), &borrow);
    bn_fp_reduce_once(r, t, 0);
}

/* x (9 + i) */
static inline void bn_fp2_mul_xi(struct bn_fp2 *r, const struct bn_fp2 *x)
{
    struct bn_fp a, minus_b;
    bn_fp_neg(&minus_b, &x->b);
    bn_fp_nine_times_plus(&a, &x->a, &minus_b);
    bn_fp_nine_times_plus(&r->b, &x->b, &x->a);
    r->a = a;
}

#include "node/crypto/tower.inc"

#define POINT_A_MINUS_3 0
#define G(name)         bn_g1_##name
#define E(name)         bn_fp_##name
#define EL              struct bn_fp
#include "node/crypto/point.inc"
#undef G
#undef E
#undef EL

#define G(name) bn_g2_##name
#define E(name) bn_fp2_##name
#define EL      struct bn_fp2
#include "node/crypto/point.inc"
#undef G
#undef E
#undef EL

#include "node/crypto/line.inc"

/* ---- wire forms ---- */

enum decoded { DECODED_BAD, DECODED_INFINITY, DECODED_POINT };

static enum decoded g1_decode(struct bn_g1_affine *p, const uint8_t in[64])
{
    if (!bn_fp_of_be(&p->x, in) || !bn_fp_of_be(&p->y, in + 32))
        return DECODED_BAD;
    if (bn_fp_is_zero(&p->x) && bn_fp_is_zero(&p->y))
        return DECODED_INFINITY;
    struct bn_fp lhs, rhs, b;
    memcpy(b.w, bn_b, sizeof(b.w));
    bn_fp_sqr(&lhs, &p->y);
    bn_fp_sqr(&rhs, &p->x);
    bn_fp_mul(&rhs, &rhs, &p->x);
    bn_fp_add(&rhs, &rhs, &b);
    return bn_fp_eq(&lhs, &rhs) ? DECODED_POINT : DECODED_BAD;
}

static void g1_encode(uint8_t out[64], const struct bn_g1_point *p)
{
    memset(out, 0, 64);
    if (bn_g1_is_infinity(p))
        return;
    struct bn_g1_affine a;
    bn_g1_to_affine(&a, p);
    bn_fp_to_be(out, &a.x);
    bn_fp_to_be(out + 32, &a.y);
}

static bool g1_decode_point(struct bn_g1_point *p, const uint8_t in[64])
{
    struct bn_g1_affine a;
    switch (g1_decode(&a, in)) {
    case DECODED_BAD:
        return false;
    case DECODED_INFINITY:
        bn_g1_set_infinity(p);
        return true;
    case DECODED_POINT:
        bn_g1_of_affine(p, &a);
        return true;
    }
    return false;
}

static struct bn_fp2 fp2_of_limbs(const uint64_t limbs[2][4])
{
    struct bn_fp2 v;
    memcpy(v.a.w, limbs[0], sizeof(v.a.w));
    memcpy(v.b.w, limbs[1], sizeof(v.b.w));
    return v;
}

/* The p-power Frobenius of the curve carried over to the twist. */
static void g2_frobenius(struct bn_g2_point *r, const struct bn_g2_point *p)
{
    struct bn_fp2 kx = fp2_of_limbs(bn_frobenius[2]), ky = fp2_of_limbs(bn_frobenius[3]);
    bn_fp2_conj(&r->x, &p->x);
    bn_fp2_mul(&r->x, &r->x, &kx);
    bn_fp2_conj(&r->y, &p->y);
    bn_fp2_mul(&r->y, &r->y, &ky);
    bn_fp2_conj(&r->z, &p->z);
}

/* Of order r: exactly the points with (x+1)Q + F(xQ) + F^2(xQ) = F^3(2xQ) for the Frobenius F (El
 * Housni, Guillevic, Piellard, "Co-factor clearing and subgroup membership testing", 2022). In G2,
 * F is multiplication by 6x^2, a root of that polynomial mod r. Elsewhere F^2 - tF + p = 0 leaves
 * only orders that divide the resultant of the two, whose common divisor with the order r(2p - r)
 * of the twist is r. */
static bool g2_in_subgroup(const struct bn_g2_affine *p)
{
    struct bn_g2_point q, xq, sum, f;
    bn_g2_of_affine(&q, p);
    bn_g2_mul_u64(&xq, &q, BN_X);
    bn_g2_add(&sum, &xq, &q);
    g2_frobenius(&f, &xq);
    bn_g2_add(&sum, &sum, &f);
    g2_frobenius(&f, &f);
    bn_g2_add(&sum, &sum, &f);
    g2_frobenius(&f, &f);
    bn_g2_dbl(&f, &f);
    return bn_g2_eq(&sum, &f);
}

static enum decoded g2_decode(struct bn_g2_affine *p, const uint8_t in[128])
{
    if (!bn_fp_of_be(&p->x.b, in) || !bn_fp_of_be(&p->x.a, in + 32) ||
        !bn_fp_of_be(&p->y.b, in + 64) || !bn_fp_of_be(&p->y.a, in + 96))
        return DECODED_BAD;
    if (bn_fp2_is_zero(&p->x) && bn_fp2_is_zero(&p->y))
        return DECODED_INFINITY;
    struct bn_fp2 lhs, rhs, b = fp2_of_limbs(bn_twist_b);
    bn_fp2_sqr(&lhs, &p->y);
    bn_fp2_sqr(&rhs, &p->x);
    bn_fp2_mul(&rhs, &rhs, &p->x);
    bn_fp2_add(&rhs, &rhs, &b);
    return bn_fp2_eq(&lhs, &rhs) && g2_in_subgroup(p) ? DECODED_POINT : DECODED_BAD;
}

/* ---- EIP-196 ---- */

bool bn254_add(uint8_t out[64], const uint8_t in[128])
{
    struct bn_g1_point p, q;
    if (!g1_decode_point(&p, in) || !g1_decode_point(&q, in + 64))
        return false;
    bn_g1_add(&p, &p, &q);
    g1_encode(out, &p);
    return true;
}

/* k = k1 + k2 lambda mod r with k1 and |k2| below 2^128 (Gallant, Lambert, Vanstone 2001): (k, 0)
 * less a lattice point near it. The rounding is downwards, so k1 stays positive; k2 may end a
 * little below zero. */
static void glv_split(struct u256 *k1, struct u256 *k2, bool *k2_negative, const struct u256 *k)
{
    uint64_t wide[8];
    struct u256 q1, q2, t;
    u256_mul_full(wide, k, &glv_g1);
    memcpy(q1.w, wide + 4, sizeof(q1.w));
    u256_mul_full(wide, k, &glv_g2);
    memcpy(q2.w, wide + 4, sizeof(q2.w));
    t = u256_mul(&q1, &glv_a1);
    *k1 = u256_sub(k, &t);
    t = u256_mul(&q2, &glv_b1);
    *k1 = u256_sub(k1, &t);
    *k2 = u256_mul(&q1, &glv_b1);
    t = u256_mul(&q2, &glv_b2);
    *k2 = u256_sub(k2, &t);
    *k2_negative = k2->w[3] >> 63;
    if (*k2_negative) {
        struct u256 zero = U256_ZERO;
        *k2 = u256_sub(&zero, k2);
    }
}

static void g1_mul(struct bn_g1_point *r, const struct bn_g1_point *p, const struct u256 *scalar)
{
    struct u256 k = *scalar, k1, k2;
    while (!u256_lt(&k, &bn_order)) /* at most five times */
        k = u256_sub(&k, &bn_order);
    bool k2_negative;
    glv_split(&k1, &k2, &k2_negative, &k);
    struct bn_fp beta;
    memcpy(beta.w, bn_beta, sizeof(beta.w));
    bn_g1_mul_endomorphism(r, p, &k1, &k2, &beta, k2_negative);
}

bool bn254_mul(uint8_t out[64], const uint8_t in[96])
{
    struct bn_g1_point p;
    if (!g1_decode_point(&p, in))
        return false;
    struct u256 k = u256_of_be32(in + 64);
    g1_mul(&p, &p, &k);
    g1_encode(out, &p);
    return true;
}

/* ---- EIP-197 ---- */

struct miller_pair {
    struct bn_g1_affine p;
    struct bn_g2_affine q;
    struct bn_twist_point t;
};

/* f times (y yP + x xP w + c w^3): with v = w^2 that is y yP + (x xP + c v) w */
static void fp12_mul_line(struct bn_fp12 *f, const struct bn_line *l, const struct bn_g1_affine *p)
{
    struct bn_fp2 c0, c3;
    struct bn_fp6 lo, hi, t;
    bn_fp2_mul_fp(&c0, &l->y, &p->y);
    bn_fp2_mul_fp(&c3, &l->x, &p->x);
    bn_fp6_mul_fp2(&lo, &f->c[0], &c0);
    bn_fp6_mul_01(&hi, &f->c[1], &c3, &l->c);
    bn_fp6_add(&t, &f->c[0], &f->c[1]);
    bn_fp2_add(&c0, &c0, &c3);
    bn_fp6_mul_01(&t, &t, &c0, &l->c);
    bn_fp6_sub(&t, &t, &lo);
    bn_fp6_sub(&f->c[1], &t, &hi);
    bn_fp6_mul_v(&hi, &hi);
    bn_fp6_add(&f->c[0], &lo, &hi);
}

static void miller_add(struct bn_fp12 *f, struct miller_pair *pair, const struct bn_fp2 *qx,
                       const struct bn_fp2 *qy, bool negate)
{
    struct bn_line l;
    struct bn_fp2 y = *qy;
    if (negate)
        bn_fp2_neg(&y, &y);
    bn_line_add(&pair->t, &l, qx, &y);
    fp12_mul_line(f, &l, &pair->p);
}

/* f *= the product of the Miller functions of n pairs; the squarings are shared */
static void miller_loop(struct bn_fp12 *f, struct miller_pair *pairs, size_t n)
{
    struct bn_fp12 acc;
    bn_fp12_set_one(&acc);
    for (size_t k = 0; k < n; k++) {
        pairs[k].t.x = pairs[k].q.x;
        pairs[k].t.y = pairs[k].q.y;
        bn_fp2_set_one(&pairs[k].t.z);
    }
    for (size_t i = 1; i < GH_COUNT(bn_loop); i++) {
        bn_fp12_sqr(&acc, &acc);
        for (size_t k = 0; k < n; k++) {
            struct bn_line l;
            bn_line_double(&pairs[k].t, &l);
            fp12_mul_line(&acc, &l, &pairs[k].p);
            if (bn_loop[i])
                miller_add(&acc, &pairs[k], &pairs[k].q.x, &pairs[k].q.y, bn_loop[i] < 0);
        }
    }
    for (size_t k = 0; k < n; k++) {
        struct bn_g2_point q;
        bn_g2_of_affine(&q, &pairs[k].q);
        g2_frobenius(&q, &q);
        miller_add(&acc, &pairs[k], &q.x, &q.y, false);
        g2_frobenius(&q, &q);
        miller_add(&acc, &pairs[k], &q.x, &q.y, true);
    }
    bn_fp12_mul(f, f, &acc);
}

/* f^(c (p^12 - 1) / r) with c = 2x (6x^2 + 3x + 1), prime to r. The hard part is f^(l0 + l1 p + l2
 * p^2 + l3 p^3) with l2 = 12x^3 + 6x^2 + 6x, l1 = l2 - 2x, l0 = l2 + 6x^2 + 1, l3 = l1 - 1
 * (Fuentes-Castaneda, Knapp, Rodriguez-Henriquez, "Faster hashing to G2", 2011). */
static void final_exponentiation(struct bn_fp12 *r, const struct bn_fp12 *x)
{
    struct bn_fp12 f, f2x, f6x, f6x2, l1, l2, t;
    bn_fp12_to_cyclotomic(&f, x);
    bn_fp12_cyclotomic_pow(&t, &f, BN_X);
    bn_fp12_cyclotomic_sqr(&f2x, &t);
    bn_fp12_cyclotomic_sqr(&t, &f2x);
    bn_fp12_mul(&f6x, &t, &f2x);
    bn_fp12_cyclotomic_pow(&f6x2, &f6x, BN_X);
    bn_fp12_cyclotomic_sqr(&t, &f6x2);
    bn_fp12_cyclotomic_pow(&t, &t, BN_X); /* 12x^3 */
    bn_fp12_mul(&l2, &t, &f6x2);
    bn_fp12_mul(&l2, &l2, &f6x);
    bn_fp12_conj(&t, &f2x);
    bn_fp12_mul(&l1, &l2, &t);

    bn_fp12_conj(&t, &f);
    bn_fp12_mul(&t, &t, &l1); /* l3 */
    bn_fp12_frobenius(&t, &t);
    bn_fp12_mul(&t, &t, &l2);
    bn_fp12_frobenius(&t, &t);
    bn_fp12_mul(&t, &t, &l1);
    bn_fp12_frobenius(&t, &t);
    bn_fp12_mul(&t, &t, &l2);
    bn_fp12_mul(&t, &t, &f6x2);
    bn_fp12_mul(r, &t, &f);
}

int bn254_pairing(const uint8_t *in, size_t pair_cnt)
{
    struct miller_pair batch[8];
    size_t n = 0;
    struct bn_fp12 f;
    bn_fp12_set_one(&f);
    for (size_t i = 0; i < pair_cnt; i++) {
        enum decoded p = g1_decode(&batch[n].p, in + 192 * i);
        enum decoded q = g2_decode(&batch[n].q, in + 192 * i + 64);
        if (p == DECODED_BAD || q == DECODED_BAD)
            return -1;
        if (p == DECODED_POINT && q == DECODED_POINT)
            n++;
        if (n == GH_COUNT(batch) || (i + 1 == pair_cnt && n)) {
            miller_loop(&f, batch, n);
            n = 0;
        }
    }
    final_exponentiation(&f, &f);
    return bn_fp12_is_one(&f);
}
