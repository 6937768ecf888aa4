/* tests/vectors/execution/vector_json.h
 *
 * Recorded JSON files and their values in the types of the state transition. */
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

#include "tests/unit/stf/stf_world.h"
#include "tests/vectors/recorded/recorded.h"

/* Numbers beyond 63 bits are in these files: all come as reals. */
json_t *vectors_load(const char *path);
const char *vector_text(const json_t *j, const char *key);
uint64_t vector_u64(const json_t *j, const char *key); /* number, or decimal or 0x text */
struct b256 vector_b256(const json_t *j, const char *key);
struct addr vector_addr(const json_t *j, const char *key);
struct u256 vector_u256(const json_t *j, const char *key);
struct bytes vector_bytes(struct world *w, const json_t *j, const char *key);

void assert_b256(struct b256 got, struct b256 want);
void assert_bytes(struct bytes got, struct bytes want);

#endif
