/* tests/statetest/lines.h
 *
 * State tests from a stream, one JSON object a line, with one case each: how a differential test drives the engine without
 * starting a program for each case. Answers with the trace of the case and its summary, which ends the answer. */
#ifndef GH_TESTS_STATETEST_LINES_H
#define GH_TESTS_STATETEST_LINES_H

#include <stdbool.h>
#include <stdio.h>

/* wrong NULL, or the name of a deliberately wrong rule set: shows that whoever compares can see a difference. false: no
 * such name, or the input is not what it should be. */
bool lines_run(FILE *in, FILE *out, const char *wrong);

#endif
