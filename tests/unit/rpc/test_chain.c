/* tests/unit/rpc/test_chain.c
 *
 * eth_ methods over a real chain: submitting, blocks, transactions, receipts, state, logs, filters, fees, pool. */
#include "tests/unit/base/testing.h"
#include "tests/unit/loop.h"
#include "tests/unit/rpc/rpc_world.h"

#include "node/base/hash.h"
#include "node/base/hex.h"

#define RECEIVER    "0x00000000000000000000000000000000000000aa"
#define OTHER_TOPIC "0x2222222222222222222222222222222222222222222222222222222222222222"
#define TOPIC       "0x1111111111111111111111111111111111111111111111111111111111111111"

static struct rpc_world *open_world(void)
{
    return world_open(NULL);
}

static void test_chain_facts(void **state)
{
    (void)state;
    struct rpc_world *w = open_world();
    assert_int_equal(world_quantity(w, "eth_chainId", "[]"), 270);
    assert_string_equal(world_text(w, "net_version", "[]"), "270");
    assert_string_equal(world_text(w, "web3_clientVersion", "[]"), "zksync-os/v1.2.3-gatehouse");
    assert_int_equal(world_quantity(w, "eth_blockNumber", "[]"), 0);
    assert_int_equal(world_quantity(w, "eth_gasPrice", "[]"), 1500);
    assert_int_equal(world_quantity(w, "eth_maxPriorityFeePerGas", "[]"), 0);
    json_t *b = world_call(w, "eth_getBlockByNumber", "[\"0x0\",false]");
    assert_string_equal(json_text(b, "hash"),
                        "0xef97917ce9bd9fa7d12ad6a8d81ea26c80ac1d727acc37cbb9799ae199788dc5");
    assert_int_equal(json_quantity(b, "gasLimit"), 5000);
    json_decref(b);
    world_close(w);
}

static void test_transfer_in_block_receipt_and_state(void **state)
{
    (void)state;
    struct rpc_world *w = open_world();
    const char *hash = world_send(w, 1, RECEIVER, "0x", 12345, 50000);
    json_t *r = world_receipt(w, hash);
    assert_int_equal(json_quantity(r, "status"), 1);
    assert_int_equal(json_quantity(r, "blockNumber"), 1);
    assert_int_equal(json_quantity(r, "type"), 2);
    uint64_t gas = json_quantity(r, "gasUsed");
    assert_int_equal(gas, 21000);
    assert_int_equal(json_quantity(r, "cumulativeGasUsed"), gas);
    assert_int_equal(json_quantity(r, "effectiveGasPrice"), 1000);
    assert_true(json_quantity(r, "nativeUsed") > json_quantity(r, "computationalNativeUsed"));
    assert_true(json_quantity(r, "pubdataUsed") >= 134);
    assert_string_equal(json_text(r, "to"), RECEIVER);
    assert_true(json_is_null(json_object_get(r, "contractAddress")));
    assert_true(json_is_null(json_object_get(r, "l1BatchNumber")));
    assert_int_equal(world_quantity(w, "eth_getBalance", "[\"" RECEIVER "\",\"latest\"]"), 12345);
    assert_int_equal(world_quantity(w, "eth_getBalance", "[\"" RECEIVER "\",\"0x0\"]"), 0);
    assert_int_equal(world_quantity(w, "eth_getBalance",
                                    world_format(w, "[\"" RECEIVER "\",{\"blockHash\":\"%s\"}]",
                                                 json_text(r, "blockHash"))),
                     12345);
    assert_int_equal(world_quantity(w, "eth_getTransactionCount",
                                    world_format(w, "[\"%s\"]", json_text(r, "from"))),
                     1);

    json_t *t = world_call(w, "eth_getTransactionByHash", world_format(w, "[\"%s\"]", hash));
    assert_string_equal(json_text(t, "from"), json_text(r, "from"));
    assert_int_equal(json_quantity(t, "value"), 12345);
    assert_int_equal(json_quantity(t, "gasPrice"), 1000);
    const char *raw =
        world_text(w, "eth_getRawTransactionByHash", world_format(w, "[\"%s\"]", hash));
    uint8_t bytes[300];
    size_t len = 0;
    assert_true(hex_decode(bytes, sizeof(bytes), &len, raw, strlen(raw)));
    struct b256 h = keccak256(bytes, len);
    char text[67];
    hex_encode0x(text, h.b, 32);
    assert_string_equal(text, hash);
    json_decref(t);

    json_t *b = world_call(w, "eth_getBlockByNumber", "[\"latest\",true]");
    const json_t *txs = json_object_get(b, "transactions");
    assert_int_equal(json_array_size(txs), 1);
    assert_string_equal(json_text(json_array_get(txs, 0), "hash"), hash);
    assert_int_equal(json_quantity(b, "gasUsed"), gas);
    assert_true(json_quantity(b, "size") > 500);
    json_t *same =
        world_call(w, "eth_getBlockByHash", world_format(w, "[\"%s\",true]", json_text(b, "hash")));
    assert_true(json_equal(b, same));
    json_decref(same);
    json_t *rs = world_call(w, "eth_getBlockReceipts", "[\"0x1\"]");
    assert_true(json_equal(json_array_get(rs, 0), r));
    json_decref(rs);
    json_decref(b);
    json_decref(r);

    json_t *none = world_call(w, "eth_getBlockByNumber", "[\"0xffff\",false]");
    assert_true(json_is_null(none));
    json_decref(none);
    json_t *e = world_error(w, "eth_getBalance", "[\"" RECEIVER "\",\"0xffff\"]");
    assert_int_equal(json_integer_value(json_object_get(e, "code")), -32602);
    assert_string_equal(json_text(e, "message"), "block not found");
    json_decref(e);
    world_close(w);
}

