/* node/rpc/sockets.h   (inside rpc)
 *
 * Clients on WebSockets. sockets.c has connections and their calls, subscriptions.c what they want to be told unasked, notices.c tells it.
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
    uint64_t from;             /* when active: the first notice for it */
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
    size_t word_cnt; /* addresses and topics in subs */
    LIST_ENTRY(rpc_client) link;
    struct notice *at; /* what it is being told; NULL: it has heard everything */
    size_t item;       /* next one of that */
    bool is_ready;     /* to be told more */
    TAILQ_ENTRY(rpc_client) ready;
};
struct pending_tx { /* told from a worker */
    struct b256 hash;
    char *json; /* owned; NULL unless somebody wants objects */
    size_t len;
};
struct rpc_sockets {
    LIST_HEAD(, rpc_client) clients;
    size_t client_cnt, max_clients;
    atomic_size_t held; /* of the memory budget, by connections and notices */
    TAILQ_HEAD(, rpc_client) ready;
    STAILQ_HEAD(, notice) notices;
    size_t notice_cnt;
    uint64_t next_notice; /* its number */
    struct event *tell;   /* somebody is ready */
    struct event *wake;   /* pending transactions wait */
    atomic_size_t pending_subs, full_subs;
    pthread_mutex_t mutex; /* guards the queue */
    struct pending_tx *queue;
    size_t queue_cnt, queue_held;
    uint64_t accepted, refused, slow_closed, notifications, messages, lost;
};

struct rpc_sockets *rpc_sockets_create(struct rpc *r);
void rpc_sockets_destroy(struct rpc_sockets *s); /* NULL allowed; connections are gone by then */
/* Takes an exchange that asks for a WebSocket. */
void rpc_socket_accept(struct rpc *r, struct http_exchange *x);
void rpc_sockets_goodbye(struct rpc *r); /* 1001 to everybody */
size_t rpc_subscription_count(struct rpc_sockets *s);
uint64_t rpc_notices_lost(struct rpc_sockets *s);

/* The share of the memory budget that is for WebSockets. Any thread. */
bool rpc_sockets_reserve(void *rpc, size_t len);
void rpc_sockets_give_back(void *rpc, size_t len);

/* notices.c */
void notices_add_block(struct rpc *r, const struct chain_block *b); /* just published */
/* Takes the transactions over, and `held` bytes of the memory budget for them. */
void notices_add_pending(struct rpc *r, struct pending_tx *all, size_t cnt, size_t held);
void notices_go_on(struct rpc_client *c); /* it takes more */
void notices_leave(struct rpc_client *c); /* it is not told anything more */
void notices_tell(struct rpc *r);         /* somebody is ready */

/* subscriptions.c */
/* false: it could not be sent. Under the client's mutex. */
bool subscription_notify(struct rpc_client *c, const struct subscription *x, struct bytes result);
void subscriptions_flush_pending(struct rpc *r);
/* The reply has been queued: what its call subscribed to begins. */
void subscriptions_begin(struct rpc_client *c, const struct buf *reply);
void subscriptions_drop_all(struct rpc_client *c);
/* A transaction became executable. Any thread. */
bool rpc_subscriptions_want_pending(struct rpc *r);
void rpc_subscriptions_pending(struct rpc_call *c, const struct b256 *hash, const struct addr *from,
                               struct bytes envelope);

#endif
