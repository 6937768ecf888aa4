/* node/stf/bootloader.c
 *
 * L2 and system transactions of ZKsync OS (spec 10 §4, §6, §7): validation in the order of §4.1, the body, and
 * the settlement of both resources. v31 charges the whole validation by formula before it begins. */
#include "node/stf/bootloader.h"

/* v31 charges all of validation and of the fee settlement by this formula: zksync-os #616 and, for the entries of
 * access lists and the pubdata that is reported, #627, both in v0.3.0. An address is worth 31 bytes of RLP hashed twice
 * (2,000 + 250,240 + 31 * 258), a key a warm read too (2,000 + 4,000 + 242,240 + 33 * 258). */
#define L2_NATIVE          922240u
#define L2_NATIVE_BYTE     259u
#define L2_NATIVE_ADDRESS  260238u
#define L2_NATIVE_KEY      256754u
#define L2_NATIVE_AUTH     860194u
#define SYSTEM_NATIVE      322740u
#define SYSTEM_NATIVE_BYTE 129u
#define PUBDATA_PER_AUTH   80u

static const struct {
    uint32_t to;
    uint8_t selector[4];
} system_calls[] = {
    { 0x10008, { 0xcc, 0xa2, 0xf7, 0xbc } }, /* addInteropRootsInBatch */
    { 0x800b, { 0x04, 0x02, 0x03, 0xe6 } },  /* setSettlementLayerChainId */
    { 0x1000d, { 0x08, 0x27, 0x3d, 0x8a } }, /* setInteropFee */
};

static bool system_call_is_known(const struct stf_tx *tx)
{
    for (size_t i = 0; i < GH_COUNT(system_calls); i++) {
        struct addr to = addr_of_u32(system_calls[i].to);
        if (addr_eq(&to, &tx->to) && tx->data.len >= 4 &&
            memcmp(tx->data.p, system_calls[i].selector, 4) == 0)
            return true;
    }
    return false;
}

static enum stf_error check_structure(struct tx_run *r)
{
    enum stf_error e = tx_check_chain_and_type(r);
    if (e != STF_OK || r->tx->type != TX_SYSTEM)
        return e;
    struct addr sender = addr_of_u32(TX_SYSTEM_SENDER);
    if (!system_call_is_known(r->tx))
        return STF_E_INVALID_STRUCTURE;
    if (!addr_eq(&sender, &r->tx->from))
        return tx_refuse(r, STF_E_INCORRECT_FROM, u256_of_addr(&r->tx->from),
                         u256_of_addr(&sender));
    return STF_OK;
}

static enum stf_error check_gas_limits(struct tx_run *r)
{
    if (r->gas_limit > MAX_GAS_AMOUNT)
        return tx_refuse_u64(r, STF_E_GAS_LIMIT_TOO_HIGH, r->gas_limit, MAX_GAS_AMOUNT);
    if (r->tx->type == TX_SYSTEM)
        return STF_OK;
    uint64_t block_limit = r->b->ctx->gas_limit;
    if (block_limit > MAX_GAS_AMOUNT)
        return tx_refuse_u64(r, STF_E_BLOCK_GAS_LIMIT_TOO_HIGH, block_limit, MAX_GAS_AMOUNT);
    if (r->gas_limit > block_limit)
        return tx_refuse_u64(r, STF_E_GAS_LIMIT_MORE_THAN_BLOCK, r->gas_limit, block_limit);
    return STF_OK;
}

/* native per gas is a ceiling, native per pubdata byte a floor */
static enum stf_error compute_ratios(struct tx_run *r)
{
    const struct stf_block_context *ctx = r->b->ctx;
    bool use_base_fee = r->b->options.simulate && u256_is_zero(&r->price);
    struct u256 per_gas =
        u256_div_ceil(use_base_fee ? &ctx->base_fee : &r->price, &ctx->native_price);
    if (!u256_fits_u64(&per_gas))
        return STF_E_NATIVE_TOO_EXPENSIVE;
    struct u256 per_byte = u256_div(&ctx->pubdata_price, &ctx->native_price);
    if (!u256_fits_u64(&per_byte))
        return STF_E_PUBDATA_PRICE_TOO_HIGH;
    r->native_per_gas = per_gas.w[0];
    r->native_per_pubdata = per_byte.w[0];
    return STF_OK;
}

void stf_l2_intrinsics(const struct stf_tx *tx, const struct stf_rules *rules, uint64_t *native,
                       uint64_t *pubdata)
{
    uint64_t keys = 0;
    for (size_t i = 0; i < tx->access_cnt; i++)
        keys += tx->access[i].key_cnt;
    *native = L2_NATIVE + L2_NATIVE_BYTE * (uint64_t)tx->data.len +
              L2_NATIVE_ADDRESS * (uint64_t)tx->access_cnt + L2_NATIVE_KEY * keys +
              L2_NATIVE_AUTH * (uint64_t)tx->auth_cnt;
    *pubdata = rules->l2_intrinsic_pubdata + PUBDATA_PER_AUTH * (uint64_t)tx->auth_cnt;
}

