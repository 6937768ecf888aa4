/* eth_client against nodes that misbehave. Times are short and real; everything runs on one loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "node/base/log.h"
#include "node/net/eth_client.h"
#include "tests/unit/loop.h"
#include "tests/unit/net/fake_node.h"

#define CHAIN 31337

/* A node whose POSTs go through a script: step k of the list, then the default. */
enum fault {
    OK,
    DELAY,
    DROP,
    HALF,
    S429,
    S500,
    GARBAGE,
    WRONG_ID,
    HUGE_BODY,
    HANG,
    NO_BATCH,
    RATE_RPC,
    PARTIAL
};
struct node {
    struct fake_node *http;
    uint64_t chain_id, head;
    const enum fault *script;
    size_t script_len, at;
    bool script_probes; /* the script counts probe POSTs, too */
    bool refuse_batches;
    bool no_final_tag;
    uint64_t final_number;
    uint8_t fork; /* makes its block hashes different */
    size_t max_batch_seen;
    char last_method[48];
    unsigned calls_seen, sends_seen;
    uint64_t logs_limit; /* largest range it takes */
};
struct fixture {
    struct event_base *base;
    struct node n[3];
    struct eth_client *c;
};

static json_t *q(uint64_t v)
{
    char t[32];
    snprintf(t, sizeof(t), "0x%llx", (unsigned long long)v);
    return json_string(t);
}

static json_t *hash32(uint8_t top, uint64_t low)
{
    char t[67];
    snprintf(t, sizeof(t), "0x%02x%046x%016llx", top, 0u, (unsigned long long)low);
    return json_string(t);
}

static json_t *block_json(const struct node *n, uint64_t number)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:[]}", "number", q(number), "hash",
                     hash32(n->fork, number), "parentHash", hash32(n->fork, number - 1),
                     "timestamp", q(1700000000 + number), "gasLimit", q(30000000), "gasUsed", q(0),
                     "baseFeePerGas", q(7), "transactions");
}

static json_t *log_json(uint64_t block)
{
    return json_pack("{s:s,s:[o],s:s,s:o,s:o,s:o,s:o,s:o,s:b}", "address",
                     "0x1111111111111111111111111111111111111111", "topics", hash32(9, 9), "data",
                     "0xc0ffee", "blockNumber", q(block), "blockHash", hash32(0, block),
                     "transactionHash", hash32(7, block), "transactionIndex", q(0), "logIndex",
                     q(3), "removed", 0);
}

static json_t *get_logs(struct node *n, const json_t *params, json_t **error)
{
    const json_t *f = json_array_get(params, 0);
    uint64_t from = strtoull(json_string_value(json_object_get(f, "fromBlock")), NULL, 16);
    uint64_t to = strtoull(json_string_value(json_object_get(f, "toBlock")), NULL, 16);
    if (n->logs_limit && to - from + 1 > n->logs_limit) {
        *error = fake_error(-32602, "query exceeds max block range", NULL);
        return NULL;
    }
    json_t *logs = json_array();
    for (uint64_t b = from; b <= to; b++)
        if (b % 10 == 0)
            json_array_append_new(logs, log_json(b));
    return logs;
}

static json_t *call(void *arg, const char *method, const json_t *params, json_t **error)
{
    struct node *n = arg;
    snprintf(n->last_method, sizeof(n->last_method), "%s", method);
    n->calls_seen++;
    if (strcmp(method, "eth_chainId") == 0)
        return q(n->chain_id);
    if (strcmp(method, "eth_blockNumber") == 0)
        return q(n->head);
    if (strcmp(method, "eth_gasPrice") == 0)
        return q(1000);
    if (strcmp(method, "eth_getTransactionCount") == 0)
        return q(5);
    if (strcmp(method, "eth_sendRawTransaction") == 0) {
        n->sends_seen++;
        return hash32(0xaa, 1);
    }
    if (strcmp(method, "eth_call") == 0) {
        *error = fake_error(3, "execution reverted", "0x0875398200");
        return NULL;
    }
    if (strcmp(method, "eth_getLogs") == 0)
        return get_logs(n, params, error);
    if (strcmp(method, "eth_getBlockByNumber") == 0) {
        const char *t = json_string_value(json_array_get(params, 0));
        if (strcmp(t, "latest") == 0)
            return block_json(n, n->head);
        if (strcmp(t, "finalized") == 0) {
            if (n->no_final_tag) {
                *error =
                    fake_error(-32602, "invalid argument 0: hex string without 0x prefix", NULL);
                return NULL;
            }
            return block_json(n, n->final_number);
        }
        uint64_t number = strtoull(t, NULL, 16);
        return number <= n->head ? block_json(n, number) : NULL;
    }
    *error = fake_error(-32601, "the method does not exist", NULL);
    return NULL;
}

