/* node/crypto/kzg.h   (crypto_free)
 *
 * Verification of KZG openings (EIP-4844). Freestanding, total. */
#ifndef GH_CRYPTO_KZG_H
#define GH_CRYPTO_KZG_H

#include "node/base/bytes.h"

enum kzg_verdict {
    KZG_MALFORMED, /* z or y is not below r, or a point is malformed or not of order r */
    KZG_WRONG,
    KZG_PROVEN, /* the committed polynomial has the value y at z */
};
enum kzg_verdict kzg_verify_proof(const uint8_t commitment[48], const uint8_t z[32],
                                  const uint8_t y[32], const uint8_t proof[48]);

/* The precompile at 0x0a: versioned hash (32) || z (32) || y (32) || commitment (48) || proof (48).
 * out: 4096 and r as 32-byte words. false: the hash is not the commitment's, or the proof is not
 * good. */
MUST_USE bool kzg_point_evaluation(uint8_t out[64], const uint8_t in[192]);

#endif
