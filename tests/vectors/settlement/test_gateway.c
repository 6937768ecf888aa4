/* tests/vectors/settlement/test_gateway.c
 *
 * What a chain sends to its Gateway, against calls that the real v31 contracts accepted there: the vectors and the recorded life of chain 12. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "contracts-abi/gen/executor.h"
#include "contracts-abi/gen/migration.h"
#include "node/base/hash.h"
#include "node/base/hex.h"
#include "node/stf/batch.h"
#include "settlement/priority_tree.h"
#include "settlement/proto.h"

#define MAX_DATA (4u << 20)

static const char *folder;
static struct arena arena;

static json_t *load(const char *name)
{
    char path[4096];
    json_error_t e;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    json_t *j = json_load_file(path, 0, &e);
    if (!j)
        fail_msg("%s: %s", path, e.text);
    return j;
}

static const json_t *need(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    if (!v)
        fail_msg("no member %s", key);
    return v;
}

static void fixed(uint8_t *out, size_t len, const json_t *v)
{
    const char *s = json_string_value(v);
    assert_non_null(s);
    assert_true(hex_decode_exact(out, len, s, strlen(s)));
}

static struct b256 hash(const json_t *v)
{
    struct b256 h;
    fixed(h.b, 32, v);
    return h;
}

static struct bytes data(const json_t *v)
{
    const char *s = json_string_value(v);
    assert_non_null(s);
    size_t cap = strlen(s) / 2 + 1, len = 0;
    uint8_t *p = arena_alloc(&arena, cap);
    assert_true(p && hex_decode(p, cap, &len, s, strlen(s)));
    return bytes_of(p, len);
}

static uint64_t number(const json_t *v)
{
    if (json_is_integer(v))
        return (uint64_t)json_integer_value(v);
    struct u256 n;
    assert_true(u256_parse_dec(&n, json_string_value(v), strlen(json_string_value(v))));
    assert_true(u256_fits_u64(&n));
    return n.w[0];
}

static const struct b256 *hashes(const json_t *list, size_t *cnt)
{
    size_t i;
    const json_t *v;
    struct b256 *out = arena_alloc(&arena, (json_array_size(list) + 1) * sizeof(*out));
    assert_non_null(out);
    json_array_foreach(list, i, v) out[i] = hash(v);
    *cnt = json_array_size(list);
    return out;
}

static struct stored_batch stored(const json_t *o)
{
    return (struct stored_batch){ .number = number(need(o, "batchNumber")),
                                  .state_commitment = hash(need(o, "batchHash")),
                                  .l1_tx_cnt = number(need(o, "numberOfLayer1Txs")),
                                  .priority_ops_hash = hash(need(o, "priorityOperationsHash")),
                                  .dependency_roots_hash =
                                      hash(need(o, "dependencyRootsRollingHash")),
                                  .l2_logs_tree_root = hash(need(o, "l2LogsTreeRoot")),
                                  .commitment = hash(need(o, "commitment")) };
}

/* A log of either file: an object with names, or [shard, isService, txNumber, sender, key, value]. */
static const json_t *part(const json_t *v, size_t i, const char *key)
{
    const json_t *p = json_is_array(v) ? json_array_get(v, i) : json_object_get(v, key);
    if (!p)
        fail_msg("a log has no %s", key);
    return p;
}

static struct stf_l2_log log_of(const json_t *v, const json_t *messages, size_t *said)
{
    struct stf_l2_log l = { 0 };
    struct addr sender, messenger = addr_of_u32(0x8008);
    const json_t *service = part(v, 1, "isService");
    assert_int_equal(number(part(v, 0, "l2ShardId")), 0);
    assert_true(service && json_is_true(service));
    l.tx_number = (uint16_t)number(part(v, 2, "txNumberInBatch"));
    fixed(sender.b, 20, part(v, 3, "sender"));
    l.key = hash(part(v, 4, "key"));
    l.value = hash(part(v, 5, "value"));
    l.is_message = addr_eq(&sender, &messenger);
    if (l.is_message) {
        l.message = data(json_array_get(messages, (*said)++));
        struct b256 h = keccak256(l.message.p, l.message.len);
        assert_memory_equal(&h, &l.value, 32);
    }
    return l;
}

