/* settlement/steps.c
 *
 * What the settlement layer says happened to our batches.
 *
 * Frontiers never pass the last sealed batch: steps of a batch that is on the layer and not sealed here wait in the list of expected
 * ones, and go into the store together with the batch. Everything one call brings is one transaction, handed to the store thread
 * before the watcher's cursor: after a crash either both are there, or the events are read again. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/base/log.h"
#include "settlement/internal.h"

#define FINALIZED_POLL_MS 4000

/* ---- into the store ---- */

struct steps_job {
    struct settlement *s;
    size_t cnt;
    struct step_change changes[];
};

static bool store_steps(struct store_txn *t, void *arg, struct err *err)
{
    const struct steps_job *j = arg;
    for (size_t i = 0; i < j->cnt; i++)
        if (!batch_step_put(t, j->changes[i].number, j->changes[i].step, &j->changes[i].row, err))
            return false;
    return true;
}

static void steps_stored(void *arg, const struct err *err)
{
    struct steps_job *j = arg;
    if (err)
        hold_set(j->s, HOLD_DIVERGED, err->msg, "free the disk or repair the store, then restart");
    free(j);
}

/* Hands the changes of this turn to the store, as one transaction. */
static void flush_changes(struct settlement *s)
{
    struct err err = { .kind = ERR_NONE };
    if (s->change_cnt == 0)
        return;
    size_t len = s->change_cnt * sizeof(s->changes[0]);
    struct steps_job *j = malloc(sizeof(*j) + len);
    CHECK(j != NULL);
    j->s = s;
    j->cnt = s->change_cnt;
    memcpy(j->changes, s->changes, len);
    s->change_cnt = 0;
    if (store_write(s->deps.store, STORE_JOURNAL, store_steps, steps_stored, j, &err))
        return;
    free(j);
    hold_set(s, HOLD_DIVERGED, err.msg, "the store does not keep up: restart");
}

static void change(struct settlement *s, uint64_t number, enum batch_step step,
                   const struct batch_step_row *row)
{
    if (s->change_cnt == s->change_cap) {
        size_t cap = s->change_cap ? s->change_cap * 2 : 64;
        struct step_change *grown = realloc(s->changes, cap * sizeof(*grown));
        CHECK(grown != NULL);
        s->changes = grown;
        s->change_cap = cap;
    }
    s->changes[s->change_cnt++] =
        (struct step_change){ .number = number, .step = step, .row = *row };
}

bool steps_load(struct settlement *s, struct err *err)
{
    for (int i = 0; i < BATCH_STEP_CNT; i++)
        if (!batch_frontier(s->reader, (enum batch_step)i, &s->frontier[i], err))
            return false;
    s->times_next = 1;
    s->roots_next = s->frontier[BATCH_EXECUTE] + 1;
    return true;
}

/* ---- steps of sealed batches ---- */

static void smooth(struct settlement *s, uint64_t number, enum batch_step step)
{
    struct batch_row row;
    bool found = false;
    struct err err;
    if (!s->caught_up || !batch_load(s->reader, number, &row, &found, &err) || !found)
        return;
    uint64_t now = clock_wall_ms(s->deps.clock);
    uint64_t since = now > row.sealed_at_ms ? now - row.sealed_at_ms : 0;
    for (int i = 0; i < (int)step; i++)
        since = since > s->step_ms[i] ? since - s->step_ms[i] : 0;
    pthread_mutex_lock(&s->mutex);
    s->step_ms[step] =
        s->step_ms[step] ? (s->step_ms[step] * (LANE_SPEED_SAMPLE - 1) + since) / LANE_SPEED_SAMPLE
                         : since;
    pthread_mutex_unlock(&s->mutex);
}

static void mark(struct settlement *s, uint64_t number, enum batch_step step,
                 const struct batch_step_row *row)
{
    static const char *const names[BATCH_STEP_CNT] = { "batch committed", "batch proved",
                                                       "batch executed" };
    change(s, number, step, row);
    if (number > s->frontier[step]) {
        s->frontier[step] = number;
        smooth(s, number, step);
        log_info(LOG_SETTLEMENT, names[step], LOG_U64("batch", number),
                 LOG_HASH("tx", &row->tx_hash), LOG_U64("sl_block", row->sl_block));
    }
    asks_time(s, number, step, row);
}

