/* node/rpc/zks_proof.c
 *
 * Proofs: of an L2->L1 log against the root on the settlement layer (spec 40 §3.1, §4.1), of storage against the
 * state commitment of a batch (spec 20 §8). Each is checked against what settlement recorded before it is given out. */
#include <inttypes.h>

#include "interop/message_proof.h"
#include "node/base/hash.h"
#include "node/base/hex.h"
#include "node/rpc/encode.h"
#include "node/rpc/handlers.h"
#include "node/rpc/params.h"
#include "node/state/proof.h"
#include "node/stf/batch.h"

#define MAX_PROOF_SLOTS 1024u

/* ---- L2->L1 logs ---- */

struct batch_logs {
    struct b256 *leaves; /* arena */
    size_t cnt, at;      /* at: index of the wanted log */
};

static bool batch_block(struct rpc_call *c, uint64_t number, struct batch_block *out)
{
    struct err err = { 0 };
    return chain_batch_block_load(c->r->d.chain, c->s->reader, number, &c->s->arena, out, &err) ||
           rpc_fail_err(c, &err);
}

/* All leaves of the batch; position of log `wanted` of block `block` counted in its block. */
static bool collect_leaves(struct rpc_call *c, const struct batch_row *row, uint64_t block,
                           size_t wanted, struct batch_logs *out)
{
    out->cnt = 0;
    out->leaves = arena_alloc(&c->s->arena, ((size_t)row->l2_log_cnt + 1) * sizeof(*out->leaves));
    if (!out->leaves)
        return rpc_no_memory(c);
    for (uint64_t n = row->first_block; n <= row->last_block; n++) {
        struct batch_block b;
        struct arena_mark mark = arena_save(&c->s->arena);
        if (!batch_block(c, n, &b))
            return false;
        if (n == block)
            out->at = out->cnt + wanted;
        if (b.l2_log_cnt > row->l2_log_cnt - out->cnt)
            return rpc_fail(c, RPC_INTERNAL,
                            "internal error: batch %" PRIu64 " has other logs than recorded",
                            row->number);
        for (size_t i = 0; i < b.l2_log_cnt; i++)
            out->leaves[out->cnt++] = batch_l2_log_leaf(&b.l2_logs[i]);
        arena_restore(&c->s->arena, mark);
    }
    return out->cnt == row->l2_log_cnt ||
           rpc_fail(c, RPC_INTERNAL,
                    "internal error: batch %" PRIu64 " has other logs than recorded", row->number);
}

static bool prove_log(struct rpc_call *c, const struct batch_row *row, struct batch_logs *l,
                      struct message_proof *out)
{
    struct err err = { 0 };
    struct log_tree *t = log_tree_create(l->leaves, l->cnt);
    if (!t)
        return rpc_no_memory(c);
    struct message_claim claim = { .chain = c->r->d.cfg->genesis.chain_id,
                                   .batch = row->number,
                                   .logs = t,
                                   .index = l->at,
                                   .multichain_root = row->multichain_root,
                                   .batch_root = row->l2_logs_tree_root };
    bool ok = message_proof_direct(out, &claim, &err);
    log_tree_destroy(t);
    return ok ||
           rpc_fail(c, RPC_INTERNAL, "internal error: batch %" PRIu64 ": %s", row->number, err.msg);
}

static void write_log_proof(struct buf *b, const struct message_proof *p)
{
    js_open(b, '{');
    jm_number(b, "batchNumber", p->batch);
    jm_number(b, "batch_number", p->batch);
    js_key(b, "proof");
    js_open(b, '[');
    for (size_t i = 0; i < p->cnt; i++)
        js_hex(b, p->words[i].b, 32);
    js_close(b, ']');
    jm_number(b, "id", p->index);
    jm_hash(b, "root", &p->batch_root);
    jm_null(b, "gatewayBlockNumber");
    js_close(b, '}');
}

/* Number within the transaction's l2ToL1Logs: JSON number, decimal or hex text; missing: 0. */
static bool index_param(struct rpc_call *c, uint64_t *out)
{
    const json_t *v = param_at(c, 1);
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

static bool target_param(struct rpc_call *c, bool *message_root)
{
    const json_t *v = param_at(c, 2);
    *message_root = false;
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
            *message_root = true;
            return true;
        }
    return rpc_fail(c, RPC_PARAMS, "invalid params: target: expected l1BatchRoot or messageRoot");
}

