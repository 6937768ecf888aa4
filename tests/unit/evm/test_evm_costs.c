/* Exact cost of opcodes in both resources: with it a program ends, with one less of either it does
 * not. The numbers are those of spec 10 §7.7 and of the Cancun gas schedule, worked out by hand. */
#include "tests/unit/evm/vm.h"

#include <string.h>

struct cost_row {
    const char *name, *code;
    uint64_t gas, native; /* of the whole program, without reaching the callee */
};

/* PUSH0 2/70, PUSH1 3/80, STOP 0/20 */
static const struct cost_row rows[] = {
    { "STOP", "00", 0, 20 },
    { "end of code", "5f", 2, 70 + 20 },
    { "ADD", "60016001 01 00", 9, 160 + 160 + 20 },
    { "MUL", "60016001 02 00", 11, 160 + 420 + 20 },
    { "SUB", "60016001 03 00", 9, 160 + 160 + 20 },
    { "DIV", "60016001 04 00", 11, 160 + 1520 + 20 },
    { "SDIV", "60016001 05 00", 11, 160 + 1020 + 20 },
    { "MOD", "60016001 06 00", 11, 160 + 1320 + 20 },
    { "SMOD", "60016001 07 00", 11, 160 + 820 + 20 },
    { "ADDMOD", "600160016001 08 00", 17, 240 + 2020 + 20 },
    { "MULMOD", "600160016001 09 00", 17, 240 + 4020 + 20 },
    { "EXP by 0", "5f6002 0a 00", 15, 150 + 720 + 20 },
    { "EXP by 1 byte", "60ff6002 0a 00", 16 + 50, 160 + 720 + 5000 + 20 },
    { "EXP by 2 bytes", "6101006002 0a 00", 16 + 100, 140 + 80 + 720 + 10000 + 20 },
    { "SIGNEXTEND", "60016001 0b 00", 11, 160 + 420 + 20 },
    { "LT", "60016001 10 00", 9, 160 + 210 + 20 },
    { "GT", "60016001 11 00", 9, 160 + 210 + 20 },
    { "SLT", "60016001 12 00", 9, 160 + 450 + 20 },
    { "SGT", "60016001 13 00", 9, 160 + 450 + 20 },
    { "EQ", "60016001 14 00", 9, 160 + 520 + 20 },
    { "ISZERO", "6001 15 00", 6, 80 + 320 + 20 },
    { "AND", "60016001 16 00", 9, 160 + 120 + 20 },
    { "OR", "60016001 17 00", 9, 160 + 110 + 20 },
    { "XOR", "60016001 18 00", 9, 160 + 110 + 20 },
    { "NOT", "6001 19 00", 6, 80 + 80 + 20 },
    { "BYTE", "60016001 1a 00", 9, 160 + 180 + 20 },
    { "SHL", "60016001 1b 00", 9, 160 + 260 + 20 },
    { "SHR", "60016001 1c 00", 9, 160 + 260 + 20 },
    { "SAR", "60016001 1d 00", 9, 160 + 420 + 20 },
    { "KECCAK256 of nothing", "5f5f 20 00", 34, 140 + 110 + 20 },
    { "KECCAK256 of a byte", "60015f 20 00", 5 + 30 + 6 + 3, 150 + 110 + (35 + 32) + 20000 + 20 },
    { "KECCAK256 of 135", "60875f 20 00", 5 + 30 + 6 * 5 + 15,
      150 + 110 + (35 + 160) + 20000 + 20 },
    { "KECCAK256 of 137", "60895f 20 00", 5 + 30 + 6 * 5 + 15,
      150 + 110 + (35 + 160) + 37500 + 20 },
    { "ADDRESS", "30 00", 2, 80 + 20 },
    { "ORIGIN", "32 00", 2, 80 + 20 },
    { "CALLER", "33 00", 2, 80 + 20 },
    { "CALLVALUE", "34 00", 2, 80 + 20 },
    { "CALLDATALOAD", "5f 35 00", 5, 70 + 300 + 20 },
    { "CALLDATASIZE", "36 00", 2, 60 + 20 },
    { "CALLDATACOPY of nothing", "5f5f5f 37 00", 9, 210 + 120 + 80 + 20 },
    { "CALLDATACOPY of 33", "60215f5f 37 00", 7 + 3 + 6 + 6, 220 + 120 + 80 + 33 + (35 + 64) + 20 },
    { "CODESIZE", "38 00", 2, 60 + 20 },
    { "CODECOPY of 1", "60015f5f 39 00", 7 + 3 + 3 + 3, 220 + 120 + 81 + (35 + 32) + 20 },
    { "GASPRICE", "3a 00", 2, 80 + 20 },
    { "RETURNDATASIZE", "3d 00", 2, 80 + 20 },
    { "RETURNDATACOPY of nothing", "5f5f5f 3e 00", 9, 210 + 120 + 80 + 20 },
    { "BLOCKHASH", "5f 40 00", 22, 70 + 80 + 20 },
    { "COINBASE", "41 00", 2, 80 + 20 },
    { "TIMESTAMP", "42 00", 2, 80 + 20 },
    { "NUMBER", "43 00", 2, 80 + 20 },
    { "PREVRANDAO", "44 00", 2, 60 + 20 },
    { "GASLIMIT", "45 00", 2, 80 + 20 },
    { "CHAINID", "46 00", 2, 80 + 20 },
    { "SELFBALANCE", "47 00", 5, 80 + 20 },
    { "BASEFEE", "48 00", 2, 80 + 20 },
    { "BLOBHASH", "5f 49 00", 5, 70 + 120 + 20 },
    { "BLOBBASEFEE", "4a 00", 2, 120 + 20 },
    { "POP", "5f 50 00", 4, 70 + 60 + 20 },
    { "MLOAD", "5f 51 00", 2 + 3 + 3, 70 + 270 + (35 + 32) + 20 },
    { "MSTORE", "5f5f 52 00", 4 + 3 + 3, 140 + 270 + (35 + 32) + 20 },
    { "MSTORE across words", "5f6001 52 00", 5 + 3 + 6, 150 + 270 + (35 + 64) + 20 },
    { "MSTORE twice", "5f5f 52 5f5f 52 00", 14 + 3, 2 * (140 + 270) + (35 + 32) + 20 },
    { "MSTORE8", "5f5f 53 00", 4 + 3 + 3, 140 + 270 + (35 + 32) + 20 },
    { "MSTORE8 at word 1024", "5f617fff 53 00", 5 + 3 + 3072 + 2048,
      70 + 140 + 270 + 35 + 32768 + 20 },
    { "SLOAD cold, empty", "5f 54 00", 2 + 2100, 70 + 120 + 4000 + 242240 + 20 },
    { "SLOAD cold, then warm", "5f545f54 00", 4 + 2200, 2 * (70 + 120 + 4000) + 242240 + 20 },
    { "SSTORE of a new value", "60015f 55 00", 5 + 22100, 150 + 120 + 4000 + 242240 + 120800 + 20 },
    { "JUMP", "6003 56 5b 00", 3 + 8 + 1, 80 + 90 + 60 + 20 },
    { "JUMPI taken", "60016005 57 5b 00", 6 + 10 + 1, 160 + 320 + 60 + 20 },
    { "JUMPI not taken", "5f6005 57 00", 5 + 10, 150 + 320 + 20 },
    { "PC", "58 00", 2, 60 + 20 },
    { "MSIZE", "59 00", 2, 60 + 20 },
    { "GAS", "5a 00", 2, 80 + 20 },
    { "JUMPDEST", "5b 00", 1, 60 + 20 },
    { "TLOAD", "5f 5c 00", 102, 70 + 120 + 4000 + 20 },
    { "TSTORE", "60015f 5d 00", 105, 150 + 120 + 4000 + 20 },
    { "MCOPY of nothing", "5f5f5f 5e 00", 9, 210 + 20 + 80 + 20 },
    { "MCOPY of 32", "60205f5f 5e 00", 7 + 3 + 3 + 3, 220 + 20 + 112 + (35 + 32) + 20 },
    { "PUSH2", "610101 00", 3, 140 + 20 },
    { "PUSH3", "62010101 00", 3, 160 + 20 },
    { "PUSH4", "6301010101 00", 3, 160 + 20 },
    { "PUSH16", "6f00000000000000000000000000000001 00", 3, 260 + 20 },
    { "PUSH20", "730000000000000000000000000000000000000001 00", 3, 260 + 20 },
    { "PUSH32", "7f0000000000000000000000000000000000000000000000000000000000000001 00", 3,
      320 + 20 },
    { "DUP1", "5f 80 00", 5, 70 + 80 + 20 },
    { "DUP16", "5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f 8f 00", 32 + 3, 16 * 70 + 80 + 20 },
    { "SWAP1", "5f5f 90 00", 7, 140 + 110 + 20 },
    { "SWAP16", "5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f 9f 00", 34 + 3, 17 * 70 + 110 + 20 },
    { "LOG0 of nothing", "5f5f a0 00", 4 + 375, 140 + 70 + 6000 + 20 },
    { "LOG1 of a byte", "5f60015f a1 00", 7 + 750 + 8 + 3,
      220 + 70 + (35 + 32) + 6000 + 200 + 2 + 20 },
    { "LOG4 of nothing", "5f5f5f5f5f5f a4 00", 12 + 1875, 6 * 70 + 70 + 6000 + 800 + 20 },
    { "RETURN of nothing", "5f5f f3", 4, 140 + 60 },
    { "RETURN of a word", "60205f f3", 5 + 3, 150 + 60 + (35 + 32) },
    { "BALANCE of an absent account", "61dead 31 00", 3 + 2600,
      140 + 80 + 4000 + 4000 + 242240 + 20 },
    { "BALANCE of itself, warm", "30 31 00", 2 + 100, 80 + 80 + 4000 + 20 },
    { "EXTCODESIZE of itself", "30 3b 00", 2 + 100, 80 + 80 + 4000 + 20 },
    { "EXTCODEHASH of itself", "30 3f 00", 2 + 100, 80 + 80 + 4000 + 20 },
    { "EXTCODECOPY of itself", "60205f5f30 3c 00", 9 + 100 + 3 + 3,
      80 + 140 + 80 + 120 + 4000 + (35 + 32) + 112 + 500 + 800 + 340 + 20 },
    { "CALL to itself without gas", "5f5f5f5f5f305f f1 00", 14 + 100,
      6 * 70 + 80 + 1520 + 4000 + (500 + 800 + 340) + 20 /* of the callee: a step */ + 20 },
    { "STATICCALL to identity", "60205f60205f6004 61ffff fa 00",
      3 + 2 + 3 + 2 + 3 + 3 + 100 + 3 + 18,
      80 + 70 + 80 + 70 + 80 + 140 + 1520 + (35 + 32) + 4000 + 4000 + 242240 + 20 + 320 + 20 },
};

