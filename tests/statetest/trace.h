/* tests/statetest/trace.h
 *
 * One JSON line for each opcode of a case, in the form of EIP-3155. A line is written when it is known what its opcode
 * cost and whether it failed: before the first line of a callee, or before the next line. */
#ifndef GH_TESTS_STATETEST_TRACE_H
#define GH_TESTS_STATETEST_TRACE_H

#include "node/base/buf.h"
#include "node/stf/ee.h"

#include <stdio.h>

struct trace {
    FILE *out;
    struct stf_tracer tracer;
    /* the line being held back; frame NULL: none */
    const struct ee_frame *frame;
    uint64_t gas;
    uint8_t op;
    struct buf head, tail; /* around the price */
    bool is_over;          /* the summary is written */
};
void trace_init(struct trace *t, FILE *out);
void trace_clear(struct trace *t);
/* The summary behind the last line. why: NULL, or why the transaction was refused. */
struct trace_summary {
    struct b256 root, logs;
    struct bytes output;
    uint64_t gas_used;
    bool pass;
    const char *fork, *test, *why;
};
void trace_summary(struct trace *t, const struct trace_summary *s);

#endif
