/* node/chain/execute.h   (inside chain)
 *
 * Executing one block on a worker: producing a new one from candidates, or repeating a recorded one. Touches the
 * state through a view of its own and nothing else. */
#ifndef GH_CHAIN_EXECUTE_H
#define GH_CHAIN_EXECUTE_H

#include "node/chain/chain.h"
#include "node/store/l1_tx.h"

struct execute_input {   /* values and arena memory; everything outlives the call */
    struct state *state; /* at ctx.number - 1 */
    const struct stf_crypto *crypto;
    const struct clock *clock;
    struct stf_block_context ctx;
    uint32_t protocol_minor;
    uint64_t previous_timestamp, next_l1_priority_id;
    const struct l1_tx_row *upgrade; /* NULL without one; opens the block */
    bool sets_sl_chain_id; /* SetSLChainId(sl_chain_id) right behind the upgrade (spec 10 §13.3) */
    uint64_t sl_chain_id;
    const struct chain_interop_root *roots; /* a block that imports roots has nothing else in it */
    size_t root_cnt;
    const struct l1_tx_row *l1;
    size_t l1_cnt;
    const struct mempool_tx *pool;
    size_t pool_cnt;
    size_t max_txs;
    uint64_t deadline_mono_ms;
};

struct execute_output {
    bool is_empty; /* nothing was included: there is no block */
    struct block_record record;
    enum chain_seal_reason seal;
    struct b256 *purge; /* transactions to drop from the pool */
    size_t purge_cnt;
    struct mempool_account *accounts; /* nonce and balance of every account that changed */
    size_t account_cnt;
    uint64_t invalid_cnt, missing_precompile_cnt;
    uint64_t failed_cnt;  /* included with status 0 */
    char root_error[256]; /* why the roots were refused; then there is no block */
};

/* false: the block cannot be built and producing must stop; err says why. Output memory is the arena's. */
MUST_USE bool execute_produce(struct execute_output *out, const struct execute_input *in,
                              struct arena *arena, struct err *err);
/* Repeats a recorded block on the state before it and compares hash and output hash. ERR_LOCAL naming the difference. */
MUST_USE bool execute_replay(const struct block_record *r, struct state *state,
                             const struct stf_crypto *crypto, struct arena *arena, struct err *err);

#endif
