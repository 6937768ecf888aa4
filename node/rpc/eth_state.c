/* node/rpc/eth_state.c
 *
 * eth_: accounts, code and storage at a block. */
#include "node/rpc/encode.h"
#include "node/rpc/handlers.h"
#include "node/rpc/params.h"

/* The account of parameter 0 at the block of parameter i; the view is left open. */
static struct state_view *open_account(struct rpc_call *c, size_t i, struct addr *a,
                                       struct account_record *rec)
{
    uint64_t block;
    bool exists;
    if (!param_addr(c, 0, "address", a) || !param_state_block(c, i, &block))
        return NULL;
    struct state_view *v = rpc_view_open(c, block);
    if (v && !state_view_account(v, a, rec, &exists)) {
        state_view_close(v);
        rpc_fail(c, RPC_INTERNAL, "internal error: the account cannot be read");
        return NULL;
    }
    return v;
}

bool rpc_eth_get_balance(struct rpc_call *c)
{
    struct addr a;
    struct account_record rec;
    struct state_view *v = open_account(c, 1, &a, &rec);
    if (!v)
        return false;
    js_quantity_u256(c->out, &rec.balance);
    state_view_close(v);
    return true;
}

bool rpc_eth_get_tx_count(struct rpc_call *c)
{
    struct addr a;
    struct account_record rec;
    struct state_view *v = open_account(c, 1, &a, &rec);
    if (!v)
        return false;
    const json_t *tag = param_at(c, 1);
    bool pending = json_is_string(tag) && strcmp(json_string_value(tag), "pending") == 0;
    if (pending && c->r->d.mempool)
        js_quantity(c->out, mempool_pending_nonce(c->r->d.mempool, &a, rec.nonce));
    else
        js_quantity(c->out, rec.nonce);
    state_view_close(v);
    return true;
}

bool rpc_eth_get_code(struct rpc_call *c)
{
    struct addr a;
    struct account_record rec;
    struct bytes code;
    struct state_view *v = open_account(c, 1, &a, &rec);
    if (!v)
        return false;
    bool ok = state_view_code(v, &rec, &code);
    if (ok)
        js_hex(c->out, code.p, code.len);
    state_view_close(v);
    return ok || rpc_fail(c, RPC_INTERNAL, "internal error: the code cannot be read");
}

bool rpc_eth_get_storage(struct rpc_call *c)
{
    struct addr a;
    struct b256 slot, value;
    uint64_t block;
    if (!param_addr(c, 0, "address", &a) || !param_slot(c, 1, "slot", &slot) ||
        !param_state_block(c, 2, &block))
        return false;
    struct state_view *v = rpc_view_open(c, block);
    if (!v)
        return false;
    bool ok = state_view_storage(v, &a, &slot, &value);
    if (ok)
        js_hex(c->out, value.b, 32);
    state_view_close(v);
    return ok || rpc_fail(c, RPC_INTERNAL, "internal error: the slot cannot be read");
}

bool rpc_eth_get_account_info(struct rpc_call *c)
{
    struct addr a;
    struct account_record rec;
    struct bytes code;
    struct state_view *v = open_account(c, 1, &a, &rec);
    if (!v)
        return false;
    bool ok = state_view_code(v, &rec, &code);
    if (ok) {
        js_open(c->out, '{');
        jm_quantity_u256(c->out, "balance", &rec.balance);
        jm_quantity(c->out, "nonce", rec.nonce);
        jm_hex(c->out, "code", code.p, code.len);
        js_close(c->out, '}');
    }
    state_view_close(v);
    return ok || rpc_fail(c, RPC_INTERNAL, "internal error: the code cannot be read");
}

bool rpc_eth_get_proof(struct rpc_call *c)
{
    return rpc_fail(c, RPC_NO_METHOD,
                    "unsupported as ZKsync OS has a different storage layout than Ethereum; use "
                    "zks_getProof");
}
