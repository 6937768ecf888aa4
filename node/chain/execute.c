/* node/chain/execute.c */
#include "node/chain/execute.h"

#include <inttypes.h>
#include <stdio.h>

#include "node/base/hex.h"
#include "node/base/log.h"
#include "node/base/map.h"
#include "node/chain/chain_internal.h"

#define SYSTEM_CONTEXT_ADDR      0x800bu
#define SET_SL_CHAIN_ID_SELECTOR 0x040203e6u
#define BOOTSTRAP_SALT           UINT64_MAX /* spec 50 §2.7 */

/* A block being put together. */
struct session {
    const struct execute_input *in;
    struct arena *arena;
    struct state_view *view;
    struct stf_block *block;
    struct execute_output *out;
    struct block_tx *txs;
    size_t tx_cnt, tx_cap;
    struct map skipped; /* senders left out of this block */
    size_t root_cnt;    /* imported by it */
    struct err *err;
};

static void format_fault(char *out, size_t cap, const struct stf_fault *f)
{
    char a[79], b[79];
    u256_format_dec(a, &f->words[0]);
    u256_format_dec(b, &f->words[1]);
    if (u256_is_zero(&f->words[0]) && u256_is_zero(&f->words[1]))
        snprintf(out, cap, "%s", stf_error_name(f->code));
    else
        snprintf(out, cap, "%s (%s, %s)", stf_error_name(f->code), a, b);
}

static bool fail_fault(struct err *err, const char *what, const struct b256 *hash,
                       const struct stf_fault *f)
{
    char text[256], hex[67];
    format_fault(text, sizeof(text), f);
    hex_encode0x(hex, hash->b, 32);
    return err_set_code(err, ERR_LOCAL, (int64_t)f->code, "%s %s: %s", what, hex, text);
}

static bool keep_tx(struct session *s, const struct stf_tx *tx, const struct stf_tx_result *r)
{
    if (s->tx_cnt == s->tx_cap) {
        size_t cap = s->tx_cap ? s->tx_cap * 2 : 64;
        struct block_tx *grown = arena_alloc(s->arena, cap * sizeof(*grown));
        if (!grown)
            return err_set(s->err, ERR_LOCAL, "out of memory while building a block");
        if (s->tx_cnt)
            memcpy(grown, s->txs, s->tx_cnt * sizeof(*grown));
        s->txs = grown;
        s->tx_cap = cap;
    }
    s->txs[s->tx_cnt++] =
        (struct block_tx){ .envelope = tx->envelope,
                           .hash = tx->hash,
                           .from = tx->from,
                           .success = r->success,
                           .has_created = r->has_created,
                           .created = r->created,
                           .gas_used = r->gas_used,
                           .gas_refunded = r->gas_refunded,
                           .native_used = r->native_used,
                           .computational_native_used = r->computational_native_used,
                           .pubdata_used = r->pubdata_used,
                           .effective_gas_price = r->effective_gas_price,
                           .events = r->events,
                           .event_cnt = r->event_cnt,
                           .l2_logs = r->l2_logs,
                           .l2_log_cnt = r->l2_log_cnt };
    if (!r->success)
        s->out->failed_cnt++;
    return true;
}

/* Upgrade, system and L1 transactions: anything but "included" or "seal" stops production. *sealed: does not fit any more. */
static bool run_must_include(struct session *s, struct bytes envelope, const char *what,
                             bool must_succeed, bool *sealed)
{
    struct stf_tx tx;
    enum stf_error e = tx_decode(&tx, envelope, s->arena);
    *sealed = false;
    if (e != STF_OK)
        return err_set(s->err, ERR_LOCAL, "%s does not decode: %s", what, stf_error_name(e));
    struct stf_tx_result r;
    enum stf_verdict v = stf_tx_run(s->block, &tx, &r);
    if (v == STF_SEAL && s->tx_cnt > 0) {
        *sealed = true;
        return true;
    }
    if (v != STF_INCLUDED)
        return fail_fault(s->err, what, &tx.hash, &r.fault);
    if (must_succeed && !r.success)
        return fail_fault(s->err, what, &tx.hash,
                          &(struct stf_fault){ .code = STF_E_UPGRADE_TX_FAILED });
    return keep_tx(s, &tx, &r);
}

