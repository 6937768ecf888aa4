/* node/rpc/zks_batches.c
 *
 * zks_: batches and what became of them on the settlement layer. */
#include <stdio.h>

#include "node/rpc/encode.h"
#include "node/rpc/handlers.h"
#include "node/rpc/params.h"

static bool last_sealed(struct rpc_call *c, uint64_t *out)
{
    struct err err = { 0 };
    return rpc_reader(c) && (batch_last(c->s->reader, out, &err) || rpc_fail_err(c, &err));
}

bool rpc_zks_l1_batch_number(struct rpc_call *c)
{
    uint64_t n;
    if (!last_sealed(c, &n))
        return false;
    js_quantity(c->out, n);
    return true;
}

static bool batch_param(struct rpc_call *c, struct batch_row *row, bool *found)
{
    uint64_t n;
    return param_u64(c, 0, "batch number", &n) && rpc_batch_get(c, n, row, found);
}

bool rpc_zks_batch_block_range(struct rpc_call *c)
{
    struct batch_row row;
    bool found;
    if (!batch_param(c, &row, &found))
        return false;
    if (!found)
        return rpc_null(c);
    js_open(c->out, '[');
    js_quantity(c->out, row.first_block);
    js_quantity(c->out, row.last_block);
    js_close(c->out, ']');
    return true;
}

/* ---- details, as explorers read them ---- */

static void step_members(struct buf *b, const struct batch_row *row, enum batch_step step,
                         const char *const keys[3])
{
    const struct batch_step_row *s = row ? &row->step[step] : NULL;
    if (!s || !s->done) {
        for (int i = 0; i < 3; i++)
            jm_null(b, keys[i]);
        return;
    }
    char at[28];
    clock_format_rfc3339(at, s->sl_timestamp * 1000);
    jm_hash(b, keys[0], &s->tx_hash);
    jm_text(b, keys[1], at);
    jm_number(b, keys[2], row->sl_chain_id);
}

static void steps_and_prices(struct buf *b, const struct batch_row *row,
                             const struct stf_block_context *ctx, const struct u256 *l1_gas_price)
{
    static const char *const commit[] = { "commitTxHash", "committedAt", "commitChainId" };
    static const char *const prove[] = { "proveTxHash", "provenAt", "proveChainId" };
    static const char *const execute[] = { "executeTxHash", "executedAt", "executeChainId" };
    static const char zero[] =
        "\"0x0000000000000000000000000000000000000000000000000000000000000000\"";
    step_members(b, row, BATCH_COMMIT, commit);
    step_members(b, row, BATCH_PROVE, prove);
    step_members(b, row, BATCH_EXECUTE, execute);
    jm_number(b, "l1GasPrice", u256_sat_u64(l1_gas_price));
    jm_number(b, "l2FairGasPrice", u256_sat_u64(&ctx->base_fee));
    jm_number(b, "fairPubdataPrice", u256_sat_u64(&ctx->pubdata_price));
    js_key(b, "baseSystemContractsHashes");
    js_open(b, '{');
    jm_raw(b, "bootloader", zero);
    jm_raw(b, "default_aa", zero);
    jm_raw(b, "evm_emulator", zero);
    js_close(b, '}');
}

static const char *batch_status(const struct batch_row *row)
{
    return row && row->step[BATCH_EXECUTE].done ? "verified" : "sealed";
}

bool rpc_zks_batch_details(struct rpc_call *c)
{
    struct batch_row row;
    bool found;
    if (!batch_param(c, &row, &found))
        return false;
    if (!found)
        return rpc_null(c);
    const struct chain_block *last = rpc_block_get(c, row.last_block);
    if (!last)
        return c->code ? false : rpc_null(c);
    struct buf *b = c->out;
    js_open(b, '{');
    jm_number(b, "number", row.number);
    jm_number(b, "timestamp", row.first_timestamp);
    jm_number(b, "l1TxCount", row.l1_tx_cnt);
    jm_number(b, "l2TxCount", row.l2_tx_cnt);
    jm_hash(b, "rootHash", &row.state_commitment);
    jm_text(b, "status", batch_status(&row));
    steps_and_prices(b, &row, &last->r.ctx, &c->r->d.l1_gas_price);
    js_close(b, '}');
    rpc_block_release(c, last);
    return true;
}

