/* node/crypto/modexp_portable.c
 *
 * EIP-198 with limbs of 32 bits: schoolbook products and Knuth's division (TAOCP vol. 2, 4.3.1,
 * algorithm D), for any modulus. Numbers are least significant limb first. */
#include "node/crypto/portable.h"

struct modulus {
    uint32_t *d; /* shifted left so that its top bit is set */
    size_t n;    /* limbs, top one not zero */
    unsigned shift;
    uint32_t *dividend; /* 2n + 1 limbs, what is being reduced */
};

static void limbs_of_be(uint32_t *out, size_t limb_cnt, const uint8_t *p, size_t len)
{
    memset(out, 0, limb_cnt * sizeof(*out));
    for (size_t i = 0; i < len; i++)
        out[i / 4] |= (uint32_t)p[len - 1 - i] << (i % 4 * 8);
}

static size_t skip_zero_bytes(const uint8_t *p, size_t len)
{
    size_t i = 0;
    while (i < len && p[i] == 0)
        i++;
    return i;
}

/* u[0..n] -= q d, q at most one too large; corrected. u[n] becomes 0. */
static void subtract_multiple(uint32_t *u, const struct modulus *m, uint64_t q)
{
    uint64_t carry = 0, borrow = 0;
    for (size_t i = 0; i < m->n; i++) {
        uint64_t p = q * m->d[i] + carry;
        carry = p >> 32;
        uint64_t t = (uint64_t)u[i] - (uint32_t)p - borrow;
        u[i] = (uint32_t)t;
        borrow = t >> 63;
    }
    uint64_t t = (uint64_t)u[m->n] - carry - borrow;
    u[m->n] = (uint32_t)t;
    if (t >> 63) {
        carry = 0;
        for (size_t i = 0; i < m->n; i++) {
            carry += (uint64_t)u[i] + m->d[i];
            u[i] = (uint32_t)carry;
            carry >>= 32;
        }
        u[m->n] += (uint32_t)carry;
    }
}

/* r (n limbs) = x mod m; x has x_len limbs, at most 2n. r may be part of x. */
static void reduce(uint32_t *r, const uint32_t *x, size_t x_len, const struct modulus *m)
{
    uint32_t *u = m->dividend;
    size_t n = m->n;
    if (x_len < n) {
        memmove(r, x, x_len * sizeof(*r));
        memset(r + x_len, 0, (n - x_len) * sizeof(*r));
        return;
    }
    uint32_t lead = m->d[n - 1];
    CHECK(lead >= 0x80000000u); /* or the trial quotients would be too far off */
    uint64_t top = 0;
    for (size_t i = 0; i < x_len; i++) {
        top |= (uint64_t)x[i] << m->shift;
        u[i] = (uint32_t)top;
        top >>= 32;
    }
    u[x_len] = (uint32_t)top;
    for (size_t j = x_len - n + 1; j-- > 0;) {
        uint64_t head = (uint64_t)u[j + n] << 32 | u[j + n - 1];
        uint64_t q = head / lead, rest = head % lead;
        while (q >> 32 || (n > 1 && q * m->d[n - 2] > (rest << 32 | u[j + n - 2]))) {
            q--;
            rest += lead;
            if (rest >> 32)
                break;
        }
        subtract_multiple(u + j, m, q);
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t wide = u[i] | (i + 1 < n ? (uint64_t)u[i + 1] << 32 : 0);
        r[i] = (uint32_t)(wide >> m->shift);
    }
}

/* r = x y mod m; space has 2n limbs */
static void multiply(uint32_t *r, const uint32_t *x, const uint32_t *y, const struct modulus *m,
                     uint32_t *space)
{
    size_t n = m->n;
    memset(space, 0, 2 * n * sizeof(*space));
    for (size_t i = 0; i < n; i++) {
        uint64_t carry = 0;
        if (y[i] == 0)
            continue;
        for (size_t j = 0; j < n; j++) {
            carry += (uint64_t)x[j] * y[i] + space[i + j];
            space[i + j] = (uint32_t)carry;
            carry >>= 32;
        }
        space[i + n] = (uint32_t)carry;
    }
    reduce(r, space, 2 * n, m);
}

