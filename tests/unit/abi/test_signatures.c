/* Selectors and topics against the tables of the compiled contracts, and against the spec's list.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "contracts-abi/gen/executor.h"
#include "contracts-abi/gen/timelock.h"
#include "contracts-abi/gen/v30.h"
#include "contracts-abi/gen/v31.h"
#include "node/base/hex.h"
#include "tests/unit/abi/json.h"

/* "Name(uint256 indexed a, (bool b)[] c)" -> "Name(uint256,(bool)[])" and the indexed arguments */
static void canonical(char *out, size_t cap, unsigned *indexed, const char *s)
{
    size_t n = 0;
    unsigned depth = 0, arg = 0;
    bool in_type = true;
    *indexed = 0;
    for (; *s; s++) {
        assert_true(n + 2 < cap);
        if (*s == '(' || *s == ',') {
            out[n++] = *s;
            depth += *s == '(' ? 1 : 0;
            arg += *s == ',' && depth == 1 ? 1 : 0;
            in_type = true;
            while (s[1] == ' ')
                s++;
        } else if (*s == ')') {
            out[n++] = *s;
            depth--;
            in_type = true; /* an array suffix may follow */
        } else if (*s == ' ') {
            in_type = false;
            if (strncmp(s + 1, "indexed", 7) == 0 && depth == 1)
                *indexed |= 1u << arg;
        } else if (in_type) {
            out[n++] = *s;
        }
    }
    out[n] = 0;
}

static const struct abi_signature *find(enum abi_signature_kind kind, const char *text)
{
    size_t cnt;
    const struct abi_signature *all = abi_v31_signatures(&cnt);
    for (size_t i = 0; i < cnt; i++) {
        if (all[i].kind == kind && strcmp(all[i].text, text) == 0)
            return &all[i];
    }
    return NULL;
}

/* True when we have the signature; then its hash must start with the given hex. */
static bool check_one(enum abi_signature_kind kind, const char *text, const char *hash)
{
    const struct abi_signature *s = find(kind, text);
    if (!s)
        return false;
    uint8_t want[32];
    size_t len = 0;
    assert_true(hex_decode(want, sizeof want, &len, hash, strlen(hash)));
    assert_int_equal(len, kind == ABI_SIG_EVENT ? 32 : 4);
    if (memcmp(want, s->hash.b, len) != 0)
        fail_msg("%s does not hash to %s", text, hash);
    return true;
}

static void every_custom_error_is_known(void **state)
{
    (void)state;
    unsigned cnt = 0;
    json_t *l1 = json_open("l1/abi/error-selectors.json");
    json_t *settlement = json_open("vectors/settlement/error_selectors.json");
    json_t *interop = json_open("vectors/interop/selectors.json");
    const json_t *tables[] = { l1, json_need(settlement, "v31"), json_need(settlement, "v30only"),
                               json_need(interop, "errors") };
    for (size_t i = 0; i < GH_COUNT(tables); i++) {
        const char *selector;
        json_t *sig;
        json_object_foreach((json_t *)(uintptr_t)tables[i], selector, sig)
        {
            if (!check_one(ABI_SIG_ERROR, json_string_value(sig), selector))
                fail_msg("%s is in no .abi file", json_string_value(sig));
            cnt++;
        }
    }
    assert_int_equal(json_object_size(l1), 479);
    (void)printf("errors compared: %u\n", cnt);
    assert_true(cnt > 900);
    json_decref(l1);
    json_decref(settlement);
    json_decref(interop);
}

static void event_topics_and_indexed_flags_match(void **state)
{
    (void)state;
    unsigned cnt = 0;
    json_t *topics = json_open("l1/abi/event-topics.json"), *sig;
    json_t *interop = json_open("vectors/interop/selectors.json"), *hash;
    const char *key;
    json_object_foreach(topics, key, sig)
    {
        char text[2048];
        unsigned indexed;
        canonical(text, sizeof text, &indexed, json_string_value(sig));
        if (!check_one(ABI_SIG_EVENT, text, key))
            continue;
        assert_int_equal(find(ABI_SIG_EVENT, text)->indexed, indexed);
        cnt++;
    }
    (void)printf("events of event-topics.json: %u of %zu\n", cnt, json_object_size(topics));
    assert_true(cnt >= 85);
    json_object_foreach(json_need(interop, "events"), key, hash)
    {
        cnt += check_one(ABI_SIG_EVENT, key, json_string_value(hash)) ? 1 : 0;
    }
    (void)printf("events compared: %u\n", cnt);
    json_decref(topics);
    json_decref(interop);
}

static void function_selectors_match(void **state)
{
    (void)state;
    unsigned cnt = 0;
    json_t *interop = json_open("vectors/interop/selectors.json"), *functions, *hash;
    const char *contract, *key;
    json_object_foreach(json_need(interop, "functions"), contract,
                        functions){ json_object_foreach(functions, key, hash){
        cnt += check_one(ABI_SIG_FUNCTION, key, json_string_value(hash)) ? 1 : 0;
}
}
(void)printf("functions compared: %u\n", cnt);
assert_true(cnt >= 150);
json_decref(interop);
}

