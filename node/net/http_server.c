#include "node/net/http_server.h"

#include <arpa/inet.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "node/base/log.h"
#include "node/net/http_internal.h"

static struct timeval tv_of_ms(uint64_t ms)
{
    return (struct timeval){ (time_t)(ms / 1000), (suseconds_t)(ms % 1000) * 1000 };
}

bool http_server_reserve(struct http_server *s, size_t len)
{
    return !s->cfg.reserve || s->cfg.reserve(s->cfg.budget, len);
}

void http_server_release(struct http_server *s, size_t len)
{
    if (s->cfg.release && len > 0)
        s->cfg.release(s->cfg.budget, len);
}

/* --- connections --- */

static bool conn_is_dead(const struct http_conn *c)
{
    bufferevent_data_cb r = NULL, w = NULL;
    bufferevent_event_cb e = NULL;
    void *arg = NULL;
    if (c->taken)
        return false;
    bufferevent_getcb(c->bev, &r, &w, &e, &arg);
    return !r && !w && !e;
}

static void conn_free(struct http_server *s, struct http_conn *c)
{
    LIST_REMOVE(c, link);
    bufferevent_decref(c->bev);
    free(c);
    s->stats.connections--;
}

static void listener_pause(struct http_server *s, bool pause)
{
    struct evconnlistener *l = s->bound ? evhttp_bound_socket_get_listener(s->bound) : NULL;
    if (!l || s->paused == pause)
        return;
    s->paused = pause;
    if (pause)
        evconnlistener_disable(l);
    else
        evconnlistener_enable(l);
}

static void sweep(struct http_server *s)
{
    struct http_conn *c = LIST_FIRST(&s->conns), *next;
    for (; c; c = next) {
        next = LIST_NEXT(c, link);
        if (conn_is_dead(c))
            conn_free(s, c);
    }
    if (!s->draining)
        listener_pause(s, s->stats.connections >= s->cfg.max_connections);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct http_server *s = arg;
    struct timeval tv = tv_of_ms(s->paused ? 50 : 1000);
    sweep(s);
    event_add(s->sweep_timer, &tv);
}

void http_server_sweep_soon(struct http_server *s)
{
    event_active(s->sweep_timer, EV_TIMEOUT, 0);
}

/* The descriptor is closed with the last reference, ours: never while events on it are still registered. */
static struct bufferevent *on_accept(struct event_base *base, void *arg)
{
    struct http_server *s = arg;
    struct http_conn *c = calloc(1, sizeof(*c));
    struct bufferevent *bev = c ? bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE) : NULL;
    if (!bev) {
        free(c);
        return NULL; /* evhttp then makes its own; it is only not counted */
    }
    bufferevent_incref(bev);
    c->bev = bev;
    s->stats.accepted++;
    sweep(s);
    LIST_INSERT_HEAD(&s->conns, c, link);
    s->stats.connections++;
    if (s->stats.connections >= s->cfg.max_connections) {
        struct timeval tv = tv_of_ms(50);
        listener_pause(s, true);
        event_add(s->sweep_timer, &tv);
    }
    return bev;
}

struct http_conn *http_server_conn_of(struct http_server *s, struct bufferevent *bev)
{
    struct http_conn *c;
    LIST_FOREACH(c, &s->conns, link)
    if (c->bev == bev)
        return c;
    return NULL;
}

/* --- requests --- */

void http_server_count_reply(struct http_server *s, int status)
{
    if (status < 300)
        s->stats.replies_2xx++;
    else if (status < 500)
        s->stats.replies_4xx++;
    else
        s->stats.replies_5xx++;
}

void http_server_cors(struct http_server *s, struct evhttp_request *req)
{
    struct evkeyvalq *h = evhttp_request_get_output_headers(req);
    if (!s->cors_origin)
        return;
    evhttp_add_header(h, "Access-Control-Allow-Origin", s->cors_origin);
    if (strcmp(s->cors_origin, "*") != 0)
        evhttp_add_header(h, "Vary", "Origin");
}

