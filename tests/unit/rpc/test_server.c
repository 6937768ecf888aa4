/* tests/unit/rpc/test_server.c
 *
 * The listeners over real sockets: the event loop runs on a thread of its own, the test is the client. */
#include "tests/unit/base/testing.h"
#include "tests/unit/rpc/rpc_world.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/base/hex.h"

struct server {
    struct rpc_world *w;
    pthread_t thread;
    struct event *keep; /* keeps the loop alive */
    atomic_bool stop;
};

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct server *s = arg;
    (void)fd;
    (void)what;
    if (atomic_load(&s->stop))
        event_base_loopbreak(s->w->base);
}

static void *run_loop(void *arg)
{
    event_base_dispatch(((struct server *)arg)->w->base);
    return NULL;
}

static struct server *server_open(void (*adjust)(struct config *))
{
    struct server *s = calloc(1, sizeof(*s));
    struct err err = { 0 };
    struct timeval tick = { 0, 2000 };
    s->w = world_open(adjust);
    if (!rpc_start(s->w->rpc, &err))
        fail_msg("%s", err.msg);
    s->keep = event_new(s->w->base, -1, EV_PERSIST, on_tick, s);
    event_add(s->keep, &tick);
    assert_int_equal(pthread_create(&s->thread, NULL, run_loop, s), 0);
    return s;
}

static void server_close(struct server *s)
{
    atomic_store(&s->stop, true);
    pthread_join(s->thread, NULL);
    event_free(s->keep);
    world_close(s->w);
    free(s);
}

