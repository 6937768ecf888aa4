/* Every shape the generator knows: the examples of the Solidity documentation, and round trips. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "contracts-abi/codec.h"
#include "contracts-abi/gen/test_samples.h"
#include "node/base/hex.h"

static struct arena arena;
static struct buf out;

static int setup(void **state)
{
    (void)state;
    arena_init_growing(&arena, 1 << 16, 1 << 24);
    buf_init(&out, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_clear(&arena);
    buf_clear(&out);
    return 0;
}

static void check_out_is(const char *selector, const char *const *words, size_t cnt)
{
    uint8_t w[32];
    assert_false(out.failed);
    assert_int_equal(out.len, 4 + 32 * cnt);
    assert_true(hex_decode_exact(w, 4, selector, 8));
    assert_memory_equal(out.p, w, 4);
    for (size_t i = 0; i < cnt; i++) {
        /* short words: numbers are written without leading, texts without trailing zeros */
        uint8_t full[32] = { 0 };
        size_t len = 0;
        bool is_text = words[i][0] == '<';
        const char *s = words[i] + (is_text ? 1 : 0);
        assert_true(hex_decode(w, sizeof w, &len, s, strlen(s)));
        memcpy(full + (is_text ? 0 : 32 - len), w, len);
        assert_memory_equal(out.p + 4 + 32 * i, full, 32);
    }
}

static struct bytes text(const char *s)
{
    return bytes_of(s, strlen(s));
}

static void solidity_documentation_sam(void **state)
{
    (void)state;
    static const char *const words[] = {
        "60", "01", "a0", "04", "<64617665", "03", "01", "02", "03"
    };
    const struct u256 numbers[] = { { { 1, 0, 0, 0 } }, { { 2, 0, 0, 0 } }, { { 3, 0, 0, 0 } } };
    struct abi_test_sam_call c = { .name = text("dave"), .flag = true, .numbers = { numbers, 3 } };
    buf_reset(&out);
    assert_true(abi_test_encode_sam_call(&out, &c));
    check_out_is("a5643bf2", words, GH_COUNT(words));
}

static void solidity_documentation_f(void **state)
{
    (void)state;
    static const char *const words[] = { "0123", "80", "<31323334353637383930",
                                         "e0",   "02", "0456",
                                         "0789", "0d", "<48656c6c6f2c20776f726c6421" };
    const uint64_t b[] = { 0x456, 0x789 };
    struct abi_test_f_call c = { .a = u256_of_u64(0x123),
                                 .b = { b, 2 },
                                 .d = text("Hello, world!") };
    memcpy(c.c.b, "1234567890", 10);
    buf_reset(&out);
    assert_true(abi_test_encode_f_call(&out, &c));
    check_out_is("8be65246", words, GH_COUNT(words));
    struct abi_test_f_call back;
    assert_true(abi_test_decode_f_call(bytes_of(out.p, out.len), &back, &arena, NULL));
    assert_int_equal(back.b.cnt, 2);
    assert_int_equal(back.b.items[1], 0x789);
    assert_memory_equal(back.c.b, "1234567890", 10);
    assert_true(bytes_eq(back.d, c.d));
}

static void solidity_documentation_g(void **state)
{
    (void)state;
    static const char *const words[] = { "40", "0140",    "02", "40",      "a0", "02",         "01",
                                         "02", "01",      "03", "03",      "60", "a0",         "e0",
                                         "03", "<6f6e65", "03", "<74776f", "05", "<7468726565" };
    const struct u256 one_two[] = { { { 1, 0, 0, 0 } }, { { 2, 0, 0, 0 } } },
                      three[] = { { { 3, 0, 0, 0 } } };
    const struct abi_u256_list lists[] = { { one_two, 2 }, { three, 1 } };
    const struct bytes strings[] = { text("one"), text("two"), text("three") };
    struct abi_test_g_call c = { .a = { lists, 2 }, .b = { strings, 3 } };
    buf_reset(&out);
    assert_true(abi_test_encode_g_call(&out, &c));
    check_out_is("2289b18c", words, GH_COUNT(words));
}

static const struct abi_test_point path_a[] = { { 1, -1 }, { INT32_MAX, INT32_MIN } },
                                   path_b[] = { { 7, 8 } };
