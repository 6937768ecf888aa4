/* node/stf/errors.c
 *
 * Names and policies of errors.h, both from its one list; what halts are called. */
#include "node/stf/errors.h"

#include "node/stf/system.h"

static const char *const names[] = {
#define STF_ERROR_NAME(id, name, policy) name,
    STF_ERRORS(STF_ERROR_NAME)
};
static const char policies[] = {
#define STF_ERROR_POLICY(id, name, policy) policy,
    STF_ERRORS(STF_ERROR_POLICY)
};

const char *stf_error_name(enum stf_error e)
{
    return (size_t)e < GH_COUNT(names) ? names[e] : "UnknownError";
}

char stf_error_policy(enum stf_error e)
{
    return (size_t)e < GH_COUNT(policies) ? policies[e] : 'F';
}

const char *stf_halt_text(enum stf_halt h)
{
    switch (h) {
    case HALT_NONE:
    case HALT_STOP:
        return NULL;
    case HALT_REVERT:
        return "execution reverted";
    case HALT_OUT_OF_GAS:
        return "out of gas";
    case HALT_STACK:
        return "stack underflow or overflow";
    case HALT_BAD_JUMP:
        return "invalid jump destination";
    case HALT_BAD_OPCODE:
        return "invalid opcode";
    case HALT_STATIC:
        return "write protection";
    case HALT_RETURNDATA:
        return "return data out of bounds";
    case HALT_CODE_RULE:
        return "invalid code";
    case HALT_COLLISION:
        return "contract address collision";
    case HALT_OUT_OF_NATIVE:
        return "out of native resource";
    case HALT_MISSING:
        return "precompile not available";
    case HALT_BLOCK:
        return "block failed";
    }
    return "unknown halt";
}
