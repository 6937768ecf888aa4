/* tests/unit/stf/test_stf_block.c
 *
 * L2 transactions from body to fees, and the block around them: both resources, rollbacks, limits, totals. */
#include "tests/unit/stf/stf_chain.h"

#include "node/base/hash.h"

/* What a plain transfer to a fresh account costs, number by number (spec 10 §7.7). */
#define TRANSFER_INTRINSIC 922240u
#define TRANSFER_BODY                                                                              \
    (4000u /* the caller's environment */ + 4000u + 4000u + 242240u /* callee, new */ +            \
     4000u /* can the sender pay */ + 2u * 5000u /* two balances */)

static void test_transfer(void **state)
{
    (void)state;
    struct chain c;
    chain_init(&c);
    struct addr to = chain_receiver();
    struct stf_tx tx = chain_tx(&c, &to);
    tx.value = u256_of_u64(12345);
    chain_expect(&c, &tx, true);
    const struct stf_tx_result *r = &c.result;
    assert_int_equal(r->gas_used, 21000);
    assert_int_equal(r->gas_refunded, 0);
    assert_int_equal(r->computational_native_used, TRANSFER_INTRINSIC + TRANSFER_BODY);
    assert_int_equal(r->native_used, TRANSFER_INTRINSIC + TRANSFER_BODY);
    /* the body: the sender's balance is another one, of no more bytes (0); receiver: key, format, 3; 134 fixed */
    assert_int_equal(r->pubdata_used, 134 + (32 + 1 + 3));
    assert_int_equal(r->output.len, 0);
    struct stf_block_output out = chain_end(&c);
    assert_int_equal(chain_balance(&c, &to), 12345);
    assert_int_equal(chain_balance(&c, &c.ctx.coinbase), 21000 * 1000); /* the whole price */
    assert_int_equal(chain_balance(&c, &c.sender), SENDER_FUNDS - 12345 - 21000 * 1000);
    assert_int_equal(chain_nonce(&c, &c.sender), 1);
    assert_int_equal(out.diff_cnt, 3);
    assert_int_equal(out.preimage_cnt, 3);
    struct b256 root = KECCAK_EMPTY;
    root = keccak256_pair(&root, &tx.hash);
    assert_memory_equal(out.header.transactions_root.b, root.b, 32);
    assert_int_equal(out.gas_used, 21000);
    chain_clear(&c);
}

static void test_native_raises_gas(void **state)
{
    (void)state;
    struct chain c;
    chain_init(&c);
    c.ctx.native_price = u256_of_u64(50); /* 20 native a gas */
    struct addr to = chain_receiver();
    struct stf_tx tx = chain_tx(&c, &to);
    tx.value = U256_ONE;
    chain_expect(&c, &tx, true);
    assert_int_equal(c.result.gas_used, (TRANSFER_INTRINSIC + TRANSFER_BODY) / 20);
    (void)chain_end(&c);
    assert_int_equal(chain_balance(&c, &c.ctx.coinbase),
                     (TRANSFER_INTRINSIC + TRANSFER_BODY) / 20 * 1000);
    c.options.unlimited_native = true;
    tx = chain_tx(&c, &to);
    chain_expect(&c, &tx, true);
    assert_int_equal(c.result.gas_used, 21000);
    chain_clear(&c);
}

static void test_revert_keeps_gas(void **state)
{
    (void)state;
    struct chain c;
    chain_init(&c);
    struct addr to = chain_receiver();
    chain_put_code(&c, &to, CODE_REVERT);
    struct stf_tx tx = chain_tx(&c, &to);
    tx.value = u256_of_u64(7);
    chain_expect(&c, &tx, false);
    assert_int_equal(c.result.output.len, 32);
    assert_int_equal(c.result.output.p[31], 0xaa);
    assert_int_equal(c.result.gas_used, 21000 + 5 * 3 + 3); /* PUSH, MSTORE, one word */
    (void)chain_end(&c);
    assert_int_equal(chain_balance(&c, &to), 0);
    assert_int_equal(chain_nonce(&c, &c.sender), 1);
    chain_clear(&c);
}

