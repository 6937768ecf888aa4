/* tests/unit/rpc/test_batches.c
 *
 * zks_ methods about batches: finality, tags, details, proofs. Proofs are checked here by folding them, from the
 * specification. */
#include "tests/unit/base/testing.h"
#include "tests/unit/rpc/rpc_world.h"

#include "node/base/hash.h"
#include "node/base/hex.h"
#include "node/base/merkle.h"

static void decode32(struct b256 *out, const char *hex)
{
    assert_non_null(hex);
    assert_true(strlen(hex) == 66 && hex_decode_exact(out->b, 32, hex + 2, 64));
}

/* Blocks 1 to 6: messages of three wallets among plain transfers; batches 1 = blocks 1..2, 2 = 3..5. */
struct scene {
    struct rpc_world *w;
    const char *message[4], *plain;
};

static struct scene open_scene(int done)
{
    struct scene s = { .w = world_open(NULL) };
    struct rpc_world *w = s.w;
    s.plain = world_send(w, 1, STRANGER, "0x", 1, 50000);
    json_decref(world_receipt(w, s.plain));
    for (unsigned i = 0; i < 4; i++) {
        s.message[i] =
            world_send(w, 1 + i, MESSENGER, world_format(w, "0x%02x%02x", i, i), 0, 200000);
        json_decref(world_receipt(w, s.message[i]));
    }
    json_decref(world_receipt(w, world_send(w, 1, STRANGER, "0x", 1, 50000)));
    assert_int_equal(chain_head_get(w->chain).number, 6);
    world_batch(w, 1, 1, 2, done > 0 ? 3 : 0);
    world_batch(w, 2, 3, 5, done);
    return s;
}

static const char *text_of(struct rpc_world *w, json_t *v)
{
    char *t = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
    const char *kept = world_format(w, "%s", t);
    free(t);
    json_decref(v);
    return kept;
}

static void test_finality_moves_with_the_frontiers(void **state)
{
    (void)state;
    static const char *const stages[] = { "pending", "committed", "committed", "executed" };
    for (int done = 0; done <= 3; done++) {
        struct scene s = open_scene(done);
        struct rpc_world *w = s.w;
        const char *t = text_of(w, world_call(w, "zks_getTransactionFinality",
                                              world_format(w, "[\"%s\"]", s.message[3])));
        const char *expected =
            done == 3 ? "{\"stage\":\"executed\",\"blockNumber\":5,\"batchNumber\":2,\"waitsFor\":"
                        "null,\"estimateMs\":0}"
                      : world_format(w,
                                     "{\"stage\":\"%s\",\"blockNumber\":5,\"batchNumber\":2,"
                                     "\"waitsFor\":\"the test, batch 2\",\"estimateMs\":1500}",
                                     stages[done]);
        assert_string_equal(t, expected);
        assert_string_equal(text_of(w, world_call(w, "zks_getBlockFinality", "[\"0x5\"]")),
                            expected);
        assert_string_equal(text_of(w, world_call(w, "zks_getBatchFinality", "[2]")), expected);
        assert_string_equal(text_of(w, world_call(w, "zks_getBlockFinality", "[\"latest\"]")),
                            "{\"stage\":\"pending\",\"blockNumber\":6,\"batchNumber\":null,"
                            "\"waitsFor\":\"the test, batch 0\",\"estimateMs\":1500}");
        uint64_t safe = done > 0 ? 5 : 0, final = done > 2 ? 5 : done > 0 ? 2 : 0;
        json_t *b = world_call(w, "eth_getBlockByNumber", "[\"safe\",false]");
        assert_int_equal(json_quantity(b, "number"), safe);
        json_decref(b);
        b = world_call(w, "eth_getBlockByNumber", "[\"finalized\",false]");
        assert_int_equal(json_quantity(b, "number"), final);
        json_decref(b);
        world_close(w);
    }
}

