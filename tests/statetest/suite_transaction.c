#include "node/base/hex.h"
#include "node/crypto/crypto.h"
#include "node/stf/bootloader.h"
#include "tests/statetest/suites.h"
#include "tests/statetest/world.h"

#include <stdio.h>
#include <string.h>

/* The sender has everything and the nonce fits: what is refused now is refused for itself. Nobody
 * owns 2^256 - 1 and a fee, so the value is not asked for. */
static bool is_accepted(struct stf_tx tx, const struct stf_rules *rules, struct arena *arena)
{
    struct fixture_account rich = { .addr = tx.from, .nonce = tx.nonce, .balance = U256_MAX };
    struct fixture f = { .pre = &rich, .pre_cnt = 1 };
    struct stf_block_context ctx = {
        .chain_id = 1,
        .number = 1,
        .timestamp = 1000,
        .native_price = U256_ONE,
        .blob_fee = U256_ONE,
        .gas_limit = UINT64_MAX,
        .pubdata_limit = UINT64_MAX,
    };
    struct stf_options options = { .verify_signatures = true };
    struct stf_fault fault;
    struct stf_tx_result result;
    struct world w;
    tx.value = U256_ZERO;
    world_init(&w, &f, arena);
    struct stf_block *b =
        stf_block_begin(arena, rules, &ctx, &w.oracle, crypto_host(), &options, &fault);
    CHECK(b);
    bool ok = stf_tx_run(b, &tx, &result) == STF_INCLUDED;
    world_clear(&w);
    return ok;
}

/* Decoded, signed by somebody, and accepted. *tx is filled only then. */
static bool is_valid(struct stf_tx *tx, const char *hex, const struct stf_rules *rules,
                     struct arena *arena)
{
    size_t len = strlen(hex), n;
    uint8_t *p = arena_alloc(arena, len / 2 + 1);
    CHECK(p);
    return hex_decode(p, len / 2 + 1, &n, hex, len) &&
           tx_decode(tx, bytes_of(p, n), arena) == STF_OK && tx->type <= TX_SET_CODE &&
           crypto_tx_recover_sender(tx) && is_accepted(*tx, rules, arena);
}

static bool same_hex(const json_t *want, const char *key, const void *got, size_t n)
{
    uint8_t bytes[32];
    const char *s = json_string_value(json_object_get(want, key));
    CHECK(n <= sizeof(bytes));
    return s && hex_decode_exact(bytes, n, s, strlen(s)) && memcmp(bytes, got, n) == 0;
}

static bool same_gas(const json_t *want, uint64_t got)
{
    char text[24];
    const char *s = json_string_value(json_object_get(want, "intrinsicGas"));
    if (!s || strncmp(s, "0x", 2) != 0)
        return false;
    for (s += 2; *s == '0' && s[1]; s++)
        ;
    (void)snprintf(text, sizeof(text), "%llx", (unsigned long long)got);
    return strcmp(s, text) == 0;
}

bool suite_transaction(const json_t *test, const char *fork, const struct stf_rules *rules,
                       struct arena *arena, char *why)
{
    struct stf_tx tx;
    const json_t *want = json_object_get(json_object_get(test, "result"), fork);
    const char *hex = json_string_value(json_object_get(test, "txbytes"));
    const char *said = NULL;
    bool rejected = json_object_get(want, "exception") != NULL;
    if (!hex)
        said = "no txbytes";
    else if (is_valid(&tx, hex, rules, arena) == rejected)
        said = rejected ? "accepted, should be rejected" : "rejected";
    else if (!rejected && !same_hex(want, "hash", tx.hash.b, 32))
        said = "another hash";
    else if (!rejected && !same_hex(want, "sender", tx.from.b, 20))
        said = "another sender";
    else if (!rejected && !same_gas(want, tx_intrinsic_gas(&tx)))
        said = "another intrinsic gas";
    if (said)
        (void)snprintf(why, RUN_WHY_CAP, "%s", said);
    return !said;
}
