/* tests/unit/chain/record_maker.c */
#include "tests/unit/chain/record_maker.h"

#include "node/base/hash.h"
#include "tests/unit/base/testing.h"

static struct b256 random_b256(uint64_t *seed)
{
    struct b256 v;
    test_random_bytes(seed, v.b, 32);
    return v;
}

static struct u256 random_u256(uint64_t *seed)
{
    struct b256 v = random_b256(seed);
    return u256_of_b256(&v);
}

static struct addr random_addr(uint64_t *seed)
{
    struct addr a;
    test_random_bytes(seed, a.b, 20);
    return a;
}

static struct bytes random_bytes(uint64_t *seed, size_t max, struct arena *arena)
{
    size_t len = test_random(seed) % (max + 1);
    uint8_t *p = arena_alloc(arena, len);
    assert_non_null(p);
    test_random_bytes(seed, p, len);
    return bytes_of(p, len);
}

static void *list(size_t *cnt, size_t max, size_t size, uint64_t *seed, struct arena *arena)
{
    *cnt = test_random(seed) % (max + 1);
    void *p = arena_zalloc(arena, *cnt * size);
    assert_non_null(p);
    return p;
}

static void fill_tx(struct block_tx *t, uint64_t *seed, struct arena *arena)
{
    t->envelope = random_bytes(seed, 300, arena);
    t->hash = random_b256(seed);
    t->from = random_addr(seed);
    t->success = test_random(seed) & 1;
    t->has_created = test_random(seed) & 1;
    if (t->has_created)
        t->created = random_addr(seed);
    t->gas_used = test_random(seed);
    t->gas_refunded = test_random(seed);
    t->native_used = test_random(seed);
    t->computational_native_used = test_random(seed);
    t->pubdata_used = test_random(seed);
    t->effective_gas_price = random_u256(seed);
    struct stf_event *ev = list(&t->event_cnt, 5, sizeof(*ev), seed, arena);
    for (size_t i = 0; i < t->event_cnt; i++) {
        ev[i].addr = random_addr(seed);
        ev[i].topic_cnt = (uint32_t)(i % 5);
        for (uint32_t k = 0; k < ev[i].topic_cnt; k++)
            ev[i].topics[k] = random_b256(seed);
        ev[i].data = random_bytes(seed, 100, arena);
    }
    t->events = ev;
    struct stf_l2_log *logs = list(&t->l2_log_cnt, 3, sizeof(*logs), seed, arena);
    for (size_t i = 0; i < t->l2_log_cnt; i++) {
        logs[i].tx_number = (uint16_t)test_random(seed);
        logs[i].is_message = test_random(seed) & 1;
        logs[i].key = random_b256(seed);
        logs[i].value = random_b256(seed);
        logs[i].message = random_bytes(seed, 80, arena);
    }
    t->l2_logs = logs;
}

static void fill_state(struct block_record *r, uint64_t *seed, struct arena *arena)
{
    struct stf_diff *d = list(&r->diff_cnt, 9, sizeof(*d), seed, arena);
    for (size_t i = 0; i < r->diff_cnt; i++) {
        d[i].addr = random_addr(seed);
        d[i].slot = random_b256(seed);
        d[i].old_value = random_b256(seed);
        d[i].new_value = random_b256(seed);
        d[i].is_new = test_random(seed) & 1;
        d[i].flat_key = blake2s_flat_key(&d[i].addr, &d[i].slot);
    }
    r->diffs = d;
    struct stf_preimage *p = list(&r->preimage_cnt, 4, sizeof(*p), seed, arena);
    for (size_t i = 0; i < r->preimage_cnt; i++) {
        p[i].hash = random_b256(seed);
        p[i].is_code = test_random(seed) & 1;
        p[i].data = random_bytes(seed, 200, arena);
    }
    r->preimages = p;
    struct bytes *codes = list(&r->forced_code_cnt, 3, sizeof(*codes), seed, arena);
    for (size_t i = 0; i < r->forced_code_cnt; i++)
        codes[i] = random_bytes(seed, 90, arena);
    r->forced_codes = codes;
    struct stf_interop_root *roots = list(&r->interop_root_cnt, 2, sizeof(*roots), seed, arena);
    for (size_t i = 0; i < r->interop_root_cnt; i++) {
        roots[i].chain_id = random_u256(seed);
        roots[i].block_or_batch = random_u256(seed);
        roots[i].root = random_b256(seed);
    }
    r->interop_roots = roots;
}

