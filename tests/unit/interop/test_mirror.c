/* The mirror of a MessageRoot behind its watcher, fed with the events that a real contract emitted (vectors/interop/gateway_proofs.json) by a
 * scripted layer over real HTTP: reorganisations, restarts, false and missing events. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interop/mirror.h"
#include "l1-watcher/watcher.h"
#include "tests/unit/loop.h"
#include "tests/unit/store/store_case.h"
#include "tests/unit/watcher/fake_l1.h"
#include "tests/vectors/interop/vectors.h"

#define CURSOR "roots-506"

static json_t *vectors;
static struct fake_l1 *l1;
static struct eth_client *eth;
static struct watcher *watcher;
static struct mirror *mirror;
static struct addr contract;

static struct {
    unsigned stops, rewinds;
    bool refuse;
    struct err why;
    struct mirror_root importable[64];
    size_t importable_cnt;
} got;

/* ---- wiring, as the node does it ---- */

static bool on_roots(void *arg, const struct message_root_row *rows, size_t n, uint64_t covered_to,
                     struct err *err)
{
    (void)arg;
    return mirror_on_roots(mirror, rows, n, covered_to, err);
}
static struct b256 expected_root(void *arg)
{
    (void)arg;
    return mirror_expected_root(mirror);
}
static void on_root_checked(void *arg, uint64_t block)
{
    (void)arg;
    mirror_on_checked(mirror, block);
}
static void on_rewind(void *arg, uint64_t from)
{
    (void)arg;
    got.rewinds++;
    mirror_on_rewind(mirror, from);
}
static void on_caught_up(void *arg, uint64_t upper)
{
    (void)arg;
    (void)upper;
}
static void on_stopped(void *arg, const struct err *why)
{
    (void)arg;
    got.stops++;
    got.why = *why;
    mirror_hold(mirror, why->msg);
}
static bool on_importable(void *arg, uint64_t chain, const struct mirror_root *r)
{
    (void)arg;
    assert_int_equal(chain, 506);
    if (got.refuse)
        return false;
    if (got.importable_cnt < 64)
        got.importable[got.importable_cnt++] = *r;
    return true;
}

static void start(void)
{
    struct err err = { .kind = ERR_NONE };
    struct mirror_config mc = { .layer = 506, .name = "the Gateway" };
    struct mirror_callbacks mcb = { .on_importable_root = on_importable };
    struct watcher_deps deps = {
        .base = sc.base, .clock = clock_system(), .eth = eth, .store = sc.store
    };
    struct watcher_config cfg = { .name = "the Gateway",
                                  .cursor = CURSOR,
                                  .families = WATCH_ROOTS,
                                  .chain_id = 506,
                                  .diamond = contract,
                                  .poll_ms = 2,
                                  .max_blocks = 3 };
    struct watcher_callbacks cb = { .on_roots = on_roots,
                                    .expected_root = expected_root,
                                    .on_root_checked = on_root_checked,
                                    .on_rewind = on_rewind,
                                    .on_caught_up = on_caught_up,
                                    .on_stopped = on_stopped };
    mirror = mirror_create(sc.store, &mc, &mcb, CURSOR, &err);
    if (!mirror)
        fail_msg("%s", err.msg);
    watcher = watcher_create(&deps, &cfg, &cb, &err);
    assert_non_null(watcher);
    assert_true(watcher_start(watcher, &err));
}

static void stop(void)
{
    watcher_destroy(watcher);
    mirror_destroy(mirror);
    watcher = NULL;
    mirror = NULL;
}

static int setup(void **state)
{
    if (store_case_setup(state) != 0)
        return -1;
    memset(&got, 0, sizeof(got));
    l1 = fake_l1_create(sc.base);
    l1->root_before =
        json_b256(json_need(json_array_get(json_need(vectors, "gateway_steps"), 0), "before"));
    contract = addr_of_u32(0x10005);
    eth = fake_l1_client(sc.base, l1);
    return 0;
}

static int teardown(void **state)
{
    stop();
    eth_client_destroy(eth);
    fake_l1_destroy(l1);
    return store_case_teardown(state);
}

/* ---- the recorded events ---- */

