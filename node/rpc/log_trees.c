#include "node/rpc/log_trees.h"

#include <inttypes.h>
#include <stdlib.h>

#include "node/rpc/handlers.h"

#define KEPT 16u

struct entry {
    struct rpc_batch_logs *logs; /* owned */
    unsigned users;
    uint64_t used_at;
};
struct rpc_log_trees {
    pthread_mutex_t mutex;
    struct entry entry[KEPT];
    uint64_t clock;
};

static void logs_free(struct rpc_batch_logs *l)
{
    if (!l)
        return;
    log_tree_destroy(l->tree);
    free(l->first_log);
    free(l);
}

struct rpc_log_trees *rpc_log_trees_create(void)
{
    struct rpc_log_trees *t = calloc(1, sizeof(*t));
    if (t && pthread_mutex_init(&t->mutex, NULL) != 0) {
        free(t);
        return NULL;
    }
    return t;
}

void rpc_log_trees_destroy(struct rpc_log_trees *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < KEPT; i++)
        logs_free(t->entry[i].logs);
    pthread_mutex_destroy(&t->mutex);
    free(t);
}

/* ---- building ---- */

static bool add_leaves(struct rpc_call *c, const struct batch_row *row, uint64_t number,
                       struct b256 *leaves, size_t *cnt)
{
    struct batch_block b;
    struct err err = { 0 };
    struct arena_mark mark = arena_save(&c->s->arena);
    if (!chain_batch_block_load(c->r->d.chain, c->s->reader, number, &c->s->arena, &b, &err))
        return rpc_fail_err(c, &err);
    bool ok = b.l2_log_cnt <= row->l2_log_cnt - *cnt;
    for (size_t i = 0; ok && i < b.l2_log_cnt; i++)
        leaves[(*cnt)++] = batch_l2_log_leaf(&b.l2_logs[i]);
    arena_restore(&c->s->arena, mark);
    return ok;
}

static bool gather(struct rpc_call *c, const struct batch_row *row, struct rpc_batch_logs *out)
{
    size_t cnt = 0;
    bool ok = row->l2_log_cnt <= BATCH_MAX_LOGS;
    struct b256 *leaves =
        ok ? arena_alloc(&c->s->arena, ((size_t)row->l2_log_cnt + 1) * sizeof(*leaves)) : NULL;
    if (ok && !leaves)
        return rpc_no_memory(c);
    for (uint64_t n = row->first_block; ok && n <= row->last_block; n++) {
        out->first_log[n - row->first_block] = (uint32_t)cnt;
        ok = add_leaves(c, row, n, leaves, &cnt);
    }
    if (!ok || cnt != row->l2_log_cnt)
        return c->code != 0
                   ? false
                   : rpc_fail(c, RPC_INTERNAL,
                              "internal error: batch %" PRIu64 " has other logs than recorded",
                              row->number);
    out->tree = log_tree_create(leaves, cnt);
    return out->tree || rpc_no_memory(c);
}

static struct rpc_batch_logs *build(struct rpc_call *c, const struct batch_row *row)
{
    struct rpc_batch_logs *l = calloc(1, sizeof(*l));
    size_t blocks = (size_t)(row->last_block - row->first_block) + 1;
    uint32_t *first = l ? calloc(blocks, sizeof(*first)) : NULL;
    if (!first) {
        free(l);
        rpc_no_memory(c);
        return NULL;
    }
    *l = (struct rpc_batch_logs){ .batch = row->number,
                                  .first_block = row->first_block,
                                  .root = row->l2_logs_tree_root,
                                  .first_log = first };
    if (gather(c, row, l))
        return l;
    logs_free(l);
    return NULL;
}

/* ---- the shelf; under the mutex ---- */

static struct entry *find(struct rpc_log_trees *t, const struct batch_row *row)
{
    for (size_t i = 0; i < KEPT; i++)
        if (t->entry[i].logs && t->entry[i].logs->batch == row->number &&
            b256_eq(&t->entry[i].logs->root, &row->l2_logs_tree_root))
            return &t->entry[i];
    return NULL;
}

/* A place for another tree: an empty one, or the one not used for longest. NULL: all in use. */
static struct entry *place(struct rpc_log_trees *t)
{
    struct entry *best = NULL;
    for (size_t i = 0; i < KEPT; i++) {
        struct entry *e = &t->entry[i];
        if (!e->logs)
            return e;
        if (e->users == 0 && (!best || e->used_at < best->used_at))
            best = e;
    }
    return best;
}

static const struct rpc_batch_logs *use(struct rpc_log_trees *t, struct entry *e)
{
    e->users++;
    e->used_at = ++t->clock;
    return e->logs;
}

const struct rpc_batch_logs *rpc_log_tree_take(struct rpc_call *c, const struct batch_row *row)
{
    struct rpc_log_trees *t = c->r->log_trees;
    const struct rpc_batch_logs *out = NULL;
    pthread_mutex_lock(&t->mutex);
    struct entry *e = find(t, row);
    if (e)
        out = use(t, e);
    pthread_mutex_unlock(&t->mutex);
    if (out)
        return out;
    struct rpc_batch_logs *built = build(c, row);
    if (!built)
        return NULL;
    pthread_mutex_lock(&t->mutex);
    e = find(t, row); /* another worker may have been quicker */
    if (e) {
        out = use(t, e);
    } else if ((e = place(t)) != NULL) {
        logs_free(e->logs);
        *e = (struct entry){ built, 0, 0 };
        out = use(t, e);
        built = NULL;
    }
    pthread_mutex_unlock(&t->mutex);
    if (!out) /* every place is in use: for this call alone */
        return built;
    logs_free(built);
    return out;
}

void rpc_log_tree_give(struct rpc_call *c, const struct rpc_batch_logs *logs)
{
    struct rpc_log_trees *t = c->r->log_trees;
    struct rpc_batch_logs *own;
    bool kept = false;
    pthread_mutex_lock(&t->mutex);
    for (size_t i = 0; i < KEPT && !kept; i++)
        if (t->entry[i].logs == logs) {
            t->entry[i].users--;
            kept = true;
        }
    pthread_mutex_unlock(&t->mutex);
    if (kept)
        return;
    memcpy(&own, &logs, sizeof(own));
    logs_free(own);
}
