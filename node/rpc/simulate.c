/* node/rpc/simulate.c */
#include "node/rpc/simulate.h"

#include <inttypes.h>
#include <stdio.h>

#include "node/base/hash.h"

#define RUN_CHUNK (1u << 20)
#define RUN_LIMIT ((size_t)512 << 20)

#define OP_SLOAD  0x54
#define OP_SSTORE 0x55

struct slot_value {
    struct b256 value;
    bool exists;
};

/* ---- the layer of overrides ---- */

static void *from_arena(void *ctx, size_t n)
{
    return arena_alloc(ctx, n);
}

static bool read_slot(void *ctx, const struct b256 *key, struct b256 *value, bool *exists)
{
    struct sim *s = ctx;
    const struct slot_value *o = map_find(&s->slots, key->b);
    if (!o)
        return s->base.read_slot(s->base.ctx, key, value, exists);
    *value = o->value;
    *exists = o->exists;
    return true;
}

static bool read_preimage(void *ctx, const struct b256 *hash, struct bytes *out)
{
    struct sim *s = ctx;
    const struct bytes *o = map_find(&s->preimages, hash->b);
    if (!o)
        return s->base.read_preimage(s->base.ctx, hash, out);
    *out = *o;
    return true;
}

/* A slot that was there stays there with another value: its price is that of an existing one. */
static bool put_slot(struct sim *s, const struct b256 *key, const struct b256 *value)
{
    struct b256 old;
    bool exists;
    if (!s->base.read_slot(s->base.ctx, key, &old, &exists))
        return false;
    struct slot_value *o = map_put(&s->slots, key->b, NULL);
    if (!o)
        return false;
    *o = (struct slot_value){ *value, exists || !b256_is_zero(value) };
    return true;
}

static bool put_preimage(struct sim *s, const struct b256 *hash, struct bytes data)
{
    struct bytes *o = map_put(&s->preimages, hash->b, NULL);
    if (o)
        *o = data;
    return o != NULL;
}

static bool put_account(struct sim *s, const struct sim_account *a)
{
    struct b256 key = account_flat_key(&a->addr), value = { { 0 } };
    uint8_t *enc = arena_alloc(&s->c->s->arena, ACCOUNT_RECORD_LEN);
    if (!enc)
        return false;
    if (!account_is_default(&a->rec)) {
        account_encode(enc, &a->rec);
        value = account_value(&a->rec);
        if (!put_preimage(s, &value, bytes_of(enc, ACCOUNT_RECORD_LEN)))
            return false;
    }
    return put_slot(s, &key, &value);
}

/* ---- reading overrides ---- */

static bool override_code(struct sim *s, const json_t *v, struct account_record *rec)
{
    struct bytes code;
    if (!value_bytes(s->c, v, "code override", &code))
        return false;
    struct account_record bare = { .nonce = rec->nonce, .balance = rec->balance };
    *rec = bare;
    if (code.len == 0)
        return true;
    if (code.len == 23 && code.p[0] == 0xef && code.p[1] == 0x01)
        return rpc_fail(s->c, RPC_PARAMS, "delegations cannot be set by an override");
    size_t len = code_blob_len(code.len);
    uint8_t *blob = arena_alloc(&s->c->s->arena, len);
    if (!blob)
        return rpc_no_memory(s->c);
    code_blob_build(blob, code);
    account_set_code(rec, bytes_of(blob, len), code.len);
    return put_preimage(s, &rec->bytecode_hash, bytes_of(blob, len)) || rpc_no_memory(s->c);
}

static bool override_slots(struct sim *s, const json_t *slots, const struct addr *a)
{
    const char *key;
    json_t *v;
    json_object_foreach(json_unconst(slots), key, v)
    {
        struct b256 slot, value;
        json_t *name = json_string(key);
        bool ok = name && value_slot(s->c, name, "overridden slot", &slot);
        json_decref(name);
        if (!ok || !value_slot(s->c, v, "overridden value", &value))
            return s->c->code == 0 ? rpc_no_memory(s->c) : false;
        struct b256 flat = blake2s_flat_key(a, &slot);
        if (!put_slot(s, &flat, &value))
            return rpc_no_memory(s->c);
    }
    return true;
}

