/* The pool: what is executable, in which order it comes out, what replaces what, what is dropped. */
#include "node/chain/mempool.h"

#include "node/base/hash.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/chain/wallet.h"

static struct arena arena;
static struct mempool *pool;
static struct mempool_config cfg;
static struct mempool_admission adm;
static uint64_t now_ms;
static struct mempool_refusal why;

static uint64_t read_now(void *ctx)
{
    return *(uint64_t *)ctx;
}
static const struct clock test_clock = { .wall_ms = read_now, .mono_ms = read_now, .ctx = &now_ms };

static int setup(void **state)
{
    (void)state;
    arena_init_growing(&arena, 1 << 16, 256 << 20);
    mempool_config_default(&cfg);
    now_ms = 1000;
    pool = mempool_create(&cfg, &test_clock);
    adm = (struct mempool_admission){ .chain_id = 270,
                                      .block_gas_limit = 30000000,
                                      .base_fee = u256_of_u64(100),
                                      .minimal_base_fee = u256_of_u64(7),
                                      .account_balance = u256_of_u64(1000000000000000000u) };
    return pool ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    mempool_destroy(pool);
    arena_clear(&arena);
    return 0;
}

static void use_config(void)
{
    mempool_destroy(pool);
    pool = mempool_create(&cfg, &test_clock);
    assert_non_null(pool);
}

static struct stf_tx *tx_of(uint64_t who, uint64_t nonce, uint64_t max_fee, uint64_t tip)
{
    struct wallet w = wallet_of(who);
    struct wallet_tx t = { .chain_id = 270,
                           .nonce = nonce,
                           .gas_limit = 21000,
                           .max_fee = max_fee,
                           .max_priority_fee = tip,
                           .to = addr_of_u32(0xabcd) };
    return wallet_make(&w, &t, &arena);
}

static bool try_insert(const struct stf_tx *tx)
{
    return mempool_insert(pool, tx, &adm, &why);
}

static struct b256 insert(uint64_t who, uint64_t nonce, uint64_t max_fee, uint64_t tip)
{
    struct stf_tx *tx = tx_of(who, nonce, max_fee, tip);
    if (!try_insert(tx))
        fail_msg("refused: %s", why.message);
    return tx->hash;
}

static void refused(uint64_t who, uint64_t nonce, uint64_t max_fee, uint64_t tip, const char *text)
{
    assert_false(try_insert(tx_of(who, nonce, max_fee, tip)));
    assert_string_equal(why.message, text);
    assert_int_equal(why.code, -32000);
}

static void expect_counts(size_t pending, size_t queued)
{
    struct mempool_stats s;
    mempool_stats_get(pool, &s);
    assert_int_equal(s.pending, pending);
    assert_int_equal(s.queued, queued);
}

static size_t candidates(uint64_t base_fee, size_t max, struct mempool_tx **out)
{
    struct u256 fee = u256_of_u64(base_fee);
    size_t n = 0;
    assert_true(mempool_candidates(pool, &fee, max, 1 << 20, &arena, out, &n));
    if (max > 0)
        assert_int_equal(mempool_has_candidates(pool, &fee), n > 0);
    return n;
}

static void expect_order(uint64_t base_fee, const struct b256 *want, size_t n)
{
    struct mempool_tx *out;
    assert_int_equal(candidates(base_fee, 1000, &out), n);
    for (size_t i = 0; i < n; i++) {
        assert_memory_equal(out[i].hash.b, want[i].b, 32);
        assert_true(out[i].executable);
        struct b256 h = keccak256(out[i].envelope.p, out[i].envelope.len);
        assert_memory_equal(h.b, want[i].b, 32);
    }
}

static void apply(uint64_t who, uint64_t nonce, uint64_t balance)
{
    struct mempool_account a = { .addr = wallet_of(who).addr,
                                 .nonce = nonce,
                                 .balance = u256_of_u64(balance) };
    mempool_apply_block(pool, &a, 1);
}

/* ---- order ---- */

static void tip_then_arrival(void **state)
{
    (void)state;
    struct b256 h[5];
    h[3] = insert(1, 0, 1000, 5);
    h[0] = insert(2, 0, 1000, 50);
    h[4] = insert(3, 0, 103, 50); /* only 3 above the base fee */
    h[1] = insert(4, 0, 1000, 20);
    h[2] = insert(5, 0, 120, 99); /* 20 above the base fee, but later */
    expect_order(100, h, 5);
}

