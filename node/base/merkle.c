/* node/base/merkle.c */
#include "node/base/merkle.h"

#include "node/base/hash.h"

/* One level up, in place: the first n nodes of `layer`, the rest equal to *pad. */
static size_t level_up(struct b256 *layer, size_t n, const struct b256 *pad)
{
    size_t pairs = n / 2;
    for (size_t i = 0; i < pairs; i++)
        layer[i] = keccak256_pair(&layer[2 * i], &layer[2 * i + 1]);
    if (n % 2 != 0) {
        layer[pairs] = keccak256_pair(&layer[n - 1], pad);
        pairs++;
    }
    return pairs;
}

static void load_leaves(struct b256 *scratch, const struct b256 *leaves, size_t n)
{
    if (n && scratch != leaves)
        memmove(scratch, leaves, n * sizeof(*leaves));
}

struct b256 merkle_fixed_path(struct b256 *path, size_t index, const struct b256 *leaves, size_t n,
                              unsigned depth, const struct b256 *padding, struct b256 *scratch)
{
    CHECK(depth <= MERKLE_MAX_DEPTH);
    CHECK(depth >= 64 ||
          ((uint64_t)n <= UINT64_C(1) << depth && (uint64_t)index < UINT64_C(1) << depth));
    struct b256 pad = *padding;
    load_leaves(scratch, leaves, n);
    for (unsigned d = 0; d < depth; d++) {
        if (path)
            path[d] = (index ^ 1) < n ? scratch[index ^ 1] : pad;
        n = level_up(scratch, n, &pad);
        pad = keccak256_pair(&pad, &pad);
        index >>= 1;
    }
    return n ? scratch[0] : pad;
}

struct b256 merkle_fixed_root(const struct b256 *leaves, size_t n, unsigned depth,
                              const struct b256 *padding, struct b256 *scratch)
{
    return merkle_fixed_path(NULL, 0, leaves, n, depth, padding, scratch);
}

struct b256 merkle_walk(const struct b256 *leaf, uint64_t index, const struct b256 *path,
                        unsigned depth)
{
    struct b256 h = *leaf;
    for (unsigned d = 0; d < depth; d++) {
        h = index & 1 ? keccak256_pair(&path[d], &h) : keccak256_pair(&h, &path[d]);
        index >>= 1;
    }
    return h;
}

unsigned merkle_depth(uint64_t n)
{
    return n <= 1 ? 0 : 64 - (unsigned)__builtin_clzll(n - 1);
}

struct b256 merkle_range_paths(struct b256 *left, struct b256 *right, uint64_t start, uint64_t cnt,
                               const struct b256 *leaves, uint64_t n, const struct b256 *padding,
                               struct b256 *scratch)
{
    CHECK(cnt >= 1 && cnt <= n && start <= n - cnt && n <= SIZE_MAX / sizeof(*leaves));
    size_t a = (size_t)start, b = (size_t)(start + cnt - 1), width = (size_t)n;
    unsigned depth = merkle_depth(n);
    struct b256 pad = *padding;
    load_leaves(scratch, leaves, width);
    for (unsigned d = 0; d < depth; d++) {
        memset(&left[d], 0, sizeof(left[d]));
        memset(&right[d], 0, sizeof(right[d]));
        if (a % 2 != 0)
            left[d] = scratch[a - 1];
        if (b % 2 == 0)
            right[d] = b + 1 < width ? scratch[b + 1] : pad;
        width = level_up(scratch, width, &pad);
        pad = keccak256_pair(&pad, &pad);
        a >>= 1;
        b >>= 1;
    }
    return scratch[0];
}

void merkle_incremental_init(struct merkle_incremental *t, const struct b256 *padding)
{
    memset(t, 0, sizeof(*t));
    t->zeros[0] = *padding;
    for (unsigned d = 0; d < MERKLE_MAX_DEPTH; d++)
        t->zeros[d + 1] = keccak256_pair(&t->zeros[d], &t->zeros[d]);
}

void merkle_incremental_append(struct merkle_incremental *t, const struct b256 *leaf)
{
    CHECK(t->count < UINT64_MAX);
    struct b256 h = *leaf;
    unsigned d = 0;
    for (uint64_t i = t->count; i & 1; i >>= 1) {
        h = keccak256_pair(&t->sides[d], &h);
        d++;
    }
    t->sides[d] = h;
    t->count++;
}

struct b256 merkle_incremental_root(const struct merkle_incremental *t)
{
    struct b256 h = { { 0 } };
    if (t->count == 0)
        return h;
    unsigned depth = merkle_depth(t->count);
    unsigned d = (unsigned)__builtin_ctzll(t->count);
    if ((t->count & (t->count - 1)) == 0)
        return t->sides[depth];
    for (h = t->zeros[d]; d < depth; d++) {
        bool has_left = (t->count >> d) & 1;
        h = has_left ? keccak256_pair(&t->sides[d], &h) : keccak256_pair(&h, &t->zeros[d]);
    }
    return h;
}
