/* Blob transactions in the sender's machine, on a layer with the rules of go-ethereum's blob pool. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "node/sender/sidecar.h"
#include "tests/unit/sender/sim_chain.h"

static void blobs_are_mined_and_paid_for(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    sim_submit_blobs(s, "commit:1", 2);
    sim_run(s, 2000);
    const struct sim_tx *t = sim_pool_at(s, 7);
    assert_non_null(t);
    assert_int_equal(t->blobs, 2);
    assert_int_equal(t->max_blob_fee, 2 * s->blob_base_fee); /* the headroom */
    /* what it may cost at most is held back */
    uint64_t worst = t->gas * t->max_fee + 2 * UINT64_C(131072) * t->max_blob_fee;
    assert_int_equal(sim_status(s).worst_cost.w[0], worst);
    sim_mine_and_run(s, 3);
    assert_int_equal(sim_state(s, "commit:1"), TX_CONFIRMED);
    assert_int_equal(sim_status(s).spent.w[0],
                     21000 * s->base_fee + 2 * UINT64_C(131072) * s->blob_base_fee);
    sim_free(s);
}

static void a_jump_of_the_blob_fee_is_answered_by_doubling_everything(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    sim_submit_blobs(s, "commit:1", 1);
    sim_run(s, 2000);
    struct sim_tx first = *sim_pool_at(s, 7);
    s->blob_base_fee *= 5;
    sim_mine_and_run(s, 4);
    const struct sim_tx *t = sim_pool_at(s, 7);
    bool waits = t != NULL;
    for (size_t i = 0; i < s->tx_cnt; i++) {
        if (s->txs[i].nonce != 7 || b256_eq(&s->txs[i].hash, &first.hash))
            continue;
        assert_true(s->txs[i].max_fee >= 2 * first.max_fee);
        assert_true(s->txs[i].max_tip >= 2 * first.max_tip);
        assert_true(s->txs[i].max_blob_fee >= s->blob_base_fee);
        assert_int_equal(s->txs[i].blobs, 1);
    }
    assert_true(!waits || s->tx_cnt > 1);
    sim_mine_and_run(s, 4);
    assert_int_equal(sim_state(s, "commit:1"), TX_CONFIRMED);
    assert_int_equal(sim_mined(s, "commit:1"), 1);
    assert_true(sim_status(s).bumps >= 1);
    sim_free(s);
}

/* Doublings are few: they are kept for when the network asks more. */
static void enough_is_offered_and_nothing_is_doubled_in_a_hurry(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    sim_submit_blobs(s, "commit:1", 1);
    sim_run(s, 2000);
    s->tip_to_mine = SIM_GWEI; /* not mined, for its tip */
    sim_mine_and_run(s, 11);
    assert_int_equal(sim_item(s, "commit:1")->variant_cnt, 1);
    sim_mine_and_run(s, 2);
    assert_int_equal(sim_item(s, "commit:1")->variant_cnt, 2);
    s->tip_to_mine = 0;
    sim_mine_and_run(s, 3);
    assert_int_equal(sim_state(s, "commit:1"), TX_CONFIRMED);
    sim_free(s);
}

static void a_blob_fee_above_the_cap_is_waited_for_in_words(void **state)
{
    (void)state;
    struct tx_manager_config cfg = sim_plain;
    cfg.caps.max_blob_fee = u256_of_u64(4000);
    struct sim *s = sim_new(&cfg);
    s->blob_base_fee = 4001;
    sim_submit_blobs(s, "commit:1", 1);
    sim_mine_and_run(s, 3);
    assert_int_equal(s->sends, 0);
    const struct tx_item *it = sim_item(s, "commit:1");
    assert_int_equal(it->wait, TX_WAIT_BLOB_FEE_CAPPED);
    assert_string_equal(it->err.msg, "waiting for blob fee: 4001 wei asked, above cap 4000 wei "
                                     "(l1_sender.max_fee_per_blob_gas)");
    assert_true(sim_status(s).blob_fee_capped && sim_status(s).fee_capped);
    assert_int_equal(sim_status(s).fee_cap_waits, 1);
    s->blob_base_fee = 4000;
    sim_run(s, 2000);
    assert_int_equal(sim_pool_at(s, 7)->max_blob_fee, 4000);
    assert_false(sim_status(s).blob_fee_capped);
    sim_mine_and_run(s, 3);
    assert_int_equal(sim_state(s, "commit:1"), TX_CONFIRMED);
    sim_free(s);
}

