/* node/stf/batch.c */
#include "node/stf/batch.h"

#include "node/base/hash.h"

/* ---- small encoders: hashes are built from words in order ---- */

static void put_word(struct keccak *k, const struct b256 *w)
{
    keccak_update(k, w->b, 32);
}

static void put_u64_word(struct keccak *k, uint64_t v)
{
    struct b256 w = b256_of_u64(v);
    put_word(k, &w);
}

static void put_be64(struct keccak *k, uint64_t v)
{
    uint8_t b[8];
    store_be64(b, v);
    keccak_update(k, b, 8);
}

struct b256 stored_batch_hash(const struct stored_batch *b)
{
    struct keccak k;
    const struct b256 zero = { { 0 } };
    keccak_init(&k);
    put_u64_word(&k, b->number);
    put_word(&k, &b->state_commitment);
    put_word(&k, &zero); /* indexRepeatedStorageChanges */
    put_u64_word(&k, b->l1_tx_cnt);
    put_word(&k, &b->priority_ops_hash);
    put_word(&k, &b->dependency_roots_hash);
    put_word(&k, &b->l2_logs_tree_root);
    put_word(&k, &zero); /* timestamp */
    put_word(&k, &b->commitment);
    return keccak_final(&k);
}

struct stored_batch stored_batch_genesis(const struct b256 *genesis_state_commitment)
{
    struct stored_batch b = { 0 };
    b.state_commitment = *genesis_state_commitment;
    b.priority_ops_hash = KECCAK_EMPTY;
    b.commitment = b256_of_u64(1);
    return b;
}

struct b256 batch_state_commitment(const struct b256 *tree_root, uint64_t leaf_count,
                                   uint64_t block_number, const struct b256 *last_256_hashes,
                                   uint64_t timestamp)
{
    uint8_t in[88];
    memcpy(in, tree_root->b, 32);
    store_be64(in + 32, leaf_count);
    store_be64(in + 40, block_number);
    memcpy(in + 48, last_256_hashes->b, 32);
    store_be64(in + 80, timestamp);
    return blake2s(in, sizeof(in));
}

struct b256 batch_last_256_hashes(const struct b256 ctx_hashes[256], const struct b256 *own_hash)
{
    struct blake2s s;
    blake2s_init(&s);
    blake2s_update(&s, ctx_hashes[1].b, 255u * 32u);
    blake2s_update(&s, own_hash->b, 32);
    return blake2s_final(&s);
}

struct b256 batch_l2_log_leaf(const struct stf_l2_log *log)
{
    uint8_t raw[88];
    stf_l2_log_encode(raw, log);
    return keccak256(raw, sizeof(raw));
}

struct b256 batch_logs_root(const struct b256 *leaves, size_t n, struct b256 *scratch)
{
    static const uint8_t empty_log[88] = { 0 };
    struct b256 padding = keccak256(empty_log, sizeof(empty_log));
    return merkle_fixed_root(leaves, n, BATCH_LOG_TREE_DEPTH, &padding, scratch);
}

struct b256 batch_empty_multichain_root(uint64_t chain_id)
{
    static const char leaf_tag[] = "zkSync:ChainIdLeaf";
    struct b256 tag = keccak256(leaf_tag, sizeof(leaf_tag) - 1);
    const struct b256 zero = { { 0 } };
    struct keccak k;
    keccak_init(&k);
    put_word(&k, &tag);
    put_word(&k, &zero);
    put_u64_word(&k, chain_id);
    return keccak_final(&k);
}

struct b256 batch_multichain_root_slot(const struct b256 *height)
{
    /* _nodes at base slot 6 is bytes32[][]: _nodes[h][0] lies at keccak(uint(keccak(6)) + h) */
    struct b256 base = b256_of_u64(6);
    base = keccak256(base.b, 32);
    struct u256 slot = u256_of_b256(&base);
    struct u256 h = u256_of_b256(height);
    slot = u256_add(&slot, &h);
    struct b256 row = u256_to_b256(&slot);
    return keccak256(row.b, 32);
}