/* The events of the steps from..to (by their recorded block) into blocks shifted by `by`. */
static void put_steps(uint64_t from, uint64_t to, uint64_t by)
{
    const json_t *step, *event;
    size_t i, k;
    json_array_foreach(json_need(vectors, "gateway_steps"), i, step)
    {
        uint64_t block = json_u64(json_need(step, "block"));
        if (block < from || block > to)
            continue;
        json_array_foreach(json_need(step, "events"), k, event)
        {
            struct b256 topics[4];
            size_t n;
            struct bytes data = bytes_of_hex(json_need(event, "data"));
            words_of(topics, 4, &n, json_need(event, "topics"));
            if (n == 4)
                topics[2] = b256_of_u64(block + by); /* NewInteropRoot names its block */
            fake_l1_put(l1, block + by, &contract, topics, n, data.p, data.len);
            bytes_free(data);
        }
    }
}

static struct b256 root_after(uint64_t block)
{
    struct b256 root = l1->root_before;
    const json_t *step;
    size_t i;
    json_array_foreach(json_need(vectors, "gateway_steps"), i, step)
    {
        if (json_u64(json_need(step, "block")) <= block)
            root = json_b256(json_need(step, "aggregatedRoot"));
    }
    return root;
}

static struct mirror_status status(void)
{
    struct mirror_status s;
    mirror_status_get(mirror, &s);
    return s;
}

/* Until the head is read and agreed upon, or the watcher stopped. */
static void settle(void)
{
    uint64_t end = clock_mono_ms(clock_system()) + 5000;
    while (!got.stops && clock_mono_ms(clock_system()) < end) {
        struct mirror_status s = status();
        struct watcher_status w;
        watcher_status_get(watcher, &w);
        if (s.checked_to == l1->head && s.read_to == l1->head && w.head == l1->head)
            break;
        loop_run_ms(sc.base, 2);
    }
    loop_run_ms(sc.base, 20);
}

static void settled(void)
{
    settle();
    if (got.stops)
        fail_msg("stopped: %s", got.why.msg);
    assert_int_equal(status().checked_to, l1->head);
    assert_string_equal(status().held, "");
}

static void expect_history(uint64_t to, uint64_t by)
{
    for (uint64_t b = 0; b <= to; b++) {
        struct b256 have, want = root_after(b);
        assert_true(mirror_root_at(mirror, b + by, &have));
        assert_hash(&have, &want);
    }
}

/* ---- tests ---- */

static void every_block_has_the_contracts_root(void **state)
{
    (void)state;
    fake_l1_mine(l1, 12);
    put_steps(0, 8, 0);
    start();
    settled();
    expect_history(8, 0);
    struct mirror_root r;
    assert_true(mirror_root_of_block(mirror, 7, &r));
    struct b256 x = json_b256(json_need(vectors, "interopRootAtX"));
    assert_hash(&r.root, &x); /* the last of four in that block */
    assert_int_equal(r.log_id, 7);
    assert_false(mirror_root_of_block(mirror, 9, &r));
    assert_false(mirror_root_of_block(mirror, 13, &r)); /* not read yet */
    struct message_root_leaf leaf;
    struct message_root_path path;
    assert_true(mirror_find(mirror, 6565, 2, &leaf) && leaf.block == 7 && leaf.position == 1);
    assert_true(mirror_prove(mirror, 6565, 2, 8, &path));
    assert_false(mirror_prove(mirror, 6565, 2, 6, &path));
    assert_false(mirror_prove(mirror, 6565, 2, 13, &path));
    struct mirror_status s = status();
    assert_true(s.chains == 4 && s.batches == 7 && s.last_log_id == 8 && s.last_change == 8);
}

static void only_the_contract_itself_counts(void **state)
{
    (void)state;
    fake_l1_mine(l1, 5);
    put_steps(0, 4, 0);
    l1->block[4].logs[0].addr = addr_of_u32(0xbad);
    l1->block[4].logs[1].addr = addr_of_u32(0xbad);
    l1->block[4].logs[1].len = 0; /* no root for the scripted contract either */
    start();
    settled();
    expect_history(3, 0);
    assert_int_equal(status().chains, 3);
}

