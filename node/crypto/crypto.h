/* node/crypto/crypto.h   (crypto)
 *
 * Host side of the primitives: the table the state transition function takes (struct stf_crypto),
 * and secp256k1 for our own transactions. Every function may be called from any thread at any time;
 * the tables behind them are made once, at the first call, and never change afterwards. Nothing
 * here keeps a pointer it was given.
 *
 * secp256k1 comes from libsecp256k1, P-256 from OpenSSL, modexp from GMP; the others are our own
 * (sha256 of base_free, the rest of crypto_free). */
#ifndef GH_CRYPTO_CRYPTO_H
#define GH_CRYPTO_CRYPTO_H

#include "node/base/bytes.h"
#include "node/base/u256.h"
#include "node/stf/stf.h"

/* Static; never NULL. modexp answers "out of memory" for operands above CRYPTO_MODEXP_MAX_LEN bytes
 * together: far beyond what a gas limit buys. */
const struct stf_crypto *crypto_host(void);
#define CRYPTO_MODEXP_MAX_LEN ((size_t)16 << 20)

/* A secp256k1 secret key in [1, n-1], big-endian. Owner clears it with crypto_key_clear. */
struct crypto_key {
    uint8_t secret[32];
};
struct crypto_signature {
    struct u256 r, s;  /* s <= n/2 */
    unsigned y_parity; /* 0 or 1 */
};

/* 64 hexadecimal digits with or without "0x". false: wrong length or digit, zero, or not below n;
 * *out is then zero. */
MUST_USE bool crypto_key_parse(struct crypto_key *out, const char *hex, size_t hex_len);
void crypto_key_clear(struct crypto_key *key);
/* false only for a key that crypto_key_parse would not give out */
MUST_USE bool crypto_key_address(struct addr *out, const struct crypto_key *key);

/* Deterministic (RFC 6979), low s. false only for a key that crypto_key_parse would not give
 * out. */
MUST_USE bool crypto_sign(struct crypto_signature *out, const struct b256 *hash,
                          const struct crypto_key *key);
/* The signer's address. Accepts high s, like the ecrecover precompile. false: r or s out of
 * range, y_parity above 1, or no such key. */
MUST_USE bool crypto_recover(struct addr *out, const struct b256 *hash, const struct u256 *r,
                             const struct u256 *s, unsigned y_parity);
/* Fills tx->from of an L2 transaction from signing_hash, r, s and y_parity, and sets from_is_set.
 * false: r or s out of range, s above n/2 (EIP-2), or no such key; the transaction is untouched. L1
 * and system transactions carry their sender: true when it is set. */
MUST_USE bool crypto_tx_recover_sender(struct stf_tx *tx);

/* ---- entries of the table with a file of their own ---- */

/* EIP-7951: hash || r || s || x || y. false: any number out of range, the point at infinity or off
 * the curve, or the signature does not fit. */
bool p256_verify(const uint8_t in[160]);
/* EIP-198; stf.h has the contract. All lengths may be 0; a zero modulus gives zeros. */
bool modexp(uint8_t *out, const uint8_t *base, size_t base_len, const uint8_t *exp, size_t exp_len,
            const uint8_t *mod, size_t mod_len, struct arena *scratch);
bool secp256k1_ecrecover(struct addr *out, const struct b256 *hash, const uint8_t rs[64],
                         unsigned recid);

#endif
