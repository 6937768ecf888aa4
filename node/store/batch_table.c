/* node/store/batch_table.c */
#include "node/store/batch_table.h"

#include <inttypes.h>
#include <sqlite3.h>

#include "node/store/sql.h"

#define BATCH_COLUMNS                                                                              \
    "number, first_block, last_block, first_timestamp, last_timestamp, sealed_at_ms,"              \
    " state_commitment, stored_hash, commitment, l2_logs_tree_root, logs_root, multichain_root,"   \
    " priority_ops_hash, dependency_roots_hash, upgrade_tx_hash, da_commitment, l1_tx_cnt,"        \
    " l2_tx_cnt, first_priority_id, sl_chain_id, l2_log_cnt, pubdata_len, protocol_minor,"         \
    " execution_version, da_scheme, tree_root, last_256_hashes, leaf_count"

static bool step_done(struct sqlite3 *db, uint64_t number, enum batch_step step, bool *done,
                      struct err *err)
{
    struct sql q = sql_prepare(db, "SELECT 1 FROM batch_step WHERE step = ? AND number = ?");
    sql_bind_u64(&q, (uint64_t)step);
    sql_bind_u64(&q, number);
    if (!sql_step(&q, done, "batch step", err))
        return sqlite3_finalize(q.stmt), false;
    return sql_finish(&q, "batch step", err);
}

