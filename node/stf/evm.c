/* node/stf/evm.c: the interpreter loop (evm.h has the invariants).
 *
 * Dispatch is a computed goto through a table of labels made from opcodes.def; tracing swaps the
 * table for one that leads every opcode through the tracer first, so an untraced run pays nothing
 * for it. Program counter, stack top and the two resources live in locals; whatever leaves the
 * loop writes the resources to the frame first and reads them back.
 *
 * There are two sets of bodies with one source (evm_pure.def). The first charges for each opcode before it runs; it is
 * what tracers, initcode, cold code and everything close to a limit use. The second are the instructions of translated
 * blocks, which were paid for at the head of the block (evm_block.h). `blk` is the block that runs, or NULL.
 *
 * The loop is one long function because computed goto needs its labels in one place. */
#include "node/stf/evm_loop.h"

static bool trace_step(const struct stf_block *b, const struct ee_frame *f, const struct evm *e,
                       const struct stf_tracer *tracer)
{
    struct stf_step step = {
        .pc = (uint64_t)(e->pc - e->code),
        .gas = f->res.gas,
        .native = f->res.native,
        .op = *e->pc,
        .depth = f->depth,
        .stack_len = (unsigned)(e->sp - e->stack + 1),
        .stack = e->stack,
        .memory = bytes_of(e->mem, e->mem_len),
        .returndata = e->returndata,
        .frame = f,
        .refund = sys_snapshot(b).refund,
    };
    return tracer->on_step(tracer->ctx, &step);
}

static enum ee_exit run(struct stf_block *b, struct ee_frame *f, struct evm *e)
{
#define OP(code, NAME, body, gas, in, out, native) [code] = &&op_##NAME,
    static const void *const op_labels[OPCODES_CNT][256] = {
        [OPCODES_CANCUN] = {
            [0 ... 255] = &&op_undefined,
#define OP_OSAKA(...) /* not yet */
#include "node/stf/opcodes.def"
        },
        [OPCODES_OSAKA] = {
            [0 ... 255] = &&op_undefined,
#include "node/stf/opcodes.def" /* NOLINT(readability-duplicate-include) */
        },
    };
#undef OP
    static const void *const instr_labels[INSTR_CNT] = {
#define PURE(NAME, ...)  [INSTR_##NAME] = &&instr_##NAME,
#define FUSED(NAME, ...) [INSTR_##NAME] = &&instr_##NAME,
#include "node/stf/evm_fused.def"
#include "node/stf/evm_pure.def"
#define LABEL(NAME) [INSTR_##NAME] = &&instr_##NAME
        LABEL(MLOAD),      LABEL(MLOAD_K),     LABEL(MLOAD_PLUS), LABEL(MSTORE),
        LABEL(MSTORE_K),   LABEL(MSTORE_SLOT), LABEL(MSTORE8),    LABEL(NEXT),
        LABEL(ALONE),      LABEL(JUMP),        LABEL(JUMP_K),     LABEL(JUMPI),
        LABEL(JUMPI_K),    LABEL(JUMPZ_K),     LABEL(JUMP_LT_K),  LABEL(JUMP_GE_K),
        LABEL(JUMP_GT_K),  LABEL(JUMP_LE_K),   LABEL(JUMP_SLT_K), LABEL(JUMP_SGE_K),
        LABEL(JUMP_SGT_K), LABEL(JUMP_SLE_K),  LABEL(JUMP_EQ_K),  LABEL(JUMP_NE_K),
#undef LABEL
    };
    static const void *const traced_labels[256] = { [0 ... 255] = &&op_traced };

    const struct stf_tracer *tracer = sys_options(b)->tracer;
    const void *const *labels =
        tracer && tracer->on_step ? traced_labels : op_labels[sys_rules(b)->opcodes];
    struct u256 *const stack = e->stack;
    const uint8_t *pc = e->pc;
    struct u256 *sp = e->sp;
    struct stf_res res = f->res;
    struct u256 result; /* of arithmetic that is called */
    enum stf_halt halt;
    struct evm_block *blk = NULL; /* NULL: every opcode pays for itself */
    const struct evm_instr *ip = NULL;
    uint64_t grow_to = 0;

