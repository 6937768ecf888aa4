#include <string.h>

#include "contracts-abi/abigen/emit.h"

static bool mark_new(struct model *m, struct emitted **done, const char *word)
{
    for (const struct emitted *e = *done; e; e = e->next) {
        if (strcmp(e->word, word) == 0)
            return false;
    }
    struct emitted *e = model_alloc(m, sizeof *e);
    e->word = word;
    e->next = *done;
    *done = e;
    return true;
}

static const char *const kind_names[] = {
    [TYPE_UINT] = "ABI_UINT",
    [TYPE_INT] = "ABI_INT",
    [TYPE_BOOL] = "ABI_BOOL",
    [TYPE_ADDRESS] = "ABI_ADDRESS",
    [TYPE_FIXED_BYTES] = "ABI_FIXED_BYTES",
    [TYPE_BYTES] = "ABI_BYTES",
    [TYPE_STRING] = "ABI_STRING",
    [TYPE_LIST] = "ABI_LIST",
    [TYPE_ARRAY] = "ABI_ARRAY",
    [TYPE_TUPLE] = "ABI_TUPLE",
};

void emit_fields(struct buf *out, struct model *m, struct emitted **done, const char *word,
                 const struct field_list *f, const char *c_struct)
{
    for (const struct field *i = f->first; i; i = i->next)
        emit_type(out, m, done, i->type);
    (void)buf_printf(out, "static const struct abi_field f_%s[] = {\n", word);
    for (const struct field *i = f->first; i; i = i->next) {
        (void)buf_printf(out, "    { \"%s\", &t_%s, ", i->name, name_type_word(m, i->type));
        if (c_struct)
            (void)buf_printf(out, "offsetof(%s, %s), ", c_struct, i->c_name);
        else
            (void)buf_append_str(out, "0, ");
        (void)buf_printf(out, "%s },\n", i->indexed ? "true" : "false");
    }
    (void)buf_append_str(out, "};\n");
}

void emit_tuple(struct buf *out, struct model *m, struct emitted **done, const char *word,
                const struct field_list *f, const char *c_struct)
{
    if (!mark_new(m, done, word))
        return;
    emit_fields(out, m, done, word, f, c_struct);
    bool dynamic = false;
    size_t body = 0;
    for (const struct field *i = f->first; i; i = i->next) {
        dynamic = dynamic || i->type->dynamic;
        body += i->type->head_len;
    }
    (void)buf_printf(out, "static const struct abi_type t_%s = {\n    ABI_TUPLE, 0, %s, %zu, %zu, ",
                     word, dynamic ? "true" : "false", dynamic ? (size_t)32 : body, body);
    if (c_struct)
        (void)buf_printf(out, "sizeof(%s), ", c_struct);
    else
        (void)buf_append_str(out, "0, ");
    (void)buf_printf(out, "%zu, NULL, f_%s,\n};\n", f->cnt, word);
}

void emit_type(struct buf *out, struct model *m, struct emitted **done, const struct type *t)
{
    const char *word = name_type_word(m, t);
    if (t->kind == TYPE_TUPLE) {
        emit_tuple(out, m, done, word, &t->decl->args, name_c_type(m, t));
        return;
    }
    if (!mark_new(m, done, word))
        return;
    if (t->item)
        emit_type(out, m, done, t->item);
    size_t body = t->kind == TYPE_ARRAY && t->item ? t->cnt * t->item->head_len : 0;
    (void)buf_printf(
        out, "static const struct abi_type t_%s = {\n    %s, %u, %s, %zu, %zu, sizeof(%s%s), %zu, ",
        word, kind_names[t->kind], t->bits, t->dynamic ? "true" : "false", t->head_len, body,
        name_c_type(m, t), name_c_dims(m, t), t->cnt);
    if (t->item)
        (void)buf_printf(out, "&t_%s, NULL,\n};\n", name_type_word(m, t->item));
    else
        (void)buf_append_str(out, "NULL, NULL,\n};\n");
}
