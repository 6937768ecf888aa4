#include "node/state/flat.h"

#include "node/base/hex.h"
#include "node/state/mem.h"

static void reserve(struct flat *f, uint64_t need)
{
    f->leaves = mem_grow(f->leaves, &f->leaf_cap, need, sizeof(*f->leaves));
    f->counted = mem_grow(f->counted, &f->counted_cap, need, 1);
}

static void append(struct flat *f, const struct b256 *key, const struct b256 *value, uint64_t next,
                   bool counted)
{
    reserve(f, f->leaf_count + 1);
    uint64_t i = f->leaf_count++;
    f->leaves[i] = (struct leaf){ .key = *key, .value = *value, .next = next };
    f->counted[i] = counted;
    key_index_insert(&f->index, flat_keys(f), key, i);
}

void flat_init(struct flat *f)
{
    *f = (struct flat){ 0 };
    key_index_init(&f->index);
    preimages_init(&f->preimages);
    ver_log_init(&f->log, sizeof(struct leaf_undo));
    struct b256 low = { { 0 } }, high, zero = { { 0 } };
    memset(high.b, 0xff, 32);
    append(f, &low, &zero, 1, false);
    append(f, &high, &zero, 1, false);
}

void flat_clear(struct flat *f)
{
    mem_release(f->leaves, f->leaf_cap, sizeof(*f->leaves));
    mem_release(f->counted, f->counted_cap, 1);
    key_index_clear(&f->index);
    preimages_clear(&f->preimages);
    ver_log_clear(&f->log);
    *f = (struct flat){ 0 };
}

bool flat_find(const struct flat *f, const struct b256 *key, uint64_t *index)
{
    return key_index_find(&f->index, flat_keys(f), key, index) && *index >= 2;
}

void flat_leaf_at(const struct flat *f, uint64_t index, uint64_t n, struct b256 *value,
                  uint64_t *next, bool *counted)
{
    const struct leaf *leaf = &f->leaves[index];
    const struct leaf_undo *u =
        (const struct leaf_undo *)(const void *)ver_log_find(&f->log, leaf->ver, n);
    *value = u ? u->value : leaf->value;
    *next = u ? u->next : leaf->next;
    if (counted)
        *counted = u ? (u->head.flags & UNDO_COUNTED) != 0 : f->counted[index] != 0;
}

/* ---- planning ---- */

struct fresh { /* a key that gets a leaf */
    const struct b256 *key;
    uint64_t index, next;
};

static int fresh_cmp(const void *a, const void *b)
{
    return memcmp(((const struct fresh *)a)->key->b, ((const struct fresh *)b)->key->b, 32);
}

static int touch_cmp(const void *a, const void *b)
{
    uint64_t x = ((const struct leaf_touch *)a)->index, y = ((const struct leaf_touch *)b)->index;
    return x < y ? -1 : x > y ? 1 : 0;
}

static bool bad_key(struct err *err, const struct b256 *key, const char *what)
{
    char hex[67];
    hex_encode0x(hex, key->b, 32);
    return err_set(err, ERR_INVALID, "key %s: %s", hex, what);
}

static bool is_account(const struct stf_diff *d)
{
    struct addr pseudo = account_storage_addr();
    return addr_eq(&d->addr, &pseudo) && !b256_is_zero(&d->new_value);
}

static bool check_preimages(const struct stf_preimage *p, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        struct b256 h = blake2s(p[i].data.p, p[i].data.len);
        if (!b256_eq(&h, &p[i].hash))
            return bad_key(err, &p[i].hash, "the preimage does not have this hash");
        if (p[i].data.len > UINT32_MAX)
            return bad_key(err, &p[i].hash, "the preimage is too long");
    }
    return true;
}

