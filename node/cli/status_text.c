/* node/cli/status_text.c */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "node/cli/status.h"

const char *status_stage_name(unsigned i)
{
    static const char *const names[5] = { "sealed", "committed", "proved", "executed",
                                          "finalized" };
    return names[i];
}

static void print_age(struct buf *out, uint64_t since_ms, uint64_t now_ms)
{
    uint64_t s = now_ms > since_ms ? (now_ms - since_ms) / 1000 : 0;
    if (since_ms == 0)
        buf_append_str(out, "     -");
    else if (s < 120)
        buf_printf(out, "%4" PRIu64 " s", s);
    else if (s < 7200)
        buf_printf(out, "%4" PRIu64 " m", s / 60);
    else
        buf_printf(out, "%4" PRIu64 " h", s / 3600);
}

static void print_mirror(struct buf *out, const struct status_view *v)
{
    if (!v->mirror.layer)
        return;
    buf_printf(out,
               "messages: roots of chain %" PRIu64 " read to block %" PRIu64
               ", the same as its own at %" PRIu64 "; %" PRIu64 " chains, %" PRIu64 " batches",
               v->mirror.layer, v->mirror.read_to, v->mirror.checked_to, v->mirror.chains,
               v->mirror.batches);
    if (v->on_gateway)
        buf_printf(out, "; on L1 its batch %" PRIu64 " of %" PRIu64, v->mirror.layer_on_l1,
                   v->mirror.layer_known);
    buf_append_str(out, "\n");
    if (v->mirror.problem[0])
        buf_printf(out, "\nMESSAGES: %s\n", v->mirror.problem);
}

static void print_batches(struct buf *out, const struct status_view *v, uint64_t now_ms)
{
    buf_append_str(out,
                   "\n   batch  blocks             txs (L1/L2)     age  stage      waits for\n");
    for (size_t i = 0; i < v->batch_cnt; i++) {
        const struct status_batch *b = &v->batches[i];
        char blocks[48], txs[32];
        snprintf(blocks, sizeof(blocks), "%" PRIu64 "-%" PRIu64, b->first_block, b->last_block);
        snprintf(txs, sizeof(txs), "%" PRIu64 "/%" PRIu64, b->l1_txs, b->l2_txs);
        buf_printf(out, "%8" PRIu64 "  %-17s  %-13s  ", b->number, blocks, txs);
        print_age(out, b->sealed_at_ms, now_ms);
        buf_printf(out, "  %-9s  %s", b->stage, b->waits_for);
        if (b->waits_for[0] && b->eta_ms != UINT64_MAX)
            buf_printf(out, " (about %" PRIu64 " s)", (b->eta_ms + 999) / 1000);
        buf_append_str(out, "\n");
    }
    if (v->batch_cnt == 0)
        buf_append_str(out, "          none sealed yet\n");
}

void status_print_text(struct buf *out, const struct status_view *v, uint64_t now_ms)
{
    buf_printf(out, "chain %" PRIu64 "   block %" PRIu64, v->chain_id, v->head);
    if (v->settles_on)
        buf_printf(out, "   settles on %s%" PRIu64, v->on_gateway ? "Gateway " : "L1 ",
                   v->settles_on);
    if (v->from_node)
        buf_printf(out, "   %s%s%s\n",
                   v->accepting ? "accepting transactions" : "NOT accepting transactions",
                   v->not_accepting[0] ? ": " : "", v->not_accepting);
    else
        buf_append_str(out, "   (no node answers; read from the store)\n");
    for (unsigned i = 0; i < 5; i++)
        if (v->from_node || i < 4)
            buf_printf(out, "%s%s %" PRIu64, i ? ", " : "batches: ", status_stage_name(i),
                       v->frontier_batch[i]);
    buf_append_str(out, "\n");
    print_mirror(out, v);
    if (v->hold_reason[0])
        buf_printf(out, "\nSETTLEMENT ON HOLD: %s\n  remedy: %s\n", v->hold_reason, v->hold_remedy);
    if (v->l1_problem[0])
        buf_printf(out, "\nL1: %s\n", v->l1_problem);
    if (v->gateway_problem[0])
        buf_printf(out, "\nGateway: %s\n", v->gateway_problem);
    print_batches(out, v, now_ms);
    for (size_t i = 0; i < v->sender_cnt; i++) {
        size_t len = strlen(v->senders[i].balance_wei);
        buf_printf(out, "%s%-8s %s  ", i ? "" : "\n", v->senders[i].lane, v->senders[i].address);
        if (len > 18)
            buf_printf(out, "%.*s.%.4s ETH", (int)(len - 18), v->senders[i].balance_wei,
                       v->senders[i].balance_wei + len - 18);
        else
            buf_printf(out, "%s wei", v->senders[i].balance_wei);
        buf_printf(out, "%s%s\n", v->senders[i].note[0] ? "  " : "", v->senders[i].note);
    }
}

void status_print_json(struct buf *out, const struct status_view *v)
{
    buf_printf(out,
               "{\"source\":\"%s\",\"chainId\":%" PRIu64 ",\"head\":%" PRIu64
               ",\"accepting\":%s,\"frontiers\":{",
               v->from_node ? "node" : "store", v->chain_id, v->head,
               v->from_node ? (v->accepting ? "true" : "false") : "null");
    for (unsigned i = 0; i < 5; i++)
        buf_printf(out, "%s\"%s\":{\"batch\":%" PRIu64 ",\"block\":%" PRIu64 "}", i ? "," : "",
                   status_stage_name(i), v->frontier_batch[i], v->frontier_block[i]);
    buf_append_str(out, "},\"hold\":");
    if (v->hold_reason[0]) {
        buf_append_str(out, "{\"reason\":");
        buf_append_json_str(out, v->hold_reason);
        buf_append_str(out, ",\"remedy\":");
        buf_append_json_str(out, v->hold_remedy);
        buf_append_str(out, "}");
    } else {
        buf_append_str(out, "null");
    }
    buf_append_str(out, ",\"batches\":[");
    for (size_t i = 0; i < v->batch_cnt; i++) {
        const struct status_batch *b = &v->batches[i];
        buf_printf(out,
                   "%s{\"number\":%" PRIu64 ",\"firstBlock\":%" PRIu64 ",\"lastBlock\":%" PRIu64
                   ",\"l1Txs\":%" PRIu64 ",\"l2Txs\":%" PRIu64 ",\"sealedAtMs\":%" PRIu64
                   ",\"stage\":\"%s\",\"waitsFor\":",
                   i ? "," : "", b->number, b->first_block, b->last_block, b->l1_txs, b->l2_txs,
                   b->sealed_at_ms, b->stage);
        buf_append_json_str(out, b->waits_for);
        if (b->eta_ms == UINT64_MAX)
            buf_append_str(out, ",\"etaMs\":null}");
        else
            buf_printf(out, ",\"etaMs\":%" PRIu64 "}", b->eta_ms);
    }
    buf_append_str(out, "]}\n");
}
