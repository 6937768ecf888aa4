/* interop/relay/relay_message.c
 *
 * The way of one message (relay.h). Each step asks one node one thing and goes on in its callback; a step that cannot go on sets the time of
 * the next look. A function that ends a turn writes the row when something changed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "contracts-abi/gen/bridge.h"
#include "contracts-abi/gen/bridgehub.h"
#include "contracts-abi/gen/getters.h"
#include "contracts-abi/gen/l2.h"
#include "contracts-abi/revert.h"
#include "interop/relay/relay_internal.h"
#include "node/base/hex.h"
#include "node/base/log.h"
#include "node/net/eth_decode.h"
#include "node/sender/signer.h"

#define INTEROP_ROOT_STORAGE 0x10008u
#define WAIT_MAX_MS          60000u

static uint64_t now_ms(const struct relay_message *m)
{
    return clock_wall_ms(m->relay->deps.clock);
}

/* ---- ends of a turn ---- */

static void look_again(struct relay_message *m, uint64_t in_ms)
{
    m->row.next_try_ms = now_ms(m) + in_ms;
}

/* The state stays; the note changes when it says something new. Who waits long is looked at less often: a twentieth of the time he has
 * waited, a minute at most. */
static void waits(struct relay_message *m, const char *note)
{
    uint64_t now = now_ms(m), pause = m->relay->cfg.poll_ms;
    uint64_t age = now > m->row.changed_ms ? now - m->row.changed_ms : 0;
    if (age / 20 > pause)
        pause = age / 20 < WAIT_MAX_MS ? age / 20 : WAIT_MAX_MS;
    look_again(m, pause);
    if (strncmp(m->row.note, note, sizeof(m->row.note) - 1) == 0)
        return;
    snprintf(m->row.note, sizeof(m->row.note), "%s", note);
    relay_message_save(m);
}

static void waits_for_node(struct relay_message *m, const char *what, const struct err *err)
{
    char note[sizeof(m->row.note)];
    snprintf(note, sizeof(note), "%s: %.300s", what, err->msg);
    waits(m, note);
}

/* Takes the next step after `pause_ms`. */
static void becomes(struct relay_message *m, enum relay_state state, const char *note,
                    const char *remedy, uint64_t pause_ms)
{
    struct relay_row *row = &m->row;
    struct relay_stats *st = &m->relay->stats;
    row->state = state;
    row->changed_ms = now_ms(m);
    look_again(m, pause_ms);
    snprintf(row->note, sizeof(row->note), "%.380s", note);
    snprintf(row->remedy, sizeof(row->remedy), "%.250s", remedy);
    enum log_level level = state == RELAY_PARKED ? LOG_ERROR : LOG_INFO;
    LOG_AT(level, LOG_INTEROP, state == RELAY_PARKED ? "message parked" : "message",
           LOG_STR("kind", relay_kind_name(row->kind)), LOG_HASH("id", &row->id),
           LOG_U64("from", row->src), LOG_U64("to", row->dst),
           LOG_STR("state", relay_state_name(state)), LOG_STR("note", row->note),
           LOG_STR("remedy", row->remedy));
    st->parked += state == RELAY_PARKED;
    if (state == RELAY_DELIVERED) {
        st->delivered++;
        st->delivered_by_others += b256_is_zero(&row->dst_tx);
    }
    relay_message_save(m);
}

/* A delivery that reverted: ready again after a pause, or parked. */
static void failed(struct relay_message *m, const char *what, const char *remedy)
{
    const struct relay_config *c = &m->relay->cfg;
    uint64_t pause = c->backoff_min_ms;
    m->relay->stats.reverts++;
    m->row.attempts++;
    for (uint64_t i = 1; i < m->row.attempts && pause < c->backoff_max_ms; i++)
        pause *= 2;
    if (m->row.attempts >= c->max_attempts)
        becomes(m, RELAY_PARKED, what, remedy, 0);
    else
        becomes(m, RELAY_READY, what, remedy,
                pause < c->backoff_max_ms ? pause : c->backoff_max_ms);
}

