/* tests/vectors/execution/genesis_upgrade.c
 *
 * Block 1 of a real chain: the genesis upgrade transaction of the recorded L1 on the v31 genesis gives the recorded logs and
 * storage (recorded on a plain EVM, so hooks and gas apart); then the service transaction that follows it, deposits,
 * and the hashes of every recorded priority request. */
#include "tests/vectors/execution/vector_json.h"

#include "node/base/hash.h"
#include "node/crypto/crypto.h"
#include "node/stf/batch.h"

/* The tuple at the offset in head word `slot` of an event's data, as an envelope. */
static struct bytes envelope_of_log(struct world *w, const json_t *log, uint8_t type,
                                    unsigned tx_slot, unsigned deps_slot)
{
    struct bytes data = vector_bytes(w, log, "data");
    struct u256 from = u256_of_be32(data.p + 32 * (size_t)tx_slot);
    struct u256 to = u256_of_be32(data.p + 32 * (size_t)deps_slot);
    size_t len = (size_t)(to.w[0] - from.w[0]);
    uint8_t *out = arena_alloc(&w->arena, 1 + len);
    assert_non_null(out);
    out[0] = type;
    memcpy(out + 1, data.p + from.w[0], len);
    return bytes_of(out, 1 + len);
}

static void load_genesis(struct world *w)
{
    json_t *j = vectors_load("l1/l2-genesis-v31.json");
    const char *name, *slot;
    json_t *account, *value;
    json_object_foreach(json_need(j, "alloc"), name, account)
    {
        struct addr a = world_addr(name);
        struct u256 balance = vector_u256(account, "balance");
        world_set_account(w, &a, vector_u64(account, "nonce"), &balance,
                          vector_bytes(w, account, "code"));
        json_object_foreach(json_object_get(account, "storage"), slot, value)
        {
            struct b256 s = world_b256(slot), v = world_b256(json_string_value(value));
            world_set_slot(w, &a, &s, &v);
        }
    }
    world_sort_leaves(w);
    assert_int_equal(w->leaf_cnt, 79);
    struct b256 root = world_tree_root(w);
    struct stf_block_context c = { 0 };
    struct b256 genesis_hash =
        world_b256("ef97917ce9bd9fa7d12ad6a8d81ea26c80ac1d727acc37cbb9799ae199788dc5");
    struct b256 last256 = batch_last_256_hashes(c.block_hashes, &genesis_hash);
    struct b256 commitment = batch_state_commitment(&root, 79, 0, &last256, 0);
    assert_b256(commitment, vector_b256(j, "genesisRoot"));
    json_decref(j);
}

static struct stf_block_context block_1_context(uint64_t chain_id)
{
    struct stf_block_context c = world_context();
    c.chain_id = chain_id;
    c.timestamp = 1700000000;
    c.block_hashes[255] =
        world_b256("ef97917ce9bd9fa7d12ad6a8d81ea26c80ac1d727acc37cbb9799ae199788dc5");
    return c;
}

static struct stf_block *begin(struct world *w, const struct stf_block_context *c)
{
    struct stf_options options = { .verify_signatures = true };
    struct stf_fault fault;
    struct stf_block *b = stf_block_begin(&w->arena, stf_rules_zksync_os_v31(), c, &w->oracle,
                                          crypto_host(), &options, &fault);
    assert_non_null(b);
    return b;
}

static struct stf_tx_result run(struct world *w, struct stf_block *b, struct bytes envelope,
                                const struct b256 *hash)
{
    struct stf_tx *tx = arena_zalloc(&w->arena, sizeof *tx);
    struct stf_tx_result r;
    assert_int_equal(tx_decode(tx, envelope, &w->arena), STF_OK);
    if (hash != NULL)
        assert_b256(tx->hash, *hash);
    if (stf_tx_run(b, tx, &r) != STF_INCLUDED)
        fail_msg("%s", stf_error_name(r.fault.code));
    return r;
}

