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

/* EIP-7691 and EIP-7594: how many blobs a transaction carries */
static void test_blob_count_by_fork(void **state)
{
    (void)state;
    static const struct {
        const struct stf_rules *(*rules)(void);
        size_t max;
    } forks[] = { { stf_rules_ethereum_cancun, 6 },
                  { stf_rules_ethereum_prague, 9 },
                  { stf_rules_ethereum_osaka, 6 } };
    for (size_t i = 0; i < GH_COUNT(forks); i++) {
        struct chain c;
        ethereum_init(&c);
        c.rules = forks[i].rules();
        struct b256 hashes[10];
        memset(hashes, 0, sizeof hashes);
        for (size_t k = 0; k < GH_COUNT(hashes); k++)
            hashes[k].b[0] = 1;
        struct addr to = addr_of_u32(0x123456);
        struct stf_tx tx = chain_tx(&c, &to);
        tx.type = TX_BLOB;
        tx.max_fee_per_blob_gas = u256_of_u64(3);
        tx.blob_hashes = hashes;
        tx.blob_cnt = forks[i].max + 1;
        chain_expect_error(&c, &tx, STF_E_BLOB_INVALID);
        tx.blob_cnt = forks[i].max;
        chain_expect(&c, &tx, true);
        chain_clear(&c);
    }
}

/* EIP-7623: 10 per token, a token a zero byte or a quarter of another byte */
static void test_calldata_floor(void **state)
{
    (void)state;
    struct chain c;
    ethereum_init(&c);
    c.rules = stf_rules_ethereum_prague();
    uint8_t data[1000];
    memset(data, 1, sizeof data);
    memset(data, 0, 100);
    uint64_t tokens = 100 + 4 * 900, floor = 21000 + 10 * tokens;
    struct addr to = addr_of_u32(0x123456), burner = addr_of_u32(0x123457);
    struct stf_tx tx = chain_tx(&c, &to);
    tx.data = bytes_of(data, sizeof data);
    tx.gas_limit = floor - 1;
    chain_expect_error(&c, &tx, STF_E_OUT_OF_GAS_VALIDATION);
    tx.gas_limit = floor;
    chain_expect(&c, &tx, true);
    assert_int_equal(c.result.gas_used, floor);
    (void)chain_end(&c);
    assert_int_equal(chain_balance(&c, &c.sender), SENDER_FUNDS - floor * BASE_FEE);

    /* who executes for more pays what it executed */
    chain_put_code(&c, &burner, CODE_LOOP);
    tx = chain_tx(&c, &burner);
    tx.data = bytes_of(data, sizeof data);
    tx.gas_limit = floor + 1;
    c.b = NULL;
    chain_expect(&c, &tx, false);
    assert_int_equal(c.result.gas_used, floor + 1);

    /* before Prague there is no floor */
    c.rules = stf_rules_ethereum_cancun();
    c.b = NULL;
    tx.to = to;
    tx.gas_limit = 21000 + 4 * tokens;
    chain_expect(&c, &tx, true);
    assert_int_equal(c.result.gas_used, 21000 + 4 * tokens);
    chain_clear(&c);
}

/* EIP-7825 */
static void test_gas_limit_cap(void **state)
{
    (void)state;
    struct chain c;
    ethereum_init(&c);
    struct addr to = addr_of_u32(0x123456);
    struct stf_tx tx = chain_tx(&c, &to);
    tx.gas_limit = (1u << 24) + 1;
    c.rules = stf_rules_ethereum_prague();
    chain_expect(&c, &tx, true);
    c.rules = stf_rules_ethereum_osaka();
    chain_expect_error(&c, &tx, STF_E_GAS_LIMIT_TOO_HIGH);
    tx.gas_limit = 1u << 24;
    chain_expect(&c, &tx, true);
    chain_clear(&c);
}

/* EIP-7702 under Ethereum's prices: 25,000 an authorization, half of it back for an account that exists. The sender
 * delegates itself (its nonce is one ahead by then); a delegation outlives a failed body. */
static void test_set_code(void **state)
{
    (void)state;
    struct chain c;
    ethereum_init(&c);
    c.ctx.chain_id = 1;
    c.rules = stf_rules_ethereum_prague();
    struct addr target = addr_of_u32(0x123456), reverts = addr_of_u32(0x123457);
    chain_put_code(&c, &target, "602a60005260206000f3");
    chain_put_code(&c, &reverts, CODE_REVERT);
    struct stf_tx tx = chain_tx(&c, &c.sender);
    tx.type = TX_SET_CODE;
    chain_expect_error(&c, &tx, STF_E_AUTH_LIST_EMPTY);
    struct tx_authorization auths[3] = { chain_authorization(&c.key, 1, &target, 1),
                                         chain_authorization(&c.key, 1, &target,
                                                             1), /* nonce is 2 by now */
                                         chain_authorization(&c.key, 2, &target,
                                                             2) /* another chain */ };
    tx.auths = auths;
    tx.auth_cnt = 3;
    tx.gas_limit = 150000;
    tx.is_create = true;
    chain_expect_error(&c, &tx, STF_E_INVALID_STRUCTURE);
    tx.is_create = false;
    tx.gas_limit = 21000 + 75000 - 1;
    chain_expect_error(&c, &tx, STF_E_OUT_OF_GAS_VALIDATION);
    tx.gas_limit = 150000;
    chain_expect(&c, &tx, true);
    assert_int_equal(c.result.output.p[31], 42);
    /* 3 + 3 + 3 (memory) + 3 + 3 + 3 for the code; one refund of 12,500 */
    assert_int_equal(c.result.gas_used, 21000 + 75000 + 18 - 12500);
    assert_int_equal(c.result.gas_refunded, 12500);
    (void)chain_end(&c);
    assert_int_equal(chain_nonce(&c, &c.sender), 2);
    assert_int_equal(world_account(&c.w, &c.sender).code_len, 23);

    struct addr nobody = { { 0 } };
    auths[0] = chain_authorization(&c.key, 1, &nobody, 3); /* taken back */
    tx = chain_tx(&c, &reverts);
    tx.type = TX_SET_CODE;
    tx.auths = auths;
    tx.auth_cnt = 1;
    c.b = NULL;
    chain_expect(&c, &tx, false);
    (void)chain_end(&c);
    assert_int_equal(chain_nonce(&c, &c.sender), 4);
    assert_int_equal(world_account(&c.w, &c.sender).code_len, 0);

    c.rules = stf_rules_ethereum_cancun();
    c.b = NULL;
    chain_expect_error(&c, &tx, STF_E_TX_TYPE_OFF);
    chain_clear(&c);
}