/* ---- calls ---- */

static struct eth_client *source(struct relay_message *m)
{
    m->asked = relay_chain_find(m->relay, m->row.src);
    return m->asked->client;
}

static struct eth_client *destination(struct relay_message *m)
{
    m->asked = relay_chain_find(m->relay, m->row.dst);
    return m->asked->client;
}

/* The data is copied into the request before this returns; cleared here. */
static void call_contract(struct relay_message *m, struct addr to, struct buf *data,
                          struct eth_block_id at, uint64_t min_block, eth_bytes_fn *cb)
{
    struct eth_call_msg msg = { .has_to = true, .to = to, .data = bytes_of(data->p, data->len) };
    struct eth_opts opts = { .min_block = min_block };
    struct err err = { .kind = ERR_LOCAL, .msg = "out of memory" };
    if (!data->failed)
        m->req = eth_call(destination(m), &msg, at, NULL, &opts, cb, m, &err);
    buf_clear(data);
    if (!m->req)
        waits_for_node(m, "the destination could not be asked", &err);
}

static bool answered(struct relay_message *m, const struct eth_reply *reply)
{
    m->req = NULL;
    if (reply->err)
        waits_for_node(m, "the destination does not answer", reply->err);
    return !reply->err;
}

static void bad_answer(struct relay_message *m, const struct err *err)
{
    waits_for_node(m, "the destination's answer makes no sense", err);
}

/* ---- place ---- */

static bool json_number(const json_t *map, const char *key, const char *other, uint64_t *out)
{
    const json_t *j = json_object_get(map, key);
    struct err ignored;
    if (!j)
        j = json_object_get(map, other);
    if (json_is_integer(j) && json_integer_value(j) >= 0) {
        *out = (uint64_t)json_integer_value(j);
        return true;
    }
    return eth_decode_u64(j, out, &ignored);
}

static bool is_word(const json_t *j, const struct b256 *wanted)
{
    struct b256 w;
    struct err ignored;
    return eth_decode_hash(j, &w, &ignored) && b256_eq(&w, wanted);
}

/* Equal messages of one transaction are told apart by their order, which is the same among events and among logs. */
static bool find_place(struct relay_message *m, const json_t *receipt)
{
    struct b256 key = { { 0 } }, value = keccak256(m->row.message.p, m->row.message.len);
    struct b256 topic = ABI_V31_L1_MESSAGE_SENT_TOPIC;
    const json_t *events = json_object_get(receipt, "logs"),
                 *list = json_object_get(receipt, "l2ToL1Logs");
    uint64_t earlier = 0, index = 0;
    memcpy(key.b + 12, m->row.sender.b, 20);
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *e = json_array_get(events, i), *topics = json_object_get(e, "topics");
        earlier += is_word(json_array_get(topics, 0), &topic) &&
                   is_word(json_array_get(topics, 1), &key) &&
                   is_word(json_array_get(topics, 2), &value) &&
                   json_number(e, "logIndex", "logIndex", &index) && index < m->row.log;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *l = json_array_get(list, i);
        if (!is_word(json_object_get(l, "key"), &key) ||
            !is_word(json_object_get(l, "value"), &value))
            continue;
        if (earlier > 0) {
            earlier--;
            continue;
        }
        m->place = i;
        return json_number(l, "tx_number_in_block", "transactionIndex", &m->tx_number) &&
               m->tx_number <= UINT16_MAX;
    }
    return false;
}

static void ask_proof(struct relay_message *m);

static void on_receipt(void *arg, const struct eth_reply *reply)
{
    struct relay_message *m = arg;
    m->req = NULL;
    if (reply->err) {
        waits_for_node(m, "the source does not answer", reply->err);
    } else if (!json_is_object(reply->result)) {
        waits(m, "the source's node has no receipt of its transaction");
    } else if (!find_place(m, reply->result)) {
        waits(m, "the source's node gives a receipt without the message's log");
    } else {
        m->is_placed = true;
        ask_proof(m);
    }
}

