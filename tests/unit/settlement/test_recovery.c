/* Restarts, lost journals, reverts and reorganisations: the same batches, and none twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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

static void restart(struct world *w)
{
    world_stop(w);
    assert_true(world_start(w));
}

/* Spins with the clocks running fast, as retries have pauses of seconds. */
#define UNTIL_FAST(w, cond)                                                                        \
    do {                                                                                           \
        for (int tries_ = 0; tries_ < 600 && !(cond); tries_++) {                                  \
            world_pass((w), 500);                                                                  \
            world_spin((w), 10);                                                                   \
        }                                                                                          \
        if (!(cond))                                                                               \
            world_dump(w);                                                                         \
        assert_true(cond);                                                                         \
    } while (0)

/* ---- restarts ---- */

static void row08_a_restart_at_every_moment_sends_nothing_twice(void **state)
{
    struct world *w = *state;
    assert_true(world_start(w));
    w->head = 21;
    for (unsigned i = 0; i < 40 && !world_all_at(w, 10); i++) {
        world_spin(w, 15 + i * 13 % 90);
        restart(w);
    }
    UNTIL(w, world_all_at(w, 10));
    world_assert_once(w, 10);
}

/* The watcher wants more confirmations than the senders: after the restart a proof is confirmed, says the journal, and its event is not read yet;
 * ranges are longer now, so that the journal does not know the key. */
static void a_confirmed_proof_whose_event_is_not_deep_enough_is_not_sent_again(void **state)
{
    struct world *w = *state;
    w->confirmations = 12;
    w->cfg.sender.required_confirmations = 1;
    w->cfg.max_range = 2;
    assert_true(world_start(w));
    w->head = 9;
    UNTIL(w, fake_sl_sent(w->sl, LANE_PROVE, 1) == 1 && fake_sl_state(w->sl)->committed == 4);
    w->mine_every_ms = 0;
    uint64_t committed_at = 0, proved_at = 0;
    fake_sl_mine_many(w->sl, 2);
    char key[TX_KEY_CAP];
    for (size_t i = 0; i < w->sl->tx_cnt; i++) {
        const struct sl_tx *tx = &w->sl->txs[i];
        if (tx->lane == LANE_COMMIT && tx->to == 4)
            committed_at = tx->block;
        if (tx->lane != LANE_PROVE)
            continue;
        proved_at = tx->block;
        (void)snprintf(key, sizeof(key), "prove:1-%u", (unsigned)tx->to);
    }
    assert_true(committed_at > 0 && proved_at > committed_at);
    while (w->sl->head < committed_at + 12)
        fake_sl_mine(w->sl);
    assert_true(w->sl->head < proved_at + 12);
    struct tx_info info;
    UNTIL(w, tx_manager_find(w->s->lanes[LANE_PROVE].manager, key, &info) &&
                 info.state == TX_CONFIRMED);
    w->cfg.max_range = 10;
    restart(w);
    UNTIL(w, w->s->caught_up && w->s->frontier[BATCH_COMMIT] == 4);
    assert_int_equal(w->s->frontier[BATCH_PROVE], 0);
    world_spin(w, 300);
    assert_int_equal(w->s->lanes[LANE_PROVE].failures, 0);
    assert_int_equal(w->s->lanes[LANE_PROVE].sent_to, 0);
    assert_string_equal(world_hold(w), "");
    w->mine_every_ms = 15;
    UNTIL(w, world_all_at(w, 4));
    world_assert_once(w, 4);
}

/* A live request of the last life holds its lane, although a longer range could go now. */
static void a_live_older_range_holds_its_lane_after_a_restart(void **state)
{
    struct world *w = *state;
    w->cfg.max_range = 10;
    assert_true(world_start(w));
    w->head = 3;
    UNTIL(w, fake_sl_sent(w->sl, LANE_PROVE, 1) == 1);
    w->mine_every_ms = 0;
    world_stop(w);
    w->head = 9;
    assert_true(world_start(w));
    UNTIL(w, w->s->caught_up);
    world_spin(w, 200);
    assert_int_equal(w->s->lanes[LANE_PROVE].sent_to, 1);
    w->mine_every_ms = 15;
    UNTIL(w, world_all_at(w, 4));
    world_assert_once(w, 4);
}

