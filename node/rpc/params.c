/* node/rpc/params.c */
#include "node/rpc/params.h"

#include "node/base/hex.h"

static bool bad(struct rpc_call *c, const char *name, const char *what)
{
    return rpc_fail(c, RPC_PARAMS, "invalid params: %s: %s", name, what);
}

const json_t *param_at(const struct rpc_call *c, size_t i)
{
    const json_t *v = c->params ? json_array_get(c->params, i) : NULL;
    return json_is_null(v) ? NULL : v;
}

bool param_required(struct rpc_call *c, size_t i, const char *name, const json_t **out)
{
    *out = param_at(c, i);
    return *out != NULL ||
           rpc_fail(c, RPC_PARAMS, "invalid params: missing value for required argument %zu (%s)",
                    i, name);
}

/* ---- values ---- */

static bool fixed_bytes(struct rpc_call *c, const json_t *v, const char *name, void *out,
                        size_t len)
{
    const char *s = json_string_value(v);
    size_t n = json_string_length(v);
    if (s && n == 2 + 2 * len && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') &&
        hex_decode_exact(out, len, s + 2, n - 2))
        return true;
    return rpc_fail(c, RPC_PARAMS, "invalid params: %s: expected %zu bytes of 0x-prefixed hex",
                    name, len);
}

bool value_hash(struct rpc_call *c, const json_t *v, const char *name, struct b256 *out)
{
    return fixed_bytes(c, v, name, out->b, 32);
}

bool value_addr(struct rpc_call *c, const json_t *v, const char *name, struct addr *out)
{
    return fixed_bytes(c, v, name, out->b, 20);
}

bool value_u256(struct rpc_call *c, const json_t *v, const char *name, struct u256 *out)
{
    if (json_is_integer(v)) {
        if (json_integer_value(v) < 0)
            return bad(c, name, "negative number");
        *out = u256_of_u64((uint64_t)json_integer_value(v));
        return true;
    }
    const char *s = json_string_value(v);
    if (s && hex_parse_quantity(out, s, json_string_length(v), true))
        return true;
    return bad(c, name, "expected a 0x-prefixed quantity");
}

bool value_u64(struct rpc_call *c, const json_t *v, const char *name, uint64_t *out)
{
    struct u256 wide = U256_ZERO;
    if (!value_u256(c, v, name, &wide))
        return false;
    if (!u256_fits_u64(&wide))
        return bad(c, name, "number does not fit 64 bits");
    *out = wide.w[0];
    return true;
}

bool value_bytes(struct rpc_call *c, const json_t *v, const char *name, struct bytes *out)
{
    const char *s = json_string_value(v);
    size_t n = json_string_length(v), len = 0;
    if (!s || n < 2 || n % 2 || s[0] != '0' || (s[1] != 'x' && s[1] != 'X'))
        return bad(c, name, "expected 0x-prefixed hex bytes");
    uint8_t *p = arena_alloc(&c->s->arena, n / 2);
    if (!p)
        return rpc_no_memory(c);
    if (!hex_decode(p, n / 2, &len, s, n))
        return bad(c, name, "expected 0x-prefixed hex bytes");
    *out = bytes_of(p, len);
    return true;
}

bool value_slot(struct rpc_call *c, const json_t *v, const char *name, struct b256 *out)
{
    struct u256 n;
    const char *s = json_string_value(v);
    if (s && json_string_length(v) == 66)
        return value_hash(c, v, name, out);
    if (!value_u256(c, v, name, &n))
        return false;
    *out = u256_to_b256(&n);
    return true;
}

/* ---- parameters ---- */

bool param_hash(struct rpc_call *c, size_t i, const char *name, struct b256 *out)
{
    const json_t *v;
    return param_required(c, i, name, &v) && value_hash(c, v, name, out);
}

bool param_addr(struct rpc_call *c, size_t i, const char *name, struct addr *out)
{
    const json_t *v;
    return param_required(c, i, name, &v) && value_addr(c, v, name, out);
}

bool param_u64(struct rpc_call *c, size_t i, const char *name, uint64_t *out)
{
    const json_t *v;
    return param_required(c, i, name, &v) && value_u64(c, v, name, out);
}

bool param_bytes(struct rpc_call *c, size_t i, const char *name, struct bytes *out)
{
    const json_t *v;
    return param_required(c, i, name, &v) && value_bytes(c, v, name, out);
}

bool param_slot(struct rpc_call *c, size_t i, const char *name, struct b256 *out)
{
    const json_t *v;
    return param_required(c, i, name, &v) && value_slot(c, v, name, out);
}

