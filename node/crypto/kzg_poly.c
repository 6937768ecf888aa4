#include "node/crypto/kzg_poly.h"

#include "node/crypto/bls12_381_scalar.inc"

#define DEGREE_LOG 12
#define CELLS_LOG  7

/* 7^((r-1)/8192), Montgomery form */
static const struct fr_fp root_of_8192 = { { 0xa33d279ff0ccffc9, 0x41fac79f59e91972,
                                             0x065d227fead1139b, 0x71db41abda03e055 } };

static struct fr_fp fr_of_plain(const struct u256 *k)
{
    struct fr_fp v, r2;
    memcpy(v.w, k->w, sizeof(v.w));
    memcpy(r2.w, fr_r2, sizeof(r2.w));
    fr_fp_mul(&v, &v, &r2);
    return v;
}

static struct u256 fr_to_u256(const struct fr_fp *x)
{
    struct u256 k;
    fr_fp_to_plain(k.w, x);
    return k;
}

static void fr_halve_times(struct fr_fp *x, unsigned n)
{
    while (n--)
        fr_fp_halve(x, x);
}

/* 1, w, w^2, ... for a 4096th root w */
static void roots_fill(struct fr_fp roots[KZG_DEGREE])
{
    struct fr_fp w;
    fr_fp_sqr(&w, &root_of_8192);
    fr_fp_set_one(&roots[0]);
    for (size_t i = 1; i < KZG_DEGREE; i++)
        fr_fp_mul(&roots[i], &roots[i - 1], &w);
}

static size_t reversed(size_t i, unsigned bits)
{
    size_t r = 0;
    for (unsigned b = 0; b < bits; b++)
        r |= (i >> b & 1) << (bits - 1 - b);
    return r;
}

/* ---- transforms; roots are the 4096 powers, n divides 4096 ---- */

/* values at the n-th roots, bit-reversed, from coefficients (Gentleman, Sande) */
static void transform(struct fr_fp *a, size_t n, const struct fr_fp *roots)
{
    for (size_t half = n / 2; half > 0; half /= 2) {
        size_t step = KZG_DEGREE / (2 * half);
        for (size_t k = 0; k < n; k += 2 * half) {
            for (size_t j = k; j < k + half; j++) {
                struct fr_fp u = a[j], v = a[j + half];
                fr_fp_add(&a[j], &u, &v);
                fr_fp_sub(&v, &u, &v);
                fr_fp_mul(&a[j + half], &v, &roots[(j - k) * step]);
            }
        }
    }
}

/* coefficients from values in bit-reversed order at the n-th roots (Cooley, Tukey) */
static void transform_back(struct fr_fp *a, size_t n, const struct fr_fp *roots)
{
    struct fr_fp scale;
    for (size_t half = 1; half < n; half *= 2) {
        size_t step = KZG_DEGREE / (2 * half);
        for (size_t k = 0; k < n; k += 2 * half) {
            for (size_t j = k; j < k + half; j++) {
                struct fr_fp u = a[j], v;
                fr_fp_mul(&v, &a[j + half], &roots[(KZG_DEGREE - (j - k) * step) % KZG_DEGREE]);
                fr_fp_add(&a[j], &u, &v);
                fr_fp_sub(&a[j + half], &u, &v);
            }
        }
    }
    fr_fp_set_one(&scale);
    fr_halve_times(&scale, (unsigned)__builtin_ctzl(n));
    for (size_t i = 0; i < n; i++)
        fr_fp_mul(&a[i], &a[i], &scale);
}

static void coefficients(struct fr_fp c[KZG_DEGREE], const struct u256 values[KZG_DEGREE],
                         const struct fr_fp *roots)
{
    for (size_t i = 0; i < KZG_DEGREE; i++)
        c[i] = fr_of_plain(&values[i]);
    transform_back(c, KZG_DEGREE, roots);
}