static void a_stop_in_the_middle_of_questions_leaves_nothing_behind(void **state)
{
    struct world *w = *state;
    assert_true(world_start(w));
    w->head = 9;
    UNTIL(w, world_all_at(w, 4));
    struct sl_event e[3] = { { .kind = SL_BATCH_RANGE, .batch = 4, .first = 7, .last = 8 },
                             { .kind = SL_BATCH_COMMIT, .batch = 4 },
                             { .kind = SL_BATCH_EXECUTE, .batch = 4 } };
    settlement_on_events(w->s, e, 3); /* contents that are not ours: a question is out */
    assert_true(w->s->ask_cnt > 0);
    world_stop(w); /* the sanitizer looks for what is left */
    assert_true(world_start(w));
    UNTIL(w, w->s->caught_up);
    assert_true(world_all_at(w, 4));
}

/* ---- a lost journal ---- */

static void a_lost_journal_is_rebuilt_and_work_goes_on(void **state)
{
    struct world *w = *state;
    w->cfg.max_blocks = 3;
    assert_true(world_start(w));
    w->head = 13;
    UNTIL(w, world_all_at(w, 4));
    struct batch_row before = world_row(w, 3);
    world_stop(w);
    world_lose_journal(w);
    w->cfg.max_blocks = 2;        /* our criteria would make others now */
    w->cfg.batch_timeout_ms = 10; /* and at once */
    world_pass(w, 100000);
    assert_true(world_start(w));
    UNTIL(w, w->s->sealed >= 4 && world_all_at(w, w->s->sealed));
    struct batch_row after = world_row(w, 3);
    assert_memory_equal(&before.stored_hash, &after.stored_hash, 32);
    assert_int_equal(after.first_block, 7);
    assert_int_equal(after.last_block, 9);
    for (int i = 0; i < BATCH_STEP_CNT; i++)
        assert_int_equal(after.step[i].sl_block, before.step[i].sl_block);
    struct settlement_stats st;
    settlement_stats_get(w->s, &st);
    assert_int_equal(st.adopted, 4);
    assert_int_equal(st.sealed, w->s->sealed); /* none was made with other criteria first */
    w->head = 20;
    UNTIL(w, w->s->sealed >= 8 && world_all_at(w, w->s->sealed));
    world_assert_once(w, w->s->sealed);
    UNTIL(w, world_row(w, 1).step[BATCH_COMMIT].sl_timestamp > 0);
}

/* The events come before the blocks are there, the process ends in between: the cursor is past events that nobody acted on. */
static void a_crash_while_adopting_loses_no_step(void **state)
{
    struct world *w = *state;
    w->cfg.max_blocks = 3;
    assert_true(world_start(w));
    w->head = 19;
    UNTIL(w, world_all_at(w, 6));
    world_stop(w);
    world_lose_journal(w);
    w->cfg.batch_timeout_ms = 10;
    w->head = 7; /* the tree is not further */
    assert_true(world_start(w));
    UNTIL(w, w->s->caught_up && w->s->sealed == 2);
    assert_int_equal(w->s->expected.cnt, 4);
    assert_int_equal(w->s->frontier[BATCH_EXECUTE], 2);
    restart(w);
    UNTIL(w, w->s->caught_up);
    world_pass(w, 100000);
    world_spin(w, 100);
    assert_int_equal(w->s->sealed, 2); /* block 7 alone is not batch 3 */
    w->head = 19;
    UNTIL(w, world_all_at(w, 6));
    assert_int_equal(world_row(w, 6).last_block, 18);
    world_assert_once(w, 6);
}

