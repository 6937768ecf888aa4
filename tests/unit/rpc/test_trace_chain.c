/* tests/unit/rpc/test_trace_chain.c
 *
 * debug_trace* over a real chain: blocks executed again, options, refusals, bounds, and what only this chain has. */
#include "tests/unit/base/testing.h"
#include "tests/unit/loop.h"
#include "tests/unit/rpc/rpc_world.h"

static void expect_error(struct rpc_world *w, const char *method, const char *params, int code,
                         const char *message)
{
    json_t *e = world_error(w, method, params);
    if (json_integer_value(json_object_get(e, "code")) != code ||
        strcmp(json_text(e, "message"), message) != 0)
        fail_msg("%s%s: %d %s", method, params, (int)json_integer_value(json_object_get(e, "code")),
                 json_text(e, "message"));
    json_decref(e);
}

static json_t *trace_tx(struct rpc_world *w, const char *hash, const char *options)
{
    return world_call(w, "debug_traceTransaction", world_format(w, "[\"%s\",%s]", hash, options));
}

/* Each transaction of a block starts where the one before it ended: the counter's slot says so. */
static void test_a_block_is_executed_again(void **state)
{
    (void)state;
    struct rpc_world *w = world_open_debug();
    const char *hash[3];
    for (size_t i = 0; i < 3; i++)
        hash[i] = world_send(w, (unsigned)i + 1, COUNTER, "0x01", 0, 200000);
    for (size_t i = 0; i < 3; i++)
        json_decref(world_receipt(w, hash[i]));
    for (uint64_t i = 0; i < 3; i++) {
        json_t *receipt = world_receipt(w, hash[i]);
        json_t *t =
            trace_tx(w, hash[i], "{\"tracer\":\"callTracer\",\"tracerConfig\":{\"withLog\":true}}");
        assert_int_equal(json_quantity(t, "gasUsed"), json_quantity(receipt, "gasUsed"));
        assert_int_equal(json_quantity(t, "gas"), 200000);
        assert_string_equal(json_text(t, "type"), "CALL");
        assert_string_equal(json_text(t, "to"), COUNTER);
        assert_string_equal(json_text(t, "from"), json_text(receipt, "from"));
        const json_t *log = json_array_get(json_object_get(t, "logs"), 0),
                     *real = json_array_get(json_object_get(receipt, "logs"), 0);
        assert_true(json_equal(json_object_get(log, "topics"), json_object_get(real, "topics")));
        assert_true(json_equal(json_object_get(log, "data"), json_object_get(real, "data")));
        assert_string_equal(json_text(log, "index"), json_text(real, "logIndex"));
        json_decref(t);
        /* slot 0 goes from i to i + 1; an absent slot is not in `pre` */
        t = trace_tx(w, hash[i],
                     "{\"tracer\":\"prestateTracer\",\"tracerConfig\":{\"diffMode\":true}}");
        const json_t *pre = json_object_get(json_object_get(t, "pre"), COUNTER),
                     *post = json_object_get(json_object_get(t, "post"), COUNTER);
        const char *slot = "0x0000000000000000000000000000000000000000000000000000000000000000";
        const char *was = json_string_value(json_object_get(json_object_get(pre, "storage"), slot)),
                   *is = json_string_value(json_object_get(json_object_get(post, "storage"), slot));
        assert_true(i == 0 ? was == NULL : strtoull(was + 50, NULL, 16) == i);
        assert_int_equal(strtoull(is + 50, NULL, 16), i + 1);
        json_decref(t);
        json_decref(receipt);
    }
    /* a block's traces are its transactions' traces */
    json_t *receipt = world_receipt(w, hash[2]);
    const char *by_number = world_format(w, "[\"%s\",{\"tracer\":\"callTracer\"}]",
                                         json_text(receipt, "blockNumber")),
               *by_hash = world_format(w, "[\"%s\",{\"tracer\":\"callTracer\"}]",
                                       json_text(receipt, "blockHash"));
    json_t *a = world_call(w, "debug_traceBlockByNumber", by_number),
           *b = world_call(w, "debug_traceBlockByHash", by_hash), *each;
    assert_true(json_equal(a, b));
    const char *raw = world_text(w, "debug_getRawBlock",
                                 world_format(w, "[\"%s\"]", json_text(receipt, "blockNumber")));
    json_t *from_raw = world_call(w, "debug_traceBlock",
                                  world_format(w, "[\"%s\",{\"tracer\":\"callTracer\"}]", raw));
    assert_true(json_equal(a, from_raw));
    json_decref(from_raw);
    size_t i;
    assert_true(json_array_size(a) >= 1);
    json_array_foreach(a, i, each)
    {
        json_t *one = trace_tx(w, json_text(each, "txHash"), "{\"tracer\":\"callTracer\"}");
        world_expect_equal(json_text(each, "txHash"), "of its block",
                           json_object_get(each, "result"), one);
        json_decref(one);
    }
    json_decref(a);
    json_decref(b);
    json_decref(receipt);
    world_close(w);
}

