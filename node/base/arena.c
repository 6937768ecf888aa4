/* node/base/arena.c: the part of the arena that needs no allocator. */
#include "node/base/arena.h"

#include "node/base/bytes.h"

#define ARENA_ALIGN 16u

void arena_init(struct arena *a, void *mem, size_t len)
{
    uint8_t *p = mem;
    size_t skip = (ARENA_ALIGN - ((uintptr_t)p & (ARENA_ALIGN - 1))) & (ARENA_ALIGN - 1);
    memset(a, 0, sizeof(*a));
    if (p && skip <= len) {
        a->base = p + skip;
        a->cap = len - skip;
    }
    a->limit = a->cap;
}

void *arena_alloc(struct arena *a, size_t n)
{
    if (n > SIZE_MAX - (ARENA_ALIGN - 1))
        return NULL;
    /* an empty block takes nothing, but it needs a chunk to point into */
    if ((n == 0 && !a->base) || n > a->cap - a->used) {
        if (!a->grow || !a->grow(a, n ? n : 1))
            return NULL;
        CHECK(n <= a->cap - a->used);
    }
    void *p = a->base + a->used;
    /* used stays a multiple of the alignment, except when the last block touches the end */
    size_t rounded = (n + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    size_t left = a->cap - a->used;
    a->used += rounded < left ? rounded : left;
    return p;
}

void *arena_zalloc(struct arena *a, size_t n)
{
    void *p = arena_alloc(a, n);
    if (p && n)
        memset(p, 0, n);
    return p;
}

void *arena_copy(struct arena *a, const void *src, size_t n)
{
    void *p = arena_alloc(a, n);
    if (p && n)
        memcpy(p, src, n);
    return p;
}

struct arena_mark arena_save(const struct arena *a)
{
    return (struct arena_mark){
        .chunk = a->chunk, .base = a->base, .used = a->used, .cap = a->cap, .total = a->total
    };
}

void arena_restore(struct arena *a, struct arena_mark m)
{
    if (a->release && a->chunk != m.chunk)
        a->release(a, m.chunk);
    CHECK(a->chunk == m.chunk);
    a->base = m.base;
    a->used = m.used;
    a->cap = m.cap;
    a->total = m.total;
}

void arena_reset(struct arena *a)
{
    if (a->grow)
        (void)a->grow(a, 0); /* back to the oldest chunk */
    a->used = 0;
}
