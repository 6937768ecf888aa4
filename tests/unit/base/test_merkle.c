/* tests/unit/base/test_merkle.c
 *
 * The trees against a recursive definition, and against recorded values of the contracts. */
#include "tests/unit/base/testing.h"

#include <stdio.h>

#include "node/base/hash.h"
#include "node/base/hex.h"
#include "node/base/merkle.h"
#include "tests/vectors/recorded/recorded.h"

#define MAX_LEAVES 16384

static struct b256 leaves[MAX_LEAVES], scratch[MAX_LEAVES];

/* leaf i = keccak(i as a 32-byte word), as the recorded trees are made */
static void make_leaves(uint64_t first)
{
    for (uint64_t i = 0; i < MAX_LEAVES; i++) {
        struct b256 w = b256_of_u64(first + i);
        leaves[i] = keccak256(w.b, 32);
    }
}

/* Node `index` of level `level`, straight from the definition. */
static struct b256 naive_node(size_t n, unsigned level, size_t index, const struct b256 *pad)
{
    if (level == 0)
        return index < n ? leaves[index] : *pad;
    struct b256 l = naive_node(n, level - 1, 2 * index, pad);
    struct b256 r = naive_node(n, level - 1, 2 * index + 1, pad);
    uint8_t both[64];
    memcpy(both, l.b, 32);
    memcpy(both + 32, r.b, 32);
    return keccak256(both, 64);
}

static void assert_b256(const struct b256 *got, const struct b256 *want)
{
    assert_memory_equal(got->b, want->b, 32);
}

static void depths(void **state)
{
    (void)state;
    static const struct {
        uint64_t n;
        unsigned depth;
    } known[] = { { 0, 0 },
                  { 1, 0 },
                  { 2, 1 },
                  { 3, 2 },
                  { 4, 2 },
                  { 5, 3 },
                  { 8, 3 },
                  { 9, 4 },
                  { UINT64_C(1) << 63, 63 },
                  { (UINT64_C(1) << 63) + 1, 64 },
                  { UINT64_MAX, 64 } };
    for (size_t i = 0; i < GH_COUNT(known); i++)
        assert_int_equal(merkle_depth(known[i].n), known[i].depth);
}

static void fixed_trees_match_the_definition(void **state)
{
    (void)state;
    struct b256 pad = keccak256("pad", 3), path[8];
    make_leaves(0);
    for (unsigned depth = 0; depth <= 6; depth++) {
        for (size_t n = 0; n <= (size_t)1 << depth; n++) {
            struct b256 want = naive_node(n, depth, 0, &pad);
            struct b256 got =
                merkle_fixed_root(n ? leaves : NULL, n, depth, &pad, n ? scratch : NULL);
            assert_b256(&got, &want);
            for (size_t at = 0; at<(size_t)1 << depth; at += depth> 4 ? 7 : 1) {
                got = merkle_fixed_path(path, at, leaves, n, depth, &pad, scratch);
                assert_b256(&got, &want);
                const struct b256 *leaf = at < n ? &leaves[at] : &pad;
                got = merkle_walk(leaf, at, path, depth);
                assert_b256(&got, &want);
            }
        }
    }
}

/* A verifier of range proofs, written from the rule in spec 30 §7.2: fold the items with the path
 * words that the parity of the edges asks for. */
static struct b256 fold_range(const struct b256 *items, uint64_t start, uint64_t cnt,
                              const struct b256 *left, const struct b256 *right, unsigned depth)
{
    static struct b256 row[300];
    uint64_t a = start, b = start + cnt - 1;
    memcpy(row + 1, items, cnt * sizeof(*items));
    size_t first = 1, len = cnt;
    for (unsigned d = 0; d < depth; d++) {
        if (a % 2 != 0) {
            row[--first] = left[d];
            len++;
        }
        if (b % 2 == 0)
            row[first + len++] = right[d];
        for (size_t i = 0; i < len / 2; i++)
            row[1 + i] = keccak256_pair(&row[first + 2 * i], &row[first + 2 * i + 1]);
        first = 1;
        len /= 2;
        a /= 2;
        b /= 2;
    }
    assert_int_equal(len, 1);
    return row[1];
}

