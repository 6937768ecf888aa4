#include "tests/unit/settlement/settle_world.h"

#include <dirent.h>
#include <event2/thread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "node/base/hash.h"
#include "node/base/log.h"
#include "node/sender/signer.h"
#include "node/sender/tx_journal.h"
#include "tests/unit/loop.h"

static const uint8_t keys[LANE_CNT] = { 0x41, 0x42, 0x43 };

/* ---- time ---- */

static uint64_t mono_ms(void *ctx)
{
    const struct world *w = ctx;
    return clock_mono_ms(clock_system()) + w->mono_ms;
}

static uint64_t wall_ms(void *ctx)
{
    const struct world *w = ctx;
    return w->wall_ms + clock_mono_ms(clock_system());
}

void world_pass(struct world *w, uint64_t ms)
{
    w->wall_ms += ms;
    w->mono_ms += ms;
}

/* ---- the chain below ---- */

static struct b256 hash_of(const char *what, uint64_t n, uint64_t variant)
{
    char text[64];
    snprintf(text, sizeof(text), "%s %llu %llu", what, (unsigned long long)n,
             (unsigned long long)variant);
    return keccak256(text, strlen(text));
}

static bool load_block(void *arg, uint64_t n, struct arena *arena, struct batch_block *out,
                       struct err *err)
{
    struct world *w = arg;
    if (n == w->broken_block)
        return err_set(err, ERR_LOCAL, "block %llu is damaged", (unsigned long long)n);
    if (n > w->head || n >= WORLD_MAX_BLOCKS)
        return err_set(err, ERR_TRANSIENT, "not hashed yet");
    const struct l2_block *o = &w->opts[n];
    size_t len = o->pubdata_len ? o->pubdata_len : 40;
    uint8_t *pubdata = arena_alloc(arena, len);
    memset(pubdata, (int)n, len);
    struct stf_l2_log *logs = arena_zalloc(arena, (o->log_cnt + 1) * sizeof(*logs));
    struct b256 *l1 = arena_zalloc(arena, (o->l1_tx_cnt + 1) * sizeof(*l1));
    struct stf_interop_root *roots = arena_zalloc(arena, (o->root_cnt + 1) * sizeof(*roots));
    *out =
        (struct batch_block){ .number = n,
                              .timestamp = SL_GENESIS_TS + n,
                              .block_hash = hash_of("block", n, w->variant),
                              .tree_root = hash_of("tree", n, w->variant),
                              .leaf_count = 10 + n,
                              .last_256_hashes = hash_of("last", n, w->variant),
                              .protocol_minor = o->protocol_minor ? o->protocol_minor : 31,
                              .execution_version = o->execution_version ? o->execution_version : 6,
                              .tx_cnt = o->tx_cnt ? o->tx_cnt : 2,
                              .l1_tx_cnt = o->l1_tx_cnt,
                              .l1_tx_hashes = l1,
                              .l2_logs = logs,
                              .l2_log_cnt = o->log_cnt,
                              .interop_roots = roots,
                              .interop_root_cnt = o->root_cnt,
                              .pubdata = bytes_of(pubdata, len),
                              .computational_native_used = o->native ? o->native : 1000,
                              .sets_sl_chain_id = o->sets_sl,
                              .sl_chain_id = 31337,
                              .multichain_root = batch_empty_multichain_root(10) };
    if (o->upgrade)
        out->upgrade_tx_hash = hash_of("upgrade", n, 0);
    return true;
}

static uint64_t tree_head(void *arg)
{
    return ((struct world *)arg)->head;
}

/* ---- wiring, as the node does it ---- */

static void on_discovered(void *arg, const struct discovery_result *r, const struct err *err)
{
    struct world *w = arg;
    w->discovery = NULL;
    if (err) {
        w->failure = *err;
        w->discovered = true;
        return;
    }
    w->discovered = true;
    w->contract_reads++;
    if (w->running) {
        settlement_on_contracts(w->s, r);
        return;
    }
    w->running = settlement_start(w->s, r, &w->failure);
}

static void ask_contracts(void *arg)
{
    struct world *w = arg;
    struct err err;
    if (!w->discovery)
        w->discovery = discovery_start(w->eth, &w->sl->bridgehub, 10, on_discovered, w, &err);
}

