/* The pool against a slow model that keeps every transaction in one list and works everything out again each time: random inserts,
 * replacements, removals, blocks, expiry and changing limits; after each step the candidates, the counts and a look-up are compared. */
#include <stdio.h>

#include "node/chain/mempool.h"
#include "tests/unit/base/testing.h"

#define MODEL_MAX 512
#define ACCOUNTS  6
#define STEPS     6000

struct entry {
    struct b256 hash;
    unsigned who;
    uint64_t nonce, fee, tip, cost, sequence, arrived;
};
struct model_account {
    uint64_t nonce, balance;
    bool known; /* has transactions */
    bool moved; /* the last block raised its nonce */
};
struct model {
    struct entry e[MODEL_MAX];
    size_t n;
    struct model_account a[ACCOUNTS];
    uint64_t sequence;
    struct mempool_config cfg;
};

static uint64_t now_ms = 1;
static uint64_t read_now(void *ctx)
{
    return *(uint64_t *)ctx;
}
static const struct clock test_clock = { .wall_ms = read_now, .mono_ms = read_now, .ctx = &now_ms };

static struct addr addr_of_account(unsigned who)
{
    return addr_of_u32(0x1000 + who);
}

/* ---- the model ---- */

static struct entry *model_at(struct model *m, unsigned who, uint64_t nonce)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->e[i].who == who && m->e[i].nonce == nonce)
            return &m->e[i];
    return NULL;
}

static size_t model_executable(struct model *m, unsigned who)
{
    uint64_t spent = 0;
    size_t n = 0;
    for (struct entry *e; (e = model_at(m, who, m->a[who].nonce + n)) != NULL; n++) {
        spent += e->cost;
        if (spent > m->a[who].balance)
            break;
    }
    return n;
}

static size_t model_count(const struct model *m, unsigned who)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        n += m->e[i].who == who;
    return n;
}

static void model_drop(struct model *m, size_t i)
{
    unsigned who = m->e[i].who;
    m->e[i] = m->e[--m->n];
    m->a[who].known = model_count(m, who) > 0;
}

static uint64_t model_tip(const struct entry *e, uint64_t base_fee)
{
    if (e->fee < base_fee)
        return 0;
    return e->fee - base_fee < e->tip ? e->fee - base_fee : e->tip;
}

static size_t model_all_executable(struct model *m)
{
    size_t n = 0;
    for (unsigned w = 0; w < ACCOUNTS; w++)
        n += model_executable(m, w);
    return n;
}

/* The entry to drop, or MODEL_MAX: of the tails of the other senders one with the lowest tip. Ties are the pool's choice. */
static uint64_t model_worst_tip(struct model *m, unsigned except, uint64_t base_fee)
{
    uint64_t worst = UINT64_MAX;
    for (size_t i = 0; i < m->n; i++) {
        bool tail = m->e[i].who != except;
        for (size_t j = 0; j < m->n && tail; j++)
            tail = !(m->e[j].who == m->e[i].who && m->e[j].nonce > m->e[i].nonce);
        if (tail && model_tip(&m->e[i], base_fee) < worst)
            worst = model_tip(&m->e[i], base_fee);
    }
    return worst;
}

static void model_refresh(struct model *m, unsigned who, uint64_t nonce, uint64_t balance)
{
    if (nonce < m->a[who].nonce) /* the pool has seen a later block */
        return;
    m->a[who].nonce = nonce;
    m->a[who].balance = balance;
    for (size_t i = 0; i < m->n;)
        if (m->e[i].who == who && m->e[i].nonce < nonce)
            model_drop(m, i);
        else
            i++;
}

/* The sender's last one, if it is not executable; NULL otherwise. */
static struct entry *model_waiting_tail(struct model *m, unsigned who)
{
    struct entry *tail = NULL;
    for (size_t i = 0; i < m->n; i++)
        if (m->e[i].who == who && (!tail || m->e[i].nonce > tail->nonce))
            tail = &m->e[i];
    return tail && tail->nonce >= m->a[who].nonce + model_executable(m, who) ? tail : NULL;
}

