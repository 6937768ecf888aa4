/* settlement/asks.c
 *
 * Questions to the settlement layer that nothing waits for: is that batch still there, when was that block made, is the logs root
 * the contract keeps ours. An answer that does not come is asked for again; few are open at a time. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "contracts-abi/gen/getters.h"
#include "node/base/log.h"
#include "node/sender/contract_read/contract_read.h"
#include "settlement/internal.h"

#define MAX_ASKS      16
#define ROWS_A_TURN   128
#define RETRY_MS      3000
#define ASK_ARENA_MAX (1u << 16)

enum ask_kind { ASK_STORED_HASH, ASK_LOGS_ROOT, ASK_TIME };
struct ask {
    struct settlement *s;
    enum ask_kind kind;
    uint64_t number;
    enum batch_step step;
    struct b256 ours;            /* what we expect; of a time: the hash of the block */
    struct eth_request *request; /* at most one of the two */
    struct contract_read *read;
    uint64_t sl_block;
    struct arena arena;
    struct contract_call call;
    TAILQ_ENTRY(ask) link;
};

static void ask_free(struct ask *a)
{
    TAILQ_REMOVE(&a->s->asks, a, link);
    a->s->ask_cnt--;
    arena_clear(&a->arena);
    free(a);
}

void asks_stop(struct settlement *s)
{
    while (!TAILQ_EMPTY(&s->asks)) {
        struct ask *a = TAILQ_FIRST(&s->asks);
        eth_cancel(a->request); /* NOLINT(clang-analyzer-unix.Malloc): it unlinks itself */
        contract_read_cancel(a->read);
        ask_free(a);
    }
}

static struct ask *find(const struct settlement *s, enum ask_kind kind, uint64_t number,
                        enum batch_step step)
{
    struct ask *a;
    TAILQ_FOREACH(a, &s->asks, link)
    {
        if (a->kind == kind && a->number == number && a->step == step)
            return a;
    }
    return NULL;
}

/* Not now: everything that is due is asked for again a little later. */
static void later(struct settlement *s)
{
    s->ask_at_ms = clock_mono_ms(s->deps.clock) + RETRY_MS;
}

/* NULL when it is asked already, or there are enough questions. */
static struct ask *ask_new(struct settlement *s, enum ask_kind kind, uint64_t number,
                           enum batch_step step, const struct b256 *ours)
{
    if (s->stopped || find(s, kind, number, step) ||
        (kind != ASK_STORED_HASH && s->ask_cnt >= MAX_ASKS))
        return NULL;
    struct ask *a = calloc(1, sizeof(*a));
    CHECK(a != NULL);
    *a = (struct ask){ .s = s, .kind = kind, .number = number, .step = step, .ours = *ours };
    arena_init_growing(&a->arena, 1024, ASK_ARENA_MAX);
    TAILQ_INSERT_TAIL(&s->asks, a, link);
    s->ask_cnt++;
    return a;
}

static bool start_call(struct ask *a, const char *name, uint32_t selector, contract_read_fn *done)
{
    struct err err = { .kind = ERR_NONE };
    struct b256 n = b256_of_u64(a->number);
    arena_reset(&a->arena);
    a->call = (struct contract_call){ .name = name,
                                      .to = a->s->contracts.diamond,
                                      .data = contract_calldata(&a->arena, selector, &n, 1) };
    a->read =
        contract_read_start(a->s->deps.sl, ETH_AT_LATEST, &a->call, 1, &a->arena, done, a, &err);
    return a->read != NULL;
}

/* ---- a batch on the layer differs from ours: is it history (reverted since), or a real contradiction? ---- */

static void on_stored_hash(void *arg, const struct err *failed)
{
    struct ask *a = arg;
    struct settlement *s = a->s;
    struct b256 there;
    struct err err = { .kind = ERR_NONE };
    a->read = NULL;
    bool known = !failed && contract_word(&a->call, &there, &err);
    if (!known || b256_is_zero(&there)) { /* zero: a node that is behind, or a fork without it */
        log_warn(LOG_SETTLEMENT, "a batch could not be compared with the layer's yet",
                 LOG_U64("batch", a->number),
                 LOG_STR("error", failed  ? failed->msg
                                  : known ? "it has none of that number"
                                          : err.msg));
        later(s);
        return; /* asks_run asks again */
    }
    if (b256_eq(&there, &a->ours)) {
        log_info(LOG_SETTLEMENT, "an earlier batch of that number was reverted",
                 LOG_U64("batch", a->number));
    } else {
        char text[HOLD_TEXT_CAP];
        snprintf(text, sizeof(text), "batch %" PRIu64 " on the settlement layer is not ours",
                 a->number);
        hold_set(s, HOLD_DIVERGED, text,
                 "another node committed with these keys, or this data folder is not the one that "
                 "did: restore the right folder, or revert the batches");
    }
    ask_free(a);
}

static void start_stored_hash(struct ask *a)
{
    if (!start_call(a, "storedBatchHash", ABI_V31_STORED_BATCH_HASH_SELECTOR, on_stored_hash))
        later(a->s);
}

void asks_stored_hash(struct settlement *s, uint64_t number, const struct b256 *ours)
{
    struct ask *a = ask_new(s, ASK_STORED_HASH, number, BATCH_COMMIT, ours);
    if (a)
        start_stored_hash(a);
}