static void on_batch_events(void *arg, const struct sl_event *e, size_t n)
{
    settlement_on_events(((struct world *)arg)->s, e, n);
}

static void on_l1_txs(void *arg)
{
    (void)arg;
}

static void on_rewind(void *arg, uint64_t from)
{
    settlement_on_rewind(((struct world *)arg)->s, from);
}

static uint64_t first_free_priority_id(void *arg)
{
    (void)arg;
    return 0;
}

static void on_caught_up(void *arg, uint64_t upper)
{
    struct world *w = arg;
    settlement_on_head(w->s, upper + w->confirmations);
    settlement_on_caught_up(w->s);
}

static void on_watcher_stopped(void *arg, const struct err *why)
{
    struct world *w = arg;
    w->watcher_stops++;
    settlement_hold(w->s, why->msg, "");
}

static bool store_cursor(struct store_txn *t, void *arg, struct err *err)
{
    return watcher_cursor_put(t, WATCHER_CURSOR_L1, arg, err);
}

static void step_watcher_back(struct world *w)
{
    struct watcher_cursor c;
    struct err err;
    uint64_t from = 0;
    bool found = false;
    if (!settlement_missed_from(w->s, &from))
        return;
    struct store_reader *r = store_reader_open(w->store, &err);
    assert_true(watcher_cursor_load(r, WATCHER_CURSOR_L1, &c, &found, &err));
    store_reader_close(r);
    if (!found || c.next_block <= from)
        return;
    struct watcher_cursor back = { .next_block = from };
    assert_true(store_write_sync(w->store, STORE_JOURNAL, store_cursor, &back, &err));
}

static bool run_job(void *arg, void (*run)(void *), void (*done)(void *), void *job)
{
    struct world *w = arg;
    if (w->job_cnt == GH_COUNT(w->jobs))
        return false;
    w->jobs[w->job_cnt].run = run;
    w->jobs[w->job_cnt].done = done;
    w->jobs[w->job_cnt++].job = job;
    return true;
}

size_t world_work(struct world *w)
{
    size_t n = w->job_cnt;
    for (size_t i = 0; i < n; i++) {
        if (!w->jobs_fail)
            w->jobs[i].run(w->jobs[i].job);
        w->jobs[i].done(w->jobs[i].job);
    }
    w->job_cnt -= n; /* what the callbacks ask for waits behind */
    memmove(w->jobs, w->jobs + n, w->job_cnt * sizeof(w->jobs[0]));
    return n;
}

static void create_settlement(struct world *w)
{
    struct err err;
    struct settlement_deps deps = { .base = w->base,
                                    .clock = &w->clock,
                                    .store = w->store,
                                    .sl = w->eth,
                                    .journal = w->no_signers ? NULL : w->journal,
                                    .arg = w,
                                    .witness = w->witness,
                                    .load_block = load_block,
                                    .tree_head = tree_head,
                                    .run_job = run_job,
                                    .ask_contracts = ask_contracts };
    for (int i = 0; i < LANE_CNT && !w->no_signers; i++)
        deps.signers[i] = w->signers[i];
    w->s = settlement_create(&deps, &w->cfg, &err);
    assert_non_null(w->s);
}

