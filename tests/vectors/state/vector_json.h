/* tests/vectors/state/vector_json.h
 *
 * Reading recorded JSON: members that must be there, hexadecimal that must be right. Any fault fails the test. */
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
#include <jansson.h>

#include "node/base/hex.h"
#include "node/state/state.h"

/* The path of a file in the recorded data folder. false after a line "SKIP: ..." when it is not there. */
bool vector_path(char out[4096], const char *name, const char *what);
json_t *vector_load(const char *path);
json_t *member(const json_t *obj, const char *name);
struct b256 word(const json_t *text); /* exactly 32 bytes */
struct b256 word_at(const json_t *obj, const char *name);
struct addr addr_at(const json_t *obj, const char *name);
uint64_t number_at(const json_t *obj, const char *name); /* integer or hex quantity */
/* malloc'ed; freed by the caller */
uint8_t *bytes_text(const json_t *text, size_t *len);
void assert_word(const struct b256 *got, const struct b256 *want, const char *what);
void assert_fine(bool ok, const struct err *err);

#endif