static void every_program_costs_exactly_this(void **state)
{
    (void)state;
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        const struct cost_row *row = &rows[i];
        uint64_t native = row->native + VM_NATIVE_CALLEE + vm_native_code(vm_hex(row->code).len);
        struct vm_result r = vm_run(row->code, row->gas + 100000, native + 100000);
        if (r.halt != HALT_STOP || r.gas_used != row->gas || r.native_used != native)
            print_error("%s: halt %u, gas %llu for %llu, native %llu for %llu\n", row->name, r.halt,
                        (unsigned long long)r.gas_used, (unsigned long long)row->gas,
                        (unsigned long long)r.native_used, (unsigned long long)native);
        assert_int_equal(r.halt, HALT_STOP);
        assert_int_equal(r.gas_used, row->gas);
        assert_int_equal(r.native_used, native);
    }
}

/* Opcodes that hand gas on, or keep a reserve, are not monotonic in it: their limits have tests of
 * their own. */
static bool needs_more_gas_than_it_uses(const char *name)
{
    return strncmp(name, "CALL to", 7) == 0 || strncmp(name, "STATICCALL", 10) == 0;
}

static void the_exact_amount_is_enough_and_one_less_is_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        const struct cost_row *row = &rows[i];
        uint64_t native = row->native + VM_NATIVE_CALLEE + vm_native_code(vm_hex(row->code).len);
        uint64_t spare = needs_more_gas_than_it_uses(row->name) ? 100000 : 0;
        struct vm_result r = vm_run(row->code, row->gas + spare, native);
        if (r.halt != HALT_STOP)
            print_error("%s: halt %u with the exact amount\n", row->name, r.halt);
        assert_int_equal(r.halt, HALT_STOP);
        assert_int_equal(r.native_left, 0);
        assert_int_equal(r.gas_left, spare);

        r = vm_run(row->code, row->gas + spare, native - 1);
        assert_int_equal(r.halt, HALT_OUT_OF_NATIVE);
        assert_int_equal(r.gas_left, 0);
        assert_int_equal(r.native_left, 0);

        if (row->gas && !spare) {
            r = vm_run(row->code, row->gas - 1, native);
            if (r.halt != HALT_OUT_OF_GAS)
                print_error("%s: halt %u with a gas less\n", row->name, r.halt);
            assert_int_equal(r.halt, HALT_OUT_OF_GAS);
            assert_int_equal(r.gas_left, 0);
        }
    }
}

