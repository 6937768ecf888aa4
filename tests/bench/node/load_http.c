/* tests/bench/node/load_http.c */
#include "tests/bench/node/load_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_ANSWER      ((size_t)256 << 20)
#define READ_CHUNK      ((size_t)256 << 10)
#define CALL_TIMEOUT_MS 60000

bool load_target_parse(struct load_target *t, const char *url, struct err *err)
{
    static const char scheme[] = "http://";
    if (strncmp(url, scheme, sizeof(scheme) - 1) != 0)
        return err_set(err, ERR_INVALID, "%s: only http:// is understood", url);
    const char *host = url + sizeof(scheme) - 1, *colon = strchr(host, ':');
    size_t len = colon ? (size_t)(colon - host) : 0;
    char *end = NULL;
    unsigned long port = colon ? strtoul(colon + 1, &end, 10) : 0;
    if (len == 0 || len >= sizeof(t->host) || port == 0 || port > 65535 ||
        (*end != 0 && strcmp(end, "/") != 0))
        return err_set(err, ERR_INVALID, "%s: wanted http://ADDRESS:PORT", url);
    memcpy(t->host, host, len);
    t->host[len] = 0;
    t->port = (uint16_t)port;
    return true;
}

bool load_http_open(struct load_http *h, const struct load_target *t, struct err *err)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(t->port) };
    int one = 1;
    memset(h, 0, sizeof(*h));
    buf_init(&h->in, MAX_ANSWER);
    if (inet_pton(AF_INET, t->host, &a.sin_addr) != 1) {
        h->fd = -1;
        return err_set(err, ERR_INVALID, "%s is not a numeric address", t->host);
    }
    h->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (h->fd < 0 || connect(h->fd, (const struct sockaddr *)&a, sizeof(a)) != 0 ||
        setsockopt(h->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0 ||
        fcntl(h->fd, F_SETFL, O_NONBLOCK) != 0)
        return err_set(err, ERR_TRANSIENT, "%s:%u: %s", t->host, t->port, strerror(errno));
    return true;
}

void load_http_close(struct load_http *h)
{
    if (h->fd >= 0)
        close(h->fd);
    h->fd = -1;
    buf_clear(&h->in);
}

bool load_http_wrap(struct buf *out, const struct load_target *t, struct bytes body)
{
    return buf_printf(out,
                      "POST / HTTP/1.1\r\nHost: %s:%u\r\nContent-Type: application/json\r\n"
                      "Content-Length: %zu\r\n\r\n",
                      t->host, t->port, body.len) &&
           buf_append(out, body.p, body.len);
}

void load_http_start(struct load_http *h, struct bytes request)
{
    CHECK(!h->busy);
    h->out = request.p;
    h->out_len = request.len;
    h->out_at = 0;
    h->head_len = h->body_len = 0;
    buf_reset(&h->in);
    h->busy = true;
}

short load_http_events(const struct load_http *h)
{
    if (!h->busy)
        return 0;
    return h->out_at < h->out_len ? POLLIN | POLLOUT : POLLIN;
}

/* Finds the end of the header and the length of the body. */
static bool read_header(struct load_http *h, struct err *err)
{
    static const char length[] = "content-length:";
    const char *text = (const char *)h->in.p;
    const char *end = memmem(text, h->in.len, "\r\n\r\n", 4);
    if (!end)
        return h->in.len < 65536 ||
               err_set(err, ERR_REJECTED, "the header of an answer is endless");
    h->head_len = (size_t)(end - text) + 4;
    if (h->in.len < 12 || memcmp(text + 8, " 200", 4) != 0)
        return err_set(err, ERR_REJECTED, "%.*s", (int)(h->in.len < 200 ? h->in.len : 200), text);
    for (const char *line = text; line < end; line++) {
        if ((line == text || line[-1] == '\n') &&
            strncasecmp(line, length, sizeof(length) - 1) == 0) {
            h->body_len = strtoul(line + sizeof(length) - 1, NULL, 10);
            return true;
        }
    }
    return err_set(err, ERR_REJECTED, "an answer without a length");
}

static bool write_some(struct load_http *h, struct err *err)
{
    while (h->out_at < h->out_len) {
        ssize_t n = send(h->fd, h->out + h->out_at, h->out_len - h->out_at, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return true;
        if (n < 0)
            return err_set(err, ERR_TRANSIENT, "writing a request: %s", strerror(errno));
        h->out_at += (size_t)n;
    }
    return true;
}

bool load_http_step(struct load_http *h, bool *done, struct err *err)
{
    *done = false;
    if (!h->busy)
        return true;
    if (!write_some(h, err))
        return false;
    for (;;) {
        size_t had = h->in.len;
        uint8_t *p = buf_extend(&h->in, READ_CHUNK);
        if (!p)
            return err_set(err, ERR_REJECTED, "an answer of more than %zu bytes", MAX_ANSWER);
        ssize_t n = recv(h->fd, p, READ_CHUNK, 0);
        h->in.len = had + (n > 0 ? (size_t)n : 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return true;
        if (n <= 0)
            return err_set(err, ERR_TRANSIENT, "reading an answer: %s",
                           n ? strerror(errno) : "the peer closed the connection");
        if (h->head_len == 0 && !read_header(h, err))
            return false;
        if (h->head_len != 0 && h->in.len >= h->head_len + h->body_len) {
            h->busy = false;
            *done = true;
            return true;
        }
    }
}

struct bytes load_http_body(const struct load_http *h)
{
    return bytes_of(h->in.p + h->head_len, h->body_len);
}

bool load_http_call(struct load_http *h, const struct load_target *t, struct bytes body,
                    struct bytes *answer, struct err *err)
{
    struct buf request;
    bool done = false, ok;
    buf_init(&request, MAX_ANSWER);
    ok = load_http_wrap(&request, t, body) || err_set(err, ERR_LOCAL, "out of memory");
    if (ok)
        load_http_start(h, bytes_of(request.p, request.len));
    while (ok && !done) {
        ok = load_http_step(h, &done, err);
        struct pollfd p = { .fd = h->fd, .events = load_http_events(h) };
        if (ok && !done && poll(&p, 1, CALL_TIMEOUT_MS) == 0)
            ok = err_set(err, ERR_TRANSIENT, "no answer for %d s", CALL_TIMEOUT_MS / 1000);
    }
    buf_clear(&request);
    if (ok)
        *answer = load_http_body(h);
    return ok;
}
