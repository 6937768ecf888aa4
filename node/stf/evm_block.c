/* node/stf/evm_block.c: see evm_block.h. */
#include "node/stf/evm_block.h"
#include "node/stf/evm_arith.h"

#define CHUNK_BLOCKS 64u
#define HEADS_MAX    32u /* each may begin a block of its own, so blocks overlap by as many at most */
#define CODE_CAP     ((size_t)UINT16_MAX - EVM_CODE_PADDING) /* a pc and a block's number fit 16 bits */

enum op_class { OP_ALONE, OP_PURE, OP_CONSTANT, OP_MEMORY, OP_DESTINATION, OP_JUMP };
struct op_facts {
    uint16_t gas, native;
    uint8_t in, out;
    bool is_defined;
};

const struct evm_block evm_block_nowhere = { .need = UINT32_MAX,
                                             .pc = UINT32_MAX,
                                             .is_refused = true };

struct evm_blocks {
    const uint8_t *code, *bitmap;
    size_t code_len;
    const struct op_facts *facts;
    size_t *used;    /* of the pool's budget */
    uint16_t *index; /* by pc: number of the block + 1 */
    size_t cnt;
    uint32_t first_visits; /* that blocks begin with */
    struct evm_block *chunks[(UINT16_MAX + 1) / CHUNK_BLOCKS];
};

static const uint8_t op_classes[256] = {
#define PURE(NAME, ...) [EVM_OP_##NAME] = OP_PURE,
#include "node/stf/evm_pure.def"
    [EVM_OP_PC] = OP_CONSTANT,    [EVM_OP_MLOAD] = OP_MEMORY,         [EVM_OP_MSTORE] = OP_MEMORY,
    [EVM_OP_MSTORE8] = OP_MEMORY, [EVM_OP_JUMPDEST] = OP_DESTINATION, [EVM_OP_JUMP] = OP_JUMP,
    [EVM_OP_JUMPI] = OP_JUMP,
};

#define OP(code, NAME, body, gas, in, out, native)                                                 \
    [code] = { (gas), (native) + EVM_STEP_NATIVE, (in), (out), true },
static const struct op_facts op_facts[OPCODES_CNT][256] = {
    [OPCODES_CANCUN] = {
#define OP_OSAKA(...) /* not yet */
#include "node/stf/opcodes.def"
    },
    [OPCODES_OSAKA] = {
#include "node/stf/opcodes.def" /* NOLINT(readability-duplicate-include) */
    },
};
#undef OP

static enum op_class class_of(const struct evm_blocks *bs, uint8_t op)
{
    if (op >= EVM_OP_PUSH0 && op <= EVM_OP_PUSH32)
        return OP_CONSTANT;
    return bs->facts[op].is_defined ? (enum op_class)op_classes[op] : OP_ALONE;
}

static size_t step(uint8_t op)
{
    return op >= EVM_OP_PUSH1 && op <= EVM_OP_PUSH32 ? (size_t)(op - EVM_OP_PUSH0) + 1 : 1;
}

static void *take(struct stf_block *b, size_t *used, size_t len)
{
    size_t limit = sys_options(b)->translation_limit;
    if (len > (limit ? limit : EVM_TRANSLATED_BUDGET) - *used)
        return NULL;
    void *p = arena_alloc(sys_arena(b), len);
    if (p)
        *used += len;
    return p;
}

struct evm_blocks *evm_blocks_create(struct stf_block *b, struct evm_pool *pool,
                                     const struct evm *e)
{
    size_t index_len = (e->code_len + EVM_CODE_PADDING) * sizeof(uint16_t);
    if (e->code_len > CODE_CAP)
        return NULL;
    struct evm_blocks *bs = take(b, &pool->translated_bytes, sizeof(*bs) + index_len);
    if (!bs)
        return NULL;
    uint16_t *index = (uint16_t *)(void *)(bs + 1);
    memset(bs, 0, sizeof(*bs) + index_len);
    bs->code = e->code;
    bs->bitmap = e->bitmap;
    bs->code_len = e->code_len;
    bs->facts = op_facts[sys_rules(b)->opcodes];
    bs->used = &pool->translated_bytes;
    bs->index = index;
    bs->first_visits = sys_options(b)->translates_at_once ? EVM_HOT_VISITS - 1 : 0;
    return bs;
}

struct evm_block *evm_block_at(struct stf_block *b, struct evm_blocks *bs, size_t pc)
{
    if (bs->index[pc]) {
        size_t i = bs->index[pc] - 1u;
        return &bs->chunks[i / CHUNK_BLOCKS][i % CHUNK_BLOCKS];
    }
    struct evm_block **chunk = &bs->chunks[bs->cnt / CHUNK_BLOCKS];
    if (!*chunk) {
        *chunk = take(b, bs->used, CHUNK_BLOCKS * sizeof(**chunk));
        if (!*chunk)
            return NULL;
    }
    struct evm_block *blk = &(*chunk)[bs->cnt % CHUNK_BLOCKS];
    memset(blk, 0, sizeof(*blk));
    blk->pc = blk->end = (uint32_t)pc;
    blk->visits = bs->first_visits;
    blk->need = UINT32_MAX; /* never entered without code */
    bs->index[pc] = (uint16_t)++bs->cnt;
    return blk;
}

/* ---- translation ---- */

struct walk { /* over the opcodes of a block */
    size_t pc;
    int32_t height, need, peak; /* words, from the height at entry */
    uint64_t gas, native;
};

static void pay(struct walk *w, const struct op_facts *op)
{
    w->gas += op->gas;
    w->native += op->native;
    if (op->in - w->height > w->need)
        w->need = op->in - w->height;
    w->height += op->out - op->in;
    if (w->height > w->peak)
        w->peak = w->height;
}

