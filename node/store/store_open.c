/* node/store/store_open.c
 *
 * Opening files and folders: pragmas, the lock, the fingerprint, readers. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "node/base/hex.h"
#include "node/store/migrations.h"
#include "node/store/sql.h"
#include "node/store/store_internal.h"

#define BUSY_TIMEOUT_MS 10000

struct sqlite3 *store_open_file(const char *dir, const char *vfs, enum store_file file,
                                bool read_only, struct err *err)
{
    char path[4096];
    int n = snprintf(path, sizeof(path), "%s/%s", dir, store_file_name(file));
    if (n < 0 || (size_t)n >= sizeof(path)) {
        err_set(err, ERR_INVALID, "data folder path too long");
        return NULL;
    }
    struct sqlite3 *db = NULL;
    int flags = read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    int rc = sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX, vfs);
    if (rc != SQLITE_OK) {
        err_set_code(err, ERR_LOCAL, rc, "open %s: %s", path,
                     db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
        sqlite3_close(db);
        return NULL;
    }
    sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
    bool ok = true;
    if (!read_only) {
        /* FULL: a commit is on the disk before anyone is told (design: durable before visible). */
        /* EXTRA until the file is in WAL mode: turning to it ends with the removal of a rollback journal, and if the
         * power took that removal back, the next start would roll a new file back to nothing. */
        ok = sql_exec(db, "PRAGMA synchronous = EXTRA", err) &&
             sql_exec(db, "PRAGMA journal_mode = WAL", err) &&
             sql_exec(db,
                      file == STORE_INDEX ? "PRAGMA synchronous = NORMAL"
                                          : "PRAGMA synchronous = FULL",
                      err) &&
             sql_exec(db,
                      file == STORE_INDEX
                          ? "PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -65536"
                          : "PRAGMA wal_autocheckpoint = 4000",
                      err) &&
             migrations_run(db, file, err);
    }
    ok = ok && sql_exec(db, "PRAGMA mmap_size = 268435456", err);
    if (!ok) {
        err_wrap(err, "%s", path);
        sqlite3_close(db);
        return NULL;
    }
    return db;
}

bool store_lock(struct store *s, struct err *err)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/lock", s->dir);
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock_fd < 0)
        return err_set_code(err, ERR_LOCAL, errno, "open %s: %s", path, strerrordesc_np(errno));
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return err_set(err, ERR_INVALID, "%s is in use by another gatehouse process", s->dir);
    return true;
}

static bool fingerprint_job(struct store_txn *t, void *arg, struct err *err)
{
    const struct store_fingerprint *f = arg;
    struct sql q = sql_prepare(t->db, "SELECT chain_id, bridgehub, genesis_root FROM fingerprint");
    bool row = false;
    if (!sql_step(&q, &row, "read fingerprint", err))
        return sqlite3_finalize(q.stmt), false;
    if (!row) {
        sqlite3_finalize(q.stmt);
        struct sql w = sql_prepare(t->db, "INSERT INTO fingerprint VALUES(1, ?, ?, ?)");
        sql_bind_u64(&w, f->chain_id);
        sql_bind_blob(&w, bytes_of(f->bridgehub.b, 20));
        sql_bind_b256(&w, &f->genesis_root);
        return sql_run(&w, "write fingerprint", err);
    }
    uint64_t chain_id = sql_u64(&q);
    struct addr bridgehub = { { 0 } };
    const void *p = sqlite3_column_blob(q.stmt, 1);
    if (p && sqlite3_column_bytes(q.stmt, 1) == 20)
        memcpy(bridgehub.b, p, 20);
    q.next = 2;
    struct b256 root = sql_b256(&q);
    if (!sql_finish(&q, "read fingerprint", err))
        return false;
    char have[67], want[67];
    if (chain_id != f->chain_id)
        return err_set(err, ERR_INVALID,
                       "this data folder belongs to chain %" PRIu64
                       ", the configuration says %" PRIu64,
                       chain_id, f->chain_id);
    if (!addr_eq(&bridgehub, &f->bridgehub)) {
        hex_encode0x(have, bridgehub.b, 20);
        hex_encode0x(want, f->bridgehub.b, 20);
        return err_set(err, ERR_INVALID,
                       "this data folder belongs to bridgehub %s, the configuration says %s", have,
                       want);
    }
    if (!b256_eq(&root, &f->genesis_root)) {
        hex_encode0x(have, root.b, 32);
        hex_encode0x(want, f->genesis_root.b, 32);
        return err_set(
            err, ERR_INVALID,
            "this data folder was started from genesis root %s, the genesis file gives %s", have,
            want);
    }
    return true;
}

bool store_check_fingerprint(struct store *s, const struct store_fingerprint *f, struct err *err)
{
    struct store_fingerprint copy = *f;
    return store_write_sync(s, STORE_CHAIN, fingerprint_job, &copy, err);
}

/* ---- readers ---- */

struct store_reader {
    struct sqlite3 *db[STORE_FILE_CNT]; /* owned */
};

static struct store_reader *reader_open(const char *dir, const char *vfs, struct err *err)
{
    struct store_reader *r = calloc(1, sizeof(*r));
    if (!r) {
        err_set(err, ERR_LOCAL, "out of memory");
        return NULL;
    }
    for (int f = 0; f < STORE_FILE_CNT; f++) {
        r->db[f] = store_open_file(dir, vfs, (enum store_file)f, true, err);
        if (!r->db[f]) {
            store_reader_close(r);
            return NULL;
        }
    }
    return r;
}

struct store_reader *store_reader_open(struct store *s, struct err *err)
{
    return reader_open(s->dir, s->vfs, err);
}

struct store_reader *store_reader_open_dir(const char *dir, struct err *err)
{
    return reader_open(dir, NULL, err);
}

void store_reader_close(struct store_reader *r)
{
    if (!r)
        return;
    for (int f = 0; f < STORE_FILE_CNT; f++)
        sqlite3_close(r->db[f]);
    free(r);
}

struct sqlite3 *store_reader_db(struct store_reader *r, enum store_file file)
{
    return r->db[file];
}
