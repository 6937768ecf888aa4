/* The watcher against a scripted L1 over real HTTP: a gapless cursor through reorganisations, restarts, refusals and lies. Rows of the
 * operators' needs: 17 (reorganisation, common ancestor, in process), 20 (429, ranges), 22 (what is derived follows the block it
 * came from), 23 (confirmations on every path), 24 (batch events again and again). */
#include <stdio.h>

#include "contracts-abi/gen/admin.h"
#include "contracts-abi/gen/mailbox.h"
#include "l1-watcher/watcher.h"
#include "node/base/hash.h"
#include "tests/unit/loop.h"
#include "tests/unit/store/store_case.h"
#include "tests/unit/watcher/fake_l1.h"

static struct fake_l1 *l1;
static struct eth_client *eth;
static struct watcher *watcher;
static struct watcher_config cfg;

static struct {
    uint64_t used; /* first priority id in none of our blocks */
    unsigned l1_txs, rewinds, stops, caught_up;
    uint64_t rewound_to, upper;
    struct sl_event events[64];
    size_t event_cnt;
    struct err why;
} got;

/* ---- callbacks ---- */

static void on_batch_events(void *arg, const struct sl_event *events, size_t n)
{
    (void)arg;
    for (size_t i = 0; i < n && got.event_cnt < 64; i++)
        got.events[got.event_cnt++] = events[i];
}
static void on_l1_txs(void *arg)
{
    (void)arg;
    got.l1_txs++;
}
static void on_rewind(void *arg, uint64_t from)
{
    (void)arg;
    got.rewinds++;
    got.rewound_to = from;
}
static uint64_t first_free(void *arg)
{
    (void)arg;
    return got.used;
}
static void on_caught_up(void *arg, uint64_t upper)
{
    (void)arg;
    got.caught_up++;
    got.upper = upper;
}
static void on_stopped(void *arg, const struct err *why)
{
    (void)arg;
    got.stops++;
    got.why = *why;
}

/* ---- life ---- */

static void start(void)
{
    struct err err;
    struct watcher_deps deps = {
        .base = sc.base, .clock = clock_system(), .eth = eth, .store = sc.store
    };
    struct watcher_callbacks cb = { .on_batch_events = on_batch_events,
                                    .on_l1_txs = on_l1_txs,
                                    .on_rewind = on_rewind,
                                    .first_free_priority_id = first_free,
                                    .on_caught_up = on_caught_up,
                                    .on_stopped = on_stopped };
    watcher = watcher_create(&deps, &cfg, &cb, &err);
    assert_non_null(watcher);
    if (!watcher_start(watcher, &err))
        fail_msg("%s", err.msg);
}

static void stop(void)
{
    watcher_destroy(watcher);
    watcher = NULL;
}

static void restart(void)
{
    stop();
    start();
}

static int setup(void **state)
{
    if (store_case_setup(state) != 0)
        return -1;
    memset(&got, 0, sizeof(got));
    l1 = fake_l1_create(sc.base);
    eth = fake_l1_client(sc.base, l1);
    cfg = (struct watcher_config){ .name = "L1",
                                   .cursor = WATCHER_CURSOR_L1,
                                   .families = WATCH_BATCHES | WATCH_REQUESTS,
                                   .chain_id = 10,
                                   .diamond = l1->diamond,
                                   .poll_ms = 2,
                                   .max_blocks = 50 };
    return 0;
}

static int teardown(void **state)
{
    stop();
    eth_client_destroy(eth);
    fake_l1_destroy(l1);
    return store_case_teardown(state);
}

static struct watcher_status status(void)
{
    struct watcher_status s;
    watcher_status_get(watcher, &s);
    return s;
}

/* Until everything up to head - confirmations is read and the count was compared, or the watcher stopped. */
static void settle(void)
{
    uint64_t upper = l1->head - cfg.confirmations;
    uint64_t end = clock_mono_ms(clock_system()) + 5000;
    while (got.stops == 0 && clock_mono_ms(clock_system()) < end) {
        struct watcher_status s = status();
        if (s.next_block == upper + 1 && s.head == l1->head && s.caught_up)
            break;
        loop_run_ms(sc.base, 2);
    }
    loop_run_ms(sc.base, 25); /* some more polls: the count, and nothing else happens */
}

static void settled(void)
{
    settle();
    if (got.stops)
        fail_msg("stopped: %s", got.why.msg);
    struct watcher_status s = status();
    assert_int_equal(s.next_block, l1->head - cfg.confirmations + 1);
}

