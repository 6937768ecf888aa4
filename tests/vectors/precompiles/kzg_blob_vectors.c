/* tests/vectors/precompiles/kzg_blob_vectors.c
 *
 * The cases of the consensus specification for everything that is computed from a blob. A case whose
 * input has a wrong length must be one that is to be rejected; the types of our calls exclude it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/base/hash.h"
#include "node/crypto/kzg.h"
#include "tests/unit/crypto/paths.h"
#include "tests/vectors/precompiles/vector_file.h"

static const char *folder;

static json_t *load(const char *family)
{
    char path[4096];
    json_error_t err;
    snprintf(path, sizeof(path), "%s/%s.json", folder, family);
    json_t *j = json_load_file(path, 0, &err);
    if (!j)
        fail_msg("%s: %s", path, err.text);
    return j;
}

static struct vector_bytes field(const json_t *c, const char *name)
{
    return vector_hex(json_string_value(json_object_get(json_object_get(c, "input"), name)));
}

static void assert_hex(const char *title, const uint8_t *got, size_t len, const json_t *want)
{
    struct vector_bytes v = vector_hex(json_string_value(want));
    if (v.len != len || memcmp(v.p, got, len) != 0)
        fail_msg("%s: wrong output", title);
    vector_bytes_free(&v);
}

static void assert_refused(const char *title, const json_t *output)
{
    if (!json_is_null(output))
        fail_msg("%s: refused", title);
}

static void commitments(void **state)
{
    (void)state;
    const char *title;
    json_t *c, *cases = load("blob_to_kzg_commitment");
    assert_int_equal(json_object_size(cases), 11);
    json_object_foreach(cases, title, c)
    {
        const json_t *output = json_object_get(c, "output");
        struct vector_bytes blob = field(c, "blob");
        uint8_t got[48];
        if (blob.len == KZG_BLOB_LEN && kzg_blob_commitment(got, kzg_setup_get(), blob.p))
            assert_hex(title, got, 48, output);
        else
            assert_refused(title, output);
        vector_bytes_free(&blob);
    }
    json_decref(cases);
}

static void proofs_at_a_point(void **state)
{
    (void)state;
    const char *title;
    json_t *c, *cases = load("compute_kzg_proof");
    assert_int_equal(json_object_size(cases), 52);
    json_object_foreach(cases, title, c)
    {
        const json_t *output = json_object_get(c, "output");
        struct vector_bytes blob = field(c, "blob"), z = field(c, "z");
        uint8_t got[48], y[32];
        if (blob.len == KZG_BLOB_LEN && z.len == 32 &&
            kzg_proof(got, y, kzg_setup_get(), blob.p, z.p)) {
            assert_hex(title, got, 48, json_array_get(output, 0));
            assert_hex(title, y, 32, json_array_get(output, 1));
        } else {
            assert_refused(title, output);
        }
        vector_bytes_free(&blob);
        vector_bytes_free(&z);
    }
    json_decref(cases);
}

static void proofs_of_blobs(void **state)
{
    (void)state;
    const char *title;
    json_t *c, *cases = load("compute_blob_kzg_proof");
    assert_int_equal(json_object_size(cases), 15);
    json_object_foreach(cases, title, c)
    {
        const json_t *output = json_object_get(c, "output");
        struct vector_bytes blob = field(c, "blob"), commitment = field(c, "commitment");
        uint8_t got[48];
        if (blob.len == KZG_BLOB_LEN && commitment.len == 48 &&
            kzg_blob_proof(got, kzg_setup_get(), blob.p, commitment.p))
            assert_hex(title, got, 48, output);
        else
            assert_refused(title, output);
        vector_bytes_free(&blob);
        vector_bytes_free(&commitment);
    }
    json_decref(cases);
}

static enum kzg_verdict wanted(const json_t *output)
{
    if (json_is_null(output))
        return KZG_MALFORMED;
    assert_true(json_is_boolean(output));
    return json_is_true(output) ? KZG_PROVEN : KZG_WRONG;
}

static enum kzg_verdict verdict_on(const struct vector_bytes *blob,
                                   const struct vector_bytes *commitment,
                                   const struct vector_bytes *proof)
{
    if (blob->len != KZG_BLOB_LEN || commitment->len != 48 || proof->len != 48)
        return KZG_MALFORMED;
    return kzg_verify_blob_proof(blob->p, commitment->p, proof->p);
}

static void verification_of_blobs(void **state)
{
    (void)state;
    const char *title;
    json_t *c, *cases = load("verify_blob_kzg_proof");
    assert_int_equal(json_object_size(cases), 29);
    json_object_foreach(cases, title, c)
    {
        struct vector_bytes v[3] = { field(c, "blob"), field(c, "commitment"), field(c, "proof") };
        if (verdict_on(&v[0], &v[1], &v[2]) != wanted(json_object_get(c, "output")))
            fail_msg("%s: wrong verdict", title);
        for (size_t i = 0; i < 3; i++)
            vector_bytes_free(&v[i]);
    }
    json_decref(cases);
}

/* A batch is proven when each of its blobs is. */
static void verification_of_batches(void **state)
{
    (void)state;
    static const char *const names[3] = { "blobs", "commitments", "proofs" };
    const char *title;
    json_t *c, *cases = load("verify_blob_kzg_proof_batch");
    assert_int_equal(json_object_size(cases), 24);
    json_object_foreach(cases, title, c)
    {
        const json_t *lists[3];
        for (size_t k = 0; k < 3; k++)
            lists[k] = json_object_get(json_object_get(c, "input"), names[k]);
        size_t cnt = json_array_size(lists[0]);
        bool malformed = json_array_size(lists[1]) != cnt || json_array_size(lists[2]) != cnt;
        bool wrong = false;
        for (size_t i = 0; i < cnt && !malformed; i++) {
            struct vector_bytes v[3];
            for (size_t k = 0; k < 3; k++)
                v[k] = vector_hex(json_string_value(json_array_get(lists[k], i)));
            enum kzg_verdict got = verdict_on(&v[0], &v[1], &v[2]);
            malformed |= got == KZG_MALFORMED;
            wrong |= got == KZG_WRONG;
            for (size_t k = 0; k < 3; k++)
                vector_bytes_free(&v[k]);
        }
        enum kzg_verdict all = malformed ? KZG_MALFORMED : wrong ? KZG_WRONG : KZG_PROVEN;
        if (all != wanted(json_object_get(c, "output")))
            fail_msg("%s: wrong verdict", title);
    }
    json_decref(cases);
}

