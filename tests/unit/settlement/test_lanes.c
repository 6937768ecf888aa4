/* Commit, prove, execute against the model of the contracts, and everything that must hold them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/settlement/settle_world.h"

static int setup(void **state)
{
    *state = world_new();
    return 0;
}

static int teardown(void **state)
{
    world_free(*state);
    return 0;
}

static void assert_hold(struct world *w, const char *reason, const char *remedy)
{
    UNTIL(w, strstr(world_hold(w), reason) != NULL);
    assert_non_null(strstr(w->s->snap_hold.remedy, remedy));
}

/* ---- the way of a batch ---- */

static void batches_are_committed_proved_and_executed_once(void **state)
{
    struct world *w = *state;
    assert_true(world_start(w));
    w->head = 21; /* ten full batches and a block */
    UNTIL(w, world_all_at(w, 10));
    world_assert_once(w, 10);
    struct settlement_frontiers f;
    settlement_frontiers_get(w->s, &f);
    for (int i = FRONTIER_SEALED; i <= FRONTIER_EXECUTED; i++) {
        assert_int_equal(f.batch[i], 10);
        assert_int_equal(f.block[i], 20);
    }
    struct batch_row r = world_row(w, 10);
    for (int i = 0; i < BATCH_STEP_CNT; i++) {
        assert_true(r.step[i].done);
        assert_memory_equal(&r.step[i].block_hash, &w->sl->block[r.step[i].sl_block].hash, 32);
    }
    UNTIL(w, world_row(w, 10).step[BATCH_EXECUTE].sl_timestamp > 0);
    assert_int_equal(world_row(w, 10).step[BATCH_EXECUTE].sl_timestamp,
                     w->sl->block[r.step[BATCH_EXECUTE].sl_block].timestamp);
    UNTIL(w, w->sl->root_calls == 10);
    assert_string_equal(world_hold(w), "");
}

static void calldata_carries_the_pubdata_of_every_block(void **state)
{
    struct world *w = *state;
    w->cfg.da_scheme = w->sl->da_scheme = DA_BLOBS_AND_PUBDATA_KECCAK;
    assert_true(world_start(w));
    w->head = 5;
    UNTIL(w, world_all_at(w, 2));
    world_assert_once(w, 2);
    const struct sl_tx *t = &w->sl->txs[0];
    assert_int_equal(t->lane, LANE_COMMIT);
    uint8_t want[80];
    memset(want, 1, 40);
    memset(want + 40, 2, 40);
    assert_non_null(memmem(t->data, t->len, want, sizeof(want)));
}

static void nothing_is_sent_before_history_is_read(void **state)
{
    struct world *w = *state;
    w->no_watcher = true;
    assert_true(world_start(w));
    w->head = 9;
    world_spin(w, 400);
    assert_int_equal(w->s->sealed, 4);
    assert_int_equal(w->sl->sends, 0);
    settlement_on_caught_up(w->s);
    UNTIL(w, w->sl->sends > 0);
}

static void commits_overlap_and_do_not_exceed_what_is_allowed(void **state)
{
    struct world *w = *state;
    w->cfg.sender.max_in_flight = 3;
    w->mine_every_ms = 0;
    assert_true(world_start(w));
    w->head = 21;
    UNTIL(w, w->sl->tx_cnt == 3);
    world_spin(w, 300);
    assert_int_equal(w->sl->tx_cnt, 3);
    w->mine_every_ms = 15;
    UNTIL(w, world_all_at(w, 10));
    world_assert_once(w, 10);
}

static void a_range_is_bounded(void **state)
{
    struct world *w = *state;
    w->cfg.max_range = 2;
    assert_true(world_start(w));
    w->head = 21;
    UNTIL(w, world_all_at(w, 10));
    for (size_t i = 0; i < w->sl->tx_cnt; i++)
        assert_true(w->sl->txs[i].to - w->sl->txs[i].from < 2);
}

static void the_layer_being_dead_stops_nothing_but_sending(void **state)
{
    struct world *w = *state;
    assert_true(world_start(w));
    w->head = 5;
    UNTIL(w, world_all_at(w, 2));
    w->sl->dead = true;
    w->head = 21;
    world_spin(w, 500);
    assert_int_equal(w->s->sealed, 10);
    w->sl->dead = false;
    UNTIL(w, world_all_at(w, 10));
    world_assert_once(w, 10);
}

