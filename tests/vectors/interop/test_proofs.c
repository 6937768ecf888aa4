/* tests/vectors/interop/test_proofs.c
 *
 * Proofs of messages, word for word as those that the contracts accepted, and every rejection of theirs
 * (vectors/interop/gateway_proofs.json, l1/records/gateway-proof.json, interop-proof.json, chain12-gateway.json). */
#include "tests/vectors/interop/vectors.h"

#include "interop/message_proof.h"
#include "node/base/hash.h"

#define GATEWAY 506u
#define CHAIN_A 6565u

static json_t *vectors, *chain12, *gateway_record, *interop_record;

/* ---- batches from their recorded logs ---- */

static struct b256 leaf_of(uint64_t tx_number, const struct b256 *sender, const struct b256 *key,
                           const struct b256 *value)
{
    uint8_t packed[88] = { 0, 1, (uint8_t)(tx_number >> 8), (uint8_t)tx_number };
    memcpy(packed + 4, sender->b + 12, 20);
    memcpy(packed + 24, key->b, 32);
    memcpy(packed + 56, value->b, 32);
    return keccak256(packed, sizeof(packed));
}

static struct log_tree *tree_of(const json_t *batch)
{
    struct b256 leaves[64];
    const json_t *log;
    size_t i;
    assert_true(json_array_size(json_need(batch, "logs")) <= GH_COUNT(leaves));
    json_array_foreach(json_need(batch, "logs"), i, log)
    {
        struct addr sender = json_addr(json_need(log, "sender"));
        struct b256 from = addr_pad32(&sender), key = json_b256(json_need(log, "key")),
                    value = json_b256(json_need(log, "value")),
                    want = json_b256(json_array_get(json_need(batch, "leaves"), i));
        leaves[i] = leaf_of(json_u64(json_need(log, "txNumberInBatch")), &from, &key, &value);
        assert_hash(&leaves[i], &want);
    }
    struct log_tree *t = log_tree_create(leaves, i);
    struct b256 root = log_tree_root(t), want = json_b256(json_need(batch, "localLogsRoot"));
    assert_hash(&root, &want);
    return t;
}

static struct message_root *gateway(void)
{
    struct message_root *m = message_root_create(GATEWAY);
    struct err err = { .kind = ERR_NONE };
    const json_t *step, *event;
    size_t i, k;
    json_array_foreach(json_need(vectors, "gateway_steps"), i, step)
    {
        uint64_t block = json_u64(json_need(step, "block"));
        json_array_foreach(json_need(step, "events"), k, event)
        {
            const char *text = json_string_value(json_need(event, "decoded"));
            const json_t *topics = json_need(event, "topics");
            struct b256 a = json_b256(json_array_get(topics, 1)),
                        b = json_array_size(topics) > 2 ? json_b256(json_array_get(topics, 2)) : a;
            uint64_t chain = load_be64(a.b + 24), n = load_be64(b.b + 24);
            if (strncmp(text, "AddedChain", 10) == 0) {
                assert_true(message_root_add_chain(m, block, chain, n, &err));
            } else if (strncmp(text, "AppendedChainBatchRoot", 22) == 0) {
                struct b256 root = json_b256(json_need(event, "data"));
                assert_true(message_root_append(m, block, chain, n, &root, &err));
            }
        }
    }
    return m;
}

static const json_t *batch_of(const char *chain, const char *number)
{
    return json_need(json_need(json_need(vectors, "batches"), chain), number);
}

static struct message_claim claim_of(uint64_t chain, uint64_t batch, const json_t *j,
                                     const struct log_tree *t, uint64_t index)
{
    return (struct message_claim){ .chain = chain,
                                   .batch = batch,
                                   .logs = t,
                                   .index = (size_t)index,
                                   .multichain_root = json_b256(json_need(j, "aggregatedRoot")),
                                   .batch_root = json_b256(json_need(j, "l2LogsTreeRoot")) };
}

