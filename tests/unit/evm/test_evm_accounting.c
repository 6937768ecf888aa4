/* Both resources of every opcode, typed here from zksync-os (evm_interpreter native_resource_constants.rs, gas_constants.rs
 * and instructions/, tag dev-20260402 of the v0.3 line) and from the Cancun schedule, not taken from opcodes.def:
 * exactly enough, one gas less, one native less, and an operand less, each with what is left of native. */
#include "tests/unit/evm/prog.h"

#include "node/stf/evm.h"

#include <string.h>

#define NEW_ACCOUNT 250240u /* reached first, absent: 4,000 + 4,000 + 242,240 */
#define NO_CODE     26300u  /* nothing deployed: 4,000, keccak 20,000, blake2s 800, 500, 1,000 */

struct op_row {
    uint8_t op, operands;
    /* what it takes with all operands zero at an account of balance 1000; native without the step */
    uint32_t gas, native;
    /* native it has taken, the step included, when its gas is one short, and when an operand is missing */
    uint32_t at_gas_short, at_operand_missing;
    enum stf_halt ends; /* HALT_NONE: the program goes on */
};

/* pays gas and native together, then looks at the stack */
#define SIMPLE(op, in, gas, native)                                                                \
    {                                                                                              \
        op, in, gas, native, 20, 20 + (native), HALT_NONE                                          \
    }

