/* tests/unit/chain/chain_world.h
 *
 * A whole chain in one process: store, state, mempool and chain on a folder of its own, opened, stopped and opened again. Two
 * kinds of genesis: `small` (wallets 1 to 8 rich, no contracts, no upgrade to wait for), and the recorded one.
 * Nothing is replaced: real transition function, real files. */
#ifndef GH_TESTS_CHAIN_WORLD_H
#define GH_TESTS_CHAIN_WORLD_H

#include "node/chain/chain.h"
#include "node/state/checkpoint.h"
#include "tests/unit/chain/wallet.h"

#define WORLD_CHAIN_ID 10u

struct chain_world {
    /* before world_open */
    char dir[64];
    const char *vfs;
    bool is_recorded; /* genesis of GH_SHARED and protocol version 31 */
    const struct state_files *checkpoint_files;
    struct chain_config cfg;
    int64_t wall_offset_ms;
    bool started; /* world_open got as far as chain_start */

    /* while open */
    struct event_base *base;
    struct store *store;
    struct state *state;
    struct mempool *mempool;
    struct chain *chain;
    struct store_reader *reader;
    struct clock clock;
    uint64_t loaded_checkpoint; /* block, 0: none */

    /* what the callbacks saw, over all openings */
    uint64_t blocks_seen, trees_seen, stops;
    uint64_t last_block, last_tree;
    struct b256 hashes[4096]; /* of published blocks, by number */
    char stopped_why[512];
    void (*on_block)(struct chain_world *w, const struct chain_block *b);
};

/* A fresh folder. */
void world_create(struct chain_world *w, bool is_recorded);
/* Removes the folder; closes first. */
void world_remove(struct chain_world *w);
/* false with *err: some part refused. Whatever was opened is closed then. */
bool world_open(struct chain_world *w, struct err *err);
void world_open_ok(struct chain_world *w);
/* The orderly way. */
void world_close(struct chain_world *w);
/* Turns the loop until the block is published and its tree stored, or the chain stopped, or ten seconds went by (false). */
bool world_run_to(struct chain_world *w, uint64_t block);
void world_run_to_ok(struct chain_world *w, uint64_t block);
/* Turns the loop for so long. */
void world_spin(struct chain_world *w, unsigned ms);
/* Into the pool, as RPC would; false with the refusal. */
bool world_send(struct chain_world *w, const struct stf_tx *tx, struct mempool_refusal *why);
/* A transfer of value wei from wallet to a fixed address; fails the test when the pool refuses it. */
struct b256 world_transfer(struct chain_world *w, const struct wallet *from, uint64_t nonce,
                           uint64_t value);
uint64_t world_nonce(struct chain_world *w, const struct addr *a);
struct u256 world_balance(struct chain_world *w, const struct addr *a);
/* A job on one of the store's files, awaited. */
void world_write(struct chain_world *w, enum store_file file, store_job_fn *job, void *arg);
void world_delete_file(const struct chain_world *w, const char *name);

#endif
