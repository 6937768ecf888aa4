/* node/rpc/debug_trace.c
 *
 * debug_traceTransaction, debug_traceBlock, debug_traceBlockBy*, debug_traceCall. A block is executed again on the state before it, with the
 * transactions before the wanted one untraced; the receipt on record must come out again. */
#include <inttypes.h>

#include "node/base/hash.h"
#include "node/base/rlp.h"
#include "node/rpc/encode.h"
#include "node/rpc/handlers.h"
#include "node/rpc/simulate.h"
#include "node/rpc/trace.h"

#define BLOCK_CHUNK ((size_t)1 << 20)
#define BLOCK_LIMIT ((size_t)512 << 20)

/* A block being executed again. */
struct replay {
    struct rpc_call *c;
    struct trace *t;
    const struct chain_block *b;
    struct state_view *view;
    struct stf_oracle oracle;
    struct arena arena; /* of the block */
    struct stf_block *block;
    uint64_t events;
};

static bool replay_open(struct replay *p)
{
    const struct block_record *r = &p->b->r;
    struct stf_options options = { .tracer = &p->t->hooks };
    struct stf_fault fault = { 0 };
    p->view = rpc_view_open(p->c, r->header.number - 1);
    if (!p->view)
        return false;
    p->oracle = state_view_oracle(p->view);
    p->block = stf_block_begin(&p->arena, stf_rules_of_execution_version(r->ctx.execution_version),
                               &r->ctx, &p->oracle, p->c->r->d.crypto, &options, &fault);
    bool ok = p->block != NULL;
    for (size_t i = 0; ok && i < r->forced_code_cnt; i++)
        ok = stf_block_add_preimage(p->block, r->forced_codes[i]);
    return ok || rpc_fail(p->c, RPC_INTERNAL, "internal error: block %" PRIu64 " cannot be opened",
                          r->header.number);
}

static void replay_close(struct replay *p)
{
    arena_clear(&p->arena);
    state_view_close(p->view);
}

/* Transaction i; traced: its result is appended. */
static bool replay_tx(struct replay *p, uint32_t i, bool traced)
{
    const struct block_record *rec = &p->b->r;
    const struct block_tx *was = &rec->txs[i];
    struct stf_tx tx;
    struct stf_tx_result r;
    if (!rpc_tx_decode(p->c, was->envelope, &tx))
        return false;
    tx.from = was->from;
    tx.from_is_set = true;
    struct trace_tx at = { .tx = &tx,
                           .block = p->block,
                           .ctx = &rec->ctx,
                           .rules = stf_rules_of_execution_version(rec->ctx.execution_version),
                           .block_hash = &rec->block_hash,
                           .index = i,
                           .events_before = p->events };
    if (traced && !trace_begin(p->t, &at))
        return p->t->stop == TRACE_GOES_ON ? false : trace_fail(p->t);
    enum stf_verdict v = stf_tx_run(p->block, &tx, &r);
    if (p->t->stop != TRACE_GOES_ON)
        return trace_fail(p->t);
    if (v != STF_INCLUDED || r.gas_used != was->gas_used || r.success != was->success)
        return rpc_fail(p->c, RPC_INTERNAL,
                        "internal error: executing block %" PRIu64
                        " again gives another result (%s)",
                        rec->header.number, stf_error_name(r.fault.code));
    p->events += r.event_cnt;
    if (traced)
        trace_write(p->t, &r, p->c->out);
    return p->t->stop == TRACE_GOES_ON || trace_fail(p->t);
}

static bool trace_in_block(struct replay *p, uint32_t index)
{
    if (!replay_open(p))
        return false;
    for (uint32_t i = 0; i < index; i++)
        if (!replay_tx(p, i, false))
            return false;
    return replay_tx(p, index, true);
}

static bool trace_whole_block(struct replay *p)
{
    struct buf *out = p->c->out;
    js_open(out, '[');
    if (p->b->r.tx_cnt && !replay_open(p))
        return false;
    for (uint32_t i = 0; i < p->b->r.tx_cnt && !out->failed; i++) {
        js_open(out, '{');
        jm_hash(out, "txHash", &p->b->r.txs[i].hash);
        js_key(out, "result");
        if (!replay_tx(p, i, true))
            return false;
        js_close(out, '}');
    }
    js_close(out, ']');
    return true;
}

