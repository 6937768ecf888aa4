/* tests/vectors/execution/vector_json.c */
#include "tests/vectors/execution/vector_json.h"

#include <sys/stat.h>

static const char *shared_folder(void)
{
    const char *s = getenv("GH_SHARED"); /* one thread; NOLINT(concurrency-mt-unsafe) */
    return s != NULL ? s : "../shared";
}

bool vectors_present(const char *what)
{
    char path[4096];
    struct stat st;
    snprintf(path, sizeof path, "%s/vectors", shared_folder());
    if (stat(path, &st) == 0)
        return true;
    printf("SKIP: %s (recorded data folder absent)\n", what);
    return false;
}

json_t *vectors_load(const char *path)
{
    char full[4096];
    json_error_t err;
    snprintf(full, sizeof full, "%s/%s", shared_folder(), path);
    json_t *j = json_load_file(full, JSON_DECODE_INT_AS_REAL, &err);
    if (j == NULL)
        fail_msg("%s: %s", full, err.text);
    return j;
}

json_t *vector_get(const json_t *j, const char *key)
{
    json_t *v = json_object_get(j, key);
    if (v == NULL)
        fail_msg("no member %s", key);
    return v;
}

const char *vector_text(const json_t *j, const char *key)
{
    const char *s = json_string_value(vector_get(j, key));
    if (s == NULL)
        fail_msg("%s is no text", key);
    return s;
}

uint64_t vector_u64(const json_t *j, const char *key)
{
    const json_t *v = vector_get(j, key);
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
    if (json_is_real(vector_get(j, key)))
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