static void refuse(struct rpc_world *w, const char *raw, int code, const char *message)
{
    json_t *e = world_error(w, "eth_sendRawTransaction", world_format(w, "[\"%s\"]", raw));
    assert_int_equal(json_integer_value(json_object_get(e, "code")), code);
    if (!strstr(json_text(e, "message"), message))
        fail_msg("%s: %s", raw, json_text(e, "message"));
    json_decref(e);
    /* with a second parameter the call takes the general path: the same answer */
    e = world_error(w, "eth_sendRawTransaction", world_format(w, "[\"%s\",null]", raw));
    assert_int_equal(json_integer_value(json_object_get(e, "code")), code);
    assert_non_null(strstr(json_text(e, "message"), message));
    json_decref(e);
}

static const char *raw_of(struct rpc_world *w, unsigned from, const struct wallet_tx *t)
{
    struct wallet k = wallet_of(from);
    struct bytes raw = wallet_sign(&k, t, &w->arena);
    char *text = arena_alloc(&w->arena, 3 + 2 * raw.len);
    hex_encode0x(text, raw.p, raw.len);
    return text;
}

static void test_submissions_are_refused_in_words(void **state)
{
    (void)state;
    struct rpc_world *w = open_world();
    refuse(w, "0x", -32602, "failed to decode signed transaction");
    refuse(w, "0xdeadbeef", -32602, "failed to decode");
    refuse(w, "0xf8ffff", -32602, "failed to decode");
    refuse(w, "nothex", -32602, "hex");
    refuse(w, "0x0", -32602, "hex");
    static const char *const types[] = { "03", "71", "7c", "7d", "7e", "7f", "05" };
    for (size_t i = 0; i < GH_COUNT(types); i++)
        refuse(w, world_format(w, "0x%sc0", types[i]), -32000,
               "transaction type not supported: transaction type not valid");
    const struct wallet_tx good = { .chain_id = 270, .gas_limit = 50000, .max_fee = 1000 };
    struct wallet_tx t = good;
    t.chain_id = 271;
    refuse(w, raw_of(w, 1, &t), -32000, "invalid chain id");
    t = good;
    t.is_legacy = t.unprotected = true;
    refuse(w, raw_of(w, 1, &t), -32000,
           "only replay-protected (EIP-155) transactions allowed over RPC");
    t = good;
    t.gas_limit = 20999;
    refuse(w, raw_of(w, 1, &t), -32000, "intrinsic gas too low");
    t = good;
    t.gas_limit = 200000000;
    refuse(w, raw_of(w, 1, &t), -32000, "exceeds block gas limit");
    t = good;
    refuse(w, raw_of(w, 99, &t), -32000, "insufficient funds for gas * price + value");
    t.max_fee = 6;
    refuse(w, raw_of(w, 1, &t), -32000, "max fee per gas less than block base fee");
    t = good;
    const char *raw = raw_of(w, 1, &t);
    (void)world_text(w, "eth_sendRawTransaction", world_format(w, "[\"%s\"]", raw));
    refuse(w, raw, -32000, "already known");
    t.max_fee = 1001;
    refuse(w, raw_of(w, 1, &t), -32000, "replacement transaction underpriced");
    world_wait_block(w, 1);
    t = good;
    t.nonce = 0;
    refuse(w, raw_of(w, 1, &t), -32000, "nonce too low");
    world_close(w);
}

