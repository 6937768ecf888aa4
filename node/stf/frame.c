/* node/stf/frame.c: the frame driver (ee.h).
 *
 * A frame is entered by a call or a creation, runs in its environment until it asks for another
 * one or ends, and answers the frame below. Frames are kept by depth in one array, so a call costs
 * no C stack and a tx-fatal halt drops all of them at once.
 *
 * Resources. A frame gets the gas its caller took for it and ALL native (spec 10 §7.1); both
 * remainders go back. Reaching the callee and its code was paid by the caller's environment;
 * native for transfers, nonces and initcode is charged here. */
#include "node/stf/ee.h"

#define FRAME_CAP (EE_DEPTH_CAP + 1) /* one more, to refuse a call in */

#define NATIVE_INITCODE_BYTE 6u /* spec 10 §7.7: bytecode preprocessing */

struct frame_slot { /* one per depth */
    struct ee_frame f;
    struct sys_mark mark; /* before the frame's first effect */
    struct ee_buf out;    /* output of a precompile called by the frame below */
    enum call_kind kind;
    enum frame_refusal refusal;
    struct addr created;
};

struct frame_pool { /* one per block, in its arena */
    struct frame_slot *slots[FRAME_CAP];
    void *ee_pool[EE_ID_CAP];
    uint64_t returned; /* bytes of output since the top frame was opened */
    bool is_running;
};

struct driver {
    struct stf_block *b;
    const struct stf_rules *rules;
    const struct stf_tracer *tracer; /* may be NULL */
    struct frame_pool *pool;
};

static const struct bytes no_bytes = { NULL, 0 };

static bool driver_init(struct driver *d, struct stf_block *b)
{
    void **slot = sys_frame_pool(b);
    if (!*slot)
        *slot = arena_zalloc(sys_arena(b), sizeof(struct frame_pool));
    d->b = b;
    d->rules = sys_rules(b);
    d->tracer = sys_options(b)->tracer;
    d->pool = *slot;
    return d->pool != NULL;
}

/* The slot of a depth, with a fresh frame in it. NULL: out of memory. */
static struct frame_slot *slot_open(struct driver *d, unsigned depth)
{
    CHECK(depth < FRAME_CAP);
    struct frame_slot *s = d->pool->slots[depth];
    if (!s) {
        s = arena_zalloc(sys_arena(d->b), sizeof(*s));
        if (!s)
            return NULL;
        d->pool->slots[depth] = s;
    }
    s->f.ee = NULL;
    s->f.input = no_bytes;
    s->f.code = no_bytes;
    s->f.bitmap = NULL;
    memset(&s->f.code_hash, 0, sizeof(s->f.code_hash));
    s->f.depth = depth;
    s->f.is_create = false;
    s->f.halt = HALT_NONE;
    s->f.output = no_bytes;
    s->f.state = NULL;
    s->refusal = FRAME_TAKEN;
    return s;
}

static void trace_enter(const struct driver *d, const struct frame_slot *s)
{
    if (d->tracer && d->tracer->on_enter)
        d->tracer->on_enter(d->tracer->ctx, &s->f, s->kind);
}

static void trace_exit(const struct driver *d, const struct frame_slot *s, enum stf_halt halt,
                       struct bytes output)
{
    if (!d->tracer || !d->tracer->on_exit)
        return;
    struct frame_outcome o = {
        .halt = halt, .refusal = s->refusal, .output = output, .created = s->created
    };
    d->tracer->on_exit(d->tracer->ctx, &s->f, &o);
}

static void trace_end(const struct driver *d, const struct frame_slot *s)
{
    if (d->tracer && d->tracer->on_end)
        d->tracer->on_end(d->tracer->ctx, &s->f);
}

/* A frame that is not to run: gas stays, there is no output. */
static enum stf_halt refuse(struct frame_slot *s, enum frame_refusal why)
{
    s->refusal = why;
    return HALT_REVERT;
}

/* Ends what a slot began: undoes its effects unless it succeeded, burns its gas on exceptional
 * halts. Tx-fatal halts are unwound by the caller of the driver's loop. */
