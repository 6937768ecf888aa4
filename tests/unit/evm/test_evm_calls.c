/* Calls: value, static frames, depth, return data, tx-fatal unwinding, delegation, tracing. */
#include "node/stf/rules.h"
#include "tests/unit/evm/prog.h"

#include <string.h>

#define OTHER 0xbeefu
#define THIRD 0xf00du

static struct vm_result run(struct vm *vm)
{
    return vm_call(vm, VM_CODE, vm_no_bytes(), 0, VM_PLENTY, VM_PLENTY);
}

/* ---- native exhaustion ---- */

static void out_of_native_at_depth_unwinds_everything(void **state)
{
    (void)state;
    struct vm vm;
    static struct prog a, b, c;
    a.n = b.n = c.n = 0;
    prog_sstore(&a, 0, 1);
    prog_call(&a, O_CALL, OTHER, 0, 0, 0);
    prog_op(&a, O_STOP);
    prog_sstore(&b, 0, 2);
    prog_call(&b, O_CALL, THIRD, 0, 0, 0);
    prog_op(&b, O_STOP);
    prog_op(&c, O_JUMPDEST); /* forever */
    prog_push(&c, 0);
    prog_op(&c, O_JUMP);
    vm_init(&vm);
    vm_program(&vm, VM_CODE, 50, &a);
    vm_program(&vm, OTHER, 0, &b);
    vm_program(&vm, THIRD, 0, &c);
    vm_account(&vm, VM_CALLER, 0, 100, "");
    vm_open(&vm);
    struct vm_result r = vm_call(&vm, VM_CODE, vm_no_bytes(), 9, VM_PLENTY, 3000000);
    assert_int_equal(r.halt, HALT_OUT_OF_NATIVE);
    assert_int_equal(r.gas_left, 0);
    assert_int_equal(r.native_left, 0);
    assert_int_equal(r.output.len, 0);
    assert_int_equal(vm_slot(&vm, VM_CODE, 0), 0);
    assert_int_equal(vm_slot(&vm, OTHER, 0), 0);
    struct addr code = addr_of_u32(VM_CODE);
    assert_int_equal(vm_record(&vm, &code)->balance.w[0], 50);
    /* the block goes on: the same driver runs the next transaction */
    r = vm_call(&vm, THIRD, vm_no_bytes(), 0, 100, VM_PLENTY);
    assert_int_equal(r.halt, HALT_OUT_OF_GAS);
    vm_close(&vm);
}

static void a_callee_gets_all_native_and_63_of_64_gas(void **state)
{
    (void)state;
    struct vm vm;
    static struct prog a, b;
    a.n = b.n = 0;
    prog_call(&a, O_CALL, OTHER, 0, 0, 32);
    prog_push(&a, 0);
    prog_op(&a, O_MLOAD);
    prog_return_top(&a);
    prog_op(&b, O_GAS);
    prog_return_top(&b);
    vm_init(&vm);
    vm_program(&vm, VM_CODE, 0, &a);
    vm_program(&vm, OTHER, 0, &b);
    vm_open(&vm);
    struct vm_result r = vm_call(&vm, VM_CODE, vm_no_bytes(), 0, 100000, VM_PLENTY);
    assert_int_equal(r.halt, HALT_STOP);
    /* PUSH1 PUSH0 PUSH0 PUSH0 PUSH0 PUSH2 GAS: 3+8+3+2; memory 3; cold account 2600 */
    uint64_t before = 100000 - 16 - 3 - 2600;
    assert_int_equal(vm_word(r.output), before - before / 64 - 2);
    vm_close(&vm);
}

/* ---- value ---- */

static void a_call_with_value_moves_it_and_adds_the_stipend(void **state)
{
    (void)state;
    struct vm vm;
    static struct prog a, b;
    a.n = b.n = 0;
    prog_call_gas(&a, O_CALL, OTHER, 5, 0, 32, 1); /* one gas, plus 2300 */
    prog_op(&a, O_POP);
    prog_push(&a, 0);
    prog_op(&a, O_MLOAD);
    prog_return_top(&a);
    prog_op(&b, O_GAS);
    prog_return_top(&b);
    vm_init(&vm);
    vm_program(&vm, VM_CODE, 10, &a);
    vm_program(&vm, OTHER, 0, &b);
    vm_open(&vm);
    struct vm_result r = run(&vm);
    assert_int_equal(r.halt, HALT_STOP);
    assert_int_equal(vm_word(r.output), 2301 - 2);
    struct addr code = addr_of_u32(VM_CODE), other = addr_of_u32(OTHER);
    assert_int_equal(vm_record(&vm, &code)->balance.w[0], 5);
    assert_int_equal(vm_record(&vm, &other)->balance.w[0], 5);
    vm_close(&vm);
}

