/* node/crypto/secp256k1_portable.c
 *
 * Public key recovery over secp256k1 (SEC 1 §4.1.6), y^2 = x^3 + 7. */
#include "node/base/hash.h"
#include "node/crypto/portable.h"
#include "node/crypto/wnaf.h"

/* Field elements in Montgomery form, limbs least significant first. */
/* clang-format off */
#define FP_LIMBS      4
#define FP_FULL_WIDTH 1

#define T(name) k1_##name
static const uint64_t k1_modulus[4] = {
    0xfffffffefffffc2f, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff };
static const uint64_t k1_neg_inv = 0xd838091dd2253531;
static const uint64_t k1_r1[4] = { 0x00000001000003d1, 0, 0, 0 };
static const uint64_t k1_r2[4] = { 0x000007a2000e90a1, 1, 0, 0 };
#include "node/crypto/fp.inc"
#undef T

/* the group order */
#define T(name) k1n_##name
static const uint64_t k1n_modulus[4] = {
    0xbfd25e8cd0364141, 0xbaaedce6af48a03b, 0xfffffffffffffffe, 0xffffffffffffffff };
static const uint64_t k1n_neg_inv = 0x4b0dff665588b13f;
static const uint64_t k1n_r1[4] = { 0x402da1732fc9bebf, 0x4551231950b75fc4, 1, 0 };
static const uint64_t k1n_r2[4] = {
    0x896cf21467d7d140, 0x741496c20e7cf878, 0xe697f5e45bcd07c6, 0x9d671cd581c69bc5 };
#include "node/crypto/fp.inc"
#undef T

static const uint64_t k1_b[4] = { 0x0000000700001ab7, 0, 0, 0 };
static const uint64_t k1_gx[4] = {
    0xd7362e5a487e2097, 0x231e295329bc66db, 0x979f48c033fd129c, 0x9981e643e9089f48 };
static const uint64_t k1_gy[4] = {
    0xb15ea6d2d3dbabe2, 0x8dfc5d5d1f1dc64d, 0x70b6b59aac19c136, 0xcf3f851fd4a582d6 };
/* plain: (p + 1) / 4, the exponent of a square root */
static const uint64_t sqrt_exponent[4] = {
    0xffffffffbfffff0c, 0xffffffffffffffff, 0xffffffffffffffff, 0x3fffffffffffffff };
/* clang-format on */

#define G(name)         k1_group_##name
#define E(name)         k1_fp_##name
#define EL              struct k1_fp
#define POINT_A_MINUS_3 0
#include "node/crypto/point.inc"
#define T(name) k1_##name
#define N(name) k1n_##name
#include "node/crypto/ecdsa.inc"

/* The point with this x and parity of y; false when there is none. */
static bool point_of_x(struct k1_group_point *p, const uint8_t x[32], unsigned y_parity)
{
    struct k1_fp y2, check, b;
    memcpy(b.w, k1_b, sizeof(b.w));
    if (!k1_fp_of_be(&p->x, x))
        return false;
    k1_fp_sqr(&y2, &p->x);
    k1_fp_mul(&y2, &y2, &p->x);
    k1_fp_add(&y2, &y2, &b);
    k1_fp_pow(&p->y, &y2, sqrt_exponent, 4);
    k1_fp_sqr(&check, &p->y);
    if (!k1_fp_eq(&check, &y2))
        return false;
    uint64_t plain[4];
    k1_fp_to_plain(plain, &p->y);
    if ((plain[0] & 1) != y_parity)
        k1_fp_neg(&p->y, &p->y);
    k1_fp_set_one(&p->z);
    return true;
}

/* Q = (s R - hash G) / r */
bool secp256k1_ecrecover_portable(struct addr *out, const struct b256 *hash, const uint8_t rs[64],
                                  unsigned recid)
{
    struct k1n_fp r, s, z;
    struct k1_group_point q;
    if (recid > 1 || !k1n_decode_nonzero(&r, rs) || !k1n_decode_nonzero(&s, rs + 32) ||
        !point_of_x(&q, rs, recid))
        return false;
    struct u256 z_plain = k1n_reduce(hash->b);
    uint8_t z_bytes[32];
    u256_to_be32(z_bytes, &z_plain);
    CHECK(k1n_fp_of_be(&z, z_bytes));
    k1n_fp_neg(&z, &z);
    k1n_fp_inv(&r, &r);
    struct u256 u1 = k1n_product(&z, &r), u2 = k1n_product(&s, &r);
    k1_group_mul_generator_and(&q, &u1, &q, &u2);
    if (k1_group_is_infinity(&q))
        return false;
    struct k1_group_affine a;
    uint8_t key[64];
    k1_group_to_affine(&a, &q);
    k1_fp_to_be(key, &a.x);
    k1_fp_to_be(key + 32, &a.y);
    struct b256 digest = keccak256(key, sizeof(key));
    *out = b256_low_addr(&digest);
    return true;
}
