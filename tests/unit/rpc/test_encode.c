/* tests/unit/rpc/test_encode.c
 *
 * JSON of transactions, receipts, logs and headers, letter by letter, for blocks made by hand: every type, every field that a
 * known client needs (ethers v6, viem and its zksync formatters, zksync-ethers, zksync-js). */
#include "tests/unit/base/testing.h"

#include <jansson.h>

#include "node/rpc/encode.h"

static struct buf out;

static json_t *parse_out(void)
{
    json_error_t fault;
    json_t *v = json_loadb((const char *)out.p, out.len, JSON_REJECT_DUPLICATES, &fault);
    if (!v)
        fail_msg("%s: %.*s", fault.text, (int)out.len, (const char *)out.p);
    return v;
}

static void expect(const char *json)
{
    if (out.len != strlen(json) || memcmp(out.p, json, out.len) != 0)
        fail_msg("got %.*s\nnot %s", (int)out.len, (const char *)out.p, json);
    buf_reset(&out);
}

static void test_writer(void **state)
{
    (void)state;
    buf_init(&out, 1 << 20);
    js_open(&out, '{');
    jm_quantity(&out, "a", 0);
    jm_quantity(&out, "b", 255);
    jm_number(&out, "c", UINT64_MAX);
    jm_hex(&out, "d", "\x00\x01", 2);
    jm_text(&out, "e", "a\"b\\c\n\x7f\xc3\xa9");
    jm_null(&out, "f");
    jm_bool(&out, "g", true);
    js_key(&out, "h");
    js_open(&out, '[');
    js_open(&out, '[');
    js_close(&out, ']');
    js_number(&out, 10);
    js_open(&out, '{');
    js_close(&out, '}');
    js_text(&out, "");
    js_close(&out, ']');
    struct u256 max = U256_MAX;
    jm_quantity_u256(&out, "i", &max);
    js_close(&out, '}');
    expect("{\"a\":\"0x0\",\"b\":\"0xff\",\"c\":18446744073709551615,\"d\":\"0x0001\",\"e\":"
           "\"a\\\"b\\\\c\\u000a\\u007f\xc3\xa9\","
           "\"f\":null,\"g\":true,\"h\":[[],10,{},\"\"],\"i\":"
           "\"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"}");
    buf_clear(&out);
}

#define W(n) "00000000000000000000000000000000000000000000000000000000000000" n
#define ADDR "000000000000000000000000000000000000"

static struct chain_block block;
static struct block_tx txs[2];

static void make_block(void)
{
    memset(&block, 0, sizeof(block));
    memset(txs, 0, sizeof(txs));
    block.r.header.number = 7;
    block.r.header.timestamp = 100;
    block.r.header.gas_limit = 1000;
    block.r.header.gas_used = 70;
    block.r.header.base_fee = u256_of_u64(5);
    block.r.header.parent_hash = b256_of_u64(6);
    block.r.header.mix_hash = b256_of_u64(1);
    block.r.header.transactions_root = b256_of_u64(9);
    block.r.block_hash = b256_of_u64(0x77);
    block.r.txs = txs;
    block.r.tx_cnt = 2;
    txs[0].gas_used = 30;
    txs[1].gas_used = 40;
    txs[1].hash = b256_of_u64(0xaa);
    txs[1].from = addr_of_u32(0xf0);
    txs[1].success = true;
    txs[1].effective_gas_price = u256_of_u64(6);
    txs[1].native_used = 1000;
    txs[1].computational_native_used = 900;
    txs[1].pubdata_used = 134;
    txs[1].gas_refunded = 3;
}

