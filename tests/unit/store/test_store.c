/* The store: one writer, jobs in order, told only after the commit; one process, one chain to a folder; files of other versions. */
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/store/migrations.h"
#include "node/store/sql.h"
#include "tests/unit/loop.h"
#include "tests/unit/store/store_case.h"

static bool make_table(struct store_txn *t, void *arg, struct err *err)
{
    (void)arg;
    return sql_exec(t->db, "CREATE TABLE n(i INTEGER PRIMARY KEY, v INTEGER NOT NULL)", err);
}

struct insert {
    uint64_t v;
    unsigned *done; /* counts up */
    unsigned order; /* of the callback */
    bool failed, durable;
    struct err err;
    bool fail_late;
};

static uint64_t count_rows(struct sqlite3 *db)
{
    struct err err;
    bool row = false;
    struct sql q = sql_prepare(db, "SELECT count(*) FROM n");
    assert_true(sql_step(&q, &row, "count", &err) && row);
    uint64_t n = sql_u64(&q);
    assert_true(sql_finish(&q, "count", &err));
    return n;
}

static bool insert_row(struct store_txn *t, void *arg, struct err *err)
{
    struct insert *in = arg;
    struct sql q = sql_prepare(t->db, "INSERT INTO n(v) VALUES(?)");
    sql_bind_u64(&q, in->v);
    if (!sql_run(&q, "insert", err))
        return false;
    return !in->fail_late || err_set(err, ERR_INVALID, "changed my mind");
}

/* On the loop: another connection must see the row already. */
static void inserted(void *arg, const struct err *err)
{
    struct insert *in = arg;
    in->order = ++*in->done;
    in->failed = err != NULL;
    if (err) {
        in->err = *err;
        return;
    }
    struct err e;
    bool row = false;
    struct sql q =
        sql_prepare(store_reader_db(sc.reader, STORE_INDEX), "SELECT 1 FROM n WHERE v = ?");
    sql_bind_u64(&q, in->v);
    in->durable = sql_step(&q, &row, "look", &e) && row;
    assert_true(sql_finish(&q, "look", &e));
}

static void turn_until(const unsigned *done, unsigned want)
{
    for (unsigned i = 0; i < 2000 && *done < want; i++)
        loop_run_ms(sc.base, 2);
    assert_int_equal(*done, want);
}

static void write_order_and_done_after_commit(void **state)
{
    (void)state;
    static struct insert in[200];
    unsigned done = 0;
    struct err err;
    store_case_run(STORE_INDEX, make_table, NULL);
    for (unsigned i = 0; i < 200; i++) {
        in[i] = (struct insert){ .v = i + 1, .done = &done };
        assert_true(store_write(sc.store, STORE_INDEX, insert_row, inserted, &in[i], &err));
    }
    assert_int_equal(done, 0); /* never from inside store_write */
    turn_until(&done, 200);
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(in[i].order, i + 1);
        assert_false(in[i].failed);
        assert_true(in[i].durable);
    }
    assert_int_equal(store_queue_len(sc.store), 0);
    assert_int_equal(count_rows(store_reader_db(sc.reader, STORE_INDEX)), 200);
}

static void a_failed_job_leaves_nothing(void **state)
{
    (void)state;
    struct insert in[3];
    unsigned done = 0;
    struct err err;
    store_case_run(STORE_INDEX, make_table, NULL);
    for (unsigned i = 0; i < 3; i++) {
        in[i] = (struct insert){ .v = i + 1, .done = &done, .fail_late = i == 1 };
        assert_true(store_write(sc.store, STORE_INDEX, insert_row, inserted, &in[i], &err));
    }
    turn_until(&done, 3);
    assert_true(in[0].durable && in[2].durable && in[1].failed);
    assert_int_equal(in[1].err.kind, ERR_INVALID);
    assert_string_equal(in[1].err.msg, "changed my mind");
    assert_int_equal(count_rows(store_reader_db(sc.reader, STORE_INDEX)), 2);
}

