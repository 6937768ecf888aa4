/* node/chain/mempool.c */
#include "node/chain/mempool.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/base/map.h"
#include "node/chain/tails.h"

#define CODE_POOL       (-32000)
#define TX_OVERHEAD_LEN 256u /* counted per transaction besides its envelope */
#define RECENT_BLOCKS   8u

struct pooled {
    struct b256 hash;
    struct addr from;
    uint64_t nonce, gas_limit;
    struct u256 max_fee, max_priority_fee, cost; /* cost: gas * max fee + value */
    uint64_t arrived_ms, sequence;
    size_t len;
    uint8_t envelope[];
};

struct account {
    struct tail tail; /* of its last transaction; the first member */
    struct addr addr;
    uint64_t nonce;
    struct u256 balance;
    struct pooled **txs; /* owned, nonces rising */
    size_t cnt, cap;
    size_t executable_cnt; /* leading ones with consecutive nonces that the balance pays for */
    struct account *ready_prev, *ready_next;
    bool is_ready; /* executable_cnt > 0: in the ready list */
};

struct settled {
    uint64_t nonce;
    struct u256 balance;
};

struct mempool {
    pthread_mutex_t mutex;
    struct mempool_config cfg;
    const struct clock *clock;
    struct map by_hash; /* b256 -> struct pooled * */
    struct map by_addr; /* addr -> struct account * */
    struct account *ready;
    /* Accounts changed by the last blocks, addr -> struct settled; two generations of RECENT_BLOCKS blocks each. A sender without
     * transactions is forgotten, but one that sends now may have been looked up just before its last block. */
    struct map recent[2];
    unsigned recent_blocks;
    /* what to drop first from a full pool; made when it is needed, dropped with each block */
    struct tails tails;
    struct u256 tails_base_fee;
    bool tails_known;
    size_t total, executable, bytes;
    uint64_t sequence;
    struct mempool_stats stats;
    mempool_event_fn *on_executable;
    void *on_executable_arg;
};

void mempool_config_default(struct mempool_config *c)
{
    *c = (struct mempool_config){ .max_pending = 50000,
                                  .max_queued = 10000,
                                  .max_account_slots = 64,
                                  .max_bytes = 256u << 20,
                                  .queued_ttl_ms = 3ull * 3600 * 1000,
                                  .price_bump_percent = 10 };
}

struct mempool *mempool_create(const struct mempool_config *cfg, const struct clock *clock)
{
    struct mempool *m = calloc(1, sizeof(*m));
    if (!m)
        return NULL;
    m->cfg = *cfg;
    m->clock = clock;
    pthread_mutex_init(&m->mutex, NULL);
    map_init_host(&m->by_hash, sizeof(struct b256), sizeof(struct pooled *));
    map_init_host(&m->by_addr, sizeof(struct addr), sizeof(struct account *));
    for (int i = 0; i < 2; i++)
        map_init_host(&m->recent[i], sizeof(struct addr), sizeof(struct settled));
    return m;
}

void mempool_destroy(struct mempool *m)
{
    if (!m)
        return;
    const void *key;
    void *val;
    for (size_t i = 0; map_next(&m->by_addr, &i, &key, &val);) {
        struct account *a = *(struct account **)val;
        for (size_t j = 0; j < a->cnt; j++)
            free(a->txs[j]);
        free(a->txs);
        free(a);
    }
    free(m->tails.items);
    map_clear(&m->by_hash);
    map_clear(&m->by_addr);
    map_clear(&m->recent[0]);
    map_clear(&m->recent[1]);
    pthread_mutex_destroy(&m->mutex);
    free(m);
}

void mempool_on_executable(struct mempool *m, mempool_event_fn *fn, void *arg)
{
    pthread_mutex_lock(&m->mutex);
    m->on_executable = fn;
    m->on_executable_arg = arg;
    pthread_mutex_unlock(&m->mutex);
}