static bool override_member(struct sim *s, const char *key, const json_t *v, struct sim_account *a)
{
    if (json_is_null(v))
        return true;
    if (strcmp(key, "balance") == 0)
        return value_u256(s->c, v, "balance override", &a->rec.balance);
    if (strcmp(key, "nonce") == 0)
        return value_u64(s->c, v, "nonce override", &a->rec.nonce);
    if (strcmp(key, "code") == 0)
        return override_code(s, v, &a->rec);
    bool all = strcmp(key, "state") == 0;
    if (all || strcmp(key, "stateDiff") == 0) {
        if (!json_is_object(v))
            return rpc_fail(s->c, RPC_PARAMS, "invalid params: %s: expected an object", key);
        a->replaces_state |= all;
        return override_slots(s, v, &a->addr);
    }
    return rpc_fail(s->c, RPC_PARAMS, "state override `%s` is not supported", key);
}

static bool override_account(struct sim *s, const char *name, const json_t *o,
                             struct sim_account *a)
{
    bool exists;
    json_t *text = json_string(name);
    bool ok = text && value_addr(s->c, text, "overridden address", &a->addr);
    json_decref(text);
    if (!ok)
        return s->c->code == 0 ? rpc_no_memory(s->c) : false;
    if (!json_is_object(o))
        return rpc_fail(s->c, RPC_PARAMS, "invalid params: state override: expected an object");
    if (!json_is_null(json_object_get(o, "state")) && json_object_get(o, "state") &&
        !json_is_null(json_object_get(o, "stateDiff")) && json_object_get(o, "stateDiff"))
        return rpc_fail(s->c, RPC_PARAMS, "both `state` and `stateDiff` are set for account %s",
                        name);
    if (!state_view_account(s->view, &a->addr, &a->rec, &exists))
        return rpc_fail(s->c, RPC_INTERNAL, "internal error: the account cannot be read");
    const char *key;
    json_t *v;
    json_object_foreach(json_unconst(o), key, v) if (!override_member(s, key, v, a)) return false;
    return put_account(s, a) || rpc_no_memory(s->c);
}

static bool read_state_overrides(struct sim *s, const json_t *o)
{
    if (!json_is_object(o))
        return rpc_fail(s->c, RPC_PARAMS, "invalid params: state overrides: expected an object");
    s->accounts = arena_zalloc(&s->c->s->arena, json_object_size(o) * sizeof(*s->accounts));
    if (!s->accounts)
        return rpc_no_memory(s->c);
    const char *key;
    json_t *v;
    json_object_foreach(json_unconst(o), key, v)
    {
        if (!override_account(s, key, v, &s->accounts[s->account_cnt]))
            return false;
        s->account_cnt++;
    }
    return true;
}

static bool override_block_member(struct sim *s, const char *key, const json_t *v)
{
    struct stf_block_context *x = &s->ctx;
    struct u256 n;
    if (json_is_null(v))
        return true;
    if (strcmp(key, "number") == 0)
        return value_u64(s->c, v, key, &x->number);
    if (strcmp(key, "time") == 0 || strcmp(key, "timestamp") == 0)
        return value_u64(s->c, v, key, &x->timestamp);
    if (strcmp(key, "gasLimit") == 0)
        return value_u64(s->c, v, key, &x->gas_limit);
    if (strcmp(key, "coinbase") == 0 || strcmp(key, "feeRecipient") == 0)
        return value_addr(s->c, v, key, &x->coinbase);
    if (strcmp(key, "baseFee") == 0 || strcmp(key, "baseFeePerGas") == 0) {
        s->has_base_fee = true;
        if (!value_u256(s->c, v, key, &x->base_fee))
            return false;
        return u256_fits_u64(&x->base_fee) ||
               rpc_fail(s->c, RPC_PARAMS, "invalid params: %s: number does not fit 64 bits", key);
    }
    /* constants of the protocol: accepted as they are, refused as anything else */
    bool random = strcmp(key, "prevRandao") == 0 || strcmp(key, "random") == 0;
    if (random || strcmp(key, "blobBaseFee") == 0) {
        struct b256 word;
        if (!value_slot(s->c, v, key, &word))
            return false;
        n = u256_of_b256(&word);
        return (u256_fits_u64(&n) && n.w[0] == 1) ||
               rpc_fail(s->c, RPC_PARAMS, "block override `%s` can only be 1 on this chain", key);
    }
    return rpc_fail(s->c, RPC_PARAMS, "block override `%s` is not supported", key);
}

