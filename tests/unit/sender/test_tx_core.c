/* The sender's machine on a simulated settlement layer. Tests named row.. answer that row of the operators' list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/sender/sim_chain.h"

static void one_request_is_mined_and_confirmed(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    uint64_t id = sim_submit(s, "commit:1");
    sim_run(s, 2000);
    assert_int_equal(sim_state(s, "commit:1"), TX_ACCEPTED);
    struct tx_item *it = sim_item(s, "commit:1");
    assert_int_equal(it->nonce, 7);
    assert_int_equal(it->gas_limit, 125000); /* estimate and a quarter */
    assert_int_equal(it->wait, TX_WAIT_MINING);
    sim_mine_and_run(s, 1);
    assert_int_equal(sim_state(s, "commit:1"), TX_MINED);
    sim_mine_and_run(s, 1);
    assert_int_equal(sim_state(s, "commit:1"), TX_MINED); /* 2 of 3 */
    sim_mine_and_run(s, 1);
    assert_int_equal(sim_state(s, "commit:1"), TX_CONFIRMED);
    assert_null(sim_item(s, "commit:1"));
    assert_int_equal(sim_mined(s, "commit:1"), 1);
    static const enum tx_state path[] = { TX_SIGNED, TX_BROADCAST, TX_ACCEPTED, TX_MINED,
                                          TX_CONFIRMED };
    for (size_t i = 0; i < GH_COUNT(path); i++)
        assert_int_equal(sim_note_cnt(s, id, path[i]), 1);
    assert_int_equal(s->note_cnt, GH_COUNT(path));
    sim_free(s);
}

static void several_are_in_flight_in_order(void **state)
{
    (void)state;
    struct tx_manager_config cfg = sim_plain;
    cfg.max_in_flight = 4;
    struct sim *s = sim_new(&cfg);
    char key[32];
    for (int i = 0; i < 10; i++) {
        snprintf(key, sizeof(key), "commit:%d", i);
        sim_submit(s, key);
    }
    sim_run(s, 3000);
    struct tx_manager_status st = sim_status(s);
    assert_int_equal(st.in_flight, 4);
    assert_int_equal(st.queued, 6);
    for (uint64_t i = 0; i < 4; i++) {
        snprintf(key, sizeof(key), "commit:%d", (int)i);
        assert_int_equal(sim_item(s, key)->nonce, 7 + i);
    }
    assert_int_equal(sim_item(s, "commit:9")->wait, TX_WAIT_SLOT);
    sim_mine_and_run(s, 6);
    for (int i = 0; i < 10; i++) {
        snprintf(key, sizeof(key), "commit:%d", i);
        assert_int_equal(sim_state(s, key), TX_CONFIRMED);
        assert_int_equal(sim_mined(s, key), 1);
    }
    assert_int_equal(s->latest_nonce, 17);
    sim_free(s);
}

static void row01_low_fee_tx_is_replaced_not_crash_loop(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    sim_submit(s, "commit:1");
    sim_run(s, 2000);
    s->base_fee = 60 * SIM_GWEI;  /* three times what it offers */
    for (int i = 0; i < 3; i++) { /* an operator who restarts */
        sim_restart(s);
        sim_mine_and_run(s, 1);
        assert_int_equal(sim_item(s, "commit:1")->nonce, 7);
    }
    sim_mine_and_run(s, 8);
    assert_int_equal(sim_state(s, "commit:1"), TX_CONFIRMED);
    assert_int_equal(sim_mined(s, "commit:1"), 1);
    assert_int_equal(s->latest_nonce, 8);
    sim_free(s);
}

static void row01_waiting_is_counted_across_restarts(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    sim_submit(s, "commit:1");
    sim_run(s, 2000);
    s->base_fee = 60 * SIM_GWEI;
    for (int i = 0; i < 20;
         i++) { /* restarts every 10 s, no block in between: the clock still says when */
        sim_run(s, 10000);
        sim_restart(s);
    }
    assert_true(sim_item(s, "commit:1")->variant_cnt >= 2);
    sim_free(s);
}

static void row02_bump_obeys_the_pool_rule_and_the_cap_is_a_visible_state(void **state)
{
    (void)state;
    struct tx_manager_config cfg = sim_plain;
    cfg.caps.max_fee = u256_of_u64(40 * SIM_GWEI);
    struct sim *s = sim_new(&cfg);
    sim_submit(s, "commit:1");
    sim_run(s, 2000);
    uint64_t fee0 = sim_pool_at(s, 7)->max_fee, tip0 = sim_pool_at(s, 7)->max_tip;
    s->tip_to_mine = SIM_GWEI / 2; /* not mined, for its tip */
    sim_mine_and_run(s, 3);
    const struct sim_tx *t = sim_pool_at(s, 7);
    assert_true(t->max_fee * 100 >= fee0 * 110 && t->max_tip * 100 >= tip0 * 110);
    s->base_fee = 50 * SIM_GWEI; /* above our cap */
    sim_mine_and_run(s, 6);
    assert_true(sim_status(s).fee_capped);
    assert_int_equal(sim_item(s, "commit:1")->wait, TX_WAIT_FEE_CAPPED);
    assert_true(sim_status(s).fee_cap_waits >= 1);
    unsigned sends = s->sends;
    sim_mine_and_run(s, 5);
    assert_int_equal(s->sends, sends); /* capped means no useless sends */
    struct tx_fee_caps caps = { u256_of_u64(500 * SIM_GWEI), u256_of_u64(5 * SIM_GWEI), 1000,
                                U256_ZERO };
    struct err e;
    assert_true(tx_core_set_caps(&s->core, &caps, &e)); /* at run time */
    for (int i = 0; i < 80 && sim_state(s, "commit:1") != TX_CONFIRMED; i++)
        sim_mine_and_run(s, 1);
    assert_int_equal(sim_state(s, "commit:1"), TX_CONFIRMED);
    assert_false(sim_status(s).fee_capped);
    caps.max_tip = u256_of_u64(600 * SIM_GWEI);
    assert_false(tx_core_set_caps(&s->core, &caps, &e));
    sim_free(s);
}

