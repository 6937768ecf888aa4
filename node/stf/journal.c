/* node/stf/journal.c
 *
 * Caches of accounts, slots and preimages, the undo log, and the life of a transaction in them (spec 20 §5.1). */
#include "node/stf/journal.h"

#include "node/base/hash.h"

struct slot_key {
    struct addr addr;
    struct b256 slot;
};
_Static_assert(sizeof(struct slot_key) == 52, "map key without padding");

static void *alloc_from_arena(void *ctx, size_t n)
{
    return arena_alloc(ctx, n);
}

enum stf_halt journal_out_of_memory(struct stf_block *b)
{
    return sys_fail(b, STF_E_OUT_OF_MEMORY);
}

void *journal_vec_push(struct stf_block *b, struct vec *v, size_t elem_len)
{
    if (v->cnt == v->cap) {
        size_t cap = v->cap == 0 ? 32 : v->cap * 2;
        void *p = arena_alloc(b->arena, cap * elem_len);
        if (p == NULL) {
            (void)journal_out_of_memory(b);
            return NULL;
        }
        if (v->cnt != 0)
            memcpy(p, v->p, v->cnt * elem_len);
        v->p = p;
        v->cap = cap;
    }
    return (uint8_t *)v->p + elem_len * v->cnt++;
}

void journal_init(struct stf_block *b, uint64_t seed)
{
    map_init(&b->accounts, 20, sizeof(void *), seed, alloc_from_arena, NULL, b->arena);
    map_init(&b->slots, sizeof(struct slot_key), sizeof(void *), seed, alloc_from_arena, NULL,
             b->arena);
    map_init(&b->transients, sizeof(struct slot_key), sizeof(void *), seed, alloc_from_arena, NULL,
             b->arena);
    map_init(&b->preimages, 32, sizeof(struct bytes), seed, alloc_from_arena, NULL, b->arena);
}

void journal_tx_begin(struct stf_block *b)
{
    b->tx_id++;
    b->undo.cnt = 0;
    b->tx_accounts.cnt = 0;
    b->tx_slots.cnt = 0;
    b->transient_used = 0;
    if (b->transients.count != 0)
        map_empty(&b->transients);
    b->refund = 0;
    b->origin = (struct addr){ { 0 } };
    b->gas_price = U256_ZERO;
    b->blob_hashes = NULL;
    b->blob_cnt = 0;
    b->tx_first_event = b->events.cnt;
    b->tx_first_log = b->l2_logs.cnt;
}

void journal_tx_commit(struct stf_block *b)
{
    struct account_entry **written = b->tx_accounts.p;
    for (size_t i = 0; i < b->tx_accounts.cnt; i++) {
        struct account_entry *e = written[i];
        if (e->destroyed_tx != b->tx_id)
            continue;
        memset(&e->current, 0, sizeof e->current);
        e->code_unpublished = false;
        for (struct slot_entry *s = e->slots; s != NULL; s = s->next_of_account)
            s->current = (struct b256){ { 0 } };
    }
    b->undo.cnt = 0;
}

/* ---- entries ---- */

static struct account_entry *find_account(struct stf_block *b, const struct addr *a)
{
    if (b->last_account != NULL && addr_eq(&b->last_account->addr, a))
        return b->last_account;
    bool inserted = false;
    struct account_entry **at = map_put(&b->accounts, a->b, &inserted);
    if (at == NULL) {
        (void)journal_out_of_memory(b);
        return NULL;
    }
    if (inserted) {
        struct account_entry *e = arena_zalloc(b->arena, sizeof *e);
        if (e == NULL) {
            (void)map_remove(&b->accounts, a->b);
            (void)journal_out_of_memory(b);
            return NULL;
        }
        e->addr = *a;
        e->next = b->account_list;
        b->account_list = e;
        *at = e;
    }
    b->last_account = *at;
    return *at;
}

static bool load_account(struct stf_block *b, struct account_entry *e)
{
    e->flat_key = account_flat_key(&e->addr);
    if (!b->oracle->read_slot(b->oracle->ctx, &e->flat_key, &e->initial_value, &e->has_leaf)) {
        (void)sys_fail(b, STF_E_ORACLE);
        return false;
    }
    if (!b256_is_zero(&e->initial_value)) {
        struct bytes rec = { NULL, 0 };
        if (!b->oracle->read_preimage(b->oracle->ctx, &e->initial_value, &rec) ||
            !account_decode(&e->initial, rec)) {
            (void)sys_fail(b, STF_E_ORACLE);
            return false;
        }
    }
    e->current = e->initial;
    e->loaded = true;
    return true;
}

