/* tests/unit/stf/test_stf_l1.c
 *
 * L1 priority and upgrade transactions (spec 10 §5, §6): where the deposit goes in every outcome, and the places
 * of upgrade and system transactions in a block. */
#include "tests/unit/stf/stf_chain.h"

#include "node/base/hash.h"

#define TREASURY  1000000000000000u
#define INTRINSIC 21000u
#define GAS_LIMIT 2000000u
#define GAS_PRICE 1000u
#define L1_NATIVE 2875420u
#define NPG       100u /* ceil(1000 / 10) */

struct fixture {
    struct chain c;
    struct addr to, from, refund, treasury;
};

static void fixture_init(struct fixture *f)
{
    chain_init(&f->c);
    f->to = addr_of_u32(0x123456);
    f->from = addr_of_u32(0x11110000);
    f->refund = addr_of_u32(0xbeef0000);
    f->treasury = addr_of_u32(0x10011);
    chain_fund(&f->c, &f->treasury, TREASURY);
}

/* Everything that left the treasury arrived somewhere. */
static void check_conservation(const struct fixture *f)
{
    const struct chain *c = &f->c;
    uint64_t arrived = chain_balance(c, &f->from) + chain_balance(c, &f->to) +
                       chain_balance(c, &f->refund) + chain_balance(c, &c->ctx.coinbase);
    assert_int_equal(TREASURY - chain_balance(c, &f->treasury), arrived);
}

static void check_log(const struct chain *c, const struct stf_tx *tx, uint64_t value)
{
    assert_int_equal(c->result.l2_log_cnt, 1);
    const struct stf_l2_log *log = c->result.l2_logs;
    assert_false(log->is_message);
    assert_memory_equal(log->key.b, tx->hash.b, 32);
    struct b256 want = b256_of_u64(value);
    assert_memory_equal(log->value.b, want.b, 32);
}

static void test_deposit(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct stf_tx tx = chain_l1_tx(&f.c, TX_PRIORITY, &f.to, 5000);
    struct u256 extra = u256_of_u64(77); /* deposited beyond fee and value: stays with the sender */
    tx.to_mint = u256_add(&tx.to_mint, &extra);
    chain_expect(&f.c, &tx, true);
    check_log(&f.c, &tx, 1);
    assert_int_equal(f.c.result.effective_gas_price.w[0], GAS_PRICE);
    uint64_t used = f.c.result.gas_used;
    /* L1 gas is above the EVM's 21,000 since it pays the native of the intrinsics */
    assert_int_equal(used, f.c.result.native_used / NPG);
    assert_int_equal(f.c.result.native_used % (351 * 800 * NPG) > L1_NATIVE, 1);
    (void)chain_end(&f.c);
    assert_int_equal(chain_balance(&f.c, &f.to), 5000);
    assert_int_equal(chain_balance(&f.c, &f.from), 77);
    assert_int_equal(chain_balance(&f.c, &f.c.ctx.coinbase), used * GAS_PRICE);
    assert_int_equal(chain_balance(&f.c, &f.refund), (GAS_LIMIT - used) * GAS_PRICE);
    assert_int_equal(chain_nonce(&f.c, &f.from), 0); /* never moves */
    check_conservation(&f);
    chain_clear(&f.c);
}

static void test_reverted_deposit(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    chain_put_code(&f.c, &f.to, CODE_REVERT);
    struct stf_tx tx = chain_l1_tx(&f.c, TX_PRIORITY, &f.to, 5000);
    chain_expect(&f.c, &tx, false);
    check_log(&f.c, &tx, 0);
    assert_int_equal(f.c.result.output.len, 32);
    uint64_t used = f.c.result.gas_used;
    assert_true(used < GAS_LIMIT);
    (void)chain_end(&f.c);
    assert_int_equal(chain_balance(&f.c, &f.from), 0);
    assert_int_equal(chain_balance(&f.c, &f.refund),
                     (GAS_LIMIT - used) * GAS_PRICE + 5000); /* value and all */
    check_conservation(&f);
    chain_clear(&f.c);
}

static void test_value_beyond_deposit(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct stf_tx tx = chain_l1_tx(&f.c, TX_PRIORITY, &f.to, 5000);
    tx.value = u256_of_u64(5001);
    chain_expect(&f.c, &tx, false);
    assert_true(f.c.result.gas_used < GAS_LIMIT);
    (void)chain_end(&f.c);
    assert_int_equal(chain_balance(&f.c, &f.from), 0);
    assert_int_equal(chain_balance(&f.c, &f.to), 0);
    check_conservation(&f);
    chain_clear(&f.c);
}