/* The contracts as the EIPs print them. What they must hold afterwards, and what they answer, is from there too. */
#define CODE_BEACON_ROOTS                                                                          \
    "3373fffffffffffffffffffffffffffffffffffffffe14604d57602036146024575f5ffd5b5f3580156049576200" \
    "1fff810690815414603c575f5ffd5b62001fff01545f5260205ff35b5f5ffd5b62001fff42064281555f35906200" \
    "1fff015500"
#define CODE_BLOCK_HASHES                                                                          \
    "3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611f" \
    "ff81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500"
#define RING 8191u

static void expect_slot(const struct chain *c, const struct addr *a, uint64_t slot,
                        const struct b256 *want)
{
    struct b256 key = b256_of_u64(slot), got = world_slot(&c->w, a, &key);
    assert_memory_equal(got.b, want->b, 32);
}

static void test_start_calls(void **state)
{
    (void)state;
    struct chain c;
    struct addr roots = world_addr("000f3df6d732807ef1319fb7b8bb8522d0beac02");
    struct addr hashes = world_addr("0000f90827f1c53a10cb7a02335b175320002935");
    struct b256 root = b256_of_u64(0xbeac0), parent = b256_of_u64(0xaa), none = { { 0 } };
    struct stf_fault fault;

    for (unsigned prague = 0; prague < 2; prague++) {
        ethereum_init(&c);
        c.rules = prague ? stf_rules_ethereum_prague() : stf_rules_ethereum_cancun();
        c.ctx.number = 3 * RING + 8;
        c.ctx.timestamp = 5 * RING + 17;
        c.ctx.block_hashes[255] = parent;
        chain_put_code(&c, &roots, CODE_BEACON_ROOTS);
        chain_put_code(&c, &hashes, CODE_BLOCK_HASHES);
        chain_begin(&c);
        assert_true(stf_block_run_start_calls(c.b, &root, &fault));
        assert_int_equal(stf_block_totals(c.b).gas_used, 0);

        /* what a contract gets that asks */
        struct stf_tx tx = chain_tx(&c, &roots);
        struct b256 timestamp = b256_of_u64(c.ctx.timestamp),
                    before = b256_of_u64(c.ctx.number - 1);
        tx.data = bytes_of(timestamp.b, 32);
        chain_expect(&c, &tx, true);
        assert_memory_equal(c.result.output.p, root.b, 32);
        /* nothing is warm from the calls: 21,000, calldata of 29 zero bytes and 3 others, two cold reads and the code */
        uint64_t used = c.result.gas_used;
        assert_true(used > 21000 + 2 * 2100 && used < 21000 + 2 * 2100 + 600);
        tx = chain_tx(&c, &hashes);
        tx.nonce = 1;
        tx.data = bytes_of(before.b, 32);
        chain_expect(&c, &tx, true);
        assert_memory_equal(c.result.output.p, prague ? parent.b : none.b, 32);

        (void)chain_end(&c);
        expect_slot(&c, &roots, 17, &timestamp);
        expect_slot(&c, &roots, RING + 17, &root);
        expect_slot(&c, &hashes, 7, prague ? &parent : &none);
        chain_clear(&c);
    }
    /* no code there, or code that fails: nothing happens; ZKsync OS makes no such calls */
    ethereum_init(&c);
    c.rules = stf_rules_ethereum_osaka();
    chain_put_code(&c, &hashes, "6001600155fe");
    chain_begin(&c);
    assert_true(stf_block_run_start_calls(c.b, &root, &fault));
    (void)chain_end(&c);
    expect_slot(&c, &hashes, 1, &none);
    chain_clear(&c);
    chain_init(&c);
    chain_put_code(&c, &hashes, CODE_BLOCK_HASHES);
    chain_begin(&c);
    assert_true(stf_block_run_start_calls(c.b, &root, &fault));
    assert_int_equal(chain_end(&c).diff_cnt, 0);
    chain_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_calls),    cmocka_unit_test(test_base_fee_is_burned),
        cmocka_unit_test(test_blobs),          cmocka_unit_test(test_limits),
        cmocka_unit_test(test_no_hooks),       cmocka_unit_test(test_blob_count_by_fork),
        cmocka_unit_test(test_calldata_floor), cmocka_unit_test(test_gas_limit_cap),
        cmocka_unit_test(test_set_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