static void undo_above(struct settlement *s, enum batch_step step, uint64_t keep)
{
    const struct batch_step_row none = { .done = false };
    for (uint64_t n = s->frontier[step]; n > keep; n--)
        change(s, n, step, &none);
    if (s->frontier[step] > keep)
        s->frontier[step] = keep;
    if (step == BATCH_EXECUTE && s->roots_next > s->frontier[step] + 1)
        s->roots_next = s->frontier[step] + 1;
}

static struct batch_step_row row_of(const struct sl_event *e)
{
    return (struct batch_step_row){
        .done = true, .tx_hash = e->tx_hash, .block_hash = e->block_hash, .sl_block = e->sl_block
    };
}

static bool same_step(const struct batch_step_row *a, const struct batch_step_row *b)
{
    return a->done == b->done && b256_eq(&a->block_hash, &b->block_hash) &&
           b256_eq(&a->tx_hash, &b->tx_hash);
}

/* The batch was on its way into the table; the layer's word may have changed meanwhile. */
void steps_on_sealed(struct settlement *s, const struct batch_row *row,
                     const struct batch_step_row stored[BATCH_STEP_CNT])
{
    const struct batch_step_row none = { .done = false };
    struct expected_batch *x = expected_find(&s->expected, row->number);
    bool ours = x && b256_eq(&row->commitment, &x->commitment) &&
                b256_eq(&row->state_commitment, &x->state_commitment);
    for (int i = 0; i < BATCH_STEP_CNT; i++) {
        if (ours && x->step[i].done)
            mark(s, row->number, (enum batch_step)i, &x->step[i]);
        else if (stored[i].done)
            change(s, row->number, (enum batch_step)i, &none);
    }
    if (ours && same_step(&x->step[BATCH_COMMIT], &stored[BATCH_COMMIT])) {
        pthread_mutex_lock(&s->mutex);
        s->stats.adopted++;
        pthread_mutex_unlock(&s->mutex);
    }
    if (x && !ours)
        batcher_discard(s, row->number);
    while (expected_first(&s->expected) && expected_first(&s->expected)->number <= s->sealed)
        expected_pop_first(&s->expected);
    flush_changes(s);
}

/* ---- events ---- */

static bool load_ours(struct settlement *s, uint64_t number, struct batch_row *row)
{
    bool found = false;
    struct err err = { .kind = ERR_NONE };
    if (batch_load(s->reader, number, row, &found, &err) && found)
        return true;
    hold_set(s, HOLD_DIVERGED, err.kind == ERR_NONE ? "a sealed batch is missing" : err.msg,
             "the journal is damaged: restore the data folder");
    return false;
}

static void expect(struct settlement *s, const struct sl_event *e)
{
    if (s->range.batch != e->batch) {
        hold_set(s, HOLD_DIVERGED, "a committed batch came without its block range",
                 "restart; if it stays, the settlement layer is not the one we know");
        return;
    }
    struct expected_batch x = { .number = e->batch,
                                .first = s->range.first,
                                .last = s->range.last,
                                .state_commitment = e->state_commitment,
                                .commitment = e->commitment,
                                .step[BATCH_COMMIT] = row_of(e) };
    if (!expected_put(&s->expected, &x)) {
        hold_set(s, HOLD_DIVERGED, "out of memory for the batches on the settlement layer",
                 "give the process more memory and restart");
        return;
    }
    log_info(LOG_SETTLEMENT, "a batch we have not sealed is committed: adopting its range",
             LOG_U64("batch", x.number), LOG_U64("first_block", x.first),
             LOG_U64("last_block", x.last));
}

