/* interop/relay/relay_policy.c: the rules of a route, and what reverts mean. Pure. */
#include <stdio.h>

#include "contracts-abi/codec.h"
#include "contracts-abi/gen/errors.h"
#include "interop/relay/relay.h"
#include "node/base/hex.h"

static bool has(const struct relay_addrs *l, const struct addr *a)
{
    for (size_t i = 0; i < l->cnt; i++)
        if (addr_eq(&l->items[i], a))
            return true;
    return false;
}

static bool address_passes(const struct relay_addrs *allow, const struct relay_addrs *deny,
                           const char *what, const struct addr *a, char *reason, size_t cap)
{
    char text[43];
    hex_encode0x(text, a->b, 20);
    if (has(deny, a)) {
        snprintf(reason, cap, "%s %s is on the route's deny list", what, text);
        return false;
    }
    if (allow->cnt > 0 && !has(allow, a)) {
        snprintf(reason, cap, "%s %s is not on the route's allow list", what, text);
        return false;
    }
    return true;
}

bool relay_route_takes(const struct relay_route *r, const struct bundle *b, char *reason,
                       size_t cap)
{
    struct u256 sum = U256_ZERO;
    if (!r->bundles) {
        snprintf(reason, cap, "the route carries no bundles");
        return false;
    }
    if (r->max_calls && b->v.calls.cnt > r->max_calls) {
        snprintf(reason, cap, "%zu calls, the route takes %zu", b->v.calls.cnt, r->max_calls);
        return false;
    }
    for (size_t i = 0; i < b->v.calls.cnt; i++) {
        const struct abi_v31_interop_call *c = &b->v.calls.items[i];
        if (!address_passes(&r->allow_senders, &r->deny_senders, "sender", &c->from, reason, cap) ||
            !address_passes(&r->allow_recipients, &r->deny_recipients, "recipient", &c->to, reason,
                            cap))
            return false;
        struct u256 next = u256_add(&sum, &c->value);
        if (u256_lt(&next, &sum) || (r->has_max_value && u256_lt(&r->max_value, &next))) {
            snprintf(reason, cap, "the calls carry more value than the route takes");
            return false;
        }
        sum = next;
    }
    return true;
}

/* Spec 40 §7.2: who receives. The asset router's data is abi.encode(caller, receiver, token, amount, metadata). */
bool relay_route_takes_withdrawal(const struct relay_route *r, const struct addr *sender,
                                  struct bytes message, char *reason, size_t cap)
{
    static const uint8_t base_token[4] = { 0x6c, 0x09, 0x60, 0xf9 },
                         asset[4] = { 0x9c, 0x88, 0x4f, 0xd1 };
    struct addr receiver, caller;
    bool has_caller = false;
    if (!r->withdrawals) {
        snprintf(reason, cap, "the route carries no withdrawals");
        return false;
    }
    struct addr base = addr_of_u32(0x800a), router = addr_of_u32(0x10003);
    if (addr_eq(sender, &base) && message.len >= 56 && memcmp(message.p, base_token, 4) == 0) {
        memcpy(receiver.b, message.p + 4, 20);
        if (message.len >= 76) {
            memcpy(caller.b, message.p + 56, 20);
            has_caller = true;
        }
    } else if (addr_eq(sender, &router) && message.len >= 4 + 64 + 128 &&
               memcmp(message.p, asset, 4) == 0) {
        memcpy(caller.b, message.p + 68 + 12, 20);
        memcpy(receiver.b, message.p + 68 + 32 + 12, 20);
        has_caller = true;
    } else {
        snprintf(reason, cap, "not a withdrawal of the base token or of the asset router");
        return false;
    }
    if (r->allow_senders.cnt > 0 && !has_caller) {
        snprintf(reason, cap, "the route has an allow list of senders and the message names none");
        return false;
    }
    return (!has_caller ||
            address_passes(&r->allow_senders, &r->deny_senders, "sender", &caller, reason, cap)) &&
           address_passes(&r->allow_recipients, &r->deny_recipients, "receiver", &receiver, reason,
                          cap);
}

enum relay_revert relay_classify(struct bytes d, const char **remedy)
{
    uint32_t selector = 0;
    *remedy = "";
    if (!abi_selector_of(d, &selector))
        selector = 0;
    switch (selector) {
    case ABI_V31_BUNDLE_ALREADY_PROCESSED_ERROR:
    case ABI_V31_WITHDRAWAL_ALREADY_FINALIZED_ERROR:
        return RELAY_REVERT_DONE;
    case ABI_V31_EXECUTING_NOT_ALLOWED_ERROR:
        *remedy = "its execution address executes it; the calldata is in gatehouse messages";
        return RELAY_REVERT_NOT_OURS;
    case ABI_V31_MESSAGE_NOT_INCLUDED_ERROR:
        *remedy = "the destination refuses a proof that fits its own root: report it";
        return RELAY_REVERT_NEVER;
    case ABI_V31_WRONG_DESTINATION_BASE_TOKEN_ASSET_ID_ERROR:
    case ABI_V31_WRONG_DESTINATION_CHAIN_ID_ERROR:
        *remedy = "the sender has to send it anew";
        return RELAY_REVERT_NEVER;
    default:
        *remedy = "when the target takes it, start with --retry-parked; or its unbundler verifies "
                  "the bundle "
                  "and takes it apart";
        return RELAY_REVERT_LATER;
    }
}
