/* node/crypto/kzg_cells.c
 *
 * Cells and their proofs (EIP-7594), all proofs at once (Feist, Khovratovich, "Fast amortized KZG
 * proofs", 2023). Cell k holds the values where X^64 = c for c the bit-reversed k-th power of a
 * 128th root of unity, so its proof is p divided by X^64 - c, at tau:
 *   sum over s of c^s H_s,  H_s = sum over j >= 64 (s + 1) of p_j tau^(j - 64 (s + 1)):
 * a transform of H_0, ... H_62. Split by j mod 64, every H_s is a sum of 64 correlations of
 * coefficients with powers of tau, which transforms over the 128th roots make products of values; the
 * transforms of the powers are in the setup. */
#include "node/crypto/kzg_poly.h"
#include "node/crypto/kzg_sum.h"

#define H_CNT (KZG_DEGREE / KZG_CELL_SCALARS - 1)

/* u = a + b, v = a - b */
static void butterfly(struct bls12_381_g1 *a, struct bls12_381_g1 *b)
{
    struct bls12_381_g1 minus;
    bls12_381_g1_neg(&minus, b);
    *b = *a;
    bls12_381_g1_add(b, b, &minus);
    bls12_381_g1_neg(&minus, &minus);
    bls12_381_g1_add(a, a, &minus);
}

/* to values in bit-reversed order */
static void transform(struct bls12_381_g1 a[KZG_CELLS], const struct u256 roots[KZG_CELLS])
{
    for (size_t half = KZG_CELLS / 2; half > 0; half /= 2) {
        size_t step = KZG_CELLS / (2 * half);
        for (size_t k = 0; k < KZG_CELLS; k += 2 * half) {
            for (size_t j = k; j < k + half; j++) {
                butterfly(&a[j], &a[j + half]);
                if (j > k)
                    bls12_381_g1_mul(&a[j + half], &a[j + half], &roots[(j - k) * step]);
            }
        }
    }
}

/* from values in bit-reversed order; 128 times the result */
static void transform_back(struct bls12_381_g1 a[KZG_CELLS], const struct u256 roots[KZG_CELLS])
{
    for (size_t half = 1; half < KZG_CELLS; half *= 2) {
        size_t step = KZG_CELLS / (2 * half);
        for (size_t k = 0; k < KZG_CELLS; k += 2 * half) {
            for (size_t j = k; j < k + half; j++) {
                if (j > k)
                    bls12_381_g1_mul(&a[j + half], &a[j + half],
                                     &roots[KZG_CELLS - (j - k) * step]);
                butterfly(&a[j], &a[j + half]);
            }
        }
    }
}

static void prove_cells(uint8_t proofs[KZG_CELLS][48], const struct kzg_setup *setup,
                        const struct u256 values[KZG_DEGREE])
{
    struct u256 columns[KZG_CELLS][KZG_CELL_SCALARS], roots[KZG_CELLS];
    struct bls12_381_g1 h[KZG_CELLS];
    kzg_roots_of_cells(roots);
    kzg_poly_columns(columns, values);
    for (size_t i = 0; i < KZG_CELLS; i++)
        kzg_sum_64(&h[i], setup->columns[i], columns[i]);
    transform_back(h, roots);
    const uint8_t infinity[48] = { 0xc0 };
    for (size_t s = H_CNT; s < KZG_CELLS; s++)
        CHECK(bls12_381_g1_decompress(&h[s], infinity));
    transform(h, roots);
    for (size_t i = 0; i < KZG_CELLS; i++)
        bls12_381_g1_compress(proofs[i], &h[i]);
}

bool kzg_cells_and_proofs(uint8_t (*cells)[KZG_CELL_LEN], uint8_t proofs[KZG_CELLS][48],
                          const struct kzg_setup *setup, const uint8_t blob[KZG_BLOB_LEN])
{
    struct u256 values[KZG_DEGREE];
    if (!kzg_poly_of_blob(values, blob))
        return false;
    prove_cells(proofs, setup, values);
    if (cells) {
        kzg_poly_extend(values);
        memcpy(cells[0], blob, KZG_BLOB_LEN);
        for (size_t i = 0; i < KZG_DEGREE; i++)
            u256_to_be32(cells[KZG_CELLS / 2 + i / KZG_CELL_SCALARS] + i % KZG_CELL_SCALARS * 32,
                         &values[i]);
    }
    return true;
}

/* With I the polynomial of the cell's values: C - I = (tau^64 - c) proof. */
enum kzg_verdict kzg_verify_cell(const struct kzg_setup *setup, const uint8_t commitment[48],
                                 uint64_t cell, const uint8_t values[KZG_CELL_LEN],
                                 const uint8_t proof[48])
{
    struct u256 scalars[KZG_CELL_SCALARS], c;
    struct bls12_381_g1 p[2], sum;
    if (cell >= KZG_CELLS || !bls12_381_g1_decompress(&p[0], commitment) ||
        !bls12_381_g1_decompress(&p[1], proof))
        return KZG_MALFORMED;
    for (size_t i = 0; i < KZG_CELL_SCALARS; i++) {
        scalars[i] = u256_of_be32(values + 32 * i);
        if (!u256_lt(&scalars[i], &bls12_381_order))
            return KZG_MALFORMED;
    }
    kzg_poly_of_cell(scalars, &c, scalars, (unsigned)cell);
    kzg_sum_64(&sum, setup->powers, scalars);
    bls12_381_g1_neg(&sum, &sum);
    bls12_381_g1_add(&p[0], &p[0], &sum);
    bls12_381_g1_mul(&sum, &p[1], &c);
    bls12_381_g1_add(&p[0], &p[0], &sum);
    bls12_381_g1_neg(&p[1], &p[1]);
    const struct bls12_381_g2 *const q[2] = { &bls12_381_g2_generator, &setup->tau_64 };
    return bls12_381_pairing_is_one(p, q) ? KZG_PROVEN : KZG_WRONG;
}
