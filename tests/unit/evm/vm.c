#include "tests/unit/evm/vm.h"

#include "node/base/hex.h"
#include "node/crypto/crypto.h"
#include "node/stf/journal.h"

#include <stdlib.h>

#include <string.h>

static bool read_slot(void *ctx, const struct b256 *flat_key, struct b256 *value, bool *exists)
{
    const struct vm *vm = ctx;
    *value = (struct b256){ { 0 } };
    *exists = false;
    for (size_t i = 0; i < vm->slot_cnt; i++) {
        if (b256_eq(&vm->slots[i].key, flat_key)) {
            *value = vm->slots[i].value;
            *exists = true;
        }
    }
    return true;
}

static bool read_preimage(void *ctx, const struct b256 *hash, struct bytes *out)
{
    const struct vm *vm = ctx;
    for (size_t i = 0; i < vm->preimage_cnt; i++) {
        if (b256_eq(&vm->preimages[i].hash, hash)) {
            *out = vm->preimages[i].data;
            return true;
        }
    }
    return false;
}

void vm_init(struct vm *vm)
{
    memset(vm, 0, sizeof(*vm));
    arena_init_growing(&vm->arena, (size_t)1 << 20, (size_t)1 << 30);
    vm->rules = stf_rules_zksync_os_v31();
    vm->crypto = crypto_host();
    vm->ctx = (struct stf_block_context){
        .chain_id = 270,
        .number = 1000,
        .timestamp = 1700000000,
        .base_fee = { { 1000, 0, 0, 0 } },
        .native_price = U256_ONE,
        .blob_fee = U256_ONE,
        .coinbase = addr_of_u32(0xc01b),
        .gas_limit = 100000000,
        .pubdata_limit = 110000,
        .mix_hash = { { 77, 0, 0, 0 } },
        .execution_version = STF_EXECUTION_VERSION_V31,
    };
    for (unsigned i = 0; i < 256; i++)
        vm->ctx.block_hashes[i] = b256_of_u64(0x8000 + i);
    /* every test runs twice: opcode by opcode until code is hot, and translated from the beginning */
    vm->options.translates_at_once = getenv("GH_TEST_TRANSLATES") != NULL;
    vm->oracle =
        (struct stf_oracle){ .ctx = vm, .read_slot = read_slot, .read_preimage = read_preimage };
}

static void add_preimage(struct vm *vm, const struct b256 *hash, const void *data, size_t len)
{
    assert_true(vm->preimage_cnt < GH_COUNT(vm->preimages));
    struct vm_entry *e = &vm->preimages[vm->preimage_cnt++];
    e->hash = *hash;
    e->data = bytes_of(arena_copy(&vm->arena, data, len), len);
}

static void add_slot(struct vm *vm, const struct b256 *key, const struct b256 *value)
{
    assert_true(vm->slot_cnt < GH_COUNT(vm->slots));
    vm->slots[vm->slot_cnt++] = (struct vm_slot){ *key, *value };
}

void vm_account_bytes(struct vm *vm, uint32_t addr, uint64_t nonce, uint64_t balance,
                      struct bytes code, uint64_t versioning)
{
    struct account_record rec = { .nonce = nonce, .balance = u256_of_u64(balance) };
    struct addr a = addr_of_u32(addr);
    if (code.len) {
        size_t len = code_blob_len(code.len);
        uint8_t *blob = arena_alloc(&vm->arena, len);
        assert_non_null(blob);
        code_blob_build(blob, code);
        account_set_code(&rec, bytes_of(blob, len), code.len);
        if (versioning)
            rec.versioning = versioning;
        add_preimage(vm, &rec.bytecode_hash, blob, len);
    }
    uint8_t encoded[ACCOUNT_RECORD_LEN];
    account_encode(encoded, &rec);
    struct b256 value = account_value(&rec), key = account_flat_key(&a);
    add_preimage(vm, &value, encoded, sizeof(encoded));
    add_slot(vm, &key, &value);
}

void vm_account(struct vm *vm, uint32_t addr, uint64_t nonce, uint64_t balance, const char *code)
{
    vm_account_bytes(vm, addr, nonce, balance, vm_hex(code), 0);
}

