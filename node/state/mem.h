/* node/state/mem.h
 *
 * Memory for the state: running out while a block is half applied cannot be answered, so it ends the process
 * (state.h). Inputs from outside are bounded before anything here is called. */
#ifndef GH_STATE_MEM_H
#define GH_STATE_MEM_H

#include <stdlib.h>

#include "node/base/bytes.h"

static inline void *mem_alloc(size_t n, size_t size)
{
    CHECK(size == 0 || n <= SIZE_MAX / size);
    size_t total = n * size;
    void *p = malloc(total > 0 ? total : 1);
    CHECK(p != NULL);
    return p;
}

static inline void *mem_zalloc(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1);
    CHECK(p != NULL);
    return p;
}

static inline void *mem_resize(void *old, size_t n, size_t size)
{
    CHECK(size == 0 || n <= SIZE_MAX / size);
    size_t total = n * size;
    void *p = realloc(old, total > 0 ? total : 1);
    CHECK(p != NULL);
    return p;
}

/* Room for `need` items in memory that free() takes back; grows by half. */
static inline void *mem_more(void *old, uint64_t *cap, uint64_t need, size_t size)
{
    if (need <= *cap)
        return old;
    uint64_t n = *cap + *cap / 2;
    *cap = n < need ? need : n;
    return mem_resize(old, *cap, size);
}

/* Arrays that grow: mem_grow and mem_release with the same item size. Large ones are mapped by themselves: page-aligned
 * (two sibling hashes share a cache line), on huge pages where the kernel has them, and moved by remapping instead of
 * copying. Room for `need` items and more: untouched room costs address space only. */
void *mem_grow(void *old, uint64_t *cap, uint64_t need, size_t size);
/* Down to `count` items, which is the capacity then. */
void *mem_fit(void *p, uint64_t cap, uint64_t count, size_t size);
void mem_release(void *p, uint64_t cap, size_t size);

#endif