    if (e->slot && e->slot->blocks)
        goto find_block;
    DISPATCH();

jumped:
    if (!e->slot->blocks) {
        if (++e->slot->jumps < EVM_HOT_JUMPS)
            DISPATCH();
        e->slot->blocks = evm_blocks_create(b, e->pool, e);
        if (!e->slot->blocks) {
            e->slot = NULL;
            DISPATCH();
        }
    }
find_block:
    blk = evm_block_at(b, e->slot->blocks, (size_t)(pc - e->code));
    if (!blk)
        DISPATCH();
    ENTER_BLOCK();

    /* Something does not suffice, or the block has no code. */
block_short:
    if (!blk->code && !blk->is_refused && ++blk->visits >= EVM_HOT_VISITS) {
        evm_block_translate(b, e->slot->blocks, blk, instr_labels);
        if (blk->code)
            ENTER_BLOCK();
    }
    if (blk == &evm_block_nowhere)
        goto bad_jump;
    pc = e->code + blk->pc;
    blk = NULL;
    DISPATCH();

    /* Memory has to grow for an instruction of a paid block. What is left pays for it: then everything up to the next
     * such place is paid, in whatever order. */
block_grows:
    f->res = res;
    if (evm_memory_is_payable(b, f, e, grow_to)) {
        LEAVE(evm_memory_grow(b, f, e, 0, grow_to));
        RUN_INSTR();
    }

