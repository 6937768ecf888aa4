/* tests/unit/base/test_rlp.c */
#include "tests/unit/base/testing.h"

#include <stdio.h>

#include "node/base/hex.h"
#include "node/base/rlp.h"

static uint8_t input[1 << 17];

static struct rlp_reader reader_of_hex(const char *text)
{
    size_t n = 0;
    assert_true(hex_decode(input, sizeof(input), &n, text, strlen(text)));
    return rlp_reader_of(bytes_of(input, n));
}

/* The encodings of the yellow paper and of the Ethereum RLP test suite. */
static void known_encodings(void **state)
{
    (void)state;
    struct rlp_reader r = reader_of_hex("83646f67");
    struct bytes s = rlp_read_string(&r);
    assert_true(rlp_finish(&r) && s.len == 3);
    assert_memory_equal(s.p, "dog", 3);

    r = reader_of_hex("c88363617483646f67"); /* ["cat", "dog"] */
    assert_true(rlp_next_is_list(&r));
    struct rlp_reader l = rlp_read_list(&r);
    assert_true(rlp_finish(&r));
    s = rlp_read_string(&l);
    assert_memory_equal(s.p, "cat", 3);
    s = rlp_read_string(&l);
    assert_memory_equal(s.p, "dog", 3);
    assert_true(rlp_finish(&l));

    r = reader_of_hex("c7c0c1c0c3c0c1c0"); /* [ [], [[]], [ [], [[]] ] ] */
    l = rlp_read_list(&r);
    struct rlp_reader a = rlp_read_list(&l), b = rlp_read_list(&l), c = rlp_read_list(&l);
    assert_true(rlp_finish(&a) && rlp_finish(&l) && rlp_finish(&r));
    a = rlp_read_list(&b);
    assert_true(rlp_finish(&a) && rlp_finish(&b));
    struct bytes raw = rlp_read_raw(&c);
    assert_int_equal(raw.len, 1);
    raw = rlp_read_raw(&c);
    assert_int_equal(raw.len, 2);
    assert_true(rlp_finish(&c));

    r = reader_of_hex("820400");
    assert_int_equal(rlp_read_u64(&r), 1024);
    assert_true(rlp_finish(&r));
    r = reader_of_hex("80");
    assert_int_equal(rlp_read_u64(&r), 0);
    assert_true(rlp_finish(&r));
    r = reader_of_hex("7f");
    assert_int_equal(rlp_read_u64(&r), 127);
    assert_true(rlp_finish(&r));
    r = reader_of_hex("88ffffffffffffffff");
    assert_true(rlp_read_u64(&r) == UINT64_MAX);
    assert_true(rlp_finish(&r));
}

enum want { AS_STRING, AS_LIST, AS_U64, AS_U256, AS_FIXED4, AS_RAW };

static bool reads(enum want want, const char *text)
{
    struct rlp_reader r = reader_of_hex(text);
    uint8_t fixed[4];
    switch (want) {
    case AS_STRING:
        (void)rlp_read_string(&r);
        break;
    case AS_LIST: {
        struct rlp_reader l = rlp_read_list(&r);
        return rlp_finish(&r) && l.ok;
    }
    case AS_U64:
        (void)rlp_read_u64(&r);
        break;
    case AS_U256:
        (void)rlp_read_u256(&r);
        break;
    case AS_FIXED4:
        rlp_read_fixed(&r, fixed, 4);
        break;
    case AS_RAW:
        (void)rlp_read_raw(&r);
        break;
    }
    return rlp_finish(&r);
}

