/* The precompiles of EIP-2537 against the public vectors, output and gas to the last unit, with both
 * tables of primitives; without the recorded folder only what needs none of it. */
#include "node/base/hex.h"
#include "node/crypto/crypto.h"
#include "node/crypto/portable.h"
#include "tests/unit/evm/vm.h"
#include "tests/vectors/recorded/recorded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct stf_crypto *table;

/* Exact size, so that the sanitizer sees an overread by one. */
static struct bytes parse(const char *hex)
{
    size_t len = strlen(hex), n;
    uint8_t *p = malloc(len / 2 + 1);
    assert_non_null(p);
    assert_true(hex_decode(p, len / 2 + 1, &n, hex, len));
    uint8_t *exact = malloc(n ? n : 1);
    assert_non_null(exact);
    if (n)
        memcpy(exact, p, n);
    free(p);
    return bytes_of(exact, n);
}

static void run_case(uint32_t addr, const json_t *c)
{
    const char *name = json_string_value(json_object_get(c, "Name"));
    const char *expected = json_string_value(json_object_get(c, "Expected"));
    struct bytes in = parse(json_string_value(json_object_get(c, "Input")));
    uint64_t gas = 10000000;
    if (expected)
        gas = (uint64_t)json_integer_value(json_object_get(c, "Gas"));
    for (uint64_t missing = 0; missing <= (expected ? 1 : 0); missing++) {
        struct vm vm;
        vm_init(&vm);
        vm.rules = stf_rules_ethereum_prague();
        vm.crypto = table;
        vm_open(&vm);
        struct vm_result r = vm_call(&vm, addr, in, 0, gas - missing, VM_PLENTY);
        if (!expected || missing) {
            if (r.halt != HALT_OUT_OF_GAS || r.gas_left || r.output.len)
                fail_msg("%s: halt %u, accepted", name, r.halt);
        } else {
            struct bytes want = parse(expected);
            if (r.halt != HALT_STOP || r.gas_used != gas || !bytes_eq(r.output, want))
                fail_msg("%s: halt %u, gas %llu of %llu", name, r.halt,
                         (unsigned long long)r.gas_used, (unsigned long long)gas);
            free((void *)(uintptr_t)want.p);
        }
        vm_close(&vm);
    }
    free((void *)(uintptr_t)in.p);
}

static void run_file(const char *name, uint32_t addr, size_t want_cnt)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "vectors/precompiles/%s.json", name);
    json_t *cases = recorded_load(path, 0);
    assert_int_equal(json_array_size(cases), want_cnt);
    for (size_t i = 0; i < want_cnt; i++)
        run_case(addr, json_array_get(cases, i));
    json_decref(cases);
}

static void vectors_agree_in_output_and_gas(void **state)
{
    static const struct {
        const char *name;
        uint32_t addr;
        size_t cnt;
    } files[] = {
        { "blsG1Add", 0x0b, 112 },         { "blsG1Mul", 0x0c, 11 },
        { "blsG1MultiExp", 0x0c, 154 },    { "blsG2Add", 0x0d, 112 },
        { "blsG2Mul", 0x0e, 11 },          { "blsG2MultiExp", 0x0e, 153 },
        { "blsPairing", 0x0f, 106 },       { "blsMapG1", 0x10, 105 },
        { "blsMapG2", 0x11, 105 },         { "fail-blsG1Add", 0x0b, 6 },
        { "fail-blsG1Mul", 0x0c, 7 },      { "fail-blsG1MultiExp", 0x0c, 7 },
        { "fail-blsG2Add", 0x0d, 6 },      { "fail-blsG2Mul", 0x0e, 7 },
        { "fail-blsG2MultiExp", 0x0e, 7 }, { "fail-blsPairing", 0x0f, 9 },
        { "fail-blsMapG1", 0x10, 5 },      { "fail-blsMapG2", 0x11, 5 },
    };
    (void)state;
    if (!recorded_present("BLS12-381 vectors"))
        skip();
    for (size_t i = 0; i < GH_COUNT(files); i++)
        run_file(files[i].name, files[i].addr, files[i].cnt);
}