static void row02_first_send_respects_the_cap_and_goes_when_fees_fall(void **state)
{
    (void)state;
    struct tx_manager_config cfg = sim_plain;
    cfg.caps.max_fee = u256_of_u64(20 * SIM_GWEI);
    struct sim *s = sim_new(&cfg);
    s->base_fee = 25 * SIM_GWEI;
    sim_run(s, 2000);
    sim_submit(s, "commit:1");
    sim_mine_and_run(s, 3);
    assert_int_equal(s->sends, 0);
    assert_int_equal(sim_item(s, "commit:1")->wait, TX_WAIT_FEE_CAPPED);
    assert_true(sim_item(s, "commit:1")->nonce == TX_NO_NONCE);
    s->base_fee = 12 * SIM_GWEI;
    sim_run(s, 2000);
    assert_true(sim_pool_at(s, 7)->max_fee <= 20 * SIM_GWEI);
    sim_mine_and_run(s, 3);
    assert_int_equal(sim_state(s, "commit:1"), TX_CONFIRMED);
    sim_free(s);
}

static void row03_fees_do_not_run_away(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    sim_submit(s, "commit:1");
    s->tip_to_mine = UINT64_C(1000) * SIM_GWEI; /* nobody mines us, whatever we pay */
    sim_mine_and_run(s, 200);
    const struct sim_tx *t = sim_pool_at(s, 7);
    assert_true(t->max_fee <= 10 * s->base_fee + SIM_GWEI); /* relative cap */
    assert_true(t->max_tip <= SIM_GWEI);
    assert_true(sim_item(s, "commit:1")->variant_cnt <= TX_VARIANTS_MAX);
    assert_true(sim_status(s).fee_capped);
    sim_free(s);
}

static void row04_low_funds_waits_and_resumes_without_a_gap(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    uint64_t rich = s->balance;
    s->balance = 1000;
    sim_run(s, 2000);
    sim_submit(s, "commit:1");
    sim_submit(s, "commit:2");
    sim_mine_and_run(s, 5);
    assert_int_equal(sim_item(s, "commit:1")->wait, TX_WAIT_LOW_FUNDS);
    assert_true(sim_status(s).low_funds);
    assert_int_equal(s->sends, 0);
    assert_true(sim_item(s, "commit:1")->nonce == TX_NO_NONCE);
    s->balance = rich;
    sim_mine_and_run(s, 4);
    assert_int_equal(sim_state(s, "commit:1"), TX_CONFIRMED);
    assert_int_equal(s->latest_nonce, 9);
    sim_free(s);
}

static void row04_pool_says_insufficient_funds(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    s->send_error = "insufficient funds for gas * price + value: balance 1, tx cost 2";
    s->send_error_cnt = 1;
    sim_submit(s, "commit:1");
    sim_submit(s, "commit:2");
    sim_run(s, 1000);
    assert_int_equal(sim_item(s, "commit:1")->nonce, 7);
    assert_true(sim_item(s, "commit:2")->nonce ==
                TX_NO_NONCE); /* nothing queues behind a refusal */
    assert_int_equal(s->sends, 0);
    sim_mine_and_run(s, 6);
    assert_int_equal(sim_mined(s, "commit:1") + sim_mined(s, "commit:2"), 2);
    assert_int_equal(s->latest_nonce, 9);
    sim_free(s);
}

static void row04_runway_is_shown(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    char key[32];
    for (int i = 0; i < 4; i++) {
        snprintf(key, sizeof(key), "commit:%d", i);
        sim_submit(s, key);
        sim_mine_and_run(s, 3);
        sim_run(s, 60000);
    }
    struct tx_manager_status st = sim_status(s);
    assert_true(st.runway_ms != UINT64_MAX && st.runway_ms > 0);
    assert_false(u256_is_zero(&st.spend_per_day));
    sim_free(s);
}

