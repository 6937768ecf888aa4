/* interop/relay/relay_source.c
 *
 * Finding messages: L1MessageSent events of the senders we carry for, up to the source's finalized block. For each the receipt tells the
 * log's place and the transaction's number in its block. Rows and cursor are written in one transaction. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "contracts-abi/codec.h"
#include "contracts-abi/gen/l2.h"
#include "interop/relay/relay_internal.h"
#include "node/base/hash.h"
#include "node/base/hex.h"
#include "node/base/log.h"
#include "node/net/eth_decode.h"
#include "node/store/l1_tx.h"

static struct addr messenger(void)
{
    return addr_of_u32(0x8008);
}

static struct b256 padded(const struct addr *a)
{
    struct b256 r = { { 0 } };
    memcpy(r.b + 12, a->b, 20);
    return r;
}

static void say(const struct relay_source *s, const char *what, const struct err *err)
{
    log_warn(LOG_INTEROP, what, LOG_STR("source", s->chain->name), LOG_STR("error", err->msg));
}

static void forget_scan(struct relay_source *s)
{
    for (size_t i = 0; i < s->found_cnt; i++)
        free((void *)(uintptr_t)s->found[i].message.p);
    free(s->found);
    s->found = NULL;
    s->found_cnt = s->log_cnt = s->at = 0;
    s->logs = NULL;
    arena_reset(&s->arena);
}

/* ---- one message ---- */

/* Destination and rules. A bundle nobody can read, or one for a chain without a route, is kept as skipped, with the reason. */
static void judge(const struct relay_source *s, struct relay_row *row)
{
    const struct relay *r = s->relay;
    struct addr center = addr_of_u32(INTEROP_CENTER);
    struct err err = { .kind = ERR_NONE };
    bool ok = false;
    if (addr_eq(&row->sender, &center)) {
        struct arena arena;
        struct bundle b;
        arena_init_growing(&arena, 64u << 10, RELAY_ARENA_MAX);
        row->kind = RELAY_BUNDLE;
        if (!bundle_from_message(row->message, &b, &arena, &err)) {
            snprintf(row->note, sizeof(row->note), "%.300s", err.msg);
        } else {
            row->id = b.hash;
            row->dst = u256_fits_u64(&b.v.destination_chain_id) ? b.v.destination_chain_id.w[0] : 0;
            const struct relay_route *route = relay_route_find(r, row->src, row->dst);
            if (!route)
                snprintf(row->note, sizeof(row->note), "no route leads to chain %" PRIu64,
                         row->dst);
            else
                ok = relay_route_takes(route, &b, row->note, sizeof(row->note));
        }
        arena_clear(&arena);
    } else {
        row->kind = RELAY_WITHDRAWAL;
        row->dst = r->l1 ? r->l1->id : 0;
        const struct relay_route *route = relay_route_find(r, row->src, row->dst);
        if (!route)
            snprintf(row->note, sizeof(row->note), "no route leads to L1");
        else
            ok = relay_route_takes_withdrawal(route, &row->sender, row->message, row->note,
                                              sizeof(row->note));
    }
    row->state = ok ? RELAY_WAITS_PROOF : RELAY_SKIPPED;
}

static bool log_field(const json_t *log, const char *key, const char *other, struct b256 *hash,
                      uint64_t *n)
{
    const json_t *j = json_object_get(log, key);
    struct err ignored;
    if (!j && other)
        j = json_object_get(log, other);
    if (hash)
        return eth_decode_hash(j, hash, &ignored);
    if (json_is_integer(j) && json_integer_value(j) >= 0) {
        *n = (uint64_t)json_integer_value(j);
        return true;
    }
    return eth_decode_u64(j, n, &ignored);
}

/* Equal messages of one transaction are told apart by their order, which is the same among events and among logs. */
static bool find_log(const struct relay_source *s, const json_t *receipt, const struct b256 *key,
                     const struct b256 *value, uint64_t *place, uint64_t *tx_number)
{
    const struct eth_log *log = &s->logs[s->at];
    size_t earlier = 0;
    for (size_t i = 0; i < s->at; i++)
        earlier += b256_eq(&s->logs[i].tx_hash, &log->tx_hash) &&
                   b256_eq(&s->logs[i].topics[1], key) && b256_eq(&s->logs[i].topics[2], value);
    const json_t *list = json_object_get(receipt, "l2ToL1Logs");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *l = json_array_get(list, i);
        struct b256 k, v;
        if (!log_field(l, "key", NULL, &k, NULL) || !log_field(l, "value", NULL, &v, NULL))
            return false;
        if (!b256_eq(&k, key) || !b256_eq(&v, value))
            continue;
        if (earlier > 0) {
            earlier--;
            continue;
        }
        *place = i;
        return log_field(l, "tx_number_in_block", "transactionIndex", NULL, tx_number);
    }
    return false;
}