static void roots_become_importable_in_order_when_final(void **state)
{
    (void)state;
    fake_l1_mine(l1, 6);
    put_steps(0, 6, 0);
    start();
    settled();
    assert_int_equal(got.importable_cnt, 0); /* nothing is final yet */
    got.refuse = true;                       /* nobody can take them now */
    mirror_set_final(mirror, 3);
    got.refuse = false;
    mirror_set_final(mirror, 4); /* none is lost */
    assert_int_equal(got.importable_cnt, 3);
    fake_l1_mine(l1, 2);
    put_steps(7, 8, 0);
    mirror_set_final(mirror, 100); /* beyond what has been read */
    assert_int_equal(got.importable_cnt, 5);
    settled();
    assert_int_equal(got.importable_cnt, 7);
    for (size_t i = 0; i < 7; i++) {
        struct b256 want = root_after(i + 2);
        assert_int_equal(got.importable[i].block, i + 2);
        assert_hash(&got.importable[i].root, &want);
    }
    struct mirror_root r;
    assert_true(mirror_next_importable(mirror, 4, &r) && r.block == 5 && r.log_id == 5);
    assert_false(mirror_next_importable(mirror, 8, &r));
}

static bool up_to_block_7(void *arg, const struct mirror_root *r)
{
    ++*(unsigned *)arg;
    assert_true(r->has_logs); /* others are never imported */
    return r->block <= 7;
}

static void what_was_imported_is_not_offered_again(void **state)
{
    (void)state;
    unsigned asked = 0;
    fake_l1_mine(l1, 8);
    put_steps(0, 8, 0);
    start();
    settled();
    stop();
    start();
    mirror_skip_imported(mirror, up_to_block_7, &asked);
    assert_true(asked > 0 && asked <= 4);
    settled();
    mirror_set_final(mirror, 8);
    assert_int_equal(got.importable_cnt, 1);
    assert_int_equal(got.importable[0].block, 8);
}

/* Above finality a reorganisation replaces blocks: their roots were never importable. */
static void a_reorganisation_is_followed(void **state)
{
    (void)state;
    fake_l1_mine(l1, 8);
    put_steps(0, 8, 0);
    start();
    settled();
    mirror_set_final(mirror, 4);
    size_t before = got.importable_cnt;
    fake_l1_reorg(l1, 4); /* blocks 5 to 8 are others now */
    fake_l1_mine(l1, 6);
    put_steps(5, 8, 5); /* the same batches, five blocks later */
    settled();
    assert_true(got.rewinds > 0);
    expect_history(4, 0);
    for (uint64_t b = 5; b <= 8; b++) {
        struct b256 have, want = root_after(b);
        assert_true(mirror_root_at(mirror, b + 5, &have));
        assert_hash(&have, &want);
        want = root_after(4);
        assert_true(mirror_root_at(mirror, b, &have));
        assert_hash(&have, &want);
    }
    assert_int_equal(got.importable_cnt, before); /* what was final is not said twice */
    mirror_set_final(mirror, 20);
    assert_int_equal(got.importable_cnt, before + 4);
    assert_int_equal(got.importable[before].block, 10);
}

/* Below it: roots that were given out are gone. Nothing is given out afterwards. */
static void a_reorganisation_of_final_blocks_holds(void **state)
{
    (void)state;
    fake_l1_mine(l1, 8);
    put_steps(0, 8, 0);
    start();
    settled();
    mirror_set_final(mirror, 8);
    size_t before = got.importable_cnt;
    fake_l1_reorg(l1, 4);
    fake_l1_mine(l1, 6);
    put_steps(5, 8, 5);
    uint64_t end = clock_mono_ms(clock_system()) + 5000;
    while (!status().held[0] && clock_mono_ms(clock_system()) < end)
        loop_turn(sc.base, 5);
    assert_non_null(strstr(status().held, "took back block 8, which was final"));
    mirror_set_final(mirror, 20);
    assert_int_equal(got.importable_cnt, before);
}

static void a_restart_needs_no_events_again(void **state)
{
    (void)state;
    fake_l1_mine(l1, 8);
    put_steps(0, 8, 0);
    start();
    settled();
    uint64_t asked = l1->log_requests;
    stop();
    start();
    expect_history(8, 0); /* from the store alone, before a word from the layer */
    settled();
    assert_int_equal(l1->log_requests, asked);
    struct message_root_path path;
    assert_true(mirror_prove(mirror, 6565, 2, 7, &path));
}