bool param_bool(struct rpc_call *c, size_t i, const char *name, bool *out)
{
    const json_t *v = param_at(c, i);
    if (!v)
        return true;
    if (!json_is_boolean(v))
        return bad(c, name, "expected true or false");
    *out = json_is_true(v);
    return true;
}

/* ---- blocks ---- */

static bool block_of_hash(struct rpc_call *c, const struct b256 *hash, struct block_id *out)
{
    struct err err = { 0 };
    struct store_reader *r = rpc_reader(c);
    if (!r)
        return false;
    return chain_block_number_of(c->r->d.chain, r, hash, &out->number, &out->found, &err) ||
           rpc_fail_err(c, &err);
}

static bool block_of_tag(struct rpc_call *c, const char *tag, uint64_t head, struct block_id *out)
{
    out->found = true;
    if (strcmp(tag, "latest") == 0 || strcmp(tag, "pending") == 0) {
        out->number = head;
        return true;
    }
    if (strcmp(tag, "earliest") == 0) {
        out->number = 0;
        return true;
    }
    bool safe = strcmp(tag, "safe") == 0;
    if (!safe && strcmp(tag, "finalized") != 0)
        return false;
    struct rpc_frontiers f = rpc_frontiers_get(c);
    bool executed = c->r->d.cfg->rpc.finalized_mode == FINALIZED_EXECUTED;
    uint64_t n = safe       ? f.committed_block
                 : executed ? f.executed_block
                            : f.finalized_executed_block;
    out->number = n < head ? n : head;
    return true;
}

static bool block_of_number(struct rpc_call *c, const json_t *v, uint64_t head,
                            struct block_id *out)
{
    if (!value_u64(c, v, "block", &out->number))
        return false;
    out->found = out->number <= head;
    return true;
}

bool value_block(struct rpc_call *c, const json_t *v, struct block_id *out)
{
    uint64_t head = chain_head_get(c->r->d.chain).number;
    *out = (struct block_id){ head, true };
    if (!v)
        return true;
    if (json_is_string(v)) {
        struct b256 hash;
        if (block_of_tag(c, json_string_value(v), head, out))
            return true;
        if (c->code)
            return false;
        *out = (struct block_id){ 0, false };
        if (json_string_length(v) == 66)
            return value_hash(c, v, "block", &hash) && block_of_hash(c, &hash, out);
        return block_of_number(c, v, head, out);
    }
    if (json_is_integer(v))
        return block_of_number(c, v, head, out);
    const json_t *hash = json_object_get(v, "blockHash"),
                 *number = json_object_get(v, "blockNumber");
    if (json_is_null(hash))
        hash = NULL;
    if (json_is_null(number))
        number = NULL;
    if (hash && number)
        return bad(c, "block", "both blockHash and blockNumber");
    if (hash) {
        struct b256 h;
        return value_hash(c, hash, "blockHash", &h) && block_of_hash(c, &h, out);
    }
    if (number && !json_is_object(number))
        return value_block(c, number, out);
    return bad(c, "block", "expected a tag, a number, or an object with blockHash or blockNumber");
}

bool param_block(struct rpc_call *c, size_t i, struct block_id *out)
{
    return value_block(c, param_at(c, i), out);
}

bool param_state_block(struct rpc_call *c, size_t i, uint64_t *number)
{
    struct block_id id;
    if (!param_block(c, i, &id))
        return false;
    *number = id.number;
    return id.found || rpc_fail(c, RPC_PARAMS, "block not found");
}

/* ---- call requests ---- */

static const json_t *member(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_null(v) ? NULL : v;
}

static bool read_access_list(struct rpc_call *c, const json_t *list, struct call_request *out)
{
    size_t n = json_array_size(list);
    if (!json_is_array(list))
        return bad(c, "accessList", "expected an array");
    struct tx_access *a = arena_zalloc(&c->s->arena, n * sizeof(*a));
    if (!a)
        return rpc_no_memory(c);
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(list, i), *keys = member(item, "storageKeys");
        size_t cnt = json_array_size(keys);
        struct b256 *k = arena_alloc(&c->s->arena, cnt * sizeof(*k));
        if (!k)
            return rpc_no_memory(c);
        if (!value_addr(c, member(item, "address"), "accessList address", &a[i].addr))
            return false;
        for (size_t j = 0; j < cnt; j++)
            if (!value_slot(c, json_array_get(keys, j), "accessList storageKeys", &k[j]))
                return false;
        a[i].keys = k;
        a[i].key_cnt = cnt;
    }
    out->access = a;
    out->access_cnt = n;
    return true;
}

