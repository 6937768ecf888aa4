/* node/rpc/server.c
 *
 * The three listeners. A request of the RPC listener is answered on a worker: the exchange stays untouched meanwhile, so
 * its body is read in place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/rpc/rpc_internal.h"
#include "node/rpc/sockets.h"

struct job { /* one body */
    struct rpc *rpc;
    struct http_exchange *exchange;
    struct bytes body; /* the exchange's */
    struct buf reply;  /* owned */
};

static void run_job(void *arg)
{
    struct job *j = arg;
    rpc_dispatch(j->rpc, j->body, &j->reply);
}

static void finish_job(void *arg)
{
    struct job *j = arg;
    http_reply_buf(j->exchange, 200, "application/json", &j->reply);
    free(j);
}

struct worker_pool *rpc_pool_for(struct rpc *r, struct bytes body)
{
    static const char name[] = "eth_sendRawTransactionSync";
    bool waits = body.len > sizeof(name) && memmem(body.p, body.len, name, sizeof(name) - 1);
    return waits ? r->sync_workers : r->workers;
}

/* evhttp itself answers 501 to methods it is not told of, so one more is let through to be refused properly. */
static bool refuse_method(struct http_exchange *x, enum http_method only)
{
    if (http_method(x) == only)
        return false;
    (void)http_add_header(x, "Allow", http_method_name(only));
    http_reply_text(x, 405, "method not allowed\n");
    return true;
}

static void on_request(void *arg, struct http_exchange *x)
{
    struct rpc *r = arg;
    if (ws_is_asked(x)) {
        rpc_socket_accept(r, x);
        return;
    }
    if (refuse_method(x, HTTP_POST))
        return;
    struct job *j = calloc(1, sizeof(*j));
    if (!j) {
        http_reply_text(x, 503, "out of memory\n");
        return;
    }
    j->rpc = r;
    j->exchange = x;
    j->body = http_body(x);
    buf_init(&j->reply, r->d.cfg->rpc.max_response_size + (1u << 20));
    if (worker_submit(rpc_pool_for(r, j->body), run_job, finish_job, j))
        return;
    free(j);
    http_reply_text(x, 503, "shutting down\n");
}

/* ---- status and metrics ---- */

static void on_status(void *arg, struct http_exchange *x)
{
    struct rpc *r = arg;
    struct buf out;
    if (refuse_method(x, HTTP_GET))
        return;
    buf_init(&out, 4u << 20);
    int status = rpc_status_page(r, http_path(x), &out);
    if (out.failed)
        http_reply_text(x, 503, "out of memory\n");
    else
        http_reply(x, status, out.len ? "application/json" : NULL, bytes_of(out.p, out.len));
    buf_clear(&out);
}

static void on_metrics(void *arg, struct http_exchange *x)
{
    struct rpc *r = arg;
    struct buf out;
    if (refuse_method(x, HTTP_GET))
        return;
    if (strcmp(http_path(x), "/metrics") != 0 && strcmp(http_path(x), "/") != 0) {
        http_reply_text(x, 404, "not found\n");
        return;
    }
    buf_init(&out, 64u << 20);
    rpc_metrics_page(r, &out);
    if (out.failed)
        http_reply_text(x, 503, "out of memory\n");
    else
        http_reply(x, 200, "text/plain; version=0.0.4; charset=utf-8", bytes_of(out.p, out.len));
    buf_clear(&out);
}

/* ---- opening ---- */

static struct http_server *open_server(struct rpc *r, const struct http_server_config *cfg,
                                       http_handler_fn *handler, struct err *err)
{
    struct http_server *s = http_server_create(r->d.base, cfg, handler, r, err);
    if (s && http_server_start(s, err))
        return s;
    err_wrap(err, "%s listener", cfg->name);
    http_server_destroy(s);
    return NULL;
}

static bool open_rpc(struct rpc *r, struct err *err)
{
    struct http_endpoint at;
    if (!http_endpoint_parse(&at, r->d.cfg->rpc.address, "rpc.address", err))
        return false;
    struct http_server_config cfg = { .name = "rpc",
                                      .address = at.host,
                                      .port = at.port,
                                      .allowed_methods = HTTP_GET | HTTP_POST,
                                      .max_body_len = (size_t)r->d.cfg->rpc.max_request_size,
                                      .max_connections = (size_t)r->d.cfg->rpc.max_connections,
                                      .max_in_work = 4 * (size_t)r->d.cfg->rpc.max_connections,
                                      .cors_origin = "*",
                                      .reserve = rpc_memory_reserve,
                                      .release = rpc_memory_release,
                                      .budget = r };
    r->http = open_server(r, &cfg, on_request, err);
    return r->http != NULL;
}

static bool open_status(struct rpc *r, struct err *err)
{
    struct http_endpoint at;
    if (!r->d.cfg->status_server.enabled)
        return true;
    if (!http_endpoint_parse(&at, r->d.cfg->status_server.address, "status_server.address", err))
        return false;
    struct http_server_config cfg = { .name = "status",
                                      .address = at.host,
                                      .port = at.port,
                                      .allowed_methods = HTTP_GET | HTTP_POST,
                                      .max_connections = 100,
                                      .max_body_len = 4096 };
    r->status_http = open_server(r, &cfg, on_status, err);
    return r->status_http != NULL;
}

static bool open_metrics(struct rpc *r, struct err *err)
{
    if (!r->d.cfg->prometheus.enabled)
        return true;
    struct http_server_config cfg = { .name = "metrics",
                                      .address = r->d.cfg->prometheus.address,
                                      .port = (uint16_t)r->d.cfg->prometheus.port,
                                      .allowed_methods = HTTP_GET | HTTP_POST,
                                      .max_connections = 100,
                                      .max_body_len = 4096 };
    r->metrics_http = open_server(r, &cfg, on_metrics, err);
    return r->metrics_http != NULL;
}

bool rpc_servers_start(struct rpc *r, struct err *err)
{
    return open_rpc(r, err) && open_status(r, err) && open_metrics(r, err);
}

void rpc_servers_stop(struct rpc *r)
{
    struct http_server *all[] = { r->http, r->status_http, r->metrics_http };
    for (size_t i = 0; i < GH_COUNT(all); i++)
        if (all[i])
            http_server_stop(all[i]);
}

void rpc_servers_destroy(struct rpc *r)
{
    http_server_destroy(r->http);
    http_server_destroy(r->status_http);
    http_server_destroy(r->metrics_http);
}

static uint16_t port_of(const struct http_server *s)
{
    return s ? http_server_port(s) : 0;
}

uint16_t rpc_port(const struct rpc *r)
{
    return port_of(r->http);
}

uint16_t rpc_status_port(const struct rpc *r)
{
    return port_of(r->status_http);
}

uint16_t rpc_metrics_port(const struct rpc *r)
{
    return port_of(r->metrics_http);
}
