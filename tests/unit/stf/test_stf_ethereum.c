/* tests/unit/stf/test_stf_ethereum.c
 *
 * The flow by Ethereum's rules where it differs: burned base fee, blob fee, no native, no system transactions. The
 * public state tests cover the rest. */
#include "tests/unit/stf/stf_chain.h"

#define BASE_FEE 1000u

static void ethereum_init(struct chain *c)
{
    chain_init(c);
    c->rules = stf_rules_ethereum_cancun();
    c->ctx.native_price = U256_ZERO;
    c->ctx.pubdata_limit = 0;
    c->ctx.blob_fee = u256_of_u64(3);
}

static void test_base_fee_is_burned(void **state)
{
    (void)state;
    struct chain c;
    ethereum_init(&c);
    struct addr to = addr_of_u32(0x123456);
    struct stf_tx tx = chain_tx(&c, &to);
    tx.max_fee = u256_of_u64(1500);
    tx.max_priority_fee = u256_of_u64(10);
    tx.value = u256_of_u64(7);
    chain_expect(&c, &tx, true);
    assert_int_equal(c.result.effective_gas_price.w[0], 1010);
    assert_int_equal(c.result.gas_used, 21000);
    (void)chain_end(&c);
    assert_int_equal(chain_balance(&c, &c.ctx.coinbase), 21000 * 10);
    assert_int_equal(chain_balance(&c, &c.sender), SENDER_FUNDS - 7 - 21000 * 1010);
    chain_clear(&c);
}

static void test_blobs(void **state)
{
    (void)state;
    struct chain c;
    ethereum_init(&c);
    struct addr to = addr_of_u32(0x123456);
    struct b256 hashes[7];
    memset(hashes, 0, sizeof hashes);
    for (size_t i = 0; i < 7; i++) {
        hashes[i].b[0] = 1;
        hashes[i].b[31] = (uint8_t)(0x10 + i);
    }
    chain_put_code(&c, &to, "5f495f5260024960205260025f5560405ff3"); /* returns hashes 0 and 2 */
    struct stf_tx tx = chain_tx(&c, &to);
    tx.type = TX_BLOB;
    tx.max_fee_per_blob_gas = u256_of_u64(3);
    tx.blob_hashes = hashes;
    tx.blob_cnt = 0;
    chain_expect_error(&c, &tx, STF_E_BLOB_INVALID);
    tx.blob_cnt = 7;
    chain_expect_error(&c, &tx, STF_E_BLOB_INVALID);
    tx.blob_cnt = 2;
    hashes[1].b[0] = 2;
    chain_expect_error(&c, &tx, STF_E_BLOB_INVALID);
    hashes[1].b[0] = 1;
    tx.max_fee_per_blob_gas = u256_of_u64(2);
    chain_expect_error(&c, &tx, STF_E_BLOB_FEE);
    tx.max_fee_per_blob_gas = u256_of_u64(3);
    chain_expect(&c, &tx, true);
    assert_memory_equal(c.result.output.p, hashes[0].b, 32);
    assert_int_equal(c.result.output.p[32 + 31], 0); /* beyond the list */
    uint64_t used = c.result.gas_used;
    (void)chain_end(&c);
    assert_int_equal(chain_balance(&c, &c.sender),
                     SENDER_FUNDS - used * BASE_FEE - UINT64_C(2) * 131072 * 3);
    chain_fund(&c, &c.sender, 100000 * BASE_FEE + 2 * 131072 * 3 - 1);
    tx.nonce = 0;
    chain_expect_error(&c, &tx, STF_E_LACK_OF_FUND);
    chain_clear(&c);
}

static void test_limits(void **state)
{
    (void)state;
    struct chain c;
    ethereum_init(&c);
    struct addr to = addr_of_u32(0x123456);
    struct stf_tx tx = chain_tx(&c, &to), second;
    c.ctx.gas_limit = 50000;
    tx.gas_limit = 50001;
    chain_expect_error(&c, &tx, STF_E_GAS_LIMIT_MORE_THAN_BLOCK);
    tx.gas_limit = 50000;
    chain_expect(&c, &tx, true);
    second = chain_tx(&c, &to); /* only what the first left */
    second.nonce = 1;
    second.gas_limit = 29001;
    assert_int_equal(chain_run(&c, &second), STF_INVALID);
    assert_int_equal(c.result.fault.code, STF_E_GAS_LIMIT_MORE_THAN_BLOCK);
    second.gas_limit = 29000;
    chain_expect(&c, &second, true);
    c.b = NULL;
    tx.type = TX_SET_CODE;
    chain_expect_error(&c, &tx, STF_E_TX_TYPE_OFF);
    tx.type = TX_SYSTEM;
    chain_expect_error(&c, &tx, STF_E_TX_TYPE_OFF);
    tx.type = TX_PRIORITY;
    assert_int_equal(chain_run(&c, &tx), STF_FATAL);
    chain_clear(&c);
}

/* Hooks of ZKsync OS are ordinary addresses here. */
static void test_no_hooks(void **state)
{
    (void)state;
    struct chain c;
    ethereum_init(&c);
    struct addr deployer = addr_of_u32(0x8006);
    chain_put_code(&c, &deployer, "602a60005260206000f3");
    struct stf_tx tx = chain_tx(&c, &deployer);
    chain_expect(&c, &tx, true);
    assert_int_equal(c.result.output.p[31], 42);
    chain_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_fee_is_burned),
        cmocka_unit_test(test_blobs),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_no_hooks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
