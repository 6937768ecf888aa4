/* tests/unit/chain/chain_world.c */
#include "tests/unit/chain/chain_world.h"

#include <event2/thread.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "node/state/genesis.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/loop.h"
#include "tests/vectors/recorded/recorded.h"

#define RICH_WALLETS 8
#define LIMIT_MS     10000

/* ---- folder and settings ---- */

static void remove_folder(const char *dir)
{
    char cmd[128];
    const char *const names[] = { "lock",           "chain.db",   "chain.db-wal",
                                  "chain.db-shm",   "journal.db", "journal.db-wal",
                                  "journal.db-shm", "index.db",   "index.db-wal",
                                  "index.db-shm" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(cmd, sizeof(cmd), "%s/%s", dir, names[i]);
        (void)unlink(cmd);
    }
    snprintf(cmd, sizeof(cmd), "%s/checkpoints", dir);
    struct err err;
    struct state_files *f = state_files_open(cmd, &err);
    if (f) {
        checkpoint_prune(f, 0, 0);
        for (unsigned b = 0; b < 4096; b++) {
            char name[64];
            snprintf(name, sizeof(name), "state-%020u.ckpt", b);
            (void)f->remove(f->ctx, name, &err);
        }
        state_files_close(f);
    }
    (void)rmdir(cmd);
    (void)rmdir(dir);
}

