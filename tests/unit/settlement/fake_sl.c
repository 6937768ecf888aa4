#include "tests/unit/settlement/fake_sl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "contracts-abi/gen/bridgehub.h"
#include "contracts-abi/gen/ctm.h"
#include "contracts-abi/gen/errors.h"
#include "contracts-abi/gen/executor.h"
#include "contracts-abi/gen/getters.h"
#include "contracts-abi/gen/message_root.h"
#include "contracts-abi/gen/migration.h"
#include "contracts-abi/gen/timelock.h"
#include "node/base/hash.h"
#include "node/base/hex.h"
#include "node/base/rlp.h"
#include "settlement/proto.h"
#include "tests/unit/net/fake_node.h"

/* ---- JSON ---- */

static json_t *quantity(uint64_t v)
{
    char t[32];
    snprintf(t, sizeof(t), "0x%llx", (unsigned long long)v);
    return json_string(t);
}

static json_t *hex(const void *p, size_t n)
{
    char *t = malloc(2 * n + 3);
    hex_encode0x(t, p, n);
    json_t *j = json_string(t);
    free(t);
    return j;
}

static json_t *word(const struct b256 *w)
{
    return hex(w->b, 32);
}

static json_t *word_u64(uint64_t v)
{
    struct b256 w = b256_of_u64(v);
    return word(&w);
}

static json_t *word_addr(const struct addr *a)
{
    struct b256 w = addr_pad32(a);
    return word(&w);
}

static size_t bytes_in(const json_t *j, uint8_t *out, size_t cap)
{
    size_t len = 0;
    const char *t = json_string_value(j);
    assert_non_null(t);
    assert_true(hex_decode(out, cap, &len, t, strlen(t)));
    return len;
}

/* ---- the contracts ---- */

struct outcome {
    bool ok;
    uint8_t revert[100];
    size_t revert_len;
    struct sl_log logs[SL_MAX_LOGS];
    size_t log_cnt;
};

static void refuse(struct outcome *o, uint32_t selector, uint64_t a, uint64_t b)
{
    struct b256 wa = b256_of_u64(a), wb = b256_of_u64(b);
    o->ok = false;
    store_be32(o->revert, selector);
    memcpy(o->revert + 4, wa.b, 32);
    memcpy(o->revert + 36, wb.b, 32);
    o->revert_len = 68;
}

static void refuse_with(struct outcome *o, const char *text)
{
    size_t len = strlen(text);
    assert_true(len <= 32);
    refuse(o, 0x08c379a0, 32, len);
    memset(o->revert + 68, 0, 32);
    memcpy(o->revert + 68, text, len);
    o->revert_len = 100;
}

static void emit(struct outcome *o, const struct b256 *topics, size_t n)
{
    assert_true(o->log_cnt < SL_MAX_LOGS);
    struct sl_log *l = &o->logs[o->log_cnt++];
    *l = (struct sl_log){ .topic_cnt = n };
    memcpy(l->topics, topics, n * sizeof(*topics));
}

static struct stored_batch stored_from(const struct abi_v31_stored_batch_info *i)
{
    return (struct stored_batch){ .number = i->batch_number,
                                  .state_commitment = i->batch_hash,
                                  .l1_tx_cnt = i->number_of_layer1_txs.w[0],
                                  .priority_ops_hash = i->priority_operations_hash,
                                  .dependency_roots_hash = i->dependency_roots_rolling_hash,
                                  .l2_logs_tree_root = i->l2_logs_tree_root,
                                  .commitment = i->commitment };
}

static struct b256 hash_from(const struct abi_v31_stored_batch_info *i)
{
    struct stored_batch s = stored_from(i);
    return stored_batch_hash(&s);
}

/* What commitBatches makes of the info: the output hash, then the stored hash. */
static void committed_from(const struct abi_v31_commit_batch_info_zksync_os *c,
                           struct sl_batch *out)
{
    struct batch b = { .chain_id = c->chain_id.w[0],
                       .sl_chain_id = c->sl_chain_id.w[0],
                       .first_timestamp = c->first_block_timestamp,
                       .last_timestamp = c->last_block_timestamp,
                       .l2_tx_cnt = c->number_of_layer2_txs.w[0],
                       .protocol_minor = 31,
                       .da_commitment = c->da_commitment,
                       .da_scheme = (uint8_t)c->da_commitment_scheme };
    b.stored = (struct stored_batch){ .number = c->batch_number,
                                      .state_commitment = c->new_state_commitment,
                                      .l1_tx_cnt = c->number_of_layer1_txs.w[0],
                                      .priority_ops_hash = c->priority_operations_hash,
                                      .dependency_roots_hash = c->dependency_roots_rolling_hash,
                                      .l2_logs_tree_root = c->l2_logs_tree_root };
    b.stored.commitment = batch_output_hash(&b);
    *out = (struct sl_batch){ .stored_hash = stored_batch_hash(&b.stored),
                              .state = c->new_state_commitment,
                              .commitment = b.stored.commitment,
                              .logs_root = c->l2_logs_tree_root,
                              .first = c->first_block_number,
                              .last = c->last_block_number };
}