static void close_layer(void)
{
    eth_client_destroy(eth);
    fake_l1_destroy(l1);
}

static void open_layer(void)
{
    l1 = fake_l1_create(sc.base);
    l1->root_before =
        json_b256(json_need(json_array_get(json_need(vectors, "gateway_steps"), 0), "before"));
    fake_l1_mine(l1, 8);
    put_steps(0, 8, 0);
    eth = fake_l1_client(sc.base, l1);
}

/* A process that is killed while it reads, again and again: what it left is a whole history, and the next one goes on. */
static void kill_9_leaves_whole_blocks(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 12; round++) {
        close_layer();
        store_case_close();
        fflush(stdout);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            store_case_open();
            open_layer();
            start();
            for (unsigned i = 0; i < round * 4; i++)
                loop_turn(sc.base, 50);
            kill(getpid(), SIGKILL);
        }
        int how = 0;
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
        store_case_open();
        open_layer();
        struct err err = { .kind = ERR_NONE };
        struct mirror_config mc = { .layer = 506, .name = "the Gateway" };
        struct mirror_callbacks none = { .arg = NULL };
        mirror = mirror_create(sc.store, &mc, &none, CURSOR, &err);
        assert_non_null(mirror);
        struct mirror_status s = status();
        struct b256 have, want = root_after(s.read_to);
        if (s.read_to > 0) {
            assert_true(mirror_root_at(mirror, s.read_to, &have));
            assert_hash(&have, &want);
        }
        mirror_destroy(mirror);
        mirror = NULL;
    }
    start();
    settled();
    expect_history(8, 0);
}

static void held_with(const char *text)
{
    settle();
    assert_int_equal(got.stops, 1);
    if (!strstr(got.why.msg, text))
        fail_msg("\"%s\" does not say \"%s\"", got.why.msg, text);
    assert_string_equal(status().held, got.why.msg);
    struct mirror_root r;
    assert_false(mirror_next_importable(mirror, 0, &r));
}

static void a_false_root_holds_and_is_read_again(void **state)
{
    (void)state;
    fake_l1_mine(l1, 8);
    put_steps(0, 8, 0);
    l1->block[6].logs[2].data[70] ^= 1; /* the root in the event */
    start();
    mirror_set_final(mirror, 8);
    held_with("block 6");
    size_t believed = got.importable_cnt;
    for (size_t i = 0; i < believed; i++)
        assert_true(got.importable[i].block < 6);
    /* the endpoint is put right */
    l1->block[6].logs[2].data[70] ^= 1;
    stop();
    got.stops = 0;
    start();
    settled();
    expect_history(8, 0);
}

/* What an earlier life compared with the contract is not read again for a difference that comes later. */
static void a_hold_soon_after_a_start_keeps_what_was_agreed(void **state)
{
    (void)state;
    fake_l1_mine(l1, 7);
    put_steps(0, 7, 0);
    start();
    settled();
    stop();
    fake_l1_mine(l1, 1);
    put_steps(8, 8, 0);
    l1->block[8].logs[2].data[70] ^= 1; /* the root in the event */
    start();
    held_with("block 8");
    assert_int_equal(status().read_to, 7);
    expect_history(7, 0);
    l1->block[8].logs[2].data[70] ^= 1;
    stop();
    got.stops = 0;
    start();
    assert_int_equal(status().read_to, 7);
    expect_history(7, 0); /* before a word from the layer */
    settled();
    expect_history(8, 0);
}

/* Unless that was false: two lives in a row that the contract contradicts from their first word on, and nothing of it is left. */
static void what_never_holds_again_is_read_from_the_start(void **state)
{
    (void)state;
    fake_l1_mine(l1, 8);
    put_steps(0, 8, 0);
    start();
    settled();
    l1->root_bias = 1;
    fake_l1_mine(l1, 1);
    for (unsigned life = 0; life < 3; life++) {
        stop();
        got.stops = 0;
        start();
        held_with("events are missing");
        assert_int_equal(status().read_to, life == 0 ? 8 : 0);
    }
    l1->root_bias = 0;
    stop();
    got.stops = 0;
    start();
    settled();
    expect_history(8, 0);
    stop();
    start();
    mirror_hold(mirror, "for this test");
    assert_int_equal(status().read_to, 9);
}

