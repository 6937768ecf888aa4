/* node/crypto/kzg_sum.c
 *
 * Everything here adds many independent pairs of affine points at once, so that they share one
 * inversion (Montgomery's trick): six multiplications an addition, where mixed coordinates take
 * eleven. */
#include "node/crypto/kzg_sum.h"

#include "node/crypto/bls12_381_field.inc"

typedef struct b12_g1_affine affine;

/* ---- many sums at once ---- */

/* Points to be added up: len of them from points[start] on. The sum ends in points[start] with len
 * 1; with len 0 it is infinity. */
struct run {
    uint32_t start, len;
};

/* Infinity, which may come up between the rounds: (0, 0) is not on the curve. */
static bool is_infinity(const affine *p)
{
    return b12_fp_is_zero(&p->x) && b12_fp_is_zero(&p->y);
}

/* The denominator of the slope through p and q; false where none is needed: one is infinity, or they
 * are opposite. No point has y = 0, as the curve's order is odd. */
static bool denominator(struct b12_fp *d, const affine *p, const affine *q)
{
    b12_fp_sub(d, &q->x, &p->x);
    if (is_infinity(p) || is_infinity(q))
        return false;
    if (!b12_fp_is_zero(d))
        return true;
    b12_fp_dbl(d, &p->y);
    return b12_fp_eq(&p->y, &q->y);
}

static void add_without_slope(affine *r, const affine *p, const affine *q)
{
    if (is_infinity(p))
        *r = *q;
    else if (is_infinity(q))
        *r = *p;
    else
        memset(r, 0, sizeof(*r));
}

static void add_with_slope(affine *r, const affine *p, const affine *q, const struct b12_fp *inv)
{
    struct b12_fp slope, x, y;
    if (b12_fp_eq(&p->x, &q->x)) { /* 3x^2 */
        b12_fp_sqr(&x, &p->x);
        b12_fp_dbl(&slope, &x);
        b12_fp_add(&slope, &slope, &x);
    } else {
        b12_fp_sub(&slope, &q->y, &p->y);
    }
    b12_fp_mul(&slope, &slope, inv);
    b12_fp_sqr(&x, &slope);
    b12_fp_sub(&x, &x, &p->x);
    b12_fp_sub(&x, &x, &q->x);
    b12_fp_sub(&y, &p->x, &x);
    b12_fp_mul(&y, &y, &slope);
    b12_fp_sub(&r->y, &y, &p->y);
    r->x = x;
}

/* Halves every run. products: one for each pair. Inverses are handed out in the order of the pairs,
 * so that a sum may go where its pair or an earlier one was. */
static void halve_runs(affine *points, struct run *runs, size_t run_cnt, struct b12_fp *products)
{
    struct b12_fp all, d, inv;
    size_t n = 0;
    b12_fp_set_one(&all);
    for (size_t i = run_cnt; i-- > 0;) {
        for (size_t j = runs[i].len / 2; j-- > 0;) {
            const affine *pair = &points[runs[i].start + 2 * j];
            if (!denominator(&d, &pair[0], &pair[1]))
                continue;
            products[n++] = all;
            b12_fp_mul(&all, &all, &d);
        }
    }
    b12_fp_inv(&all, &all);
    for (size_t i = 0; i < run_cnt; i++) {
        affine *of_run = &points[runs[i].start];
        uint32_t half = runs[i].len / 2;
        for (uint32_t j = 0; j < half; j++) {
            const affine *pair = &of_run[2 * j];
            if (denominator(&d, &pair[0], &pair[1])) {
                b12_fp_mul(&inv, &all, &products[--n]);
                b12_fp_mul(&all, &all, &d);
                add_with_slope(&of_run[j], &pair[0], &pair[1], &inv);
            } else {
                add_without_slope(&of_run[j], &pair[0], &pair[1]);
            }
        }
        if (runs[i].len % 2)
            of_run[half] = of_run[runs[i].len - 1];
        runs[i].len -= half;
    }
}

/* products: half as many as there are points */
static void sum_runs(affine *points, struct run *runs, size_t run_cnt, struct b12_fp *products)
{
    for (bool more = true; more;) {
        halve_runs(points, runs, run_cnt, products);
        more = false;
        for (size_t i = 0; i < run_cnt; i++)
            more |= runs[i].len > 1;
    }
    for (size_t i = 0; i < run_cnt; i++) {
        if (runs[i].len && is_infinity(&points[runs[i].start]))
            runs[i].len = 0;
    }
}

