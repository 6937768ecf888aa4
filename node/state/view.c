#include "node/base/hash.h"
#include "node/state/mem.h"
#include "node/state/state_impl.h"

struct state_view *state_view_open(struct state *s, uint64_t block, struct err *err)
{
    struct state_view *v = NULL;
    state_lock_flat_read(s); /* keeps the floor where it is until the pin is in the list */
    uint64_t latest = s->flat.log.last;
    if (block == STATE_LATEST)
        block = latest;
    if (!s->has_block || block > latest) {
        (void)err_set(err, ERR_INVALID, "block %llu is not there yet", (unsigned long long)block);
    } else if (block < s->floor) {
        (void)err_set(err, ERR_INVALID, "state of block %llu is pruned, the oldest kept is %llu",
                      (unsigned long long)block, (unsigned long long)s->floor);
    } else {
        v = mem_zalloc(1, sizeof(*v));
        v->s = s;
        v->block = v->pin = block;
        v->leaf_count = ver_log_at(&s->flat.log, block)->leaf_count;
        CHECK(pthread_mutex_lock(&s->locks->small) == 0);
        v->next = s->views;
        if (v->next)
            v->next->prev = v;
        s->views = v;
        s->view_cnt++;
        CHECK(pthread_mutex_unlock(&s->locks->small) == 0);
    }
    state_unlock_flat(s);
    return v;
}

void state_view_close(struct state_view *v)
{
    if (!v)
        return;
    struct state *s = v->s;
    CHECK(pthread_mutex_lock(&s->locks->small) == 0);
    if (v->prev)
        v->prev->next = v->next;
    else
        s->views = v->next;
    if (v->next)
        v->next->prev = v->prev;
    s->view_cnt--;
    CHECK(pthread_mutex_unlock(&s->locks->small) == 0);
    free(v);
}

uint64_t state_view_block(const struct state_view *v)
{
    return v->block;
}

bool state_view_slot(const struct state_view *v, const struct b256 *flat_key, struct b256 *value,
                     bool *exists)
{
    *value = (struct b256){ { 0 } };
    *exists = false;
    state_lock_flat_read(v->s);
    const struct flat *f = &v->s->flat;
    bool alive = !v->dead;
    uint64_t index;
    if (alive && flat_find(f, flat_key, &index) && index < v->leaf_count) {
        uint64_t next;
        flat_leaf_at(f, index, v->block, value, &next, NULL);
        *exists = true;
    }
    state_unlock_flat(v->s);
    return alive;
}

bool state_view_preimage(const struct state_view *v, const struct b256 *hash, struct bytes *out)
{
    state_lock_flat_read(v->s);
    const struct preimage *p = v->dead ? NULL : preimages_find(&v->s->flat.preimages, hash);
    if (p)
        *out = bytes_of(p->data, p->len);
    state_unlock_flat(v->s);
    return p != NULL;
}

bool state_view_account(const struct state_view *v, const struct addr *a,
                        struct account_record *out, bool *exists)
{
    *out = (struct account_record){ 0 };
    struct b256 key = account_flat_key(a), value;
    if (!state_view_slot(v, &key, &value, exists))
        return false;
    if (!*exists || b256_is_zero(&value))
        return true;
    struct bytes record;
    return state_view_preimage(v, &value, &record) && account_decode(out, record);
}

bool state_view_code(const struct state_view *v, const struct account_record *rec,
                     struct bytes *code)
{
    *code = (struct bytes){ 0 };
    if (rec->code_len == 0)
        return true;
    struct bytes blob;
    if (!state_view_preimage(v, &rec->bytecode_hash, &blob) || blob.len < rec->code_len)
        return false;
    *code = bytes_of(blob.p, rec->code_len);
    return true;
}

bool state_view_storage(const struct state_view *v, const struct addr *a, const struct b256 *slot,
                        struct b256 *value)
{
    struct b256 key = blake2s_flat_key(a, slot);
    bool exists;
    return state_view_slot(v, &key, value, &exists);
}

static bool oracle_slot(void *ctx, const struct b256 *flat_key, struct b256 *value, bool *exists)
{
    return state_view_slot(ctx, flat_key, value, exists);
}

static bool oracle_preimage(void *ctx, const struct b256 *hash, struct bytes *out)
{
    return state_view_preimage(ctx, hash, out);
}

struct stf_oracle state_view_oracle(const struct state_view *v)
{
    union {
        const struct state_view *in;
        void *out;
    } u = { .in = v }; /* the oracle only reads through it */
    return (struct stf_oracle){ .ctx = u.out,
                                .read_slot = oracle_slot,
                                .read_preimage = oracle_preimage };
}