static void put_committed(struct sl_state *st, struct outcome *o, uint64_t n,
                          const struct sl_batch *b, uint64_t now)
{
    assert_true(n < SL_MAX_BATCH);
    st->batch[n] = *b;
    st->batch[n].committed_at = now;
    st->committed = n;
    const struct b256 range[4] = { ABI_V31_REPORT_COMMITTED_BATCH_RANGE_ZKSYNC_OS_TOPIC,
                                   b256_of_u64(n), b256_of_u64(b->first), b256_of_u64(b->last) };
    const struct b256 commit[4] = { ABI_V31_BLOCK_COMMIT_TOPIC, b256_of_u64(n), b->state,
                                    b->commitment };
    emit(o, range, 4);
    emit(o, commit, 4);
}

static void do_commit(struct sl_state *st, struct bytes data, struct arena *a, uint64_t now,
                      struct outcome *o)
{
    struct abi_v31_commit_data d;
    struct err err;
    assert_int_equal(data.p[0], 4);
    assert_true(abi_v31_decode_commit_data(bytes_of(data.p + 1, data.len - 1), &d, a, &err));
    assert_int_equal(d.batches.cnt, 1);
    const struct abi_v31_commit_batch_info_zksync_os *c = &d.batches.items[0];
    struct b256 prev = hash_from(&d.previous);
    struct sl_batch b;
    committed_from(c, &b);
    if (!b256_eq(&prev, &st->batch[st->committed].stored_hash))
        refuse(o, 0x55ad3fd3, 1, 2); /* BatchHashMismatch */
    else if (c->batch_number != st->committed + 1)
        refuse(o, 0xbd4455ff, st->committed + 1, c->batch_number); /* BatchNumberMismatch */
    else
        put_committed(st, o, c->batch_number, &b, now);
}

static void do_prove(struct sl_state *st, struct bytes data, struct arena *a, struct outcome *o)
{
    struct abi_v31_prove_data d;
    struct err err;
    assert_true(abi_v31_decode_prove_data(bytes_of(data.p + 1, data.len - 1), &d, a, &err));
    struct b256 prev = hash_from(&d.previous), inputs[SL_MAX_BATCH];
    struct b256 state = d.previous.batch_hash;
    uint64_t last = st->proved + d.batches.cnt;
    if (!b256_eq(&prev, &st->batch[st->proved].stored_hash)) {
        refuse(o, 0x55ad3fd3, 3, 4);
        return;
    }
    for (size_t i = 0; i < d.batches.cnt; i++) {
        struct stored_batch s = stored_from(&d.batches.items[i]);
        struct b256 h = stored_batch_hash(&s);
        if (st->proved + i + 1 > st->committed) {
            refuse(o, 0xe1022469, 0, 0); /* VerifiedBatchesExceedsCommittedBatches */
            return;
        }
        if (!b256_eq(&h, &st->batch[st->proved + i + 1].stored_hash)) {
            refuse(o, 0x55ad3fd3, 5, 6);
            return;
        }
        inputs[i] = batch_public_input(&state, &s);
        state = s.state_commitment;
    }
    struct u256 want[4];
    proto_mock_proof(want, inputs, d.batches.cnt);
    assert_int_equal(d.proof.cnt, 4);
    if (!u256_eq(&want[3], &d.proof.items[3])) {
        refuse(o, 0x09bde339, 0, 0); /* InvalidProof */
        return;
    }
    const struct b256 topics[3] = { ABI_V31_BLOCKS_VERIFICATION_TOPIC, b256_of_u64(st->proved),
                                    b256_of_u64(last) };
    st->proved = last;
    emit(o, topics, 3);
}

static void do_execute(const struct fake_sl *sl, struct sl_state *st, struct bytes data,
                       struct arena *a, uint64_t now, struct outcome *o)
{
    struct abi_v31_execute_data d;
    struct err err;
    assert_true(abi_v31_decode_execute_data(bytes_of(data.p + 1, data.len - 1), &d, a, &err));
    for (size_t i = 0; i < d.batches.cnt; i++) {
        uint64_t n = st->executed + 1;
        struct b256 h = hash_from(&d.batches.items[i]);
        if (d.batches.items[i].batch_number != n) {
            refuse(o, 0x0105f9c0, 0, 0); /* NonSequentialBatch */
            return;
        }
        if (n > st->proved) {
            refuse(o, 0x00c6ead2, 0, 0); /* CantExecuteUnprovenBatches */
            return;
        }
        const struct sl_batch *b = &st->batch[n];
        if (now < b->committed_at + sl->delay_s) {
            refuse(o, 0x08753982, b->committed_at + sl->delay_s, now); /* TimeNotReached */
            return;
        }
        if (!b256_eq(&h, &b->stored_hash)) {
            refuse(o, 0x55ad3fd3, 7, 8);
            return;
        }
        st->executed = n;
        const struct b256 topics[4] = { ABI_V31_BLOCK_EXECUTION_TOPIC, b256_of_u64(n), b->state,
                                        b->commitment };
        emit(o, topics, 4);
    }
}