static bool run_upgrade(struct session *s)
{
    bool sealed = false;
    const struct l1_tx_row *u = s->in->upgrade;
    for (size_t i = 0; i < u->factory_dep_cnt; i++)
        if (!stf_block_add_preimage(s->block, u->factory_deps[i]))
            return err_set(s->err, ERR_LOCAL, "out of memory for factory dependencies");
    s->out->record.forced_codes = u->factory_deps;
    s->out->record.forced_code_cnt = u->factory_dep_cnt;
    if (!run_must_include(s, u->envelope, "upgrade transaction", true, &sealed))
        return false;
    s->out->seal = SEAL_UPGRADE;
    if (!s->in->sets_sl_chain_id)
        return true;
    uint8_t data[36] = { 0 };
    store_be32(data, SET_SL_CHAIN_ID_SELECTOR);
    store_be64(data + 28, s->in->sl_chain_id);
    struct addr to = addr_of_u32(SYSTEM_CONTEXT_ADDR);
    struct bytes enc =
        tx_encode_system(&to, bytes_of(data, sizeof(data)), BOOTSTRAP_SALT, s->arena);
    if (enc.len == 0)
        return err_set(s->err, ERR_LOCAL, "out of memory for a system transaction");
    s->out->seal = SEAL_SL_CHAIN_ID;
    s->out->record.sets_sl_chain_id = true;
    return run_must_include(s, enc, "SetSLChainId transaction", true, &sealed);
}

static bool refuse_roots(struct session *s, const char *why)
{
    snprintf(s->out->root_error, sizeof(s->out->root_error), "%.250s", why);
    s->tx_cnt = 0;
    return true;
}

/* A failing import is never sealed: the batch would promise roots that the state does not have. */
static bool run_roots(struct session *s)
{
    struct chain_interop_root fresh[ROOTS_PER_TX];
    struct stf_tx tx;
    struct stf_tx_result r;
    struct err err = { .kind = ERR_NONE };
    size_t n = 0;
    for (size_t i = 0; i < s->in->root_cnt && i < ROOTS_PER_TX; i++) {
        bool stored = false;
        if (!roots_is_stored(s->view, &s->in->roots[i], &stored, &err))
            return refuse_roots(s, err.msg);
        if (!stored)
            fresh[n++] = s->in->roots[i];
    }
    if (n == 0)
        return true;
    struct bytes enc = roots_tx(fresh, n, s->arena);
    if (enc.len == 0 || tx_decode(&tx, enc, s->arena) != STF_OK)
        return err_set(s->err, ERR_LOCAL, "out of memory for a system transaction");
    enum stf_verdict v = stf_tx_run(s->block, &tx, &r);
    if (v != STF_INCLUDED || !r.success) {
        char text[256];
        format_fault(text, sizeof(text), &r.fault);
        return refuse_roots(s, v == STF_INCLUDED ? "the import transaction reverts" : text);
    }
    s->root_cnt = n;
    return keep_tx(s, &tx, &r);
}

static bool run_l1(struct session *s, bool *sealed)
{
    *sealed = false;
    for (size_t i = 0; i < s->in->l1_cnt && !*sealed; i++) {
        if (s->tx_cnt >= s->in->max_txs) {
            s->out->seal = SEAL_TX_COUNT;
            *sealed = true;
            break;
        }
        if (!run_must_include(s, s->in->l1[i].envelope, "priority operation", false, sealed))
            return err_wrap(s->err, "priority operation %" PRIu64, s->in->l1[i].id);
        if (*sealed)
            s->out->seal = SEAL_GAS_VM;
        else
            s->out->record.l1_tx_cnt++;
    }
    return true;
}

