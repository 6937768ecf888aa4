/* The prove lane with the prover API on: proofs that were handed in (put into the journal as the API does) against the model of the contracts, and
 * what the API answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "node/net/http_client.h"
#include "settlement/prover/internal.h"
#include "tests/unit/settlement/settle_world.h"

static bool no_witness(void *ctx, uint64_t batch, const struct b256 *hash,
                       settlement_witness_fn *done, void *arg)
{
    (void)ctx;
    (void)batch;
    (void)hash;
    (void)done;
    (void)arg;
    return false;
}

static int setup(void **state)
{
    struct world *w = world_new();
    w->witness.make = no_witness;
    w->cfg.max_blocks = 1;
    w->cfg.max_range = 10;
    w->cfg.prover = (struct prover_config){ .enabled = true,
                                            .address = "127.0.0.1:0",
                                            .fri_timeout_ms = 60000,
                                            .snark_timeout_ms = 60000,
                                            .max_assigned_range = 10,
                                            .max_fris_per_snark = 10,
                                            .max_batch_age_ms = UINT64_C(1) << 40,
                                            .fake_snark = true,
                                            .allow_anonymous = true };
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_free(*state);
    return 0;
}

static bool committed(const struct world *w, uint64_t n)
{
    return w->s->frontier[BATCH_COMMIT] == n;
}

/* spec 30 §3.1 */
static struct b256 input_of(struct world *w, uint64_t number)
{
    struct batch_row row = world_row(w, number);
    struct b256 before =
        number > 1 ? world_row(w, number - 1).state_commitment : w->cfg.genesis_state_commitment;
    struct stored_batch s = { .state_commitment = row.state_commitment,
                              .commitment = row.commitment };
    return batch_public_input(&before, &s);
}

static bool put_fri(struct store_txn *t, void *arg, struct err *err)
{
    return fri_proof_put(t, arg, err);
}

static bool put_snark(struct store_txn *t, void *arg, struct err *err)
{
    return snark_proof_put(t, arg, err);
}

static void have_fri(struct world *w, uint64_t number)
{
    static const uint8_t bytes[24] = { 7 };
    struct err err;
    struct fri_proof_row f = { .number = number,
                               .at_ms = clock_wall_ms(&w->clock),
                               .input = input_of(w, number),
                               .vk = prover_own_key(),
                               .prover = "p",
                               .proof = bytes_of(bytes, sizeof(bytes)) };
    assert_true(store_write_sync(w->store, STORE_JOURNAL, put_fri, &f, &err));
}

/* A mock proof, which is one that needs no ceremony. */
static void have_range(struct world *w, uint64_t from, uint64_t to)
{
    struct b256 inputs[16];
    uint8_t words[SNARK_MOCK_LEN] = { 0 };
    struct err err;
    for (uint64_t n = from; n <= to; n++)
        inputs[n - from] = input_of(w, n);
    struct b256 r = batch_fold_public_inputs(inputs, (size_t)(to - from + 1));
    words[31] = 3;
    words[95] = 13;
    memcpy(words + 96, r.b, 32);
    struct snark_proof_row s = { .from = from,
                                 .to = to,
                                 .at_ms = clock_wall_ms(&w->clock),
                                 .input = r,
                                 .vk = prover_own_key(),
                                 .prover = "s",
                                 .proof = bytes_of(words, sizeof(words)) };
    assert_true(store_write_sync(w->store, STORE_JOURNAL, put_snark, &s, &err));
}

static bool has_range(struct world *w, uint64_t number)
{
    struct snark_proof_row row;
    struct err err;
    bool found = false;
    assert_true(snark_proof_load(w->s->reader, number, NULL, &row, &found, &err));
    return found;
}

static void restart(struct world *w)
{
    world_stop(w);
    assert_true(world_start(w));
}

/* Batches 1 to 5 are committed, with a proof of all of them; the next life has it. */
static void with_proof_of_five(struct world *w)
{
    assert_true(world_start(w));
    w->head = 6;
    UNTIL(w, committed(w, 5));
    have_range(w, 1, 5);
}

static void a_range_longer_than_a_lowered_limit_is_still_proved(void **state)
{
    struct world *w = *state;
    with_proof_of_five(w);
    w->cfg.prover.max_fris_per_snark = w->cfg.max_range = 2;
    restart(w);
    UNTIL(w, world_all_at(w, 5));
    assert_int_equal(fake_sl_sent(w->sl, LANE_PROVE, 5), 1);
    assert_true(fake_sl_sent(w->sl, LANE_PROVE, 1) == 1 && fake_sl_failed(w->sl) == 0);
}

static void a_range_waits_until_all_of_it_is_deep(void **state)
{
    struct world *w = *state;
    with_proof_of_five(w);
    w->cfg.sender.required_confirmations = 1000;
    restart(w);
    world_spin(w, 200);
    assert_int_equal(fake_sl_sent(w->sl, LANE_PROVE, 1), 0);
    w->cfg.sender.required_confirmations = 2;
    restart(w);
    UNTIL(w, world_all_at(w, 5));
}

