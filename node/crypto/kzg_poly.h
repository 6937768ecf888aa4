/* node/crypto/kzg_poly.h   (internal to crypto)
 *
 * Polynomials of degree below 4096 over the scalars: by values in the order of a blob, or by
 * coefficients. Scalars at this border are plain numbers below r. */
#ifndef GH_CRYPTO_KZG_POLY_H
#define GH_CRYPTO_KZG_POLY_H

#include "node/base/u256.h"
#include "node/crypto/kzg_setup.h"

/* false: a scalar is not below r */
MUST_USE bool kzg_poly_of_blob(struct u256 values[KZG_DEGREE], const uint8_t *blob);
void kzg_poly_evaluate(struct u256 *y, const struct u256 values[KZG_DEGREE], const struct u256 *z);
/* y, and the values of (p - y) / (X - z) */
void kzg_poly_quotient(struct u256 quotient[KZG_DEGREE], struct u256 *y,
                       const struct u256 values[KZG_DEGREE], const struct u256 *z);
/* Replaces the values at the 4096th roots of unity by those at the other 8192nd roots, in the order
 * in which an extended blob continues. */
void kzg_poly_extend(struct u256 values[KZG_DEGREE]);
/* out[i][t]: value i, in bit-reversed order, of the transform over the 128th roots of unity of the
 * coefficients t, 64 + t, ... 63 * 64 + t; divided by 128 */
void kzg_poly_columns(struct u256 out[KZG_CELLS][KZG_CELL_SCALARS],
                      const struct u256 values[KZG_DEGREE]);
/* The coefficients of the polynomial of degree below 64 with the values of a cell, and the c for which
 * the cell is where X^64 = c. */
void kzg_poly_of_cell(struct u256 out[KZG_CELL_SCALARS], struct u256 *power,
                      const struct u256 values[KZG_CELL_SCALARS], unsigned cell);
/* the powers of the 128th root of unity */
void kzg_roots_of_cells(struct u256 out[KZG_CELLS]);

#endif
