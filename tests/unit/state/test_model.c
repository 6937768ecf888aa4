/* Random blocks, rollbacks, lagging trees and pruning against the slow model: roots, values, accounts and proofs at
 * every block that is promised, errors for every block that is not. */
#include <stdio.h>

#include "tests/unit/state/model.h"

#define MAX_BLOCKS 400u

struct world {
    struct state *s;
    struct model at[MAX_BLOCKS]; /* after each block; only 0..latest are filled */
    struct b256 root[MAX_BLOCKS];
    uint64_t latest;
    uint64_t seed;
};

static struct world w;
static struct block block;

static void world_init(uint64_t seed, const struct state_config *cfg)
{
    struct err err = { 0 };
    w = (struct world){ .seed = seed };
    w.s = state_create(cfg);
    model_init(&w.at[0]);
    w.root[0] = model_root(&w.at[0]);
    assert_fine(state_start(w.s, 0, NULL, 0, NULL, 0, NULL, &err), &err);
}

static void world_clear(void)
{
    for (uint64_t b = 0; b <= w.latest; b++)
        model_clear(&w.at[b]);
    state_destroy(w.s);
}

static void next_block(size_t max)
{
    struct err err = { 0 };
    struct model *m = &w.at[w.latest + 1];
    assert_true(w.latest + 1 < MAX_BLOCKS);
    block_random(&block, &w.at[w.latest], &w.seed, random_u64(&w.seed) % max,
                 random_u64(&w.seed) % max, random_u64(&w.seed) % 6);
    model_copy(m, &w.at[w.latest]);
    model_apply(m, block.diffs, block.diff_cnt);
    w.latest++;
    w.root[w.latest] = model_root(m);
    assert_fine(state_apply_flat(w.s, w.latest, block.diffs, block.diff_cnt, block.preimages,
                                 block.preimage_cnt, &err),
                &err);
    assert_int_equal(state_latest(w.s), w.latest);
}

static void hash_to(uint64_t b)
{
    struct err err = { 0 };
    struct state_mark mark;
    assert_fine(state_tree_advance(w.s, b, &mark, &err), &err);
    assert_int_equal(mark.leaf_count, w.at[b].count);
    assert_word(&mark.root, &w.root[b], "root");
}

static struct b256 some_key(const struct model *m)
{
    if (m->count > 2 && random_u64(&w.seed) % 4)
        return m->leaves[2 + random_u64(&w.seed) % (m->count - 2)].key;
    return random_word(&w.seed);
}

/* Keys of the newest model, so that some are absent at b. */
static void check_values(uint64_t b)
{
    struct err err = { 0 };
    struct state_view *v = state_view_open(w.s, b, &err);
    if (!v)
        fail_msg("%s", err.msg);
    assert_int_equal(state_view_block(v), b);
    for (unsigned i = 0; i < 12; i++) {
        struct b256 key = some_key(&w.at[w.latest]), value, want = { { 0 } };
        bool exists;
        const struct model_leaf *l = model_find(&w.at[b], &key);
        if (l)
            want = l->value;
        assert_true(state_view_slot(v, &key, &value, &exists));
        assert_int_equal(exists, l != NULL);
        assert_word(&value, &want, "value");
    }
    for (uint32_t a = 1; a <= 200; a += 23) {
        struct addr addr = addr_of_u32(a);
        struct account_record rec;
        bool exists;
        struct b256 key = account_flat_key(&addr);
        const struct model_leaf *l = model_find(&w.at[b], &key);
        assert_true(state_view_account(v, &addr, &rec, &exists));
        assert_int_equal(exists, l != NULL);
        if (l) {
            struct b256 value = account_value(&rec);
            assert_word(&value, &l->value, "account");
        }
    }
    state_view_close(v);
}

static void check_proof(uint64_t b)
{
    static struct state_proof p;
    struct err err = { 0 };
    struct b256 key = some_key(&w.at[w.latest]), value, want = { { 0 } };
    assert_fine(state_prove(w.s, b, &key, &p, &err), &err);
    const struct model_leaf *l = model_find(&w.at[b], &key);
    assert_int_equal(p.existing, l != NULL);
    assert_int_equal(p.mark.leaf_count, w.at[b].count);
    assert_word(&p.mark.root, &w.root[b], "proved root");
    unsigned want_len = 0;
    for (uint64_t x = w.at[b].count - 1; x; x >>= 1)
        want_len++;
    assert_int_equal(p.leaf.sibling_cnt, want_len);
    if (l) {
        want = l->value;
        assert_int_equal(p.leaf.index, l - w.at[b].leaves);
        assert_int_equal(p.leaf.next, l->next);
    }
    if (!state_proof_verify(&p, &key, &w.root[b], &value))
        fail_msg("the proof at block %llu does not verify", (unsigned long long)b);
    assert_word(&value, &want, "proved value");
    p.leaf.value.b[7] ^= 1;
    assert_false(state_proof_verify(&p, &key, &w.root[b], &value));
}