static void value_to_an_empty_account_costs_a_new_account(void **state)
{
    (void)state;
    static const struct {
        unsigned op;
        uint64_t value, gas;
    } rows[] = {
        { O_CALL, 0, 2600 },
        { O_CALL, 1, 2600 + 9000 + 25000 - 2300 },
        { O_CALLCODE, 1, 2600 + 9000 - 2300 }, /* moves nothing: no new account */
        { O_DELEGATECALL, 0, 2600 },
        { O_STATICCALL, 0, 2600 },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        struct vm vm;
        static struct prog a;
        a.n = 0;
        prog_call_gas(&a, rows[i].op, 0xabcdef, rows[i].value, 0, 0, 1);
        prog_return_top(&a);
        vm_init(&vm);
        vm_program(&vm, VM_CODE, 10, &a);
        vm_open(&vm);
        struct vm_result r = run(&vm);
        assert_int_equal(r.halt, HALT_STOP);
        assert_int_equal(vm_word(r.output), 1);
        bool has_value = rows[i].op == O_CALL || rows[i].op == O_CALLCODE;
        uint64_t pushes = 8 + 3 + 3 + (has_value ? (rows[i].value ? 3 : 2) : 0);
        /* return: PUSH0 MSTORE PUSH1 PUSH0 and a word of memory */
        assert_int_equal(r.gas_used, pushes + rows[i].gas + 2 + 3 + 3 + 3 + 2);
        vm_close(&vm);
    }
}

static void a_call_that_cannot_pay_fails_and_keeps_its_gas(void **state)
{
    (void)state;
    struct vm vm;
    static struct prog a;
    a.n = 0;
    prog_memory(&a, 0, vm_hex("112233"));
    prog_call(&a, O_STATICCALL, 4, 0, 3, 0); /* leaves three bytes of return data */
    prog_op(&a, O_POP);
    prog_call_gas(&a, O_CALL, OTHER, 11, 0, 0, 50000);
    prog_op(&a, O_RETURNDATASIZE);
    prog_op(&a, O_ADD);
    prog_return_top(&a);
    vm_init(&vm);
    vm_program(&vm, VM_CODE, 10, &a);
    vm_account(&vm, OTHER, 1, 0, "00");
    vm_open(&vm);
    struct vm_result r = run(&vm);
    assert_int_equal(r.halt, HALT_STOP);
    assert_int_equal(vm_word(r.output), 0); /* failed, and no return data is left */
    assert_true(r.gas_used < 50000);
    vm_close(&vm);
}

static void a_top_call_that_cannot_pay_reverts_with_its_gas(void **state)
{
    (void)state;
    struct vm vm;
    vm_init(&vm);
    vm_account(&vm, VM_CODE, 1, 0, "fe");
    vm_account(&vm, VM_CALLER, 0, 4, "");
    vm_open(&vm);
    struct vm_result r = vm_call(&vm, VM_CODE, vm_no_bytes(), 5, 1000, VM_PLENTY);
    assert_int_equal(r.halt, HALT_REVERT);
    assert_int_equal(r.gas_left, 1000);
    assert_int_equal(r.output.len, 0);
    vm_close(&vm);
}

/* ---- static frames ---- */

