#include "node/state/state_impl.h"

#include "node/base/hash.h"
#include "node/base/log.h"
#include "node/state/mem.h"
#include "node/stf/batch.h"

static void lock(pthread_mutex_t *m)
{
    CHECK(pthread_mutex_lock(m) == 0);
}

static void unlock(pthread_mutex_t *m)
{
    CHECK(pthread_mutex_unlock(m) == 0);
}

void state_lock_flat_read(const struct state *s)
{
    CHECK(pthread_rwlock_rdlock(&s->locks->flat) == 0);
}

void state_unlock_flat(const struct state *s)
{
    CHECK(pthread_rwlock_unlock(&s->locks->flat) == 0);
}

void state_lock_tree_read(const struct state *s)
{
    CHECK(pthread_rwlock_rdlock(&s->locks->tree) == 0);
}

void state_unlock_tree(const struct state *s)
{
    CHECK(pthread_rwlock_unlock(&s->locks->tree) == 0);
}

static void lock_flat_write(struct state *s)
{
    CHECK(pthread_rwlock_wrlock(&s->locks->flat) == 0);
}

static void lock_tree_write(struct state *s)
{
    CHECK(pthread_rwlock_wrlock(&s->locks->tree) == 0);
}

struct state *state_create(const struct state_config *cfg)
{
    struct state *s = mem_zalloc(1, sizeof(*s));
    s->cfg = *cfg;
    if (s->cfg.proof_blocks > s->cfg.history_blocks)
        s->cfg.proof_blocks = s->cfg.history_blocks;
    s->keep_from = UINT64_MAX;
    s->locks = mem_zalloc(1, sizeof(*s->locks));
    CHECK(pthread_mutex_init(&s->locks->writer, NULL) == 0);
    CHECK(pthread_mutex_init(&s->locks->hasher, NULL) == 0);
    CHECK(pthread_mutex_init(&s->locks->small, NULL) == 0);
    pthread_rwlockattr_t attr;
    CHECK(pthread_rwlockattr_init(&attr) == 0);
    /* A stream of readers must not hold the builder up; no reader takes a lock twice. */
    CHECK(pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP) == 0);
    CHECK(pthread_rwlock_init(&s->locks->flat, &attr) == 0);
    CHECK(pthread_rwlock_init(&s->locks->tree, &attr) == 0);
    (void)pthread_rwlockattr_destroy(&attr);
    flat_init(&s->flat);
    tree_init(&s->tree);
    return s;
}

static void free_job(struct state_job *j)
{
    flat_plan_clear(&j->plan);
    free(j);
}

void state_destroy(struct state *s)
{
    if (!s)
        return;
    CHECK(s->views == NULL);
    while (s->first_job) {
        struct state_job *j = s->first_job;
        s->first_job = j->next;
        free_job(j);
    }
    flat_clear(&s->flat);
    tree_clear(&s->tree);
    (void)pthread_mutex_destroy(&s->locks->writer);
    (void)pthread_mutex_destroy(&s->locks->hasher);
    (void)pthread_mutex_destroy(&s->locks->small);
    (void)pthread_rwlock_destroy(&s->locks->flat);
    (void)pthread_rwlock_destroy(&s->locks->tree);
    free(s->locks);
    free(s);
}

/* ---- starting ---- */

void state_adopt(struct state *s, uint64_t block)
{
    if (!s->flat.log.ring)
        ver_log_start(&s->flat.log, block)->leaf_count = s->flat.leaf_count;
    tree_build(&s->tree, block, &s->flat);
    s->has_block = true;
    s->floor = block;
    s->tree_block = block;
}

bool state_start(struct state *s, uint64_t block, const struct stf_diff *diffs, size_t diff_cnt,
                 const struct stf_preimage *preimages, size_t preimage_cnt, struct state_mark *mark,
                 struct err *err)
{
    bool ok = true;
    struct flat_plan plan = { 0 };
    lock(&s->locks->writer);
    if (s->has_block)
        ok = err_set(err, ERR_INVALID, "the state has a block already");
    else if (block >= UINT32_MAX)
        ok = err_set(err, ERR_INVALID, "block number %llu is too large", (unsigned long long)block);
    ok =
        ok && flat_plan_make(&plan, &s->flat, diffs, diff_cnt, preimages, preimage_cnt, false, err);
    if (ok) {
        lock(&s->locks->hasher);
        lock_flat_write(s);
        lock_tree_write(s);
        lock(&s->locks->small);
        flat_commit(&s->flat, block, &plan, preimages, preimage_cnt, true);
        state_adopt(s, block);
        unlock(&s->locks->small);
        state_unlock_tree(s);
        state_unlock_flat(s);
        unlock(&s->locks->hasher);
    }
    flat_plan_clear(&plan);
    unlock(&s->locks->writer);
    if (ok && mark)
        CHECK(state_mark_at(s, block, mark));
    return ok;
}

