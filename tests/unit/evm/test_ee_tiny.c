/* A second environment, here only: its programs are lists of requests. With it in the table of the rules, contracts of
 * both call and create each other, and whatever the frame driver and everything above it do (values, static calls,
 * results, resources, unwinding) is the same for both; none of it knows what code looks like. */
#include "tests/unit/evm/prog.h"

#include "node/stf/rules.h"

#define TINY_ID    2u
#define TINY_PRICE 11u /* gas and native of an instruction */

/* Instructions: one letter, then operands. The answer of the last request is what 'r' and 'x' give back. */
enum {
    T_CALL =
        'c', /* kind, low byte of the address, value: with all gas but a 64th, and its own input */
    T_CREATE = 'n', /* environment or 0, value, length, initcode */
    T_STORE = 's',  /* slot, value */
    T_BURN = 'b',   /* so much native, times 2^20 */
    T_VALUE = 'v',  /* the answer becomes the value of the call */
    T_OWN = 'o',    /* the answer becomes the rest of the code */
    T_RETURN = 'r',
    T_REVERT = 'x'
};

struct tiny {
    size_t pc;
    struct bytes answer;
    uint8_t word[32];
};
struct tiny_pool {
    struct tiny frames[EE_DEPTH_CAP];
};
static int tiny_open; /* started and not finished */

static enum ee_exit done(struct ee_frame *f, enum stf_halt halt, struct bytes output)
{
    f->halt = halt;
    f->output = output;
    return EE_DONE;
}

static struct addr low_addr(uint8_t low)
{
    return addr_of_u32(0x710000u + low);
}

static enum ee_exit request_call(struct ee_frame *f, const uint8_t *op)
{
    enum call_kind kind = op[1];
    struct addr callee = low_addr(op[2]);
    bool runs_here = kind == CALL_CODE || kind == CALL_DELEGATE;
    uint64_t gas = f->res.gas - f->res.gas / 64;
    f->res.gas -= gas;
    f->request.call = (struct ee_call_request){
        .kind = kind,
        .code_addr = callee,
        .self = runs_here ? f->self : callee,
        .caller = kind == CALL_DELEGATE ? f->caller : f->self,
        .value = u256_of_u64(op[3]),
        .input = f->input,
        .gas = gas,
        .is_static = f->is_static || kind == CALL_STATIC,
    };
    return EE_CALL;
}

static enum ee_exit request_create(struct ee_frame *f, const uint8_t *op)
{
    uint64_t gas = f->res.gas - f->res.gas / 64;
    f->res.gas -= gas;
    f->request.create = (struct ee_create_request){
        .initcode = bytes_of(op + 4, op[3]),
        .value = u256_of_u64(op[2]),
        .environment = op[1],
        .gas = gas,
    };
    return EE_CREATE;
}

static enum ee_exit tiny_go(struct stf_block *b, struct ee_frame *f)
{
    struct tiny *t = f->state;
    for (;;) {
        enum stf_halt halt = res_charge(&f->res, TINY_PRICE, TINY_PRICE);
        if (halt != HALT_NONE)
            return done(f, halt, vm_no_bytes());
        if (t->pc >= f->code.len)
            return done(f, HALT_STOP, vm_no_bytes());
        const uint8_t *op = f->code.p + t->pc;
        switch (*op) {
        case T_CALL:
            t->pc += 4;
            return request_call(f, op);
        case T_CREATE:
            t->pc += 4 + (size_t)op[3];
            return request_create(f, op);
        case T_STORE: {
            struct b256 slot = b256_of_u64(op[1]), value = b256_of_u64(op[2]);
            halt = f->is_static ? HALT_STATIC : sys_sstore(b, &f->res, &f->self, &slot, &value);
            t->pc += 3;
            break;
        }
        case T_BURN:
            halt = res_charge(&f->res, 0, (uint64_t)op[1] << 20);
            t->pc += 2;
            break;
        case T_VALUE:
            u256_to_be32(t->word, &f->value);
            t->answer = bytes_of(t->word, 32);
            t->pc++;
            break;
        case T_OWN:
            t->answer = bytes_of(op + 1, f->code.len - t->pc - 1);
            t->pc++;
            return done(f, HALT_STOP, t->answer);
        case T_RETURN:
            return done(f, HALT_STOP, t->answer);
        case T_REVERT:
            return done(f, HALT_REVERT, t->answer);
        default:
            halt = HALT_BAD_OPCODE;
        }
        if (halt != HALT_NONE)
            return done(f, halt, vm_no_bytes());
    }
}