static void static_frames_refuse_every_change(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        bool allowed;
    } rows[] = {
        { "5f5f 55 00", false },                     /* SSTORE */
        { "5f5f 5d 00", false },                     /* TSTORE */
        { "5f5f a0 00", false },                     /* LOG0 */
        { "5f5f5f5f5f5f a4 00", false },             /* LOG4 */
        { "5f5f5f f0 00", false },                   /* CREATE */
        { "5f5f5f5f f5 00", false },                 /* CREATE2 */
        { "5f ff", false },                          /* SELFDESTRUCT */
        { "5f5f5f5f600161dead61ffff f1 00", false }, /* CALL with value */
        { "5f5f5f5f5f61dead61ffff f1 00", true },    /* CALL without */
        { "5f5f5f5f600161dead61ffff f2 00", true },  /* CALLCODE with value moves nothing */
        { "5f 54 5f 5c 00", true },                  /* reads */
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        for (unsigned deeper = 0; deeper < 2; deeper++) {
            struct vm vm;
            static struct prog a, between;
            a.n = between.n = 0;
            /* static mode is inherited: the second time a plain CALL stands between */
            prog_call_gas(&a, O_STATICCALL, deeper ? THIRD : OTHER, 0, 0, 32, 500000);
            if (deeper) {
                prog_op(&a, O_POP);
                prog_push(&a, 0);
                prog_op(&a, O_MLOAD);
            }
            prog_return_top(&a);
            prog_call(&between, O_CALL, OTHER, 0, 0, 0);
            prog_return_top(&between);
            vm_init(&vm);
            vm_program(&vm, VM_CODE, 10, &a);
            vm_program(&vm, THIRD, 10, &between);
            vm_account(&vm, OTHER, 1, 10, rows[i].code);
            vm_open(&vm);
            struct vm_result r = run(&vm);
            assert_int_equal(r.halt, HALT_STOP);
            assert_int_equal(vm_word(r.output), rows[i].allowed);
            if (!rows[i].allowed)
                assert_true(r.gas_used > 480000); /* what the callee got is burned */
            vm_close(&vm);
        }
    }
}

/* ---- depth ---- */

/* Calls itself with all gas and returns one more than the callee did: the number of frames below
 * and with it. */
static void the_1025th_frame_is_the_last(void **state)
{
    (void)state;
    struct vm vm;
    static struct prog a;
    a.n = 0;
    prog_call(&a, O_CALL, VM_CODE, 0, 0, 32);
    prog_op(&a, O_POP);
    prog_push(&a, 0);
    prog_op(&a, O_MLOAD);
    prog_push(&a, 1);
    prog_op(&a, O_ADD);
    prog_return_top(&a);
    vm_init(&vm);
    vm_program(&vm, VM_CODE, 0, &a);
    vm_open(&vm);
    for (int again = 0; again < 2; again++) {
        struct vm_result r = run(&vm);
        assert_int_equal(r.halt, HALT_STOP);
        assert_int_equal(vm_word(r.output), 1025);
    }
    vm_close(&vm);
}

/* ---- return data ---- */

static void return_data_can_be_read_to_its_end_only(void **state)
{
    (void)state;
    static const struct {
        uint64_t offset, len;
        bool ok;
    } rows[] = { { 0, 3, true },  { 0, 4, false }, { 3, 0, true },
                 { 4, 0, false }, { 2, 1, true },  { UINT64_MAX, 1, false } };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        struct vm vm;
        static struct prog a;
        a.n = 0;
        prog_memory(&a, 0, vm_hex("112233"));
        prog_call(&a, O_STATICCALL, 4, 0, 3, 0);
        prog_push(&a, rows[i].len);
        prog_push(&a, rows[i].offset);
        prog_push(&a, 64);
        prog_op(&a, O_RETURNDATACOPY);
        prog_op(&a, O_STOP);
        vm_init(&vm);
        vm_program(&vm, VM_CODE, 0, &a);
        vm_open(&vm);
        assert_int_equal(run(&vm).halt, rows[i].ok ? HALT_STOP : HALT_RETURNDATA);
        vm_close(&vm);
    }
}

