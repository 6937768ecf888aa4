/* node/chain/chain.c
 *
 * The loop's side: deciding when to build, making blocks durable, publishing them. One block is in work at a time:
 * executed, committed, published; then the next. What arrives meanwhile is the next block. */
#include "node/chain/chain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/base/log.h"
#include "node/chain/chain_internal.h"

#define BUILD_ARENA_CHUNK   (1u << 20)
#define BUILD_ARENA_LIMIT   (4ull << 30)
#define CLOCK_BACK_LIMIT_S  5
#define MAX_CANDIDATE_BYTES (32u << 20)
#define INDEX_BACKLOG       64

struct build {
    struct chain *chain;
    struct arena arena; /* owned: input, results, record */
    struct execute_input in;
    struct execute_output out;
    struct buf encoded;          /* owned */
    struct cached_block *cached; /* owned until published */
    struct record_row row;
    bool ok;
    struct err err;
};

static void maybe_build(struct chain *c);

/* ---- life ---- */

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct chain *c = arg;
    c->timer_armed = false;
    maybe_build(c);
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct chain *c = arg;
    atomic_store(&c->wake_pending, false);
    maybe_build(c);
}

static void mempool_woke(void *arg, const struct b256 *hash)
{
    (void)hash;
    chain_wake(arg);
}

struct chain *chain_create(const struct chain_deps *deps, const struct chain_config *cfg,
                           struct err *err)
{
    if (u256_is_zero(&cfg->native_price) || cfg->block_time_ms == 0 || cfg->max_txs_in_block == 0) {
        err_set(err, ERR_INVALID,
                "native price, block time and transactions in a block must not be zero");
        return NULL;
    }
    struct chain *c = calloc(1, sizeof(*c));
    if (!c) {
        err_set(err, ERR_LOCAL, "out of memory");
        return NULL;
    }
    c->deps = *deps;
    c->cfg = *cfg;
    pthread_mutex_init(&c->mutex, NULL);
    block_cache_init(&c->cache, (size_t)cfg->cached_blocks);
    map_init_host(&c->recent_txs, sizeof(struct b256), sizeof(struct chain_tx_location));
    map_init_host(&c->recent_hashes, sizeof(struct b256), sizeof(uint64_t));
    c->next_base_fee = cfg->base_fee;
    c->next_native_price = cfg->native_price;
    c->next_pubdata_price = cfg->pubdata_price;
    c->reader = store_reader_open(deps->store, err);
    c->builder = c->reader ? worker_pool_create(deps->base, 1, "builder", err) : NULL;
    c->tree = c->builder ? worker_pool_create(deps->base, 1, "tree", err) : NULL;
    c->timer = c->tree ? event_new(deps->base, -1, 0, on_timer, c) : NULL;
    c->wake = c->timer ? event_new(deps->base, -1, EV_PERSIST, on_wake, c) : NULL;
    if (!c->wake) {
        chain_destroy(c);
        return NULL;
    }
    return c;
}

bool chain_start(struct chain *c, struct err *err)
{
    if (!chain_recover(c, err))
        return false;
    mempool_on_executable(c->deps.mempool, mempool_woke, c);
    c->started = true;
    event_active(c->wake, EV_READ, 0);
    return true;
}

void chain_stop(struct chain *c)
{
    if (c->stopping)
        return;
    c->stopping = true;
    mempool_on_executable(c->deps.mempool, NULL, NULL);
    if (c->timer)
        event_del(c->timer);
    if (c->builder)
        worker_pool_stop(c->builder);
    store_drain(
        c->deps.store); /* the block in work becomes durable and visible; its tree job follows */
    if (c->tree)
        worker_pool_stop(c->tree);
    store_drain(c->deps.store);
}

void chain_destroy(struct chain *c)
{
    if (!c)
        return;
    chain_stop(c);
    worker_pool_destroy(c->builder);
    worker_pool_destroy(c->tree);
    if (c->timer)
        event_free(c->timer);
    if (c->wake)
        event_free(c->wake);
    store_reader_close(c->reader);
    block_cache_clear(&c->cache);
    map_clear(&c->recent_txs);
    map_clear(&c->recent_hashes);
    pthread_mutex_destroy(&c->mutex);
    free(c);
}

