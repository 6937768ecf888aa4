/* A chain on a small genesis: building, publishing, restarting at every point, repairing what is derived, and stopping in words. Rows
 * of the operators' needs: 43 (replay never corrupts: idempotent writes, compared before anything is built on them). */
#include <stdio.h>

#include "node/chain/chain_internal.h"
#include "node/store/sql.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/chain/chain_world.h"

static struct chain_world w;

static int setup(void **state)
{
    (void)state;
    world_create(&w, false);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_remove(&w);
    return 0;
}

/* So many blocks of one transfer each, from wallet 1. */
static void make_blocks(uint64_t n)
{
    struct wallet a = wallet_of(1);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t block = w.last_block + 1;
        world_transfer(&w, &a, world_nonce(&w, &a.addr), 1 + i);
        world_run_to_ok(&w, block);
    }
}

static struct batch_block batch_block_of(uint64_t number, struct arena *arena)
{
    struct batch_block b;
    struct err err;
    if (!chain_batch_block_load(w.chain, w.reader, number, arena, &b, &err))
        fail_msg("batch block: %s", err.msg);
    return b;
}

/* ---- building ---- */

static void nothing_to_do_makes_no_block(void **state)
{
    (void)state;
    world_open_ok(&w);
    world_spin(&w, 50);
    struct chain_head h = chain_head_get(w.chain);
    assert_int_equal(h.number, 0);
    assert_int_equal(w.blocks_seen, 0);
    static const uint8_t genesis[32] = { 0xef, 0x97, 0x91, 0x7c, 0xe9, 0xbd, 0x9f, 0xa7,
                                         0xd1, 0x2a, 0xd6, 0xa8, 0xd8, 0x1e, 0xa2, 0x6c,
                                         0x80, 0xac, 0x1d, 0x72, 0x7a, 0xcc, 0x37, 0xcb,
                                         0xb9, 0x79, 0x9a, 0xe1, 0x99, 0x78, 0x8d, 0xc5 };
    assert_memory_equal(h.hash.b, genesis, 32);
}

static void a_transfer_is_published_whole(void **state)
{
    (void)state;
    struct wallet a = wallet_of(1);
    struct addr to = addr_of_u32(0xabcd);
    struct arena arena;
    struct err err;
    arena_init_growing(&arena, 1 << 16, 16 << 20);
    world_open_ok(&w);
    struct b256 hash = world_transfer(&w, &a, 0, 12345);
    world_run_to_ok(&w, 1);
    assert_int_equal(world_balance(&w, &to).w[0], 12345);
    assert_int_equal(world_nonce(&w, &a.addr), 1);
    struct chain_tx_location loc;
    bool found = false;
    assert_true(chain_tx_find(w.chain, w.reader, &hash, &loc, &found, &err));
    assert_true(found && loc.block == 1 && loc.index == 0);
    const struct chain_block *b = chain_block_acquire(w.chain, w.reader, 1, &err);
    assert_non_null(b);
    assert_int_equal(b->r.tx_cnt, 1);
    assert_true(b->r.txs[0].success);
    assert_memory_equal(b->r.txs[0].hash.b, hash.b, 32);
    assert_memory_equal(b->r.txs[0].from.b, a.addr.b, 20);
    struct b256 header = stf_header_hash(&b->r.header), genesis = w.hashes[0];
    assert_memory_equal(header.b, b->r.block_hash.b, 32);
    assert_memory_equal(b->r.header.parent_hash.b, genesis.b, 32);
    /* fees went to the collector: price times gas */
    struct u256 fee = u256_of_u64(b->r.txs[0].gas_used);
    fee = u256_mul(&fee, &b->r.txs[0].effective_gas_price);
    struct u256 got = world_balance(&w, &w.cfg.fee_collector);
    assert_true(u256_eq(&fee, &got));
    chain_block_release(w.chain, b);
    struct batch_block bb = batch_block_of(1, &arena);
    struct state_mark mark;
    assert_true(state_mark_at(w.state, 1, &mark));
    assert_memory_equal(bb.tree_root.b, mark.root.b, 32);
    assert_int_equal(bb.leaf_count, mark.leaf_count);
    assert_int_equal(bb.tx_cnt, 1);
    assert_true(state_check(w.state, &err));
    arena_clear(&arena);
}

