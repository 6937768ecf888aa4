/* The fee model (spec 50 §4.3): its vectors, clamps, caps, overrides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "node/chain/fee.h"

static struct u256 u(uint64_t v)
{
    return u256_of_u64(v);
}

/* base and settlement token at 3000 USD, native unit at 3e-9 USD, 100 native a gas */
static struct fee_inputs usual(enum fee_da da)
{
    return (struct fee_inputs){ .native_usd_e18 = fee_usd_e18(3e-9),
                                .base_token_usd_e18 = fee_usd_e18(3000),
                                .sl_token_usd_e18 = fee_usd_e18(3000),
                                .native_per_gas = 100,
                                .da = da,
                                .fill_num = 1,
                                .fill_den = 2 };
}

static struct fee_prices first(const struct fee_inputs *in)
{
    struct fee_prices p;
    fee_next(&p, in, NULL);
    return p;
}

static struct fee_prices after(const struct fee_inputs *in, uint64_t native, uint64_t pubdata)
{
    struct fee_prices prev = { .base_fee = u(1), .native = u(native), .pubdata = u(pubdata) }, p;
    fee_next(&p, in, &prev);
    return p;
}

#define EQ(a, n) assert_true(u256_eq(&(a), &(struct u256){ { (n), 0, 0, 0 } }))

static void the_first_block(void **state)
{
    (void)state;
    struct fee_inputs in = usual(FEE_DA_CALLDATA);
    struct fee_prices p = first(&in);
    EQ(p.native, 1000000);
    EQ(p.base_fee, 100000000);
    EQ(p.pubdata, 0); /* the layer asks nothing */
}

static void calldata(void **state)
{
    (void)state;
    struct fee_inputs in = usual(FEE_DA_CALLDATA);
    in.sl_base_fee = u(1); /* 17 gas a byte */
    struct fee_prices p = first(&in);
    EQ(p.pubdata, 17);
    in.sl_tip = u(2);
    p = first(&in);
    EQ(p.pubdata, 51);
}

static void blobs(void **state)
{
    (void)state;
    struct fee_inputs in = usual(FEE_DA_BLOBS);
    in.sl_blob_base_fee = u(1);
    in.fill_num = in.fill_den = 1;
    struct fee_prices p = first(&in);
    EQ(p.pubdata, 393000001);
    in.fill_den = 2;
    p = first(&in);
    EQ(p.pubdata, 786000002);
    in.fill_num = 3; /* 393000001 * 2 / 3, floored */
    p = first(&in);
    EQ(p.pubdata, 262000000);
}

static void blobs_use_the_clamped_native_price(void **state)
{
    (void)state;
    struct fee_inputs in = usual(FEE_DA_BLOBS);
    in.fill_num = in.fill_den = 1;
    struct fee_prices p = after(&in, 1000, UINT64_C(1) << 40);
    EQ(p.native, 1125);
    EQ(p.pubdata, 1125 * 393);
}

static void validium_pays_no_pubdata(void **state)
{
    (void)state;
    struct fee_inputs in = usual(FEE_DA_VALIDIUM);
    in.sl_base_fee = u(1000000000);
    struct fee_prices p = first(&in);
    EQ(p.pubdata, 0);
}

static void a_gateway_names_the_price_of_a_byte(void **state)
{
    (void)state;
    struct fee_inputs in = usual(FEE_DA_GATEWAY);
    in.sl_base_fee = u(1000000000); /* does not count */
    in.sl_pubdata_price = u(77777);
    struct fee_prices p = first(&in);
    EQ(p.pubdata, 77777);
}

static void native_is_clamped(void **state)
{
    (void)state;
    struct fee_inputs in = usual(FEE_DA_CALLDATA);
    in.base_token_usd_e18 = in.sl_token_usd_e18 = fee_usd_e18(600000); /* desired 5000 */
    struct fee_prices p = after(&in, 1000, 0);
    EQ(p.native, 1125);
    EQ(p.base_fee, 112500); /* of the clamped price */
    p = after(&in, 4999, 0);
    EQ(p.native, 5000);
    p = after(&in, 5000, 0);
    EQ(p.native, 5000);
    in.native_usd_e18 = fee_usd_e18(3e-12); /* desired 5 */
    p = after(&in, 1, 0);
    EQ(p.native, 2);
    p = after(&in, 7, 0); /* 7 / 8 is nothing: it stays */
    EQ(p.native, 7);
    in.native_usd_e18 = fee_usd_e18(6e-12); /* desired 10 */
    p = after(&in, 1000, 0);
    EQ(p.native, 875);
}

