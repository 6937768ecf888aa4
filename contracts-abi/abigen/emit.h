/* contracts-abi/abigen/emit.h
 *
 * The C that a model becomes. Per .abi file one header (structs, selectors, topics, prototypes) and
 * one source (descriptors and one-line wrappers of contracts-abi/codec.h); per version one index
 * with every signature. */
#ifndef GH_ABIGEN_EMIT_H
#define GH_ABIGEN_EMIT_H

#include "contracts-abi/abigen/model.h"
#include "node/base/buf.h"

void emit_header(struct buf *out, struct model *m, const struct source *src);
void emit_source(struct buf *out, struct model *m, const struct source *src);
void emit_index_header(struct buf *out, struct model *m);
void emit_index_source(struct buf *out, struct model *m);

/* Descriptors already written to one source file. */
struct emitted {
    const char *word;
    struct emitted *next;
};
/* Writes the descriptors a type needs and its own; later `&t_<name_type_word>` names it. */
void emit_type(struct buf *out, struct model *m, struct emitted **done, const struct type *t);
/* emit_fields: a field table `f_<word>`. emit_tuple: that and a tuple `t_<word>` of it.
 * c_struct NULL: there is no C struct (error arguments), offsets are 0. */
void emit_fields(struct buf *out, struct model *m, struct emitted **done, const char *word,
                 const struct field_list *f, const char *c_struct);
void emit_tuple(struct buf *out, struct model *m, struct emitted **done, const char *word,
                const struct field_list *f, const char *c_struct);
/* keccak256("name(types)") */
struct b256 signature_hash(struct model *m, const struct decl *d);

#endif
