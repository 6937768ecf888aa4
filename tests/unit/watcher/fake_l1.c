/* tests/unit/watcher/fake_l1.c */
#include "tests/unit/watcher/fake_l1.h"

#include <inttypes.h>
#include <stdio.h>

#include "contracts-abi/gen/executor.h"
#include "contracts-abi/gen/getters.h"
#include "contracts-abi/gen/mailbox.h"
#include "contracts-abi/gen/message_root.h"
#include "contracts-abi/gen/structs.h"
#include "node/base/clock.h"
#include "node/base/hash.h"
#include "node/base/hex.h"
#include "node/net/eth_client.h"
#include "node/net/http_server.h"
#include "tests/unit/base/testing.h"

/* ---- the chain ---- */

static void block_init(struct fake_l1 *l1, uint64_t n)
{
    struct fake_block *b = &l1->block[n];
    for (size_t i = 0; i < b->log_cnt; i++)
        free(b->logs[i].data);
    free(b->logs);
    *b = (struct fake_block){ 0 };
    uint8_t seed[48] = { 0 };
    store_be64(seed, n);
    store_be64(seed + 8, l1->fork);
    if (n > 0)
        b->parent = l1->block[n - 1].hash;
    memcpy(seed + 16, b->parent.b, 32);
    b->hash = keccak256(seed, sizeof(seed));
}

void fake_l1_mine(struct fake_l1 *l1, uint64_t n)
{
    for (; n > 0; n--) {
        assert_true(l1->head + 1 < FAKE_MAX_BLOCKS);
        block_init(l1, ++l1->head);
    }
}

void fake_l1_reorg(struct fake_l1 *l1, uint64_t depth)
{
    assert_true(depth < l1->head);
    l1->fork++;
    for (uint64_t n = l1->head - depth + 1; n <= l1->head; n++)
        block_init(l1, n);
}

struct fake_log *fake_l1_put(struct fake_l1 *l1, uint64_t number, const struct addr *addr,
                             const struct b256 *topics, size_t topic_cnt, const void *data,
                             size_t len)
{
    struct fake_block *b = &l1->block[number];
    assert_true(number <= l1->head && b->log_cnt < FAKE_MAX_LOGS && topic_cnt <= 4);
    if (!b->logs)
        b->logs = calloc(FAKE_MAX_LOGS, sizeof(*b->logs));
    assert_non_null(b->logs);
    struct fake_log *l = &b->logs[b->log_cnt++];
    *l = (struct fake_log){ .addr = *addr, .topic_cnt = topic_cnt, .len = len };
    memcpy(l->topics, topics, 32 * topic_cnt);
    l->data = malloc(len ? len : 1);
    assert_non_null(l->data);
    if (len)
        memcpy(l->data, data, len);
    l->tx_hash = keccak256(b->hash.b, 32);
    l->tx_hash.b[0] = (uint8_t)b->log_cnt;
    return l;
}

struct b256 fake_l1_priority(struct fake_l1 *l1, uint64_t number, uint64_t id, uint64_t variant)
{
    uint8_t body[40] = { 0 };
    store_be64(body, variant);
    struct abi_v31_new_priority_request ev = { .tx_id = u256_of_u64(id) };
    ev.transaction.tx_type = u256_of_u64(0x7f);
    ev.transaction.from = u256_of_u64(0x1111);
    ev.transaction.to = u256_of_u64(0x2222);
    ev.transaction.gas_limit = u256_of_u64(2000000);
    ev.transaction.gas_per_pubdata_byte_limit = u256_of_u64(800);
    ev.transaction.nonce = u256_of_u64(id);
    ev.transaction.data = bytes_of(body, sizeof(body));
    struct buf enc, data;
    buf_init(&enc, 1 << 20);
    buf_init(&data, 1 << 20);
    assert_true(abi_v31_encode_l2_canonical_transaction(&enc, &ev.transaction));
    ev.tx_hash = keccak256(enc.p, enc.len);
    struct abi_log_parts parts = { .data = &data };
    assert_true(abi_v31_encode_new_priority_request(&parts, &ev));
    fake_l1_put(l1, number, &l1->diamond, parts.topics, parts.topic_cnt, data.p, data.len)
        ->is_priority = true;
    buf_clear(&enc);
    buf_clear(&data);
    return ev.tx_hash;
}