/* clang-format off */
static const struct op_row rows[] = {
    { 0x00, 0, 0, 0, 0, 0, HALT_STOP },
    SIMPLE(0x01, 2, 3, 140),  SIMPLE(0x02, 2, 5, 400),  SIMPLE(0x03, 2, 3, 140),
    SIMPLE(0x04, 2, 5, 1500), SIMPLE(0x05, 2, 5, 1000), SIMPLE(0x06, 2, 5, 1300),
    SIMPLE(0x07, 2, 5, 800),  SIMPLE(0x08, 3, 8, 2000), SIMPLE(0x09, 3, 8, 4000),
    { 0x0a, 2, 10, 700, 20, 20, HALT_NONE }, /* looks at the exponent first */
    SIMPLE(0x0b, 2, 5, 400),
    SIMPLE(0x10, 2, 3, 190), SIMPLE(0x11, 2, 3, 190), SIMPLE(0x12, 2, 3, 430),
    SIMPLE(0x13, 2, 3, 430), SIMPLE(0x14, 2, 3, 500), SIMPLE(0x15, 1, 3, 300),
    SIMPLE(0x16, 2, 3, 100), SIMPLE(0x17, 2, 3, 90),  SIMPLE(0x18, 2, 3, 90),
    SIMPLE(0x19, 1, 3, 60),  SIMPLE(0x1a, 2, 3, 160), SIMPLE(0x1b, 2, 3, 240),
    SIMPLE(0x1c, 2, 3, 240), SIMPLE(0x1d, 2, 3, 400),
    { 0x20, 2, 30, 90, 110, 20, HALT_NONE }, /* native, then gas; hashing nothing */
    SIMPLE(0x30, 0, 2, 60),
    { 0x31, 1, 2600, 60 + NEW_ACCOUNT, 80 + 4000, 80, HALT_NONE }, /* the cold part fails */
    SIMPLE(0x32, 0, 2, 60), SIMPLE(0x33, 0, 2, 60), SIMPLE(0x34, 0, 2, 60),
    SIMPLE(0x35, 1, 3, 280), SIMPLE(0x36, 0, 2, 40),
    { 0x37, 3, 3, 180, 20, 20, HALT_NONE },
    SIMPLE(0x38, 0, 2, 40),
    { 0x39, 3, 3, 180, 20, 20, HALT_NONE },
    SIMPLE(0x3a, 0, 2, 60),
    { 0x3b, 1, 2600, 60 + NEW_ACCOUNT, 80 + 4000, 80, HALT_NONE },
    { 0x3c, 4, 2600, 180 + NEW_ACCOUNT, 20 + 4000, 20, HALT_NONE },
    SIMPLE(0x3d, 0, 2, 60),
    { 0x3e, 3, 3, 180, 20, 20, HALT_NONE },
    { 0x3f, 1, 2600, 60 + NEW_ACCOUNT, 80 + 4000, 80, HALT_NONE },
    SIMPLE(0x40, 1, 20, 60), SIMPLE(0x41, 0, 2, 60), SIMPLE(0x42, 0, 2, 60),
    SIMPLE(0x43, 0, 2, 60), SIMPLE(0x44, 0, 2, 40), SIMPLE(0x45, 0, 2, 60),
    SIMPLE(0x46, 0, 2, 60),
    { 0x47, 0, 5, 60, 80, 0, HALT_NONE }, /* native, then gas */
    SIMPLE(0x48, 0, 2, 60), SIMPLE(0x49, 1, 3, 100), SIMPLE(0x4a, 0, 2, 100),
    SIMPLE(0x50, 1, 2, 40),
    /* a word of memory: 3 gas, 35 + 32 native */
    { 0x51, 1, 6, 250 + 67, 270, 270, HALT_NONE },
    { 0x52, 2, 6, 250 + 67, 270, 270, HALT_NONE },
    { 0x53, 2, 6, 250 + 67, 270, 270, HALT_NONE },
    /* a cold slot that is not in the tree */
    { 0x54, 1, 2100, 100 + 4000 + 242240, 120 + 4000, 120, HALT_NONE },
    /* 2,200 taken, more than 2,300 asked for: see below */
    { 0x55, 2, 2200, 100 + 4000 + 242240 + 120800, 120, 120, HALT_NONE },
    { 0x56, 1, 8, 70, 20, 90, HALT_BAD_JUMP },
    SIMPLE(0x57, 2, 10, 300),
    SIMPLE(0x58, 0, 2, 40), SIMPLE(0x59, 0, 2, 40), SIMPLE(0x5a, 0, 2, 60),
    SIMPLE(0x5b, 0, 1, 40),
    { 0x5c, 1, 100, 100 + 4000, 120, 120, HALT_NONE },
    { 0x5d, 2, 100, 100 + 4000, 120, 120, HALT_NONE },
    { 0x5e, 3, 3, 80, 20, 20, HALT_NONE },
    SIMPLE(0x5f, 0, 2, 50),  SIMPLE(0x60, 0, 3, 60),  SIMPLE(0x61, 0, 3, 120),
    SIMPLE(0x62, 0, 3, 140), SIMPLE(0x63, 0, 3, 140), SIMPLE(0x64, 0, 3, 150),
    SIMPLE(0x65, 0, 3, 160), SIMPLE(0x66, 0, 3, 170), SIMPLE(0x67, 0, 3, 180),
    SIMPLE(0x68, 0, 3, 190), SIMPLE(0x69, 0, 3, 200), SIMPLE(0x6a, 0, 3, 210),
    SIMPLE(0x6b, 0, 3, 210), SIMPLE(0x6c, 0, 3, 220), SIMPLE(0x6d, 0, 3, 230),
    SIMPLE(0x6e, 0, 3, 240), SIMPLE(0x6f, 0, 3, 240), SIMPLE(0x70, 0, 3, 240),
    SIMPLE(0x71, 0, 3, 240), SIMPLE(0x72, 0, 3, 240), SIMPLE(0x73, 0, 3, 240),
    SIMPLE(0x74, 0, 3, 250), SIMPLE(0x75, 0, 3, 260), SIMPLE(0x76, 0, 3, 260),
    SIMPLE(0x77, 0, 3, 260), SIMPLE(0x78, 0, 3, 260), SIMPLE(0x79, 0, 3, 270),
    SIMPLE(0x7a, 0, 3, 280), SIMPLE(0x7b, 0, 3, 280), SIMPLE(0x7c, 0, 3, 290),
    SIMPLE(0x7d, 0, 3, 290), SIMPLE(0x7e, 0, 3, 300), SIMPLE(0x7f, 0, 3, 300),
    SIMPLE(0x80, 1, 3, 60),  SIMPLE(0x81, 2, 3, 60),  SIMPLE(0x82, 3, 3, 60),
    SIMPLE(0x83, 4, 3, 60),  SIMPLE(0x84, 5, 3, 60),  SIMPLE(0x85, 6, 3, 60),
    SIMPLE(0x86, 7, 3, 60),  SIMPLE(0x87, 8, 3, 60),  SIMPLE(0x88, 9, 3, 60),
    SIMPLE(0x89, 10, 3, 60), SIMPLE(0x8a, 11, 3, 60), SIMPLE(0x8b, 12, 3, 60),
    SIMPLE(0x8c, 13, 3, 60), SIMPLE(0x8d, 14, 3, 60), SIMPLE(0x8e, 15, 3, 60),
    SIMPLE(0x8f, 16, 3, 60),
    SIMPLE(0x90, 2, 3, 90),  SIMPLE(0x91, 3, 3, 90),  SIMPLE(0x92, 4, 3, 90),
    SIMPLE(0x93, 5, 3, 90),  SIMPLE(0x94, 6, 3, 90),  SIMPLE(0x95, 7, 3, 90),
    SIMPLE(0x96, 8, 3, 90),  SIMPLE(0x97, 9, 3, 90),  SIMPLE(0x98, 10, 3, 90),
    SIMPLE(0x99, 11, 3, 90), SIMPLE(0x9a, 12, 3, 90), SIMPLE(0x9b, 13, 3, 90),
    SIMPLE(0x9c, 14, 3, 90), SIMPLE(0x9d, 15, 3, 90), SIMPLE(0x9e, 16, 3, 90),
    SIMPLE(0x9f, 17, 3, 90),
    /* 50, then what the event costs, gas with it */
    { 0xa0, 2, 375, 50 + 6000, 70, 70, HALT_NONE },
    { 0xa1, 3, 750, 50 + 6200, 70, 70, HALT_NONE },
    { 0xa2, 4, 1125, 50 + 6400, 70, 70, HALT_NONE },
    { 0xa3, 5, 1500, 50 + 6600, 70, 70, HALT_NONE },
    { 0xa4, 6, 1875, 50 + 6800, 70, 70, HALT_NONE },
    /* the nonce read, the target read, nonces of both, one step of the empty initcode */
    { 0xf0, 3, 32000, 25000 + 4000 + NEW_ACCOUNT + 5000 + 5000 + 20 + NO_CODE, 20, 25020,
      HALT_NONE },
    { 0xf1, 7, 2600, 1500 + NEW_ACCOUNT, 1520 + 4000, 1520, HALT_NONE },
    { 0xf2, 7, 2600, 1500 + NEW_ACCOUNT, 1520 + 4000, 1520, HALT_NONE },
    { 0xf3, 2, 0, 40, 0, 60, HALT_STOP },
    { 0xf4, 6, 2600, 1500 + NEW_ACCOUNT, 1520 + 4000, 1520, HALT_NONE },
    /* keccak of the initcode instead of the nonce */
    { 0xf5, 4, 32000, 25000 + 20000 + NEW_ACCOUNT + 5000 + 5000 + 20 + NO_CODE, 20, 25020,
      HALT_NONE },
    { 0xfa, 6, 2600, 1500 + NEW_ACCOUNT, 1520 + 4000, 1520, HALT_NONE },
    { 0xfd, 2, 0, 50, 0, 70, HALT_REVERT },
    { 0xfe, 0, 0, 0, 0, 0, HALT_BAD_OPCODE },
    /* itself, then both sides of the transfer, then the gas of a new account */
    { 0xff, 1, 5000 + 2600 + 25000, 100 + 5000 + 5000 + NEW_ACCOUNT + 1000,
      120 + 5000 + 5000 + NEW_ACCOUNT + 1000, 120, HALT_STOP },
};
/* clang-format on */

