/* node/net/websocket.h
 *
 * WebSocket connections of a server (RFC 6455), taken over from an HTTP exchange. Text messages only, no extensions, no subprotocols.
 *
 * Pings keep the line alive: a client that answers none is closed. What a client does not take, answers to its pings too, is bounded in
 * bytes and in time, and what it does not finish in time: whatever would not fit closes the connection instead of waiting. Runs on one event_base; not thread-safe. */
#ifndef GH_NET_WEBSOCKET_H
#define GH_NET_WEBSOCKET_H

#include "node/net/http_server.h"
#include "node/net/ws_frame.h"

struct ws;
struct ws_config {
    size_t max_message; /* of the client */
    size_t max_unsent;  /* bytes that wait to be taken by it */
    uint64_t ping_ms;   /* silence before a ping; as long again without an answer closes. 0: 30 s */
    uint64_t write_timeout_ms;   /* what waits for the client must be taken within it; 0: 120 s */
    uint64_t message_timeout_ms; /* from the first byte of a message to its last; 0: 60 s */
    /* Budget for the message in work and for what is not sent yet, both or none */
    bool (*reserve)(void *budget, size_t len);
    void (*release)(void *budget, size_t len);
    void *budget;
};
struct ws_callbacks {
    void *arg;
    void (*on_message)(void *arg, struct ws *w, struct bytes text); /* borrowed until it returns */
    /* Exactly once, whoever closed; w is dead afterwards. `slow`: because the client did not take what waited for it. */
    void (*on_closed)(void *arg, struct ws *w, bool slow);
    void (*on_room)(void *arg, struct ws *w); /* everything has been sent; NULL allowed */
};
/* Whether the exchange asks for a WebSocket at all. */
bool ws_is_asked(const struct http_exchange *x);
/* Answers the exchange: 101 and a connection, or an error and NULL. */
struct ws *ws_accept(struct http_exchange *x, struct event_base *base, const struct ws_config *cfg,
                     const struct ws_callbacks *cb);
/* false: it does not fit any more, and the connection is being closed. May be called from on_message. */
bool ws_send(struct ws *w, struct bytes text);
size_t ws_unsent(const struct ws *w); /* bytes */
/* Ends a client that does not keep up: no goodbye, on_closed runs from the loop. */
void ws_cut_off(struct ws *w);
/* Says goodbye with this code and closes when that is sent; on_closed runs from the loop. */
void ws_close(struct ws *w, unsigned code, const char *reason);
/* Messages are read or left in the socket: for a client with too much in work. */
void ws_read_messages(struct ws *w, bool on);

#endif
