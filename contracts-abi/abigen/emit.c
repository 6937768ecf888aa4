#include "contracts-abi/abigen/emit.h"

#include <string.h>

#include "node/base/hash.h"

struct b256 signature_hash(struct model *m, const struct decl *d)
{
    const char *s = d->name;
    if (d->kind != DECL_HASH)
        s = name_format(m, "%s%s", d->name, name_canonical_args(m, &d->args));
    return keccak256(s, strlen(s));
}

static void put_b256(struct buf *out, const struct b256 *h)
{
    (void)buf_append_str(out, "{ {");
    for (size_t i = 0; i < 32; i++)
        (void)buf_printf(out, "%s0x%02x", i ? ", " : " ", (unsigned)h->b[i]);
    (void)buf_append_str(out, " } }");
}

static const char *c_struct(struct model *m, const struct decl *d, const char *suffix)
{
    return name_format(m, "struct abi_%s_%s%s", m->version, d->c_name, suffix);
}

/* An indexed list, string or tuple is only there as its hash. */
static bool is_hashed_topic(const struct field *f)
{
    return f->indexed &&
           (f->type->dynamic || f->type->kind == TYPE_TUPLE || f->type->kind == TYPE_ARRAY);
}

static void put_struct(struct buf *out, struct model *m, const char *name,
                       const struct field_list *f)
{
    (void)buf_printf(out, "%s {\n", name);
    for (const struct field *i = f->first; i; i = i->next) {
        if (is_hashed_topic(i))
            (void)buf_printf(out, "    struct b256 %s; /* hash of %s */\n", i->c_name,
                             name_canonical_type(m, i->type));
        else
            (void)buf_printf(out, "    %s %s%s; /* %s %s */\n", name_c_type(m, i->type), i->c_name,
                             name_c_dims(m, i->type), name_canonical_type(m, i->type), i->name);
    }
    (void)buf_append_str(out, "};\n");
}

static void put_lists(struct buf *out, struct model *m, const struct decl *d)
{
    const char *item = c_struct(m, d, "");
    for (unsigned level = 0; level < d->list_levels; level++) {
        (void)buf_printf(out, "%s_list {\n    const %s *items;\n    size_t cnt;\n};\n", item, item);
        item = name_format(m, "%s_list", item);
    }
}

/* Prototype text shared by header (";") and source (a body). `what` is "encode_x",
 * "decode_x_call".. */
static void put_encode(struct buf *out, struct model *m, const char *what, const char *type)
{
    if (type)
        (void)buf_printf(out, "bool abi_%s_encode_%s(struct buf *out, const %s *v)", m->version,
                         what, type);
    else
        (void)buf_printf(out, "bool abi_%s_encode_%s(struct buf *out)", m->version, what);
}

static void put_decode(struct buf *out, struct model *m, const char *what, const char *type)
{
    (void)buf_printf(out,
                     "bool abi_%s_decode_%s(struct bytes in, %s *out, struct arena *arena,\n"
                     "    struct err *err)",
                     m->version, what, type);
}

static void header_codec(struct buf *out, struct model *m, const char *what, const char *type)
{
    put_encode(out, m, what, type);
    (void)buf_append_str(out, ";\n");
    if (!type)
        return;
    (void)buf_append_str(out, "MUST_USE ");
    put_decode(out, m, what, type);
    (void)buf_append_str(out, ";\n");
}

static bool is_dynamic(const struct field_list *f)
{
    for (const struct field *i = f->first; i; i = i->next) {
        if (i->type->dynamic)
            return true;
    }
    return false;
}

static void header_struct(struct buf *out, struct model *m, const struct decl *d)
{
    const char *type = c_struct(m, d, "");
    put_struct(out, m, type, &d->args);
    put_lists(out, m, d);
    if (d->kind == DECL_STRUCT && d->name[0] == 0)
        return; /* an inline tuple is only a part of something */
    header_codec(out, m, d->c_name, type);
    if (d->kind == DECL_STRUCT && is_dynamic(&d->args)) {
        (void)buf_append_str(out, "/* without the leading offset word */\n");
        header_codec(out, m, name_format(m, "%s_body", d->c_name), type);
    }
}