/* 0 is where the formula of the map divides by zero; the others leave the field, or the wire form. */
static void elements_at_the_edges(void **state)
{
    (void)state;
    uint8_t in[512] = { 0 };
    static const uint8_t p[48] = {
        0x1a, 0x01, 0x11, 0xea, 0x39, 0x7f, 0xe6, 0x9a, 0x4b, 0x1b, 0xa7, 0xb6,
        0x43, 0x4b, 0xac, 0xd7, 0x64, 0x77, 0x4b, 0x84, 0xf3, 0x85, 0x12, 0xbf,
        0x67, 0x30, 0xd2, 0xa0, 0xf6, 0xb0, 0xf6, 0x24, 0x1e, 0xab, 0xff, 0xfe,
        0xb1, 0x53, 0xff, 0xff, 0xb9, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xaa, 0xab,
    };
    uint8_t out[256], sum[256], twice[512];
    struct arena none;
    arena_init(&none, out, 0);
    for (int with_infinity = 0; with_infinity < 2; with_infinity++) {
        assert_true(table->bls_map_g1(out, in));
        memset(twice, 0, sizeof(twice));
        memcpy(twice + (with_infinity ? 128 : 0), out, 128);
        assert_true(table->bls_g1_add(sum, twice));
        assert_memory_equal(sum, out, 128);
        assert_true(table->bls_map_g2(out, in));
        memset(twice, 0, sizeof(twice));
        memcpy(twice + (with_infinity ? 256 : 0), out, 256);
        assert_true(table->bls_g2_add(sum, twice));
        assert_memory_equal(sum, out, 256);
    }
    memcpy(in + 16, p, 48);
    assert_false(table->bls_map_g1(out, in));
    assert_false(table->bls_map_g2(out, in));
    in[63]--; /* p - 1 */
    assert_true(table->bls_map_g1(out, in));
    assert_true(table->bls_map_g2(out, in));
    in[0] = 1;
    assert_false(table->bls_map_g1(out, in));
    assert_false(table->bls_map_g2(out, in));
    assert_int_equal(table->bls_g1_msm(out, in, 1, &none), -2);
    assert_int_equal(table->bls_g2_msm(out, in, 1, &none), -2);
}

/* A sum of many against sums of few: the two ways to compute it agree. */
static void sums_do_not_depend_on_how_they_are_cut(void **state)
{
    (void)state;
    enum { N = 150 };
    static uint8_t in1[N][160], in2[N][288], memory[1 << 20];
    struct arena arena;
    arena_init(&arena, memory, sizeof(memory));
    for (size_t i = 0; i < N; i++) {
        uint8_t u[128] = { 0 };
        struct b256 h = keccak256(&i, sizeof(i)), k = keccak256(&h, sizeof(h));
        memcpy(u + 32, h.b, 32);
        memcpy(u + 96, k.b, 32);
        assert_true(table->bls_map_g1(in1[i], u));
        assert_true(table->bls_map_g2(in2[i], u));
        memcpy(in1[i] + 128, k.b, 32);
        memcpy(in2[i] + 256, k.b, 32);
    }
    memset(in1[3], 0, 128);      /* infinity */
    memset(in2[5] + 256, 0, 32); /* zero times */
    memcpy(in1[7], in1[6], 160); /* twice the same in one bucket */
    for (size_t n = 1; n <= N; n += n < 10 ? 1 : 47) {
        uint8_t all1[128], all2[256], pair1[256] = { 0 }, pair2[512] = { 0 };
        assert_int_equal(table->bls_g1_msm(all1, in1[0], n, &arena), 0);
        assert_int_equal(table->bls_g2_msm(all2, in2[0], n, &arena), 0);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(table->bls_g1_msm(pair1 + 128, in1[i], 1, &arena), 0);
            assert_int_equal(table->bls_g2_msm(pair2 + 256, in2[i], 1, &arena), 0);
            assert_true(table->bls_g1_add(pair1, pair1));
            assert_true(table->bls_g2_add(pair2, pair2));
        }
        assert_memory_equal(all1, pair1, 128);
        assert_memory_equal(all2, pair2, 256);
    }
}

static void off_outside_of_prague_and_later(void **state)
{
    (void)state;
    const struct stf_rules *with[] = { stf_rules_ethereum_prague(), stf_rules_ethereum_osaka() };
    const struct stf_rules *without[] = { stf_rules_ethereum_cancun(), stf_rules_zksync_os_v31() };
    for (uint32_t a = 0x0b; a <= 0x11; a++) {
        for (size_t i = 0; i < 2; i++) {
            struct vm vm;
            vm_init(&vm);
            vm.rules = with[i];
            vm_open(&vm);
            struct vm_result r = vm_call(&vm, a, vm_no_bytes(), 0, 1000000, VM_PLENTY);
            assert_int_equal(r.halt, HALT_OUT_OF_GAS); /* none takes an empty input */
            vm_close(&vm);
            vm_init(&vm);
            vm.rules = without[i];
            vm_open(&vm);
            r = vm_call(&vm, a, vm_no_bytes(), 0, 1000000, VM_PLENTY);
            assert_int_equal(r.halt, HALT_STOP);
            assert_int_equal(r.gas_used, 0);
            vm_close(&vm);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_agree_in_output_and_gas),
        cmocka_unit_test(elements_at_the_edges),
        cmocka_unit_test(sums_do_not_depend_on_how_they_are_cut),
        cmocka_unit_test(off_outside_of_prague_and_later),
    };
    table = crypto_host();
    int failed = cmocka_run_group_tests_name("EIP-2537, host table", tests, NULL, NULL);
    table = crypto_portable();
    return failed + cmocka_run_group_tests_name("EIP-2537, portable table", tests, NULL, NULL);
}
