/* settlement/steps.c
 *
 * What the settlement layer says happened to our batches. */
#include <inttypes.h>
#include <stdlib.h>

#include "contracts-abi/gen/getters.h"
#include "node/base/log.h"
#include "node/sender/contract_read/contract_read.h"
#include "settlement/internal.h"

#define FINALIZED_POLL_MS 4000

struct step_job {
    struct settlement *s;
    uint64_t number;
    enum batch_step step;
    struct batch_step_row row;
};

static bool store_step(struct store_txn *t, void *arg, struct err *err)
{
    const struct step_job *j = arg;
    return batch_step_put(t, j->number, j->step, &j->row, err);
}

static void step_stored(void *arg, const struct err *err)
{
    struct step_job *j = arg;
    if (err)
        hold_set(j->s, HOLD_DIVERGED, err->msg, "free the disk or repair the store, then restart");
    free(j);
}

bool steps_write(struct settlement *s, uint64_t number, enum batch_step step,
                 const struct batch_step_row *row)
{
    struct err err = { .kind = ERR_NONE };
    struct step_job *j = malloc(sizeof(*j));
    CHECK(j != NULL);
    *j = (struct step_job){ .s = s, .number = number, .step = step, .row = *row };
    if (store_write(s->deps.store, STORE_JOURNAL, store_step, step_stored, j, &err))
        return true;
    free(j);
    hold_set(s, HOLD_DIVERGED, err.msg, "the store does not keep up: restart");
    return false;
}

bool steps_load(struct settlement *s, struct err *err)
{
    for (int i = 0; i < BATCH_STEP_CNT; i++)
        if (!batch_frontier(s->reader, (enum batch_step)i, &s->frontier[i], err))
            return false;
    return true;
}

/* ---- the time of a settlement layer block, for display: fetched after the step itself is on its way to the disk ---- */

struct stamp {
    struct settlement *s;
    uint64_t number;
    enum batch_step step;
    struct batch_step_row row;
};

static void on_stamp(void *arg, const struct eth_reply *reply, const struct eth_block *b)
{
    struct stamp *st = arg;
    if (!reply->err && b && b256_eq(&b->hash, &st->row.block_hash) &&
        st->number <= st->s->frontier[st->step]) {
        st->row.sl_timestamp = b->timestamp;
        (void)steps_write(st->s, st->number, st->step, &st->row);
    }
    free(st);
}

static void ask_time(struct settlement *s, uint64_t number, enum batch_step step,
                     const struct batch_step_row *row)
{
    struct err err = { .kind = ERR_NONE };
    struct stamp *st = malloc(sizeof(*st));
    CHECK(st != NULL);
    *st = (struct stamp){ .s = s, .number = number, .step = step, .row = *row };
    /* not kept for cancelling: eth_client_destroy, which comes before ours, ends it */
    if (!eth_get_block(s->deps.sl, ETH_AT_NUMBER(row->sl_block), NULL, on_stamp, st, &err))
        free(st);
}

static void smooth(struct settlement *s, uint64_t number, enum batch_step step)
{
    struct batch_row row;
    bool found = false;
    struct err err;
    if (!batch_load(s->reader, number, &row, &found, &err) || !found)
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
                 const struct sl_event *e)
{
    static const char *const names[BATCH_STEP_CNT] = { "batch committed", "batch proved",
                                                       "batch executed" };
    struct batch_step_row row = {
        .done = true, .tx_hash = e->tx_hash, .block_hash = e->block_hash, .sl_block = e->sl_block
    };
    if (!steps_write(s, number, step, &row))
        return;
    if (number > s->frontier[step]) {
        s->frontier[step] = number;
        smooth(s, number, step);
        log_info(LOG_SETTLEMENT, names[step], LOG_U64("batch", number), LOG_HASH("tx", &e->tx_hash),
                 LOG_U64("sl_block", e->sl_block));
    }
    ask_time(s, number, step, &row);
}

/* ---- a batch on the layer differs from ours: is it history (reverted since), or a real contradiction? ---- */

struct doubt {
    struct settlement *s;
    uint64_t number;
    struct b256 ours;
    struct arena arena;
    struct contract_call call;
};