static const struct abi_test_point_list paths[] = { { path_a, 2 }, { NULL, 0 }, { path_b, 1 } };
static const struct abi_bytes8 keys[] = { { { 1, 2, 3, 4, 5, 6, 7, 8 } } };
static const int64_t levels[] = { -32768, 32767, 0 };

static struct abi_test_mixed mixed(void)
{
    struct abi_test_mixed m = {
        .corners = { { -1, 2 }, { 3, -4 } },
        .title = text("a title that is longer than thirty-two bytes"),
        .grid = { { 1, 2, 3 }, { 65535, 0, 6 } },
        .parts = { text("x"), { NULL, 0 } },
        .paths = { paths, 3 },
        .state = { .on = true, .keys = { keys, 1 } },
        .default_ = { levels, 3 },
    };
    return m;
}

static void check_mixed(const struct abi_test_mixed *m)
{
    assert_int_equal(m->corners[0].x, -1);
    assert_int_equal(m->corners[1].y, -4);
    assert_int_equal(m->grid[1][0], 65535);
    assert_int_equal(m->grid[0][2], 3);
    assert_true(bytes_eq(m->parts[0], text("x")));
    assert_int_equal(m->parts[1].len, 0);
    assert_int_equal(m->paths.cnt, 3);
    assert_int_equal(m->paths.items[0].items[1].y, INT32_MIN);
    assert_int_equal(m->paths.items[1].cnt, 0);
    assert_int_equal(m->paths.items[2].items[0].x, 7);
    assert_true(m->state.on);
    assert_memory_equal(m->state.keys.items[0].b, keys[0].b, 8);
    assert_int_equal(m->default_.items[0], -32768);
}

static struct abi_test_words words_of(bool negative)
{
    struct abi_test_words w = {
        .a = 255,
        .b = UINT64_MAX,
        .c = { { UINT64_MAX, 0xff, 0, 0 } },
        .d = U256_MAX,
        .e = negative ? -128 : 127,
        .f = negative ? INT64_MIN : INT64_MAX,
        .g = { { 5, 0x7f, 0, 0 } },
        .h = U256_ONE,
        .i = true,
        .j = addr_of_u32(0x8008),
        .k = { { 0xaa } },
        .m = b256_of_u64(7),
    };
    if (negative) {
        w.g = (struct u256){ { 0, ~(uint64_t)0x7f, UINT64_MAX, UINT64_MAX } }; /* -2^71 */
        w.h = U256_MAX;
    }
    memset(w.l.b, 0x5c, sizeof w.l.b);
    return w;
}

static void every_shape_survives_a_round_trip(void **state)
{
    (void)state;
    for (int negative = 0; negative < 2; negative++) {
        struct abi_test_pair p = { .mixed = mixed(), .words = words_of(negative == 1) }, back;
        struct err err;
        buf_reset(&out);
        assert_true(abi_test_encode_pair(&out, &p));
        if (!abi_test_decode_pair(bytes_of(out.p, out.len), &back, &arena, &err))
            fail_msg("%s", err.msg);
        check_mixed(&back.mixed);
        assert_memory_equal(&back.words.g, &p.words.g, sizeof p.words.g);
        assert_memory_equal(&back.words.h, &p.words.h, sizeof p.words.h);
        assert_int_equal(back.words.e, p.words.e);
        assert_int_equal(back.words.f, p.words.f);
        assert_memory_equal(back.words.l.b, p.words.l.b, 31);
        struct buf again;
        buf_init(&again, 1 << 20);
        assert_true(abi_test_encode_pair(&again, &back));
        assert_int_equal(again.len, out.len);
        assert_memory_equal(again.p, out.p, out.len);
        buf_clear(&again);
    }
}

static void dynamic_struct_has_an_offset_word_in_front(void **state)
{
    (void)state;
    struct abi_test_mixed m = mixed(), back;
    buf_reset(&out);
    assert_true(abi_test_encode_mixed(&out, &m));
    size_t len = out.len;
    assert_int_equal(out.p[31], 0x20);
    assert_true(abi_test_decode_mixed(bytes_of(out.p, len), &back, &arena, NULL));
    check_mixed(&back);
    assert_true(abi_test_decode_mixed_body(bytes_of(out.p + 32, len - 32), &back, &arena, NULL));
    check_mixed(&back);
    buf_reset(&out);
    assert_true(abi_test_encode_mixed_body(&out, &m));
    assert_int_equal(out.len, len - 32);
}