void chain_subscribe(struct chain *c, chain_block_fn *on_block, chain_tree_fn *on_tree,
                     chain_stopped_fn *on_stopped, void *arg)
{
    CHECK(c->sub_cnt < CHAIN_MAX_SUBSCRIBERS);
    c->subs[c->sub_cnt].on_block = on_block;
    c->subs[c->sub_cnt].on_tree = on_tree;
    c->subs[c->sub_cnt].on_stopped = on_stopped;
    c->subs[c->sub_cnt].arg = arg;
    c->sub_cnt++;
}

/* Once until the loop has seen it: with a call for each transaction, senders and the loop wait for the lock of the event base. */
void chain_wake(struct chain *c)
{
    if (!atomic_exchange(&c->wake_pending, true))
        event_active(c->wake, EV_READ, 0);
}

void chain_l1_txs_arrived(struct chain *c)
{
    maybe_build(c);
}

uint64_t chain_first_free_priority_id(const struct chain *c)
{
    return c->in_work ? c->work_priority_end : c->head.next_l1_priority_id;
}

void chain_set_sl_chain_id(struct chain *c, uint64_t id)
{
    c->cfg.sl_chain_id = id;
}

void chain_set_fees(struct chain *c, const struct u256 *base_fee, const struct u256 *native_price,
                    const struct u256 *pubdata_price)
{
    c->next_base_fee = *base_fee;
    c->next_native_price = *native_price;
    c->next_pubdata_price = *pubdata_price;
    pthread_mutex_lock(&c->mutex);
    c->head.base_fee = *base_fee;
    c->head.native_price = *native_price;
    c->head.pubdata_price = *pubdata_price;
    pthread_mutex_unlock(&c->mutex);
}

void chain_pause(struct chain *c, const char *reason)
{
    pthread_mutex_lock(&c->mutex);
    c->paused = true;
    snprintf(c->pause_reason, sizeof(c->pause_reason), "%s", reason);
    pthread_mutex_unlock(&c->mutex);
}

void chain_resume(struct chain *c)
{
    pthread_mutex_lock(&c->mutex);
    c->paused = false;
    pthread_mutex_unlock(&c->mutex);
}

bool chain_is_accepting(struct chain *c, char *reason, size_t cap)
{
    pthread_mutex_lock(&c->mutex);
    bool ended = c->cfg.max_blocks_to_produce && c->stats.blocks >= c->cfg.max_blocks_to_produce;
    bool ok = !c->paused && !c->stats.stopped && !ended;
    if (!ok)
        snprintf(reason, cap, "%s",
                 c->paused          ? c->pause_reason
                 : c->stats.stopped ? c->stats.stopped_why
                                    : "block production disabled"); /* spec 50 §1.5 */
    pthread_mutex_unlock(&c->mutex);
    return ok;
}

void chain_fail(struct chain *c, const struct err *why)
{
    pthread_mutex_lock(&c->mutex);
    bool first = !c->stats.stopped;
    if (first) {
        c->stats.stopped = true;
        snprintf(c->stats.stopped_why, sizeof(c->stats.stopped_why), "%.250s", why->msg);
    }
    pthread_mutex_unlock(&c->mutex);
    if (!first)
        return;
    log_error(LOG_CHAIN, "block production stopped", LOG_STR("reason", why->msg));
    for (size_t i = 0; i < c->sub_cnt; i++)
        if (c->subs[i].on_stopped)
            c->subs[i].on_stopped(c->subs[i].arg, why);
}

/* ---- the head ---- */

void chain_set_head(struct chain *c, const struct block_record *r)
{
    memmove(&c->last_hashes[0], &r->ctx.block_hashes[1], 255 * sizeof(c->last_hashes[0]));
    c->last_hashes[255] = r->block_hash;
    pthread_mutex_lock(&c->mutex);
    c->head = (struct chain_head){ .number = r->ctx.number,
                                   .timestamp = r->ctx.timestamp,
                                   .hash = r->block_hash,
                                   .base_fee = c->next_base_fee,
                                   .native_price = c->next_native_price,
                                   .pubdata_price = c->next_pubdata_price,
                                   .gas_limit = c->cfg.block_gas_limit,
                                   .next_l1_priority_id = r->starting_l1_priority_id + r->l1_tx_cnt,
                                   .execution_version = STF_EXECUTION_VERSION_V31,
                                   .protocol_minor = r->protocol_minor };
    pthread_mutex_unlock(&c->mutex);
}

/* ---- opening a block ---- */