static void check_events(struct world *w, const struct stf_tx_result *r, const json_t *effects)
{
    const json_t *logs = json_need(effects, "logs");
    assert_int_equal(r->event_cnt, json_array_size(logs));
    for (size_t i = 0; i < r->event_cnt; i++) {
        const json_t *log = json_array_get(logs, i), *topics = json_need(log, "topics");
        const struct stf_event *ev = &r->events[i];
        assert_memory_equal(ev->addr.b, vector_addr(log, "address").b, 20);
        assert_int_equal(ev->topic_cnt, json_array_size(topics));
        for (size_t t = 0; t < ev->topic_cnt; t++)
            assert_b256(ev->topics[t], world_b256(json_string_value(json_array_get(topics, t))));
        assert_bytes(ev->data, vector_bytes(w, log, "data"));
    }
}

static void check_storage(struct world *w, const struct addr *a, const json_t *account,
                          size_t *slot_cnt)
{
    const char *slot;
    json_t *value;
    json_object_foreach(json_object_get(account, "storageChanged"), slot, value)
    {
        struct b256 s = world_b256(slot), got = world_slot(w, a, &s);
        assert_b256(got, world_b256(json_string_value(value)));
        (*slot_cnt)++;
    }
}

/* Everything the plain EVM changed; the account of the mint hook is its stand-in and left out. */
static void check_post(struct world *w, const json_t *effects, const struct stf_block_output *out)
{
    const char *name;
    json_t *account;
    size_t slots = 0, changed_slots = 0;
    json_object_foreach(json_need(effects, "post"), name, account)
    {
        struct addr a = world_addr(name), mint_hook = addr_of_u32(0x7100);
        if (addr_eq(&a, &mint_hook))
            continue;
        struct account_record rec = world_account(w, &a);
        struct u256 balance = vector_u256(account, "balance");
        assert_int_equal(rec.nonce, vector_u64(account, "nonce"));
        assert_true(u256_eq(&rec.balance, &balance));
        if (json_object_get(account, "codeKeccak") != NULL)
            assert_b256(rec.observable_hash, vector_b256(account, "codeKeccak"));
        check_storage(w, &a, account, &slots);
    }
    struct addr records = account_storage_addr();
    for (size_t i = 0; i < out->diff_cnt; i++)
        changed_slots += !addr_eq(&out->diffs[i].addr, &records);
    assert_int_equal(changed_slots, slots); /* and nothing else */
}

static struct bytes sl_chain_id_envelope(struct world *w, uint64_t chain_id, uint64_t salt)
{
    uint8_t data[36] = { 0x04, 0x02, 0x03, 0xe6 };
    store_be64(data + 28, chain_id);
    struct addr to = addr_of_u32(0x800b);
    return tx_encode_system(&to, bytes_of(data, sizeof data), salt, &w->arena);
}

/* Block 2: deposits recorded on L1 move tokens out of the treasury. */
static void run_deposits(struct world *w, uint64_t chain_id, const struct b256 *parent,
                         const json_t *requests)
{
    struct stf_block_context c = block_1_context(chain_id);
    c.number = 2;
    c.block_hashes[254] = c.block_hashes[255];
    c.block_hashes[255] = *parent;
    struct stf_block *b = begin(w, &c);
    struct addr treasury = addr_of_u32(0x10011);
    struct u256 before = world_account(w, &treasury).balance, deposited = U256_ZERO;
    unsigned cnt = 0;
    for (size_t i = 0; i < json_array_size(requests); i++) {
        const json_t *q = json_array_get(requests, i);
        if (vector_u64(q, "chainId") != chain_id)
            continue;
        struct bytes env = envelope_of_log(w, json_need(q, "log"), TX_PRIORITY, 3, 4);
        struct b256 hash = vector_b256(q, "txHash");
        struct stf_tx tx;
        assert_int_equal(tx_decode(&tx, env, &w->arena), STF_OK);
        struct stf_tx_result r = run(w, b, env, &hash);
        assert_int_equal(r.l2_log_cnt >= 1, 1);
        const struct stf_l2_log *log = &r.l2_logs[r.l2_log_cnt - 1];
        assert_b256(log->key, hash);
        assert_b256(log->value, b256_of_u64(r.success));
        deposited = u256_add(&deposited, &tx.to_mint);
        cnt++;
        if (cnt == 4)
            break;
    }
    assert_int_equal(cnt > 0, 1);
    struct stf_block_output out;
    struct stf_fault fault;
    assert_true(stf_block_end(b, &out, &fault));
    assert_int_equal(out.l1_tx_cnt, cnt);
    world_apply(w, &out);
    struct u256 after = world_account(w, &treasury).balance, gone = u256_sub(&before, &after);
    assert_true(u256_eq(&gone, &deposited)); /* every token left the treasury, none was made */
}