static void ask_receipt(struct relay_message *m)
{
    char hash[67];
    struct err err;
    hex_encode0x(hash, m->row.tx_hash.b, 32);
    m->req = eth_client_call(source(m), "eth_getTransactionReceipt", json_pack("[s]", hash), NULL,
                             on_receipt, m, &err);
    if (!m->req)
        waits_for_node(m, "the source could not be asked", &err);
}

/* ---- proof ---- */

/* Message and sender are ours, from the event; where it stands comes from the node, and is right when the words lead to a root that the
 * destination has. */
static bool read_proof(struct relay_message *m, const json_t *j, struct err *err)
{
    const json_t *list = json_object_get(j, "proof");
    struct stf_l2_log log = { .tx_number = (uint16_t)m->tx_number,
                              .is_message = true,
                              .value = keccak256(m->row.message.p, m->row.message.len) };
    struct message_proof *p = &m->proof;
    memcpy(log.key.b + 12, m->row.sender.b, 20);
    *p = (struct message_proof){ .cnt = json_array_size(list) };
    if (!json_number(j, "batchNumber", "batch_number", &p->batch) ||
        !json_number(j, "id", "index", &p->index) || p->cnt == 0 || p->cnt > GH_COUNT(p->words))
        return err_set(err, ERR_INVALID, "not a proof: batchNumber, id or proof is missing");
    for (size_t i = 0; i < p->cnt; i++)
        if (!eth_decode_hash(json_array_get(list, i), &p->words[i], err))
            return err_wrap(err, "word %zu of the proof", i);
    struct b256 chain = b256_of_u64(m->row.src), batch = b256_of_u64(p->batch),
                index = b256_of_u64(p->index), leaf = batch_l2_log_leaf(&log);
    enum proof_fault f =
        message_proof_walk(&m->end, &chain, &batch, &index, &leaf, p->words, p->cnt);
    if (f != PROOF_OK)
        return err_set(err, ERR_INVALID, "the proof is malformed: %s", proof_fault_name(f));
    return true;
}

/* Once the root is known to be right: what delivers the message. */
static bool take_calldata(struct relay_message *m, struct err *err)
{
    const struct message_proof *p = &m->proof;
    struct relay_row *row = &m->row;
    struct buf out;
    bool ok = false;
    buf_init(&out, 2 * RELAY_MESSAGE_MAX);
    if (row->kind == RELAY_BUNDLE) {
        struct arena arena;
        struct bundle b;
        arena_init_growing(&arena, 64u << 10, RELAY_ARENA_MAX);
        ok = bundle_from_message(row->message, &b, &arena, err) &&
             bundle_execute_calldata(&out, &b, p, m->tx_number);
        arena_clear(&arena);
        row->target = addr_of_u32(INTEROP_HANDLER);
    } else {
        struct abi_v31_nullifier_finalize_deposit_call c = {
            { .chain_id = u256_of_u64(row->src),
              .l2_batch_number = u256_of_u64(p->batch),
              .l2_message_index = u256_of_u64(p->index),
              .l2_sender = row->sender,
              .l2_tx_number_in_batch = m->tx_number,
              .message = row->message,
              .merkle_proof = { p->words, p->cnt } }
        };
        ok = abi_v31_encode_nullifier_finalize_deposit_call(&out, &c);
        row->target = m->relay->nullifier;
    }
    if (!ok || out.failed) {
        buf_clear(&out);
        return err_set(err, ERR_LOCAL, "the calldata does not fit");
    }
    size_t len = 0;
    free((void *)(uintptr_t)row->calldata.p);
    row->calldata.p = buf_take(&out, &len);
    row->calldata.len = len;
    row->batch = p->batch;
    row->leaf = p->index;
    m->must_save_calldata = true;
    return true;
}

