/* tests/unit/rpc/test_subscriptions.c
 *
 * Subscribers and the loop that tells them: everybody hears everything in order, the loop is never held for long, and who does not listen
 * is cut off without the others noticing. Clients are raw sockets; frames by RFC 6455 §5.2. */
#include "tests/unit/base/testing.h"
#include "tests/unit/loop.h"
#include "tests/unit/rpc/rpc_world.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/rpc/sockets.h"

#define LOGS_AT_ONCE 200u
#define OWN_BUFFER   4096u /* what a connection keeps for the next message */

struct subscriber {
    int fd;
    uint8_t *got; /* owned: bytes that are not a whole frame yet */
    size_t len, cap;
    char first_id[40]; /* of the subscription that is checked */
    uint64_t notices, of_first, answers, refused;
    uint64_t next_index, last_block; /* of the checked subscription */
    bool closed;
};

static struct rpc_world *open_served(void (*adjust)(struct config *cfg))
{
    struct rpc_world *w = world_open(adjust);
    struct err err = { 0 };
    if (!rpc_start(w->rpc, &err))
        fail_msg("%s", err.msg);
    return w;
}

/* ---- a client ---- */

static void subscriber_send(struct subscriber *s, const char *text)
{
    size_t n = strlen(text), at = 0;
    uint8_t *frame = malloc(n + 14);
    frame[at++] = 0x81;
    if (n < 126) {
        frame[at++] = (uint8_t)(0x80 | n);
    } else {
        size_t wide = n < 65536 ? 2 : 8;
        frame[at++] = (uint8_t)(0x80 | (wide == 2 ? 126 : 127));
        for (size_t i = wide; i-- > 0;)
            frame[at++] = (uint8_t)(n >> (8 * i));
    }
    memset(frame + at, 0, 4); /* a mask of zeros */
    at += 4;
    for (size_t i = 0; i < n; i++)
        frame[at++] = (uint8_t)text[i];
    assert_int_equal(send(s->fd, frame, at, MSG_NOSIGNAL), at);
    free(frame);
}

static void take_log(struct subscriber *s, const json_t *log)
{
    uint64_t block = json_quantity(log, "blockNumber"), index = json_quantity(log, "logIndex");
    if (block != s->last_block) {
        assert_true(block > s->last_block);
        s->last_block = block;
        s->next_index = 0;
    }
    assert_int_equal(index, s->next_index++);
}

static void take_text(struct subscriber *s, const uint8_t *p, size_t n)
{
    json_t *v = json_loadb((const char *)p, n, 0, NULL);
    assert_non_null(v);
    const json_t *params = json_object_get(v, "params"), *log = json_object_get(params, "result");
    if (params) {
        s->notices++;
        if (strcmp(json_text(params, "subscription"), s->first_id) == 0) {
            s->of_first++;
            if (json_object_get(log, "logIndex"))
                take_log(s, log);
        }
    } else {
        const char *id = json_string_value(json_object_get(v, "result"));
        s->answers++;
        s->refused += id == NULL;
        if (id && !s->first_id[0])
            snprintf(s->first_id, sizeof(s->first_id), "%s", id);
    }
    json_decref(v);
}