static void a_long_history_is_adopted(void **state)
{
    struct world *w = *state;
    w->cfg.max_blocks = 1;
    w->cfg.max_range = 10;
    assert_true(world_start(w));
    w->head = 81;
    UNTIL(w, world_all_at(w, 80));
    world_stop(w);
    world_lose_journal(w);
    assert_true(world_start(w));
    UNTIL(w, world_all_at(w, 80));
    world_assert_once(w, 80);
}

/* Transactions of the lost life are still in the pool, and are mined while we seal the same blocks otherwise. */
static void a_commit_of_the_lost_life_that_is_mined_later_is_adopted(void **state)
{
    struct world *w = *state;
    w->cfg.max_blocks = 3;
    assert_true(world_start(w));
    w->head = 4;
    UNTIL(w, world_all_at(w, 1));
    w->mine_every_ms = 0;
    w->head = 7;
    UNTIL(w, fake_sl_sent(w->sl, LANE_COMMIT, 2) == 1);
    world_stop(w);
    world_lose_journal(w);
    w->cfg.max_blocks = 2;
    w->sl->role[LANE_COMMIT] = false; /* sealed, nothing sent yet */
    assert_true(world_start(w));
    UNTIL(w, w->s->sealed == 2 && !w->s->sealing);
    assert_int_equal(world_row(w, 2).last_block, 5); /* ours, not the one in the pool */
    w->mine_every_ms = 15;
    UNTIL(w, w->s->frontier[BATCH_COMMIT] == 2);
    assert_int_equal(world_row(w, 2).last_block, 6);
    w->sl->role[LANE_COMMIT] = true;
    w->head = 12;
    UNTIL_FAST(w, w->s->sealed >= 4 && world_all_at(w, w->s->sealed));
    assert_int_equal(fake_sl_state(w->sl)->executed, w->s->sealed);
    assert_string_equal(world_hold(w), "");
}

static void a_journal_of_another_chain_of_blocks_holds(void **state)
{
    struct world *w = *state;
    assert_true(world_start(w));
    w->head = 5;
    UNTIL(w, world_all_at(w, 2));
    world_stop(w);
    world_lose_journal(w);
    w->variant = 1; /* other blocks than those that were committed */
    assert_true(world_start(w));
    UNTIL(w, strstr(world_hold(w), "is not what our blocks give") != NULL);
    unsigned sends = (unsigned)w->sl->sends;
    world_pass(w, 100000);
    world_spin(w, 200);
    assert_int_equal(w->sl->sends, sends);
    assert_non_null(strstr(w->s->snap_hold.remedy, "restore the right folder"));
}

/* ---- BlocksRevert ---- */

static void row24_a_live_revert_holds_and_a_restart_commits_again(void **state)
{
    struct world *w = *state;
    w->sl->production_verifier = true; /* committed, not proved */
    w->cfg.mock_proofs = false;
    assert_true(world_start(w));
    w->head = 9;
    UNTIL(w, w->s->frontier[BATCH_COMMIT] == 4);
    world_spin(w, 100); /* confirmed in the journal, too */
    fake_sl_revert(w->sl, 1);
    UNTIL(w, strstr(world_hold(w), "batches above 1 were reverted") != NULL);
    assert_int_equal(w->s->frontier[BATCH_COMMIT], 1);
    w->head = 11;
    world_pass(w, 100000);
    world_spin(w, 200);
    assert_int_equal(w->s->sealed, 5);
    assert_int_equal(fake_sl_sent(w->sl, LANE_COMMIT, 5), 0);
    restart(w);
    UNTIL_FAST(w, w->s->frontier[BATCH_COMMIT] == 5);
    assert_int_equal(fake_sl_sent(w->sl, LANE_COMMIT, 1), 1);
    assert_int_equal(fake_sl_sent(w->sl, LANE_COMMIT, 2), 2);
    assert_int_equal(fake_sl_sent(w->sl, LANE_COMMIT, 5), 1);
    assert_int_equal(fake_sl_failed(w->sl), 0);
    assert_string_equal(world_hold(w), "");
    restart(w); /* and the second time is remembered as well */
    world_spin(w, 300);
    assert_int_equal(fake_sl_sent(w->sl, LANE_COMMIT, 2), 2);
}