static void events_carry_topics_and_data(void **state)
{
    (void)state;
    struct abi_test_seen e = {
        .who = addr_of_u32(5), .mixed = mixed(), .title = b256_of_u64(99), .level = -2
    };
    struct abi_test_seen back;
    struct abi_log_parts parts = { .data = &out };
    struct err err;
    buf_reset(&out);
    assert_true(abi_test_encode_seen(&parts, &e));
    assert_int_equal(parts.topic_cnt, 4);
    struct abi_log_view log = { parts.topics, parts.topic_cnt, bytes_of(out.p, out.len) };
    assert_true(abi_test_decode_seen(&log, &back, &arena, &err));
    assert_true(addr_eq(&back.who, &e.who));
    assert_true(b256_eq(&back.title, &e.title));
    assert_int_equal(back.level, -2);
    check_mixed(&back.mixed);

    log.topic_cnt = 3;
    assert_false(abi_test_decode_seen(&log, &back, &arena, &err));
    assert_non_null(strstr(err.msg, "3 topics instead of 4"));
    log.topic_cnt = 4;
    parts.topics[1].b[0] = 1; /* an address with dirty high bytes */
    assert_false(abi_test_decode_seen(&log, &back, &arena, &err));
    assert_true(addr_is_zero(&back.who));
    parts.topics[0].b[0] ^= 1;
    assert_false(abi_test_decode_seen(&log, &back, &arena, &err));
    assert_non_null(strstr(err.msg, "another event"));
}

static void encoder_refuses_values_outside_their_type(void **state)
{
    (void)state;
    struct abi_test_words w = words_of(false);
    w.a = 256;
    buf_reset(&out);
    assert_false(abi_test_encode_words(&out, &w));
    assert_true(out.failed);
    w = words_of(false);
    w.e = 128;
    buf_reset(&out);
    assert_false(abi_test_encode_words(&out, &w));
    w = words_of(false);
    w.c.w[1] = 0x100;
    buf_reset(&out);
    assert_false(abi_test_encode_words(&out, &w));
    w = words_of(false);
    w.g.w[1] = 0x80; /* +2^71 does not fit int72 */
    buf_reset(&out);
    assert_false(abi_test_encode_words(&out, &w));
    w = words_of(false);
    buf_reset(&out);
    assert_true(abi_test_encode_words(&out, &w));
}

static void encoder_stops_at_a_full_buffer(void **state)
{
    (void)state;
    struct abi_test_pair p = { .mixed = mixed(), .words = words_of(false) };
    buf_reset(&out);
    assert_true(abi_test_encode_pair(&out, &p));
    size_t need = out.len;
    for (size_t max = 0; max < need; max += 17) {
        struct buf small;
        buf_init(&small, max);
        assert_false(abi_test_encode_pair(&small, &p));
        assert_true(small.failed);
        buf_clear(&small);
    }
}

static void returns_are_parameter_lists(void **state)
{
    (void)state;
    struct abi_test_over_address_return r = { .ok = true, .at = { 3, -3 } }, back;
    buf_reset(&out);
    assert_true(abi_test_encode_over_address_return(&out, &r));
    assert_int_equal(out.len, 96);
    assert_true(abi_test_decode_over_address_return(bytes_of(out.p, out.len), &back, NULL, NULL));
    assert_int_equal(back.at.y, -3);
    struct abi_test_over_return one;
    struct err err;
    assert_true(abi_test_decode_over_return(bytes_of(out.p, 32), &one, NULL, &err));
    assert_int_equal(one.value.w[0], 1);
    /* what a call to an address without code returns */
    assert_false(abi_test_decode_over_return(bytes_of(NULL, 0), &one, NULL, &err));
    assert_non_null(strstr(err.msg, "over result: input ends early"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(solidity_documentation_sam),
        cmocka_unit_test(solidity_documentation_f),
        cmocka_unit_test(solidity_documentation_g),
        cmocka_unit_test(every_shape_survives_a_round_trip),
        cmocka_unit_test(dynamic_struct_has_an_offset_word_in_front),
        cmocka_unit_test(events_carry_topics_and_data),
        cmocka_unit_test(encoder_refuses_values_outside_their_type),
        cmocka_unit_test(encoder_stops_at_a_full_buffer),
        cmocka_unit_test(returns_are_parameter_lists),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