static void test_dynamic_fee_transaction(void **state)
{
    (void)state;
    buf_init(&out, 1 << 20);
    make_block();
    struct b256 key = b256_of_u64(1);
    struct tx_access access = { addr_of_u32(0xb0), &key, 1 };
    struct stf_tx tx = { .type = TX_DYNAMIC_FEE,
                         .has_chain_id = true,
                         .chain_id = 270,
                         .nonce = 3,
                         .gas_limit = 21000,
                         .from = addr_of_u32(0xf0),
                         .to = addr_of_u32(0xb0),
                         .max_fee = u256_of_u64(10),
                         .max_priority_fee = u256_of_u64(1),
                         .value = u256_of_u64(0x10),
                         .hash = b256_of_u64(0xaa),
                         .access = &access,
                         .access_cnt = 1,
                         .r = u256_of_u64(0x11),
                         .s = u256_of_u64(0x12),
                         .y_parity = 1 };
    struct tx_place at = { &block, 1, NULL };
    encode_tx(&out, &tx, &at);
    expect("{\"type\":\"0x2\",\"hash\":\"0x" W("aa") "\",\"blockHash\":\"0x" W(
        "77") "\",\"blockNumber\":\"0x7\",\"blockTimestamp\":\"0x64\",\"transactionIndex\":\"0x1\","
              "\"from\":\"0x" ADDR "00f0\",\"to\":\"0x" ADDR
              "00b0\",\"nonce\":\"0x3\",\"gas\":\"0x5208\",\"value\":\"0x10\",\"input\":\"0x\","
              "\"chainId\":\"0x10e\","
              "\"maxFeePerGas\":\"0xa\",\"maxPriorityFeePerGas\":\"0x1\",\"gasPrice\":\"0x6\","
              "\"accessList\":[{\"address\":\"0x" ADDR "00b0\",\"storageKeys\":[\"0x" W(
                  "01") "\"]}],"
                        "\"yParity\":\"0x1\",\"v\":\"0x1\",\"r\":\"0x11\",\"s\":\"0x12\"}");
    /* in the pool */
    struct tx_place nowhere = { 0 };
    encode_tx(&out, &tx, &nowhere);
    json_t *v = parse_out();
    assert_true(json_is_null(json_object_get(v, "blockHash")) &&
                json_is_null(json_object_get(v, "transactionIndex")));
    assert_string_equal(json_string_value(json_object_get(v, "gasPrice")), "0xa");
    json_decref(v);
    buf_clear(&out);
}

static void test_l1_and_system_transactions(void **state)
{
    (void)state;
    buf_init(&out, 1 << 20);
    make_block();
    struct b256 dep = b256_of_u64(0xdd);
    struct stf_tx tx = { .type = TX_PRIORITY,
                         .from = addr_of_u32(1),
                         .to = addr_of_u32(2),
                         .gas_limit = 0x30d40,
                         .gas_per_pubdata = 800,
                         .max_fee = u256_of_u64(250),
                         .l1_nonce = u256_of_u64(4),
                         .value = u256_of_u64(1),
                         .to_mint = u256_of_u64(2),
                         .refund_recipient = addr_of_u32(3),
                         .factory_deps = { dep.b, 32 },
                         .hash = b256_of_u64(0xaa) };
    struct tx_place at = { &block, 1, NULL };
    encode_tx(&out, &tx, &at);
    expect("{\"type\":\"0x7f\",\"hash\":\"0x" W("aa") "\",\"blockHash\":\"0x" W(
        "77") "\",\"blockNumber\":\"0x7\",\"blockTimestamp\":\"0x64\",\"transactionIndex\":\"0x1\","
              "\"initiator\":\"0x" ADDR "0001\",\"from\":\"0x" ADDR "0001\",\"to\":\"0x" ADDR
              "0002\",\"gas\":\"0x30d40\",\"gasPerPubdataByteLimit\":\"0x320\",\"maxFeePerGas\":"
              "\"0xfa\","
              "\"maxPriorityFeePerGas\":\"0x0\",\"gasPrice\":\"0xfa\",\"nonce\":\"0x4\",\"value\":"
              "\"0x1\",\"toMint\":\"0x2\",\"refundRecipient\":\"0x" ADDR "0003\",\"input\":\"0x\","
              "\"factoryDeps\":[\"0x" W(
                  "dd") "\"],\"v\":\"0x0\",\"r\":\"0x0\",\"s\":\"0x0\",\"yParity\":\"0x0\"}");
    struct stf_tx sys = { .type = TX_SYSTEM,
                          .to = addr_of_u32(0x800b),
                          .data = { (const uint8_t *)"\x01", 1 },
                          .hash = b256_of_u64(0xab) };
    encode_tx(&out, &sys, &at);
    expect("{\"type\":\"0x7d\",\"hash\":\"0x" W("ab") "\",\"blockHash\":\"0x" W(
        "77") "\",\"blockNumber\":\"0x7\",\"blockTimestamp\":\"0x64\",\"transactionIndex\":\"0x1\","
              "\"initiator\":\"0x" ADDR "8001\",\"from\":\"0x" ADDR "8001\",\"to\":\"0x" ADDR
              "800b\",\"gas\":\"0x0\",\"gasPrice\":\"0x0\",\"maxFeePerGas\":\"0x0\","
              "\"maxPriorityFeePerGas\":\"0x0\","
              "\"nonce\":\"0x0\",\"value\":\"0x0\",\"input\":\"0x01\",\"v\":\"0x0\",\"r\":\"0x0\","
              "\"s\":\"0x0\",\"yParity\":\"0x0\"}");
    buf_clear(&out);
}