bool kzg_poly_of_blob(struct u256 values[KZG_DEGREE], const uint8_t *blob)
{
    bool ok = true;
    for (size_t i = 0; i < KZG_DEGREE; i++) {
        values[i] = u256_of_be32(blob + 32 * i);
        ok &= u256_lt(&values[i], &bls12_381_order);
    }
    return ok;
}

void kzg_poly_extend(struct u256 values[KZG_DEGREE])
{
    struct fr_fp c[KZG_DEGREE], roots[KZG_DEGREE], shift;
    roots_fill(roots);
    coefficients(c, values, roots);
    fr_fp_set_one(&shift);
    for (size_t i = 1; i < KZG_DEGREE; i++) {
        fr_fp_mul(&shift, &shift, &root_of_8192);
        fr_fp_mul(&c[i], &c[i], &shift);
    }
    transform(c, KZG_DEGREE, roots);
    for (size_t i = 0; i < KZG_DEGREE; i++)
        values[i] = fr_to_u256(&c[i]);
}

void kzg_poly_columns(struct u256 out[KZG_CELLS][KZG_CELL_SCALARS],
                      const struct u256 values[KZG_DEGREE])
{
    struct fr_fp c[KZG_DEGREE], roots[KZG_DEGREE], column[KZG_CELLS], scale;
    roots_fill(roots);
    coefficients(c, values, roots);
    fr_fp_set_one(&scale);
    fr_halve_times(&scale, CELLS_LOG);
    for (size_t t = 0; t < KZG_CELL_SCALARS; t++) {
        memset(column, 0, sizeof(column));
        for (size_t a = 0; a < KZG_DEGREE / KZG_CELL_SCALARS; a++)
            fr_fp_mul(&column[a], &c[KZG_CELL_SCALARS * a + t], &scale);
        transform(column, KZG_CELLS, roots);
        for (size_t i = 0; i < KZG_CELLS; i++)
            out[i][t] = fr_to_u256(&column[i]);
    }
}

/* Value j of the cell is at h w, for h the 8192nd root to the bit-reversed number of the cell and w a
 * 64th root, again in bit-reversed order. */
void kzg_poly_of_cell(struct u256 out[KZG_CELL_SCALARS], struct u256 *power,
                      const struct u256 values[KZG_CELL_SCALARS], unsigned cell)
{
    struct fr_fp c[KZG_CELL_SCALARS], roots[KZG_DEGREE], h, inv, scale;
    const uint64_t exponent = reversed(cell, CELLS_LOG);
    roots_fill(roots);
    for (size_t i = 0; i < KZG_CELL_SCALARS; i++)
        c[i] = fr_of_plain(&values[i]);
    transform_back(c, KZG_CELL_SCALARS, roots);
    fr_fp_pow(&h, &root_of_8192, &exponent, 1);
    fr_fp_inv(&inv, &h);
    fr_fp_set_one(&scale);
    for (size_t i = 0; i < KZG_CELL_SCALARS; i++) {
        fr_fp_mul(&c[i], &c[i], &scale);
        out[i] = fr_to_u256(&c[i]);
        fr_fp_mul(&scale, &scale, &inv);
    }
    const uint64_t cell_len = KZG_CELL_SCALARS;
    fr_fp_pow(&h, &h, &cell_len, 1);
    *power = fr_to_u256(&h);
}

void kzg_roots_of_cells(struct u256 out[KZG_CELLS])
{
    struct fr_fp w = root_of_8192, power;
    for (size_t n = 2 * KZG_DEGREE; n > KZG_CELLS; n /= 2)
        fr_fp_sqr(&w, &w);
    fr_fp_set_one(&power);
    for (size_t i = 0; i < KZG_CELLS; i++) {
        out[i] = fr_to_u256(&power);
        fr_fp_mul(&power, &power, &w);
    }
}

/* ---- at one point ---- */

/* A polynomial beside a point z: its values, w_i and 1 / (z - w_i), all in the order of a blob. at is
 * the place of z among the w_i, KZG_DEGREE when it is none of them; its inverse is then 0. */
