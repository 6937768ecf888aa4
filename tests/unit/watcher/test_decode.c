/* Logs to values: every recorded priority request and genesis upgrade of five chains, events of batches, notices, and logs that are none of
 * our business. */
#include <stdio.h>

#include "contracts-abi/gen/admin.h"
#include "contracts-abi/gen/bridgehub.h"
#include "contracts-abi/gen/ctm.h"
#include "contracts-abi/gen/executor.h"
#include "contracts-abi/gen/mailbox.h"
#include "contracts-abi/gen/migration.h"
#include "l1-watcher/decode.h"
#include "node/base/hash.h"
#include "node/stf/tx.h"
#include "tests/unit/base/testing.h"
#include "tests/vectors/recorded/recorded.h"

static struct arena arena;
static struct err err;

static int setup(void **state)
{
    (void)state;
    arena_init_growing(&arena, 1 << 16, 256 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static struct b256 b256_in(const json_t *o, const char *key)
{
    struct bytes b = json_hex(&arena, json_object_get(o, key));
    struct b256 out;
    assert_int_equal(b.len, 32);
    memcpy(out.b, b.p, 32);
    return out;
}

static struct eth_log log_of(const json_t *j)
{
    struct eth_log l = { 0 };
    size_t i;
    json_t *t;
    json_array_foreach(json_object_get(j, "topics"), i, t)
    {
        struct bytes b = json_hex(&arena, t);
        memcpy(l.topics[l.topic_cnt++].b, b.p, 32);
    }
    l.data = json_hex(&arena, json_object_get(j, "data"));
    l.block_number = strtoull(json_string_value(json_object_get(j, "blockNumber")), NULL, 16);
    l.tx_hash = b256_in(j, "transactionHash");
    memset(l.block_hash.b, 0xbb, 32);
    return l;
}

static void check_row(const struct l1_tx_row *row, const struct eth_log *log,
                      const struct b256 *hash)
{
    struct stf_tx tx;
    assert_memory_equal(row->hash.b, hash->b, 32);
    assert_int_equal(row->l1_block, log->block_number);
    assert_memory_equal(row->l1_block_hash.b, log->block_hash.b, 32);
    assert_memory_equal(row->l1_tx_hash.b, log->tx_hash.b, 32);
    /* what the transition function makes of the envelope has the same hash */
    assert_int_equal(tx_decode(&tx, row->envelope, &arena), STF_OK);
    assert_memory_equal(tx.hash.b, hash->b, 32);
}

static void recorded_priority_requests(void **state)
{
    (void)state;
    json_t *list = recorded_load("vectors/l1/priority-requests.json", 0), *x;
    size_t i;
    json_array_foreach(list, i, x)
    {
        struct decoded d;
        struct eth_log log = log_of(json_object_get(x, "log"));
        struct b256 hash = b256_in(x, "txHash");
        uint64_t chain = (uint64_t)json_integer_value(json_object_get(x, "chainId"));
        if (!decode_log(&d, &log, chain, &arena, &err))
            fail_msg("request %zu: %s", i, err.msg);
        assert_int_equal(d.kind, DECODED_PRIORITY);
        assert_int_equal(d.row.id,
                         strtoull(json_string_value(json_object_get(x, "txId")), NULL, 10));
        check_row(&d.row, &log, &hash);
        assert_int_equal(d.row.envelope.p[0], TX_PRIORITY);
    }
    assert_true(i >= 50);
    json_decref(list);
}

static void recorded_genesis_upgrades(void **state)
{
    (void)state;
    json_t *list = recorded_load("vectors/l1/genesis-upgrade-txs.json", 0), *x;
    size_t i;
    json_array_foreach(list, i, x)
    {
        struct decoded d;
        struct eth_log log = log_of(json_object_get(x, "log"));
        struct b256 hash = b256_in(x, "onChainHash");
        if (!decode_log(&d, &log, 10, &arena, &err))
            fail_msg("upgrade %zu: %s", i, err.msg);
        assert_int_equal(d.kind, DECODED_UPGRADE);
        assert_int_equal(d.row.id, 31);
        assert_int_equal(d.row.factory_dep_cnt, json_array_size(json_object_get(x, "factoryDeps")));
        check_row(&d.row, &log, &hash);
        assert_int_equal(d.row.envelope.p[0], TX_UPGRADE);
    }
    assert_int_equal(i, 5);
    json_decref(list);
}

/* Any one byte of a real request changed: refused, or it was one the hash does not cover (and then it is the same transaction). */
static void a_flipped_byte_is_refused(void **state)
{
    (void)state;
    json_t *list = recorded_load("vectors/l1/priority-requests.json", 0);
    struct eth_log log = log_of(json_object_get(json_array_get(list, 0), "log"));
    struct b256 hash = b256_in(json_array_get(list, 0), "txHash");
    uint8_t *data = arena_copy(&arena, log.data.p, log.data.len);
    assert_non_null(data);
    log.data.p = data;
    size_t refused = 0;
    for (size_t i = 0; i < log.data.len; i++) {
        struct decoded d;
        struct arena_mark mark = arena_save(&arena);
        data[i] ^= 0x01;
        if (decode_log(&d, &log, 10, &arena, &err)) {
            assert_int_equal(d.row.id, 0);
            check_row(&d.row, &log, &hash);
        } else {
            refused++;
            assert_non_null(strstr(err.msg, "log 0 of transaction 0x"));
        }
        data[i] ^= 0x01;
        arena_restore(&arena, mark);
    }
    assert_true(refused > log.data.len * 9 / 10);
    for (size_t len = 0; len < log.data.len; len++) { /* and every shorter one */
        struct decoded d;
        struct eth_log cut = log;
        cut.data.len = len;
        struct arena_mark mark = arena_save(&arena);
        assert_false(decode_log(&d, &cut, 10, &arena, &err));
        arena_restore(&arena, mark);
    }
    json_decref(list);
}

static struct decoded decode_one(const struct b256 *topics, size_t topic_cnt, const void *data,
                                 size_t len)
{
    struct decoded d;
    struct eth_log log = { .topic_cnt = topic_cnt, .data = bytes_of(data, len), .block_number = 7 };
    memcpy(log.topics, topics, 32 * topic_cnt);
    if (!decode_log(&d, &log, 10, &arena, &err))
        fail_msg("%s", err.msg);
    return d;
}

static void other_logs_are_nothing(void **state)
{
    (void)state;
    struct b256 topics[2] = { { { 1, 2, 3 } } };
    assert_int_equal(decode_one(topics, 1, NULL, 0).kind, DECODED_NOTHING);
    assert_int_equal(decode_one(topics, 0, "abc", 3).kind, DECODED_NOTHING);
    /* a migration of another chain */
    topics[0] = ABI_V31_MIGRATION_STARTED_TOPIC;
    topics[1] = b256_of_u64(11);
    assert_int_equal(decode_one(topics, 2, NULL, 0).kind, DECODED_NOTHING);
    assert_int_equal(decode_one(topics, 1, NULL, 0).kind, DECODED_NOTHING);
    topics[1] = b256_of_u64(10);
    struct decoded d = decode_one(topics, 2, NULL, 0);
    assert_int_equal(d.kind, DECODED_EVENT);
    assert_int_equal(d.event.kind, SL_NOTICE);
    assert_string_equal(d.event.text, "the chain migrates to another settlement layer");
}

static void batch_events(void **state)
{
    (void)state;
    struct abi_v31_block_execution ex = { .batch_number = u256_of_u64(12),
                                          .batch_hash = b256_of_u64(1),
                                          .commitment = b256_of_u64(2) };
    struct abi_v31_blocks_verification pr = { .previous_last_verified_batch = u256_of_u64(3),
                                              .current_last_verified_batch = u256_of_u64(5) };
    struct abi_v31_blocks_revert rv = { .total_batches_committed = u256_of_u64(9),
                                        .total_batches_verified = u256_of_u64(8),
                                        .total_batches_executed = u256_of_u64(7) };
    struct buf data;
    buf_init(&data, 1 << 12);
    struct abi_log_parts p = { .data = &data };
    assert_true(abi_v31_encode_block_execution(&p, &ex));
    struct decoded d = decode_one(p.topics, p.topic_cnt, data.p, data.len);
    assert_true(d.kind == DECODED_EVENT && d.event.kind == SL_BATCH_EXECUTE);
    assert_int_equal(d.event.batch, 12);
    assert_memory_equal(d.event.commitment.b, ex.commitment.b, 32);
    assert_memory_equal(d.event.state_commitment.b, ex.batch_hash.b, 32);
    assert_int_equal(d.event.sl_block, 7);
    buf_reset(&data);
    assert_true(abi_v31_encode_blocks_verification(&p, &pr));
    d = decode_one(p.topics, p.topic_cnt, data.p, data.len);
    assert_true(d.event.kind == SL_BATCH_PROVE && d.event.first == 3 && d.event.last == 5);
    buf_reset(&data);
    assert_true(abi_v31_encode_blocks_revert(&p, &rv));
    d = decode_one(p.topics, p.topic_cnt, data.p, data.len);
    assert_true(d.event.kind == SL_BATCH_REVERT && d.event.batch == 9 && d.event.first == 8 &&
                d.event.last == 7);
    /* a number that no batch has */
    buf_reset(&data);
    rv.total_batches_committed = u256_sub(&U256_ZERO, &U256_ONE);
    assert_true(abi_v31_encode_blocks_revert(&p, &rv));
    struct eth_log log = { .topic_cnt = p.topic_cnt, .data = bytes_of(data.p, data.len) };
    memcpy(log.topics, p.topics, sizeof(log.topics));
    assert_false(decode_log(&d, &log, 10, &arena, &err));
    assert_non_null(strstr(err.msg, "number above 64 bits"));
    /* a Gateway says it has the operation: as many as the id, which is counted from one */
    buf_reset(&data);
    struct abi_v31_new_relayed_priority_transaction rl = { .tx_id = u256_of_u64(6) };
    assert_true(abi_v31_encode_new_relayed_priority_transaction(&p, &rl));
    d = decode_one(p.topics, p.topic_cnt, data.p, data.len);
    assert_true(d.event.kind == SL_PRIORITY_RELAYED && d.event.last == 6);
    buf_clear(&data);
}

static void moves_are_noticed(void **state)
{
    (void)state;
    const struct b256 about_a_chain[] = { ABI_V31_MIGRATE_TO_GATEWAY_TOPIC,
                                          ABI_V31_MIGRATE_FROM_GATEWAY_TOPIC,
                                          ABI_V31_MIGRATION_FINALIZED_TOPIC };
    for (size_t i = 0; i < GH_COUNT(about_a_chain); i++) {
        struct b256 topics[2] = { about_a_chain[i], b256_of_u64(10) };
        struct decoded d = decode_one(topics, 2, NULL, 0);
        assert_true(d.kind == DECODED_EVENT && d.event.kind == SL_NOTICE);
        topics[1] = b256_of_u64(12);
        assert_int_equal(decode_one(topics, 2, NULL, 0).kind, DECODED_NOTHING);
    }
    struct b256 listed[2] = { ABI_V31_SETTLEMENT_LAYER_REGISTERED_TOPIC, b256_of_u64(11) };
    assert_int_equal(decode_one(listed, 2, NULL, 0).event.kind, SL_NOTICE);
}

static void topics_are_distinct(void **state)
{
    (void)state;
    size_t n = 0;
    const struct b256 *t = decode_topics(&n);
    assert_true(n >= 10);
    for (size_t i = 0; i < n; i++) {
        assert_false(b256_is_zero(&t[i]));
        for (size_t k = 0; k < i; k++)
            assert_false(b256_eq(&t[i], &t[k]));
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    if (!recorded_present("decoding of recorded L1 logs"))
        return 77;
    const struct CMUnitTest tests[] = {
        T(recorded_priority_requests),
        T(recorded_genesis_upgrades),
        T(a_flipped_byte_is_refused),
        T(other_logs_are_nothing),
        T(batch_events),
        T(moves_are_noticed),
        T(topics_are_distinct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