static void lookups_by_hash_and_nonce(void **state)
{
    (void)state;
    struct wallet a = wallet_of(1);
    struct err err;
    bool found = false;
    world_open_ok(&w);
    make_blocks(3);
    store_drain(w.store);
    for (uint64_t n = 1; n <= 3; n++) {
        uint64_t number = 0;
        struct b256 by_nonce;
        struct chain_tx_location loc;
        assert_true(chain_block_number_of(w.chain, w.reader, &w.hashes[n], &number, &found, &err));
        assert_true(found && number == n);
        assert_true(
            chain_tx_find_by_nonce(w.chain, w.reader, &a.addr, n - 1, &by_nonce, &found, &err));
        assert_true(found);
        assert_true(chain_tx_find(w.chain, w.reader, &by_nonce, &loc, &found, &err));
        assert_true(found && loc.block == n);
    }
    struct b256 none = { { 1 } };
    uint64_t number;
    assert_true(chain_block_number_of(w.chain, w.reader, &none, &number, &found, &err));
    assert_false(found);
    assert_null(chain_block_acquire(w.chain, w.reader, 4, &err));
    assert_int_equal(err.kind, ERR_NONE);
}

/* A creation of 20 KiB: large envelopes are found by nonce, too. */
static void a_large_transaction_is_found_by_nonce(void **state)
{
    (void)state;
    struct wallet a = wallet_of(2);
    struct arena arena;
    struct err err;
    struct mempool_refusal why;
    arena_init_growing(&arena, 1 << 16, 16 << 20);
    world_open_ok(&w);
    uint8_t *code = arena_zalloc(&arena, 20000); /* STOP: deploys nothing */
    struct wallet_tx t = { .chain_id = WORLD_CHAIN_ID,
                           .gas_limit = 20000000,
                           .max_fee = 1000000,
                           .is_create = true,
                           .data = bytes_of(code, 20000) };
    struct stf_tx *tx = wallet_make(&a, &t, &arena);
    if (!world_send(&w, tx, &why))
        fail_msg("%s", why.message);
    world_run_to_ok(&w, 1);
    store_drain(w.store);
    struct b256 hash;
    bool found = false;
    assert_true(chain_tx_find_by_nonce(w.chain, w.reader, &a.addr, 0, &hash, &found, &err));
    assert_true(found);
    assert_memory_equal(hash.b, tx->hash.b, 32);
    arena_clear(&arena);
}

static void many_senders_many_blocks(void **state)
{
    (void)state;
    w.cfg.max_txs_in_block = 7;
    w.cfg.block_time_ms = 30; /* also the time a block may take: enough for seven */
    world_open_ok(&w);
    for (uint64_t n = 0; n < 20; n++)
        for (uint64_t who = 1; who <= 5; who++) {
            struct wallet a = wallet_of(who);
            world_transfer(&w, &a, n, 10 * who + n);
        }
    struct mempool_stats left = { .pending = 100 };
    for (unsigned i = 0; i < 2000 && left.pending + left.queued > 0; i++) {
        world_spin(&w, 5);
        assert_int_equal(w.stops, 0);
        mempool_stats_get(w.mempool, &left);
    }
    for (uint64_t who = 1; who <= 5; who++) {
        struct wallet a = wallet_of(who);
        assert_int_equal(world_nonce(&w, &a.addr), 20);
    }
    struct chain_stats s;
    chain_stats_get(w.chain, &s);
    assert_int_equal(s.txs, 100);
    assert_true(s.blocks >= 15);
    assert_true(s.seals[SEAL_TX_COUNT] > 0);
    assert_int_equal(s.failed_txs + s.invalid_txs, 0);
}

/* ---- restarting ---- */

static void restart_after_each_block(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 8; n++) {
        world_open_ok(&w);
        assert_int_equal(chain_head_get(w.chain).number, n - 1);
        make_blocks(1);
        struct b256 hash = w.hashes[n];
        struct state_mark before, after;
        assert_true(state_mark_at(w.state, n, &before));
        world_close(&w);
        world_open_ok(&w);
        struct chain_head h = chain_head_get(w.chain);
        assert_int_equal(h.number, n);
        assert_memory_equal(h.hash.b, hash.b, 32);
        assert_true(state_mark_at(w.state, n, &after));
        assert_memory_equal(&before.root, &after.root, 32);
        assert_int_equal(before.leaf_count, after.leaf_count);
        world_close(&w);
    }
}

