/* node/base/map.c */
#include "node/base/map.h"

#include "node/base/bytes.h"
#include "node/base/u256.h"

#define MAP_FIRST_CAPACITY 16u

static inline uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t hi, lo = u64_mul_wide(a, b, &hi);
    return hi ^ lo;
}

/* A folded multiply per 16 bytes, with the seed in both factors: without the seed nobody can pick
 * keys whose products meet. */
static uint64_t map_hash(const struct map *m, const uint8_t *key)
{
    uint64_t s0 = m->seed ^ 0xa0761d6478bd642fu, s1 = mix(m->seed, 0xe7037ed1a0b428dbu) | 1;
    uint64_t h = s1 ^ m->key_len;
    size_t n = m->key_len;
    for (; n >= 16; n -= 16, key += 16)
        h = mix(load_le64(key) ^ s0, load_le64(key + 8) ^ h) ^ s1;
    if (n) {
        uint64_t a = 0, b = 0;
        size_t low = n < 8 ? n : 8;
        for (size_t i = 0; i < low; i++)
            a |= (uint64_t)key[i] << (8 * i);
        for (size_t i = 8; i < n; i++)
            b |= (uint64_t)key[i] << (8 * (i - 8));
        h = mix(a ^ s0, b ^ h) ^ s1;
    }
    return mix(h ^ 0x8ebc6af09c88c6e3u, s0 ^ 0x589965cc75374cc3u);
}

static inline uint8_t mark_of(uint64_t h)
{
    return (uint8_t)(0x80u | (h >> 57));
}

static inline uint8_t *slot_at(const struct map *m, size_t i)
{
    return m->slots + i * m->stride;
}

void map_init(struct map *m, size_t key_len, size_t val_len, uint64_t seed,
              void *(*alloc)(void *, size_t), void (*release)(void *, void *, size_t), void *ctx)
{
    CHECK(key_len > 0 && key_len <= 1u << 20 && val_len <= 1u << 20);
    memset(m, 0, sizeof(*m));
    m->key_len = key_len;
    m->val_len = val_len;
    m->val_off = (key_len + 7) & ~(size_t)7;
    m->stride = m->val_off + ((val_len + 7) & ~(size_t)7);
    m->seed = seed;
    m->alloc = alloc;
    m->release = release;
    m->ctx = ctx;
}

void map_clear(struct map *m)
{
    if (m->slots && m->release)
        m->release(m->ctx, m->slots, m->capacity * (m->stride + 1));
    m->slots = NULL;
    m->used = NULL;
    m->capacity = 0;
    m->count = 0;
}

void map_empty(struct map *m)
{
    if (m->capacity)
        memset(m->used, 0, m->capacity);
    m->count = 0;
}

/* The slot of the key, or the free slot where it belongs. capacity > count. */
static size_t map_probe(const struct map *m, const void *key, uint64_t h)
{
    size_t mask = m->capacity - 1, i = (size_t)h & mask;
    uint8_t mark = mark_of(h);
    while (m->used[i]) {
        if (m->used[i] == mark && memcmp(slot_at(m, i), key, m->key_len) == 0)
            break;
        i = (i + 1) & mask;
    }
    return i;
}

void *map_find(const struct map *m, const void *key)
{
    if (m->count == 0)
        return NULL;
    size_t i = map_probe(m, key, map_hash(m, key));
    return m->used[i] ? slot_at(m, i) + m->val_off : NULL;
}

static bool map_grow(struct map *m)
{
    size_t capacity = m->capacity ? m->capacity * 2 : MAP_FIRST_CAPACITY;
    if (capacity < m->capacity || capacity > SIZE_MAX / (m->stride + 1))
        return false;
    struct map next = *m;
    next.slots = m->alloc(m->ctx, capacity * (m->stride + 1));
    if (!next.slots)
        return false;
    next.used = next.slots + capacity * m->stride;
    next.capacity = capacity;
    memset(next.used, 0, capacity);
    for (size_t i = 0; i < m->capacity; i++) {
        if (!m->used[i])
            continue;
        const uint8_t *slot = slot_at(m, i);
        uint64_t h = map_hash(m, slot);
        size_t to = (size_t)h & (capacity - 1);
        while (next.used[to])
            to = (to + 1) & (capacity - 1);
        memcpy(slot_at(&next, to), slot, m->stride);
        next.used[to] = mark_of(h);
    }
    if (m->slots && m->release)
        m->release(m->ctx, m->slots, m->capacity * (m->stride + 1));
    *m = next;
    return true;
}

void *map_put(struct map *m, const void *key, bool *inserted)
{
    uint64_t h = map_hash(m, key);
    size_t i = 0;
    if (m->capacity) {
        i = map_probe(m, key, h);
        if (m->used[i]) {
            if (inserted)
                *inserted = false;
            return slot_at(m, i) + m->val_off;
        }
    }
    if (m->count >= m->capacity / 4 * 3) {
        if (!map_grow(m))
            return NULL;
        i = map_probe(m, key, h);
    }
    uint8_t *slot = slot_at(m, i);
    memcpy(slot, key, m->key_len);
    memset(slot + m->key_len, 0, m->stride - m->key_len);
    m->used[i] = mark_of(h);
    m->count++;
    if (inserted)
        *inserted = true;
    return slot + m->val_off;
}

bool map_remove(struct map *m, const void *key)
{
    if (m->count == 0)
        return false;
    size_t mask = m->capacity - 1, hole = map_probe(m, key, map_hash(m, key));
    if (!m->used[hole])
        return false;
    for (size_t i = (hole + 1) & mask; m->used[i]; i = (i + 1) & mask) {
        size_t home = (size_t)map_hash(m, slot_at(m, i)) & mask;
        /* an entry whose home lies behind the hole would be lost to probing by moving into it */
        if (((i - home) & mask) < ((i - hole) & mask))
            continue;
        memcpy(slot_at(m, hole), slot_at(m, i), m->stride);
        m->used[hole] = m->used[i];
        hole = i;
    }
    m->used[hole] = 0;
    m->count--;
    return true;
}

bool map_next(const struct map *m, size_t *iter, const void **key, void **val)
{
    for (size_t i = *iter; i < m->capacity; i++) {
        if (!m->used[i])
            continue;
        *iter = i + 1;
        *key = slot_at(m, i);
        *val = slot_at(m, i) + m->val_off;
        return true;
    }
    *iter = m->capacity;
    return false;
}
