/* tests/unit/loop.h
 *
 * Turning an event loop from a test. */
#ifndef GH_TESTS_UNIT_LOOP_H
#define GH_TESTS_UNIT_LOOP_H

#include <stdlib.h>

#include <event2/event.h>

/* Runs everything that is due for so long. */
static inline void loop_run_ms(struct event_base *base, unsigned ms)
{
    struct timeval tv = { ms / 1000, (suseconds_t)(ms % 1000) * 1000 };
    event_base_loopexit(base, &tv);
    event_base_dispatch(base);
}

static inline void loop_wake_up(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

/* Waits until something is due, at most so long, and runs it. */
static inline void loop_turn(struct event_base *base, unsigned ms)
{
    struct timeval tv = { ms / 1000, (suseconds_t)(ms % 1000) * 1000 };
    struct event *e = event_new(base, -1, 0, loop_wake_up, NULL);
    if (!e || event_add(e, &tv) != 0 || event_base_loop(base, EVLOOP_ONCE) < 0)
        abort();
    event_free(e);
}

#endif