bool batch_put(struct store_txn *t, const struct batch_row *b, struct err *err)
{
    bool committed = false;
    if (!step_done(t->db, b->number, BATCH_COMMIT, &committed, err))
        return false;
    struct sql q =
        sql_prepare(t->db, committed ? "INSERT INTO batch(" BATCH_COLUMNS ") VALUES("
                                       "?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
                                     : "INSERT OR REPLACE INTO batch(" BATCH_COLUMNS ") VALUES("
                                       "?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    sql_bind_u64(&q, b->number);
    sql_bind_u64(&q, b->first_block);
    sql_bind_u64(&q, b->last_block);
    sql_bind_u64(&q, b->first_timestamp);
    sql_bind_u64(&q, b->last_timestamp);
    sql_bind_u64(&q, b->sealed_at_ms);
    sql_bind_b256(&q, &b->state_commitment);
    sql_bind_b256(&q, &b->stored_hash);
    sql_bind_b256(&q, &b->commitment);
    sql_bind_b256(&q, &b->l2_logs_tree_root);
    sql_bind_b256(&q, &b->logs_root);
    sql_bind_b256(&q, &b->multichain_root);
    sql_bind_b256(&q, &b->priority_ops_hash);
    sql_bind_b256(&q, &b->dependency_roots_hash);
    sql_bind_b256(&q, &b->upgrade_tx_hash);
    sql_bind_b256(&q, &b->da_commitment);
    sql_bind_u64(&q, b->l1_tx_cnt);
    sql_bind_u64(&q, b->l2_tx_cnt);
    sql_bind_u64(&q, b->first_priority_id);
    sql_bind_u64(&q, b->sl_chain_id);
    sql_bind_u64(&q, b->l2_log_cnt);
    sql_bind_u64(&q, b->pubdata_len);
    sql_bind_u64(&q, b->protocol_minor);
    sql_bind_u64(&q, b->execution_version);
    sql_bind_u64(&q, b->da_scheme);
    sql_bind_b256(&q, &b->tree_root);
    sql_bind_b256(&q, &b->last_256_hashes);
    sql_bind_u64(&q, b->leaf_count);
    return sql_run(&q, "store batch", err);
}

bool batch_step_put(struct store_txn *t, uint64_t number, enum batch_step step,
                    const struct batch_step_row *s, struct err *err)
{
    if (!s->done) { /* a reorganisation or a revert took it back */
        struct sql d = sql_prepare(t->db, "DELETE FROM batch_step WHERE step = ? AND number = ?");
        sql_bind_u64(&d, (uint64_t)step);
        sql_bind_u64(&d, number);
        return sql_run(&d, "take back batch step", err);
    }
    struct sql q =
        sql_prepare(t->db, "INSERT OR REPLACE INTO batch_step(number, step, tx_hash, block_hash,"
                           " sl_block, sl_timestamp) VALUES(?, ?, ?, ?, ?, ?)");
    sql_bind_u64(&q, number);
    sql_bind_u64(&q, (uint64_t)step);
    sql_bind_b256(&q, &s->tx_hash);
    sql_bind_b256(&q, &s->block_hash);
    sql_bind_u64(&q, s->sl_block);
    sql_bind_u64(&q, s->sl_timestamp);
    return sql_run(&q, "store batch step", err);
}

bool batch_step_time_put(struct store_txn *t, uint64_t number, enum batch_step step,
                         const struct b256 *block_hash, uint64_t sl_timestamp, struct err *err)
{
    struct sql q = sql_prepare(t->db, "UPDATE batch_step SET sl_timestamp = ?"
                                      " WHERE number = ? AND step = ? AND block_hash = ?");
    sql_bind_u64(&q, sl_timestamp);
    sql_bind_u64(&q, number);
    sql_bind_u64(&q, (uint64_t)step);
    sql_bind_b256(&q, block_hash);
    return sql_run(&q, "store the time of a batch step", err);
}

bool batch_truncate(struct store_txn *t, uint64_t keep, struct err *err)
{
    struct sql q = sql_prepare(t->db, "DELETE FROM batch WHERE number > ?");
    sql_bind_u64(&q, keep);
    if (!sql_run(&q, "take back batches", err))
        return false;
    struct sql s = sql_prepare(t->db, "DELETE FROM batch_step WHERE number > ?");
    sql_bind_u64(&s, keep);
    return sql_run(&s, "take back batch steps", err);
}

static void read_row(struct sql *q, struct batch_row *b)
{
    b->number = sql_u64(q);
    b->first_block = sql_u64(q);
    b->last_block = sql_u64(q);
    b->first_timestamp = sql_u64(q);
    b->last_timestamp = sql_u64(q);
    b->sealed_at_ms = sql_u64(q);
    b->state_commitment = sql_b256(q);
    b->stored_hash = sql_b256(q);
    b->commitment = sql_b256(q);
    b->l2_logs_tree_root = sql_b256(q);
    b->logs_root = sql_b256(q);
    b->multichain_root = sql_b256(q);
    b->priority_ops_hash = sql_b256(q);
    b->dependency_roots_hash = sql_b256(q);
    b->upgrade_tx_hash = sql_b256(q);
    b->da_commitment = sql_b256(q);
    b->l1_tx_cnt = sql_u64(q);
    b->l2_tx_cnt = sql_u64(q);
    b->first_priority_id = sql_u64(q);
    b->sl_chain_id = sql_u64(q);
    b->l2_log_cnt = sql_u64(q);
    b->pubdata_len = sql_u64(q);
    b->protocol_minor = (uint32_t)sql_u64(q);
    b->execution_version = (uint32_t)sql_u64(q);
    b->da_scheme = (uint8_t)sql_u64(q);
    b->tree_root = sql_b256(q);
    b->last_256_hashes = sql_b256(q);
    b->leaf_count = sql_u64(q);
}

static bool load_steps(struct sqlite3 *db, struct batch_row *b, struct err *err)
{
    struct sql q = sql_prepare(db, "SELECT step, tx_hash, block_hash, sl_block, sl_timestamp"
                                   " FROM batch_step WHERE number = ?");
    sql_bind_u64(&q, b->number);
    bool row = false;
    while (sql_step(&q, &row, "batch steps", err) && row) {
        uint64_t step = sql_u64(&q);
        struct batch_step_row s = { .done = true };
        s.tx_hash = sql_b256(&q);
        s.block_hash = sql_b256(&q);
        s.sl_block = sql_u64(&q);
        s.sl_timestamp = sql_u64(&q);
        if (step < BATCH_STEP_CNT)
            b->step[step] = s;
    }
    return sql_finish(&q, "batch steps", err);
}

static bool load_where(struct store_reader *r, const char *text, uint64_t key,
                       struct batch_row *out, bool *found, struct err *err)
{
    struct sqlite3 *db = store_reader_db(r, STORE_JOURNAL);
    *found = false;
    *out = (struct batch_row){ 0 };
    struct sql q = sql_prepare(db, text);
    sql_bind_u64(&q, key);
    if (!sql_step(&q, found, "batch", err))
        return sqlite3_finalize(q.stmt), false;
    if (*found)
        read_row(&q, out);
    return sql_finish(&q, "batch", err) && (!*found || load_steps(db, out, err));
}

bool batch_load(struct store_reader *r, uint64_t number, struct batch_row *out, bool *found,
                struct err *err)
{
    return load_where(r, "SELECT " BATCH_COLUMNS " FROM batch WHERE number = ?", number, out, found,
                      err);
}

bool batch_load_by_block(struct store_reader *r, uint64_t block, struct batch_row *out, bool *found,
                         struct err *err)
{
    if (!load_where(r,
                    "SELECT " BATCH_COLUMNS
                    " FROM batch WHERE last_block >= ? ORDER BY last_block LIMIT 1",
                    block, out, found, err))
        return false;
    if (*found && out->first_block > block)
        *found = false;
    return true;
}

static bool one_number(struct store_reader *r, const char *text, bool bind, uint64_t key,
                       uint64_t *out, struct err *err)
{
    struct sql q = sql_prepare(store_reader_db(r, STORE_JOURNAL), text);
    if (bind)
        sql_bind_u64(&q, key);
    bool row = false;
    if (!sql_step(&q, &row, "batch number", err))
        return sqlite3_finalize(q.stmt), false;
    *out = row ? sql_u64(&q) : 0;
    return sql_finish(&q, "batch number", err);
}

bool batch_last(struct store_reader *r, uint64_t *number, struct err *err)
{
    return one_number(r, "SELECT coalesce(max(number), 0) FROM batch", false, 0, number, err);
}

bool batch_frontier(struct store_reader *r, enum batch_step step, uint64_t *number, struct err *err)
{
    return one_number(r, "SELECT coalesce(max(number), 0) FROM batch_step WHERE step = ?", true,
                      (uint64_t)step, number, err);
}
