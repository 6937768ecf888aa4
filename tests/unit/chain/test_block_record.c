/* Block records: what is encoded is decoded, damage of any kind is refused, and the output hash is the one of spec 50 §1.6. */
#include "node/chain/block_record.h"

#include "node/base/hash.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/chain/record_maker.h"

#define CAP (4u << 20)

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init_growing(&arena, 1 << 16, 64 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static struct bytes encode(const struct block_record *r)
{
    struct buf b;
    struct err err;
    buf_init(&b, CAP);
    assert_true(block_record_encode(&b, r, &err));
    uint8_t *copy = arena_copy(&arena, b.p, b.len);
    size_t len = b.len;
    buf_clear(&b);
    assert_non_null(copy);
    return bytes_of(copy, len);
}

static void round_trip(void **state)
{
    (void)state;
    static const uint64_t numbers[] = { 0, 1, 2, 255, 256, 257, 1000000 };
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct block_record r = record_make(seed, numbers[seed % 7], &arena), back;
        struct bytes enc = encode(&r);
        struct err err;
        if (!block_record_decode(&back, enc, &arena, &err))
            fail_msg("seed %u: %s", (unsigned)seed, err.msg);
        record_assert_equal(&r, &back);
        /* canonical: the same bytes again */
        struct bytes again = encode(&back);
        assert_int_equal(again.len, enc.len);
        assert_memory_equal(again.p, enc.p, enc.len);
        struct b256 h = block_output_hash(&back);
        assert_memory_equal(h.b, r.output_hash.b, 32);
        arena_reset(&arena);
    }
}

/* Every prefix is refused, in words, and without reading behind the end (exact copies, for the sanitizer). */
static void every_truncation_fails(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct block_record r = record_make(seed, seed, &arena), back;
        struct bytes enc = encode(&r);
        for (size_t len = 0; len < enc.len; len++) {
            struct err err = { .kind = ERR_NONE };
            uint8_t *exact = malloc(len ? len : 1);
            assert_non_null(exact);
            memcpy(exact, enc.p, len);
            struct arena_mark mark = arena_save(&arena);
            if (block_record_decode(&back, bytes_of(exact, len), &arena, &err))
                fail_msg("seed %u: %zu of %zu bytes were accepted", (unsigned)seed, len, enc.len);
            assert_int_equal(err.kind, ERR_LOCAL);
            assert_non_null(strstr(err.msg, "damaged block record"));
            arena_restore(&arena, mark);
            free(exact);
        }
        arena_reset(&arena);
    }
}

static void more_bytes_fail(void **state)
{
    (void)state;
    struct block_record r = record_make(3, 3, &arena), back;
    struct bytes enc = encode(&r);
    uint8_t *longer = arena_alloc(&arena, enc.len + 1);
    struct err err;
    memcpy(longer, enc.p, enc.len);
    longer[enc.len] = 0;
    assert_false(block_record_decode(&back, bytes_of(longer, enc.len + 1), &arena, &err));
    assert_int_equal(err.kind, ERR_LOCAL);
}

