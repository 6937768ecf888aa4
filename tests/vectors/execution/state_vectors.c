/* tests/vectors/execution/state_vectors.c
 *
 * Records, blobs, value and account diffs, and the worked block of the state chapter, this one driven through the journal: the
 * changes are made as a transaction would make them and the block is ended. */
#include "tests/vectors/execution/vector_json.h"

#include "node/base/hash.h"
#include "node/stf/bootloader.h"

static void check_record(struct world *w, const json_t *want, const struct account_record *rec)
{
    uint8_t enc[ACCOUNT_RECORD_LEN];
    account_encode(enc, rec);
    assert_bytes(bytes_of(enc, sizeof enc), vector_bytes(w, want, "encoding"));
    assert_b256(account_value(rec), vector_b256(want, "hash"));
    struct account_record back;
    assert_true(account_decode(&back, bytes_of(enc, sizeof enc)));
    assert_true(account_eq(&back, rec));
}

static struct account_record deployed(struct world *w, struct bytes code)
{
    struct account_record rec;
    memset(&rec, 0, sizeof rec);
    rec.nonce = 1;
    uint8_t *blob = arena_alloc(&w->arena, code_blob_len(code.len) + 1);
    code_blob_build(blob, code);
    account_set_code(&rec, bytes_of(blob, code_blob_len(code.len)), code.len);
    return rec;
}

/* A designator written by the journal, with its blob among the block's preimages; then cleared. */
static void check_delegation(struct world *w, const json_t *want)
{
    struct stf_block_context c = world_context();
    struct stf_options options = { 0 };
    struct stf_fault fault;
    struct stf_block *b = stf_block_begin(&w->arena, stf_rules_zksync_os_v31(), &c, &w->oracle,
                                          NULL, &options, &fault);
    struct addr a = addr_of_u32(0x7777), target, zero = { { 0 } };
    memset(target.b, 0x11, 20);
    journal_tx_begin(b);
    struct account_entry *e = journal_account(b, &a);
    assert_true(journal_set_nonce(b, e, 1) && journal_set_delegation(b, e, &target));
    check_record(w, want, &e->current);
    struct bytes blob = journal_preimage(b, &e->current.bytecode_hash);
    assert_bytes(blob, vector_bytes(w, want, "blob"));
    assert_true(journal_set_delegation(b, e, &zero));
    e->current.nonce = 0;
    assert_true(account_is_default(&e->current));
}

static void test_records(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    json_t *j = vectors_load("vectors/state/tree_vectors.json");
    struct account_record zero, eoa;
    memset(&zero, 0, sizeof zero);
    check_record(&w, json_need(j, "account_all_zero"), &zero);
    eoa = zero;
    eoa.nonce = 5;
    eoa.balance = u256_of_u64(1000000000000000000u);
    check_record(&w, json_need(j, "account_eoa_nonce5_1e18"), &eoa);
    const json_t *contract = json_need(j, "account_contract");
    struct bytes code = vector_bytes(&w, contract, "code");
    struct account_record rec = deployed(&w, code);
    check_record(&w, contract, &rec);
    assert_b256(rec.bytecode_hash, vector_b256(contract, "bytecode_hash"));
    uint8_t blob[16];
    code_blob_build(blob, code);
    assert_bytes(bytes_of(blob, 16), vector_bytes(&w, contract, "blob"));
    rec = deployed(&w, bytes_of(NULL, 0));
    check_record(&w, json_need(j, "account_deployed_empty_code"), &rec);
    check_delegation(&w, json_need(j, "account_delegated_to_1111"));
    code = world_hex(&w, "605b5b00");
    code_blob_build(blob, code); /* a JUMPDEST in push data is none */
    assert_bytes(bytes_of(blob + 8, 8), vector_bytes(&w, j, "bitmap_605b5b00"));
    struct addr a = world_addr("4242000000000000000000000000000000000000");
    struct b256 one = b256_of_u64(1);
    assert_b256(account_flat_key(&a), vector_b256(j, "flat_key_account_4242"));
    assert_b256(blake2s_flat_key(&a, &one), vector_b256(j, "flat_key_4242_slot_1"));
    json_decref(j);
    world_clear(&w);
}

static void test_value_diffs(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    json_t *j = vectors_load("vectors/state/tree_vectors.json");
    const json_t *rows = json_need(j, "value_diffs");
    assert_int_equal(json_array_size(rows), 13);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *v = json_array_get(rows, i);
        struct u256 from = vector_u256(v, "from"), to = vector_u256(v, "to");
        uint8_t out[33];
        assert_bytes(bytes_of(out, pubdata_value_diff(out, &from, &to)),
                     vector_bytes(&w, v, "diff"));
    }
    /* deployment unit test of the reference: a hand-made record with versioning 01 and no artifacts */
    struct account_record old, now;
    memset(&old, 0, sizeof old);
    old.balance = world_number("0xff00000000ff");
    now = old;
    now.balance = world_number("0xff0000000000");
    now.nonce = 0;
    now.versioning = 0x0100000000000000u;
    now.code_len = now.observable_len = 5;
    now.bytecode_hash = b256_of_u64(1);
    static const uint8_t blob[8] = { 1, 2, 3, 4, 5 };
    struct pubdata_account pa = { .old = &old, .now = &now, .blob = { blob, 8 } };
    uint8_t enc[128];
    size_t n = pubdata_account_diff(enc, &pa);
    assert_int_equal(n, pubdata_account_diff(NULL, &pa));
    assert_bytes(bytes_of(enc, n), vector_bytes(&w, j, "deployment_unit_test padded (ref)"));
    pa.code_unpublished = true;
    assert_int_equal(pubdata_account_diff(enc, &pa), 1 + 8 + 1 + 2 + 32 + 4);
    assert_int_equal(enc[0], 0x24);
    json_decref(j);
    world_clear(&w);
}