static void assert_words(const struct message_proof *p, const json_t *want)
{
    assert_int_equal(p->cnt, json_array_size(want));
    for (size_t i = 0; i < p->cnt; i++) {
        struct b256 w = json_b256(json_array_get(want, i));
        if (!b256_eq(&w, &p->words[i]))
            fail_msg("word %zu differs", i);
    }
}

/* ---- building ---- */

static void proofs_for_other_chains_are_the_contracts(void **state)
{
    (void)state;
    struct message_root *m = gateway();
    const json_t *a2 = batch_of("6565", "2"),
                 *list = json_need(json_need(vectors, "proofs"), "messageRoot"), *e;
    struct b256 root = json_b256(json_need(vectors, "interopRootAtX"));
    uint64_t x = json_u64(json_need(vectors, "X"));
    struct log_tree *t = tree_of(a2);
    const char *name;
    json_object_foreach(json_unconst(list), name, e)
    {
        struct message_claim c = claim_of(CHAIN_A, 2, a2, t, json_u64(json_need(e, "index")));
        struct message_root_path path;
        struct message_proof p;
        struct err err = { .kind = ERR_NONE };
        const json_t *meta = json_need(e, "meta");
        assert_true(message_root_prove(m, CHAIN_A, 2, x, &path));
        assert_int_equal(path.index, json_u64(json_need(meta, "chainIndex")));
        assert_int_equal(path.position, json_u64(json_need(meta, "batchLeafIndex")));
        struct b256 chain_root = json_b256(json_need(meta, "chainRoot"));
        assert_hash(&path.chain_root, &chain_root);
        assert_hash(&path.root, &root);
        assert_true(message_proof_messages(&p, &c, &path, GATEWAY, x, &root, &err));
        assert_words(&p, json_need(e, "proof"));
        /* not given out when the settlement layer has another root */
        struct b256 other = root;
        other.b[0] ^= 1;
        assert_false(message_proof_messages(&p, &c, &path, GATEWAY, x, &other, &err));
        assert_int_equal(err.kind, ERR_DIVERGED);
    }
    log_tree_destroy(t);
    message_root_destroy(m);
}

/* Any later block's root proves the batch as well. */
static void a_later_block_proves_it_too(void **state)
{
    (void)state;
    struct message_root *m = gateway();
    const json_t *a2 = batch_of("6565", "2");
    struct log_tree *t = tree_of(a2);
    struct message_claim c = claim_of(CHAIN_A, 2, a2, t, 2);
    struct message_root_path path;
    struct message_proof p;
    struct err err = { .kind = ERR_NONE };
    struct b256 root =
        json_b256(json_need(json_need(vectors, "gatewayBatch"), "aggregatedRootAtLastBlock"));
    assert_false(message_root_prove(m, CHAIN_A, 2, 6, &path)); /* not yet there */
    assert_true(message_root_prove(m, CHAIN_A, 2, 8, &path));
    assert_true(message_proof_messages(&p, &c, &path, GATEWAY, 8, &root, &err));
    log_tree_destroy(t);
    message_root_destroy(m);
}

static void a_proof_for_l1_through_the_gateway_is_the_contracts(void **state)
{
    (void)state;
    struct message_root *m = gateway();
    const json_t *a2 = batch_of("6565", "2"), *gb = json_need(vectors, "gatewayBatch"),
                 *e = json_need(json_need(json_need(vectors, "proofs"), "l1BatchRoot"),
                                "message_index2");
    struct b256 logs_root = json_b256(json_need(gb, "localLogsRoot")),
                root = json_b256(json_need(gb, "l2LogsTreeRoot"));
    struct log_tree *t = tree_of(a2);
    struct message_claim c = claim_of(CHAIN_A, 2, a2, t, 2);
    struct message_root_path path;
    struct message_proof p;
    struct err err = { .kind = ERR_NONE };
    assert_true(message_root_prove(m, CHAIN_A, 2, json_u64(json_need(gb, "lastBlock")), &path));
    assert_true(message_proof_l1(&p, &c, &path, GATEWAY, 1, &logs_root, &root, &err));
    assert_words(&p, json_need(e, "proof"));
    assert_false(message_proof_l1(&p, &c, &path, GATEWAY, 1, &root, &root, &err));
    log_tree_destroy(t);
    message_root_destroy(m);
}

