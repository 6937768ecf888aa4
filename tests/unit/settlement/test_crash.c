/* kill -9 at random moments: the layer lives in this process, the node in a child. None of the batches twice, none missing. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/settlement/settle_world.h"

#define BLOCKS   120
#define BLOCK_MS 25
#define KILLS    14

static uint64_t now_ms(void)
{
    return clock_mono_ms(clock_system());
}

/* Never returns: it is killed. */
static void run_node(struct world *parent, uint64_t began)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct world *w = world_over(event_base_new(), parent->sl, parent->dir);
    w->cfg = parent->cfg;
    w->confirmations = parent->confirmations;
    w->mine_every_ms = 0; /* the parent's layer, not our copy of it */
    bool up = world_start(w);
    for (;;) {
        uint64_t head = (now_ms() - began) / BLOCK_MS;
        w->head = head < BLOCKS ? head : BLOCKS;
        if (up)
            world_spin(w, 5);
        else
            pause();
    }
}

static pid_t start_node(struct world *w, uint64_t began)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        run_node(w, began);
        _exit(1);
    }
    return pid;
}

static void kill_node(pid_t pid)
{
    int status = 0;
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static bool is_done(const struct fake_sl *sl)
{
    const struct sl_state *st = fake_sl_state(sl);
    return st->committed > 0 && st->executed == st->committed &&
           st->batch[st->committed].last == BLOCKS;
}

static void killed_at_random_moments(void **state)
{
    struct world *w = *state;
    unsigned seed =
        getenv("GH_SEED") ? (unsigned)strtoul(getenv("GH_SEED"), NULL, 10) : (unsigned)time(NULL);
    print_message("seed %u (GH_SEED repeats it)\n", seed);
    w->cfg.batch_timeout_ms = 40; /* ranges depend on the moment */
    w->cfg.max_blocks = 5;
    uint64_t began = now_ms();
    for (int i = 0; i < KILLS; i++) {
        pid_t pid = start_node(w, began);
        world_spin(w, 20 + (unsigned)rand_r(&seed) % 280);
        kill_node(pid);
    }
    pid_t pid = start_node(w, began);
    for (int i = 0; i < 3000 && !is_done(w->sl); i++)
        world_spin(w, 10);
    kill_node(pid);
    const struct sl_state *st = fake_sl_state(w->sl);
    assert_true(is_done(w->sl));
    for (uint64_t b = 1; b <= st->committed; b++)
        assert_int_equal(st->batch[b].first, b > 1 ? st->batch[b - 1].last + 1 : 1);
    world_assert_once(w, st->committed);
}

static int setup(void **state)
{
    *state = world_new();
    return 0;
}

static int teardown(void **state)
{
    world_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(killed_at_random_moments, setup, teardown),
    };
    return cmocka_run_group_tests_name("crash", tests, NULL, NULL);
}
