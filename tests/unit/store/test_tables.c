/* The journal's tables: priority operations without gaps, upgrade transactions, watcher cursors, batches and their steps. Rows of
 * the operators' needs: 17 and 22 (what a reorganisation takes back, and how a row knows its L1 block). */
#include <stdio.h>

#include "node/store/batch_table.h"
#include "node/store/l1_tx.h"
#include "node/store/message_root_table.h"
#include "node/store/sql.h"
#include "tests/unit/store/store_case.h"

static struct b256 hash_of(uint64_t n)
{
    struct b256 h = b256_of_u64(n);
    h.b[0] = 0x99;
    return h;
}

/* Operation id from L1 block `block` of fork `fork`. */
static struct l1_tx_row row_of(uint64_t id, uint64_t block, uint64_t fork)
{
    uint8_t *env = arena_alloc(&sc.arena, 10 + id % 5);
    memset(env, (int)(id + 1), 10 + id % 5);
    return (struct l1_tx_row){ .id = id,
                               .hash = hash_of(id),
                               .envelope = bytes_of(env, 10 + id % 5),
                               .l1_block = block,
                               .l1_block_hash = hash_of(1000 * fork + block),
                               .l1_tx_hash = hash_of(5000 + id) };
}

struct rows {
    struct l1_tx_row r[16];
    size_t n;
    uint64_t l1_block, keep_below;
};
static bool append(struct store_txn *t, void *arg, struct err *err)
{
    struct rows *x = arg;
    return l1_priority_append(t, x->r, x->n, err);
}
static bool truncate_rows(struct store_txn *t, void *arg, struct err *err)
{
    const struct rows *x = arg;
    return l1_priority_truncate(t, x->l1_block, x->keep_below, err);
}

static uint64_t next_id(void)
{
    uint64_t n = 77;
    struct err err;
    assert_true(l1_priority_next_id(sc.reader, &n, &err));
    return n;
}

static uint64_t seen(uint64_t l1_block)
{
    uint64_t n = 77;
    struct err err;
    assert_true(l1_priority_seen(sc.reader, l1_block, &n, &err));
    return n;
}

static size_t load(uint64_t first, size_t max, const struct l1_tx_row **rows)
{
    size_t n = 0;
    struct err err;
    assert_true(l1_priority_load(sc.reader, first, max, &sc.arena, rows, &n, &err));
    return n;
}

static void same_row(const struct l1_tx_row *a, const struct l1_tx_row *b)
{
    assert_int_equal(a->id, b->id);
    assert_memory_equal(a->hash.b, b->hash.b, 32);
    assert_int_equal(a->envelope.len, b->envelope.len);
    assert_memory_equal(a->envelope.p, b->envelope.p, a->envelope.len);
    assert_int_equal(a->l1_block, b->l1_block);
    assert_memory_equal(a->l1_block_hash.b, b->l1_block_hash.b, 32);
    assert_memory_equal(a->l1_tx_hash.b, b->l1_tx_hash.b, 32);
}

/* Ids 0..n-1, id i from L1 block 10 + i. */
static void put(uint64_t first, size_t n)
{
    struct rows x = { .n = n };
    for (size_t i = 0; i < n; i++)
        x.r[i] = row_of(first + i, 10 + first + i, 1);
    store_case_run(STORE_JOURNAL, append, &x);
}

static void priority_append_and_load(void **state)
{
    (void)state;
    const struct l1_tx_row *rows;
    assert_int_equal(next_id(), 0);
    assert_int_equal(load(0, 10, &rows), 0);
    put(0, 5);
    put(5, 3);
    assert_int_equal(next_id(), 8);
    assert_int_equal(load(0, 100, &rows), 8);
    for (uint64_t i = 0; i < 8; i++) {
        struct l1_tx_row want = row_of(i, 10 + i, 1);
        same_row(&rows[i], &want);
    }
    assert_int_equal(load(6, 100, &rows), 2);
    assert_int_equal(rows[0].id, 6);
    assert_int_equal(load(2, 3, &rows), 3);
    assert_int_equal(rows[2].id, 4);
    assert_int_equal(load(8, 10, &rows), 0);
    store_case_close();
    store_case_open();
    assert_int_equal(next_id(), 8);
}

