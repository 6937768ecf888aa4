/* node/store/l1_tx.h
 *
 * What the settlement layer asked for: upgrade and priority transactions, durable and gapless, with the layer's block they
 * were read from, so that a reorganisation can take back what is not in a block yet. Tables l1_priority, l1_upgrade,
 * watcher_cursor in the journal database; written by l1-watcher on the store thread, read by the block builder. */
#ifndef GH_STORE_L1_TX_H
#define GH_STORE_L1_TX_H

#include "node/store/store.h"

struct l1_tx_row {
    uint64_t id; /* priority id; for an upgrade: protocol minor version */
    struct b256 hash;
    struct bytes envelope;            /* type byte, then the ABI tuple body (node/stf/tx.h) */
    const struct bytes *factory_deps; /* raw bytecodes; upgrades only */
    size_t factory_dep_cnt;
    uint64_t l1_block; /* L1_BLOCK_GONE: taken off L1 again, see l1_priority_truncate */
    struct b256 l1_block_hash, l1_tx_hash;
};
#define L1_BLOCK_GONE ((uint64_t)INT64_MAX)
struct watcher_cursor { /* everything below next_block is applied */
    uint64_t next_block;
    struct b256 block_hash; /* of next_block - 1 */
};

/* --- on the store thread, inside its transaction (see store_write) --- */
/* Ids must continue the table (ERR_INVALID otherwise). A row that is there already with the same hash only gets the block it is in
 * now; with another hash it is ERR_DIVERGED. */
MUST_USE bool l1_priority_append(struct store_txn *t, const struct l1_tx_row *rows, size_t n,
                                 struct err *err);
/* Takes back priority rows read from a block >= l1_block (reorganisation), but none with an id below keep_below: those are in
 * our blocks already, and must come back with the same hash. Until then their block is L1_BLOCK_GONE. */
MUST_USE bool l1_priority_truncate(struct store_txn *t, uint64_t l1_block, uint64_t keep_below,
                                   struct err *err);
MUST_USE bool l1_upgrade_put(struct store_txn *t, const struct l1_tx_row *row, struct err *err);
MUST_USE bool watcher_cursor_put(struct store_txn *t, const char *watcher,
                                 const struct watcher_cursor *c, struct err *err);

/* --- readers, any thread with its own store_reader --- */
/* Rows with id >= first, at most max; arena memory. */
MUST_USE bool l1_priority_load(struct store_reader *r, uint64_t first, size_t max,
                               struct arena *arena, const struct l1_tx_row **rows, size_t *n,
                               struct err *err);
/* highest id + 1, 0 when empty */
MUST_USE bool l1_priority_next_id(struct store_reader *r, uint64_t *next, struct err *err);
/* The same over the rows read from blocks below l1_block that are on L1 still: what the contract counts there. */
MUST_USE bool l1_priority_seen(struct store_reader *r, uint64_t l1_block, uint64_t *next,
                               struct err *err);
/* *found false when there is none for that minor version */
MUST_USE bool l1_upgrade_load(struct store_reader *r, uint64_t minor, struct arena *arena,
                              struct l1_tx_row *row, bool *found, struct err *err);
MUST_USE bool watcher_cursor_load(struct store_reader *r, const char *watcher,
                                  struct watcher_cursor *c, bool *found, struct err *err);

#endif