static void gas_is_tested_before_native(void **state)
{
    (void)state;
    /* ADD with neither: the frame ends, the transaction lives, and only the step was paid */
    uint64_t native = VM_NATIVE_CALLEE + vm_native_code(6) + 160 + 160 - 1;
    struct vm_result r = vm_run("60016001 01 00", 8, native);
    assert_int_equal(r.halt, HALT_OUT_OF_GAS);
    assert_int_equal(r.native_left, 139);
    assert_int_equal(vm_run("60016001 01 00", 9, native).halt, HALT_OUT_OF_NATIVE);
    /* the step comes before the gas of the opcode */
    assert_int_equal(vm_run("60016001 01 00", 8, native - 140).halt, HALT_OUT_OF_NATIVE);
    assert_int_equal(vm_run("60016001 01 00", 8, native - 139).halt, HALT_OUT_OF_GAS);
}

static void an_undefined_opcode_costs_the_step(void **state)
{
    (void)state;
    struct vm_result r = vm_run("0c", 1000, VM_PLENTY);
    assert_int_equal(r.halt, HALT_BAD_OPCODE);
    assert_int_equal(r.native_used, VM_NATIVE_CALLEE + vm_native_code(1) + 20);
    assert_int_equal(r.gas_left, 0);
    r = vm_run("fe", 1000, VM_PLENTY);
    assert_int_equal(r.halt, HALT_BAD_OPCODE);
    assert_int_equal(r.native_used, VM_NATIVE_CALLEE + vm_native_code(1) + 20);
    assert_int_equal(vm_run("0c", 1000, VM_NATIVE_CALLEE + vm_native_code(1) + 19).halt,
                     HALT_OUT_OF_NATIVE);
}

