/* node/store/l1_tx.c */
#include "node/store/l1_tx.h"

#include <inttypes.h>
#include <sqlite3.h>

#include "node/base/buf.h"
#include "node/store/sql.h"

#define MAX_FACTORY_DEPS_LEN (64u << 20)

static bool next_id(struct sqlite3 *db, uint64_t *next, struct err *err)
{
    struct sql q = sql_prepare(db, "SELECT coalesce(max(id) + 1, 0) FROM l1_priority");
    bool row = false;
    if (!sql_step(&q, &row, "next priority id", err))
        return sqlite3_finalize(q.stmt), false;
    *next = row ? sql_u64(&q) : 0;
    return sql_finish(&q, "next priority id", err);
}

/* *same: the row is there with this hash */
static bool compare(struct sqlite3 *db, const struct l1_tx_row *row, bool *same, struct err *err)
{
    struct sql q = sql_prepare(db, "SELECT hash FROM l1_priority WHERE id = ?");
    sql_bind_u64(&q, row->id);
    bool found = false;
    if (!sql_step(&q, &found, "priority operation", err))
        return sqlite3_finalize(q.stmt), false;
    struct b256 hash = { { 0 } };
    if (found)
        hash = sql_b256(&q);
    *same = found && b256_eq(&hash, &row->hash);
    return sql_finish(&q, "priority operation", err);
}

/* The same operation in another block: where it is now is what a later reorganisation must compare with. */
static bool move(struct sqlite3 *db, const struct l1_tx_row *r, struct err *err)
{
    struct sql q = sql_prepare(
        db, "UPDATE l1_priority SET l1_block = ?, l1_block_hash = ?, l1_tx_hash = ? WHERE id = ?");
    sql_bind_u64(&q, r->l1_block);
    sql_bind_b256(&q, &r->l1_block_hash);
    sql_bind_b256(&q, &r->l1_tx_hash);
    sql_bind_u64(&q, r->id);
    return sql_run(&q, "move priority operation", err);
}

static bool insert(struct sqlite3 *db, const struct l1_tx_row *r, struct err *err)
{
    struct sql q = sql_prepare(db, "INSERT INTO l1_priority VALUES(?, ?, ?, ?, ?, ?)");
    sql_bind_u64(&q, r->id);
    sql_bind_b256(&q, &r->hash);
    sql_bind_blob(&q, r->envelope);
    sql_bind_u64(&q, r->l1_block);
    sql_bind_b256(&q, &r->l1_block_hash);
    sql_bind_b256(&q, &r->l1_tx_hash);
    return sql_run(&q, "store priority operation", err);
}

bool l1_priority_append(struct store_txn *t, const struct l1_tx_row *rows, size_t n,
                        struct err *err)
{
    uint64_t next = 0;
    if (!next_id(t->db, &next, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].id < next) {
            bool same = false;
            if (!compare(t->db, &rows[i], &same, err))
                return false;
            if (!same)
                return err_set(err, ERR_DIVERGED,
                               "priority operation %" PRIu64 " was read before with another hash",
                               rows[i].id);
            if (!move(t->db, &rows[i], err))
                return false;
            continue;
        }
        if (rows[i].id != next)
            return err_set(err, ERR_INVALID,
                           "gap in priority operations: %" PRIu64 " after %" PRIu64, rows[i].id,
                           next);
        if (!insert(t->db, &rows[i], err))
            return false;
        next++;
    }
    return true;
}

bool l1_priority_truncate(struct store_txn *t, uint64_t l1_block, uint64_t keep_below,
                          struct err *err)
{
    struct sql q = sql_prepare(t->db, "DELETE FROM l1_priority WHERE l1_block >= ? AND id >= ?");
    sql_bind_u64(&q, l1_block);
    sql_bind_u64(&q, keep_below);
    if (!sql_run(&q, "take back priority operations", err))
        return false;
    struct sql k = sql_prepare(t->db, "UPDATE l1_priority SET l1_block = ? WHERE l1_block >= ?");
    sql_bind_u64(&k, L1_BLOCK_GONE);
    sql_bind_u64(&k, l1_block);
    return sql_run(&k, "mark priority operations", err);
}

/* factory dependencies in one column: 4-byte length, bytes, ... */
static bool pack_deps(struct buf *out, const struct l1_tx_row *r, struct err *err)
{
    for (size_t i = 0; i < r->factory_dep_cnt; i++) {
        uint8_t len[4];
        store_be32(len, (uint32_t)r->factory_deps[i].len);
        buf_append(out, len, 4);
        buf_append(out, r->factory_deps[i].p, r->factory_deps[i].len);
    }
    if (out->failed)
        return err_set(err, ERR_INVALID, "factory dependencies exceed %u bytes",
                       MAX_FACTORY_DEPS_LEN);
    return true;
}

static bool unpack_deps(struct l1_tx_row *r, struct bytes in, struct arena *arena, struct err *err)
{
    size_t cnt = 0, pos = 0;
    while (pos + 4 <= in.len && load_be32(in.p + pos) <= in.len - pos - 4) {
        pos += 4 + load_be32(in.p + pos);
        cnt++;
    }
    if (pos != in.len)
        return err_set(err, ERR_LOCAL, "damaged factory dependencies in the journal");
    struct bytes *deps = arena_alloc(arena, cnt * sizeof(*deps));
    if (!deps)
        return err_set(err, ERR_LOCAL, "out of memory");
    pos = 0;
    for (size_t i = 0; i < cnt; i++) {
        uint32_t len = load_be32(in.p + pos);
        deps[i] = bytes_of(in.p + pos + 4, len);
        pos += 4 + len;
    }
    r->factory_deps = deps;
    r->factory_dep_cnt = cnt;
    return true;
}

