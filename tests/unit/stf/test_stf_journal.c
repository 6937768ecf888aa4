/* tests/unit/stf/test_stf_journal.c
 *
 * Caches and undo: storage gas and refunds (EIP-2200, 2929, 3529), native of slots and accounts, transient storage,
 * warmth that goes back with its frame, self-destruction, pubdata of a transaction. */
#include "tests/unit/stf/stf_chain.h"

#include "node/base/hash.h"
#include "node/stf/journal.h"

struct fixture {
    struct chain c;
    struct addr a;
};

static void fixture_init(struct fixture *f)
{
    chain_init(&f->c);
    f->a = addr_of_u32(0xabcdef);
    chain_begin(&f->c);
    journal_tx_begin(f->c.b);
}

struct cost {
    uint64_t gas, native;
};

static struct cost store(struct fixture *f, uint64_t slot, uint64_t value)
{
    struct stf_res res = { 1000000, 10000000 };
    struct b256 k = b256_of_u64(slot), v = b256_of_u64(value);
    assert_int_equal(sys_sstore(f->c.b, &res, &f->a, &k, &v), HALT_NONE);
    return (struct cost){ 1000000 - res.gas, 10000000 - res.native };
}

static struct cost load(struct fixture *f, uint64_t slot, uint64_t want)
{
    struct stf_res res = { 1000000, 10000000 };
    struct b256 k = b256_of_u64(slot), v, w = b256_of_u64(want);
    assert_int_equal(sys_sload(f->c.b, &res, &f->a, &k, &v), HALT_NONE);
    assert_memory_equal(v.b, w.b, 32);
    return (struct cost){ 1000000 - res.gas, 10000000 - res.native };
}

/* The table of EIP-2200 with the numbers of EIP-3529, slot warm: original, values written in turn, gas, refund. */
static const struct {
    uint64_t original, writes[3];
    unsigned cnt;
    uint64_t gas;
    int64_t refund;
} table[] = {
    { 0, { 0, 0 }, 2, 200, 0 },        { 0, { 0, 1 }, 2, 20100, 0 },
    { 0, { 1, 0 }, 2, 20100, 19900 },  { 0, { 1, 2 }, 2, 20100, 0 },
    { 0, { 1, 1 }, 2, 20100, 0 },      { 1, { 0, 0 }, 2, 3000, 4800 },
    { 1, { 0, 1 }, 2, 3000, 2800 },    { 1, { 0, 2 }, 2, 3000, 0 },
    { 1, { 2, 0 }, 2, 3000, 4800 },    { 1, { 2, 3 }, 2, 3000, 0 },
    { 1, { 2, 1 }, 2, 3000, 2800 },    { 1, { 2, 2 }, 2, 3000, 0 },
    { 1, { 1, 0 }, 2, 3000, 4800 },    { 1, { 1, 2 }, 2, 3000, 0 },
    { 1, { 1, 1 }, 2, 200, 0 },        { 0, { 1, 0, 1 }, 3, 40100, 19900 },
    { 1, { 0, 1, 0 }, 3, 5900, 7600 },
};

static void test_sstore_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < GH_COUNT(table); i++) {
        struct fixture f;
        fixture_init(&f);
        struct b256 k = b256_of_u64(1), v = b256_of_u64(table[i].original);
        world_set_slot(&f.c.w, &f.a, &k, &v);
        (void)load(&f, 1, table[i].original); /* warm */
        uint64_t gas = 0;
        for (unsigned w = 0; w < table[i].cnt; w++)
            gas += store(&f, 1, table[i].writes[w]).gas;
        if (gas != table[i].gas || f.c.b->refund != table[i].refund)
            fail_msg("row %zu: gas %llu, refund %lld", i, (unsigned long long)gas,
                     (long long)f.c.b->refund);
        chain_clear(&f.c);
    }
}

static void test_sstore_sentry(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct b256 k = b256_of_u64(1);
    struct stf_res res = { 2300, 10000000 };
    assert_int_equal(sys_sstore(f.c.b, &res, &f.a, &k, &k), HALT_OUT_OF_GAS);
    (void)load(&f, 1, 0);
    res = (struct stf_res){ 2301, 10000000 };
    assert_int_equal(sys_sstore(f.c.b, &res, &f.a, &k, &(struct b256){ { 0 } }), HALT_NONE);
    assert_int_equal(res.gas, 2201);
    chain_clear(&f.c);
}

