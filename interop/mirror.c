#include "interop/mirror.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/base/hash.h"
#include "node/base/log.h"
#include "node/stf/batch.h"
#include "node/store/l1_tx.h"

struct change { /* a block with a root event */
    uint64_t block, log_id;
    bool has_logs; /* one of its batches has logs */
};
struct mirror {
    struct store *store;
    struct mirror_config cfg;
    struct mirror_callbacks cb;
    const char *cursor;
    pthread_rwlock_t lock; /* guards the rest; written on the loop */
    struct message_root *trees;
    struct change *change;
    size_t change_cnt, change_cap;
    bool any_read, any_checked, any_final, again; /* again: notified_to is read once more */
    uint64_t read_to, checked_to, final_to, notified_to, rewinds;
    uint64_t agreed;           /* rows of blocks below are what the contract has, by its own word */
    bool unmarked;             /* there are rows of which the store does not know whether */
    size_t writing;            /* jobs the store thread has */
    uint64_t logs_block;       /* the last one with a batch that has logs; UINT64_MAX: none */
    struct b256 notified_root; /* of block notified_to */
    struct b256 no_logs;       /* root of the logs of a batch without any */
    char held[512];
};

/* ---- one event ---- */

static bool add_change(struct mirror *m, const struct message_root_row *row, struct err *err)
{
    struct change *last = m->change_cnt ? &m->change[m->change_cnt - 1] : NULL;
    if (last &&
        last->block == row->block) { /* several in a block share an id; the last one counts */
        last->has_logs |= m->logs_block == row->block;
        if (last->log_id == row->number)
            return true;
        return err_set(err, ERR_INVALID,
                       "block %" PRIu64 " has roots with ids %" PRIu64 " and %" PRIu64, row->block,
                       last->log_id, row->number);
    }
    /* 0: a contract of before v31 does not count them */
    if (last && row->number != last->log_id + 1 && (row->number != 0 || last->log_id != 0))
        return err_set(err, ERR_INVALID,
                       "the root of block %" PRIu64 " has id %" PRIu64 " after %" PRIu64,
                       row->block, row->number, last->log_id);
    if (!m->change || m->change_cnt == m->change_cap) {
        size_t cap = m->change_cap ? m->change_cap * 2 : 64;
        struct change *p = realloc(m->change, cap * sizeof(*p));
        if (!p)
            return err_set(err, ERR_LOCAL, "out of memory for roots");
        m->change = p;
        m->change_cap = cap;
    }
    m->change[m->change_cnt++] =
        (struct change){ row->block, row->number, m->logs_block == row->block };
    return true;
}

/* The root of a batch that sent nothing and took nothing from L1 is a constant of its chain. */
static bool has_logs(const struct mirror *m, uint64_t chain, const struct b256 *batch_root)
{
    struct b256 alone = batch_empty_multichain_root(chain),
                empty = keccak256_pair(&m->no_logs, &alone);
    return !b256_eq(&empty, batch_root);
}

static bool compare(const struct mirror *m, const struct message_root_row *row,
                    const struct b256 *ours, const char *what, struct err *err)
{
    if (b256_eq(ours, &row->value))
        return true;
    return err_set(err, ERR_DIVERGED,
                   "%s in block %" PRIu64 " of %s (log %" PRIu64
                   ") is not what the events before it give: events are missing or false",
                   what, row->block, m->cfg.name, row->log_index);
}

static bool apply(struct mirror *m, const struct message_root_row *row, struct err *err)
{
    struct b256 root;
    switch (row->kind) {
    case MESSAGE_ROOT_CHAIN:
        return message_root_add_chain(m->trees, row->block, row->chain, row->number, err);
    case MESSAGE_ROOT_BATCH:
        if (has_logs(m, row->chain, &row->value))
            m->logs_block = row->block;
        return message_root_append(m->trees, row->block, row->chain, row->number, &row->value, err);
    case MESSAGE_ROOT_CHAIN_ROOT:
        return message_root_chain_root(m->trees, row->chain, UINT64_MAX, &root)
                   ? compare(m, row, &root, "the root of a chain", err)
                   : err_set(err, ERR_INVALID,
                             "a root of chain %" PRIu64 ", which is not registered", row->chain);
    case MESSAGE_ROOT_INTEROP:
        root = message_root_at(m->trees, UINT64_MAX);
        return compare(m, row, &root, "the root", err) && add_change(m, row, err);
    }
    return err_set(err, ERR_LOCAL, "an event of an unknown kind in the store");
}