static bool read_block_overrides(struct sim *s, const json_t *o)
{
    if (!json_is_object(o))
        return rpc_fail(s->c, RPC_PARAMS, "invalid params: block overrides: expected an object");
    const char *key;
    json_t *v;
    json_object_foreach(json_unconst(o), key,
                        v) if (!override_block_member(s, key, v)) return false;
    return true;
}

/* ---- open and close ---- */

bool sim_open(struct sim *s, struct rpc_call *c, uint64_t block, const json_t *state_overrides,
              const json_t *block_overrides)
{
    struct err err = { 0 };
    struct store_reader *r = rpc_reader(c);
    memset(s, 0, sizeof(*s));
    s->c = c;
    if (!r)
        return false;
    if (!chain_call_context(c->r->d.chain, r, block, &s->ctx, &err))
        return err.kind == ERR_INVALID ? rpc_fail(c, RPC_PARAMS, "block not found")
                                       : rpc_fail_err(c, &err);
    s->view = rpc_view_open(c, block);
    if (!s->view)
        return false;
    arena_init_growing(&s->arena, RUN_CHUNK, RUN_LIMIT);
    map_init(&s->slots, 32, sizeof(struct slot_value), (uint64_t)(uintptr_t)s, from_arena, NULL,
             &c->s->arena);
    map_init(&s->preimages, 32, sizeof(struct bytes), (uint64_t)(uintptr_t)s, from_arena, NULL,
             &c->s->arena);
    s->base = state_view_oracle(s->view);
    s->oracle = s->base;
    if (state_overrides)
        s->oracle =
            (struct stf_oracle){ .ctx = s, .read_slot = read_slot, .read_preimage = read_preimage };
    if ((state_overrides && !read_state_overrides(s, state_overrides)) ||
        (block_overrides && !read_block_overrides(s, block_overrides))) {
        sim_close(s);
        return false;
    }
    return true;
}

void sim_close(struct sim *s)
{
    if (!s->view)
        return;
    arena_clear(&s->arena);
    state_view_close(s->view);
    s->view = NULL;
}

bool sim_account_get(struct sim *s, const struct addr *a, struct account_record *out)
{
    bool exists;
    for (size_t i = 0; i < s->account_cnt; i++)
        if (addr_eq(&s->accounts[i].addr, a)) {
            *out = s->accounts[i].rec;
            return true;
        }
    return state_view_account(s->view, a, out, &exists) ||
           rpc_fail(s->c, RPC_INTERNAL, "internal error: the account cannot be read");
}

/* ---- the transaction ---- */

#define L1_HEAD_LEN (19u * 32u)
#define L1_PARTS    5u /* length words of the dynamic members */

static bool l1_tx(struct sim *s, const struct call_request *q, struct stf_tx *t)
{
    /* Only the length of the envelope matters: its hash is charged by the byte. */
    size_t len = 1 + L1_HEAD_LEN + L1_PARTS * 32 + (q->data.len + 31) / 32 * 32;
    const uint8_t *envelope = arena_zalloc(&s->c->s->arena, len);
    if (!envelope)
        return rpc_no_memory(s->c);
    if (!q->has_to)
        return rpc_fail(s->c, RPC_PARAMS, "invalid params: an L1 transaction needs `to`");
    struct u256 gas = u256_of_u64(t->gas_limit), fee;
    if (!u256_mul_checked(&fee, &q->max_fee, &gas) ||
        !u256_add_checked(&t->to_mint, &fee, &q->value))
        return rpc_fail(s->c, RPC_PARAMS, "invalid params: the fee does not fit 256 bits");
    t->type = TX_PRIORITY;
    t->is_create = false;
    t->gas_per_pubdata = q->gas_per_pubdata;
    t->refund_recipient = q->from;
    t->envelope = bytes_of(envelope, len);
    return true;
}

