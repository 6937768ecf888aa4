/* node/chain/tree.c
 *
 * After a block is durable: hash its changes into the tree and read the two slots a batch needs of it. */
#include <inttypes.h>
#include <stdlib.h>

#include "node/base/log.h"
#include "node/chain/chain_internal.h"
#include "node/state/checkpoint.h"

#define SYSTEM_CONTEXT_ADDR 0x800bu
#define MESSAGE_ROOT_ADDR   0x10005u
#define CHECKPOINTS_KEPT    2

static bool read_slots(struct state_view *v, struct tree_row *row, struct err *err)
{
    struct addr context = addr_of_u32(SYSTEM_CONTEXT_ADDR), root = addr_of_u32(MESSAGE_ROOT_ADDR);
    struct b256 slot = b256_of_u64(0), value, height;
    if (!state_view_storage(v, &context, &slot, &value))
        return err_set(err, ERR_LOCAL, "cannot read SystemContext");
    row->sl_chain_id = load_be64(value.b + 24);
    slot = b256_of_u64(4);
    if (!state_view_storage(v, &root, &slot, &height))
        return err_set(err, ERR_LOCAL, "cannot read L2MessageRoot");
    slot = batch_multichain_root_slot(&height);
    if (!state_view_storage(v, &root, &slot, &row->multichain_root))
        return err_set(err, ERR_LOCAL, "cannot read L2MessageRoot");
    return true;
}

bool tree_row_make(struct chain *c, uint64_t number, struct tree_row *row, struct err *err)
{
    struct state_mark mark;
    if (!state_tree_advance(c->deps.state, number, &mark, err))
        return false;
    row->root = mark.root;
    row->leaf_count = mark.leaf_count;
    struct state_view *v = state_view_open(c->deps.state, number, err);
    if (!v)
        return false;
    bool ok = read_slots(v, row, err);
    state_view_close(v);
    return ok;
}

struct tree_job {
    struct chain *chain;
    uint64_t number;
    struct tree_row row;
    bool checkpoint, ok;
    struct err err;
};

static void write_checkpoint(struct tree_job *j)
{
    struct chain *c = j->chain;
    struct err err = { .kind = ERR_NONE };
    char dir[4096];
    snprintf(dir, sizeof(dir), "%s/checkpoints", c->cfg.data_dir);
    struct state_files *own = c->deps.checkpoint_files ? NULL : state_files_open(dir, &err);
    const struct state_files *files = own ? own : c->deps.checkpoint_files;
    struct checkpoint_info info = { .chain_id = c->cfg.chain_id };
    bool ok = files && checkpoint_write(c->deps.state, files, j->number, &info, &err);
    if (ok)
        checkpoint_prune(files, CHECKPOINTS_KEPT, state_floor(c->deps.state));
    state_files_close(own);
    /* a start without this checkpoint only takes longer: worth a warning, not a stop */
    if (!ok)
        log_warn(LOG_STATE, "checkpoint not written", LOG_U64("block", j->number),
                 LOG_STR("error", err.msg));
    else
        log_info(LOG_STATE, "checkpoint written", LOG_U64("block", info.block),
                 LOG_U64("leaves", info.leaf_count));
}

static void run_tree(void *arg)
{
    struct tree_job *j = arg;
    j->ok = tree_row_make(j->chain, j->number, &j->row, &j->err);
    if (j->ok && j->checkpoint)
        write_checkpoint(j);
}

static bool store_tree(struct store_txn *t, void *arg, struct err *err)
{
    struct tree_job *j = arg;
    return index_write_tree(t, j->number, &j->row, err);
}

static void tree_stored(void *arg, const struct err *err)
{
    struct tree_job *j = arg;
    struct chain *c = j->chain;
    if (err) {
        chain_fail(c, err);
    } else {
        pthread_mutex_lock(&c->mutex);
        c->tree_head = j->number;
        pthread_mutex_unlock(&c->mutex);
        for (size_t i = 0; i < c->sub_cnt; i++)
            if (c->subs[i].on_tree)
                c->subs[i].on_tree(c->subs[i].arg, j->number);
    }
    free(j);
}

static void tree_done(void *arg)
{
    struct tree_job *j = arg;
    struct chain *c = j->chain;
    if (!j->ok) {
        err_wrap(&j->err, "tree of block %" PRIu64, j->number);
        chain_fail(c, &j->err);
        free(j);
        return;
    }
    struct err err = { .kind = ERR_NONE };
    if (!store_write(c->deps.store, STORE_INDEX, store_tree, tree_stored, j, &err)) {
        chain_fail(c, &err);
        free(j);
    }
}

void tree_submit(struct chain *c, uint64_t number)
{
    struct tree_job *j = calloc(1, sizeof(*j));
    CHECK(j != NULL);
    j->chain = c;
    j->number = number;
    j->checkpoint =
        c->cfg.checkpoint_every_blocks != 0 && number % c->cfg.checkpoint_every_blocks == 0;
    if (!worker_submit(c->tree, run_tree, tree_done, j))
        free(j); /* stopping: the next start hashes it */
}
