/* node/crypto/kzg.h
 *
 * KZG commitments to polynomials of degree below 4096 over the scalars of BLS12-381, as EIP-4844 and
 * EIP-7594 use them: verification of openings (crypto_free: freestanding), and what a sender of blobs
 * computes (crypto: the host only). All functions are total; time depends on the input, which is
 * public.
 *
 * Sources: the consensus specifications, deneb/polynomial-commitments.md and
 * fulu/polynomial-commitments-sampling.md. */
#ifndef GH_CRYPTO_KZG_H
#define GH_CRYPTO_KZG_H

#include "node/base/bytes.h"

enum kzg_verdict {
    KZG_MALFORMED, /* a scalar is not below r, or a point is malformed or not of order r */
    KZG_WRONG,
    KZG_PROVEN,
};
/* KZG_PROVEN: the committed polynomial has the value y at z */
MUST_USE enum kzg_verdict kzg_verify_proof(const uint8_t commitment[48], const uint8_t z[32],
                                           const uint8_t y[32], const uint8_t proof[48]);

/* The precompile at 0x0a: versioned hash (32) || z (32) || y (32) || commitment (48) || proof (48).
 * out: 4096 and r as 32-byte words. false: the hash is not the commitment's, or the proof is not
 * good. */
MUST_USE bool kzg_point_evaluation(uint8_t out[64], const uint8_t in[192]);

/* 0x01 || sha256(commitment)[1..] */
void kzg_versioned_hash(uint8_t out[32], const uint8_t commitment[48]);

/* ---- blobs (library crypto) ----
 * A blob is 4096 big-endian scalars of 32 bytes, a polynomial by its values at the roots of unity in
 * bit-reversed order. The functions change nothing but their outputs, so any number of threads may
 * run them at once. They allocate nothing and take up to KZG_STACK bytes of stack. Outputs may not
 * overlap inputs; after a failure they are undefined. */
#define KZG_BLOB_LEN 131072
#define KZG_CELLS    128
#define KZG_CELL_LEN 2048
#define KZG_STACK    (1280 * 1024)

/* The public constant of Ethereum's ceremony (kzg_setup.md). It is part of the program: nothing is
 * loaded and nothing can fail. */
struct kzg_setup;
const struct kzg_setup *kzg_setup_get(void);

/* false: a scalar of the blob is not below r */
MUST_USE bool kzg_blob_commitment(uint8_t out[48], const struct kzg_setup *setup,
                                  const uint8_t blob[KZG_BLOB_LEN]);
/* The proof for the blob's challenge point (EIP-4844: compute_blob_kzg_proof). The commitment is
 * taken to be the blob's. false: it is no point of the group, or a scalar is not below r. */
MUST_USE bool kzg_blob_proof(uint8_t out[48], const struct kzg_setup *setup,
                             const uint8_t blob[KZG_BLOB_LEN], const uint8_t commitment[48]);
/* The value y at z and its proof. false: z or a scalar of the blob is not below r. */
MUST_USE bool kzg_proof(uint8_t proof[48], uint8_t y[32], const struct kzg_setup *setup,
                        const uint8_t blob[KZG_BLOB_LEN], const uint8_t z[32]);
MUST_USE enum kzg_verdict kzg_verify_blob_proof(const uint8_t blob[KZG_BLOB_LEN],
                                                const uint8_t commitment[48],
                                                const uint8_t proof[48]);
/* The extended blob in cells of 64 scalars and a proof for each (EIP-7594). cells may be NULL: only
 * the proofs are wanted. false: a scalar is not below r. */
MUST_USE bool kzg_cells_and_proofs(uint8_t (*cells)[KZG_CELL_LEN], uint8_t proofs[KZG_CELLS][48],
                                   const struct kzg_setup *setup, const uint8_t blob[KZG_BLOB_LEN]);
/* One cell, by its number and its values. */
MUST_USE enum kzg_verdict kzg_verify_cell(const struct kzg_setup *setup,
                                          const uint8_t commitment[48], uint64_t cell,
                                          const uint8_t values[KZG_CELL_LEN],
                                          const uint8_t proof[48]);

#endif
