/* node/stf/evm_block.h   (inside stf)
 *
 * Translated blocks: how code that runs often runs fast.
 *
 * A block is a run of pure opcodes (evm_pure.def), MLOADs and MSTOREs up to a jump, an opcode that asks the system, or the
 * next JUMPDEST. Its static gas, its native and the stack it needs are added up once. When a block is entered and all
 * three suffice, they are paid at its head and its instructions run without any test: none of them can halt, and none can
 * tell what is left. Otherwise, and whenever memory has to grow, the loop goes on opcode by opcode, each paying for
 * itself, with exactly the resources it would have had all along; so no halt, no GAS and no tracer ever sees a difference.
 *
 *     JUMPDEST DUP2 PUSH1 64 LT PUSH2 0x0123 JUMPI      block: 1+3+3+3+3+10 gas, needs 2 words, grows by 2
 *     -> { GT_SLOT.. } { JUMPI_K -> block 0x0123 }      instructions: an address to jump to, and an operand
 *
 * Within a block neighbours are fused (evm_fuse.c): constants with what uses them, copies with what consumes them,
 * comparisons with jumps. Targets of jumps by constants are tested and found once.
 *
 * Translating costs more than running once, so it is done for deployed code only, after EVM_HOT_JUMPS jumps taken in it,
 * and for a block only at its EVM_HOT_VISITSth visit. What is translated lives in the block's arena with the copy of the
 * code, up to EVM_TRANSLATED_BUDGET; beyond it the loop runs opcode by opcode. A block that is not translated (yet) has
 * code NULL. */
#ifndef GH_STF_EVM_BLOCK_H
#define GH_STF_EVM_BLOCK_H

#include "node/stf/evm.h"

#define EVM_HOT_JUMPS         24u
#define EVM_HOT_VISITS        2u /* both 1 with stf_options.translates_at_once */
#define EVM_TRANSLATED_BUDGET (16u << 20)
#define EVM_BLOCK_OPS         160u /* longer runs are cut */

enum evm_instr_id {
#define PURE(NAME, ...)  INSTR_##NAME,
#define FUSED(NAME, ...) INSTR_##NAME,
#include "node/stf/evm_fused.def"
#include "node/stf/evm_pure.def"
    INSTR_MLOAD,
    INSTR_MLOAD_K,    /* at the constant */
    INSTR_MLOAD_PLUS, /* at the top plus the constant */
    INSTR_MSTORE,
    INSTR_MSTORE_K,
    INSTR_MSTORE_SLOT, /* DUPn MSTORE */
    INSTR_MSTORE8,
    /* last of a block */
    INSTR_NEXT,  /* the next block */
    INSTR_ALONE, /* the opcode at pc IMM, paying for itself; then the next block */
    INSTR_JUMP,
    INSTR_JUMP_K,  /* to the block IMM points at */
    INSTR_JUMPI,   /* target on the stack */
    INSTR_JUMPI_K, /* if the top is not zero, and so on */
    INSTR_JUMPZ_K,
    INSTR_JUMP_LT_K,
    INSTR_JUMP_GE_K, /* LT ISZERO */
    INSTR_JUMP_GT_K,
    INSTR_JUMP_LE_K,
    INSTR_JUMP_SLT_K,
    INSTR_JUMP_SGE_K,
    INSTR_JUMP_SGT_K,
    INSTR_JUMP_SLE_K,
    INSTR_JUMP_EQ_K,
    INSTR_JUMP_NE_K,
    INSTR_CNT
};

struct evm_instr {
    const void *label; /* in the loop */
    uint64_t imm;
};

struct evm_block {
    const struct evm_instr *code; /* NULL: not translated */
    uint64_t gas, native;
    uint32_t need, room;    /* words on the stack at entry: at least need, at most need + room */
    struct evm_block *next; /* without a jump; NULL when nothing follows */
    const uint16_t *pcs;    /* of the first opcode each instruction stands for */
    uint32_t pc, end;       /* opcodes it pays for: [pc, end) */
    uint32_t visits;
    bool is_refused; /* never to be translated */
};
/* Where a jump to a constant that is no destination leads: never translated. */
extern const struct evm_block evm_block_nowhere;

struct evm_blocks; /* of one code */

/* NULL when there is no room, or the code is longer than any that can be deployed. */
struct evm_blocks *evm_blocks_create(struct stf_block *b, struct evm_pool *pool,
                                     const struct evm *e);
/* The block at a pc of the code or just behind it; NULL when there is no room. */
struct evm_block *evm_block_at(struct stf_block *b, struct evm_blocks *bs, size_t pc);
/* Translates. labels: INSTR_CNT addresses. No stack may be right for a block, or no room left: it is refused then. */
void evm_block_translate(struct stf_block *b, struct evm_blocks *bs, struct evm_block *blk,
                         const void *const *labels);
/* Gives back what the opcodes from instruction `index` on have paid; returns their pc. */
size_t evm_block_unpay(const struct evm_blocks *bs, const struct evm_block *blk, size_t index,
                       struct stf_res *res);

/* ---- evm_fuse.c: one block on its way to instructions ---- */
struct evm_item {
    enum evm_instr_id id;
    uint16_t pc;
    uint64_t imm;
    struct u256 k; /* CONST and CONST_WIDE: the value; *_WIDE: the operand */
};
struct evm_items {
    struct evm_item at[EVM_BLOCK_OPS + 1];
    unsigned cnt;
};
void evm_items_constant(struct evm_items *items, uint16_t pc, const struct u256 *value);
/* A pure opcode, MLOAD, MSTORE, MSTORE8. */
void evm_items_add(struct evm_items *items, uint16_t pc, uint8_t op);
/* The JUMP or JUMPI at the end: takes a constant target off into *target; false when there is none. What is left at the
 * end of items is the instruction the caller gives the target to. */
bool evm_items_jump(struct evm_items *items, uint16_t pc, bool is_conditional, struct u256 *target);
/* Pairs of moves that nothing else wanted. */
void evm_items_pack(struct evm_items *items);

#endif