static bool is_probe(const json_t *doc)
{
    const json_t *first = json_is_array(doc) ? json_array_get(doc, 0) : doc;
    const char *m = json_string_value(json_object_get(first, "method"));
    const char *p = json_string_value(json_array_get(json_object_get(first, "params"), 0));
    if (!m)
        return false;
    return strcmp(m, "eth_chainId") == 0 || strcmp(m, "eth_blockNumber") == 0 ||
           (strcmp(m, "eth_getBlockByNumber") == 0 && p && strncmp(p, "0x", 2) == 0);
}

static char *without_last(const json_t *doc, struct node *n)
{
    json_t *copy = json_copy((json_t *)(uintptr_t)doc);
    json_array_remove(copy, json_array_size(copy) - 1);
    char *text = fake_answers(copy, call, n);
    json_decref(copy);
    return text;
}

static void on_post(void *arg, const json_t *doc, struct fake_reply *out)
{
    struct node *n = arg;
    enum fault f = OK;
    if (n->at < n->script_len && (n->script_probes || !is_probe(doc)))
        f = n->script[n->at++];
    if (json_is_array(doc) && json_array_size(doc) > n->max_batch_seen)
        n->max_batch_seen = json_array_size(doc);
    if (n->refuse_batches && json_is_array(doc)) {
        out->body = strdup("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,"
                           "\"message\":\"batches are off\"}}");
        return;
    }
    switch (f) {
    case DROP:
        out->drop = true;
        return;
    case HANG:
        out->hang = true;
        return;
    case S429:
        out->status = 429;
        out->headers = "Retry-After: 1\r\n";
        out->body = strdup("slow down");
        return;
    case S500:
        out->status = 500;
        out->body = strdup("<html>oops</html>");
        return;
    case GARBAGE:
        out->body = strdup("{\"jsonrpc\":\"2.0\",");
        return;
    case WRONG_ID:
        out->body = strdup("{\"jsonrpc\":\"2.0\",\"id\":999999,\"result\":\"0x1\"}");
        return;
    case RATE_RPC:
        out->body = strdup("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32005,"
                           "\"message\":\"daily request limit reached\"}}");
        return;
    case HUGE_BODY:
        out->body = calloc(1, 300001);
        memset(out->body, ' ', 300000);
        return;
    case PARTIAL:
        out->body = without_last(doc, n);
        return;
    case HALF:
        out->body = fake_answers(doc, call, n);
        out->cut = 5;
        return;
    case DELAY:
        out->delay_ms = 60;
        break;
    case OK:
    case NO_BATCH:
        break;
    }
    out->body = fake_answers(doc, call, n);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->base = event_base_new();
    for (int i = 0; i < 3; i++) {
        f->n[i].chain_id = CHAIN;
        f->n[i].head = 1000;
        f->n[i].final_number = 900;
        f->n[i].http = fake_node_start(f->base, on_post, &f->n[i]);
    }
    log_configure(LOG_ERROR, false);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    eth_client_destroy(f->c);
    for (int i = 0; i < 3; i++)
        fake_node_stop(f->n[i].http);
    event_base_free(f->base);
    free(f);
    return 0;
}

static void open_client(struct fixture *f, size_t nodes, size_t batch_max)
{
    const char *urls[3];
    struct err e;
    for (size_t i = 0; i < nodes; i++)
        urls[i] = fake_node_url(f->n[i].http);
    struct eth_client_deps deps = { f->base, clock_system() };
    struct eth_client_config cfg = { .name = "test",
                                     .urls = urls,
                                     .url_cnt = nodes,
                                     .chain_id = CHAIN,
                                     .attempt_timeout_ms = 200,
                                     .deadline_ms = 3000,
                                     .backoff_min_ms = 20,
                                     .backoff_max_ms = 500,
                                     .max_response_len = 200000,
                                     .batch_max = batch_max };
    f->c = eth_client_create(&deps, &cfg, &e);
    assert_non_null(f->c);
}