static void test_slot_native(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct b256 k = b256_of_u64(2), v = b256_of_u64(5);
    world_set_slot(&f.c.w, &f.a, &k, &v);
    struct cost c = load(&f, 1, 0); /* new, cold */
    assert_int_equal(c.gas, 2100);
    assert_int_equal(c.native, 4000 + 242240);
    c = load(&f, 1, 0);
    assert_int_equal(c.gas, 100);
    assert_int_equal(c.native, 4000);
    c = load(&f, 2, 5); /* existing, cold */
    assert_int_equal(c.native, 4000 + 121120);
    c = store(&f, 3, 1); /* new, cold: gas 2100 + 20000 */
    assert_int_equal(c.gas, 22100);
    assert_int_equal(c.native, 4000 + 242240 + 120800);
    c = store(&f, 3, 1); /* no-op, warm: the extra is charged again */
    assert_int_equal(c.gas, 100);
    assert_int_equal(c.native, 4000 + 120800);
    c = store(&f, 2, 6);
    assert_int_equal(c.gas, 2900);
    assert_int_equal(c.native, 4000 + 50560);
    journal_tx_commit(f.c.b);
    journal_tx_begin(f.c.b); /* the next transaction: cold again, still new */
    c = load(&f, 3, 1);
    assert_int_equal(c.gas, 2100);
    assert_int_equal(c.native, 4000 + 242240);
    chain_clear(&f.c);
}

static void test_out_of_either(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct b256 k = b256_of_u64(1), v;
    struct stf_res res = { 99, 3999 }; /* both short: gas is told, and no native taken */
    assert_int_equal(sys_sload(f.c.b, &res, &f.a, &k, &v), HALT_OUT_OF_GAS);
    assert_int_equal(res.gas, 0);
    assert_int_equal(res.native, 3999);
    res = (struct stf_res){ 100, 3999 };
    assert_int_equal(sys_sload(f.c.b, &res, &f.a, &k, &v), HALT_OUT_OF_NATIVE);
    assert_int_equal(res.native, 0);
    res =
        (struct stf_res){ 2099, 1000000 }; /* the warm part is gone, the cold one was not reached */
    assert_int_equal(sys_sload(f.c.b, &res, &f.a, &k, &v), HALT_OUT_OF_GAS);
    assert_int_equal(res.native, 1000000 - 4000);
    res = (struct stf_res){ 5000, 4000 + 242239 };
    assert_int_equal(sys_sload(f.c.b, &res, &f.a, &k, &v), HALT_OUT_OF_NATIVE);
    assert_int_equal(load(&f, 1, 0).gas, 2100); /* none of them warmed it */
    chain_clear(&f.c);
}

static struct cost access(struct fixture *f, const struct addr *a, bool charge_gas)
{
    struct stf_res res = { 1000000, 10000000 };
    const struct account_record *rec;
    assert_int_equal(sys_account(f->c.b, &res, a, charge_gas, &rec), HALT_NONE);
    return (struct cost){ 1000000 - res.gas, 10000000 - res.native };
}

static void test_account_native(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct addr precompile = addr_of_u32(1), p256 = addr_of_u32(0x100), hook = addr_of_u32(0x7001);
    const struct account_record *rec;
    assert_int_equal(sys_account(f.c.b, NULL, &f.a, true, &rec), HALT_NONE); /* warms nothing */
    assert_false(sys_is_warm(f.c.b, &f.a));
    struct cost c = access(&f, &f.a, true); /* empty */
    assert_int_equal(c.gas, 2600);
    assert_int_equal(c.native, 4000 + 4000 + 242240);
    c = access(&f, &f.a, true);
    assert_int_equal(c.gas, 100);
    assert_int_equal(c.native, 4000);
    c = access(&f, &f.c.sender, false); /* exists */
    assert_int_equal(c.gas, 0);
    assert_int_equal(c.native, 4000 + 4000 + 121120 + 500 + 1480);
    c = access(&f, &precompile, true); /* warm from the start, but its slot is read */
    assert_int_equal(c.gas, 100);
    assert_int_equal(c.native, 4000 + 4000 + 242240);
    assert_int_equal(access(&f, &precompile, true).native, 4000);
    assert_int_equal(access(&f, &p256, true).gas, 100);
    assert_int_equal(access(&f, &hook, true).gas, 2600);
    chain_clear(&f.c);
}

