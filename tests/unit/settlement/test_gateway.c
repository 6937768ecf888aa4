/* A layer that is a Gateway: it is asked before a commit, operations are relayed before they are executed, one transaction of a key at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "contracts-abi/gen/errors.h"
#include "contracts-abi/gen/executor.h"
#include "node/sender/signer.h"
#include "node/store/l1_tx.h"
#include "tests/unit/settlement/settle_world.h"

static int setup(void **state)
{
    struct world *w = world_new();
    w->cfg.layer =
        (struct settlement_layer){ .name = "the Gateway", .chain_id = 31337, .is_gateway = true };
    w->cfg.sender.max_in_flight = w->cfg.sender.required_confirmations = 1;
    w->cfg.sender.no_replacement = true;
    w->confirmations = 0;
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_free(*state);
    return 0;
}

static void every_batch_is_asked_about_before_its_commit(void **state)
{
    struct world *w = *state;
    assert_true(world_start(w));
    w->head = 7;
    UNTIL(w, world_all_at(w, 3));
    world_assert_once(w, 3);
    assert_true(w->sl->tracker_calls >= 3);
    assert_int_equal(w->sl->tracker_last, 3);
}

/* Blocks come with our transactions only, as on a Gateway nobody else uses. */
static void a_layer_that_makes_no_blocks_of_its_own_is_enough(void **state)
{
    struct world *w = *state;
    w->mine_every_ms = 0;
    assert_true(world_start(w));
    w->head = 5;
    size_t mined = 0;
    for (int i = 0; i < 400 && !world_all_at(w, 2); i++) {
        world_spin(w, 10);
        if (w->sl->tx_cnt > mined) {
            mined = w->sl->tx_cnt;
            fake_sl_mine(w->sl);
        }
    }
    assert_true(world_all_at(w, 2));
    world_assert_once(w, 2);
}

static void a_batch_the_tracker_refuses_is_held_and_explained(void **state)
{
    struct world *w = *state;
    w->sl->tracker_error = ABI_V31_INVALID_BUILT_IN_CONTRACT_MESSAGE_ERROR;
    assert_true(world_start(w));
    w->head = 3;
    UNTIL(w, strstr(world_hold(w), "would refuse batch 1") != NULL);
    assert_non_null(strstr(world_hold(w), "InvalidBuiltInContractMessage"));
    assert_non_null(strstr(w->s->snap_hold.remedy, "asked again"));
    world_pass(w, 10000);
    world_spin(w, 300);
    assert_int_equal(w->sl->sends, 0);
    w->sl->tracker_error = 0;
    world_pass(w, 3000);
    UNTIL(w, world_all_at(w, 1));
    assert_string_equal(world_hold(w), "");
    world_assert_once(w, 1);
}

/* The contract was not heard: nothing is known about the batch, and nobody has to act. */
static void a_node_that_cannot_say_refuses_nothing(void **state)
{
    struct world *w = *state;
    w->sl->tracker_fault = "header not found";
    assert_true(world_start(w));
    w->head = 3;
    UNTIL(w, strstr(world_waits(w, 1), "the Gateway to answer: ") != NULL);
    assert_non_null(strstr(world_waits(w, 1), "header not found"));
    assert_string_equal(world_hold(w), "");
    w->sl->tracker_fault = "execution reverted"; /* some nodes keep the data to themselves */
    world_pass(w, 3000);
    UNTIL(w, strstr(world_hold(w), "would refuse batch 1") != NULL);
    w->sl->tracker_fault = NULL;
    world_pass(w, 3000);
    UNTIL(w, world_all_at(w, 1));
    world_assert_once(w, 1);
}

static void what_somebody_else_committed_is_not_held_any_more(void **state)
{
    struct world *w = *state;
    w->sl->tracker_error = ABI_V31_INVALID_BUILT_IN_CONTRACT_MESSAGE_ERROR;
    assert_true(world_start(w));
    w->head = 3;
    UNTIL(w, strstr(world_hold(w), "would refuse batch 1") != NULL);
    struct batch_row ours = world_row(w, 1);
    struct sl_batch same = { .stored_hash = ours.stored_hash,
                             .state = ours.state_commitment,
                             .commitment = ours.commitment,
                             .logs_root = ours.l2_logs_tree_root,
                             .first = ours.first_block,
                             .last = ours.last_block };
    fake_sl_commit_foreign(w->sl, &same);
    UNTIL(w, world_all_at(w, 1));
    assert_string_equal(world_hold(w), "");
    assert_string_equal(w->s->gate.wait, "");
    assert_int_equal(fake_sl_sent(w->sl, LANE_COMMIT, 1), 0);
    world_pass(w, 10000); /* and it is not asked about again */
    uint64_t asked = w->sl->tracker_calls;
    world_spin(w, 500);
    assert_int_equal(w->sl->tracker_calls, asked);
}

