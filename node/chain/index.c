/* node/chain/index.c
 *
 * Derived tables of index.db: transaction and block hashes, blooms, tree rows. Everything here can be rebuilt from the records. */
#include <sqlite3.h>

#include "node/chain/chain_internal.h"
#include "node/store/sql.h"

#define MAX_TX_SCRATCH (64u << 20)

static bool put_applied(struct store_txn *t, const char *name, uint64_t number, struct err *err)
{
    struct sql q = sql_prepare(t->db, "INSERT OR REPLACE INTO applied VALUES(?, ?)");
    sql_bind_text(&q, name);
    sql_bind_u64(&q, number);
    return sql_run(&q, "index progress", err);
}

static uint64_t nonce_of(const struct block_tx *tx)
{
    struct arena scratch; /* access lists and authorizations; the data is borrowed */
    arena_init_growing(&scratch, 4096, MAX_TX_SCRATCH);
    struct stf_tx d;
    bool has_nonce =
        tx_decode(&d, tx->envelope, &scratch) == STF_OK && !tx_is_l1(&d) && d.type != TX_SYSTEM;
    arena_clear(&scratch);
    return has_nonce ? d.nonce : UINT64_MAX; /* which no transaction of an account can have */
}

/* One statement for the whole block: preparing costs as much as a row. */
static bool put_txs(struct store_txn *t, const struct block_record *r, struct err *err)
{
    struct sql q = sql_prepare(t->db, "INSERT OR REPLACE INTO tx VALUES(?, ?, ?, ?, ?)");
    bool ok = true, row;
    for (size_t i = 0; ok && i < r->tx_cnt; i++) {
        const struct block_tx *tx = &r->txs[i];
        sql_bind_b256(&q, &tx->hash);
        sql_bind_u64(&q, r->ctx.number);
        sql_bind_u64(&q, i);
        sql_bind_blob(&q, bytes_of(tx->from.b, 20));
        sql_bind_u64(&q, nonce_of(tx));
        ok = sql_step(&q, &row, "index transaction", err);
        sqlite3_reset(q.stmt);
        q.next = 1;
    }
    return sql_finish(&q, "index transaction", err) && ok;
}

bool index_write_block(struct store_txn *t, const struct chain_block *b, struct err *err)
{
    uint64_t number = b->r.ctx.number;
    if (!put_txs(t, &b->r, err))
        return false;
    struct sql q = sql_prepare(t->db, "INSERT OR REPLACE INTO block_hash VALUES(?, ?)");
    sql_bind_b256(&q, &b->r.block_hash);
    sql_bind_u64(&q, number);
    if (!sql_run(&q, "index block hash", err))
        return false;
    struct sql w = sql_prepare(t->db, "INSERT OR REPLACE INTO block_bloom VALUES(?, ?)");
    sql_bind_u64(&w, number);
    sql_bind_blob(&w, bytes_of(b->bloom, sizeof(b->bloom)));
    return sql_run(&w, "index bloom", err) && put_applied(t, "blocks", number, err);
}

bool index_applied(struct store_reader *r, const char *name, uint64_t *number, bool *found,
                   struct err *err)
{
    struct sql q =
        sql_prepare(store_reader_db(r, STORE_INDEX), "SELECT number FROM applied WHERE name = ?");
    sql_bind_text(&q, name);
    *number = 0;
    if (!sql_step(&q, found, "index progress", err))
        return sqlite3_finalize(q.stmt), false;
    if (*found)
        *number = sql_u64(&q);
    return sql_finish(&q, "index progress", err);
}

bool index_write_tree(struct store_txn *t, uint64_t number, const struct tree_row *row,
                      struct err *err)
{
    struct sql q = sql_prepare(t->db, "INSERT OR REPLACE INTO block_tree VALUES(?, ?, ?, ?, ?)");
    sql_bind_u64(&q, number);
    sql_bind_b256(&q, &row->root);
    sql_bind_u64(&q, row->leaf_count);
    sql_bind_b256(&q, &row->multichain_root);
    sql_bind_u64(&q, row->sl_chain_id);
    return sql_run(&q, "index tree row", err) && put_applied(t, "tree", number, err);
}

