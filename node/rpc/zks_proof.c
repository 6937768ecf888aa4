/* node/rpc/zks_proof.c
 *
 * Proofs of storage against the state commitment of a batch (spec 20 §8), checked against what settlement recorded before they are given
 * out. */
#include <inttypes.h>

#include "node/base/hash.h"
#include "node/base/hex.h"
#include "node/rpc/encode.h"
#include "node/rpc/handlers.h"
#include "node/rpc/params.h"
#include "node/state/proof.h"
#include "node/stf/batch.h"

#define MAX_PROOF_SLOTS 1024u

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