static void return_data_survives_the_callers_writes(void **state)
{
    (void)state;
    struct vm vm;
    static struct prog a;
    a.n = 0;
    prog_memory(&a, 0, vm_hex("aabbccdd"));
    prog_call(&a, O_CALL, OTHER, 0, 4, 2);       /* only two bytes come into memory */
    prog_call(&a, O_STATICCALL, 0xabc, 0, 0, 0); /* an account without code clears it */
    prog_op(&a, O_RETURNDATASIZE);
    prog_push(&a, 0);
    prog_op(&a, O_SSTORE);
    prog_call(&a, O_CALL, OTHER, 0, 4, 0);
    prog_memory(&a, 0, vm_hex("0000000000000000"));
    prog_push(&a, 4);
    prog_push(&a, 0);
    prog_push(&a, 28);
    prog_op(&a, O_RETURNDATACOPY);
    prog_push(&a, 32);
    prog_push(&a, 0);
    prog_op(&a, O_RETURN);
    vm_init(&vm);
    vm_program(&vm, VM_CODE, 0, &a);
    /* returns its calldata */
    vm_account(&vm, OTHER, 1, 0, "36 5f 5f 37 36 5f f3");
    vm_open(&vm);
    struct vm_result r = run(&vm);
    assert_int_equal(r.halt, HALT_STOP);
    assert_int_equal(vm_word(r.output), 0xaabbccdd);
    assert_int_equal(vm_slot(&vm, VM_CODE, 0), 0);
    vm_close(&vm);
}

static void a_revert_gives_back_gas_and_data_and_undoes_effects(void **state)
{
    (void)state;
    struct vm vm;
    static struct prog a, b;
    a.n = b.n = 0;
    prog_call(&a, O_CALL, OTHER, 3, 0, 32);
    prog_push(&a, 0);
    prog_op(&a, O_MLOAD);
    prog_op(&a, O_ADD);
    prog_return_top(&a);
    prog_sstore(&b, 0, 1);
    prog_push(&b, 0x77);
    prog_push(&b, 0);
    prog_op(&b, O_MSTORE);
    prog_push(&b, 32);
    prog_push(&b, 0);
    prog_op(&b, O_REVERT);
    vm_init(&vm);
    vm_program(&vm, VM_CODE, 10, &a);
    vm_program(&vm, OTHER, 0, &b);
    vm_open(&vm);
    struct vm_result r = run(&vm);
    assert_int_equal(r.halt, HALT_STOP);
    assert_int_equal(vm_word(r.output), 0x77); /* result 0 */
    assert_true(r.gas_used < 60000);
    assert_int_equal(vm_slot(&vm, OTHER, 0), 0);
    struct addr code = addr_of_u32(VM_CODE);
    assert_int_equal(vm_record(&vm, &code)->balance.w[0], 10);
    vm_close(&vm);
}

/* ---- whose storage, sender and value ---- */

static void each_call_kind_has_its_own_self_caller_and_value(void **state)
{
    (void)state;
    static const struct {
        unsigned op;
        uint64_t self, caller, value;
    } rows[] = {
        { O_CALL, OTHER, VM_CODE, 3 },
        { O_CALLCODE, VM_CODE, VM_CODE, 3 },
        { O_DELEGATECALL, VM_CODE, VM_CALLER, 4 },
        { O_STATICCALL, OTHER, VM_CODE, 0 },
    };
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        struct vm vm;
        static struct prog a;
        a.n = 0;
        prog_call(&a, rows[i].op, OTHER, 3, 0, 96);
        prog_push(&a, 96);
        prog_push(&a, 0);
        prog_op(&a, O_RETURN);
        vm_init(&vm);
        vm_program(&vm, VM_CODE, 10, &a);
        vm_account(&vm, VM_CALLER, 0, 10, "");
        /* returns ADDRESS, CALLER, CALLVALUE */
        vm_account(&vm, OTHER, 1, 0, "30 5f 52 33 6020 52 34 6040 52 6060 5f f3");
        vm_open(&vm);
        struct vm_result r = vm_call(&vm, VM_CODE, vm_no_bytes(), 4, VM_PLENTY, VM_PLENTY);
        assert_int_equal(r.halt, HALT_STOP);
        assert_int_equal(r.output.len, 96);
        assert_int_equal(load_be64(r.output.p + 24), rows[i].self);
        assert_int_equal(load_be64(r.output.p + 56), rows[i].caller);
        assert_int_equal(load_be64(r.output.p + 88), rows[i].value);
        vm_close(&vm);
    }
}

/* ---- EIP-7702 ---- */