static void priority_gap(void **state)
{
    (void)state;
    put(0, 3);
    struct rows x = { .n = 2 };
    x.r[0] = row_of(3, 20, 1);
    x.r[1] = row_of(5, 21, 1);
    struct err err = store_case_fails(STORE_JOURNAL, append, &x);
    assert_int_equal(err.kind, ERR_INVALID);
    assert_string_equal(err.msg, "gap in priority operations: 5 after 4");
    assert_int_equal(next_id(), 3); /* all or nothing */
    x.n = 1;
    x.r[0] = row_of(1, 20, 1);
    store_case_run(STORE_JOURNAL, append, &x);
    assert_int_equal(next_id(), 3);
}

static void priority_first_is_zero(void **state)
{
    (void)state;
    struct rows x = { .n = 1 };
    x.r[0] = row_of(1, 20, 1);
    struct err err = store_case_fails(STORE_JOURNAL, append, &x);
    assert_string_equal(err.msg, "gap in priority operations: 1 after 0");
}

static void priority_divergence(void **state)
{
    (void)state;
    put(0, 3);
    struct rows x = { .n = 2 };
    x.r[0] = row_of(2, 12, 1);
    x.r[0].hash.b[5] ^= 1;
    x.r[1] = row_of(3, 13, 1);
    struct err err = store_case_fails(STORE_JOURNAL, append, &x);
    assert_int_equal(err.kind, ERR_DIVERGED);
    assert_string_equal(err.msg, "priority operation 2 was read before with another hash");
    assert_int_equal(next_id(), 3);
}

static void row_17_truncate_takes_back(void **state)
{
    (void)state;
    put(0, 6); /* blocks 10 to 15 */
    struct rows x = { .l1_block = 13, .keep_below = 0 };
    store_case_run(STORE_JOURNAL, truncate_rows, &x);
    assert_int_equal(next_id(), 3);
    assert_int_equal(seen(100), 3);
    struct rows again = { .n = 2 };
    again.r[0] = row_of(3, 14, 2);
    again.r[0].hash = hash_of(333); /* another operation has the id now */
    again.r[1] = row_of(4, 15, 2);
    store_case_run(STORE_JOURNAL, append, &again);
    const struct l1_tx_row *rows;
    assert_int_equal(load(3, 10, &rows), 2);
    same_row(&rows[0], &again.r[0]);
}

/* What is in our blocks stays, is known to be gone from L1, and gets its new place when it comes back. */
static void row_22_used_operations_stay(void **state)
{
    (void)state;
    const struct l1_tx_row *rows;
    put(0, 6);
    struct rows x = { .l1_block = 12, .keep_below = 4 };
    store_case_run(STORE_JOURNAL, truncate_rows, &x);
    assert_int_equal(next_id(), 4); /* 4 and 5 went, 2 and 3 stay */
    assert_int_equal(seen(12), 2);
    assert_int_equal(seen(1000000), 2); /* however far the cursor goes */
    assert_int_equal(load(0, 10, &rows), 4);
    assert_int_equal(rows[1].l1_block, 11);
    assert_true(rows[2].l1_block == L1_BLOCK_GONE && rows[3].l1_block == L1_BLOCK_GONE);
    struct rows again = { .n = 1 };
    again.r[0] = row_of(2, 14, 2);
    store_case_run(STORE_JOURNAL, append, &again);
    assert_int_equal(seen(15), 3);
    assert_int_equal(load(2, 1, &rows), 1);
    same_row(&rows[0], &again.r[0]);
    /* a second reorganisation compares with the new place */
    x = (struct rows){ .l1_block = 15, .keep_below = 4 };
    store_case_run(STORE_JOURNAL, truncate_rows, &x);
    assert_int_equal(load(2, 1, &rows), 1);
    assert_int_equal(rows[0].l1_block, 14);
    /* another operation under a used id is a contradiction */
    again.r[0] = row_of(3, 16, 2);
    again.r[0].hash = hash_of(444);
    struct err err = store_case_fails(STORE_JOURNAL, append, &again);
    assert_int_equal(err.kind, ERR_DIVERGED);
}

/* ---- upgrades ---- */

static bool put_upgrade(struct store_txn *t, void *arg, struct err *err)
{
    return l1_upgrade_put(t, arg, err);
}

