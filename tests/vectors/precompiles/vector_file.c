#include "tests/vectors/precompiles/vector_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/base/hex.h"

struct vector_bytes vector_hex(const char *hex)
{
    size_t cap = strlen(hex) / 2;
    struct vector_bytes v = { malloc(cap ? cap : 1), 0 };
    assert_non_null(v.p);
    assert_true(hex_decode(v.p, cap, &v.len, hex, strlen(hex)));
    if (v.len < cap) {
        uint8_t *exact = realloc(v.p, v.len ? v.len : 1);
        assert_non_null(exact);
        v.p = exact;
    }
    return v;
}

void vector_bytes_free(struct vector_bytes *v)
{
    free(v->p);
    *v = (struct vector_bytes){ NULL, 0 };
}
