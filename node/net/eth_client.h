/* node/net/eth_client.h
 *
 * Asynchronous Ethereum JSON-RPC over HTTP: libcurl multi on libevent, one multi handle, connections reused.
 *
 * Endpoints. Several URLs of one chain, in order of preference. An endpoint is used only after a probe: its chain id is
 * the chain's, and where a finalized block has been seen, it has the same hash at that height (another chain or fork
 * is refused and probed again later). Calls go to the first good endpoint. Transport faults, 5xx, 429 and garbage cool an endpoint down
 * (exponential backoff, or Retry-After) and the call moves to the next, until its deadline. A node that says no in
 * JSON-RPC has answered: that is not retried.
 *
 * Calls made in one turn of the loop travel as one JSON-RPC batch; an endpoint that refuses batches is remembered
 * and gets single calls. Replies are matched by id, never by order.
 *
 * A request is a handle: its callback runs exactly once, from the loop (never from inside the call that made it),
 * or never after eth_cancel or eth_client_destroy. The handle is dead once its callback has started.
 *
 * Errors in the reply: ERR_REJECTED the node answered with a JSON-RPC error (`code`, text, and revert bytes when there are any);
 * ERR_TRANSIENT no usable answer before the deadline; ERR_INVALID an answer whose shape is wrong (after trying
 * the other endpoints) or that is too large (code ETH_CODE_TOO_LARGE); ERR_LOCAL out of memory. Runs on one event_base; not thread-safe. (spec 90 rows 14, 18, 20) */
#ifndef GH_NET_ETH_CLIENT_H
#define GH_NET_ETH_CLIENT_H

#include <event2/event.h>
#include <jansson.h>

#include "node/base/clock.h"
#include "node/base/err.h"
#include "node/net/eth_types.h"

struct eth_client;
struct eth_request;
#define ETH_CODE_TOO_LARGE (-1)

struct eth_client_config { /* zero means the default; strings are copied */
    const char *name;      /* for logs: "l1", "gateway" */
    const char *const *urls;
    size_t url_cnt;
    const char *const *headers; /* extra "Name: value" lines for every endpoint */
    size_t header_cnt;
    uint64_t chain_id;           /* 0: the first endpoint that answers decides */
    uint64_t attempt_timeout_ms; /* one HTTP exchange; 10 s */
    uint64_t deadline_ms;        /* one call over all attempts; 60 s */
    uint64_t backoff_min_ms;     /* 250 */
    uint64_t backoff_max_ms;     /* 30 s; also bounds Retry-After at four times this */
    size_t max_response_len;     /* 64 MiB */
    size_t max_posts;            /* HTTP exchanges at once; 16 */
    size_t max_queued; /* calls accepted and not answered; 4096: more fail with ERR_TRANSIENT */
    size_t batch_max;  /* calls in one POST; 64; 1 turns batches off */
    uint64_t
        finalized_depth; /* blocks behind latest that count as final on a node without the tag; 64 */
    uint64_t safe_depth;   /* the same for `safe`; 32 */
    bool no_finalized_tag; /* never ask for finalized or safe, always use the depths */
};

struct eth_client_deps { /* borrowed: must outlive the client */
    struct event_base *base;
    const struct clock *clock;
};

/* ERR_INVALID: no URL, or one that does not parse. No network is touched before the first call. */
MUST_USE struct eth_client *eth_client_create(const struct eth_client_deps *deps,
                                              const struct eth_client_config *cfg, struct err *err);
/* Cancels everything; no callback runs any more. Not from inside a callback. NULL is allowed. */
void eth_client_destroy(struct eth_client *c);

/* Per call; zeroed means defaults. A NULL pointer is the same. */
struct eth_opts {
    uint64_t deadline_ms;  /* 0: the client's */
    uint32_t max_attempts; /* 0: until the deadline */
    /* Only an endpoint whose head is at least this block may answer (its head is asked in the same POST, or
     * before it where there are no batches); one that is behind is passed over. 0: any. For eth_get_block the block in the reply must be at least this number, too. */
    uint64_t min_block;
    /* Also hand the same call to every other good endpoint, answers ignored: for raw transactions. */
    bool to_all;
};