/* What it says while earlier batches are not executed may depend on them: those go on, this one waits. */
static void a_refusal_behind_unexecuted_batches_holds_nothing_else(void **state)
{
    struct world *w = *state;
    w->sl->delay_s = 100000;
    assert_true(world_start(w));
    w->head = 3;
    UNTIL(w, w->s->frontier[BATCH_PROVE] == 1);
    w->sl->tracker_error = ABI_V31_INSUFFICIENT_CHAIN_BALANCE_ERROR;
    w->head = 5;
    UNTIL(w, strstr(world_waits(w, 2), "the batches before 2 to be executed") != NULL);
    assert_non_null(strstr(world_waits(w, 2), "InsufficientChainBalance"));
    assert_string_equal(world_hold(w), "");
    assert_int_equal(fake_sl_sent(w->sl, LANE_COMMIT, 2), 0);
    w->sl->tracker_error = 0;
    world_pass(w, 3000);
    UNTIL(w, w->s->frontier[BATCH_COMMIT] == 2);
}

static bool put_requests(struct store_txn *t, void *arg, struct err *err)
{
    struct l1_tx_row rows[3] = { { .id = 0, .l1_block = 1 },
                                 { .id = 1, .l1_block = 1 },
                                 { .id = 2, .l1_block = 1 } };
    (void)arg;
    for (size_t i = 0; i < 3; i++)
        rows[i].envelope = bytes_of((const uint8_t *)"\x7f", 1);
    return l1_priority_append(t, rows, 3, err);
}

static void operations_are_executed_only_after_they_are_relayed(void **state)
{
    struct world *w = *state;
    struct err err;
    w->opts[1].l1_tx_cnt = 3;
    w->opts[1].tx_cnt = 3;
    w->sl->priority_total = 2;
    assert_true(world_start(w));
    assert_true(store_write_sync(w->store, STORE_JOURNAL, put_requests, NULL, &err));
    w->head = 3;
    UNTIL(w, strstr(world_waits(w, 1), "relay the chain's priority operations up to 2; it has 2"));
    assert_int_equal(w->sl->sends, 0);
    assert_string_equal(world_hold(w), "");
    const struct sl_event relayed = { .kind = SL_PRIORITY_RELAYED, .last = 3 };
    settlement_on_events(w->s, &relayed, 1);
    UNTIL(w, w->sl->sends > 0);
    w->sl->priority_total = 3;
    UNTIL(w, world_all_at(w, 1));
}

static void the_relayed_count_is_read_again_without_an_event(void **state)
{
    struct world *w = *state;
    w->opts[1].l1_tx_cnt = 1;
    assert_true(world_start(w));
    w->head = 3;
    UNTIL(w, strstr(world_waits(w, 1), "relay the chain's priority operations") != NULL);
    w->sl->priority_total = 1;
    world_pass(w, 6000);
    UNTIL(w, w->s->frontier[BATCH_COMMIT] == 1);
}

