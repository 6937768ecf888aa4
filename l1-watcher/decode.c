/* l1-watcher/decode.c */
#include "l1-watcher/decode.h"

#include <inttypes.h>

#include "contracts-abi/codec.h"
#include "contracts-abi/gen/admin.h"
#include "contracts-abi/gen/bridgehub.h"
#include "contracts-abi/gen/ctm.h"
#include "contracts-abi/gen/executor.h"
#include "contracts-abi/gen/mailbox.h"
#include "contracts-abi/gen/message_root.h"
#include "contracts-abi/gen/migration.h"
#include "contracts-abi/gen/structs.h"
#include "contracts-abi/gen/upgrade.h"
#include "node/base/hash.h"
#include "node/base/hex.h"

#define MAX_TX_LEN  (8u << 20)
#define TX_UPGRADE  0x7e
#define TX_PRIORITY 0x7f
#define TOPIC_CNT   24

const struct b256 *decode_topics(size_t *n)
{
    static struct b256 topics[TOPIC_CNT];
    static bool filled;
    const struct b256 all[] = { ABI_V31_NEW_PRIORITY_REQUEST_TOPIC,
                                ABI_V31_GENESIS_UPGRADE_TOPIC,
                                ABI_V31_BLOCK_COMMIT_TOPIC,
                                ABI_V31_REPORT_COMMITTED_BATCH_RANGE_ZKSYNC_OS_TOPIC,
                                ABI_V31_BLOCKS_VERIFICATION_TOPIC,
                                ABI_V31_BLOCK_EXECUTION_TOPIC,
                                ABI_V31_BLOCKS_REVERT_TOPIC,
                                ABI_V31_NEW_RELAYED_PRIORITY_TRANSACTION_TOPIC,
                                ABI_V31_NEW_UPGRADE_CUT_DATA_TOPIC,
                                ABI_V31_EXECUTE_UPGRADE_TOPIC,
                                ABI_V31_NEW_L2_DA_COMMITMENT_SCHEME_TOPIC,
                                ABI_V31_MIGRATION_STARTED_TOPIC,
                                ABI_V31_MIGRATION_FINALIZED_TOPIC,
                                ABI_V31_MIGRATE_TO_GATEWAY_TOPIC,
                                ABI_V31_MIGRATE_FROM_GATEWAY_TOPIC,
                                ABI_V31_SETTLEMENT_LAYER_REGISTERED_TOPIC,
                                ABI_V31_FREEZE_TOPIC,
                                ABI_V31_UNFREEZE_TOPIC,
                                ABI_V31_PRIORITY_MODE_ACTIVATED_TOPIC };
    _Static_assert((sizeof(all) / sizeof(all[0])) <= TOPIC_CNT, "room for every topic");
    if (!filled) {
        memcpy(topics, all, sizeof(all));
        filled = true;
    }
    *n = (sizeof(all) / sizeof(all[0]));
    return topics;
}

static bool is_zero_word(const struct u256 *w)
{
    return u256_is_zero(w);
}

/* Envelope and hash of an L1 transaction, after the rules that L1 enforces (a violation means we misread). */
static bool take_tx(struct l1_tx_row *row, const struct abi_v31_l2_canonical_transaction *tx,
                    uint64_t type, struct arena *arena, struct err *err)
{
    if (!u256_fits_u64(&tx->tx_type) || tx->tx_type.w[0] != type)
        return err_set(err, ERR_INVALID, "transaction type is not 0x%" PRIx64, type);
    if (!is_zero_word(&tx->max_priority_fee_per_gas) || !is_zero_word(&tx->paymaster) ||
        !is_zero_word(&tx->reserved[2]) || !is_zero_word(&tx->reserved[3]) || tx->signature.len ||
        tx->paymaster_input.len || tx->reserved_dynamic.len)
        return err_set(err, ERR_INVALID, "a field that must be empty is not");
    struct buf enc;
    buf_init(&enc, MAX_TX_LEN);
    bool ok = abi_v31_encode_l2_canonical_transaction(&enc, tx);
    if (ok) {
        row->hash = keccak256(enc.p, enc.len); /* with the leading offset word */
        uint8_t *env = arena_alloc(arena, enc.len - 31);
        ok = env != NULL;
        if (ok) {
            env[0] = (uint8_t)type;
            memcpy(env + 1, enc.p + 32, enc.len - 32);
            row->envelope = bytes_of(env, enc.len - 31);
        }
    }
    buf_clear(&enc);
    return ok || err_set(err, ERR_LOCAL, "transaction does not fit into %u bytes", MAX_TX_LEN);
}

