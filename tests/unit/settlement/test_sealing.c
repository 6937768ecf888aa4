/* When a batch is full (spec 30 §1.3), and what happens when it cannot be made. No layer is needed for that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/settlement/settle_world.h"

static int setup(void **state)
{
    struct world *w = world_new();
    w->no_signers = w->no_watcher = true;
    w->cfg.max_blocks = 0;
    w->mine_every_ms = 0;
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_free(*state);
    return 0;
}

static void go(struct world *w, uint64_t head)
{
    if (!w->running)
        assert_true(world_start(w));
    w->head = head;
    world_spin(w, 10);
    for (int quiet = 0; quiet < 3; quiet = w->s->sealing ? 0 : quiet + 1)
        world_spin(w, 5);
}

static void assert_range(struct world *w, uint64_t number, uint64_t first, uint64_t last)
{
    struct batch_row r = world_row(w, number);
    assert_int_equal(r.first_block, first);
    assert_int_equal(r.last_block, last);
}

static void transactions_fill_a_batch(void **state)
{
    struct world *w = *state;
    w->cfg.max_txs = 10;
    for (uint64_t n = 1; n <= 6; n++)
        w->opts[n].tx_cnt = 5;
    go(w, 2);
    assert_int_equal(w->s->sealed, 0); /* exactly the limit */
    go(w, 3);
    assert_int_equal(w->s->sealed, 1);
    assert_range(w, 1, 1, 2);
    go(w, 6);
    assert_range(w, 2, 3, 4);
}

static void blocks_fill_a_batch(void **state)
{
    struct world *w = *state;
    w->cfg.max_blocks = 3;
    go(w, 7);
    assert_int_equal(w->s->sealed, 2);
    assert_range(w, 1, 1, 3);
    assert_range(w, 2, 4, 6);
}

static void native_fills_a_batch(void **state)
{
    struct world *w = *state;
    w->opts[1].native = w->opts[2].native = UINT64_C(1) << 34;
    w->opts[3].native = 1;
    go(w, 3);
    assert_range(w, 1, 1, 2);
}

static void pubdata_fills_a_batch(void **state)
{
    struct world *w = *state;
    w->opts[1].pubdata_len = 60000;
    w->opts[2].pubdata_len = 50000;
    w->opts[3].pubdata_len = 1;
    go(w, 3);
    assert_range(w, 1, 1, 2);
    assert_int_equal(world_row(w, 1).pubdata_len, 110000);
}

static void logs_fill_a_batch(void **state)
{
    struct world *w = *state;
    w->opts[1].log_cnt = 16000;
    w->opts[2].log_cnt = 384;
    w->opts[3].log_cnt = 1;
    go(w, 3);
    assert_range(w, 1, 1, 2);
    assert_int_equal(world_row(w, 1).l2_log_cnt, 16384);
}

static void interop_roots_fill_a_batch(void **state)
{
    struct world *w = *state;
    w->opts[1].root_cnt = 999;
    w->opts[2].root_cnt = 1;
    w->opts[3].root_cnt = 1;
    go(w, 3);
    assert_range(w, 1, 1, 2);
}

static void an_upgrade_is_alone(void **state)
{
    struct world *w = *state;
    w->opts[1].upgrade = w->opts[4].upgrade = true;
    go(w, 1);
    assert_int_equal(w->s->sealed, 1); /* nothing to wait for */
    go(w, 5);
    assert_range(w, 1, 1, 1);
    assert_range(w, 2, 2, 3);
    assert_range(w, 3, 4, 4);
    struct batch_row two = world_row(w, 2), three = world_row(w, 3);
    assert_false(b256_is_zero(&three.upgrade_tx_hash));
    assert_true(b256_is_zero(&two.upgrade_tx_hash));
    assert_int_equal(three.l2_tx_cnt, 1); /* two, less the upgrade */
}

static void a_new_version_begins_a_batch(void **state)
{
    struct world *w = *state;
    w->opts[3].execution_version = 7;
    w->opts[4].execution_version = 7;
    w->opts[5].execution_version = 7;
    w->opts[5].protocol_minor = 32;
    go(w, 5);
    assert_int_equal(w->s->sealed, 2);
    assert_range(w, 1, 1, 2);
    assert_range(w, 2, 3, 4);
}