static void on_commit(struct settlement *s, const struct sl_event *e)
{
    struct batch_row row;
    struct batch_step_row step = row_of(e);
    if (e->batch > s->sealed) {
        expect(s, e);
        return;
    }
    if (!load_ours(s, e->batch, &row))
        return;
    if (b256_eq(&row.commitment, &e->commitment) &&
        b256_eq(&row.state_commitment, &e->state_commitment)) {
        mark(s, e->batch, BATCH_COMMIT, &step);
    } else if (e->batch <= s->frontier[BATCH_COMMIT]) {
        asks_stored_hash(s, e->batch, &row.stored_hash);
    } else { /* ours was never committed: the layer's range counts */
        batcher_discard(s, e->batch);
        expect(s, e);
    }
}

static void unknown(struct settlement *s, const char *what, uint64_t number)
{
    char text[HOLD_TEXT_CAP];
    snprintf(text, sizeof(text), "batch %" PRIu64 " is %s and we never saw it committed", number,
             what);
    hold_set(s, HOLD_DIVERGED, text,
             "restart: everything since the last batch we know is read again; if it stays, compare "
             "this node's L1 endpoint with another one");
}

static void on_prove(struct settlement *s, const struct sl_event *e)
{
    struct batch_step_row step = row_of(e);
    for (uint64_t b = e->first; b < e->last;) {
        b++;
        struct expected_batch *x = expected_find(&s->expected, b);
        if (b <= s->sealed) {
            mark(s, b, BATCH_PROVE, &step);
        } else if (x) {
            x->step[BATCH_PROVE] = step;
        } else {
            unknown(s, "proved", b);
            return;
        }
    }
}

static void on_execute(struct settlement *s, const struct sl_event *e)
{
    struct batch_row row;
    struct batch_step_row step = row_of(e);
    struct expected_batch *x = expected_find(&s->expected, e->batch);
    if (e->batch <= s->sealed) {
        /* the event names the stored batch: its commitment binds the logs root that proofs lead to */
        if (!load_ours(s, e->batch, &row))
            return;
        if (b256_eq(&row.commitment, &e->commitment))
            mark(s, e->batch, BATCH_EXECUTE, &step);
        else
            asks_stored_hash(s, e->batch, &row.stored_hash);
    } else if (x && b256_eq(&x->commitment, &e->commitment)) {
        x->step[BATCH_EXECUTE] = step;
    } else {
        unknown(s, "executed", e->batch);
    }
}

/* e->batch: committed now; e->first: verified now. */
static void on_revert(struct settlement *s, const struct sl_event *e)
{
    const struct batch_step_row none = { .done = false };
    uint64_t proved = e->first < e->batch ? e->first : e->batch;
    const struct expected_batch *last = expected_last(&s->expected);
    bool touched = e->batch < s->frontier[BATCH_COMMIT] || proved < s->frontier[BATCH_PROVE] ||
                   (last && last->number > proved);
    if (!touched)
        return;
    undo_above(s, BATCH_COMMIT, e->batch);
    undo_above(s, BATCH_PROVE, proved);
    while (expected_last(&s->expected) && expected_last(&s->expected)->number > e->batch)
        expected_pop_last(&s->expected);
    for (size_t i = 0; i < s->expected.cnt; i++) {
        struct expected_batch *x = &s->expected.items[s->expected.head + i];
        if (x->number > proved)
            x->step[BATCH_PROVE] = none;
    }
    submit_on_taken_back(s);
    if (!s->caught_up)
        return; /* history: the counters read at start already say so */
    char text[HOLD_TEXT_CAP];
    snprintf(text, sizeof(text), "batches above %" PRIu64 " were reverted on the settlement layer",
             e->batch);
    hold_set(s, HOLD_REVERTED_BATCHES, text,
             "find out who reverted and why; restart to commit the same batches again");
}

