/* Strictness of the decoders, shapes of JSON-RPC replies, and small text helpers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "node/net/eth_decode.h"
#include "node/net/http_client.h"
#include "node/net/rpc_reply.h"

static json_t *parse(const char *s)
{
    json_t *j = json_loads(s, JSON_DECODE_ANY, NULL);
    assert_non_null(j);
    return j;
}

static bool quantity_ok(const char *s, uint64_t *v)
{
    struct err e;
    json_t *j = parse(s);
    bool ok = eth_decode_u64(j, v, &e);
    json_decref(j);
    return ok;
}

static void quantities_are_strict(void **state)
{
    (void)state;
    uint64_t v;
    assert_true(quantity_ok("\"0x0\"", &v) && v == 0);
    assert_true(quantity_ok("\"0xffffffffffffffff\"", &v) && v == UINT64_MAX);
    static const char *const bad[] = { "\"0x\"",
                                       "\"0x01\"",
                                       "\"10\"",
                                       "\"0X1\"",
                                       "\"0xg\"",
                                       "7",
                                       "null",
                                       "\"\"",
                                       "\"0x 1\"",
                                       "true",
                                       "\"0x10000000000000000\"" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(quantity_ok(bad[i], &v));
}

#define ADDR "\"0x00000000000000000000000000000000000000aa\""
#define H(x) "\"0x00000000000000000000000000000000000000000000000000000000000000" x "\""
#define LOG_BODY                                                                                   \
    "\"address\":" ADDR ",\"data\":\"0x0102\",\"blockNumber\":\"0x5\",\"blockHash\":" H(           \
        "05") ",\"transactionHash\":" H("06") ",\"transactionIndex\":\"0x0\",\"logIndex\":\"0x1\""

static bool log_ok(const char *s, struct eth_log *out)
{
    struct arena a;
    struct err e;
    json_t *j = parse(s);
    arena_init_growing(&a, 1024, 65536);
    bool ok = eth_decode_log(j, &a, out, &e);
    if (ok && out->data.len == 2)
        ok = out->data.p[0] == 1 && out->data.p[1] == 2;
    arena_clear(&a);
    json_decref(j);
    return ok;
}

static void logs_are_whole_or_nothing(void **state)
{
    (void)state;
    struct eth_log l;
    assert_true(log_ok("{" LOG_BODY ",\"topics\":[" H("07") "," H("08") "]}", &l));
    assert_int_equal(l.topic_cnt, 2);
    assert_int_equal(l.topics[1].b[31], 8);
    assert_int_equal(l.block_number, 5);
    assert_int_equal(l.log_index, 1);
    assert_int_equal(l.addr.b[19], 0xaa);
    assert_true(log_ok("{" LOG_BODY ",\"topics\":[]}", &l));
    assert_false(log_ok("{" LOG_BODY ",\"topics\":[],\"removed\":true}", &l));
    assert_false(log_ok("{" LOG_BODY "}", &l));
    assert_false(log_ok(
        "{" LOG_BODY ",\"topics\":[" H("01") "," H("01") "," H("01") "," H("01") "," H("01") "]}",
        &l));
    assert_false(log_ok("{" LOG_BODY ",\"topics\":[\"0x01\"]}", &l));
    assert_false(log_ok("[]", &l));
}

static void receipt_status_is_zero_or_one(void **state)
{
    (void)state;
    static const char *const fmt =
        "{\"transactionHash\":" H("01") ",\"blockNumber\":\"0x2\",\"blockHash\":" H(
            "02") ","
                  "\"transactionIndex\":\"0x0\",\"status\":\"%s\",\"gasUsed\":\"0x5208\","
                  "\"from\":" ADDR ","
                  "\"effectiveGasPrice\":\"0x7\",\"logs\":[]}";
    static const struct {
        const char *status;
        bool ok, value;
    } cases[] = { { "0x1", true, true }, { "0x0", true, false }, { "0x2", false, false } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[1024];
        struct arena a;
        struct err e;
        struct eth_receipt rc;
        snprintf(text, sizeof(text), "%.*s%s%s", (int)(strstr(fmt, "%s") - fmt), fmt,
                 cases[i].status, strstr(fmt, "%s") + 2);
        json_t *j = parse(text);
        arena_init_growing(&a, 1024, 65536);
        assert_int_equal(eth_decode_receipt(j, &a, &rc, &e), cases[i].ok);
        if (cases[i].ok) {
            assert_int_equal(rc.status, cases[i].value);
            assert_int_equal(rc.gas_used, 21000);
        }
        arena_clear(&a);
        json_decref(j);
    }
}

static void fee_history_keeps_the_next_base_fee(void **state)
{
    (void)state;
    struct arena a;
    struct err e;
    struct eth_fee_history h;
    json_t *j = parse("{\"oldestBlock\":\"0x5\",\"baseFeePerGas\":[\"0x1\",\"0x2\",\"0x3\"],"
                      "\"gasUsedRatio\":[0.5,0.1],\"reward\":[[\"0x9\"],[\"0x8\"]]}");
    arena_init_growing(&a, 1024, 65536);
    assert_true(eth_decode_fee_history(j, &a, true, &h, &e));
    assert_int_equal(h.base_fee_cnt, 3);
    assert_int_equal(h.base_fees[2].w[0], 3);
    assert_int_equal(h.reward_cnt, 2);
    assert_int_equal(h.rewards[1].w[0], 8);
    assert_null(h.pubdata_prices);
    json_decref(j);
    j = parse("{\"oldestBlock\":\"0x5\",\"baseFeePerGas\":[\"0x1\",\"0x2\"],"
              "\"pubdataPricePerByte\":[\"0x10\",\"0x20\"]}");
    assert_true(eth_decode_fee_history(j, &a, true, &h, &e));
    assert_int_equal(h.pubdata_price_cnt, 2);
    assert_int_equal(h.pubdata_prices[1].w[0], 32);
    json_decref(j);
    j = parse("{\"oldestBlock\":\"0x5\",\"baseFeePerGas\":[\"0x1\"],\"pubdataPricePerByte\":[1]}");
    assert_false(eth_decode_fee_history(j, &a, true, &h, &e));
    assert_non_null(strstr(e.msg, "pubdataPricePerByte"));
    json_decref(j);
    j = parse("{\"oldestBlock\":\"0x5\",\"baseFeePerGas\":[\"0x1\"],\"reward\":[[]]}");
    assert_false(eth_decode_fee_history(j, &a, true, &h, &e));
    assert_non_null(strstr(e.msg, "reward[0]"));
    /* nodes that were asked for none answer with a list of empty lists, too */
    assert_true(eth_decode_fee_history(j, &a, false, &h, &e));
    assert_int_equal(h.base_fee_cnt, 1);
    assert_null(h.rewards);
    arena_clear(&a);
    json_decref(j);
}

