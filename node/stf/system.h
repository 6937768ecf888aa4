/* node/stf/system.h   (inside stf)
 *
 * What the system offers an execution environment: accounts, storage, warmth, transient storage, events, messages,
 * with both resources charged, and snapshots. Implemented by journal.c (caches and undo), hooks.c; used by the
 * environments, the frame driver and the bootloader. Nothing here knows about opcodes.
 *
 * Caches live for one block: slots, accounts, preimages. Each entry keeps the block-initial value, the value at the
 * start of the transaction, and the current one; an undo log brings back any snapshot (spec 20 §5.1). Warmth,
 * transient storage, events, messages and refund counter are undone with it. */
#ifndef GH_STF_SYSTEM_H
#define GH_STF_SYSTEM_H

#include "node/stf/stf.h"

/* How a frame, or a step of one, ended. Everything from HALT_EXCEPTION on burns the frame's gas. */
enum stf_halt {
    HALT_NONE = 0, /* go on */
    HALT_STOP,     /* success */
    HALT_REVERT,
    HALT_OUT_OF_GAS, /* and every other exceptional halt of the EVM: caught by the caller */
    HALT_STACK,
    HALT_BAD_JUMP,
    HALT_BAD_OPCODE,
    HALT_STATIC,
    HALT_RETURNDATA,
    HALT_CODE_RULE, /* code size, 0xef, deposit gas */
    HALT_COLLISION,
    /* tx-fatal: no frame may catch these */
    HALT_OUT_OF_NATIVE, /* the whole body reverts, all gas burned, included as failed */
    HALT_MISSING,       /* precompile this build lacks: transaction refused */
    HALT_BLOCK,         /* internal: the block fails, fault in stf_block */
};
static inline bool halt_is_tx_fatal(enum stf_halt h)
{
    return h >= HALT_OUT_OF_NATIVE;
}

/* The words other clients use for it ("execution reverted", "out of gas"); NULL for success. */
const char *stf_halt_text(enum stf_halt h);

struct
    stf_res { /* the two resources (spec 10 §7); changed only by res_charge and by giving gas to callees */
    uint64_t gas, native;
};
/* Gas is tested first: what the frame cannot pay in gas is not done and costs no native either (v30 tested native
 * first). A failed charge sets its remainder to 0. */
static inline enum stf_halt res_charge(struct stf_res *r, uint64_t gas, uint64_t native)
{
    uint64_t left;
    if (GH_UNLIKELY(__builtin_sub_overflow(r->gas, gas, &left))) {
        r->gas = 0;
        return HALT_OUT_OF_GAS;
    }
    r->gas = left;
    if (GH_UNLIKELY(__builtin_sub_overflow(r->native, native, &left))) {
        r->native = 0;
        return HALT_OUT_OF_NATIVE;
    }
    r->native = left;
    return HALT_NONE;
}

/* ---- block and transaction facts ---- */
const struct stf_block_context *sys_context(const struct stf_block *b);
const struct stf_rules *sys_rules(const struct stf_block *b);
const struct stf_crypto *sys_crypto(const struct stf_block *b);
const struct stf_options *sys_options(const struct stf_block *b);
struct arena *sys_arena(struct stf_block *b);
/* One pointer per block for the frame driver (its frames and the environments' pools); NULL at first. What it
 * points at lives in the block's arena until the block is dropped. */
void **sys_frame_pool(struct stf_block *b);
const struct addr *sys_origin(const struct stf_block *b);
const struct u256 *sys_gas_price(const struct stf_block *b);
struct b256 sys_blob_hash(const struct stf_block *b, uint64_t index); /* zero when absent */
/* records why the block fails and returns HALT_BLOCK */
enum stf_halt sys_fail(struct stf_block *b, enum stf_error code);

/* ---- accounts ----
 * The pointer is valid until the next sys_ call that takes a non-const block. sys_account charges: gas 2600/100
 * (cold/warm, EIP-2929) if `charge_gas`, native by spec 10 §7.7; res NULL = free of both, still warms nothing. */
enum stf_halt sys_account(struct stf_block *b, struct stf_res *res, const struct addr *a,
                          bool charge_gas, const struct account_record **out);
/* Code and jump-destination bitmap of a record (EIP-7702 designators are returned as they are). HALT_BLOCK if the preimage is missing. */
enum stf_halt sys_code(struct stf_block *b, const struct account_record *rec, struct bytes *code,
                       const uint8_t **bitmap);
bool sys_is_warm(const struct stf_block *b, const struct addr *a);
enum stf_halt sys_warm_account(struct stf_block *b,
                               const struct addr *a); /* access lists, no charge */
enum stf_halt sys_warm_slot(struct stf_block *b, const struct addr *a, const struct b256 *slot);
/* Charges native only, as one property write each (4,000 + 1,000, and the cold part if first); res NULL = free.
 * transfer: HALT_REVERT when the balance is short, nothing moved. Zero amount: no access, nothing. */