static void slot_settle(struct driver *d, struct frame_slot *s, enum stf_halt halt)
{
    if (halt == HALT_STOP)
        return;
    if (!halt_is_tx_fatal(halt))
        sys_rollback(d->b, s->mark);
    if (halt != HALT_REVERT)
        s->f.res.gas = 0;
}

/* ---- calls ---- */

/* Whether `from` can pay. ZKOS: a read of its account is charged for the answer. */
static enum stf_halt check_balance(struct driver *d, struct stf_res *res, const struct addr *from,
                                   const struct u256 *value, bool *enough)
{
    *enough = true;
    if (u256_is_zero(value))
        return HALT_NONE;
    const struct account_record *rec;
    enum stf_halt halt = sys_account(d->b, res, from, false, &rec);
    if (halt == HALT_NONE)
        *enough = !u256_lt(&rec->balance, value);
    return halt;
}

/* ZKOS: a contract of no code still runs, for a step */
static bool has_code(const struct driver *d, const struct account_record *rec)
{
    return rec->code_len || (d->rules->runs_empty_contracts && account_environment(rec));
}

/* Code to run for a callee, through one EIP-7702 delegation; f->ee stays NULL when there is none.
 * Reaching accounts and fetching code costs native if `charges`: a nested call paid for that in its
 * opcode. */
static enum stf_halt load_code(struct driver *d, struct ee_frame *f, bool charges)
{
    struct stf_res *res = charges ? &f->res : NULL;
    const struct account_record *rec;
    enum stf_halt halt = sys_account(d->b, res, &f->code_addr, false, &rec);
    for (unsigned hop = 0; halt == HALT_NONE && has_code(d, rec); hop++) {
        uint8_t ee_id = account_environment(rec);
        bool is_delegated = account_is_delegated(rec);
        f->code_hash = rec->bytecode_hash;
        if (res)
            halt = res_charge(res, 0, sys_native_code_read(rec));
        if (halt == HALT_NONE)
            halt = sys_code(d->b, rec, &f->code, &f->bitmap);
        if (halt != HALT_NONE)
            return halt;
        struct addr target;
        if (hop > 0 || !is_delegated || !account_delegation_target(f->code, &target)) {
            f->ee = stf_ee_find(d->rules, ee_id);
            return f->ee ? HALT_NONE : sys_fail(d->b, STF_E_ORACLE);
        }
        /* a designator is never run itself; its target is not followed further */
        f->code = no_bytes;
        halt = sys_account(d->b, res, &target, false, &rec);
    }
    return halt;
}

/* Outputs of all frames of a transaction are kept until its end, in memory that is not endless: whoever asks for more
 * ends the transaction like one out of native. */
static enum stf_halt keep_output(struct driver *d, size_t len)
{
    d->pool->returned += len;
    return d->pool->returned > d->rules->max_return_len ? HALT_OUT_OF_NATIVE : HALT_NONE;
}

/* Precompiles and hooks. false: the callee is neither. */
static bool run_special(struct driver *d, struct frame_slot *s, const struct ee_call_request *req,
                        enum stf_halt *halt)
{
    if (sys_is_hook(d->b, &req->code_addr)) {
        struct sys_hook_call call = {
            .caller = &req->caller,
            .callee = &req->code_addr,
            .value = &req->value,
            .input = req->input,
            .is_static = req->is_static,
            .is_delegate = req->kind == CALL_DELEGATE || req->kind == CALL_CODE,
        };
        bool handled = false;
        *halt = sys_hook_run(d->b, &s->f.res, &call, &handled, &s->f.output);
        if (!handled && !halt_is_tx_fatal(*halt)) {
            s->f.output = no_bytes;
            *halt = HALT_STOP;
        }
        return true;
    }
    enum precompile_id id = precompile_find(d->rules, &req->code_addr);
    if (id == PRE_NONE)
        return false;
    *halt = precompile_run(d->b, &s->f.res, id, req->input, &s->out, &s->f.output);
    if (*halt == HALT_STOP && keep_output(d, s->f.output.len) != HALT_NONE)
        *halt = HALT_OUT_OF_NATIVE;
    return true;
}