struct account_entry *journal_account(struct stf_block *b, const struct addr *a)
{
    struct account_entry *e = find_account(b, a);
    if (e == NULL || (!e->loaded && !load_account(b, e)))
        return NULL;
    return e;
}

static struct slot_entry *new_slot(struct stf_block *b, const struct slot_key *key)
{
    struct account_entry *owner = find_account(b, &key->addr);
    struct slot_entry *s = owner == NULL ? NULL : arena_zalloc(b->arena, sizeof *s);
    if (s == NULL) {
        (void)journal_out_of_memory(b);
        return NULL;
    }
    s->addr = key->addr;
    s->slot = key->slot;
    s->flat_key = blake2s_flat_key(&key->addr, &key->slot);
    s->next_of_account = owner->slots;
    owner->slots = s;
    s->next = b->slot_list;
    b->slot_list = s;
    return s;
}

struct slot_entry *journal_slot(struct stf_block *b, const struct addr *a, const struct b256 *slot)
{
    struct slot_entry *s = b->last_slot;
    if (s == NULL || !b256_eq(&s->slot, slot) || !addr_eq(&s->addr, a)) {
        struct slot_key key = { *a, *slot };
        struct slot_entry **found = map_find(&b->slots, &key);
        if (found != NULL) {
            s = *found;
        } else {
            s = new_slot(b, &key);
            struct slot_entry **at = s == NULL ? NULL : map_put(&b->slots, &key, NULL);
            if (at == NULL) {
                (void)journal_out_of_memory(b);
                return NULL;
            }
            *at = s;
        }
    }
    if (!s->loaded) {
        if (!b->oracle->read_slot(b->oracle->ctx, &s->flat_key, &s->initial, &s->has_leaf)) {
            (void)sys_fail(b, STF_E_ORACLE);
            return NULL;
        }
        s->current = s->initial;
        s->loaded = true;
    }
    b->last_slot = s;
    return s;
}

bool journal_is_precompile(const struct stf_block *b, const struct addr *a)
{
    for (size_t i = 0; i < 16; i++)
        if (a->b[i] != 0)
            return false;
    uint32_t low = load_be32(a->b + 16);
    for (size_t i = 0; i < b->rules->precompile_cnt; i++)
        if (b->rules->precompiles[i].addr == low)
            return true;
    return false;
}

/* ---- preimages ---- */

bool journal_cache_preimage(struct stf_block *b, const struct b256 *hash, struct bytes data)
{
    struct bytes *at = map_put(&b->preimages, hash->b, NULL);
    if (at == NULL) {
        (void)journal_out_of_memory(b);
        return false;
    }
    *at = data;
    return true;
}

struct bytes journal_preimage(struct stf_block *b, const struct b256 *hash)
{
    const struct bytes *known = map_find(&b->preimages, hash->b);
    if (known != NULL)
        return *known;
    struct bytes data = { NULL, 0 };
    if (!b->oracle->read_preimage(b->oracle->ctx, hash, &data) || data.p == NULL) {
        (void)sys_fail(b, STF_E_ORACLE);
        return bytes_of(NULL, 0);
    }
    if (!journal_cache_preimage(b, hash, data))
        return bytes_of(NULL, 0);
    return data;
}

bool journal_add_code(struct stf_block *b, const struct b256 *hash, struct bytes blob)
{
    struct code_preimage *c = journal_vec_push(b, &b->code_preimages, sizeof *c);
    if (c == NULL)
        return false;
    *c = (struct code_preimage){ *hash, blob };
    struct undo *u = journal_vec_push(b, &b->undo, sizeof *u);
    if (u == NULL)
        return false;
    u->kind = UNDO_CODE_PREIMAGE;
    u->target = NULL;
    return journal_cache_preimage(b, hash, blob);
}

/* ---- writes with undo ---- */

static struct undo *undo_push(struct stf_block *b, enum undo_kind kind, void *target)
{
    struct undo *u = journal_vec_push(b, &b->undo, sizeof *u);
    if (u != NULL) {
        u->kind = kind;
        u->target = target;
    }
    return u;
}

/* Notes the first write of this transaction to the account. */
static bool list_account(struct stf_block *b, struct account_entry *e)
{
    if (e->write_tx == b->tx_id)
        return true;
    struct account_entry **at = journal_vec_push(b, &b->tx_accounts, sizeof(void *));
    if (at == NULL)
        return false;
    *at = e;
    e->write_tx = b->tx_id;
    e->tx_start = e->current;
    return true;
}