static enum ee_exit tiny_start(struct stf_block *b, struct ee_frame *f, void **pool)
{
    if (!*pool)
        *pool = arena_zalloc(sys_arena(b), sizeof(struct tiny_pool));
    assert_non_null(*pool);
    struct tiny *t = &((struct tiny_pool *)*pool)->frames[f->depth];
    memset(t, 0, sizeof(*t));
    f->state = t;
    f->output = vm_no_bytes();
    tiny_open++;
    return tiny_go(b, f);
}

static enum ee_exit tiny_resume(struct stf_block *b, struct ee_frame *f,
                                const struct ee_result *sub, void **pool)
{
    struct tiny *t = f->state;
    (void)pool;
    t->answer = sub->output;
    if (sub->success && !addr_is_zero(&sub->created)) {
        memset(t->word, 0, 12);
        memcpy(t->word + 12, sub->created.b, 20);
        t->answer = bytes_of(t->word, 32);
    }
    if (!sub->success && t->answer.len == 0) { /* told apart from an empty success */
        memset(t->word, 0xee, 32);
        t->answer = bytes_of(t->word, 32);
    }
    return tiny_go(b, f);
}

/* Other rules than the EVM's: 7 a byte, and nothing that begins with 'x'. */
static enum stf_halt tiny_deploy(struct stf_block *b, struct ee_frame *f)
{
    (void)b;
    if (f->output.len && f->output.p[0] == T_REVERT)
        return HALT_CODE_RULE;
    return res_charge(&f->res, 7 * (uint64_t)f->output.len, 0);
}

static void tiny_finish(struct ee_frame *f, void **pool)
{
    (void)pool;
    assert_non_null(f->state);
    f->state = NULL;
    tiny_open--;
}

static const struct stf_ee tiny = {
    .id = TINY_ID,
    .start = tiny_start,
    .resume = tiny_resume,
    .deploy = tiny_deploy,
    .finish = tiny_finish,
};
static const struct stf_ee *const environments[] = { &stf_ee_evm, &tiny };

/* ---- contracts: 0x710001 and so on ---- */

struct setup {
    struct vm vm;
    struct stf_rules rules;
};

static void begin(struct setup *s)
{
    vm_init(&s->vm);
    s->rules = *stf_rules_zksync_os_v31();
    s->rules.environments = environments;
    s->rules.environment_cnt = GH_COUNT(environments);
    s->vm.rules = &s->rules;
    tiny_open = 0;
}

static void add_tiny(struct setup *s, uint8_t low, uint64_t balance, struct bytes code)
{
    vm_account_bytes(&s->vm, 0x710000u + low, 1, balance, code,
                     account_versioning_deployed(TINY_ID));
}

static void add_evm(struct setup *s, uint8_t low, uint64_t balance, const struct prog *p)
{
    vm_account_bytes(&s->vm, 0x710000u + low, 1, balance, prog_bytes(p), 0);
}

/* EVM: calls 0x7100<low> with its value, gives back what it answers; reverts with it if it failed */
static void forward(struct prog *p, unsigned op, uint8_t low, uint64_t value)
{
    p->n = 0;
    prog_call_gas(p, op, 0x710000u + low, value, 0, 0, 0);
    prog_op(p, 0x3d); /* RETURNDATASIZE PUSH0 PUSH0 RETURNDATACOPY */
    prog_op(p, 0x5f);
    prog_op(p, 0x5f);
    prog_op(p, 0x3e);
    prog_push(p, p->n + 6); /* the JUMPDEST; a PUSH1 */
    prog_op(p, 0x57);
    prog_op(p, 0x3d);
    prog_op(p, 0x5f);
    prog_op(p, O_REVERT);
    prog_op(p, O_JUMPDEST);
    prog_op(p, 0x3d);
    prog_op(p, 0x5f);
    prog_op(p, O_RETURN);
}