    /* Otherwise on with the opcodes the instruction stands for, each paying for itself. */
block_leaves:
    f->res = res;
    pc = e->code + evm_block_unpay(e->slot->blocks, blk, (size_t)(ip - blk->code), &f->res);
    res = f->res;
    blk = NULL;
    DISPATCH();

#define PURE(NAME, ...)                                                                            \
    instr_##NAME : __VA_ARGS__;                                                                    \
    NEXT_INSTR();
#define FUSED(NAME, ...) PURE(NAME, __VA_ARGS__)
#include "node/stf/evm_fused.def"
#include "node/stf/evm_pure.def"

instr_MLOAD:
    VALID_OPERAND(TOP, 32);
    evm_load_be(sp, e->mem + TOP.w[0]);
    NEXT_INSTR();
instr_MLOAD_K:
    VALID_MEMORY(IMM, 32);
    sp++;
    evm_load_be(sp, e->mem + IMM);
    NEXT_INSTR();
instr_MLOAD_PLUS:
    VALID_SUM(TOP, IMM, 32);
    evm_load_be(sp, e->mem + TOP.w[0] + IMM);
    NEXT_INSTR();
instr_MSTORE:
    VALID_OPERAND(TOP, 32);
    evm_store_be(e->mem + TOP.w[0], &SECOND);
    sp -= 2;
    NEXT_INSTR();
instr_MSTORE_K:
    VALID_MEMORY(IMM, 32);
    evm_store_be(e->mem + IMM, &TOP);
    sp--;
    NEXT_INSTR();
instr_MSTORE_SLOT:
    VALID_OPERAND(*SLOT, 32);
    evm_store_be(e->mem + SLOT->w[0], &TOP);
    sp--;
    NEXT_INSTR();
instr_MSTORE8:
    VALID_OPERAND(TOP, 1);
    e->mem[TOP.w[0]] = (uint8_t)SECOND.w[0];
    sp -= 2;
    NEXT_INSTR();

instr_NEXT:
    blk = blk->next;
    ENTER_BLOCK();
instr_ALONE:
    pc = e->code + (size_t)IMM;
    goto *labels[*pc];
instr_JUMP:
    if (GH_UNLIKELY(!is_jumpdest(e, &TOP)))
        goto bad_jump;
    pc = e->code + TOP.w[0];
    sp--;
    goto find_block;
instr_JUMPI:
    if (u256_is_zero(&SECOND)) {
        sp -= 2;
        blk = blk->next;
        ENTER_BLOCK();
    }
    if (GH_UNLIKELY(!is_jumpdest(e, &TOP)))
        goto bad_jump;
    pc = e->code + TOP.w[0];
    sp -= 2;
    goto find_block;
instr_JUMP_K:
    blk = TARGET;
    ENTER_BLOCK();
instr_JUMPI_K:
    JUMP_IF(!u256_is_zero(&TOP), 1);
instr_JUMPZ_K:
    JUMP_IF(u256_is_zero(&TOP), 1);
instr_JUMP_LT_K:
    JUMP_IF(u256_lt(&TOP, &SECOND), 2);
instr_JUMP_GE_K:
    JUMP_IF(!u256_lt(&TOP, &SECOND), 2);
instr_JUMP_GT_K:
    JUMP_IF(u256_lt(&SECOND, &TOP), 2);
instr_JUMP_LE_K:
    JUMP_IF(!u256_lt(&SECOND, &TOP), 2);
instr_JUMP_SLT_K:
    JUMP_IF(evm_slt(&TOP, &SECOND), 2);
instr_JUMP_SGE_K:
    JUMP_IF(!evm_slt(&TOP, &SECOND), 2);
instr_JUMP_SGT_K:
    JUMP_IF(evm_slt(&SECOND, &TOP), 2);
instr_JUMP_SLE_K:
    JUMP_IF(!evm_slt(&SECOND, &TOP), 2);
instr_JUMP_EQ_K:
    JUMP_IF(u256_eq(&TOP, &SECOND), 2);
instr_JUMP_NE_K:
    JUMP_IF(!u256_eq(&TOP, &SECOND), 2);

op_traced:
    f->res = res;
    e->pc = pc;
    e->sp = sp;
    if (!trace_step(b, f, e, tracer)) {
        halt = sys_fail(b, STF_E_CANCELLED);
        goto done;
    }
    goto *op_labels[sys_rules(b)->opcodes][*pc];

#define PURE(NAME, ...)                                                                            \
    ENTER(NAME);                                                                                   \
    __VA_ARGS__                                                                                    \
    NEXT();
#include "node/stf/evm_pure.def"

    OP_FN_AFTER(ENTER_STEP, EXP, evm_op_exp, -1);

    OP_FN_AFTER(ENTER_STEP, KECCAK256, evm_op_keccak256, -1);

    OP_FN(BALANCE, evm_op_balance, 0);

    ENTER(ORIGIN);
    sp++;
    evm_load_addr(sp, sys_origin(b));
    NEXT_ALONE();

    OP_FN_AFTER(ENTER_STEP, CALLDATACOPY, evm_op_calldatacopy, -3);
    OP_FN_AFTER(ENTER_STEP, CODECOPY, evm_op_codecopy, -3);

    ENTER(GASPRICE);
    sp++;
    *sp = *sys_gas_price(b);
    NEXT_ALONE();

    OP_FN(EXTCODESIZE, evm_op_extcodesize, 0);
    OP_FN_AFTER(ENTER_STEP, EXTCODECOPY, evm_op_extcodecopy, -4);
    OP_FN_AFTER(ENTER_STEP, RETURNDATACOPY, evm_op_returndatacopy, -3);
    OP_FN(EXTCODEHASH, evm_op_extcodehash, 0);
    OP_FN(BLOCKHASH, evm_op_blockhash, 0);

    ENTER(COINBASE);
    sp++;
    evm_load_addr(sp, &sys_context(b)->coinbase);
    NEXT_ALONE();

    OP_PUSH_U64(TIMESTAMP, sys_context(b)->timestamp);
    OP_PUSH_U64(NUMBER, sys_context(b)->number);