static void on_doubt(void *arg, const struct err *failed)
{
    struct doubt *d = arg;
    struct settlement *s = d->s;
    struct b256 there;
    struct err err = { .kind = ERR_NONE };
    char text[HOLD_TEXT_CAP];
    if (!failed && contract_word(&d->call, &there, &err) && b256_eq(&there, &d->ours)) {
        log_info(LOG_SETTLEMENT, "an earlier batch of that number was reverted",
                 LOG_U64("batch", d->number));
    } else {
        snprintf(text, sizeof(text),
                 "batch %" PRIu64 " on the settlement layer is not ours%s%.200s", d->number,
                 failed ? ": " : "", failed ? failed->msg : "");
        hold_set(s, HOLD_DIVERGED, text,
                 "another node committed with these keys, or this data folder is not the one that "
                 "did: restore the right folder, or revert the batches");
    }
    arena_clear(&d->arena);
    free(d);
}

static void doubt(struct settlement *s, uint64_t number, const struct b256 *ours)
{
    struct err err = { .kind = ERR_NONE };
    struct doubt *d = calloc(1, sizeof(*d));
    CHECK(d != NULL);
    d->s = s;
    d->number = number;
    d->ours = *ours;
    arena_init_growing(&d->arena, 1024, 1u << 16);
    struct b256 n = b256_of_u64(number);
    d->call = (struct contract_call){ .name = "storedBatchHash",
                                      .to = s->contracts.diamond,
                                      .data = contract_calldata(
                                          &d->arena, ABI_V31_STORED_BATCH_HASH_SELECTOR, &n, 1) };
    if (!contract_read_start(s->deps.sl, ETH_AT_LATEST, &d->call, 1, &d->arena, on_doubt, d, &err))
        on_doubt(d, &err);
}

/* ---- the root that proofs of messages lead to, as the contract has it ---- */

struct root_check {
    struct settlement *s;
    uint64_t number;
    struct b256 ours;
    struct arena arena;
    struct contract_call call;
};

static void on_root(void *arg, const struct err *failed)
{
    struct root_check *r = arg;
    struct b256 there;
    struct err err = { .kind = ERR_NONE };
    if (!failed && contract_word(&r->call, &there, &err) && !b256_eq(&there, &r->ours)) {
        char text[HOLD_TEXT_CAP];
        snprintf(text, sizeof(text),
                 "the logs root of batch %" PRIu64
                 " on the settlement layer is not ours: proofs of its messages would fail",
                 r->number);
        hold_set(r->s, HOLD_DIVERGED, text,
                 "restore the data folder that made this batch, and report it");
    }
    arena_clear(&r->arena);
    free(r);
}

static void check_root(struct settlement *s, uint64_t number)
{
    struct batch_row row;
    bool found = false;
    struct err err = { .kind = ERR_NONE };
    if (!batch_load(s->reader, number, &row, &found, &err) || !found)
        return;
    struct root_check *r = calloc(1, sizeof(*r));
    CHECK(r != NULL);
    r->s = s;
    r->number = number;
    r->ours = row.l2_logs_tree_root;
    arena_init_growing(&r->arena, 1024, 1u << 16);
    struct b256 n = b256_of_u64(number);
    r->call = (struct contract_call){ .name = "l2LogsRootHash",
                                      .to = s->contracts.diamond,
                                      .data = contract_calldata(
                                          &r->arena, ABI_V31_L2_LOGS_ROOT_HASH_SELECTOR, &n, 1) };
    if (!contract_read_start(s->deps.sl, ETH_AT_LATEST, &r->call, 1, &r->arena, on_root, r, &err))
        on_root(r, &err);
}

/* ---- events ---- */

void steps_on_sealed(struct settlement *s, const struct batch_row *row)
{
    /* committed by somebody while we were sealing it ourselves */
    while (s->expected_cnt > 0 && s->expected[0].number <= row->number) {
        struct expected_batch e = s->expected[0];
        s->expected_cnt--;
        memmove(&s->expected[0], &s->expected[1], s->expected_cnt * sizeof(s->expected[0]));
        struct sl_event ev = { .kind = SL_BATCH_COMMIT,
                               .batch = e.number,
                               .tx_hash = e.commit.tx_hash,
                               .block_hash = e.commit.block_hash,
                               .sl_block = e.commit.sl_block };
        if (e.number < row->number)
            continue;
        if (b256_eq(&row->commitment, &e.commitment) &&
            b256_eq(&row->state_commitment, &e.state_commitment))
            mark(s, e.number, BATCH_COMMIT, &ev);
        else
            doubt(s, e.number, &row->stored_hash);
    }
}