static struct vm_result call(struct setup *s, uint8_t low, uint64_t native)
{
    struct vm_result r = vm_call(&s->vm, 0x710000u + low, vm_no_bytes(), 0, 1000000, native);
    assert_int_equal(tiny_open, 0);
    return r;
}

static uint64_t balance_of(struct setup *s, uint8_t low)
{
    struct addr a = low_addr(low);
    return vm_record(&s->vm, &a)->balance.w[0];
}

/* EVM 1 -> tiny 2 -> EVM 3 -> tiny 4 and all the way back, with value at every step. */
static void test_calls_back_and_forth(void **state)
{
    static struct setup s;
    struct prog p;
    (void)state;
    begin(&s);
    forward(&p, O_CALL, 2, 9);
    add_evm(&s, 1, 100, &p);
    add_tiny(&s, 2, 0, vm_hex("63 00 03 05 72")); /* c PLAIN 3 value 5, r */
    forward(&p, O_CALL, 4, 3);
    add_evm(&s, 3, 0, &p);
    add_tiny(&s, 4, 0, vm_hex("73 07 2a 76 72")); /* s 7 42, v, r */
    vm_open(&s.vm);
    struct vm_result r = call(&s, 1, VM_PLENTY);
    assert_int_equal(r.halt, HALT_STOP);
    assert_int_equal(r.output.len, 32);
    assert_int_equal(vm_word(r.output), 3);
    assert_int_equal(vm_slot(&s.vm, 0x710004, 7), 42);
    assert_int_equal(balance_of(&s, 1), 91);
    assert_int_equal(balance_of(&s, 2), 4);
    assert_int_equal(balance_of(&s, 3), 2);
    assert_int_equal(balance_of(&s, 4), 3);
    vm_close(&s.vm);
}

/* A value nobody has: the call is refused, its caller goes on. */
static void test_value_too_high(void **state)
{
    static struct setup s;
    (void)state;
    begin(&s);
    add_tiny(&s, 1, 4, vm_hex("63 00 02 05 73 01 01 72")); /* has 4, sends 5 */
    add_tiny(&s, 2, 0, vm_hex("73 01 01 72"));
    vm_open(&s.vm);
    struct vm_result r = call(&s, 1, VM_PLENTY);
    assert_int_equal(r.halt, HALT_STOP);
    assert_int_equal(vm_word(r.output), 0xeeeeeeeeeeeeeeee);
    assert_int_equal(vm_slot(&s.vm, 0x710001, 1), 1);
    assert_int_equal(vm_slot(&s.vm, 0x710002, 1), 0);
    vm_close(&s.vm);
}

/* What a failed call of either kind did is undone; a revert hands its output on. */
static void test_failures_are_undone(void **state)
{
    static struct setup s;
    struct prog p;
    (void)state;
    begin(&s);
    forward(&p, O_CALL, 2, 1);
    add_evm(&s, 1, 10, &p);
    add_tiny(&s, 2, 0, vm_hex("73 01 01 76 78")); /* s, v, x */
    add_tiny(&s, 3, 0, vm_hex("63 00 04 00 73 02 02 72"));
    p.n = 0; /* SSTORE, then INVALID */
    prog_push(&p, 1);
    prog_push(&p, 1);
    prog_op(&p, O_SSTORE);
    prog_op(&p, O_INVALID);
    add_evm(&s, 4, 0, &p);
    vm_open(&s.vm);
    struct vm_result r = call(&s, 1, VM_PLENTY);
    assert_int_equal(r.halt, HALT_REVERT);
    assert_int_equal(vm_word(r.output), 1);
    assert_int_equal(vm_slot(&s.vm, 0x710002, 1), 0);
    assert_int_equal(balance_of(&s, 1), 10);
    /* the exceptional halt burnt all but a 64th, which is enough to store in a slot that is not new */
    assert_int_equal(call(&s, 3, VM_PLENTY).halt, HALT_OUT_OF_GAS);
    assert_int_equal(vm_slot(&s.vm, 0x710004, 1), 0);
    vm_close(&s.vm);
}