static void test_warmth_goes_back(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct sys_mark m = sys_snapshot(f.c.b);
    (void)load(&f, 1, 0);
    (void)access(&f, &f.a, true);
    sys_refund_add(f.c.b, 100);
    assert_true(sys_is_warm(f.c.b, &f.a));
    sys_rollback(f.c.b, m);
    assert_false(sys_is_warm(f.c.b, &f.a));
    assert_int_equal(f.c.b->refund, 0);
    assert_int_equal(load(&f, 1, 0).gas, 2100);
    assert_int_equal(access(&f, &f.a, true).gas, 2600);
    chain_clear(&f.c);
}

static void tstore(struct fixture *f, uint64_t slot, uint64_t value)
{
    struct stf_res res = { 100, 4000 };
    struct b256 k = b256_of_u64(slot), v = b256_of_u64(value);
    assert_int_equal(sys_tstore(f->c.b, &res, &f->a, &k, &v), HALT_NONE);
    assert_int_equal(res.gas + res.native, 0);
}

static void check_tload(struct fixture *f, uint64_t slot, uint64_t want)
{
    struct stf_res res = { 100, 4000 };
    struct b256 k = b256_of_u64(slot), v, w = b256_of_u64(want);
    assert_int_equal(sys_tload(f->c.b, &res, &f->a, &k, &v), HALT_NONE);
    assert_int_equal(res.gas + res.native, 0);
    assert_memory_equal(v.b, w.b, 32);
}

static void test_transient(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    for (uint64_t i = 0; i < 200; i++) /* over several pool chunks */
        tstore(&f, i, i + 1);
    struct sys_mark m = sys_snapshot(f.c.b);
    tstore(&f, 7, 99);
    tstore(&f, 1000, 5);
    check_tload(&f, 7, 99);
    sys_rollback(f.c.b, m);
    check_tload(&f, 7, 8);
    check_tload(&f, 1000, 0);
    check_tload(&f, 199, 200);
    journal_tx_commit(f.c.b);
    journal_tx_begin(f.c.b);
    check_tload(&f, 7, 0); /* gone with its transaction */
    tstore(&f, 7, 1);
    check_tload(&f, 7, 1);
    check_tload(&f, 8, 0);
    chain_clear(&f.c);
}

static void test_transfers(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct stf_res res = { 0, 10000000 };
    struct u256 v = u256_of_u64(10), zero = U256_ZERO, max = U256_MAX;
    struct stf_block *b = f.c.b;
    assert_int_equal(sys_transfer(b, &res, &f.a, &f.c.sender, &zero), HALT_NONE);
    assert_int_equal(res.native, 10000000); /* nothing at all */
    assert_int_equal(sys_transfer(b, &res, &f.a, &f.c.sender, &v), HALT_REVERT);
    assert_int_equal(sys_transfer(b, &res, &f.c.sender, &f.a, &v), HALT_NONE);
    assert_int_equal(journal_account(b, &f.a)->current.balance.w[0], 10);
    assert_int_equal(sys_add_balance(b, NULL, &f.a, &max), HALT_REVERT); /* overflow */
    struct account_entry *e = journal_account(b, &f.a);
    struct u256 nearly = u256_sub(&max, &v);
    assert_true(journal_set_balance(b, e, &nearly));
    struct u256 eleven = u256_of_u64(11), before = journal_account(b, &f.c.sender)->current.balance;
    assert_int_equal(sys_transfer(b, &res, &f.c.sender, &f.a, &eleven), HALT_REVERT);
    assert_true(u256_eq(&journal_account(b, &f.c.sender)->current.balance, &before));
    uint64_t nonce;
    assert_int_equal(sys_increment_nonce(b, &res, &f.a, &nonce), HALT_NONE);
    assert_int_equal(nonce, 0);
    assert_true(journal_set_nonce(b, e, UINT64_MAX));
    assert_int_equal(sys_increment_nonce(b, &res, &f.a, &nonce), HALT_REVERT);
    chain_clear(&f.c);
}

