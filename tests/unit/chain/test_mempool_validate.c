/* Admission: every refusal of spec 50 §3.2, with its exact text, at the border and one inside it. Rows of the table in order. */
#include "node/chain/mempool.h"

#include "tests/unit/base/testing.h"
#include "tests/unit/chain/wallet.h"

static struct arena arena;
static struct wallet alice;
static struct mempool_admission adm;

static int setup(void **state)
{
    (void)state;
    arena_init_growing(&arena, 1 << 16, 64 << 20);
    alice = wallet_of(1); /* 0x7e5f4552091a69125d5dfcb7b8c2659029395bdf */
    adm = (struct mempool_admission){ .chain_id = 270,
                                      .block_gas_limit = 30000000,
                                      .base_fee = u256_of_u64(100),
                                      .minimal_base_fee = u256_of_u64(7),
                                      .account_nonce = 5,
                                      .account_balance = u256_of_u64(1000000000000000000u) };
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static struct wallet_tx plain(void)
{
    return (struct wallet_tx){ .chain_id = 270,
                               .nonce = 5,
                               .gas_limit = 21000,
                               .max_fee = 1000,
                               .max_priority_fee = 10,
                               .to = addr_of_u32(0xabcd) };
}

static void expect(const struct stf_tx *tx, const char *text)
{
    struct mempool_refusal why = { 0 };
    bool ok = mempool_validate(tx, tx->envelope.len, &adm, &why);
    if (!text) {
        if (!ok)
            fail_msg("refused: %s", why.message);
        return;
    }
    assert_false(ok);
    assert_string_equal(why.message, text);
    assert_int_equal(why.code, -32000); /* never -32603, which viem retries */
}

static void expect_tx(const struct wallet_tx *t, const char *text)
{
    expect(wallet_make(&alice, t, &arena), text);
}

static void plain_types_pass(void **state)
{
    (void)state;
    struct wallet_tx t = plain();
    expect_tx(&t, NULL);
    t.is_legacy = true;
    expect_tx(&t, NULL);
    t = plain();
    t.type = TX_ACCESS_LIST;
    expect_tx(&t, NULL);
}

static void signature(void **state)
{
    (void)state;
    static const char text[] = "invalid transaction signature";
    struct wallet_tx t = plain();
    struct stf_tx tx = *wallet_make(&alice, &t, &arena);
    tx.from_is_set = false;
    expect(&tx, text);
    tx = *wallet_make(&alice, &t, &arena);
    tx.r = U256_ZERO;
    expect(&tx, text);
    tx = *wallet_make(&alice, &t, &arena);
    /* the order of the curve minus s: the high twin of a good signature (EIP-2) */
    static const uint8_t order[32] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                       0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
                                       0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b,
                                       0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41 };
    struct u256 n = u256_of_be32(order);
    tx.s = u256_sub(&n, &tx.s);
    expect(&tx, text);
}

static void type(void **state)
{
    (void)state;
    static const char text[] =
        "transaction type not supported: transaction type not valid"; /* viem's regexp */
    static const uint8_t refused[] = { TX_BLOB, TX_SET_CODE, TX_SYSTEM, TX_UPGRADE, TX_PRIORITY };
    struct wallet_tx t = plain();
    struct stf_tx tx = *wallet_make(&alice, &t, &arena);
    for (size_t i = 0; i < sizeof(refused); i++) {
        tx.type = refused[i];
        expect(&tx, text);
    }
    tx.type = TX_SET_CODE;
    adm.allow_set_code = true;
    tx.gas_limit = 21000; /* no authorization: nothing more to pay */
    expect(&tx, NULL);
    tx.type = TX_BLOB;
    expect(&tx, text);
}

static void chain_id(void **state)
{
    (void)state;
    struct wallet_tx t = plain();
    t.is_legacy = t.unprotected = true;
    expect_tx(&t, "only replay-protected (EIP-155) transactions allowed over RPC");
    adm.allow_unprotected = true;
    expect_tx(&t, NULL);
    t = plain();
    t.chain_id = 271;
    expect_tx(&t, "invalid chain id for signer: have 271 want 270");
    t.is_legacy = true;
    expect_tx(&t, "invalid chain id for signer: have 271 want 270");
}

static void size(void **state)
{
    (void)state;
    struct mempool_refusal why;
    struct wallet_tx t = plain();
    struct stf_tx *tx = wallet_make(&alice, &t, &arena);
    assert_true(mempool_validate(tx, 131072, &adm, &why));
    assert_false(mempool_validate(tx, 131073, &adm, &why));
    assert_string_equal(why.message, "oversized data: transaction size 131073, limit 131072");
}

