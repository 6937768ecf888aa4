#include "contracts-abi/revert.h"

#include <stdio.h>
#include <string.h>

#include "contracts-abi/codec.h"
#include "contracts-abi/cursor.h"
#include "contracts-abi/gen/v31.h"
#include "node/base/hex.h"

#define SELECTOR_PANIC  0x4e487b71u
#define MAX_SHOWN_BYTES 64u
#define MAX_SHOWN_ITEMS 8u

/* Text with a fixed room. Once it is full nothing more is added, and the walk below stops, so
 * hostile data (lists that share a tail) cannot make it long. */
struct text {
    char *p;
    size_t cap, len;
    bool full;
};

static void put_mem(struct text *t, const char *s, size_t len)
{
    size_t room = t->cap - 1 - t->len;
    if (len > room) {
        len = room;
        t->full = true;
    }
    memcpy(t->p + t->len, s, len);
    t->len += len;
    t->p[t->len] = 0;
}

static void put(struct text *t, const char *s)
{
    put_mem(t, s, strlen(s));
}

static void put_hex(struct text *t, const uint8_t *p, size_t len)
{
    char chunk[2 * MAX_SHOWN_BYTES + 3];
    size_t shown = len < MAX_SHOWN_BYTES ? len : MAX_SHOWN_BYTES;
    put_mem(t, chunk, hex_encode0x(chunk, p, shown));
    if (shown < len)
        put(t, "...");
}

static void put_string(struct text *t, struct bytes s)
{
    put(t, "\"");
    for (size_t i = 0; i < s.len && !t->full; i++) {
        char c = (char)s.p[i];
        if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') {
            char esc[5];
            (void)snprintf(esc, sizeof esc, "\\x%02x", (unsigned)s.p[i]);
            put(t, esc);
        } else {
            put_mem(t, &c, 1);
        }
    }
    put(t, "\"");
}

static void put_number(struct text *t, struct u256 v, bool is_signed)
{
    char dec[79];
    if (is_signed && (v.w[3] >> 63) != 0) {
        put(t, "-");
        v = u256_sub(&U256_ZERO, &v);
    }
    put_mem(t, dec, u256_format_dec(dec, &v));
}

static void put_word(struct text *t, struct abi_cursor *c, size_t at, const struct abi_type *type)
{
    switch (type->kind) {
    case ABI_UINT:
    case ABI_INT:
        put_number(t, abi_cursor_u256(c, at, type->bits, type->kind == ABI_INT),
                   type->kind == ABI_INT);
        break;
    case ABI_BOOL:
        put(t, abi_cursor_bool(c, at) ? "true" : "false");
        break;
    case ABI_ADDRESS: {
        struct addr a = abi_cursor_addr(c, at);
        put_hex(t, a.b, sizeof a.b);
        break;
    }
    case ABI_FIXED_BYTES: {
        uint8_t b[32];
        abi_cursor_fixed_bytes(c, b, at, type->bits / 8);
        put_hex(t, b, type->bits / 8);
        break;
    }
    case ABI_BYTES:
    case ABI_STRING:
    case ABI_LIST:
    case ABI_ARRAY:
    case ABI_TUPLE:
        gh_check_failed("not a word", __FILE__, __LINE__);
    }
}

static void put_value(struct text *t, struct abi_cursor *c, size_t at, size_t base,
                      const struct abi_type *type);

static void put_items(struct text *t, struct abi_cursor *c, size_t at, const struct abi_type *item,
                      size_t cnt)
{
    put(t, "[");
    for (size_t i = 0, pos = at; i < cnt && !t->full && abi_cursor_ok(c); i++) {
        if (i > 0)
            put(t, ", ");
        if (i == MAX_SHOWN_ITEMS) {
            put(t, "...");
            break;
        }
        put_value(t, c, pos, at, item);
        pos += item->head_len;
    }
    put(t, "]");
}

static void put_fields(struct text *t, struct abi_cursor *c, size_t at, const struct abi_type *type)
{
    put(t, "(");
    for (size_t i = 0, pos = at; i < type->cnt && !t->full && abi_cursor_ok(c); i++) {
        if (i > 0)
            put(t, ", ");
        put_value(t, c, pos, at, type->fields[i].type);
        pos += type->fields[i].type->head_len;
    }
    put(t, ")");
}

