#include "tests/vectors/state/vector_json.h"

#include <sys/stat.h>

bool vector_path(char out[4096], const char *name, const char *what)
{
    const char *shared = getenv("GH_SHARED");
    struct stat st;
    snprintf(out, 4096, "%s/%s", shared ? shared : "../shared", name);
    if (stat(out, &st) == 0)
        return true;
    printf("SKIP: %s (recorded data folder absent)\n", what);
    return false;
}

json_t *vector_load(const char *path)
{
    json_error_t at;
    json_t *j = json_load_file(path, 0, &at);
    if (!j)
        fail_msg("%s: line %d: %s", path, at.line, at.text);
    return j;
}

json_t *member(const json_t *obj, const char *name)
{
    json_t *j = json_object_get(obj, name);
    if (!j)
        fail_msg("no member %s", name);
    return j;
}

struct b256 word(const json_t *text)
{
    struct b256 w = { { 0 } };
    assert_true(json_is_string(text));
    if (!hex_decode_exact(w.b, 32, json_string_value(text), json_string_length(text)))
        fail_msg("%s is not 32 bytes", json_string_value(text));
    return w;
}

struct b256 word_at(const json_t *obj, const char *name)
{
    return word(member(obj, name));
}

struct addr addr_at(const json_t *obj, const char *name)
{
    const json_t *j = member(obj, name);
    struct addr a = { { 0 } };
    assert_true(hex_decode_exact(a.b, 20, json_string_value(j), json_string_length(j)));
    return a;
}

uint64_t number_at(const json_t *obj, const char *name)
{
    const json_t *j = member(obj, name);
    if (json_is_integer(j))
        return (uint64_t)json_integer_value(j);
    struct u256 v;
    assert_true(json_is_string(j));
    assert_true(hex_parse_quantity(&v, json_string_value(j), json_string_length(j), true));
    assert_true(u256_fits_u64(&v));
    return v.w[0];
}

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
