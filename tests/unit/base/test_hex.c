/* tests/unit/base/test_hex.c */
#include "tests/unit/base/testing.h"

#include <inttypes.h>
#include <stdio.h>

#include "node/base/hex.h"

static void bytes_round_trip(void **state)
{
    (void)state;
    uint64_t rng = 3;
    for (size_t len = 0; len <= 70; len++) {
        uint8_t in[70], out[71];
        char text[143];
        size_t n = 0;
        test_random_bytes(&rng, in, sizeof(in));
        assert_int_equal(hex_encode(text, in, len), 2 * len);
        assert_int_equal(strlen(text), 2 * len);
        assert_true(hex_decode(out, len, &n, text, 2 * len));
        assert_int_equal(n, len);
        assert_memory_equal(in, out, len);
        assert_int_equal(hex_encode0x(text, in, len), 2 * len + 2);
        assert_memory_equal(text, "0x", 2);
        memset(out, 0xaa, sizeof(out));
        assert_true(hex_decode_exact(out, len, text, 2 * len + 2));
        assert_memory_equal(in, out, len);
        assert_int_equal(out[len], 0xaa);
        if (len) {
            assert_false(hex_decode(out, len - 1, &n, text, 2 * len + 2));
            assert_false(hex_decode_exact(out, len - 1, text, 2 * len + 2));
        }
        assert_false(hex_decode_exact(out, len + 1, text, 2 * len + 2));
        assert_false(hex_decode(out, len + 1, &n, text, 2 * len + 1));
    }
}

static void every_character(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char text[2] = { '7', (char)c };
        uint8_t out;
        bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        assert_int_equal(hex_decode_exact(&out, 1, text, 2), digit);
        if (digit) {
            char value[2] = { (char)c, 0 };
            assert_int_equal(out, 0x70 + strtol(value, NULL, 16));
        }
        text[0] = (char)c;
        text[1] = '7';
        assert_int_equal(hex_decode_exact(&out, 1, text, 2), digit);
    }
}

static void prefixes(void **state)
{
    (void)state;
    uint8_t out[4];
    size_t n = 9;
    assert_true(hex_decode(out, 0, &n, "0x", 2));
    assert_int_equal(n, 0);
    assert_true(hex_decode(out, 0, &n, "", 0));
    assert_false(hex_decode(out, 4, &n, "0X12", 4));
    assert_false(hex_decode(out, 4, &n, "0x0x12", 6));
    assert_false(hex_decode(out, 4, &n, "0x1", 3));
    assert_false(hex_decode(out, 4, &n, "0", 1));
    assert_true(hex_decode_exact(out, 2, "AbCd", 4));
    assert_int_equal(out[0], 0xab);
    assert_int_equal(out[1], 0xcd);
}

static void quantities_round_trip(void **state)
{
    (void)state;
    uint64_t rng = 5;
    for (unsigned bits = 0; bits <= 256; bits++) {
        struct u256 v, back;
        for (int i = 0; i < 4; i++)
            v.w[i] = test_random(&rng);
        v = u256_shr(&v, 256 - bits);
        char text[67];
        size_t n = hex_quantity_u256(text, &v);
        assert_int_equal(n, strlen(text));
        assert_true(n >= 3 && (n == 3 || text[2] != '0'));
        assert_true(hex_parse_quantity(&back, text, n, false));
        assert_true(u256_eq(&back, &v));
        char expected[24];
        n = hex_quantity_u64(text, v.w[0]);
        snprintf(expected, sizeof(expected), "0x%" PRIx64, v.w[0]);
        assert_string_equal(text, expected);
        assert_int_equal(n, strlen(expected));
    }
}

static void quantities_are_strict(void **state)
{
    (void)state;
    struct u256 v;
    static const char *const bad[] = { "",    "0",    "0x",   "1f",   "0X1",
                                       "0xg", "0x 1", "0x1 ", "-0x1", "0x-1" };
    for (size_t i = 0; i < GH_COUNT(bad); i++) {
        assert_false(hex_parse_quantity(&v, bad[i], strlen(bad[i]), false));
        assert_false(hex_parse_quantity(&v, bad[i], strlen(bad[i]), true));
    }
    assert_true(hex_parse_quantity(&v, "0x0", 3, false));
    assert_true(u256_is_zero(&v));
    assert_false(hex_parse_quantity(&v, "0x00", 4, false));
    assert_false(hex_parse_quantity(&v, "0x01f", 5, false));
    assert_true(hex_parse_quantity(&v, "0x00", 4, true));
    assert_true(u256_is_zero(&v));
    assert_true(hex_parse_quantity(&v, "0x01F", 5, true));
    assert_int_equal(v.w[0], 0x1f);

    char text[80] = "0x";
    memset(text + 2, 'f', 70);
    assert_true(hex_parse_quantity(&v, text, 66, false));
    assert_true(u256_eq(&v, &U256_MAX));
    assert_false(hex_parse_quantity(&v, text, 67, false));
    memset(text + 2, '0', 5);
    assert_true(hex_parse_quantity(&v, text, 66 + 5, true));
    assert_true(u256_eq(&v, &U256_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_round_trip),
        cmocka_unit_test(every_character),
        cmocka_unit_test(prefixes),
        cmocka_unit_test(quantities_round_trip),
        cmocka_unit_test(quantities_are_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
