/* node/rpc/eth_fees.c
 *
 * eth_: the fee oracle (spec 50 §4.4, §5.3). */
#include <math.h>
#include <stdlib.h>

#include "node/rpc/encode.h"
#include "node/rpc/handlers.h"
#include "node/rpc/params.h"

#define MAX_HISTORY     1024u
#define MAX_PERCENTILES 100u

struct u256 rpc_scale(const struct u256 *v, double factor)
{
    struct u256 f = u256_of_u64((uint64_t)llround(factor * 1000.0)), thousand = u256_of_u64(1000);
    struct u256 product = u256_mul(v, &f);
    return u256_div_ceil(&product, &thousand);
}

bool rpc_eth_gas_price(struct rpc_call *c)
{
    struct chain_head h = chain_head_get(c->r->d.chain);
    struct u256 price = rpc_scale(&h.base_fee, c->r->d.cfg->rpc.gas_price_scale_factor);
    js_quantity_u256(c->out, &price);
    return true;
}

static bool check_percentiles(struct rpc_call *c, const json_t *p)
{
    double last = 0;
    size_t n = json_array_size(p);
    if (!p)
        return true;
    if (!json_is_array(p) || n > MAX_PERCENTILES)
        return rpc_fail(c, RPC_PARAMS, "invalid reward percentile");
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(p, i);
        double x = json_number_value(v);
        if (!json_is_number(v) || !(x >= last && x <= 100))
            return rpc_fail(c, RPC_PARAMS, "invalid reward percentile");
        last = x;
    }
    return true;
}

struct history {
    uint64_t first, cnt;
    struct u256 *base_fee, *pubdata_price; /* cnt each */
    double *ratio;
    struct u256 *tips; /* cnt * percentiles */
    size_t percentiles;
};

/* Tip at each percentile of the gas of a block, as everywhere: transactions by tip, weighted with gas. */
struct tip {
    struct u256 tip;
    uint64_t gas;
};

static int tip_cmp(const void *a, const void *b)
{
    return u256_cmp(&((const struct tip *)a)->tip, &((const struct tip *)b)->tip);
}

static bool block_tips(struct rpc_call *c, const struct chain_block *b, const json_t *percentiles,
                       struct u256 *out)
{
    size_t n = 0, want = json_array_size(percentiles);
    struct tip *tips = arena_alloc(&c->s->arena, (b->r.tx_cnt + 1) * sizeof(*tips));
    if (!tips)
        return rpc_no_memory(c);
    uint64_t total = 0;
    for (size_t i = 0; i < b->r.tx_cnt; i++) {
        const struct block_tx *t = &b->r.txs[i];
        if (t->envelope.len == 0 ||
            (t->envelope.p[0] >= TX_SYSTEM && t->envelope.p[0] <= TX_PRIORITY))
            continue;
        struct u256 tip = U256_ZERO;
        if (!u256_sub_checked(&tip, &t->effective_gas_price, &b->r.header.base_fee))
            tip = U256_ZERO;
        tips[n++] = (struct tip){ tip, t->gas_used };
        total += t->gas_used;
    }
    qsort(tips, n, sizeof(*tips), tip_cmp);
    size_t at = 0;
    uint64_t sum = n ? tips[0].gas : 0;
    for (size_t i = 0; i < want; i++) {
        double share = json_number_value(json_array_get(percentiles, i)) / 100.0;
        while (at + 1 < n && (double)sum < share * (double)total)
            sum += tips[++at].gas;
        out[i] = n ? tips[at].tip : U256_ZERO;
    }
    return true;
}