/* Milliseconds until the next block may open; 0: now. A full block's worth of work opens at once. */
static uint64_t wait_ms(struct chain *c)
{
    uint64_t now = clock_mono_ms(c->deps.clock), due = c->last_start_ms + c->cfg.block_time_ms;
    if (c->last_start_ms == 0 || now >= due)
        return 0;
    struct mempool_stats s;
    mempool_stats_get(c->deps.mempool, &s);
    bool full = s.pending >= c->cfg.max_txs_in_block || (s.pending > 0 && c->left_some);
    return full ? 0 : due - now;
}

static void arm_timer(struct chain *c, uint64_t ms)
{
    if (c->timer_armed)
        return;
    struct timeval tv = { .tv_sec = (time_t)(ms / 1000),
                          .tv_usec = (suseconds_t)(ms % 1000 * 1000) };
    event_add(c->timer, &tv);
    c->timer_armed = true;
}

static bool fill_context(struct chain *c, struct build *b, struct err *err)
{
    uint64_t now = clock_wall_ms(c->deps.clock) / 1000;
    if (now + CLOCK_BACK_LIMIT_S < c->head.timestamp)
        return err_set(err, ERR_TRANSIENT,
                       "the clock went back: it says %" PRIu64 ", the last block %" PRIu64, now,
                       c->head.timestamp);
    struct stf_block_context *x = &b->in.ctx;
    x->chain_id = c->cfg.chain_id;
    x->number = c->head.number + 1;
    x->timestamp = now > c->head.timestamp ? now : c->head.timestamp;
    memcpy(x->block_hashes, c->last_hashes, sizeof(x->block_hashes));
    x->base_fee = c->next_base_fee;
    x->native_price = c->next_native_price;
    x->pubdata_price = c->next_pubdata_price;
    x->blob_fee = U256_ONE;
    x->coinbase = c->cfg.fee_collector;
    x->gas_limit = c->cfg.block_gas_limit;
    x->pubdata_limit = c->cfg.block_pubdata_limit;
    x->execution_version = STF_EXECUTION_VERSION_V31;
    b->in.previous_timestamp = c->head.timestamp;
    b->in.next_l1_priority_id = c->head.next_l1_priority_id;
    b->in.protocol_minor = c->cfg.protocol_minor;
    b->in.state = c->deps.state;
    b->in.crypto = c->deps.crypto;
    b->in.clock = c->deps.clock;
    b->in.max_txs = c->cfg.max_txs_in_block;
    b->in.deadline_mono_ms = clock_mono_ms(c->deps.clock) + c->cfg.block_time_ms;
    return true;
}

/* The first block of a version opens with its upgrade transaction; nothing else may come before (spec 10 §13.3). */
static bool fill_upgrade(struct chain *c, struct build *b, bool *wait, struct err *err)
{
    *wait = false;
    if (c->head.protocol_minor >= c->cfg.protocol_minor)
        return true;
    struct l1_tx_row *row = arena_zalloc(&b->arena, sizeof(*row));
    bool found = false;
    if (!row || !l1_upgrade_load(c->reader, c->cfg.protocol_minor, &b->arena, row, &found, err))
        return row ? false : err_set(err, ERR_LOCAL, "out of memory");
    *wait = !found;
    if (!found)
        return true;
    b->in.upgrade = row;
    b->in.sets_sl_chain_id = true;
    b->in.sl_chain_id = c->cfg.sl_chain_id;
    return true;
}

static bool fill_txs(struct chain *c, struct build *b, bool *any, struct err *err)
{
    bool wait = false;
    *any = false;
    if (!fill_upgrade(c, b, &wait, err))
        return false;
    if (wait)
        return true;
    if (b->in.upgrade) {
        *any = true;
        return true;
    }
    if (roots_are_due(c, clock_mono_ms(c->deps.clock))) {
        b->in.root_cnt = roots_take(c, &b->arena, &b->in.roots);
        *any = b->in.root_cnt > 0;
        return *any || err_set(err, ERR_LOCAL, "out of memory");
    }
    if (!l1_priority_load(c->reader, b->in.next_l1_priority_id, c->cfg.max_txs_in_block, &b->arena,
                          &b->in.l1, &b->in.l1_cnt, err))
        return false;
    struct mempool_tx *pool = NULL;
    if (!mempool_candidates(c->deps.mempool, &b->in.ctx.base_fee, c->cfg.max_txs_in_block,
                            MAX_CANDIDATE_BYTES, &b->arena, &pool, &b->in.pool_cnt))
        return err_set(err, ERR_LOCAL, "out of memory while taking transactions");
    b->in.pool = pool;
    *any = b->in.l1_cnt + b->in.pool_cnt > 0;
    return true;
}

