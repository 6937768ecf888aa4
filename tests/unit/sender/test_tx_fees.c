/* Fees: fresh, bumped, capped. And the two tables of texts and selectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "node/sender/tx_errors.h"
#include "node/sender/tx_fees.h"

#define G UINT64_C(1000000000)

static struct tx_fee_policy policy(uint64_t max_fee, uint64_t max_tip, uint32_t percent)
{
    return (struct tx_fee_policy){ .caps = { u256_of_u64(max_fee), u256_of_u64(max_tip), percent,
                                             u256_of_u64(max_fee) },
                                   .min_tip = U256_ONE,
                                   .headroom_percent = 200 };
}

static struct tx_fee_market market(uint64_t base, uint64_t tip)
{
    return (struct tx_fee_market){ u256_of_u64(base), u256_of_u64(tip), U256_ZERO };
}

static void fresh_fees(void **state)
{
    (void)state;
    static const struct {
        uint64_t cap, tip_cap, base, tip;
        bool ok;
        uint64_t fee, got_tip;
    } cases[] = {
        { 200 * G, G, 10 * G, G / 2, true, 20 * G + G / 2, G / 2 },
        { 200 * G, G, 10 * G, 7 * G, true, 21 * G, G }, /* tip capped */
        { 200 * G, G, 0, 0, true, 1, 1 },               /* a free chain */
        { 15 * G, G, 10 * G, G, true, 15 * G, G },      /* fee capped, still minable */
        { 10 * G + G / 2, G, 10 * G, G, true, 10 * G + G / 2, G / 2 }, /* the tip gives way */
        { 10 * G, G, 10 * G, G, false, 0, 0 },                         /* no room for any tip */
        { 9 * G, G, 10 * G, G, false, 0, 0 },
    };
    for (size_t i = 0; i < GH_COUNT(cases); i++) {
        struct tx_fee_policy p = policy(cases[i].cap, cases[i].tip_cap, 1000);
        struct tx_fee_market m = market(cases[i].base, cases[i].tip);
        struct tx_fee f;
        assert_int_equal(tx_fee_fresh(&p, &m, false, &f) == TX_FEE_OK, cases[i].ok);
        if (cases[i].ok) {
            assert_int_equal(f.max_fee.w[0], cases[i].fee);
            assert_int_equal(f.max_tip.w[0], cases[i].got_tip);
        }
    }
}

static bool bumped(uint64_t cap, uint64_t tip_cap, uint32_t rel, uint64_t base, uint64_t old_fee,
                   uint64_t old_tip, struct tx_fee *out)
{
    struct tx_fee_policy p = policy(cap, tip_cap, rel);
    struct tx_fee_market m = market(base, 1);
    struct tx_fee old = { u256_of_u64(old_fee), u256_of_u64(old_tip), U256_ZERO };
    return tx_fee_bump(&p, &m, &old, 10, out) == TX_FEE_OK;
}

static void bumps_obey_the_pool_at_the_exact_limit(void **state)
{
    (void)state;
    struct tx_fee f;
    assert_true(bumped(1000, 1000, 0, 1, 100, 10, &f));
    assert_int_equal(f.max_fee.w[0], 110);
    assert_int_equal(f.max_tip.w[0], 11);
    assert_true(bumped(1000, 1000, 0, 1, 101, 11, &f)); /* rounded up */
    assert_int_equal(f.max_fee.w[0], 112);
    assert_int_equal(f.max_tip.w[0], 13);
    assert_true(
        bumped(1000, 1000, 0, 1, 1, 0, &f)); /* ten percent of nothing is still more than before */
    assert_int_equal(f.max_fee.w[0], 2 + 1);
    assert_int_equal(f.max_tip.w[0], 1);
    assert_true(bumped(110, 11, 0, 1, 100, 10, &f));
    assert_false(bumped(109, 11, 0, 1, 100, 10, &f));        /* fee cap, one below */
    assert_false(bumped(110, 10, 0, 1, 100, 10, &f));        /* tip cap, one below */
    assert_true(bumped(1000, 1000, 1000, 10, 100, 10, &f));  /* 110 <= 10 * 10 + 11 */
    assert_false(bumped(1000, 1000, 1000, 10, 102, 10, &f)); /* 113 > 111 */
    assert_true(bumped(100000, 1000, 0, 400, 100, 10, &f)); /* the market asks more than the rule */
    assert_int_equal(f.max_fee.w[0], 801);
    /* a thousand bumps never pass the caps */
    uint64_t fee = 100, tip = 10;
    int n = 0;
    while (bumped(5000, 300, 0, 1, fee, tip, &f)) {
        assert_true(f.max_fee.w[0] * 100 >= fee * 110 && f.max_tip.w[0] * 100 >= tip * 110);
        fee = f.max_fee.w[0];
        tip = f.max_tip.w[0];
        assert_true(++n < 1000);
    }
    assert_true(fee <= 5000 && tip <= 300 && n > 20);
}

static void bump_within_goes_to_the_caps_and_stops(void **state)
{
    (void)state;
    struct tx_fee_policy p = policy(150, 30, 0);
    struct tx_fee_market m = market(10, 1);
    struct tx_fee f = { u256_of_u64(100), u256_of_u64(10), U256_ZERO };
    assert_int_equal(tx_fee_bump_within(&p, &m, &f, 100, &f), TX_FEE_OK);
    assert_int_equal(f.max_fee.w[0], 150);
    assert_int_equal(f.max_tip.w[0], 20);
    assert_int_equal(tx_fee_bump_within(&p, &m, &f, 100, &f), TX_FEE_OK);
    assert_int_equal(f.max_tip.w[0], 30);
    assert_int_equal(tx_fee_bump_within(&p, &m, &f, 100, &f), TX_FEE_TIP_CAPPED);
}

