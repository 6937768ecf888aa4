/* node/base/rlp.h
 *
 * Strict RLP (Ethereum yellow paper, appendix B). Freestanding.
 * Reader: a cursor over one list or a whole input; the first fault sticks (ok = false) and every later read
 * gives zero, so a decoder tests once at the end. Canonical only: minimal lengths, single bytes
 * below 0x80 as themselves, integers without leading zeros, no trailing bytes.
 * Writer: into a caller's buffer; measures when the buffer is NULL. */
#ifndef GH_BASE_RLP_H
#define GH_BASE_RLP_H

#include "node/base/bytes.h"
#include "node/base/u256.h"

struct rlp_reader {
    const uint8_t *p, *end;
    bool ok;
};
struct rlp_reader rlp_reader_of(struct bytes in);
bool rlp_at_end(const struct rlp_reader *r);
/* true if the next item is a list; false at the end or on a fault */
bool rlp_next_is_list(const struct rlp_reader *r);
struct bytes rlp_read_string(struct rlp_reader *r);
struct rlp_reader rlp_read_list(struct rlp_reader *r);
/* next item with its header, skipped over */
struct bytes rlp_read_raw(struct rlp_reader *r);
uint64_t rlp_read_u64(struct rlp_reader *r);
struct u256 rlp_read_u256(struct rlp_reader *r);
void rlp_read_fixed(struct rlp_reader *r, void *out, size_t len); /* exactly len bytes */
/* Everything read and no fault so far. */
MUST_USE bool rlp_finish(const struct rlp_reader *r);

/* Sizes are exact; writers return bytes written and never write past what the size function says. */
size_t rlp_string_size(struct bytes s);
size_t rlp_u64_size(uint64_t v);
size_t rlp_u256_size(const struct u256 *v);
size_t rlp_list_size(size_t payload_len); /* header + payload */
size_t rlp_write_string(uint8_t *out, struct bytes s);
size_t rlp_write_u64(uint8_t *out, uint64_t v);
size_t rlp_write_u256(uint8_t *out, const struct u256 *v);
size_t rlp_write_list_header(uint8_t *out, size_t payload_len);

#endif
