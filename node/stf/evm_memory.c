/* node/stf/evm_memory.c: see evm.h. What a frame owns: its pooled stack, memory and padded code. */
#include "node/stf/evm.h"
#include "node/stf/evm_block.h"

#define MEMORY_FIRST_CAP  4096u
#define MEMORY_OFFSET_MAX 0xffffffe0ull /* spec 10 §8.1: 32-bit heap, whole words */

const char *evm_op_name(uint8_t op)
{
    static const char *const names[256] = {
#define OP(code, NAME, body, gas, in, out, native) [code] = #NAME,
#include "node/stf/opcodes.def"
#undef OP
    };
    return names[op];
}

/* bitmap has code_artifacts_len(len) bytes */
static void jumpdests(uint8_t *bitmap, const uint8_t *code, size_t len)
{
    memset(bitmap, 0, (len + 63) / 64 * 8);
    for (size_t i = 0; i < len; i++) {
        uint8_t op = code[i];
        if (op == EVM_OP_JUMPDEST)
            bitmap[i / 8] = (uint8_t)(bitmap[i / 8] | (1u << (i % 8)));
        else if (op >= EVM_OP_PUSH1 && op <= EVM_OP_PUSH32)
            i += (size_t)(op - EVM_OP_PUSH1) + 1;
    }
}

enum stf_halt evm_charge_short(struct stf_res *r, uint64_t gas, uint64_t native)
{
    enum stf_halt halt = res_charge(r, 0, EVM_STEP_NATIVE);
    return halt != HALT_NONE ? halt : res_charge(r, gas, native - EVM_STEP_NATIVE);
}

static struct evm_pool *pool_get(struct stf_block *b, void **pool)
{
    if (!*pool)
        *pool = arena_zalloc(sys_arena(b), sizeof(struct evm_pool));
    return *pool;
}

static struct evm *evm_create(struct stf_block *b)
{
    struct arena *arena = sys_arena(b);
    struct evm *e = arena_zalloc(arena, sizeof(*e));
    /* 32-byte alignment keeps a word within one cache line */
    uint8_t *raw = arena_alloc(arena, (EVM_STACK_CAP + 1) * sizeof(struct u256) + 32);
    if (!e || !raw)
        return NULL;
    size_t skip = (32 - ((uintptr_t)raw & 31)) & 31;
    e->stack = (struct u256 *)(void *)(raw + skip) + 1;
    return e;
}

/* A buffer of at least need bytes; contents are not kept. */
static bool code_buf_reserve(struct stf_block *b, struct evm *e, size_t need)
{
    if (e->code_buf_cap >= need)
        return true;
    size_t cap = need < 8192 ? 8192 : need;
    e->code_buf = arena_alloc(sys_arena(b), cap);
    e->code_buf_cap = e->code_buf ? cap : 0;
    return e->code_buf != NULL;
}

static void copy_padded(uint8_t *out, struct bytes code)
{
    if (code.len)
        memcpy(out, code.p, code.len);
    memset(out + code.len, 0, EVM_CODE_PADDING);
}

/* The padded copy of deployed code: kept for the block while there is room, so that code is copied once however often it is called.
 * Codes that differ only in zero bytes at the end may have one hash (it is over whole words): they share a slot, and may, because those
 * bytes are STOP as the padding is; a frame's own length decides what CODESIZE and CODECOPY see. */
static struct evm_code_slot *code_cached(struct stf_block *b, struct evm_pool *pool,
                                         const struct b256 *hash, struct bytes code)
{
    size_t i = (size_t)load_le64(hash->b) & (EVM_CODE_SLOTS - 1);
    while (pool->codes[i].code) {
        if (b256_eq(&pool->codes[i].hash, hash))
            return &pool->codes[i];
        i = (i + 1) & (EVM_CODE_SLOTS - 1);
    }
    size_t need = code.len + EVM_CODE_PADDING;
    if (pool->code_cnt >= EVM_CODE_SLOTS / 2 || pool->code_bytes + need > EVM_CODE_BUDGET)
        return NULL;
    uint8_t *copy = arena_alloc(sys_arena(b), need);
    if (!copy)
        return NULL;
    copy_padded(copy, code);
    pool->codes[i].hash = *hash;
    pool->codes[i].code = copy;
    pool->code_cnt++;
    pool->code_bytes += need;
    return &pool->codes[i];
}

/* A tracer wants to see every opcode, with what is left before it. */
static bool is_stepped(const struct stf_block *b)
{
    const struct stf_tracer *t = sys_options(b)->tracer;
    return t && t->on_step;
}

