/* node/stf/evm_fuse.c: neighbours in a block become one instruction (evm_block.h, evm_fused.def). */
#include "node/stf/evm_block.h"

#define WORD ((uint64_t)sizeof(struct u256))

static struct evm_item *last(struct evm_items *items, unsigned back)
{
    return items->cnt > back ? &items->at[items->cnt - 1 - back] : NULL;
}

static struct evm_item *push(struct evm_items *items, uint16_t pc, enum evm_instr_id id,
                             uint64_t imm)
{
    CHECK(items->cnt < GH_COUNT(items->at));
    struct evm_item *it = &items->at[items->cnt++];
    it->id = id;
    it->pc = pc;
    it->imm = imm;
    return it;
}

static bool is_constant(const struct evm_item *it)
{
    return it && (it->id == INSTR_CONST || it->id == INSTR_CONST_WIDE);
}

static void set_constant(struct evm_item *it, const struct u256 *v)
{
    it->id = u256_fits_u64(v) ? INSTR_CONST : INSTR_CONST_WIDE;
    it->imm = v->w[0];
    it->k = *v;
}

void evm_items_constant(struct evm_items *items, uint16_t pc, const struct u256 *value)
{
    set_constant(push(items, pc, INSTR_CONST, 0), value);
}

/* n of DUPn, 0 for anything else */
static unsigned dup_of(const struct evm_item *it)
{
    return it && it->id >= INSTR_DUP1 && it->id <= INSTR_DUP16 ? it->id - INSTR_DUP1 + 1 : 0;
}
static unsigned swap_of(const struct evm_item *it)
{
    return it && it->id >= INSTR_SWAP1 && it->id <= INSTR_SWAP16 ? it->id - INSTR_SWAP1 + 1 : 0;
}

/* The value of an operation on two constants; a is the top. */
static bool fold(uint8_t op, struct u256 *r, const struct u256 *a, const struct u256 *b)
{
    unsigned by = u256_fits_u64(a) && a->w[0] < 256 ? (unsigned)a->w[0] : 256;
    switch (op) {
    case EVM_OP_ADD:
        *r = u256_add(a, b);
        return true;
    case EVM_OP_SUB:
        *r = u256_sub(a, b);
        return true;
    case EVM_OP_MUL:
        *r = u256_mul(a, b);
        return true;
    case EVM_OP_SHL:
        *r = u256_shl(b, by);
        return true;
    case EVM_OP_SHR:
        *r = u256_shr(b, by);
        return true;
    default:
        return false;
    }
}

/* `it` is a constant and the operation's top operand: it becomes the fused instruction. */
static bool fuse_constant(struct evm_item *it, uint8_t op)
{
    uint64_t imm = it->imm;
    if (it->id == INSTR_CONST_WIDE) {
        if (op != EVM_OP_ADD && op != EVM_OP_AND)
            return false;
        it->id = op == EVM_OP_ADD ? INSTR_ADD_WIDE : INSTR_AND_WIDE;
        return true;
    }
    switch (op) {
    case EVM_OP_ADD:
        it->id = INSTR_ADD_K;
        return true;
    case EVM_OP_SUB:
        it->id = INSTR_RSUB_K;
        return true;
    case EVM_OP_MUL:
        it->id = INSTR_MUL_K;
        return true;
    case EVM_OP_AND:
        it->id = INSTR_AND_K;
        return true;
    case EVM_OP_OR:
        it->id = INSTR_OR_K;
        return true;
    case EVM_OP_EQ:
        it->id = INSTR_EQ_K;
        return true;
    /* the constant is the left side: k < x */
    case EVM_OP_LT:
        it->id = INSTR_GT_K;
        return true;
    case EVM_OP_GT:
        it->id = INSTR_LT_K;
        return true;
    case EVM_OP_MLOAD:
    case EVM_OP_MSTORE:
        if (imm > UINT32_MAX)
            return false;
        it->id = op == EVM_OP_MLOAD ? INSTR_MLOAD_K : INSTR_MSTORE_K;
        return true;
    case EVM_OP_SHL:
    case EVM_OP_SHR:
        if (imm > 255)
            return false;
        it->id = (op == EVM_OP_SHL ? INSTR_SHL_K0 : INSTR_SHR_K0) + (unsigned)(imm / 64);
        it->imm = imm % 64;
        return true;
    default:
        return false;
    }
}

