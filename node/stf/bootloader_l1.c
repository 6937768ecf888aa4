/* node/stf/bootloader_l1.c
 *
 * L1 priority and upgrade transactions (spec 10 §5, §6). They are never invalid: limits that do not fit clamp to
 * zero, and what L1 guarantees but does not hold fails the block. Nothing is minted on v31: deposits come out
 * of the treasury after the asset tracker was told. */
#include "node/stf/bootloader.h"

#define ADDR_BASE_TOKEN     0x800au
#define ADDR_ASSET_TRACKER  0x1000fu
#define ADDR_TREASURY       0x10011u
#define SLOT_L1_CHAIN_ID    154u
#define L1_NATIVE_PRICE     10u
#define FREE_NATIVE_PER_GAS 10000u
/* A simulation must not underestimate: the tracker's slot, whose change depends on the price, at full length. */
#define SIMULATED_TRACKER_PUBDATA (32u + 33u)

/* handleFinalizeBaseTokenBridgingOnL2(uint256 fromChainId, uint256 amount) */
static const uint8_t selector_finalize[4] = { 0x03, 0x11, 0x7c, 0x8c };

static void compute_resources(struct tx_run *r)
{
    const struct stf_tx *tx = r->tx;
    struct u256 native_price = u256_of_u64(L1_NATIVE_PRICE), per_gas;
    r->native_per_gas = FREE_NATIVE_PER_GAS;
    bool simulated_free = r->b->options.simulate && u256_is_zero(&r->price);
    if (tx->type == TX_PRIORITY && (!u256_is_zero(&r->price) || simulated_free)) {
        per_gas = u256_div_ceil(simulated_free ? &r->b->ctx->base_fee : &r->price, &native_price);
        r->native_per_gas = u256_sat_u64(&per_gas);
    }
    r->native_per_pubdata = sat_mul(tx->gas_per_pubdata, r->native_per_gas);
    bool free_native = r->b->options.unlimited_native || r->native_per_gas == 0;
    r->full_native = free_native ? NATIVE_NO_FEE : sat_mul(r->native_per_gas, r->gas_limit);
    r->intrinsic_pubdata = r->b->rules->l1_intrinsic_pubdata +
                           (r->b->options.simulate ? SIMULATED_TRACKER_PUBDATA : 0);
    r->intrinsic_native = r->b->rules->l1_intrinsic_native + tx->data.len;
    r->intrinsic_gas = tx_intrinsic_gas(tx);
    uint64_t usable = sat_sub(r->full_native, sat_mul(r->native_per_pubdata, r->intrinsic_pubdata));
    r->withheld = sat_sub(usable, r->b->rules->tx_native_limit);
    r->res.native = sat_sub(usable - r->withheld, r->intrinsic_native);
    r->res.gas = sat_sub(r->gas_limit, r->intrinsic_gas);
    r->initial_native = r->res.native;
}

/* abi.encode(tx): the tuple behind its offset word. A simulated transaction may have no envelope. */
static size_t encoded_len(const struct stf_tx *tx)
{
    if (tx->envelope.len != 0)
        return 32 + tx->envelope.len - 1;
    return 32 + 32 * (size_t)(19 + 5) + (tx->data.len + 31) / 32 * 32 + tx->factory_deps.len;
}

/* Read once, free of charge; the slot is warm from here on. */
static bool read_l1_chain_id(struct tx_run *r, struct b256 *out)
{
    struct addr tracker = addr_of_u32(ADDR_ASSET_TRACKER);
    struct b256 slot = b256_of_u64(SLOT_L1_CHAIN_ID);
    struct slot_entry *s = journal_slot(r->b, &tracker, &slot);
    if (s == NULL || !journal_warm_slot(r->b, s))
        return false;
    *out = s->current;
    return true;
}

static enum stf_halt tell_tracker(struct tx_run *r, struct stf_res *res,
                                  const struct b256 *l1_chain, const struct u256 *amount)
{
    uint8_t *data = arena_alloc(r->b->arena, 68);
    if (data == NULL)
        return journal_out_of_memory(r->b);
    memcpy(data, selector_finalize, 4);
    memcpy(data + 4, l1_chain->b, 32);
    u256_to_be32(data + 36, amount);
    struct addr tracker = addr_of_u32(ADDR_ASSET_TRACKER);
    struct ee_call_request call = { .kind = CALL_PLAIN,
                                    .code_addr = tracker,
                                    .self = tracker,
                                    .caller = addr_of_u32(ADDR_BASE_TOKEN),
                                    .input = bytes_of(data, 68),
                                    .gas = res->gas };
    enum stf_halt h = tx_read_caller(r->b, res, &call.caller);
    if (h != HALT_NONE)
        return h;
    struct frame_outcome o = frame_run_call(r->b, res, &call);
    if (o.halt == HALT_STOP)
        return HALT_NONE;
    if (o.halt == HALT_OUT_OF_NATIVE)
        return o.halt;
    return sys_fail(r->b, o.halt == HALT_MISSING ? STF_E_PRECOMPILE_MISSING : STF_E_MINT_FAILED);
}

