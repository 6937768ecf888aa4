#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contracts-abi/abigen/model.h"

void *model_alloc(struct model *m, size_t n)
{
    void *p = arena_zalloc(m->arena, n);
    if (!p) {
        (void)fprintf(stderr, "abigen: out of memory\n");
        exit(1); /* NOLINT(concurrency-mt-unsafe): one thread */
    }
    return p;
}

char *name_format(struct model *m, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap); /* NOLINT(clang-analyzer-valist.Uninitialized) */
    va_end(ap);
    CHECK(n >= 0);
    char *s = model_alloc(m, (size_t)n + 1);
    va_start(ap, fmt);
    (void)vsnprintf(s, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return s;
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Words whose capitals do not follow the rule "a word starts with one". */
static size_t odd_word(const char *s, size_t len, const char **as)
{
    static const struct {
        const char *word, *as;
    } odd[] = { { "ZKsyncOS", "zksync_os" },
                { "ZKsync", "zksync" },
                { "IDs", "ids" },
                { "SLChainId", "sl_chain_id" } };
    for (size_t i = 0; i < GH_COUNT(odd); i++) {
        size_t n = strlen(odd[i].word);
        if (len >= n && memcmp(s, odd[i].word, n) == 0) {
            *as = odd[i].as;
            return n;
        }
    }
    return 0;
}

const char *name_snake(struct model *m, const char *name, size_t len)
{
    while (len > 0 && name[0] == '_') {
        name++;
        len--;
    }
    char *out = model_alloc(m, 2 * len + 4);
    size_t n = 0;
    for (size_t i = 0; i < len;) {
        const char *as = NULL;
        size_t odd = odd_word(name + i, len - i, &as);
        bool after_word = i > 0 && is_lower_or_digit(name[i - 1]);
        bool last_capital = i > 0 && is_upper(name[i - 1]) && i + 1 < len && name[i + 1] >= 'a' &&
                            name[i + 1] <= 'z';
        if (n > 0 && out[n - 1] != '_' && is_upper(name[i]) && (odd || after_word || last_capital))
            out[n++] = '_';
        if (odd) {
            memcpy(out + n, as, strlen(as)); /* NOLINT(bugprone-not-null-terminated-result) */
            n += strlen(as);
            i += odd;
            continue;
        }
        out[n++] = is_upper(name[i]) ? (char)(name[i] - 'A' + 'a') : name[i];
        i++;
    }
    return out;
}

const char *name_upper(struct model *m, const char *snake)
{
    char *out = name_format(m, "%s", snake);
    for (char *p = out; *p; p++) {
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
    }
    return out;
}

const char *name_c_field(struct model *m, const char *name, size_t len)
{
    static const char *const keywords[] = {
        "auto",     "bool",    "break",  "case",     "char",   "const",    "continue",
        "default",  "do",      "double", "else",     "enum",   "extern",   "float",
        "for",      "goto",    "if",     "inline",   "int",    "long",     "register",
        "restrict", "return",  "short",  "signed",   "sizeof", "static",   "struct",
        "switch",   "typedef", "union",  "unsigned", "void",   "volatile", "while"
    };
    const char *s = name_snake(m, name, len);
    for (size_t i = 0; i < GH_COUNT(keywords); i++) {
        if (strcmp(s, keywords[i]) == 0)
            return name_format(m, "%s_", s);
    }
    return s;
}

const char *name_canonical_args(struct model *m, const struct field_list *f)
{
    const char *s = "(";
    for (const struct field *i = f->first; i; i = i->next)
        s = name_format(m, "%s%s%s", s, name_canonical_type(m, i->type), i->next ? "," : "");
    return name_format(m, "%s)", s);
}

const char *name_canonical_type(struct model *m, const struct type *t)
{
    switch (t->kind) {
    case TYPE_UINT:
        return name_format(m, "uint%u", t->bits);
    case TYPE_INT:
        return name_format(m, "int%u", t->bits);
    case TYPE_BOOL:
        return "bool";
    case TYPE_ADDRESS:
        return "address";
    case TYPE_FIXED_BYTES:
        return name_format(m, "bytes%u", t->bits / 8);
    case TYPE_BYTES:
        return "bytes";
    case TYPE_STRING:
        return "string";
    case TYPE_LIST:
        return name_format(m, "%s[]", name_canonical_type(m, t->item));
    case TYPE_ARRAY:
        return name_format(m, "%s[%zu]", name_canonical_type(m, t->item), t->cnt);
    case TYPE_TUPLE:
        return name_canonical_args(m, &t->decl->args);
    }
    return "";
}

const char *name_type_word(struct model *m, const struct type *t)
{
    switch (t->kind) {
    case TYPE_LIST:
        return name_format(m, "%s_list", name_type_word(m, t->item));
    case TYPE_ARRAY:
        return name_format(m, "%s_x%zu", name_type_word(m, t->item), t->cnt);
    case TYPE_TUPLE:
        return t->decl->c_name;
    default:
        return name_canonical_type(m, t);
    }
}

/* The word of value.h's list structs. */
static const char *list_word(struct model *m, const struct type *t)
{
    switch (t->kind) {
    case TYPE_UINT:
        return t->bits <= 64 ? "u64" : "u256";
    case TYPE_INT:
        return t->bits <= 64 ? "i64" : "u256";
    case TYPE_BOOL:
        return "bool";
    case TYPE_ADDRESS:
        return "addr";
    case TYPE_FIXED_BYTES:
        return t->bits == 256 ? "b256" : name_format(m, "bytes%u", t->bits / 8);
    case TYPE_BYTES:
    case TYPE_STRING:
        return "bytes";
    case TYPE_LIST:
        return name_format(m, "%s_list", list_word(m, t->item));
    case TYPE_TUPLE:
        return name_format(m, "%s_%s", m->version, t->decl->c_name);
    case TYPE_ARRAY:
        break; /* a list of arrays is refused by the parser */
    }
    return "";
}

const char *name_c_type(struct model *m, const struct type *t)
{
    switch (t->kind) {
    case TYPE_UINT:
        return t->bits <= 64 ? "uint64_t" : "struct u256";
    case TYPE_INT:
        return t->bits <= 64 ? "int64_t" : "struct u256";
    case TYPE_BOOL:
        return "bool";
    case TYPE_ADDRESS:
        return "struct addr";
    case TYPE_FIXED_BYTES:
        return t->bits == 256 ? "struct b256" : name_format(m, "struct abi_bytes%u", t->bits / 8);
    case TYPE_BYTES:
    case TYPE_STRING:
        return "struct bytes";
    case TYPE_LIST:
        return name_format(m, "struct abi_%s", list_word(m, t));
    case TYPE_ARRAY:
        return name_c_type(m, t->item);
    case TYPE_TUPLE:
        return name_format(m, "struct abi_%s_%s", m->version, t->decl->c_name);
    }
    return "";
}

const char *name_c_dims(struct model *m, const struct type *t)
{
    if (t->kind != TYPE_ARRAY)
        return "";
    return name_format(m, "[%zu]%s", t->cnt, name_c_dims(m, t->item));
}