/* Somebody else proved the first two: the proof of all five is of no use for the rest, which is offered again. */
static void a_range_that_is_proved_in_part_is_offered_anew(void **state)
{
    struct world *w = *state;
    struct prover *p;
    with_proof_of_five(w);
    w->mine_every_ms = 0;
    restart(w);
    p = w->s->prover;
    struct prover_view v = { .sealed = 5, .committed = 5, .is_testnet_verifier = true };
    prover_update(p, &v);
    assert_int_equal(prover_job_find(p, 3)->snark_from, 1);
    v.proved = 2;
    prover_update(p, &v);
    for (uint64_t n = 3; n <= 5; n++)
        assert_int_equal(prover_job_find(p, n)->snark_from, 0);
}

/* ---- what the layer says to a proof ---- */

static void refuse_prove(struct world *w, const char *text)
{
    w->sl->fail_text = text;
    w->sl->fail_call[LANE_PROVE] = 1;
}

static void a_sentence_of_another_contract_does_not_condemn_a_proof(void **state)
{
    struct world *w = *state;
    with_proof_of_five(w);
    refuse_prove(w, "Pausable: paused");
    restart(w);
    for (int i = 0; i < 600 && !world_all_at(w, 5); i++) {
        world_pass(w, 500);
        world_spin(w, 10);
    }
    assert_true(world_all_at(w, 5));
    assert_int_equal(w->sl->fail_call[LANE_PROVE], 0); /* it was said */
    assert_int_equal(w->s->prover->stats.refused, 0);
}

static void a_sentence_of_the_verifier_condemns_it(void **state)
{
    struct world *w = *state;
    with_proof_of_five(w);
    refuse_prove(w, "finalPairing: pairing failure");
    restart(w);
    UNTIL(w, w->s->prover->stats.refused == 1 && !has_range(w, 1));
    assert_int_equal(prover_job_find(w->s->prover, 1)->snark_from, 0);
    assert_int_equal(fake_sl_sent(w->sl, LANE_PROVE, 1), 0);
}

/* ---- the API ---- */

struct answer {
    bool done;
    int status;
    char text[4096];
};

static void on_answer(void *arg, const struct http_result *r)
{
    struct answer *a = arg;
    a->done = true;
    a->status = r->ok ? r->status : -1;
    snprintf(a->text, sizeof(a->text), "%.*s", (int)r->body.len, (const char *)r->body.p);
}

static struct http_post *ask(struct world *w, struct http_client *c, const char *path,
                             struct answer *a)
{
    char url[128];
    struct buf body;
    struct err err;
    buf_init(&body, 16);
    *a = (struct answer){ 0 };
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/prover-jobs/v1/%s", prover_port(w->s->prover),
             path);
    struct http_post_args args = { .url = url,
                                   .content_type = "application/json",
                                   .body = &body,
                                   .timeout_ms = 5000,
                                   .max_len = 4096 };
    struct http_post *post = http_client_post(c, &args, on_answer, a, &err);
    assert_non_null(post);
    return post;
}

static void
a_range_is_written_on_the_worker_and_its_lease_ends_with_an_answer_that_fails(void **state)
{
    struct world *w = *state;
    struct answer a;
    struct err err;
    struct http_client *c = http_client_create(w->base, &w->clock, "test", &err);
    assert_non_null(c);
    with_proof_of_five(w);
    w->head = 8;
    UNTIL(w, committed(w, 7));
    have_fri(w, 6);
    restart(w);
    UNTIL(w, committed(w, 7) && prover_job_find(w->s->prover, 6));
    struct leases *l = &w->s->prover->snark;

    /* the row is gone behind the API's back: 404, and the range is free again */
    prover_job_find(w->s->prover, 7)->fri_at_ms = 1;
    ask(w, c, "SNARK/pick?id=s1", &a);
    UNTIL(w, w->job_cnt == 1);
    assert_false(a.done);
    assert_true(leases_is_busy(l, 6) && leases_is_busy(l, 7));
    (void)world_work(w);
    UNTIL(w, a.done);
    assert_int_equal(a.status, 404);
    assert_non_null(strstr(a.text, "No FRI proof found for batch 7"));
    assert_false(leases_is_busy(l, 6));

    /* it is there now: the lease stays */
    have_fri(w, 7);
    ask(w, c, "SNARK/pick?id=s2", &a);
    UNTIL(w, w->job_cnt == 1);
    (void)world_work(w);
    UNTIL(w, a.done);
    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.text, "\"from_batch_number\":6,\"to_batch_number\":7"));
    assert_true(leases_is_busy(l, 6) && leases_is_busy(l, 7));

    /* a prover that hung up does not work on it */
    leases_drop(l, 6, 7);
    struct http_post *post = ask(w, c, "SNARK/pick?id=s3", &a);
    UNTIL(w, w->job_cnt == 1);
    http_post_cancel(post);
    world_spin(w, 100);
    (void)world_work(w);
    assert_false(leases_is_busy(l, 6));

    /* stopping with a job under way */
    ask(w, c, "SNARK/pick?id=s4", &a);
    UNTIL(w, w->job_cnt == 1);
    world_stop(w);
    http_client_destroy(c);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_range_longer_than_a_lowered_limit_is_still_proved),
        T(a_range_waits_until_all_of_it_is_deep),
        T(a_range_that_is_proved_in_part_is_offered_anew),
        T(a_sentence_of_another_contract_does_not_condemn_a_proof),
        T(a_sentence_of_the_verifier_condemns_it),
        T(a_range_is_written_on_the_worker_and_its_lease_ends_with_an_answer_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
