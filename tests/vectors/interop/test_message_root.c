/* tests/vectors/interop/test_message_root.c
 *
 * The trees of MessageRoot against what the contract's own libraries and a running contract returned
 * (vectors/interop/message_root_trees.json, gateway_proofs.json, multichain_root_slot.json). */
#include "tests/vectors/interop/vectors.h"

#include "interop/message_root.h"
#include "node/base/hash.h"
#include "node/base/merkle.h"
#include "node/stf/batch.h"

static json_t *trees, *steps;

static void a_chain_tree_grows_as_the_contracts(void **state)
{
    (void)state;
    struct err err = { .kind = ERR_NONE };
    struct message_root *m = message_root_create(506);
    const json_t *list = json_need(trees, "chain_tree"), *e;
    struct b256 root, want = json_b256(json_need(trees, "chain_tree_setup_return"));
    size_t i;
    assert_true(message_root_add_chain(m, 1, 6565, 1, &err));
    assert_true(message_root_chain_root(m, 6565, UINT64_MAX, &root));
    assert_hash(&root, &want); /* 32 zero bytes, not the padding */
    json_array_foreach(list, i, e)
    {
        uint64_t batch = json_u64(json_need(e, "batchNumber"));
        struct b256 batch_root = json_b256(json_need(e, "chainBatchRoot")),
                    leaf = message_root_batch_leaf(&batch_root, batch);
        struct message_root_path p;
        want = json_b256(json_need(e, "leaf"));
        assert_hash(&leaf, &want);
        assert_true(message_root_append(m, 10 + i, 6565, batch, &batch_root, &err));
        want = json_b256(json_need(e, "newRoot"));
        assert_true(message_root_chain_root(m, 6565, UINT64_MAX, &root));
        assert_hash(&root, &want);
        assert_true(message_root_prove(m, 6565, batch, UINT64_MAX, &p));
        assert_int_equal(p.position, json_u64(json_need(e, "index")));
        assert_int_equal(p.batch_len, json_array_size(json_need(e, "zeros")) - 1);
        root = merkle_walk(&leaf, p.position, p.batch, p.batch_len);
        assert_hash(&root, &want);
    }
    assert_int_equal(i, 9);
    /* every earlier state can still be read, and every leaf proved in it */
    json_array_foreach(list, i, e)
    {
        want = json_b256(json_need(e, "newRoot"));
        assert_true(message_root_chain_root(m, 6565, 10 + i, &root));
        assert_hash(&root, &want);
        for (size_t j = 0; j <= i; j++) {
            const json_t *at = json_array_get(list, j);
            struct message_root_path p;
            struct b256 leaf = json_b256(json_need(at, "leaf"));
            assert_true(
                message_root_prove(m, 6565, json_u64(json_need(at, "batchNumber")), 10 + i, &p));
            root = merkle_walk(&leaf, p.position, p.batch, p.batch_len);
            assert_hash(&root, &want);
        }
        if (i + 1 < json_array_size(list)) {
            struct message_root_path p;
            uint64_t later = json_u64(json_need(json_array_get(list, i + 1), "batchNumber"));
            assert_false(message_root_prove(m, 6565, later, 10 + i, &p));
        }
    }
    message_root_destroy(m);
}

/* The library was driven with leaves of its own for updates; those of pushes are chains without batches, which we can make. */
static void a_shared_tree_grows_as_the_contracts(void **state)
{
    (void)state;
    struct err err = { .kind = ERR_NONE };
    const json_t *list = json_need(trees, "shared_tree"),
                 *ids = json_need(trees, "shared_tree_ids"), *e;
    struct message_root *m = message_root_create(json_u64(json_array_get(ids, 0)));
    struct b256 none = { { 0 } };
    size_t i, pushes = 0;
    json_array_foreach(list, i, e)
    {
        if (strcmp(json_string_value(json_need(e, "op")), "push") != 0)
            continue;
        uint64_t id = json_u64(json_array_get(ids, pushes));
        struct b256 leaf = message_root_chain_leaf(&none, id),
                    want = json_b256(json_need(e, "leaf"));
        assert_hash(&leaf, &want);
        if (pushes > 0)
            assert_true(message_root_add_chain(m, pushes, id, pushes, &err));
        struct b256 root = message_root_at(m, UINT64_MAX);
        want = json_b256(json_need(e, "root"));
        assert_hash(&root, &want);
        root = message_root_at(m, pushes);
        assert_hash(&root, &want);
        pushes++;
    }
    assert_int_equal(pushes, 5);
    message_root_destroy(m);
}