static void reply_at_once(struct http_server *s, struct evhttp_request *req, int status,
                          const char *text)
{
    struct evbuffer *body = evbuffer_new();
    struct evkeyvalq *h = evhttp_request_get_output_headers(req);
    if (body)
        evbuffer_add(body, text, strlen(text));
    evhttp_add_header(h, "Content-Type", "text/plain");
    if (status == 503) {
        evhttp_add_header(h, "Retry-After", "1");
        s->stats.overloaded++;
    }
    http_server_cors(s, req);
    http_server_count_reply(s, status);
    evhttp_send_reply(req, status, NULL, body);
    if (body)
        evbuffer_free(body);
}

static void reply_preflight(struct http_server *s, struct evhttp_request *req)
{
    struct evkeyvalq *h = evhttp_request_get_output_headers(req);
    char methods[64] = "";
    size_t len = 0;
    for (unsigned m = HTTP_GET; m <= HTTP_OPTIONS; m <<= 1)
        if ((s->cfg.allowed_methods | HTTP_OPTIONS) & m)
            len += (size_t)snprintf(methods + len, sizeof(methods) - len, "%s%s", len ? ", " : "",
                                    http_method_name((enum http_method)m));
    http_server_cors(s, req);
    evhttp_add_header(h, "Access-Control-Allow-Methods", methods);
    evhttp_add_header(h, "Access-Control-Allow-Headers", "Content-Type, Authorization");
    evhttp_add_header(h, "Access-Control-Max-Age", "86400");
    http_server_count_reply(s, 204);
    evhttp_send_reply(req, 204, NULL, NULL);
}

static void on_request(struct evhttp_request *req, void *arg)
{
    struct http_server *s = arg;
    size_t body_len = evbuffer_get_length(evhttp_request_get_input_buffer(req));
    enum evhttp_cmd_type cmd = evhttp_request_get_command(req);
    s->stats.requests++;
    s->stats.bytes_in += body_len;
    if (cmd == EVHTTP_REQ_OPTIONS && s->cors_origin) {
        reply_preflight(s, req);
        return;
    }
    if (s->draining || s->stats.in_work >= s->cfg.max_in_work) {
        if (s->draining)
            evhttp_add_header(evhttp_request_get_output_headers(req), "Connection", "close");
        reply_at_once(s, req, 503, s->draining ? "shutting down\n" : "overloaded\n");
        return;
    }
    if (!http_server_reserve(s, body_len)) {
        reply_at_once(s, req, 503, "overloaded\n");
        return;
    }
    struct http_exchange *x = http_exchange_new(s, req);
    if (!x) {
        http_server_release(s, body_len);
        reply_at_once(s, req, 503, "out of memory\n");
        return;
    }
    x->reserved = body_len;
    LIST_INSERT_HEAD(&s->open, x, link);
    s->stats.in_work++;
    s->handler(s->arg, x);
}

static void finish_drain(struct http_server *s)
{
    void (*done)(void *) = s->drained;
    s->drained = NULL;
    event_del(s->drain_timer);
    if (done)
        done(s->drained_arg);
}

static void on_drain(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    finish_drain(arg);
}

/* An exchange was answered or lost. */
void http_server_work_done(struct http_server *s)
{
    s->stats.in_work--;
    if (s->draining && s->stats.in_work == 0 && s->drained)
        event_active(s->drain_timer, EV_TIMEOUT, 0);
}

/* --- lifecycle --- */

static bool copy_text(char **out, const char *s)
{
    *out = s ? strdup(s) : NULL;
    return !s || *out;
}

static void fill_defaults(struct http_server_config *c)
{
    if (c->allowed_methods == 0)
        c->allowed_methods = HTTP_GET | HTTP_POST;
    if (c->max_body_len == 0)
        c->max_body_len = (size_t)10 << 20;
    if (c->max_headers_len == 0)
        c->max_headers_len = (size_t)16 << 10;
    if (c->max_connections == 0)
        c->max_connections = 1000;
    if (c->max_in_work == 0)
        c->max_in_work = 1000;
    if (c->idle_timeout_ms == 0)
        c->idle_timeout_ms = 60000;
    if (c->write_timeout_ms == 0)
        c->write_timeout_ms = 120000;
    if (c->answer_timeout_ms == 0)
        c->answer_timeout_ms = 300000;
}