/* index UINT32_MAX: the whole block (of genesis: nothing). Releases it. */
static bool trace_block(struct rpc_call *c, const struct chain_block *b, uint32_t index)
{
    struct trace t;
    struct replay p = { .c = c, .t = &t, .b = b };
    arena_init_growing(&p.arena, BLOCK_CHUNK, BLOCK_LIMIT);
    bool ok = trace_init(&t, c, 1, &p.arena);
    if (ok) {
        ok = index == UINT32_MAX ? trace_whole_block(&p) : trace_in_block(&p, index);
        replay_close(&p);
        trace_clear(&t);
    }
    rpc_block_release(c, b);
    return ok;
}

bool rpc_debug_trace_transaction(struct rpc_call *c)
{
    struct b256 hash;
    const struct chain_block *b;
    uint32_t index = 0;
    bool found;
    if (!param_hash(c, 0, "transaction hash", &hash) ||
        !rpc_tx_locate(c, &hash, &b, &index, &found))
        return false;
    if (!found)
        return rpc_fail(c, RPC_SERVER, "transaction not found");
    return trace_block(c, b, index);
}

static bool trace_block_param(struct rpc_call *c, bool by_hash)
{
    const struct chain_block *b;
    if (!rpc_block_param(c, by_hash, &b))
        return false;
    if (!b)
        return rpc_fail(c, RPC_SERVER, "block not found");
    return trace_block(c, b, UINT32_MAX);
}

bool rpc_debug_trace_block_by_number(struct rpc_call *c)
{
    return trace_block_param(c, false);
}

bool rpc_debug_trace_block_by_hash(struct rpc_call *c)
{
    return trace_block_param(c, true);
}

/* A block as debug_getRawBlock gives it, told by its header. Only blocks of the chain are traced. */
bool rpc_debug_trace_block(struct rpc_call *c)
{
    struct bytes raw, header;
    struct err err = { 0 };
    uint64_t number = 0;
    bool found = false;
    if (!param_bytes(c, 0, "block", &raw) || !rpc_reader(c))
        return false;
    struct rlp_reader whole = rlp_reader_of(raw), parts = rlp_read_list(&whole);
    header = rlp_read_raw(&parts);
    if (!rlp_finish(&whole) || !parts.ok)
        return rpc_fail(c, RPC_PARAMS, "invalid params: block: expected the RLP of a block");
    struct b256 hash = keccak256(header.p, header.len);
    if (!chain_block_number_of(c->r->d.chain, c->s->reader, &hash, &number, &found, &err))
        return rpc_fail_err(c, &err);
    const struct chain_block *b = found ? rpc_block_get(c, number) : NULL;
    if (!b)
        return c->code == 0 ? rpc_fail(c, RPC_SERVER, "block not found") : false;
    return trace_block(c, b, UINT32_MAX);
}

/* ---- debug_traceCall ---- */

static bool run_call(struct sim *s, struct trace *t, const struct call_request *q)
{
    struct stf_tx tx;
    struct stf_tx_result r;
    if (!rpc_call_prepare(s, q, &tx))
        return false;
    struct trace_tx at = { .tx = &tx,
                           .ctx = &s->ctx,
                           .rules = stf_rules_of_execution_version(s->ctx.execution_version) };
    if (!trace_begin(t, &at))
        return t->stop == TRACE_GOES_ON ? false : trace_fail(t);
    s->also = &t->hooks;
    s->began = &t->at.block;
    enum stf_verdict v = sim_run(s, &tx, &r);
    if (t->stop != TRACE_GOES_ON)
        return trace_fail(t);
    if (v != STF_INCLUDED)
        return sim_fail(s, &tx, &r);
    trace_write(t, &r, s->c->out);
    return t->stop == TRACE_GOES_ON || trace_fail(t);
}

bool rpc_debug_trace_call(struct rpc_call *c)
{
    struct call_request q = { 0 };
    struct trace t;
    struct sim s = { .c = c };
    uint64_t block = 0;
    if (!param_call_request(c, 0, &q) || !param_state_block(c, 1, &block) ||
        !trace_init(&t, c, 2, &s.arena))
        return false;
    const json_t *state = json_object_get(t.options, "stateOverrides"),
                 *context = json_object_get(t.options, "blockOverrides");
    bool ok = sim_open(&s, c, block, json_is_null(state) ? NULL : state,
                       json_is_null(context) ? NULL : context);
    if (ok) {
        ok = run_call(&s, &t, &q);
        sim_close(&s);
    }
    trace_clear(&t);
    return ok;
}
