#include "node/state/mem.h"

#include <sys/mman.h>

#define BIG_BYTES (2u << 20)

static bool is_big(uint64_t cap, size_t size)
{
    return cap >= BIG_BYTES / size;
}

static size_t mapped_len(uint64_t cap, size_t size)
{
    return ((size_t)cap * size + BIG_BYTES - 1) / BIG_BYTES * BIG_BYTES;
}

static void *map_big(size_t len)
{
    void *p =
        mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(p != MAP_FAILED);
    (void)madvise(p, len, MADV_HUGEPAGE); /* a wish */
    return p;
}

static void *remap_big(void *old, size_t old_len, size_t len)
{
    void *p = mremap(old, old_len, len, MREMAP_MAYMOVE);
    CHECK(p != MAP_FAILED);
    (void)madvise(p, len, MADV_HUGEPAGE);
    return p;
}

void *mem_grow(void *old, uint64_t *cap, uint64_t need, size_t size)
{
    if (need <= *cap)
        return old;
    uint64_t n = *cap + *cap / 2;
    if (n < need)
        n = need;
    if (n < 16)
        n = 16;
    if (is_big(n, size)) /* moving costs time, room that is not touched nothing */
        n = 4 * need;
    CHECK(n <= SIZE_MAX / 4 / size);
    void *p;
    if (!is_big(n, size)) {
        p = mem_resize(old, n, size);
    } else if (*cap && is_big(*cap, size)) {
        p = remap_big(old, mapped_len(*cap, size), mapped_len(n, size));
    } else {
        p = map_big(mapped_len(n, size));
        if (*cap)
            memcpy(p, old, (size_t)*cap * size);
        free(old);
    }
    *cap = n;
    return p;
}

void *mem_fit(void *p, uint64_t cap, uint64_t count, size_t size)
{
    if (count == cap)
        return p;
    if (count == 0) {
        mem_release(p, cap, size);
        return NULL;
    }
    if (!is_big(cap, size))
        return mem_resize(p, count, size);
    if (is_big(count, size))
        return remap_big(p, mapped_len(cap, size), mapped_len(count, size));
    void *small = mem_alloc(count, size);
    memcpy(small, p, (size_t)count * size);
    mem_release(p, cap, size);
    return small;
}

void mem_release(void *p, uint64_t cap, size_t size)
{
    if (cap && is_big(cap, size))
        CHECK(munmap(p, mapped_len(cap, size)) == 0);
    else
        free(p);
}
