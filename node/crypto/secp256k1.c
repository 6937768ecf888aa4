/* node/crypto/secp256k1.c
 *
 * Keys, signatures and recovery over libsecp256k1. One context for the process: it is only read
 * after it was made and blinded, so all threads share it. */
#include "node/crypto/crypto.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include "node/base/hash.h"
#include "node/base/hex.h"

static secp256k1_context *context; /* owned by the process */
static pthread_once_t context_once = PTHREAD_ONCE_INIT;

static void context_init(void)
{
    context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    CHECK(context != NULL);
    /* blinds the signing tables against power and timing side channels */
    uint8_t seed[32];
    CHECK(RAND_priv_bytes(seed, sizeof(seed)) == 1);
    CHECK(secp256k1_context_randomize(context, seed) == 1);
    OPENSSL_cleanse(seed, sizeof(seed));
}

static const secp256k1_context *secp256k1_shared(void)
{
    CHECK(pthread_once(&context_once, context_init) == 0);
    return context;
}

static struct addr address_of_pubkey(const secp256k1_pubkey *pubkey)
{
    uint8_t point[65];
    size_t len = sizeof(point);
    CHECK(secp256k1_ec_pubkey_serialize(secp256k1_shared(), point, &len, pubkey,
                                        SECP256K1_EC_UNCOMPRESSED) == 1);
    struct b256 hash = keccak256(point + 1, 64);
    return b256_low_addr(&hash);
}

bool crypto_key_parse(struct crypto_key *out, const char *hex, size_t hex_len)
{
    if (hex_decode_exact(out->secret, sizeof(out->secret), hex, hex_len) &&
        secp256k1_ec_seckey_verify(secp256k1_shared(), out->secret) == 1)
        return true;
    crypto_key_clear(out);
    return false;
}

void crypto_key_clear(struct crypto_key *key)
{
    OPENSSL_cleanse(key, sizeof(*key));
}

bool crypto_key_address(struct addr *out, const struct crypto_key *key)
{
    secp256k1_pubkey pubkey;
    if (secp256k1_ec_pubkey_create(secp256k1_shared(), &pubkey, key->secret) != 1)
        return false;
    *out = address_of_pubkey(&pubkey);
    return true;
}

bool crypto_sign(struct crypto_signature *out, const struct b256 *hash,
                 const struct crypto_key *key)
{
    const secp256k1_context *ctx = secp256k1_shared();
    secp256k1_ecdsa_recoverable_signature sig;
    if (secp256k1_ecdsa_sign_recoverable(ctx, &sig, hash->b, key->secret, NULL, NULL) != 1)
        return false;
    uint8_t rs[64];
    int recid = 0;
    CHECK(secp256k1_ecdsa_recoverable_signature_serialize_compact(ctx, rs, &recid, &sig) == 1);
    /* ids 2 and 3 (x of the nonce point above n) have probability 2^-127 and no Ethereum
     * encoding */
    if (recid > 1)
        return false;
    out->r = u256_of_be32(rs);
    out->s = u256_of_be32(rs + 32);
    out->y_parity = (unsigned)recid;
    return true;
}

bool secp256k1_ecrecover(struct addr *out, const struct b256 *hash, const uint8_t rs[64],
                         unsigned recid)
{
    if (recid > 1)
        return false;
    const secp256k1_context *ctx = secp256k1_shared();
    secp256k1_ecdsa_recoverable_signature sig;
    secp256k1_pubkey pubkey;
    if (secp256k1_ecdsa_recoverable_signature_parse_compact(ctx, &sig, rs, (int)recid) != 1 ||
        secp256k1_ecdsa_recover(ctx, &pubkey, &sig, hash->b) != 1)
        return false;
    *out = address_of_pubkey(&pubkey);
    return true;
}

bool crypto_recover(struct addr *out, const struct b256 *hash, const struct u256 *r,
                    const struct u256 *s, unsigned y_parity)
{
    uint8_t rs[64];
    u256_to_be32(rs, r);
    u256_to_be32(rs + 32, s);
    return secp256k1_ecrecover(out, hash, rs, y_parity);
}

/* Range and low s. The library's own parser knows n, so the constants are not repeated here. */
static bool signature_is_canonical(const struct u256 *r, const struct u256 *s)
{
    const secp256k1_context *ctx = secp256k1_shared();
    uint8_t rs[64];
    u256_to_be32(rs, r);
    u256_to_be32(rs + 32, s);
    secp256k1_ecdsa_signature sig;
    if (u256_is_zero(r) || u256_is_zero(s) ||
        secp256k1_ecdsa_signature_parse_compact(ctx, &sig, rs) != 1)
        return false;
    return secp256k1_ecdsa_signature_normalize(ctx, NULL, &sig) == 0;
}

bool crypto_tx_recover_sender(struct stf_tx *tx)
{
    if (tx->type >= TX_SYSTEM)
        return tx->from_is_set;
    struct addr from;
    if (!signature_is_canonical(&tx->r, &tx->s) ||
        !crypto_recover(&from, &tx->signing_hash, &tx->r, &tx->s, tx->y_parity))
        return false;
    tx->from = from;
    tx->from_is_set = true;
    return true;
}