void world_create(struct chain_world *w, bool is_recorded)
{
    memset(w, 0, sizeof(*w));
    snprintf(w->dir, sizeof(w->dir), "/tmp/gatehouse-test-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    w->is_recorded = is_recorded;
    w->cfg = (struct chain_config){ .chain_id = WORLD_CHAIN_ID,
                                    .l1_chain_id = 31337,
                                    .sl_chain_id = 31337,
                                    .protocol_minor = is_recorded ? 31 : 0,
                                    .block_time_ms = 1,
                                    .max_txs_in_block = 100,
                                    .block_gas_limit = 100000000,
                                    .block_pubdata_limit = 110000,
                                    .fee_collector = addr_of_u32(0xfee),
                                    .native_price = u256_of_u64(1000),
                                    .base_fee = u256_of_u64(100000),
                                    .pubdata_price = u256_of_u64(1),
                                    .min_blocks_to_replay = 10,
                                    .cached_blocks = 4,
                                    .data_dir = w->dir };
}

void world_remove(struct chain_world *w)
{
    world_close(w);
    remove_folder(w->dir);
}

void world_delete_file(const struct chain_world *w, const char *name)
{
    static const char *const suffixes[] = { "", "-wal", "-shm" };
    for (int i = 0; i < 3; i++) {
        char path[160];
        snprintf(path, sizeof(path), "%s/%s%s", w->dir, name, suffixes[i]);
        (void)unlink(path);
    }
}

/* ---- genesis ---- */

static struct bytes small_genesis(struct buf *text)
{
    buf_init(text, 1 << 16);
    buf_append_str(text, "{\"alloc\":{");
    for (uint64_t i = 1; i <= RICH_WALLETS; i++) {
        struct wallet w = wallet_of(i);
        buf_append_str(text, i > 1 ? ",\"" : "\"");
        buf_append_hex(text, w.addr.b, 20);
        buf_append_str(text, "\":{\"nonce\":\"0x0\",\"balance\":\"0x56bc75e2d63100000\","
                             "\"code\":\"0x\",\"storage\":{}}");
    }
    buf_append_str(text, "}}");
    assert_false(text->failed);
    return bytes_of(text->p, text->len);
}

static bool start_from_genesis(struct chain_world *w, struct err *err)
{
    struct genesis g;
    struct state_mark mark;
    bool ok;
    if (w->is_recorded) {
        char path[RECORDED_PATH_CAP];
        recorded_path(path, "l1/l2-genesis-v31.json");
        ok = genesis_load(&g, path, err);
    } else {
        struct buf text;
        ok = genesis_parse(&g, small_genesis(&text), err);
        buf_clear(&text);
    }
    if (!ok)
        return false;
    ok = genesis_apply(w->state, &g, &mark, NULL, err);
    genesis_clear(&g);
    return ok;
}

static bool open_state(struct chain_world *w, struct err *err)
{
    struct state_config cfg = { .history_blocks = 4096, .proof_blocks = 1024 };
    uint64_t limit = 0;
    bool any = false;
    w->loaded_checkpoint = 0;
    if (!chain_checkpoint_limit(w->store, &limit, &any, err))
        return false;
    if (w->checkpoint_files && any) {
        struct checkpoint_info info;
        err->kind = ERR_NONE;
        w->state = checkpoint_load(w->checkpoint_files, &cfg, WORLD_CHAIN_ID, limit, &info, err);
        if (w->state)
            w->loaded_checkpoint = info.block;
        else if (err->kind != ERR_NONE)
            return false;
    }
    if (w->state)
        return true;
    w->state = state_create(&cfg);
    return start_from_genesis(w, err);
}

/* ---- callbacks ---- */

static void block_seen(void *arg, const struct chain_block *b)
{
    struct chain_world *w = arg;
    assert_int_equal(b->r.ctx.number, w->last_block + 1);
    w->last_block = b->r.ctx.number;
    w->blocks_seen++;
    assert_true(w->last_block < 4096);
    w->hashes[w->last_block] = b->r.block_hash;
    if (w->on_block)
        w->on_block(w, b);
}

static void tree_seen(void *arg, uint64_t number)
{
    struct chain_world *w = arg;
    assert_true(number == w->last_tree + 1 && number <= w->last_block);
    w->last_tree = number;
    w->trees_seen++;
}

static void stop_seen(void *arg, const struct err *why)
{
    struct chain_world *w = arg;
    w->stops++;
    snprintf(w->stopped_why, sizeof(w->stopped_why), "%s", why->msg);
}

static uint64_t wall_ms(void *ctx)
{
    const struct chain_world *w = ctx;
    return clock_wall_ms(clock_system()) + (uint64_t)w->wall_offset_ms;
}

static uint64_t mono_ms(void *ctx)
{
    (void)ctx;
    return clock_mono_ms(clock_system());
}

/* ---- life ---- */

static bool open_parts(struct chain_world *w, struct err *err)
{
    struct store_config sc = { .dir = w->dir, .vfs = w->vfs };
    struct mempool_config mc;
    mempool_config_default(&mc);
    mc.max_account_slots = 1000;
    w->store = store_open(w->base, &sc, err);
    if (!w->store || !open_state(w, err))
        return false;
    w->mempool = mempool_create(&mc, &w->clock);
    assert_non_null(w->mempool);
    struct chain_deps deps = { .base = w->base,
                               .store = w->store,
                               .crypto = crypto_host(),
                               .clock = &w->clock,
                               .mempool = w->mempool,
                               .state = w->state,
                               .checkpoint_files = w->checkpoint_files };
    w->chain = chain_create(&deps, &w->cfg, err);
    if (!w->chain)
        return false;
    chain_subscribe(w->chain, block_seen, tree_seen, stop_seen, w);
    w->reader = store_reader_open(w->store, err);
    if (!w->reader || !chain_start(w->chain, err))
        return false;
    w->started = true;
    w->last_block = chain_head_get(w->chain).number;
    w->last_tree = chain_tree_head(w->chain);
    w->hashes[w->last_block] = chain_head_get(w->chain).hash;
    return true;
}

bool world_open(struct chain_world *w, struct err *err)
{
    static bool threads;
    if (!threads)
        assert_int_equal(evthread_use_pthreads(), 0);
    threads = true;
    w->clock = (struct clock){ .wall_ms = wall_ms, .mono_ms = mono_ms, .ctx = w };
    w->base = event_base_new();
    assert_non_null(w->base);
    w->started = false;
    if (open_parts(w, err))
        return true;
    world_close(w);
    return false;
}

void world_open_ok(struct chain_world *w)
{
    struct err err = { .kind = ERR_NONE };
    if (!world_open(w, &err))
        fail_msg("open: %s", err.msg);
}

void world_close(struct chain_world *w)
{
    if (!w->base)
        return;
    chain_destroy(w->chain);
    mempool_destroy(w->mempool);
    store_reader_close(w->reader);
    state_destroy(w->state);
    store_close(w->store);
    event_base_free(w->base);
    w->chain = NULL;
    w->mempool = NULL;
    w->reader = NULL;
    w->state = NULL;
    w->store = NULL;
    w->base = NULL;
}

/* ---- turning the loop ---- */

bool world_run_to(struct chain_world *w, uint64_t block)
{
    uint64_t end = mono_ms(NULL) + LIMIT_MS;
    while (w->last_block < block || chain_tree_head(w->chain) < block) {
        if (w->stops > 0 || mono_ms(NULL) > end)
            return false;
        loop_turn(w->base, 5);
    }
    return true;
}

void world_run_to_ok(struct chain_world *w, uint64_t block)
{
    if (!world_run_to(w, block))
        fail_msg("block %" PRIu64 " did not come: head %" PRIu64 ", %s", block, w->last_block,
                 w->stops ? w->stopped_why : "not stopped");
}

void world_spin(struct chain_world *w, unsigned ms)
{
    for (uint64_t end = mono_ms(NULL) + ms; mono_ms(NULL) < end;)
        loop_turn(w->base, 5);
}

/* ---- using it ---- */

static void account_of(struct chain_world *w, const struct addr *a, struct account_record *rec)
{
    struct err err;
    bool exists = false;
    struct state_view *v = state_view_open(w->state, chain_head_get(w->chain).number, &err);
    assert_non_null(v);
    assert_true(state_view_account(v, a, rec, &exists));
    state_view_close(v);
}

uint64_t world_nonce(struct chain_world *w, const struct addr *a)
{
    struct account_record rec;
    account_of(w, a, &rec);
    return rec.nonce;
}

struct u256 world_balance(struct chain_world *w, const struct addr *a)
{
    struct account_record rec;
    account_of(w, a, &rec);
    return rec.balance;
}

bool world_send(struct chain_world *w, const struct stf_tx *tx, struct mempool_refusal *why)
{
    struct account_record rec;
    account_of(w, &tx->from, &rec);
    struct chain_head h = chain_head_get(w->chain);
    struct mempool_admission a = { .chain_id = w->cfg.chain_id,
                                   .block_gas_limit = w->cfg.block_gas_limit,
                                   .base_fee = h.base_fee,
                                   .minimal_base_fee = u256_of_u64(7),
                                   .native_price = h.native_price,
                                   .pubdata_price = h.pubdata_price,
                                   .account_nonce = rec.nonce,
                                   .account_balance = rec.balance };
    return mempool_insert(w->mempool, tx, &a, why);
}

struct b256 world_transfer(struct chain_world *w, const struct wallet *from, uint64_t nonce,
                           uint64_t value)
{
    struct arena arena;
    struct mempool_refusal why;
    arena_init_growing(&arena, 4096, 1 << 20);
    struct wallet_tx t = { .chain_id = w->cfg.chain_id,
                           .nonce = nonce,
                           .gas_limit = 100000,
                           .max_fee = 1000000,
                           .max_priority_fee = 0,
                           .value = u256_of_u64(value),
                           .to = addr_of_u32(0xabcd) };
    struct stf_tx *tx = wallet_make(from, &t, &arena);
    if (!world_send(w, tx, &why))
        fail_msg("refused: %s", why.message);
    struct b256 hash = tx->hash;
    arena_clear(&arena);
    return hash;
}

void world_write(struct chain_world *w, enum store_file file, store_job_fn *job, void *arg)
{
    struct err err;
    if (!store_write_sync(w->store, file, job, arg, &err))
        fail_msg("write: %s", err.msg);
}
