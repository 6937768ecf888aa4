/* node/store/sql.c */
#include "node/store/sql.h"

#include <sqlite3.h>

/* fills err with the connection's message; returns false. Disk full, I/O and lock trouble are ERR_LOCAL. */
static bool fail(struct sqlite3 *db, const char *what, struct err *err)
{
    return err_set_code(err, ERR_LOCAL, sqlite3_extended_errcode(db), "%s: %s", what,
                        sqlite3_errmsg(db));
}

struct sql sql_prepare(struct sqlite3 *db, const char *text)
{
    struct sql q = { .db = db, .next = 1 };
    q.rc = sqlite3_prepare_v2(db, text, -1, &q.stmt, NULL);
    return q;
}

static void keep(struct sql *q, int rc)
{
    if (q->rc == SQLITE_OK)
        q->rc = rc;
}

void sql_bind_u64(struct sql *q, uint64_t v)
{
    if (q->stmt)
        keep(q, sqlite3_bind_int64(q->stmt, q->next++, (sqlite3_int64)v));
}

void sql_bind_blob(struct sql *q, struct bytes b)
{
    static const uint8_t nothing[1] = { 0 }; /* an empty blob, not NULL */
    if (q->stmt)
        keep(q, sqlite3_bind_blob64(q->stmt, q->next++, b.len ? b.p : nothing, b.len,
                                    SQLITE_TRANSIENT));
}

void sql_bind_b256(struct sql *q, const struct b256 *v)
{
    sql_bind_blob(q, bytes_of(v->b, 32));
}

void sql_bind_text(struct sql *q, const char *s)
{
    if (q->stmt)
        keep(q, sqlite3_bind_text(q->stmt, q->next++, s, -1, SQLITE_TRANSIENT));
}

bool sql_step(struct sql *q, bool *row, const char *what, struct err *err)
{
    *row = false;
    if (!q->stmt || q->rc != SQLITE_OK)
        return fail(q->db, what, err);
    int rc = sqlite3_step(q->stmt);
    q->next = 0;
    if (rc == SQLITE_ROW) {
        *row = true;
        return true;
    }
    if (rc == SQLITE_DONE)
        return true;
    q->rc = rc;
    return fail(q->db, what, err);
}

bool sql_finish(struct sql *q, const char *what, struct err *err)
{
    int rc = q->rc;
    if (!q->stmt)
        return fail(q->db, what, err);
    sqlite3_finalize(q->stmt);
    q->stmt = NULL;
    if (rc == SQLITE_OK)
        return true;
    if (rc == SQLITE_CORRUPT || rc == SQLITE_NOMEM)
        return err_set(err, ERR_LOCAL, "%s: %s", what, sqlite3_errstr(rc));
    return fail(q->db, what, err);
}

bool sql_run(struct sql *q, const char *what, struct err *err)
{
    bool row = false;
    struct err step_err = { .kind = ERR_NONE };
    bool ok = sql_step(q, &row, what, &step_err);
    if (q->stmt) {
        sqlite3_finalize(q->stmt);
        q->stmt = NULL;
    }
    if (!ok && err)
        *err = step_err;
    return ok;
}

uint64_t sql_u64(struct sql *q)
{
    return (uint64_t)sqlite3_column_int64(q->stmt, q->next++);
}

struct b256 sql_b256(struct sql *q)
{
    struct b256 v = { { 0 } };
    int col = q->next++;
    const void *p = sqlite3_column_blob(q->stmt, col);
    if (!p || sqlite3_column_bytes(q->stmt, col) != 32) {
        keep(q, SQLITE_CORRUPT);
        return v;
    }
    memcpy(v.b, p, 32);
    return v;
}

struct bytes sql_blob(struct sql *q, struct arena *arena)
{
    int col = q->next++;
    const void *p = sqlite3_column_blob(q->stmt, col);
    int len = sqlite3_column_bytes(q->stmt, col);
    if (!p || len <= 0)
        return bytes_of(NULL, 0);
    void *copy = arena_copy(arena, p, (size_t)len);
    if (!copy) {
        keep(q, SQLITE_NOMEM);
        return bytes_of(NULL, 0);
    }
    return bytes_of(copy, (size_t)len);
}

bool sql_exec(struct sqlite3 *db, const char *text, struct err *err)
{
    if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
        return fail(db, text, err);
    return true;
}