enum stf_halt sys_transfer(struct stf_block *b, struct stf_res *res, const struct addr *from,
                           const struct addr *to, const struct u256 *amount);
enum stf_halt sys_add_balance(struct stf_block *b, struct stf_res *res, const struct addr *a,
                              const struct u256 *amount);
enum stf_halt sys_sub_balance(struct stf_block *b, struct stf_res *res, const struct addr *a,
                              const struct u256 *amount);
/* old nonce out; HALT_REVERT when it is 2^64-1 */
enum stf_halt sys_increment_nonce(struct stf_block *b, struct stf_res *res, const struct addr *a,
                                  uint64_t *old_nonce);
/* A creation starts: nonce 1 (EIP-161). Ethereum: marks "created in this transaction" (EIP-6780); under ZKsync OS rules
 * only stored code does. */
enum stf_halt sys_mark_created(struct stf_block *b, struct stf_res *res, const struct addr *a);
bool sys_created_in_tx(const struct stf_block *b, const struct addr *a);
/* EIP-7610: some slot of the account is not zero. Only asked under rules with create_checks_storage; an oracle that cannot tell
 * (stf_oracle.has_storage NULL) counts as no, besides what this block wrote. */
bool sys_has_storage(const struct stf_block *b, const struct addr *a);
/* Stores code (blob built inside) on the account; charges native for hashing and preprocessing, no gas. */
enum stf_halt sys_set_code(struct stf_block *b, struct stf_res *res, const struct addr *a,
                           uint8_t environment, struct bytes code);
/* EIP-6780; moves the balance at once, deletion at the end of the transaction. Charges the beneficiary's access
 * (gas: 2600 if cold, 25000 if it is empty and value moves; 5000 base by the opcode table). in_creation: the frame
 * runs initcode, so the account dies in any case. */
enum stf_halt sys_selfdestruct(struct stf_block *b, struct stf_res *res, const struct addr *self,
                               const struct addr *beneficiary, bool in_creation);

/* ---- storage: gas by EIP-2929/2200/3529 with refunds, native by spec 10 §7.7 ---- */
enum stf_halt sys_sload(struct stf_block *b, struct stf_res *res, const struct addr *self,
                        const struct b256 *slot, struct b256 *out);
/* includes the EIP-2200 sentry (gas <= 2300 is out of gas) */
enum stf_halt sys_sstore(struct stf_block *b, struct stf_res *res, const struct addr *self,
                         const struct b256 *slot, const struct b256 *value);
enum stf_halt sys_tload(struct stf_block *b, struct stf_res *res, const struct addr *self,
                        const struct b256 *slot, struct b256 *out);
enum stf_halt sys_tstore(struct stf_block *b, struct stf_res *res, const struct addr *self,
                         const struct b256 *slot, const struct b256 *value);

/* ---- output: events (native 6,000 + 200/topic + 2/byte; gas by the opcode), messages ----
 * Event hooks of spec 10 §9.7 run inside sys_emit_event. Data is copied. */
enum stf_halt sys_emit_event(struct stf_block *b, struct stf_res *res, const struct addr *self,
                             const struct b256 *topics, unsigned topic_cnt, struct bytes data);
enum stf_halt sys_send_message(struct stf_block *b, struct stf_res *res, const struct addr *sender,
                               struct bytes data);

/* ---- native prices of functions (spec 10 §7.7) ---- */
/* Fetching the code of a record, at every fetch: preimage and blake2s of the blob; 0 without code. */
uint64_t sys_native_code_read(const struct account_record *rec);
uint64_t sys_native_keccak(size_t len);
uint64_t sys_native_sha256(size_t len); /* and ripemd160 */
uint64_t sys_native_blake2s(size_t len);

/* ---- snapshots ---- */
struct sys_mark {
    size_t undo, events, l2_logs, interop_roots;
    uint64_t refund;
};
struct sys_mark sys_snapshot(const struct stf_block *b);
void sys_rollback(struct stf_block *b, struct sys_mark m);
void sys_refund_add(struct stf_block *b, int64_t delta);

/* ---- system hooks (spec 10 §9), implemented in hooks.c ----
 * Called by the frame driver when the callee address is a hook, before code is looked up. */
struct sys_hook_call {
    const struct addr *caller; /* msg.sender of the hook frame */
    const struct addr *callee;
    const struct u256 *value;
    struct bytes input;
    bool is_static, is_delegate; /* delegate: DELEGATECALL or CALLCODE */
};
bool sys_is_hook(const struct stf_block *b, const struct addr *callee);
/* *handled false: behaves as an account without code (the driver moves value and succeeds).
 * Otherwise HALT_STOP or HALT_REVERT (or worse), output set, res charged. */
enum stf_halt sys_hook_run(struct stf_block *b, struct stf_res *res,
                           const struct sys_hook_call *call, bool *handled, struct bytes *output);

#endif