static void init_code(void **state)
{
    (void)state;
    uint8_t *zeros = arena_zalloc(&arena, 49153);
    struct wallet_tx t = plain();
    t.is_create = true;
    t.gas_limit = 10000000;
    t.data = bytes_of(zeros, 49152);
    expect_tx(&t, NULL);
    t.data = bytes_of(zeros, 49153);
    expect_tx(&t, "max initcode size exceeded: code size 49153, limit 49152");
    t.is_create = false; /* the limit is the creation's */
    expect_tx(&t, NULL);
}

static void block_gas_limit(void **state)
{
    (void)state;
    struct wallet_tx t = plain();
    t.gas_limit = 30000000;
    expect_tx(&t, NULL);
    t.gas_limit = 30000001;
    expect_tx(&t, "exceeds block gas limit");
}

/* 21000; 4 and 16 per byte; 2400 and 1900 for the list; 32000 and 2 per word of init code */
static void intrinsic_gas(void **state)
{
    (void)state;
    static const uint8_t data[] = { 0, 0, 1 };
    struct wallet_tx t = plain();
    t.gas_limit = 20999;
    expect_tx(&t, "intrinsic gas too low: gas 20999, minimum needed 21000");
    t.data = bytes_of(data, 3);
    t.gas_limit = 21023;
    expect_tx(&t, "intrinsic gas too low: gas 21023, minimum needed 21024");
    t.gas_limit = 21024;
    expect_tx(&t, NULL);
    t.access_keys = 2;
    t.gas_limit = 27223;
    expect_tx(&t, "intrinsic gas too low: gas 27223, minimum needed 27224");
    t.gas_limit = 27224;
    expect_tx(&t, NULL);
    t = plain();
    uint8_t ones[33];
    memset(ones, 1, sizeof(ones));
    t.is_create = true;
    t.data = bytes_of(ones, 33);
    t.gas_limit = 53531;
    expect_tx(&t, "intrinsic gas too low: gas 53531, minimum needed 53532");
    t.gas_limit = 53532;
    expect_tx(&t, NULL);
}

static void fees(void **state)
{
    (void)state;
    struct wallet_tx t = plain();
    t.max_fee = 9;
    expect_tx(&t, "max priority fee per gas higher than max fee per gas: address "
                  "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf, maxPriorityFeePerGas: 10, "
                  "maxFeePerGas: 9");
    t.max_fee = 10;
    expect_tx(&t, NULL); /* below the base fee of now: waits in the pool */
    t.max_priority_fee = 0;
    t.max_fee = 6;
    expect_tx(&t, "max fee per gas less than block base fee");
    t.max_fee = 7;
    expect_tx(&t, NULL);
}

static void sender_with_code(void **state)
{
    (void)state;
    struct wallet_tx t = plain();
    adm.account_has_code = true;
    expect_tx(&t, "sender not an eoa: address 0x7e5f4552091a69125d5dfcb7b8c2659029395bdf");
}

static void nonce(void **state)
{
    (void)state;
    struct wallet_tx t = plain();
    t.nonce = 4;
    expect_tx(&t, "nonce too low: next nonce 5, tx nonce 4");
    t.nonce = UINT64_MAX;
    expect_tx(&t, "nonce has max value");
    t.nonce = UINT64_MAX - 1;
    expect_tx(&t, NULL);
}

static void funds(void **state)
{
    (void)state;
    struct wallet_tx t = plain();
    t.value = u256_of_u64(500);
    adm.account_balance = u256_of_u64(21000 * 1000 + 500);
    expect_tx(&t, NULL);
    adm.account_balance = u256_of_u64(21000 * 1000 + 499);
    expect_tx(&t, "insufficient funds for gas * price + value: address "
                  "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf have 21000499 want 21000500");
    t.value = u256_sub(&U256_ZERO, &U256_ONE); /* 2^256 - 1 */
    expect_tx(&t, "insufficient funds for gas * price + value: address "
                  "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf have 21000499 want more than 2^256");
}

/* Where two rules are broken, the earlier row of the table answers. */
static void order(void **state)
{
    (void)state;
    struct wallet_tx t = plain();
    t.chain_id = 1;
    t.gas_limit = 1;
    t.nonce = 0;
    adm.account_balance = U256_ZERO;
    adm.account_has_code = true;
    expect_tx(&t, "invalid chain id for signer: have 1 want 270");
    t.chain_id = 270;
    expect_tx(&t, "intrinsic gas too low: gas 1, minimum needed 21000");
    t.gas_limit = 21000;
    expect_tx(&t, "sender not an eoa: address 0x7e5f4552091a69125d5dfcb7b8c2659029395bdf");
    adm.account_has_code = false;
    expect_tx(&t, "nonce too low: next nonce 5, tx nonce 0");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(plain_types_pass),
        T(signature),
        T(type),
        T(chain_id),
        T(size),
        T(init_code),
        T(order),
        T(nonce),
        T(block_gas_limit),
        T(intrinsic_gas),
        T(fees),
        T(funds),
        T(sender_with_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