static int hash_cmp(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

/* Every new account value must have its record, known or given with the block. */
static bool check_records(const struct flat *f, const struct stf_diff *diffs, size_t diff_cnt,
                          const struct stf_preimage *preimages, size_t preimage_cnt,
                          struct err *err)
{
    struct b256 *given = mem_alloc(preimage_cnt, sizeof(*given));
    size_t n = 0;
    for (size_t i = 0; i < preimage_cnt; i++)
        if (preimages[i].data.len == ACCOUNT_RECORD_LEN)
            given[n++] = preimages[i].hash;
    if (n)
        qsort(given, n, sizeof(*given), hash_cmp);
    bool ok = true;
    for (size_t i = 0; ok && i < diff_cnt; i++) {
        if (!is_account(&diffs[i]) ||
            (n && bsearch(&diffs[i].new_value, given, n, sizeof(*given), hash_cmp)))
            continue;
        const struct preimage *p = preimages_find(&f->preimages, &diffs[i].new_value);
        if (!p || p->len != ACCOUNT_RECORD_LEN)
            ok = bad_key(err, &diffs[i].flat_key, "account value without its record");
    }
    free(given);
    return ok;
}

#define WINDOW 32u

/* Starts the memory accesses of the next window of diffs. */
static void look_ahead(const struct flat *f, const struct stf_diff *diffs, size_t n)
{
    size_t m = n < WINDOW ? n : WINDOW;
    for (unsigned stage = 0; stage < KEY_INDEX_STAGES; stage++)
        for (size_t i = 0; i < m; i++)
            key_index_prefetch(&f->index, flat_keys(f), &diffs[i].flat_key, stage);
}

/* One touch per diff; keys without a leaf go to `fresh` as well, indices in diff order. */
static bool classify(struct leaf_touch *t, struct fresh *fresh, size_t *fresh_cnt,
                     const struct flat *f, const struct stf_diff *diffs, size_t n, bool strict,
                     struct err *err)
{
    *fresh_cnt = 0;
    for (size_t i = 0; i < n; i++) {
        const struct stf_diff *d = &diffs[i];
        uint64_t at;
        if (i % WINDOW == 0)
            look_ahead(f, d, n - i);
        bool known = key_index_find(&f->index, flat_keys(f), &d->flat_key, &at);
        if (known && at < 2)
            return bad_key(err, &d->flat_key, "a guard of the tree");
        if (strict && known == d->is_new)
            return bad_key(err, &d->flat_key,
                           known ? "said to be new, but has a leaf"
                                 : "said to have a leaf, but is new");
        struct b256 zero = { { 0 } };
        if (strict && !b256_eq(known ? &f->leaves[at].value : &zero, &d->old_value))
            return bad_key(err, &d->flat_key, "the old value is another one here");
        t[i] =
            (struct leaf_touch){ .key = d->flat_key, .value = d->new_value, .flags = TOUCH_VALUE };
        if (is_account(d))
            t[i].flags |= TOUCH_ACCOUNT;
        if (known) {
            t[i].index = at;
            t[i].next = f->leaves[at].next;
        } else {
            t[i].index = f->leaf_count + *fresh_cnt;
            t[i].flags |= TOUCH_NEW;
            fresh[(*fresh_cnt)++] = (struct fresh){ &d->flat_key, t[i].index, 0 };
        }
    }
    return true;
}

/* Splices the sorted new keys into the list, run by run. Appends one touch per old predecessor. */
static size_t link_fresh(struct leaf_touch *pred, struct fresh *fresh, size_t n,
                         const struct flat *f)
{
    size_t pred_cnt = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t p;
        CHECK(key_index_before(&f->index, flat_keys(f), fresh[i].key, UINT64_MAX, &p));
        fresh[i].next = f->leaves[p].next;
        if (pred_cnt && pred[pred_cnt - 1].index == p) {
            fresh[i - 1].next = fresh[i].index;
            continue;
        }
        const struct leaf *l = &f->leaves[p];
        pred[pred_cnt++] = (struct leaf_touch){
            .index = p, .key = l->key, .value = l->value, .next = fresh[i].index
        };
    }
    return pred_cnt;
}

/* Touches by index; a leaf that is both written and a predecessor becomes one. */
static bool merge_touches(struct leaf_touch *t, size_t *n, struct err *err)
{
    qsort(t, *n, sizeof(*t), touch_cmp);
    size_t out = 0;
    for (size_t i = 0; i < *n; i++) {
        if (out == 0 || t[out - 1].index != t[i].index) {
            t[out++] = t[i];
            continue;
        }
        struct leaf_touch *a = &t[out - 1], b = t[i];
        if (a->flags & b.flags & TOUCH_VALUE)
            return bad_key(err, &b.key, "changed twice in one block");
        if (b.flags & TOUCH_VALUE) {
            uint64_t next = a->next;
            *a = b;
            a->next = next;
        } else {
            a->next = b.next;
        }
    }
    *n = out;
    return true;
}

static bool plan_diffs(struct flat_plan *out, struct fresh *fresh, const struct flat *f,
                       const struct stf_diff *diffs, size_t diff_cnt, bool strict, struct err *err)
{
    struct leaf_touch *t = out->touches;
    size_t fresh_cnt;
    if (!classify(t, fresh, &fresh_cnt, f, diffs, diff_cnt, strict, err))
        return false;
    qsort(fresh, fresh_cnt, sizeof(*fresh), fresh_cmp);
    for (size_t i = 1; i < fresh_cnt; i++)
        if (b256_eq(fresh[i - 1].key, fresh[i].key))
            return bad_key(err, fresh[i].key, "changed twice in one block");
    size_t pred_cnt = link_fresh(t + diff_cnt, fresh, fresh_cnt, f);
    out->touch_cnt = diff_cnt + pred_cnt;
    if (!merge_touches(t, &out->touch_cnt, err))
        return false;
    out->old_cnt = out->touch_cnt - fresh_cnt;
    for (size_t i = 0; i < fresh_cnt; i++)
        t[out->old_cnt + (fresh[i].index - f->leaf_count)].next = fresh[i].next;
    return true;
}

