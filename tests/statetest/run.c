#include "tests/statetest/run.h"

#include "node/base/hex.h"
#include "node/base/rlp.h"
#include "node/crypto/crypto.h"
#include "node/stf/rules.h"
#include "tests/statetest/trace.h"
#include "tests/statetest/world.h"

#include <stdio.h>

static void say(char *why, const char *text, const char *detail)
{
    (void)snprintf(why, RUN_WHY_CAP, "%s%s%s", text, *detail ? ": " : "", detail);
}

/* EIP-4844 fake_exponential(1, excess, fraction) */
static struct u256 blob_base_fee(uint64_t excess, uint64_t update_fraction)
{
    struct u256 fraction = u256_of_u64(update_fraction), numerator = u256_of_u64(excess);
    struct u256 sum = U256_ZERO, term = fraction;
    for (uint64_t i = 1; !u256_is_zero(&term); i++) {
        sum = u256_add(&sum, &term);
        struct u256 product = u256_mul(&term, &numerator);
        struct u256 divisor = u256_mul(&fraction, &(struct u256){ { i, 0, 0, 0 } });
        term = u256_div(&product, &divisor);
    }
    return u256_div(&sum, &fraction);
}

static void fill_context(struct stf_block_context *ctx, const struct fixture_env *e,
                         const struct stf_rules *rules)
{
    *ctx = (struct stf_block_context){
        .chain_id = 1,
        .number = e->number,
        .timestamp = e->timestamp,
        .base_fee = e->base_fee,
        .native_price = U256_ONE,
        .blob_fee = rules->is_zksync_os
                        ? U256_ONE
                        : blob_base_fee(e->excess_blob_gas, rules->blob_fee_fraction),
        .coinbase = e->coinbase,
        .gas_limit = e->gas_limit,
        .pubdata_limit = UINT64_MAX,
        .execution_version = rules->execution_version,
        .mix_hash = e->random,
    };
    for (uint64_t back = 1; back <= 256 && back <= e->number; back++) {
        char text[24];
        int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)(e->number - back));
        ctx->block_hashes[256 - back] = keccak256(text, (size_t)len);
    }
}

static struct b256 logs_hash(const struct stf_tx_result *r, bool executed, struct arena *arena)
{
    size_t n = executed ? r->event_cnt : 0, payload = 0;
    for (size_t i = 0; i < n; i++) {
        const struct stf_event *ev = &r->events[i];
        size_t topics = (size_t)ev->topic_cnt * 33;
        payload += rlp_list_size(21 + rlp_list_size(topics) + rlp_string_size(ev->data));
    }
    uint8_t *out = arena_alloc(arena, rlp_list_size(payload));
    CHECK(out);
    size_t len = rlp_write_list_header(out, payload);
    for (size_t i = 0; i < n; i++) {
        const struct stf_event *ev = &r->events[i];
        size_t topics = (size_t)ev->topic_cnt * 33;
        len += rlp_write_list_header(out + len,
                                     21 + rlp_list_size(topics) + rlp_string_size(ev->data));
        len += rlp_write_string(out + len, bytes_of(ev->addr.b, 20));
        len += rlp_write_list_header(out + len, topics);
        for (uint32_t t = 0; t < ev->topic_cnt; t++)
            len += rlp_write_string(out + len, bytes_of(ev->topics[t].b, 32));
        len += rlp_write_string(out + len, ev->data);
    }
    return keccak256(out, len);
}

/* The recorded bytes decode to the same sender and to the same fields. */
static bool txbytes_agree(const struct stf_tx *tx, struct bytes txbytes, struct arena *arena,
                          char *why)
{
    struct stf_tx decoded;
    struct addr signer;
    enum stf_error e = tx_decode(&decoded, txbytes, arena);
    if (e != STF_OK) {
        say(why, "txbytes do not decode", stf_error_name(e));
        return false;
    }
    if (!crypto_recover(&signer, &decoded.signing_hash, &decoded.r, &decoded.s, decoded.y_parity) ||
        !addr_eq(&signer, &tx->from)) {
        say(why, "txbytes recover another sender", "");
        return false;
    }
    bool same = decoded.type == tx->type && decoded.nonce == tx->nonce &&
                decoded.gas_limit == tx->gas_limit && decoded.is_create == tx->is_create &&
                (tx->is_create || addr_eq(&decoded.to, &tx->to)) &&
                u256_eq(&decoded.value, &tx->value) && u256_eq(&decoded.max_fee, &tx->max_fee) &&
                u256_eq(&decoded.max_priority_fee, &tx->max_priority_fee) &&
                bytes_eq(decoded.data, tx->data) && decoded.access_cnt == tx->access_cnt &&
                decoded.blob_cnt == tx->blob_cnt && decoded.auth_cnt == tx->auth_cnt;
    if (!same)
        say(why, "txbytes carry other fields", "");
    return same;
}