static enum chain_seal_reason seal_reason_of(enum stf_error e)
{
    if (e == STF_E_BLOCK_NATIVE_LIMIT)
        return SEAL_NATIVE;
    if (e == STF_E_BLOCK_PUBDATA_LIMIT)
        return SEAL_PUBDATA;
    if (e == STF_E_BLOCK_LOGS_LIMIT)
        return SEAL_LOGS;
    return SEAL_GAS_VM;
}

static void purge(struct session *s, const struct b256 *hash, const struct stf_fault *f)
{
    s->out->purge[s->out->purge_cnt++] = *hash;
    s->out->invalid_cnt++;
    if (f->code == STF_E_PRECOMPILE_MISSING)
        s->out->missing_precompile_cnt++;
    char text[256];
    format_fault(text, sizeof(text), f);
    log_info(LOG_MEMPOOL, "transaction purged", LOG_HASH("tx", hash), LOG_STR("reason", text));
}

/* One L2 transaction; *sealed when the block ends before it. */
static bool run_pooled(struct session *s, const struct mempool_tx *p, bool *sealed)
{
    struct stf_tx tx;
    enum stf_error e = tx_decode(&tx, p->envelope, s->arena);
    if (e != STF_OK) {
        purge(s, &p->hash, &(struct stf_fault){ .code = e });
        return true;
    }
    tx.from = p->from;
    tx.from_is_set = true;
    struct stf_totals t = stf_block_totals(s->block);
    if (s->tx_cnt > 0 && t.gas_used + tx.gas_limit > s->in->ctx.gas_limit) {
        s->out->seal = SEAL_GAS_LIMIT;
        *sealed = true;
        return true;
    }
    struct stf_tx_result r;
    switch (stf_tx_run(s->block, &tx, &r)) {
    case STF_INCLUDED:
        return keep_tx(s, &tx, &r);
    case STF_SEAL:
        if (s->tx_cnt > 0) {
            s->out->seal = seal_reason_of(r.fault.code);
            *sealed = true;
        } else {
            purge(s, &p->hash, &r.fault); /* can never fit */
        }
        return true;
    case STF_INVALID:
        if (stf_error_policy(r.fault.code) == 'P')
            purge(s, &p->hash, &r.fault);
        bool inserted;
        if (!map_put(&s->skipped, &p->from, &inserted))
            return err_set(s->err, ERR_LOCAL, "out of memory while building a block");
        return true;
    case STF_FATAL:
        break;
    }
    return fail_fault(s->err, "transaction", &tx.hash, &r.fault);
}

static bool run_pool(struct session *s)
{
    s->out->purge = arena_alloc(s->arena, (s->in->pool_cnt + 1) * sizeof(*s->out->purge));
    if (!s->out->purge)
        return err_set(s->err, ERR_LOCAL, "out of memory while building a block");
    bool sealed = false;
    for (size_t i = 0; i < s->in->pool_cnt && !sealed; i++) {
        if (map_find(&s->skipped, &s->in->pool[i].from))
            continue;
        if (s->tx_cnt >= s->in->max_txs) {
            s->out->seal = SEAL_TX_COUNT;
            break;
        }
        if (s->tx_cnt > 0 && clock_mono_ms(s->in->clock) >= s->in->deadline_mono_ms) {
            s->out->seal = SEAL_TIMEOUT;
            break;
        }
        if (!run_pooled(s, &s->in->pool[i], &sealed))
            return false;
    }
    if (!sealed && s->tx_cnt >= s->in->max_txs) /* no more than fit were taken from the pool */
        s->out->seal = SEAL_TX_COUNT;
    return true;
}

