/* node/rpc/zks_messages.c
 *
 * Proofs of L2->L1 logs (spec 40 §3, §4.1): for the settlement layer, for L1 through it, for other chains. A proof is walked the way the contract
 * does it, and leads to a root that the layer is known to have, before it is given out. While it cannot be had the answer is null, because
 * clients wait on null and give up on errors; gh_explainProof says why. */
#include <inttypes.h>
#include <stdio.h>

#include "interop/message_proof.h"
#include "interop/mirror.h"
#include "node/base/hash.h"
#include "node/rpc/encode.h"
#include "node/rpc/handlers.h"
#include "node/rpc/log_trees.h"
#include "node/rpc/params.h"

enum target { TARGET_L1, TARGET_MESSAGES };
enum stage {
    STAGE_BLOCK,  /* in no batch yet */
    STAGE_BATCH,  /* the batch is not executed */
    STAGE_MIRROR, /* executed, and not read on the layer yet */
    STAGE_LAYER,  /* the layer's own batch is not known */
    STAGE_L1,     /* it is not executed on L1 */
    STAGE_READY,
};
static const char *const stage_names[] = { "block", "batch", "mirror", "settlement-layer-batch",
                                           "l1",    "ready" };

struct query {
    enum target target;
    uint64_t index; /* within the transaction's l2ToL1Logs */
    bool
        has_at; /* proved as of this block of the layer, not as of the one that executed the batch */
    uint64_t at;
};
struct place { /* of a log, and how far it is */
    enum stage stage;
    uint64_t block;
    size_t in_block; /* logs of the block before it */
    bool has_batch, through_layer;
    struct batch_row row;
    uint64_t executed_in;         /* block of the layer */
    struct layer_batch_row layer; /* number 0: not known */
    struct mirror_root root;      /* of the block that the proof is made for */
};

/* ---- how far it is ---- */

static bool to_messages(struct rpc_call *c, const struct query *q, struct place *p)
{
    struct mirror *m = atomic_load(&c->r->mirror);
    uint64_t at = q->has_at ? q->at : p->executed_in;
    if (at < p->executed_in)
        return rpc_fail(c, RPC_PARAMS,
                        "the batch is executed in block %" PRIu64
                        " of the settlement layer: no earlier block proves it",
                        p->executed_in);
    p->stage = STAGE_READY;
    if (m && mirror_root_of_block(m, at, &p->root))
        return true;
    struct b256 root;
    if (q->has_at && m && mirror_root_at(m, at, &root))
        return rpc_fail(c, RPC_PARAMS,
                        "block %" PRIu64 " of the settlement layer has no message root of its own",
                        at);
    p->stage = STAGE_MIRROR;
    return true;
}

static bool to_l1(struct rpc_call *c, struct place *p)
{
    struct mirror *m = atomic_load(&c->r->mirror);
    struct mirror_root root;
    struct err err = { 0 };
    bool found = false;
    if (!m || !mirror_root_of_block(m, p->executed_in, &root)) {
        p->stage = STAGE_MIRROR;
        return true;
    }
    if (!layer_batch_of_block(c->s->reader, p->row.sl_chain_id, p->executed_in, &p->layer, &found,
                              &err))
        return rpc_fail_err(c, &err);
    p->stage = !found ? STAGE_LAYER : !p->layer.on_l1 ? STAGE_L1 : STAGE_READY;
    return true;
}

