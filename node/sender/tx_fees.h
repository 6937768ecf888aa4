/* node/sender/tx_fees.h
 *
 * What to pay. Pure functions. (spec 90 rows 2, 3, 13; spec 30 §11.2)
 *
 *   fresh:  tip = what the network's blocks paid lately, within [min_tip, max_tip cap];
 *           maxFeePerGas = next base fee * headroom + tip, within the caps. With blobs at most a quarter of the tip's cap, so that
 *           two replacements, each of which doubles it, fit below.
 *   bump:   at least the pool's rule above the old fees (both of them), at least fresh, within the caps.
 *
 *   blobs:  maxFeePerBlobGas = next blob base fee * headroom, within the cap; a bump is never below double of all three.
 *
 * Caps: absolute ones, and one relative to the base fee, so that a replacement cannot run away when fees are not what keeps the
 * transaction from being mined. A fee that would not be mined, or a bump the pool would refuse, is not sent: FEE_CAPPED. */
#ifndef GH_SENDER_TX_FEES_H
#define GH_SENDER_TX_FEES_H

#include "node/sender/tx_types.h"

struct tx_fee {
    struct u256 max_fee, max_tip;
    struct u256 max_blob_fee; /* 0 without blobs */
};
struct tx_fee_policy {
    struct tx_fee_caps caps;
    struct u256 min_tip;
    uint32_t headroom_percent; /* of the base fee; >= 100 */
};
struct tx_fee_market {    /* what the network asks */
    struct u256 base_fee; /* of the next block */
    struct u256 tip;
    struct u256 blob_base_fee; /* of the next block; 0: not known, or no blobs on this chain */
};
enum tx_fee_result { /* and which cap it was */
                     TX_FEE_OK,
                     TX_FEE_CAPPED,
                     TX_FEE_RELATIVE_CAPPED,
                     TX_FEE_TIP_CAPPED,
                     TX_FEE_BLOB_CAPPED
};
/* A pool replaces a blob transaction only by one that pays twice of everything (go-ethereum's blob pool). */
#define TX_BLOB_BUMP_PERCENT 100

enum tx_fee_result tx_fee_fresh(const struct tx_fee_policy *p, const struct tx_fee_market *m,
                                bool has_blobs, struct tx_fee *out);
/* percent: by how much, 10 for a pool's usual rule. old says whether there are blobs. */
enum tx_fee_result tx_fee_bump(const struct tx_fee_policy *p, const struct tx_fee_market *m,
                               const struct tx_fee *old, uint32_t percent, struct tx_fee *out);
/* The same against fees we do not know: as far as the caps allow, if that is more than `old`. */
enum tx_fee_result tx_fee_bump_within(const struct tx_fee_policy *p, const struct tx_fee_market *m,
                                      const struct tx_fee *old, uint32_t percent,
                                      struct tx_fee *out);
/* out->max_blob_fee alone; old NULL: fresh. TX_FEE_BLOB_CAPPED: the network asks more than the cap, or a pool would refuse what the
 * cap leaves. */
enum tx_fee_result tx_fee_blob(const struct tx_fee_policy *p, const struct tx_fee_market *m,
                               const struct tx_fee *old, uint32_t percent, struct tx_fee *out);
/* gas * max_fee + blob_gas * max_blob_fee + value; saturates */
struct u256 tx_fee_worst_cost(uint64_t gas, uint64_t blob_gas, const struct tx_fee *fee,
                              const struct u256 *value);
/* The median of what blocks paid (their 20th percentile); 0 for none. Sorts `rewards`. */
struct u256 tx_fee_median(struct u256 *rewards, size_t cnt);

#endif
