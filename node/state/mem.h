/* node/state/mem.h
 *
 * Memory for the state: running out while a block is half applied cannot be answered, so it ends the process
 * (state.h). Inputs from outside are bounded before anything here is called. */
#ifndef GH_STATE_MEM_H
#define GH_STATE_MEM_H

#include <stdlib.h>

#include "node/base/defs.h"

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

/* Room for `need` items: grows by half, so that appending stays linear. Untouched room costs address space only. */
static inline void *mem_grow(void *old, uint64_t *cap, uint64_t need, size_t size)
{
    if (need <= *cap)
        return old;
    uint64_t n = *cap + *cap / 2;
    if (n < need)
        n = need;
    if (n < 16)
        n = 16;
    void *p = mem_resize(old, n, size);
    *cap = n;
    return p;
}

#endif
