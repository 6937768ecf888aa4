/* node/base/hex.h
 *
 * Hexadecimal text. Freestanding. Encoders write lower case. Decoders accept both cases and are
 * strict about everything else. */
#ifndef GH_BASE_HEX_H
#define GH_BASE_HEX_H

#include "node/base/bytes.h"
#include "node/base/u256.h"

/* Writes 2*len characters and a NUL. With prefix: "0x" first. Returns the text length. */
size_t hex_encode(char *out, const void *data, size_t len);
size_t hex_encode0x(char *out, const void *data, size_t len);
/* Exactly len bytes from `s` (with or without "0x"); false when the length or a digit is wrong. */
MUST_USE bool hex_decode_exact(void *out, size_t len, const char *s, size_t slen);
/* Any even number of digits after an optional "0x"; false if more than cap bytes. */
MUST_USE bool hex_decode(void *out, size_t cap, size_t *out_len, const char *s, size_t slen);
/* JSON-RPC quantity: "0x" + minimal digits. `out` needs 67 bytes. */
size_t hex_quantity_u64(char *out, uint64_t v);
size_t hex_quantity_u256(char *out, const struct u256 *v);
/* Accepts "0x0", "0x1f"; leading zeros accepted when `lenient`. No bare "0x". */
MUST_USE bool hex_parse_quantity(struct u256 *out, const char *s, size_t slen, bool lenient);

#endif
