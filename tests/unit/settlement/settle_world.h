/* tests/unit/settlement/settle_world.h
 *
 * Settlement, watcher, senders and a store in a folder of its own, against the fake layer; the chain below is a formula, time is ours. A
 * life ends with world_stop (as the node does it) and goes on with world_start on the same folder. */
#ifndef GH_TESTS_SETTLE_WORLD_H
#define GH_TESTS_SETTLE_WORLD_H

#include "l1-watcher/watcher.h"
#include "settlement/internal.h"
#include "tests/unit/settlement/fake_sl.h"

#define WORLD_MAX_BLOCKS 512

struct l2_block { /* what differs from the usual block */
    uint32_t tx_cnt, l1_tx_cnt, protocol_minor, execution_version;
    size_t pubdata_len, log_cnt, root_cnt;
    uint64_t native;
    bool upgrade, sets_sl;
};
struct world {
    struct event_base *base;
    struct fake_sl *sl;
    char dir[64];
    uint64_t wall_ms, mono_ms; /* added to the running clock */
    struct clock clock;
    struct l2_block opts[WORLD_MAX_BLOCKS]; /* zero: the usual */
    uint64_t head;                          /* blocks with a tree */
    uint64_t broken_block;                  /* cannot be loaded */
    uint64_t variant;                       /* other contents: another chain */
    bool no_signers, no_watcher;
    unsigned mine_every_ms, block_every_ms; /* while spinning; 0: by hand */
    uint64_t mined_at, made_at, confirmations;
    struct settlement_config cfg;
    struct settlement_witness_ops witness; /* for provers and verification */

    struct store *store;
    struct eth_client *eth;
    struct signer *signers[LANE_CNT];
    struct tx_journal *journal;
    struct settlement *s;
    struct watcher *watcher;
    struct discovery *discovery;
    bool discovered, running;
    struct err failure; /* of the start */
    unsigned watcher_stops, contract_reads;
    /* the worker: jobs wait here until world_work */
    struct {
        void (*run)(void *), (*done)(void *);
        void *job;
    } jobs[4];
    size_t job_cnt;
    bool jobs_fail; /* the worker's part of them is not done, as without memory */
};
size_t world_work(struct world *w); /* does what waits; how much that was */

struct world *world_new(void); /* layer, folder, configuration; nothing runs */
struct world *world_over(struct event_base *base, struct fake_sl *sl, const char *dir);
void world_free(struct world *w);  /* stops, removes the folder */
bool world_start(struct world *w); /* false: settlement refused, with w->failure */
void world_stop(struct world *w);
void world_spin(struct world *w, unsigned ms);
void world_pass(struct world *w, uint64_t ms); /* both clocks */
void world_lose_journal(struct world *w);      /* deletes journal.db; stopped */
/* Spins, mining as configured, until the condition holds; fails the test after ten seconds. */
#define UNTIL(w, cond)                                                                             \
    do {                                                                                           \
        for (int tries_ = 0; tries_ < 1000 && !(cond); tries_++)                                   \
            world_spin((w), 10);                                                                   \
        if (!(cond))                                                                               \
            world_dump(w);                                                                         \
        assert_true(cond);                                                                         \
    } while (0)
void world_dump(struct world *w);
const char *world_hold(const struct world *w);                  /* reason, "" when none */
const char *world_waits(const struct world *w, uint64_t batch); /* what for; until the next call */
struct batch_row world_row(struct world *w, uint64_t number);
/* Frontiers committed, proved and executed are n each. */
bool world_all_at(const struct world *w, uint64_t n);
/* Every batch up to n was sent exactly once in every lane, and nothing failed. */
void world_assert_once(const struct world *w, uint64_t n);

#endif
