/* node/rpc/subscriptions.c
 *
 * eth_subscribe: new heads, logs, pending transactions, syncing. */
#include <openssl/rand.h>
#include <stdlib.h>

#include "node/base/hex.h"
#include "node/rpc/encode.h"
#include "node/rpc/handlers.h"
#include "node/rpc/params.h"
#include "node/rpc/sockets.h"

#define QUEUE_MAX  16384u      /* pending transactions not told yet */
#define NOTICE_MAX (16u << 20) /* bytes of one transaction as an object */
#define WORDS_MAX  4096u       /* addresses and topics in the filters of one client */

/* ---- the list of a client; its mutex ---- */

static void count(struct rpc_sockets *s, const struct subscription *x, bool more)
{
    if (x->kind != SUBSCRIBED_PENDING)
        return;
    if (more) {
        atomic_fetch_add(&s->pending_subs, 1);
        atomic_fetch_add(&s->full_subs, x->full);
    } else {
        atomic_fetch_sub(&s->pending_subs, 1);
        atomic_fetch_sub(&s->full_subs, x->full);
    }
}

static void drop(struct rpc_sockets *s, struct subscription *x)
{
    count(s, x, false);
    free(x->criteria);
    free(x);
}

void subscriptions_drop_all(struct rpc_client *c)
{
    while (c->subs) {
        struct subscription *x = c->subs;
        c->subs = x->next;
        drop(c->rpc->sockets, x);
    }
    c->sub_cnt = c->word_cnt = 0;
}

static bool add(struct rpc_call *c, struct subscription *x)
{
    struct rpc_client *client = c->s->client;
    pthread_mutex_lock(&client->mutex);
    size_t words = x->criteria ? criteria_size(x->criteria) : 0;
    bool room = client->sub_cnt < SUBSCRIPTIONS_MAX, few = words <= WORDS_MAX - client->word_cnt;
    if (room && few) {
        x->next = client->subs;
        client->subs = x;
        client->sub_cnt++;
        client->word_cnt += words;
        count(c->r->sockets, x, true);
    }
    pthread_mutex_unlock(&client->mutex);
    if (!room)
        return rpc_fail(c, RPC_SERVER, "more than %u subscriptions of one connection",
                        SUBSCRIPTIONS_MAX);
    return few ||
           rpc_fail(c, RPC_SERVER,
                    "more than %u addresses and topics in the subscriptions of one connection",
                    WORDS_MAX);
}

/* ---- the two methods; worker ---- */

static bool read_kind(struct rpc_call *c, struct subscription *x)
{
    const json_t *v, *o = param_at(c, 1);
    struct criteria k = { 0 };
    if (!param_required(c, 0, "subscription", &v))
        return false;
    const char *name = json_is_string(v) ? json_string_value(v) : "";
    if (strcmp(name, "newHeads") == 0) {
        x->kind = SUBSCRIBED_HEADS;
    } else if (strcmp(name, "logs") == 0) {
        x->kind = SUBSCRIBED_LOGS;
        if (o && !criteria_read(c, o, &k))
            return false;
        x->criteria = criteria_copy(&k);
        return x->criteria || rpc_no_memory(c);
    } else if (strcmp(name, "newPendingTransactions") == 0) {
        x->kind = SUBSCRIBED_PENDING;
        if (o && !json_is_boolean(o))
            return rpc_fail(c, RPC_PARAMS, "invalid params: expected true for whole transactions");
        x->full = json_is_true(o);
    } else if (strcmp(name, "syncing") == 0) {
        x->kind = SUBSCRIBED_SYNCING;
    } else {
        return rpc_fail(c, RPC_PARAMS, "no \"%.40s\" subscription in eth namespace", name);
    }
    return true;
}

bool rpc_eth_subscribe(struct rpc_call *c)
{
    if (!c->s->client)
        return rpc_fail(c, RPC_NO_METHOD, "notifications not supported");
    struct subscription *x = calloc(1, sizeof(*x));
    uint8_t id[16];
    if (!x)
        return rpc_no_memory(c);
    bool ok = read_kind(c, x) && (RAND_bytes(x->id, sizeof(x->id)) == 1 ||
                                  rpc_fail(c, RPC_INTERNAL, "internal error: no random numbers"));
    memcpy(id, x->id, sizeof(id));
    x->made_by = c->out;
    if (!ok || !add(c, x)) { /* added ones are the client's */
        free(x->criteria);
        free(x);
        return false;
    }
    js_hex(c->out, id, sizeof(id));
    return true;
}

