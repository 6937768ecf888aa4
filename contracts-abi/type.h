/* contracts-abi/type.h
 *
 * Descriptors of Solidity types: constant tables written by abigen, walked by codec.c (encode,
 * decode) and revert.c (text). One walker instead of generated code per struct: it is small enough
 * to be read and fuzzed as a whole, and a descriptor cannot get an offset wrong that the compiler
 * knows (offsetof).
 *
 * Only generated code and this folder use these; callers use the typed functions in
 * contracts-abi/gen/. */
#ifndef GH_ABI_TYPE_H
#define GH_ABI_TYPE_H

#include "contracts-abi/value.h"

enum abi_kind {
    ABI_UINT, /* bits <= 64: uint64_t, else struct u256 */
    ABI_INT,  /* bits <= 64: int64_t, else struct u256 */
    ABI_BOOL,
    ABI_ADDRESS,
    ABI_FIXED_BYTES, /* bits / 8 bytes, left aligned in the word */
    ABI_BYTES,
    ABI_STRING,
    ABI_LIST,  /* T[] */
    ABI_ARRAY, /* T[cnt] */
    ABI_TUPLE, /* cnt fields */
};

struct abi_field;
struct abi_type {
    enum abi_kind kind;
    unsigned bits;
    bool dynamic;    /* its head is an offset */
    size_t head_len; /* bytes in the enclosing head: 32 when dynamic */
    size_t body_len; /* ARRAY, TUPLE: bytes of its own head */
    size_t size;     /* sizeof the C value; 0 when there is none (error arguments) */
    size_t cnt;
    const struct abi_type *item;    /* LIST, ARRAY */
    const struct abi_field *fields; /* TUPLE */
};
struct abi_field {
    const char *name; /* as in Solidity, may be "" */
    const struct abi_type *type;
    size_t offset; /* in the C struct */
    bool indexed;  /* of an event */
};

/* The generic layout of every T[] struct; copied with memcpy, never aliased. */
struct abi_list {
    const void *items;
    size_t cnt;
};

/* An event: all arguments in their order, the indexed ones among them. */
struct abi_event {
    const char *name;
    struct b256 topic;
    const struct abi_field *fields;
    size_t field_cnt;
    size_t indexed_cnt;
    size_t data_head_len; /* head of the fields that are not indexed */
    size_t size;
};

enum abi_signature_kind { ABI_SIG_FUNCTION, ABI_SIG_EVENT, ABI_SIG_ERROR };
/* One line of an .abi file in canonical form: the hash is its topic, its first 4 bytes its
 * selector. */
struct abi_signature {
    enum abi_signature_kind kind;
    const char *text; /* "getZKChain(uint256)" */
    struct b256 hash;
    unsigned indexed;            /* events: bit i is set when argument i is a topic */
    const struct abi_type *args; /* errors: the arguments, NULL when there are none */
};

#endif
