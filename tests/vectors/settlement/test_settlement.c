/* tests/vectors/settlement/test_settlement.c
 *
 * Batch hashes, calldata, proofs, priority tree and DA input against calls that the real v31 contracts accepted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "node/base/hex.h"
#include "node/base/rlp.h"
#include "node/sender/signer.h"
#include "node/stf/batch.h"
#include "settlement/da/da.h"
#include "settlement/priority_tree.h"
#include "settlement/proto.h"

#define MAX_DATA (4u << 20)

static const char *folder;
static struct arena arena;

static json_t *load(const char *name)
{
    char path[4096];
    json_error_t e;
    snprintf(path, sizeof(path), "%s/vectors/settlement/%s", folder, name);
    json_t *j = json_load_file(path, 0, &e);
    if (!j)
        fail_msg("%s: %s", path, e.text);
    return j;
}

static const char *text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    if (!s)
        fail_msg("no text %s", key);
    return s;
}

static struct b256 hash_text(const char *s)
{
    struct b256 h;
    assert_true(hex_decode_exact(h.b, 32, s, strlen(s)));
    return h;
}

static struct b256 hash(const json_t *o, const char *key)
{
    return hash_text(text(o, key));
}

static uint64_t number(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    if (json_is_integer(v))
        return (uint64_t)json_integer_value(v);
    struct u256 n;
    const char *s = text(o, key);
    assert_true(strncmp(s, "0x", 2) == 0 ? hex_parse_quantity(&n, s, strlen(s), true)
                                         : u256_parse_dec(&n, s, strlen(s)));
    assert_true(u256_fits_u64(&n));
    return n.w[0];
}

static struct bytes data_text(const char *s)
{
    size_t cap = strlen(s) / 2 + 1, len = 0;
    uint8_t *p = arena_alloc(&arena, cap);
    assert_non_null(p);
    assert_true(hex_decode(p, cap, &len, s, strlen(s)));
    return bytes_of(p, len);
}

static struct addr address(const char *s)
{
    struct addr a;
    assert_true(hex_decode_exact(a.b, 20, s, strlen(s)));
    return a;
}

static struct stored_batch stored(const json_t *o)
{
    return (struct stored_batch){ .number = number(o, "batchNumber"),
                                  .state_commitment = hash(o, "batchHash"),
                                  .l1_tx_cnt = number(o, "numberOfLayer1Txs"),
                                  .priority_ops_hash = hash(o, "priorityOperationsHash"),
                                  .dependency_roots_hash = hash(o, "dependencyRootsRollingHash"),
                                  .l2_logs_tree_root = hash(o, "l2LogsTreeRoot"),
                                  .commitment = hash(o, "commitment") };
}

static void assert_hash(const struct b256 *have, const struct b256 *want)
{
    assert_memory_equal(have->b, want->b, 32);
}

/* The chain's address is the first word behind the selector of recorded calldata. */
static struct addr chain_of(struct bytes calldata)
{
    struct addr a;
    assert_true(calldata.len > 36);
    memcpy(a.b, calldata.p + 16, 20);
    return a;
}

static void stored_batch_hashes_equal_the_contracts(void **state)
{
    (void)state;
    json_t *j = load("stored_batch_hash.json");
    size_t i;
    const json_t *v;
    json_array_foreach(json_object_get(j, "vectors"), i, v)
    {
        struct stored_batch b = stored(json_object_get(v, "stored"));
        struct b256 have = stored_batch_hash(&b), want = hash(v, "hash");
        assert_hash(&have, &want);
        if (b.number == 0) {
            struct stored_batch g = stored_batch_genesis(&b.state_commitment);
            have = stored_batch_hash(&g);
            assert_hash(&have, &want);
        }
    }
    assert_true(i >= 4);
    json_decref(j);
}

