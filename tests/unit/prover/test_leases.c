/* Leases with a clock of the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "settlement/prover/leases.h"

static struct leases l; /* large */

static int setup(void **state)
{
    (void)state;
    leases_init(&l, 1000);
    return 0;
}

static void a_taken_job_is_busy_until_its_time_is_over(void **state)
{
    (void)state;
    assert_true(leases_take(&l, 5, 5, "a", 10));
    assert_true(leases_is_busy(&l, 5));
    assert_false(leases_is_busy(&l, 4));
    assert_false(leases_take(&l, 5, 5, "b", 500));
    leases_expire(&l, 1009);
    assert_true(leases_is_busy(&l, 5));
    leases_expire(&l, 1010);
    assert_false(leases_is_busy(&l, 5));
    assert_int_equal(l.timeouts, 1);
    leases_expire(&l, 9000); /* counted once */
    assert_int_equal(l.timeouts, 1);
    assert_string_equal(leases_find(&l, 5)->prover, "a"); /* still told who is late */
}

static void a_late_job_goes_to_the_next_prover_with_a_full_term(void **state)
{
    (void)state;
    assert_true(leases_take(&l, 5, 5, "a", 0));
    leases_expire(&l, 1000);
    assert_true(leases_take(&l, 5, 5, "b", 1500));
    assert_string_equal(leases_find(&l, 5)->prover, "b");
    leases_expire(&l, 2499);
    assert_true(leases_is_busy(&l, 5));
    leases_expire(&l, 2500);
    assert_false(leases_is_busy(&l, 5));
    assert_int_equal(l.timeouts, 2);
    assert_int_equal(l.taken, 2);
}

static void live_ranges_never_overlap_and_late_ones_give_way(void **state)
{
    (void)state;
    assert_true(leases_take(&l, 4, 7, "a", 0));
    assert_false(leases_take(&l, 1, 4, "b", 1));
    assert_false(leases_take(&l, 7, 9, "b", 1));
    assert_false(leases_take(&l, 5, 6, "b", 1));
    assert_true(leases_take(&l, 1, 3, "b", 1));
    assert_true(leases_take(&l, 8, 9, "c", 1));
    leases_expire(&l, 1000); /* only the first is late */
    assert_false(leases_take(&l, 3, 5, "d", 1000));
    assert_int_equal(l.cnt, 3); /* a refusal changes nothing */
    assert_true(leases_take(&l, 4, 5, "d", 1000));
    assert_null(leases_find(&l, 6));
    assert_string_equal(leases_find(&l, 4)->prover, "d");
}

static void done_work_is_dropped_by_range(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 6; n++)
        assert_true(leases_take(&l, n, n, "a", n));
    leases_drop(&l, 2, 4);
    for (uint64_t n = 1; n <= 6; n++)
        assert_int_equal(leases_is_busy(&l, n), n < 2 || n > 4);
}

static void there_is_a_limit(void **state)
{
    (void)state;
    for (uint64_t n = LEASES_MAX; n > 0; n--)
        assert_true(leases_take(&l, n, n, "a", 0));
    assert_false(leases_take(&l, LEASES_MAX + 1, LEASES_MAX + 1, "a", 0));
    for (size_t i = 0; i < LEASES_MAX; i++)
        assert_int_equal(l.items[i].from, i + 1); /* kept in order */
}

/* Random takes, expiries and drops against a table of one owner a batch. */
static void it_is_what_a_table_says(void **state)
{
    (void)state;
    uint64_t until[64] = { 0 }, now = 1;
    unsigned seed = 7;
    for (int i = 0; i < 20000; i++) {
        uint64_t from = (uint64_t)(rand_r(&seed) % 60), to = from + (uint64_t)(rand_r(&seed) % 4);
        now += (uint64_t)(rand_r(&seed) % 300);
        leases_expire(&l, now);
        if (rand_r(&seed) % 8 == 0) {
            leases_drop(&l, from, from);
            if (until[from] > now) { /* the whole range it belonged to goes */
                uint64_t t = until[from];
                for (uint64_t n = from; n < 64 && until[n] == t; n++)
                    until[n] = 0;
                for (uint64_t n = from; n-- > 0 && until[n] == t;)
                    until[n] = 0;
            }
            continue;
        }
        bool free = true;
        for (uint64_t n = from; n <= to; n++)
            free = free && until[n] <= now;
        now++; /* every lease ends at a time of its own */
        leases_expire(&l, now);
        bool took = leases_take(&l, from, to, "a", now);
        assert_true(took || !free);
        if (took)
            for (uint64_t n = from; n <= to; n++)
                until[n] = now + 1000;
        for (uint64_t n = 0; n < 64; n++)
            assert_int_equal(leases_is_busy(&l, n), until[n] > now);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_taken_job_is_busy_until_its_time_is_over, setup),
        cmocka_unit_test_setup(a_late_job_goes_to_the_next_prover_with_a_full_term, setup),
        cmocka_unit_test_setup(live_ranges_never_overlap_and_late_ones_give_way, setup),
        cmocka_unit_test_setup(done_work_is_dropped_by_range, setup),
        cmocka_unit_test_setup(there_is_a_limit, setup),
        cmocka_unit_test_setup(it_is_what_a_table_says, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
