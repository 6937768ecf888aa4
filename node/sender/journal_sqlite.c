/* The journal's tables and statements, and the journal over a plain handle. journal_store.c uses the same statements on
 * the store's thread. */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "node/sender/journal_sql.h"
#include "node/sender/sidecar.h"

/* Append-only; entry i brings the tables from version i to i + 1. A released entry never changes. */
static const char *const migrations[] = {
    /* 1 */
    "CREATE TABLE sender_tx("
    "  chain_id INTEGER NOT NULL, sender BLOB NOT NULL, id INTEGER NOT NULL,"
    "  key TEXT NOT NULL, label TEXT NOT NULL, state INTEGER NOT NULL,"
    "  to_addr BLOB NOT NULL, value BLOB NOT NULL, data BLOB NOT NULL, gas_hint INTEGER NOT NULL,"
    "  nonce INTEGER, is_fill INTEGER NOT NULL, cancel_wanted INTEGER NOT NULL,"
    "  created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, sent_ms INTEGER NOT NULL,"
    "  block_number INTEGER NOT NULL, block_hash BLOB NOT NULL, mined_hash BLOB NOT NULL,"
    "  gas_used INTEGER NOT NULL, paid BLOB NOT NULL, error TEXT NOT NULL,"
    "  PRIMARY KEY(chain_id, sender, id)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX sender_tx_key ON sender_tx(chain_id, sender, key, id);"
    "CREATE INDEX sender_tx_live ON sender_tx(chain_id, sender, id) WHERE state < 5;"
    "CREATE TABLE sender_tx_version("
    "  chain_id INTEGER NOT NULL, sender BLOB NOT NULL, id INTEGER NOT NULL, idx INTEGER NOT NULL,"
    "  nonce INTEGER NOT NULL, gas_limit INTEGER NOT NULL, max_fee BLOB NOT NULL,"
    "  max_tip BLOB NOT NULL, hash BLOB NOT NULL, raw BLOB NOT NULL, is_cancel INTEGER NOT NULL,"
    "  signed_ms INTEGER NOT NULL,"
    "  PRIMARY KEY(chain_id, sender, id, idx)) STRICT, WITHOUT ROWID;",
    /* 2: blob transactions. With rowids: large values do not belong into the tree. */
    "ALTER TABLE sender_tx_version ADD COLUMN max_blob_fee BLOB NOT NULL DEFAULT "
    "x'0000000000000000000000000000000000000000000000000000000000000000';"
    "CREATE TABLE sender_tx_blobs("
    "  chain_id INTEGER NOT NULL, sender BLOB NOT NULL, id INTEGER NOT NULL,"
    "  hashes BLOB NOT NULL, sidecar BLOB NOT NULL,"
    "  PRIMARY KEY(chain_id, sender, id)) STRICT;",
};
_Static_assert(TX_CONFIRMED == 5,
               "the live index and the load statement know where final states begin");

#define VERSIONS_MAX 4096
#define STORED_MAX   ((size_t)2 << 20) /* a sidecar */

static bool sql_fail(sqlite3 *db, const char *what, struct err *err)
{
    int rc = sqlite3_errcode(db);
    enum err_kind kind = rc == SQLITE_BUSY || rc == SQLITE_LOCKED ? ERR_TRANSIENT : ERR_LOCAL;
    return err_set_code(err, kind, rc, "sender journal: %s: %s", what, sqlite3_errmsg(db));
}

static bool run(sqlite3 *db, const char *sql, struct err *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK || sql_fail(db, sql, err);
}

static bool read_version(sqlite3 *db, size_t *version, struct err *err)
{
    sqlite3_stmt *st = NULL;
    *version = 0;
    if (!run(db,
             "CREATE TABLE IF NOT EXISTS sender_journal_version(id INTEGER PRIMARY KEY CHECK(id = "
             "1),"
             " version INTEGER NOT NULL) STRICT",
             err))
        return false;
    if (sqlite3_prepare_v2(db, "SELECT version FROM sender_journal_version", -1, &st, NULL) !=
        SQLITE_OK)
        return sql_fail(db, "version", err);
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *version = (size_t)sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return sql_fail(db, "version", err);
    if (*version > GH_COUNT(migrations))
        return err_set(err, ERR_INVALID, "sender journal: version %zu is newer than this program",
                       *version);
    return true;
}

