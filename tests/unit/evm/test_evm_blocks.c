/* Translated blocks (node/stf/evm_block.h) against the same code opcode by opcode: halt, both resources, output and
 * storage must be the same for any program, with any amount of gas and native. The opcodes themselves are tested
 * elsewhere, against vectors and written-out values; programs here are made so that neighbours fuse, memory grows inside
 * blocks, stacks run full and empty, and jumps lead where they must not. */
#include "tests/unit/evm/prog.h"

#define PROGRAMS 2500u
#define LIMITS   24u

static uint64_t seed = 0x9e3779b97f4a7c15;
static uint64_t random_u64(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed * 0x2545f4914f6cdd1d;
}
static unsigned below(unsigned n)
{
    return (unsigned)(random_u64() >> 33) % n;
}

/* Operands that make carries, signs, shifts and memory operands interesting. */
static void random_push(struct prog *p)
{
    switch (below(8)) {
    case 0:
        prog_push(p, 0);
        break;
    case 1:
        prog_push(p, 1 + below(3));
        break;
    case 2:
        prog_push(p, below(300));
        break;
    case 3:
        prog_push(p, 32 * below(40));
        break;
    case 4:
        prog_push(p, UINT64_MAX - below(2));
        break;
    case 5:
        prog_push(p, random_u64());
        break;
    case 6: /* PUSH32 */
        prog_op(p, 0x7f);
        for (unsigned i = 0; i < 32; i++)
            prog_op(p, below(4) ? (unsigned)random_u64() & 0xff : 0xff);
        break;
    default: /* PUSH20 of ones, a mask */
        prog_op(p, 0x73);
        for (unsigned i = 0; i < 20; i++)
            prog_op(p, 0xff);
        break;
    }
}

static void random_op(struct prog *p)
{
    static const uint8_t words[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09,
                                     0x0b, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17,
                                     0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x01, 0x03, 0x16 };
    static const uint8_t facts[] = { 0x30, 0x33, 0x34, 0x35, 0x36, 0x38, 0x3d, 0x58, 0x59, 0x5a };
    switch (below(17)) {
    case 16: /* an address that is a sum: only the sum is touched */
        prog_op(p, facts[below(sizeof(facts))]);
        prog_push(p, below(2) ? 32 : below(3000));
        prog_op(p, O_ADD);
        prog_op(p, O_MLOAD);
        break;
    case 0:
    case 1:
    case 2:
        random_push(p);
        break;
    case 3:
    case 4:
        prog_op(p, O_DUP1 + below(16));
        break;
    case 5:
        prog_op(p, O_SWAP1 + below(16));
        break;
    case 6:
        prog_op(p, O_POP);
        break;
    case 7: /* memory in reach, the offset masked */
        prog_push(p, 0x7ff);
        prog_op(p, 0x16);
        prog_op(p, below(2) ? O_MLOAD : O_MSTORE);
        break;
    case 8:
        prog_push(p, below(2000));
        prog_op(p, below(3) ? O_MSTORE : O_MSTORE8);
        break;
    case 9:
        prog_push(p, below(2000));
        prog_op(p, below(2) ? O_MLOAD : 0x01);
        break;
    case 10:
        prog_op(p, facts[below(sizeof(facts))]);
        break;
    case 11:
        prog_push(p, below(4));
        prog_op(p, below(2) ? O_SLOAD : O_SSTORE);
        break;
    default:
        prog_op(p, words[below(sizeof(words))]);
        break;
    }
}

/* PUSH2 of a place known later */
static size_t push_place(struct prog *p)
{
    prog_op(p, 0x61);
    p->n += 2;
    return p->n - 2;
}
static void set_place(struct prog *p, size_t at, size_t to)
{
    p->b[at] = (uint8_t)(to >> 8);
    p->b[at + 1] = (uint8_t)to;
}

