#include "contracts-abi/writer.h"

size_t abi_write_reserve(struct buf *out, size_t len)
{
    size_t at = out->len;
    if (len == 0)
        return at;
    uint8_t *p = buf_extend(out, len);
    if (p)
        memset(p, 0, len);
    return at;
}

static void write_word_at(struct buf *out, size_t at, const uint8_t word[32])
{
    if (out->failed)
        return;
    CHECK(at <= out->len && out->len - at >= 32);
    memcpy(out->p + at, word, 32);
}

void abi_write_u64_at(struct buf *out, size_t at, uint64_t v, unsigned bits)
{
    if (bits < 64 && (v >> bits) != 0)
        out->failed = true;
    struct b256 w = b256_of_u64(v);
    write_word_at(out, at, w.b);
}

void abi_write_i64_at(struct buf *out, size_t at, int64_t v, unsigned bits)
{
    if (bits < 64) {
        int64_t limit = (int64_t)1 << (bits - 1);
        if (v < -limit || v >= limit)
            out->failed = true;
    }
    struct b256 w = b256_of_u64((uint64_t)v);
    memset(w.b, v < 0 ? 0xff : 0, 24);
    write_word_at(out, at, w.b);
}

void abi_write_u256_at(struct buf *out, size_t at, const struct u256 *v, unsigned bits,
                       bool is_signed)
{
    struct b256 w = u256_to_b256(v);
    uint8_t fill = is_signed && (w.b[32 - bits / 8] & 0x80) != 0 ? 0xff : 0;
    for (size_t i = 0; i < 32 - bits / 8; i++) {
        if (w.b[i] != fill)
            out->failed = true;
    }
    write_word_at(out, at, w.b);
}

void abi_write_bool_at(struct buf *out, size_t at, bool v)
{
    abi_write_u64_at(out, at, v ? 1 : 0, 8);
}

void abi_write_addr_at(struct buf *out, size_t at, const struct addr *v)
{
    struct b256 w = addr_pad32(v);
    write_word_at(out, at, w.b);
}

void abi_write_fixed_bytes_at(struct buf *out, size_t at, const void *v, size_t len)
{
    uint8_t w[32] = { 0 };
    CHECK(len <= sizeof w);
    memcpy(w, v, len);
    write_word_at(out, at, w);
}

void abi_write_u64(struct buf *out, uint64_t v)
{
    abi_write_u64_at(out, abi_write_reserve(out, 32), v, 64);
}

void abi_write_bytes(struct buf *out, struct bytes v)
{
    abi_write_u64(out, v.len);
    if (v.len == 0)
        return;
    (void)buf_append(out, v.p, v.len);
    (void)abi_write_reserve(out, (32 - v.len % 32) % 32);
}

void abi_write_selector(struct buf *out, uint32_t selector)
{
    const uint8_t b[4] = { (uint8_t)(selector >> 24), (uint8_t)(selector >> 16),
                           (uint8_t)(selector >> 8), (uint8_t)selector };
    (void)buf_append(out, b, sizeof b);
}