bool tx_journal_migrate_here(sqlite3 *db, struct err *err)
{
    size_t version;
    sqlite3_stmt *st = NULL;
    if (!read_version(db, &version, err))
        return false;
    if (version == GH_COUNT(migrations))
        return true;
    for (; version < GH_COUNT(migrations); version++)
        if (!run(db, migrations[version], err))
            return false;
    if (sqlite3_prepare_v2(db,
                           "INSERT INTO sender_journal_version VALUES(1, ?1)"
                           " ON CONFLICT(id) DO UPDATE SET version = ?1",
                           -1, &st, NULL) != SQLITE_OK)
        return sql_fail(db, "version", err);
    sqlite3_bind_int64(st, 1, (sqlite3_int64)version);
    int rc = sqlite3_step(st);
    sqlite3_finalize(st);
    return rc == SQLITE_DONE || sql_fail(db, "version", err);
}

/* Applies what is missing, in one transaction; keeps its own version row. */
static bool migrate(sqlite3 *db, struct err *err)
{
    if (!run(db, "BEGIN IMMEDIATE", err))
        return false;
    struct err ignored;
    if (tx_journal_migrate_here(db, err) && run(db, "COMMIT", err))
        return true;
    (void)run(db, "ROLLBACK", &ignored);
    return false;
}

/* --- writing --- */

static void bind_u64(sqlite3_stmt *st, int i, uint64_t v)
{
    sqlite3_bind_int64(st, i, (sqlite3_int64)v);
}

static void bind_bytes(sqlite3_stmt *st, int i, const void *p, size_t len)
{
    sqlite3_bind_blob64(st, i, len ? p : "", len, SQLITE_TRANSIENT);
}

static void bind_u256(sqlite3_stmt *st, int i, const struct u256 *v)
{
    uint8_t be[32];
    u256_to_be32(be, v);
    bind_bytes(st, i, be, 32);
}

static void bind_name(sqlite3_stmt *st, const struct tx_journal_name *n, uint64_t id)
{
    bind_u64(st, 1, n->chain_id);
    bind_bytes(st, 2, n->sender.b, 20);
    bind_u64(st, 3, id);
}

static bool put_request(sqlite3 *db, const struct tx_journal_name *n, const struct tx_row *r,
                        struct err *err)
{
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v2(
            db,
            "INSERT INTO sender_tx "
            "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,"
            "?18,?19,?20,?21,?22) ON CONFLICT(chain_id, sender, id) DO UPDATE SET state=?6, "
            "nonce=?11,"
            " cancel_wanted=?13, updated_ms=?15, sent_ms=?16, block_number=?17, block_hash=?18,"
            " mined_hash=?19, gas_used=?20, paid=?21, error=?22",
            -1, &st, NULL) != SQLITE_OK)
        return sql_fail(db, "put", err);
    bind_name(st, n, r->id);
    sqlite3_bind_text(st, 4, r->key, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(st, 5, r->label, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int(st, 6, (int)r->state);
    bind_bytes(st, 7, r->to.b, 20);
    bind_u256(st, 8, &r->value);
    bind_bytes(st, 9, r->data.p, r->data.len);
    bind_u64(st, 10, r->gas_hint);
    if (r->nonce == TX_NO_NONCE)
        sqlite3_bind_null(st, 11);
    else
        bind_u64(st, 11, r->nonce);
    sqlite3_bind_int(st, 12, r->is_fill);
    sqlite3_bind_int(st, 13, r->cancel_wanted);
    bind_u64(st, 14, r->created_ms);
    bind_u64(st, 15, r->updated_ms);
    bind_u64(st, 16, r->sent_ms);
    bind_u64(st, 17, r->block_number);
    bind_bytes(st, 18, r->block_hash.b, 32);
    bind_bytes(st, 19, r->mined_hash.b, 32);
    bind_u64(st, 20, r->gas_used);
    bind_u256(st, 21, &r->paid);
    sqlite3_bind_text(st, 22, r->error, -1, SQLITE_TRANSIENT);
    int rc = sqlite3_step(st);
    sqlite3_finalize(st);
    return rc == SQLITE_DONE || sql_fail(db, "put", err);
}

static bool put_version(sqlite3 *db, const struct tx_journal_name *n, uint64_t id,
                        const struct tx_variant_row *v, struct err *err)
{
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v2(
            db,
            "INSERT INTO sender_tx_version VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)"
            " ON CONFLICT(chain_id, sender, id, idx) DO NOTHING",
            -1, &st, NULL) != SQLITE_OK)
        return sql_fail(db, "put version", err);
    bind_name(st, n, id);
    bind_u64(st, 4, v->index);
    bind_u64(st, 5, v->nonce);
    bind_u64(st, 6, v->gas_limit);
    bind_u256(st, 7, &v->max_fee);
    bind_u256(st, 8, &v->max_tip);
    bind_bytes(st, 9, v->hash.b, 32);
    bind_bytes(st, 10, v->raw.p, v->raw.len);
    sqlite3_bind_int(st, 11, v->is_cancel);
    bind_u64(st, 12, v->signed_ms);
    bind_u256(st, 13, &v->max_blob_fee);
    int rc = sqlite3_step(st);
    sqlite3_finalize(st);
    return rc == SQLITE_DONE || sql_fail(db, "put version", err);
}

