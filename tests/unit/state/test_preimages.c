/* Account records live as long as a value names them: the newest, or one of the history. */
#include "node/base/hash.h"
#include "node/state/preimages.h"
#include "tests/unit/state/model.h"

static struct block block;
static uint64_t latest;

/* Account `who` gets balance `to` (from `from`, 0: new). */
static void set(struct state *s, uint32_t who, uint64_t from, uint64_t to)
{
    struct addr a = addr_of_u32(who);
    struct account_record old = { .balance = u256_of_u64(from) },
                          now = { .balance = u256_of_u64(to) };
    struct b256 old_value = account_value(&old);
    struct err err = { 0 };
    block.diff_cnt = block.preimage_cnt = 0;
    block_add_account(&block, &a, &now, from ? &old_value : NULL, from == 0);
    latest++;
    assert_fine(state_apply(s, latest, block.diffs, 1, block.preimages, 1, NULL, &err), &err);
}

static bool known(struct state *s, uint64_t balance)
{
    struct account_record rec = { .balance = u256_of_u64(balance) };
    struct b256 hash = account_value(&rec);
    struct state_view *v = state_view_open(s, STATE_LATEST, NULL);
    struct bytes b;
    bool yes = state_view_preimage(v, &hash, &b);
    state_view_close(v);
    return yes;
}

static struct state *start(uint64_t history)
{
    struct state *s = state_create(&(struct state_config){ history, history });
    struct err err = { 0 };
    latest = 0;
    assert_fine(state_start(s, 0, NULL, 0, NULL, 0, NULL, &err), &err);
    return s;
}

static void records_go_with_history(void **unused)
{
    (void)unused;
    struct state *s = start(3);
    set(s, 1, 0, 100);   /* block 1 */
    set(s, 1, 100, 101); /* 2 */
    assert_true(known(s, 100));
    set(s, 2, 0, 7);
    set(s, 2, 7, 8); /* 4: floor 1, where account 1 still has 100 */
    assert_true(known(s, 100));
    set(s, 2, 8, 9); /* 5: floor 2 */
    assert_false(known(s, 100));
    assert_true(known(s, 101));
    /* memory does not grow with age */
    for (uint64_t i = 9; i < 2000; i++)
        set(s, 2, i, i + 1);
    struct state_usage u;
    state_usage(s, &u);
    assert_true(u.preimage_count <= 6);
    state_destroy(s);
}

static void shared_records(void **unused)
{
    (void)unused;
    struct state *s = start(0);
    set(s, 1, 0, 100);
    set(s, 2, 0, 100);
    set(s, 1, 100, 5);
    assert_true(known(s, 100)); /* account 2 has it */
    set(s, 2, 100, 5);
    set(s, 3, 0, 1); /* the tree was a block behind when the one before was applied */
    assert_false(known(s, 100));
    assert_true(known(s, 5));
    set(s, 1, 5, 100); /* and back again */
    assert_true(known(s, 100));
    state_destroy(s);
}

static void views_hold_records(void **unused)
{
    (void)unused;
    struct state *s = start(0);
    set(s, 1, 0, 100);
    struct state_view *v = state_view_open(s, STATE_LATEST, NULL);
    struct account_record want = { .balance = u256_of_u64(100) }, rec;
    struct b256 hash = account_value(&want);
    struct bytes borrowed;
    assert_true(state_view_preimage(v, &hash, &borrowed));
    for (uint64_t i = 100; i < 120; i++)
        set(s, 1, i, i + 1);
    struct addr a = addr_of_u32(1);
    bool exists;
    assert_true(state_view_account(v, &a, &rec, &exists) && account_eq(&rec, &want));
    assert_true(account_decode(&rec, borrowed) && account_eq(&rec, &want));
    state_view_close(v);
    set(s, 1, 120, 121);
    assert_false(known(s, 100));
    state_destroy(s);
}

/* What a view borrowed before a rollback took its block away stays readable until it is closed. */
static void borrowed_over_rollback(void **unused)
{
    (void)unused;
    struct state *s = start(4);
    struct err err = { 0 };
    set(s, 1, 0, 100);
    set(s, 1, 100, 200); /* 2 */
    struct state_view *v = state_view_open(s, STATE_LATEST, NULL);
    struct account_record want = { .balance = u256_of_u64(200) }, rec;
    struct b256 hash = account_value(&want);
    struct bytes borrowed;
    assert_true(state_view_preimage(v, &hash, &borrowed));
    assert_fine(state_rollback(s, 1, &err), &err);
    latest = 1;
    assert_fine(state_check(s, &err), &err);
    set(s, 1, 100, 200);
    for (uint64_t i = 200; i < 230; i++)
        set(s, 1, i, i + 1);
    assert_true(account_decode(&rec, borrowed) && account_eq(&rec, &want));
    state_view_close(v);
    assert_fine(state_check(s, &err), &err);
    state_destroy(s);
}

static void store(void **unused)
{
    (void)unused;
    struct preimages p;
    preimages_init(&p);
    uint64_t seed = 3;
    struct b256 hash[500];
    for (unsigned i = 0; i < 500; i++) {
        hash[i] = random_word(&seed);
        preimages_add(&p, &hash[i], bytes_of(hash[i].b, i % 33), i % 5 == 0);
        if (i % 3 == 0)
            preimages_ref(&p, &hash[i]);
    }
    preimages_collect(&p);
    for (unsigned i = 0; i < 500; i++) {
        const struct preimage *it = preimages_find(&p, &hash[i]);
        assert_int_equal(it != NULL, i % 5 == 0 || i % 3 == 0);
        if (it)
            assert_memory_equal(it->data, hash[i].b, i % 33);
    }
    uint64_t places = p.count;
    for (unsigned i = 0; i < 500; i++) /* freed places are used again */
        preimages_add(&p, &hash[i], bytes_of(hash[i].b, 4), false);
    assert_int_equal(p.count, places);
    for (unsigned i = 0; i < 500; i += 3)
        preimages_unref(&p, &hash[i], true);
    for (unsigned i = 0; i < 500; i++)
        assert_int_equal(preimages_find(&p, &hash[i]) != NULL, i % 5 == 0 || i % 3 != 0);
    preimages_clear(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store),
        cmocka_unit_test(records_go_with_history),
        cmocka_unit_test(shared_records),
        cmocka_unit_test(views_hold_records),
        cmocka_unit_test(borrowed_over_rollback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
