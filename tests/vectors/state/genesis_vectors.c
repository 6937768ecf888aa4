/* tests/vectors/state/genesis_vectors.c
 *
 * The recorded v31 genesis file, leaf by leaf against the recorded tree, and the same content rewritten as the other
 * shape of genesis file. */
#include "node/state/genesis.h"
#include "node/state/state_impl.h"
#include "tests/vectors/state/vector_json.h"

static json_t *record, *alloc;
static char alloc_path[4096];
static const struct state_config config = { 16, 16 };

static void block_zero(void **unused)
{
    (void)unused;
    struct b256 hash = genesis_block_hash(), want = json_b256(json_need(record, "blockHash0"));
    assert_word(&hash, &want, "genesis block hash");
    uint8_t mine[700];
    struct stf_header h = genesis_header();
    size_t n = stf_header_encode(mine, &h), len;
    uint8_t *rlp = bytes_text(json_need(record, "headerRlp"), &len);
    assert_int_equal(n, len);
    assert_memory_equal(mine, rlp, len);
    free(rlp);
    struct state_ring ring = { 0 };
    state_ring_push(&ring, &hash);
    struct b256 last = state_ring_hash(&ring);
    want = json_b256(json_need(record, "last256BlockHashesBlake"));
    assert_word(&last, &want, "last 256 hashes");
}

static void check_leaves(const struct state *s)
{
    const json_t *leaves = json_need(record, "leaves");
    assert_int_equal(json_array_size(leaves), s->flat.leaf_count);
    for (size_t i = 0; i < json_array_size(leaves); i++) {
        const json_t *l = json_array_get(leaves, i);
        struct b256 key = json_b256(json_array_get(l, 0)), value = json_b256(json_array_get(l, 1));
        assert_word(&s->flat.leaves[i].key, &key, "leaf key");
        assert_word(&s->flat.leaves[i].value, &value, "leaf value");
        assert_int_equal(s->flat.leaves[i].next, json_integer_value(json_array_get(l, 2)));
    }
}

static void check_accounts(struct state *s)
{
    struct err err = { 0 };
    struct state_view *v = state_view_open(s, 0, &err);
    assert_non_null(v);
    const char *name;
    json_t *want;
    size_t seen = 0;
    json_object_foreach(json_need(record, "accounts"), name, want)
    {
        struct addr a;
        struct account_record rec;
        bool exists;
        uint8_t raw[ACCOUNT_RECORD_LEN];
        assert_true(hex_decode_exact(a.b, 20, name, strlen(name)));
        struct b256 key = account_flat_key(&a), want_key = json_b256(json_need(want, "treeKey"));
        assert_word(&key, &want_key, "account key");
        assert_true(state_view_account(v, &a, &rec, &exists));
        assert_true(exists);
        account_encode(raw, &rec);
        size_t len;
        uint8_t *properties = bytes_text(json_need(want, "properties"), &len);
        assert_int_equal(len, sizeof(raw));
        assert_memory_equal(raw, properties, len);
        free(properties);
        const json_t *in_file = json_object_get(json_need(alloc, "alloc"), name);
        uint8_t *code = bytes_text(json_need(in_file, "code"), &len);
        struct bytes got;
        assert_true(state_view_code(v, &rec, &got));
        assert_true(bytes_eq(got, bytes_of(code, len)));
        free(code);
        seen++;
    }
    assert_true(seen > 0);
    assert_int_equal(seen, json_object_size(json_need(record, "accounts")));
    state_view_close(v);
}

static void check_genesis(const struct genesis *g)
{
    struct state *s = state_create(&config);
    struct state_mark mark;
    struct b256 commitment, want = json_b256(json_need(record, "treeRoot"));
    struct err err = { 0 };
    assert_fine(genesis_apply(s, g, &mark, &commitment, &err), &err);
    assert_word(&mark.root, &want, "tree root");
    assert_int_equal(mark.leaf_count, json_u64(json_need(record, "leafCount")));
    want = json_b256(json_need(record, "stateCommitment"));
    assert_word(&commitment, &want, "state commitment");
    assert_fine(state_check(s, &err), &err);
    check_leaves(s);
    check_accounts(s);
    state_destroy(s);
}

static void alloc_file(void **unused)
{
    (void)unused;
    struct genesis g;
    struct err err = { 0 };
    assert_fine(genesis_load(&g, alloc_path, &err), &err);
    assert_true(g.has_root);
    assert_int_equal(g.protocol_minor, 31);
    check_genesis(&g);
    /* one bit in the declared root, and the start is refused */
    g.root.b[31] ^= 1;
    struct state *s = state_create(&config);
    assert_false(genesis_apply(s, &g, NULL, NULL, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    state_destroy(s);
    genesis_clear(&g);
}

/* The same accounts as initial_contracts, every second storage as raw flat keys. */
static void contracts_file(void **unused)
{
    (void)unused;
    json_t *contracts = json_array(), *pretty = json_object(), *raw = json_array();
    const char *name;
    json_t *acc;
    unsigned n = 0;
    json_object_foreach(json_need(alloc, "alloc"), name, acc)
    {
        json_array_append_new(contracts, json_pack("[s,O]", name, json_need(acc, "code")));
        const char *slot_text;
        json_t *value;
        struct addr a;
        assert_true(hex_decode_exact(a.b, 20, name, strlen(name)));
        if (n++ % 2 == 0) {
            json_object_set(pretty, name, json_need(acc, "storage"));
            continue;
        }
        json_object_foreach(json_need(acc, "storage"), slot_text, value)
        {
            struct b256 slot;
            char hex[67];
            assert_true(hex_decode_exact(slot.b, 32, slot_text, strlen(slot_text)));
            struct b256 key = blake2s_flat_key(&a, &slot);
            hex_encode0x(hex, key.b, 32);
            json_array_append_new(raw, json_pack("[s,O]", hex, value));
        }
    }
    assert_true(json_array_size(raw) > 0 && json_object_size(pretty) > 0);
    json_t *file =
        json_pack("{s:o,s:o,s:o,s:O,s:s}", "initial_contracts", contracts, "additional_storage",
                  pretty, "additional_storage_raw", raw, "genesis_root",
                  json_need(alloc, "genesisRoot"), "protocol_semantic_version", "0.31.0");
    char *text = json_dumps(file, 0);
    struct genesis g;
    struct err err = { 0 };
    assert_fine(genesis_parse(&g, bytes_of(text, strlen(text)), &err), &err);
    assert_int_equal(g.protocol_minor, 31);
    check_genesis(&g);
    genesis_clear(&g);
    free(text);
    json_decref(file);
}

int main(void)
{
    if (!recorded_present("genesis tree"))
        return 77;
    recorded_path(alloc_path, "l1/l2-genesis-v31.json");
    record = recorded_load("l1/records/l2-genesis-root.json", 0);
    alloc = recorded_load("l1/l2-genesis-v31.json", 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(block_zero),
        cmocka_unit_test(alloc_file),
        cmocka_unit_test(contracts_file),
    };
    int bad = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(record);
    json_decref(alloc);
    return bad;
}
