/* node/base/buf.c */
#include "node/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/base/hex.h"

#define BUF_FIRST_CAP 256u

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){ .max = max };
}

void buf_clear(struct buf *b)
{
    free(b->p);
    buf_init(b, b->max);
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->failed = false;
}

/* Room for `extra` more bytes behind len, or failed. */
static bool reserve(struct buf *b, size_t extra)
{
    if (b->failed)
        return false;
    if (extra > b->max - b->len) {
        b->failed = true;
        return false;
    }
    size_t need = b->len + extra;
    if (need <= b->cap)
        return true;
    size_t cap = b->cap ? b->cap : BUF_FIRST_CAP;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    if (cap > b->max)
        cap = b->max;
    uint8_t *p = realloc(b->p, cap);
    if (!p) {
        b->failed = true;
        return false;
    }
    b->p = p;
    b->cap = cap;
    return true;
}

uint8_t *buf_extend(struct buf *b, size_t len)
{
    static uint8_t nothing[1];
    if (!reserve(b, len))
        return NULL;
    if (!b->p)
        return nothing; /* len is 0 and nothing is held: a pointer to no bytes */
    uint8_t *at = b->p + b->len;
    b->len += len;
    return at;
}

bool buf_append(struct buf *b, const void *data, size_t len)
{
    uint8_t *at = buf_extend(b, len);
    if (at && len)
        memcpy(at, data, len);
    return at != NULL;
}

bool buf_append_str(struct buf *b, const char *s)
{
    return buf_append(b, s, strlen(s));
}

static PRINTF_LIKE(2, 0) bool printf_v(struct buf *b, const char *fmt, va_list ap)
{
    char text[512];
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    bool ok = false;
    if (n < 0) {
        b->failed = true;
    } else if ((size_t)n < sizeof(text)) {
        ok = buf_append(b, text, (size_t)n);
    } else {
        /* vsnprintf also writes the NUL; it goes to heap memory of the exact size */
        char *big = malloc((size_t)n + 1);
        if (!big) {
            b->failed = true;
        } else {
            (void)vsnprintf(big, (size_t)n + 1, fmt, again);
            ok = buf_append(b, big, (size_t)n);
            free(big);
        }
    }
    va_end(again);
    return ok;
}

bool buf_printf(struct buf *b, const char *fmt, ...)
{
    if (b->failed)
        return false;
    va_list ap;
    va_start(ap, fmt);
    bool ok = printf_v(b, fmt, ap);
    va_end(ap);
    return ok;
}

bool buf_append_hex(struct buf *b, const void *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    if (len > (SIZE_MAX - 2) / 2) {
        b->failed = true;
        return false;
    }
    uint8_t *at = buf_extend(b, 2 + 2 * len);
    if (!at)
        return false;
    const uint8_t *p = data;
    at[0] = '0';
    at[1] = 'x';
    for (size_t i = 0; i < len; i++) {
        at[2 + 2 * i] = (uint8_t)digits[p[i] >> 4];
        at[3 + 2 * i] = (uint8_t)digits[p[i] & 15];
    }
    return true;
}

uint8_t *buf_take(struct buf *b, size_t *len)
{
    uint8_t *p = b->p;
    if (len)
        *len = b->len;
    buf_init(b, b->max);
    return p;
}

bool buf_append_json_str(struct buf *b, const char *s)
{
    buf_append(b, "\"", 1);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\' || c < 0x20 || c > 0x7e)
            buf_printf(b, "\\u%04x", c);
        else
            buf_append(b, &c, 1);
    }
    return buf_append(b, "\"", 1);
}
