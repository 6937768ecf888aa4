/* node/stf/bootloader_eth.c
 *
 * Transactions by Ethereum's own rules, for the public suites: one resource, base fee burned, blob transactions,
 * limits and floors as the rule set has them. Native is unlimited. */
#include "node/stf/bootloader.h"

#define BLOB_HASH_VERSION 1u

static enum stf_error check_blobs(struct tx_run *r, struct u256 *max_blob_fee,
                                  struct u256 *blob_fee)
{
    const struct stf_tx *tx = r->tx;
    *max_blob_fee = U256_ZERO;
    *blob_fee = U256_ZERO;
    if (tx->type != TX_BLOB)
        return STF_OK;
    uint32_t max = r->b->rules->tx_blob_max;
    if (tx->is_create || tx->blob_cnt == 0 || tx->blob_cnt > max)
        return tx_refuse_u64(r, STF_E_BLOB_INVALID, tx->blob_cnt, max);
    for (size_t i = 0; i < tx->blob_cnt; i++)
        if (tx->blob_hashes[i].b[0] != BLOB_HASH_VERSION)
            return tx_refuse_u64(r, STF_E_BLOB_INVALID, i, tx->blob_hashes[i].b[0]);
    if (u256_lt(&tx->max_fee_per_blob_gas, &r->b->ctx->blob_fee))
        return tx_refuse(r, STF_E_BLOB_FEE, tx->max_fee_per_blob_gas, r->b->ctx->blob_fee);
    struct u256 gas = u256_of_u64((uint64_t)GAS_PER_BLOB * tx->blob_cnt);
    if (!u256_mul_checked(max_blob_fee, &tx->max_fee_per_blob_gas, &gas) ||
        !u256_mul_checked(blob_fee, &r->b->ctx->blob_fee, &gas))
        return STF_E_OVERFLOW_PAYMENT;
    r->b->blob_hashes = tx->blob_hashes;
    r->b->blob_cnt = tx->blob_cnt;
    return STF_OK;
}

static enum stf_error check_gas(struct tx_run *r)
{
    const struct stf_tx *tx = r->tx;
    const struct stf_rules *rules = r->b->rules;
    if (r->gas_limit > rules->tx_gas_limit_max)
        return tx_refuse_u64(r, STF_E_GAS_LIMIT_TOO_HIGH, r->gas_limit, rules->tx_gas_limit_max);
    if (r->gas_limit > sat_sub(r->b->ctx->gas_limit, r->b->gas_used))
        return tx_refuse_u64(r, STF_E_GAS_LIMIT_MORE_THAN_BLOCK, r->gas_limit,
                             r->b->ctx->gas_limit);
    if (tx->is_create && tx->data.len > rules->max_initcode_len)
        return tx_refuse_u64(r, STF_E_INITCODE_SIZE, tx->data.len, rules->max_initcode_len);
    r->intrinsic_gas = tx_intrinsic_gas(tx);
    r->floor_gas = tx_floor_gas(tx, rules);
    uint64_t least = r->floor_gas > r->intrinsic_gas ? r->floor_gas : r->intrinsic_gas;
    if (r->gas_limit < least)
        return tx_refuse_u64(r, STF_E_OUT_OF_GAS_VALIDATION, r->gas_limit, least);
    r->res = (struct stf_res){ r->gas_limit - r->intrinsic_gas, UINT64_MAX };
    return STF_OK;
}

static enum stf_error validate(struct tx_run *r, struct u256 *prepaid, struct u256 *max_blob_fee)
{
    struct u256 blob_fee = U256_ZERO;
    enum stf_error e = tx_check_chain_and_type(r);
    if (e == STF_OK)
        e = tx_effective_price(r);
    if (e == STF_OK)
        e = check_blobs(r, max_blob_fee, &blob_fee);
    if (e == STF_OK)
        e = check_gas(r);
    if (e == STF_OK)
        e = tx_check_signature(r);
    if (e == STF_OK && r->tx->type == TX_SET_CODE && r->tx->auth_cnt == 0)
        e = STF_E_AUTH_LIST_EMPTY;
    if (e == STF_OK && r->tx->type == TX_SET_CODE && r->tx->is_create)
        e = STF_E_INVALID_STRUCTURE;
    if (e == STF_OK)
        e = tx_check_sender(r);
    if (e == STF_OK)
        e = tx_check_balance(r, max_blob_fee);
    if (e != STF_OK)
        return e;
    struct u256 fee = tx_fee(&r->price, r->gas_limit);
    *prepaid = u256_add(&fee, &blob_fee);
    return STF_OK;
}

static enum stf_error settle(struct tx_run *r)
{
    const struct stf_block_context *ctx = r->b->ctx;
    uint64_t used = r->gas_limit - r->res.gas;
    uint64_t counter = r->b->refund > 0 ? (uint64_t)r->b->refund : 0;
    uint64_t refund = counter < used / 5 ? counter : used / 5;
    used -= refund;
    if (used < r->floor_gas)
        used = r->floor_gas;
    r->out->gas_used = used;
    r->out->gas_refunded = refund;
    struct u256 back = tx_fee(&r->price, r->gas_limit - used), tip = r->price;
    if (r->b->rules->burns_base_fee && !u256_sub_checked(&tip, &r->price, &ctx->base_fee))
        tip = U256_ZERO;
    tip = tx_fee(&tip, used);
    enum stf_halt h = sys_add_balance(r->b, NULL, &r->from, &back);
    if (h == HALT_NONE)
        h = sys_add_balance(r->b, NULL, &ctx->coinbase, &tip);
    if (h == HALT_REVERT)
        (void)sys_fail(r->b, STF_E_OVERFLOW_PAYMENT);
    return h == HALT_NONE ? STF_OK : r->b->fault.code;
}

enum stf_error bootloader_ethereum(struct tx_run *r)
{
    struct u256 prepaid, max_blob_fee;
    r->gas_limit = r->tx->gas_limit;
    enum stf_error e = validate(r, &prepaid, &max_blob_fee);
    if (e == STF_OK)
        e = tx_prepay(r, &prepaid);
    if (e == STF_OK)
        e = tx_warm_access_list(r);
    if (e == STF_OK)
        e = tx_apply_authorizations(r);
    if (e != STF_OK)
        return e;
    r->b->origin = r->from;
    r->b->gas_price = r->price;
    e = tx_run_body(r);
    return e == STF_OK ? settle(r) : e;
}
