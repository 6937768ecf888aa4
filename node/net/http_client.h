/* node/net/http_client.h
 *
 * HTTP POST on libcurl's multi interface, driven by libevent (curl_multi_socket_action): one multi handle, connections
 * kept and reused, name resolution off the loop. Only http and https; no redirects. Proxies come from the
 * environment as usual, except for loopback addresses.
 *
 * A post is a request: `done` runs exactly once from the loop, or never after cancel. Do not destroy the client from inside
 * `done`. */
#ifndef GH_NET_HTTP_CLIENT_H
#define GH_NET_HTTP_CLIENT_H

#include <event2/event.h>

#include "node/base/buf.h"
#include "node/base/clock.h"
#include "node/base/err.h"

struct http_client;
struct http_post;

struct http_result {
    bool ok;           /* a whole HTTP reply came; otherwise err says why not */
    bool too_large;    /* !ok because the body passed max_len */
    bool timed_out;    /* !ok because of the timeout */
    bool maybe_sent;   /* bytes of the request left this machine */
    int status;        /* when ok */
    struct bytes body; /* borrowed */
    bool has_retry_after;
    uint64_t retry_after_ms;
    uint64_t latency_ms, sent_len;
    struct err err;
};
typedef void http_result_fn(void *arg, const struct http_result *r);

MUST_USE struct http_client *http_client_create(struct event_base *base, const struct clock *clock,
                                                const char *user_agent, struct err *err);
/* Cancels everything. NULL is allowed. */
void http_client_destroy(struct http_client *c);

struct http_post_args { /* url and headers are copied; body is TAKEN (moved out), also on failure */
    const char *url;
    const char *content_type;
    const char *const *headers; /* "Name: value" */
    size_t header_cnt;
    struct buf *body;
    uint64_t timeout_ms;
    size_t max_len; /* of the reply's body, after decompression */
};
MUST_USE struct http_post *http_client_post(struct http_client *c,
                                            const struct http_post_args *args, http_result_fn *done,
                                            void *arg, struct err *err);
void http_post_cancel(struct http_post *p);

/* "https://host:port" without user, password, path and query, which hold secrets. ERR_INVALID: not an http or
 * https URL, or longer than cap. */
MUST_USE bool http_url_public_name(char *out, size_t cap, const char *url, bool *is_loopback,
                                   struct err *err);
/* The value of a Retry-After header: seconds, or an HTTP date counted from now. false: neither. */
MUST_USE bool http_parse_retry_after(const char *s, size_t len, uint64_t now_wall_ms,
                                     uint64_t *wait_ms);

#endif