static void refuses_what_is_not_canonical(void **state)
{
    (void)state;
    static const struct {
        enum want want;
        const char *text;
    } bad[] = {
        { AS_STRING, "" },     /* nothing there */
        { AS_STRING, "8100" }, /* a byte below 0x80 stands for itself */
        { AS_STRING, "817f" },
        { AS_RAW, "817f" },
        { AS_STRING, "83646f" }, /* cut short */
        { AS_STRING, "b8" },
        { AS_STRING, "b837" },
        { AS_STRING, "b800" }, /* long form, length 0 */
        { AS_STRING, "b90000" },
        { AS_STRING, "b90001ff" },
        { AS_STRING, "bfffffffffffffffff" }, /* length far over the input */
        { AS_STRING, "bf7fffffffffffffff" },
        { AS_RAW, "ff8000000000000000" },
        { AS_STRING, "bf000000000000003800" }, /* leading zero in the length */
        { AS_STRING, "c0" },                   /* a list is no string */
        { AS_LIST, "80" },
        { AS_LIST, "f8" },
        { AS_LIST, "f800" },
        { AS_LIST, "c1" },
        { AS_LIST, "f90001c0" },
        { AS_LIST, "00" },
        { AS_STRING, "8080" },              /* trailing byte */
        { AS_U64, "00" },                   /* zero is the empty string */
        { AS_U64, "820001" },               /* leading zero */
        { AS_U64, "89010000000000000000" }, /* nine bytes */
        { AS_U64, "c0" },
        { AS_U256, "00" },
        { AS_U256, "820080" },
        { AS_U256, "a1010000000000000000000000000000000000000000000000000000000000000000" },
        { AS_FIXED4, "8301020304" },
        { AS_FIXED4, "83010203" },
        { AS_FIXED4, "850102030405" },
        { AS_FIXED4, "c401020304" },
    };
    for (size_t i = 0; i < GH_COUNT(bad); i++) {
        if (reads(bad[i].want, bad[i].text)) {
            print_error("accepted %s\n", bad[i].text);
            fail();
        }
    }
    static const struct {
        enum want want;
        const char *text;
    } good[] = {
        { AS_STRING, "8180" }, { AS_STRING, "00" },         { AS_STRING, "80" },
        { AS_LIST, "c0" },     { AS_FIXED4, "8401020304" }, { AS_FIXED4, "8400000000" },
        { AS_RAW, "c180" },    { AS_U256, "8180" },
    };
    for (size_t i = 0; i < GH_COUNT(good); i++) {
        if (!reads(good[i].want, good[i].text)) {
            print_error("refused %s\n", good[i].text);
            fail();
        }
    }
}

/* 55 bytes have a short header, 56 a long one; a long header for 55 bytes is refused. */
static void header_boundary(void **state)
{
    (void)state;
    uint8_t in[60] = { 0xb8, 55 };
    struct rlp_reader r = rlp_reader_of(bytes_of(in, 57));
    (void)rlp_read_string(&r);
    assert_false(rlp_finish(&r));
    in[1] = 56;
    r = rlp_reader_of(bytes_of(in, 58));
    assert_int_equal(rlp_read_string(&r).len, 56);
    assert_true(rlp_finish(&r));
    in[0] = 0xf8;
    in[1] = 55;
    r = rlp_reader_of(bytes_of(in, 57));
    (void)rlp_read_list(&r);
    assert_false(rlp_finish(&r));
}

static void the_first_fault_sticks(void **state)
{
    (void)state;
    struct rlp_reader r = reader_of_hex("c005830102");
    uint8_t fixed[3] = { 1, 2, 3 };
    assert_int_equal(rlp_read_u64(&r), 0); /* a list */
    assert_false(r.ok);
    assert_int_equal(rlp_read_u64(&r), 0);
    assert_int_equal(rlp_read_string(&r).len, 0);
    assert_int_equal(rlp_read_raw(&r).len, 0);
    assert_false(rlp_next_is_list(&r));
    struct u256 v = rlp_read_u256(&r);
    assert_true(u256_is_zero(&v));
    rlp_read_fixed(&r, fixed, 3);
    assert_int_equal(fixed[0] | fixed[1] | fixed[2], 0);
    struct rlp_reader l = rlp_read_list(&r);
    assert_false(l.ok);
    assert_true(rlp_at_end(&l));
    assert_false(rlp_finish(&l));
    assert_false(rlp_finish(&r));
}

static void empty_inputs(void **state)
{
    (void)state;
    struct rlp_reader r = rlp_reader_of(bytes_of(NULL, 0));
    assert_true(rlp_at_end(&r) && rlp_finish(&r));
    assert_false(rlp_next_is_list(&r));
    (void)rlp_read_string(&r);
    assert_false(rlp_finish(&r));
    assert_int_equal(rlp_write_string(NULL, bytes_of(NULL, 0)), 1);
}

/* Writes a random tree and reads it back, item by item. The plan repeats through the seed. */
static size_t write_tree(uint8_t *out, uint64_t *rng, int depth);

static size_t write_item(uint8_t *out, uint64_t *rng, int depth)
{
    uint64_t kind = test_random(rng) % (depth ? 5 : 3);
    if (kind == 0)
        return rlp_write_u64(out, test_random(rng) >> (test_random(rng) % 65 % 64));
    if (kind == 1) {
        struct u256 v = { { test_random(rng), test_random(rng), test_random(rng),
                            test_random(rng) } };
        v = u256_shr(&v, (unsigned)(test_random(rng) % 257));
        size_t n = rlp_write_u256(out, &v);
        assert_int_equal(n, rlp_u256_size(&v));
        return n;
    }
    if (kind == 2) {
        static uint8_t text[700];
        size_t len = test_random(rng) % (test_random(rng) % 4 ? 60 : 700);
        uint8_t fill = (uint8_t)test_random(rng);
        memset(text, fill, sizeof(text));
        size_t n = rlp_write_string(out, bytes_of(text, len));
        assert_int_equal(n, rlp_string_size(bytes_of(text, len)));
        return n;
    }
    return write_tree(out, rng, depth - 1);
}