static void take_place(struct l1_tx_row *row, const struct eth_log *log)
{
    row->l1_block = log->block_number;
    row->l1_block_hash = log->block_hash;
    row->l1_tx_hash = log->tx_hash;
}

static bool priority(struct decoded *out, const struct abi_log_view *view,
                     const struct eth_log *log, struct arena *arena, struct err *err)
{
    struct abi_v31_new_priority_request ev;
    if (!abi_v31_decode_new_priority_request(view, &ev, arena, err) ||
        !take_tx(&out->row, &ev.transaction, TX_PRIORITY, arena, err))
        return false;
    if (!b256_eq(&out->row.hash, &ev.tx_hash))
        return err_set(err, ERR_INVALID, "the canonical hash differs from the event's");
    if (!u256_fits_u64(&ev.tx_id) || !u256_eq(&ev.tx_id, &ev.transaction.nonce))
        return err_set(err, ERR_INVALID, "the id is not the transaction's nonce");
    out->row.id = ev.tx_id.w[0];
    take_place(&out->row, log);
    out->kind = DECODED_PRIORITY;
    return true;
}

static bool upgrade(struct decoded *out, const struct abi_log_view *view, const struct eth_log *log,
                    struct arena *arena, struct err *err)
{
    struct abi_v31_genesis_upgrade ev;
    if (!abi_v31_decode_genesis_upgrade(view, &ev, arena, err))
        return false;
    /* chains of versions before 0.30 may carry another type in an event of the same name: only ours is taken */
    if (!take_tx(&out->row, &ev.l2_transaction, TX_UPGRADE, arena, err))
        return false;
    if (!u256_fits_u64(&ev.protocol_version))
        return err_set(err, ERR_INVALID, "protocol version above 64 bits");
    out->row.id = ev.protocol_version.w[0] >> 32;
    out->row.factory_deps = ev.factory_deps.items;
    out->row.factory_dep_cnt = ev.factory_deps.cnt;
    take_place(&out->row, log);
    out->kind = DECODED_UPGRADE;
    return true;
}

static bool small(uint64_t *out, const struct u256 *v, struct err *err)
{
    if (!u256_fits_u64(v))
        return err_set(err, ERR_INVALID, "number above 64 bits");
    *out = v->w[0];
    return true;
}

static bool batch_event(struct sl_event *e, const struct abi_log_view *view, struct arena *arena,
                        bool *ours, struct err *err)
{
    const struct b256 *t = &view->topics[0];
    *ours = true;
    if (b256_eq(t, &ABI_V31_BLOCK_COMMIT_TOPIC)) {
        struct abi_v31_block_commit v;
        e->kind = SL_BATCH_COMMIT;
        if (!abi_v31_decode_block_commit(view, &v, arena, err))
            return false;
        e->state_commitment = v.batch_hash;
        e->commitment = v.commitment;
        return small(&e->batch, &v.batch_number, err);
    }
    if (b256_eq(t, &ABI_V31_REPORT_COMMITTED_BATCH_RANGE_ZKSYNC_OS_TOPIC)) {
        struct abi_v31_report_committed_batch_range_zksync_os v;
        e->kind = SL_BATCH_RANGE;
        if (!abi_v31_decode_report_committed_batch_range_zksync_os(view, &v, arena, err))
            return false;
        e->batch = v.batch_number;
        e->first = v.first_block_number;
        e->last = v.last_block_number;
        return true;
    }
    if (b256_eq(t, &ABI_V31_BLOCKS_VERIFICATION_TOPIC)) {
        struct abi_v31_blocks_verification v;
        e->kind = SL_BATCH_PROVE;
        return abi_v31_decode_blocks_verification(view, &v, arena, err) &&
               small(&e->first, &v.previous_last_verified_batch, err) &&
               small(&e->last, &v.current_last_verified_batch, err);
    }
    if (b256_eq(t, &ABI_V31_BLOCK_EXECUTION_TOPIC)) {
        struct abi_v31_block_execution v;
        e->kind = SL_BATCH_EXECUTE;
        if (!abi_v31_decode_block_execution(view, &v, arena, err))
            return false;
        e->state_commitment = v.batch_hash;
        e->commitment = v.commitment;
        return small(&e->batch, &v.batch_number, err);
    }
    if (b256_eq(t, &ABI_V31_BLOCKS_REVERT_TOPIC)) {
        struct abi_v31_blocks_revert v;
        e->kind = SL_BATCH_REVERT;
        return abi_v31_decode_blocks_revert(view, &v, arena, err) &&
               small(&e->batch, &v.total_batches_committed, err) &&
               small(&e->first, &v.total_batches_verified, err) &&
               small(&e->last, &v.total_batches_executed, err);
    }
    if (b256_eq(t, &ABI_V31_NEW_RELAYED_PRIORITY_TRANSACTION_TOPIC)) {
        struct abi_v31_new_relayed_priority_transaction v;
        e->kind = SL_PRIORITY_RELAYED;
        /* the id is the operation's plus one: the event comes after it is in the tree (spec 30 §7.3) */
        return abi_v31_decode_new_relayed_priority_transaction(view, &v, arena, err) &&
               small(&e->last, &v.tx_id, err);
    }
    *ours = false;
    return true;
}