/* ---- applying ---- */

static uint64_t back(uint64_t n, uint64_t depth)
{
    return n > depth ? n - depth : 0;
}

/* Lowest block that must stay; small lock held. */
static uint64_t wanted_floor(const struct state *s, uint64_t latest)
{
    uint64_t f = back(latest, s->cfg.history_blocks);
    if (s->keep_from < f)
        f = s->keep_from;
    if (s->tree_block < f)
        f = s->tree_block;
    for (const struct state_view *v = s->views; v; v = v->next)
        if (v->pin < f)
            f = v->pin;
    return f;
}

static void enqueue(struct state *s, struct state_job *job)
{
    if (s->last_job)
        s->last_job->next = job;
    else
        s->first_job = job;
    s->last_job = job;
}

bool state_apply_flat(struct state *s, uint64_t block, const struct stf_diff *diffs,
                      size_t diff_cnt, const struct stf_preimage *preimages, size_t preimage_cnt,
                      struct err *err)
{
    bool ok = true;
    struct state_job *job = mem_zalloc(1, sizeof(*job));
    lock(&s->locks->writer);
    if (!s->has_block)
        ok = err_set(err, ERR_INVALID, "the state has no block to build on");
    else if (block != s->flat.log.last + 1 || block >= UINT32_MAX)
        ok = err_set(err, ERR_INVALID, "block %llu does not follow block %llu",
                     (unsigned long long)block, (unsigned long long)s->flat.log.last);
    ok = ok && (flat_plan_make(&job->plan, &s->flat, diffs, diff_cnt, preimages, preimage_cnt, true,
                               err) ||
                err_wrap(err, "block %llu", (unsigned long long)block));
    if (ok) {
        lock_flat_write(s);
        flat_commit(&s->flat, block, &job->plan, preimages, preimage_cnt, false);
        job->block = block;
        job->leaf_count = s->flat.leaf_count;
        lock(&s->locks->small);
        uint64_t floor = wanted_floor(s, block);
        enqueue(s, job);
        unlock(&s->locks->small);
        if (floor > s->floor) {
            flat_prune(&s->flat, floor);
            s->floor = floor;
        }
        state_unlock_flat(s);
    }
    unlock(&s->locks->writer);
    if (!ok)
        free_job(job);
    return ok;
}

/* The next block to hash, at most `block`; NULL when there is none. */
static struct state_job *take_job(struct state *s, uint64_t block)
{
    lock(&s->locks->small);
    struct state_job *j = s->first_job;
    if (j && j->block <= block) {
        s->first_job = j->next;
        if (!j->next)
            s->last_job = NULL;
    } else {
        j = NULL;
    }
    unlock(&s->locks->small);
    return j;
}

static void hash_job(struct state *s, const struct state_job *j)
{
    uint64_t floor = state_floor(s);
    lock_tree_write(s);
    tree_apply(&s->tree, j->block, j->plan.touches, j->plan.touch_cnt, j->leaf_count);
    lock(&s->locks->small);
    s->tree_block = j->block;
    uint64_t bare = back(j->block, s->cfg.proof_blocks);
    if (s->keep_from < bare)
        bare = s->keep_from;
    unlock(&s->locks->small);
    tree_prune(&s->tree, floor, bare > floor ? bare : floor);
    state_unlock_tree(s);
}

bool state_tree_advance(struct state *s, uint64_t block, struct state_mark *mark, struct err *err)
{
    if (!state_has_block(s) || block > state_latest(s))
        return err_set(err, ERR_INVALID, "block %llu is not applied", (unsigned long long)block);
    lock(&s->locks->hasher);
    for (struct state_job *j; (j = take_job(s, block)) != NULL;) {
        hash_job(s, j);
        free_job(j);
    }
    unlock(&s->locks->hasher);
    if (mark && !state_mark_at(s, block, mark))
        return err_set(err, ERR_INVALID, "the mark of block %llu is no longer kept",
                       (unsigned long long)block);
    return true;
}

bool state_apply(struct state *s, uint64_t block, const struct stf_diff *diffs, size_t diff_cnt,
                 const struct stf_preimage *preimages, size_t preimage_cnt, struct state_mark *mark,
                 struct err *err)
{
    return state_apply_flat(s, block, diffs, diff_cnt, preimages, preimage_cnt, err) &&
           state_tree_advance(s, block, mark, err);
}