/* res NULL: unlimited. Gas is free in any case. */
static enum stf_halt mint(struct tx_run *r, struct stf_res *native_of, const struct b256 *l1_chain,
                          const struct addr *to, const struct u256 *amount)
{
    struct addr treasury = addr_of_u32(ADDR_TREASURY);
    struct stf_res res = { MAX_GAS_AMOUNT, native_of == NULL ? UINT64_MAX : native_of->native };
    enum stf_halt h =
        HALT_NONE; /* of nothing the tracker hears nothing: only simulations move it */
    if (!u256_is_zero(amount))
        h = tell_tracker(r, &res, l1_chain, amount);
    if (h == HALT_NONE)
        h = sys_sub_balance(r->b, &res, &treasury, amount);
    if (h == HALT_NONE)
        h = sys_add_balance(r->b, &res, to, amount);
    if (native_of != NULL)
        native_of->native = h == HALT_NONE ? res.native : 0;
    if (h == HALT_REVERT)
        return sys_fail(r->b, STF_E_MINT_FAILED);
    if (h != HALT_NONE || !r->b->options.simulate)
        return h;
    struct account_entry *a = journal_account(r->b, &treasury), *c = journal_account(r->b, to);
    bool ok = a != NULL && c != NULL && journal_mark_uncompressed(r->b, a) &&
              journal_mark_uncompressed(r->b, c);
    return ok ? HALT_NONE : HALT_BLOCK;
}

static enum stf_error fail_out_of_native(struct tx_run *r, struct sys_mark before)
{
    sys_rollback(r->b, before);
    r->success = false;
    r->res = (struct stf_res){ 0, 0 };
    r->output = bytes_of(NULL, 0);
    return STF_OK;
}

/* Mint to the sender and call, together. */
static enum stf_error run_body(struct tx_run *r, struct sys_mark before,
                               const struct b256 *l1_chain, const struct u256 *deposit)
{
    if (!u256_is_zero(deposit) || r->b->options.simulate) {
        enum stf_halt h = mint(r, &r->res, l1_chain, &r->from, deposit);
        if (h == HALT_BLOCK)
            return r->b->fault.code;
        if (h == HALT_OUT_OF_NATIVE)
            return fail_out_of_native(r, before);
    }
    enum stf_error e = tx_run_body(r);
    if (e == STF_OK && !r->success)
        sys_rollback(r->b, before);
    return e;
}

static enum stf_error settle(struct tx_run *r, const struct b256 *l1_chain, const struct u256 *fee)
{
    struct u256 spent = tx_fee(&r->price, r->out->gas_used);
    struct u256 back = u256_sub(r->success ? fee : &r->tx->to_mint, &spent);
    if (!u256_is_zero(&spent) && mint(r, NULL, l1_chain, &r->b->ctx->coinbase, &spent) != HALT_NONE)
        return r->b->fault.code;
    if (!r->success && r->tx->type == TX_UPGRADE)
        return STF_E_UPGRADE_TX_FAILED;
    if (!u256_is_zero(&back) &&
        mint(r, NULL, l1_chain, &r->tx->refund_recipient, &back) != HALT_NONE)
        return r->b->fault.code;
    if (r->tx->type == TX_PRIORITY && !journal_add_l1_log(r->b, &r->tx->hash, r->success))
        return r->b->fault.code;
    return STF_OK;
}

enum stf_error bootloader_l1(struct tx_run *r)
{
    const struct stf_tx *tx = r->tx;
    if (tx->type == TX_UPGRADE && r->b->kind != BLOCK_EMPTY)
        return STF_E_UPGRADE_TX_NOT_FIRST;
    r->from = tx->from;
    r->gas_limit = tx->gas_limit;
    r->price = tx->max_fee;
    struct u256 gas = u256_of_u64(r->gas_limit), fee, deposit;
    if (!u256_mul_checked(&fee, &r->price, &gas) || !u256_sub_checked(&deposit, &tx->to_mint, &fee))
        return tx_refuse(r, STF_E_L1_TX_DEPOSIT, tx->to_mint, r->price);
    compute_resources(r);
    struct b256 l1_chain;
    enum stf_halt prepared = res_charge(&r->res, 0, sys_native_keccak(encoded_len(tx)));
    if (!read_l1_chain_id(r, &l1_chain))
        return r->b->fault.code;
    r->b->origin = r->from;
    r->b->gas_price = r->price;
    struct sys_mark before = sys_snapshot(r->b);
    enum stf_error e = prepared == HALT_NONE ? run_body(r, before, &l1_chain, &deposit)
                                             : fail_out_of_native(r, before);
    if (e != STF_OK)
        return e;
    uint64_t bytes = tx_charge_pubdata(r, before);
    tx_settle_gas(r);
    r->out->pubdata_used = bytes + r->intrinsic_pubdata;
    return settle(r, &l1_chain, &fee);
}
