/* tests/bench/crypto/bench_crypto.c
 *
 * Processor time of one call of each primitive, best of several runs: bench_crypto [name part]. Where a
 * library does the same on its own, its runs come in between ours. */
#include <gmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "node/base/hash.h"
#include "node/base/hex.h"
#include "node/crypto/bls12_381.h"
#include "node/crypto/crypto.h"
#include "node/crypto/kzg.h"

static uint8_t in[8192], out[256];
static uint8_t blob[KZG_BLOB_LEN], commitment[48], proof[48];
static uint8_t cells[KZG_CELLS][KZG_CELL_LEN], cell_proofs[KZG_CELLS][48];
static struct crypto_key key;
static struct b256 hash;
static struct crypto_signature sig;

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void put(size_t at, const char *hex)
{
    if (!hex_decode_exact(in + at, strlen(hex) / 2, hex, strlen(hex)))
        abort();
}

/* e(G, H) e(-G, H) as often as wanted */
static void put_pairs(void)
{
    memset(in, 0, sizeof(in));
    for (size_t i = 0; i < 8; i++) {
        in[192 * i + 31] = 1;
        in[192 * i + 63] = 2;
        if (i % 2)
            put(192 * i + 32, "30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd45");
        put(192 * i + 64, "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2");
        put(192 * i + 96, "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed");
        put(192 * i + 128, "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b");
        put(192 * i + 160, "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa");
    }
}

static void put_mul(void)
{
    memset(in, 0, sizeof(in));
    in[31] = 1;
    in[63] = 2;
    in[64 + 31] = 1;
    in[64 + 63] = 2;
    put(64, "2b9f5c1d7a3e8844c0ffee00112233445566778899aabbccddeeff0102030405");
}

static void put_add(void)
{
    put_mul();
    if (!crypto_host()->bn254_mul(out, in))
        abort();
    memcpy(in + 64, out, 64);
}

static void put_signature(void)
{
    hash = keccak256("bench", 5);
    if (!crypto_key_parse(&key, "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
                          64) ||
        !crypto_sign(&sig, &hash, &key))
        abort();
}

static void put_p256(void)
{
    put(0, "4cee90eb86eaa050036147a12d49004b6b9c72bd725d39d4785011fe190f0b4d"
           "a73bd4903f0ce3b639bbbf6e8e80d16931ff4bcf5993d58468e8fb19086e8cac"
           "36dbcd03009df8c59286b162af3bd7fcc0450c9aa81be5d10d312af6c66b1d60"
           "4aebd3099c618202fcfe16ae7770b0c49ab5eadf74b754204a3bb6060e44eff3"
           "7618b065f9832de4ca6ca971a7a1adc826d0f7c00181a5fb2ddf79ae00b4e10e");
}

static void put_modexp(void)
{
    for (size_t i = 0; i < 768; i++)
        in[i] = (uint8_t)(i * 7 + 1);
}

static void put_point_evaluation(void)
{
    put(0, "01e798154708fe7789429634053cbf9f99b619f9f084048927333fce637f549b"
           "564c0a11a0f704f4fc3e8acfe0f8245f0ad1347b378fbf96e206da11a5d36306"
           "24d25032e67a7e6a4910df5834b8fe70e6bcfeeac0352434196bdf4b2485d5a1"
           "8f59a8d2a1a625a17f3fea0fe5eb8c896db3764f3185481bc22f91b4aaffcca2"
           "5f26936857bc3a7c2539ea8ec3a952b7"
           "873033e038326e87ed3e1276fd140253fa08e9fc25fb2d9a98527fc22a2c9612"
           "fbeafdad446cbc7bcdbdcd780af2c16a");
}

/* the same product in BLS12-381 */
static void put_bls_pairs(void)
{
    static const char *const minus_y = "114d1d6855d545a8aa7d76c8cf2e21f267816aef1db507c96655b9d5caa"
                                       "c42364e6f38ba0ecb751bad54dcd6b939c2ca";
    memset(in, 0, sizeof(in));
    for (size_t i = 0; i < 2; i++) {
        uint8_t *pair = in + 384 * i;
        put(384 * i + 16, "17f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac58"
                          "6c55e83ff97a1aeffb3af00adb22c6bb");
        put(384 * i + 80, i ? minus_y
                            : "08b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3ed"
                              "d03cc744a2888ae40caa232946c5e7e1");
        memcpy(pair + 128 + 16, bls12_381_g2_generator.x_re, 48);
        memcpy(pair + 192 + 16, bls12_381_g2_generator.x_im, 48);
        memcpy(pair + 256 + 16, bls12_381_g2_generator.y_re, 48);
        memcpy(pair + 320 + 16, bls12_381_g2_generator.y_im, 48);
    }
}

/* a full blob, its commitment and its proof */
static void put_blob(void)
{
    for (size_t i = 0; i < sizeof(blob); i++)
        blob[i] = i % 32 ? (uint8_t)(i * 2654435761u >> 13) : 0x12;
    if (!kzg_blob_commitment(commitment, kzg_setup_get(), blob) ||
        !kzg_blob_proof(proof, kzg_setup_get(), blob, commitment))
        abort();
}