static void fill_logs(struct proto_execute_batch *b, const json_t *logs, const json_t *messages)
{
    size_t i, said = 0;
    const json_t *v;
    struct stf_l2_log *out = arena_alloc(&arena, (json_array_size(logs) + 1) * sizeof(*out));
    assert_non_null(out);
    json_array_foreach(logs, i, v) out[i] = log_of(v, messages, &said);
    assert_int_equal(said, json_array_size(messages));
    b->logs = out;
    b->log_cnt = json_array_size(logs);
}

static void fill_roots(struct proto_execute_batch *b, const json_t *list)
{
    size_t i;
    const json_t *v;
    struct stf_interop_root *out = arena_alloc(&arena, (json_array_size(list) + 1) * sizeof(*out));
    assert_non_null(out);
    json_array_foreach(list, i, v)
    {
        const json_t *block = json_object_get(v, "blockOrBatchNumber");
        assert_int_equal(json_array_size(need(v, "sides")), 1);
        out[i] = (struct stf_interop_root){ .chain_id = u256_of_u64(number(need(v, "chainId"))),
                                            .block_or_batch = u256_of_u64(
                                                number(block ? block : need(v, "block"))),
                                            .root = hash(json_array_get(need(v, "sides"), 0)) };
    }
    b->roots = out;
    b->root_cnt = json_array_size(list);
}

static void assert_written(struct buf *have, struct bytes want)
{
    assert_int_equal(have->len, want.len);
    assert_memory_equal(have->p, want.p, want.len);
    buf_clear(have);
}

static void check_execution(const struct proto_execute_batch *batches, size_t n,
                            const struct addr *payer, struct bytes want)
{
    struct addr chain;
    struct buf out;
    memcpy(chain.b, want.p + 16, 20);
    buf_init(&out, MAX_DATA);
    assert_true(settlement_proto_find(31)->execute(&out, &arena, &chain, batches, n, true, payer));
    assert_written(&out, want);
}

/* The batch root is made of exactly these logs: what the Gateway rebuilds. */
static void check_root(const struct proto_execute_batch *b)
{
    struct b256 leaves[16], scratch[16];
    assert_true(b->log_cnt <= 16);
    for (size_t i = 0; i < b->log_cnt; i++)
        leaves[i] = batch_l2_log_leaf(&b->logs[i]);
    struct b256 local = batch_logs_root(leaves, b->log_cnt, scratch);
    struct b256 root = keccak256_pair(&local, &b->multichain_root),
                empty = batch_empty_multichain_root(12);
    assert_memory_equal(&b->multichain_root, &empty, 32);
    assert_memory_equal(&root, &b->stored.l2_logs_tree_root, 32);
}

static void executions_with_logs_are_what_the_gateway_accepted(void **state)
{
    (void)state;
    json_t *j = load("vectors/settlement/gateway_v31.json");
    const json_t *v = need(j, "execute");
    struct proto_execute_batch batches[2] = { 0 };
    struct addr payer;
    assert_int_equal(json_array_size(need(v, "batches")), 2);
    for (size_t i = 0; i < 2; i++) {
        batches[i].stored = stored(json_array_get(need(v, "batches"), i));
        batches[i].multichain_root = hash(json_array_get(need(v, "multichainBatchRoots"), i));
        fill_logs(&batches[i], json_array_get(need(v, "logs"), i),
                  json_array_get(need(v, "messages"), i));
        check_root(&batches[i]);
    }
    fixed(payer.b, 20, need(v, "settlementFeePayer"));
    check_execution(batches, 2, &payer, data(need(v, "calldata")));
    json_decref(j);
}

