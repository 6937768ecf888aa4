#include "tests/unit/abi/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "node/base/hex.h"

json_t *json_open(const char *path)
{
    const char *root = getenv("GH_SHARED");
    if (!root || access(root, R_OK) != 0) {
        (void)printf("SKIP: %s (recorded data folder absent)\n", path);
        exit(77);
    }
    char full[4096];
    (void)snprintf(full, sizeof full, "%s/%s", root, path);
    json_error_t e;
    json_t *j = json_load_file(full, 0, &e);
    if (!j)
        fail_msg("%s: %s", full, e.text);
    return j;
}

json_t *json_need(const json_t *o, const char *key)
{
    json_t *v = json_object_get(o, key);
    if (!v)
        fail_msg("no \"%s\"", key);
    return v;
}

struct bytes json_hex(struct arena *a, const json_t *v)
{
    const char *s = json_string_value(v);
    assert_non_null(s);
    size_t cap = strlen(s) / 2 + 1, len = 0;
    uint8_t *p = arena_alloc(a, cap);
    assert_non_null(p);
    assert_true(hex_decode(p, cap, &len, s, strlen(s)));
    return bytes_of(p, len);
}

struct b256 json_b256(const json_t *v)
{
    struct b256 r;
    const char *s = json_string_value(v);
    assert_non_null(s);
    assert_true(hex_decode_exact(r.b, sizeof r.b, s, strlen(s)));
    return r;
}

struct addr json_addr(const json_t *v)
{
    struct addr r;
    const char *s = json_string_value(v);
    assert_non_null(s);
    assert_true(hex_decode_exact(r.b, sizeof r.b, s, strlen(s)));
    return r;
}

struct u256 json_u256(const json_t *v)
{
    struct u256 r = U256_ZERO;
    if (!v)
        return r;
    if (json_is_integer(v))
        return u256_of_u64((uint64_t)json_integer_value(v));
    const char *s = json_string_value(v);
    assert_non_null(s);
    if (strncmp(s, "0x", 2) == 0)
        assert_true(hex_parse_quantity(&r, s, strlen(s), true));
    else
        assert_true(u256_parse_dec(&r, s, strlen(s)));
    return r;
}

uint64_t json_u64(const json_t *v)
{
    struct u256 r = json_u256(v);
    assert_true(u256_fits_u64(&r));
    return r.w[0];
}

struct abi_b256_list json_b256_list(struct arena *a, const json_t *v)
{
    size_t n = json_array_size(v);
    struct b256 *items = arena_alloc(a, n * sizeof *items);
    assert_non_null(items);
    for (size_t i = 0; i < n; i++)
        items[i] = json_b256(json_array_get(v, i));
    return (struct abi_b256_list){ items, n };
}

struct abi_log_view json_log(struct arena *a, const json_t *v)
{
    struct abi_b256_list topics = json_b256_list(a, json_need(v, "topics"));
    return (struct abi_log_view){ topics.items, topics.cnt, json_hex(a, json_need(v, "data")) };
}

void check_bytes_eq(struct bytes got, struct bytes want)
{
    assert_int_equal(got.len, want.len);
    if (want.len > 0)
        assert_memory_equal(got.p, want.p, want.len);
}
