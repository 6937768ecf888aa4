/* Commit, prove and execute data against calls that the real contracts accepted: built from their
 * values the bytes must be equal, and recorded calldata must survive decode -> encode unchanged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "contracts-abi/gen/admin.h"
#include "contracts-abi/gen/executor.h"
#include "contracts-abi/gen/executor_v30.h"
#include "contracts-abi/gen/timelock.h"
#include "node/base/hash.h"
#include "tests/unit/abi/json.h"

static struct arena arena;
static struct buf out;

static int setup(void **state)
{
    (void)state;
    arena_init_growing(&arena, 1 << 16, 64 << 20);
    buf_init(&out, 8 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_clear(&arena);
    buf_clear(&out);
    return 0;
}

static struct bytes written(void)
{
    assert_false(out.failed);
    return bytes_of(out.p, out.len);
}

static struct abi_v31_stored_batch_info stored_of(const json_t *v)
{
    return (struct abi_v31_stored_batch_info){
        .batch_number = json_u64(json_need(v, "batchNumber")),
        .batch_hash = json_b256(json_need(v, "batchHash")),
        .index_repeated_storage_changes =
            json_u64(json_object_get(v, "indexRepeatedStorageChanges")),
        .number_of_layer1_txs = json_u256(json_need(v, "numberOfLayer1Txs")),
        .priority_operations_hash = json_b256(json_need(v, "priorityOperationsHash")),
        .dependency_roots_rolling_hash = json_b256(json_need(v, "dependencyRootsRollingHash")),
        .l2_logs_tree_root = json_b256(json_need(v, "l2LogsTreeRoot")),
        .timestamp = json_u256(json_object_get(v, "timestamp")),
        .commitment = json_b256(json_need(v, "commitment")),
    };
}

static struct abi_v31_commit_batch_info_zksync_os commit_of(const json_t *v)
{
    const json_t *scheme = json_object_get(v, "daCommitmentScheme");
    return (struct abi_v31_commit_batch_info_zksync_os){
        .batch_number = json_u64(json_need(v, "batchNumber")),
        .new_state_commitment = json_b256(json_need(v, "newStateCommitment")),
        .number_of_layer1_txs = json_u256(json_need(v, "numberOfLayer1Txs")),
        .number_of_layer2_txs = json_u256(json_need(v, "numberOfLayer2Txs")),
        .priority_operations_hash = json_b256(json_need(v, "priorityOperationsHash")),
        .dependency_roots_rolling_hash = json_b256(json_need(v, "dependencyRootsRollingHash")),
        .l2_logs_tree_root = json_b256(json_need(v, "l2LogsTreeRoot")),
        .da_commitment_scheme = json_u64(scheme ? scheme : json_need(v, "scheme")),
        .da_commitment = json_b256(json_need(v, "daCommitment")),
        .first_block_timestamp = json_u64(json_need(v, "firstBlockTimestamp")),
        .first_block_number = json_u64(json_need(v, "firstBlockNumber")),
        .last_block_timestamp = json_u64(json_need(v, "lastBlockTimestamp")),
        .last_block_number = json_u64(json_need(v, "lastBlockNumber")),
        .chain_id = json_u256(json_need(v, "chainId")),
        .operator_da_input = json_hex(&arena, json_need(v, "operatorDAInput")),
        .sl_chain_id = json_u256(json_need(v, "slChainId")),
    };
}

static struct abi_v31_stored_batch_info_list stored_list_of(const json_t *v)
{
    size_t n = json_array_size(v);
    struct abi_v31_stored_batch_info *items = arena_alloc(&arena, n * sizeof *items);
    assert_non_null(items);
    for (size_t i = 0; i < n; i++)
        items[i] = stored_of(json_array_get(v, i));
    return (struct abi_v31_stored_batch_info_list){ items, n };
}

/* {prev, commitBatchInfo, [stored, storedHash], commitData} */
static void check_commit(const json_t *v)
{
    struct abi_v31_commit_batch_info_zksync_os info = commit_of(json_need(v, "commitBatchInfo"));
    struct abi_v31_commit_data data = { .previous = stored_of(json_need(v, "prev")),
                                        .batches = { &info, 1 } };
    struct bytes want = json_hex(&arena, json_need(v, "commitData"));
    buf_reset(&out);
    assert_true(abi_v31_encode_commit_data(&out, &data));
    assert_int_equal(want.p[0], 4);
    check_bytes_eq(written(), bytes_of(want.p + 1, want.len - 1));

    struct abi_v31_stored_batch_info stored = stored_of(json_need(v, "stored"));
    struct b256 hash = json_b256(json_need(v, "storedHash"));
    buf_reset(&out);
    assert_true(abi_v31_encode_stored_batch_info(&out, &stored));
    assert_int_equal(out.len, 288);
    struct b256 got = keccak256(out.p, out.len);
    assert_true(b256_eq(&got, &hash));
}

