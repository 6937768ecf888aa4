#include "tests/unit/state/model.h"

#include "node/base/hash.h"
#include "node/base/hex.h"

static void push(struct model *m, const struct b256 *key, const struct b256 *value, uint64_t next)
{
    if (m->count == m->cap) {
        m->cap = m->cap ? 2 * m->cap : 64;
        m->leaves = realloc(m->leaves, m->cap * sizeof(*m->leaves));
        assert_non_null(m->leaves);
    }
    m->leaves[m->count++] = (struct model_leaf){ *key, *value, next };
}

void model_init(struct model *m)
{
    struct b256 low = { { 0 } }, high;
    memset(high.b, 0xff, 32);
    *m = (struct model){ 0 };
    push(m, &low, &low, 1);
    push(m, &high, &low, 1);
}

void model_clear(struct model *m)
{
    free(m->leaves);
    *m = (struct model){ 0 };
}

void model_copy(struct model *out, const struct model *m)
{
    *out = (struct model){ malloc(m->count * sizeof(*m->leaves)), m->count, m->count };
    assert_non_null(out->leaves);
    memcpy(out->leaves, m->leaves, m->count * sizeof(*m->leaves));
}

const struct model_leaf *model_find(const struct model *m, const struct b256 *key)
{
    for (size_t i = 2; i < m->count; i++)
        if (b256_eq(&m->leaves[i].key, key))
            return &m->leaves[i];
    return NULL;
}

void model_apply(struct model *m, const struct stf_diff *d, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t before = 0;
        bool found = false;
        for (size_t j = 2; j < m->count && !found; j++) {
            int c = memcmp(m->leaves[j].key.b, d[i].flat_key.b, 32);
            if (c == 0) {
                m->leaves[j].value = d[i].new_value;
                found = true;
            } else if (c < 0 && memcmp(m->leaves[j].key.b, m->leaves[before].key.b, 32) > 0) {
                before = j;
            }
        }
        if (!found) {
            push(m, &d[i].flat_key, &d[i].new_value, m->leaves[before].next);
            m->leaves[before].next = m->count - 1;
        }
    }
}

struct b256 model_root(const struct model *m)
{
    struct b256 *h = malloc((m->count + 1) * sizeof(*h)), zero = { { 0 } };
    assert_non_null(h);
    size_t n = m->count;
    struct b256 empty = blake2s_leaf(&zero, &zero, 0);
    for (size_t i = 0; i < n; i++)
        h[i] = blake2s_leaf(&m->leaves[i].key, &m->leaves[i].value, m->leaves[i].next);
    for (unsigned d = 0; d < 64; d++) {
        if (n % 2)
            h[n++] = empty;
        for (size_t i = 0; i < n / 2; i++)
            h[i] = blake2s_pair(&h[2 * i], &h[2 * i + 1]);
        n /= 2;
        empty = blake2s_pair(&empty, &empty);
    }
    struct b256 root = h[0];
    free(h);
    return root;
}

uint64_t random_u64(uint64_t *seed)
{
    uint64_t z = (*seed += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

struct b256 random_word(uint64_t *seed)
{
    struct b256 w;
    for (size_t i = 0; i < 32; i += 8)
        store_be64(w.b + i, random_u64(seed));
    return w;
}

void block_add_slot(struct block *b, const struct b256 *key, const struct b256 *value,
                    const struct b256 *old_value, bool is_new)
{
    assert_true(b->diff_cnt < BLOCK_DIFFS_MAX);
    struct stf_diff *d = &b->diffs[b->diff_cnt++];
    *d = (struct stf_diff){ .flat_key = *key, .new_value = *value, .is_new = is_new };
    if (old_value)
        d->old_value = *old_value;
}

void block_add_account(struct block *b, const struct addr *a, const struct account_record *rec,
                       const struct b256 *old_value, bool is_new)
{
    struct b256 key = account_flat_key(a), value = account_value(rec);
    block_add_slot(b, &key, &value, old_value, is_new);
    struct stf_diff *d = &b->diffs[b->diff_cnt - 1];
    d->addr = account_storage_addr();
    d->slot = addr_pad32(a);
    size_t i = b->preimage_cnt++;
    account_encode(b->records[i], rec);
    b->preimages[i] =
        (struct stf_preimage){ value, bytes_of(b->records[i], ACCOUNT_RECORD_LEN), false };
}

static bool in_block(const struct block *b, const struct b256 *key)
{
    for (size_t i = 0; i < b->diff_cnt; i++)
        if (b256_eq(&b->diffs[i].flat_key, key))
            return true;
    return false;
}

static void add_random_account(struct block *b, const struct model *m, uint64_t *seed)
{
    struct addr a = addr_of_u32((uint32_t)(random_u64(seed) % 200 + 1));
    struct b256 key = account_flat_key(&a);
    if (in_block(b, &key))
        return;
    const struct model_leaf *l = model_find(m, &key);
    /* few balances, so that accounts share records */
    struct account_record rec = { .balance = u256_of_u64(random_u64(seed) % 20 + 1) };
    struct b256 value = account_value(&rec);
    if (!l || !b256_eq(&l->value, &value))
        block_add_account(b, &a, &rec, l ? &l->value : NULL, l == NULL);
}

void block_random(struct block *b, const struct model *m, uint64_t *seed, size_t inserts,
                  size_t updates, size_t accounts)
{
    b->diff_cnt = b->preimage_cnt = 0;
    for (size_t i = 0; i < inserts; i++) {
        struct b256 key = random_word(seed), value = random_word(seed);
        if (m->count > 2 && random_u64(seed) % 4 == 0)
            memcpy(key.b, m->leaves[2 + random_u64(seed) % (m->count - 2)].key.b, 9);
        block_add_slot(b, &key, &value, NULL, true);
    }
    for (size_t i = 0; i < accounts; i++)
        add_random_account(b, m, seed);
    for (size_t i = 0; i < updates && m->count > 2; i++) {
        const struct model_leaf *l = &m->leaves[2 + random_u64(seed) % (m->count - 2)];
        struct b256 value = random_u64(seed) % 8 ? random_word(seed) : (struct b256){ { 0 } };
        bool account = false;
        for (uint32_t a = 1; a <= 200 && !account; a++) {
            struct addr addr = addr_of_u32(a);
            struct b256 key = account_flat_key(&addr);
            account = b256_eq(&key, &l->key);
        }
        if (!account && !in_block(b, &l->key))
            block_add_slot(b, &l->key, &value, &l->value, false);
    }
}

void assert_fine(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s", err->msg);
}

void assert_word(const struct b256 *got, const struct b256 *want, const char *what)
{
    char a[67], b[67];
    if (b256_eq(got, want))
        return;
    hex_encode0x(a, got->b, 32);
    hex_encode0x(b, want->b, 32);
    fail_msg("%s: got %s, want %s", what, a, b);
}
