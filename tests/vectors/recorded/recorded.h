/* tests/vectors/recorded/recorded.h   (tests)
 *
 * The folder of recorded data, GH_SHARED (../shared when that is not set): what is there, its JSON files and the values in them.
 * A file or a member that is not there and a value of the wrong form fail the test; only the whole folder may be absent. */
#ifndef GH_TESTS_VECTORS_RECORDED_H
#define GH_TESTS_VECTORS_RECORDED_H

#include <jansson.h>

#include "node/base/arena.h"
#include "node/base/bytes.h"
#include "node/base/u256.h"

#define RECORDED_PATH_CAP 4096

/* Where `name` lies. */
void recorded_path(char out[RECORDED_PATH_CAP], const char *name);
/* false behind a line "SKIP: `what` (recorded data folder absent)" */
bool recorded_present(const char *what);
/* flags: of json_load_file. Caller decrefs. */
json_t *recorded_load(const char *name, size_t flags);

json_t *json_need(const json_t *o, const char *key);
/* hex text, into the arena */
struct bytes json_hex(struct arena *a, const json_t *v);
struct b256 json_b256(const json_t *v);
struct addr json_addr(const json_t *v);
/* decimal or 0x text, or a JSON integer; NULL is 0 */
struct u256 json_u256(const json_t *v);
uint64_t json_u64(const json_t *v);

#endif
