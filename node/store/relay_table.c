/* node/store/relay_table.c */
#include "node/store/relay_table.h"

#include <sqlite3.h>
#include <stdio.h>

#include "node/store/sql.h"

const char *relay_kind_name(enum relay_kind k)
{
    return k == RELAY_BUNDLE ? "bundle" : "withdrawal";
}

const char *relay_state_name(enum relay_state s)
{
    static const char *const names[] = { NULL,      "waits for proof", "waits for root", "ready",
                                         "sent",    "mined",           "delivered",      "parked",
                                         "skipped", "unbundled",       "not ours" };
    return s >= 1 && s < GH_COUNT(names) ? names[s] : "unknown";
}

static void bind_changing(struct sql *q, const struct relay_row *r)
{
    sql_bind_u64(q, (uint64_t)r->state);
    sql_bind_u64(q, r->attempts);
    sql_bind_u64(q, r->next_try_ms);
    sql_bind_u64(q, r->changed_ms);
    sql_bind_u64(q, r->batch);
    sql_bind_u64(q, r->leaf);
    sql_bind_b256(q, &r->dst_tx);
    sql_bind_u64(q, r->dst_block);
    sql_bind_text(q, r->note);
    sql_bind_text(q, r->remedy);
}

bool relay_add(struct store_txn *t, const struct relay_row *r, bool *is_new, struct err *err)
{
    struct sql q = sql_prepare(
        t->db,
        "INSERT OR IGNORE INTO relay_message(id, kind, src, dst, tx_hash, block, log, sender, "
        "message, seen_ms, state, attempts, next_try_ms, changed_ms, batch, leaf, dst_tx, "
        "dst_block, note, remedy, calldata, target) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
        "?, ?, ?, ?, ?, ?, ?, ?, ?, x'', zeroblob(20))");
    sql_bind_b256(&q, &r->id);
    sql_bind_u64(&q, (uint64_t)r->kind);
    sql_bind_u64(&q, r->src);
    sql_bind_u64(&q, r->dst);
    sql_bind_b256(&q, &r->tx_hash);
    sql_bind_u64(&q, r->block);
    sql_bind_u64(&q, r->log);
    sql_bind_blob(&q, bytes_of(r->sender.b, 20));
    sql_bind_blob(&q, r->message);
    sql_bind_u64(&q, r->seen_ms);
    bind_changing(&q, r);
    if (!sql_run(&q, "store message", err))
        return false;
    *is_new = sqlite3_changes(t->db) > 0;
    return true;
}

bool relay_update(struct store_txn *t, const struct relay_row *r, struct err *err)
{
    struct sql q = sql_prepare(
        t->db, "UPDATE relay_message SET state = ?, attempts = ?, next_try_ms = ?, changed_ms = ?, "
               "batch = ?, leaf = ?, dst_tx = ?, dst_block = ?, note = ?, remedy = ? WHERE id = ?");
    bind_changing(&q, r);
    sql_bind_b256(&q, &r->id);
    return sql_run(&q, "update message", err);
}

bool relay_set_calldata(struct store_txn *t, const struct relay_row *r, struct err *err)
{
    struct sql q =
        sql_prepare(t->db, "UPDATE relay_message SET calldata = ?, target = ? WHERE id = ?");
    sql_bind_blob(&q, r->calldata);
    sql_bind_blob(&q, bytes_of(r->target.b, 20));
    sql_bind_b256(&q, &r->id);
    return sql_run(&q, "store calldata of message", err);
}

static struct addr addr_column(struct sql *q, struct arena *arena)
{
    struct addr a = { { 0 } };
    struct bytes b = sql_blob(q, arena);
    if (b.len == 20)
        memcpy(a.b, b.p, 20);
    else if (q->rc == SQLITE_OK)
        q->rc = SQLITE_CORRUPT;
    return a;
}

static void text_column(struct sql *q, struct arena *arena, char *out, size_t cap)
{
    struct bytes b = sql_blob(q, arena);
    snprintf(out, cap, "%.*s", (int)(b.len < cap ? b.len : cap - 1), (const char *)b.p);
}

#define COLUMNS                                                                                    \
    "SELECT id, kind, src, dst, tx_hash, block, log, sender, message, seen_ms, state, attempts, "  \
    "next_try_ms, changed_ms, batch, leaf, dst_tx, dst_block, note, remedy, calldata, target "     \
    "FROM relay_message "

static void read_row(struct sql *q, struct arena *arena, struct relay_row *r)
{
    *r = (struct relay_row){ .id = sql_b256(q) };
    uint64_t kind = sql_u64(q);
    r->kind = kind == RELAY_BUNDLE ? RELAY_BUNDLE : RELAY_WITHDRAWAL;
    r->src = sql_u64(q);
    r->dst = sql_u64(q);
    r->tx_hash = sql_b256(q);
    r->block = sql_u64(q);
    r->log = sql_u64(q);
    r->sender = addr_column(q, arena);
    r->message = sql_blob(q, arena);
    r->seen_ms = sql_u64(q);
    uint64_t state = sql_u64(q);
    if (state < RELAY_WAITS_PROOF || state > RELAY_NOT_OURS || kind < 1 || kind > 2)
        q->rc = SQLITE_CORRUPT;
    r->state = (enum relay_state)state;
    r->attempts = sql_u64(q);
    r->next_try_ms = sql_u64(q);
    r->changed_ms = sql_u64(q);
    r->batch = sql_u64(q);
    r->leaf = sql_u64(q);
    r->dst_tx = sql_b256(q);
    r->dst_block = sql_u64(q);
    text_column(q, arena, r->note, sizeof(r->note));
    text_column(q, arena, r->remedy, sizeof(r->remedy));
    r->calldata = sql_blob(q, arena);
    r->target = addr_column(q, arena);
}

bool relay_each(struct store_reader *r, uint32_t states, struct arena *arena,
                bool (*each)(void *arg, const struct relay_row *row, struct err *err), void *arg,
                struct err *err)
{
    struct sql q = sql_prepare(store_reader_db(r, STORE_JOURNAL),
                               COLUMNS "WHERE (1 << state) & ? ORDER BY seq");
    sql_bind_u64(&q, states);
    bool row = false, ok;
    while ((ok = sql_step(&q, &row, "messages", err)) && row) {
        struct relay_row m;
        arena_reset(arena);
        read_row(&q, arena, &m);
        if (q.rc != SQLITE_OK)
            break; /* sql_finish says it */
        if (!each(arg, &m, err)) {
            ok = false;
            break;
        }
    }
    if (!ok) {
        sqlite3_finalize(q.stmt);
        return false;
    }
    return sql_finish(&q, "messages", err);
}

bool relay_load(struct store_reader *r, const struct b256 *id, struct arena *arena,
                struct relay_row *out, bool *found, struct err *err)
{
    struct sql q = sql_prepare(store_reader_db(r, STORE_JOURNAL), COLUMNS "WHERE id = ?");
    sql_bind_b256(&q, id);
    *found = false;
    if (!sql_step(&q, found, "message", err)) {
        sqlite3_finalize(q.stmt);
        return false;
    }
    if (*found)
        read_row(&q, arena, out);
    return sql_finish(&q, "message", err);
}
