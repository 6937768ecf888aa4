/* tests/unit/crypto/paths.h
 *
 * Field arithmetic has one path for processors with MULX and ADX and a portable one. */
#ifndef GH_TESTS_CRYPTO_PATHS_H
#define GH_TESTS_CRYPTO_PATHS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "node/crypto/mont_adx.h"

/* Runs the tests on the path that the processor asks for, then on the portable one. */
static inline int run_on_both_paths(const char *name, const struct CMUnitTest *tests, size_t cnt)
{
    int failed = _cmocka_run_group_tests(name, tests, cnt, NULL, NULL);
    if (!crypto_has_adx) {
        printf("SKIP: the path of MULX and ADX (this processor or build has none)\n");
        return failed;
    }
    crypto_has_adx = false;
    failed += _cmocka_run_group_tests("the same on the portable path", tests, cnt, NULL, NULL);
    crypto_has_adx = true;
    return failed;
}

#endif