static void compare_root(struct relay_message *m, const struct b256 *known)
{
    char note[200];
    struct err err;
    if (b256_is_zero(known)) {
        snprintf(note, sizeof(note),
                 "chain %" PRIu64 " does not know the root of chain %" PRIu64 ", number %" PRIu64
                 " yet",
                 m->row.dst, u256_of_b256(&m->end.chain).w[0], u256_of_b256(&m->end.number).w[0]);
        if (m->row.state == RELAY_WAITS_ROOT)
            waits(m, note);
        else
            becomes(m, RELAY_WAITS_ROOT, note, "", m->relay->cfg.poll_ms);
    } else if (!b256_eq(known, &m->end.root)) {
        m->is_placed = false; /* the receipt may be the lie */
        becomes(m, RELAY_PARKED,
                "the source node's proof leads to another root than the destination has",
                "do not trust that node; start with --retry-parked on another one", 0);
    } else if (!take_calldata(m, &err)) {
        waits_for_node(m, "its delivery cannot be put together", &err);
    } else {
        becomes(m, RELAY_READY, "", "", 0);
    }
}

static void on_interop_root(void *arg, const struct eth_reply *reply, struct bytes v)
{
    struct relay_message *m = arg;
    struct abi_v31_interop_roots_return known;
    struct err err;
    if (!answered(m, reply))
        return;
    if (!abi_v31_decode_interop_roots_return(v, &known, NULL, &err))
        bad_answer(m, &err);
    else
        compare_root(m, &known.value);
}

static void on_batch_root(void *arg, const struct eth_reply *reply, struct bytes v)
{
    struct relay_message *m = arg;
    struct abi_v31_l2_logs_root_hash_return known;
    struct err err;
    if (!answered(m, reply))
        return;
    if (!abi_v31_decode_l2_logs_root_hash_return(v, &known, NULL, &err))
        bad_answer(m, &err);
    else
        compare_root(m, &known.value);
}

static void on_diamond(void *arg, const struct eth_reply *reply, struct bytes v)
{
    struct relay_message *m = arg;
    struct abi_v31_get_zk_chain_return chain;
    struct err err;
    if (!answered(m, reply))
        return;
    if (!abi_v31_decode_get_zk_chain_return(v, &chain, NULL, &err)) {
        bad_answer(m, &err);
        return;
    }
    struct abi_v31_l2_logs_root_hash_call call = { .batch_number = u256_of_b256(&m->end.number) };
    struct buf data;
    buf_init(&data, 256);
    abi_v31_encode_l2_logs_root_hash_call(&data, &call);
    call_contract(m, chain.value, &data, ETH_AT_LATEST, 0, on_batch_root);
}

static void ask_root(struct relay_message *m)
{
    struct buf data;
    buf_init(&data, 256);
    if (m->row.kind == RELAY_BUNDLE) {
        struct abi_v31_interop_roots_call call = { u256_of_b256(&m->end.chain),
                                                   u256_of_b256(&m->end.number) };
        abi_v31_encode_interop_roots_call(&data, &call);
        call_contract(m, addr_of_u32(INTEROP_ROOT_STORAGE), &data, ETH_AT_LATEST, 0,
                      on_interop_root);
    } else {
        struct abi_v31_get_zk_chain_call call = { u256_of_b256(&m->end.chain) };
        abi_v31_encode_get_zk_chain_call(&data, &call);
        call_contract(m, relay_chain_find(m->relay, m->row.dst)->bridgehub, &data, ETH_AT_LATEST, 0,
                      on_diamond);
    }
}

static void on_proof(void *arg, const struct eth_reply *reply)
{
    struct relay_message *m = arg;
    struct err err;
    m->req = NULL;
    if (reply->err) {
        waits_for_node(m, "the source gives no proof", reply->err);
    } else if (!json_is_object(reply->result)) {
        waits(m, "its batch is not executed on the settlement layer, or not final there");
    } else if (!read_proof(m, reply->result, &err)) {
        waits_for_node(m, "the source's proof cannot be used", &err);
    } else if (m->row.kind == RELAY_BUNDLE && !m->end.nested) {
        becomes(m, RELAY_PARKED,
                "the source settles on L1: its messages reach other chains of a Gateway only", "",
                0);
    } else {
        ask_root(m);
    }
}