void fake_l1_commit(struct fake_l1 *l1, uint64_t number, uint64_t batch)
{
    struct abi_v31_report_committed_batch_range_zksync_os range = {
        .batch_number = batch, .first_block_number = 10 * batch, .last_block_number = 10 * batch + 9
    };
    struct abi_v31_block_commit commit = { .batch_number = u256_of_u64(batch),
                                           .batch_hash = b256_of_u64(batch + 1),
                                           .commitment = b256_of_u64(batch + 2) };
    struct buf data;
    buf_init(&data, 1 << 16);
    struct abi_log_parts parts = { .data = &data };
    assert_true(abi_v31_encode_report_committed_batch_range_zksync_os(&parts, &range));
    fake_l1_put(l1, number, &l1->diamond, parts.topics, parts.topic_cnt, data.p, data.len);
    buf_reset(&data);
    assert_true(abi_v31_encode_block_commit(&parts, &commit));
    fake_l1_put(l1, number, &l1->diamond, parts.topics, parts.topic_cnt, data.p, data.len);
    buf_clear(&data);
}

uint64_t fake_l1_count(const struct fake_l1 *l1, uint64_t at)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i <= at && i <= l1->head; i++)
        for (size_t k = 0; k < l1->block[i].log_cnt; k++)
            n += l1->block[i].logs[k].is_priority;
    return n;
}

/* ---- answers ---- */

static json_t *hex_json(const void *p, size_t len)
{
    char *text = malloc(2 * len + 3);
    assert_non_null(text);
    hex_encode0x(text, p, len);
    json_t *j = json_string(text);
    free(text);
    return j;
}

static json_t *quantity(uint64_t v)
{
    char text[67];
    hex_quantity_u64(text, v);
    return json_string(text);
}

static uint64_t shown_head(const struct fake_l1 *l1)
{
    return l1->show_head ? l1->show_head : l1->head;
}

static uint64_t number_of(const struct fake_l1 *l1, const json_t *at)
{
    const char *s = json_string_value(at);
    uint64_t head = shown_head(l1);
    assert_non_null(s);
    if (strcmp(s, "latest") == 0 || strcmp(s, "pending") == 0)
        return head;
    if (strcmp(s, "finalized") == 0)
        return head > 64 ? head - 64 : 0;
    if (strcmp(s, "safe") == 0)
        return head > 32 ? head - 32 : 0;
    return strtoull(s, NULL, 16);
}

static json_t *block_json(const struct fake_l1 *l1, uint64_t n)
{
    if (n > shown_head(l1))
        return json_null();
    const struct fake_block *b = &l1->block[n];
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:[]}", "number", quantity(n), "hash",
                     hex_json(b->hash.b, 32), "parentHash", hex_json(b->parent.b, 32), "timestamp",
                     quantity(1700000000 + 12 * n), "gasLimit", quantity(30000000), "gasUsed",
                     quantity(0), "baseFeePerGas", quantity(7), "transactions");
}

static json_t *log_json(const struct fake_block *b, uint64_t n, size_t i)
{
    const struct fake_log *l = &b->logs[i];
    json_t *topics = json_array();
    for (size_t k = 0; k < l->topic_cnt; k++)
        json_array_append_new(topics, hex_json(l->topics[k].b, 32));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "address",
                     hex_json(l->addr.b, 20), "topics", topics, "data", hex_json(l->data, l->len),
                     "blockNumber", quantity(n), "blockHash", hex_json(b->hash.b, 32),
                     "transactionHash", hex_json(l->tx_hash.b, 32), "transactionIndex", quantity(i),
                     "logIndex", quantity(i), "removed", 0);
}

static bool is_among(const json_t *list, const void *p, size_t len)
{
    size_t i;
    json_t *x;
    if (!list || json_is_null(list))
        return true;
    json_array_foreach((json_t *)(uintptr_t)list, i, x)
    {
        uint8_t raw[32];
        const char *s = json_string_value(x);
        if (hex_decode_exact(raw, len, s, strlen(s)) && memcmp(raw, p, len) == 0)
            return true;
    }
    return false;
}