/* A call of the timelock on a state; the state is changed only when it goes well. */
static void apply(const struct fake_sl *sl, struct sl_state *st, struct bytes call, uint64_t now,
                  struct outcome *o)
{
    *o = (struct outcome){ .ok = true };
    struct arena a;
    struct err err;
    struct abi_v31_commit_batches_shared_bridge_call c;
    arena_init_growing(&a, 4096, 1u << 22);
    struct sl_state *copy = malloc(sizeof(*copy));
    *copy = *st;
    uint32_t selector = load_be32(call.p);
    /* the three calls have the same arguments */
    uint8_t *same = arena_copy(&a, call.p, call.len);
    store_be32(same, ABI_V31_COMMIT_BATCHES_SHARED_BRIDGE_SELECTOR);
    assert_true(
        abi_v31_decode_commit_batches_shared_bridge_call(bytes_of(same, call.len), &c, &a, &err));
    if (selector == ABI_V31_COMMIT_BATCHES_SHARED_BRIDGE_SELECTOR)
        do_commit(copy, c.commit_data, &a, now, o);
    else if (selector == ABI_V31_PROVE_BATCHES_SHARED_BRIDGE_SELECTOR)
        do_prove(copy, c.commit_data, &a, o);
    else
        do_execute(sl, copy, c.commit_data, &a, now, o);
    if (o->ok)
        *st = *copy;
    else
        o->log_cnt = 0;
    free(copy);
    arena_clear(&a);
}

/* ---- blocks ---- */

static struct b256 block_hash(const struct fake_sl *sl, uint64_t n)
{
    uint64_t seed[2] = { n, sl->fork };
    return keccak256(seed, sizeof(seed));
}

static struct sl_block *new_block(struct fake_sl *sl)
{
    assert_true(sl->head + 1 < SL_MAX_BLOCKS);
    const struct sl_block *parent = &sl->block[sl->head];
    struct sl_block *b = &sl->block[++sl->head];
    memset(b, 0, sizeof(*b));
    b->hash = block_hash(sl, sl->head);
    b->timestamp = parent->timestamp + 1;
    b->after = parent->after;
    return b;
}

static void add_logs(struct sl_block *b, const struct outcome *o, const struct b256 *tx)
{
    assert_true(b->log_cnt + o->log_cnt <= SL_MAX_LOGS);
    for (size_t i = 0; i < o->log_cnt; i++) {
        b->logs[b->log_cnt] = o->logs[i];
        b->logs[b->log_cnt++].tx = *tx;
    }
}

static bool mine_one(struct fake_sl *sl, struct sl_block *b)
{
    for (size_t i = 0; i < sl->tx_cnt; i++) {
        struct sl_tx *t = &sl->txs[i];
        if (t->block || t->dropped || t->nonce != b->after.nonce[t->lane])
            continue;
        struct outcome o = { .ok = true };
        t->block = sl->head;
        b->after.nonce[t->lane]++;
        if (!t->is_fill && sl->fail_mined[t->lane] > 0) {
            sl->fail_mined[t->lane]--;
            t->ok = false;
            return true;
        }
        if (!t->is_fill)
            apply(sl, &b->after, bytes_of(t->data, t->len), b->timestamp, &o);
        t->ok = o.ok;
        add_logs(b, &o, &t->hash);
        return true;
    }
    return false;
}

void fake_sl_mine(struct fake_sl *sl)
{
    struct sl_block *b = new_block(sl);
    while (mine_one(sl, b))
        ;
}

void fake_sl_mine_many(struct fake_sl *sl, unsigned n)
{
    while (n-- > 0)
        fake_sl_mine(sl);
}

void fake_sl_reorg(struct fake_sl *sl, uint64_t depth)
{
    assert_true(depth < sl->head);
    uint64_t head = sl->head;
    struct b256 before = sl->block[head].hash;
    sl->head -= depth;
    sl->fork++;
    for (size_t i = 0; i < sl->tx_cnt; i++)
        if (sl->txs[i].block > sl->head) {
            sl->txs[i].block = 0;
            sl->txs[i].dropped = sl->reorged_txs_are_lost;
        }
    while (sl->head < head)
        (void)new_block(sl);
    assert_false(b256_eq(&before, &sl->block[head].hash));
}