struct run {
    const struct fixture *f;
    const struct fixture_case *c;
    struct stf_block *block;
    struct stf_tx_result result;
    bool executed;       /* included */
    struct trace *trace; /* may be NULL */
    bool translates;
};

static void summarize(const struct run *r, const struct b256 *root, const struct b256 *logs)
{
    const struct stf_tx_result *o = &r->result;
    struct trace_summary s = {
        .root = *root,
        .logs = *logs,
        .output = o->output,
        .gas_used = o->gas_used,
        .pass = r->executed && o->success,
        .fork = r->c->fork,
        .test = r->f->name,
        .why = r->executed ? NULL : stf_error_name(o->fault.code),
    };
    trace_summary(r->trace, &s);
}

static enum run_result compare(const struct run *r, const struct world *w, struct arena *arena,
                               char *why)
{
    char hex[67];
    struct b256 root = world_state_root(w, r->executed ? r->block : NULL, arena);
    struct b256 logs = logs_hash(&r->result, r->executed, arena);
    if (r->trace)
        summarize(r, &root, &logs);
    if (r->executed == r->c->expects_rejection) {
        if (r->executed)
            say(why, "accepted, should be rejected", "");
        else
            say(why, "rejected", stf_error_name(r->result.fault.code));
        return RUN_FAILED;
    }
    if (!b256_eq(&root, &r->c->root)) {
        hex_encode0x(hex, root.b, 32);
        say(why, "state root", hex);
        return RUN_FAILED;
    }
    if (!b256_eq(&logs, &r->c->logs)) {
        hex_encode0x(hex, logs.b, 32);
        say(why, "logs hash", hex);
        return RUN_FAILED;
    }
    return RUN_PASSED;
}

static enum run_result execute(struct run *r, const struct world *w, const struct stf_tx *tx,
                               struct arena *arena, char *why)
{
    struct stf_block_context ctx;
    struct stf_options options = { .tracer = r->trace ? &r->trace->tracer : NULL,
                                   .translates_at_once = r->translates,
                                   .unlimited_native = r->c->rules->is_zksync_os };
    struct stf_fault fault = { STF_OK, { U256_ZERO, U256_ZERO, U256_ZERO } };
    fill_context(&ctx, &r->f->env, r->c->rules);
    r->block =
        stf_block_begin(arena, r->c->rules, &ctx, &w->oracle, crypto_host(), &options, &fault);
    if (!r->block) {
        say(why, "block does not begin", stf_error_name(fault.code));
        return RUN_FAILED;
    }
    enum stf_verdict verdict = stf_tx_run(r->block, tx, &r->result);
    if (verdict == STF_FATAL) {
        say(why, "block failed", stf_error_name(r->result.fault.code));
        return RUN_FAILED;
    }
    if (verdict != STF_INCLUDED && r->result.fault.code == STF_E_PRECOMPILE_MISSING) {
        say(why, "precompile missing in this build", "");
        return RUN_MISSING;
    }
    r->executed = verdict == STF_INCLUDED;
    return compare(r, w, arena, why);
}

enum run_result run_case(const struct fixture *f, const struct fixture_case *c, struct trace *trace,
                         bool translates, struct arena *arena, char *why)
{
    struct world w;
    struct stf_tx tx;
    struct run r = { .f = f, .c = c, .trace = trace, .translates = translates };
    enum run_result result;
    world_init(&w, f, arena);
    if (!fixture_tx(&tx, f, c, arena)) {
        /* no transaction type can carry these fields */
        result = compare(&r, &w, arena, why);
    } else if (c->txbytes.len && !c->expects_rejection &&
               !txbytes_agree(&tx, c->txbytes, arena, why)) {
        result = RUN_FAILED;
    } else {
        result = execute(&r, &w, &tx, arena, why);
    }
    world_clear(&w);
    return result;
}
