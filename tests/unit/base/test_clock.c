/* tests/unit/base/test_clock.c */
#include "tests/unit/base/testing.h"

#include <stdio.h>
#include <time.h>

#include "node/base/clock.h"

static void known_times(void **state)
{
    (void)state;
    char t[28];
    clock_format_rfc3339(t, 0);
    assert_string_equal(t, "1970-01-01T00:00:00.000000Z");
    clock_format_rfc3339(t, UINT64_C(1769862896789));
    assert_string_equal(t, "2026-01-31T12:34:56.789000Z");
    clock_format_rfc3339(t, UINT64_C(951782400000));
    assert_string_equal(t, "2000-02-29T00:00:00.000000Z");
    clock_format_rfc3339(t, UINT64_C(253402300799999));
    assert_string_equal(t, "9999-12-31T23:59:59.999000Z");
    clock_format_rfc3339(t, UINT64_MAX); /* past what the form can say */
    assert_string_equal(t, "9999-12-31T23:59:59.999000Z");
}

static void agrees_with_libc(void **state)
{
    (void)state;
    uint64_t rng = 4;
    for (int i = 0; i < 50000; i++) {
        uint64_t ms = test_random(&rng) % UINT64_C(253402300800000);
        time_t s = (time_t)(ms / 1000);
        struct tm tm;
        char got[28], date[40], want[60];
        assert_non_null(gmtime_r(&s, &tm));
        assert_true(strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) > 0);
        snprintf(want, sizeof(want), "%s.%03u000Z", date, (unsigned)(ms % 1000));
        clock_format_rfc3339(got, ms);
        if (tm.tm_year >= -900) /* strftime writes years below 1000 without zeros */
            assert_string_equal(got, want);
    }
}

static void the_system_clock_runs(void **state)
{
    (void)state;
    const struct clock *c = clock_system();
    uint64_t before = clock_mono_ms(c), now = (uint64_t)time(NULL);
    uint64_t wall = clock_wall_ms(c) / 1000;
    assert_true(wall + 2 >= now && wall <= now + 2);
    struct timespec pause = { 0, 5000000 };
    (void)nanosleep(&pause, NULL);
    uint64_t after = clock_mono_ms(c);
    assert_true(after >= before + 4 && after < before + 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_times),
        cmocka_unit_test(agrees_with_libc),
        cmocka_unit_test(the_system_clock_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
