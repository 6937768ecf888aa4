/* node/stf/evm.h   (inside stf)
 *
 * The EVM as environment number 1: what its files share.
 *
 *   evm.c         the interpreter loop and the environment's table entry; evm_loop.h, what it is made of
 *   evm_ops.c     opcodes that talk to the system: accounts, storage, logs, calls, creation
 *   evm_memory.c  pools, memory growth, padded code
 *   evm_arith.h   word arithmetic inlined into the loop
 *   evm_mulmod.c  MULMOD by a modulus that stays
 *   evm_block.c   code that runs often, translated block by block (evm_block.h)
 *   evm_fuse.c    neighbouring opcodes as one instruction
 *
 * Invariants of the loop. A body runs only after the step was charged and the stack bounds of its opcode were tested
 * (opcodes.def), and, but for those named below, after its static gas and native were charged too.
 *
 * What a failing opcode has cost in native shows in the transaction's gas (spec 10 §7.4), so the order of charges is part
 * of the rules: the step by itself; then gas and native of the opcode together, gas first; then the stack. Opcodes that
 * need their operands to know the price (EXP, KECCAK256, the copies) test the stack before they pay anything, and their
 * bodies charge the static part together with the rest. LOG and SELFBALANCE pay native at once and gas in the body. `sp` points at
 * the top word; an empty stack has sp == stack - 1 (there is one spare word below). Code is a copy
 * with 33 zero bytes behind it: reading past the end reads STOP, and a PUSH at the end reads
 * zeros, without a test per step.
 *
 * Memory. Frames of one depth follow each other, never overlap, so stacks, memories and code
 * buffers are pooled per depth. A frame's memory stays untouched after its end until the next
 * frame of that depth starts; that is exactly as long as its caller may read the return data,
 * which is therefore never copied. */
#ifndef GH_STF_EVM_H
#define GH_STF_EVM_H

#include "node/stf/ee.h"
#include "node/stf/evm_mulmod.h"
#include "node/stf/rules.h"

#define EVM_STACK_CAP     1024u
#define EVM_CODE_PADDING  33u
#define EVM_STEP_NATIVE   20u
#define EVM_GAS_COPY_WORD 3u
#define EVM_GAS_CODE_BYTE 200u /* deployed */
/* spec 10 §7.7: copies and heap growth */
#define EVM_NATIVE_COPY_BASE 80u
#define EVM_NATIVE_HEAP_BASE 35u

/* Static costs by opcode name: EVM_GAS_ADD, EVM_NATIVE_ADD (step included), EVM_IN_ADD,
 * EVM_OUT_ADD. */
#define OP(code, NAME, body, gas, in, out, native)                                                 \
    EVM_OP_##NAME = (code), EVM_GAS_##NAME = (gas), EVM_IN_##NAME = (in), EVM_OUT_##NAME = (out),  \
    EVM_NATIVE_##NAME = (native) + EVM_STEP_NATIVE,
enum evm_op_constants {
#include "node/stf/opcodes.def"
};
#undef OP

/* Both costs of an opcode, the step included. Short of one of them the step is paid first, by itself. */
enum stf_halt evm_charge_short(struct stf_res *r, uint64_t gas, uint64_t native);
static inline enum stf_halt evm_charge(struct stf_res *r, uint64_t gas, uint64_t native)
{
    if (GH_UNLIKELY(r->gas < gas || r->native < native))
        return evm_charge_short(r, gas, native);
    r->gas -= gas;
    r->native -= native;
    return HALT_NONE;
}

struct evm {            /* one per depth, pooled */
    struct u256 *stack; /* EVM_STACK_CAP words, and one spare below */
    uint8_t *mem;
    size_t mem_len; /* multiple of 32; bytes below it are valid */
    size_t mem_cap;
    uint64_t mem_gas;        /* paid for mem_len */
    const uint8_t *code;     /* padded copy */
    const uint8_t *bitmap;   /* jump destinations */
    size_t code_len;         /* without padding */
    struct bytes returndata; /* of the last call */
    /* between a request and its answer */
    const uint8_t *pc;
    struct u256 *sp;
    size_t out_offset, out_len; /* where the caller wants the output of a call */
    bool is_create_pending;
    uint8_t *code_buf; /* padded code, then bitmap: initcode, and code the cache has no room for */
    size_t code_buf_cap;
    struct evm_modulus modulus; /* of the last MULMODs at this depth */
    struct evm_pool *pool;
    struct evm_code_slot *slot; /* of the code, if it may be translated (evm_block.h); or NULL */
};

