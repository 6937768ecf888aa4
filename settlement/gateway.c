/* settlement/gateway.c
 *
 * What is different where the layer is a Gateway (spec 30 §8.2, §9; spec 40 §6.7).
 *
 * A batch that is committed and then refused at its execution stops the chain for good, so a Gateway is asked before the commit: are the
 * batch's priority operations relayed there, and does GWAssetTracker take its logs? The question is asked as the chain's diamond, and again
 * until the answer is yes. While earlier batches are not executed the answer is that its number is not the next one, which comes after every other
 * check but the fee; any other no may then depend on them, and waits for them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "contracts-abi/gen/errors.h"
#include "contracts-abi/revert.h"
#include "node/base/log.h"
#include "node/sender/signer.h"
#include "settlement/internal.h"

#define GW_ASSET_TRACKER 0x10010u
#define ARENA_CHUNK      (64u << 10)
#define ARENA_LIMIT      (1u << 30)
#define MAX_QUESTION     (8u << 20)
#define ASK_AGAIN_MS     2000
#define QUESTION_GAS     80000000u /* an execution has no more than that in a Gateway's block */

struct addr gateway_fee_payer(const struct settlement *s)
{
    const struct signer *key = s->deps.signers[LANE_EXECUTE];
    return key && s->cfg.layer.is_gateway ? signer_addr(key) : (struct addr){ { 0 } };
}

/* ---- relayed operations ---- */

static bool is_relayed(struct settlement *s, const struct batch_row *row)
{
    uint64_t need = row->first_priority_id + row->l1_tx_cnt;
    s->gate.relay[0] = 0;
    if (row->l1_tx_cnt == 0 || need <= s->relayed)
        return true;
    snprintf(s->gate.relay, sizeof(s->gate.relay),
             "the Gateway to relay the chain's priority operations up to %" PRIu64
             "; it has %" PRIu64,
             need - 1, s->relayed);
    s->wants_contracts = true;
    return false;
}

void gateway_on_relayed(struct settlement *s, uint64_t total)
{
    if (total > s->relayed)
        s->relayed = total;
}

/* ---- the question ---- */

static void passed(struct settlement *s)
{
    s->gate.passed = s->gate.number;
    s->gate.wait[0] = 0;
    hold_clear(s, HOLD_GATEWAY);
    settlement_run(s);
}

static void refused(struct settlement *s, const char *why)
{
    char text[HOLD_TEXT_CAP];
    s->gate.again_at_ms = clock_mono_ms(s->deps.clock) + ASK_AGAIN_MS;
    if (s->gate.number > s->frontier[BATCH_EXECUTE] + 1) {
        snprintf(s->gate.wait, sizeof(s->gate.wait),
                 "the batches before %" PRIu64
                 " to be executed; until then the Gateway says %.150s",
                 s->gate.number, why);
        snapshot_refresh(s);
        return;
    }
    snprintf(s->gate.wait, sizeof(s->gate.wait), "the Gateway to accept its logs: %.180s", why);
    snprintf(text, sizeof(text),
             "the Gateway would refuse the logs of batch %" PRIu64
             " at its execution, so it is not committed: %.250s",
             s->gate.number, why);
    hold_set(
        s, HOLD_GATEWAY, text,
        "remove the cause on the Gateway (funds of the chain there, the settlement fee payer's "
        "agreement); it is asked again by itself");
}

static void on_answer(void *arg, const struct eth_reply *reply, struct bytes out)
{
    struct settlement *s = arg;
    char why[ABI_REVERT_TEXT_CAP];
    (void)out;
    s->gate.request = NULL;
    if (!reply->err) {
        passed(s);
        return;
    }
    bool reverted = reply->err->kind == ERR_REJECTED && reply->has_revert_data;
    if (reverted && reply->revert_data.len >= 4 &&
        load_be32(reply->revert_data.p) == ABI_V31_NON_CONSECUTIVE_BATCH_NUMBER_ERROR &&
        s->gate.number > s->frontier[BATCH_EXECUTE] + 1) {
        passed(s);
        return;
    }
    if (reverted) {
        abi_format_revert(why, sizeof(why), reply->revert_data);
        refused(s, why);
    } else if (reply->err->kind == ERR_REJECTED) {
        refused(s, reply->err->msg);
    } else {
        s->gate.again_at_ms = clock_mono_ms(s->deps.clock) + ASK_AGAIN_MS;
        snprintf(s->gate.wait, sizeof(s->gate.wait), "the Gateway to answer: %.180s",
                 reply->err->msg);
    }
}

