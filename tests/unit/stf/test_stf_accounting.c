/* tests/unit/stf/test_stf_accounting.c
 *
 * Both resources of whole transactions, at the limit and one below it: what is charged before the body, what the body and
 * its pubdata may use, gas_used by the formula of spec 10 §7.4, and the limits of a block. Numbers are those of
 * zksync-os v0.3.0 (constants.rs, refund_calculation.rs), typed here. */
#include "tests/unit/stf/stf_chain.h"

#include "node/stf/rules.h"

#define INTRINSIC 922240u
/* a transfer to an absent account: the sender's environment, the callee, can the sender pay, two balances */
#define TRANSFER (4000u + 250240u + 4000u + 10000u)
#define PER_AUTH 860194u

static struct stf_tx transfer(struct chain *c)
{
    struct addr to = chain_receiver();
    struct stf_tx tx = chain_tx(c, &to);
    tx.value = u256_of_u64(7);
    return tx;
}

/* ---- gas_used ---- */

static void test_gas_used_by_the_formula(void **state)
{
    (void)state;
    const uint64_t native = INTRINSIC + TRANSFER;
    for (uint64_t per_gas = 12; per_gas < 80; per_gas += 3) {
        struct chain c;
        chain_init(&c);
        /* the ratio is a ceiling: every price above the next lower multiple gives the same */
        c.ctx.native_price = u256_of_u64(1000);
        c.ctx.base_fee = u256_of_u64(1000 * (per_gas - 1) + 1 + per_gas % 7 * 100);
        struct stf_tx tx = transfer(&c);
        chain_expect(&c, &tx, true);
        uint64_t by_native = native / per_gas;
        assert_int_equal(c.result.gas_used, by_native > 21000 ? by_native : 21000);
        assert_int_equal(c.result.native_used, native);
        assert_int_equal(c.result.computational_native_used, native);
        assert_int_equal(c.result.pubdata_used, 134 + 32 + 1 + 2);
        chain_clear(&c);
    }
}

/* Pubdata decides: 134 bytes before the body, 35 of it behind, the ratio of pubdata a floor. */
static void test_gas_used_by_pubdata(void **state)
{
    (void)state;
    for (uint64_t price = 900000; price < 3000000; price += 333333) {
        struct chain c;
        chain_init(&c);
        c.ctx.native_price = u256_of_u64(1000); /* 1 native a gas at the base fee */
        c.ctx.base_fee = u256_of_u64(20000);    /* 20 */
        c.ctx.pubdata_price = u256_of_u64(price);
        struct stf_tx tx = transfer(&c);
        uint64_t per_byte = price / 1000;
        uint64_t native = INTRINSIC + TRANSFER + per_byte * (134 + 35);
        chain_expect(&c, &tx, true);
        assert_int_equal(c.result.native_used, native);
        assert_int_equal(c.result.computational_native_used, INTRINSIC + TRANSFER);
        assert_int_equal(c.result.gas_used, native / 20);
        /* exactly enough for it, and a unit of gas less */
        c.b = NULL;
        tx.gas_limit = (native + 19) / 20;
        chain_expect(&c, &tx, true);
        assert_int_equal(c.result.gas_used, native / 20);
        c.b = NULL;
        tx.gas_limit = native / 20 - (native % 20 == 0);
        chain_expect(&c, &tx, false);
        assert_int_equal(c.result.gas_used, tx.gas_limit); /* all of it */
        /* the body is gone and so is what it would have published */
        assert_int_equal(c.result.native_used, INTRINSIC + TRANSFER + per_byte * 134);
        assert_int_equal(c.result.pubdata_used, 134);
        (void)chain_end(&c);
        struct addr to = chain_receiver();
        assert_int_equal(chain_balance(&c, &to), 0);
        assert_int_equal(chain_nonce(&c, &c.sender), 1);
        chain_clear(&c);
    }
}

