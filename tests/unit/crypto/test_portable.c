/* tests/unit/crypto/test_portable.c
 *
 * The portable secp256k1, P-256 and modexp against the libraries behind the host table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gmp.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "node/crypto/crypto.h"
#include "node/crypto/portable.h"
#include "tests/unit/crypto/random.h"

static void table_is_complete(void **state)
{
    (void)state;
    const struct stf_crypto *const tables[] = { crypto_host(), crypto_portable() };
    for (size_t i = 0; i < GH_COUNT(tables); i++) {
        const struct stf_crypto *c = tables[i];
        assert_true(c->ecrecover && c->sha256 && c->ripemd160 && c->modexp && c->bn254_add &&
                    c->bn254_mul && c->bn254_pairing && c->blake2f && c->point_evaluation &&
                    c->p256_verify);
    }
}

/* Recovery works for about half of all x, and by itself shows whether two implementations agree. */
static void ecrecover_equals_libsecp256k1(void **state)
{
    (void)state;
    unsigned found = 0;
    for (unsigned i = 0; i < 400; i++) {
        struct b256 hash;
        uint8_t rs[64];
        struct addr a = { { 0 } }, b = { { 0 } };
        random_bytes(hash.b, 32);
        random_bytes(rs, 64);
        if (i % 16 == 1) /* above, at and just below n, and zero */
            memset(rs, 0xff, 32);
        if (i % 16 == 2)
            memset(rs + 32, 0xff, 32);
        if (i % 16 == 3)
            memset(rs + 32, 0, 32);
        if (i % 16 == 4)
            memset(rs, 0, 32);
        if (i % 16 == 5)
            memset(hash.b, i % 32 == 5 ? 0xff : 0, 32);
        if (i % 16 >= 6 && i % 16 < 9) {
            static const uint8_t n[32] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                           0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
                                           0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b,
                                           0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41 };
            memcpy(i % 32 < 16 ? rs : rs + 32, n, 32);
            (i % 32 < 16 ? rs : rs + 32)[31] = (uint8_t)(0x41 - i % 16 + 7); /* n+1, n, n-1 */
        }
        bool got = secp256k1_ecrecover_portable(&a, &hash, rs, i & 1);
        assert_int_equal(got, secp256k1_ecrecover(&b, &hash, rs, i & 1));
        if (got)
            assert_memory_equal(a.b, b.b, 20);
        found += got;
        assert_false(secp256k1_ecrecover_portable(&a, &hash, rs, 2 + (i & 1)));
    }
    assert_true(found > 100);
}

static void ecrecover_of_real_signatures(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        struct crypto_key key;
        struct b256 hash;
        struct crypto_signature sig;
        struct addr want, got;
        random_bytes(key.secret, 32);
        random_bytes(hash.b, 32);
        assert_true(crypto_key_address(&want, &key) && crypto_sign(&sig, &hash, &key));
        uint8_t rs[64];
        u256_to_be32(rs, &sig.r);
        u256_to_be32(rs + 32, &sig.s);
        assert_true(secp256k1_ecrecover_portable(&got, &hash, rs, sig.y_parity));
        assert_memory_equal(got.b, want.b, 20);
    }
}

/* s R = hash G: the key would be infinity. R = G (x = gx), s = hash. */
static void ecrecover_of_infinity_fails(void **state)
{
    (void)state;
    uint8_t rs[64] = { 0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62,
                       0x95, 0xce, 0x87, 0x0b, 0x07, 0x02, 0x9b, 0xfc, 0xdb, 0x2d, 0xce,
                       0x28, 0xd9, 0x59, 0xf2, 0x81, 0x5b, 0x16, 0xf8, 0x17, 0x98 };
    struct b256 hash = b256_of_u64(7);
    struct addr a, b;
    memcpy(rs + 32, hash.b, 32);
    assert_false(secp256k1_ecrecover(&b, &hash, rs, 0));
    assert_false(secp256k1_ecrecover_portable(&a, &hash, rs, 0));
    /* R = -G: nothing cancels */
    assert_true(secp256k1_ecrecover(&b, &hash, rs, 1));
    assert_true(secp256k1_ecrecover_portable(&a, &hash, rs, 1));
    assert_memory_equal(a.b, b.b, 20);
}

