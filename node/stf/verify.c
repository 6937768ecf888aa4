/* node/stf/verify.c */
#include "node/stf/verify.h"

#include "node/base/hash.h"
#include "node/stf/verify_state.h"

#define SYSTEM_CONTEXT_ADDR 0x800bu
#define MESSAGE_ROOT_ADDR   0x10005u

const char *verify_code_text(enum verify_code c)
{
#define TEXT(id, text) text,
    static const char *const texts[] = { VERIFY_RESULTS(TEXT) };
#undef TEXT
    return (unsigned)c < VERIFY_CODE_CNT ? texts[c] : "unknown";
}

/* ---- one block ---- */

static enum verify_code fail(struct verify_fault *f, enum verify_code code,
                             const struct stf_fault *stf)
{
    f->code = code;
    if (stf)
        f->stf = *stf;
    return code;
}

static enum verify_code run_txs(struct stf_block *b, struct verify_fault *fault,
                                const struct bytes *txs, size_t tx_cnt, struct b256 *l1_hashes,
                                struct arena *work)
{
    size_t l1_cnt = 0;
    for (size_t i = 0; i < tx_cnt; i++) {
        struct stf_tx tx;
        struct stf_tx_result r;
        fault->tx = (uint32_t)i;
        enum stf_error e = tx_decode(&tx, txs[i], work);
        if (e != STF_OK)
            return fail(fault, VERIFY_TX_DECODE, &(struct stf_fault){ .code = e });
        if (stf_tx_run(b, &tx, &r) != STF_INCLUDED)
            return fail(fault, VERIFY_TX, &r.fault);
        if (tx.type == TX_UPGRADE && !r.success)
            return fail(fault, VERIFY_UPGRADE_PLACE,
                        &(struct stf_fault){ .code = STF_E_UPGRADE_TX_FAILED });
        if (tx.type == TX_PRIORITY)
            l1_hashes[l1_cnt++] = tx.hash;
    }
    return VERIFY_OK;
}

enum verify_code verify_run_block(struct stf_block_output *out, struct verify_fault *fault,
                                  const struct stf_block_context *ctx, const struct bytes *txs,
                                  size_t tx_cnt, const struct stf_oracle *oracle,
                                  const struct stf_crypto *crypto, struct b256 **l1_tx_hashes,
                                  struct arena *work)
{
    static const struct stf_options options = { .verify_signatures = true };
    struct stf_fault f = { .code = STF_OK };
    fault->block = ctx->number;
    fault->tx = 0;
    const struct stf_rules *rules = stf_rules_of_execution_version(ctx->execution_version);
    if (!rules)
        return fail(fault, VERIFY_RULES, NULL);
    *l1_tx_hashes = arena_alloc(work, tx_cnt * sizeof(**l1_tx_hashes));
    if (!*l1_tx_hashes)
        return fail(fault, VERIFY_NO_MEMORY, NULL);
    struct stf_block *b = stf_block_begin(work, rules, ctx, oracle, crypto, &options, &f);
    if (!b)
        return fail(fault, VERIFY_BLOCK, &f);
    enum verify_code e = run_txs(b, fault, txs, tx_cnt, *l1_tx_hashes, work);
    if (e != VERIFY_OK)
        return e;
    return stf_block_end(b, out, &f) ? VERIFY_OK : fail(fault, VERIFY_BLOCK, &f);
}

static bool read_storage(const struct stf_oracle *oracle, uint32_t contract,
                         const struct b256 *slot, struct b256 *value)
{
    struct addr a = addr_of_u32(contract);
    struct b256 key = blake2s_flat_key(&a, slot);
    bool exists = false;
    return oracle->read_slot(oracle->ctx, &key, value, &exists);
}

bool verify_read_settlement(const struct stf_oracle *oracle, uint64_t *sl_chain_id,
                            struct b256 *multichain_root)
{
    struct b256 slot = b256_of_u64(0), value, height;
    if (!read_storage(oracle, SYSTEM_CONTEXT_ADDR, &slot, &value))
        return false;
    *sl_chain_id = load_be64(value.b + 24);
    slot = b256_of_u64(4);
    if (!read_storage(oracle, MESSAGE_ROOT_ADDR, &slot, &height))
        return false;
    slot = batch_multichain_root_slot(&height);
    return read_storage(oracle, MESSAGE_ROOT_ADDR, &slot, multichain_root);
}

/* ---- the batch ---- */

struct pubdata_piece { /* of one block; scheme 4 */
    struct bytes data;
    struct pubdata_piece *next;
};

struct verifier {
    const struct stf_crypto *crypto;
    struct arena *keep, *work;
    struct verify_fault *fault;
    struct witness w;
    struct verify_state state;
    struct stf_oracle oracle;
    struct stf_block_context ctx; /* of the block being executed; block_hashes move on */
    struct batch_accumulator acc;
    uint64_t tx_cnt;
    struct pubdata_piece *pieces,
        **last_piece; /* only for blobs, which begin with the length of all */
    size_t pubdata_len;
};