static void test_failed_and_creating_transactions(void **state)
{
    (void)state;
    struct rpc_world *w = world_open_debug();
    const char *failed = world_send(w, 1, REVERTER, "0x11223344", 0, 100000),
               *creation = world_send(w, 2, NULL, "0x60015ff3", 0, 200000),
               *transfer = world_send(w, 3, STRANGER, "0x", 5, 21000);
    json_decref(world_receipt(w, failed));
    json_t *r = world_receipt(w, creation);
    json_decref(world_receipt(w, transfer));
    json_t *t = trace_tx(w, failed, "{\"tracer\":\"callTracer\"}");
    assert_string_equal(json_text(t, "error"), "execution reverted");
    assert_string_equal(json_text(t, "output"), "0x11223344");
    assert_null(json_object_get(t, "revertReason"));
    json_decref(t);
    t = trace_tx(w, failed, "{}");
    assert_true(json_is_true(json_object_get(t, "failed")));
    assert_string_equal(json_text(t, "returnValue"), "0x11223344");
    json_decref(t);
    t = trace_tx(w, creation, "{\"tracer\":\"callTracer\"}");
    assert_string_equal(json_text(t, "type"), "CREATE");
    assert_string_equal(json_text(t, "to"), json_text(r, "contractAddress"));
    assert_string_equal(json_text(t, "input"), "0x60015ff3");
    assert_string_equal(json_text(t, "output"), "0x00");
    json_decref(t);
    t = trace_tx(w, creation, "{\"tracer\":\"flatCallTracer\"}");
    const json_t *flat = json_array_get(t, 0);
    assert_int_equal(json_array_size(t), 1);
    assert_string_equal(json_text(flat, "type"), "create");
    assert_string_equal(json_text(flat, "transactionHash"), creation);
    assert_string_equal(json_text(flat, "blockHash"), json_text(r, "blockHash"));
    assert_string_equal(json_text(json_object_get(flat, "result"), "address"),
                        json_text(r, "contractAddress"));
    json_decref(t);
    t = trace_tx(w, transfer, "{}");
    assert_int_equal(json_array_size(json_object_get(t, "structLogs")), 0);
    assert_int_equal(json_integer_value(json_object_get(t, "gas")), 21000);
    json_decref(t);
    json_decref(r);
    world_close(w);
}

static size_t steps_of(struct rpc_world *w, const char *hash, const char *options, json_t **first)
{
    json_t *t = trace_tx(w, hash, options), *logs = json_object_get(t, "structLogs");
    size_t n = json_array_size(logs);
    *first = json_deep_copy(json_array_get(logs, n - 1));
    json_decref(t);
    return n;
}

