#include <string.h>

#include "node/net/eth_internal.h"

/* Memory of one decoded answer: a JSON text of n bytes decodes to less than four times n. */
static void answer_arena(struct arena *a, const struct eth_request *r)
{
    arena_init_growing(a, (size_t)16 << 10, 4 * r->c->cfg.max_response_len);
}

/* --- numbers, hashes --- */

static enum eth_step step_u64(struct eth_request *r, const struct eth_reply *reply, struct err *err)
{
    uint64_t v = 0;
    if (!reply->err && !eth_decode_u64(reply->result, &v, err))
        return ETH_STEP_BAD;
    if (!reply->err && strcmp(r->method, "eth_blockNumber") == 0)
        eth_endpoint_saw_head(r->c, reply->endpoint, v);
    r->user.u64(r->arg, reply, v);
    return ETH_STEP_DONE;
}

static enum eth_step step_u256(struct eth_request *r, const struct eth_reply *reply,
                               struct err *err)
{
    struct u256 v = U256_ZERO;
    if (!reply->err && !eth_decode_u256(reply->result, &v, err))
        return ETH_STEP_BAD;
    r->user.u256(r->arg, reply, reply->err ? NULL : &v);
    return ETH_STEP_DONE;
}

static enum eth_step step_hash(struct eth_request *r, const struct eth_reply *reply,
                               struct err *err)
{
    struct b256 v;
    if (!reply->err && !eth_decode_hash(reply->result, &v, err))
        return ETH_STEP_BAD;
    r->user.hash(r->arg, reply, reply->err ? NULL : &v);
    return ETH_STEP_DONE;
}

static enum eth_step step_bytes(struct eth_request *r, const struct eth_reply *reply,
                                struct err *err)
{
    struct arena a;
    struct bytes v = { NULL, 0 };
    answer_arena(&a, r);
    bool ok = reply->err || eth_decode_bytes(reply->result, &a, &v, err);
    if (ok)
        r->user.bytes(r->arg, reply, v);
    arena_clear(&a);
    return ok ? ETH_STEP_DONE : ETH_STEP_BAD;
}

/* Every typed call: the parameters failed to build only for lack of memory. */
static struct eth_request *typed(struct eth_client *c, const char *method, json_t *params,
                                 const struct eth_opts *opts, eth_step_fn *step,
                                 union eth_user_fn user, void *arg, struct err *err)
{
    if (!params) {
        err_set(err, ERR_LOCAL, "out of memory");
        return NULL;
    }
    return eth_request_new(c, method, params, opts, step, user, arg, err);
}
#define USER(member, fn) ((union eth_user_fn){ .member = (fn) })

struct eth_request *eth_chain_id(struct eth_client *c, const struct eth_opts *opts, eth_u64_fn *cb,
                                 void *arg, struct err *err)
{
    return typed(c, "eth_chainId", json_array(), opts, step_u64, USER(u64, cb), arg, err);
}

struct eth_request *eth_block_number(struct eth_client *c, const struct eth_opts *opts,
                                     eth_u64_fn *cb, void *arg, struct err *err)
{
    return typed(c, "eth_blockNumber", json_array(), opts, step_u64, USER(u64, cb), arg, err);
}

struct eth_request *eth_call(struct eth_client *c, const struct eth_call_msg *msg,
                             struct eth_block_id at, json_t *overrides, const struct eth_opts *opts,
                             eth_bytes_fn *cb, void *arg, struct err *err)
{
    json_t *params =
        overrides
            ? json_pack("[o,o,o]", eth_encode_call_msg(msg), eth_encode_block_id(&at), overrides)
            : json_pack("[o,o]", eth_encode_call_msg(msg), eth_encode_block_id(&at));
    return typed(c, "eth_call", params, opts, step_bytes, USER(bytes, cb), arg, err);
}

struct eth_request *eth_estimate_gas(struct eth_client *c, const struct eth_call_msg *msg,
                                     struct eth_block_id at, const struct eth_opts *opts,
                                     eth_u64_fn *cb, void *arg, struct err *err)
{
    json_t *params = json_pack("[o,o]", eth_encode_call_msg(msg), eth_encode_block_id(&at));
    return typed(c, "eth_estimateGas", params, opts, step_u64, USER(u64, cb), arg, err);
}