static void rewind_trees(struct mirror *m, uint64_t from)
{
    message_root_rewind(m->trees, from);
    m->logs_block = UINT64_MAX;
    if (m->agreed > from)
        m->agreed = from;
    while (m->change_cnt && m->change[m->change_cnt - 1].block >= from)
        m->change_cnt--;
}

static void cut(uint64_t *mark, bool *any, uint64_t from)
{
    if (from == 0)
        *any = false;
    else if (*mark >= from)
        *mark = from - 1;
}

/* ---- the store ---- */

struct loader {
    struct mirror *m;
    uint64_t block; /* of the row in work; the first to go; the first not agreed to */
};

static bool load_row(void *arg, const struct message_root_row *row, struct err *err)
{
    struct loader *l = arg;
    l->block = row->block;
    return apply(l->m, row, err);
}

static bool drop_rows(struct store_txn *t, void *arg, struct err *err)
{
    const struct loader *l = arg;
    struct watcher_cursor back = { .next_block = l->block };
    return message_root_truncate(t, l->m->cfg.layer, l->block, err) &&
           watcher_cursor_put(t, l->m->cursor, &back, err);
}

/* What an earlier life was told counts once: when the next one is held too before the contract agreed to anything, that may be what is
 * false, and all is read again. */
static bool drop_rows_and_mark(struct store_txn *t, void *arg, struct err *err)
{
    const struct loader *l = arg;
    return drop_rows(t, arg, err) && message_root_agreed_put(t, l->m->cfg.layer, 0, err);
}

static bool mark_rows(struct store_txn *t, void *arg, struct err *err)
{
    const struct loader *l = arg;
    return message_root_agreed_put(t, l->m->cfg.layer, l->block, err);
}

static void written(void *arg, const struct err *err)
{
    struct loader *l = arg;
    l->m->writing--;
    if (err) {
        log_error(LOG_L1, "what is believed of the message roots was not stored",
                  LOG_STR("layer", l->m->cfg.name), LOG_STR("error", err->msg));
        l->m->unmarked = true;
    }
    free(l);
}

static void write_later(struct mirror *m, store_job_fn *job, uint64_t block)
{
    struct err err = { .kind = ERR_NONE };
    struct loader *l = malloc(sizeof(*l));
    CHECK(l != NULL);
    *l = (struct loader){ .m = m, .block = block };
    m->writing++;
    if (!store_write(m->store, STORE_JOURNAL, job, written, l, &err))
        written(l, &err);
}

/* ---- life ---- */

static bool load(struct mirror *m, struct err *err)
{
    struct loader l = { .m = m };
    struct watcher_cursor c;
    bool found = false;
    struct store_reader *r = store_reader_open(m->store, err);
    if (!r)
        return false;
    bool ok = message_root_agreed_load(r, m->cfg.layer, &m->agreed, err) &&
              message_root_each(r, m->cfg.layer, load_row, &l, err);
    bool contradiction = !ok && (err->kind == ERR_DIVERGED || err->kind == ERR_INVALID);
    if (contradiction) {
        log_error(LOG_L1, "roots in the store contradict each other: they are read again",
                  LOG_STR("layer", m->cfg.name), LOG_U64("from", l.block),
                  LOG_STR("reason", err->msg));
        rewind_trees(m, l.block);
        ok = store_write_sync(m->store, STORE_JOURNAL, drop_rows, &l, err);
    }
    ok = ok && watcher_cursor_load(r, m->cursor, &c, &found, err);
    store_reader_close(r);
    if (ok && found && c.next_block > 0) {
        m->any_read = true;
        m->read_to = c.next_block - 1;
        m->unmarked = c.next_block > m->agreed;
    }
    return ok;
}

struct mirror *mirror_create(struct store *store, const struct mirror_config *cfg,
                             const struct mirror_callbacks *cb, const char *cursor, struct err *err)
{
    struct mirror *m = calloc(1, sizeof(*m));
    struct message_root *trees = m ? message_root_create(cfg->layer) : NULL;
    if (!trees || pthread_rwlock_init(&m->lock, NULL) != 0) {
        message_root_destroy(trees);
        free(m);
        err_set(err, ERR_LOCAL, "out of memory for the message roots of %s", cfg->name);
        return NULL;
    }
    m->store = store;
    m->cfg = *cfg;
    m->cb = *cb;
    m->cursor = cursor;
    m->trees = trees;
    m->logs_block = UINT64_MAX;
    m->no_logs = batch_logs_root(NULL, 0, NULL);
    if (!load(m, err)) {
        err_wrap(err, "message roots of %s", cfg->name);
        mirror_destroy(m);
        return NULL;
    }
    return m;
}

