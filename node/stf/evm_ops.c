/* node/stf/evm_ops.c: opcode bodies that talk to the system or move blocks of memory (evm.h). */
#include "node/stf/evm.h"
#include "node/stf/evm_arith.h"

/* static native of an opcode without the step */
#define OWN_NATIVE(NAME) ((uint64_t)EVM_NATIVE_##NAME - EVM_STEP_NATIVE)

/* ---- arithmetic with a dynamic price ---- */

enum stf_halt evm_op_exp(struct stf_block *b, struct ee_frame *f, struct evm *e, struct u256 *sp)
{
    (void)b, (void)e;
    unsigned len = u256_byte_len(&sp[-1]);
    enum stf_halt halt = res_charge(&f->res, EVM_GAS_EXP + 50u * (uint64_t)len,
                                    OWN_NATIVE(EXP) + 5000u * (uint64_t)len);
    if (halt != HALT_NONE)
        return halt;
    sp[-1] = u256_exp(&sp[0], &sp[-1]);
    return HALT_NONE;
}

/* in: 64 bytes */
static struct b256 hash_pair(struct evm_pool *pool, const uint8_t *in)
{
    uint64_t mixed = (load_le64(in + 24) ^ (load_le64(in + 56) << 7)) * 0x9e3779b97f4a7c15;
    struct evm_pair_hash *p = &pool->pair_hashes[mixed >> 58 & (EVM_PAIR_HASHES - 1)];
    if (!p->is_set || memcmp(p->words, in, sizeof(p->words)) != 0) {
        memcpy(p->words, in, sizeof(p->words));
        p->hash = keccak256(in, sizeof(p->words));
        p->is_set = true;
    }
    return p->hash;
}

enum stf_halt evm_op_keccak256(struct stf_block *b, struct ee_frame *f, struct evm *e,
                               struct u256 *sp)
{
    size_t offset, len;
    struct b256 hash = KECCAK_EMPTY;
    if (!u256_fits_u64(&sp[-1]))
        return HALT_OUT_OF_GAS;
    enum stf_halt halt = res_charge(&f->res, 0, OWN_NATIVE(KECCAK256));
    if (halt == HALT_NONE)
        halt = evm_memory_range(b, f, e, &sp[0], &sp[-1], &offset, &len);
    if (halt != HALT_NONE)
        return halt;
    /* ZKOS: hashing nothing is free of native; the hash is a constant there */
    halt = res_charge(&f->res, EVM_GAS_KECCAK256 + 6 * (uint64_t)((len + 31) / 32),
                      len ? sys_native_keccak(len) : 0);
    if (halt != HALT_NONE)
        return halt;
    if (len == 64)
        hash = hash_pair(e->pool, e->mem + offset);
    else if (len)
        hash = keccak256(e->mem + offset, len);
    evm_load_be(&sp[-1], hash.b);
    return HALT_NONE;
}

/* ---- copies ---- */

/* Price of copying len bytes together with the opcode's own, and the length as a size. */
static enum stf_halt charge_copy(struct ee_frame *f, const struct u256 *len, uint64_t gas,
                                 uint64_t native, size_t *out)
{
    /* beyond 32 bits the memory it goes to is out of reach */
    if (!u256_fits_u64(len) || len->w[0] > UINT32_MAX)
        return HALT_OUT_OF_GAS;
    *out = (size_t)len->w[0];
    return res_charge(&f->res, gas + EVM_GAS_COPY_WORD * ((len->w[0] + 31) / 32),
                      native + EVM_NATIVE_COPY_BASE + len->w[0]);
}

/* mem[offset..+len] = src[src_offset..], zeros behind its end */
static void copy_zero_extended(struct evm *e, size_t offset, size_t len, struct bytes src,
                               const struct u256 *src_offset)
{
    if (!len)
        return;
    size_t have = 0;
    if (u256_fits_u64(src_offset) && src_offset->w[0] < src.len) {
        have = src.len - (size_t)src_offset->w[0];
        if (have > len)
            have = len;
        memcpy(e->mem + offset, src.p + src_offset->w[0], have);
    }
    if (have < len)
        memset(e->mem + offset + have, 0, len - have);
}