/* The opcode behind so many zeros, then STOP. */
static struct vm_result run_op(const struct op_row *row, unsigned operands, uint64_t gas,
                               uint64_t native, uint64_t *entry)
{
    static struct prog p;
    p.n = 0;
    for (unsigned i = 0; i < operands; i++)
        prog_op(&p, 0x5f);
    prog_op(&p, row->op);
    if (row->op >= 0x60 && row->op <= 0x7f) {
        memset(p.b + p.n, 0, row->op - 0x5fu);
        p.n += row->op - 0x5fu;
    }
    prog_op(&p, O_STOP);
    *entry = VM_NATIVE_CALLEE + vm_native_code(p.n);
    struct vm vm;
    vm_init(&vm);
    vm_account_bytes(&vm, VM_CODE, 1, 1000, prog_bytes(&p), 0);
    vm_open(&vm);
    struct vm_result r = vm_call(&vm, VM_CODE, vm_no_bytes(), 0, gas + 2 * (uint64_t)operands,
                                 native + 70 * (uint64_t)operands + *entry);
    vm_close(&vm);
    return r;
}

static enum stf_halt expected_end(const struct op_row *row)
{
    return row->ends == HALT_NONE ? HALT_STOP : row->ends;
}

/* native of the opcode with its step, and of the STOP behind it */
static uint64_t native_of(const struct op_row *row)
{
    return row->native + 20u + (row->ends == HALT_NONE ? 20u : 0);
}