static void test_set_code_native(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct stf_res res = { 0, 10000000 };
    struct bytes code = chain_hex(&f.c, "5b5b5b");
    assert_int_equal(sys_set_code(f.c.b, &res, &f.a, 1, code), HALT_NONE);
    /* access (new), keccak, bitmap, blob of 16, record, write */
    assert_int_equal(10000000 - res.native,
                     (4000 + 4000 + 242240) + 20000 + 6 * 3 + (800 + 340) + 500 + 1000);
    struct bytes got;
    const uint8_t *bitmap;
    const struct account_record *rec = &journal_account(f.c.b, &f.a)->current;
    assert_int_equal(sys_code(f.c.b, rec, &got, &bitmap), HALT_NONE);
    assert_true(bytes_eq(got, code));
    assert_true(code_is_jumpdest(bitmap, 2));
    assert_int_equal(sys_native_code_read(rec), 500 + 800 + 340);
    assert_true(sys_created_in_tx(f.c.b, &f.a));
    chain_clear(&f.c);
}

/* ---- self-destruction ---- */

static struct cost destroy_in(struct fixture *f, const struct addr *self, const struct addr *to,
                              bool in_creation)
{
    struct stf_res res = { 1000000, 10000000 };
    assert_int_equal(sys_selfdestruct(f->c.b, &res, self, to, in_creation), HALT_NONE);
    return (struct cost){ 1000000 - res.gas, 10000000 - res.native };
}

static struct cost destroy(struct fixture *f, const struct addr *self, const struct addr *to)
{
    return destroy_in(f, self, to, false);
}

static void test_selfdestruct_of_old_contract(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct addr to = addr_of_u32(0x999);
    chain_put_code(&f.c, &f.a, "00");
    (void)access(&f, &f.a, true);
    struct cost c = destroy(&f, &f.a, &to); /* nothing to move: cold only */
    assert_int_equal(c.gas, 2600);
    struct u256 v = u256_of_u64(5);
    assert_int_equal(sys_add_balance(f.c.b, NULL, &f.a, &v), HALT_NONE);
    c = destroy(&f, &f.a, &f.a); /* to itself: no burn */
    assert_int_equal(c.gas, 0);
    assert_int_equal(journal_account(f.c.b, &f.a)->current.balance.w[0], 5);
    c = destroy(&f, &f.a, &to); /* value to an empty account */
    assert_int_equal(c.gas, 25000);
    assert_int_equal(c.native, 5000 * 3);
    assert_int_equal(sys_add_balance(f.c.b, NULL, &f.a, &v), HALT_NONE);
    assert_int_equal(destroy(&f, &f.a, &to).gas, 0); /* not empty any more */
    journal_tx_commit(f.c.b);
    assert_int_equal(journal_account(f.c.b, &f.a)->current.code_len, 1); /* still there */
    chain_clear(&f.c);
}

static void test_selfdestruct_of_new_contract(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct addr to = addr_of_u32(0x999);
    struct stf_res res = { 1000000, 10000000 };
    struct b256 k = b256_of_u64(1);
    struct u256 v = u256_of_u64(5);
    assert_int_equal(sys_mark_created(f.c.b, &res, &f.a), HALT_NONE);
    assert_int_equal(sys_set_code(f.c.b, &res, &f.a, 1, chain_hex(&f.c, "00")), HALT_NONE);
    (void)store(&f, 1, 7);
    assert_int_equal(sys_add_balance(f.c.b, NULL, &f.a, &v), HALT_NONE);
    struct sys_mark m = sys_snapshot(f.c.b);
    (void)destroy(&f, &f.a, &to);
    sys_rollback(f.c.b, m); /* undone: it lives */
    journal_tx_commit(f.c.b);
    assert_int_equal(journal_account(f.c.b, &f.a)->current.code_len, 1);
    f.c.b = NULL;
    chain_begin(&f.c);
    journal_tx_begin(f.c.b);
    assert_int_equal(sys_mark_created(f.c.b, &res, &f.a), HALT_NONE);
    assert_int_equal(sys_set_code(f.c.b, &res, &f.a, 1, chain_hex(&f.c, "00")), HALT_NONE);
    (void)store(&f, 1, 7);
    assert_int_equal(sys_add_balance(f.c.b, NULL, &f.a, &v), HALT_NONE);
    (void)destroy(&f, &f.a, &to);
    assert_int_equal(journal_slot(f.c.b, &f.a, &k)->current.b[31], 7); /* until the end */
    journal_tx_commit(f.c.b);
    assert_true(account_is_default(&journal_account(f.c.b, &f.a)->current));
    assert_int_equal(journal_slot(f.c.b, &f.a, &k)->current.b[31], 0);
    struct stf_block_output out = chain_end(&f.c);
    assert_int_equal(out.diff_cnt, 1); /* only the beneficiary */
    chain_clear(&f.c);
}