static void delegated_code_runs_in_the_delegators_account(void **state)
{
    (void)state;
    /* the status byte decides; code version 0 is the form of reference blocks */
    static const uint64_t versions[] = { 0x0201010000000000, 0x0201000000000000 };
    for (size_t i = 0; i < GH_COUNT(versions); i++) {
        struct vm vm;
        static struct prog a;
        a.n = 0;
        prog_call(&a, O_CALL, OTHER, 0, 0, 32);
        prog_op(&a, O_POP);
        prog_push(&a, 0);
        prog_op(&a, O_MLOAD);
        prog_return_top(&a);
        vm_init(&vm);
        vm_program(&vm, VM_CODE, 0, &a);
        vm_account_bytes(&vm, OTHER, 1, 0,
                         vm_hex("ef0100 000000000000000000000000000000000000f00d"), versions[i]);
        vm_account(&vm, THIRD, 1, 0, "30 5f 52 6020 5f f3");
        vm_open(&vm);
        struct vm_result r = run(&vm);
        assert_int_equal(r.halt, HALT_STOP);
        assert_int_equal(vm_word(r.output), OTHER);
        /* both accounts were cold: 13 and 2 for operands, 3 of memory, then POP, reload, return,
         * callee */
        assert_int_equal(r.gas_used, 16 + 3 + 2600 + 2600 + (2 + 3 + 3 + 3 + 2 + 2) +
                                         (2 + 3 + 2 + 3 + 3 + 2) + 2);
        vm_close(&vm);
    }
}

static void a_second_designator_is_not_followed(void **state)
{
    (void)state;
    struct vm vm;
    vm_init(&vm);
    vm_account_bytes(&vm, VM_CODE, 1, 0, vm_hex("ef0100 000000000000000000000000000000000000beef"),
                     ACCOUNT_VERSIONING_DELEGATED);
    vm_account_bytes(&vm, OTHER, 1, 0, vm_hex("ef0100 000000000000000000000000000000000000f00d"),
                     ACCOUNT_VERSIONING_DELEGATED);
    vm_account(&vm, THIRD, 1, 0, "00");
    vm_open(&vm);
    assert_int_equal(run(&vm).halt, HALT_BAD_OPCODE);
    vm_close(&vm);
}

/* ---- tracing ---- */

struct count {
    unsigned steps, enters, exits;
    uint64_t native_of_first, gas_of_first;
};

static bool on_step(void *ctx, const struct stf_step *s)
{
    struct count *c = ctx;
    if (!c->steps++) {
        c->native_of_first = s->native;
        c->gas_of_first = s->gas;
    }
    assert_true(s->stack_len <= 1024);
    return true;
}
static void on_enter(void *ctx, const struct ee_frame *f, enum call_kind kind)
{
    struct count *c = ctx;
    (void)kind;
    assert_int_equal(f->depth, c->enters - c->exits);
    c->enters++;
}
static void on_exit_frame(void *ctx, const struct ee_frame *f, const struct frame_outcome *o)
{
    struct count *c = ctx;
    (void)o;
    c->exits++;
    assert_int_equal(f->depth, c->enters - c->exits);
}

static void tracing_sees_every_step_and_changes_nothing(void **state)
{
    (void)state;
    struct vm_result plain = { 0 };
    for (unsigned traced = 0; traced < 2; traced++) {
        struct count count = { 0 };
        struct stf_tracer tracer = {
            .ctx = &count, .on_step = on_step, .on_enter = on_enter, .on_exit = on_exit_frame
        };
        struct vm vm;
        static struct prog a;
        a.n = 0;
        prog_call(&a, O_CALL, OTHER, 0, 0, 0);   /* 8 steps */
        prog_call(&a, O_STATICCALL, 4, 0, 0, 0); /* 7, a precompile */
        prog_op(&a, O_STOP);
        vm_init(&vm);
        vm.tracer = traced ? &tracer : NULL;
        vm_program(&vm, VM_CODE, 0, &a);
        vm_account(&vm, OTHER, 1, 0, "5f 5f fd"); /* 3 */
        vm_open(&vm);
        struct vm_result r = vm_call(&vm, VM_CODE, vm_no_bytes(), 0, 100000, VM_PLENTY);
        assert_int_equal(r.halt, HALT_STOP);
        if (!traced) {
            plain = r;
        } else {
            assert_int_equal(count.steps, 8 + 7 + 1 + 3);
            assert_int_equal(count.enters, 3);
            assert_int_equal(count.exits, 3);
            assert_int_equal(count.gas_of_first, 100000);
            assert_int_equal(r.gas_used, plain.gas_used);
            assert_int_equal(r.native_used, plain.native_used);
        }
        vm_close(&vm);
    }
}