void vm_storage(struct vm *vm, uint32_t addr, uint64_t slot, uint64_t value)
{
    struct addr a = addr_of_u32(addr);
    struct b256 s = b256_of_u64(slot), v = b256_of_u64(value), key = blake2s_flat_key(&a, &s);
    add_slot(vm, &key, &v);
}

void vm_open(struct vm *vm)
{
    struct stf_fault fault;
    vm->options.tracer = vm->tracer;
    vm->block = stf_block_begin(&vm->arena, vm->rules, &vm->ctx, &vm->oracle, vm->crypto,
                                &vm->options, &fault);
    assert_non_null(vm->block);
    vm->block->tx_id = 1; /* as inside a transaction: nothing is warm */
}

void vm_close(struct vm *vm)
{
    arena_clear(&vm->arena);
}

static struct vm_result result_of(struct frame_outcome o, uint64_t gas, uint64_t native,
                                  struct stf_res left)
{
    return (struct vm_result){
        .halt = o.halt,
        .gas_used = gas - left.gas,
        .native_used = native - left.native,
        .gas_left = left.gas,
        .native_left = left.native,
        .output = o.output,
        .created = o.created,
    };
}

struct vm_result vm_call(struct vm *vm, uint32_t addr, struct bytes input, uint64_t value,
                         uint64_t gas, uint64_t native)
{
    struct ee_call_request req = {
        .kind = CALL_PLAIN,
        .code_addr = addr_of_u32(addr),
        .self = addr_of_u32(addr),
        .caller = addr_of_u32(VM_CALLER),
        .value = u256_of_u64(value),
        .input = input,
    };
    struct stf_res res = { .gas = gas, .native = native };
    struct frame_outcome o = frame_run_call(vm->block, &res, &req);
    return result_of(o, gas, native, res);
}

struct vm_result vm_create(struct vm *vm, struct bytes initcode, uint64_t value, uint64_t gas,
                           uint64_t native)
{
    struct addr creator = addr_of_u32(VM_CALLER);
    struct u256 v = u256_of_u64(value);
    struct stf_res res = { .gas = gas, .native = native };
    struct frame_outcome o = frame_run_create(vm->block, &res, &creator, 0, initcode, &v);
    return result_of(o, gas, native, res);
}

uint64_t vm_slot(struct vm *vm, uint32_t addr, uint64_t slot)
{
    struct stf_res res = { .gas = VM_PLENTY, .native = VM_PLENTY };
    struct addr a = addr_of_u32(addr);
    struct b256 s = b256_of_u64(slot), v;
    assert_int_equal(sys_sload(vm->block, &res, &a, &s, &v), HALT_NONE);
    return load_be64(v.b + 24);
}

const struct account_record *vm_record(struct vm *vm, const struct addr *a)
{
    const struct account_record *rec;
    assert_int_equal(sys_account(vm->block, NULL, a, false, &rec), HALT_NONE);
    return rec;
}

struct vm_result vm_run(const char *code, uint64_t gas, uint64_t native)
{
    struct vm vm;
    vm_init(&vm);
    vm_account(&vm, VM_CODE, 1, 1000, code);
    vm_open(&vm);
    struct vm_result r = vm_call(&vm, VM_CODE, vm_no_bytes(), 0, gas, native);
    static uint8_t kept[4096]; /* the arena goes with the block */
    if (r.output.len <= sizeof(kept)) {
        if (r.output.len)
            memcpy(kept, r.output.p, r.output.len);
        r.output.p = kept;
    }
    vm_close(&vm);
    return r;
}

struct bytes vm_hex(const char *text)
{
    static uint8_t ring[8][65536];
    static unsigned next;
    static char digits[2 * 65536 + 1];
    size_t n = 0, len;
    for (const char *p = text; *p; p++) {
        if (*p != ' ')
            digits[n++] = *p;
        assert_true(n < sizeof(digits));
    }
    uint8_t *out = ring[next++ % 8];
    assert_true(hex_decode(out, sizeof(ring[0]), &len, digits, n));
    return bytes_of(out, len);
}

struct bytes vm_no_bytes(void)
{
    return bytes_of(NULL, 0);
}

uint64_t vm_word(struct bytes output)
{
    assert_int_equal(output.len, 32);
    return load_be64(output.p + 24);
}