bool journal_set_balance(struct stf_block *b, struct account_entry *e, const struct u256 *v)
{
    struct undo *u = list_account(b, e) ? undo_push(b, UNDO_BALANCE, e) : NULL;
    if (u == NULL)
        return false;
    u->old.balance = e->current.balance;
    e->current.balance = *v;
    return true;
}

bool journal_set_nonce(struct stf_block *b, struct account_entry *e, uint64_t nonce)
{
    struct undo *u = list_account(b, e) ? undo_push(b, UNDO_NONCE, e) : NULL;
    if (u == NULL)
        return false;
    u->old.nonce = e->current.nonce;
    e->current.nonce = nonce;
    return true;
}

bool journal_set_record(struct stf_block *b, struct account_entry *e,
                        const struct account_record *rec, bool code_unpublished)
{
    struct account_record *old = arena_copy(b->arena, &e->current, sizeof *old);
    if (old == NULL) {
        (void)journal_out_of_memory(b);
        return false;
    }
    struct undo *u = list_account(b, e) ? undo_push(b, UNDO_RECORD, e) : NULL;
    if (u == NULL)
        return false;
    u->old.rec.record = old;
    u->old.rec.code_unpublished = e->code_unpublished;
    e->current = *rec;
    e->code_unpublished = code_unpublished;
    return true;
}

bool journal_set_slot(struct stf_block *b, struct slot_entry *s, const struct b256 *v)
{
    if (s->write_tx != b->tx_id) {
        struct slot_entry **at = journal_vec_push(b, &b->tx_slots, sizeof(void *));
        if (at == NULL)
            return false;
        *at = s;
        s->write_tx = b->tx_id;
        s->tx_start = s->current;
    }
    struct undo *u = undo_push(b, UNDO_SLOT, s);
    if (u == NULL)
        return false;
    u->old.value = s->current;
    s->current = *v;
    return true;
}

bool journal_warm_account(struct stf_block *b, struct account_entry *e)
{
    if (e->warm_tx == b->tx_id)
        return true;
    struct undo *u = undo_push(b, UNDO_ACCOUNT_WARM, e);
    if (u == NULL)
        return false;
    u->old.tx = e->warm_tx;
    e->warm_tx = b->tx_id;
    return true;
}

bool journal_warm_slot(struct stf_block *b, struct slot_entry *s)
{
    if (s->warm_tx == b->tx_id)
        return true;
    struct undo *u = undo_push(b, UNDO_SLOT_WARM, s);
    if (u == NULL)
        return false;
    u->old.tx = s->warm_tx;
    s->warm_tx = b->tx_id;
    return true;
}

bool journal_mark_created(struct stf_block *b, struct account_entry *e)
{
    struct undo *u = undo_push(b, UNDO_CREATED, e);
    if (u == NULL)
        return false;
    u->old.tx = e->created_tx;
    e->created_tx = b->tx_id;
    return true;
}

bool journal_mark_destroyed(struct stf_block *b, struct account_entry *e)
{
    struct undo *u = list_account(b, e) ? undo_push(b, UNDO_DESTROYED, e) : NULL;
    if (u == NULL)
        return false;
    u->old.tx = e->destroyed_tx;
    e->destroyed_tx = b->tx_id;
    return true;
}

bool journal_mark_uncompressed(struct stf_block *b, struct account_entry *e)
{
    struct undo *u = list_account(b, e) ? undo_push(b, UNDO_UNCOMPRESSED, e) : NULL;
    if (u == NULL)
        return false;
    u->old.flag = e->balance_uncompressed;
    e->balance_uncompressed = true;
    return true;
}

bool journal_set_sl_chain_id(struct stf_block *b, const struct u256 *id)
{
    struct u256 *old = arena_copy(b->arena, &b->sl_chain_id, sizeof *old);
    if (old == NULL) {
        (void)journal_out_of_memory(b);
        return false;
    }
    struct undo *u = undo_push(b, UNDO_SL_CHAIN_ID, NULL);
    if (u == NULL)
        return false;
    u->old.sl.value = old;
    u->old.sl.has = b->has_sl_chain_id;
    b->sl_chain_id = *id;
    b->has_sl_chain_id = true;
    return true;
}

/* ---- transient storage ---- */

#define TRANSIENT_CHUNK 64u

