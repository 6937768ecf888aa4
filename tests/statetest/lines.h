/* tests/statetest/lines.h
 *
 * State tests from a stream, one JSON object a line, with one case each: how a differential test drives the engine without
 * starting a program for each case. Answers with the trace of the case and its summary, and the summaries of two runs without a trace, which take other ways
 * through the interpreter: as blocks are run, and with all code translated at once. */
#ifndef GH_TESTS_STATETEST_LINES_H
#define GH_TESTS_STATETEST_LINES_H

#include <stdbool.h>
#include <stdio.h>

/* rules NULL: those of the case's fork. Otherwise the name of others: "zksync-os", or one that is wrong on purpose, which shows
 * that whoever compares can see a difference. false: no such name, or the input is not what it should be. */
bool lines_run(FILE *in, FILE *out, const char *rules);

#endif
