/* node/rpc/eth_txs.c
 *
 * eth_: transactions and receipts by hash or place. */
#include "node/rpc/encode.h"
#include "node/rpc/handlers.h"
#include "node/rpc/params.h"

static bool write_tx(struct rpc_call *c, const struct chain_block *b, uint32_t index)
{
    struct stf_tx tx;
    struct tx_place at = { b, index, NULL };
    bool ok = rpc_tx_decode(c, b->r.txs[index].envelope, &tx);
    if (ok) {
        tx.from = b->r.txs[index].from;
        encode_tx(c->out, &tx, &at);
    }
    return ok;
}

static bool write_raw(struct rpc_call *c, struct bytes envelope)
{
    if (envelope.len == 0 || envelope.p[0] < TX_UPGRADE || envelope.p[0] > TX_PRIORITY) {
        js_hex(c->out, envelope.p, envelope.len);
        return true;
    }
    /* type || abi.encode(tuple): the envelope leaves the offset word out */
    uint8_t *wire = arena_alloc(&c->s->arena, envelope.len + 32);
    if (!wire)
        return rpc_no_memory(c);
    struct b256 offset = b256_of_u64(32);
    wire[0] = envelope.p[0];
    memcpy(wire + 1, offset.b, 32);
    memcpy(wire + 33, envelope.p + 1, envelope.len - 1);
    js_hex(c->out, wire, envelope.len + 32);
    return true;
}

static bool pooled_tx(struct rpc_call *c, const struct b256 *hash, struct mempool_tx *m)
{
    return c->r->d.mempool && mempool_find(c->r->d.mempool, hash, &c->s->arena, m);
}

static bool write_pooled(struct rpc_call *c, const struct mempool_tx *m)
{
    struct stf_tx tx;
    struct tx_place nowhere = { 0 };
    if (!rpc_tx_decode(c, m->envelope, &tx))
        return false;
    tx.from = m->from;
    encode_tx(c->out, &tx, &nowhere);
    return true;
}

struct found_tx {
    struct mempool_tx pooled;
    bool in_pool;
    const struct chain_block *b; /* NULL: in no block; otherwise to be released */
    uint32_t index;
};

/* The pool first: a transaction that moves into a block meanwhile is then found there. */
static bool find_tx(struct rpc_call *c, struct found_tx *f)
{
    struct b256 hash;
    bool found;
    if (!param_hash(c, 0, "transaction hash", &hash))
        return false;
    f->in_pool = pooled_tx(c, &hash, &f->pooled);
    return rpc_tx_locate(c, &hash, &f->b, &f->index, &found);
}

bool rpc_eth_get_tx(struct rpc_call *c)
{
    struct found_tx f;
    if (!find_tx(c, &f))
        return false;
    if (!f.b)
        return f.in_pool ? write_pooled(c, &f.pooled) : rpc_null(c);
    bool ok = write_tx(c, f.b, f.index);
    rpc_block_release(c, f.b);
    return ok;
}

bool rpc_eth_get_raw_tx(struct rpc_call *c)
{
    struct found_tx f;
    if (!find_tx(c, &f))
        return false;
    if (!f.b)
        return f.in_pool ? write_raw(c, f.pooled.envelope) : rpc_null(c);
    bool ok = write_raw(c, f.b->r.txs[f.index].envelope);
    rpc_block_release(c, f.b);
    return ok;
}

static bool tx_at_index(struct rpc_call *c, bool by_hash, bool raw)
{
    const struct chain_block *b;
    uint64_t index = 0;
    if (!param_u64(c, 1, "index", &index) || !rpc_block_param(c, by_hash, &b))
        return false;
    if (!b)
        return rpc_null(c);
    bool ok;
    if (index >= b->r.tx_cnt)
        ok = rpc_null(c);
    else if (raw)
        ok = write_raw(c, b->r.txs[index].envelope);
    else
        ok = write_tx(c, b, (uint32_t)index);
    rpc_block_release(c, b);
    return ok;
}

bool rpc_eth_get_tx_by_number_index(struct rpc_call *c)
{
    return tx_at_index(c, false, false);
}

bool rpc_eth_get_tx_by_hash_index(struct rpc_call *c)
{
    return tx_at_index(c, true, false);
}

bool rpc_eth_get_raw_tx_by_number_index(struct rpc_call *c)
{
    return tx_at_index(c, false, true);
}

bool rpc_eth_get_raw_tx_by_hash_index(struct rpc_call *c)
{
    return tx_at_index(c, true, true);
}

bool rpc_eth_get_tx_by_nonce(struct rpc_call *c)
{
    struct addr from;
    struct b256 hash;
    struct mempool_tx m;
    struct err err = { 0 };
    uint64_t nonce;
    bool found = false;
    if (!param_addr(c, 0, "sender", &from) || !param_u64(c, 1, "nonce", &nonce) || !rpc_reader(c))
        return false;
    if (mempool_find_by_nonce(c->r->d.mempool, &from, nonce, &c->s->arena, &m))
        return write_pooled(c, &m);
    if (!chain_tx_find_by_nonce(c->r->d.chain, c->s->reader, &from, nonce, &hash, &found, &err))
        return rpc_fail_err(c, &err);
    const struct chain_block *b;
    uint32_t index;
    if (!found)
        return rpc_null(c);
    if (!rpc_tx_locate(c, &hash, &b, &index, &found))
        return false;
    if (!found)
        return rpc_null(c);
    bool ok = write_tx(c, b, index);
    rpc_block_release(c, b);
    return ok;
}

/* ---- receipts ---- */

bool rpc_write_receipt(struct rpc_call *c, const struct chain_block *b, uint32_t index)
{
    struct stf_tx tx;
    struct tx_place at = { b, index, rpc_batch_of_block(c, b->r.header.number) };
    uint64_t gas = 0, logs = 0, l2_logs = 0;
    if (!rpc_tx_decode(c, b->r.txs[index].envelope, &tx))
        return false;
    for (uint32_t i = 0; i < index; i++) {
        gas += b->r.txs[i].gas_used;
        logs += b->r.txs[i].event_cnt;
        l2_logs += b->r.txs[i].l2_log_cnt;
    }
    encode_receipt(c->out, &tx, &at, gas, logs, l2_logs);
    return true;
}

bool rpc_eth_get_receipt(struct rpc_call *c)
{
    struct b256 hash;
    const struct chain_block *b;
    uint32_t index;
    bool found;
    if (!param_hash(c, 0, "transaction hash", &hash) ||
        !rpc_tx_locate(c, &hash, &b, &index, &found))
        return false;
    if (!found)
        return rpc_null(c);
    bool ok = rpc_write_receipt(c, b, index);
    rpc_block_release(c, b);
    return ok;
}
