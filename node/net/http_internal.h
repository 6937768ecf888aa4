/* node/net/http_internal.h
 *
 * Inside of the HTTP server. An exchange has two holders: the handler (until it answers) and the wire (until
 * evhttp has sent the reply or the connection is gone). It is freed when neither holds it.
 *
 * evhttp of libevent 2.1 neither limits nor counts connections, so every connection's bufferevent is made here and held by one more
 * reference. evhttp clears the callbacks of a bufferevent when it lets go of it, which is how a sweep finds the dead ones. */
#ifndef GH_NET_HTTP_INTERNAL_H
#define GH_NET_HTTP_INTERNAL_H

#include <event2/http.h>
#include <sys/queue.h>

#include "node/net/http_server.h"

struct http_conn {
    struct bufferevent *bev; /* one reference owned */
    bool taken;
    LIST_ENTRY(http_conn) link;
};
struct http_taken {
    struct http_server *server; /* NULL once closed by the server */
    struct http_conn *conn;
    struct evhttp_connection *evcon;
    void (*closed)(void *arg);
    void *arg;
    LIST_ENTRY(http_taken) link;
};
struct http_exchange {
    struct http_server *server; /* NULL after http_server_stop: answers go nowhere */
    struct evhttp_request *req; /* NULL: gone */
    struct evhttp_connection *evcon;
    bool handler_holds, wire_holds, answered, streaming;
    void (*gone)(void *arg, struct http_exchange *x);
    void *gone_arg;
    struct event *timer;  /* owned: answer timeout, then write timeout */
    struct event *hangup; /* owned: EV_CLOSED while the handler works */
    size_t reserved;
    uint64_t progress; /* bytes left when the write timer last looked */
    LIST_ENTRY(http_exchange) link;
};
struct http_server {
    struct event_base *base; /* borrowed */
    struct http_server_config cfg;
    char *name, *address, *cors_origin; /* owned */
    http_handler_fn *handler;
    void *arg;
    struct evhttp *http;               /* owned; NULL: stopped */
    struct evhttp_bound_socket *bound; /* of http */
    struct event *sweep_timer, *drain_timer;
    uint16_t port;
    bool draining, paused;
    void (*drained)(void *arg);
    void *drained_arg;
    LIST_HEAD(, http_conn) conns;
    LIST_HEAD(, http_exchange) open;
    LIST_HEAD(, http_taken) takens;
    struct http_server_status stats;
};

/* http_exchange.c */
struct http_exchange *http_exchange_new(struct http_server *s, struct evhttp_request *req);
/* Forgets what evhttp is about to free. */
void http_exchange_orphan(struct http_exchange *x);
void http_exchange_free(struct http_exchange *x);
/* http_server.c */
MUST_USE bool http_server_reserve(struct http_server *s, size_t len);
void http_server_release(struct http_server *s, size_t len);
void http_server_work_done(struct http_server *s);
void http_server_count_reply(struct http_server *s, int status);
void http_server_sweep_soon(struct http_server *s);
struct http_conn *http_server_conn_of(struct http_server *s, struct bufferevent *bev);
void http_server_cors(struct http_server *s, struct evhttp_request *req);

#endif
