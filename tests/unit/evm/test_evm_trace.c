/* What a tracer is told, and when (ee.h). Expected numbers are worked out from the Yellow Paper's prices. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/evm/prog.h"

/* Everything heard, one line each. */
struct heard {
    char text[65536];
    size_t len;
    const struct ee_frame *below;
    unsigned stop_at, steps; /* 0: never */
};

static void hear(struct heard *h, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void hear(struct heard *h, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): started a line above */
    int n = vsnprintf(h->text + h->len, sizeof(h->text) - h->len, fmt, ap);
    va_end(ap);
    assert_true(n > 0 && (size_t)n < sizeof(h->text) - h->len);
    h->len += (size_t)n;
}

static unsigned low(const struct addr *a)
{
    return load_be32(a->b + 16);
}

static bool on_step(void *ctx, const struct stf_step *s)
{
    struct heard *h = ctx;
    hear(h, "%u %02x gas %llu stack %u mem %zu rd %zu refund %llu\n", s->depth, s->op,
         (unsigned long long)s->gas, s->stack_len, s->memory.len, s->returndata.len,
         (unsigned long long)s->refund);
    h->below = s->frame;
    return ++h->steps != h->stop_at;
}
static void on_enter(void *ctx, const struct ee_frame *f, enum call_kind kind)
{
    struct heard *h = ctx;
    hear(h, "%u enter %d %x of %x gas %llu runs %d", f->depth, (int)kind, low(&f->self),
         low(&f->caller), (unsigned long long)f->res.gas, f->ee != NULL);
    if (f->depth)
        hear(h, " caller has %llu", (unsigned long long)h->below->res.gas);
    hear(h, "\n");
}
static void on_end(void *ctx, const struct ee_frame *f)
{
    hear(ctx, "%u end %d gas %llu out %zu\n", f->depth, (int)f->halt,
         (unsigned long long)f->res.gas, f->output.len);
}
static void on_exit_frame(void *ctx, const struct ee_frame *f, const struct frame_outcome *o)
{
    hear(ctx, "%u exit %d refused %d gas %llu out %zu\n", f->depth, (int)o->halt, (int)o->refusal,
         (unsigned long long)f->res.gas, o->output.len);
}
static void on_event(void *ctx, const struct stf_event *e)
{
    hear(ctx, "event of %x topics %u data %zu\n", low(&e->addr), e->topic_cnt, e->data.len);
}
static void on_destruct(void *ctx, const struct addr *self, const struct addr *to,
                        const struct u256 *amount)
{
    hear(ctx, "destruct %x to %x amount %llu\n", low(self), low(to),
         (unsigned long long)amount->w[0]);
}

static struct stf_tracer tracer_of(struct heard *h)
{
    return (struct stf_tracer){ .ctx = h,
                                .on_step = on_step,
                                .on_enter = on_enter,
                                .on_end = on_end,
                                .on_exit = on_exit_frame,
                                .on_event = on_event,
                                .on_destruct = on_destruct };
}

#define OTHER 0x0badu

static struct vm_result run(struct heard *h, const struct prog *a, const char *other, uint64_t gas)
{
    static struct vm vm;
    struct stf_tracer tracer = tracer_of(h);
    vm_init(&vm);
    vm.rules = stf_rules_ethereum_cancun();
    vm.tracer = &tracer;
    vm_program(&vm, VM_CODE, 1000, a);
    vm_account(&vm, OTHER, 1, 5, other);
    vm_open(&vm);
    struct vm_result r = vm_call(&vm, VM_CODE, vm_no_bytes(), 0, gas, VM_PLENTY);
    vm_close(&vm);
    return r;
}

static struct heard h;
static struct prog p;

static void begin(void)
{
    memset(&h, 0, sizeof(h));
    p.n = 0;
}

