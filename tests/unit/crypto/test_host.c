/* tests/unit/crypto/test_host.c
 *
 * The entries of the host table against second implementations (OpenSSL, GMP) on many lengths, and
 * the corners that public vectors leave out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gmp.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "node/base/hash.h"
#include "node/base/hex.h"
#include "node/crypto/crypto.h"
#include "tests/unit/crypto/random.h"

static void hashes_equal_openssl_for_all_short_lengths(void **state)
{
    (void)state;
    uint8_t data[400], want[64], got20[20];
    random_bytes(data, sizeof(data));
    for (size_t len = 0; len <= sizeof(data); len++) {
        unsigned n = 0;
        struct b256 got;
        assert_int_equal(EVP_Digest(data, len, want, &n, EVP_sha256(), NULL), 1);
        crypto_host()->sha256(&got, data, len);
        assert_memory_equal(got.b, want, 32);
        assert_int_equal(EVP_Digest(data, len, want, &n, EVP_ripemd160(), NULL), 1);
        crypto_host()->ripemd160(got20, data, len);
        assert_memory_equal(got20, want, 20);
    }
}

static void blake2f_equals_blake2b_of_one_block(void **state)
{
    (void)state;
    for (size_t len = 0; len <= 128; len++) {
        uint8_t in[213] = { 0, 0, 0, 12 }, out[64], want[64];
        static const uint64_t h[8] = {
            0x6a09e667f3bcc908 ^ 0x01010040,
            0xbb67ae8584caa73b,
            0x3c6ef372fe94f82b,
            0xa54ff53a5f1d36f1,
            0x510e527fade682d1,
            0x9b05688c2b3e6c1f,
            0x1f83d9abfb41bd6b,
            0x5be0cd19137e2179,
        };
        for (size_t i = 0; i < 8; i++)
            store_le64(in + 4 + 8 * i, h[i]);
        random_bytes(in + 68, len);
        store_le64(in + 196, len);
        in[212] = 1;
        crypto_host()->blake2f(out, in);
        unsigned n = 0;
        assert_int_equal(EVP_Digest(in + 68, len, want, &n, EVP_blake2b512(), NULL), 1);
        assert_memory_equal(out, want, 64);
    }
}

static void modexp_with_empty_operands(void **state)
{
    (void)state;
    const struct stf_crypto *c = crypto_host();
    uint8_t out[4], canary[4] = { 1, 2, 3, 4 };
    const uint8_t seven[4] = { 0, 0, 0, 7 }, one[4] = { 0, 0, 0, 1 }, zero[4] = { 0 };

    memcpy(out, canary, 4);
    assert_true(c->modexp(out, NULL, 0, NULL, 0, NULL, 0, NULL)); /* nothing to write */
    assert_memory_equal(out, canary, 4);
    assert_true(c->modexp(out, NULL, 0, NULL, 0, seven, 4, NULL)); /* 0^0 = 1 */
    assert_memory_equal(out, one, 4);
    assert_true(c->modexp(out, NULL, 0, NULL, 0, one, 4, NULL)); /* all is 0 modulo 1 */
    assert_memory_equal(out, zero, 4);
    assert_true(c->modexp(out, seven, 4, NULL, 0, zero, 4, NULL)); /* zero modulus */
    assert_memory_equal(out, zero, 4);
    assert_true(c->modexp(out, NULL, 0, seven, 4, seven, 4, NULL)); /* 0^7 */
    assert_memory_equal(out, zero, 4);
    assert_true(c->modexp(out, zero, 4, zero, 4, seven, 4, NULL));
    assert_memory_equal(out, one, 4);
}

static void modexp_refuses_operands_beyond_its_bound(void **state)
{
    (void)state;
    uint8_t b = 0;
    assert_false(crypto_host()->modexp(&b, &b, SIZE_MAX, &b, 1, &b, 1, NULL));
    assert_false(crypto_host()->modexp(&b, &b, 1, &b, SIZE_MAX, &b, 1, NULL));
    assert_false(crypto_host()->modexp(&b, &b, 1, &b, 1, &b, SIZE_MAX, NULL));
    assert_false(crypto_host()->modexp(&b, &b, CRYPTO_MODEXP_MAX_LEN, &b, 1, &b, 0, NULL));
}