/* Static calls reach through environments. */
static void test_static(void **state)
{
    static struct setup s;
    struct prog p;
    (void)state;
    begin(&s);
    forward(&p, O_STATICCALL, 2, 0);
    add_evm(&s, 1, 0, &p);
    add_tiny(&s, 2, 0, vm_hex("63 00 03 00 72")); /* a plain call of 3 */
    add_tiny(&s, 3, 0, vm_hex("73 01 01 72"));
    p.n = 0;
    prog_push(&p, 1);
    prog_push(&p, 1);
    prog_op(&p, O_SSTORE);
    add_evm(&s, 5, 0, &p);
    add_tiny(&s, 4, 0, vm_hex("63 03 05 00 72")); /* STATIC of 5 */
    vm_open(&s.vm);
    struct vm_result r = call(&s, 1, VM_PLENTY);
    assert_int_equal(r.halt, HALT_STOP); /* 2 answers that its call failed */
    assert_int_equal(vm_word(r.output), 0xeeeeeeeeeeeeeeee);
    assert_int_equal(vm_slot(&s.vm, 0x710003, 1), 0);
    r = call(&s, 4, VM_PLENTY);
    assert_int_equal(vm_word(r.output), 0xeeeeeeeeeeeeeeee);
    assert_int_equal(vm_slot(&s.vm, 0x710005, 1), 0);
    vm_close(&s.vm);
}

/* DELEGATECALL: the other environment's code in one's own account. */
static void test_delegate(void **state)
{
    static struct setup s;
    struct prog p;
    (void)state;
    begin(&s);
    forward(&p, O_DELEGATECALL, 2, 0);
    add_evm(&s, 1, 0, &p);
    add_tiny(&s, 2, 0, vm_hex("73 05 06 72"));
    vm_open(&s.vm);
    assert_int_equal(call(&s, 1, VM_PLENTY).halt, HALT_STOP);
    assert_int_equal(vm_slot(&s.vm, 0x710001, 5), 6);
    assert_int_equal(vm_slot(&s.vm, 0x710002, 5), 0);
    vm_close(&s.vm);
}

/* Creations: own code, the other's, and what either forbids. */
static void test_creations(void **state)
{
    static struct setup s;
    static const uint8_t evm_code[] = { 0x60, 0x00 };
    struct addr made;
    (void)state;
    begin(&s);
    add_tiny(&s, 1, 0, vm_hex("6e 00 00 04 6f 73 01 02 72"));          /* n own: code "s 1 2" */
    add_tiny(&s, 2, 3, vm_hex("6e 01 03 0a 6160005f526002601ef3 72")); /* n EVM: code "6000" */
    add_tiny(&s, 3, 0, vm_hex("6e 00 00 02 6f 78 72"));                /* n own: code "x" */
    vm_open(&s.vm);

    struct vm_result r = call(&s, 1, VM_PLENTY);
    assert_int_equal(r.halt, HALT_STOP);
    assert_int_equal(r.output.len, 32);
    memcpy(made.b, r.output.p + 12, 20);
    assert_int_equal(account_environment(vm_record(&s.vm, &made)), TINY_ID);
    assert_int_equal(vm_record(&s.vm, &made)->code_len, 3);
    assert_int_equal(vm_record(&s.vm, &made)->nonce, 1);
    /* and it is run by the environment it was made by */
    struct ee_call_request req = { .kind = CALL_PLAIN, .code_addr = made, .self = made };
    struct stf_res res = { .gas = 100000, .native = VM_PLENTY };
    assert_int_equal(frame_run_call(s.vm.block, &res, &req).halt, HALT_STOP);
    struct b256 slot = b256_of_u64(1), value;
    res = (struct stf_res){ .gas = VM_PLENTY, .native = VM_PLENTY };
    assert_int_equal(sys_sload(s.vm.block, &res, &made, &slot, &value), HALT_NONE);
    assert_int_equal(value.b[31], 2);

    r = call(&s, 2, VM_PLENTY);
    assert_int_equal(r.output.len, 32);
    memcpy(made.b, r.output.p + 12, 20);
    const struct account_record *rec = vm_record(&s.vm, &made);
    assert_int_equal(account_environment(rec), 1);
    assert_int_equal(rec->code_len, sizeof(evm_code));
    struct b256 hash = keccak256(evm_code, sizeof(evm_code));
    assert_memory_equal(rec->observable_hash.b, hash.b, 32);
    assert_int_equal(rec->balance.w[0], 3);

    r = call(&s, 3, VM_PLENTY);
    assert_int_equal(vm_word(r.output), 0xeeeeeeeeeeeeeeee);
    vm_close(&s.vm);
}