static void row24_reverts_in_history_are_only_history(void **state)
{
    struct world *w = *state;
    w->cfg.mock_proofs = false;
    assert_true(world_start(w));
    w->head = 9;
    UNTIL(w, w->s->frontier[BATCH_COMMIT] == 4);
    world_spin(w, 100);
    fake_sl_revert(w->sl, 2);
    UNTIL(w, world_hold(w)[0] != 0);
    restart(w);
    UNTIL_FAST(w, w->s->frontier[BATCH_COMMIT] == 4);
    world_stop(w);
    world_lose_journal(w);
    assert_true(world_start(w));
    UNTIL(w, w->s->caught_up && w->s->frontier[BATCH_COMMIT] == 4);
    assert_string_equal(world_hold(w), "");
    world_spin(w, 200);
    assert_int_equal(fake_sl_sent(w->sl, LANE_COMMIT, 4), 2);
}

/* Somebody committed other contents, which were reverted before ours: only the contract's word counts. */
static void row24_a_reverted_batch_with_other_contents_is_only_history(void **state)
{
    struct world *w = *state;
    struct sl_batch other = { .first = 1, .last = 7 };
    other.state.b[0] = other.commitment.b[0] = other.stored_hash.b[0] = 9;
    fake_sl_commit_foreign(w->sl, &other);
    fake_sl_revert(w->sl, 0);
    fake_sl_mine_many(w->sl, 3);
    assert_true(world_start(w));
    w->head = 5;
    UNTIL(w, world_all_at(w, 2));
    world_assert_once(w, 2);
    /* and when those events are read again */
    world_stop(w);
    world_lose_journal(w);
    assert_true(world_start(w));
    UNTIL(w, world_all_at(w, 2));
    assert_string_equal(world_hold(w), "");
}

static void another_node_with_our_keys_holds(void **state)
{
    struct world *w = *state;
    assert_true(world_start(w));
    w->head = 3;
    UNTIL(w, world_all_at(w, 1));
    struct sl_batch other = { .first = 3, .last = 4 };
    other.state.b[0] = other.commitment.b[0] = other.stored_hash.b[0] = 9;
    fake_sl_commit_foreign(w->sl, &other);
    w->head = 9;
    UNTIL(w, strstr(world_hold(w), "is not what our blocks give") != NULL);
    assert_non_null(strstr(w->s->snap_hold.remedy, "another node committed with these keys"));
}

/* The event differs from a batch we know as committed; L1 does not answer the question at first. That is no reason to hold. */
static void a_question_that_is_not_answered_is_asked_again(void **state)
{
    struct world *w = *state;
    assert_true(world_start(w));
    w->head = 3;
    UNTIL(w, world_all_at(w, 1));
    w->sl->lags = true;
    struct sl_event e[2] = { { .kind = SL_BATCH_RANGE, .batch = 1, .first = 1, .last = 2 },
                             { .kind = SL_BATCH_COMMIT, .batch = 1 } };
    settlement_on_events(w->s, e, 2);
    world_spin(w, 100);
    assert_string_equal(world_hold(w), "");
    w->sl->lags = false;
    uint64_t before = w->sl->hash_calls;
    UNTIL_FAST(w, w->sl->hash_calls > before);
    world_spin(w, 50);
    assert_string_equal(world_hold(w), "");
    assert_int_equal(w->s->ask_cnt, 0);
    /* and when the contract has something else, it is */
    w->sl->block[w->sl->head].after.batch[1].stored_hash.b[0] ^= 1;
    w->mine_every_ms = 0;
    settlement_on_events(w->s, e, 2);
    UNTIL(w, strstr(world_hold(w), "batch 1 on the settlement layer is not ours") != NULL);
}

