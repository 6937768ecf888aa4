/* node/rpc/debug.c
 *
 * debug_getRaw*: the consensus encodings. */
#include "node/base/rlp.h"
#include "node/rpc/encode.h"
#include "node/rpc/handlers.h"
#include "node/rpc/params.h"

bool rpc_debug_raw_header(struct rpc_call *c)
{
    const struct chain_block *b;
    uint8_t enc[700];
    if (!rpc_block_param(c, false, &b))
        return false;
    if (!b)
        return rpc_null(c);
    size_t n = stf_header_encode(enc, &b->r.header);
    js_hex(c->out, enc, n);
    rpc_block_release(c, b);
    return true;
}

static bool tx_is_list(struct bytes e)
{
    return e.len > 0 && e.p[0] >= 0xc0;
}

/* rlp([header, transactions, ommers]) */
static bool write_raw_block(struct rpc_call *c, const struct chain_block *b)
{
    uint8_t header[700];
    size_t head = stf_header_encode(header, &b->r.header), txs = 0;
    for (size_t i = 0; i < b->r.tx_cnt; i++)
        txs += tx_is_list(b->r.txs[i].envelope) ? b->r.txs[i].envelope.len
                                                : rlp_string_size(b->r.txs[i].envelope);
    size_t body = head + rlp_list_size(txs) + rlp_list_size(0), n = 0;
    uint8_t *out = arena_alloc(&c->s->arena, rlp_list_size(body));
    if (!out)
        return rpc_no_memory(c);
    n += rlp_write_list_header(out, body);
    memcpy(out + n, header, head);
    n += head;
    n += rlp_write_list_header(out + n, txs);
    for (size_t i = 0; i < b->r.tx_cnt; i++) {
        struct bytes e = b->r.txs[i].envelope;
        if (tx_is_list(e)) {
            memcpy(out + n, e.p, e.len);
            n += e.len;
        } else {
            n += rlp_write_string(out + n, e);
        }
    }
    n += rlp_write_list_header(out + n, 0);
    js_hex(c->out, out, n);
    return true;
}

bool rpc_debug_raw_block(struct rpc_call *c)
{
    const struct chain_block *b;
    if (!rpc_block_param(c, false, &b))
        return false;
    if (!b)
        return rpc_null(c);
    bool ok = write_raw_block(c, b);
    rpc_block_release(c, b);
    return ok;
}

static size_t event_body_size(const struct stf_event *e)
{
    return 21 + rlp_list_size((size_t)e->topic_cnt * 33) + rlp_string_size(e->data);
}

static size_t write_event(uint8_t *out, const struct stf_event *e)
{
    size_t n = rlp_write_list_header(out, event_body_size(e));
    n += rlp_write_string(out + n, bytes_of(e->addr.b, 20));
    n += rlp_write_list_header(out + n, (size_t)e->topic_cnt * 33);
    for (uint32_t i = 0; i < e->topic_cnt; i++)
        n += rlp_write_string(out + n, bytes_of(e->topics[i].b, 32));
    return n + rlp_write_string(out + n, e->data);
}

/* type || rlp([status, cumulative gas, bloom, logs]); no type byte for legacy */
static bool write_raw_receipt(struct rpc_call *c, const struct block_tx *t, uint64_t gas)
{
    uint8_t bloom[256] = { 0 };
    size_t logs = 0, n = 0;
    for (size_t i = 0; i < t->event_cnt; i++) {
        chain_bloom_add(bloom, &t->events[i]);
        logs += rlp_list_size(event_body_size(&t->events[i]));
    }
    struct bytes bl = bytes_of(bloom, 256);
    size_t body =
        rlp_u64_size(t->success) + rlp_u64_size(gas) + rlp_string_size(bl) + rlp_list_size(logs);
    uint8_t *out = arena_alloc(&c->s->arena, 1 + rlp_list_size(body));
    if (!out)
        return rpc_no_memory(c);
    if (!tx_is_list(t->envelope) && t->envelope.len > 0)
        out[n++] = t->envelope.p[0];
    n += rlp_write_list_header(out + n, body);
    n += rlp_write_u64(out + n, t->success);
    n += rlp_write_u64(out + n, gas);
    n += rlp_write_string(out + n, bl);
    n += rlp_write_list_header(out + n, logs);
    for (size_t i = 0; i < t->event_cnt; i++)
        n += write_event(out + n, &t->events[i]);
    js_hex(c->out, out, n);
    return true;
}

bool rpc_debug_raw_receipts(struct rpc_call *c)
{
    const struct chain_block *b;
    if (!rpc_block_param(c, false, &b))
        return false;
    if (!b)
        return rpc_null(c);
    uint64_t gas = 0;
    bool ok = true;
    js_open(c->out, '[');
    for (size_t i = 0; ok && i < b->r.tx_cnt && !c->out->failed; i++) {
        gas += b->r.txs[i].gas_used;
        ok = write_raw_receipt(c, &b->r.txs[i], gas);
    }
    js_close(c->out, ']');
    rpc_block_release(c, b);
    return ok;
}