static void p256_equals_openssl(void **state)
{
    (void)state;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_non_null(key);
    unsigned good = 0;
    for (unsigned i = 0; i < 60; i++) {
        uint8_t in[160], der[80], *point = NULL, flips[2];
        size_t der_len = sizeof(der);
        random_bytes(in, 32);
        if (i % 7 == 6)
            memset(in, i % 2 ? 0xff : 0, 32);
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
        assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
        assert_int_equal(EVP_PKEY_sign(ctx, der, &der_len, in, 32), 1);
        EVP_PKEY_CTX_free(ctx);
        const uint8_t *p = der;
        ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)der_len);
        assert_non_null(sig);
        assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), in + 32, 32), 32);
        assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), in + 64, 32), 32);
        ECDSA_SIG_free(sig);
        assert_int_equal(EVP_PKEY_get1_encoded_public_key(key, &point), 65);
        memcpy(in + 96, point + 1, 64);
        OPENSSL_free(point);
        assert_true(p256_verify(in));
        good += p256_verify_portable(in);
        random_bytes(flips, 2);
        in[flips[0] % 160u] ^= (uint8_t)(1u << flips[1] % 8);
        assert_int_equal(p256_verify_portable(in), p256_verify(in));
    }
    EVP_PKEY_free(key);
    assert_int_equal(good, 60);
}

static void compare_modexp(const uint8_t *b, size_t bn, const uint8_t *e, size_t en,
                           const uint8_t *m, size_t mn, struct arena *scratch)
{
    uint8_t got[512], want[512];
    assert_true(mn <= sizeof(got));
    assert_true(modexp(want, b, bn, e, en, m, mn, NULL));
    assert_true(modexp_portable(got, b, bn, e, en, m, mn, scratch));
    assert_memory_equal(got, want, mn);
    assert_int_equal(scratch->used, 0);
}

static void modexp_equals_gmp(void **state)
{
    (void)state;
    static uint8_t memory[1 << 16];
    struct arena scratch;
    arena_init(&scratch, memory, sizeof(memory));
    for (unsigned i = 0; i < 3000; i++) {
        uint8_t pick[4], b[200], e[12], m[80];
        random_bytes(pick, sizeof(pick));
        size_t bn = pick[0] % 200u, en = pick[1] % 12u, mn = 1 + pick[2] % 80u;
        random_bytes(b, bn);
        random_bytes(e, en);
        random_bytes(m, mn);
        if (i % 3 == 0) /* limbs of all ones and all zeros: where trial quotients go wrong */
            for (size_t k = 0; k < mn; k++)
                m[k] = m[k / 4 * 4] & 1 ? 0xff : 0;
        if (i % 3 == 0)
            for (size_t k = 0; k < bn; k++)
                b[k] = b[k / 4 * 4] & 1 ? 0xff : 0;
        if (i % 5 == 0)
            memset(m, 0, mn / 2);
        if (i % 7 == 0) {
            memset(m, 0, mn);
            m[pick[3] % mn] = 0x80; /* a power of two */
        }
        compare_modexp(b, bn, e, en, m, mn, &scratch);
    }
}

static void modexp_of_empty_operands(void **state)
{
    (void)state;
    static uint8_t memory[4096];
    struct arena scratch;
    arena_init(&scratch, memory, sizeof(memory));
    const uint8_t zero[4] = { 0 }, one[4] = { 0, 0, 0, 1 }, seven[4] = { 0, 0, 0, 7 };
    const uint8_t *const values[] = { zero, one, seven };
    for (size_t i = 0; i < 3; i++) {
        compare_modexp(NULL, 0, NULL, 0, values[i], 4, &scratch);
        compare_modexp(zero, 4, NULL, 0, values[i], 4, &scratch);
        compare_modexp(NULL, 0, seven, 4, values[i], 4, &scratch);
        compare_modexp(seven, 4, zero, 4, values[i], 4, &scratch);
        compare_modexp(seven, 4, seven, 4, values[i], 4, &scratch);
    }
    compare_modexp(seven, 4, seven, 4, seven, 0, &scratch);
}

static void modexp_reports_a_full_arena(void **state)
{
    (void)state;
    static uint8_t memory[1024];
    static const uint8_t big[256] = { 1 };
    struct arena scratch;
    uint8_t out[256];
    arena_init(&scratch, memory, sizeof(memory));
    assert_false(modexp_portable(out, big, 256, big, 1, big, 256, &scratch));
    assert_int_equal(scratch.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_complete),
        cmocka_unit_test(ecrecover_equals_libsecp256k1),
        cmocka_unit_test(ecrecover_of_real_signatures),
        cmocka_unit_test(ecrecover_of_infinity_fails),
        cmocka_unit_test(p256_equals_openssl),
        cmocka_unit_test(modexp_equals_gmp),
        cmocka_unit_test(modexp_of_empty_operands),
        cmocka_unit_test(modexp_reports_a_full_arena),
    };
    return cmocka_run_group_tests_name("crypto portable", tests, NULL, NULL);
}
