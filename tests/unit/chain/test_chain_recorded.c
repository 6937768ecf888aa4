/* Block 1 and on, of a recorded chain: the genesis upgrade transaction and SetSLChainId from the recorded L1, a recorded deposit, then
 * transfers signed with the depositor's key; restarts in between. The real v31 genesis, the real transition function. */
#include <inttypes.h>
#include <stdio.h>

#include "node/base/hash.h"
#include "node/base/hex.h"
#include "node/store/l1_tx.h"
#include "node/store/sql.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/chain/chain_world.h"
#include "tests/vectors/recorded/recorded.h"

#define SKIP 77
/* the public first key of the anvil development mnemonic */
#define DEPOSITOR "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"

static struct chain_world w;
static struct arena arena;
static struct l1_tx_row upgrade, deposit;

/* ---- recorded rows ---- */

static const json_t *of_chain_10(const json_t *list)
{
    size_t i;
    json_t *x;
    json_array_foreach((json_t *)(uintptr_t)list, i, x)
    {
        if (json_integer_value(json_object_get(x, "chainId")) == WORLD_CHAIN_ID)
            return x;
    }
    fail_msg("no entry for chain %u", WORLD_CHAIN_ID);
    return NULL;
}

/* The tuple between two offsets of the event's head, behind its type byte. */
static struct bytes envelope_of(const json_t *log, uint8_t type, unsigned slot, unsigned next_slot)
{
    struct bytes data = json_hex(&arena, json_object_get(log, "data"));
    struct u256 from = u256_of_be32(data.p + 32 * (size_t)slot);
    struct u256 to = u256_of_be32(data.p + 32 * (size_t)next_slot);
    size_t len = (size_t)(to.w[0] - from.w[0]);
    uint8_t *out = arena_alloc(&arena, len + 1);
    assert_non_null(out);
    out[0] = type;
    memcpy(out + 1, data.p + from.w[0], len);
    return bytes_of(out, len + 1);
}

static void read_rows(void)
{
    json_t *u = recorded_load("vectors/l1/genesis-upgrade-txs.json", 0),
           *p = recorded_load("vectors/l1/priority-requests.json", 0);
    const json_t *ux = of_chain_10(u), *px = of_chain_10(p);
    struct bytes h = json_hex(&arena, json_object_get(ux, "onChainHash"));
    upgrade = (struct l1_tx_row){ .id = 31, .l1_block = 29 };
    memcpy(upgrade.hash.b, h.p, 32);
    upgrade.envelope = envelope_of(json_object_get(ux, "log"), TX_UPGRADE, 0, 1);
    h = json_hex(&arena, json_object_get(px, "txHash"));
    deposit = (struct l1_tx_row){ .id = 0, .l1_block = 335 };
    memcpy(deposit.hash.b, h.p, 32);
    deposit.envelope = envelope_of(json_object_get(px, "log"), TX_PRIORITY, 3, 4);
    json_decref(u);
    json_decref(p);
}

static bool put_upgrade(struct store_txn *t, void *arg, struct err *err)
{
    (void)arg;
    return l1_upgrade_put(t, &upgrade, err);
}
static bool put_deposit(struct store_txn *t, void *arg, struct err *err)
{
    (void)arg;
    return l1_priority_append(t, &deposit, 1, err);
}

