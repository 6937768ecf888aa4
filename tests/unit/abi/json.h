/* tests/unit/abi/json.h
 *
 * Recorded JSON data for the tests. Values that are not there or have the wrong form end the test.
 */
#ifndef GH_TEST_ABI_JSON_H
#define GH_TEST_ABI_JSON_H

#include <jansson.h>

#include "contracts-abi/value.h"

/* A file below $GH_SHARED; ends the program with 77 and a SKIP line when the folder is absent. */
json_t *json_open(const char *path);
json_t *json_need(const json_t *o, const char *key);
/* hex text -> bytes in the arena */
struct bytes json_hex(struct arena *a, const json_t *v);
struct b256 json_b256(const json_t *v);
struct addr json_addr(const json_t *v);
/* decimal or 0x text, or a JSON integer; absent (NULL) is 0 */
struct u256 json_u256(const json_t *v);
uint64_t json_u64(const json_t *v);
struct abi_b256_list json_b256_list(struct arena *a, const json_t *v);
/* {"topics": [..], "data": ".."} */
struct abi_log_view json_log(struct arena *a, const json_t *v);
/* fails the test unless the two are the same bytes */
void check_bytes_eq(struct bytes got, struct bytes want);

#endif
