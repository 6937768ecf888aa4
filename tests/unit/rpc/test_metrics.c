/* tests/unit/rpc/test_metrics.c */
#include "tests/unit/base/testing.h"

#include "node/rpc/metrics.h"

static void test_samples_are_grouped_under_help_and_type(void **state)
{
    (void)state;
    struct metrics m;
    struct buf out;
    metrics_init(&m);
    buf_init(&out, 1 << 20);
    metrics_put_u64(&m, METRIC_L1_SENDER_NONCE, "command=\"commit\"", 5);
    metrics_put_u64(&m, METRIC_CHAIN_ID, NULL, 270);
    metrics_put_u64(&m, METRIC_L1_SENDER_NONCE, "command=\"prove\"", UINT64_MAX);
    metrics_put(&m, METRIC_EXECUTION_SINCE_BLOCK, "", 0.25);
    metrics_write(&m, &out);
    buf_append(&out, "", 1);
    assert_string_equal(
        (const char *)out.p,
        "# HELP chain_id Chain id\n# TYPE chain_id gauge\nchain_id 270\n"
        "# HELP l1_sender_nonce Next nonce of an operator key\n# TYPE l1_sender_nonce gauge\n"
        "l1_sender_nonce{command=\"commit\"} 5\nl1_sender_nonce{command=\"prove\"} "
        "18446744073709551615\n"
        "# HELP execution_time_since_last_block Seconds since the last block\n# TYPE "
        "execution_time_since_last_block gauge\n"
        "execution_time_since_last_block 0.25\n");
    assert_false(m.failed);
    buf_clear(&out);
    metrics_clear(&m);
}

static void test_histograms_accumulate(void **state)
{
    (void)state;
    struct metrics m;
    struct buf out;
    static const double bounds[] = { 0.5, 1 };
    static const uint64_t counts[] = { 2, 0, 3 };
    metrics_init(&m);
    buf_init(&out, 1 << 20);
    metrics_put_histogram(&m, METRIC_RESPONSE_TIME, "method=\"x\"", bounds, counts, 2, 7.5);
    metrics_write(&m, &out);
    buf_append(&out, "", 1);
    const char *text = strstr((const char *)out.p, "response_time_seconds_bucket");
    assert_string_equal(text, "response_time_seconds_bucket{method=\"x\",le=\"0.5\"} 2\n"
                              "response_time_seconds_bucket{method=\"x\",le=\"1\"} 2\n"
                              "response_time_seconds_bucket{method=\"x\",le=\"+Inf\"} 5\n"
                              "response_time_seconds_sum{method=\"x\"} "
                              "7.5\nresponse_time_seconds_count{method=\"x\"} 5\n");
    buf_clear(&out);
    metrics_clear(&m);
}

static void test_labels_are_escaped_and_bounded(void **state)
{
    (void)state;
    char text[40] = "";
    assert_true(metrics_label(text, sizeof(text), "a", "x\"y\\z\n"));
    assert_true(metrics_label(text, sizeof(text), "b", "1"));
    assert_string_equal(text, "a=\"x\\\"y\\\\z\\n\",b=\"1\"");
    assert_false(metrics_label(text, sizeof(text), "c", "0123456789012345678901234567"));
    assert_string_equal(text, "a=\"x\\\"y\\\\z\\n\",b=\"1\"");
}

static void test_names_are_unique_and_well_formed(void **state)
{
    (void)state;
    for (int i = 0; i < METRIC_CNT; i++) {
        const char *name = metrics_name((enum metric_id)i);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(name));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(name, metrics_name((enum metric_id)j));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples_are_grouped_under_help_and_type),
        cmocka_unit_test(test_histograms_accumulate),
        cmocka_unit_test(test_labels_are_escaped_and_bounded),
        cmocka_unit_test(test_names_are_unique_and_well_formed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
