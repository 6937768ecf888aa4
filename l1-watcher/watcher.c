/* l1-watcher/watcher.c */
#include "l1-watcher/watcher.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "contracts-abi/gen/getters.h"
#include "contracts-abi/gen/message_root.h"
#include "l1-watcher/decode.h"
#include "node/base/log.h"
#include "node/sender/contract_read/contract_read.h"

#define HISTORY_LEN        128
#define SMALL_CHAIN_BLOCKS 100000u /* up to here the first scan starts at block 0 */
#define DEFAULT_SILENCE_MS 120000u
#define RANGE_ARENA_CHUNK  (256u << 10)
#define RANGE_ARENA_LIMIT  (512u << 20)
#define BLIND_STEP_BACK    64u

struct range { /* one range in work; freed when its cursor is durable */
    struct watcher *w;
    struct arena arena;
    struct l1_tx_row *rows;
    size_t row_cnt, row_cap;
    struct l1_tx_row *upgrades;
    size_t upgrade_cnt, upgrade_cap;
    struct sl_event *events;
    size_t event_cnt, event_cap;
    struct message_root_row *roots;
    size_t root_cnt, root_cap;
    struct watcher_cursor cursor;
    bool rewind;
    uint64_t keep_below;
};

struct watcher {
    struct watcher_deps deps;
    struct watcher_config cfg;
    struct watcher_callbacks cb;
    struct event *timer;
    struct eth_request *request; /* at most one of these two */
    struct contract_read *read;
    struct eth_span span;
    struct addr addrs[5];
    size_t addr_cnt;
    struct watcher_cursor cursor;
    struct watcher_cursor history[HISTORY_LEN]; /* ring of earlier cursors, for walking back */
    size_t history_cnt;
    struct range *range;          /* owned */
    uint64_t head, upper, lo, hi; /* lo, hi: search for the first block with code */
    struct b256 head_hash;
    /* next_priority_id: end of the table. seen: the same over what is on L1 below the cursor; lower while operations of our blocks
     * are gone after a reorganisation and have not come back. */
    uint64_t next_priority_id, seen;
    size_t back; /* history entries walked back in search of the common ancestor */
    bool started, stopped, storing, have_cursor;
    uint64_t checked_at; /* next_block when the count was compared last */
    struct arena check_arena;
    struct contract_call check_call;
    struct watcher_status status;
    uint64_t head_seen_mono_ms;
};

static void poll_now(struct watcher *w);
static void advance(struct watcher *w);
static void check_count(struct watcher *w);

/* ---- life ---- */