static void run_chain(const json_t *upgrade, const json_t *effects, const json_t *requests)
{
    struct world w;
    world_init(&w);
    load_genesis(&w);
    uint64_t chain_id = vector_u64(upgrade, "chainId");
    struct stf_block_context c = block_1_context(chain_id);
    struct stf_block *b = begin(&w, &c);
    struct b256 hash = vector_b256(upgrade, "canonicalHash");
    struct bytes env = envelope_of_log(&w, json_need(upgrade, "log"), TX_UPGRADE, 0, 1);
    struct stf_tx_result r = run(&w, b, env, &hash);
    assert_true(r.success);
    assert_int_equal(r.l2_log_cnt, 0);
    check_events(&w, &r, effects);
    struct stf_tx_result s = run(&w, b, sl_chain_id_envelope(&w, 31337, UINT64_MAX), NULL);
    assert_true(s.success);
    struct stf_block_output out;
    struct stf_fault fault;
    assert_true(stf_block_end(b, &out, &fault));
    assert_true(out.has_sl_chain_id && out.sl_chain_id.w[0] == 31337);
    assert_b256(out.upgrade_tx_hash, hash);
    assert_int_equal(out.tx_cnt, 2);
    world_apply(&w, &out);
    struct addr context = addr_of_u32(0x800b);
    struct b256 zero = { { 0 } }, sl = world_slot(&w, &context, &zero);
    assert_b256(sl, b256_of_u64(31337));
    world_set_slot(&w, &context, &zero, &zero); /* the service transaction's own slot */
    out.diff_cnt--;
    check_post(&w, effects, &out);
    world_set_slot(&w, &context, &zero, &sl);
    run_deposits(&w, chain_id, &out.block_hash, requests);
    world_clear(&w);
}

static void test_genesis_upgrade(void **state)
{
    (void)state;
    json_t *upgrades = vectors_load("vectors/l1/genesis-upgrade-txs.json");
    json_t *requests = vectors_load("vectors/l1/priority-requests.json");
    for (size_t i = 0; i < json_array_size(upgrades); i++) {
        const json_t *u = json_array_get(upgrades, i);
        char path[80];
        snprintf(path, sizeof path, "vectors/l1/genesis-upgrade-effects-%d.json",
                 (int)vector_u64(u, "chainId"));
        print_message("chain %d\n", (int)vector_u64(u, "chainId"));
        json_t *effects = vectors_load(path);
        run_chain(u, effects, requests);
        json_decref(effects);
    }
    json_decref(requests);
    json_decref(upgrades);
}

static void test_priority_requests(void **state)
{
    (void)state;
    json_t *j = vectors_load("vectors/l1/priority-requests.json");
    struct world w;
    world_init(&w);
    assert_int_equal(json_array_size(j), 54);
    for (size_t i = 0; i < json_array_size(j); i++) {
        const json_t *q = json_array_get(j, i), *fields = json_need(q, "tx");
        struct bytes env = envelope_of_log(&w, json_need(q, "log"), TX_PRIORITY, 3, 4);
        struct stf_tx tx;
        assert_int_equal(tx_decode(&tx, env, &w.arena), STF_OK);
        assert_b256(tx.hash, vector_b256(q, "txHash"));
        assert_memory_equal(tx.from.b, vector_addr(fields, "from").b, 20);
        assert_memory_equal(tx.to.b, vector_addr(fields, "to").b, 20);
        assert_int_equal(tx.gas_limit, vector_u64(fields, "gasLimit"));
        assert_int_equal(tx.max_fee.w[0], vector_u64(fields, "maxFeePerGas"));
        assert_int_equal(tx.l1_nonce.w[0], vector_u64(fields, "nonce"));
        assert_bytes(tx.data, vector_bytes(&w, fields, "data"));
        assert_int_equal(tx.factory_deps.len,
                         32 * json_array_size(json_need(fields, "factoryDeps")));
    }
    world_clear(&w);
    json_decref(j);
}

int main(void)
{
    if (!recorded_present("genesis upgrade and priority requests"))
        return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_priority_requests),
        cmocka_unit_test(test_genesis_upgrade),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
