/* node/cli/status_store.c */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "node/cli/status.h"
#include "node/store/batch_table.h"
#include "node/store/sql.h"

static bool load_head(struct status_view *v, struct store_reader *r, struct err *err)
{
    struct sql q = sql_prepare(
        store_reader_db(r, STORE_CHAIN),
        "SELECT (SELECT chain_id FROM fingerprint), coalesce(max(number), 0) FROM block");
    bool row = false;
    if (!sql_step(&q, &row, "last block", err))
        return sqlite3_finalize(q.stmt), false;
    if (row) {
        v->chain_id = sql_u64(&q);
        v->head = sql_u64(&q);
    }
    return sql_finish(&q, "last block", err);
}

static void take_batch(struct status_view *v, const struct batch_row *b)
{
    static const char *const after[BATCH_STEP_CNT + 1] = { "sealed", "committed", "proved",
                                                           "executed" };
    struct status_batch *s = &v->batches[v->batch_cnt++];
    unsigned steps = 0;
    while (steps < BATCH_STEP_CNT && b->step[steps].done)
        steps++;
    *s = (struct status_batch){ .number = b->number,
                                .first_block = b->first_block,
                                .last_block = b->last_block,
                                .sealed_at_ms = b->sealed_at_ms,
                                .l1_txs = b->l1_tx_cnt,
                                .l2_txs = b->l2_tx_cnt,
                                .eta_ms = UINT64_MAX };
    snprintf(s->stage, sizeof(s->stage), "%s", after[steps]);
}

bool status_from_store(struct status_view *v, const char *data_dir, struct err *err)
{
    memset(v, 0, sizeof(*v));
    struct store_reader *r = store_reader_open_dir(data_dir, err);
    if (!r)
        return false;
    bool ok = load_head(v, r, err) && batch_last(r, &v->frontier_batch[0], err);
    for (unsigned i = 0; ok && i < BATCH_STEP_CNT; i++)
        ok = batch_frontier(r, (enum batch_step)i, &v->frontier_batch[1 + i], err);
    for (uint64_t n = v->frontier_batch[0]; ok && n > 0 && v->batch_cnt < STATUS_BATCHES; n--) {
        struct batch_row row;
        bool found = false;
        ok = batch_load(r, n, &row, &found, err);
        if (ok && found)
            take_batch(v, &row);
    }
    for (unsigned i = 0; ok && i < 4; i++) {
        struct batch_row row;
        bool found = false;
        ok = v->frontier_batch[i] == 0 || batch_load(r, v->frontier_batch[i], &row, &found, err);
        if (found)
            v->frontier_block[i] = row.last_block;
    }
    store_reader_close(r);
    return ok;
}
