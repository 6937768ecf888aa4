/* node/rpc/trace_text.c
 *
 * What traces say in words: names of opcodes, why a frame failed, reasons of reverts. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "node/base/hex.h"
#include "node/rpc/simulate.h"
#include "node/rpc/trace.h"
#include "node/stf/evm.h"

static const struct {
    uint8_t in, out;
} arity[256] = {
#define OP(code, NAME, body, gas, in, out, native) [code] = { (in), (out) },
#include "node/stf/opcodes.def"
#undef OP
};

void trace_op_name(char out[32], uint8_t op)
{
    const char *name = evm_op_name(op);
    if (name)
        snprintf(out, 32, "%s", name);
    else
        snprintf(out, 32, "opcode 0x%x not defined", op);
}

static const char *say(struct trace *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
static const char *say(struct trace *t, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): started a line above */
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    char *copy = n < 0 ? NULL : trace_alloc(t, sizeof(text));
    if (!copy)
        return "";
    memcpy(copy, text, sizeof(text));
    return copy;
}

static const char *refused(enum frame_refusal why)
{
    switch (why) {
    case FRAME_TOO_DEEP:
        return "max call depth exceeded";
    case FRAME_TOO_POOR:
        return "insufficient balance for transfer";
    case FRAME_NONCE_SPENT:
        return "nonce uint64 overflow";
    case FRAME_TAKEN:
        break;
    }
    return NULL;
}

static const char *stack_fault(struct trace *t, uint8_t op, unsigned len)
{
    unsigned in = arity[op].in, out = arity[op].out;
    if (len < in)
        return say(t, "stack underflow (%u <=> %u)", len, in);
    return say(t, "stack limit reached %u (%u)", len, EVM_STACK_CAP + in - out);
}

static const char *deployment_fault(struct trace *t, enum stf_halt halt, struct bytes code)
{
    if (halt == HALT_OUT_OF_GAS)
        return "contract creation code storage out of gas";
    if (halt != HALT_CODE_RULE)
        return NULL;
    return code.len > t->at.rules->max_code_len ? "max code size exceeded"
                                                : "invalid code: must not begin with 0xef";
}

const char *trace_error(struct trace *t, const struct frame_outcome *o, enum stf_halt end,
                        uint8_t op, unsigned stack_len, struct bytes output)
{
    const char *special = refused(o->refusal);
    if (!special && end == HALT_STOP)
        special = deployment_fault(t, o->halt, output);
    if (special)
        return special;
    if (o->halt == HALT_STACK)
        return stack_fault(t, op, stack_len);
    if (o->halt == HALT_BAD_OPCODE) {
        char name[32];
        trace_op_name(name, op);
        return say(t, "invalid opcode: %s", name);
    }
    return stf_halt_text(o->halt);
}

const char *trace_tx_error(struct trace *t)
{
    const struct stf_tx_result *r = t->result;
    if (r->success)
        return NULL;
    if (r->short_of_pubdata)
        return say(t,
                   "insufficient gas to cover pubdata cost (pubdata_used: %" PRIu64
                   ", native_used: %" PRIu64 ")",
                   r->pubdata_used, r->native_used);
    return stf_halt_text(HALT_OUT_OF_NATIVE);
}

static const char *unknown_panic(struct trace *t, struct bytes output)
{
    char hex[67];
    struct u256 code = u256_of_be32(output.p + 4);
    hex_quantity_u256(hex, &code);
    return say(t, "unknown panic code: %s", hex);
}

/* Panics are told without their number, as go-ethereum does. */
const char *trace_revert_reason(struct trace *t, struct bytes output)
{
    static const char head[] = "execution reverted: ", panic[] = "panic: ";
    char text[RPC_MESSAGE_CAP];
    revert_text(text, sizeof(text), output);
    if (strncmp(text, head, sizeof(head) - 1) != 0)
        return NULL;
    char *reason = text + sizeof(head) - 1;
    if (output.p[0] == 0x4e && strncmp(reason, panic, sizeof(panic) - 1) == 0) {
        reason += sizeof(panic) - 1;
        if (strncmp(reason, "unknown", 7) == 0)
            return unknown_panic(t, output);
        char *number = strstr(reason, " (");
        if (number)
            *number = 0;
    }
    return say(t, "%s", reason);
}