static void sstore_keeps_its_reserve_of_2300(void **state)
{
    (void)state;
    /* 5 for the operands; a warm no-op would cost 100, the sentry asks for more than 2300 */
    const char *code = "5f5f 55 5f5f 55 00";
    assert_int_equal(vm_run(code, 4 + 2200 + 4 + 2300, VM_PLENTY).halt, HALT_OUT_OF_GAS);
    struct vm_result r = vm_run(code, 4 + 2200 + 4 + 2301, VM_PLENTY);
    assert_int_equal(r.halt, HALT_STOP);
    assert_int_equal(r.gas_used, 4 + 2200 + 4 + 100);
}

static void storage_writes_cost_by_what_the_tree_holds(void **state)
{
    (void)state;
    struct vm vm;
    vm_init(&vm);
    vm_account(&vm, VM_CODE, 1, 0, "60015f 55 60025f 55 00");
    vm_storage(&vm, VM_CODE, 0, 7);
    vm_open(&vm);
    struct vm_result r = vm_call(&vm, VM_CODE, vm_no_bytes(), 0, VM_PLENTY, VM_PLENTY);
    assert_int_equal(r.halt, HALT_STOP);
    /* existing slot: 121,120 at the first touch, 50,560 at every write, warm or not */
    assert_int_equal(r.native_used - VM_NATIVE_CALLEE - vm_native_code(9),
                     2 * (150 + 120 + 4000 + 50560) + 121120 + 20);
    assert_int_equal(r.gas_used, 10 + 5000 + 100);
    assert_int_equal(vm_slot(&vm, VM_CODE, 0), 2);
    vm_close(&vm);
}

