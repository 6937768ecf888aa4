/* tests/vectors/execution/vector_json.h
 *
 * Recorded JSON files below GH_SHARED, and their values. Missing members fail the test. */
#ifndef GH_TESTS_VECTORS_EXECUTION_VECTOR_JSON_H
#define GH_TESTS_VECTORS_EXECUTION_VECTOR_JSON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "tests/unit/stf/stf_world.h"

/* Prints the SKIP line when the folder is absent. */
bool vectors_present(const char *what);
json_t *vectors_load(const char *path); /* relative to GH_SHARED; caller decrefs */
json_t *vector_get(const json_t *j, const char *key);
const char *vector_text(const json_t *j, const char *key);
uint64_t vector_u64(const json_t *j, const char *key); /* number, or decimal or 0x text */
struct b256 vector_b256(const json_t *j, const char *key);
struct addr vector_addr(const json_t *j, const char *key);
struct u256 vector_u256(const json_t *j, const char *key);
struct bytes vector_bytes(struct world *w, const json_t *j, const char *key);

void assert_b256(struct b256 got, struct b256 want);
void assert_bytes(struct bytes got, struct bytes want);

#endif
