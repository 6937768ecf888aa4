/* tests/bench/crypto/peer_ckzg.c   (not built with the program)
 *
 * The same figures as bench_crypto's from c-kzg-4844 and blst, for ops/bench with GH_BENCH_CKZG:
 * peer_ckzg TRUSTED_SETUP. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <blst.h>
#include <ckzg.h>

static KZGSettings settings;
static Blob *blob;
static Cell *cells;
static KZGProof proof, proof_at_z, *proofs;
static KZGCommitment commitment;
static Bytes32 z, y;
static bool ok;

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void run_commitment(void)
{
    ok = blob_to_kzg_commitment(&commitment, blob, &settings) == C_KZG_OK;
}
static void run_blob_proof(void)
{
    ok = compute_blob_kzg_proof(&proof, blob, (Bytes48 *)&commitment, &settings) == C_KZG_OK;
}
static void run_verify_blob(void)
{
    if (verify_blob_kzg_proof(&ok, blob, (Bytes48 *)&commitment, (Bytes48 *)&proof, &settings))
        ok = false;
}
static void run_point_evaluation(void)
{
    if (verify_kzg_proof(&ok, (Bytes48 *)&commitment, &z, &y, (Bytes48 *)&proof_at_z, &settings))
        ok = false;
}
static void run_cells(void)
{
    ok = compute_cells_and_kzg_proofs(cells, proofs, blob, &settings) == C_KZG_OK;
}
/* as the precompile does it: both points of both pairs are checked for their subgroup */
static void run_pairing(void)
{
    const blst_p1_affine *g1 = blst_p1_affine_generator();
    const blst_p2_affine *g2 = blst_p2_affine_generator();
    blst_p1 doubled;
    blst_p1_affine other;
    blst_p1_double(&doubled, blst_p1_generator());
    blst_p1_to_affine(&other, &doubled);
    const blst_p1_affine *p[2] = { g1, &other };
    const blst_p2_affine *q[2] = { g2, g2 };
    blst_fp12 f;
    ok = true;
    for (int i = 0; i < 2; i++)
        ok = ok && blst_p1_affine_in_g1(p[i]) && blst_p2_affine_in_g2(q[i]);
    blst_miller_loop_n(&f, q, p, 2);
    blst_final_exp(&f, &f);
    ok = ok && !blst_fp12_is_one(&f);
}

static void show(const char *name, void (*run)(void), int rounds)
{
    double best = 1e18;
    for (int k = 0; k < 5; k++) {
        double start = now_us();
        for (int i = 0; i < rounds && (i == 0 || ok); i++)
            run();
        double t = (now_us() - start) / rounds;
        best = t < best ? t : best;
    }
    if (!ok) {
        fprintf(stderr, "%s: wrong answer\n", name);
        exit(1);
    }
    printf("%-24s %10.3f us\n", name, best);
}

int main(int argc, char **argv)
{
    FILE *f = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (!f || load_trusted_setup_file(&settings, f, 0) != C_KZG_OK)
        return 1;
    blob = malloc(sizeof(*blob));
    cells = calloc(CELLS_PER_EXT_BLOB, sizeof(*cells));
    proofs = calloc(CELLS_PER_EXT_BLOB, sizeof(*proofs));
    if (!blob || !cells || !proofs)
        return 1;
    for (size_t i = 0; i < sizeof(*blob); i++)
        blob->bytes[i] = i % 32 ? (unsigned char)(i * 2654435761u >> 13) : 0x12;
    memset(&z, 3, sizeof(z));
    show("kzg_blob_commitment", run_commitment, 1);
    show("kzg_blob_proof", run_blob_proof, 1);
    show("kzg_verify_blob_proof", run_verify_blob, 20);
    if (compute_kzg_proof(&proof_at_z, &y, blob, &z, &settings) != C_KZG_OK)
        return 1;
    show("point_evaluation", run_point_evaluation, 50);
    show("kzg_cells_and_proofs", run_cells, 1);
    show("bls_pairing_2_pairs", run_pairing, 50);
    return 0;
}
