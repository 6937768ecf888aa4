#include "tests/statetest/trace.h"

#include "node/base/hex.h"
#include "node/stf/evm.h"

#define LINE_MAX ((size_t)64 << 20)

static void put_hex(struct buf *b, struct bytes data)
{
    buf_append_str(b, "\"");
    buf_append_hex(b, data.p, data.len);
    buf_append_str(b, "\"");
}

static void flush(struct trace *t, uint64_t gas_left, enum stf_halt halt)
{
    if (!t->frame)
        return;
    t->frame = NULL;
    CHECK(!t->head.failed && !t->tail.failed);
    (void)fprintf(t->out, "%.*s,\"gasCost\":\"0x%llx\"%.*s", (int)t->head.len, t->head.p,
                  (unsigned long long)(t->gas - gas_left), (int)t->tail.len, t->tail.p);
    const char *error = stf_halt_text(halt);
    if (error)
        (void)fprintf(t->out, ",\"error\":\"%s\"", error);
    (void)fputs("}\n", t->out);
}

static bool on_step(void *ctx, const struct stf_step *s)
{
    struct trace *t = ctx;
    const char *name = evm_op_name(s->op);
    flush(t, t->frame ? t->frame->res.gas : 0, HALT_NONE);
    t->frame = s->frame;
    t->gas = s->gas;
    t->head.len = t->tail.len = 0;
    buf_printf(&t->head, "{\"pc\":%llu,\"op\":%u,\"gas\":\"0x%llx\"", (unsigned long long)s->pc,
               s->op, (unsigned long long)s->gas);
    buf_printf(&t->tail, ",\"memSize\":%zu,\"stack\":[", s->memory.len);
    for (unsigned i = 0; i < s->stack_len; i++) {
        char hex[67];
        hex_quantity_u256(hex, &s->stack[i]);
        buf_printf(&t->tail, "%s\"%s\"", i ? "," : "", hex);
    }
    buf_printf(&t->tail, "],\"depth\":%u,\"returnData\":", s->depth + 1);
    put_hex(&t->tail, s->returndata);
    buf_printf(&t->tail, ",\"refund\":\"0x%llx\",\"opName\":", (unsigned long long)s->refund);
    if (name)
        buf_printf(&t->tail, "\"%s\"", name);
    else
        buf_printf(&t->tail, "\"opcode 0x%x not defined\"", s->op);
    return true;
}

static void on_enter(void *ctx, const struct ee_frame *f, enum call_kind kind)
{
    struct trace *t = ctx;
    (void)f, (void)kind;
    flush(t, t->frame ? t->frame->res.gas : 0, HALT_NONE);
}

static void on_end(void *ctx, const struct ee_frame *f)
{
    flush(ctx, f->res.gas, f->halt);
}

void trace_init(struct trace *t, FILE *out)
{
    *t = (struct trace){ .out = out };
    t->tracer =
        (struct stf_tracer){ .ctx = t, .on_step = on_step, .on_enter = on_enter, .on_end = on_end };
    buf_init(&t->head, LINE_MAX);
    buf_init(&t->tail, LINE_MAX);
}

void trace_clear(struct trace *t)
{
    buf_clear(&t->head);
    buf_clear(&t->tail);
}

void trace_summary(struct trace *t, const struct trace_summary *s)
{
    struct buf b;
    t->is_over = true;
    buf_init(&b, LINE_MAX);
    buf_append_str(&b, "{\"stateRoot\":");
    put_hex(&b, bytes_of(s->root.b, 32));
    buf_append_str(&b, ",\"output\":");
    put_hex(&b, s->output);
    buf_printf(&b, ",\"gasUsed\":\"0x%llx\",\"pass\":%s", (unsigned long long)s->gas_used,
               s->pass ? "true" : "false");
    if (s->why) {
        buf_append_str(&b, ",\"error\":");
        buf_append_json_str(&b, s->why);
    }
    buf_append_str(&b, ",\"fork\":");
    buf_append_json_str(&b, s->fork);
    buf_append_str(&b, ",\"test\":");
    buf_append_json_str(&b, s->test);
    buf_append_str(&b, ",\"logsHash\":");
    put_hex(&b, bytes_of(s->logs.b, 32));
    CHECK(!b.failed);
    (void)fprintf(t->out, "%.*s}\n", (int)b.len, (const char *)b.p);
    buf_clear(&b);
}
