/* node/chain/read.c
 *
 * Reading the chain from any thread. */
#include <inttypes.h>
#include <stdio.h>

#include "node/chain/chain_internal.h"

struct chain_head chain_head_get(struct chain *c)
{
    pthread_mutex_lock(&c->mutex);
    struct chain_head h = c->head;
    pthread_mutex_unlock(&c->mutex);
    return h;
}

uint64_t chain_tree_head(struct chain *c)
{
    pthread_mutex_lock(&c->mutex);
    uint64_t n = c->tree_head;
    pthread_mutex_unlock(&c->mutex);
    return n;
}

void chain_stats_get(struct chain *c, struct chain_stats *out)
{
    pthread_mutex_lock(&c->mutex);
    *out = c->stats;
    pthread_mutex_unlock(&c->mutex);
}

struct state *chain_state(struct chain *c)
{
    return c->deps.state;
}

const struct chain_block *chain_block_acquire(struct chain *c, struct store_reader *r,
                                              uint64_t number, struct err *err)
{
    err->kind = ERR_NONE;
    if (number > chain_head_get(c).number)
        return NULL; /* not published yet, even if the record is durable already */
    struct cached_block *e = block_cache_find(&c->cache, number);
    if (e)
        return &e->b;
    struct buf b;
    bool found = false;
    buf_init(&b, MAX_RECORD_LEN);
    bool ok = block_record_read(r, number, &b, &found, err);
    struct cached_block *fresh =
        ok && found ? cached_block_create(bytes_of(b.p, b.len), err) : NULL;
    buf_clear(&b);
    if (!fresh)
        return NULL;
    return &block_cache_add(&c->cache, fresh)->b;
}

void chain_block_release(struct chain *c, const struct chain_block *b)
{
    if (!b)
        return;
    /* the public part is the entry's first member */
    _Static_assert(offsetof(struct cached_block, b) == 0, "a chain_block is its cache entry");
    union {
        const struct chain_block *given;
        struct cached_block *entry;
    } u = { .given = b };
    block_cache_release(&c->cache, u.entry);
}

bool chain_call_context(struct chain *c, struct store_reader *r, uint64_t number,
                        struct stf_block_context *out, struct err *err)
{
    const struct chain_block *b = chain_block_acquire(c, r, number, err);
    if (!b)
        return err->kind != ERR_NONE
                   ? false
                   : err_set(err, ERR_INVALID, "block %" PRIu64 " not found", number);
    struct chain_head head = chain_head_get(c);
    *out = b->r.ctx;
    memmove(&out->block_hashes[0], &out->block_hashes[1], 255 * sizeof(out->block_hashes[0]));
    out->block_hashes[255] = b->r.block_hash;
    out->number = number + 1;
    out->gas_limit = c->cfg.block_gas_limit;
    out->pubdata_limit = c->cfg.block_pubdata_limit;
    out->coinbase = c->cfg.fee_collector;
    out->execution_version = STF_EXECUTION_VERSION_V31;
    if (number == head.number) {
        out->base_fee = head.base_fee;
        out->native_price = head.native_price;
        out->pubdata_price = head.pubdata_price;
        uint64_t now = clock_wall_ms(c->deps.clock) / 1000;
        if (now > out->timestamp)
            out->timestamp = now;
    } else if (number == 0) { /* the genesis context has no prices to run with */
        out->native_price = c->cfg.native_price;
        out->base_fee = c->cfg.base_fee;
    }
    chain_block_release(c, b);
    return true;
}

static bool copy_logs(struct batch_block *out, const struct block_record *r, struct arena *arena)
{
    size_t n = 0;
    for (size_t i = 0; i < r->tx_cnt; i++)
        n += r->txs[i].l2_log_cnt;
    struct stf_l2_log *logs = arena_alloc(arena, n * sizeof(*logs));
    if (!logs)
        return false;
    n = 0;
    for (size_t i = 0; i < r->tx_cnt; i++)
        for (size_t j = 0; j < r->txs[i].l2_log_cnt; j++) {
            struct stf_l2_log l = r->txs[i].l2_logs[j];
            uint8_t *copy = arena_copy(arena, l.message.p, l.message.len);
            if (!copy)
                return false;
            l.message.p = copy;
            logs[n++] = l;
        }
    out->l2_logs = logs;
    out->l2_log_cnt = n;
    return true;
}

static bool copy_rest(struct batch_block *out, const struct block_record *r, struct arena *arena)
{
    struct b256 *l1 = arena_alloc(arena, (size_t)r->l1_tx_cnt * sizeof(*l1));
    uint8_t *pubdata = arena_copy(arena, r->pubdata.p, r->pubdata.len);
    struct stf_interop_root *roots =
        arena_copy(arena, r->interop_roots, r->interop_root_cnt * sizeof(*roots));
    if (!l1 || !pubdata || !roots)
        return false;
    uint32_t n = 0;
    for (size_t i = 0; i < r->tx_cnt && n < r->l1_tx_cnt; i++)
        if (r->txs[i].envelope.len > 0 && r->txs[i].envelope.p[0] == TX_PRIORITY)
            l1[n++] = r->txs[i].hash;
    out->l1_tx_hashes = l1;
    out->l1_tx_cnt = n;
    out->pubdata = bytes_of(pubdata, r->pubdata.len);
    out->interop_roots = roots;
    out->interop_root_cnt = r->interop_root_cnt;
    return true;
}

bool chain_batch_block_load(struct chain *c, struct store_reader *r, uint64_t number,
                            struct arena *arena, struct batch_block *out, struct err *err)
{
    struct tree_row row;
    bool found = false;
    if (!index_load_tree(r, number, &row, &found, err))
        return false;
    if (!found)
        return err_set(err, ERR_TRANSIENT, "the tree of block %" PRIu64 " is not hashed yet",
                       number);
    const struct chain_block *b = chain_block_acquire(c, r, number, err);
    if (!b)
        return err->kind != ERR_NONE
                   ? false
                   : err_set(err, ERR_TRANSIENT, "block %" PRIu64 " is not there", number);
    const struct block_record *rec = &b->r;
    *out = (struct batch_block){ .number = number,
                                 .timestamp = rec->ctx.timestamp,
                                 .block_hash = rec->block_hash,
                                 .tree_root = row.root,
                                 .leaf_count = row.leaf_count,
                                 .last_256_hashes =
                                     batch_last_256_hashes(rec->ctx.block_hashes, &rec->block_hash),
                                 .protocol_minor = rec->protocol_minor,
                                 .execution_version = rec->ctx.execution_version,
                                 .tx_cnt = (uint32_t)rec->tx_cnt,
                                 .upgrade_tx_hash = rec->upgrade_tx_hash,
                                 .computational_native_used = rec->computational_native_used,
                                 .gas_used = rec->header.gas_used,
                                 .sets_sl_chain_id = rec->sets_sl_chain_id,
                                 .sl_chain_id = row.sl_chain_id,
                                 .multichain_root = row.multichain_root };
    bool ok = copy_logs(out, rec, arena) && copy_rest(out, rec, arena);
    chain_block_release(c, b);
    return ok || err_set(err, ERR_LOCAL, "out of memory for block %" PRIu64, number);
}
