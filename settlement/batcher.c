/* settlement/batcher.c
 *
 * Blocks into batches (spec 30 §1.3). When the settlement layer already has the next batch, its range decides, not our criteria. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/base/log.h"
#include "settlement/internal.h"

#define OPEN_ARENA_CHUNK  (64u << 10)
#define OPEN_ARENA_LIMIT  (256u << 20)
#define BLOCK_ARENA_LIMIT (1u << 30)
#define MAX_INTEROP_ROOTS 1000u

static void open_batch(struct settlement *s)
{
    arena_reset(&s->open_arena);
    s->open_execution = 0;
    s->da.epoch++;
    batch_accumulator_init(&s->open, &s->open_arena, s->sealed + 1, s->cfg.chain_id,
                           s->cfg.da_scheme);
}

/* Where the last sealed batch ends. */
static bool load_end(struct settlement *s, struct err *err)
{
    s->sealed_block = s->next_priority_id = 0;
    if (s->sealed == 0)
        return true;
    struct batch_row row;
    bool found = false;
    if (!batch_load(s->reader, s->sealed, &row, &found, err))
        return false;
    if (!found)
        return err_set(err, ERR_LOCAL, "batch %" PRIu64 " is missing", s->sealed);
    s->sealed_block = row.last_block;
    s->next_priority_id = row.first_priority_id + row.l1_tx_cnt;
    return true;
}

bool batcher_load(struct settlement *s, struct err *err)
{
    arena_init_growing(&s->open_arena, OPEN_ARENA_CHUNK, OPEN_ARENA_LIMIT);
    if (!batch_last(s->reader, &s->sealed, err) || !load_end(s, err))
        return false;
    for (int i = 0; i < BATCH_STEP_CNT; i++)
        if (s->frontier[i] > s->sealed)
            s->frontier[i] = s->sealed;
    open_batch(s);
    return true;
}

static const struct expected_batch *next_expected(const struct settlement *s)
{
    return expected_find(&s->expected, s->sealed + 1);
}

/* Our own criteria would make another batch than the one the layer has. Until everything is read, a revert may still come. */
uint64_t batcher_adopting(const struct settlement *s)
{
    bool there = s->contracts.committed > s->sealed;
    return there && !(s->caught_up && next_expected(s)) ? s->sealed + 1 : 0;
}

/* The batch is full by time. Two clocks: block timestamps may lie in the future after the wall clock was set back. */
static bool is_overdue(const struct settlement *s)
{
    const struct clock *c = s->deps.clock;
    if (s->open.block_cnt == 0 || s->sealing || s->da.sealing || next_expected(s) ||
        batcher_adopting(s))
        return false;
    return clock_wall_ms(c) >= s->open.b.first_timestamp * 1000 + s->cfg.batch_timeout_ms ||
           clock_mono_ms(c) - s->open_mono_ms >= s->cfg.batch_timeout_ms;
}

/* Why the open batch must be sealed before this block; NULL: it may go in. */
static const char *criterion(const struct settlement *s, const struct batch_block *b)
{
    const struct batch_accumulator *a = &s->open;
    if (a->block_cnt == 0)
        return NULL;
    if (next_expected(s))
        return b->number > next_expected(s)->last ? "on_chain_range" : NULL;
    if (a->tx_cnt + b->tx_cnt > s->cfg.max_txs)
        return "tx_count";
    if (s->cfg.max_blocks && a->block_cnt + 1 > s->cfg.max_blocks)
        return "block_count";
    if (a->b.computational_native_used + b->computational_native_used > s->cfg.max_native)
        return "native";
    if (a->b.pubdata_len + b->pubdata.len > s->cfg.max_pubdata)
        return "pubdata";
    if (a->b.l2_log_cnt + b->l2_log_cnt > BATCH_MAX_LOGS)
        return "l2_to_l1_logs";
    if (a->interop_root_cnt + b->interop_root_cnt > MAX_INTEROP_ROOTS)
        return "interop_roots";
    if (s->cfg.layer.is_gateway &&
        s->open_execution + gateway_execution_len(b) > GATEWAY_EXECUTION_MAX)
        return "execution_size";
    if (a->has_upgrade || !b256_is_zero(&b->upgrade_tx_hash))
        return "upgrade";
    if (a->b.protocol_minor != b->protocol_minor || a->b.execution_version != b->execution_version)
        return "protocol_version";
    if (b->sets_sl_chain_id)
        return "sl_chain_id";
    return NULL;
}

/* ---- sealing ---- */

struct seal {
    struct settlement *s;
    struct batch_row row;
    struct batch_step_row step[BATCH_STEP_CNT]; /* done: the batch was met on the layer */
};

static bool store_seal(struct store_txn *t, void *arg, struct err *err)
{
    const struct seal *j = arg;
    if (!batch_put(t, &j->row, err))
        return false;
    for (int i = 0; i < BATCH_STEP_CNT; i++)
        if (j->step[i].done &&
            !batch_step_put(t, j->row.number, (enum batch_step)i, &j->step[i], err))
            return false;
    return true;
}

