/* tests/unit/base/test_u256.c
 *
 * Every operation against GMP, on random numbers of all lengths, on runs of ones and zeros, and on
 * values at the edges. Compiled twice: with and without 128-bit integers. */
#include "tests/unit/base/testing.h"

#include <gmp.h>
#include <stdio.h>

#include "node/base/u256.h"

#define CASES 100000

static uint64_t rng = 1;
static mpz_t two256;

static void to_mpz(mpz_t z, const struct u256 *v)
{
    mpz_import(z, 4, -1, 8, 0, 0, v->w);
}

/* z mod 2^256, also for negative z */
static struct u256 of_mpz(const mpz_t z)
{
    struct u256 v = U256_ZERO;
    mpz_t m;
    mpz_init(m);
    mpz_fdiv_r(m, z, two256);
    mpz_export(v.w, NULL, -1, 8, 0, 0, m);
    mpz_clear(m);
    return v;
}

static void to_signed(mpz_t z, const struct u256 *v)
{
    to_mpz(z, v);
    if (v->w[3] >> 63)
        mpz_sub(z, z, two256);
}

static struct u256 edge_value(uint64_t r)
{
    struct u256 v = U256_ZERO;
    unsigned bit = (unsigned)(r >> 8) % 256;
    switch (r % 8) {
    case 0:
        return u256_of_u64((r >> 8) % 4);
    case 1:
        return U256_MAX;
    case 2:
        v.w[3] = UINT64_C(1) << 63; /* the least signed number */
        return v;
    case 3:
        v.w[bit / 64] = UINT64_C(1) << (bit % 64);
        return v;
    case 4:
        v.w[bit / 64] = UINT64_C(1) << (bit % 64);
        return u256_sub(&v, &U256_ONE);
    case 5:
        v.w[bit / 64] = UINT64_C(1) << (bit % 64);
        return u256_add(&v, &U256_ONE);
    case 6: /* limbs of all ones, zeros, or the top bit */
        for (int i = 0; i < 4; i++) {
            uint64_t pick = (r >> (8 + 2 * i)) & 3;
            v.w[i] = pick == 0 ? 0 : pick == 1 ? UINT64_MAX : pick == 2 ? UINT64_C(1) << 63 : 1;
        }
        return v;
    default:
        v.w[3] = UINT64_MAX;
        v.w[0] = r >> 60;
        return v;
    }
}

static struct u256 random_value(void)
{
    uint64_t r = test_random(&rng);
    struct u256 v;
    if (r % 4 == 0)
        return edge_value(r >> 2);
    for (int i = 0; i < 4; i++)
        v.w[i] = test_random(&rng);
    if (r % 4 == 1) { /* runs of equal bits */
        for (int i = 0; i < 4; i++)
            v.w[i] = (v.w[i] >> (r >> 8) % 64) & (test_random(&rng) % 2 ? UINT64_MAX : 0);
    }
    unsigned keep = (unsigned)(r >> 16) % 257;
    for (unsigned i = 0; i < 4; i++) {
        if (keep <= 64 * i)
            v.w[i] = 0;
        else if (keep < 64 * i + 64)
            v.w[i] &= UINT64_MAX >> (64 * i + 64 - keep);
    }
    return v;
}

static void expect(const char *op, const struct u256 *got, const mpz_t want, const struct u256 *a,
                   const struct u256 *b)
{
    struct u256 w = of_mpz(want);
    if (u256_eq(got, &w))
        return;
    print_error("%s: a=%016lx%016lx%016lx%016lx b=%016lx%016lx%016lx%016lx\n", op, a->w[3], a->w[2],
                a->w[1], a->w[0], b->w[3], b->w[2], b->w[1], b->w[0]);
    fail();
}