struct outcome {
    struct event_base *base;
    unsigned calls;
    enum err_kind kind;
    int64_t code;
    char msg[ERR_MSG_CAP];
    bool maybe;
    uint64_t v;
    size_t endpoint, n;
    uint64_t covered, first, last;
    uint8_t revert[16];
    size_t revert_len;
    bool has_revert;
    struct b256 hash;
    unsigned wanted;
};

static void note(struct outcome *o, const struct eth_reply *r)
{
    o->calls++;
    o->kind = r->err ? r->err->kind : ERR_NONE;
    o->code = r->err ? r->err->code : 0;
    snprintf(o->msg, sizeof(o->msg), "%s", r->err ? r->err->msg : "");
    o->maybe = r->maybe_delivered;
    o->endpoint = r->endpoint;
    o->has_revert = r->has_revert_data;
    o->revert_len = r->revert_data.len < 16 ? r->revert_data.len : 16;
    if (o->revert_len)
        memcpy(o->revert, r->revert_data.p, o->revert_len);
    if (o->calls >= (o->wanted ? o->wanted : 1))
        event_base_loopbreak(o->base);
}

static void on_u64(void *arg, const struct eth_reply *r, uint64_t v)
{
    ((struct outcome *)arg)->v = v;
    note(arg, r);
}

static void on_hash(void *arg, const struct eth_reply *r, const struct b256 *v)
{
    if (v)
        ((struct outcome *)arg)->hash = *v;
    note(arg, r);
}

static void on_bytes(void *arg, const struct eth_reply *r, struct bytes v)
{
    ((struct outcome *)arg)->n = v.len;
    note(arg, r);
}

static void on_block(void *arg, const struct eth_reply *r, const struct eth_block *b)
{
    struct outcome *o = arg;
    o->n = b != NULL;
    if (b) {
        o->v = b->number;
        o->hash = b->hash;
    }
    note(arg, r);
}

static void on_scan(void *arg, const struct eth_reply *r, const struct eth_log *logs, size_t n,
                    uint64_t covered)
{
    struct outcome *o = arg;
    o->n = n;
    o->covered = covered;
    if (n) {
        o->first = logs[0].block_number;
        o->last = logs[n - 1].block_number;
        assert_int_equal(logs[0].topic_cnt, 1);
        assert_int_equal(logs[0].data.len, 3);
    }
    note(arg, r);
}

static void on_raw(void *arg, const struct eth_reply *r)
{
    note(arg, r);
}

/* one eth_gasPrice-like u64 call: eth_getTransactionCount of the zero address */
static struct outcome ask(struct fixture *f, const struct eth_opts *opts)
{
    struct outcome o = { .base = f->base };
    struct addr a = { { 0 } };
    struct err e;
    assert_non_null(eth_get_nonce(f->c, &a, ETH_AT_LATEST, opts, on_u64, &o, &e));
    assert_int_equal(o.calls, 0); /* never from inside */
    event_base_dispatch(f->base);
    assert_int_equal(o.calls, 1);
    return o;
}

static struct outcome ask_with_fault(struct fixture *f, enum fault fault)
{
    const enum fault script[] = { fault };
    f->n[0].script = script;
    f->n[0].script_len = 1;
    f->n[0].at = 0;
    struct outcome o = ask(f, NULL);
    f->n[0].script_len = 0;
    return o;
}

static void answers_a_plain_call(void **state)
{
    struct fixture *f = *state;
    open_client(f, 1, 0);
    struct outcome o = ask(f, NULL);
    assert_int_equal(o.kind, ERR_NONE);
    assert_int_equal(o.v, 5);
    struct eth_client_status st;
    eth_client_get_status(f->c, &st);
    assert_int_equal(st.chain_id, CHAIN);
    assert_int_equal(st.calls, 1);
    assert_int_equal(st.answered, 1);
    assert_int_equal(st.in_flight, 0);
}

static void recovers_from_each_fault_of_a_single_endpoint(void **state)
{
    struct fixture *f = *state;
    static const enum fault faults[] = {
        DELAY, DROP, HALF, S500, GARBAGE, WRONG_ID, HANG, RATE_RPC
    };
    open_client(f, 1, 1);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct outcome o = ask_with_fault(f, faults[i]);
        assert_int_equal(o.kind, ERR_NONE);
        assert_int_equal(o.v, 5);
        assert_int_equal(f->n[0].at, 1);
    }
}

