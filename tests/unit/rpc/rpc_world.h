/* tests/unit/rpc/rpc_world.h
 *
 * A whole chain behind the RPC, in a folder that is removed at the end: store, state at a small genesis of our own, pool,
 * chain with real execution, rpc. No settlement: batches are rows the tests write. A failure ends the test.
 *
 * Contracts of the genesis (bytecode in rpc_world.c):
 *   COUNTER   no calldata: returns slot 0. Otherwise slot 0 += 1 and LOG1(calldata word, new value)
 *   REVERTER  reverts with its calldata            INVALID   the invalid opcode
 *   SPINNER   calldata word: so many hashes         FILLER    calldata word n: slots n..1 get their number
 *   messenger 0x8008: sends its calldata as an L2->L1 message of the caller */
#ifndef GH_TESTS_RPC_WORLD_H
#define GH_TESTS_RPC_WORLD_H

#include <jansson.h>

#include "node/rpc/rpc_internal.h"
#include "tests/unit/chain/wallet.h"

#define COUNTER   "0x000000000000000000000000000000000000c001"
#define REVERTER  "0x000000000000000000000000000000000000c002"
#define INVALID   "0x000000000000000000000000000000000000c003"
#define SPINNER   "0x000000000000000000000000000000000000c004"
#define FILLER    "0x000000000000000000000000000000000000c005"
#define MESSENGER "0x0000000000000000000000000000000000008008"
#define STRANGER  "0x00000000000000000000000000000000000a11ce"

struct rpc_world {
    char dir[64];
    struct config cfg;
    struct event_base *base;
    struct store *store;
    struct mempool *pool;
    struct state *state;
    struct chain *chain;
    struct rpc *rpc;
    struct arena arena;
    char *genesis_json;
    struct rpc_frontiers frontiers; /* what settlement answers */
    uint64_t nonce[8];              /* of wallets 1 .. 7 */
};

/* adjust: changes the configuration before anything is created; NULL allowed */
struct rpc_world *world_open(void (*adjust)(struct config *cfg));
struct rpc_world *world_open_debug(void); /* with the methods of debug */
void world_close(struct rpc_world *w);

/* The whole reply to a body, parsed; NULL for no reply. Owned by the caller. */
json_t *world_post(struct rpc_world *w, const char *body);
/* Result of a call with these parameters (JSON text of the array); an error ends the test. Owned. */
json_t *world_call(struct rpc_world *w, const char *method, const char *params);
/* The error a call must give. Owned. */
json_t *world_error(struct rpc_world *w, const char *method, const char *params);
/* The same as a number or text; text lives in the arena. */
uint64_t world_quantity(struct rpc_world *w, const char *method, const char *params);
const char *world_text(struct rpc_world *w, const char *method, const char *params);

/* Sends a transaction of wallet `from` by RPC; hash text in the arena. */
const char *world_send(struct rpc_world *w, unsigned from, const char *to, const char *data_hex,
                       uint64_t value, uint64_t gas);
/* Runs the loop until the transaction has a receipt. Owned. */
json_t *world_receipt(struct rpc_world *w, const char *hash);
void world_wait_block(struct rpc_world *w, uint64_t number);
/* Seals blocks first..last as batch `number` from what the chain says of them; steps below `done` are marked done. */
void world_batch(struct rpc_world *w, uint64_t number, uint64_t first, uint64_t last, int done);
const char *world_format(struct rpc_world *w, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Fails with both printed when they differ. */
void world_expect_equal(const char *name, const char *what, const json_t *ours, const json_t *want);

uint64_t json_quantity(const json_t *object, const char *key);
const char *json_text(const json_t *object, const char *key);

#endif