static void sql_faults_have_words(void **state)
{
    (void)state;
    struct insert in = { .v = 1 };
    struct err err = store_case_fails(STORE_INDEX, insert_row, &in);
    assert_int_equal(err.kind, ERR_LOCAL);
    assert_string_equal(err.msg, "insert: no such table: n");
}

struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool open;
};
static bool wait_at_gate(struct store_txn *t, void *arg, struct err *err)
{
    (void)t;
    (void)err;
    struct gate *g = arg;
    pthread_mutex_lock(&g->mutex);
    while (!g->open)
        pthread_cond_wait(&g->cond, &g->mutex);
    pthread_mutex_unlock(&g->mutex);
    return true;
}

static void open_gate(struct gate *g)
{
    pthread_mutex_lock(&g->mutex);
    g->open = true;
    pthread_cond_signal(&g->cond);
    pthread_mutex_unlock(&g->mutex);
}

static void a_full_queue_pushes_back(void **state)
{
    (void)state;
    struct gate g = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false };
    struct err err;
    store_case_close();
    sc.base = event_base_new();
    struct store_config cfg = { .dir = sc.dir, .max_queue = 3 };
    sc.store = store_open(sc.base, &cfg, &err);
    assert_non_null(sc.store);
    bool ok = true;
    for (int i = 0; i < 3; i++)
        ok = store_write(sc.store, STORE_INDEX, wait_at_gate, NULL, &g, &err) && ok;
    size_t len = store_queue_len(sc.store);
    bool fourth = store_write(sc.store, STORE_INDEX, wait_at_gate, NULL, &g, &err);
    open_gate(&g);
    assert_true(ok && !fourth);
    assert_int_equal(len, 3);
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_string_equal(err.msg, "the store is 3 writes behind");
    store_drain(sc.store);
    assert_int_equal(store_queue_len(sc.store), 0);
    assert_true(store_write(sc.store, STORE_INDEX, wait_at_gate, NULL, &g, &err));
    store_drain(sc.store);
}

struct chained {
    unsigned left, *done;
};
static bool nothing(struct store_txn *t, void *arg, struct err *err)
{
    (void)t;
    (void)arg;
    (void)err;
    return true;
}
static void chain_on(void *arg, const struct err *err)
{
    struct chained *c = arg;
    struct err e;
    assert_null(err);
    ++*c->done;
    if (c->left-- > 0)
        assert_true(store_write(sc.store, STORE_JOURNAL, nothing, chain_on, c, &e));
}

/* Callbacks that hand over more jobs are followed to the end, without the loop. */
static void drain_runs_what_callbacks_add(void **state)
{
    (void)state;
    unsigned done = 0;
    struct chained c = { 10, &done };
    struct err err;
    assert_true(store_write(sc.store, STORE_JOURNAL, nothing, chain_on, &c, &err));
    store_drain(sc.store);
    assert_int_equal(done, 11);
    assert_int_equal(store_queue_len(sc.store), 0);
    store_drain(sc.store); /* nothing left */
}

static void close_finishes_what_is_queued(void **state)
{
    (void)state;
    static struct insert in[50];
    unsigned done = 0;
    struct err err;
    store_case_run(STORE_INDEX, make_table, NULL);
    for (unsigned i = 0; i < 50; i++) {
        in[i] = (struct insert){ .v = i, .done = &done };
        assert_true(store_write(sc.store, STORE_INDEX, insert_row, inserted, &in[i], &err));
    }
    store_case_close();
    assert_int_equal(done, 0); /* no callback runs, but the rows are there */
    store_case_open();
    assert_int_equal(count_rows(store_reader_db(sc.reader, STORE_INDEX)), 50);
}

/* ---- one process ---- */

