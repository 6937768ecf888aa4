/* Configuration: every kind of bad input with its exact words, units, order of sources, secrets that are never shown, and a printed
 * configuration that reads back as itself. Rows of the operators' needs: 5 (equal keys), 46 (unknown keys, effective dump). */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "node/base/hex.h"
#include "node/config_internal.h"
#include "tests/unit/base/testing.h"

#define KEY_1 "0x1111111111111111111111111111111111111111111111111111111111111111"
#define KEY_2 "0x2222222222222222222222222222222222222222222222222222222222222222"
#define KEY_3 "0x3333333333333333333333333333333333333333333333333333333333333333"
/* What no test is about: everything required. */
#define BASE                                                                                       \
    "genesis:\n  bridgehub_address: 0x00000000000000000000000000000000000000aa\n"                  \
    "  genesis_input_path: genesis.json\nfee:\n  base_token_usd: 2000\n"
#define NO_SENDER "l1_sender:\n  enabled: false\n"

static char dir[64];
static struct buf warnings, printed;
static struct config c;

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/gatehouse-config-XXXXXX");
    buf_init(&warnings, 1 << 16);
    buf_init(&printed, 1 << 18);
    return mkdtemp(dir) ? 0 : -1;
}

static const char *path_of(const char *name)
{
    static char path[4][128];
    static unsigned next;
    char *p = path[next++ % 4];
    snprintf(p, 128, "%s/%s", dir, name);
    return p;
}

static int teardown(void **state)
{
    (void)state;
    static const char *const names[] = { "a.yaml", "b.yaml", "key" };
    for (int i = 0; i < 3; i++)
        (void)unlink(path_of(names[i]));
    buf_clear(&warnings);
    buf_clear(&printed);
    config_clear(&c);
    return rmdir(dir);
}