struct eth_reply {
    const json_t *result;     /* NULL on error; may be JSON null on success */
    const struct err *err;    /* NULL on success */
    struct bytes revert_data; /* ERR_REJECTED: the error's `data` when it is hex; len 0 otherwise */
    bool has_revert_data;     /* true even when the data is "0x" */
    bool
        maybe_delivered; /* on error: some attempt may have reached a node (bytes were sent, no answer came) */
    size_t endpoint; /* index of the one that answered */
};
typedef void eth_reply_fn(void *arg, const struct eth_reply *r);
/* A call's error is the contract's no, as opposed to the node's: it does not have that block, or it is overloaded. */
bool eth_is_revert(const struct eth_reply *r);

/* TAKES params (a JSON array; NULL: none), also on failure. NULL with err only when out of memory or queue. */
MUST_USE struct eth_request *eth_client_call(struct eth_client *c, const char *method,
                                             json_t *params, const struct eth_opts *opts,
                                             eth_reply_fn *cb, void *arg, struct err *err);
/* The callback will not run. NULL is allowed; a handle whose callback has started is not. */
void eth_cancel(struct eth_request *r);

/* --- typed calls: `r->err` first; the value is only valid when it is NULL --- */
typedef void eth_u64_fn(void *arg, const struct eth_reply *r, uint64_t v);
typedef void eth_u256_fn(void *arg, const struct eth_reply *r, const struct u256 *v);
typedef void eth_bytes_fn(void *arg, const struct eth_reply *r, struct bytes v);
typedef void eth_hash_fn(void *arg, const struct eth_reply *r, const struct b256 *v);
/* NULL without an error: the node does not have it */
typedef void eth_block_fn(void *arg, const struct eth_reply *r, const struct eth_block *b);
typedef void eth_receipt_fn(void *arg, const struct eth_reply *r, const struct eth_receipt *rc);
typedef void eth_tx_fn(void *arg, const struct eth_reply *r, const struct eth_tx *tx);
typedef void eth_fee_history_fn(void *arg, const struct eth_reply *r,
                                const struct eth_fee_history *h);

#define ETH_TAIL const struct eth_opts *opts
MUST_USE struct eth_request *eth_chain_id(struct eth_client *c, ETH_TAIL, eth_u64_fn *cb, void *arg,
                                          struct err *err);
MUST_USE struct eth_request *eth_block_number(struct eth_client *c, ETH_TAIL, eth_u64_fn *cb,
                                              void *arg, struct err *err);
/* `overrides` (a JSON object, state overrides) may be NULL; TAKES it. A revert is ERR_REJECTED with revert_data. */
MUST_USE struct eth_request *eth_call(struct eth_client *c, const struct eth_call_msg *msg,
                                      struct eth_block_id at, json_t *overrides, ETH_TAIL,
                                      eth_bytes_fn *cb, void *arg, struct err *err);
MUST_USE struct eth_request *eth_estimate_gas(struct eth_client *c, const struct eth_call_msg *msg,
                                              struct eth_block_id at, ETH_TAIL, eth_u64_fn *cb,
                                              void *arg, struct err *err);
/* Headers; ETH_HASH uses eth_getBlockByHash. FINALIZED and SAFE fall back to latest minus the configured depth where the
 * node lacks the tag (block 0 at the start of a chain). */
MUST_USE struct eth_request *eth_get_block(struct eth_client *c, struct eth_block_id at, ETH_TAIL,
                                           eth_block_fn *cb, void *arg, struct err *err);
MUST_USE struct eth_request *eth_get_receipt(struct eth_client *c, const struct b256 *tx_hash,
                                             ETH_TAIL, eth_receipt_fn *cb, void *arg,
                                             struct err *err);
MUST_USE struct eth_request *eth_get_tx(struct eth_client *c, const struct b256 *tx_hash, ETH_TAIL,
                                        eth_tx_fn *cb, void *arg, struct err *err);
/* eth_getTransactionBySenderAndNonce: reth, erigon, anvil; others reject with -32601 */
MUST_USE struct eth_request *eth_get_tx_by_nonce(struct eth_client *c, const struct addr *sender,
                                                 uint64_t nonce, ETH_TAIL, eth_tx_fn *cb, void *arg,
                                                 struct err *err);
MUST_USE struct eth_request *eth_get_nonce(struct eth_client *c, const struct addr *a,
                                           struct eth_block_id at, ETH_TAIL, eth_u64_fn *cb,
                                           void *arg, struct err *err);
MUST_USE struct eth_request *eth_get_balance(struct eth_client *c, const struct addr *a,
                                             struct eth_block_id at, ETH_TAIL, eth_u256_fn *cb,
                                             void *arg, struct err *err);