static void row28_a_logs_root_that_is_not_ours_holds(void **state)
{
    struct world *w = *state;
    w->mine_every_ms = 0;
    assert_true(world_start(w));
    w->head = 3;
    UNTIL(w, w->sl->tx_cnt == 1);
    fake_sl_mine(w->sl);
    w->sl->block[w->sl->head].after.batch[1].logs_root.b[5] ^= 1;
    w->mine_every_ms = 15;
    UNTIL(w, strstr(world_hold(w), "logs root of batch 1") != NULL);
}

/* ---- events that cannot be ---- */

static void an_impossible_event_is_a_hold_not_a_loop(void **state)
{
    struct world *w = *state;
    assert_true(world_start(w));
    UNTIL(w, w->s->caught_up);
    struct sl_event proved = { .kind = SL_BATCH_PROVE, .first = 0, .last = UINT64_MAX };
    settlement_on_events(w->s, &proved, 1);
    assert_non_null(strstr(world_hold(w), "batch 1 is proved and we never saw it committed"));
    struct sl_event all[] = { { .kind = SL_BATCH_EXECUTE, .batch = UINT64_MAX },
                              { .kind = SL_BATCH_COMMIT, .batch = UINT64_MAX },
                              { .kind = SL_BATCH_REVERT, .batch = UINT64_MAX, .first = 3 },
                              { .kind = SL_BATCH_PROVE, .first = 9, .last = 3 } };
    settlement_on_events(w->s, all, 4);
    assert_int_equal(w->s->frontier[BATCH_EXECUTE], 0);
}

/* ---- reorganisations ---- */

static void reorg(struct world *w, uint64_t depth, bool lost)
{
    w->sl->reorged_txs_are_lost = lost;
    fake_sl_reorg(w->sl, depth);
}

static void row17_a_reorg_under_an_unconfirmed_commit(void **state)
{
    struct world *w = *state;
    w->confirmations = 0;
    w->cfg.sender.required_confirmations = 12;
    for (uint64_t depth = 1; depth <= 10; depth++) {
        if (!w->s)
            assert_true(world_start(w));
        w->head = 2 * depth + 1;
        w->mine_every_ms = 0;
        UNTIL(w, fake_sl_sent(w->sl, LANE_COMMIT, depth) == 1);
        fake_sl_mine_many(w->sl, (unsigned)depth);
        uint64_t committed = fake_sl_state(w->sl)->committed;
        UNTIL(w, w->s->frontier[BATCH_COMMIT] == committed);
        reorg(w, depth, depth % 2 == 1);
        fake_sl_mine(w->sl); /* the fork is longer */
        w->mine_every_ms = 15;
        UNTIL_FAST(w, world_all_at(w, depth));
    }
    world_assert_once(w, 10);
    assert_string_equal(world_hold(w), "");
}

static bool is_final(const struct world *w, const char *key)
{
    struct tx_info info;
    return tx_manager_find(w->s->lanes[LANE_COMMIT].manager, key, &info) &&
           info.state == TX_CONFIRMED;
}

/* Deeper than the senders' confirmations: their requests were final, and are gone. */
static void row17_a_reorg_deeper_than_the_confirmations_sends_again(void **state)
{
    struct world *w = *state;
    w->confirmations = 0;
    w->cfg.sender.required_confirmations = 1;
    assert_true(world_start(w));
    w->head = 5;
    UNTIL(w,
          w->s->frontier[BATCH_COMMIT] == 2 && is_final(w, "commit:1") && is_final(w, "commit:2"));
    w->mine_every_ms = 0;
    world_spin(w, 60);
    uint64_t at = world_row(w, 1).step[BATCH_COMMIT].sl_block;
    reorg(w, w->sl->head - at + 1, true);
    assert_int_equal(fake_sl_state(w->sl)->committed, 0);
    UNTIL(w, world_all_at(w, 0));
    w->mine_every_ms = 15;
    UNTIL_FAST(w, world_all_at(w, 2));
    assert_int_equal(fake_sl_state(w->sl)->executed, 2);
    assert_int_equal(fake_sl_sent(w->sl, LANE_COMMIT, 1), 2);
    for (size_t i = 0; i < w->sl->tx_cnt;
         i++) /* one that was live may fail, as what it was built on is gone; a new one does not */
        assert_true(w->sl->txs[i].ok || !w->sl->txs[i].block || w->sl->txs[i].nonce < 2);
}

