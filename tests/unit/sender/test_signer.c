/* Keys, their sources, and signed transactions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/base/hash.h"
#include "node/base/hex.h"
#include "node/base/rlp.h"
#include "node/crypto/crypto.h"
#include "node/sender/signer.h"

#define KEY46 "4646464646464646464646464646464646464646464646464646464646464646"
/* account 0 of the well-known test mnemonic */
#define KEY0 "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
#define ANVIL_SIGNED                                                                               \
    "02f871827a6905843b9aca008477359400830186a094000000000000000000000000000000000000"             \
    "00421084deadbeefc001a04fb72ef36ba66f2db61d808404d9309407dc5110c82f05bd3f2cd77b34"             \
    "3ca583a02fea1e8e4c5baf1216cf9cf8a38340c9a308035b752d879b5e8151001807a62d"
#define ADDR0 "f39fd6e51aad88f6f4ce6ab8827279cfffb92266"

static void text_of_addr(char out[41], const struct addr *a)
{
    hex_encode(out, a->b, 20);
}

static void keys_come_from_text_file_and_environment(void **state)
{
    (void)state;
    char path[] = "/tmp/gh_key_XXXXXX", source[64], text[41];
    struct err e;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "  " KEY0 "\n", strlen(KEY0) + 3), (int)strlen(KEY0) + 3);
    close(fd);
    snprintf(source, sizeof(source), "file:%s", path);
    assert_int_equal(setenv("GH_TEST_KEY", KEY0, 1), 0);
    const char *const sources[] = { KEY0, &KEY0[2], source, "env:GH_TEST_KEY" };
    for (size_t i = 0; i < 4; i++) {
        struct signer *s = signer_open(sources[i], &e);
        assert_non_null(s);
        struct addr a = signer_addr(s);
        text_of_addr(text, &a);
        assert_string_equal(text, ADDR0);
        signer_destroy(s);
    }
    unlink(path);
}

static void bad_keys_are_refused_without_being_repeated(void **state)
{
    (void)state;
    struct err e;
    static const char *const bad[] = {
        "",
        "0x12",
        "zz974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80ff",
        "0x0000000000000000000000000000000000000000000000000000000000000000",
        "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "file:/nonexistent",
        "env:GH_TEST_NO_SUCH_KEY"
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_null(signer_open(bad[i], &e));
        if (i > 1 && i < 5)
            assert_null(strstr(e.msg, bad[i] + 2));
    }
}

/* The example of EIP-155, byte by byte. */
static void legacy_example_of_eip_155(void **state)
{
    (void)state;
    struct err e;
    struct signer *s = signer_open(KEY46, &e);
    struct signer_tx tx = { .kind = SIGNER_TX_LEGACY,
                            .chain_id = 1,
                            .nonce = 9,
                            .gas_limit = 21000,
                            .max_fee = u256_of_u64(UINT64_C(20000000000)),
                            .has_to = true,
                            .value = u256_of_u64(UINT64_C(1000000000000000000)) };
    memset(tx.to.b, 0x35, 20);
    struct buf raw;
    struct b256 hash;
    char text[512];
    buf_init(&raw, 1024);
    assert_true(signer_sign_tx(s, &tx, &raw, &hash, &e));
    hex_encode(text, raw.p, raw.len);
    assert_string_equal(text, "f86c098504a817c80082520894353535353535353535353535353535353535353588"
                              "0de0b6b3a76400008025a028ef"
                              "61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9"
                              "d8997f761aecb703304b3800"
                              "ccf555c9f3dc64214b297fb1966a3b6d83");
    struct b256 want = keccak256(raw.p, raw.len);
    assert_memory_equal(hash.b, want.b, 32);
    buf_clear(&raw);
    signer_destroy(s);
}

