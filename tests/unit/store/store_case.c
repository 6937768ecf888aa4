/* tests/unit/store/store_case.c */
#include "tests/unit/store/store_case.h"

#include <event2/thread.h>
#include <stdio.h>
#include <unistd.h>

struct store_case sc;

void store_case_open(void)
{
    struct err err = { .kind = ERR_NONE };
    struct store_config cfg = { .dir = sc.dir };
    sc.base = event_base_new();
    assert_non_null(sc.base);
    sc.store = store_open(sc.base, &cfg, &err);
    if (!sc.store)
        fail_msg("open: %s", err.msg);
    sc.reader = store_reader_open(sc.store, &err);
    if (!sc.reader)
        fail_msg("reader: %s", err.msg);
}

void store_case_close(void)
{
    store_reader_close(sc.reader);
    store_close(sc.store);
    if (sc.base)
        event_base_free(sc.base);
    sc.reader = NULL;
    sc.store = NULL;
    sc.base = NULL;
}

int store_case_setup(void **state)
{
    (void)state;
    (void)evthread_use_pthreads();
    memset(&sc, 0, sizeof(sc));
    arena_init_growing(&sc.arena, 1 << 16, 256 << 20);
    snprintf(sc.dir, sizeof(sc.dir), "/tmp/gatehouse-store-XXXXXX");
    if (!mkdtemp(sc.dir))
        return -1;
    store_case_open();
    return 0;
}

int store_case_teardown(void **state)
{
    (void)state;
    static const char *const names[] = { "chain.db", "journal.db", "index.db" };
    static const char *const ends[] = { "", "-wal", "-shm", "-journal" };
    char path[160];
    store_case_close();
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 4; k++) {
            snprintf(path, sizeof(path), "%s/%s%s", sc.dir, names[i], ends[k]);
            (void)unlink(path);
        }
    snprintf(path, sizeof(path), "%s/lock", sc.dir);
    (void)unlink(path);
    arena_clear(&sc.arena);
    return rmdir(sc.dir);
}

void store_case_run(enum store_file file, store_job_fn *job, void *arg)
{
    struct err err = { .kind = ERR_NONE };
    if (!store_write_sync(sc.store, file, job, arg, &err))
        fail_msg("%s", err.msg);
}

struct err store_case_fails(enum store_file file, store_job_fn *job, void *arg)
{
    struct err err = { .kind = ERR_NONE };
    assert_false(store_write_sync(sc.store, file, job, arg, &err));
    assert_int_not_equal(err.kind, ERR_NONE);
    assert_true(err.msg[0] != 0);
    return err;
}
