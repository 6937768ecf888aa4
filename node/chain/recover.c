/* node/chain/recover.c
 *
 * From files to a running chain: the state is at a checkpoint or at genesis, the records say the rest. */
#include <inttypes.h>
#include <sqlite3.h>

#include "node/base/log.h"
#include "node/chain/chain_internal.h"
#include "node/state/genesis.h"
#include "node/store/sql.h"

bool block_record_write(struct store_txn *t, void *arg, struct err *err)
{
    const struct record_row *row = arg;
    struct sql q = sql_prepare(t->db, "INSERT INTO block VALUES(?, ?, ?)");
    sql_bind_u64(&q, row->number);
    sql_bind_b256(&q, &row->hash);
    sql_bind_blob(&q, row->encoded);
    return sql_run(&q, "append block record", err);
}

bool block_record_read(struct store_reader *r, uint64_t number, struct buf *out, bool *found,
                       struct err *err)
{
    struct sql q =
        sql_prepare(store_reader_db(r, STORE_CHAIN), "SELECT record FROM block WHERE number = ?");
    sql_bind_u64(&q, number);
    if (!sql_step(&q, found, "block record", err))
        return sqlite3_finalize(q.stmt), false;
    if (*found) {
        const void *p = sqlite3_column_blob(q.stmt, 0);
        buf_reset(out);
        if (!buf_append(out, p, (size_t)sqlite3_column_bytes(q.stmt, 0))) {
            sqlite3_finalize(q.stmt);
            return err_set(err, ERR_LOCAL, "block record %" PRIu64 " exceeds %zu bytes", number,
                           out->max);
        }
    }
    return sql_finish(&q, "block record", err);
}

static bool tip_of(struct store_reader *r, uint64_t *tip, bool *any, struct err *err)
{
    struct sql q =
        sql_prepare(store_reader_db(r, STORE_CHAIN), "SELECT max(number), count(*) FROM block");
    bool row = false;
    if (!sql_step(&q, &row, "last block", err))
        return sqlite3_finalize(q.stmt), false;
    *tip = sql_u64(&q);
    *any = sql_u64(&q) > 0;
    return sql_finish(&q, "last block", err);
}

/* Block 0 is never executed: a header and an empty record (spec 20 §4.4). */
static bool write_genesis(struct chain *c, struct err *err)
{
    struct block_record r = { 0 };
    r.header = genesis_header();
    r.ctx.chain_id = c->cfg.chain_id;
    r.ctx.gas_limit = r.header.gas_limit;
    r.ctx.base_fee = r.header.base_fee;
    r.ctx.native_price = U256_ONE;
    r.ctx.blob_fee = U256_ONE;
    r.ctx.pubdata_limit = 100000000;
    r.ctx.execution_version = STF_EXECUTION_VERSION_V31;
    r.protocol_minor = 0; /* the first block's upgrade transaction brings the version */
    r.block_hash = genesis_block_hash();
    struct buf enc;
    buf_init(&enc, MAX_RECORD_LEN);
    bool ok = block_record_encode(&enc, &r, err);
    struct record_row row = { .number = 0,
                              .hash = r.block_hash,
                              .encoded = bytes_of(enc.p, enc.len) };
    ok = ok && store_write_sync(c->deps.store, STORE_CHAIN, block_record_write, &row, err);
    buf_clear(&enc);
    return ok;
}

static struct cached_block *load_block(struct chain *c, struct buf *scratch, uint64_t number,
                                       struct err *err)
{
    bool found = false;
    if (!block_record_read(c->reader, number, scratch, &found, err))
        return NULL;
    if (!found) {
        err_set(err, ERR_LOCAL, "block record %" PRIu64 " is missing", number);
        return NULL;
    }
    return cached_block_create(bytes_of(scratch->p, scratch->len), err);
}

struct index_job {
    const struct chain_block *block;
    const struct tree_row *tree;
    bool write_block;
};
static bool index_job_run(struct store_txn *t, void *arg, struct err *err)
{
    const struct index_job *j = arg;
    if (j->write_block && !index_write_block(t, j->block, err))
        return false;
    return !j->tree || index_write_tree(t, j->block->r.ctx.number, j->tree, err);
}

/* One record: forced codes, diffs, tree; index rows that are behind. */
static bool apply_record(struct chain *c, const struct chain_block *b, uint64_t indexed,
                         bool any_index, uint64_t tree_indexed, bool any_tree, struct err *err)
{
    uint64_t n = b->r.ctx.number;
    struct tree_row row = { 0 };
    struct index_job job = { .block = b, .write_block = !any_index || n > indexed };
    if (n > state_latest(c->deps.state)) {
        for (size_t i = 0; i < b->r.forced_code_cnt; i++)
            state_add_preimage(c->deps.state, b->r.forced_codes[i]);
        if (!state_apply_flat(c->deps.state, n, b->r.diffs, b->r.diff_cnt, b->r.preimages,
                              b->r.preimage_cnt, err) ||
            !tree_row_make(c, n, &row, err))
            return err_wrap(err, "applying block %" PRIu64, n);
        if (!any_tree || n > tree_indexed)
            job.tree = &row;
    }
    if (!job.write_block && !job.tree)
        return true;
    return store_write_sync(c->deps.store, STORE_INDEX, index_job_run, &job, err);
}