static struct b256 rolling_hash(const struct proto_execute_batch *b)
{
    struct b256 h = { { 0 } };
    for (size_t i = 0; i < b->root_cnt; i++) {
        struct b256 words[4] = { h, u256_to_b256(&b->roots[i].chain_id),
                                 u256_to_b256(&b->roots[i].block_or_batch), b->roots[i].root };
        h = keccak256(words, sizeof(words));
    }
    return h;
}

static void executions_with_an_interop_root_are_what_the_gateway_accepted(void **state)
{
    (void)state;
    json_t *j = load("vectors/settlement/gateway_v31.json");
    const json_t *v = need(j, "executeWithInteropRoot");
    struct proto_execute_batch b = { .stored = stored(json_array_get(need(v, "batches"), 0)),
                                     .multichain_root = batch_empty_multichain_root(12) };
    struct bytes want = data(need(v, "calldata"));
    struct abi_v31_execute_batches_shared_bridge_call call;
    struct abi_v31_execute_data d;
    struct err err;
    fill_roots(&b, json_array_get(need(v, "dependencyRoots"), 0));
    struct b256 rolled = rolling_hash(&b), want_rolled = hash(need(v, "rollingHash"));
    assert_memory_equal(&rolled, &want_rolled, 32);
    assert_memory_equal(&rolled, &b.stored.dependency_roots_hash, 32);
    check_root(&b);
    /* the file does not name the payer */
    assert_true(abi_v31_decode_execute_batches_shared_bridge_call(want, &call, &arena, &err));
    struct bytes body = bytes_of(call.execute_data.p + 1, call.execute_data.len - 1);
    assert_true(abi_v31_decode_execute_data(body, &d, &arena, &err));
    check_execution(&b, 1, &d.settlement_fee_payer, want);
    json_decref(j);
}

static struct batch batch_of(const json_t *info, const struct stored_batch *s,
                             const struct b256 *upgrade)
{
    const json_t *scheme = json_object_get(info, "daCommitmentScheme");
    return (struct batch){ .stored = *s,
                           .chain_id = number(need(info, "chainId")),
                           .sl_chain_id = number(need(info, "slChainId")),
                           .first_block = number(need(info, "firstBlockNumber")),
                           .last_block = number(need(info, "lastBlockNumber")),
                           .first_timestamp = number(need(info, "firstBlockTimestamp")),
                           .last_timestamp = number(need(info, "lastBlockTimestamp")),
                           .l2_tx_cnt = number(need(info, "numberOfLayer2Txs")),
                           .da_scheme = (uint8_t)number(scheme ? scheme : need(info, "scheme")),
                           .da_commitment = hash(need(info, "daCommitment")),
                           .upgrade_tx_hash = *upgrade };
}

static void check_commit(const struct stored_batch *prev, const struct batch *b,
                         const json_t *input, struct bytes want)
{
    struct b256 output = batch_output_hash(b);
    struct addr chain;
    struct buf out;
    assert_memory_equal(&output, &b->stored.commitment, 32);
    memcpy(chain.b, want.p + 16, 20);
    buf_init(&out, MAX_DATA);
    assert_true(settlement_proto_find(31)->commit(&out, &chain, prev, b, data(input)));
    assert_written(&out, want);
}

static void commits_are_what_the_gateway_accepted(void **state)
{
    (void)state;
    json_t *j = load("vectors/settlement/gateway_v31.json");
    size_t i;
    const json_t *v;
    json_array_foreach(need(j, "commits"), i, v)
    {
        const json_t *info = need(v, "commitBatchInfo");
        const json_t *upgrade = json_object_get(v, "upgradeTxHash");
        struct b256 none = { { 0 } }, want_stored = hash(need(v, "storedHash"));
        struct stored_batch s = stored(need(v, "stored")), prev = stored(need(v, "prev"));
        if (json_is_string(upgrade))
            none = hash(upgrade);
        struct batch b = batch_of(info, &s, &none);
        struct b256 h = stored_batch_hash(&s);
        assert_int_equal(b.sl_chain_id, 11);
        assert_memory_equal(&h, &want_stored, 32);
        check_commit(&prev, &b, need(info, "operatorDAInput"), data(need(v, "calldata")));
    }
    assert_int_equal(i, 3);
    json_decref(j);
}

