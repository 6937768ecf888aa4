/* settlement/settlement.c
 *
 * Life, holds, the timer. The parts: batcher.c seals, submit.c sends, steps.c listens, checks.c doubts, status.c shows. */
#include "settlement/settlement.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/base/log.h"
#include "node/sender/contract_read/contract_read.h"
#include "settlement/internal.h"

#define TICK_MS          250
#define CHECK_MS         60000
#define CHECK_HOLDING_MS 5000

/* ---- holds ---- */

void hold_set(struct settlement *s, enum hold_source source, const char *reason, const char *remedy)
{
    struct hold *h = &s->holds[source];
    bool is_new = !h->active || strcmp(h->reason, reason) != 0;
    h->active = true;
    snprintf(h->reason, sizeof(h->reason), "%s", reason);
    snprintf(h->remedy, sizeof(h->remedy), "%s", remedy);
    if (is_new)
        log_error(LOG_SETTLEMENT, "settlement is on hold", LOG_STR("reason", reason),
                  LOG_STR("remedy", remedy));
    snapshot_refresh(s);
}

void hold_clear(struct settlement *s, enum hold_source source)
{
    if (!s->holds[source].active)
        return;
    s->holds[source].active = false;
    log_info(LOG_SETTLEMENT, "hold lifted", LOG_STR("was", s->holds[source].reason));
    snapshot_refresh(s);
}

bool hold_any(const struct settlement *s)
{
    for (int i = 0; i < HOLD_CNT; i++)
        if (s->holds[i].active)
            return true;
    return false;
}

void settlement_hold(struct settlement *s, const char *reason, const char *remedy)
{
    hold_set(s, HOLD_DIVERGED, reason, remedy);
}

/* ---- rows ---- */

void row_to_stored(const struct batch_row *r, struct stored_batch *out)
{
    *out = (struct stored_batch){ .number = r->number,
                                  .state_commitment = r->state_commitment,
                                  .l1_tx_cnt = r->l1_tx_cnt,
                                  .priority_ops_hash = r->priority_ops_hash,
                                  .dependency_roots_hash = r->dependency_roots_hash,
                                  .l2_logs_tree_root = r->l2_logs_tree_root,
                                  .commitment = r->commitment };
}

bool stored_of(struct settlement *s, uint64_t number, struct stored_batch *out, struct err *err)
{
    if (number == 0) {
        *out = stored_batch_genesis(&s->cfg.genesis_state_commitment);
        return true;
    }
    struct batch_row row;
    bool found = false;
    if (!batch_load(s->reader, number, &row, &found, err))
        return false;
    if (!found)
        return err_set(err, ERR_LOCAL, "batch %" PRIu64 " is missing", number);
    row_to_stored(&row, out);
    return true;
}

/* ---- provers and verification ---- */

static void on_part(void *arg)
{
    settlement_run(arg);
}

static void on_mismatch(void *arg, const char *reason, const char *remedy)
{
    struct settlement *s = arg;
    if (reason)
        hold_set(s, HOLD_VERIFICATION, reason, remedy);
    else
        hold_clear(s, HOLD_VERIFICATION);
}

static bool parts_create(struct settlement *s, struct err *err)
{
    struct verification_deps vd = { .base = s->deps.base,
                                    .clock = s->deps.clock,
                                    .store = s->deps.store,
                                    .witness = s->deps.witness,
                                    .arg = s,
                                    .on_verified = on_part,
                                    .on_mismatch = on_mismatch };
    s->cfg.verification.genesis_state_commitment = s->cfg.genesis_state_commitment;
    s->verification = verification_create(&vd, &s->cfg.verification, err);
    if (!s->verification)
        return false;
    if (!s->cfg.prover.enabled)
        return true;
    struct prover_deps pd = { .base = s->deps.base,
                              .clock = s->deps.clock,
                              .store = s->deps.store,
                              .sl = s->deps.sl,
                              .witness = s->deps.witness,
                              .arg = s,
                              .on_proof = on_part,
                              .job_arg = s->deps.arg,
                              .run_job = s->deps.run_job };
    s->cfg.prover.genesis_state_commitment = s->cfg.genesis_state_commitment;
    s->prover = prover_create(&pd, &s->cfg.prover, err);
    return s->prover != NULL;
}

static void parts_run(struct settlement *s)
{
    verification_run(s->verification, s->sealed, s->frontier[BATCH_COMMIT]);
    if (!s->prover)
        return;
    struct prover_view v = { .sealed = s->sealed,
                             .committed = s->frontier[BATCH_COMMIT],
                             .proved = s->frontier[BATCH_PROVE],
                             .executed = s->frontier[BATCH_EXECUTE],
                             .sent_to = s->lanes[LANE_PROVE].sent_to,
                             .is_testnet_verifier = s->contracts.is_testnet_verifier };
    prover_update(s->prover, &v);
}

/* ---- the turn ---- */

void settlement_run(struct settlement *s)
{
    if (!s->started || s->stopped)
        return;
    batcher_run(s);
    submit_on_frontier(s);
    bool in_order = s->frontier[BATCH_EXECUTE] <= s->frontier[BATCH_PROVE] &&
                    s->frontier[BATCH_PROVE] <= s->frontier[BATCH_COMMIT];
    if (s->caught_up && !in_order)
        hold_set(s, HOLD_DIVERGED,
                 "the settlement layer's events say more batches are proved than committed, or "
                 "executed than proved",
                 "compare this node's endpoint of the settlement layer with another one, then "
                 "restart");
    parts_run(s);
    submit_run(s);
    snapshot_refresh(s);
    if (s->deps.on_change)
        s->deps.on_change(s->deps.arg);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct settlement *s = arg;
    uint64_t now = clock_mono_ms(s->deps.clock);
    bool soon = hold_any(s) || !s->roles_known || s->wants_contracts || batcher_adopting(s);
    if (now - s->last_check_ms >= (soon ? CHECK_HOLDING_MS : CHECK_MS)) {
        s->last_check_ms = now;
        s->wants_contracts = false;
        s->deps.ask_contracts(s->deps.arg);
    }
    if (s->cfg.l1_finalized)
        steps_poll_finalized(s);
    asks_run(s);
    gateway_run(s);
    settlement_run(s);
}