static uint64_t gas_asked_for(const struct op_row *row)
{
    return row->op == 0x55 ? 2301 : row->gas;
}

static void exactly_enough(void **state)
{
    (void)state;
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        const struct op_row *row = &rows[i];
        uint64_t entry, gas = gas_asked_for(row);
        struct vm_result r = run_op(row, row->operands, gas, native_of(row), &entry);
        bool burns = expected_end(row) == HALT_BAD_JUMP || expected_end(row) == HALT_BAD_OPCODE;
        if (r.halt != expected_end(row) || r.native_left || r.gas_left != gas - row->gas)
            print_error("opcode %02x: halt %u, %llu gas and %llu native left\n", row->op, r.halt,
                        (unsigned long long)r.gas_left, (unsigned long long)r.native_left);
        assert_int_equal(r.halt, expected_end(row));
        assert_int_equal(r.native_left, 0);
        assert_int_equal(r.gas_left, burns ? 0 : gas - row->gas);
    }
}

static void one_native_less(void **state)
{
    (void)state;
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        const struct op_row *row = &rows[i];
        uint64_t entry;
        struct vm_result r =
            run_op(row, row->operands, gas_asked_for(row), native_of(row) - 1, &entry);
        if (r.halt != HALT_OUT_OF_NATIVE)
            print_error("opcode %02x: halt %u with a native less\n", row->op, r.halt);
        assert_int_equal(r.halt, HALT_OUT_OF_NATIVE);
        assert_int_equal(r.native_left, 0);
        assert_int_equal(r.gas_left, 0);
    }
}

static void one_gas_less(void **state)
{
    (void)state;
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        const struct op_row *row = &rows[i];
        uint64_t entry, gas = gas_asked_for(row);
        if (!gas)
            continue;
        struct vm_result r = run_op(row, row->operands, gas - 1, 1000000, &entry);
        if (r.halt != HALT_OUT_OF_GAS || r.native_left != 1000000 - row->at_gas_short)
            print_error("opcode %02x: halt %u, %llu native taken for %u\n", row->op, r.halt,
                        (unsigned long long)(1000000 - r.native_left), row->at_gas_short);
        assert_int_equal(r.halt, HALT_OUT_OF_GAS);
        assert_int_equal(r.gas_left, 0);
        assert_int_equal(r.native_left, 1000000 - row->at_gas_short);
        /* and with only that much native it is still gas that is short */
        r = run_op(row, row->operands, gas - 1, row->at_gas_short, &entry);
        assert_int_equal(r.halt, HALT_OUT_OF_GAS);
        assert_int_equal(r.native_left, 0);
        r = run_op(row, row->operands, gas - 1, row->at_gas_short - 1, &entry);
        assert_int_equal(r.halt, HALT_OUT_OF_NATIVE);
    }
}

