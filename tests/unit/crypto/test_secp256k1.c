/* tests/unit/crypto/test_secp256k1.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "node/base/hash.h"
#include "node/base/hex.h"
#include "node/crypto/crypto.h"

#define CURVE_N "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"

static struct crypto_key key_of(const char *hex)
{
    struct crypto_key k;
    assert_true(crypto_key_parse(&k, hex, strlen(hex)));
    return k;
}

static struct u256 number_of_hex(const char *hex)
{
    uint8_t b[32];
    assert_true(hex_decode_exact(b, 32, hex, strlen(hex)));
    return u256_of_be32(b);
}

static struct u256 number_of_dec(const char *dec)
{
    struct u256 v;
    assert_true(u256_parse_dec(&v, dec, strlen(dec)));
    return v;
}

/* account 0 of the mnemonic "test test ... junk", and the generator */
static void address_of_known_keys(void **state)
{
    (void)state;
    static const char *const known[][2] = {
        { "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
          "f39fd6e51aad88f6f4ce6ab8827279cfffb92266" },
        { "0000000000000000000000000000000000000000000000000000000000000001",
          "7e5f4552091a69125d5dfcb7b8c2659029395bdf" },
    };
    for (size_t i = 0; i < GH_COUNT(known); i++) {
        struct crypto_key k = key_of(known[i][0]);
        struct addr got, want;
        assert_true(crypto_key_address(&got, &k));
        assert_true(hex_decode_exact(want.b, 20, known[i][1], 40));
        assert_memory_equal(got.b, want.b, 20);
        crypto_key_clear(&k);
    }
}

static void key_parse_rejects_bad_keys_and_leaves_zero(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "0x",
        "0x01",
        "0000000000000000000000000000000000000000000000000000000000000000",
        CURVE_N,
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff8",
        "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff8000",
        "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff8g",
    };
    static const uint8_t zero[32];
    for (size_t i = 0; i < GH_COUNT(bad); i++) {
        struct crypto_key k;
        memset(&k, 0xaa, sizeof(k));
        assert_false(crypto_key_parse(&k, bad[i], strlen(bad[i])));
        assert_memory_equal(k.secret, zero, 32);
        struct crypto_signature sig;
        struct addr a;
        struct b256 h = { { 1 } };
        assert_false(crypto_sign(&sig, &h, &k));
        assert_false(crypto_key_address(&a, &k));
    }
    (void)key_of("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140");
}

/* The example of EIP-155: fixes the deterministic nonce too. */
static void sign_gives_the_eip155_example(void **state)
{
    (void)state;
    struct crypto_key k =
        key_of("0x4646464646464646464646464646464646464646464646464646464646464646");
    static const char rlp[] = "ec098504a817c8008252089435353535353535353535353535353535353535358"
                              "80de0b6b3a764000080018080";
    uint8_t preimage[45];
    assert_true(hex_decode_exact(preimage, sizeof(preimage), rlp, strlen(rlp)));
    struct b256 hash = keccak256(preimage, sizeof(preimage));
    struct crypto_signature sig;
    assert_true(crypto_sign(&sig, &hash, &k));
    struct u256 r = number_of_dec(
        "18515461264373351373200002665853028612451056578545711640558177340181847433846");
    struct u256 s = number_of_dec(
        "46948507304638947509940763649030358759909902576025900602547168820602576006531");
    assert_true(u256_eq(&sig.r, &r));
    assert_true(u256_eq(&sig.s, &s));
    assert_int_equal(sig.y_parity, 0);
}

static void sign_and_recover_round_trip(void **state)
{
    (void)state;
    struct u256 half_n =
        number_of_hex("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0");
    unsigned parity_seen = 0;
    struct b256 seed = { { 7 } };
    for (int i = 0; i < 64; i++) {
        struct crypto_key k;
        seed = keccak256(seed.b, 32);
        memcpy(k.secret, seed.b, 32);
        struct b256 hash = keccak256(k.secret, 32);
        struct crypto_signature sig;
        struct addr who, want;
        assert_true(crypto_key_address(&want, &k));
        assert_true(crypto_sign(&sig, &hash, &k));
        assert_false(u256_lt(&half_n, &sig.s));
        parity_seen |= 1u << sig.y_parity;
        assert_true(crypto_recover(&who, &hash, &sig.r, &sig.s, sig.y_parity));
        assert_memory_equal(who.b, want.b, 20);
        /* another message or parity names somebody else, if anybody */
        if (crypto_recover(&who, &hash, &sig.r, &sig.s, sig.y_parity ^ 1))
            assert_memory_not_equal(who.b, want.b, 20);
        hash.b[31] ^= 1;
        assert_true(crypto_recover(&who, &hash, &sig.r, &sig.s, sig.y_parity));
        assert_memory_not_equal(who.b, want.b, 20);
    }
    assert_int_equal(parity_seen, 3);
}

