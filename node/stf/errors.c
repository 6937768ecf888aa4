/* node/stf/errors.c
 *
 * Names and policies of errors.h, both from its one list. */
#include "node/stf/errors.h"

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