static void range_paths_fold_to_the_root(void **state)
{
    (void)state;
    struct b256 pad = KECCAK_EMPTY, left[8], right[8], zero = { { 0 } };
    make_leaves(1);
    for (uint64_t n = 1; n <= 40; n++) {
        unsigned depth = merkle_depth(n);
        struct b256 want = naive_node(n, depth, 0, &pad);
        for (uint64_t start = 0; start < n; start++) {
            for (uint64_t cnt = 1; cnt <= n - start; cnt++) {
                struct b256 got =
                    merkle_range_paths(left, right, start, cnt, leaves, n, &pad, scratch);
                assert_b256(&got, &want);
                got = fold_range(leaves + start, start, cnt, left, right, depth);
                assert_b256(&got, &want);
                for (unsigned d = 0; d < depth; d++) { /* unused words are zero */
                    if ((start >> d) % 2 == 0)
                        assert_b256(&left[d], &zero);
                    if (((start + cnt - 1) >> d) % 2 != 0)
                        assert_b256(&right[d], &zero);
                }
            }
        }
    }
}

static void incremental_roots_equal_dynamic_ones(void **state)
{
    (void)state;
    struct b256 pad = KECCAK_EMPTY, zero = { { 0 } };
    struct merkle_incremental t;
    make_leaves(1);
    merkle_incremental_init(&t, &pad);
    struct b256 got = merkle_incremental_root(&t);
    assert_b256(&got, &zero);
    for (size_t n = 1; n <= 300; n++) {
        merkle_incremental_append(&t, &leaves[n - 1]);
        got = merkle_incremental_root(&t);
        struct b256 want = merkle_fixed_root(leaves, n, merkle_depth(n), &pad, scratch);
        assert_b256(&got, &want);
        if (n < 40) {
            want = naive_node(n, merkle_depth(n), 0, &pad);
            assert_b256(&got, &want);
        }
    }
    assert_int_equal(t.count, 300);
}

/* Recorded values */

static json_t *load_or_skip(const char *name)
{
    if (!recorded_present(name))
        skip();
    return recorded_load(name, 0);
}

static size_t words(struct b256 *out, const json_t *list)
{
    size_t n = json_array_size(list);
    for (size_t i = 0; i < n; i++)
        out[i] = json_b256(json_array_get(list, i));
    return n;
}

static uint64_t number(const json_t *doc, const char *key)
{
    json_int_t n = json_integer_value(json_object_get(doc, key));
    assert_true(n >= 0);
    return (uint64_t)n;
}

static void assert_recorded_ranges(const json_t *list)
{
    struct b256 pad = KECCAK_EMPTY, left[8], right[8], want_l[8], want_r[8];
    assert_true(json_array_size(list) > 0);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);
        uint64_t n = number(v, "treeSize");
        struct b256 root = merkle_range_paths(left, right, number(v, "start"), number(v, "count"),
                                              leaves, n, &pad, scratch);
        size_t depth = words(want_l, json_object_get(v, "leftPath"));
        assert_int_equal(depth, words(want_r, json_object_get(v, "rightPath")));
        assert_int_equal(depth, merkle_depth(n));
        assert_memory_equal(left, want_l, depth * 32);
        assert_memory_equal(right, want_r, depth * 32);
        if (json_object_get(v, "root")) {
            struct b256 want = json_b256(json_object_get(v, "root"));
            assert_b256(&root, &want);
        }
    }
}

static void assert_recorded_roots(const json_t *list)
{
    struct b256 pad = KECCAK_EMPTY;
    struct merkle_incremental t;
    merkle_incremental_init(&t, &pad);
    assert_true(json_array_size(list) > 0);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);
        uint64_t n = number(v, "n");
        while (t.count < n)
            merkle_incremental_append(&t, &leaves[t.count]);
        struct b256 want = json_b256(json_object_get(v, "root")), got = merkle_incremental_root(&t);
        assert_b256(&got, &want);
        if (n) {
            got = merkle_fixed_root(leaves, n, merkle_depth(n), &pad, scratch);
            assert_b256(&got, &want);
        }
    }
}

static void recorded_priority_trees(void **state)
{
    (void)state;
    json_t *doc = load_or_skip("vectors/settlement/priority_tree.json");
    struct b256 pad = json_b256(json_object_get(doc, "zeroLeaf")), empty = KECCAK_EMPTY;
    assert_b256(&pad, &empty);
    assert_int_equal(words(leaves, json_object_get(doc, "leaves")), 9);
    assert_recorded_roots(json_object_get(doc, "roots"));
    assert_recorded_ranges(json_object_get(doc, "pathVariants"));
    const json_t *model = json_object_get(doc, "modelOnly");
    assert_int_equal(words(leaves, json_object_get(model, "leaves")), 5);
    assert_recorded_roots(json_object_get(model, "roots"));
    assert_recorded_ranges(json_object_get(model, "ranges"));
    json_decref(doc);
}