static void memory_grows_quadratically_to_its_32_bit_end(void **state)
{
    (void)state;
    /* 1 MiB: 32768 words: 98,304 + 2,097,152 */
    struct vm_result r = vm_run("5f620fffe0 52 00", VM_PLENTY, VM_PLENTY);
    assert_int_equal(r.halt, HALT_STOP);
    assert_int_equal(r.gas_used, 5 + 3 + 98304 + 2097152);
    /* beyond 2^32 - 32 no gas helps; nor does an offset beyond 64 bits */
    assert_int_equal(vm_run("5f63ffffffe0 52 00", VM_PLENTY, VM_PLENTY).halt, HALT_OUT_OF_GAS);
    assert_int_equal(vm_run("5f68010000000000000000 52 00", VM_PLENTY, VM_PLENTY).halt,
                     HALT_OUT_OF_GAS);
    /* below it but above 128 MiB: there is no more heap, the frame is out of gas; what it grew by was paid */
    assert_int_equal(vm_run("5f6307ffffe0 52 00", VM_PLENTY, VM_PLENTY).halt, HALT_STOP);
    r = vm_run("5f6308000000 52 00", VM_PLENTY, VM_PLENTY);
    assert_int_equal(r.halt, HALT_OUT_OF_GAS);
    assert_int_equal(r.gas_left, 0);
    assert_int_equal(r.native_used,
                     VM_NATIVE_CALLEE + vm_native_code(8) + 70 + 160 + 270 + 35 + 0x08000020);
}

/* The heap is one for all open frames: who waits with 64 MiB leaves 64 MiB. */
static void frames_share_the_heap(void **state)
{
    (void)state;
    static const char *const callees[] = { "5f6303ffffe0 52 00", "5f6304000000 52 00" };
    for (size_t i = 0; i < 2; i++) {
        struct vm vm;
        vm_init(&vm);
        /* grow to 64 MiB, call 0xbeef, grow no further, call it again, return both answers' sum */
        vm_account(
            &vm, VM_CODE, 1, 0,
            "5f6303ffffe0 52 5f5f5f5f5f61beef5a f1 5f5f5f5f5f61beef5a f1 01 5f 52 60205f f3");
        vm_account(&vm, 0xbeef, 1, 0, callees[i]);
        vm_open(&vm);
        struct vm_result r = vm_call(&vm, VM_CODE, vm_no_bytes(), 0, VM_PLENTY, VM_PLENTY);
        assert_int_equal(r.halt, HALT_STOP);
        assert_int_equal(vm_word(r.output), i == 0 ? 2 : 0);
        /* alone it has all of it */
        r = vm_call(&vm, 0xbeef, vm_no_bytes(), 0, VM_PLENTY, VM_PLENTY);
        assert_int_equal(r.halt, HALT_STOP);
        vm_close(&vm);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_program_costs_exactly_this),
        cmocka_unit_test(the_exact_amount_is_enough_and_one_less_is_not),
        cmocka_unit_test(gas_is_tested_before_native),
        cmocka_unit_test(an_undefined_opcode_costs_the_step),
        cmocka_unit_test(sstore_keeps_its_reserve_of_2300),
        cmocka_unit_test(storage_writes_cost_by_what_the_tree_holds),
        cmocka_unit_test(memory_grows_quadratically_to_its_32_bit_end),
        cmocka_unit_test(frames_share_the_heap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
