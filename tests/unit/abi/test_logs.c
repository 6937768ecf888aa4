/* Events against recorded logs: values, canonical hashes, and decode -> encode of every known log.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "contracts-abi/codec.h"
#include "contracts-abi/gen/admin.h"
#include "contracts-abi/gen/bridge.h"
#include "contracts-abi/gen/bridgehub.h"
#include "contracts-abi/gen/executor.h"
#include "contracts-abi/gen/l2.h"
#include "contracts-abi/gen/mailbox.h"
#include "contracts-abi/gen/message_root.h"
#include "contracts-abi/gen/upgrade.h"
#include "node/base/hash.h"
#include "tests/unit/abi/json.h"

static struct arena arena;
static struct buf out;

static int setup(void **state)
{
    (void)state;
    arena_init_growing(&arena, 1 << 16, 64 << 20);
    buf_init(&out, 8 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_clear(&arena);
    buf_clear(&out);
    return 0;
}

static void check_parts(const struct abi_log_parts *p, const struct abi_log_view *log)
{
    assert_int_equal(p->topic_cnt, log->topic_cnt);
    assert_memory_equal(p->topics, log->topics, 32 * log->topic_cnt);
    check_bytes_eq(bytes_of(p->data->p, p->data->len), log->data);
}

#define ROUND_TRIP(word, TOPIC)                                                                    \
    static bool round_trip_##word(const struct abi_log_view *log)                                  \
    {                                                                                              \
        struct b256 topic = ABI_V31_##TOPIC##_TOPIC;                                               \
        struct abi_v31_##word v;                                                                   \
        struct abi_log_parts parts = { .data = &out };                                             \
        struct err err;                                                                            \
        if (!abi_log_has_topic(log, &topic))                                                       \
            return false;                                                                          \
        if (!abi_v31_decode_##word(log, &v, &arena, &err))                                         \
            fail_msg("%s", err.msg);                                                               \
        buf_reset(&out);                                                                           \
        assert_true(abi_v31_encode_##word(&parts, &v));                                            \
        check_parts(&parts, log);                                                                  \
        return true;                                                                               \
    }
#define EVENTS(X)                                                                                  \
    X(block_commit, BLOCK_COMMIT)                                                                  \
    X(report_committed_batch_range_zksync_os, REPORT_COMMITTED_BATCH_RANGE_ZKSYNC_OS)              \
    X(blocks_verification, BLOCKS_VERIFICATION)                                                    \
    X(block_execution, BLOCK_EXECUTION)                                                            \
    X(blocks_revert, BLOCKS_REVERT)                                                                \
    X(new_l1_da_validator, NEW_L1_DA_VALIDATOR)                                                    \
    X(new_l2_da_commitment_scheme, NEW_L2_DA_COMMITMENT_SCHEME)                                    \
    X(new_priority_request, NEW_PRIORITY_REQUEST)                                                  \
    X(new_priority_request_id, NEW_PRIORITY_REQUEST_ID)                                            \
    X(new_relayed_priority_transaction, NEW_RELAYED_PRIORITY_TRANSACTION)                          \
    X(genesis_upgrade, GENESIS_UPGRADE)                                                            \
    X(l1_message_sent, L1_MESSAGE_SENT)                                                            \
    X(appended_chain_batch_root, APPENDED_CHAIN_BATCH_ROOT)                                        \
    X(new_chain_root, NEW_CHAIN_ROOT)                                                              \
    X(new_interop_root, NEW_INTEROP_ROOT)                                                          \
    X(interop_root_added, INTEROP_ROOT_ADDED)                                                      \
    X(bridge_burn, BRIDGE_BURN)                                                                    \
    X(bridgehub_deposit_base_token_initiated, BRIDGEHUB_DEPOSIT_BASE_TOKEN_INITIATED)
EVENTS(ROUND_TRIP)

static unsigned seen[32];

static bool round_trip_any(const struct abi_log_view *log)
{
    unsigned i = 0;
#define TRY(word, TOPIC)                                                                           \
    if (round_trip_##word(log)) {                                                                  \
        seen[i]++;                                                                                 \
        return true;                                                                               \
    }                                                                                              \
    i++;
    EVENTS(TRY)
    return false;
}

/* Every object with topics and data, anywhere. */
static unsigned walk_logs(const json_t *v)
{
    unsigned cnt = 0;
    if (json_is_array(v)) {
        for (size_t i = 0; i < json_array_size(v); i++)
            cnt += walk_logs(json_array_get(v, i));
    } else if (json_is_object(v)) {
        if (json_is_array(json_object_get(v, "topics")) &&
            json_is_string(json_object_get(v, "data"))) {
            struct abi_log_view log = json_log(&arena, v);
            return round_trip_any(&log) ? 1 : 0;
        }
        const char *key;
        json_t *item;
        json_object_foreach((json_t *)(uintptr_t)v, key, item)
        {
            cnt += walk_logs(item);
        }
    }
    return cnt;
}

