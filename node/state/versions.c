#include "node/state/versions.h"

#include "node/state/mem.h"

void ver_log_init(struct ver_log *l, size_t entry_size)
{
    *l = (struct ver_log){ .entry_size = entry_size };
}

static struct ver_block *at(const struct ver_log *l, uint64_t block)
{
    return &l->ring[block & (l->cap - 1)];
}

static void drop_entries(struct ver_log *l, struct ver_block *b)
{
    l->bytes -= (uint64_t)b->cap * l->entry_size;
    mem_release(b->entries, b->cap, l->entry_size);
    b->entries = NULL;
    b->count = b->cap = 0;
}

void ver_log_clear(struct ver_log *l)
{
    if (l->ring) {
        for (uint64_t n = l->first; n <= l->last; n++)
            drop_entries(l, at(l, n));
        free(l->ring);
    }
    ver_log_init(l, l->entry_size);
}

struct ver_block *ver_log_start(struct ver_log *l, uint64_t block)
{
    ver_log_clear(l);
    l->cap = 16;
    l->ring = mem_zalloc(l->cap, sizeof(*l->ring));
    l->first = l->last = l->bare = block;
    return at(l, block);
}

static void reserve(struct ver_log *l, struct ver_block *b, uint32_t need)
{
    uint64_t cap = b->cap;
    b->entries = mem_grow(b->entries, &cap, need, l->entry_size);
    CHECK(cap <= UINT32_MAX);
    l->bytes += (cap - b->cap) * l->entry_size;
    b->cap = (uint32_t)cap;
}

struct ver_block *ver_log_push(struct ver_log *l, uint32_t cap)
{
    if (l->last - l->first + 1 == l->cap) {
        struct ver_block *ring = mem_zalloc(2 * l->cap, sizeof(*ring));
        for (uint64_t n = l->first; n <= l->last; n++)
            ring[n & (2 * l->cap - 1)] = *at(l, n);
        free(l->ring);
        l->ring = ring;
        l->cap *= 2;
    }
    l->last++;
    struct ver_block *b = at(l, l->last);
    *b = (struct ver_block){ 0 };
    reserve(l, b, cap);
    return b;
}

struct ver_block *ver_log_at(const struct ver_log *l, uint64_t block)
{
    return l->ring && block >= l->first && block <= l->last ? at(l, block) : NULL;
}

struct ver_head *ver_block_entry(const struct ver_log *l, const struct ver_block *b, uint32_t i)
{
    CHECK(i < b->count);
    return (struct ver_head *)(void *)(b->entries + (size_t)i * l->entry_size);
}

/* NULL: no link, or its entry is dropped. */
static struct ver_head *entry_of(const struct ver_log *l, struct ver_link link)
{
    if (link.block == 0 || link.block <= l->bare)
        return NULL;
    CHECK(link.block <= l->last);
    return ver_block_entry(l, at(l, link.block), link.pos);
}

static struct ver_link jump_for(const struct ver_log *l, struct ver_link prior)
{
    const struct ver_head *p = entry_of(l, prior);
    if (!p)
        return prior;
    const struct ver_head *j = entry_of(l, p->jump);
    if (!j)
        return prior;
    const struct ver_head *jj = entry_of(l, j->jump);
    uint32_t jj_depth = jj ? jj->depth : 0;
    return p->depth - j->depth == j->depth - jj_depth ? j->jump : prior;
}

struct ver_head *ver_log_add(struct ver_log *l, struct ver_link *link)
{
    struct ver_block *b = at(l, l->last);
    if (b->count == b->cap) {
        CHECK(b->cap < UINT32_MAX / 2);
        reserve(l, b, b->cap + 1);
    }
    const struct ver_head *p = entry_of(l, *link);
    uint32_t pos = b->count++;
    struct ver_head *e = ver_block_entry(l, b, pos);
    *e = (struct ver_head){ .prior = *link,
                            .jump = jump_for(l, *link),
                            .depth = p ? p->depth + 1 : 1 };
    *link = (struct ver_link){ (uint32_t)l->last, pos };
    return e;
}

void ver_log_fit(struct ver_log *l)
{
    struct ver_block *b = at(l, l->last);
    l->bytes -= (uint64_t)(b->cap - b->count) * l->entry_size;
    b->entries = mem_fit(b->entries, b->cap, b->count, l->entry_size);
    b->cap = b->count;
}

struct ver_head *ver_log_find(const struct ver_log *l, struct ver_link link, uint64_t n)
{
    if (link.block <= n)
        return NULL;
    struct ver_head *e = entry_of(l, link);
    CHECK(e != NULL);
    for (;;) {
        struct ver_link next = e->jump.block > n ? e->jump : e->prior;
        if (next.block <= n)
            return e;
        e = entry_of(l, next);
        CHECK(e != NULL);
    }
}

struct ver_link ver_log_cut(const struct ver_log *l, struct ver_link link, uint64_t n)
{
    while (link.block > n) {
        const struct ver_head *e = entry_of(l, link);
        if (!e)
            return (struct ver_link){ 0, 0 };
        link = e->jump.block > n ? e->jump : e->prior;
    }
    return link;
}

void ver_log_strip(struct ver_log *l, uint64_t upto, void (*each)(void *arg, struct ver_head *e),
                   void *arg)
{
    while (l->bare < upto && l->bare < l->last) {
        struct ver_block *b = at(l, l->bare + 1);
        for (uint32_t i = 0; each && i < b->count; i++)
            each(arg, ver_block_entry(l, b, i));
        drop_entries(l, b);
        l->bare++;
    }
}

void ver_log_trim(struct ver_log *l, uint64_t first)
{
    CHECK(first <= l->bare);
    if (first > l->first)
        l->first = first;
}

void ver_log_pop(struct ver_log *l)
{
    CHECK(l->last > l->first);
    drop_entries(l, at(l, l->last));
    l->last--;
    if (l->bare > l->last)
        l->bare = l->last;
}