/* ---- accounts ---- */

static struct account *account_find(struct mempool *m, const struct addr *a)
{
    struct account **p = map_find(&m->by_addr, a);
    return p ? *p : NULL;
}

static struct account *account_get(struct mempool *m, const struct addr *addr)
{
    struct account *a = account_find(m, addr);
    if (a)
        return a;
    a = calloc(1, sizeof(*a));
    if (!a)
        return NULL;
    a->addr = *addr;
    bool inserted = false;
    struct account **slot = map_put(&m->by_addr, addr, &inserted);
    if (!slot) {
        free(a);
        return NULL;
    }
    *slot = a;
    return a;
}

static void ready_link(struct mempool *m, struct account *a, bool want)
{
    if (want == a->is_ready)
        return;
    a->is_ready = want;
    if (want) {
        a->ready_prev = NULL;
        a->ready_next = m->ready;
        if (m->ready)
            m->ready->ready_prev = a;
        m->ready = a;
        return;
    }
    if (a->ready_prev)
        a->ready_prev->ready_next = a->ready_next;
    else
        m->ready = a->ready_next;
    if (a->ready_next)
        a->ready_next->ready_prev = a->ready_prev;
}

/* Recounts what can run. */
static void account_recount(struct mempool *m, struct account *a)
{
    struct u256 spent = U256_ZERO;
    size_t n = 0;
    while (n < a->cnt && a->txs[n]->nonce == a->nonce + n) {
        if (!u256_add_checked(&spent, &spent, &a->txs[n]->cost) || u256_lt(&a->balance, &spent))
            break;
        n++;
    }
    m->executable = m->executable - a->executable_cnt + n;
    a->executable_cnt = n;
    ready_link(m, a, n > 0);
}

/* An account without transactions is forgotten: the pointer is then gone. Counted before. */
static void account_forget_empty(struct mempool *m, struct account *a)
{
    if (a->cnt > 0)
        return;
    map_remove(&m->by_addr, &a->addr);
    free(a->txs);
    free(a);
}

static void account_settle(struct mempool *m, struct account *a)
{
    account_recount(m, a);
    account_forget_empty(m, a);
}

