/* node/rpc/lookup.c
 *
 * What handlers look up in chain and store, with failures turned into the call's error. */
#include <inttypes.h>

#include "node/rpc/rpc_internal.h"

const struct chain_block *rpc_block_get(struct rpc_call *c, uint64_t number)
{
    struct store_reader *r = rpc_reader(c);
    if (!r)
        return NULL;
    struct err err = { 0 };
    const struct chain_block *b = chain_block_acquire(c->r->d.chain, r, number, &err);
    if (!b && err.kind != ERR_NONE)
        rpc_fail_err(c, &err);
    return b;
}

void rpc_block_release(struct rpc_call *c, const struct chain_block *b)
{
    chain_block_release(c->r->d.chain, b);
}

const struct batch_row *rpc_batch_of_block(struct rpc_call *c, uint64_t block)
{
    struct rpc_session *s = c->s;
    struct batch_row *b = &s->batch;
    bool in = b->number && block >= b->first_block && block <= b->last_block;
    if (in && s->batch_final)
        return b;
    struct err err;
    bool found = false;
    if (block == 0 || !s->reader || !batch_load_by_block(s->reader, block, b, &found, &err) ||
        !found) {
        b->number = 0;
        return NULL;
    }
    s->batch_final = b->step[BATCH_EXECUTE].done;
    return b;
}

bool rpc_batch_get(struct rpc_call *c, uint64_t number, struct batch_row *out, bool *found)
{
    struct err err = { 0 };
    struct store_reader *r = rpc_reader(c);
    *found = false;
    if (!r)
        return false;
    if (number == 0)
        return true;
    return batch_load(r, number, out, found, &err) || rpc_fail_err(c, &err);
}

static uint64_t last_block_of(struct store_reader *r, uint64_t batch)
{
    struct batch_row row;
    struct err err;
    bool found = false;
    return batch && batch_load(r, batch, &row, &found, &err) && found ? row.last_block : 0;
}

/* From the table, where settlement has not been wired (a node that only reads). */
static struct rpc_frontiers frontiers_of_table(struct store_reader *r)
{
    struct rpc_frontiers f = { 0 };
    struct err err;
    if (!batch_last(r, &f.sealed_batch, &err) ||
        !batch_frontier(r, BATCH_COMMIT, &f.committed_batch, &err) ||
        !batch_frontier(r, BATCH_PROVE, &f.proved_batch, &err) ||
        !batch_frontier(r, BATCH_EXECUTE, &f.executed_batch, &err))
        return (struct rpc_frontiers){ 0 };
    f.sealed_block = last_block_of(r, f.sealed_batch);
    f.committed_block = last_block_of(r, f.committed_batch);
    f.proved_block = last_block_of(r, f.proved_batch);
    f.executed_block = last_block_of(r, f.executed_batch);
    return f;
}

struct rpc_frontiers rpc_frontiers_get(struct rpc_call *c)
{
    struct rpc_frontiers f = { 0 };
    const struct rpc_settlement_ops *ops = &c->r->d.settlement;
    if (ops->frontiers)
        ops->frontiers(ops->ctx, &f);
    else if (rpc_reader(c))
        f = frontiers_of_table(c->s->reader);
    return f;
}

struct rpc_contracts rpc_contracts_get(struct rpc *r)
{
    pthread_mutex_lock(&r->mutex);
    struct rpc_contracts k = r->contracts;
    pthread_mutex_unlock(&r->mutex);
    return k;
}

struct state_view *rpc_view_open(struct rpc_call *c, uint64_t block)
{
    struct err err = { 0 };
    struct state *s = chain_state(c->r->d.chain);
    struct state_view *v = state_view_open(s, block, &err);
    if (v)
        return v;
    if (block > state_latest(s))
        rpc_fail(c, RPC_PARAMS, "block not found");
    else
        rpc_fail(c, RPC_PARAMS, "historical block %" PRIu64 " is not available", block);
    return NULL;
}

bool rpc_tx_decode(struct rpc_call *c, struct bytes envelope, struct stf_tx *out)
{
    enum stf_error e = tx_decode(out, envelope, &c->s->arena);
    return e == STF_OK ||
           rpc_fail(c, RPC_INTERNAL, "internal error: a stored transaction does not decode (%s)",
                    stf_error_name(e));
}

bool rpc_tx_locate(struct rpc_call *c, const struct b256 *hash, const struct chain_block **b,
                   uint32_t *index, bool *found)
{
    struct chain_tx_location at;
    struct err err = { 0 };
    struct store_reader *r = rpc_reader(c);
    *found = false;
    *b = NULL;
    if (!r)
        return false;
    if (!chain_tx_find(c->r->d.chain, r, hash, &at, found, &err))
        return rpc_fail_err(c, &err);
    if (!*found)
        return true;
    *b = rpc_block_get(c, at.block);
    if (!*b)
        return c->code != 0
                   ? false
                   : rpc_fail(c, RPC_INTERNAL,
                              "internal error: block %" PRIu64 " of a known transaction is missing",
                              at.block);
    if (at.index >= (*b)->r.tx_cnt) {
        rpc_block_release(c, *b);
        *b = NULL;
        return rpc_fail(c, RPC_INTERNAL, "internal error: the transaction index is damaged");
    }
    *index = at.index;
    return true;
}