/* ---- the recorded life of chain 12 ---- */

static const json_t *step(const json_t *rec, const char *name)
{
    size_t i;
    const json_t *v;
    json_array_foreach(need(rec, "steps"), i, v)
    {
        if (strncmp(json_string_value(need(v, "name")), name, strlen(name)) == 0)
            return v;
    }
    fail_msg("no step %s", name);
    return NULL;
}

static struct stored_batch stored_step(const json_t *rec, const char *name)
{
    const json_t *v = step(rec, name);
    struct stored_batch s = stored(need(v, "stored"));
    struct b256 h = stored_batch_hash(&s), on_chain = hash(need(v, "onchain"));
    assert_memory_equal(&h, &on_chain, 32);
    return s;
}

static void check_proof(const json_t *rec, const char *name, const struct stored_batch *prev,
                        const struct stored_batch *b)
{
    struct bytes want = data(need(step(rec, name), "calldata"));
    struct b256 input = batch_public_input(&prev->state_commitment, b);
    struct u256 proof[4];
    struct addr chain;
    struct buf out;
    memcpy(chain.b, want.p + 16, 20);
    proto_mock_proof(proof, &input, 1); /* verifier version 0: the only one of the Gateway */
    buf_init(&out, MAX_DATA);
    assert_true(settlement_proto_find(31)->prove(&out, &arena, &chain, prev, b, 1, proof, 4));
    assert_written(&out, want);
}

/* Left and right paths over all operations that were relayed. */
static void fill_ops(struct proto_execute_batch *b, const json_t *list)
{
    struct priority_tree *t = priority_tree_create();
    size_t cnt = 0;
    unsigned depth = 0;
    struct b256 *left = arena_zalloc(&arena, PRIORITY_TREE_MAX_DEPTH * sizeof(*left));
    struct b256 *right = arena_zalloc(&arena, PRIORITY_TREE_MAX_DEPTH * sizeof(*right));
    const struct b256 *items = hashes(list, &cnt);
    assert_true(t && left && right);
    for (size_t i = 0; i < cnt; i++)
        assert_true(priority_tree_append(t, &items[i]));
    priority_tree_paths(t, 0, cnt, cnt, left, right, &depth);
    b->ops = (struct proto_priority_ops){
        .left = left, .right = right, .items = items, .depth = depth, .cnt = cnt
    };
    priority_tree_destroy(t);
}

