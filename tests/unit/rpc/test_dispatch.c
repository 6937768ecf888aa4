/* tests/unit/rpc/test_dispatch.c
 *
 * The protocol around the methods: errors, ids, batches, notifications, limits; on an RPC whose chain has not started. */
#include "tests/unit/base/testing.h"

#include <jansson.h>
#include <stdio.h>

#include "node/rpc/rpc.h"

static struct config cfg;

static struct rpc *open_rpc(void)
{
    struct err err = { 0 };
    config_defaults(&cfg);
    cfg.genesis.chain_id = 270;
    struct rpc_deps d = { .clock = clock_system(), .cfg = &cfg, .version = "1.2.3" };
    struct rpc *r = rpc_create(&d, &err);
    assert_non_null(r);
    return r;
}

static const char *answer(struct rpc *r, const char *body)
{
    static char text[1 << 20];
    struct buf out;
    buf_init(&out, 32u << 20);
    rpc_dispatch(r, bytes_of(body, strlen(body)), &out);
    assert_false(out.failed);
    assert_true(out.len < sizeof(text));
    if (out.len)
        memcpy(text, out.p, out.len);
    text[out.len] = 0;
    buf_clear(&out);
    return text;
}

static int error_code(const char *reply)
{
    json_t *v = json_loads(reply, 0, NULL);
    const json_t *e = json_object_get(v, "error");
    int code = e ? (int)json_integer_value(json_object_get(e, "code")) : 0;
    json_decref(v);
    return code;
}

static void test_ids_come_back_as_they_were(void **state)
{
    (void)state;
    struct rpc *r = open_rpc();
    static const char *const ids[] = { "1",     "0",
                                       "-7",    "1.5",
                                       "1e3",   "123456789012345678901234567890",
                                       "\"x\"", "\"\\u00e9\\\"\"",
                                       "null",  "\"\"" };
    for (size_t i = 0; i < GH_COUNT(ids); i++) {
        char body[200], expected[200];
        snprintf(body, sizeof(body), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"eth_chainId\"}",
                 ids[i]);
        snprintf(expected, sizeof(expected), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":\"0x10e\"}",
                 ids[i]);
        assert_string_equal(answer(r, body), expected);
    }
    static const char *const odd[] = { "[1]", "{}", "true" };
    for (size_t i = 0; i < GH_COUNT(odd); i++) {
        char body[200];
        snprintf(body, sizeof(body), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"eth_chainId\"}",
                 odd[i]);
        assert_string_equal(answer(r, body), "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":"
                                             "-32600,\"message\":\"invalid request\"}}");
    }
    rpc_destroy(r);
}

static void test_errors_have_their_codes(void **state)
{
    (void)state;
    struct rpc *r = open_rpc();
    static const struct {
        const char *body;
        int code;
    } cases[] = {
        { "", -32700 },
        { "{", -32700 },
        { "nonsense", -32700 },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_chainId\"", -32700 },
        { "[]", -32600 },
        { "1", -32600 },
        { "\"x\"", -32600 },
        { "{}", -32600 },
        { "{\"jsonrpc\":\"2.0\",\"id\":1}", -32600 },
        { "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"eth_chainId\"}", -32600 },
        { "{\"id\":1,\"method\":5}", -32600 },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"no_such\"}", -32601 },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"debug_getRawHeader\"}", -32601 },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"debug_traceTransaction\"}", -32601 },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"web3_sha3\",\"params\":[\"0x1\"]}", -32602 },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"web3_sha3\",\"params\":{\"a\":1}}", -32602 },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"web3_sha3\"}", -32602 },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"web3_sha3\",\"params\":["
          "123456789012345678901234567890]}",
          -32602 },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_blockNumber\"}", -32000 },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_sendRawTransaction\",\"params\":["
          "\"0x00\"]}",
          -32000 },
    };
    for (size_t i = 0; i < GH_COUNT(cases); i++)
        if (error_code(answer(r, cases[i].body)) != cases[i].code)
            fail_msg("%s: %s", cases[i].body, answer(r, cases[i].body));
    rpc_destroy(r);
}

static void test_before_the_chain_only_the_boot_set_answers(void **state)
{
    (void)state;
    struct rpc *r = open_rpc();
    static const char *const boot[] = { "eth_chainId",
                                        "net_version",
                                        "web3_clientVersion",
                                        "zks_getBridgehubContract",
                                        "zks_getBytecodeSupplierContract",
                                        "zks_getGenesis" };
    for (size_t i = 0; i < GH_COUNT(boot); i++) {
        char body[200];
        snprintf(body, sizeof(body), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"}", boot[i]);
        assert_non_null(strstr(answer(r, body), "\"result\":"));
    }
    assert_non_null(strstr(
        answer(r, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_getLogs\",\"params\":[{}]}"),
        "{\"code\":-32000,\"message\":\"Node is not ready\"}"));
    rpc_destroy(r);
}

