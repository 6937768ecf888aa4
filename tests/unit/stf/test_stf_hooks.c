/* tests/unit/stf/test_stf_hooks.c
 *
 * System hooks 0x7001, 0x7002, 0x7100, 0x8006 (spec 10 §9.2-9.5) and event hooks (§9.7). */
#include "tests/unit/stf/stf_chain.h"

#include "node/base/hash.h"
#include "node/stf/journal.h"

struct fixture {
    struct chain c;
    struct stf_res res;
    struct bytes output;
    bool handled;
};

static void fixture_init(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    chain_init(&f->c);
    chain_begin(&f->c);
    journal_tx_begin(f->c.b);
    f->res = (struct stf_res){ 10000000, 10000000 };
}

enum how { PLAIN, WITH_VALUE, STATIC, DELEGATE };

static enum stf_halt call_hook(struct fixture *f, uint32_t callee, uint32_t caller,
                               struct bytes input, enum how how)
{
    struct addr to = addr_of_u32(callee), from = addr_of_u32(caller);
    struct u256 value = how == WITH_VALUE ? U256_ONE : U256_ZERO;
    struct sys_hook_call call = { .caller = &from,
                                  .callee = &to,
                                  .value = &value,
                                  .input = input,
                                  .is_static = how == STATIC,
                                  .is_delegate = how == DELEGATE };
    f->res = (struct stf_res){ 10000000, 10000000 };
    return sys_hook_run(f->c.b, &f->res, &call, &f->handled, &f->output);
}

static uint64_t native_spent(const struct fixture *f)
{
    return 10000000 - f->res.native;
}

static void test_addresses(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    static const uint32_t hooks[] = { 0x7001, 0x7002, 0x7100, 0x8006 };
    static const uint32_t others[] = { 0x7000, 0x7003, 0x8008, 0x800a, 0x10008, 0x1 };
    for (size_t i = 0; i < GH_COUNT(hooks); i++) {
        struct addr a = addr_of_u32(hooks[i]);
        assert_true(sys_is_hook(f.c.b, &a));
        a.b[0] = 1; /* a look-alike */
        assert_false(sys_is_hook(f.c.b, &a));
    }
    for (size_t i = 0; i < GH_COUNT(others); i++) {
        struct addr a = addr_of_u32(others[i]);
        assert_false(sys_is_hook(f.c.b, &a));
    }
    chain_clear(&f.c);
}

/* Anybody else sees an empty account. */
static void test_not_entitled(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    static const uint32_t pairs[][2] = { { 0x7001, 0x8007 }, { 0x7001, 0x7001 }, { 0x7002, 0x8008 },
                                         { 0x7100, 0x800b }, { 0x8006, 0x8006 }, { 0x8006, 1 } };
    uint8_t input[128] = { 0 };
    for (size_t i = 0; i < GH_COUNT(pairs); i++) {
        (void)call_hook(&f, pairs[i][0], pairs[i][1], bytes_of(input, 128), PLAIN);
        assert_false(f.handled);
        assert_int_equal(native_spent(&f), 0);
    }
    chain_clear(&f.c);
    /* end to end: value stays with the hook's account, output empty, success */
    chain_init(&f.c);
    struct addr hook = addr_of_u32(0x7100);
    struct stf_tx tx = chain_tx(&f.c, &hook);
    tx.value = u256_of_u64(5);
    tx.data = bytes_of(input, 32);
    chain_expect(&f.c, &tx, true);
    assert_int_equal(f.c.result.output.len, 0);
    (void)chain_end(&f.c);
    assert_int_equal(chain_balance(&f.c, &hook), 5);
    chain_clear(&f.c);
}

