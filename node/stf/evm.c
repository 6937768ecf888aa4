/* node/stf/evm.c: the interpreter loop (evm.h has the invariants).
 *
 * Dispatch is a computed goto through a table of labels made from opcodes.def; tracing swaps the
 * table for one that leads every opcode through the tracer first, so an untraced run pays nothing
 * for it. Program counter, stack top and the two resources live in locals; whatever leaves the
 * loop writes the resources to the frame first and reads them back.
 *
 * The loop is one long function because computed goto needs its labels in one place. */
#include "node/stf/evm.h"
#include "node/stf/evm_arith.h"

#define TOP    (sp[0])
#define SECOND (sp[-1])
#define THIRD  (sp[-2])

#define DISPATCH() goto *labels[*pc]
#define NEXT()                                                                                     \
    do {                                                                                           \
        pc++;                                                                                      \
        DISPATCH();                                                                                \
    } while (0)

/* The head of every opcode: costs, then the stack bounds. */
#define ENTER_PAYING(NAME, gas, native)                                                            \
    op_##NAME : do                                                                                 \
    {                                                                                              \
        halt = evm_charge(&res, (gas), (native));                                                  \
        if (GH_UNLIKELY(halt != HALT_NONE))                                                        \
            goto done;                                                                             \
        if (EVM_IN_##NAME > 0 && GH_UNLIKELY(sp < stack + (EVM_IN_##NAME - 1)))                    \
            goto stack_fault;                                                                      \
        if (EVM_OUT_##NAME > EVM_IN_##NAME && GH_UNLIKELY(sp >= stack + (EVM_STACK_CAP - 1)))      \
            goto stack_fault;                                                                      \
    }                                                                                              \
    while (0)

#define ENTER(NAME) ENTER_PAYING(NAME, EVM_GAS_##NAME, EVM_NATIVE_##NAME)
/* The body pays everything but the step; everything in gas (evm.h). */
#define ENTER_STEP(NAME)   ENTER_PAYING(NAME, 0, EVM_STEP_NATIVE)
#define ENTER_NATIVE(NAME) ENTER_PAYING(NAME, 0, EVM_NATIVE_##NAME)

/* Runs statements that charge through the frame or ask the system. */
#define LEAVE(expr)                                                                                \
    do {                                                                                           \
        f->res = res;                                                                              \
        halt = (expr);                                                                             \
        res = f->res;                                                                              \
        if (GH_UNLIKELY(halt != HALT_NONE))                                                        \
            goto done;                                                                             \
    } while (0)

/* An opcode whose body is a function of evm_ops.c; `delta` words are added to the stack. */
#define OP_FN(NAME, fn, delta) OP_FN_AFTER(ENTER, NAME, fn, delta)
#define OP_FN_AFTER(enter, NAME, fn, delta)                                                        \
    enter(NAME);                                                                                   \
    LEAVE(fn(b, f, e, sp));                                                                        \
    sp += (delta);                                                                                 \
    NEXT()

#define OP_PUSH_U64(NAME, value)                                                                   \
    ENTER(NAME);                                                                                   \
    sp++;                                                                                          \
    evm_set_u64(sp, (value));                                                                      \
    NEXT()

/* Makes mem[offset .. offset + size) valid for a word operand; fast when it already is. */
#define NEED_MEMORY(offset, size)                                                                  \
    do {                                                                                           \
        if (GH_UNLIKELY(!u256_fits_u64(&(offset)) || e->mem_len < (size) ||                        \
                        (offset).w[0] > e->mem_len - (size))) {                                    \
            if (!u256_fits_u64(&(offset))) {                                                       \
                halt = HALT_OUT_OF_GAS;                                                            \
                goto done;                                                                         \
            }                                                                                      \
            LEAVE(evm_memory_grow(b, f, e, (offset).w[0], (size)));                                \
        }                                                                                          \
    } while (0)

/* n <= 8: one limb, otherwise bytes into a word. Code is padded, so reading 32 bytes is always
 * allowed. */
#define OP_PUSH_SMALL(n)                                                                           \
    ENTER(PUSH##n);                                                                                \
    sp++;                                                                                          \
    evm_set_u64(sp, evm_load_be64(pc + 1) >> (64 - 8 * (n)));                                      \
    pc += (n) + 1;                                                                                 \
    DISPATCH()
#define OP_PUSH_LARGE(n)                                                                           \
    ENTER(PUSH##n);                                                                                \
    sp++;                                                                                          \
    push_large(sp, pc + 1, (n));                                                                   \
    pc += (n) + 1;                                                                                 \
    DISPATCH()
#define OP_DUP(n)                                                                                  \
    ENTER(DUP##n);                                                                                 \
    sp++;                                                                                          \
    evm_copy(sp, sp - (n));                                                                        \
    NEXT()
#define OP_SWAP(n)                                                                                 \
    ENTER(SWAP##n);                                                                                \
    evm_swap(sp, sp - (n));                                                                        \
    NEXT()
#define OP_LOG(n)                                                                                  \
    ENTER_NATIVE(LOG##n);                                                                          \
    LEAVE(evm_op_log(b, f, e, sp, (n)));                                                           \
    sp -= 2 + (n);                                                                                 \
    NEXT()
/* A request ends the run: the program counter already points behind the opcode, the operands are
 * gone, and the answer is pushed by resume. */
#define OP_CALL(NAME, kind)                                                                        \
    ENTER(NAME);                                                                                   \
    LEAVE(evm_op_call(b, f, e, sp, (kind)));                                                       \
    sp -= EVM_IN_##NAME;                                                                           \
    goto request_call
#define OP_CREATE(NAME, has_salt)                                                                  \
    ENTER(NAME);                                                                                   \
    LEAVE(evm_op_create(b, f, e, sp, (has_salt)));                                                 \
    sp -= EVM_IN_##NAME;                                                                           \
    goto request_create

/* 8 < n <= 32 big-endian bytes */
static inline void push_large(struct u256 *r, const uint8_t *p, unsigned n)
{
    unsigned full = n / 8, rest = n % 8;
    evm_set_u64(r, evm_load_be64(p + n - 8));
    for (unsigned i = 1; i < full; i++)
        r->w[i] = evm_load_be64(p + n - 8 * (i + 1));
    if (rest)
        r->w[full] = evm_load_be64(p) >> (64 - 8 * rest);
}

static inline void calldata_load(struct u256 *r, struct bytes input)
{
    if (GH_UNLIKELY(!u256_fits_u64(r) || r->w[0] >= input.len)) {
        evm_set_u64(r, 0);
        return;
    }
    size_t offset = (size_t)r->w[0], have = input.len - offset;
    if (GH_LIKELY(have >= 32)) {
        evm_load_be(r, input.p + offset);
    } else {
        uint8_t word[32] = { 0 };
        memcpy(word, input.p + offset, have);
        evm_load_be(r, word);
    }
}

static inline bool is_jumpdest(const struct evm *e, const struct u256 *dest)
{
    return u256_fits_u64(dest) && dest->w[0] < e->code_len &&
           code_is_jumpdest(e->bitmap, (size_t)dest->w[0]);
}

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

    DISPATCH();

op_traced:
    f->res = res;
    e->pc = pc;
    e->sp = sp;
    if (!trace_step(b, f, e, tracer)) {
        halt = sys_fail(b, STF_E_CANCELLED);
        goto done;
    }
    goto *op_labels[sys_rules(b)->opcodes][*pc];

    ENTER(ADD);
    evm_add(&SECOND, &TOP, &SECOND);
    sp--;
    NEXT();

    ENTER(MUL);
    evm_mul(&SECOND, &TOP, &SECOND);
    sp--;
    NEXT();

    ENTER(SUB);
    evm_sub(&SECOND, &TOP, &SECOND);
    sp--;
    NEXT();

    ENTER(DIV);
    evm_div(&SECOND, &TOP, &SECOND);
    sp--;
    NEXT();

    ENTER(SDIV);
    result = u256_sdiv(&TOP, &SECOND);
    evm_copy(&SECOND, &result);
    sp--;
    NEXT();

    ENTER(MOD);
    evm_mod(&SECOND, &TOP, &SECOND);
    sp--;
    NEXT();

    ENTER(SMOD);
    result = u256_smod(&TOP, &SECOND);
    evm_copy(&SECOND, &result);
    sp--;
    NEXT();

    ENTER(ADDMOD);
    result = u256_addmod(&TOP, &SECOND, &THIRD);
    evm_copy(&THIRD, &result);
    sp -= 2;
    NEXT();

    ENTER(MULMOD);
    evm_mulmod(&e->modulus, &THIRD, &TOP, &SECOND);
    sp -= 2;
    NEXT();

    OP_FN_AFTER(ENTER_STEP, EXP, evm_op_exp, -1);

    ENTER(SIGNEXTEND);
    evm_signextend(&SECOND, &TOP);
    sp--;
    NEXT();

    ENTER(LT);
    evm_set_u64(&SECOND, u256_lt(&TOP, &SECOND));
    sp--;
    NEXT();

    ENTER(GT);
    evm_set_u64(&SECOND, u256_lt(&SECOND, &TOP));
    sp--;
    NEXT();

    ENTER(SLT);
    evm_set_u64(&SECOND, evm_slt(&TOP, &SECOND));
    sp--;
    NEXT();

    ENTER(SGT);
    evm_set_u64(&SECOND, evm_slt(&SECOND, &TOP));
    sp--;
    NEXT();

    ENTER(EQ);
    evm_set_u64(&SECOND, u256_eq(&TOP, &SECOND));
    sp--;
    NEXT();

    ENTER(ISZERO);
    evm_set_u64(&TOP, u256_is_zero(&TOP));
    NEXT();

    ENTER(AND);
    evm_and(&SECOND, &TOP);
    sp--;
    NEXT();

    ENTER(OR);
    evm_or(&SECOND, &TOP);
    sp--;
    NEXT();

    ENTER(XOR);
    evm_xor(&SECOND, &TOP);
    sp--;
    NEXT();

    ENTER(NOT);
    evm_not(&TOP);
    NEXT();

    ENTER(BYTE);
    evm_byte(&SECOND, &TOP, &SECOND);
    sp--;
    NEXT();

    ENTER(SHL);
    evm_shl(&SECOND, &SECOND, &TOP);
    sp--;
    NEXT();

    ENTER(SHR);
    evm_shr(&SECOND, &SECOND, &TOP);
    sp--;
    NEXT();

    ENTER(SAR);
    evm_sar(&SECOND, &SECOND, &TOP);
    sp--;
    NEXT();

    ENTER(CLZ);
    evm_set_u64(&TOP, 256 - u256_bit_len(&TOP));
    NEXT();

    OP_FN_AFTER(ENTER_STEP, KECCAK256, evm_op_keccak256, -1);

    ENTER(ADDRESS);
    sp++;
    evm_load_addr(sp, &f->self);
    NEXT();

    OP_FN(BALANCE, evm_op_balance, 0);

    ENTER(ORIGIN);
    sp++;
    evm_load_addr(sp, sys_origin(b));
    NEXT();

    ENTER(CALLER);
    sp++;
    evm_load_addr(sp, &f->caller);
    NEXT();

    ENTER(CALLVALUE);
    sp++;
    evm_copy(sp, &f->value);
    NEXT();

    ENTER(CALLDATALOAD);
    calldata_load(sp, f->input);
    NEXT();

    OP_PUSH_U64(CALLDATASIZE, f->input.len);
    OP_FN_AFTER(ENTER_STEP, CALLDATACOPY, evm_op_calldatacopy, -3);
    OP_PUSH_U64(CODESIZE, e->code_len);
    OP_FN_AFTER(ENTER_STEP, CODECOPY, evm_op_codecopy, -3);

    ENTER(GASPRICE);
    sp++;
    *sp = *sys_gas_price(b);
    NEXT();

    OP_FN(EXTCODESIZE, evm_op_extcodesize, 0);
    OP_FN_AFTER(ENTER_STEP, EXTCODECOPY, evm_op_extcodecopy, -4);
    OP_PUSH_U64(RETURNDATASIZE, e->returndata.len);
    OP_FN_AFTER(ENTER_STEP, RETURNDATACOPY, evm_op_returndatacopy, -3);
    OP_FN(EXTCODEHASH, evm_op_extcodehash, 0);
    OP_FN(BLOCKHASH, evm_op_blockhash, 0);

    ENTER(COINBASE);
    sp++;
    evm_load_addr(sp, &sys_context(b)->coinbase);
    NEXT();

    OP_PUSH_U64(TIMESTAMP, sys_context(b)->timestamp);
    OP_PUSH_U64(NUMBER, sys_context(b)->number);

    ENTER(PREVRANDAO);
    sp++;
    /* ZKOS: the constant 1, whatever the context says (spec 10 §8.1) */
    *sp = sys_rules(b)->prevrandao_is_one ? U256_ONE : sys_context(b)->mix_hash;
    NEXT();

    OP_PUSH_U64(GASLIMIT, sys_context(b)->gas_limit);
    OP_PUSH_U64(CHAINID, sys_context(b)->chain_id);
    OP_FN_AFTER(ENTER_NATIVE, SELFBALANCE, evm_op_selfbalance, 1);

    ENTER(BASEFEE);
    sp++;
    *sp = sys_context(b)->base_fee;
    NEXT();

    OP_FN(BLOBHASH, evm_op_blobhash, 0);

    ENTER(BLOBBASEFEE);
    sp++;
    *sp = sys_context(b)->blob_fee; /* ZKOS: 1, which the block context is checked for */
    NEXT();

    ENTER(POP);
    sp--;
    NEXT();

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
    DISPATCH();

    ENTER(JUMPI);
    if (u256_is_zero(&SECOND)) {
        sp -= 2;
        NEXT();
    }
    if (GH_UNLIKELY(!is_jumpdest(e, &TOP)))
        goto bad_jump;
    pc = e->code + TOP.w[0];
    sp -= 2;
    DISPATCH();

    OP_PUSH_U64(PC, (uint64_t)(pc - e->code));
    OP_PUSH_U64(MSIZE, e->mem_len);
    OP_PUSH_U64(GAS, res.gas);

    ENTER(JUMPDEST);
    NEXT();

    OP_FN(TLOAD, evm_op_tload, 0);
    OP_FN(TSTORE, evm_op_tstore, -2);
    OP_FN_AFTER(ENTER_STEP, MCOPY, evm_op_mcopy, -3);

    OP_PUSH_U64(PUSH0, 0);
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

    OP_DUP(1);
    OP_DUP(2);
    OP_DUP(3);
    OP_DUP(4);
    OP_DUP(5);
    OP_DUP(6);
    OP_DUP(7);
    OP_DUP(8);
    OP_DUP(9);
    OP_DUP(10);
    OP_DUP(11);
    OP_DUP(12);
    OP_DUP(13);
    OP_DUP(14);
    OP_DUP(15);
    OP_DUP(16);

    OP_SWAP(1);
    OP_SWAP(2);
    OP_SWAP(3);
    OP_SWAP(4);
    OP_SWAP(5);
    OP_SWAP(6);
    OP_SWAP(7);
    OP_SWAP(8);
    OP_SWAP(9);
    OP_SWAP(10);
    OP_SWAP(11);
    OP_SWAP(12);
    OP_SWAP(13);
    OP_SWAP(14);
    OP_SWAP(15);
    OP_SWAP(16);

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

static void evm_finish(struct ee_frame *f, void **pool)
{
    /* the state stays in its depth's place in the pool; its memory is not below anyone any more */
    struct evm *e = f->state;
    (void)pool;
    if (e)
        e->mem_len = 0;
    f->state = NULL;
}

const struct stf_ee stf_ee_evm = {
    .id = 1,
    .start = evm_start,
    .resume = evm_resume,
    .finish = evm_finish,
};