struct eth_request *eth_get_nonce(struct eth_client *c, const struct addr *a,
                                  struct eth_block_id at, const struct eth_opts *opts,
                                  eth_u64_fn *cb, void *arg, struct err *err)
{
    json_t *params = json_pack("[o,o]", eth_encode_addr(a), eth_encode_block_id(&at));
    return typed(c, "eth_getTransactionCount", params, opts, step_u64, USER(u64, cb), arg, err);
}

struct eth_request *eth_get_balance(struct eth_client *c, const struct addr *a,
                                    struct eth_block_id at, const struct eth_opts *opts,
                                    eth_u256_fn *cb, void *arg, struct err *err)
{
    json_t *params = json_pack("[o,o]", eth_encode_addr(a), eth_encode_block_id(&at));
    return typed(c, "eth_getBalance", params, opts, step_u256, USER(u256, cb), arg, err);
}

struct eth_request *eth_get_code(struct eth_client *c, const struct addr *a, struct eth_block_id at,
                                 const struct eth_opts *opts, eth_bytes_fn *cb, void *arg,
                                 struct err *err)
{
    json_t *params = json_pack("[o,o]", eth_encode_addr(a), eth_encode_block_id(&at));
    return typed(c, "eth_getCode", params, opts, step_bytes, USER(bytes, cb), arg, err);
}

struct eth_request *eth_gas_price(struct eth_client *c, const struct eth_opts *opts,
                                  eth_u256_fn *cb, void *arg, struct err *err)
{
    return typed(c, "eth_gasPrice", json_array(), opts, step_u256, USER(u256, cb), arg, err);
}

struct eth_request *eth_blob_base_fee(struct eth_client *c, const struct eth_opts *opts,
                                      eth_u256_fn *cb, void *arg, struct err *err)
{
    return typed(c, "eth_blobBaseFee", json_array(), opts, step_u256, USER(u256, cb), arg, err);
}

struct eth_request *eth_send_raw(struct eth_client *c, struct bytes raw,
                                 const struct eth_opts *opts, eth_hash_fn *cb, void *arg,
                                 struct err *err)
{
    struct eth_opts o = opts ? *opts : (struct eth_opts){ 0 };
    if (o.max_attempts == 0)
        o.max_attempts = 1;
    json_t *params = json_pack("[o]", eth_encode_bytes(raw));
    return typed(c, "eth_sendRawTransaction", params, &o, step_hash, USER(hash, cb), arg, err);
}

/* --- transactions and receipts --- */

static enum eth_step step_receipt(struct eth_request *r, const struct eth_reply *reply,
                                  struct err *err)
{
    struct arena a;
    struct eth_receipt v;
    answer_arena(&a, r);
    bool have = !reply->err && !json_is_null(reply->result);
    bool ok = !have || eth_decode_receipt(reply->result, &a, &v, err);
    if (ok && have && !b256_eq(&v.tx_hash, &r->hash))
        ok = err_set(err, ERR_INVALID, "receipt of another transaction");
    if (ok)
        r->user.receipt(r->arg, reply, have ? &v : NULL);
    arena_clear(&a);
    return ok ? ETH_STEP_DONE : ETH_STEP_BAD;
}

static enum eth_step step_tx(struct eth_request *r, const struct eth_reply *reply, struct err *err)
{
    struct arena a;
    struct eth_tx v;
    answer_arena(&a, r);
    bool have = !reply->err && !json_is_null(reply->result);
    bool ok = !have || eth_decode_tx(reply->result, &a, &v, err);
    if (ok && have && r->num[0] == 0 && !b256_eq(&v.hash, &r->hash))
        ok = err_set(err, ERR_INVALID, "another transaction");
    if (ok)
        r->user.tx(r->arg, reply, have ? &v : NULL);
    arena_clear(&a);
    return ok ? ETH_STEP_DONE : ETH_STEP_BAD;
}

struct eth_request *eth_get_receipt(struct eth_client *c, const struct b256 *tx_hash,
                                    const struct eth_opts *opts, eth_receipt_fn *cb, void *arg,
                                    struct err *err)
{
    struct eth_request *r =
        typed(c, "eth_getTransactionReceipt", json_pack("[o]", eth_encode_hash(tx_hash)), opts,
              step_receipt, USER(receipt, cb), arg, err);
    if (r)
        r->hash = *tx_hash;
    return r;
}

