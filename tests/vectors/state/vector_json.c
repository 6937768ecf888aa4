#include "tests/vectors/state/vector_json.h"

uint8_t *bytes_text(const json_t *text, size_t *len)
{
    assert_true(json_is_string(text));
    size_t cap = json_string_length(text) / 2 + 1;
    uint8_t *p = malloc(cap);
    assert_non_null(p);
    assert_true(hex_decode(p, cap, len, json_string_value(text), json_string_length(text)));
    return p;
}

void assert_word(const struct b256 *got, const struct b256 *want, const char *what)
{
    char a[67], b[67];
    if (b256_eq(got, want))
        return;
    hex_encode0x(a, got->b, 32);
    hex_encode0x(b, want->b, 32);
    fail_msg("%s: got %s, want %s", what, a, b);
}

void assert_fine(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s", err->msg);
}
