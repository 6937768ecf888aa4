/* node/stf/journal_output.c
 *
 * What a transaction says to the outside: events, messages, logs; and the small read-only views of the
 * block. */
#include "node/base/hash.h"
#include "node/stf/ee.h"
#include "node/stf/journal.h"

const struct stf_block_context *sys_context(const struct stf_block *b)
{
    return b->ctx;
}
const struct stf_rules *sys_rules(const struct stf_block *b)
{
    return b->rules;
}
const struct stf_crypto *sys_crypto(const struct stf_block *b)
{
    return b->crypto;
}
const struct stf_options *sys_options(const struct stf_block *b)
{
    return &b->options;
}
struct arena *sys_arena(struct stf_block *b)
{
    return b->arena;
}
const struct addr *sys_origin(const struct stf_block *b)
{
    return &b->origin;
}
const struct u256 *sys_gas_price(const struct stf_block *b)
{
    return &b->gas_price;
}
struct b256 sys_blob_hash(const struct stf_block *b, uint64_t index)
{
    if (b->rules->blob_hash_is_zero || index >= b->blob_cnt)
        return (struct b256){ { 0 } };
    return b->blob_hashes[index];
}
void **sys_frame_pool(struct stf_block *b)
{
    return &b->frame_pool;
}

enum stf_halt sys_fail(struct stf_block *b, enum stf_error code)
{
    if (b->fault.code == STF_OK) {
        memset(&b->fault, 0, sizeof b->fault);
        b->fault.code = code;
    }
    return HALT_BLOCK;
}

uint64_t sys_native_keccak(size_t len)
{
    uint64_t rounds = ((uint64_t)len + 135) / 136;
    return 2500 + 17500 * (rounds == 0 ? 1 : rounds);
}
uint64_t sys_native_sha256(size_t len)
{
    uint64_t rounds = (uint64_t)len / 64 + (len % 64 <= 55 ? 1 : 2);
    return 1600 + 4200 * rounds;
}
uint64_t sys_native_blake2s(size_t len)
{
    return 800 + 340 * (((uint64_t)len + 63) / 64);
}

enum stf_halt sys_emit_event(struct stf_block *b, struct stf_res *res, const struct addr *self,
                             const struct b256 *topics, unsigned topic_cnt, struct bytes data)
{
    CHECK(topic_cnt <= 4);
    enum stf_halt h = res_charge(res, 0, 6000 + 200 * (uint64_t)topic_cnt + 2 * (uint64_t)data.len);
    if (h != HALT_NONE)
        return h;
    const uint8_t *copy = arena_copy(b->arena, data.p, data.len);
    if (copy == NULL)
        return journal_out_of_memory(b);
    struct stf_event *ev = journal_vec_push(b, &b->events, sizeof *ev);
    if (ev == NULL)
        return HALT_BLOCK;
    memset(ev, 0, sizeof *ev);
    ev->addr = *self;
    ev->topic_cnt = topic_cnt;
    for (unsigned i = 0; i < topic_cnt; i++)
        ev->topics[i] = topics[i];
    ev->data = bytes_of(copy, data.len);
    const struct stf_tracer *t = b->options.tracer;
    if (t != NULL && t->on_event != NULL)
        t->on_event(t->ctx, ev);
    return b->rules->has_system_txs ? hooks_on_event(b, res, self, topics, topic_cnt, data)
                                    : HALT_NONE;
}

enum stf_halt sys_send_message(struct stf_block *b, struct stf_res *res, const struct addr *sender,
                               struct bytes data)
{
    uint64_t native = sys_native_keccak(88) + 3 * sys_native_keccak(64) +
                      sys_native_keccak(data.len) + 6000 + 2 * (uint64_t)data.len;
    enum stf_halt h = res_charge(res, 0, native);
    if (h != HALT_NONE)
        return h;
    const uint8_t *copy = arena_copy(b->arena, data.p, data.len);
    if (copy == NULL)
        return journal_out_of_memory(b);
    struct stf_l2_log *log = journal_vec_push(b, &b->l2_logs, sizeof *log);
    if (log == NULL)
        return HALT_BLOCK;
    *log = (struct stf_l2_log){ .tx_number = (uint16_t)b->tx_cnt,
                                .is_message = true,
                                .key = addr_pad32(sender),
                                .value = keccak256(copy, data.len),
                                .message = bytes_of(copy, data.len) };
    return HALT_NONE;
}

bool journal_add_l1_log(struct stf_block *b, const struct b256 *tx_hash, bool success)
{
    struct stf_l2_log *log = journal_vec_push(b, &b->l2_logs, sizeof *log);
    if (log == NULL)
        return false;
    *log = (struct stf_l2_log){ .tx_number = (uint16_t)b->tx_cnt,
                                .key = *tx_hash,
                                .value = b256_of_u64(success ? 1 : 0) };
    return true;
}

/* ---- looking in, for tracers ---- */

bool stf_block_account(struct stf_block *b, const struct addr *a, struct account_record *before,
                       struct account_record *now)
{
    const struct account_entry *e = journal_account(b, a);
    if (e == NULL)
        return false;
    *before = e->write_tx == b->tx_id ? e->tx_start : e->current;
    *now = e->current;
    return true;
}

bool stf_block_slot(struct stf_block *b, const struct addr *a, const struct b256 *slot,
                    struct b256 *before, struct b256 *now)
{
    const struct slot_entry *s = journal_slot(b, a, slot);
    if (s == NULL)
        return false;
    *before = s->write_tx == b->tx_id ? s->tx_start : s->current;
    *now = s->current;
    return true;
}

bool stf_block_code(struct stf_block *b, const struct account_record *rec, struct bytes *code)
{
    const uint8_t *bitmap;
    return sys_code(b, rec, code, &bitmap) == HALT_NONE;
}

void stf_block_visit_writes(const struct stf_block *b, stf_write_visit_fn *fn, void *arg)
{
    struct account_entry *const *accounts = b->tx_accounts.p;
    struct slot_entry *const *slots = b->tx_slots.p;
    for (size_t i = 0; i < b->tx_accounts.cnt; i++)
        fn(arg, &accounts[i]->addr, NULL);
    for (size_t i = 0; i < b->tx_slots.cnt; i++)
        fn(arg, &slots[i]->addr, &slots[i]->slot);
}
