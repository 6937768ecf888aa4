/* tests/unit/stf/test_stf_validation.c
 *
 * Every reason to refuse an L2 transaction (spec 10 §4.1): at the limit it passes, one beyond it does not. And the
 * order: a transaction with many faults is told the first. */
#include "tests/unit/stf/stf_chain.h"

static struct addr nobody(void)
{
    return addr_of_u32(0x123456);
}

struct fixture {
    struct chain c;
    struct addr to;
    struct stf_tx tx;
};

static void fixture_init(struct fixture *f)
{
    chain_init(&f->c);
    f->to = nobody();
    f->tx = chain_tx(&f->c, &f->to);
}

static void test_chain_and_type(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.tx.chain_id++;
    chain_expect_error(&f.c, &f.tx, STF_E_INVALID_CHAIN_ID);
    f.tx.chain_id--;
    f.tx.type = TX_BLOB;
    chain_expect_error(&f.c, &f.tx, STF_E_TX_TYPE_OFF);
    f.tx.type = TX_LEGACY;
    f.tx.has_chain_id = false; /* before EIP-155 */
    f.tx.chain_id = 0;
    f.tx.max_priority_fee = f.tx.max_fee;
    chain_expect(&f.c, &f.tx, true);
    chain_clear(&f.c);
}

static void test_gas_limits(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.tx.gas_limit = f.c.ctx.gas_limit + 1;
    chain_expect_error(&f.c, &f.tx, STF_E_GAS_LIMIT_MORE_THAN_BLOCK);
    f.tx.gas_limit = f.c.ctx.gas_limit;
    chain_expect(&f.c, &f.tx, true);
    f.c.ctx.gas_limit = UINT64_MAX / 256;
    f.tx.gas_limit = UINT64_MAX / 256;
    chain_expect_error(&f.c, &f.tx, STF_E_LACK_OF_FUND);
    f.tx.gas_limit = UINT64_MAX / 256 + 1;
    chain_expect_error(&f.c, &f.tx, STF_E_GAS_LIMIT_TOO_HIGH);
    f.tx.gas_limit = 100000;
    f.c.ctx.gas_limit = UINT64_MAX / 256 + 1;
    chain_expect_error(&f.c, &f.tx, STF_E_BLOCK_GAS_LIMIT_TOO_HIGH);
    chain_clear(&f.c);
}

static void test_fees(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.tx.max_priority_fee = u256_of_u64(1001);
    chain_expect_error(&f.c, &f.tx, STF_E_PRIORITY_FEE_GREATER_THAN_MAX_FEE);
    f.tx.max_priority_fee = u256_of_u64(1000);
    f.tx.max_fee = u256_of_u64(999);
    f.tx.max_priority_fee = U256_ZERO;
    chain_expect_error(&f.c, &f.tx, STF_E_BASE_FEE_GREATER_THAN_MAX_FEE);
    f.tx.max_fee = u256_of_u64(1007);
    f.tx.max_priority_fee = u256_of_u64(10); /* clipped to 7 */
    chain_expect(&f.c, &f.tx, true);
    assert_int_equal(f.c.result.effective_gas_price.w[0], 1007);
    chain_clear(&f.c);
}

static void test_zero_base_fee_is_free(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.c.ctx.base_fee = U256_ZERO;
    f.tx.max_priority_fee = u256_of_u64(2000); /* even above max_fee: not looked at */
    chain_expect(&f.c, &f.tx, true);
    assert_true(u256_is_zero(&f.c.result.effective_gas_price));
    assert_int_equal(f.c.result.gas_used, 21000);
    chain_clear(&f.c);
}

static void test_ratios(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct u256 big = u256_of_u64(UINT64_MAX), one = U256_ONE;
    f.c.ctx.native_price = U256_ONE;
    f.tx.max_fee = u256_add(&big, &one);
    f.tx.max_priority_fee = f.tx.max_fee;
    chain_expect_error(&f.c, &f.tx, STF_E_NATIVE_TOO_EXPENSIVE);
    f.tx.max_fee = big;
    f.tx.max_priority_fee = big;
    chain_expect_error(&f.c, &f.tx, STF_E_LACK_OF_FUND); /* the ratio fits; the purse does not */
    f.tx.max_fee = f.c.ctx.base_fee;
    f.tx.max_priority_fee = U256_ZERO;
    f.c.ctx.pubdata_price = u256_add(&big, &one);
    chain_expect_error(&f.c, &f.tx, STF_E_PUBDATA_PRICE_TOO_HIGH);
    f.c.ctx.pubdata_price = big;
    chain_expect_error(&f.c, &f.tx, STF_E_OUT_OF_NATIVE_VALIDATION);
    chain_clear(&f.c);
}