void state_add_preimage(struct state *s, struct bytes code)
{
    struct b256 hash = blake2s(code.p, code.len);
    lock(&s->locks->writer);
    lock_flat_write(s);
    preimages_add(&s->flat.preimages, &hash, code, true);
    state_unlock_flat(s);
    unlock(&s->locks->writer);
}

/* ---- going back ---- */

struct touched {
    uint64_t *index; /* owned */
    uint64_t count, cap;
};

static void note_touched(void *arg, uint64_t index)
{
    struct touched *t = arg;
    t->index = mem_more(t->index, &t->cap, t->count + 1, sizeof(*t->index));
    t->index[t->count++] = index;
}

static int u64_cmp(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y ? 1 : 0;
}

static void sort_touched(struct touched *t)
{
    if (t->count == 0)
        return;
    qsort(t->index, t->count, sizeof(*t->index), u64_cmp);
    uint64_t out = 1;
    for (uint64_t i = 1; i < t->count; i++)
        if (t->index[i] != t->index[out - 1])
            t->index[out++] = t->index[i];
    t->count = out;
}

/* Drops waiting blocks above `block` and marks views of them dead; flat and small lock held. */
static void forget_above(struct state *s, uint64_t block)
{
    struct state_job **at = &s->first_job;
    s->last_job = NULL;
    while (*at) {
        struct state_job *j = *at;
        if (j->block > block) {
            *at = j->next;
            free_job(j);
        } else {
            s->last_job = j;
            at = &j->next;
        }
    }
    for (struct state_view *v = s->views; v; v = v->next)
        if (v->block > block) {
            v->dead = true;
            if (v->pin > block)
                v->pin = block;
        }
}

/* All locks held. */
static bool roll_back(struct state *s, uint64_t block, struct err *err)
{
    struct touched t = { 0 };
    while (s->flat.log.last > block)
        flat_pop(&s->flat, note_touched, &t);
    sort_touched(&t);
    forget_above(s, block);
    bool ok = tree_rollback(&s->tree, block, &s->flat, t.index, t.count);
    if (s->tree_block > block)
        s->tree_block = block;
    free(t.index);
    return ok ||
           err_set(err, ERR_LOCAL,
                   "after going back to block %llu the tree root is not the one saved with it",
                   (unsigned long long)block);
}

bool state_rollback(struct state *s, uint64_t block, struct err *err)
{
    bool ok = true;
    lock(&s->locks->writer);
    lock(&s->locks->hasher);
    lock_flat_write(s);
    lock_tree_write(s);
    lock(&s->locks->small);
    if (!s->has_block || block > s->flat.log.last)
        ok = err_set(err, ERR_INVALID, "block %llu is not applied", (unsigned long long)block);
    else if (block < s->floor)
        ok = err_set(err, ERR_INVALID, "block %llu is pruned, the oldest kept is %llu",
                     (unsigned long long)block, (unsigned long long)s->floor);
    else
        ok = roll_back(s, block, err);
    unlock(&s->locks->small);
    state_unlock_tree(s);
    state_unlock_flat(s);
    unlock(&s->locks->hasher);
    unlock(&s->locks->writer);
    return ok;
}

void state_keep_from(struct state *s, uint64_t block)
{
    lock(&s->locks->small);
    s->keep_from = block;
    unlock(&s->locks->small);
}

/* ---- where we are ---- */

bool state_has_block(const struct state *s)
{
    state_lock_flat_read(s);
    bool has = s->has_block;
    state_unlock_flat(s);
    return has;
}

uint64_t state_latest(const struct state *s)
{
    state_lock_flat_read(s);
    uint64_t n = s->has_block ? s->flat.log.last : 0;
    state_unlock_flat(s);
    return n;
}

uint64_t state_tree_block(const struct state *s)
{
    lock(&s->locks->small);
    uint64_t n = s->tree_block;
    unlock(&s->locks->small);
    return n;
}

uint64_t state_floor(const struct state *s)
{
    state_lock_flat_read(s);
    uint64_t n = s->floor;
    state_unlock_flat(s);
    return n;
}

uint64_t state_proof_floor(const struct state *s)
{
    state_lock_flat_read(s);
    uint64_t n = s->floor;
    state_unlock_flat(s);
    state_lock_tree_read(s);
    if (s->tree.log.bare > n)
        n = s->tree.log.bare;
    state_unlock_tree(s);
    return n;
}

bool state_mark_at(const struct state *s, uint64_t block, struct state_mark *out)
{
    state_lock_tree_read(s);
    const struct ver_block *b = ver_log_at(&s->tree.log, block);
    if (b)
        *out = (struct state_mark){ .block = block, .leaf_count = b->leaf_count, .root = b->root };
    state_unlock_tree(s);
    return b != NULL;
}