static bool put_blobs(sqlite3 *db, const struct tx_journal_name *n, const struct tx_row *r,
                      struct err *err)
{
    sqlite3_stmt *st = NULL;
    struct buf stored;
    bool keep = !tx_state_is_final(r->state);
    if (r->blob_cnt == 0 || (keep && !r->sidecar))
        return true;
    const char *sql = keep ? "INSERT INTO sender_tx_blobs VALUES(?1,?2,?3,?4,?5)"
                             " ON CONFLICT(chain_id, sender, id) DO NOTHING"
                           : "INSERT INTO sender_tx_blobs VALUES(?1,?2,?3,?4,x'')"
                             " ON CONFLICT(chain_id, sender, id) DO UPDATE SET sidecar=x''";
    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
        return sql_fail(db, "put blobs", err);
    buf_init(&stored, STORED_MAX);
    bind_name(st, n, r->id);
    bind_bytes(st, 4, r->blob_hashes, r->blob_cnt * sizeof(*r->blob_hashes));
    bool ok =
        !keep || sidecar_store(&stored, r->sidecar) || err_set(err, ERR_LOCAL, "out of memory");
    if (keep && ok)
        bind_bytes(st, 5, stored.p, stored.len);
    int rc = ok ? sqlite3_step(st) : SQLITE_DONE;
    sqlite3_finalize(st);
    buf_clear(&stored);
    return ok && (rc == SQLITE_DONE || sql_fail(db, "put blobs", err));
}

bool tx_journal_put_here(sqlite3 *db, const struct tx_journal_name *n, const struct tx_row *r,
                         struct err *err)
{
    if (!put_request(db, n, r, err) || !put_blobs(db, n, r, err))
        return false;
    for (size_t i = 0; i < r->variant_cnt; i++)
        if (!put_version(db, n, r->id, &r->variants[i], err))
            return false;
    return true;
}

/* --- reading: a row whose columns are not what we wrote is a damaged file --- */

static bool column_fixed(sqlite3_stmt *st, int i, void *out, size_t len)
{
    if (sqlite3_column_bytes(st, i) != (int)len)
        return false;
    memcpy(out, sqlite3_column_blob(st, i), len);
    return true;
}

static bool column_u256(sqlite3_stmt *st, int i, struct u256 *out)
{
    uint8_t be[32];
    if (!column_fixed(st, i, be, 32))
        return false;
    *out = u256_of_be32(be);
    return true;
}

static uint64_t column_u64(sqlite3_stmt *st, int i)
{
    return (uint64_t)sqlite3_column_int64(st, i);
}

static struct bytes column_bytes(sqlite3_stmt *st, int i)
{
    const void *p = sqlite3_column_blob(st, i);
    return bytes_of(p, (size_t)sqlite3_column_bytes(st, i));
}