static void recorded_logs_survive_decode_and_encode(void **state)
{
    (void)state;
    static const char *const files[] = {
        "l1/records/chain10-l1-calldata.json",     "l1/records/chain10-l1-validium.json",
        "l1/records/chain12-gateway.json",         "vectors/settlement/commit_v31.json",
        "vectors/settlement/revert_v31.json",      "vectors/settlement/gateway_v31.json",
        "vectors/l1/priority-requests.json",       "vectors/l1/genesis-upgrade-txs.json",
        "vectors/l1/deposit-chain10.json",         "vectors/l1/deposit-chain12-l1.json",
        "vectors/l1/deposit-chain12-gateway.json", "vectors/l1/deposit-chain10-call.json",
    };
    unsigned cnt = 0, kinds = 0;
    for (size_t i = 0; i < GH_COUNT(files); i++) {
        json_t *f = json_open(files[i]);
        unsigned n = walk_logs(f);
        if (n == 0)
            fail_msg("%s has no known log", files[i]);
        cnt += n;
        json_decref(f);
    }
    for (size_t i = 0; i < GH_COUNT(seen); i++)
        kinds += seen[i] > 0 ? 1 : 0;
    (void)printf("logs decoded and encoded again: %u of %u kinds\n", cnt, kinds);
    assert_true(cnt >= 110);
    assert_true(kinds >= 16);
}

static void check_tx(const struct abi_v31_l2_canonical_transaction *tx, const json_t *want)
{
    struct u256 from = json_u256(json_need(want, "from")), to = json_u256(json_need(want, "to"));
    struct u256 gas = json_u256(json_need(want, "gasLimit")),
                type = json_u256(json_need(want, "txType"));
    struct u256 value = json_u256(json_need(want, "value")),
                nonce = json_u256(json_need(want, "nonce"));
    assert_true(u256_eq(&tx->from, &from) && u256_eq(&tx->to, &to) &&
                u256_eq(&tx->gas_limit, &gas));
    assert_true(u256_eq(&tx->tx_type, &type) && u256_eq(&tx->value, &value));
    assert_true(u256_eq(&tx->nonce, &nonce));
    for (size_t i = 0; i < 4; i++) {
        struct u256 r = json_u256(json_array_get(json_need(want, "reserved"), i));
        assert_true(u256_eq(&tx->reserved[i], &r));
    }
    check_bytes_eq(tx->data, json_hex(&arena, json_need(want, "data")));
}

static struct b256 canonical_hash(const struct abi_v31_l2_canonical_transaction *tx)
{
    buf_reset(&out);
    assert_true(abi_v31_encode_l2_canonical_transaction(&out, tx));
    return keccak256(out.p, out.len);
}

static void priority_requests_have_their_values_and_hash(void **state)
{
    (void)state;
    json_t *f = json_open("vectors/l1/priority-requests.json"), *v;
    size_t i;
    json_array_foreach(f, i, v)
    {
        struct abi_log_view log = json_log(&arena, json_need(v, "log"));
        struct abi_v31_new_priority_request r;
        struct err err;
        if (!abi_v31_decode_new_priority_request(&log, &r, &arena, &err))
            fail_msg("%s", err.msg);
        struct u256 id = json_u256(json_need(v, "txId"));
        struct b256 hash = json_b256(json_need(v, "txHash")), got = canonical_hash(&r.transaction);
        assert_true(u256_eq(&r.tx_id, &id));
        assert_true(b256_eq(&r.tx_hash, &hash));
        assert_true(b256_eq(&got, &hash));
        check_tx(&r.transaction, json_need(v, "tx"));
        /* the same through the stand-alone encoding, with and without the leading word */
        struct abi_v31_l2_canonical_transaction back, body;
        struct bytes whole = bytes_of(out.p, out.len);
        assert_true(abi_v31_decode_l2_canonical_transaction(whole, &back, &arena, &err));
        assert_true(abi_v31_decode_l2_canonical_transaction_body(
            bytes_of(whole.p + 32, whole.len - 32), &body, &arena, &err));
        check_bytes_eq(back.data, body.data);
    }
    assert_true(i >= 54);
    json_decref(f);
}