bool batch_da_commitment(struct b256 *out, uint8_t scheme, const struct b256 *pubdata_keccak)
{
    if (scheme == DA_EMPTY_NO_DA) {
        *out = (struct b256){ { 0 } };
        return true;
    }
    if (scheme == DA_BLOBS_AND_PUBDATA_KECCAK) {
        uint8_t header[97] = {
            0
        }; /* state diff hash 0 | pubdata hash | one blob | linear hash 0 */
        memcpy(header + 32, pubdata_keccak->b, 32);
        header[64] = 1;
        *out = keccak256(header, sizeof(header));
        return true;
    }
    return false;
}

struct b256 batch_output_hash(const struct batch *b)
{
    struct keccak k;
    keccak_init(&k);
    put_u64_word(&k, b->chain_id);
    put_be64(&k, b->first_timestamp);
    put_be64(&k, b->last_timestamp);
    put_u64_word(&k, b->da_scheme);
    put_word(&k, &b->da_commitment);
    put_u64_word(&k, b->stored.l1_tx_cnt);
    put_u64_word(&k, b->l2_tx_cnt);
    put_word(&k, &b->stored.priority_ops_hash);
    put_word(&k, &b->stored.l2_logs_tree_root);
    put_word(&k, &b->upgrade_tx_hash);
    put_word(&k, &b->stored.dependency_roots_hash);
    put_u64_word(&k, b->sl_chain_id);
    return keccak_final(&k);
}

struct b256 batch_public_input(const struct b256 *prev_state_commitment,
                               const struct stored_batch *b)
{
    struct keccak k;
    keccak_init(&k);
    put_word(&k, prev_state_commitment);
    put_word(&k, &b->state_commitment);
    put_word(&k, &b->commitment);
    return keccak_final(&k);
}

static struct b256 shift_right_32(const struct b256 *w)
{
    struct b256 r = { { 0 } };
    memcpy(r.b + 4, w->b, 28);
    return r;
}

struct b256 batch_fold_public_inputs(const struct b256 *public_inputs, size_t n)
{
    struct b256 acc = { { 0 } };
    for (size_t i = 0; i < n; i++) {
        struct b256 p = shift_right_32(&public_inputs[i]);
        if (i == 0) {
            acc = p;
            continue;
        }
        struct b256 h = keccak256_pair(&acc, &p);
        acc = shift_right_32(&h);
    }
    return acc;
}

/* ---- the accumulator ---- */

void batch_accumulator_init(struct batch_accumulator *a, struct arena *arena, uint64_t number,
                            uint64_t chain_id, uint8_t da_scheme)
{
    *a = (struct batch_accumulator){ .arena = arena };
    a->b.stored.number = number;
    a->b.chain_id = chain_id;
    a->b.da_scheme = da_scheme;
    a->priority_hash = KECCAK_EMPTY;
    keccak_init(&a->pubdata);
}

static bool add_logs(struct batch_accumulator *a, const struct batch_block *blk)
{
    size_t n = (size_t)a->b.l2_log_cnt;
    size_t need = n + blk->l2_log_cnt;
    if (need > a->log_cap) {
        size_t cap = a->log_cap ? a->log_cap : 64;
        while (cap < need)
            cap *= 2;
        struct b256 *leaves = arena_alloc(a->arena, cap * sizeof(*leaves));
        if (!leaves)
            return false;
        if (n)
            memcpy(leaves, a->log_leaves, n * sizeof(*leaves));
        a->log_leaves = leaves;
        a->log_cap = cap;
    }
    for (size_t i = 0; i < blk->l2_log_cnt; i++)
        a->log_leaves[n + i] = batch_l2_log_leaf(&blk->l2_logs[i]);
    a->b.l2_log_cnt = need;
    return true;
}