static void commits_encode_to_the_recorded_bytes(void **state)
{
    (void)state;
    json_t *f = json_open("vectors/settlement/commit_v31.json"), *v;
    size_t i;
    json_array_foreach(json_need(f, "vectors"), i, v)
    {
        check_commit(v);
    }
    assert_int_equal(i, 6);
    json_t *blob = json_open("vectors/settlement/commit_blob_v31.json");
    check_commit(blob);
    json_t *gateway = json_open("vectors/settlement/gateway_v31.json");
    json_array_foreach(json_need(gateway, "commits"), i, v)
    {
        check_commit(v);
    }
    assert_int_equal(i, 3);
    json_decref(f);
    json_decref(blob);
    json_decref(gateway);
}

static void stored_batches_hash_to_the_recorded_value(void **state)
{
    (void)state;
    json_t *f = json_open("vectors/settlement/stored_batch_hash.json"), *v;
    size_t i;
    json_array_foreach(json_need(f, "vectors"), i, v)
    {
        struct abi_v31_stored_batch_info s = stored_of(json_need(v, "stored")), back;
        buf_reset(&out);
        assert_true(abi_v31_encode_stored_batch_info(&out, &s));
        check_bytes_eq(written(), json_hex(&arena, json_need(v, "encoded")));
        struct b256 got = keccak256(out.p, out.len), want = json_b256(json_need(v, "hash"));
        assert_true(b256_eq(&got, &want));
        assert_true(abi_v31_decode_stored_batch_info(written(), &back, NULL, NULL));
        assert_memory_equal(&back, &s, sizeof s);
    }
    assert_int_equal(i, 4);
    json_decref(f);
}

static void proofs_encode_to_the_recorded_bytes(void **state)
{
    (void)state;
    json_t *f = json_open("vectors/settlement/prove_v31.json"), *v;
    size_t i;
    json_array_foreach(json_need(f, "vectors"), i, v)
    {
        const json_t *words = json_need(v, "proof");
        struct u256 proof[64];
        size_t n = json_array_size(words);
        assert_true(n <= GH_COUNT(proof));
        for (size_t k = 0; k < n; k++)
            proof[k] = json_u256(json_array_get(words, k));
        struct abi_v31_prove_data data = { .previous = stored_of(json_need(v, "prev")),
                                           .batches = stored_list_of(json_need(v, "batches")),
                                           .proof = { proof, n } };
        struct bytes want = json_hex(&arena, json_need(v, "proveData"));
        buf_reset(&out);
        assert_true(abi_v31_encode_prove_data(&out, &data));
        assert_int_equal(want.p[0], 1);
        check_bytes_eq(written(), bytes_of(want.p + 1, want.len - 1));
    }
    assert_int_equal(i, 3);
    json_decref(f);
}

