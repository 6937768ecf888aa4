/* node/rpc/sockets.h   (inside rpc)
 *
 * Clients on WebSockets. sockets.c has connections and their calls, subscriptions.c what they are told unasked.
 *
 * A message is one JSON-RPC body, answered on a worker as over HTTP; answers leave in the order they are ready. A subscription tells nothing
 * before the answer that names it has been queued. Notifications come from blocks that are durable; the chain does not take blocks back.
 *
 * Loop thread, but for what is said to be under the client's mutex. */
#ifndef GH_RPC_SOCKETS_H
#define GH_RPC_SOCKETS_H

#include <sys/queue.h>

#include "node/net/websocket.h"
#include "node/rpc/log_criteria.h"

#define SUBSCRIPTIONS_MAX 128u /* of one client */

enum subscription_kind {
    SUBSCRIBED_HEADS,
    SUBSCRIBED_LOGS,
    SUBSCRIBED_PENDING,
    SUBSCRIBED_SYNCING
};
struct subscription {
    struct subscription *next;
    uint8_t id[16];
    enum subscription_kind kind;
    bool full;                 /* pending transactions as objects */
    bool active;               /* its answer is on the way */
    struct criteria *criteria; /* owned; logs */
    const struct buf *made_by; /* reply of the call in work that made it */
};
struct rpc_client {
    struct rpc *rpc;
    struct ws *ws; /* NULL: gone */
    unsigned refs; /* the connection, and each call in work */
    size_t in_work;
    pthread_mutex_t mutex; /* guards subs */
    struct subscription *subs;
    size_t sub_cnt;
    LIST_ENTRY(rpc_client) link;
};
struct pending_tx { /* told from a worker */
    struct b256 hash;
    char *json; /* owned; NULL unless somebody wants objects */
    size_t len;
};
struct rpc_sockets {
    LIST_HEAD(, rpc_client) clients;
    size_t client_cnt, max_clients;
    size_t held;        /* of the memory budget, by connections */
    struct event *wake; /* pending transactions wait */
    atomic_size_t pending_subs, full_subs;
    pthread_mutex_t mutex; /* guards the queue */
    struct pending_tx *queue;
    size_t queue_cnt;
    uint64_t accepted, refused, slow_closed, notifications, messages, lost;
};

struct rpc_sockets *rpc_sockets_create(struct rpc *r);
void rpc_sockets_destroy(struct rpc_sockets *s); /* NULL allowed; connections are gone by then */
/* Takes an exchange that asks for a WebSocket. */
void rpc_socket_accept(struct rpc *r, struct http_exchange *x);
void rpc_sockets_goodbye(struct rpc *r); /* 1001 to everybody */
size_t rpc_subscription_count(struct rpc_sockets *s);
uint64_t rpc_notices_lost(struct rpc_sockets *s);

/* subscriptions.c */
void subscriptions_on_block(struct rpc *r, const struct chain_block *b);
void subscriptions_flush_pending(struct rpc *r);
/* The reply has been queued: what its call subscribed to begins. */
void subscriptions_begin(struct rpc_client *c, const struct buf *reply);
void subscriptions_drop_all(struct rpc_client *c);
/* A transaction became executable. Any thread. */
bool rpc_subscriptions_want_pending(struct rpc *r);
void rpc_subscriptions_pending(struct rpc_call *c, const struct b256 *hash, const struct addr *from,
                               struct bytes envelope);

#endif