static void row05_foreign_transaction_is_named_and_healed(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    uint64_t id = sim_submit(s, "commit:1");
    sim_run(s, 2000);
    sim_foreign(s, 7, "something else", 100 * SIM_GWEI, true);
    sim_run(s, 5000);
    struct tx_item *it = sim_item(s, "commit:1");
    assert_int_equal(it->wait, TX_WAIT_FOREIGN);
    assert_non_null(strstr(it->err.msg, "0x")); /* its hash */
    assert_true(sim_status(s).foreign_seen);
    assert_int_equal(it->nonce, 7); /* not given up before the other one is deep */
    sim_mine_and_run(s, 6);
    assert_int_equal(sim_note_cnt(s, id, TX_INTENT), 1);
    assert_int_equal(sim_state(s, "commit:1"), TX_CONFIRMED);
    assert_int_equal(sim_mined(s, "commit:1"), 1);
    assert_int_equal(s->latest_nonce, 9);
    sim_free(s);
}

static void row05_a_foreign_twin_counts_as_done(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    uint64_t id = sim_submit(s, "commit:1");
    sim_run(s, 2000);
    sim_foreign(s, 7, "commit:1", 100 * SIM_GWEI, true); /* a journal was lost, or two nodes run */
    sim_mine_and_run(s, 8);
    assert_int_equal(sim_state(s, "commit:1"), TX_REPLACED);
    assert_int_equal(sim_last_note(s, id)->kind, ERR_DIVERGED);
    assert_int_equal(sim_mined(s, "commit:1"), 1); /* not done twice */
    assert_int_equal(s->latest_nonce, 8);
    sim_free(s);
}

static void row05_a_foreign_transaction_reorged_out_gives_the_nonce_back(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    sim_submit(s, "commit:1");
    sim_run(s, 2000);
    sim_foreign(s, 7, "something else", 100 * SIM_GWEI, true);
    sim_run(s, 4000);
    sim_reorg(s, 1, true);
    sim_run(s, 8000);
    sim_mine_and_run(s, 5);
    assert_int_equal(sim_state(s, "commit:1"), TX_CONFIRMED);
    assert_int_equal(sim_mined(s, "commit:1"), 1);
    sim_free(s);
}

static void row05_pending_foreign_transaction_is_outbid(void **state)
{
    (void)state;
    for (int blind = 0; blind < 2; blind++) { /* the node tells its fees, or does not */
        struct sim *s = sim_new(&sim_plain);
        struct tx_fee_caps caps = { u256_of_u64(200 * SIM_GWEI), u256_of_u64(20 * SIM_GWEI), 10000,
                                    U256_ZERO };
        struct err e;
        s->no_nonce_tx = blind;
        /* left behind by another program: too cheap to be mined */
        sim_foreign(s, 7, "old stuck commit", 9 * SIM_GWEI, false);
        assert_true(tx_core_set_caps(&s->core, &caps, &e));
        sim_submit(s, "commit:1");
        sim_mine_and_run(s, blind ? 14 : 5);
        assert_int_equal(sim_state(s, "commit:1"), TX_CONFIRMED);
        assert_int_equal(sim_mined(s, "old stuck commit"), 0);
        assert_int_equal(sim_status(s).foreign_seen, !blind);
        sim_free(s);
    }
}

static void row05_pending_foreign_twin_is_adopted(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    sim_foreign(s, 7, "commit:1", 9 * SIM_GWEI, false); /* sent before the journal was lost */
    sim_submit(s, "commit:1");
    sim_run(s, 3000);
    assert_int_equal(sim_state(s, "commit:1"), TX_ACCEPTED);
    s->base_fee = 8 * SIM_GWEI;
    sim_mine_and_run(s, 4);
    assert_int_equal(sim_state(s, "commit:1"), TX_REPLACED);
    assert_int_equal(sim_mined(s, "commit:1"), 1);
    assert_int_equal(s->latest_nonce, 8);
    sim_free(s);
}

static void row06_lost_answer_is_maybe_accepted(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    s->lose_reply = 1;
    sim_submit(s, "commit:1");
    sim_run(s, 1000);
    assert_int_equal(sim_state(s, "commit:1"), TX_BROADCAST);
    assert_int_equal(sim_status(s).maybe_sent, 1);
    sim_run(s, 8000); /* found in the pool by its hash */
    assert_int_equal(sim_state(s, "commit:1"), TX_ACCEPTED);
    sim_mine_and_run(s, 3);
    assert_int_equal(sim_state(s, "commit:1"), TX_CONFIRMED);
    assert_int_equal(sim_mined(s, "commit:1"), 1);
    assert_int_equal(s->sends, 1);
    sim_free(s);
}

static void row06_send_that_never_arrived_is_sent_again_with_its_nonce(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    s->lose_send = 1;
    sim_submit(s, "commit:1");
    sim_submit(s, "commit:2");
    sim_run(s, 12000);
    assert_int_equal(s->sends, 2);
    sim_mine_and_run(s, 3);
    assert_int_equal(sim_state(s, "commit:1"), TX_CONFIRMED);
    assert_int_equal(sim_state(s, "commit:2"), TX_CONFIRMED);
    assert_int_equal(s->latest_nonce, 9);
    sim_free(s);
}

static void row06_nonce_errors_are_not_other_errors(void **state)
{
    (void)state;
    static const char *const texts[] = { "nonce too low", "nonce too high", "already known",
                                         "txpool is full", "some new text nobody knows" };
    for (size_t i = 0; i < GH_COUNT(texts); i++) {
        struct sim *s = sim_new(&sim_plain);
        s->send_error = texts[i];
        s->send_error_cnt = 1; /* "already known" while it is not: it is then missed in the pool */
        sim_submit(s, "commit:1");
        sim_run(s, 15000);
        sim_mine_and_run(s, 4);
        assert_int_equal(sim_state(s, "commit:1"), TX_CONFIRMED);
        assert_int_equal(s->latest_nonce, 8);
        sim_free(s);
    }
}