/* Stopped with a block in every stage of its life: what was published is there again, what was not never was or is whole. */
static void restart_at_any_moment(void **state)
{
    (void)state;
    uint64_t seed = 7;
    struct wallet a = wallet_of(1);
    for (unsigned round = 0; round < 25; round++) {
        world_open_ok(&w);
        uint64_t nonce = world_nonce(&w, &a.addr), start = w.last_block;
        for (uint64_t i = 0; i < 4; i++)
            world_transfer(&w, &a, nonce + i, 1);
        if (round % 2)
            world_spin(&w, (unsigned)(test_random(&seed) % 8));
        uint64_t seen = w.last_block;
        struct b256 hash = w.hashes[seen];
        world_close(&w); /* finishes what is in work, publishes it */
        assert_true(w.last_block >= seen);
        uint64_t last = w.last_block;
        struct b256 last_hash = w.hashes[last];
        world_open_ok(&w);
        struct err err;
        assert_int_equal(chain_head_get(w.chain).number, last);
        assert_memory_equal(chain_head_get(w.chain).hash.b, last_hash.b, 32);
        if (seen > start) {
            const struct chain_block *b = chain_block_acquire(w.chain, w.reader, seen, &err);
            assert_non_null(b);
            assert_memory_equal(b->r.block_hash.b, hash.b, 32);
            chain_block_release(w.chain, b);
        }
        world_close(&w);
    }
    assert_true(w.blocks_seen > 10);
}

/* Tree rows and index rows of a fresh index.db are the old ones. */
static void row_43_index_is_rebuilt(void **state)
{
    (void)state;
    struct arena arena;
    struct batch_block before[6], after;
    struct err err;
    arena_init_growing(&arena, 1 << 16, 16 << 20);
    world_open_ok(&w);
    make_blocks(5);
    for (uint64_t n = 1; n <= 5; n++)
        before[n] = batch_block_of(n, &arena);
    world_close(&w);
    world_delete_file(&w, "index.db");
    world_open_ok(&w);
    for (uint64_t n = 1; n <= 5; n++) {
        uint64_t number = 0;
        bool found = false;
        after = batch_block_of(n, &arena);
        assert_memory_equal(&after.tree_root, &before[n].tree_root, 32);
        assert_memory_equal(&after.last_256_hashes, &before[n].last_256_hashes, 32);
        assert_int_equal(after.leaf_count, before[n].leaf_count);
        assert_true(chain_block_number_of(w.chain, w.reader, &w.hashes[n], &number, &found, &err));
        assert_true(found && number == n);
    }
    make_blocks(1);
    arena_clear(&arena);
}

static bool forget_rows(struct store_txn *t, void *arg, struct err *err)
{
    (void)arg;
    return sql_exec(
        t->db,
        "DELETE FROM tx WHERE block > 2; DELETE FROM block_hash WHERE number > 2;"
        "DELETE FROM block_bloom WHERE number > 2; DELETE FROM block_tree WHERE number > 3;"
        "UPDATE applied SET number = 2 WHERE name = 'blocks';"
        "UPDATE applied SET number = 3 WHERE name = 'tree';",
        err);
}

/* Killed between the record's commit and the rows derived from it. */
static void row_43_index_that_is_behind_catches_up(void **state)
{
    (void)state;
    struct arena arena;
    struct err err;
    arena_init_growing(&arena, 1 << 16, 16 << 20);
    world_open_ok(&w);
    make_blocks(5);
    world_write(&w, STORE_INDEX, forget_rows, NULL);
    world_close(&w);
    world_open_ok(&w);
    for (uint64_t n = 1; n <= 5; n++) {
        uint64_t number = 0;
        bool found = false;
        (void)batch_block_of(n, &arena);
        assert_true(chain_block_number_of(w.chain, w.reader, &w.hashes[n], &number, &found, &err));
        assert_true(found && number == n);
    }
    arena_clear(&arena);
}

/* ---- checkpoints ---- */

