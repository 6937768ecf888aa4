/* node/crypto/p256_portable.c
 *
 * P256VERIFY (EIP-7951) over secp256r1, y^2 = x^3 - 3x + b. */
#include "node/crypto/portable.h"
#include "node/crypto/wnaf.h"

/* Field elements in Montgomery form, limbs least significant first. */
/* clang-format off */
#define FP_LIMBS      4
#define FP_FULL_WIDTH 1

#define T(name) r1_##name
static const uint64_t r1_modulus[4] = {
    0xffffffffffffffff, 0x00000000ffffffff, 0x0000000000000000, 0xffffffff00000001 };
static const uint64_t r1_neg_inv = 1;
static const uint64_t r1_r1[4] = {
    0x0000000000000001, 0xffffffff00000000, 0xffffffffffffffff, 0x00000000fffffffe };
static const uint64_t r1_r2[4] = {
    0x0000000000000003, 0xfffffffbffffffff, 0xfffffffffffffffe, 0x00000004fffffffd };
#include "node/crypto/fp.inc"
#undef T

/* the group order */
#define T(name) r1n_##name
static const uint64_t r1n_modulus[4] = {
    0xf3b9cac2fc632551, 0xbce6faada7179e84, 0xffffffffffffffff, 0xffffffff00000000 };
static const uint64_t r1n_neg_inv = 0xccd1c8aaee00bc4f;
static const uint64_t r1n_r1[4] = {
    0x0c46353d039cdaaf, 0x4319055258e8617b, 0x0000000000000000, 0x00000000ffffffff };
static const uint64_t r1n_r2[4] = {
    0x83244c95be79eea2, 0x4699799c49bd6fa6, 0x2845b2392b6bec59, 0x66e12d94f3d95620 };
#include "node/crypto/fp.inc"
#undef T

static const uint64_t r1_b[4] = {
    0xd89cdf6229c4bddf, 0xacf005cd78843090, 0xe5a220abf7212ed6, 0xdc30061d04874834 };
static const uint64_t r1_gx[4] = {
    0x79e730d418a9143c, 0x75ba95fc5fedb601, 0x79fb732b77622510, 0x18905f76a53755c6 };
static const uint64_t r1_gy[4] = {
    0xddf25357ce95560a, 0x8b4ab8e4ba19e45c, 0xd2e88688dd21f325, 0x8571ff1825885d85 };
/* clang-format on */

#define G(name)         r1_group_##name
#define E(name)         r1_fp_##name
#define EL              struct r1_fp
#define POINT_A_MINUS_3 1
#include "node/crypto/point.inc"
#define T(name) r1_##name
#define N(name) r1n_##name
#include "node/crypto/ecdsa.inc"

/* false: a coordinate is not below p, or the point is not on the curve; (0, 0), the encoding of
 * infinity, is not. */
static bool decode_point(struct r1_group_point *q, const uint8_t in[64])
{
    struct r1_fp lhs, rhs, t;
    if (!r1_fp_of_be(&q->x, in) || !r1_fp_of_be(&q->y, in + 32))
        return false;
    r1_fp_set_one(&q->z);
    r1_fp_sqr(&rhs, &q->x);
    r1_fp_mul(&rhs, &rhs, &q->x);
    r1_fp_dbl(&t, &q->x);
    r1_fp_add(&t, &t, &q->x);
    r1_fp_sub(&rhs, &rhs, &t);
    memcpy(t.w, r1_b, sizeof(t.w));
    r1_fp_add(&rhs, &rhs, &t);
    r1_fp_sqr(&lhs, &q->y);
    return r1_fp_eq(&lhs, &rhs);
}

bool p256_verify_portable(const uint8_t in[160])
{
    struct r1n_fp r, s, z;
    struct r1_group_point q;
    if (!r1n_decode_nonzero(&r, in + 32) || !r1n_decode_nonzero(&s, in + 64) ||
        !decode_point(&q, in + 96))
        return false;
    struct u256 z_plain = r1n_reduce(in);
    uint8_t bytes[32];
    u256_to_be32(bytes, &z_plain);
    CHECK(r1n_fp_of_be(&z, bytes));
    r1n_fp_inv(&s, &s);
    struct u256 u1 = r1n_product(&z, &s), u2 = r1n_product(&r, &s);
    r1_group_mul_generator_and(&q, &u1, &q, &u2);
    if (r1_group_is_infinity(&q))
        return false;
    struct r1_group_affine a;
    r1_group_to_affine(&a, &q);
    r1_fp_to_be(bytes, &a.x);
    struct u256 x = r1n_reduce(bytes), want = u256_of_be32(in + 32);
    return u256_eq(&x, &want);
}
