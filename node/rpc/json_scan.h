/* node/rpc/json_scan.h   (inside rpc)
 *
 * Looking at JSON text without building a tree. json_check walks the whole text once, with a bit per level instead of a
 * recursion, and says whether it is JSON, how deep it is, and what a tree of it would cost; everything else here
 * works on text that passed. So nothing is allocated for a request before its price is known, and the envelope of a call
 * (and a whole eth_sendRawTransaction) never becomes a tree at all. */
#ifndef GH_RPC_JSON_SCAN_H
#define GH_RPC_JSON_SCAN_H

#include "node/base/bytes.h"

#define JSON_MAX_DEPTH 64

enum json_fault { JSON_OK, JSON_MALFORMED, JSON_TOO_DEEP };
/* *tree_bytes: upper bound of the memory jansson takes for it (NULL allowed). Depth counts brackets open at once. */
enum json_fault json_check(struct bytes text, unsigned max_depth, size_t *tree_bytes);

/* A value as a slice of checked text, without the white space around it; len 0: none. */
struct json_slice {
    const char *p;
    size_t len;
};
/* First value of the text. */
struct json_slice json_first(struct bytes text);
/* Walks an array: *at starts at 0; false at the end. */
bool json_array_next(struct json_slice array, size_t *at, struct json_slice *value);
/* Walks an object; key is the string value with its quotes. */
bool json_object_next(struct json_slice object, size_t *at, struct json_slice *key,
                      struct json_slice *value);
/* A string slice, decoded, equals a plain ASCII word. */
bool json_string_is(struct json_slice s, const char *word);
/* Decodes a string of plain characters (escapes of ASCII included); false: too long for cap, or other characters. */
bool json_string_plain(struct json_slice s, char *out, size_t cap);

#endif
