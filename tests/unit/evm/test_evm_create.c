/* Creation: addresses, nonces, collisions, code rules and their prices. */
#include "tests/unit/evm/prog.h"

#include <string.h>

/* Initcode that returns len bytes of memory, the first of them `first`. */
static struct bytes returns(uint64_t len, unsigned first)
{
    static struct prog p;
    p.n = 0;
    if (first) {
        prog_push(&p, first);
        prog_push(&p, 0);
        prog_op(&p, O_MSTORE8);
    }
    prog_push(&p, len);
    prog_push(&p, 0);
    prog_op(&p, O_RETURN);
    return prog_bytes(&p);
}

static void open_with_caller(struct vm *vm)
{
    vm_init(vm);
    vm_account(vm, VM_CALLER, 0, 100, "");
    vm_open(vm);
}

static void a_deployment_stores_code_with_nonce_1_and_value(void **state)
{
    (void)state;
    struct vm vm;
    open_with_caller(&vm);
    struct vm_result r = vm_create(&vm, vm_hex("6001 5f 53 6003 5f f3"), 7, VM_PLENTY, VM_PLENTY);
    assert_int_equal(r.halt, HALT_STOP);
    assert_int_equal(r.output.len, 3); /* the code */
    struct addr creator = addr_of_u32(VM_CALLER), a = tx_create_address(&creator, 0);
    assert_true(addr_eq(&r.created, &a));
    const struct account_record *rec = vm_record(&vm, &a);
    assert_int_equal(rec->nonce, 1);
    assert_int_equal(rec->balance.w[0], 7);
    assert_int_equal(rec->code_len, 3);
    struct b256 hash = keccak256("\x01\0\0", 3);
    assert_true(b256_eq(&rec->observable_hash, &hash));
    assert_int_equal(r.gas_used, 3 + 2 + 3 + 3 + 3 + 2 + 3 * 200);
    vm_close(&vm);
}

static void deposit_gas_to_the_last_unit(void **state)
{
    (void)state;
    uint64_t need = 3 + 2 + 3 + 32 * 200;
    for (uint64_t short_by = 0; short_by < 2; short_by++) {
        struct vm vm;
        open_with_caller(&vm);
        struct vm_result r = vm_create(&vm, returns(32, 0), 1, need - short_by, VM_PLENTY);
        assert_int_equal(r.halt, short_by ? HALT_OUT_OF_GAS : HALT_STOP);
        assert_int_equal(r.gas_left, 0);
        struct addr creator = addr_of_u32(VM_CALLER), a = tx_create_address(&creator, 0);
        assert_int_equal(vm_record(&vm, &a)->balance.w[0], !short_by);
        assert_int_equal(addr_is_zero(&r.created), short_by);
        vm_close(&vm);
    }
}

static void code_rules_at_their_limits(void **state)
{
    (void)state;
    static const struct {
        uint64_t len;
        unsigned first;
        enum stf_halt halt;
    } rows[] = {
        { 24576, 0, HALT_STOP }, { 24577, 0, HALT_CODE_RULE }, { 1, 0xef, HALT_CODE_RULE },
        { 1, 0xee, HALT_STOP },  { 0, 0, HALT_STOP },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        struct vm vm;
        open_with_caller(&vm);
        struct vm_result r =
            vm_create(&vm, returns(rows[i].len, rows[i].first), 0, 10000000, VM_PLENTY);
        assert_int_equal(r.halt, rows[i].halt);
        if (rows[i].halt != HALT_STOP)
            assert_int_equal(r.gas_left, 0);
        vm_close(&vm);
    }
}

static void native_of_a_top_deployment(void **state)
{
    (void)state;
    struct vm vm;
    open_with_caller(&vm);
    struct bytes init = returns(0, 0); /* PUSH0 PUSH0 RETURN */
    assert_int_equal(init.len, 3);
    struct vm_result r = vm_create(&vm, init, 0, VM_PLENTY, VM_PLENTY);
    assert_int_equal(r.halt, HALT_STOP);
    /* reading the new account (empty, cold); nonce 1; initcode; the program; no code is stored but its account is
     * written: access, keccak of nothing, blake2s of nothing, preimage, write. Hashing the address is free. */
    uint64_t before_code = (4000 + 4000 + 242240) + 5000 + 3 * 6 + 140 + 60;
    uint64_t all = before_code + 4000 + 20000 + 800 + 500 + 1000;
    assert_int_equal(r.native_used, all);
    /* fatal one short of what runs before the deposit, and one short of all */
    for (unsigned i = 0; i < 2; i++) {
        struct vm again;
        open_with_caller(&again);
        r = vm_create(&again, init, 0, VM_PLENTY, (i ? all : before_code) - 1);
        assert_int_equal(r.halt, HALT_OUT_OF_NATIVE);
        assert_int_equal(r.gas_left, 0);
        assert_int_equal(r.native_left, 0);
        vm_close(&again);
    }
    vm_close(&vm);
}

