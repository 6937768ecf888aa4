/* tests/unit/crypto/test_bn254.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gmp.h>

#include "node/base/hash.h"
#include "node/base/hex.h"
#include "node/crypto/bn254.c"
#include "tests/unit/crypto/paths.h"
#include "tests/unit/crypto/random.h"

#define C(name) name
#include "tests/unit/crypto/fp_checks.inc"
#define XI_REAL 9
#include "tests/unit/crypto/tower_checks.inc"

#define P_HEX "30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47"
/* the generator of EIP-197 */
#define G2_HEX                                                                                     \
    "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"                             \
    "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"                             \
    "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"                             \
    "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"

static void hex_to(uint8_t *out, const char *hex)
{
    assert_true(hex_decode_exact(out, strlen(hex) / 2, hex, strlen(hex)));
}

static void g1_generator(uint8_t out[64])
{
    memset(out, 0, 64);
    out[31] = 1;
    out[63] = 2;
}

static struct u256 random_scalar(void)
{
    uint8_t raw[32];
    random_bytes(raw, sizeof(raw));
    return u256_of_be32(raw);
}

/* k times a wire point, through the public call */
static void mul_wire(uint8_t out[64], const uint8_t p[64], const struct u256 *k)
{
    uint8_t in[96];
    memcpy(in, p, 64);
    u256_to_be32(in + 64, k);
    assert_true(bn254_mul(out, in));
}

static void add_wire(uint8_t out[64], const uint8_t p[64], const uint8_t q[64])
{
    uint8_t in[128];
    memcpy(in, p, 64);
    memcpy(in + 64, q, 64);
    assert_true(bn254_add(out, in));
}

static void random_g1(uint8_t out[64])
{
    uint8_t g[64];
    g1_generator(g);
    struct u256 k = random_scalar();
    mul_wire(out, g, &k);
}

/* k G2 on the wire, by double and add */
static void mul_g2(uint8_t out[128], const struct u256 *k)
{
    uint8_t g[128];
    struct bn_g2_affine a;
    struct bn_g2_point base, acc;
    hex_to(g, G2_HEX);
    assert_int_equal(g2_decode(&a, g), DECODED_POINT);
    bn_g2_of_affine(&base, &a);
    bn_g2_set_infinity(&acc);
    for (size_t i = 256; i-- > 0;) {
        bn_g2_dbl(&acc, &acc);
        if (k->w[i / 64] >> (i % 64) & 1)
            bn_g2_add(&acc, &acc, &base);
    }
    memset(out, 0, 128);
    if (bn_g2_is_infinity(&acc))
        return;
    bn_g2_to_affine(&a, &acc);
    bn_fp_to_be(out, &a.x.b);
    bn_fp_to_be(out + 32, &a.x.a);
    bn_fp_to_be(out + 64, &a.y.b);
    bn_fp_to_be(out + 96, &a.y.a);
}

static const uint8_t zero[192];

static void g1_obeys_the_group_laws(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        uint8_t p[64], q[64], s[64], l[64], r[64], n[64];
        random_g1(p);
        random_g1(q);
        random_g1(s);
        add_wire(l, p, q);
        add_wire(r, q, p);
        assert_memory_equal(l, r, 64);
        add_wire(l, l, s);
        add_wire(r, q, s);
        add_wire(r, p, r);
        assert_memory_equal(l, r, 64);
        add_wire(l, p, zero);
        assert_memory_equal(l, p, 64);
        add_wire(l, zero, p);
        assert_memory_equal(l, p, 64);
        struct u256 minus_one = u256_sub(&bn_order, &U256_ONE), two = u256_of_u64(2);
        mul_wire(n, p, &minus_one);
        assert_memory_equal(n, p, 32);
        add_wire(l, p, n);
        assert_memory_equal(l, zero, 64);
        add_wire(l, p, p);
        mul_wire(r, p, &two);
        assert_memory_equal(l, r, 64);
    }
    uint8_t l[64];
    add_wire(l, zero, zero);
    assert_memory_equal(l, zero, 64);
}

