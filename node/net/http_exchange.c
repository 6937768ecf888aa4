#include <event2/bufferevent.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/net/http_internal.h"

static struct timeval tv_of_ms(uint64_t ms)
{
    return (struct timeval){ (time_t)(ms / 1000), (suseconds_t)(ms % 1000) * 1000 };
}

static void on_conn_closed(struct evhttp_connection *evcon, void *arg);
static void on_reply_sent(struct evhttp_request *req, void *arg);

/* --- lifetime --- */

void http_exchange_free(struct http_exchange *x)
{
    LIST_REMOVE(x, link);
    if (x->timer)
        event_free(x->timer);
    if (x->hangup)
        event_free(x->hangup);
    free(x);
}

static void let_go(struct http_exchange *x)
{
    if (x->handler_holds || x->wire_holds)
        return;
    if (x->server)
        http_server_release(x->server, x->reserved);
    http_exchange_free(x);
}

/* evhttp is freeing the connection under it, or has done so. */
static void lost(struct http_exchange *x)
{
    struct http_server *s = x->server;
    bool was_open = x->handler_holds && !x->answered;
    http_server_sweep_soon(s);
    x->req = NULL;
    x->evcon = NULL;
    x->wire_holds = false;
    event_del(x->timer);
    if (x->hangup)
        event_del(x->hangup);
    if (!was_open && !x->streaming) {
        let_go(x);
        return;
    }
    s->stats.gone++;
    if (was_open) {
        x->answered = true;
        http_server_work_done(s);
    }
    void (*gone)(void *, struct http_exchange *) = x->gone;
    x->gone = NULL;
    if (gone)
        gone(x->gone_arg, x); /* x may be freed in there */
    else
        let_go(x);
}

/* The server stops: nothing goes out any more and nobody is told. */
void http_exchange_orphan(struct http_exchange *x)
{
    if (x->evcon)
        evhttp_connection_set_closecb(x->evcon, NULL, NULL);
    if (x->req)
        evhttp_request_set_on_complete_cb(x->req, NULL, NULL);
    http_server_release(x->server, x->reserved);
    x->reserved = 0;
    x->req = NULL;
    x->evcon = NULL;
    x->server = NULL;
    x->gone = NULL;
    x->answered = true;
    x->wire_holds = false;
    event_del(x->timer);
    if (x->hangup)
        event_del(x->hangup);
    let_go(x);
}

static void on_conn_closed(struct evhttp_connection *evcon, void *arg)
{
    (void)evcon;
    lost(arg);
}

static void close_connection(struct http_exchange *x)
{
    struct evhttp_connection *evcon = x->evcon;
    if (evcon)
        evhttp_connection_free(evcon); /* runs on_conn_closed */
}

static void on_hangup(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    close_connection(arg);
}

static void send_now(struct http_exchange *x, int status, const char *content_type,
                     struct evbuffer *body);

static size_t unsent(const struct http_exchange *x)
{
    struct bufferevent *bev = evhttp_connection_get_bufferevent(x->evcon);
    return evbuffer_get_length(bufferevent_get_output(bev));
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct http_exchange *x = arg;
    struct http_server *s = x->server;
    if (x->answered || x->streaming) {
        s->stats.slow_closed++;
        close_connection(x);
        return;
    }
    /* the handler took too long: the client is told, the handler's answer will go nowhere */
    void (*gone)(void *, struct http_exchange *) = x->gone;
    x->gone = NULL;
    struct evbuffer *body = evbuffer_new();
    if (body)
        evbuffer_add_printf(body, "no answer in time\n");
    send_now(x, 504, "text/plain", body);
    if (body)
        evbuffer_free(body);
    if (gone)
        gone(x->gone_arg, x);
}