void fake_sl_revert(struct fake_sl *sl, uint64_t batch)
{
    struct sl_block *b = new_block(sl);
    struct sl_state *st = &b->after;
    assert_true(batch >= st->executed && batch <= st->committed);
    st->committed = batch;
    if (st->proved > batch)
        st->proved = batch;
    const uint64_t values[3] = { st->committed, st->proved, st->executed };
    struct sl_log *l = &b->logs[b->log_cnt++];
    *l = (struct sl_log){ .topic_cnt = 1, .len = 96, .topics = { ABI_V31_BLOCKS_REVERT_TOPIC } };
    for (int i = 0; i < 3; i++) {
        struct b256 w = b256_of_u64(values[i]);
        memcpy(l->data + 32 * i, w.b, 32);
    }
    l->tx = b->hash;
}

void fake_sl_commit_foreign(struct fake_sl *sl, const struct sl_batch *batch)
{
    struct sl_block *b = new_block(sl);
    struct outcome o = { .ok = true };
    put_committed(&b->after, &o, b->after.committed + 1, batch, b->timestamp);
    add_logs(b, &o, &b->hash);
}

const struct sl_state *fake_sl_state(const struct fake_sl *sl)
{
    return &sl->block[sl->head].after;
}

void fake_sl_forget_pool(struct fake_sl *sl)
{
    for (size_t i = 0; i < sl->tx_cnt; i++)
        if (!sl->txs[i].block)
            sl->txs[i].dropped = true;
}

unsigned fake_sl_sent(const struct fake_sl *sl, enum settlement_lane lane, uint64_t batch)
{
    unsigned n = 0;
    for (size_t i = 0; i < sl->tx_cnt; i++) {
        const struct sl_tx *t = &sl->txs[i];
        bool counts = !t->is_fill && t->lane == (int)lane && batch >= t->from && batch <= t->to;
        for (size_t k = 0; k < i && counts; k++) /* a replacement is the same transaction */
            counts = sl->txs[k].is_fill || sl->txs[k].lane != t->lane ||
                     sl->txs[k].nonce != t->nonce || sl->txs[k].from != t->from;
        n += counts;
    }
    return n;
}

unsigned fake_sl_failed(const struct fake_sl *sl)
{
    unsigned n = 0;
    for (size_t i = 0; i < sl->tx_cnt; i++)
        n += sl->txs[i].block && !sl->txs[i].ok;
    return n;
}

/* ---- transactions ---- */

static json_t *send_raw(struct fake_sl *sl, const json_t *params, json_t **error)
{
    static uint8_t raw[1u << 17];
    size_t len = bytes_in(json_array_get(params, 0), raw, sizeof(raw));
    struct rlp_reader outer = rlp_reader_of(bytes_of(raw + 1, len - 1));
    struct rlp_reader r = rlp_read_list(&outer);
    struct sl_tx t = { .hash = keccak256(raw, len) };
    struct addr to;
    assert_int_equal(raw[0], 2);
    assert_int_equal(rlp_read_u64(&r), sl->l1_chain_id);
    t.nonce = rlp_read_u64(&r);
    (void)rlp_read_u256(&r);
    (void)rlp_read_u256(&r);
    (void)rlp_read_u64(&r);
    rlp_read_fixed(&r, to.b, 20);
    (void)rlp_read_u256(&r);
    struct bytes data = rlp_read_string(&r);
    assert_true(r.ok);
    sl->sends++;
    t.lane = -1;
    for (int i = 0; i < LANE_CNT; i++)
        if (addr_eq(&to, &sl->keys[i])) {
            t.lane = i;
            t.is_fill = true;
        }
    if (!t.is_fill) {
        assert_true(addr_eq(&to, &sl->timelock) && data.len > 100);
        uint32_t s = load_be32(data.p);
        t.lane = s == ABI_V31_COMMIT_BATCHES_SHARED_BRIDGE_SELECTOR  ? LANE_COMMIT
                 : s == ABI_V31_PROVE_BATCHES_SHARED_BRIDGE_SELECTOR ? LANE_PROVE
                                                                     : LANE_EXECUTE;
        t.from = load_be64(data.p + 4 + 56);
        t.to = load_be64(data.p + 4 + 88);
        t.data = malloc(data.len);
        memcpy(t.data, data.p, data.len);
        t.len = data.len;
    }
    for (size_t i = 0; i < sl->tx_cnt; i++)
        if (b256_eq(&sl->txs[i].hash, &t.hash)) {
            free(t.data);
            if (sl->txs[i].dropped) { /* sent again after a reorganisation lost it */
                sl->txs[i].dropped = false;
                return word(&t.hash);
            }
            *error = fake_error(-32000, "already known", NULL);
            return NULL;
        }
    if (t.nonce < fake_sl_state(sl)->nonce[t.lane]) {
        free(t.data);
        *error = fake_error(-32000, "nonce too low", NULL);
        return NULL;
    }
    for (size_t i = 0; i < sl->tx_cnt; i++) /* a replacement */
        if (sl->txs[i].lane == t.lane && sl->txs[i].nonce == t.nonce && !sl->txs[i].block)
            sl->txs[i].dropped = true;
    assert_true(sl->tx_cnt < SL_MAX_TXS);
    sl->txs[sl->tx_cnt++] = t;
    return word(&t.hash);
}