bool sim_tx(struct sim *s, const struct call_request *q, uint64_t gas, struct stf_tx *out)
{
    uint8_t type = q->is_dynamic ? TX_DYNAMIC_FEE : q->access_cnt ? TX_ACCESS_LIST : TX_LEGACY;
    *out = (struct stf_tx){ .type = type,
                            .is_create = !q->has_to,
                            .from_is_set = true,
                            .from = q->from,
                            .to = q->to,
                            .gas_limit = gas,
                            .max_fee = q->max_fee,
                            .max_priority_fee = q->max_priority_fee,
                            .value = q->value,
                            .data = q->data,
                            .access = q->access,
                            .access_cnt = q->access_cnt };
    return q->type != TX_PRIORITY || l1_tx(s, q, out);
}

bool sim_check_fees(struct sim *s, const struct call_request *q)
{
    if (q->has_price && q->type != TX_PRIORITY && u256_lt(&q->max_fee, &s->ctx.base_fee))
        return rpc_fail(s->c, RPC_PARAMS, "`maxFeePerGas` less than `block.baseFee`");
    return true;
}

/* ---- running ---- */

static void on_exit_frame(void *ctx, const struct ee_frame *f, const struct frame_outcome *o)
{
    struct sim *s = ctx;
    if (f->depth == 0 && addr_eq(&f->caller, &s->caller))
        s->halt = o->halt;
    if (s->also && s->also->on_exit)
        s->also->on_exit(s->also->ctx, f, o);
}

static bool state_is_replaced(const struct sim *s, const struct addr *a)
{
    for (size_t i = 0; i < s->account_cnt; i++)
        if (s->accounts[i].replaces_state && addr_eq(&s->accounts[i].addr, a))
            return true;
    return false;
}

static void touch(struct sim_touched *t, struct arena *arena, const struct addr *a,
                  const struct b256 *slot)
{
    for (size_t i = 0; i < t->cnt; i++) {
        const struct sim_touch *x = &t->items[i];
        if (addr_eq(&x->addr, a) && x->is_slot == (slot != NULL) &&
            (!slot || b256_eq(&x->slot, slot)))
            return;
    }
    if (t->cnt == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 64;
        struct sim_touch *items = arena_alloc(arena, cap * sizeof(*items));
        if (!items) {
            t->failed = true;
            return;
        }
        if (t->cnt)
            memcpy(items, t->items, t->cnt * sizeof(*items));
        t->items = items;
        t->cap = cap;
    }
    t->items[t->cnt++] =
        (struct sim_touch){ *a, slot != NULL, slot ? *slot : (struct b256){ { 0 } } };
}

/* Address operand of an opcode that looks at another account; depth of it in the stack, 0: none. */
static unsigned address_operand(uint8_t op)
{
    switch (op) {
    case 0x31: /* BALANCE */
    case 0x3b: /* EXTCODESIZE */
    case 0x3c: /* EXTCODECOPY */
    case 0x3f: /* EXTCODEHASH */
    case 0xff: /* SELFDESTRUCT */
        return 1;
    case 0xf1: /* CALL, CALLCODE, DELEGATECALL, STATICCALL */
    case 0xf2:
    case 0xf4:
    case 0xfa:
        return 2;
    default:
        return 0;
    }
}

static bool on_step(void *ctx, const struct stf_step *step)
{
    struct sim *s = ctx;
    const struct addr *self = &step->frame->self;
    if ((step->op == OP_SLOAD || step->op == OP_SSTORE) && step->stack_len >= 1) {
        struct b256 slot = u256_to_b256(&step->stack[step->stack_len - 1]), zero = { { 0 } };
        if (s->touched)
            touch(s->touched, &s->c->s->arena, self, &slot);
        if (state_is_replaced(s, self)) {
            /* the keys of an account cannot be listed, so the other slots are cleared as they come up */
            struct b256 flat = blake2s_flat_key(self, &slot);
            if (!map_find(&s->slots, flat.b) && !put_slot(s, &flat, &zero))
                s->lost = true;
        }
    }
    unsigned at = address_operand(step->op);
    if (s->touched && at && step->stack_len >= at) {
        struct addr a = u256_to_addr(&step->stack[step->stack_len - at]);
        touch(s->touched, &s->c->s->arena, &a, NULL);
    }
    return !s->also || !s->also->on_step || s->also->on_step(s->also->ctx, step);
}

