#include "node/state/preimages.h"

#include "node/state/mem.h"

void preimages_init(struct preimages *p)
{
    *p = (struct preimages){ 0 };
    key_index_init(&p->index);
}

void preimages_clear(struct preimages *p)
{
    for (uint64_t i = 0; i < p->count; i++)
        free(p->items[i].data);
    mem_release(p->items, p->cap, sizeof(*p->items));
    mem_release(p->free_ids, p->free_cap, sizeof(*p->free_ids));
    key_index_clear(&p->index);
    *p = (struct preimages){ 0 };
}

static struct key_source source(const struct preimages *p)
{
    return (struct key_source){ p->items, sizeof(*p->items) };
}

static struct preimage *find(const struct preimages *p, const struct b256 *hash)
{
    uint64_t id;
    return key_index_find(&p->index, source(p), hash, &id) ? &p->items[id] : NULL;
}

const struct preimage *preimages_find(const struct preimages *p, const struct b256 *hash)
{
    return find(p, hash);
}

void preimages_add(struct preimages *p, const struct b256 *hash, struct bytes data, bool keep)
{
    struct preimage *old = find(p, hash);
    if (old) {
        old->keep = old->keep || keep;
        return;
    }
    CHECK(data.len <= UINT32_MAX);
    uint64_t id;
    if (p->free_cnt) {
        id = p->free_ids[--p->free_cnt];
    } else {
        p->items = mem_grow(p->items, &p->cap, p->count + 1, sizeof(*p->items));
        id = p->count++;
    }
    CHECK(p->items != NULL);
    struct preimage *it = &p->items[id];
    *it = (struct preimage){
        .hash = *hash, .data = mem_alloc(1, data.len), .len = (uint32_t)data.len, .keep = keep
    };
    if (data.len)
        memcpy(it->data, data.p, data.len);
    key_index_insert(&p->index, source(p), hash, id);
    p->bytes += data.len;
}

void preimages_ref(struct preimages *p, const struct b256 *hash)
{
    struct preimage *it = find(p, hash);
    CHECK(it != NULL && it->refs < UINT32_MAX);
    it->refs++;
}

static void discard(struct preimages *p, struct preimage *it)
{
    CHECK(key_index_remove(&p->index, source(p), &it->hash));
    p->bytes -= it->len;
    free(it->data);
    uint64_t id = (uint64_t)(it - p->items);
    *it = (struct preimage){ .data = NULL };
    p->free_ids = mem_grow(p->free_ids, &p->free_cap, p->free_cnt + 1, sizeof(*p->free_ids));
    p->free_ids[p->free_cnt++] = id;
}

void preimages_unref(struct preimages *p, const struct b256 *hash, bool collect)
{
    struct preimage *it = find(p, hash);
    CHECK(it != NULL && it->refs > 0);
    it->refs--;
    if (collect && it->refs == 0 && !it->keep)
        discard(p, it);
}

void preimages_collect(struct preimages *p)
{
    for (uint64_t i = 0; i < p->count; i++)
        if (p->items[i].data && !p->items[i].keep && p->items[i].refs == 0)
            discard(p, &p->items[i]);
}
