/* Frames of a WebSocket client against the examples and rules of RFC 6455. */
#include "tests/unit/base/testing.h"

#include <stdlib.h>

#include "node/net/ws_frame.h"

static struct ws_decoder d;

static int setup(void **state)
{
    (void)state;
    ws_decoder_init(&d, 1u << 20);
    return 0;
}
static int teardown(void **state)
{
    (void)state;
    ws_decoder_clear(&d);
    return 0;
}

/* A masked frame. */
static size_t frame(uint8_t *out, uint8_t first, const void *payload, size_t n)
{
    static const uint8_t mask[4] = { 0x37, 0xfa, 0x21, 0x3d };
    const uint8_t *p = payload;
    size_t k = ws_frame_head(out, WS_TEXT, n);
    out[0] = first;
    out[1] |= 0x80;
    memcpy(out + k, mask, 4);
    k += 4;
    for (size_t i = 0; i < n; i++)
        out[k++] = p[i] ^ mask[i & 3];
    return k;
}

/* The first event of these bytes, given `step` at a time. */
static enum ws_event feed(const uint8_t *p, size_t n, size_t step)
{
    for (size_t at = 0; at < n;) {
        size_t used, len = n - at < step ? n - at : step;
        enum ws_event e = ws_decode(&d, bytes_of(p + at, len), &used);
        assert_true(used <= len);
        if (e != WS_MORE)
            return e;
        assert_int_equal(used, len);
        at += used;
    }
    return WS_MORE;
}

static void expect_fault(const uint8_t *p, size_t n, unsigned code)
{
    for (size_t step = 1; step <= n; step += n) {
        ws_decoder_clear(&d);
        ws_decoder_init(&d, 1u << 20);
        assert_int_equal(feed(p, n, step), WS_FAULT);
        assert_int_equal(d.code, code);
        assert_non_null(d.problem);
        size_t used;
        assert_int_equal(ws_decode(&d, bytes_of(p, n), &used), WS_MORE); /* it is over */
        assert_int_equal(used, 0);
    }
}

/* RFC 6455 §5.7: a masked "Hello". */
static void the_example_of_the_rfc(void **state)
{
    (void)state;
    static const uint8_t hello[] = { 0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d,
                                     0x7f, 0x9f, 0x4d, 0x51, 0x58 };
    for (size_t step = 1; step <= sizeof(hello); step++) {
        assert_int_equal(feed(hello, sizeof(hello), step), WS_MESSAGE);
        assert_int_equal(d.message.len, 5);
        assert_memory_equal(d.message.p, "Hello", 5);
    }
    static const uint8_t ping[] = {
        0x89, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58
    };
    assert_int_equal(feed(ping, sizeof(ping), 3), WS_GOT_PING);
    assert_int_equal(d.control_len, 5);
    assert_memory_equal(d.control, "Hello", 5);
}

static void lengths(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, 125, 126, 65535, 65536, 200000 };
    uint8_t *text = malloc(200000), *out = malloc(200020);
    memset(text, 'x', 200000);
    for (size_t i = 0; i < GH_COUNT(sizes); i++) {
        size_t n = frame(out, 0x81, text, sizes[i]);
        assert_int_equal(feed(out, n, 4099), WS_MESSAGE);
        assert_int_equal(d.message.len, sizes[i]);
    }
    free(text);
    free(out);
    /* the same lengths written longer than they need be */
    static const uint8_t long16[] = { 0x81, 0xfe, 0x00, 0x05, 1, 2, 3, 4 };
    static const uint8_t long64[] = { 0x81, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 2, 3, 4 };
    static const uint8_t negative[] = { 0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4 };
    static const uint8_t huge[] = { 0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4 };
    expect_fault(long16, sizeof(long16), WS_PROTOCOL);
    expect_fault(long64, sizeof(long64), WS_PROTOCOL);
    expect_fault(negative, sizeof(negative), WS_PROTOCOL);
    expect_fault(huge, sizeof(huge), WS_TOO_BIG);
}