static struct batch batch_of(const json_t *v)
{
    const json_t *c = json_object_get(v, "commitBatchInfo");
    struct batch b = { .stored = stored(json_object_get(v, "stored")) };
    b.chain_id = number(c, "chainId");
    b.sl_chain_id = number(c, "slChainId");
    b.first_block = number(c, "firstBlockNumber");
    b.last_block = number(c, "lastBlockNumber");
    b.first_timestamp = number(c, "firstBlockTimestamp");
    b.last_timestamp = number(c, "lastBlockTimestamp");
    b.l2_tx_cnt = number(c, "numberOfLayer2Txs");
    b.da_scheme = (uint8_t)number(c, "daCommitmentScheme");
    b.da_commitment = hash(c, "daCommitment");
    if (json_is_string(json_object_get(v, "upgradeTxHash")))
        b.upgrade_tx_hash = hash(v, "upgradeTxHash");
    return b;
}

static void commits_are_what_the_contracts_accepted(void **state)
{
    (void)state;
    json_t *j = load("commit_v31.json");
    const struct settlement_proto *proto = settlement_proto_find(31);
    size_t i;
    const json_t *v;
    assert_non_null(proto);
    json_array_foreach(json_object_get(j, "vectors"), i, v)
    {
        struct batch b = batch_of(v);
        struct b256 out = batch_output_hash(&b), want = hash(v, "batchOutputHash"),
                    want_stored = hash(v, "storedHash");
        assert_hash(&out, &want);
        struct b256 sh = stored_batch_hash(&b.stored);
        assert_hash(&sh, &want_stored);
        struct stored_batch prev = stored(json_object_get(v, "prev"));
        struct bytes calldata = data_text(text(v, "calldata"));
        struct addr chain = chain_of(calldata);
        struct buf enc;
        buf_init(&enc, MAX_DATA);
        assert_true(proto->commit(
            &enc, &chain, &prev, &b,
            data_text(text(json_object_get(v, "commitBatchInfo"), "operatorDAInput"))));
        assert_int_equal(enc.len, calldata.len);
        assert_memory_equal(enc.p, calldata.p, calldata.len);
        buf_clear(&enc);
    }
    assert_true(i >= 6);
    json_decref(j);
}

static void proofs_are_what_the_contracts_accepted(void **state)
{
    (void)state;
    json_t *j = load("prove_v31.json");
    size_t i, k;
    const json_t *v, *x;
    json_array_foreach(json_object_get(j, "vectors"), i, v)
    {
        const json_t *list = json_object_get(v, "batches");
        size_t n = json_array_size(list);
        struct stored_batch prev = stored(json_object_get(v, "prev")), batches[16];
        struct b256 inputs[16], before = prev.state_commitment;
        assert_true(n > 0 && n <= 16);
        json_array_foreach(list, k, x)
        {
            batches[k] = stored(x);
            inputs[k] = batch_public_input(&before, &batches[k]);
            before = batches[k].state_commitment;
            struct b256 want =
                hash_text(json_string_value(json_array_get(json_object_get(v, "publicInputs"), k)));
            assert_hash(&inputs[k], &want);
        }
        struct b256 folded = batch_fold_public_inputs(inputs, n),
                    want = hash(v, "rangePublicInput");
        assert_hash(&folded, &want);
        struct u256 proof[4];
        proto_mock_proof(proof, inputs, n);
        struct bytes calldata = data_text(text(v, "calldata"));
        struct addr chain = chain_of(calldata);
        struct buf enc;
        buf_init(&enc, MAX_DATA);
        assert_true(
            settlement_proto_find(31)->prove(&enc, &arena, &chain, &prev, batches, n, proof, 4));
        assert_int_equal(enc.len, calldata.len);
        assert_memory_equal(enc.p, calldata.p, calldata.len);
        buf_clear(&enc);
    }
    assert_true(i >= 3);
    json_decref(j);
}

static const struct b256 *hashes(const json_t *list, size_t *cnt)
{
    size_t i, n = json_array_size(list);
    const json_t *x;
    struct b256 *out = arena_alloc(&arena, (n + 1) * sizeof(*out));
    assert_non_null(out);
    json_array_foreach(list, i, x) out[i] = hash_text(json_string_value(x));
    *cnt = n;
    return out;
}