static void dear_pubdata(struct config *cfg)
{
    cfg->sequencer.has_base_fee_override = cfg->sequencer.has_native_price_override = true;
    cfg->sequencer.has_pubdata_price_override = true;
    cfg->sequencer.base_fee_override = u256_of_u64(100000000);
    cfg->sequencer.native_price_override = u256_of_u64(1000000);
    cfg->sequencer.pubdata_price_override = u256_of_u64(30000000000);
}

/* native per gas 100, per byte 30000: 922,240 + 134 * 30,000 = 4,942,240 native = 49,423 gas to begin */
static void test_gas_that_does_not_pay_the_start_is_refused(void **state)
{
    (void)state;
    struct rpc_world *w = world_open(dear_pubdata);
    struct wallet_tx t = { .chain_id = 270, .gas_limit = 49422, .max_fee = 100000000 };
    refuse(w, raw_of(w, 1, &t), -32000, "intrinsic gas too low: gas 49422, minimum needed 49423");
    t.gas_limit = 49423;
    const char *hash =
        world_text(w, "eth_sendRawTransaction", world_format(w, "[\"%s\"]", raw_of(w, 1, &t)));
    json_t *r = world_receipt(w, hash);
    /* it begins, and its body cannot pay for its own pubdata */
    assert_int_equal(json_quantity(r, "gasUsed"), 49423);
    json_decref(r);
    world_close(w);
}

/* an address of the access list is 260,238 more, a key 256,754: 5,459,232 native = 54,593 gas */
static void test_gas_that_does_not_pay_the_access_list_is_refused(void **state)
{
    (void)state;
    struct rpc_world *w = world_open(dear_pubdata);
    struct wallet_tx t = {
        .chain_id = 270, .gas_limit = 54592, .max_fee = 100000000, .access_keys = 1
    };
    refuse(w, raw_of(w, 1, &t), -32000, "intrinsic gas too low: gas 54592, minimum needed 54593");
    t.gas_limit = 54593;
    const char *hash =
        world_text(w, "eth_sendRawTransaction", world_format(w, "[\"%s\"]", raw_of(w, 1, &t)));
    json_t *r = world_receipt(w, hash);
    assert_int_equal(json_quantity(r, "gasUsed"), 54593);
    json_decref(r);
    world_close(w);
}

