/* The interpreter itself: stack bounds, jumps, the end of the code, words against the shared
 * arithmetic, the block's values. */
#include "tests/unit/evm/prog.h"

#include "node/stf/evm.h"
#include "node/stf/evm_arith.h"

#include <stdio.h>
#include <string.h>

/* ---- stack ---- */

static void every_opcode_tests_its_stack(void **state)
{
    (void)state;
    static const struct {
        uint8_t code;
        unsigned in, out;
    } ops[] = {
#define OP(code, NAME, body, gas, in, out, native) { code, in, out },
#include "node/stf/opcodes.def"
#undef OP
    };
    for (size_t i = 0; i < GH_COUNT(ops); i++) {
        static struct prog p;
        struct vm vm;
        if (ops[i].in > 0) { /* one operand short */
            p.n = 0;
            for (unsigned k = 0; k + 1 < ops[i].in; k++)
                prog_push(&p, 0);
            prog_op(&p, ops[i].code);
            vm_init(&vm);
            vm.rules = stf_rules_ethereum_osaka(); /* has them all */
            vm_program(&vm, VM_CODE, 0, &p);
            vm_open(&vm);
            struct vm_result r = vm_call(&vm, VM_CODE, vm_no_bytes(), 0, VM_PLENTY, VM_PLENTY);
            assert_int_equal(r.halt, HALT_STACK);
            assert_int_equal(r.gas_left, 0);
            vm_close(&vm);
        }
        if (ops[i].out > ops[i].in) { /* full */
            for (unsigned full = 1023; full <= 1024; full++) {
                p.n = 0;
                for (unsigned k = 0; k < full; k++)
                    prog_push(&p, 0);
                prog_op(&p, ops[i].code);
                vm_init(&vm);
                vm.rules = stf_rules_ethereum_osaka();
                vm_program(&vm, VM_CODE, 0, &p);
                vm_open(&vm);
                struct vm_result r = vm_call(&vm, VM_CODE, vm_no_bytes(), 0, VM_PLENTY, VM_PLENTY);
                assert_int_equal(r.halt, full == 1024 ? HALT_STACK : HALT_STOP);
                vm_close(&vm);
            }
        }
    }
}

static void opcode_names_come_from_the_list(void **state)
{
    (void)state;
    assert_string_equal(evm_op_name(0x5f), "PUSH0");
    assert_string_equal(evm_op_name(0xff), "SELFDESTRUCT");
    assert_null(evm_op_name(0x0c));
    unsigned named = 0;
    for (unsigned i = 0; i < 256; i++)
        named += evm_op_name((uint8_t)i) != NULL;
    assert_int_equal(named, 150); /* of Osaka */
}

/* ---- code ---- */

static void jumps_land_on_jumpdests_outside_of_data_only(void **state)
{
    (void)state;
    assert_int_equal(vm_run("6003 56 5b 00", 100, VM_PLENTY).halt, HALT_STOP);
    assert_int_equal(vm_run("6004 56 60 5b 00", 100, VM_PLENTY).halt, HALT_BAD_JUMP); /* data */
    assert_int_equal(vm_run("6003 56 00", 100, VM_PLENTY).halt, HALT_BAD_JUMP);
    assert_int_equal(vm_run("6005 56 5b 00", 100, VM_PLENTY).halt, HALT_BAD_JUMP); /* behind */
    assert_int_equal(vm_run("68010000000000000003 56 5b", 100, VM_PLENTY).halt, HALT_BAD_JUMP);
    assert_int_equal(vm_run("6001 60ff 57 00", 100, VM_PLENTY).halt, HALT_BAD_JUMP);
    assert_int_equal(vm_run("5f 60ff 57 00", 100, VM_PLENTY).halt, HALT_STOP); /* not taken */
    /* the bitmap is read at the last byte of a word: 64 bytes, JUMPDEST at 63 */
    struct vm vm;
    static struct prog p;
    p.n = 0;
    prog_push(&p, 63);
    prog_op(&p, O_JUMP);
    while (p.n < 63)
        prog_op(&p, O_INVALID);
    prog_op(&p, O_JUMPDEST);
    vm_init(&vm);
    vm_program(&vm, VM_CODE, 0, &p);
    vm_open(&vm);
    assert_int_equal(vm_call(&vm, VM_CODE, vm_no_bytes(), 0, 100, VM_PLENTY).halt, HALT_STOP);
    vm_close(&vm);
}