static void test_what_does_not_exist_is_null(void **state)
{
    (void)state;
    struct scene s = open_scene(1);
    struct rpc_world *w = s.w;
    static const char *const calls[][2] = {
        { "zks_getBatchFinality", "[3]" },
        { "zks_getBlockFinality", "[\"0x99\"]" },
        { "zks_getL1BatchDetails", "[3]" },
        { "zks_getL1BatchBlockRange", "[3]" },
        { "zks_getBlockDetails", "[99]" },
        { "zks_getBatchByNumber", "[2]" },
        { "zks_getBatchByBlockNumber", "[6]" },
        { "zks_getProof", "[\"" COUNTER "\",[],9]" },
        { "zks_getBlockMetadataByNumber", "[99]" },
        { "zks_lastSettlementChangeBlock", "[]" },
        { "zks_getBytecodeSupplierContract", "[]" },
        { "zks_getAccountPreimage", "[\"" STRANGER "\",7]" },
        { "zks_getTransactionFinality",
          "[\"0x0000000000000000000000000000000000000000000000000000000000000001\"]" },
        { "zks_getL2ToL1LogProof",
          "[\"0x0000000000000000000000000000000000000000000000000000000000000001\",0]" },
    };
    for (size_t i = 0; i < GH_COUNT(calls); i++) {
        json_t *v = world_call(w, calls[i][0], calls[i][1]);
        if (!json_is_null(v))
            fail_msg("%s", calls[i][0]);
        json_decref(v);
    }
    json_t *e = world_error(w, "unstable_getBatchByBlockNumber", "[6]");
    assert_string_equal(
        json_text(e, "message"),
        "L1 batch containing the transaction has not been finalized or indexed by this node yet");
    json_decref(e);
    world_close(w);
}

static void test_status_names_the_next_batch(void **state)
{
    (void)state;
    struct scene s = open_scene(1);
    json_t *f = world_call(s.w, "zks_getFinalityStatus", "[]");
    static const struct {
        const char *key;
        int value;
    } fields[] = { { "lastSealedBlock", 6 },
                   { "lastSealedBatch", 2 },
                   { "lastCommittedBlock", 5 },
                   { "lastCommittedBatch", 2 },
                   { "lastExecutedBlock", 2 },
                   { "lastExecutedBatch", 1 },
                   { "lastFinalizedExecutedBlock", 0 },
                   { "lastFinalizedExecutedBatch", 0 } };
    for (size_t i = 0; i < GH_COUNT(fields); i++)
        assert_int_equal(json_integer_value(json_object_get(f, fields[i].key)), fields[i].value);
    assert_string_equal(text_of(s.w, json_incref(json_object_get(f, "next"))),
                        "{\"batchNumber\":2,\"stage\":\"committed\",\"waitsFor\":\"the test, batch "
                        "2\",\"estimateMs\":1500}");
    json_decref(f);
    world_close(s.w);
}