/* Gives the runs, whose lengths are set, their places one after the other, and empties them. */
static void place_runs(struct run *runs, size_t run_cnt)
{
    uint32_t at = 0;
    for (size_t i = 0; i < run_cnt; i++) {
        runs[i].start = at;
        at += runs[i].len;
        runs[i].len = 0;
    }
}

static affine *run_append(affine *points, struct run *run)
{
    return &points[run->start + run->len++];
}

static void sum_to_public(struct bls12_381_g1 *r, const struct b12_g1_point *p)
{
    memcpy(r->w, p, sizeof(r->w));
}

/* ---- 4096 points: buckets by signed bytes (Pippenger) ---- */

#define WINDOWS 32
#define BUCKETS 128 /* multiples 1 to 128 */

/* The scalars plus 128 in every byte: their bytes less 128 are digits from -128 to 127 of the
 * scalars. Nothing overflows, as r is below 0x74 << 248. */
static int digit_of(const struct u256 *k, unsigned window)
{
    uint64_t carry = 0, biased = 0;
    for (unsigned i = 0; i <= window / 8; i++)
        biased = u64_add_carry(k->w[i], 0x8080808080808080, &carry);
    return (int)(biased >> (window % 8 * 8) & 255) - 128;
}

struct sum_blob_space {
    affine points[KZG_DEGREE];
    struct b12_fp products[KZG_DEGREE / 2];
    struct run runs[BUCKETS];
};

static void fill_buckets(struct sum_blob_space *s, const struct kzg_setup *setup,
                         const struct u256 k[KZG_DEGREE], unsigned window)
{
    memset(s->runs, 0, sizeof(s->runs));
    for (size_t i = 0; i < KZG_DEGREE; i++) {
        int d = digit_of(&k[i], window);
        if (d)
            s->runs[(d > 0 ? d : -d) - 1].len++;
    }
    place_runs(s->runs, BUCKETS);
    for (size_t i = 0; i < KZG_DEGREE; i++) {
        int d = digit_of(&k[i], window);
        if (!d)
            continue;
        affine *p = run_append(s->points, &s->runs[(d > 0 ? d : -d) - 1]);
        memcpy(p, &setup->lagrange[i], sizeof(*p));
        if (d < 0)
            b12_fp_neg(&p->y, &p->y);
    }
}

/* bucket d counts d times: sums of sums, from the top */
static void add_buckets(struct b12_g1_point *acc, const struct sum_blob_space *s)
{
    struct b12_g1_point partial, sum;
    b12_g1_set_infinity(&partial);
    b12_g1_set_infinity(&sum);
    for (size_t d = BUCKETS; d-- > 0;) {
        if (s->runs[d].len)
            b12_g1_add_mixed(&partial, &partial, &s->points[s->runs[d].start]);
        b12_g1_add(&sum, &sum, &partial);
    }
    b12_g1_add(acc, acc, &sum);
}

void kzg_sum_blob(struct bls12_381_g1 *r, const struct kzg_setup *setup,
                  const struct u256 k[KZG_DEGREE])
{
    struct sum_blob_space space;
    struct b12_g1_point acc;
    b12_g1_set_infinity(&acc);
    for (unsigned window = WINDOWS; window-- > 0;) {
        for (int i = 0; i < 8; i++)
            b12_g1_dbl(&acc, &acc);
        fill_buckets(&space, setup, k, window);
        sum_runs(space.points, space.runs, BUCKETS, space.products);
        add_buckets(&acc, &space);
    }
    sum_to_public(r, &acc);
}

/* ---- 64 points: odd multiples by bit position (Straus) ----
 * k P = k1 P + k2 (-phi(P)) for k = k1 + k2 u^2, as -phi(P) = u^2 P: 128 terms with scalars below
 * 2^128, in digits of five bits, of which no two neighbours are set. */

#define TERMS       (2 * KZG_CELL_SCALARS)
#define ODD         8 /* P, 3P, ... 15P */
#define ENTRIES_MAX (TERMS * (WNAF_LEN_128 + 4) / 5)

