/* node/cli/status_node.c
 *
 * Asks a running node's status server. */
#include <curl/curl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "node/cli/status.h"

#define MAX_STATUS_LEN (4u << 20)
#define TIMEOUT_MS     5000

static size_t on_data(char *data, size_t size, size_t n, void *arg)
{
    return buf_append(arg, data, size * n) ? size * n : 0;
}

/* One GET, waiting: a command line has nothing else to do. */
static bool get(const char *url, struct buf *out, struct err *err)
{
    CURLM *multi = curl_multi_init();
    CURL *easy = curl_easy_init();
    if (!multi || !easy)
        return err_set(err, ERR_LOCAL, "out of memory");
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, out);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_multi_add_handle(multi, easy);
    int running = 1;
    while (running && curl_multi_perform(multi, &running) == CURLM_OK)
        if (running)
            curl_multi_poll(multi, NULL, 0, 1000, NULL);
    int left = 0;
    CURLMsg *msg = curl_multi_info_read(multi, &left);
    CURLcode rc = msg ? msg->data.result : CURLE_FAILED_INIT;
    curl_multi_remove_handle(multi, easy);
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
    return rc == CURLE_OK || err_set(err, ERR_TRANSIENT, "%s: %s", url, curl_easy_strerror(rc));
}

static uint64_t u64_of(const json_t *o, const char *key, uint64_t missing)
{
    const json_t *v = json_object_get(o, key);
    return json_is_integer(v) && json_integer_value(v) >= 0 ? (uint64_t)json_integer_value(v)
                                                            : missing;
}

static void text_of(char *out, size_t cap, const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    snprintf(out, cap, "%s", json_is_string(v) ? json_string_value(v) : "");
}

static void take_batches(struct status_view *v, const json_t *list)
{
    size_t i;
    const json_t *b;
    json_array_foreach(list, i, b)
    {
        if (v->batch_cnt == STATUS_BATCHES)
            return;
        struct status_batch *s = &v->batches[v->batch_cnt++];
        s->number = u64_of(b, "number", 0);
        s->first_block = u64_of(b, "first_block", 0);
        s->last_block = u64_of(b, "last_block", 0);
        s->sealed_at_ms = u64_of(b, "sealed_at_ms", 0);
        s->l1_txs = u64_of(b, "l1_txs", 0);
        s->l2_txs = u64_of(b, "l2_txs", 0);
        s->eta_ms = u64_of(b, "eta_ms", UINT64_MAX);
        text_of(s->stage, sizeof(s->stage), b, "stage");
        text_of(s->waits_for, sizeof(s->waits_for), b, "waits_for");
    }
}

static void take_settlement(struct status_view *v, const json_t *s)
{
    const json_t *f = json_object_get(s, "frontiers"), *hold = json_object_get(s, "hold");
    for (unsigned i = 0; i < 5; i++) {
        const json_t *x = json_object_get(f, status_stage_name(i));
        v->frontier_batch[i] = u64_of(x, "batch", 0);
        v->frontier_block[i] = u64_of(x, "block", 0);
    }
    text_of(v->hold_reason, sizeof(v->hold_reason), hold, "reason");
    text_of(v->hold_remedy, sizeof(v->hold_remedy), hold, "remedy");
}

static void take_mirror(struct status_view *v, const json_t *m)
{
    const json_t *batches = json_object_get(m, "layer_batches");
    v->mirror.layer = u64_of(m, "layer", 0);
    v->mirror.read_to = u64_of(m, "read_to", 0);
    v->mirror.checked_to = u64_of(m, "checked_to", 0);
    v->mirror.chains = u64_of(m, "chains", 0);
    v->mirror.batches = u64_of(m, "batches", 0);
    v->mirror.layer_known = u64_of(batches, "known", 0);
    v->mirror.layer_on_l1 = u64_of(batches, "on_l1", 0);
    text_of(v->mirror.problem, sizeof(v->mirror.problem), m, "held");
    if (!v->mirror.problem[0])
        text_of(v->mirror.problem, sizeof(v->mirror.problem), m, "problem");
    if (!v->mirror.problem[0])
        text_of(v->mirror.problem, sizeof(v->mirror.problem), batches, "problem");
}

static void take_senders(struct status_view *v, const json_t *list)
{
    size_t i;
    const json_t *x;
    json_array_foreach(list, i, x)
    {
        if (v->sender_cnt == 3)
            return;
        text_of(v->senders[v->sender_cnt].lane, sizeof(v->senders[0].lane), x, "lane");
        text_of(v->senders[v->sender_cnt].address, sizeof(v->senders[0].address), x, "address");
        text_of(v->senders[v->sender_cnt].balance_wei, sizeof(v->senders[0].balance_wei), x,
                "balance_wei");
        char *note = v->senders[v->sender_cnt].note;
        if (json_is_true(json_object_get(x, "low_funds")))
            snprintf(note, sizeof(v->senders[0].note), "LOW FUNDS");
        else if (json_is_true(json_object_get(x, "blob_fee_capped")))
            snprintf(note, sizeof(v->senders[0].note), "waits: the blob fee is above the cap");
        else if (json_is_true(json_object_get(x, "fee_capped")))
            snprintf(note, sizeof(v->senders[0].note), "waits: fees are above the cap");
        else if (json_is_true(json_object_get(x, "foreign_seen")))
            snprintf(note, sizeof(v->senders[0].note), "somebody else uses this key");
        v->sender_cnt++;
    }
}

bool status_from_node(struct status_view *v, const char *status_url, struct err *err)
{
    struct buf body;
    json_error_t problem;
    memset(v, 0, sizeof(*v));
    buf_init(&body, MAX_STATUS_LEN);
    json_t *root = NULL;
    bool ok = get(status_url, &body, err);
    if (ok) {
        root = json_loadb((const char *)body.p, body.len, 0, &problem);
        const json_t *sum = json_object_get(root, "summary");
        ok = json_is_object(sum) ||
             err_set(err, ERR_INVALID, "%s does not answer as a gatehouse node", status_url);
        if (ok) {
            v->from_node = true;
            v->chain_id = u64_of(sum, "chain_id", 0);
            v->head = u64_of(sum, "head", 0);
            v->head_timestamp = u64_of(sum, "head_timestamp", 0);
            v->accepting = json_is_true(json_object_get(sum, "accepting"));
            text_of(v->not_accepting, sizeof(v->not_accepting), sum, "not_accepting");
            take_batches(v, json_object_get(sum, "batches"));
            take_settlement(v, json_object_get(sum, "settlement"));
            take_senders(v, json_object_get(root, "senders"));
            text_of(v->l1_problem, sizeof(v->l1_problem), json_object_get(root, "l1"), "problem");
            text_of(v->gateway_problem, sizeof(v->gateway_problem),
                    json_object_get(root, "gateway"), "problem");
            take_mirror(v, json_object_get(root, "mirror"));
            const json_t *layer = json_object_get(root, "settlement_layer");
            v->settles_on = u64_of(layer, "chain_id", 0);
            v->on_gateway = json_is_true(json_object_get(layer, "is_gateway"));
        }
    }
    json_decref(root);
    buf_clear(&body);
    return ok;
}
