#include "interop/message_root.h"

#include <inttypes.h>
#include <stdlib.h>

#include "node/base/hash.h"
#include "node/base/map.h"
#include "node/base/merkle.h"

/* keccak("zkSync:BatchLeaf"), keccak("zkSync:ChainIdLeaf"), keccak(96 zero bytes) */
static const struct b256 batch_tag = { { 0xd8, 0x2f, 0xec, 0x4a, 0x37, 0xcb, 0xdc, 0x47,
                                         0xf1, 0xe5, 0xcc, 0x4a, 0xd6, 0x4d, 0xea, 0xcf,
                                         0x34, 0xa4, 0x8e, 0x6f, 0x7c, 0x61, 0xfa, 0x5b,
                                         0x68, 0xfd, 0x58, 0xe5, 0x43, 0x25, 0x9c, 0xf4 } };
static const struct b256 chain_tag = { { 0x39, 0xbc, 0x69, 0x36, 0x3b, 0xb9, 0xe2, 0x6c,
                                         0xf1, 0x42, 0x40, 0xde, 0x4e, 0x22, 0x56, 0x9e,
                                         0x95, 0xcf, 0x17, 0x5c, 0xfb, 0xcf, 0x1a, 0xde,
                                         0x1a, 0x47, 0xa2, 0x53, 0xb4, 0xbf, 0x7f, 0x61 } };
static const struct b256 tree_empty = { { 0x46, 0x70, 0x0b, 0x4d, 0x40, 0xac, 0x5c, 0x35,
                                          0xaf, 0x2c, 0x22, 0xdd, 0xa2, 0x78, 0x7a, 0x91,
                                          0xeb, 0x56, 0x7b, 0x06, 0xc9, 0x24, 0xa8, 0xfb,
                                          0x8a, 0xe9, 0xa0, 0x5b, 0x20, 0xc0, 0x8c, 0x21 } };

struct mark { /* of a batch */
    uint64_t batch, block;
};
struct level { /* complete nodes of one level of a chain tree */
    struct b256 *node;
    size_t cap;
};
struct chain_tree {
    uint64_t id, added_at;
    struct level level[MESSAGE_ROOT_CHAIN_DEPTH + 1];
    struct mark *mark;
    size_t mark_cap;
    uint64_t cnt;
};
struct version { /* of a node of the shared tree */
    uint64_t block;
    struct b256 hash;
};
struct node_history {
    struct version *v;
    size_t cnt, cap;
};
struct shared_level {
    struct node_history *node;
    size_t cnt, cap;
};
struct message_root {
    struct chain_tree **chain; /* owned, by index */
    size_t chain_cnt, chain_cap;
    struct map index_of; /* chain id -> uint64_t */
    struct shared_level level[MESSAGE_ROOT_DEPTH + 1];
    uint64_t *changed; /* blocks with changes, rising */
    size_t changed_cnt, changed_cap;
    uint64_t batch_cnt;
    size_t memory;
    struct b256 zeros[MESSAGE_ROOT_CHAIN_DEPTH + 1];
};

static struct b256 tagged(const struct b256 *tag, const struct b256 *root,
                          const struct b256 *number)
{
    struct b256 in[3] = { *tag, *root, *number };
    return keccak256(in, sizeof(in));
}

struct b256 message_root_batch_leaf_word(const struct b256 *batch_root, const struct b256 *batch)
{
    return tagged(&batch_tag, batch_root, batch);
}

struct b256 message_root_chain_leaf_word(const struct b256 *chain_root, const struct b256 *chain)
{
    return tagged(&chain_tag, chain_root, chain);
}

struct b256 message_root_batch_leaf(const struct b256 *batch_root, uint64_t batch)
{
    struct b256 n = b256_of_u64(batch);
    return tagged(&batch_tag, batch_root, &n);
}

struct b256 message_root_chain_leaf(const struct b256 *chain_root, uint64_t chain)
{
    struct b256 n = b256_of_u64(chain);
    return tagged(&chain_tag, chain_root, &n);
}

/* ---- memory ---- */

