/* contracts-abi/writer.h
 *
 * Writing ABI words into a struct buf. Sticky like the buffer itself: a value that does not fit its
 * type marks the buffer failed, and so does a full buffer; the caller tests out->failed once at the
 * end.
 *
 * Heads are reserved first (abi_write_reserve gives zeroed bytes and their place) and filled by
 * place while tails are appended, so one pass is enough. */
#ifndef GH_ABI_WRITER_H
#define GH_ABI_WRITER_H

#include "contracts-abi/value.h"

/* Place of `len` new zero bytes. */
size_t abi_write_reserve(struct buf *out, size_t len);
/* Words at a reserved place. bits as in cursor.h. */
void abi_write_u64_at(struct buf *out, size_t at, uint64_t v, unsigned bits);
void abi_write_i64_at(struct buf *out, size_t at, int64_t v, unsigned bits);
void abi_write_u256_at(struct buf *out, size_t at, const struct u256 *v, unsigned bits,
                       bool is_signed);
void abi_write_bool_at(struct buf *out, size_t at, bool v);
void abi_write_addr_at(struct buf *out, size_t at, const struct addr *v);
void abi_write_fixed_bytes_at(struct buf *out, size_t at, const void *v, size_t len);
/* Appended: one word; a length word, the bytes, zeros up to a multiple of 32; 4 bytes big-endian.
 */
void abi_write_u64(struct buf *out, uint64_t v);
void abi_write_bytes(struct buf *out, struct bytes v);
void abi_write_selector(struct buf *out, uint32_t selector);

#endif