static void test_messenger(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    static const uint8_t hello[5] = { 'h', 'e', 'l', 'l', 'o' };
    uint8_t input[25];
    memset(input, 0x11, 20);
    memcpy(input + 20, hello, sizeof hello);
    struct bytes in = bytes_of(input, 25);
    assert_int_equal(call_hook(&f, 0x7001, 0x8008, in, WITH_VALUE), HALT_REVERT);
    assert_int_equal(native_spent(&f), 0);
    assert_int_equal(call_hook(&f, 0x7001, 0x8008, in, DELEGATE), HALT_REVERT);
    assert_int_equal(native_spent(&f), 0);
    assert_int_equal(call_hook(&f, 0x7001, 0x8008, in, STATIC), HALT_REVERT);
    assert_int_equal(native_spent(&f), 1000);
    assert_int_equal(call_hook(&f, 0x7001, 0x8008, bytes_of(input, 19), PLAIN), HALT_REVERT);
    assert_int_equal(native_spent(&f), 1000);
    assert_int_equal(f.c.b->l2_logs.cnt, 0);
    assert_int_equal(call_hook(&f, 0x7001, 0x8008, in, PLAIN), HALT_STOP);
    assert_int_equal(native_spent(&f), 1000 + 20000 + 3 * 20000 + 20000 + 6000 + 2 * 5);
    assert_int_equal(f.res.gas, 10000000);
    assert_int_equal(f.output.len, 0);
    const struct stf_l2_log *log = f.c.b->l2_logs.p;
    struct b256 hash = keccak256("hello", 5);
    assert_memory_equal(log->value.b, hash.b, 32);
    assert_memory_equal(log->key.b + 12, input, 20);
    assert_memory_equal(log->message.p, "hello", 5);
    assert_int_equal(call_hook(&f, 0x7001, 0x8008, bytes_of(input, 20), PLAIN), HALT_STOP);
    assert_int_equal(f.c.b->l2_logs.cnt, 2); /* an empty message is one */
    assert_int_equal(pubdata_of_tx(f.c.b), 88 + 4 + 5 + 88 + 4);
    chain_clear(&f.c);
}

static void test_mint(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct addr token = addr_of_u32(0x800a);
    uint8_t amount[33] = { 0 };
    amount[30] = 1;
    struct bytes in = bytes_of(amount, 32);
    assert_int_equal(call_hook(&f, 0x7100, 0x800a, in, WITH_VALUE), HALT_REVERT);
    assert_int_equal(call_hook(&f, 0x7100, 0x800a, in, STATIC), HALT_REVERT);
    assert_int_equal(call_hook(&f, 0x7100, 0x800a, bytes_of(amount, 31), PLAIN), HALT_REVERT);
    assert_int_equal(call_hook(&f, 0x7100, 0x800a, bytes_of(amount, 33), PLAIN), HALT_REVERT);
    assert_int_equal(call_hook(&f, 0x7100, 0x800a, in, PLAIN), HALT_STOP);
    assert_int_equal(10000000 - f.res.gas, 2600); /* cold */
    assert_int_equal(native_spent(&f), 1000 + 4000 + 4000 + 242240 + 1000);
    assert_int_equal(call_hook(&f, 0x7100, 0x800a, in, PLAIN), HALT_STOP);
    assert_int_equal(10000000 - f.res.gas, 100);
    assert_int_equal(native_spent(&f), 1000 + 4000 + 1000);
    assert_int_equal(journal_account(f.c.b, &token)->current.balance.w[0], 512);
    memset(amount, 0xff, 32);
    assert_int_equal(call_hook(&f, 0x7100, 0x800a, in, PLAIN), HALT_BLOCK);
    assert_int_equal(f.c.b->fault.code, STF_E_MINT_FAILED);
    chain_clear(&f.c);
}

#define DEPLOYED_CODE "5b602a60005260206000f3"

/* address, blake2s of the bare code, length, keccak */
static void details(uint8_t out[128], struct bytes code, uint32_t target)
{
    struct b256 hash = blake2s(code.p, code.len), observable = keccak256(code.p, code.len);
    memset(out, 0, 128);
    store_be32(out + 28, target);
    memcpy(out + 32, hash.b, 32);
    store_be32(out + 92, (uint32_t)code.len);
    memcpy(out + 96, observable.b, 32);
}