static void g1_multiples_add_up(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        uint8_t p[64], l[64], r[64];
        random_g1(p);
        struct u256 a = random_scalar(), b = random_scalar();
        struct u256 sum = u256_addmod(&a, &b, &bn_order), prod = u256_mulmod(&a, &b, &bn_order);
        mul_wire(l, p, &a);
        mul_wire(r, p, &b);
        add_wire(l, l, r);
        mul_wire(r, p, &sum);
        assert_memory_equal(l, r, 64);
        mul_wire(l, p, &a);
        mul_wire(l, l, &b);
        mul_wire(r, p, &prod);
        assert_memory_equal(l, r, 64);
    }
}

/* The split multiplication against plain double and add, on random and on edge scalars. */
static void g1_mul_equals_double_and_add(void **state)
{
    (void)state;
    struct u256 lambda = { { 0xb8ca0b2d36636f23, 0xcc37a73fec2bc5e9, 0x048b6e193fd84104,
                             0x30644e72e131a029 } };
    struct u256 one = U256_ONE, edges[12] = {
        U256_ZERO,
        U256_ONE,
        u256_of_u64(2),
        u256_of_u64(15),
        u256_of_u64(16),
        U256_MAX,
        bn_order,
        u256_sub(&bn_order, &one),
        u256_add(&bn_order, &one),
        lambda,
        u256_sub(&bn_order, &lambda),
        u256_sub(&lambda, &one),
    };
    for (size_t i = 0; i < 200; i++) {
        struct u256 k = i < GH_COUNT(edges) ? edges[i] : random_scalar();
        if (i >= 100)
            k = u256_shr(&k, (unsigned)(i - 100) * 2);
        uint8_t p[64], got[64], want[64];
        random_g1(p);
        mul_wire(got, p, &k);
        struct bn_g1_point base, acc;
        assert_true(g1_decode_point(&base, p));
        bn_g1_set_infinity(&acc);
        for (size_t bit = 256; bit-- > 0;) {
            bn_g1_dbl(&acc, &acc);
            if (k.w[bit / 64] >> (bit % 64) & 1)
                bn_g1_add(&acc, &acc, &base);
        }
        g1_encode(want, &acc);
        assert_memory_equal(got, want, 64);
    }
    uint8_t l[64];
    mul_wire(l, zero, &edges[5]);
    assert_memory_equal(l, zero, 64);
}

/* wnaf5 takes numbers below 2^128, and the split has to keep to that. */
static void scalar_split_is_short_and_exact(void **state)
{
    (void)state;
    struct u256 lambda = { { 0xb8ca0b2d36636f23, 0xcc37a73fec2bc5e9, 0x048b6e193fd84104,
                             0x30644e72e131a029 } };
    for (int i = 0; i < 5000; i++) {
        struct u256 k = random_scalar(), k1, k2;
        k = u256_mod(&k, &bn_order);
        if (i < 200) /* multiples of lambda and their neighbours lie where the rounding decides */
            k = u256_mulmod(&lambda, &(struct u256){ { (uint64_t)i } }, &bn_order);
        if (i >= 100 && i < 200)
            k = u256_addmod(&k, &U256_ONE, &bn_order);
        bool negative;
        glv_split(&k1, &k2, &negative, &k);
        assert_true(u256_bit_len(&k1) <= 128);
        assert_true(u256_bit_len(&k2) <= 128);
        struct u256 t = u256_mulmod(&k2, &lambda, &bn_order);
        if (negative)
            t = u256_sub(&bn_order, &t);
        t = u256_addmod(&t, &k1, &bn_order);
        assert_true(u256_eq(&t, &k));
    }
}

static void wnaf_digits_add_up(void **state)
{
    (void)state;
    for (int i = 0; i < 500; i++) {
        struct u256 k = random_scalar();
        if (i < 2)
            k = U256_MAX;
        if (i == 2 || i == 3)
            k = U256_ZERO;
        size_t n = i % 2 ? WNAF_LEN : WNAF_LEN_128;
        if (n == WNAF_LEN_128)
            k.w[2] = k.w[3] = 0;
        int8_t d[WNAF_LEN];
        wnaf5(d, n, &k);
        struct u256 sum = U256_ZERO;
        for (size_t j = n; j-- > 0;) {
            assert_true(d[j] == 0 || (d[j] % 2 != 0 && d[j] >= -15 && d[j] <= 15));
            struct u256 mag = u256_of_u64((uint64_t)(d[j] < 0 ? -d[j] : d[j]));
            sum = u256_shl(&sum, 1);
            sum = d[j] < 0 ? u256_sub(&sum, &mag) : u256_add(&sum, &mag);
        }
        assert_true(u256_eq(&sum, &k));
    }
}

