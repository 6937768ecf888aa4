/* node/crypto/bls12_381.c
 *
 * BLS12-381. With u = -0xd201000000010000:
 *   r = u^4 - u^2 + 1 (the group order), p = (u - 1)^2 r / 3 + u (the field), y^2 = x^3 + 4,
 *   xi = 1 + i, and the M-type twist y^2 = x^3 + 4 xi, to the curve by (x, y) -> (x/w^2, y/w^3).
 * The pairing is the optimal ate pairing, a Miller loop over |u|. */
#include "node/crypto/bls12_381.h"

#include "node/crypto/bls12_381_field.inc"

/* ---- constants ---- */
/* clang-format off */
/* Plain: (p - 1) / 2, the largest y that is not "large". */
static const uint64_t b12_half[6] = {
    0xdcff7fffffffd555, 0x0f55ffff58a9ffff, 0xb39869507b587b12,
    0xb23ba5c279c2895f, 0x258dd3db21a5d66b, 0x0d0088f51cbff34d };
/* (1 + i)^(k (p-1)/6) */
static const uint64_t b12_frobenius[6][2][6] = {
    { { 0x760900000002fffd, 0xebf4000bc40c0002, 0x5f48985753c758ba,
        0x77ce585370525745, 0x5c071a97a256ec6d, 0x15f65ec3fa80e493 },
      { 0x0000000000000000, 0x0000000000000000, 0x0000000000000000,
        0x0000000000000000, 0x0000000000000000, 0x0000000000000000 } },
    { { 0x07089552b319d465, 0xc6695f92b50a8313, 0x97e83cccd117228f,
        0xa35baecab2dc29ee, 0x1ce393ea5daace4d, 0x08f2220fb0fb66eb },
      { 0xb2f66aad4ce5d646, 0x5842a06bfc497cec, 0xcf4895d42599d394,
        0xc11b9cba40a8e8d0, 0x2e3813cbe5a0de89, 0x110eefda88847faf } },
    { { 0x0000000000000000, 0x0000000000000000, 0x0000000000000000,
        0x0000000000000000, 0x0000000000000000, 0x0000000000000000 },
      { 0xcd03c9e48671f071, 0x5dab22461fcda5d2, 0x587042afd3851b95,
        0x8eb60ebe01bacb9e, 0x03f97d6e83d050d2, 0x18f0206554638741 } },
    { { 0x7bcfa7a25aa30fda, 0xdc17dec12a927e7c, 0x2f088dd86b4ebef1,
        0xd1ca2087da74d4a7, 0x2da2596696cebc1d, 0x0e2b7eedbbfd87d2 },
      { 0x7bcfa7a25aa30fda, 0xdc17dec12a927e7c, 0x2f088dd86b4ebef1,
        0xd1ca2087da74d4a7, 0x2da2596696cebc1d, 0x0e2b7eedbbfd87d2 } },
    { { 0x890dc9e4867545c3, 0x2af322533285a5d5, 0x50880866309b7e2c,
        0xa20d1b8c7e881024, 0x14e4f04fe2db9068, 0x14e56d3f1564853a },
      { 0x0000000000000000, 0x0000000000000000, 0x0000000000000000,
        0x0000000000000000, 0x0000000000000000, 0x0000000000000000 } },
    { { 0x82d83cf50dbce43f, 0xa2813e53df9d018f, 0xc6f0caa53c65e181,
        0x7525cf528d50fe95, 0x4a85ed50f4798a6b, 0x171da0fd6cf8eebd },
      { 0x3726c30af242c66c, 0x7c2ac1aad1b6fe70, 0xa04007fbba4b14a2,
        0xef517c3266341429, 0x0095ba654ed2226b, 0x02e370eccc86f7dd } },
};
/* The order and the generators of the standard: limbs of r; G1 in inner form; G2 big-endian. */
const struct u256 bls12_381_order = { {
    0xffffffff00000001, 0x53bda402fffe5bfe, 0x3339d80809a1d805, 0x73eda753299d7d48 } };