struct http_exchange *http_exchange_new(struct http_server *s, struct evhttp_request *req)
{
    struct http_exchange *x = calloc(1, sizeof(*x));
    if (!x)
        return NULL;
    x->server = s;
    x->req = req;
    x->evcon = evhttp_request_get_connection(req);
    x->handler_holds = x->wire_holds = true;
    x->timer = evtimer_new(s->base, on_timer, x);
    struct timeval tv = tv_of_ms(s->cfg.answer_timeout_ms);
    if (!x->timer || event_add(x->timer, &tv) != 0) {
        if (x->timer)
            event_free(x->timer);
        free(x);
        return NULL;
    }
    evutil_socket_t fd = bufferevent_getfd(evhttp_connection_get_bufferevent(x->evcon));
    if (event_base_get_features(s->base) & EV_FEATURE_EARLY_CLOSE) {
        x->hangup = event_new(s->base, fd, EV_CLOSED, on_hangup, x);
        if (x->hangup)
            event_add(x->hangup, NULL);
    }
    evhttp_connection_set_closecb(x->evcon, on_conn_closed, x);
    return x;
}

/* --- reading --- */

enum http_method http_method(const struct http_exchange *x)
{
    switch (x->req ? evhttp_request_get_command(x->req) : EVHTTP_REQ_GET) {
    case EVHTTP_REQ_POST:
        return HTTP_POST;
    case EVHTTP_REQ_PUT:
        return HTTP_PUT;
    case EVHTTP_REQ_DELETE:
        return HTTP_DELETE;
    case EVHTTP_REQ_HEAD:
        return HTTP_HEAD;
    case EVHTTP_REQ_OPTIONS:
        return HTTP_OPTIONS;
    default:
        return HTTP_GET;
    }
}

const char *http_method_name(enum http_method m)
{
    switch (m) {
    case HTTP_GET:
        return "GET";
    case HTTP_POST:
        return "POST";
    case HTTP_PUT:
        return "PUT";
    case HTTP_DELETE:
        return "DELETE";
    case HTTP_HEAD:
        return "HEAD";
    case HTTP_OPTIONS:
        return "OPTIONS";
    }
    return "?";
}

static const struct evhttp_uri *uri_of(const struct http_exchange *x)
{
    return x->req ? evhttp_request_get_evhttp_uri(x->req) : NULL;
}

const char *http_path(const struct http_exchange *x)
{
    const struct evhttp_uri *u = uri_of(x);
    const char *p = u ? evhttp_uri_get_path(u) : NULL;
    return p && *p ? p : "/";
}

const char *http_query(const struct http_exchange *x)
{
    const struct evhttp_uri *u = uri_of(x);
    const char *q = u ? evhttp_uri_get_query(u) : NULL;
    return q ? q : "";
}

bool http_query_param(const struct http_exchange *x, const char *key, char *out, size_t cap)
{
    struct evkeyvalq params;
    bool ok = false;
    if (evhttp_parse_query_str(http_query(x), &params) != 0)
        return false;
    const char *v = evhttp_find_header(&params, key);
    if (v && strlen(v) < cap) {
        memcpy(out, v, strlen(v) + 1);
        ok = true;
    }
    evhttp_clear_headers(&params);
    return ok;
}

struct bytes http_body(const struct http_exchange *x)
{
    if (!x->req)
        return (struct bytes){ NULL, 0 };
    struct evbuffer *in = evhttp_request_get_input_buffer(x->req);
    size_t len = evbuffer_get_length(in);
    const uint8_t *p = len ? evbuffer_pullup(in, -1) : NULL;
    return p ? bytes_of(p, len) : (struct bytes){ NULL, 0 };
}

const char *http_header(const struct http_exchange *x, const char *name)
{
    return x->req ? evhttp_find_header(evhttp_request_get_input_headers(x->req), name) : NULL;
}

void http_on_gone(struct http_exchange *x, void (*gone)(void *arg, struct http_exchange *x),
                  void *arg)
{
    x->gone = gone;
    x->gone_arg = arg;
}

bool http_is_gone(const struct http_exchange *x)
{
    return x->req == NULL || (x->answered && x->handler_holds);
}

