/* settlement/status.c
 *
 * What operators and clients see: frontiers, waits, estimates. Snapshots are taken on the loop and read from any thread. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "settlement/internal.h"

static uint64_t block_of(struct settlement *s, uint64_t batch)
{
    struct batch_row row;
    struct err err;
    bool found = false;
    if (batch == 0 || !batch_load(s->reader, batch, &row, &found, &err) || !found)
        return 0;
    return row.last_block;
}

static uint64_t finalized_batch(struct settlement *s)
{
    uint64_t n = s->snap.batch[FRONTIER_FINALIZED];
    for (;; n++) {
        struct batch_row row;
        struct err err;
        bool found = false;
        if (n + 1 > s->frontier[BATCH_EXECUTE] ||
            !batch_load(s->reader, n + 1, &row, &found, &err) || !found)
            return n;
        if (!row.step[BATCH_EXECUTE].done ||
            row.step[BATCH_EXECUTE].sl_block > s->finalized_sl_block)
            return n;
    }
}

static void lane_wait(struct settlement *s, enum settlement_lane lane, char *out, size_t cap)
{
    struct lane *l = &s->lanes[lane];
    struct tx_info live[1];
    out[0] = 0;
    if (!l->manager) {
        snprintf(out, cap, "sending is off (l1_sender.enabled)");
        return;
    }
    if (eth_client_outage(s->deps.sl, "the settlement layer", out, cap))
        return;
    if (tx_manager_list(l->manager, live, 1) == 0) {
        if (s->gate.relay[0] && lane != LANE_PROVE)
            snprintf(out, cap, "%s", s->gate.relay);
        else if (s->gate.wait[0] && lane == LANE_COMMIT)
            snprintf(out, cap, "%s", s->gate.wait);
        else if (lane == LANE_COMMIT && !l->trouble[0])
            verification_waits_for(s->verification,
                                   s->next_commit <= s->sealed ? s->next_commit : 0, out, cap);
        else if (lane == LANE_PROVE && !l->trouble[0] && s->prover)
            prover_waits_for(s->prover, s->frontier[BATCH_PROVE] + 1, out, cap);
        else if (l->trouble[0])
            snprintf(out, cap, "the next try; %s", l->trouble);
        return;
    }
    if (live[0].wait == TX_WAIT_NONE)
        snprintf(out, cap, "%s: %s", live[0].key, tx_state_name(live[0].state));
    else
        snprintf(out, cap, "%s: %s, waits for %s%s%.120s", live[0].key,
                 tx_state_name(live[0].state), tx_wait_name(live[0].wait),
                 live[0].error[0] ? ": " : "", live[0].error);
}

/* Members for the status object, each with a comma before it; "" where neither is on. */
static void parts_status(struct settlement *s, char *out, size_t cap)
{
    struct buf b;
    buf_init(&b, cap - 1);
    if (s->cfg.verification.mode != VERIFICATION_NONE) {
        buf_append_str(&b, ",\"verification\":");
        (void)verification_status_json(s->verification, &b);
    }
    if (s->prover) {
        buf_append_str(&b, ",\"prover_api\":");
        (void)prover_status_json(s->prover, &b);
    }
    if (!b.failed && b.len)
        memcpy(out, b.p, b.len);
    out[b.failed ? 0 : b.len] = 0;
    buf_clear(&b);
}

void snapshot_refresh(struct settlement *s)
{
    struct settlement_frontiers f = s->snap; /* written by this thread only */
    const uint64_t batches[4] = { s->sealed, s->frontier[BATCH_COMMIT], s->frontier[BATCH_PROVE],
                                  s->frontier[BATCH_EXECUTE] };
    for (int i = 0; i < 4; i++) {
        if (f.batch[i] != batches[i])
            f.block[i] = i == FRONTIER_SEALED ? s->sealed_block : block_of(s, batches[i]);
        f.batch[i] = batches[i];
    }
    uint64_t fin = finalized_batch(s);
    if (fin != f.batch[FRONTIER_FINALIZED]) {
        f.batch[FRONTIER_FINALIZED] = fin;
        f.block[FRONTIER_FINALIZED] = block_of(s, fin);
    }
    char waits[LANE_CNT][sizeof(s->lane_wait[0])];
    for (int i = 0; i < LANE_CNT; i++)
        lane_wait(s, (enum settlement_lane)i, waits[i], sizeof(waits[i]));
    char parts[sizeof(s->parts_json)] = "";
    parts_status(s, parts, sizeof(parts));
    struct hold h = { .active = false };
    for (int i = HOLD_CNT - 1; i >= 0 && !h.active; i--)
        h = s->holds[i];
    pthread_mutex_lock(&s->mutex);
    s->snap = f;
    s->snap_hold = h;
    s->stats.holding = h.active;
    memcpy(s->lane_wait, waits, sizeof(waits));
    s->adopting = batcher_adopting(s);
    memcpy(s->parts_json, parts, sizeof(parts));
    verification_stats_get(s->verification, &s->stats.verification);
    s->stats.has_verification = s->cfg.verification.mode != VERIFICATION_NONE;
    s->stats.has_prover = s->prover != NULL;
    if (s->prover)
        prover_stats_get(s->prover, &s->stats.prover);
    s->can_prove = s->prover || (s->cfg.mock_proofs && s->contracts.is_testnet_verifier);
    s->open_since_ms = s->open.block_cnt ? s->open.b.first_timestamp * 1000 : 0;
    pthread_mutex_unlock(&s->mutex);
}