static bool genesis_tree(struct chain *c, struct err *err)
{
    struct tree_row row = { 0 };
    struct state_mark mark;
    bool found = false;
    if (!index_load_tree(c->reader, 0, &row, &found, err))
        return false;
    if (found || state_latest(c->deps.state) != 0 || !state_mark_at(c->deps.state, 0, &mark))
        return true;
    if (!tree_row_make(c, 0, &row, err))
        return false;
    struct cached_block zero = { 0 };
    struct index_job job = { .block = &zero.b, .tree = &row };
    return store_write_sync(c->deps.store, STORE_INDEX, index_job_run, &job, err);
}

bool chain_checkpoint_limit(struct store *s, uint64_t *block, bool *any, struct err *err)
{
    struct store_reader *r = store_reader_open(s, err);
    bool ok = r && index_applied(r, "tree", block, any, err);
    store_reader_close(r);
    return ok;
}

static bool catch_up(struct chain *c, uint64_t tip, struct buf *scratch, struct err *err)
{
    uint64_t indexed = 0, tree_indexed = 0;
    bool any_index = false, any_tree = false;
    if (!index_applied(c->reader, "blocks", &indexed, &any_index, err) || !genesis_tree(c, err) ||
        !index_applied(c->reader, "tree", &tree_indexed, &any_tree, err))
        return false;
    uint64_t at = state_latest(c->deps.state);
    if (at > 0 && (!any_tree || tree_indexed < at))
        return err_set(err, ERR_LOCAL,
                       "the checkpoint is at block %" PRIu64
                       ", but index.db has tree rows up to %" PRIu64
                       " only: start from an older checkpoint or from genesis",
                       at, tree_indexed);
    uint64_t from = at + 1;
    if (!any_index)
        from = 0;
    else if (indexed + 1 < from)
        from = indexed + 1;
    for (uint64_t n = from; n <= tip; n++) {
        struct cached_block *e = load_block(c, scratch, n, err);
        bool ok = e && apply_record(c, &e->b, indexed, any_index, tree_indexed, any_tree, err);
        if (e)
            cached_block_destroy(e);
        if (!ok)
            return false;
        if (n % 10000 == 0 && n > from)
            log_info(LOG_CHAIN, "bringing the state forward", LOG_U64("block", n),
                     LOG_U64("tip", tip));
    }
    return true;
}

/* The last blocks are executed again: broken files or a changed binary show here, before anything is built on them. */
static bool replay_tail(struct chain *c, uint64_t tip, struct buf *scratch, struct err *err)
{
    uint64_t from = tip > c->cfg.min_blocks_to_replay ? tip - c->cfg.min_blocks_to_replay + 1 : 1;
    uint64_t floor = state_floor(c->deps.state);
    if (from < floor + 1)
        from = floor + 1;
    for (uint64_t n = from; n <= tip; n++) {
        struct cached_block *e = load_block(c, scratch, n, err);
        if (!e)
            return false;
        struct arena arena;
        arena_init_growing(&arena, 1u << 20, 2u << 30);
        bool ok = execute_replay(&e->b.r, c->deps.state, c->deps.crypto, &arena, err);
        arena_clear(&arena);
        cached_block_destroy(e);
        if (!ok)
            return false;
    }
    return true;
}

bool chain_recover(struct chain *c, struct err *err)
{
    uint64_t tip = 0;
    bool any = false;
    if (!tip_of(c->reader, &tip, &any, err))
        return false;
    if (!any && !write_genesis(c, err))
        return false;
    uint64_t at = state_latest(c->deps.state);
    if (at > tip)
        return err_set(err, ERR_LOCAL,
                       "the checkpoint is at block %" PRIu64 ", the last block record is %" PRIu64
                       ": records are missing",
                       at, tip);
    struct buf scratch;
    buf_init(&scratch, MAX_RECORD_LEN);
    bool ok = catch_up(c, tip, &scratch, err) && replay_tail(c, tip, &scratch, err);
    struct cached_block *e = ok ? load_block(c, &scratch, tip, err) : NULL;
    if (e) {
        c->tree_head = tip;
        c->index_head = tip;
        chain_set_head(c, &e->b.r);
        block_cache_release(&c->cache, block_cache_add(&c->cache, e));
    }
    buf_clear(&scratch);
    return e != NULL;
}