static void put_file(const char *name, const char *text, size_t len)
{
    FILE *f = fopen(path_of(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    fclose(f);
}

static bool load_with(const char *a, const char *b, char *const *env, bool allow, struct err *err)
{
    const char *files[2] = { path_of("a.yaml"), path_of("b.yaml") };
    struct config_sources src = { .files = files,
                                  .file_cnt = (a != NULL) + (size_t)(b != NULL),
                                  .env = env,
                                  .allow_unknown = allow };
    if (a)
        put_file("a.yaml", a, strlen(a));
    if (b)
        put_file("b.yaml", b, strlen(b));
    buf_reset(&warnings);
    err->kind = ERR_NONE;
    err->msg[0] = 0;
    return config_load(&c, &src, &warnings, err);
}

static void load_ok(const char *text)
{
    struct err err;
    if (!load_with(text, NULL, NULL, false, &err))
        fail_msg("%s", err.msg);
}

/* '@' in `want` stands for the file's path. */
static void expect_text(const struct err *err, const char *want)
{
    char full[1024] = "";
    size_t n = 0;
    for (; *want; want++) {
        int k = *want == '@' ? snprintf(full + n, sizeof(full) - n, "%s/a.yaml", dir)
                             : snprintf(full + n, sizeof(full) - n, "%c", *want);
        n += (size_t)k;
    }
    assert_string_equal(err->msg, full);
}

static void load_fails(const char *text, const char *want)
{
    struct err err;
    if (load_with(text, NULL, NULL, false, &err))
        fail_msg("accepted: %s", text);
    assert_int_equal(err.kind, ERR_INVALID);
    expect_text(&err, want);
}

/* ---- values ---- */

static void bad_values(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "genesis:\n  chain_id: 0\n",
          "configuration: @:2: genesis.chain_id: \"0\": must be from 1 "
          "to 9007199254740991" },
        { "genesis:\n  chain_id: 9007199254740992\n",
          "configuration: @:2: genesis.chain_id: \"9007199254740992\": must be from 1 to "
          "9007199254740991" },
        { "genesis:\n  chain_id: -1\n",
          "configuration: @:2: genesis.chain_id: \"-1\": is not a whole number" },
        { "genesis:\n  chain_id: 1e3\n",
          "configuration: @:2: genesis.chain_id: \"1e3\": is not a whole number" },
        { "genesis:\n  chain_id: 18446744073709551616\n",
          "configuration: @:2: genesis.chain_id: \"18446744073709551616\": is not a whole number" },
        { "genesis:\n  chain_id: \"\"\n",
          "configuration: @:2: genesis.chain_id: \"\": is not a whole number" },
        { "genesis:\n  bridgehub_address: 0x1234\n",
          "configuration: @:2: genesis.bridgehub_address: \"0x1234\": is not an address of 20 "
          "bytes "
          "in hexadecimal" },
        { "genesis:\n  genesis_input_path: \"\"\n",
          "configuration: @:2: genesis.genesis_input_path: \"\": must not be empty" },
        { "sequencer:\n  block_time: 250\n",
          "configuration: @:2: sequencer.block_time: \"250\": is "
          "not a duration such as 250ms, 5s, 10m" },
        { "sequencer:\n  block_time: 0ms\n", "configuration: @:2: sequencer.block_time: \"0ms\": "
                                             "must be from 1 to 3600000" },
        { "sequencer:\n  block_time: 1.5s\n", "configuration: @:2: sequencer.block_time: \"1.5s\": "
                                              "is not a duration such as 250ms, 5s, 10m" },
        { "sequencer:\n  block_time: 99999999999999999d\n",
          "configuration: @:2: sequencer.block_time: \"99999999999999999d\": is not a duration "
          "such "
          "as 250ms, 5s, 10m" },
        { "rpc:\n  max_request_size: 15M\n",
          "configuration: @:2: rpc.max_request_size: \"15M\": is not a size such as 15MB" },
        { "rpc:\n  max_request_size: 2GB\n",
          "configuration: @:2: rpc.max_request_size: \"2GB\": must be from 1024 to 1073741824" },
        { "rpc:\n  gas_price_scale_factor: 0.5\n",
          "configuration: @:2: rpc.gas_price_scale_factor: \"0.5\": must be a number from 1 to "
          "100" },
        { "rpc:\n  gas_price_scale_factor: nan\n",
          "configuration: @:2: rpc.gas_price_scale_factor: \"nan\": must be a number from 1 to "
          "100" },
        { "rpc:\n  gas_price_scale_factor: 2x\n", "configuration: @:2: rpc.gas_price_scale_factor: "
                                                  "\"2x\": must be a number from 1 to 100" },
        { "rpc:\n  debug_namespace: yes\n",
          "configuration: @:2: rpc.debug_namespace: \"yes\": must be true or false" },
        { "rpc:\n  finalized_mode: soon\n",
          "configuration: @:2: rpc.finalized_mode: \"soon\": must "
          "be one of executed, l1_finalized" },
        { "l1_sender:\n  pubdata_mode: Rollup\n",
          "configuration: @:2: l1_sender.pubdata_mode: \"Rollup\": must be one of Blobs, Calldata, "
          "Validium, RelayedL2Calldata" },
        { "l1_sender:\n  max_fee_per_gas: 2 gwai\n",
          "configuration: @:2: l1_sender.max_fee_per_gas: \"2 gwai\": is not an amount such as "
          "1000, "
          "0x3e8, 2 gwei" },
        { "l1_sender:\n  max_fee_per_gas: 0.5\n",
          "configuration: @:2: l1_sender.max_fee_per_gas: \"0.5\": is not an amount such as 1000, "
          "0x3e8, 2 gwei" },
        { "l1_sender:\n  max_fee_per_gas: 1. gwei\n",
          "configuration: @:2: l1_sender.max_fee_per_gas: \"1. gwei\": is not an amount such as "
          "1000, 0x3e8, 2 gwei" },
        { "l1_sender:\n  max_fee_per_gas: 0.0000000001 gwei\n",
          "configuration: @:2: l1_sender.max_fee_per_gas: \"0.0000000001 gwei\": is not an amount "
          "such as 1000, 0x3e8, 2 gwei" },
        { "l1_sender:\n  max_fee_per_gas: 0x1 gwei\n",
          "configuration: @:2: l1_sender.max_fee_per_gas: \"0x1 gwei\": is not an amount such as "
          "1000, 0x3e8, 2 gwei" },
        { "l1_sender:\n  max_fee_per_gas: -1\n",
          "configuration: @:2: l1_sender.max_fee_per_gas: \"-1\": is not an amount such as 1000, "
          "0x3e8, 2 gwei" },
        { "rpc:\n  address: \"a\\0b\"\n",
          "configuration: @:2: rpc.address: a NUL character in a value" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        load_fails(cases[i].text, cases[i].want);
}

static void bad_urls(void **state)
{
    (void)state;
    static const char text[] = "configuration: @:2: general.l1_rpc_url: is not an http:// or "
                               "https:// URL";
    load_fails("general:\n  l1_rpc_url: ws://localhost:8545\n", text);
    load_fails("general:\n  l1_rpc_url: localhost:8545\n", text);
    struct buf many;
    buf_init(&many, 1 << 16);
    buf_append_str(&many, "general:\n  l1_rpc_url: [");
    for (int i = 0; i < 9; i++)
        buf_printf(&many, "%shttp://h%d", i ? ", " : "", i);
    buf_append_str(&many, "]\n");
    buf_append(&many, "", 1);
    load_fails((const char *)many.p, "configuration: @:2: general.l1_rpc_url: takes at most 8 URLs "
                                     "of 511 characters");
    buf_clear(&many);
}

static void too_long_a_text(void **state)
{
    (void)state;
    char text[700] = "rpc:\n  address: ";
    struct err err;
    size_t n = strlen(text);
    memset(text + n, 'x', 512);
    text[n + 512] = 0;
    assert_false(load_with(text, NULL, NULL, false, &err));
    assert_non_null(strstr(err.msg, "is longer than 511 characters"));
    text[n + 511] = 0;
    assert_false(
        load_with(text, NULL, NULL, false, &err)); /* the base is missing; the text is not */
    assert_string_equal(err.msg, "configuration: genesis.bridgehub_address is required");
}

/* ---- form of the file ---- */

static void bad_files(void **state)
{
    (void)state;
    struct err err;
    load_fails("- a\n- b\n", "configuration: @: the file must be a map of sections");
    load_fails("just text\n", "configuration: @: the file must be a map of sections");
    load_fails("rpc:\n  address: x\n  address: y\n",
               "configuration: @:3: rpc.address is given twice");
    load_fails("rpc:\n  address: [x, y]\n",
               "configuration: @:2: rpc.address takes one value, not a list");
    load_fails("rpc: &a\n  address: x\ngeneral: *a\n",
               "configuration: @:3: aliases are not supported");
    load_fails("rpc:\n  [a, b]: 1\n", "configuration: @:2: a key must be a short text");
    load_fails("a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: 1}}}}}}}}}}\n",
               "configuration: @:1: nested too deeply");
    assert_false(load_with("rpc:\n\taddress: x\n", NULL, NULL, false, &err));
    assert_non_null(strstr(err.msg, "a.yaml:2: "));
    assert_false(load_with("rpc: {address: x\n", NULL, NULL, false, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    const char *gone[] = { "/tmp/gatehouse-no-such-file" };
    struct config_sources src = { .files = gone, .file_cnt = 1 };
    assert_false(config_load(&c, &src, &warnings, &err));
    assert_non_null(strstr(err.msg, "/tmp/gatehouse-no-such-file"));
}

static void row_46_unknown_keys(void **state)
{
    (void)state;
    struct err err;
    load_fails("rpc:\n  adress: x\n",
               "configuration: @:2: unknown key rpc.adress (see gatehouse check-config --help, or "
               "--allow-unknown-config for a file of another node)");
    load_fails(
        "rpc:\n  address.file: x\n",
        "configuration: @:2: unknown key rpc.address.file (see gatehouse check-config --help, "
        "or --allow-unknown-config for a file of another node)");
    if (!load_with(BASE NO_SENDER "rpc:\n  adress: x\nraft:\n  peers: [a, b]\n", NULL, NULL, true,
                   &err))
        fail_msg("%s", err.msg);
    buf_append(&warnings, "", 1);
    char want[600];
    snprintf(want, sizeof(want),
             "%s/a.yaml:9: unknown key rpc.adress\n%s/a.yaml:11: unknown key raft.peers\n"
             "%s/a.yaml:11: unknown key raft.peers\n",
             dir, dir, dir);
    assert_string_equal((const char *)warnings.p, want);
    /* allowing unknown keys allows no bad values */
    assert_false(load_with("rpc:\n  debug_namespace: 1\n", NULL, NULL, true, &err));
}

static void dotted_names_and_nulls(void **state)
{
    (void)state;
    load_ok(BASE NO_SENDER "rpc.address: 1.2.3.4:5\nrpc:\n  eth_call_gas: ~\n  max_connections:\n"
                           "observability.log:\n  levels: null\n");
    assert_string_equal(c.rpc.address, "1.2.3.4:5");
    assert_int_equal(c.rpc.eth_call_gas, 10000000); /* nothing given: the default */
    assert_int_equal(c.rpc.max_connections, 1000);
    assert_string_equal(c.log.levels, "info");
}

/* ---- units ---- */

static void durations_sizes_amounts(void **state)
{
    (void)state;
    load_ok(BASE NO_SENDER
            "sequencer:\n  block_time: 2s\n  base_fee_override: 0x3e8\n"
            "rpc:\n  stale_filter_ttl: 2h\n  max_request_size: 3MiB\n  max_response_size: 2 MB\n"
            "  memory_budget: 1048576\nmempool:\n  queued_ttl: 1d\n");
    assert_int_equal(c.sequencer.block_time_ms, 2000);
    assert_true(c.sequencer.has_base_fee_override);
    assert_int_equal(c.sequencer.base_fee_override.w[0], 1000);
    assert_false(c.sequencer.has_pubdata_price_override);
    assert_int_equal(c.rpc.stale_filter_ttl_ms, 7200000);
    assert_int_equal(c.rpc.max_request_size, 3 * 1048576);
    assert_int_equal(c.rpc.max_response_size, 2000000);
    assert_int_equal(c.rpc.memory_budget, 1048576);
    assert_int_equal(c.mempool.queued_ttl_ms, 86400000);
    static const struct {
        const char *text;
        uint64_t lo;
    } amounts[] = { { "7", 7 },
                    { "7 wei", 7 },
                    { "0x10", 16 },
                    { "2 gwei", 2000000000 },
                    { "\"0.5 gwei\"", 500000000 },
                    { "1.000000001 gwei", 1000000001 },
                    { "0.000000000000000001 ether", 1 },
                    { "2 ether", 2000000000000000000 } };
    for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++) {
        char text[700];
        snprintf(text, sizeof(text),
                 BASE "l1_sender:\n  enabled: false\n  max_priority_fee_per_gas: 0\n"
                      "  max_fee_per_gas: %s\n",
                 amounts[i].text);
        load_ok(text);
        assert_int_equal(c.l1_sender.max_fee_per_gas.w[0], amounts[i].lo);
        assert_true(u256_fits_u64(&c.l1_sender.max_fee_per_gas));
    }
}

/* ---- order of sources ---- */

static void later_files_and_environment_win(void **state)
{
    (void)state;
    struct err err;
    char *const env[] = { (char *)(uintptr_t) "RPC_ETH_CALL_GAS=30000",
                          (char *)(uintptr_t) "rpc_max_connections=7",
                          (char *)(uintptr_t) "HOME=/root", NULL };
    if (!load_with(BASE NO_SENDER "rpc:\n  eth_call_gas: 25000\n  max_connections: 5\n"
                                  "  max_batch_size: 9\ngeneral:\n  l1_rpc_url: http://a\n",
                   "rpc:\n  max_batch_size: 10\n  eth_call_gas: 26000\n", env, false, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(c.rpc.max_batch_size, 10);
    assert_int_equal(c.rpc.eth_call_gas, 30000);
    assert_int_equal(c.rpc.max_connections, 7);
    assert_string_equal(c.general.l1_rpc_urls[0], "http://a");
    assert_int_equal(c.rpc.max_blocks_per_filter, 10000); /* the default */
}

static void environment_errors_name_the_key(void **state)
{
    (void)state;
    struct err err;
    char *const env[] = { (char *)(uintptr_t) "RPC_ETH_CALL_GAS=many", NULL };
    assert_false(load_with(BASE NO_SENDER, NULL, env, false, &err));
    assert_string_equal(err.msg, "configuration: environment: rpc.eth_call_gas: \"many\": is not a "
                                 "whole number");
}

static void urls_of_every_source(void **state)
{
    (void)state;
    struct err err;
    load_ok(BASE NO_SENDER "general:\n  l1_rpc_url: [http://a, https://b/key]\n");
    assert_int_equal(c.general.l1_rpc_url_cnt, 2);
    assert_string_equal(c.general.l1_rpc_urls[1], "https://b/key");
    load_ok(BASE NO_SENDER);
    assert_int_equal(c.general.l1_rpc_url_cnt, 1);
    assert_string_equal(c.general.l1_rpc_urls[0], "http://localhost:8545");
    char *const env[] = { (char *)(uintptr_t) "GENERAL_L1_RPC_URL=http://x, http://y", NULL };
    if (!load_with(BASE NO_SENDER "general:\n  l1_rpc_url: http://a\n",
                   "general:\n  l1_rpc_url: http://b\n", env, false, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(c.general.l1_rpc_url_cnt, 2);
    assert_string_equal(c.general.l1_rpc_urls[0], "http://x");
    if (!load_with(BASE NO_SENDER "general:\n  l1_rpc_url: http://a\n",
                   "general:\n  l1_rpc_url: http://b\n", NULL, false, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(c.general.l1_rpc_url_cnt, 1);
    assert_string_equal(c.general.l1_rpc_urls[0], "http://b");
}

/* ---- secrets ---- */

#define KEYS                                                                                       \
    "l1_sender:\n  operator_commit_sk: " KEY_1 "\n  operator_prove_sk: \"" KEY_2 "\"\n"            \
    "  operator_execute_sk: " KEY_3 "\n"

static bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

static void row_5_equal_keys(void **state)
{
    (void)state;
    static const char text[] = "configuration: two operator keys are equal: commit, prove and "
                               "execute each need a key of their own, or their nonces collide";
    static const char *const keys[3][3] = { { KEY_1, KEY_1, KEY_3 },
                                            { KEY_1, KEY_2, KEY_1 },
                                            { KEY_1, KEY_2, KEY_2 } };
    load_ok(BASE KEYS);
    for (int i = 0; i < 3; i++) {
        char yaml[900];
        /* one of them without the prefix: the key counts, not its spelling */
        snprintf(yaml, sizeof(yaml),
                 BASE "l1_sender:\n  operator_commit_sk: %s\n  operator_prove_sk: \"%s\"\n"
                      "  operator_execute_sk: \"%s\"\n",
                 keys[i][0], keys[i][1], keys[i][2] + 2);
        load_fails(yaml, text);
    }
}

static void secrets_are_never_shown(void **state)
{
    (void)state;
    struct err err;
    load_ok(BASE KEYS "general:\n  l1_rpc_url: https://user:hunter2@node.example:99/v3/API?k=v\n");
    assert_true(c.l1_sender.operator_prove.set);
    assert_int_equal(c.l1_sender.operator_prove.key[31], 0x22);
    assert_true(config_print(&printed, &c));
    buf_append(&printed, "", 1);
    const char *text = (const char *)printed.p;
    assert_false(has(text, "1111111") || has(text, "2222222") || has(text, "3333333"));
    assert_false(has(text, "hunter2") || has(text, "API") || has(text, "k=v") || has(text, "user"));
    assert_true(has(text, "operator_commit_sk: \"***\"\n"));
    assert_true(has(text, "l1_rpc_url: \"https://***@node.example:99/***\"\n"));
    /* nor in an error about them */
    static const char *const bad[] = {
        "l1_sender:\n  operator_commit_sk: 0x1111111111\n",
        "l1_sender:\n  operator_commit_sk: [" KEY_1 ", " KEY_2 "]\n",
        "l1_sender:\n  operator_commit_sk: " KEY_1 "00\n",
        "l1_sender:\n  operator_commit_sk: " KEY_1 "\n  operator_commit_sk: " KEY_2 "\n",
        "general:\n  l1_rpc_url: wss://1111111/22222222\n",
        "general: [\"" KEY_1 "\"]\n",
        "- " KEY_1 "\n",
        "l1_sender: {operator_commit_sk: " KEY_1 "\n",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(load_with(bad[i], NULL, NULL, false, &err));
        if (has(err.msg, "1111111") || has(err.msg, "2222222"))
            fail_msg("shown: %s", err.msg);
    }
    char *const env[] = { (char *)(uintptr_t) "L1_SENDER_OPERATOR_COMMIT_SK=0x1111111", NULL };
    assert_false(load_with(BASE NO_SENDER, NULL, env, false, &err));
    assert_string_equal(err.msg, "configuration: environment: l1_sender.operator_commit_sk: is not "
                                 "a private key of 32 bytes in hexadecimal");
}

static void secrets_from_files_and_environment(void **state)
{
    (void)state;
    struct err err;
    char yaml[900];
    char *const env[] = { (char *)(uintptr_t) "L1_SENDER_OPERATOR_EXECUTE_SK=" KEY_3, NULL };
    put_file("key", KEY_1 "\r\n", strlen(KEY_1) + 2);
    snprintf(yaml, sizeof(yaml),
             BASE "l1_sender:\n  operator_commit_sk: {file: %s}\n  operator_prove_sk: " KEY_2 "\n",
             path_of("key"));
    if (!load_with(yaml, NULL, env, false, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(c.l1_sender.operator_commit.key[0], 0x11);
    assert_int_equal(c.l1_sender.operator_execute.key[0], 0x33);
    put_file("key", "secret\n", 7);
    assert_false(load_with(yaml, NULL, env, false, &err));
    assert_false(has(err.msg, "\"secret"));
    assert_true(has(err.msg, "is not a private key of 32 bytes in hexadecimal"));
    (void)unlink(path_of("key"));
    assert_false(load_with(yaml, NULL, env, false, &err));
    assert_true(has(err.msg, path_of("key")));
    config_clear(&c);
    for (size_t i = 0; i < sizeof(c); i++)
        assert_int_equal(((const uint8_t *)&c)[i], 0);
}

/* ---- rules between keys ---- */

static void rules(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "", "configuration: genesis.bridgehub_address is required" },
        { "genesis:\n  bridgehub_address: 0x00000000000000000000000000000000000000aa\n",
          "configuration: genesis.genesis_input_path is required" },
        { BASE "general:\n  l1_rpc_url: \"\"\n", "configuration: general.l1_rpc_url is required" },
        { BASE, "configuration: l1_sender needs operator_commit_sk, operator_prove_sk and "
                "operator_execute_sk (or enabled: false)" },
        { BASE KEYS "batcher:\n  enabled: false\n",
          "configuration: l1_sender.enabled needs batcher.enabled" },
        { BASE NO_SENDER "  max_fee_per_gas: 1 gwei\n  max_priority_fee_per_gas: 2 gwei\n",
          "configuration: l1_sender.max_priority_fee_per_gas is above max_fee_per_gas" },
        { "genesis:\n  bridgehub_address: 0x00000000000000000000000000000000000000aa\n"
          "  genesis_input_path: g\n" NO_SENDER,
          "configuration: fees need fee.base_token_usd, or all of "
          "sequencer.{native_price,base_fee,pubdata_price}_override" },
        { BASE NO_SENDER "sequencer:\n  native_price_override: 0\n",
          "configuration: sequencer.native_price_override must not be zero" },
        { BASE NO_SENDER "sequencer:\n  base_fee_override: 0x10000000000000000\n",
          "configuration: sequencer.base_fee_override must fit 64 bits" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        load_fails(cases[i].text, cases[i].want);
    load_ok("genesis:\n  bridgehub_address: 0x00000000000000000000000000000000000000aa\n"
            "  genesis_input_path: g\n" NO_SENDER "sequencer:\n  native_price_override: 1\n"
            "  base_fee_override: 1\n  pubdata_price_override: 0\n");
}

/* ---- showing ---- */

static void printed_configuration_reads_back(void **state)
{
    (void)state;
    struct err err;
    load_ok(BASE NO_SENDER
            "general:\n  l1_rpc_url: [http://a, https://b:1]\n"
            "  rocks_db_path: \"a \\\"quoted\\\" back\\\\slash \\ttab: # no comment\"\n"
            "sequencer:\n  base_fee_override: 77\n  block_time: 1234ms\n"
            "observability:\n  log:\n    json: true\nrpc:\n  gas_price_scale_factor: 1.25\n"
            "  finalized_mode: executed\n");
    struct config first = c;
    assert_true(config_print(&printed, &c));
    buf_append(&printed, "", 1);
    load_ok((const char *)printed.p);
    assert_string_equal(c.general.data_dir, "a \"quoted\" back\\slash \ttab: # no comment");
    struct buf again;
    buf_init(&again, 1 << 18);
    assert_true(config_print(&again, &c));
    buf_append(&again, "", 1);
    assert_string_equal((const char *)again.p, (const char *)printed.p);
    buf_clear(&again);
    for (size_t i = 0; i < config_key_cnt; i++) { /* and every value is the same */
        struct buf a, b;
        buf_init(&a, 1 << 13);
        buf_init(&b, 1 << 13);
        config_value_print(&a, &first, &config_keys[i]);
        config_value_print(&b, &c, &config_keys[i]);
        assert_int_equal(a.len, b.len);
        assert_memory_equal(a.p, b.p, a.len);
        buf_clear(&a);
        buf_clear(&b);
    }
    (void)err;
}

static void every_key_is_described(void **state)
{
    (void)state;
    assert_true(config_describe(&printed));
    buf_append(&printed, "", 1);
    for (size_t i = 0; i < config_key_cnt; i++) {
        const struct config_key *k = &config_keys[i];
        assert_true(has((const char *)printed.p, k->name));
        assert_true(k->help[0] != 0);
        assert_ptr_equal(config_key_find(k->name), k); /* no name twice */
    }
    assert_null(config_key_find("rpc"));
    assert_null(config_key_find(""));
}

/* Every default passes its own bounds, and the environment reaches every key. */
static void every_key_by_environment(void **state)
{
    (void)state;
    for (size_t i = 0; i < config_key_cnt; i++) {
        const struct config_key *k = &config_keys[i];
        char line[700];
        struct err err;
        if (!k->def[0])
            continue;
        size_t n = 0;
        for (; k->name[n]; n++) {
            char ch = k->name[n];
            line[n] = ch == '.' ? '_' : ch >= 'a' && ch <= 'z' ? (char)(ch - 32) : ch;
        }
        snprintf(line + n, sizeof(line) - n, "=%s", k->def);
        char *const env[] = { line, NULL };
        bool ok = load_with(BASE NO_SENDER, NULL, env, false, &err);
        /* the defaults of these three contradict what the base file says */
        if (!ok && strcmp(k->name, "l1_sender.enabled") != 0 &&
            strcmp(k->name, "fee.base_token_usd") != 0)
            fail_msg("%s: %s", k->name, err.msg);
        snprintf(line + n, sizeof(line) - n, "=\x01");
        if (k->type != CFG_TEXT && load_with(BASE NO_SENDER, NULL, env, false, &err))
            fail_msg("%s took nonsense from the environment", k->name);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(bad_values),
        T(bad_urls),
        T(too_long_a_text),
        T(bad_files),
        T(row_46_unknown_keys),
        T(dotted_names_and_nulls),
        T(durations_sizes_amounts),
        T(later_files_and_environment_win),
        T(environment_errors_name_the_key),
        T(urls_of_every_source),
        T(row_5_equal_keys),
        T(secrets_are_never_shown),
        T(secrets_from_files_and_environment),
        T(rules),
        T(printed_configuration_reads_back),
        T(every_key_is_described),
        T(every_key_by_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