static void sums_and_products(void **state)
{
    (void)state;
    mpz_t x, y, z;
    mpz_inits(x, y, z, NULL);
    for (int i = 0; i < CASES; i++) {
        struct u256 a = random_value(), b = random_value(), r, kept = u256_of_u64(77);
        to_mpz(x, &a);
        to_mpz(y, &b);
        mpz_add(z, x, y);
        r = u256_add(&a, &b);
        expect("add", &r, z, &a, &b);
        bool fits = mpz_cmp(z, two256) < 0;
        assert_int_equal(u256_add_checked(&kept, &a, &b), fits);
        if (fits)
            expect("add_checked", &kept, z, &a, &b);
        else
            assert_int_equal(kept.w[0], 77);

        mpz_sub(z, x, y);
        r = u256_sub(&a, &b);
        expect("sub", &r, z, &a, &b);
        kept = u256_of_u64(77);
        assert_int_equal(u256_sub_checked(&kept, &a, &b), mpz_sgn(z) >= 0);
        if (mpz_sgn(z) < 0)
            assert_int_equal(kept.w[0], 77);
        assert_int_equal(u256_lt(&a, &b), mpz_sgn(z) < 0);
        assert_int_equal(u256_eq(&a, &b), mpz_sgn(z) == 0);
        assert_int_equal(u256_cmp(&a, &b), mpz_sgn(z));

        mpz_mul(z, x, y);
        r = u256_mul(&a, &b);
        expect("mul", &r, z, &a, &b);
        uint64_t full[8];
        u256_mul_full(full, &a, &b);
        mpz_import(x, 8, -1, 8, 0, 0, full);
        assert_int_equal(mpz_cmp(x, z), 0);
        kept = u256_of_u64(77);
        fits = mpz_cmp(z, two256) < 0;
        assert_int_equal(u256_mul_checked(&kept, &a, &b), fits);
        if (fits)
            expect("mul_checked", &kept, z, &a, &b);
        else
            assert_int_equal(kept.w[0], 77);
    }
    mpz_clears(x, y, z, NULL);
}

/* Numerators right at and around multiples of the divisor make Knuth's estimate wrong most often. */
static struct u256 numerator_near(const struct u256 *d)
{
    struct u256 q = random_value(), n = u256_mul(&q, d);
    uint64_t r = test_random(&rng) % 4;
    if (r == 0)
        return n;
    if (r == 1)
        return u256_sub(&n, &U256_ONE);
    return r == 2 ? u256_add(&n, &U256_ONE) : random_value();
}

static void quotients(void **state)
{
    (void)state;
    mpz_t x, y, q, r;
    mpz_inits(x, y, q, r, NULL);
    for (int i = 0; i < 2 * CASES; i++) {
        struct u256 b = random_value(), a = numerator_near(&b), gq, gr, g;
        to_mpz(x, &a);
        to_mpz(y, &b);
        u256_divmod(&gq, &gr, &a, &b);
        if (mpz_sgn(y) == 0) {
            mpz_set_ui(q, 0);
            mpz_set_ui(r, 0);
        } else {
            mpz_tdiv_qr(q, r, x, y);
        }
        expect("div", &gq, q, &a, &b);
        expect("mod", &gr, r, &a, &b);
        g = u256_div(&a, &b);
        assert_true(u256_eq(&g, &gq));
        g = u256_mod(&a, &b);
        assert_true(u256_eq(&g, &gr));
        g = a; /* outputs over the inputs */
        u256_divmod(&g, NULL, &g, &b);
        assert_true(u256_eq(&g, &gq));
        if (mpz_sgn(y))
            mpz_cdiv_q(q, x, y);
        g = u256_div_ceil(&a, &b);
        expect("div_ceil", &g, q, &a, &b);

        to_signed(x, &a);
        to_signed(y, &b);
        if (mpz_sgn(y)) /* truncates towards zero; the remainder has the sign of the dividend */
            mpz_tdiv_qr(q, r, x, y);
        g = u256_sdiv(&a, &b);
        expect("sdiv", &g, q, &a, &b);
        g = u256_smod(&a, &b);
        expect("smod", &g, r, &a, &b);
        assert_int_equal(u256_slt(&a, &b), mpz_cmp(x, y) < 0);
    }
    mpz_clears(x, y, q, r, NULL);
}

static void modular(void **state)
{
    (void)state;
    mpz_t x, y, m, z;
    mpz_inits(x, y, m, z, NULL);
    for (int i = 0; i < CASES; i++) {
        struct u256 a = random_value(), b = random_value(), n = random_value(), g;
        if (i % 5 == 0)
            a = u256_mod(&a, &n);
        if (i % 10 == 0)
            b = u256_mod(&b, &n);
        to_mpz(x, &a);
        to_mpz(y, &b);
        to_mpz(m, &n);
        mpz_add(z, x, y);
        if (mpz_sgn(m))
            mpz_fdiv_r(z, z, m);
        else
            mpz_set_ui(z, 0);
        g = u256_addmod(&a, &b, &n);
        expect("addmod", &g, z, &a, &b);
        mpz_mul(z, x, y);
        if (mpz_sgn(m))
            mpz_fdiv_r(z, z, m);
        else
            mpz_set_ui(z, 0);
        g = u256_mulmod(&a, &b, &n);
        expect("mulmod", &g, z, &a, &b);
    }
    mpz_clears(x, y, m, z, NULL);
}

static void powers(void **state)
{
    (void)state;
    mpz_t x, y, z;
    mpz_inits(x, y, z, NULL);
    for (int i = 0; i < CASES; i++) {
        struct u256 a = random_value(), b = random_value(), g;
        if (i % 2 == 0)
            b = u256_of_u64(b.w[0] % 300);
        to_mpz(x, &a);
        to_mpz(y, &b);
        mpz_powm(z, x, y, two256);
        g = u256_exp(&a, &b);
        expect("exp", &g, z, &a, &b);
    }
    mpz_clears(x, y, z, NULL);
}

