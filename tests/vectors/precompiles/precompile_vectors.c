/* tests/vectors/precompiles/precompile_vectors.c
 *
 * Both tables of primitives against the public precompile vectors: outputs only, gas belongs to the
 * execution environment. The little framing that belongs to it too (padding of short inputs, length
 * checks) is repeated here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/crypto/crypto.h"
#include "node/crypto/portable.h"
#include "tests/unit/crypto/paths.h"
#include "tests/vectors/precompiles/vector_file.h"

/* Fills out (cap 4096 bytes); -1: the precompile fails. */
typedef long run_fn(uint8_t *out, const uint8_t *in, size_t len);

#define OUT_CAP 4096

static const struct stf_crypto *table;
static struct arena scratch;

static void pad_input(uint8_t *dst, size_t want, const uint8_t *in, size_t len)
{
    memset(dst, 0, want);
    memcpy(dst, in, len < want ? len : want);
}

static long run_ecrecover(uint8_t *out, const uint8_t *in, size_t len)
{
    uint8_t b[128];
    pad_input(b, sizeof(b), in, len);
    struct b256 hash;
    struct addr who;
    memcpy(hash.b, b, 32);
    for (size_t i = 32; i < 63; i++)
        if (b[i])
            return 0;
    if (b[63] != 27 && b[63] != 28)
        return 0;
    if (!table->ecrecover(&who, &hash, b + 64, b[63] - 27u))
        return 0;
    struct b256 w = addr_pad32(&who);
    memcpy(out, w.b, 32);
    return 32;
}

static long run_sha256(uint8_t *out, const uint8_t *in, size_t len)
{
    struct b256 h;
    table->sha256(&h, in, len);
    memcpy(out, h.b, 32);
    return 32;
}

static long run_ripemd160(uint8_t *out, const uint8_t *in, size_t len)
{
    memset(out, 0, 12);
    table->ripemd160(out + 12, in, len);
    return 32;
}

static long run_modexp(uint8_t *out, const uint8_t *in, size_t len)
{
    uint8_t head[96];
    pad_input(head, sizeof(head), in, len);
    size_t n[3], total = 0;
    for (size_t i = 0; i < 3; i++) {
        n[i] = (size_t)load_be64(head + 32 * i + 24);
        assert_true(n[i] <= OUT_CAP);
        total += n[i];
    }
    if (n[2] == 0)
        return 0;
    uint8_t *b = calloc(1, total);
    assert_non_null(b);
    if (len > 96)
        memcpy(b, in + 96, len - 96 < total ? len - 96 : total);
    bool ok = table->modexp(out, b, n[0], b + n[0], n[1], b + n[0] + n[1], n[2], &scratch);
    free(b);
    return ok ? (long)n[2] : -1;
}

static long run_blake2f(uint8_t *out, const uint8_t *in, size_t len)
{
    if (len != 213 || in[212] > 1)
        return -1;
    table->blake2f(out, in);
    return 64;
}

static long run_bn254_add(uint8_t *out, const uint8_t *in, size_t len)
{
    uint8_t b[128];
    pad_input(b, sizeof(b), in, len);
    return table->bn254_add(out, b) ? 64 : -1;
}

static long run_bn254_mul(uint8_t *out, const uint8_t *in, size_t len)
{
    uint8_t b[96];
    pad_input(b, sizeof(b), in, len);
    return table->bn254_mul(out, b) ? 64 : -1;
}

static long run_bn254_pairing(uint8_t *out, const uint8_t *in, size_t len)
{
    if (len % 192)
        return -1;
    int v = table->bn254_pairing(in, len / 192);
    if (v < 0)
        return -1;
    memset(out, 0, 32);
    out[31] = (uint8_t)v;
    return 32;
}

static long run_point_evaluation(uint8_t *out, const uint8_t *in, size_t len)
{
    return len == 192 && table->point_evaluation(out, in) ? 64 : -1;
}

