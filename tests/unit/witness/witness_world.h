/* tests/unit/witness/witness_world.h
 *
 * Batches of a chain in one process (chain_world.h), their witnesses, and what settlement's accumulator says they are. */
#ifndef GH_TESTS_WITNESS_WORLD_H
#define GH_TESTS_WITNESS_WORLD_H

#include "node/base/buf.h"
#include "node/stf/verify.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/chain/chain_world.h"

/* What the node says the batch is; nothing of it is in the witness. */
struct expected {
    struct b256 state_before;
    struct batch batch;
    struct b256 public_input;
};

/* false with err: no witness. */
bool batch_witness(struct chain_world *w, uint64_t number, uint64_t first, uint64_t last,
                   uint8_t scheme, struct buf *out, struct err *err);
void batch_witness_ok(struct chain_world *w, uint64_t number, uint64_t first, uint64_t last,
                      uint8_t scheme, struct buf *out);
void batch_expect(struct chain_world *w, uint64_t number, uint64_t first, uint64_t last,
                  uint8_t scheme, struct expected *out);
/* Verifies with these primitives, in growing arenas. */
enum verify_code verify(struct verify_result *out, struct verify_fault *fault, struct bytes witness,
                        const struct stf_crypto *crypto);
/* Makes the witness, verifies it, compares everything with the node. Returns its length. */
size_t batch_check(struct chain_world *w, uint64_t number, uint64_t first, uint64_t last,
                   uint8_t scheme);

/* Contracts on the small genesis. Each sends one transaction of the wallet; the caller runs the chain. */
struct addr send_create(struct chain_world *w, const struct wallet *from, uint64_t nonce);
void send_store(struct chain_world *w, const struct wallet *from, uint64_t nonce,
                const struct addr *contract, uint64_t slot, uint64_t value);
/* Runs the chain until nothing waits; at least one block. Returns the last block. */
uint64_t run_all(struct chain_world *w, const struct addr *from, uint64_t nonce);

/* Deploys, stores, transfers over some blocks; the last of them. The chain ends with several blocks. */
uint64_t busy_chain(struct chain_world *w);

#endif
