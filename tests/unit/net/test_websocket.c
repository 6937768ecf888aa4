/* WebSocket connections of a server against a raw socket on the same loop: what a client that is hostile or lazy may hold, and for how
 * long. Frames are written here by RFC 6455 §5.2. */
#include "tests/unit/base/testing.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/base/clock.h"
#include "node/base/log.h"
#include "node/net/websocket.h"
#include "tests/unit/loop.h"

struct fixture {
    struct event_base *base;
    struct http_server *s;
    struct ws *w; /* NULL: gone */
    struct ws_config cfg;
    unsigned messages, closed;
    bool slow;
    size_t budget, budget_max, budget_peak;
    int fd; /* the client */
};

static bool reserve(void *arg, size_t len)
{
    struct fixture *f = arg;
    if (f->budget + len > f->budget_max)
        return false;
    f->budget += len;
    if (f->budget > f->budget_peak)
        f->budget_peak = f->budget;
    return true;
}

static void release(void *arg, size_t len)
{
    struct fixture *f = arg;
    assert_true(f->budget >= len);
    f->budget -= len;
}

static void on_message(void *arg, struct ws *w, struct bytes text)
{
    (void)w;
    (void)text;
    ((struct fixture *)arg)->messages++;
}

static void on_closed(void *arg, struct ws *w, bool slow)
{
    struct fixture *f = arg;
    assert_ptr_equal(w, f->w);
    f->w = NULL;
    f->closed++;
    f->slow = slow;
}

static void on_request(void *arg, struct http_exchange *x)
{
    struct fixture *f = arg;
    struct ws_callbacks cb = { .arg = f, .on_message = on_message, .on_closed = on_closed };
    f->w = ws_accept(x, f->base, &f->cfg, &cb);
    assert_non_null(f->w);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct err e;
    struct http_server_config cfg = { .address = "127.0.0.1" };
    f->base = event_base_new();
    f->budget_max = (size_t)64 << 20;
    f->fd = -1;
    f->cfg = (struct ws_config){ .max_message = 1u << 20,
                                 .max_unsent = 256u << 10,
                                 .reserve = reserve,
                                 .release = release,
                                 .budget = f };
    log_configure(LOG_ERROR, false);
    f->s = http_server_create(f->base, &cfg, on_request, f, &e);
    assert_non_null(f->s);
    assert_true(http_server_start(f->s, &e));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    if (f->fd >= 0)
        close(f->fd);
    http_server_destroy(f->s);
    assert_null(f->w);
    assert_int_equal(f->budget, 0);
    event_base_free(f->base);
    free(f);
    return 0;
}