static void test_details_for_explorers(void **state)
{
    (void)state;
    struct scene s = open_scene(2);
    struct rpc_world *w = s.w;
    json_t *d = world_call(w, "zks_getL1BatchDetails", "[1]");
    assert_string_equal(json_text(d, "status"), "verified");
    assert_string_equal(json_text(d, "executedAt"), "2023-11-14T22:13:20.000000Z");
    assert_int_equal(json_integer_value(json_object_get(d, "l2TxCount")), 2);
    assert_int_equal(json_integer_value(json_object_get(d, "commitChainId")), 1);
    json_decref(d);
    d = world_call(w, "zks_getL1BatchDetails", "[2]");
    assert_string_equal(json_text(d, "status"), "sealed");
    assert_true(json_is_null(json_object_get(d, "executeTxHash")));
    (void)json_text(d, "proveTxHash");
    json_decref(d);
    d = world_call(w, "zks_getBlockDetails", "[6]");
    assert_int_equal(json_integer_value(json_object_get(d, "l1BatchNumber")), 3);
    assert_string_equal(json_text(d, "protocolVersion"), "Version0");
    json_decref(d);
    d = world_call(w, "zks_getTransactionDetails", world_format(w, "[\"%s\"]", s.plain));
    assert_string_equal(json_text(d, "status"), "verified");
    assert_int_equal(json_quantity(d, "fee"), 21000000);
    json_decref(d);
    assert_string_equal(text_of(w, world_call(w, "zks_getL1BatchBlockRange", "[2]")),
                        "[\"0x3\",\"0x5\"]");
    assert_string_equal(text_of(w, world_call(w, "zks_L1BatchNumber", "[]")), "\"0x2\"");
    assert_string_equal(text_of(w, world_call(w, "zks_batchNumber", "[]")), "1");
    json_t *p = world_call(w, "zks_getBatchByNumber", "[1]");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(p, "block_range"), "end")),
                     2);
    assert_int_equal(json_integer_value(json_object_get(p, "execute_sl_block_number")), 1001);
    json_decref(p);
    json_t *r =
        world_call(w, "eth_getTransactionReceipt", world_format(w, "[\"%s\"]", s.message[2]));
    assert_int_equal(json_quantity(r, "l1BatchNumber"), 2);
    json_decref(r);
    world_close(w);
}

/* Folds a log proof as L1 does: metadata, 14 siblings and the aggregated root over the 88-byte log. */
static struct b256 fold(const json_t *proof, uint64_t index, const struct b256 *leaf)
{
    const json_t *path = json_object_get(proof, "proof");
    struct b256 node = *leaf;
    assert_int_equal(json_array_size(path), 16);
    assert_string_equal(json_string_value(json_array_get(path, 0)),
                        "0x010f000100000000000000000000000000000000000000000000000000000000");
    for (size_t i = 0; i < 15; i++) {
        struct b256 sibling;
        decode32(&sibling, json_string_value(json_array_get(path, i + 1)));
        node = (index >> i) & 1 ? keccak256_pair(&sibling, &node) : keccak256_pair(&node, &sibling);
    }
    return node;
}

static struct b256 leaf_of_message(uint16_t tx_number, const struct addr *sender,
                                   const void *message, size_t len)
{
    uint8_t log[88] = { 0, 1 };
    struct addr messenger = addr_of_u32(0x8008);
    struct b256 key = addr_pad32(sender), value = keccak256(message, len);
    store_be16(log + 2, tx_number);
    memcpy(log + 4, messenger.b, 20);
    memcpy(log + 24, key.b, 32);
    memcpy(log + 56, value.b, 32);
    return keccak256(log, 88);
}

static void test_log_proofs_fold_to_the_root_of_the_batch(void **state)
{
    (void)state;
    struct scene s = open_scene(3);
    struct rpc_world *w = s.w;
    for (unsigned i = 0; i < 4; i++) {
        json_t *p =
            world_call(w, "zks_getL2ToL1LogProof", world_format(w, "[\"%s\",0]", s.message[i]));
        uint64_t batch = i == 0 ? 1 : 2, id = i == 0 ? 0 : i - 1;
        assert_int_equal(json_integer_value(json_object_get(p, "batchNumber")), batch);
        assert_int_equal(json_integer_value(json_object_get(p, "batch_number")), batch);
        assert_int_equal(json_integer_value(json_object_get(p, "id")), id);
        assert_true(json_is_null(json_object_get(p, "gatewayBlockNumber")));
        uint8_t message[2] = { (uint8_t)i, (uint8_t)i };
        struct wallet k = wallet_of(1 + i);
        struct b256 leaf = leaf_of_message(0, &k.addr, message, 2), root,
                    walked = fold(p, id, &leaf);
        decode32(&root, json_text(p, "root"));
        assert_memory_equal(walked.b, root.b, 32);
        json_decref(p);
        /* the other spellings of index and target */
        json_t *same =
            world_call(w, "zks_getL2ToL1LogProof",
                       world_format(w, "[\"%s\",\"0x0\",\"l1BatchRoot\"]", s.message[i]));
        assert_int_equal(json_integer_value(json_object_get(same, "id")), id);
        json_decref(same);
    }
    json_t *e =
        world_error(w, "zks_getL2ToL1LogProof", world_format(w, "[\"%s\",\"7\"]", s.message[0]));
    assert_string_equal(json_text(e, "message"), "provided L2->L1 log index (7) does not exist; "
                                                 "there are only 1 L2->L1 logs in the transaction");
    json_decref(e);
    e = world_error(w, "zks_getL2ToL1LogProof",
                    world_format(w, "[\"%s\",0,\"messageRoot\"]", s.message[0]));
    assert_string_equal(json_text(e, "message"),
                        "messageRoot proofs need a batch settled on a Gateway");
    json_decref(e);
    world_close(w);
    /* before execution: null, whatever the index */
    s = open_scene(2);
    json_t *p =
        world_call(s.w, "zks_getL2ToL1LogProof", world_format(s.w, "[\"%s\",99]", s.message[3]));
    assert_true(json_is_null(p));
    json_decref(p);
    world_close(s.w);
}

