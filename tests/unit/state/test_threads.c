/* Builder, tree worker, checkpoint writer and readers at once. Every value of block n is a function of (key, n), so a
 * reader knows what it must see without asking anybody. Run under ThreadSanitizer as well. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "node/base/hash.h"
#include "node/base/log.h"
#include "tests/unit/state/memory_files.h"
#include "tests/unit/state/model.h"

#define KEYS    400u
#define BLOCKS  300u
#define READERS 3

/* cmocka reports failures of the main thread only */
#define FAULT()                                                                                    \
    do {                                                                                           \
        fprintf(stderr, "%s:%d\n", __FILE__, __LINE__);                                            \
        abort();                                                                                   \
    } while (0)

static struct state *s;
static struct b256 keys[KEYS];
static struct addr who;
static atomic_bool done;
static atomic_uint proofs_seen, views_seen, checkpoints;

/* Key i is written in blocks that are multiples of its period, from its birth on. */
static uint64_t period(unsigned i)
{
    return 1 + i % 7;
}

static uint64_t birth(unsigned i)
{
    return (1 + i / 2 + period(i) - 1) / period(i) * period(i);
}

static struct b256 value_of(unsigned i, uint64_t written)
{
    return b256_of_u64(written * 1000 + i);
}

static uint64_t last_write(unsigned i, uint64_t n)
{
    return n < birth(i) ? 0 : n / period(i) * period(i);
}

static void make_block(struct block *b, uint64_t n)
{
    b->diff_cnt = b->preimage_cnt = 0;
    for (unsigned i = 0; i < KEYS; i++) {
        if (n < birth(i) || n % period(i))
            continue;
        struct b256 now = value_of(i, n), old = value_of(i, n - period(i));
        bool fresh = n == birth(i);
        block_add_slot(b, &keys[i], &now, fresh ? NULL : &old, fresh);
    }
    struct account_record rec = { .nonce = n }, was = { .nonce = n - 1 };
    struct b256 old = account_value(&was);
    block_add_account(b, &who, &rec, n == 1 ? NULL : &old, n == 1);
}

static void *build(void *arg)
{
    struct block *b = malloc(sizeof(*b));
    struct err err = { 0 };
    (void)arg;
    for (uint64_t n = 1; n <= BLOCKS; n++) {
        make_block(b, n);
        assert_fine(
            state_apply_flat(s, n, b->diffs, b->diff_cnt, b->preimages, b->preimage_cnt, &err),
            &err);
        if (n % 50 == 0) { /* and over again */
            assert_fine(state_rollback(s, n - 5, &err), &err);
            n -= 5;
            for (uint64_t m = n + 1; m <= n + 5; m++) {
                make_block(b, m);
                assert_fine(state_apply_flat(s, m, b->diffs, b->diff_cnt, b->preimages,
                                             b->preimage_cnt, &err),
                            &err);
            }
            n += 5;
        }
    }
    free(b);
    return NULL;
}

static void *hash(void *arg)
{
    (void)arg;
    while (!atomic_load(&done)) {
        struct state_mark mark;
        struct err err = { 0 };
        uint64_t n = state_latest(s);
        if (!state_tree_advance(s, n, &mark, &err) && err.kind != ERR_INVALID)
            FAULT(); /* only a rollback in between may make it fail */
    }
    return NULL;
}

static void check_value(const struct state_view *v, unsigned i)
{
    uint64_t n = state_view_block(v), written = last_write(i, n);
    struct b256 value, want = { { 0 } };
    bool exists;
    if (!state_view_slot(v, &keys[i], &value, &exists))
        return; /* rolled back */
    if (written)
        want = value_of(i, written);
    if (exists != (written != 0) || !b256_eq(&value, &want))
        FAULT();
}

static void check_account(const struct state_view *v)
{
    struct account_record rec;
    bool exists;
    struct b256 probe;
    if (state_view_account(v, &who, &rec, &exists)) {
        if (rec.nonce != state_view_block(v))
            FAULT();
    } else if (state_view_slot(v, &keys[0], &probe, &exists)) {
        FAULT(); /* not rolled back, so the record must be there */
    }
}