void mirror_destroy(struct mirror *m)
{
    if (!m)
        return;
    if (m->writing)
        store_drain(m->store);
    pthread_rwlock_destroy(&m->lock);
    message_root_destroy(m->trees);
    free(m->change);
    free(m);
}

static struct mirror_root root_of(const struct mirror *m, const struct change *c)
{
    return (struct mirror_root){ c->block, c->log_id, message_root_at(m->trees, c->block),
                                 c->has_logs };
}

/* ---- fed ---- */

bool mirror_on_roots(struct mirror *m, const struct message_root_row *rows, size_t n,
                     uint64_t covered_to, struct err *err)
{
    bool ok = true;
    if (m->held[0])
        return err_set(err, ERR_DIVERGED, "%s", m->held);
    pthread_rwlock_wrlock(&m->lock);
    for (size_t i = 0; i < n && ok; i++)
        ok = apply(m, &rows[i], err);
    if (ok) {
        m->any_read = true;
        m->read_to = covered_to;
        m->unmarked |= n > 0;
    }
    pthread_rwlock_unlock(&m->lock);
    if (!ok) /* whatever was applied of this range stays behind read_to, and the hold drops it */
        err_wrap(err, "message roots of %s", m->cfg.name);
    return ok;
}

struct b256 mirror_expected_root(struct mirror *m)
{
    return message_root_at(m->trees, UINT64_MAX); /* the loop is the only writer */
}

/* Blocks with changes in (after, to]; the first. */
static const struct change *change_after(const struct mirror *m, uint64_t after, uint64_t to)
{
    size_t lo = 0, hi = m->change_cnt;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (m->change[mid].block <= after)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < m->change_cnt && m->change[lo].block <= to ? &m->change[lo] : NULL;
}

/* Read, agreed to by the contract, and final. */
static bool importable_to(const struct mirror *m, uint64_t *to)
{
    if (m->held[0] || !m->any_checked || !m->any_final)
        return false;
    *to = m->checked_to < m->final_to ? m->checked_to : m->final_to;
    return true;
}

static void notify(struct mirror *m)
{
    struct mirror_root r;
    while (m->cb.on_importable_root && mirror_next_importable(m, m->notified_to, &r) &&
           m->cb.on_importable_root(m->cb.arg, m->cfg.layer, &r)) {
        m->notified_to = r.block;
        m->notified_root = r.root;
    }
}

/* A rewind may go further back than the fork: what was called final must come back as it was. */
static bool kept_its_word(struct mirror *m)
{
    if (!m->again || m->checked_to < m->notified_to)
        return true;
    struct b256 now = message_root_at(m->trees, m->notified_to);
    m->again = false;
    return b256_eq(&now, &m->notified_root);
}

void mirror_on_checked(struct mirror *m, uint64_t block)
{
    char why[256];
    pthread_rwlock_wrlock(&m->lock);
    m->any_checked = true;
    m->checked_to = block;
    m->agreed = block + 1;
    bool kept = kept_its_word(m);
    pthread_rwlock_unlock(&m->lock);
    if (m->unmarked && !m->held[0]) {
        m->unmarked = false;
        write_later(m, mark_rows, m->agreed);
    }
    if (kept) {
        notify(m);
        return;
    }
    snprintf(why, sizeof(why),
             "%s took back block %" PRIu64
             ", which was final: roots that were imported may not exist any more",
             m->cfg.name, m->notified_to);
    mirror_hold(m, why);
}

void mirror_set_final(struct mirror *m, uint64_t block)
{
    pthread_rwlock_wrlock(&m->lock);
    if (!m->any_final || block > m->final_to)
        m->final_to = block;
    m->any_final = true;
    pthread_rwlock_unlock(&m->lock);
    notify(m);
}

void mirror_skip_imported(struct mirror *m,
                          bool (*is_imported)(void *arg, const struct mirror_root *r), void *arg)
{
    size_t lo = 0, hi = m->change_cnt; /* the loop is the only writer */
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2, at = mid;
        while (at < hi && !m->change[at].has_logs) /* those are never imported */
            at++;
        struct mirror_root r = at < hi ? root_of(m, &m->change[at]) : (struct mirror_root){ 0 };
        if (at < hi && is_imported(arg, &r))
            lo = at + 1;
        else
            hi = mid;
    }
    if (lo == 0)
        return;
    struct mirror_root last = root_of(m, &m->change[lo - 1]);
    m->notified_to = last.block;
    m->notified_root = last.root;
}