/* A funded address that a contract is created on and destroyed: its leaf becomes the hash of the zero record. */
static void test_selfdestruct_of_funded_address(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    chain_fund(&f.c, &f.a, 9);
    struct stf_res res = { 1000000, 10000000 };
    assert_int_equal(sys_mark_created(f.c.b, &res, &f.a), HALT_NONE);
    (void)destroy_in(&f, &f.a, &f.a, true); /* to itself: burned */
    journal_tx_commit(f.c.b);
    struct stf_block_output out = chain_end(&f.c);
    assert_int_equal(out.diff_cnt, 1);
    struct b256 zero_record =
        world_b256("7a2b5e8d3961f5c992b2fa0ad45881ac0873fd0dced3c4b9085b02879c8a02b2");
    assert_memory_equal(out.diffs[0].new_value.b, zero_record.b, 32);
    assert_false(out.diffs[0].is_new);
    chain_clear(&f.c);
}

/* ---- pubdata of a transaction (spec 20 §6.5) ---- */

static void test_pubdata_base_is_tx_start(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct b256 k = b256_of_u64(1), v = b256_of_u64(0x10000);
    world_set_slot(&f.c.w, &f.a, &k, &v);
    (void)store(&f, 1, 0x10001);
    assert_int_equal(pubdata_of_tx(f.c.b), 34); /* +1 */
    (void)store(&f, 1, 0x10000);
    assert_int_equal(pubdata_of_tx(f.c.b), 0);
    (void)store(&f, 1, 0x20000);
    assert_int_equal(pubdata_of_tx(f.c.b), 32 + 4);
    journal_tx_commit(f.c.b);
    journal_tx_begin(f.c.b);
    (void)store(&f, 1, 0x20001);
    assert_int_equal(pubdata_of_tx(f.c.b), 34); /* against the start of the transaction */
    (void)store(&f, 1, 0x10000);                /* back to the block's beginning: free */
    assert_int_equal(pubdata_of_tx(f.c.b), 0);
    chain_clear(&f.c);
}

static void test_preimages_and_order(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct stf_res res = { 1000000, 10000000 };
    struct addr second = addr_of_u32(0xabcdee);
    struct sys_mark m = sys_snapshot(f.c.b);
    assert_int_equal(sys_set_code(f.c.b, &res, &second, 1, chain_hex(&f.c, "6001")), HALT_NONE);
    sys_rollback(f.c.b, m); /* not published */
    assert_int_equal(sys_set_code(f.c.b, &res, &f.a, 1, chain_hex(&f.c, "00")), HALT_NONE);
    assert_int_equal(sys_set_code(f.c.b, &res, &second, 1, chain_hex(&f.c, "00")), HALT_NONE);
    (void)store(&f, 9, 1);
    (void)store(&f, 8, 1);
    journal_tx_commit(f.c.b);
    struct stf_block_output out = chain_end(&f.c);
    assert_int_equal(out.preimage_cnt, 3); /* the code once, two records */
    assert_true(out.preimages[0].is_code);
    assert_int_equal(out.diff_cnt, 4);
    /* 0x8003 sorts before 0xabcdef by its low limb; slots ascend */
    struct addr records = account_storage_addr();
    assert_memory_equal(out.diffs[0].addr.b, records.b, 20);
    assert_int_equal(out.diffs[0].slot.b[31], 0xee);
    assert_int_equal(out.diffs[1].slot.b[31], 0xef);
    assert_int_equal(out.diffs[2].slot.b[31], 8);
    assert_int_equal(out.diffs[3].slot.b[31], 9);
    assert_true(out.diffs[3].is_new);
    chain_clear(&f.c);
}