static void stopped_with(enum err_kind kind, const char *text)
{
    settle();
    assert_int_equal(got.stops, 1);
    assert_int_equal(got.why.kind, kind);
    if (!strstr(got.why.msg, text))
        fail_msg("\"%s\" does not say \"%s\"", got.why.msg, text);
    struct watcher_status s = status();
    assert_true(s.stopped);
    assert_string_equal(s.error, got.why.msg);
    uint64_t requests = l1->requests;
    loop_run_ms(sc.base, 30);
    assert_int_equal(l1->requests, requests); /* and it stays stopped */
}

static size_t rows(const struct l1_tx_row **out)
{
    size_t n = 0;
    struct err err;
    assert_true(l1_priority_load(sc.reader, 0, 100, &sc.arena, out, &n, &err));
    return n;
}

static void expect_rows(const struct b256 *hashes, size_t n)
{
    const struct l1_tx_row *r;
    assert_int_equal(rows(&r), n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(r[i].id, i);
        assert_memory_equal(r[i].hash.b, hashes[i].b, 32);
    }
}

static struct watcher_cursor cursor(void)
{
    struct watcher_cursor c;
    struct err err;
    bool found = false;
    assert_true(watcher_cursor_load(sc.reader, "l1", &c, &found, &err));
    assert_true(found);
    return c;
}

/* ---- reading ---- */

static void reads_what_is_there(void **state)
{
    (void)state;
    struct b256 h[3];
    fake_l1_mine(l1, 120);
    h[0] = fake_l1_priority(l1, 10, 0, 0);
    h[1] = fake_l1_priority(l1, 10, 1, 0);
    h[2] = fake_l1_priority(l1, 119, 2, 0);
    start();
    settled();
    expect_rows(h, 3);
    const struct l1_tx_row *r;
    rows(&r);
    assert_int_equal(r[2].l1_block, 119);
    assert_memory_equal(r[2].l1_block_hash.b, l1->block[119].hash.b, 32);
    assert_int_equal(r[2].envelope.p[0], 0x7f);
    struct watcher_cursor c = cursor();
    assert_int_equal(c.next_block, 121);
    assert_memory_equal(c.block_hash.b, l1->block[120].hash.b, 32);
    struct watcher_status s = status();
    assert_int_equal(s.next_priority_id, 3);
    assert_int_equal(s.priority_ops, 3);
    assert_int_equal(s.head, 120);
    assert_true(s.caught_up && s.error[0] == 0 && s.reorgs == 0);
    assert_int_equal(got.upper, 120);
    assert_true(l1->call_requests > 0); /* the contract was asked for its count */
}

static void follows_the_head(void **state)
{
    (void)state;
    struct b256 h[20];
    fake_l1_mine(l1, 5);
    start();
    settled();
    for (uint64_t i = 0; i < 20; i++) {
        fake_l1_mine(l1, 1 + i % 3);
        h[i] = fake_l1_priority(l1, l1->head, i, i);
        settled();
        expect_rows(h, i + 1);
    }
    assert_int_equal(got.l1_txs, 20);
    assert_int_equal(status().reorgs, 0);
}

static void batch_events_in_order(void **state)
{
    (void)state;
    fake_l1_mine(l1, 30);
    fake_l1_commit(l1, 7, 1);
    fake_l1_commit(l1, 7, 2);
    struct b256 freeze = ABI_V31_FREEZE_TOPIC;
    fake_l1_put(l1, 9, &l1->diamond, &freeze, 1, NULL, 0);
    start();
    settled();
    assert_int_equal(got.event_cnt, 5);
    assert_int_equal(got.events[0].kind, SL_BATCH_RANGE);
    assert_int_equal(got.events[0].batch, 1);
    assert_int_equal(got.events[0].first, 10);
    assert_int_equal(got.events[0].last, 19);
    assert_int_equal(got.events[1].kind, SL_BATCH_COMMIT);
    struct b256 commitment = b256_of_u64(3);
    assert_memory_equal(got.events[1].commitment.b, commitment.b, 32);
    assert_int_equal(got.events[1].sl_block, 7);
    assert_memory_equal(got.events[1].block_hash.b, l1->block[7].hash.b, 32);
    assert_int_equal(got.events[3].batch, 2);
    assert_int_equal(got.events[4].kind, SL_NOTICE);
    assert_string_equal(got.events[4].text, "the diamond was frozen");
}

