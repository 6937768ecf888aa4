/* Version chains against plain arrays of every value at every block. */
#include "node/state/versions.h"
#include "tests/unit/state/model.h"

#define THINGS 7u
#define BLOCKS 900u

struct entry {
    struct ver_head head;
    uint64_t value;
};
static uint64_t history[BLOCKS + 1][THINGS]; /* value after block */
static struct ver_link link_after[BLOCKS + 1][THINGS];

static bool changes(uint64_t *seed, unsigned thing)
{
    return thing == 0 || random_u64(seed) % (1u << thing) == 0; /* thing 0: in every block */
}

static uint64_t read_at(const struct ver_log *l, struct ver_link link, uint64_t now, uint64_t n)
{
    const struct ver_head *e = ver_log_find(l, link, n);
    return e ? ((const struct entry *)(const void *)e)->value : now;
}

static void grow(struct ver_log *l, struct ver_link links[THINGS], uint64_t values[THINGS],
                 uint64_t from, uint64_t to, uint64_t *seed)
{
    for (uint64_t b = from; b <= to; b++) {
        ver_log_push(l, (uint32_t)(random_u64(seed) % 3));
        for (unsigned t = 0; t < THINGS; t++) {
            if (changes(seed, t)) {
                struct ver_head *e = ver_log_add(l, &links[t]);
                ((struct entry *)(void *)e)->value = values[t];
                values[t] = random_u64(seed);
            }
            history[b][t] = values[t];
            link_after[b][t] = links[t];
        }
    }
}

static void check_all(const struct ver_log *l, struct ver_link links[THINGS],
                      uint64_t values[THINGS], uint64_t from, uint64_t to)
{
    for (uint64_t n = from; n <= to; n++)
        for (unsigned t = 0; t < THINGS; t++)
            assert_int_equal(read_at(l, links[t], values[t], n), history[n][t]);
}

static void chains(void **unused)
{
    (void)unused;
    struct ver_log l;
    struct ver_link links[THINGS] = { { 0, 0 } };
    uint64_t values[THINGS] = { 0 }, seed = 5;
    ver_log_init(&l, sizeof(struct entry));
    ver_log_start(&l, 0);
    grow(&l, links, values, 1, 500, &seed);
    check_all(&l, links, values, 0, 500);
    ver_log_strip(&l, 120, NULL, NULL);
    ver_log_trim(&l, 120);
    check_all(&l, links, values, 120, 500);
    assert_null(ver_log_at(&l, 119));
    assert_non_null(ver_log_at(&l, 120));

    /* back to 300, links restored by cutting */
    for (unsigned t = 0; t < THINGS; t++) {
        struct ver_link want = link_after[300][t];
        if (want.block <= 120) /* its entry is gone: whatever it says, it must not be newer */
            assert_true(ver_log_cut(&l, links[t], 300).block <= 120);
        else
            assert_int_equal(ver_log_cut(&l, links[t], 300).block, want.block);
        links[t] = ver_log_cut(&l, links[t], 300);
        values[t] = history[300][t];
    }
    while (l.last > 300)
        ver_log_pop(&l);
    check_all(&l, links, values, 120, 300);
    grow(&l, links, values, 301, BLOCKS, &seed);
    check_all(&l, links, values, 120, BLOCKS);
    ver_log_strip(&l, BLOCKS, NULL, NULL);
    assert_int_equal(l.bytes, 0);
    ver_log_clear(&l);
}

/* A thing that changes in every block is found in a few steps from any distance. */
static void jumps_are_logarithmic(void **unused)
{
    (void)unused;
    struct ver_log l;
    struct ver_link link = { 0, 0 };
    ver_log_init(&l, sizeof(struct entry));
    ver_log_start(&l, 0);
    for (unsigned b = 1; b <= 100000; b++) {
        ver_log_push(&l, 1);
        (void)ver_log_add(&l, &link);
    }
    for (uint64_t n = 1; n < 100000; n += 997) {
        unsigned steps = 0;
        struct ver_link at = link;
        while (at.block > n) {
            const struct ver_head *e = ver_block_entry(&l, ver_log_at(&l, at.block), at.pos);
            at = e->jump.block > n ? e->jump : e->prior;
            steps++;
        }
        assert_true(steps < 60);
    }
    ver_log_clear(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains),
        cmocka_unit_test(jumps_are_logarithmic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