static int dial(uint16_t port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct timeval limit = { 20, 0 };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

static char reply[4 << 20];

/* One exchange on its own connection; the reply with its head. */
static const char *exchange(uint16_t port, const char *method, const char *path, const char *body)
{
    char head[400];
    int fd = dial(port);
    int n = snprintf(head, sizeof(head),
                     "%s %s HTTP/1.1\r\nhost: x\r\nconnection: close\r\norigin: "
                     "http://a\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n",
                     method, path, strlen(body));
    assert_int_equal(send(fd, head, (size_t)n, 0), n);
    for (size_t at = 0, len = strlen(body); at < len;) {
        ssize_t k = send(fd, body + at, len - at, MSG_NOSIGNAL);
        if (k <= 0)
            break;
        at += (size_t)k;
    }
    size_t got = 0;
    for (ssize_t k; (k = recv(fd, reply + got, sizeof(reply) - 1 - got, 0)) > 0;)
        got += (size_t)k;
    reply[got] = 0;
    close(fd);
    return reply;
}

static int status_of(const char *text)
{
    assert_int_equal(strncmp(text, "HTTP/1.1 ", 9), 0);
    return (int)strtol(text + 9, NULL, 10);
}

static const char *body_of(const char *text)
{
    const char *b = strstr(text, "\r\n\r\n");
    assert_non_null(b);
    return b + 4;
}

static void test_calls_and_refusals_over_http(void **state)
{
    (void)state;
    struct server *s = server_open(NULL);
    uint16_t port = rpc_port(s->w->rpc);
    assert_true(port != 0);
    const char *r =
        exchange(port, "POST", "/", "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"eth_chainId\"}");
    assert_int_equal(status_of(r), 200);
    assert_non_null(strcasestr(r, "application/json"));
    assert_string_equal(body_of(r), "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":\"0x10e\"}");
    assert_int_equal(status_of(exchange(port, "GET", "/", "")), 405);
    r = exchange(port, "OPTIONS", "/", "");
    assert_true(status_of(r) < 300);
    assert_non_null(strcasestr(r, "access-control-allow-origin: *"));
    assert_string_equal(body_of(exchange(port, "POST", "/", "nonsense")),
                        "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":"
                        "\"parse error: the request is not JSON\"}}");
    server_close(s);
}

static void small_bodies(struct config *cfg)
{
    cfg->rpc.max_request_size = 4096;
}

static void test_a_body_above_the_limit_is_refused(void **state)
{
    (void)state;
    struct server *s = server_open(small_bodies);
    uint16_t port = rpc_port(s->w->rpc);
    char *big = malloc(9000);
    memset(big, ' ', 8999);
    big[8999] = 0;
    const char *r = exchange(port, "POST", "/", big);
    free(big);
    assert_true(*r == 0 || status_of(r) == 413);
    assert_int_equal(
        status_of(exchange(port, "POST", "/",
                           "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"eth_chainId\"}")),
        200);
    server_close(s);
}

static const char *signed_tx(struct rpc_world *w, uint64_t nonce)
{
    struct wallet k = wallet_of(1);
    struct wallet_tx t = { .chain_id = 270, .nonce = nonce, .gas_limit = 50000, .max_fee = 1000 };
    struct bytes raw = wallet_sign(&k, &t, &w->arena);
    char *text = arena_alloc(&w->arena, 3 + 2 * raw.len);
    hex_encode0x(text, raw.p, raw.len);
    return text;
}

static void test_the_waiting_submission_gives_the_receipt_or_times_out(void **state)
{
    (void)state;
    struct server *s = server_open(NULL);
    uint16_t port = rpc_port(s->w->rpc);
    const char *body = world_format(s->w,
                                    "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"eth_"
                                    "sendRawTransactionSync\",\"params\":[\"%s\",10000]}",
                                    signed_tx(s->w, 0));
    const char *r = exchange(port, "POST", "/", body);
    json_t *v = json_loads(body_of(r), 0, NULL);
    const json_t *receipt = json_object_get(v, "result");
    if (!receipt)
        fail_msg("%s", r);
    assert_int_equal(json_quantity(receipt, "status"), 1);
    assert_int_equal(json_quantity(receipt, "blockNumber"), 1);
    json_decref(v);
    /* a nonce gap: it stays in the pool */
    body = world_format(s->w,
                        "{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"eth_sendRawTransactionSync\","
                        "\"params\":[\"%s\",\"0x32\"]}",
                        signed_tx(s->w, 5));
    v = json_loads(body_of(exchange(port, "POST", "/", body)), 0, NULL);
    const json_t *e = json_object_get(v, "error");
    assert_int_equal(json_integer_value(json_object_get(e, "code")), 4);
    const char *hash = json_text(e, "data");
    assert_non_null(strstr(json_text(e, "message"), hash));
    json_t *t = world_call(s->w, "eth_getTransactionByHash", world_format(s->w, "[\"%s\"]", hash));
    assert_true(json_is_object(t));
    json_decref(t);
    json_decref(v);
    server_close(s);
}

static void test_many_clients_at_once(void **state)
{
    (void)state;
    struct server *s = server_open(NULL);
    uint16_t port = rpc_port(s->w->rpc);
    int fds[64];
    char body[200], head[400];
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 64; i++) {
            int len = snprintf(body, sizeof(body),
                               "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"eth_getBlockByNumber\","
                               "\"params\":[\"0x0\",true]}",
                               i);
            int n = snprintf(
                head, sizeof(head),
                "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s",
                len, body);
            fds[i] = dial(port);
            assert_int_equal(send(fds[i], head, (size_t)n, 0), n);
        }
        for (int i = 0; i < 64; i++) {
            size_t got = 0;
            for (ssize_t k; (k = recv(fds[i], reply + got, sizeof(reply) - 1 - got, 0)) > 0;)
                got += (size_t)k;
            reply[got] = 0;
            close(fds[i]);
            snprintf(body, sizeof(body),
                     "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":{\"number\":\"0x0\"", i);
            assert_int_equal(strncmp(body_of(reply), body, strlen(body)), 0);
        }
    }
    server_close(s);
}

