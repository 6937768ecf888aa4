/* node/crypto/bls12_381_eip2537.c
 *
 * The operations of EIP-2537 in its wire form: field elements of 64 bytes, big-endian, the first 16
 * zero; elements of the extension real part first; infinity all zeros. */
#include "node/crypto/bls12_381.h"
#include "node/crypto/bls12_381_field.inc"
#include "node/crypto/bls12_381_map.inc"

#define FP_WIRE_LEN  64
#define FP2_WIRE_LEN 128
#define FP_PADDING   16

typedef uint64_t fp_limbs[6];
typedef uint64_t fp2_limbs[2][6];

/* ---- field elements ---- */

static bool b12_fp_read_wire(struct b12_fp *r, const uint8_t *in)
{
    for (size_t i = 0; i < FP_PADDING; i++) {
        if (in[i])
            return false;
    }
    return b12_fp_of_be(r, in + FP_PADDING);
}

static void b12_fp_write_wire(uint8_t *out, const struct b12_fp *x)
{
    memset(out, 0, FP_PADDING);
    b12_fp_to_be(out + FP_PADDING, x);
}

static bool b12_fp2_read_wire(struct b12_fp2 *r, const uint8_t *in)
{
    return b12_fp_read_wire(&r->a, in) && b12_fp_read_wire(&r->b, in + FP_WIRE_LEN);
}

static void b12_fp2_write_wire(uint8_t *out, const struct b12_fp2 *x)
{
    b12_fp_write_wire(out, &x->a);
    b12_fp_write_wire(out + FP_WIRE_LEN, &x->b);
}

static void b12_fp_of_limbs(struct b12_fp *r, const fp_limbs *limbs)
{
    *r = fp_of_limbs(*limbs);
}

static void b12_fp2_of_limbs(struct b12_fp2 *r, const fp2_limbs *limbs)
{
    r->a = fp_of_limbs((*limbs)[0]);
    r->b = fp_of_limbs((*limbs)[1]);
}

static unsigned b12_fp_sgn0(const struct b12_fp *x)
{
    fp_limbs plain;
    b12_fp_to_plain(plain, x);
    return plain[0] & 1;
}

static unsigned b12_fp2_sgn0(const struct b12_fp2 *x)
{
    return b12_fp_is_zero(&x->a) ? b12_fp_sgn0(&x->b) : b12_fp_sgn0(&x->a);
}

/* p = 3 mod 4; false: not a square */
static bool b12_fp_sqrt(struct b12_fp *r, const struct b12_fp *x)
{
    struct b12_fp root, check;
    b12_fp_pow(&root, x, b12_sqrt_exponent, 6);
    b12_fp_sqr(&check, &root);
    bool ok = b12_fp_eq(&check, x);
    *r = root;
    return ok;
}

/* a + bi is a square exactly when its norm is one in Fp. With s = sqrt(a^2 + b^2) the root is
 * c + b/(2c) i for c^2 = (a + s)/2 or (a - s)/2, of which one is a square. As -1 is no square, a
 * real number has a real or an imaginary root. */
static bool b12_fp2_sqrt(struct b12_fp2 *r, const struct b12_fp2 *x)
{
    struct b12_fp s, t;
    struct b12_fp2 in = *x;
    if (b12_fp_is_zero(&in.b)) {
        b12_fp2_set_zero(r);
        if (b12_fp_sqrt(&r->a, &in.a))
            return true;
        b12_fp_set_zero(&r->a);
        b12_fp_neg(&t, &in.a);
        return b12_fp_sqrt(&r->b, &t);
    }
    b12_fp_mul_add(&s, &in.a, &in.a, &in.b, &in.b);
    if (!b12_fp_sqrt(&s, &s))
        return false;
    b12_fp_add(&t, &in.a, &s);
    b12_fp_halve(&t, &t);
    if (!b12_fp_sqrt(&r->a, &t)) {
        b12_fp_sub(&t, &in.a, &s);
        b12_fp_halve(&t, &t);
        CHECK(b12_fp_sqrt(&r->a, &t));
    }
    b12_fp_dbl(&t, &r->a);
    b12_fp_inv(&t, &t);
    b12_fp_mul(&r->b, &in.b, &t);
    return true;
}

/* ---- G1 ---- */

static void b12_g1_b(struct b12_fp *r)
{
    *r = fp_of_limbs(b12_b);
}

