/* node/cli/verifier.c
 *
 * A verifier for other people's nodes: gets witnesses, answers what they come to. It holds no state, no key and no opinion of what should
 * come out. One verification at a time, on a worker; more callers wait in line, up to a limit. */
#include <event2/thread.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/base/buf.h"
#include "node/base/clock.h"
#include "node/base/file.h"
#include "node/base/hex.h"
#include "node/base/log.h"
#include "node/chain/worker.h"
#include "node/cli/cli.h"
#include "node/crypto/crypto.h"
#include "node/net/http_server.h"
#include "node/stf/verify.h"
#include "node/stf/witness.h"

#define KEEP_LIMIT ((size_t)4 << 30)
#define WORK_LIMIT ((size_t)4 << 30)
#define IN_WORK    16
/* Bytes of witnesses waiting and in work, each of which is held twice, with room for the answers; and callers whose witness may
 * be on its way. */
#define BODIES_MAX      ((size_t)2 * WITNESS_MAX_LEN + (1u << 20))
#define CONNECTIONS_MAX 16

static const char usage[] =
    "usage: gatehouse verifier --listen HOST:PORT [--token-file FILE]\n"
    "\n"
    "Executes batches from their witnesses alone, for nodes with verification.mode: remote. POST "
    "/verify takes a witness\n(application/octet-stream) and answers with the public input and the "
    "stored batch hash it comes to. GET /health.\n"
    "\n"
    "  --token-file  file with 32 bytes in hexadecimal that callers must show as Bearer token "
    "(verification.token)\n";

struct verifier {
    struct event_base *base;
    struct worker_pool *pool;
    struct http_server *http;
    bool has_token;
    uint8_t token[32];
    uint64_t served;
    size_t bodies; /* bytes */
};

struct job {
    struct verifier *v;
    struct http_exchange *x;
    uint8_t *witness; /* owned */
    size_t len;
    struct verify_result result;
    struct verify_fault fault;
    enum verify_code code;
    uint64_t ms;
};

static void run(void *arg)
{
    struct job *j = arg;
    struct arena keep, work;
    uint64_t began = clock_mono_ms(clock_system());
    arena_init_growing(&keep, 1u << 20, KEEP_LIMIT);
    arena_init_growing(&work, 1u << 20, WORK_LIMIT);
    j->code = verify_batch(&j->result, &j->fault, bytes_of(j->witness, j->len), crypto_host(),
                           &keep, &work);
    arena_clear(&keep);
    arena_clear(&work);
    j->ms = clock_mono_ms(clock_system()) - began;
}

static void put_hash(struct buf *out, const char *name, const struct b256 *h)
{
    buf_printf(out, ",\"%s\":\"", name);
    buf_append_hex(out, h->b, 32);
    buf_append_str(out, "\"");
}

static void done(void *arg)
{
    struct job *j = arg;
    struct buf out;
    buf_init(&out, 1u << 16);
    if (j->code == VERIFY_OK) {
        const struct verify_result *r = &j->result;
        buf_printf(&out, "{\"verified\":true,\"chain_id\":%" PRIu64 ",\"batch\":%" PRIu64,
                   r->batch.chain_id, r->batch.stored.number);
        put_hash(&out, "state_before", &r->state_before);
        put_hash(&out, "state_after", &r->state_after);
        put_hash(&out, "output_hash", &r->output_hash);
        put_hash(&out, "public_input", &r->public_input);
        put_hash(&out, "stored_batch_hash", &r->stored_hash);
        log_info(LOG_NODE, "batch verified", LOG_U64("chain_id", r->batch.chain_id),
                 LOG_U64("batch", r->batch.stored.number), LOG_U64("ms", j->ms));
    } else {
        buf_append_str(&out, "{\"verified\":false,\"reason\":");
        buf_append_json_str(&out, verify_code_text(j->code));
        log_warn(LOG_NODE, "a witness does not verify",
                 LOG_STR("reason", verify_code_text(j->code)), LOG_U64("ms", j->ms));
    }
    buf_printf(&out, ",\"ms\":%" PRIu64 "}", j->ms);
    http_reply(j->x, 200, "application/json", bytes_of(out.p, out.len));
    buf_clear(&out);
    j->v->served++;
    free(j->witness);
    free(j);
}

static bool reserve(void *budget, size_t len)
{
    struct verifier *v = budget;
    if (len > BODIES_MAX - v->bodies)
        return false;
    v->bodies += len;
    return true;
}

static void release(void *budget, size_t len)
{
    ((struct verifier *)budget)->bodies -= len;
}

static bool is_allowed(const struct verifier *v, const struct http_exchange *x)
{
    const char *h = http_header(x, "Authorization");
    uint8_t given[32], diff = 0;
    if (!v->has_token)
        return true;
    if (!h || strncasecmp(h, "Bearer ", 7) != 0 ||
        !hex_decode_exact(given, 32, h + 7, strlen(h + 7)))
        return false;
    for (size_t i = 0; i < 32; i++)
        diff |= given[i] ^ v->token[i];
    return diff == 0;
}