static void a_settlement_layer_change_is_first(void **state)
{
    struct world *w = *state;
    w->opts[1].sets_sl = true;
    w->opts[3].sets_sl = true;
    go(w, 4);
    assert_int_equal(w->s->sealed, 1);
    assert_range(w, 1, 1, 2);
}

static void one_block_above_a_limit_is_a_batch_of_its_own(void **state)
{
    struct world *w = *state;
    w->cfg.max_txs = 10;
    w->opts[2].tx_cnt = 50;
    go(w, 3);
    assert_range(w, 1, 1, 1);
    assert_range(w, 2, 2, 2);
}

static void time_fills_a_batch(void **state)
{
    struct world *w = *state;
    w->cfg.batch_timeout_ms = 60000;
    go(w, 2);
    world_pass(w, 50000);
    go(w, 3);
    assert_int_equal(w->s->sealed, 0);
    world_pass(w, 11500);
    go(w, 3);
    assert_int_equal(w->s->sealed, 1);
    assert_range(w, 1, 1, 3);
    go(w, 3);
    assert_int_equal(w->s->sealed, 1); /* no empty batch */
}

/* The wall clock goes back two hours after the batch was opened: block timestamps are in its future now. */
static void time_fills_a_batch_when_the_clock_was_set_back(void **state)
{
    struct world *w = *state;
    w->cfg.batch_timeout_ms = 60000;
    go(w, 2);
    w->wall_ms -= 7200000;
    world_pass(w, 59000);
    go(w, 2);
    assert_int_equal(w->s->sealed, 0);
    world_pass(w, 1500);
    go(w, 2);
    assert_int_equal(w->s->sealed, 1);
}

static void time_fills_a_batch_when_the_clock_was_set_forward(void **state)
{
    struct world *w = *state;
    w->cfg.batch_timeout_ms = 60000;
    go(w, 2);
    w->wall_ms += 86400000;
    go(w, 2);
    assert_int_equal(w->s->sealed, 1);
    assert_range(w, 1, 1, 2);
}

static void a_restart_makes_the_same_batches(void **state)
{
    struct world *w = *state;
    w->cfg.max_blocks = 3;
    go(w, 5);
    struct batch_row before = world_row(w, 1);
    world_stop(w);
    go(w, 7);
    struct batch_row after = world_row(w, 1);
    assert_memory_equal(&before.stored_hash, &after.stored_hash, 32);
    assert_range(w, 2, 4, 6);
    assert_int_equal(world_row(w, 2).first_priority_id, 0);
}

static void priority_ids_go_on_over_batches_and_restarts(void **state)
{
    struct world *w = *state;
    w->cfg.max_blocks = 1;
    w->opts[1].l1_tx_cnt = 2;
    w->opts[3].l1_tx_cnt = 1;
    go(w, 3);
    world_stop(w);
    go(w, 5);
    assert_int_equal(world_row(w, 1).first_priority_id, 0);
    assert_int_equal(world_row(w, 2).first_priority_id, 2);
    assert_int_equal(world_row(w, 3).first_priority_id, 2);
    assert_int_equal(world_row(w, 4).first_priority_id, 3);
}

static void a_damaged_block_is_a_hold(void **state)
{
    struct world *w = *state;
    w->broken_block = 2;
    go(w, 3);
    assert_non_null(strstr(world_hold(w), "block 2 is damaged"));
    assert_int_equal(w->s->sealed, 0);
}

/* Stopping while a batch is on its way to the disk: it is there afterwards, and nothing is leaked or called back. */
static void stopping_while_a_batch_is_stored_keeps_it(void **state)
{
    struct world *w = *state;
    w->cfg.max_blocks = 1;
    assert_true(world_start(w));
    w->head = 2;
    settlement_on_tree(w->s, 2);
    assert_true(w->s->sealing);
    world_stop(w);
    go(w, 2);
    assert_range(w, 1, 1, 1);
    assert_true(w->s->sealed >= 1);
}

/* ---- blobs: a batch is sealed when its commitments are there ---- */

static void seal_blobs(struct world *w, uint64_t head)
{
    for (int i = 0; i < 20 && w->s->sealed < head - 1; i++) {
        (void)world_work(w);
        go(w, head);
    }
}