static size_t position_of(const struct account *a, uint64_t nonce)
{
    size_t lo = 0, hi = a->cnt;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (a->txs[mid]->nonce < nonce)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static struct u256 tip_over(const struct u256 *max_fee, const struct u256 *max_priority_fee,
                            const struct u256 *base_fee)
{
    if (u256_lt(max_fee, base_fee))
        return U256_ZERO;
    struct u256 room = u256_sub(max_fee, base_fee);
    return u256_lt(&room, max_priority_fee) ? room : *max_priority_fee;
}

static struct u256 effective_tip(const struct pooled *p, const struct u256 *base_fee)
{
    return tip_over(&p->max_fee, &p->max_priority_fee, base_fee);
}

/* ---- tails ---- */

static void tails_forget(struct mempool *m)
{
    tails_empty(&m->tails);
    m->tails_known = false;
}

/* The account's last transaction is another one now, or there is none left. */
static void tail_changed(struct mempool *m, struct account *a)
{
    if (!m->tails_known)
        return;
    if (a->cnt == 0) {
        tails_remove(&m->tails, &a->tail);
        return;
    }
    const struct pooled *last = a->txs[a->cnt - 1];
    struct u256 tip = effective_tip(last, &m->tails_base_fee);
    if (!tails_set(&m->tails, &a->tail, &tip, last->sequence))
        tails_forget(m);
}

static bool tails_learn(struct mempool *m, const struct u256 *base_fee)
{
    if (m->tails_known && u256_eq(base_fee, &m->tails_base_fee))
        return true;
    tails_forget(m);
    m->tails_known = true;
    m->tails_base_fee = *base_fee;
    const void *key;
    void *val;
    for (size_t i = 0; m->tails_known && map_next(&m->by_addr, &i, &key, &val);)
        tail_changed(m, *(struct account **)val);
    return m->tails_known;
}

/* ---- in and out ---- */

/* Takes entry i out; the caller settles the account afterwards. */
static void take_out(struct mempool *m, struct account *a, size_t i)
{
    struct pooled *p = a->txs[i];
    memmove(&a->txs[i], &a->txs[i + 1], (a->cnt - i - 1) * sizeof(*a->txs));
    a->cnt--;
    m->total--;
    m->bytes -= p->len + TX_OVERHEAD_LEN;
    map_remove(&m->by_hash, &p->hash);
    free(p);
    if (i == a->cnt)
        tail_changed(m, a);
}

static bool put_in(struct mempool *m, struct account *a, struct pooled *p)
{
    if (a->cnt == a->cap) {
        size_t cap = a->cap ? a->cap * 2 : 4;
        struct pooled **grown = realloc(a->txs, cap * sizeof(*grown));
        if (!grown)
            return false;
        a->txs = grown;
        a->cap = cap;
    }
    bool inserted = false;
    struct pooled **slot = map_put(&m->by_hash, &p->hash, &inserted);
    if (!slot)
        return false;
    *slot = p;
    size_t i = position_of(a, p->nonce);
    memmove(&a->txs[i + 1], &a->txs[i], (a->cnt - i) * sizeof(*a->txs));
    a->txs[i] = p;
    a->cnt++;
    m->total++;
    m->bytes += p->len + TX_OVERHEAD_LEN;
    if (i == a->cnt - 1)
        tail_changed(m, a);
    return true;
}

/* ---- prices ---- */

/* new >= old * (100 + bump) / 100, rounded up */
static bool is_bumped(const struct u256 *old, const struct u256 *new, unsigned bump_percent)
{
    struct u256 hundred = u256_of_u64(100), factor = u256_of_u64(100 + bump_percent), need;
    if (!u256_mul_checked(&need, old, &factor))
        return false;
    need = u256_div_ceil(&need, &hundred);
    return !u256_lt(new, &need);
}

/* ---- inserting ---- */

static bool refuse(struct mempool *m, struct mempool_refusal *why, const char *text)
{
    m->stats.refused++;
    why->code = CODE_POOL;
    snprintf(why->message, sizeof(why->message), "%s", text);
    return false;
}

static struct pooled *pooled_of(struct mempool *m, const struct stf_tx *tx)
{
    struct pooled *p = malloc(sizeof(*p) + tx->envelope.len);
    if (!p)
        return NULL;
    struct u256 gas = u256_of_u64(tx->gas_limit);
    p->hash = tx->hash;
    p->from = tx->from;
    p->nonce = tx->nonce;
    p->gas_limit = tx->gas_limit;
    p->max_fee = tx->max_fee;
    p->max_priority_fee = tx->max_priority_fee;
    p->cost = u256_mul(&gas, &tx->max_fee); /* no overflow: validated against the balance */
    p->cost = u256_add(&p->cost, &tx->value);
    p->arrived_ms = clock_mono_ms(m->clock);
    p->sequence = m->sequence++;
    p->len = tx->envelope.len;
    memcpy(p->envelope, tx->envelope.p, tx->envelope.len);
    return p;
}

/* The sender whose last transaction pays least; NULL when there is none to drop. */
static struct account *worst_tail(struct mempool *m, const struct account *except,
                                  const struct u256 *base_fee)
{
    if (!tails_learn(m, base_fee))
        return NULL;
    return (struct account *)tails_worst(&m->tails, &except->tail);
}

/* Drops what pays less until there is room for one more transaction, or in place of one of old_len bytes. The sender's own
 * account is never touched, so the caller's pointer to it stays good. */
static bool make_room(struct mempool *m, const struct account *own, const struct stf_tx *tx,
                      const struct u256 *base_fee, const struct pooled *old,
                      struct mempool_refusal *why)
{
    struct u256 mine = tip_over(&tx->max_fee, &tx->max_priority_fee, base_fee);
    size_t old_bytes = old ? old->len + TX_OVERHEAD_LEN : 0;
    while ((!old && m->total >= m->cfg.max_pending + m->cfg.max_queued) ||
           m->bytes - old_bytes + tx->envelope.len + TX_OVERHEAD_LEN > m->cfg.max_bytes) {
        struct account *a = worst_tail(m, own, base_fee);
        if (!a || !u256_lt(&a->tail.tip, &mine))
            return refuse(m, why, "txpool is full");
        take_out(m, a, a->cnt - 1);
        account_settle(m, a);
        m->stats.evicted++;
    }
    return true;
}

static bool may_replace(struct mempool *m, const struct pooled *old, const struct stf_tx *tx,
                        struct mempool_refusal *why)
{
    if (!is_bumped(&old->max_fee, &tx->max_fee, m->cfg.price_bump_percent) ||
        !is_bumped(&old->max_priority_fee, &tx->max_priority_fee, m->cfg.price_bump_percent))
        return refuse(m, why, "replacement transaction underpriced");
    return true;
}

/* A new nonce of the sender: it continues the executable ones, or it waits behind them. When the sender's room is used up, a
 * transaction that runs earlier takes the place of his last waiting one (*drop_tail). */
static bool may_add(struct mempool *m, const struct account *a, const struct stf_tx *tx,
                    bool *drop_tail, struct mempool_refusal *why)
{
    bool tail_waits = a->cnt > a->executable_cnt && tx->nonce < a->txs[a->cnt - 1]->nonce;
    bool waits = tx->nonce > a->nonce + a->executable_cnt;
    size_t same_kind = waits ? a->cnt - a->executable_cnt : a->executable_cnt;
    *drop_tail = false;
    if (a->cnt >= 2 * m->cfg.max_account_slots || same_kind >= m->cfg.max_account_slots) {
        if (!tail_waits || (!waits && same_kind >= m->cfg.max_account_slots))
            return refuse(m, why, "txpool is full: too many transactions of this sender");
        *drop_tail = true;
        return true;
    }
    if (waits && m->total - m->executable >= m->cfg.max_queued)
        return refuse(m, why, "txpool is full");
    return true;
}

/* What the caller's view of the chain says of the account. A pool that saw a later block keeps its own, newer nonce. */
static void refresh_account(struct mempool *m, struct account *a,
                            const struct mempool_admission *adm)
{
    struct settled seen = { .nonce = adm->account_nonce, .balance = adm->account_balance };
    for (int i = 0; i < 2; i++) {
        const struct settled *later = map_find(&m->recent[i], &a->addr);
        if (later && later->nonce > seen.nonce)
            seen = *later;
    }
    if (a->cnt > 0 && seen.nonce < a->nonce)
        return;
    a->nonce = seen.nonce;
    a->balance = seen.balance;
    while (a->cnt > 0 && a->txs[0]->nonce < a->nonce)
        take_out(m, a, 0);
}

/* Every refusal comes before anything is dropped for this transaction. */
static bool place(struct mempool *m, struct account *a, const struct stf_tx *tx,
                  const struct mempool_admission *adm, struct mempool_refusal *why)
{
    size_t i = position_of(a, tx->nonce);
    struct pooled *old = i < a->cnt && a->txs[i]->nonce == tx->nonce ? a->txs[i] : NULL;
    if (tx->nonce < a->nonce) { /* the caller's view was older than the pool's */
        m->stats.refused++;
        why->code = CODE_POOL;
        snprintf(why->message, sizeof(why->message),
                 "nonce too low: next nonce %" PRIu64 ", tx nonce %" PRIu64, a->nonce, tx->nonce);
        return false;
    }
    bool drop_tail = false;
    if (!(old ? may_replace(m, old, tx, why) : may_add(m, a, tx, &drop_tail, why)))
        return false;
    const struct pooled *leaves = drop_tail ? a->txs[a->cnt - 1] : old;
    if (!make_room(m, a, tx, &adm->base_fee, leaves, why)) /* what leaves anyway makes room, too */
        return false;
    struct pooled *p = pooled_of(m, tx);
    if (!p)
        return refuse(m, why, "txpool is full");
    if (drop_tail) {
        take_out(m, a, a->cnt - 1);
        m->stats.evicted++;
    }
    if (old) {
        take_out(m, a, i);
        m->stats.replaced++;
    }
    if (!put_in(m, a, p)) {
        free(p);
        return refuse(m, why, "txpool is full");
    }
    m->stats.inserted++;
    return true;
}

static bool insert_locked(struct mempool *m, const struct stf_tx *tx,
                          const struct mempool_admission *adm, bool *executable,
                          struct mempool_refusal *why)
{
    if (map_find(&m->by_hash, &tx->hash))
        return refuse(m, why, "already known");
    struct account *a = account_get(m, &tx->from);
    if (!a)
        return refuse(m, why, "txpool is full");
    refresh_account(m, a, adm);
    account_recount(m, a);
    bool ok = place(m, a, tx, adm, why);
    uint64_t first = a->nonce;
    account_recount(m, a);
    *executable = ok && tx->nonce < first + a->executable_cnt;
    account_forget_empty(m, a);
    return ok;
}

bool mempool_insert(struct mempool *m, const struct stf_tx *tx, const struct mempool_admission *a,
                    struct mempool_refusal *why)
{
    if (!mempool_validate(tx, tx->envelope.len, a, why)) {
        pthread_mutex_lock(&m->mutex);
        m->stats.refused++;
        pthread_mutex_unlock(&m->mutex);
        return false;
    }
    bool executable = false;
    pthread_mutex_lock(&m->mutex);
    bool ok = insert_locked(m, tx, a, &executable, why);
    mempool_event_fn *event = m->on_executable;
    void *arg = m->on_executable_arg;
    pthread_mutex_unlock(&m->mutex);
    if (executable && event)
        event(arg, &tx->hash);
    return ok;
}

/* ---- taking candidates: a heap of the senders' heads ---- */

struct head {
    const struct account *a;
    size_t i;
    struct u256 tip;
};

static bool head_before(const struct head *x, const struct head *y)
{
    int c = u256_cmp(&x->tip, &y->tip);
    if (c != 0)
        return c > 0;
    return x->a->txs[x->i]->sequence < y->a->txs[y->i]->sequence;
}

static void heap_down(struct head *h, size_t n, size_t i)
{
    for (;;) {
        size_t best = i, l = 2 * i + 1, r = l + 1;
        if (l < n && head_before(&h[l], &h[best]))
            best = l;
        if (r < n && head_before(&h[r], &h[best]))
            best = r;
        if (best == i)
            return;
        struct head t = h[i];
        h[i] = h[best];
        h[best] = t;
        i = best;
    }
}

static size_t heap_build(struct mempool *m, const struct u256 *base_fee, struct head *h)
{
    size_t n = 0;
    for (struct account *a = m->ready; a; a = a->ready_next) {
        if (u256_lt(&a->txs[0]->max_fee, base_fee))
            continue;
        h[n++] = (struct head){ .a = a, .i = 0, .tip = effective_tip(a->txs[0], base_fee) };
    }
    for (size_t i = n / 2; i-- > 0;)
        heap_down(h, n, i);
    return n;
}

static bool copy_out(struct mempool_tx *out, const struct pooled *p, bool executable,
                     struct arena *arena)
{
    uint8_t *copy = arena_copy(arena, p->envelope, p->len);
    if (!copy)
        return false;
    *out = (struct mempool_tx){ .hash = p->hash,
                                .from = p->from,
                                .nonce = p->nonce,
                                .gas_limit = p->gas_limit,
                                .envelope = bytes_of(copy, p->len),
                                .arrived_ms = p->arrived_ms,
                                .executable = executable };
    return true;
}

static bool candidates_locked(struct mempool *m, const struct u256 *base_fee, size_t max,
                              size_t max_bytes, struct arena *arena, struct mempool_tx **out,
                              size_t *n)
{
    size_t senders = 0;
    for (struct account *a = m->ready; a; a = a->ready_next)
        senders++;
    size_t want = m->executable < max ? m->executable : max;
    struct mempool_tx *txs = arena_alloc(arena, want * sizeof(*txs));
    struct head *heap = malloc((senders ? senders : 1) * sizeof(*heap));
    if (!txs || !heap) {
        free(heap);
        return false;
    }
    size_t heads = heap_build(m, base_fee, heap), bytes = 0;
    bool ok = true;
    while (ok && heads > 0 && *n < want) {
        struct head *top = &heap[0];
        const struct pooled *p = top->a->txs[top->i];
        if (bytes + p->len > max_bytes)
            break;
        bytes += p->len;
        ok = copy_out(&txs[*n], p, true, arena);
        *n += ok ? 1 : 0;
        top->i++;
        if (top->i < top->a->executable_cnt && !u256_lt(&top->a->txs[top->i]->max_fee, base_fee))
            top->tip = effective_tip(top->a->txs[top->i], base_fee);
        else
            heap[0] = heap[--heads];
        heap_down(heap, heads, 0);
    }
    free(heap);
    *out = txs;
    return ok;
}

bool mempool_candidates(struct mempool *m, const struct u256 *base_fee, size_t max,
                        size_t max_bytes, struct arena *arena, struct mempool_tx **out, size_t *n)
{
    *n = 0;
    *out = NULL;
    pthread_mutex_lock(&m->mutex);
    bool ok = candidates_locked(m, base_fee, max, max_bytes, arena, out, n);
    pthread_mutex_unlock(&m->mutex);
    return ok;
}

bool mempool_has_candidates(struct mempool *m, const struct u256 *base_fee)
{
    bool any = false;
    pthread_mutex_lock(&m->mutex);
    for (struct account *a = m->ready; a && !any; a = a->ready_next)
        any = !u256_lt(&a->txs[0]->max_fee, base_fee);
    pthread_mutex_unlock(&m->mutex);
    return any;
}

/* ---- looking up ---- */

static bool is_executable(const struct account *a, const struct pooled *p)
{
    return p->nonce >= a->nonce && p->nonce < a->nonce + a->executable_cnt;
}

bool mempool_find(struct mempool *m, const struct b256 *hash, struct arena *arena,
                  struct mempool_tx *out)
{
    pthread_mutex_lock(&m->mutex);
    struct pooled **p = map_find(&m->by_hash, hash);
    struct account *a = p ? account_find(m, &(*p)->from) : NULL;
    bool ok = p && a && copy_out(out, *p, is_executable(a, *p), arena);
    pthread_mutex_unlock(&m->mutex);
    return ok;
}

bool mempool_find_by_nonce(struct mempool *m, const struct addr *from, uint64_t nonce,
                           struct arena *arena, struct mempool_tx *out)
{
    pthread_mutex_lock(&m->mutex);
    struct account *a = account_find(m, from);
    size_t i = a ? position_of(a, nonce) : 0;
    bool ok = a && i < a->cnt && a->txs[i]->nonce == nonce &&
              copy_out(out, a->txs[i], is_executable(a, a->txs[i]), arena);
    pthread_mutex_unlock(&m->mutex);
    return ok;
}

uint64_t mempool_pending_nonce(struct mempool *m, const struct addr *from, uint64_t account_nonce)
{
    pthread_mutex_lock(&m->mutex);
    struct account *a = account_find(m, from);
    uint64_t nonce = account_nonce;
    for (size_t i = a ? position_of(a, nonce) : 0; a && i < a->cnt && a->txs[i]->nonce == nonce;
         i++)
        nonce++;
    pthread_mutex_unlock(&m->mutex);
    return nonce;
}

bool mempool_snapshot(struct mempool *m, struct arena *arena, struct mempool_tx **out, size_t *n)
{
    *n = 0;
    pthread_mutex_lock(&m->mutex);
    struct mempool_tx *txs = arena_alloc(arena, m->total * sizeof(*txs));
    bool ok = txs != NULL;
    const void *key;
    void *val;
    for (size_t i = 0; ok && map_next(&m->by_addr, &i, &key, &val);) {
        const struct account *a = *(struct account **)val;
        for (size_t j = 0; ok && j < a->cnt; j++) {
            ok = copy_out(&txs[*n], a->txs[j], is_executable(a, a->txs[j]), arena);
            *n += ok ? 1 : 0;
        }
    }
    *out = txs;
    pthread_mutex_unlock(&m->mutex);
    return ok;
}

void mempool_stats_get(struct mempool *m, struct mempool_stats *out)
{
    pthread_mutex_lock(&m->mutex);
    *out = m->stats;
    out->pending = m->executable;
    out->queued = m->total - m->executable;
    out->bytes = m->bytes;
    pthread_mutex_unlock(&m->mutex);
}

/* ---- leaving ---- */

void mempool_remove(struct mempool *m, const struct b256 *hash)
{
    pthread_mutex_lock(&m->mutex);
    struct pooled **p = map_find(&m->by_hash, hash);
    struct account *a = p ? account_find(m, &(*p)->from) : NULL;
    if (a) {
        take_out(m, a, position_of(a, (*p)->nonce));
        account_settle(m, a);
    }
    pthread_mutex_unlock(&m->mutex);
}

static void remember_settled(struct mempool *m, const struct mempool_account *changed)
{
    bool inserted;
    struct settled *s = map_put(&m->recent[0], &changed->addr, &inserted);
    if (s) /* without memory for it the sender's next transaction waits for the one after */
        *s = (struct settled){ .nonce = changed->nonce, .balance = changed->balance };
}

void mempool_apply_block(struct mempool *m, const struct mempool_account *changed, size_t n)
{
    pthread_mutex_lock(&m->mutex);
    tails_forget(m);
    if (++m->recent_blocks > RECENT_BLOCKS) {
        struct map oldest = m->recent[1];
        m->recent[1] = m->recent[0];
        m->recent[0] = oldest;
        map_empty(&m->recent[0]);
        m->recent_blocks = 1;
    }
    for (size_t i = 0; i < n; i++) {
        remember_settled(m, &changed[i]);
        struct account *a = account_find(m, &changed[i].addr);
        if (!a)
            continue;
        a->nonce = changed[i].nonce;
        a->balance = changed[i].balance;
        while (a->cnt > 0 && a->txs[0]->nonce < a->nonce)
            take_out(m, a, 0);
        account_settle(m, a);
    }
    pthread_mutex_unlock(&m->mutex);
}

void mempool_expire(struct mempool *m)
{
    uint64_t now = clock_mono_ms(m->clock);
    pthread_mutex_lock(&m->mutex);
    /* Settling may forget the account and move map entries, so restart after each change; expiry is rare. */
    for (bool again = true; again;) {
        again = false;
        const void *key;
        void *val;
        for (size_t i = 0; !again && map_next(&m->by_addr, &i, &key, &val);) {
            struct account *a = *(struct account **)val;
            for (size_t j = a->executable_cnt; !again && j < a->cnt; j++) {
                if (now - a->txs[j]->arrived_ms < m->cfg.queued_ttl_ms)
                    continue;
                take_out(m, a, j);
                account_settle(m, a);
                again = true;
            }
        }
    }
    pthread_mutex_unlock(&m->mutex);
}