static void a_second_opening_is_refused(void **state)
{
    (void)state;
    struct err err;
    struct store_config cfg = { .dir = sc.dir };
    char want[160];
    assert_null(store_open(sc.base, &cfg, &err));
    snprintf(want, sizeof(want), "%s is in use by another gatehouse process", sc.dir);
    assert_int_equal(err.kind, ERR_INVALID);
    assert_string_equal(err.msg, want);
    store_case_run(STORE_INDEX, make_table, NULL); /* the first one goes on */
}

static void a_second_process_is_refused(void **state)
{
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct err err = { .kind = ERR_NONE };
        struct store_config cfg = { .dir = sc.dir };
        struct event_base *base = event_base_new();
        struct store *s = store_open(base, &cfg, &err);
        _exit(!s && err.kind == ERR_INVALID && strstr(err.msg, "is in use by another") ? 7 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

/* The lock is not a file that stays behind: what died does not hold it. */
static void the_lock_dies_with_its_process(void **state)
{
    (void)state;
    store_case_close();
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct err err;
        struct store_config cfg = { .dir = sc.dir };
        struct store *s = store_open(event_base_new(), &cfg, &err);
        _exit(s ? 7 : 1); /* without closing */
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 7);
    store_case_open();
}

static void a_folder_that_cannot_be_made(void **state)
{
    (void)state;
    struct err err = { .kind = ERR_NONE };
    struct store_config cfg = { .dir = "/proc/gatehouse" };
    assert_null(store_open(sc.base, &cfg, &err));
    assert_non_null(strstr(err.msg, "/proc/gatehouse"));
}

/* ---- one chain ---- */

static struct store_fingerprint print_of(uint64_t chain)
{
    struct store_fingerprint f = { .chain_id = chain };
    memset(f.bridgehub.b, 0xab, 20);
    memset(f.genesis_root.b, 0xcd, 32);
    return f;
}

static void expect_fingerprint(struct store_fingerprint f, const char *text)
{
    struct err err = { .kind = ERR_NONE };
    bool ok = store_check_fingerprint(sc.store, &f, &err);
    if (!text) {
        if (!ok)
            fail_msg("%s", err.msg);
        return;
    }
    assert_false(ok);
    assert_int_equal(err.kind, ERR_INVALID);
    assert_string_equal(err.msg, text);
}

static void fingerprint_names_what_differs(void **state)
{
    (void)state;
    expect_fingerprint(print_of(270), NULL);
    expect_fingerprint(print_of(270), NULL);
    store_case_close();
    store_case_open();
    expect_fingerprint(print_of(270), NULL);
    expect_fingerprint(print_of(271), "this data folder belongs to chain 270, the configuration "
                                      "says 271");
    struct store_fingerprint f = print_of(270);
    f.bridgehub.b[0] = 1;
    expect_fingerprint(
        f, "this data folder belongs to bridgehub 0xabababababababababababababababababababab, the "
           "configuration says 0x01ababababababababababababababababababab");
    f = print_of(270);
    f.genesis_root.b[31] = 1;
    expect_fingerprint(
        f, "this data folder was started from genesis root "
           "0xcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd, the genesis file "
           "gives 0xcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd01");
    expect_fingerprint(print_of(270), NULL); /* none of them replaced it */
    expect_fingerprint(print_of(UINT64_MAX), "this data folder belongs to chain 270, the "
                                             "configuration says 18446744073709551615");
}

/* ---- files of other versions ---- */

static sqlite3 *raw_open(const char *name)
{
    char path[160];
    sqlite3 *db = NULL;
    snprintf(path, sizeof(path), "%s/%s", sc.dir, name);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    return db;
}

static void raw_exec(const char *name, const char *text)
{
    sqlite3 *db = raw_open(name);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static int raw_version(const char *name)
{
    sqlite3 *db = raw_open(name);
    sqlite3_stmt *q = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    int v = sqlite3_column_int(q, 0);
    sqlite3_finalize(q);
    sqlite3_close(db);
    return v;
}

static void a_newer_file_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = { "chain.db", "journal.db", "index.db" };
    for (int i = 0; i < 3; i++) {
        struct err err = { .kind = ERR_NONE };
        struct store_config cfg = { .dir = sc.dir };
        char want[300], bump[64];
        store_case_close();
        int have = raw_version(names[i]);
        assert_true(have >= 1);
        snprintf(bump, sizeof(bump), "PRAGMA user_version = %d", have + 1);
        raw_exec(names[i], bump);
        sc.base = event_base_new();
        assert_null(store_open(sc.base, &cfg, &err));
        snprintf(want, sizeof(want),
                 "%s/%s: %s has schema step %d, this binary knows %d: use a newer gatehouse",
                 sc.dir, names[i], names[i], have + 1, have);
        assert_int_equal(err.kind, ERR_INVALID);
        assert_string_equal(err.msg, want);
        event_base_free(sc.base);
        snprintf(bump, sizeof(bump), "PRAGMA user_version = %d", have);
        raw_exec(names[i], bump);
        store_case_open();
    }
}

/* An empty file is the oldest there is: every step is applied, once. */
static void an_older_file_is_brought_forward(void **state)
{
    (void)state;
    store_case_close();
    char path[160];
    snprintf(path, sizeof(path), "%s/index.db", sc.dir);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(raw_version("index.db"), 0);
    store_case_open();
    struct err err;
    bool row = true;
    struct sql q = sql_prepare(store_reader_db(sc.reader, STORE_INDEX), "SELECT 1 FROM block_tree");
    assert_true(sql_step(&q, &row, "look", &err));
    assert_true(sql_finish(&q, "look", &err));
    assert_false(row);
    store_case_close();
    int v = raw_version("index.db");
    assert_true(v >= 1);
    store_case_open(); /* a second time changes nothing */
    store_case_close();
    assert_int_equal(raw_version("index.db"), v);
    store_case_open();
}

/* A step that cannot be applied leaves the file as it was. */
static void a_broken_step_is_rolled_back(void **state)
{
    (void)state;
    struct err err = { .kind = ERR_NONE };
    struct store_config cfg = { .dir = sc.dir };
    char path[160];
    store_case_close();
    snprintf(path, sizeof(path), "%s/chain.db", sc.dir);
    assert_int_equal(truncate(path, 0), 0);
    raw_exec("chain.db", "CREATE TABLE block(x)"); /* in the way of the second table */
    sc.base = event_base_new();
    assert_null(store_open(sc.base, &cfg, &err));
    assert_non_null(strstr(err.msg, "chain.db: schema step 1: "));
    assert_non_null(strstr(err.msg, "already exists"));
    assert_int_equal(raw_version("chain.db"), 0);
    raw_exec("chain.db", "DROP TABLE block");
    event_base_free(sc.base);
    sc.base = NULL;
    store_case_open();
}

static void not_a_database_is_named(void **state)
{
    (void)state;
    struct err err = { .kind = ERR_NONE };
    struct store_config cfg = { .dir = sc.dir };
    char path[160];
    store_case_close();
    snprintf(path, sizeof(path), "%s/journal.db", sc.dir);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    for (int i = 0; i < 5000; i++)
        fputc('x', f);
    fclose(f);
    sc.base = event_base_new();
    assert_null(store_open(sc.base, &cfg, &err));
    assert_int_equal(err.kind, ERR_LOCAL);
    assert_non_null(strstr(err.msg, "journal.db"));
    assert_non_null(strstr(err.msg, "not a database"));
}

/* Commits of the two files that cannot be rebuilt wait for the disk. */
static bool read_synchronous(struct store_txn *t, void *arg, struct err *err)
{
    bool row = false;
    struct sql q = sql_prepare(t->db, "PRAGMA synchronous");
    if (!sql_step(&q, &row, "pragma", err))
        return false;
    *(uint64_t *)arg = sql_u64(&q);
    return sql_finish(&q, "pragma", err);
}

static void durability_levels(void **state)
{
    (void)state;
    uint64_t chain = 0, journal = 0, index = 0;
    store_case_run(STORE_CHAIN, read_synchronous, &chain);
    store_case_run(STORE_JOURNAL, read_synchronous, &journal);
    store_case_run(STORE_INDEX, read_synchronous, &index);
    assert_true(chain >= 2 && journal >= 2); /* FULL */
    assert_int_equal(index, 1);              /* NORMAL */
}

/* ---- readers beside the writer ---- */

#define READERS 3
#define PAIRS   300

static atomic_bool stop_reading;
static atomic_uint torn;

static bool insert_pair(struct store_txn *t, void *arg, struct err *err)
{
    struct insert a = { .v = (uintptr_t)arg }, b = { .v = (uintptr_t)arg };
    return insert_row(t, &a, err) && insert_row(t, &b, err);
}

/* A transaction is seen whole or not at all, and never taken back. */
static void *read_pairs(void *arg)
{
    (void)arg;
    struct err err;
    struct store_reader *r = store_reader_open(sc.store, &err);
    uint64_t last = 0;
    if (!r)
        return (void *)1;
    while (!atomic_load(&stop_reading)) {
        uint64_t n = count_rows(store_reader_db(r, STORE_INDEX));
        if (n % 2 || n < last)
            atomic_fetch_add(&torn, 1);
        last = n;
    }
    store_reader_close(r);
    return NULL;
}

static void readers_beside_the_writer(void **state)
{
    (void)state;
    pthread_t threads[READERS];
    struct err err;
    store_case_run(STORE_INDEX, make_table, NULL);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_pairs, NULL), 0);
    for (uintptr_t i = 0; i < PAIRS; i++)
        assert_true(store_write(sc.store, STORE_INDEX, insert_pair, NULL, (void *)i, &err));
    store_drain(sc.store);
    atomic_store(&stop_reading, true);
    for (int i = 0; i < READERS; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(atomic_load(&torn), 0);
    assert_int_equal(count_rows(store_reader_db(sc.reader, STORE_INDEX)), 2 * PAIRS);
}