/* A refund counts before the native delta, so a transaction that native decides does not see it. */
static void test_refund_and_native(void **state)
{
    (void)state;
    for (unsigned bound = 0; bound < 2; bound++) {
        struct chain c;
        chain_init(&c);
        struct addr to = chain_receiver();
        struct b256 slot = b256_of_u64(0), five = b256_of_u64(5);
        chain_put_code(&c, &to, "5f5f5500");
        world_set_slot(&c.w, &to, &slot, &five);
        c.ctx.native_price = u256_of_u64(bound ? 50 : 10);
        struct stf_tx tx = chain_tx(&c, &to);
        chain_expect(&c, &tx, true);
        uint64_t native = INTRINSIC + 4000 + 131100 + 1640 + 140 + 120 + 4000 + 121120 + 50560 + 20;
        uint64_t gas = 21000 + 4 + 5000;
        assert_int_equal(c.result.gas_refunded, 4800);
        assert_int_equal(c.result.native_used, native);
        assert_int_equal(c.result.gas_used, bound ? native / 20 : gas - 4800);
        assert_true(!bound || native / 20 > gas - 4800);
        chain_clear(&c);
    }
}

/* ---- what is charged before the body ---- */

struct intrinsic_row {
    uint64_t data_len, addresses, keys_each, native;
};

static void test_intrinsic_native_to_the_unit(void **state)
{
    (void)state;
    static const struct intrinsic_row rows[] = {
        { 0, 0, 0, INTRINSIC },
        { 1, 0, 0, INTRINSIC + 259 },
        { 1000, 0, 0, INTRINSIC + 259000 },
        { 0, 1, 0, INTRINSIC + 2000 + 250240 + 31 * 258 },
        { 0, 1, 1, INTRINSIC + 260238 + 2000 + 4000 + 242240 + 33 * 258 },
        { 3, 2, 3, INTRINSIC + 777 + 2 * 260238 + 6 * 256754 },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        const struct intrinsic_row *row = &rows[i];
        struct chain c;
        chain_init(&c);
        c.ctx.native_price = c.ctx.base_fee;     /* 1 native a gas */
        c.ctx.pubdata_price = u256_of_u64(3000); /* 3 a byte */
        c.ctx.gas_limit = 1u << 30;
        struct addr to = chain_receiver();
        struct b256 keys[3] = { b256_of_u64(1), b256_of_u64(2), b256_of_u64(3) };
        struct tx_access access[2] = { { to, keys, row->keys_each },
                                       { addr_of_u32(5), keys, row->keys_each } };
        struct stf_tx tx = chain_tx(&c, &to);
        tx.access = access;
        tx.access_cnt = row->addresses;
        tx.data = bytes_of(arena_zalloc(&c.w.arena, 1000), row->data_len);
        tx.gas_limit = row->native + 3 * 134 - 1;
        chain_expect_error(&c, &tx, STF_E_OUT_OF_NATIVE_VALIDATION);
        /* enough to begin with nothing left: included, and the first thing the body does kills it */
        tx.gas_limit = row->native + 3 * 134;
        chain_expect(&c, &tx, false);
        assert_int_equal(c.result.gas_used, tx.gas_limit);
        assert_int_equal(c.result.computational_native_used, row->native);
        assert_int_equal(c.result.native_used, tx.gas_limit);
        assert_int_equal(c.result.pubdata_used, 134);
        chain_clear(&c);
    }
}

static void test_service_transaction(void **state)
{
    (void)state;
    struct chain c;
    chain_init(&c);
    c.ctx.pubdata_price = u256_of_u64(1000000);
    struct stf_tx tx = chain_system_tx(&c, 0x800b, "040203e6");
    chain_expect(&c, &tx, true); /* nobody lives there */
    assert_int_equal(c.result.pubdata_used, 0);
    /* 0x8001 was read by validation; the callee is absent */
    assert_int_equal(c.result.computational_native_used, 322740 + 4 * 129 + 4000 + 250240);
    assert_int_equal(c.result.gas_used, 21000 + 64);
    chain_clear(&c);
}

