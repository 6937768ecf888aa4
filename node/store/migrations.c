/* node/store/migrations.c */
#include "node/store/migrations.h"

#include <sqlite3.h>
#include <stdio.h>

#include "node/store/sql.h"

static const char *const chain_steps[] = {
    /* 1 */
    "CREATE TABLE fingerprint(id INTEGER PRIMARY KEY CHECK(id = 1), chain_id INTEGER NOT NULL,"
    "  bridgehub BLOB NOT NULL, genesis_root BLOB NOT NULL) STRICT;"
    "CREATE TABLE block(number INTEGER PRIMARY KEY, hash BLOB NOT NULL, record BLOB NOT NULL) "
    "STRICT;",
};

static const char *const journal_steps[] = {
    /* 1 */
    "CREATE TABLE l1_priority(id INTEGER PRIMARY KEY, hash BLOB NOT NULL, envelope BLOB NOT NULL,"
    "  l1_block INTEGER NOT NULL, l1_block_hash BLOB NOT NULL, l1_tx_hash BLOB NOT NULL) STRICT;"
    "CREATE INDEX l1_priority_block ON l1_priority(l1_block);"
    "CREATE TABLE l1_upgrade(minor INTEGER PRIMARY KEY, hash BLOB NOT NULL, envelope BLOB NOT NULL,"
    "  factory_deps BLOB NOT NULL, l1_block INTEGER NOT NULL, l1_block_hash BLOB NOT NULL,"
    "  l1_tx_hash BLOB NOT NULL) STRICT;"
    "CREATE TABLE watcher_cursor(name TEXT PRIMARY KEY, next_block INTEGER NOT NULL,"
    "  block_hash BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE batch(number INTEGER PRIMARY KEY, first_block INTEGER NOT NULL, last_block "
    "INTEGER NOT NULL,"
    "  first_timestamp INTEGER NOT NULL, last_timestamp INTEGER NOT NULL, sealed_at_ms INTEGER NOT "
    "NULL,"
    "  state_commitment BLOB NOT NULL, stored_hash BLOB NOT NULL, commitment BLOB NOT NULL,"
    "  l2_logs_tree_root BLOB NOT NULL, logs_root BLOB NOT NULL, multichain_root BLOB NOT NULL,"
    "  priority_ops_hash BLOB NOT NULL, dependency_roots_hash BLOB NOT NULL, upgrade_tx_hash BLOB "
    "NOT NULL,"
    "  da_commitment BLOB NOT NULL, l1_tx_cnt INTEGER NOT NULL, l2_tx_cnt INTEGER NOT NULL,"
    "  first_priority_id INTEGER NOT NULL, sl_chain_id INTEGER NOT NULL, l2_log_cnt INTEGER NOT "
    "NULL,"
    "  pubdata_len INTEGER NOT NULL, protocol_minor INTEGER NOT NULL, execution_version INTEGER "
    "NOT NULL,"
    "  da_scheme INTEGER NOT NULL, tree_root BLOB NOT NULL, last_256_hashes BLOB NOT NULL,"
    "  leaf_count INTEGER NOT NULL) STRICT;"
    "CREATE INDEX batch_last_block ON batch(last_block);"
    "CREATE TABLE batch_step(number INTEGER NOT NULL, step INTEGER NOT NULL, tx_hash BLOB NOT NULL,"
    "  block_hash BLOB NOT NULL, sl_block INTEGER NOT NULL, sl_timestamp INTEGER NOT NULL,"
    "  PRIMARY KEY(step, number)) STRICT, WITHOUT ROWID;",
    /* 2 */
    "CREATE TABLE message_root_event(layer INTEGER NOT NULL, block INTEGER NOT NULL, log_index "
    "INTEGER NOT NULL,"
    "  kind INTEGER NOT NULL, chain INTEGER NOT NULL, number INTEGER NOT NULL, value BLOB NOT NULL,"
    "  PRIMARY KEY(layer, block, log_index)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE layer_batch(layer INTEGER NOT NULL, number INTEGER NOT NULL, first_block INTEGER "
    "NOT NULL,"
    "  last_block INTEGER NOT NULL, logs_root BLOB NOT NULL, root BLOB NOT NULL, on_l1 INTEGER NOT "
    "NULL,"
    "  PRIMARY KEY(layer, number)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX layer_batch_block ON layer_batch(layer, last_block);",
    /* 3: proof_table.h */
    "CREATE TABLE fri_proof(number INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, input BLOB NOT "
    "NULL, vk BLOB NOT NULL, prover TEXT NOT NULL, proof BLOB NOT NULL) STRICT;"
    "CREATE TABLE snark_proof(first INTEGER PRIMARY KEY, last INTEGER NOT NULL, at_ms INTEGER NOT "
    "NULL, input BLOB NOT NULL, vk BLOB NOT NULL, prover TEXT NOT NULL, proof BLOB NOT NULL) "
    "STRICT;"
    "CREATE TABLE failed_proof(id INTEGER PRIMARY KEY AUTOINCREMENT, first INTEGER NOT NULL,"
    "  last INTEGER NOT NULL, at_ms INTEGER NOT NULL, is_snark INTEGER NOT NULL, input BLOB NOT "
    "NULL, vk BLOB NOT NULL, prover TEXT NOT NULL, reason TEXT NOT NULL, proof BLOB NOT NULL) "
    "STRICT;"
    "CREATE TABLE batch_verified(number INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, took_ms "
    "INTEGER NOT NULL, stored_hash BLOB NOT NULL, answers INTEGER NOT NULL) STRICT;",
    /* 4: relay_table.h */
    "CREATE TABLE relay_message(seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, kind INTEGER NOT "
    "NULL, src INTEGER NOT NULL, dst INTEGER NOT NULL, tx_hash BLOB NOT NULL, block INTEGER NOT "
    "NULL, log INTEGER NOT NULL, sender BLOB NOT NULL, message BLOB NOT NULL, seen_ms INTEGER NOT "
    "NULL, state INTEGER NOT NULL, attempts INTEGER NOT NULL, next_try_ms INTEGER NOT NULL,"
    "  changed_ms INTEGER NOT NULL, batch INTEGER NOT NULL, leaf INTEGER NOT NULL, dst_tx BLOB NOT "
    "NULL, dst_block INTEGER NOT NULL, note TEXT NOT NULL, remedy TEXT NOT NULL, calldata BLOB NOT "
    "NULL, target BLOB NOT NULL) STRICT;",
    /* 5: message_root_table.h */
    "CREATE TABLE message_root_agreed(layer INTEGER PRIMARY KEY, below INTEGER NOT NULL) STRICT;",
};

