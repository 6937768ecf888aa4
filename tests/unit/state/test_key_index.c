/* The index against a sorted array: lookup, predecessor with a limit, removal; also with keys chosen to cluster. */
#include "node/state/key_index.h"
#include "tests/unit/state/model.h"

#define KEYS 6000u

static struct b256 keys[KEYS];
static uint64_t order[KEYS]; /* ids by key */
static size_t order_cnt;

static const struct key_source source = { keys, sizeof(keys[0]) };

static size_t rank_of(const struct b256 *key)
{
    size_t lo = 0, hi = order_cnt;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (memcmp(keys[order[mid]].b, key->b, 32) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static void check_before(const struct key_index *x, const struct b256 *key, uint64_t limit)
{
    size_t i = rank_of(key);
    uint64_t got = 0;
    while (i > 0 && order[i - 1] >= limit)
        i--;
    assert_int_equal(key_index_before(x, source, key, limit, &got), i > 0);
    if (i > 0)
        assert_int_equal(got, order[i - 1]);
}

static void add(struct key_index *x, uint64_t id)
{
    size_t at = rank_of(&keys[id]);
    memmove(order + at + 1, order + at, (order_cnt - at) * sizeof(order[0]));
    order[at] = id;
    order_cnt++;
    key_index_insert(x, source, &keys[id], id);
}

static void drop(struct key_index *x, uint64_t id)
{
    size_t at = rank_of(&keys[id]);
    assert_int_equal(order[at], id);
    memmove(order + at, order + at + 1, (order_cnt - at - 1) * sizeof(order[0]));
    order_cnt--;
    assert_true(key_index_remove(x, source, &keys[id]));
    assert_false(key_index_remove(x, source, &keys[id]));
}

static void run(uint64_t seed, size_t shared_bytes)
{
    struct key_index x;
    key_index_init(&x);
    order_cnt = 0;
    struct b256 stem = random_word(&seed);
    for (uint64_t i = 0; i < KEYS; i++) {
        keys[i] = random_word(&seed);
        if (i % 3) /* a third is spread evenly */
            memcpy(keys[i].b, stem.b, shared_bytes);
        add(&x, i);
        uint64_t got, probe = random_u64(&seed) % (i + 1);
        assert_true(key_index_find(&x, source, &keys[probe], &got));
        assert_int_equal(got, probe);
        struct b256 absent = random_word(&seed);
        memcpy(absent.b, keys[probe].b, random_u64(&seed) % 32);
        absent.b[31] = keys[probe].b[31] ^ 1;
        assert_false(key_index_find(&x, source, &absent, &got));
        check_before(&x, &absent, UINT64_MAX);
        check_before(&x, &keys[probe], UINT64_MAX);
        check_before(&x, &absent, random_u64(&seed) % (i + 2));
    }
    assert_int_equal(x.count, KEYS);
    /* the directory stays near one slot per key however the keys are chosen */
    assert_true(((uint64_t)1 << x.bits) <= 4u * KEYS);
    assert_true(x.bytes < 60u * KEYS);
    for (uint64_t i = KEYS; i-- > 0;) {
        uint64_t got;
        drop(&x, i);
        assert_false(key_index_find(&x, source, &keys[i], &got));
        check_before(&x, &keys[i], UINT64_MAX);
    }
    assert_int_equal(x.count, 0);
    key_index_clear(&x);
}

static void uniform(void **unused)
{
    (void)unused;
    run(1, 0);
}

static void clustered_in_first_word(void **unused)
{
    (void)unused;
    run(2, 5);
}

static void clustered_beyond_prefix(void **unused)
{
    (void)unused;
    run(3, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uniform),
        cmocka_unit_test(clustered_in_first_word),
        cmocka_unit_test(clustered_beyond_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