/* Enters a call. HALT_NONE: the slot's frame is ready to start. Otherwise it is over, settled,
 * with s->f.res what is left and s->f.output the answer. `charges_callee`: top frame, native for
 * reaching the callee is still to be paid. */
static enum stf_halt enter_call(struct driver *d, struct frame_slot *s,
                                const struct ee_call_request *req, bool charges_callee)
{
    struct ee_frame *f = &s->f;
    f->self = req->self;
    f->caller = req->caller;
    f->code_addr = req->code_addr;
    f->value = req->value;
    f->input = req->input;
    f->is_static = req->is_static;
    s->kind = req->kind;
    memset(&s->created, 0, sizeof(s->created));

    enum stf_halt halt = load_code(d, f, charges_callee);
    s->mark = sys_snapshot(d->b);
    trace_enter(d, s);
    bool moves_value = req->kind == CALL_PLAIN || req->kind == CALL_CODE;
    if (halt == HALT_NONE && f->depth > d->rules->max_depth)
        halt = refuse(s, FRAME_TOO_DEEP);
    if (halt == HALT_NONE && moves_value) {
        bool enough;
        halt = check_balance(d, &f->res, &req->caller, &req->value, &enough);
        if (halt == HALT_NONE && !enough)
            halt = refuse(s, FRAME_TOO_POOR);
        if (halt == HALT_NONE && !u256_is_zero(&req->value))
            halt = sys_transfer(d->b, &f->res, &req->caller, &req->self, &req->value);
    }
    if (halt == HALT_NONE && !run_special(d, s, req, &halt) && !f->ee)
        halt = HALT_STOP; /* no code */
    if (halt != HALT_NONE) {
        slot_settle(d, s, halt);
        trace_exit(d, s, halt, f->output);
    }
    return halt;
}

/* ---- creations ---- */

static struct addr create2_address(const struct addr *creator, const struct b256 *salt,
                                   struct bytes initcode)
{
    uint8_t buf[85];
    struct b256 code_hash = keccak256(initcode.p, initcode.len);
    buf[0] = 0xff;
    memcpy(buf + 1, creator->b, 20);
    memcpy(buf + 21, salt->b, 32);
    memcpy(buf + 53, code_hash.b, 32);
    struct b256 h = keccak256(buf, sizeof(buf));
    return b256_low_addr(&h);
}

/* A contract is there already: nonce or code (EIP-684); with EIP-7610 also storage. Precompiles
 * and hooks count. */
static enum stf_halt check_collision(struct driver *d, const struct addr *a)
{
    const struct account_record *rec;
    enum stf_halt halt = sys_account(d->b, NULL, a, false, &rec);
    if (halt != HALT_NONE)
        return halt;
    /* ZKOS: storage is not examined (spec 10 §8.1) */
    if (rec->nonce || rec->code_len || sys_is_hook(d->b, a) ||
        precompile_find(d->rules, a) != PRE_NONE)
        return HALT_COLLISION;
    if (d->rules->create_checks_storage && sys_has_storage(d->b, a))
        return HALT_COLLISION;
    return HALT_NONE;
}

struct create {
    const struct stf_ee *ee;
    const struct addr *creator;
    struct bytes initcode;
    const struct u256 *value;
    const struct b256 *salt; /* NULL: by nonce */
    bool is_top;             /* the nonce was incremented by the bootloader */
    uint64_t nonce;          /* is_top */
};

static void set_address(struct ee_frame *f, const struct create *c, uint64_t nonce)
{
    f->self = c->salt ? create2_address(c->creator, c->salt, c->initcode)
                      : tx_create_address(c->creator, nonce);
    f->code_addr = f->self;
}

/* Reads, and thereby warms, the account the creation is for. */
static enum stf_halt read_target(struct driver *d, struct ee_frame *f)
{
    const struct account_record *rec;
    enum stf_halt halt = sys_account(d->b, &f->res, &f->self, false, &rec);
    return halt == HALT_NONE ? res_charge(&f->res, 0, sys_native_code_read(rec)) : halt;
}

/* ZKOS: the target is worked out and read before anything is checked, so it stays warm and paid for when the creation is
 * refused. Hashing the initcode is paid for, hashing the address is not. */