static int setup(void **state)
{
    (void)state;
    arena_init_growing(&arena, 1 << 16, 64 << 20);
    read_rows();
    world_create(&w, true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_remove(&w);
    arena_clear(&arena);
    return 0;
}

static void upgrade_block(void)
{
    world_write(&w, STORE_JOURNAL, put_upgrade, NULL);
    chain_l1_txs_arrived(w.chain);
    world_run_to_ok(&w, 1);
}

static void deposit_block_at(uint64_t number)
{
    world_write(&w, STORE_JOURNAL, put_deposit, NULL);
    chain_l1_txs_arrived(w.chain);
    world_run_to_ok(&w, number);
}

static void deposit_block(void)
{
    deposit_block_at(2);
}

static const struct chain_block *acquire(uint64_t n)
{
    struct err err;
    const struct chain_block *b = chain_block_acquire(w.chain, w.reader, n, &err);
    if (!b)
        fail_msg("block %" PRIu64 ": %s", n, err.msg);
    return b;
}

/* ---- tests ---- */

/* Nothing may come before the upgrade: a deposit and a transfer wait for it. */
static void nothing_before_the_upgrade(void **state)
{
    (void)state;
    world_open_ok(&w);
    world_write(&w, STORE_JOURNAL, put_deposit, NULL);
    chain_l1_txs_arrived(w.chain);
    world_spin(&w, 50);
    assert_int_equal(w.last_block, 0);
    upgrade_block();
    const struct chain_block *b = acquire(1);
    assert_int_equal(b->r.l1_tx_cnt, 0);
    chain_block_release(w.chain, b);
    world_run_to_ok(&w, 2);
    b = acquire(2);
    assert_int_equal(b->r.l1_tx_cnt, 1);
    assert_memory_equal(b->r.txs[0].hash.b, deposit.hash.b, 32);
    chain_block_release(w.chain, b);
}

static void block_1_is_upgrade_and_sl_chain_id(void **state)
{
    (void)state;
    struct err err;
    world_open_ok(&w);
    assert_int_equal(chain_head_get(w.chain).protocol_minor, 0);
    upgrade_block();
    const struct chain_block *b = acquire(1);
    assert_int_equal(b->r.tx_cnt, 2);
    assert_true(b->r.txs[0].success && b->r.txs[1].success);
    assert_int_equal(b->r.txs[0].envelope.p[0], TX_UPGRADE);
    assert_int_equal(b->r.txs[1].envelope.p[0], TX_SYSTEM);
    assert_memory_equal(b->r.txs[0].hash.b, upgrade.hash.b, 32);
    assert_memory_equal(b->r.upgrade_tx_hash.b, upgrade.hash.b, 32);
    assert_true(b->r.sets_sl_chain_id);
    assert_int_equal(b->r.protocol_minor, 31);
    chain_block_release(w.chain, b);
    assert_int_equal(chain_head_get(w.chain).protocol_minor, 31);
    struct batch_block bb;
    if (!chain_batch_block_load(w.chain, w.reader, 1, &arena, &bb, &err))
        fail_msg("%s", err.msg);
    assert_true(bb.sets_sl_chain_id);
    assert_int_equal(bb.sl_chain_id, 31337);
    assert_int_equal(bb.l1_tx_cnt, 0);
    assert_true(state_check(w.state, &err));
    struct chain_stats s;
    chain_stats_get(w.chain, &s);
    assert_int_equal(s.seals[SEAL_SL_CHAIN_ID], 1);
    assert_int_equal(s.failed_txs, 0);
    world_spin(&w, 30);
    assert_int_equal(w.last_block, 1); /* the upgrade is taken once */
}

/* ---- interop roots: the real contract at 0x10008 stores them ---- */

#define ROOTS 3
static struct chain_interop_root roots[ROOTS];
static struct b256 rolling[ROOTS];
static struct bytes import_calldata;

static void read_roots(void)
{
    json_t *j = recorded_load("vectors/interop/dependency_roots.json", 0);
    const json_t *steps = json_object_get(j, "steps");
    const json_t *list = json_object_get(json_array_get(steps, ROOTS - 1), "roots");
    assert_int_equal(json_array_size(list), ROOTS);
    for (size_t i = 0; i < ROOTS; i++) {
        const json_t *r = json_array_get(list, i);
        struct bytes side = json_hex(&arena, json_array_get(json_object_get(r, "sides"), 0));
        struct bytes h = json_hex(&arena, json_object_get(json_array_get(steps, i), "rolling"));
        roots[i].chain_id = (uint64_t)json_integer_value(json_object_get(r, "chainId"));
        roots[i].block = (uint64_t)json_integer_value(json_object_get(r, "blockOrBatchNumber"));
        roots[i].log_id = 7 + i;
        memcpy(roots[i].root.b, side.p, 32);
        memcpy(rolling[i].b, h.p, 32);
    }
    import_calldata = json_hex(&arena, json_object_get(j, "import_calldata"));
    json_decref(j);
}

/* A chain that settles on chain 506, behind its upgrade. */
static void open_on_506(void)
{
    read_roots();
    w.cfg.sl_chain_id = 506;
    world_open_ok(&w);
    upgrade_block();
}

static void import(size_t i)
{
    struct err err;
    if (!chain_import_root(w.chain, &roots[i], &err))
        fail_msg("%s", err.msg);
}

static struct b256 rolling_after(uint64_t first, uint64_t last)
{
    struct batch_accumulator a;
    struct batch_block blk;
    struct err err;
    batch_accumulator_init(&a, &arena, 1, WORLD_CHAIN_ID, DA_EMPTY_NO_DA);
    for (uint64_t n = first; n <= last; n++) {
        assert_true(chain_batch_block_load(w.chain, w.reader, n, &arena, &blk, &err));
        assert_true(batch_accumulator_add(&a, &blk));
    }
    return a.dependency_hash;
}

static void roots_make_a_block_of_their_own(void **state)
{
    (void)state;
    open_on_506();
    for (size_t i = 0; i < ROOTS; i++)
        import(i);
    world_write(&w, STORE_JOURNAL, put_deposit, NULL); /* waits: the import comes first, alone */
    world_run_to_ok(&w, 2);
    const struct chain_block *b = acquire(2);
    assert_int_equal(b->r.tx_cnt, 1);
    assert_true(b->r.txs[0].success);
    assert_int_equal(b->r.txs[0].envelope.p[0], TX_SYSTEM);
    assert_int_equal(b->r.interop_root_cnt, ROOTS);
    for (size_t i = 0; i < ROOTS; i++) {
        assert_int_equal(b->r.interop_roots[i].block_or_batch.w[0], roots[i].block);
        assert_memory_equal(&b->r.interop_roots[i].root, &roots[i].root, 32);
    }
    struct stf_tx tx;
    assert_int_equal(tx_decode(&tx, b->r.txs[0].envelope, &arena), STF_OK);
    assert_int_equal(tx.data.len, import_calldata.len);
    assert_memory_equal(tx.data.p, import_calldata.p, import_calldata.len);
    chain_block_release(w.chain, b);
    struct b256 h = rolling_after(2, 2);
    assert_memory_equal(&h, &rolling[ROOTS - 1], 32);
    struct chain_roots_status s;
    chain_roots_status(w.chain, &s);
    assert_int_equal(s.imported, ROOTS);
    assert_int_equal(s.waiting, 0);
    assert_int_equal(s.last_log_id, roots[ROOTS - 1].log_id);
    chain_l1_txs_arrived(w.chain);
    world_run_to_ok(&w, 3);
    b = acquire(3);
    assert_int_equal(b->r.l1_tx_cnt, 1);
    chain_block_release(w.chain, b);
}

/* The hash of spec 40 §5.1 for [(506, 100), (506, 103)] under log id 9. */
static void the_transaction_has_the_protocols_hash(void **state)
{
    (void)state;
    open_on_506();
    roots[1].log_id = 9;
    import(0);
    import(1);
    world_run_to_ok(&w, 2);
    const struct chain_block *b = acquire(2);
    struct b256 want;
    const char *hex = "0x8f5d521129447192bf3b123b00b058667aaa2e9390b32873841b7d352eaabfe3";
    assert_true(hex_decode_exact(want.b, 32, hex, strlen(hex)));
    assert_memory_equal(&b->r.txs[0].hash, &want, 32);
    chain_block_release(w.chain, b);
}

static void roots_that_are_stored_are_passed_over(void **state)
{
    (void)state;
    open_on_506();
    import(0);
    import(1);
    world_run_to_ok(&w, 2);
    world_close(&w); /* and offered again by whoever lost count */
    world_open_ok(&w);
    for (size_t i = 0; i < ROOTS; i++)
        import(i);
    world_run_to_ok(&w, 3);
    const struct chain_block *b = acquire(3);
    assert_int_equal(b->r.interop_root_cnt, 1);
    assert_memory_equal(&b->r.interop_roots[0].root, &roots[2].root, 32);
    chain_block_release(w.chain, b);
    struct b256 h = rolling_after(2, 3);
    assert_memory_equal(&h, &rolling[ROOTS - 1], 32);
}

/* Two roots for one block cannot both be right, and there is no block with either then. */
static void another_root_for_a_stored_block_stops_importing(void **state)
{
    (void)state;
    struct chain_roots_status s;
    struct err err;
    open_on_506();
    import(0);
    world_run_to_ok(&w, 2);
    roots[0].root.b[0] ^= 1;
    roots[0].log_id = 8;
    import(0);
    for (int i = 0; i < 200; i++) {
        world_spin(&w, 10);
        chain_roots_status(w.chain, &s);
        if (s.stopped)
            break;
    }
    assert_true(s.stopped);
    assert_non_null(strstr(s.why, "block 100 has another root in this chain already"));
    roots[1].log_id = 11;
    assert_false(chain_import_root(w.chain, &roots[1], &err));
    assert_int_equal(err.kind, ERR_REJECTED);
    deposit_block_at(3); /* the chain goes on */
    assert_int_equal(w.stops, 0);
}

static void roots_of_another_chain_or_order_are_refused(void **state)
{
    (void)state;
    struct err err;
    open_on_506();
    roots[0].chain_id = 31337;
    assert_false(chain_import_root(w.chain, &roots[0], &err));
    assert_int_equal(err.kind, ERR_INVALID);
    roots[1].root = (struct b256){ { 0 } };
    assert_false(chain_import_root(w.chain, &roots[1], &err));
    import(2);
    roots[0].chain_id = 506;
    assert_false(chain_import_root(w.chain, &roots[0], &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_non_null(strstr(err.msg, "in order"));
}

/* A Gateway's history from before v31 has only zeros for log ids; blocks give the order. */
static void roots_that_nobody_counted_are_imported(void **state)
{
    (void)state;
    struct err err;
    open_on_506();
    for (size_t i = 0; i < ROOTS; i++) {
        roots[i].log_id = i < ROOTS - 1 ? 0 : 1;
        import(i);
    }
    roots[0].block = roots[ROOTS - 1].block + 1; /* the count goes on, never back */
    assert_false(chain_import_root(w.chain, &roots[0], &err));
    assert_int_equal(err.kind, ERR_INVALID);
    world_run_to_ok(&w, 2);
    const struct chain_block *b = acquire(2);
    assert_int_equal(b->r.interop_root_cnt, ROOTS);
    chain_block_release(w.chain, b);
    struct b256 h = rolling_after(2, 2);
    assert_memory_equal(&h, &rolling[ROOTS - 1], 32);
}

static void a_deposit_mints_and_funds(void **state)
{
    (void)state;
    struct wallet user = wallet_of_hex(DEPOSITOR);
    struct err err;
    world_open_ok(&w);
    upgrade_block();
    struct u256 zero = world_balance(&w, &user.addr);
    assert_true(u256_is_zero(&zero));
    deposit_block();
    const struct chain_block *b = acquire(2);
    assert_int_equal(b->r.tx_cnt, 1);
    assert_int_equal(b->r.starting_l1_priority_id, 0);
    assert_int_equal(b->r.txs[0].l2_log_cnt, 1); /* the result of the L1 transaction */
    assert_memory_equal(b->r.txs[0].l2_logs[0].key.b, deposit.hash.b, 32);
    assert_int_equal(b->r.txs[0].l2_logs[0].value.b[31], b->r.txs[0].success);
    chain_block_release(w.chain, b);
    assert_int_equal(chain_head_get(w.chain).next_l1_priority_id, 1);
    struct u256 funded = world_balance(&w, &user.addr);
    assert_false(u256_is_zero(&funded));
    struct batch_block bb;
    assert_true(chain_batch_block_load(w.chain, w.reader, 2, &arena, &bb, &err));
    assert_int_equal(bb.l1_tx_cnt, 1);
    assert_memory_equal(bb.l1_tx_hashes[0].b, deposit.hash.b, 32);
}

/* Upgrade, deposit, three transfers; stopped and started again after each; the tail executed again from the recorded genesis. */
static void the_whole_story_with_restarts(void **state)
{
    (void)state;
    struct wallet user = wallet_of_hex(DEPOSITOR);
    struct b256 hashes[6];
    struct state_mark marks[6];
    world_open_ok(&w);
    for (uint64_t n = 1; n <= 5; n++) {
        if (n == 1)
            upgrade_block();
        else if (n == 2)
            deposit_block();
        else
            world_transfer(&w, &user, n - 3, 1000 * n);
        world_run_to_ok(&w, n);
        hashes[n] = w.hashes[n];
        assert_true(state_mark_at(w.state, n, &marks[n]));
        world_close(&w);
        world_open_ok(&w);
        struct chain_head h = chain_head_get(w.chain);
        assert_int_equal(h.number, n);
        assert_memory_equal(h.hash.b, hashes[n].b, 32);
        assert_int_equal(h.next_l1_priority_id, n >= 2 ? 1 : 0);
        assert_int_equal(h.protocol_minor, 31);
    }
    struct addr to = addr_of_u32(0xabcd);
    assert_int_equal(world_balance(&w, &to).w[0], 1000 * (3 + 4 + 5));
    assert_int_equal(world_nonce(&w, &user.addr), 3);
    world_close(&w);
    world_delete_file(&w, "index.db");
    world_open_ok(&w);
    for (uint64_t n = 1; n <= 5; n++) {
        struct state_mark m;
        assert_true(state_mark_at(w.state, n, &m));
        assert_memory_equal(&m.root, &marks[n].root, 32);
        const struct chain_block *b = acquire(n);
        assert_memory_equal(b->r.block_hash.b, hashes[n].b, 32);
        struct b256 header = stf_header_hash(&b->r.header);
        assert_memory_equal(header.b, hashes[n].b, 32);
        chain_block_release(w.chain, b);
    }
}

/* A priority operation that cannot run stops the chain in words; it is never skipped. */
static void a_bad_priority_operation_stops(void **state)
{
    (void)state;
    world_open_ok(&w);
    upgrade_block();
    uint8_t *cut = arena_copy(&arena, deposit.envelope.p, deposit.envelope.len);
    deposit.envelope = bytes_of(cut, deposit.envelope.len - 32);
    world_write(&w, STORE_JOURNAL, put_deposit, NULL);
    chain_l1_txs_arrived(w.chain);
    assert_false(world_run_to(&w, 2));
    assert_int_equal(w.stops, 1);
    assert_non_null(strstr(w.stopped_why, "block 2: priority operation 0: "));
    assert_int_equal(chain_head_get(w.chain).number, 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    if (!recorded_present("a recorded chain from its genesis on"))
        return SKIP;
    const struct CMUnitTest tests[] = {
        T(roots_make_a_block_of_their_own),
        T(the_transaction_has_the_protocols_hash),
        T(roots_that_are_stored_are_passed_over),
        T(another_root_for_a_stored_block_stops_importing),
        T(roots_of_another_chain_or_order_are_refused),
        T(roots_that_nobody_counted_are_imported),
        T(nothing_before_the_upgrade),
        T(block_1_is_upgrade_and_sl_chain_id),
        T(a_deposit_mints_and_funds),
        T(the_whole_story_with_restarts),
        T(a_bad_priority_operation_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