static void test_options_of_the_struct_logger(void **state)
{
    (void)state;
    struct rpc_world *w = world_open_debug();
    const char *hash = world_send(w, 1, COUNTER, "0x01", 0, 200000);
    json_decref(world_receipt(w, hash));
    json_t *last;
    size_t all = steps_of(w, hash, "{\"enableMemory\":true,\"enableReturnData\":true}", &last);
    assert_true(json_is_array(json_object_get(last, "stack")));
    const char *word = json_string_value(json_array_get(json_object_get(last, "memory"), 0));
    assert_int_equal(strlen(word), 66);
    json_decref(last);
    assert_int_equal(steps_of(w, hash, "{\"disableStack\":true,\"disableStorage\":true}", &last),
                     all);
    assert_null(json_object_get(last, "stack"));
    assert_null(json_object_get(last, "memory"));
    json_decref(last);
    assert_int_equal(steps_of(w, hash, "{\"limit\":3}", &last), 3);
    json_decref(last);
    /* the slot an SLOAD finds, and what an SSTORE puts there */
    json_t *t = trace_tx(w, hash, "{}"), *each;
    size_t i, seen = 0;
    json_array_foreach(json_object_get(t, "structLogs"), i, each)
    {
        const json_t *storage = json_object_get(each, "storage");
        bool stores = strcmp(json_text(each, "op"), "SSTORE") == 0;
        if (!stores && strcmp(json_text(each, "op"), "SLOAD") != 0) {
            assert_null(storage);
            continue;
        }
        const char *v = json_string_value(json_object_get(
            storage, "0x0000000000000000000000000000000000000000000000000000000000000000"));
        assert_non_null(v);
        assert_int_equal(strtoull(v + 50, NULL, 16), stores ? 1 : 0);
        seen++;
    }
    assert_int_equal(seen, 2);
    json_decref(t);
    world_close(w);
}

static void test_refusals_in_words(void **state)
{
    (void)state;
    struct rpc_world *w = world_open(NULL);
    const char *none = "[\"0x1111111111111111111111111111111111111111111111111111111111111111\"]";
    expect_error(w, "debug_traceTransaction", none, -32601, "Method disabled");
    w->cfg.rpc.debug_namespace = true;
    expect_error(w, "debug_traceTransaction", none, -32000, "transaction not found");
    expect_error(w, "debug_traceBlockByNumber", "[\"0x77\"]", -32000, "block not found");
    expect_error(w, "debug_traceBlockByHash", none, -32000, "block not found");
    expect_error(w, "debug_traceBlock", "[\"0xc3c1c0c0\"]", -32000, "block not found");
    static const char *const no_blocks[] = { "0x", "0x80", "0xc0", "0xc2c1", "0xc1c0c0" };
    for (size_t i = 0; i < GH_COUNT(no_blocks); i++)
        expect_error(w, "debug_traceBlock", world_format(w, "[\"%s\"]", no_blocks[i]), -32602,
                     "invalid params: block: expected the RLP of a block");
    json_t *genesis = world_call(w, "debug_traceBlockByNumber", "[\"0x0\"]");
    assert_true(json_is_array(genesis) && json_array_size(genesis) == 0);
    json_decref(genesis);
    const char *call = "{\"to\":\"" COUNTER "\"},\"latest\"";
    static const struct {
        const char *options, *message;
    } cases[] = {
        { "7", "invalid params: tracing options: expected an object" },
        { "{\"tracer\":\"fooTracer\"}", "tracer fooTracer is not supported" },
        { "{\"tracer\":\"{step: function(){}}\"}",
          "JavaScript tracers are not supported; callTracer, flatCallTracer, prestateTracer, "
          "4byteTracer, muxTracer and noopTracer are" },
        { "{\"tracer\":7}", "invalid params: tracer: expected a name" },
        { "{\"tracer\":\"callTracer\",\"tracerConfig\":7}",
          "invalid tracer config: expected an object" },
        { "{\"tracer\":\"callTracer\",\"tracerConfig\":{\"withLog\":7}}",
          "invalid tracer config: withLog: expected true or false" },
        { "{\"timeout\":\"soon\"}", "invalid params: timeout: expected a duration (\"5s\")" },
        { "{\"timeout\":5}", "invalid params: timeout: expected a duration (\"5s\")" },
        { "{\"tracer\":\"muxTracer\",\"tracerConfig\":{\"muxTracer\":{}}}",
          "invalid tracer config: a muxTracer inside a muxTracer" },
        { "{\"limit\":-1}", "invalid params: limit: negative number" },
    };
    for (size_t i = 0; i < GH_COUNT(cases); i++)
        expect_error(w, "debug_traceCall", world_format(w, "[%s,%s]", call, cases[i].options),
                     -32602, cases[i].message);
    world_close(w);
}

