/* tests/vectors/execution/reference_blocks.c
 *
 * Blocks executed by a production build of the v0.3 line: executed again from their pre-state, everything they committed to
 * must come out: header hash, transactions root, pubdata, tree root, leaf count, state commitment. */
#include "tests/vectors/execution/vector_json.h"

#include "node/base/hash.h"
#include "node/crypto/crypto.h"
#include "node/stf/batch.h"

static void load_state(struct world *w, const json_t *block)
{
    const json_t *pre = json_need(block, "pre");
    const json_t *leaves = json_need(pre, "leaves"), *images = json_need(pre, "preimages");
    for (size_t i = 0; i < json_array_size(leaves); i++) {
        const json_t *leaf = json_array_get(leaves, i);
        struct b256 key = vector_b256(leaf, "key"), value = vector_b256(leaf, "value");
        assert_int_equal(vector_u64(leaf, "index"), i);
        world_put(w, &key, &value);
    }
    for (size_t i = 0; i < json_array_size(images); i++) {
        const json_t *image = json_array_get(images, i);
        struct b256 hash = vector_b256(image, "hash");
        world_put_preimage(w, &hash, vector_bytes(w, image, "bytes"));
    }
    struct b256 root = world_tree_root(w);
    assert_b256(root, vector_b256(block, "tree_root_before"));
}

static struct stf_block_context load_context(const json_t *block)
{
    const json_t *b = json_need(block, "block"), *h = json_need(block, "native_header");
    struct stf_block_context c = world_context();
    c.chain_id = vector_u64(block, "chain_id");
    c.number = vector_u64(b, "number");
    c.timestamp = vector_u64(b, "timestamp");
    c.base_fee = vector_u256(b, "base_fee");
    c.native_price = U256_ONE;
    c.gas_limit = vector_u64(b, "gas_limit");
    c.coinbase = vector_addr(b, "coinbase");
    c.block_hashes[255] = vector_b256(h, "parent_hash");
    return c;
}

static void run_tx(struct world *w, struct stf_block *b, const json_t *recorded)
{
    struct stf_tx *tx = arena_zalloc(&w->arena, sizeof *tx);
    struct stf_tx_result result;
    assert_non_null(tx);
    struct bytes raw = vector_bytes(w, recorded, "signed");
    assert_int_equal(tx_decode(tx, raw, &w->arena), STF_OK);
    enum stf_verdict v = stf_tx_run(b, tx, &result);
    if (v != STF_INCLUDED)
        fail_msg("%s", stf_error_name(result.fault.code));
    assert_int_equal(result.gas_used, vector_u64(recorded, "gas_used"));
    assert_int_equal(result.success, !json_is_true(json_need(recorded, "failed")));
}

static void check_outcome(struct world *w, const json_t *block, const struct stf_block_context *c,
                          const struct stf_block_output *out)
{
    const json_t *h = json_need(block, "native_header");
    assert_int_equal(out->header.gas_used, vector_u64(h, "gas_used"));
    assert_b256(out->header.transactions_root, vector_b256(h, "transactions_root"));
    assert_b256(out->block_hash, vector_b256(block, "block_header_hash"));
    assert_bytes(out->pubdata, vector_bytes(w, block, "pubdata"));
    world_apply(w, out);
    struct b256 root = world_tree_root(w);
    assert_b256(root, vector_b256(block, "tree_root_after"));
    assert_int_equal(w->leaf_cnt, vector_u64(block, "leaf_count_after"));
    struct b256 last256 = batch_last_256_hashes(c->block_hashes, &out->block_hash);
    struct b256 commitment =
        batch_state_commitment(&root, w->leaf_cnt, c->number, &last256, c->timestamp);
    assert_b256(commitment, vector_b256(block, "native_state_after"));
}

static void run_block(const json_t *block)
{
    struct world w;
    world_init(&w);
    load_state(&w, block);
    struct stf_block_context c = load_context(block);
    struct stf_options options = { .verify_signatures = true, .unlimited_native = true };
    struct stf_fault fault;
    struct stf_block *b = stf_block_begin(&w.arena, stf_rules_zksync_os_v31(), &c, &w.oracle,
                                          crypto_host(), &options, &fault);
    assert_non_null(b);
    const json_t *txs = json_need(block, "txs");
    for (size_t i = 0; i < json_array_size(txs); i++)
        run_tx(&w, b, json_array_get(txs, i));
    struct stf_block_output out;
    assert_true(stf_block_end(b, &out, &fault));
    check_outcome(&w, block, &c, &out);
    world_clear(&w);
}

static void test_reference_blocks(void **state)
{
    (void)state;
    json_t *j = vectors_load("vectors/state/reference_blocks_v31.json");
    const json_t *blocks = json_need(j, "blocks");
    assert_int_equal(json_array_size(blocks), 5);
    for (size_t i = 0; i < json_array_size(blocks); i++) {
        print_message("block %s\n", vector_text(json_array_get(blocks, i), "name"));
        run_block(json_array_get(blocks, i));
    }
    json_decref(j);
}

int main(void)
{
    if (!recorded_present("reference blocks"))
        return 77;
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_reference_blocks) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