static void running_off_the_end_stops_whatever_the_length(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 200; len++) {
        struct vm vm;
        static struct prog p;
        p.n = 0;
        while (p.n < len)
            prog_op(&p, O_JUMPDEST);
        vm_init(&vm);
        vm_program(&vm, VM_CODE, 0, &p);
        vm_open(&vm);
        struct vm_result r = vm_call(&vm, VM_CODE, vm_no_bytes(), 0, len, VM_PLENTY);
        assert_int_equal(r.halt, HALT_STOP);
        assert_int_equal(r.gas_left, 0);
        vm_close(&vm);
    }
}

/* seen through the tracer: nothing can use the value, since STOP follows */
static struct u256 last_top;
static bool keep_top(void *ctx, const struct stf_step *s)
{
    (void)ctx;
    if (s->stack_len)
        last_top = s->stack[s->stack_len - 1];
    return true;
}

static void a_push_cut_by_the_end_reads_zeros(void **state)
{
    (void)state;
    const struct stf_tracer tracer = { .on_step = keep_top };
    for (unsigned n = 1; n <= 32; n++) {
        struct vm vm;
        static struct prog p;
        p.n = 0;
        prog_op(&p, 0x5f + n);
        prog_op(&p, 0xaa);
        vm_init(&vm);
        vm.tracer = &tracer;
        vm_program(&vm, VM_CODE, 0, &p);
        vm_open(&vm);
        struct vm_result r = vm_call(&vm, VM_CODE, vm_no_bytes(), 0, 3, VM_PLENTY);
        assert_int_equal(r.halt, HALT_STOP);
        struct u256 byte = u256_of_u64(0xaa), want = u256_shl(&byte, 8 * (n - 1));
        assert_memory_equal(&last_top, &want, sizeof(want));
        vm_close(&vm);
    }
}

static void every_push_reads_its_bytes(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 32; n++) {
        struct vm vm;
        static struct prog p;
        uint8_t want[32] = { 0 };
        p.n = 0;
        prog_op(&p, 0x5f + n);
        for (unsigned i = 0; i < n; i++) {
            prog_op(&p, 0x11 * (i + 1) & 0xff);
            want[32 - n + i] = (uint8_t)(0x11 * (i + 1) & 0xff);
        }
        prog_return_top(&p);
        vm_init(&vm);
        vm_program(&vm, VM_CODE, 0, &p);
        vm_open(&vm);
        struct vm_result r = vm_call(&vm, VM_CODE, vm_no_bytes(), 0, VM_PLENTY, VM_PLENTY);
        assert_int_equal(r.halt, HALT_STOP);
        assert_memory_equal(r.output.p, want, 32);
        vm_close(&vm);
    }
}

/* ---- words ---- */

static uint64_t rng_state = 88172645463325252u;
static uint64_t rng(void)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return rng_state;
}
/* limbs that are often 0, all ones or small */
static struct u256 random_word(void)
{
    struct u256 v;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t kind = rng() % 4;
        v.w[i] = kind == 0 ? 0 : kind == 1 ? UINT64_MAX : kind == 2 ? rng() & 0xff : rng();
    }
    return v;
}
static void assert_word(const struct u256 *got, struct u256 want)
{
    assert_memory_equal(got, &want, sizeof(want));
}