/* Native runs out at depth 2: nobody catches it, all gas is burned, the output is empty. */
static void test_out_of_native(void **state)
{
    (void)state;
    struct chain c;
    chain_init(&c);
    struct addr outer = addr_of_u32(0x200000), inner = addr_of_u32(0x300000);
    chain_put_code(&c, &outer, CODE_FORWARD);
    chain_put_code(&c, &inner, CODE_LOOP);
    c.ctx.native_price = u256_of_u64(50);
    struct stf_tx tx = chain_tx(&c, &outer);
    tx.data = bytes_of(addr_pad32(&inner).b, 32);
    struct b256 word = addr_pad32(&inner);
    tx.data = bytes_of(arena_copy(&c.w.arena, word.b, 32), 32);
    tx.value = u256_of_u64(5);
    tx.gas_limit = 200000; /* 4,000,000 native; the loop burns 41 native a gas step, 11 gas */
    chain_expect(&c, &tx, false);
    assert_int_equal(c.result.gas_used, 200000);
    assert_int_equal(c.result.output.len, 0);
    assert_int_equal(c.result.native_used, 4000000);
    assert_int_equal(c.result.computational_native_used, 4000000);
    (void)chain_end(&c);
    assert_int_equal(chain_balance(&c, &outer), 0);
    assert_int_equal(chain_balance(&c, &c.ctx.coinbase), 200000u * 1000u);
    assert_int_equal(chain_nonce(&c, &c.sender), 1);
    chain_clear(&c);
}

static struct stf_tx sstore_tx(struct chain *c, const struct addr *to, uint64_t slot, uint64_t v)
{
    struct stf_tx tx = chain_tx(c, to);
    uint8_t *data = arena_zalloc(&c->w.arena, 64);
    store_be64(data + 24, slot);
    store_be64(data + 56, v);
    tx.data = bytes_of(data, 64);
    return tx;
}

/* The slot costs 34 bytes; at 49,999 native a byte the remaining native is just not enough. */
static void test_pubdata_not_paid(void **state)
{
    (void)state;
    struct chain c;
    chain_init(&c);
    struct addr to = chain_receiver();
    struct b256 slot = b256_of_u64(1);
    chain_put_code(&c, &to, CODE_SSTORE);
    c.ctx.native_price = u256_of_u64(10); /* 100 native a gas */
    struct stf_tx tx = sstore_tx(&c, &to, 1, 2);
    tx.gas_limit = 120000;
    chain_expect(&c, &tx, true);
    uint64_t body = c.result.native_used;
    assert_int_equal(c.result.pubdata_used, 134 + 34);
    c.b = NULL;
    uint64_t per_byte = (100 * 120000 - body) / (134 + 34); /* just enough */
    c.ctx.pubdata_price = u256_of_u64(per_byte * 10);
    tx = sstore_tx(&c, &to, 1, 2);
    tx.gas_limit = 120000;
    chain_expect(&c, &tx, true);
    assert_int_equal(c.result.native_used, body + per_byte * (134 + 34));
    assert_int_equal(c.result.computational_native_used, body);
    c.b = NULL;
    c.ctx.pubdata_price = u256_of_u64((per_byte + 1) * 10); /* not any more */
    tx = sstore_tx(&c, &to, 1, 2);
    tx.gas_limit = 120000;
    chain_expect(&c, &tx, false);
    assert_int_equal(c.result.gas_used, 120000);
    assert_int_equal(c.result.native_used, body + (per_byte + 1) * 134);
    (void)chain_end(&c);
    struct b256 left = world_slot(&c.w, &to, &slot);
    assert_true(b256_is_zero(&left));
    chain_clear(&c);
}

/* Native above 2^35 is withheld from the body and pays pubdata only. */
static void test_withheld_native(void **state)
{
    (void)state;
    struct chain c;
    chain_init(&c);
    struct addr to = chain_receiver();
    chain_put_code(&c, &to, CODE_LOOP);
    c.ctx.native_price = U256_ONE;
    c.ctx.base_fee = u256_of_u64(10000);
    struct stf_tx tx = chain_tx(&c, &to);
    tx.gas_limit = 90000000; /* 9 * 10^11 native prepaid */
    chain_expect(&c, &tx, false);
    assert_true(c.result.computational_native_used <= UINT64_C(1) << 35);
    /* gas ran out before: the loop's native is what its gas allows */
    assert_int_equal(c.result.gas_used, 90000000);
    assert_int_equal(c.result.native_used, c.result.computational_native_used);
    chain_clear(&c);
}