static void on_commit(struct settlement *s, const struct sl_event *e)
{
    struct batch_row row;
    bool found = false;
    struct err err = { .kind = ERR_NONE };
    if (!batch_load(s->reader, e->batch, &row, &found, &err)) {
        hold_set(s, HOLD_DIVERGED, err.msg, "the journal is damaged: restore the data folder");
        return;
    }
    if (found) {
        if (b256_eq(&row.commitment, &e->commitment) &&
            b256_eq(&row.state_commitment, &e->state_commitment))
            mark(s, e->batch, BATCH_COMMIT, e);
        else
            doubt(s, e->batch, &row.stored_hash);
        return;
    }
    if (s->range.batch != e->batch || s->expected_cnt == MAX_EXPECTED) {
        hold_set(s, HOLD_DIVERGED,
                 "a committed batch came without its block range, or too many unknown ones",
                 "restart; if it stays, the settlement layer is not the one we know");
        return;
    }
    struct expected_batch x = { .number = e->batch,
                                .first = s->range.first,
                                .last = s->range.last,
                                .state_commitment = e->state_commitment,
                                .commitment = e->commitment,
                                .commit = { .done = true,
                                            .tx_hash = e->tx_hash,
                                            .block_hash = e->block_hash,
                                            .sl_block = e->sl_block } };
    size_t i = 0;
    while (i < s->expected_cnt && s->expected[i].number < x.number)
        i++;
    bool replace =
        i < s->expected_cnt &&
        s->expected[i].number == x.number; /* committed again after a revert, or read twice */
    if (!replace) {
        memmove(&s->expected[i + 1], &s->expected[i], (s->expected_cnt - i) * sizeof(x));
        s->expected_cnt++;
    }
    s->expected[i] = x;
    log_info(LOG_SETTLEMENT, "a batch we have not sealed is committed: adopting its range",
             LOG_U64("batch", x.number), LOG_U64("first_block", x.first),
             LOG_U64("last_block", x.last));
}

static void on_execute(struct settlement *s, const struct sl_event *e)
{
    struct batch_row row;
    bool found = false;
    struct err err = { .kind = ERR_NONE };
    /* the event names the stored batch: its commitment binds the logs root that proofs lead to */
    if (batch_load(s->reader, e->batch, &row, &found, &err) && found &&
        !b256_eq(&row.commitment, &e->commitment)) {
        doubt(s, e->batch, &row.stored_hash);
        return;
    }
    mark(s, e->batch, BATCH_EXECUTE, e);
    check_root(s, e->batch);
}

static void undo_above(struct settlement *s, enum batch_step step, uint64_t keep)
{
    const struct batch_step_row none = { .done = false };
    for (uint64_t n = s->frontier[step]; n > keep; n--)
        (void)steps_write(s, n, step, &none);
    if (s->frontier[step] > keep)
        s->frontier[step] = keep;
}

static void on_revert(struct settlement *s, const struct sl_event *e)
{
    if (e->batch >= s->frontier[BATCH_COMMIT] && s->expected_cnt == 0 &&
        e->first >= s->frontier[BATCH_PROVE])
        return; /* nothing of what we know is touched */
    undo_above(s, BATCH_COMMIT, e->batch);
    undo_above(s, BATCH_PROVE, e->first);
    while (s->expected_cnt > 0 && s->expected[s->expected_cnt - 1].number > e->batch)
        s->expected_cnt--;
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
            for (uint64_t b = e->first + 1; b <= e->last; b++)
                mark(s, b, BATCH_PROVE, e);
            break;
        case SL_BATCH_EXECUTE:
            on_execute(s, e);
            break;
        case SL_BATCH_REVERT:
            on_revert(s, e);
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
    submit_on_frontier(s);
    settlement_run(s);
}

void settlement_on_rewind(struct settlement *s, uint64_t from)
{
    const struct batch_step_row none = { .done = false };
    for (int step = 0; step < BATCH_STEP_CNT; step++)
        while (s->frontier[step] > 0) {
            struct batch_row row;
            bool found = false;
            struct err err;
            uint64_t n = s->frontier[step];
            if (!batch_load(s->reader, n, &row, &found, &err) || !found)
                break;
            if (row.step[step].done && row.step[step].sl_block < from)
                break;
            log_warn(LOG_SETTLEMENT, "a step is not on the settlement layer any more",
                     LOG_U64("batch", n),
                     LOG_STR("lane", settlement_lane_name((enum settlement_lane)step)));
            (void)steps_write(s, n, (enum batch_step)step, &none);
            s->frontier[step] = n - 1;
        }
    while (s->expected_cnt > 0 && s->expected[s->expected_cnt - 1].commit.sl_block >= from)
        s->expected_cnt--;
    submit_on_frontier(s);
    snapshot_refresh(s);
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
