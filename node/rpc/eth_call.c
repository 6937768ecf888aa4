/* node/rpc/eth_call.c
 *
 * eth_call, eth_estimateGas, eth_createAccessList (spec 50 §5.3 to §5.5). */
#include <inttypes.h>

#include "node/rpc/encode.h"
#include "node/rpc/handlers.h"
#include "node/rpc/simulate.h"

#define TRANSFER_GAS   21000u
#define CALL_STIPEND   2300u
#define L1_MINIMUM_GAS 200000u
#define MAX_ROUNDS     64 /* of a search; it halves 2^30 at most */

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What the sender can buy at its price: (balance - value) / maxFee. False with the call failed when not even the
 * value is there. An L1 transaction brings its money along. */
static bool gas_allowance(struct sim *s, const struct call_request *q, uint64_t *allowance)
{
    struct account_record rec;
    struct u256 left;
    *allowance = UINT64_MAX;
    if (q->type == TX_PRIORITY || (!q->has_value && !q->has_price))
        return true;
    if (!sim_account_get(s, &q->from, &rec))
        return false;
    if (!u256_sub_checked(&left, &rec.balance, &q->value))
        return rpc_fail(s->c, RPC_SERVER, "insufficient funds for transfer");
    if (!q->has_price)
        return true;
    struct u256 n = u256_div(&left, &q->max_fee);
    *allowance = u256_sat_u64(&n);
    return true;
}

/* ---- eth_call ---- */

static bool call_gas(struct sim *s, const struct call_request *q, uint64_t *gas)
{
    uint64_t own = s->c->r->d.cfg->rpc.eth_call_gas, allowance;
    uint64_t most = own > s->ctx.gas_limit ? own : s->ctx.gas_limit;
    if (!gas_allowance(s, q, &allowance))
        return false;
    *gas = q->has_gas && q->gas ? min_u64(q->gas, most) : own;
    if (*gas <= allowance)
        return true;
    if (q->has_gas)
        return rpc_fail(s->c, RPC_SERVER,
                        "insufficient funds for gas * price + value: gas %" PRIu64
                        ", the balance buys %" PRIu64,
                        *gas, allowance);
    *gas = allowance;
    return true;
}

/* Without a price nothing is paid: base fee 0, native without limit, as the readers of contracts expect. */
static void free_of_charge(struct sim *s, const struct call_request *q)
{
    if (!q->has_price && !s->has_base_fee && q->type != TX_PRIORITY)
        s->ctx.base_fee = U256_ZERO;
}

bool rpc_call_prepare(struct sim *s, const struct call_request *q, struct stf_tx *tx)
{
    uint64_t gas = 0;
    if (!sim_check_fees(s, q) || !call_gas(s, q, &gas))
        return false;
    free_of_charge(s, q);
    if (s->ctx.gas_limit < gas)
        s->ctx.gas_limit = gas;
    return sim_tx(s, q, gas, tx);
}

bool rpc_eth_call(struct rpc_call *c)
{
    struct call_request q = { 0 };
    struct sim s;
    struct stf_tx tx;
    struct stf_tx_result r;
    uint64_t block = 0;
    if (!param_call_request(c, 0, &q) || !param_state_block(c, 1, &block) ||
        !sim_open(&s, c, block, param_at(c, 2), param_at(c, 3)))
        return false;
    bool ok = rpc_call_prepare(&s, &q, &tx);
    if (ok) {
        (void)sim_run(&s, &tx, &r);
        ok = r.verdict == STF_INCLUDED && r.success ? true : sim_fail(&s, &tx, &r);
    }
    if (ok)
        js_hex(c->out, r.output.p, r.output.len);
    sim_close(&s);
    return ok;
}

/* ---- eth_estimateGas ---- */

struct search {
    struct sim *s;
    const struct call_request *q;
    uint64_t low, high; /* low fails, high works */
    struct stf_tx tx;
    struct stf_tx_result r;
};

/* false: the search cannot go on (call failed). *enough tells whether this limit works. */
static bool try_limit(struct search *x, uint64_t gas, bool *enough)
{
    if (!sim_tx(x->s, x->q, gas, &x->tx))
        return false;
    enum stf_verdict v = sim_run(x->s, &x->tx, &x->r);
    *enough = v == STF_INCLUDED && x->r.success;
    enum stf_error e = x->r.fault.code;
    if (v == STF_FATAL && (e == STF_E_ORACLE || e == STF_E_OUT_OF_MEMORY))
        return sim_fail(x->s, &x->tx, &x->r);
    return true;
}

