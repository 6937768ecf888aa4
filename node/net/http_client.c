#include "node/net/http_client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct socket_watch {
    struct event *ev; /* owned */
    struct socket_watch *next, **link;
};
struct http_client {
    struct event_base *base;   /* borrowed */
    const struct clock *clock; /* borrowed */
    CURLM *multi;              /* owned */
    struct event *timer;       /* owned */
    struct http_post *posts;   /* owned list */
    struct socket_watch *watches;
    char user_agent[64];
};
struct http_post {
    struct http_client *client;
    CURL *easy;                 /* owned */
    struct curl_slist *headers; /* owned */
    uint8_t *body;              /* owned: what is sent */
    struct buf reply;
    bool too_large;
    bool has_retry_after;
    uint64_t retry_after_ms;
    uint64_t started_ms;
    char error[CURL_ERROR_SIZE];
    http_result_fn *done;
    void *arg;
    struct http_post *next, **link;
};

static bool span_is(const char *p, size_t len, const char *word)
{
    return len == strlen(word) && strncasecmp(p, word, len) == 0;
}

bool http_url_public_name(char *out, size_t cap, const char *url, bool *is_loopback,
                          struct err *err)
{
    CURLU *u = curl_url();
    char *scheme = NULL, *host = NULL, *port = NULL;
    bool ok = false;
    if (!u)
        return err_set(err, ERR_LOCAL, "out of memory");
    if (curl_url_set(u, CURLUPART_URL, url, 0) || curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) ||
        curl_url_get(u, CURLUPART_HOST, &host, 0) ||
        curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) ||
        (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)) {
        err_set(err, ERR_INVALID, "not an http or https URL");
    } else {
        int n = snprintf(out, cap, "%s://%s:%s", scheme, host, port);
        ok = n > 0 && (size_t)n < cap;
        if (!ok)
            err_set(err, ERR_INVALID, "URL too long");
        *is_loopback = strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
                       strcmp(host, "[::1]") == 0;
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(u);
    return ok;
}

bool http_parse_retry_after(const char *s, size_t len, uint64_t now_wall_ms, uint64_t *wait_ms)
{
    char text[64];
    while (len > 0 && (*s == ' ' || *s == '\t')) {
        s++;
        len--;
    }
    while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\r' || s[len - 1] == '\n'))
        len--;
    if (len == 0 || len >= sizeof(text))
        return false;
    memcpy(text, s, len);
    text[len] = '\0';
    size_t digits = strspn(text, "0123456789");
    if (digits == len) {
        uint64_t seconds = 0;
        for (size_t i = 0; i < len; i++)
            if (seconds < 100000000)
                seconds = seconds * 10 + (uint64_t)(text[i] - '0');
        *wait_ms = seconds * 1000;
        return true;
    }
    time_t when = curl_getdate(text, NULL);
    if (when < 0)
        return false;
    uint64_t when_ms = (uint64_t)when * 1000;
    *wait_ms = when_ms > now_wall_ms ? when_ms - now_wall_ms : 0;
    return true;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    struct http_post *p = arg;
    size_t len = size * n;
    if (len > p->reply.max - p->reply.len) {
        p->too_large = true;
        return 0; /* curl then ends the transfer */
    }
    return buf_append(&p->reply, data, len) ? len : 0;
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
    struct http_post *p = arg;
    size_t len = size * n;
    const char *colon = memchr(data, ':', len);
    if (colon && span_is(data, (size_t)(colon - data), "retry-after"))
        p->has_retry_after =
            http_parse_retry_after(colon + 1, len - (size_t)(colon - data) - 1,
                                   clock_wall_ms(p->client->clock), &p->retry_after_ms);
    return len;
}

static void post_unlink(struct http_post *p)
{
    *p->link = p->next;
    if (p->next)
        p->next->link = p->link;
}

static void post_free(struct http_post *p)
{
    if (p->easy) {
        curl_multi_remove_handle(p->client->multi, p->easy);
        curl_easy_cleanup(p->easy);
    }
    curl_slist_free_all(p->headers);
    free(p->body);
    buf_clear(&p->reply);
    free(p);
}

static bool could_not_start(CURLcode code)
{
    return code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
           code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_SSL_CONNECT_ERROR ||
           code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_URL_MALFORMAT ||
           code == CURLE_UNSUPPORTED_PROTOCOL;
}

