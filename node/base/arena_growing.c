/* node/base/arena_growing.c: an arena over malloc'ed chunks. */
#include <stdlib.h>

#include "node/base/arena.h"
#include "node/base/bytes.h"

struct arena_chunk {
    struct arena_chunk *older; /* owned */
    size_t len;                /* bytes behind this header */
};

/* The header is padded so that the memory behind it keeps malloc's 16-byte alignment. */
#define CHUNK_HEAD 16u
_Static_assert(sizeof(struct arena_chunk) <= CHUNK_HEAD, "the header fits its room");

static bool growing_add(struct arena *a, size_t need)
{
    size_t held = a->total + a->cap;
    size_t room = a->limit - held;
    if (need > room)
        return false;
    size_t len = need > a->chunk_len ? need : a->chunk_len;
    if (len > room)
        len = room;
    if (len > SIZE_MAX - CHUNK_HEAD)
        return false;
    struct arena_chunk *c = malloc(CHUNK_HEAD + len);
    if (!c)
        return false;
    c->older = a->chunk;
    c->len = len;
    a->chunk = c;
    a->base = (uint8_t *)c + CHUNK_HEAD;
    a->used = 0;
    a->cap = len;
    a->total = held;
    return true;
}

static void growing_release(struct arena *a, const struct arena_chunk *keep)
{
    while (a->chunk && a->chunk != keep) {
        struct arena_chunk *older = a->chunk->older;
        free(a->chunk);
        a->chunk = older;
    }
    a->base = a->chunk ? (uint8_t *)a->chunk + CHUNK_HEAD : NULL;
    a->cap = a->chunk ? a->chunk->len : 0;
    a->used = 0;
    a->total = 0;
    for (const struct arena_chunk *c = a->chunk; c && c->older; c = c->older)
        a->total += c->older->len;
}

/* need = 0 asks for the state after a reset */
static bool growing_grow(struct arena *a, size_t need)
{
    if (need)
        return growing_add(a, need);
    const struct arena_chunk *oldest = a->chunk;
    while (oldest && oldest->older)
        oldest = oldest->older;
    growing_release(a, oldest);
    return true;
}

void arena_init_growing(struct arena *a, size_t chunk_len, size_t limit)
{
    memset(a, 0, sizeof(*a));
    a->chunk_len = chunk_len;
    a->limit = limit;
    a->grow = growing_grow;
    a->release = growing_release;
}

void arena_clear(struct arena *a)
{
    if (a->release)
        a->release(a, NULL);
}
