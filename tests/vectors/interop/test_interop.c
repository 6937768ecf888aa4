/* tests/vectors/interop/test_interop.c
 *
 * Logs tree and proofs of messages against values that the contracts returned (vectors/interop/logs_tree.json). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "interop/log_proof.h"
#include "node/base/hash.h"
#include "node/base/hex.h"

static json_t *vectors;
static struct b256 leaves[BATCH_MAX_LOGS], scratch[BATCH_MAX_LOGS];

static struct b256 hash_of(const json_t *v)
{
    struct b256 h = { { 0 } };
    const char *s = json_string_value(v);
    if (!s || !hex_decode_exact(h.b, 32, s, strlen(s)))
        fail_msg("not a hash: %s", s ? s : "(nothing)");
    return h;
}

static struct b256 at(const char *group, const char *key)
{
    return hash_of(json_object_get(json_object_get(vectors, group), key));
}

static void assert_hash(const struct b256 *have, const struct b256 *want)
{
    assert_memory_equal(have->b, want->b, 32);
}

/* The leaves of one entry of "roots": given, or keccak(uint256(i)). */
static size_t load_leaves(const json_t *entry)
{
    const json_t *list = json_object_get(entry, "leaves"), *count = json_object_get(entry, "count"),
                 *x;
    size_t i;
    if (!json_is_integer(count)) {
        json_array_foreach(list, i, x) leaves[i] = hash_of(x);
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
                    want = hash_of(json_object_get(entry, "root_sol"));
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
    struct b256 have = batch_l2_log_leaf(&log), want = hash_of(json_object_get(m, "leaf_sol"));
    assert_hash(&have, &want);
    log = (struct stf_l2_log){ .key = hash_of(json_object_get(s, "l2TxHash")),
                               .value = b256_of_u64(1) };
    have = batch_l2_log_leaf(&log);
    want = hash_of(json_object_get(s, "leaf_sol"));
    assert_hash(&have, &want);
    log.value = b256_of_u64(0);
    have = batch_l2_log_leaf(&log);
    want = hash_of(json_object_get(s, "leaf_failed_sol"));
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
                    want = hash_of(v);
        assert_hash(&have, &want);
        seen++;
    }
    assert_true(seen >= 7);
}

/* Where the aggregated root lies, read back from a running contract. */
static void the_aggregated_root_is_found(void **state)
{
    (void)state;
    char path[4096];
    snprintf(path, sizeof(path), "%s/vectors/interop/multichain_root_slot.json",
             getenv("GH_SHARED"));
    json_t *j = json_load_file(path, 0, NULL);
    const json_t *list = json_object_get(j, "entries"), *e;
    size_t i;
    assert_non_null(j);
    json_array_foreach(list, i, e)
    {
        struct b256 height =
            b256_of_u64((uint64_t)json_integer_value(json_object_get(e, "height")));
        struct b256 have = batch_multichain_root_slot(&height),
                    want = hash_of(json_object_get(e, "storage_key"));
        assert_hash(&have, &want);
        if (json_integer_value(json_object_get(e, "chains")) == 1) {
            struct b256 root = batch_empty_multichain_root(506),
                        there = hash_of(json_object_get(e, "aggregatedRoot"));
            assert_hash(&root, &there);
        }
    }
    assert_true(i >= 3);
    json_decref(j);
}

static void proofs_lead_to_the_batch_root(void **state)
{
    (void)state;
    const json_t *n3 = json_object_get(json_object_get(vectors, "roots"), "n3"), *path;
    struct b256 multichain = batch_empty_multichain_root(6565),
                want = at("l2LogsTreeRoot", "v31_n3_chain6565");
    size_t n = load_leaves(n3), i;
    json_array_foreach(json_object_get(n3, "paths"), i, path)
    {
        struct log_proof p;
        struct err err = { .kind = ERR_NONE };
        assert_true(log_proof_build(&p, leaves, n, i, &multichain, &want, scratch, &err));
        assert_hash(&p.root, &want);
        for (size_t d = 0; d < json_array_size(path); d++) {
            struct b256 sibling = hash_of(json_array_get(path, d));
            assert_hash(&p.words[1 + d], &sibling);
        }
        /* any change of leaf, index or word leads elsewhere */
        struct b256 root;
        for (size_t w = 0; w < LOG_PROOF_LEN; w++) {
            struct log_proof bad = p;
            bad.words[w].b[31] ^= 1;
            assert_true(!log_proof_root(&root, &leaves[i], i, bad.words, LOG_PROOF_LEN) ||
                        !b256_eq(&root, &want));
        }
        assert_true(log_proof_root(&root, &leaves[i], i ^ 1, p.words, LOG_PROOF_LEN));
        assert_false(b256_eq(&root, &want));
        assert_false(log_proof_root(&root, &leaves[i], i, p.words, LOG_PROOF_LEN - 1));
    }
    assert_true(i == 3);
}

static void a_proof_that_does_not_fit_the_root_is_not_given(void **state)
{
    (void)state;
    struct b256 multichain = batch_empty_multichain_root(10),
                other = at("l2LogsTreeRoot", "v31_n3_chain6565");
    size_t n = load_leaves(json_object_get(json_object_get(vectors, "roots"), "n3"));
    struct log_proof p;
    struct err err = { .kind = ERR_NONE };
    assert_false(log_proof_build(&p, leaves, n, 0, &multichain, &other, scratch, &err));
    assert_int_equal(err.kind, ERR_DIVERGED);
    assert_false(log_proof_build(&p, leaves, n, n, &multichain, &other, scratch, &err));
    assert_int_equal(err.kind, ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roots_equal_the_contracts),
        cmocka_unit_test(leaves_equal_the_contracts),
        cmocka_unit_test(multichain_roots_equal_the_contracts),
        cmocka_unit_test(the_aggregated_root_is_found),
        cmocka_unit_test(proofs_lead_to_the_batch_root),
        cmocka_unit_test(a_proof_that_does_not_fit_the_root_is_not_given),
    };
    const char *shared = getenv("GH_SHARED");
    char path[4096];
    snprintf(path, sizeof(path), "%s/vectors/interop/logs_tree.json", shared ? shared : "");
    vectors = json_load_file(path, 0, NULL);
    if (!vectors) {
        puts("SKIP: interop vectors (recorded data folder absent)");
        return 77;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(vectors);
    return failed;
}