/* A client with small buffers in the kernel, so that what it does not read stays with the server. */
static void connect_client(struct fixture *f)
{
    static const char hello[] = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons(http_server_port(f->s)),
                             .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int small = 4096;
    char head[512];
    f->fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(f->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    assert_int_equal(connect(f->fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(send(f->fd, hello, sizeof(hello) - 1, 0), sizeof(hello) - 1);
    for (int i = 0; i < 100 && !f->w; i++)
        loop_turn(f->base, 10);
    assert_non_null(f->w);
    loop_run_ms(f->base, 10);
    assert_true(recv(f->fd, head, sizeof(head), MSG_DONTWAIT) > 0);
}

/* A masked frame with a mask of zeros. */
static size_t frame(uint8_t *out, uint8_t first, const char *payload)
{
    size_t n = strlen(payload);
    assert_true(n < 126);
    out[0] = first;
    out[1] = (uint8_t)(0x80 | n);
    memset(out + 2, 0, 4);
    for (size_t i = 0; i < n; i++)
        out[6 + i] = (uint8_t)payload[i];
    return 6 + n;
}

static bool send_all(struct fixture *f, const uint8_t *p, size_t n)
{
    for (size_t at = 0; at < n && f->w;) {
        ssize_t k = send(f->fd, p + at, n - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (k > 0)
            at += (size_t)k;
        loop_turn(f->base, 1);
    }
    return f->w != NULL;
}

static void run_until_closed(struct fixture *f, unsigned ms)
{
    for (unsigned i = 0; i < ms && f->w; i++)
        loop_turn(f->base, 1);
}

/* The code of the close frame that stands at the end of what has come. */
static unsigned close_code(struct fixture *f)
{
    uint8_t got[4096];
    ssize_t n = recv(f->fd, got, sizeof(got), MSG_DONTWAIT);
    for (ssize_t at = 0; at + 4 <= n; at += 2 + got[at + 1])
        if (got[at] == 0x88)
            return (unsigned)got[at + 2] << 8 | got[at + 3];
    return 0;
}

static void who_pings_and_never_reads_is_cut_off(void **state)
{
    struct fixture *f = *state;
    uint8_t pings[131 * 500];
    size_t n = 0;
    char payload[126];
    memset(payload, 'p', 125);
    payload[125] = 0;
    while (n + 131 <= sizeof(pings))
        n += frame(pings + n, 0x89, payload);
    connect_client(f);
    /* 64 MB of pings: far more than the kernel keeps of the answers */
    for (int i = 0; i < 1000 && send_all(f, pings, n); i++)
        ;
    assert_int_equal(f->closed, 1);
    assert_true(f->slow);
    assert_in_range(f->budget_peak, 128u << 10, (256u << 10) + (8u << 10));
}

static void a_ping_is_answered_in_time(void **state)
{
    struct fixture *f = *state;
    uint8_t ping[64], got[64];
    connect_client(f);
    size_t n = frame(ping, 0x89, "Hello");
    assert_true(send_all(f, ping, n));
    loop_run_ms(f->base, 20);
    assert_int_equal(recv(f->fd, got, sizeof(got), MSG_DONTWAIT), 7);
    assert_memory_equal(got, "\x8a\x05Hello", 7);
    assert_int_equal(f->budget, 0); /* nothing waits */
}

/* Pings between its parts keep the connection alive, not the message. */
static void a_message_that_does_not_end_is_closed(void **state)
{
    struct fixture *f = *state;
    uint8_t part[128], ping[16];
    f->cfg.message_timeout_ms = 150;
    connect_client(f);
    uint64_t from = clock_mono_ms(clock_system());
    assert_true(send_all(f, part, frame(part, 0x01, "{\"id\":")));
    loop_run_ms(f->base, 10);
    assert_true(f->budget > 0);
    size_t n = frame(ping, 0x89, ""), m = frame(part, 0x00, " ");
    while (clock_mono_ms(clock_system()) - from < 3000 && send_all(f, ping, n) &&
           send_all(f, part, m))
        loop_run_ms(f->base, 10);
    assert_int_equal(f->closed, 1);
    assert_false(f->slow);
    assert_int_equal(close_code(f), WS_POLICY);
    assert_int_equal(f->messages, 0);
}

static void messages_that_end_start_the_clock_anew(void **state)
{
    struct fixture *f = *state;
    uint8_t part[128];
    f->cfg.message_timeout_ms = 200;
    connect_client(f);
    size_t n = frame(part, 0x80, "b");
    n += frame(part + n, 0x01, "a"); /* the end of one and the start of the next come together */
    uint8_t first[16];
    assert_true(send_all(f, first, frame(first, 0x01, "a")));
    for (int i = 0; i < 10; i++) {
        loop_run_ms(f->base, 50);
        assert_true(send_all(f, part, n));
    }
    assert_int_equal(f->messages, 10);
    run_until_closed(f, 3000);
    assert_int_equal(f->closed, 1);
}

static void what_waits_is_in_the_budget(void **state)
{
    struct fixture *f = *state;
    size_t len = 100u << 10;
    uint8_t *text = calloc(1, len);
    f->cfg.max_unsent = (size_t)32 << 20;
    f->budget_max = 1u << 20;
    connect_client(f);
    int sent = 0;
    while (sent < 200 && ws_send(f->w, bytes_of(text, len)))
        sent++;
    free(text);
    assert_int_equal(sent, 10); /* of 100 KiB in 1 MiB: nothing has gone out yet */
    run_until_closed(f, 1000);
    assert_int_equal(f->closed, 1);
    assert_true(f->slow);
}

/* Some bytes now and then are not reading. */
static void a_reader_of_single_bytes_ends(void **state)
{
    struct fixture *f = *state;
    size_t len = (size_t)8 << 20;
    uint8_t *text = calloc(1, len), byte;
    f->cfg.max_unsent = (size_t)32 << 20;
    f->cfg.write_timeout_ms = 200;
    connect_client(f);
    assert_true(ws_send(f->w, bytes_of(text, len)));
    free(text);
    uint64_t from = clock_mono_ms(clock_system());
    while (f->w && clock_mono_ms(clock_system()) - from < 5000) {
        /* the kernel opens its window for some thousand at a time */
        for (int i = 0; i < 3000; i++)
            (void)recv(f->fd, &byte, 1, MSG_DONTWAIT);
        loop_run_ms(f->base, 20);
    }
    assert_int_equal(f->closed, 1);
    assert_true(f->slow);
}

static void a_steady_reader_stays(void **state)
{
    struct fixture *f = *state;
    uint8_t *text = calloc(1, 65536), *got = malloc(1u << 20);
    f->cfg.max_unsent = (size_t)4 << 20;
    f->cfg.write_timeout_ms = 200;
    connect_client(f);
    uint64_t from = clock_mono_ms(clock_system());
    while (clock_mono_ms(clock_system()) - from < 1000) {
        assert_non_null(f->w);
        assert_true(ws_send(f->w, bytes_of(text, 65536)));
        loop_run_ms(f->base, 10);
        while (recv(f->fd, got, 1u << 20, MSG_DONTWAIT) > 0)
            loop_turn(f->base, 1);
    }
    assert_int_equal(f->closed, 0);
    free(text);
    free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(who_pings_and_never_reads_is_cut_off),
        T(a_ping_is_answered_in_time),
        T(a_message_that_does_not_end_is_closed),
        T(messages_that_end_start_the_clock_anew),
        T(what_waits_is_in_the_budget),
        T(a_reader_of_single_bytes_ends),
        T(a_steady_reader_stays),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