static bool read_data(struct rpc_call *c, const json_t *o, struct call_request *out)
{
    const json_t *data = member(o, "data"), *input = member(o, "input");
    if (input && !value_bytes(c, input, "input", &out->data))
        return false;
    if (!data)
        return true;
    struct bytes d = { 0 };
    if (!value_bytes(c, data, "data", &d))
        return false;
    if (input && !bytes_eq(d, out->data))
        return rpc_fail(c, RPC_PARAMS,
                        "both `data` and `input` are specified and are not equal; use `input`");
    out->data = d;
    return true;
}

static bool read_fees(struct rpc_call *c, const json_t *o, struct call_request *out)
{
    const json_t *price = member(o, "gasPrice"), *fee = member(o, "maxFeePerGas"),
                 *tip = member(o, "maxPriorityFeePerGas");
    if (price && (fee || tip))
        return rpc_fail(c, RPC_PARAMS,
                        "both `gasPrice` and (`maxFeePerGas` or `maxPriorityFeePerGas`) specified");
    if (price) {
        if (!value_u256(c, price, "gasPrice", &out->max_fee))
            return false;
        out->max_priority_fee = out->max_fee;
    }
    if (fee && !value_u256(c, fee, "maxFeePerGas", &out->max_fee))
        return false;
    if (tip && !value_u256(c, tip, "maxPriorityFeePerGas", &out->max_priority_fee))
        return false;
    out->is_dynamic = fee || tip;
    out->has_price = (price || fee) && !u256_is_zero(&out->max_fee);
    if (out->has_price && u256_lt(&out->max_fee, &out->max_priority_fee))
        return rpc_fail(c, RPC_PARAMS, "`maxPriorityFeePerGas` higher than `maxFeePerGas`");
    if (!out->has_price)
        out->max_priority_fee = out->max_fee = U256_ZERO;
    return true;
}

static bool read_type(struct rpc_call *c, const json_t *o, struct call_request *out)
{
    const json_t *type = member(o, "type"), *chain = member(o, "chainId");
    uint64_t t = 0, id = 0, own = c->r->d.cfg->genesis.chain_id;
    out->type = -1;
    if (type) {
        if (!value_u64(c, type, "type", &t))
            return false;
        if (t == TX_UPGRADE)
            return rpc_fail(c, RPC_PARAMS, "upgrade transactions cannot be estimated");
        if (t > TX_DYNAMIC_FEE && t != TX_PRIORITY)
            return rpc_fail(c, RPC_PARAMS,
                            "transaction type not supported: transaction type not valid");
        out->type = (int)t;
    }
    if (chain && !value_u64(c, chain, "chainId", &id))
        return false;
    if (chain && id != own)
        return rpc_fail(c, RPC_PARAMS, "invalid chain id for signer: have %llu want %llu",
                        (unsigned long long)id, (unsigned long long)own);
    static const char *const refused[] = { "authorizationList", "blobVersionedHashes", "blobs" };
    for (size_t i = 0; i < GH_COUNT(refused); i++)
        if (json_array_size(member(o, refused[i])) > 0)
            return rpc_fail(c, RPC_PARAMS, "transaction type not supported: `%s` is not available",
                            refused[i]);
    return true;
}

bool param_call_request(struct rpc_call *c, size_t i, struct call_request *out)
{
    const json_t *o, *v;
    *out = (struct call_request){ .gas_per_pubdata = 800 };
    if (!param_required(c, i, "transaction", &o))
        return false;
    if (!json_is_object(o))
        return bad(c, "transaction", "expected an object");
    if ((v = member(o, "from"))) {
        out->has_from = true;
        if (!value_addr(c, v, "from", &out->from))
            return false;
    }
    v = member(o, "to");
    if (v && !(json_is_string(v) && strcmp(json_string_value(v), "0x") == 0)) {
        out->has_to = true;
        if (!value_addr(c, v, "to", &out->to))
            return false;
    }
    if ((v = member(o, "gas")) || (v = member(o, "gasLimit"))) {
        out->has_gas = true;
        if (!value_u64(c, v, "gas", &out->gas))
            return false;
    }
    if ((v = member(o, "value")) && !value_u256(c, v, "value", &out->value))
        return false;
    out->has_value = !u256_is_zero(&out->value);
    if ((v = member(o, "gasPerPubdata")) &&
        !value_u64(c, v, "gasPerPubdata", &out->gas_per_pubdata))
        return false;
    if ((v = member(o, "accessList")) && !read_access_list(c, v, out))
        return false;
    return read_data(c, o, out) && read_fees(c, o, out) && read_type(c, o, out);
}
