/* tests/vectors/recorded/recorded.c */
#include "tests/vectors/recorded/recorded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "node/base/hex.h"

void recorded_path(char out[RECORDED_PATH_CAP], const char *name)
{
    const char *shared = getenv("GH_SHARED"); /* one thread; NOLINT(concurrency-mt-unsafe) */
    int n = snprintf(out, RECORDED_PATH_CAP, "%s/%s", shared ? shared : "../shared", name);
    assert_in_range(n, 1, RECORDED_PATH_CAP - 1);
}

bool recorded_present(const char *what)
{
    char path[RECORDED_PATH_CAP];
    struct stat st;
    recorded_path(path, "vectors");
    if (stat(path, &st) == 0)
        return true;
    printf("SKIP: %s (recorded data folder absent)\n", what);
    return false;
}

json_t *recorded_load(const char *name, size_t flags)
{
    char path[RECORDED_PATH_CAP];
    json_error_t at;
    recorded_path(path, name);
    json_t *j = json_load_file(path, flags, &at);
    if (!j)
        fail_msg("%s: line %d: %s", path, at.line, at.text);
    return j;
}

json_t *json_need(const json_t *o, const char *key)
{
    json_t *v = json_object_get(o, key);
    if (!v)
        fail_msg("no member %s", key);
    return v;
}

static const char *text_of(const json_t *v)
{
    const char *s = json_string_value(v);
    if (!s)
        fail_msg("not a text");
    return s;
}

struct bytes json_hex(struct arena *a, const json_t *v)
{
    const char *s = text_of(v);
    size_t cap = strlen(s) / 2 + 1, len = 0;
    uint8_t *p = arena_alloc(a, cap);
    assert_non_null(p);
    if (!hex_decode(p, cap, &len, s, strlen(s)))
        fail_msg("not bytes: %.80s", s);
    return bytes_of(p, len);
}

struct b256 json_b256(const json_t *v)
{
    struct b256 r = { { 0 } };
    const char *s = text_of(v);
    if (!hex_decode_exact(r.b, sizeof r.b, s, strlen(s)))
        fail_msg("not 32 bytes: %.80s", s);
    return r;
}

struct addr json_addr(const json_t *v)
{
    struct addr r = { { 0 } };
    const char *s = text_of(v);
    if (!hex_decode_exact(r.b, sizeof r.b, s, strlen(s)))
        fail_msg("not an address: %.80s", s);
    return r;
}

struct u256 json_u256(const json_t *v)
{
    struct u256 r = U256_ZERO;
    if (!v)
        return r;
    if (json_is_integer(v))
        return u256_of_u64((uint64_t)json_integer_value(v));
    const char *s = text_of(v);
    if (strncmp(s, "0x", 2) == 0 ? !hex_parse_quantity(&r, s, strlen(s), true)
                                 : !u256_parse_dec(&r, s, strlen(s)))
        fail_msg("not a number: %.80s", s);
    return r;
}

uint64_t json_u64(const json_t *v)
{
    struct u256 r = json_u256(v);
    assert_true(u256_fits_u64(&r));
    return r.w[0];
}