bool flat_plan_make(struct flat_plan *out, const struct flat *f, const struct stf_diff *diffs,
                    size_t diff_cnt, const struct stf_preimage *preimages, size_t preimage_cnt,
                    bool strict, struct err *err)
{
    *out = (struct flat_plan){ 0 };
    if (!check_preimages(preimages, preimage_cnt, err) ||
        !check_records(f, diffs, diff_cnt, preimages, preimage_cnt, err))
        return false;
    out->touches = mem_alloc(2 * diff_cnt, sizeof(*out->touches));
    struct fresh *fresh = mem_alloc(diff_cnt, sizeof(*fresh));
    bool ok = plan_diffs(out, fresh, f, diffs, diff_cnt, strict, err);
    free(fresh);
    if (!ok)
        flat_plan_clear(out);
    return ok;
}

void flat_plan_clear(struct flat_plan *p)
{
    free(p->touches);
    *p = (struct flat_plan){ 0 };
}

/* ---- committing ---- */

static void commit_old(struct flat *f, const struct leaf_touch *t, bool first)
{
    struct leaf *l = &f->leaves[t->index];
    if (!first) {
        struct leaf_undo *u = (struct leaf_undo *)(void *)ver_log_add(&f->log, &l->ver);
        u->head.flags =
            (t->flags & TOUCH_VALUE ? UNDO_VALUE : 0) | (f->counted[t->index] ? UNDO_COUNTED : 0);
        u->index = t->index;
        u->value = l->value;
        u->next = l->next;
    }
    l->next = t->next;
    if (!(t->flags & TOUCH_VALUE))
        return;
    l->value = t->value;
    f->counted[t->index] = (t->flags & TOUCH_ACCOUNT) != 0;
    if (t->flags & TOUCH_ACCOUNT)
        preimages_ref(&f->preimages, &t->value);
}

void flat_commit(struct flat *f, uint64_t block, const struct flat_plan *p,
                 const struct stf_preimage *preimages, size_t preimage_cnt, bool first)
{
    for (size_t i = 0; i < preimage_cnt; i++)
        preimages_add(&f->preimages, &preimages[i].hash, preimages[i].data,
                      first || preimages[i].is_code);
    CHECK(p->old_cnt <= UINT32_MAX);
    if (first)
        ver_log_start(&f->log, block);
    else
        ver_log_push(&f->log, (uint32_t)p->old_cnt);
    for (size_t i = 0; i < p->old_cnt; i++)
        commit_old(f, &p->touches[i], first);
    reserve(f, f->leaf_count + (p->touch_cnt - p->old_cnt));
    for (size_t i = p->old_cnt; i < p->touch_cnt; i++) {
        const struct leaf_touch *t = &p->touches[i];
        CHECK(t->index == f->leaf_count);
        append(f, &t->key, &t->value, t->next, (t->flags & TOUCH_ACCOUNT) != 0);
        if (t->flags & TOUCH_ACCOUNT)
            preimages_ref(&f->preimages, &t->value);
    }
    ver_log_at(&f->log, block)->leaf_count = f->leaf_count;
}

static void strip_entry(void *arg, struct ver_head *e)
{
    struct flat *f = arg;
    const struct leaf_undo *u = (const struct leaf_undo *)(const void *)e;
    if ((e->flags & UNDO_VALUE) && (e->flags & UNDO_COUNTED))
        preimages_unref(&f->preimages, &u->value, true);
}

void flat_prune(struct flat *f, uint64_t floor)
{
    if (floor <= f->log.bare)
        return;
    ver_log_strip(&f->log, floor, strip_entry, f);
    ver_log_trim(&f->log, floor);
}

/* Records lose their reference but stay: a view that the rollback killed may still be read from. */
void flat_pop(struct flat *f, void (*restored)(void *arg, uint64_t index), void *arg)
{
    struct ver_block *b = ver_log_at(&f->log, f->log.last);
    for (uint32_t i = 0; i < b->count; i++) {
        struct leaf_undo *u = (struct leaf_undo *)(void *)ver_block_entry(&f->log, b, i);
        struct leaf *l = &f->leaves[u->index];
        if (u->head.flags & UNDO_VALUE) {
            if (f->counted[u->index])
                preimages_unref(&f->preimages, &l->value, false);
            l->value = u->value;
            f->counted[u->index] = (u->head.flags & UNDO_COUNTED) != 0;
        }
        l->next = u->next;
        l->ver = u->head.prior;
        restored(arg, u->index);
    }
    ver_log_pop(&f->log);
    uint64_t count = ver_log_at(&f->log, f->log.last)->leaf_count;
    while (f->leaf_count > count) {
        const struct leaf *l = &f->leaves[f->leaf_count - 1];
        CHECK(key_index_remove(&f->index, flat_keys(f), &l->key));
        if (f->counted[f->leaf_count - 1])
            preimages_unref(&f->preimages, &l->value, false);
        f->leaf_count--;
    }
}