static void recover_rejects_numbers_out_of_range(void **state)
{
    (void)state;
    struct crypto_key k =
        key_of("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
    struct b256 hash = keccak256("x", 1);
    struct crypto_signature sig;
    struct addr who;
    assert_true(crypto_sign(&sig, &hash, &k));
    struct u256 n = number_of_hex(CURVE_N), zero = U256_ZERO, max = U256_MAX;
    assert_false(crypto_recover(&who, &hash, &zero, &sig.s, sig.y_parity));
    assert_false(crypto_recover(&who, &hash, &sig.r, &zero, sig.y_parity));
    assert_false(crypto_recover(&who, &hash, &n, &sig.s, sig.y_parity));
    assert_false(crypto_recover(&who, &hash, &sig.r, &n, sig.y_parity));
    assert_false(crypto_recover(&who, &hash, &max, &max, sig.y_parity));
    for (unsigned v = 2; v < 40; v++)
        assert_false(crypto_recover(&who, &hash, &sig.r, &sig.s, v));
    assert_false(crypto_recover(&who, &hash, &sig.r, &sig.s, UINT32_MAX));
}

static struct stf_tx signed_tx(struct addr *signer)
{
    struct crypto_key k =
        key_of("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
    struct stf_tx tx;
    memset(&tx, 0, sizeof(tx));
    tx.type = TX_DYNAMIC_FEE;
    tx.signing_hash = keccak256("transfer", 8);
    struct crypto_signature sig;
    assert_true(crypto_sign(&sig, &tx.signing_hash, &k));
    assert_true(crypto_key_address(signer, &k));
    tx.r = sig.r;
    tx.s = sig.s;
    tx.y_parity = (uint8_t)sig.y_parity;
    return tx;
}

static void tx_sender_is_recovered(void **state)
{
    (void)state;
    struct addr signer;
    struct stf_tx tx = signed_tx(&signer);
    assert_true(crypto_tx_recover_sender(&tx));
    assert_true(tx.from_is_set);
    assert_memory_equal(tx.from.b, signer.b, 20);
}

static void tx_with_high_s_is_refused(void **state)
{
    (void)state;
    struct addr signer, who;
    struct stf_tx tx = signed_tx(&signer);
    struct u256 n = number_of_hex(CURVE_N);
    tx.s = u256_sub(&n, &tx.s);
    tx.y_parity ^= 1;
    /* the mirrored signature is mathematically good: the precompile takes it, a transaction does
     * not */
    assert_true(crypto_recover(&who, &tx.signing_hash, &tx.r, &tx.s, tx.y_parity));
    assert_memory_equal(who.b, signer.b, 20);
    assert_false(crypto_tx_recover_sender(&tx));
    assert_false(tx.from_is_set);
}

static void tx_with_s_at_the_limit(void **state)
{
    (void)state;
    struct addr signer;
    struct stf_tx tx = signed_tx(&signer);
    tx.s = number_of_hex("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0");
    assert_true(crypto_tx_recover_sender(&tx));
    tx.from_is_set = false;
    tx.s = u256_add(&tx.s, &U256_ONE);
    assert_false(crypto_tx_recover_sender(&tx));
    assert_false(tx.from_is_set);
}

static void tx_from_l1_keeps_its_sender(void **state)
{
    (void)state;
    static const uint8_t types[] = { TX_SYSTEM, TX_UPGRADE, TX_PRIORITY };
    for (size_t i = 0; i < GH_COUNT(types); i++) {
        struct stf_tx tx;
        memset(&tx, 0, sizeof(tx));
        tx.type = types[i];
        assert_false(crypto_tx_recover_sender(&tx));
        tx.from_is_set = true;
        tx.from = addr_of_u32(0x8001);
        assert_true(crypto_tx_recover_sender(&tx));
        struct addr want = addr_of_u32(0x8001);
        assert_memory_equal(tx.from.b, want.b, 20);
    }
}

static void *recover_many(void *arg)
{
    struct addr signer;
    struct stf_tx tx = signed_tx(&signer);
    for (int i = 0; i < 200; i++) {
        tx.from_is_set = false;
        if (!crypto_tx_recover_sender(&tx) || memcmp(tx.from.b, signer.b, 20) != 0)
            return NULL;
    }
    return arg;
}

static void recovery_runs_on_many_threads(void **state)
{
    (void)state;
    pthread_t t[4];
    int token = 0;
    for (size_t i = 0; i < GH_COUNT(t); i++)
        assert_int_equal(pthread_create(&t[i], NULL, recover_many, &token), 0);
    for (size_t i = 0; i < GH_COUNT(t); i++) {
        void *ret = NULL;
        assert_int_equal(pthread_join(t[i], &ret), 0);
        assert_ptr_equal(ret, &token);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recovery_runs_on_many_threads), /* first: it makes the shared context */
        cmocka_unit_test(address_of_known_keys),
        cmocka_unit_test(key_parse_rejects_bad_keys_and_leaves_zero),
        cmocka_unit_test(sign_gives_the_eip155_example),
        cmocka_unit_test(sign_and_recover_round_trip),
        cmocka_unit_test(recover_rejects_numbers_out_of_range),
        cmocka_unit_test(tx_sender_is_recovered),
        cmocka_unit_test(tx_with_high_s_is_refused),
        cmocka_unit_test(tx_with_s_at_the_limit),
        cmocka_unit_test(tx_from_l1_keeps_its_sender),
    };
    return cmocka_run_group_tests_name("crypto secp256k1", tests, NULL, NULL);
}
