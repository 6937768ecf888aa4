/* tests/unit/rpc/test_calls.c
 *
 * eth_call, eth_estimateGas, eth_createAccessList over a real chain: results, reverts, overrides, limits; estimates held
 * against what the transaction then uses. */
#include "tests/unit/base/testing.h"
#include "tests/unit/rpc/rpc_world.h"

#include "node/base/hex.h"

#define WORD(n) "00000000000000000000000000000000000000000000000000000000000000" n
#define FRESH   "0x00000000000000000000000000000000000f4e54"

static const char *wallet_text(struct rpc_world *w, unsigned n)
{
    char addr[43];
    struct wallet k = wallet_of(n);
    hex_encode0x(addr, k.addr.b, 20);
    return world_format(w, "%s", addr);
}

static void expect_error(struct rpc_world *w, const char *method, const char *params, int code,
                         const char *message, const char *data)
{
    json_t *e = world_error(w, method, params);
    if (json_integer_value(json_object_get(e, "code")) != code ||
        strcmp(json_text(e, "message"), message) != 0)
        fail_msg("%s%s: %d %s", method, params, (int)json_integer_value(json_object_get(e, "code")),
                 json_text(e, "message"));
    if (data)
        assert_string_equal(json_text(e, "data"), data);
    else
        assert_null(json_object_get(e, "data"));
    json_decref(e);
}

static void test_call_reads_at_a_block(void **state)
{
    (void)state;
    struct rpc_world *w = world_open(NULL);
    json_decref(world_receipt(w, world_send(w, 1, COUNTER, "0x01", 0, 200000)));
    json_decref(world_receipt(w, world_send(w, 1, COUNTER, "0x01", 0, 200000)));
    assert_string_equal(world_text(w, "eth_call", "[{\"to\":\"" COUNTER "\"},\"latest\"]"),
                        "0x" WORD("02"));
    assert_string_equal(world_text(w, "eth_call", "[{\"to\":\"" COUNTER "\"},\"0x1\"]"),
                        "0x" WORD("01"));
    assert_string_equal(
        world_text(w, "eth_call", "[{\"to\":\"" COUNTER "\"},{\"blockNumber\":\"0x0\"}]"),
        "0x" WORD("00"));
    /* a call that writes leaves nothing */
    assert_string_equal(world_text(w, "eth_call", "[{\"to\":\"" COUNTER "\",\"input\":\"0x01\"}]"),
                        "0x");
    assert_string_equal(world_text(w, "eth_call", "[{\"to\":\"" COUNTER "\"}]"), "0x" WORD("02"));
    /* no code: nothing happens; a creation gives the code */
    assert_string_equal(world_text(w, "eth_call", "[{\"to\":\"" FRESH "\",\"data\":\"0x1234\"}]"),
                        "0x");
    assert_string_equal(world_text(w, "eth_call", "[{\"data\":\"0x60015ff3\"}]"), "0x00");
    expect_error(w, "eth_call", "[{\"to\":\"" COUNTER "\"},\"0x99\"]", -32602, "block not found",
                 NULL);
    world_close(w);
}