static void executions_are_what_the_contracts_accepted(void **state)
{
    (void)state;
    json_t *j = load("execute_v31_l1.json");
    size_t i, k;
    const json_t *v, *x;
    json_array_foreach(json_object_get(j, "vectors"), i, v)
    {
        struct proto_execute_batch batches[16] = { 0 };
        const json_t *list = json_object_get(v, "batches"),
                     *ops = json_object_get(v, "priorityOps");
        size_t n = json_array_size(list);
        assert_true(n > 0 && n <= 16 && json_array_size(ops) == n);
        json_array_foreach(list, k, x)
        {
            const json_t *o = json_array_get(ops, k);
            size_t right = 0;
            batches[k].stored = stored(x);
            batches[k].ops.left = hashes(json_object_get(o, "leftPath"), &batches[k].ops.depth);
            batches[k].ops.right = hashes(json_object_get(o, "rightPath"), &right);
            batches[k].ops.items = hashes(json_object_get(o, "itemHashes"), &batches[k].ops.cnt);
            assert_int_equal(right, batches[k].ops.depth);
        }
        struct bytes calldata = data_text(text(v, "calldata"));
        struct addr chain = chain_of(calldata), payer = address(text(v, "settlementFeePayer"));
        struct buf enc;
        buf_init(&enc, MAX_DATA);
        assert_true(
            settlement_proto_find(31)->execute(&enc, &arena, &chain, batches, n, false, &payer));
        assert_int_equal(enc.len, calldata.len);
        assert_memory_equal(enc.p, calldata.p, calldata.len);
        buf_clear(&enc);
    }
    assert_true(i >= 3);
    json_decref(j);
}

static void check_paths(const struct priority_tree *t, const json_t *v)
{
    struct b256 left[PRIORITY_TREE_MAX_DEPTH], right[PRIORITY_TREE_MAX_DEPTH];
    unsigned depth = 0;
    uint64_t start = number(v, "start"), cnt = number(v, "count"), n = number(v, "treeSize");
    priority_tree_paths(t, start, cnt, n, left, right, &depth);
    size_t want_depth = 0, k;
    const struct b256 *l = hashes(json_object_get(v, "leftPath"), &want_depth);
    const struct b256 *r = hashes(json_object_get(v, "rightPath"), &k);
    assert_int_equal(depth, want_depth);
    assert_int_equal(depth, k);
    /* words the contract does not read may be anything: only the read ones must agree */
    for (unsigned d = 0; d < depth; d++) {
        if ((start >> d) & 1)
            assert_hash(&left[d], &l[d]);
        if (!(((start + cnt - 1) >> d) & 1))
            assert_hash(&right[d], &r[d]);
    }
}

static void check_tree(const json_t *leaves, const json_t *roots, const json_t *ranges)
{
    struct priority_tree *t = priority_tree_create();
    size_t i;
    const json_t *x;
    assert_non_null(t);
    json_array_foreach(leaves, i, x)
    {
        struct b256 leaf = hash_text(json_string_value(x));
        assert_true(priority_tree_append(t, &leaf));
    }
    json_array_foreach(roots, i, x)
    {
        struct b256 have = priority_tree_root(t, number(x, "n")), want = hash(x, "root");
        assert_hash(&have, &want);
    }
    assert_true(i > 0);
    json_array_foreach(ranges, i, x) check_paths(t, x);
    assert_true(i > 0);
    priority_tree_destroy(t);
}

static void priority_tree_equals_the_diamonds(void **state)
{
    (void)state;
    json_t *j = load("priority_tree.json");
    const json_t *m = json_object_get(j, "modelOnly");
    check_tree(json_object_get(j, "leaves"), json_object_get(j, "roots"),
               json_object_get(j, "pathVariants"));
    check_tree(json_object_get(m, "leaves"), json_object_get(m, "roots"),
               json_object_get(m, "ranges"));
    json_decref(j);
}

