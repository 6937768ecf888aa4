/* settlement/proto_v31.c
 *
 * v31: commit 0x04, prove 0x01, execute 0x01 with logs, messages and multichain roots, which stay empty on L1 (spec 30 §4.3-4.5). */
#include "contracts-abi/gen/executor.h"
#include "contracts-abi/gen/migration.h"
#include "settlement/proto.h"

#define COMMIT_VERSION  0x04
#define PROVE_VERSION   0x01
#define EXECUTE_VERSION 0x01
#define MAX_DATA        (4u << 20)
#define BOOTLOADER      0x8001u
#define L1_MESSENGER    0x8008u

static struct abi_v31_stored_batch_info stored_info(const struct stored_batch *b)
{
    return (struct abi_v31_stored_batch_info){ .batch_number = b->number,
                                               .batch_hash = b->state_commitment,
                                               .number_of_layer1_txs = u256_of_u64(b->l1_tx_cnt),
                                               .priority_operations_hash = b->priority_ops_hash,
                                               .dependency_roots_rolling_hash =
                                                   b->dependency_roots_hash,
                                               .l2_logs_tree_root = b->l2_logs_tree_root,
                                               .commitment = b->commitment };
}

static bool commit(struct buf *out, const struct addr *chain, const struct stored_batch *prev,
                   const struct batch *b, struct bytes da_input)
{
    struct abi_v31_commit_batch_info_zksync_os info = {
        .batch_number = b->stored.number,
        .new_state_commitment = b->stored.state_commitment,
        .number_of_layer1_txs = u256_of_u64(b->stored.l1_tx_cnt),
        .number_of_layer2_txs = u256_of_u64(b->l2_tx_cnt),
        .priority_operations_hash = b->stored.priority_ops_hash,
        .dependency_roots_rolling_hash = b->stored.dependency_roots_hash,
        .l2_logs_tree_root = b->stored.l2_logs_tree_root,
        .da_commitment_scheme = b->da_scheme,
        .da_commitment = b->da_commitment,
        .first_block_timestamp = b->first_timestamp,
        .first_block_number = b->first_block,
        .last_block_timestamp = b->last_timestamp,
        .last_block_number = b->last_block,
        .chain_id = u256_of_u64(b->chain_id),
        .operator_da_input = da_input,
        .sl_chain_id = u256_of_u64(b->sl_chain_id)
    };
    struct abi_v31_commit_data data = { .previous = stored_info(prev), .batches = { &info, 1 } };
    struct buf inner;
    buf_init(&inner, MAX_DATA);
    const uint8_t version = COMMIT_VERSION;
    bool ok = buf_append(&inner, &version, 1) && abi_v31_encode_commit_data(&inner, &data);
    struct abi_v31_commit_batches_shared_bridge_call call = {
        .chain_address = *chain,
        .process_batch_from = u256_of_u64(b->stored.number),
        .process_batch_to = u256_of_u64(b->stored.number),
        .commit_data = bytes_of(inner.p, inner.len)
    };
    ok = ok && abi_v31_encode_commit_batches_shared_bridge_call(out, &call);
    buf_clear(&inner);
    return ok;
}

static bool prove(struct buf *out, struct arena *arena, const struct addr *chain,
                  const struct stored_batch *prev, const struct stored_batch *batches, size_t n,
                  const struct u256 *proof, size_t proof_cnt)
{
    struct abi_v31_stored_batch_info *infos = arena_alloc(arena, n * sizeof(*infos));
    if (!infos || n == 0)
        return false;
    for (size_t i = 0; i < n; i++)
        infos[i] = stored_info(&batches[i]);
    struct abi_v31_prove_data data = { .previous = stored_info(prev),
                                       .batches = { infos, n },
                                       .proof = { proof, proof_cnt } };
    struct buf inner;
    buf_init(&inner, MAX_DATA);
    const uint8_t version = PROVE_VERSION;
    bool ok = buf_append(&inner, &version, 1) && abi_v31_encode_prove_data(&inner, &data);
    struct abi_v31_prove_batches_shared_bridge_call call = {
        .chain_address = *chain,
        .process_batch_from = u256_of_u64(batches[0].number),
        .process_batch_to = u256_of_u64(batches[n - 1].number),
        .proof_data = bytes_of(inner.p, inner.len)
    };
    ok = ok && abi_v31_encode_prove_batches_shared_bridge_call(out, &call);
    buf_clear(&inner);
    return ok;
}

static bool fill_roots(struct abi_v31_interop_root_list *list, struct arena *arena,
                       const struct proto_execute_batch *b)
{
    struct abi_v31_interop_root *roots = arena_alloc(arena, b->root_cnt * sizeof(*roots));
    if (!roots)
        return false;
    for (size_t i = 0; i < b->root_cnt; i++)
        roots[i] =
            (struct abi_v31_interop_root){ .chain_id = b->roots[i].chain_id,
                                           .block_or_batch_number = b->roots[i].block_or_batch,
                                           .sides = { &b->roots[i].root, 1 } };
    list->items = roots;
    list->cnt = b->root_cnt;
    return true;
}

