/* settlement/prover/base64.c */
#include "settlement/prover/base64.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool base64_encode(struct buf *out, struct bytes in)
{
    uint8_t *p = buf_extend(out, base64_len(in.len));
    if (!p)
        return in.len == 0 && !out->failed;
    for (size_t i = 0; i < in.len; i += 3) {
        size_t left = in.len - i;
        uint32_t v = (uint32_t)in.p[i] << 16;
        if (left > 1)
            v |= (uint32_t)in.p[i + 1] << 8;
        if (left > 2)
            v |= in.p[i + 2];
        *p++ = (uint8_t)letters[v >> 18];
        *p++ = (uint8_t)letters[v >> 12 & 63];
        *p++ = left > 1 ? (uint8_t)letters[v >> 6 & 63] : (uint8_t)'=';
        *p++ = left > 2 ? (uint8_t)letters[v & 63] : (uint8_t)'=';
    }
    return true;
}

static int value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(struct buf *out, const char *text, size_t len)
{
    if (len % 4)
        return false;
    size_t pad = len == 0 || text[len - 1] != '=' ? 0 : text[len - 2] == '=' ? 2 : 1;
    uint8_t *p = buf_extend(out, len / 4 * 3 - pad);
    if (!p)
        return len == 0 && !out->failed;
    for (size_t i = 0; i < len; i += 4) {
        bool last = i + 4 == len;
        unsigned chars = last ? 4 - (unsigned)pad : 4;
        uint32_t v = 0;
        for (unsigned k = 0; k < 4; k++) {
            int d = k < chars ? value(text[i + k]) : 0;
            if (d < 0)
                return false;
            v = v << 6 | (uint32_t)d;
        }
        if (v & (chars == 3 ? 0xffu : chars == 2 ? 0xffffu : 0))
            return false;
        *p++ = (uint8_t)(v >> 16);
        if (chars > 2)
            *p++ = (uint8_t)(v >> 8);
        if (chars > 3)
            *p++ = (uint8_t)v;
    }
    return true;
}