static struct abi_v31_priority_ops_batch_info_list priority_of(const json_t *v,
                                                               const char *const keys[3])
{
    size_t n = json_array_size(v);
    struct abi_v31_priority_ops_batch_info *items = arena_alloc(&arena, n * sizeof *items);
    assert_non_null(items);
    for (size_t i = 0; i < n; i++) {
        const json_t *p = json_array_get(v, i);
        items[i].left_path = json_b256_list(&arena, json_need(p, keys[0]));
        items[i].right_path = json_b256_list(&arena, json_need(p, keys[1]));
        items[i].item_hashes = json_b256_list(&arena, json_need(p, keys[2]));
    }
    return (struct abi_v31_priority_ops_batch_info_list){ items, n };
}

static void executions_encode_to_the_recorded_bytes(void **state)
{
    (void)state;
    static const char *const keys[3] = { "leftPath", "rightPath", "itemHashes" };
    json_t *f = json_open("vectors/settlement/execute_v31_l1.json"), *v;
    size_t i;
    json_array_foreach(json_need(f, "vectors"), i, v)
    {
        struct abi_v31_execute_data data = { .batches = stored_list_of(json_need(v, "batches")) };
        /* one empty list of interop roots per batch; logs, messages and roots are empty on L1 */
        struct abi_v31_interop_root_list none[8] = { { NULL, 0 } };
        assert_true(data.batches.cnt <= GH_COUNT(none));
        data.priority_ops = priority_of(json_need(v, "priorityOps"), keys);
        data.dependency_roots.items = none;
        data.dependency_roots.cnt = data.batches.cnt;
        data.settlement_fee_payer = json_addr(json_need(v, "settlementFeePayer"));
        struct bytes want = json_hex(&arena, json_need(v, "executeData"));
        buf_reset(&out);
        assert_true(abi_v31_encode_execute_data(&out, &data));
        assert_int_equal(want.p[0], 1);
        check_bytes_eq(written(), bytes_of(want.p + 1, want.len - 1));
    }
    assert_int_equal(i, 3);
    json_decref(f);
}

static struct abi_bytes_list_list messages_of(const json_t *v)
{
    size_t n = json_array_size(v);
    struct abi_bytes_list *outer = arena_alloc(&arena, n * sizeof *outer);
    assert_non_null(outer);
    for (size_t i = 0; i < n; i++) {
        const json_t *inner = json_array_get(v, i);
        struct bytes *items = arena_alloc(&arena, json_array_size(inner) * sizeof *items);
        assert_non_null(items);
        for (size_t k = 0; k < json_array_size(inner); k++)
            items[k] = json_hex(&arena, json_array_get(inner, k));
        outer[i] = (struct abi_bytes_list){ items, json_array_size(inner) };
    }
    return (struct abi_bytes_list_list){ outer, n };
}

static struct abi_v31_l2_log_list_list logs_of(const json_t *v)
{
    size_t n = json_array_size(v);
    struct abi_v31_l2_log_list *outer = arena_alloc(&arena, n * sizeof *outer);
    assert_non_null(outer);
    for (size_t i = 0; i < n; i++) {
        const json_t *inner = json_array_get(v, i);
        struct abi_v31_l2_log *items = arena_alloc(&arena, json_array_size(inner) * sizeof *items);
        assert_non_null(items);
        for (size_t k = 0; k < json_array_size(inner); k++) {
            const json_t *l = json_array_get(inner, k);
            items[k] = (struct abi_v31_l2_log){
                .l2_shard_id = json_u64(json_need(l, "l2ShardId")),
                .is_service = json_is_true(json_need(l, "isService")),
                .tx_number_in_batch = json_u64(json_need(l, "txNumberInBatch")),
                .sender = json_addr(json_need(l, "sender")),
                .key = json_b256(json_need(l, "key")),
                .value = json_b256(json_need(l, "value")),
            };
        }
        outer[i] = (struct abi_v31_l2_log_list){ items, json_array_size(inner) };
    }
    return (struct abi_v31_l2_log_list_list){ outer, n };
}

