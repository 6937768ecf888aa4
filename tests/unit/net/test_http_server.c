/* The HTTP server against raw sockets on the same loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/base/log.h"
#include "node/net/http_server.h"
#include "tests/unit/loop.h"

struct fixture {
    struct event_base *base;
    struct http_server *s;
    struct http_exchange *kept; /* an exchange the handler holds on to */
    struct http_taken *taken;
    struct bufferevent *taken_bev;
    unsigned requests, gone, taken_closed, drained;
    size_t budget, budget_max;
    size_t big; /* length of the reply to /big */
    char body[256];
};
struct client {
    struct bufferevent *bev;
    struct evbuffer *got;
    bool eof, connected;
};

static void on_gone(void *arg, struct http_exchange *x)
{
    struct fixture *f = arg;
    f->gone++;
    assert_true(http_is_gone(x));
}

static void on_taken_closed(void *arg)
{
    ((struct fixture *)arg)->taken_closed++;
}

static void echo_read(struct bufferevent *bev, void *arg)
{
    (void)arg;
    bufferevent_write_buffer(bev, bufferevent_get_input(bev));
}

static void handler(void *arg, struct http_exchange *x)
{
    struct fixture *f = arg;
    struct bytes body = http_body(x);
    char name[16];
    f->requests++;
    snprintf(f->body, sizeof(f->body), "%.*s", (int)body.len, (const char *)body.p);
    if (strcmp(http_path(x), "/keep") == 0) {
        f->kept = x;
        http_on_gone(x, on_gone, f);
    } else if (strcmp(http_path(x), "/drop") == 0) {
        http_drop(x);
    } else if (strcmp(http_path(x), "/big") == 0) {
        struct evbuffer *b = evbuffer_new();
        char block[4096];
        memset(block, 'x', sizeof(block));
        for (size_t i = 0; i < f->big / sizeof(block); i++)
            evbuffer_add(b, block, sizeof(block));
        http_reply_buffer(x, 200, "text/plain", b);
        evbuffer_free(b);
    } else if (strcmp(http_path(x), "/stream") == 0) {
        struct evbuffer *b = evbuffer_new();
        http_stream_begin(x, 200, "text/plain");
        for (int i = 0; i < 3; i++) {
            evbuffer_add_printf(b, "part%d ", i);
            assert_true(http_stream_part(x, b));
        }
        http_stream_end(x);
        evbuffer_free(b);
    } else if (strcmp(http_path(x), "/take") == 0) {
        f->taken = http_take(x, &f->taken_bev, on_taken_closed, f);
        assert_non_null(f->taken);
        bufferevent_setcb(f->taken_bev, echo_read, NULL, NULL, f);
        bufferevent_enable(f->taken_bev, EV_READ | EV_WRITE);
        bufferevent_write(f->taken_bev, "HTTP/1.1 101 S\r\n\r\n", 18);
    } else if (http_query_param(x, "name", name, sizeof(name))) {
        assert_true(http_add_header(x, "X-Name", name));
        assert_false(http_add_header(x, "X-Bad", "a\r\nSet-Cookie: b"));
        http_reply_text(x, 200, http_method_name(http_method(x)));
    } else {
        http_reply(x, 200, "application/json", bytes_of("{}", 2));
    }
}

static bool reserve(void *arg, size_t len)
{
    struct fixture *f = arg;
    if (f->budget + len > f->budget_max)
        return false;
    f->budget += len;
    return true;
}

static void release(void *arg, size_t len)
{
    struct fixture *f = arg;
    assert_true(f->budget >= len);
    f->budget -= len;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->base = event_base_new();
    f->budget_max = (size_t)64 << 20;
    log_configure(LOG_ERROR, false);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    http_server_destroy(f->s);
    assert_int_equal(f->budget, 0);
    event_base_free(f->base);
    free(f);
    return 0;
}

static void serve(struct fixture *f, struct http_server_config cfg)
{
    struct err e;
    cfg.address = "127.0.0.1";
    cfg.reserve = reserve;
    cfg.release = release;
    cfg.budget = f;
    f->s = http_server_create(f->base, &cfg, handler, f, &e);
    assert_non_null(f->s);
    assert_true(http_server_start(f->s, &e));
    assert_true(http_server_port(f->s) != 0);
}