static bool log_proof(struct rpc_call *c, const struct chain_block *b, uint32_t tx, uint64_t index)
{
    uint64_t block = b->r.header.number;
    size_t in_block = 0, own = b->r.txs[tx].l2_log_cnt;
    const struct batch_row *found = rpc_batch_of_block(c, block);
    if (!found || !found->step[BATCH_EXECUTE].done)
        return rpc_null(c); /* clients wait on null and give up on errors */
    if (index >= own)
        return rpc_fail(c, RPC_PARAMS,
                        "provided L2->L1 log index (%" PRIu64
                        ") does not exist; there are only %zu L2->L1 logs in the transaction",
                        index, own);
    for (uint32_t i = 0; i < tx; i++)
        in_block += b->r.txs[i].l2_log_cnt;
    struct batch_row row = *found;
    struct batch_logs logs = { 0 };
    struct message_proof proof;
    if (!collect_leaves(c, &row, block, in_block + (size_t)index, &logs) ||
        !prove_log(c, &row, &logs, &proof))
        return false;
    write_log_proof(c->out, &proof);
    return true;
}

bool rpc_zks_log_proof(struct rpc_call *c)
{
    struct b256 hash;
    const struct chain_block *b;
    uint64_t index;
    uint32_t tx;
    bool found, message_root;
    if (!param_hash(c, 0, "transaction hash", &hash) || !index_param(c, &index) ||
        !target_param(c, &message_root) || !rpc_tx_locate(c, &hash, &b, &tx, &found))
        return false;
    if (!found)
        return rpc_null(c);
    bool ok = message_root
                  ? rpc_fail(c, RPC_SERVER, "messageRoot proofs need a batch settled on a Gateway")
                  : log_proof(c, b, tx, index);
    rpc_block_release(c, b);
    return ok;
}

/* ---- storage ---- */

static void leaf_members(struct buf *b, const struct state_leaf_proof *p, bool with_key)
{
    jm_number(b, "index", p->index);
    jm_hash(b, "value", &p->value);
    jm_number(b, "nextIndex", p->next);
    js_key(b, "siblings");
    js_open(b, '[');
    for (unsigned i = 0; i < p->sibling_cnt; i++)
        js_hex(b, p->siblings[i].b, 32);
    js_close(b, ']');
    if (with_key)
        jm_hash(b, "leafKey", &p->key);
}

static void neighbour(struct buf *b, const char *name, const struct state_leaf_proof *p)
{
    js_key(b, name);
    js_open(b, '{');
    leaf_members(b, p, true);
    js_close(b, '}');
}

static void write_storage_proof(struct buf *b, const struct b256 *slot, const struct state_proof *p)
{
    js_open(b, '{');
    jm_hash(b, "key", slot);
    js_key(b, "proof");
    js_open(b, '{');
    jm_text(b, "type", p->existing ? "existing" : "nonExisting");
    if (p->existing) {
        leaf_members(b, &p->leaf, false);
    } else {
        neighbour(b, "leftNeighbor", &p->leaf);
        neighbour(b, "rightNeighbor", &p->right);
    }
    js_close(b, '}');
    js_close(b, '}');
}

/* *pruned: the tree of that block is gone. */
static bool write_storage_proofs(struct rpc_call *c, const struct batch_row *row,
                                 const struct addr *a, const json_t *slots, bool *pruned)
{
    struct state *s = chain_state(c->r->d.chain);
    struct state_proof *p = arena_alloc(&c->s->arena, sizeof(*p));
    *pruned = false;
    if (!p)
        return rpc_no_memory(c);
    js_key(c->out, "storageProofs");
    js_open(c->out, '[');
    for (size_t i = 0; i < json_array_size(slots) && !c->out->failed; i++) {
        struct b256 slot;
        struct err err = { 0 };
        if (!value_slot(c, json_array_get(slots, i), "slot", &slot))
            return false;
        struct b256 flat = blake2s_flat_key(a, &slot);
        if (!state_prove(s, row->last_block, &flat, p, &err)) {
            *pruned = err.kind == ERR_INVALID;
            return *pruned || rpc_fail_err(c, &err);
        }
        if (!b256_eq(&p->mark.root, &row->tree_root) || p->mark.leaf_count != row->leaf_count)
            return rpc_fail(c, RPC_INTERNAL,
                            "internal error: the tree of batch %" PRIu64 " is not the recorded one",
                            row->number);
        write_storage_proof(c->out, &slot, p);
    }
    js_close(c->out, ']');
    return true;
}