static bool is_numeric_address(const char *a)
{
    struct in6_addr six;
    struct in_addr four;
    return a && (inet_pton(AF_INET, a, &four) == 1 || inet_pton(AF_INET6, a, &six) == 1);
}

bool http_endpoint_parse(struct http_endpoint *out, const char *text, const char *key,
                         struct err *err)
{
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    unsigned long port = colon ? strtoul(colon + 1, &end, 10) : 0;
    size_t n = colon ? (size_t)(colon - text) : 0;
    if (!colon || !colon[1] || !end || *end || port > 65535 || n >= sizeof(out->host))
        return err_set(err, ERR_INVALID, "%s: \"%s\" is not host:port", key, text);
    if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
        text++;
        n -= 2;
    }
    memcpy(out->host, text, n);
    out->host[n] = 0;
    if (n == 0 || strcmp(out->host, "localhost") == 0)
        snprintf(out->host, sizeof(out->host), "%s", n ? "127.0.0.1" : "0.0.0.0");
    out->port = (uint16_t)port;
    return true;
}

struct http_server *http_server_create(struct event_base *base,
                                       const struct http_server_config *cfg,
                                       http_handler_fn *handler, void *arg, struct err *err)
{
    if (!is_numeric_address(cfg->address)) {
        err_set(err, ERR_INVALID, "HTTP server: the address must be numeric");
        return NULL;
    }
    if ((cfg->reserve == NULL) != (cfg->release == NULL)) {
        err_set(err, ERR_INVALID, "HTTP server: reserve and release go together");
        return NULL;
    }
    struct http_server *s = calloc(1, sizeof(*s));
    if (!s) {
        err_set(err, ERR_LOCAL, "out of memory");
        return NULL;
    }
    s->base = base;
    s->cfg = *cfg;
    fill_defaults(&s->cfg);
    s->handler = handler;
    s->arg = arg;
    LIST_INIT(&s->conns);
    LIST_INIT(&s->open);
    LIST_INIT(&s->takens);
    s->sweep_timer = evtimer_new(base, on_sweep, s);
    s->drain_timer = evtimer_new(base, on_drain, s);
    if (!copy_text(&s->name, cfg->name ? cfg->name : "http") ||
        !copy_text(&s->address, cfg->address) || !copy_text(&s->cors_origin, cfg->cors_origin) ||
        !s->sweep_timer || !s->drain_timer) {
        http_server_destroy(s);
        err_set(err, ERR_LOCAL, "out of memory");
        return NULL;
    }
    s->cfg.name = s->name;
    s->cfg.address = s->address;
    s->cfg.cors_origin = s->cors_origin;
    return s;
}

static unsigned evhttp_methods(unsigned mine, bool cors)
{
    unsigned m = cors ? EVHTTP_REQ_OPTIONS : 0;
    m |= (mine & HTTP_GET) ? EVHTTP_REQ_GET : 0;
    m |= (mine & HTTP_POST) ? EVHTTP_REQ_POST : 0;
    m |= (mine & HTTP_PUT) ? EVHTTP_REQ_PUT : 0;
    m |= (mine & HTTP_DELETE) ? EVHTTP_REQ_DELETE : 0;
    m |= (mine & HTTP_HEAD) ? EVHTTP_REQ_HEAD : 0;
    m |= (mine & HTTP_OPTIONS) ? EVHTTP_REQ_OPTIONS : 0;
    return m;
}

static uint16_t bound_port(evutil_socket_t fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } sa = { .v6 = { .sin6_port = 0 } };
    socklen_t len = sizeof(sa);
    if (getsockname(fd, &sa.any, &len) != 0)
        return 0;
    return ntohs(sa.any.sa_family == AF_INET ? sa.v4.sin_port : sa.v6.sin6_port);
}