static bool damage_root(struct store_txn *t, void *arg, struct err *err)
{
    struct batch_row row;
    struct rpc_world *w = arg;
    struct store_reader *r = store_reader_open_dir(w->dir, err);
    bool found, ok = r && batch_load(r, 1, &row, &found, err) && found;
    store_reader_close(r);
    row.number = 1;
    row.l2_logs_tree_root.b[0] ^= 1;
    ok = ok && batch_step_put(t, 1, BATCH_COMMIT, &(struct batch_step_row){ .done = false }, err);
    ok = ok && batch_put(t, &row, err);
    for (int step = 0; ok && step < 3; step++)
        ok = batch_step_put(t, 1, (enum batch_step)step, &(struct batch_step_row){ .done = true },
                            err);
    return ok;
}

static void test_a_log_proof_against_another_root_is_not_given_out(void **state)
{
    (void)state;
    struct scene s = open_scene(3);
    struct err err = { 0 };
    if (!store_write_sync(s.w->store, STORE_JOURNAL, damage_root, s.w, &err))
        fail_msg("%s", err.msg);
    json_t *e =
        world_error(s.w, "zks_getL2ToL1LogProof", world_format(s.w, "[\"%s\",0]", s.message[0]));
    assert_int_equal(json_integer_value(json_object_get(e, "code")), -32603);
    assert_non_null(strstr(json_text(e, "message"), "do not give its root"));
    json_decref(e);
    world_close(s.w);
}

static struct b256 walk_leaf(const json_t *leaf, const struct b256 *key)
{
    struct b256 value, zero = { { 0 } }, empty = blake2s_leaf(&zero, &zero, 0);
    decode32(&value, json_text(leaf, "value"));
    uint64_t index = (uint64_t)json_integer_value(json_object_get(leaf, "index"));
    struct b256 node =
        blake2s_leaf(key, &value, (uint64_t)json_integer_value(json_object_get(leaf, "nextIndex")));
    const json_t *siblings = json_object_get(leaf, "siblings");
    for (size_t d = 0; d < 64; d++, index >>= 1) {
        struct b256 sibling = empty;
        if (d < json_array_size(siblings))
            decode32(&sibling, json_string_value(json_array_get(siblings, d)));
        node = index & 1 ? blake2s_pair(&sibling, &node) : blake2s_pair(&node, &sibling);
        empty = blake2s_pair(&empty, &empty);
    }
    assert_int_equal(index, 0);
    return node;
}