static void test_nonce_gap_waits_and_counts_as_queued(void **state)
{
    (void)state;
    struct rpc_world *w = open_world();
    struct wallet k = wallet_of(1);
    char addr[43];
    hex_encode0x(addr, k.addr.b, 20);
    w->nonce[1] = 1;
    const char *second = world_send(w, 1, RECEIVER, "0x", 1, 50000);
    json_t *t = world_call(w, "eth_getTransactionByHash", world_format(w, "[\"%s\"]", second));
    assert_true(json_is_null(json_object_get(t, "blockHash")));
    assert_string_equal(json_text(t, "from"), addr);
    json_decref(t);
    assert_int_equal(
        world_quantity(w, "eth_getTransactionCount", world_format(w, "[\"%s\",\"pending\"]", addr)),
        0);
    json_t *s = world_call(w, "txpool_status", "[]");
    assert_int_equal(json_quantity(s, "queued"), 1);
    assert_int_equal(json_quantity(s, "pending"), 0);
    json_decref(s);
    json_t *c = world_call(w, "txpool_content", "[]");
    const json_t *tx = json_object_get(json_object_get(json_object_get(c, "queued"), addr), "1");
    assert_string_equal(json_text(tx, "hash"), second);
    json_decref(c);
    json_t *in = world_call(w, "txpool_inspect", "[]");
    const char *line = json_text(json_object_get(json_object_get(in, "queued"), addr), "1");
    assert_string_equal(line, RECEIVER ": 1 wei + 50000 gas \xc3\x97 1000 wei");
    json_decref(in);
    w->nonce[1] = 0;
    const char *first = world_send(w, 1, RECEIVER, "0x", 1, 50000);
    assert_int_equal(
        world_quantity(w, "eth_getTransactionCount", world_format(w, "[\"%s\",\"pending\"]", addr)),
        2);
    json_decref(world_receipt(w, first));
    json_decref(world_receipt(w, second));
    world_close(w);
}

static void test_contract_logs_blooms_and_ranges(void **state)
{
    (void)state;
    struct rpc_world *w = open_world();
    const char *calls[3];
    for (int i = 0; i < 3; i++) {
        calls[i] = world_send(w, 1 + (unsigned)i, COUNTER, TOPIC, 0, 200000);
        json_decref(world_receipt(w, calls[i]));
    }
    uint64_t head = chain_head_get(w->chain).number;
    assert_int_equal(head, 3);
    json_t *all =
        world_call(w, "eth_getLogs", "[{\"fromBlock\":\"0x0\",\"address\":\"" COUNTER "\"}]");
    assert_int_equal(json_array_size(all), 3);
    for (size_t i = 0; i < 3; i++) {
        const json_t *l = json_array_get(all, i);
        assert_string_equal(json_text(l, "transactionHash"), calls[i]);
        assert_int_equal(json_quantity(l, "blockNumber"), i + 1);
        assert_string_equal(json_string_value(json_array_get(json_object_get(l, "topics"), 0)),
                            TOPIC);
        assert_int_equal(json_quantity(l, "logIndex"), 0);
        assert_int_equal(json_quantity(l, "transactionLogIndex"), 0);
        assert_true(json_is_false(json_object_get(l, "removed")));
    }
    json_t *one =
        world_call(w, "eth_getLogs",
                   world_format(w, "[{\"blockHash\":\"%s\",\"topics\":[[\"" TOPIC "\"]]}]",
                                json_text(json_array_get(all, 1), "blockHash")));
    assert_int_equal(json_array_size(one), 1);
    assert_true(json_equal(json_array_get(one, 0), json_array_get(all, 1)));
    json_decref(one);
    json_decref(all);
    static const char *const none[] = {
        "[{\"fromBlock\":\"0x0\",\"address\":\"" RECEIVER "\"}]",
        "[{\"fromBlock\":\"0x0\",\"topics\":[null,\"" TOPIC "\"]}]",
        "[{\"fromBlock\":\"0x0\",\"topics\":[\"" OTHER_TOPIC "\"]}]",
    };
    for (size_t i = 0; i < GH_COUNT(none); i++) {
        json_t *l = world_call(w, "eth_getLogs", none[i]);
        assert_int_equal(json_array_size(l), 0);
        json_decref(l);
    }
    json_t *e = world_error(w, "eth_getLogs", "[{\"fromBlock\":\"0x0\",\"toBlock\":\"0xffffff\"}]");
    assert_string_equal(json_text(e, "message"), "query exceeds max block range 10000");
    assert_int_equal(json_integer_value(json_object_get(e, "code")), -32602);
    json_decref(e);
    e = world_error(w, "eth_getLogs", "[{\"fromBlock\":\"0x2\",\"toBlock\":\"0x1\"}]");
    assert_string_equal(json_text(e, "message"), "invalid block range params");
    json_decref(e);
    w->cfg.rpc.max_logs_per_response = 1;
    e = world_error(w, "eth_getLogs", "[{\"fromBlock\":\"0x0\",\"toBlock\":\"0x3\"}]");
    assert_string_equal(json_text(e, "message"),
                        "query exceeds max results 1, retry with the range 0-1");
    json_decref(e);
    assert_string_equal(world_text(w, "eth_getStorageAt", "[\"" COUNTER "\",\"0x0\",\"0x2\"]"),
                        "0x0000000000000000000000000000000000000000000000000000000000000002");
    world_close(w);
}