static void test_force_deploy_checks(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct bytes code = chain_hex(&f.c, DEPLOYED_CODE);
    uint8_t in[132] = { 0xf6, 0xec, 0xa0, 0xb0 };
    details(in + 4, code, 0x55555);
    assert_true(stf_block_add_preimage(f.c.b, code));
    struct bytes all = bytes_of(in, 132), args = bytes_of(in + 4, 128);
    assert_int_equal(call_hook(&f, 0x8006, 0x800f, all, WITH_VALUE), HALT_REVERT);
    assert_int_equal(native_spent(&f), 0);
    assert_int_equal(call_hook(&f, 0x8006, 0x800f, all, DELEGATE), HALT_REVERT);
    assert_int_equal(call_hook(&f, 0x8006, 0x800f, all, STATIC), HALT_REVERT);
    assert_int_equal(call_hook(&f, 0x8006, 0x800f, bytes_of(in, 131), PLAIN), HALT_REVERT);
    assert_int_equal(call_hook(&f, 0x8006, 0x800f, args, PLAIN), HALT_REVERT);
    in[4] = 1; /* high address bytes */
    assert_int_equal(call_hook(&f, 0x8006, 0x800f, all, PLAIN), HALT_REVERT);
    in[4] = 0;
    store_be32(in + 4 + 92, 24577);
    assert_int_equal(call_hook(&f, 0x8006, 0x800f, all, PLAIN), HALT_REVERT);
    details(in + 4, code, 0x55555);
    assert_int_equal(call_hook(&f, 0x8006, 0x800f, all, PLAIN), HALT_STOP);
    assert_int_equal(10000000 - f.res.gas, 50 * code.len + 2600);
    /* access, bare code, bitmap, blob of 24, record, write */
    assert_int_equal(native_spent(&f), 1000 + 4000 + 4000 + 242240 + (500 + 800 + 340) +
                                           6 * code.len + (800 + 340) + 500 + 1000);
    assert_int_equal(call_hook(&f, 0x7002, 0x800f, args, PLAIN), HALT_STOP); /* no selector */
    assert_int_equal(10000000 - f.res.gas, 50 * code.len + 100);
    in[4] = 1;
    assert_int_equal(call_hook(&f, 0x7002, 0x8006, args, PLAIN), HALT_BLOCK);
    chain_clear(&f.c);
}

static void test_force_deploy_without_preimage(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    uint8_t in[128];
    details(in, chain_hex(&f.c, DEPLOYED_CODE), 0x55555);
    assert_int_equal(call_hook(&f, 0x7002, 0x800f, bytes_of(in, 128), PLAIN), HALT_BLOCK);
    assert_int_equal(f.c.b->fault.code, STF_E_ORACLE);
    chain_clear(&f.c);
}

/* An upgrade transaction through a contract at 0x800f overwrites code, keeps nonce, balance and storage, publishes nothing, and
 * the new code runs in the same block. */
static void test_force_deploy_in_a_block(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct chain *c = &f.c;
    struct addr upgrader = addr_of_u32(0x800f), target = addr_of_u32(0x55555);
    struct bytes code = chain_hex(c, DEPLOYED_CODE);
    struct u256 hundred = u256_of_u64(100);
    struct b256 slot = b256_of_u64(1);
    chain_put_code(c, &upgrader, CODE_FORWARD);
    world_set_account(&c->w, &target, 0, &hundred, chain_hex(c, "00"));
    world_set_slot(&c->w, &target, &slot, &slot);
    uint8_t *data = arena_zalloc(&c->w.arena, 164);
    store_be32(data + 28, 0x8006);
    store_be32(data + 32, 0xf6eca0b0);
    details(data + 36, code, 0x55555);
    struct stf_tx up = chain_l1_tx(c, TX_UPGRADE, &upgrader, 0);
    up.data = bytes_of(data, 164);
    chain_begin(c);
    assert_true(stf_block_add_preimage(c->b, code));
    chain_expect(c, &up, true);
    assert_int_equal(c->result.output.p[31], 1); /* the inner call succeeded */
    /* key, format, versioning, nonce, balance, hash, length: 4 more are charged than written */
    assert_int_equal(c->result.pubdata_used, 351 + 32 + (1 + 8 + 1 + 1 + 32 + 4) + 4);
    struct stf_tx tx = chain_tx(c, &target);
    chain_expect(c, &tx, true);
    assert_int_equal(c->result.output.p[31], 0x2a);
    struct stf_block_output out = chain_end(c);
    struct account_record rec = world_account(&c->w, &target);
    struct b256 bare = blake2s(code.p, code.len), left = world_slot(&c->w, &target, &slot);
    assert_int_equal(rec.nonce, 0);
    assert_int_equal(rec.balance.w[0], 100);
    assert_int_equal(rec.code_len, code.len);
    assert_int_equal(rec.artifacts_len, 8);
    assert_memory_not_equal(rec.bytecode_hash.b, bare.b, 32);
    assert_memory_equal(left.b, slot.b, 32);
    bool published = false;
    for (size_t i = 0; i + code.len <= out.pubdata.len; i++)
        published |= memcmp(out.pubdata.p + i, code.p, code.len) == 0;
    assert_false(published);
    chain_clear(c);
}