static void a_sender_goes_by_nonce(void **state)
{
    (void)state;
    struct b256 h[4];
    h[2] = insert(1, 1, 1000, 500); /* the best tip waits for nonce 0 */
    h[0] = insert(2, 0, 1000, 10);
    h[1] = insert(1, 0, 1000, 5);
    h[3] = insert(2, 1, 1000, 2);
    expect_order(100, h, 4);
}

static void base_fee_hides_and_ends_a_sender(void **state)
{
    (void)state;
    struct b256 h[3];
    h[0] = insert(1, 0, 1000, 5);
    insert(1, 1, 99, 5); /* below the base fee: this sender ends here */
    insert(1, 2, 1000, 500);
    h[1] = insert(2, 0, 1000, 1);
    insert(3, 0, 99, 9);
    expect_order(100, h, 2);
    expect_counts(5, 0); /* the base fee does not unmake what is executable */
    struct mempool_tx *out;
    assert_int_equal(candidates(99, 1000, &out), 5); /* it fell: they all come */
    assert_int_equal(candidates(1001, 1000, &out), 0);
}

static void limits_of_a_call(void **state)
{
    (void)state;
    struct mempool_tx *out;
    for (uint64_t i = 1; i <= 5; i++)
        insert(i, 0, 1000, i);
    assert_int_equal(candidates(100, 3, &out), 3);
    assert_int_equal(candidates(100, 0, &out), 0);
    struct u256 fee = u256_of_u64(100);
    size_t n = 0, len = tx_of(5, 0, 1000, 5)->envelope.len;
    assert_true(mempool_candidates(pool, &fee, 10, 2 * len + len / 2, &arena, &out, &n));
    assert_int_equal(n, 2);
}

/* ---- gaps ---- */

static void gap_waits_and_is_filled(void **state)
{
    (void)state;
    struct addr a = wallet_of(1).addr;
    insert(1, 2, 1000, 1);
    insert(1, 3, 1000, 1);
    expect_counts(0, 2);
    assert_int_equal(mempool_pending_nonce(pool, &a, 0), 0);
    insert(1, 0, 1000, 1);
    expect_counts(1, 2);
    assert_int_equal(mempool_pending_nonce(pool, &a, 0), 1);
    insert(1, 1, 1000, 1);
    expect_counts(4, 0);
    assert_int_equal(mempool_pending_nonce(pool, &a, 0), 4);
    assert_int_equal(mempool_pending_nonce(pool, &a, 2), 4);
    assert_int_equal(mempool_pending_nonce(pool, &a, 9), 9);
    struct addr nobody = addr_of_u32(1);
    assert_int_equal(mempool_pending_nonce(pool, &nobody, 7), 7);
}

static void removal_makes_a_gap(void **state)
{
    (void)state;
    insert(1, 0, 1000, 1);
    struct b256 second = insert(1, 1, 1000, 1);
    insert(1, 2, 1000, 1);
    mempool_remove(pool, &second);
    expect_counts(1, 1);
    mempool_remove(pool, &second); /* it is gone: nothing happens */
    expect_counts(1, 1);
}

/* Funds count over the sender's transactions together. */
static void funds_of_all(void **state)
{
    (void)state;
    uint64_t one = 21000 * 1000;
    adm.account_balance = u256_of_u64(2 * one);
    for (uint64_t i = 0; i < 4; i++)
        insert(1, i, 1000, 1);
    expect_counts(2, 2);
    apply(1, 1, 3 * one); /* the first was included, and money came */
    expect_counts(3, 0);
    apply(1, 1, one - 1);
    expect_counts(0, 3);
}

/* ---- replacement ---- */

static void bump_of_exactly_ten_percent(void **state)
{
    (void)state;
    static const char text[] = "replacement transaction underpriced";
    struct b256 old = insert(1, 0, 1000, 100), h;
    refused(1, 0, 1099, 110, text);
    refused(1, 0, 1100, 109, text);
    refused(1, 0, 5000, 109, text);
    h = insert(1, 0, 1100, 110);
    expect_order(100, &h, 1);
    struct mempool_tx out;
    assert_false(mempool_find(pool, &old, &arena, &out));
    assert_true(mempool_find(pool, &h, &arena, &out));
    struct mempool_stats s;
    mempool_stats_get(pool, &s);
    assert_int_equal(s.replaced, 1);
    assert_int_equal(s.inserted, 2);
    assert_int_equal(s.refused, 3);
}