bool http_add_header(struct http_exchange *x, const char *name, const char *value)
{
    for (const char *p = name; *p; p++)
        if (*p <= ' ' || *p == ':' || *p == 0x7f)
            return false;
    for (const char *p = value; *p; p++)
        if ((*p > 0 && *p < ' ' && *p != '\t') || *p == 0x7f)
            return false;
    return !x->req || x->answered ||
           evhttp_add_header(evhttp_request_get_output_headers(x->req), name, value) == 0;
}

/* --- answering --- */

static void on_reply_sent(struct evhttp_request *req, void *arg)
{
    (void)req;
    struct http_exchange *x = arg;
    evhttp_connection_set_closecb(x->evcon, NULL, NULL);
    x->req = NULL;
    x->evcon = NULL;
    x->wire_holds = false;
    event_del(x->timer);
    let_go(x);
}

static void begin_writing(struct http_exchange *x, int status, const char *content_type)
{
    struct http_server *s = x->server;
    struct timeval tv = tv_of_ms(s->cfg.write_timeout_ms);
    struct evkeyvalq *h = evhttp_request_get_output_headers(x->req);
    if (x->hangup)
        event_del(x->hangup);
    if (content_type)
        evhttp_add_header(h, "Content-Type", content_type);
    if (s->draining)
        evhttp_add_header(h, "Connection", "close");
    http_server_cors(s, x->req);
    http_server_count_reply(s, status);
    evhttp_request_set_on_complete_cb(x->req, on_reply_sent, x);
    event_add(x->timer, &tv);
}

/* Hands the reply to evhttp. x stays with the wire. */
static void send_now(struct http_exchange *x, int status, const char *content_type,
                     struct evbuffer *body)
{
    struct http_server *s = x->server;
    size_t len = body ? evbuffer_get_length(body) : 0;
    x->answered = true;
    http_server_work_done(s);
    if (len > 0 && !http_server_reserve(s, len)) {
        s->stats.overloaded++;
        evbuffer_drain(body, len);
        evhttp_add_header(evhttp_request_get_output_headers(x->req), "Retry-After", "1");
        status = 503;
        len = 0;
    }
    x->reserved += len;
    s->stats.bytes_out += len;
    begin_writing(x, status, content_type);
    evhttp_send_reply(x->req, status, NULL, body);
}

void http_reply_buffer(struct http_exchange *x, int status, const char *content_type,
                       struct evbuffer *body)
{
    CHECK(x->handler_holds);
    x->gone = NULL;
    if (!x->req || x->answered) {
        evbuffer_drain(body, evbuffer_get_length(body));
        x->handler_holds = false;
        let_go(x);
        return;
    }
    x->handler_holds = false;
    send_now(x, status, content_type, body);
}

static void free_taken(const void *data, size_t len, void *extra)
{
    (void)len;
    (void)data;
    free(extra);
}

void http_reply_buf(struct http_exchange *x, int status, const char *content_type, struct buf *body)
{
    size_t len = 0;
    uint8_t *p = buf_take(body, &len);
    struct evbuffer *b = evbuffer_new();
    bool ok = b && (!len || evbuffer_add_reference(b, p, len, free_taken, p) == 0);
    if (!ok || !len)
        free(p);
    if (ok)
        http_reply_buffer(x, status, content_type, b);
    else
        http_reply_text(x, 503, "out of memory\n");
    if (b)
        evbuffer_free(b);
}

void http_reply(struct http_exchange *x, int status, const char *content_type, struct bytes body)
{
    struct evbuffer *b = evbuffer_new();
    if (b && evbuffer_add(b, body.p, body.len) == 0) {
        http_reply_buffer(x, status, content_type, b);
    } else {
        http_drop(x);
    }
    if (b)
        evbuffer_free(b);
}

void http_reply_text(struct http_exchange *x, int status, const char *text)
{
    http_reply(x, status, "text/plain; charset=utf-8", bytes_of(text, strlen(text)));
}