/* Room for `need` items of `size` bytes at *p; false leaves everything as it is. */
static bool reserve(struct message_root *m, void *p, size_t *cap, size_t need, size_t size)
{
    void *old, *grown;
    if (need <= *cap)
        return true;
    size_t n = *cap ? *cap + *cap / 2 + 1 : 1;
    if (n < need)
        n = need;
    memcpy(&old, p, sizeof(old));
    grown = realloc(old, n * size);
    if (!grown)
        return false;
    memcpy(p, &grown, sizeof(grown));
    m->memory += (n - *cap) * size;
    *cap = n;
    return true;
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_LOCAL, "out of memory for the message trees");
}

static void tree_free(struct message_root *m, struct chain_tree *t)
{
    for (unsigned d = 0; d <= MESSAGE_ROOT_CHAIN_DEPTH; d++) {
        m->memory -= t->level[d].cap * sizeof(struct b256);
        free(t->level[d].node);
    }
    m->memory -= t->mark_cap * sizeof(*t->mark) + sizeof(*t);
    free(t->mark);
    free(t);
}

void message_root_destroy(struct message_root *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->chain_cnt; i++)
        tree_free(m, m->chain[i]);
    for (unsigned d = 0; d <= MESSAGE_ROOT_DEPTH; d++) {
        for (size_t i = 0; i < m->level[d].cap; i++)
            free(m->level[d].node[i].v);
        free(m->level[d].node);
    }
    map_clear(&m->index_of);
    free(m->chain);
    free(m->changed);
    free(m);
}

/* ---- chain trees ---- */

static struct chain_tree *tree_of(const struct message_root *m, uint64_t chain, uint64_t *index)
{
    const uint64_t *i = map_find(&m->index_of, &chain);
    if (!i)
        return NULL;
    if (index)
        *index = *i;
    return m->chain[*i];
}