static void test_reverts_and_halts_in_words(void **state)
{
    (void)state;
    struct rpc_world *w = world_open(NULL);
    const char *reason = "0x08c379a0" WORD("20")
        WORD("0d") "6e6f2c207468616e6b20796f7500000000000000000000000000000000000000";
    expect_error(w, "eth_call", "[{\"to\":\"" REVERTER "\"}]", 3, "execution reverted", "0x");
    expect_error(w, "eth_call",
                 world_format(w, "[{\"to\":\"" REVERTER "\",\"data\":\"%s\"}]", reason), 3,
                 "execution reverted: no, thank you", reason);
    const char *panic = "0x4e487b71" WORD("12");
    expect_error(w, "eth_call",
                 world_format(w, "[{\"to\":\"" REVERTER "\",\"data\":\"%s\"}]", panic), 3,
                 "execution reverted: panic: division or modulo by zero (0x12)", panic);
    const char *custom =
        "0xcf4791810000000000000000000000000000000000000000000000000000000000000001";
    expect_error(w, "eth_call",
                 world_format(w, "[{\"to\":\"" REVERTER "\",\"data\":\"%s\"}]", custom), 3,
                 "execution reverted", custom);
    /* a length beyond the data, an offset that is not 0x20: only the plain text */
    const char *odd = "0x08c379a0" WORD("20") WORD("ff") WORD("00");
    expect_error(w, "eth_call", world_format(w, "[{\"to\":\"" REVERTER "\",\"data\":\"%s\"}]", odd),
                 3, "execution reverted", odd);
    const char *quote = "0x08c379a0" WORD("20")
        WORD("03") "22410a0000000000000000000000000000000000000000000000000000000000";
    expect_error(w, "eth_call",
                 world_format(w, "[{\"to\":\"" REVERTER "\",\"data\":\"%s\"}]", quote), 3,
                 "execution reverted: \"A ", quote);
    expect_error(w, "eth_call", "[{\"to\":\"" INVALID "\"}]", -32000, "EVM error: InvalidOpcode",
                 NULL);
    expect_error(w, "eth_call",
                 "[{\"to\":\"" SPINNER "\",\"data\":\"0x" WORD("ff") "\",\"gas\":\"0x7000\"}]",
                 -32000, "out of gas: gas required exceeds: 28672", NULL);
    expect_error(w, "eth_call", "[{\"to\":\"" SPINNER "\",\"gas\":\"0x1000\"}]", -32000,
                 "invalid transaction: intrinsic gas too low: gas 4096, minimum needed 21000",
                 NULL);
    world_close(w);
}

static void test_request_fields_are_checked(void **state)
{
    (void)state;
    struct rpc_world *w = world_open(NULL);
    expect_error(w, "eth_call",
                 "[{\"to\":\"" COUNTER "\",\"gasPrice\":\"0x3e8\",\"maxFeePerGas\":\"0x3e8\"}]",
                 -32602, "both `gasPrice` and (`maxFeePerGas` or `maxPriorityFeePerGas`) specified",
                 NULL);
    expect_error(w, "eth_call",
                 world_format(w,
                              "[{\"from\":\"%s\",\"to\":\"" COUNTER "\",\"maxFeePerGas\":\"0x1\"}]",
                              wallet_text(w, 1)),
                 -32602, "`maxFeePerGas` less than `block.baseFee`", NULL);
    expect_error(w, "eth_call",
                 "[{\"to\":\"" COUNTER
                 "\",\"maxFeePerGas\":\"0x3e8\",\"maxPriorityFeePerGas\":\"0x3e9\"}]",
                 -32602, "`maxPriorityFeePerGas` higher than `maxFeePerGas`", NULL);
    expect_error(w, "eth_call", "[{\"to\":\"" COUNTER "\",\"data\":\"0x01\",\"input\":\"0x02\"}]",
                 -32602, "both `data` and `input` are specified and are not equal; use `input`",
                 NULL);
    expect_error(w, "eth_call", "[{\"to\":\"" COUNTER "\",\"value\":\"0x1\"}]", -32000,
                 "insufficient funds for transfer", NULL);
    expect_error(w, "eth_estimateGas", "[{\"to\":\"" COUNTER "\",\"type\":\"0x7e\"}]", -32602,
                 "upgrade transactions cannot be estimated", NULL);
    expect_error(w, "eth_call", "[{\"to\":\"" COUNTER "\",\"chainId\":\"0x1\"}]", -32602,
                 "invalid chain id for signer: have 1 want 270", NULL);
    json_t *e = world_error(w, "eth_call", "[{\"to\":\"" COUNTER "\",\"authorizationList\":[{}]}]");
    assert_non_null(strstr(json_text(e, "message"), "transaction type not supported"));
    json_decref(e);
    world_close(w);
}