static void without_signers_batches_are_sealed_and_followed(void **state)
{
    struct world *w = *state;
    w->no_signers = true;
    assert_true(world_start(w));
    w->head = 9;
    UNTIL(w, w->s->sealed == 4);
    world_spin(w, 200);
    assert_int_equal(w->sl->sends, 0);
    assert_string_equal(world_hold(w), "");
    assert_non_null(strstr(world_waits(w, 1), "sending is off"));
}

/* ---- spec 90 row 10 ---- */

static void row10_execution_waits_for_the_delay_of_the_timelock(void **state)
{
    struct world *w = *state;
    w->sl->delay_s = 1000;
    assert_true(world_start(w));
    w->head = 5;
    UNTIL(w, w->s->frontier[BATCH_PROVE] == 2);
    UNTIL(w, strstr(world_waits(w, 1), "execution delay") != NULL);
    world_spin(w, 300);
    assert_int_equal(fake_sl_sent(w->sl, LANE_EXECUTE, 1), 0);
    assert_string_equal(world_hold(w), "");
    world_pass(w, 1100000);
    w->sl->block[w->sl->head].timestamp += 1100;
    UNTIL(w, world_all_at(w, 2));
    world_assert_once(w, 2);
}

/* The time of the commit was asked while the node did not have that block: it is asked again. */
static void row10_a_commit_time_that_did_not_come_is_asked_for_again(void **state)
{
    struct world *w = *state;
    w->sl->delay_s = 5;
    assert_true(world_start(w));
    w->sl->refuse_times = 1000000;
    settlement_on_caught_up(w->s); /* the watcher gets no blocks by number either */
    w->head = 5;
    UNTIL(w, fake_sl_state(w->sl)->committed == 2);
    w->sl->refuse_times = 6;
    UNTIL(w, w->s->frontier[BATCH_COMMIT] == 2);
    world_pass(w, 20000);
    w->sl->block[w->sl->head].timestamp += 20;
    UNTIL(w, world_all_at(w, 2));
    world_assert_once(w, 2);
}

/* ---- spec 90 row 9: reverts ---- */

static void row09_a_reverted_commit_is_sent_again(void **state)
{
    struct world *w = *state;
    w->sl->fail_mined[LANE_COMMIT] = 1;
    assert_true(world_start(w));
    w->head = 9;
    UNTIL(w, strstr(world_waits(w, 1), "the next try; commit:") != NULL);
    for (int i = 0; i < 200 && !world_all_at(w, 4); i++) {
        world_pass(w, 1000);
        world_spin(w, 20);
    }
    assert_true(world_all_at(w, 4));
    UNTIL(w, world_hold(w)[0] == 0);
    struct settlement_stats st;
    settlement_stats_get(w->s, &st);
    assert_true(st.reverted_txs >= 1);
    assert_int_equal(fake_sl_state(w->sl)->executed, 4);
}

static void row09_a_reverted_proof_and_execution_are_sent_again(void **state)
{
    struct world *w = *state;
    w->sl->fail_mined[LANE_PROVE] = w->sl->fail_mined[LANE_EXECUTE] = 1;
    assert_true(world_start(w));
    w->head = 5;
    for (int i = 0; i < 400 && !world_all_at(w, 2); i++) {
        world_pass(w, 1000);
        world_spin(w, 20);
    }
    assert_true(world_all_at(w, 2));
    assert_int_equal(fake_sl_failed(w->sl), 2);
}

static void row09_a_simulation_that_reverts_names_the_error_and_goes_on(void **state)
{
    struct world *w = *state;
    w->sl->fail_call[LANE_COMMIT] = 8;
    assert_true(world_start(w));
    w->head = 3;
    UNTIL(w, strstr(world_waits(w, 1), "RoleAccessDenied") != NULL);
    assert_int_equal(w->sl->sends, 0);
    for (int i = 0; i < 200 && !world_all_at(w, 1); i++) {
        world_pass(w, 1000);
        world_spin(w, 20);
    }
    assert_int_equal(w->sl->fail_call[LANE_COMMIT], 0);
    assert_true(world_all_at(w, 1));
    world_assert_once(w, 1);
}

/* ---- what the contracts must be like ---- */

static void a_missing_role_holds_and_lifts_by_itself(void **state)
{
    struct world *w = *state;
    w->sl->role[LANE_EXECUTE] = false;
    assert_true(world_start(w));
    w->head = 3;
    assert_hold(w, "lacks EXECUTOR_ROLE", "addValidatorRoles");
    UNTIL(w, w->s->sealed == 1);
    world_spin(w, 100);
    assert_int_equal(w->sl->sends, 0);
    assert_non_null(strstr(world_waits(w, 1), "on hold"));
    w->sl->role[LANE_EXECUTE] = true;
    world_pass(w, 6000);
    UNTIL(w, world_all_at(w, 1));
    assert_string_equal(world_hold(w), "");
}

