/* node/stf/evm_loop.h   (inside stf)
 *
 * What the bodies of the interpreter loop are made of (evm.c, the only place it is for): heads that charge and test,
 * ways on to the next opcode or instruction, and families of opcodes. The names used here without being parameters are
 * the loop's locals: pc, sp, stack, labels, res, halt, blk, ip, grow_to, b, f, e. */
#ifndef GH_STF_EVM_LOOP_H
#define GH_STF_EVM_LOOP_H

#include "node/stf/evm.h"
#include "node/stf/evm_arith.h"
#include "node/stf/evm_block.h"

#define TOP    (sp[0])
#define SECOND (sp[-1])
#define THIRD  (sp[-2])

#define DISPATCH() goto *labels[*pc]
#define NEXT()                                                                                     \
    do {                                                                                           \
        pc++;                                                                                      \
        DISPATCH();                                                                                \
    } while (0)

/* Behind an opcode that may be one of a block's own: back to the blocks, if it was reached from one. */
#define NEXT_ALONE()                                                                               \
    do {                                                                                           \
        pc++;                                                                                      \
        if (blk) {                                                                                 \
            blk = blk->next;                                                                       \
            ENTER_BLOCK();                                                                         \
        }                                                                                          \
        DISPATCH();                                                                                \
    } while (0)

/* Behind a jump of an opcode by itself: this is where blocks are found, and made when a code has become hot. */
#define JUMPED()                                                                                   \
    do {                                                                                           \
        if (e->slot)                                                                               \
            goto jumped;                                                                           \
        DISPATCH();                                                                                \
    } while (0)

/* ---- blocks (evm_block.h) ---- */
#define RUN_INSTR() goto * ip->label
#define NEXT_INSTR()                                                                               \
    do {                                                                                           \
        ip++;                                                                                      \
        RUN_INSTR();                                                                               \
    } while (0)
/* Pays for blk and runs it. A block without code needs more stack than there is. */
#define ENTER_BLOCK()                                                                              \
    do {                                                                                           \
        if (GH_UNLIKELY(res.gas < blk->gas || res.native < blk->native ||                          \
                        (size_t)(sp - stack) + 1 - blk->need > blk->room))                         \
            goto block_short;                                                                      \
        res.gas -= blk->gas;                                                                       \
        res.native -= blk->native;                                                                 \
        ip = blk->code;                                                                            \
        RUN_INSTR();                                                                               \
    } while (0)
#define IMM        ip->imm
#define WIDE       ((const struct u256 *)(uintptr_t)ip->imm)
#define AT(offset) ((struct u256 *)(void *)((uint8_t *)sp - (offset)))
#define SLOT       AT((size_t)ip->imm)
#define LOW_SLOT   AT((int32_t)(uint32_t)ip->imm)
#define HIGH_SLOT  AT((int32_t)(uint32_t)(ip->imm >> 32))
#define TARGET     ((struct evm_block *)(uintptr_t)ip->imm)
/* A memory operand of a paid block. */
#define VALID_MEMORY(offset, size)                                                                 \
    do {                                                                                           \
        if (GH_UNLIKELY((offset) > UINT32_MAX || (offset) + (size) > e->mem_len)) {                \
            grow_to = (offset) > UINT32_MAX ? UINT64_MAX : (offset) + (size);                      \
            goto block_grows;                                                                      \
        }                                                                                          \
    } while (0)
#define VALID_OPERAND(word, size) VALID_SUM(word, 0, size)
/* The same at word + imm (below 2^32): only the sum is touched, so only it is made valid. */
#define VALID_SUM(word, imm, size)                                                                 \
    do {                                                                                           \
        if (GH_UNLIKELY(!u256_fits_u64(&(word)) || (word).w[0] > UINT64_MAX - UINT32_MAX))         \
            goto block_leaves;                                                                     \
        VALID_MEMORY((word).w[0] + (imm), size);                                                   \
    } while (0)
/* The last instruction of a block: takes `words` off the stack and goes on in one of two. */
#define JUMP_IF(condition, words)                                                                  \
    do {                                                                                           \
        bool is_taken = (condition);                                                               \
        sp -= (words);                                                                             \
        if (is_taken) {                                                                            \
            blk = TARGET;                                                                          \
            ENTER_BLOCK();                                                                         \
        }                                                                                          \
        blk = blk->next;                                                                           \
        ENTER_BLOCK();                                                                             \
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
    NEXT_ALONE()

#define OP_PUSH_U64(NAME, value)                                                                   \
    ENTER(NAME);                                                                                   \
    sp++;                                                                                          \
    evm_set_u64(sp, (value));                                                                      \
    NEXT_ALONE()

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
#define OP_LOG(n)                                                                                  \
    ENTER_NATIVE(LOG##n);                                                                          \
    LEAVE(evm_op_log(b, f, e, sp, (n)));                                                           \
    sp -= 2 + (n);                                                                                 \
    NEXT_ALONE()
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

#endif