static bool find_place(struct rpc_call *c, const struct chain_block *b, uint32_t tx,
                       const struct query *q, struct place *p)
{
    *p = (struct place){ .block = b->r.header.number, .stage = STAGE_BLOCK };
    for (uint32_t i = 0; i < tx; i++)
        p->in_block += b->r.txs[i].l2_log_cnt;
    p->in_block += (size_t)q->index;
    const struct batch_row *found = rpc_batch_of_block(c, p->block);
    if (!found)
        return c->code == 0;
    p->has_batch = true;
    p->row = *found;
    p->stage = STAGE_BATCH;
    uint64_t l1 = rpc_contracts_get(c->r).l1_chain_id;
    p->through_layer = l1 != 0 && p->row.sl_chain_id != l1;
    if (!p->row.step[BATCH_EXECUTE].done)
        return true;
    p->executed_in = p->row.step[BATCH_EXECUTE].sl_block;
    if (q->target == TARGET_MESSAGES)
        return p->through_layer ? to_messages(c, q, p)
                                : rpc_fail(c, RPC_SERVER,
                                           "messageRoot proofs need a batch settled on a Gateway");
    p->stage = STAGE_READY;
    return !p->through_layer || to_l1(c, p);
}

/* ---- the proof ---- */

static bool build(struct rpc_call *c, const struct query *q, const struct place *p,
                  const struct message_claim *claim, struct message_proof *out)
{
    struct mirror *m = atomic_load(&c->r->mirror);
    struct message_root_path path;
    struct err err = { 0 };
    bool messages = q->target == TARGET_MESSAGES, ok;
    if (!p->through_layer) {
        ok = message_proof_direct(out, claim, &err);
    } else if (!mirror_prove(m, claim->chain, claim->batch,
                             messages ? p->root.block : p->layer.last_block, &path)) {
        ok = err_set(&err, ERR_DIVERGED, "the settlement layer's tree does not have it");
    } else if (messages) {
        ok = message_proof_messages(out, claim, &path, p->row.sl_chain_id, p->root.block,
                                    &p->root.root, &err);
    } else {
        ok = message_proof_l1(out, claim, &path, p->row.sl_chain_id, p->layer.number,
                              &p->layer.logs_root, &p->layer.root, &err);
    }
    return ok || rpc_fail(c, RPC_INTERNAL, "internal error: batch %" PRIu64 ": %s", p->row.number,
                          err.msg);
}

static bool prove(struct rpc_call *c, const struct query *q, const struct place *p,
                  struct message_proof *out)
{
    const struct rpc_batch_logs *l = rpc_log_tree_take(c, &p->row);
    if (!l)
        return false;
    struct message_claim claim = { .chain = c->r->d.cfg->genesis.chain_id,
                                   .batch = p->row.number,
                                   .logs = l->tree,
                                   .index = p->in_block + l->first_log[p->block - l->first_block],
                                   .multichain_root = p->row.multichain_root,
                                   .batch_root = p->row.l2_logs_tree_root };
    bool ok = build(c, q, p, &claim, out);
    rpc_log_tree_give(c, l);
    return ok;
}

static void write_proof(struct buf *b, const struct place *p, const struct message_proof *proof)
{
    js_open(b, '{');
    jm_number(b, "batchNumber", proof->batch);
    jm_number(b, "batch_number", proof->batch);
    js_key(b, "proof");
    js_open(b, '[');
    for (size_t i = 0; i < proof->cnt; i++)
        js_hex(b, proof->words[i].b, 32);
    js_close(b, ']');
    jm_number(b, "id", proof->index);
    jm_hash(b, "root", &proof->batch_root);
    if (p->through_layer)
        jm_number(b, "gatewayBlockNumber", p->root.block ? p->root.block : p->executed_in);
    else
        jm_null(b, "gatewayBlockNumber");
    js_close(b, '}');
}

static bool answer(struct rpc_call *c, const struct chain_block *b, uint32_t tx,
                   const struct query *q)
{
    struct place p = { 0 };
    struct message_proof *proof = arena_alloc(&c->s->arena, sizeof(*proof));
    size_t own = b->r.txs[tx].l2_log_cnt;
    if (!proof)
        return rpc_no_memory(c);
    if (!find_place(c, b, tx, q, &p))
        return false;
    if (p.stage != STAGE_READY)
        return rpc_null(c);
    if (q->index >= own)
        return rpc_fail(c, RPC_PARAMS,
                        "provided L2->L1 log index (%" PRIu64
                        ") does not exist; there are only %zu L2->L1 logs in the transaction",
                        q->index, own);
    if (!prove(c, q, &p, proof))
        return false;
    write_proof(c->out, &p, proof);
    return true;
}

