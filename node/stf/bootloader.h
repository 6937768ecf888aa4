/* node/stf/bootloader.h   (inside stf)
 *
 * One transaction from validation to fees. Each flow returns STF_OK when the transaction is to be included
 * (successful or not) with the result filled, or why it is refused; the caller rolls back and numbers it. */
#ifndef GH_STF_BOOTLOADER_H
#define GH_STF_BOOTLOADER_H

#include "node/stf/ee.h"
#include "node/stf/journal.h"

#define ERGS_PER_GAS   256u
#define GAS_PER_BLOB   131072u
#define NATIVE_NO_FEE  (UINT64_MAX - 1) /* the limit when gas costs nothing */
#define MAX_GAS_AMOUNT (UINT64_MAX / ERGS_PER_GAS)

struct tx_run {
    struct stf_block *b;
    const struct stf_tx *tx;
    struct stf_tx_result *out;
    struct addr from;
    uint64_t gas_limit;
    struct u256 price;
    /* native (spec 10 §7.2) */
    uint64_t native_per_gas, native_per_pubdata;
    uint64_t full_native, withheld, intrinsic_native, intrinsic_pubdata, intrinsic_gas;
    uint64_t floor_gas;      /* Ethereum: at least this much is used (EIP-7623) */
    struct stf_res res;      /* of the body */
    uint64_t initial_native; /* of the body */
    uint64_t body_native;    /* left after the body, withheld part not counted */
    uint64_t validation_pubdata;
    uint64_t old_nonce;
    bool success;
    struct bytes output;
};

enum stf_error bootloader_l2(struct tx_run *r); /* legacy .. 0x04 and 0x7d, ZKsync OS */
/* Its steps 1 to 8 of spec 10 §4.1: structure, limits, price, resources. Reads nothing from the state. */
enum stf_error bootloader_l2_resources(struct tx_run *r);
enum stf_error bootloader_l1(struct tx_run *r);       /* 0x7e, 0x7f */
enum stf_error bootloader_ethereum(struct tx_run *r); /* Ethereum rules */

/* ---- shared by the flows ---- */

static inline uint64_t sat_add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}
static inline uint64_t sat_mul(uint64_t a, uint64_t b)
{
    uint64_t hi, lo = u64_mul_wide(a, b, &hi);
    return hi != 0 ? UINT64_MAX : lo;
}
static inline uint64_t sat_sub(uint64_t a, uint64_t b)
{
    return a < b ? 0 : a - b;
}

/* Records two words beside the code. */
enum stf_error tx_refuse(struct tx_run *r, enum stf_error e, struct u256 given,
                         struct u256 expected);
enum stf_error tx_refuse_u64(struct tx_run *r, enum stf_error e, uint64_t given, uint64_t expected);
/* price * gas; prices were checked so that it fits */
struct u256 tx_fee(const struct u256 *price, uint64_t gas);
enum stf_error tx_check_chain_and_type(struct tx_run *r);
/* price of a transaction that pays by EIP-1559 */
enum stf_error tx_effective_price(struct tx_run *r);
uint64_t tx_intrinsic_gas(const struct stf_tx *tx);
/* EIP-7623; 0 under rules without a floor */
uint64_t tx_floor_gas(const struct stf_tx *tx, const struct stf_rules *rules);
/* Sets r->from; recovers when asked to, or when there is no hint. */
enum stf_error tx_check_signature(struct tx_run *r);
/* EIP-3607 and the nonce, which is incremented. */
enum stf_error tx_check_sender(struct tx_run *r);
enum stf_error tx_warm_access_list(struct tx_run *r);
enum stf_error tx_apply_authorizations(struct tx_run *r);
/* The sender can pay max_fee * gas_limit + value + extra. */
enum stf_error tx_check_balance(struct tx_run *r, const struct u256 *extra);
/* Warms the sender, takes the fee. In a simulation a poor sender pays what it has. */
enum stf_error tx_prepay(struct tx_run *r, const struct u256 *fee);
/* ZKsync OS: the account a call of the bootloader comes from is read for its environment, at the native price of an access.
 * Warms it. */
enum stf_halt tx_read_caller(struct stf_block *b, struct stf_res *res, const struct addr *caller);
/* The body: call or creation. Effects of a failed one are undone, r->success and r->output set, r->res what is left.
 * Errors are those that refuse the transaction. */
enum stf_error tx_run_body(struct tx_run *r);
/* Native after the body: what the pubdata costs; a body that cannot pay fails and is undone to the mark. */
uint64_t tx_charge_pubdata(struct tx_run *r, struct sys_mark before_body);
/* Gas used with refunds and native delta; fills the result's counters. */
void tx_settle_gas(struct tx_run *r);

#endif