static void one_operand_less(void **state)
{
    (void)state;
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        const struct op_row *row = &rows[i];
        uint64_t entry;
        if (!row->operands)
            continue;
        struct vm_result r = run_op(row, row->operands - 1u, 100000, 1000000, &entry);
        if (r.halt != HALT_STACK || r.native_left != 1000000 - row->at_operand_missing)
            print_error("opcode %02x: halt %u, %llu native taken for %u\n", row->op, r.halt,
                        (unsigned long long)(1000000 - r.native_left), row->at_operand_missing);
        assert_int_equal(r.halt, HALT_STACK);
        assert_int_equal(r.gas_left, 0);
        assert_int_equal(r.native_left, 1000000 - row->at_operand_missing);
    }
}

/* A full stack: what pushes has paid before it finds no room. */
static void no_room_on_the_stack(void **state)
{
    (void)state;
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        const struct op_row *row = &rows[i];
        bool pushes = (row->op >= 0x5f && row->op <= 0x8f) ||
                      (row->operands == 0 && row->op > 0x20 && row->op < 0x5b);
        uint64_t entry;
        struct vm_result r = run_op(row, 1024, 100000, 1000000, &entry);
        if (!pushes) {
            assert_int_not_equal(r.halt, HALT_STACK);
            continue;
        }
        assert_int_equal(r.halt, HALT_STACK);
        assert_int_equal(r.native_left, 1000000 - 20 - row->native);
    }
}

/* Every opcode the interpreter knows has a row, and every other code costs the step. */
static void the_list_is_complete(void **state)
{
    (void)state;
    unsigned seen = 0;
    for (unsigned op = 0; op < 256; op++) {
        const struct op_row *row = NULL;
        for (size_t i = 0; i < GH_COUNT(rows); i++) {
            if (rows[i].op == op)
                row = &rows[i];
        }
        bool is_later = op == 0x1e; /* CLZ: Osaka */
        assert_int_equal(row != NULL, evm_op_name((uint8_t)op) != NULL && !is_later);
        seen += row != NULL;
        if (row)
            continue;
        struct op_row none = { .op = (uint8_t)op };
        uint64_t entry;
        struct vm_result r = run_op(&none, 0, 5, 20, &entry);
        assert_int_equal(r.halt, HALT_BAD_OPCODE);
        assert_int_equal(r.gas_left, 0);
        assert_int_equal(r.native_left, 0);
        assert_int_equal(run_op(&none, 0, 5, 19, &entry).halt, HALT_OUT_OF_NATIVE);
    }
    assert_int_equal(seen, GH_COUNT(rows));
}

/* ---- calls that move value, to code, through a delegation ---- */

struct call_row {
    const char *name, *code;
    uint64_t gas, native; /* of the whole program */
};

/* 0xbeef holds one STOP and is existing and cold: 4,000 + 4,000 + 121,120 + 500 + 1,480, its code 500 + 800 + 340;
 * 0xd1e is delegated to it. PUSH0 70, PUSH1 80, PUSH2 140, STOP 20 */
#define CALLEE (131100u + 1640u)
static const struct call_row calls[] = {
    { "CALL to code", "5f5f5f5f5f61beef5f f1 00", 15 + 2600,
      6 * 70 + 140 + 1520 + CALLEE + 20 + 20 },
    /* value: can the caller pay, two balances; 9,000 less the stipend that comes back */
    { "CALL with value", "5f5f5f5f600161beef5f f1 00", 16 + 2600 + 9000 - 2300,
      5 * 70 + 80 + 140 + 1520 + CALLEE + 4000 + 10000 + 20 + 20 },
    { "CALLCODE with value", "5f5f5f5f600161beef5f f2 00", 16 + 2600 + 9000 - 2300,
      5 * 70 + 80 + 140 + 1520 + CALLEE + 4000 + 10000 + 20 + 20 },
    { "CALL with value to nobody", "5f5f5f5f600161dead5f f1 00", 16 + 2600 + 9000 + 25000 - 2300,
      5 * 70 + 80 + 140 + 1520 + NEW_ACCOUNT + 4000 + 10000 + 20 },
    /* more than there is: read and answered, nothing moved */
    { "CALL with too much value", "5f5f5f5f61ffff61beef5f f1 00", 16 + 2600 + 9000 - 2300,
      5 * 70 + 140 + 140 + 1520 + CALLEE + 4000 + 20 },
    /* a designator is read, then the account and code it names: cold like any other */
    { "CALL through a delegation", "5f5f5f5f5f610d1e5f f1 00", 15 + 2600 + 2600,
      6 * 70 + 140 + 1520 + CALLEE + CALLEE + 20 + 20 },
    { "EXTCODECOPY of a delegation", "60175f5f610d1e 3c 00", 3 + 2 + 2 + 3 + 2600 + 3 + 3,
      80 + 70 + 70 + 140 + 20 + (35 + 32) + CALLEE + 180 + 23 + 20 },
};

