#include "contracts-abi/cursor.h"

static const uint8_t zero_word[32];

void abi_cursor_init(struct abi_cursor *c, struct bytes in, struct arena *arena)
{
    c->in = in;
    c->arena = arena;
    c->fault = NULL;
    c->fault_at = 0;
}

void abi_cursor_fail(struct abi_cursor *c, const char *fault, size_t at)
{
    if (c->fault)
        return;
    c->fault = fault;
    c->fault_at = at;
}

/* The 32 bytes at `at`; a zero word after a fault or when they are not there. */
static const uint8_t *word_at(struct abi_cursor *c, size_t at)
{
    if (c->fault)
        return zero_word;
    if (at > c->in.len || c->in.len - at < 32) {
        abi_cursor_fail(c, "input ends early", at);
        return zero_word;
    }
    return c->in.p + at;
}

static bool all_bytes_are(const uint8_t *p, size_t len, uint8_t value)
{
    uint8_t acc = 0;
    for (size_t i = 0; i < len; i++)
        acc |= p[i] ^ value;
    return acc == 0;
}

/* The high bytes of a word that a value of `bits` bits leaves unused. */
static bool extension_is(const uint8_t *w, unsigned bits, uint8_t value)
{
    return all_bytes_are(w, 32 - bits / 8, value);
}

static uint8_t sign_fill(const uint8_t *w, unsigned bits)
{
    return (w[32 - bits / 8] & 0x80) != 0 ? 0xff : 0;
}

uint64_t abi_cursor_u64(struct abi_cursor *c, size_t at, unsigned bits)
{
    const uint8_t *w = word_at(c, at);
    if (!extension_is(w, bits, 0)) {
        abi_cursor_fail(c, "integer out of range", at);
        return 0;
    }
    return load_be64(w + 24);
}

int64_t abi_cursor_i64(struct abi_cursor *c, size_t at, unsigned bits)
{
    const uint8_t *w = word_at(c, at);
    if (!extension_is(w, bits, sign_fill(w, bits))) {
        abi_cursor_fail(c, "integer out of range", at);
        return 0;
    }
    return (int64_t)load_be64(w + 24);
}

struct u256 abi_cursor_u256(struct abi_cursor *c, size_t at, unsigned bits, bool is_signed)
{
    const uint8_t *w = word_at(c, at);
    if (!extension_is(w, bits, is_signed ? sign_fill(w, bits) : 0)) {
        abi_cursor_fail(c, "integer out of range", at);
        return U256_ZERO;
    }
    return u256_of_be32(w);
}

bool abi_cursor_bool(struct abi_cursor *c, size_t at)
{
    const uint8_t *w = word_at(c, at);
    if (!all_bytes_are(w, 31, 0) || w[31] > 1) {
        abi_cursor_fail(c, "bool is neither 0 nor 1", at);
        return false;
    }
    return w[31] == 1;
}

struct addr abi_cursor_addr(struct abi_cursor *c, size_t at)
{
    const uint8_t *w = word_at(c, at);
    struct addr a = { { 0 } };
    if (!all_bytes_are(w, 12, 0))
        abi_cursor_fail(c, "address has dirty high bytes", at);
    else
        memcpy(a.b, w + 12, sizeof a.b);
    return a;
}

void abi_cursor_fixed_bytes(struct abi_cursor *c, void *out, size_t at, size_t len)
{
    const uint8_t *w = word_at(c, at);
    if (!all_bytes_are(w + len, 32 - len, 0)) {
        abi_cursor_fail(c, "bytesN has dirty low bytes", at);
        w = zero_word;
    }
    memcpy(out, w, len);
}

/* A word as a size; a fault when it is more than `max`. */
static size_t read_size(struct abi_cursor *c, size_t at, size_t max, const char *fault)
{
    const uint8_t *w = word_at(c, at);
    uint64_t v = load_be64(w + 24);
    if (!extension_is(w, 64, 0) || v > max) {
        abi_cursor_fail(c, fault, at);
        return 0;
    }
    return (size_t)v;
}

size_t abi_cursor_offset(struct abi_cursor *c, size_t at, size_t base)
{
    if (base > c->in.len) {
        abi_cursor_fail(c, "input ends early", base);
        return 0;
    }
    size_t off = read_size(c, at, c->in.len - base, "offset points outside the input");
    return c->fault ? 0 : base + off;
}

size_t abi_cursor_count(struct abi_cursor *c, size_t at, size_t item_len)
{
    if (word_at(c, at) == zero_word)
        return 0;
    size_t room = c->in.len - at - 32;
    return read_size(c, at, room / item_len, "length is more than the input holds");
}

struct bytes abi_cursor_view(struct abi_cursor *c, size_t at)
{
    size_t len = abi_cursor_count(c, at, 1);
    if (c->fault || len == 0)
        return bytes_of(NULL, 0);
    return bytes_of(c->in.p + at + 32, len);
}

struct bytes abi_cursor_bytes(struct abi_cursor *c, size_t at)
{
    struct bytes v = abi_cursor_view(c, at);
    if (v.len == 0)
        return v;
    uint8_t *p = abi_cursor_alloc(c, v.len, 1);
    if (!p)
        return bytes_of(NULL, 0);
    memcpy(p, v.p, v.len);
    return bytes_of(p, v.len);
}

void *abi_cursor_alloc(struct abi_cursor *c, size_t cnt, size_t size)
{
    if (c->fault || cnt == 0)
        return NULL;
    void *p = NULL;
    if (c->arena && cnt <= SIZE_MAX / size)
        p = arena_zalloc(c->arena, cnt * size);
    if (!p)
        abi_cursor_fail(c, c->arena ? "decoded form is over the memory limit" : "no memory given",
                        0);
    return p;
}
