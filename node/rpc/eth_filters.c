/* node/rpc/eth_filters.c
 *
 * Logs and filters (spec 50 §5.6). A filter keeps the text of its criteria and the next block to report; polling runs
 * the same scan as eth_getLogs. */
#include <inttypes.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/base/hash.h"
#include "node/base/hex.h"
#include "node/base/map.h"
#include "node/rpc/encode.h"
#include "node/rpc/handlers.h"
#include "node/rpc/log_criteria.h"
#include "node/rpc/params.h"
#include "node/rpc/sockets.h"

#define MAX_FILTERS      10000u
#define MAX_CRITERIA_LEN (256u << 10)
#define PENDING_RING     16384u

/* ---- criteria ---- */

static bool read_range(struct rpc_call *c, const json_t *o, struct criteria *k)
{
    const json_t *from = criteria_member(o, "fromBlock"), *to = criteria_member(o, "toBlock"),
                 *hash = criteria_member(o, "blockHash");
    uint64_t head = chain_head_get(c->r->d.chain).number;
    struct block_id id;
    k->by_hash = hash != NULL;
    if (hash && (from || to))
        return rpc_fail(c, RPC_PARAMS,
                        "invalid params: blockHash together with fromBlock or toBlock");
    if (hash) {
        struct b256 h;
        struct err err = { 0 };
        if (!value_hash(c, hash, "blockHash", &h) || !rpc_reader(c))
            return false;
        if (!chain_block_number_of(c->r->d.chain, c->s->reader, &h, &k->from, &k->hash_found, &err))
            return rpc_fail_err(c, &err);
        k->to = k->from;
        return k->hash_found || rpc_fail(c, RPC_PARAMS, "block not found");
    }
    k->from = k->to = head;
    if (from) {
        if (!value_block(c, from, &id))
            return false;
        k->from = id.number;
    }
    if (to) {
        if (!value_block(c, to, &id))
            return false;
        k->to = id.number;
    } else if (k->from > head) {
        k->to = k->from;
    }
    if (k->from > k->to)
        return rpc_fail(c, RPC_PARAMS, "invalid block range params");
    return true;
}

/* ---- scanning ---- */

static bool scan_block(struct rpc_call *c, const struct criteria *k, uint64_t number,
                       uint64_t *results)
{
    const struct chain_block *b = rpc_block_get(c, number);
    if (!b)
        return c->code == 0;
    struct tx_place at = { b, 0, rpc_batch_of_block(c, number) };
    uint64_t index = 0;
    for (; at.index < b->r.tx_cnt; at.index++) {
        const struct block_tx *t = &b->r.txs[at.index];
        for (size_t i = 0; i < t->event_cnt; i++, index++)
            if (criteria_match(k, &t->events[i])) {
                encode_log(c->out, &t->events[i], &at, index, i);
                ++*results;
            }
    }
    rpc_block_release(c, b);
    return true;
}

static bool too_many(struct rpc_call *c, const struct criteria *k, uint64_t at)
{
    uint64_t max = c->r->d.cfg->rpc.max_logs_per_response;
    return rpc_fail(c, RPC_PARAMS,
                    "query exceeds max results %" PRIu64 ", retry with the range %" PRIu64
                    "-%" PRIu64,
                    max, k->from, at > k->from ? at - 1 : k->from);
}

/* Appends an array. Order: block, transaction, log. */
static bool write_logs(struct rpc_call *c, struct criteria *k)
{
    uint64_t head = chain_head_get(c->r->d.chain).number, results = 0, scanned = 0;
    const struct config *cfg = c->r->d.cfg;
    if (k->to - k->from > cfg->rpc.max_blocks_per_filter)
        return rpc_fail(c, RPC_PARAMS, "query exceeds max block range %" PRIu64,
                        cfg->rpc.max_blocks_per_filter);
    bool single = k->from == k->to;
    if (k->to > head)
        k->to = head;
    struct store_reader *r = rpc_reader(c);
    if (!r)
        return false;
    js_open(c->out, '[');
    for (uint64_t n = k->from; n <= k->to && !c->out->failed; n++, scanned++) {
        uint8_t bloom[256];
        bool found = false;
        struct err err = { 0 };
        if (!chain_bloom_load(c->r->d.chain, r, n, bloom, &found, &err))
            return rpc_fail_err(c, &err);
        if (found && !criteria_bloom(k, bloom))
            continue;
        if (!scan_block(c, k, n, &results))
            return false;
        if (results > cfg->rpc.max_logs_per_response && !single)
            return too_many(c, k, n);
    }
    js_close(c->out, ']');
    rpc_tally_scanned(c->r->tallies, scanned);
    return true;
}

