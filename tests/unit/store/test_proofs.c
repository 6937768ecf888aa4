/* Proofs in the journal: kept over a restart, found by batch and by range, forgotten with their batches; the newest refused ones are kept. */
#include <stdio.h>

#include "node/store/proof_table.h"
#include "tests/unit/store/store_case.h"

static struct b256 hash_of(uint64_t n)
{
    struct b256 h = b256_of_u64(n);
    h.b[0] = 0x77;
    return h;
}

static bool put_fri(struct store_txn *t, void *arg, struct err *err)
{
    return fri_proof_put(t, arg, err);
}
static bool put_snark(struct store_txn *t, void *arg, struct err *err)
{
    return snark_proof_put(t, arg, err);
}
static bool put_failed(struct store_txn *t, void *arg, struct err *err)
{
    return failed_proof_put(t, arg, err);
}
static bool put_verified(struct store_txn *t, void *arg, struct err *err)
{
    return batch_verified_put(t, arg, err);
}
static bool forget(struct store_txn *t, void *arg, struct err *err)
{
    return proof_forget(t, *(const uint64_t *)arg, err);
}
static bool remove_snark(struct store_txn *t, void *arg, struct err *err)
{
    return snark_proof_remove(t, *(const uint64_t *)arg, err);
}

static struct fri_proof_row fri(uint64_t n, const char *proof)
{
    return (struct fri_proof_row){ .number = n,
                                   .at_ms = 1000 + n,
                                   .input = hash_of(n),
                                   .vk = hash_of(900),
                                   .prover = "gpu-1",
                                   .proof = bytes_of(proof, strlen(proof)) };
}

static bool has_fri(uint64_t n, struct fri_proof_row *out)
{
    struct err err;
    bool found = false;
    assert_true(fri_proof_load(sc.reader, n, &sc.arena, out, &found, &err));
    return found;
}

static bool has_snark(uint64_t n, struct snark_proof_row *out)
{
    struct err err;
    bool found = false;
    assert_true(snark_proof_load(sc.reader, n, &sc.arena, out, &found, &err));
    return found;
}

static void a_proof_is_there_after_a_restart(void **state)
{
    (void)state;
    struct fri_proof_row a = fri(7, "seven"), out;
    assert_false(has_fri(7, &out));
    store_case_run(STORE_JOURNAL, put_fri, &a);
    store_case_close();
    store_case_open();
    assert_true(has_fri(7, &out));
    assert_int_equal(out.at_ms, 1007);
    assert_string_equal(out.prover, "gpu-1");
    assert_true(b256_eq(&out.input, &a.input) && b256_eq(&out.vk, &a.vk));
    assert_true(bytes_eq(out.proof, a.proof));
    assert_false(has_fri(8, &out));
}

static void a_range_is_found_by_every_batch_of_it(void **state)
{
    (void)state;
    struct snark_proof_row a = { .from = 3,
                                 .to = 5,
                                 .at_ms = 4,
                                 .prover = "s",
                                 .input = hash_of(1),
                                 .vk = hash_of(2),
                                 .proof = bytes_of("range", 5) };
    struct snark_proof_row out;
    store_case_run(STORE_JOURNAL, put_snark, &a);
    for (uint64_t n = 1; n <= 7; n++)
        assert_int_equal(has_snark(n, &out), n >= 3 && n <= 5);
    assert_true(has_snark(4, &out));
    assert_int_equal(out.from, 3);
    assert_int_equal(out.to, 5);
    uint64_t from = 3;
    store_case_run(STORE_JOURNAL, remove_snark, &from);
    assert_false(has_snark(4, &out));
}

static void executed_batches_take_their_proofs_along(void **state)
{
    (void)state;
    struct fri_proof_row out;
    struct batch_verified_row v, vout;
    bool found = false;
    struct err err;
    for (uint64_t n = 1; n <= 4; n++) {
        struct fri_proof_row a = fri(n, "x");
        store_case_run(STORE_JOURNAL, put_fri, &a);
        v = (struct batch_verified_row){ .number = n, .stored_hash = hash_of(n), .answers = 2 };
        store_case_run(STORE_JOURNAL, put_verified, &v);
    }
    uint64_t upto = 2;
    store_case_run(STORE_JOURNAL, forget, &upto);
    for (uint64_t n = 1; n <= 4; n++) {
        assert_int_equal(has_fri(n, &out), n > 2);
        assert_true(batch_verified_load(sc.reader, n, &vout, &found, &err));
        assert_int_equal(found, n > 2);
    }
    assert_true(b256_eq(&vout.stored_hash, &v.stored_hash));
    assert_int_equal(vout.answers, 2);
}

static void the_newest_refused_ones_are_kept_and_told_by_kind(void **state)
{
    (void)state;
    struct failed_proof_row out;
    bool found = false;
    struct err err;
    for (uint64_t n = 1; n <= FAILED_PROOF_KEEP + 3; n++) {
        struct failed_proof_row a = {
            .from = n, .to = n, .at_ms = n, .prover = "p", .reason = "why", .proof = bytes_of(&n, 8)
        };
        store_case_run(STORE_JOURNAL, put_failed, &a);
    }
    for (uint64_t n = 1; n <= FAILED_PROOF_KEEP + 3; n++) {
        assert_true(failed_proof_load(sc.reader, false, n, &sc.arena, &out, &found, &err));
        assert_int_equal(found, n > 3);
    }
    assert_string_equal(out.reason, "why");
    assert_true(failed_proof_load(sc.reader, true, 9, &sc.arena, &out, &found, &err));
    assert_false(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_proof_is_there_after_a_restart, store_case_setup,
                                        store_case_teardown),
        cmocka_unit_test_setup_teardown(a_range_is_found_by_every_batch_of_it, store_case_setup,
                                        store_case_teardown),
        cmocka_unit_test_setup_teardown(executed_batches_take_their_proofs_along, store_case_setup,
                                        store_case_teardown),
        cmocka_unit_test_setup_teardown(the_newest_refused_ones_are_kept_and_told_by_kind,
                                        store_case_setup, store_case_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
