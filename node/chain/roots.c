/* node/chain/roots.c
 *
 * Importing roots of the settlement layer's message tree (spec 40 §5). They wait here in the order they were offered; a block of their own
 * stores up to a hundred with one system transaction and has nothing else in it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contracts-abi/gen/l2.h"
#include "node/base/hash.h"
#include "node/base/log.h"
#include "node/chain/chain_internal.h"

#define ROOT_STORAGE_ADDR 0x10008u
#define ROOT_STORAGE_SLOT 0u /* mapping(chain id => mapping(block => root)) */
#define MAX_CALL          (1u << 20)

/* A contract of before v31 does not count its roots: all of them have log id 0 (spec 40 §2.4). */
static bool follows(const struct chain_interop_root *r, const struct chain_interop_root *last)
{
    return r->block > last->block &&
           (r->log_id > last->log_id || (r->log_id == 0 && last->log_id == 0));
}

bool chain_import_root(struct chain *c, const struct chain_interop_root *r, struct err *err)
{
    struct root_queue *q = &c->roots;
    if (r->chain_id != c->cfg.sl_chain_id || b256_is_zero(&r->root))
        return err_set(err, ERR_INVALID,
                       "root of chain %" PRIu64 " block %" PRIu64 " is not one of the chain this "
                       "chain settles on, %" PRIu64,
                       r->chain_id, r->block, c->cfg.sl_chain_id);
    if (q->cnt > 0 && !follows(r, &q->items[q->cnt - 1]))
        return err_set(err, ERR_INVALID,
                       "root %" PRIu64 " of block %" PRIu64 " comes after root %" PRIu64
                       " of block %" PRIu64 ": they are imported in order",
                       r->log_id, r->block, q->items[q->cnt - 1].log_id,
                       q->items[q->cnt - 1].block);
    if (q->stopped)
        return err_set(err, ERR_REJECTED, "roots are not imported any more: %.200s", q->why);
    if (q->cnt == ROOT_QUEUE_MAX)
        return err_set(err, ERR_TRANSIENT, "%u roots wait to be imported", ROOT_QUEUE_MAX);
    q->items[q->cnt++] = *r;
    chain_wake(c);
    return true;
}

void chain_stop_roots(struct chain *c, const char *why)
{
    struct root_queue *q = &c->roots;
    if (q->stopped)
        return;
    q->stopped = true;
    snprintf(q->why, sizeof(q->why), "%.250s", why);
    log_error(LOG_CHAIN, "interop roots are not imported any more", LOG_STR("reason", q->why),
              LOG_U64("after_block", q->last.block));
}

void chain_roots_status(const struct chain *c, struct chain_roots_status *out)
{
    const struct root_queue *q = &c->roots;
    *out = (struct chain_roots_status){ .waiting = q->cnt,
                                        .imported = q->imported,
                                        .last_block = q->last.block,
                                        .last_log_id = q->last.log_id,
                                        .stopped = q->stopped };
    memcpy(out->why, q->why, sizeof(out->why));
}

bool roots_are_due(const struct chain *c, uint64_t now_mono_ms)
{
    const struct root_queue *q = &c->roots;
    return q->cnt > 0 && !q->stopped &&
           (q->last_import_ms == 0 || now_mono_ms >= q->last_import_ms + ROOT_BLOCK_DELAY_MS);
}

uint64_t roots_wait_ms(const struct chain *c, uint64_t now_mono_ms)
{
    const struct root_queue *q = &c->roots;
    if (q->cnt == 0 || q->stopped || roots_are_due(c, now_mono_ms))
        return UINT64_MAX;
    return q->last_import_ms + ROOT_BLOCK_DELAY_MS - now_mono_ms;
}

size_t roots_take(const struct chain *c, struct arena *arena, const struct chain_interop_root **out)
{
    const struct root_queue *q = &c->roots;
    size_t n = q->cnt < ROOTS_PER_TX ? q->cnt : ROOTS_PER_TX;
    *out = arena_copy(arena, q->items, n * sizeof(q->items[0]));
    return *out ? n : 0;
}

void roots_done(struct chain *c, size_t n, bool imported, uint64_t now_mono_ms)
{
    struct root_queue *q = &c->roots;
    CHECK(n > 0 && n <= q->cnt);
    q->last = q->items[n - 1];
    q->cnt -= n;
    memmove(&q->items[0], &q->items[n], q->cnt * sizeof(q->items[0]));
    if (imported) {
        q->imported += n;
        q->last_import_ms = now_mono_ms;
    }
}

/* ---- worker ---- */

static struct b256 mapping_slot(const struct b256 *key, const struct b256 *base)
{
    return keccak256_pair(key, base);
}

bool roots_is_stored(struct state_view *v, const struct chain_interop_root *r, bool *stored,
                     struct err *err)
{
    struct addr at = addr_of_u32(ROOT_STORAGE_ADDR);
    struct b256 base = b256_of_u64(ROOT_STORAGE_SLOT), key = b256_of_u64(r->chain_id), value;
    struct b256 inner = mapping_slot(&key, &base);
    key = b256_of_u64(r->block);
    struct b256 slot = mapping_slot(&key, &inner);
    if (!state_view_storage(v, &at, &slot, &value))
        return err_set(err, ERR_LOCAL, "cannot read the stored interop roots");
    *stored = !b256_is_zero(&value);
    if (*stored && !b256_eq(&value, &r->root))
        return err_set(err, ERR_DIVERGED,
                       "chain %" PRIu64 " block %" PRIu64 " has another root in this chain already",
                       r->chain_id, r->block);
    return true;
}

bool chain_root_is_imported(struct chain *c, const struct chain_interop_root *r, bool *imported,
                            struct err *err)
{
    struct state *s = chain_state(c);
    struct state_view *v = state_view_open(s, state_latest(s), err);
    bool ok = v && roots_is_stored(v, r, imported, err);
    state_view_close(v);
    return ok;
}

struct bytes roots_tx(const struct chain_interop_root *roots, size_t n, struct arena *arena)
{
    struct abi_v31_interop_root *list = arena_alloc(arena, n * sizeof(*list));
    struct addr to = addr_of_u32(ROOT_STORAGE_ADDR);
    struct bytes tx = bytes_of(NULL, 0);
    struct buf data;
    if (!list)
        return tx;
    for (size_t i = 0; i < n; i++)
        list[i] =
            (struct abi_v31_interop_root){ .chain_id = u256_of_u64(roots[i].chain_id),
                                           .block_or_batch_number = u256_of_u64(roots[i].block),
                                           .sides = { &roots[i].root, 1 } };
    const struct abi_v31_add_interop_roots_in_batch_call call = { .interop_roots = { list, n } };
    buf_init(&data, MAX_CALL);
    if (abi_v31_encode_add_interop_roots_in_batch_call(&data, &call))
        tx = tx_encode_system(&to, bytes_of(data.p, data.len), roots[n - 1].log_id, arena);
    buf_clear(&data);
    return tx;
}