static void row20_waits_as_long_as_retry_after_says(void **state)
{
    struct fixture *f = *state;
    open_client(f, 1, 1);
    (void)ask(f, NULL);
    uint64_t t0 = clock_mono_ms(clock_system());
    struct outcome o = ask_with_fault(f, S429);
    uint64_t took = clock_mono_ms(clock_system()) - t0;
    assert_int_equal(o.kind, ERR_NONE);
    assert_true(took >= 990);
    struct eth_endpoint_status es;
    assert_true(eth_client_get_endpoint(f->c, 0, &es));
    assert_int_equal(es.rate_limited, 1);
    assert_null(strstr(es.name, "key")); /* the path of the URL is a secret */
}

static void fails_over_and_comes_back(void **state)
{
    struct fixture *f = *state;
    open_client(f, 2, 1);
    (void)ask(f, NULL);
    struct outcome o = ask_with_fault(f, S500);
    assert_int_equal(o.kind, ERR_NONE);
    assert_int_equal(o.endpoint, 1);
    loop_run_ms(f->base, 60); /* the first endpoint's backoff passes */
    (void)ask(f, NULL);       /* probes it on the way */
    loop_run_ms(f->base, 30);
    o = ask(f, NULL);
    assert_int_equal(o.endpoint, 0);
}

static void gives_up_at_the_deadline_and_says_why(void **state)
{
    struct fixture *f = *state;
    static const enum fault script[] = {
        S500, S500, S500, S500, S500, S500, S500, S500, S500, S500,
        S500, S500, S500, S500, S500, S500, S500, S500, S500, S500
    };
    open_client(f, 1, 1);
    f->n[0].script = script;
    f->n[0].script_len = 20;
    struct eth_opts opts = { .deadline_ms = 150 };
    struct outcome o = ask(f, &opts);
    assert_int_equal(o.kind, ERR_TRANSIENT);
    assert_non_null(strstr(o.msg, "HTTP 500"));
}

static void refuses_another_chain(void **state)
{
    struct fixture *f = *state;
    f->n[0].chain_id = 1;
    open_client(f, 2, 0);
    struct outcome o = ask(f, NULL);
    assert_int_equal(o.kind, ERR_NONE);
    assert_int_equal(o.endpoint, 1);
    struct eth_endpoint_status es;
    assert_true(eth_client_get_endpoint(f->c, 0, &es));
    assert_int_equal(es.state, ETH_ENDPOINT_REFUSED);
    assert_non_null(strstr(es.last_error, "chain id"));
}

static void never_calls_back_after_cancel(void **state)
{
    struct fixture *f = *state;
    struct outcome o = { .base = f->base };
    struct addr a = { { 0 } };
    struct err e;
    open_client(f, 1, 1);
    /* queued, then travelling */
    struct eth_request *r = eth_get_nonce(f->c, &a, ETH_AT_LATEST, NULL, on_u64, &o, &e);
    eth_cancel(r);
    loop_run_ms(f->base, 50);
    (void)ask(f, NULL);
    static const enum fault script[] = { DELAY };
    f->n[0].script = script;
    f->n[0].script_len = 1;
    r = eth_get_nonce(f->c, &a, ETH_AT_LATEST, NULL, on_u64, &o, &e);
    loop_run_ms(f->base, 20);
    assert_int_equal(f->n[0].at, 1);
    eth_cancel(r);
    loop_run_ms(f->base, 120);
    assert_int_equal(o.calls, 0);
    struct eth_client_status st;
    eth_client_get_status(f->c, &st);
    assert_int_equal(st.cancelled, 2);
    assert_int_equal(st.in_flight + st.queued, 0);
}

static void calls_of_one_turn_travel_together(void **state)
{
    struct fixture *f = *state;
    struct outcome o = { .base = f->base, .wanted = 10 };
    struct addr a = { { 0 } };
    struct err e;
    open_client(f, 1, 0);
    (void)ask(f, NULL);
    unsigned posts = fake_node_posts(f->n[0].http);
    for (int i = 0; i < 10; i++)
        assert_non_null(eth_get_nonce(f->c, &a, ETH_AT_LATEST, NULL, on_u64, &o, &e));
    event_base_dispatch(f->base);
    assert_int_equal(o.calls, 10);
    assert_int_equal(fake_node_posts(f->n[0].http), posts + 1);
    assert_int_equal(f->n[0].max_batch_seen, 10);
    assert_int_equal(fake_node_conns(f->n[0].http), 1); /* connection reused */
}

