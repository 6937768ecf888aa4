/* tests/statetest/run.h
 *
 * One case through the public interface of the state transition function, under the Ethereum rules
 * of its fork. */
#ifndef GH_TESTS_STATETEST_RUN_H
#define GH_TESTS_STATETEST_RUN_H

#include "node/stf/ee.h"
#include "tests/statetest/fixture.h"

#define RUN_WHY_CAP 256

enum run_result {
    RUN_PASSED,
    RUN_FAILED,
    RUN_MISSING, /* reached a precompile this build lacks */
};

struct trace;
/* why (RUN_WHY_CAP bytes) is filled unless the case passed. trace NULL: none is written. translates: stf_options.translates_at_once. The arena is the
 * case's own. */
enum run_result run_case(const struct fixture *f, const struct fixture_case *c, struct trace *trace,
                         bool translates, struct arena *arena, char *why);

#endif
