#include "node/base/hex.h"
#include "tests/statetest/mpt.h"
#include "tests/statetest/suites.h"

#include <stdio.h>
#include <string.h>

#define ITEM_CAP 4096u

struct set {
    struct mpt_item *items;
    size_t n;
};

static struct bytes parse(const char *s, struct arena *arena)
{
    size_t len = strlen(s);
    uint8_t *p = arena_alloc(arena, len + 1);
    CHECK(p);
    if (strncmp(s, "0x", 2) == 0) {
        CHECK(hex_decode(p, len + 1, &len, s, len));
        return bytes_of(p, len);
    }
    memcpy(p, s, len);
    return bytes_of(p, len);
}

/* value NULL: delete */
static void set_apply(struct set *s, const char *key, const char *value, bool is_secure,
                      struct arena *arena)
{
    struct bytes k = parse(key, arena);
    if (is_secure) {
        struct b256 h = keccak256(k.p, k.len);
        k = bytes_of(arena_copy(arena, h.b, 32), 32);
    }
    size_t i = 0;
    while (i < s->n && !bytes_eq(s->items[i].key, k))
        i++;
    if (!value || !*value) {
        if (i < s->n)
            s->items[i] = s->items[--s->n];
        return;
    }
    CHECK(i < ITEM_CAP);
    s->items[i] = (struct mpt_item){ k, parse(value, arena) };
    if (i == s->n)
        s->n++;
}

bool suite_trie(json_t *test, bool is_secure, struct arena *arena, char *why)
{
    struct set s = { arena_zalloc(arena, ITEM_CAP * sizeof(struct mpt_item)), 0 };
    struct b256 want;
    json_t *in = json_object_get(test, "in"), *value;
    const char *root = json_string_value(json_object_get(test, "root")), *key;
    CHECK(s.items);
    (void)snprintf(why, RUN_WHY_CAP, "malformed root");
    if (!root || !hex_decode_exact(want.b, 32, root, strlen(root)))
        return false;
    if (json_is_object(in)) {
        json_object_foreach(in, key, value)
        {
            set_apply(&s, key, json_string_value(value), is_secure, arena);
        }
    } else {
        for (size_t i = 0; i < json_array_size(in); i++) {
            const json_t *step = json_array_get(in, i);
            set_apply(&s, json_string_value(json_array_get(step, 0)),
                      json_string_value(json_array_get(step, 1)), is_secure, arena);
        }
    }
    struct b256 got = mpt_root(s.items, s.n, arena);
    char hex[67];
    hex_encode0x(hex, got.b, 32);
    (void)snprintf(why, RUN_WHY_CAP, "root: %s", hex);
    return b256_eq(&got, &want);
}
