/* node/chain/mempool_validate.c
 *
 * Admission checks in the order of spec 50 §3.2. The texts are what clients match on (ethers, viem, cast). */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "node/base/hex.h"
#include "node/chain/mempool.h"

#define CODE_POOL (-32000) /* permanent refusals; never -32603, which viem retries */

#define DEFAULT_MAX_LEN (128u * 1024u)
#define MAX_INITCODE    49152u

PRINTF_LIKE(3, 4)
static bool refuse(struct mempool_refusal *why, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    why->code = code;
    vsnprintf(why->message, sizeof(why->message), fmt, ap);
    va_end(ap);
    return false;
}

static uint64_t intrinsic_gas(const struct stf_tx *tx)
{
    uint64_t gas = 21000;
    for (size_t i = 0; i < tx->data.len; i++)
        gas += tx->data.p[i] ? 16 : 4;
    if (tx->is_create)
        gas += 32000 + 2 * (((uint64_t)tx->data.len + 31) / 32);
    for (size_t i = 0; i < tx->access_cnt; i++)
        gas += 2400 + 1900 * (uint64_t)tx->access[i].key_cnt;
    return gas + 25000 * (uint64_t)tx->auth_cnt;
}

static bool check_form(const struct stf_tx *tx, size_t encoded_len,
                       const struct mempool_admission *a, struct mempool_refusal *why)
{
    if (tx->type > TX_SET_CODE || tx->type == TX_BLOB ||
        (tx->type == TX_SET_CODE && !a->allow_set_code))
        return refuse(why, CODE_POOL, "transaction type not supported: transaction type not valid");
    if (!tx_signature_in_range(tx) || !tx->from_is_set)
        return refuse(why, CODE_POOL, "invalid transaction signature");
    if (!tx->has_chain_id && !a->allow_unprotected)
        return refuse(why, CODE_POOL,
                      "only replay-protected (EIP-155) transactions allowed over RPC");
    if (tx->has_chain_id && tx->chain_id != a->chain_id)
        return refuse(why, CODE_POOL, "invalid chain id for signer: have %" PRIu64 " want %" PRIu64,
                      tx->chain_id, a->chain_id);
    size_t limit = a->max_tx_len ? a->max_tx_len : DEFAULT_MAX_LEN;
    if (encoded_len > limit)
        return refuse(why, CODE_POOL, "oversized data: transaction size %zu, limit %zu",
                      encoded_len, limit);
    if (tx->is_create && tx->data.len > MAX_INITCODE)
        return refuse(why, CODE_POOL, "max initcode size exceeded: code size %zu, limit %u",
                      tx->data.len, MAX_INITCODE);
    return true;
}

static bool check_gas_and_fees(const struct stf_tx *tx, const struct mempool_admission *a,
                               struct mempool_refusal *why)
{
    char addr[43], fee[79], tip[79];
    if (tx->gas_limit > a->block_gas_limit)
        return refuse(why, CODE_POOL, "exceeds block gas limit");
    uint64_t need = intrinsic_gas(tx);
    if (tx->gas_limit < need)
        return refuse(why, CODE_POOL,
                      "intrinsic gas too low: gas %" PRIu64 ", minimum needed %" PRIu64,
                      tx->gas_limit, need);
    if (u256_lt(&tx->max_fee, &tx->max_priority_fee)) {
        hex_encode0x(addr, tx->from.b, 20);
        u256_format_dec(tip, &tx->max_priority_fee);
        u256_format_dec(fee, &tx->max_fee);
        return refuse(why, CODE_POOL,
                      "max priority fee per gas higher than max fee per gas: address %s, "
                      "maxPriorityFeePerGas: %s, maxFeePerGas: %s",
                      addr, tip, fee);
    }
    if (u256_lt(&tx->max_fee, &a->minimal_base_fee))
        return refuse(why, CODE_POOL, "max fee per gas less than block base fee");
    return true;
}

static bool check_account(const struct stf_tx *tx, const struct mempool_admission *a,
                          struct mempool_refusal *why)
{
    char addr[43], have[79], want[79];
    hex_encode0x(addr, tx->from.b, 20);
    if (a->account_has_code)
        return refuse(why, CODE_POOL, "sender not an eoa: address %s", addr);
    if (tx->nonce < a->account_nonce)
        return refuse(why, CODE_POOL, "nonce too low: next nonce %" PRIu64 ", tx nonce %" PRIu64,
                      a->account_nonce, tx->nonce);
    if (tx->nonce == UINT64_MAX)
        return refuse(why, CODE_POOL, "nonce has max value");
    struct u256 gas = u256_of_u64(tx->gas_limit), cost;
    bool fits =
        u256_mul_checked(&cost, &gas, &tx->max_fee) && u256_add_checked(&cost, &cost, &tx->value);
    if (!fits || u256_lt(&a->account_balance, &cost)) {
        u256_format_dec(have, &a->account_balance);
        if (fits)
            u256_format_dec(want, &cost);
        return refuse(why, CODE_POOL,
                      "insufficient funds for gas * price + value: address %s have %s want %s",
                      addr, have, fits ? want : "more than 2^256");
    }
    return true;
}

bool mempool_validate(const struct stf_tx *tx, size_t encoded_len,
                      const struct mempool_admission *a, struct mempool_refusal *why)
{
    return check_form(tx, encoded_len, a, why) && check_gas_and_fees(tx, a, why) &&
           check_account(tx, a, why);
}