static void set_balance(struct stf_block *b, const struct addr *a, uint64_t nonce,
                        const struct u256 *balance)
{
    struct account_entry *e = journal_account(b, a);
    assert_non_null(e);
    assert_true(journal_set_balance(b, e, balance));
    if (nonce != e->current.nonce)
        assert_true(journal_set_nonce(b, e, nonce));
}

static void set_slot(struct stf_block *b, const struct addr *a, uint64_t slot, uint64_t value)
{
    struct b256 k = b256_of_u64(slot), v = b256_of_u64(value);
    struct slot_entry *s = journal_slot(b, a, &k);
    assert_non_null(s);
    assert_true(journal_set_slot(b, s, &v));
}

struct worked {
    struct world w;
    struct addr sender, coinbase, holder, contract;
};

static void worked_state(struct worked *x)
{
    struct u256 eth = u256_of_u64(1000000000000000000u);
    struct b256 one = b256_of_u64(1), seven = b256_of_u64(7);
    world_init(&x->w);
    x->sender = world_addr("1000000000000000000000000000000000000001");
    x->coinbase = addr_of_u32(0xc0);
    x->holder = world_addr("4242000000000000000000000000000000000000");
    x->contract = world_addr("3000000000000000000000000000000000000003");
    world_set_account(&x->w, &x->sender, 0, &eth, bytes_of(NULL, 0));
    world_set_slot(&x->w, &x->holder, &one, &seven);
    world_sort_leaves(&x->w);
}

/* The changes of spec 20 §6.6, in no particular order. */
static void worked_changes(struct worked *x, struct stf_block *b)
{
    static const uint8_t code[5] = { 0x5b, 0x60, 0x01, 0x00, 0x5b };
    struct stf_res res = { 1000000000, UINT64_MAX };
    struct u256 v = u256_of_u64(1000000000000000000u - 1092);
    journal_tx_begin(b);
    set_balance(b, &x->sender, 2, &v);
    v = u256_of_u64(42);
    set_balance(b, &x->holder, 0, &v);
    v = u256_of_u64(1000);
    set_balance(b, &x->coinbase, 0, &v);
    assert_int_equal(sys_mark_created(b, &res, &x->contract), HALT_NONE);
    assert_int_equal(sys_set_code(b, &res, &x->contract, 1, bytes_of(code, 5)), HALT_NONE);
    v = u256_of_u64(50);
    set_balance(b, &x->contract, 1, &v);
    set_slot(b, &x->contract, 0, 0xbeef);
    set_slot(b, &x->holder, 1, 9);
    set_slot(b, &x->sender, 5, 77);
    set_slot(b, &x->sender, 5, 0); /* back again: not emitted */
    b->tx_cnt = 1;
    assert_int_equal(sys_send_message(b, &res, &x->sender, bytes_of((const uint8_t *)"hello", 5)),
                     HALT_NONE);
    journal_tx_commit(b);
}

static void test_worked_block(void **state)
{
    (void)state;
    struct worked x;
    worked_state(&x);
    json_t *j = vectors_load("vectors/state/tree_vectors.json");
    const json_t *want = json_need(j, "worked_block");
    assert_b256(world_tree_root(&x.w), vector_b256(want, "root_before"));
    struct stf_block_context c = world_context();
    c.timestamp = 1700000000;
    struct stf_options options = { 0 };
    struct stf_fault fault;
    struct stf_block *b = stf_block_begin(&x.w.arena, stf_rules_zksync_os_v31(), &c, &x.w.oracle,
                                          NULL, &options, &fault);
    assert_non_null(b);
    worked_changes(&x, b);
    struct stf_block_output out;
    assert_true(stf_block_end(b, &out, &fault));
    const json_t *order = json_need(want, "emission_order"), *news = json_need(want, "new_values");
    assert_int_equal(out.diff_cnt, json_array_size(order));
    for (size_t i = 0; i < out.diff_cnt; i++) {
        assert_b256(out.diffs[i].flat_key, world_b256(json_string_value(json_array_get(order, i))));
        assert_b256(out.diffs[i].new_value, world_b256(json_string_value(json_array_get(news, i))));
    }
    /* everything but the block hash, which the vector makes up */
    struct bytes stream = vector_bytes(&x.w, want, "pubdata_v1");
    assert_int_equal(out.pubdata.len, stream.len);
    assert_memory_equal(out.pubdata.p + 1, out.block_hash.b, 32);
    assert_int_equal(out.pubdata.p[0], 1);
    assert_memory_equal(out.pubdata.p + 33, stream.p + 33, stream.len - 33);
    world_apply(&x.w, &out);
    assert_b256(world_tree_root(&x.w), vector_b256(want, "root_after"));
    assert_int_equal(x.w.leaf_cnt, vector_u64(want, "leaf_count_after"));
    json_decref(j);
    world_clear(&x.w);
}

int main(void)
{
    if (!recorded_present("state vectors"))
        return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_value_diffs),
        cmocka_unit_test(test_worked_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