static void cells(void **state)
{
    (void)state;
    static uint8_t got[KZG_CELLS][KZG_CELL_LEN];
    uint8_t proofs[KZG_CELLS][48], again[KZG_CELLS][48];
    const char *title;
    json_t *c, *cases = load("compute_cells_and_kzg_proofs");
    assert_int_equal(json_object_size(cases), 11);
    json_object_foreach(cases, title, c)
    {
        const json_t *output = json_object_get(c, "output");
        struct vector_bytes blob = field(c, "blob");
        if (blob.len == KZG_BLOB_LEN &&
            kzg_cells_and_proofs(got, proofs, kzg_setup_get(), blob.p)) {
            const json_t *want = json_array_get(output, 0),
                         *want_proofs = json_array_get(output, 1);
            assert_int_equal(json_array_size(want), KZG_CELLS);
            for (size_t i = 0; i < KZG_CELLS; i++) {
                assert_hex(title, got[i], KZG_CELL_LEN, json_array_get(want, i));
                assert_hex(title, proofs[i], 48, json_array_get(want_proofs, i));
            }
            assert_true(kzg_cells_and_proofs(NULL, again, kzg_setup_get(), blob.p));
            assert_memory_equal(again, proofs, sizeof(proofs));
        } else {
            assert_refused(title, output);
        }
        vector_bytes_free(&blob);
    }
    json_decref(cases);
}

static enum kzg_verdict verdict_on_cell(const json_t *input, size_t i)
{
    static const char *const names[3] = { "commitments", "cells", "proofs" };
    static const size_t lens[3] = { 48, KZG_CELL_LEN, 48 };
    struct vector_bytes v[3];
    bool fits = true;
    for (size_t k = 0; k < 3; k++) {
        v[k] = vector_hex(json_string_value(json_array_get(json_object_get(input, names[k]), i)));
        fits &= v[k].len == lens[k];
    }
    json_int_t cell = json_integer_value(json_array_get(json_object_get(input, "cell_indices"), i));
    enum kzg_verdict got = KZG_MALFORMED;
    if (fits)
        got = kzg_verify_cell(kzg_setup_get(), v[0].p, (uint64_t)cell, v[1].p, v[2].p);
    for (size_t k = 0; k < 3; k++)
        vector_bytes_free(&v[k]);
    return got;
}

/* A batch of cells is proven when each of them is. */
static void verification_of_cells(void **state)
{
    (void)state;
    static const char *const lists[4] = { "commitments", "cell_indices", "cells", "proofs" };
    size_t checked = 0;
    const char *title;
    json_t *c, *cases = load("verify_cell_kzg_proof_batch");
    assert_int_equal(json_object_size(cases), 32);
    json_object_foreach(cases, title, c)
    {
        const json_t *input = json_object_get(c, "input");
        size_t cnt = json_array_size(json_object_get(input, lists[0]));
        bool malformed = false, wrong = false;
        for (size_t k = 1; k < 4; k++)
            malformed |= json_array_size(json_object_get(input, lists[k])) != cnt;
        for (size_t i = 0; i < cnt && !malformed; i++, checked++) {
            enum kzg_verdict got = verdict_on_cell(input, i);
            malformed |= got == KZG_MALFORMED;
            wrong |= got == KZG_WRONG;
        }
        enum kzg_verdict all = malformed ? KZG_MALFORMED : wrong ? KZG_WRONG : KZG_PROVEN;
        if (all != wanted(json_object_get(c, "output")))
            fail_msg("%s: wrong verdict", title);
    }
    json_decref(cases);
    printf("%zu cells verified one by one\n", checked);
    assert_true(checked > 100);
}

int main(void)
{
    folder = getenv("GH_KZG_VECTORS");
    char path[4096];
    snprintf(path, sizeof(path), "%s/blob_to_kzg_commitment.json", folder ? folder : ".");
    FILE *f = fopen(path, "rb");
    if (!f) {
        printf("SKIP: KZG vectors (recorded data folder absent)\n");
        return 77;
    }
    fclose(f);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commitments),
        cmocka_unit_test(proofs_at_a_point),
        cmocka_unit_test(proofs_of_blobs),
        cmocka_unit_test(verification_of_blobs),
        cmocka_unit_test(verification_of_batches),
        cmocka_unit_test(cells),
        cmocka_unit_test(verification_of_cells),
    };
    return run_on_both_paths("kzg blob vectors", tests, GH_COUNT(tests));
}