static void check_promises(uint64_t hashed)
{
    struct err err = { 0 };
    static struct state_proof p;
    uint64_t floor = state_floor(w.s), proof_floor = state_proof_floor(w.s);
    struct b256 key = some_key(&w.at[w.latest]);
    for (uint64_t b = floor; b <= w.latest; b += 1 + random_u64(&w.seed) % 5)
        check_values(b);
    check_values(w.latest);
    for (uint64_t b = proof_floor; b <= hashed; b += 1 + random_u64(&w.seed) % 5)
        check_proof(b);
    check_proof(hashed);
    if (floor > 0) {
        assert_null(state_view_open(w.s, floor - 1, &err));
        assert_int_equal(err.kind, ERR_INVALID);
    }
    assert_null(state_view_open(w.s, w.latest + 1, &err));
    if (proof_floor > 0)
        assert_false(state_prove(w.s, proof_floor - 1, &key, &p, &err));
    assert_false(state_prove(w.s, hashed + 1, &key, &p, &err));
}

static void go_back(uint64_t to)
{
    struct err err = { 0 };
    assert_fine(state_rollback(w.s, to, &err), &err);
    while (w.latest > to)
        model_clear(&w.at[w.latest--]);
    assert_int_equal(state_latest(w.s), to);
    assert_true(state_tree_block(w.s) <= to);
    assert_fine(state_check(w.s, &err), &err);
}

static void walk(uint64_t seed, size_t max, const struct state_config *cfg)
{
    world_init(seed, cfg);
    uint64_t hashed = 0;
    struct err err = { 0 };
    for (unsigned step = 0; step < 120; step++) {
        if (random_u64(&w.seed) % 12 == 0) {
            uint64_t floor = state_floor(w.s);
            go_back(floor + random_u64(&w.seed) % (w.latest - floor + 1));
            hashed = state_tree_block(w.s);
        }
        next_block(max);
        if (random_u64(&w.seed) % 3) {
            hashed += random_u64(&w.seed) % (w.latest - hashed + 1);
            hash_to(hashed);
        }
        if (step % 10 == 9)
            check_promises(hashed);
        if (step % 40 == 39) {
            assert_fine(state_check(w.s, &err), &err);
            hashed = w.latest;
        }
    }
    hash_to(w.latest);
    check_promises(w.latest);
    world_clear();
}

static void small_blocks(void **unused)
{
    (void)unused;
    for (uint64_t seed = 1; seed <= 6; seed++)
        walk(seed, 6, &(struct state_config){ 50, 30 });
}

static void larger_blocks(void **unused)
{
    (void)unused;
    walk(100, 40, &(struct state_config){ 40, 40 });
    walk(101, 60, &(struct state_config){ 12, 5 });
}

static void no_history(void **unused)
{
    (void)unused;
    walk(200, 10, &(struct state_config){ 0, 0 });
}

/* A proof depth far below the history: going back beyond it loses old proofs, never correctness. */
static void short_proofs(void **unused)
{
    (void)unused;
    for (uint64_t seed = 300; seed < 304; seed++)
        walk(seed, 30, &(struct state_config){ 100, 3 });
}

/* More leaves than one group of TREE_VER_LEVEL, so that recorded nodes matter. */
static void many_leaves(void **unused)
{
    (void)unused;
    world_init(400, &(struct state_config){ 60, 60 });
    for (unsigned i = 0; i < 14; i++) {
        next_block(400);
        hash_to(w.latest);
    }
    for (unsigned i = 0; i < 30; i++) {
        next_block(8);
        hash_to(w.latest);
    }
    check_promises(w.latest);
    for (uint64_t b = 0; b <= w.latest; b++)
        for (unsigned i = 0; i < 4; i++)
            check_proof(b);
    go_back(20);
    for (uint64_t b = 0; b <= 20; b++)
        check_proof(b);
    for (unsigned i = 0; i < 10; i++) {
        next_block(100);
        hash_to(w.latest);
    }
    check_promises(w.latest);
    go_back(0);
    world_clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_blocks), cmocka_unit_test(larger_blocks),
        cmocka_unit_test(no_history),   cmocka_unit_test(short_proofs),
        cmocka_unit_test(many_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
