/* The power goes at the n-th disk operation, for many n, while a chain builds blocks, while it writes checkpoints, while it starts:
 * afterwards every block that was published is there with its hash, there is no gap, and what is derived from the blocks is whole. Design:
 * durable before visible. GH_POWERCUT_SEED repeats a run, GH_POWERCUT_ROUNDS makes it longer. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "node/base/log.h"
#include "tests/integration/powercut/powercut_vfs.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/chain/chain_world.h"
#include "tests/unit/state/memory_files.h"

#define ROUNDS_DEFAULT 250
#define ROUNDS_A_CHAIN 40

static struct chain_world w;
static struct mem_folder folder;
static struct b256 acked[4096];
static struct state_mark marks[4096];
static bool have_mark[4096];
static uint64_t acked_last, seed;

static void ack(struct chain_world *world, const struct chain_block *b)
{
    (void)world;
    acked_last = b->r.ctx.number;
    acked[acked_last] = b->r.block_hash;
}

static void new_chain(void)
{
    world_create(&w, false);
    mem_folder_init(&folder);
    powercut_forget();
    w.vfs = POWERCUT_VFS;
    w.checkpoint_files = &folder.files;
    w.cfg.checkpoint_every_blocks = 3;
    w.cfg.min_blocks_to_replay = 3;
    w.on_block = ack;
    acked_last = 0;
    memset(have_mark, 0, sizeof(have_mark));
}

static void end_chain(void)
{
    world_close(&w);
    world_remove(&w);
    mem_folder_clear(&folder);
}

/* Everything published before is here, and everything that follows from it. */
static void check_chain(unsigned round)
{
    struct arena arena;
    struct err err = { .kind = ERR_NONE };
    uint64_t head = chain_head_get(w.chain).number;
    arena_init_growing(&arena, 1 << 16, 64 << 20);
    if (head < acked_last)
        fail_msg("round %u: block %" PRIu64 " was published, the chain ends at %" PRIu64, round,
                 acked_last, head);
    struct b256 parent = { { 0 } };
    for (uint64_t n = 0; n <= head; n++) {
        const struct chain_block *b = chain_block_acquire(w.chain, w.reader, n, &err);
        if (!b)
            fail_msg("round %u: block %" PRIu64 " is missing: %s", round, n, err.msg);
        if (n > 0 && n <= acked_last)
            assert_memory_equal(b->r.block_hash.b, acked[n].b, 32);
        if (n > 0)
            assert_memory_equal(b->r.header.parent_hash.b, parent.b, 32);
        struct chain_tx_location loc;
        uint64_t number = 0;
        bool found = false;
        assert_true(
            chain_block_number_of(w.chain, w.reader, &b->r.block_hash, &number, &found, &err));
        assert_true(found && number == n);
        for (size_t i = 0; i < b->r.tx_cnt; i++) {
            assert_true(chain_tx_find(w.chain, w.reader, &b->r.txs[i].hash, &loc, &found, &err));
            assert_true(found && loc.block == n && loc.index == i);
        }
        parent = b->r.block_hash;
        acked[n] = parent;
        chain_block_release(w.chain, b);
        struct batch_block bb;
        if (n > 0 && !chain_batch_block_load(w.chain, w.reader, n, &arena, &bb, &err))
            fail_msg("round %u: %s", round, err.msg);
        struct state_mark m;
        if (n > 0 && state_mark_at(w.state, n, &m)) {
            assert_memory_equal(bb.tree_root.b, m.root.b, 32);
            if (have_mark[n])
                assert_memory_equal(&marks[n].root, &m.root, 32);
            marks[n] = m;
            have_mark[n] = true;
        }
    }
    acked_last = head;
    if (round % 8 == 0 && !state_check(w.state, &err))
        fail_msg("round %u: state: %s", round, err.msg);
    arena_clear(&arena);
}