static void shifts_and_bits(void **state)
{
    (void)state;
    mpz_t x, z;
    mpz_inits(x, z, NULL);
    for (int i = 0; i < CASES; i++) {
        struct u256 a = random_value(), g, n256;
        uint64_t r = test_random(&rng);
        unsigned n = r % 16 == 0 ? (unsigned)(r >> 8) : (unsigned)(r >> 8) % 270;
        n256 = u256_of_u64(n);
        to_mpz(x, &a);
        assert_int_equal(u256_bit_len(&a), mpz_sgn(x) ? mpz_sizeinbase(x, 2) : 0);
        assert_int_equal(u256_byte_len(&a), mpz_sgn(x) ? (mpz_sizeinbase(x, 2) + 7) / 8 : 0);
        unsigned capped = n > 256 ? 256 : n;
        mpz_mul_2exp(z, x, capped);
        g = u256_shl(&a, n);
        expect("shl", &g, z, &a, &n256);
        mpz_fdiv_q_2exp(z, x, capped);
        g = u256_shr(&a, n);
        expect("shr", &g, z, &a, &n256);
        to_signed(x, &a);
        mpz_fdiv_q_2exp(z, x, capped);
        g = u256_sar(&a, n);
        expect("sar", &g, z, &a, &n256);

        struct u256 k = i % 8 == 0 ? random_value() : u256_of_u64(r % 40);
        g = u256_signextend(&k, &a);
        to_mpz(z, &a);
        if (u256_fits_u64(&k) && k.w[0] < 31) {
            unsigned bits = 8 * (unsigned)k.w[0] + 8;
            mpz_fdiv_r_2exp(z, z, bits);
            if (mpz_tstbit(z, bits - 1)) {
                mpz_set_ui(x, 1);
                mpz_mul_2exp(x, x, bits);
                mpz_sub(z, z, x);
            }
        }
        expect("signextend", &g, z, &a, &k);
    }
    mpz_clears(x, z, NULL);
}

static void bytes_and_text(void **state)
{
    (void)state;
    mpz_t x;
    mpz_init(x);
    for (int i = 0; i < CASES; i++) {
        struct u256 a = random_value(), back;
        uint8_t be[32], want[32] = { 0 };
        char text[79], expected[128];
        size_t n = 0;
        to_mpz(x, &a);
        (void)mpz_export(want, &n, 1, 1, 1, 0, x);
        memmove(want + 32 - n, want, n);
        memset(want, 0, 32 - n);
        u256_to_be32(be, &a);
        assert_memory_equal(be, want, 32);
        back = u256_of_be32(be);
        assert_true(u256_eq(&back, &a));
        back = u256_of_be(be + 32 - n, n);
        assert_true(u256_eq(&back, &a));

        n = u256_format_dec(text, &a);
        (void)mpz_get_str(expected, 10, x);
        assert_string_equal(text, expected);
        assert_int_equal(n, strlen(expected));
        assert_true(u256_parse_dec(&back, text, n));
        assert_true(u256_eq(&back, &a));
    }
    mpz_clear(x);
}

static void decimal_text_is_strict(void **state)
{
    (void)state;
    struct u256 v;
    static const char over[] =
        "115792089237316195423570985008687907853269984665640564039457584007913129639936";
    assert_false(u256_parse_dec(&v, over, strlen(over)));
    assert_false(u256_parse_dec(&v,
                                "1157920892373161954235709850086879078532699846656405640394575840"
                                "079131296399350",
                                79));
    assert_false(u256_parse_dec(&v, "", 0));
    assert_false(u256_parse_dec(&v, "-1", 2));
    assert_false(u256_parse_dec(&v, "1 ", 2));
    assert_false(u256_parse_dec(&v, "0x1", 3));
    assert_true(u256_parse_dec(&v,
                               "0000000000000000000000000000000000000000000000000000000000000000"
                               "000000000000000000000000000000000042",
                               100));
    assert_int_equal(v.w[0], 42);
}

static int set_up(void **state)
{
    (void)state;
    mpz_init_set_ui(two256, 1);
    mpz_mul_2exp(two256, two256, 256);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mpz_clear(two256);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_and_products),
        cmocka_unit_test(quotients),
        cmocka_unit_test(modular),
        cmocka_unit_test(powers),
        cmocka_unit_test(shifts_and_bits),
        cmocka_unit_test(bytes_and_text),
        cmocka_unit_test(decimal_text_is_strict),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