static void recorded_log_trees(void **state)
{
    (void)state;
    json_t *doc = load_or_skip("vectors/execution/l2_to_l1_logs.json");
    uint8_t log[88] = { 0 };
    struct b256 pad = keccak256(log, 88), want = json_b256(json_object_get(doc, "emptyLeaf"));
    assert_b256(&pad, &want);
    want = json_b256(json_object_get(doc, "emptyTreeRoot"));
    struct b256 got = merkle_fixed_root(NULL, 0, 14, &pad, NULL);
    assert_b256(&got, &want);
    const json_t *logs = json_object_get(doc, "logs");
    size_t n = json_array_size(logs);
    assert_int_equal(n, 4);
    for (size_t i = 0; i < n; i++) {
        const char *hex = json_string_value(json_object_get(json_array_get(logs, i), "bytes"));
        assert_true(hex_decode_exact(log, 88, hex, strlen(hex)));
        leaves[i] = keccak256(log, 88);
        want = json_b256(json_object_get(json_array_get(logs, i), "hash"));
        assert_b256(&leaves[i], &want);
    }
    want = json_b256(json_object_get(doc, "treeRootOfAllFour"));
    got = merkle_fixed_root(leaves, n, 14, &pad, scratch);
    assert_b256(&got, &want);
    json_decref(doc);
}

static void assert_recorded_log_tree(const char *name, json_t *tree, const struct b256 *pad)
{
    struct b256 path[14], want_path[14], want = json_b256(json_object_get(tree, "root_sol")), got;
    json_t *list = json_object_get(tree, "leaves"), *paths = json_object_get(tree, "paths");
    size_t n;
    if (list) {
        n = words(leaves, list);
    } else {
        make_leaves(0);
        n = number(tree, "count");
    }
    got = merkle_fixed_root(leaves, n, 14, pad, scratch);
    if (!b256_eq(&got, &want))
        print_error("tree %s\n", name);
    assert_b256(&got, &want);
    for (size_t i = 0; json_is_array(paths) && i < json_array_size(paths); i++) {
        got = merkle_fixed_path(path, i, leaves, n, 14, pad, scratch);
        assert_b256(&got, &want);
        assert_int_equal(words(want_path, json_array_get(paths, i)), 14);
        assert_memory_equal(path, want_path, sizeof(path));
    }
    const char *index;
    json_t *value;
    if (json_is_object(paths)) {
        json_object_foreach(paths, index, value)
        {
            size_t at = (size_t)strtoull(index, NULL, 10);
            (void)merkle_fixed_path(path, at, leaves, n, 14, pad, scratch);
            assert_int_equal(words(want_path, value), 14);
            assert_memory_equal(path, want_path, sizeof(path));
        }
    }
}

static void recorded_contract_log_trees(void **state)
{
    (void)state;
    json_t *doc = load_or_skip("vectors/interop/logs_tree.json");
    struct b256 pad = json_b256(
        json_object_get(json_object_get(doc, "constants"), "L2_L1_LOGS_TREE_DEFAULT_LEAF_HASH"));
    json_t *roots = json_object_get(doc, "roots"), *tree;
    const char *name;
    assert_true(json_object_size(roots) > 0);
    json_object_foreach(roots, name, tree) assert_recorded_log_tree(name, tree, &pad);
    const json_t *zeros = json_object_get(doc, "zeros");
    assert_int_equal(json_array_size(zeros), 15);
    for (size_t i = 0; i < json_array_size(zeros); i++) {
        const json_t *z = json_array_get(zeros, i);
        struct b256 want = json_b256(json_object_get(z, "hash"));
        struct b256 got = merkle_fixed_root(NULL, 0, (unsigned)number(z, "level"), &pad, NULL);
        assert_b256(&got, &want);
    }
    json_decref(doc);
}

static void recorded_chain_tree(void **state)
{
    (void)state;
    json_t *doc = load_or_skip("vectors/interop/message_root_trees.json");
    const json_t *list = json_object_get(doc, "chain_tree");
    struct merkle_incremental t;
    assert_true(json_array_size(list) > 0);
    struct b256 pad =
        json_b256(json_array_get(json_object_get(json_array_get(list, 0), "zeros"), 0));
    merkle_incremental_init(&t, &pad);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);
        struct b256 leaf = json_b256(json_object_get(v, "leaf"));
        struct b256 want = json_b256(json_object_get(v, "newRoot"));
        merkle_incremental_append(&t, &leaf);
        struct b256 got = merkle_incremental_root(&t);
        assert_b256(&got, &want);
    }
    json_decref(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(depths),
        cmocka_unit_test(fixed_trees_match_the_definition),
        cmocka_unit_test(range_paths_fold_to_the_root),
        cmocka_unit_test(incremental_roots_equal_dynamic_ones),
        cmocka_unit_test(recorded_priority_trees),
        cmocka_unit_test(recorded_log_trees),
        cmocka_unit_test(recorded_contract_log_trees),
        cmocka_unit_test(recorded_chain_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