static void decoding_stops_at_the_arenas_limit(void **state)
{
    (void)state;
    struct arena a;
    struct err e;
    struct bytes b;
    char text[8200];
    memset(text, '0', sizeof(text));
    memcpy(text, "\"0x", 3);
    text[8196] = '"';
    text[8197] = '\0';
    text[8195] = '0';
    json_t *j = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(j);
    arena_init_growing(&a, 64, 1024);
    assert_false(eth_decode_bytes(j, &a, &b, &e));
    assert_int_equal(e.kind, ERR_LOCAL);
    arena_clear(&a);
    json_decref(j);
}

static void filters_and_calls_are_encoded(void **state)
{
    (void)state;
    struct addr a = { .b = { [19] = 1 } };
    struct b256 t[2] = { { .b = { [31] = 2 } }, { .b = { [31] = 3 } } };
    struct eth_filter f = { .addrs = &a, .addr_cnt = 1 };
    f.topics[1].any = t;
    f.topics[1].cnt = 2;
    json_t *j = eth_encode_filter(&f);
    char *s = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(s, "{\"address\":[\"0x0000000000000000000000000000000000000001\"],"
                           "\"topics\":[null,[" H("02") "," H("03") "]]}");
    free(s);
    json_decref(j);
    uint8_t d[] = { 0xab };
    struct eth_call_msg m = { .has_to = true, .to = a, .data = bytes_of(d, 1), .gas = 16 };
    j = eth_encode_call_msg(&m);
    s = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(s, "{\"data\":\"0xab\",\"gas\":\"0x10\","
                           "\"to\":\"0x0000000000000000000000000000000000000001\"}");
    free(s);
    json_decref(j);
}