static void test_receipt_with_logs_of_both_kinds(void **state)
{
    (void)state;
    buf_init(&out, 1 << 20);
    make_block();
    struct stf_event e = { .addr = addr_of_u32(0xe0),
                           .topic_cnt = 1,
                           .topics = { b256_of_u64(0x70) },
                           .data = { (const uint8_t *)"\x05", 1 } };
    struct stf_l2_log l[2] = {
        { .tx_number = 1, .is_message = true, .key = b256_of_u64(0x800a), .value = b256_of_u64(5) },
        { .tx_number = 1, .is_message = false, .key = b256_of_u64(0xaa), .value = b256_of_u64(1) }
    };
    txs[1].events = &e;
    txs[1].event_cnt = 1;
    txs[1].l2_logs = l;
    txs[1].l2_log_cnt = 2;
    struct batch_row batch = { .number = 4 };
    batch.step[BATCH_COMMIT].done = true;
    struct stf_tx tx = { .type = TX_PRIORITY, .to = addr_of_u32(2) };
    struct tx_place at = { &block, 1, &batch };
    encode_receipt(&out, &tx, &at, 30, 2, 6);
    json_t *r = parse_out();
    static const struct {
        const char *key, *value;
    } fields[] = {
        { "type", "0x7f" },
        { "status", "0x1" },
        { "cumulativeGasUsed", "0x46" },
        { "gasUsed", "0x28" },
        { "effectiveGasPrice", "0x6" },
        { "transactionHash", "0x" W("aa") },
        { "transactionIndex", "0x1" },
        { "blockHash", "0x" W("77") },
        { "blockNumber", "0x7" },
        { "from", "0x" ADDR "00f0" },
        { "to", "0x" ADDR "0002" },
        { "l1BatchNumber", "0x4" },
        { "l1BatchTxIndex", "0x1" },
        { "nativeUsed", "0x3e8" },
        { "computationalNativeUsed", "0x384" },
        { "pubdataUsed", "0x86" },
        { "gasRefunded", "0x3" },
    };
    for (size_t i = 0; i < GH_COUNT(fields); i++)
        assert_string_equal(json_string_value(json_object_get(r, fields[i].key)), fields[i].value);
    assert_true(json_is_null(json_object_get(r, "contractAddress")));
    char *log = json_dumps(json_array_get(json_object_get(r, "logs"), 0), JSON_COMPACT);
    assert_string_equal(
        log, "{\"address\":\"0x" ADDR
             "00e0\",\"topics\":[\"0x" W("70") "\"],\"data\":\"0x05\",\"blockHash\":\"0x" W(
                 "77") "\",\"blockNumber\":\"0x7\",\"blockTimestamp\":\"0x64\","
                       "\"transactionIndex\":\"0x1\",\"transactionHash\":\"0x" W(
                           "aa") "\",\"logIndex\":\"0x2\",\"transactionLogIndex\":\"0x0\","
                                 "\"logType\":null,\"removed\":false,\"l1BatchNumber\":\"0x4\"}");
    free(log);
    char *msg = json_dumps(json_array_get(json_object_get(r, "l2ToL1Logs"), 0), JSON_COMPACT);
    assert_string_equal(
        msg, "{\"blockHash\":\"0x" W(
                 "77") "\",\"blockNumber\":\"0x7\",\"blockTimestamp\":\"0x64\","
                       "\"transactionIndex\":\"0x1\",\"transactionHash\":\"0x" W(
                           "aa") "\","
                                 "\"logIndex\":\"0x6\",\"transactionLogIndex\":"
                                 "\"0x0\",\"shardId\":\"0x0\",\"isService\":true,"
                                 "\"sender\":\"0x" ADDR "8008\",\"key\":"
                                 "\"0x0000000000000000000000000000000000000000000000"
                                 "00000000000000800a\","
                                 "\"value\":\"0x" W(
                                     "05") "\",\"l1BatchNumber\":\"0x4\","
                                           "\"txIndexInL1Batch\":\"0x1\",\"l1BatchTxIndex\":"
                                           "\"0x1\",\"l2_shard_"
                                           "id\":0,\"is_service\":true,\"tx_number_"
                                           "in_block\":1}");
    free(msg);
    const json_t *second = json_array_get(json_object_get(r, "l2ToL1Logs"), 1);
    assert_string_equal(json_string_value(json_object_get(second, "sender")), "0x" ADDR "8001");
    assert_string_equal(json_string_value(json_object_get(second, "logIndex")), "0x7");
    /* bloom of one address and one topic: at most six bits, at least one */
    const char *bloom = json_string_value(json_object_get(r, "logsBloom"));
    assert_int_equal(strlen(bloom), 514);
    assert_true(strspn(bloom + 2, "0") < 512);
    json_decref(r);
    buf_reset(&out);
    /* before the commit the batch is not shown */
    batch.step[BATCH_COMMIT].done = false;
    encode_receipt(&out, &tx, &at, 30, 2, 6);
    r = parse_out();
    assert_true(json_is_null(json_object_get(r, "l1BatchNumber")) &&
                json_is_null(json_object_get(r, "l1BatchTxIndex")));
    json_decref(r);
    buf_clear(&out);
}

