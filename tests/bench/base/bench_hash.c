/* tests/bench/base/bench_hash.c
 *
 * Nanoseconds per operation of the hashes and the 256-bit arithmetic, best of several rounds. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "node/base/hash.h"
#include "node/base/u256.h"

#define ROUNDS 7
#define BATCH  256u

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct b256 words[2 * BATCH], out[BATCH];
static const struct b256 *left[BATCH], *right[BATCH];
static struct blake2s_leaf_in leaves[BATCH];
static struct u256 num[BATCH], den[BATCH], small_num[BATCH], small_den[BATCH], res;
static volatile uint64_t sink;

/* Each body does `ops` operations. */
static void bench(const char *name, void (*body)(void), unsigned ops)
{
    uint64_t best = UINT64_MAX;
    for (int round = 0; round < ROUNDS; round++) {
        const unsigned turns = 200;
        uint64_t t = now_ns();
        for (unsigned i = 0; i < turns; i++)
            body();
        t = (now_ns() - t) * 10 / turns / ops; /* tenths of a nanosecond */
        best = t < best ? t : best;
    }
    printf("%-28s %6" PRIu64 ".%" PRIu64 " ns\n", name, best / 10, best % 10);
    sink += out[0].b[0] + res.w[0];
}

static void keccak_64(void)
{
    for (unsigned i = 0; i < BATCH; i++)
        out[i] = keccak256_pair(left[i], right[i]);
}
static void keccak_136(void)
{
    for (unsigned i = 0; i < BATCH; i++)
        out[i] = keccak256(&words[i], 136);
}
static void sha256_64(void)
{
    for (unsigned i = 0; i < BATCH; i++)
        out[i] = sha256(&words[i], 64);
}
static void blake_nodes(void)
{
    blake2s_nodes(out, left, right, BATCH);
}
static void blake_leaves(void)
{
    blake2s_leaves(out, leaves, BATCH);
}
static void mul_wide(void)
{
    for (unsigned i = 0; i < BATCH; i++)
        res = u256_mul(&num[i], &den[i]);
}
static void mul_small(void)
{
    for (unsigned i = 0; i < BATCH; i++)
        res = u256_mul(&small_num[i], &small_den[i]);
}
static void div_wide(void)
{
    for (unsigned i = 0; i < BATCH; i++)
        res = u256_div(&num[i], &den[i]);
}
static void div_by_64(void)
{
    for (unsigned i = 0; i < BATCH; i++)
        res = u256_div(&num[i], &small_den[i]);
}
static void div_small(void)
{
    for (unsigned i = 0; i < BATCH; i++)
        res = u256_div(&small_num[i], &small_den[i]);
}
static void mulmod_wide(void)
{
    for (unsigned i = 0; i < BATCH; i++)
        res = u256_mulmod(&num[i], &den[i], &num[(i + 1) % BATCH]);
}
static void addmod_wide(void)
{
    for (unsigned i = 0; i < BATCH; i++)
        res = u256_addmod(&num[i], &den[i], &num[(i + 1) % BATCH]);
}
static void exp_wide(void)
{
    for (unsigned i = 0; i < BATCH; i++)
        res = u256_exp(&num[i], &den[i]);
}

static void prepare(void)
{
    for (unsigned i = 0; i < 2 * BATCH; i++)
        words[i] = sha256(&i, sizeof(i));
    for (unsigned i = 0; i < BATCH; i++) {
        left[i] = &words[(size_t)2 * i];
        right[i] = &words[(size_t)2 * i + 1];
        leaves[i] = (struct blake2s_leaf_in){ left[i], right[i], i };
        num[i] = u256_of_b256(left[i]);
        den[i] = u256_of_b256(right[i]);
        den[i] = u256_shr(&den[i], 100);
        small_num[i] = u256_of_u64(num[i].w[0]);
        small_den[i] = u256_of_u64(den[i].w[0] >> 20);
    }
}

int main(void)
{
    static const unsigned widths[] = { 1, 8, 16 };
    prepare();
    bench("keccak 64 bytes", keccak_64, BATCH);
    bench("keccak 136 bytes (2 blocks)", keccak_136, BATCH);
    bench("sha256 64 bytes", sha256_64, BATCH);
    for (size_t i = 0; i < GH_COUNT(widths); i++) {
        char name[40];
        if (!blake2s_set_lanes(widths[i]))
            continue;
        snprintf(name, sizeof(name), "blake2s node, %u lanes", widths[i]);
        bench(name, blake_nodes, BATCH);
        snprintf(name, sizeof(name), "blake2s leaf, %u lanes", widths[i]);
        bench(name, blake_leaves, BATCH);
    }
    bench("mul 256 x 156", mul_wide, BATCH);
    bench("mul 64 x 44", mul_small, BATCH);
    bench("div 256 / 156", div_wide, BATCH);
    bench("div 256 / 44", div_by_64, BATCH);
    bench("div 64 / 44", div_small, BATCH);
    bench("mulmod 256", mulmod_wide, BATCH);
    bench("addmod 256", addmod_wide, BATCH);
    bench("exp 256 ^ 156", exp_wide, BATCH);
    return 0;
}