static void fill_context(struct block_record *r, uint64_t number, uint64_t *seed)
{
    struct stf_block_context *c = &r->ctx;
    c->chain_id = test_random(seed);
    c->number = number;
    c->timestamp = test_random(seed);
    for (size_t i = number < 256 ? 256 - number : 0; i < 256; i++)
        c->block_hashes[i] = random_b256(seed);
    c->base_fee = random_u256(seed);
    c->pubdata_price = random_u256(seed);
    c->native_price = random_u256(seed);
    c->blob_fee = random_u256(seed);
    c->coinbase = random_addr(seed);
    c->gas_limit = test_random(seed);
    c->pubdata_limit = test_random(seed);
    c->mix_hash = random_u256(seed);
    c->execution_version = (uint32_t)test_random(seed);
    struct stf_header *h = &r->header;
    h->parent_hash = c->block_hashes[255];
    h->transactions_root = random_b256(seed);
    h->coinbase = c->coinbase;
    h->number = number;
    h->gas_limit = c->gas_limit;
    h->gas_used = test_random(seed);
    h->timestamp = c->timestamp;
    h->base_fee = c->base_fee;
    h->mix_hash = random_b256(seed);
}

struct block_record record_make(uint64_t seed, uint64_t number, struct arena *arena)
{
    struct block_record r = { 0 };
    fill_context(&r, number, &seed);
    r.protocol_minor = (uint32_t)test_random(&seed);
    r.starting_l1_priority_id = test_random(&seed);
    r.previous_timestamp = test_random(&seed);
    r.block_hash = random_b256(&seed);
    struct block_tx *txs = list(&r.tx_cnt, 6, sizeof(*txs), &seed, arena);
    for (size_t i = 0; i < r.tx_cnt; i++)
        fill_tx(&txs[i], &seed, arena);
    r.txs = txs;
    fill_state(&r, &seed, arena);
    r.sets_sl_chain_id = test_random(&seed) & 1;
    r.upgrade_tx_hash = random_b256(&seed);
    r.pubdata = random_bytes(&seed, 500, arena);
    r.l1_tx_cnt = (uint32_t)test_random(&seed);
    r.computational_native_used = test_random(&seed);
    r.pubdata_used = test_random(&seed);
    r.output_hash = block_output_hash(&r);
    return r;
}

/* ---- comparing ---- */

#define SAME(field)     assert_int_equal(a->field, b->field)
#define SAME_MEM(field) assert_memory_equal(&a->field, &b->field, sizeof(a->field))

static void same_bytes(struct bytes a, struct bytes b)
{
    assert_int_equal(a.len, b.len);
    if (a.len)
        assert_memory_equal(a.p, b.p, a.len);
}

static void same_event(const struct stf_event *a, const struct stf_event *b)
{
    SAME_MEM(addr);
    SAME(topic_cnt);
    assert_memory_equal(a->topics, b->topics, 32 * (size_t)a->topic_cnt);
    same_bytes(a->data, b->data);
}

static void same_l2_log(const struct stf_l2_log *a, const struct stf_l2_log *b)
{
    SAME(tx_number);
    SAME(is_message);
    SAME_MEM(key);
    SAME_MEM(value);
    same_bytes(a->message, b->message);
}

