/* node/chain/fee.c */
#include "node/chain/fee.h"

#include <math.h>

#define NATIVE_PER_BLOB_BYTE                                                                       \
    393u /* 50,000,000 native to prove a blob, over 4095 * 31 usable bytes */
#define GAS_PER_CALLDATA_BYTE 17u

static struct u256 mul_sat(const struct u256 *a, const struct u256 *b)
{
    struct u256 r;
    return u256_mul_checked(&r, a, b) ? r : U256_MAX;
}

static struct u256 add_sat(const struct u256 *a, const struct u256 *b)
{
    struct u256 r;
    return u256_add_checked(&r, a, b) ? r : U256_MAX;
}

static struct u256 min256(const struct u256 *a, const struct u256 *b)
{
    return u256_lt(a, b) ? *a : *b;
}

static struct u256 mul_small(const struct u256 *a, uint64_t b)
{
    struct u256 w = u256_of_u64(b);
    return mul_sat(a, &w);
}

static struct u256 div_small(const struct u256 *a, uint64_t b)
{
    struct u256 w = u256_of_u64(b);
    return u256_div(a, &w);
}

struct u256 fee_usd_e18(double usd)
{
    /* One multiplication by an exact power of ten that stays below 10^15: the error is under a quarter, and rounding gives back the decimal the
     * operator wrote. */
    double power = 1;
    int exp10 = 0;
    if (!(usd > 0)) /* not a number, too */
        return U256_ZERO;
    while (exp10 < 18 && usd * power * 10 < 1e15) {
        power *= 10;
        exp10++;
    }
    double scaled = usd * power;
    struct u256 v =
        u256_of_u64(scaled < 9e18 ? (uint64_t)llround(scaled) : UINT64_C(9000000000000000000));
    for (; exp10 < 18; exp10++)
        v = mul_small(&v, 10);
    return v;
}

static struct u256 native_price(const struct fee_inputs *in, const struct fee_prices *prev)
{
    if (in->has_native)
        return in->native;
    if (u256_is_zero(&in->base_token_usd_e18)) /* unknown: nothing to compute from */
        return prev ? prev->native : U256_ONE;
    /* ceil(native USD / (token USD / 10^18)) */
    struct u256 e18 = u256_of_u64(1000000000000000000u);
    struct u256 n = mul_sat(&in->native_usd_e18, &e18);
    n = u256_div_ceil(&n, &in->base_token_usd_e18);
    if (u256_is_zero(&n))
        n = U256_ONE; /* a price of zero is an invalid context */
    if (!prev)
        return n;
    struct u256 step = div_small(&prev->native, 8), up = u256_is_zero(&step) ? U256_ONE : step;
    struct u256 low = u256_sub(&prev->native, &step), high = add_sat(&prev->native, &up);
    return u256_lt(&n, &low) ? low : min256(&n, &high);
}

static struct u256 sl_price_per_byte(const struct fee_inputs *in)
{
    if (in->da == FEE_DA_BLOBS)
        return in->sl_blob_base_fee; /* one blob gas a byte */
    if (in->da == FEE_DA_VALIDIUM)
        return U256_ZERO;
    if (in->da == FEE_DA_GATEWAY)
        return in->sl_pubdata_price;
    struct u256 gas = add_sat(&in->sl_base_fee, &in->sl_tip);
    return mul_small(&gas, GAS_PER_CALLDATA_BYTE);
}

static struct u256 pubdata_price(const struct fee_inputs *in, const struct u256 *native,
                                 const struct fee_prices *prev)
{
    if (in->has_pubdata)
        return in->pubdata;
    if (u256_is_zero(&in->base_token_usd_e18))
        return prev ? prev->pubdata : U256_ZERO;
    struct u256 p = sl_price_per_byte(in);
    if (!u256_eq(&in->sl_token_usd_e18, &in->base_token_usd_e18)) {
        p = mul_sat(&p, &in->sl_token_usd_e18);
        p = u256_div_ceil(&p, &in->base_token_usd_e18);
    }
    if (in->da == FEE_DA_BLOBS) {
        struct u256 proving = mul_small(native, NATIVE_PER_BLOB_BYTE);
        p = add_sat(&p, &proving);
        p = mul_small(&p, in->fill_den);
        p = div_small(&p, in->fill_num ? in->fill_num : 1);
    }
    if (prev) {
        struct u256 step = div_small(&prev->pubdata, 2);
        if (u256_is_zero(&step))
            step = U256_ONE;
        struct u256 high = add_sat(&prev->pubdata, &step);
        p = min256(&p, &high);
    }
    return u256_is_zero(&in->pubdata_price_cap) ? p : min256(&p, &in->pubdata_price_cap);
}

void fee_after(struct fee_prices *out, const struct fee_inputs *in, const struct fee_prices *prev,
               uint64_t blocks)
{
    struct fee_prices p = *prev;
    /* the clamps let a price double in 6 steps and halve in 6: 2048 are the whole range of 256 bits */
    for (uint64_t i = 0; i < (blocks ? blocks : 1) && i < 2048; i++) {
        struct fee_prices next;
        fee_next(&next, in, &p);
        bool settled = u256_eq(&next.native, &p.native) && u256_eq(&next.pubdata, &p.pubdata) &&
                       u256_eq(&next.base_fee, &p.base_fee);
        p = next;
        if (settled)
            break;
    }
    *out = p;
}

void fee_next(struct fee_prices *out, const struct fee_inputs *in, const struct fee_prices *prev)
{
    struct fee_prices p;
    p.native = native_price(in, prev);
    p.base_fee = in->has_base_fee ? in->base_fee : mul_small(&p.native, in->native_per_gas);
    p.pubdata = pubdata_price(in, &p.native, prev);
    *out = p;
}