static void test_out_of_native(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    chain_put_code(&f.c, &f.to, "5b600160010450600056"); /* 79 native a gas */
    struct stf_tx tx = chain_l1_tx(&f.c, TX_PRIORITY, &f.to, 5000);
    tx.max_fee = u256_of_u64(500); /* 50 native a gas */
    tx.to_mint = u256_of_u64(GAS_LIMIT * 500 + 5000);
    chain_expect(&f.c, &tx, false);
    check_log(&f.c, &tx, 0);
    assert_int_equal(f.c.result.gas_used, GAS_LIMIT);
    assert_int_equal(f.c.result.output.len, 0);
    (void)chain_end(&f.c);
    assert_int_equal(chain_balance(&f.c, &f.refund), 5000);
    assert_int_equal(chain_balance(&f.c, &f.c.ctx.coinbase), GAS_LIMIT * 500);
    check_conservation(&f);
    chain_clear(&f.c);
}

/* Too little for its own hash, or for its intrinsics: still included, all gas burned. */
static void test_hopeless_limits(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct stf_tx tx = chain_l1_tx(&f.c, TX_PRIORITY, &f.to, 5);
    tx.gas_limit = 1000;
    tx.to_mint = u256_of_u64(1000 * GAS_PRICE + 5);
    chain_expect(&f.c, &tx, false);
    assert_int_equal(f.c.result.gas_used, 1000);
    tx.gas_limit = 0;
    tx.to_mint = u256_of_u64(5);
    tx.hash = b256_of_u64(1);
    chain_expect(&f.c, &tx, false);
    assert_int_equal(f.c.result.gas_used, 0);
    struct stf_block_output out = chain_end(&f.c);
    assert_int_equal(out.l1_tx_cnt, 2);
    assert_int_equal(chain_balance(&f.c, &f.refund), 10);
    check_conservation(&f);
    chain_clear(&f.c);
}

static void test_free_priority(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct stf_tx tx = chain_l1_tx(&f.c, TX_PRIORITY, &f.to, 0);
    tx.max_fee = U256_ZERO;
    tx.to_mint = U256_ZERO;
    chain_expect(&f.c, &tx, true);
    /* 10,000 native a gas */
    uint64_t native = f.c.result.native_used;
    assert_int_equal(f.c.result.gas_used, native / 10000 > 21000 ? native / 10000 : 21000);
    struct stf_block_output out = chain_end(&f.c);
    assert_int_equal(out.diff_cnt, 0); /* nothing was minted, nothing moved */
    chain_clear(&f.c);
}

static void test_deposit_below_fee(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct stf_tx tx = chain_l1_tx(&f.c, TX_PRIORITY, &f.to, 0);
    chain_expect(&f.c, &tx, true); /* just enough */
    f.c.b = NULL;
    struct u256 one = U256_ONE;
    tx.to_mint = u256_sub(&tx.to_mint, &one);
    chain_expect_error(&f.c, &tx, STF_E_L1_TX_DEPOSIT);
    tx.max_fee = U256_MAX;
    chain_expect_error(&f.c, &tx, STF_E_L1_TX_DEPOSIT);
    chain_clear(&f.c);
}

/* The tracker is told (caller 0x800a, chain id of slot 154, amount) before tokens move. */
static void test_asset_tracker(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct addr tracker = addr_of_u32(0x1000f);
    struct b256 slot = b256_of_u64(154), chain = b256_of_u64(31337), first = b256_of_u64(0);
    /* slot 0: calls so far; slots 1..: caller, selector+chain, amount, treasury balance then (per call 4) */
    chain_put_code(&f.c, &tracker,
                   "5f54"
                   "80600401"
                   "5f55" /* n; slot0 = n + 4 */
                   "33"
                   "81600101"
                   "55" /* slot[n+1] = caller */
                   "600435"
                   "81600201"
                   "55" /* slot[n+2] = chain id */
                   "602435"
                   "81600301"
                   "55" /* slot[n+3] = amount */
                   "6201001131"
                   "81600401"
                   "55" /* slot[n+4] = balance of the treasury */
                   "00");
    world_set_slot(&f.c.w, &tracker, &slot, &chain);
    struct stf_tx tx = chain_l1_tx(&f.c, TX_PRIORITY, &f.to, 5000);
    tx.gas_limit = 20000000;
    tx.to_mint = u256_of_u64(UINT64_C(20000000) * GAS_PRICE + 5000);
    chain_expect(&f.c, &tx, true);
    uint64_t used = f.c.result.gas_used;
    (void)chain_end(&f.c);
    uint64_t amounts[3] = { 5000, used * GAS_PRICE, (20000000 - used) * GAS_PRICE };
    uint64_t treasury = TREASURY;
    struct b256 n = world_slot(&f.c.w, &tracker, &first);
    assert_int_equal(n.b[31], 12); /* three mints: sender, coinbase, refund */
    for (uint64_t i = 0; i < 3; i++) {
        struct b256 want[4] = { b256_of_u64(0x800a), chain, b256_of_u64(amounts[i]),
                                b256_of_u64(treasury) };
        treasury -= amounts[i];
        for (uint64_t k = 0; k < 4; k++) {
            struct b256 s = b256_of_u64(4 * i + k + 1), got = world_slot(&f.c.w, &tracker, &s);
            assert_memory_equal(got.b, want[k].b, 32);
        }
    }
    check_conservation(&f);
    chain_clear(&f.c);
}