static void schedule(struct watcher *w, uint64_t ms)
{
    if (w->stopped || !w->started)
        return;
    struct timeval tv = { .tv_sec = (time_t)(ms / 1000),
                          .tv_usec = (suseconds_t)(ms % 1000 * 1000) };
    evtimer_add(w->timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    poll_now(arg);
}

static void range_free(struct watcher *w)
{
    if (!w->range)
        return;
    arena_clear(&w->range->arena);
    free(w->range);
    w->range = NULL;
}

struct watcher *watcher_create(const struct watcher_deps *deps, const struct watcher_config *cfg,
                               const struct watcher_callbacks *cb, struct err *err)
{
    if (cfg->poll_ms == 0 || addr_is_zero(&cfg->diamond) || !cfg->name || !cfg->cursor ||
        !cfg->families) {
        err_set(err, ERR_INVALID,
                "the watcher needs a name, a cursor, families, a diamond and a poll interval");
        return NULL;
    }
    struct watcher *w = calloc(1, sizeof(*w));
    if (!w) {
        err_set(err, ERR_LOCAL, "out of memory");
        return NULL;
    }
    w->deps = *deps;
    w->cfg = *cfg;
    w->cb = *cb;
    if (!w->cfg.silence_alarm_ms)
        w->cfg.silence_alarm_ms = DEFAULT_SILENCE_MS;
    w->span.blocks = cfg->max_blocks;
    w->span.blocks_max = cfg->max_blocks;
    const struct addr *all[] = { &cfg->diamond, &cfg->ctm, &cfg->server_notifier, &cfg->bridgehub,
                                 &cfg->chain_asset_handler };
    for (size_t i = 0; i < GH_COUNT(all); i++)
        if (!addr_is_zero(all[i]))
            w->addrs[w->addr_cnt++] = *all[i];
    arena_init_growing(&w->check_arena, 4096, 1u << 20);
    w->timer = evtimer_new(deps->base, on_timer, w);
    if (!w->timer) {
        err_set(err, ERR_LOCAL, "out of memory");
        watcher_destroy(w);
        return NULL;
    }
    return w;
}

static bool load_progress(struct watcher *w, struct store_reader *r, struct err *err)
{
    return !(w->cfg.families & WATCH_REQUESTS) ||
           (l1_priority_next_id(r, &w->next_priority_id, err) &&
            l1_priority_seen(r, w->cursor.next_block, &w->seen, err));
}

bool watcher_start(struct watcher *w, struct err *err)
{
    struct store_reader *r = store_reader_open(w->deps.store, err);
    if (!r)
        return false;
    bool ok = watcher_cursor_load(r, w->cfg.cursor, &w->cursor, &w->have_cursor, err) &&
              load_progress(w, r, err);
    store_reader_close(r);
    if (!ok)
        return false;
    w->checked_at = 0;
    w->started = true;
    w->stopped = false;
    w->head_seen_mono_ms = clock_mono_ms(w->deps.clock);
    schedule(w, 0);
    return true;
}

void watcher_stop(struct watcher *w)
{
    w->stopped = true;
    evtimer_del(w->timer);
    eth_cancel(w->request);
    w->request = NULL;
    contract_read_cancel(w->read);
    w->read = NULL;
    if (w->storing) /* the range belongs to the store thread until its callback has run */
        store_drain(w->deps.store);
}

void watcher_destroy(struct watcher *w)
{
    if (!w)
        return;
    if (w->timer) {
        watcher_stop(w);
        event_free(w->timer);
    }
    range_free(w);
    arena_clear(&w->check_arena);
    free(w);
}

static void fail(struct watcher *w, const struct err *why)
{
    snprintf(w->status.error, sizeof(w->status.error), "%.250s", why->msg);
    w->status.stopped = true;
    log_error(LOG_L1, "watcher stopped", LOG_STR("layer", w->cfg.name),
              LOG_STR("reason", why->msg));
    watcher_stop(w);
    w->cb.on_stopped(w->cb.arg, why);
}

/* What an endpoint answers, or does not, passes: say so once, look again later. */
static void trouble(struct watcher *w, const struct err *why)
{
    if (w->status.error[0] == 0)
        log_warn(LOG_L1, "the layer is not answering", LOG_STR("layer", w->cfg.name),
                 LOG_STR("error", why->msg));
    snprintf(w->status.error, sizeof(w->status.error), "%.250s", why->msg);
    range_free(w);
    schedule(w, w->cfg.poll_ms);
}

/* A call could not even be made: a full queue passes, everything else does not. */
static void retry(struct watcher *w, const struct err *why)
{
    if (why->kind == ERR_TRANSIENT)
        trouble(w, why);
    else
        fail(w, why);
}

static void idle(struct watcher *w)
{
    w->status.error[0] = 0;
    uint64_t now = clock_mono_ms(w->deps.clock);
    bool silent = now - w->head_seen_mono_ms > w->cfg.silence_alarm_ms;
    if (silent && !w->status.silent)
        log_error(LOG_L1, "the layer shows no new block", LOG_STR("layer", w->cfg.name),
                  LOG_U64("for_ms", now - w->head_seen_mono_ms), LOG_U64("head", w->head));
    w->status.silent = silent;
    if (w->seen < w->next_priority_id)
        snprintf(w->status.error, sizeof(w->status.error),
                 "priority operations %" PRIu64 " to %" PRIu64
                 " of our blocks are not on L1 any more: waiting for them to come back",
                 w->seen, w->next_priority_id - 1);
    schedule(w, w->cfg.poll_ms);
}

void watcher_status_get(const struct watcher *w, struct watcher_status *out)
{
    *out = w->status;
    out->head = w->head;
    out->next_block = w->cursor.next_block;
    out->next_priority_id = w->next_priority_id;
    if (clock_mono_ms(w->deps.clock) - w->head_seen_mono_ms > w->cfg.silence_alarm_ms)
        out->silent = true;
}

/* ---- a poll: head, then the cursor's own hash, then ranges ---- */

static void on_head(void *arg, const struct eth_reply *reply, const struct eth_block *b)
{
    struct watcher *w = arg;
    w->request = NULL;
    if (reply->err || !b) {
        static const struct err none = { .kind = ERR_TRANSIENT, .msg = "no latest block" };
        trouble(w, reply->err ? reply->err : &none);
        return;
    }
    if (b->number != w->head) {
        w->head = b->number;
        w->head_seen_mono_ms = clock_mono_ms(w->deps.clock);
        w->status.last_head_at_ms = clock_wall_ms(w->deps.clock);
    }
    w->head_hash = b->hash;
    w->upper = b->number > w->cfg.confirmations ? b->number - w->cfg.confirmations : 0;
    advance(w);
}

static void poll_now(struct watcher *w)
{
    struct err err = { .kind = ERR_NONE };
    if (w->stopped || w->request || w->read || w->storing)
        return;
    w->request = eth_get_block(w->deps.eth, ETH_AT_LATEST, NULL, on_head, w, &err);
    if (!w->request)
        retry(w, &err);
}

/* ---- where to begin: the first block with code at the diamond, on a long chain ---- */

static void search_step(struct watcher *w);

static void on_code(void *arg, const struct eth_reply *reply, struct bytes code)
{
    struct watcher *w = arg;
    w->request = NULL;
    if (reply->err) {
        struct err err = *reply->err;
        if (err.kind == ERR_REJECTED) { /* a pruned node: nothing to search with, scan it all */
            log_warn(LOG_L1, "the node has no old state: the first scan starts at block 0",
                     LOG_STR("error", err.msg));
            w->lo = w->hi = 0;
        } else {
            trouble(w, &err);
            return;
        }
    } else {
        uint64_t mid = w->lo + (w->hi - w->lo) / 2;
        if (code.len > 0)
            w->hi = mid;
        else
            w->lo = mid + 1;
    }
    search_step(w);
}

static void search_step(struct watcher *w)
{
    struct err err = { .kind = ERR_NONE };
    if (w->lo >= w->hi) {
        w->cursor = (struct watcher_cursor){ .next_block = w->lo };
        w->have_cursor = true;
        log_info(LOG_L1, "first scan", LOG_STR("layer", w->cfg.name), LOG_U64("from", w->lo),
                 LOG_U64("head", w->head));
        advance(w);
        return;
    }
    w->request = eth_get_code(w->deps.eth, &w->cfg.diamond,
                              ETH_AT_NUMBER(w->lo + (w->hi - w->lo) / 2), NULL, on_code, w, &err);
    if (!w->request)
        retry(w, &err);
}

/* ---- reorganisations ---- */

static bool store_rewind(struct store_txn *t, void *arg, struct err *err)
{
    const struct range *r = arg;
    bool requests = r->w->cfg.families & WATCH_REQUESTS;
    bool roots = r->w->cfg.families & WATCH_ROOTS;
    return (!requests || l1_priority_truncate(t, r->cursor.next_block, r->keep_below, err)) &&
           (!roots || message_root_truncate(t, r->w->cfg.chain_id, r->cursor.next_block, err)) &&
           watcher_cursor_put(t, r->w->cfg.cursor, &r->cursor, err);
}

static bool read_progress(struct watcher *w, struct err *err)
{
    struct store_reader *r = store_reader_open(w->deps.store, err);
    bool ok = r && load_progress(w, r, err);
    store_reader_close(r);
    return ok;
}

/* Waits for the commit, on the loop: nobody may take an operation into a block between being asked which ones are in
 * blocks already and the others being gone. It is one small transaction, and reorganisations are rare. */
static void rewind_to(struct watcher *w, struct watcher_cursor to)
{
    struct err err = { .kind = ERR_NONE };
    uint64_t depth = w->cursor.next_block - to.next_block;
    w->status.reorgs++;
    w->status.last_reorg_depth = depth;
    if (depth > w->status.max_reorg_depth)
        w->status.max_reorg_depth = depth;
    log_warn(LOG_L1, "reorganisation", LOG_STR("layer", w->cfg.name),
             LOG_U64("back_to", to.next_block), LOG_U64("depth", depth));
    struct range r = { .w = w, .cursor = to };
    if (w->cfg.families & WATCH_REQUESTS)
        r.keep_below = w->cb.first_free_priority_id(w->cb.arg);
    bool ok = store_write_sync(w->deps.store, STORE_JOURNAL, store_rewind, &r, &err);
    if (ok) {
        w->cursor = to;
        w->history_cnt -= w->back;
        w->back = 0;
        w->checked_at = 0;
        ok = read_progress(w, &err);
    }
    if (!ok) {
        fail(w, &err);
        return;
    }
    w->cb.on_rewind(w->cb.arg, to.next_block);
    if (!w->stopped)
        advance(w);
}

static void check_cursor(struct watcher *w);
static void scan(struct watcher *w);

/* Where the cursor is, or was `back` ranges ago. The cursor itself moves only with the store. */
static struct watcher_cursor candidate(const struct watcher *w)
{
    return w->back ? w->history[w->history_cnt - w->back] : w->cursor;
}

/* That block is not in L1's chain any more: the one before it, or a blind step when none is known. */
static void step_back(struct watcher *w)
{
    if (w->back < w->history_cnt) {
        w->back++;
        check_cursor(w);
        return;
    }
    uint64_t known = candidate(w).next_block;
    uint64_t next = known > BLIND_STEP_BACK ? known - BLIND_STEP_BACK : 0;
    rewind_to(w, (struct watcher_cursor){ .next_block = next });
}

static void candidate_holds(struct watcher *w)
{
    if (w->back)
        rewind_to(w, candidate(w));
    else
        scan(w);
}

static void on_cursor_block(void *arg, const struct eth_reply *reply, const struct eth_block *b)
{
    static const struct err missing = { .kind = ERR_TRANSIENT,
                                        .msg = "a block below the head is not shown" };
    struct watcher *w = arg;
    w->request = NULL;
    struct b256 want = candidate(w).block_hash;
    if (reply->err || !b)
        trouble(w, reply->err ? reply->err : &missing);
    else if (b256_eq(&b->hash, &want))
        candidate_holds(w);
    else
        step_back(w);
}

static void check_cursor(struct watcher *w)
{
    struct err err = { .kind = ERR_NONE };
    struct watcher_cursor c = candidate(w);
    if (c.next_block == 0 || b256_is_zero(&c.block_hash)) { /* nothing read, or a blind step */
        candidate_holds(w);
        return;
    }
    w->request =
        eth_get_block(w->deps.eth, ETH_AT_NUMBER(c.next_block - 1), NULL, on_cursor_block, w, &err);
    if (!w->request)
        retry(w, &err);
}

static void advance(struct watcher *w)
{
    if (!w->have_cursor) {
        w->lo = 0;
        w->hi = w->head > SMALL_CHAIN_BLOCKS ? w->head : 0;
        search_step(w);
        return;
    }
    if (w->cursor.next_block > w->head + 1) {
        /* an endpoint that is behind, or a fork that is shorter so far: its next blocks tell which */
        struct err behind;
        err_set(&behind, ERR_TRANSIENT,
                "%s is at block %" PRIu64 ", below the last block read, %" PRIu64, w->cfg.name,
                w->head, w->cursor.next_block - 1);
        trouble(w, &behind);
        return;
    }
    w->back = 0;
    check_cursor(w);
}

/* ---- reading a range ---- */

static void *grow(struct arena *a, void *items, size_t *cap, size_t cnt, size_t size)
{
    if (cnt < *cap)
        return items;
    size_t n = *cap ? *cap * 2 : 16;
    void *fresh = arena_alloc(a, n * size);
    if (fresh && cnt)
        memcpy(fresh, items, cnt * size);
    *cap = fresh ? n : *cap;
    return fresh;
}

static bool take_root(struct watcher *w, struct range *r, const struct eth_log *log,
                      struct err *err)
{
    struct decoded d;
    if (!addr_eq(&log->addr, &w->cfg.diamond))
        return true;
    if (!decode_root_log(&d, log, w->cfg.chain_id, &r->arena, err))
        return false;
    if (d.kind != DECODED_ROOT)
        return true;
    void *p = grow(&r->arena, r->roots, &r->root_cap, r->root_cnt, sizeof(*r->roots));
    if (!p)
        return err_set(err, ERR_LOCAL, "out of memory for root events");
    r->roots = p;
    r->roots[r->root_cnt++] = d.root;
    return true;
}

static bool take_log(struct watcher *w, struct range *r, const struct eth_log *log, struct err *err)
{
    struct decoded d;
    if (w->cfg.families & WATCH_ROOTS)
        return take_root(w, r, log, err);
    if (!decode_log(&d, log, w->cfg.chain_id, &r->arena, err))
        return false;
    bool ok = true;
    /* requests and batch events count only from the diamond itself */
    bool from_diamond = addr_eq(&log->addr, &w->cfg.diamond);
    bool requests = from_diamond && (w->cfg.families & WATCH_REQUESTS);
    bool batches = from_diamond && (w->cfg.families & WATCH_BATCHES);
    if (d.kind == DECODED_PRIORITY && requests) {
        void *p = grow(&r->arena, r->rows, &r->row_cap, r->row_cnt, sizeof(*r->rows));
        ok = p != NULL;
        if (ok) {
            r->rows = p;
            r->rows[r->row_cnt++] = d.row;
        }
    } else if (d.kind == DECODED_UPGRADE && requests) {
        void *p =
            grow(&r->arena, r->upgrades, &r->upgrade_cap, r->upgrade_cnt, sizeof(*r->upgrades));
        ok = p != NULL;
        if (ok) {
            r->upgrades = p;
            r->upgrades[r->upgrade_cnt++] = d.row;
        }
    } else if (d.kind == DECODED_EVENT && (batches || d.event.kind == SL_NOTICE)) {
        void *p = grow(&r->arena, r->events, &r->event_cap, r->event_cnt, sizeof(*r->events));
        ok = p != NULL;
        if (ok) {
            r->events = p;
            r->events[r->event_cnt++] = d.event;
        }
    }
    return ok || err_set(err, ERR_LOCAL, "out of memory for L1 logs");
}

static bool store_range(struct store_txn *t, void *arg, struct err *err)
{
    const struct range *r = arg;
    for (size_t i = 0; i < r->upgrade_cnt; i++)
        if (!l1_upgrade_put(t, &r->upgrades[i], err))
            return false;
    return l1_priority_append(t, r->rows, r->row_cnt, err) &&
           message_root_put(t, r->w->cfg.chain_id, r->roots, r->root_cnt, err) &&
           watcher_cursor_put(t, r->w->cfg.cursor, &r->cursor, err);
}

static void remember(struct watcher *w, struct watcher_cursor c)
{
    if (w->history_cnt == HISTORY_LEN) {
        memmove(&w->history[0], &w->history[1], (HISTORY_LEN - 1) * sizeof(w->history[0]));
        w->history_cnt--;
    }
    w->history[w->history_cnt++] = c;
}

/* ---- the contract's own count, at the last block read ---- */

static void on_count(void *arg, const struct err *failed)
{
    struct watcher *w = arg;
    struct err err = { .kind = ERR_NONE };
    w->read = NULL;
    uint64_t total = 0;
    if (failed && failed->kind == ERR_REJECTED) { /* no state at that block any more: next time */
        w->checked_at = w->cursor.next_block;
        idle(w);
        return;
    }
    if (failed || !contract_u64(&w->check_call, &total, &err)) {
        trouble(w, failed ? failed : &err);
        return;
    }
    if (total != w->seen) {
        err_set(&err, ERR_DIVERGED,
                "the diamond has %" PRIu64 " priority operations at block %" PRIu64
                ", its events gave %" PRIu64,
                total, w->cursor.next_block - 1, w->seen);
        fail(w, &err);
        return;
    }
    w->checked_at = w->cursor.next_block;
    idle(w);
}

/* ---- the root of a MessageRoot, likewise ---- */

static void on_disputed(void *arg, const struct eth_reply *reply, const struct eth_block *b)
{
    struct watcher *w = arg;
    struct err err = { .kind = ERR_NONE };
    w->request = NULL;
    if (reply->err) {
        trouble(w, reply->err);
        return;
    }
    if (!b || !b256_eq(&b->hash, &w->cursor.block_hash)) { /* the next poll finds the ancestor */
        schedule(w, w->cfg.poll_ms);
        return;
    }
    err_set(&err, ERR_DIVERGED,
            "the MessageRoot of %s has another root at block %" PRIu64
            " than its events give: events are missing",
            w->cfg.name, w->cursor.next_block - 1);
    fail(w, &err);
}

static void on_root(void *arg, const struct err *failed)
{
    struct watcher *w = arg;
    struct err err = { .kind = ERR_NONE };
    struct b256 theirs, ours = w->cb.expected_root(w->cb.arg);
    uint64_t block = w->cursor.next_block - 1;
    w->read = NULL;
    if (failed && failed->kind == ERR_REJECTED) { /* no state at that block any more: next time */
        w->checked_at = w->cursor.next_block;
        idle(w);
        return;
    }
    if (failed || !contract_word(&w->check_call, &theirs, &err)) {
        trouble(w, failed ? failed : &err);
        return;
    }
    if (!b256_eq(&theirs, &ours)) { /* of the same block? */
        w->request = eth_get_block(w->deps.eth, ETH_AT_NUMBER(block), NULL, on_disputed, w, &err);
        if (!w->request)
            retry(w, &err);
        return;
    }
    w->checked_at = w->cursor.next_block;
    w->cb.on_root_checked(w->cb.arg, block);
    idle(w);
}

static void check_root(struct watcher *w)
{
    struct err err = { .kind = ERR_NONE };
    arena_reset(&w->check_arena);
    w->check_call = (struct contract_call){
        .name = "getAggregatedRoot",
        .to = w->cfg.diamond,
        .data = contract_calldata(&w->check_arena, ABI_V31_GET_AGGREGATED_ROOT_SELECTOR, NULL, 0)
    };
    w->read = contract_read_start(w->deps.eth, ETH_AT_NUMBER(w->cursor.next_block - 1),
                                  &w->check_call, 1, &w->check_arena, on_root, w, &err);
    if (!w->read)
        retry(w, &err);
}

static void check_count(struct watcher *w)
{
    struct err err = { .kind = ERR_NONE };
    if ((w->cfg.families & WATCH_ROOTS) && w->checked_at != w->cursor.next_block &&
        w->cursor.next_block > 0) {
        check_root(w);
        return;
    }
    if (!(w->cfg.families & WATCH_REQUESTS) || w->checked_at == w->cursor.next_block ||
        w->cursor.next_block == 0) {
        idle(w);
        return;
    }
    arena_reset(&w->check_arena);
    w->check_call = (struct contract_call){
        .name = "getTotalPriorityTxs",
        .to = w->cfg.diamond,
        .data = contract_calldata(&w->check_arena, ABI_V31_GET_TOTAL_PRIORITY_TXS_SELECTOR, NULL, 0)
    };
    w->read = contract_read_start(w->deps.eth, ETH_AT_NUMBER(w->cursor.next_block - 1),
                                  &w->check_call, 1, &w->check_arena, on_count, w, &err);
    if (!w->read)
        retry(w, &err);
}

static void range_stored(void *arg, const struct err *err)
{
    struct range *r = arg;
    struct watcher *w = r->w;
    bool new_txs = r->row_cnt + r->upgrade_cnt > 0;
    w->storing = false;
    if (err) {
        struct err copy = *err;
        range_free(w);
        fail(w, &copy);
        return;
    }
    remember(w, w->cursor);
    w->cursor = r->cursor;
    w->seen += r->row_cnt;
    if (w->seen > w->next_priority_id)
        w->next_priority_id = w->seen;
    w->status.priority_ops += r->row_cnt;
    w->status.batch_events += r->event_cnt;
    w->status.root_events += r->root_cnt;
    struct err refused = { .kind = ERR_NONE };
    if ((w->cfg.families & WATCH_ROOTS) &&
        !w->cb.on_roots(w->cb.arg, r->roots, r->root_cnt, w->cursor.next_block - 1, &refused)) {
        range_free(w);
        fail(w, &refused);
        return;
    }
    range_free(w);
    if (new_txs)
        w->cb.on_l1_txs(w->cb.arg);
    if (w->stopped)
        return;
    if (w->cursor.next_block <= w->upper) {
        scan(w);
        return;
    }
    w->status.caught_up = true;
    w->cb.on_caught_up(w->cb.arg, w->upper);
    if (!w->stopped)
        check_count(w);
}

static void accept_range(struct watcher *w)
{
    struct range *r = w->range;
    struct err err = { .kind = ERR_NONE };
    if (r->event_cnt > 0)
        w->cb.on_batch_events(w->cb.arg, r->events, r->event_cnt);
    if (w->stopped)
        return;
    w->storing = true;
    if (!store_write(w->deps.store, STORE_JOURNAL, store_range, range_stored, r, &err)) {
        w->storing = false;
        retry(w, &err);
    }
}

/* The head of this poll is still there: from then until now L1 had one history, so logs and hash belong together. */
static void on_head_again(void *arg, const struct eth_reply *reply, const struct eth_block *b)
{
    struct watcher *w = arg;
    static const struct err moved = { .kind = ERR_TRANSIENT,
                                      .msg = "the head changed while a range was read" };
    w->request = NULL;
    if (reply->err || !b || !b256_eq(&b->hash, &w->head_hash))
        trouble(w, reply->err ? reply->err : &moved);
    else
        accept_range(w);
}

static void on_last_block(void *arg, const struct eth_reply *reply, const struct eth_block *b)
{
    struct watcher *w = arg;
    struct err err = { .kind = ERR_NONE };
    static const struct err gone = { .kind = ERR_TRANSIENT,
                                     .msg = "a block of the range just read is gone" };
    w->request = NULL;
    if (reply->err || !b) {
        trouble(w, reply->err ? reply->err : &gone);
        return;
    }
    w->range->cursor.block_hash = b->hash;
    w->request = eth_get_block(w->deps.eth, ETH_AT_NUMBER(w->head), NULL, on_head_again, w, &err);
    if (!w->request)
        retry(w, &err);
}

/* The rows go on where the ones before end. */
static bool is_gapless(const struct watcher *w, const struct range *r, struct err *err)
{
    for (size_t i = 0; i < r->row_cnt; i++)
        if (r->rows[i].id != w->seen + i)
            return err_set(err, ERR_INVALID,
                           "gap in priority operations: %" PRIu64 " in block %" PRIu64
                           " where %" PRIu64 " was expected",
                           r->rows[i].id, r->rows[i].l1_block, w->seen + i);
    return true;
}

static void on_logs(void *arg, const struct eth_reply *reply, const struct eth_log *logs, size_t n,
                    uint64_t covered_to)
{
    struct watcher *w = arg;
    struct err err = { .kind = ERR_NONE };
    w->request = NULL;
    if (reply->err) {
        trouble(w, reply->err);
        return;
    }
    range_free(w);
    struct range *r = calloc(1, sizeof(*r));
    CHECK(r != NULL);
    arena_init_growing(&r->arena, RANGE_ARENA_CHUNK, RANGE_ARENA_LIMIT);
    r->w = w;
    w->range = r;
    r->cursor.next_block = covered_to + 1;
    for (size_t i = 0; i < n; i++)
        if (!take_log(w, r, &logs[i], &err)) {
            fail(w, &err);
            return;
        }
    if (!is_gapless(w, r, &err)) {
        fail(w, &err);
        return;
    }
    w->request =
        eth_get_block(w->deps.eth, ETH_AT_NUMBER(covered_to), NULL, on_last_block, w, &err);
    if (!w->request)
        retry(w, &err);
}

static void scan(struct watcher *w)
{
    struct err err = { .kind = ERR_NONE };
    if (w->cursor.next_block > w->upper) {
        if (!w->status.caught_up && w->cursor.next_block > 0) {
            w->status.caught_up = true;
            w->cb.on_caught_up(w->cb.arg, w->upper);
        }
        if (!w->stopped)
            check_count(w);
        return;
    }
    struct eth_filter f = { .addrs = w->addrs, .addr_cnt = w->addr_cnt };
    f.topics[0].any = w->cfg.families & WATCH_ROOTS ? decode_root_topics(&f.topics[0].cnt)
                                                    : decode_topics(&f.topics[0].cnt);
    w->request = eth_scan_logs(w->deps.eth, &w->span, &f, w->cursor.next_block, w->upper, NULL,
                               on_logs, w, &err);
    if (!w->request)
        retry(w, &err);
}