const struct bls12_381_g1 bls12_381_g1_generator = { {
    0x5cb38790fd530c16, 0x7817fc679976fff5, 0x154f95c7143ba1c1,
    0xf0ae6acdf3d0e747, 0xedce6ecc21dbf440, 0x120177419e0bfb75,
    0xbaac93d50ce72271, 0x8c22631a7918fd8e, 0xdd595f13570725ce,
    0x51ac582950405194, 0x0e1c8c3fad0059c0, 0x0bbc3efc5008a26a,
    0x760900000002fffd, 0xebf4000bc40c0002, 0x5f48985753c758ba,
    0x77ce585370525745, 0x5c071a97a256ec6d, 0x15f65ec3fa80e493,
} };
const struct bls12_381_g2 bls12_381_g2_generator = {
    .x_im = {
        0x13, 0xe0, 0x2b, 0x60, 0x52, 0x71, 0x9f, 0x60, 0x7d, 0xac, 0xd3, 0xa0,
        0x88, 0x27, 0x4f, 0x65, 0x59, 0x6b, 0xd0, 0xd0, 0x99, 0x20, 0xb6, 0x1a,
        0xb5, 0xda, 0x61, 0xbb, 0xdc, 0x7f, 0x50, 0x49, 0x33, 0x4c, 0xf1, 0x12,
        0x13, 0x94, 0x5d, 0x57, 0xe5, 0xac, 0x7d, 0x05, 0x5d, 0x04, 0x2b, 0x7e,
    },
    .x_re = {
        0x02, 0x4a, 0xa2, 0xb2, 0xf0, 0x8f, 0x0a, 0x91, 0x26, 0x08, 0x05, 0x27,
        0x2d, 0xc5, 0x10, 0x51, 0xc6, 0xe4, 0x7a, 0xd4, 0xfa, 0x40, 0x3b, 0x02,
        0xb4, 0x51, 0x0b, 0x64, 0x7a, 0xe3, 0xd1, 0x77, 0x0b, 0xac, 0x03, 0x26,
        0xa8, 0x05, 0xbb, 0xef, 0xd4, 0x80, 0x56, 0xc8, 0xc1, 0x21, 0xbd, 0xb8,
    },
    .y_im = {
        0x06, 0x06, 0xc4, 0xa0, 0x2e, 0xa7, 0x34, 0xcc, 0x32, 0xac, 0xd2, 0xb0,
        0x2b, 0xc2, 0x8b, 0x99, 0xcb, 0x3e, 0x28, 0x7e, 0x85, 0xa7, 0x63, 0xaf,
        0x26, 0x74, 0x92, 0xab, 0x57, 0x2e, 0x99, 0xab, 0x3f, 0x37, 0x0d, 0x27,
        0x5c, 0xec, 0x1d, 0xa1, 0xaa, 0xa9, 0x07, 0x5f, 0xf0, 0x5f, 0x79, 0xbe,
    },
    .y_re = {
        0x0c, 0xe5, 0xd5, 0x27, 0x72, 0x7d, 0x6e, 0x11, 0x8c, 0xc9, 0xcd, 0xc6,
        0xda, 0x2e, 0x35, 0x1a, 0xad, 0xfd, 0x9b, 0xaa, 0x8c, 0xbd, 0xd3, 0xa7,
        0x6d, 0x42, 0x9a, 0x69, 0x51, 0x60, 0xd1, 0x2c, 0x92, 0x3a, 0xc9, 0xcc,
        0x3b, 0xac, 0xa2, 0x89, 0xe1, 0x93, 0x54, 0x86, 0x08, 0xb8, 0x28, 0x01,
    },
};
/* clang-format on */

/* x (1 + i) */
static inline void b12_fp2_mul_xi(struct b12_fp2 *r, const struct b12_fp2 *x)
{
    struct b12_fp a;
    b12_fp_sub(&a, &x->a, &x->b);
    b12_fp_add(&r->b, &x->b, &x->a);
    r->a = a;
}

#include "node/crypto/tower.inc"

#include "node/crypto/line.inc"

/* ---- G1 ---- */

_Static_assert(sizeof(struct bls12_381_g1) == sizeof(struct b12_g1_point), "one is the other");

static struct b12_g1_point g1_of_public(const struct bls12_381_g1 *p)
{
    struct b12_g1_point r;
    memcpy(&r, p->w, sizeof(r));
    return r;
}

static void g1_to_public(struct bls12_381_g1 *r, const struct b12_g1_point *p)
{
    memcpy(r->w, p, sizeof(r->w));
}

/* y > (p - 1) / 2 */
static bool fp_is_large(const struct b12_fp *y)
{
    uint64_t plain[6], borrow = 0;
    b12_fp_to_plain(plain, y);
    for (size_t i = 0; i < 6; i++)
        (void)u64_sub_borrow(b12_half[i], plain[i], &borrow);
    return borrow != 0;
}

#define FLAG_COMPRESSED 0x80u
#define FLAG_INFINITY   0x40u
#define FLAG_LARGE_Y    0x20u