bool rpc_eth_unsubscribe(struct rpc_call *c)
{
    struct rpc_client *client = c->s->client;
    const json_t *v;
    uint8_t id[16];
    bool found = false;
    if (!client)
        return rpc_fail(c, RPC_NO_METHOD, "notifications not supported");
    if (!param_required(c, 0, "subscription id", &v))
        return false;
    const char *text = json_string_value(v);
    if (text && hex_decode_exact(id, sizeof(id), text, strlen(text))) {
        pthread_mutex_lock(&client->mutex);
        struct subscription **p = &client->subs;
        while (*p && memcmp((*p)->id, id, sizeof(id)) != 0)
            p = &(*p)->next;
        struct subscription *x = *p;
        found = x != NULL;
        if (x) {
            *p = x->next;
            client->sub_cnt--;
            client->word_cnt -= x->criteria ? criteria_size(x->criteria) : 0;
            drop(c->r->sockets, x);
        }
        pthread_mutex_unlock(&client->mutex);
    }
    if (!found)
        return rpc_fail(c, RPC_SERVER, "subscription not found");
    js_raw(c->out, "true");
    return true;
}

/* ---- telling; loop ---- */

bool subscription_notify(struct rpc_client *c, const struct subscription *x, struct bytes result)
{
    struct buf b;
    buf_init(&b, result.len + 256);
    buf_append_str(&b, "{\"jsonrpc\":\"2.0\",\"method\":\"eth_subscription\",\"params\":{"
                       "\"subscription\":\"");
    buf_append_hex(&b, x->id, sizeof(x->id));
    buf_append_str(&b, "\",\"result\":");
    buf_append(&b, result.p, result.len);
    buf_append_str(&b, "}}");
    bool ok = !b.failed && c->ws && ws_send(c->ws, bytes_of(b.p, b.len));
    c->rpc->sockets->notifications += ok;
    buf_clear(&b);
    return ok;
}

void subscriptions_begin(struct rpc_client *c, const struct buf *reply)
{
    static const char not_syncing[] = "false";
    pthread_mutex_lock(&c->mutex);
    for (struct subscription *x = c->subs; x; x = x->next) {
        if (x->active || x->made_by != reply)
            continue;
        x->active = true;
        x->from = c->rpc->sockets->next_notice;
        if (x->kind == SUBSCRIBED_SYNCING)
            (void)subscription_notify(c, x, bytes_of(not_syncing, sizeof(not_syncing) - 1));
    }
    pthread_mutex_unlock(&c->mutex);
}

/* ---- pending transactions: from workers to the loop ---- */

bool rpc_subscriptions_want_pending(struct rpc *r)
{
    return atomic_load(&r->sockets->pending_subs) > 0;
}

/* The object as text; NULL when it cannot be made. Owned by the caller. */
static char *pending_object(struct rpc_call *c, const struct addr *from, struct bytes envelope,
                            size_t *len)
{
    struct tx_place none = { NULL, 0, NULL };
    struct stf_tx tx;
    struct buf b;
    char *out = NULL;
    if (tx_decode(&tx, envelope, &c->s->arena) != STF_OK)
        return NULL;
    tx.from = *from;
    buf_init(&b, NOTICE_MAX);
    encode_tx(&b, &tx, &none);
    if (!b.failed)
        out = (char *)buf_take(&b, len);
    buf_clear(&b);
    return out;
}

void rpc_subscriptions_pending(struct rpc_call *c, const struct b256 *hash, const struct addr *from,
                               struct bytes envelope)
{
    struct rpc_sockets *s = c->r->sockets;
    struct pending_tx p = { .hash = *hash };
    if (atomic_load(&s->pending_subs) == 0)
        return;
    if (atomic_load(&s->full_subs) > 0)
        p.json = pending_object(c, from, envelope, &p.len);
    size_t held = sizeof(p) + p.len;
    bool reserved = rpc_sockets_reserve(c->r, held);
    pthread_mutex_lock(&s->mutex);
    if (reserved && !s->queue)
        s->queue = calloc(QUEUE_MAX, sizeof(*s->queue));
    bool first = s->queue_cnt == 0, room = reserved && s->queue && s->queue_cnt < QUEUE_MAX;
    if (room) {
        s->queue[s->queue_cnt++] = p;
        s->queue_held += held;
    } else {
        s->lost++;
    }
    pthread_mutex_unlock(&s->mutex);
    if (room && first)
        event_active(s->wake, EV_TIMEOUT, 0);
    if (room)
        return;
    free(p.json);
    if (reserved)
        rpc_sockets_give_back(c->r, held);
}

uint64_t rpc_notices_lost(struct rpc_sockets *s)
{
    pthread_mutex_lock(&s->mutex);
    uint64_t n = s->lost;
    pthread_mutex_unlock(&s->mutex);
    return n;
}

void subscriptions_flush_pending(struct rpc *r)
{
    struct rpc_sockets *s = r->sockets;
    pthread_mutex_lock(&s->mutex);
    struct pending_tx *all = s->queue;
    size_t n = s->queue_cnt;
    size_t held = s->queue_held;
    s->queue = NULL;
    s->queue_cnt = s->queue_held = 0;
    pthread_mutex_unlock(&s->mutex);
    if (!all)
        return;
    struct pending_tx *few = realloc(all, n * sizeof(*all)); /* it may be kept for a while */
    notices_add_pending(r, few ? few : all, n, held);
}
