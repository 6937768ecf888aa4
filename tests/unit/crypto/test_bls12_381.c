/* tests/unit/crypto/test_bls12_381.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gmp.h>

#include "node/base/hash.h"
#include "node/base/hex.h"
#include "node/crypto/bls12_381.c"
#include "tests/unit/crypto/paths.h"
#include "tests/unit/crypto/random.h"

#define C(name) name
#include "tests/unit/crypto/fp_checks.inc"
#define XI_REAL 1
#include "tests/unit/crypto/tower_checks.inc"

static struct u256 random_scalar(void)
{
    uint8_t raw[32];
    random_bytes(raw, sizeof(raw));
    struct u256 k = u256_of_be32(raw);
    return u256_mod(&k, &bls12_381_order);
}

static bool g1_eq(const struct bls12_381_g1 *p, const struct bls12_381_g1 *q)
{
    uint8_t a[48], b[48];
    bls12_381_g1_compress(a, p);
    bls12_381_g1_compress(b, q);
    return memcmp(a, b, 48) == 0;
}

static struct bls12_381_g1 multiple_of_generator(const struct u256 *k)
{
    struct bls12_381_g1 r;
    bls12_381_g1_mul(&r, &bls12_381_g1_generator, k);
    return r;
}

static void generator_has_its_standard_encoding(void **state)
{
    (void)state;
    uint8_t got[48], want[48];
    assert_true(hex_decode_exact(want, 48,
                                 "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac58"
                                 "6c55e83ff97a1aeffb3af00adb22c6bb",
                                 96));
    bls12_381_g1_compress(got, &bls12_381_g1_generator);
    assert_memory_equal(got, want, 48);
    struct bls12_381_g1 p;
    assert_true(bls12_381_g1_decompress(&p, want));
    assert_true(g1_eq(&p, &bls12_381_g1_generator));
    want[0] ^= FLAG_LARGE_Y;
    assert_true(bls12_381_g1_decompress(&p, want));
    assert_false(g1_eq(&p, &bls12_381_g1_generator));
    bls12_381_g1_neg(&p, &p);
    assert_true(g1_eq(&p, &bls12_381_g1_generator));
}

static void g1_multiples_add_up(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++) {
        struct u256 a = random_scalar(), b = random_scalar();
        struct u256 sum = u256_addmod(&a, &b, &bls12_381_order);
        struct u256 prod = u256_mulmod(&a, &b, &bls12_381_order);
        struct bls12_381_g1 pa = multiple_of_generator(&a), pb = multiple_of_generator(&b), l, r;
        bls12_381_g1_add(&l, &pa, &pb);
        r = multiple_of_generator(&sum);
        assert_true(g1_eq(&l, &r));
        bls12_381_g1_mul(&l, &pa, &b);
        r = multiple_of_generator(&prod);
        assert_true(g1_eq(&l, &r));
    }
}

static void g1_mul_equals_double_and_add(void **state)
{
    (void)state;
    struct u256 below = u256_sub(&bls12_381_order, &U256_ONE);
    struct u256 edges[] = { U256_ZERO, U256_ONE, u256_of_u64(2), below, u_squared };
    for (size_t i = 0; i < 60; i++) {
        struct u256 k = i < GH_COUNT(edges) ? edges[i] : random_scalar();
        struct b12_g1_point base = g1_of_public(&bls12_381_g1_generator), acc;
        b12_g1_set_infinity(&acc);
        for (size_t bit = 256; bit-- > 0;) {
            b12_g1_dbl(&acc, &acc);
            if (k.w[bit / 64] >> (bit % 64) & 1)
                b12_g1_add(&acc, &acc, &base);
        }
        struct bls12_381_g1 want, got = multiple_of_generator(&k);
        g1_to_public(&want, &acc);
        assert_true(g1_eq(&got, &want));
    }
}

static void g1_encoding_round_trip(void **state)
{
    (void)state;
    unsigned large = 0;
    for (int i = 0; i < 40; i++) {
        struct u256 k = random_scalar();
        if (i == 0)
            k = U256_ZERO;
        struct bls12_381_g1 p = multiple_of_generator(&k), q;
        uint8_t a[48], b[48];
        bls12_381_g1_compress(a, &p);
        large |= 1u << (i > 0 && a[0] & FLAG_LARGE_Y);
        assert_true(bls12_381_g1_decompress(&q, a));
        bls12_381_g1_compress(b, &q);
        assert_memory_equal(a, b, 48);
    }
    assert_int_equal(large, 3);
}

static void g1_decoding_is_strict(void **state)
{
    (void)state;
    struct bls12_381_g1 p;
    uint8_t in[48] = { 0 };
    assert_false(bls12_381_g1_decompress(&p, in)); /* no flag */
    in[0] = 0xc0;
    assert_true(bls12_381_g1_decompress(&p, in)); /* infinity */
    in[0] = 0xe0;
    assert_false(bls12_381_g1_decompress(&p, in)); /* infinity with a sign */
    in[0] = 0x40;
    assert_false(bls12_381_g1_decompress(&p, in)); /* infinity, not compressed */
    in[0] = 0xc0;
    in[47] = 1;
    assert_false(bls12_381_g1_decompress(&p, in)); /* infinity with an x */
    in[0] = 0x80;
    assert_false(bls12_381_g1_decompress(&p, in)); /* x = 1: no point there */
    /* x = 0: the point (0, 2) is on the curve and has order 3 */
    in[47] = 0;
    assert_false(bls12_381_g1_decompress(&p, in));
    in[0] = 0xa0;
    assert_false(bls12_381_g1_decompress(&p, in));
    for (size_t i = 0; i < 6; i++) /* x = p */
        store_be64(in + 8 * (5 - i), b12_modulus[i]);
    in[0] |= 0x80;
    assert_false(bls12_381_g1_decompress(&p, in));
}

