/* node/store/sql.h   (inside store, and for table files elsewhere)
 *
 * Thin helpers over prepared statements: one statement one function, bound parameters only. Binders start at index 1 and keep the first
 * failure in the struct, so a function tests once, at the step. */
#ifndef GH_STORE_SQL_H
#define GH_STORE_SQL_H

#include "node/base/arena.h"
#include "node/base/bytes.h"
#include "node/base/err.h"
#include "node/base/u256.h"

struct sqlite3;
struct sqlite3_stmt;

struct sql {
    struct sqlite3_stmt *stmt;
    struct sqlite3 *db;
    int next; /* parameter to bind, or column to read */
    int rc;   /* first failure, SQLITE_OK otherwise */
};

/* Prepares. On failure the struct is inert: binds do nothing, the step reports the error. */
struct sql sql_prepare(struct sqlite3 *db, const char *text);
void sql_bind_u64(struct sql *q, uint64_t v); /* stored as a signed 64-bit integer, wrapped */
void sql_bind_blob(struct sql *q, struct bytes b);
void sql_bind_b256(struct sql *q, const struct b256 *v);
void sql_bind_text(struct sql *q, const char *s);
/* Runs to the end (no rows wanted) and finalizes. */
MUST_USE bool sql_run(struct sql *q, const char *what, struct err *err);
/* Next row: true and *row says if there is one. Columns are then read in order from the first. */
MUST_USE bool sql_step(struct sql *q, bool *row, const char *what, struct err *err);
uint64_t sql_u64(struct sql *q);
/* A column of another length than 32 sets rc, so sql_finish reports a damaged row. */
struct b256 sql_b256(struct sql *q);
/* Copied into the arena; empty when it does not fit (rc set). */
struct bytes sql_blob(struct sql *q, struct arena *arena);
/* Finalizes; false when a bind, a step or a column failed. */
MUST_USE bool sql_finish(struct sql *q, const char *what, struct err *err);
/* One or more statements without parameters. */
MUST_USE bool sql_exec(struct sqlite3 *db, const char *text, struct err *err);

#endif