static json_t *receipt(const struct fake_sl *sl, const json_t *params)
{
    struct b256 h;
    (void)bytes_in(json_array_get(params, 0), h.b, 32);
    for (size_t i = 0; i < sl->tx_cnt; i++) {
        const struct sl_tx *t = &sl->txs[i];
        if (b256_eq(&t->hash, &h) && t->block && !t->dropped)
            return json_pack("{s:o,s:o,s:o,s:s,s:s,s:s,s:s,s:s,s:[]}", "transactionHash", word(&h),
                             "blockNumber", quantity(t->block), "blockHash",
                             word(&sl->block[t->block].hash), "transactionIndex", "0x0", "status",
                             t->ok ? "0x1" : "0x0", "gasUsed", "0x5208", "effectiveGasPrice",
                             "0x3b9aca00", "from", "0x00000000000000000000000000000000000000aa",
                             "logs");
    }
    return NULL;
}

static json_t *tx_by_hash(const struct fake_sl *sl, const json_t *params)
{
    struct b256 h;
    (void)bytes_in(json_array_get(params, 0), h.b, 32);
    for (size_t i = 0; i < sl->tx_cnt; i++) {
        const struct sl_tx *t = &sl->txs[i];
        if (b256_eq(&t->hash, &h) && !t->dropped)
            return json_pack("{s:o,s:s,s:o,s:s,s:s,s:s,s:s}", "hash", word(&h), "from",
                             "0x00000000000000000000000000000000000000aa", "nonce",
                             quantity(t->nonce), "input", "0x", "value", "0x0", "gas", "0x5208",
                             "to", "0x00000000000000000000000000000000000000aa");
    }
    return NULL;
}

static json_t *nonce_of(const struct fake_sl *sl, const json_t *params)
{
    struct addr a;
    (void)bytes_in(json_array_get(params, 0), a.b, 20);
    const char *at = json_string_value(json_array_get(params, 1));
    for (int i = 0; i < LANE_CNT; i++) {
        if (!addr_eq(&a, &sl->keys[i]))
            continue;
        uint64_t n = fake_sl_state(sl)->nonce[i];
        for (bool again = strcmp(at, "pending") == 0; again;) {
            again = false;
            for (size_t k = 0; k < sl->tx_cnt; k++)
                if (!sl->txs[k].block && !sl->txs[k].dropped && sl->txs[k].lane == i &&
                    sl->txs[k].nonce == n) {
                    n++;
                    again = true;
                }
        }
        return quantity(n);
    }
    return quantity(0);
}

/* ---- eth_call ---- */

static json_t *revert_error(const struct outcome *o)
{
    char text[2 * sizeof(o->revert) + 3];
    hex_encode0x(text, o->revert, o->revert_len);
    return fake_error(3, "execution reverted", text);
}

static json_t *call_timelock(struct fake_sl *sl, struct bytes data, bool pending, json_t **error)
{
    struct sl_state *st = malloc(sizeof(*st));
    struct outcome o;
    uint64_t now = sl->block[sl->head].timestamp + 1;
    *st = *fake_sl_state(sl);
    for (bool again = pending; again;) {
        again = false;
        for (size_t i = 0; i < sl->tx_cnt; i++) {
            const struct sl_tx *t = &sl->txs[i];
            if (t->block || t->dropped || t->nonce != st->nonce[t->lane])
                continue;
            st->nonce[t->lane]++;
            again = true;
            if (!t->is_fill)
                apply(sl, st, bytes_of(t->data, t->len), now, &o);
        }
    }
    uint32_t s = load_be32(data.p);
    enum settlement_lane lane = s == ABI_V31_COMMIT_BATCHES_SHARED_BRIDGE_SELECTOR  ? LANE_COMMIT
                                : s == ABI_V31_PROVE_BATCHES_SHARED_BRIDGE_SELECTOR ? LANE_PROVE
                                                                                    : LANE_EXECUTE;
    apply(sl, st, data, now, &o);
    free(st);
    if (o.ok && sl->fail_call[lane] > 0) {
        sl->fail_call[lane]--;
        if (sl->fail_text)
            refuse_with(&o, sl->fail_text);
        else
            refuse(&o, 0xfe0aa4f2, 0, 0); /* RoleAccessDenied */
    }
    if (!o.ok) {
        *error = revert_error(&o);
        return NULL;
    }
    return json_string("0x");
}