/* ---- life ---- */

struct settlement *settlement_create(const struct settlement_deps *deps,
                                     const struct settlement_config *cfg, struct err *err)
{
    struct settlement *s = calloc(1, sizeof(*s));
    if (!s) {
        err_set(err, ERR_LOCAL, "out of memory");
        return NULL;
    }
    s->deps = *deps;
    s->cfg = *cfg;
    TAILQ_INIT(&s->asks);
    if (!s->cfg.sender.max_in_flight)
        s->cfg.sender.max_in_flight = 16;
    pthread_mutex_init(&s->mutex, NULL);
    arena_init_growing(&s->role_arena, 4096, 1u << 20);
    arena_init_growing(&s->open_arena, 4096, 1u << 20); /* replaced by batcher_load */
    arena_clear(&s->open_arena);
    gateway_create(s);
    s->reader = store_reader_open(deps->store, err);
    s->timer = s->reader ? event_new(deps->base, -1, EV_PERSIST, on_tick, s) : NULL;
    bool can = (cfg->da_scheme != DA_BLOBS_ZKSYNC_OS && !cfg->prover.enabled) || deps->run_job;
    if (!can)
        err_set(err, ERR_INVALID, "blobs and provers need a worker");
    if (!can || !s->timer || !submit_create(s, err) || !parts_create(s, err)) {
        settlement_destroy(s);
        return NULL;
    }
    return s;
}

bool settlement_start(struct settlement *s, const struct discovery_result *contracts,
                      struct err *err)
{
    s->contracts = *contracts;
    s->relayed = contracts->total_priority_txs;
    if (!steps_load(s, err) || !checks_at_start(s, err) || !batcher_load(s, err))
        return false;
    if (s->prover && !prover_start(s->prover, err))
        return false;
    s->started = true;
    s->roles_known = s->deps.signers[0] == NULL;
    s->last_check_ms = clock_mono_ms(s->deps.clock);
    struct timeval tv = { .tv_usec = TICK_MS * 1000 };
    evtimer_add(s->timer, &tv);
    checks_ask_roles(s);
    if (s->prover)
        prover_on_verifier(s->prover, &contracts->verifier);
    settlement_run(s);
    return true;
}

void settlement_stop(struct settlement *s)
{
    bool was_running = s->started && !s->stopped;
    s->stopped = true;
    if (s->timer)
        event_del(s->timer);
    eth_cancel(s->finalized_request);
    s->finalized_request = NULL;
    contract_read_cancel(s->role_read);
    s->role_read = NULL;
    asks_stop(s);
    gateway_stop(s);
    if (s->prover)
        prover_stop(s->prover);
    if (s->verification)
        verification_stop(s->verification);
    for (int i = 0; i < LANE_CNT; i++)
        if (s->lanes[i].manager)
            tx_manager_stop(s->lanes[i].manager);
    if (was_running) /* the store thread has our jobs, and the senders', until their callbacks have run */
        store_drain(s->deps.store);
}

void settlement_destroy(struct settlement *s)
{
    if (!s)
        return;
    settlement_stop(s);
    submit_destroy(s);
    gateway_destroy(s);
    prover_destroy(s->prover);
    verification_destroy(s->verification);
    if (s->timer)
        event_free(s->timer);
    CHECK(!s->da.sealing && !s->da.proving);
    da_drop(s);
    store_reader_close(s->reader);
    arena_clear(&s->open_arena);
    arena_clear(&s->role_arena);
    free(s->expected.items);
    free(s->changes);
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

void settlement_on_tree(struct settlement *s, uint64_t block)
{
    (void)block;
    settlement_run(s);
}

void settlement_on_contracts(struct settlement *s, const struct discovery_result *contracts)
{
    if (s->stopped || !s->started)
        return;
    s->contracts = *contracts;
    if (s->prover)
        prover_on_verifier(s->prover, &contracts->verifier);
    gateway_on_relayed(s, contracts->total_priority_txs);
    checks_ask_roles(s); /* and then the checks */
    if (!s->deps.signers[0])
        checks_run(s);
}

void settlement_on_head(struct settlement *s, uint64_t sl_block)
{
    s->sl_head = sl_block;
}

void settlement_on_caught_up(struct settlement *s)
{
    if (s->caught_up || s->stopped)
        return;
    s->caught_up = true;
    submit_on_frontier(s);
    /* Only now: the senders adopt transactions of an earlier run and send them again, which must not happen on a layer whose history
     * has turned out to contradict ours. */
    if (!s->holds[HOLD_DIVERGED].active) {
        struct err err = { .kind = ERR_NONE };
        if (!submit_start(s, &err))
            hold_set(
                s, HOLD_DIVERGED, err.msg,
                "the journal of settlement transactions cannot be read: restore the data folder");
    }
    settlement_run(s);
}

bool settlement_sender_status(struct settlement *s, enum settlement_lane l,
                              struct tx_manager_status *out)
{
    if (!s->lanes[l].manager)
        return false;
    tx_manager_get_status(s->lanes[l].manager, out);
    return true;
}