/* Points of the curve taken at random are outside the subgroup; their multiple by the cofactor is
 * in it. */
static void g1_subgroup_check_follows_the_cofactor(void **state)
{
    (void)state;
    struct b12_fp b = fp_of_limbs(b12_b);
    int found = 0;
    while (found < 10) {
        struct b12_g1_point p;
        struct b12_fp y2, t;
        p.x = random_fp();
        b12_fp_sqr(&y2, &p.x);
        b12_fp_mul(&y2, &y2, &p.x);
        b12_fp_add(&y2, &y2, &b);
        b12_fp_pow(&p.y, &y2, b12_sqrt_exponent, 6);
        b12_fp_sqr(&t, &p.y);
        if (!b12_fp_eq(&t, &y2))
            continue;
        found++;
        b12_fp_set_one(&p.z);
        assert_false(g1_in_subgroup(&p));
        struct b12_g1_point up, cleared; /* (1 - u) P is what clearing takes (Wahby, Boneh 2019) */
        b12_g1_mul_u64(&up, &p, BLS_U_ABS);
        b12_g1_add(&cleared, &up, &p);
        assert_true(g1_in_subgroup(&cleared));
    }
}

/* e(aG, H) e(bG, H) = 1 exactly when a + b = 0 */
static void pairing_is_linear_on_the_left(void **state)
{
    (void)state;
    const struct bls12_381_g2 *const h[2] = { &bls12_381_g2_generator, &bls12_381_g2_generator };
    for (int i = 0; i < 5; i++) {
        struct u256 a = random_scalar(), minus_a = u256_sub(&bls12_381_order, &a);
        struct bls12_381_g1 p[2] = { multiple_of_generator(&a), multiple_of_generator(&minus_a) };
        assert_true(bls12_381_pairing_is_one(p, h));
        bls12_381_g1_add(&p[1], &p[1], &bls12_381_g1_generator);
        assert_false(bls12_381_pairing_is_one(p, h));
    }
}

static void pairing_with_infinity(void **state)
{
    (void)state;
    const struct bls12_381_g2 *const h[2] = { &bls12_381_g2_generator, &bls12_381_g2_generator };
    struct bls12_381_g1 infinity = multiple_of_generator(&U256_ZERO);
    struct bls12_381_g1 p[2] = { infinity, infinity };
    assert_true(bls12_381_pairing_is_one(p, h));
    p[0] = bls12_381_g1_generator;
    assert_false(bls12_381_pairing_is_one(p, h));
    p[1] = p[0];
    p[0] = infinity;
    assert_false(bls12_381_pairing_is_one(p, h));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(field_equals_gmp),
        cmocka_unit_test(field_decoding_stops_at_the_modulus),
        TOWER_TESTS,
        cmocka_unit_test(generator_has_its_standard_encoding),
        cmocka_unit_test(g1_multiples_add_up),
        cmocka_unit_test(g1_mul_equals_double_and_add),
        cmocka_unit_test(g1_encoding_round_trip),
        cmocka_unit_test(g1_decoding_is_strict),
        cmocka_unit_test(g1_subgroup_check_follows_the_cofactor),
        cmocka_unit_test(pairing_is_linear_on_the_left),
        cmocka_unit_test(pairing_with_infinity),
    };
    return run_on_both_paths("crypto bls12-381", tests, GH_COUNT(tests));
}
