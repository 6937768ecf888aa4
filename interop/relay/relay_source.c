/* interop/relay/relay_source.c
 *
 * Finding messages: L1MessageSent events of the senders we carry for, up to the source's finalized block. Whatever comes in an event becomes a
 * row, or a line in the log when it is no message at all; nothing else is asked here, so no message can hold back its source. Rows and
 * cursor are written in one transaction. */
#include <inttypes.h>
#include <stdio.h>

#include "contracts-abi/codec.h"
#include "contracts-abi/gen/l2.h"
#include "interop/relay/relay_internal.h"
#include "node/base/hash.h"
#include "node/base/log.h"
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
    s->found = NULL;
    s->found_cnt = 0;
    arena_reset(&s->arena);
}

/* ---- one message ---- */

static bool judge_bundle(const struct relay *r, struct relay_row *row)
{
    struct arena arena;
    struct bundle b;
    struct err err;
    bool takes = false;
    arena_init_growing(&arena, 64u << 10, RELAY_ARENA_MAX);
    if (!bundle_from_message(row->message, &b, &arena, &err)) {
        snprintf(row->note, sizeof(row->note), "%.300s", err.msg);
    } else if (!u256_fits_u64(&b.v.source_chain_id) || b.v.source_chain_id.w[0] != row->src) {
        /* its hash is a bundle's of another chain, whose row it must not take */
        snprintf(row->note, sizeof(row->note), "it says that it comes from another chain");
    } else {
        row->id = b.hash;
        row->dst = u256_fits_u64(&b.v.destination_chain_id) ? b.v.destination_chain_id.w[0] : 0;
        const struct relay_route *route = relay_route_find(r, row->src, row->dst);
        if (!route)
            snprintf(row->note, sizeof(row->note), "no route leads to chain %" PRIu64, row->dst);
        else
            takes = relay_route_takes(route, &b, row->note, sizeof(row->note));
    }
    arena_clear(&arena);
    return takes;
}

static bool judge_withdrawal(const struct relay *r, struct relay_row *row)
{
    row->dst = r->l1 ? r->l1->id : 0;
    const struct relay_route *route = relay_route_find(r, row->src, row->dst);
    if (!route) {
        snprintf(row->note, sizeof(row->note), "no route leads to L1");
        return false;
    }
    return relay_route_takes_withdrawal(route, &row->sender, row->message, row->note,
                                        sizeof(row->note));
}

bool relay_judge(const struct relay *r, struct relay_row *row)
{
    row->note[0] = row->remedy[0] = 0;
    return row->kind == RELAY_BUNDLE ? judge_bundle(r, row) : judge_withdrawal(r, row);
}

/* false: no memory. An event that is no message is left out, with a line in the log. */
static bool take_message(struct relay_source *s, const struct eth_log *log)
{
    struct abi_log_view view = { log->topics, log->topic_cnt, log->data };
    struct abi_v31_l1_message_sent sent;
    struct err err = { .kind = ERR_NONE };
    struct addr center = addr_of_u32(INTEROP_CENTER);
    struct relay_row row = { .src = s->chain->id,
                             .tx_hash = log->tx_hash,
                             .block = log->block_number,
                             .log = log->log_index };
    if (abi_v31_decode_l1_message_sent(&view, &sent, &s->arena, &err)) {
        struct b256 hash = keccak256(sent.message.p, sent.message.len);
        if (!b256_eq(&hash, &sent.hash) || sent.message.len > RELAY_MESSAGE_MAX)
            err_set(&err, ERR_INVALID, "the message is not its hash's, or too long");
    }
    if (err.kind != ERR_NONE) {
        log_error(LOG_INTEROP, "an event that is no message is left out",
                  LOG_STR("source", s->chain->name), LOG_HASH("tx", &log->tx_hash),
                  LOG_STR("error", err.msg));
        return err.kind != ERR_LOCAL;
    }
    row.sender = sent.sender;
    row.message = sent.message;
    row.kind = addr_eq(&row.sender, &center) ? RELAY_BUNDLE : RELAY_WITHDRAWAL;
    row.seen_ms = row.changed_ms = row.next_try_ms = clock_wall_ms(s->relay->deps.clock);
    struct b256 of[3] = { b256_of_u64(row.src), row.tx_hash, b256_of_u64(row.log) };
    row.id = keccak256(of, sizeof(of));
    row.state = relay_judge(s->relay, &row) ? RELAY_WAITS_PROOF : RELAY_SKIPPED;
    s->found[s->found_cnt++] = (struct relay_found){ .row = row };
    return true;
}

/* ---- writing what a scan found ---- */

static bool write_found(struct store_txn *t, void *arg, struct err *err)
{
    struct relay_source *s = arg;
    for (size_t i = 0; i < s->found_cnt; i++)
        if (!relay_add(t, &s->found[i].row, &s->found[i].is_new, err))
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
            const struct relay_row *row = &s->found[i].row;
            if (!s->found[i].is_new)
                continue;
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
    s->found = arena_alloc(&s->arena, n * sizeof(*s->found));
    bool ok = s->found != NULL;
    for (size_t i = 0; ok && i < n; i++)
        ok = take_message(s, &logs[i]);
    struct err err = { .kind = ERR_LOCAL, .msg = "out of memory" };
    s->writing =
        ok && store_write(s->relay->deps.store, STORE_JOURNAL, write_found, on_written, s, &err);
    if (!s->writing) {
        say(s, "messages could not be stored", &err);
        forget_scan(s); /* the timer comes back to it */
    }
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
