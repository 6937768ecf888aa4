/* node/base/hex.c */
#include "node/base/hex.h"

static const char hex_digits[16] = { '0', '1', '2', '3', '4', '5', '6', '7',
                                     '8', '9', 'a', 'b', 'c', 'd', 'e', 'f' };

/* 0..15, or -1 */
static inline int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

size_t hex_encode(char *out, const void *data, size_t len)
{
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = hex_digits[p[i] >> 4];
        out[2 * i + 1] = hex_digits[p[i] & 15];
    }
    out[2 * len] = '\0';
    return 2 * len;
}

size_t hex_encode0x(char *out, const void *data, size_t len)
{
    out[0] = '0';
    out[1] = 'x';
    return 2 + hex_encode(out + 2, data, len);
}

static inline bool has_prefix(const char *s, size_t slen)
{
    return slen >= 2 && s[0] == '0' && s[1] == 'x';
}

static bool decode_digits(uint8_t *out, size_t len, const char *s)
{
    for (size_t i = 0; i < len; i++) {
        int hi = digit_value(s[2 * i]), lo = digit_value(s[2 * i + 1]);
        if (hi < 0 || lo < 0)
            return false;
        out[i] = (uint8_t)(hi * 16 + lo);
    }
    return true;
}

bool hex_decode(void *out, size_t cap, size_t *out_len, const char *s, size_t slen)
{
    if (has_prefix(s, slen)) {
        s += 2;
        slen -= 2;
    }
    if (slen % 2 != 0 || slen / 2 > cap || !decode_digits(out, slen / 2, s))
        return false;
    *out_len = slen / 2;
    return true;
}

bool hex_decode_exact(void *out, size_t len, const char *s, size_t slen)
{
    if (has_prefix(s, slen)) {
        s += 2;
        slen -= 2;
    }
    return slen % 2 == 0 && slen / 2 == len && decode_digits(out, len, s);
}

size_t hex_quantity_u256(char *out, const struct u256 *v)
{
    unsigned digits = (u256_bit_len(v) + 3) / 4;
    if (digits == 0)
        digits = 1;
    out[0] = '0';
    out[1] = 'x';
    for (unsigned i = 0; i < digits; i++) {
        unsigned at = digits - 1 - i;
        out[2 + i] = hex_digits[(v->w[at / 16] >> (4 * (at % 16))) & 15];
    }
    out[2 + digits] = '\0';
    return 2 + (size_t)digits;
}

size_t hex_quantity_u64(char *out, uint64_t v)
{
    struct u256 w = u256_of_u64(v);
    return hex_quantity_u256(out, &w);
}

bool hex_parse_quantity(struct u256 *out, const char *s, size_t slen, bool lenient)
{
    if (!has_prefix(s, slen) || slen == 2)
        return false;
    s += 2;
    slen -= 2;
    if (!lenient && slen > 1 && s[0] == '0')
        return false;
    while (slen > 1 && s[0] == '0') {
        s++;
        slen--;
    }
    if (slen > 64)
        return false;
    struct u256 v = U256_ZERO;
    for (size_t i = 0; i < slen; i++) {
        int d = digit_value(s[slen - 1 - i]);
        if (d < 0)
            return false;
        v.w[i / 16] |= (uint64_t)d << (4 * (i % 16));
    }
    *out = v;
    return true;
}