bool world_start(struct world *w)
{
    struct err err;
    w->failure.kind = ERR_NONE;
    struct store_config sc = { .dir = w->dir };
    w->store = store_open(w->base, &sc, &err);
    assert_non_null(w->store);
    const char *url = fake_sl_url(w->sl);
    struct eth_client_deps ed = { w->base, &w->clock };
    struct eth_client_config ec = {
        .urls = &url, .url_cnt = 1, .backoff_min_ms = 10, .backoff_max_ms = 50, .deadline_ms = 3000
    };
    w->eth = eth_client_create(&ed, &ec, &err);
    w->journal = tx_journal_store(w->store, &err);
    assert_true(w->eth && w->journal);
    create_settlement(w);
    w->discovered = w->running = false;
    ask_contracts(w);
    for (int i = 0; i < 500 && !w->discovered; i++)
        world_spin(w, 10);
    if (!w->running)
        return false;
    if (w->no_watcher)
        return true;
    step_watcher_back(w);
    struct watcher_deps wd = { w->base, &w->clock, w->eth, w->store };
    struct watcher_config wc = { .name = "L1",
                                 .cursor = WATCHER_CURSOR_L1,
                                 .families =
                                     WATCH_BATCHES | (w->cfg.layer.is_gateway ? 0 : WATCH_REQUESTS),
                                 .chain_id = 10,
                                 .diamond = w->sl->diamond,
                                 .ctm = w->sl->ctm,
                                 .confirmations = w->confirmations,
                                 .poll_ms = 20,
                                 .max_blocks = 1000 };
    struct watcher_callbacks cb = { .arg = w,
                                    .on_batch_events = on_batch_events,
                                    .on_l1_txs = on_l1_txs,
                                    .on_rewind = on_rewind,
                                    .first_free_priority_id = first_free_priority_id,
                                    .on_caught_up = on_caught_up,
                                    .on_stopped = on_watcher_stopped };
    w->watcher = watcher_create(&wd, &wc, &cb, &err);
    assert_non_null(w->watcher);
    assert_true(watcher_start(w->watcher, &err));
    return true;
}

void world_stop(struct world *w)
{
    if (!w->store)
        return;
    discovery_cancel(w->discovery);
    w->discovery = NULL;
    if (w->watcher)
        watcher_stop(w->watcher);
    settlement_stop(w->s);
    (void)world_work(w);
    watcher_destroy(w->watcher);
    eth_client_destroy(w->eth);
    settlement_destroy(w->s);
    tx_journal_destroy(w->journal);
    store_close(w->store);
    w->watcher = NULL;
    w->s = NULL;
    w->eth = NULL;
    w->journal = NULL;
    w->store = NULL;
    w->running = false;
}

/* ---- life ---- */

struct world *world_over(struct event_base *base, struct fake_sl *sl, const char *dir)
{
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    w->base = base;
    w->sl = sl;
    snprintf(w->dir, sizeof(w->dir), "%s", dir);
    w->wall_ms = (uint64_t)SL_GENESIS_TS * 1000 - clock_mono_ms(clock_system());
    w->clock = (struct clock){ wall_ms, mono_ms, w };
    w->mine_every_ms = 15;
    w->confirmations = 2;
    w->cfg = (struct settlement_config){ .chain_id = 10,
                                         .layer = { .name = "L1", .chain_id = 31337 },
                                         .protocol_minor = 31,
                                         .da_scheme = DA_EMPTY_NO_DA,
                                         .batch_timeout_ms = 3600000,
                                         .max_txs = 10000,
                                         .max_blocks = 2,
                                         .max_pubdata = 110000,
                                         .max_native = UINT64_C(1) << 35,
                                         .max_range = 4,
                                         .mock_proofs = true };
    w->cfg.sender.poll_ms = 15;
    w->cfg.sender.required_confirmations = 2;
    w->cfg.sender.revert_retry_ms = 100;
    for (int i = 0; i < LANE_CNT; i++) {
        struct err err;
        uint8_t secret[32];
        memset(secret, keys[i], 32);
        w->signers[i] = signer_from_bytes(secret, &err);
        assert_non_null(w->signers[i]);
    }
    if (sl) {
        w->cfg.genesis_state_commitment = sl->genesis_state;
        for (int i = 0; i < LANE_CNT; i++)
            sl->keys[i] = signer_addr(w->signers[i]);
    }
    return w;
}

struct world *world_new(void)
{
    static bool threads;
    if (!threads)
        evthread_use_pthreads();
    threads = true;
    log_configure(getenv("SETTLE_LOG") ? LOG_DEBUG : LOG_ERROR, false);
    char dir[] = "/tmp/settle.XXXXXX";
    assert_non_null(mkdtemp(dir));
    struct event_base *base = event_base_new();
    return world_over(base, fake_sl_create(base), dir);
}

static void remove_files(const char *dir, const char *prefix)
{
    DIR *d = opendir(dir);
    char path[400];
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        if (strncmp(e->d_name, prefix, strlen(prefix)) != 0 || e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        (void)unlink(path);
    }
    if (d)
        (void)closedir(d);
}