static void checkpoint_shortens_the_start(void **state)
{
    (void)state;
    char path[128];
    struct err err;
    snprintf(path, sizeof(path), "%s/checkpoints", w.dir);
    struct state_files *files = state_files_open(path, &err);
    assert_non_null(files);
    w.checkpoint_files = files;
    w.cfg.checkpoint_every_blocks = 4;
    world_open_ok(&w);
    make_blocks(10);
    struct state_mark before, after;
    assert_true(state_mark_at(w.state, 10, &before));
    world_close(&w);
    world_open_ok(&w);
    assert_int_equal(w.loaded_checkpoint, 8);
    assert_int_equal(chain_head_get(w.chain).number, 10);
    assert_true(state_mark_at(w.state, 10, &after));
    assert_memory_equal(&before.root, &after.root, 32);
    make_blocks(1);
    world_close(&w);
    /* without the tree rows a checkpoint above them is of no use: the start goes back to genesis and makes them again */
    world_delete_file(&w, "index.db");
    world_open_ok(&w);
    assert_int_equal(w.loaded_checkpoint, 0);
    struct arena arena;
    arena_init_growing(&arena, 1 << 16, 16 << 20);
    for (uint64_t n = 1; n <= 11; n++)
        (void)batch_block_of(n, &arena);
    arena_clear(&arena);
    world_close(&w);
    state_files_close(files);
    w.checkpoint_files = NULL;
}

static bool forget_tree(struct store_txn *t, void *arg, struct err *err)
{
    (void)arg;
    return sql_exec(t->db, "UPDATE applied SET number = 3 WHERE name = 'tree'", err);
}

static void checkpoint_above_the_tree_rows_is_refused(void **state)
{
    (void)state;
    struct err err;
    world_open_ok(&w);
    make_blocks(5);
    world_write(&w, STORE_INDEX, forget_tree, NULL);
    /* a second chain over the state of block 5 */
    struct chain_deps deps = { .base = w.base,
                               .store = w.store,
                               .crypto = crypto_host(),
                               .clock = &w.clock,
                               .mempool = w.mempool,
                               .state = w.state };
    struct chain *c = chain_create(&deps, &w.cfg, &err);
    assert_non_null(c);
    assert_false(chain_start(c, &err));
    assert_string_equal(err.msg, "the checkpoint is at block 5, but index.db has tree rows up to 3 "
                                 "only: start from an older checkpoint or from genesis");
    chain_destroy(c);
}

/* ---- damage ---- */

struct alteration {
    uint64_t block;
    void (*alter)(struct block_record *r, struct arena *arena);
    bool fix_output_hash;
    bool delete_row;
};

static bool alter_record(struct store_txn *t, void *arg, struct err *err)
{
    const struct alteration *a = arg;
    struct arena arena;
    struct buf enc;
    struct block_record r;
    arena_init_growing(&arena, 1 << 16, 64 << 20);
    buf_init(&enc, 16 << 20);
    struct sql q = sql_prepare(t->db, "SELECT record FROM block WHERE number = ?");
    sql_bind_u64(&q, a->block);
    bool row = false;
    bool ok = sql_step(&q, &row, "read", err) && row;
    struct bytes raw = sql_blob(&q, &arena);
    ok = sql_finish(&q, "read", err) && ok && block_record_decode(&r, raw, &arena, err);
    if (ok && a->alter)
        a->alter(&r, &arena);
    if (ok && a->fix_output_hash)
        r.output_hash = block_output_hash(&r);
    ok = ok && block_record_encode(&enc, &r, err);
    struct sql u =
        sql_prepare(t->db, a->delete_row ? "DELETE FROM block WHERE number = ?2"
                                         : "UPDATE block SET record = ? WHERE number = ?");
    if (ok && a->delete_row)
        sql_bind_u64(&u, 0);
    else if (ok)
        sql_bind_blob(&u, bytes_of(enc.p, enc.len));
    if (ok)
        sql_bind_u64(&u, a->block);
    ok = sql_run(&u, "write", err) && ok;
    buf_clear(&enc);
    arena_clear(&arena);
    return ok;
}

/* Five blocks, one record altered, and the start says what is wrong. */
static void expect_refusal(struct alteration a, const char *part)
{
    world_open_ok(&w);
    make_blocks(5);
    world_write(&w, STORE_CHAIN, alter_record, &a);
    world_close(&w);
    struct err err = { .kind = ERR_NONE };
    if (world_open(&w, &err))
        fail_msg("opened, though: %s", part);
    assert_int_equal(err.kind, ERR_LOCAL);
    if (!strstr(err.msg, part))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, part);
}