static void ask_proof(struct relay_message *m)
{
    char hash[67];
    struct err err;
    if (m->row.kind == RELAY_WITHDRAWAL && addr_is_zero(&m->relay->nullifier)) {
        waits(m, "L1's nullifier is not known yet");
        return;
    }
    hex_encode0x(hash, m->row.tx_hash.b, 32);
    json_t *params = json_pack("[s, I, s]", hash, (json_int_t)m->place,
                               m->row.kind == RELAY_BUNDLE ? "messageRoot" : "l1BatchRoot");
    m->req = eth_client_call(source(m), "zks_getL2ToL1LogProof", params, NULL, on_proof, m, &err);
    if (!m->req)
        waits_for_node(m, "the source could not be asked", &err);
}

/* ---- was it delivered? ---- */

static void ask_status(struct relay_message *m, struct eth_block_id at, uint64_t min_block,
                       eth_bytes_fn *cb)
{
    struct buf data;
    buf_init(&data, 256);
    if (m->row.kind == RELAY_BUNDLE) {
        struct abi_v31_bundle_status_call call = { m->row.id };
        abi_v31_encode_bundle_status_call(&data, &call);
    } else {
        struct abi_v31_is_withdrawal_finalized_call call = { u256_of_u64(m->row.src),
                                                             u256_of_u64(m->row.batch),
                                                             u256_of_u64(m->row.leaf) };
        abi_v31_encode_is_withdrawal_finalized_call(&data, &call);
    }
    call_contract(m, m->row.target, &data, at, min_block, cb);
}

/* A bundle's status; of a withdrawal "executed" or "not received". */
static bool read_status(struct relay_message *m, const struct eth_reply *reply, struct bytes v,
                        uint64_t *status)
{
    struct err err;
    if (!answered(m, reply))
        return false;
    if (m->row.kind == RELAY_BUNDLE) {
        struct abi_v31_bundle_status_return s;
        if (!abi_v31_decode_bundle_status_return(v, &s, NULL, &err)) {
            bad_answer(m, &err);
            return false;
        }
        *status = s.value;
    } else {
        struct abi_v31_is_withdrawal_finalized_return f;
        if (!abi_v31_decode_is_withdrawal_finalized_return(v, &f, NULL, &err)) {
            bad_answer(m, &err);
            return false;
        }
        *status = f.value ? BUNDLE_EXECUTED : BUNDLE_UNRECEIVED;
    }
    return true;
}

/* ---- sending ---- */

/* The newest request of the message that was sent, and the name of the one to make next. A name is used again only when its transaction
 * reverted or was never mined. */
static bool request_name(const struct relay_message *m, char key[TX_KEY_CAP], struct tx_info *last)
{
    struct tx_manager *sender = relay_sender(m->relay, m->row.dst);
    char id[67];
    bool any = false;
    struct tx_info info;
    hex_encode0x(id, m->row.id.b, 32);
    for (unsigned g = 1;; g++) {
        if (g == 1)
            snprintf(key, TX_KEY_CAP, "%s:%s", relay_kind_name(m->row.kind), id);
        else
            snprintf(key, TX_KEY_CAP, "%s:%s/%u", relay_kind_name(m->row.kind), id, g);
        if (!tx_manager_find(sender, key, &info))
            return any;
        *last = info;
        any = true;
        if (info.state != TX_CONFIRMED && info.state != TX_REPLACED)
            return any;
    }
}