static const char *notice_text(const struct abi_log_view *view, uint64_t chain_id)
{
    const struct b256 *t = &view->topics[0];
    struct b256 id = b256_of_u64(chain_id);
    if (b256_eq(t, &ABI_V31_NEW_UPGRADE_CUT_DATA_TOPIC))
        return "a protocol upgrade was published on the chain type manager";
    if (b256_eq(t, &ABI_V31_EXECUTE_UPGRADE_TOPIC))
        return "the chain's contracts were upgraded";
    if (b256_eq(t, &ABI_V31_NEW_L2_DA_COMMITMENT_SCHEME_TOPIC))
        return "the data availability pair changed";
    if (b256_eq(t, &ABI_V31_FREEZE_TOPIC))
        return "the diamond was frozen";
    if (b256_eq(t, &ABI_V31_UNFREEZE_TOPIC))
        return "the diamond was unfrozen";
    if (b256_eq(t, &ABI_V31_PRIORITY_MODE_ACTIVATED_TOPIC))
        return "priority mode was activated";
    if (b256_eq(t, &ABI_V31_SETTLEMENT_LAYER_REGISTERED_TOPIC))
        return "a settlement layer was registered or taken off the list";
    if (view->topic_cnt < 2 || !b256_eq(&view->topics[1], &id))
        return NULL; /* the next ones are about one chain */
    if (b256_eq(t, &ABI_V31_MIGRATE_TO_GATEWAY_TOPIC))
        return "the chain's admin announced a move to a Gateway";
    if (b256_eq(t, &ABI_V31_MIGRATE_FROM_GATEWAY_TOPIC))
        return "the chain's admin announced a move back to L1";
    if (b256_eq(t, &ABI_V31_MIGRATION_STARTED_TOPIC))
        return "the chain migrates to another settlement layer";
    if (b256_eq(t, &ABI_V31_MIGRATION_FINALIZED_TOPIC))
        return "a migration of the chain is complete";
    return NULL;
}

static bool name_log(const struct eth_log *log, struct err *err)
{
    char hex[67];
    hex_encode0x(hex, log->tx_hash.b, 32);
    return err_wrap(err, "log %" PRIu64 " of transaction %s in block %" PRIu64, log->log_index, hex,
                    log->block_number);
}

bool decode_log(struct decoded *out, const struct eth_log *log, uint64_t chain_id,
                struct arena *arena, struct err *err)
{
    *out = (struct decoded){ .kind = DECODED_NOTHING };
    if (log->topic_cnt == 0)
        return true;
    struct abi_log_view view = { .topics = log->topics,
                                 .topic_cnt = log->topic_cnt,
                                 .data = log->data };
    bool ours = false, ok;
    if (abi_log_has_topic(&view, &ABI_V31_NEW_PRIORITY_REQUEST_TOPIC)) {
        ok = priority(out, &view, log, arena, err);
    } else if (abi_log_has_topic(&view, &ABI_V31_GENESIS_UPGRADE_TOPIC)) {
        ok = upgrade(out, &view, log, arena, err);
    } else {
        out->event.sl_block = log->block_number;
        out->event.block_hash = log->block_hash;
        out->event.tx_hash = log->tx_hash;
        ok = batch_event(&out->event, &view, arena, &ours, err);
        if (ok && !ours) {
            out->event.kind = SL_NOTICE;
            out->event.text = notice_text(&view, chain_id);
            ours = out->event.text != NULL;
        }
        if (ours)
            out->kind = DECODED_EVENT;
    }
    return ok || name_log(log, err);
}