bool bls12_381_g1_decompress(struct bls12_381_g1 *out, const uint8_t in[48])
{
    uint8_t x_bytes[48];
    memcpy(x_bytes, in, sizeof(x_bytes));
    x_bytes[0] &= 0x1f;
    struct b12_g1_point p;
    if (!(in[0] & FLAG_COMPRESSED) || !b12_fp_of_be(&p.x, x_bytes))
        return false;
    if (in[0] & FLAG_INFINITY) {
        if (in[0] & FLAG_LARGE_Y || !b12_fp_is_zero(&p.x))
            return false;
        b12_g1_set_infinity(&p);
        g1_to_public(out, &p);
        return true;
    }
    struct b12_fp y2, check, b = fp_of_limbs(b12_b);
    b12_fp_sqr(&y2, &p.x);
    b12_fp_mul(&y2, &y2, &p.x);
    b12_fp_add(&y2, &y2, &b);
    b12_fp_pow(&p.y, &y2, b12_sqrt_exponent, 6);
    b12_fp_sqr(&check, &p.y);
    if (!b12_fp_eq(&check, &y2))
        return false;
    if (fp_is_large(&p.y) != ((in[0] & FLAG_LARGE_Y) != 0))
        b12_fp_neg(&p.y, &p.y);
    b12_fp_set_one(&p.z);
    if (!g1_in_subgroup(&p))
        return false;
    g1_to_public(out, &p);
    return true;
}

void bls12_381_g1_compress(uint8_t out[48], const struct bls12_381_g1 *point)
{
    struct b12_g1_point p = g1_of_public(point);
    if (b12_g1_is_infinity(&p)) {
        memset(out, 0, 48);
        out[0] = FLAG_COMPRESSED | FLAG_INFINITY;
        return;
    }
    struct b12_g1_affine a;
    b12_g1_to_affine(&a, &p);
    b12_fp_to_be(out, &a.x);
    out[0] |= FLAG_COMPRESSED;
    if (fp_is_large(&a.y))
        out[0] |= FLAG_LARGE_Y;
}

void bls12_381_g1_add(struct bls12_381_g1 *r, const struct bls12_381_g1 *p,
                      const struct bls12_381_g1 *q)
{
    struct b12_g1_point a = g1_of_public(p), b = g1_of_public(q);
    b12_g1_add(&a, &a, &b);
    g1_to_public(r, &a);
}

void bls12_381_g1_neg(struct bls12_381_g1 *r, const struct bls12_381_g1 *p)
{
    struct b12_g1_point a = g1_of_public(p);
    b12_g1_neg(&a, &a);
    g1_to_public(r, &a);
}

/* k = k1 + k2 u^2, and u^2 P = -phi(P) */
void bls12_381_g1_mul(struct bls12_381_g1 *r, const struct bls12_381_g1 *p, const struct u256 *k)
{
    CHECK(u256_lt(k, &bls12_381_order));
    struct u256 k1, k2;
    u256_divmod(&k2, &k1, k, &u_squared);
    struct b12_g1_point a = g1_of_public(p);
    struct b12_fp beta = fp_of_limbs(b12_beta);
    b12_g1_mul_endomorphism(&a, &a, &k1, &k2, &beta, true);
    g1_to_public(r, &a);
}

/* ---- the pairing ---- */

struct miller_pair {
    struct b12_g1_affine p;
    struct b12_fp2 qx, qy;
    struct b12_twist_point t;
};

/* f times (c + x xP w^2 + y yP w^3): with v = w^2 that is c + x xP v + (y yP v) w */
static void fp12_mul_line(struct b12_fp12 *f, const struct b12_line *l,
                          const struct b12_g1_affine *p)
{
    struct b12_fp2 c1, c4;
    struct b12_fp6 lo, hi, t;
    b12_fp2_mul_fp(&c1, &l->x, &p->x);
    b12_fp2_mul_fp(&c4, &l->y, &p->y);
    b12_fp6_mul_01(&lo, &f->c[0], &l->c, &c1);
    b12_fp6_mul_1(&hi, &f->c[1], &c4);
    b12_fp6_add(&t, &f->c[0], &f->c[1]);
    b12_fp2_add(&c1, &c1, &c4);
    b12_fp6_mul_01(&t, &t, &l->c, &c1);
    b12_fp6_sub(&t, &t, &lo);
    b12_fp6_sub(&f->c[1], &t, &hi);
    b12_fp6_mul_v(&hi, &hi);
    b12_fp6_add(&f->c[0], &lo, &hi);
}

/* The squarings are shared between the pairs. u is negative: the function is inverted at the end,
 * which up to the final exponentiation is a conjugation. */