bool rpc_eth_get_logs(struct rpc_call *c)
{
    struct criteria k;
    const json_t *o;
    return param_required(c, 0, "filter", &o) && criteria_read(c, o, &k) && read_range(c, o, &k) &&
           write_logs(c, &k);
}

/* ---- the table of filters ---- */

enum filter_kind { FILTER_LOGS, FILTER_BLOCKS, FILTER_PENDING };

struct filter {
    enum filter_kind kind;
    uint64_t polled_ms;
    uint64_t next;  /* block to report next, or position in the pending ring */
    char *criteria; /* owned; logs only */
};

struct filter_id {
    uint8_t b[16];
};

struct rpc_filters {
    pthread_mutex_t mutex;
    struct map by_id; /* filter_id -> struct filter */
    size_t pending_filters;
    uint64_t pending_cnt; /* hashes ever put into the ring */
    struct b256 ring[PENDING_RING];
};

struct rpc_filters *rpc_filters_create(void)
{
    struct rpc_filters *f = calloc(1, sizeof(*f));
    if (!f)
        return NULL;
    pthread_mutex_init(&f->mutex, NULL);
    map_init_host(&f->by_id, sizeof(struct filter_id), sizeof(struct filter));
    return f;
}

void rpc_filters_destroy(struct rpc_filters *f)
{
    const void *key;
    void *val;
    if (!f)
        return;
    for (size_t i = 0; map_next(&f->by_id, &i, &key, &val);)
        free(((struct filter *)val)->criteria);
    map_clear(&f->by_id);
    pthread_mutex_destroy(&f->mutex);
    free(f);
}

size_t rpc_filters_count(struct rpc_filters *f)
{
    pthread_mutex_lock(&f->mutex);
    size_t n = f->by_id.count;
    pthread_mutex_unlock(&f->mutex);
    return n;
}

static void remove_locked(struct rpc_filters *f, const struct filter_id *id)
{
    struct filter *x = map_find(&f->by_id, id);
    if (!x)
        return;
    f->pending_filters -= x->kind == FILTER_PENDING;
    free(x->criteria);
    (void)map_remove(&f->by_id, id);
}

/* Removal moves entries, so each pass takes one and starts over; expired filters are few. */
static void expire_locked(struct rpc_filters *f, uint64_t now_ms, uint64_t ttl_ms)
{
    for (bool again = true; again;) {
        const void *key;
        void *val;
        again = false;
        for (size_t i = 0; !again && map_next(&f->by_id, &i, &key, &val);) {
            if (now_ms - ((struct filter *)val)->polled_ms <= ttl_ms)
                continue;
            struct filter_id id;
            memcpy(&id, key, sizeof(id));
            remove_locked(f, &id);
            again = true;
        }
    }
}

/* Takes `criteria` over. */
static bool install(struct rpc_call *c, enum filter_kind kind, char *criteria)
{
    struct rpc_filters *f = c->r->filters;
    struct filter_id id;
    uint64_t now = clock_mono_ms(c->r->d.clock), head = chain_head_get(c->r->d.chain).number;
    if (RAND_bytes(id.b, sizeof(id.b)) != 1) {
        free(criteria);
        return rpc_fail(c, RPC_INTERNAL, "internal error: no randomness");
    }
    id.b[0] |= 0x10; /* a quantity without leading zeros */
    pthread_mutex_lock(&f->mutex);
    if (f->by_id.count >= MAX_FILTERS)
        expire_locked(f, now, c->r->d.cfg->rpc.stale_filter_ttl_ms);
    struct filter *x = f->by_id.count < MAX_FILTERS ? map_put(&f->by_id, &id, NULL) : NULL;
    if (x) {
        *x = (struct filter){ .kind = kind, .polled_ms = now, .criteria = criteria };
        x->next = kind == FILTER_PENDING ? f->pending_cnt : head + 1;
        f->pending_filters += kind == FILTER_PENDING;
    }
    pthread_mutex_unlock(&f->mutex);
    if (!x) {
        free(criteria);
        return rpc_fail(c, RPC_SERVER, "too many filters (limit %u)", MAX_FILTERS);
    }
    js_hex(c->out, id.b, sizeof(id.b));
    return true;
}