static void test_filters_give_what_is_new(void **state)
{
    (void)state;
    struct rpc_world *w = open_world();
    const char *logs = world_format(
        w, "[\"%s\"]", world_text(w, "eth_newFilter", "[{\"address\":\"" COUNTER "\"}]"));
    const char *blocks = world_format(w, "[\"%s\"]", world_text(w, "eth_newBlockFilter", "[]"));
    const char *pending =
        world_format(w, "[\"%s\"]", world_text(w, "eth_newPendingTransactionFilter", "[]"));
    const char *hash = world_send(w, 1, COUNTER, TOPIC, 0, 200000);
    json_t *r = world_receipt(w, hash);
    json_t *l = world_call(w, "eth_getFilterChanges", logs);
    assert_int_equal(json_array_size(l), 1);
    assert_string_equal(json_text(json_array_get(l, 0), "transactionHash"), hash);
    json_decref(l);
    l = world_call(w, "eth_getFilterChanges", logs);
    assert_int_equal(json_array_size(l), 0);
    json_decref(l);
    l = world_call(w, "eth_getFilterLogs", logs);
    assert_int_equal(json_array_size(l), 1);
    json_decref(l);
    l = world_call(w, "eth_getFilterChanges", blocks);
    assert_int_equal(json_array_size(l), 1);
    assert_string_equal(json_string_value(json_array_get(l, 0)), json_text(r, "blockHash"));
    json_decref(l);
    l = world_call(w, "eth_getFilterChanges", pending);
    assert_int_equal(json_array_size(l), 1);
    assert_string_equal(json_string_value(json_array_get(l, 0)), hash);
    json_decref(l);
    json_decref(r);
    l = world_call(w, "eth_uninstallFilter", logs);
    assert_true(json_is_true(l));
    json_decref(l);
    json_t *e = world_error(w, "eth_getFilterChanges", logs);
    assert_string_equal(json_text(e, "message"), "filter not found");
    json_decref(e);
    w->cfg.rpc.stale_filter_ttl_ms = 0;
    loop_run_ms(w->base, 5);
    e = world_error(w, "eth_getFilterChanges", blocks);
    assert_string_equal(json_text(e, "message"), "filter not found");
    json_decref(e);
    world_close(w);
}

