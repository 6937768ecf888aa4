/* node/stf/bootloader_checks.c
 *
 * Validation steps shared by the flows (spec 10 §4.1, §8.6). */
#include "node/base/hash.h"
#include "node/base/rlp.h"
#include "node/stf/bootloader.h"

enum stf_error tx_refuse(struct tx_run *r, enum stf_error e, struct u256 given,
                         struct u256 expected)
{
    r->out->fault.words[0] = given;
    r->out->fault.words[1] = expected;
    return e;
}

enum stf_error tx_refuse_u64(struct tx_run *r, enum stf_error e, uint64_t given, uint64_t expected)
{
    return tx_refuse(r, e, u256_of_u64(given), u256_of_u64(expected));
}

struct u256 tx_fee(const struct u256 *price, uint64_t gas)
{
    struct u256 g = u256_of_u64(gas);
    return u256_mul(price, &g);
}

enum stf_error tx_check_chain_and_type(struct tx_run *r)
{
    const struct stf_rules *rules = r->b->rules;
    const struct stf_tx *tx = r->tx;
    bool known = tx->type <= TX_DYNAMIC_FEE || (tx->type == TX_BLOB && rules->tx_blob) ||
                 (tx->type == TX_SET_CODE && rules->tx_set_code) ||
                 (tx->type == TX_SYSTEM && rules->has_system_txs);
    if (!known)
        return tx_refuse_u64(r, STF_E_TX_TYPE_OFF, tx->type, 0);
    if (tx->has_chain_id && tx->chain_id != r->b->ctx->chain_id)
        return tx_refuse_u64(r, STF_E_INVALID_CHAIN_ID, tx->chain_id, r->b->ctx->chain_id);
    return STF_OK;
}

enum stf_error tx_effective_price(struct tx_run *r)
{
    const struct u256 *base = &r->b->ctx->base_fee, *max = &r->tx->max_fee;
    r->price = U256_ZERO;
    if (u256_is_zero(base) && r->b->rules->is_free_at_no_base_fee)
        return STF_OK;
    if (u256_lt(max, &r->tx->max_priority_fee))
        return tx_refuse(r, STF_E_PRIORITY_FEE_GREATER_THAN_MAX_FEE, r->tx->max_priority_fee, *max);
    struct u256 room;
    if (!u256_sub_checked(&room, max, base)) {
        if (!r->b->options.simulate)
            return tx_refuse(r, STF_E_BASE_FEE_GREATER_THAN_MAX_FEE, *max, *base);
        r->price = *max;
        return STF_OK;
    }
    struct u256 tip = u256_lt(&r->tx->max_priority_fee, &room) ? r->tx->max_priority_fee : room;
    r->price = u256_add(base, &tip);
    return STF_OK;
}

static uint64_t calldata_tokens(struct bytes data)
{
    uint64_t zeros = 0;
    for (size_t i = 0; i < data.len; i++)
        zeros += data.p[i] == 0;
    return zeros + 4 * ((uint64_t)data.len - zeros);
}

uint64_t tx_intrinsic_gas(const struct stf_tx *tx)
{
    uint64_t gas = 21000 + 4 * calldata_tokens(tx->data);
    if (tx->is_create)
        gas += 32000 + 2 * (((uint64_t)tx->data.len + 31) / 32);
    for (size_t i = 0; i < tx->access_cnt; i++)
        gas += 2400 + 1900 * (uint64_t)tx->access[i].key_cnt;
    return gas + 25000 * (uint64_t)tx->auth_cnt;
}

uint64_t tx_floor_gas(const struct stf_tx *tx, const struct stf_rules *rules)
{
    if (!rules->calldata_floor_per_token)
        return 0;
    return 21000 + rules->calldata_floor_per_token * calldata_tokens(tx->data);
}

enum stf_error tx_check_signature(struct tx_run *r)
{
    const struct stf_tx *tx = r->tx;
    r->from = tx->from;
    if (r->b->options.simulate || (tx->from_is_set && !r->b->options.verify_signatures))
        return STF_OK;
    struct u256 low_s = tx->s;
    if (!tx_signature_in_range(tx)) {
        /* a high s alone is malleable; anything else recovers nobody */
        struct stf_tx probe = { .r = U256_ONE, .s = low_s };
        bool s_is_zero = u256_is_zero(&tx->s);
        return !s_is_zero && !tx_signature_in_range(&probe) ? STF_E_MALLEABLE_SIGNATURE
                                                            : STF_E_INCORRECT_FROM;
    }
    uint8_t rs[64];
    struct addr recovered;
    u256_to_be32(rs, &tx->r);
    u256_to_be32(rs + 32, &tx->s);
    if (!r->b->crypto->ecrecover(&recovered, &tx->signing_hash, rs, tx->y_parity))
        return tx_refuse(r, STF_E_INCORRECT_FROM, u256_of_addr(&tx->from), U256_ZERO);
    if (tx->from_is_set && !addr_eq(&recovered, &tx->from))
        return tx_refuse(r, STF_E_INCORRECT_FROM, u256_of_addr(&tx->from),
                         u256_of_addr(&recovered));
    r->from = recovered;
    return STF_OK;
}