static void test_state_overrides(void **state)
{
    (void)state;
    struct rpc_world *w = world_open(NULL);
    json_decref(world_receipt(w, world_send(w, 1, COUNTER, "0x01", 0, 200000)));
    /* the counter's code at an address that has none, with a slot */
    const char *code = world_text(w, "eth_getCode", "[\"" COUNTER "\",\"latest\"]");
    const char *moved = world_format(w,
                                     "[{\"to\":\"" STRANGER "\"},\"latest\",{\"" STRANGER
                                     "\":{\"code\":\"%s\",\"stateDiff\":{\"0x0\":\"0x9\"}}}]",
                                     code);
    assert_string_equal(world_text(w, "eth_call", moved), "0x" WORD("09"));
    assert_string_equal(world_text(w, "eth_getCode", "[\"" STRANGER "\",\"latest\"]"), "0x");
    /* stateDiff keeps other slots, state clears them */
    assert_string_equal(world_text(w, "eth_call",
                                   "[{\"to\":\"" COUNTER "\"},\"latest\",{\"" COUNTER
                                   "\":{\"stateDiff\":{\"0x5\":\"0x1\"}}}]"),
                        "0x" WORD("01"));
    assert_string_equal(world_text(w, "eth_call",
                                   "[{\"to\":\"" COUNTER "\"},\"latest\",{\"" COUNTER
                                   "\":{\"state\":{\"0x5\":\"0x1\"}}}]"),
                        "0x" WORD("00"));
    /* an overridden balance can be sent */
    assert_string_equal(world_text(w, "eth_call",
                                   "[{\"from\":\"" FRESH "\",\"to\":\"" STRANGER
                                   "\",\"value\":\"0x64\"},\"latest\",{\"" FRESH
                                   "\":{\"balance\":\"0x64\"}}]"),
                        "0x");
    /* BALANCE of the address itself: 30 31 5f 52 60 20 5f f3 */
    assert_string_equal(world_text(w, "eth_call",
                                   "[{\"to\":\"" STRANGER "\"},\"latest\",{\"" STRANGER
                                   "\":{\"code\":\"0x30315f5260205ff3\",\"balance\":\"0x77\"}}]"),
                        "0x" WORD("77"));
    expect_error(w, "eth_call",
                 "[{\"to\":\"" COUNTER "\"},\"latest\",{\"" COUNTER
                 "\":{\"state\":{},\"stateDiff\":{}}}]",
                 -32602, "both `state` and `stateDiff` are set for account " COUNTER, NULL);
    expect_error(w, "eth_call",
                 "[{\"to\":\"" COUNTER "\"},\"latest\",{\"" COUNTER
                 "\":{\"movePrecompileToAddress\":\"" FRESH "\"}}]",
                 -32602, "state override `movePrecompileToAddress` is not supported", NULL);
    world_close(w);
}

static void test_block_overrides(void **state)
{
    (void)state;
    struct rpc_world *w = world_open(NULL);
    static const struct {
        const char *op, *override, *result;
    } cases[] = {
        { "43", "\"number\":\"0x64\"", "0x" WORD("64") },
        { "42", "\"time\":\"0x7b\"", "0x" WORD("7b") },
        { "45", "\"gasLimit\":\"0xf4240\"",
          "0x00000000000000000000000000000000000000000000000000000000000f4240" },
        { "48", "\"baseFee\":\"0x11\"", "0x" WORD("11") },
        { "41", "\"coinbase\":\"" FRESH "\"",
          "0x00000000000000000000000000000000000000000000000000000000000f4e54" },
        { "44", "\"prevRandao\":\"0x1\"", "0x" WORD("01") },
    };
    for (size_t i = 0; i < GH_COUNT(cases); i++) {
        const char *p =
            world_format(w,
                         "[{\"to\":\"" STRANGER "\",\"gas\":\"0x186a0\"},\"latest\",{\"" STRANGER
                         "\":{\"code\":\"0x%s5f5260205ff3\"}},{%s}]",
                         cases[i].op, cases[i].override);
        assert_string_equal(world_text(w, "eth_call", p), cases[i].result);
    }
    expect_error(w, "eth_call",
                 "[{\"to\":\"" COUNTER "\"},\"latest\",null,{\"prevRandao\":\"0x2\"}]", -32602,
                 "block override `prevRandao` can only be 1 on this chain", NULL);
    expect_error(w, "eth_call",
                 "[{\"to\":\"" COUNTER "\"},\"latest\",null,{\"difficulty\":\"0x2\"}]", -32602,
                 "block override `difficulty` is not supported", NULL);
    world_close(w);
}

