/* tests/vectors/state/tree_vectors.c
 *
 * Every vector of tree_vectors.json that belongs to keys, accounts, tree, proofs and the state commitment (the
 * pubdata ones are checked with the pubdata encoder). */
#include "node/base/hash.h"
#include "node/state/proof.h"
#include "node/state/tree.h"
#include "tests/vectors/state/vector_json.h"

static json_t *vectors;
static const struct state_config config = { 16, 16 };

struct change {
    uint8_t key, value; /* repeated 32 times */
};

static struct b256 repeated(uint8_t x)
{
    struct b256 w;
    memset(w.b, x, 32);
    return w;
}

static struct stf_diff diff_of(struct state *s, const struct b256 *key, const struct b256 *value)
{
    struct stf_diff d = { .flat_key = *key, .new_value = *value };
    struct state_view *v = state_view_open(s, STATE_LATEST, NULL);
    bool exists;
    assert_non_null(v);
    assert_true(state_view_slot(v, key, &d.old_value, &exists));
    d.is_new = !exists;
    state_view_close(v);
    return d;
}

static struct state *guards_only(void)
{
    struct state *s = state_create(&config);
    struct err err = { 0 };
    assert_fine(state_start(s, 0, NULL, 0, NULL, 0, NULL, &err), &err);
    return s;
}

static struct b256 apply(struct state *s, const struct change *c, size_t n, uint64_t count)
{
    struct stf_diff d[8];
    struct state_mark mark;
    struct err err = { 0 };
    for (size_t i = 0; i < n; i++) {
        struct b256 k = repeated(c[i].key), v = repeated(c[i].value);
        d[i] = diff_of(s, &k, &v);
    }
    assert_fine(state_apply(s, state_latest(s) + 1, d, n, NULL, 0, &mark, &err), &err);
    assert_fine(state_check(s, &err), &err);
    assert_int_equal(mark.leaf_count, count);
    return mark.root;
}

static void expect_root(const struct b256 *got, const char *name)
{
    struct b256 want = json_b256(json_need(vectors, name));
    assert_word(got, &want, name);
}

static void empty_subtrees(void **unused)
{
    (void)unused;
    struct tree t;
    tree_init(&t);
    const json_t *all = json_need(vectors, "empty_subtrees_0_to_64");
    assert_int_equal(json_array_size(all), 65);
    for (unsigned d = 0; d <= 64; d++) {
        struct b256 want = json_b256(json_array_get(all, d));
        assert_word(&t.empty[d], &want, "empty subtree");
    }
    expect_root(&t.empty[0], "empty_leaf (ref)");
    expect_root(&t.empty[1], "empty_subtree_1 (ref)");
    expect_root(&t.empty[63], "empty_subtree_63 (ref)");
    tree_clear(&t);
    struct b256 low = repeated(0), high = repeated(0xff);
    struct b256 a = blake2s_leaf(&low, &low, 1), b = blake2s_leaf(&high, &low, 1);
    expect_root(&a, "min_guard_leaf (ref)");
    expect_root(&b, "max_guard_leaf (ref)");
}

/* The five-leaf tree that the proofs are made against. */
static struct state *five_leaves(void)
{
    struct state *s = guards_only();
    struct b256 r = apply(s, NULL, 0, 2);
    expect_root(&r, "root_guards_only (ref)");
    r = apply(s, &(struct change){ 1, 0x10 }, 1, 3);
    expect_root(&r, "root_insert_01 (ref)");
    r = apply(s, &(struct change){ 2, 0x20 }, 1, 4);
    expect_root(&r, "root_insert_01_02 (ref)");
    r = apply(s, &(struct change){ 1, 0x33 }, 1, 4);
    expect_root(&r, "root_insert_01_02_update_01_to_33 (ref)");
    r = apply(s, &(struct change){ 3, 0x30 }, 1, 5);
    expect_root(&r, "root_then_insert_03");
    return s;
}

static void roots(void **unused)
{
    (void)unused;
    struct state *s = five_leaves();
    state_destroy(s);
    s = guards_only();
    struct b256 r = apply(s, (struct change[]){ { 2, 0x20 }, { 1, 0x10 } }, 2, 4);
    expect_root(&r, "root_insert_02_then_01_same_batch");
    state_destroy(s);

    s = guards_only();
    struct b256 k1 = b256_of_u64(0xc0ffeefe), k2 = b256_of_u64(0xdeadbeef);
    struct b256 v1 = repeated(0x10), v2 = repeated(0x20);
    struct stf_diff d[2] = { diff_of(s, &k1, &v1), diff_of(s, &k2, &v2) };
    struct state_mark mark;
    struct err err = { 0 };
    assert_fine(state_apply(s, 1, d, 2, NULL, 0, &mark, &err), &err);
    expect_root(&mark.root, "root_c0ffeefe_deadbeef (ref)");
    state_destroy(s);
}

static struct state_leaf_proof leaf_proof(const json_t *j, const struct b256 *key)
{
    struct state_leaf_proof p = { .index = json_u64(json_need(j, "index")),
                                  .next = json_u64(json_need(j, "nextIndex")) };
    p.key = key ? *key : json_b256(json_need(j, "leafKey"));
    p.value = json_b256(json_need(j, "value"));
    const json_t *sib = json_need(j, "siblings");
    p.sibling_cnt = (unsigned)json_array_size(sib);
    assert_true(p.sibling_cnt <= 64);
    for (unsigned i = 0; i < p.sibling_cnt; i++)
        p.siblings[i] = json_b256(json_array_get(sib, i));
    return p;
}

