/* node/net/eth_internal.h
 *
 * Inside of the client: requests, posts, endpoints. Not for other folders.
 *
 * A request is in exactly one place: the queue (waiting for an endpoint) or one post (travelling). Posts carry one request or a
 * batch to one endpoint. A step function looks at an answer: it calls the user and is done, asks again with
 * other parameters, or finds the answer unusable. */
#ifndef GH_NET_ETH_INTERNAL_H
#define GH_NET_ETH_INTERNAL_H

#include <sys/queue.h>

#include "node/net/eth_client.h"
#include "node/net/eth_decode.h"
#include "node/net/http_client.h"
#include "node/net/rpc_reply.h"

#define ETH_ENDPOINT_MAX 16
#define ETH_METHOD_CAP   48
#define ETH_BATCH_BYTES  ((size_t)1 << 20) /* soft limit of one POST */
#define ETH_HEAD_ID      UINT64_C(1)       /* id of the eth_blockNumber that goes with min_block */

enum eth_step {
    ETH_STEP_DONE,   /* the user's callback has run */
    ETH_STEP_AGAIN,  /* request_set_call was used: ask again */
    ETH_STEP_BEHIND, /* this endpoint has not got that far */
    ETH_STEP_BAD,    /* unusable answer, err says why */
};
typedef enum eth_step eth_step_fn(struct eth_request *r, const struct eth_reply *reply,
                                  struct err *err);

union eth_user_fn {
    eth_reply_fn *raw;
    eth_u64_fn *u64;
    eth_u256_fn *u256;
    eth_bytes_fn *bytes;
    eth_hash_fn *hash;
    eth_block_fn *block;
    eth_receipt_fn *receipt;
    eth_tx_fn *tx;
    eth_fee_history_fn *fee_history;
    eth_scan_fn *scan;
};

struct eth_post;
struct eth_request {
    struct eth_client *c;
    uint64_t id;
    char method[ETH_METHOD_CAP];
    char *text; /* owned: the call as JSON */
    size_t text_len;
    struct eth_opts opts;
    eth_step_fn *step;
    union eth_user_fn user;
    void *arg;
    uint64_t num[4]; /* for the step: what was asked, where it stands */
    struct b256 hash;
    void *extra;            /* owned by the step; freed with free() */
    struct event *deadline; /* owned */
    uint64_t deadline_at_ms;
    struct eth_post *post; /* NULL: in the queue */
    size_t post_slot;
    int pinned;    /* endpoint index or -1 */
    bool internal; /* probes and copies: no state of the endpoint is asked for, no retry */
    bool solo;     /* never in a batch */
    bool maybe_delivered;
    uint32_t attempts, rounds, tried; /* tried: bit per endpoint */
    uint64_t not_before_ms;
    struct err last_err;
    TAILQ_ENTRY(eth_request) link; /* queue */
};
TAILQ_HEAD(eth_queue, eth_request);

struct eth_post {
    struct eth_client *c;
    size_t endpoint;
    struct http_post *http; /* NULL while its result is handled */
    bool is_batch, asks_head;
    size_t cnt, live;
    struct eth_request **reqs; /* owned array; NULL: cancelled or answered */
    uint64_t *ids;             /* owned: the id each slot was sent with */
    TAILQ_ENTRY(eth_post) link;
};
TAILQ_HEAD(eth_posts, eth_post);

struct eth_endpoint {
    char *url;      /* owned, secret */
    char name[160]; /* public */
    enum eth_endpoint_state state;
    bool probing, no_batch, refreshing;
    unsigned probe_left;
    bool probe_failed;
    uint64_t probe_chain_id;
    bool probe_fork_known, probe_on_fork, probe_behind;
    uint32_t failures; /* in a row */
    uint64_t retry_at_ms;
    uint64_t posts, errors, rate_limited, head, last_latency_ms, mean_latency_ms;
    char last_error[160];
};

struct eth_client {
    struct event_base *base;      /* borrowed */
    const struct clock *clock;    /* borrowed */
    struct eth_client_config cfg; /* numbers; the pointers in it are not used */
    char *name;                   /* owned */
    char **headers;               /* owned */
    size_t header_cnt;
    struct http_client *http; /* owned */
    struct event *kick;       /* owned: dispatch soon */
    struct event *wake;       /* owned: dispatch at a time */
    struct eth_endpoint endpoints[ETH_ENDPOINT_MAX];
    size_t endpoint_cnt, current;
    uint64_t chain_id;
    bool finalized_known;
    uint64_t finalized_number;
    struct b256 finalized_hash;
    struct eth_queue queue;
    struct eth_posts posts;
    size_t post_cnt, queued, in_flight;
    uint64_t next_id;
    struct eth_client_status stats; /* counters only */
};

/* eth_client.c */
MUST_USE struct eth_request *eth_request_new(struct eth_client *c, const char *method,
                                             json_t *params, const struct eth_opts *opts,
                                             eth_step_fn *step, union eth_user_fn user, void *arg,
                                             struct err *err);
/* Changes the call; TAKES params. false: out of memory. */
MUST_USE bool eth_request_set_call(struct eth_request *r, const char *method, json_t *params);
void eth_request_requeue(
    struct eth_request *r); /* out of its post, into the queue, in order of id */
void eth_request_fail(struct eth_request *r, const struct err *e); /* final */
void eth_request_retry(struct eth_request *r, size_t endpoint, const struct err *why);
void eth_request_deliver(struct eth_request *r, size_t endpoint, const struct eth_reply *reply);
void eth_client_kick(struct eth_client *c);
/* eth_endpoint.c */
void eth_endpoint_cool(struct eth_client *c, size_t i, const struct err *why, bool has_wait,
                       uint64_t wait_ms);
void eth_endpoint_refuse(struct eth_client *c, size_t i, const char *why);
void eth_endpoint_ok(struct eth_client *c, size_t i);
bool eth_endpoint_probe_due(const struct eth_client *c, size_t i, uint64_t now_ms);
void eth_endpoint_probe(struct eth_client *c, size_t i);
void eth_endpoint_refresh_head(struct eth_client *c, size_t i);
void eth_endpoint_saw_head(struct eth_client *c, size_t i, uint64_t head);
/* eth_post.c */
/* false: could not be sent at all; the requests stay in the queue */
MUST_USE bool eth_post_send(struct eth_client *c, size_t endpoint, struct eth_request **reqs,
                            size_t cnt, struct err *err);
void eth_post_free(struct eth_post *p);

#endif