/* ---- parameters ---- */

/* Number within the transaction's l2ToL1Logs: JSON number, decimal or hex text; missing: 0. */
static bool index_param(struct rpc_call *c, size_t at, uint64_t *out)
{
    const json_t *v = param_at(c, at);
    struct u256 n;
    *out = 0;
    if (!v)
        return true;
    const char *s = json_string_value(v);
    if (s && u256_parse_dec(&n, s, json_string_length(v)) && u256_fits_u64(&n)) {
        *out = n.w[0];
        return true;
    }
    return value_u64(c, v, "log index", out);
}

static bool target_param(struct rpc_call *c, enum target *out)
{
    const json_t *v = param_at(c, 2);
    *out = TARGET_L1;
    if (!v)
        return true;
    const char *s = json_string_value(v);
    static const char *const of_batch[] = { "l1BatchRoot", "gw_chain_batch_root" };
    static const char *const of_messages[] = { "messageRoot", "proof_based_gw", "gw_message_root" };
    for (size_t i = 0; s && i < GH_COUNT(of_batch); i++)
        if (strcmp(s, of_batch[i]) == 0)
            return true;
    for (size_t i = 0; s && i < GH_COUNT(of_messages); i++)
        if (strcmp(s, of_messages[i]) == 0) {
            *out = TARGET_MESSAGES;
            return true;
        }
    return rpc_fail(c, RPC_PARAMS, "invalid params: target: expected l1BatchRoot or messageRoot");
}

static bool query_params(struct rpc_call *c, struct b256 *hash, struct query *q)
{
    *q = (struct query){ 0 };
    if (!param_hash(c, 0, "transaction hash", hash) || !index_param(c, 1, &q->index) ||
        !target_param(c, &q->target))
        return false;
    q->has_at = param_at(c, 3) != NULL;
    if (q->has_at && q->target != TARGET_MESSAGES)
        return rpc_fail(c, RPC_PARAMS,
                        "invalid params: a block of the settlement layer goes with messageRoot");
    return !q->has_at || param_u64(c, 3, "block of the settlement layer", &q->at);
}

bool rpc_zks_log_proof(struct rpc_call *c)
{
    struct b256 hash;
    struct query q;
    const struct chain_block *b;
    uint32_t tx;
    bool found;
    if (!query_params(c, &hash, &q) || !rpc_tx_locate(c, &hash, &b, &tx, &found))
        return false;
    if (!found)
        return rpc_null(c);
    bool ok = answer(c, b, tx, &q);
    rpc_block_release(c, b);
    return ok;
}

/* ---- a message by what it says: block, sender, hash of the message, and which of several equal ones ---- */

static bool find_message(const struct chain_block *b, const struct b256 *key,
                         const struct b256 *value, uint64_t which, uint32_t *tx, uint64_t *index)
{
    for (*tx = 0; *tx < b->r.tx_cnt; (*tx)++) {
        const struct block_tx *t = &b->r.txs[*tx];
        for (*index = 0; *index < t->l2_log_cnt; (*index)++) {
            const struct stf_l2_log *l = &t->l2_logs[*index];
            if (l->is_message && b256_eq(&l->key, key) && b256_eq(&l->value, value) && which-- == 0)
                return true;
        }
    }
    return false;
}

bool rpc_zks_message_proof(struct rpc_call *c)
{
    uint64_t number, which;
    struct addr sender;
    struct b256 hash;
    struct query q = { .target = TARGET_L1 };
    uint32_t tx;
    if (!param_u64(c, 0, "block number", &number) || !param_addr(c, 1, "sender", &sender) ||
        !param_hash(c, 2, "message hash", &hash) || !index_param(c, 3, &which) || !rpc_reader(c))
        return false;
    const struct chain_block *b = rpc_block_get(c, number);
    if (!b)
        return c->code == 0 && rpc_null(c);
    struct b256 key = addr_pad32(&sender);
    bool ok =
        find_message(b, &key, &hash, which, &tx, &q.index) ? answer(c, b, tx, &q) : rpc_null(c);
    rpc_block_release(c, b);
    return ok;
}

