/* node/chain/cache.c
 *
 * Decoded blocks, shared between the loop and RPC workers by reference count, least recently used last. */
#include <stdlib.h>
#include <string.h>

#include "node/chain/chain_internal.h"

#define BLOCK_ARENA_CHUNK (64u << 10)
#define BLOCK_ARENA_LIMIT (1u << 30)

void block_cache_init(struct block_cache *k, size_t max)
{
    *k = (struct block_cache){ .max = max ? max : 1 };
    pthread_mutex_init(&k->mutex, NULL);
    map_init_host(&k->by_number, sizeof(uint64_t), sizeof(struct cached_block *));
}

void block_cache_clear(struct block_cache *k)
{
    for (struct cached_block *e = k->newest; e;) {
        struct cached_block *next = e->older;
        CHECK(e->refs == 0);
        cached_block_destroy(e);
        e = next;
    }
    map_clear(&k->by_number);
    pthread_mutex_destroy(&k->mutex);
}

static void unlink_entry(struct block_cache *k, struct cached_block *e)
{
    if (e->newer)
        e->newer->older = e->older;
    else
        k->newest = e->older;
    if (e->older)
        e->older->newer = e->newer;
    else
        k->oldest = e->newer;
}

static void link_newest(struct block_cache *k, struct cached_block *e)
{
    e->newer = NULL;
    e->older = k->newest;
    if (k->newest)
        k->newest->newer = e;
    else
        k->oldest = e;
    k->newest = e;
}

/* Entries in use stay, so the cache may exceed its size while they are. */
static void trim(struct block_cache *k)
{
    for (struct cached_block *e = k->oldest; e && k->cnt > k->max;) {
        struct cached_block *newer = e->newer;
        if (e->refs == 0) {
            unlink_entry(k, e);
            map_remove(&k->by_number, &e->number);
            k->cnt--;
            cached_block_destroy(e);
        }
        e = newer;
    }
}

struct cached_block *block_cache_find(struct block_cache *k, uint64_t number)
{
    pthread_mutex_lock(&k->mutex);
    struct cached_block **p = map_find(&k->by_number, &number);
    struct cached_block *e = p ? *p : NULL;
    if (e) {
        e->refs++;
        unlink_entry(k, e);
        link_newest(k, e);
    }
    pthread_mutex_unlock(&k->mutex);
    return e;
}

struct cached_block *block_cache_add(struct block_cache *k, struct cached_block *fresh)
{
    pthread_mutex_lock(&k->mutex);
    bool inserted = false;
    struct cached_block **p = map_put(&k->by_number, &fresh->number, &inserted);
    CHECK(p != NULL);
    if (!inserted) { /* another thread was faster */
        cached_block_destroy(fresh);
        fresh = *p;
    } else {
        *p = fresh;
        link_newest(k, fresh);
        k->cnt++;
    }
    fresh->refs++;
    trim(k);
    pthread_mutex_unlock(&k->mutex);
    return fresh;
}

void block_cache_release(struct block_cache *k, struct cached_block *e)
{
    pthread_mutex_lock(&k->mutex);
    CHECK(e->refs > 0);
    e->refs--;
    trim(k);
    pthread_mutex_unlock(&k->mutex);
}

static void add_to_bloom(uint8_t bloom[256], const void *data, size_t len)
{
    struct b256 h = keccak256(data, len);
    for (int i = 0; i < 3; i++) {
        unsigned bit = (((unsigned)h.b[2 * i] << 8) | h.b[2 * i + 1]) & 2047u;
        bloom[255 - bit / 8] |= (uint8_t)(1u << (bit % 8));
    }
}

void chain_bloom_add(uint8_t bloom[256], const struct stf_event *e)
{
    add_to_bloom(bloom, e->addr.b, 20);
    for (uint32_t i = 0; i < e->topic_cnt; i++)
        add_to_bloom(bloom, e->topics[i].b, 32);
}

struct cached_block *cached_block_create(struct bytes encoded, struct err *err)
{
    struct cached_block *e = calloc(1, sizeof(*e));
    if (!e) {
        err_set(err, ERR_LOCAL, "out of memory");
        return NULL;
    }
    arena_init_growing(&e->arena, BLOCK_ARENA_CHUNK, BLOCK_ARENA_LIMIT);
    uint8_t *copy = arena_copy(&e->arena, encoded.p, encoded.len);
    if (!copy) {
        err_set(err, ERR_LOCAL, "out of memory");
        cached_block_destroy(e);
        return NULL;
    }
    if (!block_record_decode(&e->b.r, bytes_of(copy, encoded.len), &e->arena, err)) {
        cached_block_destroy(e);
        return NULL;
    }
    e->number = e->b.r.ctx.number;
    e->b.encoded_len = encoded.len;
    for (size_t i = 0; i < e->b.r.tx_cnt; i++)
        for (size_t j = 0; j < e->b.r.txs[i].event_cnt; j++)
            chain_bloom_add(e->b.bloom, &e->b.r.txs[i].events[j]);
    return e;
}

void cached_block_destroy(struct cached_block *e)
{
    arena_clear(&e->arena);
    free(e);
}