/* NULL: it goes in. *leaves: an entry of the sender that makes place for it. */
static const char *model_judge(struct model *m, const struct entry *x, uint64_t base_fee,
                               struct entry **leaves)
{
    struct entry *old = model_at(m, x->who, x->nonce), *tail = model_waiting_tail(m, x->who);
    uint64_t first = m->a[x->who].nonce;
    size_t ex = model_executable(m, x->who), cnt = model_count(m, x->who);
    *leaves = old;
    if (x->nonce < first)
        return "nonce too low";
    if (old)
        return x->fee * 100 < old->fee * 110 || x->tip * 100 < old->tip * 110
                   ? "replacement transaction underpriced"
                   : NULL;
    bool waits = x->nonce > first + ex;
    bool kind_full = (waits ? cnt - ex : ex) >= m->cfg.max_account_slots;
    if (cnt >= 2 * m->cfg.max_account_slots || kind_full) {
        if (!tail || x->nonce > tail->nonce || (!waits && kind_full))
            return "txpool is full: too many transactions of this sender";
        *leaves = tail; /* it runs earlier than the sender's last one */
        return NULL;
    }
    if (waits && m->n - model_all_executable(m) >= m->cfg.max_queued)
        return "txpool is full";
    if (m->n >= m->cfg.max_pending + m->cfg.max_queued &&
        model_worst_tip(m, x->who, base_fee) >= model_tip(x, base_fee))
        return "txpool is full";
    return NULL;
}

/* ---- both together ---- */

struct run {
    struct model m;
    struct mempool *pool;
    uint64_t seed, base_fee;
    struct arena arena;
    unsigned inserted, refused, evicted, replaced, displaced;
};

static struct stf_tx tx_of(struct entry *x)
{
    static uint8_t envelope[100];
    struct stf_tx tx = { .type = TX_DYNAMIC_FEE,
                         .has_chain_id = true,
                         .from_is_set = true,
                         .chain_id = 1,
                         .nonce = x->nonce,
                         .gas_limit = 21000,
                         .r = U256_ONE,
                         .s = U256_ONE,
                         .max_fee = u256_of_u64(x->fee),
                         .max_priority_fee = u256_of_u64(x->tip),
                         .hash = x->hash,
                         .envelope = bytes_of(envelope, sizeof(envelope)) };
    tx.from = addr_of_account(x->who);
    x->cost = 21000 * x->fee;
    return tx;
}

/* The pool dropped one of the equally bad tails: find out which, and check that it was one. */
static void follow_eviction(struct run *r, const struct entry *x)
{
    struct model *m = &r->m;
    while (m->n >= m->cfg.max_pending + m->cfg.max_queued) {
        uint64_t worst = model_worst_tip(m, x->who, r->base_fee);
        size_t gone = MODEL_MAX;
        for (size_t i = 0; i < m->n; i++) {
            struct mempool_tx out;
            if (!mempool_find(r->pool, &m->e[i].hash, &r->arena, &out)) {
                assert_int_equal(gone, MODEL_MAX);
                gone = i;
            }
        }
        assert_true(gone < MODEL_MAX);
        assert_int_equal(model_tip(&m->e[gone], r->base_fee), worst);
        for (size_t j = 0; j < m->n; j++)
            assert_false(m->e[j].who == m->e[gone].who && m->e[j].nonce > m->e[gone].nonce);
        model_drop(m, gone);
        r->evicted++;
    }
}

