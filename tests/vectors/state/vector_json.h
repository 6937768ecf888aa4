/* tests/vectors/state/vector_json.h
 *
 * What the tests of the tree need beside the recorded values. */
#ifndef GH_TESTS_VECTORS_STATE_VECTOR_JSON_H
#define GH_TESTS_VECTORS_STATE_VECTOR_JSON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/base/hex.h"
#include "node/state/state.h"
#include "tests/vectors/recorded/recorded.h"

/* malloc'ed; freed by the caller */
uint8_t *bytes_text(const json_t *text, size_t *len);
void assert_word(const struct b256 *got, const struct b256 *want, const char *what);
void assert_fine(bool ok, const struct err *err);

#endif