#define EVM_CODE_SLOTS  1024u       /* power of two */
#define EVM_CODE_BUDGET (16u << 20) /* bytes of padded copies kept for one block */
struct evm_code_slot {
    struct b256 hash;
    const uint8_t *code;       /* NULL: free */
    struct evm_blocks *blocks; /* NULL: not hot */
    uint32_t jumps;            /* taken in it until then */
};
/* Hashes of two words, as mappings use them: a slot that is read and then written is hashed twice in a row, and a token's
 * popular holders again and again. Only the work is saved; the price is that of hashing. */
#define EVM_PAIR_HASHES 64u /* power of two */
struct evm_pair_hash {
    uint8_t words[64];
    struct b256 hash;
    bool is_set;
};
struct evm_pool { /* one per block, in its arena */
    struct evm *by_depth[EE_DEPTH_CAP];
    struct evm_code_slot codes[EVM_CODE_SLOTS];
    size_t memory_open; /* of all frames that have not ended */
    size_t code_cnt, code_bytes, translated_bytes;
    struct evm_pair_hash pair_hashes[EVM_PAIR_HASHES];
};

/* ---- evm_memory.c ---- */
/* State for a frame about to start; HALT_BLOCK when the arena is full. */
enum stf_halt evm_acquire(struct stf_block *b, struct ee_frame *f, void **pool, struct evm **out);
/* Makes [offset, offset + len) valid, charging growth. len > 0. */
enum stf_halt evm_memory_grow(struct stf_block *b, struct ee_frame *f, struct evm *e,
                              uint64_t offset, uint64_t len);
/* Whether growing to [0, end) can be paid and has room, so that evm_memory_grow(b, f, e, 0, end) does not halt. */
bool evm_memory_is_payable(const struct stf_block *b, const struct ee_frame *f, const struct evm *e,
                           uint64_t end);
/* The same for operands. len = 0 touches nothing and ignores the offset; *offset_out is then 0. */
enum stf_halt evm_memory_range(struct stf_block *b, struct ee_frame *f, struct evm *e,
                               const struct u256 *offset, const struct u256 *len,
                               size_t *offset_out, size_t *len_out);

/* ---- evm_ops.c: bodies out of the loop. sp is the stack before the opcode; results are written
 * in place, the loop moves sp. Static costs were charged; f->res is current. ---- */
typedef enum stf_halt evm_op_fn(struct stf_block *b, struct ee_frame *f, struct evm *e,
                                struct u256 *sp);
evm_op_fn evm_op_exp, evm_op_keccak256, evm_op_balance, evm_op_selfbalance, evm_op_calldatacopy,
    evm_op_codecopy, evm_op_returndatacopy, evm_op_extcodesize, evm_op_extcodehash,
    evm_op_extcodecopy, evm_op_blockhash, evm_op_blobhash, evm_op_sload, evm_op_sstore,
    evm_op_tload, evm_op_tstore, evm_op_mcopy, evm_op_output, evm_op_selfdestruct;
enum stf_halt evm_op_log(struct stf_block *b, struct ee_frame *f, struct evm *e, struct u256 *sp,
                         unsigned topic_cnt);
/* fill f->request */
enum stf_halt evm_op_call(struct stf_block *b, struct ee_frame *f, struct evm *e, struct u256 *sp,
                          enum call_kind kind);
enum stf_halt evm_op_create(struct stf_block *b, struct ee_frame *f, struct evm *e, struct u256 *sp,
                            bool has_salt);

/* name of an opcode, NULL when undefined */
const char *evm_op_name(uint8_t op);

#endif
