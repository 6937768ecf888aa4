/* tests/vectors/interop/vectors.h   (tests) */
#ifndef GH_TEST_INTEROP_VECTORS_H
#define GH_TEST_INTEROP_VECTORS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/base/hex.h"
#include "tests/vectors/recorded/recorded.h"

/* Texts with a NUL in them are among what was recorded. */
static inline json_t *vectors_load(const char *name)
{
    return recorded_load(name, JSON_ALLOW_NUL);
}

static inline json_t *json_unconst(const json_t *v)
{
    json_t *m;
    memcpy(&m, &v, sizeof(m));
    return m;
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

/* The words of a list; *n their number. */
static inline void words_of(struct b256 *out, size_t cap, size_t *n, const json_t *list)
{
    const json_t *v;
    size_t i;
    assert_true(json_array_size(list) <= cap);
    json_array_foreach(list, i, v) out[i] = json_b256(v);
    *n = json_array_size(list);
}

static inline void assert_hash(const struct b256 *have, const struct b256 *want)
{
    assert_memory_equal(have->b, want->b, 32);
}

#endif