/* A reorganisation takes back what the contract agreed to there, also for the next life. */
static void what_was_agreed_ends_where_the_layer_went_back(void **state)
{
    (void)state;
    fake_l1_mine(l1, 8);
    put_steps(0, 8, 0);
    start();
    settled();
    fake_l1_reorg(l1, 4);
    uint64_t end = clock_mono_ms(clock_system()) + 5000;
    while (!got.rewinds && clock_mono_ms(clock_system()) < end)
        loop_turn(sc.base, 5);
    assert_true(got.rewinds > 0);
    stop();
    start();
    mirror_hold(mirror, "for this test");
    assert_true(status().read_to <= 4);
    stop();
    start();
    assert_true(status().read_to <= 4);
    settled();
    expect_history(4, 0);
}

static void a_missing_event_holds(void **state)
{
    (void)state;
    fake_l1_mine(l1, 8);
    put_steps(0, 8, 0);
    for (size_t i = 0; i < l1->block[5].log_cnt; i++) /* the first batch of all is withheld */
        l1->block[5].logs[i].addr = addr_of_u32(0xbad);
    start();
    held_with("not what the events before it give");
}

/* Everything of the last block withheld: only the contract itself tells. */
static void a_missing_end_holds(void **state)
{
    (void)state;
    fake_l1_mine(l1, 8);
    put_steps(0, 7, 0);
    l1->root_bias = 1;
    start();
    held_with("events are missing");
    l1->root_bias = 0;
    put_steps(8, 8, 0);
    stop();
    got.stops = 0;
    start();
    settled();
    expect_history(8, 0);
}

static void an_altered_batch_holds(void **state)
{
    (void)state;
    fake_l1_mine(l1, 8);
    put_steps(0, 8, 0);
    l1->block[5].logs[0].data[31] ^= 1; /* AppendedChainBatchRoot */
    start();
    held_with("root of a chain");
}

static void a_root_with_two_sides_holds(void **state)
{
    (void)state;
    uint8_t data[128] = { 0 };
    data[31] = 0x20;
    data[63] = 2;
    fake_l1_mine(l1, 8);
    put_steps(0, 4, 0);
    struct b256 topics[4] = { l1->block[4].logs[1].topics[0], b256_of_u64(506), b256_of_u64(6),
                              b256_of_u64(5) };
    fake_l1_put(l1, 6, &contract, topics, 4, data, sizeof(data));
    start();
    held_with("2 sides");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(every_block_has_the_contracts_root),
        T(only_the_contract_itself_counts),
        T(roots_become_importable_in_order_when_final),
        T(what_was_imported_is_not_offered_again),
        T(a_reorganisation_is_followed),
        T(a_reorganisation_of_final_blocks_holds),
        T(a_restart_needs_no_events_again),
        T(kill_9_leaves_whole_blocks),
        T(a_false_root_holds_and_is_read_again),
        T(a_hold_soon_after_a_start_keeps_what_was_agreed),
        T(what_never_holds_again_is_read_from_the_start),
        T(what_was_agreed_ends_where_the_layer_went_back),
        T(a_missing_event_holds),
        T(a_missing_end_holds),
        T(an_altered_batch_holds),
        T(a_root_with_two_sides_holds),
#undef T
    };
    vectors = vectors_load("vectors/interop/gateway_proofs.json");
    json_t *logs = vectors_load("vectors/interop/logs_tree.json");
    if (!vectors || !logs) {
        puts("SKIP: interop vectors (recorded data folder absent)");
        return 77;
    }
    /* the root of a Gateway that knows only itself, as the contract gave it */
    json_object_set(json_array_get(json_need(vectors, "gateway_steps"), 0), "before",
                    json_unconst(json_need(json_need(logs, "emptyMultichainBatchRoot"), "506")));
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(vectors);
    json_decref(logs);
    return failed;
}