/* CALLDATACOPY and CODECOPY cost the same. */
_Static_assert(EVM_GAS_CALLDATACOPY == EVM_GAS_CODECOPY &&
                   EVM_NATIVE_CALLDATACOPY == EVM_NATIVE_CODECOPY,
               "one price for both");
static enum stf_halt copy_from(struct stf_block *b, struct ee_frame *f, struct evm *e,
                               const struct u256 *sp, struct bytes src)
{
    size_t len, offset;
    enum stf_halt halt = charge_copy(f, &sp[-2], EVM_GAS_CODECOPY, OWN_NATIVE(CODECOPY), &len);
    if (halt == HALT_NONE)
        halt = evm_memory_range(b, f, e, &sp[0], &sp[-2], &offset, &len);
    if (halt == HALT_NONE)
        copy_zero_extended(e, offset, len, src, &sp[-1]);
    return halt;
}

enum stf_halt evm_op_calldatacopy(struct stf_block *b, struct ee_frame *f, struct evm *e,
                                  struct u256 *sp)
{
    /* creation frames have no calldata: the driver gives them none */
    return copy_from(b, f, e, sp, f->input);
}

enum stf_halt evm_op_codecopy(struct stf_block *b, struct ee_frame *f, struct evm *e,
                              struct u256 *sp)
{
    return copy_from(b, f, e, sp, bytes_of(e->code, e->code_len));
}

enum stf_halt evm_op_returndatacopy(struct stf_block *b, struct ee_frame *f, struct evm *e,
                                    struct u256 *sp)
{
    size_t len, offset;
    enum stf_halt halt =
        charge_copy(f, &sp[-2], EVM_GAS_RETURNDATACOPY, OWN_NATIVE(RETURNDATACOPY), &len);
    if (halt != HALT_NONE)
        return halt;
    if (!u256_fits_u64(&sp[-1]) || sp[-1].w[0] > e->returndata.len ||
        len > e->returndata.len - sp[-1].w[0])
        return HALT_RETURNDATA;
    halt = evm_memory_range(b, f, e, &sp[0], &sp[-2], &offset, &len);
    if (halt == HALT_NONE && len)
        memcpy(e->mem + offset, e->returndata.p + sp[-1].w[0], len);
    return halt;
}

enum stf_halt evm_op_mcopy(struct stf_block *b, struct ee_frame *f, struct evm *e, struct u256 *sp)
{
    /* ZKOS: v30 and v31 charge the copy and the step only, no opcode constant (evm_interpreter
     * instructions/heap.rs of those lines) */
    size_t len, dst, src;
    enum stf_halt halt = charge_copy(f, &sp[-2], EVM_GAS_MCOPY, OWN_NATIVE(MCOPY), &len);
    if (halt != HALT_NONE || !len)
        return halt;
    const struct u256 *far = u256_lt(&sp[0], &sp[-1]) ? &sp[-1] : &sp[0];
    halt = evm_memory_range(b, f, e, far, &sp[-2], &dst, &len);
    if (halt != HALT_NONE)
        return halt;
    dst = (size_t)sp[0].w[0];
    src = (size_t)sp[-1].w[0];
    memmove(e->mem + dst, e->mem + src, len);
    return HALT_NONE;
}

/* RETURN and REVERT: the range becomes the frame's output */
enum stf_halt evm_op_output(struct stf_block *b, struct ee_frame *f, struct evm *e, struct u256 *sp)
{
    size_t offset, len;
    enum stf_halt halt = evm_memory_range(b, f, e, &sp[0], &sp[-1], &offset, &len);
    if (halt == HALT_NONE && len)
        f->output = bytes_of(e->mem + offset, len);
    return halt;
}

/* ---- accounts ---- */

enum stf_halt evm_op_balance(struct stf_block *b, struct ee_frame *f, struct evm *e,
                             struct u256 *sp)
{
    (void)e;
    struct addr a = evm_to_addr(sp);
    const struct account_record *rec;
    enum stf_halt halt = sys_account(b, &f->res, &a, true, &rec);
    if (halt == HALT_NONE)
        *sp = rec->balance;
    return halt;
}

