/* node/sender/contract_read/contract_read.h
 *
 * Several eth_calls at one block as one unit: every value of one decision is read at one explicit block, or the
 * decision is not taken (values read at "latest" one after the other tear). One HTTP exchange, one callback. */
#ifndef GH_SENDER_CONTRACT_READ_H
#define GH_SENDER_CONTRACT_READ_H

#include "node/base/arena.h"
#include "node/base/err.h"
#include "node/net/eth_client.h"

struct contract_call {
    const char *name; /* for error texts: "getTotalBatchesCommitted" */
    struct addr to;
    struct bytes data; /* calldata; borrowed until the callback */
    bool may_revert;   /* a revert is an answer: ok false, the rest counts */
    /* filled in */
    bool ok;
    bool
        reverted; /* !ok because the contract said no; otherwise the node did not answer, or refused to */
    struct bytes output; /* in the arena given to contract_read */
    struct err err;      /* when !ok: the revert by name */
};
struct contract_read;
/* On the loop, exactly once unless cancelled. err NULL: every call answered (reverts only where allowed). */
typedef void contract_read_fn(void *arg, const struct err *err);
/* `calls` and `arena` outlive the read. NULL with err: out of memory or the client's queue is full. */
MUST_USE struct contract_read *contract_read_start(struct eth_client *eth, struct eth_block_id at,
                                                   struct contract_call *calls, size_t n,
                                                   struct arena *arena, contract_read_fn *done,
                                                   void *arg, struct err *err);
void contract_read_cancel(
    struct contract_read *r); /* NULL allowed; not after the callback has started */

/* One-word answers. ERR_INVALID when the output is shorter than a word or the value does not fit the type. */
MUST_USE bool contract_word(const struct contract_call *c, struct b256 *out, struct err *err);
MUST_USE bool contract_u64(const struct contract_call *c, uint64_t *out, struct err *err);
MUST_USE bool contract_bool(const struct contract_call *c, bool *out, struct err *err);
MUST_USE bool contract_addr(const struct contract_call *c, struct addr *out, struct err *err);
/* selector || words, in the arena; empty when out of memory */
struct bytes contract_calldata(struct arena *arena, uint32_t selector, const struct b256 *words,
                               size_t n);

#endif