static void direct_proofs_are_the_contracts(void **state)
{
    (void)state;
    const json_t *c1 = batch_of("6567", "1"),
                 *d = json_need(json_need(vectors, "proofs"), "direct_L1");
    struct message_proof p;
    struct err err = { .kind = ERR_NONE };
    /* batch_6567_direct is the batch as it was sent to L1 */
    json_t *direct =
        json_copy(json_unconst(json_need(json_need(vectors, "proofs"), "batch_6567_direct")));
    assert_int_equal(json_object_set(direct, "leaves", json_unconst(json_need(c1, "leaves"))), 0);
    json_object_set(direct, "aggregatedRoot", json_unconst(json_need(c1, "aggregatedRoot")));
    struct log_tree *t = tree_of(direct);
    struct message_claim c = claim_of(6567, 1, direct, t, 1);
    assert_true(message_proof_direct(&p, &c, &err));
    assert_words(&p, json_need(d, "proof"));
    c.index = 0;
    assert_true(message_proof_direct(&p, &c, &err));
    assert_words(&p, json_need(json_need(d, "failed_deposit"), "proof"));
    log_tree_destroy(t);
    json_decref(direct);

    const json_t *g = json_need(json_need(vectors, "proofs"), "gateway_own_message"),
                 *gb = json_need(vectors, "gatewayBatch");
    t = tree_of(gb);
    c = (struct message_claim){ .chain = GATEWAY,
                                .batch = 1,
                                .logs = t,
                                .index = 1,
                                .multichain_root =
                                    json_b256(json_need(gb, "aggregatedRootAtLastBlock")),
                                .batch_root = json_b256(json_need(gb, "l2LogsTreeRoot")) };
    assert_true(message_proof_direct(&p, &c, &err));
    assert_words(&p, json_need(g, "proof"));
    log_tree_destroy(t);
}

/* ---- checking ---- */

struct words {
    struct b256 w[300];
    size_t cnt;
};

static enum proof_fault walk(struct proof_end *end, uint64_t chain, uint64_t batch, uint64_t index,
                             const struct b256 *leaf, const struct words *p)
{
    struct b256 c = b256_of_u64(chain), b = b256_of_u64(batch), i = b256_of_u64(index);
    return message_proof_walk(end, &c, &b, &i, leaf, p->w, p->cnt);
}

static bool leads(uint64_t chain, uint64_t batch, uint64_t index, const struct b256 *leaf,
                  const struct words *p, const struct b256 *root)
{
    struct proof_end end;
    return walk(&end, chain, batch, index, leaf, p) == PROOF_OK && b256_eq(&end.root, root);
}