static void b12_g1_beta(struct b12_fp *r)
{
    *r = fp_of_limbs(b12_beta);
}

static bool b12_g1_in_subgroup(const struct b12_g1_point *p)
{
    return g1_in_subgroup(p);
}

#define G(name)       b12_g1_##name
#define E(name)       b12_fp_##name
#define EL            struct b12_fp
#define ELEMENT_LEN   FP_WIRE_LEN
#define ELEMENT_LIMBS fp_limbs
#include "node/crypto/bls12_381_group.inc"
#undef G
#undef E
#undef EL
#undef ELEMENT_LEN
#undef ELEMENT_LIMBS

/* ---- G2 ---- */

#define G(name) b12_g2_##name
#define E(name) b12_fp2_##name
#define EL      struct b12_fp2
#include "node/crypto/point.inc"

/* The Frobenius endomorphism, by way of the curve over Fp12 */
static void b12_g2_psi(struct b12_g2_point *r, const struct b12_g2_point *p)
{
    struct b12_fp2 c;
    b12_fp2_conj(&r->x, &p->x);
    b12_fp2_conj(&r->y, &p->y);
    b12_fp2_conj(&r->z, &p->z);
    b12_fp2_of_limbs(&c, &g2_psi[0]);
    b12_fp2_mul(&r->x, &r->x, &c);
    b12_fp2_of_limbs(&c, &g2_psi[1]);
    b12_fp2_mul(&r->y, &r->y, &c);
}

/* u p */
static void b12_g2_mul_u(struct b12_g2_point *r, const struct b12_g2_point *p)
{
    b12_g2_mul_u64(r, p, BLS_U_ABS);
    b12_g2_neg(r, r);
}

/* Exactly the points with psi(P) = uP (Scott, "A note on group membership tests for G1, G2 and GT on
 * BLS pairing-friendly curves", 2021). */
static bool b12_g2_in_subgroup(const struct b12_g2_point *p)
{
    struct b12_g2_point image, multiple;
    b12_g2_psi(&image, p);
    b12_g2_mul_u(&multiple, p);
    return b12_g2_eq(&image, &multiple);
}

static void b12_g2_b(struct b12_fp2 *r)
{
    b12_fp2_of_limbs(r, &b12_twist_b);
}

/* psi^2 (x, y) = (c0 conj(c0) x, c1 conj(c1) y), and the norm of c1 is -1 as 2 is no square. */
static void b12_g2_beta(struct b12_fp2 *r)
{
    struct b12_fp2 c, conj;
    b12_fp2_of_limbs(&c, &g2_psi[0]);
    b12_fp2_conj(&conj, &c);
    b12_fp2_mul(r, &c, &conj);
}

#define ELEMENT_LEN   FP2_WIRE_LEN
#define ELEMENT_LIMBS fp2_limbs
#include "node/crypto/bls12_381_group.inc"
#undef G
#undef E
#undef EL

/* (u^2 - u - 1) P + (u - 1) psi(P) + psi^2(2P) (RFC 9380, G.3) */
static void g2_clear_cofactor(struct b12_g2_point *r, const struct b12_g2_point *p)
{
    struct b12_g2_point up, image, t;
    b12_g2_mul_u(&up, p);
    b12_g2_psi(&image, p);
    b12_g2_add(&t, &up, &image);
    b12_g2_mul_u(&t, &t); /* u^2 P + u psi(P) */
    b12_g2_neg(&image, &image);
    b12_g2_add(&t, &t, &image);
    b12_g2_neg(&up, &up);
    b12_g2_add(&t, &t, &up);
    b12_g2_neg(&image, p);
    b12_g2_add(&t, &t, &image);
    b12_g2_dbl(&image, p);
    b12_g2_psi(&image, &image);
    b12_g2_psi(&image, &image);
    b12_g2_add(r, &t, &image);
}

/* ---- the operations ---- */

bool bls12_381_eip2537_g1_add(uint8_t out[128], const uint8_t in[256])
{
    return b12_g1_wire_add(out, in);
}

bool bls12_381_eip2537_g2_add(uint8_t out[256], const uint8_t in[512])
{
    return b12_g2_wire_add(out, in);
}

int bls12_381_eip2537_g1_msm(uint8_t out[128], const uint8_t *in, size_t n, struct arena *scratch)
{
    return b12_g1_wire_msm(out, in, n, scratch);
}

