/* node/witnesses.c */
#include "node/witnesses.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "node/base/clock.h"
#include "node/chain/worker.h"
#include "node/state/witness_maker.h"
#include "node/stf/verify.h"
#include "node/store/batch_table.h"

#define KEEP_LIMIT  ((size_t)4 << 30)
#define WORK_LIMIT  ((size_t)4 << 30)
#define WAITERS_MAX 4u

struct held { /* a witness somebody has */
    struct settlement_witness w;
    LIST_ENTRY(held) link;
};

struct waiter {
    settlement_witness_fn *done;
    void *arg;
};
struct making {
    struct witnesses *s;
    uint64_t batch;
    struct b256 stored_hash;
    struct waiter waiters[WAITERS_MAX];
    size_t waiter_cnt;
    struct held *result; /* found: only to be handed over again */
    bool found;
    struct err err;
    LIST_ENTRY(making) link;
};
struct verifying {
    const struct stf_crypto *crypto;
    struct settlement_witness *w;
    settlement_verdict_fn *done;
    void *arg;
    struct settlement_verdict verdict;
};

struct witnesses {
    struct chain *chain;
    const struct stf_crypto *crypto;
    struct store_reader *reader; /* the worker's */
    struct worker_pool *pool;
    LIST_HEAD(, held) held;
    LIST_HEAD(, making) making;
};

static void free_held(struct settlement_witness *w)
{
    struct held *h = (struct held *)w; /* its first member */
    LIST_REMOVE(h, link);
    buf_clear(&h->w.data);
    free(h);
}

/* ---- making, on the worker ---- */

struct blocks { /* of the batch; references */
    const struct chain_block **list;
    struct witness_source_block *src;
    struct bytes **txs;
    size_t cnt;
};

static bool take_block(struct making *m, struct blocks *b, uint64_t number)
{
    const struct chain_block *c = chain_block_acquire(m->s->chain, m->s->reader, number, &m->err);
    if (!c)
        return m->err.kind != ERR_NONE
                   ? false
                   : err_set(&m->err, ERR_LOCAL, "block %" PRIu64 " is missing", number);
    size_t i = b->cnt++;
    b->list[i] = c;
    b->txs[i] = calloc(c->r.tx_cnt + 1, sizeof(struct bytes));
    if (!b->txs[i])
        return err_set(&m->err, ERR_LOCAL, "out of memory");
    for (size_t k = 0; k < c->r.tx_cnt; k++)
        b->txs[i][k] = c->r.txs[k].envelope;
    b->src[i] = (struct witness_source_block){ .ctx = &c->r.ctx,
                                               .txs = b->txs[i],
                                               .tx_cnt = c->r.tx_cnt,
                                               .forced_codes = c->r.forced_codes,
                                               .forced_code_cnt = c->r.forced_code_cnt,
                                               .block_hash = c->r.block_hash };
    return true;
}

static bool make_from(struct making *m, const struct batch_row *row, struct blocks *b)
{
    for (uint64_t n = row->first_block; n <= row->last_block; n++)
        if (!take_block(m, b, n))
            return false;
    if (b->cnt == 0)
        return err_set(&m->err, ERR_LOCAL, "batch %" PRIu64 " has no blocks", row->number);
    struct witness_source src = { .batch_number = row->number,
                                  .da_scheme = row->da_scheme,
                                  .last_timestamp = b->list[0]->r.previous_timestamp,
                                  .blocks = b->src,
                                  .block_cnt = b->cnt };
    m->result->w.blocks = b->cnt;
    return witness_make(&m->result->w.data, chain_state(m->s->chain), &src, m->s->crypto, &m->err);
}

static bool make_all(struct making *m)
{
    struct batch_row row;
    bool found = false;
    if (!batch_load(m->s->reader, m->batch, &row, &found, &m->err))
        return false;
    if (!found || !b256_eq(&row.stored_hash, &m->stored_hash))
        return err_set(&m->err, ERR_TRANSIENT, "batch %" PRIu64 " is sealed anew", m->batch);
    uint64_t n = row.last_block - row.first_block + 1;
    if (row.first_block == 0 || row.last_block < row.first_block || n > WITNESS_MAX_BLOCKS)
        return err_set(&m->err, ERR_INVALID, "batch %" PRIu64 " does not fit a witness", m->batch);
    struct blocks b = { .list = calloc((size_t)n, sizeof(*b.list)),
                        .src = calloc((size_t)n, sizeof(*b.src)),
                        .txs = calloc((size_t)n, sizeof(*b.txs)) };
    bool ok = b.list && b.src && b.txs ? make_from(m, &row, &b)
                                       : err_set(&m->err, ERR_LOCAL, "out of memory");
    for (size_t i = 0; i < b.cnt; i++) {
        chain_block_release(m->s->chain, b.list[i]);
        free(b.txs[i]);
    }
    free(b.list);
    free(b.src);
    free(b.txs);
    return ok;
}

static void run_making(void *arg)
{
    struct making *m = arg;
    if (m->found)
        return;
    uint64_t began = clock_mono_ms(clock_system());
    buf_init(&m->result->w.data, WITNESS_MAX_LEN);
    if (make_all(m))
        m->err.kind = ERR_NONE;
    m->result->w.made_in_ms = clock_mono_ms(clock_system()) - began;
}

/* ---- making, on the loop ---- */

