/* contracts-abi/value.h
 *
 * The C shapes of Solidity values, shared by all generated structs.
 *
 *   uint8..uint64      uint64_t                int8..int64    int64_t
 *   uint72..uint256    struct u256             int72..int256  struct u256, two's complement
 *   bool               bool                    address        struct addr
 *   bytes32            struct b256             bytesN, N<32   struct abi_bytesN
 *   bytes, string      struct bytes            T[n]           C array of n
 *   struct, tuple      the generated struct    T[]            struct x_list { items, cnt }
 *
 * What an .abi line `kind Name(..)` of version v31 becomes (contracts-abi/gen/<file>.h):
 *
 *   struct    struct abi_v31_name; abi_v31_encode_name, abi_v31_decode_name = abi.encode(x), and
 *             .._name_body without the leading offset word when it is dynamic
 *   tuple     the same functions for a parameter list: abi.encode(a, b, ..)
 *   function  ABI_V31_NAME_SELECTOR, struct abi_v31_name_call and _return, encode and decode of
 *             both; the only result of a function is called `value` when Solidity has no name
 *   event     ABI_V31_NAME_TOPIC, struct abi_v31_name, decode from a log, encode to one
 *   error     ABI_V31_NAME_ERROR, and a place in the table of contracts-abi/revert.h
 *   hash      ABI_V31_NAME
 *
 * Ownership: a value to encode borrows everything it points to. A decoded value points only into
 * the arena the decoder was given, never into its input; the arena may be NULL for types without
 * lists, bytes and strings. Empty lists and byte strings may have NULL pointers.
 *
 * Encoders append, return !out->failed and need one test at the end. Decoders return false with
 * ERR_INVALID and an all-zero *out. */
#ifndef GH_ABI_VALUE_H
#define GH_ABI_VALUE_H

#include "node/base/arena.h"
#include "node/base/buf.h"
#include "node/base/bytes.h"
#include "node/base/err.h"
#include "node/base/u256.h"

/* struct abi_bytes1 .. struct abi_bytes31 */
#define ABI_FIXED_BYTES(n)                                                                         \
    struct abi_bytes##n {                                                                          \
        uint8_t b[n];                                                                              \
    };                                                                                             \
    struct abi_bytes##n##_list {                                                                   \
        const struct abi_bytes##n *items;                                                          \
        size_t cnt;                                                                                \
    };
ABI_FIXED_BYTES(1)
ABI_FIXED_BYTES(2)
ABI_FIXED_BYTES(3)
ABI_FIXED_BYTES(4)
ABI_FIXED_BYTES(5)
ABI_FIXED_BYTES(6)
ABI_FIXED_BYTES(7)
ABI_FIXED_BYTES(8)
ABI_FIXED_BYTES(9)
ABI_FIXED_BYTES(10)
ABI_FIXED_BYTES(11)
ABI_FIXED_BYTES(12)
ABI_FIXED_BYTES(13)
ABI_FIXED_BYTES(14)
ABI_FIXED_BYTES(15)
ABI_FIXED_BYTES(16)
ABI_FIXED_BYTES(17)
ABI_FIXED_BYTES(18)
ABI_FIXED_BYTES(19)
ABI_FIXED_BYTES(20)
ABI_FIXED_BYTES(21)
ABI_FIXED_BYTES(22)
ABI_FIXED_BYTES(23)
ABI_FIXED_BYTES(24)
ABI_FIXED_BYTES(25)
ABI_FIXED_BYTES(26)
ABI_FIXED_BYTES(27)
ABI_FIXED_BYTES(28)
ABI_FIXED_BYTES(29)
ABI_FIXED_BYTES(30)
ABI_FIXED_BYTES(31)
#undef ABI_FIXED_BYTES

/* Lists of elementary values, two levels: T[] and T[][]. */
#define ABI_LISTS(word, type)                                                                      \
    struct abi_##word##_list {                                                                     \
        const type *items;                                                                         \
        size_t cnt;                                                                                \
    };                                                                                             \
    struct abi_##word##_list_list {                                                                \
        const struct abi_##word##_list *items;                                                     \
        size_t cnt;                                                                                \
    };
ABI_LISTS(u64, uint64_t)
ABI_LISTS(i64, int64_t)
ABI_LISTS(u256, struct u256)
ABI_LISTS(bool, bool)
ABI_LISTS(addr, struct addr)
ABI_LISTS(b256, struct b256)
ABI_LISTS(bytes, struct bytes)
#undef ABI_LISTS

/* A log as a node or an RPC reply gives it. Borrowed. */
struct abi_log_view {
    const struct b256 *topics;
    size_t topic_cnt;
    struct bytes data;
};

/* A log taken apart the other way: what an event puts on the wire. `data` is appended to. */
struct abi_log_parts {
    struct b256 topics[4];
    size_t topic_cnt;
    struct buf *data; /* borrowed */
};

#endif
