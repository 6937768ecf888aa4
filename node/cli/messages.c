/* node/cli/messages.c: where each message of a relayer stands, from its data folder; the relayer may run or not. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/base/buf.h"
#include "node/base/clock.h"
#include "node/base/hex.h"
#include "node/cli/cli.h"
#include "node/cli/relay_config.h"

static const char usage[] =
    "usage: gatehouse messages (--config RELAY_FILE | --data DIR) [--open] [--id HASH] [--json]\n"
    "\n"
    "Lists what a relayer knows, by route and state: what each message waits for, why it is parked "
    "and what helps.\n"
    "  --open     leave out what is delivered, skipped or left to others\n"
    "  --id HASH  one message, with the calldata that anybody may send to deliver it\n";

#define MAX_GROUPS 256u
struct group {
    uint64_t src, dst, cnt, oldest_ms;
    enum relay_kind kind;
    enum relay_state state;
};
struct listing {
    struct buf out;
    bool json, open_only, with_calldata;
    bool by_id;
    struct b256 id;
    size_t shown;
    struct group groups[MAX_GROUPS];
    size_t group_cnt;
    uint64_t now_ms;
};

static void count(struct listing *l, const struct relay_row *r)
{
    size_t i = 0;
    while (i < l->group_cnt && (l->groups[i].src != r->src || l->groups[i].dst != r->dst ||
                                l->groups[i].kind != r->kind || l->groups[i].state != r->state))
        i++;
    if (i == MAX_GROUPS)
        return;
    if (i == l->group_cnt)
        l->groups[l->group_cnt++] = (struct group){ .src = r->src,
                                                    .dst = r->dst,
                                                    .kind = r->kind,
                                                    .state = r->state,
                                                    .oldest_ms = r->seen_ms };
    l->groups[i].cnt++;
}

static void put_json(struct listing *l, const struct relay_row *r)
{
    struct buf *b = &l->out;
    buf_printf(b, "%s{\"id\":", l->shown ? "," : "");
    buf_printf(b, "\"");
    buf_append_hex(b, r->id.b, 32);
    buf_printf(b,
               "\",\"kind\":\"%s\",\"from\":%" PRIu64 ",\"to\":%" PRIu64
               ",\"state\":\"%s\",\"seenMs\":%" PRIu64 ",\"changedMs\":%" PRIu64
               ",\"nextTryMs\":%" PRIu64 ",\"attempts\":%" PRIu64 ",\"block\":%" PRIu64
               ",\"log\":%" PRIu64 ",\"batch\":%" PRIu64 ",\"leaf\":%" PRIu64 ",\"tx\":\"",
               relay_kind_name(r->kind), r->src, r->dst, relay_state_name(r->state), r->seen_ms,
               r->changed_ms, r->next_try_ms, r->attempts, r->block, r->log, r->batch, r->leaf);
    buf_append_hex(b, r->tx_hash.b, 32);
    buf_printf(b, "\",\"deliveryTx\":");
    if (b256_is_zero(&r->dst_tx)) {
        buf_append_str(b, "null");
    } else {
        buf_append_str(b, "\"");
        buf_append_hex(b, r->dst_tx.b, 32);
        buf_append_str(b, "\"");
    }
    buf_append_str(b, ",\"note\":");
    buf_append_json_str(b, r->note);
    buf_append_str(b, ",\"remedy\":");
    buf_append_json_str(b, r->remedy);
    if (l->with_calldata) {
        buf_append_str(b, ",\"target\":\"");
        buf_append_hex(b, r->target.b, 20);
        buf_append_str(b, "\",\"calldata\":\"");
        buf_append_hex(b, r->calldata.p, r->calldata.len);
        buf_append_str(b, "\"");
    }
    buf_append_str(b, "}");
}

static void put_text(struct listing *l, const struct relay_row *r)
{
    struct buf *b = &l->out;
    uint64_t age = l->now_ms > r->seen_ms ? (l->now_ms - r->seen_ms) / 1000 : 0;
    buf_append_hex(b, r->id.b, 32);
    buf_printf(b, "  %-10s %" PRIu64 " -> %" PRIu64 "  %-15s %" PRIu64 " s old",
               relay_kind_name(r->kind), r->src, r->dst, relay_state_name(r->state), age);
    if (r->attempts)
        buf_printf(b, ", %" PRIu64 " failures", r->attempts);
    if (r->note[0])
        buf_printf(b, "\n    %s", r->note);
    if (r->remedy[0])
        buf_printf(b, "\n    remedy: %s", r->remedy);
    if (l->with_calldata) {
        buf_append_str(b, "\n    sent by ");
        buf_append_hex(b, r->tx_hash.b, 32);
        if (!b256_is_zero(&r->dst_tx)) {
            buf_append_str(b, "\n    delivered by ");
            buf_append_hex(b, r->dst_tx.b, 32);
        }
        if (r->calldata.len) {
            buf_printf(b, "\n    anybody may deliver it on chain %" PRIu64 ": to ", r->dst);
            buf_append_hex(b, r->target.b, 20);
            buf_append_str(b, ", data ");
            buf_append_hex(b, r->calldata.p, r->calldata.len);
        }
    }
    buf_append_str(b, "\n");
}

static bool each(void *arg, const struct relay_row *r, struct err *err)
{
    struct listing *l = arg;
    count(l, r);
    if (l->by_id && !b256_eq(&l->id, &r->id))
        return true;
    if (l->json)
        put_json(l, r);
    else
        put_text(l, r);
    l->shown++;
    return !l->out.failed || err_set(err, ERR_LOCAL, "the list is too long: use --open or --id");
}

static void put_groups(struct listing *l)
{
    for (size_t i = 0; i < l->group_cnt; i++) {
        const struct group *g = &l->groups[i];
        buf_printf(&l->out,
                   "%" PRIu64 " -> %" PRIu64 "  %-10s %-15s %" PRIu64 ", oldest %" PRIu64 " s\n",
                   g->src, g->dst, relay_kind_name(g->kind), relay_state_name(g->state), g->cnt,
                   l->now_ms > g->oldest_ms ? (l->now_ms - g->oldest_ms) / 1000 : 0);
    }
}

static int list(struct listing *l, const char *dir)
{
    struct err err;
    struct arena arena;
    struct store_reader *reader = store_reader_open_dir(dir, &err);
    if (!reader) {
        fprintf(stderr, "gatehouse messages: %s\n", err.msg);
        return 1;
    }
    buf_init(&l->out, 256u << 20);
    arena_init_growing(&arena, 256u << 10, 64u << 20);
    l->now_ms = clock_wall_ms(clock_system());
    if (l->json)
        buf_append_str(&l->out, "{\"messages\":[");
    bool ok = relay_each(reader, l->open_only ? RELAY_OPEN_STATES : RELAY_ALL_STATES, &arena, each,
                         l, &err);
    if (l->json)
        buf_append_str(&l->out, "]}\n");
    else if (!l->by_id)
        put_groups(l);
    arena_clear(&arena);
    store_reader_close(reader);
    if (ok && l->by_id && l->shown == 0)
        ok = err_set(&err, ERR_INVALID, "no such message");
    if (ok)
        fwrite(l->out.p, 1, l->out.len, stdout);
    else
        fprintf(stderr, "gatehouse messages: %s\n", err.msg);
    buf_clear(&l->out);
    return ok ? 0 : 1;
}

int cli_messages(int argc, char **argv)
{
    static struct listing l;
    static struct relay_file file;
    const char *dir = NULL, *config = NULL;
    for (int i = 0; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : NULL;
        size_t n = 0;
        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            return 0;
        }
        if (strcmp(argv[i], "--json") == 0) {
            l.json = true;
        } else if (strcmp(argv[i], "--open") == 0) {
            l.open_only = true;
        } else if (strcmp(argv[i], "--data") == 0 && next) {
            dir = argv[++i];
        } else if (strcmp(argv[i], "--config") == 0 && next) {
            config = argv[++i];
        } else if (strcmp(argv[i], "--id") == 0 && next && strlen(next) == 66 &&
                   hex_decode(l.id.b, 32, &n, next + 2, 64) && n == 32) {
            l.by_id = l.with_calldata = true;
            i++;
        } else {
            fprintf(stderr, "gatehouse messages: unknown argument %s\n%s", argv[i], usage);
            return 2;
        }
    }
    if (!dir == !config) {
        fputs(usage, stderr);
        return 2;
    }
    if (config) {
        struct err err;
        bool ok = relay_file_load(&file, config, &err);
        relay_file_clear(&file);
        if (!ok) {
            fprintf(stderr, "gatehouse messages: %s\n", err.msg);
            return 1;
        }
        dir = file.data_dir;
    }
    return list(&l, dir);
}