struct eth_request *eth_get_tx(struct eth_client *c, const struct b256 *tx_hash,
                               const struct eth_opts *opts, eth_tx_fn *cb, void *arg,
                               struct err *err)
{
    struct eth_request *r =
        typed(c, "eth_getTransactionByHash", json_pack("[o]", eth_encode_hash(tx_hash)), opts,
              step_tx, USER(tx, cb), arg, err);
    if (r)
        r->hash = *tx_hash;
    return r;
}

struct eth_request *eth_get_tx_by_nonce(struct eth_client *c, const struct addr *sender,
                                        uint64_t nonce, const struct eth_opts *opts, eth_tx_fn *cb,
                                        void *arg, struct err *err)
{
    json_t *params = json_pack("[o,o]", eth_encode_addr(sender), eth_encode_u64(nonce));
    struct eth_request *r = typed(c, "eth_getTransactionBySenderAndNonce", params, opts, step_tx,
                                  USER(tx, cb), arg, err);
    if (r)
        r->num[0] = 1; /* the hash is what we want to know */
    return r;
}

/* --- fee history; num[0]: rewards were asked --- */

static enum eth_step step_fees(struct eth_request *r, const struct eth_reply *reply,
                               struct err *err)
{
    struct arena a;
    struct eth_fee_history v;
    answer_arena(&a, r);
    bool ok = reply->err || eth_decode_fee_history(reply->result, &a, r->num[0] != 0, &v, err);
    if (ok)
        r->user.fee_history(r->arg, reply, reply->err ? NULL : &v);
    arena_clear(&a);
    return ok ? ETH_STEP_DONE : ETH_STEP_BAD;
}

struct eth_request *eth_fee_history(struct eth_client *c, uint64_t blocks, unsigned percentile,
                                    const struct eth_opts *opts, eth_fee_history_fn *cb, void *arg,
                                    struct err *err)
{
    bool with_rewards = percentile != ETH_NO_REWARDS;
    json_t *params = with_rewards
                         ? json_pack("[o,s,[i]]", eth_encode_u64(blocks), "latest", (int)percentile)
                         : json_pack("[o,s,[]]", eth_encode_u64(blocks), "latest");
    struct eth_request *r =
        typed(c, "eth_feeHistory", params, opts, step_fees, USER(fee_history, cb), arg, err);
    if (r)
        r->num[0] = with_rewards;
    return r;
}

bool eth_is_revert(const struct eth_reply *r)
{
    return r->err->kind == ERR_REJECTED &&
           (r->has_revert_data || r->err->code == 3 || rpc_text_has(r->err->msg, "revert") ||
            rpc_text_has(r->err->msg, "invalid opcode") || rpc_text_has(r->err->msg, "out of gas"));
}

/* --- blocks; finalized and safe with a way round for nodes without the tags ---
 * num[0]: the tag that was asked; num[1]: 0 by tag, 1 asking for latest, 2 asking for the number below it */

static json_t *block_params(const struct eth_block_id *at)
{
    return json_pack("[o,b]",
                     at->tag == ETH_HASH ? eth_encode_hash(&at->hash) : eth_encode_block_id(at), 0);
}

static bool has_fallback(const struct eth_request *r)
{
    return r->num[0] == ETH_FINALIZED || r->num[0] == ETH_SAFE;
}

/* "I do not know this tag", as opposed to "there is none yet" (-39001 and null). */
static bool says_unknown_tag(const struct err *e)
{
    return e->kind == ERR_REJECTED &&
           (e->code == -32602 || e->code == -32600 || rpc_text_has(e->msg, "invalid block") ||
            rpc_text_has(e->msg, "unknown tag") || rpc_text_has(e->msg, "not supported") ||
            rpc_text_has(e->msg, "hex string without 0x"));
}

static enum eth_step ask_latest(struct eth_request *r, struct err *err)
{
    r->num[1] = 1;
    if (!eth_request_set_call(r, "eth_getBlockByNumber", block_params(&ETH_AT_LATEST))) {
        err_set(err, ERR_LOCAL, "out of memory");
        return ETH_STEP_BAD;
    }
    return ETH_STEP_AGAIN;
}

static enum eth_step ask_below(struct eth_request *r, uint64_t latest, struct err *err)
{
    const struct eth_client_config *cfg = &r->c->cfg;
    uint64_t depth = r->num[0] == ETH_FINALIZED ? cfg->finalized_depth : cfg->safe_depth;
    r->num[1] = 2;
    if (!eth_request_set_call(r, "eth_getBlockByNumber",
                              block_params(&ETH_AT_NUMBER(latest > depth ? latest - depth : 0)))) {
        err_set(err, ERR_LOCAL, "out of memory");
        return ETH_STEP_BAD;
    }
    return ETH_STEP_AGAIN;
}

