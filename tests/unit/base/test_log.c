/* tests/unit/base/test_log.c: what comes out of file descriptor 2. */
#include "tests/unit/base/testing.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "node/base/log.h"

static char captured[1 << 22];
static int saved_stderr = -1, capture_fd = -1;

static void capture_begin(void)
{
    FILE *f = tmpfile();
    assert_non_null(f);
    capture_fd = dup(fileno(f));
    fclose(f);
    assert_true(capture_fd >= 0 && fcntl(capture_fd, F_SETFL, O_APPEND) == 0);
    saved_stderr = dup(STDERR_FILENO);
    assert_true(dup2(capture_fd, STDERR_FILENO) >= 0);
}

static const char *capture_end(void)
{
    assert_true(dup2(saved_stderr, STDERR_FILENO) >= 0);
    close(saved_stderr);
    ssize_t n = pread(capture_fd, captured, sizeof(captured) - 1, 0);
    assert_true(n >= 0);
    captured[n] = '\0';
    close(capture_fd);
    return captured;
}

static const struct b256 hash = { { 0xab, [31] = 0x01 } };
static const struct addr address = { { 0x11, [19] = 0x22 } };

static void write_everything(void)
{
    struct u256 wei = { { 0, 1, 0, 0 } };
    log_info(LOG_SETTLEMENT, "batch committed", LOG_U64("batch", 18446744073709551615u),
             LOG_I64("delta", -5), LOG_STR("plain", "word"), LOG_STR("quoted", "two \"w\"\n"),
             LOG_HASH("tx", &hash), LOG_ADDR("to", &address), LOG_WEI("value", &wei),
             LOG_BOOL("yes", 7 > 3), LOG_STR("none", NULL));
}

#define HASH_TEXT "0xab00000000000000000000000000000000000000000000000000000000000001"
#define ADDR_TEXT "0x1100000000000000000000000000000000000022"

static void text_lines(void **state)
{
    (void)state;
    log_configure(LOG_INFO, false);
    capture_begin();
    write_everything();
    log_warn(LOG_NODE, "bare");
    const char *out = capture_end();
    assert_int_equal(out[10], 'T');
    assert_int_equal(out[26], 'Z');
    char *second = strchr(captured, '\n') + 1;
    assert_string_equal(second + 27, " warn  node: bare\n");
    *second = '\0';
    assert_string_equal(captured + 27,
                        " info  settlement: batch committed batch=18446744073709551615 delta=-5 "
                        "plain=word quoted=\"two \\\"w\\\"\\n\" tx=" HASH_TEXT " to=" ADDR_TEXT
                        " value=18446744073709551616 yes=true none=(null)\n");
}

static void json_lines(void **state)
{
    (void)state;
    log_configure(LOG_INFO, true);
    capture_begin();
    write_everything();
    const char *out = capture_end();
    assert_memory_equal(out, "{\"timestamp\":\"2", 15);
    assert_string_equal(
        out + 41, "\",\"level\":\"info\",\"target\":\"settlement\",\"message\":\"batch committed\","
                  "\"batch\":18446744073709551615,\"delta\":-5,\"plain\":\"word\","
                  "\"quoted\":\"two \\\"w\\\"\\n\",\"tx\":\"" HASH_TEXT "\",\"to\":\"" ADDR_TEXT
                  "\",\"value\":\"18446744073709551616\",\"yes\":true,\"none\":\"(null)\"}\n");
    log_configure(LOG_INFO, false);
}