static void row17_a_reorg_that_removes_a_proof(void **state)
{
    struct world *w = *state;
    w->confirmations = 0;
    w->cfg.max_range = 10;
    w->cfg.sender.required_confirmations = 20;
    assert_true(world_start(w));
    w->head = 5;
    UNTIL(w, w->s->frontier[BATCH_PROVE] == 2);
    w->mine_every_ms = 0;
    UNTIL(w, w->s->frontier[BATCH_PROVE] == 2);
    uint64_t at = world_row(w, 2).step[BATCH_PROVE].sl_block;
    w->head = 9; /* a longer range could go now */
    reorg(w, w->sl->head - at + 1, false);
    UNTIL(w, w->s->frontier[BATCH_PROVE] < 2);
    assert_int_equal(w->s->frontier[BATCH_COMMIT], 2);
    world_spin(w, 200);
    assert_int_equal(fake_sl_sent(w->sl, LANE_PROVE, 2), 1);
    w->mine_every_ms = 15;
    UNTIL_FAST(w, world_all_at(w, 4));
    world_assert_once(w, 4);
}

/* The proof of batch 1 is in a pool again after the reorganisation; a longer range could go. */
static void row17_a_live_proof_holds_its_lane_after_a_reorg(void **state)
{
    struct world *w = *state;
    w->confirmations = 0;
    w->cfg.max_range = 1;
    w->cfg.sender.required_confirmations = 4;
    w->mine_every_ms = 80; /* it must not be mined before we look */
    assert_true(world_start(w));
    w->head = 9;
    UNTIL(w, fake_sl_sent(w->sl, LANE_PROVE, 1) == 1);
    w->mine_every_ms = 0;
    w->sl->production_verifier = true; /* no further proof for the moment */
    w->s->contracts.is_testnet_verifier = false;
    while (fake_sl_state(w->sl)->proved == 0)
        fake_sl_mine(w->sl);
    UNTIL(w, w->s->frontier[BATCH_PROVE] == 1);
    assert_int_equal(w->s->lanes[LANE_PROVE].sent_to, 0);
    assert_int_equal(w->s->frontier[BATCH_COMMIT], 4);
    w->sl->production_verifier = false;
    w->s->cfg.max_range = 10;
    reorg(w, w->sl->head - world_row(w, 1).step[BATCH_PROVE].sl_block + 1, false);
    UNTIL(w, w->s->frontier[BATCH_PROVE] == 0 && w->s->contracts.is_testnet_verifier);
    world_spin(w, 200);
    assert_int_equal(fake_sl_sent(w->sl, LANE_PROVE, 2), 0);
    assert_int_equal(w->s->lanes[LANE_PROVE].sent_to, 1);
    w->mine_every_ms = 15;
    UNTIL_FAST(w, world_all_at(w, 4));
    world_assert_once(w, 4);
}

static void row17_a_reorg_that_removes_an_execution(void **state)
{
    struct world *w = *state;
    w->confirmations = 0;
    w->cfg.sender.required_confirmations = 20;
    assert_true(world_start(w));
    w->head = 5;
    UNTIL(w, w->s->frontier[BATCH_EXECUTE] == 2);
    w->mine_every_ms = 0;
    uint64_t at = world_row(w, 1).step[BATCH_EXECUTE].sl_block;
    reorg(w, w->sl->head - at + 1, true);
    UNTIL(w, w->s->frontier[BATCH_EXECUTE] == 0);
    struct settlement_frontiers f;
    settlement_frontiers_get(w->s, &f);
    assert_int_equal(f.batch[FRONTIER_EXECUTED], 0);
    assert_int_equal(f.block[FRONTIER_EXECUTED], 0);
    assert_int_equal(f.batch[FRONTIER_PROVED], 2);
    w->mine_every_ms = 15;
    UNTIL_FAST(w, world_all_at(w, 2));
    world_assert_once(w, 2);
}