static struct vm_result run_call_row(const struct call_row *row, uint64_t gas, uint64_t native)
{
    struct vm vm;
    vm_init(&vm);
    vm_account(&vm, VM_CODE, 1, 1000, row->code);
    vm_account(&vm, 0xbeef, 1, 0, "00");
    vm_account_bytes(&vm, 0xd1e, 1, 0, vm_hex("ef0100 000000000000000000000000000000000000beef"),
                     ACCOUNT_VERSIONING_DELEGATED);
    vm_open(&vm);
    struct vm_result r = vm_call(&vm, VM_CODE, vm_no_bytes(), 0, gas, native);
    vm_close(&vm);
    return r;
}

static void calls_cost_exactly_this(void **state)
{
    (void)state;
    for (size_t i = 0; i < GH_COUNT(calls); i++) {
        const struct call_row *row = &calls[i];
        uint64_t native = row->native + VM_NATIVE_CALLEE + vm_native_code(vm_hex(row->code).len);
        struct vm_result r = run_call_row(row, 100000, native);
        if (r.halt != HALT_STOP || r.native_left || r.gas_used != row->gas)
            print_error("%s: halt %u, gas %llu, %llu native left\n", row->name, r.halt,
                        (unsigned long long)r.gas_used, (unsigned long long)r.native_left);
        assert_int_equal(r.halt, HALT_STOP);
        assert_int_equal(r.gas_used, row->gas);
        assert_int_equal(r.native_left, 0);
        r = run_call_row(row, 100000, native - 1);
        assert_int_equal(r.halt, HALT_OUT_OF_NATIVE);
        assert_int_equal(r.gas_left, 0);
    }
}

/* ---- creations that are refused ---- */

static void a_refused_creation_has_read_its_target(void **state)
{
    (void)state;
    /* CREATE with more value than there is, then BALANCE of where it would have been */
    struct vm vm;
    struct addr self = addr_of_u32(VM_CODE), target = tx_create_address(&self, 1);
    static struct prog p;
    p.n = 0;
    prog_op(&p, 0x5f);
    prog_op(&p, 0x5f);
    prog_push(&p, 0xffff);
    prog_op(&p, O_CREATE);
    prog_op(&p, O_POP);
    prog_op(&p, 0x73); /* PUSH20 */
    memcpy(p.b + p.n, target.b, 20);
    p.n += 20;
    prog_op(&p, 0x31);
    prog_op(&p, O_STOP);
    vm_init(&vm);
    vm_account_bytes(&vm, VM_CODE, 1, 1000, prog_bytes(&p), 0);
    vm_open(&vm);
    struct vm_result r = vm_call(&vm, VM_CODE, vm_no_bytes(), 0, 1000000, VM_PLENTY);
    assert_int_equal(r.halt, HALT_STOP);
    /* warm: 100 and 4,000 */
    assert_int_equal(r.gas_used, 2 + 2 + 3 + 32000 + 2 + 3 + 100);
    assert_int_equal(r.native_used - VM_NATIVE_CALLEE - vm_native_code(p.n),
                     70 + 70 + 140 + 25020 + 4000 + NEW_ACCOUNT + 4000 + 60 + 260 + 80 + 4000 + 20);
    assert_int_equal(vm_record(&vm, &self)->nonce, 1);
    vm_close(&vm);
}

/* ---- out of native at every depth ---- */

