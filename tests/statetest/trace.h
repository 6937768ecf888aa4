/* tests/statetest/trace.h: one line a step on stderr, in the form of EIP-3155. */
#ifndef GH_TESTS_STATETEST_TRACE_H
#define GH_TESTS_STATETEST_TRACE_H

#include "node/stf/ee.h"

extern const struct stf_tracer trace_to_stderr;

#endif