/* Why not even the highest limit works. */
static bool fail_at_cap(struct search *x, uint64_t cap)
{
    enum stf_error e = x->r.fault.code;
    enum stf_halt h = x->s->halt;
    bool short_of_gas =
        x->r.verdict == STF_INCLUDED
            ? h == HALT_OUT_OF_GAS || h == HALT_OUT_OF_NATIVE || h == HALT_STOP || h == HALT_NONE
            : e == STF_E_OUT_OF_GAS_VALIDATION || e == STF_E_OUT_OF_NATIVE_VALIDATION;
    if (short_of_gas)
        return rpc_fail(x->s->c, RPC_SERVER, "gas required exceeds allowance (%" PRIu64 ")", cap);
    return sim_fail(x->s, &x->tx, &x->r);
}

static bool narrow(struct search *x, uint64_t gas)
{
    bool enough;
    if (!try_limit(x, gas, &enough))
        return false;
    if (enough)
        x->high = gas;
    else
        x->low = gas;
    return true;
}

/* From a limit that works to one within 1.5 % of what is needed. */
static bool search_limit(struct search *x)
{
    uint64_t used = x->r.gas_used, guess = used + x->r.gas_refunded + CALL_STIPEND;
    x->low = used ? used - 1 : 0;
    guess += guess / 63;
    if (guess < x->high && !narrow(x, guess))
        return false;
    for (int i = 0;
         i < MAX_ROUNDS && x->high - x->low > 1 && (x->high - x->low) * 200 >= x->high * 3; i++) {
        uint64_t mid = x->low + (x->high - x->low) / 2;
        if (x->low > 0 && mid > 2 * x->low)
            mid = 2 * x->low; /* the need is mostly near the floor */
        if (!narrow(x, mid))
            return false;
    }
    return true;
}

static bool is_plain_transfer(struct sim *s, const struct call_request *q, bool *plain)
{
    struct account_record rec;
    *plain = q->has_to && q->data.len == 0 && q->access_cnt == 0 && q->type != TX_PRIORITY;
    if (!*plain)
        return true;
    if (!sim_account_get(s, &q->to, &rec))
        return false;
    *plain = rec.code_len == 0;
    return true;
}

static bool estimate(struct sim *s, const struct call_request *q, uint64_t *gas)
{
    struct search x = { .s = s, .q = q };
    uint64_t cap = s->ctx.gas_limit, allowance;
    bool plain, enough;
    if (q->has_gas && q->gas >= TRANSFER_GAS)
        cap = min_u64(cap, q->gas);
    if (!sim_check_fees(s, q) || !gas_allowance(s, q, &allowance) ||
        !is_plain_transfer(s, q, &plain))
        return false;
    cap = min_u64(cap, allowance);
    if (plain && cap >= TRANSFER_GAS) {
        if (!try_limit(&x, TRANSFER_GAS, &enough))
            return false;
        if (enough) {
            *gas = TRANSFER_GAS;
            return true;
        }
    }
    if (!try_limit(&x, cap, &enough))
        return false;
    if (!enough)
        return fail_at_cap(&x, cap);
    x.high = cap;
    if (!search_limit(&x))
        return false;
    *gas = x.high;
    if (q->type == TX_PRIORITY && *gas < L1_MINIMUM_GAS)
        *gas = L1_MINIMUM_GAS;
    return true;
}

/* The price of pubdata may rise between estimate and inclusion: the search runs at a multiple of it. */
bool rpc_estimate(struct rpc_call *c, const struct call_request *q, uint64_t block,
                  const json_t *overrides, uint64_t *gas)
{
    struct sim s;
    if (!sim_open(&s, c, block, overrides, NULL))
        return false;
    s.ctx.pubdata_price =
        rpc_scale(&s.ctx.pubdata_price, c->r->d.cfg->rpc.estimate_gas_pubdata_price_factor);
    bool ok = estimate(&s, q, gas);
    sim_close(&s);
    return ok;
}

bool rpc_eth_estimate_gas(struct rpc_call *c)
{
    struct call_request q = { 0 };
    uint64_t block = 0, gas = 0;
    if (!param_call_request(c, 0, &q) || !param_state_block(c, 1, &block) ||
        !rpc_estimate(c, &q, block, param_at(c, 2), &gas))
        return false;
    js_quantity(c->out, gas);
    return true;
}

/* ---- eth_createAccessList ---- */

#define MAX_LIST_ROUNDS 8

static bool is_always_warm(const struct sim *s, const struct call_request *q, const struct addr *a)
{
    const struct stf_rules *rules = stf_rules_of_execution_version(s->ctx.execution_version);
    return addr_eq(a, &q->from) || (q->has_to && addr_eq(a, &q->to)) ||
           addr_eq(a, &s->ctx.coinbase) || precompile_find(rules, a) != PRE_NONE;
}