/* Operations whose top operand may be read where it lies; INSTR_CNT for the others. */
static enum evm_instr_id slot_form(uint8_t op)
{
    switch (op) {
    case EVM_OP_ADD:
        return INSTR_ADD_SLOT;
    case EVM_OP_MUL:
        return INSTR_MUL_SLOT;
    case EVM_OP_SUB:
        return INSTR_SUB_SLOT;
    case EVM_OP_DIV:
        return INSTR_DIV_SLOT;
    case EVM_OP_SDIV:
        return INSTR_SDIV_SLOT;
    case EVM_OP_AND:
        return INSTR_AND_SLOT;
    case EVM_OP_OR:
        return INSTR_OR_SLOT;
    case EVM_OP_XOR:
        return INSTR_XOR_SLOT;
    case EVM_OP_EQ:
        return INSTR_EQ_SLOT;
    case EVM_OP_LT:
        return INSTR_LT_SLOT;
    case EVM_OP_GT:
        return INSTR_GT_SLOT;
    case EVM_OP_SLT:
        return INSTR_SLT_SLOT;
    case EVM_OP_SGT:
        return INSTR_SGT_SLOT;
    case EVM_OP_SHL:
        return INSTR_SHL_SLOT;
    case EVM_OP_SHR:
        return INSTR_SHR_SLOT;
    case EVM_OP_MSTORE:
        return INSTR_MSTORE_SLOT;
    default:
        return INSTR_CNT;
    }
}

/* The operation that gives the same with its operands exchanged; false: there is none. */
static bool exchanged(uint8_t op, uint8_t *twin)
{
    switch (op) {
    case EVM_OP_ADD:
    case EVM_OP_MUL:
    case EVM_OP_AND:
    case EVM_OP_OR:
    case EVM_OP_XOR:
    case EVM_OP_EQ:
        *twin = op;
        return true;
    case EVM_OP_LT:
        *twin = EVM_OP_GT;
        return true;
    case EVM_OP_GT:
        *twin = EVM_OP_LT;
        return true;
    case EVM_OP_SLT:
        *twin = EVM_OP_SGT;
        return true;
    case EVM_OP_SGT:
        *twin = EVM_OP_SLT;
        return true;
    default:
        return false;
    }
}

static bool fuse(struct evm_items *items, uint8_t op)
{
    struct evm_item *it = last(items, 0), *before = last(items, 1);
    struct u256 folded;
    uint8_t twin;
    if (!it)
        return false;
    if (is_constant(it)) {
        if (is_constant(before) && fold(op, &folded, &it->k, &before->k)) {
            set_constant(before, &folded);
            items->cnt--;
            return true;
        }
        return fuse_constant(it, op);
    }
    if (dup_of(it) && slot_form(op) != INSTR_CNT) {
        it->imm = WORD * (dup_of(it) - 1);
        it->id = slot_form(op);
        return true;
    }
    if (it->id == INSTR_SWAP1 && exchanged(op, &twin)) {
        items->cnt--;
        evm_items_add(items, it->pc, twin);
        return true;
    }
    if (it->id == INSTR_SWAP1 && op == EVM_OP_SUB) {
        if (before && before->id == INSTR_CONST) {
            before->id = INSTR_SUB_K;
            items->cnt--;
        } else {
            it->id = INSTR_RSUB;
        }
        return true;
    }
    if (op == EVM_OP_MLOAD && it->id == INSTR_ADD_K && it->imm <= UINT32_MAX) {
        it->id = INSTR_MLOAD_PLUS;
        return true;
    }
    if (op == EVM_OP_POP) {
        if (swap_of(it)) {
            it->imm = WORD * swap_of(it);
            it->id = INSTR_STORE_SLOT;
            return true;
        }
        if (it->id == INSTR_POP || it->id == INSTR_POPS) {
            it->imm = it->id == INSTR_POP ? 2 * WORD : it->imm + WORD;
            it->id = INSTR_POPS;
            return true;
        }
    }
    return false;
}