static void making_done(void *arg)
{
    struct making *m = arg;
    bool ok = m->found || m->err.kind == ERR_NONE;
    LIST_REMOVE(m, link);
    if (!m->found && ok)
        LIST_INSERT_HEAD(&m->s->held, m->result, link);
    for (size_t i = 0; i < m->waiter_cnt; i++)
        m->waiters[i].done(m->waiters[i].arg, ok ? &m->result->w : NULL, ok ? NULL : &m->err);
    if (ok) {
        settlement_witness_unref(&m->result->w);
    } else {
        buf_clear(&m->result->w.data);
        free(m->result);
    }
    free(m);
}

static struct held *find_held(struct witnesses *s, uint64_t batch, const struct b256 *hash)
{
    struct held *h;
    LIST_FOREACH(h, &s->held, link)
    if (h->w.batch == batch && b256_eq(&h->w.stored_hash, hash))
        return h;
    return NULL;
}

static bool join(struct witnesses *s, uint64_t batch, const struct b256 *hash,
                 const struct waiter *w)
{
    struct making *m;
    LIST_FOREACH(m, &s->making, link)
    if (m->batch == batch && b256_eq(&m->stored_hash, hash) && m->waiter_cnt < WAITERS_MAX) {
        m->waiters[m->waiter_cnt++] = *w;
        return true;
    }
    return false;
}

static bool make(void *ctx, uint64_t batch, const struct b256 *stored_hash,
                 settlement_witness_fn *done, void *arg)
{
    struct witnesses *s = ctx;
    struct waiter w = { done, arg };
    if (join(s, batch, stored_hash, &w))
        return true;
    struct making *m = calloc(1, sizeof(*m));
    struct held *h = find_held(s, batch, stored_hash);
    if (!m)
        return false;
    *m = (struct making){ .s = s,
                          .batch = batch,
                          .stored_hash = *stored_hash,
                          .waiters = { w },
                          .waiter_cnt = 1,
                          .found = h != NULL };
    if (h)
        settlement_witness_ref(&h->w);
    else if ((h = calloc(1, sizeof(*h))) != NULL)
        *h = (struct held){
            .w = { .refs = 1, .batch = batch, .stored_hash = *stored_hash, .free = free_held }
        };
    m->result = h;
    if (h && worker_submit(s->pool, run_making, making_done, m)) {
        LIST_INSERT_HEAD(&s->making, m, link);
        return true;
    }
    if (m->found)
        settlement_witness_unref(&h->w);
    else
        free(h);
    free(m);
    return false;
}

/* ---- verifying ---- */

static void run_verifying(void *arg)
{
    struct verifying *v = arg;
    struct arena keep, work;
    struct verify_result r;
    struct verify_fault fault;
    uint64_t began = clock_mono_ms(clock_system());
    arena_init_growing(&keep, 1u << 20, KEEP_LIMIT);
    arena_init_growing(&work, 1u << 20, WORK_LIMIT);
    enum verify_code e =
        verify_batch(&r, &fault, bytes_of(v->w->data.p, v->w->data.len), v->crypto, &keep, &work);
    v->verdict.verified = e == VERIFY_OK;
    if (e == VERIFY_OK) {
        v->verdict.public_input = r.public_input;
        v->verdict.stored_hash = r.stored_hash;
    } else {
        snprintf(v->verdict.reason, sizeof(v->verdict.reason),
                 "%s (block %" PRIu64 ", transaction %u)", verify_code_text(e), fault.block,
                 fault.tx);
    }
    arena_clear(&keep);
    arena_clear(&work);
    v->verdict.took_ms = clock_mono_ms(clock_system()) - began;
}

static void verifying_done(void *arg)
{
    struct verifying *v = arg;
    v->done(v->arg, &v->verdict);
    settlement_witness_unref(v->w);
    free(v);
}

static bool verify(void *ctx, struct settlement_witness *w, settlement_verdict_fn *done, void *arg)
{
    struct witnesses *s = ctx;
    struct verifying *v = calloc(1, sizeof(*v));
    if (!v)
        return false;
    *v = (struct verifying){
        .crypto = s->crypto, .w = settlement_witness_ref(w), .done = done, .arg = arg
    };
    if (worker_submit(s->pool, run_verifying, verifying_done, v))
        return true;
    settlement_witness_unref(w);
    free(v);
    return false;
}

/* ---- life ---- */

struct witnesses *witnesses_create(struct event_base *base, struct chain *chain,
                                   struct store *store, const struct stf_crypto *crypto,
                                   struct err *err)
{
    struct witnesses *s = calloc(1, sizeof(*s));
    if (!s) {
        err_set(err, ERR_LOCAL, "out of memory");
        return NULL;
    }
    LIST_INIT(&s->held);
    LIST_INIT(&s->making);
    s->chain = chain;
    s->crypto = crypto;
    s->reader = store_reader_open(store, err);
    s->pool = s->reader ? worker_pool_create(base, 1, "witness", err) : NULL;
    if (s->pool)
        return s;
    witnesses_destroy(s);
    return NULL;
}

struct settlement_witness_ops witnesses_ops(struct witnesses *w)
{
    return (struct settlement_witness_ops){ .ctx = w, .make = make, .verify = verify };
}

void witnesses_stop(struct witnesses *w)
{
    worker_pool_stop(w->pool);
}

void witnesses_destroy(struct witnesses *w)
{
    if (!w)
        return;
    worker_pool_destroy(w->pool);
    CHECK(LIST_EMPTY(&w->held) && LIST_EMPTY(&w->making));
    store_reader_close(w->reader);
    free(w);
}