/* What somebody else emits under the same topics is nothing to us. */
static void only_the_diamond_counts(void **state)
{
    (void)state;
    memset(cfg.ctm.b, 0xc0, 20);
    fake_l1_mine(l1, 20);
    struct b256 h = fake_l1_priority(l1, 5, 0, 0);
    fake_l1_priority(l1, 6, 1, 0);
    struct addr other = addr_of_u32(0xbad);
    l1->block[6].logs[0].addr = other;
    l1->block[6].logs[0].is_priority = false;
    fake_l1_priority(l1, 7, 1, 0);
    l1->block[7].logs[0].addr = cfg.ctm; /* asked for, but not for requests */
    l1->block[7].logs[0].is_priority = false;
    start();
    settled();
    expect_rows(&h, 1);
}

static void row_23_confirmations_hold_on_every_path(void **state)
{
    (void)state;
    struct b256 h[2];
    cfg.confirmations = 4;
    fake_l1_mine(l1, 20);
    h[0] = fake_l1_priority(l1, 16, 0, 0);
    h[1] = fake_l1_priority(l1, 17, 1, 0);
    start();
    settled();
    expect_rows(h, 1); /* block 17 has three on top */
    restart();         /* a start is no excuse */
    settled();
    expect_rows(h, 1);
    fake_l1_mine(l1, 1);
    settled();
    expect_rows(h, 2);
    assert_int_equal(cursor().next_block, 18);
}

static void restart_goes_on_at_the_cursor(void **state)
{
    (void)state;
    struct b256 h[2];
    fake_l1_mine(l1, 200);
    h[0] = fake_l1_priority(l1, 100, 0, 0);
    start();
    settled();
    uint64_t asked = l1->log_requests;
    assert_true(asked >= 4); /* ranges of at most 50 */
    restart();
    settled();
    assert_int_equal(l1->log_requests, asked);
    fake_l1_mine(l1, 2);
    h[1] = fake_l1_priority(l1, 201, 1, 0);
    settled();
    expect_rows(h, 2);
    assert_int_equal(l1->log_requests, asked + 1);
}

/* Stopped at any moment, also while a range is being stored: nothing is lost or read twice. */
static void stop_at_any_moment(void **state)
{
    (void)state;
    struct b256 h[40];
    fake_l1_mine(l1, 400);
    for (uint64_t i = 0; i < 40; i++)
        h[i] = fake_l1_priority(l1, 5 + 9 * i, i, 0);
    uint64_t seed = 3;
    for (unsigned i = 0; i < 60; i++) {
        start();
        loop_run_ms(sc.base, (unsigned)(test_random(&seed) % 6));
        stop();
    }
    start();
    settled();
    expect_rows(h, 40);
}

static void a_short_chain_is_read_whole(void **state)
{
    (void)state;
    fake_l1_mine(l1, 60);
    l1->deployed_at = 50;
    start();
    settled();
    assert_int_equal(l1->code_requests, 0);
}

/* A chain too long to read from its start: the first block with code is found by halving. */
static void first_scan_begins_at_the_code(void **state)
{
    (void)state;
    cfg.max_blocks = 500;
    fake_l1_mine(l1, 120000);
    l1->deployed_at = 119321;
    struct b256 h = fake_l1_priority(l1, 119321, 0, 0);
    start();
    settled();
    expect_rows(&h, 1);
    assert_true(l1->code_requests >= 15 && l1->code_requests <= 18);
    assert_true(l1->log_requests <= 3);
}

/* ---- reorganisations ---- */

/* Depth 1 to 10, nothing of it used: what was read above the common ancestor is gone, what the new fork has is there. */
static void row_17_reorg_before_use(void **state)
{
    (void)state;
    struct b256 h[64];
    uint64_t n = 0;
    fake_l1_mine(l1, 100);
    start();
    settled();
    for (uint64_t depth = 1; depth <= 10; depth++) {
        unsigned rewinds = got.rewinds;
        for (uint64_t i = 0; i < depth; i++) { /* block by block, so that the ancestor is exact */
            fake_l1_mine(l1, 1);
            if (i == 0)
                h[n] = fake_l1_priority(l1, l1->head, n, depth);
            settled();
        }
        expect_rows(h, n + 1);
        fake_l1_reorg(l1, depth);
        fake_l1_mine(l1, 1);
        h[n] = fake_l1_priority(l1, l1->head, n, 100 + depth); /* another one under the id */
        settled();
        n++;
        expect_rows(h, n);
        struct watcher_status s = status();
        assert_int_equal(got.rewinds, rewinds + 1);
        assert_int_equal(s.reorgs, depth);
        assert_int_equal(s.last_reorg_depth, depth);
        assert_int_equal(s.max_reorg_depth, depth);
        assert_int_equal(got.rewound_to, l1->head - depth);
    }
    struct watcher_cursor c = cursor();
    assert_memory_equal(c.block_hash.b, l1->block[l1->head].hash.b, 32);
}

