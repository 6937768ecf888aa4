/* tests/unit/base/testing.h
 *
 * What the tests of node/base share: cmocka with its prerequisites, and a small generator whose
 * sequence is the same on every run. */
#ifndef GH_TESTS_UNIT_BASE_TESTING_H
#define GH_TESTS_UNIT_BASE_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* SplitMix64 */
static inline uint64_t test_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline void test_random_bytes(uint64_t *state, void *out, size_t len)
{
    uint8_t *p = out;
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)test_random(state);
}

#endif