static void header_function(struct buf *out, struct model *m, const struct decl *d)
{
    struct b256 h = signature_hash(m, d);
    (void)buf_printf(out, "#define ABI_%s_%s_SELECTOR 0x%08xu\n", name_upper(m, m->version),
                     name_upper(m, d->c_name), (unsigned)load_be32(h.b));
    const char *call = d->args.cnt ? c_struct(m, d, "_call") : NULL;
    if (call)
        put_struct(out, m, call, &d->args);
    header_codec(out, m, name_format(m, "%s_call", d->c_name), call);
    if (d->returns.cnt == 0)
        return;
    const char *ret = c_struct(m, d, "_return");
    put_struct(out, m, ret, &d->returns);
    header_codec(out, m, name_format(m, "%s_return", d->c_name), ret);
}

static void put_event_decode(struct buf *out, struct model *m, const struct decl *d)
{
    (void)buf_printf(out,
                     "bool abi_%s_decode_%s(const struct abi_log_view *log, %s *out,\n"
                     "    struct arena *arena, struct err *err)",
                     m->version, d->c_name, c_struct(m, d, ""));
}

static void put_event_encode(struct buf *out, struct model *m, const struct decl *d)
{
    (void)buf_printf(out, "bool abi_%s_encode_%s(struct abi_log_parts *out, const %s *v)",
                     m->version, d->c_name, c_struct(m, d, ""));
}

static void header_event(struct buf *out, struct model *m, const struct decl *d)
{
    struct b256 h = signature_hash(m, d);
    (void)buf_printf(out, "#define ABI_%s_%s_TOPIC ((struct b256)", name_upper(m, m->version),
                     name_upper(m, d->c_name));
    put_b256(out, &h);
    (void)buf_append_str(out, ")\n");
    if (d->args.cnt == 0)
        return; /* the topic says it all */
    put_struct(out, m, c_struct(m, d, ""), &d->args);
    (void)buf_append_str(out, "MUST_USE ");
    put_event_decode(out, m, d);
    (void)buf_append_str(out, ";\n");
    put_event_encode(out, m, d);
    (void)buf_append_str(out, ";\n");
}

static void header_decl(struct buf *out, struct model *m, const struct decl *d)
{
    if (d->kind == DECL_HASH)
        (void)buf_printf(out, "\n/* keccak256(\"%s\") */\n", d->name);
    else if (d->name[0])
        (void)buf_printf(out, "\n/* %s%s */\n", d->name, name_canonical_args(m, &d->args));
    else
        (void)buf_append_str(out, "\n");
    struct b256 h = signature_hash(m, d);
    switch (d->kind) {
    case DECL_STRUCT:
    case DECL_TUPLE:
        header_struct(out, m, d);
        break;
    case DECL_FUNCTION:
        header_function(out, m, d);
        break;
    case DECL_EVENT:
        header_event(out, m, d);
        break;
    case DECL_ERROR:
        (void)buf_printf(out, "#define ABI_%s_%s_ERROR 0x%08xu\n", name_upper(m, m->version),
                         name_upper(m, d->c_name), (unsigned)load_be32(h.b));
        break;
    case DECL_HASH:
        (void)buf_printf(out, "#define ABI_%s_%s ((struct b256)", name_upper(m, m->version),
                         name_upper(m, d->c_name));
        put_b256(out, &h);
        (void)buf_append_str(out, ")\n");
        break;
    }
}

static bool type_uses(const struct type *t, const struct source *src);

static bool fields_use(const struct field_list *f, const struct source *src)
{
    for (const struct field *i = f->first; i; i = i->next) {
        if (type_uses(i->type, src))
            return true;
    }
    return false;
}

static bool type_uses(const struct type *t, const struct source *src)
{
    while (t->item)
        t = t->item;
    return t->kind == TYPE_TUPLE && t->decl->source == src;
}