static void c_read(struct bufferevent *bev, void *arg)
{
    bufferevent_read_buffer(bev, ((struct client *)arg)->got);
}

static void c_event(struct bufferevent *bev, short what, void *arg)
{
    (void)bev;
    struct client *c = arg;
    if (what & BEV_EVENT_CONNECTED)
        c->connected = true;
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
        c->eof = true;
}

static void c_open(struct fixture *f, struct client *c)
{
    struct sockaddr_in sa = { .sin_family = AF_INET,
                              .sin_port = htons(http_server_port(f->s)),
                              .sin_addr = { htonl(INADDR_LOOPBACK) } };
    *c = (struct client){ .got = evbuffer_new() };
    c->bev = bufferevent_socket_new(f->base, -1, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(c->bev, c_read, NULL, c_event, c);
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
    assert_int_equal(bufferevent_socket_connect(c->bev, (struct sockaddr *)&sa, sizeof(sa)), 0);
}

static void c_close(struct client *c)
{
    bufferevent_free(c->bev);
    evbuffer_free(c->got);
}

static void c_send(struct client *c, const char *text)
{
    bufferevent_write(c->bev, text, strlen(text));
}

static bool c_has(struct client *c, const char *text)
{
    return evbuffer_search(c->got, text, strlen(text), NULL).pos >= 0;
}

static void status_of(struct fixture *f, struct http_server_status *st)
{
    http_server_get_status(f->s, st);
}

static void answers_and_keeps_the_connection(void **state)
{
    struct fixture *f = *state;
    struct client c;
    serve(f, (struct http_server_config){ 0 });
    c_open(f, &c);
    c_send(&c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    loop_run_ms(f->base, 30);
    assert_true(c_has(&c, "200 OK"));
    assert_true(c_has(&c, "application/json"));
    assert_string_equal(f->body, "hello");
    c_send(&c, "GET /x?name=b%20c HTTP/1.1\r\nHost: a\r\n\r\n");
    loop_run_ms(f->base, 30);
    assert_true(c_has(&c, "X-Name: b c"));
    assert_false(c.eof);
    struct http_server_status st;
    status_of(f, &st);
    assert_int_equal(st.connections, 1);
    assert_int_equal(st.replies_2xx, 2);
    assert_int_equal(st.in_work, 0);
    c_close(&c);
    loop_run_ms(f->base, 30);
    status_of(f, &st);
    assert_int_equal(st.connections, 0);
}

static void body_and_method_limits(void **state)
{
    struct fixture *f = *state;
    struct client c;
    serve(f, (struct http_server_config){ .max_body_len = 100 });
    c_open(f, &c);
    c_send(&c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n");
    loop_run_ms(f->base, 30);
    assert_true(c_has(&c, " 413 "));
    c_close(&c);
    c_open(f, &c);
    c_send(&c, "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n");
    loop_run_ms(f->base, 30);
    assert_true(c_has(&c, " 501 ") || c_has(&c, " 405 "));
    assert_int_equal(f->requests, 0);
    c_close(&c);
}

static void connections_beyond_the_limit_wait(void **state)
{
    struct fixture *f = *state;
    struct client c[4];
    struct http_server_status st;
    serve(f, (struct http_server_config){ .max_connections = 2 });
    for (int i = 0; i < 4; i++) {
        c_open(f, &c[i]);
        loop_run_ms(f->base, 10);
        c_send(&c[i], "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    loop_run_ms(f->base, 60);
    status_of(f, &st);
    assert_int_equal(st.connections, 2);
    assert_true(st.accept_paused);
    assert_int_equal(f->requests, 2);
    c_close(&c[0]);
    c_close(&c[1]);
    loop_run_ms(f->base, 250); /* the waiting ones get their turn */
    assert_int_equal(f->requests, 4);
    assert_true(c_has(&c[2], "200 OK") && c_has(&c[3], "200 OK"));
    c_close(&c[2]);
    c_close(&c[3]);
    loop_run_ms(f->base, 1100);
    status_of(f, &st);
    assert_int_equal(st.connections, 0);
    assert_false(st.accept_paused);
}

static void idle_connections_without_a_request_are_closed(void **state)
{
    struct fixture *f = *state;
    struct client c;
    struct http_server_status st;
    serve(f, (struct http_server_config){ .idle_timeout_ms = 100 });
    c_open(f, &c);
    loop_run_ms(f->base, 300);
    assert_true(c.eof);
    status_of(f, &st);
    assert_int_equal(st.connections, 0);
    c_close(&c);
}

static void late_answers_and_hang_ups(void **state)
{
    struct fixture *f = *state;
    struct client c;
    serve(f, (struct http_server_config){ 0 });
    c_open(f, &c);
    c_send(&c, "GET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
    loop_run_ms(f->base, 30);
    assert_non_null(f->kept);
    assert_int_equal(evbuffer_get_length(c.got), 0);
    http_reply_text(f->kept, 200, "late");
    loop_run_ms(f->base, 30);
    assert_true(c_has(&c, "late"));
    c_send(&c, "GET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
    loop_run_ms(f->base, 30);
    c_close(&c);
    loop_run_ms(f->base, 30);
    assert_int_equal(f->gone, 1);
    assert_true(http_is_gone(f->kept));
    assert_int_equal(http_body(f->kept).len, 0);
    http_reply_text(f->kept, 200, "nobody listens");
    struct http_server_status st;
    status_of(f, &st);
    assert_int_equal(st.in_work, 0);
    assert_int_equal(st.gone, 1);
}

static void handler_that_never_answers_gives_504(void **state)
{
    struct fixture *f = *state;
    struct client c;
    serve(f, (struct http_server_config){ .answer_timeout_ms = 50 });
    c_open(f, &c);
    c_send(&c, "GET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
    loop_run_ms(f->base, 120);
    assert_true(c_has(&c, " 504 "));
    assert_int_equal(f->gone, 1);
    http_reply_text(f->kept, 200, "too late");
    loop_run_ms(f->base, 20);
    assert_false(c_has(&c, "too late"));
    c_close(&c);
}

static void slow_readers_are_cut_off(void **state)
{
    struct fixture *f = *state;
    struct client c;
    struct http_server_status st;
    f->big = (size_t)16 << 20;
    serve(f, (struct http_server_config){ .write_timeout_ms = 2000 });
    c_open(f, &c);
    loop_run_ms(f->base, 10);
    bufferevent_disable(c.bev, EV_READ); /* never reads */
    c_send(&c, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
    for (int i = 0; i < 100 && f->budget < f->big; i++)
        loop_run_ms(f->base, 20);
    assert_true(f->budget >= f->big);
    for (int i = 0; i < 200 && f->budget > 0; i++)
        loop_run_ms(f->base, 20);
    status_of(f, &st);
    assert_int_equal(st.slow_closed, 1);
    assert_int_equal(f->budget, 0);
    c_close(&c);
    /* a reader that keeps up gets all of it */
    c_open(f, &c);
    c_send(&c, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
    for (int i = 0; i < 100 && evbuffer_get_length(c.got) <= f->big; i++)
        loop_run_ms(f->base, 20);
    assert_true(evbuffer_get_length(c.got) > f->big);
    c_close(&c);
}

static void memory_budget_and_work_limit_give_503(void **state)
{
    struct fixture *f = *state;
    struct client c, d;
    f->budget_max = 10;
    serve(f, (struct http_server_config){ .max_in_work = 1 });
    c_open(f, &c);
    c_send(&c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world");
    loop_run_ms(f->base, 30);
    assert_true(c_has(&c, " 503 "));
    assert_true(c_has(&c, "Retry-After"));
    assert_int_equal(f->requests, 0);
    c_send(&c, "GET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
    loop_run_ms(f->base, 30);
    c_open(f, &d);
    c_send(&d, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    loop_run_ms(f->base, 30);
    assert_true(c_has(&d, " 503 "));
    http_reply_text(f->kept, 200, "a reply over the budget");
    loop_run_ms(f->base, 30);
    assert_false(c_has(&c, "a reply over the budget"));
    c_close(&c);
    c_close(&d);
}

static void cors_preflight(void **state)
{
    struct fixture *f = *state;
    struct client c;
    serve(f, (struct http_server_config){ .cors_origin = "*" });
    c_open(f, &c);
    c_send(&c, "OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\n\r\n");
    loop_run_ms(f->base, 30);
    assert_true(c_has(&c, " 204 "));
    assert_true(c_has(&c, "Access-Control-Allow-Methods: GET, POST, OPTIONS"));
    assert_int_equal(f->requests, 0);
    c_send(&c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    loop_run_ms(f->base, 30);
    assert_true(c_has(&c, "{}"));
    c_close(&c);
}

static void streams_and_drops(void **state)
{
    struct fixture *f = *state;
    struct client c;
    serve(f, (struct http_server_config){ 0 });
    c_open(f, &c);
    c_send(&c, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    loop_run_ms(f->base, 30);
    assert_true(c_has(&c, "chunked"));
    assert_true(c_has(&c, "part2"));
    assert_false(c.eof);
    c_send(&c, "GET /drop HTTP/1.1\r\nHost: a\r\n\r\n");
    loop_run_ms(f->base, 30);
    assert_true(c.eof);
    c_close(&c);
}

static void a_connection_can_be_taken_over(void **state)
{
    struct fixture *f = *state;
    struct client c;
    struct http_server_status st;
    serve(f, (struct http_server_config){ .idle_timeout_ms = 100 });
    c_open(f, &c);
    c_send(&c, "GET /take HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
    loop_run_ms(f->base, 30);
    assert_true(c_has(&c, "101 S"));
    loop_run_ms(f->base, 250); /* the server's idle timeout no longer counts */
    c_send(&c, "ping");
    loop_run_ms(f->base, 30);
    assert_true(c_has(&c, "ping"));
    status_of(f, &st);
    assert_int_equal(st.connections, 1);
    assert_int_equal(st.in_work, 0);
    http_taken_close(f->taken);
    loop_run_ms(f->base, 1100);
    assert_true(c.eof);
    status_of(f, &st);
    assert_int_equal(st.connections, 0);
    c_close(&c);
    /* and the server may close it first */
    c_open(f, &c);
    c_send(&c, "GET /take HTTP/1.1\r\nHost: a\r\n\r\n");
    loop_run_ms(f->base, 30);
    http_server_stop(f->s);
    assert_int_equal(f->taken_closed, 1);
    http_taken_close(f->taken);
    loop_run_ms(f->base, 30);
    assert_true(c.eof);
    c_close(&c);
}

static void on_drained(void *arg)
{
    ((struct fixture *)arg)->drained++;
}

static void drain_lets_work_finish(void **state)
{
    struct fixture *f = *state;
    struct client c, d;
    serve(f, (struct http_server_config){ 0 });
    c_open(f, &c);
    c_send(&c, "GET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
    c_open(f, &d);
    loop_run_ms(f->base, 30);
    http_server_drain(f->s, 10000, on_drained, f);
    c_send(&d, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    loop_run_ms(f->base, 30);
    assert_true(c_has(&d, " 503 "));
    assert_int_equal(f->drained, 0);
    http_reply_text(f->kept, 200, "done");
    loop_run_ms(f->base, 30);
    assert_int_equal(f->drained, 1);
    assert_true(c_has(&c, "done"));
    c_close(&c);
    c_close(&d);
}

static void stop_and_destroy_with_work_open(void **state)
{
    struct fixture *f = *state;
    struct client c;
    struct err e;
    serve(f, (struct http_server_config){ 0 });
    c_open(f, &c);
    c_send(&c, "POST /keep HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab");
    loop_run_ms(f->base, 30);
    http_server_stop(f->s);
    assert_int_equal(f->gone, 0);
    http_reply_text(f->kept, 200, "into the void");
    assert_true(http_server_start(f->s, &e)); /* usable again */
    c_close(&c);
    c_open(f, &c);
    c_send(&c, "GET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
    loop_run_ms(f->base, 30);
    http_server_destroy(f->s); /* the open exchange goes with it */
    f->s = NULL;
    c_close(&c);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(answers_and_keeps_the_connection),
        T(body_and_method_limits),
        T(connections_beyond_the_limit_wait),
        T(idle_connections_without_a_request_are_closed),
        T(late_answers_and_hang_ups),
        T(handler_that_never_answers_gives_504),
        T(slow_readers_are_cut_off),
        T(memory_budget_and_work_limit_give_503),
        T(cors_preflight),
        T(streams_and_drops),
        T(a_connection_can_be_taken_over),
        T(drain_lets_work_finish),
        T(stop_and_destroy_with_work_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
