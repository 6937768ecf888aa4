/* node/sender/journal_sql.h
 *
 * The journal's statements on a SQLite handle, inside whatever transaction the caller has open. For the two
 * implementations of tx_journal.h only. */
#ifndef GH_SENDER_JOURNAL_SQL_H
#define GH_SENDER_JOURNAL_SQL_H

#include "node/sender/tx_journal.h"

struct tx_journal_name { /* whose rows */
    struct addr sender;
    uint64_t chain_id;
};
MUST_USE bool tx_journal_migrate_here(struct sqlite3 *db, struct err *err);
MUST_USE bool tx_journal_put_here(struct sqlite3 *db, const struct tx_journal_name *n,
                                  const struct tx_row *r, struct err *err);
MUST_USE bool tx_journal_load_here(struct sqlite3 *db, const struct tx_journal_name *n,
                                   tx_journal_visit_fn *visit, void *arg, uint64_t *next_id,
                                   uint64_t *nonce_floor, struct err *err);
MUST_USE bool tx_journal_find_here(struct sqlite3 *db, const struct tx_journal_name *n,
                                   const char *key, uint64_t id, tx_journal_visit_fn *visit,
                                   void *arg, struct err *err);

#endif