static void fragments_with_control_frames_between(void **state)
{
    (void)state;
    uint8_t out[128];
    size_t n = frame(out, 0x01, "\xce\xba\xe1", 3); /* ends inside a character */
    n += frame(out + n, 0x89, "p", 1);
    n += frame(out + n, 0x00, "\xbd\xb9", 2);
    n += frame(out + n, 0x80, "!", 1);
    size_t used, at = 0;
    assert_int_equal(ws_decode(&d, bytes_of(out, n), &used), WS_GOT_PING);
    at += used;
    assert_int_equal(ws_decode(&d, bytes_of(out + at, n - at), &used), WS_MESSAGE);
    assert_int_equal(at + used, n);
    assert_int_equal(d.message.len, 6);
    assert_memory_equal(d.message.p, "\xce\xba\xe1\xbd\xb9!", 6);
    n = frame(out, 0x80, "x", 1);
    expect_fault(out, n, WS_PROTOCOL); /* a continuation of nothing */
    n = frame(out, 0x01, "x", 1);
    n += frame(out + n, 0x81, "y", 1);
    expect_fault(out, n, WS_PROTOCOL); /* a message inside another */
    n = frame(out, 0x09, "x", 1);
    expect_fault(out, n, WS_PROTOCOL); /* a ping in fragments */
}

static void what_must_not_be(void **state)
{
    (void)state;
    static const uint8_t naked[] = { 0x81, 0x05, 'H', 'e', 'l', 'l', 'o' };
    uint8_t out[256], big[126];
    memset(big, 'x', sizeof(big));
    expect_fault(naked, sizeof(naked), WS_PROTOCOL);
    for (uint8_t rsv = 0x10; rsv <= 0x40; rsv = (uint8_t)(rsv << 1)) {
        size_t n = frame(out, (uint8_t)(0x81 | rsv), "x", 1);
        expect_fault(out, n, WS_PROTOCOL);
    }
    static const uint8_t opcodes[] = { 3, 4, 5, 6, 7, 11, 12, 13, 14, 15 };
    for (size_t i = 0; i < GH_COUNT(opcodes); i++) {
        size_t n = frame(out, 0x80 | opcodes[i], "x", 1);
        expect_fault(out, n, WS_PROTOCOL);
    }
    size_t n = frame(out, 0x89, big, sizeof(big));
    expect_fault(out, n, WS_PROTOCOL);
    n = frame(out, 0x82, "{}", 2);
    expect_fault(out, n, WS_UNSUPPORTED);
}

static void text_is_utf8(void **state)
{
    (void)state;
    static const char *const good[] = { "",
                                        "\x7f",
                                        "\xc2\x80",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf" };
    static const char *const bad[] = {
        "\x80",         "\xc0\x80",     "\xc1\xbf",         "\xe0\x80\x80",     "\xe0\x9f\xbf",
        "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xff",         "\xc2",         "\xe1\x80",         "\xf1\x80\x80",     "\xc2x"
    };
    uint8_t out[64];
    for (size_t i = 0; i < GH_COUNT(good); i++) {
        size_t n = frame(out, 0x81, good[i], strlen(good[i]));
        assert_int_equal(feed(out, n, 1), WS_MESSAGE);
    }
    for (size_t i = 0; i < GH_COUNT(bad); i++) {
        size_t n = frame(out, 0x81, bad[i], strlen(bad[i]));
        expect_fault(out, n, WS_NOT_UTF8);
    }
}

static void closing(void **state)
{
    (void)state;
    uint8_t out[256];
    size_t n = frame(out, 0x88, "", 0);
    assert_int_equal(feed(out, n, 1), WS_GOT_CLOSE);
    assert_int_equal(d.code, WS_NO_CODE);
    static const unsigned good[] = { 1000, 1001, 1011, 3000, 4999 };
    static const unsigned bad[] = { 0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535 };
    for (size_t i = 0; i < GH_COUNT(good); i++) {
        uint8_t p[4] = { (uint8_t)(good[i] >> 8), (uint8_t)good[i], 'o', 'k' };
        ws_decoder_clear(&d);
        ws_decoder_init(&d, 100);
        n = frame(out, 0x88, p, 4);
        assert_int_equal(feed(out, n, 100), WS_GOT_CLOSE);
        assert_int_equal(d.code, good[i]);
    }
    for (size_t i = 0; i < GH_COUNT(bad); i++) {
        uint8_t p[2] = { (uint8_t)(bad[i] >> 8), (uint8_t)bad[i] };
        n = frame(out, 0x88, p, 2);
        expect_fault(out, n, WS_PROTOCOL);
    }
    n = frame(out, 0x88, "\x03", 1);
    expect_fault(out, n, WS_PROTOCOL);
    n = frame(out, 0x88, "\x03\xe8\xff", 3);
    expect_fault(out, n, WS_NOT_UTF8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(the_example_of_the_rfc), T(lengths),      T(fragments_with_control_frames_between),
        T(what_must_not_be),       T(text_is_utf8), T(closing),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