static void test_header_fields(void **state)
{
    (void)state;
    buf_init(&out, 1 << 20);
    make_block();
    txs[0].envelope = bytes_of("\xc1\x80", 2);
    txs[1].envelope = bytes_of("\x02\xc1\x80", 3);
    js_open(&out, '{');
    encode_header_fields(&out, &block, NULL);
    js_close(&out, '}');
    json_t *h = parse_out();
    static const char *const needed[] = { "number",
                                          "hash",
                                          "parentHash",
                                          "sha3Uncles",
                                          "miner",
                                          "stateRoot",
                                          "transactionsRoot",
                                          "receiptsRoot",
                                          "logsBloom",
                                          "difficulty",
                                          "totalDifficulty",
                                          "gasLimit",
                                          "gasUsed",
                                          "timestamp",
                                          "extraData",
                                          "mixHash",
                                          "nonce",
                                          "baseFeePerGas",
                                          "size" };
    for (size_t i = 0; i < GH_COUNT(needed); i++)
        if (!json_is_string(json_object_get(h, needed[i])))
            fail_msg("%s is missing", needed[i]);
    assert_string_equal(json_string_value(json_object_get(h, "nonce")), "0x0000000000000000");
    assert_string_equal(json_string_value(json_object_get(h, "extraData")), "0x");
    assert_true(json_is_null(json_object_get(h, "l1BatchNumber")));
    /* header, then [2 bytes as a list of its own, 3 bytes as a string], then [] */
    uint8_t enc[700];
    size_t header = stf_header_encode(enc, &block.r.header);
    assert_int_equal(encode_block_rlp_len(&block), header + 1 + (2 + 4) + 1 + 3);
    json_decref(h);
    buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writer),
        cmocka_unit_test(test_dynamic_fee_transaction),
        cmocka_unit_test(test_l1_and_system_transactions),
        cmocka_unit_test(test_receipt_with_logs_of_both_kinds),
        cmocka_unit_test(test_header_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