void mirror_on_rewind(struct mirror *m, uint64_t from)
{
    pthread_rwlock_wrlock(&m->lock);
    rewind_trees(m, from);
    cut(&m->read_to, &m->any_read, from);
    cut(&m->checked_to, &m->any_checked, from);
    m->again = m->again || (m->notified_to > 0 && m->notified_to >= from);
    m->rewinds++;
    pthread_rwlock_unlock(&m->lock);
}

void mirror_hold(struct mirror *m, const char *why)
{
    uint64_t from = m->agreed;
    if (m->held[0])
        return;
    log_error(LOG_L1, "the mirror of message roots is held", LOG_STR("layer", m->cfg.name),
              LOG_STR("reason", why));
    pthread_rwlock_wrlock(&m->lock);
    snprintf(m->held, sizeof(m->held), "%.400s", why);
    rewind_trees(m, from);
    cut(&m->read_to, &m->any_read, from);
    pthread_rwlock_unlock(&m->lock);
    write_later(m, m->any_checked ? drop_rows : drop_rows_and_mark, from);
}

/* ---- readers ---- */

bool mirror_next_importable(struct mirror *m, uint64_t after, struct mirror_root *out)
{
    uint64_t to;
    pthread_rwlock_rdlock(&m->lock);
    const struct change *c = importable_to(m, &to) ? change_after(m, after, to) : NULL;
    if (c)
        *out = root_of(m, c);
    pthread_rwlock_unlock(&m->lock);
    return c != NULL;
}

bool mirror_root_of_block(struct mirror *m, uint64_t block, struct mirror_root *out)
{
    pthread_rwlock_rdlock(&m->lock);
    const struct change *c =
        m->any_read && block <= m->read_to && block > 0 ? change_after(m, block - 1, block) : NULL;
    if (c)
        *out = root_of(m, c);
    pthread_rwlock_unlock(&m->lock);
    return c != NULL;
}

bool mirror_root_at(struct mirror *m, uint64_t block, struct b256 *out)
{
    pthread_rwlock_rdlock(&m->lock);
    bool ok = m->any_read && block <= m->read_to;
    if (ok)
        *out = message_root_at(m->trees, block);
    pthread_rwlock_unlock(&m->lock);
    return ok;
}

bool mirror_find(struct mirror *m, uint64_t chain, uint64_t batch, struct message_root_leaf *out)
{
    pthread_rwlock_rdlock(&m->lock);
    bool ok =
        m->any_read && message_root_find(m->trees, chain, batch, out) && out->block <= m->read_to;
    pthread_rwlock_unlock(&m->lock);
    return ok;
}

bool mirror_prove(struct mirror *m, uint64_t chain, uint64_t batch, uint64_t block,
                  struct message_root_path *out)
{
    pthread_rwlock_rdlock(&m->lock);
    bool ok = m->any_read && block <= m->read_to &&
              message_root_prove(m->trees, chain, batch, block, out);
    pthread_rwlock_unlock(&m->lock);
    return ok;
}

void mirror_status_get(struct mirror *m, struct mirror_status *out)
{
    pthread_rwlock_rdlock(&m->lock);
    *out = (struct mirror_status){ .layer = m->cfg.layer,
                                   .name = m->cfg.name,
                                   .read_to = m->any_read ? m->read_to : 0,
                                   .checked_to = m->any_checked ? m->checked_to : 0,
                                   .final_to = m->any_final ? m->final_to : 0,
                                   .chains = message_root_chain_count(m->trees),
                                   .batches = message_root_batch_count(m->trees),
                                   .rewinds = m->rewinds,
                                   .root = message_root_at(m->trees, UINT64_MAX),
                                   .memory = message_root_memory(m->trees) +
                                             m->change_cap * sizeof(*m->change) };
    if (m->change_cnt) {
        out->last_log_id = m->change[m->change_cnt - 1].log_id;
        out->last_change = m->change[m->change_cnt - 1].block;
    }
    snprintf(out->held, sizeof(out->held), "%s", m->held);
    pthread_rwlock_unlock(&m->lock);
}

bool mirror_chain_get(struct mirror *m, size_t i, struct message_root_chain *out)
{
    pthread_rwlock_rdlock(&m->lock);
    bool ok = i < message_root_chain_count(m->trees);
    if (ok)
        message_root_chain_get(m->trees, i, out);
    pthread_rwlock_unlock(&m->lock);
    return ok;
}