bool rpc_zks_block_details(struct rpc_call *c)
{
    const struct chain_block *blk;
    uint64_t sealed;
    if (!last_sealed(c, &sealed) || !rpc_block_param(c, false, &blk))
        return false;
    if (!blk)
        return rpc_null(c);
    const struct batch_row *row = rpc_batch_of_block(c, blk->r.header.number);
    struct buf *b = c->out;
    char version[24];
    snprintf(version, sizeof(version), "Version%u", blk->r.protocol_minor);
    js_open(b, '{');
    jm_number(b, "number", blk->r.header.number);
    jm_number(b, "l1BatchNumber", row ? row->number : blk->r.header.number ? sealed + 1 : 0);
    jm_number(b, "timestamp", blk->r.header.timestamp);
    jm_number(b, "l1TxCount", blk->r.l1_tx_cnt);
    jm_number(b, "l2TxCount", blk->r.tx_cnt - blk->r.l1_tx_cnt);
    jm_hash(b, "rootHash", &blk->r.block_hash);
    jm_text(b, "status", batch_status(row));
    steps_and_prices(b, row, &blk->r.ctx, &c->r->d.l1_gas_price);
    jm_addr(b, "operatorAddress", &blk->r.header.coinbase);
    jm_text(b, "protocolVersion", version);
    js_close(b, '}');
    rpc_block_release(c, blk);
    return true;
}

static void step_hash(struct buf *b, const char *key, const struct batch_row *row,
                      enum batch_step step)
{
    if (row && row->step[step].done)
        jm_hash(b, key, &row->step[step].tx_hash);
    else
        jm_null(b, key);
}

struct tx_details {
    const char *status;
    bool is_l1;
    struct u256 fee, gas_per_pubdata;
    struct addr from;
    uint64_t received_ms;
    const struct batch_row *row;
};

static void write_tx_details(struct buf *b, const struct tx_details *d)
{
    char at[28];
    clock_format_rfc3339(at, d->received_ms);
    js_open(b, '{');
    jm_bool(b, "isL1Originated", d->is_l1);
    jm_text(b, "status", d->status);
    jm_quantity_u256(b, "fee", &d->fee);
    jm_quantity_u256(b, "gasPerPubdata", &d->gas_per_pubdata);
    jm_addr(b, "initiatorAddress", &d->from);
    jm_text(b, "receivedAt", at);
    step_hash(b, "ethCommitTxHash", d->row, BATCH_COMMIT);
    step_hash(b, "ethProveTxHash", d->row, BATCH_PROVE);
    step_hash(b, "ethExecuteTxHash", d->row, BATCH_EXECUTE);
    js_close(b, '}');
}

struct u256 rpc_gas_per_pubdata(const struct u256 *pubdata_price, const struct u256 *base_fee)
{
    struct u256 n = u256_div_ceil(pubdata_price, base_fee);
    return u256_is_zero(&n) ? U256_ONE : n;
}

static bool pooled_details(struct rpc_call *c, const struct b256 *hash)
{
    struct mempool_tx m;
    struct stf_tx tx;
    if (!mempool_find(c->r->d.mempool, hash, &c->s->arena, &m))
        return rpc_null(c);
    if (!rpc_tx_decode(c, m.envelope, &tx))
        return false;
    struct chain_head h = chain_head_get(c->r->d.chain);
    struct u256 gas = u256_of_u64(tx.gas_limit);
    struct tx_details d = { .status = "pending",
                            .fee = u256_mul(&gas, &tx.max_fee),
                            .gas_per_pubdata = rpc_gas_per_pubdata(&h.pubdata_price, &h.base_fee),
                            .from = m.from,
                            .received_ms = m.arrived_ms };
    write_tx_details(c->out, &d);
    return true;
}