/* The network asks for more of a tip than the cap: the first version still leaves room for two that double it, and then the cap is named. */
static void a_tip_leaves_room_for_doublings_and_its_cap_is_named(void **state)
{
    (void)state;
    struct tx_manager_config cfg = sim_plain;
    cfg.caps.max_tip = u256_of_u64(4000);
    struct sim *s = sim_new(&cfg);
    s->tip_asked = 9000;
    sim_submit_blobs(s, "commit:1", 1);
    sim_run(s, 2000);
    uint64_t tip = sim_pool_at(s, 7)->max_tip;
    assert_int_equal(tip, 1000);
    s->tip_to_mine = 1000000; /* nobody takes it */
    for (int i = 0; i < 40; i++)
        sim_mine_and_run(s, 1);
    assert_int_equal(sim_pool_at(s, 7)->max_tip, 4000);
    assert_int_equal(sim_status(s).bumps, 2);
    const struct tx_item *it = sim_item(s, "commit:1");
    assert_non_null(it);
    assert_string_equal(
        it->err.msg,
        "waiting for tip: 9000 wei asked, and a replacement would be above a cap, of 4000 wei "
        "(l1_sender.max_priority_fee_per_gas)");
    sim_free(s);
}

/* In flight, and doubling would pass the cap: no useless sends, and a higher cap helps at run time. */
static void a_replacement_stops_at_the_cap(void **state)
{
    (void)state;
    struct tx_manager_config cfg = sim_plain;
    cfg.caps.max_blob_fee = u256_of_u64(3000);
    struct sim *s = sim_new(&cfg);
    sim_submit_blobs(s, "commit:1", 1);
    sim_run(s, 2000);
    assert_int_equal(sim_pool_at(s, 7)->max_blob_fee, 2000);
    s->blob_base_fee = 2500;
    sim_mine_and_run(s, 6);
    unsigned sends = s->sends;
    assert_int_equal(sends, 1);
    assert_int_equal(sim_item(s, "commit:1")->wait, TX_WAIT_BLOB_FEE_CAPPED);
    struct tx_fee_caps caps = s->core.fees.caps;
    struct err e;
    caps.max_blob_fee = u256_of_u64(100000);
    assert_true(tx_core_set_caps(&s->core, &caps, &e));
    sim_mine_and_run(s, 5);
    assert_int_equal(sim_state(s, "commit:1"), TX_CONFIRMED);
    caps.max_blob_fee = U256_ZERO; /* leaves it as it is */
    assert_true(tx_core_set_caps(&s->core, &caps, &e));
    assert_int_equal(s->core.fees.caps.max_blob_fee.w[0], 100000);
    sim_free(s);
}

static void a_cancelled_blob_transaction_is_replaced_by_one_with_blobs(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    struct err e;
    uint64_t id = sim_submit_blobs(s, "commit:1", 1);
    sim_run(s, 2000);
    assert_true(tx_core_cancel(&s->core, id, &e));
    sim_run(s, 500);
    sim_mine(s); /* without the blob fee it would not be mined */
    s->blob_base_fee = 1000000;
    sim_run(s, 2000);
    s->blob_base_fee = 1000;
    sim_mine_and_run(s, 6);
    for (size_t i = 0; i < s->tx_cnt; i++)
        assert_int_equal(s->txs[i].blobs, 1);
    assert_int_equal(s->latest_nonce, 8);
    sim_free(s);
}

/* A nonce below blob transactions is filled by another: the pool would not have an ordinary one beside them. */
static void a_gap_below_blobs_is_filled_with_blobs(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    sim_submit_blobs(s, "commit:1", 1);
    sim_submit_blobs(s, "commit:2", 1);
    sim_run(s, 2000);
    assert_non_null(sim_pool_at(s, 8));
    /* somebody takes nonce 7, then a reorganisation takes that away again */
    struct tx_item *it = sim_item(s, "commit:1");
    assert_int_equal(it->nonce, 7);
    sim_foreign(s, 7, "other", 100 * SIM_GWEI, true);
    s->blob_base_fee = 1000000; /* the second is not mined meanwhile */
    for (int i = 0; i < 8; i++) {
        s->head++;
        sim_run(s, 2000);
    }
    for (size_t i = 0; i < s->tx_cnt; i++)
        if (s->txs[i].foreign) {
            s->txs[i].block = 0;
            s->txs[i].in_pool = false;
        }
    s->latest_nonce = 7;
    s->blob_base_fee = 1000;
    for (int i = 0; i < 30; i++) {
        sim_run(s, 2000);
        sim_mine(s);
    }
    assert_int_equal(sim_mined(s, "commit:1"), 1);
    assert_int_equal(sim_mined(s, "commit:2"), 1);
    for (size_t i = 0; i < s->tx_cnt; i++)
        assert_true(s->txs[i].foreign || s->txs[i].blobs == 1);
    sim_free(s);
}

