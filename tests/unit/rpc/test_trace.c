/* tests/unit/rpc/test_trace.c
 *
 * debug_trace* over a real chain. Expected traces of small programs are anvil's (traces.json, made by record_traces.mjs):
 * what it says of the frames, the logs, the functions called, the accounts before and after. Where anvil's words for an
 * error are revm's own, go-ethereum's are expected. */
#include "tests/unit/base/testing.h"
#include "tests/unit/rpc/rpc_world.h"

#include "node/base/hash.h"
#include "node/base/hex.h"

static void with_debug(struct config *cfg)
{
    cfg->rpc.debug_namespace = true;
}

static struct rpc_world *open_world(void)
{
    struct rpc_world *w = world_open(NULL);
    with_debug(&w->cfg);
    return w;
}

static json_t *load_traces(void)
{
    json_error_t e;
    json_t *all =
        json_load_file("tests/unit/rpc/traces.json", 0, &e) /* from the top of the tree */;
    if (!all)
        fail_msg("traces.json: %s", e.text);
    return all;
}

/* ---- making the two comparable ---- */

static const char *const words[][2] = {
    { "StackUnderflow", "stack underflow (1 <=> 2)" },
    { "Out of stack", "stack limit reached 1024 (1023)" },
    { "invalid opcode", "invalid opcode: opcode 0xc not defined" },
    { "StateChangeDuringStaticCall", "write protection" },
    { "OutOfOffset", "return data out of bounds" },
    { "CreateContractStartingWithEF", "invalid code: must not begin with 0xef" },
    { "CreateContractSizeLimit", "max code size exceeded" },
    { "CreateCollision", "contract address collision" },
};

static const char *const flat_words[][2] = {
    { "StackUnderflow", "Stack underflow" },
    { "StateChangeDuringStaticCall", "Mutable Call In Static Context" },
    { "OutOfOffset", "Out of bounds" },
    { "CreateContractStartingWithEF", "invalid code: must not begin with 0xef" },
    { "CreateContractSizeLimit", "max code size exceeded" },
    { "CreateCollision", "contract address collision" },
    { "Insufficient balance for transfer", "insufficient balance for transfer" },
};

static void set_text(json_t *o, const char *key, const char *text)
{
    assert_int_equal(json_object_set_new(o, key, json_string(text)), 0);
}

static void replace_word(json_t *o, const char *const table[][2], size_t cnt)
{
    const char *error = json_text(o, "error");
    for (size_t k = 0; k < cnt; k++)
        if (strcmp(error, table[k][0]) == 0) {
            set_text(o, "error", table[k][1]);
            return;
        }
}

/* anvil's frames in go-ethereum's words */
static void reword(json_t *frame)
{
    const char *error = json_string_value(json_object_get(frame, "error"));
    json_t *calls = json_object_get(frame, "calls"), *each;
    size_t i;
    if (error)
        replace_word(frame, words, GH_COUNT(words));
    json_array_foreach(calls, i, each) reword(each);
}

/* anvil counts logs that were undone; receipts and go-ethereum do not. Ours must be 0, 1, 2 ... in some order. */
static void take_indexes(json_t *frame, uint64_t *seen)
{
    json_t *logs = json_object_get(frame, "logs"), *calls = json_object_get(frame, "calls"), *each;
    size_t i;
    json_array_foreach(logs, i, each)
    {
        uint64_t n = json_quantity(each, "index");
        if (seen) {
            assert_true(n < 64 && !(*seen & (uint64_t)1 << n));
            *seen |= (uint64_t)1 << n;
        }
        json_object_del(each, "index");
    }
    json_array_foreach(calls, i, each) take_indexes(each, seen);
}

static void expect_equal(const char *name, const char *what, const json_t *ours, const json_t *want)
{
    if (json_equal(ours, want))
        return;
    char *a = json_dumps(ours, JSON_INDENT(1) | JSON_SORT_KEYS),
         *b = json_dumps(want, JSON_INDENT(1) | JSON_SORT_KEYS);
    (void)fprintf(stderr, "%s, %s: ours\n%s\nanvil's\n%s\n", name, what, a, b);
    free(a);
    free(b);
    fail();
}

static json_t *trace_call(struct rpc_world *w, const json_t *item, const char *options)
{
    char *request = json_dumps(json_object_get(item, "request"), 0),
         *state = json_dumps(json_object_get(item, "state"), 0);
    const char *params = world_format(w, "[%s,\"latest\",{%s%s\"stateOverrides\":%s}]", request,
                                      options, *options ? "," : "", state);
    free(request);
    free(state);
    return world_call(w, "debug_traceCall", params);
}

