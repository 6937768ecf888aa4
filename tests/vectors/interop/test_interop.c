/* tests/vectors/interop/test_interop.c
 *
 * Logs tree and proofs of messages against values that the contracts returned (vectors/interop/logs_tree.json). */
#include "contracts-abi/gen/l2.h"
#include "contracts-abi/gen/structs.h"
#include "interop/message_proof.h"
#include "node/base/hash.h"
#include "tests/vectors/interop/vectors.h"

static json_t *vectors;
static struct b256 leaves[BATCH_MAX_LOGS], scratch[BATCH_MAX_LOGS];

static struct b256 at(const char *group, const char *key)
{
    return json_b256(json_object_get(json_object_get(vectors, group), key));
}

/* The leaves of one entry of "roots": given, or keccak(uint256(i)). */
static size_t load_leaves(const json_t *entry)
{
    const json_t *list = json_object_get(entry, "leaves"), *count = json_object_get(entry, "count"),
                 *x;
    size_t i;
    if (!json_is_integer(count)) {
        json_array_foreach(list, i, x) leaves[i] = json_b256(x);
        return json_array_size(list);
    }
    size_t n = (size_t)json_integer_value(count);
    assert_true(n <= BATCH_MAX_LOGS);
    for (i = 0; i < n; i++) {
        struct b256 w = b256_of_u64(i);
        leaves[i] = keccak256(w.b, 32);
    }
    return n;
}

static void roots_equal_the_contracts(void **state)
{
    (void)state;
    const char *name;
    json_t *entry;
    size_t seen = 0;
    json_object_foreach(json_object_get(vectors, "roots"), name, entry)
    {
        size_t n = load_leaves(entry);
        struct b256 have = batch_logs_root(leaves, n, scratch),
                    want = json_b256(json_object_get(entry, "root_sol"));
        assert_hash(&have, &want);
        seen++;
    }
    assert_true(seen >= 8);
}

static void leaves_equal_the_contracts(void **state)
{
    (void)state;
    const json_t *m = json_object_get(vectors, "message_leaf"),
                 *s = json_object_get(vectors, "l1_to_l2_status_leaf");
    const uint8_t data[2] = { 0x12, 0x34 };
    struct addr sender;
    const char *text = json_string_value(json_object_get(m, "sender"));
    assert_true(hex_decode_exact(sender.b, 20, text, strlen(text)));
    struct stf_l2_log log = {
        .tx_number = 1, .is_message = true, .key = addr_pad32(&sender), .value = keccak256(data, 2)
    };
    struct b256 have = batch_l2_log_leaf(&log), want = json_b256(json_object_get(m, "leaf_sol"));
    assert_hash(&have, &want);
    log = (struct stf_l2_log){ .key = json_b256(json_object_get(s, "l2TxHash")),
                               .value = b256_of_u64(1) };
    have = batch_l2_log_leaf(&log);
    want = json_b256(json_object_get(s, "leaf_sol"));
    assert_hash(&have, &want);
    log.value = b256_of_u64(0);
    have = batch_l2_log_leaf(&log);
    want = json_b256(json_object_get(s, "leaf_failed_sol"));
    assert_hash(&have, &want);
}

static void multichain_roots_equal_the_contracts(void **state)
{
    (void)state;
    const char *chain;
    json_t *v;
    size_t seen = 0;
    json_object_foreach(json_object_get(vectors, "emptyMultichainBatchRoot"), chain, v)
    {
        struct b256 have = batch_empty_multichain_root(strtoull(chain, NULL, 10)),
                    want = json_b256(v);
        assert_hash(&have, &want);
        seen++;
    }
    assert_true(seen >= 7);
}