/* Selectors that spec 30, 40 and 50 state and no JSON table has. */
static void functions_named_in_the_spec_match(void **state)
{
    (void)state;
    static const struct {
        const char *text, *selector;
    } spec[] = {
        { "settleBatchesSharedBridge(address,uint256,uint256,bytes,bytes,bytes)", "0x08e4d8d3" },
        { "commitBatchesMultisig(address,uint256,uint256,bytes,address[],bytes[])", "0x0913148a" },
        { "hasRoleForChainId(uint256,bytes32,address)", "0x8e80aaf6" },
        { "addValidatorRoles(address,address,(bool,bool,bool,bool,bool,bool))", "0x19a30a95" },
        { "executionDelay()", "0x8b257989" },
        { "getCommittedBatchTimestamp(address,uint256)", "0xb4dba6f9" },
        { "COMMITTER_ROLE()", "0x1a7c3f73" },
        { "PROVER_ROLE()", "0xdc9a4ef6" },
        { "EXECUTOR_ROLE()", "0x07bd0265" },
        { "REVERTER_ROLE()", "0x2287f07b" },
        { "getSigningThreshold(address)", "0x4d4b2cab" },
        { "getValidatorsCount(address)", "0x178f0e36" },
        { "getValidatorsMember(address,uint256)", "0xd0b779a5" },
        { "isValidator(address,address)", "0xe5a489a7" },
        { "setDAValidatorPair(address,uint8)", "0x2765d079" },
        { "publishBlobs()", "0xf1579799" },
        { "validatorTimelockPostV29()", "0xef9955bc" },
        { "serverNotifierAddress()", "0xf13ea178" },
        { "protocolVersionIsActive(uint256)", "0xdef9d6af" },
        { "L1_BYTECODES_SUPPLIER()", "0x18f0c09b" },
        { "upgradeCutDataBlock(uint256)", "0x0e7c705d" },
        { "evmPublishingBlock(bytes32)", "0x3ecb7197" },
        { "publishingBlock(bytes32)", "0x3f4976fa" },
        { "getL2UpgradeTxData(address,uint256,bool,bytes)", "0x1c9876ff" },
        { "setSettlementLayerChainId(uint256)", "0x040203e6" },
        { "sharedBridge()", "0x38720778" },
        { "withdraw(address)", "0x51cff8d9" },
        { "withdrawWithMessage(address,bytes)", "0x84bc3eb0" },
    };
    for (size_t i = 0; i < GH_COUNT(spec); i++) {
        if (!check_one(ABI_SIG_FUNCTION, spec[i].text, spec[i].selector))
            fail_msg("%s is in no .abi file", spec[i].text);
    }
}

static void v30_events_have_their_topics(void **state)
{
    (void)state;
    size_t cnt;
    const struct abi_signature *all = abi_v30_signatures(&cnt);
    assert_int_equal(cnt, 2);
    assert_string_equal(all[0].text, "MigrateToGateway(uint256)");
    assert_int_equal(load_be32(all[0].hash.b), 0xfab4569f);
    assert_int_equal(load_be32(all[1].hash.b), 0x5f2eec14);
    assert_int_equal(all[0].indexed, 1);
}

static void constants_are_the_table(void **state)
{
    (void)state;
    assert_int_equal(ABI_V31_COMMIT_BATCHES_SHARED_BRIDGE_SELECTOR, 0x0db9eb87);
    struct b256 role, topic = ABI_V31_BLOCK_COMMIT_TOPIC, committer = ABI_V31_COMMITTER_ROLE;
    struct b256 typehash = ABI_V31_COMMIT_BATCHES_MULTISIG_TYPEHASH;
    assert_true(hex_decode_exact(
        role.b, 32, "0b60b5d7f7e737e4561eecda7c6a01e19e626c495c26e6f45e5b255f76a20106", 64));
    assert_true(b256_eq(&committer, &role));
    assert_true(
        b256_eq(&find(ABI_SIG_EVENT, "BlockCommit(uint256,bytes32,bytes32)")->hash, &topic));
    assert_true(hex_decode_exact(
        role.b, 32, "a35a60481258e576b321653ed741192ea8124973a0cfdebdf2ef0a40a876d068", 64));
    assert_true(b256_eq(&typehash, &role));
}

static void no_two_errors_share_a_selector(void **state)
{
    (void)state;
    size_t cnt;
    const struct abi_signature *all = abi_v31_signatures(&cnt);
    for (size_t i = 0; i < cnt; i++) {
        for (size_t k = i + 1; k < cnt; k++) {
            if (all[i].kind == ABI_SIG_ERROR && all[k].kind == ABI_SIG_ERROR)
                assert_int_not_equal(load_be32(all[i].hash.b), load_be32(all[k].hash.b));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_custom_error_is_known),
        cmocka_unit_test(event_topics_and_indexed_flags_match),
        cmocka_unit_test(function_selectors_match),
        cmocka_unit_test(functions_named_in_the_spec_match),
        cmocka_unit_test(v30_events_have_their_topics),
        cmocka_unit_test(constants_are_the_table),
        cmocka_unit_test(no_two_errors_share_a_selector),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