static void test_storage_proofs_lead_to_the_stored_batch(void **state)
{
    (void)state;
    struct scene s = open_scene(3);
    struct rpc_world *w = s.w;
    char key[67];
    struct wallet k = wallet_of(1);
    struct b256 slot = addr_pad32(&k.addr);
    struct addr accounts = account_storage_addr();
    hex_encode0x(key, slot.b, 32);
    json_t *p = world_call(
        w, "zks_getProof",
        world_format(w, "[\"0x0000000000000000000000000000000000008003\",[\"%s\",\"0xfe\"],2]",
                     key));
    const json_t *proofs = json_object_get(p, "storageProofs"),
                 *c = json_object_get(p, "stateCommitmentPreimage"),
                 *v = json_object_get(p, "l1VerificationData");
    assert_int_equal(json_array_size(proofs), 2);
    const json_t *first = json_object_get(json_array_get(proofs, 0), "proof"),
                 *second = json_object_get(json_array_get(proofs, 1), "proof");
    assert_string_equal(json_text(first, "type"), "existing");
    assert_string_equal(json_text(second, "type"), "nonExisting");
    struct b256 flat = blake2s_flat_key(&accounts, &slot), root = walk_leaf(first, &flat), left,
                right, absent = b256_of_u64(0xfe);
    const json_t *l = json_object_get(second, "leftNeighbor"),
                 *r = json_object_get(second, "rightNeighbor");
    decode32(&left, json_text(l, "leafKey"));
    decode32(&right, json_text(r, "leafKey"));
    flat = blake2s_flat_key(&accounts, &absent);
    assert_true(memcmp(left.b, flat.b, 32) < 0 && memcmp(flat.b, right.b, 32) < 0);
    assert_int_equal(json_integer_value(json_object_get(l, "nextIndex")),
                     json_integer_value(json_object_get(r, "index")));
    struct b256 a = walk_leaf(l, &left), b = walk_leaf(r, &right);
    assert_true(b256_eq(&a, &root) && b256_eq(&b, &root));
    struct b256 last256;
    decode32(&last256, json_text(c, "last256BlockHashesBlake"));
    struct stored_batch st = { .number = 2,
                               .l1_tx_cnt = (uint64_t)json_integer_value(
                                   json_object_get(v, "numberOfLayer1Txs")) };
    st.state_commitment = batch_state_commitment(&root, json_quantity(c, "nextFreeSlot"),
                                                 json_quantity(c, "blockNumber"), &last256,
                                                 json_quantity(c, "lastBlockTimestamp"));
    decode32(&st.priority_ops_hash, json_text(v, "priorityOperationsHash"));
    decode32(&st.dependency_roots_hash, json_text(v, "dependencyRootsRollingHash"));
    decode32(&st.l2_logs_tree_root, json_text(v, "l2ToL1LogsRootHash"));
    decode32(&st.commitment, json_text(v, "commitment"));
    struct b256 hash = stored_batch_hash(&st);
    struct err err;
    struct batch_row row;
    bool found;
    struct store_reader *reader = store_reader_open(w->store, &err);
    assert_true(batch_load(reader, 2, &row, &found, &err) && found);
    assert_memory_equal(hash.b, row.stored_hash.b, 32);
    store_reader_close(reader);
    json_decref(p);
    /* the record behind the leaf */
    const char *addr = world_format(w, "0x%s", key + 26);
    const char *record =
        world_text(w, "zks_getAccountPreimage", world_format(w, "[\"%s\",2]", addr));
    uint8_t enc[ACCOUNT_RECORD_LEN];
    struct account_record rec;
    assert_true(hex_decode_exact(enc, sizeof(enc), record + 2, strlen(record) - 2) &&
                account_decode(&rec, bytes_of(enc, sizeof(enc))));
    assert_int_equal(rec.nonce, 2);
    world_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finality_moves_with_the_frontiers),
        cmocka_unit_test(test_what_does_not_exist_is_null),
        cmocka_unit_test(test_status_names_the_next_batch),
        cmocka_unit_test(test_details_for_explorers),
        cmocka_unit_test(test_log_proofs_fold_to_the_root_of_the_batch),
        cmocka_unit_test(test_a_log_proof_against_another_root_is_not_given_out),
        cmocka_unit_test(test_storage_proofs_lead_to_the_stored_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