/* Where the aggregated root lies, read back from a running contract. */
static void the_aggregated_root_is_found(void **state)
{
    (void)state;
    json_t *j = vectors_load("vectors/interop/multichain_root_slot.json");
    const json_t *list = json_object_get(j, "entries"), *e;
    size_t i;
    json_array_foreach(list, i, e)
    {
        struct b256 height =
            b256_of_u64((uint64_t)json_integer_value(json_object_get(e, "height")));
        struct b256 have = batch_multichain_root_slot(&height),
                    want = json_b256(json_object_get(e, "storage_key"));
        assert_hash(&have, &want);
        if (json_integer_value(json_object_get(e, "chains")) == 1) {
            struct b256 root = batch_empty_multichain_root(506),
                        there = json_b256(json_object_get(e, "aggregatedRoot"));
            assert_hash(&root, &there);
        }
    }
    assert_true(i >= 3);
    json_decref(j);
}

static void dependency_hashes_and_imports_equal_the_contracts(void **state)
{
    (void)state;
    json_t *j = vectors_load("vectors/interop/dependency_roots.json");
    const json_t *step, *r;
    struct abi_v31_interop_root roots[8];
    struct stf_interop_root imported[8];
    struct b256 sides[8], want = json_b256(json_object_get(j, "empty")), none = { { 0 } };
    size_t i, k, last = 0;
    assert_hash(&none, &want);
    json_array_foreach(json_object_get(j, "steps"), i, step)
    {
        struct batch_accumulator a;
        struct batch b;
        struct arena arena;
        struct batch_block block = { .number = 1, .interop_roots = imported };
        json_array_foreach(json_object_get(step, "roots"), k, r)
        {
            uint64_t chain = (uint64_t)json_integer_value(json_object_get(r, "chainId")),
                     number =
                         (uint64_t)json_integer_value(json_object_get(r, "blockOrBatchNumber"));
            sides[k] = json_b256(json_array_get(json_object_get(r, "sides"), 0));
            roots[k] = (struct abi_v31_interop_root){ .chain_id = u256_of_u64(chain),
                                                      .block_or_batch_number = u256_of_u64(number),
                                                      .sides = { &sides[k], 1 } };
            imported[k] =
                (struct stf_interop_root){ u256_of_u64(chain), u256_of_u64(number), sides[k] };
        }
        last = block.interop_root_cnt = k;
        arena_init_growing(&arena, 4096, 1u << 20);
        batch_accumulator_init(&a, &arena, 1, 12, DA_EMPTY_NO_DA);
        assert_true(batch_accumulator_add(&a, &block));
        batch_accumulator_finish(&a, &b, NULL);
        want = json_b256(json_object_get(step, "rolling"));
        assert_hash(&b.stored.dependency_roots_hash, &want);
        arena_clear(&arena);
    }
    assert_int_equal(i, 3);
    struct abi_v31_add_interop_roots_in_batch_call call = { { roots, last } };
    struct buf data, hex;
    buf_init(&data, 1u << 16);
    buf_init(&hex, 1u << 17);
    assert_true(abi_v31_encode_add_interop_roots_in_batch_call(&data, &call));
    assert_true(buf_append_hex(&hex, data.p, data.len) && buf_append(&hex, "", 1));
    assert_string_equal((const char *)hex.p,
                        json_string_value(json_object_get(j, "import_calldata")));
    buf_clear(&data);
    buf_clear(&hex);
    json_decref(j);
}

static struct message_claim claim_of(const struct log_tree *t, size_t i,
                                     const struct b256 *multichain, const struct b256 *root)
{
    return (struct message_claim){ .chain = 6565,
                                   .batch = 1,
                                   .logs = t,
                                   .index = i,
                                   .multichain_root = *multichain,
                                   .batch_root = *root };
}

static bool leads_to(const struct b256 *leaf, uint64_t index, const struct b256 *words, size_t cnt,
                     const struct b256 *want)
{
    struct proof_end end;
    struct b256 chain = b256_of_u64(6565), batch = b256_of_u64(1), at_index = b256_of_u64(index);
    return message_proof_walk(&end, &chain, &batch, &at_index, leaf, words, cnt) == PROOF_OK &&
           b256_eq(&end.root, want);
}