/* Two batches with logs, messages and multichain roots, as an execute on a Gateway carries them. */
static void gateway_execution_encodes_to_the_recorded_bytes(void **state)
{
    (void)state;
    json_t *f = json_open("vectors/settlement/gateway_v31.json");
    const json_t *v = json_need(f, "execute");
    struct abi_v31_execute_data data = { .batches = stored_list_of(json_need(v, "batches")) };
    struct abi_v31_priority_ops_batch_info no_ops[2] = { 0 };
    struct abi_v31_interop_root_list no_roots[2] = { { NULL, 0 } };
    assert_int_equal(data.batches.cnt, 2);
    data.priority_ops.items = no_ops;
    data.priority_ops.cnt = 2;
    data.dependency_roots.items = no_roots;
    data.dependency_roots.cnt = 2;
    data.logs = logs_of(json_need(v, "logs"));
    data.messages = messages_of(json_need(v, "messages"));
    data.multichain_batch_roots = json_b256_list(&arena, json_need(v, "multichainBatchRoots"));
    data.settlement_fee_payer = json_addr(json_need(v, "settlementFeePayer"));
    struct buf inner;
    buf_init(&inner, 1 << 20);
    assert_true(buf_append(&inner, "\x01", 1));
    assert_true(abi_v31_encode_execute_data(&inner, &data));

    struct bytes want = json_hex(&arena, json_need(v, "calldata"));
    struct abi_v31_execute_batches_shared_bridge_call call;
    struct err err;
    assert_true(abi_v31_decode_execute_batches_shared_bridge_call(want, &call, &arena, &err));
    check_bytes_eq(bytes_of(inner.p, inner.len), call.execute_data);
    call.execute_data = bytes_of(inner.p, inner.len);
    buf_reset(&out);
    assert_true(abi_v31_encode_execute_batches_shared_bridge_call(&out, &call));
    check_bytes_eq(written(), want);
    buf_clear(&inner);
    json_decref(f);
}

/* What stands inside the call, decoded and encoded again. */
static void check_inner(uint32_t selector, struct bytes data)
{
    struct err err;
    bool ok = false, again = false;
    struct bytes body = bytes_of(data.p + 1, data.len - 1);
    buf_reset(&out);
    if (selector == ABI_V31_COMMIT_BATCHES_SHARED_BRIDGE_SELECTOR) {
        struct abi_v31_commit_data d;
        ok = abi_v31_decode_commit_data(body, &d, &arena, &err);
        again = ok && abi_v31_encode_commit_data(&out, &d);
    } else if (selector == ABI_V31_PROVE_BATCHES_SHARED_BRIDGE_SELECTOR) {
        struct abi_v31_prove_data d;
        ok = abi_v31_decode_prove_data(body, &d, &arena, &err);
        again = ok && abi_v31_encode_prove_data(&out, &d);
    } else {
        struct abi_v31_execute_data d;
        ok = abi_v31_decode_execute_data(body, &d, &arena, &err);
        again = ok && abi_v31_encode_execute_data(&out, &d);
    }
    if (!ok)
        fail_msg("%s", err.msg);
    assert_true(again);
    check_bytes_eq(written(), body);
}