void world_lose_journal(struct world *w)
{
    assert_null(w->store);
    remove_files(w->dir, "journal");
}

void world_free(struct world *w)
{
    world_stop(w);
    for (int i = 0; i < LANE_CNT; i++)
        signer_destroy(w->signers[i]);
    fake_sl_destroy(w->sl);
    event_base_free(w->base);
    remove_files(w->dir, "");
    (void)rmdir(w->dir);
    free(w);
}

static void drive(struct world *w)
{
    uint64_t now = clock_mono_ms(clock_system());
    if (w->mine_every_ms && now - w->mined_at >= w->mine_every_ms) {
        w->mined_at = now;
        fake_sl_mine(w->sl);
    }
    if (w->block_every_ms && now - w->made_at >= w->block_every_ms) {
        w->made_at = now;
        w->head++;
    }
    if (w->running)
        settlement_on_tree(w->s, w->head);
}

void world_spin(struct world *w, unsigned ms)
{
    for (unsigned t = 0; t < ms; t += 5) {
        loop_run_ms(w->base, 5);
        drive(w);
    }
}

/* ---- looking ---- */

const char *world_hold(const struct world *w)
{
    return w->s->snap_hold.active ? w->s->snap_hold.reason : "";
}

const char *world_waits(const struct world *w, uint64_t batch)
{
    static char text[256];
    uint64_t eta;
    settlement_waits_for(w->s, batch, text, sizeof(text), &eta);
    return text;
}

void world_dump(struct world *w)
{
    const struct settlement *s = w->s;
    const struct sl_state *st = fake_sl_state(w->sl);
    struct tx_info live[8];
    printf("sealed %llu, frontiers %llu %llu %llu, layer %llu %llu %llu at %llu, hold '%s' '%s'\n",
           (unsigned long long)s->sealed, (unsigned long long)s->frontier[0],
           (unsigned long long)s->frontier[1], (unsigned long long)s->frontier[2],
           (unsigned long long)st->committed, (unsigned long long)st->proved,
           (unsigned long long)st->executed, (unsigned long long)w->sl->head, world_hold(w),
           s->snap_hold.remedy);
    for (int i = 0; i < LANE_CNT && s->lanes[i].manager; i++) {
        size_t n = tx_manager_list(s->lanes[i].manager, live, 8);
        for (size_t k = 0; k < n && k < 8; k++)
            printf("  %s %s %s %s\n", live[k].key, tx_state_name(live[k].state),
                   tx_wait_name(live[k].wait), live[k].error);
    }
    for (size_t i = 0; i < w->sl->tx_cnt; i++) {
        const struct sl_tx *t = &w->sl->txs[i];
        printf("  lane %d nonce %llu %llu-%llu block %llu ok %d dropped %d\n", t->lane,
               (unsigned long long)t->nonce, (unsigned long long)t->from, (unsigned long long)t->to,
               (unsigned long long)t->block, t->ok, t->dropped);
    }
}

struct batch_row world_row(struct world *w, uint64_t number)
{
    struct batch_row row;
    struct err err;
    bool found = false;
    store_drain(w->store); /* frontiers are ahead of the disk */
    assert_true(batch_load(w->s->reader, number, &row, &found, &err));
    assert_true(found);
    return row;
}

bool world_all_at(const struct world *w, uint64_t n)
{
    const struct settlement *s = w->s;
    return s->frontier[BATCH_COMMIT] == n && s->frontier[BATCH_PROVE] == n &&
           s->frontier[BATCH_EXECUTE] == n;
}

void world_assert_once(const struct world *w, uint64_t n)
{
    for (uint64_t b = 1; b <= n; b++)
        for (int i = 0; i < LANE_CNT; i++)
            if (fake_sl_sent(w->sl, (enum settlement_lane)i, b) != 1)
                fail_msg("batch %llu was sent %u times in lane %d", (unsigned long long)b,
                         fake_sl_sent(w->sl, (enum settlement_lane)i, b), i);
    assert_int_equal(fake_sl_failed(w->sl), 0);
}