/* Out of native at any depth, in either environment: everything is gone, and every frame was finished. */
static void test_out_of_native(void **state)
{
    static struct setup s;
    struct prog p;
    (void)state;
    for (unsigned where = 0; where < 2; where++) {
        begin(&s);
        add_tiny(&s, 1, 50, vm_hex("73 01 01 63 00 02 07 72"));
        forward(&p, O_CALL, where ? 3 : 4, 1);
        add_evm(&s, 2, 0, &p);
        add_tiny(&s, 3, 0, vm_hex("73 01 01 62 ff 72")); /* burns 255 * 2^20 */
        p.n = 0;                                         /* hashes until nothing is left */
        prog_op(&p, O_JUMPDEST);
        prog_push(&p, 20000);
        prog_op(&p, 0x5f);
        prog_op(&p, 0x20);
        prog_op(&p, O_POP);
        prog_op(&p, 0x5f);
        prog_op(&p, O_JUMP);
        add_evm(&s, 4, 0, &p);
        vm_open(&s.vm);
        struct vm_result r = call(&s, 1, 20u << 20);
        assert_int_equal(r.halt, HALT_OUT_OF_NATIVE);
        assert_int_equal(r.gas_left, 0);
        assert_int_equal(r.native_left, 0);
        assert_int_equal(r.output.len, 0);
        assert_int_equal(balance_of(&s, 1), 50);
        assert_int_equal(vm_slot(&s.vm, 0x710001, 1), 0);
        assert_int_equal(vm_slot(&s.vm, 0x710003, 1), 0);
        vm_close(&s.vm);
    }
}

/* Mutual recursion to the depth no frame may have; and an account whose environment nobody knows. */
static void test_depth_and_strangers(void **state)
{
    static struct setup s;
    struct prog p;
    (void)state;
    begin(&s);
    forward(&p, O_CALL, 2, 0);
    add_evm(&s, 1, 0, &p);
    add_tiny(&s, 2, 0, vm_hex("63 00 01 00 72"));
    vm_account_bytes(&s.vm, 0x710003, 1, 0, vm_hex("00"), account_versioning_deployed(3));
    vm_open(&s.vm);
    struct vm_result r = vm_call(&s.vm, 0x710001, vm_no_bytes(), 0, (uint64_t)1 << 60, VM_PLENTY);
    assert_int_equal(r.halt, HALT_STOP);
    assert_int_equal(vm_word(r.output), 0xeeeeeeeeeeeeeeee);
    assert_int_equal(tiny_open, 0);
    assert_int_equal(call(&s, 3, VM_PLENTY).halt, HALT_BLOCK); /* the state is not of this chain */
    vm_close(&s.vm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls_back_and_forth),
        cmocka_unit_test(test_value_too_high),
        cmocka_unit_test(test_failures_are_undone),
        cmocka_unit_test(test_static),
        cmocka_unit_test(test_delegate),
        cmocka_unit_test(test_creations),
        cmocka_unit_test(test_out_of_native),
        cmocka_unit_test(test_depth_and_strangers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