bool l1_upgrade_put(struct store_txn *t, const struct l1_tx_row *r, struct err *err)
{
    struct buf deps;
    buf_init(&deps, MAX_FACTORY_DEPS_LEN);
    if (!pack_deps(&deps, r, err)) {
        buf_clear(&deps);
        return false;
    }
    struct sql q =
        sql_prepare(t->db, "INSERT OR REPLACE INTO l1_upgrade VALUES(?, ?, ?, ?, ?, ?, ?)");
    sql_bind_u64(&q, r->id);
    sql_bind_b256(&q, &r->hash);
    sql_bind_blob(&q, r->envelope);
    sql_bind_blob(&q, bytes_of(deps.p, deps.len));
    sql_bind_u64(&q, r->l1_block);
    sql_bind_b256(&q, &r->l1_block_hash);
    sql_bind_b256(&q, &r->l1_tx_hash);
    bool ok = sql_run(&q, "store upgrade transaction", err);
    buf_clear(&deps);
    return ok;
}

bool watcher_cursor_put(struct store_txn *t, const char *watcher, const struct watcher_cursor *c,
                        struct err *err)
{
    struct sql q = sql_prepare(t->db, "INSERT OR REPLACE INTO watcher_cursor VALUES(?, ?, ?)");
    sql_bind_text(&q, watcher);
    sql_bind_u64(&q, c->next_block);
    sql_bind_b256(&q, &c->block_hash);
    return sql_run(&q, "store watcher cursor", err);
}

bool l1_priority_load(struct store_reader *r, uint64_t first, size_t max, struct arena *arena,
                      const struct l1_tx_row **rows, size_t *n, struct err *err)
{
    struct l1_tx_row *out = arena_alloc(arena, max * sizeof(*out));
    *rows = out;
    *n = 0;
    if (!out)
        return err_set(err, ERR_LOCAL, "out of memory");
    struct sql q = sql_prepare(store_reader_db(r, STORE_JOURNAL),
                               "SELECT id, hash, envelope, l1_block, l1_block_hash, l1_tx_hash"
                               " FROM l1_priority WHERE id >= ? ORDER BY id LIMIT ?");
    sql_bind_u64(&q, first);
    sql_bind_u64(&q, max);
    bool row = false;
    while (*n < max && sql_step(&q, &row, "priority operations", err) && row) {
        struct l1_tx_row *x = &out[(*n)++];
        *x = (struct l1_tx_row){ 0 };
        x->id = sql_u64(&q);
        x->hash = sql_b256(&q);
        x->envelope = sql_blob(&q, arena);
        x->l1_block = sql_u64(&q);
        x->l1_block_hash = sql_b256(&q);
        x->l1_tx_hash = sql_b256(&q);
    }
    return sql_finish(&q, "priority operations", err);
}

bool l1_priority_next_id(struct store_reader *r, uint64_t *next, struct err *err)
{
    return next_id(store_reader_db(r, STORE_JOURNAL), next, err);
}

bool l1_priority_seen(struct store_reader *r, uint64_t l1_block, uint64_t *next, struct err *err)
{
    struct sql q =
        sql_prepare(store_reader_db(r, STORE_JOURNAL),
                    "SELECT coalesce(max(id) + 1, 0) FROM l1_priority WHERE l1_block < ?");
    sql_bind_u64(&q, l1_block);
    bool row = false;
    if (!sql_step(&q, &row, "priority operations seen", err))
        return sqlite3_finalize(q.stmt), false;
    *next = row ? sql_u64(&q) : 0;
    return sql_finish(&q, "priority operations seen", err);
}

bool l1_upgrade_load(struct store_reader *r, uint64_t minor, struct arena *arena,
                     struct l1_tx_row *row, bool *found, struct err *err)
{
    *found = false;
    *row = (struct l1_tx_row){ .id = minor };
    struct sql q =
        sql_prepare(store_reader_db(r, STORE_JOURNAL),
                    "SELECT hash, envelope, factory_deps, l1_block, l1_block_hash, l1_tx_hash"
                    " FROM l1_upgrade WHERE minor = ?");
    sql_bind_u64(&q, minor);
    if (!sql_step(&q, found, "upgrade transaction", err))
        return sqlite3_finalize(q.stmt), false;
    struct bytes deps = { NULL, 0 };
    if (*found) {
        row->hash = sql_b256(&q);
        row->envelope = sql_blob(&q, arena);
        deps = sql_blob(&q, arena);
        row->l1_block = sql_u64(&q);
        row->l1_block_hash = sql_b256(&q);
        row->l1_tx_hash = sql_b256(&q);
    }
    return sql_finish(&q, "upgrade transaction", err) && unpack_deps(row, deps, arena, err);
}

bool watcher_cursor_load(struct store_reader *r, const char *watcher, struct watcher_cursor *c,
                         bool *found, struct err *err)
{
    *found = false;
    *c = (struct watcher_cursor){ 0 };
    struct sql q = sql_prepare(store_reader_db(r, STORE_JOURNAL),
                               "SELECT next_block, block_hash FROM watcher_cursor WHERE name = ?");
    sql_bind_text(&q, watcher);
    if (!sql_step(&q, found, "watcher cursor", err))
        return sqlite3_finalize(q.stmt), false;
    if (*found) {
        c->next_block = sql_u64(&q);
        c->block_hash = sql_b256(&q);
    }
    return sql_finish(&q, "watcher cursor", err);
}