static void da_inputs_are_what_the_validators_accepted(void **state)
{
    (void)state;
    json_t *j = load("da.json");
    const json_t *c = json_object_get(j, "calldata"), *v = json_object_get(j, "validium");
    struct bytes pubdata = data_text(text(c, "pubdata")),
                 want = data_text(text(c, "operatorDAInput"));
    struct b256 h = keccak256(pubdata.p, pubdata.len), have, commitment = hash(c, "daCommitment");
    assert_true(batch_da_commitment(&have, DA_BLOBS_AND_PUBDATA_KECCAK, &h));
    assert_hash(&have, &commitment);
    struct buf enc;
    buf_init(&enc, MAX_DATA);
    assert_true(da_operator_input(&enc, DA_BLOBS_AND_PUBDATA_KECCAK, pubdata));
    assert_int_equal(enc.len, want.len);
    assert_memory_equal(enc.p, want.p, want.len);
    buf_reset(&enc);
    want = data_text(text(v, "operatorDAInput"));
    assert_true(da_operator_input(&enc, DA_EMPTY_NO_DA, pubdata));
    assert_int_equal(enc.len, want.len);
    assert_memory_equal(enc.p, want.p, want.len);
    assert_false(
        da_operator_input(&enc, DA_PUBDATA_KECCAK, pubdata)); /* the guest has no such scheme */
    struct bytes much = { pubdata.p, BATCH_MAX_CALLDATA_PUBDATA + 1 };
    assert_false(da_operator_input(&enc, DA_BLOBS_AND_PUBDATA_KECCAK, much));
    assert_false(batch_da_commitment(&have, DA_BLOBS_ZKSYNC_OS, &h));
    buf_clear(&enc);
    json_decref(j);
}

/* ---- blobs ---- */

/* byte i = 7 i + 3, as the vectors say */
static struct bytes rule_bytes(size_t len)
{
    uint8_t *p = arena_alloc(&arena, len);
    assert_non_null(p);
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(7 * i + 3);
    return bytes_of(p, len);
}

static struct sidecar *check_blobs(const json_t *v, struct bytes pubdata)
{
    const json_t *hashes = json_object_get(v, "versionedHashes");
    struct sidecar *s = da_blobs_pack(pubdata);
    struct buf input;
    assert_non_null(s);
    assert_true(sidecar_commit(s));
    size_t n = json_array_size(hashes);
    assert_true(n > 0);
    assert_int_equal(sidecar_blob_cnt(s), n);
    assert_int_equal(da_blob_cnt(pubdata.len), n);
    for (size_t i = 0; i < n; i++) {
        struct b256 want = hash_text(json_string_value(json_array_get(hashes, i)));
        assert_hash(&sidecar_hashes(s)[i], &want);
    }
    struct b256 have = da_blobs_commitment(s), want = hash(v, "daCommitment");
    assert_hash(&have, &want);
    buf_init(&input, MAX_DATA);
    assert_true(da_operator_input(&input, DA_BLOBS_ZKSYNC_OS, pubdata));
    assert_int_equal(input.len, 32 * n);
    buf_clear(&input);
    return s;
}

static void blobs_of_every_size_are_the_ones_of_cast(void **state)
{
    (void)state;
    json_t *j = load("da.json");
    const json_t *sizes = json_object_get(json_object_get(j, "blobSizes"), "vectors"), *v;
    size_t i;
    json_array_foreach(sizes, i, v)
    {
        struct sidecar *s = check_blobs(v, rule_bytes(number(v, "length")));
        struct b256 want = hash(v, "blobsKeccak"),
                    have = keccak256(sidecar_blob(s, 0), sidecar_blob_cnt(s) * SIDECAR_BLOB_LEN);
        assert_hash(&have, &want);
        sidecar_unref(s);
    }
    assert_true(i >= 4);
    sidecar_unref(check_blobs(json_object_get(j, "blobFull"), rule_bytes(126945)));
    assert_int_equal(da_capacity(DA_BLOBS_ZKSYNC_OS), 6 * 126976 - 31);
    assert_int_equal(da_blob_cnt(6 * 126976 - 31), 6);
    assert_null(da_blobs_pack(rule_bytes(6 * 126976 - 30)));
    json_decref(j);
}