struct around {
    struct fr_fp z, f[KZG_DEGREE], w[KZG_DEGREE], inv[KZG_DEGREE];
    size_t at;
};

static void around_fill(struct around *a, const struct u256 *values, const struct u256 *z)
{
    struct fr_fp acc, *products = a->f; /* until the values are needed */
    roots_fill(a->inv);
    for (size_t i = 0; i < KZG_DEGREE; i++)
        a->w[i] = a->inv[reversed(i, DEGREE_LOG)];
    a->z = fr_of_plain(z);
    a->at = KZG_DEGREE;
    fr_fp_set_one(&acc);
    for (size_t i = 0; i < KZG_DEGREE; i++) {
        fr_fp_sub(&a->inv[i], &a->z, &a->w[i]);
        products[i] = acc;
        if (fr_fp_is_zero(&a->inv[i]))
            a->at = i;
        else
            fr_fp_mul(&acc, &acc, &a->inv[i]);
    }
    fr_fp_inv(&acc, &acc);
    for (size_t i = KZG_DEGREE; i-- > 0;) {
        struct fr_fp inverse;
        if (i == a->at)
            continue;
        fr_fp_mul(&inverse, &acc, &products[i]);
        fr_fp_mul(&acc, &acc, &a->inv[i]);
        a->inv[i] = inverse;
    }
    for (size_t i = 0; i < KZG_DEGREE; i++)
        a->f[i] = fr_of_plain(&values[i]);
}

/* (z^n - 1) / n times the sum of f_i w_i / (z - w_i): the barycentric formula */
static struct fr_fp around_value(const struct around *a)
{
    struct fr_fp sum, t, one;
    if (a->at < KZG_DEGREE)
        return a->f[a->at];
    fr_fp_set_zero(&sum);
    for (size_t i = 0; i < KZG_DEGREE; i++) {
        fr_fp_mul(&t, &a->f[i], &a->w[i]);
        fr_fp_mul(&t, &t, &a->inv[i]);
        fr_fp_add(&sum, &sum, &t);
    }
    t = a->z;
    for (unsigned i = 0; i < DEGREE_LOG; i++)
        fr_fp_sqr(&t, &t);
    fr_fp_set_one(&one);
    fr_fp_sub(&t, &t, &one);
    fr_fp_mul(&sum, &sum, &t);
    fr_halve_times(&sum, DEGREE_LOG);
    return sum;
}

void kzg_poly_evaluate(struct u256 *y, const struct u256 values[KZG_DEGREE], const struct u256 *z)
{
    struct around a;
    around_fill(&a, values, z);
    struct fr_fp value = around_value(&a);
    *y = fr_to_u256(&value);
}

/* q_i = (f_i - y) / (w_i - z); where z = w_m, q_m is the sum over the others of
 * (f_i - y) w_i / (w_m (w_m - w_i)). */
void kzg_poly_quotient(struct u256 quotient[KZG_DEGREE], struct u256 *y,
                       const struct u256 values[KZG_DEGREE], const struct u256 *z)
{
    struct around a;
    around_fill(&a, values, z);
    struct fr_fp value = around_value(&a), at_z, q;
    *y = fr_to_u256(&value);
    fr_fp_set_zero(&at_z);
    for (size_t i = 0; i < KZG_DEGREE; i++) {
        if (i == a.at)
            continue;
        fr_fp_sub(&q, &value, &a.f[i]);
        fr_fp_mul(&q, &q, &a.inv[i]);
        quotient[i] = fr_to_u256(&q);
        fr_fp_mul(&q, &q, &a.w[i]);
        fr_fp_sub(&at_z, &at_z, &q);
    }
    if (a.at < KZG_DEGREE) {
        fr_fp_inv(&q, &a.z);
        fr_fp_mul(&at_z, &at_z, &q);
        quotient[a.at] = fr_to_u256(&at_z);
    }
}
