#include "node/net/websocket.h"

#include <event2/bufferevent.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEFAULT_PING_MS  30000u
#define DEFAULT_WRITE_MS 120000u
#define DEFAULT_WHOLE_MS 60000u
#define CLOSE_WAIT_MS    2000u

struct ws {
    struct ws_config cfg;
    struct ws_callbacks cb;
    struct http_taken *taken;
    struct bufferevent *bev;
    struct event *timer; /* pings; after a close, its end */
    struct event *whole; /* while a message is in work: when it must have come whole */
    struct event
        *taken_by; /* while something waits for the client: when it must have taken `due` */
    struct ws_decoder d;
    size_t held_in, held_out; /* of the budget: the message in work, bytes not sent */
    uint64_t queued, due;     /* bytes since the connection was made */
    bool closing, peer_closed, slow, paused, quiet, in_read, dead;
};

static struct timeval tv_of_ms(uint64_t ms)
{
    return (struct timeval){ (time_t)(ms / 1000), (suseconds_t)(ms % 1000) * 1000 };
}

/* ---- the handshake ---- */

/* One of the words of a comma-separated header. */
static bool has_word(const char *header, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = header; p && *p;) {
        p += strspn(p, " \t,");
        size_t len = strcspn(p, ",");
        size_t end = len;
        while (end > 0 && (p[end - 1] == ' ' || p[end - 1] == '\t'))
            end--;
        if (end == n && strncasecmp(p, word, n) == 0)
            return true;
        p += len;
    }
    return false;
}

bool ws_is_asked(const struct http_exchange *x)
{
    return http_method(x) == HTTP_GET && has_word(http_header(x, "Upgrade"), "websocket");
}

/* 16 bytes in base64. */
static bool is_key(const char *key)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    return key && strlen(key) == 24 && strspn(key, digits) == 22 && strcmp(key + 22, "==") == 0 &&
           strchr("AQgw", key[21]) != NULL;
}