static void costs_and_medians(void **state)
{
    (void)state;
    struct u256 fee = u256_of_u64(7), value = u256_of_u64(5);
    struct tx_fee f = { fee, U256_ZERO, u256_of_u64(2) };
    struct u256 c = tx_fee_worst_cost(10, 0, &f, &value);
    assert_int_equal(c.w[0], 75);
    fee = U256_MAX;
    f.max_fee = fee;
    c = tx_fee_worst_cost(2, 0, &f, &value);
    assert_true(u256_eq(&c, &U256_MAX));
    struct u256 r[3] = { { { 9, 0, 0, 0 } }, { { 1, 0, 0, 0 } }, { { 4, 0, 0, 0 } } };
    assert_int_equal(tx_fee_median(r, 3).w[0], 4);
    c = tx_fee_median(r, 0);
    assert_true(u256_is_zero(&c));
}

static void texts_of_geth_anvil_reth_and_others(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum tx_verdict want;
    } cases[] = {
        { "already known", TX_SEND_KNOWN },
        { "transaction already imported", TX_SEND_KNOWN },
        { "AlreadyKnown", TX_SEND_KNOWN },
        { "nonce too low: next nonce 9, tx nonce 8", TX_SEND_NONCE_LOW },
        { "nonce too low. allowed nonce range: 5 - 10, actual: 3", TX_SEND_NONCE_LOW },
        { "OldNonce, Current nonce: 5, nonce of rejected tx: 3", TX_SEND_NONCE_LOW },
        { "nonce too high", TX_SEND_NONCE_HIGH },
        { "replacement transaction underpriced", TX_SEND_REPLACE_LOW },
        { "replacement transaction underpriced: new tx gas fee cap 1 <= 2 queued",
          TX_SEND_REPLACE_LOW },
        { "ReplacementNotAllowed", TX_SEND_REPLACE_LOW },
        { "transaction underpriced", TX_SEND_UNDERPRICED },
        { "transaction underpriced: gas tip cap 0, minimum needed 1", TX_SEND_UNDERPRICED },
        { "max fee per gas less than block base fee: address 0x.., maxFeePerGas: 1, baseFee: 7",
          TX_SEND_BELOW_BASE },
        { "insufficient funds for gas * price + value: balance 0, tx cost 1", TX_SEND_LOW_FUNDS },
        { "Insufficient funds for gas * price + value", TX_SEND_LOW_FUNDS },
        { "Upfront cost exceeds account balance", TX_SEND_LOW_FUNDS },
        { "txpool is full", TX_SEND_POOL_FULL },
        { "address already reserved", TX_SEND_WRONG_KIND },
        { "tx fee (3.00 ether) exceeds the configured cap (1.00 ether)", TX_SEND_NODE_FEE_CAP },
        { "intrinsic gas too low: gas 100, minimum needed 21000", TX_SEND_BAD_GAS },
        { "exceeds block gas limit", TX_SEND_BAD_GAS },
        { "invalid chain id for signer: have 1 want 2", TX_SEND_BAD_TX },
        { "max priority fee per gas higher than max fee per gas", TX_SEND_BAD_TX },
        { "something nobody has seen", TX_SEND_UNCLEAR },
        { "", TX_SEND_UNCLEAR },
    };
    for (size_t i = 0; i < GH_COUNT(cases); i++) {
        struct err e;
        err_set(&e, ERR_REJECTED, "eth_sendRawTransaction: %s", cases[i].text);
        enum tx_verdict got = tx_classify_send(&e);
        if (got != cases[i].want)
            fail_msg("%s: %s", cases[i].text, tx_verdict_name(got));
        e.kind = ERR_TRANSIENT; /* what did not come from the node is never more than unclear */
        assert_int_equal(tx_classify_send(&e), TX_SEND_UNCLEAR);
    }
}

static void reverts_have_a_class_and_a_remedy(void **state)
{
    (void)state;
    const char *remedy;
    static const uint8_t time[] = { 0x08, 0x75, 0x39, 0x82, 0 };
    static const uint8_t role[] = { 0xfe, 0x0a, 0xa4, 0xf2 };
    static const uint8_t other[] = { 1, 2, 3, 4 };
    assert_int_equal(tx_classify_revert(bytes_of(time, 5), &remedy), TX_REVERT_WAIT);
    assert_int_equal(tx_classify_revert(bytes_of(role, 4), &remedy), TX_REVERT_FINAL);
    assert_non_null(strstr(remedy, "grant"));
    assert_int_equal(tx_classify_revert(bytes_of(other, 4), &remedy), TX_REVERT_FINAL);
    assert_string_equal(remedy, "");
    assert_int_equal(tx_classify_revert(bytes_of(time, 3), &remedy), TX_REVERT_FINAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fresh_fees),
        cmocka_unit_test(bumps_obey_the_pool_at_the_exact_limit),
        cmocka_unit_test(bump_within_goes_to_the_caps_and_stops),
        cmocka_unit_test(costs_and_medians),
        cmocka_unit_test(texts_of_geth_anvil_reth_and_others),
        cmocka_unit_test(reverts_have_a_class_and_a_remedy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