/* ---- memory of many frames ---- */

struct nested {
    enum stf_halt halt;
    uint64_t frames, gas_left;
};
/* Every frame takes `kib` of memory and calls itself; the answer is how many frames could. */
static struct nested nest(struct stf_rules *rules, unsigned kib)
{
    static struct vm vm;
    static struct prog p;
    vm_init(&vm);
    vm.rules = rules;
    p.n = 0;
    prog_op(&p, 0x5f); /* mem[kib * 1024 - 32] = 0 */
    prog_push(&p, (uint64_t)kib * 1024 - 32);
    prog_op(&p, O_MSTORE);
    prog_call_gas(&p, O_CALL, VM_CODE, 0, 0, 32, 0);
    prog_op(&p, O_POP);
    prog_op(&p, 0x5f); /* return mem[0] + 1; a callee that failed left nothing there */
    prog_op(&p, O_MLOAD);
    prog_push(&p, 1);
    prog_op(&p, O_ADD);
    prog_op(&p, 0x5f);
    prog_op(&p, O_MSTORE);
    prog_push(&p, 32);
    prog_op(&p, 0x5f);
    prog_op(&p, O_RETURN);
    vm_account_bytes(&vm, VM_CODE, 1, 0, prog_bytes(&p), 0);
    vm_open(&vm);
    struct vm_result r = vm_call(&vm, VM_CODE, vm_no_bytes(), 0, (uint64_t)1 << 60, VM_PLENTY);
    struct nested n = { r.halt, r.output.len == 32 ? vm_word(r.output) : 0, r.gas_left };
    vm_close(&vm);
    return n;
}

static void nested_frames_share_the_bound_of_memory(void **state)
{
    struct stf_rules rules = *stf_rules_zksync_os_v31();
    (void)state;
    rules.max_return_len = UINT64_MAX;
    /* 1,024 frames of 128 KiB fill the 128 MiB of ZKsync OS; the 1,025th is out of gas */
    struct nested r = nest(&rules, 128);
    assert_int_equal(r.halt, HALT_STOP);
    assert_int_equal(r.frames, 1024);
    assert_int_equal(nest(&rules, 124).frames, 1025); /* all there may be */
    assert_int_equal(nest(&rules, 256).frames, 512);
    /* where the bound is only ours, whoever goes beyond it loses the block, and nothing else happens */
    rules = *stf_rules_ethereum_osaka();
    rules.max_heap_len = 8u << 20;
    assert_int_equal(nest(&rules, 7).frames, 1025);
    r = nest(&rules, 16);
    assert_int_equal(r.halt, HALT_BLOCK);
    assert_int_equal(r.gas_left, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nested_frames_share_the_bound_of_memory),
        cmocka_unit_test(out_of_native_at_depth_unwinds_everything),
        cmocka_unit_test(a_callee_gets_all_native_and_63_of_64_gas),
        cmocka_unit_test(a_call_with_value_moves_it_and_adds_the_stipend),
        cmocka_unit_test(value_to_an_empty_account_costs_a_new_account),
        cmocka_unit_test(a_call_that_cannot_pay_fails_and_keeps_its_gas),
        cmocka_unit_test(a_top_call_that_cannot_pay_reverts_with_its_gas),
        cmocka_unit_test(static_frames_refuse_every_change),
        cmocka_unit_test(the_1025th_frame_is_the_last),
        cmocka_unit_test(return_data_can_be_read_to_its_end_only),
        cmocka_unit_test(return_data_survives_the_callers_writes),
        cmocka_unit_test(a_revert_gives_back_gas_and_data_and_undoes_effects),
        cmocka_unit_test(each_call_kind_has_its_own_self_caller_and_value),
        cmocka_unit_test(delegated_code_runs_in_the_delegators_account),
        cmocka_unit_test(a_second_designator_is_not_followed),
        cmocka_unit_test(tracing_sees_every_step_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