/* ---- EIP-7702 ---- */

static void test_authorizations(void **state)
{
    (void)state;
    struct chain c;
    chain_init(&c);
    struct addr to = chain_receiver();
    chain_put_code(&c, &to, CODE_REVERT);
    struct tx_authorization auths[2] = { chain_authorization(&c.key, 270, &to, 1),
                                         chain_authorization(&c.key, 270, &to, 9) };
    c.ctx.native_price = c.ctx.base_fee;
    c.ctx.gas_limit = 1u << 30;
    struct stf_tx tx = chain_tx(&c, &to);
    tx.type = TX_SET_CODE;
    tx.auths = auths;
    tx.auth_cnt = 2; /* the second is for another nonce: paid for all the same */
    tx.gas_limit = INTRINSIC + 2 * PER_AUTH - 1;
    chain_expect_error(&c, &tx, STF_E_OUT_OF_NATIVE_VALIDATION);
    tx.gas_limit += 1;
    chain_expect(&c, &tx, false);
    assert_int_equal(c.result.computational_native_used, INTRINSIC + 2 * PER_AUTH);
    assert_int_equal(c.result.pubdata_used, 134 + 2 * 80);
    c.b = NULL;
    /* the refund for an authority that exists outlives the body that reverts, and one that is out of native */
    c.ctx.native_price = U256_ONE;
    tx.gas_limit = 500000;
    chain_expect(&c, &tx, false);
    uint64_t gas = 21000 + 50000 + 3 + 3 + 3 + 3 + 3 + 3;
    assert_int_equal(c.result.gas_refunded, 12500);
    assert_int_equal(c.result.gas_used, gas - 12500);
    (void)chain_end(&c);
    struct account_record rec = world_account(&c.w, &c.sender);
    assert_int_equal(rec.nonce, 2);
    assert_int_equal(rec.versioning, ACCOUNT_VERSIONING_DELEGATED);
    chain_clear(&c);
}

/* ---- limits of a block ---- */

/* Two transfers and an L1 transaction under rules like v31's with limits one can reach in a test: how many fit, and what
 * seals the block. */
static void check_block_limits(uint64_t native_limit, uint32_t log_limit, unsigned fit,
                               enum stf_error e)
{
    struct chain c;
    chain_init(&c);
    struct stf_rules rules = *c.rules;
    rules.block_native_limit = native_limit;
    rules.block_l2_log_limit = log_limit;
    c.rules = &rules;
    struct addr to = chain_receiver();
    struct stf_tx txs[3] = { transfer(&c), transfer(&c), chain_l1_tx(&c, TX_PRIORITY, &to, 0) };
    txs[1].nonce = 1;
    txs[2].max_fee = U256_ZERO;
    txs[2].to_mint = U256_ZERO;
    for (unsigned i = 0; i < fit; i++)
        chain_expect(&c, &txs[i], true);
    if (fit < 3) {
        assert_int_equal(chain_run(&c, &txs[fit]), STF_SEAL);
        assert_int_equal(c.result.fault.code, e);
    }
    assert_int_equal(stf_block_totals(c.b).tx_cnt, fit);
    chain_clear(&c);
}

static void test_block_limits_to_the_unit(void **state)
{
    (void)state;
    /* the second transfer finds the receiver absent at the start of the block: the same again */
    const uint64_t one = INTRINSIC + TRANSFER;
    check_block_limits(UINT64_MAX, 1, 3, STF_OK);
    check_block_limits(UINT64_MAX, 0, 2, STF_E_BLOCK_LOGS_LIMIT);
    check_block_limits(2 * one, 1, 2, STF_E_BLOCK_NATIVE_LIMIT);
    check_block_limits(2 * one - 1, 1, 1, STF_E_BLOCK_NATIVE_LIMIT);
    check_block_limits(one, 1, 1, STF_E_BLOCK_NATIVE_LIMIT);
    check_block_limits(one - 1, 1, 0, STF_E_BLOCK_NATIVE_LIMIT);
}

