/* tests/bench/node/load_http.h
 *
 * A keep-alive HTTP/1.1 connection for JSON-RPC, driven by poll(): requests are complete texts made beforehand, so that nothing but
 * write() and read() happens while the clock runs. One exchange at a time on a connection. */
#ifndef GH_BENCH_LOAD_HTTP_H
#define GH_BENCH_LOAD_HTTP_H

#include "node/base/buf.h"
#include "node/base/err.h"

struct load_target {
    char host[64]; /* numeric IPv4 */
    uint16_t port;
};

struct load_http {
    int fd;
    const uint8_t *out; /* borrowed */
    size_t out_len, out_at;
    struct buf in;
    size_t head_len, body_len; /* 0: the header is not complete yet */
    bool busy;                 /* started and not answered */
};

/* "http://127.0.0.1:3050" */
MUST_USE bool load_target_parse(struct load_target *t, const char *url, struct err *err);
MUST_USE bool load_http_open(struct load_http *h, const struct load_target *t, struct err *err);
void load_http_close(struct load_http *h);

/* A whole POST around a JSON body, appended to out. */
bool load_http_wrap(struct buf *out, const struct load_target *t, struct bytes body);

/* The request is borrowed until the answer is there. */
void load_http_start(struct load_http *h, struct bytes request);
/* What poll() should wait for. */
short load_http_events(const struct load_http *h);
/* Writes and reads what it can; *done when the answer is complete. ERR_TRANSIENT when the peer closes, ERR_REJECTED for another
 * HTTP status than 200. */
MUST_USE bool load_http_step(struct load_http *h, bool *done, struct err *err);
/* Of the last answer; valid until the next start. */
struct bytes load_http_body(const struct load_http *h);

/* One exchange, waited for. */
MUST_USE bool load_http_call(struct load_http *h, const struct load_target *t, struct bytes body,
                             struct bytes *answer, struct err *err);

#endif