static void learns_that_a_node_takes_no_batches(void **state)
{
    struct fixture *f = *state;
    struct outcome o = { .base = f->base, .wanted = 3 };
    struct addr a = { { 0 } };
    struct err e;
    f->n[0].refuse_batches = true;
    open_client(f, 1, 0);
    for (int i = 0; i < 3; i++)
        assert_non_null(eth_get_nonce(f->c, &a, ETH_AT_LATEST, NULL, on_u64, &o, &e));
    event_base_dispatch(f->base);
    assert_int_equal(o.calls, 3);
    assert_int_equal(o.kind, ERR_NONE);
    struct eth_endpoint_status es;
    assert_true(eth_client_get_endpoint(f->c, 0, &es));
    assert_true(es.no_batch);
    /* a minimum block works there, too */
    struct eth_opts opts = { .min_block = 1000 };
    assert_int_equal(ask(f, &opts).kind, ERR_NONE);
}

static void unanswered_calls_of_a_batch_are_asked_again(void **state)
{
    struct fixture *f = *state;
    struct outcome o = { .base = f->base, .wanted = 3 };
    struct addr a = { { 0 } };
    struct err e;
    static const enum fault script[] = { PARTIAL };
    open_client(f, 1, 0);
    (void)ask(f, NULL);
    f->n[0].script = script;
    f->n[0].script_len = 1;
    for (int i = 0; i < 3; i++)
        assert_non_null(eth_get_nonce(f->c, &a, ETH_AT_LATEST, NULL, on_u64, &o, &e));
    event_base_dispatch(f->base);
    assert_int_equal(o.calls, 3);
    assert_int_equal(o.kind, ERR_NONE);
}

static void an_oversized_reply_is_an_error_not_a_retry(void **state)
{
    struct fixture *f = *state;
    open_client(f, 1, 1);
    (void)ask(f, NULL);
    unsigned posts = fake_node_posts(f->n[0].http);
    struct outcome o = ask_with_fault(f, HUGE_BODY);
    assert_int_equal(o.kind, ERR_INVALID);
    assert_int_equal(o.code, ETH_CODE_TOO_LARGE);
    assert_int_equal(fake_node_posts(f->n[0].http), posts + 1);
}

static void row18_passes_over_an_endpoint_that_is_behind(void **state)
{
    struct fixture *f = *state;
    for (size_t batch = 0; batch < 2; batch++) { /* with batches and without */
        f->n[0].head = 990;
        f->n[1].head = 1001;
        open_client(f, 2, batch);
        struct eth_opts opts = { .min_block = 1001 };
        struct outcome o = ask(f, &opts);
        assert_int_equal(o.kind, ERR_NONE);
        assert_int_equal(o.endpoint, 1);
        f->n[1].head = 1000;
        opts = (struct eth_opts){ .min_block = 2000, .deadline_ms = 200 };
        o = ask(f, &opts);
        assert_int_equal(o.kind, ERR_TRANSIENT);
        eth_client_destroy(f->c);
        f->c = NULL;
    }
}

static void revert_bytes_are_kept(void **state)
{
    struct fixture *f = *state;
    struct outcome o = { .base = f->base };
    struct eth_call_msg m = { .has_to = true };
    struct err e;
    open_client(f, 1, 0);
    assert_non_null(eth_call(f->c, &m, ETH_AT_LATEST, NULL, NULL, on_bytes, &o, &e));
    event_base_dispatch(f->base);
    assert_int_equal(o.kind, ERR_REJECTED);
    assert_int_equal(o.code, 3);
    assert_true(o.has_revert);
    static const uint8_t want[] = { 0x08, 0x75, 0x39, 0x82, 0x00 };
    assert_int_equal(o.revert_len, sizeof(want));
    assert_memory_equal(o.revert, want, sizeof(want));
}

static struct outcome block_at(struct fixture *f, struct eth_block_id at)
{
    struct outcome o = { .base = f->base };
    struct err e;
    struct eth_opts opts = { .deadline_ms = 400 };
    assert_non_null(eth_get_block(f->c, at, &opts, on_block, &o, &e));
    event_base_dispatch(f->base);
    assert_int_equal(o.calls, 1);
    return o;
}

