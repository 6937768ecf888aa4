#include "tests/statetest/world.h"

#include "node/base/hash.h"
#include "node/base/rlp.h"
#include "node/stf/evm.h"
#include "tests/statetest/mpt.h"

#include <stdlib.h>

static void *take(struct arena *arena, size_t n)
{
    void *p = arena_zalloc(arena, n);
    CHECK(p);
    return p;
}

static void *put(struct map *m, const void *key)
{
    bool inserted;
    void *v = map_put(m, key, &inserted);
    CHECK(v);
    return v;
}

static bool read_slot(void *ctx, const struct b256 *flat_key, struct b256 *value, bool *exists)
{
    const struct world *w = ctx;
    const struct b256 *v = map_find(&w->slots, flat_key);
    *exists = v != NULL;
    *value = v ? *v : (struct b256){ { 0 } };
    return true;
}

static bool read_preimage(void *ctx, const struct b256 *hash, struct bytes *out)
{
    const struct world *w = ctx;
    const struct bytes *v = map_find(&w->preimages, hash);
    if (v)
        *out = *v;
    return v != NULL;
}

static bool has_storage(void *ctx, const struct addr *a)
{
    const struct world *w = ctx;
    return map_find(&w->storages, a) != NULL;
}

static struct account_record record_of(const struct fixture_account *a, struct bytes blob)
{
    struct account_record rec = { .nonce = a->nonce, .balance = a->balance };
    if (a->code.len)
        account_set_code(&rec, blob, a->code.len);
    return rec;
}

static struct bytes blob_of(struct bytes code, struct arena *arena)
{
    uint8_t *p = take(arena, code_blob_len(code.len));
    code_blob_build(p, code);
    return bytes_of(p, code_blob_len(code.len));
}

/* EIP-7702: here a designator is told by its bytes; the state transition function goes by the record's status. */
static void mark_delegation(struct account_record *rec, struct bytes *blob)
{
    struct addr target;
    if (!account_delegation_target(bytes_of(blob->p, rec->code_len), &target))
        return;
    blob->len = code_padded_len(rec->code_len); /* without a bitmap */
    rec->versioning = ACCOUNT_VERSIONING_DELEGATED;
    rec->bytecode_hash = blake2s(blob->p, blob->len);
    rec->artifacts_len = 0;
}

static void add_account(struct world *w, const struct fixture_account *a, struct arena *arena)
{
    struct bytes blob = blob_of(a->code, arena);
    struct account_record rec = record_of(a, blob);
    mark_delegation(&rec, &blob);
    uint8_t *encoded = take(arena, ACCOUNT_RECORD_LEN);
    account_encode(encoded, &rec);
    struct b256 value = account_value(&rec), key = account_flat_key(&a->addr);
    *(struct b256 *)put(&w->slots, &key) = value;
    *(struct bytes *)put(&w->preimages, &value) = bytes_of(encoded, ACCOUNT_RECORD_LEN);
    if (a->code.len)
        *(struct bytes *)put(&w->preimages, &rec.bytecode_hash) = blob;
    for (size_t i = 0; i < a->slot_cnt; i++) {
        if (b256_is_zero(&a->slots[i].value))
            continue;
        key = blake2s_flat_key(&a->addr, &a->slots[i].slot);
        *(struct b256 *)put(&w->slots, &key) = a->slots[i].value;
        put(&w->storages, &a->addr);
    }
}

void world_init(struct world *w, const struct fixture *f, struct arena *arena)
{
    map_init_host(&w->slots, 32, 32);
    map_init_host(&w->preimages, 32, sizeof(struct bytes));
    map_init_host(&w->storages, 20, 1);
    w->oracle = (struct stf_oracle){
        .ctx = w,
        .read_slot = read_slot,
        .read_preimage = read_preimage,
        .has_storage = has_storage,
    };
    w->fixture = f;
    for (size_t i = 0; i < f->pre_cnt; i++)
        add_account(w, &f->pre[i], arena);
}

void world_clear(struct world *w)
{
    map_clear(&w->slots);
    map_clear(&w->preimages);
    map_clear(&w->storages);
}

/* ---- the state after ---- */

struct post_account {
    uint64_t nonce;
    struct u256 balance;
    struct b256 code_hash;
    bool is_gone;
};
struct slot_key {
    struct addr addr;
    struct b256 slot;
};
struct post {
    struct map accounts; /* addr -> post_account */
    struct map slots;    /* slot_key -> b256 */
};

static struct post_account post_of(const struct account_record *rec)
{
    return (struct post_account){
        .nonce = rec->nonce,
        .balance = rec->balance,
        .code_hash = rec->code_len ? rec->observable_hash : KECCAK_EMPTY,
    };
}

static void on_account(void *arg, const struct addr *a, const struct account_record *rec,
                       struct bytes code)
{
    struct post *p = arg;
    (void)code;
    struct post_account *acc = put(&p->accounts, a);
    *acc = post_of(rec);
    acc->is_gone = account_is_empty(rec); /* EIP-161: touched and empty */
}

static void on_slot(void *arg, const struct addr *a, const struct b256 *slot,
                    const struct b256 *value)
{
    struct post *p = arg;
    struct slot_key key = { *a, *slot };
    *(struct b256 *)put(&p->slots, &key) = *value;
}

