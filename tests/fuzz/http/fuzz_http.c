/* Raw bytes into the HTTP server's socket: parsing, limits, exchanges answered, streamed and dropped. The first byte chooses
 * what the handler does. */
#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/base/log.h"
#include "node/net/http_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint8_t behaviour;
static size_t reserved;

static void handler(void *arg, struct http_exchange *x)
{
    char v[32];
    (void)arg;
    (void)!http_query_param(x, "a", v, sizeof(v));
    CHECK(http_path(x)[0] != '\0');
    CHECK(http_body(x).len <= 4096);
    struct evbuffer *b = evbuffer_new();
    CHECK(b != NULL);
    switch (behaviour % 4) {
    case 0:
        http_reply(x, 200, "application/json", http_body(x));
        break;
    case 1:
        evbuffer_add(b, "part", 4);
        http_stream_begin(x, 200, "text/plain");
        (void)http_stream_part(x, b);
        http_stream_end(x);
        break;
    case 2:
        http_drop(x);
        break;
    default:
        http_reply_text(x, 404, http_query(x));
    }
    evbuffer_free(b);
}

static bool reserve(void *arg, size_t len)
{
    (void)arg;
    reserved += len;
    return true;
}

static void release(void *arg, size_t len)
{
    (void)arg;
    CHECK(len <= reserved);
    reserved -= len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct err e;
    struct http_server_config cfg = { .address = "127.0.0.1",
                                      .allowed_methods = 63,
                                      .max_body_len = 4096,
                                      .max_headers_len = 2048,
                                      .cors_origin = "*",
                                      .reserve = reserve,
                                      .release = release };
    if (len < 1)
        return 0;
    behaviour = data[0];
    log_configure(LOG_ERROR, false);
    struct event_base *base = event_base_new();
    struct http_server *s = http_server_create(base, &cfg, handler, NULL, &e);
    CHECK(s && http_server_start(s, &e));
    struct sockaddr_in sa = { .sin_family = AF_INET,
                              .sin_port = htons(http_server_port(s)),
                              .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0);
    for (int i = 0; i < 3; i++)
        event_base_loop(base, EVLOOP_NONBLOCK);
    (void)!send(fd, data + 1, len - 1, MSG_NOSIGNAL);
    for (int i = 0; i < 6; i++)
        event_base_loop(base, EVLOOP_NONBLOCK);
    close(fd);
    for (int i = 0; i < 4; i++)
        event_base_loop(base, EVLOOP_NONBLOCK);
    http_server_destroy(s);
    CHECK(reserved == 0);
    event_base_free(base);
    return 0;
}
