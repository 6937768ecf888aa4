/* tests/statetest/trie_tests.c
 *
 *   trie_tests FILE.json...
 *
 * The runner's own trie against the public trie tests: insertions and deletions are applied to a
 * plain map first, since the trie is only ever built from a finished set. Keys and values starting
 * with 0x are hexadecimal, others text; files named *secure* hash their keys. Prints "N passed, M
 * failed". */
#include "node/base/hex.h"
#include "tests/statetest/mpt.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define ITEM_CAP 4096u

struct set {
    struct mpt_item items[ITEM_CAP];
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

static bool run_test(const char *name, json_t *test, bool is_secure, struct arena *arena)
{
    static struct set s;
    struct b256 want;
    json_t *in = json_object_get(test, "in"), *value;
    const char *root = json_string_value(json_object_get(test, "root")), *key;
    s.n = 0;
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
    if (!b256_eq(&got, &want))
        printf("FAIL %s\n", name);
    return b256_eq(&got, &want);
}

int main(int argc, char **argv)
{
    size_t passed = 0, failed = 0;
    struct arena arena;
    arena_init_growing(&arena, (size_t)1 << 20, (size_t)64 << 20);
    for (int i = 1; i < argc; i++) {
        json_error_t e;
        json_t *root = json_load_file(argv[i], 0, &e), *test;
        const char *name, *file = strrchr(argv[i], '/');
        file = file ? file : argv[i];
        bool is_secure = strstr(file, "secure") || strstr(file, "Secure");
        if (!root) {
            printf("FAIL %s: %s\n", argv[i], e.text);
            failed++;
            continue;
        }
        json_object_foreach(root, name, test)
        {
            if (run_test(name, test, is_secure, &arena))
                passed++;
            else
                failed++;
            arena_reset(&arena);
        }
        json_decref(root);
    }
    arena_clear(&arena);
    printf("%zu passed, %zu failed\n", passed, failed);
    return passed && !failed ? 0 : 1;
}