static json_t *call_role(const struct fake_sl *sl, struct bytes data)
{
    struct addr who;
    memcpy(who.b, data.p + 4 + 64 + 12, 20);
    for (int i = 0; i < LANE_CNT; i++)
        if (addr_eq(&who, &sl->keys[i]))
            return word_u64(sl->role[i]);
    return word_u64(0);
}

static json_t *call_diamond(struct fake_sl *sl, uint32_t selector, struct bytes data)
{
    const struct sl_state *st = fake_sl_state(sl);
    uint64_t arg = data.len >= 36 ? load_be64(data.p + 28) : 0;
    static const struct addr zero = { { 0 } };
    struct addr gateway = { { 1, 2, 3 } };
    struct b256 two[2] = { { { 0 } }, { { 0 } } };
    switch (selector) {
    case ABI_V31_GET_TOTAL_BATCHES_COMMITTED_SELECTOR:
        return word_u64(st->committed);
    case ABI_V31_GET_TOTAL_BATCHES_VERIFIED_SELECTOR:
        return word_u64(st->proved);
    case ABI_V31_GET_TOTAL_BATCHES_EXECUTED_SELECTOR:
        return word_u64(st->executed);
    case ABI_V31_STORED_BATCH_HASH_SELECTOR:
        sl->hash_calls += arg > 0;
        return word(&st->batch[arg].stored_hash);
    case ABI_V31_L2_LOGS_ROOT_HASH_SELECTOR:
        sl->root_calls++;
        return arg <= st->executed ? word(&st->batch[arg].logs_root) : word_u64(0);
    case ABI_V31_GET_PROTOCOL_VERSION_SELECTOR:
        return word_u64(sl->protocol_version);
    case ABI_V31_GET_TOTAL_PRIORITY_TXS_SELECTOR:
        return word_u64(sl->priority_total);
    case ABI_V31_GET_FIRST_UNPROCESSED_PRIORITY_TX_SELECTOR:
        return word_u64(0);
    case ABI_V31_GET_PRIORITY_TREE_START_INDEX_SELECTOR:
        return word_u64(sl->start_index);
    case ABI_V31_GET_DA_VALIDATOR_PAIR_SELECTOR:
        two[0] = sl->da_set ? addr_pad32(&sl->timelock) : addr_pad32(&zero);
        two[1] = b256_of_u64(sl->da_word ? sl->da_word : sl->da_set ? sl->da_scheme : 0);
        return hex(two[0].b, 64);
    case ABI_V31_GET_PUBDATA_PRICING_MODE_SELECTOR:
        return word_u64(sl->pricing);
    case ABI_V31_GET_L2_SYSTEM_CONTRACTS_UPGRADE_TX_HASH_SELECTOR:
        return word_u64(0);
    case ABI_V31_GET_SETTLEMENT_LAYER_SELECTOR:
        return word_addr(sl->elsewhere ? &gateway : &zero);
    case ABI_V31_GET_ADMIN_SELECTOR:
    case ABI_V31_GET_BASE_TOKEN_SELECTOR:
        return word_addr(&sl->bridgehub);
    case ABI_V31_GET_VERIFIER_SELECTOR:
        two[0] = addr_pad32(&sl->verifier);
        two[0].b[0] = sl->bad_address;
        return word(&two[0]);
    case ABI_V31_GET_CHAIN_ID_SELECTOR:
        return word_u64(sl->chain_id);
    default:
        fail_msg("the diamond has no %08x", selector);
        return NULL;
    }
}

static json_t *call_rest(const struct fake_sl *sl, uint32_t selector, json_t **error)
{
    static const struct addr zero = { { 0 } };
    switch (selector) {
    case ABI_V31_GET_ZK_CHAIN_SELECTOR:
        return word_addr(sl->registered ? &sl->diamond : &zero);
    case ABI_V31_CHAIN_TYPE_MANAGER_SELECTOR:
        return word_addr(sl->registered ? &sl->ctm : &zero);
    case ABI_V31_SETTLEMENT_LAYER_SELECTOR:
        return word_u64(sl->sl_chain_id);
    case ABI_V31_WHITELISTED_SETTLEMENT_LAYERS_SELECTOR:
        return word_u64(!sl->not_whitelisted);
    case ABI_V31_MESSAGE_ROOT_SELECTOR:
    case ABI_V31_ASSET_ROUTER_SELECTOR:
        return word_addr(&sl->bridgehub);
    case ABI_V31_VALIDATOR_TIMELOCK_POST_V29_SELECTOR:
        return word_addr(&sl->timelock);
    case ABI_V31_IS_ZKSYNC_OS_SELECTOR:
        return word_u64(!sl->is_not_os);
    case ABI_V31_PROTOCOL_VERSION_SELECTOR:
        return word_u64(sl->ctm_version);
    case ABI_V31_EXECUTION_DELAY_SELECTOR:
        return word_u64(sl->delay_s);
    case ABI_V31_IS_TESTNET_VERIFIER_SELECTOR:
        if (!sl->production_verifier)
            return word_u64(sl->testnet_word);
        break;
    default: /* L1_BYTECODES_SUPPLIER, serverNotifierAddress */
        break;
    }
    *error = fake_error(3, "execution reverted", "0x");
    return NULL;
}