void emit_header(struct buf *out, struct model *m, const struct source *src)
{
    const char *guard = name_upper(m, name_format(m, "gh_gen_abi_%s_%s_h", m->version, src->stem));
    (void)buf_printf(
        out,
        "/* Generated by abigen from %s.abi (%s): do not edit.\n"
        " * Conventions and ownership: contracts-abi/value.h, contracts-abi/codec.h. */\n"
        "#ifndef %s\n#define %s\n\n#include \"contracts-abi/value.h\"\n",
        src->stem, m->version, guard, guard);
    for (const struct source *o = m->sources; o && o != src; o = o->next) {
        bool used = false;
        for (const struct decl *d = src->decls; d && !used; d = d->next)
            used = fields_use(&d->args, o) || fields_use(&d->returns, o);
        if (used)
            (void)buf_printf(out, "#include \"contracts-abi/gen/%s.h\"\n", o->stem);
    }
    for (const struct decl *d = src->decls; d; d = d->next)
        header_decl(out, m, d);
    (void)buf_append_str(out, "\n#endif\n");
}

static void put_body(struct buf *out, const char *call)
{
    (void)buf_printf(out, "\n{\n    return %s;\n}\n", call);
}

/* how: "params" or "value" */
static void source_codec(struct buf *out, struct model *m, const char *what, const char *type,
                         const char *word, const char *how, const char *title)
{
    put_encode(out, m, what, type);
    put_body(out, name_format(m, "abi_encode_%s(out, &t_%s, v)", how, word));
    put_decode(out, m, what, type);
    put_body(out,
             name_format(m, "abi_decode_%s(in, &t_%s, out, arena, \"%s\", err)", how, word, title));
}

static void source_struct(struct buf *out, struct model *m, struct emitted **done,
                          const struct decl *d)
{
    if (d->name[0] == 0)
        return;
    const char *type = c_struct(m, d, "");
    bool is_struct = d->kind == DECL_STRUCT;
    emit_tuple(out, m, done, d->c_name, &d->args, type);
    source_codec(out, m, d->c_name, type, d->c_name, is_struct ? "value" : "params", d->name);
    if (is_struct && is_dynamic(&d->args))
        source_codec(out, m, name_format(m, "%s_body", d->c_name), type, d->c_name, "params",
                     d->name);
}

static void source_function(struct buf *out, struct model *m, struct emitted **done,
                            const struct decl *d)
{
    const char *word = name_format(m, "%s_call", d->c_name);
    const char *selector =
        name_format(m, "ABI_%s_%s_SELECTOR", name_upper(m, m->version), name_upper(m, d->c_name));
    const char *type = d->args.cnt ? c_struct(m, d, "_call") : NULL;
    if (type)
        emit_tuple(out, m, done, word, &d->args, type);
    put_encode(out, m, word, type);
    if (type) {
        put_body(out, name_format(m, "abi_encode_call(out, %s, &t_%s, v)", selector, word));
        put_decode(out, m, word, type);
        put_body(out, name_format(m, "abi_decode_call(in, %s, &t_%s, out, arena, \"%s\", err)",
                                  selector, word, d->name));
    } else {
        put_body(out, name_format(m, "abi_encode_call(out, %s, NULL, NULL)", selector));
    }
    if (d->returns.cnt == 0)
        return;
    word = name_format(m, "%s_return", d->c_name);
    type = c_struct(m, d, "_return");
    emit_tuple(out, m, done, word, &d->returns, type);
    source_codec(out, m, word, type, word, "params", name_format(m, "%s result", d->name));
}

static void source_event(struct buf *out, struct model *m, struct emitted **done,
                         const struct decl *d)
{
    if (d->args.cnt == 0)
        return;
    size_t indexed = 0, head = 0;
    for (const struct field *f = d->args.first; f; f = f->next) {
        indexed += f->indexed ? 1 : 0;
        head += f->indexed ? 0 : f->type->head_len;
    }
    struct b256 h = signature_hash(m, d);
    emit_fields(out, m, done, d->c_name, &d->args, c_struct(m, d, ""));
    (void)buf_printf(out, "static const struct abi_event e_%s = {\n    \"%s\",\n    ", d->c_name,
                     d->name);
    put_b256(out, &h);
    (void)buf_printf(out, ",\n    f_%s, %zu, %zu, %zu, sizeof(%s),\n};\n", d->c_name, d->args.cnt,
                     indexed, head, c_struct(m, d, ""));
    put_event_decode(out, m, d);
    put_body(out, name_format(m, "abi_decode_event(log, &e_%s, out, arena, err)", d->c_name));
    put_event_encode(out, m, d);
    put_body(out, name_format(m, "abi_encode_event(out, &e_%s, v)", d->c_name));
}