/* The operation is in one of our blocks: it stays, and is there again when L1 takes the same transaction up again. */
static void row_22_reorg_after_use(void **state)
{
    (void)state;
    struct b256 h[3];
    const struct l1_tx_row *r;
    fake_l1_mine(l1, 100);
    start();
    settled();
    fake_l1_mine(l1, 1);
    h[0] = fake_l1_priority(l1, l1->head, 0, 0);
    settled();
    fake_l1_mine(l1, 1);
    h[1] = fake_l1_priority(l1, l1->head, 1, 0);
    settled();
    got.used = 1; /* 0 is in a block, 1 is not */
    fake_l1_reorg(l1, 2);
    fake_l1_mine(l1, 1);
    settled();
    expect_rows(h, 1); /* 1 is gone, 0 stays */
    rows(&r);
    assert_true(r[0].l1_block == L1_BLOCK_GONE);
    assert_string_equal(status().error,
                        "priority operations 0 to 0 of our blocks are not on L1 any "
                        "more: waiting for them to come back");
    restart(); /* it is still known to be missing */
    settled();
    assert_true(strstr(status().error, "waiting for them to come back") != NULL);
    fake_l1_mine(l1, 1);
    (void)fake_l1_priority(l1, l1->head, 0, 0);
    settled();
    expect_rows(h, 1);
    rows(&r);
    assert_int_equal(r[0].l1_block, l1->head);
    assert_memory_equal(r[0].l1_block_hash.b, l1->block[l1->head].hash.b, 32);
    assert_string_equal(status().error, "");
    fake_l1_mine(l1, 1);
    h[1] = fake_l1_priority(l1, l1->head, 1, 7);
    settled();
    expect_rows(h, 2);
}

/* Another transaction under an id that our blocks used: L1's history contradicts ours. */
static void row_22_reorg_that_contradicts(void **state)
{
    (void)state;
    fake_l1_mine(l1, 100);
    start();
    settled();
    fake_l1_mine(l1, 1);
    (void)fake_l1_priority(l1, l1->head, 0, 0);
    settled();
    got.used = 1;
    fake_l1_reorg(l1, 1);
    fake_l1_mine(l1, 1);
    (void)fake_l1_priority(l1, l1->head, 0, 1);
    stopped_with(ERR_DIVERGED, "priority operation 0 was read before with another hash");
}

static void row_17_reorg_across_ranges_and_after_restart(void **state)
{
    (void)state;
    struct b256 h[2];
    fake_l1_mine(l1, 300);
    h[0] = fake_l1_priority(l1, 100, 0, 0);
    (void)fake_l1_priority(l1, 295, 1, 0);
    start();
    settled();
    stop(); /* L1 changes while nobody looks, and the new watcher knows one block only */
    fake_l1_reorg(l1, 10);
    fake_l1_mine(l1, 2);
    h[1] = fake_l1_priority(l1, 301, 1, 9);
    start();
    settled();
    expect_rows(h, 2);
    assert_int_equal(status().reorgs, 1);
    assert_true(status().last_reorg_depth >= 10);
}

/* The same twice while the first is being followed. */
static void row_17_reorg_in_a_reorg(void **state)
{
    (void)state;
    struct b256 h[1];
    fake_l1_mine(l1, 100);
    start();
    settled();
    for (unsigned i = 0; i < 6; i++) {
        fake_l1_mine(l1, 1);
        settled();
    }
    fake_l1_reorg(l1, 2);
    loop_run_ms(sc.base, 3);
    fake_l1_reorg(l1, 5);
    loop_run_ms(sc.base, 1);
    fake_l1_reorg(l1, 1);
    fake_l1_mine(l1, 1);
    h[0] = fake_l1_priority(l1, l1->head, 0, 0);
    settled();
    expect_rows(h, 1);
}

static void replace_tip(struct fake_l1 *x, void *arg)
{
    x->on_logs = NULL;
    fake_l1_reorg(x, 5);
    struct b256 *h = arg;
    h[1] = fake_l1_priority(x, x->head - 2, 1, 77); /* in the middle of the range just answered */
}