static void test_batches(void **state)
{
    (void)state;
    struct rpc *r = open_rpc();
    assert_string_equal(answer(r, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_chainId\"},7,{"
                                  "\"jsonrpc\":\"2.0\",\"method\":\"eth_chainId\"},"
                                  "{\"jsonrpc\":\"2.0\",\"id\":\"z\",\"method\":\"nope\"}]"),
                        "[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x10e\"},"
                        "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":"
                        "\"invalid request\"}},"
                        "{\"jsonrpc\":\"2.0\",\"id\":\"z\",\"error\":{\"code\":-32601,\"message\":"
                        "\"Method not found\"}}]");
    assert_string_equal(answer(r, "{\"jsonrpc\":\"2.0\",\"method\":\"eth_chainId\"}"), "");
    assert_string_equal(answer(r, "[{\"jsonrpc\":\"2.0\",\"method\":\"eth_chainId\"}]"), "");
    cfg.rpc.max_batch_size = 2;
    static const char call[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_chainId\"}";
    char body[400];
    snprintf(body, sizeof(body), "[%s,%s,%s]", call, call, call);
    assert_int_equal(error_code(answer(r, body)), -32010);
    snprintf(body, sizeof(body), "[%s,%s]", call, call);
    assert_int_equal(answer(r, body)[0], '[');
    rpc_destroy(r);
}

static void test_deep_json_is_one_clear_error(void **state)
{
    (void)state;
    struct rpc *r = open_rpc();
    char *body = calloc(1, 60001);
    memset(body, '[', 60000);
    assert_int_equal(error_code(answer(r, body)), -32600);
    assert_non_null(strstr(answer(r, body), "nested deeper than 64"));
    free(body);
    rpc_destroy(r);
}

static void test_a_response_that_is_too_big_is_an_error(void **state)
{
    (void)state;
    struct rpc *r = open_rpc();
    const char *call =
        "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"web3_sha3\",\"params\":[\"0x\"]}";
    assert_non_null(strstr(answer(r, call),
                           "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"));
    cfg.rpc.max_response_size = 64;
    assert_string_equal(answer(r, call),
                        "{\"jsonrpc\":\"2.0\",\"id\":9,\"error\":{\"code\":-32008,\"message\":"
                        "\"Response is too big\",\"data\":\"Exceeded max limit of 64\"}}");
    rpc_destroy(r);
}

static void test_memory_budget(void **state)
{
    (void)state;
    struct rpc *r = open_rpc();
    /* 10,000 empty objects: a tree of 3.5 MB */
    struct buf text;
    buf_init(&text, 1u << 20);
    buf_append_str(&text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"web3_sha3\",\"params\":[[");
    for (int i = 0; i < 10000; i++)
        buf_append_str(&text, i ? ",{}" : "{}");
    buf_append(&text, "]]}", 4);
    const char *body = (const char *)text.p;
    cfg.rpc.memory_budget = 1u << 20;
    const char *a = answer(r, body);
    assert_int_equal(error_code(a), -32000);
    assert_non_null(strstr(a, "out of memory"));
    cfg.rpc.memory_budget = 256u << 20;
    assert_int_equal(error_code(answer(r, body)), -32602);
    buf_clear(&text);
    rpc_destroy(r);
}

static void test_escaped_words_are_the_same_words(void **state)
{
    (void)state;
    struct rpc *r = open_rpc();
    assert_string_equal(answer(r, "{\"json\\u0072pc\":\"2.0\",\"\\u0069d\":1,\"method\":\"eth_"
                                  "\\u0063hainId\",\"params\":null}"),
                        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x10e\"}");
    /* the last of two equal keys wins */
    assert_string_equal(answer(r, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"nope\",\"method\":"
                                  "\"net_version\",\"id\":2}"),
                        "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"270\"}");
    rpc_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids_come_back_as_they_were),
        cmocka_unit_test(test_errors_have_their_codes),
        cmocka_unit_test(test_before_the_chain_only_the_boot_set_answers),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_deep_json_is_one_clear_error),
        cmocka_unit_test(test_a_response_that_is_too_big_is_an_error),
        cmocka_unit_test(test_memory_budget),
        cmocka_unit_test(test_escaped_words_are_the_same_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
