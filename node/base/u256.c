/* node/base/u256.c
 *
 * Division is Knuth's algorithm D (TAOCP 4.3.1) over 64-bit limbs, each quotient limb estimated from
 * a reciprocal of the divisor's two top limbs. What needs more than 64 bits goes through mul_add and
 * div_2by1, which have a portable form. */
#include "node/base/u256.h"

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 uint128;
#endif

/* a * b + c + *carry, which cannot exceed 128 bits; *carry gets the high half */
static inline uint64_t mul_add(uint64_t a, uint64_t b, uint64_t c, uint64_t *carry)
{
#ifdef __SIZEOF_INT128__
    uint128 p = (uint128)a * b + c + *carry;
    *carry = (uint64_t)(p >> 64);
    return (uint64_t)p;
#else
    uint64_t hi, lo = u64_mul_wide(a, b, &hi);
    lo += c;
    hi += lo < c;
    lo += *carry;
    hi += lo < *carry;
    *carry = hi;
    return lo;
#endif
}

/* hi:lo / d with hi < d */
static inline uint64_t div_2by1(uint64_t hi, uint64_t lo, uint64_t d, uint64_t *rem)
{
#if defined(__SIZEOF_INT128__) && defined(__x86_64__)
    uint64_t q, r;
    __asm__("divq %4" : "=a"(q), "=d"(r) : "0"(lo), "1"(hi), "r"(d) : "cc");
    *rem = r;
    return q;
#elif defined(__SIZEOF_INT128__)
    uint128 n = ((uint128)hi << 64) | lo;
    *rem = (uint64_t)(n % d);
    return (uint64_t)(n / d);
#else
    if (hi == 0) {
        *rem = lo % d;
        return lo / d;
    }
    /* two digits of 32 bits each, divisor normalised (Hacker's Delight, divlu) */
    unsigned s = (unsigned)__builtin_clzll(d);
    uint64_t v = d << s, v1 = v >> 32, v0 = (uint32_t)v, out = 0;
    uint64_t u = s ? (hi << s) | (lo >> (64 - s)) : hi, low = lo << s;
    for (int i = 0; i < 2; i++) {
        uint64_t next = i == 0 ? low >> 32 : (uint32_t)low;
        uint64_t q = u / v1, r = u - q * v1;
        while (q >> 32 || q * v0 > ((r << 32) | next)) {
            q--;
            r += v1;
            if (r >> 32)
                break;
        }
        u = ((u << 32) | next) - q * v;
        out = (out << 32) | q;
    }
    *rem = u >> s;
    return out;
#endif
}

/* The short forms below come first and leave the long ones out of line, so that the common small
 * values pay for no saved registers. */
#define OUT_OF_LINE   __attribute__((noinline))
#define ALWAYS_INLINE inline __attribute__((always_inline))

static OUT_OF_LINE struct u256 mul_long(const struct u256 *a, const struct u256 *b)
{
    uint64_t r0, r1, r2, r3, c = 0;
    r0 = mul_add(a->w[0], b->w[0], 0, &c);
    r1 = mul_add(a->w[0], b->w[1], 0, &c);
    r2 = mul_add(a->w[0], b->w[2], 0, &c);
    r3 = a->w[0] * b->w[3] + c;
    c = 0;
    r1 = mul_add(a->w[1], b->w[0], r1, &c);
    r2 = mul_add(a->w[1], b->w[1], r2, &c);
    r3 += a->w[1] * b->w[2] + c;
    c = 0;
    r2 = mul_add(a->w[2], b->w[0], r2, &c);
    r3 += a->w[2] * b->w[1] + c;
    r3 += a->w[3] * b->w[0];
    return (struct u256){ { r0, r1, r2, r3 } };
}

struct u256 u256_mul(const struct u256 *a, const struct u256 *b)
{
    if (!u256_fits_u64(a) || !u256_fits_u64(b))
        return mul_long(a, b);
    uint64_t hi, lo = u64_mul_wide(a->w[0], b->w[0], &hi);
    return (struct u256){ { lo, hi, 0, 0 } };
}