/* Sends with the estimate as the limit: it must be enough, and not more than `most` times what is used. */
static void estimate_holds(struct rpc_world *w, const char *to, const char *data, uint64_t value,
                           double most)
{
    const char *target = to ? world_format(w, "\"to\":\"%s\",", to) : "";
    uint64_t gas =
        world_quantity(w, "eth_estimateGas",
                       world_format(w, "[{\"from\":\"%s\",%s\"data\":\"%s\",\"value\":\"0x%x\"}]",
                                    wallet_text(w, 1), target, data, (unsigned)value));
    json_t *r = world_receipt(w, world_send(w, 1, to, data, value, gas));
    uint64_t used = json_quantity(r, "gasUsed");
    if (json_quantity(r, "status") != 1 || (double)gas > most * (double)used)
        fail_msg("%s %.40s: estimate %u, used %u, status %u", to ? to : "creation", data,
                 (unsigned)gas, (unsigned)used, (unsigned)json_quantity(r, "status"));
    json_decref(r);
}

static void estimates_hold(struct rpc_world *w, double most)
{
    estimate_holds(w, STRANGER, "0x", 5, most);
    estimate_holds(w, FRESH, "0x", 5, most);
    estimate_holds(w, wallet_text(w, 3), "0x", 5, most);
    estimate_holds(w, COUNTER, "0x1111", 0, most);
    estimate_holds(w, COUNTER, "0x1111", 0, most);
    estimate_holds(w, SPINNER, "0x0000000000000000000000000000000000000000000000000000000000000800",
                   0, most);
    estimate_holds(w, FILLER, "0x" WORD("14"), 0, most);
    estimate_holds(w, FILLER, "0x" WORD("14"), 0, most);
    estimate_holds(w, NULL, "0x60ff5ff3", 0, most);
    estimate_holds(w, MESSENGER, "0x11223344", 0, most);
}