static enum stf_halt read_target_first(struct driver *d, struct ee_frame *f, const struct create *c)
{
    const struct account_record *rec = NULL;
    enum stf_halt halt = HALT_NONE;
    if (c->salt)
        halt = res_charge(&f->res, 0, sys_native_keccak(c->initcode.len));
    else if (!c->is_top)
        halt = sys_account(d->b, &f->res, c->creator, false, &rec);
    if (halt != HALT_NONE)
        return halt;
    set_address(f, c, rec ? rec->nonce : c->nonce);
    return read_target(d, f);
}

/* What must hold before a creation touches anything. HALT_REVERT: it fails, gas stays. */
static enum stf_halt create_preconditions(struct driver *d, struct frame_slot *s,
                                          const struct create *c)
{
    struct ee_frame *f = &s->f;
    enum stf_halt halt =
        d->rules->reads_create_target_first ? read_target_first(d, f, c) : HALT_NONE;
    if (halt == HALT_NONE && f->depth > d->rules->max_depth)
        halt = refuse(s, FRAME_TOO_DEEP);
    bool enough = true;
    if (halt == HALT_NONE)
        halt = check_balance(d, &f->res, c->creator, c->value, &enough);
    if (halt == HALT_NONE && !enough)
        halt = refuse(s, FRAME_TOO_POOR);
    return halt;
}

/* Nonce, address, collision: effects that survive the failure of the creation. */
static enum stf_halt create_address(struct driver *d, struct frame_slot *s, const struct create *c)
{
    struct ee_frame *f = &s->f;
    uint64_t nonce = c->nonce;
    enum stf_halt halt = HALT_NONE;
    if (!c->is_top)
        halt = sys_increment_nonce(d->b, &f->res, c->creator, &nonce);
    if (halt == HALT_REVERT)
        s->refusal = FRAME_NONCE_SPENT;
    if (halt != HALT_NONE)
        return halt;
    if (!d->rules->reads_create_target_first) {
        set_address(f, c, nonce);
        halt = read_target(d, f);
    }
    return halt == HALT_NONE ? check_collision(d, &f->self) : halt;
}

/* The address a refused creation would have had, where it was not worked out; nothing is charged for it. */
static void show_address(struct driver *d, struct ee_frame *f, const struct create *c)
{
    const struct account_record *rec;
    if (d->rules->reads_create_target_first || !d->tracer ||
        sys_account(d->b, NULL, c->creator, false, &rec) != HALT_NONE)
        return;
    set_address(f, c, c->is_top ? c->nonce : rec->nonce);
}

/* As enter_call. */
static enum stf_halt enter_create(struct driver *d, struct frame_slot *s, const struct create *c)
{
    struct ee_frame *f = &s->f;
    f->ee = c->ee;
    memset(&f->self, 0, sizeof(f->self));
    f->code_addr = f->self;
    f->caller = *c->creator;
    f->value = *c->value;
    f->code = c->initcode;
    f->is_static = false;
    f->is_create = true;
    s->kind = c->salt ? CALL_CREATE2 : CALL_CREATE;
    memset(&s->created, 0, sizeof(s->created));

    enum stf_halt halt = create_preconditions(d, s, c);
    s->mark = sys_snapshot(d->b);
    if (halt == HALT_NONE) {
        halt = create_address(d, s, c);
        if (!halt_is_tx_fatal(halt))
            s->mark = sys_snapshot(d->b); /* the nonce and the warmth stay */
    } else {
        show_address(d, f, c);
    }
    trace_enter(d, s);
    if (halt == HALT_NONE)
        halt = sys_mark_created(d->b, &f->res, &f->self);
    if (halt == HALT_NONE && !u256_is_zero(c->value))
        halt = sys_transfer(d->b, &f->res, c->creator, &f->self, c->value);
    if (halt == HALT_NONE)
        halt = res_charge(&f->res, 0, NATIVE_INITCODE_BYTE * (uint64_t)c->initcode.len);
    if (halt != HALT_NONE) {
        slot_settle(d, s, halt);
        trace_exit(d, s, halt, no_bytes);
    }
    return halt;
}

