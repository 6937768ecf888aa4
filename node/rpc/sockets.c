#include "node/rpc/sockets.h"

#include <stdlib.h>

#include "node/base/log.h"

#define CALLS_IN_WORK 64u         /* of one client; more stay in its socket */
#define MAX_UNSENT    (32u << 20) /* a client that leaves more is cut off */

struct call { /* one message in work */
    struct rpc_client *client;
    uint8_t *body; /* owned */
    size_t len;
    struct buf reply; /* owned */
};

static void release(struct rpc_client *c)
{
    if (--c->refs > 0)
        return;
    subscriptions_drop_all(c);
    pthread_mutex_destroy(&c->mutex);
    free(c);
}

/* ---- calls ---- */

static void run_call(void *arg)
{
    struct call *k = arg;
    rpc_dispatch_for(k->client->rpc, k->client, bytes_of(k->body, k->len), &k->reply);
}

static void free_call(struct call *k)
{
    rpc_memory_release(k->client->rpc, k->len);
    buf_clear(&k->reply);
    free(k->body);
    free(k);
}

static void finish_call(void *arg)
{
    struct call *k = arg;
    struct rpc_client *c = k->client;
    if (c->ws && k->reply.len > 0)
        (void)ws_send(c->ws, bytes_of(k->reply.p, k->reply.len));
    subscriptions_begin(c, &k->reply);
    if (--c->in_work < CALLS_IN_WORK && c->ws)
        ws_read_messages(c->ws, true);
    free_call(k);
    release(c);
}

static void on_message(void *arg, struct ws *w, struct bytes text)
{
    struct rpc_client *c = arg;
    struct rpc *r = c->rpc;
    r->sockets->messages++;
    struct call *k = rpc_memory_reserve(r, text.len) ? calloc(1, sizeof(*k)) : NULL;
    if (!k) {
        ws_close(w, WS_TRY_LATER, "the server is out of memory for requests");
        return;
    }
    k->client = c;
    k->len = text.len;
    k->body = malloc(text.len + 1);
    buf_init(&k->reply, r->d.cfg->rpc.max_response_size + (1u << 20));
    if (k->body) {
        if (text.len)
            memcpy(k->body, text.p, text.len);
        c->refs++;
        c->in_work++;
        if (worker_submit(rpc_pool_for(r, text), run_call, finish_call, k)) {
            if (c->in_work >= CALLS_IN_WORK)
                ws_read_messages(w, false);
            return;
        }
        c->refs--;
        c->in_work--;
    }
    free_call(k);
    ws_close(w, WS_GOING_AWAY, "shutting down");
}

/* ---- connections ---- */

/* Unfinished messages, what clients have not taken and what they are to be told are in the budget, and never more than half of it: whoever
 * asks over HTTP is heard all the same. */
bool rpc_sockets_reserve(void *rpc, size_t len)
{
    struct rpc *r = rpc;
    atomic_size_t *held = &r->sockets->held;
    size_t share = (size_t)r->d.cfg->rpc.memory_budget / 2;
    if (len <= share && atomic_fetch_add(held, len) <= share - len && rpc_memory_reserve(r, len))
        return true;
    if (len <= share)
        atomic_fetch_sub(held, len);
    return false;
}

void rpc_sockets_give_back(void *rpc, size_t len)
{
    struct rpc *r = rpc;
    atomic_fetch_sub(&r->sockets->held, len);
    rpc_memory_release(r, len);
}

static void on_room(void *arg, struct ws *w)
{
    (void)w;
    notices_go_on(arg);
}

static void on_closed(void *arg, struct ws *w, bool slow)
{
    struct rpc_client *c = arg;
    struct rpc_sockets *s = c->rpc->sockets;
    (void)w;
    notices_leave(c);
    c->ws = NULL;
    LIST_REMOVE(c, link);
    s->client_cnt--;
    s->slow_closed += slow;
    struct rpc *r = c->rpc;
    release(c);
    rpc_look_drained(r);
}

void rpc_socket_accept(struct rpc *r, struct http_exchange *x)
{
    struct rpc_sockets *s = r->sockets;
    struct rpc_client *c = NULL;
    bool room = s->client_cnt < s->max_clients && !atomic_load(&r->draining);
    if (room)
        c = calloc(1, sizeof(*c));
    if (!c || pthread_mutex_init(&c->mutex, NULL) != 0) {
        free(c);
        s->refused++;
        (void)http_add_header(x, "Retry-After", "1");
        http_reply_text(x, 503, "no more WebSocket connections\n");
        return;
    }
    c->rpc = r;
    c->refs = 1;
    struct ws_config cfg = { .max_message = (size_t)r->d.cfg->rpc.max_request_size,
                             .max_unsent = MAX_UNSENT,
                             .ping_ms = r->d.cfg->rpc.websocket_ping_ms,
                             .reserve = rpc_sockets_reserve,
                             .release = rpc_sockets_give_back,
                             .budget = r };
    struct ws_callbacks cb = {
        .arg = c, .on_message = on_message, .on_closed = on_closed, .on_room = on_room
    };
    c->ws = ws_accept(x, r->d.base, &cfg, &cb);
    if (!c->ws) {
        s->refused++;
        release(c);
        return;
    }
    s->accepted++;
    s->client_cnt++;
    LIST_INSERT_HEAD(&s->clients, c, link);
}

void rpc_sockets_goodbye(struct rpc *r)
{
    struct rpc_client *c;
    LIST_FOREACH(c, &r->sockets->clients, link)
    ws_close(c->ws, WS_GOING_AWAY, "shutting down");
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    subscriptions_flush_pending(arg);
}

static void on_tell(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    notices_tell(arg);
}

struct rpc_sockets *rpc_sockets_create(struct rpc *r)
{
    struct rpc_sockets *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    LIST_INIT(&s->clients);
    TAILQ_INIT(&s->ready);
    STAILQ_INIT(&s->notices);
    s->max_clients = (size_t)r->d.cfg->rpc.max_websockets;
    s->wake = event_new(r->d.base, -1, 0, on_wake, r);
    s->tell = evtimer_new(r->d.base, on_tell, r);
    if (!s->wake || !s->tell || pthread_mutex_init(&s->mutex, NULL) != 0) {
        if (s->wake)
            event_free(s->wake);
        if (s->tell)
            event_free(s->tell);
        free(s);
        return NULL;
    }
    return s;
}

void rpc_sockets_destroy(struct rpc_sockets *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->queue_cnt; i++)
        free(s->queue[i].json);
    free(s->queue);
    event_free(s->wake);
    event_free(s->tell);
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

size_t rpc_subscription_count(struct rpc_sockets *s)
{
    struct rpc_client *c;
    size_t n = 0;
    LIST_FOREACH(c, &s->clients, link)
    {
        pthread_mutex_lock(&c->mutex);
        n += c->sub_cnt;
        pthread_mutex_unlock(&c->mutex);
    }
    return n;
}
