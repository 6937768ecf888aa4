/* tests/unit/base/test_map.c: the map against an array that is searched from the front. */
#include "tests/unit/base/testing.h"

#include <stdbool.h>

#include "node/base/map.h"

#define KEYS 600

struct counting {
    size_t live, failures_after;
};

static void *counting_alloc(void *ctx, size_t n)
{
    struct counting *c = ctx;
    if (c->failures_after == 0)
        return NULL;
    c->failures_after--;
    c->live += n;
    return malloc(n);
}

static void counting_release(void *ctx, void *p, size_t n)
{
    struct counting *c = ctx;
    c->live -= n;
    free(p);
}

struct model {
    uint8_t key[KEYS][64];
    uint64_t value[KEYS];
    bool present[KEYS];
    size_t count;
};

static void assert_same(const struct map *m, const struct model *want, size_t key_len)
{
    const void *key;
    void *val;
    size_t seen = 0;
    for (size_t i = 0; map_next(m, &i, &key, &val);) {
        bool found = false;
        for (size_t k = 0; k < KEYS && !found; k++) {
            found = want->present[k] && memcmp(want->key[k], key, key_len) == 0;
            if (found)
                assert_true(memcmp(val, &want->value[k], 8) == 0);
        }
        assert_true(found);
        seen++;
    }
    assert_int_equal(seen, want->count);
    assert_int_equal(m->count, want->count);
    for (size_t k = 0; k < KEYS; k++)
        assert_int_equal(map_find(m, want->key[k]) != NULL, want->present[k]);
}

static void random_operations(size_t key_len, uint64_t seed, bool clustered)
{
    static struct model want;
    struct counting c = { 0, SIZE_MAX };
    struct map m;
    uint64_t rng = seed + key_len;
    memset(&want, 0, sizeof(want));
    for (size_t k = 0; k < KEYS; k++) {
        if (!clustered)
            test_random_bytes(&rng, want.key[k], key_len);
        want.key[k][key_len - 1] = (uint8_t)k; /* no two the same */
        want.key[k][0] = (uint8_t)(k >> 8);
    }
    map_init(&m, key_len, 8, seed, counting_alloc, counting_release, &c);
    assert_null(map_find(&m, want.key[0]));
    assert_false(map_remove(&m, want.key[0]));
    for (int step = 0; step < 20000; step++) {
        size_t k = test_random(&rng) % KEYS;
        /* grows for a while, then shrinks, then grows again */
        bool remove = test_random(&rng) % 100 < (uint64_t)(step / 4000 % 2 ? 70 : 30);
        if (remove) {
            assert_int_equal(map_remove(&m, want.key[k]), want.present[k]);
            want.count -= want.present[k];
            want.present[k] = false;
        } else {
            bool inserted;
            uint64_t *v = map_put(&m, want.key[k], &inserted);
            assert_non_null(v);
            assert_int_equal((uintptr_t)v & 7, 0);
            assert_int_equal(inserted, !want.present[k]);
            assert_true(*v == (want.present[k] ? want.value[k] : 0));
            *v = want.value[k] = test_random(&rng);
            want.count += !want.present[k];
            want.present[k] = true;
        }
        if (step % 1000 == 0)
            assert_same(&m, &want, key_len);
    }
    assert_same(&m, &want, key_len);
    map_empty(&m);
    assert_int_equal(m.count, 0);
    assert_null(map_find(&m, want.key[1]));
    assert_non_null(map_put(&m, want.key[1], NULL));
    map_clear(&m);
    assert_int_equal(c.live, 0);
    assert_non_null(map_put(&m, want.key[1], NULL));
    map_clear(&m);
    assert_int_equal(c.live, 0);
}

static void all_key_lengths(void **state)
{
    (void)state;
    for (size_t key_len = 2; key_len <= 64; key_len += key_len < 24 ? 1 : 4)
        random_operations(key_len, 0, false);
    random_operations(32, 0x1234567890abcdef, false);
    random_operations(52, 0, true);
    random_operations(32, 0, true);
}

static void out_of_memory_keeps_the_content(void **state)
{
    (void)state;
    struct counting c = { 0, 2 };
    struct map m;
    map_init(&m, 8, 8, 1, counting_alloc, counting_release, &c);
    uint64_t k = 0;
    for (;; k++) {
        uint64_t *v = map_put(&m, &k, NULL);
        if (!v)
            break;
        *v = k * 3;
    }
    assert_int_equal(k, 24); /* two tables: 16 slots, then 32, three quarters full */
    assert_int_equal(m.count, k);
    for (uint64_t i = 0; i < k; i++) {
        bool inserted = true;
        const uint64_t *v = map_put(&m, &i, &inserted);
        assert_true(v && *v == i * 3 && !inserted);
    }
    assert_null(map_find(&m, &k));
    map_clear(&m);
    assert_int_equal(c.live, 0);
}

static void a_set_has_no_values(void **state)
{
    (void)state;
    struct map m;
    map_init_host(&m, 20, 0);
    uint8_t key[20] = { 0 };
    for (int i = 0; i < 1000; i++) {
        bool inserted = false;
        memcpy(key + 7, &i, sizeof(i));
        assert_non_null(map_put(&m, key, &inserted));
        assert_true(inserted);
    }
    assert_int_equal(m.count, 1000);
    for (int i = 0; i < 1000; i += 2) {
        memcpy(key + 7, &i, sizeof(i));
        assert_true(map_remove(&m, key));
    }
    for (int i = 0; i < 1000; i++) {
        memcpy(key + 7, &i, sizeof(i));
        assert_int_equal(map_find(&m, key) != NULL, i % 2);
    }
    map_clear(&m);
}

static void host_seeds_differ(void **state)
{
    (void)state;
    struct map a, b;
    map_init_host(&a, 8, 8);
    map_init_host(&b, 8, 8);
    assert_true(a.seed != b.seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_key_lengths),
        cmocka_unit_test(out_of_memory_keeps_the_content),
        cmocka_unit_test(a_set_has_no_values),
        cmocka_unit_test(host_seeds_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