static void post_add_pre(struct post *p, const struct fixture *f)
{
    for (size_t i = 0; i < f->pre_cnt; i++) {
        const struct fixture_account *a = &f->pre[i];
        struct post_account *acc = put(&p->accounts, &a->addr);
        acc->nonce = a->nonce;
        acc->balance = a->balance;
        acc->code_hash = keccak256(a->code.p, a->code.len);
        for (size_t j = 0; j < a->slot_cnt; j++)
            on_slot(p, &a->addr, &a->slots[j].slot, &a->slots[j].value);
    }
}

static void touch_coinbase(struct post *p, const struct addr *coinbase)
{
    struct post_account *acc = map_find(&p->accounts, coinbase);
    struct b256 empty = KECCAK_EMPTY;
    if (acc && !acc->nonce && u256_is_zero(&acc->balance) && b256_eq(&acc->code_hash, &empty))
        acc->is_gone = true;
}

struct slot_item {
    struct addr addr;
    struct mpt_item item;
};

static int compare_slots(const void *a, const void *b)
{
    return memcmp(((const struct slot_item *)a)->addr.b, ((const struct slot_item *)b)->addr.b, 20);
}

/* All slots that are not zero, keys hashed, grouped by account. */
static struct slot_item *collect_slots(const struct post *p, size_t *n, struct arena *arena)
{
    struct slot_item *out = take(arena, p->slots.count * sizeof(*out) + 1);
    const void *key;
    void *val;
    *n = 0;
    for (size_t i = 0; map_next(&p->slots, &i, &key, &val);) {
        const struct slot_key *k = key;
        const struct b256 *v = val;
        if (b256_is_zero(v))
            continue;
        struct b256 h = keccak256(k->slot.b, 32);
        struct u256 number = u256_of_b256(v);
        uint8_t *encoded = take(arena, 33);
        size_t len = rlp_write_u256(encoded, &number);
        out[*n] = (struct slot_item){
            .addr = k->addr,
            .item = { bytes_of(arena_copy(arena, h.b, 32), 32), bytes_of(encoded, len) },
        };
        ++*n;
    }
    qsort(out, *n, sizeof(*out), compare_slots);
    return out;
}

static struct b256 storage_root(const struct addr *a, const struct slot_item *slots, size_t n,
                                struct arena *arena)
{
    struct slot_item probe = { .addr = *a };
    const struct slot_item *hit =
        n ? bsearch(&probe, slots, n, sizeof(*slots), compare_slots) : NULL;
    size_t from = hit ? (size_t)(hit - slots) : 0, to = from;
    while (hit && from > 0 && addr_eq(&slots[from - 1].addr, a))
        from--;
    while (hit && to < n && addr_eq(&slots[to].addr, a))
        to++;
    struct mpt_item *items = take(arena, (to - from) * sizeof(*items) + 1);
    for (size_t i = from; i < to; i++)
        items[i - from] = slots[i].item;
    return mpt_root(items, to - from, arena);
}

static struct bytes encode_account(const struct post_account *a, const struct b256 *storage,
                                   struct arena *arena)
{
    struct bytes hashes[2] = { bytes_of(storage->b, 32), bytes_of(a->code_hash.b, 32) };
    size_t payload = rlp_u64_size(a->nonce) + rlp_u256_size(&a->balance) + 66;
    uint8_t *out = take(arena, rlp_list_size(payload));
    size_t len = rlp_write_list_header(out, payload);
    len += rlp_write_u64(out + len, a->nonce);
    len += rlp_write_u256(out + len, &a->balance);
    len += rlp_write_string(out + len, hashes[0]);
    len += rlp_write_string(out + len, hashes[1]);
    return bytes_of(out, len);
}

struct b256 world_state_root(const struct world *w, const struct stf_block *b, struct arena *arena)
{
    struct post p;
    map_init_host(&p.accounts, 20, sizeof(struct post_account));
    map_init_host(&p.slots, sizeof(struct slot_key), 32);
    post_add_pre(&p, w->fixture);
    if (b) {
        stf_block_visit_accounts(b, on_account, &p);
        stf_block_visit_slots(b, on_slot, &p);
    }
    touch_coinbase(&p, &w->fixture->env.coinbase);

    size_t slot_cnt, n = 0;
    struct slot_item *slots = collect_slots(&p, &slot_cnt, arena);
    struct mpt_item *items = take(arena, p.accounts.count * sizeof(*items) + 1);
    const void *key;
    void *val;
    for (size_t i = 0; map_next(&p.accounts, &i, &key, &val);) {
        const struct post_account *a = val;
        if (a->is_gone)
            continue;
        struct b256 h = keccak256(key, 20);
        struct addr addr;
        memcpy(addr.b, key, 20);
        struct b256 storage = storage_root(&addr, slots, slot_cnt, arena);
        items[n].key = bytes_of(arena_copy(arena, h.b, 32), 32);
        items[n].value = encode_account(a, &storage, arena);
        n++;
    }
    struct b256 root = mpt_root(items, n, arena);
    map_clear(&p.accounts);
    map_clear(&p.slots);
    return root;
}