static void test_status_pages(void **state)
{
    (void)state;
    struct server *s = server_open(NULL);
    uint16_t port = rpc_status_port(s->w->rpc);
    const char *r = exchange(port, "GET", "/status/health", "");
    assert_int_equal(status_of(r), 200);
    assert_string_equal(body_of(r), "{\"healthy\":true}");
    assert_int_equal(status_of(exchange(port, "GET", "/status/live", "")), 200);
    assert_int_equal(status_of(exchange(port, "GET", "/status/ready", "")), 200);
    r = exchange(port, "GET", "/status/accepting", "");
    assert_string_equal(body_of(r),
                        "{\"status\":\"accepting\",\"accepting_transactions\":true,\"causes\":[]}");
    chain_pause(s->w->chain, "the test says so");
    r = exchange(port, "GET", "/status/accepting", "");
    assert_int_equal(status_of(r), 503);
    assert_string_equal(
        body_of(r), "{\"status\":\"not_accepting\",\"accepting_transactions\":false,\"causes\":[{"
                    "\"trigger\":\"block_production_disabled\",\"reason\":\"the test says so\"}]}");
    assert_int_equal(status_of(exchange(port, "GET", "/status/ready", "")), 200);
    json_t *e = world_error(s->w, "eth_sendRawTransaction",
                            world_format(s->w, "[\"%s\"]", signed_tx(s->w, 0)));
    assert_string_equal(json_text(e, "message"),
                        "transaction submission is temporarily disabled: the test says so");
    json_decref(e);
    chain_resume(s->w->chain);
    json_t *v =
        json_loads(body_of(exchange(port, "GET", "/status", "")), JSON_REJECT_DUPLICATES, NULL);
    assert_true(json_is_true(json_object_get(v, "healthy")));
    assert_int_equal(json_integer_value(json_object_get(v, "chain_id")), 270);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(v, "chain"), "head_block")),
                     0);
    json_decref(v);
    v = json_loads(body_of(exchange(port, "GET", "/status/pipeline", "")), JSON_REJECT_DUPLICATES,
                   NULL);
    assert_int_equal(json_array_size(json_object_get(v, "components")), 7);
    json_decref(v);
    assert_int_equal(status_of(exchange(port, "GET", "/status/nothing", "")), 404);
    assert_int_equal(status_of(exchange(port, "POST", "/status", "{}")), 405);
    server_close(s);
}

static void test_metrics_page(void **state)
{
    (void)state;
    struct server *s = server_open(NULL);
    (void)exchange(rpc_port(s->w->rpc), "POST", "/",
                   "[{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"eth_chainId\"},{\"jsonrpc\":\"2."
                   "0\",\"id\":5,\"method\":\"nope\"}]");
    const char *m = body_of(exchange(rpc_metrics_port(s->w->rpc), "GET", "/metrics", ""));
    static const char *const lines[] = {
        "\nchain_id 270\n",
        "process_started_at{version=\"1.2.3\",role=\"main_node\"} ",
        "execution_block_number{stage=\"sealed\"} 0\n",
        "execution_seal_reason{reason=\"timeout\"} 0\n",
        "batcher_batch_number{stage=\"batch_sealed\"} 0\n",
        "finality_lag_seconds{stage=\"executed\"} 0\n",
        "response_time_seconds_count{method=\"eth_chainId\"} 1\n",
        "response_time_seconds_count{method=\"batch\"} 1\n",
        "rpc_errors{code=\"-32601\"} 1\n",
        "requests_in_batch_count_sum 2\n",
        "rpc_subscription_notices_lost 0\n",
        "pipeline_accepting 1\n"
    };
    for (size_t i = 0; i < GH_COUNT(lines); i++)
        if (!strstr(m, lines[i]))
            fail_msg("%s is missing in\n%s", lines[i], m);
    assert_int_equal(status_of(exchange(rpc_metrics_port(s->w->rpc), "GET", "/other", "")), 404);
    server_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls_and_refusals_over_http),
        cmocka_unit_test(test_a_body_above_the_limit_is_refused),
        cmocka_unit_test(test_the_waiting_submission_gives_the_receipt_or_times_out),
        cmocka_unit_test(test_many_clients_at_once),
        cmocka_unit_test(test_status_pages),
        cmocka_unit_test(test_metrics_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
