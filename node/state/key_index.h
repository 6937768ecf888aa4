/* node/state/key_index.h
 *
 * An ordered index from uniformly distributed 32-byte keys (hash outputs) to ids: extendible hashing by the top bits.
 * The directory has 2^bits slots; a bucket covers all slots that share its first `depth` bits and holds a sorted array
 * of (first 8 bytes of the key, id). A full bucket splits alone, so no insert pauses for the whole table; doubling
 * copies the directory only (8 bytes per some 40 keys). Lookup is O(1) expected; the predecessor is the entry before,
 * or the last one of the next bucket to the left.
 *
 * Keys live with the caller: 32 bytes at base + id * stride. Chosen keys cannot hurt: when the directory has reached
 * its bound for this number of keys a bucket grows instead, and it is searched by halving. */
#ifndef GH_STATE_KEY_INDEX_H
#define GH_STATE_KEY_INDEX_H

#include "node/base/bytes.h"

struct key_index_bucket;
struct key_index {
    struct key_index_bucket **dir; /* owned */
    unsigned bits;
    uint64_t count;
    uint64_t bytes; /* memory held */
};
struct key_source {
    const void *base;
    size_t stride;
};

void key_index_init(struct key_index *x);
void key_index_clear(struct key_index *x);
bool key_index_find(const struct key_index *x, struct key_source src, const struct b256 *key,
                    uint64_t *id);
/* The key is not in the index yet. src need not hold the new key. */
void key_index_insert(struct key_index *x, struct key_source src, const struct b256 *key,
                      uint64_t id);
bool key_index_remove(struct key_index *x, struct key_source src, const struct b256 *key);
/* Lookups of many keys: go over them with stage 0, 1, 2, 3 first, so that their cache misses overlap. */
#define KEY_INDEX_STAGES 4u
void key_index_prefetch(const struct key_index *x, struct key_source src, const struct b256 *key,
                        unsigned stage);
/* Largest key < `key` whose id is below `limit`. */
bool key_index_before(const struct key_index *x, struct key_source src, const struct b256 *key,
                      uint64_t limit, uint64_t *id);

#endif
