/* The gate before a commit, with a maker and a verifier of the test's: what agrees is committed, what does not is held, what was verified is not
 * asked about again after a restart, and a batch that is sealed anew is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/settlement/settle_world.h"

/* Answers come from the loop, one turn later, as those of a worker do. */
static struct maker {
    struct world *w;
    struct settlement_witness witness;
    struct b256 hash;
    settlement_witness_fn *made;
    settlement_verdict_fn *judged;
    void *arg;
    unsigned makes, verifies;
    bool fails, lies, transient;
    struct event *later;
} m;

static void keep(struct settlement_witness *w)
{
    (void)w; /* static */
}

/* The public input our table gives: worked out here from the rows, as spec 30 §3.1 says. */
static struct b256 input_of(uint64_t number)
{
    struct batch_row row = world_row(m.w, number);
    struct b256 before = m.w->cfg.genesis_state_commitment;
    if (number > 1)
        before = world_row(m.w, number - 1).state_commitment;
    struct stored_batch s = { .state_commitment = row.state_commitment,
                              .commitment = row.commitment };
    return batch_public_input(&before, &s);
}

static void on_later(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
    if (m.made) {
        settlement_witness_fn *f = m.made;
        struct err err = { .kind = m.transient ? ERR_TRANSIENT : ERR_INVALID, .msg = "pruned" };
        m.made = NULL;
        f(m.arg, m.fails ? NULL : &m.witness, m.fails ? &err : NULL);
    } else if (m.judged) {
        settlement_verdict_fn *f = m.judged;
        struct settlement_verdict v = { .verified = true,
                                        .public_input = input_of(m.witness.batch),
                                        .stored_hash = m.hash };
        if (m.lies)
            v.public_input.b[0] ^= 1;
        m.judged = NULL;
        f(m.arg, &v);
    }
}

static void soon(void)
{
    struct timeval tv = { .tv_usec = 1000 };
    evtimer_add(m.later, &tv);
}

static bool make(void *ctx, uint64_t batch, const struct b256 *hash, settlement_witness_fn *done,
                 void *arg)
{
    (void)ctx;
    m.makes++;
    m.hash = *hash;
    m.witness = (struct settlement_witness){
        .refs = 1, .batch = batch, .stored_hash = *hash, .free = keep
    };
    m.made = done;
    m.arg = arg;
    soon();
    return true;
}

static bool verify(void *ctx, struct settlement_witness *w, settlement_verdict_fn *done, void *arg)
{
    (void)ctx;
    (void)w;
    m.verifies++;
    m.judged = done;
    m.arg = arg;
    soon();
    return true;
}

/* The maker is stopped before settlement is destroyed: what it still has to say is not said. */
static void stop(struct world *w)
{
    m.made = NULL;
    m.judged = NULL;
    event_del(m.later);
    world_stop(w);
}

static int setup(void **state)
{
    struct world *w = world_new();
    m = (struct maker){ .w = w, .later = evtimer_new(w->base, on_later, NULL) };
    w->cfg.verification.mode = VERIFICATION_LOCAL;
    w->witness = (struct settlement_witness_ops){ .make = make, .verify = verify };
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    stop(*state);
    event_free(m.later);
    world_free(*state);
    return 0;
}

static void what_agrees_is_committed_and_asked_about_once(void **state)
{
    struct world *w = *state;
    assert_true(world_start(w));
    w->head = 5;
    UNTIL(w, world_all_at(w, 2));
    world_assert_once(w, 2);
    assert_int_equal(m.verifies, 2);
    stop(w);
    assert_true(world_start(w));
    w->head = 7;
    UNTIL(w, world_all_at(w, 3));
    assert_int_equal(m.verifies, 3);
}

static void what_differs_is_held_before_its_commit(void **state)
{
    struct world *w = *state;
    m.lies = true;
    assert_true(world_start(w));
    w->head = 5;
    UNTIL(w, strstr(world_hold(w), "batch 1 is not committed") != NULL);
    assert_non_null(strstr(world_hold(w), "public input 0x"));
    world_spin(w, 200);
    assert_int_equal(fake_sl_sent(w->sl, LANE_COMMIT, 1), 0);
    assert_int_equal(m.verifies, 1); /* the same question has the same answer */
    m.lies = false;                  /* the memory was broken, say */
    stop(w);
    assert_true(world_start(w));
    UNTIL(w, world_all_at(w, 2));
    assert_string_equal(world_hold(w), "");
}

static void a_witness_that_cannot_be_made_is_waited_for_and_told(void **state)
{
    struct world *w = *state;
    char text[256];
    uint64_t eta;
    m.fails = true;
    assert_true(world_start(w));
    w->head = 3;
    UNTIL(w, m.makes >= 1 && !m.made);
    world_spin(w, 300);
    settlement_waits_for(w->s, 1, text, sizeof(text), &eta);
    assert_non_null(strstr(text, "its verification; its witness: pruned"));
    assert_int_equal(fake_sl_sent(w->sl, LANE_COMMIT, 1), 0);
    assert_true(m.makes < 5); /* later and later, not each turn */
    m.fails = false;
    world_pass(w, 120000);
    UNTIL(w, world_all_at(w, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_agrees_is_committed_and_asked_about_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_differs_is_held_before_its_commit, setup, teardown),
        cmocka_unit_test_setup_teardown(a_witness_that_cannot_be_made_is_waited_for_and_told, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
