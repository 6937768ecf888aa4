#include "node/state/key_index.h"

#include "node/state/mem.h"

#define BUCKET_SPLIT 64u /* entries at which a bucket splits */
#define MAX_BITS     40u

struct entry {
    uint64_t prefix, id;
};
struct key_index_bucket {
    uint32_t count, cap;
    unsigned depth;
    struct entry e[];
};

static size_t bucket_size(uint32_t cap)
{
    return sizeof(struct key_index_bucket) + cap * sizeof(struct entry);
}

static struct key_index_bucket *bucket_new(struct key_index *x, uint32_t cap, unsigned depth)
{
    struct key_index_bucket *b = mem_alloc(1, bucket_size(cap));
    b->count = 0;
    b->cap = cap;
    b->depth = depth;
    x->bytes += bucket_size(cap);
    return b;
}

void key_index_init(struct key_index *x)
{
    *x = (struct key_index){ .dir = mem_alloc(1, sizeof(struct key_index_bucket *)),
                             .bytes = sizeof(struct key_index_bucket *) };
    x->dir[0] = bucket_new(x, 8, 0);
}

static size_t slots_of(const struct key_index *x, const struct key_index_bucket *b)
{
    CHECK(b->depth <= x->bits);
    return (size_t)1 << (x->bits - b->depth);
}

void key_index_clear(struct key_index *x)
{
    if (!x->dir)
        return;
    size_t n = (size_t)1 << x->bits;
    for (size_t i = 0; i < n;) {
        struct key_index_bucket *b = x->dir[i];
        i += slots_of(x, b);
        free(b);
    }
    free(x->dir);
    *x = (struct key_index){ 0 };
}

static size_t slot_of(const struct key_index *x, uint64_t prefix)
{
    return x->bits ? (size_t)(prefix >> (64 - x->bits)) : 0;
}

static const uint8_t *key_of(struct key_source src, uint64_t id)
{
    return (const uint8_t *)src.base + id * src.stride;
}

/* Where the prefix would be if keys were spread evenly, as hashes are. */
static uint32_t guess(const struct key_index_bucket *b, uint64_t prefix)
{
    uint64_t part = (prefix << b->depth) >> 32;
    return (uint32_t)(part * b->count >> 32);
}

/* Steps out from the guess in doubling strides until [lo, hi] holds the prefix: one or two cache lines for honest keys,
 * never more than twice the halving for others. */
static void narrow(const struct key_index_bucket *b, uint64_t prefix, uint32_t *lo, uint32_t *hi)
{
    if (b->count == 0)
        return;
    uint32_t at = guess(b, prefix), stride = 2;
    if (b->e[at].prefix < prefix) {
        *lo = at + 1;
        while (*lo + stride < b->count && b->e[*lo + stride].prefix < prefix) {
            *lo += stride + 1;
            stride *= 2;
        }
        *hi = *lo + stride < b->count ? *lo + stride : b->count;
    } else {
        *hi = at;
        while (*hi > stride && b->e[*hi - stride].prefix >= prefix) {
            *hi -= stride;
            stride *= 2;
        }
        *lo = *hi > stride ? *hi - stride : 0;
    }
    if (*hi < b->count && b->e[*hi].prefix == prefix) /* whole keys decide: they may lie behind */
        *hi = b->count;
}

