/* node/store/store.h
 *
 * Three SQLite files in one folder, one writer:
 *   chain.db    block records                        synchronous FULL
 *   journal.db  settlement, cursors, L1 requests, relay, sender journal   synchronous FULL
 *   index.db    derived from the two, can be rebuilt  synchronous NORMAL
 * Nothing spans two files but an "applied up to".
 *
 * Writes run on the store thread: store_write hands over a function that runs inside one IMMEDIATE transaction on
 * one file; when it returns true the transaction is committed (durable) and only then `done` runs on the event loop.
 * Jobs run in the order they were handed over. Readers are read-only connections, one per thread.
 *
 * A folder belongs to one chain: the fingerprint (chain id, bridgehub, genesis root) is stored at first open, another
 * chain's folder is refused. A lock file refuses a second process. */
#ifndef GH_STORE_STORE_H
#define GH_STORE_STORE_H

#include <event2/event.h>

#include "node/base/arena.h"
#include "node/base/bytes.h"
#include "node/base/err.h"

struct sqlite3;
struct store;
struct store_reader;
enum store_file { STORE_CHAIN, STORE_JOURNAL, STORE_INDEX, STORE_FILE_CNT };

struct store_fingerprint {
    uint64_t chain_id;
    struct addr bridgehub;
    struct b256 genesis_root;
};
struct store_config {
    const char *dir;
    const char *vfs;  /* SQLite VFS name, NULL for the default: tests inject faults here */
    size_t max_queue; /* jobs waiting; store_write fails with ERR_TRANSIENT beyond it. 0: 1024 */
};

/* Creates the folder, locks it, opens and migrates the files, starts the store thread. */
MUST_USE struct store *store_open(struct event_base *base, const struct store_config *cfg,
                                  struct err *err);
/* First use stores it; later use compares: ERR_INVALID naming what differs. */
MUST_USE bool store_check_fingerprint(struct store *s, const struct store_fingerprint *f,
                                      struct err *err);
/* Finishes what is queued, then closes. No callback runs afterwards. NULL is allowed. */
void store_close(struct store *s);

struct store_txn { /* inside a write job */
    struct sqlite3 *db;
    enum store_file file;
    struct store *store;
};
/* Runs on the store thread; false rolls back, with err filled. */
typedef bool store_job_fn(struct store_txn *t, void *arg, struct err *err);
/* Runs on the event loop after commit or rollback; err NULL on success. */
typedef void store_done_fn(void *arg, const struct err *err);
MUST_USE bool store_write(struct store *s, enum store_file file, store_job_fn *job,
                          store_done_fn *done, void *arg, struct err *err);
/* The same and waits for the commit: start-up and tools only, never on a running loop. */
MUST_USE bool store_write_sync(struct store *s, enum store_file file, store_job_fn *job, void *arg,
                               struct err *err);
size_t store_queue_len(struct store *s);
/* Waits until every job handed over is committed, and runs the `done` callbacks here, those of jobs they hand over too. Loop thread, at
 * shutdown. */
void store_drain(struct store *s);

/* A read-only connection to all three files. One thread at a time. */
MUST_USE struct store_reader *store_reader_open(struct store *s, struct err *err);
void store_reader_close(struct store_reader *r);
struct sqlite3 *store_reader_db(struct store_reader *r, enum store_file file);
/* Opens a folder for reading without a running node (CLI); does not take the lock. */
MUST_USE struct store_reader *store_reader_open_dir(const char *dir, struct err *err);

#endif