static void add_constant(struct evm_items *items, const uint8_t *code, size_t pc)
{
    uint8_t op = code[pc];
    struct u256 v =
        op == EVM_OP_PC ? u256_of_u64(pc) : u256_of_be(code + pc + 1, (size_t)(op - EVM_OP_PUSH0));
    evm_items_constant(items, (uint16_t)pc, &v);
}

static bool is_destination(const struct evm_blocks *bs, const struct u256 *v)
{
    return u256_fits_u64(v) && v->w[0] < bs->code_len &&
           code_is_jumpdest(bs->bitmap, (size_t)v->w[0]);
}

/* The last instruction: a jump. false: no room. */
static bool end_with_jump(struct stf_block *b, struct evm_blocks *bs, struct evm_block *blk,
                          struct evm_items *items, size_t pc)
{
    struct u256 target;
    bool is_conditional = bs->code[pc] == EVM_OP_JUMPI;
    if (is_conditional && !(blk->next = evm_block_at(b, bs, pc + 1)))
        return false;
    if (!evm_items_jump(items, (uint16_t)pc, is_conditional, &target))
        return true;
    struct evm_item *it = &items->at[items->cnt - 1];
    const struct evm_block *to =
        is_destination(bs, &target) ? evm_block_at(b, bs, (size_t)target.w[0]) : &evm_block_nowhere;
    it->imm = (uint64_t)(uintptr_t)to;
    return to != NULL;
}

static bool read_block(struct stf_block *b, struct evm_blocks *bs, struct evm_block *blk,
                       struct evm_items *items, struct walk *w)
{
    unsigned heads = 0; /* JUMPDESTs behind each other, at the beginning */
    for (unsigned n = 0;; n++) {
        uint8_t op = bs->code[w->pc];
        enum op_class c = class_of(bs, op);
        bool is_head = c == OP_DESTINATION && n == heads && n < HEADS_MAX;
        bool is_cut = n == EVM_BLOCK_OPS || (c == OP_DESTINATION && !is_head);
        heads += is_head;
        if (c == OP_ALONE || is_cut) {
            struct evm_item *it = &items->at[items->cnt++];
            it->id = is_cut ? INSTR_NEXT : INSTR_ALONE;
            it->pc = (uint16_t)w->pc;
            it->imm = w->pc;
            size_t next = is_cut ? w->pc : w->pc + 1;
            if (next > bs->code_len)
                return true; /* behind the end of the code there is nothing but the STOP of its padding: no next one */
            blk->next = evm_block_at(b, bs, next);
            return blk->next != NULL;
        }
        pay(w, &bs->facts[op]);
        if (c == OP_JUMP) {
            bool fits = end_with_jump(b, bs, blk, items, w->pc);
            w->pc++;
            return fits;
        }
        if (c == OP_CONSTANT)
            add_constant(items, bs->code, w->pc);
        else if (c != OP_DESTINATION)
            evm_items_add(items, (uint16_t)w->pc, op);
        w->pc += step(op);
    }
}

static bool has_wide_operand(enum evm_instr_id id)
{
    return id == INSTR_CONST_WIDE || id == INSTR_ADD_WIDE || id == INSTR_AND_WIDE;
}

/* Instructions, their pcs and wide operands in one piece. */
static bool write_block(struct stf_block *b, struct evm_blocks *bs, struct evm_block *blk,
                        const struct evm_items *items, const void *const *labels)
{
    size_t wide_cnt = 0, n = items->cnt;
    for (size_t i = 0; i < n; i++)
        wide_cnt += has_wide_operand(items->at[i].id);
    struct evm_instr *code = take(b, bs->used, n * (sizeof(*code) + sizeof(uint16_t)) + 8);
    struct u256 *wide = wide_cnt ? take(b, bs->used, wide_cnt * sizeof(*wide)) : NULL;
    if (!code || (wide_cnt && !wide))
        return false;
    uint16_t *pcs = (uint16_t *)(void *)(code + n);
    for (size_t i = 0; i < n; i++) {
        const struct evm_item *it = &items->at[i];
        code[i].label = labels[it->id];
        code[i].imm = it->imm;
        pcs[i] = it->pc;
        if (has_wide_operand(it->id)) {
            *wide = it->k;
            code[i].imm = (uint64_t)(uintptr_t)wide++;
        }
    }
    blk->code = code;
    blk->pcs = pcs;
    return true;
}

void evm_block_translate(struct stf_block *b, struct evm_blocks *bs, struct evm_block *blk,
                         const void *const *labels)
{
    struct evm_items items;
    struct walk w = { .pc = blk->pc };
    items.cnt = 0;
    blk->is_refused = true;
    if (!read_block(b, bs, blk, &items, &w) || w.need + w.peak > (int32_t)EVM_STACK_CAP)
        return;
    evm_items_pack(&items);
    if (!write_block(b, bs, blk, &items, labels))
        return;
    blk->gas = w.gas;
    blk->native = w.native;
    blk->need = (uint32_t)w.need;
    blk->room = EVM_STACK_CAP - (uint32_t)(w.need + w.peak);
    blk->end = (uint32_t)w.pc;
    blk->is_refused = false;
}

size_t evm_block_unpay(const struct evm_blocks *bs, const struct evm_block *blk, size_t index,
                       struct stf_res *res)
{
    size_t from = blk->pcs[index];
    for (size_t pc = from; pc < blk->end; pc += step(bs->code[pc])) {
        res->gas += bs->facts[bs->code[pc]].gas;
        res->native += bs->facts[bs->code[pc]].native;
    }
    return from;
}