/* Takes what has come. */
static void subscriber_read(struct subscriber *s)
{
    for (;;) {
        if (s->cap - s->len < 65536) {
            s->cap += 262144;
            s->got = realloc(s->got, s->cap);
            assert_non_null(s->got);
        }
        ssize_t n = recv(s->fd, s->got + s->len, s->cap - s->len, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            s->closed = true;
        if (n <= 0)
            break;
        s->len += (size_t)n;
        size_t at = 0;
        for (;;) {
            size_t left = s->len - at, head = 2, len;
            const uint8_t *p = s->got + at;
            if (left < 10 && (left < 2 || p[1] > 125))
                break;
            len = p[1];
            if (len == 126) {
                len = (size_t)p[2] << 8 | p[3];
                head = 4;
            } else if (len == 127) {
                len = (size_t)load_be64(p + 2);
                head = 10;
            }
            if (left < head + len)
                break;
            if (p[0] == 0x81)
                take_text(s, p + head, len);
            at += head + len;
        }
        memmove(s->got, s->got + at, s->len - at);
        s->len -= at;
    }
}

static void subscriber_open(struct rpc_world *w, struct subscriber *s)
{
    static const char hello[] = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons(rpc_port(w->rpc)),
                             .sin_addr = { htonl(INADDR_LOOPBACK) } };
    size_t before = w->rpc->sockets->client_cnt;
    int small = 4096;
    char head[512];
    *s = (struct subscriber){ .fd = socket(AF_INET, SOCK_STREAM, 0) };
    setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    assert_int_equal(connect(s->fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(send(s->fd, hello, sizeof(hello) - 1, 0), sizeof(hello) - 1);
    for (int i = 0; i < 1000 && w->rpc->sockets->client_cnt == before; i++)
        loop_turn(w->base, 5);
    ssize_t n = -1;
    for (int i = 0; i < 1000 && n <= 0; i++) {
        loop_turn(w->base, 5);
        n = recv(s->fd, head, sizeof(head), MSG_DONTWAIT);
    }
    assert_true(n > 12 && memcmp(head, "HTTP/1.1 101", 12) == 0);
}

static void subscriber_close(struct subscriber *s)
{
    close(s->fd);
    free(s->got);
}

static void ask(struct rpc_world *w, struct subscriber *s, const char *params)
{
    uint64_t before = s->answers;
    subscriber_send(s, world_format(w,
                                    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_subscribe\","
                                    "\"params\":%s}",
                                    params));
    for (int i = 0; i < 2000 && s->answers == before; i++) {
        loop_turn(w->base, 5);
        subscriber_read(s);
    }
    assert_int_equal(s->answers, before + 1);
}

static void subscribe_to_logs(struct rpc_world *w, struct subscriber *s, unsigned cnt)
{
    for (unsigned i = 0; i < cnt; i++)
        ask(w, s, "[\"logs\",{\"address\":\"" COUNTER "\"}]");
    assert_int_equal(s->refused, 0);
}

/* So many logs, in one block mostly: nothing is included before the loop turns. */
static const char *send_logs(struct rpc_world *w)
{
    const char *hash = NULL;
    for (unsigned i = 0; i < LOGS_AT_ONCE; i++)
        hash = world_send(w, 1 + i % 7, COUNTER, "0x01", 0, 200000);
    return hash;
}

static void send_and_include(struct rpc_world *w)
{
    json_decref(world_receipt(w, send_logs(w)));
}

/* ---- tests ---- */

/* A turn of the loop tells so much and no more, whatever the number of subscriptions. */
static void many_subscriptions_do_not_hold_the_loop(void **state)
{
    (void)state;
    struct rpc_world *w = open_served(NULL);
    struct rpc_sockets *all = w->rpc->sockets;
    struct subscriber s;
    subscriber_open(w, &s);
    subscribe_to_logs(w, &s, SUBSCRIPTIONS_MAX);
    uint64_t most = 0, want = (uint64_t)LOGS_AT_ONCE * SUBSCRIPTIONS_MAX;
    (void)send_logs(w);
    for (int i = 0; i < 100000 && s.notices < want; i++) {
        uint64_t before = all->notifications;
        loop_turn(w->base, 20);
        most = all->notifications - before > most ? all->notifications - before : most;
        subscriber_read(&s);
    }
    assert_int_equal(s.notices, want);
    assert_int_equal(s.of_first, LOGS_AT_ONCE);
    assert_in_range(most, 1, want / 8);
    for (int i = 0; i < 200 && all->held > OWN_BUFFER; i++)
        loop_turn(w->base, 5);
    assert_int_equal(all->notice_cnt, 0);
    assert_true(all->held <= OWN_BUFFER);
    subscriber_close(&s);
    world_close(w);
}

static void little_memory(struct config *cfg)
{
    cfg->rpc.memory_budget = 4u << 20;
}

static void who_does_not_listen_is_cut_off_and_others_hear_all(void **state)
{
    (void)state;
    struct rpc_world *w = open_served(little_memory);
    struct rpc_sockets *all = w->rpc->sockets;
    struct subscriber deaf, good;
    subscriber_open(w, &deaf);
    subscribe_to_logs(w, &deaf, SUBSCRIPTIONS_MAX);
    subscriber_open(w, &good);
    subscribe_to_logs(w, &good, 1);
    uint64_t blocks = 0;
    while (all->slow_closed == 0 && blocks < 60) {
        send_and_include(w);
        blocks++;
        for (int i = 0; i < 2000 && good.of_first < blocks * LOGS_AT_ONCE; i++) {
            loop_turn(w->base, 5);
            subscriber_read(&good);
        }
        assert_int_equal(good.of_first, blocks * LOGS_AT_ONCE);
        assert_true(atomic_load(&w->rpc->memory) <= w->cfg.rpc.memory_budget);
    }
    assert_int_equal(all->slow_closed, 1);
    assert_false(good.closed);
    for (int i = 0; i < 200 && all->client_cnt > 1; i++)
        loop_turn(w->base, 5);
    assert_int_equal(all->client_cnt, 1);
    assert_true(all->held <= OWN_BUFFER);
    subscriber_close(&deaf);
    subscriber_close(&good);
    world_close(w);
}

/* Filters cost time for every block, so that a client may not have any number of words in them. */
static void words_of_filters_are_bounded(void **state)
{
    (void)state;
    struct rpc_world *w = open_served(NULL);
    struct subscriber s;
    struct buf list;
    buf_init(&list, 1u << 20);
    buf_append_str(&list, "[\"logs\",{\"address\":[");
    for (unsigned i = 0; i < 1024; i++)
        buf_printf(&list, "%s\"0x%040x\"", i ? "," : "", i);
    buf_append(&list, "]}]", 4);
    const char *text = (const char *)list.p;
    subscriber_open(w, &s);
    for (int i = 0; i < 4; i++)
        ask(w, &s, text);
    assert_int_equal(s.refused, 0);
    ask(w, &s, text);
    assert_int_equal(s.refused, 1);
    ask(w, &s, "[\"logs\",{}]"); /* of no words */
    assert_int_equal(s.refused, 1);
    buf_clear(&list);
    subscriber_close(&s);
    world_close(w);
}

static void what_is_lost_is_counted(void **state)
{
    (void)state;
    struct rpc_world *w = open_served(NULL);
    struct subscriber s;
    struct buf page;
    subscriber_open(w, &s);
    ask(w, &s, "[\"newPendingTransactions\",true]");
    size_t share = (size_t)w->cfg.rpc.memory_budget / 2 - w->rpc->sockets->held;
    assert_true(rpc_sockets_reserve(w->rpc, share));
    (void)world_send(w, 1, COUNTER, "0x01", 0, 200000);
    rpc_sockets_give_back(w->rpc, share);
    (void)world_send(w, 1, COUNTER, "0x01", 0, 200000);
    for (int i = 0; i < 2000 && s.notices < 1; i++) {
        loop_turn(w->base, 5);
        subscriber_read(&s);
    }
    assert_int_equal(s.notices, 1);
    buf_init(&page, 4u << 20);
    rpc_metrics_page(w->rpc, &page);
    buf_append(&page, "", 1);
    assert_non_null(strstr((char *)page.p, "\nrpc_subscription_notices_lost 1\n"));
    buf_clear(&page);
    subscriber_close(&s);
    world_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_subscriptions_do_not_hold_the_loop),
        cmocka_unit_test(who_does_not_listen_is_cut_off_and_others_hear_all),
        cmocka_unit_test(words_of_filters_are_bounded),
        cmocka_unit_test(what_is_lost_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