/* The finalized block only moves up, and never to another fork. */
static enum eth_step note_finalized(struct eth_request *r, size_t endpoint,
                                    const struct eth_block *b, struct err *err)
{
    struct eth_client *c = r->c;
    if (c->finalized_known && b->number < c->finalized_number) {
        err_set(err, ERR_TRANSIENT, "%s says block %llu is final, %llu was already",
                c->endpoints[endpoint].name, (unsigned long long)b->number,
                (unsigned long long)c->finalized_number);
        return ETH_STEP_BEHIND;
    }
    if (c->finalized_known && b->number == c->finalized_number &&
        !b256_eq(&b->hash, &c->finalized_hash)) {
        err_set(err, ERR_TRANSIENT, "%s has another finalized block %llu",
                c->endpoints[endpoint].name, (unsigned long long)b->number);
        eth_endpoint_refuse(c, endpoint, err->msg);
        return ETH_STEP_BEHIND;
    }
    c->finalized_known = true;
    c->finalized_number = b->number;
    c->finalized_hash = b->hash;
    return ETH_STEP_DONE;
}

static enum eth_step check_block(struct eth_request *r, const struct eth_reply *reply,
                                 const struct eth_block *b, struct err *err)
{
    if (r->num[0] == ETH_NUMBER && b->number != r->num[2]) {
        err_set(err, ERR_INVALID, "block %llu instead of %llu", (unsigned long long)b->number,
                (unsigned long long)r->num[2]);
        return ETH_STEP_BAD;
    }
    if (r->num[0] == ETH_HASH && !b256_eq(&b->hash, &r->hash)) {
        err_set(err, ERR_INVALID, "another block");
        return ETH_STEP_BAD;
    }
    if (r->num[0] == ETH_LATEST || r->num[1] == 1)
        eth_endpoint_saw_head(r->c, reply->endpoint, b->number);
    if (r->num[1] == 1)
        return ask_below(r, b->number, err);
    if (b->number < r->opts.min_block && r->num[0] != ETH_NUMBER && r->num[0] != ETH_HASH)
        return ETH_STEP_BEHIND;
    if (r->num[0] == ETH_FINALIZED)
        return note_finalized(r, reply->endpoint, b, err);
    return ETH_STEP_DONE;
}

static enum eth_step step_block(struct eth_request *r, const struct eth_reply *reply,
                                struct err *err)
{
    struct arena a;
    struct eth_block b;
    if (reply->err) {
        if (has_fallback(r) && r->num[1] == 0 && says_unknown_tag(reply->err))
            return ask_latest(r, err);
        r->user.block(r->arg, reply, NULL);
        return ETH_STEP_DONE;
    }
    if (json_is_null(reply->result)) {
        if (r->num[1] != 0 || r->num[0] == ETH_LATEST) {
            err_set(err, ERR_INVALID, "no block");
            return ETH_STEP_BAD;
        }
        r->user.block(r->arg, reply, NULL);
        return ETH_STEP_DONE;
    }
    answer_arena(&a, r);
    enum eth_step s = ETH_STEP_BAD;
    if (eth_decode_block(reply->result, &a, &b, err)) {
        s = check_block(r, reply, &b, err);
        if (s == ETH_STEP_DONE)
            r->user.block(r->arg, reply, &b);
    }
    arena_clear(&a);
    return s;
}

struct eth_request *eth_get_block(struct eth_client *c, struct eth_block_id at,
                                  const struct eth_opts *opts, eth_block_fn *cb, void *arg,
                                  struct err *err)
{
    bool by_depth = c->cfg.no_finalized_tag && (at.tag == ETH_FINALIZED || at.tag == ETH_SAFE);
    const char *method = at.tag == ETH_HASH ? "eth_getBlockByHash" : "eth_getBlockByNumber";
    struct eth_request *r = typed(c, method, block_params(by_depth ? &ETH_AT_LATEST : &at), opts,
                                  step_block, USER(block, cb), arg, err);
    if (r) {
        r->num[0] = at.tag;
        r->num[1] = by_depth ? 1 : 0;
        r->num[2] = at.number;
        r->hash = at.hash;
    }
    return r;
}