static void step_insert(struct run *r)
{
    struct model *m = &r->m;
    struct entry x = { .who = (unsigned)(test_random(&r->seed) % ACCOUNTS), .arrived = now_ms };
    uint64_t first = m->a[x.who].nonce;
    x.nonce = first + test_random(&r->seed) % 7;
    x.tip = test_random(&r->seed) % 40;
    x.fee = 40 + x.tip + test_random(&r->seed) % 60;
    test_random_bytes(&r->seed, x.hash.b, 32);
    struct mempool_admission adm = { .chain_id = 1,
                                     .block_gas_limit = 30000000,
                                     .base_fee = u256_of_u64(r->base_fee),
                                     .minimal_base_fee = U256_ONE,
                                     .account_nonce = first,
                                     .account_balance = u256_of_u64(m->a[x.who].balance) };
    uint64_t view = test_random(&r->seed) % 16;
    if (view == 0 &&
        x.nonce > first) { /* a view that is ahead: the pool has not heard of that block */
        adm.account_nonce = first + 1;
        m->a[x.who].moved = false;
    } else if (view == 1 && m->a[x.who].moved) { /* and one of the block before */
        adm.account_nonce = first - 1;
    }
    struct stf_tx tx = tx_of(&x);
    struct mempool_refusal why;
    bool ok = mempool_insert(r->pool, &tx, &adm, &why);
    if (x.cost > m->a[x.who].balance) {
        assert_false(ok);
        assert_non_null(strstr(why.message, "insufficient funds"));
        return;
    }
    model_refresh(m, x.who, adm.account_nonce, m->a[x.who].balance);
    struct entry *leaves = NULL;
    const char *want = model_judge(m, &x, r->base_fee, &leaves);
    if (want) {
        assert_false(ok);
        assert_ptr_equal(strstr(why.message, want), why.message);
        r->refused++;
        return;
    }
    if (!ok)
        fail_msg("refused: %s", why.message);
    if (leaves) {
        r->replaced += leaves->nonce == x.nonce;
        r->displaced += leaves->nonce != x.nonce;
        model_drop(m, (size_t)(leaves - m->e));
    } else {
        follow_eviction(r, &x);
    }
    x.sequence = m->sequence++;
    assert_true(m->n < MODEL_MAX);
    m->e[m->n++] = x;
    m->a[x.who].known = true;
    r->inserted++;
}

static void step_block(struct run *r)
{
    struct mempool_account changed[ACCOUNTS];
    size_t n = 0;
    for (unsigned w = 0; w < ACCOUNTS; w++) {
        r->m.a[w].moved = false;
        if (test_random(&r->seed) % 3)
            continue;
        struct model_account *a = &r->m.a[w];
        uint64_t more = test_random(&r->seed) % 3;
        a->moved = more > 0;
        a->nonce += more;
        a->balance = test_random(&r->seed) % (21000 * 500);
        for (size_t i = 0; i < r->m.n;)
            if (r->m.e[i].who == w && r->m.e[i].nonce < a->nonce)
                model_drop(&r->m, i);
            else
                i++;
        changed[n++] = (struct mempool_account){ .addr = addr_of_account(w),
                                                 .nonce = a->nonce,
                                                 .balance = u256_of_u64(a->balance) };
    }
    mempool_apply_block(r->pool, changed, n);
    r->base_fee = 30 + test_random(&r->seed) % 60;
}

static void step_remove(struct run *r)
{
    if (r->m.n == 0)
        return;
    size_t i = test_random(&r->seed) % r->m.n;
    mempool_remove(r->pool, &r->m.e[i].hash);
    model_drop(&r->m, i);
}

static void step_expire(struct run *r)
{
    now_ms += test_random(&r->seed) % 400;
    mempool_expire(r->pool);
    struct model *m = &r->m;
    size_t ex[ACCOUNTS];
    for (unsigned w = 0; w < ACCOUNTS; w++)
        ex[w] = model_executable(m, w);
    for (size_t i = 0; i < m->n;) {
        const struct entry *e = &m->e[i];
        bool waits = e->nonce >= m->a[e->who].nonce + ex[e->who];
        if (waits && now_ms - e->arrived >= m->cfg.queued_ttl_ms)
            model_drop(m, i);
        else
            i++;
    }
}

/* ---- comparing ---- */