static json_t *answer_logs(struct fake_l1 *l1, const json_t *f, const char **refusal)
{
    uint64_t from = number_of(l1, json_object_get(f, "fromBlock"));
    uint64_t to = number_of(l1, json_object_get(f, "toBlock"));
    const json_t *topic0 = json_array_get(json_object_get(f, "topics"), 0);
    l1->log_requests++;
    if (l1->max_range && to - from + 1 > l1->max_range) {
        *refusal = "query exceeds max block range";
        return NULL;
    }
    json_t *out = json_array();
    for (uint64_t n = from; n <= to && n <= shown_head(l1); n++)
        for (size_t i = 0; i < l1->block[n].log_cnt; i++) {
            const struct fake_log *l = &l1->block[n].logs[i];
            if (is_among(json_object_get(f, "address"), l->addr.b, 20) && l->topic_cnt > 0 &&
                is_among(topic0, l->topics[0].b, 32))
                json_array_append_new(out, log_json(&l1->block[n], n, i));
        }
    if (l1->drop_log_next > 0 && json_array_size(out) > 0) {
        l1->drop_log_next--;
        json_array_remove(out, 0);
    }
    if (l1->on_logs)
        l1->on_logs(l1, l1->on_logs_arg);
    return out;
}

/* The value in the last NewInteropRoot up to a block. */
static json_t *root_at(const struct fake_l1 *l1, uint64_t at)
{
    struct b256 root = l1->root_before;
    struct b256 topic = ABI_V31_NEW_INTEROP_ROOT_TOPIC;
    for (uint64_t b = 0; b <= at; b++)
        for (size_t i = 0; i < l1->block[b].log_cnt; i++) {
            const struct fake_log *log = &l1->block[b].logs[i];
            if (log->topic_cnt == 4 && b256_eq(&log->topics[0], &topic) && log->len == 96)
                memcpy(root.b, log->data + 64, 32);
        }
    root.b[0] ^= l1->root_bias;
    return hex_json(root.b, 32);
}

static json_t *answer_call(struct fake_l1 *l1, const json_t *params, const char **refusal)
{
    uint64_t at = number_of(l1, json_array_get(params, 1));
    l1->call_requests++;
    if (l1->prunes) {
        *refusal = "missing trie node";
        return NULL;
    }
    char want[16];
    snprintf(want, sizeof(want), "0x%08x", (unsigned)ABI_V31_GET_TOTAL_PRIORITY_TXS_SELECTOR);
    const char *data = json_string_value(json_object_get(json_array_get(params, 0), "data"));
    if (at < l1->deployed_at)
        return json_string("0x");
    if (strncmp(data, "0x3977d71c", 10) == 0) /* getAggregatedRoot */
        return root_at(l1, at);
    assert_string_equal(data, want);
    struct b256 word = b256_of_u64((uint64_t)((int64_t)fake_l1_count(l1, at) + l1->count_bias));
    return hex_json(word.b, 32);
}

static json_t *answer(struct fake_l1 *l1, const char *method, const json_t *params,
                      const char **refusal)
{
    const json_t *first = json_array_get(params, 0);
    if (strcmp(method, "eth_chainId") == 0)
        return quantity(31337);
    if (strcmp(method, "eth_blockNumber") == 0)
        return quantity(shown_head(l1));
    if (strcmp(method, "eth_getBlockByNumber") == 0) {
        if (l1->nulls_next > 0 && json_string_value(first)[0] == '0') {
            l1->nulls_next--;
            return json_null();
        }
        return block_json(l1, number_of(l1, first));
    }
    if (strcmp(method, "eth_getBlockByHash") == 0) {
        for (uint64_t n = 0; n <= shown_head(l1); n++) {
            json_t *h = hex_json(l1->block[n].hash.b, 32);
            bool same = json_equal(h, first);
            json_decref(h);
            if (same)
                return block_json(l1, n);
        }
        return json_null();
    }
    if (strcmp(method, "eth_getLogs") == 0)
        return answer_logs(l1, first, refusal);
    if (strcmp(method, "eth_call") == 0)
        return answer_call(l1, params, refusal);
    if (strcmp(method, "eth_getCode") == 0) {
        l1->code_requests++;
        if (l1->prunes) {
            *refusal = "missing trie node";
            return NULL;
        }
        return json_string(number_of(l1, json_array_get(params, 1)) >= l1->deployed_at ? "0x60"
                                                                                       : "0x");
    }
    *refusal = "the method does not exist";
    return NULL;
}

