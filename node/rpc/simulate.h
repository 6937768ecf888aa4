/* node/rpc/simulate.h   (inside rpc)
 *
 * Running a transaction that will never be in a block: eth_call, estimates, access lists. A simulation pins the state
 * after a block, lays overrides over it, and runs the state transition function in an arena that is dropped.
 * What bounds it is gas. */
#ifndef GH_RPC_SIMULATE_H
#define GH_RPC_SIMULATE_H

#include "node/base/map.h"
#include "node/rpc/params.h"
#include "node/stf/ee.h"

struct sim_account { /* an overridden account */
    struct addr addr;
    struct account_record rec;
    bool replaces_state; /* `state` was given: every other slot is zero */
};

/* Addresses and slots a run touched. */
struct sim_touched {
    struct sim_touch {
        struct addr addr;
        bool is_slot;
        struct b256 slot;
    } * items; /* arena */
    size_t cnt, cap;
    bool failed;
};

struct sim {
    struct rpc_call *c;
    struct state_view *view; /* owned */
    struct stf_block_context ctx;
    struct stf_oracle base, oracle;
    struct arena arena; /* owned: one run */
    struct map slots;   /* b256 -> struct { b256 value; bool exists; } */
    struct map preimages;
    struct sim_account *accounts; /* session arena */
    size_t account_cnt;
    bool has_base_fee;             /* by block override */
    struct sim_touched *touched;   /* NULL: not recorded */
    const struct stf_tracer *also; /* NULL, or a tracer that listens in */
    struct stf_block **began;      /* with `also`: told the block before it runs */
    /* of the last run */
    struct addr caller;
    enum stf_halt halt; /* of the outermost frame of the body; HALT_NONE when it ran no code */
    bool lost;          /* out of memory while recording */
};

/* Overrides NULL: none. On failure the call is failed and nothing stays open. */
bool sim_open(struct sim *s, struct rpc_call *c, uint64_t block, const json_t *state_overrides,
              const json_t *block_overrides);
void sim_close(struct sim *s);
/* As overridden. */
bool sim_account_get(struct sim *s, const struct addr *a, struct account_record *out);
/* A transaction of this request with this gas limit; L1 for type 0x7f. */
bool sim_tx(struct sim *s, const struct call_request *q, uint64_t gas, struct stf_tx *out);
/* Results live until the next run. */
enum stf_verdict sim_run(struct sim *s, const struct stf_tx *tx, struct stf_tx_result *out);
/* The transaction of an eth_call (eth_call.c): fees checked, gas chosen, free of charge without a price. */
bool rpc_call_prepare(struct sim *s, const struct call_request *q, struct stf_tx *tx);
/* Fails the call with what the run came to (anything but success), texts of spec 50 §5.5. */
bool sim_fail(struct sim *s, const struct stf_tx *tx, const struct stf_tx_result *r);
/* Fee fields against the block's base fee (spec 50 §5.5). */
bool sim_check_fees(struct sim *s, const struct call_request *q);

/* "execution reverted", with the reason of Error(string) and Panic(uint256) */
void revert_text(char *out, size_t cap, struct bytes data);

#endif
