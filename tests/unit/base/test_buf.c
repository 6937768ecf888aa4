/* tests/unit/base/test_buf.c */
#include "tests/unit/base/testing.h"

#include "node/base/buf.h"

static void appends_add_up(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 20);
    assert_true(buf_append_str(&b, "a"));
    assert_true(buf_printf(&b, "%d-%s", 42, "x"));
    assert_true(buf_append_hex(&b, "\x01\xff", 2));
    assert_true(buf_append(&b, NULL, 0));
    uint8_t *p = buf_extend(&b, 2);
    assert_non_null(p);
    p[0] = p[1] = '!';
    assert_int_equal(b.len, 13);
    assert_memory_equal(b.p, "a42-x0x01ff!!", 13);
    buf_reset(&b);
    assert_int_equal(b.len, 0);
    assert_true(buf_append_str(&b, "again"));
    size_t len = 0;
    uint8_t *taken = buf_take(&b, &len);
    assert_int_equal(len, 5);
    assert_memory_equal(taken, "again", 5);
    assert_null(b.p);
    free(taken);
    assert_true(buf_append_str(&b, "x"));
    buf_clear(&b);
}

static void long_formats(void **state)
{
    (void)state;
    struct buf b;
    char text[3000];
    buf_init(&b, 1 << 20);
    size_t total = 0;
    for (size_t len = 500; len < 530; len++) {
        memset(text, 'q', len);
        text[len] = '\0';
        assert_true(buf_printf(&b, "%s.", text));
        total += len + 1;
        assert_int_equal(b.len, total);
        assert_int_equal(b.p[total - 1], '.');
    }
    buf_clear(&b);
}

static void the_maximum_holds_and_the_failure_sticks(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10);
    assert_true(buf_append_str(&b, "12345678"));
    assert_false(buf_append_str(&b, "abc"));
    assert_true(b.failed);
    assert_int_equal(b.len, 8);
    assert_false(buf_append_str(&b, "a")); /* would fit, but nothing is written any more */
    assert_false(buf_printf(&b, "%d", 1));
    assert_false(buf_append_hex(&b, "", 0));
    assert_null(buf_extend(&b, 0));
    assert_int_equal(b.len, 8);
    buf_reset(&b);
    assert_true(buf_append_str(&b, "1234567890"));
    assert_true(b.cap <= 10);
    assert_false(buf_extend(&b, SIZE_MAX));
    buf_clear(&b);
    assert_false(b.failed);
    assert_false(buf_append_hex(&b, "", SIZE_MAX));
    buf_clear(&b);
    buf_init(&b, 0);
    assert_non_null(buf_extend(&b, 0));
    assert_false(buf_append_str(&b, "x"));
    buf_clear(&b);
}

static void grows_in_steps(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 20);
    for (uint32_t i = 0; i < 100000; i++)
        assert_true(buf_append(&b, &i, sizeof(i)));
    for (uint32_t i = 0; i < 100000; i++)
        assert_memory_equal(b.p + (size_t)4 * i, &i, sizeof(i));
    buf_clear(&b);
}

static void json_strings_are_ascii(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 256);
    assert_true(buf_append_json_str(&b, "a\"b\\c\n\x7f\xc3\xa9 z"));
    assert_int_equal(b.len, strlen("\"a\\u0022b\\u005cc\\u000a\\u007f\\u00c3\\u00a9 z\""));
    assert_memory_equal(b.p, "\"a\\u0022b\\u005cc\\u000a\\u007f\\u00c3\\u00a9 z\"", b.len);
    buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_strings_are_ascii),
        cmocka_unit_test(appends_add_up),
        cmocka_unit_test(long_formats),
        cmocka_unit_test(the_maximum_holds_and_the_failure_sticks),
        cmocka_unit_test(grows_in_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