/* Text from outside can neither break the line nor the encoding. */
static void hostile_strings(void **state)
{
    (void)state;
    log_configure(LOG_INFO, true);
    capture_begin();
    log_info(LOG_RPC, "x", LOG_STR("a", "\x01\x1b[31m\x7f\\"),
             LOG_STR("b", "\xff\xc0\xaf\xed\xa0\x80z"),
             LOG_STR("c", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x99\x82"), LOG_STR("d", "\xe2\x82"));
    const char *out = strstr(capture_end(), "\"a\"");
    assert_non_null(out);
    assert_string_equal(
        out, "\"a\":\"\\u0001\\u001b[31m\\u007f\\\\\","
             "\"b\":\"\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffdz\","
             "\"c\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x99\x82\",\"d\":\"\\ufffd\\ufffd\"}\n");
    log_configure(LOG_INFO, false);
}

static void missing_values_and_odd_messages(void **state)
{
    (void)state;
    capture_begin();
    log_info(LOG_RPC, "two\nlines", LOG_HASH("h", NULL), LOG_ADDR("a", NULL), LOG_WEI("w", NULL),
             LOG_STR("empty", ""), LOG_STR("bad", "\xe2\x28\xa1"));
    const char *out = capture_end();
    assert_string_equal(out + 27, " info  rpc: \"two\\nlines\" h=null a=null w=null empty=\"\" "
                                  "bad=\"\\ufffd(\\ufffd\"\n");
}

static void long_strings_are_cut(void **state)
{
    (void)state;
    static char text[200001];
    memset(text, 'a', sizeof(text) - 1);
    capture_begin();
    log_info(LOG_RPC, "body", LOG_STR("text", text), LOG_U64("after", 1));
    const char *out = capture_end();
    size_t n = strlen(out);
    assert_true(n > 65536 && n < 66000);
    assert_string_equal(out + n - 13, "...\" after=1\n");
}

static void levels(void **state)
{
    (void)state;
    log_configure(LOG_WARN, false);
    assert_true(log_is_on(LOG_L1, LOG_WARN));
    assert_false(log_is_on(LOG_L1, LOG_INFO));
    log_set_level(LOG_L1, LOG_TRACE);
    assert_true(log_is_on(LOG_L1, LOG_TRACE));
    assert_false(log_is_on(LOG_STORE, LOG_INFO));
    assert_true(log_parse_levels("debug"));
    assert_true(log_is_on(LOG_STORE, LOG_DEBUG) && !log_is_on(LOG_L1, LOG_TRACE));
    assert_true(log_parse_levels("settlement=trace,error,l1=info"));
    assert_true(log_is_on(LOG_SETTLEMENT, LOG_TRACE));
    assert_true(log_is_on(LOG_L1, LOG_INFO) && !log_is_on(LOG_L1, LOG_DEBUG));
    assert_true(log_is_on(LOG_RPC, LOG_ERROR) && !log_is_on(LOG_RPC, LOG_WARN));
    static const char *const bad[] = { "",         "loud",     "l1=loud",       "l2=info",
                                       "info,",    ",info",    "l1=",           "=info",
                                       "debug,l1", "l1 =info", "trace,bad=info" };
    for (size_t i = 0; i < GH_COUNT(bad); i++)
        assert_false(log_parse_levels(bad[i]));
    assert_true(log_is_on(LOG_L1, LOG_INFO) && !log_is_on(LOG_L1, LOG_DEBUG)); /* nothing changed */
    assert_false(log_is_on(LOG_RPC, LOG_WARN));
    capture_begin();
    log_warn(LOG_RPC, "quiet");
    log_error(LOG_RPC, "loud");
    const char *out = capture_end();
    assert_null(strstr(out, "quiet"));
    assert_non_null(strstr(out, "loud"));
    log_configure(LOG_INFO, false);
}

static void *write_many(void *arg)
{
    char text[300];
    memset(text, *(char *)arg, sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (int i = 0; i < 500; i++)
        log_info(LOG_STATE, "line", LOG_STR("s", text));
    return NULL;
}

static void lines_of_threads_do_not_mix(void **state)
{
    (void)state;
    pthread_t t[4];
    char letters[4] = { 'a', 'b', 'c', 'd' };
    capture_begin();
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, write_many, &letters[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    const char *out = capture_end();
    int count = 0;
    for (const char *line = out; *line; line = strchr(line, '\n') + 1) {
        const char *s = strstr(line, "s=");
        assert_non_null(s);
        size_t same = 0;
        for (s += 3; *s == s[-(ptrdiff_t)same] && *s != '"'; s++) /* quoted: longer than a word */
            same++;
        assert_int_equal(same, 299);
        assert_int_equal(s[1], '\n');
        count++;
    }
    assert_int_equal(count, 2000);
}

static void errno_is_kept(void **state)
{
    (void)state;
    capture_begin();
    close(STDERR_FILENO);
    errno = 1234;
    log_info(LOG_NODE, "to nobody");
    int after = errno;
    (void)capture_end();
    assert_int_equal(after, 1234);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_lines),
        cmocka_unit_test(json_lines),
        cmocka_unit_test(hostile_strings),
        cmocka_unit_test(long_strings_are_cut),
        cmocka_unit_test(missing_values_and_odd_messages),
        cmocka_unit_test(levels),
        cmocka_unit_test(lines_of_threads_do_not_mix),
        cmocka_unit_test(errno_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