static void test_estimates_bound_by_the_evm(void **state)
{
    (void)state;
    struct rpc_world *w = world_open(NULL);
    estimates_hold(w, 1.3);
    assert_int_equal(
        world_quantity(w, "eth_estimateGas",
                       world_format(w,
                                    "[{\"from\":\"%s\",\"to\":\"" STRANGER "\",\"value\":\"0x1\"}]",
                                    wallet_text(w, 1))),
        21000);
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

static void dear_native(struct config *cfg)
{
    dear_pubdata(cfg);
    cfg->sequencer.native_price_override = u256_of_u64(10000000);
    cfg->sequencer.pubdata_price_override = u256_of_u64(1000000);
}

static void test_estimates_bound_by_pubdata(void **state)
{
    (void)state;
    struct rpc_world *w = world_open(dear_pubdata);
    estimates_hold(w, 2.1);
    world_close(w);
}

static void test_estimates_bound_by_native(void **state)
{
    (void)state;
    struct rpc_world *w = world_open(dear_native);
    estimates_hold(w, 2.1);
    /* a higher price buys more native for the same gas */
    const char *data = "0x0000000000000000000000000000000000000000000000000000000000000800";
    uint64_t low =
        world_quantity(w, "eth_estimateGas",
                       world_format(w, "[{\"from\":\"%s\",\"to\":\"" SPINNER "\",\"data\":\"%s\"}]",
                                    wallet_text(w, 1), data));
    uint64_t high = world_quantity(w, "eth_estimateGas",
                                   world_format(w,
                                                "[{\"from\":\"%s\",\"to\":\"" SPINNER
                                                "\",\"data\":\"%s\",\"gasPrice\":\"0x17d78400\"}]",
                                                wallet_text(w, 1), data));
    assert_true(high < low);
    world_close(w);
}

static void test_estimates_that_cannot_be(void **state)
{
    (void)state;
    struct rpc_world *w = world_open(NULL);
    expect_error(w, "eth_estimateGas",
                 "[{\"from\":\"" FRESH "\",\"to\":\"" STRANGER "\",\"value\":\"0x1\"}]", -32000,
                 "insufficient funds for transfer", NULL);
    expect_error(w, "eth_estimateGas",
                 "[{\"to\":\"" REVERTER "\",\"data\":\"0x4e487b71" WORD("11") "\"}]", 3,
                 "execution reverted: panic: arithmetic underflow or overflow (0x11)",
                 "0x4e487b71" WORD("11"));
    expect_error(
        w, "eth_estimateGas",
        "[{\"to\":\"" SPINNER
        "\",\"data\":\"0x00000000000000000000000000000000000000000000000000000000ffffffff\"}]",
        -32000, "gas required exceeds allowance (100000000)", NULL);
    expect_error(w, "eth_estimateGas",
                 "[{\"to\":\"" SPINNER "\",\"gas\":\"0x7530\",\"data\":\"0x" WORD("ff") "\"}]",
                 -32000, "gas required exceeds allowance (30000)", NULL);
    /* 1000 ether buy 10^21 / 10^18 = 1000 gas */
    expect_error(w, "eth_estimateGas",
                 world_format(w,
                              "[{\"from\":\"%s\",\"to\":\"" COUNTER
                              "\",\"gasPrice\":\"0xde0b6b3a7640000\"}]",
                              wallet_text(w, 1)),
                 -32000, "gas required exceeds allowance (1000)", NULL);
    expect_error(w, "eth_estimateGas", "[{\"to\":\"" INVALID "\"}]", -32000,
                 "EVM error: InvalidOpcode", NULL);
    /* one less than the real need does not do: the search has a floor */
    uint64_t gas =
        world_quantity(w, "eth_estimateGas", "[{\"to\":\"" COUNTER "\",\"data\":\"0x01\"}]");
    json_t *e =
        world_error(w, "eth_call",
                    world_format(w, "[{\"to\":\"" COUNTER "\",\"data\":\"0x01\",\"gas\":\"0x%x\"}]",
                                 (unsigned)(gas * 98 / 100)));
    assert_non_null(strstr(json_text(e, "message"), "out of gas"));
    json_decref(e);
    world_close(w);
}

static void test_access_list_names_what_is_touched(void **state)
{
    (void)state;
    struct rpc_world *w = world_open(NULL);
    json_t *a = world_call(w, "eth_createAccessList",
                           "[{\"to\":\"" COUNTER "\",\"data\":\"0x01\"},\"latest\"]");
    const json_t *list = json_object_get(a, "accessList");
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(json_text(json_array_get(list, 0), "address"), COUNTER);
    const json_t *keys = json_object_get(json_array_get(list, 0), "storageKeys");
    assert_int_equal(json_array_size(keys), 1);
    assert_string_equal(json_string_value(json_array_get(keys, 0)), "0x" WORD("00"));
    assert_true(json_quantity(a, "gasUsed") > 21000);
    assert_null(json_object_get(a, "error"));
    json_decref(a);
    a = world_call(w, "eth_createAccessList",
                   "[{\"to\":\"" REVERTER "\",\"data\":\"0x01\"},\"latest\"]");
    assert_string_equal(json_text(a, "error"), "execution reverted");
    json_decref(a);
    world_close(w);
}

static void test_fee_methods_of_older_sdks(void **state)
{
    (void)state;
    struct rpc_world *w = world_open(dear_pubdata);
    assert_int_equal(world_quantity(w, "zks_gasPerPubdata", "[]"), 300);
    json_t *f =
        world_call(w, "zks_estimateFee",
                   world_format(w, "[{\"from\":\"%s\",\"to\":\"" COUNTER "\",\"data\":\"0x01\"}]",
                                wallet_text(w, 1)));
    assert_true(json_quantity(f, "gas_limit") > 21000);
    assert_int_equal(json_quantity(f, "max_fee_per_gas"), 150000000);
    assert_int_equal(json_quantity(f, "gas_per_pubdata_limit"), 300);
    json_decref(f);
    json_t *p = world_call(w, "zks_getFeeParams", "[]");
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(p, "V2"), "l1_pubdata_price")),
        30000000000);
    json_decref(p);
    json_t *m = world_call(w, "zks_getBlockMetadataByNumber", "[0]");
    assert_int_equal(json_quantity(m, "native_price"), 1);
    json_decref(m);
    world_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_call_reads_at_a_block),
        cmocka_unit_test(test_reverts_and_halts_in_words),
        cmocka_unit_test(test_request_fields_are_checked),
        cmocka_unit_test(test_state_overrides),
        cmocka_unit_test(test_block_overrides),
        cmocka_unit_test(test_estimates_bound_by_the_evm),
        cmocka_unit_test(test_estimates_bound_by_pubdata),
        cmocka_unit_test(test_estimates_bound_by_native),
        cmocka_unit_test(test_estimates_that_cannot_be),
        cmocka_unit_test(test_access_list_names_what_is_touched),
        cmocka_unit_test(test_fee_methods_of_older_sdks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
