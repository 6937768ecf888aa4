/* What state_* refuses, and that a refused block leaves no trace; views, marks, oracle and ring. */
#include "node/base/hash.h"
#include "node/stf/batch.h"
#include "tests/unit/state/model.h"

static const struct state_config config = { 8, 8 };
static struct block block;

static struct b256 byte_word(uint8_t x)
{
    struct b256 w;
    memset(w.b, x, 32);
    return w;
}

static struct state *started(void)
{
    struct state *s = state_create(&config);
    struct err err = { 0 };
    struct b256 k = byte_word(5), v = byte_word(50);
    struct stf_diff d = { .flat_key = k, .new_value = v };
    assert_fine(state_start(s, 10, &d, 1, NULL, 0, NULL, &err), &err);
    return s;
}

static void refuse(struct state *s, uint64_t number, const struct block *b,
                   const char *word_in_message)
{
    struct err err = { 0 };
    struct state_mark before, after;
    struct state_usage u, w;
    uint64_t latest = state_latest(s);
    assert_true(state_mark_at(s, latest, &before));
    state_usage(s, &u);
    assert_false(
        state_apply(s, number, b->diffs, b->diff_cnt, b->preimages, b->preimage_cnt, NULL, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    if (!strstr(err.msg, word_in_message))
        fail_msg("the message \"%s\" does not say \"%s\"", err.msg, word_in_message);
    assert_int_equal(state_latest(s), latest);
    assert_true(state_mark_at(s, latest, &after));
    assert_word(&after.root, &before.root, "root");
    state_usage(s, &w);
    assert_int_equal(u.leaf_count, w.leaf_count);
    assert_int_equal(u.preimage_count, w.preimage_count);
    assert_fine(state_check(s, &err), &err);
}

static void refused_blocks(void **unused)
{
    (void)unused;
    struct state *s = started();
    struct b256 k5 = byte_word(5), k6 = byte_word(6), v50 = byte_word(50), v60 = byte_word(60);
    struct b256 low = byte_word(0), high = byte_word(0xff);
    static struct block b;

    b.diff_cnt = b.preimage_cnt = 0;
    refuse(s, 10, &b, "follow");
    refuse(s, 12, &b, "follow");

    block_add_slot(&b, &k5, &v60, &v60, false);
    refuse(s, 11, &b, "old value");
    b.diff_cnt = 0;
    block_add_slot(&b, &k5, &v60, NULL, true);
    refuse(s, 11, &b, "has a leaf");
    b.diff_cnt = 0;
    block_add_slot(&b, &k6, &v60, NULL, false);
    refuse(s, 11, &b, "is new");
    b.diff_cnt = 0;
    block_add_slot(&b, &k6, &v60, &v50, true);
    refuse(s, 11, &b, "old value");
    b.diff_cnt = 0;
    block_add_slot(&b, &k6, &v60, NULL, true);
    block_add_slot(&b, &k6, &v50, NULL, true);
    refuse(s, 11, &b, "twice");
    b.diff_cnt = 0;
    block_add_slot(&b, &k5, &v60, &v50, false);
    block_add_slot(&b, &k5, &v60, &v50, false);
    refuse(s, 11, &b, "twice");
    b.diff_cnt = 0;
    block_add_slot(&b, &low, &v60, NULL, true);
    refuse(s, 11, &b, "guard");
    b.diff_cnt = 0;
    block_add_slot(&b, &high, &v60, NULL, true);
    refuse(s, 11, &b, "guard");

    b.diff_cnt = 0;
    struct addr a = addr_of_u32(7);
    struct account_record rec = { .nonce = 3 };
    block_add_account(&b, &a, &rec, NULL, true);
    b.preimage_cnt = 0;
    refuse(s, 11, &b, "record");
    b.preimage_cnt = 1;
    b.records[0][15] ^= 1;
    refuse(s, 11, &b, "hash");
    b.records[0][15] ^= 1;
    struct err err = { 0 };
    assert_fine(state_apply(s, 11, b.diffs, 1, b.preimages, 1, NULL, &err), &err);
    state_destroy(s);
}

static void starting(void **unused)
{
    (void)unused;
    struct state *s = state_create(&config);
    struct err err = { 0 };
    struct b256 k = byte_word(5);
    struct stf_diff d[2] = { { .flat_key = k }, { .flat_key = k } };
    assert_false(state_has_block(s));
    assert_null(state_view_open(s, STATE_LATEST, &err));
    assert_false(state_apply_flat(s, 1, NULL, 0, NULL, 0, &err));
    assert_false(state_tree_advance(s, 0, NULL, &err));
    assert_false(state_check(s, &err));
    assert_false(state_rollback(s, 0, &err));
    assert_false(state_start(s, 0, d, 2, NULL, 0, NULL, &err)); /* a duplicate */
    assert_false(state_has_block(s));
    assert_fine(state_start(s, 7, d, 1, NULL, 0, NULL, &err), &err);
    assert_true(state_has_block(s));
    assert_int_equal(state_latest(s), 7);
    assert_int_equal(state_tree_block(s), 7);
    assert_int_equal(state_floor(s), 7);
    assert_false(state_start(s, 8, d, 1, NULL, 0, NULL, &err));
    assert_null(state_view_open(s, 6, &err));
    state_destroy(s);
}

/* A key set to zero keeps its leaf; one never written has none. */
static void zero_is_not_absent(void **unused)
{
    (void)unused;
    struct state *s = started();
    struct err err = { 0 };
    struct b256 k5 = byte_word(5), v50 = byte_word(50), zero = byte_word(0), k7 = byte_word(7), v;
    bool exists;
    block.diff_cnt = 0;
    block_add_slot(&block, &k5, &zero, &v50, false);
    assert_fine(state_apply(s, 11, block.diffs, 1, NULL, 0, NULL, &err), &err);
    struct state_view *view = state_view_open(s, 11, &err);
    struct stf_oracle o = state_view_oracle(view);
    assert_true(o.read_slot(o.ctx, &k5, &v, &exists));
    assert_true(exists && b256_is_zero(&v));
    assert_true(o.read_slot(o.ctx, &k7, &v, &exists));
    assert_true(!exists && b256_is_zero(&v));
    /* the guards are no slots */
    struct b256 high = byte_word(0xff);
    assert_true(o.read_slot(o.ctx, &high, &v, &exists) && !exists);
    assert_true(o.read_slot(o.ctx, &zero, &v, &exists) && !exists);
    struct bytes none;
    assert_false(o.read_preimage(o.ctx, &k5, &none));
    state_view_close(view);
    state_destroy(s);
}

static void empty_block(struct state *s, uint64_t n)
{
    struct err err = { 0 };
    assert_fine(state_apply(s, n, NULL, 0, NULL, 0, NULL, &err), &err);
}

static void floors(void **unused)
{
    (void)unused;
    struct state *s = started();
    struct err err = { 0 };
    struct state_mark mark;
    for (uint64_t n = 11; n <= 30; n++)
        empty_block(s, n);
    assert_int_equal(state_floor(s), 22);
    assert_int_equal(state_proof_floor(s), 22);
    struct state_view *v = state_view_open(s, 25, &err);
    assert_non_null(v);
    for (uint64_t n = 31; n <= 40; n++)
        empty_block(s, n);
    assert_int_equal(state_floor(s), 25); /* the view holds it */
    assert_true(state_mark_at(s, 25, &mark));
    assert_false(state_rollback(s, 24, &err));
    state_view_close(v);
    state_keep_from(s, 28);
    empty_block(s, 41);
    assert_int_equal(state_floor(s), 28);
    for (uint64_t n = 42; n <= 60; n++)
        empty_block(s, n);
    assert_int_equal(state_floor(s), 28);
    assert_int_equal(state_proof_floor(s), 32); /* gone before it was asked to stay */
    state_keep_from(s, UINT64_MAX);
    empty_block(s, 61);
    assert_int_equal(state_floor(s), 53);
    assert_false(state_mark_at(s, 27, &mark));
    /* a tree that lags holds the floor too */
    for (uint64_t n = 62; n <= 90; n++)
        assert_fine(state_apply_flat(s, n, NULL, 0, NULL, 0, &err), &err);
    assert_int_equal(state_floor(s), 61);
    assert_false(state_tree_advance(s, 91, NULL, &err));
    assert_fine(state_tree_advance(s, 90, &mark, &err), &err);
    assert_int_equal(mark.block, 90);
    empty_block(s, 91);
    assert_int_equal(state_floor(s), 83);
    assert_false(state_tree_advance(s, 11, &mark, &err)); /* done long ago, its mark is gone */
    state_destroy(s);
}

static void rolled_back_views(void **unused)
{
    (void)unused;
    struct state *s = started();
    struct err err = { 0 };
    for (uint64_t n = 11; n <= 15; n++)
        empty_block(s, n);
    struct state_view *old = state_view_open(s, 12, &err), *late = state_view_open(s, 14, &err);
    assert_fine(state_rollback(s, 13, &err), &err);
    struct b256 k5 = byte_word(5), v;
    struct bytes p;
    struct addr a = addr_of_u32(1);
    struct account_record rec;
    bool exists;
    assert_true(state_view_slot(old, &k5, &v, &exists));
    assert_false(state_view_slot(late, &k5, &v, &exists));
    empty_block(s, 14); /* another block 14: still not the one of the view */
    assert_false(state_view_slot(late, &k5, &v, &exists));
    assert_false(state_view_preimage(late, &k5, &p));
    assert_false(state_view_account(late, &a, &rec, &exists));
    state_view_close(late);
    state_view_close(old);
    state_destroy(s);
}

static void ring_and_commitment(void **unused)
{
    (void)unused;
    static struct stf_block_context ctx;
    static struct state_ring ring, after;
    uint64_t seed = 9;
    for (unsigned i = 0; i < 300; i++) {
        struct b256 h = random_word(&seed);
        memcpy(ctx.block_hashes, ring.h, sizeof(ring.h));
        state_ring_after(&after, &ctx, &h);
        struct b256 want = batch_last_256_hashes(ctx.block_hashes, &h);
        state_ring_push(&ring, &h);
        struct b256 a = state_ring_hash(&ring), b = state_ring_hash(&after);
        assert_word(&a, &want, "pushed ring");
        assert_word(&b, &want, "ring after the block");
    }
    struct state_mark m = { 5, 9, ring.h[3] };
    struct b256 c = state_commitment(&m, &ring.h[4], 77);
    struct b256 want = batch_state_commitment(&m.root, 9, 5, &ring.h[4], 77);
    assert_word(&c, &want, "commitment");
}

/* Storage and code through a view, as RPC reads them. */
static void accounts_and_code(void **unused)
{
    (void)unused;
    struct state *s = started();
    struct err err = { 0 };
    static const uint8_t code[5] = { 0x5b, 0x60, 0x01, 0x00, 0x5b };
    uint8_t blob[16];
    assert_int_equal(code_blob_len(sizeof(code)), sizeof(blob));
    code_blob_build(blob, bytes_of(code, sizeof(code)));
    struct account_record rec = { .nonce = 1 }, got;
    account_set_code(&rec, bytes_of(blob, sizeof(blob)), sizeof(code));
    struct addr a = addr_of_u32(77), b = addr_of_u32(78);
    struct b256 slot = byte_word(1), value = byte_word(9), key = blake2s_flat_key(&a, &slot), v;
    block.diff_cnt = block.preimage_cnt = 0;
    block_add_account(&block, &a, &rec, NULL, true);
    block_add_slot(&block, &key, &value, NULL, true);
    block.preimages[block.preimage_cnt++] =
        (struct stf_preimage){ rec.bytecode_hash, bytes_of(blob, sizeof(blob)), true };
    assert_fine(state_apply(s, 11, block.diffs, 2, block.preimages, 2, NULL, &err), &err);
    state_add_preimage(s, bytes_of(code, sizeof(code)));

    struct state_view *view = state_view_open(s, STATE_LATEST, &err);
    bool exists;
    struct bytes c;
    assert_true(state_view_account(view, &a, &got, &exists) && exists);
    assert_true(account_eq(&got, &rec));
    assert_true(state_view_code(view, &got, &c));
    assert_true(bytes_eq(c, bytes_of(code, sizeof(code))));
    assert_true(state_view_storage(view, &a, &slot, &v));
    assert_word(&v, &value, "slot");
    assert_true(state_view_account(view, &b, &got, &exists) && !exists);
    assert_true(account_is_default(&got));
    assert_true(state_view_code(view, &got, &c) && c.len == 0);
    assert_true(state_view_storage(view, &b, &slot, &v) && b256_is_zero(&v));
    struct b256 bare = blake2s(code, sizeof(code));
    assert_true(state_view_preimage(view, &bare, &c) && c.len == sizeof(code));
    state_view_close(view);
    state_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_blocks),     cmocka_unit_test(starting),
        cmocka_unit_test(zero_is_not_absent), cmocka_unit_test(floors),
        cmocka_unit_test(rolled_back_views),  cmocka_unit_test(ring_and_commitment),
        cmocka_unit_test(accounts_and_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