void u256_mul_full(uint64_t out[8], const struct u256 *a, const struct u256 *b)
{
    uint64_t t[8] = { 0 };
    for (int i = 0; i < 4; i++) {
        uint64_t c = 0;
        t[i] = mul_add(a->w[i], b->w[0], t[i], &c);
        t[i + 1] = mul_add(a->w[i], b->w[1], t[i + 1], &c);
        t[i + 2] = mul_add(a->w[i], b->w[2], t[i + 2], &c);
        t[i + 3] = mul_add(a->w[i], b->w[3], t[i + 3], &c);
        t[i + 4] = c;
    }
    memcpy(out, t, sizeof(t));
}

bool u256_mul_checked(struct u256 *out, const struct u256 *a, const struct u256 *b)
{
    if (u256_fits_u64(a) && u256_fits_u64(b)) {
        *out = u256_mul(a, b);
        return true;
    }
    uint64_t p[8];
    u256_mul_full(p, a, b);
    if ((p[4] | p[5] | p[6] | p[7]) != 0)
        return false;
    memcpy(out->w, p, sizeof(out->w));
    return true;
}

/* floor((2^192 - 1) / (d1:d0)) - 2^64 for a normalised divisor (Moller, Granlund: Improved division by
 * invariant integers, algorithm 6). One hardware division buys all quotient limbs. */
static inline uint64_t reciprocal_3by2(uint64_t d1, uint64_t d0)
{
    uint64_t rem, t1, v = div_2by1(~d1, UINT64_MAX, d1, &rem);
    uint64_t p = d1 * v + d0;
    if (p < d0) {
        v--;
        if (p >= d1) {
            v--;
            p -= d1;
        }
        p -= d1;
    }
    uint64_t t0 = u64_mul_wide(d0, v, &t1);
    p += t1;
    if (p < t1) {
        v--;
        if (p > d1 || (p == d1 && t0 >= d0))
            v--;
    }
    return v;
}

/* u2:u1:u0 by d1:d0 with u2:u1 < d1:d0 and v its reciprocal (same paper, algorithm 5); remainder
 * r1:r0. */
static ALWAYS_INLINE uint64_t div_3by2(uint64_t *r1, uint64_t *r0, const uint64_t u[3], uint64_t d1,
                                       uint64_t d0, uint64_t v)
{
    uint64_t q1, t1, c = 0, u0 = u[0], u1 = u[1], u2 = u[2];
    uint64_t q0 = u64_mul_wide(v, u2, &q1);
    q0 = u64_add_carry(q0, u1, &c);
    q1 = u64_add_carry(q1, u2, &c);
    uint64_t high = u1 - q1 * d1, t0 = u64_mul_wide(d0, q1, &t1);
    c = 0;
    uint64_t low = u64_sub_borrow(u0, t0, &c);
    high = u64_sub_borrow(high, t1, &c);
    c = 0;
    low = u64_sub_borrow(low, d0, &c);
    high = u64_sub_borrow(high, d1, &c);
    /* q1 + 1 is the guess; a random half of the time it is one too large, hence no branch */
    uint64_t back = high >= q0 ? UINT64_MAX : 0;
    q1 += 1 + back;
    c = 0;
    low = u64_add_carry(low, d0 & back, &c);
    high = u64_add_carry(high, d1 & back, &c);
    if (GH_UNLIKELY(high > d1 || (high == d1 && low >= d0))) {
        q1++;
        c = 0;
        low = u64_sub_borrow(low, d0, &c);
        high = u64_sub_borrow(high, d1, &c);
    }
    *r1 = high;
    *r0 = low;
    return q1;
}

/* The step whose estimate would not fit a limb: u / d > 2^64 * D / (D + 1) with D = d1:d0 >= 2^127, so
 * the quotient limb is 2^64 - 1, exactly. */
static OUT_OF_LINE void sub_all_ones(uint64_t *u, const uint64_t *d, unsigned dn)
{
    uint64_t carry = 0, borrow = 0;
    for (unsigned i = 0; i < dn; i++) {
        uint64_t p = mul_add(UINT64_MAX, d[i], 0, &carry);
        u[i] = u64_sub_borrow(u[i], p, &borrow);
    }
}

/* One quotient limb: u[0..dn] (dn + 1 limbs, little end first) -= q * d. Returns q; u[dn] is 0 or
 * not looked at any more. d is normalised (top bit of d[dn-1] set), dn >= 2, and the top dn limbs of
 * u are below d. The two top limbs give q, at most one too large; the rest of d corrects it. */
