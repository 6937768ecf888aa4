/* tests/bench/node/load_json.h
 *
 * What the generator takes from JSON-RPC answers, by looking for keys in the text: it shares two cores with the program it
 * measures, and hexadecimal strings cannot hold a quoted key. */
#ifndef GH_BENCH_LOAD_JSON_H
#define GH_BENCH_LOAD_JSON_H

#include "node/base/bytes.h"

/* Text after `"key":` from *at on, blanks skipped; *at moves behind it. NULL: no more. */
const char *load_json_next(struct bytes json, size_t *at, const char *key);
/* The next value of `key` as a quantity in quotes. false: none, or not a quantity. */
MUST_USE bool load_json_u64(struct bytes json, size_t *at, const char *key, uint64_t *out);
/* The next "0x" + 64 digits from *at on and before `end`. */
MUST_USE bool load_json_b256(struct bytes json, size_t *at, size_t end, struct b256 *out);
/* The first error's message, or the beginning of the text. */
void load_json_error(struct bytes json, char *out, size_t cap);

#endif