void settlement_frontiers_get(struct settlement *s, struct settlement_frontiers *out)
{
    pthread_mutex_lock(&s->mutex);
    *out = s->snap;
    pthread_mutex_unlock(&s->mutex);
}

void settlement_stats_get(struct settlement *s, struct settlement_stats *out)
{
    pthread_mutex_lock(&s->mutex);
    uint64_t now = clock_wall_ms(s->deps.clock);
    *out = s->stats;
    out->execute_wait_ms = s->execute_at_ms > now ? s->execute_at_ms - now : 0;
    if (s->snap_hold.active)
        snprintf(out->hold_reason, sizeof(out->hold_reason), "%s", s->snap_hold.reason);
    pthread_mutex_unlock(&s->mutex);
}

/* The mutex is held. */
static void describe_wait(struct settlement *s, uint64_t batch, char *text, size_t cap,
                          uint64_t *eta_ms)
{
    static const char *const steps[LANE_CNT] = { "its commit", "its proof", "its execution" };
    const struct settlement_frontiers *f = &s->snap;
    *eta_ms = UINT64_MAX;
    text[0] = 0;
    if (batch == 0 || batch > f->batch[FRONTIER_SEALED]) {
        if (s->adopting) {
            snprintf(text, cap,
                     "the range of batch %" PRIu64 ", which is on the settlement layer already",
                     s->adopting);
            return;
        }
        uint64_t now = clock_wall_ms(s->deps.clock),
                 due = s->open_since_ms + s->cfg.batch_timeout_ms;
        snprintf(text, cap, s->open_since_ms ? "the batch to be sealed" : "a block");
        if (s->open_since_ms)
            *eta_ms = due > now ? due - now : 0;
        return;
    }
    for (int lane = 0; lane < LANE_CNT; lane++) {
        if (batch <= f->batch[FRONTIER_COMMITTED + lane])
            continue;
        if (s->snap_hold.active)
            snprintf(text, cap, "%s; on hold: %.150s", steps[lane], s->snap_hold.reason);
        else if (lane == LANE_PROVE && !s->can_prove)
            snprintf(text, cap, "a prover");
        else if (lane == LANE_EXECUTE && s->execute_at_ms > clock_wall_ms(s->deps.clock))
            snprintf(text, cap, "the timelock's execution delay");
        else
            snprintf(text, cap, "%s%s%s", steps[lane], s->lane_wait[lane][0] ? "; " : "",
                     s->lane_wait[lane]);
        uint64_t eta = 0;
        bool known = true;
        for (int i = lane; i < LANE_CNT; i++) {
            known = known && s->step_ms[i] > 0;
            eta += s->step_ms[i];
        }
        uint64_t now = clock_wall_ms(s->deps.clock);
        if (s->execute_at_ms > now + eta)
            eta = s->execute_at_ms - now;
        if (known && !s->snap_hold.active)
            *eta_ms = eta;
        return;
    }
    if (s->cfg.l1_finalized && batch > f->batch[FRONTIER_FINALIZED])
        snprintf(text, cap, "%s to finalize the block that executed it", s->cfg.layer.name);
    else
        *eta_ms = 0;
}

void settlement_waits_for(struct settlement *s, uint64_t batch, char *text, size_t cap,
                          uint64_t *eta_ms)
{
    pthread_mutex_lock(&s->mutex);
    describe_wait(s, batch, text, cap, eta_ms);
    pthread_mutex_unlock(&s->mutex);
}

bool settlement_status_json(struct settlement *s, struct buf *out)
{
    static const char *const names[] = { "sealed", "committed", "proved", "executed", "finalized" };
    pthread_mutex_lock(&s->mutex);
    buf_append_str(out, "{\"frontiers\":{");
    for (size_t i = 0; i < GH_COUNT(names); i++)
        buf_printf(out, "%s\"%s\":{\"batch\":%" PRIu64 ",\"block\":%" PRIu64 "}", i ? "," : "",
                   names[i], s->snap.batch[i], s->snap.block[i]);
    buf_append_str(out, "},\"lanes\":{");
    for (int i = 0; i < LANE_CNT; i++) {
        buf_printf(out, "%s\"%s\":{\"waits_for\":", i ? "," : "",
                   settlement_lane_name((enum settlement_lane)i));
        buf_append_json_str(out, s->lane_wait[i]);
        buf_printf(out, ",\"usual_ms\":%" PRIu64 "}", s->step_ms[i]);
    }
    buf_append_str(out, "},\"hold\":");
    if (s->snap_hold.active) {
        buf_append_str(out, "{\"reason\":");
        buf_append_json_str(out, s->snap_hold.reason);
        buf_append_str(out, ",\"remedy\":");
        buf_append_json_str(out, s->snap_hold.remedy);
        buf_append_str(out, "}");
    } else {
        buf_append_str(out, "null");
    }
    buf_printf(out,
               ",\"batches_sealed\":%" PRIu64 ",\"batches_adopted\":%" PRIu64
               ",\"transactions_reverted\":%" PRIu64 ",\"sealed_to_broadcast_ms\":%" PRIu64 "%s}",
               s->stats.sealed, s->stats.adopted, s->stats.reverted_txs,
               s->stats.sealed_to_broadcast_ms, s->parts_json);
    pthread_mutex_unlock(&s->mutex);
    return !out->failed;
}