/* Accounts whose record changed, for the mempool: slots of 0x8003 in the diffs, records among the preimages. */
static bool collect_accounts(struct session *s)
{
    const struct block_record *r = &s->out->record;
    struct addr meta = account_storage_addr();
    struct mempool_account *acc = arena_alloc(s->arena, (r->diff_cnt + 1) * sizeof(*acc));
    struct map records;
    map_init_host(&records, sizeof(struct b256), sizeof(struct bytes));
    bool ok = acc != NULL;
    for (size_t i = 0; ok && i < r->preimage_cnt; i++) {
        bool inserted;
        struct bytes *slot = map_put(&records, &r->preimages[i].hash, &inserted);
        ok = slot != NULL;
        if (ok)
            *slot = r->preimages[i].data;
    }
    for (size_t i = 0; ok && i < r->diff_cnt; i++) {
        const struct stf_diff *d = &r->diffs[i];
        struct bytes *data = addr_eq(&d->addr, &meta) ? map_find(&records, &d->new_value) : NULL;
        struct account_record rec;
        if (data && account_decode(&rec, *data))
            acc[s->out->account_cnt++] = (struct mempool_account){ .addr = b256_low_addr(&d->slot),
                                                                   .nonce = rec.nonce,
                                                                   .balance = rec.balance };
    }
    map_clear(&records);
    s->out->accounts = acc;
    return ok || err_set(s->err, ERR_LOCAL, "out of memory while building a block");
}

static void fill_record(struct block_record *r, const struct stf_block_output *o)
{
    r->header = o->header;
    r->block_hash = o->block_hash;
    r->diffs = o->diffs;
    r->diff_cnt = o->diff_cnt;
    r->preimages = o->preimages;
    r->preimage_cnt = o->preimage_cnt;
    r->interop_roots = o->interop_roots;
    r->interop_root_cnt = o->interop_root_cnt;
    r->upgrade_tx_hash = o->upgrade_tx_hash;
    r->pubdata = o->pubdata;
    r->l1_tx_cnt = o->l1_tx_cnt;
    r->computational_native_used = o->computational_native_used;
    r->pubdata_used = o->pubdata_used;
    r->output_hash = block_output_hash(r);
}

static bool finish(struct session *s)
{
    struct stf_block_output o;
    struct stf_fault f = { 0 };
    if (!stf_block_end(s->block, &o, &f))
        return err_set(s->err, ERR_LOCAL, "block %" PRIu64 " cannot be ended: %s",
                       s->in->ctx.number, stf_error_name(f.code));
    if (o.interop_root_cnt != s->root_cnt)
        return err_set(s->err, ERR_LOCAL,
                       "block %" PRIu64 " stores %zu interop roots, %zu were imported",
                       s->in->ctx.number, o.interop_root_cnt, s->root_cnt);
    struct block_record *r = &s->out->record;
    r->ctx = s->in->ctx;
    r->protocol_minor = s->in->protocol_minor;
    r->starting_l1_priority_id = s->in->next_l1_priority_id;
    r->previous_timestamp = s->in->previous_timestamp;
    r->txs = s->txs;
    r->tx_cnt = s->tx_cnt;
    fill_record(r, &o);
    return collect_accounts(s);
}

static bool begin(struct session *s, const struct stf_block_context *ctx, struct state *state,
                  const struct stf_crypto *crypto, struct stf_oracle *oracle)
{
    static const struct stf_options options = { 0 };
    const struct stf_rules *rules = stf_rules_of_execution_version(ctx->execution_version);
    if (!rules)
        return err_set(s->err, ERR_INVALID, "execution version %u is not known to this binary",
                       ctx->execution_version);
    s->view = state_view_open(state, ctx->number - 1, s->err);
    if (!s->view)
        return err_wrap(s->err, "state before block %" PRIu64, ctx->number);
    *oracle = state_view_oracle(s->view);
    struct stf_fault f = { 0 };
    s->block = stf_block_begin(s->arena, rules, ctx, oracle, crypto, &options, &f);
    if (!s->block)
        return err_set(s->err, ERR_LOCAL, "block %" PRIu64 " cannot be opened: %s", ctx->number,
                       stf_error_name(f.code));
    return true;
}