static void build_destroy(struct build *b)
{
    if (b->cached)
        cached_block_destroy(b->cached);
    buf_clear(&b->encoded);
    arena_clear(&b->arena);
    free(b);
}

/* ---- worker ---- */

static void run_build(void *arg)
{
    struct build *b = arg;
    b->ok = execute_produce(&b->out, &b->in, &b->arena, &b->err);
    if (!b->ok || b->out.is_empty)
        return;
    const struct block_record *r = &b->out.record;
    b->ok = block_record_encode(&b->encoded, r, &b->err);
    if (!b->ok)
        return;
    b->row = (struct record_row){ .number = r->ctx.number,
                                  .hash = r->block_hash,
                                  .encoded = bytes_of(b->encoded.p, b->encoded.len) };
    /* decoding what will be stored proves that it can be read again */
    b->cached = cached_block_create(b->row.encoded, &b->err);
    b->ok = b->cached != NULL;
    for (size_t i = 0; b->ok && i < r->forced_code_cnt; i++)
        state_add_preimage(b->in.state, r->forced_codes[i]);
    /* Readers open views at the published head, so this is not visible before the block is durable. */
    if (b->ok)
        b->ok = state_apply_flat(b->in.state, r->ctx.number, r->diffs, r->diff_cnt, r->preimages,
                                 r->preimage_cnt, &b->err);
}

/* ---- publishing ---- */

struct index_write {
    struct chain *chain;
    struct cached_block *block; /* acquired */
};

static bool run_index(struct store_txn *t, void *arg, struct err *err)
{
    const struct index_write *w = arg;
    return index_write_block(t, &w->block->b, err);
}

static void index_done(void *arg, const struct err *err)
{
    struct index_write *w = arg;
    struct chain *c = w->chain;
    if (err) {
        chain_fail(c, err);
    } else {
        pthread_mutex_lock(&c->mutex);
        c->index_head = w->block->number;
        for (size_t i = 0; i < w->block->b.r.tx_cnt; i++)
            map_remove(&c->recent_txs, &w->block->b.r.txs[i].hash);
        map_remove(&c->recent_hashes, &w->block->b.r.block_hash);
        pthread_mutex_unlock(&c->mutex);
    }
    block_cache_release(&c->cache, w->block);
    free(w);
    maybe_build(c); /* which may have waited for the index */
}

static void remember_recent(struct chain *c, const struct chain_block *b)
{
    bool inserted;
    for (size_t i = 0; i < b->r.tx_cnt; i++) {
        struct chain_tx_location *loc = map_put(&c->recent_txs, &b->r.txs[i].hash, &inserted);
        CHECK(loc != NULL);
        *loc = (struct chain_tx_location){ .block = b->r.ctx.number, .index = (uint32_t)i };
    }
    uint64_t *n = map_put(&c->recent_hashes, &b->r.block_hash, &inserted);
    CHECK(n != NULL);
    *n = b->r.ctx.number;
}

static void count_block(struct chain *c, const struct build *b)
{
    c->stats.blocks++;
    c->stats.txs += b->out.record.tx_cnt;
    c->stats.failed_txs += b->out.failed_cnt;
    c->stats.seals[b->out.seal]++;
    c->left_some = b->out.seal != SEAL_EXHAUSTED && b->out.seal != SEAL_TIMEOUT;
    c->stats.last_block_at_ms = clock_wall_ms(c->deps.clock);
}

static void drop_purged(struct chain *c, const struct build *b)
{
    for (size_t i = 0; i < b->out.purge_cnt; i++)
        mempool_remove(c->deps.mempool, &b->out.purge[i]);
    pthread_mutex_lock(&c->mutex);
    c->stats.invalid_txs += b->out.invalid_cnt;
    c->stats.missing_precompile_purged += b->out.missing_precompile_cnt;
    pthread_mutex_unlock(&c->mutex);
}

/* A refused import takes the others with it: each root stands for all before it, so leaving one out helps nobody. */
static void end_roots(struct chain *c, const struct build *b, bool imported)
{
    if (b->in.root_cnt == 0)
        return;
    if (b->out.root_error[0]) {
        chain_stop_roots(c, b->out.root_error);
        return;
    }
    roots_done(c, b->in.root_cnt, imported, clock_mono_ms(c->deps.clock));
}