static void seal_done(struct settlement *s, const struct seal *j)
{
    s->sealed = j->row.number;
    s->sealed_block = j->row.last_block;
    s->next_priority_id += j->row.l1_tx_cnt;
    pthread_mutex_lock(&s->mutex);
    s->stats.sealed++;
    pthread_mutex_unlock(&s->mutex);
    log_info(LOG_SETTLEMENT, "batch sealed", LOG_U64("batch", s->sealed),
             LOG_U64("first_block", j->row.first_block), LOG_U64("last_block", j->row.last_block),
             LOG_U64("l1_txs", j->row.l1_tx_cnt), LOG_U64("l2_txs", j->row.l2_tx_cnt),
             LOG_U64("pubdata", j->row.pubdata_len));
    open_batch(s);
    steps_on_sealed(s, &j->row, j->step);
}

static void seal_stored(void *arg, const struct err *err)
{
    struct seal *j = arg;
    struct settlement *s = j->s;
    s->sealing = false;
    if (err)
        hold_set(s, HOLD_DIVERGED, err->msg, "free the disk or repair the store, then restart");
    else if (j->row.number == s->sealed + 1) /* else an earlier batch was discarded meanwhile */
        seal_done(s, j);
    free(j);
    if (!s->stopped)
        settlement_run(s);
}

/* ---- taking back ---- */

struct discard {
    struct settlement *s;
    uint64_t keep;
};

static bool store_discard(struct store_txn *t, void *arg, struct err *err)
{
    return batch_truncate(t, ((const struct discard *)arg)->keep, err);
}

static void discarded(void *arg, const struct err *err)
{
    struct discard *j = arg;
    if (err)
        hold_set(j->s, HOLD_DIVERGED, err->msg, "free the disk or repair the store, then restart");
    free(j);
}

void batcher_discard(struct settlement *s, uint64_t from)
{
    struct err err = { .kind = ERR_NONE };
    struct discard *j = malloc(sizeof(*j));
    CHECK(j != NULL && from > 0 && from > s->frontier[BATCH_COMMIT]);
    log_warn(LOG_SETTLEMENT, "sealed batches are not what the settlement layer has: sealing again",
             LOG_U64("from", from), LOG_U64("to", s->sealed));
    *j = (struct discard){ .s = s, .keep = from - 1 };
    gateway_discard(s);
    s->sealed = from - 1;
    if (!load_end(s, &err)) {
        hold_set(s, HOLD_DIVERGED, err.msg, "the journal is damaged: restore the data folder");
        free(j);
        return;
    }
    open_batch(s);
    if (store_write(s->deps.store, STORE_JOURNAL, store_discard, discarded, j, &err))
        return;
    free(j);
    hold_set(s, HOLD_DIVERGED, err.msg, "the store does not keep up: restart");
}

static struct batch_row row_of(const struct settlement *s, const struct batch *b)
{
    struct batch_row r = { .number = b->stored.number,
                           .first_block = b->first_block,
                           .last_block = b->last_block,
                           .first_timestamp = b->first_timestamp,
                           .last_timestamp = b->last_timestamp,
                           .sealed_at_ms = clock_wall_ms(s->deps.clock),
                           .state_commitment = b->stored.state_commitment,
                           .stored_hash = stored_batch_hash(&b->stored),
                           .commitment = b->stored.commitment,
                           .l2_logs_tree_root = b->stored.l2_logs_tree_root,
                           .logs_root = b->logs_root,
                           .multichain_root = b->multichain_root,
                           .priority_ops_hash = b->stored.priority_ops_hash,
                           .dependency_roots_hash = b->stored.dependency_roots_hash,
                           .upgrade_tx_hash = b->upgrade_tx_hash,
                           .da_commitment = b->da_commitment,
                           .l1_tx_cnt = b->stored.l1_tx_cnt,
                           .l2_tx_cnt = b->l2_tx_cnt,
                           .first_priority_id = s->next_priority_id,
                           .sl_chain_id = b->sl_chain_id,
                           .l2_log_cnt = b->l2_log_cnt,
                           .pubdata_len = b->pubdata_len,
                           .protocol_minor = b->protocol_minor,
                           .execution_version = b->execution_version,
                           .da_scheme = b->da_scheme,
                           .tree_root = s->open.tree_root,
                           .last_256_hashes = s->open.last_256,
                           .leaf_count = s->open.leaf_count };
    return r;
}

/* The layer's batch and ours must be the same, or our chain is not the one that was committed. */
static bool matches(struct settlement *s, const struct expected_batch *e,
                    const struct batch_row *row)
{
    if (row->last_block == e->last && row->first_block == e->first &&
        b256_eq(&row->commitment, &e->commitment) &&
        b256_eq(&row->state_commitment, &e->state_commitment))
        return true;
    char text[HOLD_TEXT_CAP];
    snprintf(text, sizeof(text),
             "batch %" PRIu64 " on the settlement layer (blocks %" PRIu64 "-%" PRIu64
             ") is not what our blocks give",
             e->number, e->first, e->last);
    hold_set(s, HOLD_DIVERGED, text,
             "another node committed with these keys, or this data folder is not the one that did: "
             "restore the right folder, or revert the batches");
    return false;
}