static void row06_a_view_from_a_node_behind_does_not_reuse_nonces(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    sim_submit(s, "commit:1");
    sim_mine_and_run(s, 4);
    assert_int_equal(sim_state(s, "commit:1"), TX_CONFIRMED);
    s->nonce_lag = 1; /* now another node answers */
    sim_submit(s, "commit:2");
    sim_run(s, 2000);
    assert_int_equal(sim_item(s, "commit:2")->nonce, 8);
    s->nonce_lag = 0;
    sim_mine_and_run(s, 3);
    assert_int_equal(sim_state(s, "commit:2"), TX_CONFIRMED);
    sim_free(s);
}

/* Nonce 7 is signed, then refused for good, while 8 is in the pool already. */
static struct sim *stranded(void)
{
    struct sim *s = sim_new(&sim_plain);
    s->lose_send = 1; /* 7 gets lost ... */
    sim_submit(s, "commit:1");
    sim_submit(s, "commit:2");
    sim_run(s, 1000);
    assert_int_equal(sim_item(s, "commit:2")->nonce, 8);
    s->send_error = "exceeds block gas limit"; /* ... and is refused when it is sent again */
    s->send_error_cnt = 1;
    for (int i = 0; i < 30 && sim_state(s, "commit:1") != TX_ABANDONED; i++)
        sim_run(s, 500);
    assert_int_equal(sim_state(s, "commit:1"), TX_ABANDONED);
    return s;
}

static void row06_stranded_nonce_is_filled_with_nothing(void **state)
{
    (void)state;
    struct sim *s = stranded();
    sim_run(s, 5000);
    assert_int_equal(sim_status(s).filled, 1);
    sim_mine_and_run(s, 4);
    assert_int_equal(sim_state(s, "commit:2"), TX_CONFIRMED);
    assert_int_equal(s->latest_nonce, 9);
    assert_int_equal(sim_status(s).queued + sim_status(s).in_flight + sim_status(s).unconfirmed, 0);
    sim_free(s);
}

static void row06_stranded_nonce_is_taken_by_the_next_payload(void **state)
{
    (void)state;
    struct sim *s = stranded();
    sim_submit(s, "commit:3");
    sim_run(s, 1000);
    assert_int_equal(sim_item(s, "commit:3")->nonce, 7);
    sim_mine_and_run(s, 4);
    assert_int_equal(sim_status(s).filled, 0);
    assert_int_equal(sim_state(s, "commit:3"), TX_CONFIRMED);
    assert_int_equal(sim_state(s, "commit:2"), TX_CONFIRMED);
    sim_free(s);
}

static void row07_one_bump_per_block_with_a_clock_fallback(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    s->tip_to_mine = SIM_GWEI; /* does not move */
    sim_submit(s, "commit:1");
    sim_run(s, 60000); /* no block: no bump, however often we poll */
    assert_int_equal(sim_item(s, "commit:1")->variant_cnt, 1);
    sim_run(s, 70000); /* two minutes without a block: the clock decides */
    assert_int_equal(sim_item(s, "commit:1")->variant_cnt, 2);
    for (unsigned i = 0; i < 9; i++)
        sim_mine_and_run(s, 1);
    assert_int_equal(sim_item(s, "commit:1")->variant_cnt, 5); /* every third block */
    sim_free(s);
}

static void row08_crash_at_every_step_sends_exactly_once(void **state)
{
    (void)state;
    for (uint64_t k = 1; k < 120; k++) {
        struct sim *s = sim_new(&sim_plain);
        s->crash_at = k;
        sim_submit(s, "commit:1");
        if (!s->crashed)
            sim_submit(s, "commit:2");
        for (int i = 0; i < 8 && !s->crashed; i++) {
            sim_run(s, 1500);
            if (!s->crashed)
                sim_mine(s);
        }
        bool had_1 = sim_state(s, "commit:1") != TX_STATE_CNT;
        sim_restart(s);
        if (!had_1) /* the intent was not durable: the owner submits again */
            sim_submit(s, "commit:1");
        if (sim_state(s, "commit:2") == TX_STATE_CNT)
            sim_submit(s, "commit:2");
        sim_mine_and_run(s, 8);
        sim_run(s, 5000);
        assert_int_equal(sim_state(s, "commit:1"), TX_CONFIRMED);
        assert_int_equal(sim_state(s, "commit:2"), TX_CONFIRMED);
        assert_int_equal(sim_mined(s, "commit:1"), 1);
        assert_int_equal(sim_mined(s, "commit:2"), 1);
        assert_int_equal(s->latest_nonce, 9);
        sim_free(s);
    }
}

