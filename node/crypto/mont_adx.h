/* node/crypto/mont_adx.h   (internal to crypto_free)
 *
 * Montgomery products of 4 and 6 limbs with MULX and the two carry chains of ADX (Intel, "New
 * instructions supporting large integer arithmetic", 2012): a row of x y_i on both chains, then a row
 * of the reduction, which moves the number down by a limb. As in fp.inc's portable form, the modulus
 * leaves its top bits clear, so that the carries of a row fit one limb. The result is below 2p. */
#ifndef GH_CRYPTO_MONT_ADX_H
#define GH_CRYPTO_MONT_ADX_H

#include "node/base/defs.h"

/* Whether the processor has both; found out before main and false elsewhere than on x86-64. Tests clear
 * it to take the portable path. */
extern bool crypto_has_adx;

/* A machine that is treated as one without 128-bit products has no MULX either. */
#if defined(__x86_64__) && defined(__SIZEOF_INT128__)
#define MONT_ADX 1
/* Out of line: they are long, and their callers are faster for being short. */
#define FP_KERNEL __attribute__((noinline, unused)) static

/* The compilers that know this assembly take strings of any length. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings"

/* t0, t1, ... += rdx times the limbs at `from`; what is left over is in `hi` */
#define ADX_ROW_FIRST(from, hi)                                                                    \
    "xorl %%eax, %%eax\n\t"                                                                        \
    "mulxq (%[" from "]), %%rax, %[" hi "]\n\t"                                                    \
    "adoxq %%rax, %[t0]\n\t"
#define ADX_ROW_STEP(from, hi, j, at)                                                              \
    "adcxq %[" hi "], %[t" j "]\n\t"                                                               \
    "mulxq " at "(%[" from "]), %%rax, %[" hi "]\n\t"                                              \
    "adoxq %%rax, %[t" j "]\n\t"
#define ADX_ROW_END(hi)                                                                            \
    "movl $0, %%eax\n\t"                                                                           \
    "adcxq %%rax, %[" hi "]\n\t"                                                                   \
    "adoxq %%rax, %[" hi "]\n\t"
#define ADX_ROW_4(from, hi)                                                                        \
    ADX_ROW_FIRST(from, hi)                                                                        \
    ADX_ROW_STEP(from, hi, "1", "8")                                                               \
    ADX_ROW_STEP(from, hi, "2", "16") ADX_ROW_STEP(from, hi, "3", "24") ADX_ROW_END(hi)
#define ADX_ROW_6(from, hi)                                                                        \
    ADX_ROW_FIRST(from, hi)                                                                        \
    ADX_ROW_STEP(from, hi, "1", "8")                                                               \
    ADX_ROW_STEP(from, hi, "2", "16")                                                              \
    ADX_ROW_STEP(from, hi, "3", "24")                                                              \
    ADX_ROW_STEP(from, hi, "4", "32") ADX_ROW_STEP(from, hi, "5", "40") ADX_ROW_END(hi)

/* (t + m p) / 2^64 for the m that makes it divisible; `hi` becomes part of the top limb */
#define ADX_REDUCE_FIRST                                                                           \
    "movq %[inv], %%rdx\n\t"                                                                       \
    "imulq %[t0], %%rdx\n\t"                                                                       \
    "xorl %%eax, %%eax\n\t"                                                                        \
    "mulxq (%[p]), %%rax, %[lo]\n\t"                                                               \
    "adcxq %[t0], %%rax\n\t"                                                                       \
    "movq %[lo], %[t0]\n\t"
#define ADX_REDUCE_STEP(i, j, at)                                                                  \
    "adcxq %[t" j "], %[t" i "]\n\t"                                                               \
    "mulxq " at "(%[p]), %%rax, %[t" j "]\n\t"                                                     \
    "adoxq %%rax, %[t" i "]\n\t"
#define ADX_REDUCE_END(j)                                                                          \
    "movl $0, %%eax\n\t"                                                                           \
    "adcxq %%rax, %[t" j "]\n\t"                                                                   \
    "adoxq %[hi], %[t" j "]\n\t"
#define ADX_REDUCE_4                                                                               \
    ADX_REDUCE_FIRST                                                                               \
    ADX_REDUCE_STEP("0", "1", "8")                                                                 \
    ADX_REDUCE_STEP("1", "2", "16") ADX_REDUCE_STEP("2", "3", "24") ADX_REDUCE_END("3")
#define ADX_REDUCE_6                                                                               \
    ADX_REDUCE_FIRST                                                                               \
    ADX_REDUCE_STEP("0", "1", "8")                                                                 \
    ADX_REDUCE_STEP("1", "2", "16")                                                                \
    ADX_REDUCE_STEP("2", "3", "24")                                                                \
    ADX_REDUCE_STEP("3", "4", "32") ADX_REDUCE_STEP("4", "5", "40") ADX_REDUCE_END("5")

/* x y */
#define ADX_MUL_ROW(n, at) "movq " at "(%[y]), %%rdx\n\t" ADX_ROW_##n("x", "hi") ADX_REDUCE_##n