/* The deployer hook shadows the code that lies in the state at its address. */
static void test_shadowed_code(void **state)
{
    (void)state;
    struct chain c;
    chain_init(&c);
    struct addr deployer = addr_of_u32(0x8006);
    chain_put_code(&c, &deployer, CODE_REVERT);
    struct stf_tx tx = chain_tx(&c, &deployer);
    chain_expect(&c, &tx, true);
    assert_int_equal(c.result.output.len, 0);
    chain_clear(&c);
}

/* ---- event hooks ---- */

static const char *const root_added =
    "6b451b8422636e45b93bf7f594fa2c1769d039766c4254a6e7f9c0ee1715cdb0";
static const char *const sl_updated =
    "208daf0b9291c1e9a1697737d736630c808045f81f5bc5ae7b8ed740eb5a4d7a";

static void root_data(uint8_t out[96])
{
    memset(out, 0, 96);
    out[31] = 32;
    out[63] = 1;
    memset(out + 64, 0xab, 32);
}

static void test_interop_root_event(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct addr storage = addr_of_u32(0x10008), other = addr_of_u32(0x10009);
    struct b256 topics[3] = { world_b256(root_added), b256_of_u64(506), b256_of_u64(9) };
    uint8_t data[128] = { 0 };
    root_data(data);
    struct sys_mark m = sys_snapshot(f.c.b);
    assert_int_equal(sys_emit_event(f.c.b, &f.res, &storage, topics, 3, bytes_of(data, 96)),
                     HALT_NONE);
    assert_int_equal(native_spent(&f), 6000 + 600 + 192 + 6192 + 20000);
    assert_int_equal(f.c.b->interop_roots.cnt, 1);
    const struct stf_interop_root *root = f.c.b->interop_roots.p;
    assert_int_equal(root->chain_id.w[0], 506);
    assert_int_equal(root->block_or_batch.w[0], 9);
    assert_memory_equal(root->root.b, data + 64, 32);
    sys_rollback(f.c.b, m); /* the record goes with its frame */
    assert_int_equal(f.c.b->interop_roots.cnt, 0);
    /* another contract, another event: nothing */
    assert_int_equal(sys_emit_event(f.c.b, &f.res, &other, topics, 3, bytes_of(data, 96)),
                     HALT_NONE);
    storage.b[0] = 1;
    assert_int_equal(sys_emit_event(f.c.b, &f.res, &storage, topics, 3, bytes_of(data, 96)),
                     HALT_NONE);
    storage.b[0] = 0;
    topics[0].b[0] ^= 1;
    assert_int_equal(sys_emit_event(f.c.b, &f.res, &storage, topics, 1, bytes_of(data, 0)),
                     HALT_NONE);
    assert_int_equal(f.c.b->interop_roots.cnt, 0);
    chain_clear(&f.c);
}