static void put_value(struct text *t, struct abi_cursor *c, size_t at, size_t base,
                      const struct abi_type *type)
{
    if (type->dynamic)
        at = abi_cursor_offset(c, at, base);
    if (!abi_cursor_ok(c))
        return;
    if (type->kind == ABI_STRING)
        put_string(t, abi_cursor_view(c, at));
    else if (type->kind == ABI_BYTES) {
        struct bytes b = abi_cursor_view(c, at);
        put_hex(t, b.p, b.len);
    } else if (type->kind == ABI_LIST) {
        size_t cnt = abi_cursor_count(c, at, type->item->head_len);
        put_items(t, c, at + 32, type->item, cnt);
    } else if (type->kind == ABI_ARRAY)
        put_items(t, c, at, type->item, type->cnt);
    else if (type->kind == ABI_TUPLE)
        put_fields(t, c, at, type);
    else
        put_word(t, c, at, type);
}

static const struct abi_signature *find_error(uint32_t selector)
{
    size_t cnt;
    const struct abi_signature *all = abi_v31_signatures(&cnt);
    for (size_t i = 0; i < cnt; i++) {
        if (all[i].kind == ABI_SIG_ERROR && load_be32(all[i].hash.b) == selector)
            return &all[i];
    }
    return NULL;
}

static size_t name_len(const struct abi_signature *s)
{
    return (size_t)(strchr(s->text, '(') - s->text);
}

/* Name(args), or false with the text put back when the arguments do not decode. */
static bool put_error(struct text *t, const struct abi_signature *s, struct bytes args)
{
    struct text mark = *t;
    struct abi_cursor c;
    abi_cursor_init(&c, args, NULL);
    put_mem(t, s->text, name_len(s));
    if (s->args)
        put_fields(t, &c, 0, s->args);
    else
        put(t, "()");
    if (abi_cursor_ok(&c))
        return true;
    *t = mark;
    t->p[t->len] = 0;
    return false;
}

/* Solidity documentation, "Panic via assert and Error via require" */
static const char *panic_meaning(uint64_t code)
{
    switch (code) {
    case 0x00:
        return "generic";
    case 0x01:
        return "assert failed";
    case 0x11:
        return "arithmetic overflow";
    case 0x12:
        return "division by zero";
    case 0x21:
        return "enum value out of range";
    case 0x22:
        return "storage byte array wrongly encoded";
    case 0x31:
        return "pop of an empty array";
    case 0x32:
        return "array index out of bounds";
    case 0x41:
        return "out of memory";
    case 0x51:
        return "call of an empty function pointer";
    default:
        return "unknown code";
    }
}

static bool put_builtin(struct text *t, uint32_t selector, struct bytes args)
{
    struct abi_cursor c;
    abi_cursor_init(&c, args, NULL);
    if (selector == ABI_ERROR_STRING) {
        struct bytes s = abi_cursor_view(&c, abi_cursor_offset(&c, 0, 0));
        if (!abi_cursor_ok(&c))
            return false;
        put(t, "Error(");
        put_string(t, s);
        put(t, ")");
        return true;
    }
    if (selector == SELECTOR_PANIC) {
        uint64_t code = abi_cursor_u64(&c, 0, 64);
        char line[80];
        if (!abi_cursor_ok(&c))
            return false;
        (void)snprintf(line, sizeof line, "Panic(0x%02llx: %s)", (unsigned long long)code,
                       panic_meaning(code));
        put(t, line);
        return true;
    }
    return false;
}

size_t abi_format_revert(char *out, size_t cap, struct bytes revert_data)
{
    CHECK(cap >= 4);
    struct text t = { out, cap, 0, false };
    uint32_t selector;
    out[0] = 0;
    if (revert_data.len == 0) {
        put(&t, "empty revert data");
    } else if (!abi_selector_of(revert_data, &selector)) {
        put(&t, "revert data ");
        put_hex(&t, revert_data.p, revert_data.len);
    } else {
        struct bytes args = bytes_of(revert_data.p + 4, revert_data.len - 4);
        const struct abi_signature *s = find_error(selector);
        if (!put_builtin(&t, selector, args) && !(s && put_error(&t, s, args))) {
            if (s) {
                put_mem(&t, s->text, name_len(s));
                put(&t, " with malformed arguments ");
            } else {
                put(&t, "unknown error ");
            }
            put_hex(&t, revert_data.p, revert_data.len);
        }
    }
    if (t.full)
        memcpy(out + t.len - 3, "...", 3);
    return t.len;
}

const char *abi_error_name(char *out, size_t cap, uint32_t selector)
{
    const struct abi_signature *s = find_error(selector);
    if (!s)
        return NULL;
    (void)snprintf(out, cap, "%.*s", (int)name_len(s), s->text);
    return out;
}