/* Logs, messages and the payer travel with the execution. */
static void executions_carry_logs_roots_and_the_payer(void **state)
{
    struct world *w = *state;
    struct arena arena;
    struct err err;
    w->opts[1].log_cnt = 2;
    w->opts[2].log_cnt = 1;
    assert_true(world_start(w));
    w->head = 3;
    UNTIL(w, world_all_at(w, 1));
    arena_init_growing(&arena, 4096, 1u << 24);
    bool seen = false;
    for (size_t i = 0; i < w->sl->tx_cnt; i++) {
        const struct sl_tx *t = &w->sl->txs[i];
        struct abi_v31_execute_batches_shared_bridge_call c;
        struct abi_v31_execute_data d;
        if (t->lane != LANE_EXECUTE)
            continue;
        assert_true(abi_v31_decode_execute_batches_shared_bridge_call(bytes_of(t->data, t->len), &c,
                                                                      &arena, &err));
        struct bytes body = bytes_of(c.execute_data.p + 1, c.execute_data.len - 1);
        assert_true(abi_v31_decode_execute_data(body, &d, &arena, &err));
        struct b256 root = batch_empty_multichain_root(10);
        struct addr payer = signer_addr(w->signers[LANE_EXECUTE]);
        assert_int_equal(d.logs.cnt, 1);
        assert_int_equal(d.logs.items[0].cnt, 3);
        assert_int_equal(d.messages.cnt, 1);
        assert_int_equal(d.multichain_batch_roots.cnt, 1);
        assert_memory_equal(&d.multichain_batch_roots.items[0], &root, 32);
        assert_memory_equal(&d.settlement_fee_payer, &payer, 20);
        seen = true;
    }
    arena_clear(&arena);
    assert_true(seen);
}

static void a_root_the_gateway_does_not_keep_is_never_committed(void **state)
{
    struct world *w = *state;
    w->sl->other_roots = true;
    w->opts[3].root_cnt = 2;
    assert_true(world_start(w));
    w->head = 5;
    UNTIL(w, strstr(world_hold(w), "depends on a root of the Gateway's block 0") != NULL);
    assert_true(world_all_at(w, 1)); /* the one before was not kept from going on */
    assert_non_null(strstr(w->s->snap_hold.remedy, "made again"));
    world_pass(w, 10000);
    world_spin(w, 200);
    assert_int_equal(fake_sl_sent(w->sl, LANE_COMMIT, 1), 1);
    assert_int_equal(fake_sl_sent(w->sl, LANE_COMMIT, 2), 0);
    w->sl->other_roots = false;
    world_pass(w, 3000);
    UNTIL(w, world_all_at(w, 2));
    assert_string_equal(world_hold(w), "");
}

/* 533 logs are what fits: the batch is sealed before the block that would make it too large to execute. */
static void a_batch_is_sealed_before_its_execution_grows_too_large(void **state)
{
    struct world *w = *state;
    w->cfg.max_blocks = 0;
    w->opts[1].log_cnt = 300;
    w->opts[2].log_cnt = 233;
    w->opts[3].log_cnt = 1;
    w->opts[4].log_cnt = 2000; /* too large by itself: alone */
    assert_true(world_start(w));
    w->head = 5;
    UNTIL(w, w->s->sealed == 3);
    assert_int_equal(world_row(w, 1).last_block, 2);
    assert_int_equal(world_row(w, 2).last_block, 3);
    assert_int_equal(world_row(w, 3).last_block, 4);
}

static void large_batches_are_executed_one_by_one(void **state)
{
    struct world *w = *state;
    w->sl->delay_s = 50;
    w->opts[1].log_cnt = w->opts[3].log_cnt = w->opts[5].log_cnt = 200;
    assert_true(world_start(w));
    w->head = 9;
    UNTIL(w, w->s->frontier[BATCH_PROVE] == 4);
    world_pass(w, 60000);
    UNTIL(w, world_all_at(w, 4));
    for (size_t i = 0; i < w->sl->tx_cnt; i++) /* two of the large ones would be too much */
        if (w->sl->txs[i].lane == LANE_EXECUTE)
            assert_true(w->sl->txs[i].from == w->sl->txs[i].to || w->sl->txs[i].from == 3);
    world_assert_once(w, 4);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(every_batch_is_asked_about_before_its_commit),
        T(a_layer_that_makes_no_blocks_of_its_own_is_enough),
        T(a_batch_the_tracker_refuses_is_held_and_explained),
        T(a_node_that_cannot_say_refuses_nothing),
        T(what_somebody_else_committed_is_not_held_any_more),
        T(a_refusal_behind_unexecuted_batches_holds_nothing_else),
        T(operations_are_executed_only_after_they_are_relayed),
        T(the_relayed_count_is_read_again_without_an_event),
        T(executions_carry_logs_roots_and_the_payer),
        T(a_root_the_gateway_does_not_keep_is_never_committed),
        T(a_batch_is_sealed_before_its_execution_grows_too_large),
        T(large_batches_are_executed_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