static void row09_reverted_transaction_is_reported_with_its_reason(void **state)
{
    (void)state;
    static const uint8_t revert[] = { 0x09, 0xbd, 0xe3, 0x39 }; /* InvalidProof() */
    struct sim *s = sim_new(&sim_plain);
    uint64_t id = sim_submit(s, "prove:1");
    sim_run(s, 2000);
    s->mine_reverts = true;
    s->revert = revert;
    s->revert_len = sizeof(revert);
    sim_mine_and_run(s, 1);
    assert_int_equal(sim_note_cnt(s, id, TX_MINED), 1);
    sim_mine_and_run(s, 3);
    const struct sim_note *n = sim_last_note(s, id);
    assert_int_equal(n->state, TX_REVERTED);
    assert_int_equal(n->code, 0x09bde339);
    assert_non_null(strstr(n->err, "InvalidProof"));
    /* and the sender goes on */
    s->mine_reverts = false;
    s->revert = NULL;
    sim_submit(s, "prove:2");
    sim_mine_and_run(s, 4);
    assert_int_equal(sim_state(s, "prove:2"), TX_CONFIRMED);
    sim_free(s);
}

static void row09_simulation_stops_a_doomed_transaction(void **state)
{
    (void)state;
    static const uint8_t revert[] = { 0xd0, 0x26, 0x6e, 0x26 }; /* NotSettlementLayer() */
    struct sim *s = sim_new(&sim_plain);
    s->revert = revert;
    s->revert_len = sizeof(revert);
    uint64_t id = sim_submit(s, "commit:1");
    sim_run(s, 3000);
    const struct sim_note *n = sim_last_note(s, id);
    assert_int_equal(n->state, TX_ABANDONED);
    assert_int_equal(n->kind, ERR_REJECTED);
    assert_int_equal((uint32_t)n->code, 0xd0266e26);
    assert_non_null(strstr(n->err, "another layer")); /* the remedy */
    assert_int_equal(s->sends, 0);
    sim_free(s);
}

static void row09_revert_behind_our_own_transaction_is_not_final(void **state)
{
    (void)state;
    static const uint8_t revert[] = { 0xbd, 0x44, 0x55, 0xff }; /* BatchNumberMismatch */
    struct sim *s = sim_new(&sim_plain);
    sim_submit(s, "commit:1");
    sim_run(s, 1000);
    s->revert = revert; /* the node does not simulate on top of its pool */
    s->revert_len = sizeof(revert);
    sim_submit(s, "commit:2");
    sim_run(s, 5000);
    assert_int_equal(sim_item(s, "commit:2")->wait, TX_WAIT_PREDECESSOR);
    s->revert = NULL;
    sim_mine_and_run(s, 5);
    assert_int_equal(sim_state(s, "commit:2"), TX_CONFIRMED);
    sim_free(s);
}

static void row10_time_not_reached_waits_and_goes(void **state)
{
    (void)state;
    static const uint8_t revert[4 + 64] = { 0x08, 0x75, 0x39, 0x82 };
    struct sim *s = sim_new(&sim_plain);
    s->revert = revert;
    s->revert_len = sizeof(revert);
    uint64_t id = sim_submit(s, "execute:1");
    sim_run(s, 45000);
    assert_int_equal(sim_item(s, "execute:1")->wait, TX_WAIT_REVERT);
    assert_non_null(strstr(sim_item(s, "execute:1")->err.msg, "TimeNotReached"));
    assert_null(sim_last_note(s, id));
    s->revert = NULL;
    sim_run(s, 11000);
    assert_int_equal(sim_state(s, "execute:1"), TX_ACCEPTED);
    sim_free(s);
}

/* Spec 90 row 32: whoever chooses what a call reverts with must not choose what those behind it wait for. */
static void row32_independent_requests_do_not_wait_for_one_that_reverts(void **state)
{
    (void)state;
    static const uint8_t time_not_reached[4 + 64] = { 0x08, 0x75, 0x39, 0x82 };
    struct tx_manager_config cfg = sim_plain;
    cfg.independent = true;
    struct sim *s = sim_new(&cfg);
    sim_submit(s, "bundle:1");
    sim_run(s, 1000); /* on its way: not even that keeps the next one */
    s->revert = time_not_reached;
    s->revert_len = sizeof(time_not_reached);
    uint64_t id = sim_submit(s, "bundle:2");
    sim_run(s, 3000);
    const struct sim_note *n = sim_last_note(s, id);
    assert_non_null(n);
    assert_int_equal(n->state, TX_ABANDONED);
    assert_non_null(strstr(n->err, "TimeNotReached"));
    s->revert = NULL;
    sim_submit(s, "bundle:3");
    sim_mine_and_run(s, 5);
    assert_int_equal(sim_state(s, "bundle:1"), TX_CONFIRMED);
    assert_int_equal(sim_state(s, "bundle:3"), TX_CONFIRMED);
    sim_free(s);
}

static void row10_gas_is_estimated_and_fixed_only_as_fallback(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    s->estimate = 0;
    sim_submit(s, "commit:1");
    sim_run(s, 1000);
    assert_int_equal(sim_item(s, "commit:1")->gas_limit, 15000000);
    sim_free(s);
}

