/* tests/fuzz/crypto/fuzz_crypto.c
 *
 * The first byte picks a primitive, the rest is its input. Besides not crashing, what must hold for
 * any input is checked: sums commute, outputs decode again, a second way gives the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "node/crypto/bls12_381.h"
#include "node/crypto/bn254.h"
#include "node/crypto/crypto.h"
#include "node/crypto/kzg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void take(uint8_t *dst, size_t want, const uint8_t *in, size_t len)
{
    memset(dst, 0, want);
    memcpy(dst, in, len < want ? len : want);
}

static void fuzz_bn254_add(const uint8_t *data, size_t len)
{
    uint8_t in[128], swapped[128], a[64], b[64];
    take(in, sizeof(in), data, len);
    memcpy(swapped, in + 64, 64);
    memcpy(swapped + 64, in, 64);
    bool ok = bn254_add(a, in);
    CHECK(ok == bn254_add(b, swapped));
    if (!ok)
        return;
    CHECK(memcmp(a, b, 64) == 0);
    memset(in, 0, sizeof(in));
    memcpy(in, a, 64);
    CHECK(bn254_add(b, in) && memcmp(a, b, 64) == 0); /* on the curve, reduced */
}

/* k P + P = (k + 1) P */
static void fuzz_bn254_mul(const uint8_t *data, size_t len)
{
    uint8_t in[96], sum[128], a[64], b[64];
    take(in, sizeof(in), data, len);
    if (!bn254_mul(a, in))
        return;
    memcpy(sum, a, 64);
    memcpy(sum + 64, in, 64);
    CHECK(bn254_add(a, sum));
    struct u256 k = u256_of_be32(in + 64);
    if (u256_eq(&k, &U256_MAX))
        return;
    k = u256_add(&k, &U256_ONE);
    u256_to_be32(in + 64, &k);
    CHECK(bn254_mul(b, in) && memcmp(a, b, 64) == 0);
}

/* the order of the pairs does not matter */
static void fuzz_bn254_pairing(const uint8_t *data, size_t len)
{
    uint8_t in[384], swapped[384];
    take(in, sizeof(in), data, len);
    memcpy(swapped, in + 192, 192);
    memcpy(swapped + 192, in, 192);
    CHECK(bn254_pairing(in, 2) == bn254_pairing(swapped, 2));
}

/* what decodes encodes to the same bytes */
static void fuzz_bls12_381(const uint8_t *data, size_t len)
{
    uint8_t in[48], out[48];
    struct bls12_381_g1 p;
    take(in, sizeof(in), data, len);
    if (!bls12_381_g1_decompress(&p, in))
        return;
    bls12_381_g1_compress(out, &p);
    CHECK(memcmp(in, out, 48) == 0);
}

static void fuzz_modexp(const uint8_t *data, size_t len)
{
    if (len < 2)
        return;
    size_t base_len = data[0] % 65u, exp_len = data[1] % 9u;
    data += 2;
    len -= 2;
    base_len = base_len < len ? base_len : len;
    exp_len = exp_len < len - base_len ? exp_len : len - base_len;
    const uint8_t *mod = data + base_len + exp_len;
    size_t mod_len = len - base_len - exp_len;
    if (mod_len > 96)
        mod_len = 96;
    uint8_t *out = malloc(mod_len ? mod_len : 1);
    CHECK(out && modexp(out, data, base_len, data + base_len, exp_len, mod, mod_len, NULL));
    bool below = mod_len == 0 || memcmp(out, mod, mod_len) < 0, zero = true;
    for (size_t i = 0; i < mod_len; i++)
        zero &= out[i] == 0;
    CHECK(below || zero);
    free(out);
}

static void fuzz_ecrecover(const uint8_t *data, size_t len)
{
    uint8_t in[97];
    struct addr who;
    struct b256 hash;
    take(in, sizeof(in), data, len);
    memcpy(hash.b, in, 32);
    (void)secp256k1_ecrecover(&who, &hash, in + 32, in[96]);
}

static void fuzz_p256(const uint8_t *data, size_t len)
{
    uint8_t in[160];
    take(in, sizeof(in), data, len);
    (void)p256_verify(in);
}

/* the precompile says what the verifier says, for the commitment's own hash */
static void fuzz_point_evaluation(const uint8_t *data, size_t len)
{
    uint8_t in[192], out[64];
    take(in + 32, 160, data, len);
    kzg_versioned_hash(in, in + 96);
    bool proven = kzg_verify_proof(in + 96, in + 32, in + 64, in + 144) == KZG_PROVEN;
    CHECK(kzg_point_evaluation(out, in) == proven);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static void (*const targets[])(const uint8_t *, size_t) = {
        fuzz_bn254_add, fuzz_bn254_mul, fuzz_bn254_pairing, fuzz_bls12_381,
        fuzz_modexp,    fuzz_ecrecover, fuzz_p256,          fuzz_point_evaluation,
    };
    if (len)
        targets[data[0] % GH_COUNT(targets)](data + 1, len - 1);
    return 0;
}