MUST_USE struct eth_request *eth_get_code(struct eth_client *c, const struct addr *a,
                                          struct eth_block_id at, ETH_TAIL, eth_bytes_fn *cb,
                                          void *arg, struct err *err);
/* rewards at one percentile (0..100), or none: the node then need not look at the blocks' transactions */
#define ETH_NO_REWARDS 101u
MUST_USE struct eth_request *eth_fee_history(struct eth_client *c, uint64_t blocks,
                                             unsigned percentile, ETH_TAIL, eth_fee_history_fn *cb,
                                             void *arg, struct err *err);
MUST_USE struct eth_request *eth_gas_price(struct eth_client *c, ETH_TAIL, eth_u256_fn *cb,
                                           void *arg, struct err *err);
MUST_USE struct eth_request *eth_blob_base_fee(struct eth_client *c, ETH_TAIL, eth_u256_fn *cb,
                                               void *arg, struct err *err);
/* One attempt unless opts says otherwise: a failure with maybe_delivered is a transaction that may be in the pool. */
MUST_USE struct eth_request *eth_send_raw(struct eth_client *c, struct bytes raw, ETH_TAIL,
                                          eth_hash_fn *cb, void *arg, struct err *err);
#undef ETH_TAIL

/* --- adaptive ranges (spec 90 row 20) ---
 * The caller keeps a span per stream of logs. eth_scan_logs asks for as much of from..to as the span thinks the provider
 * allows; when the provider refuses the range, it halves (or takes the range the provider proposes) and asks again by itself. The callback gets
 * the logs of from..covered_to; go on at covered_to + 1. Successful full spans grow by half again. */
struct eth_span {        /* zeroed: defaults; keep it between scans */
    uint64_t blocks;     /* current guess; starts at 2000 */
    uint64_t blocks_max; /* 0: 50000 */
    uint64_t splits;     /* how often a provider refused */
};
typedef void eth_scan_fn(void *arg, const struct eth_reply *r, const struct eth_log *logs, size_t n,
                         uint64_t covered_to);
/* `span` must outlive the request (or its cancel). The filter is copied. */
MUST_USE struct eth_request *eth_scan_logs(struct eth_client *c, struct eth_span *span,
                                           const struct eth_filter *f, uint64_t from, uint64_t to,
                                           const struct eth_opts *opts, eth_scan_fn *cb, void *arg,
                                           struct err *err);

/* --- for metrics and status --- */
enum eth_endpoint_state {
    ETH_ENDPOINT_UNPROBED,
    ETH_ENDPOINT_GOOD,
    ETH_ENDPOINT_COOLING, /* failed; tried again at retry_at_ms */
    ETH_ENDPOINT_REFUSED, /* another chain or another fork */
};
const char *eth_endpoint_state_name(enum eth_endpoint_state s);
#define ETH_LATENCY_BUCKETS 8 /* upper bounds 10, 30, 100, 300, 1000, 3000, 10000 ms, rest */
struct eth_endpoint_status {
    const char *name; /* scheme://host:port, no path or password: those hold API keys */
    enum eth_endpoint_state state;
    uint64_t posts, errors, rate_limited;
    uint64_t head;        /* highest block it has told us, 0: none */
    uint64_t retry_at_ms; /* monotonic, when cooling or refused */
    uint64_t last_latency_ms, mean_latency_ms;
    bool no_batch;
    const char *last_error; /* "" when none */
};
struct eth_client_status {
    uint64_t chain_id;            /* 0: not known yet */
    size_t endpoint_cnt, current; /* current: the endpoint the last call went to */
    uint64_t calls, answered, rejected, failed, cancelled;
    uint64_t posts, retries, failovers, bytes_in, bytes_out;
    size_t in_flight, queued;
    uint64_t seen_finalized; /* block number, 0: none */
    uint64_t latency[ETH_LATENCY_BUCKETS];
};
void eth_client_get_status(const struct eth_client *c, struct eth_client_status *out);
/* false when i is out of range; the strings live until the next turn of the loop */
MUST_USE bool eth_client_get_endpoint(const struct eth_client *c, size_t i,
                                      struct eth_endpoint_status *out);
/* true when none of the endpoints can be used: "none of NAME's endpoints answers; HOST: its last error". */
MUST_USE bool eth_client_outage(const struct eth_client *c, const char *name, char *out,
                                size_t cap);

#endif
