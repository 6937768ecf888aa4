/* node/rpc/zks.c
 *
 * zks_: contracts, genesis, block metadata (spec 50 §5.9). */
#include <stdio.h>

#include "node/base/hex.h"
#include "node/rpc/encode.h"
#include "node/rpc/handlers.h"
#include "node/rpc/params.h"

#define L2_ASSET_ROUTER 0x10003u

/* null while it is not known */
static bool write_known(struct rpc_call *c, const struct addr *a)
{
    if (addr_is_zero(a))
        return rpc_null(c);
    js_hex(c->out, a->b, 20);
    return true;
}

bool rpc_zks_bridgehub(struct rpc_call *c)
{
    struct rpc_contracts k = rpc_contracts_get(c->r);
    if (addr_is_zero(&k.bridgehub))
        k.bridgehub = c->r->d.cfg->genesis.bridgehub_address;
    return write_known(c, &k.bridgehub);
}

bool rpc_zks_bytecode_supplier(struct rpc_call *c)
{
    struct rpc_contracts k = rpc_contracts_get(c->r);
    return write_known(c, &k.bytecodes_supplier);
}

bool rpc_zks_main_contract(struct rpc_call *c)
{
    struct rpc_contracts k = rpc_contracts_get(c->r);
    return write_known(c, &k.diamond_proxy);
}

bool rpc_zks_base_token(struct rpc_call *c)
{
    struct rpc_contracts k = rpc_contracts_get(c->r);
    return write_known(c, &k.base_token);
}

bool rpc_zks_bridge_contracts(struct rpc_call *c)
{
    struct rpc_contracts k = rpc_contracts_get(c->r);
    struct addr l2 = addr_of_u32(L2_ASSET_ROUTER), none = { { 0 } };
    js_open(c->out, '{');
    jm_addr(c->out, "l1Erc20DefaultBridge", &k.l1_erc20_bridge);
    jm_addr(c->out, "l2Erc20DefaultBridge", &l2);
    jm_addr(c->out, "l1WethBridge", &none);
    jm_addr(c->out, "l2WethBridge", &none);
    jm_addr(c->out, "l1SharedDefaultBridge", &k.asset_router);
    jm_addr(c->out, "l2SharedDefaultBridge", &l2);
    jm_addr(c->out, "l1Nullifier", &k.l1_nullifier);
    jm_addr(c->out, "l1NativeTokenVault", &k.native_token_vault);
    js_close(c->out, '}');
    return true;
}

bool rpc_zks_l1_chain_id(struct rpc_call *c)
{
    js_quantity(c->out, rpc_contracts_get(c->r).l1_chain_id);
    return true;
}

bool rpc_zks_genesis(struct rpc_call *c)
{
    js_raw(c->out, c->r->genesis_answer ? c->r->genesis_answer : "null");
    return true;
}

bool rpc_zks_all_balances(struct rpc_call *c)
{
    struct addr a, base = { { 0 } };
    struct account_record rec;
    bool exists;
    if (!param_addr(c, 0, "address", &a))
        return false;
    struct state_view *v = rpc_view_open(c, state_latest(chain_state(c->r->d.chain)));
    if (!v)
        return false;
    bool ok = state_view_account(v, &a, &rec, &exists);
    state_view_close(v);
    if (!ok)
        return rpc_fail(c, RPC_INTERNAL, "internal error: the account cannot be read");
    char key[43];
    hex_encode0x(key, base.b, 20);
    js_open(c->out, '{');
    jm_quantity_u256(c->out, key, &rec.balance);
    js_close(c->out, '}');
    return true;
}

/* The raw bytes of a block's transactions. */
bool rpc_zks_raw_block_txs(struct rpc_call *c)
{
    const struct chain_block *b;
    if (!rpc_block_param(c, false, &b))
        return false;
    if (!b)
        return rpc_empty_array(c);
    js_open(c->out, '[');
    for (size_t i = 0; i < b->r.tx_cnt; i++)
        js_hex(c->out, b->r.txs[i].envelope.p, b->r.txs[i].envelope.len);
    js_close(c->out, ']');
    rpc_block_release(c, b);
    return true;
}