static bool needs_steps(const struct sim *s)
{
    for (size_t i = 0; i < s->account_cnt; i++)
        if (s->accounts[i].replaces_state)
            return true;
    return s->touched != NULL || (s->also && s->also->on_step);
}

/* What only the one that listens in wants to know. */
static void pass_enter(void *ctx, const struct ee_frame *f, enum call_kind kind)
{
    const struct stf_tracer *t = ((struct sim *)ctx)->also;
    t->on_enter(t->ctx, f, kind);
}
static void pass_end(void *ctx, const struct ee_frame *f)
{
    const struct stf_tracer *t = ((struct sim *)ctx)->also;
    t->on_end(t->ctx, f);
}
static void pass_event(void *ctx, const struct stf_event *e)
{
    const struct stf_tracer *t = ((struct sim *)ctx)->also;
    t->on_event(t->ctx, e);
}
static void pass_destruct(void *ctx, const struct addr *self, const struct addr *beneficiary,
                          const struct u256 *amount)
{
    const struct stf_tracer *t = ((struct sim *)ctx)->also;
    t->on_destruct(t->ctx, self, beneficiary, amount);
}

enum stf_verdict sim_run(struct sim *s, const struct stf_tx *tx, struct stf_tx_result *out)
{
    struct stf_tracer tracer = { .ctx = s,
                                 .on_step = needs_steps(s) ? on_step : NULL,
                                 .on_exit = on_exit_frame };
    if (s->also) {
        tracer.on_enter = s->also->on_enter ? pass_enter : NULL;
        tracer.on_end = s->also->on_end ? pass_end : NULL;
        tracer.on_event = s->also->on_event ? pass_event : NULL;
        tracer.on_destruct = s->also->on_destruct ? pass_destruct : NULL;
    }
    struct stf_options options = { .simulate = true, .tracer = &tracer };
    struct stf_fault fault;
    arena_reset(&s->arena);
    s->halt = HALT_NONE;
    s->caller = tx->from;
    memset(out, 0, sizeof(*out));
    struct stf_block *b =
        stf_block_begin(&s->arena, stf_rules_of_execution_version(s->ctx.execution_version),
                        &s->ctx, &s->oracle, s->c->r->d.crypto, &options, &fault);
    if (!b) {
        out->fault = fault;
        return out->verdict = STF_FATAL;
    }
    if (s->began)
        *s->began = b;
    enum stf_verdict v = stf_tx_run(b, tx, out);
    if (s->lost)
        out->verdict = v = STF_FATAL, out->fault.code = STF_E_OUT_OF_MEMORY;
    return v;
}

/* ---- what went wrong, in words ---- */

static const char *const panics[][2] = {
    { "00", "generic panic" },
    { "01", "assert(false)" },
    { "11", "arithmetic underflow or overflow" },
    { "12", "division or modulo by zero" },
    { "21", "enum overflow" },
    { "22", "invalid encoded storage byte array accessed" },
    { "31", "out-of-bounds array access; popping on an empty array" },
    { "32", "out-of-bounds access of an array or bytesN" },
    { "41", "out of memory" },
    { "51", "uninitialized function" },
};

static void panic_text(char *out, size_t cap, struct bytes data)
{
    struct u256 n = u256_of_be32(data.p + 4);
    char code[3] = "", dec[79];
    if (u256_fits_u64(&n) && n.w[0] < 256)
        snprintf(code, sizeof(code), "%02x", (unsigned)n.w[0]);
    for (size_t i = 0; i < GH_COUNT(panics); i++)
        if (strcmp(panics[i][0], code) == 0) {
            snprintf(out, cap, "execution reverted: panic: %s (0x%s)", panics[i][1], code);
            return;
        }
    u256_format_dec(dec, &n);
    snprintf(out, cap, "execution reverted: panic: unknown reason (%s)", dec);
}

