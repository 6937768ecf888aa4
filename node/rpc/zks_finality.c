/* node/rpc/zks_finality.c
 *
 * How final something is, what it waits for, and how long that may take (spec 50 §5.9). */
#include "node/rpc/encode.h"
#include "node/rpc/handlers.h"
#include "node/rpc/params.h"

static const char *stage_of(uint64_t n, uint64_t finalized, uint64_t executed, uint64_t committed)
{
    return n <= finalized   ? "finalized"
           : n <= executed  ? "executed"
           : n <= committed ? "committed"
                            : "pending";
}

/* Members waitsFor and estimateMs; batch 0: the one being filled. */
static void wait_members(struct rpc_call *c, uint64_t batch, bool done)
{
    const struct rpc_settlement_ops *ops = &c->r->d.settlement;
    char text[512] = "";
    uint64_t eta = UINT64_MAX;
    if (done) {
        jm_null(c->out, "waitsFor");
        jm_number(c->out, "estimateMs", 0);
        return;
    }
    if (ops->waits_for)
        ops->waits_for(ops->ctx, batch, text, sizeof(text), &eta);
    if (text[0])
        jm_text(c->out, "waitsFor", text);
    else
        jm_text(c->out, "waitsFor", batch ? "settlement" : "its batch to be sealed");
    if (eta == UINT64_MAX)
        jm_null(c->out, "estimateMs");
    else
        jm_number(c->out, "estimateMs", eta);
}

static void write_finality(struct rpc_call *c, const char *stage, uint64_t block, bool has_batch,
                           uint64_t batch, bool executed)
{
    js_open(c->out, '{');
    jm_text(c->out, "stage", stage);
    jm_number(c->out, "blockNumber", block);
    if (has_batch)
        jm_number(c->out, "batchNumber", batch);
    else
        jm_null(c->out, "batchNumber");
    wait_members(c, has_batch ? batch : 0, executed);
    js_close(c->out, '}');
}

static bool block_finality(struct rpc_call *c, uint64_t block)
{
    struct rpc_frontiers f = rpc_frontiers_get(c);
    if (!rpc_reader(c))
        return false;
    const struct batch_row *row = rpc_batch_of_block(c, block);
    bool genesis = block == 0;
    write_finality(c,
                   stage_of(block, f.finalized_executed_block, f.executed_block, f.committed_block),
                   block, row || genesis, row ? row->number : 0, block <= f.executed_block);
    return true;
}

bool rpc_zks_block_finality(struct rpc_call *c)
{
    struct block_id id;
    if (!param_block(c, 0, &id))
        return false;
    return id.found ? block_finality(c, id.number) : rpc_null(c);
}

bool rpc_zks_tx_finality(struct rpc_call *c)
{
    struct b256 hash;
    const struct chain_block *b;
    uint32_t index;
    bool found;
    if (!param_hash(c, 0, "transaction hash", &hash) ||
        !rpc_tx_locate(c, &hash, &b, &index, &found))
        return false;
    if (!found)
        return rpc_null(c);
    uint64_t block = b->r.header.number;
    rpc_block_release(c, b);
    return block_finality(c, block);
}

bool rpc_zks_batch_finality(struct rpc_call *c)
{
    struct batch_row row = { 0 };
    uint64_t n;
    bool found;
    if (!param_u64(c, 0, "batch number", &n) || !rpc_batch_get(c, n, &row, &found))
        return false;
    if (!found && n != 0)
        return rpc_null(c);
    struct rpc_frontiers f = rpc_frontiers_get(c);
    write_finality(c, stage_of(n, f.finalized_executed_batch, f.executed_batch, f.committed_batch),
                   row.last_block, true, n, n <= f.executed_batch);
    return true;
}

bool rpc_zks_finality_status(struct rpc_call *c)
{
    struct buf *b = c->out;
    struct rpc_frontiers f = rpc_frontiers_get(c);
    struct chain_head h = chain_head_get(c->r->d.chain);
    uint64_t next = f.executed_batch < f.sealed_batch ? f.executed_batch + 1 : 0;
    bool all_done = f.executed_block >= h.number;
    js_open(b, '{');
    jm_number(b, "lastSealedBlock", h.number);
    jm_number(b, "lastSealedBatch", f.sealed_batch);
    jm_number(b, "lastCommittedBlock", f.committed_block);
    jm_number(b, "lastCommittedBatch", f.committed_batch);
    jm_number(b, "lastProvedBlock", f.proved_block);
    jm_number(b, "lastProvedBatch", f.proved_batch);
    jm_number(b, "lastExecutedBlock", f.executed_block);
    jm_number(b, "lastExecutedBatch", f.executed_batch);
    jm_number(b, "lastFinalizedExecutedBlock", f.finalized_executed_block);
    jm_number(b, "lastFinalizedExecutedBatch", f.finalized_executed_batch);
    js_key(b, "next");
    js_open(b, '{');
    if (next)
        jm_number(b, "batchNumber", next);
    else
        jm_null(b, "batchNumber");
    jm_text(b, "stage",
            all_done                    ? "settled"
            : next == 0                 ? "open"
            : next <= f.proved_batch    ? "proved"
            : next <= f.committed_batch ? "committed"
                                        : "sealed");
    wait_members(c, next, all_done);
    js_close(b, '}');
    js_close(b, '}');
    return true;
}