/* Pushes: the word above sp. */
enum stf_halt evm_op_selfbalance(struct stf_block *b, struct ee_frame *f, struct evm *e,
                                 struct u256 *sp)
{
    (void)e;
    const struct account_record *rec;
    /* ZKOS: the account was read when the frame was entered, looking again costs no native */
    enum stf_halt halt = res_charge(&f->res, EVM_GAS_SELFBALANCE, 0);
    if (halt == HALT_NONE)
        halt = sys_account(b, NULL, &f->self, false, &rec);
    if (halt == HALT_NONE)
        sp[1] = rec->balance;
    return halt;
}

enum stf_halt evm_op_extcodesize(struct stf_block *b, struct ee_frame *f, struct evm *e,
                                 struct u256 *sp)
{
    (void)e;
    struct addr a = evm_to_addr(sp);
    const struct account_record *rec;
    enum stf_halt halt = sys_account(b, &f->res, &a, true, &rec);
    if (halt == HALT_NONE)
        evm_set_u64(sp, rec->observable_len);
    return halt;
}

enum stf_halt evm_op_extcodehash(struct stf_block *b, struct ee_frame *f, struct evm *e,
                                 struct u256 *sp)
{
    (void)e;
    struct addr a = evm_to_addr(sp);
    const struct account_record *rec;
    enum stf_halt halt = sys_account(b, &f->res, &a, true, &rec);
    if (halt != HALT_NONE)
        return halt;
    if (account_is_empty(rec)) {
        evm_set_u64(sp, 0);
    } else if (rec->observable_len == 0) {
        struct b256 empty = KECCAK_EMPTY;
        evm_load_be(sp, empty.b);
    } else {
        evm_load_be(sp, rec->observable_hash.b);
    }
    return HALT_NONE;
}

enum stf_halt evm_op_extcodecopy(struct stf_block *b, struct ee_frame *f, struct evm *e,
                                 struct u256 *sp)
{
    struct addr a = evm_to_addr(sp);
    const struct account_record *rec;
    const uint8_t *bitmap;
    struct bytes code;
    size_t len, offset;
    enum stf_halt halt = evm_memory_range(b, f, e, &sp[-1], &sp[-3], &offset, &len);
    if (halt == HALT_NONE)
        halt = sys_account(b, &f->res, &a, true, &rec);
    if (halt == HALT_NONE)
        halt = res_charge(&f->res, 0, sys_native_code_read(rec));
    if (halt == HALT_NONE)
        halt = sys_code(b, rec, &code, &bitmap);
    if (halt == HALT_NONE)
        halt = charge_copy(f, &sp[-3], EVM_GAS_EXTCODECOPY, OWN_NATIVE(EXTCODECOPY), &len);
    if (halt == HALT_NONE)
        copy_zero_extended(e, offset, len, code, &sp[-2]);
    return halt;
}

/* ---- the block ---- */

enum stf_halt evm_op_blockhash(struct stf_block *b, struct ee_frame *f, struct evm *e,
                               struct u256 *sp)
{
    (void)f, (void)e;
    const struct stf_block_context *ctx = sys_context(b);
    uint64_t n = sp->w[0];
    if (u256_fits_u64(sp) && n < ctx->number && ctx->number - n <= 256)
        evm_load_be(sp, ctx->block_hashes[256 - (ctx->number - n)].b);
    else
        evm_set_u64(sp, 0);
    return HALT_NONE;
}

enum stf_halt evm_op_blobhash(struct stf_block *b, struct ee_frame *f, struct evm *e,
                              struct u256 *sp)
{
    (void)f, (void)e;
    /* ZKOS: there are no blobs; always 0 (spec 10 §8.1) */
    if (sys_rules(b)->blob_hash_is_zero || !u256_fits_u64(sp)) {
        evm_set_u64(sp, 0);
        return HALT_NONE;
    }
    struct b256 hash = sys_blob_hash(b, sp->w[0]);
    evm_load_be(sp, hash.b);
    return HALT_NONE;
}

/* ---- storage ---- */

