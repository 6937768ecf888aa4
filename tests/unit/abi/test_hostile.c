/* Data somebody else wrote: every fault is an error, nothing is read outside the input, and memory
 * stays under the arena's limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "contracts-abi/codec.h"
#include "contracts-abi/gen/executor.h"
#include "contracts-abi/gen/getters.h"
#include "contracts-abi/gen/interop.h"

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init_growing(&arena, 1 << 16, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static void put_word(uint8_t *p, size_t index, uint64_t v)
{
    struct b256 w = b256_of_u64(v);
    memcpy(p + 32 * index, w.b, 32);
}

/* (uint256[] proof) of ProveData is word 10; a small valid example: no batches, no proof words. */
enum { PROVE_WORDS = 13 };
static void prove_example(uint8_t p[32 * PROVE_WORDS])
{
    memset(p, 0, 32 * PROVE_WORDS);
    put_word(p, 9, 32 * 11);  /* batches */
    put_word(p, 10, 32 * 12); /* proof */
}

static bool decode_prove(const uint8_t *p, size_t len, struct err *err)
{
    /* exact copy, so that a sanitizer sees a read behind the end */
    uint8_t *exact = malloc(len ? len : 1);
    assert_non_null(exact);
    memcpy(exact, p, len);
    struct abi_v31_prove_data d, zero;
    bool ok = abi_v31_decode_prove_data(bytes_of(exact, len), &d, &arena, err);
    memset(&zero, 0, sizeof zero);
    if (!ok) {
        assert_int_equal(err->kind, ERR_INVALID);
        assert_memory_equal(&d, &zero, sizeof d);
    }
    free(exact);
    arena_reset(&arena);
    return ok;
}

static void every_truncation_is_an_error(void **state)
{
    (void)state;
    uint8_t p[32 * PROVE_WORDS];
    struct err err;
    prove_example(p);
    assert_true(decode_prove(p, sizeof p, &err));
    for (size_t len = 0; len < sizeof p; len++)
        assert_false(decode_prove(p, len, &err));
}

static void wild_offsets_are_errors(void **state)
{
    (void)state;
    static const uint64_t wild[] = { 32 * PROVE_WORDS, 32 * PROVE_WORDS - 31, UINT64_MAX,
                                     UINT64_MAX - 31,  (uint64_t)1 << 63,     UINT32_MAX };
    uint8_t p[32 * PROVE_WORDS];
    struct err err;
    for (size_t i = 0; i < GH_COUNT(wild); i++) {
        prove_example(p);
        put_word(p, 9, wild[i]);
        assert_false(decode_prove(p, sizeof p, &err));
    }
    prove_example(p);
    memset(p + 32 * 9, 0xff, 32); /* 2^256 - 1 */
    assert_false(decode_prove(p, sizeof p, &err));
    assert_non_null(strstr(err.msg, "offset points outside the input (at byte 288"));
    prove_example(p);
    p[32 * 9] = 1; /* 2^248 + a good offset */
    assert_false(decode_prove(p, sizeof p, &err));
}

static void wild_counts_are_errors(void **state)
{
    (void)state;
    static const uint64_t wild[] = {
        1, 2, UINT64_MAX, UINT64_MAX / 32, UINT64_MAX / 288 + 1, UINT32_MAX
    };
    uint8_t p[32 * PROVE_WORDS];
    struct err err;
    for (size_t i = 0; i < GH_COUNT(wild); i++) {
        prove_example(p);
        put_word(p, 11, wild[i]); /* batches need 288 bytes each, 32 are there */
        assert_false(decode_prove(p, sizeof p, &err));
        assert_non_null(strstr(err.msg, "length is more than the input holds"));
        prove_example(p);
        put_word(p, 12, wild[i]); /* proof words behind the end */
        assert_false(decode_prove(p, sizeof p, &err));
    }
    prove_example(p);
    memset(p + 32 * 12, 0xff, 32);
    assert_false(decode_prove(p, sizeof p, &err));
}

static void layouts_solidity_accepts_are_accepted(void **state)
{
    (void)state;
    uint8_t p[32 * (PROVE_WORDS + 2)];
    struct err err;
    memset(p, 0, sizeof p);
    prove_example(p);
    put_word(p, 9, 32 * 12); /* two lists share one tail */
    assert_true(decode_prove(p, 32 * PROVE_WORDS, &err));
    put_word(p, 9, 0); /* an offset to the head: word 0 is the (zero) count */
    assert_true(decode_prove(p, 32 * PROVE_WORDS, &err));
    assert_true(decode_prove(p, sizeof p, &err)); /* bytes behind the end */
}