static void blobs_are_waited_for_and_nothing_is_added_meanwhile(void **state)
{
    struct world *w = *state;
    w->cfg.max_blocks = 1;
    w->cfg.da_scheme = DA_BLOBS_ZKSYNC_OS;
    go(w, 2);
    assert_int_equal(w->job_cnt, 1);
    assert_int_equal(w->s->sealed, 0);
    go(w, 4); /* more blocks, and the one job still */
    assert_int_equal(w->job_cnt, 1);
    assert_int_equal(w->s->open.b.last_block, 1);
    assert_int_equal(world_work(w), 1);
    go(w, 4);
    assert_int_equal(w->s->sealed, 1);
    assert_range(w, 1, 1, 1);
    seal_blobs(w, 4);
    assert_int_equal(w->s->sealed, 3);
    struct batch_row first = world_row(w, 1), second = world_row(w, 2);
    assert_int_equal(first.da_scheme, DA_BLOBS_ZKSYNC_OS);
    assert_false(b256_is_zero(&first.da_commitment));
    assert_false(b256_eq(&first.da_commitment, &second.da_commitment));
}

static void a_batch_begun_anew_drops_the_commitment_of_the_old_one(void **state)
{
    struct world *w = *state;
    w->cfg.max_blocks = 1;
    w->cfg.da_scheme = DA_BLOBS_ZKSYNC_OS;
    go(w, 3);
    assert_int_equal(world_work(w), 1);
    go(w, 3);
    struct batch_row was = world_row(w, 1);
    assert_int_equal(w->s->sealed, 1);
    assert_int_equal(w->job_cnt, 1); /* of batch 2, while everything is taken back */
    batcher_discard(w->s, 1);
    assert_int_equal(world_work(w), 1);
    go(w, 3);
    assert_int_equal(w->s->sealed, 0);
    seal_blobs(w, 3);
    assert_int_equal(w->s->sealed, 2);
    struct batch_row now = world_row(w, 1);
    assert_true(b256_eq(&was.commitment, &now.commitment));
    assert_range(w, 2, 2, 2);
}

static void blobs_that_could_not_be_worked_out_are_tried_again(void **state)
{
    struct world *w = *state;
    w->cfg.max_blocks = 1;
    w->cfg.da_scheme = DA_BLOBS_ZKSYNC_OS;
    w->jobs_fail = true;
    go(w, 2);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(world_work(w), 1);
        go(w, 2);
        assert_int_equal(w->s->sealed, 0);
    }
    w->jobs_fail = false;
    seal_blobs(w, 2);
    assert_int_equal(w->s->sealed, 1);
    assert_range(w, 1, 1, 1);
}

static void stopping_while_the_worker_is_busy_loses_nothing(void **state)
{
    struct world *w = *state;
    w->cfg.max_blocks = 1;
    w->cfg.da_scheme = DA_BLOBS_ZKSYNC_OS;
    go(w, 2);
    assert_int_equal(w->job_cnt, 1);
    world_stop(w);
    assert_int_equal(w->job_cnt, 0);
    go(w, 2);
    seal_blobs(w, 2);
    assert_int_equal(w->s->sealed, 1);
    assert_range(w, 1, 1, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(transactions_fill_a_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(blocks_fill_a_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(native_fills_a_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(pubdata_fills_a_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(logs_fill_a_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(interop_roots_fill_a_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(an_upgrade_is_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_new_version_begins_a_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(a_settlement_layer_change_is_first, setup, teardown),
        cmocka_unit_test_setup_teardown(one_block_above_a_limit_is_a_batch_of_its_own, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(time_fills_a_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(time_fills_a_batch_when_the_clock_was_set_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(time_fills_a_batch_when_the_clock_was_set_forward, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_restart_makes_the_same_batches, setup, teardown),
        cmocka_unit_test_setup_teardown(priority_ids_go_on_over_batches_and_restarts, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_damaged_block_is_a_hold, setup, teardown),
        cmocka_unit_test_setup_teardown(stopping_while_a_batch_is_stored_keeps_it, setup, teardown),
        cmocka_unit_test_setup_teardown(blobs_that_could_not_be_worked_out_are_tried_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(blobs_are_waited_for_and_nothing_is_added_meanwhile, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_batch_begun_anew_drops_the_commitment_of_the_old_one,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(stopping_while_the_worker_is_busy_loses_nothing, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("sealing", tests, NULL, NULL);
}