static void same_tx(const struct block_tx *a, const struct block_tx *b)
{
    same_bytes(a->envelope, b->envelope);
    SAME_MEM(hash);
    SAME_MEM(from);
    SAME(success);
    SAME(has_created);
    SAME_MEM(created);
    SAME(gas_used);
    SAME(gas_refunded);
    SAME(native_used);
    SAME(computational_native_used);
    SAME(pubdata_used);
    SAME_MEM(effective_gas_price);
    SAME(event_cnt);
    for (size_t i = 0; i < a->event_cnt; i++)
        same_event(&a->events[i], &b->events[i]);
    SAME(l2_log_cnt);
    for (size_t i = 0; i < a->l2_log_cnt; i++)
        same_l2_log(&a->l2_logs[i], &b->l2_logs[i]);
}

static void same_context(const struct stf_block_context *a, const struct stf_block_context *b)
{
    SAME(chain_id);
    SAME(number);
    SAME(timestamp);
    SAME_MEM(block_hashes);
    SAME_MEM(base_fee);
    SAME_MEM(pubdata_price);
    SAME_MEM(native_price);
    SAME_MEM(blob_fee);
    SAME_MEM(coinbase);
    SAME(gas_limit);
    SAME(pubdata_limit);
    SAME_MEM(mix_hash);
    SAME(execution_version);
}

static void same_header(const struct stf_header *a, const struct stf_header *b)
{
    SAME_MEM(parent_hash);
    SAME_MEM(transactions_root);
    SAME_MEM(coinbase);
    SAME(number);
    SAME(gas_limit);
    SAME(gas_used);
    SAME(timestamp);
    SAME_MEM(base_fee);
    SAME_MEM(mix_hash);
}

static void same_state(const struct block_record *a, const struct block_record *b)
{
    SAME(diff_cnt);
    for (size_t i = 0; i < a->diff_cnt; i++) {
        assert_memory_equal(&a->diffs[i].addr, &b->diffs[i].addr, 20);
        assert_memory_equal(&a->diffs[i].slot, &b->diffs[i].slot, 32);
        assert_memory_equal(&a->diffs[i].flat_key, &b->diffs[i].flat_key, 32);
        assert_memory_equal(&a->diffs[i].old_value, &b->diffs[i].old_value, 32);
        assert_memory_equal(&a->diffs[i].new_value, &b->diffs[i].new_value, 32);
        assert_int_equal(a->diffs[i].is_new, b->diffs[i].is_new);
    }
    SAME(preimage_cnt);
    for (size_t i = 0; i < a->preimage_cnt; i++) {
        assert_memory_equal(&a->preimages[i].hash, &b->preimages[i].hash, 32);
        assert_int_equal(a->preimages[i].is_code, b->preimages[i].is_code);
        same_bytes(a->preimages[i].data, b->preimages[i].data);
    }
    SAME(forced_code_cnt);
    for (size_t i = 0; i < a->forced_code_cnt; i++)
        same_bytes(a->forced_codes[i], b->forced_codes[i]);
    SAME(interop_root_cnt);
    for (size_t i = 0; i < a->interop_root_cnt; i++)
        assert_memory_equal(&a->interop_roots[i], &b->interop_roots[i],
                            sizeof(a->interop_roots[i]));
}

void record_assert_equal(const struct block_record *a, const struct block_record *b)
{
    same_context(&a->ctx, &b->ctx);
    SAME(protocol_minor);
    SAME(starting_l1_priority_id);
    SAME(previous_timestamp);
    same_header(&a->header, &b->header);
    SAME_MEM(block_hash);
    SAME_MEM(output_hash);
    SAME(tx_cnt);
    for (size_t i = 0; i < a->tx_cnt; i++)
        same_tx(&a->txs[i], &b->txs[i]);
    same_state(a, b);
    SAME(sets_sl_chain_id);
    SAME_MEM(upgrade_tx_hash);
    same_bytes(a->pubdata, b->pubdata);
    SAME(l1_tx_cnt);
    SAME(computational_native_used);
    SAME(pubdata_used);
}