static void frames_are_anvils(struct rpc_world *w, const json_t *item)
{
    const char *name = json_text(item, "name");
    json_t *want = json_object_get(item, "callTracer");
    if (!want)
        return;
    json_t *ours =
        trace_call(w, item, "\"tracer\":\"callTracer\",\"tracerConfig\":{\"withLog\":true}");
    /* go-ethereum gives the limit of the transaction, anvil what is left of it for the body */
    assert_string_equal(json_text(ours, "gas"), json_text(json_object_get(item, "request"), "gas"));
    json_object_del(ours, "gas");
    json_object_del(want, "gas");
    if (strcmp(name, "creation that cannot pay for its code") == 0)
        set_text(json_array_get(json_object_get(want, "calls"), 0), "error",
                 "contract creation code storage out of gas");
    assert_int_equal(json_quantity(ours, "gasUsed"),
                     json_integer_value(json_object_get(item, "gasUsed")));
    reword(want);
    uint64_t seen = 0;
    take_indexes(want, NULL);
    take_indexes(ours, &seen);
    assert_int_equal(seen & (seen + 1), 0);
    expect_equal(name, "callTracer", ours, want);
    json_decref(ours);
}

static void top_call_is_anvils(struct rpc_world *w, const json_t *item)
{
    json_t *want = json_object_get(item, "onlyTopCall");
    json_t *ours =
        trace_call(w, item, "\"tracer\":\"callTracer\",\"tracerConfig\":{\"onlyTopCall\":true}");
    json_object_del(ours, "gas");
    json_object_del(want, "gas");
    reword(want);
    expect_equal(json_text(item, "name"), "onlyTopCall", ours, want);
    json_decref(ours);
}

static void functions_are_anvils(struct rpc_world *w, const json_t *item)
{
    json_t *ours = trace_call(w, item, "\"tracer\":\"4byteTracer\"");
    /* anvil counts the call of the identity precompile, go-ethereum does not */
    if (strcmp(json_text(item, "name"), "everything") == 0)
        assert_int_equal(
            json_integer_set(json_object_get(json_object_get(item, "fourByte"), "0x00000000-28"),
                             2),
            0);
    expect_equal(json_text(item, "name"), "4byteTracer", ours, json_object_get(item, "fourByte"));
    json_decref(ours);
}

/* go-ethereum leaves out what was empty, and tells the hash of code; anvil does the opposite of both. The hash must be
 * that of the code beside it. */
static void settle_forms(json_t *ours, json_t *theirs, bool before)
{
    const char *addr;
    json_t *a;
    void *next;
    json_object_foreach(ours, addr, a)
    {
        const char *code = json_string_value(json_object_get(a, "code"));
        uint8_t bytes[1024];
        size_t len = 0;
        char text[67];
        assert_true((code == NULL) == (json_object_get(a, "codeHash") == NULL));
        if (!code)
            continue;
        assert_true(hex_decode(bytes, sizeof(bytes), &len, code, strlen(code)));
        struct b256 hash = keccak256(bytes, len);
        hex_encode0x(text, hash.b, 32);
        assert_string_equal(text, json_text(a, "codeHash"));
        json_object_del(a, "codeHash");
    }
    json_object_foreach_safe(theirs, next, addr, a)
    {
        const char *balance = json_string_value(json_object_get(a, "balance"));
        if (before && json_object_size(a) == 1 && balance && strcmp(balance, "0x0") == 0)
            json_object_del(theirs, addr);
    }
}

/* Who pays, and who is paid, is another matter here. */
static void forget_payers(json_t *accounts)
{
    json_object_del(accounts, "0x00000000000000000000000000000000000f4e54");
    json_object_del(accounts, "0x0000000000000000000000000000000000000000");
}

static void accounts_are_anvils(struct rpc_world *w, const json_t *item)
{
    const char *name = json_text(item, "name");
    json_t *before = json_object_get(item, "prestate"), *diff = json_object_get(item, "diff");
    if (!before)
        return;
    json_t *ours = trace_call(w, item, "\"tracer\":\"prestateTracer\"");
    const char *coinbase = world_text(w, "eth_coinbase", "[]");
    forget_payers(before);
    forget_payers(ours);
    json_object_del(ours, coinbase);
    settle_forms(ours, before, true);
    expect_equal(name, "prestateTracer", ours, before);
    json_decref(ours);
    ours =
        trace_call(w, item, "\"tracer\":\"prestateTracer\",\"tracerConfig\":{\"diffMode\":true}");
    static const char *const sides[] = { "pre", "post" };
    for (size_t i = 0; i < 2; i++) {
        forget_payers(json_object_get(diff, sides[i]));
        forget_payers(json_object_get(ours, sides[i]));
        json_object_del(json_object_get(ours, sides[i]), coinbase);
        settle_forms(json_object_get(ours, sides[i]), json_object_get(diff, sides[i]), i == 0);
    }
    expect_equal(name, "diffMode", ours, diff);
    json_decref(ours);
}

/* ---- flatCallTracer, against what anvil says by trace_transaction ---- */