static struct l1_tx_row load_upgrade(uint64_t minor, bool want)
{
    struct l1_tx_row row;
    struct err err = { .kind = ERR_NONE };
    bool found = !want;
    if (!l1_upgrade_load(sc.reader, minor, &sc.arena, &row, &found, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(found, want);
    return row;
}

static void upgrade_with_dependencies(void **state)
{
    (void)state;
    static const size_t lens[] = { 32, 0, 1, 70000, 0 };
    uint64_t seed = 5;
    struct bytes deps[5];
    for (int i = 0; i < 5; i++) {
        uint8_t *p = arena_alloc(&sc.arena, lens[i]);
        test_random_bytes(&seed, p, lens[i]);
        deps[i] = bytes_of(p, lens[i]);
    }
    for (size_t cnt = 0; cnt <= 5; cnt++) {
        struct l1_tx_row row = row_of(31, 29, 1);
        row.factory_deps = deps;
        row.factory_dep_cnt = cnt;
        store_case_run(STORE_JOURNAL, put_upgrade, &row); /* replaces the one before */
        struct l1_tx_row back = load_upgrade(31, true);
        same_row(&back, &row);
        assert_int_equal(back.factory_dep_cnt, cnt);
        for (size_t i = 0; i < cnt; i++)
            assert_true(bytes_eq(back.factory_deps[i], deps[i]));
    }
    load_upgrade(30, false);
    load_upgrade(32, false);
}

static bool damage_deps(struct store_txn *t, void *arg, struct err *err)
{
    return sql_exec(t->db, arg, err);
}

static void damaged_dependencies_are_named(void **state)
{
    (void)state;
    uint8_t code[40] = { 1 };
    struct bytes dep = bytes_of(code, 40);
    struct l1_tx_row row = row_of(31, 29, 1);
    row.factory_deps = &dep;
    row.factory_dep_cnt = 1;
    static const char *const damage[] = {
        "UPDATE l1_upgrade SET factory_deps = substr(factory_deps, 1, 43)",
        "UPDATE l1_upgrade SET factory_deps = x'00'",
        "UPDATE l1_upgrade SET factory_deps = x'ffffffff00'",
    };
    for (int i = 0; i < 3; i++) {
        struct err err = { .kind = ERR_NONE };
        bool found = false;
        store_case_run(STORE_JOURNAL, put_upgrade, &row);
        store_case_run(STORE_JOURNAL, damage_deps, (void *)(uintptr_t)damage[i]);
        assert_false(l1_upgrade_load(sc.reader, 31, &sc.arena, &row, &found, &err));
        assert_string_equal(err.msg, "damaged factory dependencies in the journal");
        row = row_of(31, 29, 1);
        row.factory_deps = &dep;
        row.factory_dep_cnt = 1;
    }
    struct err err;
    bool found;
    char short_hash[] = "UPDATE l1_upgrade SET hash = x'0102', factory_deps = x''";
    store_case_run(STORE_JOURNAL, damage_deps, short_hash);
    assert_false(l1_upgrade_load(sc.reader, 31, &sc.arena, &row, &found, &err));
    assert_non_null(strstr(err.msg, "malformed")); /* a hash of two bytes */
}

/* ---- cursor ---- */

struct named_cursor {
    const char *name;
    struct watcher_cursor c;
};
static bool put_cursor(struct store_txn *t, void *arg, struct err *err)
{
    const struct named_cursor *n = arg;
    return watcher_cursor_put(t, n->name, &n->c, err);
}

static void cursors(void **state)
{
    (void)state;
    struct watcher_cursor c;
    struct err err;
    bool found = true;
    assert_true(watcher_cursor_load(sc.reader, "l1", &c, &found, &err));
    assert_false(found);
    assert_int_equal(c.next_block, 0);
    struct named_cursor a = { "l1", { 100, hash_of(99) } }, b = { "gateway", { 7, hash_of(6) } };
    store_case_run(STORE_JOURNAL, put_cursor, &a);
    store_case_run(STORE_JOURNAL, put_cursor, &b);
    a.c = (struct watcher_cursor){ 90, hash_of(89) }; /* back, too */
    store_case_run(STORE_JOURNAL, put_cursor, &a);
    assert_true(watcher_cursor_load(sc.reader, "l1", &c, &found, &err));
    assert_true(found && c.next_block == 90);
    assert_memory_equal(c.block_hash.b, a.c.block_hash.b, 32);
    assert_true(watcher_cursor_load(sc.reader, "gateway", &c, &found, &err));
    assert_true(found && c.next_block == 7);
}

/* ---- batches ---- */

static struct batch_row batch_of(uint64_t n)
{
    struct batch_row b = { 0 };
    uint64_t seed = n * 31 + 1;
    b.number = n;
    b.first_block = 10 * n - 9;
    b.last_block = 10 * n;
    b.first_timestamp = 1000 * n;
    b.last_timestamp = 1000 * n + 9;
    b.sealed_at_ms = 1700000000000u + n;
    struct b256 *hashes[] = {
        &b.state_commitment, &b.stored_hash,     &b.commitment,        &b.l2_logs_tree_root,
        &b.logs_root,        &b.multichain_root, &b.priority_ops_hash, &b.dependency_roots_hash,
        &b.upgrade_tx_hash,  &b.da_commitment,   &b.tree_root,         &b.last_256_hashes
    };
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
        test_random_bytes(&seed, hashes[i]->b, 32);
    b.l1_tx_cnt = n + 1;
    b.l2_tx_cnt = n + 2;
    b.first_priority_id = n + 3;
    b.sl_chain_id = UINT64_MAX - n;
    b.l2_log_cnt = n + 5;
    b.pubdata_len = n + 6;
    b.protocol_minor = 31;
    b.execution_version = 6;
    b.da_scheme = (uint8_t)(n % 5);
    b.leaf_count = n + 7;
    return b;
}

static bool put_batch(struct store_txn *t, void *arg, struct err *err)
{
    return batch_put(t, arg, err);
}
struct step {
    uint64_t number;
    enum batch_step step;
    struct batch_step_row row;
};
static bool put_step(struct store_txn *t, void *arg, struct err *err)
{
    const struct step *s = arg;
    return batch_step_put(t, s->number, s->step, &s->row, err);
}
static bool cut_batches(struct store_txn *t, void *arg, struct err *err)
{
    return batch_truncate(t, *(uint64_t *)arg, err);
}

static void set_step(uint64_t n, enum batch_step step, bool done)
{
    struct step s = { n, step, { .done = done, .sl_block = 100 * n + step, .sl_timestamp = n } };
    s.row.tx_hash = hash_of(10 * n + step);
    s.row.block_hash = hash_of(20 * n + step);
    store_case_run(STORE_JOURNAL, put_step, &s);
}

static struct batch_row load_batch(uint64_t n, bool want)
{
    struct batch_row b;
    struct err err;
    bool found = !want;
    assert_true(batch_load(sc.reader, n, &b, &found, &err));
    assert_int_equal(found, want);
    return b;
}

static void batch_round_trip(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 3; n++) {
        struct batch_row b = batch_of(n);
        store_case_run(STORE_JOURNAL, put_batch, &b);
    }
    struct batch_row want = batch_of(2), got = load_batch(2, true);
    assert_memory_equal(&got, &want, sizeof(got)); /* both start zeroed */
    load_batch(4, false);
    uint64_t last = 0;
    struct err err;
    assert_true(batch_last(sc.reader, &last, &err));
    assert_int_equal(last, 3);
}

static void batch_by_block(void **state)
{
    (void)state;
    struct err err;
    struct batch_row b;
    bool found;
    for (uint64_t n = 1; n <= 3; n++) {
        b = batch_of(n);
        store_case_run(STORE_JOURNAL, put_batch, &b);
    }
    static const struct {
        uint64_t block, batch;
    } cases[] = { { 0, 0 }, { 1, 1 }, { 10, 1 }, { 11, 2 }, { 20, 2 }, { 30, 3 }, { 31, 0 } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(batch_load_by_block(sc.reader, cases[i].block, &b, &found, &err));
        assert_int_equal(found, cases[i].batch != 0);
        if (found)
            assert_int_equal(b.number, cases[i].batch);
    }
}

static void batch_steps_and_frontiers(void **state)
{
    (void)state;
    struct err err;
    uint64_t n = 77;
    for (uint64_t i = 1; i <= 3; i++) {
        struct batch_row b = batch_of(i);
        store_case_run(STORE_JOURNAL, put_batch, &b);
    }
    for (int s = 0; s < BATCH_STEP_CNT; s++) {
        assert_true(batch_frontier(sc.reader, (enum batch_step)s, &n, &err));
        assert_int_equal(n, 0);
    }
    set_step(1, BATCH_COMMIT, true);
    set_step(2, BATCH_COMMIT, true);
    set_step(3, BATCH_COMMIT, true);
    set_step(1, BATCH_PROVE, true);
    set_step(2, BATCH_PROVE, true);
    set_step(1, BATCH_EXECUTE, true);
    static const uint64_t want[] = { 3, 2, 1 };
    for (int s = 0; s < BATCH_STEP_CNT; s++) {
        assert_true(batch_frontier(sc.reader, (enum batch_step)s, &n, &err));
        assert_int_equal(n, want[s]);
    }
    struct batch_row b = load_batch(2, true);
    assert_true(b.step[BATCH_COMMIT].done && b.step[BATCH_PROVE].done &&
                !b.step[BATCH_EXECUTE].done);
    assert_int_equal(b.step[BATCH_PROVE].sl_block, 201);
    struct b256 h = hash_of(21);
    assert_memory_equal(b.step[BATCH_PROVE].tx_hash.b, h.b, 32);
    set_step(3, BATCH_COMMIT, false); /* a reorganisation took it back */
    assert_true(batch_frontier(sc.reader, BATCH_COMMIT, &n, &err));
    assert_int_equal(n, 2);
    assert_false(load_batch(3, true).step[BATCH_COMMIT].done);
}

/* A committed batch is what the settlement layer has: it is never replaced. */
static void committed_batch_is_frozen(void **state)
{
    (void)state;
    struct batch_row b = batch_of(1), other = batch_of(1);
    store_case_run(STORE_JOURNAL, put_batch, &b);
    other.last_block = 8;
    store_case_run(STORE_JOURNAL, put_batch, &other); /* not committed yet: cut anew */
    assert_int_equal(load_batch(1, true).last_block, 8);
    set_step(1, BATCH_COMMIT, true);
    struct err err = store_case_fails(STORE_JOURNAL, put_batch, &b);
    assert_int_equal(err.kind, ERR_LOCAL);
    assert_int_equal(load_batch(1, true).last_block, 8);
    set_step(1, BATCH_COMMIT, false);
    store_case_run(STORE_JOURNAL, put_batch, &b);
    assert_int_equal(load_batch(1, true).last_block, 10);
}

static void truncated_batches_lose_their_steps(void **state)
{
    (void)state;
    uint64_t keep = 1, n = 77;
    struct err err;
    for (uint64_t i = 1; i <= 3; i++) {
        struct batch_row b = batch_of(i);
        store_case_run(STORE_JOURNAL, put_batch, &b);
        set_step(i, BATCH_COMMIT, true);
    }
    store_case_run(STORE_JOURNAL, cut_batches, &keep);
    assert_true(batch_last(sc.reader, &n, &err));
    assert_int_equal(n, 1);
    assert_true(batch_frontier(sc.reader, BATCH_COMMIT, &n, &err));
    assert_int_equal(n, 1);
    struct batch_row b = batch_of(2);
    store_case_run(STORE_JOURNAL, put_batch, &b);
    assert_false(load_batch(2, true).step[BATCH_COMMIT].done);
    keep = 0;
    store_case_run(STORE_JOURNAL, cut_batches, &keep);
    assert_true(batch_last(sc.reader, &n, &err));
    assert_int_equal(n, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, store_case_setup, store_case_teardown)
/* ---- message roots ---- */

struct roots_job {
    uint64_t layer, block;
};
static bool agree(struct store_txn *t, void *arg, struct err *err)
{
    const struct roots_job *j = arg;
    return message_root_agreed_put(t, j->layer, j->block, err);
}
static bool take_back(struct store_txn *t, void *arg, struct err *err)
{
    const struct roots_job *j = arg;
    return message_root_truncate(t, j->layer, j->block, err);
}
static uint64_t agreed(uint64_t layer)
{
    uint64_t n = 77;
    struct err err;
    assert_true(message_root_agreed_load(sc.reader, layer, &n, &err));
    return n;
}

static void what_is_taken_back_was_not_agreed_to(void **state)
{
    (void)state;
    assert_int_equal(agreed(506), 0);
    store_case_run(STORE_JOURNAL, take_back, &(struct roots_job){ 506, 3 });
    assert_int_equal(agreed(506), 0);
    store_case_run(STORE_JOURNAL, agree, &(struct roots_job){ 506, 9 });
    store_case_run(STORE_JOURNAL, agree, &(struct roots_job){ UINT64_MAX, 4 });
    store_case_run(STORE_JOURNAL, take_back, &(struct roots_job){ 506, 12 });
    assert_int_equal(agreed(506), 9);
    store_case_run(STORE_JOURNAL, take_back, &(struct roots_job){ 506, 5 });
    assert_int_equal(agreed(506), 5);
    store_case_run(STORE_JOURNAL, take_back, &(struct roots_job){ UINT64_MAX, 0 });
    assert_int_equal(agreed(UINT64_MAX), 0);
    assert_int_equal(agreed(506), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(priority_append_and_load),
        T(priority_gap),
        T(priority_first_is_zero),
        T(priority_divergence),
        T(row_17_truncate_takes_back),
        T(row_22_used_operations_stay),
        T(upgrade_with_dependencies),
        T(damaged_dependencies_are_named),
        T(cursors),
        T(batch_round_trip),
        T(batch_by_block),
        T(batch_steps_and_frontiers),
        T(committed_batch_is_frozen),
        T(truncated_batches_lose_their_steps),
        T(what_is_taken_back_was_not_agreed_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