static void short_history(struct config *cfg)
{
    cfg->rpc.debug_namespace = true;
    cfg->general.history_blocks = 16;
}

static void test_a_block_whose_state_is_gone(void **state)
{
    (void)state;
    struct rpc_world *w = world_open(short_history);
    const char *first = world_send(w, 1, COUNTER, "0x01", 0, 200000), *last = first;
    json_decref(world_receipt(w, first));
    json_decref(trace_tx(w, first, "{\"tracer\":\"callTracer\"}"));
    for (unsigned i = 0; i < 20; i++) {
        last = world_send(w, 1, COUNTER, "0x01", 0, 200000);
        json_decref(world_receipt(w, last));
    }
    json_decref(trace_tx(w, last, "{\"tracer\":\"callTracer\"}"));
    expect_error(w, "debug_traceTransaction", world_format(w, "[\"%s\"]", first), -32602,
                 "historical block 0 is not available");
    expect_error(w, "debug_traceBlockByNumber", "[\"0x1\"]", -32602,
                 "historical block 0 is not available");
    world_close(w);
}

/* Too few steps for a look at the clock while it runs: writing looks, too. */
static void test_the_deadline_holds_while_the_result_is_written(void **state)
{
    (void)state;
    struct rpc_world *w = world_open_debug();
    const char *hash = world_send(w, 1, FILLER, world_format(w, "0x%064x", 20u), 0, 2000000);
    json_decref(world_receipt(w, hash));
    static const char *const configs[] = { "{}", "{\"diffMode\":true}" };
    for (size_t i = 0; i < GH_COUNT(configs); i++)
        expect_error(w, "debug_traceTransaction",
                     world_format(w,
                                  "[\"%s\",{\"tracer\":\"prestateTracer\",\"timeout\":\"0s\","
                                  "\"tracerConfig\":%s}]",
                                  hash, configs[i]),
                     -32000, "execution timeout");
    json_decref(trace_tx(w, hash, "{\"tracer\":\"prestateTracer\"}"));
    assert_int_equal(atomic_load(&w->rpc->memory), 0);
    assert_int_equal(atomic_load(&w->rpc->traces), 0);
    world_close(w);
}

static void test_a_trace_is_in_the_memory_budget(void **state)
{
    (void)state;
    struct rpc_world *w = world_open_debug();
    /* 5b 5f 56: steps without an end, each of them remembered */
    const char *ask = "[{\"to\":\"" STRANGER "\",\"gas\":\"0x5f5e100\"},\"latest\","
                      "{\"stateOverrides\":{\"" STRANGER "\":{\"code\":\"0x5b5f56\"}}}]";
    w->cfg.rpc.memory_budget = 8u << 20;
    expect_error(w, "debug_traceCall", ask, -32000,
                 "the server is out of memory for traces, try again");
    assert_int_equal(atomic_load(&w->rpc->memory), 0);
    assert_int_equal(atomic_load(&w->rpc->traces), 0);
    world_close(w);
}