static void an_unset_da_pair_holds_and_lifts_by_itself(void **state)
{
    struct world *w = *state;
    w->sl->da_set = false;
    assert_true(world_start(w));
    w->head = 3;
    assert_hold(w, "DA validator pair is not set", "setDAValidatorPair(validator, 1)");
    assert_int_equal(w->sl->sends, 0);
    w->sl->da_set = true;
    world_pass(w, 6000);
    UNTIL(w, world_all_at(w, 1));
}

static void another_da_scheme_holds(void **state)
{
    struct world *w = *state;
    w->sl->da_scheme = DA_BLOBS_AND_PUBDATA_KECCAK;
    assert_true(world_start(w));
    assert_hold(w, "expects DA scheme 3", "pubdata_mode");
}

static void a_pending_upgrade_holds_and_lifts_when_it_is_withdrawn(void **state)
{
    struct world *w = *state;
    assert_true(world_start(w));
    w->head = 3;
    UNTIL(w, world_all_at(w, 1));
    w->sl->ctm_version = (UINT64_C(32) << 32) | 1;
    world_pass(w, 61000);
    assert_hold(w, "0.32.1 is pending", "release made for it");
    w->head = 5;
    world_spin(w, 200);
    assert_int_equal(w->s->sealed, 2);
    assert_int_equal(fake_sl_sent(w->sl, LANE_COMMIT, 2), 0);
    w->sl->ctm_version = UINT64_C(31) << 32;
    world_pass(w, 6000);
    UNTIL(w, world_all_at(w, 2));
}

static void upgraded_contracts_hold(void **state)
{
    struct world *w = *state;
    assert_true(world_start(w));
    w->sl->protocol_version = w->sl->ctm_version = UINT64_C(32) << 32;
    world_pass(w, 61000);
    assert_hold(w, "upgraded to protocol version 0.32", "release made for that version");
}

static void a_chain_that_moves_away_holds(void **state)
{
    struct world *w = *state;
    assert_true(world_start(w));
    w->sl->elsewhere = true;
    world_pass(w, 61000);
    assert_hold(w, "leaving its settlement layer", "complete the migration");
    w->sl->elsewhere = false;
    w->sl->sl_chain_id = 11;
    world_pass(w, 6000);
    assert_hold(w, "settles on chain 11 now", "move the chain back");
    w->sl->sl_chain_id = 31337;
    w->sl->not_whitelisted = true;
    world_pass(w, 6000);
    assert_hold(w, "not a settlement layer any more", "registers it again");
}

static void mock_proofs_for_a_production_verifier_hold(void **state)
{
    struct world *w = *state;
    w->sl->production_verifier = true;
    assert_true(world_start(w));
    assert_hold(w, "not the testnet verifier", "fake_");
}

static void refuses(struct world *w, enum err_kind kind, const char *why)
{
    assert_false(world_start(w));
    assert_int_equal(w->failure.kind, kind);
    if (!strstr(w->failure.msg, why))
        fail_msg("'%s' was expected, not '%s'", why, w->failure.msg);
    world_stop(w);
}

static void what_cannot_be_settled_is_refused_at_start(void **state)
{
    struct world *w = *state;
    w->cfg.genesis_state_commitment.b[0] ^= 1;
    refuses(w, ERR_DIVERGED, "not this chain's genesis");
    w->cfg.genesis_state_commitment.b[0] ^= 1;
    w->sl->is_not_os = true;
    refuses(w, ERR_INVALID, "not a ZKsync OS chain");
    w->sl->is_not_os = false;
    w->sl->protocol_version = UINT64_C(30) << 32;
    refuses(w, ERR_INVALID, "0.30");
    w->sl->protocol_version = UINT64_C(31) << 32;
    w->cfg.protocol_minor = 30;
    refuses(w, ERR_INVALID, "0.30 cannot be settled");
    w->cfg.protocol_minor = 31;
    assert_true(world_start(w));
}

static void a_layer_with_another_history_is_refused_unless_accepted(void **state)
{
    struct world *w = *state;
    assert_true(world_start(w));
    w->head = 5;
    UNTIL(w, world_all_at(w, 2));
    world_stop(w);
    fake_sl_reorg(w->sl, w->sl->head - 2);
    w->sl->reorged_txs_are_lost = true;
    refuses(w, ERR_DIVERGED, "another history");
    w->cfg.accept_history = true;
    assert_true(world_start(w));
    UNTIL(w, world_all_at(w, 2));
    assert_int_equal(fake_sl_state(w->sl)->executed, 2);
}

