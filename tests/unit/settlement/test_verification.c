/* The gate before a commit, with a maker and a verifier of the test's: what agrees is committed, what does not is held, what was verified is not
 * asked about again after a restart, and a batch that is sealed anew is. */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "node/base/hex.h"
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
    bool lies;
    enum err_kind fails; /* ERR_NONE: a witness comes */
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
        struct err err = { .kind = m.fails, .msg = "pruned" };
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
    m.fails = ERR_LOCAL;
    assert_true(world_start(w));
    w->head = 3;
    UNTIL(w, m.makes >= 1 && !m.made);
    world_spin(w, 300);
    settlement_waits_for(w->s, 1, text, sizeof(text), &eta);
    assert_non_null(strstr(text, "its verification; its witness: pruned"));
    assert_int_equal(fake_sl_sent(w->sl, LANE_COMMIT, 1), 0);
    assert_true(m.makes < 5); /* later and later, not each turn */
    assert_string_equal(world_hold(w), "");
    m.fails = ERR_NONE;
    world_pass(w, 120000);
    UNTIL(w, world_all_at(w, 1));
}

static void a_witness_that_can_never_be_made_is_a_hold_until_it_is(void **state)
{
    struct world *w = *state;
    m.fails = ERR_INVALID;
    assert_true(world_start(w));
    w->head = 3;
    UNTIL(w,
          strstr(world_hold(w), "batch 1 is not committed: the maker of its witness says pruned"));
    assert_int_equal(fake_sl_sent(w->sl, LANE_COMMIT, 1), 0);
    m.fails = ERR_NONE;
    world_pass(w, 120000);
    UNTIL(w, world_all_at(w, 1));
    assert_string_equal(world_hold(w), "");
}

/* Batches met on the layer have no record. Once the layer has them no more they are to be verified like any other. */
static void
batches_that_a_reorganisation_took_back_are_verified_before_they_are_committed(void **state)
{
    struct world *w = *state;
    w->confirmations = 0;
    w->cfg.sender.required_confirmations = 1;
    w->cfg.verification.mode = VERIFICATION_NONE;
    assert_true(world_start(w));
    w->head = 5;
    UNTIL(w, world_all_at(w, 2));
    w->mine_every_ms = 0;
    stop(w);
    w->cfg.verification.mode = VERIFICATION_LOCAL;
    assert_true(world_start(w));
    UNTIL(w, w->s->caught_up && world_all_at(w, 2));
    assert_int_equal(m.verifies, 0);
    uint64_t at = world_row(w, 1).step[BATCH_COMMIT].sl_block;
    w->sl->reorged_txs_are_lost = true;
    fake_sl_reorg(w->sl, w->sl->head - at + 1);
    fake_sl_mine(w->sl); /* the fork is longer */
    UNTIL(w, world_all_at(w, 0));
    w->mine_every_ms = 15;
    for (int i = 0; i < 600 && !world_all_at(w, 2); i++) {
        world_pass(w, 500);
        world_spin(w, 10);
    }
    assert_true(world_all_at(w, 2));
    assert_int_equal(m.verifies, 2);
}

/* ---- remote ---- */

enum says { SAYS_EQUAL, SAYS_OTHER, SAYS_TOO_LARGE, SAYS_ERROR };
static struct answerer { /* a verifier */
    enum says says;
    unsigned asked;
    struct evhttp *http;
    char url[40];
} verifiers[3];

static void put_hash(struct evbuffer *out, const char *name, struct b256 h)
{
    char hex[67];
    hex_encode0x(hex, h.b, 32);
    evbuffer_add_printf(out, ",\"%s\":\"%s\"", name, hex);
}

static void on_ask(struct evhttp_request *req, void *arg)
{
    struct answerer *s = arg;
    static const int statuses[] = { 200, 200, 413, 500 };
    struct evbuffer *out = evbuffer_new();
    struct b256 input = input_of(m.witness.batch);
    s->asked++;
    if (s->says == SAYS_OTHER)
        input.b[0] ^= 1;
    evbuffer_add_printf(out, "{\"verified\":true");
    put_hash(out, "public_input", input);
    put_hash(out, "stored_batch_hash", m.hash);
    evbuffer_add_printf(out, "}");
    evhttp_send_reply(req, statuses[s->says], NULL, out);
    evbuffer_free(out);
}

