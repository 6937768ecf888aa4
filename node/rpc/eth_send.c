/* node/rpc/eth_send.c
 *
 * Submitting transactions. The common form of eth_sendRawTransaction comes here straight from the text of the
 * request: hex -> envelope -> sender -> admission -> pool, with one view of the state for all submissions of a batch. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "node/base/hex.h"
#include "node/crypto/crypto.h"
#include "node/rpc/encode.h"
#include "node/rpc/handlers.h"
#include "node/rpc/params.h"

#define MAX_TX_LEN       (16u << 20)
#define MAX_SYNC_WAIT_MS 30000u

static struct u256 intrinsic_native(const struct stf_tx *tx, const struct stf_rules *rules,
                                    const struct u256 *per_byte)
{
    uint64_t native, bytes;
    stf_l2_intrinsics(tx, rules, &native, &bytes);
    struct u256 b = u256_of_u64(bytes), n = u256_of_u64(native), pubdata = u256_mul(&b, per_byte);
    return u256_add(&n, &pubdata);
}

/* The gas limit must buy the native and the pubdata of the start at the pending fees; the pool would otherwise hold
 * transactions that every block purges. Not looked at while the fee is below the base fee. */
static bool check_native(struct rpc_call *c, const struct stf_tx *tx, const struct chain_head *h)
{
    struct u256 room, per_gas, per_byte, gas, needed;
    if (!u256_sub_checked(&room, &tx->max_fee, &h->base_fee) || u256_is_zero(&h->native_price))
        return true;
    struct u256 tip = u256_lt(&tx->max_priority_fee, &room) ? tx->max_priority_fee : room;
    struct u256 price = u256_add(&h->base_fee, &tip);
    per_gas = u256_div_ceil(&price, &h->native_price);
    per_byte = u256_div(&h->pubdata_price, &h->native_price);
    if (u256_is_zero(&per_gas) || !u256_fits_u64(&per_gas) || !u256_fits_u64(&per_byte))
        return true;
    needed = intrinsic_native(tx, stf_rules_of_execution_version(h->execution_version), &per_byte);
    gas = u256_of_u64(tx->gas_limit);
    struct u256 bought = u256_mul(&gas, &per_gas), least = u256_div_ceil(&needed, &per_gas);
    if (!u256_lt(&bought, &needed))
        return true;
    return rpc_fail(c, RPC_SERVER,
                    "intrinsic gas too low: gas %" PRIu64 ", minimum needed %" PRIu64,
                    tx->gas_limit, u256_sat_u64(&least));
}

static bool type_is_accepted(uint8_t first)
{
    return first >= 0xc0 || first == TX_ACCESS_LIST || first == TX_DYNAMIC_FEE ||
           first == TX_SET_CODE;
}

/* 0x00..0x7f is where types live: all but ours are types of others. Anything else never was a transaction. */
static bool decode_signed(struct rpc_call *c, struct bytes raw, struct stf_tx *tx)
{
    static const char undecodable[] = "failed to decode signed transaction";
    if (raw.len == 0)
        return rpc_fail(c, RPC_PARAMS, "%s", undecodable);
    uint8_t first = raw.p[0];
    if (first < 0x80 && !type_is_accepted(first))
        return rpc_fail(c, RPC_SERVER,
                        "transaction type not supported: transaction type not valid");
    if (!type_is_accepted(first))
        return rpc_fail(c, RPC_PARAMS, "%s", undecodable);
    enum stf_error e = tx_decode(tx, raw, &c->s->arena);
    if (e != STF_OK)
        return rpc_fail(c, RPC_PARAMS, "%s", undecodable);
    if (!crypto_tx_recover_sender(tx))
        return rpc_fail(c, RPC_SERVER, "invalid transaction signature");
    return true;
}