void http_drop(struct http_exchange *x)
{
    CHECK(x->handler_holds);
    x->gone = NULL;
    x->handler_holds = false;
    if (!x->req || x->answered) {
        let_go(x);
        return;
    }
    x->answered = true;
    http_server_work_done(x->server);
    close_connection(x);
}

/* --- streaming --- */

void http_stream_begin(struct http_exchange *x, int status, const char *content_type)
{
    if (!x->req || x->answered)
        return;
    x->streaming = true;
    x->answered = true;
    http_server_work_done(x->server);
    begin_writing(x, status, content_type);
    evhttp_send_reply_start(x->req, status, NULL);
}

bool http_stream_part(struct http_exchange *x, struct evbuffer *part)
{
    size_t len = evbuffer_get_length(part);
    if (!x->req || !x->streaming) {
        evbuffer_drain(part, len);
        return false;
    }
    struct http_server *s = x->server;
    size_t waiting = unsent(x);
    /* what was reserved for parts that have left is given back as we go */
    if (x->reserved > waiting + len) {
        http_server_release(s, x->reserved - (waiting + len));
        x->reserved = waiting + len;
    } else if (!http_server_reserve(s, waiting + len - x->reserved)) {
        s->stats.slow_closed++;
        evbuffer_drain(part, len);
        close_connection(x);
        return false;
    } else {
        x->reserved = waiting + len;
    }
    if (waiting < x->progress || waiting == 0) {
        struct timeval tv = tv_of_ms(s->cfg.write_timeout_ms);
        event_add(x->timer, &tv);
    }
    x->progress = waiting + len;
    s->stats.bytes_out += len;
    evhttp_send_reply_chunk(x->req, part);
    return true;
}

void http_stream_end(struct http_exchange *x)
{
    CHECK(x->handler_holds);
    bool live = x->req && x->streaming;
    x->handler_holds = false;
    x->streaming = false;
    x->gone = NULL;
    if (live)
        evhttp_send_reply_end(x->req);
    else
        let_go(x);
}

/* --- taking the connection over --- */

static void on_taken_closed(struct evhttp_connection *evcon, void *arg)
{
    (void)evcon;
    struct http_taken *t = arg;
    http_server_sweep_soon(t->server);
    LIST_REMOVE(t, link);
    t->conn->taken = false;
    t->server = NULL;
    if (t->closed)
        t->closed(t->arg);
}

struct http_taken *http_take(struct http_exchange *x, struct bufferevent **bev,
                             void (*closed)(void *arg), void *arg)
{
    CHECK(x->handler_holds);
    struct http_server *s = x->server;
    struct http_taken *t = x->req && !x->answered ? calloc(1, sizeof(*t)) : NULL;
    struct http_conn *conn =
        t ? http_server_conn_of(s, evhttp_connection_get_bufferevent(x->evcon)) : NULL;
    if (!conn) {
        free(t);
        http_drop(x);
        return NULL;
    }
    t->server = s;
    t->conn = conn;
    t->evcon = x->evcon;
    t->closed = closed;
    t->arg = arg;
    conn->taken = true;
    LIST_INSERT_HEAD(&s->takens, t, link);
    evhttp_connection_set_closecb(x->evcon, on_taken_closed, t);
    *bev = conn->bev;
    bufferevent_setcb(conn->bev, NULL, NULL, NULL, NULL);
    bufferevent_set_timeouts(conn->bev, NULL, NULL);
    x->answered = true;
    x->handler_holds = x->wire_holds = false;
    http_server_work_done(s);
    let_go(x);
    return t;
}

void http_taken_close(struct http_taken *t)
{
    if (t->server) {
        evhttp_connection_set_closecb(t->evcon, NULL, NULL);
        LIST_REMOVE(t, link);
        t->conn->taken = false;
        http_server_sweep_soon(t->server);
        evhttp_connection_free(t->evcon);
    }
    free(t);
}