static void verifiers_start(struct world *w, size_t cnt, size_t threshold)
{
    w->cfg.verification.mode = VERIFICATION_REMOTE;
    w->cfg.verification.url_cnt = cnt;
    w->cfg.verification.threshold = threshold;
    w->cfg.verification.timeout_ms = 5000;
    for (size_t i = 0; i < cnt; i++) {
        struct answerer *s = &verifiers[i];
        struct sockaddr_in at = { 0 };
        socklen_t len = sizeof(at);
        *s = (struct answerer){ .http = evhttp_new(w->base) };
        struct evhttp_bound_socket *b = evhttp_bind_socket_with_handle(s->http, "127.0.0.1", 0);
        assert_non_null(b);
        assert_int_equal(getsockname(evhttp_bound_socket_get_fd(b), (struct sockaddr *)&at, &len),
                         0);
        snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%u", ntohs(at.sin_port));
        evhttp_set_gencb(s->http, on_ask, s);
        w->cfg.verification.urls[i] = s->url;
    }
}

static int remote_teardown(void **state)
{
    stop(*state);
    for (size_t i = 0; i < GH_COUNT(verifiers); i++)
        if (verifiers[i].http)
            evhttp_free(verifiers[i].http);
    memset(verifiers, 0, sizeof(verifiers));
    event_free(m.later);
    world_free(*state);
    return 0;
}

static void verifiers_that_take_no_witness_of_that_size_are_a_hold_until_they_do(void **state)
{
    struct world *w = *state;
    verifiers_start(w, 2, 2);
    verifiers[1].says = SAYS_TOO_LARGE;
    assert_true(world_start(w));
    w->head = 3;
    UNTIL(w, strstr(world_hold(w), "too large for it"));
    assert_non_null(strstr(world_hold(w), verifiers[1].url));
    world_spin(w, 200);
    assert_int_equal(verifiers[1].asked, 1);
    assert_int_equal(fake_sl_sent(w->sl, LANE_COMMIT, 1), 0);
    verifiers[1].says = SAYS_EQUAL;
    world_pass(w, 61000);
    UNTIL(w, world_all_at(w, 1));
    assert_string_equal(world_hold(w), "");
}

/* One is down, so the one that differed is needed: it is not held, and still asked again. */
static void a_verifier_that_differed_is_asked_again_without_a_hold(void **state)
{
    struct world *w = *state;
    verifiers_start(w, 3, 2);
    verifiers[1].says = SAYS_OTHER;
    verifiers[2].says = SAYS_ERROR;
    assert_true(world_start(w));
    w->head = 3;
    UNTIL(w, verifiers[1].asked == 1 && verifiers[2].asked >= 1);
    world_spin(w, 200);
    assert_string_equal(world_hold(w), "");
    assert_int_equal(verifiers[1].asked, 1);
    assert_int_equal(fake_sl_sent(w->sl, LANE_COMMIT, 1), 0);
    verifiers[1].says = SAYS_EQUAL;
    world_pass(w, 61000);
    UNTIL(w, world_all_at(w, 1));
    assert_int_equal(verifiers[1].asked, 2);
    assert_int_equal(verifiers[0].asked, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_agrees_is_committed_and_asked_about_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_differs_is_held_before_its_commit, setup, teardown),
        cmocka_unit_test_setup_teardown(a_witness_that_cannot_be_made_is_waited_for_and_told, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_witness_that_can_never_be_made_is_a_hold_until_it_is,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            batches_that_a_reorganisation_took_back_are_verified_before_they_are_committed, setup,
            teardown),
        cmocka_unit_test_setup_teardown(
            verifiers_that_take_no_witness_of_that_size_are_a_hold_until_they_do, setup,
            remote_teardown),
        cmocka_unit_test_setup_teardown(a_verifier_that_differed_is_asked_again_without_a_hold,
                                        setup, remote_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
