/* node/base/clock.h   (base_host)
 *
 * The only place that reads a clock. Components take a `const struct clock *`, so that tests own time. */
#ifndef GH_BASE_CLOCK_H
#define GH_BASE_CLOCK_H

#include "node/base/defs.h"

struct clock {
    uint64_t (*wall_ms)(void *ctx); /* since the Unix epoch; may jump */
    uint64_t (*mono_ms)(void *ctx); /* never goes back */
    void *ctx;
};
const struct clock *clock_system(void);
static inline uint64_t clock_wall_ms(const struct clock *c)
{
    return c->wall_ms(c->ctx);
}
static inline uint64_t clock_mono_ms(const struct clock *c)
{
    return c->mono_ms(c->ctx);
}
/* "2026-01-31T12:34:56.789000Z"; out needs 28 bytes */
void clock_format_rfc3339(char out[28], uint64_t wall_ms);

#endif