static ALWAYS_INLINE uint64_t div_step(uint64_t *u, const uint64_t *d, unsigned dn, uint64_t v)
{
    uint64_t d1 = d[dn - 1], d0 = d[dn - 2], r1, r0;
    if (GH_UNLIKELY(u[dn] == d1 && u[dn - 1] == d0)) {
        sub_all_ones(u, d, dn);
        return UINT64_MAX;
    }
    uint64_t q = div_3by2(&r1, &r0, u + dn - 2, d1, d0, v), carry = 0, borrow = 0;
#pragma GCC unroll 2
    for (unsigned i = 0; i < dn - 2; i++) {
        uint64_t p = mul_add(q, d[i], 0, &carry);
        u[i] = u64_sub_borrow(u[i], p, &borrow);
    }
    /* carry is at most 2^64 - 2 (high half of a product), so adding the borrow cannot overflow */
    uint64_t b = 0;
    u[dn - 2] = u64_sub_borrow(r0, carry + borrow, &b);
    u[dn - 1] = u64_sub_borrow(r1, 0, &b);
    if (GH_UNLIKELY(b)) {
        uint64_t c = 0;
        q--;
        for (unsigned i = 0; i < dn; i++)
            u[i] = u64_add_carry(u[i], d[i], &c);
    }
    return q;
}

/* All quotient limbs. Called with a constant dn, so that every length gets its own unrolled code. */
static ALWAYS_INLINE void div_steps(uint64_t *q, uint64_t *u, unsigned un, const uint64_t *d,
                                    unsigned dn)
{
    uint64_t v = reciprocal_3by2(d[dn - 1], d[dn - 2]);
    for (unsigned j = un >= dn ? un - dn + 1 : 0; j-- > 0;) {
        uint64_t limb = div_step(u + j, d, dn, v);
        if (q)
            q[j] = limb;
    }
}

/* n (nn limbs, nn <= 8) by d != 0: q gets nn limbs unless NULL, r gets 4. q and n may be the same. */
static void div_limbs(uint64_t *q, uint64_t r[4], const uint64_t *n, unsigned nn,
                      const struct u256 *d)
{
    uint64_t v[4] = { 0 }, u[9];
    unsigned dn = 4, un = nn;
    while (d->w[dn - 1] == 0)
        dn--;
    while (un > 0 && n[un - 1] == 0)
        un--;
    if (dn == 1) {
        uint64_t rem = 0, one = d->w[0];
        for (unsigned i = nn; i-- > 0;) {
            uint64_t limb = i < un ? div_2by1(rem, n[i], one, &rem) : 0;
            if (q)
                q[i] = limb;
        }
        r[0] = rem;
        r[1] = r[2] = r[3] = 0;
        return;
    }
    unsigned s = (unsigned)__builtin_clzll(d->w[dn - 1]);
    for (unsigned i = 0; i < un; i++)
        u[i] = n[i];
    u[un] = 0;
    for (unsigned i = 0; i < dn; i++)
        v[i] = d->w[i];
    if (s) {
        u[un] = un ? u[un - 1] >> (64 - s) : 0;
        for (unsigned i = un; i-- > 1;)
            u[i] = (u[i] << s) | (u[i - 1] >> (64 - s));
        u[0] <<= un ? s : 0;
        for (unsigned i = dn; i-- > 1;)
            v[i] = (v[i] << s) | (v[i - 1] >> (64 - s));
        v[0] <<= s;
    }
    if (q) {
        for (unsigned i = 0; i < nn; i++)
            q[i] = 0;
    }
    if (dn == 2)
        div_steps(q, u, un, v, 2);
    else if (dn == 3)
        div_steps(q, u, un, v, 3);
    else
        div_steps(q, u, un, v, 4);
    for (unsigned i = 0; i < 4; i++) {
        uint64_t low = i < dn && i <= un ? u[i] : 0,
                 high = i + 1 < dn && i + 1 <= un ? u[i + 1] : 0;
        r[i] = s ? (low >> s) | (high << (64 - s)) : low;
    }
}

