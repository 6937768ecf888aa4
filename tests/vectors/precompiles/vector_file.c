#include "tests/vectors/precompiles/vector_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "node/base/hex.h"

static const char *shared_folder(void)
{
    const char *s = getenv("GH_SHARED");
    return s ? s : "../shared";
}

bool vector_folder_present(void)
{
    char path[4096];
    struct stat st;
    snprintf(path, sizeof(path), "%s/vectors/precompiles", shared_folder());
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return true;
    printf("SKIP: precompile vectors (recorded data folder absent)\n");
    return false;
}

json_t *vector_load(const char *name)
{
    char path[4096];
    json_error_t err;
    snprintf(path, sizeof(path), "%s/vectors/%s", shared_folder(), name);
    json_t *j = json_load_file(path, 0, &err);
    if (!j)
        fail_msg("%s: %s", path, err.text);
    return j;
}

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
