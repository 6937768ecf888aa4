#include "node/sender/tx_fees.h"

#include <stdlib.h>

static struct u256 min256(struct u256 a, struct u256 b)
{
    return u256_lt(&b, &a) ? b : a;
}

static struct u256 max256(struct u256 a, struct u256 b)
{
    return u256_lt(&a, &b) ? b : a;
}

static struct u256 add_sat(const struct u256 *a, const struct u256 *b)
{
    struct u256 r;
    return u256_add_checked(&r, a, b) ? r : U256_MAX;
}

/* ceil(v * percent / 100), saturating */
static struct u256 percent_of(const struct u256 *v, uint32_t percent)
{
    struct u256 p = u256_of_u64(percent), hundred = u256_of_u64(100), r;
    if (!u256_mul_checked(&r, v, &p))
        return U256_MAX;
    return u256_div_ceil(&r, &hundred);
}

/* The highest maxFeePerGas we are willing to name. */
static struct u256 fee_ceiling(const struct tx_fee_policy *p, const struct tx_fee_market *m,
                               const struct u256 *tip)
{
    struct u256 ceiling = p->caps.max_fee;
    if (p->caps.base_fee_max_percent) {
        struct u256 relative = percent_of(&m->base_fee, p->caps.base_fee_max_percent);
        relative = add_sat(&relative, tip);
        ceiling = min256(ceiling, relative);
    }
    return ceiling;
}

static struct u256 first_tip_max(const struct tx_fee_policy *p, bool has_blobs)
{
    struct u256 four = u256_of_u64(4);
    if (!has_blobs)
        return p->caps.max_tip;
    return max256(u256_div(&p->caps.max_tip, &four), p->min_tip);
}

enum tx_fee_result tx_fee_fresh(const struct tx_fee_policy *p, const struct tx_fee_market *m,
                                bool has_blobs, struct tx_fee *out)
{
    struct u256 least = add_sat(&m->base_fee, &p->min_tip);
    if (u256_lt(&p->caps.max_fee, &least))
        return TX_FEE_CAPPED;
    struct u256 tip = min256(max256(m->tip, p->min_tip), first_tip_max(p, has_blobs));
    struct u256 room = u256_sub(&p->caps.max_fee, &m->base_fee);
    tip = min256(tip, room);
    struct u256 fee = percent_of(&m->base_fee, p->headroom_percent);
    fee = add_sat(&fee, &tip);
    out->max_tip = tip;
    out->max_fee = min256(fee, fee_ceiling(p, m, &tip));
    return TX_FEE_OK;
}

/* At least percent above, and never the same number. */
static struct u256 raised(const struct u256 *old, uint32_t percent)
{
    struct u256 one = U256_ONE, plus = add_sat(old, &one);
    return max256(percent_of(old, 100 + percent), plus);
}

enum tx_fee_result tx_fee_bump(const struct tx_fee_policy *p, const struct tx_fee_market *m,
                               const struct tx_fee *old, uint32_t percent, struct tx_fee *out)
{
    struct tx_fee fresh;
    if (tx_fee_fresh(p, m, !u256_is_zero(&old->max_blob_fee), &fresh) != TX_FEE_OK)
        return TX_FEE_CAPPED;
    struct tx_fee want = { .max_fee = max256(raised(&old->max_fee, percent), fresh.max_fee),
                           .max_tip = max256(raised(&old->max_tip, percent), fresh.max_tip) };
    want.max_fee = max256(want.max_fee, want.max_tip);
    if (u256_lt(&p->caps.max_tip, &want.max_tip))
        return TX_FEE_TIP_CAPPED;
    struct u256 ceiling = fee_ceiling(p, m, &want.max_tip);
    if (u256_lt(&ceiling, &want.max_fee))
        return u256_lt(&p->caps.max_fee, &want.max_fee) ? TX_FEE_CAPPED : TX_FEE_RELATIVE_CAPPED;
    out->max_fee = want.max_fee;
    out->max_tip = want.max_tip;
    return TX_FEE_OK;
}

enum tx_fee_result tx_fee_bump_within(const struct tx_fee_policy *p, const struct tx_fee_market *m,
                                      const struct tx_fee *old, uint32_t percent,
                                      struct tx_fee *out)
{
    enum tx_fee_result capped = tx_fee_bump(p, m, old, percent, out);
    if (capped == TX_FEE_OK)
        return TX_FEE_OK;
    struct tx_fee want = { .max_fee = raised(&old->max_fee, percent),
                           .max_tip = raised(&old->max_tip, percent) };
    want.max_tip = min256(want.max_tip, p->caps.max_tip);
    want.max_fee = min256(want.max_fee, fee_ceiling(p, m, &want.max_tip));
    want.max_tip = min256(want.max_tip, want.max_fee);
    bool lower = u256_lt(&want.max_fee, &old->max_fee) || u256_lt(&want.max_tip, &old->max_tip);
    bool higher = u256_lt(&old->max_fee, &want.max_fee) || u256_lt(&old->max_tip, &want.max_tip);
    if (lower || !higher)
        return capped;
    out->max_fee = want.max_fee;
    out->max_tip = want.max_tip;
    return TX_FEE_OK;
}

enum tx_fee_result tx_fee_blob(const struct tx_fee_policy *p, const struct tx_fee_market *m,
                               const struct tx_fee *old, uint32_t percent, struct tx_fee *out)
{
    const struct u256 *cap = &p->caps.max_blob_fee;
    if (u256_lt(cap, &m->blob_base_fee))
        return TX_FEE_BLOB_CAPPED;
    struct u256 want = max256(percent_of(&m->blob_base_fee, p->headroom_percent), U256_ONE);
    want = min256(want, *cap);
    if (old)
        want = max256(want, raised(&old->max_blob_fee, percent));
    if (u256_lt(cap, &want))
        return TX_FEE_BLOB_CAPPED;
    out->max_blob_fee = want;
    return TX_FEE_OK;
}

static struct u256 mul_sat(uint64_t n, const struct u256 *v)
{
    struct u256 g = u256_of_u64(n), r;
    return u256_mul_checked(&r, &g, v) ? r : U256_MAX;
}

struct u256 tx_fee_worst_cost(uint64_t gas, uint64_t blob_gas, const struct tx_fee *fee,
                              const struct u256 *value)
{
    struct u256 execution = mul_sat(gas, &fee->max_fee);
    struct u256 blobs = mul_sat(blob_gas, &fee->max_blob_fee);
    execution = add_sat(&execution, &blobs);
    return add_sat(&execution, value);
}

static int compare(const void *a, const void *b)
{
    return u256_cmp(a, b);
}

struct u256 tx_fee_median(struct u256 *rewards, size_t cnt)
{
    if (cnt == 0)
        return U256_ZERO;
    qsort(rewards, cnt, sizeof(*rewards), compare);
    return rewards[cnt / 2];
}
