/* node/rpc/zks_fees.c
 *
 * zks_: prices and estimates in the shapes older SDKs expect. */
#include "node/rpc/encode.h"
#include "node/rpc/handlers.h"
#include "node/rpc/params.h"

bool rpc_zks_gas_per_pubdata(struct rpc_call *c)
{
    struct chain_head h = chain_head_get(c->r->d.chain);
    struct u256 n = rpc_gas_per_pubdata(&h.pubdata_price, &h.base_fee);
    js_quantity_u256(c->out, &n);
    return true;
}

bool rpc_zks_estimate_l1_to_l2(struct rpc_call *c)
{
    struct call_request q;
    uint64_t block, gas;
    if (!param_call_request(c, 0, &q) || !param_state_block(c, 1, &block))
        return false;
    q.type = TX_PRIORITY;
    if (!rpc_estimate(c, &q, block, NULL, &gas))
        return false;
    js_quantity(c->out, gas);
    return true;
}

bool rpc_zks_estimate_fee(struct rpc_call *c)
{
    struct call_request q;
    uint64_t gas, head = chain_head_get(c->r->d.chain).number;
    if (!param_call_request(c, 0, &q) || !rpc_estimate(c, &q, head, NULL, &gas))
        return false;
    struct chain_head h = chain_head_get(c->r->d.chain);
    struct u256 price = rpc_scale(&h.base_fee, c->r->d.cfg->rpc.gas_price_scale_factor);
    struct u256 per_byte = rpc_gas_per_pubdata(&h.pubdata_price, &h.base_fee);
    js_open(c->out, '{');
    jm_quantity(c->out, "gas_limit", gas);
    jm_quantity_u256(c->out, "max_fee_per_gas", &price);
    jm_quantity(c->out, "max_priority_fee_per_gas", 0);
    jm_quantity_u256(c->out, "gas_per_pubdata_limit", &per_byte);
    js_close(c->out, '}');
    return true;
}

bool rpc_zks_fee_params(struct rpc_call *c)
{
    struct chain_head h = chain_head_get(c->r->d.chain);
    const struct config *cfg = c->r->d.cfg;
    struct buf *b = c->out;
    js_open(b, '{');
    js_key(b, "V2");
    js_open(b, '{');
    js_key(b, "config");
    js_open(b, '{');
    jm_number(b, "minimal_l2_gas_price", u256_sat_u64(&h.base_fee));
    jm_raw(b, "compute_overhead_part", "0.0");
    jm_raw(b, "pubdata_overhead_part", "0.0");
    jm_number(b, "batch_overhead_l1_gas", 0);
    jm_number(b, "max_gas_per_batch", cfg->sequencer.block_gas_limit);
    jm_number(b, "max_pubdata_per_batch", cfg->sequencer.block_pubdata_limit_bytes);
    js_close(b, '}');
    jm_number(b, "l1_gas_price", u256_sat_u64(&c->r->d.l1_gas_price));
    jm_number(b, "l1_pubdata_price", u256_sat_u64(&h.pubdata_price));
    js_close(b, '}');
    js_close(b, '}');
    return true;
}