static void test_pending_filter_sees_what_a_filled_gap_releases(void **state)
{
    (void)state;
    struct rpc_world *w = open_world();
    const char *pending =
        world_format(w, "[\"%s\"]", world_text(w, "eth_newPendingTransactionFilter", "[]"));
    w->nonce[1] = 1;
    const char *second = world_send(w, 1, RECEIVER, "0x", 1, 50000);
    json_t *l = world_call(w, "eth_getFilterChanges", pending);
    assert_int_equal(json_array_size(l), 0);
    json_decref(l);
    w->nonce[1] = 0;
    const char *first = world_send(w, 1, RECEIVER, "0x", 1, 50000);
    l = world_call(w, "eth_getFilterChanges", pending);
    assert_int_equal(json_array_size(l), 2);
    assert_string_equal(json_string_value(json_array_get(l, 0)), first);
    assert_string_equal(json_string_value(json_array_get(l, 1)), second);
    json_decref(l);
    world_close(w);
}

static void test_fee_history(void **state)
{
    (void)state;
    struct rpc_world *w = open_world();
    for (int i = 0; i < 3; i++)
        json_decref(world_receipt(w, world_send(w, 1, RECEIVER, "0x", 1, 50000)));
    json_t *h = world_call(w, "eth_feeHistory", "[\"0x2\",\"latest\",[25,75]]");
    assert_int_equal(json_quantity(h, "oldestBlock"), 2);
    assert_int_equal(json_array_size(json_object_get(h, "baseFeePerGas")), 3);
    assert_int_equal(json_array_size(json_object_get(h, "gasUsedRatio")), 2);
    assert_int_equal(json_array_size(json_object_get(h, "reward")), 2);
    assert_int_equal(json_array_size(json_array_get(json_object_get(h, "reward"), 0)), 2);
    assert_int_equal(json_array_size(json_object_get(h, "baseFeePerBlobGas")), 3);
    assert_true(json_real_value(json_array_get(json_object_get(h, "gasUsedRatio"), 0)) > 0.0002);
    json_decref(h);
    h = world_call(w, "eth_feeHistory", "[5000,\"pending\"]");
    assert_int_equal(json_quantity(h, "oldestBlock"), 0);
    assert_null(json_object_get(h, "reward"));
    assert_int_equal(json_array_size(json_object_get(h, "gasUsedRatio")), 4);
    json_decref(h);
    static const char *const bad[] = { "[1,\"latest\",[101]]", "[1,\"latest\",[50,20]]",
                                       "[1,\"latest\",[\"x\"]]", "[1,\"latest\",[-1]]" };
    for (size_t i = 0; i < GH_COUNT(bad); i++) {
        json_t *e = world_error(w, "eth_feeHistory", bad[i]);
        assert_string_equal(json_text(e, "message"), "invalid reward percentile");
        json_decref(e);
    }
    world_close(w);
}

static void test_deployment_and_failures_have_receipts(void **state)
{
    (void)state;
    struct rpc_world *w = open_world();
    /* returns one byte 0x00 as code */
    json_t *r = world_receipt(w, world_send(w, 1, NULL, "0x60015ff3", 0, 500000));
    assert_int_equal(json_quantity(r, "status"), 1);
    const char *at = json_text(r, "contractAddress");
    assert_true(json_is_null(json_object_get(r, "to")));
    assert_string_equal(world_text(w, "eth_getCode", world_format(w, "[\"%s\",\"latest\"]", at)),
                        "0x00");
    assert_string_equal(world_text(w, "eth_getCode", world_format(w, "[\"%s\",\"0x0\"]", at)),
                        "0x");
    json_decref(r);
    r = world_receipt(w, world_send(w, 1, INVALID, "0x", 0, 60000));
    assert_int_equal(json_quantity(r, "status"), 0);
    assert_int_equal(json_quantity(r, "gasUsed"), 60000);
    json_decref(r);
    r = world_receipt(w, world_send(w, 1, REVERTER, "0x", 0, 60000));
    assert_int_equal(json_quantity(r, "status"), 0);
    assert_true(json_quantity(r, "gasUsed") < 30000);
    json_decref(r);
    world_close(w);
}

