/* node/stf/hooks.c
 *
 * System hooks of v31 (spec 10 §9.2-9.5) and the event hooks (§9.7). The full address is compared: a look-alike
 * never matches. */
#include "node/stf/journal.h"

#define HOOK_L1_MESSENGER     0x7001u
#define HOOK_BYTECODE_DETAILS 0x7002u
#define HOOK_MINT             0x7100u
#define HOOK_DEPLOYER         0x8006u
#define ADDR_L1_MESSENGER     0x8008u
#define ADDR_BASE_TOKEN       0x800au
#define ADDR_SYSTEM_CONTEXT   0x800bu
#define ADDR_UPGRADER         0x800fu
#define ADDR_INTEROP_ROOTS    0x10008u

/* setBytecodeDetailsEVM(address,bytes32,uint32,bytes32) */
static const uint8_t selector_set_details[4] = { 0xf6, 0xec, 0xa0, 0xb0 };

/* InteropRootAdded(uint256,uint256,bytes32[]) */
static const struct b256 topic_root_added = { { 0x6b, 0x45, 0x1b, 0x84, 0x22, 0x63, 0x6e, 0x45,
                                                0xb9, 0x3b, 0xf7, 0xf5, 0x94, 0xfa, 0x2c, 0x17,
                                                0x69, 0xd0, 0x39, 0x76, 0x6c, 0x42, 0x54, 0xa6,
                                                0xe7, 0xf9, 0xc0, 0xee, 0x17, 0x15, 0xcd, 0xb0 } };
/* SettlementLayerChainIdUpdated(uint256) */
static const struct b256 topic_sl_chain = { { 0x20, 0x8d, 0xaf, 0x0b, 0x92, 0x91, 0xc1, 0xe9,
                                              0xa1, 0x69, 0x77, 0x37, 0xd7, 0x36, 0x63, 0x0c,
                                              0x80, 0x80, 0x45, 0xf8, 0x1f, 0x5b, 0xc5, 0xae,
                                              0x7b, 0x8e, 0xd7, 0x40, 0xeb, 0x5a, 0x4d, 0x7a } };

/* the number behind 12 + 4 zero... bytes; 0 when the address is larger than 32 bits */
static uint32_t low_address(const struct addr *a)
{
    for (size_t i = 0; i < 16; i++)
        if (a->b[i] != 0)
            return 0;
    return load_be32(a->b + 16);
}

bool sys_is_hook(const struct stf_block *b, const struct addr *callee)
{
    if (!b->rules->has_system_txs)
        return false;
    switch (low_address(callee)) {
    case HOOK_L1_MESSENGER:
    case HOOK_BYTECODE_DETAILS:
    case HOOK_MINT:
    case HOOK_DEPLOYER:
        return true;
    default:
        return false;
    }
}

/* The common head: value, DELEGATECALL and CALLCODE revert free of charge; then the base price; then static. */
static enum stf_halt enter(struct stf_res *res, const struct sys_hook_call *call)
{
    if (!u256_is_zero(call->value) || call->is_delegate)
        return HALT_REVERT;
    enum stf_halt h = res_charge(res, 0, NATIVE_HOOK);
    if (h != HALT_NONE)
        return h;
    return call->is_static ? HALT_REVERT : HALT_NONE;
}

static enum stf_halt run_messenger(struct stf_block *b, struct stf_res *res,
                                   const struct sys_hook_call *call)
{
    enum stf_halt h = enter(res, call);
    if (h != HALT_NONE)
        return h;
    if (call->input.len < 20)
        return HALT_REVERT;
    struct addr sender;
    memcpy(sender.b, call->input.p, 20);
    h = sys_send_message(b, res, &sender, bytes_of(call->input.p + 20, call->input.len - 20));
    return h == HALT_NONE ? HALT_STOP : h;
}

static enum stf_halt run_mint(struct stf_block *b, struct stf_res *res,
                              const struct sys_hook_call *call)
{
    enum stf_halt h = enter(res, call);
    if (h != HALT_NONE)
        return h;
    if (call->input.len != 32)
        return HALT_REVERT;
    struct u256 amount = u256_of_be32(call->input.p), sum;
    struct account_entry *e;
    h = journal_access(b, res, call->caller, ACCOUNT_GAS_ACCESS, &e);
    if (h == HALT_NONE)
        h = res_charge(res, 0, NATIVE_ACCOUNT_WRITE);
    if (h != HALT_NONE)
        return h;
    if (!u256_add_checked(&sum, &e->current.balance, &amount))
        return sys_fail(b, STF_E_MINT_FAILED);
    return journal_set_balance(b, e, &sum) ? HALT_STOP : HALT_BLOCK;
}