enum stf_halt evm_op_sload(struct stf_block *b, struct ee_frame *f, struct evm *e, struct u256 *sp)
{
    (void)e;
    struct b256 slot = evm_to_b256(sp), value;
    enum stf_halt halt = sys_sload(b, &f->res, &f->self, &slot, &value);
    if (halt == HALT_NONE)
        evm_load_be(sp, value.b);
    return halt;
}

enum stf_halt evm_op_sstore(struct stf_block *b, struct ee_frame *f, struct evm *e, struct u256 *sp)
{
    (void)e;
    if (f->is_static)
        return HALT_STATIC;
    struct b256 slot = evm_to_b256(sp), value = evm_to_b256(sp - 1);
    return sys_sstore(b, &f->res, &f->self, &slot, &value);
}

enum stf_halt evm_op_tload(struct stf_block *b, struct ee_frame *f, struct evm *e, struct u256 *sp)
{
    (void)e;
    struct b256 slot = evm_to_b256(sp), value;
    enum stf_halt halt = sys_tload(b, &f->res, &f->self, &slot, &value);
    if (halt == HALT_NONE)
        evm_load_be(sp, value.b);
    return halt;
}

enum stf_halt evm_op_tstore(struct stf_block *b, struct ee_frame *f, struct evm *e, struct u256 *sp)
{
    (void)e;
    if (f->is_static)
        return HALT_STATIC;
    struct b256 slot = evm_to_b256(sp), value = evm_to_b256(sp - 1);
    return sys_tstore(b, &f->res, &f->self, &slot, &value);
}

/* ---- output ---- */

#define GAS_LOG 375u /* and as much a topic */
_Static_assert(EVM_GAS_LOG0 == GAS_LOG && EVM_GAS_LOG4 == 5 * GAS_LOG, "opcodes.def says the same");

enum stf_halt evm_op_log(struct stf_block *b, struct ee_frame *f, struct evm *e, struct u256 *sp,
                         unsigned topic_cnt)
{
    if (f->is_static)
        return HALT_STATIC;
    size_t offset, len;
    enum stf_halt halt = evm_memory_range(b, f, e, &sp[0], &sp[-1], &offset, &len);
    if (halt == HALT_NONE)
        halt = res_charge(&f->res, GAS_LOG * (topic_cnt + 1u) + 8 * (uint64_t)len, 0);
    if (halt != HALT_NONE)
        return halt;
    struct b256 topics[4];
    const struct u256 *top = sp - 2;
    for (unsigned i = 0; i < topic_cnt; i++)
        topics[i] = evm_to_b256(top - i);
    return sys_emit_event(b, &f->res, &f->self, topics, topic_cnt,
                          bytes_of(len ? e->mem + offset : NULL, len));
}

enum stf_halt evm_op_selfdestruct(struct stf_block *b, struct ee_frame *f, struct evm *e,
                                  struct u256 *sp)
{
    (void)e;
    if (f->is_static)
        return HALT_STATIC;
    struct addr beneficiary = evm_to_addr(sp);
    return sys_selfdestruct(b, &f->res, &f->self, &beneficiary, f->is_create);
}

/* ---- calls ---- */

#define GAS_CALL_VALUE   9000u
#define GAS_CALL_STIPEND 2300u
#define GAS_NEW_ACCOUNT  25000u

/* Charges for reaching the callee and its code, and for its delegation target (EIP-7702), and tells whether the
 * callee is empty. */
static enum stf_halt charge_callee(struct stf_block *b, struct ee_frame *f,
                                   const struct addr *callee, bool *is_empty)
{
    const struct account_record *rec;
    enum stf_halt halt = sys_account(b, &f->res, callee, true, &rec);
    if (halt != HALT_NONE)
        return halt;
    *is_empty = account_is_empty(rec);
    halt = res_charge(&f->res, 0, sys_native_code_read(rec));
    if (halt != HALT_NONE || !account_is_delegated(rec))
        return halt;
    struct bytes code;
    const uint8_t *bitmap;
    struct addr target;
    halt = sys_code(b, rec, &code, &bitmap);
    if (halt != HALT_NONE || !account_delegation_target(code, &target))
        return halt;
    halt = sys_account(b, &f->res, &target, true, &rec);
    return halt == HALT_NONE ? res_charge(&f->res, 0, sys_native_code_read(rec)) : halt;
}