static enum verify_code state_fault(struct verifier *v, enum verify_state_result e)
{
    static const enum verify_code codes[] = {
        [VERIFY_STATE_OK] = VERIFY_OK,
        [VERIFY_STATE_NO_MEMORY] = VERIFY_NO_MEMORY,
        [VERIFY_STATE_ORDER] = VERIFY_ORDER,
        [VERIFY_STATE_SIBLINGS] = VERIFY_SIBLINGS,
        [VERIFY_STATE_ROOT] = VERIFY_ROOT,
        [VERIFY_STATE_DIFF] = VERIFY_DIFF,
        [VERIFY_STATE_RIGHTMOST] = VERIFY_RIGHTMOST,
    };
    return fail(v->fault, codes[e], NULL);
}

static void set_context(struct verifier *v, const struct witness_block *b, size_t i)
{
    struct stf_block_context *c = &v->ctx;
    c->chain_id = v->w.chain_id;
    c->number = v->w.last_block + 1 + i;
    c->timestamp = b->timestamp;
    c->base_fee = b->base_fee;
    c->pubdata_price = b->pubdata_price;
    c->native_price = b->native_price;
    c->blob_fee = U256_ONE;
    c->coinbase = b->coinbase;
    c->gas_limit = b->gas_limit;
    c->pubdata_limit = UINT64_MAX;
    c->mix_hash = U256_ZERO;
    c->execution_version = b->execution_version;
}

static bool keep_pubdata(struct verifier *v, struct bytes data)
{
    struct pubdata_piece *p = arena_alloc(v->keep, sizeof(*p));
    const uint8_t *copy = arena_copy(v->keep, data.p, data.len);
    if (!p || !copy)
        return false;
    *p = (struct pubdata_piece){ .data = bytes_of(copy, data.len) };
    *v->last_piece = p;
    v->last_piece = &p->next;
    v->pubdata_len += data.len;
    return true;
}

/* What is committed of the batch's blobs (batch.h). */
static enum verify_code blob_da_commitment(struct verifier *v, struct b256 *out)
{
    arena_reset(v->work);
    uint8_t *all = arena_alloc(v->work, v->pubdata_len),
            *blob = arena_alloc(v->work, BATCH_BLOB_LEN);
    if (!all || !blob)
        return fail(v->fault, VERIFY_NO_MEMORY, NULL);
    size_t at = 0;
    for (const struct pubdata_piece *p = v->pieces; p; p = p->next) {
        memcpy(all + at, p->data.p, p->data.len);
        at += p->data.len;
    }
    struct keccak k;
    keccak_init(&k);
    for (size_t i = 0; i < batch_blob_cnt(v->pubdata_len); i++) {
        uint8_t commitment[48];
        struct b256 hash;
        batch_blob_fill(blob, i, bytes_of(all, v->pubdata_len));
        if (!v->crypto->blob_commitment(commitment, blob))
            return fail(v->fault, VERIFY_DA_SCHEME, NULL);
        v->crypto->sha256(&hash, commitment, sizeof(commitment));
        hash.b[0] = 1; /* version of a hash of a commitment, EIP-4844 */
        keccak_update(&k, hash.b, 32);
    }
    *out = keccak_final(&k);
    return VERIFY_OK;
}

static enum verify_code add_to_batch(struct verifier *v, const struct stf_block_output *o,
                                     const struct b256 *l1_tx_hashes, bool is_last)
{
    struct batch_block blk = { .number = v->ctx.number,
                               .timestamp = v->ctx.timestamp,
                               .block_hash = o->block_hash,
                               .execution_version = v->ctx.execution_version,
                               .tx_cnt = o->tx_cnt,
                               .l1_tx_cnt = o->l1_tx_cnt,
                               .l1_tx_hashes = l1_tx_hashes,
                               .upgrade_tx_hash = o->upgrade_tx_hash,
                               .l2_logs = o->l2_logs,
                               .l2_log_cnt = o->l2_log_cnt,
                               .interop_roots = o->interop_roots,
                               .interop_root_cnt = o->interop_root_cnt,
                               .pubdata = o->pubdata,
                               .computational_native_used = o->computational_native_used,
                               .gas_used = o->gas_used,
                               .sets_sl_chain_id = o->has_sl_chain_id };
    if (v->acc.b.l2_log_cnt + o->l2_log_cnt > BATCH_MAX_LOGS)
        return fail(v->fault, VERIFY_LOGS, NULL);
    /* only the values after the last block count */
    if (is_last) {
        if (!verify_read_settlement(&v->oracle, &blk.sl_chain_id, &blk.multichain_root))
            return fail(v->fault, VERIFY_STATE, NULL);
        enum verify_state_result e = verify_state_root(&v->state, &blk.tree_root, v->work);
        if (e != VERIFY_STATE_OK)
            return state_fault(v, e);
        blk.leaf_count = v->state.leaf_count;
        blk.last_256_hashes = batch_last_256_hashes(v->ctx.block_hashes, &o->block_hash);
    }
    if (!batch_accumulator_add(&v->acc, &blk) ||
        (v->w.da_scheme == DA_BLOBS_ZKSYNC_OS && !keep_pubdata(v, o->pubdata)))
        return fail(v->fault, VERIFY_NO_MEMORY, NULL);
    v->tx_cnt += o->tx_cnt;
    return VERIFY_OK;
}