bool execute_produce(struct execute_output *out, const struct execute_input *in,
                     struct arena *arena, struct err *err)
{
    *out = (struct execute_output){ .seal = SEAL_EXHAUSTED };
    struct session s = { .in = in, .arena = arena, .out = out, .err = err };
    struct stf_oracle oracle;
    map_init_host(&s.skipped, sizeof(struct addr), 0);
    bool sealed = false;
    bool ok = begin(&s, &in->ctx, in->state, in->crypto, &oracle);
    if (ok && in->upgrade)
        ok = run_upgrade(&s);
    else if (ok && in->root_cnt > 0)
        ok = run_roots(&s);
    else if (ok)
        ok = run_l1(&s, &sealed) && (sealed || run_pool(&s));
    if (ok && s.tx_cnt == 0)
        out->is_empty = true;
    else if (ok)
        ok = finish(&s);
    state_view_close(s.view);
    map_clear(&s.skipped);
    return ok;
}

/* ---- replay ---- */

static bool replay_txs(struct session *s, const struct block_record *r)
{
    for (size_t i = 0; i < r->forced_code_cnt; i++)
        if (!stf_block_add_preimage(s->block, r->forced_codes[i]))
            return err_set(s->err, ERR_LOCAL, "out of memory");
    for (size_t i = 0; i < r->tx_cnt; i++) {
        struct stf_tx tx;
        enum stf_error e = tx_decode(&tx, r->txs[i].envelope, s->arena);
        if (e != STF_OK)
            return err_set(s->err, ERR_LOCAL, "recorded transaction %zu does not decode: %s", i,
                           stf_error_name(e));
        tx.from = r->txs[i].from;
        tx.from_is_set = true;
        struct stf_tx_result res;
        if (stf_tx_run(s->block, &tx, &res) != STF_INCLUDED)
            return fail_fault(s->err, "recorded transaction", &tx.hash, &res.fault);
        if (!keep_tx(s, &tx, &res))
            return false;
    }
    return true;
}

/* What went in is the record's; what came out is this run's. */
static bool compare_replay(struct block_record *again, const struct block_record *r,
                           struct err *err)
{
    char have[67], want[67];
    hex_encode0x(have, again->output_hash.b, 32);
    hex_encode0x(want, r->output_hash.b, 32);
    if (!b256_eq(&again->output_hash, &r->output_hash))
        return err_set(err, ERR_LOCAL,
                       "executing it again gives output hash %s, the record says %s", have, want);
    again->ctx = r->ctx;
    again->protocol_minor = r->protocol_minor;
    again->starting_l1_priority_id = r->starting_l1_priority_id;
    again->previous_timestamp = r->previous_timestamp;
    again->forced_codes = r->forced_codes;
    again->forced_code_cnt = r->forced_code_cnt;
    again->sets_sl_chain_id = r->sets_sl_chain_id;
    /* the output hash covers neither events, messages and pubdata nor the record's own block hash */
    struct buf a, b;
    buf_init(&a, MAX_RECORD_LEN);
    buf_init(&b, MAX_RECORD_LEN);
    bool ok = block_record_encode(&a, again, err) && block_record_encode(&b, r, err);
    if (ok && !bytes_eq(bytes_of(a.p, a.len), bytes_of(b.p, b.len)))
        ok = err_set(err, ERR_LOCAL,
                     "executing it again gives another record, though the output hash %s is the "
                     "same: events, messages, pubdata or the block hash differ",
                     have);
    buf_clear(&a);
    buf_clear(&b);
    return ok;
}

bool execute_replay(const struct block_record *r, struct state *state,
                    const struct stf_crypto *crypto, struct arena *arena, struct err *err)
{
    struct execute_output out = { 0 };
    struct session s = { .arena = arena, .out = &out, .err = err };
    struct stf_oracle oracle;
    bool ok = begin(&s, &r->ctx, state, crypto, &oracle) && replay_txs(&s, r);
    struct stf_block_output o;
    struct stf_fault f = { 0 };
    if (ok && !stf_block_end(s.block, &o, &f))
        ok = err_set(err, ERR_LOCAL, "cannot be ended: %s", stf_error_name(f.code));
    if (ok) {
        out.record.txs = s.txs;
        out.record.tx_cnt = s.tx_cnt;
        fill_record(&out.record, &o);
        ok = compare_replay(&out.record, r, err);
    }
    state_view_close(s.view);
    return ok || err_wrap(err, "block %" PRIu64, r->ctx.number);
}