/* Entries are pooled over the block; a transaction starts again with the first. */
static struct transient_entry *take_transient(struct stf_block *b)
{
    size_t chunk = b->transient_used / TRANSIENT_CHUNK;
    if (chunk == b->transient_pool.cnt) {
        struct transient_entry **at = journal_vec_push(b, &b->transient_pool, sizeof(void *));
        if (at == NULL)
            return NULL;
        *at = arena_alloc(b->arena, TRANSIENT_CHUNK * sizeof(struct transient_entry));
        if (*at == NULL) {
            b->transient_pool.cnt--;
            (void)journal_out_of_memory(b);
            return NULL;
        }
    }
    struct transient_entry **chunks = b->transient_pool.p;
    struct transient_entry *t = &chunks[chunk][b->transient_used++ % TRANSIENT_CHUNK];
    memset(t, 0, sizeof *t);
    return t;
}

enum stf_halt sys_tload(struct stf_block *b, struct stf_res *res, const struct addr *self,
                        const struct b256 *slot, struct b256 *out)
{
    enum stf_halt h = res_charge(res, 100, NATIVE_STORAGE_WARM);
    if (h != HALT_NONE)
        return h;
    struct slot_key key = { *self, *slot };
    struct transient_entry *const *t = map_find(&b->transients, &key);
    *out = t == NULL ? (struct b256){ { 0 } } : (*t)->value;
    return HALT_NONE;
}

enum stf_halt sys_tstore(struct stf_block *b, struct stf_res *res, const struct addr *self,
                         const struct b256 *slot, const struct b256 *value)
{
    enum stf_halt h = res_charge(res, 100, NATIVE_STORAGE_WARM);
    if (h != HALT_NONE)
        return h;
    struct slot_key key = { *self, *slot };
    struct transient_entry **found = map_find(&b->transients, &key);
    struct transient_entry *t;
    if (found != NULL) {
        t = *found;
    } else {
        t = take_transient(b);
        if (t == NULL)
            return HALT_BLOCK;
        struct transient_entry **at = map_put(&b->transients, &key, NULL);
        if (at == NULL)
            return journal_out_of_memory(b);
        *at = t;
    }
    struct undo *u = undo_push(b, UNDO_TRANSIENT, t);
    if (u == NULL)
        return HALT_BLOCK;
    u->old.value = t->value;
    t->value = *value;
    return HALT_NONE;
}

/* ---- snapshots ---- */

struct sys_mark sys_snapshot(const struct stf_block *b)
{
    return (struct sys_mark){ .undo = b->undo.cnt,
                              .events = b->events.cnt,
                              .l2_logs = b->l2_logs.cnt,
                              .interop_roots = b->interop_roots.cnt,
                              .refund = (uint64_t)b->refund };
}

static void undo_account(struct account_entry *e, const struct undo *u)
{
    switch (u->kind) {
    case UNDO_BALANCE:
        e->current.balance = u->old.balance;
        break;
    case UNDO_NONCE:
        e->current.nonce = u->old.nonce;
        break;
    case UNDO_RECORD:
        e->current = *u->old.rec.record;
        e->code_unpublished = u->old.rec.code_unpublished;
        break;
    case UNDO_ACCOUNT_WARM:
        e->warm_tx = u->old.tx;
        break;
    case UNDO_CREATED:
        e->created_tx = u->old.tx;
        break;
    case UNDO_DESTROYED:
        e->destroyed_tx = u->old.tx;
        break;
    case UNDO_UNCOMPRESSED:
        e->balance_uncompressed = u->old.flag;
        break;
    default:
        CHECK(false);
    }
}

static void undo_one(struct stf_block *b, const struct undo *u)
{
    struct slot_entry *s = u->target;
    struct transient_entry *t = u->target;
    switch (u->kind) {
    case UNDO_SLOT:
        s->current = u->old.value;
        break;
    case UNDO_SLOT_WARM:
        s->warm_tx = u->old.tx;
        break;
    case UNDO_TRANSIENT:
        t->value = u->old.value;
        break;
    case UNDO_CODE_PREIMAGE:
        b->code_preimages.cnt--;
        break;
    case UNDO_SL_CHAIN_ID:
        b->sl_chain_id = *u->old.sl.value;
        b->has_sl_chain_id = u->old.sl.has;
        break;
    default:
        undo_account(u->target, u);
        break;
    }
}

void sys_rollback(struct stf_block *b, struct sys_mark m)
{
    CHECK(m.undo <= b->undo.cnt);
    const struct undo *log = b->undo.p;
    for (size_t i = b->undo.cnt; i > m.undo; i--)
        undo_one(b, &log[i - 1]);
    b->undo.cnt = m.undo;
    b->events.cnt = m.events;
    b->l2_logs.cnt = m.l2_logs;
    b->interop_roots.cnt = m.interop_roots;
    b->refund = (int64_t)m.refund;
}

void sys_refund_add(struct stf_block *b, int64_t delta)
{
    b->refund += delta;
}