static enum verify_code run_block(struct verifier *v, size_t i)
{
    const struct witness_block *b = &v->w.blocks[i];
    struct stf_block_output o;
    struct b256 *l1_tx_hashes;
    arena_reset(v->work);
    set_context(v, b, i);
    enum verify_code e = verify_run_block(&o, v->fault, &v->ctx, b->txs, b->tx_cnt, &v->oracle,
                                          v->crypto, &l1_tx_hashes, v->work);
    if (e != VERIFY_OK)
        return e;
    /* a batch has one upgrade transaction, in its first block (spec 30 §1.3) */
    if (i > 0 && !b256_is_zero(&o.upgrade_tx_hash))
        return fail(v->fault, VERIFY_UPGRADE_PLACE, NULL);
    enum verify_state_result s = verify_state_apply(&v->state, &o, v->work);
    if (s != VERIFY_STATE_OK)
        return state_fault(v, s);
    e = add_to_batch(v, &o, l1_tx_hashes, i + 1 == v->w.block_cnt);
    memmove(v->ctx.block_hashes, v->ctx.block_hashes + 1, 255 * sizeof(struct b256));
    v->ctx.block_hashes[255] = o.block_hash;
    return e;
}

static enum verify_code begin(struct verifier *v, struct bytes witness)
{
    struct b256 da;
    v->fault->witness = witness_decode(&v->w, witness, v->keep);
    if (v->fault->witness == WITNESS_NO_MEMORY)
        return fail(v->fault, VERIFY_NO_MEMORY, NULL);
    if (v->fault->witness != WITNESS_OK)
        return fail(v->fault, VERIFY_WITNESS, NULL);
    bool in_blobs = v->w.da_scheme == DA_BLOBS_ZKSYNC_OS;
    v->last_piece = &v->pieces;
    if (in_blobs ? !v->crypto->blob_commitment
                 : !batch_da_commitment(&da, v->w.da_scheme, &KECCAK_EMPTY))
        return fail(v->fault, VERIFY_DA_SCHEME, NULL);
    enum verify_state_result s = verify_state_init(&v->state, &v->w, v->keep);
    if (s != VERIFY_STATE_OK)
        return state_fault(v, s);
    v->oracle = verify_state_oracle(&v->state);
    witness_ring(v->ctx.block_hashes, &v->w);
    batch_accumulator_init(&v->acc, v->keep, v->w.batch_number, v->w.chain_id, v->w.da_scheme);
    return VERIFY_OK;
}

static enum verify_code finish(struct verifier *v, struct verify_result *out)
{
    if (!verify_state_all_used(&v->state))
        return fail(v->fault, VERIFY_UNUSED, NULL);
    /* finishing the batch takes this much scratch and has no way to say that it is missing */
    struct arena_mark mark = arena_save(v->keep);
    if (!arena_alloc(v->keep, (size_t)v->acc.b.l2_log_cnt * sizeof(struct b256)))
        return fail(v->fault, VERIFY_NO_MEMORY, NULL);
    arena_restore(v->keep, mark);
    struct b256 in_blobs;
    bool has_blobs = v->w.da_scheme == DA_BLOBS_ZKSYNC_OS;
    enum verify_code e = has_blobs ? blob_da_commitment(v, &in_blobs) : VERIFY_OK;
    if (e != VERIFY_OK)
        return e;
    *out = (struct verify_result){ .state_before = witness_state_commitment(&v->w),
                                   .tx_cnt = v->tx_cnt,
                                   .leaf_cnt = v->state.opened_cnt,
                                   .appended_cnt = v->state.cnt - v->state.opened_cnt,
                                   .preimage_cnt = v->state.preimage_cnt };
    batch_accumulator_finish(&v->acc, &out->batch, has_blobs ? &in_blobs : NULL);
    out->state_after = out->batch.stored.state_commitment;
    out->output_hash = out->batch.stored.commitment;
    out->public_input = batch_public_input(&out->state_before, &out->batch.stored);
    out->stored_hash = stored_batch_hash(&out->batch.stored);
    return VERIFY_OK;
}

enum verify_code verify_batch(struct verify_result *out, struct verify_fault *fault,
                              struct bytes witness, const struct stf_crypto *crypto,
                              struct arena *keep, struct arena *work)
{
    *fault = (struct verify_fault){ .code = VERIFY_OK };
    struct verifier *v = arena_zalloc(keep, sizeof(*v));
    if (!v)
        return fail(fault, VERIFY_NO_MEMORY, NULL);
    v->crypto = crypto;
    v->keep = keep;
    v->work = work;
    v->fault = fault;
    enum verify_code e = begin(v, witness);
    for (size_t i = 0; e == VERIFY_OK && i < v->w.block_cnt; i++)
        e = run_block(v, i);
    return e == VERIFY_OK ? finish(v, out) : e;
}