static void add_interop_roots(struct batch_accumulator *a, const struct batch_block *blk)
{
    for (size_t i = 0; i < blk->interop_root_cnt; i++) {
        const struct stf_interop_root *r = &blk->interop_roots[i];
        struct b256 chain = u256_to_b256(&r->chain_id), number = u256_to_b256(&r->block_or_batch);
        struct keccak k;
        keccak_init(&k);
        put_word(&k, &a->dependency_hash);
        put_word(&k, &chain);
        put_word(&k, &number);
        put_word(&k, &r->root);
        a->dependency_hash = keccak_final(&k);
    }
    a->interop_root_cnt += blk->interop_root_cnt;
}

bool batch_accumulator_add(struct batch_accumulator *a, const struct batch_block *blk)
{
    if (!add_logs(a, blk))
        return false;
    struct batch *b = &a->b;
    if (a->block_cnt == 0) {
        b->first_block = blk->number;
        b->first_timestamp = blk->timestamp;
        b->protocol_minor = blk->protocol_minor;
        b->execution_version = blk->execution_version;
    } else if (blk->sets_sl_chain_id) {
        a->sl_set_after_first = true;
    }
    b->last_block = blk->number;
    b->last_timestamp = blk->timestamp;
    for (uint32_t i = 0; i < blk->l1_tx_cnt; i++)
        a->priority_hash = keccak256_pair(&a->priority_hash, &blk->l1_tx_hashes[i]);
    add_interop_roots(a, blk);
    if (!b256_is_zero(&blk->upgrade_tx_hash)) {
        b->upgrade_tx_hash = blk->upgrade_tx_hash;
        a->has_upgrade = true;
    }
    keccak_update(&a->pubdata, blk->pubdata.p, blk->pubdata.len);
    b->pubdata_len += blk->pubdata.len;
    b->computational_native_used += blk->computational_native_used;
    b->sl_chain_id = blk->sl_chain_id;
    b->multichain_root = blk->multichain_root;
    a->tx_cnt += blk->tx_cnt;
    a->l1_tx_cnt += blk->l1_tx_cnt;
    a->tree_root = blk->tree_root;
    a->leaf_count = blk->leaf_count;
    a->last_256 = blk->last_256_hashes;
    a->block_cnt++;
    return true;
}

void batch_accumulator_finish(struct batch_accumulator *a, struct batch *out,
                              const struct b256 *blob_da_commitment)
{
    CHECK(a->block_cnt > 0);
    *out = a->b;
    out->stored.state_commitment = batch_state_commitment(
        &a->tree_root, a->leaf_count, out->last_block, &a->last_256, out->last_timestamp);
    out->stored.l1_tx_cnt = a->l1_tx_cnt;
    /* the upgrade transaction is in neither count; system transactions count as L2 (spec 30 §2.2) */
    out->l2_tx_cnt = a->tx_cnt - a->l1_tx_cnt - (a->has_upgrade ? 1 : 0);
    out->stored.priority_ops_hash = a->priority_hash;
    out->stored.dependency_roots_hash = a->dependency_hash;
    size_t n = (size_t)out->l2_log_cnt;
    struct arena_mark mark = arena_save(a->arena);
    struct b256 *scratch = n ? arena_alloc(a->arena, n * sizeof(*scratch)) : NULL;
    CHECK(n == 0 || scratch);
    out->logs_root = batch_logs_root(a->log_leaves, n, scratch);
    arena_restore(a->arena, mark);
    out->stored.l2_logs_tree_root = keccak256_pair(&out->logs_root, &out->multichain_root);
    struct keccak k = a->pubdata;
    struct b256 pubdata_hash = keccak_final(&k);
    if (blob_da_commitment)
        out->da_commitment = *blob_da_commitment;
    else
        CHECK(batch_da_commitment(&out->da_commitment, out->da_scheme, &pubdata_hash));
    out->stored.commitment = batch_output_hash(out);
}