/* Writes 1 to slot n, then calls itself with n - 1 while n is not 0. */
static const char *const ladder =
    "5f35 80 6001 90 55 80 15 601d 57 6001 90 03 5f 52 5f5f60205f5f305a f1 50 00 5b 00";

static struct vm_result climb(struct vm *vm, uint64_t depth, uint64_t native)
{
    static uint8_t word[32];
    store_be64(word + 24, depth);
    vm_init(vm);
    vm_account(vm, VM_CODE, 1, 0, ladder);
    vm_open(vm);
    return vm_call(vm, VM_CODE, bytes_of(word, 32), 0, VM_PLENTY, native);
}

static void out_of_native_at_every_depth(void **state)
{
    (void)state;
    static const uint64_t depths[] = { 0, 1, 2, 3, 10, 63, 64, 255, 511, 1000, 1023, 1024 };
    /* a new slot; 31 bytes of code are read and the account is warm at each call */
    const uint64_t head =
        70 + 300 + 80 + 80 + 110 + (120 + 4000 + 242240 + 120800) + 80 + 320 + 80 + 320;
    const uint64_t rung = head + 80 + 110 + 160 + 70 + (270 + 35 + 32) + 70 + 70 + 80 + 70 + 70 +
                          80 + 80 + (1520 + 4000 + 500 + 800 + 340) + 60 + 20;
    const uint64_t last = head + 60 + 20;
    for (size_t i = 0; i < GH_COUNT(depths); i++) {
        uint64_t d = depths[i];
        uint64_t need = VM_NATIVE_CALLEE + vm_native_code(31) + d * rung + last;
        struct vm vm;
        struct vm_result r = climb(&vm, d, need);
        assert_int_equal(r.halt, HALT_STOP);
        assert_int_equal(r.native_left, 0);
        assert_true(r.gas_left > 0);
        assert_int_equal(vm_slot(&vm, VM_CODE, 0), 1);
        vm_close(&vm);
        r = climb(&vm, d, need - (d + 1) * 80); /* before the POPs and STOPs on the way back */
        assert_int_equal(r.halt, HALT_OUT_OF_NATIVE);
        assert_int_equal(r.gas_left, 0);
        assert_int_equal(r.native_left, 0);
        for (uint64_t n = 0; n <= d; n++)
            assert_int_equal(vm_slot(&vm, VM_CODE, n), 0); /* nothing stays, at no depth */
        vm_close(&vm);
        r = climb(&vm, d, need - 1); /* the very last STOP */
        assert_int_equal(r.halt, HALT_OUT_OF_NATIVE);
        vm_close(&vm);
    }
}

/* ---- out of native inside a creation, a precompile, a hook, the deposit of code ---- */

struct place_row {
    const char *name;
    uint32_t addr;
    const char *code;
    uint64_t inside; /* native of the whole program up to the last unit of the place */
    uint64_t behind; /* and of what comes after it */
};

static const struct place_row places[] = {
    /* initcode 5b5b00 out of memory: two JUMPDESTs, STOP */
    { "initcode", VM_CODE, "625b5b00 5f 52 6003 601d 5f f0 00",
      160 + 70 + (270 + 67) + 80 + 80 + 70 + 25020 + 4000 + NEW_ACCOUNT + 5000 + 5000 + 18 + 60 +
          60 + 20,
      NO_CODE + 20 },
    /* initcode 60015ff3: one byte of code: access, keccak, 6, blake2s of 16 bytes, preimage, write */
    { "deposit of code", VM_CODE, "6360015ff3 5f 52 6004 601c 5f f0 00",
      160 + 70 + (270 + 67) + 80 + 80 + 70 + 25020 + 4000 + NEW_ACCOUNT + 5000 + 5000 + 24 + 80 +
          70 + 60 + 67 + 4000 + 20000 + 6 + 800 + 340 + 500 + 1000,
      20 },
    /* sha256 of nothing, whose account is absent */
    { "precompile", VM_CODE, "5f5f5f5f5f60025a f1 00", 5 * 70 + 80 + 80 + 1520 + NEW_ACCOUNT + 5800,
      20 },
    /* the messenger's contract, 20 bytes of sender, no message: 1,000 for the hook; the log by 4 hashes, keccak of nothing,
     * 6,000 */
    { "hook", 0x8008, "5f5f60145f5f6170015f f1 00",
      5 * 70 + 80 + 140 + 1520 + (35 + 32) + NEW_ACCOUNT + 1000 + 20000 + 3 * 20000 + 20000 + 6000,
      20 },
};