bool rpc_eth_new_filter(struct rpc_call *c)
{
    struct criteria k;
    const json_t *o;
    if (!param_required(c, 0, "filter", &o) || !criteria_read(c, o, &k) || !read_range(c, o, &k))
        return false;
    char *text = json_dumps(o, JSON_COMPACT);
    if (!text)
        return rpc_no_memory(c);
    if (strlen(text) > MAX_CRITERIA_LEN) {
        free(text);
        return rpc_fail(c, RPC_PARAMS, "invalid params: filter: longer than %u bytes",
                        MAX_CRITERIA_LEN);
    }
    return install(c, FILTER_LOGS, text);
}

bool rpc_eth_new_block_filter(struct rpc_call *c)
{
    return install(c, FILTER_BLOCKS, NULL);
}

bool rpc_eth_new_pending_filter(struct rpc_call *c)
{
    return install(c, FILTER_PENDING, NULL);
}

static bool id_param(struct rpc_call *c, struct filter_id *id, bool *known_form)
{
    const json_t *v;
    if (!param_required(c, 0, "filter id", &v))
        return false;
    const char *s = json_string_value(v);
    size_t n = json_string_length(v);
    *known_form =
        s && n == 34 && s[0] == '0' && s[1] == 'x' && hex_decode_exact(id->b, 16, s + 2, 32);
    return true;
}

bool rpc_eth_uninstall_filter(struct rpc_call *c)
{
    struct filter_id id;
    bool form, found = false;
    if (!id_param(c, &id, &form))
        return false;
    pthread_mutex_lock(&c->r->filters->mutex);
    if (form) {
        found = map_find(&c->r->filters->by_id, &id) != NULL;
        remove_locked(c->r->filters, &id);
    }
    pthread_mutex_unlock(&c->r->filters->mutex);
    js_raw(c->out, found ? "true" : "false");
    return true;
}

/* A copy of the filter, its criteria in the arena; being asked for keeps it alive. */
static bool take(struct rpc_call *c, struct filter_id *id, struct filter *out)
{
    struct rpc_filters *f = c->r->filters;
    bool form, found = false, memory = true;
    if (!id_param(c, id, &form))
        return false;
    pthread_mutex_lock(&f->mutex);
    uint64_t now = clock_mono_ms(c->r->d.clock);
    expire_locked(f, now, c->r->d.cfg->rpc.stale_filter_ttl_ms);
    struct filter *x = form ? map_find(&f->by_id, id) : NULL;
    if (x) {
        found = true;
        x->polled_ms = now;
        *out = *x;
        if (x->criteria) {
            out->criteria = arena_copy(&c->s->arena, x->criteria, strlen(x->criteria) + 1);
            memory = out->criteria != NULL;
        }
    }
    pthread_mutex_unlock(&f->mutex);
    if (!found)
        return rpc_fail(c, RPC_SERVER, "filter not found");
    return memory || rpc_no_memory(c);
}

static void advance(struct rpc_call *c, const struct filter_id *id, uint64_t next)
{
    struct rpc_filters *f = c->r->filters;
    pthread_mutex_lock(&f->mutex);
    struct filter *x = map_find(&f->by_id, id);
    if (x && x->next < next)
        x->next = next;
    pthread_mutex_unlock(&f->mutex);
}

/* A block by number: tags move, and what they name is new or not by other means. */
static bool is_number(const json_t *v)
{
    return json_is_integer(v) || (json_is_string(v) && strncmp(json_string_value(v), "0x", 2) == 0);
}

/* fresh: only blocks from x->next on; otherwise the range the filter was made with. */
static bool filter_logs(struct rpc_call *c, const struct filter *x, bool fresh, uint64_t *next)
{
    struct criteria k;
    uint64_t head = chain_head_get(c->r->d.chain).number;
    *next = head + 1;
    json_t *o = json_loads(x->criteria, 0, NULL);
    if (!o)
        return rpc_no_memory(c);
    bool ok = criteria_read(c, o, &k);
    const json_t *to = criteria_member(o, "toBlock");
    struct block_id last = { head, true };
    if (ok && !fresh)
        ok = read_range(c, o, &k);
    else if (ok && is_number(to))
        ok = value_block(c, to, &last);
    if (ok && fresh) {
        k.from = x->next;
        k.to = last.number < head ? last.number : head;
        const json_t *from = criteria_member(o, "fromBlock");
        struct block_id first = { 0, true };
        if (is_number(from))
            ok = value_block(c, from, &first);
        if (ok && first.number > k.from)
            k.from = first.number;
    }
    json_decref(o);
    if (!ok)
        return false;
    if (fresh && k.from > k.to)
        return rpc_empty_array(c);
    return write_logs(c, &k);
}

