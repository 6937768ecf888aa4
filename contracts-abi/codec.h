/* contracts-abi/codec.h
 *
 * Encode and decode any value by its descriptor (Solidity ABI specification, "Formal Specification
 * of the Encoding"). The generated functions are one-line wrappers of these; see them for typed
 * forms.
 *
 * Encoders append to `out` and return !out->failed; they fail on a value outside its type's range
 * (an uint8 of 300) and when the buffer is full. Decoders return false with ERR_INVALID and `*out`
 * all zero. */
#ifndef GH_ABI_CODEC_H
#define GH_ABI_CODEC_H

#include "contracts-abi/type.h"

/* A parameter list: `t` is a TUPLE and its body starts at once (abi.encode(a, b, ..)). */
bool abi_encode_params(struct buf *out, const struct abi_type *t, const void *v);
/* abi.encode(v): as a list of one parameter, so a dynamic value starts with the word 0x20. */
bool abi_encode_value(struct buf *out, const struct abi_type *t, const void *v);
/* Selector and parameters; t NULL for none. */
bool abi_encode_call(struct buf *out, uint32_t selector, const struct abi_type *t, const void *v);
/* Topics and data. Indexed lists, bytes and strings must be given as their hash (struct b256). */
bool abi_encode_event(struct abi_log_parts *out, const struct abi_event *e, const void *v);

/* `what` starts the error text. `arena` may be NULL for types without lists, bytes and strings. */
MUST_USE bool abi_decode_params(struct bytes in, const struct abi_type *t, void *out,
                                struct arena *arena, const char *what, struct err *err);
MUST_USE bool abi_decode_value(struct bytes in, const struct abi_type *t, void *out,
                               struct arena *arena, const char *what, struct err *err);
/* Checks the selector first. */
MUST_USE bool abi_decode_call(struct bytes in, uint32_t selector, const struct abi_type *t,
                              void *out, struct arena *arena, const char *what, struct err *err);
/* Checks topic 0 and the number of topics first. */
MUST_USE bool abi_decode_event(const struct abi_log_view *log, const struct abi_event *e, void *out,
                               struct arena *arena, struct err *err);

/* The first four bytes; false when there are fewer. */
MUST_USE bool abi_selector_of(struct bytes data, uint32_t *selector);
static inline bool abi_log_has_topic(const struct abi_log_view *log, const struct b256 *topic)
{
    return log->topic_cnt > 0 && b256_eq(&log->topics[0], topic);
}

#endif