static bool ask(struct settlement *s, const struct batch_row *row, struct err *err)
{
    struct arena arena;
    struct buf data;
    struct proto_execute_batch b = { .multichain_root = row->multichain_root };
    struct addr payer = gateway_fee_payer(s);
    arena_init_growing(&arena, ARENA_CHUNK, ARENA_LIMIT);
    buf_init(&data, MAX_QUESTION);
    row_to_stored(row, &b.stored);
    bool ok = gateway_fill_logs(s, row, &arena, &b, err);
    if (ok && !s->proto->process_logs(&data, &arena, s->cfg.chain_id, &b, &payer))
        ok = err_set(err, ERR_LOCAL, "logs of batch %" PRIu64 " cannot be encoded", row->number);
    if (ok) {
        struct eth_call_msg msg = { .has_from = true,
                                    .from = s->contracts.diamond,
                                    .has_to = true,
                                    .to = addr_of_u32(GW_ASSET_TRACKER),
                                    .data = bytes_of(data.p, data.len),
                                    .gas = QUESTION_GAS };
        s->gate.request = eth_call(s->deps.sl, &msg, ETH_AT_LATEST, NULL, NULL, on_answer, s, err);
        ok = s->gate.request != NULL;
    }
    buf_clear(&data);
    arena_clear(&arena);
    return ok;
}

bool gateway_lets_commit(struct settlement *s, uint64_t number)
{
    struct batch_row row;
    struct err err = { .kind = ERR_NONE };
    bool found = false;
    if (!s->cfg.layer.is_gateway || s->gate.passed == number)
        return true;
    if (s->gate.request || clock_mono_ms(s->deps.clock) < s->gate.again_at_ms)
        return false;
    if (!batch_load(s->reader, number, &row, &found, &err) || !found || !is_relayed(s, &row))
        return false;
    s->gate.number = number;
    if (!ask(s, &row, &err)) {
        s->gate.again_at_ms = clock_mono_ms(s->deps.clock) + ASK_AGAIN_MS;
        snprintf(s->gate.wait, sizeof(s->gate.wait), "another try; %.180s", err.msg);
    }
    return false;
}

bool gateway_lets_execute(struct settlement *s, const struct batch_row *row)
{
    return !s->cfg.layer.is_gateway || is_relayed(s, row);
}

/* A hold of ours stops everything else, so the question that may lift it is asked from here. */
void gateway_run(struct settlement *s)
{
    if (s->holds[HOLD_GATEWAY].active && s->started && !s->stopped)
        (void)gateway_lets_commit(s, s->gate.number);
}

void gateway_stop(struct settlement *s)
{
    eth_cancel(s->gate.request);
    s->gate.request = NULL;
}

void gateway_forget(struct settlement *s)
{
    gateway_stop(s);
    s->gate.passed = 0;
    s->relayed = 0;
}

/* ---- logs with their messages ---- */

bool gateway_fill_logs(struct settlement *s, const struct batch_row *row, struct arena *arena,
                       struct proto_execute_batch *out, struct err *err)
{
    struct stf_l2_log *all = arena_alloc(arena, (size_t)row->l2_log_cnt * sizeof(*all));
    size_t n = 0;
    if (!all)
        return err_set(err, ERR_LOCAL, "out of memory");
    for (uint64_t b = row->first_block; b <= row->last_block; b++) {
        struct batch_block blk;
        if (!s->deps.load_block(s->deps.arg, b, arena, &blk, err))
            return false;
        if (blk.l2_log_cnt > row->l2_log_cnt - n)
            return err_set(err, ERR_LOCAL,
                           "batch %" PRIu64 " has more logs than when it was sealed", row->number);
        for (size_t i = 0; i < blk.l2_log_cnt; i++)
            all[n++] = blk.l2_logs[i];
    }
    out->logs = all;
    out->log_cnt = n;
    out->multichain_root = row->multichain_root;
    return true;
}