static const char *column_text(sqlite3_stmt *st, int i)
{
    const unsigned char *t = sqlite3_column_text(st, i);
    return t ? (const char *)t : "";
}

static bool read_row(sqlite3_stmt *st, struct tx_row *r)
{
    int state = sqlite3_column_int(st, 3);
    if (state < 0 || state >= TX_STATE_CNT)
        return false;
    *r = (struct tx_row){ .id = column_u64(st, 0),
                          .key = column_text(st, 1),
                          .label = column_text(st, 2),
                          .state = (enum tx_state)state,
                          .data = column_bytes(st, 6),
                          .gas_hint = column_u64(st, 7),
                          .nonce = sqlite3_column_type(st, 8) == SQLITE_NULL ? TX_NO_NONCE
                                                                             : column_u64(st, 8),
                          .is_fill = sqlite3_column_int(st, 9) != 0,
                          .cancel_wanted = sqlite3_column_int(st, 10) != 0,
                          .created_ms = column_u64(st, 11),
                          .updated_ms = column_u64(st, 12),
                          .sent_ms = column_u64(st, 13),
                          .block_number = column_u64(st, 14),
                          .gas_used = column_u64(st, 17),
                          .error = column_text(st, 19) };
    return column_fixed(st, 4, r->to.b, 20) && column_u256(st, 5, &r->value) &&
           column_fixed(st, 15, r->block_hash.b, 32) && column_fixed(st, 16, r->mined_hash.b, 32) &&
           column_u256(st, 18, &r->paid);
}

static bool read_version_row(sqlite3_stmt *st, struct tx_variant_row *v)
{
    *v = (struct tx_variant_row){ .index = (uint32_t)sqlite3_column_int64(st, 0),
                                  .nonce = column_u64(st, 1),
                                  .gas_limit = column_u64(st, 2),
                                  .is_cancel = sqlite3_column_int(st, 7) != 0,
                                  .signed_ms = column_u64(st, 8) };
    struct bytes raw = column_bytes(st, 6);
    if (!column_u256(st, 3, &v->max_fee) || !column_u256(st, 4, &v->max_tip) ||
        !column_u256(st, 9, &v->max_blob_fee) || !column_fixed(st, 5, v->hash.b, 32))
        return false;
    if (raw.len == 0)
        return true;
    uint8_t *copy = malloc(raw.len);
    if (!copy)
        return false;
    memcpy(copy, raw.p, raw.len);
    v->raw = bytes_of(copy, raw.len);
    return true;
}

struct versions {
    struct tx_variant_row *rows;
    size_t cnt;
};

static void versions_free(struct versions *v)
{
    for (size_t i = 0; i < v->cnt; i++)
        free((void *)(uintptr_t)v->rows[i].raw.p);
    free(v->rows);
}

static bool read_versions(sqlite3 *db, const struct tx_journal_name *n, uint64_t id,
                          struct versions *out, struct err *err)
{
    sqlite3_stmt *st = NULL;
    *out = (struct versions){ NULL, 0 };
    if (sqlite3_prepare_v2(
            db,
            "SELECT idx, nonce, gas_limit, max_fee, max_tip, hash, raw, is_cancel, signed_ms, "
            "max_blob_fee FROM sender_tx_version WHERE chain_id=?1 AND sender=?2 AND id=?3 ORDER "
            "BY idx",
            -1, &st, NULL) != SQLITE_OK)
        return sql_fail(db, "load versions", err);
    bind_name(st, n, id);
    int rc;
    bool ok = true;
    while (ok && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        struct tx_variant_row *grown = realloc(out->rows, (out->cnt + 1) * sizeof(*grown));
        if (grown)
            out->rows = grown;
        ok = grown && out->cnt < VERSIONS_MAX;
        if (ok) {
            struct tx_variant_row *v = &out->rows[out->cnt++];
            ok = read_version_row(st, v) && v->index == out->cnt - 1;
        }
        if (!ok)
            err_set(err, ERR_LOCAL, "sender journal: damaged versions of request %llu",
                    (unsigned long long)id);
    }
    if (ok && rc != SQLITE_DONE)
        ok = sql_fail(db, "load versions", err);
    sqlite3_finalize(st);
    if (!ok)
        versions_free(out);
    return ok;
}