/* The stored blob: code, padding, jump destinations (the hash is over all of it). */
bool rpc_zks_bytecode_by_hash(struct rpc_call *c)
{
    struct b256 hash;
    struct bytes code;
    if (!param_hash(c, 0, "bytecode hash", &hash))
        return false;
    struct state_view *v = rpc_view_open(c, state_latest(chain_state(c->r->d.chain)));
    if (!v)
        return false;
    bool found = state_view_preimage(v, &hash, &code);
    if (found)
        js_hex(c->out, code.p, code.len);
    state_view_close(v);
    return found || rpc_null(c);
}

bool rpc_zks_block_metadata(struct rpc_call *c)
{
    const struct chain_block *b;
    if (!rpc_block_param(c, false, &b))
        return false;
    if (!b)
        return rpc_null(c);
    js_open(c->out, '{');
    jm_quantity_u256(c->out, "pubdata_price_per_byte", &b->r.ctx.pubdata_price);
    jm_quantity_u256(c->out, "native_price", &b->r.ctx.native_price);
    jm_number(c->out, "execution_version", b->r.ctx.execution_version);
    js_close(c->out, '}');
    rpc_block_release(c, b);
    return true;
}

/* Of the chain's present version; its time is that of the block that brought it. */
bool rpc_zks_protocol_version(struct rpc_call *c)
{
    struct chain_head h = chain_head_get(c->r->d.chain);
    const json_t *want = param_at(c, 0);
    uint64_t minor = h.protocol_minor;
    if (want && !value_u64(c, want, "protocol version", &minor))
        return false;
    if (minor != h.protocol_minor)
        return rpc_null(c);
    const struct chain_block *b = rpc_block_get(c, 1);
    if (!b && c->code)
        return false;
    struct b256 upgrade = b ? b->r.upgrade_tx_hash : (struct b256){ { 0 } };
    js_open(c->out, '{');
    jm_number(c->out, "minorVersion", minor);
    jm_number(c->out, "version_id", minor);
    jm_number(c->out, "timestamp", b ? b->r.header.timestamp : 0);
    if (b256_is_zero(&upgrade))
        jm_null(c->out, "l2SystemUpgradeTxHash");
    else
        jm_hash(c->out, "l2SystemUpgradeTxHash", &upgrade);
    js_close(c->out, '}');
    rpc_block_release(c, b);
    return true;
}

/* Highest block of these two batches that names a settlement layer; 0: none. */
static bool settlement_block(struct rpc_call *c, uint64_t first, uint64_t last, uint64_t *out)
{
    *out = 0;
    for (uint64_t n = last; n >= first && n > 0 && !*out; n--) {
        const struct chain_block *b = rpc_block_get(c, n);
        if (!b)
            return c->code == 0;
        if (b->r.sets_sl_chain_id)
            *out = n;
        rpc_block_release(c, b);
    }
    return true;
}

/* The block that sets a settlement layer ends its batch, so a change shows between neighbouring batches. */
bool rpc_zks_last_settlement_change(struct rpc_call *c)
{
    struct batch_row row, older;
    struct err err = { 0 };
    uint64_t last = 0, block = 0;
    bool found = false;
    if (!rpc_reader(c))
        return false;
    if (!batch_last(c->s->reader, &last, &err))
        return rpc_fail_err(c, &err);
    if (!rpc_batch_get(c, last, &row, &found))
        return false;
    for (uint64_t n = last; found && n > 1; n--) {
        if (!rpc_batch_get(c, n - 1, &older, &found) || !found)
            break;
        if (older.sl_chain_id != row.sl_chain_id) {
            if (!settlement_block(c, older.first_block, row.last_block, &block))
                return false;
            break;
        }
        row = older;
    }
    if (c->code)
        return false;
    if (!block)
        return rpc_null(c);
    js_number(c->out, block);
    return true;
}
