/* node/store/migrations.h   (inside store)
 *
 * Append-only list of schema steps for each file; a released entry never changes. user_version counts the steps that
 * are in. A file with more steps than this binary knows is refused. */
#ifndef GH_STORE_MIGRATIONS_H
#define GH_STORE_MIGRATIONS_H

#include "node/store/store.h"

MUST_USE bool migrations_run(struct sqlite3 *db, enum store_file file, struct err *err);
const char *store_file_name(enum store_file file);

#endif