/* Number of entries whose key is below `key`; *equal when the next one is `key` itself. */
static uint32_t bucket_rank(const struct key_index_bucket *b, struct key_source src,
                            const struct b256 *key, uint64_t prefix, bool *equal)
{
    uint32_t lo = 0, hi = b->count;
    *equal = false;
    narrow(b, prefix, &lo, &hi);
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        const struct entry *e = &b->e[mid];
        int c = e->prefix < prefix   ? -1
                : e->prefix > prefix ? 1
                                     : memcmp(key_of(src, e->id), key->b, 32);
        if (c == 0) {
            *equal = true;
            return mid;
        }
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

bool key_index_find(const struct key_index *x, struct key_source src, const struct b256 *key,
                    uint64_t *id)
{
    uint64_t prefix = load_be64(key->b);
    const struct key_index_bucket *b = x->dir[slot_of(x, prefix)];
    bool equal;
    uint32_t at = bucket_rank(b, src, key, prefix, &equal);
    if (equal)
        *id = b->e[at].id;
    return equal;
}

void key_index_prefetch(const struct key_index *x, struct key_source src, const struct b256 *key,
                        unsigned stage)
{
    uint64_t prefix = load_be64(key->b);
    struct key_index_bucket **slot = &x->dir[slot_of(x, prefix)];
    if (stage == 0) {
        __builtin_prefetch(slot);
        return;
    }
    const struct key_index_bucket *b = *slot;
    if (stage == 1) {
        __builtin_prefetch(b);
        return;
    }
    if (b->count == 0)
        return;
    const struct entry *e = &b->e[guess(b, prefix)];
    if (stage == 2) {
        __builtin_prefetch(e);
        return;
    }
    const uint8_t *k = key_of(src, e->id);
    __builtin_prefetch(k);
    __builtin_prefetch(k + 64);
}

static void point_slots(struct key_index *x, size_t first, size_t n, struct key_index_bucket *b)
{
    for (size_t i = 0; i < n; i++)
        x->dir[first + i] = b;
}

/* First slot of the bucket that covers `slot`. */
static size_t first_slot(const struct key_index *x, size_t slot)
{
    return slot & ~(slots_of(x, x->dir[slot]) - 1);
}

static void double_directory(struct key_index *x)
{
    size_t n = (size_t)1 << x->bits;
    struct key_index_bucket **dir = mem_alloc(2 * n, sizeof(*dir));
    for (size_t i = 0; i < n; i++)
        dir[2 * i] = dir[2 * i + 1] = x->dir[i];
    free(x->dir);
    x->dir = dir;
    x->bits++;
    x->bytes += n * sizeof(*dir);
}

/* The directory may have about one slot per key: buckets hold 32..64, so honest keys stay far below. */
static bool may_split(const struct key_index *x, const struct key_index_bucket *b)
{
    unsigned bound = 1;
    while (bound < MAX_BITS && ((uint64_t)1 << bound) < x->count)
        bound++;
    return b->depth < bound;
}

static void split(struct key_index *x, size_t slot)
{
    struct key_index_bucket *b = x->dir[slot];
    if (b->depth == x->bits) {
        double_directory(x);
        slot *= 2;
    }
    size_t first = first_slot(x, slot), n = slots_of(x, b);
    CHECK(n >= 2);
    uint64_t bit = (uint64_t)1 << (63 - b->depth);
    uint32_t cut = 0;
    while (cut < b->count && !(b->e[cut].prefix & bit))
        cut++;
    uint32_t right_cnt = b->count - cut;
    struct key_index_bucket *right = bucket_new(x, (right_cnt / 8 + 1) * 8, b->depth + 1);
    memcpy(right->e, b->e + cut, right_cnt * sizeof(struct entry));
    right->count = right_cnt;
    struct key_index_bucket *left = bucket_new(x, (cut / 8 + 1) * 8, b->depth + 1);
    memcpy(left->e, b->e, cut * sizeof(struct entry));
    left->count = cut;
    x->bytes -= bucket_size(b->cap);
    free(b);
    point_slots(x, first, n / 2, left);
    point_slots(x, first + n / 2, n / 2, right);
}

static struct key_index_bucket *grow_bucket(struct key_index *x, size_t slot)
{
    struct key_index_bucket *b = x->dir[slot];
    size_t first = first_slot(x, slot), n = slots_of(x, b);
    CHECK(n >= 1);
    uint32_t cap = b->cap + (b->cap / 4 / 8 + 1) * 8;
    x->bytes += bucket_size(cap) - bucket_size(b->cap);
    b = mem_resize(b, 1, bucket_size(cap));
    b->cap = cap;
    point_slots(x, first, n, b);
    return b;
}

void key_index_insert(struct key_index *x, struct key_source src, const struct b256 *key,
                      uint64_t id)
{
    uint64_t prefix = load_be64(key->b);
    while (x->dir[slot_of(x, prefix)]->count >= BUCKET_SPLIT &&
           may_split(x, x->dir[slot_of(x, prefix)]))
        split(x, slot_of(x, prefix));
    size_t slot = slot_of(x, prefix);
    struct key_index_bucket *b = x->dir[slot];
    if (b->count == b->cap)
        b = grow_bucket(x, slot);
    bool equal;
    uint32_t at = bucket_rank(b, src, key, prefix, &equal);
    CHECK(!equal);
    memmove(b->e + at + 1, b->e + at, (b->count - at) * sizeof(struct entry));
    b->e[at] = (struct entry){ prefix, id };
    b->count++;
    x->count++;
}

bool key_index_remove(struct key_index *x, struct key_source src, const struct b256 *key)
{
    uint64_t prefix = load_be64(key->b);
    struct key_index_bucket *b = x->dir[slot_of(x, prefix)];
    bool equal;
    uint32_t at = bucket_rank(b, src, key, prefix, &equal);
    if (!equal)
        return false;
    memmove(b->e + at, b->e + at + 1, (b->count - at - 1) * sizeof(struct entry));
    b->count--;
    x->count--;
    return true;
}

bool key_index_before(const struct key_index *x, struct key_source src, const struct b256 *key,
                      uint64_t limit, uint64_t *id)
{
    uint64_t prefix = load_be64(key->b);
    size_t slot = slot_of(x, prefix);
    const struct key_index_bucket *b = x->dir[slot];
    bool equal;
    uint32_t at = bucket_rank(b, src, key, prefix, &equal);
    for (;;) {
        while (at > 0) {
            at--;
            if (b->e[at].id < limit) {
                *id = b->e[at].id;
                return true;
            }
        }
        slot = first_slot(x, slot);
        if (slot == 0)
            return false;
        slot--;
        b = x->dir[slot];
        at = b->count;
    }
}