/* 1 for a settlement call; the four calls with a data argument have one shape. */
static unsigned check_calldata(struct bytes in)
{
    struct err err;
    uint32_t selector = load_be32(in.p);
    if (selector == ABI_V31_SET_DA_VALIDATOR_PAIR_SELECTOR) {
        struct abi_v31_set_da_validator_pair_call c;
        assert_true(abi_v31_decode_set_da_validator_pair_call(in, &c, NULL, &err));
        buf_reset(&out);
        assert_true(abi_v31_encode_set_da_validator_pair_call(&out, &c));
    } else if (selector == ABI_V31_REVERT_BATCHES_SHARED_BRIDGE_SELECTOR) {
        struct abi_v31_revert_batches_shared_bridge_call c;
        assert_true(abi_v31_decode_revert_batches_shared_bridge_call(in, &c, NULL, &err));
        buf_reset(&out);
        assert_true(abi_v31_encode_revert_batches_shared_bridge_call(&out, &c));
    } else if (selector == ABI_V31_COMMIT_BATCHES_SHARED_BRIDGE_SELECTOR) {
        struct abi_v31_commit_batches_shared_bridge_call c;
        assert_true(abi_v31_decode_commit_batches_shared_bridge_call(in, &c, &arena, &err));
        check_inner(selector, c.commit_data);
        buf_reset(&out);
        assert_true(abi_v31_encode_commit_batches_shared_bridge_call(&out, &c));
    } else if (selector == ABI_V31_PROVE_BATCHES_SHARED_BRIDGE_SELECTOR) {
        struct abi_v31_prove_batches_shared_bridge_call c;
        assert_true(abi_v31_decode_prove_batches_shared_bridge_call(in, &c, &arena, &err));
        check_inner(selector, c.proof_data);
        buf_reset(&out);
        assert_true(abi_v31_encode_prove_batches_shared_bridge_call(&out, &c));
    } else if (selector == ABI_V31_EXECUTE_BATCHES_SHARED_BRIDGE_SELECTOR) {
        struct abi_v31_execute_batches_shared_bridge_call c;
        assert_true(abi_v31_decode_execute_batches_shared_bridge_call(in, &c, &arena, &err));
        check_inner(selector, c.execute_data);
        buf_reset(&out);
        assert_true(abi_v31_encode_execute_batches_shared_bridge_call(&out, &c));
    } else {
        return 0;
    }
    check_bytes_eq(written(), in);
    return 1;
}

/* Every "calldata" text anywhere in a record. */
static unsigned check_all_calldata(const json_t *v)
{
    unsigned cnt = 0;
    if (json_is_array(v)) {
        for (size_t i = 0; i < json_array_size(v); i++)
            cnt += check_all_calldata(json_array_get(v, i));
    } else if (json_is_object(v)) {
        const char *key;
        json_t *item;
        json_object_foreach((json_t *)(uintptr_t)v, key, item)
        {
            if (strcmp(key, "calldata") == 0 && json_is_string(item))
                cnt += check_calldata(json_hex(&arena, item));
            else
                cnt += check_all_calldata(item);
        }
    }
    return cnt;
}

static void recorded_calldata_survives_decode_and_encode(void **state)
{
    (void)state;
    static const char *const files[] = {
        "l1/records/chain10-l1-calldata.json",    "l1/records/chain10-l1-validium.json",
        "l1/records/chain10-l1-blobs.json",       "l1/records/chain12-gateway.json",
        "vectors/settlement/commit_v31.json",     "vectors/settlement/prove_v31.json",
        "vectors/settlement/execute_v31_l1.json", "vectors/settlement/revert_v31.json",
        "vectors/settlement/gateway_v31.json",    "vectors/settlement/commit_blob_v31.json",
    };
    unsigned cnt = 0;
    for (size_t i = 0; i < GH_COUNT(files); i++) {
        json_t *f = json_open(files[i]);
        unsigned n = check_all_calldata(f);
        if (n == 0)
            fail_msg("%s has no calldata", files[i]);
        cnt += n;
        json_decref(f);
    }
    (void)printf("calls decoded and encoded again: %u\n", cnt);
    assert_true(cnt >= 34);
}