static void dirty_words_are_errors(void **state)
{
    (void)state;
    uint8_t p[32 * PROVE_WORDS];
    struct err err;
    prove_example(p);
    p[23] = 1; /* batchNumber is a uint64 */
    assert_false(decode_prove(p, sizeof p, &err));
    assert_non_null(strstr(err.msg, "ProveData: integer out of range (at byte 0 of"));

    uint8_t w[64] = { 0 };
    struct abi_v31_get_admin_return a;
    w[11] = 1;
    assert_false(abi_v31_decode_get_admin_return(bytes_of(w, 32), &a, NULL, &err));
    assert_non_null(strstr(err.msg, "dirty high bytes"));
    struct abi_v31_get_zksync_os_return b;
    memset(w, 0, sizeof w);
    w[31] = 2;
    assert_false(abi_v31_decode_get_zksync_os_return(bytes_of(w, 32), &b, NULL, &err));
    w[31] = 1;
    w[0] = 0x80;
    assert_false(abi_v31_decode_get_zksync_os_return(bytes_of(w, 32), &b, NULL, &err));
    w[0] = 0;
    assert_true(abi_v31_decode_get_zksync_os_return(bytes_of(w, 32), &b, NULL, &err));
    assert_true(b.value);
    struct abi_v31_get_pubdata_pricing_mode_return m;
    w[30] = 1; /* 257 as uint8 */
    assert_false(abi_v31_decode_get_pubdata_pricing_mode_return(bytes_of(w, 32), &m, NULL, &err));
    struct abi_v31_base_token_gas_price_multiplier_nominator_return n;
    memset(w, 0, sizeof w);
    w[15] = 1; /* 2^128 as uint128 */
    assert_false(abi_v31_decode_base_token_gas_price_multiplier_nominator_return(bytes_of(w, 32),
                                                                                 &n, NULL, &err));
    struct abi_v31_receive_message_return r;
    memset(w, 0, sizeof w);
    w[4] = 1; /* a fifth byte in bytes4 */
    assert_false(abi_v31_decode_receive_message_return(bytes_of(w, 32), &r, NULL, &err));
}

static void wrong_selectors_are_errors(void **state)
{
    (void)state;
    struct abi_v31_stored_batch_hash_call c;
    struct err err;
    const uint8_t p[36] = { 0xb2, 0x2d, 0xd7, 0x8f };
    assert_false(abi_v31_decode_stored_batch_hash_call(bytes_of(p, sizeof p), &c, NULL, &err));
    assert_non_null(strstr(err.msg, "storedBatchHash: selector 0xb22dd78f instead of 0xb22dd78e"));
    assert_false(abi_v31_decode_stored_batch_hash_call(bytes_of(p, 3), &c, NULL, &err));
    assert_false(abi_v31_decode_stored_batch_hash_call(bytes_of(NULL, 0), &c, NULL, &err));
}

/* L2Log[][]: n outer entries that all point to one inner list of m logs. The decoded form is n*m
 * logs, the input n + 6m words: memory must stop at the arena's limit. */
static void shared_tails_stop_at_the_memory_limit(void **state)
{
    (void)state;
    enum { OUTER = 2000, INNER = 300, WORDS = 7 + 6 + 1 + OUTER + 1 + 6 * INNER };
    uint8_t *p = calloc(WORDS, 32);
    assert_non_null(p);
    for (size_t i = 0; i < 6; i++)
        put_word(p, i, 32 * (7 + i)); /* six empty lists.. */
    put_word(p, 3, 32 * 13);          /* ..but logs */
    put_word(p, 13, OUTER);
    for (size_t i = 0; i < OUTER; i++)
        put_word(p, 14 + i, 32 * OUTER);
    put_word(p, 14 + OUTER, INNER);
    struct abi_v31_execute_data d;
    struct err err;
    assert_false(abi_v31_decode_execute_data(bytes_of(p, 32 * (size_t)WORDS), &d, &arena, &err));
    assert_non_null(strstr(err.msg, "over the memory limit"));
    put_word(p, 13, 2);
    for (size_t i = 0; i < 2; i++)
        put_word(p, 14 + i, 32 * OUTER);
    arena_reset(&arena);
    assert_true(abi_v31_decode_execute_data(bytes_of(p, 32 * (size_t)WORDS), &d, &arena, &err));
    assert_int_equal(d.logs.items[1].cnt, INNER);
    assert_false(abi_v31_decode_execute_data(bytes_of(p, 32 * (size_t)WORDS), &d, NULL, &err));
    assert_non_null(strstr(err.msg, "no memory given"));
    arena_reset(&arena);
    free(p);
}

static void decoded_values_do_not_point_into_the_input(void **state)
{
    (void)state;
    uint8_t p[4 * 32] = { 0 };
    struct abi_v31_bundle_hash_preimage d;
    put_word(p, 1, 64);
    put_word(p, 2, 5);
    memcpy(p + 96, "hello", 5);
    assert_true(abi_v31_decode_bundle_hash_preimage(bytes_of(p, sizeof p), &d, &arena, NULL));
    memset(p, 0, sizeof p);
    assert_true(bytes_eq(d.bundle, bytes_of("hello", 5)));
    arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_truncation_is_an_error),
        cmocka_unit_test(wild_offsets_are_errors),
        cmocka_unit_test(wild_counts_are_errors),
        cmocka_unit_test(layouts_solidity_accepts_are_accepted),
        cmocka_unit_test(dirty_words_are_errors),
        cmocka_unit_test(wrong_selectors_are_errors),
        cmocka_unit_test(shared_tails_stop_at_the_memory_limit),
        cmocka_unit_test(decoded_values_do_not_point_into_the_input),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