/* The newest state, kept for the other submissions of this request until a block changes it. */
static const struct state_view *head_view(struct rpc_call *c)
{
    struct state *s = chain_state(c->r->d.chain);
    if (c->s->view && state_view_block(c->s->view) == state_latest(s))
        return c->s->view;
    state_view_close(c->s->view);
    struct err err = { 0 };
    c->s->view = state_view_open(s, STATE_LATEST, &err);
    if (!c->s->view)
        rpc_fail_err(c, &err);
    return c->s->view;
}

static bool fill_admission(struct rpc_call *c, const struct stf_tx *tx, const struct chain_head *h,
                           struct mempool_admission *a)
{
    const struct config *cfg = c->r->d.cfg;
    const struct state_view *v = head_view(c);
    struct account_record rec;
    bool exists;
    if (!v)
        return false;
    if (!state_view_account(v, &tx->from, &rec, &exists))
        return rpc_fail(c, RPC_INTERNAL, "internal error: the account cannot be read");
    *a = (struct mempool_admission){
        .chain_id = cfg->genesis.chain_id,
        .block_gas_limit = cfg->sequencer.block_gas_limit,
        .max_tx_len = (size_t)cfg->mempool.max_tx_size,
        .base_fee = h->base_fee,
        .minimal_base_fee = u256_of_u64(cfg->mempool.minimal_protocol_basefee),
        .native_price = h->native_price,
        .pubdata_price = h->pubdata_price,
        .account_nonce = rec.nonce,
        .account_balance = rec.balance,
        .account_has_code = rec.code_len != 0 && !account_is_delegated(&rec),
        .allow_unprotected = cfg->mempool.allow_unprotected,
        .allow_set_code = cfg->mempool.allow_set_code,
    };
    return true;
}

/* Validates what the pool validates first, so that its texts keep their order, then the native check, then in. */
static bool submit(struct rpc_call *c, const struct stf_tx *tx)
{
    char reason[160];
    struct mempool_admission a = { 0 };
    struct mempool_refusal why = { 0 };
    if (atomic_load(&c->r->draining))
        return rpc_fail(c, RPC_INTERNAL,
                        "transaction submission is temporarily disabled: the node is stopping");
    if (!chain_is_accepting(c->r->d.chain, reason, sizeof(reason)))
        return rpc_fail(c, RPC_INTERNAL, "transaction submission is temporarily disabled: %s",
                        reason);
    struct chain_head h = chain_head_get(c->r->d.chain);
    if (!fill_admission(c, tx, &h, &a))
        return false;
    if (!mempool_validate(tx, tx->envelope.len, &a, &why))
        return rpc_fail(c, why.code, "%s", why.message);
    if (!check_native(c, tx, &h))
        return false;
    if (!mempool_insert(c->r->d.mempool, tx, &a, &why))
        return rpc_fail(c, why.code, "%s", why.message);
    rpc_filters_pending(c, tx);
    return true;
}

static bool send_hex(struct rpc_call *c, const char *hex, size_t len, struct b256 *hash)
{
    struct stf_tx tx = { 0 };
    size_t n = 0;
    if (len < 2 || len % 2 || hex[0] != '0' || hex[1] != 'x')
        return rpc_fail(c, RPC_PARAMS, "invalid params: expected 0x-prefixed hex bytes");
    if (len / 2 > MAX_TX_LEN)
        return rpc_fail(c, RPC_SERVER, "oversized data: transaction size %zu, limit %u",
                        len / 2 - 1, MAX_TX_LEN);
    uint8_t *raw = arena_alloc(&c->s->arena, len / 2);
    if (!raw)
        return rpc_no_memory(c);
    if (!hex_decode(raw, len / 2, &n, hex, len))
        return rpc_fail(c, RPC_PARAMS, "invalid params: expected 0x-prefixed hex bytes");
    if (!decode_signed(c, bytes_of(raw, n), &tx) || !submit(c, &tx))
        return false;
    *hash = tx.hash;
    return true;
}