static void a_call_lies_between_two_steps(void **state)
{
    (void)state;
    begin();
    prog_call_gas(&p, O_CALL, OTHER, 0, 0, 32, 5000);
    /* the callee returns 32 bytes of zeros, and a log without topics */
    struct vm_result r = run(&h, &p, "6001 5f a0 6020 5f f3", 100000);
    assert_int_equal(r.halt, HALT_STOP);
    /* PUSH1 3, PUSH0 2 thrice, PUSH0, PUSH2, PUSH2; CALL: cold 2600, 3 for a word of memory, 5000 lent */
    assert_string_equal(h.text, "0 enter 0 c0de of ca11e4 gas 100000 runs 1\n"
                                "0 60 gas 100000 stack 0 mem 0 rd 0 refund 0\n"
                                "0 5f gas 99997 stack 1 mem 0 rd 0 refund 0\n"
                                "0 5f gas 99995 stack 2 mem 0 rd 0 refund 0\n"
                                "0 5f gas 99993 stack 3 mem 0 rd 0 refund 0\n"
                                "0 5f gas 99991 stack 4 mem 0 rd 0 refund 0\n"
                                "0 61 gas 99989 stack 5 mem 0 rd 0 refund 0\n"
                                "0 61 gas 99986 stack 6 mem 0 rd 0 refund 0\n"
                                "0 f1 gas 99983 stack 7 mem 0 rd 0 refund 0\n"
                                "1 enter 0 bad of c0de gas 5000 runs 1 caller has 92380\n"
                                "1 60 gas 5000 stack 0 mem 0 rd 0 refund 0\n"
                                "1 5f gas 4997 stack 1 mem 0 rd 0 refund 0\n"
                                "1 a0 gas 4995 stack 2 mem 0 rd 0 refund 0\n"
                                "event of bad topics 0 data 1\n"
                                "1 60 gas 4609 stack 0 mem 32 rd 0 refund 0\n"
                                "1 5f gas 4606 stack 1 mem 32 rd 0 refund 0\n"
                                "1 f3 gas 4604 stack 2 mem 32 rd 0 refund 0\n"
                                "1 end 1 gas 4604 out 32\n"
                                "1 exit 1 refused 0 gas 4604 out 32\n"
                                "0 00 gas 96984 stack 1 mem 32 rd 32 refund 0\n"
                                "0 end 1 gas 96984 out 0\n"
                                "0 exit 1 refused 0 gas 96984 out 0\n");
}

static void an_exceptional_halt_is_told_before_the_gas_burns(void **state)
{
    (void)state;
    begin();
    prog_push(&p, 5);
    prog_op(&p, O_JUMP); /* to no JUMPDEST: 8 are charged */
    struct vm_result r = run(&h, &p, "", 1000);
    assert_int_equal(r.halt, HALT_BAD_JUMP);
    assert_string_equal(h.text, "0 enter 0 c0de of ca11e4 gas 1000 runs 1\n"
                                "0 60 gas 1000 stack 0 mem 0 rd 0 refund 0\n"
                                "0 56 gas 997 stack 1 mem 0 rd 0 refund 0\n"
                                "0 end 5 gas 989 out 0\n"
                                "0 exit 5 refused 0 gas 0 out 0\n");
}

static void refused_frames_are_frames(void **state)
{
    (void)state;
    begin();
    prog_call_gas(&p, O_CALL, OTHER, 1001, 0, 0, 100); /* 1000 are there */
    prog_push(&p, 0);
    prog_push(&p, 0);
    prog_push(&p, 1001);
    prog_op(&p, O_CREATE);
    struct vm_result r = run(&h, &p, "00", 200000);
    assert_int_equal(r.halt, HALT_STOP);
    /* 2300 of stipend come with a call that moves value */
    assert_non_null(strstr(h.text, "1 enter 0 bad of c0de gas 2400 runs 1"));
    assert_non_null(strstr(h.text, "1 exit 2 refused 2 gas 2400 out 0\n"));
    assert_non_null(strstr(h.text, "1 enter 4 "));
    const char *create = strstr(h.text, "1 enter 4 ");
    assert_non_null(create);
    assert_non_null(strstr(create, "1 exit 2 refused 2 gas "));
    assert_null(strstr(create, "1 end"));
    /* the address it would have had: keccak(rlp([0xc0de, 1]))[12..] */
    struct addr creator = addr_of_u32(VM_CODE), would = tx_create_address(&creator, 1);
    char text[32];
    snprintf(text, sizeof(text), "1 enter 4 %x of c0de", load_be32(would.b + 16));
    assert_non_null(strstr(h.text, text));
}