struct sum_64_space {
    affine odd[KZG_CELL_SCALARS][ODD];
    struct b12_fp image_x[KZG_CELL_SCALARS][ODD]; /* of phi */
    int8_t digits[TERMS][WNAF_LEN_128];           /* k1 of a point, then its k2 */
    affine points[ENTRIES_MAX];
    struct b12_fp products[ENTRIES_MAX / 2];
    struct run runs[WNAF_LEN_128];
};

/* pairs[2t] + pairs[2t + 1] for all t; the sums are in pairs[2t] */
static void add_pairs(struct sum_64_space *s)
{
    for (uint32_t t = 0; t < KZG_CELL_SCALARS; t++)
        s->runs[t] = (struct run){ 2 * t, 2 };
    sum_runs(s->points, s->runs, KZG_CELL_SCALARS, s->products);
}

static void fill_odd_multiples(struct sum_64_space *s, const struct kzg_affine *p)
{
    affine twice[KZG_CELL_SCALARS];
    struct b12_fp beta = fp_of_limbs(b12_beta);
    for (size_t t = 0; t < KZG_CELL_SCALARS; t++) {
        memcpy(&s->odd[t][0], &p[t], sizeof(p[t]));
        s->points[2 * t] = s->points[2 * t + 1] = s->odd[t][0];
    }
    add_pairs(s);
    for (size_t t = 0; t < KZG_CELL_SCALARS; t++)
        twice[t] = s->points[2 * t];
    for (size_t j = 1; j < ODD; j++) {
        for (size_t t = 0; t < KZG_CELL_SCALARS; t++) {
            s->points[2 * t] = s->odd[t][j - 1];
            s->points[2 * t + 1] = twice[t];
        }
        add_pairs(s);
        for (size_t t = 0; t < KZG_CELL_SCALARS; t++)
            s->odd[t][j] = s->points[2 * t];
    }
    for (size_t t = 0; t < KZG_CELL_SCALARS; t++) {
        for (size_t j = 0; j < ODD; j++)
            b12_fp_mul(&s->image_x[t][j], &s->odd[t][j].x, &beta);
    }
}

/* d times term i, for its digit d */
static affine term_multiple(const struct sum_64_space *s, size_t i, int d)
{
    size_t t = i / 2, j = (size_t)(d > 0 ? d : -d) / 2;
    bool image = i % 2 == 1;
    affine p = s->odd[t][j];
    if (image)
        p.x = s->image_x[t][j];
    if ((d < 0) != image)
        b12_fp_neg(&p.y, &p.y);
    return p;
}

static void fill_entries(struct sum_64_space *s)
{
    memset(s->runs, 0, sizeof(s->runs));
    for (size_t i = 0; i < TERMS; i++) {
        for (size_t b = 0; b < WNAF_LEN_128; b++)
            s->runs[b].len += s->digits[i][b] != 0;
    }
    place_runs(s->runs, WNAF_LEN_128);
    for (size_t i = 0; i < TERMS; i++) {
        for (size_t b = 0; b < WNAF_LEN_128; b++) {
            if (s->digits[i][b])
                *run_append(s->points, &s->runs[b]) = term_multiple(s, i, s->digits[i][b]);
        }
    }
}

void kzg_sum_64(struct bls12_381_g1 *r, const struct kzg_affine p[KZG_CELL_SCALARS],
                const struct u256 k[KZG_CELL_SCALARS])
{
    struct sum_64_space s;
    struct b12_g1_point acc;
    fill_odd_multiples(&s, p);
    for (size_t t = 0; t < KZG_CELL_SCALARS; t++) {
        struct u256 k1, k2;
        u256_divmod(&k2, &k1, &k[t], &u_squared);
        wnaf5(s.digits[2 * t], WNAF_LEN_128, &k1);
        wnaf5(s.digits[2 * t + 1], WNAF_LEN_128, &k2);
    }
    fill_entries(&s);
    sum_runs(s.points, s.runs, WNAF_LEN_128, s.products);
    b12_g1_set_infinity(&acc);
    for (size_t b = WNAF_LEN_128; b-- > 0;) {
        b12_g1_dbl(&acc, &acc);
        if (s.runs[b].len)
            b12_g1_add_mixed(&acc, &acc, &s.points[s.runs[b].start]);
    }
    sum_to_public(r, &acc);
}