static void compute_intrinsics(struct tx_run *r)
{
    const struct stf_tx *tx = r->tx;
    r->intrinsic_gas = tx_intrinsic_gas(tx);
    if (tx->type == TX_SYSTEM) {
        r->intrinsic_native = SYSTEM_NATIVE + SYSTEM_NATIVE_BYTE * (uint64_t)tx->data.len;
        r->intrinsic_pubdata = 0;
        return;
    }
    stf_l2_intrinsics(tx, r->b->rules, &r->intrinsic_native, &r->intrinsic_pubdata);
}

static enum stf_error build_resources(struct tx_run *r)
{
    if (r->tx->is_create && r->tx->data.len > r->b->rules->max_initcode_len)
        return tx_refuse_u64(r, STF_E_INITCODE_SIZE, r->tx->data.len,
                             r->b->rules->max_initcode_len);
    compute_intrinsics(r);
    bool free_native = r->b->options.unlimited_native || r->native_per_gas == 0;
    r->full_native = free_native ? NATIVE_NO_FEE : sat_mul(r->native_per_gas, r->gas_limit);
    uint64_t pubdata = sat_mul(r->native_per_pubdata, r->intrinsic_pubdata);
    uint64_t cap = r->b->rules->tx_native_limit;
    if (r->full_native < pubdata)
        return tx_refuse_u64(r, STF_E_OUT_OF_NATIVE_VALIDATION, r->full_native, pubdata);
    uint64_t usable = r->full_native - pubdata;
    r->withheld = sat_sub(usable, cap);
    usable -= r->withheld;
    if (usable < r->intrinsic_native)
        return tx_refuse_u64(r, STF_E_OUT_OF_NATIVE_VALIDATION, usable, r->intrinsic_native);
    if (r->gas_limit < r->intrinsic_gas)
        return tx_refuse_u64(r, STF_E_OUT_OF_GAS_VALIDATION, r->gas_limit, r->intrinsic_gas);
    r->res = (struct stf_res){ r->gas_limit - r->intrinsic_gas, usable - r->intrinsic_native };
    r->initial_native = r->res.native;
    return STF_OK;
}

enum stf_error bootloader_l2_resources(struct tx_run *r)
{
    r->gas_limit = r->tx->type == TX_SYSTEM ? MAX_GAS_AMOUNT : r->tx->gas_limit;
    r->from = r->tx->from;
    enum stf_error e = check_structure(r);
    if (e == STF_OK)
        e = check_gas_limits(r);
    if (e == STF_OK && r->tx->type != TX_SYSTEM)
        e = tx_effective_price(r);
    if (e == STF_OK)
        e = compute_ratios(r);
    return e == STF_OK ? build_resources(r) : e;
}

/* Steps 10 to 17 */
static enum stf_error check_and_prepay(struct tx_run *r)
{
    struct u256 nothing = U256_ZERO;
    enum stf_error e = r->tx->type == TX_SYSTEM ? STF_OK : tx_check_signature(r);
    if (e == STF_OK)
        e = tx_check_sender(r);
    if (e == STF_OK)
        e = tx_warm_access_list(r);
    if (e == STF_OK)
        e = tx_apply_authorizations(r);
    if (e == STF_OK)
        e = tx_check_balance(r, &nothing);
    if (e != STF_OK)
        return e;
    r->b->origin = r->from;
    r->b->gas_price = r->price;
    struct u256 fee = tx_fee(&r->price, r->gas_limit);
    return tx_prepay(r, &fee);
}

/* ---- the body ---- */

/* The return data of a top-level creation is the deployed code, fetched at the price of one read. */
static enum stf_halt read_deployed(struct tx_run *r, const struct addr *created)
{
    const struct account_record *rec;
    const uint8_t *bitmap;
    enum stf_halt h;
    if (r->b->rules->charges_own_reads) {
        h = sys_account(r->b, &r->res, created, false, &rec);
        if (h == HALT_NONE)
            h = res_charge(&r->res, 0, sys_native_code_read(rec));
    } else {
        h = sys_account(r->b, NULL, created, false, &rec);
    }
    return h == HALT_NONE ? sys_code(r->b, rec, &r->output, &bitmap) : h;
}

enum stf_halt tx_read_caller(struct stf_block *b, struct stf_res *res, const struct addr *caller)
{
    const struct account_record *rec;
    return b->rules->charges_own_reads ? sys_account(b, res, caller, false, &rec) : HALT_NONE;
}