static void pass_over(struct rlp_reader *r, size_t n)
{
    while (n-- > 0)
        (void)rlp_read_raw(r);
}

static void assert_point(struct bytes have, const char *want)
{
    struct bytes w = data_text(want);
    assert_int_equal(have.len, 48);
    assert_int_equal(w.len, 48);
    assert_memory_equal(have.p, w.p, 48);
}

static size_t count_items(struct rlp_reader r)
{
    size_t n = 0;
    for (; !rlp_at_end(&r); n++)
        (void)rlp_read_raw(&r);
    return n;
}

static void both_forms_of_the_sidecar(void **state)
{
    (void)state;
    json_t *j = load("da.json");
    const json_t *v = json_object_get(j, "blob100"), *cells = json_object_get(v, "eip7594");
    struct sidecar *s = check_blobs(v, data_text(text(v, "pubdata")));
    static const uint8_t signed_tx[] = { 0x03, 0xc2, 0x01, 0x02 };
    struct bytes tx = bytes_of(signed_tx, sizeof(signed_tx));
    struct buf old, new;
    assert_true(sidecar_prove(s));
    buf_init(&old, sidecar_wrapped_max(s, tx));
    buf_init(&new, sidecar_wrapped_max(s, tx));
    assert_true(sidecar_wrap(&old, s, SIDECAR_EIP4844, tx));
    assert_true(sidecar_wrap(&new, s, SIDECAR_EIP7594, tx));
    assert_int_equal(new.len, new.max);
    assert_int_equal(old.p[0], 3);

    struct rlp_reader all = rlp_reader_of(bytes_of(old.p + 1, old.len - 1));
    struct rlp_reader list = rlp_read_list(&all);
    assert_true(rlp_finish(&all));
    assert_int_equal(count_items(list), 4);
    struct bytes inner = rlp_read_raw(&list);
    assert_int_equal(inner.len, 3);
    assert_memory_equal(inner.p, signed_tx + 1, 3);
    struct rlp_reader blobs = rlp_read_list(&list);
    struct bytes blob = rlp_read_string(&blobs);
    assert_int_equal(blob.len, SIDECAR_BLOB_LEN);
    assert_memory_equal(blob.p, sidecar_blob(s, 0), blob.len);
    struct rlp_reader points = rlp_read_list(&list);
    assert_point(rlp_read_string(&points),
                 json_string_value(json_array_get(json_object_get(v, "kzgCommitment"), 0)));
    points = rlp_read_list(&list);
    assert_point(rlp_read_string(&points),
                 json_string_value(json_array_get(json_object_get(v, "kzgProof"), 0)));
    assert_true(rlp_finish(&points) && rlp_finish(&list));

    all = rlp_reader_of(bytes_of(new.p + 1, new.len - 1));
    list = rlp_read_list(&all);
    assert_true(rlp_finish(&all));
    assert_int_equal(count_items(list), number(cells, "outerItems"));
    pass_over(&list, 1);
    assert_int_equal(rlp_read_u64(&list), 1);
    pass_over(&list, 2);
    points = rlp_read_list(&list);
    assert_int_equal(count_items(points), number(cells, "nCellProofs"));
    assert_point(rlp_read_string(&points), text(cells, "firstCellProof"));
    pass_over(&points, 126);
    assert_point(rlp_read_string(&points), text(cells, "lastCellProof"));
    buf_clear(&old);
    buf_clear(&new);
    sidecar_unref(s);
    json_decref(j);
}