static void the_1025th_frame_is_told_to_be_too_deep(void **state)
{
    (void)state;
    begin();
    static struct heard deep;
    memset(&deep, 0, sizeof(deep));
    prog_call(&p, O_CALL, VM_CODE, 0, 0, 0);
    struct stf_tracer tracer = { .ctx = &deep, .on_exit = on_exit_frame };
    struct vm vm;
    vm_init(&vm);
    vm.rules = stf_rules_ethereum_cancun();
    vm.tracer = &tracer;
    vm_program(&vm, VM_CODE, 0, &p);
    vm_open(&vm);
    struct vm_result r = vm_call(&vm, VM_CODE, vm_no_bytes(), 0, (uint64_t)1 << 50, VM_PLENTY);
    assert_int_equal(r.halt, HALT_STOP);
    assert_memory_equal(deep.text, "1025 exit 2 refused 1 gas ", 26);
    vm_close(&vm);
}

static void precompiles_and_empty_accounts_do_not_run(void **state)
{
    (void)state;
    begin();
    prog_call_gas(&p, O_STATICCALL, 4, 0, 32, 0, 500);
    prog_call_gas(&p, O_CALL, 0xabc, 7, 0, 0, 0);
    struct vm_result r = run(&h, &p, "", 100000);
    assert_int_equal(r.halt, HALT_STOP);
    const char *identity = strstr(h.text, "1 enter 3 4 of c0de gas 500 runs 0");
    assert_non_null(identity);
    assert_non_null(strstr(identity, "1 exit 1 refused 0 gas 482 out 32\n"));
    assert_non_null(strstr(identity, "1 enter 0 abc of c0de"));
    assert_null(strstr(h.text, "1 end"));
}

static void deployment_comes_after_the_end_of_the_initcode(void **state)
{
    (void)state;
    begin();
    /* returns one byte of zeros: 200 to deploy */
    prog_create(&p, O_CREATE2, vm_hex("6001 5f f3"), 3);
    struct vm_result r = run(&h, &p, "", 100000);
    assert_int_equal(r.halt, HALT_STOP);
    const char *create = strstr(h.text, "1 enter 5 "), *end;
    assert_non_null(create);
    end = strstr(create, "1 end 1 gas ");
    assert_non_null(end);
    const char *exit = strstr(end, "1 exit 1 refused 0 gas ");
    assert_non_null(exit);
    unsigned long long before = strtoull(end + strlen("1 end 1 gas "), NULL, 10);
    unsigned long long after = strtoull(exit + strlen("1 exit 1 refused 0 gas "), NULL, 10);
    assert_int_equal(before - after, 200);
}

static void self_destruction_tells_what_moves(void **state)
{
    (void)state;
    begin();
    prog_push(&p, 0xabc);
    prog_op(&p, O_SELFDESTRUCT);
    struct vm_result r = run(&h, &p, "", 100000);
    assert_int_equal(r.halt, HALT_STOP);
    assert_non_null(strstr(h.text, "ff gas 99997 stack 1 mem 0 rd 0 refund 0\n"
                                   "destruct c0de to abc amount 1000\n"
                                   "0 end 1 gas "));
}

static void a_tracer_can_stop_it(void **state)
{
    (void)state;
    begin();
    h.stop_at = 3;
    for (unsigned i = 0; i < 8; i++)
        prog_push(&p, 1);
    struct vm_result r = run(&h, &p, "", 100000);
    assert_int_equal(r.halt, HALT_BLOCK);
    assert_int_equal(h.steps, 3);
    assert_non_null(strstr(h.text, "0 end 13 "));
    assert_non_null(strstr(h.text, "0 exit 13 "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_lies_between_two_steps),
        cmocka_unit_test(an_exceptional_halt_is_told_before_the_gas_burns),
        cmocka_unit_test(refused_frames_are_frames),
        cmocka_unit_test(the_1025th_frame_is_told_to_be_too_deep),
        cmocka_unit_test(precompiles_and_empty_accounts_do_not_run),
        cmocka_unit_test(deployment_comes_after_the_end_of_the_initcode),
        cmocka_unit_test(self_destruction_tells_what_moves),
        cmocka_unit_test(a_tracer_can_stop_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
