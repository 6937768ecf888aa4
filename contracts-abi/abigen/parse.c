#include <string.h>

#include "contracts-abi/abigen/model.h"

#define MAX_ARRAY 1024u

struct parser {
    struct model *m;
    struct source *source;
    const char *p, *end; /* rest of the line */
    unsigned line;
    struct decl **tail; /* where the next declaration goes */
    struct err *err;
};

static bool fail(struct parser *s, const char *what)
{
    return err_set(s->err, ERR_INVALID, "%s:%u: %s near \"%.*s\"", s->source->path, s->line, what,
                   (int)(s->end - s->p < 40 ? s->end - s->p : 40), s->p);
}

static void skip_spaces(struct parser *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t'))
        s->p++;
}

static bool take(struct parser *s, char c)
{
    skip_spaces(s);
    if (s->p == s->end || *s->p != c)
        return false;
    s->p++;
    return true;
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static struct bytes take_word(struct parser *s)
{
    skip_spaces(s);
    const char *from = s->p;
    while (s->p < s->end && is_word_char(*s->p))
        s->p++;
    return bytes_of(from, (size_t)(s->p - from));
}

static bool word_is(struct bytes w, const char *text)
{
    return w.len == strlen(text) && memcmp(w.p, text, w.len) == 0;
}

/* A decimal number without leading zeros, at most max; 0 when it is none. */
static unsigned parse_number(const uint8_t *p, size_t len, unsigned max)
{
    unsigned v = 0;
    if (len == 0 || len > 4 || p[0] == '0')
        return 0;
    for (size_t i = 0; i < len; i++) {
        if (p[i] < '0' || p[i] > '9')
            return 0;
        v = v * 10 + (unsigned)(p[i] - '0');
    }
    return v <= max ? v : 0;
}

static struct type *new_type(struct parser *s, enum type_kind kind, unsigned bits)
{
    struct type *t = model_alloc(s->m, sizeof *t);
    t->kind = kind;
    t->bits = bits;
    t->head_len = 32;
    t->dynamic = kind == TYPE_BYTES || kind == TYPE_STRING || kind == TYPE_LIST;
    return t;
}

static struct type *tuple_type(struct parser *s, struct decl *d)
{
    struct type *t = new_type(s, TYPE_TUPLE, 0);
    size_t head = 0;
    t->decl = d;
    for (const struct field *f = d->args.first; f; f = f->next) {
        t->dynamic = t->dynamic || f->type->dynamic;
        head += f->type->head_len;
    }
    t->head_len = t->dynamic ? 32 : head;
    return t;
}

static struct decl *find_struct(const struct model *m, struct bytes name)
{
    for (const struct source *src = m->sources; src; src = src->next) {
        for (struct decl *d = src->decls; d; d = d->next) {
            if (d->kind == DECL_STRUCT && word_is(name, d->name))
                return d;
        }
    }
    return NULL;
}

static struct type *elementary_type(struct parser *s, struct bytes w)
{
    unsigned n;
    if (w.len == 0)
        return NULL;
    if (word_is(w, "bool"))
        return new_type(s, TYPE_BOOL, 8);
    if (word_is(w, "address"))
        return new_type(s, TYPE_ADDRESS, 160);
    if (word_is(w, "bytes"))
        return new_type(s, TYPE_BYTES, 0);
    if (word_is(w, "string"))
        return new_type(s, TYPE_STRING, 0);
    if (w.len > 4 && memcmp(w.p, "uint", 4) == 0 &&
        (n = parse_number(w.p + 4, w.len - 4, 256)) != 0 && n % 8 == 0)
        return new_type(s, TYPE_UINT, n);
    if (w.len > 3 && memcmp(w.p, "int", 3) == 0 &&
        (n = parse_number(w.p + 3, w.len - 3, 256)) != 0 && n % 8 == 0)
        return new_type(s, TYPE_INT, n);
    if (w.len > 5 && memcmp(w.p, "bytes", 5) == 0 &&
        (n = parse_number(w.p + 5, w.len - 5, 32)) != 0)
        return new_type(s, TYPE_FIXED_BYTES, n * 8);
    struct decl *d = find_struct(s->m, w);
    return d ? tuple_type(s, d) : NULL;
}

static struct decl *add_decl(struct parser *s, enum decl_kind kind, const char *name,
                             const char *c_name)
{
    struct decl *d = model_alloc(s->m, sizeof *d);
    d->kind = kind;
    d->name = name;
    d->c_name = c_name;
    d->source = s->source;
    d->line = s->line;
    return d;
}

static void link_decl(struct parser *s, struct decl *d)
{
    *s->tail = d;
    s->tail = &d->next;
}

static bool parse_fields(struct parser *s, struct field_list *out, const char *owner);

/* An inline tuple becomes a struct named after its owner and its place. */
static struct type *inline_tuple(struct parser *s, const char *owner, size_t index)
{
    const char *c_name = name_format(s->m, "%s_tuple%zu", owner, index);
    struct decl *d = add_decl(s, DECL_STRUCT, "", c_name);
    if (!parse_fields(s, &d->args, c_name))
        return NULL;
    if (d->args.cnt == 0) {
        (void)fail(s, "empty tuple");
        return NULL;
    }
    link_decl(s, d);
    return tuple_type(s, d);
}

/* Marks how many list levels of a struct the C side needs. */
static bool note_list(struct parser *s, const struct type *list)
{
    unsigned levels = 0;
    const struct type *t = list;
    for (; t->kind == TYPE_LIST; t = t->item)
        levels++;
    if (t->kind == TYPE_ARRAY)
        return fail(s, "a list of fixed arrays has no C form here");
    if (levels > 2 || (levels > 1 && t->kind == TYPE_FIXED_BYTES && t->bits < 256))
        return fail(s, "lists nested too deep");
    if (t->kind == TYPE_TUPLE && t->decl->list_levels < levels)
        t->decl->list_levels = levels;
    return true;
}

static const struct type *parse_type(struct parser *s, const char *owner, size_t index)
{
    struct type *t;
    if (take(s, '(')) {
        t = inline_tuple(s, owner, index);
        if (!t)
            return NULL;
    } else {
        struct bytes w = take_word(s);
        t = elementary_type(s, w);
        if (!t) {
            (void)err_set(s->err, ERR_INVALID, "%s:%u: unknown type \"%.*s\"", s->source->path,
                          s->line, (int)w.len, (const char *)w.p);
            return NULL;
        }
    }
    while (take(s, '[')) {
        struct bytes w = take_word(s);
        if (!take(s, ']')) {
            (void)fail(s, "expected ]");
            return NULL;
        }
        unsigned n = parse_number(w.p, w.len, MAX_ARRAY);
        if (w.len > 0 && n == 0) {
            (void)fail(s, "bad array length");
            return NULL;
        }
        struct type *outer = new_type(s, w.len == 0 ? TYPE_LIST : TYPE_ARRAY, 0);
        outer->item = t;
        outer->cnt = n;
        if (outer->kind == TYPE_ARRAY) {
            outer->dynamic = t->dynamic;
            outer->head_len = t->dynamic ? 32 : n * t->head_len;
        } else if (!note_list(s, outer)) {
            return NULL;
        }
        t = outer;
    }
    return t;
}

static bool name_taken(const struct field_list *l, const char *c_name)
{
    for (const struct field *f = l->first; f; f = f->next) {
        if (strcmp(f->c_name, c_name) == 0)
            return true;
    }
    return false;
}

static bool parse_field(struct parser *s, struct field_list *out, struct field *f,
                        const char *owner)
{
    f->type = parse_type(s, owner, out->cnt);
    if (!f->type)
        return false;
    struct bytes w = take_word(s);
    if (word_is(w, "indexed")) {
        f->indexed = true;
        w = take_word(s);
    }
    f->name = name_format(s->m, "%.*s", (int)w.len, (const char *)w.p);
    f->c_name =
        w.len > 0 ? name_c_field(s->m, f->name, w.len) : name_format(s->m, "arg%zu", out->cnt);
    if (f->c_name[0] == 0 || name_taken(out, f->c_name))
        return fail(s, "field name used twice");
    return true;
}

/* After the opening parenthesis, up to and with the closing one. */
static bool parse_fields(struct parser *s, struct field_list *out, const char *owner)
{
    struct field **tail = &out->first;
    if (take(s, ')'))
        return true;
    do {
        struct field *f = model_alloc(s->m, sizeof *f);
        if (!parse_field(s, out, f, owner))
            return false;
        *tail = f;
        tail = &f->next;
        out->cnt++;
    } while (take(s, ','));
    return take(s, ')') ? true : fail(s, "expected , or )");
}

static bool check_event(struct parser *s, const struct decl *d)
{
    size_t indexed = 0;
    for (const struct field *f = d->args.first; f; f = f->next)
        indexed += f->indexed ? 1 : 0;
    if (d->kind != DECL_EVENT && indexed > 0)
        return fail(s, "indexed outside an event");
    return indexed <= 3 ? true : fail(s, "more than three indexed fields");
}

/* One C name per kind and version: functions, errors and hashes have their own suffixes. */
static bool check_name_free(struct parser *s, const struct decl *d)
{
    bool is_plain = d->kind == DECL_STRUCT || d->kind == DECL_TUPLE || d->kind == DECL_EVENT;
    for (const struct source *src = s->m->sources; src; src = src->next) {
        for (const struct decl *o = src->decls; o; o = o->next) {
            bool other_plain =
                o->kind == DECL_STRUCT || o->kind == DECL_TUPLE || o->kind == DECL_EVENT;
            if (strcmp(o->c_name, d->c_name) == 0 &&
                (o->kind == d->kind || (is_plain && other_plain)))
                return err_set(s->err, ERR_INVALID, "%s:%u: %s is already in %s:%u (use `as`)",
                               s->source->path, s->line, d->c_name, o->source->path, o->line);
        }
    }
    return true;
}

static bool parse_hash(struct parser *s)
{
    struct bytes name = take_word(s);
    if (name.len == 0 || !take(s, '"'))
        return fail(s, "expected NAME \"text\"");
    const char *from = s->p;
    while (s->p < s->end && *s->p != '"')
        s->p++;
    const char *text = name_format(s->m, "%.*s", (int)(s->p - from), from);
    if (!take(s, '"'))
        return fail(s, "text does not end");
    struct decl *d = add_decl(s, DECL_HASH, text, name_snake(s->m, (const char *)name.p, name.len));
    if (!check_name_free(s, d))
        return false;
    link_decl(s, d);
    return true;
}

/* The name in `as Name` behind the last parenthesis. It stands at the end of the line but is needed
 * first, because inline tuples are named after it. */
static struct bytes peek_alias(const struct parser *s)
{
    struct parser ahead = *s;
    for (const char *c = s->p; c < s->end; c++) {
        if (*c == ')')
            ahead.p = c + 1;
    }
    return word_is(take_word(&ahead), "as") ? take_word(&ahead) : bytes_of(NULL, 0);
}

static bool parse_decl(struct parser *s, enum decl_kind kind)
{
    struct bytes name = take_word(s);
    if (name.len == 0 || !take(s, '('))
        return fail(s, "expected a name and (");
    const char *text = (const char *)name.p;
    struct decl *d = add_decl(s, kind, name_format(s->m, "%.*s", (int)name.len, text),
                              name_snake(s->m, text, name.len));
    struct bytes as = peek_alias(s);
    if (as.len > 0 && kind != DECL_STRUCT && kind != DECL_TUPLE)
        d->c_name = name_snake(s->m, (const char *)as.p, as.len);
    if (!check_name_free(s, d) || !parse_fields(s, &d->args, d->c_name) || !check_event(s, d))
        return false;
    if ((kind == DECL_STRUCT || kind == DECL_TUPLE) && d->args.cnt == 0)
        return fail(s, "a struct without fields");
    struct bytes w = take_word(s);
    if (kind == DECL_FUNCTION && word_is(w, "returns")) {
        if (!take(s, '(') ||
            !parse_fields(s, &d->returns, name_format(s->m, "%s_return", d->c_name)))
            return fail(s, "bad returns");
        if (d->returns.cnt == 1 && d->returns.first->name[0] == 0)
            d->returns.first->c_name = "value";
        w = take_word(s);
    }
    if (word_is(w, "as")) {
        if (as.len == 0 || take_word(s).len == 0)
            return fail(s, "expected a name after as");
    } else if (w.len != 0) {
        return fail(s, "unexpected word");
    }
    link_decl(s, d);
    return true;
}

static bool parse_line(struct parser *s)
{
    static const struct {
        const char *word;
        enum decl_kind kind;
    } words[] = { { "struct", DECL_STRUCT },
                  { "tuple", DECL_TUPLE },
                  { "function", DECL_FUNCTION },
                  { "event", DECL_EVENT },
                  { "error", DECL_ERROR } };
    skip_spaces(s);
    if (s->p == s->end || *s->p == '#')
        return true;
    struct bytes w = take_word(s);
    bool known = word_is(w, "hash"), ok = known && parse_hash(s);
    for (size_t i = 0; i < GH_COUNT(words) && !known; i++) {
        if (word_is(w, words[i].word)) {
            known = true;
            ok = parse_decl(s, words[i].kind);
        }
    }
    if (!known)
        return fail(s, "expected struct, tuple, function, event, error or hash");
    skip_spaces(s);
    return !ok || s->p == s->end ? ok : fail(s, "text behind the declaration");
}

bool model_parse(struct model *m, const char *path, const char *text, struct err *err)
{
    struct source *src = model_alloc(m, sizeof *src), **last = &m->sources;
    while (*last)
        last = &(*last)->next;
    *last = src;
    const char *slash = strrchr(path, '/'), *stem = slash ? slash + 1 : path;
    const char *dot = strrchr(stem, '.');
    src->path = name_format(m, "%s", path);
    src->stem = name_format(m, "%.*s", dot ? (int)(dot - stem) : (int)strlen(stem), stem);
    struct parser s = { .m = m, .source = src, .tail = &src->decls, .err = err };
    while (*text) {
        const char *nl = strchr(text, '\n');
        s.p = text;
        s.end = nl ? nl : text + strlen(text);
        s.line++;
        if (s.end > s.p && s.end[-1] == '\r')
            s.end--;
        if (!parse_line(&s))
            return false;
        text = nl ? nl + 1 : text + strlen(text);
    }
    return true;
}