bool http_server_start(struct http_server *s, struct err *err)
{
    if (s->http)
        return true;
    s->http = evhttp_new(s->base);
    if (!s->http)
        return err_set(err, ERR_LOCAL, "out of memory");
    struct timeval idle = tv_of_ms(s->cfg.idle_timeout_ms);
    evhttp_set_timeout_tv(s->http, &idle);
    evhttp_set_max_body_size(s->http, (ev_ssize_t)s->cfg.max_body_len);
    evhttp_set_max_headers_size(s->http, (ev_ssize_t)s->cfg.max_headers_len);
    evhttp_set_allowed_methods(
        s->http, (ev_uint16_t)evhttp_methods(s->cfg.allowed_methods, s->cors_origin != NULL));
    evhttp_set_bevcb(s->http, on_accept, s);
    evhttp_set_gencb(s->http, on_request, s);
    s->bound = evhttp_bind_socket_with_handle(s->http, s->address, s->cfg.port);
    if (!s->bound) {
        evhttp_free(s->http);
        s->http = NULL;
        return err_set(err, ERR_LOCAL, "%s: cannot listen on %s port %u", s->name, s->address,
                       s->cfg.port);
    }
    /* Accepted connections inherit it. Without it the last part of an answer waits for the client's delayed
     * acknowledgement, 40 ms. */
    evutil_socket_t fd = evhttp_bound_socket_get_fd(s->bound);
    int one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    s->port = bound_port(fd);
    s->draining = s->paused = false;
    struct timeval tv = tv_of_ms(1000);
    event_add(s->sweep_timer, &tv);
    log_info(LOG_NET, "listening", LOG_STR("server", s->name), LOG_STR("address", s->address),
             LOG_U64("port", s->port));
    return true;
}

uint16_t http_server_port(const struct http_server *s)
{
    return s->port;
}

void http_server_drain(struct http_server *s, uint64_t timeout_ms, void (*done)(void *arg),
                       void *arg)
{
    struct timeval tv = tv_of_ms(timeout_ms);
    s->draining = true;
    s->drained = done;
    s->drained_arg = arg;
    listener_pause(s, true);
    event_add(s->drain_timer, &tv);
    if (s->stats.in_work == 0)
        event_active(s->drain_timer, EV_TIMEOUT, 0);
}

void http_server_stop(struct http_server *s)
{
    if (!s->http)
        return;
    struct http_exchange *x, *next;
    /* evhttp_free frees connections and requests: nobody may be told in the middle of it */
    for (x = LIST_FIRST(&s->open); x; x = next) {
        next = LIST_NEXT(x, link);
        http_exchange_orphan(x);
    }
    struct http_taken *t;
    while ((t = LIST_FIRST(&s->takens)) != NULL) {
        LIST_REMOVE(t, link);
        t->server = NULL;
        evhttp_connection_set_closecb(t->evcon, NULL, NULL);
        if (t->closed)
            t->closed(t->arg);
    }
    evhttp_free(s->http);
    s->http = NULL;
    s->bound = NULL;
    s->drained = NULL;
    event_del(s->sweep_timer);
    event_del(s->drain_timer);
    while (!LIST_EMPTY(&s->conns)) {
        struct http_conn *first = LIST_FIRST(&s->conns);
        conn_free(s, first); /* NOLINT(clang-analyzer-unix.Malloc): it unlinks itself */
    }
    s->stats.in_work = 0;
}

void http_server_destroy(struct http_server *s)
{
    if (!s)
        return;
    http_server_stop(s);
    while (!LIST_EMPTY(&s->open))
        http_exchange_free(LIST_FIRST(&s->open));
    if (s->sweep_timer)
        event_free(s->sweep_timer);
    if (s->drain_timer)
        event_free(s->drain_timer);
    free(s->name);
    free(s->address);
    free(s->cors_origin);
    free(s);
}

void http_server_get_status(const struct http_server *s, struct http_server_status *out)
{
    *out = s->stats;
    out->listening = s->http != NULL && !s->draining;
    out->accept_paused = s->paused;
    out->connections = 0;
    const struct http_conn *c;
    LIST_FOREACH(c, &s->conns, link)
    out->connections += !conn_is_dead(c);
}
