/* node/fees.c
 *
 * Feeds the fee model: medians of the settlement layer's base fees, every 13 seconds (spec 50 §4.3). */
#include <stdlib.h>
#include <string.h>

#include "node/base/log.h"
#include "node/topology_internal.h"

#define FEE_POLL_S 13
#define FEE_WINDOW 100

void fees_init(struct node *n)
{
    const struct config *c = n->cfg;
    double sl_usd = c->fee.sl_token_usd > 0 ? c->fee.sl_token_usd : c->fee.base_token_usd;
    n->fee_inputs =
        (struct fee_inputs){ .native_usd_e18 = fee_usd_e18(c->fee.native_price_usd),
                             .base_token_usd_e18 = fee_usd_e18(c->fee.base_token_usd),
                             .sl_token_usd_e18 = fee_usd_e18(sl_usd),
                             .native_per_gas = c->fee.native_per_gas,
                             .da = c->l1_sender.pubdata_mode == PUBDATA_VALIDIUM ? FEE_DA_VALIDIUM
                                   : c->l1_sender.pubdata_mode == PUBDATA_BLOBS  ? FEE_DA_BLOBS
                                                                                 : FEE_DA_CALLDATA,
                             .sl_tip = c->l1_sender.max_priority_fee_per_gas,
                             .fill_num = 1,
                             .fill_den = 2,
                             .pubdata_price_cap = c->fee.pubdata_price_cap,
                             .has_base_fee = c->sequencer.has_base_fee_override,
                             .has_native = c->sequencer.has_native_price_override,
                             .has_pubdata = c->sequencer.has_pubdata_price_override,
                             .base_fee = c->sequencer.base_fee_override,
                             .native = c->sequencer.native_price_override,
                             .pubdata = c->sequencer.pubdata_price_override };
    fee_next(&n->prices, &n->fee_inputs, NULL);
}

static int compare(const void *a, const void *b)
{
    return u256_cmp(a, b);
}

static struct u256 median(const struct u256 *values, size_t cnt)
{
    struct u256 sorted[FEE_WINDOW + 1];
    if (cnt == 0)
        return U256_ZERO;
    if (cnt > FEE_WINDOW + 1)
        cnt = FEE_WINDOW + 1;
    memcpy(sorted, values, cnt * sizeof(*values));
    qsort(sorted, cnt, sizeof(sorted[0]), compare);
    return sorted[cnt / 2];
}

/* The clamps are per block: prices may move as far as they could have in the blocks made since the last time. */
static void update(struct node *n)
{
    struct fee_prices next;
    uint64_t head = chain_head_get(n->chain).number;
    uint64_t blocks = head > n->fee_block ? head - n->fee_block : 0;
    if (n->have_prices)
        fee_after(&next, &n->fee_inputs, &n->prices, blocks);
    else
        fee_next(&next, &n->fee_inputs, NULL);
    n->have_prices = true;
    n->fee_block = head;
    n->prices = next;
    chain_set_fees(n->chain, &next.base_fee, &next.native, &next.pubdata);
}

/* After a restart prices go on where the last block left them: what L1 asks is not known yet. */
static void take_up(struct node *n)
{
    const struct fee_inputs *f = &n->fee_inputs;
    struct err err = { .kind = ERR_NONE };
    n->fee_block = chain_head_get(n->chain).number;
    if (n->fee_block == 0)
        return;
    const struct chain_block *b = chain_block_acquire(n->chain, n->reader, n->fee_block, &err);
    if (!b)
        return;
    const struct stf_block_context *x = &b->r.ctx;
    /* zero: the layer had not answered when the block was made, so the first answer counts as it is */
    n->have_prices = f->has_pubdata || f->da == FEE_DA_VALIDIUM || !u256_is_zero(&x->pubdata_price);
    n->prices = (struct fee_prices){ .base_fee = f->has_base_fee ? f->base_fee : x->base_fee,
                                     .native = f->has_native ? f->native : x->native_price,
                                     .pubdata = f->has_pubdata ? f->pubdata : x->pubdata_price };
    chain_block_release(n->chain, b);
    chain_set_fees(n->chain, &n->prices.base_fee, &n->prices.native, &n->prices.pubdata);
}

static void on_history(void *arg, const struct eth_reply *reply, const struct eth_fee_history *h)
{
    struct node *n = arg;
    n->fee_request = NULL;
    if (reply->err) {
        log_debug(LOG_NODE, "fee history is not to be had; prices stay",
                  LOG_STR("error", reply->err->msg));
        return;
    }
    n->fee_inputs.sl_base_fee = median(h->base_fees, h->base_fee_cnt);
    if (n->gateway && n->fee_inputs.da == FEE_DA_CALLDATA)
        n->fee_inputs.da = FEE_DA_GATEWAY;
    if (n->fee_inputs.da == FEE_DA_GATEWAY && !h->pubdata_prices) {
        log_warn(LOG_NODE, "the Gateway does not say what pubdata costs (pubdataPricePerByte of "
                           "eth_feeHistory); prices stay");
        return;
    }
    if (n->fee_inputs.da == FEE_DA_BLOBS && !h->blob_base_fees) {
        log_warn(
            LOG_NODE,
            "L1 does not say what blobs cost (baseFeePerBlobGas of eth_feeHistory); prices stay");
        return;
    }
    n->fee_inputs.sl_blob_base_fee =
        median(h->blob_base_fees, h->blob_base_fees ? h->blob_base_fee_cnt : 0);
    n->fee_inputs.sl_pubdata_price =
        median(h->pubdata_prices, h->pubdata_prices ? h->pubdata_price_cnt : 0);
    update(n);
}

static void on_fee_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct node *n = arg;
    struct err err = { .kind = ERR_NONE };
    if (!n->have_contracts) /* which layer to ask is not known yet */
        return;
    if (!n->fee_request)
        n->fee_request =
            eth_fee_history(node_sl(n), FEE_WINDOW, ETH_NO_REWARDS, NULL, on_history, n, &err);
}

void fees_start(struct node *n)
{
    const struct fee_inputs *f = &n->fee_inputs;
    if (f->has_base_fee && f->has_native && f->has_pubdata)
        return; /* nothing to learn */
    take_up(n);
    struct timeval tv = { .tv_sec = FEE_POLL_S };
    n->fee_timer = event_new(n->base, -1, EV_PERSIST, on_fee_timer, n);
    if (n->fee_timer)
        evtimer_add(n->fee_timer, &tv);
}

void fees_layer_known(struct node *n)
{
    if (n->fee_timer)
        event_active(n->fee_timer, EV_TIMEOUT, 0);
}

void fees_stop(struct node *n)
{
    if (n->fee_timer)
        event_free(n->fee_timer);
    n->fee_timer = NULL;
    eth_cancel(n->fee_request);
    n->fee_request = NULL;
}