static void a_priority_tree_that_starts_later_is_a_hold_not_an_abort(void **state)
{
    struct world *w = *state;
    w->sl->start_index = 5;
    w->opts[1].l1_tx_cnt = 1;
    assert_true(world_start(w));
    w->head = 3;
    assert_hold(w, "priority tree starts at 5", "");
}

static void operations_that_are_not_in_the_journal_are_a_hold(void **state)
{
    struct world *w = *state;
    w->opts[1].l1_tx_cnt = 1;
    assert_true(world_start(w));
    w->head = 3;
    assert_hold(w, "priority operation 0 is not in the journal", "");
    assert_int_equal(fake_sl_sent(w->sl, LANE_EXECUTE, 1), 0);
}

/* ---- status ---- */

static void status_says_what_a_batch_waits_for(void **state)
{
    struct world *w = *state;
    w->mine_every_ms = 0;
    assert_true(world_start(w));
    assert_string_equal(world_waits(w, 0), "a block");
    w->head = 3;
    UNTIL(w, strstr(world_waits(w, 1), "commit:1: accepted") != NULL);
    assert_string_equal(world_waits(w, 0), "the batch to be sealed");
    w->mine_every_ms = 15;
    UNTIL(w, world_all_at(w, 1));
    assert_string_equal(world_waits(w, 1), "");
    struct buf b;
    buf_init(&b, 1u << 16);
    assert_true(settlement_status_json(w->s, &b));
    assert_true(buf_append(&b, "", 1));
    json_t *j = json_loads((const char *)b.p, 0, NULL);
    assert_non_null(j);
    json_int_t n = 0;
    assert_int_equal(json_unpack(j, "{s:{s:{s:I}}}", "frontiers", "executed", "batch", &n), 0);
    assert_int_equal(n, 1);
    assert_true(json_is_null(json_object_get(j, "hold")));
    json_decref(j);
    buf_clear(&b);
}

static void row19_a_frontier_that_is_final_waits_for_the_layers_finality(void **state)
{
    struct world *w = *state;
    w->cfg.l1_finalized = true;
    assert_true(world_start(w));
    w->head = 3;
    UNTIL(w, world_all_at(w, 1));
    assert_string_equal(world_waits(w, 1), "L1 to finalize the block that executed it");
    w->sl->finalized = w->sl->head;
    world_pass(w, 5000);
    struct settlement_frontiers f;
    UNTIL(w, (settlement_frontiers_get(w->s, &f), f.batch[FRONTIER_FINALIZED] == 1));
    assert_int_equal(f.block[FRONTIER_FINALIZED], 2);
    assert_string_equal(world_waits(w, 1), "");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(batches_are_committed_proved_and_executed_once),
        T(calldata_carries_the_pubdata_of_every_block),
        T(nothing_is_sent_before_history_is_read),
        T(commits_overlap_and_do_not_exceed_what_is_allowed),
        T(a_range_is_bounded),
        T(the_layer_being_dead_stops_nothing_but_sending),
        T(without_signers_batches_are_sealed_and_followed),
        T(row10_execution_waits_for_the_delay_of_the_timelock),
        T(row10_a_commit_time_that_did_not_come_is_asked_for_again),
        T(row09_a_reverted_commit_is_sent_again),
        T(row09_a_reverted_proof_and_execution_are_sent_again),
        T(row09_a_simulation_that_reverts_names_the_error_and_goes_on),
        T(a_missing_role_holds_and_lifts_by_itself),
        T(an_unset_da_pair_holds_and_lifts_by_itself),
        T(another_da_scheme_holds),
        T(a_pending_upgrade_holds_and_lifts_when_it_is_withdrawn),
        T(upgraded_contracts_hold),
        T(a_chain_that_moves_away_holds),
        T(mock_proofs_for_a_production_verifier_hold),
        T(what_cannot_be_settled_is_refused_at_start),
        T(a_layer_with_another_history_is_refused_unless_accepted),
        T(a_priority_tree_that_starts_later_is_a_hold_not_an_abort),
        T(operations_that_are_not_in_the_journal_are_a_hold),
        T(status_says_what_a_batch_waits_for),
        T(row19_a_frontier_that_is_final_waits_for_the_layers_finality),
    };
    return cmocka_run_group_tests_name("lanes", tests, NULL, NULL);
}