/* ---- L1 transactions ---- */

/* No deposit, no pubdata price: 2,875,420, the hash of 832 bytes, the sender and the callee, both absent. */
#define L1_TRANSFER (2875420u + 2500u + 7u * 17500u + 250240u + 250240u)

static void test_l1_native_to_the_unit(void **state)
{
    (void)state;
    for (uint64_t short_by = 0; short_by < 2; short_by++) {
        struct chain c;
        chain_init(&c);
        struct addr to = chain_receiver(), treasury = addr_of_u32(0x10011);
        chain_fund(&c, &treasury, 1000000000);
        struct stf_tx tx = chain_l1_tx(&c, TX_PRIORITY, &to, 0);
        tx.gas_per_pubdata = 0;
        tx.gas_limit = L1_TRANSFER / 100 - short_by; /* 100 native a gas: 1,000 / 10 */
        tx.to_mint = u256_of_u64(tx.gas_limit * 1000);
        chain_expect(&c, &tx, short_by == 0);
        assert_int_equal(L1_TRANSFER % 100, 0);
        assert_int_equal(c.result.gas_used, tx.gas_limit);
        assert_int_equal(c.result.native_used, tx.gas_limit * 100);
        assert_int_equal(c.result.computational_native_used, tx.gas_limit * 100);
        assert_int_equal(c.result.pubdata_used, 351);
        chain_clear(&c);
    }
}

/* The account an L1 transaction comes from is read before its call, so it is warm inside. */
static void test_l1_sender_is_warm(void **state)
{
    (void)state;
    struct chain c;
    chain_init(&c);
    struct addr to = chain_receiver();
    chain_put_code(&c, &to, "333100"); /* BALANCE(CALLER) */
    struct stf_tx tx = chain_l1_tx(&c, TX_PRIORITY, &to, 0);
    tx.max_fee = U256_ZERO;
    tx.to_mint = U256_ZERO;
    tx.gas_per_pubdata = 0;
    chain_expect(&c, &tx, true);
    assert_int_equal(c.result.gas_used, 21000 + 2 + 100);
    chain_clear(&c);
}

/* The deposit's share of the body: the tracker's caller 0x800a and the tracker, both absent here, then the treasury's
 * and the sender's balances, at the price of native and for no gas. */
static void test_l1_deposit(void **state)
{
    (void)state;
    struct chain c;
    chain_init(&c);
    struct addr to = chain_receiver(), treasury = addr_of_u32(0x10011);
    chain_fund(&c, &treasury, 1u << 30);
    struct stf_tx tx = chain_l1_tx(&c, TX_PRIORITY, &to, 5);
    tx.max_fee = U256_ZERO;
    tx.gas_per_pubdata = 0;
    tx.to_mint = u256_of_u64(5);
    chain_expect(&c, &tx, true);
    uint64_t mint = 250240 + 250240 + (131100 + 1000) + (250240 + 1000);
    uint64_t body = 4000 + 250240 + 4000 + 10000; /* sender warm by now */
    assert_int_equal(c.result.computational_native_used, 2875420 + 2500 + 7 * 17500 + mint + body);
    assert_int_equal(c.result.gas_used, 21000);
    chain_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gas_used_by_the_formula),
        cmocka_unit_test(test_gas_used_by_pubdata),
        cmocka_unit_test(test_refund_and_native),
        cmocka_unit_test(test_intrinsic_native_to_the_unit),
        cmocka_unit_test(test_service_transaction),
        cmocka_unit_test(test_authorizations),
        cmocka_unit_test(test_block_limits_to_the_unit),
        cmocka_unit_test(test_l1_native_to_the_unit),
        cmocka_unit_test(test_l1_sender_is_warm),
        cmocka_unit_test(test_l1_deposit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
