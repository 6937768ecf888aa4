/* tests/bench/node/load_json.c */
#include "tests/bench/node/load_json.h"

#include <stdio.h>

#include "node/base/hex.h"

const char *load_json_next(struct bytes json, size_t *at, const char *key)
{
    size_t len = strlen(key);
    const char *text = (const char *)json.p, *end = text + json.len;
    for (const char *p = text + *at; (p = memmem(p, (size_t)(end - p), key, len)); p += len) {
        const char *q = p + len + 1;
        if (p == text || p[-1] != '"' || q >= end || q[-1] != '"')
            continue;
        while (q < end && (*q == ' ' || *q == ':' || *q == '\n'))
            q++;
        *at = (size_t)(q - text);
        return q < end ? q : NULL;
    }
    *at = json.len;
    return NULL;
}

bool load_json_u64(struct bytes json, size_t *at, const char *key, uint64_t *out)
{
    struct u256 v;
    const char *p = load_json_next(json, at, key);
    if (!p || *p != '"')
        return false;
    size_t left = json.len - *at - 1;
    const char *close = memchr(p + 1, '"', left);
    if (!close || !hex_parse_quantity(&v, p + 1, (size_t)(close - p - 1), true) ||
        !u256_fits_u64(&v))
        return false;
    *out = v.w[0];
    return true;
}

bool load_json_b256(struct bytes json, size_t *at, size_t end, struct b256 *out)
{
    const char *text = (const char *)json.p;
    while (*at + 66 <= end) {
        const char *p = memmem(text + *at, end - *at, "0x", 2);
        if (!p)
            return false;
        *at = (size_t)(p - text);
        if (*at + 66 > end)
            return false;
        if (hex_decode_exact(out->b, 32, p, 66)) {
            *at += 66;
            return true;
        }
        *at += 2;
    }
    return false;
}

void load_json_error(struct bytes json, char *out, size_t cap)
{
    size_t at = 0;
    const char *p = load_json_next(json, &at, "message");
    size_t left = json.len - at;
    if (p && *p == '"') {
        const char *close = memchr(p + 1, '"', left - 1);
        size_t len = close ? (size_t)(close - p - 1) : left - 1;
        snprintf(out, cap, "%.*s", (int)(len < cap ? len : cap - 1), p + 1);
        return;
    }
    snprintf(out, cap, "%.*s", (int)(json.len < cap ? json.len : cap - 1), (const char *)json.p);
}