static OUT_OF_LINE void divmod_long(struct u256 *q, struct u256 *r, const struct u256 *n,
                                    const struct u256 *d)
{
    struct u256 quot = U256_ZERO, rem = U256_ZERO;
    if (u256_lt(n, d))
        rem = *n;
    else if (!u256_is_zero(d))
        div_limbs(q ? quot.w : NULL, rem.w, n->w, 4, d);
    if (q)
        *q = quot;
    if (r)
        *r = rem;
}

void u256_divmod(struct u256 *q, struct u256 *r, const struct u256 *n, const struct u256 *d)
{
    if (!u256_fits_u64(n) || !u256_fits_u64(d)) {
        divmod_long(q, r, n, d);
        return;
    }
    uint64_t a = n->w[0], b = d->w[0];
    if (q)
        *q = u256_of_u64(b ? a / b : 0);
    if (r)
        *r = u256_of_u64(b ? a % b : 0);
}

struct u256 u256_div(const struct u256 *n, const struct u256 *d)
{
    struct u256 q;
    if (u256_fits_u64(n) && u256_fits_u64(d))
        return u256_of_u64(d->w[0] ? n->w[0] / d->w[0] : 0);
    divmod_long(&q, NULL, n, d);
    return q;
}

struct u256 u256_mod(const struct u256 *n, const struct u256 *d)
{
    struct u256 r;
    if (u256_fits_u64(n) && u256_fits_u64(d))
        return u256_of_u64(d->w[0] ? n->w[0] % d->w[0] : 0);
    divmod_long(NULL, &r, n, d);
    return r;
}

struct u256 u256_div_ceil(const struct u256 *n, const struct u256 *d)
{
    struct u256 q, r;
    u256_divmod(&q, &r, n, d);
    return u256_is_zero(&r) ? q : u256_add(&q, &U256_ONE);
}

static inline bool is_negative(const struct u256 *a)
{
    return a->w[3] >> 63;
}

static inline struct u256 negate(const struct u256 *a)
{
    return u256_sub(&U256_ZERO, a);
}

static inline struct u256 magnitude(const struct u256 *a)
{
    return is_negative(a) ? negate(a) : *a;
}

struct u256 u256_sdiv(const struct u256 *a, const struct u256 *b)
{
    struct u256 ma = magnitude(a), mb = magnitude(b), q = u256_div(&ma, &mb);
    return is_negative(a) != is_negative(b) ? negate(&q) : q;
}

struct u256 u256_smod(const struct u256 *a, const struct u256 *b)
{
    struct u256 ma = magnitude(a), mb = magnitude(b), r = u256_mod(&ma, &mb);
    return is_negative(a) ? negate(&r) : r;
}

struct u256 u256_addmod(const struct u256 *a, const struct u256 *b, const struct u256 *m)
{
    struct u256 r = U256_ZERO;
    uint64_t c;
    if (u256_is_zero(m))
        return r;
    struct u256 sum = u256_add_carry(a, b, &c);
    if (u256_lt(a, m) && u256_lt(b, m))
        return c || !u256_lt(&sum, m) ? u256_sub(&sum, m) : sum;
    uint64_t s[5] = { sum.w[0], sum.w[1], sum.w[2], sum.w[3], c };
    div_limbs(NULL, r.w, s, 5, m);
    return r;
}

struct u256 u256_mulmod(const struct u256 *a, const struct u256 *b, const struct u256 *m)
{
    struct u256 r = U256_ZERO;
    uint64_t p[8];
    if (u256_is_zero(m))
        return r;
    u256_mul_full(p, a, b);
    div_limbs(NULL, r.w, p, 8, m);
    return r;
}

struct u256 u256_exp(const struct u256 *base, const struct u256 *e)
{
    unsigned bits = u256_bit_len(e), k = u256_bit_len(base);
    if (bits == 0)
        return U256_ONE;
    if (k == 0)
        return U256_ZERO;
    struct u256 r = u256_shl(&U256_ONE, k - 1);
    if (u256_eq(base, &r)) { /* a power of two */
        if (k == 1)
            return U256_ONE;
        return u256_fits_u64(e) && e->w[0] < 256 ? u256_shl(&U256_ONE, (k - 1) * (unsigned)e->w[0])
                                                 : U256_ZERO;
    }
    r = *base;
    for (unsigned i = bits - 1; i-- > 0;) {
        r = u256_mul(&r, &r);
        if ((e->w[i / 64] >> (i % 64)) & 1)
            r = u256_mul(&r, base);
    }
    return r;
}

