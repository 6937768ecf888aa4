/* node/crypto/host.c: the primitives table of the host. */
#include "node/base/hash.h"
#include "node/crypto/bls12_381.h"
#include "node/crypto/bn254.h"
#include "node/crypto/crypto.h"
#include "node/crypto/kzg.h"
#include "node/crypto/portable.h"

static void host_sha256(struct b256 *out, const void *data, size_t len)
{
    *out = sha256(data, len);
}

static bool host_blob_commitment(uint8_t out[48], const uint8_t *blob)
{
    return kzg_blob_commitment(out, kzg_setup_get(), blob);
}

const struct stf_crypto *crypto_host(void)
{
    static const struct stf_crypto table = {
        .ecrecover = secp256k1_ecrecover,
        .sha256 = host_sha256,
        .ripemd160 = ripemd160,
        .modexp = modexp,
        .bn254_add = bn254_add,
        .bn254_mul = bn254_mul,
        .bn254_pairing = bn254_pairing,
        .blake2f = blake2f,
        .point_evaluation = kzg_point_evaluation,
        .blob_commitment = host_blob_commitment,
        .p256_verify = p256_verify,
        .bls_g1_add = bls12_381_eip2537_g1_add,
        .bls_g1_msm = bls12_381_eip2537_g1_msm,
        .bls_g2_add = bls12_381_eip2537_g2_add,
        .bls_g2_msm = bls12_381_eip2537_g2_msm,
        .bls_pairing = bls12_381_eip2537_pairing,
        .bls_map_g1 = bls12_381_eip2537_map_g1,
        .bls_map_g2 = bls12_381_eip2537_map_g2,
    };
    return &table;
}