void emit_source(struct buf *out, struct model *m, const struct source *src)
{
    struct emitted *done = NULL;
    (void)buf_printf(
        out,
        "/* Generated by abigen from %s.abi (%s): do not edit. */\n"
        "#include \"contracts-abi/gen/%s.h\"\n\n#include \"contracts-abi/codec.h\"\n\n",
        src->stem, m->version, src->stem);
    for (const struct decl *d = src->decls; d; d = d->next) {
        if (d->kind == DECL_STRUCT || d->kind == DECL_TUPLE)
            source_struct(out, m, &done, d);
        else if (d->kind == DECL_FUNCTION)
            source_function(out, m, &done, d);
        else if (d->kind == DECL_EVENT)
            source_event(out, m, &done, d);
    }
}

void emit_index_header(struct buf *out, struct model *m)
{
    const char *guard = name_upper(m, name_format(m, "gh_gen_abi_%s_index_h", m->version));
    (void)buf_printf(out,
                     "/* Generated by abigen (%s): do not edit. */\n#ifndef %s\n#define %s\n\n"
                     "#include \"contracts-abi/type.h\"\n\n"
                     "/* Every function, event and error of the version. */\n"
                     "const struct abi_signature *abi_%s_signatures(size_t *cnt);\n\n#endif\n",
                     m->version, guard, guard, m->version);
}

void emit_index_source(struct buf *out, struct model *m)
{
    struct emitted *done = NULL;
    (void)buf_printf(
        out, "/* Generated by abigen (%s): do not edit. */\n#include \"contracts-abi/gen/%s.h\"\n",
        m->version, m->version);
    for (const struct source *src = m->sources; src; src = src->next)
        (void)buf_printf(out, "#include \"contracts-abi/gen/%s.h\"\n", src->stem);
    (void)buf_append_str(out, "\n");
    for (const struct source *src = m->sources; src; src = src->next) {
        for (const struct decl *d = src->decls; d; d = d->next) {
            if (d->kind == DECL_ERROR && d->args.cnt)
                emit_tuple(out, m, &done, name_format(m, "error_%s", d->c_name), &d->args, NULL);
        }
    }
    (void)buf_append_str(out, "static const struct abi_signature signatures[] = {\n");
    for (const struct source *src = m->sources; src; src = src->next) {
        for (const struct decl *d = src->decls; d; d = d->next) {
            if (d->kind != DECL_FUNCTION && d->kind != DECL_EVENT && d->kind != DECL_ERROR)
                continue;
            struct b256 h = signature_hash(m, d);
            (void)buf_printf(out, "    { %s, \"%s%s\",\n      ",
                             d->kind == DECL_FUNCTION ? "ABI_SIG_FUNCTION"
                             : d->kind == DECL_EVENT  ? "ABI_SIG_EVENT"
                                                      : "ABI_SIG_ERROR",
                             d->name, name_canonical_args(m, &d->args));
            put_b256(out, &h);
            unsigned indexed = 0, bit = 1;
            for (const struct field *f = d->args.first; f; f = f->next, bit <<= 1)
                indexed |= f->indexed ? bit : 0;
            (void)buf_printf(out, ",\n      0x%x, ", indexed);
            if (d->kind == DECL_ERROR && d->args.cnt)
                (void)buf_printf(out, "&t_error_%s },\n", d->c_name);
            else
                (void)buf_append_str(out, "NULL },\n");
        }
    }
    (void)buf_printf(
        out,
        "};\n\nconst struct abi_signature *abi_%s_signatures(size_t *cnt)\n{\n"
        "    *cnt = sizeof signatures / sizeof signatures[0];\n    return signatures;\n}\n",
        m->version);
}
