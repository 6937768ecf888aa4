/* Small genesis files, good and bad. */
#include <stdio.h>

#include "node/base/hash.h"
#include "node/state/genesis.h"
#include "tests/unit/state/model.h"

#define A1 "0x1111111111111111111111111111111111111111"
#define A2 "0x2222222222222222222222222222222222222222"
#define W1 "0x0101010101010101010101010101010101010101010101010101010101010101"
#define W2 "0x0202020202020202020202020202020202020202020202020202020202020202"

static bool parse(struct genesis *g, const char *text, struct err *err)
{
    *err = (struct err){ 0 };
    return genesis_parse(g, bytes_of(text, strlen(text)), err);
}

static void good_files(void **unused)
{
    (void)unused;
    struct genesis g;
    struct err err;
    assert_fine(
        parse(&g,
              "{\"alloc\":{\"" A1
              "\":{\"nonce\":\"0x1\",\"balance\":\"0xde\",\"storage\":{\"0x1\":\"0x2\"}},\"" A2
              "\":{\"nonce\":0}},\"protocolVersion\":[0,31,2],\"more\":1}",
              &err),
        &err);
    assert_int_equal(g.diff_cnt, 2); /* an account with nothing in it has no leaf */
    assert_int_equal(g.preimage_cnt, 1);
    assert_int_equal(g.protocol_minor, 31);
    assert_false(g.has_root);
    assert_true(memcmp(g.diffs[0].flat_key.b, g.diffs[1].flat_key.b, 32) < 0);
    struct account_record rec;
    assert_true(account_decode(&rec, g.preimages[0].data));
    assert_int_equal(rec.nonce, 1);
    assert_int_equal(rec.balance.w[0], 0xde);
    genesis_clear(&g);

    assert_fine(parse(&g,
                      "{\"initial_contracts\":[[\"" A1
                      "\",\"0x5b00\"]],\"additional_storage\":[[\"" W2 "\",\"" W1
                      "\"]],\"execution_version\":5,\"genesis_root\":\"" W1 "\"}",
                      &err),
                &err);
    assert_int_equal(g.diff_cnt, 2);
    assert_int_equal(g.preimage_cnt, 2);
    assert_int_equal(g.execution_version, 5);
    assert_true(g.has_root);
    struct state *s = state_create(&(struct state_config){ 1, 1 });
    assert_false(genesis_apply(s, &g, NULL, NULL, &err)); /* not its root */
    assert_true(strstr(err.msg, "0x0101") != NULL);
    state_destroy(s);
    genesis_clear(&g);

    assert_fine(parse(&g, "{\"alloc\":{},\"genesis_root\":null,\"execution_version\":null}", &err),
                &err);
    assert_int_equal(g.diff_cnt, 0);
    genesis_clear(&g);
    assert_fine(parse(&g,
                      "{\"initial_contracts\":[],\"additional_storage\":{\"" A1
                      "\":{\"0x0\":\"0x0\"}},"
                      "\"protocol_semantic_version\":{\"major\":0,\"minor\":30,\"patch\":1}}",
                      &err),
                &err);
    assert_int_equal(g.diff_cnt, 1);
    assert_int_equal(g.protocol_minor, 30);
    genesis_clear(&g);
}

static void bad_files(void **unused)
{
    (void)unused;
    static const char *const bad[] = {
        "",
        "[]",
        "{",
        "{}",
        "{\"alloc\":{},\"initial_contracts\":[]}",
        "{\"alloc\":[]}",
        "{\"alloc\":{\"0x11\":{}}}",
        "{\"alloc\":{\"" A1 "\":[]}}",
        "{\"alloc\":{\"" A1 "\":{},\"" A1 "\":{}}}",
        "{\"alloc\":{\"" A1 "\":{\"nonce\":\"0x10000000000000000\"}}}",
        "{\"alloc\":{\"" A1 "\":{\"nonce\":-1}}}",
        "{\"alloc\":{\"" A1 "\":{\"nonce\":\"1x\"}}}",
        "{\"alloc\":{\"" A1 "\":{\"balance\":\"0x1" W1 "\"}}}",
        "{\"alloc\":{\"" A1 "\":{\"code\":\"0x5\"}}}",
        "{\"alloc\":{\"" A1 "\":{\"code\":7}}}",
        "{\"alloc\":{\"" A1 "\":{\"storage\":[]}}}",
        "{\"alloc\":{\"" A1 "\":{\"storage\":{\"zz\":\"0x1\"}}}}",
        "{\"alloc\":{\"" A1 "\":{\"storage\":{\"0x1\":null}}}}",
        "{\"alloc\":{\"" A1 "\":{\"storage\":{\"0x1\":\"0x1\",\"0x01\":\"0x1\"}}}}",
        "{\"alloc\":{\"" A1 "\":{\"nonce\":1},\"0X"
        "1111111111111111111111111111111111111111\":{\"nonce\":1}}}",
        "{\"alloc\":{},\"genesisRoot\":\"0x01\"}",
        "{\"alloc\":{},\"protocolVersion\":7}",
        "{\"alloc\":{},\"protocolVersion\":\"31\"}",
        "{\"alloc\":{},\"execution_version\":\"0x1000000000\"}",
        "{\"initial_contracts\":{}}",
        "{\"initial_contracts\":[[\"" A1 "\"]]}",
        "{\"initial_contracts\":[[\"" A1 "\",\"0x\"]]}",
        "{\"initial_contracts\":[[\"" A1 "\",\"0x00\"],[\"" A1 "\",\"0x01\"]]}",
        "{\"initial_contracts\":[],\"additional_storage\":7}",
        "{\"initial_contracts\":[],\"additional_storage\":[[\"" W1 "\"]]}",
        "{\"initial_contracts\":[],\"additional_storage\":[[\"" W1 "\",\"0x1\"]]}",
        "{\"initial_contracts\":[],\"additional_storage_raw\":{}}",
        "{\"initial_contracts\":[],\"additional_storage_raw\":[[\"" W1 "\",\"" W1 "\"],[\"" W1
        "\",\"" W2 "\"]]}",
    };
    for (size_t i = 0; i < GH_COUNT(bad); i++) {
        struct genesis g;
        struct err err;
        if (parse(&g, bad[i], &err))
            fail_msg("accepted: %s", bad[i]);
        assert_int_equal(err.kind, ERR_INVALID);
        assert_null(g.diffs);
        assert_null(g.arena);
    }
}

/* A guard's key in a raw entry cannot become a leaf. */
static void guard_key(void **unused)
{
    (void)unused;
    struct genesis g;
    struct err err;
    char zero[67] = "0x", text[300];
    memset(zero + 2, '0', 64);
    snprintf(text, sizeof(text),
             "{\"initial_contracts\":[],\"additional_storage_raw\":[[\"%s\",\"" W1 "\"]]}", zero);
    assert_fine(parse(&g, text, &err), &err);
    struct state *s = state_create(&(struct state_config){ 1, 1 });
    assert_false(genesis_apply(s, &g, NULL, NULL, &err));
    assert_true(strstr(err.msg, "guard") != NULL);
    state_destroy(s);
    genesis_clear(&g);
    assert_false(genesis_load(&g, "/nonexistent/genesis.json", &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_files),
        cmocka_unit_test(bad_files),
        cmocka_unit_test(guard_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
