/* node/crypto/kzg_setup.h   (internal to crypto)
 *
 * The form of kzg_setup.bin; see kzg_setup.md. Affine points of G1, never infinity, coordinates in
 * the inner (Montgomery) form of bls12_381.c, so that the file is used where the linker put it. */
#ifndef GH_CRYPTO_KZG_SETUP_H
#define GH_CRYPTO_KZG_SETUP_H

#include "node/crypto/bls12_381.h"
#include "node/crypto/kzg.h"

#define KZG_DEGREE       4096 /* scalars of a blob */
#define KZG_CELL_SCALARS 64

struct kzg_affine {
    uint64_t x[6], y[6];
};
struct kzg_setup {
    /* the Lagrange polynomials at tau, in the order of a blob's scalars */
    struct kzg_affine lagrange[KZG_DEGREE];
    /* [i][t]: value i, in bit-reversed order, of the transform over the 128th roots of unity of the
     * points tau^t, tau^(64+t), ... tau^(62*64+t) at the places -1, -2, ... -63 (mod 128) */
    struct kzg_affine columns[KZG_CELLS][KZG_CELL_SCALARS];
    struct kzg_affine powers[KZG_CELL_SCALARS]; /* tau^0 to tau^63 */
    struct bls12_381_g2 tau_64;                 /* [tau^64] G2 */
};

#endif
