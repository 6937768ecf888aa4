/* settlement/gateway.c
 *
 * What is different where the layer is a Gateway (spec 30 §8.2, §9; spec 40 §6.7).
 *
 * A batch that is committed and then refused at its execution stops the chain for good, so a Gateway is asked before the commit: are the
 * batch's priority operations relayed there, does GWAssetTracker take its logs, does the MessageRoot keep the roots it depends on? The question is asked as the chain's diamond, and again
 * until the answer is yes. While earlier batches are not executed the answer is that its number is not the next one, which comes after every other
 * check but the fee; any other no may then depend on them, and waits for them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "contracts-abi/gen/errors.h"
#include "contracts-abi/gen/message_root.h"
#include "contracts-abi/revert.h"
#include "node/base/log.h"
#include "node/sender/signer.h"
#include "settlement/internal.h"

#define GW_ASSET_TRACKER 0x10010u
#define GW_MESSAGE_ROOT  0x10005u
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

/* ---- how much an execution carries ---- */

#define LOG_LEN     192u /* six words */
#define MESSAGE_LEN 64u  /* offset and length, before its bytes */
#define ROOT_LEN    192u
#define ROW_LEN     1024u /* stored batch, paths, offsets */

size_t gateway_execution_len(const struct batch_block *b)
{
    size_t len =
        b->l2_log_cnt * LOG_LEN + (size_t)b->l1_tx_cnt * 32 + b->interop_root_cnt * ROOT_LEN;
    for (size_t i = 0; i < b->l2_log_cnt; i++)
        if (b->l2_logs[i].is_message)
            len += MESSAGE_LEN + (b->l2_logs[i].message.len + 31) / 32 * 32;
    return len;
}