static void row12_cancel_frees_the_nonce(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    struct err e;
    uint64_t id = sim_submit(s, "commit:1");
    sim_run(s, 2000);
    assert_true(tx_core_cancel(&s->core, id, &e));
    s->tip_to_mine = SIM_GWEI / 10 + 1; /* only the cancelling one pays enough */
    sim_mine_and_run(s, 5);
    assert_int_equal(sim_state(s, "commit:1"), TX_ABANDONED);
    assert_int_equal(sim_mined(s, "commit:1"), 0);
    assert_int_equal(s->latest_nonce, 8);
    assert_false(tx_core_cancel(&s->core, id, &e));
    /* one that was not sent goes at once */
    tx_core_pause(&s->core, true);
    id = sim_submit(s, "commit:2");
    assert_true(tx_core_cancel(&s->core, id, &e));
    sim_run(s, 1000);
    assert_int_equal(sim_state(s, "commit:2"), TX_ABANDONED);
    sim_free(s);
}

static void row12_pause_holds_new_ones_and_watches_the_rest(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    sim_submit(s, "commit:1");
    sim_run(s, 2000);
    tx_core_pause(&s->core, true);
    sim_submit(s, "commit:2");
    sim_mine_and_run(s, 4);
    assert_int_equal(sim_state(s, "commit:1"), TX_CONFIRMED);
    assert_int_equal(sim_item(s, "commit:2")->wait, TX_WAIT_PAUSED);
    tx_core_pause(&s->core, false);
    sim_mine_and_run(s, 4);
    assert_int_equal(sim_state(s, "commit:2"), TX_CONFIRMED);
    sim_free(s);
}

static void row14_node_outage_changes_nothing(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    sim_submit(s, "commit:1");
    sim_run(s, 2000);
    s->node_down = true;
    sim_submit(s, "commit:2");
    sim_run(s, 120000);
    assert_false(sim_status(s).node_ok);
    assert_int_equal(sim_item(s, "commit:2")->wait, TX_WAIT_NODE);
    assert_int_equal(sim_state(s, "commit:1"), TX_ACCEPTED);
    s->node_down = false;
    sim_run(s, 31000);
    sim_mine_and_run(s, 4);
    assert_int_equal(sim_mined(s, "commit:1") + sim_mined(s, "commit:2"), 2);
    sim_free(s);
}

static void row16_reorged_out_transaction_is_sent_again(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    uint64_t id = sim_submit(s, "commit:1");
    sim_run(s, 2000);
    sim_mine_and_run(s, 2);
    assert_int_equal(sim_state(s, "commit:1"), TX_MINED);
    sim_reorg(s, 2, true); /* and the pool does not have it back */
    sim_run(s, 3000);
    assert_true(sim_status(s).reorged >= 1);
    assert_non_null(sim_pool_at(s, 7)); /* from the journal's bytes */
    sim_mine_and_run(s, 4);
    assert_int_equal(sim_state(s, "commit:1"), TX_CONFIRMED);
    assert_int_equal(sim_mined(s, "commit:1"), 1);
    assert_int_equal(sim_note_cnt(s, id, TX_MINED), 2);
    sim_free(s);
}

static void an_invented_receipt_confirms_nothing(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    s->lose_send = 1;
    s->invent_receipts = true;
    sim_submit(s, "commit:1");
    sim_mine_and_run(s, 8);
    assert_int_equal(sim_state(s, "commit:1"), TX_MINED); /* so it was told */
    assert_int_equal(sim_mined(s, "commit:1"), 0);
    s->invent_receipts = false;
    sim_run(s, 3000);
    sim_mine_and_run(s, 4);
    assert_int_equal(sim_state(s, "commit:1"), TX_CONFIRMED);
    assert_int_equal(sim_mined(s, "commit:1"), 1);
    sim_free(s);
}

static void row16_moved_to_another_block_counts_from_there(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    sim_submit(s, "commit:1");
    sim_run(s, 2000);
    sim_mine_and_run(s, 2);
    sim_reorg(s, 2, false);
    s->head--;
    sim_mine(s); /* included again, in the newest block of the new fork */
    sim_run(s, 2000);
    assert_int_equal(sim_state(s, "commit:1"), TX_MINED);
    sim_mine_and_run(s, 1);
    assert_int_equal(sim_state(s, "commit:1"), TX_MINED);
    sim_mine_and_run(s, 1);
    assert_int_equal(sim_state(s, "commit:1"), TX_CONFIRMED);
    sim_free(s);
}

static void row16_dropped_from_the_pool_is_sent_again(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    sim_submit(s, "commit:1");
    sim_run(s, 2000);
    sim_drop_pool(s);
    sim_run(s, 15000);
    assert_non_null(sim_pool_at(s, 7));
    sim_mine_and_run(s, 3);
    assert_int_equal(sim_state(s, "commit:1"), TX_CONFIRMED);
    sim_free(s);
}

static void row16_raw_bytes_survive_a_restart(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    sim_submit(s, "commit:1");
    sim_run(s, 2000);
    struct b256 hash = sim_pool_at(s, 7)->hash;
    sim_drop_pool(s);
    sim_restart(s);
    sim_run(s, 3000);
    assert_non_null(sim_pool_at(s, 7));
    assert_memory_equal(sim_pool_at(s, 7)->hash.b, hash.b, 32);
    sim_free(s);
}

