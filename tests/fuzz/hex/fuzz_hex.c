/* tests/fuzz/hex/fuzz_hex.c
 *
 * Any text through the hexadecimal and decimal parsers; what is accepted must come back as the same
 * text, up to the case of the digits and the optional prefix. */
#include <stdlib.h>

#include "node/base/hex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int lower(char c)
{
    return c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c;
}

static void require_same(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (lower(a[i]) != lower(b[i]))
            abort();
    }
}

static void check_bytes(const char *s, size_t len)
{
    size_t cap = len / 2, n = 0;
    uint8_t *out = malloc(cap ? cap : 1);
    char *text = malloc(2 * cap + 3);
    if (out && text && hex_decode(out, cap, &n, s, len)) {
        bool prefix = len >= 2 && s[1] == 'x';
        size_t m = prefix ? hex_encode0x(text, out, n) : hex_encode(text, out, n);
        if (m != len || text[m] != '\0' || !hex_decode_exact(out, n, s, len))
            abort();
        require_same(text, s, len);
    }
    free(out);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const char *s = (const char *)data;
    struct u256 v, lenient;
    char text[79];
    if (hex_parse_quantity(&v, s, len, false)) {
        if (!hex_parse_quantity(&lenient, s, len, true) || !u256_eq(&v, &lenient))
            abort();
        if (hex_quantity_u256(text, &v) != len)
            abort();
        require_same(text, s, len);
    }
    if (u256_parse_dec(&v, s, len)) {
        size_t zeros = 0;
        while (zeros + 1 < len && s[zeros] == '0')
            zeros++;
        if (u256_format_dec(text, &v) != len - zeros)
            abort();
        require_same(text, s + zeros, len - zeros);
    }
    check_bytes(s, len);
    return 0;
}