int bls12_381_eip2537_g2_msm(uint8_t out[256], const uint8_t *in, size_t n, struct arena *scratch)
{
    return b12_g2_wire_msm(out, in, n, scratch);
}

bool bls12_381_eip2537_map_g1(uint8_t out[128], const uint8_t in[64])
{
    struct b12_fp u, x, y, xn, xd, yn, yd;
    struct b12_g1_point p, multiple;
    if (!b12_fp_read_wire(&u, in))
        return false;
    b12_g1_sswu(&x, &y, &u, g1_sswu);
    b12_g1_poly(&xn, g1_iso_x_num, GH_COUNT(g1_iso_x_num), &x);
    b12_g1_poly(&xd, g1_iso_x_den, GH_COUNT(g1_iso_x_den), &x);
    b12_g1_poly(&yn, g1_iso_y_num, GH_COUNT(g1_iso_y_num), &x);
    b12_g1_poly(&yd, g1_iso_y_den, GH_COUNT(g1_iso_y_den), &x);
    b12_g1_of_fractions(&p, &xn, &xd, &y, &yn, &yd);
    b12_g1_mul_u64(&multiple, &p, BLS_U_ABS); /* (1 - u) P is of order r */
    b12_g1_add(&p, &p, &multiple);
    b12_g1_write_wire(out, &p);
    return true;
}

bool bls12_381_eip2537_map_g2(uint8_t out[256], const uint8_t in[128])
{
    struct b12_fp2 u, x, y, xn, xd, yn, yd;
    struct b12_g2_point p;
    if (!b12_fp2_read_wire(&u, in))
        return false;
    b12_g2_sswu(&x, &y, &u, g2_sswu);
    b12_g2_poly(&xn, g2_iso_x_num, GH_COUNT(g2_iso_x_num), &x);
    b12_g2_poly(&xd, g2_iso_x_den, GH_COUNT(g2_iso_x_den), &x);
    b12_g2_poly(&yn, g2_iso_y_num, GH_COUNT(g2_iso_y_num), &x);
    b12_g2_poly(&yd, g2_iso_y_den, GH_COUNT(g2_iso_y_den), &x);
    b12_g2_of_fractions(&p, &xn, &xd, &y, &yn, &yd);
    g2_clear_cofactor(&p, &p);
    b12_g2_write_wire(out, &p);
    return true;
}

/* A pair with infinity in it counts as one and is left out. false: a point is invalid. */
static bool read_pair(struct bls12_381_g1 *g1, struct bls12_381_g2 *g2, bool *counts,
                      const uint8_t *in)
{
    struct b12_g1_point p;
    struct b12_g2_point q;
    const uint8_t *in2 = in + 2 * FP_WIRE_LEN;
    if (!b12_g1_read_wire(&p, in) || !b12_g1_in_subgroup(&p) || !b12_g2_read_wire(&q, in2) ||
        !b12_g2_in_subgroup(&q))
        return false;
    *counts = !b12_g1_is_infinity(&p) && !b12_g2_is_infinity(&q);
    memcpy(g1->w, &p, sizeof(g1->w));
    memcpy(g2->x_re, in2 + FP_PADDING, 48);
    memcpy(g2->x_im, in2 + FP_WIRE_LEN + FP_PADDING, 48);
    memcpy(g2->y_re, in2 + FP2_WIRE_LEN + FP_PADDING, 48);
    memcpy(g2->y_im, in2 + FP2_WIRE_LEN + FP_WIRE_LEN + FP_PADDING, 48);
    return true;
}

int bls12_381_eip2537_pairing(const uint8_t *in, size_t pair_cnt)
{
    struct bls12_381_product product;
    struct bls12_381_g1 g1[BLS12_381_PAIRS_MAX];
    struct bls12_381_g2 g2[BLS12_381_PAIRS_MAX];
    const struct bls12_381_g2 *g2_of[BLS12_381_PAIRS_MAX];
    size_t n = 0;
    bls12_381_product_begin(&product);
    for (size_t i = 0; i < pair_cnt; i++) {
        bool counts;
        if (!read_pair(&g1[n], &g2[n], &counts, in + 384 * i))
            return -1;
        g2_of[n] = &g2[n];
        n += counts;
        if (n == BLS12_381_PAIRS_MAX) {
            bls12_381_product_multiply(&product, g1, g2_of, n);
            n = 0;
        }
    }
    bls12_381_product_multiply(&product, g1, g2_of, n);
    return bls12_381_product_is_one(&product);
}
