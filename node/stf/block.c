/* node/stf/block.c
 *
 * The three steps of stf.h around one transaction at a time: places, limits, totals (spec 10 §3). */
#include "node/stf/bootloader.h"

#include "node/base/hash.h"

static bool context_is_good(const struct stf_rules *rules, const struct stf_block_context *ctx)
{
    if (!rules->is_zksync_os)
        return true;
    struct u256 one = U256_ONE;
    return !u256_is_zero(&ctx->native_price) && u256_fits_u64(&ctx->base_fee) &&
           u256_eq(&ctx->blob_fee, &one);
}

struct stf_block *stf_block_begin(struct arena *arena, const struct stf_rules *rules,
                                  const struct stf_block_context *ctx,
                                  const struct stf_oracle *oracle, const struct stf_crypto *crypto,
                                  const struct stf_options *options, struct stf_fault *fault)
{
    memset(fault, 0, sizeof *fault);
    if (rules == NULL || !context_is_good(rules, ctx)) {
        fault->code = STF_E_CONTEXT;
        return NULL;
    }
    struct stf_block *b = arena_zalloc(arena, sizeof *b);
    if (b == NULL) {
        fault->code = STF_E_OUT_OF_MEMORY;
        return NULL;
    }
    b->arena = arena;
    b->rules = rules;
    b->ctx = ctx;
    b->oracle = oracle;
    b->crypto = crypto;
    b->options = *options;
    b->tx_rolling_hash = KECCAK_EMPTY;
    /* Hard to predict is enough: the seed only keeps chosen keys from meeting in the tables. */
    journal_init(b, load_le64(ctx->block_hashes[255].b) ^ (uint64_t)(uintptr_t)b);
    return b;
}

bool stf_block_add_preimage(struct stf_block *b, struct bytes code)
{
    struct b256 hash = blake2s(code.p, code.len);
    return journal_cache_preimage(b, &hash, code);
}

struct stf_totals stf_block_totals(const struct stf_block *b)
{
    return (struct stf_totals){ .gas_used = b->gas_used,
                                .computational_native_used = b->native_used,
                                .pubdata_used = b->pubdata_used,
                                .tx_cnt = b->tx_cnt,
                                .l2_log_cnt = (uint32_t)b->l2_logs.cnt };
}

/* Where in a block a transaction may stand (spec 10 §1.4): system transactions fill blocks of their own, or follow the
 * upgrade transaction that opens one. */
static enum stf_error check_place(const struct stf_block *b, const struct stf_tx *tx)
{
    if (!b->rules->has_system_txs)
        return STF_OK;
    if (tx->type == TX_SYSTEM)
        return b->kind == BLOCK_NORMAL ? STF_E_SERVICE_TX_ORDER : STF_OK;
    if (tx->type == TX_UPGRADE && b->kind != BLOCK_EMPTY)
        return STF_E_UPGRADE_TX_NOT_FIRST;
    return b->kind == BLOCK_SERVICE ? STF_E_SERVICE_TX_ORDER : STF_OK;
}

static enum block_kind kind_after(enum block_kind kind, const struct stf_tx *tx)
{
    if (tx->type == TX_SYSTEM)
        return BLOCK_SERVICE;
    return tx->type == TX_UPGRADE && kind == BLOCK_EMPTY ? BLOCK_UPGRADE : BLOCK_NORMAL;
}

/* Block limits in their order (spec 10 §3.1); totals with this transaction. */
static enum stf_error check_limits(const struct stf_block *b, const struct stf_tx_result *r)
{
    const struct stf_rules *rules = b->rules;
    if (sat_add(b->gas_used, r->gas_used) > b->ctx->gas_limit)
        return STF_E_BLOCK_GAS_LIMIT;
    if (sat_add(b->native_used, r->computational_native_used) > rules->block_native_limit)
        return STF_E_BLOCK_NATIVE_LIMIT;
    if (sat_add(b->pubdata_used, r->pubdata_used) > b->ctx->pubdata_limit)
        return STF_E_BLOCK_PUBDATA_LIMIT;
    if (b->l2_logs.cnt > rules->block_l2_log_limit)
        return STF_E_BLOCK_LOGS_LIMIT;
    return STF_OK;
}

static void include(struct stf_block *b, const struct stf_tx *tx, struct stf_tx_result *result)
{
    result->tx_number = (uint16_t)b->tx_cnt;
    /* an empty list has no memory, and not even 0 may be added to that */
    if (b->events.cnt != 0)
        result->events = (const struct stf_event *)b->events.p + b->tx_first_event;
    result->event_cnt = b->events.cnt - b->tx_first_event;
    if (b->l2_logs.cnt != 0)
        result->l2_logs = (const struct stf_l2_log *)b->l2_logs.p + b->tx_first_log;
    result->l2_log_cnt = b->l2_logs.cnt - b->tx_first_log;
    journal_tx_commit(b);
    b->tx_rolling_hash = keccak256_pair(&b->tx_rolling_hash, &tx->hash);
    b->gas_used += result->gas_used;
    b->native_used += result->computational_native_used;
    b->pubdata_used += result->pubdata_used;
    b->tx_cnt++;
    b->l1_tx_cnt += tx->type == TX_PRIORITY;
    if (tx->type == TX_UPGRADE)
        b->upgrade_tx_hash = tx->hash;
    b->kind = kind_after(b->kind, tx);
}

static enum stf_error run(struct stf_block *b, const struct stf_tx *tx,
                          struct stf_tx_result *result)
{
    enum stf_error e = check_place(b, tx);
    if (e != STF_OK)
        return e;
    if (sys_warm_account(b, &b->ctx->coinbase) != HALT_NONE)
        return b->fault.code;
    struct tx_run r = { .b = b, .tx = tx, .out = result };
    if (!b->rules->is_zksync_os)
        e = bootloader_ethereum(&r);
    else if (tx_is_l1(tx))
        e = bootloader_l1(&r);
    else
        e = bootloader_l2(&r);
    if (e != STF_OK)
        return e;
    result->success = r.success;
    result->output = r.output;
    result->effective_gas_price = r.price;
    return check_limits(b, result);
}

static enum stf_verdict verdict_of(const struct stf_block *b, const struct stf_tx *tx,
                                   enum stf_error e)
{
    if (e == STF_OK)
        return STF_INCLUDED;
    if (b->fault.code != STF_OK || stf_error_policy(e) == 'F')
        return STF_FATAL;
    if (stf_error_policy(e) == 'S')
        return STF_SEAL;
    /* L1 transactions and system transactions the block was built for cannot be left out silently */
    return tx_is_l1(tx) ? STF_FATAL : STF_INVALID;
}

enum stf_verdict stf_tx_run(struct stf_block *b, const struct stf_tx *tx,
                            struct stf_tx_result *result)
{
    memset(result, 0, sizeof *result);
    if (b->fault.code != STF_OK) {
        result->fault = b->fault;
        return result->verdict = STF_FATAL;
    }
    journal_tx_begin(b);
    struct sys_mark before = sys_snapshot(b);
    enum stf_error e = run(b, tx, result);
    enum stf_verdict verdict = verdict_of(b, tx, e);
    if (e == STF_OK) {
        include(b, tx, result);
        return result->verdict = verdict;
    }
    sys_rollback(b, before);
    struct stf_fault fault = result->fault;
    fault.code = e;
    memset(result, 0, sizeof *result);
    result->fault = fault;
    if (verdict == STF_FATAL) {
        if (b->fault.code == STF_OK)
            b->fault = fault;
        result->fault = b->fault;
    }
    return result->verdict = verdict;
}
