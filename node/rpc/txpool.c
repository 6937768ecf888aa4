/* node/rpc/txpool.c
 *
 * txpool_: what waits, sender by sender. */
#include <stdio.h>

#include "node/base/hex.h"
#include "node/rpc/encode.h"
#include "node/rpc/handlers.h"
#include "node/rpc/params.h"

bool rpc_txpool_status(struct rpc_call *c)
{
    struct mempool_stats st;
    mempool_stats_get(c->r->d.mempool, &st);
    js_open(c->out, '{');
    jm_quantity(c->out, "pending", st.pending);
    jm_quantity(c->out, "queued", st.queued);
    js_close(c->out, '}');
    return true;
}

enum form { FORM_FULL, FORM_TEXT };

static void write_text(struct buf *b, const struct stf_tx *tx)
{
    char to[43] = "contract creation", value[79], price[79], text[320];
    if (!tx->is_create)
        hex_encode0x(to, tx->to.b, 20);
    u256_format_dec(value, &tx->value);
    u256_format_dec(price, &tx->max_fee);
    snprintf(text, sizeof(text), "%s: %s wei + %llu gas \xc3\x97 %s wei", to, value,
             (unsigned long long)tx->gas_limit, price);
    js_text(b, text);
}

static bool write_one(struct rpc_call *c, const struct mempool_tx *m, enum form form)
{
    struct stf_tx tx;
    struct tx_place nowhere = { 0 };
    char nonce[24];
    struct arena_mark mark = arena_save(&c->s->arena);
    if (!rpc_tx_decode(c, m->envelope, &tx))
        return false;
    tx.from = m->from;
    snprintf(nonce, sizeof(nonce), "%llu", (unsigned long long)m->nonce);
    js_key(c->out, nonce);
    if (form == FORM_FULL)
        encode_tx(c->out, &tx, &nowhere);
    else
        write_text(c->out, &tx);
    arena_restore(&c->s->arena, mark);
    return true;
}

/* {sender: {nonce: tx}} of one sub-pool; only one sender without the outer object. */
static bool write_pool(struct rpc_call *c, const struct mempool_tx *txs, size_t n, bool executable,
                       const struct addr *only, enum form form)
{
    struct buf *b = c->out;
    const struct addr *open = NULL;
    js_open(b, '{');
    for (size_t i = 0; i < n && !b->failed; i++) {
        const struct mempool_tx *m = &txs[i];
        if (m->executable != executable || (only && !addr_eq(only, &m->from)))
            continue;
        if (!only && (!open || !addr_eq(open, &m->from))) {
            char sender[43];
            if (open)
                js_close(b, '}');
            hex_encode0x(sender, m->from.b, 20);
            js_key(b, sender);
            js_open(b, '{');
            open = &m->from;
        }
        if (!write_one(c, m, form))
            return false;
    }
    if (open)
        js_close(b, '}');
    js_close(b, '}');
    return true;
}

static bool write_pools(struct rpc_call *c, const struct addr *only, enum form form)
{
    struct mempool_tx *txs;
    size_t n;
    if (!mempool_snapshot(c->r->d.mempool, &c->s->arena, &txs, &n))
        return rpc_no_memory(c);
    js_open(c->out, '{');
    js_key(c->out, "pending");
    bool ok = write_pool(c, txs, n, true, only, form);
    js_key(c->out, "queued");
    ok = ok && write_pool(c, txs, n, false, only, form);
    js_close(c->out, '}');
    return ok;
}

bool rpc_txpool_content(struct rpc_call *c)
{
    return write_pools(c, NULL, FORM_FULL);
}

bool rpc_txpool_content_from(struct rpc_call *c)
{
    struct addr a;
    return param_addr(c, 0, "address", &a) && write_pools(c, &a, FORM_FULL);
}

bool rpc_txpool_inspect(struct rpc_call *c)
{
    return write_pools(c, NULL, FORM_TEXT);
}
