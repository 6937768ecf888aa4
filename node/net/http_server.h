/* node/net/http_server.h
 *
 * An HTTP/1.1 server on evhttp: JSON-RPC, REST, metrics. One listener, one handler.
 *
 * The handler gets an exchange and answers it now or later, exactly once, with http_reply*; an exchange that is neither answered nor
 * kept is a leak of the client's patience, so the server answers 504 by itself after answer_timeout_ms. When
 * the client hangs up first, on_gone runs and the exchange must still be closed with http_reply (which then sends nothing) or http_drop.
 *
 * Limits: connections (beyond the limit the listener stops accepting and the kernel's queue waits), header and body size, exchanges in work
 * (503 with Retry-After), time without progress, time to take the whole reply (a slow reader is cut off), and a memory budget that the
 * owner shares between servers. CORS preflight is answered here. Runs on one event_base; not thread-safe. */
#ifndef GH_NET_HTTP_SERVER_H
#define GH_NET_HTTP_SERVER_H

#include <event2/buffer.h>
#include <event2/event.h>

#include "node/base/buf.h"
#include "node/base/err.h"

struct bufferevent;
struct evhttp_connection;
struct http_server;
struct http_exchange;

enum http_method { /* bits, for allowed_methods */
                   HTTP_GET = 1,
                   HTTP_POST = 2,
                   HTTP_PUT = 4,
                   HTTP_DELETE = 8,
                   HTTP_HEAD = 16,
                   HTTP_OPTIONS = 32,
};

struct http_server_config {     /* zero means the default; strings are copied */
    const char *name;           /* for logs: "rpc", "prover" */
    const char *address;        /* "127.0.0.1"; numeric, v4 or v6 */
    uint16_t port;              /* 0: the system chooses, see http_server_port */
    unsigned allowed_methods;   /* GET | POST */
    size_t max_body_len;        /* 10 MiB */
    size_t max_headers_len;     /* 16 KiB */
    size_t max_connections;     /* 1000 */
    size_t max_in_work;         /* exchanges handed out and not answered; 1000 */
    uint64_t idle_timeout_ms;   /* no byte either way; 60 s */
    uint64_t write_timeout_ms;  /* for the client to take the whole reply; 120 s */
    uint64_t answer_timeout_ms; /* for the handler; 0: 300 s */
    const char *cors_origin;    /* NULL: no CORS headers; "*" or one origin */
    /* Memory budget, both or none: reserve is asked before a body is handed on and before a reply is queued; false gives 503.
     * release gives the same amount back. */
    bool (*reserve)(void *budget, size_t len);
    void (*release)(void *budget, size_t len);
    void *budget;
};

struct http_endpoint {
    char host[256];
    uint16_t port;
};
/* "host:port", "[v6]:port"; a host of "localhost" is the loopback address, none is every address. key: for the error. */
MUST_USE bool http_endpoint_parse(struct http_endpoint *out, const char *text, const char *key,
                                  struct err *err);

typedef void http_handler_fn(void *arg, struct http_exchange *x);

/* Checks the configuration; opens nothing. */
MUST_USE struct http_server *http_server_create(struct event_base *base,
                                                const struct http_server_config *cfg,
                                                http_handler_fn *handler, void *arg,
                                                struct err *err);
/* Binds and listens. ERR_LOCAL when the address is taken. */
MUST_USE bool http_server_start(struct http_server *s, struct err *err);
/* The bound port; 0 before start. */
uint16_t http_server_port(const struct http_server *s);
/* Stops listening and answers what is in work for at most timeout_ms; then `done` (may be NULL) runs from the loop.
 * New requests on open connections get 503. */
void http_server_drain(struct http_server *s, uint64_t timeout_ms, void (*done)(void *arg),
                       void *arg);
/* At once: closes every connection. on_gone of open exchanges does not run; the exchanges stay valid and answering them does nothing. */
void http_server_stop(struct http_server *s);
/* Stops first. Every exchange still open is freed: do not touch it any more. NULL is allowed. */
void http_server_destroy(struct http_server *s);

/* --- an exchange; everything returned is borrowed until it is answered --- */
enum http_method http_method(const struct http_exchange *x);
const char *http_method_name(enum http_method m);
const char *
http_path(const struct http_exchange *x); /* decoded, without the query; starts with '/' */
const char *http_query(const struct http_exchange *x); /* raw text after '?'; "" when none */
/* The value of a query parameter, decoded, copied to out (cut is false); false when absent or too long. */
MUST_USE bool http_query_param(const struct http_exchange *x, const char *key, char *out,
                               size_t cap);
struct bytes http_body(const struct http_exchange *x);
const char *http_header(const struct http_exchange *x, const char *name); /* NULL when absent */
/* At most one; runs once from the loop when the client is gone before the answer. */
void http_on_gone(struct http_exchange *x, void (*gone)(void *arg, struct http_exchange *x),
                  void *arg);
bool http_is_gone(const struct http_exchange *x);
/* Extra header of the reply. Control characters are refused (false). */
bool http_add_header(struct http_exchange *x, const char *name, const char *value);

/* Answers and frees the exchange. content_type NULL: none. */
void http_reply(struct http_exchange *x, int status, const char *content_type, struct bytes body);
void http_reply_text(struct http_exchange *x, int status, const char *text);
/* Moves the memory of `body` out, without a copy; it is empty then. */
void http_reply_buf(struct http_exchange *x, int status, const char *content_type,
                    struct buf *body);
/* Moves the content out of `body` (which stays the caller's, empty). */
void http_reply_buffer(struct http_exchange *x, int status, const char *content_type,
                       struct evbuffer *body);
/* Closes the connection without an answer and frees the exchange. */
void http_drop(struct http_exchange *x);

/* Streaming a reply of unknown length (chunked). After http_stream_begin only these three and http_on_gone are allowed. */
void http_stream_begin(struct http_exchange *x, int status, const char *content_type);
/* false: the client is gone or too slow; call http_stream_end all the same. Empties `part`. */
bool http_stream_part(struct http_exchange *x, struct evbuffer *part);
void http_stream_end(struct http_exchange *x);

/* For protocols that take the connection over (WebSocket). Frees the exchange; the bufferevent is the caller's to drive, with its
 * callbacks unset. At the end call http_taken_close with the same handle, which closes the connection, or let
 * http_server_destroy do so. Bytes the client sent early are in its input buffer already.
 * `closed` runs if the server closes the connection itself (stop); afterwards bev is dead. */
struct http_taken;
MUST_USE struct http_taken *http_take(struct http_exchange *x, struct bufferevent **bev,
                                      void (*closed)(void *arg), void *arg);
void http_taken_close(struct http_taken *t);

struct http_server_status {
    size_t connections, in_work;
    uint64_t accepted, requests, replies_2xx, replies_4xx, replies_5xx;
    uint64_t overloaded; /* 503 for lack of slots or memory */
    uint64_t slow_closed, gone, bytes_in, bytes_out;
    bool listening, accept_paused;
};
void http_server_get_status(const struct http_server *s, struct http_server_status *out);

#endif