/* Reasons are outside data: what is not printable becomes '?'. */
static void reason_text(char *out, size_t cap, struct bytes data)
{
    struct u256 offset = u256_of_be32(data.p + 4), len = u256_of_be32(data.p + 36);
    int n = snprintf(out, cap, "execution reverted: ");
    if (!u256_fits_u64(&offset) || offset.w[0] != 32 || !u256_fits_u64(&len) ||
        len.w[0] > data.len - 68) {
        snprintf(out, cap, "execution reverted");
        return;
    }
    size_t at = (size_t)n, left = (size_t)len.w[0];
    for (size_t i = 0; i < left && at + 1 < cap; i++) {
        uint8_t c = data.p[68 + i];
        out[at++] = c >= 0x20 && c < 0x7f ? (char)c : c == '\n' ? ' ' : '?';
    }
    out[at] = 0;
}

void revert_text(char *out, size_t cap, struct bytes data)
{
    static const uint8_t error[4] = { 0x08, 0xc3, 0x79, 0xa0 },
                         panic[4] = { 0x4e, 0x48, 0x7b, 0x71 };
    if (data.len >= 68 && memcmp(data.p, error, 4) == 0)
        reason_text(out, cap, data);
    else if (data.len >= 36 && memcmp(data.p, panic, 4) == 0)
        panic_text(out, cap, data);
    else
        snprintf(out, cap, "execution reverted");
}

static const char *halt_name(enum stf_halt h)
{
    switch (h) {
    case HALT_STACK:
        return "StackUnderflowOrOverflow";
    case HALT_BAD_JUMP:
        return "InvalidJump";
    case HALT_BAD_OPCODE:
        return "InvalidOpcode";
    case HALT_STATIC:
        return "StateChangeDuringStaticCall";
    case HALT_RETURNDATA:
        return "OutOfOffset";
    case HALT_CODE_RULE:
        return "CreateContractRejected";
    case HALT_COLLISION:
        return "CreateCollision";
    default:
        return NULL;
    }
}

static bool fail_halted(struct sim *s, const struct stf_tx *tx, const struct stf_tx_result *r)
{
    struct rpc_call *c = s->c;
    const char *name = halt_name(s->halt);
    if (s->halt == HALT_REVERT) {
        uint8_t *data = arena_copy(&c->s->arena, r->output.p, r->output.len);
        if (!data)
            return rpc_no_memory(c);
        c->data = bytes_of(data, r->output.len);
        c->has_data = true;
        c->code = RPC_REVERTED;
        revert_text(c->message, sizeof(c->message), r->output);
        return false;
    }
    if (name)
        return rpc_fail(c, RPC_SERVER, "EVM error: %s", name);
    const char *what = s->halt == HALT_OUT_OF_NATIVE ? "out of native resource"
                       : s->halt == HALT_STOP        ? "out of native resource for pubdata"
                                                     : "out of gas";
    return rpc_fail(c, RPC_SERVER, "%s: gas required exceeds: %" PRIu64, what, tx->gas_limit);
}

bool sim_fail(struct sim *s, const struct stf_tx *tx, const struct stf_tx_result *r)
{
    struct rpc_call *c = s->c;
    enum stf_error e = r->fault.code;
    char given[79], expected[79];
    if (r->verdict == STF_INCLUDED)
        return fail_halted(s, tx, r);
    if (e == STF_E_ORACLE)
        return rpc_fail(c, RPC_INTERNAL, "internal error: the state cannot be read");
    if (e == STF_E_OUT_OF_MEMORY)
        return rpc_no_memory(c);
    u256_format_dec(given, &r->fault.words[0]);
    u256_format_dec(expected, &r->fault.words[1]);
    if (e == STF_E_OUT_OF_GAS_VALIDATION)
        return rpc_fail(c, RPC_SERVER,
                        "invalid transaction: intrinsic gas too low: gas %s, minimum needed %s",
                        given, expected);
    if (e == STF_E_OUT_OF_NATIVE_VALIDATION)
        return rpc_fail(c, RPC_SERVER,
                        "invalid transaction: intrinsic gas too low: native resource %s, minimum "
                        "needed %s",
                        given, expected);
    if (e == STF_E_INITCODE_SIZE)
        return rpc_fail(c, RPC_SERVER,
                        "invalid transaction: max initcode size exceeded: code size %s, limit %s",
                        given, expected);
    return rpc_fail(c, RPC_SERVER, "invalid transaction: %s", stf_error_name(e));
}