static void bump_rounds_up(void **state)
{
    (void)state;
    insert(1, 0, 1005, 15); /* needs 1105.5 and 16.5 */
    refused(1, 0, 1105, 17, "replacement transaction underpriced");
    refused(1, 0, 1106, 16, "replacement transaction underpriced");
    insert(1, 0, 1106, 17);
    insert(2, 0, 1000, 0); /* no tip: ten percent of nothing */
    insert(2, 0, 1100, 0);
}

static void bump_is_configured(void **state)
{
    (void)state;
    cfg.price_bump_percent = 100;
    use_config();
    insert(1, 0, 1000, 100);
    refused(1, 0, 1999, 200, "replacement transaction underpriced");
    insert(1, 0, 2000, 200);
}

static void same_one_again(void **state)
{
    (void)state;
    insert(1, 0, 1000, 100);
    refused(1, 0, 1000, 100, "already known");
}

/* ---- limits ---- */

static void slots_of_an_account(void **state)
{
    (void)state;
    static const char text[] = "txpool is full: too many transactions of this sender";
    cfg.max_account_slots = 3;
    use_config();
    for (uint64_t i = 0; i < 3; i++)
        insert(1, i, 1000, 1);
    refused(1, 3, 1000, 1, text); /* executable ones are full */
    for (uint64_t i = 10; i < 13; i++)
        insert(1, i, 1000, 1);
    refused(1, 13, 1000, 1, text); /* so are the waiting ones */
    expect_counts(3, 3);
    insert(1, 1, 1100, 2); /* a replacement takes no slot */
    insert(2, 0, 1000, 1); /* and others have their own */
    for (uint64_t i = 5; i < 8; i++)
        insert(3, i, 1000, 1);
    refused(3, 8, 1000, 1, text);
    insert(3, 0, 1000, 1);
}

/* A sender whose room is used up: what runs earlier takes the place of his last waiting one, and of nobody else's. */
static void an_earlier_one_displaces_the_last(void **state)
{
    (void)state;
    struct addr a = wallet_of(1).addr;
    struct mempool_tx out;
    cfg.max_account_slots = 2;
    cfg.max_pending = 2;
    cfg.max_queued = 2;
    use_config();
    insert(2, 0, 1000, 1);
    insert(2, 1, 1000, 1);
    insert(1, 5, 1000, 500);
    insert(1, 9, 1000, 500);
    refused(1, 10, 1000, 900, "txpool is full: too many transactions of this sender");
    insert(1, 4, 1000, 500); /* the pool is full, too: sender 2 keeps his places */
    assert_false(mempool_find_by_nonce(pool, &a, 9, &arena, &out));
    assert_true(mempool_find_by_nonce(pool, &a, 5, &arena, &out));
    expect_counts(2, 2);
}

static void queue_is_bounded(void **state)
{
    (void)state;
    cfg.max_queued = 2;
    use_config();
    insert(1, 5, 1000, 1);
    insert(2, 5, 1000, 1);
    refused(3, 5, 1000, 900, "txpool is full");
    insert(3, 0, 1000, 1); /* executable: not the queue's business */
    expect_counts(1, 2);
}

static void worst_goes_first(void **state)
{
    (void)state;
    cfg.max_pending = 3;
    cfg.max_queued = 0;
    use_config();
    struct b256 h[3];
    h[1] = insert(1, 0, 1000, 30);
    insert(1, 1, 1000, 20); /* sender 1's tail */
    h[2] = insert(2, 0, 1000, 25);
    refused(3, 0, 1000, 20, "txpool is full"); /* not better than the worst */
    h[0] = insert(3, 0, 1000, 40);
    expect_order(100, h, 3);
    struct mempool_stats s;
    mempool_stats_get(pool, &s);
    assert_int_equal(s.evicted, 1);
}

/* A legacy transaction's price is no tip: what counts is what is left above the base fee. */
static void eviction_goes_by_effective_tip(void **state)
{
    (void)state;
    cfg.max_pending = 2;
    cfg.max_queued = 0;
    use_config();
    insert(1, 0, 101, 101); /* tip 1 */
    struct b256 h[2];
    h[1] = insert(2, 0, 1000, 50);
    h[0] = insert(3, 0, 1000, 60);
    expect_order(100, h, 2);
}