static void inlined_arithmetic_agrees_with_the_shared_one(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        struct u256 a = random_word(), b = random_word(), r;
        evm_add(&r, &a, &b);
        assert_word(&r, u256_add(&a, &b));
        evm_sub(&r, &a, &b);
        assert_word(&r, u256_sub(&a, &b));
        evm_mul(&r, &a, &b);
        assert_word(&r, u256_mul(&a, &b));
        evm_div(&r, &a, &b);
        assert_word(&r, u256_div(&a, &b));
        evm_mod(&r, &a, &b);
        assert_word(&r, u256_mod(&a, &b));
        struct u256 one = U256_ONE, power = u256_shl(&one, (unsigned)(rng() % 257));
        evm_div(&r, &a, &power); /* also by zero */
        assert_word(&r, u256_div(&a, &power));
        evm_mod(&r, &a, &power);
        assert_word(&r, u256_mod(&a, &power));
        assert_int_equal(evm_slt(&a, &b), u256_slt(&a, &b));
        r = a;
        evm_mul(&r, &r, &r); /* in place */
        assert_word(&r, u256_mul(&a, &a));
        uint8_t be[32];
        evm_store_be(be, &a);
        assert_word(&a, u256_of_be32(be));
        evm_load_be(&r, be);
        assert_word(&r, a);
    }
}

static void shifts_bytes_and_signs_at_every_distance(void **state)
{
    (void)state;
    for (unsigned n = 0; n <= 300; n++) {
        for (unsigned round = 0; round < 20; round++) {
            struct u256 x = random_word(), by = u256_of_u64(n), r;
            evm_shl(&r, &x, &by);
            assert_word(&r, u256_shl(&x, n));
            evm_shr(&r, &x, &by);
            assert_word(&r, u256_shr(&x, n));
            evm_sar(&r, &x, &by);
            assert_word(&r, u256_sar(&x, n));
            r = x;
            evm_signextend(&r, &by);
            assert_word(&r, u256_signextend(&by, &x));
            uint8_t be[32];
            u256_to_be32(be, &x);
            evm_byte(&r, &by, &x);
            assert_word(&r, u256_of_u64(n < 32 ? be[n] : 0));
            by.w[3] = 1; /* far beyond */
            evm_shl(&r, &x, &by);
            assert_word(&r, U256_ZERO);
            evm_sar(&r, &x, &by);
            assert_word(&r, u256_sar(&x, 256));
        }
    }
}

static void mulmod_by_a_staying_modulus_agrees(void **state)
{
    (void)state;
    struct evm_modulus cache;
    memset(&cache, 0, sizeof(cache));
    unsigned prepared = 0;
    for (unsigned round = 0; round < 3000; round++) {
        struct u256 m = random_word();
        switch (
            round %
            4) { /* extremes of what is prepared: just above 2^192, all ones, a random odd one */
        case 0:
            m = (struct u256){ { 1, 0, 0, 1 } };
            m.w[0] = (rng() & 0xff) | 1;
            break;
        case 1:
            m = U256_MAX;
            m.w[0] -= 2 * (rng() & 0xff);
            break;
        case 2:
            m.w[0] |= 1;
            m.w[3] |= 1;
            break;
        default: /* anything */
            break;
        }
        for (unsigned i = 0; i < 60; i++) {
            struct u256 a = i % 5 ? random_word() : U256_MAX, b = i % 7 ? random_word() : U256_MAX;
            if (i % 11 == 0) /* m - 1 times m - 1: a result of 1 */
                a = b = u256_sub(&m, &U256_ONE);
            if (i % 13 == 0) /* a multiple of m */
                b = m;
            struct u256 r = m;
            evm_mulmod(&cache, &r, &a, &b);
            assert_word(&r, u256_mulmod(&a, &b, &m));
        }
        prepared += cache.ready;
    }
    assert_true(prepared > 2000);
}

/* ---- the block ---- */

static uint64_t value_of(const char *op, const struct stf_rules *rules)
{
    struct vm vm;
    static struct prog p;
    struct bytes code = vm_hex(op);
    p.n = 0;
    memcpy(p.b, code.p, code.len);
    p.n = code.len;
    prog_return_top(&p);
    vm_init(&vm);
    vm.rules = rules;
    vm_program(&vm, VM_CODE, 1000, &p);
    vm_open(&vm);
    struct vm_result r = vm_call(&vm, VM_CODE, vm_no_bytes(), 0, VM_PLENTY, VM_PLENTY);
    assert_int_equal(r.halt, HALT_STOP);
    uint64_t v = vm_word(r.output);
    vm_close(&vm);
    return v;
}