static void test_initcode_size(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    uint8_t *code = arena_zalloc(&f.c.w.arena, 49153);
    f.tx = chain_tx(&f.c, NULL);
    f.tx.gas_limit = 10000000;
    f.tx.data = bytes_of(code, 49153);
    chain_expect_error(&f.c, &f.tx, STF_E_INITCODE_SIZE);
    f.tx.data.len = 49152;
    chain_expect(&f.c, &f.tx, true);
    chain_clear(&f.c);
}

/* 57,640 gas * 16 native per gas = 922,240: just the intrinsic native. */
static void test_intrinsic_native(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.c.ctx.native_price = u256_of_u64(63); /* ceil(1000 / 63) = 16 */
    f.tx.gas_limit = 57639;
    chain_expect_error(&f.c, &f.tx, STF_E_OUT_OF_NATIVE_VALIDATION);
    f.tx.gas_limit = 57640;
    chain_expect(&f.c, &f.tx, false); /* included, and the body has nothing */
    assert_int_equal(f.c.result.gas_used, 57640);
    (void)chain_end(&f.c);
    /* with pubdata: 134 bytes at floor(130/63) = 2 native come before */
    f.c.ctx.pubdata_price = u256_of_u64(130);
    f.tx = chain_tx(&f.c, &f.to);
    f.tx.gas_limit = 57640 + 16; /* 256 native more; 268 needed */
    chain_expect_error(&f.c, &f.tx, STF_E_OUT_OF_NATIVE_VALIDATION);
    f.tx.gas_limit = 57640 + 17;
    chain_expect(&f.c, &f.tx, false);
    chain_clear(&f.c);
}

static void test_intrinsic_native_of_lists(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct b256 keys[2] = { b256_of_u64(1), b256_of_u64(2) };
    struct tx_access access = { .addr = f.to, .keys = keys, .key_cnt = 2 };
    f.c.ctx.native_price = f.c.ctx.base_fee; /* 1 native per gas */
    f.c.ctx.gas_limit = 1u << 30;
    uint64_t need = 922240 + 259 * 3 + 260238 + 2 * 256754;
    f.tx.access = &access;
    f.tx.access_cnt = 1;
    f.tx.data = chain_hex(&f.c, "010203");
    f.tx.gas_limit = need - 1;
    chain_expect_error(&f.c, &f.tx, STF_E_OUT_OF_NATIVE_VALIDATION);
    f.tx.gas_limit = need;
    chain_expect(&f.c, &f.tx, false);
    chain_clear(&f.c);
}

static void test_intrinsic_gas(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.tx.gas_limit = 20999;
    chain_expect_error(&f.c, &f.tx, STF_E_OUT_OF_GAS_VALIDATION);
    f.tx.gas_limit = 21000;
    chain_expect(&f.c, &f.tx, true);
    (void)chain_end(&f.c);
    struct b256 key = b256_of_u64(1);
    struct tx_access access = { .addr = f.to, .keys = &key, .key_cnt = 1 };
    f.tx = chain_tx(&f.c, &f.to);
    f.tx.data = chain_hex(&f.c, "0001"); /* 4 + 16 */
    f.tx.access = &access;
    f.tx.access_cnt = 1;
    f.tx.gas_limit = 21000 + 20 + 2400 + 1900 - 1;
    chain_expect_error(&f.c, &f.tx, STF_E_OUT_OF_GAS_VALIDATION);
    f.tx.gas_limit++;
    chain_expect(&f.c, &f.tx, true);
    (void)chain_end(&f.c);
    f.tx = chain_tx(&f.c, NULL); /* creation: 32000, 2 a word */
    f.tx.data = chain_hex(&f.c, "00");
    f.tx.gas_limit = 21000 + 4 + 32000 + 2 - 1;
    chain_expect_error(&f.c, &f.tx, STF_E_OUT_OF_GAS_VALIDATION);
    f.tx.gas_limit++;
    chain_expect(&f.c, &f.tx, true);
    chain_clear(&f.c);
}

