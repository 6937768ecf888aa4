/* node/rpc/handlers.h   (inside rpc)
 *
 * Handlers, from the table of methods, and pieces that several of them share. */
#ifndef GH_RPC_HANDLERS_H
#define GH_RPC_HANDLERS_H

#include "node/rpc/rpc_internal.h"

/* the table names some handlers more than once */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wredundant-decls"
#define RPC_METHOD(name, handler, ns, boot) bool handler(struct rpc_call *c);
#include "node/rpc/rpc_methods.def"
#undef RPC_METHOD
#pragma GCC diagnostic pop

/* Block of parameter 0, by hash or by tag and number. *b NULL and true: there is none. Release it. */
bool rpc_block_param(struct rpc_call *c, bool by_hash, const struct chain_block **b);
/* A receipt as the result; the block is acquired by the caller. */
bool rpc_write_receipt(struct rpc_call *c, const struct chain_block *b, uint32_t index);

/* ceil(v * factor), factor in thousandths */
struct u256 rpc_scale(const struct u256 *v, double factor);
/* Gas that one byte of pubdata costs at the base fee; at least 1. */
struct u256 rpc_gas_per_pubdata(const struct u256 *pubdata_price, const struct u256 *base_fee);
/* eth_call.c: gas for an L1 transaction or an L2 one, as eth_estimateGas gives it. */
struct call_request;
bool rpc_estimate(struct rpc_call *c, const struct call_request *q, uint64_t block,
                  const json_t *overrides, uint64_t *gas);

#endif