static void verify(struct verifier *v, struct http_exchange *x)
{
    struct bytes body = http_body(x);
    struct job *j = calloc(1, sizeof(*j));
    uint8_t *copy = malloc(body.len + 1);
    if (!j || !copy) {
        free(j);
        free(copy);
        http_reply_text(x, 503, "out of memory\n");
        return;
    }
    if (body.len)
        memcpy(copy, body.p, body.len);
    *j = (struct job){ .v = v, .x = x, .witness = copy, .len = body.len };
    if (worker_submit(v->pool, run, done, j))
        return;
    http_reply_text(x, 503, "stopping\n");
    free(copy);
    free(j);
}

static void on_request(void *arg, struct http_exchange *x)
{
    struct verifier *v = arg;
    if (!is_allowed(v, x))
        http_reply_text(x, 401, "a token is needed\n");
    else if (http_method(x) == HTTP_POST && strcmp(http_path(x), "/verify") == 0)
        verify(v, x);
    else if (http_method(x) == HTTP_GET && strcmp(http_path(x), "/health") == 0)
        http_reply_text(x, 200, "ok\n");
    else
        http_reply_text(x, 404, "no such path\n");
}

static void on_signal(evutil_socket_t sig, short what, void *arg)
{
    (void)sig;
    (void)what;
    event_base_loopbreak(((struct verifier *)arg)->base);
}

static bool read_token(struct verifier *v, const char *path, struct err *err)
{
    uint8_t *text = NULL;
    size_t len = 0;
    if (!file_read(&text, &len, path, 4096, err))
        return false;
    size_t n = len;
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r' || text[n - 1] == ' '))
        n--;
    v->has_token = hex_decode_exact(v->token, 32, (const char *)text, n);
    explicit_bzero(text, len);
    free(text);
    return v->has_token || err_set(err, ERR_INVALID, "%s: not 32 bytes in hexadecimal", path);
}

static bool serve(struct verifier *v, const char *listen, struct err *err)
{
    struct http_endpoint at;
    if (!http_endpoint_parse(&at, listen, "--listen", err))
        return false;
    struct http_server_config cfg = { .name = "verifier",
                                      .address = at.host,
                                      .port = at.port,
                                      .allowed_methods = HTTP_GET | HTTP_POST,
                                      .max_body_len = WITNESS_MAX_LEN,
                                      .max_connections = CONNECTIONS_MAX,
                                      .max_in_work = IN_WORK,
                                      .reserve = reserve,
                                      .release = release,
                                      .budget = v };
    evthread_use_pthreads();
    signal(SIGPIPE, SIG_IGN);
    v->base = event_base_new();
    struct event *term = v->base ? evsignal_new(v->base, SIGTERM, on_signal, v) : NULL;
    struct event *intr = v->base ? evsignal_new(v->base, SIGINT, on_signal, v) : NULL;
    bool ok = term && intr;
    if (!ok)
        err_set(err, ERR_LOCAL, "no event loop");
    v->pool = ok ? worker_pool_create(v->base, 1, "verify", err) : NULL;
    v->http = v->pool ? http_server_create(v->base, &cfg, on_request, v, err) : NULL;
    ok = v->http && http_server_start(v->http, err);
    if (ok) {
        evsignal_add(term, NULL);
        evsignal_add(intr, NULL);
        log_info(LOG_NODE, "verifier is ready", LOG_U64("port", http_server_port(v->http)),
                 LOG_BOOL("token", v->has_token));
        event_base_dispatch(v->base);
        http_server_stop(v->http);
    }
    if (v->pool)
        worker_pool_stop(v->pool);
    http_server_destroy(v->http);
    worker_pool_destroy(v->pool);
    if (term)
        event_free(term);
    if (intr)
        event_free(intr);
    if (v->base)
        event_base_free(v->base);
    return ok;
}

int cli_verifier(int argc, char **argv)
{
    static struct verifier v;
    const char *listen = NULL, *token_file = NULL;
    struct err err = { .kind = ERR_NONE };
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            return 0;
        }
        if (strcmp(argv[i], "--listen") == 0 && i + 1 < argc) {
            listen = argv[++i];
        } else if (strcmp(argv[i], "--token-file") == 0 && i + 1 < argc) {
            token_file = argv[++i];
        } else {
            fprintf(stderr, "gatehouse verifier: unknown argument %s\n%s", argv[i], usage);
            return 2;
        }
    }
    if (!listen) {
        fputs(usage, stderr);
        return 2;
    }
    log_configure(LOG_INFO, false);
    bool ok = (!token_file || read_token(&v, token_file, &err)) && serve(&v, listen, &err);
    explicit_bzero(v.token, sizeof(v.token));
    if (!ok)
        fprintf(stderr, "gatehouse verifier: %s\n", err.msg);
    return ok ? 0 : 1;
}