/* Who pays least depends on the base fee of the moment; of equals the last that came goes. */
static void the_worst_is_found_again_at_another_base_fee(void **state)
{
    (void)state;
    cfg.max_pending = 3;
    cfg.max_queued = 0;
    use_config();
    insert(1, 0, 200, 200); /* 100 now, 10 later */
    struct b256 h[3];
    h[0] = insert(2, 0, 1000, 50);
    insert(3, 0, 1000, 50);
    refused(4, 0, 1000, 50, "txpool is full");
    h[1] = insert(4, 0, 1000, 51); /* in the place of 3 */
    adm.base_fee = u256_of_u64(190);
    refused(5, 0, 1000, 10, "txpool is full");
    h[2] = insert(5, 0, 1000, 20);
    struct b256 order[3] = { h[1], h[0], h[2] };
    expect_order(190, order, 3);
}

/* Refused for its own faults: nobody else loses a place. */
static void refusal_evicts_nobody(void **state)
{
    (void)state;
    cfg.max_pending = 4;
    cfg.max_queued = 0;
    cfg.max_account_slots = 2;
    use_config();
    insert(1, 0, 1000, 1);
    insert(2, 0, 1000, 1);
    insert(3, 0, 9000, 500);
    insert(3, 1, 9000, 500);
    refused(3, 2, 9000, 900, "txpool is full: too many transactions of this sender");
    refused(3, 0, 9001, 501, "replacement transaction underpriced");
    insert(3, 0, 9900, 550); /* a full pool can replace */
    expect_counts(4, 0);
    struct mempool_stats s;
    mempool_stats_get(pool, &s);
    assert_int_equal(s.evicted, 0);
}

static void bytes_are_bounded(void **state)
{
    (void)state;
    size_t len = tx_of(1, 0, 1000, 10)->envelope.len + 256;
    cfg.max_bytes = 2 * len + 20;
    use_config();
    insert(1, 0, 1000, 10);
    insert(2, 0, 1000, 11);
    refused(3, 0, 1000, 10, "txpool is full");
    insert(3, 0, 1000, 12);
    struct mempool_stats s;
    mempool_stats_get(pool, &s);
    assert_int_equal(s.evicted, 1);
    assert_true(s.bytes <= cfg.max_bytes);
}

/* ---- blocks ---- */

static void block_drops_what_is_included(void **state)
{
    (void)state;
    struct addr a = wallet_of(1).addr;
    struct mempool_tx out;
    for (uint64_t i = 0; i < 5; i++)
        insert(1, i, 1000, 1);
    insert(2, 0, 1000, 1);
    apply(1, 3, 1000000000000u);
    expect_counts(3, 0);
    assert_false(mempool_find_by_nonce(pool, &a, 2, &arena, &out));
    assert_true(mempool_find_by_nonce(pool, &a, 3, &arena, &out));
    assert_int_equal(out.nonce, 3);
    assert_int_equal(mempool_pending_nonce(pool, &a, 3), 5);
    apply(1, 9, 0); /* nonces went by that the pool never saw */
    expect_counts(1, 0);
    apply(7, 1, 1); /* an account the pool does not know */
    expect_counts(1, 0);
}

/* RPC's view of the chain may be older or newer than the pool's. */
static void views_older_and_newer(void **state)
{
    (void)state;
    insert(1, 0, 1000, 1);
    insert(1, 1, 1000, 1);
    insert(1, 2, 1000, 1);
    apply(1, 2, 1000000000000u);
    adm.account_nonce = 0; /* older: the pool knows better */
    refused(1, 1, 1000, 5, "nonce too low: next nonce 2, tx nonce 1");
    insert(1, 3, 1000, 1);
    expect_counts(2, 0);
    adm.account_nonce = 3; /* newer: what it makes stale goes */
    insert(1, 4, 1000, 1);
    expect_counts(2, 0);
    struct mempool_tx *out;
    assert_int_equal(candidates(100, 10, &out), 2);
    assert_int_equal(out[0].nonce, 3);
}