static void aggregated_roots_equal_the_running_contract(void **state)
{
    (void)state;
    struct err err = { .kind = ERR_NONE };
    json_t *j = vectors_load("vectors/interop/multichain_root_slot.json");
    const json_t *ids = json_need(trees, "shared_tree_ids"), *e;
    struct message_root *m = message_root_create(json_u64(json_array_get(ids, 0)));
    size_t i, seen = 0;
    json_array_foreach(json_need(j, "entries"), i, e)
    {
        const json_t *chains = json_object_get(e, "chains");
        if (!chains)
            continue;
        uint64_t cnt = json_u64(chains);
        while (message_root_chain_count(m) < cnt) {
            size_t k = message_root_chain_count(m);
            assert_true(message_root_add_chain(m, k, json_u64(json_array_get(ids, k)), k, &err));
        }
        struct b256 root = message_root_at(m, UINT64_MAX),
                    want = json_b256(json_need(e, "aggregatedRoot"));
        struct b256 height = b256_of_u64(merkle_depth(cnt)),
                    slot = batch_multichain_root_slot(&height);
        assert_hash(&root, &want);
        want = json_b256(json_need(e, "storage_key"));
        assert_hash(&slot, &want);
        seen++;
    }
    assert_int_equal(seen, 5);
    message_root_destroy(m);
    json_decref(j);
}

/* One event of a recorded step; NewInteropRoot is compared. */
static void apply(struct message_root *m, uint64_t block, const json_t *event)
{
    struct err err = { .kind = ERR_NONE };
    const char *text = json_string_value(json_need(event, "decoded"));
    const json_t *topics = json_need(event, "topics");
    struct b256 a = json_b256(json_array_get(topics, 1));
    uint64_t chain = load_be64(a.b + 24);
    if (strncmp(text, "AddedChain", 10) == 0) {
        struct b256 index = json_b256(json_array_get(topics, 2));
        assert_true(message_root_add_chain(m, block, chain, load_be64(index.b + 24), &err));
    } else if (strncmp(text, "AppendedChainBatchRoot", 22) == 0) {
        struct b256 batch = json_b256(json_array_get(topics, 2)),
                    root = json_b256(json_need(event, "data"));
        assert_true(message_root_append(m, block, chain, load_be64(batch.b + 24), &root, &err));
    } else if (strncmp(text, "NewChainRoot", 12) == 0) {
        struct bytes data = bytes_of_hex(json_need(event, "data"));
        struct b256 root;
        assert_true(message_root_chain_root(m, chain, UINT64_MAX, &root));
        assert_int_equal(data.len, 64);
        assert_memory_equal(data.p, root.b, 32);
        root = message_root_chain_leaf(&root, chain);
        assert_memory_equal(data.p + 32, root.b, 32);
        bytes_free(data);
    } else {
        struct bytes data = bytes_of_hex(json_need(event, "data"));
        struct b256 root = message_root_at(m, UINT64_MAX);
        assert_int_equal(strncmp(text, "NewInteropRoot", 14), 0);
        assert_int_equal(data.len, 96);
        assert_memory_equal(data.p + 64, root.b, 32);
        bytes_free(data);
    }
}

static void replay(struct message_root *m, uint64_t from, uint64_t to)
{
    const json_t *step, *event;
    size_t i, k;
    json_array_foreach(json_need(steps, "gateway_steps"), i, step)
    {
        uint64_t block = json_u64(json_need(step, "block"));
        if (block < from || block > to)
            continue;
        json_array_foreach(json_need(step, "events"), k, event) apply(m, block, event);
    }
}

static void assert_history(const struct message_root *m, uint64_t to)
{
    const json_t *step;
    size_t i;
    json_array_foreach(json_need(steps, "gateway_steps"), i, step)
    {
        uint64_t block = json_u64(json_need(step, "block"));
        struct b256 root = message_root_at(m, block),
                    want = json_b256(json_need(step, "aggregatedRoot"));
        if (block <= to)
            assert_hash(&root, &want);
    }
}

static void every_event_of_a_gateway_is_followed(void **state)
{
    (void)state;
    struct message_root *m = message_root_create(506);
    uint64_t block = 0;
    replay(m, 0, UINT64_MAX);
    assert_history(m, UINT64_MAX);
    assert_int_equal(message_root_chain_count(m), 4);
    assert_int_equal(message_root_batch_count(m), 7);
    assert_true(message_root_last_block(m, &block) && block == 8);
    assert_true(message_root_next_change(m, 5, &block) && block == 5);
    assert_true(message_root_next_change(m, 0, &block) && block == 2);
    assert_false(message_root_next_change(m, 9, &block));
    message_root_destroy(m);
}

/* Back to every block, and forward again. */
static void a_rewound_tree_is_the_one_of_that_block(void **state)
{
    (void)state;
    struct message_root *m = message_root_create(506);
    replay(m, 0, UINT64_MAX);
    for (uint64_t from = 9; from-- > 0;) {
        message_root_rewind(m, from);
        assert_history(m, from ? from - 1 : 0);
        struct b256 now = message_root_at(m, UINT64_MAX),
                    then = message_root_at(m, from ? from - 1 : 0);
        assert_hash(&now, &then);
        replay(m, from, UINT64_MAX);
        assert_history(m, UINT64_MAX);
    }
    message_root_rewind(m, 0);
    struct b256 empty = batch_empty_multichain_root(506), now = message_root_at(m, UINT64_MAX);
    assert_hash(&now, &empty);
    message_root_destroy(m);
}