static void publish(struct chain *c, struct build *b)
{
    struct cached_block *e = block_cache_add(&c->cache, b->cached);
    b->cached = NULL;
    pthread_mutex_lock(&c->mutex);
    remember_recent(c, &e->b);
    count_block(c, b);
    pthread_mutex_unlock(&c->mutex);
    chain_set_head(c, &e->b.r);
    end_roots(c, b, true);
    mempool_apply_block(c->deps.mempool, b->out.accounts, b->out.account_cnt);
    log_debug(LOG_CHAIN, "block sealed", LOG_U64("block", e->number),
              LOG_HASH("hash", &e->b.r.block_hash), LOG_U64("txs", e->b.r.tx_cnt),
              LOG_U64("gas", e->b.r.header.gas_used));
    for (size_t i = 0; i < c->sub_cnt; i++)
        if (c->subs[i].on_block)
            c->subs[i].on_block(c->subs[i].arg, &e->b);
    tree_submit(c, e->number);
    struct index_write *w = malloc(sizeof(*w));
    struct err err = { .kind = ERR_NONE };
    CHECK(w != NULL);
    *w = (struct index_write){ .chain = c, .block = e };
    if (!store_write(c->deps.store, STORE_INDEX, run_index, index_done, w, &err))
        index_done(w, &err);
}

static void block_stored(void *arg, const struct err *err)
{
    struct build *b = arg;
    struct chain *c = b->chain;
    c->in_work = false;
    if (err) {
        struct err why = *err;
        err_wrap(&why, "block %" PRIu64 " could not be made durable", b->row.number);
        chain_fail(c, &why);
    } else {
        publish(c, b);
    }
    build_destroy(b);
    maybe_build(c);
}

static bool write_build(struct store_txn *t, void *arg, struct err *err)
{
    return block_record_write(t, &((struct build *)arg)->row, err);
}

static void build_done(void *arg)
{
    struct build *b = arg;
    struct chain *c = b->chain;
    drop_purged(c, b);
    struct err err = { .kind = ERR_NONE };
    if (!b->ok) {
        err_wrap(&b->err, "block %" PRIu64, b->in.ctx.number);
        c->in_work = false;
        chain_fail(c, &b->err);
        build_destroy(b);
        return;
    }
    if (b->out.is_empty) {
        /* Everything was purged or left for later: what is left waits for something to change. */
        bool again = b->out.purge_cnt > 0 || b->in.root_cnt > 0;
        end_roots(c, b, false);
        c->in_work = false;
        build_destroy(b);
        if (again)
            maybe_build(c);
        return;
    }
    if (!store_write(c->deps.store, STORE_CHAIN, write_build, block_stored, b, &err)) {
        c->in_work = false;
        chain_fail(c, &err);
        build_destroy(b);
    }
}

static bool may_build(struct chain *c)
{
    if (!c->started || c->stopping || c->in_work || c->stats.stopped)
        return false;
    if (c->cfg.max_blocks_to_produce && c->stats.blocks >= c->cfg.max_blocks_to_produce)
        return false;
    return c->recent_hashes.count <
           INDEX_BACKLOG; /* the index keeps up, or building waits for it */
}

static void maybe_build(struct chain *c)
{
    if (!may_build(c))
        return;
    uint64_t wait = wait_ms(c);
    if (wait > 0) {
        arm_timer(c, wait);
        return;
    }
    struct build *b = calloc(1, sizeof(*b));
    CHECK(b != NULL);
    b->chain = c;
    arena_init_growing(&b->arena, BUILD_ARENA_CHUNK, BUILD_ARENA_LIMIT);
    buf_init(&b->encoded, MAX_RECORD_LEN);
    struct err err = { .kind = ERR_NONE };
    bool any = false;
    if (!fill_context(c, b, &err) || !fill_txs(c, b, &any, &err)) {
        build_destroy(b);
        if (err.kind == ERR_TRANSIENT) { /* the clock: look again later */
            log_warn(LOG_CHAIN, "not building", LOG_STR("reason", err.msg));
            arm_timer(c, 1000);
        } else {
            chain_fail(c, &err);
        }
        return;
    }
    if (!any) {
        build_destroy(b);
        uint64_t ms = roots_wait_ms(c, clock_mono_ms(c->deps.clock));
        if (ms != UINT64_MAX)
            arm_timer(c, ms + 1);
        return;
    }
    c->in_work = true;
    c->work_priority_end = b->in.next_l1_priority_id + b->in.l1_cnt;
    c->last_start_ms = clock_mono_ms(c->deps.clock);
    if (!worker_submit(c->builder, run_build, build_done, b)) {
        c->in_work = false;
        build_destroy(b);
    }
}