static void row23_confirmations_hold_after_a_restart(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    sim_submit(s, "commit:1");
    sim_run(s, 2000);
    sim_mine_and_run(s, 1);
    sim_restart(s);
    sim_run(s, 5000);
    assert_int_equal(sim_state(s, "commit:1"), TX_MINED);
    sim_mine_and_run(s, 1);
    sim_restart(s);
    sim_run(s, 5000);
    assert_int_equal(sim_state(s, "commit:1"), TX_MINED);
    sim_mine_and_run(s, 1);
    assert_int_equal(sim_state(s, "commit:1"), TX_CONFIRMED);
    sim_free(s);
}

static void row47_layer_without_a_mempool_has_one_in_flight_and_no_replacement(void **state)
{
    (void)state;
    struct tx_manager_config cfg = {
        .poll_ms = 1000, .required_confirmations = 1, .max_in_flight = 1, .no_replacement = true
    };
    struct sim *s = sim_new(&cfg);
    s->tip_to_mine = SIM_GWEI;
    sim_submit(s, "commit:1");
    sim_submit(s, "commit:2");
    for (int i = 0; i < 6; i++)
        sim_mine_and_run(s, 1);
    sim_run(s, 300000);
    assert_int_equal(sim_item(s, "commit:1")->variant_cnt, 1);
    assert_true(sim_item(s, "commit:2")->nonce == TX_NO_NONCE);
    s->tip_to_mine = 0;
    sim_mine_and_run(s, 3);
    assert_int_equal(sim_state(s, "commit:1"), TX_CONFIRMED);
    assert_int_equal(sim_state(s, "commit:2"), TX_CONFIRMED);
    cfg.max_in_flight = 4;
    struct tx_core c;
    struct err e;
    struct addr a = { { 1 } };
    cfg.chain_id = 1;
    assert_false(tx_core_init(&c, &cfg, &a, NULL, NULL, &e));
    sim_free(s);
}

static void full_disk_sends_nothing_and_recovers(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    s->put_fails = true;
    sim_submit(s, "commit:1");
    sim_run(s, 20000);
    assert_int_equal(s->sends, 0);
    assert_int_equal(sim_item(s, "commit:1")->wait, TX_WAIT_STORE);
    s->put_fails = false;
    sim_run(s, 3000);
    s->put_fails = true; /* between signing and sending, too */
    sim_submit(s, "commit:2");
    s->put_fails = false;
    sim_run(s, 3000);
    sim_mine_and_run(s, 4);
    assert_int_equal(sim_mined(s, "commit:1"), 1);
    assert_int_equal(sim_mined(s, "commit:2"), 1);
    sim_free(s);
}

static void receipts_that_come_late_are_not_a_foreign_sender(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    sim_submit(s, "commit:1");
    sim_run(s, 2000);
    s->hide_receipts = true; /* the nonce moves before the receipt index does */
    sim_mine(s);
    sim_run(s, 6000);
    s->hide_receipts = false;
    sim_mine_and_run(s, 3);
    assert_int_equal(sim_state(s, "commit:1"), TX_CONFIRMED);
    assert_int_equal(sim_mined(s, "commit:1"), 1);
    assert_int_equal(s->latest_nonce, 8);
    sim_free(s);
}

/* --- everything at once: random faults, and in the end every payload once --- */

