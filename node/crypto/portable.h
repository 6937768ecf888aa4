/* node/crypto/portable.h   (crypto_free)
 *
 * Primitives in portable C. Freestanding: no globals, no operating system, memory only from an
 * arena that is handed in. Nothing here handles secrets, so nothing here takes constant time.
 * bn254.h, bls12_381.h and kzg.h belong to the same library. */
#ifndef GH_CRYPTO_PORTABLE_H
#define GH_CRYPTO_PORTABLE_H

#include "node/base/arena.h"
#include "node/base/bytes.h"

/* The whole table of the state transition function (node/stf/stf.h), none of it missing. Static. */
struct stf_crypto;
const struct stf_crypto *crypto_portable(void);

/* RIPEMD-160 (Dobbertin, Bosselaers, Preneel 1996) */
void ripemd160(uint8_t out[20], const void *data, size_t len);

/* EIP-152: rounds (4, big-endian) || h (64) || m (128) || t (16) || f (1), the rest
 * little-endian. The caller has checked that f is 0 or 1; time is linear in rounds. */
void blake2f(uint8_t out[64], const uint8_t in[213]);

/* The signer's address. false: r or s outside [1, n-1], recid above 1, or no such key. */
bool secp256k1_ecrecover_portable(struct addr *out, const struct b256 *hash, const uint8_t rs[64],
                                  unsigned recid);
/* EIP-7951: hash || r || s || x || y. false: any number out of range, the point at infinity or off
 * the curve, or the signature does not fit. */
bool p256_verify_portable(const uint8_t in[160]);
/* EIP-198. All lengths may be 0; a zero modulus gives zeros. scratch: about 24 times mod_len, given
 * back before the return. false: out of memory. */
bool modexp_portable(uint8_t *out, const uint8_t *base, size_t base_len, const uint8_t *exp,
                     size_t exp_len, const uint8_t *mod, size_t mod_len, struct arena *scratch);

#endif