struct blobs {
    struct b256 hashes[SIDECAR_BLOBS_MAX];
    struct sidecar *sidecar;
};

/* A live request has its sidecar, a final one none. */
static bool take_blobs(sqlite3_stmt *st, struct tx_row *r, struct blobs *out, struct err *err)
{
    struct bytes hashes = column_bytes(st, 0), stored = column_bytes(st, 1);
    r->blob_cnt = hashes.len / 32;
    if (hashes.len == 0 || hashes.len > sizeof(out->hashes) || hashes.len % 32 != 0)
        return err_set(err, ERR_LOCAL, "sender journal: damaged blob hashes of request %llu",
                       (unsigned long long)r->id);
    memcpy(out->hashes, hashes.p, hashes.len);
    r->blob_hashes = out->hashes;
    if (tx_state_is_final(r->state))
        return true;
    out->sidecar = sidecar_load(stored, out->hashes, r->blob_cnt, err);
    r->sidecar = out->sidecar;
    return out->sidecar != NULL;
}

static bool read_blobs(sqlite3 *db, const struct tx_journal_name *n, struct tx_row *r,
                       struct blobs *out, struct err *err)
{
    sqlite3_stmt *st = NULL;
    out->sidecar = NULL;
    if (sqlite3_prepare_v2(db,
                           "SELECT hashes, sidecar FROM sender_tx_blobs"
                           " WHERE chain_id=?1 AND sender=?2 AND id=?3",
                           -1, &st, NULL) != SQLITE_OK)
        return sql_fail(db, "load blobs", err);
    bind_name(st, n, r->id);
    int rc = sqlite3_step(st);
    bool ok = rc == SQLITE_DONE  ? true
              : rc == SQLITE_ROW ? take_blobs(st, r, out, err)
                                 : sql_fail(db, "load blobs", err);
    sqlite3_finalize(st);
    return ok;
}

#define ROW_COLUMNS                                                                                \
    "SELECT id, key, label, state, to_addr, value, data, gas_hint, nonce, is_fill, cancel_wanted," \
    " created_ms, updated_ms, sent_ms, block_number, block_hash, mined_hash, gas_used, paid, "     \
    "error"                                                                                        \
    " FROM sender_tx WHERE chain_id=?1 AND sender=?2 "

/* Runs st (bound) and shows every row with its versions. */
static bool visit_rows(sqlite3 *db, sqlite3_stmt *st, const struct tx_journal_name *n,
                       tx_journal_visit_fn *visit, void *arg, struct err *err)
{
    int rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        struct tx_row row;
        struct versions v;
        struct blobs blobs;
        if (!read_row(st, &row))
            return err_set(err, ERR_LOCAL, "sender journal: damaged row");
        if (!read_blobs(db, n, &row, &blobs, err))
            return false;
        if (!read_versions(db, n, row.id, &v, err)) {
            sidecar_unref(blobs.sidecar);
            return false;
        }
        row.variants = v.rows;
        row.variant_cnt = v.cnt;
        bool go_on = visit(arg, &row);
        versions_free(&v);
        sidecar_unref(blobs.sidecar);
        if (!go_on)
            return err_set(err, ERR_LOCAL, "out of memory");
    }
    return rc == SQLITE_DONE || sql_fail(db, "load", err);
}

static bool read_marks(sqlite3 *db, const struct tx_journal_name *n, uint64_t *next,
                       uint64_t *floor, struct err *err)
{
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v2(db,
                           "SELECT coalesce(max(id), 0) + 1, coalesce(max(CASE WHEN state >= 5 AND"
                           " block_number > 0 THEN nonce END) + 1, 0)"
                           " FROM sender_tx WHERE chain_id=?1 AND sender=?2",
                           -1, &st, NULL) != SQLITE_OK)
        return sql_fail(db, "marks", err);
    bind_u64(st, 1, n->chain_id);
    bind_bytes(st, 2, n->sender.b, 20);
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        *next = column_u64(st, 0);
        *floor = column_u64(st, 1);
    }
    sqlite3_finalize(st);
    return rc == SQLITE_ROW || sql_fail(db, "marks", err);
}