static void chain_12_on_the_gateway_is_what_we_would_send(void **state)
{
    (void)state;
    json_t *rec = load("l1/records/chain12-gateway.json");
    struct stored_batch s1 = stored_step(rec, "stored batch 1"),
                        s2 = stored_step(rec, "stored batch 2");
    const json_t *c1 = step(rec, "commit batch 1"), *c2 = step(rec, "commit batch 2"),
                 *logs = need(rec, "logsBatch1");
    struct b256 upgrade = hash(need(rec, "upgradeTxHash")), none = { { 0 } };
    struct batch b1 = batch_of(need(c1, "batch"), &s1, &upgrade),
                 b2 = batch_of(need(c2, "batch"), &s2, &none);
    struct addr no_payer = { { 0 } };

    /* the genesis both layers start from is in the first commit itself */
    struct bytes want = data(need(c1, "calldata"));
    struct abi_v31_commit_batches_shared_bridge_call call;
    struct abi_v31_commit_data d;
    struct err err;
    assert_true(abi_v31_decode_commit_batches_shared_bridge_call(want, &call, &arena, &err));
    struct bytes body = bytes_of(call.commit_data.p + 1, call.commit_data.len - 1);
    assert_true(abi_v31_decode_commit_data(body, &d, &arena, &err));
    struct stored_batch genesis = stored_batch_genesis(&d.previous.batch_hash);
    check_commit(&genesis, &b1, need(need(c1, "batch"), "operatorDAInput"), want);
    check_commit(&s1, &b2, need(need(c2, "batch"), "operatorDAInput"), data(need(c2, "calldata")));
    check_proof(rec, "prove batch 1", &genesis, &s1);
    check_proof(rec, "prove batch 2", &s1, &s2);

    struct proto_execute_batch x1 = { .stored = s1 }, x2 = { .stored = s2 };
    x1.multichain_root = x2.multichain_root = hash(need(rec, "emptyMultichainBatchRoot"));
    fill_ops(&x1, need(rec, "priorityHashes"));
    fill_logs(&x1, need(logs, "logs"), need(logs, "messages"));
    check_root(&x1);
    check_execution(&x1, 1, &no_payer, data(need(step(rec, "execute batch 1"), "calldata")));
    fill_roots(&x2, need(c2, "dependencyRoots"));
    struct b256 rolled = rolling_hash(&x2);
    assert_memory_equal(&rolled, &s2.dependency_roots_hash, 32);
    check_root(&x2);
    check_execution(&x2, 1, &no_payer, data(need(step(rec, "execute batch 2"), "calldata")));
    json_decref(rec);
}

/* The question before a commit carries what the execution will carry. */
static void the_question_is_made_of_the_same_parts(void **state)
{
    (void)state;
    json_t *rec = load("l1/records/chain12-gateway.json");
    const json_t *logs = need(rec, "logsBatch1");
    struct proto_execute_batch b = { .stored = stored_step(rec, "stored batch 1"),
                                     .multichain_root =
                                         hash(need(rec, "emptyMultichainBatchRoot")) };
    struct addr payer = addr_of_u32(77);
    struct abi_v31_process_logs_and_messages_call c;
    struct err err;
    struct buf out;
    fill_logs(&b, need(logs, "logs"), need(logs, "messages"));
    buf_init(&out, MAX_DATA);
    assert_true(settlement_proto_find(31)->process_logs(&out, &arena, 12, &b, &payer));
    assert_int_equal(load_be32(out.p), 0x2153d9b8); /* vectors/interop/selectors.json */
    assert_true(
        abi_v31_decode_process_logs_and_messages_call(bytes_of(out.p, out.len), &c, &arena, &err));
    assert_int_equal(c.input.logs.cnt, b.log_cnt);
    assert_int_equal(c.input.messages.cnt, 1);
    assert_int_equal(c.input.chain_id.w[0], 12);
    assert_int_equal(c.input.batch_number.w[0], 1);
    assert_memory_equal(&c.input.chain_batch_root, &b.stored.l2_logs_tree_root, 32);
    assert_memory_equal(&c.input.multichain_batch_root, &b.multichain_root, 32);
    assert_memory_equal(&c.input.settlement_fee_payer, &payer, 20);
    buf_clear(&out);
    json_decref(rec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commits_are_what_the_gateway_accepted),
        cmocka_unit_test(executions_with_logs_are_what_the_gateway_accepted),
        cmocka_unit_test(executions_with_an_interop_root_are_what_the_gateway_accepted),
        cmocka_unit_test(chain_12_on_the_gateway_is_what_we_would_send),
        cmocka_unit_test(the_question_is_made_of_the_same_parts),
    };
    folder = getenv("GH_SHARED");
    char probe[4096];
    snprintf(probe, sizeof(probe), "%s/vectors/settlement/gateway_v31.json", folder ? folder : "");
    FILE *f = fopen(probe, "r");
    if (!f) {
        puts("SKIP: Gateway vectors (recorded data folder absent)");
        return 77;
    }
    fclose(f);
    arena_init_growing(&arena, 1u << 20, 512u << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_clear(&arena);
    return failed;
}