/* The initcode returned: its output becomes the code. */
static enum stf_halt deploy(struct driver *d, struct frame_slot *s)
{
    struct ee_frame *f = &s->f;
    enum stf_halt halt = f->ee->deploy(d->b, f);
    if (halt == HALT_NONE)
        halt = sys_set_code(d->b, &f->res, &f->self, f->ee->id, f->output);
    if (halt != HALT_NONE)
        return halt;
    s->created = f->self;
    return HALT_STOP;
}

/* ---- the loop ---- */

/* A frame ended by itself: deployment, settlement, and its answer. */
static enum stf_halt finish_frame(struct driver *d, struct frame_slot *s)
{
    struct ee_frame *f = &s->f;
    enum stf_halt halt = f->halt;
    if (halt == HALT_STOP && f->is_create)
        halt = deploy(d, s);
    if (halt != HALT_STOP && halt != HALT_REVERT)
        f->output = no_bytes;
    bool is_deployed = halt == HALT_STOP && f->is_create; /* answers without output */
    if (!halt_is_tx_fatal(halt) && keep_output(d, is_deployed ? 0 : f->output.len) != HALT_NONE)
        halt = HALT_OUT_OF_NATIVE;
    if (halt_is_tx_fatal(halt))
        return halt; /* unwound with the frames below */
    slot_settle(d, s, halt);
    trace_exit(d, s, halt, f->output);
    f->ee->finish(f, &d->pool->ee_pool[f->ee->id]);
    return halt;
}

/* Answers the frame at `depth` with what the slot above it left, and lets it go on. */
static enum ee_exit resume_parent(struct driver *d, unsigned depth, enum stf_halt halt)
{
    struct ee_frame *parent = &d->pool->slots[depth]->f;
    struct frame_slot *child = d->pool->slots[depth + 1];
    struct ee_result sub = {
        .success = halt == HALT_STOP,
        .output = child->f.is_create && halt == HALT_STOP ? no_bytes : child->f.output,
        .created = child->created,
    };
    parent->res.native = child->f.res.native;
    parent->res.gas += child->f.res.gas;
    return parent->ee->resume(d->b, parent, &sub, &d->pool->ee_pool[parent->ee->id]);
}

/* Opens the slot a request asks for and enters it. */
static enum stf_halt enter_request(struct driver *d, unsigned depth, enum ee_exit kind)
{
    struct ee_frame *parent = &d->pool->slots[depth]->f;
    uint64_t gas = kind == EE_CALL ? parent->request.call.gas : parent->request.create.gas;
    struct frame_slot *s = slot_open(d, depth + 1);
    if (!s)
        return sys_fail(d->b, STF_E_OUT_OF_MEMORY);
    s->f.res = (struct stf_res){ .gas = gas, .native = parent->res.native };
    if (kind == EE_CALL)
        return enter_call(d, s, &parent->request.call, false);
    const struct ee_create_request *req = &parent->request.create;
    const struct stf_ee *ee =
        req->environment ? stf_ee_find(d->rules, req->environment) : parent->ee;
    CHECK(ee); /* environments ask only for what their rules have */
    struct create c = {
        .ee = ee,
        .creator = &parent->self,
        .initcode = req->initcode,
        .value = &req->value,
        .salt = req->has_salt ? &req->salt : NULL,
    };
    return enter_create(d, s, &c);
}

/* A tx-fatal halt: every frame up to `depth` is gone. The state is rolled back by the caller. */
static void unwind(struct driver *d, unsigned depth, enum stf_halt halt)
{
    for (unsigned i = depth + 1; i-- > 0;) {
        struct frame_slot *s = d->pool->slots[i];
        s->f.res.gas = 0;
        s->f.output = no_bytes;
        trace_exit(d, s, halt, no_bytes);
        s->f.ee->finish(&s->f, &d->pool->ee_pool[s->f.ee->id]);
    }
}