static struct vm_result run_place(const struct place_row *row, uint64_t native)
{
    struct vm vm;
    vm_init(&vm);
    vm_account(&vm, row->addr, 1, 1000, row->code);
    vm_open(&vm);
    struct vm_result r = vm_call(&vm, row->addr, vm_no_bytes(), 0, 20000000,
                                 native + VM_NATIVE_CALLEE + vm_native_code(vm_hex(row->code).len));
    vm_close(&vm);
    return r;
}

static void out_of_native_in_every_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < GH_COUNT(places); i++) {
        const struct place_row *row = &places[i];
        struct vm_result r = run_place(row, row->inside + row->behind);
        if (r.halt != HALT_STOP || r.native_left)
            print_error("%s: halt %u, %llu native left\n", row->name, r.halt,
                        (unsigned long long)r.native_left);
        assert_int_equal(r.halt, HALT_STOP);
        assert_int_equal(r.native_left, 0);
        r = run_place(row, row->inside - 1);
        assert_int_equal(r.halt, HALT_OUT_OF_NATIVE);
        assert_int_equal(r.gas_left, 0);
        assert_int_equal(r.native_left, 0);
    }
}

/* ---- outputs of all frames together ---- */

/* Calls 0xbeef, which answers with 1 MiB, so many times. */
static struct vm_result run_echo(struct vm *vm, unsigned times)
{
    static struct prog p;
    p.n = 0;
    prog_push(&p, times);
    size_t loop = p.n;
    prog_op(&p, O_JUMPDEST);
    for (unsigned i = 0; i < 5; i++)
        prog_op(&p, 0x5f);
    prog_push(&p, 0xbeef);
    prog_op(&p, O_GAS);
    prog_op(&p, O_CALL);
    prog_op(&p, O_POP);
    prog_push(&p, 1);
    prog_op(&p, O_SWAP1);
    prog_op(&p, O_SUB);
    prog_op(&p, O_DUP1);
    prog_push(&p, loop);
    prog_op(&p, 0x57);
    prog_op(&p, O_STOP);
    vm_init(vm);
    vm_account_bytes(vm, VM_CODE, 1, 0, prog_bytes(&p), 0);
    vm_account(vm, 0xbeef, 1, 0, "621000005f f3");
    vm_open(vm);
    return vm_call(vm, VM_CODE, vm_no_bytes(), 0, VM_PLENTY, VM_PLENTY);
}

static void outputs_are_bounded(void **state)
{
    (void)state;
    struct vm vm;
    assert_int_equal(run_echo(&vm, 256).halt, HALT_STOP); /* 256 MiB */
    vm_close(&vm);
    struct vm_result r = run_echo(&vm, 257);
    assert_int_equal(r.halt, HALT_OUT_OF_NATIVE);
    assert_int_equal(r.gas_left, 0);
    /* the next top call starts afresh */
    r = vm_call(&vm, 0xbeef, vm_no_bytes(), 0, VM_PLENTY, VM_PLENTY);
    assert_int_equal(r.halt, HALT_STOP);
    assert_int_equal(r.output.len, 1u << 20);
    vm_close(&vm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exactly_enough),
        cmocka_unit_test(one_native_less),
        cmocka_unit_test(one_gas_less),
        cmocka_unit_test(one_operand_less),
        cmocka_unit_test(no_room_on_the_stack),
        cmocka_unit_test(the_list_is_complete),
        cmocka_unit_test(calls_cost_exactly_this),
        cmocka_unit_test(a_refused_creation_has_read_its_target),
        cmocka_unit_test(out_of_native_at_every_depth),
        cmocka_unit_test(out_of_native_in_every_place),
        cmocka_unit_test(outputs_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