/* args: abi.encode(address, bytes32, uint32, bytes32) */
static enum stf_halt set_details(struct stf_block *b, struct stf_res *res, struct bytes args,
                                 bool bad_address_is_fatal)
{
    if (args.len < 128)
        return HALT_REVERT;
    for (size_t i = 0; i < 12; i++)
        if (args.p[i] != 0)
            return bad_address_is_fatal ? sys_fail(b, STF_E_EVENT_HOOK_MALFORMED) : HALT_REVERT;
    struct addr target;
    struct b256 hash, observable;
    memcpy(target.b, args.p + 12, 20);
    memcpy(hash.b, args.p + 32, 32);
    struct u256 len = u256_of_be32(args.p + 64);
    memcpy(observable.b, args.p + 96, 32);
    if (!u256_fits_u64(&len) || len.w[0] > b->rules->max_code_len)
        return HALT_REVERT;
    enum stf_halt h = res_charge(res, 50 * len.w[0], 0);
    if (h == HALT_NONE)
        h = res_charge(res, sys_is_warm(b, &target) ? 100 : 2600, 0);
    if (h == HALT_NONE)
        h = journal_force_code(b, res, &target, &hash, (uint32_t)len.w[0], &observable);
    return h == HALT_NONE ? HALT_STOP : h;
}

static enum stf_halt run_details(struct stf_block *b, struct stf_res *res,
                                 const struct sys_hook_call *call)
{
    enum stf_halt h = enter(res, call);
    return h != HALT_NONE ? h : set_details(b, res, call->input, true);
}

static enum stf_halt run_deployer(struct stf_block *b, struct stf_res *res,
                                  const struct sys_hook_call *call)
{
    enum stf_halt h = enter(res, call);
    if (h != HALT_NONE)
        return h;
    if (call->input.len < 4 || memcmp(call->input.p, selector_set_details, 4) != 0)
        return HALT_REVERT;
    return set_details(b, res, bytes_of(call->input.p + 4, call->input.len - 4), false);
}

enum stf_halt sys_hook_run(struct stf_block *b, struct stf_res *res,
                           const struct sys_hook_call *call, bool *handled, struct bytes *output)
{
    uint32_t caller = low_address(call->caller);
    *handled = true;
    *output = bytes_of(NULL, 0);
    switch (low_address(call->callee)) {
    case HOOK_L1_MESSENGER:
        if (caller == ADDR_L1_MESSENGER)
            return run_messenger(b, res, call);
        break;
    case HOOK_BYTECODE_DETAILS:
        if (caller == HOOK_DEPLOYER || caller == ADDR_UPGRADER)
            return run_details(b, res, call);
        break;
    case HOOK_MINT:
        if (caller == ADDR_BASE_TOKEN)
            return run_mint(b, res, call);
        break;
    case HOOK_DEPLOYER:
        if (caller == ADDR_UPGRADER)
            return run_deployer(b, res, call);
        break;
    default:
        break;
    }
    *handled = false;
    return HALT_NONE;
}

/* ---- event hooks ---- */

static enum stf_halt on_root_added(struct stf_block *b, struct stf_res *res,
                                   const struct b256 *topics, unsigned topic_cnt, struct bytes data)
{
    struct b256 offset = b256_of_u64(32), one = b256_of_u64(1);
    if (topic_cnt != 3 || data.len != 96 || memcmp(data.p, offset.b, 32) != 0 ||
        memcmp(data.p + 32, one.b, 32) != 0)
        return sys_fail(b, STF_E_EVENT_HOOK_MALFORMED);
    /* kept like an event of 96 bytes, and hashed into the rolling hash behind the one before */
    enum stf_halt h = res_charge(res, 0, 6000 + 2 * 96 + sys_native_keccak(32 + 96));
    if (h != HALT_NONE)
        return h;
    struct stf_interop_root *root = journal_vec_push(b, &b->interop_roots, sizeof *root);
    if (root == NULL)
        return HALT_BLOCK;
    root->chain_id = u256_of_b256(&topics[1]);
    root->block_or_batch = u256_of_b256(&topics[2]);
    memcpy(root->root.b, data.p + 64, 32);
    return HALT_NONE;
}

static enum stf_halt on_sl_chain(struct stf_block *b, struct stf_res *res,
                                 const struct b256 *topics, unsigned topic_cnt, struct bytes data)
{
    if (topic_cnt != 2 || data.len != 0)
        return sys_fail(b, STF_E_EVENT_HOOK_MALFORMED);
    enum stf_halt h = res_charge(res, 0, 6064);
    if (h != HALT_NONE)
        return h;
    struct u256 id = u256_of_b256(&topics[1]);
    return journal_set_sl_chain_id(b, &id) ? HALT_NONE : HALT_BLOCK;
}

enum stf_halt hooks_on_event(struct stf_block *b, struct stf_res *res, const struct addr *emitter,
                             const struct b256 *topics, unsigned topic_cnt, struct bytes data)
{
    if (topic_cnt == 0)
        return HALT_NONE;
    uint32_t from = low_address(emitter);
    if (from == ADDR_INTEROP_ROOTS && b256_eq(&topics[0], &topic_root_added))
        return on_root_added(b, res, topics, topic_cnt, data);
    if (from == ADDR_SYSTEM_CONTEXT && b256_eq(&topics[0], &topic_sl_chain))
        return on_sl_chain(b, res, topics, topic_cnt, data);
    return HALT_NONE;
}
