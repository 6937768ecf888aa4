/* node/base/rlp.c */
#include "node/base/rlp.h"

struct rlp_item {
    bool is_list;
    const uint8_t *payload;
    size_t len;
};

static inline size_t remaining(const struct rlp_reader *r)
{
    return (size_t)(r->end - r->p);
}

struct rlp_reader rlp_reader_of(struct bytes in)
{
    static const uint8_t nothing[1] = { 0 };
    const uint8_t *p = in.len ? in.p : nothing;
    return (struct rlp_reader){ p, p + in.len, true };
}

bool rlp_at_end(const struct rlp_reader *r)
{
    return r->p == r->end;
}

bool rlp_next_is_list(const struct rlp_reader *r)
{
    return r->ok && r->p < r->end && *r->p >= 0xc0;
}

/* Length of a payload over 55 bytes, from len_len big-endian bytes behind the first one. */
static bool read_long_len(size_t *len, const uint8_t *p, size_t len_len, size_t left)
{
    if (left < 1 + len_len || p[1] == 0)
        return false;
    uint64_t v = 0;
    for (size_t i = 0; i < len_len; i++)
        v = (v << 8) | p[1 + i];
    if (v <= 55 || v > left - 1 - len_len)
        return false;
    *len = (size_t)v;
    return true;
}

/* Looks at the next item without moving. false: nothing there, cut short, or not canonical. */
static bool peek_item(const struct rlp_reader *r, struct rlp_item *it)
{
    if (!r->ok || r->p == r->end)
        return false;
    size_t left = remaining(r), len = 0;
    const uint8_t *p = r->p;
    uint8_t first = *p;
    if (first < 0x80) {
        *it = (struct rlp_item){ false, p, 1 };
        return true;
    }
    it->is_list = first >= 0xc0;
    unsigned rest = first - (it->is_list ? 0xc0u : 0x80u);
    if (rest <= 55) {
        if (rest > left - 1)
            return false;
        it->payload = p + 1;
        it->len = rest;
        /* a byte below 0x80 stands for itself */
        return it->is_list || rest != 1 || p[1] >= 0x80;
    }
    if (!read_long_len(&len, p, rest - 55, left))
        return false;
    it->payload = p + 1 + (rest - 55);
    it->len = len;
    return true;
}

static struct bytes rlp_fault(struct rlp_reader *r)
{
    r->ok = false;
    return bytes_of(NULL, 0);
}

struct bytes rlp_read_string(struct rlp_reader *r)
{
    struct rlp_item it;
    if (!peek_item(r, &it) || it.is_list)
        return rlp_fault(r);
    r->p = it.payload + it.len;
    return bytes_of(it.payload, it.len);
}

struct rlp_reader rlp_read_list(struct rlp_reader *r)
{
    struct rlp_item it;
    if (!peek_item(r, &it) || !it.is_list) {
        (void)rlp_fault(r);
        return (struct rlp_reader){ r->end, r->end, false };
    }
    r->p = it.payload + it.len;
    return (struct rlp_reader){ it.payload, r->p, true };
}

struct bytes rlp_read_raw(struct rlp_reader *r)
{
    struct rlp_item it;
    if (!peek_item(r, &it))
        return rlp_fault(r);
    const uint8_t *start = r->p;
    r->p = it.payload + it.len;
    return bytes_of(start, (size_t)(r->p - start));
}

/* An integer of at most max bytes without leading zeros. */
static struct bytes read_integer(struct rlp_reader *r, size_t max)
{
    struct bytes s = rlp_read_string(r);
    if (s.len > max || (s.len && s.p[0] == 0))
        return rlp_fault(r);
    return s;
}

uint64_t rlp_read_u64(struct rlp_reader *r)
{
    struct bytes s = read_integer(r, 8);
    uint64_t v = 0;
    for (size_t i = 0; i < s.len; i++)
        v = (v << 8) | s.p[i];
    return v;
}

struct u256 rlp_read_u256(struct rlp_reader *r)
{
    struct bytes s = read_integer(r, 32);
    if (s.len == 0)
        return U256_ZERO;
    return u256_of_be(s.p, s.len);
}

void rlp_read_fixed(struct rlp_reader *r, void *out, size_t len)
{
    struct bytes s = rlp_read_string(r);
    if (r->ok && s.len == len) {
        if (len)
            memcpy(out, s.p, len);
        return;
    }
    (void)rlp_fault(r);
    if (len)
        memset(out, 0, len);
}

bool rlp_finish(const struct rlp_reader *r)
{
    return r->ok && r->p == r->end;
}

static inline size_t byte_len_u64(uint64_t v)
{
    size_t n = 0;
    for (; v; v >>= 8)
        n++;
    return n;
}

static size_t header_size(size_t payload_len)
{
    return payload_len <= 55 ? 1 : 1 + byte_len_u64(payload_len);
}

static size_t write_header(uint8_t *out, uint8_t base, size_t payload_len)
{
    size_t n = header_size(payload_len);
    if (!out)
        return n;
    if (n == 1) {
        out[0] = (uint8_t)((size_t)base + payload_len);
        return n;
    }
    out[0] = (uint8_t)((size_t)base + 55 + (n - 1));
    for (size_t i = 1; i < n; i++)
        out[i] = (uint8_t)((uint64_t)payload_len >> (8 * (n - 1 - i)));
    return n;
}

size_t rlp_string_size(struct bytes s)
{
    if (s.len == 1 && s.p[0] < 0x80)
        return 1;
    return header_size(s.len) + s.len;
}

size_t rlp_u64_size(uint64_t v)
{
    return v < 0x80 ? 1 : 1 + byte_len_u64(v);
}

size_t rlp_u256_size(const struct u256 *v)
{
    return u256_fits_u64(v) ? rlp_u64_size(v->w[0]) : 1 + (size_t)u256_byte_len(v);
}

size_t rlp_list_size(size_t payload_len)
{
    return header_size(payload_len) + payload_len;
}

size_t rlp_write_string(uint8_t *out, struct bytes s)
{
    if (s.len == 1 && s.p[0] < 0x80) {
        if (out)
            out[0] = s.p[0];
        return 1;
    }
    size_t n = write_header(out, 0x80, s.len);
    if (out && s.len)
        memcpy(out + n, s.p, s.len);
    return n + s.len;
}

size_t rlp_write_u64(uint8_t *out, uint64_t v)
{
    uint8_t be[8];
    store_be64(be, v);
    size_t n = byte_len_u64(v);
    return rlp_write_string(out, bytes_of(be + 8 - n, n));
}

size_t rlp_write_u256(uint8_t *out, const struct u256 *v)
{
    uint8_t be[32];
    u256_to_be32(be, v);
    size_t n = u256_byte_len(v);
    return rlp_write_string(out, bytes_of(be + 32 - n, n));
}

size_t rlp_write_list_header(uint8_t *out, size_t payload_len)
{
    return write_header(out, 0xc0, payload_len);
}
