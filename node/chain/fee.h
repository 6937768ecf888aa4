/* node/chain/fee.h
 *
 * Prices of the next block (spec 50 §4.3). Pure: prices of the block before and the inputs give the next ones, in exact rational
 * arithmetic, saturating at 2^256 - 1. All prices in base-token wei. */
#ifndef GH_CHAIN_FEE_H
#define GH_CHAIN_FEE_H

#include "node/base/u256.h"

enum fee_da {
    FEE_DA_CALLDATA,
    FEE_DA_VALIDIUM,
    FEE_DA_BLOBS,
    FEE_DA_GATEWAY /* relayed: what the Gateway asks for a byte of pubdata */
};
struct fee_inputs {
    /* USD times 10^18; token: for one whole token of 18 decimals. base_token 0: unknown, overrides must be set */
    struct u256 native_usd_e18, base_token_usd_e18, sl_token_usd_e18;
    uint64_t native_per_gas;
    enum fee_da da;
    /* settlement layer, wei: median base fee, the tip our own transactions offer; blob base fee for blobs */
    struct u256 sl_base_fee, sl_tip, sl_blob_base_fee;
    struct u256 sl_pubdata_price;  /* of a Gateway, wei a byte */
    uint32_t fill_num, fill_den;   /* how full blobs are; 1/2 */
    struct u256 pubdata_price_cap; /* 0: none */
    bool has_base_fee, has_native, has_pubdata;
    struct u256 base_fee, native, pubdata; /* overrides */
};
struct fee_prices {
    struct u256 base_fee, native, pubdata;
};
/* prev NULL: the first block, no clamps. Override wins; order native, base fee, pubdata. */
void fee_next(struct fee_prices *out, const struct fee_inputs *in, const struct fee_prices *prev);
/* The same where the inputs have not changed for that many blocks (at least 1) after prev. */
void fee_after(struct fee_prices *out, const struct fee_inputs *in, const struct fee_prices *prev,
               uint64_t blocks);
/* a double of USD as an integer of 10^-18 USD: the decimal with up to 15 digits that it was written as; 0 for what is not positive */
struct u256 fee_usd_e18(double usd);

#endif