/* As GWAssetTracker: only the chain's diamond may ask, the number is the last thing that is looked at. */
static json_t *call_tracker(struct fake_sl *sl, const json_t *msg, struct bytes data,
                            json_t **error)
{
    struct arena arena;
    struct addr from;
    struct err err;
    struct abi_v31_process_logs_and_messages_call c;
    struct outcome o = { .ok = true };
    arena_init_growing(&arena, 4096, 1u << 24);
    (void)bytes_in(json_object_get(msg, "from"), from.b, 20);
    assert_true(addr_eq(&from, &sl->diamond));
    if (!abi_v31_decode_process_logs_and_messages_call(data, &c, &arena, &err))
        fail_msg("%s", err.msg);
    sl->tracker_calls++;
    sl->tracker_last = c.input.batch_number.w[0];
    if (sl->tracker_fault) {
        arena_clear(&arena);
        *error = fake_error(-32000, sl->tracker_fault, NULL);
        return NULL;
    }
    if (sl->tracker_error)
        refuse(&o, sl->tracker_error, 0, 0);
    else if (sl->tracker_last != fake_sl_state(sl)->executed + 1)
        refuse(&o, ABI_V31_NON_CONSECUTIVE_BATCH_NUMBER_ERROR, 10, sl->tracker_last);
    arena_clear(&arena);
    if (o.ok)
        return json_string("0x");
    *error = revert_error(&o);
    return NULL;
}

static json_t *eth_call_reply(struct fake_sl *sl, const json_t *params, json_t **error)
{
    static uint8_t data[1u << 17];
    const json_t *msg = json_array_get(params, 0);
    const json_t *input = json_object_get(msg, "input");
    struct addr to;
    (void)bytes_in(json_object_get(msg, "to"), to.b, 20);
    size_t len = bytes_in(input ? input : json_object_get(msg, "data"), data, sizeof(data));
    if (len == 0) /* the transfer that fills a nonce */
        return json_string("0x");
    uint32_t selector = load_be32(data);
    const char *at = json_string_value(json_array_get(params, 1));
    if (sl->lags) {
        *error = fake_error(-32000, "header not found", NULL);
        return NULL;
    }
    if (selector ==
        ABI_V31_HISTORICAL_ROOT_SELECTOR) /* of every block; the world's roots are zero */
        return word_u64(sl->other_roots);
    if (selector == ABI_V31_PROCESS_LOGS_AND_MESSAGES_SELECTOR)
        return call_tracker(sl, msg, bytes_of(data, len), error);
    if (addr_eq(&to, &sl->diamond))
        return call_diamond(sl, selector, bytes_of(data, len));
    if (addr_eq(&to, &sl->timelock) && selector == ABI_V31_HAS_ROLE_FOR_CHAIN_ID_SELECTOR)
        return call_role(sl, bytes_of(data, len));
    if (addr_eq(&to, &sl->timelock) && len > 100)
        return call_timelock(sl, bytes_of(data, len), at && strcmp(at, "pending") == 0, error);
    if (addr_eq(&to, &sl->bridgehub) && sl->no_bridgehub) {
        *error = fake_error(-32000, "execution reverted", NULL);
        return NULL;
    }
    return call_rest(sl, selector, error);
}

/* ---- the rest of the node ---- */

static json_t *block_json(struct fake_sl *sl, const json_t *params)
{
    const char *at = json_string_value(json_array_get(params, 0));
    uint64_t n = sl->head;
    if (strcmp(at, "finalized") == 0 || strcmp(at, "safe") == 0) {
        n = sl->finalized;
    } else if (strncmp(at, "0x", 2) == 0) {
        n = strtoull(at, NULL, 16);
        if (sl->refuse_times > 0) {
            sl->refuse_times--;
            return NULL;
        }
    }
    if (n > sl->head)
        return NULL;
    const struct sl_block *b = &sl->block[n];
    struct b256 parent = n ? sl->block[n - 1].hash : (struct b256){ { 0 } };
    return json_pack("{s:o,s:o,s:o,s:o,s:s,s:s,s:s,s:[]}", "number", quantity(n), "hash",
                     word(&b->hash), "parentHash", word(&parent), "timestamp",
                     quantity(b->timestamp), "gasLimit", "0x1c9c380", "gasUsed", "0x0",
                     "baseFeePerGas", "0x3b9aca00", "transactions");
}