static bool take_message(struct relay_source *s, const json_t *receipt, struct err *err)
{
    const struct eth_log *log = &s->logs[s->at];
    struct abi_log_view view = { log->topics, log->topic_cnt, log->data };
    struct abi_v31_l1_message_sent sent;
    struct relay_row row = { .src = s->chain->id, .tx_hash = log->tx_hash };
    if (!abi_v31_decode_l1_message_sent(&view, &sent, &s->arena, err))
        return err_wrap(err, "L1MessageSent");
    struct b256 key = padded(&sent.sender), hash = keccak256(sent.message.p, sent.message.len);
    if (!b256_eq(&hash, &sent.hash) || sent.message.len > RELAY_MESSAGE_MAX)
        return err_set(err, ERR_INVALID, "an L1MessageSent event whose message is not its hash's");
    if (!find_log(s, receipt, &key, &hash, &row.log, &row.tx_number))
        return err_set(err, ERR_INVALID, "the receipt has no log of the message");
    row.block = log->block_number;
    row.sender = sent.sender;
    row.message = sent.message;
    row.seen_ms = row.changed_ms = row.next_try_ms = clock_wall_ms(s->relay->deps.clock);
    struct b256 of[3] = { b256_of_u64(row.src), row.tx_hash, b256_of_u64(row.log) };
    row.id = keccak256(of, sizeof(of));
    judge(s, &row);
    uint8_t *copy = malloc(row.message.len + 1);
    struct relay_row *more = realloc(s->found, (s->found_cnt + 1) * sizeof(*more));
    if (more)
        s->found = more;
    if (!copy || !more) {
        free(copy);
        return err_set(err, ERR_LOCAL, "out of memory");
    }
    memcpy(copy, row.message.p, row.message.len);
    row.message.p = copy;
    s->found[s->found_cnt++] = row;
    return true;
}

/* ---- writing what a scan found ---- */

static bool write_found(struct store_txn *t, void *arg, struct err *err)
{
    struct relay_source *s = arg;
    for (size_t i = 0; i < s->found_cnt; i++)
        if (!relay_add(t, &s->found[i], err))
            return false;
    struct watcher_cursor c = { .next_block = s->covered_to + 1 };
    return watcher_cursor_put(t, s->cursor_name, &c, err);
}

static void on_written(void *arg, const struct err *err)
{
    struct relay_source *s = arg;
    struct relay *r = s->relay;
    s->writing = false;
    if (err) {
        say(s, "messages could not be stored", err);
    } else {
        s->next_block = s->covered_to + 1;
        for (size_t i = 0; i < s->found_cnt && r->started; i++) {
            const struct relay_row *row = &s->found[i];
            r->stats.seen++;
            log_info(LOG_INTEROP, "message seen", LOG_STR("kind", relay_kind_name(row->kind)),
                     LOG_HASH("id", &row->id), LOG_U64("from", row->src), LOG_U64("to", row->dst),
                     LOG_HASH("tx", &row->tx_hash), LOG_STR("state", relay_state_name(row->state)),
                     LOG_STR("note", row->note));
            if (relay_state_is_open(row->state) && !relay_message_add(r, row))
                log_error(LOG_INTEROP, "out of memory: the message waits for a restart",
                          LOG_HASH("id", &row->id));
        }
    }
    forget_scan(s);
    if (r->started && !err)
        relay_source_turn(s); /* there may be more */
}

/* ---- the calls ---- */

static void next_receipt(struct relay_source *s);

static void on_receipt(void *arg, const struct eth_reply *reply)
{
    struct relay_source *s = arg;
    struct err err = { .kind = ERR_NONE };
    s->req = NULL;
    if (reply->err)
        err = *reply->err;
    else if (!json_is_object(reply->result))
        err_set(&err, ERR_TRANSIENT, "the node has no receipt of a finalized transaction");
    if (err.kind != ERR_NONE || !take_message(s, reply->result, &err)) {
        say(s, "the source could not be read", &err);
        forget_scan(s);
        return; /* the timer comes back to it */
    }
    s->at++;
    next_receipt(s);
}