static void alter_gas(struct block_record *r, struct arena *arena)
{
    struct block_tx *t = arena_copy(arena, r->txs, r->tx_cnt * sizeof(*t));
    t[0].gas_used += 1;
    r->txs = t;
}

static void alter_value(struct block_record *r, struct arena *arena)
{
    struct stf_diff *d = arena_copy(arena, r->diffs, r->diff_cnt * sizeof(*d));
    d[0].old_value.b[31] ^= 1;
    r->diffs = d;
}

static void alter_pubdata(struct block_record *r, struct arena *arena)
{
    uint8_t *p = arena_copy(arena, r->pubdata.p, r->pubdata.len);
    assert_true(r->pubdata.len > 0);
    p[r->pubdata.len - 1] ^= 1;
    r->pubdata = bytes_of(p, r->pubdata.len);
}

static void alter_event(struct block_record *r, struct arena *arena)
{
    struct block_tx *t = arena_copy(arena, r->txs, r->tx_cnt * sizeof(*t));
    struct stf_event *e = arena_zalloc(arena, sizeof(*e));
    t[0].events = e;
    t[0].event_cnt = 1;
    r->txs = t;
}

static void alter_hash(struct block_record *r, struct arena *arena)
{
    (void)arena;
    r->block_hash.b[0] ^= 1;
}

static void alter_base_fee(struct block_record *r, struct arena *arena)
{
    (void)arena;
    r->ctx.base_fee = u256_add(&r->ctx.base_fee, &U256_ONE);
}

static void replay_finds_altered_gas(void **state)
{
    (void)state;
    expect_refusal((struct alteration){ .block = 3, .alter = alter_gas },
                   "block 3: executing it again gives another record");
}

/* The output hash is made to fit: it still is not what executing gives. */
static void replay_finds_gas_altered_consistently(void **state)
{
    (void)state;
    expect_refusal((struct alteration){ .block = 3, .alter = alter_gas, .fix_output_hash = true },
                   "block 3: executing it again gives output hash");
}

static void replay_finds_altered_pubdata(void **state)
{
    (void)state;
    expect_refusal(
        (struct alteration){ .block = 4, .alter = alter_pubdata, .fix_output_hash = true },
        "block 4: executing it again gives another record");
}

static void replay_finds_an_invented_event(void **state)
{
    (void)state;
    expect_refusal((struct alteration){ .block = 5, .alter = alter_event, .fix_output_hash = true },
                   "block 5: executing it again gives another record");
}

static void replay_finds_another_hash(void **state)
{
    (void)state;
    expect_refusal((struct alteration){ .block = 5, .alter = alter_hash, .fix_output_hash = true },
                   "block 5: executing it again gives output hash");
}

static void replay_finds_another_context(void **state)
{
    (void)state;
    expect_refusal((struct alteration){ .block = 2, .alter = alter_base_fee }, "block 2: ");
}

static void row43_state_refuses_diffs_that_do_not_fit(void **state)
{
    (void)state;
    world_open_ok(&w);
    make_blocks(3);
    struct alteration a = { .block = 2, .alter = alter_value };
    world_write(&w, STORE_CHAIN, alter_record, &a);
    world_close(&w);
    struct err err = { .kind = ERR_NONE };
    assert_false(world_open(&w, &err));
    assert_non_null(strstr(err.msg, "applying block 2"));
}

static void a_missing_record_is_named(void **state)
{
    (void)state;
    expect_refusal((struct alteration){ .block = 3, .delete_row = true },
                   "block record 3 is missing");
}

static bool truncate_record(struct store_txn *t, void *arg, struct err *err)
{
    (void)arg;
    return sql_exec(t->db,
                    "UPDATE block SET record = substr(record, 1, length(record) - 1)"
                    " WHERE number = 2",
                    err);
}

static void a_cut_record_is_named(void **state)
{
    (void)state;
    world_open_ok(&w);
    make_blocks(3);
    world_write(&w, STORE_CHAIN, truncate_record, NULL);
    world_close(&w);
    struct err err = { .kind = ERR_NONE };
    assert_false(world_open(&w, &err));
    assert_non_null(strstr(err.msg, "damaged block record"));
}