static size_t write_tree(uint8_t *out, uint64_t *rng, int depth)
{
    uint64_t count = test_random(rng) % 6, again = *rng;
    size_t payload = 0;
    for (uint64_t i = 0; i < count; i++)
        payload += write_item(NULL, &again, depth);
    size_t n = rlp_write_list_header(out, payload);
    assert_int_equal(n + payload, rlp_list_size(payload));
    for (uint64_t i = 0; i < count; i++)
        n += write_item(out ? out + n : NULL, rng, depth);
    return n;
}

/* Reads any canonical item and writes it again; returns the size. */
static size_t rewrite(uint8_t *out, struct rlp_reader *r)
{
    if (!rlp_next_is_list(r))
        return rlp_write_string(out, rlp_read_string(r));
    struct rlp_reader l = rlp_read_list(r);
    struct rlp_reader measure = l;
    size_t payload = 0;
    while (measure.ok && !rlp_at_end(&measure))
        payload += rewrite(NULL, &measure);
    size_t n = rlp_write_list_header(out, payload);
    while (l.ok && !rlp_at_end(&l))
        n += rewrite(out ? out + n : NULL, &l);
    assert_true(rlp_finish(&l));
    return n;
}

static void trees_round_trip(void **state)
{
    (void)state;
    static uint8_t first[1 << 20], second[1 << 20];
    for (uint64_t seed = 0; seed < 400; seed++) {
        uint64_t rng = seed, again = seed;
        size_t measured = write_tree(NULL, &rng, 3);
        assert_true(measured < sizeof(first) - 1);
        first[measured] = 0x5a;
        assert_int_equal(write_tree(first, &again, 3), measured);
        assert_int_equal(first[measured], 0x5a);
        struct rlp_reader r = rlp_reader_of(bytes_of(first, measured));
        assert_int_equal(rewrite(second, &r), measured);
        assert_true(rlp_finish(&r));
        assert_memory_equal(first, second, measured);
    }
}

static void integers_round_trip(void **state)
{
    (void)state;
    uint64_t rng = 9;
    for (unsigned bits = 0; bits <= 256; bits++) {
        uint8_t out[40];
        struct u256 v = { { test_random(&rng), test_random(&rng), test_random(&rng),
                            test_random(&rng) } };
        v = u256_shr(&v, 256 - bits);
        size_t n = rlp_write_u256(out, &v);
        assert_int_equal(n, rlp_u256_size(&v));
        struct rlp_reader r = rlp_reader_of(bytes_of(out, n));
        struct u256 back = rlp_read_u256(&r);
        assert_true(rlp_finish(&r) && u256_eq(&back, &v));
        r = rlp_reader_of(bytes_of(out, n));
        uint64_t small = rlp_read_u64(&r);
        assert_int_equal(rlp_finish(&r), u256_fits_u64(&v));
        assert_true(small == (u256_fits_u64(&v) ? v.w[0] : 0));
        n = rlp_write_u64(out, v.w[0]);
        assert_int_equal(n, rlp_u64_size(v.w[0]));
        r = rlp_reader_of(bytes_of(out, n));
        assert_true(rlp_read_u64(&r) == v.w[0] && rlp_finish(&r));
    }
}

static void long_strings(void **state)
{
    (void)state;
    static uint8_t text[70000], out[70010];
    static const size_t lens[] = { 54, 55, 56, 57, 255, 256, 65535, 65536, 70000 };
    for (size_t i = 0; i < GH_COUNT(lens); i++) {
        struct bytes s = bytes_of(text, lens[i]);
        size_t n = rlp_write_string(out, s);
        assert_int_equal(n, lens[i] + (lens[i] < 56      ? 1
                                       : lens[i] < 256   ? 2
                                       : lens[i] < 65536 ? 3
                                                         : 4));
        struct rlp_reader r = rlp_reader_of(bytes_of(out, n));
        assert_true(bytes_eq(rlp_read_string(&r), s));
        assert_true(rlp_finish(&r));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_encodings),     cmocka_unit_test(refuses_what_is_not_canonical),
        cmocka_unit_test(header_boundary),     cmocka_unit_test(the_first_fault_sticks),
        cmocka_unit_test(empty_inputs),        cmocka_unit_test(trees_round_trip),
        cmocka_unit_test(integers_round_trip), cmocka_unit_test(long_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