/* From the rows alone, so from above: messages are part of the pubdata, and a batch with interop roots goes alone or first. */
uint64_t gateway_execution_end(struct settlement *s, uint64_t from, uint64_t to)
{
    size_t len = 0;
    for (uint64_t n = from; s->cfg.layer.is_gateway && n <= to; n++) {
        struct batch_row row;
        struct err err;
        bool found = false;
        if (!batch_load(s->reader, n, &row, &found, &err) || !found)
            return n > from ? n - 1 : to;
        if (n > from && !b256_is_zero(&row.dependency_roots_hash))
            return n - 1;
        size_t messages = row.l2_log_cnt > row.l1_tx_cnt ? (size_t)row.pubdata_len : 0;
        len += ROW_LEN + (size_t)row.l2_log_cnt * (LOG_LEN + MESSAGE_LEN + 32) +
               (size_t)row.l1_tx_cnt * 32 + messages;
        if (len > GATEWAY_EXECUTION_MAX && n > from)
            return n - 1;
    }
    return to;
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

static void no_answer(struct settlement *s, const struct err *why)
{
    s->gate.again_at_ms = clock_mono_ms(s->deps.clock) + ASK_AGAIN_MS;
    snprintf(s->gate.wait, sizeof(s->gate.wait), "the Gateway to answer: %.180s", why->msg);
}

/* The batch would be refused at its execution. While there are others to execute before it, they go on. */
static void refused(struct settlement *s, const char *why, const char *remedy)
{
    char text[HOLD_TEXT_CAP];
    s->gate.again_at_ms = clock_mono_ms(s->deps.clock) + ASK_AGAIN_MS;
    if (s->gate.number > s->frontier[BATCH_EXECUTE] + 1) {
        snprintf(s->gate.wait, sizeof(s->gate.wait),
                 "the batches before %" PRIu64
                 " to be executed; until then the Gateway refuses it: "
                 "%.150s",
                 s->gate.number, why);
        snapshot_refresh(s);
        return;
    }
    snprintf(s->gate.wait, sizeof(s->gate.wait), "the Gateway to accept it: %.180s", why);
    snprintf(text, sizeof(text),
             "the Gateway would refuse batch %" PRIu64
             " at its execution, so it is not committed: %.250s",
             s->gate.number, why);
    hold_set(s, HOLD_GATEWAY, text, remedy);
}

/* ---- the interop roots it depends on: the Gateway must keep exactly these (spec 40 §5.2) ---- */

static void on_roots(void *arg, const struct err *failed)
{
    struct settlement *s = arg;
    s->gate.read = NULL;
    if (failed) {
        no_answer(s, failed);
        return;
    }
    for (size_t i = 0; i < s->gate.batch.root_cnt; i++) {
        const struct stf_interop_root *r = &s->gate.batch.roots[i];
        struct b256 there;
        struct err err = { .kind = ERR_NONE };
        if (contract_word(&s->gate.calls[i], &there, &err) && b256_eq(&there, &r->root))
            continue;
        char text[160];
        snprintf(text, sizeof(text),
                 "it depends on a root of the Gateway's block %" PRIu64
                 " that the Gateway does not keep",
                 r->block_or_batch.w[0]);
        refused(s, text,
                "compare this node's Gateway endpoint with another one; if the Gateway's history "
                "changed, the blocks from that import on must be made again");
        return;
    }
    passed(s);
}

static void ask_roots(struct settlement *s)
{
    struct batch_row row;
    struct err err = { .kind = ERR_NONE };
    bool found = false;
    arena_reset(&s->gate.arena);
    s->gate.batch = (struct proto_execute_batch){ 0 };
    bool ok = batch_load(s->reader, s->gate.number, &row, &found, &err) && found &&
              submit_fill_roots(s, &row, &s->gate.arena, &s->gate.batch, &err);
    size_t n = s->gate.batch.root_cnt;
    if (ok && n == 0) {
        passed(s);
        return;
    }
    s->gate.calls = ok ? arena_zalloc(&s->gate.arena, n * sizeof(*s->gate.calls)) : NULL;
    for (size_t i = 0; s->gate.calls && i < n; i++) {
        struct b256 block = u256_to_b256(&s->gate.batch.roots[i].block_or_batch);
        s->gate.calls[i] = (struct contract_call){
            .name = "historicalRoot",
            .to = addr_of_u32(GW_MESSAGE_ROOT),
            .data = contract_calldata(&s->gate.arena, ABI_V31_HISTORICAL_ROOT_SELECTOR, &block, 1)
        };
    }
    if (s->gate.calls)
        s->gate.read = contract_read_start(s->deps.sl, ETH_AT_LATEST, s->gate.calls, n,
                                           &s->gate.arena, on_roots, s, &err);
    if (!s->gate.read)
        no_answer(s, &err);
}

/* ---- the logs ---- */

static const char logs_remedy[] =
    "remove the cause on the Gateway (funds of the chain there, the settlement fee payer's "
    "agreement); it is asked again by itself";

static void on_answer(void *arg, const struct eth_reply *reply, struct bytes out)
{
    struct settlement *s = arg;
    char why[ABI_REVERT_TEXT_CAP];
    (void)out;
    s->gate.request = NULL;
    bool reverted = reply->err && eth_is_revert(reply);
    bool only_the_number =
        reverted && reply->revert_data.len >= 4 &&
        load_be32(reply->revert_data.p) == ABI_V31_NON_CONSECUTIVE_BATCH_NUMBER_ERROR &&
        s->gate.number > s->frontier[BATCH_EXECUTE] + 1;
    if (!reply->err || only_the_number) {
        ask_roots(s);
    } else if (reverted) {
        if (reply->has_revert_data)
            abi_format_revert(why, sizeof(why), reply->revert_data);
        else
            snprintf(why, sizeof(why), "%s", reply->err->msg);
        refused(s, why, logs_remedy);
    } else {
        no_answer(s, reply->err);
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
    if (s->gate.request || s->gate.read || clock_mono_ms(s->deps.clock) < s->gate.again_at_ms)
        return false;
    s->gate.number = number;
    if (!batch_load(s->reader, number, &row, &found, &err) || !found || !is_relayed(s, &row))
        return false;
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

/* A hold of ours stops everything else, so the question that may lift it is asked from here. Where somebody else committed the batch there is
 * nothing left to ask. */
void gateway_run(struct settlement *s)
{
    if (s->gate.number && s->gate.number <= s->frontier[BATCH_COMMIT])
        gateway_discard(s);
    if (s->holds[HOLD_GATEWAY].active && s->started && !s->stopped)
        (void)gateway_lets_commit(s, s->gate.number);
}

void gateway_create(struct settlement *s)
{
    arena_init_growing(&s->gate.arena, 1u << 14, ARENA_LIMIT);
}

void gateway_destroy(struct settlement *s)
{
    arena_clear(&s->gate.arena);
}

void gateway_stop(struct settlement *s)
{
    eth_cancel(s->gate.request);
    s->gate.request = NULL;
    contract_read_cancel(s->gate.read);
    s->gate.read = NULL;
}

void gateway_discard(struct settlement *s)
{
    gateway_stop(s);
    s->gate.number = s->gate.passed = 0;
    s->gate.again_at_ms = 0;
    s->gate.wait[0] = s->gate.relay[0] = 0;
    hold_clear(s, HOLD_GATEWAY);
}

void gateway_forget(struct settlement *s)
{
    gateway_discard(s);
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
