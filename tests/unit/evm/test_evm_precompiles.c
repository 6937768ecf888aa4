/* Precompiles: price of both resources to the last unit, refusals, outputs, and what happens when
 * a build lacks one. */
#include "node/crypto/crypto.h"
#include "tests/unit/evm/vm.h"

#include <string.h>

struct row {
    const char *name;
    const struct stf_rules *(*rules)(void);
    uint32_t addr;
    const char *input;
    uint64_t gas, native;
    const char *output; /* NULL: the precompile refuses */
};

#define ZK    stf_rules_zksync_os_v31
#define ETH   stf_rules_ethereum_cancun
#define OSAKA stf_rules_ethereum_osaka
#define W0    "0000000000000000000000000000000000000000000000000000000000000000"
#define W1    "0000000000000000000000000000000000000000000000000000000000000001"
#define W2    "0000000000000000000000000000000000000000000000000000000000000002"
#define W3    "0000000000000000000000000000000000000000000000000000000000000003"
#define W32   "0000000000000000000000000000000000000000000000000000000000000020"

static const struct row rows[] = {
    { "ecrecover of nothing", ZK, 1, "", 3000, 522000, "" },
    { "ecrecover with v = 29", ZK, 1,
      W1 "000000000000000000000000000000000000000000000000000000000000001d" W1 W1, 3000, 522000,
      "" },
    { "ecrecover", ZK, 1,
      "456e9aea5e197a1f1af7a3e85a3212fa4049a3ba34c2289b4c860fc0b0c64ef3"
      "000000000000000000000000000000000000000000000000000000000000001c"
      "9242685bf161793cc25603c231bc2f568eb630ea16aa137d2664ac8038825608"
      "4f8ae3bd7535248d0bd448298cc2e2071e56992d0774dc340c368ae950852ada",
      3000, 522000, "0000000000000000000000007156526fbd7a3c72969b54f64e42c10fbb768c8a" },
    { "sha256 of nothing", ZK, 2, "", 60, 1600 + 4200,
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { "sha256 of 56 bytes", ZK, 2, W0 "000000000000000000000000000000000000000000000000", 60 + 24,
      1600 + 2 * 4200, "d4817aa5497628e7c77e6b606107042bbba3130888c5f47a375e6179be789fbb" },
    { "ripemd160 of nothing", ZK, 3, "", 600, 1600 + 4200,
      "0000000000000000000000009c1185a5c5e9fc54612808977ee8f548b2258d31" },
    { "identity", ZK, 4, "112233", 18, 50, "112233" },
    { "identity of 33 bytes", ZK, 4, W1 "44", 21, 20 + 330, W1 "44" },
    /* 3 ^ 1 mod 2 with lengths of 1: minimum price */
    { "modexp", ZK, 5, W1 W1 W1 "03 01 02", 200, 60000, "01" },
    { "modexp to nothing", ZK, 5, W0 W0 W0, 200, 60000, "" },
    { "modexp of nothing", ZK, 5, "", 200, 60000, "" },
    /* 32-byte operands, exponent 2^255: 16 * 255 / 3 */
    { "modexp of 32 bytes", ZK, 5,
      W32 W32 W32 W2 "8000000000000000000000000000000000000000000000000000000000000000" W3, 1360,
      408000, W1 },
    /* 33-byte modulus: 5 words in gas, 8 in native, where it is rounded up to 64 bytes */
    { "modexp of 33 bytes", ZK, 5,
      W1 W32 "0000000000000000000000000000000000000000000000000000000000000021"
             "01 8000000000000000000000000000000000000000000000000000000000000000 01" W3,
      25 * 255 / 3, 64 * 255 / 3 * 300, "00" W1 },
    /* 33-byte exponent: 8 * 1 + its head's bits */
    { "modexp with a long exponent", ZK, 5,
      W32 "0000000000000000000000000000000000000000000000000000000000000021" W32 W2
          "ff00000000000000000000000000000000000000000000000000000000000000 00" W3,
      16 * (8 + 255) / 3, 16 * (8 + 255) / 3 * 300, W1 },
    { "bn254 add of nothing", ZK, 6, "", 150, 52600, W0 W0 },
    { "bn254 add off the curve", ZK, 6, W1 W1, 150, 52600, NULL },
    { "bn254 add", ZK, 6, W1 W2 W0 W0, 150, 52600, W1 W2 },
    { "bn254 mul", ZK, 7, W1 W2 W1, 6000, 764000, W1 W2 },
    { "bn254 mul off the curve", ZK, 7, W1 W1 W1, 6000, 764000, NULL },
    { "bn254 pairing of nothing", ZK, 8, "", 45000, 15000000, W1 },
    { "bn254 pairing of a cut pair", ZK, 8, "00", 45000, 15000000, NULL },
    { "bn254 pairing of infinity", ZK, 8, W0 W0 W0 W0 W0 W0, 79000, 30000000, W1 },
    { "p256 of nothing", ZK, 0x100, "", 6900, 784000, "" },
    { "p256 of zeros", ZK, 0x100, W0 W0 W0 W0 W0, 6900, 784000, "" },
    /* EIP-7883: complexity 16, by the byte 16; EIP-7823: 1024 bytes and no more */
    { "modexp, Osaka", OSAKA, 5, W1 W1 W1 "03 01 02", 500, 150000, "01" },
    { "modexp to nothing, Osaka", OSAKA, 5, W0 W0 W0, 500, 150000, "" },
    { "modexp of 32 bytes, Osaka", OSAKA, 5,
      W32 W32 W32 W2 "8000000000000000000000000000000000000000000000000000000000000000" W3,
      16 * 255, 16 * 255 * 300, W1 },
    { "modexp with a long exponent, Osaka", OSAKA, 5,
      W32 "0000000000000000000000000000000000000000000000000000000000000021" W32 W2
          "ff00000000000000000000000000000000000000000000000000000000000000 00" W3,
      16 * (16 + 255), 16 * (16 + 255) * 300, W1 },
    { "modexp of 1024 bytes, Osaka", OSAKA, 5,
      W0 "0000000000000000000000000000000000000000000000000000000000000400" W1, 16 * 16 * 992,
      16 * 16 * 992 * 300, "00" },
    { "modexp of a base above the bound", OSAKA, 5,
      "0000000000000000000000000000000000000000000000000000000000000401" W0 W0, 1000000, 0, NULL },
    { "modexp of an exponent above the bound", OSAKA, 5,
      W0 "0000000000000000000000000000000000000000000000000000000000000401" W0, 1000000, 0, NULL },
    { "modexp of a modulus above the bound", OSAKA, 5,
      W0 W0 "0000000000000000000000000000000000000000000000000000000000000401", 1000000, 0, NULL },
    { "p256 of zeros, Osaka", OSAKA, 0x100, W0 W0 W0 W0 W0, 6900, 784000, "" },
    { "no p256, Cancun", ETH, 0x100, W0 W0 W0 W0 W0, 0, 0, "" },
    { "blake2f of a wrong length", ETH, 9, "00000001", 0, 0, NULL },
    { "point evaluation of a wrong length", ETH, 10, "00", 50000, 63104000, NULL },
};

static struct vm_result call(const struct row *row, uint64_t gas, uint64_t native, uint64_t *base)
{
    static uint8_t kept[256];
    struct vm vm;
    vm_init(&vm);
    vm.rules = row->rules();
    vm_open(&vm);
    /* reaching the empty account of the precompile costs native too */
    *base = 4000 + 4000 + 242240;
    struct vm_result r = vm_call(&vm, row->addr, vm_hex(row->input), 0, gas, native + *base);
    r.native_used -= *base;
    assert_true(r.output.len <= sizeof(kept));
    if (r.output.len)
        memcpy(kept, r.output.p, r.output.len);
    r.output.p = kept;
    vm_close(&vm);
    return r;
}

static void prices_and_outputs(void **state)
{
    (void)state;
    for (size_t i = 0; i < GH_COUNT(rows); i++) {
        const struct row *row = &rows[i];
        uint64_t base;
        struct vm_result r = call(row, row->gas + 77, row->native, &base);
        if (!row->output) {
            assert_int_equal(r.halt, HALT_OUT_OF_GAS);
            assert_int_equal(r.gas_left, 0); /* a refusal burns everything */
            assert_int_equal(r.output.len, 0);
            continue;
        }
        struct bytes want = vm_hex(row->output);
        if (r.halt != HALT_STOP || r.gas_used != row->gas || !bytes_eq(r.output, want))
            print_error("%s: halt %u, gas %llu, %zu bytes\n", row->name, r.halt,
                        (unsigned long long)r.gas_used, r.output.len);
        assert_int_equal(r.halt, HALT_STOP);
        assert_int_equal(r.gas_used, row->gas);
        assert_int_equal(r.native_left, 0);
        assert_true(bytes_eq(r.output, want));

        if (!row->gas)
            continue; /* nobody there */
        r = call(row, row->gas - 1, row->native, &base);
        assert_int_equal(r.halt, HALT_OUT_OF_GAS);
        r = call(row, row->gas, row->native - 1, &base);
        if (row->addr == 5 && row->gas == (row->rules == ZK ? 200u : 500u)) {
            /* less than the least native is out of gas there: the caller goes on, nothing was charged */
            assert_int_equal(r.halt, HALT_OUT_OF_GAS);
            assert_int_equal(r.gas_left, 0);
            assert_int_equal(r.native_left, row->native - 1);
            continue;
        }
        assert_int_equal(r.halt, HALT_OUT_OF_NATIVE);
        assert_int_equal(r.native_left, 0);
    }
}

static void modexp_of_absurd_lengths_is_out_of_gas(void **state)
{
    (void)state;
    static const char *const inputs[] = {
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" W1 W1,
        W1 "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" W1,
        W1 W1 "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        W1 "0000000000000000000000000000000000000000000000000000000100000000" W1,
        W1 W1 "0000000000000000000000000000000000000000000000000000000100000000",
    };
    for (size_t i = 0; i < GH_COUNT(inputs); i++) {
        struct row row = { "", ZK, 5, inputs[i], 0, 0, NULL };
        uint64_t base;
        assert_int_equal(call(&row, 1000000000, VM_PLENTY, &base).halt, HALT_OUT_OF_GAS);
    }
    /* without base and modulus there is nothing to compute, whatever the exponent says */
    struct row row = { "", ZK,
                       5,  W0 "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" W0,
                       0,  0,
                       "" };
    uint64_t base;
    struct vm_result r = call(&row, 200, 60000, &base);
    assert_int_equal(r.halt, HALT_STOP);
    assert_int_equal(r.gas_left, 0);
}

/* The modulus stands behind the exponent: an exponent that the input does not hold leaves none. A
 * primitive that would run out of memory on it is not asked. */
static bool modexp_must_not_run(uint8_t *out, const uint8_t *base, size_t base_len,
                                const uint8_t *exp, size_t exp_len, const uint8_t *mod,
                                size_t mod_len, struct arena *scratch)
{
    (void)out, (void)base, (void)base_len, (void)exp, (void)exp_len, (void)mod, (void)mod_len;
    (void)scratch;
    return false;
}

static void an_exponent_the_input_does_not_hold_gives_zero(void **state)
{
    (void)state;
    struct stf_crypto crypto = *crypto_host();
    crypto.modexp = modexp_must_not_run;
    struct vm vm;
    vm_init(&vm);
    vm.crypto = &crypto;
    vm_open(&vm);
    /* 30,000,000 bytes of exponent: 80 million gas */
    struct bytes input =
        vm_hex(W1 "0000000000000000000000000000000000000000000000000000000001c9c380" W3 "03ff");
    struct vm_result r = vm_call(&vm, 5, input, 0, VM_PLENTY, VM_PLENTY);
    assert_int_equal(r.halt, HALT_STOP);
    assert_int_equal(r.gas_used, (8 * (30000000 - 32) + 255) / 3);
    assert_int_equal(r.output.len, 3);
    assert_memory_equal(r.output.p, "\0\0\0", 3);
    vm_close(&vm);
}

static void absent_precompiles_are_empty_accounts(void **state)
{
    (void)state;
    /* spec 10 §8.2: 0x09, 0x0a and 0x0b..0x11 */
    for (uint32_t a = 0x09; a <= 0x11; a++) {
        struct row row = { "", ZK, a, "00", 0, 0, "" };
        uint64_t base;
        struct vm_result r = call(&row, 10, 0, &base);
        assert_int_equal(r.halt, HALT_STOP);
        assert_int_equal(r.gas_left, 10);
        assert_int_equal(r.output.len, 0);
    }
}

static void a_missing_primitive_ends_the_transaction(void **state)
{
    (void)state;
    static const struct stf_crypto none;
    static const struct {
        const struct stf_rules *(*rules)(void);
        uint32_t addr;
        const char *input;
    } calls[] = {
        { ZK, 1, "" },
        { ZK, 2, "" },
        { ZK, 3, "" },
        { ZK, 6, "" },
        { ZK, 7, "" },
        { ZK, 8, "" },
        { ZK, 5, W1 W1 W1 "010101" },
        { ZK, 0x100, W0 W0 W0 W0 W0 },
        { ETH, 10, W0 W0 W0 W0 W0 W0 },
    };
    for (size_t i = 0; i < GH_COUNT(calls); i++) {
        struct vm vm;
        vm_init(&vm);
        vm.rules = calls[i].rules();
        vm.crypto = &none;
        vm_open(&vm);
        struct vm_result r =
            vm_call(&vm, calls[i].addr, vm_hex(calls[i].input), 0, 100000, VM_PLENTY);
        assert_int_equal(r.halt, HALT_MISSING);
        assert_int_equal(r.gas_left, 0);
        vm_close(&vm);
    }
    /* what needs no primitive works, and short gas is still short gas */
    struct vm vm;
    vm_init(&vm);
    vm.crypto = &none;
    vm_open(&vm);
    assert_int_equal(vm_call(&vm, 4, vm_hex("11"), 0, 18, VM_PLENTY).halt, HALT_STOP);
    assert_int_equal(vm_call(&vm, 5, vm_no_bytes(), 0, 200, VM_PLENTY).halt, HALT_STOP);
    assert_int_equal(vm_call(&vm, 1, vm_no_bytes(), 0, 2999, VM_PLENTY).halt, HALT_OUT_OF_GAS);
    vm_close(&vm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prices_and_outputs),
        cmocka_unit_test(modexp_of_absurd_lengths_is_out_of_gas),
        cmocka_unit_test(an_exponent_the_input_does_not_hold_gives_zero),
        cmocka_unit_test(absent_precompiles_are_empty_accounts),
        cmocka_unit_test(a_missing_primitive_ends_the_transaction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