/* EIP-7939, and no such opcode in the rule sets before it */
static void leading_zeros_are_counted_where_the_rules_have_it(void **state)
{
    (void)state;
    const struct stf_rules *osaka = stf_rules_ethereum_osaka();
    assert_int_equal(value_of("5f 1e", osaka), 256);
    assert_int_equal(value_of("6001 1e", osaka), 255);
    assert_int_equal(value_of("5f 19 1e", osaka), 0);
    assert_int_equal(value_of("67 0000000000008000 1e", osaka), 240);
    for (unsigned bit = 0; bit < 256; bit++) {
        char op[16];
        (void)snprintf(op, sizeof(op), "6001 60%02x 1b 1e", bit);
        assert_int_equal(value_of(op, osaka), 255 - bit);
    }
    const struct stf_rules *without[] = { stf_rules_zksync_os_v31(), stf_rules_ethereum_cancun(),
                                          stf_rules_ethereum_prague() };
    for (size_t i = 0; i < GH_COUNT(without); i++) {
        static struct prog p;
        struct vm vm;
        p.n = 0;
        prog_push(&p, 1);
        prog_op(&p, 0x1e);
        vm_init(&vm);
        vm.rules = without[i];
        vm_program(&vm, VM_CODE, 0, &p);
        vm_open(&vm);
        struct vm_result r = vm_call(&vm, VM_CODE, vm_no_bytes(), 0, VM_PLENTY, VM_PLENTY);
        assert_int_equal(r.halt, HALT_BAD_OPCODE);
        vm_close(&vm);
    }
}

static void the_block_is_seen_as_its_context_says(void **state)
{
    (void)state;
    const struct stf_rules *zk = stf_rules_zksync_os_v31(), *eth = stf_rules_ethereum_cancun();
    assert_int_equal(value_of("41", zk), 0xc01b);     /* COINBASE */
    assert_int_equal(value_of("42", zk), 1700000000); /* TIMESTAMP */
    assert_int_equal(value_of("43", zk), 1000);       /* NUMBER */
    assert_int_equal(value_of("45", zk), 100000000);  /* GASLIMIT */
    assert_int_equal(value_of("46", zk), 270);        /* CHAINID */
    assert_int_equal(value_of("47", zk), 1000);       /* SELFBALANCE */
    assert_int_equal(value_of("48", zk), 1000);       /* BASEFEE */
    assert_int_equal(value_of("4a", zk), 1);          /* BLOBBASEFEE */
    assert_int_equal(value_of("44", zk), 1);          /* ZKOS: PREVRANDAO */
    assert_int_equal(value_of("44", eth), 77);
    assert_int_equal(value_of("5f 49", zk), 0); /* ZKOS: BLOBHASH */
    /* BLOCKHASH: parent 999 is entry 255; 744 the oldest; 743 and 1000 unknown */
    assert_int_equal(value_of("6103e7 40", zk), 0x8000 + 255);
    assert_int_equal(value_of("6102e8 40", zk), 0x8000);
    assert_int_equal(value_of("6102e7 40", zk), 0);
    assert_int_equal(value_of("6103e8 40", zk), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_opcode_tests_its_stack),
        cmocka_unit_test(opcode_names_come_from_the_list),
        cmocka_unit_test(jumps_land_on_jumpdests_outside_of_data_only),
        cmocka_unit_test(running_off_the_end_stops_whatever_the_length),
        cmocka_unit_test(a_push_cut_by_the_end_reads_zeros),
        cmocka_unit_test(every_push_reads_its_bytes),
        cmocka_unit_test(inlined_arithmetic_agrees_with_the_shared_one),
        cmocka_unit_test(shifts_bytes_and_signs_at_every_distance),
        cmocka_unit_test(mulmod_by_a_staying_modulus_agrees),
        cmocka_unit_test(leading_zeros_are_counted_where_the_rules_have_it),
        cmocka_unit_test(the_block_is_seen_as_its_context_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