static void next_receipt(struct relay_source *s)
{
    struct err err;
    char hash[67];
    if (s->at == s->log_cnt) {
        s->writing = true;
        if (!store_write(s->relay->deps.store, STORE_JOURNAL, write_found, on_written, s, &err)) {
            s->writing = false;
            say(s, "messages could not be stored", &err);
            forget_scan(s);
        }
        return;
    }
    hex_encode0x(hash, s->logs[s->at].tx_hash.b, 32);
    s->req = eth_client_call(s->chain->client, "eth_getTransactionReceipt", json_pack("[s]", hash),
                             NULL, on_receipt, s, &err);
    if (!s->req) {
        say(s, "the source could not be asked", &err);
        forget_scan(s);
    }
}

static void on_logs(void *arg, const struct eth_reply *reply, const struct eth_log *logs, size_t n,
                    uint64_t covered_to)
{
    struct relay_source *s = arg;
    s->req = NULL;
    if (reply->err) {
        say(s, "the source could not be read", reply->err);
        return;
    }
    s->covered_to = covered_to;
    s->logs = arena_alloc(&s->arena, n * sizeof(*s->logs) + 1);
    for (size_t i = 0; s->logs && i < n; i++) {
        s->logs[i] = logs[i];
        const uint8_t *data = arena_copy(&s->arena, logs[i].data.p, logs[i].data.len);
        s->logs[i].data = bytes_of(data, logs[i].data.len);
        if (!data)
            s->logs = NULL;
    }
    if (!s->logs) {
        log_error(LOG_INTEROP, "out of memory for the events of a source",
                  LOG_STR("source", s->chain->name));
        forget_scan(s);
        return;
    }
    s->log_cnt = n;
    s->at = 0;
    next_receipt(s);
}

static void on_finalized(void *arg, const struct eth_reply *reply, const struct eth_block *b)
{
    struct relay_source *s = arg;
    s->req = NULL;
    if (reply->err || !b) {
        if (reply->err)
            say(s, "the source's finalized block is not known", reply->err);
        return;
    }
    if (b->number < s->next_block)
        return;
    struct addr from = messenger(), center = addr_of_u32(INTEROP_CENTER),
                base = addr_of_u32(0x800a), router = addr_of_u32(0x10003);
    struct b256 topic = ABI_V31_L1_MESSAGE_SENT_TOPIC;
    struct b256 senders[3] = { padded(&center), padded(&base), padded(&router) };
    struct eth_filter f = { .addrs = &from, .addr_cnt = 1 };
    f.topics[0].any = &topic;
    f.topics[0].cnt = 1;
    f.topics[1].any = senders;
    f.topics[1].cnt = GH_COUNT(senders);
    struct err err;
    s->req = eth_scan_logs(s->chain->client, &s->span, &f, s->next_block, b->number, NULL, on_logs,
                           s, &err);
    if (!s->req)
        say(s, "the source could not be asked", &err);
}

void relay_source_turn(struct relay_source *s)
{
    struct err err;
    if (s->req || s->writing || s->relay->stats.paused)
        return;
    s->req = eth_get_block(s->chain->client, ETH_AT_FINALIZED, NULL, on_finalized, s, &err);
    if (!s->req)
        say(s, "the source could not be asked", &err);
}

bool relay_source_start(struct relay *r, const struct relay_chain *chain, struct err *err)
{
    struct relay_source *s = &r->sources[r->source_cnt];
    *s = (struct relay_source){ .relay = r, .chain = chain };
    snprintf(s->cursor_name, sizeof(s->cursor_name), "relay:%" PRIu64, chain->id);
    struct watcher_cursor c;
    bool found = false;
    if (!watcher_cursor_load(r->reader, s->cursor_name, &c, &found, err))
        return false;
    s->next_block = found ? c.next_block : 0;
    arena_init_growing(&s->arena, 256u << 10, 256u << 20);
    r->source_cnt++;
    return true;
}

void relay_source_stop(struct relay_source *s)
{
    eth_cancel(s->req);
    s->req = NULL;
    if (!s->writing)
        forget_scan(s);
}