    ENTER(PREVRANDAO);
    sp++;
    /* ZKOS: the constant 1, whatever the context says (spec 10 §8.1) */
    *sp = sys_rules(b)->prevrandao_is_one ? U256_ONE : sys_context(b)->mix_hash;
    NEXT_ALONE();

    OP_PUSH_U64(GASLIMIT, sys_context(b)->gas_limit);
    OP_PUSH_U64(CHAINID, sys_context(b)->chain_id);
    OP_FN_AFTER(ENTER_NATIVE, SELFBALANCE, evm_op_selfbalance, 1);

    ENTER(BASEFEE);
    sp++;
    *sp = sys_context(b)->base_fee;
    NEXT_ALONE();

    OP_FN(BLOBHASH, evm_op_blobhash, 0);

    ENTER(BLOBBASEFEE);
    sp++;
    *sp = sys_context(b)->blob_fee; /* ZKOS: 1, which the block context is checked for */
    NEXT_ALONE();

    ENTER(MLOAD);
    NEED_MEMORY(TOP, 32);
    evm_load_be(sp, e->mem + sp->w[0]);
    NEXT();

    ENTER(MSTORE);
    NEED_MEMORY(TOP, 32);
    evm_store_be(e->mem + TOP.w[0], &SECOND);
    sp -= 2;
    NEXT();

    ENTER(MSTORE8);
    NEED_MEMORY(TOP, 1);
    e->mem[TOP.w[0]] = (uint8_t)SECOND.w[0];
    sp -= 2;
    NEXT();

    OP_FN(SLOAD, evm_op_sload, 0);
    OP_FN(SSTORE, evm_op_sstore, -2);

    ENTER(JUMP);
    if (GH_UNLIKELY(!is_jumpdest(e, &TOP)))
        goto bad_jump;
    pc = e->code + TOP.w[0];
    sp--;
    JUMPED();

    ENTER(JUMPI);
    if (u256_is_zero(&SECOND)) {
        sp -= 2;
        NEXT();
    }
    if (GH_UNLIKELY(!is_jumpdest(e, &TOP)))
        goto bad_jump;
    pc = e->code + TOP.w[0];
    sp -= 2;
    JUMPED();

    ENTER(PC);
    sp++;
    evm_set_u64(sp, (uint64_t)(pc - e->code));
    NEXT();

    OP_PUSH_U64(MSIZE, e->mem_len);
    OP_PUSH_U64(GAS, res.gas);

    ENTER(JUMPDEST);
    NEXT();

    OP_FN(TLOAD, evm_op_tload, 0);
    OP_FN(TSTORE, evm_op_tstore, -2);
    OP_FN_AFTER(ENTER_STEP, MCOPY, evm_op_mcopy, -3);

    ENTER(PUSH0);
    sp++;
    evm_set_u64(sp, 0);
    NEXT();

    OP_PUSH_SMALL(1);
    OP_PUSH_SMALL(2);
    OP_PUSH_SMALL(3);
    OP_PUSH_SMALL(4);
    OP_PUSH_SMALL(5);
    OP_PUSH_SMALL(6);
    OP_PUSH_SMALL(7);
    OP_PUSH_SMALL(8);
    OP_PUSH_LARGE(9);
    OP_PUSH_LARGE(10);
    OP_PUSH_LARGE(11);
    OP_PUSH_LARGE(12);
    OP_PUSH_LARGE(13);
    OP_PUSH_LARGE(14);
    OP_PUSH_LARGE(15);
    OP_PUSH_LARGE(16);
    OP_PUSH_LARGE(17);
    OP_PUSH_LARGE(18);
    OP_PUSH_LARGE(19);
    OP_PUSH_LARGE(20);
    OP_PUSH_LARGE(21);
    OP_PUSH_LARGE(22);
    OP_PUSH_LARGE(23);
    OP_PUSH_LARGE(24);
    OP_PUSH_LARGE(25);
    OP_PUSH_LARGE(26);
    OP_PUSH_LARGE(27);
    OP_PUSH_LARGE(28);
    OP_PUSH_LARGE(29);
    OP_PUSH_LARGE(30);
    OP_PUSH_LARGE(31);
    OP_PUSH_LARGE(32);