static void check_proof(uint64_t *seed)
{
    struct state_proof *p = malloc(sizeof(*p));
    struct err err;
    uint64_t low = state_proof_floor(s), high = state_tree_block(s);
    uint64_t n = high > low ? low + random_u64(seed) % (high - low + 1) : high;
    unsigned i = (unsigned)(random_u64(seed) % KEYS);
    if (state_prove(s, n, &keys[i], p, &err)) {
        struct b256 value, want = { { 0 } };
        uint64_t written = last_write(i, n);
        if (written)
            want = value_of(i, written);
        if (!state_proof_verify(p, &keys[i], &p->mark.root, &value) || !b256_eq(&value, &want))
            FAULT();
        atomic_fetch_add(&proofs_seen, 1);
    }
    free(p);
}

static void *read_views(void *arg)
{
    uint64_t seed = (uint64_t)(uintptr_t)arg;
    while (!atomic_load(&done)) {
        struct err err;
        uint64_t latest = state_latest(s), floor = state_floor(s);
        uint64_t n = random_u64(&seed) % 2 || latest <= floor
                         ? STATE_LATEST
                         : floor + random_u64(&seed) % (latest - floor + 1);
        struct state_view *v = state_view_open(s, n, &err);
        if (v) {
            for (unsigned k = 0; k < 50; k++)
                check_value(v, (unsigned)(random_u64(&seed) % KEYS));
            if (state_view_block(v) > 0)
                check_account(v);
            state_view_close(v);
            atomic_fetch_add(&views_seen, 1);
        }
        check_proof(&seed);
    }
    return NULL;
}

static void *write_checkpoints(void *arg)
{
    (void)arg;
    while (!atomic_load(&done)) {
        struct mem_folder f;
        mem_folder_init(&f);
        struct checkpoint_info info = { .chain_id = 1 }, back;
        struct err err = { 0 };
        if (checkpoint_write(s, &f.files, STATE_LATEST, &info, &err)) {
            struct state *again = checkpoint_load(&f.files, &(struct state_config){ 4, 4 }, 1,
                                                  UINT64_MAX, &back, &err);
            if (!again || back.block != info.block)
                FAULT();
            struct state_view *v = state_view_open(again, STATE_LATEST, &err);
            for (unsigned i = 0; i < KEYS; i++)
                check_value(v, i);
            if (info.block > 0)
                check_account(v);
            state_view_close(v);
            state_destroy(again);
            atomic_fetch_add(&checkpoints, 1);
        }
        mem_folder_clear(&f);
    }
    return NULL;
}

static void together(void **unused)
{
    (void)unused;
    struct err err = { 0 };
    uint64_t seed = 11;
    who = addr_of_u32(99);
    for (unsigned i = 0; i < KEYS; i++)
        keys[i] = random_word(&seed);
    s = state_create(&(struct state_config){ 40, 20 });
    assert_fine(state_start(s, 0, NULL, 0, NULL, 0, NULL, &err), &err);
    pthread_t builder, hasher, writer, reader[READERS];
    assert_int_equal(pthread_create(&hasher, NULL, hash, NULL), 0);
    assert_int_equal(pthread_create(&writer, NULL, write_checkpoints, NULL), 0);
    for (uintptr_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&reader[i], NULL, read_views, (void *)(i + 1)), 0);
    assert_int_equal(pthread_create(&builder, NULL, build, NULL), 0);
    pthread_join(builder, NULL);
    while (atomic_load(&proofs_seen) < 50 || atomic_load(&views_seen) < 50 ||
           atomic_load(&checkpoints) < 3)
        sched_yield();
    atomic_store(&done, true);
    pthread_join(hasher, NULL);
    pthread_join(writer, NULL);
    for (unsigned i = 0; i < READERS; i++)
        pthread_join(reader[i], NULL);
    assert_int_equal(state_latest(s), BLOCKS);
    assert_fine(state_check(s, &err), &err);
    state_destroy(s);
}

int main(void)
{
    log_configure(LOG_ERROR, false);
    const struct CMUnitTest tests[] = { cmocka_unit_test(together) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