/* Many slots in a scrambled order come out sorted by the limbs, least significant first. */
static void test_diff_order_is_total(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    uint64_t seed = 12345;
    enum { N = 700 };
    for (int i = 0; i < N; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        struct addr a = { { 0 } };
        a.b[0] = (uint8_t)(seed >> 60);
        a.b[11] = (uint8_t)(seed >> 50 & 3);
        a.b[19] = (uint8_t)(seed >> 40 & 3);
        struct b256 k = b256_of_u64(seed >> 32), v = b256_of_u64(1);
        struct slot_entry *s = journal_slot(f.c.b, &a, &k);
        assert_true(journal_set_slot(f.c.b, s, &v));
    }
    journal_tx_commit(f.c.b);
    struct stf_block_output out = chain_end(&f.c);
    assert_int_equal(out.diff_cnt, N);
    for (size_t i = 1; i < out.diff_cnt; i++) {
        uint8_t l[52], r[52]; /* low limb, middle limb, high limb, slot */
        const struct stf_diff *p = &out.diffs[i - 1], *q = &out.diffs[i];
        memcpy(l, p->addr.b + 12, 8), memcpy(l + 8, p->addr.b + 4, 8), memcpy(l + 16, p->addr.b, 4);
        memcpy(r, q->addr.b + 12, 8), memcpy(r + 8, q->addr.b + 4, 8), memcpy(r + 16, q->addr.b, 4);
        memcpy(l + 20, p->slot.b, 32);
        memcpy(r + 20, q->slot.b, 32);
        assert_true(memcmp(l, r, 52) < 0);
    }
    chain_clear(&f.c);
}

/* ---- undo is complete ---- */

struct op {
    unsigned kind, who, slot, value;
};

static const uint8_t forced_code[1] = { 0xfe };