static void write_commitment(struct buf *b, const struct batch_row *row)
{
    js_key(b, "stateCommitmentPreimage");
    js_open(b, '{');
    jm_quantity(b, "nextFreeSlot", row->leaf_count);
    jm_quantity(b, "blockNumber", row->last_block);
    jm_hash(b, "last256BlockHashesBlake", &row->last_256_hashes);
    jm_quantity(b, "lastBlockTimestamp", row->last_timestamp);
    js_close(b, '}');
}

static void write_l1_data(struct buf *b, const struct batch_row *row)
{
    js_key(b, "l1VerificationData");
    js_open(b, '{');
    jm_number(b, "batchNumber", row->number);
    jm_number(b, "numberOfLayer1Txs", row->l1_tx_cnt);
    jm_hash(b, "priorityOperationsHash", &row->priority_ops_hash);
    jm_hash(b, "dependencyRootsRollingHash", &row->dependency_roots_hash);
    jm_hash(b, "l2ToL1LogsRootHash", &row->l2_logs_tree_root);
    jm_hash(b, "commitment", &row->commitment);
    js_close(b, '}');
}

bool rpc_zks_storage_proof(struct rpc_call *c)
{
    struct addr a;
    const json_t *slots;
    struct batch_row row;
    uint64_t number;
    bool found, pruned;
    if (!param_addr(c, 0, "address", &a) || !param_required(c, 1, "slots", &slots) ||
        !param_u64(c, 2, "batch number", &number) || !rpc_batch_get(c, number, &row, &found))
        return false;
    if (!json_is_array(slots) || json_array_size(slots) > MAX_PROOF_SLOTS)
        return rpc_fail(c, RPC_PARAMS, "invalid params: slots: expected an array of at most %u",
                        MAX_PROOF_SLOTS);
    if (!found)
        return rpc_null(c);
    struct b256 commitment = batch_state_commitment(&row.tree_root, row.leaf_count, row.last_block,
                                                    &row.last_256_hashes, row.last_timestamp);
    if (!b256_eq(&commitment, &row.state_commitment))
        return rpc_fail(c, RPC_INTERNAL,
                        "internal error: the state commitment of batch %" PRIu64
                        " is not the recorded one",
                        row.number);
    size_t start = c->out->len;
    js_open(c->out, '{');
    jm_addr(c->out, "address", &a);
    write_commitment(c->out, &row);
    if (!write_storage_proofs(c, &row, &a, slots, &pruned))
        return false;
    if (pruned) {
        c->out->len = start;
        return rpc_null(c);
    }
    write_l1_data(c->out, &row);
    js_close(c->out, '}');
    return true;
}

/* The 124-byte record behind the account's leaf after a batch. */
bool rpc_zks_account_preimage(struct rpc_call *c)
{
    struct addr a;
    struct batch_row row = { 0 };
    struct account_record rec;
    struct err err = { 0 };
    uint64_t number;
    bool found, exists;
    if (!param_addr(c, 0, "address", &a) || !param_u64(c, 1, "batch number", &number) ||
        !rpc_batch_get(c, number, &row, &found))
        return false;
    struct state_view *v = found || number == 0
                               ? state_view_open(chain_state(c->r->d.chain), row.last_block, &err)
                               : NULL;
    if (!v)
        return rpc_null(c);
    bool ok = state_view_account(v, &a, &rec, &exists);
    state_view_close(v);
    if (!ok)
        return rpc_fail(c, RPC_INTERNAL, "internal error: the account cannot be read");
    if (!exists)
        return rpc_null(c);
    uint8_t enc[ACCOUNT_RECORD_LEN];
    account_encode(enc, &rec);
    js_hex(c->out, enc, sizeof(enc));
    return true;
}
