#include "tests/unit/net/fake_node.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

struct fake_conn {
    struct fake_node *node;
    struct bufferevent *bev;
    struct event *timer;
    struct fake_reply reply;
    bool busy, closing;
    LIST_ENTRY(fake_conn) link;
};
struct fake_node {
    struct event_base *base;
    struct evconnlistener *listener;
    char url[64];
    fake_post_fn *on_post;
    void *arg;
    unsigned posts, conns;
    LIST_HEAD(, fake_conn) list;
};

static void conn_free(struct fake_conn *c)
{
    LIST_REMOVE(c, link);
    bufferevent_free(c->bev);
    event_free(c->timer);
    free(c->reply.body);
    free(c);
}

static void send_reply(struct fake_conn *c)
{
    struct fake_reply *r = &c->reply;
    struct evbuffer *out = bufferevent_get_output(c->bev);
    size_t len = r->body ? strlen(r->body) : 0;
    if (r->drop) {
        conn_free(c);
        return;
    }
    evbuffer_add_printf(out, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%s\r\n",
                        r->status ? r->status : 200, len, r->headers ? r->headers : "");
    evbuffer_add(out, r->body, r->cut > 0 ? (size_t)r->cut : len);
    c->closing = r->cut > 0;
    c->busy = false;
    free(r->body);
    r->body = NULL;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    send_reply(arg);
}

static size_t content_length(const char *head)
{
    const char *p = strcasestr(head, "content-length:");
    return p ? strtoul(p + 15, NULL, 10) : 0;
}

static void handle(struct fake_conn *c, const char *body, size_t len)
{
    json_t *doc = json_loadb(body, len, 0, NULL);
    c->reply = (struct fake_reply){ 0 };
    c->busy = true;
    c->node->posts++;
    c->node->on_post(c->node->arg, doc, &c->reply);
    json_decref(doc);
    if (c->reply.hang)
        return;
    struct timeval tv = { c->reply.delay_ms / 1000, (c->reply.delay_ms % 1000) * 1000 };
    event_add(c->timer, &tv);
}

static void on_read(struct bufferevent *bev, void *arg)
{
    struct fake_conn *c = arg;
    struct evbuffer *in = bufferevent_get_input(bev);
    struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
    if (end.pos < 0 || c->busy)
        return;
    size_t head_len = (size_t)end.pos + 4;
    char *head = calloc(1, head_len + 1);
    evbuffer_copyout(in, head, head_len);
    size_t len = content_length(head);
    free(head);
    if (evbuffer_get_length(in) < head_len + len)
        return;
    evbuffer_drain(in, head_len);
    char *body = malloc(len + 1);
    evbuffer_remove(in, body, len);
    handle(c, body, len);
    free(body);
}

static void on_written(struct bufferevent *bev, void *arg)
{
    struct fake_conn *c = arg;
    if (c->closing && evbuffer_get_length(bufferevent_get_output(bev)) == 0)
        conn_free(c);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    (void)bev;
    (void)what;
    conn_free(arg);
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int len,
                      void *arg)
{
    (void)l;
    (void)sa;
    (void)len;
    struct fake_node *n = arg;
    struct fake_conn *c = calloc(1, sizeof(*c));
    n->conns++;
    c->node = n;
    c->bev = bufferevent_socket_new(n->base, fd, BEV_OPT_CLOSE_ON_FREE);
    c->timer = evtimer_new(n->base, on_timer, c);
    bufferevent_setcb(c->bev, on_read, on_written, on_event, c);
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
    LIST_INSERT_HEAD(&n->list, c, link);
}

struct fake_node *fake_node_start(struct event_base *base, fake_post_fn *on_post, void *arg)
{
    struct fake_node *n = calloc(1, sizeof(*n));
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof(sa);
    n->base = base;
    n->on_post = on_post;
    n->arg = arg;
    LIST_INIT(&n->list);
    n->listener = evconnlistener_new_bind(base, on_accept, n, LEV_OPT_CLOSE_ON_FREE, 16,
                                          (struct sockaddr *)&sa, sizeof(sa));
    getsockname(evconnlistener_get_fd(n->listener), (struct sockaddr *)&sa, &len);
    snprintf(n->url, sizeof(n->url), "http://127.0.0.1:%u/key", ntohs(sa.sin_port));
    return n;
}

const char *fake_node_url(const struct fake_node *n)
{
    return n->url;
}

unsigned fake_node_posts(const struct fake_node *n)
{
    return n->posts;
}

unsigned fake_node_conns(const struct fake_node *n)
{
    return n->conns;
}

void fake_node_stop(struct fake_node *n)
{
    if (!n)
        return;
    while (!LIST_EMPTY(&n->list))
        conn_free(LIST_FIRST(&n->list));
    evconnlistener_free(n->listener);
    free(n);
}

json_t *fake_error(int code, const char *message, const char *data)
{
    return data ? json_pack("{s:i,s:s,s:s}", "code", code, "message", message, "data", data)
                : json_pack("{s:i,s:s}", "code", code, "message", message);
}

static json_t *one_answer(const json_t *call, fake_call_fn *fn, void *arg)
{
    json_t *error = NULL;
    json_t *result = fn(arg, json_string_value(json_object_get(call, "method")),
                        json_object_get(call, "params"), &error);
    json_t *id = json_incref(json_object_get(call, "id"));
    if (error)
        return json_pack("{s:s,s:o,s:o}", "jsonrpc", "2.0", "id", id, "error", error);
    return json_pack("{s:s,s:o,s:o}", "jsonrpc", "2.0", "id", id, "result",
                     result ? result : json_null());
}

char *fake_answers(const json_t *doc, fake_call_fn *fn, void *arg)
{
    json_t *out = NULL;
    if (json_is_array(doc)) {
        out = json_array();
        for (size_t i = 0; i < json_array_size(doc); i++) /* backwards: order must not matter */
            json_array_insert_new(out, 0, one_answer(json_array_get(doc, i), fn, arg));
    } else {
        out = one_answer(doc, fn, arg);
    }
    char *text = json_dumps(out, JSON_COMPACT);
    json_decref(out);
    return text;
}
