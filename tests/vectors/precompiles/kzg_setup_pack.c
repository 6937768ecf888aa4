/* tests/vectors/precompiles/kzg_setup_pack.c
 *
 * kzg_setup_pack TRUSTED_SETUP OUT: packs the text of the ceremony's output into the form of
 * node/crypto/kzg_setup.h. kzg_setup_pack TRUSTED_SETUP: compares with what is in the program. */
#include <stdio.h>
#include <string.h>

#include "node/base/hex.h"
#include "node/crypto/bls12_381_field.inc"
#include "node/crypto/kzg_poly.h"

#define G2_CNT 65

static struct kzg_setup packed;

static bool read_hex(FILE *in, uint8_t *out, size_t len)
{
    char text[256];
    return fscanf(in, "%255s", text) == 1 && hex_decode_exact(out, len, text, strlen(text));
}

static bool read_g1(FILE *in, struct bls12_381_g1 p[KZG_DEGREE])
{
    uint8_t raw[48];
    for (size_t i = 0; i < KZG_DEGREE; i++) {
        if (!read_hex(in, raw, sizeof(raw)) || !bls12_381_g1_decompress(&p[i], raw))
            return false;
    }
    return true;
}

/* the text: two counts, Lagrange points, powers in G2, powers in G1 */
static bool read_setup(FILE *in, struct bls12_381_g1 lagrange[KZG_DEGREE], uint8_t g2[G2_CNT][96],
                       struct bls12_381_g1 powers[KZG_DEGREE])
{
    char counts[2][8];
    if (fscanf(in, "%7s %7s", counts[0], counts[1]) != 2 || strcmp(counts[0], "4096") != 0 ||
        strcmp(counts[1], "65") != 0 || !read_g1(in, lagrange))
        return false;
    for (size_t i = 0; i < G2_CNT; i++) {
        if (!read_hex(in, g2[i], 96))
            return false;
    }
    return read_g1(in, powers);
}

static struct kzg_affine affine_of(const struct bls12_381_g1 *p)
{
    struct b12_g1_point point;
    struct b12_g1_affine a;
    struct kzg_affine r;
    memcpy(&point, p->w, sizeof(point));
    CHECK(!b12_g1_is_infinity(&point));
    b12_g1_to_affine(&a, &point);
    memcpy(&r, &a, sizeof(r));
    return r;
}

static size_t reversed(size_t i, unsigned bits)
{
    size_t r = 0;
    for (unsigned b = 0; b < bits; b++)
        r |= (i >> b & 1) << (bits - 1 - b);
    return r;
}

/* values of the polynomial with these coefficients, in bit-reversed order, by its even and odd part */
static void values_of(struct bls12_381_g1 *out, const struct bls12_381_g1 *c, size_t n,
                      size_t stride, const struct u256 roots[KZG_CELLS])
{
    struct bls12_381_g1 even[KZG_CELLS / 2], odd[KZG_CELLS / 2];
    if (n == 1) {
        out[0] = c[0];
        return;
    }
    values_of(even, c, n / 2, 2 * stride, roots);
    values_of(odd, c + stride, n / 2, 2 * stride, roots);
    unsigned bits = (unsigned)__builtin_ctzl(n);
    for (size_t i = 0; i < n / 2; i++) {
        struct bls12_381_g1 t;
        size_t at = reversed(i, bits - 1);
        bls12_381_g1_mul(&t, &odd[at], &roots[i * (KZG_CELLS / n)]);
        bls12_381_g1_add(&out[reversed(i, bits)], &even[at], &t);
        bls12_381_g1_neg(&t, &t);
        bls12_381_g1_add(&out[reversed(i + n / 2, bits)], &even[at], &t);
    }
}

static void pack_columns(const struct bls12_381_g1 powers[KZG_DEGREE])
{
    struct u256 roots[KZG_CELLS];
    kzg_roots_of_cells(roots);
    const uint8_t infinity[48] = { 0xc0 };
    for (size_t t = 0; t < KZG_CELL_SCALARS; t++) {
        struct bls12_381_g1 places[KZG_CELLS], values[KZG_CELLS];
        for (size_t i = 0; i < KZG_CELLS; i++)
            CHECK(bls12_381_g1_decompress(&places[i], infinity));
        for (size_t m = 0; m < 63; m++)
            places[KZG_CELLS - 1 - m] = powers[KZG_CELL_SCALARS * m + t];
        values_of(values, places, KZG_CELLS, 1, roots);
        for (size_t i = 0; i < KZG_CELLS; i++)
            packed.columns[i][t] = affine_of(&values[i]);
    }
}