static void row22_steps_carry_the_block_they_came_from(void **state)
{
    struct world *w = *state;
    w->confirmations = 0;
    w->cfg.sender.required_confirmations = 8;
    w->mine_every_ms = 0;
    assert_true(world_start(w));
    w->head = 3;
    UNTIL(w, w->sl->tx_cnt == 1);
    fake_sl_mine(w->sl);
    UNTIL(w, w->s->frontier[BATCH_COMMIT] == 1 && world_row(w, 1).step[BATCH_COMMIT].done);
    struct batch_row before = world_row(w, 1);
    reorg(w, 2, false);
    fake_sl_mine_many(w->sl, 2);
    UNTIL(w, w->s->frontier[BATCH_COMMIT] == 1 && world_row(w, 1).step[BATCH_COMMIT].done &&
                 world_row(w, 1).step[BATCH_COMMIT].sl_block != before.step[BATCH_COMMIT].sl_block);
    struct batch_step_row now = world_row(w, 1).step[BATCH_COMMIT];
    assert_memory_equal(&now.block_hash, &w->sl->block[now.sl_block].hash, 32);
    assert_memory_not_equal(&now.block_hash, &before.step[BATCH_COMMIT].block_hash, 32);
    UNTIL(w, world_row(w, 1).step[BATCH_COMMIT].sl_timestamp > 0);
    assert_int_equal(world_row(w, 1).step[BATCH_COMMIT].sl_timestamp,
                     w->sl->block[now.sl_block].timestamp);
}

static void row23_confirmations_are_kept_over_a_restart(void **state)
{
    struct world *w = *state;
    w->confirmations = 5;
    w->mine_every_ms = 0;
    assert_true(world_start(w));
    w->head = 3;
    UNTIL(w, w->sl->tx_cnt == 1);
    fake_sl_mine(w->sl);
    world_spin(w, 100);
    restart(w);
    world_spin(w, 200);
    assert_int_equal(w->s->frontier[BATCH_COMMIT], 0);
    fake_sl_mine_many(w->sl, 5);
    UNTIL(w, w->s->frontier[BATCH_COMMIT] == 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(row08_a_restart_at_every_moment_sends_nothing_twice),
        T(a_confirmed_proof_whose_event_is_not_deep_enough_is_not_sent_again),
        T(a_live_older_range_holds_its_lane_after_a_restart),
        T(a_stop_in_the_middle_of_questions_leaves_nothing_behind),
        T(a_lost_journal_is_rebuilt_and_work_goes_on),
        T(a_crash_while_adopting_loses_no_step),
        T(a_long_history_is_adopted),
        T(a_commit_of_the_lost_life_that_is_mined_later_is_adopted),
        T(a_journal_of_another_chain_of_blocks_holds),
        T(row24_a_live_revert_holds_and_a_restart_commits_again),
        T(row24_reverts_in_history_are_only_history),
        T(row24_a_reverted_batch_with_other_contents_is_only_history),
        T(another_node_with_our_keys_holds),
        T(a_question_that_is_not_answered_is_asked_again),
        T(row28_a_logs_root_that_is_not_ours_holds),
        T(an_impossible_event_is_a_hold_not_a_loop),
        T(row17_a_reorg_under_an_unconfirmed_commit),
        T(row17_a_reorg_deeper_than_the_confirmations_sends_again),
        T(row17_a_reorg_that_removes_a_proof),
        T(row17_a_live_proof_holds_its_lane_after_a_reorg),
        T(row17_a_reorg_that_removes_an_execution),
        T(row22_steps_carry_the_block_they_came_from),
        T(row23_confirmations_are_kept_over_a_restart),
    };
    return cmocka_run_group_tests_name("recovery", tests, NULL, NULL);
}