bool tx_journal_load_here(sqlite3 *db, const struct tx_journal_name *n, tx_journal_visit_fn *visit,
                          void *arg, uint64_t *next_id, uint64_t *nonce_floor, struct err *err)
{
    sqlite3_stmt *st = NULL;
    if (!read_marks(db, n, next_id, nonce_floor, err))
        return false;
    if (sqlite3_prepare_v2(db, ROW_COLUMNS "AND state < 5 ORDER BY id", -1, &st, NULL) != SQLITE_OK)
        return sql_fail(db, "load", err);
    bind_u64(st, 1, n->chain_id);
    bind_bytes(st, 2, n->sender.b, 20);
    bool ok = visit_rows(db, st, n, visit, arg, err);
    sqlite3_finalize(st);
    return ok;
}

bool tx_journal_find_here(sqlite3 *db, const struct tx_journal_name *n, const char *key,
                          uint64_t id, tx_journal_visit_fn *visit, void *arg, struct err *err)
{
    sqlite3_stmt *st = NULL;
    const char *sql =
        key ? ROW_COLUMNS "AND key=?3 ORDER BY id DESC LIMIT 1" : ROW_COLUMNS "AND id=?3";
    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
        return sql_fail(db, "find", err);
    bind_name(st, n, id);
    if (key)
        sqlite3_bind_text(st, 3, key, -1, SQLITE_TRANSIENT);
    bool ok = visit_rows(db, st, n, visit, arg, err);
    sqlite3_finalize(st);
    return ok;
}

/* --- over a plain handle --- */

static bool plain_put(void *ctx, const struct addr *sender, uint64_t chain_id,
                      const struct tx_row *row, uint64_t ticket, tx_journal_done_fn *done,
                      void *arg, struct err *err)
{
    sqlite3 *db = ctx;
    struct tx_journal_name n = { *sender, chain_id };
    struct err ignored;
    if (!run(db, "BEGIN IMMEDIATE", err))
        return false;
    if (!tx_journal_put_here(db, &n, row, err) || !run(db, "COMMIT", err)) {
        (void)run(db, "ROLLBACK", &ignored);
        return false;
    }
    done(arg, ticket, NULL);
    return true;
}

static bool plain_load(void *ctx, const struct addr *sender, uint64_t chain_id,
                       tx_journal_visit_fn *visit, void *arg, uint64_t *next_id,
                       uint64_t *nonce_floor, struct err *err)
{
    struct tx_journal_name n = { *sender, chain_id };
    return tx_journal_load_here(ctx, &n, visit, arg, next_id, nonce_floor, err);
}

static bool plain_find(void *ctx, const struct addr *sender, uint64_t chain_id, const char *key,
                       uint64_t id, tx_journal_visit_fn *visit, void *arg, struct err *err)
{
    struct tx_journal_name n = { *sender, chain_id };
    return tx_journal_find_here(ctx, &n, key, id, visit, arg, err);
}

static void plain_forget(void *ctx, void *arg)
{
    (void)ctx; /* every put has called back before it returned */
    (void)arg;
}

static void plain_destroy(void *ctx)
{
    (void)ctx; /* the handle is borrowed */
}

static const struct tx_journal_ops plain_ops = { plain_put, plain_load, plain_find, plain_forget,
                                                 plain_destroy };

struct tx_journal *tx_journal_sqlite(sqlite3 *db, struct err *err)
{
    struct tx_journal *j = malloc(sizeof(*j));
    if (!j) {
        err_set(err, ERR_LOCAL, "out of memory");
        return NULL;
    }
    *j = (struct tx_journal){ &plain_ops, db };
    if (!run(db, "PRAGMA synchronous=FULL", err) || !migrate(db, err)) {
        free(j);
        return NULL;
    }
    return j;
}

void tx_journal_destroy(struct tx_journal *j)
{
    if (!j)
        return;
    j->ops->destroy(j->ctx);
    free(j);
}