static void finalized_works_without_the_tag(void **state)
{
    struct fixture *f = *state;
    f->n[0].no_final_tag = true;
    open_client(f, 1, 0);
    struct outcome o = block_at(f, ETH_AT_FINALIZED);
    assert_int_equal(o.kind, ERR_NONE);
    assert_int_equal(o.v, 1000 - 64);
}

static void finalized_never_goes_back(void **state)
{
    struct fixture *f = *state;
    open_client(f, 2, 0);
    assert_int_equal(block_at(f, ETH_AT_FINALIZED).v, 900);
    f->n[0].final_number = 880; /* the endpoint was switched to a node that is behind */
    struct outcome o = block_at(f, ETH_AT_FINALIZED);
    assert_int_equal(o.kind, ERR_NONE);
    assert_int_equal(o.v, 900);
    assert_int_equal(o.endpoint, 1);
    f->n[1].final_number = 880;
    assert_int_equal(block_at(f, ETH_AT_FINALIZED).kind, ERR_TRANSIENT);
}

static void refuses_an_endpoint_on_another_fork(void **state)
{
    struct fixture *f = *state;
    f->n[1].fork = 0xff;
    open_client(f, 2, 1);
    assert_int_equal(block_at(f, ETH_AT_FINALIZED).v, 900);
    static const enum fault script[] = { S500, S500 };
    f->n[0].script = script;
    f->n[0].script_len = 1;
    /* the second endpoint was probed before anything was final; asked now, it is found out */
    f->n[1].final_number = 900;
    struct outcome o = block_at(f, ETH_AT_FINALIZED);
    assert_int_equal(o.kind, ERR_NONE);
    assert_int_equal(o.hash.b[0], 0);
    struct eth_endpoint_status es;
    assert_true(eth_client_get_endpoint(f->c, 1, &es));
    assert_int_equal(es.state, ETH_ENDPOINT_REFUSED);
}

static void unknown_block_is_null_not_an_error(void **state)
{
    struct fixture *f = *state;
    open_client(f, 1, 0);
    struct outcome o = block_at(f, ETH_AT_NUMBER(5000));
    assert_int_equal(o.kind, ERR_NONE);
    assert_int_equal(o.n, 0);
    assert_int_equal(block_at(f, ETH_AT_NUMBER(17)).v, 17);
}

static void row20_scan_splits_until_the_provider_is_content(void **state)
{
    struct fixture *f = *state;
    struct eth_span span = { 0 };
    struct eth_filter filter = { .addr_cnt = 0 };
    struct err e;
    f->n[0].logs_limit = 100;
    open_client(f, 1, 0);
    uint64_t at = 0, logs = 0, next_log = 0;
    unsigned rounds = 0;
    while (at <= 999) {
        struct outcome o = { .base = f->base };
        assert_non_null(eth_scan_logs(f->c, &span, &filter, at, 999, NULL, on_scan, &o, &e));
        event_base_dispatch(f->base);
        assert_int_equal(o.kind, ERR_NONE);
        assert_true(o.covered >= at && o.covered <= 999);
        if (o.n) { /* nothing missing, nothing twice */
            assert_int_equal(o.first, next_log);
            next_log = o.last + 10;
        }
        logs += o.n;
        at = o.covered + 1;
        rounds++;
    }
    assert_int_equal(logs, 100);
    assert_true(span.splits > 0);
    assert_true(rounds >= 10 && rounds < 25);
}

static void raw_send_is_tried_once_and_tells_doubt(void **state)
{
    struct fixture *f = *state;
    struct outcome o = { .base = f->base };
    struct err e;
    uint8_t raw[] = { 2, 0xc0 };
    static const enum fault script[] = { HANG };
    open_client(f, 1, 1);
    (void)ask(f, NULL);
    f->n[0].script = script;
    f->n[0].script_len = 1;
    assert_non_null(eth_send_raw(f->c, bytes_of(raw, 2), NULL, on_hash, &o, &e));
    event_base_dispatch(f->base);
    assert_int_equal(o.kind, ERR_TRANSIENT);
    assert_true(o.maybe);
    assert_int_equal(f->n[0].sends_seen, 0);
}