/* Opens, perhaps with the power going meanwhile, until it stands. */
static void open_again(unsigned round)
{
    for (unsigned tries = 0;; tries++) {
        struct err err = { .kind = ERR_NONE };
        bool cut = tries < 2 && test_random(&seed) % 3 == 0;
        powercut_arm(cut ? 1 + test_random(&seed) % 60 : 0);
        bool ok = world_open(&w, &err);
        if (ok && !powercut_happened()) {
            powercut_arm(0);
            return;
        }
        if (!ok && !powercut_happened())
            fail_msg("round %u: does not open: %s", round, err.msg);
        world_close(&w);
        w.stops = 0;
        powercut_restore(&seed);
    }
}

static void build_until_dark(void)
{
    uint64_t nonces[4];
    for (uint64_t i = 0; i < 4; i++) {
        struct wallet a = wallet_of(i + 1);
        nonces[i] = world_nonce(&w, &a.addr);
    }
    for (unsigned i = 0; i < 200 && w.stops == 0 && !powercut_happened(); i++) {
        uint64_t who = test_random(&seed) % 4;
        struct wallet a = wallet_of(who + 1);
        world_transfer(&w, &a, nonces[who]++, 1);
        if (i % 3 == 0)
            world_spin(&w, 3);
    }
    for (unsigned i = 0; i < 100 && w.stops == 0 && powercut_happened(); i++)
        world_spin(&w, 2); /* hear of it */
}

/* The folder after the cut as a fresh one: it has room for so many files in its life only. */
static void refresh_folder(void)
{
    struct mem_folder *old = malloc(sizeof(*old));
    assert_non_null(old);
    *old = folder;
    mem_folder_init(&folder);
    for (unsigned i = 0; i < MEM_FILES; i++) {
        const struct mem_entry *e = &old->now[i];
        if (e->name[0] && e->content >= 0)
            mem_folder_put(&folder, e->name, old->content[e->content].data,
                           old->content[e->content].len);
    }
    mem_folder_clear(old);
    free(old);
}

static void no_published_block_is_lost(void **state)
{
    (void)state;
    const char *rounds_text = getenv("GH_POWERCUT_ROUNDS");
    unsigned rounds = rounds_text ? (unsigned)strtoul(rounds_text, NULL, 10) : ROUNDS_DEFAULT;
    unsigned cuts = 0, from_checkpoint = 0;
    uint64_t blocks = 0;
    for (unsigned round = 0; round < rounds; round++) {
        if (round % ROUNDS_A_CHAIN == 0) {
            if (round)
                end_chain();
            new_chain();
        }
        open_again(round);
        check_chain(round);
        from_checkpoint += w.loaded_checkpoint > 0;
        uint64_t before = acked_last;
        folder.ops = 0;
        folder.fail_after = test_random(&seed) % 4 ? 0 : 1 + (unsigned)(test_random(&seed) % 40);
        powercut_arm(1 + test_random(&seed) % 300);
        build_until_dark();
        cuts += powercut_happened();
        world_close(&w);
        blocks += acked_last - before;
        w.stops = 0;
        powercut_restore(&seed);
        folder.fail_after = 0;
        mem_folder_power_cut(&folder, &seed);
        refresh_folder();
    }
    end_chain();
    print_message("%u rounds, %u cuts while building, %" PRIu64
                  " blocks, %u starts from a checkpoint\n",
                  rounds, cuts, blocks, from_checkpoint);
    assert_true(cuts > rounds / 2);
    assert_true(blocks > rounds);
    assert_true(from_checkpoint > rounds / 10);
}

int main(void)
{
    const char *text = getenv("GH_POWERCUT_SEED");
    seed = text ? strtoull(text, NULL, 10)
                : (uint64_t)getpid() * 1000003 + clock_wall_ms(clock_system());
    log_configure(LOG_ERROR, false);
    printf("GH_POWERCUT_SEED=%" PRIu64 "\n", seed);
    seed |= 1;
    if (!powercut_register())
        return 1;
    const struct CMUnitTest tests[] = { cmocka_unit_test(no_published_block_is_lost) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