static long run_p256(uint8_t *out, const uint8_t *in, size_t len)
{
    if (len != 160 || !table->p256_verify(in))
        return 0;
    memset(out, 0, 32);
    out[31] = 1;
    return 32;
}

static void run_file(const char *name, run_fn *run, size_t want_cnt)
{
    char path[128];
    snprintf(path, sizeof(path), "vectors/precompiles/%s.json", name);
    json_t *cases = recorded_load(path, 0);
    assert_int_equal(json_array_size(cases), want_cnt);
    static uint8_t out[OUT_CAP];
    for (size_t i = 0; i < want_cnt; i++) {
        const json_t *c = json_array_get(cases, i);
        const char *title = json_string_value(json_object_get(c, "Name"));
        const char *expected = json_string_value(json_object_get(c, "Expected"));
        struct vector_bytes in = vector_hex(json_string_value(json_object_get(c, "Input")));
        long n = run(out, in.p, in.len);
        if (expected) {
            struct vector_bytes want = vector_hex(expected);
            if (n != (long)want.len || memcmp(out, want.p, want.len) != 0)
                fail_msg("%s: %s: wrong output", name, title);
            vector_bytes_free(&want);
        } else if (n >= 0) {
            fail_msg("%s: %s: accepted", name, title);
        }
        vector_bytes_free(&in);
    }
    json_decref(cases);
}

#define FILE_TEST(id, file, run, cnt)                                                              \
    static void id(void **state)                                                                   \
    {                                                                                              \
        (void)state;                                                                               \
        run_file(file, run, cnt);                                                                  \
    }

FILE_TEST(ecrecover_outputs, "ecRecover", run_ecrecover, 5)
FILE_TEST(sha256_outputs, "sha256", run_sha256, 18)
FILE_TEST(ripemd160_outputs, "ripemd160", run_ripemd160, 18)
FILE_TEST(modexp_outputs, "modexp", run_modexp, 17)
FILE_TEST(modexp_eip2565_outputs, "modexp_eip2565", run_modexp, 47)
FILE_TEST(modexp_eip7883_outputs, "modexp_eip7883", run_modexp, 45)
FILE_TEST(blake2f_outputs, "blake2F", run_blake2f, 5)
FILE_TEST(blake2f_rejects, "fail-blake2f", run_blake2f, 4)
FILE_TEST(bn254_add_outputs, "bn256Add", run_bn254_add, 16)
FILE_TEST(bn254_mul_outputs, "bn256ScalarMul", run_bn254_mul, 19)
FILE_TEST(bn254_pairing_outputs, "bn256Pairing", run_bn254_pairing, 14)
FILE_TEST(point_evaluation_outputs, "pointEvaluation", run_point_evaluation, 1)
FILE_TEST(p256_outputs, "p256Verify", run_p256, 782)

int main(void)
{
    if (!recorded_present("precompile vectors"))
        return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ecrecover_outputs),      cmocka_unit_test(sha256_outputs),
        cmocka_unit_test(ripemd160_outputs),      cmocka_unit_test(modexp_outputs),
        cmocka_unit_test(modexp_eip2565_outputs), cmocka_unit_test(modexp_eip7883_outputs),
        cmocka_unit_test(blake2f_outputs),        cmocka_unit_test(blake2f_rejects),
        cmocka_unit_test(bn254_add_outputs),      cmocka_unit_test(bn254_mul_outputs),
        cmocka_unit_test(bn254_pairing_outputs),  cmocka_unit_test(point_evaluation_outputs),
        cmocka_unit_test(p256_outputs),
    };
    static uint8_t memory[1 << 20];
    arena_init(&scratch, memory, sizeof(memory));
    table = crypto_host();
    int failed = run_on_both_paths("precompile vectors, host table", tests, GH_COUNT(tests));
    table = crypto_portable();
    return failed + run_on_both_paths("precompile vectors, portable table", tests, GH_COUNT(tests));
}
