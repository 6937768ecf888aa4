/* node/base/arena.h
 *
 * A bump allocator over memory it is given. Freestanding. Blocks are freed all at once (reset) or
 * back to a mark. Pointers are 16-byte aligned and never move.
 *
 * A growing arena (base_host: arena_init_growing) adds chunks from malloc up to a limit; a fixed one
 * (arena_init) returns NULL when it is full. Callers handle NULL as "out of memory for this
 * request", never as a crash. */
#ifndef GH_BASE_ARENA_H
#define GH_BASE_ARENA_H

#include "node/base/defs.h"

struct arena_chunk;
struct arena {
    uint8_t *base;             /* current chunk */
    size_t used, cap;          /* of the current chunk */
    size_t total;              /* bytes of earlier chunks, for the limit */
    size_t limit;              /* of all chunks together */
    size_t chunk_len;          /* smallest new chunk of a growing arena */
    struct arena_chunk *chunk; /* owned list, newest first; NULL for a fixed arena */
    /* Both NULL for a fixed arena. grow adds a chunk with room for `need`; release frees the chunks
     * newer than `keep` (all of them for NULL). grow with need 0: free all but the oldest. */
    bool (*grow)(struct arena *a, size_t need);
    void (*release)(struct arena *a, const struct arena_chunk *keep);
};
struct arena_mark {
    struct arena_chunk *chunk;
    uint8_t *base;
    size_t used, cap, total;
};

/* Fixed: borrows mem, which outlives the arena. */
void arena_init(struct arena *a, void *mem, size_t len);
/* NULL when it does not fit. Not zeroed. n = 0 gives a valid pointer. */
void *arena_alloc(struct arena *a, size_t n);
void *arena_zalloc(struct arena *a, size_t n);
/* A copy of n bytes; NULL when it does not fit. */
void *arena_copy(struct arena *a, const void *src, size_t n);
struct arena_mark arena_save(const struct arena *a);
/* Only for a mark of this arena with no later reset below it. Growing arenas free newer chunks. */
void arena_restore(struct arena *a, struct arena_mark m);
/* Forgets every block and mark. A growing arena gives all memory but its oldest chunk back. */
void arena_reset(struct arena *a);

/* base_host: grows by chunks of at least chunk_len, up to limit bytes in all. */
void arena_init_growing(struct arena *a, size_t chunk_len, size_t limit);
/* Frees every chunk of a growing arena. */
void arena_clear(struct arena *a);

#endif
