/* node/base/defs.h
 *
 * Small words every file may use. Freestanding: only <stdint.h>, <stddef.h>, <stdbool.h>. */
#ifndef GH_BASE_DEFS_H
#define GH_BASE_DEFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE               __attribute__((warn_unused_result))
#define NORETURN               __attribute__((noreturn))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define GH_COUNT(a)            (sizeof(a) / sizeof((a)[0]))
#define GH_LIKELY(x)           __builtin_expect(!!(x), 1)
#define GH_UNLIKELY(x)         __builtin_expect(!!(x), 0)

/* A broken invariant is our own bug: stop at once, in every build. On the host this prints file,
 * line and the condition to stderr and aborts; a freestanding build supplies its own. */
NORETURN void gh_check_failed(const char *condition, const char *file, int line);
#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (GH_UNLIKELY(!(cond)))                                                                  \
            gh_check_failed(#cond, __FILE__, __LINE__);                                            \
    } while (0)

#endif
