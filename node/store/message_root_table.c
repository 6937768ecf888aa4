#include "node/store/message_root_table.h"

#include <sqlite3.h>

#include "node/store/sql.h"

bool message_root_put(struct store_txn *t, uint64_t layer, const struct message_root_row *rows,
                      size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].kind == MESSAGE_ROOT_CHAIN_ROOT)
            continue;
        struct sql q = sql_prepare(
            t->db, "INSERT OR REPLACE INTO message_root_event VALUES(?, ?, ?, ?, ?, ?, ?)");
        sql_bind_u64(&q, layer);
        sql_bind_u64(&q, rows[i].block);
        sql_bind_u64(&q, rows[i].log_index);
        sql_bind_u64(&q, (uint64_t)rows[i].kind);
        sql_bind_u64(&q, rows[i].chain);
        sql_bind_u64(&q, rows[i].number);
        sql_bind_b256(&q, &rows[i].value);
        if (!sql_run(&q, "store message root event", err))
            return false;
    }
    return true;
}

bool message_root_truncate(struct store_txn *t, uint64_t layer, uint64_t from, struct err *err)
{
    struct sql q =
        sql_prepare(t->db, "DELETE FROM message_root_event WHERE layer = ? AND block >= ?");
    sql_bind_u64(&q, layer);
    sql_bind_u64(&q, from);
    if (!sql_run(&q, "take back message root events", err))
        return false;
    q = sql_prepare(t->db, "UPDATE message_root_agreed SET below = MIN(below, ?) "
                           "WHERE layer = ?");
    sql_bind_u64(&q, from);
    sql_bind_u64(&q, layer);
    return sql_run(&q, "take back what a message root agreed to", err);
}

bool message_root_agreed_put(struct store_txn *t, uint64_t layer, uint64_t next_block,
                             struct err *err)
{
    struct sql q = sql_prepare(t->db, "INSERT OR REPLACE INTO message_root_agreed VALUES(?, ?)");
    sql_bind_u64(&q, layer);
    sql_bind_u64(&q, next_block);
    return sql_run(&q, "store what a message root agreed to", err);
}

bool message_root_agreed_load(struct store_reader *r, uint64_t layer, uint64_t *next_block,
                              struct err *err)
{
    struct sql q = sql_prepare(store_reader_db(r, STORE_JOURNAL),
                               "SELECT below FROM message_root_agreed WHERE layer = ?");
    bool found = false;
    *next_block = 0;
    sql_bind_u64(&q, layer);
    if (!sql_step(&q, &found, "what a message root agreed to", err))
        return sqlite3_finalize(q.stmt), false;
    if (found)
        *next_block = sql_u64(&q);
    return sql_finish(&q, "what a message root agreed to", err);
}

bool message_root_each(struct store_reader *r, uint64_t layer,
                       bool (*each)(void *arg, const struct message_root_row *row, struct err *err),
                       void *arg, struct err *err)
{
    struct sql q = sql_prepare(store_reader_db(r, STORE_JOURNAL),
                               "SELECT kind, block, log_index, chain, number, value FROM "
                               "message_root_event WHERE layer = ? ORDER BY block, log_index");
    sql_bind_u64(&q, layer);
    bool row = false, ok;
    while ((ok = sql_step(&q, &row, "message root events", err)) && row) {
        struct message_root_row m;
        uint64_t kind = sql_u64(&q);
        m.kind = (enum message_root_kind)kind;
        m.block = sql_u64(&q);
        m.log_index = sql_u64(&q);
        m.chain = sql_u64(&q);
        m.number = sql_u64(&q);
        m.value = sql_b256(&q);
        if (!each(arg, &m, err)) {
            ok = false;
            break;
        }
    }
    if (!ok) {
        sqlite3_finalize(q.stmt);
        return false;
    }
    return sql_finish(&q, "message root events", err);
}

/* ---- batches of a Gateway ---- */

bool layer_batch_put(struct store_txn *t, uint64_t layer, const struct layer_batch_row *b,
                     struct err *err)
{
    struct sql q =
        sql_prepare(t->db, "INSERT OR REPLACE INTO layer_batch VALUES(?, ?, ?, ?, ?, ?, ?)");
    sql_bind_u64(&q, layer);
    sql_bind_u64(&q, b->number);
    sql_bind_u64(&q, b->first_block);
    sql_bind_u64(&q, b->last_block);
    sql_bind_b256(&q, &b->logs_root);
    sql_bind_b256(&q, &b->root);
    sql_bind_u64(&q, b->on_l1);
    return sql_run(&q, "store batch of the layer", err);
}

bool layer_batch_truncate(struct store_txn *t, uint64_t layer, uint64_t from_number,
                          struct err *err)
{
    struct sql q = sql_prepare(t->db, "DELETE FROM layer_batch WHERE layer = ? AND number >= ?");
    sql_bind_u64(&q, layer);
    sql_bind_u64(&q, from_number);
    return sql_run(&q, "take back batches of the layer", err);
}

#define COLUMNS "SELECT number, first_block, last_block, logs_root, root, on_l1 FROM layer_batch "

static bool one(struct sql *q, struct layer_batch_row *out, bool *found, struct err *err)
{
    *out = (struct layer_batch_row){ 0 };
    *found = false;
    if (!sql_step(q, found, "batch of the layer", err)) {
        sqlite3_finalize(q->stmt);
        return false;
    }
    if (*found) {
        out->number = sql_u64(q);
        out->first_block = sql_u64(q);
        out->last_block = sql_u64(q);
        out->logs_root = sql_b256(q);
        out->root = sql_b256(q);
        out->on_l1 = sql_u64(q) != 0;
    }
    return sql_finish(q, "batch of the layer", err);
}

bool layer_batch_of_block(struct store_reader *r, uint64_t layer, uint64_t block,
                          struct layer_batch_row *out, bool *found, struct err *err)
{
    struct sql q = sql_prepare(store_reader_db(r, STORE_JOURNAL),
                               COLUMNS "WHERE layer = ? AND last_block >= ? AND first_block <= ? "
                                       "ORDER BY last_block LIMIT 1");
    sql_bind_u64(&q, layer);
    sql_bind_u64(&q, block);
    sql_bind_u64(&q, block);
    return one(&q, out, found, err);
}

bool layer_batch_last(struct store_reader *r, uint64_t layer, struct layer_batch_row *out,
                      bool *found, struct err *err)
{
    struct sql q = sql_prepare(store_reader_db(r, STORE_JOURNAL),
                               COLUMNS "WHERE layer = ? ORDER BY number DESC LIMIT 1");
    sql_bind_u64(&q, layer);
    return one(&q, out, found, err);
}

bool layer_batch_first_pending(struct store_reader *r, uint64_t layer, struct layer_batch_row *out,
                               bool *found, struct err *err)
{
    struct sql q = sql_prepare(store_reader_db(r, STORE_JOURNAL),
                               COLUMNS "WHERE layer = ? AND on_l1 = 0 ORDER BY number LIMIT 1");
    sql_bind_u64(&q, layer);
    return one(&q, out, found, err);
}