static void test_creation(void **state)
{
    (void)state;
    struct chain c;
    chain_init(&c);
    struct stf_tx tx = chain_tx(&c, NULL);
    tx.data = chain_hex(&c, "6001600c60003960016000f3" /* returns its byte 12 */ "5b");
    tx.value = u256_of_u64(9);
    tx.gas_limit = 200000;
    struct addr want = tx_create_address(&c.sender, 0);
    chain_expect(&c, &tx, true);
    assert_true(c.result.has_created);
    assert_memory_equal(c.result.created.b, want.b, 20);
    assert_int_equal(c.result.output.len, 1); /* the deployed code */
    assert_int_equal(c.result.output.p[0], 0x5b);
    struct stf_block_output out = chain_end(&c);
    struct account_record rec = world_account(&c.w, &want);
    assert_int_equal(rec.nonce, 1);
    assert_int_equal(rec.balance.w[0], 9);
    assert_int_equal(rec.versioning, ACCOUNT_VERSIONING_DEPLOYED);
    assert_int_equal(rec.code_len, 1);
    assert_int_equal(rec.artifacts_len, 8);
    assert_true(out.preimages[0].is_code);
    tx = chain_tx(&c, NULL); /* 0xef is refused: all gas burned */
    tx.data = chain_hex(&c, "60ef60005360016000f3");
    tx.gas_limit = 200000;
    chain_expect(&c, &tx, false);
    assert_false(c.result.has_created);
    assert_int_equal(c.result.gas_used, 200000);
    chain_clear(&c);
}

static void test_access_list_and_refund(void **state)
{
    (void)state;
    struct chain c;
    chain_init(&c);
    struct addr to = chain_receiver();
    struct b256 slot = b256_of_u64(1), five = b256_of_u64(5);
    chain_put_code(&c, &to, CODE_SSTORE);
    world_set_slot(&c.w, &to, &slot, &five);
    struct tx_access access = { .addr = to, .keys = &slot, .key_cnt = 1 };
    struct stf_tx tx = sstore_tx(&c, &to, 1, 0);
    tx.access = &access;
    tx.access_cnt = 1;
    chain_expect(&c, &tx, true);
    uint64_t spent = 21000 + 4 * (63 + 4) + 2400 + 1900 + 4 * 3 + 2900 + 0;
    assert_int_equal(c.result.gas_refunded, 4800);
    assert_int_equal(c.result.gas_used, spent - 4800);
    (void)chain_end(&c);
    chain_clear(&c);
}

/* The refund is capped at a fifth. */
static void test_refund_cap(void **state)
{
    (void)state;
    struct chain c;
    chain_init(&c);
    struct addr to = chain_receiver();
    chain_put_code(&c, &to, "5f5f555f6001555f6002555f600355" /* four slots to zero */);
    struct b256 five = b256_of_u64(5);
    for (uint64_t i = 0; i < 4; i++) {
        struct b256 slot = b256_of_u64(i);
        world_set_slot(&c.w, &to, &slot, &five);
    }
    struct stf_tx tx = chain_tx(&c, &to);
    chain_expect(&c, &tx, true);
    uint64_t spent = 21000 + 4 * (2100 + 2900) + 5 * 2 + 3 * 3;
    assert_int_equal(c.result.gas_refunded, spent / 5);
    assert_int_equal(c.result.gas_used, spent - spent / 5);
    chain_clear(&c);
}

static void test_totals_and_numbers(void **state)
{
    (void)state;
    struct chain c;
    chain_init(&c);
    struct addr to = chain_receiver();
    struct stf_tx bad = chain_tx(&c, &to);
    struct b256 root = KECCAK_EMPTY;
    for (unsigned i = 0; i < 3; i++) {
        struct stf_tx tx = chain_tx(&c, &to);
        tx.nonce = i;
        chain_expect(&c, &tx, true);
        assert_int_equal(c.result.tx_number, i);
        root = keccak256_pair(&root, &tx.hash);
        bad.nonce = 77; /* refused ones leave no trace */
        assert_int_equal(chain_run(&c, &bad), STF_INVALID);
    }
    struct stf_totals t = stf_block_totals(c.b);
    assert_int_equal(t.tx_cnt, 3);
    assert_int_equal(t.gas_used, 63000);
    struct stf_block_output out = chain_end(&c);
    assert_memory_equal(out.header.transactions_root.b, root.b, 32);
    assert_int_equal(out.header.gas_used, 63000);
    assert_int_equal(chain_nonce(&c, &c.sender), 3);
    chain_clear(&c);
}