struct u256 u256_signextend(const struct u256 *k, const struct u256 *x)
{
    if (!u256_fits_u64(k) || k->w[0] >= 31)
        return *x;
    unsigned drop = 248 - 8 * (unsigned)k->w[0];
    struct u256 t = u256_shl(x, drop);
    return u256_sar(&t, drop);
}

bool u256_slt(const struct u256 *a, const struct u256 *b)
{
    if (is_negative(a) != is_negative(b))
        return is_negative(a);
    return u256_lt(a, b);
}

struct u256 u256_shl(const struct u256 *x, unsigned n)
{
    struct u256 r = U256_ZERO;
    if (n >= 256)
        return r;
    unsigned limbs = n / 64, s = n % 64;
    for (unsigned i = 3; i + 1 > limbs; i--) {
        uint64_t v = x->w[i - limbs] << s;
        if (s && i > limbs)
            v |= x->w[i - limbs - 1] >> (64 - s);
        r.w[i] = v;
        if (i == 0)
            break;
    }
    return r;
}

/* fill: what comes in at the top */
static inline struct u256 shift_right(const struct u256 *x, unsigned n, uint64_t fill)
{
    struct u256 r;
    unsigned limbs = n / 64, s = n % 64;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t low = i + limbs < 4 ? x->w[i + limbs] : fill;
        uint64_t high = i + limbs + 1 < 4 ? x->w[i + limbs + 1] : fill;
        r.w[i] = s ? (low >> s) | (high << (64 - s)) : low;
    }
    return r;
}

struct u256 u256_shr(const struct u256 *x, unsigned n)
{
    return n >= 256 ? U256_ZERO : shift_right(x, n, 0);
}

struct u256 u256_sar(const struct u256 *x, unsigned n)
{
    uint64_t fill = is_negative(x) ? UINT64_MAX : 0;
    return shift_right(x, n >= 256 ? 256 : n, fill);
}

unsigned u256_bit_len(const struct u256 *a)
{
    for (unsigned i = 4; i-- > 0;) {
        if (a->w[i])
            return 64 * i + 64 - (unsigned)__builtin_clzll(a->w[i]);
    }
    return 0;
}

struct u256 u256_of_be32(const uint8_t p[32])
{
    return (
        struct u256){ { load_be64(p + 24), load_be64(p + 16), load_be64(p + 8), load_be64(p) } };
}

void u256_to_be32(uint8_t p[32], const struct u256 *a)
{
    store_be64(p, a->w[3]);
    store_be64(p + 8, a->w[2]);
    store_be64(p + 16, a->w[1]);
    store_be64(p + 24, a->w[0]);
}

struct u256 u256_of_be(const uint8_t *p, size_t len)
{
    uint8_t b[32] = { 0 };
    CHECK(len <= 32);
    if (len)
        memcpy(b + 32 - len, p, len);
    return u256_of_be32(b);
}

#define DEC_CHUNK        UINT64_C(10000000000000000000)
#define DEC_CHUNK_DIGITS 19

size_t u256_format_dec(char out[79], const struct u256 *a)
{
    char digits[80];
    size_t n = 0;
    struct u256 v = *a, ten19 = u256_of_u64(DEC_CHUNK);
    do {
        struct u256 r;
        u256_divmod(&v, &r, &v, &ten19);
        uint64_t chunk = r.w[0];
        bool more = !u256_is_zero(&v);
        for (int i = 0; i < DEC_CHUNK_DIGITS && (more || chunk || i == 0); i++) {
            digits[n++] = (char)('0' + chunk % 10);
            chunk /= 10;
        }
    } while (!u256_is_zero(&v));
    for (size_t i = 0; i < n; i++)
        out[i] = digits[n - 1 - i];
    out[n] = '\0';
    return n;
}

bool u256_parse_dec(struct u256 *out, const char *s, size_t len)
{
    struct u256 v = U256_ZERO;
    if (len == 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        uint64_t carry = (uint64_t)(s[i] - '0');
        for (int j = 0; j < 4; j++)
            v.w[j] = mul_add(v.w[j], 10, 0, &carry);
        if (carry)
            return false;
    }
    *out = v;
    return true;
}