/* All but one 64th of what is left, or less if less was asked for (EIP-150). */
static uint64_t gas_for_callee(const struct ee_frame *f, const struct u256 *wanted)
{
    uint64_t cap = f->res.gas - f->res.gas / 64;
    return u256_fits_u64(wanted) && wanted->w[0] < cap ? wanted->w[0] : cap;
}

enum stf_halt evm_op_call(struct stf_block *b, struct ee_frame *f, struct evm *e, struct u256 *sp,
                          enum call_kind kind)
{
    bool has_value_operand = kind == CALL_PLAIN || kind == CALL_CODE;
    struct u256 value = has_value_operand ? sp[-2] : U256_ZERO;
    bool moves_value = !u256_is_zero(&value);
    const struct u256 *range = has_value_operand ? sp - 3 : sp - 2;
    struct addr callee = evm_to_addr(&sp[-1]);

    if (kind == CALL_PLAIN && f->is_static && moves_value)
        return HALT_STATIC;
    size_t in_offset, in_len;
    enum stf_halt halt = evm_memory_range(b, f, e, &range[0], &range[-1], &in_offset, &in_len);
    if (halt == HALT_NONE)
        halt = evm_memory_range(b, f, e, &range[-2], &range[-3], &e->out_offset, &e->out_len);
    bool is_empty = false;
    if (halt == HALT_NONE)
        halt = charge_callee(b, f, &callee, &is_empty);
    if (halt != HALT_NONE)
        return halt;
    uint64_t extra = 0;
    if (moves_value)
        extra = GAS_CALL_VALUE + (kind == CALL_PLAIN && is_empty ? GAS_NEW_ACCOUNT : 0);
    halt = res_charge(&f->res, extra, 0);
    if (halt != HALT_NONE)
        return halt;
    uint64_t gas = gas_for_callee(f, &sp[0]);
    halt = res_charge(&f->res, gas, 0);
    if (halt != HALT_NONE)
        return halt;

    bool runs_here = kind == CALL_CODE || kind == CALL_DELEGATE;
    f->request.call = (struct ee_call_request){
        .kind = kind,
        .code_addr = callee,
        .self = runs_here ? f->self : callee,
        .caller = kind == CALL_DELEGATE ? f->caller : f->self,
        .value = kind == CALL_DELEGATE ? f->value : value,
        .input = bytes_of(in_len ? e->mem + in_offset : NULL, in_len),
        .gas = gas + (moves_value ? GAS_CALL_STIPEND : 0),
        .is_static = f->is_static || kind == CALL_STATIC,
    };
    e->is_create_pending = false;
    return HALT_NONE;
}

enum stf_halt evm_op_create(struct stf_block *b, struct ee_frame *f, struct evm *e, struct u256 *sp,
                            bool has_salt)
{
    if (f->is_static)
        return HALT_STATIC;
    size_t offset, len;
    enum stf_halt halt = evm_memory_range(b, f, e, &sp[-1], &sp[-2], &offset, &len);
    if (halt != HALT_NONE)
        return halt;
    if (len > sys_rules(b)->max_initcode_len)
        return HALT_OUT_OF_GAS; /* EIP-3860 */
    /* 2 a word for the jump analysis, 6 a word for hashing */
    uint64_t per_word = has_salt ? 8 : 2;
    halt = res_charge(&f->res, per_word * ((len + 31) / 32), 0);
    if (halt != HALT_NONE)
        return halt;
    uint64_t gas = f->res.gas - f->res.gas / 64;
    halt = res_charge(&f->res, gas, 0);
    if (halt != HALT_NONE)
        return halt;
    f->request.create = (struct ee_create_request){
        .initcode = bytes_of(len ? e->mem + offset : NULL, len),
        .value = sp[0],
        .salt = has_salt ? evm_to_b256(&sp[-3]) : (struct b256){ { 0 } },
        .has_salt = has_salt,
        .gas = gas,
    };
    e->is_create_pending = true;
    e->out_offset = 0;
    e->out_len = 0;
    return HALT_NONE;
}