static struct frame_outcome run_frames(struct tx_run *r)
{
    const struct stf_tx *tx = r->tx;
    if (tx->is_create)
        return frame_run_create(r->b, &r->res, &r->from, r->old_nonce, tx->data, &tx->value);
    enum stf_halt h = tx_read_caller(r->b, &r->res, &r->from);
    if (h != HALT_NONE)
        return (struct frame_outcome){ .halt = h };
    struct ee_call_request call = { .kind = CALL_PLAIN,
                                    .code_addr = tx->to,
                                    .self = tx->to,
                                    .caller = r->from,
                                    .value = tx->value,
                                    .input = tx->data,
                                    .gas = r->res.gas };
    return frame_run_call(r->b, &r->res, &call);
}

enum stf_error tx_run_body(struct tx_run *r)
{
    struct sys_mark before = sys_snapshot(r->b);
    struct frame_outcome o = run_frames(r);
    enum stf_halt h = o.halt;
    r->output = o.output;
    if (h == HALT_STOP && r->tx->is_create) {
        r->out->has_created = true;
        r->out->created = o.created;
        enum stf_halt read = read_deployed(r, &o.created);
        if (read != HALT_NONE)
            h = read;
    }
    if (h == HALT_BLOCK)
        return r->b->fault.code;
    if (h == HALT_MISSING)
        return STF_E_PRECOMPILE_MISSING;
    r->success = h == HALT_STOP;
    if (r->success)
        return STF_OK;
    sys_rollback(r->b, before);
    r->out->has_created = false;
    if (h == HALT_OUT_OF_NATIVE) {
        r->res = (struct stf_res){ 0, 0 };
        r->output = bytes_of(NULL, 0);
    } else if (h != HALT_REVERT) {
        r->res.gas = 0;
        r->output = bytes_of(NULL, 0);
    }
    return STF_OK;
}

uint64_t tx_charge_pubdata(struct tx_run *r, struct sys_mark before_body)
{
    r->body_native = r->res.native;
    uint64_t available = sat_add(r->res.native, r->withheld);
    uint64_t bytes = sat_sub(pubdata_of_tx(r->b), r->validation_pubdata);
    uint64_t cost = sat_mul(bytes, r->native_per_pubdata);
    if (cost > available) {
        sys_rollback(r->b, before_body);
        r->out->short_of_pubdata = r->success;
        r->success = false;
        r->out->has_created = false;
        r->output = bytes_of(NULL, 0);
        r->res.gas = 0;
        bytes = sat_sub(pubdata_of_tx(r->b), r->validation_pubdata);
        cost = sat_mul(bytes, r->native_per_pubdata);
    }
    r->res.native = sat_sub(available, cost);
    return bytes;
}

void tx_settle_gas(struct tx_run *r)
{
    uint64_t used = r->gas_limit - r->res.gas;
    uint64_t counter = r->b->refund > 0 ? (uint64_t)r->b->refund : 0;
    uint64_t refund = counter < used / 5 ? counter : used / 5;
    used -= refund;
    uint64_t native_used = sat_sub(r->full_native, r->res.native);
    if (r->native_per_gas != 0 && !r->b->options.unlimited_native) {
        uint64_t by_native = native_used / r->native_per_gas;
        if (by_native > used)
            used = by_native < r->gas_limit ? by_native : r->gas_limit;
    }
    r->out->gas_used = used;
    r->out->gas_refunded = refund;
    r->out->native_used = native_used;
    r->out->computational_native_used =
        sat_add(r->initial_native - r->body_native, r->intrinsic_native);
}

static enum stf_error settle_fees(struct tx_run *r)
{
    if (r->tx->type == TX_SYSTEM)
        return STF_OK;
    struct u256 back = tx_fee(&r->price, r->gas_limit - r->out->gas_used);
    struct u256 earned = tx_fee(&r->price, r->out->gas_used);
    enum stf_halt h = sys_add_balance(r->b, NULL, &r->from, &back);
    if (h == HALT_NONE)
        h = sys_add_balance(r->b, NULL, &r->b->ctx->coinbase, &earned);
    if (h == HALT_REVERT)
        (void)sys_fail(r->b, STF_E_OVERFLOW_PAYMENT);
    return h == HALT_NONE ? STF_OK : r->b->fault.code;
}

enum stf_error bootloader_l2(struct tx_run *r)
{
    enum stf_error e = bootloader_l2_resources(r);
    if (e == STF_OK)
        e = check_and_prepay(r);
    if (e != STF_OK)
        return e;
    r->validation_pubdata = pubdata_of_tx(r->b);
    struct sys_mark before_body = sys_snapshot(r->b);
    e = tx_run_body(r);
    if (e != STF_OK)
        return e;
    uint64_t bytes = tx_charge_pubdata(r, before_body);
    tx_settle_gas(r);
    /* what validation wrote is in the intrinsic part, whatever it really was */
    r->out->pubdata_used = bytes + r->intrinsic_pubdata;
    return settle_fees(r);
}
