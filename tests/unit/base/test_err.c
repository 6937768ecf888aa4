/* tests/unit/base/test_err.c */
#include "tests/unit/base/testing.h"

#include "node/base/err.h"

static void set_and_wrap(void **state)
{
    (void)state;
    struct err e;
    assert_false(err_set(&e, ERR_INVALID, "field %s is %d", "x", 7));
    assert_int_equal(e.kind, ERR_INVALID);
    assert_int_equal(e.code, 0);
    assert_string_equal(e.msg, "field x is 7");
    assert_false(err_wrap(&e, "batch %u", 9u));
    assert_string_equal(e.msg, "batch 9: field x is 7");
    assert_int_equal(e.kind, ERR_INVALID);
    assert_false(err_set_code(&e, ERR_REJECTED, -32000, "no: %s", e.msg)); /* over itself */
    assert_string_equal(e.msg, "no: batch 9: field x is 7");
    assert_int_equal(e.code, -32000);
    assert_false(err_wrap(&e, "outer"));
    assert_int_equal(e.code, -32000);
}

static void null_is_allowed(void **state)
{
    (void)state;
    assert_false(err_set(NULL, ERR_LOCAL, "%d", 1));
    assert_false(err_set_code(NULL, ERR_LOCAL, 1, "%d", 1));
    assert_false(err_wrap(NULL, "%d", 1));
}

static void long_texts_are_cut_with_dots(void **state)
{
    (void)state;
    char text[2000];
    struct err e;
    for (size_t len = ERR_MSG_CAP - 5; len < ERR_MSG_CAP + 5; len++) {
        memset(text, 'a', sizeof(text));
        text[len] = '\0';
        (void)err_set(&e, ERR_LOCAL, "%s", text);
        if (len < ERR_MSG_CAP) {
            assert_string_equal(e.msg, text);
        } else {
            assert_int_equal(strlen(e.msg), ERR_MSG_CAP - 1);
            assert_string_equal(e.msg + ERR_MSG_CAP - 4, "...");
            assert_int_equal(e.msg[ERR_MSG_CAP - 5], 'a');
        }
    }
    (void)err_set(&e, ERR_LOCAL, "end");
    text[ERR_MSG_CAP - 8] = '\0';
    (void)err_wrap(&e, "%s", text);
    assert_int_equal(strlen(e.msg), ERR_MSG_CAP - 3);
    for (int i = 0; i < 40; i++)
        (void)err_wrap(&e, "a context of some length, number %d", i);
    assert_int_equal(strlen(e.msg), ERR_MSG_CAP - 1);
    assert_memory_equal(e.msg, "a context of some length, number 39: ", 37);
    assert_string_equal(e.msg + ERR_MSG_CAP - 4, "...");
}

static void kinds_have_names(void **state)
{
    (void)state;
    assert_string_equal(err_kind_name(ERR_NONE), "none");
    assert_string_equal(err_kind_name(ERR_TRANSIENT), "transient");
    assert_string_equal(err_kind_name(ERR_REJECTED), "rejected");
    assert_string_equal(err_kind_name(ERR_INVALID), "invalid");
    assert_string_equal(err_kind_name(ERR_DIVERGED), "diverged");
    assert_string_equal(err_kind_name(ERR_LOCAL), "local");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_and_wrap),
        cmocka_unit_test(null_is_allowed),
        cmocka_unit_test(long_texts_are_cut_with_dots),
        cmocka_unit_test(kinds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