/* Runs two transfers where the second just passes `limit`, then in a block whose limit is one less. */
static void check_limit(void (*set)(struct chain *c, uint64_t limit), uint64_t limit,
                        enum stf_error e)
{
    struct chain c;
    struct addr to = chain_receiver();
    chain_init(&c);
    set(&c, limit);
    struct stf_tx first = chain_tx(&c, &to), second = chain_tx(&c, &to);
    first.gas_limit = second.gas_limit = 30000;
    second.nonce = 1;
    second.value = U256_ONE;
    chain_expect(&c, &first, true);
    chain_expect(&c, &second, true);
    set(&c, limit - 1);
    chain_begin(&c);
    chain_expect(&c, &first, true);
    assert_int_equal(chain_run(&c, &second), STF_SEAL);
    assert_int_equal(c.result.fault.code, e);
    struct stf_block_output out = chain_end(&c);
    assert_int_equal(out.tx_cnt, 1);
    assert_int_equal(chain_nonce(&c, &c.sender), 1); /* the nonce went back */
    assert_int_equal(chain_balance(&c, &to), 0);
    chain_expect(&c, &second, true); /* and in the next block it fits */
    (void)chain_end(&c);
    assert_int_equal(chain_nonce(&c, &c.sender), 2);
    chain_clear(&c);
}

static void set_gas_limit(struct chain *c, uint64_t limit)
{
    c->ctx.gas_limit = limit;
}

static void set_pubdata_limit(struct chain *c, uint64_t limit)
{
    c->ctx.pubdata_limit = limit;
}

static void test_block_limits(void **state)
{
    (void)state;
    check_limit(set_gas_limit, 42000, STF_E_BLOCK_GAS_LIMIT);
    uint64_t first = 134, second = 134 + (32 + 1 + 2);
    check_limit(set_pubdata_limit, first + second, STF_E_BLOCK_PUBDATA_LIMIT);
}

static void test_block_native_limit(void **state)
{
    (void)state;
    struct chain c;
    struct addr to = chain_receiver();
    chain_init(&c);
    chain_put_code(&c, &to, "5b600160010450600056"); /* divides for ever */
    c.ctx.native_price = U256_ONE;
    c.ctx.gas_limit = 1u << 31;
    c.ctx.base_fee = u256_of_u64(100);
    /* 1,970 native for 25 gas: one run is more than half of 2^35 */
    struct stf_tx tx = chain_tx(&c, &to);
    tx.gas_limit = 250000000;
    chain_expect(&c, &tx, false);
    assert_true(c.result.computational_native_used > UINT64_C(1) << 34);
    struct stf_tx again = chain_tx(&c, &to);
    again.gas_limit = 250000000;
    again.nonce = 1;
    assert_int_equal(chain_run(&c, &again), STF_SEAL);
    assert_int_equal(c.result.fault.code, STF_E_BLOCK_NATIVE_LIMIT);
    struct stf_tx small = chain_tx(&c, &to);
    small.nonce = 1;
    chain_expect(&c, &small, false); /* there is room for this one */
    chain_clear(&c);
}

/* Sends as many messages as calldata says. */
static void test_block_log_limit(void **state)
{
    (void)state;
    struct chain c;
    struct addr messenger = addr_of_u32(0x8008);
    chain_init(&c);
    chain_put_code(&c, &messenger,
                   "6000355b801560205760006000601460006000617001"
                   "5af15060019003600356"
                   "5b00");
    c.ctx.pubdata_limit = 1u << 30;
    struct stf_tx tx = chain_tx(&c, &messenger);
    uint8_t word[32] = { 0 };
    store_be32(word + 28, 16384);
    tx.data = bytes_of(word, 32);
    tx.gas_limit = 90000000;
    chain_expect(&c, &tx, true);
    assert_int_equal(c.result.l2_log_cnt, 16384);
    store_be32(word + 28, 1);
    tx.nonce = 1;
    assert_int_equal(chain_run(&c, &tx), STF_SEAL);
    assert_int_equal(c.result.fault.code, STF_E_BLOCK_LOGS_LIMIT);
    struct stf_block_output out = chain_end(&c);
    assert_int_equal(out.l2_log_cnt, 16384);
    assert_int_equal(out.pubdata.len > 16384 * (88 + 4), 1);
    chain_clear(&c);
}