/* The sender's only transaction was included and the pool forgot it; the next one was checked against the block before. */
static void next_one_with_the_view_before(void **state)
{
    (void)state;
    insert(1, 0, 1000, 1);
    apply(1, 1, 1000000000000u);
    expect_counts(0, 0);
    adm.account_nonce = 0;
    insert(1, 1, 1000, 1);
    expect_counts(1, 0);
    refused(1, 0, 1000, 5, "nonce too low: next nonce 1, tx nonce 0");
    apply(1, 2, 1000000000000u);
    for (uint64_t i = 0; i < 7; i++) /* still known some blocks later */
        mempool_apply_block(pool, NULL, 0);
    insert(1, 2, 1000, 1);
    expect_counts(1, 0);
}

static void waiting_ones_expire(void **state)
{
    (void)state;
    struct b256 h[2];
    h[0] = insert(1, 0, 1000, 1);
    insert(1, 2, 1000, 1);
    insert(2, 4, 1000, 1);
    now_ms += cfg.queued_ttl_ms - 1;
    insert(1, 3, 1000, 1);
    mempool_expire(pool);
    expect_counts(1, 3);
    now_ms += 1;
    mempool_expire(pool);
    expect_counts(1, 1); /* nonce 3 is younger; the executable one stays whatever its age */
    expect_order(100, h, 1);
    now_ms += cfg.queued_ttl_ms;
    mempool_expire(pool);
    expect_counts(1, 0);
}

/* ---- events and looks ---- */

static void on_event(void *arg, const struct b256 *hash)
{
    struct b256 **next = arg;
    *(*next)++ = *hash;
}

static void event_when_executable(void **state)
{
    (void)state;
    struct b256 got[8], *next = got;
    mempool_on_executable(pool, on_event, &next);
    insert(1, 1, 1000, 1); /* waits */
    assert_int_equal(next - got, 0);
    struct b256 h = insert(1, 0, 1000, 1);
    assert_int_equal(next - got, 1);
    assert_memory_equal(got[0].b, h.b, 32);
    h = insert(1, 0, 1100, 2);
    assert_int_equal(next - got, 2);
    assert_memory_equal(got[1].b, h.b, 32);
    assert_false(try_insert(tx_of(1, 0, 1101, 2)));
    assert_int_equal(next - got, 2);
    mempool_on_executable(pool, NULL, NULL);
    insert(2, 0, 1000, 1);
    assert_int_equal(next - got, 2);
}

static void snapshot_holds_all(void **state)
{
    (void)state;
    struct mempool_tx *out;
    size_t n = 0;
    assert_true(mempool_snapshot(pool, &arena, &out, &n));
    assert_int_equal(n, 0);
    insert(1, 1, 1000, 1);
    insert(1, 0, 1000, 1);
    insert(1, 7, 1000, 1);
    insert(2, 3, 1000, 1);
    assert_true(mempool_snapshot(pool, &arena, &out, &n));
    assert_int_equal(n, 4);
    size_t executable = 0;
    for (size_t i = 0; i < n; i++) {
        executable += out[i].executable;
        if (i > 0 && addr_eq(&out[i].from, &out[i - 1].from))
            assert_true(out[i].nonce > out[i - 1].nonce);
        else if (i > 1)
            assert_false(addr_eq(&out[i].from, &out[i - 2].from)); /* sender by sender */
        assert_int_equal(out[i].arrived_ms, now_ms);
    }
    assert_int_equal(executable, 2);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(tip_then_arrival),
        T(a_sender_goes_by_nonce),
        T(base_fee_hides_and_ends_a_sender),
        T(limits_of_a_call),
        T(gap_waits_and_is_filled),
        T(removal_makes_a_gap),
        T(funds_of_all),
        T(bump_of_exactly_ten_percent),
        T(bump_rounds_up),
        T(bump_is_configured),
        T(same_one_again),
        T(slots_of_an_account),
        T(an_earlier_one_displaces_the_last),
        T(queue_is_bounded),
        T(worst_goes_first),
        T(eviction_goes_by_effective_tip),
        T(the_worst_is_found_again_at_another_base_fee),
        T(refusal_evicts_nobody),
        T(bytes_are_bounded),
        T(block_drops_what_is_included),
        T(views_older_and_newer),
        T(next_one_with_the_view_before),
        T(waiting_ones_expire),
        T(event_when_executable),
        T(snapshot_holds_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