/* The powers of G2 are read uncompressed nowhere else, so the one that is needed is decompressed here:
 * x^3 + 4 (1 + i) has a root, the larger one if the flag says so. */
static struct b12_fp2 fp2_root(const struct b12_fp2 *v)
{
    /* p = 3 mod 4: with norm n = a^2 + b^2, s = sqrt(n), c = sqrt((a +- s) / 2), root c + b/(2c) i */
    struct b12_fp n, s, c, t, check;
    struct b12_fp2 r;
    b12_fp_mul_add(&n, &v->a, &v->a, &v->b, &v->b);
    b12_fp_pow(&s, &n, b12_sqrt_exponent, 6);
    b12_fp_add(&t, &v->a, &s);
    b12_fp_halve(&t, &t);
    b12_fp_pow(&c, &t, b12_sqrt_exponent, 6);
    b12_fp_sqr(&check, &c);
    if (!b12_fp_eq(&check, &t)) {
        b12_fp_sub(&t, &v->a, &s);
        b12_fp_halve(&t, &t);
        b12_fp_pow(&c, &t, b12_sqrt_exponent, 6);
    }
    b12_fp_dbl(&t, &c);
    b12_fp_inv(&t, &t);
    r.a = c;
    b12_fp_mul(&r.b, &v->b, &t);
    return r;
}

static void pack_g2(const uint8_t raw[96])
{
    struct bls12_381_g2 *q = &packed.tau_64;
    struct b12_fp2 x, y2, y, check, b, minus;
    memcpy(q->x_im, raw, 48);
    q->x_im[0] &= 0x1f;
    memcpy(q->x_re, raw + 48, 48);
    CHECK(b12_fp_of_be(&x.b, q->x_im) && b12_fp_of_be(&x.a, q->x_re));
    b12_fp2_sqr(&y2, &x);
    b12_fp2_mul(&y2, &y2, &x);
    memcpy(b.a.w, b12_twist_b[0], 48);
    memcpy(b.b.w, b12_twist_b[1], 48);
    b12_fp2_add(&y2, &y2, &b);
    y = fp2_root(&y2);
    b12_fp2_sqr(&check, &y);
    CHECK(b12_fp2_eq(&check, &y2));
    /* the larger of the two roots has the larger imaginary part (no part of these is 0) */
    b12_fp2_neg(&minus, &y);
    uint8_t im[48], minus_im[48];
    b12_fp_to_be(im, &y.b);
    b12_fp_to_be(minus_im, &minus.b);
    bool larger = memcmp(im, minus_im, 48) > 0;
    if (larger != ((raw[0] & 0x20) != 0))
        y = minus;
    b12_fp_to_be(q->y_im, &y.b);
    b12_fp_to_be(q->y_re, &y.a);
}

int main(int argc, char **argv)
{
    static struct bls12_381_g1 lagrange[KZG_DEGREE], powers[KZG_DEGREE];
    static uint8_t g2[G2_CNT][96];
    if (argc != 2 && argc != 3) {
        fprintf(stderr, "kzg_setup_pack TRUSTED_SETUP [OUT]\n");
        return 2;
    }
    FILE *in = fopen(argv[1], "r");
    if (!in) {
        printf("SKIP: %s is absent\n", argv[1]);
        return 77;
    }
    bool read = read_setup(in, lagrange, g2, powers);
    fclose(in);
    if (!read) {
        fprintf(stderr, "%s is not the text of the ceremony's output\n", argv[1]);
        return 1;
    }
    for (size_t i = 0; i < KZG_DEGREE; i++)
        packed.lagrange[i] = affine_of(&lagrange[reversed(i, 12)]);
    for (size_t i = 0; i < KZG_CELL_SCALARS; i++)
        packed.powers[i] = affine_of(&powers[i]);
    pack_columns(powers);
    pack_g2(g2[KZG_CELL_SCALARS]);
    if (argc == 3) {
        FILE *out = fopen(argv[2], "wb");
        return !out || fwrite(&packed, sizeof(packed), 1, out) != 1 || fclose(out) != 0;
    }
    bool same = memcmp(&packed, kzg_setup_get(), sizeof(packed)) == 0;
    printf("the packed setup %s the ceremony's output\n", same ? "is" : "is NOT");
    return !same;
}
