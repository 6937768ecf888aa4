/* node/crypto/kzg_sum.h   (internal to crypto)
 *
 * Sums of multiples of the points of the setup. */
#ifndef GH_CRYPTO_KZG_SUM_H
#define GH_CRYPTO_KZG_SUM_H

#include "node/base/u256.h"
#include "node/crypto/kzg_setup.h"

/* the polynomial with these values at tau: the sum of k[i] lagrange[i]; k[i] < r */
void kzg_sum_blob(struct bls12_381_g1 *r, const struct kzg_setup *setup,
                  const struct u256 k[KZG_DEGREE]);
/* the sum of k[i] p[i] over 64 points of the setup; k[i] < r */
void kzg_sum_64(struct bls12_381_g1 *r, const struct kzg_affine p[KZG_CELL_SCALARS],
                const struct u256 k[KZG_CELL_SCALARS]);

#endif