static inline void mont4_mul_adx(uint64_t t[4], const uint64_t x[4], const uint64_t y[4],
                                 const uint64_t p[4], uint64_t inv)
{
    uint64_t t0 = 0, t1 = 0, t2 = 0, t3 = 0, hi, lo;
    __asm__(ADX_MUL_ROW(4, "0") ADX_MUL_ROW(4, "8") ADX_MUL_ROW(4, "16") ADX_MUL_ROW(4, "24")
            : [t0] "+&r"(t0), [t1] "+&r"(t1), [t2] "+&r"(t2), [t3] "+&r"(t3), [hi] "=&r"(hi),
              [lo] "=&r"(lo)
            : [x] "r"(x), [y] "r"(y), [p] "r"(p), [inv] "m"(inv)
            : "rax", "rdx", "cc", "memory");
    t[0] = t0;
    t[1] = t1;
    t[2] = t2;
    t[3] = t3;
}

static inline void mont6_mul_adx(uint64_t t[6], const uint64_t x[6], const uint64_t y[6],
                                 const uint64_t p[6], uint64_t inv)
{
    uint64_t t0 = 0, t1 = 0, t2 = 0, t3 = 0, t4 = 0, t5 = 0, hi, lo;
    __asm__(ADX_MUL_ROW(6, "0") ADX_MUL_ROW(6, "8") ADX_MUL_ROW(6, "16") ADX_MUL_ROW(6, "24")
                ADX_MUL_ROW(6, "32") ADX_MUL_ROW(6, "40")
            : [t0] "+&r"(t0), [t1] "+&r"(t1), [t2] "+&r"(t2), [t3] "+&r"(t3), [t4] "+&r"(t4),
              [t5] "+&r"(t5), [hi] "=&r"(hi), [lo] "=&r"(lo)
            : [x] "r"(x), [y] "r"(y), [p] "r"(p), [inv] "m"(inv)
            : "rax", "rdx", "cc", "memory");
    t[0] = t0;
    t[1] = t1;
    t[2] = t2;
    t[3] = t3;
    t[4] = t4;
    t[5] = t5;
}

/* x y + u v with one reduction. Registers run out (the more so in a build for sanitizers), so the five
 * pointers x, y, u, v, p are in memory and p becomes what the reduction needs. */
#define ADX_TIMES(n, row, factor, at, hi)                                                          \
    "movq " factor "(%[of]), %%rdx\n\t"                                                            \
    "movq " at "(%%rdx), %%rdx\n\t"                                                                \
    "movq " row "(%[of]), %[p]\n\t" ADX_ROW_##n("p", hi)
#define ADX_MUL_ADD_ROW(n, at)                                                                     \
    ADX_TIMES(n, "0", "8", at, "hi")                                                               \
    ADX_TIMES(n, "16", "24", at, "lo")                                                             \
    "addq %[lo], %[hi]\n\t"                                                                        \
    "movq 32(%[of]), %[p]\n\t" ADX_REDUCE_##n

static inline void mont4_mul_add_adx(uint64_t t[4], const uint64_t x[4], const uint64_t y[4],
                                     const uint64_t u[4], const uint64_t v[4], const uint64_t p[4],
                                     uint64_t inv)
{
    uint64_t t0 = 0, t1 = 0, t2 = 0, t3 = 0, hi, lo;
    const uint64_t *const of[5] = { x, y, u, v, p }, *base;
    __asm__(ADX_MUL_ADD_ROW(4, "0") ADX_MUL_ADD_ROW(4, "8") ADX_MUL_ADD_ROW(4, "16")
                ADX_MUL_ADD_ROW(4, "24")
            : [t0] "+&r"(t0), [t1] "+&r"(t1), [t2] "+&r"(t2), [t3] "+&r"(t3), [hi] "=&r"(hi),
              [lo] "=&r"(lo), [p] "=&r"(base)
            : [of] "r"(of), [inv] "m"(inv)
            : "rax", "rdx", "cc", "memory");
    t[0] = t0;
    t[1] = t1;
    t[2] = t2;
    t[3] = t3;
}

static inline void mont6_mul_add_adx(uint64_t t[6], const uint64_t x[6], const uint64_t y[6],
                                     const uint64_t u[6], const uint64_t v[6], const uint64_t p[6],
                                     uint64_t inv)
{
    uint64_t t0 = 0, t1 = 0, t2 = 0, t3 = 0, t4 = 0, t5 = 0, hi, lo;
    const uint64_t *const of[5] = { x, y, u, v, p }, *base;
    __asm__(ADX_MUL_ADD_ROW(6, "0") ADX_MUL_ADD_ROW(6, "8") ADX_MUL_ADD_ROW(6, "16")
                ADX_MUL_ADD_ROW(6, "24") ADX_MUL_ADD_ROW(6, "32") ADX_MUL_ADD_ROW(6, "40")
            : [t0] "+&r"(t0), [t1] "+&r"(t1), [t2] "+&r"(t2), [t3] "+&r"(t3), [t4] "+&r"(t4),
              [t5] "+&r"(t5), [hi] "=&r"(hi), [lo] "=&r"(lo), [p] "=&r"(base)
            : [of] "r"(of), [inv] "m"(inv)
            : "rax", "rdx", "cc", "memory");
    t[0] = t0;
    t[1] = t1;
    t[2] = t2;
    t[3] = t3;
    t[4] = t4;
    t[5] = t5;
}

#pragma GCC diagnostic pop
#else
#define MONT_ADX 0
#endif

#endif