static void test_tracker_reverts(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct addr tracker = addr_of_u32(0x1000f);
    chain_put_code(&f.c, &tracker, CODE_REVERT);
    struct stf_tx tx = chain_l1_tx(&f.c, TX_PRIORITY, &f.to, 5000);
    chain_expect_error(&f.c, &tx, STF_E_MINT_FAILED);
    chain_clear(&f.c);
}

static void test_treasury_is_empty(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    chain_fund(&f.c, &f.treasury, 4999);
    struct stf_tx tx = chain_l1_tx(&f.c, TX_PRIORITY, &f.to, 5000);
    chain_expect_error(&f.c, &tx, STF_E_MINT_FAILED);
    chain_clear(&f.c);
}

/* The mint to the sender is paid by the transaction's own native. */
static void test_mint_runs_out_of_native(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct addr tracker = addr_of_u32(0x1000f);
    /* heavy for amounts below 100,000, which only the mint to the sender is: 3,000 rounds of division */
    chain_put_code(&f.c, &tracker,
                   "620186a060243510600f57"
                   "00"
                   "000000"
                   "5b610bb8"
                   "5b6001900380600160010450601357"
                   "00");
    struct stf_tx tx = chain_l1_tx(&f.c, TX_PRIORITY, &f.to, 5000);
    tx.gas_limit = 330000;
    tx.to_mint = u256_of_u64(330000u * GAS_PRICE + 5000);
    chain_expect(&f.c, &tx, false);
    assert_int_equal(f.c.result.gas_used, 330000);
    (void)chain_end(&f.c);
    assert_int_equal(chain_balance(&f.c, &f.refund), 5000);
    check_conservation(&f);
    chain_clear(&f.c);
}

static void test_upgrade_place(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct stf_tx up = chain_l1_tx(&f.c, TX_UPGRADE, &f.to, 0);
    struct stf_tx l1 = chain_l1_tx(&f.c, TX_PRIORITY, &f.to, 0);
    chain_expect(&f.c, &up, true);
    assert_int_equal(f.c.result.l2_log_cnt, 0);
    chain_expect(&f.c, &l1, true);
    assert_int_equal(f.c.result.tx_number, 1);
    struct stf_block_output out = chain_end(&f.c);
    assert_memory_equal(out.upgrade_tx_hash.b, up.hash.b, 32);
    assert_int_equal(out.l1_tx_cnt, 1);
    assert_int_equal(out.tx_cnt, 2);
    chain_expect(&f.c, &l1, true);
    assert_int_equal(chain_run(&f.c, &up), STF_FATAL);
    assert_int_equal(f.c.result.fault.code, STF_E_UPGRADE_TX_NOT_FIRST);
    f.c.b = NULL;
    chain_expect(&f.c, &up, true);
    assert_int_equal(chain_run(&f.c, &up), STF_FATAL); /* one only */
    chain_clear(&f.c);
}

static void test_upgrade_must_succeed(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    chain_put_code(&f.c, &f.to, CODE_REVERT);
    struct stf_tx up = chain_l1_tx(&f.c, TX_UPGRADE, &f.to, 0);
    chain_expect_error(&f.c, &up, STF_E_UPGRADE_TX_FAILED);
    chain_clear(&f.c);
}