void settlement_on_events(struct settlement *s, const struct sl_event *events, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct sl_event *e = &events[i];
        switch (e->kind) {
        case SL_BATCH_RANGE:
            s->range = *e;
            break;
        case SL_BATCH_COMMIT:
            on_commit(s, e);
            break;
        case SL_BATCH_PROVE:
            on_prove(s, e);
            break;
        case SL_BATCH_EXECUTE:
            on_execute(s, e);
            break;
        case SL_BATCH_REVERT:
            on_revert(s, e);
            break;
        case SL_PRIORITY_RELAYED:
            gateway_on_relayed(s, e->last);
            break;
        case SL_NOTICE:
            if (!s->caught_up)
                break; /* history: the contracts as read at start already say so */
            log_warn(LOG_SETTLEMENT, "settlement layer notice", LOG_STR("what", e->text),
                     LOG_U64("sl_block", e->sl_block));
            s->deps.ask_contracts(s->deps.arg);
            break;
        }
    }
    flush_changes(s);
    submit_on_frontier(s);
    settlement_run(s);
}

/* Steps of sealed batches are in the store: the watcher goes on, and rewinds, only when what it handed over is. */
static void rewind_step(struct settlement *s, enum batch_step step, uint64_t from)
{
    uint64_t keep = s->frontier[step];
    for (; keep > 0; keep--) {
        struct batch_row row;
        if (!load_ours(s, keep, &row) || (row.step[step].done && row.step[step].sl_block < from))
            break;
        log_warn(LOG_SETTLEMENT, "a step is not on the settlement layer any more",
                 LOG_U64("batch", keep),
                 LOG_STR("lane", settlement_lane_name((enum settlement_lane)step)));
    }
    undo_above(s, step, keep);
}

void settlement_on_rewind(struct settlement *s, uint64_t from)
{
    const struct batch_step_row none = { .done = false };
    for (int step = 0; step < BATCH_STEP_CNT; step++)
        rewind_step(s, (enum batch_step)step, from);
    while (expected_last(&s->expected) &&
           expected_last(&s->expected)->step[BATCH_COMMIT].sl_block >= from)
        expected_pop_last(&s->expected);
    for (size_t i = 0; i < s->expected.cnt; i++) {
        struct expected_batch *x = &s->expected.items[s->expected.head + i];
        for (int step = BATCH_PROVE; step < BATCH_STEP_CNT; step++)
            if (x->step[step].done && x->step[step].sl_block >= from)
                x->step[step] = none;
    }
    flush_changes(s);
    gateway_forget(s);
    submit_on_taken_back(s);
    snapshot_refresh(s);
    s->deps.ask_contracts(s->deps.arg);
}

/* ---- after a start: what happened that our table does not know ---- */

bool settlement_missed_from(struct settlement *s, uint64_t *sl_block)
{
    const uint64_t there[BATCH_STEP_CNT] = { s->contracts.committed, s->contracts.proved,
                                             s->contracts.executed };
    uint64_t from = UINT64_MAX;
    for (int step = 0; step < BATCH_STEP_CNT; step++) {
        struct batch_row row;
        struct err err;
        bool found = false;
        uint64_t n = s->frontier[step], at = 0;
        if (there[step] <= n)
            continue;
        if (n > 0 && batch_load(s->reader, n, &row, &found, &err) && found)
            at = row.step[step].sl_block;
        if (at < from)
            from = at;
    }
    *sl_block = from;
    return from != UINT64_MAX;
}

/* ---- finality of the layer itself ---- */

static void on_finalized(void *arg, const struct eth_reply *reply, const struct eth_block *b)
{
    struct settlement *s = arg;
    s->finalized_request = NULL;
    if (reply->err || !b || b->number <= s->finalized_sl_block)
        return;
    s->finalized_sl_block = b->number;
    snapshot_refresh(s);
}

void steps_poll_finalized(struct settlement *s)
{
    struct err err = { .kind = ERR_NONE };
    uint64_t now = clock_mono_ms(s->deps.clock);
    if (s->finalized_request ||
        (s->last_finalized_ms && now - s->last_finalized_ms < FINALIZED_POLL_MS))
        return;
    s->last_finalized_ms = now;
    s->finalized_request = eth_get_block(s->deps.sl, ETH_AT_FINALIZED, NULL, on_finalized, s, &err);
}
