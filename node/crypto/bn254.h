/* node/crypto/bn254.h   (crypto_free)
 *
 * The curve BN254 (alt_bn128): y^2 = x^3 + 3 over a prime field of 254 bits, with the wire forms of
 * EIP-196 and EIP-197. Numbers are 32 bytes, big-endian, below the field modulus p; a G1 point is x
 * || y, a G2 point x.im || x.re || y.im || y.re; all zeros is infinity. Freestanding, total, no
 * allocation, a few kilobytes of stack; time depends on the input (nothing here is secret). */
#ifndef GH_CRYPTO_BN254_H
#define GH_CRYPTO_BN254_H

#include "node/base/bytes.h"

/* out = in[0..64] + in[64..128]. false: a coordinate is not below p or a point is not on the
 * curve. */
MUST_USE bool bn254_add(uint8_t out[64], const uint8_t in[128]);
/* out = k P with P = in[0..64] and k = in[64..96], any 256-bit number. false as above. */
MUST_USE bool bn254_mul(uint8_t out[64], const uint8_t in[96]);
/* The product of e(P_i, Q_i) over pairs of 192 bytes, P_i || Q_i. 1: it is one (also without
 * pairs), 0: it is not, -1: a coordinate is not below p, a point is not on its curve, or Q_i is
 * outside the subgroup of order r. */
MUST_USE int bn254_pairing(const uint8_t *in, size_t pair_cnt);

#endif