/* Batches of the tree at the end of `block`. */
static uint64_t batches_at(const struct chain_tree *t, uint64_t block)
{
    uint64_t lo = 0, hi = t->cnt;
    if (hi == 0 || t->mark[hi - 1].block <= block)
        return hi;
    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        if (t->mark[mid].block <= block)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Root of the first n leaves, and with `path` the siblings of leaf `at`. The nodes that are not complete lie on the right edge, one at
 * most on each level, and are made from the bottom up. */
static struct b256 tree_root(const struct message_root *m, const struct chain_tree *t, uint64_t n,
                             struct b256 *path, uint64_t at)
{
    struct b256 edge = { { 0 } };
    unsigned depth = merkle_depth(n);
    bool partial = false;
    if (n == 0)
        return edge;
    for (unsigned d = 0; d < depth; d++) {
        uint64_t full = n >> d, sibling = (at >> d) ^ 1;
        const struct b256 *node = t->level[d].node;
        if (path)
            path[d] = sibling < full               ? node[sibling]
                      : sibling == full && partial ? edge
                                                   : m->zeros[d];
        if (full & 1) {
            edge = keccak256_pair(&node[full - 1], partial ? &edge : &m->zeros[d]);
            partial = true;
        } else if (partial) {
            edge = keccak256_pair(&edge, &m->zeros[d]);
        }
    }
    return partial ? edge : t->level[depth].node[0];
}

static bool tree_reserve(struct message_root *m, struct chain_tree *t)
{
    uint64_t n = t->cnt + 1;
    if (!reserve(m, &t->mark, &t->mark_cap, (size_t)n, sizeof(*t->mark)))
        return false;
    for (unsigned d = 0; d <= MESSAGE_ROOT_CHAIN_DEPTH && n >> d; d++)
        if (!reserve(m, &t->level[d].node, &t->level[d].cap, (size_t)(n >> d), sizeof(struct b256)))
            return false;
    return true;
}

/* The room is there. */
static void tree_push(struct chain_tree *t, const struct b256 *leaf, struct mark mark)
{
    uint64_t i = t->cnt++;
    t->mark[i] = mark;
    t->level[0].node[i] = *leaf;
    for (unsigned d = 0; (i >> d) & 1; d++)
        t->level[d + 1].node[i >> (d + 1)] =
            keccak256_pair(&t->level[d].node[(i >> d) - 1], &t->level[d].node[i >> d]);
}

/* ---- shared tree ---- */

static const struct b256 *version_at(const struct node_history *h, uint64_t block)
{
    size_t lo = 0, hi = h->cnt;
    if (hi > 0 && h->v[hi - 1].block <= block)
        return &h->v[hi - 1].hash;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (h->v[mid].block <= block)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo ? &h->v[lo - 1].hash : NULL;
}

/* The node at the end of `block`; the padding of its level where there was none. */
static const struct b256 *shared_node(const struct message_root *m, unsigned d, size_t i,
                                      uint64_t block)
{
    const struct shared_level *l = &m->level[d];
    const struct b256 *h = i < l->cnt ? version_at(&l->node[i], block) : NULL;
    return h ? h : &m->zeros[d];
}

static size_t chains_at(const struct message_root *m, uint64_t block)
{
    size_t lo = 0, hi = m->chain_cnt;
    if (m->chain[hi - 1]->added_at <= block)
        return hi;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (m->chain[mid]->added_at <= block)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static bool node_reserve(struct message_root *m, unsigned d, size_t i)
{
    struct shared_level *l = &m->level[d];
    size_t had = l->cap;
    if (!reserve(m, &l->node, &l->cap, i + 1, sizeof(*l->node)))
        return false;
    memset(l->node + had, 0, (l->cap - had) * sizeof(*l->node));
    return reserve(m, &l->node[i].v, &l->node[i].cap, l->node[i].cnt + 1, sizeof(struct version));
}

/* Room for a new version of every node from leaf `index` up, in a tree of `chains` leaves. */
static bool shared_reserve(struct message_root *m, size_t index, size_t chains)
{
    if (!reserve(m, &m->changed, &m->changed_cap, m->changed_cnt + 1, sizeof(*m->changed)))
        return false;
    for (unsigned d = 0; d <= merkle_depth(chains); d++)
        if (!node_reserve(m, d, index >> d))
            return false;
    return true;
}

static void node_set(struct shared_level *l, size_t i, uint64_t block, const struct b256 *hash)
{
    struct node_history *h = &l->node[i];
    if (i >= l->cnt)
        l->cnt = i + 1;
    if (h->cnt == 0 || h->v[h->cnt - 1].block != block)
        h->v[h->cnt++].block = block;
    h->v[h->cnt - 1].hash = *hash;
}

/* The room is there. */
static void shared_set(struct message_root *m, size_t index, uint64_t block,
                       const struct b256 *leaf)
{
    struct b256 h = *leaf;
    unsigned depth = merkle_depth(m->chain_cnt);
    node_set(&m->level[0], index, block, &h);
    for (unsigned d = 0; d < depth; d++) {
        size_t i = index >> d;
        const struct b256 *other = shared_node(m, d, i ^ 1, UINT64_MAX);
        h = i & 1 ? keccak256_pair(other, &h) : keccak256_pair(&h, other);
        node_set(&m->level[d + 1], i >> 1, block, &h);
    }
    if (m->changed_cnt == 0 || m->changed[m->changed_cnt - 1] != block)
        m->changed[m->changed_cnt++] = block;
}

/* ---- changes ---- */

static bool goes_on(const struct message_root *m, uint64_t block, struct err *err)
{
    if (m->changed_cnt && block < m->changed[m->changed_cnt - 1])
        return err_set(err, ERR_INVALID, "block %" PRIu64 " after block %" PRIu64, block,
                       m->changed[m->changed_cnt - 1]);
    return true;
}

/* The leaf of the chain itself is there from the start; the block counts as one that changed something. */
static bool touch(struct message_root *m, uint64_t block)
{
    struct b256 none = { { 0 } }, leaf = message_root_chain_leaf(&none, m->chain[0]->id);
    if (!shared_reserve(m, 0, m->chain_cnt))
        return false;
    shared_set(m, 0, block, &leaf);
    return true;
}

bool message_root_add_chain(struct message_root *m, uint64_t block, uint64_t chain, uint64_t index,
                            struct err *err)
{
    bool inserted;
    if (!goes_on(m, block, err))
        return false;
    if (index == 0 && m->chain_cnt == 1 && m->chain[0]->id == chain &&
        m->changed_cnt == 0) /* its own setting up */
        return touch(m, block) || no_memory(err);
    if (tree_of(m, chain, NULL))
        return err_set(err, ERR_INVALID, "chain %" PRIu64 " is registered already", chain);
    if (index != m->chain_cnt || index >= MESSAGE_ROOT_MAX_CHAINS)
        return err_set(err, ERR_INVALID,
                       "chain %" PRIu64 " has index %" PRIu64 " where %zu was expected", chain,
                       index, m->chain_cnt);
    if (!reserve(m, &m->chain, &m->chain_cap, m->chain_cnt + 1, sizeof(struct chain_tree *)) ||
        !shared_reserve(m, (size_t)index, m->chain_cnt + 1))
        return no_memory(err);
    struct chain_tree *t = calloc(1, sizeof(*t));
    uint64_t *at = t ? map_put(&m->index_of, &chain, &inserted) : NULL;
    if (!at) {
        free(t);
        return no_memory(err);
    }
    m->memory += sizeof(*t);
    *at = index;
    t->id = chain;
    t->added_at = block;
    m->chain[m->chain_cnt++] = t;
    struct b256 none = { { 0 } }, leaf = message_root_chain_leaf(&none, chain);
    shared_set(m, (size_t)index, block, &leaf);
    return true;
}

bool message_root_append(struct message_root *m, uint64_t block, uint64_t chain, uint64_t batch,
                         const struct b256 *batch_root, struct err *err)
{
    uint64_t index = 0;
    struct chain_tree *t = tree_of(m, chain, &index);
    if (!goes_on(m, block, err))
        return false;
    if (!t || index == 0)
        return err_set(err, ERR_INVALID, "batch of chain %" PRIu64 ", which is not registered",
                       chain);
    if (b256_is_zero(batch_root) || (t->cnt && batch <= t->mark[t->cnt - 1].batch) ||
        merkle_depth(t->cnt + 1) > MESSAGE_ROOT_CHAIN_DEPTH)
        return err_set(err, ERR_INVALID,
                       "batch %" PRIu64 " of chain %" PRIu64 " cannot follow %" PRIu64, batch,
                       chain, t->cnt ? t->mark[t->cnt - 1].batch : 0);
    if (!tree_reserve(m, t) || !shared_reserve(m, (size_t)index, m->chain_cnt))
        return no_memory(err);
    struct b256 leaf = message_root_batch_leaf(batch_root, batch);
    tree_push(t, &leaf, (struct mark){ batch, block });
    struct b256 root = tree_root(m, t, t->cnt, NULL, 0);
    leaf = message_root_chain_leaf(&root, chain);
    shared_set(m, (size_t)index, block, &leaf);
    m->batch_cnt++;
    return true;
}

void message_root_rewind(struct message_root *m, uint64_t from)
{
    for (size_t i = 1; i < m->chain_cnt; i++) {
        uint64_t keep = from ? batches_at(m->chain[i], from - 1) : 0;
        m->batch_cnt -= m->chain[i]->cnt - keep;
        m->chain[i]->cnt = keep;
    }
    while (m->chain_cnt > 1 && m->chain[m->chain_cnt - 1]->added_at >= from) {
        struct chain_tree *t = m->chain[--m->chain_cnt];
        map_remove(&m->index_of, &t->id);
        tree_free(m, t);
    }
    for (unsigned d = 0; d <= MESSAGE_ROOT_DEPTH; d++) {
        struct shared_level *l = &m->level[d];
        for (size_t i = 0; i < l->cnt; i++) {
            struct node_history *h = &l->node[i];
            while (h->cnt > 0 && h->v[h->cnt - 1].block >= from &&
                   !(d == 0 && i == 0 && h->cnt == 1))
                h->cnt--;
        }
        while (l->cnt > 0 && l->node[l->cnt - 1].cnt == 0)
            l->cnt--;
    }
    while (m->changed_cnt > 0 && m->changed[m->changed_cnt - 1] >= from)
        m->changed_cnt--;
}

struct message_root *message_root_create(uint64_t own_chain)
{
    struct err err = { .kind = ERR_NONE };
    struct message_root *m = calloc(1, sizeof(*m));
    if (!m)
        return NULL;
    m->memory = sizeof(*m);
    map_init_host(&m->index_of, sizeof(uint64_t), sizeof(uint64_t));
    m->zeros[0] = tree_empty;
    for (unsigned d = 0; d < MESSAGE_ROOT_CHAIN_DEPTH; d++)
        m->zeros[d + 1] = keccak256_pair(&m->zeros[d], &m->zeros[d]);
    if (!message_root_add_chain(m, 0, own_chain, 0, &err)) {
        message_root_destroy(m);
        return NULL;
    }
    m->changed_cnt = 0; /* it was there before anything changed */
    return m;
}

/* ---- reading ---- */

struct b256 message_root_at(const struct message_root *m, uint64_t block)
{
    return *shared_node(m, merkle_depth(chains_at(m, block)), 0, block);
}

bool message_root_chain_root(const struct message_root *m, uint64_t chain, uint64_t block,
                             struct b256 *out)
{
    const struct chain_tree *t = tree_of(m, chain, NULL);
    if (!t || t->added_at > block)
        return false;
    *out = tree_root(m, t, batches_at(t, block), NULL, 0);
    return true;
}

bool message_root_last_block(const struct message_root *m, uint64_t *block)
{
    if (m->changed_cnt == 0)
        return false;
    *block = m->changed[m->changed_cnt - 1];
    return true;
}

bool message_root_next_change(const struct message_root *m, uint64_t from, uint64_t *block)
{
    size_t lo = 0, hi = m->changed_cnt;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (m->changed[mid] < from)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == m->changed_cnt)
        return false;
    *block = m->changed[lo];
    return true;
}

static bool position_of(const struct chain_tree *t, uint64_t batch, uint64_t *out)
{
    uint64_t lo = 0, hi = t->cnt;
    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        if (t->mark[mid].batch < batch)
            lo = mid + 1;
        else
            hi = mid;
    }
    *out = lo;
    return lo < t->cnt && t->mark[lo].batch == batch;
}