static const struct entry *model_best(struct model *m, const uint64_t *next, const size_t *left,
                                      uint64_t base_fee)
{
    const struct entry *best = NULL;
    for (unsigned w = 0; w < ACCOUNTS; w++) {
        const struct entry *e = left[w] ? model_at(m, w, next[w]) : NULL;
        if (!e || e->fee < base_fee)
            continue;
        uint64_t t = model_tip(e, base_fee), b = best ? model_tip(best, base_fee) : 0;
        if (!best || t > b || (t == b && e->sequence < best->sequence))
            best = e;
    }
    return best;
}

static void compare(struct run *r)
{
    struct model *m = &r->m;
    struct mempool_stats s;
    mempool_stats_get(r->pool, &s);
    assert_int_equal(s.pending, model_all_executable(m));
    assert_int_equal(s.pending + s.queued, m->n);
    assert_int_equal(s.bytes, m->n * (100 + 256));
    uint64_t next[ACCOUNTS];
    size_t left[ACCOUNTS], n = 0, i = 0;
    for (unsigned w = 0; w < ACCOUNTS; w++) {
        next[w] = m->a[w].nonce;
        left[w] = model_executable(m, w);
        struct addr a = addr_of_account(w);
        uint64_t pending = next[w];
        while (model_at(m, w, pending))
            pending++;
        assert_int_equal(mempool_pending_nonce(r->pool, &a, next[w]), pending);
    }
    struct u256 fee = u256_of_u64(r->base_fee);
    struct mempool_tx *out;
    assert_true(mempool_candidates(r->pool, &fee, 1000, 1 << 20, &r->arena, &out, &n));
    for (const struct entry *e; (e = model_best(m, next, left, r->base_fee)) != NULL; i++) {
        assert_true(i < n);
        assert_memory_equal(out[i].hash.b, e->hash.b, 32);
        next[e->who]++;
        left[e->who]--;
    }
    assert_int_equal(i, n);
    assert_int_equal(mempool_has_candidates(r->pool, &fee), n > 0);
    for (size_t k = 0; k < m->n; k++) {
        struct mempool_tx one;
        struct addr a = addr_of_account(m->e[k].who);
        assert_true(mempool_find_by_nonce(r->pool, &a, m->e[k].nonce, &r->arena, &one));
        assert_memory_equal(one.hash.b, m->e[k].hash.b, 32);
    }
    arena_reset(&r->arena);
}

static void run_model(uint64_t seed, size_t pending, size_t queued, size_t slots)
{
    struct run r = { .seed = seed, .base_fee = 50 };
    mempool_config_default(&r.m.cfg);
    r.m.cfg.max_pending = pending;
    r.m.cfg.max_queued = queued;
    r.m.cfg.max_account_slots = slots;
    r.m.cfg.queued_ttl_ms = 1000;
    r.pool = mempool_create(&r.m.cfg, &test_clock);
    assert_non_null(r.pool);
    arena_init_growing(&r.arena, 1 << 16, 64 << 20);
    for (unsigned w = 0; w < ACCOUNTS; w++)
        r.m.a[w].balance = 21000 * 400;
    for (unsigned i = 0; i < STEPS; i++) {
        uint64_t kind = test_random(&r.seed) % 20;
        if (kind < 15)
            step_insert(&r);
        else if (kind < 17)
            step_block(&r);
        else if (kind < 19)
            step_remove(&r);
        else
            step_expire(&r);
        compare(&r);
    }
    assert_true(r.inserted > STEPS / 10 && r.refused > 50 && r.replaced > 20);
    if (pending < 10)
        assert_true(r.evicted > 20);
    if (slots < 10)
        assert_true(r.displaced > 20);
    mempool_destroy(r.pool);
    arena_clear(&r.arena);
}

static void wide_pool(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++)
        run_model(seed, 500, 500, 64);
}

static void narrow_pool(void **state)
{
    (void)state;
    for (uint64_t seed = 11; seed <= 14; seed++)
        run_model(seed, 2, 10, 64);
}

static void few_slots(void **state)
{
    (void)state;
    for (uint64_t seed = 21; seed <= 24; seed++)
        run_model(seed, 4, 9, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wide_pool),
        cmocka_unit_test(narrow_pool),
        cmocka_unit_test(few_slots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