static void miller_loop(struct b12_fp12 *f, struct miller_pair *pairs, size_t n)
{
    b12_fp12_set_one(f);
    for (size_t k = 0; k < n; k++) {
        pairs[k].t.x = pairs[k].qx;
        pairs[k].t.y = pairs[k].qy;
        b12_fp2_set_one(&pairs[k].t.z);
    }
    for (int bit = 62; bit >= 0; bit--) {
        b12_fp12_sqr(f, f);
        for (size_t k = 0; k < n; k++) {
            struct b12_line l;
            b12_line_double(&pairs[k].t, &l);
            fp12_mul_line(f, &l, &pairs[k].p);
            if (BLS_U_ABS >> bit & 1) {
                b12_line_add(&pairs[k].t, &l, &pairs[k].qx, &pairs[k].qy);
                fp12_mul_line(f, &l, &pairs[k].p);
            }
        }
    }
    b12_fp12_conj(f, f);
}

/* x^u in the cyclotomic subgroup */
static void fp12_pow_u(struct b12_fp12 *r, const struct b12_fp12 *x)
{
    b12_fp12_cyclotomic_pow(r, x, BLS_U_ABS);
    b12_fp12_conj(r, r);
}

/* x^(u-1) */
static void fp12_pow_u_less_one(struct b12_fp12 *r, const struct b12_fp12 *x)
{
    struct b12_fp12 inv;
    b12_fp12_conj(&inv, x);
    fp12_pow_u(r, x);
    b12_fp12_mul(r, r, &inv);
}

/* f^(3 (p^12 - 1) / r): the hard part is (u-1)^2 (u+p) (u^2+p^2-1) + 3 (Hayashida, Hayasaka,
 * Teruya, "Efficient final exponentiation via cyclotomic structure", 2020). */
static void final_exponentiation(struct b12_fp12 *r, const struct b12_fp12 *x)
{
    struct b12_fp12 f, a, b, t;
    b12_fp12_to_cyclotomic(&f, x);
    fp12_pow_u_less_one(&a, &f);
    fp12_pow_u_less_one(&a, &a);
    fp12_pow_u(&t, &a);
    b12_fp12_frobenius(&a, &a);
    b12_fp12_mul(&a, &a, &t);

    fp12_pow_u(&t, &a);
    fp12_pow_u(&t, &t);
    b12_fp12_frobenius(&b, &a);
    b12_fp12_frobenius(&b, &b);
    b12_fp12_mul(&b, &b, &t);
    b12_fp12_conj(&t, &a);
    b12_fp12_mul(&b, &b, &t);

    b12_fp12_cyclotomic_sqr(&t, &f);
    b12_fp12_mul(&t, &t, &f);
    b12_fp12_mul(r, &b, &t);
}

static void g2_load(struct miller_pair *pair, const struct bls12_381_g2 *q)
{
    CHECK(b12_fp_of_be(&pair->qx.a, q->x_re) && b12_fp_of_be(&pair->qx.b, q->x_im) &&
          b12_fp_of_be(&pair->qy.a, q->y_re) && b12_fp_of_be(&pair->qy.b, q->y_im));
}

_Static_assert(sizeof(struct bls12_381_product) == sizeof(struct b12_fp12), "one is the other");

void bls12_381_product_begin(struct bls12_381_product *product)
{
    struct b12_fp12 one;
    b12_fp12_set_one(&one);
    memcpy(product->w, &one, sizeof(one));
}

void bls12_381_product_multiply(struct bls12_381_product *product, const struct bls12_381_g1 *p,
                                const struct bls12_381_g2 *const *q, size_t pair_cnt)
{
    struct miller_pair pairs[BLS12_381_PAIRS_MAX];
    struct b12_fp12 f, all;
    size_t n = 0;
    CHECK(pair_cnt <= BLS12_381_PAIRS_MAX);
    for (size_t i = 0; i < pair_cnt; i++) {
        struct b12_g1_point a = g1_of_public(&p[i]);
        if (b12_g1_is_infinity(&a))
            continue;
        b12_g1_to_affine(&pairs[n].p, &a);
        g2_load(&pairs[n], q[i]);
        n++;
    }
    if (!n)
        return;
    miller_loop(&f, pairs, n);
    memcpy(&all, product->w, sizeof(all));
    b12_fp12_mul(&all, &all, &f);
    memcpy(product->w, &all, sizeof(all));
}

bool bls12_381_product_is_one(const struct bls12_381_product *product)
{
    struct b12_fp12 f;
    memcpy(&f, product->w, sizeof(f));
    final_exponentiation(&f, &f);
    return b12_fp12_is_one(&f);
}

bool bls12_381_pairing_is_one(const struct bls12_381_g1 p[2], const struct bls12_381_g2 *const q[2])
{
    struct bls12_381_product product;
    bls12_381_product_begin(&product);
    bls12_381_product_multiply(&product, p, q, 2);
    return bls12_381_product_is_one(&product);
}