bool rpc_send_raw(struct rpc_call *c, const char *hex, size_t len)
{
    struct b256 hash;
    if (!send_hex(c, hex, len, &hash))
        return false;
    js_hex(c->out, hash.b, 32);
    return true;
}

static bool raw_param(struct rpc_call *c, const char **hex, size_t *len)
{
    const json_t *v;
    if (!param_required(c, 0, "transaction bytes", &v))
        return false;
    *hex = json_string_value(v);
    *len = json_string_length(v);
    return *hex || rpc_fail(c, RPC_PARAMS, "invalid params: expected 0x-prefixed hex bytes");
}

bool rpc_eth_send_raw(struct rpc_call *c)
{
    const char *hex;
    size_t len;
    return raw_param(c, &hex, &len) && rpc_send_raw(c, hex, len);
}

/* ---- the form that waits for the receipt (EIP-7966) ---- */

/* Until another block is published or the time is over; false then. */
static bool wait_published(struct rpc *r, uint64_t *seen, uint64_t deadline_ms)
{
    bool in_time = true;
    pthread_mutex_lock(&r->mutex);
    while (r->published_cnt == *seen && in_time && !atomic_load(&r->draining)) {
        uint64_t now = clock_mono_ms(r->d.clock);
        if (now >= deadline_ms) {
            in_time = false;
            break;
        }
        uint64_t left = deadline_ms - now < 250 ? deadline_ms - now : 250;
        /* the condition runs on the monotonic clock, which a test's own clock is not */
        uint64_t until_ms = clock_mono_ms(clock_system()) + left;
        struct timespec until = { .tv_sec = (time_t)(until_ms / 1000),
                                  .tv_nsec = (long)(until_ms % 1000) * 1000000 };
        (void)pthread_cond_timedwait(&r->published, &r->mutex, &until);
    }
    in_time = in_time && !atomic_load(&r->draining);
    *seen = r->published_cnt;
    pthread_mutex_unlock(&r->mutex);
    return in_time;
}

static bool sync_timeout(struct rpc_call *c, const struct b256 *hash, uint64_t ms)
{
    char text[67];
    hex_encode0x(text, hash->b, 32);
    snprintf(c->data_text, sizeof(c->data_text), "%s", text);
    return rpc_fail(c, RPC_TIMEOUT,
                    "transaction %s was added to the pool but was not included within %" PRIu64
                    " ms; it stays in the pool",
                    text, ms);
}

bool rpc_eth_send_raw_sync(struct rpc_call *c)
{
    const char *hex;
    size_t len;
    uint64_t timeout = c->r->d.cfg->rpc.send_raw_transaction_sync_timeout_ms;
    const json_t *t = param_at(c, 1);
    struct b256 hash;
    pthread_mutex_lock(&c->r->mutex);
    uint64_t seen = c->r->published_cnt;
    pthread_mutex_unlock(&c->r->mutex);
    if ((t && !value_u64(c, t, "timeout", &timeout)) || !raw_param(c, &hex, &len) ||
        !send_hex(c, hex, len, &hash))
        return false;
    if (timeout > MAX_SYNC_WAIT_MS)
        timeout = MAX_SYNC_WAIT_MS;
    uint64_t deadline = clock_mono_ms(c->r->d.clock) + timeout;
    for (bool in_time = true;;) {
        const struct chain_block *b;
        uint32_t index;
        bool found;
        if (!rpc_tx_locate(c, &hash, &b, &index, &found))
            return false;
        if (found) {
            bool ok = rpc_write_receipt(c, b, index);
            rpc_block_release(c, b);
            return ok;
        }
        if (!in_time)
            return sync_timeout(c, &hash, timeout);
        in_time = wait_published(c->r, &seen, deadline);
    }
}

bool rpc_no_signer(struct rpc_call *c)
{
    return rpc_fail(c, RPC_SERVER, "node has no signer accounts");
}