static void *trace_long(void *arg)
{
    struct rpc_world *w = arg;
    static const char body[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"debug_traceCall\",\"params\":[{\"to\":"
        "\"" STRANGER "\",\"gas\":\"0x5f5e100000\"},\"latest\",{\"tracer\":\"noopTracer\","
        "\"timeout\":\"3s\",\"stateOverrides\":{\"" STRANGER "\":{\"code\":\"0x5b5f56\"}}}]}";
    struct buf out;
    buf_init(&out, 1u << 20);
    rpc_dispatch(w->rpc, bytes_of(body, sizeof(body) - 1), &out);
    buf_clear(&out);
    return NULL;
}

/* Of two workers one is left for others. */
static void test_traces_do_not_take_all_workers(void **state)
{
    (void)state;
    struct rpc_world *w = world_open_debug();
    pthread_t thread;
    const char *ask = "[{\"to\":\"" STRANGER "\"},\"latest\",{\"tracer\":\"noopTracer\"}]";
    assert_int_equal(pthread_create(&thread, NULL, trace_long, w), 0);
    for (int i = 0; i < 2000 && atomic_load(&w->rpc->traces) == 0; i++)
        loop_turn(w->base, 1);
    expect_error(w, "debug_traceCall", ask, -32000,
                 "no more than 1 traces are made at once; try again");
    (void)world_quantity(w, "eth_blockNumber", "[]");
    pthread_join(thread, NULL);
    json_decref(world_call(w, "debug_traceCall", ask));
    world_close(w);
}

static void test_bounds_of_time_and_size(void **state)
{
    (void)state;
    struct rpc_world *w = world_open_debug();
    /* 5b 5f 56: a loop without an end, 10 gas a round */
    const char *loop = "{\"to\":\"" STRANGER "\",\"gas\":\"0x5f5e100\"},\"latest\"";
    const char *code = "\"stateOverrides\":{\"" STRANGER "\":{\"code\":\"0x5b5f56\"}}";
    expect_error(
        w, "debug_traceCall",
        world_format(w, "[%s,{\"timeout\":\"1us\",\"tracer\":\"callTracer\",%s}]", loop, code),
        -32000, "execution timeout");
    w->cfg.rpc.max_response_size = 100000;
    expect_error(w, "debug_traceCall", world_format(w, "[%s,{%s}]", loop, code), -32008,
                 "Response is too big");
    /* calls with much data, over and over: 5b 5f 5f 61ffff 5f 5f 6004 5a f1 50 5f 56 */
    expect_error(w, "debug_traceCall",
                 world_format(w,
                              "[%s,{\"tracer\":\"callTracer\",\"stateOverrides\":{\"" STRANGER
                              "\":{\"code\":\"0x5b5f5f61ffff5f5f60045af1505f56\"}}}]",
                              loop),
                 -32008, "Response is too big");
    json_t *t =
        world_call(w, "debug_traceCall", world_format(w, "[%s,{\"tracer\":\"noopTracer\"}]", loop));
    assert_int_equal(json_object_size(t), 0);
    json_decref(t);
    world_close(w);
}

/* ---- what only this chain has ---- */

static void dear(struct config *cfg)
{
    cfg->rpc.debug_namespace = true;
    cfg->sequencer.has_base_fee_override = cfg->sequencer.has_native_price_override = true;
    cfg->sequencer.has_pubdata_price_override = true;
    cfg->sequencer.base_fee_override = u256_of_u64(100000000);
    cfg->sequencer.native_price_override = u256_of_u64(1000000);
    cfg->sequencer.pubdata_price_override = u256_of_u64(100000000000);
}

/* A gas buys 100 native, a byte of pubdata takes 100000. 6144 hashes at 20000 are more than a million gas buys; 20 slots are
 * paid for by half a million, but not what they say of themselves. */
static void test_transactions_without_native_resource(void **state)
{
    (void)state;
    struct rpc_world *w = world_open(dear);
    const char *spin = world_send(
        w, 1, SPINNER, "0x0000000000000000000000000000000000000000000000000000000000001800", 0,
        1000000);
    const char *fill =
        world_send(w, 2, FILLER,
                   "0x0000000000000000000000000000000000000000000000000000000000000014", 0, 500000);
    json_t *receipt = world_receipt(w, spin), *other = world_receipt(w, fill);
    json_t *t = trace_tx(w, spin, "{\"tracer\":\"callTracer\"}");
    assert_int_equal(json_quantity(receipt, "status"), 0);
    assert_string_equal(json_text(t, "error"), "out of native resource");
    assert_null(json_object_get(t, "output"));
    assert_int_equal(json_quantity(t, "gasUsed"), 1000000);
    json_decref(t);
    t = trace_tx(w, spin, "{\"disableStack\":true}");
    const json_t *logs = json_object_get(t, "structLogs");
    assert_true(json_is_true(json_object_get(t, "failed")));
    assert_string_equal(json_text(json_array_get(logs, json_array_size(logs) - 1), "error"),
                        "out of native resource");
    json_decref(t);
    /* the body itself succeeds here, and says so step by step */
    assert_int_equal(json_quantity(other, "status"), 0);
    t = trace_tx(w, fill, "{\"tracer\":\"callTracer\"}");
    const char *error = json_text(t, "error");
    if (strncmp(error, "insufficient gas to cover pubdata cost (pubdata_used: ", 53) != 0 ||
        !strstr(error, ", native_used: "))
        fail_msg("%s", error);
    assert_int_equal(json_quantity(t, "gasUsed"), json_quantity(other, "gasUsed"));
    json_decref(t);
    t = trace_tx(w, fill, "{\"tracer\":\"prestateTracer\",\"tracerConfig\":{\"diffMode\":true}}");
    assert_null(json_object_get(json_object_get(t, "post"), FILLER)); /* undone */
    json_decref(t);
    json_decref(receipt);
    json_decref(other);
    world_close(w);
}

static void test_several_tracers_at_once(void **state)
{
    (void)state;
    struct rpc_world *w = world_open_debug();
    const char *hash = world_send(w, 1, COUNTER, "0x01020304", 0, 200000);
    json_decref(world_receipt(w, hash));
    json_t *t =
        trace_tx(w, hash,
                 "{\"tracer\":\"muxTracer\",\"tracerConfig\":{\"callTracer\":{\"onlyTopCall\":"
                 "true},\"4byteTracer\":null,\"prestateTracer\":{\"diffMode\":true}}}");
    json_t *call = trace_tx(w, hash, "{\"tracer\":\"callTracer\"}"),
           *diff = trace_tx(w, hash,
                            "{\"tracer\":\"prestateTracer\",\"tracerConfig\":{\"diffMode\":true}}");
    assert_int_equal(json_object_size(t), 3);
    world_expect_equal("mux", "callTracer", json_object_get(t, "callTracer"), call);
    world_expect_equal("mux", "prestateTracer", json_object_get(t, "prestateTracer"), diff);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(t, "4byteTracer"), "0x01020304-0")), 1);
    json_decref(t);
    json_decref(call);
    json_decref(diff);
    world_close(w);
}

