#include "node/state/proof.h"

#include "node/base/hash.h"
#include "node/state/state_impl.h"

static void fill(struct state_leaf_proof *p, const struct state *s, uint64_t block, uint64_t index)
{
    *p = (struct state_leaf_proof){ .index = index, .key = s->flat.leaves[index].key };
    flat_leaf_at(&s->flat, index, block, &p->value, &p->next, NULL);
    p->sibling_cnt = tree_siblings(&s->tree, &s->flat, block, index, p->siblings);
}

/* Both locks held. */
static bool prove(const struct state *s, uint64_t block, const struct b256 *key,
                  struct state_proof *out, struct err *err)
{
    const struct flat *f = &s->flat;
    const struct ver_block *mark = ver_log_at(&s->tree.log, block);
    if (!s->has_block || block > s->tree.log.last)
        return err_set(err, ERR_INVALID, "block %llu is not hashed yet", (unsigned long long)block);
    if (!mark || block < s->tree.log.bare || block < s->floor)
        return err_set(err, ERR_INVALID, "the tree of block %llu is pruned",
                       (unsigned long long)block);
    out->mark = (struct state_mark){ block, mark->leaf_count, mark->root };
    uint64_t index;
    bool found = key_index_find(&f->index, flat_keys(f), key, &index);
    if (found && index < 2)
        return err_set(err, ERR_INVALID, "a guard of the tree");
    out->existing = found && index < mark->leaf_count;
    if (!out->existing)
        CHECK(key_index_before(&f->index, flat_keys(f), key, mark->leaf_count, &index));
    fill(&out->leaf, s, block, index);
    if (!out->existing)
        fill(&out->right, s, block, out->leaf.next);
    return true;
}

bool state_prove(const struct state *s, uint64_t block, const struct b256 *flat_key,
                 struct state_proof *out, struct err *err)
{
    *out = (struct state_proof){ 0 };
    state_lock_flat_read(s);
    state_lock_tree_read(s);
    bool ok = prove(s, block, flat_key, out, err);
    state_unlock_tree(s);
    state_unlock_flat(s);
    return ok;
}

bool state_proof_walk(const struct state_leaf_proof *p, struct b256 *root)
{
    if (p->sibling_cnt >= 64)
        return false;
    struct b256 cur = blake2s_leaf(&p->key, &p->value, p->next);
    struct b256 zero = { { 0 } }, empty = blake2s_leaf(&zero, &zero, 0);
    uint64_t index = p->index;
    for (unsigned d = 0; d < TREE_DEPTH; d++) {
        const struct b256 *sib = d < p->sibling_cnt ? &p->siblings[d] : &empty;
        cur = index & 1 ? blake2s_pair(sib, &cur) : blake2s_pair(&cur, sib);
        empty = blake2s_pair(&empty, &empty);
        index >>= 1;
    }
    *root = cur;
    return p->sibling_cnt > 0 && p->index >> p->sibling_cnt == 0;
}

static bool walks_to(const struct state_leaf_proof *p, const struct b256 *root)
{
    struct b256 got;
    return state_proof_walk(p, &got) && b256_eq(&got, root);
}

bool state_proof_verify(const struct state_proof *p, const struct b256 *flat_key,
                        const struct b256 *root, struct b256 *value)
{
    *value = (struct b256){ { 0 } };
    if (!walks_to(&p->leaf, root))
        return false;
    if (p->existing) {
        *value = p->leaf.value;
        return b256_eq(&p->leaf.key, flat_key);
    }
    return walks_to(&p->right, root) && p->leaf.next == p->right.index &&
           memcmp(p->leaf.key.b, flat_key->b, 32) < 0 &&
           memcmp(flat_key->b, p->right.key.b, 32) < 0;
}
