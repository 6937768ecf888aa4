/* node/crypto/kzg_blob.c */
#include "node/base/hash.h"
#include "node/crypto/kzg_poly.h"
#include "node/crypto/kzg_sum.h"

static void blob_sum(uint8_t out[48], const struct kzg_setup *setup, const struct u256 *k)
{
    struct bls12_381_g1 sum;
    kzg_sum_blob(&sum, setup, k);
    bls12_381_g1_compress(out, &sum);
}

bool kzg_blob_commitment(uint8_t out[48], const struct kzg_setup *setup,
                         const uint8_t blob[KZG_BLOB_LEN])
{
    struct u256 values[KZG_DEGREE];
    if (!kzg_poly_of_blob(values, blob))
        return false;
    blob_sum(out, setup, values);
    return true;
}

/* compute_challenge: sha256(domain || degree (16 bytes) || blob || commitment) mod r */
static struct u256 challenge(const uint8_t *blob, const uint8_t commitment[48])
{
    static const uint8_t domain[16] = { 'F', 'S', 'B', 'L', 'O', 'B', 'V', 'E',
                                        'R', 'I', 'F', 'Y', '_', 'V', '1', '_' };
    uint8_t in[16 + 16 + KZG_BLOB_LEN + 48] = { 0 };
    memcpy(in, domain, sizeof(domain));
    store_be64(in + 24, KZG_DEGREE);
    memcpy(in + 32, blob, KZG_BLOB_LEN);
    memcpy(in + 32 + KZG_BLOB_LEN, commitment, 48);
    struct b256 hash = sha256(in, sizeof(in));
    struct u256 z = u256_of_b256(&hash);
    return u256_mod(&z, &bls12_381_order);
}

bool kzg_blob_proof(uint8_t out[48], const struct kzg_setup *setup,
                    const uint8_t blob[KZG_BLOB_LEN], const uint8_t commitment[48])
{
    struct bls12_381_g1 c;
    struct u256 values[KZG_DEGREE], quotient[KZG_DEGREE], y;
    if (!bls12_381_g1_decompress(&c, commitment) || !kzg_poly_of_blob(values, blob))
        return false;
    struct u256 z = challenge(blob, commitment);
    kzg_poly_quotient(quotient, &y, values, &z);
    blob_sum(out, setup, quotient);
    return true;
}

bool kzg_proof(uint8_t proof[48], uint8_t y[32], const struct kzg_setup *setup,
               const uint8_t blob[KZG_BLOB_LEN], const uint8_t z[32])
{
    struct u256 values[KZG_DEGREE], quotient[KZG_DEGREE], value, at = u256_of_be32(z);
    if (!u256_lt(&at, &bls12_381_order) || !kzg_poly_of_blob(values, blob))
        return false;
    kzg_poly_quotient(quotient, &value, values, &at);
    blob_sum(proof, setup, quotient);
    u256_to_be32(y, &value);
    return true;
}

enum kzg_verdict kzg_verify_blob_proof(const uint8_t blob[KZG_BLOB_LEN],
                                       const uint8_t commitment[48], const uint8_t proof[48])
{
    struct u256 values[KZG_DEGREE], y;
    uint8_t z_bytes[32], y_bytes[32];
    if (!kzg_poly_of_blob(values, blob))
        return KZG_MALFORMED;
    struct u256 z = challenge(blob, commitment);
    kzg_poly_evaluate(&y, values, &z);
    u256_to_be32(z_bytes, &z);
    u256_to_be32(y_bytes, &y);
    return kzg_verify_proof(commitment, z_bytes, y_bytes, proof);
}