/* Many chains and batches against the plain trees of node/base, which have vectors of their own. */
static void it_equals_plain_trees(void **state)
{
    (void)state;
    enum { CHAINS = 37, BLOCKS = 400 };
    static struct b256 leaves[CHAINS][BLOCKS], heads[CHAINS], roots[BLOCKS], scratch[BLOCKS];
    static uint64_t counts[CHAINS];
    static const uint8_t nothing[96] = { 0 };
    struct b256 padding = keccak256(nothing, sizeof(nothing)), none = { { 0 } };
    struct err err = { .kind = ERR_NONE };
    struct message_root *m = message_root_create(1000);
    size_t chains = 1;
    uint64_t seed = 1;
    memset(counts, 0, sizeof(counts));
    heads[0] = message_root_chain_leaf(&none, 1000);
    for (uint64_t block = 1; block < BLOCKS; block++) {
        if (block % 8 == 1 && chains < CHAINS) {
            heads[chains] = message_root_chain_leaf(&none, 1000 + chains);
            assert_true(message_root_add_chain(m, block, 1000 + chains, chains, &err));
            chains++;
        }
        for (unsigned k = 0; k < 3 && chains > 1; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            size_t c = 1 + (size_t)(seed >> 33) % (chains - 1);
            uint64_t batch = ++counts[c];
            struct b256 root = b256_of_u64(seed | 1), left[16], right[16];
            if (batch > BLOCKS)
                continue;
            leaves[c][batch - 1] = message_root_batch_leaf(&root, batch);
            assert_true(message_root_append(m, block, 1000 + c, batch, &root, &err));
            root = merkle_range_paths(left, right, 0, 1, leaves[c], batch, &padding, scratch);
            heads[c] = message_root_chain_leaf(&root, 1000 + c);
        }
        struct b256 left[16], right[16];
        roots[block] = merkle_range_paths(left, right, 0, 1, heads, chains, &padding, scratch);
    }
    for (uint64_t block = 1; block < BLOCKS; block++) {
        struct b256 have = message_root_at(m, block);
        assert_hash(&have, &roots[block]);
    }
    for (uint64_t block = 20; block < BLOCKS; block += 13)
        for (size_t c = 1; c < CHAINS; c++)
            for (uint64_t batch = 1; batch <= counts[c]; batch += 7) {
                struct message_root_path p;
                if (!message_root_prove(m, 1000 + c, batch, block, &p))
                    continue;
                struct b256 h =
                    merkle_walk(&leaves[c][batch - 1], p.position, p.batch, p.batch_len);
                assert_hash(&h, &p.chain_root);
                h = message_root_chain_leaf(&h, 1000 + c);
                h = merkle_walk(&h, p.index, p.chain, p.chain_len);
                assert_hash(&h, &roots[block]);
            }
    message_root_destroy(m);
}

static void what_the_contract_would_not_do_is_refused(void **state)
{
    (void)state;
    struct err err = { .kind = ERR_NONE };
    struct message_root *m = message_root_create(506);
    struct b256 root = b256_of_u64(7), none = { { 0 } };
    assert_true(message_root_add_chain(m, 5, 12, 1, &err));
    struct b256 before = message_root_at(m, UINT64_MAX);
    assert_false(message_root_add_chain(m, 5, 12, 2, &err));     /* twice */
    assert_false(message_root_add_chain(m, 5, 506, 2, &err));    /* itself */
    assert_false(message_root_add_chain(m, 5, 13, 3, &err));     /* a gap */
    assert_false(message_root_add_chain(m, 4, 13, 2, &err));     /* backwards */
    assert_false(message_root_append(m, 5, 13, 1, &root, &err)); /* unknown */
    assert_false(message_root_append(m, 5, 506, 1, &root, &err));
    assert_false(message_root_append(m, 5, 12, 1, &none, &err));
    assert_true(message_root_append(m, 6, 12, 4, &root, &err)); /* came back with a gap */
    assert_false(message_root_append(m, 6, 12, 4, &root, &err));
    assert_false(message_root_append(m, 6, 12, 3, &root, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    message_root_rewind(m, 6);
    struct b256 after = message_root_at(m, UINT64_MAX);
    assert_hash(&after, &before);
    message_root_destroy(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_tree_grows_as_the_contracts),
        cmocka_unit_test(a_shared_tree_grows_as_the_contracts),
        cmocka_unit_test(aggregated_roots_equal_the_running_contract),
        cmocka_unit_test(every_event_of_a_gateway_is_followed),
        cmocka_unit_test(a_rewound_tree_is_the_one_of_that_block),
        cmocka_unit_test(it_equals_plain_trees),
        cmocka_unit_test(what_the_contract_would_not_do_is_refused),
    };
    if (!recorded_present("interop vectors"))
        return 77;
    trees = vectors_load("vectors/interop/message_root_trees.json");
    steps = vectors_load("vectors/interop/gateway_proofs.json");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(trees);
    json_decref(steps);
    return failed;
}
