#include "tests/unit/abi/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

json_t *json_open(const char *path)
{
    if (!recorded_present(path))
        exit(77);
    return recorded_load(path, 0);
}

struct abi_b256_list json_b256_list(struct arena *a, const json_t *v)
{
    size_t n = json_array_size(v);
    struct b256 *items = arena_alloc(a, n * sizeof *items);
    assert_non_null(items);
    for (size_t i = 0; i < n; i++)
        items[i] = json_b256(json_array_get(v, i));
    return (struct abi_b256_list){ items, n };
}

struct abi_log_view json_log(struct arena *a, const json_t *v)
{
    struct abi_b256_list topics = json_b256_list(a, json_need(v, "topics"));
    return (struct abi_log_view){ topics.items, topics.cnt, json_hex(a, json_need(v, "data")) };
}

void check_bytes_eq(struct bytes got, struct bytes want)
{
    assert_int_equal(got.len, want.len);
    if (want.len > 0)
        assert_memory_equal(got.p, want.p, want.len);
}