static void test_signature(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct u256 n =
        world_number("0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
    struct u256 half = u256_shr(&n, 1), one = U256_ONE, s;
    chain_sign(&f.c, &f.tx);
    s = f.tx.s;
    f.tx.s = u256_sub(&n, &s);
    f.tx.y_parity ^= 1;
    chain_expect_error(&f.c, &f.tx, STF_E_MALLEABLE_SIGNATURE);
    f.tx.s = u256_add(&half, &one);
    chain_expect_error(&f.c, &f.tx, STF_E_MALLEABLE_SIGNATURE);
    f.tx.s = half; /* in range; recovers somebody else */
    chain_expect_error(&f.c, &f.tx, STF_E_INCORRECT_FROM);
    f.tx.s = U256_ZERO;
    chain_expect_error(&f.c, &f.tx, STF_E_INCORRECT_FROM);
    f.tx.s = s;
    chain_expect_error(&f.c, &f.tx, STF_E_INCORRECT_FROM); /* wrong parity */
    f.tx.y_parity ^= 1;
    f.tx.from.b[0] ^= 1;
    chain_expect_error(&f.c, &f.tx, STF_E_INCORRECT_FROM);
    f.tx.from_is_set = false; /* no hint: recovered */
    chain_expect(&f.c, &f.tx, true);
    chain_clear(&f.c);
}

static void test_unverified_sender_is_trusted(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.c.options.verify_signatures = false;
    f.tx.from = addr_of_u32(0x777);
    chain_fund(&f.c, &f.tx.from, SENDER_FUNDS);
    chain_expect(&f.c, &f.tx, true);
    (void)chain_end(&f.c);
    struct addr from = addr_of_u32(0x777);
    assert_int_equal(chain_nonce(&f.c, &from), 1);
    chain_clear(&f.c);
}

static void test_sender_with_code(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct u256 funds = u256_of_u64(SENDER_FUNDS);
    world_set_account(&f.c.w, &f.c.sender, 0, &funds, chain_hex(&f.c, "00"));
    chain_expect_error(&f.c, &f.tx, STF_E_REJECT_CALLER_WITH_CODE);
    chain_clear(&f.c);
}

static void test_nonce(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct u256 funds = u256_of_u64(SENDER_FUNDS);
    world_set_account(&f.c.w, &f.c.sender, 7, &funds, bytes_of(NULL, 0));
    f.tx.nonce = 8;
    chain_expect_error(&f.c, &f.tx, STF_E_NONCE_TOO_HIGH);
    assert_int_equal(f.c.result.fault.words[0].w[0], 8);
    assert_int_equal(f.c.result.fault.words[1].w[0], 7);
    f.tx.nonce = 6;
    chain_expect_error(&f.c, &f.tx, STF_E_NONCE_TOO_LOW);
    f.tx.nonce = 7;
    chain_expect(&f.c, &f.tx, true);
    world_set_account(&f.c.w, &f.c.sender, UINT64_MAX, &funds, bytes_of(NULL, 0));
    f.tx.nonce = UINT64_MAX;
    chain_expect_error(&f.c, &f.tx, STF_E_NONCE_OVERFLOW);
    world_set_account(&f.c.w, &f.c.sender, UINT64_MAX - 1, &funds, bytes_of(NULL, 0));
    f.tx.nonce = UINT64_MAX - 1;
    f.c.b = NULL;
    chain_expect(&f.c, &f.tx, true);
    chain_clear(&f.c);
}

static void test_balance(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.tx.value = u256_of_u64(5);
    f.tx.max_fee = u256_of_u64(2000); /* what could be paid counts, not what will be */
    chain_fund(&f.c, &f.c.sender, 100000u * 2000u + 4);
    chain_expect_error(&f.c, &f.tx, STF_E_LACK_OF_FUND);
    chain_fund(&f.c, &f.c.sender, 100000u * 2000u + 5);
    chain_expect(&f.c, &f.tx, true);
    f.tx.value = U256_MAX;
    chain_expect_error(&f.c, &f.tx, STF_E_OVERFLOW_PAYMENT);
    chain_clear(&f.c);
}

static void test_authorization_list_is_empty(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.tx.type = TX_SET_CODE;
    chain_expect_error(&f.c, &f.tx, STF_E_AUTH_LIST_EMPTY);
    chain_clear(&f.c);
}

/* Faults are added from the last check to the first; each time the new one is told. */
static void test_order(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    chain_sign(&f.c, &f.tx);
    f.tx.value = u256_of_u64(SENDER_FUNDS);
    chain_expect_error(&f.c, &f.tx, STF_E_LACK_OF_FUND);
    f.tx.type = TX_SET_CODE;
    chain_expect_error(&f.c, &f.tx, STF_E_AUTH_LIST_EMPTY);
    f.tx.nonce = 1;
    chain_expect_error(&f.c, &f.tx, STF_E_NONCE_TOO_HIGH);
    struct u256 none = U256_ZERO;
    world_set_account(&f.c.w, &f.c.sender, 0, &none, chain_hex(&f.c, "00"));
    chain_expect_error(&f.c, &f.tx, STF_E_REJECT_CALLER_WITH_CODE);
    f.tx.from.b[3] ^= 1;
    chain_expect_error(&f.c, &f.tx, STF_E_INCORRECT_FROM);
    f.tx.gas_limit = 20000;
    f.c.ctx.native_price = U256_ONE;
    chain_expect_error(&f.c, &f.tx, STF_E_OUT_OF_GAS_VALIDATION);
    f.c.ctx.native_price = u256_of_u64(1000);
    chain_expect_error(&f.c, &f.tx, STF_E_OUT_OF_NATIVE_VALIDATION);
    f.tx.is_create = true;
    f.tx.data = bytes_of(arena_zalloc(&f.c.w.arena, 49153), 49153);
    chain_expect_error(&f.c, &f.tx, STF_E_INITCODE_SIZE);
    f.tx.max_fee = u256_of_u64(1);
    chain_expect_error(&f.c, &f.tx, STF_E_BASE_FEE_GREATER_THAN_MAX_FEE);
    f.tx.max_priority_fee = u256_of_u64(2);
    chain_expect_error(&f.c, &f.tx, STF_E_PRIORITY_FEE_GREATER_THAN_MAX_FEE);
    f.tx.gas_limit = f.c.ctx.gas_limit + 1;
    chain_expect_error(&f.c, &f.tx, STF_E_GAS_LIMIT_MORE_THAN_BLOCK);
    f.tx.gas_limit = UINT64_MAX;
    chain_expect_error(&f.c, &f.tx, STF_E_GAS_LIMIT_TOO_HIGH);
    f.tx.chain_id = 1;
    chain_expect_error(&f.c, &f.tx, STF_E_INVALID_CHAIN_ID);
    chain_clear(&f.c);
}

static void test_system_transactions(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct stf_tx tx = chain_system_tx(&f.c, 0x800b, "040203e6");
    chain_expect(&f.c, &tx, true);
    assert_int_equal(f.c.result.gas_used, 21000 + 4 * 16);
    assert_int_equal(f.c.result.pubdata_used, 0);
    f.c.b = NULL;
    tx = chain_system_tx(&f.c, 0x800b, "040203e7");
    chain_expect_error(&f.c, &tx, STF_E_INVALID_STRUCTURE);
    tx = chain_system_tx(&f.c, 0x800b, "0402");
    chain_expect_error(&f.c, &tx, STF_E_INVALID_STRUCTURE);
    tx = chain_system_tx(&f.c, 0x800c, "040203e6");
    chain_expect_error(&f.c, &tx, STF_E_INVALID_STRUCTURE);
    tx = chain_system_tx(&f.c, 0x10008, "cca2f7bc");
    chain_expect(&f.c, &tx, true);
    f.c.b = NULL;
    tx = chain_system_tx(&f.c, 0x1000d, "08273d8a");
    chain_expect(&f.c, &tx, true);
    f.c.b = NULL;
    tx.from = f.c.sender;
    chain_expect_error(&f.c, &tx, STF_E_INCORRECT_FROM);
    chain_clear(&f.c);
}

static void test_simulation(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.c.options.simulate = true;
    struct addr poor = addr_of_u32(0x5151);
    chain_put_code(&f.c, &poor, "00"); /* a contract without a token, any nonce */
    f.tx.from = poor;
    f.tx.nonce = 99;
    chain_expect(&f.c, &f.tx, true);
    f.tx.max_fee = U256_ZERO; /* price 0: native by the base fee */
    chain_expect(&f.c, &f.tx, true);
    assert_true(u256_is_zero(&f.c.result.effective_gas_price));
    /* the sender's balance is written at full length by validation, which is in the 134 */
    assert_int_equal(f.c.result.pubdata_used, 134);
    chain_clear(&f.c);
}

static void test_context(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct stf_fault fault;
    struct stf_block_context bad = f.c.ctx;
    bad.native_price = U256_ZERO;
    assert_null(stf_block_begin(&f.c.w.arena, f.c.rules, &bad, &f.c.w.oracle, crypto_host(),
                                &f.c.options, &fault));
    assert_int_equal(fault.code, STF_E_CONTEXT);
    bad = f.c.ctx;
    bad.blob_fee = u256_of_u64(2);
    assert_null(stf_block_begin(&f.c.w.arena, f.c.rules, &bad, &f.c.w.oracle, crypto_host(),
                                &f.c.options, &fault));
    bad = f.c.ctx;
    bad.base_fee.w[1] = 1;
    assert_null(stf_block_begin(&f.c.w.arena, f.c.rules, &bad, &f.c.w.oracle, crypto_host(),
                                &f.c.options, &fault));
    assert_null(stf_block_begin(&f.c.w.arena, NULL, &f.c.ctx, &f.c.w.oracle, crypto_host(),
                                &f.c.options, &fault));
    assert_int_equal(fault.code, STF_E_CONTEXT);
    chain_clear(&f.c);
}

static void test_state_unavailable(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.c.w.broken = true;
    chain_begin(&f.c);
    assert_int_equal(chain_run(&f.c, &f.tx), STF_FATAL);
    assert_int_equal(f.c.result.fault.code, STF_E_ORACLE);
    f.c.w.broken = false; /* the block stays lost */
    assert_int_equal(chain_run(&f.c, &f.tx), STF_FATAL);
    struct stf_block_output out;
    struct stf_fault fault;
    assert_false(stf_block_end(f.c.b, &out, &fault));
    assert_int_equal(fault.code, STF_E_ORACLE);
    chain_clear(&f.c);
}

static void test_error_list(void **state)
{
    (void)state;
    assert_string_equal(stf_error_name(STF_E_NONCE_TOO_LOW), "NonceTooLow");
    assert_string_equal(stf_error_name(STF_ERROR_CNT), "UnknownError");
    assert_int_equal(stf_error_policy(STF_E_NONCE_TOO_HIGH), 'K');
    assert_int_equal(stf_error_policy(STF_E_BLOCK_GAS_LIMIT), 'S');
    assert_int_equal(stf_error_policy(STF_ERROR_CNT), 'F');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain_and_type),
        cmocka_unit_test(test_gas_limits),
        cmocka_unit_test(test_fees),
        cmocka_unit_test(test_zero_base_fee_is_free),
        cmocka_unit_test(test_ratios),
        cmocka_unit_test(test_initcode_size),
        cmocka_unit_test(test_intrinsic_native),
        cmocka_unit_test(test_intrinsic_native_of_lists),
        cmocka_unit_test(test_intrinsic_gas),
        cmocka_unit_test(test_signature),
        cmocka_unit_test(test_unverified_sender_is_trusted),
        cmocka_unit_test(test_sender_with_code),
        cmocka_unit_test(test_nonce),
        cmocka_unit_test(test_balance),
        cmocka_unit_test(test_authorization_list_is_empty),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_system_transactions),
        cmocka_unit_test(test_simulation),
        cmocka_unit_test(test_context),
        cmocka_unit_test(test_state_unavailable),
        cmocka_unit_test(test_error_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