bool message_root_find(const struct message_root *m, uint64_t chain, uint64_t batch,
                       struct message_root_leaf *out)
{
    uint64_t position;
    const struct chain_tree *t = tree_of(m, chain, NULL);
    if (!t || !position_of(t, batch, &position))
        return false;
    *out = (struct message_root_leaf){ position, batch, t->mark[position].block };
    return true;
}

bool message_root_prove(const struct message_root *m, uint64_t chain, uint64_t batch,
                        uint64_t block, struct message_root_path *out)
{
    const struct chain_tree *t = tree_of(m, chain, &out->index);
    if (!t || t->added_at > block || !position_of(t, batch, &out->position) ||
        t->mark[out->position].block > block)
        return false;
    uint64_t n = batches_at(t, block);
    out->batch_len = merkle_depth(n);
    out->chain_root = tree_root(m, t, n, out->batch, out->position);
    out->chain_len = merkle_depth(chains_at(m, block));
    for (unsigned d = 0; d < out->chain_len; d++)
        out->chain[d] = *shared_node(m, d, (size_t)(out->index >> d) ^ 1, block);
    out->root = *shared_node(m, out->chain_len, 0, block);
    return true;
}

size_t message_root_chain_count(const struct message_root *m)
{
    return m->chain_cnt;
}

void message_root_chain_get(const struct message_root *m, size_t index,
                            struct message_root_chain *out)
{
    CHECK(index < m->chain_cnt);
    const struct chain_tree *t = m->chain[index];
    *out = (struct message_root_chain){ .id = t->id, .index = index, .batches = t->cnt };
    if (t->cnt) {
        out->last_batch = t->mark[t->cnt - 1].batch;
        out->last_block = t->mark[t->cnt - 1].block;
    }
}

uint64_t message_root_batch_count(const struct message_root *m)
{
    return m->batch_cnt;
}

size_t message_root_memory(const struct message_root *m)
{
    return m->memory;
}