void evm_items_add(struct evm_items *items, uint16_t pc, uint8_t op)
{
    static const uint8_t plain[256] = {
#define PURE(NAME, ...) [EVM_OP_##NAME] = INSTR_##NAME,
#include "node/stf/evm_pure.def"
        [EVM_OP_MLOAD] = INSTR_MLOAD,
        [EVM_OP_MSTORE] = INSTR_MSTORE,
        [EVM_OP_MSTORE8] = INSTR_MSTORE8,
    };
    if (!fuse(items, op))
        push(items, pc, plain[op], 0);
}

bool evm_items_jump(struct evm_items *items, uint16_t pc, bool is_conditional, struct u256 *target)
{
    static const struct {
        enum evm_instr_id compare, jump, jump_not;
    } compares[] = {
        { INSTR_LT, INSTR_JUMP_LT_K, INSTR_JUMP_GE_K },
        { INSTR_GT, INSTR_JUMP_GT_K, INSTR_JUMP_LE_K },
        { INSTR_SLT, INSTR_JUMP_SLT_K, INSTR_JUMP_SGE_K },
        { INSTR_SGT, INSTR_JUMP_SGT_K, INSTR_JUMP_SLE_K },
        { INSTR_EQ, INSTR_JUMP_EQ_K, INSTR_JUMP_NE_K },
    };
    struct evm_item *it = last(items, 0);
    if (!is_constant(it)) {
        push(items, pc, is_conditional ? INSTR_JUMPI : INSTR_JUMP, 0);
        return false;
    }
    *target = it->k;
    if (!is_conditional) {
        it->id = INSTR_JUMP_K;
        return true;
    }
    struct evm_item *test = last(items, 1);
    bool is_negated = false;
    if (test && test->id == INSTR_ISZERO) {
        is_negated = true;
        items->cnt--;
        it = test;
        test = last(items, 1);
    }
    for (size_t i = 0; test && i < GH_COUNT(compares); i++) {
        if (test->id == compares[i].compare) {
            items->cnt--;
            test->id = is_negated ? compares[i].jump_not : compares[i].jump;
            return true;
        }
    }
    it->id = is_negated ? INSTR_JUMPZ_K : INSTR_JUMPI_K;
    return true;
}

static bool fits_u32(const struct evm_item *it)
{
    return it->id == INSTR_CONST && it->imm <= UINT32_MAX;
}

void evm_items_pack(struct evm_items *items)
{
    unsigned n = 0;
    for (unsigned i = 0; i < items->cnt; i++) {
        struct evm_item *it = &items->at[i], *with = i + 1 < items->cnt ? it + 1 : NULL;
        unsigned first = dup_of(it), second = dup_of(with);
        /* the second copy is counted from one word higher */
        uint64_t high = (uint64_t)(uint32_t)((int32_t)WORD * ((int32_t)second - 2)) << 32;
        bool is_pair = true;
        if (first && second) {
            it->id = INSTR_DUP_DUP;
            it->imm = high | (uint32_t)(WORD * (first - 1));
        } else if (second && fits_u32(it)) {
            it->id = INSTR_CONST_DUP;
            it->imm |= high;
        } else if (with && fits_u32(it) && fits_u32(with)) {
            it->id = INSTR_CONST_CONST;
            it->imm |= with->imm << 32;
        } else {
            is_pair = false;
        }
        items->at[n++] = *it;
        i += is_pair;
    }
    items->cnt = n;
}