static void submit(struct relay_message *m)
{
    struct relay_row *row = &m->row;
    char key[TX_KEY_CAP];
    struct tx_info last;
    struct err err;
    bool is_new = false;
    (void)request_name(m, key, &last);
    struct tx_request q = {
        .key = key, .label = relay_kind_name(row->kind), .to = row->target, .data = row->calldata
    };
    if (!tx_manager_submit(relay_sender(m->relay, row->dst), &q, &m->tx_id, &is_new, &err)) {
        if (err.kind == ERR_TRANSIENT)
            waits_for_node(m, "the sender is full", &err);
        else
            failed(m, err.msg, "");
        return;
    }
    becomes(m, RELAY_SENT, "", "", m->relay->cfg.poll_ms);
}

static void on_simulated(void *arg, const struct eth_reply *reply, struct bytes v)
{
    struct relay_message *m = arg;
    (void)v;
    m->req = NULL;
    if (!reply->err) {
        submit(m);
        return;
    }
    if (reply->err->kind != ERR_REJECTED || !reply->has_revert_data) {
        waits_for_node(m, "the delivery could not be simulated", reply->err);
        return;
    }
    char text[ABI_REVERT_TEXT_CAP], note[384];
    const char *remedy;
    enum relay_revert class = relay_classify(reply->revert_data, &remedy);
    abi_format_revert(text, sizeof(text), reply->revert_data);
    snprintf(note, sizeof(note), "its delivery reverts: %.340s", text);
    switch (class) {
    case RELAY_REVERT_DONE: /* between the two calls somebody delivered it; or the target says so and lies */
        if (!m->was_done)
            look_again(m, m->relay->cfg.poll_ms);
        else
            failed(m, note, "");
        m->was_done = !m->was_done;
        break;
    case RELAY_REVERT_NOT_OURS:
        becomes(m, RELAY_NOT_OURS, note, remedy, 0);
        break;
    case RELAY_REVERT_NEVER:
        becomes(m, RELAY_PARKED, note, remedy, 0);
        break;
    case RELAY_REVERT_LATER:
        failed(m, note, remedy);
        break;
    }
}

static bool we_may_execute(const struct relay_message *m, const struct addr *us)
{
    struct arena arena;
    struct bundle b;
    struct err err;
    if (m->row.kind != RELAY_BUNDLE)
        return true;
    arena_init_growing(&arena, 64u << 10, RELAY_ARENA_MAX);
    bool may = bundle_from_message(m->row.message, &b, &arena, &err) &&
               bundle_may_execute(&b, us, m->row.dst);
    arena_clear(&arena);
    return may;
}

static void on_status_before(void *arg, const struct eth_reply *reply, struct bytes v)
{
    struct relay_message *m = arg;
    uint64_t status = 0;
    struct err err;
    if (!read_status(m, reply, v, &status))
        return;
    if (status == BUNDLE_EXECUTED) {
        becomes(m, RELAY_MINED, b256_is_zero(&m->row.dst_tx) ? "delivered by somebody else" : "",
                "", 0);
        return;
    }
    if (status == BUNDLE_UNBUNDLED) {
        becomes(m, RELAY_UNBUNDLED, "its unbundler took it apart", "", 0);
        return;
    }
    const struct relay_chain *dst = relay_chain_find(m->relay, m->row.dst);
    struct addr us = signer_addr(dst->signer);
    if (!we_may_execute(m, &us)) {
        becomes(m, RELAY_NOT_OURS, "only its execution address may execute it",
                "that address sends the calldata shown by gatehouse messages", 0);
        return;
    }
    struct eth_call_msg msg = {
        .has_from = true, .from = us, .has_to = true, .to = m->row.target, .data = m->row.calldata
    };
    m->req = eth_call(destination(m), &msg, ETH_AT_LATEST, NULL, NULL, on_simulated, m, &err);
    if (!m->req)
        waits_for_node(m, "the delivery could not be simulated", &err);
}

/* ---- sent ---- */