/* Runs the frame ready in slot 0 to its end; *native is what the frame that ended last had left. */
static enum stf_halt run_frames(struct driver *d, uint64_t *native)
{
    unsigned depth = 0;
    struct frame_slot *top = d->pool->slots[0];
    enum ee_exit exit = top->f.ee->start(d->b, &top->f, &d->pool->ee_pool[top->f.ee->id]);
    for (;;) {
        struct frame_slot *s = d->pool->slots[depth];
        enum stf_halt halt;
        if (exit == EE_DONE) {
            halt = s->f.halt;
            trace_end(d, s);
            if (!halt_is_tx_fatal(halt))
                halt = finish_frame(d, s);
            if (halt_is_tx_fatal(halt)) {
                *native = s->f.res.native;
                unwind(d, depth, halt);
                return halt;
            }
            if (depth == 0) {
                *native = s->f.res.native;
                return halt;
            }
            depth--;
            exit = resume_parent(d, depth, halt);
            continue;
        }
        halt = enter_request(d, depth, exit);
        if (halt == HALT_NONE) {
            depth++;
            s = d->pool->slots[depth];
            exit = s->f.ee->start(d->b, &s->f, &d->pool->ee_pool[s->f.ee->id]);
        } else if (halt_is_tx_fatal(halt)) {
            *native = d->pool->slots[depth + 1] ? d->pool->slots[depth + 1]->f.res.native : 0;
            unwind(d, depth, halt);
            return halt;
        } else {
            exit = resume_parent(d, depth, halt);
        }
    }
}

/* Everything after entering the top frame. */
static struct frame_outcome run_top(struct driver *d, struct frame_slot *s, enum stf_halt halt,
                                    struct sys_mark mark, struct stf_res *res)
{
    struct frame_outcome o = { .halt = halt, .output = no_bytes };
    uint64_t native = s->f.res.native;
    d->pool->is_running = true;
    if (halt == HALT_NONE)
        o.halt = run_frames(d, &native);
    d->pool->is_running = false;
    res->native = native;
    res->gas = s->f.res.gas;
    if (halt_is_tx_fatal(o.halt)) {
        sys_rollback(d->b, mark);
        res->gas = 0;
        return o;
    }
    if (s->f.output.len) { /* the frame's memory serves the next transaction */
        const uint8_t *copy = arena_copy(sys_arena(d->b), s->f.output.p, s->f.output.len);
        if (!copy) {
            sys_rollback(d->b, mark);
            o.halt = sys_fail(d->b, STF_E_OUT_OF_MEMORY);
            return o;
        }
        o.output = bytes_of(copy, s->f.output.len);
    }
    o.created = s->created;
    return o;
}

static struct frame_slot *open_top(struct driver *d, struct stf_block *b, const struct stf_res *res)
{
    if (!driver_init(d, b))
        return NULL;
    CHECK(!d->pool->is_running);
    d->pool->returned = 0;
    struct frame_slot *s = slot_open(d, 0);
    if (s)
        s->f.res = *res;
    return s;
}

struct frame_outcome frame_run_call(struct stf_block *b, struct stf_res *res,
                                    const struct ee_call_request *req)
{
    struct driver d;
    struct frame_slot *s = open_top(&d, b, res);
    if (!s)
        return (struct frame_outcome){ .halt = sys_fail(b, STF_E_OUT_OF_MEMORY) };
    struct sys_mark mark = sys_snapshot(b);
    enum stf_halt halt = enter_call(&d, s, req, true);
    return run_top(&d, s, halt, mark, res);
}

struct frame_outcome frame_run_create(struct stf_block *b, struct stf_res *res,
                                      const struct addr *creator, uint64_t nonce,
                                      struct bytes initcode, const struct u256 *value)
{
    struct driver d;
    struct frame_slot *s = open_top(&d, b, res);
    if (!s)
        return (struct frame_outcome){ .halt = sys_fail(b, STF_E_OUT_OF_MEMORY) };
    struct sys_mark mark = sys_snapshot(b);
    struct create c = {
        .ee = sys_rules(b)->environments[0],
        .creator = creator,
        .initcode = initcode,
        .value = value,
        .is_top = true,
        .nonce = nonce,
    };
    enum stf_halt halt = enter_create(&d, s, &c);
    return run_top(&d, s, halt, mark, res);
}