/* Words, then rounds of straight code with a jump over a piece of it, all of it in a loop. */
static void random_program(struct prog *p)
{
    p->n = 0;
    for (unsigned i = 10 + below(14); i > 0; i--)
        random_push(p);
    size_t loop = p->n;
    prog_op(p, O_JUMPDEST);
    for (unsigned round = 1 + below(4); round > 0; round--) {
        for (unsigned i = below(14); i > 0; i--)
            random_op(p);
        size_t place;
        if (below(3)) { /* comparison and jump, in every spelling */
            static const uint8_t compare[] = { 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16 };
            if (below(4))
                prog_op(p, compare[below(sizeof(compare))]);
            if (below(2))
                prog_op(p, O_ISZERO);
            place = push_place(p);
            prog_op(p, 0x57);
        } else {
            place = push_place(p);
            prog_op(p, O_JUMP);
        }
        for (unsigned i = below(6); i > 0; i--)
            random_op(p);
        set_place(p, place, p->n + (below(40) == 0)); /* now and then no JUMPDEST */
        prog_op(p, O_JUMPDEST);
    }
    /* at most three turns, counted in storage-free memory far behind */
    prog_push(p, 4096);
    prog_op(p, O_MLOAD);
    prog_push(p, 1);
    prog_op(p, O_ADD);
    prog_op(p, O_DUP1);
    prog_push(p, 4096);
    prog_op(p, O_MSTORE);
    prog_push(p, 3);
    prog_op(p, 0x11); /* 3 > turns */
    size_t place = push_place(p);
    set_place(p, place, loop);
    prog_op(p, 0x57);
    for (unsigned i = 0; i < 6; i++) {
        prog_push(p, 32 * i);
        prog_op(p, O_MSTORE);
    }
    prog_push(p, 3000);
    prog_push(p, 0);
    prog_op(p, O_RETURN);
}

struct end {
    struct vm_result r;
    struct b256 output_hash;
    uint64_t slots[4];
};

static size_t translation_limit; /* 0: the usual one */

static struct end run(const struct stf_rules *rules, struct bytes code, bool translates,
                      uint64_t gas, uint64_t native)
{
    struct vm vm;
    struct end e;
    uint8_t input[100];
    memset(input, 0xa5, sizeof(input));
    vm_init(&vm);
    vm.rules = rules;
    vm.options.translates_at_once = translates;
    vm.options.translation_limit = translation_limit;
    vm_account_bytes(&vm, VM_CODE, 1, 1000, code, 0);
    vm_open(&vm);
    e.r = vm_call(&vm, VM_CODE, bytes_of(input, sizeof(input)), 0, gas, native);
    e.output_hash = keccak256(e.r.output.p, e.r.output.len);
    for (unsigned i = 0; i < 4; i++)
        e.slots[i] = vm_slot(&vm, VM_CODE, i);
    vm_close(&vm);
    return e;
}

static void assert_same(const struct end *a, const struct end *b)
{
    assert_int_equal(a->r.halt, b->r.halt);
    assert_int_equal(a->r.gas_left, b->r.gas_left);
    assert_int_equal(a->r.native_left, b->r.native_left);
    assert_memory_equal(a->output_hash.b, b->output_hash.b, 32);
    assert_memory_equal(a->slots, b->slots, sizeof(a->slots));
}

static void compare(const struct stf_rules *rules, struct bytes code, uint64_t gas, uint64_t native,
                    struct end *plain)
{
    *plain = run(rules, code, false, gas, native);
    struct end translated = run(rules, code, true, gas, native);
    assert_same(plain, &translated);
}

static void test_random_programs(void **state)
{
    static struct prog p;
    unsigned ends[HALT_BLOCK + 1] = { 0 };
    (void)state;
    for (unsigned i = 0; i < PROGRAMS; i++) {
        const struct stf_rules *rules =
            i % 2 ? stf_rules_zksync_os_v31() : stf_rules_ethereum_osaka();
        struct end all, some;
        random_program(&p);
        compare(rules, prog_bytes(&p), 1000000, (uint64_t)1 << 30, &all);
        ends[all.r.halt]++;
        for (unsigned j = 0; j < LIMITS && i % 4 < 2; j++) {
            uint64_t gas = j % 2 ? random_u64() % (all.r.gas_used + 1) : 1000000;
            uint64_t native = j % 3 ? random_u64() % (all.r.native_used + 1) : (uint64_t)1 << 30;
            compare(rules, prog_bytes(&p), gas, native, &some);
            ends[some.r.halt]++;
        }
    }
    /* the programs do end in every way this is about */
    assert_true(ends[HALT_STOP] > 200 && ends[HALT_OUT_OF_GAS] > 200 && ends[HALT_STACK] > 50);
    assert_true(ends[HALT_BAD_JUMP] > 20 && ends[HALT_OUT_OF_NATIVE] > 200);
}