    OP_LOG(0);
    OP_LOG(1);
    OP_LOG(2);
    OP_LOG(3);
    OP_LOG(4);

    OP_CREATE(CREATE, false);
    OP_CREATE(CREATE2, true);
    OP_CALL(CALL, CALL_PLAIN);
    OP_CALL(CALLCODE, CALL_CODE);
    OP_CALL(DELEGATECALL, CALL_DELEGATE);
    OP_CALL(STATICCALL, CALL_STATIC);

    ENTER(STOP);
    halt = HALT_STOP;
    goto done;

    ENTER(RETURN);
    LEAVE(evm_op_output(b, f, e, sp));
    halt = HALT_STOP;
    goto done;

    ENTER(REVERT);
    LEAVE(evm_op_output(b, f, e, sp));
    halt = HALT_REVERT;
    goto done;

    ENTER(SELFDESTRUCT);
    LEAVE(evm_op_selfdestruct(b, f, e, sp));
    halt = HALT_STOP;
    goto done;

    ENTER(INVALID);
    halt = HALT_BAD_OPCODE;
    goto done;

op_undefined:
    halt = res_charge(&res, 0, EVM_STEP_NATIVE);
    if (halt == HALT_NONE)
        halt = HALT_BAD_OPCODE;
    goto done;

bad_jump:
    halt = HALT_BAD_JUMP;
    goto done;

stack_fault:
    halt = HALT_STACK;

done:
    f->res = res;
    f->halt = halt;
    return EE_DONE;

request_call:
    e->pc = pc + 1;
    e->sp = sp;
    f->res = res;
    return EE_CALL;

request_create:
    e->pc = pc + 1;
    e->sp = sp;
    f->res = res;
    return EE_CREATE;
}

static enum ee_exit evm_start(struct stf_block *b, struct ee_frame *f, void **pool)
{
    struct evm *e;
    f->output = bytes_of(NULL, 0);
    f->halt = evm_acquire(b, f, pool, &e);
    if (f->halt != HALT_NONE)
        return EE_DONE;
    return run(b, f, e);
}

static enum ee_exit evm_resume(struct stf_block *b, struct ee_frame *f, const struct ee_result *sub,
                               void **pool)
{
    (void)pool;
    struct evm *e = f->state;
    e->returndata = sub->output;
    size_t n = sub->output.len < e->out_len ? sub->output.len : e->out_len;
    if (n)
        memcpy(e->mem + e->out_offset, sub->output.p, n);
    e->sp++;
    if (!sub->success)
        evm_set_u64(e->sp, 0);
    else if (e->is_create_pending)
        evm_load_addr(e->sp, &sub->created);
    else
        evm_set_u64(e->sp, 1);
    return run(b, f, e);
}

static enum stf_halt evm_deploy(struct stf_block *b, struct ee_frame *f)
{
    struct bytes code = f->output;
    if (code.len > sys_rules(b)->max_code_len || (code.len && code.p[0] == 0xef))
        return HALT_CODE_RULE; /* EIP-170, EIP-3541 */
    return res_charge(&f->res, EVM_GAS_CODE_BYTE * (uint64_t)code.len, 0);
}

static void evm_finish(struct ee_frame *f, void **pool)
{
    /* the state stays in its depth's place in the pool, the memory counts no more */
    struct evm *e = f->state;
    (void)pool;
    if (e) {
        e->pool->memory_open -= e->mem_len;
        e->mem_len = 0;
    }
    f->state = NULL;
}

const struct stf_ee stf_ee_evm = {
    .id = ACCOUNT_ENVIRONMENT_EVM,
    .start = evm_start,
    .resume = evm_resume,
    .deploy = evm_deploy,
    .finish = evm_finish,
};