static void proofs_lead_to_the_batch_root(void **state)
{
    (void)state;
    const json_t *n3 = json_object_get(json_object_get(vectors, "roots"), "n3"), *path;
    struct b256 multichain = batch_empty_multichain_root(6565),
                want = at("l2LogsTreeRoot", "v31_n3_chain6565");
    size_t n = load_leaves(n3), i;
    struct log_tree *t = log_tree_create(leaves, n);
    json_array_foreach(json_object_get(n3, "paths"), i, path)
    {
        struct message_claim c = claim_of(t, i, &multichain, &want);
        struct message_proof p;
        struct err err = { .kind = ERR_NONE };
        assert_true(message_proof_direct(&p, &c, &err));
        assert_int_equal(p.cnt, 1 + MESSAGE_PROOF_LOG_LEN);
        assert_hash(&p.root, &want);
        for (size_t d = 0; d < json_array_size(path); d++) {
            struct b256 sibling = json_b256(json_array_get(path, d));
            assert_hash(&p.words[1 + d], &sibling);
        }
        /* any change of leaf, index or word leads elsewhere */
        for (size_t w = 0; w < p.cnt; w++) {
            struct message_proof bad = p;
            bad.words[w].b[31] ^= 1;
            assert_false(leads_to(&leaves[i], i, bad.words, bad.cnt, &want));
        }
        assert_true(leads_to(&leaves[i], i, p.words, p.cnt, &want));
        assert_false(leads_to(&leaves[i], i ^ 1, p.words, p.cnt, &want));
        assert_false(leads_to(&leaves[i], i, p.words, p.cnt - 1, &want));
    }
    assert_true(i == 3);
    log_tree_destroy(t);
}

static void a_kept_tree_gives_the_contracts_roots(void **state)
{
    (void)state;
    const char *name;
    json_t *entry;
    json_object_foreach(json_object_get(vectors, "roots"), name, entry)
    {
        size_t n = load_leaves(entry);
        struct log_tree *t = log_tree_create(leaves, n);
        struct b256 have = log_tree_root(t), want = json_b256(json_object_get(entry, "root_sol"));
        assert_hash(&have, &want);
        for (size_t i = 0; i < n; i += 1 + n / 40) {
            struct b256 path[BATCH_LOG_TREE_DEPTH];
            log_tree_path(t, i, path);
            struct b256 root = merkle_walk(&leaves[i], i, path, BATCH_LOG_TREE_DEPTH);
            assert_hash(&root, &want);
        }
        log_tree_destroy(t);
    }
}

static void a_proof_that_does_not_fit_the_root_is_not_given(void **state)
{
    (void)state;
    struct b256 multichain = batch_empty_multichain_root(10),
                other = at("l2LogsTreeRoot", "v31_n3_chain6565");
    size_t n = load_leaves(json_object_get(json_object_get(vectors, "roots"), "n3"));
    struct log_tree *t = log_tree_create(leaves, n);
    struct message_claim c = claim_of(t, 0, &multichain, &other);
    struct message_proof p;
    struct err err = { .kind = ERR_NONE };
    assert_false(message_proof_direct(&p, &c, &err));
    assert_int_equal(err.kind, ERR_DIVERGED);
    c.index = n;
    assert_false(message_proof_direct(&p, &c, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    log_tree_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roots_equal_the_contracts),
        cmocka_unit_test(leaves_equal_the_contracts),
        cmocka_unit_test(multichain_roots_equal_the_contracts),
        cmocka_unit_test(the_aggregated_root_is_found),
        cmocka_unit_test(dependency_hashes_and_imports_equal_the_contracts),
        cmocka_unit_test(a_kept_tree_gives_the_contracts_roots),
        cmocka_unit_test(proofs_lead_to_the_batch_root),
        cmocka_unit_test(a_proof_that_does_not_fit_the_root_is_not_given),
    };
    if (!recorded_present("interop vectors"))
        return 77;
    vectors = vectors_load("vectors/interop/logs_tree.json");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(vectors);
    return failed;
}