/* Each row of onchain_results that is about words, with the fault that the contract named. */
static void what_the_contract_rejects_is_rejected(void **state)
{
    (void)state;
    const json_t *a2 = batch_of("6565", "2"), *results = json_need(vectors, "onchain_results"),
                 *e = json_need(json_need(json_need(vectors, "proofs"), "messageRoot"),
                                "message_index2");
    struct b256 root = json_b256(json_need(vectors, "interopRootAtX")),
                leaf = json_b256(json_array_get(json_need(a2, "leaves"), 2)), other_leaf,
                no_log = { { 0 } };
    static const uint8_t zeros[88] = { 0 };
    static struct words good, bad;
    struct proof_end end;
    words_of(good.w, GH_COUNT(good.w), &good.cnt, json_need(e, "proof"));

    assert_true(json_is_true(json_need(results, "message_true")));
    assert_int_equal(walk(&end, CHAIN_A, 2, 2, &leaf, &good), PROOF_OK);
    assert_hash(&end.root, &root);
    assert_true(end.nested && load_be64(end.chain.b + 24) == GATEWAY &&
                load_be64(end.number.b + 24) == 7);
    struct b256 batch_root = json_b256(json_need(a2, "l2LogsTreeRoot"));
    assert_hash(&end.batch_root, &batch_root);

    const json_t *log = json_array_get(json_need(a2, "logs"), 2);
    struct addr sender = json_addr(json_need(log, "sender"));
    struct b256 from = addr_pad32(&sender), key = json_b256(json_need(log, "key")),
                value = json_b256(json_need(log, "value"));
    other_leaf = leaf_of(1, &from, &key, &value);
    assert_true(json_is_false(json_need(results, "wrong_txNumberInBatch")));
    assert_false(leads(CHAIN_A, 2, 2, &other_leaf, &good, &root));
    assert_true(json_is_false(json_need(results, "wrong_index")));
    assert_false(leads(CHAIN_A, 2, 1, &leaf, &good, &root));
    assert_true(json_is_false(json_need(results, "wrong_batch")));
    assert_false(leads(CHAIN_A, 3, 2, &leaf, &good, &root));
    assert_true(json_is_false(json_need(results, "wrong_chain")));
    assert_false(leads(6566, 2, 2, &leaf, &good, &root));

    assert_string_equal(json_string_value(json_need(results, "metadata_version_2")),
                        "revert 0x79274f04");
    bad = good;
    bad.w[0].b[0] = 2;
    assert_int_equal(walk(&end, CHAIN_A, 2, 2, &leaf, &bad), PROOF_VERSION);
    bad = good;
    bad.w[0].b[3] = 1;
    assert_int_equal(walk(&end, CHAIN_A, 2, 2, &leaf, &bad), PROOF_FINAL_LEN);
    bad.cnt = 0;
    assert_int_equal(walk(&end, CHAIN_A, 2, 2, &leaf, &bad), PROOF_EMPTY);
    assert_int_equal(walk(&end, CHAIN_A, 2, 1u << 15, &leaf, &good), PROOF_INDEX);
    no_log = keccak256(zeros, sizeof(zeros));
    assert_int_equal(walk(&end, CHAIN_A, 2, 2, &no_log, &good), PROOF_NO_LOG);
    bad = good;
    bad.w[21].b[3] = 0; /* the nested level is not final */
    bad.w[21].b[2] = 0;
    memset(bad.w + good.cnt, 0, 3 * sizeof(bad.w[0]));
    bad.cnt = good.cnt + 3;
    assert_int_equal(walk(&end, CHAIN_A, 2, 2, &leaf, &bad), PROOF_DEPTH);
    for (size_t n = 1; n < good.cnt; n++) { /* cut anywhere */
        bad = good;
        bad.cnt = n;
        enum proof_fault f = walk(&end, CHAIN_A, 2, 2, &leaf, &bad);
        assert_true(f == PROOF_SHORT || f == PROOF_EMPTY);
    }
    for (size_t n = 0; n < good.cnt; n++) { /* one bit anywhere */
        bad = good;
        bad.w[n].b[31] ^= 1;
        assert_false(leads(CHAIN_A, 2, 2, &leaf, &bad, &root) &&
                     walk(&end, CHAIN_A, 2, 2, &leaf, &bad) == PROOF_OK &&
                     load_be64(end.chain.b + 24) == GATEWAY);
    }

    /* the two targets are not interchangeable */
    struct b256 l1_root =
        json_b256(json_need(json_need(vectors, "gatewayBatch"), "l2LogsTreeRoot"));
    assert_true(json_is_false(json_need(results, "l1_messageRoot_proof_used_on_l1")));
    assert_false(leads(CHAIN_A, 2, 2, &leaf, &good, &l1_root));
    words_of(good.w, GH_COUNT(good.w), &good.cnt,
             json_need(json_need(json_need(json_need(vectors, "proofs"), "l1BatchRoot"),
                                 "message_index2"),
                       "proof"));
    assert_true(json_is_true(json_need(results, "l1_via_gateway_true")));
    assert_true(leads(CHAIN_A, 2, 2, &leaf, &good, &l1_root));
    assert_true(json_is_false(json_need(results, "l2_l1BatchRoot_proof_used_on_l2")));
    assert_false(leads(CHAIN_A, 2, 2, &leaf, &good, &root));
}