static void row43_another_record_of_the_same_number_is_refused(void **state)
{
    (void)state;
    world_open_ok(&w);
    make_blocks(2);
    struct record_row row = { .number = 2, .encoded = bytes_of("x", 1) };
    struct err err;
    assert_false(store_write_sync(w.store, STORE_CHAIN, block_record_write, &row, &err));
    make_blocks(1);
}

/* ---- verdicts ---- */

/* The pool took it, but nothing pays for its gas limit any more when its turn comes. */
static void what_cannot_be_included_is_purged(void **state)
{
    (void)state;
    struct wallet a = wallet_of(1);
    struct arena arena;
    struct mempool_refusal why;
    arena_init_growing(&arena, 1 << 16, 16 << 20);
    world_open_ok(&w);
    /* 21000 gas at the base fee does not buy the native resource of a transfer at this price */
    struct u256 base = u256_of_u64(1000), native = u256_of_u64(1000), pubdata = u256_of_u64(1);
    chain_set_fees(w.chain, &base, &native, &pubdata);
    struct wallet_tx t = {
        .chain_id = WORLD_CHAIN_ID, .gas_limit = 21000, .max_fee = 1000, .to = addr_of_u32(0xabcd)
    };
    struct stf_tx *tx = wallet_make(&a, &t, &arena);
    assert_true(world_send(&w, tx, &why));
    struct mempool_stats s = { .pending = 1 };
    for (unsigned i = 0; i < 400 && s.pending + s.queued > 0; i++) {
        world_spin(&w, 5);
        mempool_stats_get(w.mempool, &s);
    }
    assert_int_equal(s.pending + s.queued, 0);
    assert_int_equal(w.last_block, 0);
    assert_int_equal(w.stops, 0);
    struct chain_stats cs;
    chain_stats_get(w.chain, &cs);
    assert_int_equal(cs.invalid_txs, 1);
    make_blocks(0);
    struct u256 good = u256_of_u64(100000);
    chain_set_fees(w.chain, &good, &native, &pubdata);
    make_blocks(1);
    arena_clear(&arena);
}

static void pause_and_resume(void **state)
{
    (void)state;
    char reason[128] = "";
    world_open_ok(&w);
    assert_true(chain_is_accepting(w.chain, reason, sizeof(reason)));
    chain_pause(w.chain, "pipeline backpressure (1 component(s) reporting)");
    assert_false(chain_is_accepting(w.chain, reason, sizeof(reason)));
    assert_string_equal(reason, "pipeline backpressure (1 component(s) reporting)");
    make_blocks(1); /* what is in the pool is still built (spec 50 §1.5) */
    chain_resume(w.chain);
    assert_true(chain_is_accepting(w.chain, reason, sizeof(reason)));
}

static void max_blocks_to_produce(void **state)
{
    (void)state;
    char reason[128] = "";
    w.cfg.max_blocks_to_produce = 2;
    world_open_ok(&w);
    make_blocks(2);
    struct wallet a = wallet_of(1);
    world_transfer(&w, &a, 2, 1);
    world_spin(&w, 100);
    assert_int_equal(w.last_block, 2);
    assert_int_equal(w.stops, 0);
    assert_false(chain_is_accepting(w.chain, reason, sizeof(reason)));
    assert_string_equal(reason, "block production disabled");
    world_close(&w);
    w.cfg.max_blocks_to_produce = 0;
    world_open_ok(&w);
    make_blocks(1);
}

/* Five seconds are forgiven, and time never runs backwards in blocks; more is waited for. */
static void a_clock_that_goes_back(void **state)
{
    (void)state;
    world_open_ok(&w);
    make_blocks(1);
    uint64_t t1 = chain_head_get(w.chain).timestamp;
    w.wall_offset_ms = -4000;
    make_blocks(1);
    assert_true(chain_head_get(w.chain).timestamp >= t1);
    w.wall_offset_ms = -60000;
    struct wallet a = wallet_of(1);
    world_transfer(&w, &a, 2, 1);
    world_spin(&w, 100);
    assert_int_equal(w.last_block, 2);
    assert_int_equal(w.stops, 0);
    w.wall_offset_ms = 0;
    world_run_to_ok(&w, 3);
}