static void strip_flat(json_t *list, bool is_ours)
{
    json_t *each;
    size_t i;
    json_array_foreach(list, i, each)
    {
        json_t *result = json_object_get(each, "result");
        const char *error = json_string_value(json_object_get(each, "error"));
        /* anvil gives the result of every failed frame, go-ethereum of reverted ones; and no null */
        /* a reverted creation has no address here, and no code there */
        if (json_is_null(result) || (error && (strcmp(error, "Reverted") != 0 ||
                                               strcmp(json_text(each, "type"), "create") == 0)))
            json_object_del(each, "result");
        if (error && !is_ours)
            replace_word(each, flat_words, GH_COUNT(flat_words));
        if (is_ours && i == 0)
            assert_null(json_object_get(each, "blockHash")); /* of a call that is in no block */
        if (i == 0) { /* go-ethereum: the transaction's limit and use, anvil: the body's */
            json_object_del(json_object_get(each, "action"), "gas");
            json_object_del(json_object_get(each, "result"), "gasUsed");
        }
    }
}

static void flat_frames_are_anvils(struct rpc_world *w, const json_t *item)
{
    json_t *want = json_object_get(item, "parity");
    if (!want)
        return;
    json_t *ours = trace_call(w, item,
                              "\"tracer\":\"flatCallTracer\",\"tracerConfig\":{"
                              "\"convertParityErrors\":true,\"includePrecompiles\":true}");
    strip_flat(want, false);
    strip_flat(ours, true);
    expect_equal(json_text(item, "name"), "flatCallTracer", ours, want);
    json_decref(ours);
}

/* ---- the struct logger, against the steps of @ethereumjs/evm ---- */

static void expect_step(const char *name, size_t at, const json_t *ours, const json_t *want)
{
    static const char *const keys[] = { "pc", NULL, "gas", "depth", "stack", "gasCost" };
    for (size_t k = 0; k < GH_COUNT(keys); k++) {
        const json_t *a = keys[k] ? json_object_get(ours, keys[k]) : NULL,
                     *b = json_array_get(want, k);
        if (keys[k] && !json_is_null(b) && !json_equal(a, b))
            fail_msg("%s, step %zu: %s differs: %s", name, at, keys[k], json_dumps(ours, 0));
    }
}

/* The other engine tells no step whose price cannot be paid, and not the STOP behind the code. */
static void steps_are_ethereumjs(struct rpc_world *w, const json_t *item)
{
    const char *name = json_text(item, "name");
    json_t *want = json_object_get(item, "steps");
    if (!want)
        return;
    json_t *ours = trace_call(w, item, ""), *logs = json_object_get(ours, "structLogs"), *each;
    assert_int_equal(json_integer_value(json_object_get(ours, "gas")),
                     json_integer_value(json_object_get(item, "gasUsed")));
    size_t i, at = 0;
    json_array_foreach(logs, i, each)
    {
        const json_t *next = json_array_get(want, at);
        bool untold = json_object_get(each, "error") || strcmp(json_text(each, "op"), "STOP") == 0;
        if (untold && (!next || !json_equal(json_object_get(each, "pc"), json_array_get(next, 0)) ||
                       !json_equal(json_object_get(each, "gas"), json_array_get(next, 2))))
            continue;
        if (json_object_get(each, "error"))
            assert_int_equal(json_array_set_new(json_unconst(next), 5, json_null()), 0);
        expect_step(name, i, each, next);
        at++;
    }
    assert_int_equal(at, json_array_size(want));
    json_decref(ours);
}

static void test_programs_as_anvil_sees_them(void **state)
{
    (void)state;
    struct rpc_world *w = open_world();
    json_t *all = load_traces(), *item;
    size_t i;
    assert_true(json_array_size(all) > 15);
    json_array_foreach(all, i, item)
    {
        frames_are_anvils(w, item);
        top_call_is_anvils(w, item);
        functions_are_anvils(w, item);
        accounts_are_anvils(w, item);
        flat_frames_are_anvils(w, item);
        steps_are_ethereumjs(w, item);
    }
    json_decref(all);
    world_close(w);
}

/* ---- transactions of blocks ---- */

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
    struct rpc_world *w = open_world();
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
        expect_equal(json_text(each, "txHash"), "of its block", json_object_get(each, "result"),
                     one);
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
    struct rpc_world *w = open_world();
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
    struct rpc_world *w = open_world();
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
    with_debug(&w->cfg);
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

static void test_bounds_of_time_and_size(void **state)
{
    (void)state;
    struct rpc_world *w = open_world();
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
    struct rpc_world *w = open_world();
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
    expect_equal("mux", "callTracer", json_object_get(t, "callTracer"), call);
    expect_equal("mux", "prestateTracer", json_object_get(t, "prestateTracer"), diff);
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
    struct rpc_world *w = open_world();
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
        cmocka_unit_test(test_programs_as_anvil_sees_them),
        cmocka_unit_test(test_a_block_is_executed_again),
        cmocka_unit_test(test_failed_and_creating_transactions),
        cmocka_unit_test(test_options_of_the_struct_logger),
        cmocka_unit_test(test_refusals_in_words),
        cmocka_unit_test(test_a_block_whose_state_is_gone),
        cmocka_unit_test(test_bounds_of_time_and_size),
        cmocka_unit_test(test_transactions_without_native_resource),
        cmocka_unit_test(test_several_tracers_at_once),
        cmocka_unit_test(test_call_with_overrides_of_the_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