static void describe_wait(const struct relay_message *m, const struct tx_info *t, char *note,
                          size_t cap)
{
    const struct relay_chain *dst = relay_chain_find(m->relay, m->row.dst);
    struct addr us = signer_addr(dst->signer);
    char key[43];
    hex_encode0x(key, us.b, 20);
    if (t->wait == TX_WAIT_LOW_FUNDS)
        snprintf(note, cap,
                 "the relayer's key %s lacks funds on %s; it goes on once they are there", key,
                 dst->name);
    else if (t->wait == TX_WAIT_FEE_CAPPED)
        snprintf(note, cap, "%s asks higher fees than relay.max_fee_per_gas allows", dst->name);
    else
        snprintf(note, cap, "%s%s%s", tx_wait_name(t->wait), t->error[0] ? ": " : "", t->error);
}

static void look_at_sent(struct relay_message *m)
{
    char key[TX_KEY_CAP], note[384];
    struct tx_info t;
    if (!request_name(m, key, &t)) {
        becomes(m, RELAY_READY, "", "", 0); /* a crash between the row and the request */
        return;
    }
    switch (t.state) {
    case TX_CONFIRMED:
    case TX_REPLACED:
        m->row.dst_tx = t.hash;
        m->row.dst_block = t.block_number;
        becomes(m, RELAY_MINED, "", "", 0);
        break;
    case TX_REVERTED:
    case TX_ABANDONED:
        m->tx_id = 0;
        snprintf(note, sizeof(note), "its transaction %s: %s",
                 t.state == TX_REVERTED ? "reverted" : "was not sent", t.error);
        failed(m, note, "");
        break;
    default:
        describe_wait(m, &t, note, sizeof(note));
        waits(m, note);
        break;
    }
}

/* ---- mined: final at the destination, or taken back ---- */

static void on_status_latest(void *arg, const struct eth_reply *reply, struct bytes v)
{
    struct relay_message *m = arg;
    uint64_t status = 0;
    if (!read_status(m, reply, v, &status))
        return;
    if (status == BUNDLE_EXECUTED) {
        waits(m, "delivered; the destination's block is not final yet");
        return;
    }
    log_warn(LOG_INTEROP, "a delivery was taken back by the destination",
             LOG_HASH("id", &m->row.id), LOG_HASH("tx", &m->row.dst_tx));
    m->row.dst_tx = (struct b256){ { 0 } };
    m->row.dst_block = 0;
    becomes(m, RELAY_READY, "the destination took its delivery back", "", 0);
}

static void on_status_final(void *arg, const struct eth_reply *reply, struct bytes v)
{
    struct relay_message *m = arg;
    uint64_t status = 0;
    if (!read_status(m, reply, v, &status))
        return;
    if (status == BUNDLE_EXECUTED)
        becomes(m, RELAY_DELIVERED,
                b256_is_zero(&m->row.dst_tx) ? "delivered by somebody else" : "", "", 0);
    else
        ask_status(m, ETH_AT_LATEST, m->row.dst_block, on_status_latest);
}

bool relay_message_turn(struct relay_message *m)
{
    char key[TX_KEY_CAP];
    struct tx_info last;
    if (m->req || m->row.next_try_ms > now_ms(m))
        return false;
    switch (m->row.state) {
    case RELAY_WAITS_PROOF:
    case RELAY_WAITS_ROOT: /* the proof anew: of the newest block that the source can prove from */
        if (m->is_placed)
            ask_proof(m);
        else
            ask_receipt(m);
        break;
    case RELAY_READY:
        /* a node that lags behind our own transaction must not say "not delivered" */
        ask_status(m, ETH_AT_LATEST, request_name(m, key, &last) ? last.block_number : 0,
                   on_status_before);
        break;
    case RELAY_SENT:
        look_at_sent(m);
        break;
    case RELAY_MINED:
        ask_status(m, ETH_AT_FINALIZED, 0, on_status_final);
        break;
    default:
        return false;
    }
    return true;
}

void relay_message_on_tx(struct relay_message *m)
{
    if (m->row.state == RELAY_SENT)
        look_again(m, 0);
}