static bool refuse_job(struct store_txn *t, void *arg, struct err *err)
{
    (void)arg;
    return sql_exec(t->db,
                    "CREATE TRIGGER full BEFORE INSERT ON block BEGIN"
                    " SELECT raise(ABORT, 'disk is full'); END",
                    err);
}
static bool allow_job(struct store_txn *t, void *arg, struct err *err)
{
    (void)arg;
    return sql_exec(t->db, "DROP TRIGGER full", err);
}

/* A block that cannot be made durable is never seen by anybody, and the chain says why it stopped. */
static void not_durable_is_not_published(void **state)
{
    (void)state;
    char reason[256] = "";
    world_open_ok(&w);
    make_blocks(2);
    world_write(&w, STORE_CHAIN, refuse_job, NULL);
    struct wallet a = wallet_of(1);
    world_transfer(&w, &a, 2, 1);
    assert_false(world_run_to(&w, 3));
    assert_int_equal(w.stops, 1);
    assert_string_equal(w.stopped_why,
                        "block 3 could not be made durable: append block record: disk is full");
    assert_int_equal(chain_head_get(w.chain).number, 2);
    assert_false(chain_is_accepting(w.chain, reason, sizeof(reason)));
    assert_string_equal(reason, w.stopped_why);
    world_write(&w, STORE_CHAIN, allow_job, NULL);
    world_close(&w);
    w.stops = 0;
    world_open_ok(&w);
    assert_int_equal(chain_head_get(w.chain).number, 2);
    make_blocks(1);
}

static void wrong_settings_are_refused(void **state)
{
    (void)state;
    struct err err;
    w.cfg.native_price = U256_ZERO;
    assert_false(world_open(&w, &err));
    assert_string_equal(err.msg,
                        "native price, block time and transactions in a block must not be zero");
}

/* Fees, hashes and number of the block that a call on top of the head would be in. */
static void context_of_calls(void **state)
{
    (void)state;
    struct stf_block_context c;
    struct err err;
    world_open_ok(&w);
    make_blocks(2);
    struct u256 base = u256_of_u64(7777), native = u256_of_u64(88), pubdata = u256_of_u64(9);
    chain_set_fees(w.chain, &base, &native, &pubdata);
    assert_true(chain_call_context(w.chain, w.reader, 2, &c, &err));
    assert_int_equal(c.number, 3);
    assert_int_equal(c.base_fee.w[0], 7777);
    assert_memory_equal(c.block_hashes[255].b, w.hashes[2].b, 32);
    assert_memory_equal(c.block_hashes[254].b, w.hashes[1].b, 32);
    assert_true(chain_call_context(w.chain, w.reader, 1, &c, &err));
    assert_int_equal(c.number, 2);
    assert_int_equal(c.base_fee.w[0], 100000);
    assert_memory_equal(c.block_hashes[255].b, w.hashes[1].b, 32);
    assert_false(chain_call_context(w.chain, w.reader, 3, &c, &err));
    assert_string_equal(err.msg, "block 3 not found");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(nothing_to_do_makes_no_block),
        T(a_transfer_is_published_whole),
        T(lookups_by_hash_and_nonce),
        T(a_large_transaction_is_found_by_nonce),
        T(many_senders_many_blocks),
        T(restart_after_each_block),
        T(restart_at_any_moment),
        T(row_43_index_is_rebuilt),
        T(row_43_index_that_is_behind_catches_up),
        T(checkpoint_shortens_the_start),
        T(checkpoint_above_the_tree_rows_is_refused),
        T(replay_finds_altered_gas),
        T(replay_finds_gas_altered_consistently),
        T(replay_finds_altered_pubdata),
        T(replay_finds_an_invented_event),
        T(replay_finds_another_hash),
        T(replay_finds_another_context),
        T(row43_state_refuses_diffs_that_do_not_fit),
        T(a_missing_record_is_named),
        T(a_cut_record_is_named),
        T(row43_another_record_of_the_same_number_is_refused),
        T(what_cannot_be_included_is_purged),
        T(pause_and_resume),
        T(max_blocks_to_produce),
        T(a_clock_that_goes_back),
        T(not_durable_is_not_published),
        T(wrong_settings_are_refused),
        T(context_of_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