static void test_batch_of_submissions(void **state)
{
    (void)state;
    struct rpc_world *w = open_world();
    struct buf body;
    buf_init(&body, 1 << 20);
    buf_append(&body, "[", 1);
    for (uint64_t i = 0; i < 40; i++) {
        struct wallet_tx t = { .chain_id = 270, .nonce = i, .gas_limit = 50000, .max_fee = 1000 };
        buf_printf(&body,
                   "%s{\"method\":\"eth_sendRawTransaction\",\"params\":[\"%s\"],\"id\":%u,"
                   "\"jsonrpc\":\"2.0\"}",
                   i ? "," : "", raw_of(w, 2, &t), (unsigned)i);
    }
    buf_append(&body, "]", 2);
    json_t *v = world_post(w, (const char *)body.p);
    buf_clear(&body);
    assert_int_equal(json_array_size(v), 40);
    for (size_t i = 0; i < 40; i++) {
        const json_t *a = json_array_get(v, i);
        assert_int_equal(json_integer_value(json_object_get(a, "id")), i);
        json_decref(world_receipt(w, json_text(a, "result")));
    }
    json_decref(v);
    world_close(w);
}

static void test_raw_encodings(void **state)
{
    (void)state;
    struct rpc_world *w = open_world();
    json_t *e = world_error(w, "debug_getRawHeader", "[\"0x0\"]");
    assert_int_equal(json_integer_value(json_object_get(e, "code")), -32601);
    assert_string_equal(json_text(e, "message"), "Method disabled");
    json_decref(e);
    w->cfg.rpc.debug_namespace = true;
    json_t *r = world_receipt(w, world_send(w, 1, COUNTER, TOPIC, 0, 200000));
    const char *header = world_text(w, "debug_getRawHeader", "[\"latest\"]");
    uint8_t bytes[800];
    size_t len = 0;
    char text[67];
    assert_true(hex_decode(bytes, sizeof(bytes), &len, header, strlen(header)));
    struct b256 h = keccak256(bytes, len);
    hex_encode0x(text, h.b, 32);
    assert_string_equal(text, json_text(r, "blockHash"));
    const char *block = world_text(w, "debug_getRawBlock", "[\"latest\"]");
    json_t *b = world_call(w, "eth_getBlockByNumber", "[\"latest\",false]");
    assert_int_equal((strlen(block) - 2) / 2, json_quantity(b, "size"));
    json_decref(b);
    json_t *rs = world_call(w, "debug_getRawReceipts", "[\"latest\"]");
    assert_int_equal(json_array_size(rs), 1);
    assert_int_equal(strncmp(json_string_value(json_array_get(rs, 0)), "0x02f9", 6), 0);
    json_decref(rs);
    json_decref(r);
    world_close(w);
}

static void test_genesis_answer(void **state)
{
    (void)state;
    struct rpc_world *w = open_world();
    json_t *g = world_call(w, "zks_getGenesis", "[]");
    assert_int_equal(json_array_size(json_object_get(g, "initial_contracts")), 6);
    assert_int_equal(json_integer_value(json_object_get(g, "execution_version")), 6);
    assert_true(json_is_object(json_object_get(g, "additional_storage")));
    json_decref(g);
    world_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain_facts),
        cmocka_unit_test(test_transfer_in_block_receipt_and_state),
        cmocka_unit_test(test_submissions_are_refused_in_words),
        cmocka_unit_test(test_gas_that_does_not_pay_the_start_is_refused),
        cmocka_unit_test(test_gas_that_does_not_pay_the_access_list_is_refused),
        cmocka_unit_test(test_nonce_gap_waits_and_counts_as_queued),
        cmocka_unit_test(test_contract_logs_blooms_and_ranges),
        cmocka_unit_test(test_filters_give_what_is_new),
        cmocka_unit_test(test_pending_filter_sees_what_a_filled_gap_releases),
        cmocka_unit_test(test_fee_history),
        cmocka_unit_test(test_deployment_and_failures_have_receipts),
        cmocka_unit_test(test_batch_of_submissions),
        cmocka_unit_test(test_raw_encodings),
        cmocka_unit_test(test_genesis_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