/* ---- roots of messages ---- */

const struct b256 *decode_root_topics(size_t *n)
{
    static struct b256 topics[4];
    topics[0] = ABI_V31_ADDED_CHAIN_TOPIC;
    topics[1] = ABI_V31_APPENDED_CHAIN_BATCH_ROOT_TOPIC;
    topics[2] = ABI_V31_NEW_CHAIN_ROOT_TOPIC;
    topics[3] = ABI_V31_NEW_INTEROP_ROOT_TOPIC;
    *n = 4;
    return topics;
}

static bool interop_root(struct message_root_row *row, const struct abi_log_view *view,
                         uint64_t layer, struct arena *arena, struct err *err)
{
    struct abi_v31_new_interop_root v;
    uint64_t block = 0;
    row->kind = MESSAGE_ROOT_INTEROP;
    if (!abi_v31_decode_new_interop_root(view, &v, arena, err) ||
        !small(&row->chain, &v.chain_id, err) || !small(&block, &v.block_number, err) ||
        !small(&row->number, &v.log_id, err))
        return false;
    if (v.sides.cnt != 1 || row->chain != layer || block != row->block)
        return err_set(err, ERR_INVALID,
                       "an interop root of chain %" PRIu64 ", block %" PRIu64 " with %zu sides",
                       row->chain, block, v.sides.cnt);
    row->value = v.sides.items[0];
    return true;
}

static bool root_event(struct message_root_row *row, const struct abi_log_view *view,
                       uint64_t layer, struct arena *arena, struct err *err)
{
    if (abi_log_has_topic(view, &ABI_V31_ADDED_CHAIN_TOPIC)) {
        struct abi_v31_added_chain v;
        row->kind = MESSAGE_ROOT_CHAIN;
        return abi_v31_decode_added_chain(view, &v, arena, err) &&
               small(&row->chain, &v.chain_id, err) && small(&row->number, &v.chain_index, err);
    }
    if (abi_log_has_topic(view, &ABI_V31_APPENDED_CHAIN_BATCH_ROOT_TOPIC)) {
        struct abi_v31_appended_chain_batch_root v;
        row->kind = MESSAGE_ROOT_BATCH;
        if (!abi_v31_decode_appended_chain_batch_root(view, &v, arena, err))
            return false;
        row->value = v.chain_batch_root;
        return small(&row->chain, &v.chain_id, err) && small(&row->number, &v.batch_number, err);
    }
    if (abi_log_has_topic(view, &ABI_V31_NEW_CHAIN_ROOT_TOPIC)) {
        struct abi_v31_new_chain_root v;
        row->kind = MESSAGE_ROOT_CHAIN_ROOT;
        if (!abi_v31_decode_new_chain_root(view, &v, arena, err))
            return false;
        row->value = v.chain_root;
        return small(&row->chain, &v.chain_id, err);
    }
    return interop_root(row, view, layer, arena, err);
}

bool decode_root_log(struct decoded *out, const struct eth_log *log, uint64_t layer,
                     struct arena *arena, struct err *err)
{
    *out = (struct decoded){ .kind = DECODED_NOTHING };
    struct abi_log_view view = { .topics = log->topics,
                                 .topic_cnt = log->topic_cnt,
                                 .data = log->data };
    size_t n;
    const struct b256 *topics = decode_root_topics(&n);
    bool ours = false;
    for (size_t i = 0; i < n; i++)
        ours = ours || abi_log_has_topic(&view, &topics[i]);
    if (!ours)
        return true;
    out->root.block = log->block_number;
    out->root.log_index = log->log_index;
    if (!root_event(&out->root, &view, layer, arena, err))
        return name_log(log, err);
    out->kind = DECODED_ROOT;
    return true;
}