static void raw_send_can_go_to_every_endpoint(void **state)
{
    struct fixture *f = *state;
    struct outcome o = { .base = f->base };
    struct err e;
    uint8_t raw[] = { 2, 0xc0 };
    open_client(f, 3, 0);
    (void)ask(f, NULL);
    loop_run_ms(f->base, 50); /* the others are probed, too */
    struct eth_opts opts = { .to_all = true };
    assert_non_null(eth_send_raw(f->c, bytes_of(raw, 2), &opts, on_hash, &o, &e));
    loop_run_ms(f->base, 100);
    assert_int_equal(o.calls, 1);
    assert_int_equal(o.kind, ERR_NONE);
    for (int i = 0; i < 3; i++)
        assert_int_equal(f->n[i].sends_seen, 1);
}

static void connect_failure_is_not_maybe_delivered(void **state)
{
    struct fixture *f = *state;
    struct outcome o = { .base = f->base };
    struct err e;
    uint8_t raw[] = { 2, 0xc0 };
    open_client(f, 1, 1);
    (void)ask(f, NULL);
    fake_node_stop(f->n[0].http);
    f->n[0].http = NULL;
    assert_non_null(eth_send_raw(f->c, bytes_of(raw, 2), NULL, on_hash, &o, &e));
    event_base_dispatch(f->base);
    assert_int_equal(o.kind, ERR_TRANSIENT);
    assert_false(o.maybe);
}

static void destroy_with_calls_in_flight(void **state)
{
    struct fixture *f = *state;
    struct outcome o = { .base = f->base };
    struct addr a = { { 0 } };
    struct err e;
    static const enum fault script[] = { HANG };
    open_client(f, 1, 1);
    (void)ask(f, NULL);
    f->n[0].script = script;
    f->n[0].script_len = 1;
    assert_non_null(eth_get_nonce(f->c, &a, ETH_AT_LATEST, NULL, on_u64, &o, &e));
    loop_run_ms(f->base, 30);
    assert_non_null(eth_client_call(f->c, "eth_foo", NULL, NULL, on_raw, &o, &e));
    eth_client_destroy(f->c);
    f->c = NULL;
    loop_run_ms(f->base, 30);
    assert_int_equal(o.calls, 0);
}

static void queue_is_bounded(void **state)
{
    struct fixture *f = *state;
    struct outcome o = { .base = f->base };
    struct err e;
    const char *url = fake_node_url(f->n[0].http);
    struct eth_client_deps deps = { f->base, clock_system() };
    struct eth_client_config cfg = { .urls = &url, .url_cnt = 1, .max_queued = 2 };
    f->c = eth_client_create(&deps, &cfg, &e);
    assert_non_null(eth_client_call(f->c, "eth_a", NULL, NULL, on_raw, &o, &e));
    assert_non_null(eth_client_call(f->c, "eth_b", NULL, NULL, on_raw, &o, &e));
    assert_null(eth_client_call(f->c, "eth_c", json_array(), NULL, on_raw, &o, &e));
    assert_int_equal(e.kind, ERR_TRANSIENT);
    assert_null(eth_client_call(f->c, "bad\"name", NULL, NULL, on_raw, &o, &e));
    assert_int_equal(e.kind, ERR_INVALID);
    cfg = (struct eth_client_config){ .urls = (const char *[]){ "ftp://x" }, .url_cnt = 1 };
    assert_null(eth_client_create(&deps, &cfg, &e));
    assert_int_equal(e.kind, ERR_INVALID);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(answers_a_plain_call),
        T(recovers_from_each_fault_of_a_single_endpoint),
        T(row20_waits_as_long_as_retry_after_says),
        T(fails_over_and_comes_back),
        T(gives_up_at_the_deadline_and_says_why),
        T(refuses_another_chain),
        T(never_calls_back_after_cancel),
        T(calls_of_one_turn_travel_together),
        T(learns_that_a_node_takes_no_batches),
        T(unanswered_calls_of_a_batch_are_asked_again),
        T(an_oversized_reply_is_an_error_not_a_retry),
        T(row18_passes_over_an_endpoint_that_is_behind),
        T(revert_bytes_are_kept),
        T(finalized_works_without_the_tag),
        T(finalized_never_goes_back),
        T(refuses_an_endpoint_on_another_fork),
        T(unknown_block_is_null_not_an_error),
        T(row20_scan_splits_until_the_provider_is_content),
        T(raw_send_is_tried_once_and_tells_doubt),
        T(raw_send_can_go_to_every_endpoint),
        T(connect_failure_is_not_maybe_delivered),
        T(destroy_with_calls_in_flight),
        T(queue_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