/* ---- checks and numbers ---- */

static bool check_list(const struct flat *f, struct err *err)
{
    uint64_t at = 0, seen = 1;
    while (at != 1) {
        const struct leaf *l = &f->leaves[at];
        if (l->next >= f->leaf_count || seen++ > f->leaf_count)
            return err_set(err, ERR_LOCAL, "leaf %llu: the list runs wild", (unsigned long long)at);
        if (memcmp(l->key.b, f->leaves[l->next].key.b, 32) >= 0)
            return err_set(err, ERR_LOCAL, "leaf %llu: the next key is not larger",
                           (unsigned long long)at);
        uint64_t found;
        if (!key_index_find(&f->index, flat_keys(f), &l->key, &found) || found != at)
            return err_set(err, ERR_LOCAL, "leaf %llu: the index does not find it",
                           (unsigned long long)at);
        at = l->next;
    }
    if (seen != f->leaf_count || f->index.count != f->leaf_count || f->leaves[1].next != 1)
        return err_set(err, ERR_LOCAL, "the list has %llu of %llu leaves", (unsigned long long)seen,
                       (unsigned long long)f->leaf_count);
    return true;
}

static bool check_accounts(const struct flat *f, struct err *err)
{
    for (uint64_t i = 0; i < f->leaf_count; i++) {
        if (!f->counted[i])
            continue;
        const struct preimage *p = preimages_find(&f->preimages, &f->leaves[i].value);
        if (!p || p->refs == 0 || p->len != ACCOUNT_RECORD_LEN)
            return err_set(err, ERR_LOCAL, "leaf %llu: its account record is missing",
                           (unsigned long long)i);
    }
    return true;
}

bool state_check(struct state *s, struct err *err)
{
    if (!state_has_block(s))
        return err_set(err, ERR_INVALID, "the state has no block");
    lock(&s->locks->writer); /* nobody applies, so the tree can catch up */
    bool ok = state_tree_advance(s, state_latest(s), NULL, err);
    state_lock_flat_read(s);
    state_lock_tree_read(s);
    unsigned level;
    uint64_t pos;
    ok = ok && check_list(&s->flat, err) && check_accounts(&s->flat, err);
    if (ok && !tree_matches(&s->tree, &s->flat, &level, &pos))
        ok = err_set(err, ERR_LOCAL, "tree level %u, position %llu: wrong hash", level,
                     (unsigned long long)pos);
    state_unlock_tree(s);
    state_unlock_flat(s);
    unlock(&s->locks->writer);
    return ok;
}

void state_usage(const struct state *s, struct state_usage *out)
{
    *out = (struct state_usage){ 0 };
    state_lock_flat_read(s);
    const struct flat *f = &s->flat;
    out->leaf_count = f->leaf_count;
    out->preimage_count = f->preimages.index.count;
    out->leaf_bytes = f->leaf_count * (sizeof(struct leaf) + 1);
    out->index_bytes = f->index.bytes;
    out->history_bytes = f->log.bytes;
    out->preimage_bytes = f->preimages.bytes + f->preimages.index.bytes +
                          f->preimages.count * sizeof(struct preimage);
    out->history_blocks = s->has_block ? f->log.last - s->floor : 0;
    state_unlock_flat(s);
    state_lock_tree_read(s);
    out->tree_bytes = tree_bytes(&s->tree);
    out->history_bytes += s->tree.log.bytes;
    out->tree_compressions = s->tree.compressions;
    state_unlock_tree(s);
    lock(&s->locks->small);
    out->open_views = s->view_cnt;
    unlock(&s->locks->small);
}

/* ---- state commitment ---- */

void state_ring_push(struct state_ring *r, const struct b256 *block_hash)
{
    memmove(r->h, r->h + 1, 255 * sizeof(r->h[0]));
    r->h[255] = *block_hash;
}

void state_ring_after(struct state_ring *r, const struct stf_block_context *ctx,
                      const struct b256 *block_hash)
{
    memcpy(r->h, ctx->block_hashes + 1, 255 * sizeof(r->h[0]));
    r->h[255] = *block_hash;
}

struct b256 state_ring_hash(const struct state_ring *r)
{
    return blake2s(r->h, sizeof(r->h));
}

struct b256 state_commitment(const struct state_mark *mark, const struct b256 *last256,
                             uint64_t timestamp)
{
    return batch_state_commitment(&mark->root, mark->leaf_count, mark->block, last256, timestamp);
}