/* A loop at every amount of gas around its end, and at every native of its last blocks. */
static void test_every_limit(void **state)
{
    /* for (i = 5; i; i--) mem[64 * i] = i; return mem[0..32) */
    struct bytes code = vm_hex("6005 5b 80 80 6040 02 52 6001 90 03 80 6002 57 6020 6000 f3");
    struct end all, some;
    (void)state;
    compare(stf_rules_zksync_os_v31(), code, 100000, VM_PLENTY, &all);
    assert_int_equal(all.r.halt, HALT_STOP);
    for (uint64_t gas = 0; gas <= all.r.gas_used; gas++) {
        compare(stf_rules_zksync_os_v31(), code, gas, VM_PLENTY, &some);
        assert_int_equal(some.r.halt, gas < all.r.gas_used ? HALT_OUT_OF_GAS : HALT_STOP);
    }
    for (uint64_t less = 0; less < 9000; less++) {
        compare(stf_rules_zksync_os_v31(), code, 100000, all.r.native_used - less, &some);
        assert_int_equal(some.r.halt, less ? HALT_OUT_OF_NATIVE : HALT_STOP);
    }
}

/* 1,024 words fit: a block that starts with them on the stack, or ends with them, is no exception. */
static void test_stack_edges(void **state)
{
    static struct prog p;
    struct end e;
    (void)state;
    for (unsigned words = 1019; words <= 1025; words++) {
        p.n = 0;
        for (unsigned i = 0; i < words - 4; i++)
            prog_op(&p, 0x30);
        prog_op(&p, O_JUMPDEST);
        for (unsigned i = 0; i < 4; i++)
            prog_op(&p, 0x38);
        prog_op(&p, O_JUMPDEST);
        prog_op(&p, O_SWAP1 + 15);
        prog_op(&p, O_POP);
        prog_op(&p, O_STOP);
        compare(stf_rules_ethereum_cancun(), prog_bytes(&p), 100000, UINT64_MAX, &e);
        assert_int_equal(e.r.halt, words <= 1024 ? HALT_STOP : HALT_STACK);
    }
    /* a block no stack is right for: it needs 17 words and grows by 1,010 */
    p.n = 0;
    for (unsigned i = 0; i < 17; i++)
        prog_op(&p, 0x30);
    prog_op(&p, O_JUMPDEST);
    prog_op(&p, O_SWAP1 + 15);
    for (unsigned i = 0; i < 159; i++)
        prog_op(&p, 0x30);
    prog_op(&p, O_JUMPDEST);
    prog_op(&p, O_STOP);
    compare(stf_rules_ethereum_cancun(), prog_bytes(&p), 100000, UINT64_MAX, &e);
    assert_int_equal(e.r.halt, HALT_STOP);
}

/* Ends of code: a PUSH cut short, a JUMPI as the last byte, an empty program after a jump. */
static void test_ends_of_code(void **state)
{
    static const struct {
        const char *code;
        enum stf_halt halt;
    } cases[] = {
        { "6003565b7f", HALT_STOP },
        { "6003565b7f0102", HALT_STOP },
        { "6003565b6001600357", HALT_OUT_OF_GAS }, /* for ever */
        { "6003565b6000600357", HALT_STOP },
        { "6003565b", HALT_STOP },
        { "6003565b6001600456", HALT_BAD_JUMP },
        { "6003565b600160ff57", HALT_BAD_JUMP },
        { "6003565b600060ff57", HALT_STOP },
        { "6003565b0c", HALT_BAD_OPCODE },
        { "6003565b1e", HALT_STACK },
        { "6003565b60011e00", HALT_STOP },
        { "6003565bfe", HALT_BAD_OPCODE },
        { "6003565b6000600a60006001900360085700", HALT_BAD_JUMP },
    };
    struct end e;
    (void)state;
    for (size_t i = 0; i < GH_COUNT(cases); i++) {
        compare(stf_rules_ethereum_osaka(), vm_hex(cases[i].code), 100000, UINT64_MAX, &e);
        assert_int_equal(e.r.halt, cases[i].halt);
    }
    /* CLZ is undefined before Osaka, also inside a block */
    compare(stf_rules_ethereum_prague(), vm_hex("6003565b60011e00"), 100000, UINT64_MAX, &e);
    assert_int_equal(e.r.halt, HALT_BAD_OPCODE);
}

/* Memory is valid up to what is read, in one step: the address before a constant is added is not touched. Under native
 * accounting each step has a price of its own (35, spec 10 §7.7). */