static struct vm_result run_create(struct vm *vm, unsigned op, struct bytes init, uint64_t value)
{
    static struct prog p;
    p.n = 0;
    prog_create(&p, op, init, value);
    prog_op(&p, O_RETURNDATASIZE);
    prog_push(&p, 0);
    prog_op(&p, O_SSTORE);
    prog_return_top(&p);
    vm_init(vm);
    vm_program(vm, VM_CODE, 10, &p);
    return (struct vm_result){ .halt = HALT_NONE };
}

static void create_and_create2_derive_their_addresses(void **state)
{
    (void)state;
    struct bytes init = vm_hex("5f5ff3");
    struct addr self = addr_of_u32(VM_CODE);
    for (unsigned two = 0; two < 2; two++) {
        struct vm vm;
        (void)run_create(&vm, two ? O_CREATE2 : O_CREATE, init, 2);
        vm_open(&vm);
        struct vm_result r = vm_call(&vm, VM_CODE, vm_no_bytes(), 0, VM_PLENTY, VM_PLENTY);
        assert_int_equal(r.halt, HALT_STOP);
        struct addr want = tx_create_address(&self, 1);
        if (two) {
            uint8_t buf[85] = { 0xff };
            memcpy(buf + 1, self.b, 20);
            buf[52] = 7;
            struct b256 h = keccak256(init.p, init.len);
            memcpy(buf + 53, h.b, 32);
            h = keccak256(buf, 85);
            want = b256_low_addr(&h);
        }
        assert_memory_equal(r.output.p + 12, want.b, 20);
        assert_int_equal(vm_record(&vm, &want)->balance.w[0], 2);
        assert_int_equal(vm_record(&vm, &self)->nonce, 2);
        assert_int_equal(vm_slot(&vm, VM_CODE, 0), 0); /* no return data on success */
        vm_close(&vm);
    }
}

static void a_reverting_initcode_gives_its_data_and_keeps_the_nonce(void **state)
{
    (void)state;
    struct vm vm;
    struct addr self = addr_of_u32(VM_CODE);
    (void)run_create(&vm, O_CREATE, vm_hex("60055ffd"), 2); /* REVERT(0, 5) */
    vm_open(&vm);
    struct vm_result r = vm_call(&vm, VM_CODE, vm_no_bytes(), 0, VM_PLENTY, VM_PLENTY);
    assert_int_equal(r.halt, HALT_STOP);
    assert_int_equal(vm_word(r.output), 0);
    assert_int_equal(vm_slot(&vm, VM_CODE, 0), 5);
    assert_int_equal(vm_record(&vm, &self)->nonce, 2);
    assert_int_equal(vm_record(&vm, &self)->balance.w[0], 10);
    vm_close(&vm);
}

static void a_creation_that_cannot_pay_changes_nothing(void **state)
{
    (void)state;
    struct vm vm;
    struct addr self = addr_of_u32(VM_CODE);
    (void)run_create(&vm, O_CREATE, vm_hex("5f5ff3"), 11);
    vm_open(&vm);
    struct vm_result r = vm_call(&vm, VM_CODE, vm_no_bytes(), 0, 1000000, VM_PLENTY);
    assert_int_equal(r.halt, HALT_STOP);
    assert_int_equal(vm_word(r.output), 0);
    assert_true(r.gas_used < 60000); /* the callee's gas came back */
    assert_int_equal(vm_record(&vm, &self)->nonce, 1);
    vm_close(&vm);
}