static void naf_digits_add_up(void **state)
{
    (void)state;
    for (int i = 0; i < 500; i++) {
        struct u256 k = random_scalar(), sum = U256_ZERO;
        uint64_t e = i == 0 ? UINT64_MAX : i == 1 ? 0 : i == 2 ? BN_X : k.w[0];
        int before = 0;
        for (unsigned j = NAF_LEN; j-- > 0;) {
            int d = naf_digit(e, j);
            assert_true(d >= -1 && d <= 1 && (d == 0 || before == 0));
            before = d;
            sum = u256_shl(&sum, 1);
            sum = d < 0 ? u256_sub(&sum, &U256_ONE)
                        : u256_add(&sum, &(struct u256){ { (uint64_t)d } });
        }
        assert_true(u256_fits_u64(&sum) && sum.w[0] == e);
    }
}

static void g1_rejects_bad_points(void **state)
{
    (void)state;
    uint8_t in[128], out[64];
    memset(in, 0, sizeof(in));
    in[31] = 1;
    in[63] = 3; /* off the curve */
    assert_false(bn254_add(out, in));
    assert_false(bn254_mul(out, in));
    memset(in, 0, sizeof(in));
    g1_generator(in + 64);
    in[127] = 1; /* the second operand is looked at too */
    assert_false(bn254_add(out, in));
    for (size_t at = 0; at < 128; at += 32) { /* p is not 0 */
        memset(in, 0, sizeof(in));
        hex_to(in + at, P_HEX);
        assert_false(bn254_add(out, in));
    }
    memset(in, 0, sizeof(in));
    g1_generator(in);
    hex_to(in, "30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd48"); /* 1 + p */
    assert_false(bn254_mul(out, in));
}

/* e(aP, bQ) e(-abP, Q) = 1 */
static void pairing_is_bilinear(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        uint8_t in[384], p[64];
        struct u256 a = random_scalar(), b = random_scalar();
        struct u256 ab = u256_mulmod(&a, &b, &bn_order);
        struct u256 minus_ab = u256_sub(&bn_order, &ab);
        random_g1(p);
        mul_wire(in, p, &a);
        mul_g2(in + 64, &b);
        mul_wire(in + 192, p, &minus_ab);
        mul_g2(in + 256, &(struct u256){ { 1 } });
        assert_int_equal(bn254_pairing(in, 2), 1);
        assert_int_equal(bn254_pairing(in, 1), 0); /* not degenerate */
        assert_int_equal(bn254_pairing(in + 192, 1), 0);
        struct u256 more = u256_addmod(&minus_ab, &U256_ONE, &bn_order);
        mul_wire(in + 192, p, &more);
        assert_int_equal(bn254_pairing(in, 2), 0);
    }
}

static void pairing_with_infinity_is_one(void **state)
{
    (void)state;
    uint8_t in[384];
    assert_int_equal(bn254_pairing(NULL, 0), 1);
    memset(in, 0, sizeof(in));
    assert_int_equal(bn254_pairing(in, 2), 1);
    hex_to(in + 64, G2_HEX);
    g1_generator(in + 192);
    assert_int_equal(bn254_pairing(in, 2), 1);
    g1_generator(in);
    assert_int_equal(bn254_pairing(in, 2), 0);
}

/* Longer than the batch that shares its squarings: sum of a_i b_i is zero, with infinities
 * between. */
static void pairing_of_many_pairs(void **state)
{
    (void)state;
    enum { PAIRS = 21 };
    static uint8_t in[192 * PAIRS];
    uint8_t g[64];
    g1_generator(g);
    struct u256 sum = U256_ZERO;
    for (size_t i = 0; i < PAIRS; i++) {
        struct u256 a = random_scalar(), b = random_scalar();
        if (i % 5 == 3)
            a = U256_ZERO;
        if (i == PAIRS - 1) {
            b = U256_ONE;
            a = u256_sub(&bn_order, &sum);
        }
        mul_wire(in + 192 * i, g, &a);
        mul_g2(in + 192 * i + 64, &b);
        struct u256 ab = u256_mulmod(&a, &b, &bn_order);
        sum = u256_addmod(&sum, &ab, &bn_order);
    }
    assert_int_equal(bn254_pairing(in, PAIRS), 1);
    assert_int_equal(bn254_pairing(in, PAIRS - 1), 0);
    assert_int_equal(bn254_pairing(in + 192, PAIRS - 1), 0);
    memcpy(in + 192 * (PAIRS - 1) + 64, in + 64, 128);
    assert_int_equal(bn254_pairing(in, PAIRS), 0);
}