static json_t *answer_one(struct fake_l1 *l1, const json_t *req)
{
    const char *refusal = NULL;
    json_t *id = json_incref(json_object_get(req, "id"));
    json_t *result = answer(l1, json_string_value(json_object_get(req, "method")),
                            json_object_get(req, "params"), &refusal);
    if (result)
        return json_pack("{s:s, s:o, s:o}", "jsonrpc", "2.0", "id", id, "result", result);
    return json_pack("{s:s, s:o, s:{s:i, s:s}}", "jsonrpc", "2.0", "id", id, "error", "code",
                     -32000, "message", refusal);
}

static void on_request(void *arg, struct http_exchange *x)
{
    struct fake_l1 *l1 = arg;
    l1->requests++;
    if (l1->fail_next > 0) {
        l1->fail_next--;
        http_reply_text(x, l1->fail_status, "no");
        return;
    }
    if (l1->garbage_next > 0) {
        l1->garbage_next--;
        http_reply_text(x, 200, "<html>maintenance</html>");
        return;
    }
    struct bytes body = http_body(x);
    json_t *req = json_loadb((const char *)body.p, body.len, 0, NULL), *reply;
    assert_non_null(req);
    if (json_is_array(req)) {
        size_t i;
        json_t *one;
        reply = json_array();
        json_array_foreach(req, i, one)
        {
            json_array_append_new(reply, answer_one(l1, one));
        }
    } else {
        reply = answer_one(l1, req);
    }
    char *text = json_dumps(reply, JSON_COMPACT);
    assert_non_null(text);
    http_reply(x, 200, "application/json", bytes_of(text, strlen(text)));
    free(text);
    json_decref(reply);
    json_decref(req);
}

struct fake_l1 *fake_l1_create(struct event_base *base)
{
    struct fake_l1 *l1 = calloc(1, sizeof(*l1));
    struct err err;
    assert_non_null(l1);
    struct http_server_config cfg = { .name = "fake l1", .address = "127.0.0.1" };
    l1->server = http_server_create(base, &cfg, on_request, l1, &err);
    assert_non_null(l1->server);
    if (!http_server_start(l1->server, &err))
        fail_msg("%s", err.msg);
    snprintf(l1->url, sizeof(l1->url), "http://127.0.0.1:%u",
             (unsigned)http_server_port(l1->server));
    memset(l1->diamond.b, 0xd1, 20);
    block_init(l1, 0);
    return l1;
}

void fake_l1_destroy(struct fake_l1 *l1)
{
    if (!l1)
        return;
    http_server_destroy(l1->server);
    for (uint64_t n = 0; n <= l1->head; n++) {
        for (size_t i = 0; i < l1->block[n].log_cnt; i++)
            free(l1->block[n].logs[i].data);
        free(l1->block[n].logs);
    }
    free(l1);
}

struct eth_client *fake_l1_client(struct event_base *base, const struct fake_l1 *l1)
{
    struct err err;
    const char *url = l1->url;
    struct eth_client_deps deps = { .base = base, .clock = clock_system() };
    struct eth_client_config cfg = { .name = "l1",
                                     .urls = &url,
                                     .url_cnt = 1,
                                     .attempt_timeout_ms = 2000,
                                     .deadline_ms = 3000,
                                     .backoff_min_ms = 2,
                                     .backoff_max_ms = 10 };
    struct eth_client *c = eth_client_create(&deps, &cfg, &err);
    assert_non_null(c);
    return c;
}