/* Finishing cannot fail for memory: it gets its scratch room for the tree of logs beforehand. */
static bool finish(struct settlement *s, const struct b256 *blobs, struct batch *out)
{
    size_t len = ((size_t)s->open.b.l2_log_cnt + 1) * sizeof(struct b256);
    void *mem = malloc(len);
    if (!mem)
        return false;
    struct arena scratch;
    arena_init(&scratch, mem, len);
    s->open.arena = &scratch;
    batch_accumulator_finish(&s->open, out, blobs);
    s->open.arena = &s->open_arena;
    free(mem);
    return true;
}

/* blobs: their commitment, where the batch has any */
static void seal_with(struct settlement *s, const struct b256 *blobs)
{
    struct batch b;
    struct err err = { .kind = ERR_NONE };
    struct seal *j = calloc(1, sizeof(*j));
    if (!j || !finish(s, blobs, &b)) {
        free(j);
        hold_set(s, HOLD_DIVERGED, "out of memory while sealing a batch",
                 "give the process more memory and restart");
        return;
    }
    j->s = s;
    j->row = row_of(s, &b);
    const struct expected_batch *e = next_expected(s);
    if (e && !matches(s, e, &j->row)) {
        free(j);
        return;
    }
    if (e)
        memcpy(j->step, e->step, sizeof(j->step));
    if (!store_write(s->deps.store, STORE_JOURNAL, store_seal, seal_stored, j, &err)) {
        free(j);
        log_warn(LOG_SETTLEMENT, "batch not stored yet", LOG_STR("error", err.msg));
        return;
    }
    s->sealing = true;
}

static void seal(struct settlement *s, const char *reason)
{
    struct err err = { .kind = ERR_NONE };
    log_debug(LOG_SETTLEMENT, "sealing", LOG_U64("batch", s->open.b.stored.number),
              LOG_STR("reason", reason));
    if (s->cfg.da_scheme != DA_BLOBS_ZKSYNC_OS)
        seal_with(s, NULL);
    else if (!da_start_seal(s, &err) && err.kind != ERR_TRANSIENT)
        hold_set(s, HOLD_DIVERGED, err.msg,
                 "the block store is damaged, or memory is short: see the reason, then restart");
}

/* While the worker was at it, the layer may have told of the batch: then its range decides, and step goes on from here. */
void batcher_on_blobs(struct settlement *s, const struct b256 *commitment)
{
    const struct expected_batch *e = next_expected(s);
    if (batcher_adopting(s) || (e && e->last != s->open.b.last_block))
        return;
    seal_with(s, commitment);
}

/* Adds one block; false when nothing more can be done at this point. */
static bool step(struct settlement *s, struct arena *arena)
{
    struct batch_block blk;
    struct err err = { .kind = ERR_NONE };
    const struct expected_batch *e = next_expected(s);
    if (batcher_adopting(s))
        return false;
    if (e && s->open.block_cnt > 0 && s->open.b.last_block > e->last)
        open_batch(s); /* filled before we knew of it */
    uint64_t next = s->open.block_cnt ? s->open.b.last_block + 1 : s->sealed_block + 1;
    if (e && s->open.block_cnt > 0 && s->open.b.last_block == e->last) {
        seal(s, "on_chain_range");
        return false;
    }
    if (next > s->deps.tree_head(s->deps.arg))
        return false;
    if (!s->deps.load_block(s->deps.arg, next, arena, &blk, &err)) {
        if (err.kind != ERR_TRANSIENT)
            hold_set(s, HOLD_DIVERGED, err.msg,
                     "the block store is damaged: restore the data folder");
        return false;
    }
    const char *why = criterion(s, &blk);
    if (why) {
        seal(s, why);
        return false;
    }
    if (s->open.block_cnt == 0)
        s->open_mono_ms = clock_mono_ms(s->deps.clock);
    if (!batch_accumulator_add(&s->open, &blk)) {
        hold_set(s, HOLD_DIVERGED, "out of memory while filling a batch",
                 "give the process more memory and restart");
        return false;
    }
    s->open_execution += gateway_execution_len(&blk);
    /* the upgrade's block is alone in its batch (spec 30 §1.3): nothing to wait for */
    if (s->open.has_upgrade && !next_expected(s)) {
        seal(s, "upgrade");
        return false;
    }
    return true;
}

void batcher_run(struct settlement *s)
{
    struct arena arena;
    arena_init_growing(&arena, OPEN_ARENA_CHUNK, BLOCK_ARENA_LIMIT);
    while (!s->sealing && !s->da.sealing && !s->holds[HOLD_DIVERGED].active && step(s, &arena))
        arena_reset(&arena);
    arena_clear(&arena);
    if (!s->holds[HOLD_DIVERGED].active && is_overdue(s))
        seal(s, "timeout");
}