static void test_service_blocks(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct stf_tx l2 = chain_tx(&f.c, &f.to);
    struct stf_tx l1 = chain_l1_tx(&f.c, TX_PRIORITY, &f.to, 0);
    struct stf_tx up = chain_l1_tx(&f.c, TX_UPGRADE, &f.to, 0);
    struct stf_tx s1 = chain_system_tx(&f.c, 0x800b, "040203e6");
    struct stf_tx s2 = chain_system_tx(&f.c, 0x1000d, "08273d8a");
    chain_expect(&f.c, &s1, true);
    chain_expect(&f.c, &s2, true);
    assert_int_equal(chain_run(&f.c, &l2), STF_FATAL); /* nothing else behind them */
    assert_int_equal(f.c.result.fault.code, STF_E_SERVICE_TX_ORDER);
    f.c.b = NULL;
    chain_expect(&f.c, &s1, true);
    assert_int_equal(chain_run(&f.c, &l1), STF_FATAL);
    f.c.b = NULL;
    chain_expect(&f.c, &l2, true);
    assert_int_equal(chain_run(&f.c, &s1), STF_FATAL); /* nor after another */
    assert_int_equal(f.c.result.fault.code, STF_E_SERVICE_TX_ORDER);
    f.c.b = NULL;
    chain_expect(&f.c, &up, true); /* but behind the upgrade that opens the block */
    chain_expect(&f.c, &s1, true);
    assert_int_equal(chain_run(&f.c, &l1), STF_FATAL);
    f.c.b = NULL;
    struct stf_tx bad = l2; /* a refused transaction does not make the block a normal one */
    bad.nonce = 5;
    assert_int_equal(chain_run(&f.c, &bad), STF_INVALID);
    chain_expect(&f.c, &s1, true);
    chain_clear(&f.c);
}

static void test_reverting_service(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct addr context = addr_of_u32(0x800b);
    chain_put_code(&f.c, &context, CODE_REVERT);
    struct stf_tx s = chain_system_tx(&f.c, 0x800b, "040203e6");
    chain_expect(&f.c, &s, false); /* included with status 0 */
    struct stf_block_output out = chain_end(&f.c);
    assert_int_equal(out.tx_cnt, 1);
    assert_int_equal(out.diff_cnt, 0);
    assert_true(out.gas_used > 21000);
    chain_clear(&f.c);
}

static void test_origin_and_price(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    /* returns origin, caller, price */
    chain_put_code(&f.c, &f.to, "325f52336020523a60405260605ff3");
    struct stf_tx tx = chain_l1_tx(&f.c, TX_PRIORITY, &f.to, 0);
    chain_expect(&f.c, &tx, true);
    assert_memory_equal(f.c.result.output.p + 12, f.from.b, 20);
    assert_memory_equal(f.c.result.output.p + 44, f.from.b, 20);
    assert_int_equal(load_be64(f.c.result.output.p + 88), GAS_PRICE);
    struct stf_tx zero = chain_l1_tx(&f.c, TX_PRIORITY, &f.to, 3);
    zero.to = (struct addr){ { 0 } }; /* a call to address zero, not a creation */
    chain_expect(&f.c, &zero, true);
    assert_false(f.c.result.has_created);
    (void)chain_end(&f.c);
    struct addr nil = { { 0 } };
    assert_int_equal(chain_balance(&f.c, &nil), 3);
    chain_clear(&f.c);
}

/* Estimation: no deposit, price 0, no envelope; the mint is made all the same and pubdata is the worst case. */
static void test_simulation(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.c.options.simulate = true;
    struct stf_tx tx = chain_l1_tx(&f.c, TX_PRIORITY, &f.to, 0);
    chain_expect(&f.c, &tx, true);
    uint64_t real = f.c.result.pubdata_used;
    tx.max_fee = U256_ZERO;
    tx.to_mint = U256_ZERO;
    tx.envelope = bytes_of(NULL, 0);
    f.c.b = NULL;
    chain_expect(&f.c, &tx, true);
    assert_int_equal(f.c.result.pubdata_used, 351 + 65 + 2 * (32 + 1 + 33));
    assert_int_equal(real, f.c.result.pubdata_used);
    chain_clear(&f.c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deposit),
        cmocka_unit_test(test_reverted_deposit),
        cmocka_unit_test(test_value_beyond_deposit),
        cmocka_unit_test(test_out_of_native),
        cmocka_unit_test(test_hopeless_limits),
        cmocka_unit_test(test_free_priority),
        cmocka_unit_test(test_deposit_below_fee),
        cmocka_unit_test(test_asset_tracker),
        cmocka_unit_test(test_tracker_reverts),
        cmocka_unit_test(test_treasury_is_empty),
        cmocka_unit_test(test_mint_runs_out_of_native),
        cmocka_unit_test(test_upgrade_place),
        cmocka_unit_test(test_upgrade_must_succeed),
        cmocka_unit_test(test_service_blocks),
        cmocka_unit_test(test_reverting_service),
        cmocka_unit_test(test_origin_and_price),
        cmocka_unit_test(test_simulation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