static void another_version_is_named(void **state)
{
    (void)state;
    struct block_record r = record_make(3, 3, &arena), back;
    struct bytes enc = encode(&r);
    struct err err;
    uint8_t *copy = arena_copy(&arena, enc.p, enc.len);
    copy[0] = 2;
    assert_false(block_record_decode(&back, bytes_of(copy, enc.len), &arena, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_string_equal(err.msg, "block record has format 2, this binary reads 1");
}

/* A flipped byte gives an error, or another record that encodes to the flipped bytes: decoding has no second form. */
static void flips_never_alias(void **state)
{
    (void)state;
    for (uint64_t seed = 20; seed < 26; seed++) {
        struct block_record r = record_make(seed, 300, &arena);
        struct bytes enc = encode(&r);
        uint8_t *copy = malloc(enc.len);
        assert_non_null(copy);
        unsigned refused = 0;
        for (size_t i = 0; i < enc.len; i++) {
            uint64_t s = seed * 1000003 + i;
            struct block_record back;
            struct err err;
            struct arena_mark mark = arena_save(&arena);
            memcpy(copy, enc.p, enc.len);
            copy[i] ^= (uint8_t)(1 + test_random(&s) % 255);
            if (!block_record_decode(&back, bytes_of(copy, enc.len), &arena, &err)) {
                refused++;
            } else {
                struct bytes again = encode(&back);
                assert_int_equal(again.len, enc.len);
                assert_memory_equal(again.p, copy, enc.len);
            }
            arena_restore(&arena, mark);
        }
        assert_true(refused > 0);
        free(copy);
        arena_reset(&arena);
    }
}

/* A count that the input cannot hold asks for no memory. */
static void counts_are_bounded(void **state)
{
    (void)state;
    struct block_record r = record_make(1, 0, &arena), back;
    r.tx_cnt = 0;
    struct bytes enc = encode(&r);
    /* version, context without hashes, minor, id, timestamp, header part, two hashes */
    size_t at = 1 + 24 + 128 + 20 + 16 + 32 + 4 + 4 + 8 + 8 + 32 + 8 + 32 + 32 + 32;
    static const uint32_t counts[] = { 1, 1000, 1u << 22, 0x7fffffff, 0xffffffff };
    uint8_t small[4096];
    for (size_t i = 0; i < 5; i++) {
        uint8_t *copy = arena_copy(&arena, enc.p, enc.len);
        struct arena fixed;
        struct err err;
        assert_int_equal(load_be32(copy + at), 0);
        store_be32(copy + at, counts[i]);
        arena_init(&fixed, small, sizeof(small));
        assert_false(block_record_decode(&back, bytes_of(copy, enc.len), &fixed, &err));
    }
}

static void no_memory_is_not_damage(void **state)
{
    (void)state;
    struct block_record r = { 0 }, back;
    for (uint64_t seed = 1; r.tx_cnt == 0; seed++)
        r = record_make(seed, 7, &arena);
    struct bytes enc = encode(&r);
    uint8_t mem[64];
    struct arena tiny;
    struct err err;
    arena_init(&tiny, mem, sizeof(mem));
    assert_false(block_record_decode(&back, enc, &tiny, &err));
    assert_string_equal(err.msg, "out of memory while reading a block record");
}

static void too_large_is_refused(void **state)
{
    (void)state;
    struct block_record r = record_make(7, 7, &arena);
    struct buf b;
    struct err err;
    buf_init(&b, 100);
    assert_false(block_record_encode(&b, &r, &err));
    assert_string_equal(err.msg, "block record does not fit into 100 bytes");
    buf_clear(&b);
}

/* keccak(header hash || per transaction (success, gas as 8 bytes) || per write (flat key, value)), by hand. */
static void output_hash_by_hand(void **state)
{
    (void)state;
    struct block_record r = { 0 };
    struct block_tx txs[2] = { { .success = true, .gas_used = 21000 },
                               { .success = false, .gas_used = 0x0102030405060708 } };
    struct stf_diff d = { 0 };
    memset(r.block_hash.b, 0x11, 32);
    memset(d.flat_key.b, 0x22, 32);
    memset(d.new_value.b, 0x33, 32);
    r.txs = txs;
    r.tx_cnt = 2;
    r.diffs = &d;
    r.diff_cnt = 1;
    uint8_t raw[32 + 9 + 9 + 64];
    static const uint8_t middle[18] = {
        1, 0, 0, 0, 0, 0, 0, 0x52, 0x08, 0, 1, 2, 3, 4, 5, 6, 7, 8
    };
    memset(raw, 0x11, 32);
    memcpy(raw + 32, middle, 18);
    memset(raw + 50, 0x22, 32);
    memset(raw + 82, 0x33, 32);
    struct b256 want = keccak256(raw, sizeof(raw)), got = block_output_hash(&r);
    assert_memory_equal(got.b, want.b, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(every_truncation_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(more_bytes_fail, setup, teardown),
        cmocka_unit_test_setup_teardown(another_version_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(flips_never_alias, setup, teardown),
        cmocka_unit_test_setup_teardown(counts_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(no_memory_is_not_damage, setup, teardown),
        cmocka_unit_test_setup_teardown(too_large_is_refused, setup, teardown),
        cmocka_unit_test(output_hash_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