static json_t *logs_json(const struct fake_sl *sl, const json_t *params)
{
    const json_t *f = json_array_get(params, 0);
    uint64_t from = strtoull(json_string_value(json_object_get(f, "fromBlock")), NULL, 16);
    uint64_t to = strtoull(json_string_value(json_object_get(f, "toBlock")), NULL, 16);
    json_t *out = json_array();
    for (uint64_t n = from; n <= to && n <= sl->head; n++)
        for (size_t i = 0; i < sl->block[n].log_cnt; i++) {
            const struct sl_log *l = &sl->block[n].logs[i];
            json_t *topics = json_array();
            for (size_t k = 0; k < l->topic_cnt; k++)
                json_array_append_new(topics, word(&l->topics[k]));
            json_array_append_new(
                out, json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:s,s:o,s:b}", "address",
                               hex(sl->diamond.b, 20), "topics", topics, "data",
                               hex(l->data, l->len), "blockNumber", quantity(n), "blockHash",
                               word(&sl->block[n].hash), "transactionHash", word(&l->tx),
                               "transactionIndex", "0x0", "logIndex", quantity(i), "removed", 0));
        }
    return out;
}

static json_t *answer(void *arg, const char *method, const json_t *params, json_t **error)
{
    struct fake_sl *sl = arg;
    sl->calls++;
    if (strcmp(method, "eth_chainId") == 0)
        return quantity(sl->l1_chain_id);
    if (strcmp(method, "eth_blockNumber") == 0)
        return quantity(sl->head);
    if (strcmp(method, "eth_getBlockByNumber") == 0)
        return block_json(sl, params);
    if (strcmp(method, "eth_getLogs") == 0)
        return logs_json(sl, params);
    if (strcmp(method, "eth_feeHistory") == 0)
        return json_pack("{s:o,s:[s,s],s:[[s]]}", "oldestBlock", quantity(sl->head),
                         "baseFeePerGas", "0x3b9aca00", "0x3b9aca00", "reward", "0x5f5e100");
    if (strcmp(method, "eth_getBalance") == 0)
        return json_string("0x56bc75e2d63100000");
    if (strcmp(method, "eth_getTransactionCount") == 0)
        return nonce_of(sl, params);
    if (strcmp(method, "eth_sendRawTransaction") == 0)
        return send_raw(sl, params, error);
    if (strcmp(method, "eth_getTransactionReceipt") == 0)
        return receipt(sl, params);
    if (strcmp(method, "eth_getTransactionByHash") == 0)
        return tx_by_hash(sl, params);
    if (strcmp(method, "eth_estimateGas") == 0)
        return quantity(100000);
    if (strcmp(method, "eth_getCode") == 0)
        return json_string("0x60");
    if (strcmp(method, "eth_call") == 0)
        return eth_call_reply(sl, params, error);
    *error = fake_error(-32601, "the method does not exist", NULL);
    return NULL;
}

static void on_post(void *arg, const json_t *doc, struct fake_reply *out)
{
    struct fake_sl *sl = arg;
    if (sl->dead)
        out->drop = true;
    else
        out->body = fake_answers(doc, answer, sl);
}

struct fake_sl *fake_sl_create(struct event_base *base)
{
    struct fake_sl *sl = calloc(1, sizeof(*sl));
    assert_non_null(sl);
    sl->block = calloc(SL_MAX_BLOCKS, sizeof(*sl->block));
    assert_non_null(sl->block);
    sl->chain_id = 10;
    sl->l1_chain_id = sl->sl_chain_id = 31337;
    sl->protocol_version = sl->ctm_version = 31ull << 32;
    sl->testnet_word = 1;
    sl->da_scheme = DA_EMPTY_NO_DA;
    sl->da_set = sl->registered = true;
    for (int i = 0; i < LANE_CNT; i++)
        sl->role[i] = true;
    sl->bridgehub.b[19] = 0xb0;
    sl->diamond.b[19] = 0xd0;
    sl->ctm.b[19] = 0xc0;
    sl->timelock.b[19] = 0xa0;
    sl->verifier.b[19] = 0xe0;
    sl->genesis_state = keccak256("genesis", 7);
    struct stored_batch genesis = stored_batch_genesis(&sl->genesis_state);
    sl->block[0].hash = block_hash(sl, 0);
    sl->block[0].timestamp = SL_GENESIS_TS;
    sl->block[0].after.batch[0].stored_hash = stored_batch_hash(&genesis);
    fake_sl_mine_many(sl, 5);
    sl->node = fake_node_start(base, on_post, sl);
    assert_non_null(sl->node);
    return sl;
}

void fake_sl_destroy(struct fake_sl *sl)
{
    if (!sl)
        return;
    fake_node_stop(sl->node);
    for (size_t i = 0; i < sl->tx_cnt; i++)
        free(sl->txs[i].data);
    free(sl->block);
    free(sl);
}

const char *fake_sl_url(const struct fake_sl *sl)
{
    return fake_node_url(sl->node);
}
