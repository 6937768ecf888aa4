/* tests/unit/crypto/crypto_driver.c
 *
 * Lets another program compute with ours: reads lines "<operation> <hex>" and answers each with the
 * output in hex, with "true" or "false", or with "refused". crypto_driver --portable takes the portable
 * table and arithmetic. Ends with its input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/base/hex.h"
#include "node/crypto/crypto.h"
#include "node/crypto/kzg.h"
#include "node/crypto/mont_adx.h"
#include "node/crypto/portable.h"

#define OUT_MAX ((size_t)KZG_CELLS * (KZG_CELL_LEN + 48))

static const struct stf_crypto *table;
static struct arena scratch;

static uint8_t in[KZG_BLOB_LEN + 4096], out[OUT_MAX];

/* An operation gets input of its length (0: any multiple of `unit`) and returns the length of its
 * output, or one of these. */
enum { REFUSED = -1, IS_FALSE = -2, IS_TRUE = -3 };

static int verdict(enum kzg_verdict v)
{
    return v == KZG_MALFORMED ? REFUSED : v == KZG_PROVEN ? IS_TRUE : IS_FALSE;
}
static int output(bool ok, int len)
{
    return ok ? len : REFUSED;
}
static int pairing(int result)
{
    return result < 0 ? REFUSED : result ? IS_TRUE : IS_FALSE;
}

static int bn_add(size_t n)
{
    (void)n;
    return output(table->bn254_add(out, in), 64);
}
static int bn_mul(size_t n)
{
    (void)n;
    return output(table->bn254_mul(out, in), 64);
}
static int bn_pairing(size_t n)
{
    return pairing(table->bn254_pairing(in, n));
}
static int g1_add(size_t n)
{
    (void)n;
    return output(table->bls_g1_add(out, in), 128);
}
static int g2_add(size_t n)
{
    (void)n;
    return output(table->bls_g2_add(out, in), 256);
}
static int g1_msm(size_t n)
{
    return output(table->bls_g1_msm(out, in, n, &scratch) == 0, 128);
}
static int g2_msm(size_t n)
{
    return output(table->bls_g2_msm(out, in, n, &scratch) == 0, 256);
}
static int bls_pairing(size_t n)
{
    return pairing(table->bls_pairing(in, n));
}
static int map_g1(size_t n)
{
    (void)n;
    return output(table->bls_map_g1(out, in), 128);
}
static int map_g2(size_t n)
{
    (void)n;
    return output(table->bls_map_g2(out, in), 256);
}
static int modexp_256(size_t n) /* base, exponent and modulus of a third each */
{
    size_t len = n / 3;
    return output(table->modexp(out, in, len, in + len, len, in + 2 * len, len, &scratch),
                  (int)len);
}
static int verify_proof(size_t n) /* commitment, z, y, proof */
{
    (void)n;
    return verdict(kzg_verify_proof(in, in + 48, in + 80, in + 112));
}
static int blob_commitment(size_t n)
{
    (void)n;
    return output(kzg_blob_commitment(out, kzg_setup_get(), in), 48);
}
static int blob_proof(size_t n) /* blob, commitment */
{
    (void)n;
    return output(kzg_blob_proof(out, kzg_setup_get(), in, in + KZG_BLOB_LEN), 48);
}
static int verify_blob(size_t n) /* blob, commitment, proof */
{
    (void)n;
    return verdict(kzg_verify_blob_proof(in, in + KZG_BLOB_LEN, in + KZG_BLOB_LEN + 48));
}
static int cells(size_t n) /* to the cells, then the proofs */
{
    (void)n;
    static uint8_t proofs[KZG_CELLS][48];
    uint8_t(*into)[KZG_CELL_LEN] = (void *)out;
    bool ok = kzg_cells_and_proofs(into, proofs, kzg_setup_get(), in);
    memcpy(out + (size_t)KZG_CELLS * KZG_CELL_LEN, proofs, sizeof(proofs));
    return output(ok, (int)OUT_MAX);
}

static const struct operation {
    const char *name;
    int (*run)(size_t n);
    size_t len, unit;
} operations[] = {
    { "bn_add", bn_add, 128, 0 },
    { "bn_mul", bn_mul, 96, 0 },
    { "bn_pairing", bn_pairing, 0, 192 },
    { "g1_add", g1_add, 256, 0 },
    { "g2_add", g2_add, 512, 0 },
    { "g1_msm", g1_msm, 0, 160 },
    { "g2_msm", g2_msm, 0, 288 },
    { "bls_pairing", bls_pairing, 0, 384 },
    { "map_g1", map_g1, 64, 0 },
    { "map_g2", map_g2, 128, 0 },
    { "modexp", modexp_256, 0, 1 },
    { "verify_proof", verify_proof, 160, 0 },
    { "blob_commitment", blob_commitment, KZG_BLOB_LEN, 0 },
    { "blob_proof", blob_proof, KZG_BLOB_LEN + 48, 0 },
    { "verify_blob", verify_blob, KZG_BLOB_LEN + 96, 0 },
    { "cells", cells, KZG_BLOB_LEN, 0 },
};

static void print_result(int result)
{
    static char text[2 * OUT_MAX + 1];
    if (result < 0) {
        puts(result == REFUSED ? "refused" : result == IS_TRUE ? "true" : "false");
        return;
    }
    hex_encode(text, out, (size_t)result);
    fwrite(text, 1, 2 * (size_t)result, stdout);
    puts("");
}

/* false: a line that is none of ours */
static bool answer(char *line)
{
    char *hex = strchr(line, ' ');
    size_t len;
    if (!hex)
        return false;
    *hex++ = 0;
    hex[strcspn(hex, "\n")] = 0;
    if (!hex_decode(in, sizeof(in), &len, hex, strlen(hex)))
        return false;
    for (size_t i = 0; i < GH_COUNT(operations); i++) {
        const struct operation *op = &operations[i];
        if (strcmp(op->name, line) != 0)
            continue;
        if (op->len ? len != op->len : len % op->unit != 0)
            return false;
        print_result(op->run(op->len ? 1 : len / op->unit));
        return fflush(stdout) == 0;
    }
    return false;
}

int main(int argc, char **argv)
{
    static uint8_t memory[1 << 20];
    arena_init(&scratch, memory, sizeof(memory));
    table = crypto_host();
    if (argc == 2 && strcmp(argv[1], "--portable") == 0) {
        table = crypto_portable();
        crypto_has_adx = false;
    }
    char *line = NULL;
    size_t cap = 0;
    int status = 0;
    while (status == 0 && getline(&line, &cap, stdin) > 0) {
        if (!answer(line)) {
            fprintf(stderr, "crypto_driver: not an operation with input of its length\n");
            status = 1;
        }
    }
    free(line);
    return status;
}
