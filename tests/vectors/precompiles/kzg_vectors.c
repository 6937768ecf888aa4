/* tests/vectors/precompiles/kzg_vectors.c
 *
 * The verify_kzg_proof cases of the consensus specification, through the verifier and, where a case
 * has the right lengths, through the precompile too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/base/hash.h"
#include "node/base/hex.h"
#include "node/crypto/crypto.h"
#include "node/crypto/kzg.h"
#include "tests/unit/crypto/paths.h"
#include "tests/vectors/precompiles/vector_file.h"

static json_t *cases; /* owned by main */

static struct vector_bytes field(const json_t *c, const char *name)
{
    return vector_hex(json_string_value(json_object_get(json_object_get(c, "input"), name)));
}

static void check_precompile(const char *title, const uint8_t in[160], enum kzg_verdict want)
{
    uint8_t call[192], out[64], expected[64] = { 0 };
    struct b256 hash = sha256(in + 64, 48);
    memcpy(call, hash.b, 32);
    call[0] = 1;
    memcpy(call + 32, in, 160);
    bool ok = crypto_host()->point_evaluation(out, call);
    if (ok != (want == KZG_PROVEN))
        fail_msg("%s: the precompile disagrees", title);
    if (!ok)
        return;
    expected[30] = 0x10;
    assert_true(hex_decode_exact(
        expected + 32, 32, "73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001", 64));
    assert_memory_equal(out, expected, 64);
    call[0] = 2; /* another version */
    assert_false(crypto_host()->point_evaluation(out, call));
    call[0] = 1;
    call[31] ^= 1; /* another hash */
    assert_false(crypto_host()->point_evaluation(out, call));
}

static void verify_kzg_proof_cases(void **state)
{
    (void)state;
    size_t seen[3] = { 0 }, bad_length = 0;
    const char *title;
    json_t *c;
    json_object_foreach(cases, title, c)
    {
        const json_t *output = json_object_get(c, "output");
        assert_non_null(output);
        enum kzg_verdict want = json_is_null(output)   ? KZG_MALFORMED
                                : json_is_true(output) ? KZG_PROVEN
                                                       : KZG_WRONG;
        struct vector_bytes v[4] = { field(c, "z"), field(c, "y"), field(c, "commitment"),
                                     field(c, "proof") };
        if (v[0].len == 32 && v[1].len == 32 && v[2].len == 48 && v[3].len == 48) {
            if (kzg_verify_proof(v[2].p, v[0].p, v[1].p, v[3].p) != want)
                fail_msg("%s: wrong verdict", title);
            uint8_t in[160];
            for (size_t i = 0, at = 0; i < 4; at += v[i].len, i++)
                memcpy(in + at, v[i].p, v[i].len);
            check_precompile(title, in, want);
            seen[want]++;
        } else {
            assert_int_equal(want, KZG_MALFORMED); /* the types of the call exclude these */
            bad_length++;
        }
        for (size_t i = 0; i < 4; i++)
            vector_bytes_free(&v[i]);
    }
    assert_int_equal(seen[0] + seen[1] + seen[2] + bad_length, 122);
    printf("%zu proven, %zu wrong, %zu malformed, %zu of a wrong length\n", seen[KZG_PROVEN],
           seen[KZG_WRONG], seen[KZG_MALFORMED], bad_length);
    assert_true(seen[0] > 10 && seen[1] > 10 && seen[2] > 10);
}

int main(void)
{
    const char *folder = getenv("GH_KZG_VECTORS");
    char path[4096];
    json_error_t err;
    snprintf(path, sizeof(path), "%s/verify_kzg_proof.json", folder ? folder : ".");
    cases = json_load_file(path, 0, &err);
    if (!cases && json_error_code(&err) == json_error_cannot_open_file) {
        printf("SKIP: KZG vectors (recorded data folder absent)\n");
        return 77;
    }
    const struct CMUnitTest tests[] = { cmocka_unit_test(verify_kzg_proof_cases) };
    int failed = run_on_both_paths("kzg vectors", tests, GH_COUNT(tests));
    json_decref(cases);
    return failed;
}