static void post_finish(struct http_post *p, CURLcode code)
{
    struct http_result r = { .ok = code == CURLE_OK };
    long status = 0, request_size = 0;
    curl_easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(p->easy, CURLINFO_REQUEST_SIZE, &request_size);
    r.status = (int)status;
    r.too_large = !r.ok && p->too_large;
    r.timed_out = code == CURLE_OPERATION_TIMEDOUT;
    r.maybe_sent = request_size > 0 && !could_not_start(code);
    r.sent_len = request_size > 0 ? (uint64_t)request_size : 0;
    r.body = bytes_of(p->reply.p, p->reply.len);
    r.has_retry_after = p->has_retry_after;
    r.retry_after_ms = p->retry_after_ms;
    r.latency_ms = clock_mono_ms(p->client->clock) - p->started_ms;
    if (r.too_large)
        err_set(&r.err, ERR_INVALID, "reply larger than %zu bytes", p->reply.max);
    else if (!r.ok)
        err_set_code(&r.err, ERR_TRANSIENT, code, "%s",
                     p->error[0] ? p->error : curl_easy_strerror(code));
    post_unlink(p);
    http_result_fn *done = p->done;
    void *arg = p->arg;
    done(arg, &r);
    post_free(p);
}

static void collect(struct http_client *c)
{
    int left = 0;
    for (CURLMsg *m; (m = curl_multi_info_read(c->multi, &left)) != NULL;) {
        if (m->msg != CURLMSG_DONE)
            continue;
        CURLcode code = m->data.result;
        void *priv = NULL;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&priv);
        post_finish(priv, code);
    }
}

static void on_socket_event(evutil_socket_t fd, short what, void *arg)
{
    struct http_client *c = arg;
    int running = 0;
    int flags =
        ((what & EV_READ) ? CURL_CSELECT_IN : 0) | ((what & EV_WRITE) ? CURL_CSELECT_OUT : 0);
    curl_multi_socket_action(c->multi, fd, flags, &running);
    collect(c);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct http_client *c = arg;
    int running = 0;
    curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(c);
}

static void watch_free(struct socket_watch *w)
{
    *w->link = w->next;
    if (w->next)
        w->next->link = w->link;
    if (w->ev)
        event_free(w->ev);
    free(w);
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *sockp)
{
    (void)easy;
    struct http_client *c = arg;
    struct socket_watch *w = sockp;
    if (what == CURL_POLL_REMOVE) {
        if (w) {
            curl_multi_assign(c->multi, fd, NULL);
            watch_free(w);
        }
        return 0;
    }
    if (!w) {
        w = calloc(1, sizeof(*w));
        if (!w)
            return -1;
        w->next = c->watches;
        w->link = &c->watches;
        if (w->next)
            w->next->link = &w->next;
        c->watches = w;
        curl_multi_assign(c->multi, fd, w);
    }
    if (w->ev)
        event_free(w->ev);
    short flags = (short)(EV_PERSIST | ((what & CURL_POLL_IN) ? EV_READ : 0) |
                          ((what & CURL_POLL_OUT) ? EV_WRITE : 0));
    w->ev = event_new(c->base, fd, flags, on_socket_event, c);
    return w->ev && event_add(w->ev, NULL) == 0 ? 0 : -1;
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *arg)
{
    (void)multi;
    struct http_client *c = arg;
    if (timeout_ms < 0)
        return event_del(c->timer);
    struct timeval tv = { timeout_ms / 1000, (timeout_ms % 1000) * 1000 };
    return event_add(c->timer, &tv);
}

struct http_client *http_client_create(struct event_base *base, const struct clock *clock,
                                       const char *user_agent, struct err *err)
{
    struct http_client *c = calloc(1, sizeof(*c));
    if (!c || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(c);
        err_set(err, ERR_LOCAL, "HTTP client: out of memory");
        return NULL;
    }
    c->base = base;
    c->clock = clock;
    snprintf(c->user_agent, sizeof(c->user_agent), "%s", user_agent);
    c->multi = curl_multi_init();
    c->timer = evtimer_new(base, on_timer, c);
    if (!c->multi || !c->timer) {
        http_client_destroy(c);
        err_set(err, ERR_LOCAL, "HTTP client: out of memory");
        return NULL;
    }
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    return c;
}