static void test_call_with_overrides_of_the_block(void **state)
{
    (void)state;
    struct rpc_world *w = world_open_debug();
    /* NUMBER, TIMESTAMP: 43 5f 52 42 6020 52 6040 5f f3 */
    json_t *t =
        world_call(w, "debug_traceCall",
                   "[{\"to\":\"" STRANGER
                   "\"},\"latest\",{\"tracer\":\"callTracer\",\"stateOverrides\":{\"" STRANGER
                   "\":{\"code\":\"0x435f524260205260405ff3\"}},\"blockOverrides\":{\"number\":"
                   "\"0x64\",\"time\":"
                   "\"0x7b\"}}]");
    assert_string_equal(json_text(t, "output"),
                        "0x0000000000000000000000000000000000000000000000000000000000000064"
                        "000000000000000000000000000000000000000000000000000000000000007b");
    json_decref(t);
    world_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_block_is_executed_again),
        cmocka_unit_test(test_failed_and_creating_transactions),
        cmocka_unit_test(test_options_of_the_struct_logger),
        cmocka_unit_test(test_refusals_in_words),
        cmocka_unit_test(test_a_block_whose_state_is_gone),
        cmocka_unit_test(test_bounds_of_time_and_size),
        cmocka_unit_test(test_the_deadline_holds_while_the_result_is_written),
        cmocka_unit_test(test_a_trace_is_in_the_memory_budget),
        cmocka_unit_test(test_traces_do_not_take_all_workers),
        cmocka_unit_test(test_transactions_without_native_resource),
        cmocka_unit_test(test_several_tracers_at_once),
        cmocka_unit_test(test_call_with_overrides_of_the_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