/* L1 changes between the logs of a range and the hash of its last block: the range does not count. */
static void a_range_of_two_forks_is_read_again(void **state)
{
    (void)state;
    struct b256 h[2];
    fake_l1_mine(l1, 40);
    h[0] = fake_l1_priority(l1, 20, 0, 0);
    (void)fake_l1_priority(l1, 37, 1, 1); /* will be replaced */
    l1->on_logs = replace_tip;
    l1->on_logs_arg = h;
    start();
    settled();
    expect_rows(h, 2);
    const struct l1_tx_row *r;
    rows(&r);
    assert_int_equal(r[1].l1_block, 38);
}

/* A fork that is shorter so far, or an endpoint that is behind, is no reorganisation: nothing is taken back before the blocks say so. */
static void an_endpoint_that_is_behind(void **state)
{
    (void)state;
    struct b256 h[1];
    fake_l1_mine(l1, 50);
    h[0] = fake_l1_priority(l1, 50, 0, 0);
    start();
    settled();
    l1->show_head = 45;
    loop_run_ms(sc.base, 40);
    assert_int_equal(got.stops + got.rewinds, 0);
    assert_string_equal(status().error, "L1 is at block 45, below the last block read, 50");
    expect_rows(h, 1);
    l1->show_head = 0;
    fake_l1_mine(l1, 1);
    settled();
    assert_int_equal(status().reorgs, 0);
    assert_string_equal(status().error, "");
}

/* ---- providers ---- */

static void row_20_refusals_and_rate_limits(void **state)
{
    (void)state;
    struct b256 h[3];
    static const int codes[] = { 429, 500, 502, 503 };
    fake_l1_mine(l1, 30);
    h[0] = fake_l1_priority(l1, 10, 0, 0);
    l1->fail_next = 5;
    l1->fail_status = 429;
    start();
    settled();
    expect_rows(h, 1);
    for (size_t i = 0; i < 4; i++) {
        l1->fail_status = codes[i];
        l1->fail_next = 3;
        loop_run_ms(sc.base, 10);
        l1->fail_next = 3;
        fake_l1_mine(l1, 1);
        settled();
    }
    fake_l1_mine(l1, 1);
    h[1] = fake_l1_priority(l1, l1->head, 1, 0);
    settled();
    expect_rows(h, 2);
}

static void row_20_range_limits(void **state)
{
    (void)state;
    struct b256 h[10];
    l1->max_range = 7;
    fake_l1_mine(l1, 200);
    for (uint64_t i = 0; i < 10; i++)
        h[i] = fake_l1_priority(l1, 3 + 20 * i, i, 0);
    start();
    settled();
    expect_rows(h, 10);
    l1->max_range = 1;
    fake_l1_mine(l1, 20);
    settled();
    expect_rows(h, 10);
}

/* Answers that are no answers: said once in the status, asked again, never a reason to stop. */
static void garbage_and_missing_blocks_pass(void **state)
{
    (void)state;
    struct b256 h[2];
    fake_l1_mine(l1, 30);
    h[0] = fake_l1_priority(l1, 10, 0, 0);
    l1->garbage_next = 6;
    start();
    settled();
    expect_rows(h, 1);
    l1->garbage_next = 4;
    loop_run_ms(sc.base, 20);
    l1->nulls_next = 3;
    fake_l1_mine(l1, 1);
    settled();
    l1->nulls_next = 2;
    loop_run_ms(sc.base, 30);
    fake_l1_mine(l1, 1);
    h[1] = fake_l1_priority(l1, l1->head, 1, 0);
    settled();
    expect_rows(h, 2);
    assert_int_equal(status().reorgs, 0);
    assert_string_equal(status().error, "");
}

static void a_node_without_old_state(void **state)
{
    (void)state;
    struct b256 h = { { 0 } };
    fake_l1_mine(l1, 30);
    h = fake_l1_priority(l1, 10, 0, 0);
    l1->prunes = true;
    start();
    settled();
    expect_rows(&h, 1);
    uint64_t asked = l1->call_requests;
    loop_run_ms(sc.base, 40);
    assert_int_equal(l1->call_requests, asked); /* not asked at every poll */
}

/* The diamond is younger than what is confirmed: it has no count yet, and that is no contradiction. */
static void a_diamond_without_code_yet(void **state)
{
    (void)state;
    cfg.confirmations = 5;
    fake_l1_mine(l1, 30);
    l1->deployed_at = 28;
    start();
    settle();
    assert_int_equal(got.stops, 0);
    fake_l1_mine(l1, 10);
    settled();
    assert_string_equal(status().error, "");
}

