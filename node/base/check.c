/* node/base/check.c
 *
 * The hosted gh_check_failed. It sits in base_free so that a library that links only base_free
 * still links into a program in any order; freestanding builds leave this file out. */
#include <stdio.h>
#include <stdlib.h>

#include "node/base/defs.h"

NORETURN void gh_check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, condition);
    fflush(stderr);
    abort();
}
