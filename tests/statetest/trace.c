#include "tests/statetest/trace.h"

#include "node/base/hex.h"
#include "node/stf/evm.h"

#include <stdio.h>

static void on_step(void *ctx, const struct stf_step *s)
{
    (void)ctx;
    const char *name = evm_op_name(s->op);
    (void)fprintf(stderr,
                  "{\"pc\":%llu,\"op\":%u,\"gas\":\"0x%llx\",\"native\":%llu,\"memSize\":%zu,"
                  "\"depth\":%u,\"refund\":%llu,\"opName\":\"%s\",\"stack\":[",
                  (unsigned long long)s->pc, s->op, (unsigned long long)s->gas,
                  (unsigned long long)s->native, s->memory.len, s->depth + 1,
                  (unsigned long long)s->refund, name ? name : "undefined");
    for (unsigned i = 0; i < s->stack_len; i++) {
        char hex[67];
        hex_quantity_u256(hex, &s->stack[i]);
        (void)fprintf(stderr, "%s\"%s\"", i ? "," : "", hex);
    }
    (void)fprintf(stderr, "]}\n");
}

static void on_enter(void *ctx, const struct ee_frame *f, enum call_kind kind)
{
    (void)ctx;
    char self[43];
    hex_encode0x(self, f->code_addr.b, 20);
    (void)fprintf(stderr, "{\"enter\":\"%s\",\"depth\":%u,\"kind\":%d,\"gas\":\"0x%llx\"}\n", self,
                  f->depth + 1, (int)kind, (unsigned long long)f->res.gas);
}

static void on_exit_frame(void *ctx, const struct ee_frame *f, const struct frame_outcome *o)
{
    (void)ctx;
    (void)fprintf(stderr, "{\"exit\":%d,\"depth\":%u,\"gas\":\"0x%llx\",\"output\":%zu}\n",
                  (int)o->halt, f->depth + 1, (unsigned long long)f->res.gas, o->output.len);
}

const struct stf_tracer trace_to_stderr = {
    .on_step = on_step,
    .on_enter = on_enter,
    .on_exit = on_exit_frame,
};