static uint64_t rnd(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

static void inject(struct sim *s, uint64_t r)
{
    static const char *const texts[] = { "txpool is full", "nonce too high", "what is this",
                                         "max fee per gas less than block base fee",
                                         "transaction underpriced" };
    switch (r % 16) {
    case 0:
        s->lose_reply = 1 + (unsigned)(r >> 8) % 3;
        break;
    case 1:
        s->lose_send = 1 + (unsigned)(r >> 8) % 3;
        break;
    case 2:
        s->send_error = texts[(r >> 8) % GH_COUNT(texts)];
        s->send_error_cnt = 1 + (unsigned)(r >> 16) % 2;
        break;
    case 3:
        s->node_down = !s->node_down;
        break;
    case 4:
        s->base_fee = (5 + (r >> 8) % 60) * SIM_GWEI;
        break;
    case 5:
        if (s->head > 110)
            sim_reorg(s, 1 + (unsigned)(r >> 8) % 2, (r >> 16) % 2 == 0);
        break;
    case 6:
        sim_drop_pool(s);
        break;
    case 7:
        s->put_fails = !s->put_fails;
        break;
    case 8:
        s->nonce_lag = (r >> 8) % 2;
        break;
    case 9:
        s->crash_at = s->cmd_cnt + 1 + (r >> 8) % 20;
        break;
    default:
        break;
    }
}

static void heal(struct sim *s)
{
    s->lose_reply = s->lose_send = s->send_error_cnt = 0;
    s->crash_at = 0;
    s->node_down = s->put_fails = false;
    s->nonce_lag = 0;
    s->base_fee = 10 * SIM_GWEI;
}

static void run_seed(uint64_t seed)
{
    struct sim *s = sim_new(&sim_plain);
    uint64_t x = seed * 0x9e3779b97f4a7c15 + 1;
    struct tx_fee_caps caps = { u256_of_u64(2000 * SIM_GWEI), u256_of_u64(500 * SIM_GWEI), 100000,
                                U256_ZERO };
    struct err e;
    char key[32];
    assert_true(tx_core_set_caps(&s->core, &caps, &e));
    s->cfg.caps = caps;
    int submitted = 0;
    for (int step = 0; step < 150; step++) {
        inject(s, rnd(&x));
        if (submitted < 20 && rnd(&x) % 4 == 0 && !s->crashed) {
            snprintf(key, sizeof(key), "commit:%d", submitted);
            if (sim_state(s, key) == TX_STATE_CNT && !sim_item(s, key))
                sim_submit(s, key);
            submitted++;
        }
        if (!s->crashed)
            sim_run(s, 500 + rnd(&x) % 4000);
        if (rnd(&x) % 2)
            sim_mine(s);
        if (s->crashed)
            sim_restart(s);
    }
    heal(s);
    if (s->crashed)
        sim_restart(s);
    for (int i = 0; i < submitted; i++) { /* what was lost before it was durable */
        snprintf(key, sizeof(key), "commit:%d", i);
        if (sim_state(s, key) == TX_STATE_CNT && !sim_item(s, key))
            sim_submit(s, key);
    }
    for (int i = 0; i < 300; i++)
        sim_mine_and_run(s, 1);
    for (int i = 0; i < submitted; i++) {
        snprintf(key, sizeof(key), "commit:%d", i);
        if (sim_state(s, key) != TX_CONFIRMED || sim_mined(s, key) != 1)
            fail_msg("seed %llu: %s is %s, mined %u times", (unsigned long long)seed, key,
                     sim_state(s, key) < TX_STATE_CNT ? tx_state_name(sim_state(s, key))
                                                      : "missing",
                     sim_mined(s, key));
    }
    sim_free(s);
}

static void random_faults_never_lose_or_repeat_a_payload(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 400; seed++)
        run_seed(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_request_is_mined_and_confirmed),
        cmocka_unit_test(several_are_in_flight_in_order),
        cmocka_unit_test(row01_low_fee_tx_is_replaced_not_crash_loop),
        cmocka_unit_test(row01_waiting_is_counted_across_restarts),
        cmocka_unit_test(row02_bump_obeys_the_pool_rule_and_the_cap_is_a_visible_state),
        cmocka_unit_test(row02_first_send_respects_the_cap_and_goes_when_fees_fall),
        cmocka_unit_test(row03_fees_do_not_run_away),
        cmocka_unit_test(row04_low_funds_waits_and_resumes_without_a_gap),
        cmocka_unit_test(row04_pool_says_insufficient_funds),
        cmocka_unit_test(row04_runway_is_shown),
        cmocka_unit_test(row05_foreign_transaction_is_named_and_healed),
        cmocka_unit_test(row05_a_foreign_twin_counts_as_done),
        cmocka_unit_test(row05_a_foreign_transaction_reorged_out_gives_the_nonce_back),
        cmocka_unit_test(row05_pending_foreign_transaction_is_outbid),
        cmocka_unit_test(row05_pending_foreign_twin_is_adopted),
        cmocka_unit_test(row06_lost_answer_is_maybe_accepted),
        cmocka_unit_test(row06_send_that_never_arrived_is_sent_again_with_its_nonce),
        cmocka_unit_test(row06_nonce_errors_are_not_other_errors),
        cmocka_unit_test(row06_a_view_from_a_node_behind_does_not_reuse_nonces),
        cmocka_unit_test(row06_stranded_nonce_is_filled_with_nothing),
        cmocka_unit_test(row06_stranded_nonce_is_taken_by_the_next_payload),
        cmocka_unit_test(row07_one_bump_per_block_with_a_clock_fallback),
        cmocka_unit_test(row08_crash_at_every_step_sends_exactly_once),
        cmocka_unit_test(row09_reverted_transaction_is_reported_with_its_reason),
        cmocka_unit_test(row09_simulation_stops_a_doomed_transaction),
        cmocka_unit_test(row09_revert_behind_our_own_transaction_is_not_final),
        cmocka_unit_test(row10_time_not_reached_waits_and_goes),
        cmocka_unit_test(row32_independent_requests_do_not_wait_for_one_that_reverts),
        cmocka_unit_test(row10_gas_is_estimated_and_fixed_only_as_fallback),
        cmocka_unit_test(row12_cancel_frees_the_nonce),
        cmocka_unit_test(row12_pause_holds_new_ones_and_watches_the_rest),
        cmocka_unit_test(row14_node_outage_changes_nothing),
        cmocka_unit_test(row16_reorged_out_transaction_is_sent_again),
        cmocka_unit_test(an_invented_receipt_confirms_nothing),
        cmocka_unit_test(row16_moved_to_another_block_counts_from_there),
        cmocka_unit_test(row16_dropped_from_the_pool_is_sent_again),
        cmocka_unit_test(row16_raw_bytes_survive_a_restart),
        cmocka_unit_test(row23_confirmations_hold_after_a_restart),
        cmocka_unit_test(row47_layer_without_a_mempool_has_one_in_flight_and_no_replacement),
        cmocka_unit_test(full_disk_sends_nothing_and_recovers),
        cmocka_unit_test(receipts_that_come_late_are_not_a_foreign_sender),
        cmocka_unit_test(random_faults_never_lose_or_repeat_a_payload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