enum stf_error tx_check_sender(struct tx_run *r)
{
    struct account_entry *e;
    if (journal_access(r->b, NULL, &r->from, ACCOUNT_GAS_NONE, &e) != HALT_NONE)
        return r->b->fault.code;
    bool simulate = r->b->options.simulate;
    if (!simulate && e->current.code_len != 0 && !account_is_delegated(&e->current))
        return tx_refuse(r, STF_E_REJECT_CALLER_WITH_CODE, u256_of_addr(&r->from), U256_ZERO);
    if (r->tx->type == TX_SYSTEM)
        return STF_OK;
    r->old_nonce = e->current.nonce;
    if (r->old_nonce == UINT64_MAX)
        return tx_refuse_u64(r, STF_E_NONCE_OVERFLOW, r->tx->nonce, r->old_nonce);
    if (!simulate && r->tx->nonce > r->old_nonce)
        return tx_refuse_u64(r, STF_E_NONCE_TOO_HIGH, r->tx->nonce, r->old_nonce);
    if (!simulate && r->tx->nonce < r->old_nonce)
        return tx_refuse_u64(r, STF_E_NONCE_TOO_LOW, r->tx->nonce, r->old_nonce);
    return journal_set_nonce(r->b, e, r->old_nonce + 1) ? STF_OK : r->b->fault.code;
}

enum stf_error tx_warm_access_list(struct tx_run *r)
{
    for (size_t i = 0; i < r->tx->access_cnt; i++) {
        const struct tx_access *item = &r->tx->access[i];
        if (sys_warm_account(r->b, &item->addr) != HALT_NONE)
            return r->b->fault.code;
        for (size_t k = 0; k < item->key_cnt; k++)
            if (sys_warm_slot(r->b, &item->addr, &item->keys[k]) != HALT_NONE)
                return r->b->fault.code;
    }
    return STF_OK;
}

/* keccak(05 || rlp([chain, target, nonce])) */
static struct b256 authorization_hash(const struct tx_authorization *a)
{
    uint8_t enc[1 + 9 + 33 + 21 + 9];
    struct bytes target = bytes_of(a->target.b, 20);
    size_t body = rlp_u256_size(&a->chain_id) + rlp_string_size(target) + rlp_u64_size(a->nonce);
    size_t n = 1;
    enc[0] = 0x05;
    n += rlp_write_list_header(enc + n, body);
    n += rlp_write_u256(enc + n, &a->chain_id);
    n += rlp_write_string(enc + n, target);
    n += rlp_write_u64(enc + n, a->nonce);
    return keccak256(enc, n);
}

static bool recover_authority(const struct tx_run *r, const struct tx_authorization *a,
                              struct addr *out)
{
    struct stf_tx probe = { .r = a->r, .s = a->s };
    if (!u256_fits_u64(&a->y_parity) || a->y_parity.w[0] > 1 || !tx_signature_in_range(&probe))
        return false;
    uint8_t rs[64];
    u256_to_be32(rs, &a->r);
    u256_to_be32(rs + 32, &a->s);
    struct b256 hash = authorization_hash(a);
    return r->b->crypto->ecrecover(out, &hash, rs, (unsigned)a->y_parity.w[0]);
}

/* EIP-7702; an authorization that does not hold is passed over. false: the block is lost. */
static bool apply_authorization(struct tx_run *r, const struct tx_authorization *a)
{
    struct u256 own = u256_of_u64(r->b->ctx->chain_id);
    struct addr authority;
    if ((!u256_is_zero(&a->chain_id) && !u256_eq(&a->chain_id, &own)) || a->nonce == UINT64_MAX ||
        !recover_authority(r, a, &authority))
        return true;
    struct account_entry *e;
    if (journal_access(r->b, NULL, &authority, ACCOUNT_GAS_NONE, &e) != HALT_NONE)
        return false;
    if (e->current.code_len != 0 && !account_is_delegated(&e->current))
        return true;
    if (e->current.nonce != a->nonce)
        return true;
    if (!account_is_empty(&e->current))
        sys_refund_add(r->b, 25000 - 12500);
    return journal_set_delegation(r->b, e, &a->target) &&
           journal_set_nonce(r->b, e, e->current.nonce + 1);
}

enum stf_error tx_apply_authorizations(struct tx_run *r)
{
    if (r->tx->type != TX_SET_CODE)
        return STF_OK;
    if (r->tx->auth_cnt == 0)
        return STF_E_AUTH_LIST_EMPTY;
    for (size_t i = 0; i < r->tx->auth_cnt; i++)
        if (!apply_authorization(r, &r->tx->auths[i]))
            return r->b->fault.code;
    return STF_OK;
}

enum stf_error tx_check_balance(struct tx_run *r, const struct u256 *extra)
{
    const struct account_record *rec;
    if (sys_account(r->b, NULL, &r->from, false, &rec) != HALT_NONE)
        return r->b->fault.code;
    struct u256 gas = u256_of_u64(r->tx->type == TX_SYSTEM ? 0 : r->gas_limit), total;
    if (!u256_mul_checked(&total, &r->tx->max_fee, &gas) ||
        !u256_add_checked(&total, &total, &r->tx->value) ||
        !u256_add_checked(&total, &total, extra))
        return r->b->options.simulate ? STF_OK : STF_E_OVERFLOW_PAYMENT;
    if (!r->b->options.simulate && u256_lt(&rec->balance, &total))
        return tx_refuse(r, STF_E_LACK_OF_FUND, total, rec->balance);
    return STF_OK;
}

enum stf_error tx_prepay(struct tx_run *r, const struct u256 *fee)
{
    struct account_entry *e;
    if (journal_access(r->b, NULL, &r->from, ACCOUNT_GAS_NONE, &e) != HALT_NONE)
        return r->b->fault.code;
    struct u256 left = U256_ZERO;
    if (!u256_sub_checked(&left, &e->current.balance, fee))
        CHECK(r->b->options.simulate); /* the balance was checked */
    if (!journal_set_balance(r->b, e, &left) ||
        (r->b->options.simulate && !journal_mark_uncompressed(r->b, e)))
        return r->b->fault.code;
    return STF_OK;
}