static enum stf_halt load_code(struct stf_block *b, struct ee_frame *f, struct evm_pool *pool,
                               struct evm *e)
{
    e->code_len = f->code.len;
    e->bitmap = f->bitmap;
    e->pool = pool;
    e->slot = NULL;
    if (f->bitmap && !b256_is_zero(&f->code_hash)) {
        struct evm_code_slot *slot = code_cached(b, pool, &f->code_hash, f->code);
        if (slot) {
            e->code = slot->code;
            if (!is_stepped(b))
                e->slot = slot;
            if (e->slot && !slot->blocks && sys_options(b)->translates_at_once)
                slot->blocks = evm_blocks_create(b, pool, e);
            return HALT_NONE;
        }
    }
    size_t padded = (f->code.len + EVM_CODE_PADDING + 7) / 8 * 8;
    if (!code_buf_reserve(b, e, padded + (f->code.len + 63) / 64 * 8))
        return sys_fail(b, STF_E_OUT_OF_MEMORY);
    copy_padded(e->code_buf, f->code);
    e->code = e->code_buf;
    if (!f->bitmap) {
        jumpdests(e->code_buf + padded, f->code.p, f->code.len);
        e->bitmap = e->code_buf + padded;
    }
    return HALT_NONE;
}

enum stf_halt evm_acquire(struct stf_block *b, struct ee_frame *f, void **pool_slot,
                          struct evm **out)
{
    struct evm_pool *pool = pool_get(b, pool_slot);
    if (!pool)
        return sys_fail(b, STF_E_OUT_OF_MEMORY);
    CHECK(f->depth < EE_DEPTH_CAP);
    struct evm *e = pool->by_depth[f->depth];
    if (!e) {
        e = evm_create(b);
        if (!e)
            return sys_fail(b, STF_E_OUT_OF_MEMORY);
        pool->by_depth[f->depth] = e;
    }
    enum stf_halt halt = load_code(b, f, pool, e);
    if (halt != HALT_NONE)
        return halt;
    e->mem_len = 0;
    e->mem_gas = 0;
    e->returndata = bytes_of(NULL, 0);
    e->pc = e->code;
    e->sp = e->stack - 1;
    e->is_create_pending = false;
    f->state = e;
    *out = e;
    return HALT_NONE;
}

static bool memory_reserve(struct stf_block *b, struct evm *e, size_t need)
{
    if (e->mem_cap >= need)
        return true;
    size_t cap = e->mem_cap ? e->mem_cap : MEMORY_FIRST_CAP;
    while (cap < need)
        cap *= 2;
    uint8_t *mem = arena_alloc(sys_arena(b), cap);
    if (!mem)
        return false;
    if (e->mem_len)
        memcpy(mem, e->mem, e->mem_len);
    e->mem = mem;
    e->mem_cap = cap;
    return true;
}

/* What growing to a number of words costs. */
static void growth_cost(const struct evm *e, uint64_t words, uint64_t *gas, uint64_t *native)
{
    *gas = words * 3 + words * words / 512 - e->mem_gas;
    *native = EVM_NATIVE_HEAP_BASE + (words * 32 - e->mem_len);
}

bool evm_memory_is_payable(const struct stf_block *b, const struct ee_frame *f, const struct evm *e,
                           uint64_t end)
{
    uint64_t gas, native;
    if (end > MEMORY_OFFSET_MAX ||
        e->pool->memory_open - e->mem_len + end + 31 > sys_rules(b)->max_heap_len)
        return false;
    growth_cost(e, (end + 31) / 32, &gas, &native);
    return f->res.gas >= gas && f->res.native >= native;
}

enum stf_halt evm_memory_grow(struct stf_block *b, struct ee_frame *f, struct evm *e,
                              uint64_t offset, uint64_t len)
{
    if (offset > MEMORY_OFFSET_MAX || len > MEMORY_OFFSET_MAX - offset)
        return HALT_OUT_OF_GAS;
    uint64_t words = (offset + len + 31) / 32;
    uint64_t new_len = words * 32;
    if (new_len <= e->mem_len)
        return HALT_NONE;
    uint64_t gas, native;
    growth_cost(e, words, &gas, &native);
    enum stf_halt halt = res_charge(&f->res, gas, native);
    if (halt != HALT_NONE)
        return halt;
    /* One heap for all frames that are open. ZKOS: a frame it is too small for is out of gas. */
    if (e->pool->memory_open - e->mem_len + new_len > sys_rules(b)->max_heap_len)
        return sys_rules(b)->full_heap_is_out_of_gas ? HALT_OUT_OF_GAS
                                                     : sys_fail(b, STF_E_OUT_OF_MEMORY);
    if (!memory_reserve(b, e, (size_t)new_len))
        return sys_fail(b, STF_E_OUT_OF_MEMORY);
    memset(e->mem + e->mem_len, 0, (size_t)new_len - e->mem_len);
    e->pool->memory_open += (size_t)new_len - e->mem_len;
    e->mem_len = (size_t)new_len;
    e->mem_gas += gas;
    return HALT_NONE;
}

enum stf_halt evm_memory_range(struct stf_block *b, struct ee_frame *f, struct evm *e,
                               const struct u256 *offset, const struct u256 *len,
                               size_t *offset_out, size_t *len_out)
{
    *offset_out = 0;
    *len_out = 0;
    if (u256_is_zero(len))
        return HALT_NONE;
    if (!u256_fits_u64(offset) || !u256_fits_u64(len))
        return HALT_OUT_OF_GAS;
    enum stf_halt halt = evm_memory_grow(b, f, e, offset->w[0], len->w[0]);
    if (halt != HALT_NONE)
        return halt;
    *offset_out = (size_t)offset->w[0];
    *len_out = (size_t)len->w[0];
    return HALT_NONE;
}