static bool accept_key(const char *key, char out[29])
{
    char text[64];
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    snprintf(text, sizeof(text), "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    return EVP_Digest(text, strlen(text), sum, &len, EVP_sha1(), NULL) == 1 && len == 20 &&
           EVP_EncodeBlock((unsigned char *)out, sum, 20) == 28;
}

/* ---- memory ---- */

/* Makes what is held of the budget `want` bytes; less is always possible. */
static bool hold(struct ws *w, size_t *held, size_t want)
{
    if (w->cfg.reserve && want > *held && !w->cfg.reserve(w->cfg.budget, want - *held))
        return false;
    if (w->cfg.reserve && want < *held)
        w->cfg.release(w->cfg.budget, *held - want);
    *held = want;
    return true;
}

/* What create made, but for the struct. */
static void clear(struct ws *w)
{
    struct event *all[] = { w->timer, w->whole, w->taken_by };
    for (size_t i = 0; i < GH_COUNT(all); i++)
        if (all[i])
            event_free(all[i]);
    ws_decoder_clear(&w->d);
}

size_t ws_unsent(const struct ws *w)
{
    return w->dead ? 0 : evbuffer_get_length(bufferevent_get_output(w->bev));
}

/* ---- ending ---- */

static void end(struct ws *w)
{
    if (w->dead)
        return;
    w->dead = true;
    if (w->taken)
        http_taken_close(w->taken);
    w->taken = NULL;
    w->bev = NULL;
    if (w->in_read) /* the reader frees it */
        return;
    (void)hold(w, &w->held_in, 0);
    (void)hold(w, &w->held_out, 0);
    clear(w);
    w->cb.on_closed(w->cb.arg, w, w->slow);
    free(w);
}

/* The server closed the connection: its handle only has to be freed. */
static void on_taken_closed(void *arg)
{
    end(arg);
}

/* ---- sending ---- */

/* What waits now must be taken in time; a byte now and then does not count as reading. */
static void expect_taken(struct ws *w)
{
    struct timeval tv = tv_of_ms(w->cfg.write_timeout_ms);
    w->due = w->queued;
    event_add(w->taken_by, &tv);
}

static void put(struct ws *w, const void *p, size_t n)
{
    evbuffer_add(bufferevent_get_output(w->bev), p, n);
    w->queued += n;
    if (!event_pending(w->taken_by, EV_TIMEOUT, NULL))
        expect_taken(w);
}

static void put_frame(struct ws *w, enum ws_opcode opcode, struct bytes payload)
{
    uint8_t head[WS_HEAD_MAX];
    put(w, head, ws_frame_head(head, opcode, payload.len));
    if (payload.len)
        put(w, payload.p, payload.len);
}

void ws_cut_off(struct ws *w)
{
    struct timeval now = { 0, 0 };
    if (w->dead || w->closing)
        return;
    w->slow = true;
    w->closing = w->peer_closed = true; /* what waits will not be taken either */
    event_add(w->timer, &now);
}

/* Whatever is sent because of something the client did or asked for goes through here: one bound, one budget. */
static bool send_frame(struct ws *w, enum ws_opcode opcode, struct bytes payload)
{
    size_t all = ws_unsent(w) + WS_HEAD_MAX + payload.len;
    if (all <= w->cfg.max_unsent && hold(w, &w->held_out, all)) {
        put_frame(w, opcode, payload);
        return true;
    }
    ws_cut_off(w);
    return false;
}

static void on_sent(struct bufferevent *bev, void *arg)
{
    (void)bev;
    struct ws *w = arg;
    (void)hold(w, &w->held_out, 0);
    event_del(w->taken_by);
    if (w->closing && w->peer_closed)
        end(w);
    else if (w->cb.on_room && !w->closing)
        w->cb.on_room(w->cb.arg, w);
}

static void on_not_taken(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct ws *w = arg;
    if (w->queued - ws_unsent(w) >= w->due) {
        expect_taken(w);
        return;
    }
    w->slow = true;
    end(w);
}

void ws_close(struct ws *w, unsigned code, const char *reason)
{
    uint8_t payload[125];
    struct timeval tv = tv_of_ms(CLOSE_WAIT_MS);
    if (w->dead || w->closing)
        return;
    w->closing = true;
    store_be16(payload, (uint16_t)(code == WS_NO_CODE ? WS_NORMAL : code));
    size_t n = 2;
    for (; reason[n - 2] && n < sizeof(payload); n++)
        payload[n] = (uint8_t)reason[n - 2];
    put_frame(w, WS_CLOSE, bytes_of(payload, n));
    event_add(w->timer, &tv);
}

/* ---- reading ---- */

/* A long message's memory goes back once it has been handled. */
static void give_back(struct ws *w)
{
    if (w->d.message.cap > 65536)
        buf_clear(&w->d.message);
    (void)hold(w, &w->held_in, w->d.message.cap);
}

static void take_event(struct ws *w, enum ws_event e)
{
    switch (e) {
    case WS_MESSAGE:
        event_del(w->whole);
        if (!w->closing)
            w->cb.on_message(w->cb.arg, w, bytes_of(w->d.message.p, w->d.message.len));
        if (!w->dead)
            give_back(w);
        break;
    case WS_GOT_PING:
        if (!w->closing)
            (void)send_frame(w, WS_PONG, bytes_of(w->d.control, w->d.control_len));
        break;
    case WS_GOT_CLOSE:
        w->peer_closed = true;
        if (!w->closing)
            ws_close(w, w->d.code, "");
        break;
    case WS_FAULT:
        w->peer_closed = true; /* nothing it says counts any more */
        ws_close(w, w->d.code, w->d.problem);
        break;
    case WS_GOT_PONG:
    case WS_MORE:
        break;
    }
}

static void read_some(struct ws *w)
{
    struct evbuffer *in = bufferevent_get_input(w->bev);
    while (!w->dead && !w->paused && !w->d.failed) {
        size_t n = evbuffer_get_contiguous_space(in), used;
        if (n == 0)
            return;
        if (n > 65536)
            n = 65536;
        const uint8_t *p = evbuffer_pullup(in, (ev_ssize_t)n);
        enum ws_event e = ws_decode(&w->d, bytes_of(p, n), &used);
        evbuffer_drain(in, used);
        if (!hold(w, &w->held_in, w->d.message.cap)) {
            w->peer_closed = true;
            ws_close(w, WS_TRY_LATER, "the server is out of memory for requests");
            return;
        }
        take_event(w, e);
    }
    if (!w->dead && w->d.failed)
        evbuffer_drain(in, evbuffer_get_length(in));
}

/* A message that has begun must end, whatever else comes meanwhile. */
static void watch_message(struct ws *w)
{
    struct timeval tv = tv_of_ms(w->cfg.message_timeout_ms);
    if (!ws_decoder_in_message(&w->d))
        event_del(w->whole);
    else if (!event_pending(w->whole, EV_TIMEOUT, NULL))
        event_add(w->whole, &tv);
}

static void on_not_whole(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct ws *w = arg;
    if (w->paused) { /* it is we who do not read */
        watch_message(w);
        return;
    }
    w->peer_closed = true; /* nothing it says counts any more */
    ws_close(w, WS_POLICY, "the message does not end");
}

static void on_readable(struct bufferevent *bev, void *arg)
{
    (void)bev;
    struct ws *w = arg;
    w->quiet = false;
    w->in_read = true;
    read_some(w);
    w->in_read = false;
    if (w->dead) {
        w->dead = false;
        end(w);
        return;
    }
    watch_message(w);
    if (w->closing && w->peer_closed && ws_unsent(w) == 0)
        end(w);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    (void)bev;
    struct ws *w = arg;
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
        end(w);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct ws *w = arg;
    struct timeval tv = tv_of_ms(w->cfg.ping_ms);
    if (w->closing || (w->quiet && !w->paused)) {
        end(w);
        return;
    }
    w->quiet = true; /* until something comes */
    if (send_frame(w, WS_PING, bytes_of(NULL, 0)))
        event_add(w->timer, &tv);
}

/* ---- the rest ---- */

bool ws_send(struct ws *w, struct bytes text)
{
    return !w->dead && !w->closing && send_frame(w, WS_TEXT, text);
}

void ws_read_messages(struct ws *w, bool on)
{
    if (w->dead || w->paused == !on)
        return;
    w->paused = !on;
    if (on) {
        bufferevent_enable(w->bev, EV_READ);
        if (evbuffer_get_length(bufferevent_get_input(w->bev)) > 0)
            bufferevent_trigger(w->bev, EV_READ, BEV_OPT_DEFER_CALLBACKS);
    } else {
        bufferevent_disable(w->bev, EV_READ);
    }
}

static struct ws *create(struct event_base *base, const struct ws_config *cfg,
                         const struct ws_callbacks *cb)
{
    struct ws *w = calloc(1, sizeof(*w));
    if (!w)
        return NULL;
    w->cfg = *cfg;
    w->cb = *cb;
    w->cfg.ping_ms = cfg->ping_ms ? cfg->ping_ms : DEFAULT_PING_MS;
    w->cfg.write_timeout_ms = cfg->write_timeout_ms ? cfg->write_timeout_ms : DEFAULT_WRITE_MS;
    w->cfg.message_timeout_ms =
        cfg->message_timeout_ms ? cfg->message_timeout_ms : DEFAULT_WHOLE_MS;
    ws_decoder_init(&w->d, cfg->max_message);
    w->timer = evtimer_new(base, on_timer, w);
    w->whole = evtimer_new(base, on_not_whole, w);
    w->taken_by = evtimer_new(base, on_not_taken, w);
    if (w->timer && w->whole && w->taken_by)
        return w;
    clear(w);
    free(w);
    return NULL;
}

static struct ws *refuse(struct http_exchange *x, int status, const char *text)
{
    if (status == 426) {
        (void)http_add_header(x, "Sec-WebSocket-Version", "13");
        (void)http_add_header(x, "Upgrade", "websocket");
    }
    http_reply_text(x, status, text);
    return NULL;
}

struct ws *ws_accept(struct http_exchange *x, struct event_base *base, const struct ws_config *cfg,
                     const struct ws_callbacks *cb)
{
    const char *version = http_header(x, "Sec-WebSocket-Version");
    const char *key = http_header(x, "Sec-WebSocket-Key");
    char accept[29], reply[160];
    if (!has_word(http_header(x, "Connection"), "upgrade") || !is_key(key))
        return refuse(x, 400, "not a WebSocket handshake\n");
    if (!version || strcmp(version, "13") != 0)
        return refuse(x, 426, "only version 13 of the WebSocket protocol is spoken\n");
    if (!accept_key(key, accept))
        return refuse(x, 503, "out of memory\n");
    struct ws *w = create(base, cfg, cb);
    if (!w)
        return refuse(x, 503, "out of memory\n");
    w->taken = http_take(x, &w->bev, on_taken_closed, w);
    if (!w->taken) {
        clear(w);
        free(w);
        return NULL;
    }
    struct timeval ping = tv_of_ms(w->cfg.ping_ms);
    snprintf(reply, sizeof(reply),
             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: %s\r\n\r\n",
             accept);
    bufferevent_setcb(w->bev, on_readable, on_sent, on_event, w);
    put(w, reply, strlen(reply));
    bufferevent_enable(w->bev, EV_READ | EV_WRITE);
    event_add(w->timer, &ping);
    if (evbuffer_get_length(bufferevent_get_input(w->bev)) > 0) /* the client was early */
        bufferevent_trigger(w->bev, EV_READ, BEV_OPT_DEFER_CALLBACKS);
    return w;
}
