/* Proofs of ranges into the verifier's words. The points are the generator (1, 2) and its double, as EIP-196 gives them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "node/base/hex.h"
#include "settlement/prover/snark_words.h"

static const char doubled[] = "030644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd3"
                              "15ed738c0e0a7c92e7845f96b2ae9c0a68a6a449e3538fc7ff3ebf7a5a18a2c4";
static const char order[] = "30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001";

static struct u256 words[SNARK_WORDS_MAX];
static size_t cnt;
static enum snark_kind kind;
static char reason[160];
static const struct b256 folded = { { 0, 0, 0, 0, 9 } };

static void make(uint8_t p[SNARK_PLONK_LEN])
{
    memset(p, 0, SNARK_PLONK_LEN);
    for (size_t i = 0; i < SNARK_PLONK_WORDS; i++) {
        if (i >= 22 && i < 40)
            p[32 * i + 31] = (uint8_t)i;
        else if (i % 4 < 2)
            p[32 * i + 31] = i % 2 ? 2 : 1;
        else if (i % 4 == 2)
            assert_true(hex_decode_exact(p + 32 * i, 64, doubled, 128));
    }
}

static bool take(const uint8_t *p, size_t len, uint32_t slot)
{
    return snark_words(words, &cnt, &kind, bytes_of(p, len), &folded, slot, reason);
}

static void a_plonk_proof_becomes_46_words(void **state)
{
    (void)state;
    uint8_t p[SNARK_PLONK_LEN];
    make(p);
    assert_true(take(p, sizeof(p), 0));
    assert_int_equal(kind, SNARK_PLONK);
    assert_int_equal(cnt, 46);
    assert_int_equal(words[0].w[0], 2);
    assert_true(u256_is_zero(&words[1]));
    for (size_t i = 0; i < SNARK_PLONK_WORDS; i++) {
        uint8_t back[32];
        u256_to_be32(back, &words[2 + i]);
        assert_memory_equal(back, p + 32 * i, 32);
    }
    assert_true(take(p, sizeof(p), 6));
    assert_int_equal(words[0].w[0], 0x602);
}

static void points_off_the_curve_and_large_scalars_are_named(void **state)
{
    (void)state;
    uint8_t p[SNARK_PLONK_LEN];
    for (size_t i = 0; i < SNARK_PLONK_WORDS; i++) {
        make(p);
        if (i >= 22 && i < 40)
            assert_true(hex_decode_exact(p + 32 * i, 32, order, 64));
        else
            p[32 * i + 31] ^= 1;
        assert_false(take(p, sizeof(p), 0));
        assert_true(strlen(reason) > 10);
    }
    make(p);
    memset(p, 0, 64); /* infinity is no commitment */
    assert_false(take(p, sizeof(p), 0));
}

static void a_mock_proof_must_be_that_of_the_range(void **state)
{
    (void)state;
    uint8_t p[SNARK_MOCK_LEN] = { 0 };
    p[31] = 3;
    p[95] = 13;
    memcpy(p + 96, folded.b, 32);
    assert_true(take(p, sizeof(p), 6));
    assert_int_equal(kind, SNARK_MOCK);
    assert_int_equal(cnt, 4);
    for (size_t i = 31; i < sizeof(p); i += 32) {
        p[i] ^= 1;
        assert_false(take(p, sizeof(p), 0));
        p[i] ^= 1;
    }
}

static void other_lengths_are_refused(void **state)
{
    (void)state;
    static uint8_t p[2000];
    for (size_t len = 0; len < sizeof(p); len++)
        if (len != SNARK_MOCK_LEN && len != SNARK_PLONK_LEN)
            assert_false(take(p, len, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plonk_proof_becomes_46_words),
        cmocka_unit_test(points_off_the_curve_and_large_scalars_are_named),
        cmocka_unit_test(a_mock_proof_must_be_that_of_the_range),
        cmocka_unit_test(other_lengths_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