/* The recorded commit with a blob: its key signs the same fields to the same bytes. */
static void a_recorded_blob_transaction_is_signed_again(void **state)
{
    (void)state;
    static const char *const key =
        "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";
    json_t *j = load("commit_blob_v31.json");
    const json_t *f = json_object_get(json_object_get(j, "tx"), "fields");
#define FIELD(i) json_string_value(json_array_get(f, i))
    struct err err;
    struct signer *signer = signer_open(key, &err);
    struct b256 blob = hash_text(json_string_value(json_array_get(json_array_get(f, 10), 0))), h;
    struct signer_tx tx = { .kind = SIGNER_TX_BLOB,
                            .chain_id = strtoull(FIELD(0), NULL, 16),
                            .nonce = strtoull(FIELD(1), NULL, 16),
                            .max_tip = u256_of_u64(strtoull(FIELD(2), NULL, 16)),
                            .max_fee = u256_of_u64(strtoull(FIELD(3), NULL, 16)),
                            .gas_limit = strtoull(FIELD(4), NULL, 16),
                            .has_to = true,
                            .data = data_text(FIELD(7)),
                            .max_blob_fee = u256_of_u64(strtoull(FIELD(9), NULL, 16)),
                            .blob_hashes = &blob,
                            .blob_cnt = 1 };
    struct buf raw;
    assert_non_null(signer);
    assert_true(hex_decode_exact(tx.to.b, 20, FIELD(5), strlen(FIELD(5))));
    buf_init(&raw, MAX_DATA);
    assert_true(signer_sign_tx(signer, &tx, &raw, &h, &err));
    assert_int_equal(raw.p[0], 3);
    struct rlp_reader all = rlp_reader_of(bytes_of(raw.p + 1, raw.len - 1));
    struct rlp_reader list = rlp_read_list(&all);
    assert_true(rlp_finish(&all));
    assert_int_equal(count_items(list), 14);
    pass_over(&list, 8);
    struct rlp_reader access = rlp_read_list(&list);
    assert_true(rlp_at_end(&access));
    pass_over(&list, 1);
    struct rlp_reader hashes = rlp_read_list(&list);
    assert_memory_equal(rlp_read_string(&hashes).p, blob.b, 32);
    assert_true(rlp_finish(&hashes));
    assert_int_equal(rlp_read_u64(&list), strtoull(FIELD(11), NULL, 16));
    for (size_t i = 12; i < 14; i++) {
        struct bytes have = rlp_read_string(&list);
        struct b256 want = hash_text(FIELD(i));
        assert_int_equal(have.len, 32);
        assert_memory_equal(have.p, want.b, 32);
    }
    tx.blob_cnt = 0;
    assert_false(signer_sign_tx(signer, &tx, &raw, &h, &err));
#undef FIELD
    buf_clear(&raw);
    signer_destroy(signer);
    json_decref(j);
}

static void other_versions_are_not_settled(void **state)
{
    (void)state;
    assert_null(settlement_proto_find(30));
    assert_null(settlement_proto_find(32));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stored_batch_hashes_equal_the_contracts),
        cmocka_unit_test(commits_are_what_the_contracts_accepted),
        cmocka_unit_test(proofs_are_what_the_contracts_accepted),
        cmocka_unit_test(executions_are_what_the_contracts_accepted),
        cmocka_unit_test(priority_tree_equals_the_diamonds),
        cmocka_unit_test(blobs_of_every_size_are_the_ones_of_cast),
        cmocka_unit_test(both_forms_of_the_sidecar),
        cmocka_unit_test(a_recorded_blob_transaction_is_signed_again),
        cmocka_unit_test(da_inputs_are_what_the_validators_accepted),
        cmocka_unit_test(other_versions_are_not_settled),
    };
    folder = getenv("GH_SHARED");
    char probe[4096];
    snprintf(probe, sizeof(probe), "%s/vectors/settlement/da.json", folder ? folder : "");
    FILE *f = fopen(probe, "r");
    if (!f) {
        puts("SKIP: settlement vectors (recorded data folder absent)");
        return 77;
    }
    fclose(f);
    arena_init_growing(&arena, 1u << 20, 512u << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_clear(&arena);
    return failed;
}
