/* tests/vectors/execution/vector_json.c */
#include "tests/vectors/execution/vector_json.h"

json_t *vectors_load(const char *path)
{
    return recorded_load(path, JSON_DECODE_INT_AS_REAL);
}

const char *vector_text(const json_t *j, const char *key)
{
    const char *s = json_string_value(json_need(j, key));
    if (s == NULL)
        fail_msg("%s is no text", key);
    return s;
}

uint64_t vector_u64(const json_t *j, const char *key)
{
    const json_t *v = json_need(j, key);
    if (json_is_real(v))
        return (uint64_t)json_real_value(v);
    struct u256 n = world_number(vector_text(j, key));
    assert_true(u256_fits_u64(&n));
    return n.w[0];
}

struct b256 vector_b256(const json_t *j, const char *key)
{
    return world_b256(vector_text(j, key));
}

struct addr vector_addr(const json_t *j, const char *key)
{
    return world_addr(vector_text(j, key));
}

struct u256 vector_u256(const json_t *j, const char *key)
{
    if (json_is_real(json_need(j, key)))
        return u256_of_u64(vector_u64(j, key));
    return world_number(vector_text(j, key));
}

struct bytes vector_bytes(struct world *w, const json_t *j, const char *key)
{
    return world_hex(w, vector_text(j, key));
}

void assert_bytes(struct bytes got, struct bytes want)
{
    assert_int_equal(got.len, want.len);
    if (want.len != 0)
        assert_memory_equal(got.p, want.p, want.len);
}

void assert_b256(struct b256 got, struct b256 want)
{
    assert_memory_equal(got.b, want.b, 32);
}