static bool filter_blocks(struct rpc_call *c, const struct filter *x, uint64_t *next)
{
    uint64_t head = chain_head_get(c->r->d.chain).number, from = x->next;
    uint64_t most = c->r->d.cfg->rpc.max_blocks_per_filter;
    if (head + 1 > from + most)
        from = head + 1 - most; /* a client that slept through more than that has to look itself */
    js_open(c->out, '[');
    for (uint64_t n = from; n <= head; n++) {
        const struct chain_block *b = rpc_block_get(c, n);
        if (!b && c->code)
            return false;
        if (b)
            js_hex(c->out, b->r.block_hash.b, 32);
        rpc_block_release(c, b);
    }
    js_close(c->out, ']');
    *next = head + 1;
    return true;
}

static bool filter_pending(struct rpc_call *c, const struct filter *x, uint64_t *next)
{
    struct rpc_filters *f = c->r->filters;
    js_open(c->out, '[');
    pthread_mutex_lock(&f->mutex);
    uint64_t from = x->next;
    if (f->pending_cnt > from + PENDING_RING)
        from = f->pending_cnt - PENDING_RING;
    for (; from < f->pending_cnt; from++)
        js_hex(c->out, f->ring[from % PENDING_RING].b, 32);
    *next = f->pending_cnt;
    pthread_mutex_unlock(&f->mutex);
    js_close(c->out, ']');
    return true;
}

bool rpc_eth_get_filter_changes(struct rpc_call *c)
{
    struct filter_id id;
    struct filter x = { .kind = FILTER_LOGS };
    uint64_t next = 0;
    if (!take(c, &id, &x))
        return false;
    bool ok = x.kind == FILTER_LOGS     ? filter_logs(c, &x, true, &next)
              : x.kind == FILTER_BLOCKS ? filter_blocks(c, &x, &next)
                                        : filter_pending(c, &x, &next);
    if (ok && !c->out->failed)
        advance(c, &id, next);
    return ok;
}

bool rpc_eth_get_filter_logs(struct rpc_call *c)
{
    struct filter_id id;
    struct filter x = { .kind = FILTER_LOGS };
    uint64_t next;
    if (!take(c, &id, &x))
        return false;
    if (x.kind != FILTER_LOGS)
        return rpc_fail(c, RPC_SERVER, "filter not found");
    return filter_logs(c, &x, false, &next);
}

/* ---- pending transactions ---- */

#define RECENT 256u /* how far back a repeated hash is noticed */

static void push_locked(struct rpc_filters *f, const struct b256 *hash)
{
    for (uint64_t i = 1; i <= RECENT && i <= f->pending_cnt; i++)
        if (b256_eq(&f->ring[(f->pending_cnt - i) % PENDING_RING], hash))
            return;
    f->ring[f->pending_cnt++ % PENDING_RING] = *hash;
}

void rpc_filters_pending(struct rpc_call *c, const struct stf_tx *tx)
{
    struct rpc_filters *f = c->r->filters;
    struct mempool *pool = c->r->d.mempool;
    struct mempool_tx m;
    uint64_t nonce = tx->nonce;
    pthread_mutex_lock(&f->mutex);
    bool wanted = f->pending_filters > 0;
    pthread_mutex_unlock(&f->mutex);
    if (!wanted && !rpc_subscriptions_want_pending(c->r))
        return;
    struct arena_mark mark = arena_save(&c->s->arena);
    /* not found: a block has it already */
    bool executable = !mempool_find(pool, &tx->hash, &c->s->arena, &m) || m.executable;
    if (executable)
        rpc_subscriptions_pending(c, &tx->hash, &tx->from, tx->envelope);
    pthread_mutex_lock(&f->mutex);
    if (executable)
        push_locked(f, &tx->hash);
    /* those behind it that it made executable */
    while (executable && nonce < UINT64_MAX &&
           mempool_find_by_nonce(pool, &tx->from, ++nonce, &c->s->arena, &m) && m.executable) {
        push_locked(f, &m.hash);
        rpc_subscriptions_pending(c, &m.hash, &m.from, m.envelope);
    }
    pthread_mutex_unlock(&f->mutex);
    arena_restore(&c->s->arena, mark);
}
