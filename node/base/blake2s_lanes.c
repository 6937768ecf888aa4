/* node/base/blake2s_lanes.c: many messages at once, on the widest path the CPU has. */
#include "node/base/hash.h"

#if __STDC_HOSTED__ && defined(__x86_64__)
#include <stdatomic.h>

#include "node/base/blake2s_lanes.h"

/* A short rest is padded to a full vector from this many messages on; below, one by one is faster. */
#define PAD_FROM 3u

static _Atomic unsigned lanes_chosen; /* 0 = not chosen yet */

static bool cpu_has(unsigned lanes)
{
    switch (lanes) {
    case 1:
        return true;
    case 8:
        return __builtin_cpu_supports("avx2") != 0;
    case 16:
        return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx2") != 0;
    default:
        return false;
    }
}

bool blake2s_set_lanes(unsigned lanes)
{
    if (!cpu_has(lanes))
        return false;
    atomic_store_explicit(&lanes_chosen, lanes, memory_order_relaxed);
    return true;
}

unsigned blake2s_lanes(void)
{
    unsigned n = atomic_load_explicit(&lanes_chosen, memory_order_relaxed);
    if (n == 0) {
        n = cpu_has(16) ? 16 : cpu_has(8) ? 8 : 1;
        atomic_store_explicit(&lanes_chosen, n, memory_order_relaxed);
    }
    return n;
}

/* How many lanes to use for the next step of n remaining messages; 1 = the one-message path. */
static inline unsigned next_width(unsigned lanes, size_t n)
{
    if (lanes == 1 || n < PAD_FROM)
        return 1;
    return lanes == 16 && n > 8 ? 16 : 8;
}

static void nodes_padded(struct b256 *out, const struct b256 *const *left,
                         const struct b256 *const *right, size_t n, unsigned width)
{
    const struct b256 *l[16], *r[16];
    struct b256 o[16];
    for (unsigned i = 0; i < width; i++) {
        l[i] = left[i < n ? i : 0];
        r[i] = right[i < n ? i : 0];
    }
    if (width == 16)
        blake2s_nodes_x16(o, l, r);
    else
        blake2s_nodes_x8(o, l, r);
    memcpy(out, o, n * sizeof(*out));
}

void blake2s_nodes(struct b256 *out, const struct b256 *const *left,
                   const struct b256 *const *right, size_t n)
{
    unsigned lanes = blake2s_lanes();
    while (n) {
        unsigned width = next_width(lanes, n);
        size_t done = n < width ? n : width;
        if (width == 1)
            *out = blake2s_pair(*left, *right);
        else if (n < width)
            nodes_padded(out, left, right, n, width);
        else if (width == 16)
            blake2s_nodes_x16(out, left, right);
        else
            blake2s_nodes_x8(out, left, right);
        out += done;
        left += done;
        right += done;
        n -= done;
    }
}

static void leaves_padded(struct b256 *out, const struct blake2s_leaf_in *in, size_t n,
                          unsigned width)
{
    struct blake2s_leaf_in full[16];
    struct b256 o[16];
    for (unsigned i = 0; i < width; i++)
        full[i] = in[i < n ? i : 0];
    if (width == 16)
        blake2s_leaves_x16(o, full);
    else
        blake2s_leaves_x8(o, full);
    memcpy(out, o, n * sizeof(*out));
}

void blake2s_leaves(struct b256 *out, const struct blake2s_leaf_in *in, size_t n)
{
    unsigned lanes = blake2s_lanes();
    while (n) {
        unsigned width = next_width(lanes, n);
        size_t done = n < width ? n : width;
        if (width == 1)
            *out = blake2s_leaf(in->key, in->value, in->next);
        else if (n < width)
            leaves_padded(out, in, n, width);
        else if (width == 16)
            blake2s_leaves_x16(out, in);
        else
            blake2s_leaves_x8(out, in);
        out += done;
        in += done;
        n -= done;
    }
}

#else

bool blake2s_set_lanes(unsigned lanes)
{
    return lanes == 1;
}

unsigned blake2s_lanes(void)
{
    return 1;
}

void blake2s_nodes(struct b256 *out, const struct b256 *const *left,
                   const struct b256 *const *right, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = blake2s_pair(left[i], right[i]);
}

void blake2s_leaves(struct b256 *out, const struct blake2s_leaf_in *in, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = blake2s_leaf(in[i].key, in[i].value, in[i].next);
}

#endif