static size_t slots_of(const struct sim_touched *t, const struct addr *a, struct b256 *out)
{
    size_t n = 0;
    for (size_t i = 0; i < t->cnt; i++)
        if (t->items[i].is_slot && addr_eq(&t->items[i].addr, a)) {
            if (out)
                out[n] = t->items[i].slot;
            n++;
        }
    return n;
}

/* The touched accounts as an access list in the arena, in the order they came up. */
static bool list_of(struct sim *s, const struct call_request *q, const struct sim_touched *t,
                    struct tx_access **list, size_t *cnt)
{
    struct tx_access *out = arena_alloc(&s->c->s->arena, (t->cnt + 1) * sizeof(*out));
    if (!out || t->failed)
        return rpc_no_memory(s->c);
    *cnt = 0;
    for (size_t i = 0; i < t->cnt; i++) {
        const struct addr *a = &t->items[i].addr;
        bool seen = false;
        for (size_t j = 0; j < *cnt && !seen; j++)
            seen = addr_eq(&out[j].addr, a);
        size_t slots = slots_of(t, a, NULL);
        if (seen || (slots == 0 && is_always_warm(s, q, a)))
            continue;
        struct b256 *keys = arena_alloc(&s->c->s->arena, slots * sizeof(*keys));
        if (!keys)
            return rpc_no_memory(s->c);
        (void)slots_of(t, a, keys);
        out[(*cnt)++] = (struct tx_access){ *a, keys, slots };
    }
    *list = out;
    return true;
}

static size_t list_size(const struct tx_access *list, size_t cnt)
{
    size_t n = cnt;
    for (size_t i = 0; list && i < cnt; i++)
        n += list[i].key_cnt;
    return n;
}

static void write_list(struct buf *b, const struct call_request *q)
{
    js_key(b, "accessList");
    js_open(b, '[');
    for (size_t i = 0; i < q->access_cnt; i++) {
        js_open(b, '{');
        jm_addr(b, "address", &q->access[i].addr);
        js_key(b, "storageKeys");
        js_open(b, '[');
        for (size_t k = 0; k < q->access[i].key_cnt; k++)
            js_hex(b, q->access[i].keys[k].b, 32);
        js_close(b, ']');
        js_close(b, '}');
    }
    js_close(b, ']');
}

/* Runs until the list of one run is the list of the run before: with other warm slots a contract may go other ways. */
static bool build_list(struct sim *s, struct call_request *q, uint64_t gas, struct stf_tx *tx,
                       struct stf_tx_result *r)
{
    for (int round = 0; round < MAX_LIST_ROUNDS; round++) {
        struct sim_touched t = { 0 };
        struct tx_access *list = NULL;
        size_t cnt = 0;
        s->touched = &t;
        if (!sim_tx(s, q, gas, tx))
            return false;
        enum stf_verdict v = sim_run(s, tx, r);
        s->touched = NULL;
        if (v != STF_INCLUDED)
            return sim_fail(s, tx, r);
        if (!list_of(s, q, &t, &list, &cnt))
            return false;
        bool same = round > 0 && list_size(list, cnt) == list_size(q->access, q->access_cnt);
        q->access = list;
        q->access_cnt = cnt;
        if (same)
            break;
    }
    return true;
}

bool rpc_eth_create_access_list(struct rpc_call *c)
{
    struct call_request q = { 0 };
    struct sim s;
    struct stf_tx tx;
    struct stf_tx_result r;
    uint64_t block = 0, gas = 0;
    if (!param_call_request(c, 0, &q) || !param_state_block(c, 1, &block))
        return false;
    if (q.type == TX_PRIORITY)
        return rpc_fail(c, RPC_PARAMS, "an L1 transaction has no access list");
    if (!sim_open(&s, c, block, param_at(c, 2), NULL))
        return false;
    bool ok = sim_check_fees(&s, &q) && call_gas(&s, &q, &gas);
    if (ok && s.ctx.gas_limit < gas)
        s.ctx.gas_limit = gas;
    ok = ok && build_list(&s, &q, gas, &tx, &r);
    if (ok) {
        js_open(c->out, '{');
        write_list(c->out, &q);
        jm_quantity(c->out, "gasUsed", r.gas_used);
        if (!r.success) {
            (void)sim_fail(&s, &tx, &r);
            jm_text(c->out, "error", c->message);
            c->code = 0;
        }
        js_close(c->out, '}');
    }
    sim_close(&s);
    return ok;
}