static void the_older_form_is_accepted(void **state)
{
    (void)state;
    const json_t *d = json_need(json_need(vectors, "proofs"), "direct_L1"),
                 *c1 = batch_of("6567", "1");
    struct b256 leaf = json_b256(json_array_get(json_need(c1, "leaves"), 1)),
                root = json_b256(
                    json_need(json_need(json_need(vectors, "proofs"), "batch_6567_direct"),
                              "l2LogsTreeRoot"));
    static struct words p;
    words_of(p.w, GH_COUNT(p.w), &p.cnt, json_need(d, "proof_old_format"));
    assert_true(json_is_true(
        json_need(json_need(vectors, "onchain_results"), "l1_direct_old_format_true")));
    assert_true(leads(6567, 1, 1, &leaf, &p, &root));
    p.w[0].b[31] ^= 1;
    assert_false(leads(6567, 1, 1, &leaf, &p, &root));
}

/* ---- the recorded run on the real L1 and its Gateway ---- */

static struct log_tree *logs_of_chain12(void)
{
    struct b256 leaves[64];
    const json_t *list = json_need(json_need(chain12, "logsBatch1"), "logs"), *log;
    size_t i;
    json_array_foreach(list, i, log)
    {
        struct addr sender = json_addr(json_array_get(log, 3));
        struct b256 from = addr_pad32(&sender), key = json_b256(json_array_get(log, 4)),
                    value = json_b256(json_array_get(log, 5));
        leaves[i] = leaf_of(json_u64(json_array_get(log, 2)), &from, &key, &value);
    }
    return log_tree_create(leaves, i);
}

/* Chains 12, 13 and 14 on the Gateway 11; batch 1 of chain 12 in the recorded block, batch 2 after it. */
static struct message_root *recorded_gateway(uint64_t block)
{
    struct message_root *m = message_root_create(11);
    struct err err = { .kind = ERR_NONE };
    const json_t *step, *log;
    size_t i, k;
    for (uint64_t c = 12; c <= 14; c++)
        assert_true(message_root_add_chain(m, 1, c, c - 11, &err));
    json_array_foreach(json_need(chain12, "steps"), i, step)
    {
        if (!json_object_get(step, "logs"))
            continue;
        json_array_foreach(json_need(step, "logs"), k, log)
        {
            const char *name = json_string_value(json_need(log, "name"));
            const json_t *topics = json_need(log, "topics");
            uint64_t at = json_u64(json_need(step, "block"));
            if (strcmp(name, "AppendedChainBatchRoot") == 0 && at <= block) {
                struct b256 batch = json_b256(json_array_get(topics, 2)),
                            root = json_b256(json_need(log, "data"));
                assert_true(message_root_append(m, at, 12, load_be64(batch.b + 24), &root, &err));
            } else if (strcmp(name, "NewInteropRoot") == 0 && at <= block) {
                struct bytes data = bytes_of_hex(json_need(log, "data"));
                struct b256 root = message_root_at(m, UINT64_MAX);
                assert_memory_equal(data.p + 64, root.b, 32);
                bytes_free(data);
            }
        }
    }
    return m;
}

static struct message_claim claim12(const struct log_tree *t)
{
    struct b256 agg = json_b256(json_need(chain12, "emptyMultichainBatchRoot")),
                logs = log_tree_root(t);
    return (struct message_claim){ .chain = 12,
                                   .batch = 1,
                                   .logs = t,
                                   .index = 6,
                                   .multichain_root = agg,
                                   .batch_root = keccak256_pair(&logs, &agg) };
}

