/* RPC workers insert and look while the loop takes candidates and applies blocks: nothing is lost, and the thread sanitizer is quiet. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "node/chain/mempool.h"
#include "tests/unit/base/testing.h"

#define THREADS     4
#define PER_THREAD  1000
#define PER_ACCOUNT 50

static struct mempool *pool;
static atomic_uint events;
static atomic_bool done;
/* The pool remembers settled accounts for as many blocks as a view may be old (mempool.c, RECENT_BLOCKS). A builder in a tight loop makes more
 * in one time slice of an inserter, so every VIEW_BLOCKS blocks it waits until no inserter holds a view. */
#define VIEW_BLOCKS 8
static pthread_rwlock_t views = PTHREAD_RWLOCK_INITIALIZER;
/* The chain's view, as admission reads it: raised before the pool hears of a block. */
static atomic_ullong applied[THREADS][PER_THREAD / PER_ACCOUNT];

static void on_event(void *arg, const struct b256 *hash)
{
    (void)arg;
    (void)hash;
    atomic_fetch_add(&events, 1);
}

static struct addr account_of(unsigned thread, uint64_t i)
{
    return addr_of_u32(0x10000u * (thread + 1) + (uint32_t)(i / PER_ACCOUNT));
}

static void *inserter(void *arg)
{
    unsigned thread = *(unsigned *)arg;
    static const uint8_t envelope[64];
    for (uint64_t i = 0; i < PER_THREAD; i++) {
        struct stf_tx tx = { .type = TX_DYNAMIC_FEE,
                             .has_chain_id = true,
                             .from_is_set = true,
                             .chain_id = 1,
                             .nonce = i % PER_ACCOUNT,
                             .gas_limit = 21000,
                             .r = U256_ONE,
                             .s = U256_ONE,
                             .max_fee = u256_of_u64(100 + thread),
                             .max_priority_fee = u256_of_u64(i % 7),
                             .envelope = bytes_of(envelope, sizeof(envelope)) };
        tx.from = account_of(thread, i);
        tx.hash = b256_of_u64(((uint64_t)thread << 32) | (i + 1));
        pthread_rwlock_rdlock(&views);
        struct mempool_admission a = { .chain_id = 1,
                                       .block_gas_limit = 30000000,
                                       .account_nonce =
                                           atomic_load(&applied[thread][i / PER_ACCOUNT]),
                                       .account_balance = u256_of_u64(UINT64_MAX) };
        struct mempool_refusal why;
        bool ok = mempool_insert(pool, &tx, &a, &why);
        pthread_rwlock_unlock(&views);
        if (!ok)
            return (void *)1;
        (void)mempool_pending_nonce(pool, &tx.from, 0);
    }
    return NULL;
}

static void *looker(void *arg)
{
    (void)arg;
    struct arena arena;
    arena_init_growing(&arena, 1 << 16, 64 << 20);
    while (!atomic_load(&done)) {
        struct mempool_tx *out, one;
        struct mempool_stats s;
        size_t n;
        struct b256 h = b256_of_u64(1);
        if (!mempool_snapshot(pool, &arena, &out, &n))
            return (void *)1;
        (void)mempool_find(pool, &h, &arena, &one);
        mempool_stats_get(pool, &s);
        mempool_on_executable(pool, on_event, NULL);
        mempool_expire(pool);
        arena_reset(&arena);
        sched_yield();
    }
    arena_clear(&arena);
    return NULL;
}

/* The builder: takes what is there and applies it as a block, until everything was seen once. */
static size_t drain(size_t want)
{
    struct arena arena;
    size_t taken = 0, blocks = 0;
    arena_init_growing(&arena, 1 << 16, 64 << 20);
    while (taken < want) {
        struct mempool_tx *out;
        struct u256 fee = U256_ONE;
        size_t n = 0;
        if (!mempool_candidates(pool, &fee, 100, 1 << 20, &arena, &out, &n))
            break;
        struct mempool_account *a = arena_alloc(&arena, (n + 1) * sizeof(*a));
        for (size_t i = 0; a && i < n; i++) {
            uint32_t id = load_be32(out[i].from.b + 16);
            a[i] = (struct mempool_account){ .addr = out[i].from,
                                             .nonce = out[i].nonce + 1,
                                             .balance = u256_of_u64(UINT64_MAX) };
            atomic_store(&applied[id / 0x10000u - 1][id % 0x10000u], out[i].nonce + 1);
        }
        if (!a)
            break;
        if (n > 0)
            mempool_apply_block(pool, a, n);
        else
            sched_yield();
        taken += n;
        if (n > 0 && ++blocks % VIEW_BLOCKS == 0) {
            pthread_rwlock_wrlock(&views);
            pthread_rwlock_unlock(&views);
        }
        arena_reset(&arena);
    }
    arena_clear(&arena);
    return taken;
}

static void everybody_at_once(void **state)
{
    (void)state;
    struct mempool_config cfg;
    mempool_config_default(&cfg);
    pool = mempool_create(&cfg, clock_system());
    assert_non_null(pool);
    mempool_on_executable(pool, on_event, NULL);
    pthread_t threads[THREADS], reader;
    unsigned ids[THREADS];
    assert_int_equal(pthread_create(&reader, NULL, looker, NULL), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        ids[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, inserter, &ids[i]), 0);
    }
    assert_int_equal(drain((size_t)THREADS * PER_THREAD), (size_t)THREADS * PER_THREAD);
    for (unsigned i = 0; i < THREADS; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    atomic_store(&done, true);
    void *unread = NULL;
    pthread_join(reader, &unread);
    assert_null(unread);
    struct mempool_stats s;
    mempool_stats_get(pool, &s);
    assert_int_equal(s.pending + s.queued, 0);
    assert_int_equal(s.bytes, 0);
    assert_int_equal(s.inserted, (uint64_t)THREADS * PER_THREAD);
    assert_int_equal(atomic_load(&events), THREADS * PER_THREAD);
    mempool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(everybody_at_once) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