void http_client_destroy(struct http_client *c)
{
    if (!c)
        return;
    while (c->posts) {
        struct http_post *p = c->posts;
        post_unlink(p); /* NOLINT(clang-analyzer-unix.Malloc): it moves the head of the list */
        post_free(p);
    }
    if (c->multi)
        curl_multi_cleanup(c->multi);
    while (c->watches)
        watch_free(c->watches); /* NOLINT(clang-analyzer-unix.Malloc): it moves the head */
    if (c->timer)
        event_free(c->timer);
    curl_global_cleanup();
    free(c);
}

static bool post_headers(struct http_post *p, const struct http_post_args *a)
{
    char line[128];
    snprintf(line, sizeof(line), "Content-Type: %s", a->content_type);
    struct curl_slist *h = curl_slist_append(NULL, line);
    /* without it curl waits a second for "100 Continue" on bodies above 1 MiB */
    struct curl_slist *more = h ? curl_slist_append(h, "Expect:") : NULL;
    for (size_t i = 0; more && i < a->header_cnt; i++)
        more = curl_slist_append(more, a->headers[i]);
    p->headers = h;
    return more != NULL;
}

static bool post_setup(struct http_post *p, const struct http_post_args *a, bool is_loopback)
{
    CURL *e = p->easy;
    long timeout = a->timeout_ms > 0x7fffffff ? 0x7fffffffL : (long)a->timeout_ms;
    bool bad = false;
    bad |= curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK;
    bad |= curl_easy_setopt(e, CURLOPT_URL, a->url) != CURLE_OK;
    bad |= curl_easy_setopt(e, CURLOPT_PRIVATE, p) != CURLE_OK;
    bad |= curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) != CURLE_OK;
    bad |= curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, timeout) != CURLE_OK;
    bad |= curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, timeout) != CURLE_OK;
    bad |= curl_easy_setopt(e, CURLOPT_POST, 1L) != CURLE_OK;
    bad |= curl_easy_setopt(e, CURLOPT_HTTPHEADER, p->headers) != CURLE_OK;
    bad |= curl_easy_setopt(e, CURLOPT_USERAGENT, p->client->user_agent) != CURLE_OK;
    bad |= curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body) != CURLE_OK;
    bad |= curl_easy_setopt(e, CURLOPT_WRITEDATA, p) != CURLE_OK;
    bad |= curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header) != CURLE_OK;
    bad |= curl_easy_setopt(e, CURLOPT_HEADERDATA, p) != CURLE_OK;
    bad |= curl_easy_setopt(e, CURLOPT_ERRORBUFFER, p->error) != CURLE_OK;
    bad |= curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "") != CURLE_OK;
    bad |= curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L) != CURLE_OK;
    if (is_loopback)
        bad |= curl_easy_setopt(e, CURLOPT_PROXY, "") != CURLE_OK;
    return !bad;
}

struct http_post *http_client_post(struct http_client *c, const struct http_post_args *a,
                                   http_result_fn *done, void *arg, struct err *err)
{
    char name[512];
    bool is_loopback = false;
    size_t body_len = 0;
    uint8_t *body = buf_take(a->body, &body_len);
    if (!http_url_public_name(name, sizeof(name), a->url, &is_loopback, err)) {
        free(body);
        return NULL;
    }
    struct http_post *p = calloc(1, sizeof(*p));
    if (!p) {
        free(body);
        err_set(err, ERR_LOCAL, "out of memory");
        return NULL;
    }
    p->client = c;
    p->body = body;
    p->done = done;
    p->arg = arg;
    p->started_ms = clock_mono_ms(c->clock);
    buf_init(&p->reply, a->max_len);
    p->easy = curl_easy_init();
    if (!p->easy || !post_headers(p, a) || !post_setup(p, a, is_loopback) ||
        curl_easy_setopt(p->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body_len) != CURLE_OK ||
        curl_easy_setopt(p->easy, CURLOPT_POSTFIELDS, p->body ? (char *)p->body : "") != CURLE_OK ||
        curl_multi_add_handle(c->multi, p->easy) != CURLM_OK) {
        post_free(p);
        err_set(err, ERR_LOCAL, "cannot start an HTTP exchange");
        return NULL;
    }
    p->next = c->posts;
    p->link = &c->posts;
    if (p->next)
        p->next->link = &p->next;
    c->posts = p;
    return p;
}

void http_post_cancel(struct http_post *p)
{
    post_unlink(p);
    post_free(p);
}
