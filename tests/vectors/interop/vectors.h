/* tests/vectors/interop/vectors.h   (tests) */
#ifndef GH_TEST_INTEROP_VECTORS_H
#define GH_TEST_INTEROP_VECTORS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "node/base/hex.h"

/* NULL when the folder with recorded data is absent. */
static inline json_t *vectors_load(const char *name)
{
    const char *shared = getenv("GH_SHARED");
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", shared ? shared : "", name);
    return json_load_file(path, JSON_ALLOW_NUL, NULL);
}

static inline json_t *json_unconst(const json_t *v)
{
    json_t *m;
    memcpy(&m, &v, sizeof(m));
    return m;
}

static inline struct b256 hash_of(const json_t *v)
{
    struct b256 h = { { 0 } };
    const char *s = json_string_value(v);
    if (!s || !hex_decode_exact(h.b, 32, s, strlen(s)))
        fail_msg("not a hash: %s", s ? s : "(nothing)");
    return h;
}

static inline struct addr addr_of(const json_t *v)
{
    struct addr a = { { 0 } };
    const char *s = json_string_value(v);
    if (!s || !hex_decode_exact(a.b, 20, s, strlen(s)))
        fail_msg("not an address: %s", s ? s : "(nothing)");
    return a;
}

/* Decimal text or a JSON number. */
static inline uint64_t number_of(const json_t *v)
{
    if (json_is_integer(v))
        return (uint64_t)json_integer_value(v);
    const char *s = json_string_value(v);
    if (!s)
        fail_msg("not a number");
    return strtoull(s ? s : "0", NULL, 0);
}

/* malloc'ed */
static inline struct bytes bytes_of_hex(const json_t *v)
{
    const char *s = json_string_value(v);
    size_t cap = s ? strlen(s) / 2 + 1 : 1, n = 0;
    uint8_t *p = malloc(cap);
    if (!s || !p || !hex_decode(p, cap, &n, s, strlen(s)))
        fail_msg("not bytes: %.80s", s ? s : "(nothing)");
    return bytes_of(p, n);
}

static inline void bytes_free(struct bytes b)
{
    void *p;
    memcpy(&p, &b.p, sizeof(p));
    free(p);
}

static inline const json_t *get(const json_t *j, const char *key)
{
    const json_t *v = json_object_get(j, key);
    if (!v)
        fail_msg("no member %s", key);
    return v;
}

/* The words of a list; *n their number. */
static inline void words_of(struct b256 *out, size_t cap, size_t *n, const json_t *list)
{
    const json_t *v;
    size_t i;
    assert_true(json_array_size(list) <= cap);
    json_array_foreach(list, i, v) out[i] = hash_of(v);
    *n = json_array_size(list);
}

static inline void assert_hash(const struct b256 *have, const struct b256 *want)
{
    assert_memory_equal(have->b, want->b, 32);
}

#endif