static void pubdata_rises_by_half_and_falls_at_once(void **state)
{
    (void)state;
    struct fee_inputs in = usual(FEE_DA_CALLDATA);
    in.has_native = true;
    in.native = u(1);
    in.sl_base_fee = u(59); /* 1003 */
    struct fee_prices p = after(&in, 1, 100);
    EQ(p.pubdata, 150);
    p = after(&in, 1, 0);
    EQ(p.pubdata, 1);
    p = after(&in, 1, 1);
    EQ(p.pubdata, 2);
    p = after(&in, 1, 5000);
    EQ(p.pubdata, 1003);
}

static void the_cap_is_last(void **state)
{
    (void)state;
    struct fee_inputs in = usual(FEE_DA_CALLDATA);
    in.sl_base_fee = u(1000);
    in.pubdata_price_cap = u(120);
    struct fee_prices p = first(&in);
    EQ(p.pubdata, 120);
    p = after(&in, 1000000, 100);
    EQ(p.pubdata, 120);
    p = after(&in, 1000000, 60);
    EQ(p.pubdata, 90);
}

static void overrides_win(void **state)
{
    (void)state;
    struct fee_inputs in = usual(FEE_DA_CALLDATA);
    in.sl_base_fee = u(1000);
    in.pubdata_price_cap = u(5);
    in.has_base_fee = in.has_native = in.has_pubdata = true;
    in.base_fee = u(11);
    in.native = u(12);
    in.pubdata = u(13);
    struct fee_prices p = after(&in, 1000000, 1000000);
    EQ(p.base_fee, 11);
    EQ(p.native, 12);
    EQ(p.pubdata, 13); /* the cap is for what is computed */
    in.has_base_fee = false;
    p = after(&in, 1000000, 1000000);
    EQ(p.base_fee, 1200); /* from the native price in force */
}

static void the_settlement_token_has_its_own_price(void **state)
{
    (void)state;
    struct fee_inputs in = usual(FEE_DA_CALLDATA);
    in.sl_base_fee = u(1);
    in.sl_token_usd_e18 = fee_usd_e18(3000);
    in.base_token_usd_e18 = fee_usd_e18(0.7); /* 17 * 3000 / 0.7 = 72857.1.. */
    struct fee_prices p = first(&in);
    EQ(p.pubdata, 72858);
    EQ(p.native, UINT64_C(4285714286)); /* 3e-9 / (0.7 / 1e18), rounded up */
}

static void prices_saturate(void **state)
{
    (void)state;
    struct fee_inputs in = usual(FEE_DA_CALLDATA);
    in.sl_base_fee = U256_MAX;
    in.sl_tip = U256_MAX;
    struct fee_prices p = first(&in);
    assert_true(u256_eq(&p.pubdata, &U256_MAX));
    struct fee_prices prev = { .native = U256_MAX, .pubdata = U256_MAX };
    in.native_usd_e18 = U256_MAX;
    in.base_token_usd_e18 = in.sl_token_usd_e18 = u(1);
    fee_next(&p, &in, &prev);
    assert_true(u256_eq(&p.native, &U256_MAX));
    assert_true(u256_eq(&p.base_fee, &U256_MAX));
    assert_true(u256_eq(&p.pubdata, &U256_MAX));
}

static void a_native_price_is_never_zero(void **state)
{
    (void)state;
    struct fee_inputs in = usual(FEE_DA_CALLDATA);
    in.native_usd_e18 = U256_ZERO;
    struct fee_prices p = first(&in);
    EQ(p.native, 1);
    in.fill_num = 0;
    in.da = FEE_DA_BLOBS;
    p = first(&in); /* no division by zero either */
    assert_false(u256_is_zero(&p.pubdata));
}

