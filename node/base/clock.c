/* node/base/clock.c */
#include "node/base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static uint64_t read_ms(clockid_t id)
{
    struct timespec ts;
    CHECK(clock_gettime(id, &ts) == 0);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static uint64_t system_wall_ms(void *ctx)
{
    (void)ctx;
    return read_ms(CLOCK_REALTIME);
}

static uint64_t system_mono_ms(void *ctx)
{
    (void)ctx;
    return read_ms(CLOCK_MONOTONIC);
}

const struct clock *clock_system(void)
{
    static const struct clock system_clock = { system_wall_ms, system_mono_ms, NULL };
    return &system_clock;
}

/* Days since the epoch to a date of the Gregorian calendar, counted in years that begin in March
 * (so the leap day is the last one) and eras of 400 years. */
static void civil_of_days(uint64_t days, unsigned *year, unsigned *month, unsigned *day)
{
    uint64_t z = days + 719468;
    uint64_t era = z / 146097, doe = z % 146097;
    uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    uint64_t mp = (5 * doy + 2) / 153;
    *day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
    *month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
    *year = (unsigned)(yoe + era * 400 + (*month <= 2 ? 1 : 0));
}

#define LAST_MS                                                                                    \
    UINT64_C(253402300799999) /* 9999-12-31T23:59:59.999: the form has four year digits */

void clock_format_rfc3339(char out[28], uint64_t wall_ms)
{
    unsigned year, month, day;
    if (wall_ms > LAST_MS)
        wall_ms = LAST_MS;
    uint64_t s = wall_ms / 1000;
    civil_of_days(s / 86400, &year, &month, &day);
    unsigned in_day = (unsigned)(s % 86400);
    char text[80];
    int n = snprintf(text, sizeof(text), "%04u-%02u-%02uT%02u:%02u:%02u.%03u000Z", year, month, day,
                     in_day / 3600, in_day / 60 % 60, in_day % 60, (unsigned)(wall_ms % 1000));
    CHECK(n == 27);
    for (int i = 0; i < 28; i++)
        out[i] = text[i];
}
