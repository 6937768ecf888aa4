/* node/rpc/trace_prestate.c
 *
 * prestateTracer: every account and slot the transaction looked at, as it was before; in diffMode what it changed, before
 * and after. What an opcode names counts when the opcode was paid for. */
#include "node/base/hash.h"
#include "node/base/hex.h"
#include "node/base/map.h"
#include "node/rpc/encode.h"
#include "node/rpc/trace.h"
#include "node/stf/evm.h"

#define ACCOUNT_SIZE 150u
#define SLOT_SIZE    140u

struct slot {
    struct slot *next;
    struct b256 key;
};
struct account {
    struct account *next;
    struct addr addr;
    struct slot *first, *last;
};
struct slot_key {
    struct addr addr;
    uint8_t zero[4];
    struct b256 key;
};
struct prestate {
    struct trace *t;
    bool diff, no_code, no_storage, include_empty;
    struct map accounts; /* addr -> struct account * */
    struct map slots;    /* slot_key -> nothing */
    struct account *first, *last;
    /* named by the opcode that is running */
    bool has_account, has_slot;
    struct addr named;
    struct b256 named_slot;
};

static void *from_arena(void *ctx, size_t n)
{
    return trace_alloc(ctx, n);
}

static struct account *look(struct prestate *p, const struct addr *a)
{
    bool inserted = false;
    struct account **at = map_put(&p->accounts, a->b, &inserted);
    if (!at)
        return NULL;
    if (!inserted)
        return *at;
    struct account *x = trace_alloc(p->t, sizeof(*x));
    *at = x;
    if (!x)
        return NULL;
    x->addr = *a;
    if (p->last)
        p->last->next = x;
    else
        p->first = x;
    p->last = x;
    trace_grow(p->t, ACCOUNT_SIZE);
    return x;
}

static void look_slot(struct prestate *p, const struct addr *a, const struct b256 *slot)
{
    struct account *x = look(p, a);
    struct slot_key key = { .addr = *a, .key = *slot };
    bool inserted = false;
    if (!x || !map_put(&p->slots, &key, &inserted) || !inserted)
        return;
    struct slot *s = trace_alloc(p->t, sizeof(*s));
    if (!s)
        return;
    s->key = *slot;
    if (x->last)
        x->last->next = s;
    else
        x->first = s;
    x->last = s;
    trace_grow(p->t, SLOT_SIZE);
}

/* A callee, and the account whose code it lends (EIP-7702). */
static void look_callee(struct prestate *p, const struct addr *a)
{
    struct account_record before, now;
    struct bytes code;
    struct addr target;
    (void)look(p, a);
    if (stf_block_account(p->t->at.block, a, &before, &now) && account_is_delegated(&now) &&
        stf_block_code(p->t->at.block, &now, &code) && account_delegation_target(code, &target))
        (void)look(p, &target);
}

/* ---- events ---- */

static void take_named(struct prestate *p, bool paid)
{
    if (paid && p->has_account)
        (void)look(p, &p->named);
    if (paid && p->has_slot)
        look_slot(p, &p->named, &p->named_slot);
    p->has_account = p->has_slot = false;
}

static void on_step(struct trace *t, void *state, const struct stf_step *s)
{
    struct prestate *p = state;
    (void)t;
    take_named(p, true);
    if (s->stack_len < 1)
        return;
    const struct u256 *top = &s->stack[s->stack_len - 1];
    switch (s->op) {
    case EVM_OP_SLOAD:
    case EVM_OP_SSTORE:
        p->has_slot = true;
        p->named = s->frame->self;
        p->named_slot = u256_to_b256(top);
        break;
    case EVM_OP_BALANCE:
    case EVM_OP_EXTCODESIZE:
    case EVM_OP_EXTCODECOPY:
    case EVM_OP_EXTCODEHASH:
    case EVM_OP_SELFDESTRUCT:
        p->has_account = true;
        p->named = u256_to_addr(top);
        break;
    default:
        break;
    }
}

static void on_enter(struct trace *t, void *state, const struct ee_frame *f, enum call_kind kind)
{
    struct prestate *p = state;
    (void)kind;
    take_named(p, true);
    if (f->depth == 0) {
        (void)look(p, &f->caller);
        (void)look(p, &t->at.ctx->coinbase);
    }
    look_callee(p, &f->code_addr); /* of a creation: where it goes */
}

static void on_end(struct trace *t, void *state, const struct ee_frame *f)
{
    (void)t;
    take_named(state, f->halt == HALT_STOP || f->halt == HALT_REVERT);
}

static void on_write(void *arg, const struct addr *a, const struct b256 *slot)
{
    struct prestate *p = arg;
    struct addr records = account_storage_addr();
    if (addr_eq(a, &records))
        return; /* where accounts themselves are kept */
    if (slot)
        look_slot(p, a, slot);
    else
        (void)look(p, a);
}

/* ---- the answer ---- */

static struct b256 code_hash(const struct account_record *r)
{
    return r->code_len ? r->observable_hash : KECCAK_EMPTY;
}

static void write_account(struct prestate *p, struct buf *out, const struct account_record *r,
                          bool balance, bool nonce, bool code)
{
    struct bytes bytes;
    struct b256 hash = code_hash(r);
    if (balance)
        jm_quantity_u256(out, "balance", &r->balance);
    if (code && !p->no_code && stf_block_code(p->t->at.block, r, &bytes))
        jm_hex(out, "code", bytes.p, bytes.len);
    if (code)
        jm_hash(out, "codeHash", &hash);
    if (nonce && r->nonce)
        jm_number(out, "nonce", r->nonce);
}