static bool collect(struct rpc_call *c, struct history *h, const json_t *percentiles)
{
    struct arena *a = &c->s->arena;
    h->percentiles = json_array_size(percentiles);
    h->base_fee = arena_alloc(a, (size_t)h->cnt * sizeof(*h->base_fee));
    h->pubdata_price = arena_alloc(a, (size_t)h->cnt * sizeof(*h->pubdata_price));
    h->ratio = arena_alloc(a, (size_t)h->cnt * sizeof(*h->ratio));
    h->tips = arena_alloc(a, (size_t)h->cnt * h->percentiles * sizeof(*h->tips));
    if (!h->base_fee || !h->pubdata_price || !h->ratio || !h->tips)
        return rpc_no_memory(c);
    for (uint64_t i = 0; i < h->cnt; i++) {
        const struct chain_block *b = rpc_block_get(c, h->first + i);
        if (!b)
            return c->code ? false : rpc_fail(c, RPC_PARAMS, "block not found");
        const struct stf_header *hd = &b->r.header;
        h->base_fee[i] = hd->base_fee;
        h->pubdata_price[i] = b->r.ctx.pubdata_price;
        h->ratio[i] = hd->gas_limit ? (double)hd->gas_used / (double)hd->gas_limit : 0;
        struct arena_mark mark = arena_save(a);
        bool ok = !h->percentiles || block_tips(c, b, percentiles, h->tips + i * h->percentiles);
        arena_restore(a, mark);
        rpc_block_release(c, b);
        if (!ok)
            return false;
    }
    return true;
}

static void quantities(struct buf *b, const char *key, const struct u256 *v, uint64_t n,
                       const struct u256 *last)
{
    js_key(b, key);
    js_open(b, '[');
    for (uint64_t i = 0; i < n; i++)
        js_quantity_u256(b, &v[i]);
    js_quantity_u256(b, last);
    js_close(b, ']');
}

static void write_history(struct rpc_call *c, const struct history *h, bool rewards)
{
    struct buf *b = c->out;
    struct chain_head head = chain_head_get(c->r->d.chain);
    bool to_head = h->first + h->cnt > head.number;
    js_open(b, '{');
    jm_quantity(b, "oldestBlock", h->first);
    quantities(b, "baseFeePerGas", h->base_fee, h->cnt,
               to_head ? &head.base_fee : &h->base_fee[h->cnt - 1]);
    js_key(b, "gasUsedRatio");
    js_open(b, '[');
    for (uint64_t i = 0; i < h->cnt; i++)
        buf_printf(b, "%s%.6f", i ? "," : "", h->ratio[i]);
    js_close(b, ']');
    js_key(b, "baseFeePerBlobGas");
    js_open(b, '[');
    for (uint64_t i = 0; i <= h->cnt; i++)
        js_quantity(b, 1);
    js_close(b, ']');
    js_key(b, "blobGasUsedRatio");
    js_open(b, '[');
    for (uint64_t i = 0; i < h->cnt; i++)
        js_number(b, 0);
    js_close(b, ']');
    quantities(b, "pubdataPricePerByte", h->pubdata_price, h->cnt, &h->pubdata_price[h->cnt - 1]);
    if (rewards) {
        js_key(b, "reward");
        js_open(b, '[');
        for (uint64_t i = 0; i < h->cnt; i++) {
            js_open(b, '[');
            for (size_t p = 0; p < h->percentiles; p++)
                js_quantity_u256(b, &h->tips[i * h->percentiles + p]);
            js_close(b, ']');
        }
        js_close(b, ']');
    }
    js_close(b, '}');
}

bool rpc_eth_fee_history(struct rpc_call *c)
{
    struct block_id newest;
    struct history h = { 0 };
    const json_t *percentiles = param_at(c, 2);
    uint64_t cnt;
    if (!param_u64(c, 0, "block count", &cnt) || !param_block(c, 1, &newest) ||
        !check_percentiles(c, percentiles))
        return false;
    if (!newest.found)
        return rpc_fail(c, RPC_PARAMS, "block not found");
    if (cnt == 0) {
        js_raw(c->out, "{\"oldestBlock\":\"0x0\",\"baseFeePerGas\":[],\"gasUsedRatio\":[]}");
        return true;
    }
    h.cnt = cnt < MAX_HISTORY ? cnt : MAX_HISTORY;
    if (h.cnt > newest.number + 1)
        h.cnt = newest.number + 1;
    h.first = newest.number + 1 - h.cnt;
    if (!collect(c, &h, percentiles))
        return false;
    write_history(c, &h, percentiles != NULL);
    return true;
}