static void pairing_rejects_bad_points(void **state)
{
    (void)state;
    uint8_t good[192], in[192];
    g1_generator(good);
    hex_to(good + 64, G2_HEX);
    assert_int_equal(bn254_pairing(good, 1), 0);
    for (size_t at = 0; at < 192; at++) { /* every byte matters */
        memcpy(in, good, sizeof(in));
        in[at] ^= 1;
        assert_int_equal(bn254_pairing(in, 1), -1);
    }
    for (size_t at = 0; at < 192; at += 32) {
        memset(in, 0, sizeof(in));
        hex_to(in + at, P_HEX);
        assert_int_equal(bn254_pairing(in, 1), -1);
    }
    /* a bad point counts even when the other one is infinity */
    memset(in, 0, sizeof(in));
    in[191] = 1;
    assert_int_equal(bn254_pairing(in, 1), -1);
}

/* On the twist with small x, but of another order. */
static void pairing_rejects_points_outside_the_subgroup(void **state)
{
    (void)state;
    static const char *const outside[] = {
        "0000000000000000000000000000000000000000000000000000000000000002"
        "0000000000000000000000000000000000000000000000000000000000000001"
        "1b2a1855a4e18488457f136e6ecb627341346445800ed2ed6ab74dc9af538a66"
        "05202d732f082c817c10572228d33ffff38c112711b9b854f4e301b1c254340c",
        "0000000000000000000000000000000000000000000000000000000000000002"
        "0000000000000000000000000000000000000000000000000000000000000002"
        "1eac7a33fd9beb4ee8b1753ee0970be86d4eced49d8ddc3ae376428ac7d5376b"
        "24b1c7bb8537921061a4a71aaa3eb0074996b5e9d098c3285913ca6ca1c4b76d",
    };
    for (size_t i = 0; i < GH_COUNT(outside); i++) {
        uint8_t in[192];
        struct bn_g2_affine q;
        g1_generator(in);
        hex_to(in + 64, outside[i]);
        assert_int_equal(g2_decode(&q, in + 64), DECODED_BAD);
        struct bn_fp2 lhs, rhs, b = fp2_of_limbs(bn_twist_b);
        bn_fp2_sqr(&lhs, &q.y);
        bn_fp2_sqr(&rhs, &q.x);
        bn_fp2_mul(&rhs, &rhs, &q.x);
        bn_fp2_add(&rhs, &rhs, &b);
        assert_true(bn_fp2_eq(&lhs, &rhs)); /* so that only the order can be the reason */
        assert_int_equal(bn254_pairing(in, 1), -1);
        memset(in, 0, 64);
        assert_int_equal(bn254_pairing(in, 1), -1);
    }
}

static void g2_of_the_subgroup_is_accepted(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        uint8_t in[192];
        struct u256 k = random_scalar();
        g1_generator(in);
        mul_g2(in + 64, &k);
        assert_int_equal(bn254_pairing(in, 1), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(field_equals_gmp),
        cmocka_unit_test(field_decoding_stops_at_the_modulus),
        TOWER_TESTS,
        cmocka_unit_test(g1_obeys_the_group_laws),
        cmocka_unit_test(g1_multiples_add_up),
        cmocka_unit_test(g1_mul_equals_double_and_add),
        cmocka_unit_test(scalar_split_is_short_and_exact),
        cmocka_unit_test(wnaf_digits_add_up),
        cmocka_unit_test(naf_digits_add_up),
        cmocka_unit_test(g1_rejects_bad_points),
        cmocka_unit_test(pairing_is_bilinear),
        cmocka_unit_test(pairing_with_infinity_is_one),
        cmocka_unit_test(pairing_of_many_pairs),
        cmocka_unit_test(pairing_rejects_bad_points),
        cmocka_unit_test(pairing_rejects_points_outside_the_subgroup),
        cmocka_unit_test(g2_of_the_subgroup_is_accepted),
    };
    return run_on_both_paths("crypto bn254", tests, GH_COUNT(tests));
}
