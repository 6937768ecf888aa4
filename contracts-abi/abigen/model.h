/* contracts-abi/abigen/model.h
 *
 * What the .abi files say. One line each:
 *
 *   struct Name(type field, ...)                a Solidity struct
 *   tuple Name(type a, ...)                     a top-level parameter list: abi.encode(a, b, ...)
 *   function name(args) [returns (args)]
 *   event Name(type [indexed] name, ...)
 *   error Name(type [name], ...)
 *   hash NAME "text"                            a constant keccak256(text): role ids, type hashes
 *   # comment
 *
 * A function, event or error may end in `as OtherName`, which names it in C (overloads). Types are
 * Solidity's: uintN, intN, bytesN, address, bool, bytes, string, a struct defined above, an inline
 * tuple
 * (..), and T[] or T[n] of them. Enums are written uint8, contracts address.
 *
 * Everything lives in one arena until the program ends. */
#ifndef GH_ABIGEN_MODEL_H
#define GH_ABIGEN_MODEL_H

#include "node/base/arena.h"
#include "node/base/bytes.h"
#include "node/base/err.h"

enum type_kind {
    TYPE_UINT,
    TYPE_INT,
    TYPE_BOOL,
    TYPE_ADDRESS,
    TYPE_FIXED_BYTES,
    TYPE_BYTES,
    TYPE_STRING,
    TYPE_LIST,
    TYPE_ARRAY,
    TYPE_TUPLE,
};

struct decl;
struct type {
    enum type_kind kind;
    unsigned bits; /* UINT, INT, FIXED_BYTES */
    size_t cnt;    /* ARRAY */
    const struct type *item;
    struct decl *decl; /* TUPLE */
    bool dynamic;
    size_t head_len;
};

struct field {
    const char *name;   /* Solidity's, "" when it has none */
    const char *c_name; /* never empty, unique in its list */
    const struct type *type;
    bool indexed;
    struct field *next;
};
struct field_list {
    struct field *first;
    size_t cnt;
};

enum decl_kind { DECL_STRUCT, DECL_TUPLE, DECL_FUNCTION, DECL_EVENT, DECL_ERROR, DECL_HASH };
struct source;
struct decl {
    enum decl_kind kind;
    const char *name;   /* Solidity's; HASH: the hashed text */
    const char *c_name; /* snake case of the name or its alias */
    struct field_list args, returns;
    const struct source *source;
    unsigned line;
    unsigned list_levels; /* STRUCT: how deep T[][] is used */
    struct decl *next;
};

struct source { /* one .abi file */
    const char *path, *stem;
    struct decl *decls; /* in order */
    struct source *next;
};

struct model {
    struct arena *arena; /* borrowed */
    const char *version; /* "v31" */
    struct source *sources;
};

/* Adds one file's text. The names of structs are shared by all files of the model. */
MUST_USE bool model_parse(struct model *m, const char *path, const char *text, struct err *err);

/* names.c. All results are in the arena; a full arena ends the program. */
void *model_alloc(struct model *m, size_t n);
char *name_format(struct model *m, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* getZKChain -> get_zk_chain, L2CanonicalTransaction -> l2_canonical_transaction */
const char *name_snake(struct model *m, const char *name, size_t len);
const char *name_upper(struct model *m, const char *snake);
/* A snake name that is no C keyword. */
const char *name_c_field(struct model *m, const char *name, size_t len);
/* "(uint256,bytes32[])" as hashed for selectors and topics */
const char *name_canonical_args(struct model *m, const struct field_list *f);
const char *name_canonical_type(struct model *m, const struct type *t);
/* "uint256", "b256_list", "abi_v31_x": the part that names a type's descriptor and list struct */
const char *name_type_word(struct model *m, const struct type *t);
/* "struct u256", "uint64_t"; arrays without their [n] */
const char *name_c_type(struct model *m, const struct type *t);
/* "[2][3]" of an array type, else "" */
const char *name_c_dims(struct model *m, const struct type *t);

#endif
