/* tests/unit/evm/vm.h
 *
 * A block with a handful of accounts, and calls into it through the frame driver. Values the tests
 * assert are written out in the tests, not taken from the tables under test. */
#ifndef GH_TESTS_UNIT_EVM_VM_H
#define GH_TESTS_UNIT_EVM_VM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/stf/ee.h"

#define VM_PLENTY ((uint64_t)1 << 50)

struct vm {
    struct arena arena;
    const struct stf_rules *rules;
    const struct stf_crypto *crypto;
    const struct stf_tracer *tracer;
    struct stf_block_context ctx;
    struct stf_options options;
    struct stf_oracle oracle;
    struct vm_entry {
        struct b256 hash;
        struct bytes data;
    } preimages[64];
    size_t preimage_cnt;
    struct vm_slot {
        struct b256 key, value;
    } slots[64];
    size_t slot_cnt;
    struct stf_block *block;
};

struct vm_result {
    enum stf_halt halt;
    uint64_t gas_used, native_used, gas_left, native_left;
    struct bytes output;
    struct addr created;
};

/* ZKsync OS v31 rules and the host's primitives unless changed before vm_open. */
void vm_init(struct vm *vm);
/* Before vm_open. Code as hexadecimal text; "" for none. */
void vm_account(struct vm *vm, uint32_t addr, uint64_t nonce, uint64_t balance, const char *code);
void vm_account_bytes(struct vm *vm, uint32_t addr, uint64_t nonce, uint64_t balance,
                      struct bytes code, uint64_t versioning);
void vm_storage(struct vm *vm, uint32_t addr, uint64_t slot, uint64_t value);
void vm_open(struct vm *vm);
void vm_close(struct vm *vm);

/* Top call from 0xca11e4 to addr; everything it did stays. */
struct vm_result vm_call(struct vm *vm, uint32_t addr, struct bytes input, uint64_t value,
                         uint64_t gas, uint64_t native);
struct vm_result vm_create(struct vm *vm, struct bytes initcode, uint64_t value, uint64_t gas,
                           uint64_t native);
uint64_t vm_slot(struct vm *vm, uint32_t addr, uint64_t slot);
const struct account_record *vm_record(struct vm *vm, const struct addr *a);

/* One program in a fresh block at 0xc0de, the account 0xc0de with balance 1000. */
struct vm_result vm_run(const char *code, uint64_t gas, uint64_t native);

/* Hexadecimal text into static memory; forgotten after 8 more calls. Spaces are skipped. */
struct bytes vm_hex(const char *text);
struct bytes vm_no_bytes(void);
/* the last 8 bytes of a 32-byte output */
uint64_t vm_word(struct bytes output);

#define VM_CALLER 0xca11e4u
#define VM_CODE   0xc0deu
/* native of the first access to an existing account in a transaction (spec 10 §7.7): 4,000 + 4,000
 * + 121,120 + 500 + 1,480 */
#define VM_NATIVE_CALLEE 131100u
/* fetching its code: 500 + 800 + 340 a 64-byte block of the blob */
static inline uint64_t vm_native_code(size_t code_len)
{
    size_t blob = (code_len + 7) / 8 * 8 + (code_len + 63) / 64 * 8;
    return code_len ? 500 + 800 + 340 * ((blob + 63) / 64) : 0;
}

#endif