/* Logs as the contracts' structure, and the messages of those that have one. */
static bool fill_logs(struct abi_v31_l2_log_list *logs, struct abi_bytes_list *messages,
                      struct arena *arena, const struct proto_execute_batch *b)
{
    struct abi_v31_l2_log *list = arena_alloc(arena, b->log_cnt * sizeof(*list));
    struct bytes *said = arena_alloc(arena, b->log_cnt * sizeof(*said));
    size_t n = 0;
    if (!list || !said)
        return false;
    for (size_t i = 0; i < b->log_cnt; i++) {
        const struct stf_l2_log *l = &b->logs[i];
        list[i] = (struct abi_v31_l2_log){ .is_service = true,
                                           .tx_number_in_batch = l->tx_number,
                                           .sender = addr_of_u32(l->is_message ? L1_MESSENGER
                                                                               : BOOTLOADER),
                                           .key = l->key,
                                           .value = l->value };
        if (l->is_message)
            said[n++] = l->message;
    }
    *logs = (struct abi_v31_l2_log_list){ list, b->log_cnt };
    *messages = (struct abi_bytes_list){ said, n };
    return true;
}

static bool fill_gateway_part(struct abi_v31_execute_data *data, struct arena *arena,
                              const struct proto_execute_batch *batches, size_t n)
{
    struct abi_v31_l2_log_list *logs = arena_alloc(arena, n * sizeof(*logs));
    struct abi_bytes_list *messages = arena_alloc(arena, n * sizeof(*messages));
    struct b256 *roots = arena_alloc(arena, n * sizeof(*roots));
    if (!logs || !messages || !roots)
        return false;
    for (size_t i = 0; i < n; i++) {
        roots[i] = batches[i].multichain_root;
        if (!fill_logs(&logs[i], &messages[i], arena, &batches[i]))
            return false;
    }
    data->logs.items = logs;
    data->messages.items = messages;
    data->multichain_batch_roots.items = roots;
    data->logs.cnt = data->messages.cnt = data->multichain_batch_roots.cnt = n;
    return true;
}

static bool execute(struct buf *out, struct arena *arena, const struct addr *chain,
                    const struct proto_execute_batch *batches, size_t n, bool on_gateway,
                    const struct addr *fee_payer)
{
    struct abi_v31_stored_batch_info *infos = arena_alloc(arena, n * sizeof(*infos));
    struct abi_v31_priority_ops_batch_info *ops = arena_alloc(arena, n * sizeof(*ops));
    struct abi_v31_interop_root_list *roots = arena_alloc(arena, n * sizeof(*roots));
    if (!infos || !ops || !roots || n == 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct proto_priority_ops *p = &batches[i].ops;
        infos[i] = stored_info(&batches[i].stored);
        ops[i] = (struct abi_v31_priority_ops_batch_info){
            .left_path = { p->left, p->cnt ? p->depth : 0 },
            .right_path = { p->right, p->cnt ? p->depth : 0 },
            .item_hashes = { p->items, p->cnt }
        };
        if (!fill_roots(&roots[i], arena, &batches[i]))
            return false;
    }
    struct abi_v31_execute_data data = { .batches = { infos, n },
                                         .priority_ops = { ops, n },
                                         .dependency_roots = { roots, n },
                                         .settlement_fee_payer = *fee_payer };
    if (on_gateway && !fill_gateway_part(&data, arena, batches, n))
        return false;
    struct buf inner;
    buf_init(&inner, MAX_DATA);
    const uint8_t version = EXECUTE_VERSION;
    bool ok = buf_append(&inner, &version, 1) && abi_v31_encode_execute_data(&inner, &data);
    struct abi_v31_execute_batches_shared_bridge_call call = {
        .chain_address = *chain,
        .process_batch_from = u256_of_u64(batches[0].stored.number),
        .process_batch_to = u256_of_u64(batches[n - 1].stored.number),
        .execute_data = bytes_of(inner.p, inner.len)
    };
    ok = ok && abi_v31_encode_execute_batches_shared_bridge_call(out, &call);
    buf_clear(&inner);
    return ok;
}

static bool process_logs(struct buf *out, struct arena *arena, uint64_t chain_id,
                         const struct proto_execute_batch *b, const struct addr *fee_payer)
{
    struct abi_v31_process_logs_and_messages_call call = {
        .input = { .chain_id = u256_of_u64(chain_id),
                   .batch_number = u256_of_u64(b->stored.number),
                   .chain_batch_root = b->stored.l2_logs_tree_root,
                   .multichain_batch_root = b->multichain_root,
                   .settlement_fee_payer = *fee_payer }
    };
    return fill_logs(&call.input.logs, &call.input.messages, arena, b) &&
           abi_v31_encode_process_logs_and_messages_call(out, &call);
}

const struct settlement_proto settlement_proto_v31 = {
    .minor = 31, .commit = commit, .prove = prove, .execute = execute, .process_logs = process_logs
};