/* ---- what stops it ---- */

static void a_gap_stops(void **state)
{
    (void)state;
    fake_l1_mine(l1, 30);
    (void)fake_l1_priority(l1, 10, 0, 0);
    (void)fake_l1_priority(l1, 12, 2, 0);
    start();
    stopped_with(ERR_INVALID, "gap in priority operations: 2 in block 12 where 1 was expected");
    const struct l1_tx_row *r;
    assert_int_equal(rows(&r), 0); /* nothing of a range that cannot be */
}

static void a_provider_that_leaves_logs_out(void **state)
{
    (void)state;
    fake_l1_mine(l1, 30);
    (void)fake_l1_priority(l1, 10, 0, 0);
    l1->drop_log_next = 1; /* the only one: the events look fine, the contract knows better */
    start();
    stopped_with(ERR_DIVERGED,
                 "the diamond has 1 priority operations at block 30, its events gave 0");
}

static void a_count_that_differs_stops(void **state)
{
    (void)state;
    fake_l1_mine(l1, 30);
    (void)fake_l1_priority(l1, 10, 0, 0);
    start();
    settled();
    l1->count_bias = -1;
    fake_l1_mine(l1, 1);
    stopped_with(ERR_DIVERGED,
                 "the diamond has 0 priority operations at block 31, its events gave 1");
}

static void damage(size_t at, uint8_t flip)
{
    fake_l1_mine(l1, 30);
    (void)fake_l1_priority(l1, 10, 0, 0);
    struct fake_log *l = &l1->block[10].logs[0];
    assert_true(at < l->len);
    l->data[at] ^= flip;
    start();
}

static void a_malformed_request_stops(void **state)
{
    (void)state;
    damage(32 * 3 + 31, 0x40); /* the offset of the transaction */
    stopped_with(ERR_INVALID, "log 0 of transaction 0x");
}

static void a_request_of_another_hash_stops(void **state)
{
    (void)state;
    damage(32 + 5, 1); /* txHash */
    stopped_with(ERR_INVALID, "the canonical hash differs from the event's");
}

static void a_request_of_another_id_stops(void **state)
{
    (void)state;
    damage(31, 1); /* txId */
    stopped_with(ERR_INVALID, "the id is not the transaction's nonce");
}

static void a_cut_request_stops(void **state)
{
    (void)state;
    fake_l1_mine(l1, 30);
    (void)fake_l1_priority(l1, 10, 0, 0);
    l1->block[10].logs[0].len -= 32;
    start();
    stopped_with(ERR_INVALID, "in block 10: ");
}

static void wrong_settings(void **state)
{
    (void)state;
    struct err err;
    struct watcher_deps deps = {
        .base = sc.base, .clock = clock_system(), .eth = eth, .store = sc.store
    };
    struct watcher_callbacks cb = { 0 };
    cfg.poll_ms = 0;
    assert_null(watcher_create(&deps, &cfg, &cb, &err));
    assert_string_equal(err.msg, "the watcher needs a name, a cursor, families, a diamond and a "
                                 "poll interval");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(reads_what_is_there),
        T(follows_the_head),
        T(batch_events_in_order),
        T(only_the_diamond_counts),
        T(row_23_confirmations_hold_on_every_path),
        T(restart_goes_on_at_the_cursor),
        T(stop_at_any_moment),
        T(a_short_chain_is_read_whole),
        T(first_scan_begins_at_the_code),
        T(row_17_reorg_before_use),
        T(row_22_reorg_after_use),
        T(row_22_reorg_that_contradicts),
        T(row_17_reorg_across_ranges_and_after_restart),
        T(row_17_reorg_in_a_reorg),
        T(a_range_of_two_forks_is_read_again),
        T(an_endpoint_that_is_behind),
        T(row_20_refusals_and_rate_limits),
        T(row_20_range_limits),
        T(garbage_and_missing_blocks_pass),
        T(a_node_without_old_state),
        T(a_diamond_without_code_yet),
        T(a_gap_stops),
        T(a_provider_that_leaves_logs_out),
        T(a_count_that_differs_stops),
        T(a_malformed_request_stops),
        T(a_request_of_another_hash_stops),
        T(a_request_of_another_id_stops),
        T(a_cut_request_stops),
        T(wrong_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