/* ---- the time of a settlement layer block ---- */

struct time_job {
    struct settlement *s;
    uint64_t number, timestamp;
    enum batch_step step;
    struct b256 block_hash;
};

static bool store_time(struct store_txn *t, void *arg, struct err *err)
{
    const struct time_job *j = arg;
    return batch_step_time_put(t, j->number, j->step, &j->block_hash, j->timestamp, err);
}

static void time_stored(void *arg, const struct err *err)
{
    struct time_job *j = arg;
    if (err)
        log_warn(LOG_SETTLEMENT, "the time of a step was not stored", LOG_U64("batch", j->number),
                 LOG_STR("error", err->msg));
    free(j);
}

static void on_block(void *arg, const struct eth_reply *reply, const struct eth_block *b)
{
    struct ask *a = arg;
    struct settlement *s = a->s;
    struct err err = { .kind = ERR_NONE };
    a->request = NULL;
    if (reply->err || !b || !b256_eq(&b->hash, &a->ours)) {
        later(s);
        ask_free(a);
        return;
    }
    struct time_job *j = malloc(sizeof(*j));
    CHECK(j != NULL);
    *j = (struct time_job){ .s = s,
                            .number = a->number,
                            .timestamp = b->timestamp,
                            .step = a->step,
                            .block_hash = a->ours };
    if (!store_write(s->deps.store, STORE_JOURNAL, store_time, time_stored, j, &err)) {
        later(s);
        free(j);
    }
    ask_free(a);
}

void asks_time(struct settlement *s, uint64_t number, enum batch_step step,
               const struct batch_step_row *row)
{
    struct err err = { .kind = ERR_NONE };
    if (number < s->times_next)
        s->times_next = number;
    struct ask *a = ask_new(s, ASK_TIME, number, step, &row->block_hash);
    if (!a)
        return;
    a->request = eth_get_block(s->deps.sl, ETH_AT_NUMBER(row->sl_block), NULL, on_block, a, &err);
    if (!a->request) {
        later(s);
        ask_free(a);
    }
}

/* Times that are missing in the table, from the lowest batch on. */
static void run_times(struct settlement *s)
{
    uint64_t last = s->frontier[BATCH_COMMIT];
    unsigned rows = 0;
    for (uint64_t n = s->times_next; n <= last && rows < ROWS_A_TURN; n++, rows++) {
        struct batch_row row;
        struct err err;
        bool found = false, all = true;
        if (!batch_load(s->reader, n, &row, &found, &err) || !found)
            return;
        for (int i = 0; i < BATCH_STEP_CNT; i++) {
            const struct batch_step_row *st = &row.step[i];
            all = all && st->done && st->sl_timestamp > 0;
            if (st->done && st->sl_timestamp == 0 && s->ask_cnt < MAX_ASKS)
                asks_time(s, n, (enum batch_step)i, st);
        }
        if (s->ask_cnt >= MAX_ASKS)
            return;
        if (all && n == s->times_next)
            s->times_next = n + 1;
    }
}

/* ---- the root that proofs of messages lead to, as the contract has it ---- */

static void on_root(void *arg, const struct err *failed)
{
    struct ask *a = arg;
    struct settlement *s = a->s;
    struct b256 there;
    struct err err = { .kind = ERR_NONE };
    a->read = NULL;
    bool known = !failed && contract_word(&a->call, &there, &err);
    if (!known || b256_is_zero(&there)) { /* zero: not executed there, says a node that is behind */
        if (a->number < s->roots_next)
            s->roots_next = a->number;
        later(s);
    } else if (!b256_eq(&there, &a->ours) && a->number <= s->frontier[BATCH_EXECUTE]) {
        char text[HOLD_TEXT_CAP];
        snprintf(text, sizeof(text),
                 "the logs root of batch %" PRIu64
                 " on the settlement layer is not ours: proofs of its messages would fail",
                 a->number);
        hold_set(s, HOLD_DIVERGED, text,
                 "restore the data folder that made this batch, and report it");
    }
    ask_free(a);
}

static void run_roots(struct settlement *s)
{
    while (s->roots_next <= s->frontier[BATCH_EXECUTE] && s->ask_cnt < MAX_ASKS) {
        struct batch_row row;
        bool found = false;
        struct err err = { .kind = ERR_NONE };
        if (!batch_load(s->reader, s->roots_next, &row, &found, &err) || !found)
            return;
        struct ask *a =
            ask_new(s, ASK_LOGS_ROOT, s->roots_next, BATCH_EXECUTE, &row.l2_logs_tree_root);
        if (a && !start_call(a, "l2LogsRootHash", ABI_V31_L2_LOGS_ROOT_HASH_SELECTOR, on_root)) {
            later(s);
            ask_free(a);
            return;
        }
        s->roots_next++;
    }
}

void asks_run(struct settlement *s)
{
    if (s->stopped || clock_mono_ms(s->deps.clock) < s->ask_at_ms)
        return;
    struct ask *a;
    TAILQ_FOREACH(a, &s->asks, link)
    {
        if (a->kind == ASK_STORED_HASH && !a->read)
            start_stored_hash(a);
    }
    if (!s->caught_up)
        return;
    run_roots(s);
    run_times(s);
}