static void genesis_upgrades_have_their_values_and_hash(void **state)
{
    (void)state;
    json_t *f = json_open("vectors/l1/genesis-upgrade-txs.json"), *v;
    size_t i;
    json_array_foreach(f, i, v)
    {
        struct abi_log_view log = json_log(&arena, json_need(v, "log"));
        struct abi_v31_genesis_upgrade g;
        struct err err;
        if (!abi_v31_decode_genesis_upgrade(&log, &g, &arena, &err))
            fail_msg("%s", err.msg);
        struct addr diamond = json_addr(json_need(v, "diamond"));
        struct b256 hash = json_b256(json_need(v, "canonicalHash")),
                    got = canonical_hash(&g.l2_transaction);
        assert_true(addr_eq(&g.zk_chain, &diamond));
        assert_true(b256_eq(&got, &hash));
        check_tx(&g.l2_transaction, json_need(v, "tx"));
        assert_int_equal(u256_sat_u64(&g.protocol_version), (uint64_t)31 << 32);

        /* the call inside: upgrade(address,bytes) of genesisUpgrade(..) */
        const json_t *call = json_need(v, "call");
        struct abi_v31_upgrade_call outer;
        struct abi_v31_genesis_upgrade_call inner;
        assert_true(abi_v31_decode_upgrade_call(g.l2_transaction.data, &outer, &arena, &err));
        assert_true(abi_v31_decode_genesis_upgrade_call(outer.call_data, &inner, &arena, &err));
        struct u256 chain_id = json_u256(json_need(call, "chainId"));
        struct addr to = json_addr(json_need(call, "delegateTo"));
        assert_true(addr_eq(&outer.delegate_to, &to));
        assert_true(u256_eq(&inner.chain_id, &chain_id));
        assert_true(inner.is_zksync_os);
        check_bytes_eq(inner.additional_force_deployments_data,
                       json_hex(&arena, json_need(call, "additionalForceDeployments")));
    }
    assert_int_equal(i, 5);
    json_decref(f);
}

static void deposit_request_survives_decode_and_encode(void **state)
{
    (void)state;
    json_t *f = json_open("vectors/l1/deposit-chain10.json");
    struct bytes in = json_hex(&arena, json_need(f, "bridgehubCalldata"));
    struct abi_v31_request_l2_transaction_direct_call c;
    struct err err;
    assert_true(abi_v31_decode_request_l2_transaction_direct_call(in, &c, &arena, &err));
    assert_int_equal(u256_sat_u64(&c.request.chain_id), 10);
    assert_int_equal(u256_sat_u64(&c.request.l2_gas_limit), 1000000);
    buf_reset(&out);
    assert_true(abi_v31_encode_request_l2_transaction_direct_call(&out, &c));
    check_bytes_eq(bytes_of(out.p, out.len), in);
    json_decref(f);
}

static void gateway_relays_decode(void **state)
{
    (void)state;
    json_t *f = json_open("vectors/settlement/gateway_v31.json"), *commit, *event;
    size_t i, k;
    unsigned stored = 0, pubdata = 0;
    json_array_foreach(json_need(f, "commits"), i, commit)
    {
        json_array_foreach(json_need(commit, "events"), k, event)
        {
            struct abi_log_view log = json_log(&arena, event);
            struct b256 topic = ABI_V31_L1_MESSAGE_SENT_TOPIC;
            struct abi_v31_l1_message_sent m;
            struct abi_v31_relayed_stored_batch s;
            struct abi_v31_relayed_pubdata p;
            struct err err;
            if (!abi_log_has_topic(&log, &topic))
                continue;
            assert_true(abi_v31_decode_l1_message_sent(&log, &m, &arena, &err));
            struct b256 hash = keccak256(m.message.p, m.message.len);
            assert_true(b256_eq(&hash, &m.hash));
            if (m.message.p[31] == 1) {
                assert_true(abi_v31_decode_relayed_stored_batch(m.message, &s, &arena, &err));
                struct b256 want = json_b256(json_need(commit, "storedHash"));
                buf_reset(&out);
                assert_true(abi_v31_encode_stored_batch_info(&out, &s.stored));
                struct b256 got = keccak256(out.p, out.len);
                assert_true(b256_eq(&got, &want));
                stored++;
            } else {
                assert_true(abi_v31_decode_relayed_pubdata(m.message, &p, &arena, &err));
                assert_int_equal(u256_sat_u64(&p.chain_id), 12);
                pubdata++;
            }
        }
    }
    assert_int_equal(stored, 3);
    assert_true(pubdata >= 1);
    json_decref(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_logs_survive_decode_and_encode),
        cmocka_unit_test(priority_requests_have_their_values_and_hash),
        cmocka_unit_test(genesis_upgrades_have_their_values_and_hash),
        cmocka_unit_test(deposit_request_survives_decode_and_encode),
        cmocka_unit_test(gateway_relays_decode),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