bool rpc_zks_tx_details(struct rpc_call *c)
{
    struct b256 hash;
    const struct chain_block *b;
    uint32_t index;
    bool found;
    if (!param_hash(c, 0, "transaction hash", &hash) ||
        !rpc_tx_locate(c, &hash, &b, &index, &found))
        return false;
    if (!found)
        return pooled_details(c, &hash);
    const struct block_tx *t = &b->r.txs[index];
    const struct batch_row *row = rpc_batch_of_block(c, b->r.header.number);
    struct u256 gas = u256_of_u64(t->gas_used);
    struct tx_details d = { .status = !t->success                            ? "failed"
                                      : row && row->step[BATCH_EXECUTE].done ? "verified"
                                                                             : "included",
                            .is_l1 = t->envelope.len > 0 && (t->envelope.p[0] == TX_PRIORITY ||
                                                             t->envelope.p[0] == TX_UPGRADE),
                            .fee = u256_mul(&gas, &t->effective_gas_price),
                            .gas_per_pubdata =
                                rpc_gas_per_pubdata(&b->r.ctx.pubdata_price, &b->r.ctx.base_fee),
                            .from = t->from,
                            .received_ms = b->r.header.timestamp * 1000,
                            .row = row };
    write_tx_details(c->out, &d);
    rpc_block_release(c, b);
    return true;
}

/* ---- persisted batches: executed ones, as other servers ask for them (spec 40 §4.2) ---- */

static void write_persisted(struct buf *b, const struct batch_row *row)
{
    js_open(b, '{');
    js_key(b, "batch_info");
    js_open(b, '{');
    jm_number(b, "batch_number", row->number);
    jm_hash(b, "state_commitment", &row->state_commitment);
    jm_number(b, "number_of_layer1_txs", row->l1_tx_cnt);
    jm_hash(b, "priority_operations_hash", &row->priority_ops_hash);
    jm_hash(b, "dependency_roots_rolling_hash", &row->dependency_roots_hash);
    jm_hash(b, "l2_to_l1_logs_root_hash", &row->l2_logs_tree_root);
    jm_hash(b, "commitment", &row->commitment);
    jm_number(b, "last_block_timestamp", row->last_timestamp);
    js_close(b, '}');
    js_key(b, "block_range");
    js_open(b, '{');
    jm_number(b, "start", row->first_block);
    jm_number(b, "end", row->last_block);
    js_close(b, '}');
    jm_number(b, "execute_sl_block_number", row->step[BATCH_EXECUTE].sl_block);
    js_close(b, '}');
}

bool rpc_zks_batch_number(struct rpc_call *c)
{
    struct err err = { 0 };
    uint64_t n = 0;
    if (!rpc_reader(c))
        return false;
    if (!batch_frontier(c->s->reader, BATCH_EXECUTE, &n, &err))
        return rpc_fail_err(c, &err);
    js_number(c->out, n);
    return true;
}

bool rpc_zks_batch_by_number(struct rpc_call *c)
{
    struct batch_row row;
    bool found;
    if (!batch_param(c, &row, &found))
        return false;
    if (!found || !row.step[BATCH_EXECUTE].done)
        return rpc_null(c);
    write_persisted(c->out, &row);
    return true;
}

static bool batch_by_block(struct rpc_call *c, const struct batch_row **row)
{
    uint64_t n;
    if (!param_u64(c, 0, "block number", &n) || !rpc_reader(c))
        return false;
    *row = rpc_batch_of_block(c, n);
    if (*row && !(*row)->step[BATCH_EXECUTE].done)
        *row = NULL;
    return true;
}

bool rpc_zks_batch_by_block(struct rpc_call *c)
{
    const struct batch_row *row;
    if (!batch_by_block(c, &row))
        return false;
    if (!row)
        return rpc_null(c);
    write_persisted(c->out, row);
    return true;
}

/* Callers of the unstable_ forms try again on this text. */
static bool not_there_yet(struct rpc_call *c)
{
    return rpc_fail(c, RPC_INTERNAL,
                    "L1 batch containing the transaction has not been finalized or indexed by this "
                    "node yet");
}

bool rpc_unstable_batch_by_block(struct rpc_call *c)
{
    const struct batch_row *row;
    if (!batch_by_block(c, &row))
        return false;
    if (!row)
        return not_there_yet(c);
    write_persisted(c->out, row);
    return true;
}

bool rpc_unstable_local_root(struct rpc_call *c)
{
    struct batch_row row;
    bool found;
    if (!batch_param(c, &row, &found))
        return false;
    if (!found || !row.step[BATCH_EXECUTE].done)
        return not_there_yet(c);
    js_hex(c->out, row.logs_root.b, 32);
    return true;
}
