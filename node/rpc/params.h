/* node/rpc/params.h   (inside rpc)
 *
 * Parameters of calls. Each getter takes the position; on failure the call is failed with -32602 and a text that
 * names the parameter, and false is returned. A missing or null optional parameter leaves *out untouched. */
#ifndef GH_RPC_PARAMS_H
#define GH_RPC_PARAMS_H

#include "node/rpc/rpc_internal.h"

/* NULL when missing or null */
const json_t *param_at(const struct rpc_call *c, size_t i);
bool param_required(struct rpc_call *c, size_t i, const char *name, const json_t **out);
bool param_hash(struct rpc_call *c, size_t i, const char *name, struct b256 *out);
bool param_addr(struct rpc_call *c, size_t i, const char *name, struct addr *out);
/* Hex quantity or a JSON number. */
bool param_u64(struct rpc_call *c, size_t i, const char *name, uint64_t *out);
bool param_bool(struct rpc_call *c, size_t i, const char *name, bool *out);
/* Hex bytes, arena. */
bool param_bytes(struct rpc_call *c, size_t i, const char *name, struct bytes *out);
/* Storage slot: 32-byte hex, or a shorter quantity. */
bool param_slot(struct rpc_call *c, size_t i, const char *name, struct b256 *out);

/* The same over values; `name` for the text. */
bool value_hash(struct rpc_call *c, const json_t *v, const char *name, struct b256 *out);
bool value_addr(struct rpc_call *c, const json_t *v, const char *name, struct addr *out);
bool value_u256(struct rpc_call *c, const json_t *v, const char *name, struct u256 *out);
bool value_u64(struct rpc_call *c, const json_t *v, const char *name, uint64_t *out);
bool value_bytes(struct rpc_call *c, const json_t *v, const char *name, struct bytes *out);
bool value_slot(struct rpc_call *c, const json_t *v, const char *name, struct b256 *out);

/* A block named by tag, number, hash or EIP-1898 object. */
struct block_id {
    uint64_t number;
    bool found; /* number <= head, or the hash is known */
};
/* Missing: latest. */
bool param_block(struct rpc_call *c, size_t i, struct block_id *out);
bool value_block(struct rpc_call *c, const json_t *v, struct block_id *out);
/* For state methods: a block that is not there fails with `block not found`. */
bool param_state_block(struct rpc_call *c, size_t i, uint64_t *number);

/* A call request (eth_call, eth_estimateGas, ...), everything in the session's arena. */
struct call_request {
    struct addr from, to;
    bool has_from, has_to, has_gas, has_price, has_value;
    bool is_dynamic; /* maxFeePerGas or maxPriorityFeePerGas given */
    uint64_t gas;
    struct u256 max_fee, max_priority_fee, value;
    struct bytes data;
    const struct tx_access *access;
    size_t access_cnt;
    int type; /* -1: not given */
    uint64_t gas_per_pubdata;
};
bool param_call_request(struct rpc_call *c, size_t i, struct call_request *out);

#endif