/* r = base mod m for a base of any length: n limbs at a time, most significant first */
static void reduce_long(uint32_t *r, const uint8_t *base, size_t base_len, const struct modulus *m,
                        uint32_t *space)
{
    size_t n = m->n, chunk = 4 * n;
    CHECK(chunk > 0);
    memset(r, 0, n * sizeof(*r));
    for (size_t at = 0; at < base_len;) {
        size_t len = base_len - at;
        len = len % chunk ? len % chunk : chunk; /* the first one takes the odd length */
        limbs_of_be(space, n, base + at, len);
        memcpy(space + n, r, n * sizeof(*r));
        reduce(r, space, 2 * n, m);
        at += len;
    }
}

/* acc = x^exp mod m, 4 bits at a time. table has room for 16 numbers of n limbs. */
static void power(uint32_t *acc, uint32_t *table, const uint32_t *x, const uint8_t *exp,
                  size_t exp_len, const struct modulus *m, uint32_t *space)
{
    size_t n = m->n;
    memset(space, 0, n * sizeof(*space));
    space[0] = 1;
    reduce(table, space, n, m); /* 0 modulo 1 */
    for (size_t i = 1; i < 16; i++)
        multiply(table + i * n, table + (i - 1) * n, x, m, space);
    memcpy(acc, table, n * sizeof(*acc));
    for (size_t i = skip_zero_bytes(exp, exp_len); i < exp_len; i++) {
        for (unsigned half = 0; half < 2; half++) {
            for (int k = 0; k < 4; k++)
                multiply(acc, acc, acc, m, space);
            size_t digit = half ? exp[i] & 15 : exp[i] >> 4;
            if (digit)
                multiply(acc, acc, table + digit * n, m, space);
        }
    }
}

static void modulus_load(struct modulus *m, const uint8_t *mod, size_t mod_len)
{
    limbs_of_be(m->d, m->n, mod, mod_len);
    m->shift = (unsigned)__builtin_clz(m->d[m->n - 1]);
    uint64_t carry = 0;
    for (size_t i = 0; i < m->n; i++) {
        carry |= (uint64_t)m->d[i] << m->shift;
        m->d[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

bool modexp_portable(uint8_t *out, const uint8_t *base, size_t base_len, const uint8_t *exp,
                     size_t exp_len, const uint8_t *mod, size_t mod_len, struct arena *scratch)
{
    if (mod_len == 0)
        return true;
    memset(out, 0, mod_len);
    size_t lead = skip_zero_bytes(mod, mod_len);
    if (lead == mod_len)
        return true;
    struct modulus m;
    m.n = (mod_len - lead + 3) / 4;
    if (m.n > SIZE_MAX / 128)
        return false;
    struct arena_mark mark = arena_save(scratch);
    /* modulus n, dividend 2n + 1, product 2n, base n, result n, table 16n */
    uint32_t *mem = arena_alloc(scratch, (23 * m.n + 1) * sizeof(*mem));
    if (!mem)
        return false;
    m.d = mem;
    m.dividend = mem + m.n;
    uint32_t *space = m.dividend + 2 * m.n + 1;
    uint32_t *x = space + 2 * m.n, *acc = x + m.n, *table = acc + m.n;
    modulus_load(&m, mod + lead, mod_len - lead);
    reduce_long(x, base, base_len, &m, space);
    power(acc, table, x, exp, exp_len, &m, space);
    for (size_t i = 0; i < mod_len - lead; i++)
        out[mod_len - 1 - i] = (uint8_t)(acc[i / 4] >> (i % 4 * 8));
    arena_restore(scratch, mark);
    return true;
}