static bool revert_of(const char *error, uint8_t *out, size_t *len)
{
    char text[512];
    bool is_array;
    size_t cnt;
    struct err e;
    struct rpc_answer a;
    struct buf b;
    snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":%s}", error);
    json_t *doc = rpc_reply_parse(bytes_of(text, strlen(text)), &is_array, &cnt, &e);
    assert_non_null(doc);
    assert_true(rpc_reply_answer(doc, is_array, 0, &a, &e));
    buf_init(&b, 64);
    bool ok = rpc_revert_data(&a, &b);
    *len = b.len;
    if (b.len)
        memcpy(out, b.p, b.len);
    buf_clear(&b);
    json_decref(doc);
    return ok;
}

static void revert_bytes_of_all_kinds_of_nodes(void **state)
{
    (void)state;
    uint8_t d[64];
    size_t n;
    static const char *const good[] = {
        "{\"code\":3,\"message\":\"execution reverted\",\"data\":\"0x0102\"}",
        "{\"code\":-32015,\"message\":\"VM\",\"data\":\"Reverted 0x0102\"}",
        "{\"code\":-32000,\"message\":\"x\",\"data\":{\"data\":\"0x0102\"}}",
        "{\"code\":-32000,\"message\":\"x\",\"data\":{\"originalError\":{\"data\":\"0x0102\"}}}",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(revert_of(good[i], d, &n));
        assert_int_equal(n, 2);
        assert_int_equal(d[1], 2);
    }
    assert_true(revert_of("{\"code\":3,\"message\":\"x\",\"data\":\"0x\"}", d, &n));
    assert_int_equal(n, 0);
    assert_false(revert_of("{\"code\":3,\"message\":\"x\"}", d, &n));
    assert_false(revert_of("{\"code\":3,\"message\":\"x\",\"data\":\"0x123\"}", d, &n));
    assert_false(revert_of("{\"code\":3,\"message\":\"x\",\"data\":\"hello\"}", d, &n));
    assert_false(revert_of("\"text\"", d, &n));
}

static void retry_after_in_both_forms(void **state)
{
    (void)state;
    uint64_t ms;
    assert_true(http_parse_retry_after(" 7\r\n", 4, 0, &ms) && ms == 7000);
    static const char date[] = "Thu, 01 Jan 1970 00:01:40 GMT";
    assert_true(http_parse_retry_after(date, sizeof(date) - 1, 40000, &ms) && ms == 60000);
    assert_true(http_parse_retry_after(date, sizeof(date) - 1, 200000, &ms) && ms == 0);
    assert_true(http_parse_retry_after("99999999999999999999", 20, 0, &ms));
    assert_false(http_parse_retry_after("soon", 4, 0, &ms));
    assert_false(http_parse_retry_after("", 0, 0, &ms));
}

static void public_names_hide_secrets(void **state)
{
    (void)state;
    char name[128];
    bool loop;
    struct err e;
    assert_true(http_url_public_name(name, sizeof(name), "https://u:pw@rpc.example.org/v2/KEY?x=1",
                                     &loop, &e));
    assert_string_equal(name, "https://rpc.example.org:443");
    assert_false(loop);
    assert_true(http_url_public_name(name, sizeof(name), "http://127.0.0.1:8545", &loop, &e) &&
                loop);
    assert_false(http_url_public_name(name, sizeof(name), "ws://x", &loop, &e));
    assert_false(http_url_public_name(name, 10, "https://rpc.example.org/", &loop, &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantities_are_strict),
        cmocka_unit_test(logs_are_whole_or_nothing),
        cmocka_unit_test(receipt_status_is_zero_or_one),
        cmocka_unit_test(fee_history_keeps_the_next_base_fee),
        cmocka_unit_test(decoding_stops_at_the_arenas_limit),
        cmocka_unit_test(filters_and_calls_are_encoded),
        cmocka_unit_test(revert_bytes_of_all_kinds_of_nodes),
        cmocka_unit_test(retry_after_in_both_forms),
        cmocka_unit_test(public_names_hide_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
