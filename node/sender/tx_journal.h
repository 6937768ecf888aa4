/* node/sender/tx_journal.h
 *
 * Where the sender keeps its promises: one row per request, one per signed version of it. (spec 90 rows 1, 6, 8)
 *
 * A blob transaction's bytes are its signed payload (per version) and its sidecar (once per request); both are durable before
 * anything is sent, so after a restart the very same bytes go out, whatever has become of the batch since.
 *
 * An interface, so that tests can lose power at any write. Two implementations: over a plain SQLite handle
 * (tools, tests; writes on the caller's thread, synchronous FULL) and over the node's store (writes on the store thread). Both
 * use the same tables, created when it is opened, shared by all keys and chains: a row is named by
 * (chain id, sender, id). */
#ifndef GH_SENDER_TX_JOURNAL_H
#define GH_SENDER_TX_JOURNAL_H

#include "node/sender/tx_types.h"

struct sqlite3;
struct store;

struct tx_variant_row { /* one signed transaction; raw is borrowed */
    uint32_t index;     /* 0, 1, 2 ... within its request */
    uint64_t nonce;
    uint64_t gas_limit;
    struct u256 max_fee, max_tip, max_blob_fee;
    struct b256 hash;
    /* as signed: a blob transaction's without its sidecar, which is the request's. Empty for an adopted transaction that
     * we do not have the bytes of. */
    struct bytes raw;
    bool is_cancel; /* the transfer of nothing that frees the nonce */
    uint64_t signed_ms;
};
struct tx_row { /* pointers borrowed */
    uint64_t id;
    const char *key, *label;
    enum tx_state state;
    struct addr to;
    struct u256 value;
    struct bytes data;
    /* Written with the first put and kept until the request is final; the hashes stay. NULL when reading a final request. */
    struct sidecar *sidecar;
    const struct b256 *blob_hashes;
    size_t blob_cnt;
    uint64_t gas_hint;
    uint64_t nonce; /* TX_NO_NONCE: none */
    bool is_fill;   /* the sender's own transfer of nothing into a stranded nonce */
    bool cancel_wanted;
    uint64_t created_ms, updated_ms, sent_ms;
    uint64_t block_number;
    struct b256 block_hash, mined_hash;
    uint64_t gas_used;
    struct u256 paid;
    const char *error;
    const struct tx_variant_row *variants; /* all of them, in order of index */
    size_t variant_cnt;
};

typedef void tx_journal_done_fn(void *arg, uint64_t ticket, const struct err *err);
typedef bool tx_journal_visit_fn(void *arg,
                                 const struct tx_row *row); /* false stops with ERR_LOCAL */

struct tx_journal_ops {
    /* Durable when done(err NULL) runs, on the loop; done may run inside put. `row` is whole (insert or update): payload
     * columns are written once, variants are added (never changed). Rows are written in the order of the calls. */
    bool (*put)(void *ctx, const struct addr *sender, uint64_t chain_id, const struct tx_row *row,
                uint64_t ticket, tx_journal_done_fn *done, void *arg, struct err *err);
    /* Every row that is not final, by id, with variants. *next_id: one above the highest id there is; *nonce_floor: one
     * above the highest nonce of a final row that was mined, 0 for none. */
    bool (*load)(void *ctx, const struct addr *sender, uint64_t chain_id,
                 tx_journal_visit_fn *visit, void *arg, uint64_t *next_id, uint64_t *nonce_floor,
                 struct err *err);
    /* Newest row with the key (or, key NULL, with the id); visit is called once or not at all. */
    bool (*find)(void *ctx, const struct addr *sender, uint64_t chain_id, const char *key,
                 uint64_t id, tx_journal_visit_fn *visit, void *arg, struct err *err);
    /* Drops every put that has not called back: its done will not run. */
    void (*forget)(void *ctx, void *arg);
    void (*destroy)(void *ctx);
};
struct tx_journal {
    const struct tx_journal_ops *ops;
    void *ctx;
};

/* Borrows db, sets synchronous=FULL on it and migrates. */
MUST_USE struct tx_journal *tx_journal_sqlite(struct sqlite3 *db, struct err *err);
/* Over the node's store (journal file). Borrows it. */
MUST_USE struct tx_journal *tx_journal_store(struct store *s, struct err *err);
/* NULL is allowed. */
void tx_journal_destroy(struct tx_journal *j);

#endif