static void test_memory_behind_a_sum(void **state)
{
    static const char *const cases[] = {
        "36 6020 01 51 00",             /* 100 + 32 */
        "36 6064 01 51 00",             /* 100 + 100 */
        "36 36 01 51 36 6020 01 51 00", /* the second one is in reach */
    };
    (void)state;
    for (size_t i = 0; i < GH_COUNT(cases); i++) {
        struct end plain, some;
        struct bytes code = vm_hex(cases[i]);
        compare(stf_rules_zksync_os_v31(), code, 100000, VM_PLENTY, &plain);
        assert_int_equal(plain.r.halt, HALT_STOP);
        for (uint64_t less = 0; less < 400; less++) {
            compare(stf_rules_zksync_os_v31(), code, 100000, plain.r.native_used - less, &some);
            assert_int_equal(some.r.halt, less ? HALT_OUT_OF_NATIVE : HALT_STOP);
        }
        struct end gas;
        compare(stf_rules_zksync_os_v31(), code, plain.r.gas_used - 1, VM_PLENTY, &gas);
        assert_int_equal(gas.r.halt, HALT_OUT_OF_GAS);
    }
}

/* Wherever room for translated code ends, the rest runs opcode by opcode: blocks of every kind of end, more than fit the
 * pieces in which they are kept, in three turns. */
static void test_every_room(void **state)
{
    static struct prog p;
    static const uint8_t alone[] = { O_SLOAD, 0x31, 0x3b, 0x40, 0x54, 0x3f };
    struct end plain, some;
    (void)state;
    p.n = 0;
    prog_push(&p, 3);
    size_t loop = p.n;
    prog_op(&p, O_JUMPDEST);
    for (unsigned i = 0; i < 150; i++) {
        if (i % 3 == 0)
            prog_op(&p, O_JUMPDEST);
        prog_op(&p, 0x36);
        if (i % 5 == 0) { /* a wide operand */
            prog_op(&p, 0x73);
            for (unsigned k = 0; k < 20; k++)
                prog_op(&p, 0xff);
            prog_op(&p, 0x16);
        }
        prog_op(&p, alone[i % sizeof(alone)]);
        prog_op(&p, O_POP);
        if (i % 7 == 0) { /* a jump that is not taken, and one that is */
            prog_push(&p, 0);
            set_place(&p, push_place(&p), loop);
            prog_op(&p, 0x57);
            size_t place = push_place(&p);
            prog_op(&p, O_JUMP);
            set_place(&p, place, p.n);
            prog_op(&p, O_JUMPDEST);
        }
    }
    prog_push(&p, 1);
    prog_op(&p, O_SWAP1);
    prog_op(&p, 0x03);
    prog_op(&p, O_DUP1);
    set_place(&p, push_place(&p), loop);
    prog_op(&p, 0x57);
    prog_op(&p, O_STOP);
    plain = run(stf_rules_zksync_os_v31(), prog_bytes(&p), false, 30000000, UINT64_MAX);
    assert_int_equal(plain.r.halt, HALT_STOP);
    for (translation_limit = 8; translation_limit < 64u << 10; translation_limit += 24) {
        some = run(stf_rules_zksync_os_v31(), prog_bytes(&p), true, 30000000, UINT64_MAX);
        assert_same(&plain, &some);
    }
    translation_limit = 0;
}

/* Code becomes hot while it runs: the first turns opcode by opcode, the others translated, and nothing shows. */
static void test_hot_loop(void **state)
{
    /* s = 0; for (i = 1000; i; i--) s += i * i; return s */
    struct vm_result r =
        vm_run("6000 6103e8 5b 80 80 02 82 01 91 50 6001 90 03 80 6005 57 50 6000 52 6020 6000 f3",
               VM_PLENTY, VM_PLENTY);
    (void)state;
    assert_int_equal(r.halt, HALT_STOP);
    assert_int_equal(vm_word(r.output), 333833500); /* n (n + 1) (2n + 1) / 6 */
    /* 3 + 3; a turn 1+3+3+5+3+3+2... as the yellow paper prices them; 3 + 3 + 3 + 3 and a word of memory at the end */
    assert_int_equal(r.gas_used,
                     6 + 1000 * (1 + 3 + 3 + 5 + 3 + 3 + 3 + 2 + 3 + 3 + 3 + 3 + 3 + 10) +
                         (2 + 3 + 3 + 3) + (3 + 3 + 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_programs), cmocka_unit_test(test_every_limit),
        cmocka_unit_test(test_stack_edges),     cmocka_unit_test(test_ends_of_code),
        cmocka_unit_test(test_hot_loop),        cmocka_unit_test(test_memory_behind_a_sum),
        cmocka_unit_test(test_every_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