/* square and multiply by hand over GMP's product and remainder */
static void slow_powm(mpz_t out, const mpz_t b, const mpz_t e, const mpz_t m)
{
    mpz_set_ui(out, 1);
    mpz_mod(out, out, m);
    for (size_t i = mpz_sizeinbase(e, 2); i-- > 0;) {
        mpz_mul(out, out, out);
        mpz_mod(out, out, m);
        if (mpz_tstbit(e, i)) {
            mpz_mul(out, out, b);
            mpz_mod(out, out, m);
        }
    }
}

static void modexp_equals_square_and_multiply(void **state)
{
    (void)state;
    for (size_t round = 0; round < 300; round++) {
        uint8_t pick[3], b[70], e[20], m[70], out[70], want[70];
        random_bytes(pick, 3);
        size_t bn = pick[0] % 70u, en = pick[1] % 20u, mn = 1 + pick[2] % 69u;
        random_bytes(b, bn);
        random_bytes(e, en);
        random_bytes(m, mn);
        if (round % 3 == 0)
            m[mn - 1] &= 0xf0; /* even moduli */
        if (round % 5 == 0)
            m[0] = 0; /* leading zeros */
        mpz_t zb, ze, zm, zr;
        mpz_inits(zb, ze, zm, zr, NULL);
        mpz_import(zb, bn, 1, 1, 1, 0, b);
        mpz_import(ze, en, 1, 1, 1, 0, e);
        mpz_import(zm, mn, 1, 1, 1, 0, m);
        memset(want, 0, sizeof(want));
        if (mpz_sgn(zm) != 0) {
            slow_powm(zr, zb, ze, zm);
            size_t n = (mpz_sizeinbase(zr, 2) + 7) / 8;
            if (mpz_sgn(zr) != 0)
                mpz_export(want + mn - n, NULL, 1, 1, 1, 0, zr);
        }
        mpz_clears(zb, ze, zm, zr, NULL);
        assert_true(crypto_host()->modexp(out, b, bn, e, en, m, mn, NULL));
        assert_memory_equal(out, want, mn);
    }
}

/* Signs with OpenSSL and hands the raw numbers to the verifier. */
static void p256_make(uint8_t in[160], EVP_PKEY *key)
{
    uint8_t der[80], *point = NULL;
    size_t der_len = sizeof(der);
    random_bytes(in, 32);
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
}

static void p256_accepts_openssl_signatures_and_no_bit_flip(void **state)
{
    (void)state;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_non_null(key);
    uint8_t in[160];
    for (int i = 0; i < 8; i++) {
        p256_make(in, key);
        assert_true(crypto_host()->p256_verify(in));
    }
    for (size_t bit = 0; bit < 160 * 8; bit += 7) {
        in[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(crypto_host()->p256_verify(in));
        in[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(crypto_host()->p256_verify(in));
    EVP_PKEY_free(key);
}

static void p256_rejects_zero_and_unreduced_numbers(void **state)
{
    (void)state;
    static const char n[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    static const char p[] = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";
    EVP_PKEY *key = EVP_EC_gen("P-256");
    uint8_t good[160], in[160], big[2][32];
    p256_make(good, key);
    EVP_PKEY_free(key);
    assert_true(hex_decode_exact(big[0], 32, n, 64));
    assert_true(hex_decode_exact(big[1], 32, p, 64));
    for (size_t field = 1; field < 5; field++) {
        memcpy(in, good, sizeof(in));
        memset(in + 32 * field, 0, 32);
        assert_false(crypto_host()->p256_verify(in));
        memcpy(in + 32 * field, big[field >= 3], 32);
        assert_false(crypto_host()->p256_verify(in));
        memset(in + 32 * field, 0xff, 32);
        assert_false(crypto_host()->p256_verify(in));
    }
    memcpy(in, good, sizeof(in));
    memset(in + 96, 0, 64); /* infinity */
    assert_false(crypto_host()->p256_verify(in));
    memset(in, 0, sizeof(in));
    assert_false(crypto_host()->p256_verify(in));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_equal_openssl_for_all_short_lengths),
        cmocka_unit_test(blake2f_equals_blake2b_of_one_block),
        cmocka_unit_test(modexp_with_empty_operands),
        cmocka_unit_test(modexp_refuses_operands_beyond_its_bound),
        cmocka_unit_test(modexp_equals_square_and_multiply),
        cmocka_unit_test(p256_accepts_openssl_signatures_and_no_bit_flip),
        cmocka_unit_test(p256_rejects_zero_and_unreduced_numbers),
    };
    return cmocka_run_group_tests_name("crypto host table", tests, NULL, NULL);
}
