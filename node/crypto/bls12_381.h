/* node/crypto/bls12_381.h   (crypto_free)
 *
 * The curve BLS12-381: what polynomial commitments need of it (G1 arithmetic, the compressed wire
 * form, the pairing against known G2 points), and the operations of EIP-2537. Freestanding, total, a
 * few kilobytes of stack; time depends on the input (nothing here is secret).
 *
 * Source: the draft draft-irtf-cfrg-pairing-friendly-curves, appendix C for the wire form. */
#ifndef GH_CRYPTO_BLS12_381_H
#define GH_CRYPTO_BLS12_381_H

#include "node/base/arena.h"
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

/* A product of pairings: begun as one, multiplied by pairs (any number of times, at most
 * BLS12_381_PAIRS_MAX at once; they share their squarings), compared with one. */
#define BLS12_381_PAIRS_MAX 8u
struct bls12_381_product {
    uint64_t w[72];
};
void bls12_381_product_begin(struct bls12_381_product *product);
void bls12_381_product_multiply(struct bls12_381_product *product, const struct bls12_381_g1 *p,
                                const struct bls12_381_g2 *const *q, size_t pair_cnt);
bool bls12_381_product_is_one(const struct bls12_381_product *product);

/* ---- EIP-2537: inputs and outputs in its wire form ----
 * Every point is checked to be on the curve; of the subgroup only where the EIP says so: for the
 * multiples and the pairing. */
#define BLS12_381_DONE      0
#define BLS12_381_INVALID   (-1)
#define BLS12_381_NO_MEMORY (-2)

/* false: invalid */
bool bls12_381_eip2537_g1_add(uint8_t out[128], const uint8_t in[256]);
bool bls12_381_eip2537_g2_add(uint8_t out[256], const uint8_t in[512]);
/* n terms of 160 or 288 bytes, n > 0. scratch: about 130 or 230 bytes a term and up to 80 kB, given
 * back before the return. */
int bls12_381_eip2537_g1_msm(uint8_t out[128], const uint8_t *in, size_t n, struct arena *scratch);
int bls12_381_eip2537_g2_msm(uint8_t out[256], const uint8_t *in, size_t n, struct arena *scratch);
/* 384 bytes a pair. -1: invalid, 0: the product is not one, 1: it is */
int bls12_381_eip2537_pairing(const uint8_t *in, size_t pair_cnt);
/* false: not a field element */
bool bls12_381_eip2537_map_g1(uint8_t out[128], const uint8_t in[64]);
bool bls12_381_eip2537_map_g2(uint8_t out[256], const uint8_t in[128]);

#endif