static const char *const index_steps[] = {
    /* 1 */
    "CREATE TABLE tx(hash BLOB PRIMARY KEY, block INTEGER NOT NULL, idx INTEGER NOT NULL,"
    "  sender BLOB NOT NULL, nonce INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX tx_sender ON tx(sender, nonce);"
    "CREATE TABLE block_hash(hash BLOB PRIMARY KEY, number INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE block_bloom(number INTEGER PRIMARY KEY, bloom BLOB NOT NULL) STRICT;"
    "CREATE TABLE block_tree(number INTEGER PRIMARY KEY, root BLOB NOT NULL, leaf_count INTEGER "
    "NOT NULL,"
    "  multichain_root BLOB NOT NULL, sl_chain_id INTEGER NOT NULL) STRICT;"
    "CREATE TABLE applied(name TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT, WITHOUT ROWID;",
};

#define COUNT(a) ((unsigned)(sizeof(a) / sizeof((a)[0])))
static const struct {
    const char *name;
    const char *const *steps;
    unsigned cnt;
} files[STORE_FILE_CNT] = {
    [STORE_CHAIN] = { "chain.db", chain_steps, COUNT(chain_steps) },
    [STORE_JOURNAL] = { "journal.db", journal_steps, COUNT(journal_steps) },
    [STORE_INDEX] = { "index.db", index_steps, COUNT(index_steps) },
};

const char *store_file_name(enum store_file file)
{
    return files[file].name;
}

static bool read_version(struct sqlite3 *db, unsigned *out, struct err *err)
{
    struct sql q = sql_prepare(db, "PRAGMA user_version");
    bool row = false;
    if (!sql_step(&q, &row, "schema version", err))
        return sqlite3_finalize(q.stmt), false;
    *out = row ? (unsigned)sql_u64(&q) : 0;
    return sql_finish(&q, "schema version", err);
}

bool migrations_run(struct sqlite3 *db, enum store_file file, struct err *err)
{
    unsigned have = 0;
    if (!read_version(db, &have, err))
        return false;
    if (have > files[file].cnt)
        return err_set(err, ERR_INVALID,
                       "%s has schema step %u, this binary knows %u: use a newer gatehouse",
                       files[file].name, have, files[file].cnt);
    for (unsigned i = have; i < files[file].cnt; i++) {
        char version[64];
        snprintf(version, sizeof(version), "PRAGMA user_version = %u", i + 1);
        if (!sql_exec(db, "BEGIN IMMEDIATE", err))
            return false;
        if (!sql_exec(db, files[file].steps[i], err) || !sql_exec(db, version, err) ||
            !sql_exec(db, "COMMIT", err)) {
            (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
            return err_wrap(err, "%s: schema step %u", files[file].name, i + 1);
        }
    }
    return true;
}