static void without_a_token_price_prices_stay(void **state)
{
    (void)state;
    struct fee_inputs in = usual(FEE_DA_CALLDATA);
    in.base_token_usd_e18 = in.sl_token_usd_e18 = U256_ZERO;
    in.sl_base_fee = u(1000);
    struct fee_prices p = after(&in, 77, 88);
    EQ(p.native, 77);
    EQ(p.pubdata, 88);
    in.has_pubdata = true;
    in.pubdata = u(5);
    p = after(&in, 77, 88);
    EQ(p.pubdata, 5);
}

static void several_blocks_are_several_steps(void **state)
{
    (void)state;
    struct fee_inputs in = usual(FEE_DA_CALLDATA);
    in.sl_base_fee = u(1000000);
    struct fee_prices prev = { .base_fee = u(1), .native = u(1000), .pubdata = u(100) };
    struct fee_prices by_step = prev, p;
    for (int i = 0; i < 3; i++) {
        struct fee_prices next;
        fee_next(&next, &in, &by_step);
        by_step = next;
    }
    fee_after(&p, &in, &prev, 3);
    EQ(p.pubdata, 337); /* 150, 225, 337 */
    assert_memory_equal(&p, &by_step, sizeof(p));
    fee_after(&p, &in, &prev, 0); /* the next block, at least */
    EQ(p.pubdata, 150);
    fee_after(&p, &in, &prev, UINT64_MAX);
    EQ(p.pubdata, 17000000);
    EQ(p.native, 1000000);
    EQ(p.base_fee, 100000000);
}

static void dollars_are_the_decimals_that_were_written(void **state)
{
    (void)state;
    static const struct {
        double usd;
        uint64_t hi, lo; /* value = hi * 10^9 + lo */
    } cases[] = { { 3e-9, 3, 0 },
                  { 1e-18, 0, 1 },
                  { 0.1, 100000000, 0 },
                  { 1234.56, UINT64_C(1234560000000), 0 },
                  { 3141.59265, UINT64_C(3141592650000), 0 },
                  { 0.000123456789, 123456, 789000000 },
                  { 99999.99, UINT64_C(99999990000000), 0 },
                  { 1e9, UINT64_C(1000000000000000000), 0 } };
    struct u256 e9 = u(1000000000);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct u256 hi = u(cases[i].hi), lo = u(cases[i].lo), want = u256_mul(&hi, &e9);
        want = u256_add(&want, &lo);
        struct u256 got = fee_usd_e18(cases[i].usd);
        if (!u256_eq(&got, &want))
            fail_msg("case %zu", i);
    }
    static const double none[] = { 0, -1, (double)NAN };
    for (size_t i = 0; i < 3; i++) {
        struct u256 got = fee_usd_e18(none[i]);
        assert_true(u256_is_zero(&got));
    }
    struct u256 huge = fee_usd_e18((double)INFINITY);
    assert_false(u256_is_zero(&huge));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_block),
        cmocka_unit_test(calldata),
        cmocka_unit_test(blobs),
        cmocka_unit_test(blobs_use_the_clamped_native_price),
        cmocka_unit_test(validium_pays_no_pubdata),
        cmocka_unit_test(a_gateway_names_the_price_of_a_byte),
        cmocka_unit_test(native_is_clamped),
        cmocka_unit_test(pubdata_rises_by_half_and_falls_at_once),
        cmocka_unit_test(the_cap_is_last),
        cmocka_unit_test(overrides_win),
        cmocka_unit_test(the_settlement_token_has_its_own_price),
        cmocka_unit_test(prices_saturate),
        cmocka_unit_test(a_native_price_is_never_zero),
        cmocka_unit_test(without_a_token_price_prices_stay),
        cmocka_unit_test(several_blocks_are_several_steps),
        cmocka_unit_test(dollars_are_the_decimals_that_were_written),
    };
    return cmocka_run_group_tests_name("fee", tests, NULL, NULL);
}