static void check_malformed_root(unsigned topic_cnt, size_t len, size_t broken_byte)
{
    struct fixture f;
    fixture_init(&f);
    struct addr storage = addr_of_u32(0x10008);
    struct b256 topics[4] = { world_b256(root_added), b256_of_u64(1), b256_of_u64(2),
                              b256_of_u64(3) };
    uint8_t data[128] = { 0 };
    root_data(data);
    data[broken_byte] ^= 1;
    assert_int_equal(
        sys_emit_event(f.c.b, &f.res, &storage, topics, topic_cnt, bytes_of(data, len)),
        HALT_BLOCK);
    assert_int_equal(f.c.b->fault.code, STF_E_EVENT_HOOK_MALFORMED);
    chain_clear(&f.c);
}

static void test_malformed_roots(void **state)
{
    (void)state;
    check_malformed_root(2, 96, 127);
    check_malformed_root(4, 96, 127);
    check_malformed_root(3, 95, 127);
    check_malformed_root(3, 128, 127);
    check_malformed_root(3, 96, 31); /* offset */
    check_malformed_root(3, 96, 63); /* two sides */
}

static void test_settlement_layer_event(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct addr context = addr_of_u32(0x800b);
    struct b256 topics[2] = { world_b256(sl_updated), b256_of_u64(31337) };
    struct sys_mark m = sys_snapshot(f.c.b);
    assert_int_equal(sys_emit_event(f.c.b, &f.res, &context, topics, 2, bytes_of(NULL, 0)),
                     HALT_NONE);
    assert_int_equal(native_spent(&f), 6000 + 400 + 6064);
    assert_true(f.c.b->has_sl_chain_id && f.c.b->sl_chain_id.w[0] == 31337);
    topics[1] = b256_of_u64(5);
    struct sys_mark inner = sys_snapshot(f.c.b);
    assert_int_equal(sys_emit_event(f.c.b, &f.res, &context, topics, 2, bytes_of(NULL, 0)),
                     HALT_NONE);
    assert_int_equal(f.c.b->sl_chain_id.w[0], 5);
    sys_rollback(f.c.b, inner);
    assert_int_equal(f.c.b->sl_chain_id.w[0], 31337);
    sys_rollback(f.c.b, m);
    assert_false(f.c.b->has_sl_chain_id);
    assert_int_equal(sys_emit_event(f.c.b, &f.res, &context, topics, 2, bytes_of(topics[0].b, 32)),
                     HALT_BLOCK);
    assert_int_equal(f.c.b->fault.code, STF_E_EVENT_HOOK_MALFORMED);
    chain_clear(&f.c);
}

/* In a real transaction: LOG2 from 0x800b in a frame that reverts leaves no record, the block goes on. */
static void test_reverted_event_leaves_nothing(void **state)
{
    (void)state;
    struct chain c;
    chain_init(&c);
    struct addr context = addr_of_u32(0x800b);
    chain_put_code(&c, &context,
                   "611234"
                   "7f208daf0b9291c1e9a1697737d736630c808045f81f5bc5ae7b8ed740eb5a4d7a"
                   "5f5fa25f5ffd");
    struct stf_tx tx = chain_tx(&c, &context);
    chain_expect(&c, &tx, false);
    assert_int_equal(c.result.event_cnt, 0);
    struct stf_block_output out = chain_end(&c);
    assert_false(out.has_sl_chain_id);
    chain_put_code(&c, &context,
                   "611234"
                   "7f208daf0b9291c1e9a1697737d736630c808045f81f5bc5ae7b8ed740eb5a4d7a"
                   "5f5fa200");
    tx = chain_tx(&c, &context);
    chain_expect(&c, &tx, true);
    assert_int_equal(c.result.event_cnt, 1);
    out = chain_end(&c);
    assert_true(out.has_sl_chain_id && out.sl_chain_id.w[0] == 0x1234);
    chain_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_not_entitled),
        cmocka_unit_test(test_messenger),
        cmocka_unit_test(test_mint),
        cmocka_unit_test(test_force_deploy_checks),
        cmocka_unit_test(test_force_deploy_without_preimage),
        cmocka_unit_test(test_force_deploy_in_a_block),
        cmocka_unit_test(test_shadowed_code),
        cmocka_unit_test(test_interop_root_event),
        cmocka_unit_test(test_malformed_roots),
        cmocka_unit_test(test_settlement_layer_event),
        cmocka_unit_test(test_reverted_event_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