static void readers_cannot_write(void **state)
{
    (void)state;
    struct err err;
    assert_false(sql_exec(store_reader_db(sc.reader, STORE_CHAIN), "DELETE FROM block", &err));
    assert_non_null(strstr(err.msg, "readonly"));
}

static void a_reader_without_the_node(void **state)
{
    (void)state;
    struct err err;
    store_case_run(STORE_INDEX, make_table, NULL);
    struct store_reader *beside = store_reader_open_dir(sc.dir, &err);
    assert_non_null(beside); /* the lock is the writer's business */
    store_reader_close(beside);
    store_case_close();
    struct store_reader *alone = store_reader_open_dir(sc.dir, &err);
    assert_non_null(alone);
    assert_int_equal(count_rows(store_reader_db(alone, STORE_INDEX)), 0);
    store_reader_close(alone);
    assert_null(store_reader_open_dir("/tmp/gatehouse-no-such-folder", &err));
    assert_int_equal(err.kind, ERR_LOCAL);
}

#define T(f) cmocka_unit_test_setup_teardown(f, store_case_setup, store_case_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(write_order_and_done_after_commit),
        T(a_failed_job_leaves_nothing),
        T(sql_faults_have_words),
        T(a_full_queue_pushes_back),
        T(drain_runs_what_callbacks_add),
        T(close_finishes_what_is_queued),
        T(a_second_opening_is_refused),
        T(a_second_process_is_refused),
        T(the_lock_dies_with_its_process),
        T(a_folder_that_cannot_be_made),
        T(fingerprint_names_what_differs),
        T(a_newer_file_is_refused),
        T(an_older_file_is_brought_forward),
        T(a_broken_step_is_rolled_back),
        T(not_a_database_is_named),
        T(durability_levels),
        T(readers_beside_the_writer),
        T(readers_cannot_write),
        T(a_reader_without_the_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