/* Decoded again field by field, the signer recovered from it. */
static void eip_1559_fields_and_signature(void **state)
{
    (void)state;
    struct err e;
    struct signer *s = signer_open(KEY0, &e);
    static const uint8_t data[] = { 1, 2, 3, 4 };
    struct signer_tx tx = { .kind = SIGNER_TX_EIP1559,
                            .chain_id = 31337,
                            .nonce = 0,
                            .gas_limit = 100000,
                            .max_fee = u256_of_u64(2000000000),
                            .max_tip = u256_of_u64(1),
                            .has_to = true,
                            .to = addr_of_u32(7),
                            .data = bytes_of(data, 4) };
    struct buf raw;
    struct b256 hash;
    buf_init(&raw, 1024);
    buf_append(&raw, "x", 1); /* appends, never overwrites */
    assert_true(signer_sign_tx(s, &tx, &raw, &hash, &e));
    assert_int_equal(raw.p[1], 2);
    struct rlp_reader outer = rlp_reader_of(bytes_of(raw.p + 2, raw.len - 2));
    struct rlp_reader r = rlp_read_list(&outer);
    assert_true(rlp_finish(&outer));
    const uint8_t *fields = r.p;
    assert_int_equal(rlp_read_u64(&r), 31337);
    assert_int_equal(rlp_read_u64(&r), 0);
    assert_int_equal(rlp_read_u64(&r), 1);
    assert_int_equal(rlp_read_u64(&r), 2000000000);
    assert_int_equal(rlp_read_u64(&r), 100000);
    struct addr to;
    rlp_read_fixed(&r, to.b, 20);
    assert_int_equal(to.b[19], 7);
    assert_int_equal(rlp_read_u64(&r), 0);
    struct bytes d = rlp_read_string(&r);
    assert_int_equal(d.len, 4);
    struct rlp_reader access = rlp_read_list(&r);
    assert_true(rlp_finish(&access));
    size_t signed_len = (size_t)(r.p - fields);
    unsigned parity = (unsigned)rlp_read_u64(&r);
    struct u256 sr = rlp_read_u256(&r), ss = rlp_read_u256(&r);
    assert_true(rlp_finish(&r));
    uint8_t pre[512];
    pre[0] = 2;
    size_t n = 1 + rlp_write_list_header(pre + 1, signed_len);
    memcpy(pre + n, fields, signed_len);
    struct b256 digest = keccak256(pre, n + signed_len);
    struct addr from, want = signer_addr(s);
    assert_true(crypto_recover(&from, &digest, &sr, &ss, parity));
    assert_memory_equal(from.b, want.b, 20);
    buf_clear(&raw);
    signer_destroy(s);
}

/* What anvil 1.7.1 answers to eth_signTransaction for the same fields. */
static void eip_1559_bytes_of_another_program(void **state)
{
    (void)state;
    struct err e;
    struct signer *s = signer_open(KEY0, &e);
    struct signer_tx tx = { .kind = SIGNER_TX_EIP1559,
                            .chain_id = 31337,
                            .nonce = 5,
                            .gas_limit = 0x186a0,
                            .max_fee = u256_of_u64(0x77359400),
                            .max_tip = u256_of_u64(0x3b9aca00),
                            .has_to = true,
                            .to = addr_of_u32(0x42),
                            .value = u256_of_u64(0x10),
                            .data = bytes_of("\xde\xad\xbe\xef", 4) };
    struct buf raw;
    struct b256 hash;
    char text[1024];
    buf_init(&raw, 1024);
    assert_true(signer_sign_tx(s, &tx, &raw, &hash, &e));
    hex_encode(text, raw.p, raw.len);
    assert_string_equal(text, ANVIL_SIGNED);
    buf_clear(&raw);
    signer_destroy(s);
}

static void refuses_what_it_cannot_sign(void **state)
{
    (void)state;
    struct err e;
    struct signer *s = signer_open(KEY0, &e);
    struct buf raw;
    struct b256 hash;
    struct signer_tx tx = { .kind = SIGNER_TX_BLOB, .chain_id = 1 };
    buf_init(&raw, 1024);
    assert_false(signer_sign_tx(s, &tx, &raw, &hash, &e));
    tx.kind = SIGNER_TX_EIP1559;
    tx.max_tip = U256_ONE; /* above the fee */
    assert_false(signer_sign_tx(s, &tx, &raw, &hash, &e));
    tx.max_fee = U256_ONE;
    tx.chain_id = 0;
    assert_false(signer_sign_tx(s, &tx, &raw, &hash, &e));
    tx.chain_id = 1;
    raw.max = 10;
    assert_false(signer_sign_tx(s, &tx, &raw, &hash, &e));
    assert_int_equal(raw.len, 0);
    buf_clear(&raw);
    signer_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_come_from_text_file_and_environment),
        cmocka_unit_test(bad_keys_are_refused_without_being_repeated),
        cmocka_unit_test(legacy_example_of_eip_155),
        cmocka_unit_test(eip_1559_fields_and_signature),
        cmocka_unit_test(eip_1559_bytes_of_another_program),
        cmocka_unit_test(refuses_what_it_cannot_sign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