static uint32_t draw(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

static void apply(struct chain *c, const struct op *o)
{
    struct stf_block *b = c->b;
    struct stf_res res = { 100000000, 1000000000 };
    struct addr a = addr_of_u32(0x40000 + o->who), other = addr_of_u32(0x40000 + o->slot);
    struct b256 k = b256_of_u64(o->slot), v = b256_of_u64(o->value);
    struct u256 amount = u256_of_u64(o->value);
    uint8_t code[2] = { 0x5b, (uint8_t)o->value };
    uint64_t nonce;
    enum stf_halt h = HALT_NONE;
    struct account_entry *e = journal_account(b, &a);
    switch (o->kind) {
    case 0:
    case 1:
        h = sys_sstore(b, &res, &a, &k, &v);
        break;
    case 2:
        h = sys_tstore(b, &res, &a, &k, &v);
        break;
    case 3:
        h = sys_add_balance(b, &res, &a, &amount);
        break;
    case 4:
        h = sys_transfer(b, &res, &a, &other, &amount);
        break;
    case 5:
        h = sys_increment_nonce(b, &res, &a, &nonce);
        break;
    case 6:
        h = sys_set_code(b, &res, &a, 1, bytes_of(code, 2));
        break;
    case 7:
        h = sys_emit_event(b, &res, &a, &k, 1, bytes_of(code, 2));
        break;
    case 8:
        h = sys_send_message(b, &res, &a, bytes_of(code, 2));
        break;
    case 9:
        h = sys_selfdestruct(b, &res, &a, &other, o->value % 2 == 0);
        break;
    case 10:
        assert_true(journal_set_delegation(b, e, &other));
        break;
    case 11: {
        struct b256 bare = blake2s(forced_code, 1), observable = keccak256(forced_code, 1);
        h = journal_force_code(b, &res, &a, &bare, 1, &observable);
        break;
    }
    default:
        h = sys_warm_slot(b, &a, &k);
        break;
    }
    assert_true(h == HALT_NONE || h == HALT_REVERT);
}

enum { MAX_OPS = 400, ACTORS = 5 };

/* Runs random operations in nested frames, some of which roll back. Returns the operations that lasted. */
static size_t run_frames(struct chain *c, uint64_t *seed, struct op *lasting)
{
    struct {
        struct sys_mark mark;
        size_t cnt;
    } frames[20];
    size_t depth = 0, cnt = 0;
    for (int i = 0; i < MAX_OPS; i++) {
        uint32_t dice = draw(seed) % 10;
        if (dice == 0 && depth < 20) {
            frames[depth].mark = sys_snapshot(c->b);
            frames[depth++].cnt = cnt;
        } else if (dice == 1 && depth > 0) {
            depth--; /* kept */
        } else if (dice == 2 && depth > 0) {
            depth--;
            sys_rollback(c->b, frames[depth].mark);
            cnt = frames[depth].cnt;
        } else {
            struct op o = { draw(seed) % 13, draw(seed) % ACTORS, draw(seed) % ACTORS,
                            draw(seed) % 4 };
            apply(c, &o);
            lasting[cnt++] = o;
        }
    }
    return cnt;
}

/* What can be seen of the running transaction besides the diffs. */
static void compare_views(struct chain *x, struct chain *y)
{
    assert_int_equal(x->b->refund, y->b->refund);
    assert_int_equal(pubdata_of_tx(x->b), pubdata_of_tx(y->b));
    assert_int_equal(x->b->events.cnt, y->b->events.cnt);
    for (uint32_t who = 0; who < ACTORS; who++) {
        struct addr a = addr_of_u32(0x40000 + who);
        assert_int_equal(sys_is_warm(x->b, &a), sys_is_warm(y->b, &a));
        assert_int_equal(sys_created_in_tx(x->b, &a), sys_created_in_tx(y->b, &a));
        for (uint64_t i = 0; i < ACTORS; i++) {
            struct b256 k = b256_of_u64(i), u, v;
            struct stf_res r = { 10000, 10000000 }, s = r;
            assert_int_equal(sys_tload(x->b, &r, &a, &k, &u), sys_tload(y->b, &s, &a, &k, &v));
            assert_memory_equal(u.b, v.b, 32);
            assert_int_equal(sys_sload(x->b, &r, &a, &k, &u), sys_sload(y->b, &s, &a, &k, &v));
            assert_memory_equal(u.b, v.b, 32);
            assert_int_equal(r.gas, s.gas); /* equally warm */
            assert_int_equal(r.native, s.native);
        }
    }
}

static void test_undo_is_complete(void **state)
{
    (void)state;
    static struct op lasting[MAX_OPS];
    for (uint64_t round = 1; round <= 60; round++) {
        uint64_t seed = round;
        struct chain x, y;
        chain_init(&x);
        chain_init(&y);
        chain_begin(&x);
        chain_begin(&y);
        assert_true(stf_block_add_preimage(x.b, bytes_of(forced_code, 1)));
        assert_true(stf_block_add_preimage(y.b, bytes_of(forced_code, 1)));
        for (int tx = 0; tx < 3; tx++) {
            journal_tx_begin(x.b);
            journal_tx_begin(y.b);
            size_t cnt = run_frames(&x, &seed, lasting);
            for (size_t i = 0; i < cnt; i++)
                apply(&y, &lasting[i]);
            compare_views(&x, &y);
            journal_tx_commit(x.b);
            journal_tx_commit(y.b);
        }
        struct stf_block_output ox = chain_end(&x), oy = chain_end(&y);
        assert_int_equal(ox.pubdata.len, oy.pubdata.len);
        assert_memory_equal(ox.pubdata.p, oy.pubdata.p, ox.pubdata.len);
        assert_int_equal(ox.preimage_cnt, oy.preimage_cnt);
        struct b256 rx = world_tree_root(&x.w), ry = world_tree_root(&y.w);
        assert_memory_equal(rx.b, ry.b, 32);
        chain_clear(&x);
        chain_clear(&y);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sstore_table),
        cmocka_unit_test(test_sstore_sentry),
        cmocka_unit_test(test_slot_native),
        cmocka_unit_test(test_out_of_either),
        cmocka_unit_test(test_account_native),
        cmocka_unit_test(test_warmth_goes_back),
        cmocka_unit_test(test_transient),
        cmocka_unit_test(test_transfers),
        cmocka_unit_test(test_set_code_native),
        cmocka_unit_test(test_selfdestruct_of_old_contract),
        cmocka_unit_test(test_selfdestruct_of_new_contract),
        cmocka_unit_test(test_selfdestruct_of_funded_address),
        cmocka_unit_test(test_pubdata_base_is_tx_start),
        cmocka_unit_test(test_preimages_and_order),
        cmocka_unit_test(test_diff_order_is_total),
        cmocka_unit_test(test_undo_is_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
