/* Rows of messages: what is written is read back, a second sight changes nothing, updates touch what changes, order is that of discovery. */
#include <stdio.h>
#include <string.h>

#include "node/store/relay_table.h"
#include "tests/unit/store/store_case.h"

static struct relay_row row_n(uint8_t n)
{
    static const uint8_t message[5] = { 1, 2, 3, 0, 5 };
    struct relay_row r = { .kind = RELAY_BUNDLE,
                           .src = 12,
                           .dst = UINT64_MAX,
                           .block = 7,
                           .log = 3,
                           .sender = addr_of_u32(0x1000d),
                           .message = bytes_of(message, sizeof(message)),
                           .state = RELAY_WAITS_PROOF,
                           .seen_ms = 1000u + n };
    memset(r.id.b, n, 32);
    memset(r.tx_hash.b, 0xee, 32);
    return r;
}

static bool is_new;
static bool add(struct store_txn *t, void *arg, struct err *err)
{
    return relay_add(t, arg, &is_new, err);
}
static bool update(struct store_txn *t, void *arg, struct err *err)
{
    return relay_update(t, arg, err) && relay_set_calldata(t, arg, err);
}

struct seen {
    uint8_t ids[8];
    size_t cnt;
};
static bool each(void *arg, const struct relay_row *row, struct err *err)
{
    struct seen *s = arg;
    if (s->cnt == 8)
        return err_set(err, ERR_LOCAL, "too many");
    s->ids[s->cnt++] = row->id.b[0];
    return true;
}

static struct relay_row load(uint8_t n)
{
    struct relay_row want = row_n(n), got;
    struct err err;
    bool found = false;
    if (!relay_load(sc.reader, &want.id, &sc.arena, &got, &found, &err))
        fail_msg("%s", err.msg);
    assert_true(found);
    return got;
}

static void test_read_back(void **state)
{
    (void)state;
    struct relay_row r = row_n(4);
    store_case_run(STORE_JOURNAL, add, &r);
    struct relay_row got = load(4);
    assert_int_equal(got.dst, UINT64_MAX);
    assert_memory_equal(got.message.p, r.message.p, r.message.len);
    assert_int_equal(got.message.len, r.message.len);
    assert_int_equal(got.calldata.len, 0);
    assert_memory_equal(&got.sender, &r.sender, 20);
    assert_int_equal(got.state, RELAY_WAITS_PROOF);
    assert_int_equal(got.log, 3);
}

static void test_second_sight_and_update(void **state)
{
    (void)state;
    struct relay_row r = row_n(1);
    static const uint8_t calldata[3] = { 7, 8, 9 };
    store_case_run(STORE_JOURNAL, add, &r);
    assert_true(is_new);
    r.state = RELAY_PARKED;
    r.attempts = 3;
    r.calldata = bytes_of(calldata, 3);
    r.target = addr_of_u32(0x1000e);
    snprintf(r.note, sizeof(r.note), "its delivery reverts");
    memset(r.dst_tx.b, 5, 32);
    store_case_run(STORE_JOURNAL, update, &r);
    struct relay_row again = row_n(1); /* seen again after a crash */
    again.src = 13;                    /* or by somebody who says the same bytes */
    store_case_run(STORE_JOURNAL, add, &again);
    assert_false(is_new);
    struct relay_row got = load(1);
    assert_int_equal(got.state, RELAY_PARKED);
    assert_int_equal(got.attempts, 3);
    assert_string_equal(got.note, "its delivery reverts");
    assert_memory_equal(got.calldata.p, calldata, 3);
    assert_int_equal(got.dst_tx.b[31], 5);
    assert_int_equal(got.seen_ms, 1001);
    assert_int_equal(got.src, 12);
}

static void test_order_and_open_ones(void **state)
{
    (void)state;
    const uint8_t order[3] = { 9, 2, 5 };
    for (size_t i = 0; i < 3; i++) {
        struct relay_row r = row_n(order[i]);
        store_case_run(STORE_JOURNAL, add, &r);
    }
    struct relay_row done = row_n(2);
    done.state = RELAY_DELIVERED;
    store_case_run(STORE_JOURNAL, update, &done);
    struct seen all = { .cnt = 0 }, open = { .cnt = 0 };
    struct err err;
    assert_true(relay_each(sc.reader, RELAY_ALL_STATES, &sc.arena, each, &all, &err));
    assert_true(relay_each(sc.reader, RELAY_OPEN_STATES, &sc.arena, each, &open, &err));
    assert_int_equal(all.cnt, 3);
    assert_memory_equal(all.ids, order, 3);
    assert_int_equal(open.cnt, 2);
    assert_int_equal(open.ids[0], 9);
    assert_int_equal(open.ids[1], 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_read_back, store_case_setup, store_case_teardown),
        cmocka_unit_test_setup_teardown(test_second_sight_and_update, store_case_setup,
                                        store_case_teardown),
        cmocka_unit_test_setup_teardown(test_order_and_open_ones, store_case_setup,
                                        store_case_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
