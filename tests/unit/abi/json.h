/* tests/unit/abi/json.h
 *
 * Recorded JSON data in the types of contracts-abi. Values that are not there or have the wrong form end the test. */
#ifndef GH_TEST_ABI_JSON_H
#define GH_TEST_ABI_JSON_H

#include "contracts-abi/value.h"
#include "tests/vectors/recorded/recorded.h"

/* A file below $GH_SHARED; ends the program with 77 and a SKIP line when the folder is absent. */
json_t *json_open(const char *path);
struct abi_b256_list json_b256_list(struct arena *a, const json_t *v);
/* {"topics": [..], "data": ".."} */
struct abi_log_view json_log(struct arena *a, const json_t *v);
/* fails the test unless the two are the same bytes */
void check_bytes_eq(struct bytes got, struct bytes want);

#endif