static void initcode_size_and_word_gas(void **state)
{
    (void)state;
    for (unsigned over = 0; over < 2; over++) {
        struct vm vm;
        static struct prog p;
        p.n = 0;
        prog_push(&p, 49152 + over);
        prog_push(&p, 0);
        prog_push(&p, 0);
        prog_op(&p, O_CREATE); /* zeros: STOP */
        prog_return_top(&p);
        vm_init(&vm);
        vm_program(&vm, VM_CODE, 0, &p);
        vm_open(&vm);
        struct vm_result r = vm_call(&vm, VM_CODE, vm_no_bytes(), 0, 1000000, VM_PLENTY);
        assert_int_equal(r.halt, over ? HALT_OUT_OF_GAS : HALT_STOP);
        if (!over) /* PUSH2 PUSH0 PUSH0, 1536 words of memory and of initcode, the return */
            assert_int_equal(r.gas_used,
                             7 + 32000 + (1536 * 3 + 1536 * 1536 / 512) + 2 * 1536 + 2 + 3 + 5);
        vm_close(&vm);
    }
}

static void collisions_burn_the_gas_of_the_creation(void **state)
{
    (void)state;
    static const struct {
        uint64_t nonce, balance;
        const char *code;
        bool has_storage, collides;
    } rows[] = {
        { 1, 0, "", false, true },
        { 0, 0, "00", false, true },
        { 0, 5, "", false, false },
        { 0, 0, "", true, false }, /* ZKOS: storage is not examined */
    };
    struct addr creator = addr_of_u32(VM_CALLER), a = tx_create_address(&creator, 0);
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        struct vm vm;
        vm_init(&vm);
        vm_account(&vm, VM_CALLER, 0, 100, "");
        vm_account(&vm, 0x77, rows[i].nonce, rows[i].balance, rows[i].code);
        /* the record made for 0x77 belongs to the address to be created */
        vm.slots[vm.slot_cnt - 1].key = account_flat_key(&a);
        if (rows[i].has_storage) {
            struct b256 slot = b256_of_u64(0), key = blake2s_flat_key(&a, &slot);
            vm.slots[vm.slot_cnt++] = (struct vm_slot){ key, b256_of_u64(1) };
        }
        vm_open(&vm);
        struct vm_result r = vm_create(&vm, vm_hex("5f5ff3"), 0, 100000, VM_PLENTY);
        assert_int_equal(r.halt, rows[i].collides ? HALT_COLLISION : HALT_STOP);
        assert_int_equal(r.gas_left == 0, rows[i].collides);
        vm_close(&vm);
    }
}

static void nested_create_at_the_nonce_limit_fails_softly(void **state)
{
    (void)state;
    struct vm vm;
    static struct prog p;
    p.n = 0;
    prog_create(&p, O_CREATE, vm_hex("5f5ff3"), 0);
    prog_return_top(&p);
    vm_init(&vm);
    vm_account_bytes(&vm, VM_CODE, UINT64_MAX, 0, prog_bytes(&p), 0);
    vm_open(&vm);
    struct vm_result r = vm_call(&vm, VM_CODE, vm_no_bytes(), 0, 1000000, VM_PLENTY);
    assert_int_equal(r.halt, HALT_STOP);
    assert_int_equal(vm_word(r.output), 0);
    assert_true(r.gas_used < 60000);
    vm_close(&vm);
}

static void initcode_runs_without_calldata_and_jumps_within_itself(void **state)
{
    (void)state;
    struct vm vm;
    open_with_caller(&vm);
    /* CALLDATASIZE must be 0; jumps over data to a JUMPDEST: returns 1 byte 0x2a */
    struct vm_result r = vm_create(&vm, vm_hex("36 15 6006 57 fe 5b 602a 5f 53 6001 5f f3"), 0,
                                   VM_PLENTY, VM_PLENTY);
    assert_int_equal(r.halt, HALT_STOP);
    assert_int_equal(r.output.len, 1);
    assert_int_equal(r.output.p[0], 0x2a);
    vm_close(&vm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deployment_stores_code_with_nonce_1_and_value),
        cmocka_unit_test(deposit_gas_to_the_last_unit),
        cmocka_unit_test(code_rules_at_their_limits),
        cmocka_unit_test(native_of_a_top_deployment),
        cmocka_unit_test(create_and_create2_derive_their_addresses),
        cmocka_unit_test(a_reverting_initcode_gives_its_data_and_keeps_the_nonce),
        cmocka_unit_test(a_creation_that_cannot_pay_changes_nothing),
        cmocka_unit_test(initcode_size_and_word_gas),
        cmocka_unit_test(collisions_burn_the_gas_of_the_creation),
        cmocka_unit_test(nested_create_at_the_nonce_limit_fails_softly),
        cmocka_unit_test(initcode_runs_without_calldata_and_jumps_within_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
