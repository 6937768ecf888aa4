/* node/base/map.h
 *
 * Open-addressing hash map from fixed-size keys to fixed-size values: linear probing, power-of-two
 * capacity, load at most 3/4. Freestanding: memory comes from `alloc`; growing moves entries, so
 * a pointer into the map is valid until the next insert. Keys are hashed with a seeded mix, so
 * chosen keys cannot cluster when the seed is secret. Deletion uses backward shift.
 * Keys and values start on 8-byte boundaries (alloc gives at least that), so a value may be any
 * struct of integers.
 *
 * Iteration order is the table order; consensus code must not depend on it. */
#ifndef GH_BASE_MAP_H
#define GH_BASE_MAP_H

#include "node/base/defs.h"

struct map {
    uint8_t *slots; /* owned: capacity slots of stride bytes, then capacity marks */
    uint8_t *used;  /* into slots: 0 = free, else a byte of the hash with the top bit set */
    size_t capacity, count;
    size_t key_len, val_len;
    size_t val_off, stride; /* lengths rounded up to 8 */
    uint64_t seed;
    void *(*alloc)(void *ctx, size_t n);           /* NULL result = out of memory */
    void (*release)(void *ctx, void *p, size_t n); /* may be NULL (arena) */
    void *ctx;
};

void map_init(struct map *m, size_t key_len, size_t val_len, uint64_t seed,
              void *(*alloc)(void *, size_t), void (*release)(void *, void *, size_t), void *ctx);
void map_clear(struct map *m); /* releases the table; usable again */
void map_empty(struct map *m); /* keeps the table */
void *map_find(const struct map *m, const void *key);
/* Finds or inserts (value zeroed, *inserted set). NULL when out of memory. */
void *map_put(struct map *m, const void *key, bool *inserted);
bool map_remove(struct map *m, const void *key);
/* for (size_t i = 0; map_next(m, &i, &key, &val);) */
bool map_next(const struct map *m, size_t *iter, const void **key, void **val);

/* base_host: malloc-backed map with a random seed. */
void map_init_host(struct map *m, size_t key_len, size_t val_len);

#endif
