/* node/rpc/eth_blocks.c
 *
 * eth_: chain facts and blocks. */
#include "node/rpc/encode.h"
#include "node/rpc/handlers.h"
#include "node/rpc/params.h"

bool rpc_eth_chain_id(struct rpc_call *c)
{
    js_quantity(c->out, c->r->d.cfg->genesis.chain_id);
    return true;
}

bool rpc_eth_block_number(struct rpc_call *c)
{
    js_quantity(c->out, chain_head_get(c->r->d.chain).number);
    return true;
}

bool rpc_eth_protocol_version(struct rpc_call *c)
{
    js_text(c->out, "zksync_os/0.0.1");
    return true;
}

/* A main node that answers has replayed everything. */
bool rpc_eth_syncing(struct rpc_call *c)
{
    js_raw(c->out, "false");
    return true;
}

bool rpc_eth_coinbase(struct rpc_call *c)
{
    js_hex(c->out, c->r->d.cfg->sequencer.fee_collector_address.b, 20);
    return true;
}

bool rpc_empty_array(struct rpc_call *c)
{
    js_raw(c->out, "[]");
    return true;
}

bool rpc_null(struct rpc_call *c)
{
    js_raw(c->out, "null");
    return true;
}

bool rpc_false(struct rpc_call *c)
{
    js_raw(c->out, "false");
    return true;
}

bool rpc_true(struct rpc_call *c)
{
    js_raw(c->out, "true");
    return true;
}

bool rpc_zero(struct rpc_call *c)
{
    js_quantity(c->out, 0);
    return true;
}

bool rpc_one(struct rpc_call *c)
{
    js_quantity(c->out, 1);
    return true;
}

/* ---- one block ---- */

bool rpc_block_param(struct rpc_call *c, bool by_hash, const struct chain_block **b)
{
    struct block_id id = { 0, false };
    *b = NULL;
    if (by_hash) {
        struct b256 hash;
        struct err err = { 0 };
        if (!param_hash(c, 0, "block hash", &hash) || !rpc_reader(c))
            return false;
        if (!chain_block_number_of(c->r->d.chain, c->s->reader, &hash, &id.number, &id.found, &err))
            return rpc_fail_err(c, &err);
    } else if (!param_block(c, 0, &id)) {
        return false;
    }
    if (id.found)
        *b = rpc_block_get(c, id.number);
    return c->code == 0;
}

static bool write_txs(struct rpc_call *c, const struct chain_block *b, bool full)
{
    js_key(c->out, "transactions");
    js_open(c->out, '[');
    for (uint32_t i = 0; i < b->r.tx_cnt && !c->out->failed; i++) {
        if (!full) {
            js_hex(c->out, b->r.txs[i].hash.b, 32);
            continue;
        }
        struct stf_tx tx;
        struct tx_place at = { b, i, NULL };
        if (!rpc_tx_decode(c, b->r.txs[i].envelope, &tx))
            return false;
        tx.from = b->r.txs[i].from;
        encode_tx(c->out, &tx, &at);
    }
    js_close(c->out, ']');
    return true;
}

static bool get_block(struct rpc_call *c, bool by_hash, bool header_only)
{
    const struct chain_block *b;
    bool full = false;
    if (!header_only && !param_bool(c, 1, "full transactions", &full))
        return false;
    if (!rpc_block_param(c, by_hash, &b))
        return false;
    if (!b)
        return rpc_null(c);
    js_open(c->out, '{');
    encode_header_fields(c->out, b, rpc_batch_of_block(c, b->r.header.number));
    bool ok = header_only || write_txs(c, b, full);
    if (!header_only) {
        js_key(c->out, "uncles");
        js_raw(c->out, "[]");
    }
    js_close(c->out, '}');
    rpc_block_release(c, b);
    return ok;
}

bool rpc_eth_get_block_by_number(struct rpc_call *c)
{
    return get_block(c, false, false);
}

bool rpc_eth_get_block_by_hash(struct rpc_call *c)
{
    return get_block(c, true, false);
}

bool rpc_eth_get_header_by_number(struct rpc_call *c)
{
    return get_block(c, false, true);
}

bool rpc_eth_get_header_by_hash(struct rpc_call *c)
{
    return get_block(c, true, true);
}

bool rpc_eth_get_block_receipts(struct rpc_call *c)
{
    const struct chain_block *b;
    if (!rpc_block_param(c, false, &b))
        return false;
    if (!b)
        return rpc_null(c);
    struct tx_place at = { b, 0, rpc_batch_of_block(c, b->r.header.number) };
    uint64_t gas = 0, logs = 0, l2_logs = 0;
    bool ok = true;
    js_open(c->out, '[');
    for (; ok && at.index < b->r.tx_cnt && !c->out->failed; at.index++) {
        const struct block_tx *t = &b->r.txs[at.index];
        struct stf_tx tx;
        ok = rpc_tx_decode(c, t->envelope, &tx);
        if (ok)
            encode_receipt(c->out, &tx, &at, gas, logs, l2_logs);
        gas += t->gas_used;
        logs += t->event_cnt;
        l2_logs += t->l2_log_cnt;
    }
    js_close(c->out, ']');
    rpc_block_release(c, b);
    return ok;
}

static bool block_count(struct rpc_call *c, bool by_hash, bool uncles)
{
    const struct chain_block *b;
    if (!rpc_block_param(c, by_hash, &b))
        return false;
    if (!b)
        return rpc_null(c);
    js_quantity(c->out, uncles ? 0 : b->r.tx_cnt);
    rpc_block_release(c, b);
    return true;
}

bool rpc_eth_get_block_tx_count_by_number(struct rpc_call *c)
{
    return block_count(c, false, false);
}

bool rpc_eth_get_block_tx_count_by_hash(struct rpc_call *c)
{
    return block_count(c, true, false);
}

bool rpc_eth_get_uncle_count_by_number(struct rpc_call *c)
{
    return block_count(c, false, true);
}

bool rpc_eth_get_uncle_count_by_hash(struct rpc_call *c)
{
    return block_count(c, true, true);
}
