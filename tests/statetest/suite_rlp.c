#include "node/base/hex.h"
#include "node/base/rlp.h"
#include "tests/statetest/suites.h"

#include <stdio.h>
#include <string.h>

#define DEPTH_CAP 1024u

/* Decimal digits as a minimal big-endian number of any size. */
static bool parse_decimal(struct bytes *out, const char *s, struct arena *arena)
{
    size_t len = strlen(s), n = 0; /* bytes in use, little-endian */
    uint8_t *p = arena_zalloc(arena, len + 1);
    CHECK(p);
    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        unsigned carry = (unsigned)(s[i] - '0');
        for (size_t k = 0; k < n || carry; k++) {
            carry += 10u * p[k];
            p[k] = (uint8_t)carry;
            carry >>= 8;
            n = k + 1 > n ? k + 1 : n;
        }
    }
    for (size_t k = 0; k < n / 2; k++) {
        uint8_t t = p[k];
        p[k] = p[n - 1 - k];
        p[n - 1 - k] = t;
    }
    *out = bytes_of(p, n);
    return true;
}

/* The bytes a text or number stands for. */
static bool scalar_bytes(struct bytes *out, const json_t *v, struct arena *arena)
{
    char digits[32];
    if (json_is_integer(v) && json_integer_value(v) >= 0) {
        (void)snprintf(digits, sizeof(digits), "%lld", (long long)json_integer_value(v));
        return parse_decimal(out, digits, arena);
    }
    const char *s = json_string_value(v);
    if (!s)
        return false;
    if (s[0] == '#')
        return parse_decimal(out, s + 1, arena);
    *out = bytes_of((const uint8_t *)s, json_string_length(v));
    return true;
}

/* Empty when the value is none of the suite's. */
static struct bytes encode(const json_t *v, struct arena *arena)
{
    struct bytes none = bytes_of(NULL, 0), scalar;
    if (!json_is_array(v)) {
        if (!scalar_bytes(&scalar, v, arena))
            return none;
        uint8_t *out = arena_alloc(arena, rlp_string_size(scalar));
        CHECK(out);
        return bytes_of(out, rlp_write_string(out, scalar));
    }
    size_t n = json_array_size(v), payload = 0;
    struct bytes *items = arena_zalloc(arena, n * sizeof(*items) + 1);
    CHECK(items);
    for (size_t i = 0; i < n; i++) {
        items[i] = encode(json_array_get(v, i), arena);
        if (!items[i].len)
            return none;
        payload += items[i].len;
    }
    uint8_t *out = arena_alloc(arena, rlp_list_size(payload));
    CHECK(out);
    size_t len = rlp_write_list_header(out, payload);
    for (size_t i = 0; i < n; i++) {
        memcpy(out + len, items[i].p, items[i].len);
        len += items[i].len;
    }
    return bytes_of(out, len);
}

/* Reads every item below; false at the first fault. */
static bool walk(struct rlp_reader *r, unsigned depth)
{
    while (r->ok && !rlp_at_end(r)) {
        if (!rlp_next_is_list(r)) {
            (void)rlp_read_string(r);
            continue;
        }
        struct rlp_reader list = rlp_read_list(r);
        if (depth == DEPTH_CAP || !list.ok || !walk(&list, depth + 1))
            return false;
    }
    return rlp_finish(r);
}

static bool is_one_item(struct bytes in)
{
    struct rlp_reader probe = rlp_reader_of(in), r = probe;
    (void)rlp_read_raw(&probe);
    return in.len && rlp_finish(&probe) && walk(&r, 0);
}

/* The next item is this value. */
static bool reads_as(struct rlp_reader *r, const json_t *v, struct arena *arena)
{
    struct bytes want;
    if (!json_is_array(v)) {
        bool is_list = rlp_next_is_list(r);
        return !is_list && scalar_bytes(&want, v, arena) && bytes_eq(rlp_read_string(r), want) &&
               r->ok;
    }
    if (!rlp_next_is_list(r))
        return false;
    struct rlp_reader list = rlp_read_list(r);
    for (size_t i = 0; i < json_array_size(v); i++) {
        if (!reads_as(&list, json_array_get(v, i), arena))
            return false;
    }
    return rlp_finish(&list);
}

static bool fails(char *why, const char *text)
{
    (void)snprintf(why, RUN_WHY_CAP, "%s", text);
    return false;
}

bool suite_rlp(const json_t *test, struct arena *arena, char *why)
{
    const json_t *in = json_object_get(test, "in");
    const char *hex = json_string_value(json_object_get(test, "out"));
    const char *word = json_string_value(in);
    if (!hex || !in)
        return fails(why, "no encoding or value");
    size_t len = strlen(hex), n;
    uint8_t *p = arena_alloc(arena, len / 2 + 1);
    CHECK(p);
    if (!hex_decode(p, len / 2 + 1, &n, hex, len))
        return fails(why, "malformed hex");
    struct bytes out = bytes_of(p, n);
    if (word && strcmp(word, "INVALID") == 0)
        return !is_one_item(out) || fails(why, "reads, should be refused");
    if (!is_one_item(out))
        return fails(why, "does not read");
    if (word && strcmp(word, "VALID") == 0)
        return true;
    if (!bytes_eq(encode(in, arena), out))
        return fails(why, "is written otherwise");
    struct rlp_reader r = rlp_reader_of(out);
    if (!reads_as(&r, in, arena) || !rlp_finish(&r))
        return fails(why, "reads as something else");
    return true;
}