bool index_load_tree(struct store_reader *r, uint64_t number, struct tree_row *row, bool *found,
                     struct err *err)
{
    struct sql q = sql_prepare(
        store_reader_db(r, STORE_INDEX),
        "SELECT root, leaf_count, multichain_root, sl_chain_id FROM block_tree WHERE number = ?");
    sql_bind_u64(&q, number);
    *row = (struct tree_row){ 0 };
    if (!sql_step(&q, found, "tree row", err))
        return sqlite3_finalize(q.stmt), false;
    if (*found) {
        row->root = sql_b256(&q);
        row->leaf_count = sql_u64(&q);
        row->multichain_root = sql_b256(&q);
        row->sl_chain_id = sql_u64(&q);
    }
    return sql_finish(&q, "tree row", err);
}

/* ---- looking things up, any thread ---- */

bool chain_block_number_of(struct chain *c, struct store_reader *r, const struct b256 *hash,
                           uint64_t *number, bool *found, struct err *err)
{
    pthread_mutex_lock(&c->mutex);
    uint64_t *recent = map_find(&c->recent_hashes, hash);
    *found = recent != NULL;
    if (recent)
        *number = *recent;
    pthread_mutex_unlock(&c->mutex);
    if (*found)
        return true;
    struct sql q = sql_prepare(store_reader_db(r, STORE_INDEX),
                               "SELECT number FROM block_hash WHERE hash = ?");
    sql_bind_b256(&q, hash);
    if (!sql_step(&q, found, "block by hash", err))
        return sqlite3_finalize(q.stmt), false;
    if (*found)
        *number = sql_u64(&q);
    return sql_finish(&q, "block by hash", err);
}

bool chain_tx_find(struct chain *c, struct store_reader *r, const struct b256 *hash,
                   struct chain_tx_location *out, bool *found, struct err *err)
{
    pthread_mutex_lock(&c->mutex);
    struct chain_tx_location *recent = map_find(&c->recent_txs, hash);
    *found = recent != NULL;
    if (recent)
        *out = *recent;
    pthread_mutex_unlock(&c->mutex);
    if (*found)
        return true;
    struct sql q =
        sql_prepare(store_reader_db(r, STORE_INDEX), "SELECT block, idx FROM tx WHERE hash = ?");
    sql_bind_b256(&q, hash);
    if (!sql_step(&q, found, "transaction by hash", err))
        return sqlite3_finalize(q.stmt), false;
    if (*found) {
        out->block = sql_u64(&q);
        out->index = (uint32_t)sql_u64(&q);
    }
    return sql_finish(&q, "transaction by hash", err);
}

bool chain_tx_find_by_nonce(struct chain *c, struct store_reader *r, const struct addr *from,
                            uint64_t nonce, struct b256 *hash, bool *found, struct err *err)
{
    (void)c;
    struct sql q = sql_prepare(store_reader_db(r, STORE_INDEX),
                               "SELECT hash FROM tx WHERE sender = ? AND nonce = ?");
    sql_bind_blob(&q, bytes_of(from->b, 20));
    sql_bind_u64(&q, nonce);
    if (!sql_step(&q, found, "transaction by nonce", err))
        return sqlite3_finalize(q.stmt), false;
    if (*found)
        *hash = sql_b256(&q);
    return sql_finish(&q, "transaction by nonce", err);
}

bool chain_bloom_load(struct chain *c, struct store_reader *r, uint64_t number, uint8_t bloom[256],
                      bool *found, struct err *err)
{
    struct cached_block *e = block_cache_find(&c->cache, number);
    if (e) {
        memcpy(bloom, e->b.bloom, 256);
        block_cache_release(&c->cache, e);
        *found = true;
        return true;
    }
    struct sql q = sql_prepare(store_reader_db(r, STORE_INDEX),
                               "SELECT bloom FROM block_bloom WHERE number = ?");
    sql_bind_u64(&q, number);
    if (!sql_step(&q, found, "bloom", err))
        return sqlite3_finalize(q.stmt), false;
    const void *p = *found ? sqlite3_column_blob(q.stmt, 0) : NULL;
    *found = p && sqlite3_column_bytes(q.stmt, 0) == 256;
    if (*found)
        memcpy(bloom, p, 256);
    return sql_finish(&q, "bloom", err);
}
