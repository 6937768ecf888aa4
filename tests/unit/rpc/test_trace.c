/* tests/unit/rpc/test_trace.c
 *
 * The tracers. Expected traces of small programs are anvil's (traces.json, made by record_traces.mjs): what it says of the
 * frames, the logs, the functions called, the accounts before and after. Where anvil's words for an error are revm's own,
 * go-ethereum's are expected. */
#include "tests/unit/base/testing.h"
#include "tests/unit/rpc/rpc_world.h"

#include "node/base/hash.h"
#include "node/base/hex.h"

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
    world_expect_equal(name, "callTracer", ours, want);
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
    world_expect_equal(json_text(item, "name"), "onlyTopCall", ours, want);
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
    world_expect_equal(json_text(item, "name"), "4byteTracer", ours,
                       json_object_get(item, "fourByte"));
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
    world_expect_equal(name, "prestateTracer", ours, before);
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
    world_expect_equal(name, "diffMode", ours, diff);
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
    world_expect_equal(json_text(item, "name"), "flatCallTracer", ours, want);
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
    struct rpc_world *w = world_open_debug();
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_programs_as_anvil_sees_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