/* ---- why not yet ---- */

static void waits_for(struct rpc_call *c, const struct place *p, char *text, size_t cap,
                      uint64_t *eta)
{
    const struct rpc_settlement_ops *ops = &c->r->d.settlement;
    struct mirror *m = atomic_load(&c->r->mirror);
    struct mirror_status s;
    *eta = UINT64_MAX;
    text[0] = 0;
    switch (p->stage) {
    case STAGE_BLOCK:
    case STAGE_BATCH:
        if (ops->waits_for)
            ops->waits_for(ops->ctx, p->has_batch ? p->row.number : 0, text, cap, eta);
        if (!text[0])
            snprintf(text, cap, "%s", p->has_batch ? "settlement" : "its batch to be sealed");
        break;
    case STAGE_MIRROR:
        if (!m) {
            snprintf(text, cap, "the settlement layer to answer");
            break;
        }
        mirror_status_get(m, &s);
        if (s.held[0])
            snprintf(text, cap, "the mirror of %s, which is held: %s", s.name, s.held);
        else
            snprintf(text, cap, "block %" PRIu64 " of %s to be read, which is read up to %" PRIu64,
                     p->executed_in, s.name, s.read_to);
        break;
    case STAGE_LAYER:
        snprintf(text, cap,
                 "block %" PRIu64 " of the Gateway to be in a batch of it that is executed on L1",
                 p->executed_in);
        break;
    case STAGE_L1:
        snprintf(text, cap, "batch %" PRIu64 " of the Gateway to be executed on L1",
                 p->layer.number);
        break;
    case STAGE_READY:
        *eta = 0;
        break;
    }
}

static void number_or_null(struct buf *b, const char *key, bool known, uint64_t v)
{
    if (known)
        jm_number(b, key, v);
    else
        jm_null(b, key);
}

static void write_place(struct rpc_call *c, const struct query *q, const struct place *p)
{
    struct buf *b = c->out;
    char text[768];
    uint64_t eta;
    waits_for(c, p, text, sizeof(text), &eta);
    js_open(b, '{');
    jm_bool(b, "ready", p->stage == STAGE_READY);
    jm_text(b, "stage", stage_names[p->stage]);
    jm_text(b, "target", q->target == TARGET_MESSAGES ? "messageRoot" : "l1BatchRoot");
    if (text[0])
        jm_text(b, "waitsFor", text);
    else
        jm_null(b, "waitsFor");
    number_or_null(b, "estimateMs", eta != UINT64_MAX, eta);
    jm_number(b, "blockNumber", p->block);
    number_or_null(b, "batchNumber", p->has_batch, p->row.number);
    number_or_null(b, "settlementLayerChainId", p->has_batch, p->row.sl_chain_id);
    number_or_null(b, "gatewayBlockNumber", p->through_layer && p->executed_in, p->executed_in);
    number_or_null(b, "gatewayBatchNumber", p->layer.number != 0, p->layer.number);
    js_close(b, '}');
}

bool rpc_gh_explain_proof(struct rpc_call *c)
{
    struct b256 hash;
    struct query q;
    struct place p = { 0 };
    const struct chain_block *b;
    uint32_t tx;
    bool found;
    if (!query_params(c, &hash, &q) || !rpc_tx_locate(c, &hash, &b, &tx, &found))
        return false;
    if (!found)
        return rpc_null(c);
    size_t own = b->r.txs[tx].l2_log_cnt;
    bool ok = q.index < own
                  ? find_place(c, b, tx, &q, &p)
                  : rpc_fail(c, RPC_PARAMS,
                             "log %" PRIu64
                             " will never be: there are only %zu L2->L1 logs in the transaction",
                             q.index, own);
    if (ok)
        write_place(c, &q, &p);
    rpc_block_release(c, b);
    return ok;
}
