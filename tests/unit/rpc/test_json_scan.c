/* tests/unit/rpc/test_json_scan.c
 *
 * The scanner against jansson: both accept and refuse the same texts, and a tree never costs more than announced. */
#include "tests/unit/base/testing.h"

#include <jansson.h>
#include <stdio.h>

#include "node/rpc/json_scan.h"

static const char *const valid[] = {
    "{}",
    "[]",
    " [ ] ",
    "{\"a\":1}",
    "[1,2,3]",
    "[[],{},[{}]]",
    "{\"a\":{\"b\":[1,{\"c\":null}]}}",
    "[true,false,null]",
    "[0,-0,1.5,-1e5,1E+2,0.1e-3]",
    "[\"\\u00e9\\n\\\"\\\\\\/\"]",
    "[\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]",
    "{\"a\":1,\"a\":2}",
    "[\"\"]",
    "\t\r\n[1]\n",
};
static const char *const invalid[] = {
    "",
    " ",
    "{",
    "}",
    "[",
    "]",
    "[1,]",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{a:1}",
    "[1 2]",
    "[01]",
    "[1.]",
    "[.5]",
    "[1e]",
    "[+1]",
    "[-]",
    "[tru]",
    "[nul]",
    "[\"\x01\"]",
    "[\"\\x\"]",
    "[\"\\u12g4\"]",
    "[\"]",
    "[\"a]",
    "[1]]",
    "{}{}",
    "[1},",
    "{\"a\":1]",
    "[\"\xff\"]",
    "[\"\xc0\x80\"]",
    "[\"\xed\xa0\x80\"]",
    "[\"\xf4\x90\x80\x80\"]",
    "[\"\xe2\x82\"]",
    "[,1]",
    "{,}",
    "[1,,2]",
    "'a'",
};

static void test_same_verdict_as_jansson(void **state)
{
    (void)state;
    for (size_t i = 0; i < GH_COUNT(valid); i++) {
        json_t *v = json_loads(valid[i], 0, NULL);
        assert_non_null(v);
        json_decref(v);
        if (json_check(bytes_of(valid[i], strlen(valid[i])), 64, NULL) != JSON_OK)
            fail_msg("refused: %s", valid[i]);
    }
    for (size_t i = 0; i < GH_COUNT(invalid); i++) {
        json_t *v = json_loads(invalid[i], JSON_DECODE_ANY, NULL);
        assert_null(v);
        if (json_check(bytes_of(invalid[i], strlen(invalid[i])), 64, NULL) != JSON_MALFORMED)
            fail_msg("accepted: %s", invalid[i]);
    }
}

/* Any text made from pieces of JSON (numbers stay within a double, which jansson insists on). */
static void test_same_verdict_on_random_text(void **state)
{
    (void)state;
    static const char *const pieces[] = { "{",     "}",        "[",  "]",    ",",    ":",
                                          "\"a\"", "\"b\\n\"", "1",  "-2.5", "true", "null",
                                          " ",     "\"",       "\\", "\xc3" };
    uint64_t seed = 1;
    size_t accepted = 0;
    for (int round = 0; round < 200000; round++) {
        char text[160] = "";
        size_t n = 0, cnt = 1 + test_random(&seed) % 12;
        for (size_t i = 0; i < cnt; i++)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s",
                                  pieces[test_random(&seed) % GH_COUNT(pieces)]);
        json_t *v = json_loadb(text, n, JSON_DECODE_ANY, NULL);
        bool ok = json_check(bytes_of(text, n), 64, NULL) == JSON_OK;
        if (ok != (v != NULL))
            fail_msg("%s: scanner %d", text, ok);
        accepted += ok;
        json_decref(v);
    }
    assert_true(accepted > 1000);
}

static void test_depth_is_bounded_before_anything_else(void **state)
{
    (void)state;
    char text[400];
    for (size_t depth = 60; depth < 70; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_int_equal(json_check(bytes_of(text, 2 * depth), 64, NULL),
                         depth <= 64 ? JSON_OK : JSON_TOO_DEEP);
    }
    char *deep = malloc(50000);
    for (size_t i = 0; i < 10000; i++)
        memcpy(deep + 5 * i, "{\"a\":", 5);
    assert_int_equal(json_check(bytes_of(deep, 50000), 64, NULL), JSON_TOO_DEEP);
    free(deep);
}

static size_t allocated;

static void *counting_malloc(size_t n)
{
    allocated += n + 16;
    return malloc(n);
}

static void test_tree_costs_at_most_what_is_announced(void **state)
{
    (void)state;
    static const char *const units[] = { "[]",
                                         "{}",
                                         "1",
                                         "\"\"",
                                         "{\"a\":1}",
                                         "[1,2,3,4,5,6,7,8,9]",
                                         "1.5",
                                         "{\"key\":{\"key\":[]}}",
                                         "\"0123456789abcdef0123456789abcdef\"" };
    json_set_alloc_funcs(counting_malloc, free);
    for (size_t u = 0; u < GH_COUNT(units); u++) {
        char text[60000] = "[";
        size_t n = 1, len = strlen(units[u]), cost = 0;
        for (int i = 0; i < 500; i++) {
            memcpy(text + n, units[u], len);
            n += len;
            text[n++] = i < 499 ? ',' : ']';
        }
        allocated = 0;
        json_t *v = json_loadb(text, n, 0, NULL);
        assert_non_null(v);
        assert_int_equal(json_check(bytes_of(text, n), 64, &cost), JSON_OK);
        json_decref(v);
        /* the parser's own buffers are few and come back: arrays double, so count a quarter more */
        if (allocated > cost + cost / 4 + 8192)
            fail_msg("%s: announced %zu, allocated %zu", units[u], cost, allocated);
    }
    json_set_alloc_funcs(malloc, free);
}

static void test_slices(void **state)
{
    (void)state;
    const char *text = " { \"id\" : 12.5e3 , \"a\\u0062\" : [ 1 , { \"x\" : \"},]\" } , \"\\\"\" ] "
                       ", \"m\":\"eth_\\u0063all\" } ";
    struct json_slice all = json_first(bytes_of(text, strlen(text))), key, value, item;
    size_t at = 0, inner = 0;
    assert_true(json_object_next(all, &at, &key, &value));
    assert_true(json_string_is(key, "id"));
    assert_int_equal(value.len, 6);
    assert_memory_equal(value.p, "12.5e3", 6);
    assert_true(json_object_next(all, &at, &key, &value));
    assert_true(json_string_is(key, "ab"));
    assert_true(json_array_next(value, &inner, &item));
    assert_memory_equal(item.p, "1", item.len);
    assert_true(json_array_next(value, &inner, &item));
    assert_int_equal(item.p[item.len - 1], '}');
    assert_true(json_array_next(value, &inner, &item));
    assert_int_equal(item.len, 4);
    assert_false(json_array_next(value, &inner, &item));
    assert_true(json_object_next(all, &at, &key, &value));
    assert_true(json_string_is(value, "eth_call"));
    assert_false(json_string_is(value, "eth_cal"));
    assert_false(json_object_next(all, &at, &key, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_verdict_as_jansson),
        cmocka_unit_test(test_same_verdict_on_random_text),
        cmocka_unit_test(test_depth_is_bounded_before_anything_else),
        cmocka_unit_test(test_tree_costs_at_most_what_is_announced),
        cmocka_unit_test(test_slices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