static void test_out_of_memory_is_a_fault(void **state)
{
    (void)state;
    struct chain c;
    struct addr to = chain_receiver();
    chain_init(&c);
    chain_put_code(&c, &to, CODE_SSTORE);
    unsigned faults = 0, ends = 0;
    for (size_t len = 2048; len < 400000; len += 3000) {
        void *mem = malloc(len);
        struct arena small;
        struct stf_fault fault;
        struct stf_block_output out;
        arena_init(&small, mem, len);
        struct stf_block *b = stf_block_begin(&small, c.rules, &c.ctx, &c.w.oracle, crypto_host(),
                                              &c.options, &fault);
        if (b != NULL) {
            struct stf_tx tx = sstore_tx(&c, &to, 1, 2);
            chain_sign(&c, &tx);
            enum stf_verdict v = stf_tx_run(b, &tx, &c.result);
            if (v == STF_FATAL)
                assert_int_equal(c.result.fault.code, STF_E_OUT_OF_MEMORY);
            else
                assert_int_equal(v, STF_INCLUDED);
            faults += v == STF_FATAL;
            bool ended = stf_block_end(b, &out, &fault);
            assert_true(ended || fault.code == STF_E_OUT_OF_MEMORY);
            ends += ended;
        }
        free(mem);
    }
    assert_true(faults > 0 && ends > 0);
    chain_clear(&c);
}

/* ---- EIP-7702 ---- */

static void test_delegation(void **state)
{
    (void)state;
    struct chain c;
    chain_init(&c);
    struct addr code = chain_receiver(), zero = { { 0 } };
    chain_put_code(&c, &code, "602a60005260206000f3"); /* returns 42 */
    struct tx_authorization auths[3] = { chain_authorization(&c.key, 270, &code, 1),
                                         chain_authorization(&c.key, 270, &code, 9),
                                         chain_authorization(&c.key, 270, &code, 2) };
    auths[2].chain_id = u256_of_u64(5); /* another chain's; and the second has a wrong nonce */
    struct stf_tx tx = chain_tx(&c, &c.sender); /* calls itself */
    tx.type = TX_SET_CODE;
    tx.auths = auths;
    tx.auth_cnt = 3;
    tx.gas_limit = 300000;
    chain_expect(&c, &tx, true);
    assert_int_equal(c.result.output.len, 32);
    assert_int_equal(c.result.output.p[31], 42);
    assert_int_equal(c.result.gas_refunded, 12500); /* the account existed */
    (void)chain_end(&c);
    struct account_record rec = world_account(&c.w, &c.sender);
    assert_int_equal(rec.nonce, 2);
    assert_int_equal(rec.versioning, ACCOUNT_VERSIONING_DELEGATED);
    assert_int_equal(rec.code_len, 23);
    auths[0] =
        chain_authorization(&c.key, 270, &zero, 3); /* delegated accounts may send; zero clears */
    tx = chain_tx(&c, &code);
    tx.type = TX_SET_CODE;
    tx.auths = auths;
    tx.auth_cnt = 1;
    chain_expect(&c, &tx, true);
    (void)chain_end(&c);
    rec = world_account(&c.w, &c.sender);
    assert_int_equal(rec.nonce, 4);
    assert_int_equal(rec.versioning, 0);
    assert_int_equal(rec.code_len, 0);
    assert_true(b256_is_zero(&rec.bytecode_hash) && b256_is_zero(&rec.observable_hash));
    chain_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transfer),         cmocka_unit_test(test_native_raises_gas),
        cmocka_unit_test(test_revert_keeps_gas), cmocka_unit_test(test_out_of_native),
        cmocka_unit_test(test_pubdata_not_paid), cmocka_unit_test(test_withheld_native),
        cmocka_unit_test(test_creation),         cmocka_unit_test(test_access_list_and_refund),
        cmocka_unit_test(test_refund_cap),       cmocka_unit_test(test_totals_and_numbers),
        cmocka_unit_test(test_block_limits),     cmocka_unit_test(test_block_native_limit),
        cmocka_unit_test(test_block_log_limit),  cmocka_unit_test(test_out_of_memory_is_a_fault),
        cmocka_unit_test(test_delegation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