static void the_other_form_is_tried_again_not_given_up(void **state)
{
    (void)state;
    struct sim *s = sim_new(&sim_plain);
    s->send_error = "invalid sidecar version pre-osaka: 1";
    s->send_error_cnt = 2;
    sim_submit_blobs(s, "commit:1", 1);
    sim_run(s, 10000);
    assert_int_equal(sim_item(s, "commit:1")->variant_cnt, 1); /* the same signed bytes */
    sim_mine_and_run(s, 4);
    assert_int_equal(sim_state(s, "commit:1"), TX_CONFIRMED);
    sim_free(s);
}

/* The power goes before any command; what was signed goes out again, once. */
static void power_loss_anywhere_makes_no_second_blob_transaction(void **state)
{
    (void)state;
    for (uint64_t at = 1; at < 60; at++) {
        struct sim *s = sim_new(&sim_plain);
        s->crash_at = s->cmd_cnt + at;
        sim_submit_blobs(s, "commit:1", 1);
        for (int i = 0; i < 6 && !s->crashed; i++)
            sim_mine_and_run(s, 1);
        if (s->crashed) {
            sim_restart(s);
            if (!sim_item(s, "commit:1") && sim_state(s, "commit:1") == TX_STATE_CNT)
                sim_submit_blobs(s, "commit:1", 1); /* never became durable */
        }
        sim_mine_and_run(s, 8);
        assert_int_equal(sim_state(s, "commit:1"), TX_CONFIRMED);
        assert_int_equal(sim_mined(s, "commit:1"), 1);
        assert_int_equal(s->latest_nonce, 8);
        sim_free(s);
    }
}

static void refusals_are_understood(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum tx_verdict want;
    } cases[] = {
        { "invalid sidecar version pre-osaka: 1", TX_SEND_SIDECAR },
        { "invalid sidecar version post-osaka: 0", TX_SEND_SIDECAR },
        { "unexpected eip-4844 sidecar after osaka", TX_SEND_SIDECAR },
        { "unexpected eip-7594 sidecar before osaka", TX_SEND_SIDECAR },
        { "INVALID: KZGcommitments must match the corresponding blobs and proofs",
          TX_SEND_SIDECAR },
        { "max fee per blob gas less than block blob gas fee", TX_SEND_BELOW_BASE },
        { "blob gas price (5) is greater than max fee per blob gas (2)", TX_SEND_BELOW_BASE },
        { "replacement transaction underpriced: new tx blob gas fee cap 3 < 2 queued + 100%",
          TX_SEND_REPLACE_LOW },
        { "address already reserved", TX_SEND_WRONG_KIND },
    };
    for (size_t i = 0; i < GH_COUNT(cases); i++) {
        struct err e;
        err_set(&e, ERR_REJECTED, "eth_sendRawTransaction: %s", cases[i].text);
        assert_int_equal(tx_classify_send(&e), cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blobs_are_mined_and_paid_for),
        cmocka_unit_test(a_jump_of_the_blob_fee_is_answered_by_doubling_everything),
        cmocka_unit_test(enough_is_offered_and_nothing_is_doubled_in_a_hurry),
        cmocka_unit_test(a_blob_fee_above_the_cap_is_waited_for_in_words),
        cmocka_unit_test(a_tip_leaves_room_for_doublings_and_its_cap_is_named),
        cmocka_unit_test(a_replacement_stops_at_the_cap),
        cmocka_unit_test(a_cancelled_blob_transaction_is_replaced_by_one_with_blobs),
        cmocka_unit_test(a_gap_below_blobs_is_filled_with_blobs),
        cmocka_unit_test(the_other_form_is_tried_again_not_given_up),
        cmocka_unit_test(power_loss_anywhere_makes_no_second_blob_transaction),
        cmocka_unit_test(refusals_are_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
