/* node/crypto/bls12_381.h   (crypto_free)
 *
 * The curve BLS12-381 as far as polynomial commitments need it: G1 arithmetic, the compressed wire
 * form, and the pairing against known G2 points. Freestanding, total, no allocation, a few
 * kilobytes of stack; time depends on the input (nothing here is secret).
 *
 * Source: the draft draft-irtf-cfrg-pairing-friendly-curves, appendix C for the wire form. */
#ifndef GH_CRYPTO_BLS12_381_H
#define GH_CRYPTO_BLS12_381_H

#include "node/base/bytes.h"
#include "node/base/u256.h"

/* A point of the subgroup of order r, in inner form. */
struct bls12_381_g1 {
    uint64_t w[18];
};
/* A point of the subgroup of order r of the twist, affine, big-endian coordinates below p; not
 * infinity. Only for constants: membership is not checked. */
struct bls12_381_g2 {
    uint8_t x_im[48], x_re[48], y_im[48], y_re[48];
};

/* r, the order of both groups and the size of a scalar */
extern const struct u256 bls12_381_order;
extern const struct bls12_381_g1 bls12_381_g1_generator;
extern const struct bls12_381_g2 bls12_381_g2_generator;

/* false: a flag or coordinate is malformed, the point is not on the curve or not of order r */
MUST_USE bool bls12_381_g1_decompress(struct bls12_381_g1 *out, const uint8_t in[48]);
void bls12_381_g1_compress(uint8_t out[48], const struct bls12_381_g1 *p);
/* Results may be the same object as operands. */
void bls12_381_g1_add(struct bls12_381_g1 *r, const struct bls12_381_g1 *p,
                      const struct bls12_381_g1 *q);
void bls12_381_g1_neg(struct bls12_381_g1 *r, const struct bls12_381_g1 *p);
/* k < r */
void bls12_381_g1_mul(struct bls12_381_g1 *r, const struct bls12_381_g1 *p, const struct u256 *k);
/* e(p[0], q[0]) e(p[1], q[1]) is one */
bool bls12_381_pairing_is_one(const struct bls12_381_g1 p[2],
                              const struct bls12_381_g2 *const q[2]);

#endif
