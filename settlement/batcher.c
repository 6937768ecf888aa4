/* settlement/batcher.c
 *
 * Blocks into batches (spec 30 §1.3). When the settlement layer already has the next batch, its range decides, not our criteria. */
#include <inttypes.h>
#include <stdlib.h>

#include "node/base/log.h"
#include "settlement/internal.h"

#define OPEN_ARENA_CHUNK  (64u << 10)
#define OPEN_ARENA_LIMIT  (256u << 20)
#define BLOCK_ARENA_LIMIT (1u << 30)

static void open_batch(struct settlement *s)
{
    arena_reset(&s->open_arena);
    batch_accumulator_init(&s->open, &s->open_arena, s->sealed + 1, s->cfg.chain_id,
                           s->cfg.da_scheme);
}

bool batcher_load(struct settlement *s, struct err *err)
{
    arena_init_growing(&s->open_arena, OPEN_ARENA_CHUNK, OPEN_ARENA_LIMIT);
    if (!batch_last(s->reader, &s->sealed, err))
        return false;
    if (s->sealed > 0) {
        struct batch_row row;
        bool found = false;
        if (!batch_load(s->reader, s->sealed, &row, &found, err))
            return false;
        if (!found)
            return err_set(err, ERR_LOCAL, "batch %" PRIu64 " is missing", s->sealed);
        s->sealed_block = row.last_block;
        s->next_priority_id = row.first_priority_id + row.l1_tx_cnt;
    }
    open_batch(s);
    return true;
}

uint64_t batcher_deadline_ms(const struct settlement *s)
{
    if (s->open.block_cnt == 0 || s->sealing)
        return 0;
    return s->open.b.first_timestamp * 1000 + s->cfg.batch_timeout_ms;
}

static const struct expected_batch *next_expected(const struct settlement *s)
{
    return s->expected_cnt > 0 && s->expected[0].number == s->sealed + 1 ? &s->expected[0] : NULL;
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
    struct batch_step_row commit; /* done: the batch was met on the chain */
};

static bool store_seal(struct store_txn *t, void *arg, struct err *err)
{
    const struct seal *j = arg;
    return batch_put(t, &j->row, err) &&
           (!j->commit.done || batch_step_put(t, j->row.number, BATCH_COMMIT, &j->commit, err));
}

static void seal_stored(void *arg, const struct err *err)
{
    struct seal *j = arg;
    struct settlement *s = j->s;
    s->sealing = false;
    if (err) {
        hold_set(s, HOLD_DIVERGED, err->msg, "free the disk or repair the store, then restart");
    } else {
        s->sealed = j->row.number;
        s->sealed_block = j->row.last_block;
        s->next_priority_id += j->row.l1_tx_cnt;
        pthread_mutex_lock(&s->mutex);
        s->stats.sealed++;
        pthread_mutex_unlock(&s->mutex);
        if (j->commit.done && s->frontier[BATCH_COMMIT] < j->row.number)
            s->frontier[BATCH_COMMIT] = j->row.number;
        log_info(LOG_SETTLEMENT, "batch sealed", LOG_U64("batch", s->sealed),
                 LOG_U64("first_block", j->row.first_block),
                 LOG_U64("last_block", j->row.last_block), LOG_U64("l1_txs", j->row.l1_tx_cnt),
                 LOG_U64("l2_txs", j->row.l2_tx_cnt), LOG_U64("pubdata", j->row.pubdata_len));
        open_batch(s);
        steps_on_sealed(s, &j->row);
    }
    free(j);
    if (!s->stopped)
        settlement_run(s);
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

static void seal(struct settlement *s, const char *reason)
{
    struct batch b;
    struct err err = { .kind = ERR_NONE };
    batch_accumulator_finish(&s->open, &b, NULL);
    struct seal *j = calloc(1, sizeof(*j));
    CHECK(j != NULL);
    j->s = s;
    j->row = row_of(s, &b);
    const struct expected_batch *e = next_expected(s);
    if (e && !matches(s, e, &j->row)) {
        free(j);
        return;
    }
    if (e) {
        j->commit = e->commit;
        pthread_mutex_lock(&s->mutex);
        s->stats.adopted++;
        pthread_mutex_unlock(&s->mutex);
        s->expected_cnt--;
        memmove(&s->expected[0], &s->expected[1], s->expected_cnt * sizeof(s->expected[0]));
    }
    log_debug(LOG_SETTLEMENT, "sealing", LOG_U64("batch", j->row.number),
              LOG_STR("reason", reason));
    s->sealing = true;
    if (!store_write(s->deps.store, STORE_JOURNAL, store_seal, seal_stored, j, &err)) {
        s->sealing = false;
        free(j);
        log_warn(LOG_SETTLEMENT, "batch not stored yet", LOG_STR("error", err.msg));
    }
}

/* Adds one block; false when nothing more can be done at this point. */
static bool step(struct settlement *s, struct arena *arena)
{
    struct batch_block blk;
    struct err err = { .kind = ERR_NONE };
    uint64_t next = s->open.block_cnt ? s->open.b.last_block + 1 : s->sealed_block + 1;
    const struct expected_batch *e = next_expected(s);
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
    if (!batch_accumulator_add(&s->open, &blk)) {
        hold_set(s, HOLD_DIVERGED, "out of memory while filling a batch",
                 "give the process more memory and restart");
        return false;
    }
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
    while (!s->sealing && !s->holds[HOLD_DIVERGED].active && step(s, &arena))
        arena_reset(&arena);
    arena_clear(&arena);
    uint64_t deadline = batcher_deadline_ms(s);
    if (deadline && !next_expected(s) && !s->holds[HOLD_DIVERGED].active &&
        clock_wall_ms(s->deps.clock) >= deadline)
        seal(s, "timeout");
}