static bool run_recover(void)
{
    struct addr who;
    return crypto_recover(&who, &hash, &sig.r, &sig.s, sig.y_parity);
}
static bool run_sign(void)
{
    return crypto_sign(&sig, &hash, &key);
}
static bool run_sha256(void)
{
    crypto_host()->sha256(&hash, in, 64);
    return true;
}
static bool run_ripemd160(void)
{
    crypto_host()->ripemd160(out, in, 64);
    return true;
}
static bool run_modexp(void)
{
    static uint8_t big[256];
    return crypto_host()->modexp(big, in, 256, in + 256, 256, in + 512, 256, NULL);
}
/* mpz_powm and nothing else, on numbers that are ready */
static bool run_gmp(void)
{
    static mpz_t base, exp, mod, result;
    if (mpz_sgn(mod) == 0) {
        mpz_inits(base, exp, mod, result, NULL);
        mpz_import(base, 256, 1, 1, 1, 0, in);
        mpz_import(exp, 256, 1, 1, 1, 0, in + 256);
        mpz_import(mod, 256, 1, 1, 1, 0, in + 512);
    }
    mpz_powm(result, base, exp, mod);
    return true;
}
static bool run_p256(void)
{
    return crypto_host()->p256_verify(in);
}
static bool run_add(void)
{
    return crypto_host()->bn254_add(out, in);
}
static bool run_mul(void)
{
    return crypto_host()->bn254_mul(out, in);
}
static bool run_pairing_2(void)
{
    return crypto_host()->bn254_pairing(in, 2) == 1;
}
static bool run_pairing_8(void)
{
    return crypto_host()->bn254_pairing(in, 8) == 1;
}
static bool run_blake2f(void)
{
    in[0] = in[1] = in[2] = 0;
    in[3] = 12;
    crypto_host()->blake2f(out, in);
    return true;
}
static bool run_point_evaluation(void)
{
    return crypto_host()->point_evaluation(out, in);
}

static bool run_bls_pairing(void)
{
    return crypto_host()->bls_pairing(in, 2) == 1;
}
static bool run_bls_map_g1(void)
{
    return crypto_host()->bls_map_g1(out, in + 64);
}
static bool run_bls_map_g2(void)
{
    return crypto_host()->bls_map_g2(out, in + 128);
}
static bool run_commitment(void)
{
    return kzg_blob_commitment(out, kzg_setup_get(), blob);
}
static bool run_blob_proof(void)
{
    return kzg_blob_proof(out, kzg_setup_get(), blob, commitment);
}
static bool run_verify_blob(void)
{
    return kzg_verify_blob_proof(blob, commitment, proof) == KZG_PROVEN;
}
static bool run_cells(void)
{
    return kzg_cells_and_proofs(cells, cell_proofs, kzg_setup_get(), blob);
}

static const struct {
    const char *name;
    void (*prepare)(void);
    bool (*run)(void);
    unsigned rounds;
} benches[] = {
    { "secp256k1_recover", put_signature, run_recover, 1000 },
    { "secp256k1_sign", put_signature, run_sign, 1000 },
    { "sha256_64_bytes", put_modexp, run_sha256, 100000 },
    { "ripemd160_64_bytes", put_modexp, run_ripemd160, 100000 },
    { "modexp_2048_bits", put_modexp, run_modexp, 20 },
    { "p256_verify", put_p256, run_p256, 500 },
    { "blake2f_12_rounds", put_modexp, run_blake2f, 100000 },
    { "bn254_add", put_add, run_add, 5000 },
    { "bn254_mul", put_mul, run_mul, 1000 },
    { "bn254_pairing_2_pairs", put_pairs, run_pairing_2, 50 },
    { "bn254_pairing_8_pairs", put_pairs, run_pairing_8, 20 },
    { "point_evaluation", put_point_evaluation, run_point_evaluation, 50 },
    { "bls_pairing_2_pairs", put_bls_pairs, run_bls_pairing, 50 },
    { "bls_map_g1", put_bls_pairs, run_bls_map_g1, 200 },
    { "bls_map_g2", put_bls_pairs, run_bls_map_g2, 100 },
    { "kzg_blob_commitment", put_blob, run_commitment, 1 },
    { "kzg_blob_proof", put_blob, run_blob_proof, 1 },
    { "kzg_verify_blob_proof", put_blob, run_verify_blob, 20 },
    { "kzg_cells_and_proofs", put_blob, run_cells, 1 },
};

/* what a library does alone on the same input */
static const struct peer {
    const char *of, *name;
    bool (*run)(void);
} peers[] = { { "modexp_2048_bits", "gmp", run_gmp } };

static const struct peer *peer_of(const char *name)
{
    for (size_t i = 0; i < GH_COUNT(peers); i++) {
        if (strcmp(peers[i].of, name) == 0)
            return &peers[i];
    }
    return NULL;
}

/* nanoseconds of one call, the mean of `rounds`; *best becomes it if it is less */
static bool measure(uint64_t *best, bool (*run)(void), unsigned rounds)
{
    uint64_t start = now_ns();
    for (unsigned k = 0; k < rounds; k++) {
        if (!run())
            return false;
    }
    uint64_t t = (now_ns() - start) / rounds;
    *best = t < *best ? t : *best;
    return true;
}

int main(int argc, char **argv)
{
    for (size_t i = 0; i < GH_COUNT(benches); i++) {
        if (argc > 1 && !strstr(benches[i].name, argv[1]))
            continue;
        benches[i].prepare();
        const struct peer *peer = peer_of(benches[i].name);
        uint64_t best = UINT64_MAX, its = UINT64_MAX;
        for (int run = 0; run < 7; run++) {
            if (!measure(&best, benches[i].run, benches[i].rounds) ||
                (peer && !measure(&its, peer->run, benches[i].rounds))) {
                fprintf(stderr, "%s: wrong answer\n", benches[i].name);
                return 1;
            }
        }
        printf("%-24s %10.3f us", benches[i].name, (double)best / 1000);
        if (peer)
            printf("  %s %10.3f us", peer->name, (double)its / 1000);
        printf("\n");
    }
    return 0;
}
