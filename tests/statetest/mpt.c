#include "tests/statetest/mpt.h"

#include "node/base/rlp.h"

#include <stdlib.h>

static unsigned nibble(struct bytes key, size_t i)
{
    return i % 2 ? key.p[i / 2] & 15u : key.p[i / 2] >> 4;
}

static int compare_items(const void *a, const void *b)
{
    struct bytes x = ((const struct mpt_item *)a)->key, y = ((const struct mpt_item *)b)->key;
    size_t n = x.len < y.len ? x.len : y.len;
    int c = n ? memcmp(x.p, y.p, n) : 0;
    return c ? c : (x.len > y.len) - (x.len < y.len);
}

static void *take(struct arena *arena, size_t n)
{
    void *p = arena_alloc(arena, n);
    CHECK(p);
    return p;
}

/* Hex-prefix encoding of nibbles [from, to). */
static struct bytes hex_prefix(struct bytes key, size_t from, size_t to, bool is_leaf,
                               struct arena *arena)
{
    size_t n = to - from;
    uint8_t *out = take(arena, n / 2 + 1);
    unsigned flags = is_leaf ? 2 : 0;
    size_t i = from;
    if (n % 2) {
        out[0] = (uint8_t)(((flags | 1u) << 4) | nibble(key, i));
        i++;
    } else {
        out[0] = (uint8_t)(flags << 4);
    }
    for (size_t o = 1; i < to; i += 2, o++)
        out[o] = (uint8_t)((nibble(key, i) << 4) | nibble(key, i + 1));
    return bytes_of(out, n / 2 + 1);
}

static struct bytes rlp_list(const struct bytes *parts, size_t n, struct arena *arena)
{
    size_t payload = 0;
    for (size_t i = 0; i < n; i++)
        payload += parts[i].len;
    uint8_t *out = take(arena, rlp_list_size(payload));
    size_t len = rlp_write_list_header(out, payload);
    for (size_t i = 0; i < n; i++) {
        memcpy(out + len, parts[i].p, parts[i].len);
        len += parts[i].len;
    }
    return bytes_of(out, len);
}

static struct bytes rlp_string(struct bytes s, struct arena *arena)
{
    uint8_t *out = take(arena, rlp_string_size(s));
    return bytes_of(out, rlp_write_string(out, s));
}

/* How a parent names a node: small ones are put in whole, others by hash. */
static struct bytes reference(struct bytes node, struct arena *arena)
{
    if (node.len < 32)
        return node;
    struct b256 h = keccak256(node.p, node.len);
    return rlp_string(bytes_of(arena_copy(arena, h.b, 32), 32), arena);
}

static struct bytes build(const struct mpt_item *items, size_t n, size_t depth,
                          struct arena *arena);

static struct bytes build_branch(const struct mpt_item *items, size_t n, size_t depth,
                                 struct arena *arena)
{
    static const uint8_t empty = 0x80;
    struct bytes parts[17];
    for (unsigned i = 0; i < 17; i++)
        parts[i] = bytes_of(&empty, 1);
    size_t i = 0;
    if (items[0].key.len * 2 == depth) {
        parts[16] = rlp_string(items[0].value, arena);
        i = 1;
    }
    while (i < n) {
        unsigned d = nibble(items[i].key, depth);
        size_t end = i + 1;
        while (end < n && nibble(items[end].key, depth) == d)
            end++;
        parts[d] = reference(build(items + i, end - i, depth + 1, arena), arena);
        i = end;
    }
    return rlp_list(parts, 17, arena);
}

static struct bytes build(const struct mpt_item *items, size_t n, size_t depth, struct arena *arena)
{
    struct bytes parts[2];
    if (n == 1) {
        struct bytes key = items[0].key;
        parts[0] = rlp_string(hex_prefix(key, depth, key.len * 2, true, arena), arena);
        parts[1] = rlp_string(items[0].value, arena);
        return rlp_list(parts, 2, arena);
    }
    /* sorted: what the first and the last share, all share */
    struct bytes first = items[0].key, last = items[n - 1].key;
    size_t common = depth, end = (first.len < last.len ? first.len : last.len) * 2;
    while (common < end && nibble(first, common) == nibble(last, common))
        common++;
    if (common == depth)
        return build_branch(items, n, depth, arena);
    parts[0] = rlp_string(hex_prefix(first, depth, common, false, arena), arena);
    parts[1] = reference(build_branch(items, n, common, arena), arena);
    return rlp_list(parts, 2, arena);
}

struct b256 mpt_root(struct mpt_item *items, size_t n, struct arena *arena)
{
    static const uint8_t empty = 0x80;
    if (!n)
        return keccak256(&empty, 1);
    qsort(items, n, sizeof(*items), compare_items);
    struct bytes root = build(items, n, 0, arena);
    return keccak256(root.p, root.len);
}
