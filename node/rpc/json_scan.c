/* node/rpc/json_scan.c */
#include "node/rpc/json_scan.h"

/* What a jansson 2.x value costs, rounded up: struct, malloc header, first table. */
#define COST_OBJECT 352u
#define COST_ARRAY  144u
#define COST_SCALAR 64u
#define COST_KEY    128u

struct scan {
    const uint8_t *p, *end;
    size_t cost;
};

static void skip_space(struct scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
        s->p++;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static int hex_value(uint8_t c)
{
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Length of the UTF-8 sequence at p, 0 when it is none: no overlong forms, surrogates or values beyond U+10FFFF. */
static size_t utf8_len(const uint8_t *p, const uint8_t *end)
{
    size_t left = (size_t)(end - p);
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        return left >= 2 && (p[1] & 0xc0) == 0x80 ? 2 : 0;
    if ((p[0] & 0xf0) == 0xe0) {
        if (left < 3 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80)
            return 0;
        if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f))
            return 0;
        return 3;
    }
    if (p[0] < 0xf0 || p[0] > 0xf4 || left < 4)
        return 0;
    if ((p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 || (p[3] & 0xc0) != 0x80)
        return 0;
    return (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f) ? 0 : 4;
}

static bool scan_escape(struct scan *s)
{
    if (s->end - s->p < 2)
        return false;
    uint8_t c = s->p[1];
    if (c != 'u') {
        s->p += 2;
        return c != 0 && strchr("\"\\/bfnrt", c) != NULL;
    }
    if (s->end - s->p < 6)
        return false;
    for (int i = 2; i < 6; i++)
        if (hex_value(s->p[i]) < 0)
            return false;
    s->p += 6;
    return true;
}

/* At the opening quote. */
static bool scan_string(struct scan *s)
{
    const uint8_t *from = s->p++;
    while (s->p < s->end && *s->p != '"') {
        if (*s->p < 0x20)
            return false;
        if (*s->p == '\\') {
            if (!scan_escape(s))
                return false;
            continue;
        }
        size_t n = utf8_len(s->p, s->end);
        if (n == 0)
            return false;
        s->p += n;
    }
    if (s->p == s->end)
        return false;
    s->p++;
    s->cost += (size_t)(s->p - from);
    return true;
}

static bool scan_digits(struct scan *s)
{
    const uint8_t *from = s->p;
    while (s->p < s->end && is_digit(*s->p))
        s->p++;
    return s->p > from;
}

static bool scan_number(struct scan *s)
{
    if (*s->p == '-')
        s->p++;
    if (s->p < s->end && *s->p == '0')
        s->p++;
    else if (!scan_digits(s))
        return false;
    if (s->p < s->end && *s->p == '.') {
        s->p++;
        if (!scan_digits(s))
            return false;
    }
    if (s->p < s->end && (*s->p | 0x20) == 'e') {
        s->p++;
        if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
            s->p++;
        return scan_digits(s);
    }
    return true;
}

static bool scan_word(struct scan *s, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
        return false;
    s->p += n;
    return true;
}

/* Anything but an object or array. */
static bool scan_scalar(struct scan *s)
{
    s->cost += COST_SCALAR;
    switch (*s->p) {
    case '"':
        return scan_string(s);
    case 't':
        return scan_word(s, "true");
    case 'f':
        return scan_word(s, "false");
    case 'n':
        return scan_word(s, "null");
    default:
        return (*s->p == '-' || is_digit(*s->p)) && scan_number(s);
    }
}

static bool scan_key(struct scan *s)
{
    s->cost += COST_KEY;
    if (*s->p != '"' || !scan_string(s))
        return false;
    skip_space(s);
    if (s->p == s->end || *s->p != ':')
        return false;
    s->p++;
    return true;
}

enum expect { VALUE, VALUE_OR_END, KEY, KEY_OR_END, COMMA_OR_END };

enum json_fault json_check(struct bytes text, unsigned max_depth, size_t *tree_bytes)
{
    struct scan s = { text.p, text.p + text.len, 0 };
    uint64_t objects = 0; /* bit d: level d + 1 is an object */
    unsigned depth = 0;
    enum expect expect = VALUE;
    CHECK(max_depth <= 64);
    for (;;) {
        skip_space(&s);
        if (depth == 0 && expect == COMMA_OR_END)
            break;
        if (s.p == s.end)
            return JSON_MALFORMED;
        uint8_t c = *s.p;
        bool closes = expect == VALUE_OR_END || expect == KEY_OR_END || expect == COMMA_OR_END;
        if (closes && (c == '}' || c == ']')) {
            bool object = (objects >> (depth - 1)) & 1;
            if (object != (c == '}'))
                return JSON_MALFORMED;
            s.p++;
            depth--;
            expect = COMMA_OR_END;
        } else if (expect == COMMA_OR_END) {
            if (c != ',')
                return JSON_MALFORMED;
            s.p++;
            expect = (objects >> (depth - 1)) & 1 ? KEY : VALUE;
        } else if (expect == KEY || expect == KEY_OR_END) {
            if (!scan_key(&s))
                return JSON_MALFORMED;
            expect = VALUE;
        } else if (c == '{' || c == '[') {
            if (depth == max_depth)
                return JSON_TOO_DEEP;
            uint64_t bit = UINT64_C(1) << depth;
            objects = c == '{' ? objects | bit : objects & ~bit;
            depth++;
            s.p++;
            s.cost += c == '{' ? COST_OBJECT : COST_ARRAY;
            expect = c == '{' ? KEY_OR_END : VALUE_OR_END;
        } else {
            if (!scan_scalar(&s))
                return JSON_MALFORMED;
            expect = COMMA_OR_END;
        }
    }
    if (s.p != s.end)
        return JSON_MALFORMED;
    if (tree_bytes)
        *tree_bytes = s.cost;
    return JSON_OK;
}

/* ---- slices of checked text ---- */

static const char *skip_white(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

/* Behind the string that starts at p. */
static const char *string_end(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++)
        if (*p == '\\')
            p++;
    return p < end ? p + 1 : end;
}

static const char *value_end(const char *p, const char *end)
{
    if (p == end)
        return end;
    if (*p == '"')
        return string_end(p, end);
    if (*p != '{' && *p != '[') {
        while (p < end && *p != ',' && *p != '}' && *p != ']' && *p != ' ' && *p != '\n' &&
               *p != '\r' && *p != '\t')
            p++;
        return p;
    }
    unsigned depth = 0;
    while (p < end) {
        if (*p == '"') {
            p = string_end(p, end);
            continue;
        }
        depth += *p == '{' || *p == '[';
        if (*p == '}' || *p == ']')
            depth--;
        p++;
        if (depth == 0)
            break;
    }
    return p;
}

static struct json_slice slice_at(const char *p, const char *end)
{
    return (struct json_slice){ p, (size_t)(value_end(p, end) - p) };
}

struct json_slice json_first(struct bytes text)
{
    const char *p = (const char *)text.p, *end = p + text.len;
    return slice_at(skip_white(p, end), end);
}

/* Next item of a container: behind its opening bracket or a comma. NULL at the end. */
static const char *next_item(struct json_slice container, size_t at)
{
    const char *end = container.p + container.len;
    const char *p = skip_white(container.p + (at ? at : 1), end);
    if (p < end && *p == ',')
        p = skip_white(p + 1, end);
    return p >= end || *p == ']' || *p == '}' ? NULL : p;
}

bool json_array_next(struct json_slice array, size_t *at, struct json_slice *value)
{
    const char *p = next_item(array, *at);
    if (p == NULL)
        return false;
    *value = slice_at(p, array.p + array.len);
    *at = (size_t)(value->p + value->len - array.p);
    return true;
}

bool json_object_next(struct json_slice object, size_t *at, struct json_slice *key,
                      struct json_slice *value)
{
    const char *end = object.p + object.len, *p = next_item(object, *at);
    if (p == NULL)
        return false;
    *key = slice_at(p, end);
    p = skip_white(key->p + key->len, end);
    p = skip_white(p < end ? p + 1 : end, end); /* the colon */
    *value = slice_at(p, end);
    *at = (size_t)(value->p + value->len - object.p);
    return true;
}

/* One character of a string, decoded; -1: not plain ASCII. */
static int plain_char(const char **p)
{
    if (**p != '\\')
        return (unsigned char)*(*p)++ < 0x80 ? (*p)[-1] : -1;
    char c = (*p)[1];
    if (c != 'u') {
        static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
        const char *at = strchr(from, c);
        *p += 2;
        return at ? to[at - from] : -1;
    }
    int v = 0;
    for (int i = 2; i < 6; i++)
        v = v * 16 + hex_value((uint8_t)(*p)[i]);
    *p += 6;
    return v > 0 && v < 0x80 ? v : -1;
}

bool json_string_plain(struct json_slice s, char *out, size_t cap)
{
    if (s.len < 2 || s.p[0] != '"')
        return false;
    const char *p = s.p + 1, *end = s.p + s.len - 1;
    size_t n = 0;
    while (p < end) {
        int c = plain_char(&p);
        if (c < 0 || n + 1 >= cap)
            return false;
        out[n++] = (char)c;
    }
    out[n] = 0;
    return true;
}

bool json_string_is(struct json_slice s, const char *word)
{
    size_t n = strlen(word);
    if (s.len == n + 2 && s.p[0] == '"' && memcmp(s.p + 1, word, n) == 0)
        return true;
    char text[64];
    return s.len > n + 2 && json_string_plain(s, text, sizeof(text)) && strcmp(text, word) == 0;
}