static void same_leaf_proof(const struct state_leaf_proof *a, const struct state_leaf_proof *b)
{
    assert_int_equal(a->index, b->index);
    assert_int_equal(a->next, b->next);
    assert_word(&a->key, &b->key, "leaf key");
    assert_word(&a->value, &b->value, "leaf value");
    assert_int_equal(a->sibling_cnt, b->sibling_cnt);
    for (unsigned i = 0; i < a->sibling_cnt; i++)
        assert_word(&a->siblings[i], &b->siblings[i], "sibling");
}

static void proofs(void **unused)
{
    (void)unused;
    struct state *s = five_leaves();
    struct err err = { 0 };
    static struct state_proof got;
    struct b256 value;
    const json_t *v = json_need(vectors, "proof_existing"), *p = json_need(v, "proof");
    struct b256 key = json_b256(json_need(v, "key")), root = json_b256(json_need(v, "root"));
    assert_fine(state_prove(s, state_latest(s), &key, &got, &err), &err);
    assert_true(got.existing);
    struct state_leaf_proof want = leaf_proof(p, &key);
    same_leaf_proof(&got.leaf, &want);
    assert_true(state_proof_verify(&got, &key, &root, &value));
    assert_word(&value, &want.value, "value");

    v = json_need(vectors, "proof_nonExisting");
    p = json_need(v, "proof");
    key = json_b256(json_need(v, "key"));
    root = json_b256(json_need(v, "root"));
    assert_fine(state_prove(s, state_latest(s), &key, &got, &err), &err);
    assert_false(got.existing);
    want = leaf_proof(json_need(p, "leftNeighbor"), NULL);
    same_leaf_proof(&got.leaf, &want);
    want = leaf_proof(json_need(p, "rightNeighbor"), NULL);
    same_leaf_proof(&got.right, &want);
    assert_true(state_proof_verify(&got, &key, &root, &value));
    assert_true(b256_is_zero(&value));
    /* another key, or another root, and it proves nothing */
    struct b256 other = repeated(3);
    assert_false(state_proof_verify(&got, &other, &root, &value));
    root.b[0] ^= 1;
    assert_false(state_proof_verify(&got, &key, &root, &value));
    state_destroy(s);
}

static void live_proof(void **unused)
{
    (void)unused;
    const json_t *v = json_need(vectors, "live_proof");
    struct addr a = json_addr(json_need(v, "address"));
    struct b256 slot = json_b256(json_need(v, "slot")), key = json_b256(json_need(v, "flat_key")),
                root = json_b256(json_need(v, "root"));
    struct b256 mine = blake2s_flat_key(&a, &slot), value, got;
    assert_word(&mine, &key, "flat key");
    static struct state_proof p;
    p.existing = true;
    p.leaf = leaf_proof(json_need(v, "proof"), &key);
    assert_true(state_proof_verify(&p, &key, &root, &value));
    assert_word(&value, &p.leaf.value, "value");
    assert_int_equal(p.leaf.sibling_cnt, tree_height(json_u64(json_need(v, "nextFreeSlot"))));

    struct state_mark mark = { json_u64(json_need(v, "blockNumber")),
                               json_u64(json_need(v, "nextFreeSlot")), root };
    struct b256 last256 = json_b256(json_need(v, "last256BlockHashesBlake"));
    struct b256 c = state_commitment(&mark, &last256, json_u64(json_need(v, "lastBlockTimestamp")));
    expect_root(&c, "live_state_commitment (ref)");

    /* too many siblings, or an index outside of what they span */
    p.leaf.sibling_cnt = 64;
    assert_false(state_proof_walk(&p.leaf, &got));
    p.leaf.sibling_cnt = 9;
    assert_false(state_proof_walk(&p.leaf, &got));
}

static void keys_and_accounts(void **unused)
{
    (void)unused;
    struct addr a = { { 0x42, 0x42 } };
    struct b256 k = account_flat_key(&a), one = b256_of_u64(1);
    expect_root(&k, "flat_key_account_4242");
    k = blake2s_flat_key(&a, &one);
    expect_root(&k, "flat_key_4242_slot_1");
    static const char *const names[] = { "account_all_zero", "account_eoa_nonce5_1e18",
                                         "account_contract", "account_deployed_empty_code",
                                         "account_delegated_to_1111" };
    for (size_t i = 0; i < GH_COUNT(names); i++) {
        const json_t *v = json_need(vectors, names[i]);
        size_t len;
        uint8_t *raw = bytes_text(json_need(v, "encoding"), &len);
        struct account_record rec;
        assert_true(account_decode(&rec, bytes_of(raw, len)));
        struct b256 got = account_value(&rec), want = json_b256(json_need(v, "hash"));
        assert_word(&got, &want, names[i]);
        free(raw);
    }
}

int main(void)
{
    if (!recorded_present("tree vectors"))
        return 77;
    vectors = recorded_load("vectors/state/tree_vectors.json", 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_subtrees),
        cmocka_unit_test(roots),
        cmocka_unit_test(proofs),
        cmocka_unit_test(live_proof),
        cmocka_unit_test(keys_and_accounts),
    };
    int bad = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(vectors);
    return bad;
}