static void the_proof_that_l1_accepted_is_ours(void **state)
{
    (void)state;
    struct message_root *m = recorded_gateway(UINT64_MAX);
    struct log_tree *t = logs_of_chain12();
    struct message_claim c = claim12(t);
    const json_t *gb = json_need(gateway_record, "gatewayBatch"),
                 *r = json_need(gateway_record, "results");
    struct b256 logs_root = json_b256(json_need(gb, "localRoot")),
                root = json_b256(json_need(gb, "onL1")),
                agg = json_b256(json_need(gb, "aggregatedRoot"));
    struct message_root_path path;
    struct message_proof p;
    struct err err = { .kind = ERR_NONE };
    assert_true(message_root_prove(m, 12, 1, UINT64_MAX, &path));
    assert_hash(&path.root, &agg);
    assert_true(message_proof_l1(&p, &c, &path, 11, 1, &logs_root, &root, &err));
    assert_words(&p, json_need(gateway_record, "proof"));
    /* the variants that L1 refused */
    static struct words w;
    struct b256 leaf = *log_tree_leaf(t, 6), five = b256_of_u64(5);
    words_of(w.w, GH_COUNT(w.w), &w.cnt, json_need(gateway_record, "proof"));
    assert_true(json_is_true(json_need(r, "good")) && leads(12, 1, 6, &leaf, &w, &root));
    assert_true(json_is_false(json_need(r, "otherMessage")) &&
                !leads(12, 1, 6, log_tree_leaf(t, 5), &w, &root));
    assert_true(json_is_false(json_need(r, "wrongBatch")) && !leads(12, 2, 6, &leaf, &w, &root));
    w.w[3] = five;
    assert_true(json_is_false(json_need(r, "brokenSibling")) && !leads(12, 1, 6, &leaf, &w, &root));
    struct proof_end end;
    words_of(w.w, GH_COUNT(w.w), &w.cnt, json_need(gateway_record, "proof"));
    w.w[19] = b256_of_u64(13); /* leads to a layer that is not the chain's */
    assert_true(walk(&end, 12, 1, 6, &leaf, &w) == PROOF_OK && load_be64(end.chain.b + 24) == 13);
    log_tree_destroy(t);
    message_root_destroy(m);
}

static void the_proof_that_chain_13_accepted_is_ours(void **state)
{
    (void)state;
    const json_t *ir = json_need(interop_record, "interopRoot"),
                 *r = json_need(interop_record, "results");
    uint64_t block = json_u64(json_need(ir, "blockNumber"));
    struct message_root *m = recorded_gateway(UINT64_MAX);
    struct log_tree *t = logs_of_chain12();
    struct message_claim c = claim12(t);
    struct b256 root = json_b256(json_need(ir, "root")), leaf = *log_tree_leaf(t, 6);
    struct message_root_path path;
    struct message_proof p;
    struct err err = { .kind = ERR_NONE };
    static struct words w;
    assert_true(message_root_prove(m, 12, 1, block, &path));
    assert_true(message_proof_messages(&p, &c, &path, 11, block, &root, &err));
    assert_words(&p, json_need(interop_record, "proof"));
    words_of(w.w, GH_COUNT(w.w), &w.cnt, json_need(interop_record, "proof"));
    assert_true(json_is_true(json_need(r, "good")) && leads(12, 1, 6, &leaf, &w, &root));
    assert_true(json_is_false(json_need(r, "otherMessage")) &&
                !leads(12, 1, 6, log_tree_leaf(t, 0), &w, &root));
    w.w[w.cnt - 1] = b256_of_u64(5);
    assert_true(json_is_false(json_need(r, "brokenPath")) && !leads(12, 1, 6, &leaf, &w, &root));
    log_tree_destroy(t);
    message_root_destroy(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proofs_for_other_chains_are_the_contracts),
        cmocka_unit_test(a_later_block_proves_it_too),
        cmocka_unit_test(a_proof_for_l1_through_the_gateway_is_the_contracts),
        cmocka_unit_test(direct_proofs_are_the_contracts),
        cmocka_unit_test(what_the_contract_rejects_is_rejected),
        cmocka_unit_test(the_older_form_is_accepted),
        cmocka_unit_test(the_proof_that_l1_accepted_is_ours),
        cmocka_unit_test(the_proof_that_chain_13_accepted_is_ours),
    };
    if (!recorded_present("interop vectors"))
        return 77;
    vectors = vectors_load("vectors/interop/gateway_proofs.json");
    chain12 = vectors_load("l1/records/chain12-gateway.json");
    gateway_record = vectors_load("l1/records/gateway-proof.json");
    interop_record = vectors_load("l1/records/interop-proof.json");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(vectors);
    json_decref(chain12);
    json_decref(gateway_record);
    json_decref(interop_record);
    return failed;
}