static void multisig_commit_matches(void **state)
{
    (void)state;
    json_t *f = json_open("vectors/settlement/multisig_commit_v31.json");
    check_commit(f);
    struct bytes want = json_hex(&arena, json_need(f, "calldata"));
    struct abi_v31_commit_batches_multisig_call c;
    struct err err;
    assert_true(abi_v31_decode_commit_batches_multisig_call(want, &c, &arena, &err));
    check_bytes_eq(c.batch_data, json_hex(&arena, json_need(f, "commitData")));
    assert_int_equal(c.signers.cnt, 2);
    assert_int_equal(c.signatures.cnt, 2);
    buf_reset(&out);
    assert_true(abi_v31_encode_commit_batches_multisig_call(&out, &c));
    check_bytes_eq(written(), want);

    struct abi_v31_multisig_commit_struct s = {
        .typehash = ABI_V31_COMMIT_BATCHES_MULTISIG_TYPEHASH,
        .chain_address = c.chain_address,
        .process_batch_from = c.process_batch_from,
        .process_batch_to = c.process_batch_to,
        .batch_data_hash = keccak256(c.batch_data.p, c.batch_data.len),
    };
    buf_reset(&out);
    assert_true(abi_v31_encode_multisig_commit_struct(&out, &s));
    struct b256 got = keccak256(out.p, out.len), hash = json_b256(json_need(f, "structHash"));
    assert_true(b256_eq(&got, &hash));

    struct abi_v31_eip712_domain d = {
        .typehash = ABI_V31_EIP712_DOMAIN_TYPEHASH,
        .name_hash = keccak256("MultisigCommitter", strlen("MultisigCommitter")),
        .version_hash = keccak256("1", 1),
        .chain_id = json_u256(json_need(f, "chainId")),
        .verifying_contract = json_addr(json_need(f, "multisigCommitter")),
    };
    buf_reset(&out);
    assert_true(abi_v31_encode_eip712_domain(&out, &d));
    got = keccak256(out.p, out.len);
    hash = json_b256(json_need(f, "domainSeparator"));
    assert_true(b256_eq(&got, &hash));
    json_decref(f);
}

/* A commit and an execute of protocol v30: recorded bytes -> values -> the same bytes. */
static void v30_data_survives_decode_and_encode(void **state)
{
    (void)state;
    json_t *f = json_open("vectors/settlement/v30.json");
    struct bytes commit = json_hex(&arena, json_need(f, "commitData"));
    struct bytes execute = json_hex(&arena, json_need(f, "executeData"));
    const json_t *want = json_need(f, "commitBatchInfo");
    struct abi_v30_commit_data c;
    struct abi_v30_execute_data e;
    struct err err;
    assert_int_equal(commit.p[0], 3);
    assert_int_equal(execute.p[0], 1);
    commit = bytes_of(commit.p + 1, commit.len - 1);
    execute = bytes_of(execute.p + 1, execute.len - 1);
    if (!abi_v30_decode_commit_data(commit, &c, &arena, &err) ||
        !abi_v30_decode_execute_data(execute, &e, &arena, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(c.batches.cnt, 1);
    assert_int_equal(c.batches.items[0].last_block_timestamp,
                     json_u64(json_need(want, "lastBlockTimestamp")));
    assert_int_equal(u256_sat_u64(&c.batches.items[0].chain_id), 10);
    check_bytes_eq(c.batches.items[0].operator_da_input,
                   json_hex(&arena, json_need(want, "operatorDAInput")));
    buf_reset(&out);
    assert_true(abi_v30_encode_commit_data(&out, &c));
    check_bytes_eq(written(), commit);
    buf_reset(&out);
    assert_true(abi_v30_encode_execute_data(&out, &e));
    check_bytes_eq(written(), execute);

    buf_reset(&out);
    assert_true(abi_v30_encode_stored_batch_info(&out, &e.batches.items[0]));
    struct b256 got = keccak256(out.p, out.len), hash = json_b256(json_need(f, "storedHash"));
    assert_true(b256_eq(&got, &hash));
    json_decref(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stored_batches_hash_to_the_recorded_value),
        cmocka_unit_test(commits_encode_to_the_recorded_bytes),
        cmocka_unit_test(proofs_encode_to_the_recorded_bytes),
        cmocka_unit_test(executions_encode_to_the_recorded_bytes),
        cmocka_unit_test(gateway_execution_encodes_to_the_recorded_bytes),
        cmocka_unit_test(recorded_calldata_survives_decode_and_encode),
        cmocka_unit_test(multisig_commit_matches),
        cmocka_unit_test(v30_data_survives_decode_and_encode),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