/* A member of the storage object, opening it first. */
static void write_slot(struct buf *out, bool *is_open, const struct b256 *key,
                       const struct b256 *value)
{
    char name[67];
    if (!*is_open) {
        js_key(out, "storage");
        js_open(out, '{');
        *is_open = true;
    }
    hex_encode0x(name, key->b, 32);
    jm_hash(out, name, value);
}

static void write_name(struct buf *out, const struct addr *a)
{
    char name[43];
    hex_encode0x(name, a->b, 20);
    js_key(out, name);
    js_open(out, '{');
}

static void close_account(struct buf *out, bool has_storage)
{
    if (has_storage)
        js_close(out, '}');
    js_close(out, '}');
}

/* One account, and what is asked of its slots: their values before or now, all or those that changed. */
struct view {
    struct account_record before, now;
    bool changed; /* it or a slot of it */
};

static bool view_account(struct prestate *p, const struct account *a, struct view *v)
{
    struct stf_block *b = p->t->at.block;
    if (!stf_block_account(b, &a->addr, &v->before, &v->now))
        return false;
    v->changed = !account_eq(&v->before, &v->now);
    for (const struct slot *s = a->first; s && !v->changed && !p->no_storage; s = s->next) {
        struct b256 was, is;
        if (!trace_goes_on(p->t) || !stf_block_slot(b, &a->addr, &s->key, &was, &is))
            return false;
        v->changed = !b256_eq(&was, &is);
    }
    return true;
}

enum slots_wanted { SLOTS_BEFORE, SLOTS_CHANGED_BEFORE, SLOTS_CHANGED_NOW };

static bool write_slots(struct prestate *p, struct buf *out, const struct account *a,
                        enum slots_wanted wanted)
{
    bool is_open = false;
    for (const struct slot *s = a->first; s && !p->no_storage && trace_goes_on(p->t); s = s->next) {
        struct b256 was, is;
        if (!stf_block_slot(p->t->at.block, &a->addr, &s->key, &was, &is))
            continue; /* the block is lost, and says so itself */
        const struct b256 *value = wanted == SLOTS_CHANGED_NOW ? &is : &was;
        if (wanted == SLOTS_BEFORE || (!b256_eq(&was, &is) && !b256_is_zero(value)))
            write_slot(out, &is_open, &s->key, value);
    }
    return is_open;
}

/* What was nothing is not told, unless that is asked for. */
static bool is_left_out(const struct prestate *p, const struct view *v)
{
    return account_is_empty(&v->before) && !p->include_empty;
}

static void write_before(struct prestate *p, struct buf *out)
{
    struct view v;
    js_open(out, '{');
    for (const struct account *a = p->first; a && trace_goes_on(p->t); a = a->next) {
        if (!view_account(p, a, &v) || is_left_out(p, &v))
            continue;
        write_name(out, &a->addr);
        write_account(p, out, &v.before, true, true, v.before.code_len > 0);
        close_account(out, write_slots(p, out, a, SLOTS_BEFORE));
    }
    js_close(out, '}');
}

static void write_pre(struct prestate *p, struct buf *out)
{
    struct view v;
    js_key(out, "pre");
    js_open(out, '{');
    for (const struct account *a = p->first; a && trace_goes_on(p->t); a = a->next) {
        if (!view_account(p, a, &v) || !v.changed || is_left_out(p, &v))
            continue;
        write_name(out, &a->addr);
        write_account(p, out, &v.before, true, true, v.before.code_len > 0);
        close_account(out, write_slots(p, out, a, SLOTS_CHANGED_BEFORE));
    }
    js_close(out, '}');
}

static void write_post(struct prestate *p, struct buf *out)
{
    struct view v;
    js_key(out, "post");
    js_open(out, '{');
    for (const struct account *a = p->first; a && trace_goes_on(p->t); a = a->next) {
        if (!view_account(p, a, &v) || !v.changed || account_is_default(&v.now))
            continue; /* unchanged, or gone */
        struct b256 was = code_hash(&v.before), is = code_hash(&v.now);
        write_name(out, &a->addr);
        write_account(p, out, &v.now, !u256_eq(&v.before.balance, &v.now.balance),
                      v.before.nonce != v.now.nonce, !b256_eq(&was, &is));
        close_account(out, write_slots(p, out, a, SLOTS_CHANGED_NOW));
    }
    js_close(out, '}');
}

static void *prestate_open(struct trace *t, const json_t *config)
{
    struct prestate *p = trace_alloc(t, sizeof(*p));
    bool ok = true;
    if (!p)
        return NULL;
    p->t = t;
    p->diff = trace_flag(t, config, "diffMode", &ok);
    p->no_code = trace_flag(t, config, "disableCode", &ok);
    p->no_storage = trace_flag(t, config, "disableStorage", &ok);
    p->include_empty = trace_flag(t, config, "includeEmpty", &ok);
    map_init(&p->accounts, sizeof(struct addr), sizeof(struct account *), (uint64_t)(uintptr_t)t,
             from_arena, NULL, t);
    map_init(&p->slots, sizeof(struct slot_key), 1, (uint64_t)(uintptr_t)p, from_arena, NULL, t);
    return ok ? p : NULL;
}

static void prestate_write(struct trace *t, void *state, struct buf *out)
{
    struct prestate *p = state;
    (void)look(p, &t->at.tx->from);
    stf_block_visit_writes(t->at.block, on_write, p);
    if (!p->diff) {
        write_before(p, out);
        return;
    }
    js_open(out, '{');
    write_post(p, out);
    write_pre(p, out);
    js_close(out, '}');
}

const struct tracer_ops tracer_prestate = {
    .name = "prestateTracer",
    .open = prestate_open,
    .step = on_step,
    .enter = on_enter,
    .end = on_end,
    .write = prestate_write,
};
