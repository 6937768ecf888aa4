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

/* P + Q = Q + P, and what comes out goes in again */
static void fuzz_bls_add(const uint8_t *data, size_t len)
{
    uint8_t in[512], swapped[512], a[256], b[256];
    take(in, sizeof(in), data, len);
    memcpy(swapped, in + 256, 256);
    memcpy(swapped + 256, in, 256);
    bool ok = bls12_381_eip2537_g2_add(a, in);
    CHECK(ok == bls12_381_eip2537_g2_add(b, swapped));
    if (ok) {
        CHECK(memcmp(a, b, 256) == 0);
        memset(in, 0, sizeof(in));
        memcpy(in, a, 256);
        CHECK(bls12_381_eip2537_g2_add(b, in) && memcmp(a, b, 256) == 0);
    }
    memcpy(swapped, in + 128, 128);
    memcpy(swapped + 128, in, 128);
    ok = bls12_381_eip2537_g1_add(a, in);
    CHECK(ok == bls12_381_eip2537_g1_add(b, swapped) && (!ok || memcmp(a, b, 128) == 0));
}

/* Up to 40 terms, made from one point at most: the order of the terms does not matter. */
static void fuzz_bls_msm(const uint8_t *data, size_t len)
{
    static uint8_t in[40 * 160], turned[40 * 160], memory[1 << 18];
    struct arena scratch;
    uint8_t u[64] = { 0 }, point[128], a[128], b[128];
    if (len < 65)
        return;
    memcpy(u + 17, data, 47);
    CHECK(bls12_381_eip2537_map_g1(point, u));
    point[127] ^= data[63] == 0xff; /* beside the curve, now and then */
    size_t n = 1 + data[64] % 40u;
    data += 65;
    len -= 65;
    for (size_t i = 0; i < n; i++) {
        memcpy(in + 160 * i, point, 128);
        take(in + 160 * i + 128, 32, data + (7 * i < len ? 7 * i : len),
             len - (7 * i < len ? 7 * i : len));
        memcpy(turned + 160 * (n - 1 - i), in + 160 * i, 160);
    }
    arena_init(&scratch, memory, sizeof(memory));
    int got = bls12_381_eip2537_g1_msm(a, in, n, &scratch);
    CHECK(got != BLS12_381_NO_MEMORY && got == bls12_381_eip2537_g1_msm(b, turned, n, &scratch));
    CHECK(got != BLS12_381_DONE || memcmp(a, b, 128) == 0);
}

/* the order of the pairs does not matter */
static void fuzz_bls_pairing(const uint8_t *data, size_t len)
{
    uint8_t in[768], swapped[768];
    take(in, sizeof(in), data, len);
    memcpy(swapped, in + 384, 384);
    memcpy(swapped + 384, in, 384);
    CHECK(bls12_381_eip2537_pairing(in, 2) == bls12_381_eip2537_pairing(swapped, 2));
}

/* A map gives a point of the subgroup: it passes where that is checked. */
static void fuzz_bls_map(const uint8_t *data, size_t len)
{
    uint8_t in[128], pair[384] = { 0 };
    take(in, sizeof(in), data, len);
    if (!bls12_381_eip2537_map_g2(pair + 128, in))
        return;
    CHECK(bls12_381_eip2537_map_g1(pair, in) && bls12_381_eip2537_pairing(pair, 1) == 0);
}

/* A blob of two scalars. The verdict is total; infinity is the commitment of the zero polynomial and of no
 * other. */
static void fuzz_kzg_blob(const uint8_t *data, size_t len)
{
    static uint8_t blob[KZG_BLOB_LEN];
    uint8_t head[160], infinity[48] = { 0xc0 };
    take(head, sizeof(head), data, len);
    for (size_t i = 0; i < KZG_BLOB_LEN; i += 32)
        memcpy(blob + i, head + (i % 4096 ? 0 : 32), 32);
    enum kzg_verdict v = kzg_verify_blob_proof(blob, head + 64, head + 112);
    bool zero = true;
    for (size_t i = 0; i < 64; i++)
        zero &= head[i] == 0;
    if (zero)
        CHECK(kzg_verify_blob_proof(blob, infinity, infinity) == KZG_PROVEN);
    CHECK(v != KZG_PROVEN || zero || memcmp(head + 64, infinity, 48) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static void (*const targets[])(const uint8_t *, size_t) = {
        fuzz_bn254_add,   fuzz_bn254_mul, fuzz_bn254_pairing,    fuzz_bls12_381, fuzz_modexp,
        fuzz_ecrecover,   fuzz_p256,      fuzz_point_evaluation, fuzz_bls_add,   fuzz_bls_msm,
        fuzz_bls_pairing, fuzz_bls_map,   fuzz_kzg_blob,
    };
    if (len)
        targets[data[0] % GH_COUNT(targets)](data + 1, len - 1);
    return 0;
}
