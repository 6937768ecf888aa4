/* contracts-abi/cursor.h
 *
 * Reading ABI data that somebody else wrote. The cursor is sticky: the first fault is kept with its
 * place, every later read gives zero, and the caller tests once at the end (abi_cursor_ok).
 *
 * Every offset and length is checked against the input before it is used, and a length is checked
 * against what its items need at least before memory is asked for, so work and memory are bounded
 * by the input and the arena's limit. Values are canonical only: high bits of short integers and
 * addresses, the rest of a short bytesN and bool words other than 0 and 1 are faults (as in
 * Solidity's own decoder). Layout is as free as Solidity's: gaps, shared tails and bytes behind the
 * end are allowed. */
#ifndef GH_ABI_CURSOR_H
#define GH_ABI_CURSOR_H

#include "contracts-abi/value.h"

struct abi_cursor {
    struct bytes in;     /* borrowed */
    struct arena *arena; /* borrowed; may be NULL for types without lists, bytes and strings */
    const char *fault;   /* NULL: fine so far */
    size_t fault_at;
};

void abi_cursor_init(struct abi_cursor *c, struct bytes in, struct arena *arena);
static inline bool abi_cursor_ok(const struct abi_cursor *c)
{
    return c->fault == NULL;
}
/* Keeps only the first fault. */
void abi_cursor_fail(struct abi_cursor *c, const char *fault, size_t at);
/* bits: 8, 16, .. 64 (u64, i64) or up to 256 (u256; is_signed checks the extension instead of
 * zeros) */
uint64_t abi_cursor_u64(struct abi_cursor *c, size_t at, unsigned bits);
int64_t abi_cursor_i64(struct abi_cursor *c, size_t at, unsigned bits);
struct u256 abi_cursor_u256(struct abi_cursor *c, size_t at, unsigned bits, bool is_signed);
bool abi_cursor_bool(struct abi_cursor *c, size_t at);
struct addr abi_cursor_addr(struct abi_cursor *c, size_t at);
/* The first len (1..32) bytes of the word; the others must be zero. */
void abi_cursor_fixed_bytes(struct abi_cursor *c, void *out, size_t at, size_t len);
/* The place an offset word at `at` points to, counted from `base`; 0 after a fault. */
size_t abi_cursor_offset(struct abi_cursor *c, size_t at, size_t base);
/* A count word at `at` whose items of at least item_len bytes each fit behind it. */
size_t abi_cursor_count(struct abi_cursor *c, size_t at, size_t item_len);
/* A length word and its bytes, copied into the arena. */
struct bytes abi_cursor_bytes(struct abi_cursor *c, size_t at);
/* The same without a copy: borrowed from the input. */
struct bytes abi_cursor_view(struct abi_cursor *c, size_t at);
/* Zeroed memory for cnt values; NULL with a fault when the arena is full, NULL for cnt 0. */
void *abi_cursor_alloc(struct abi_cursor *c, size_t cnt, size_t size);

#endif
