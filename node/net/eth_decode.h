/* node/net/eth_decode.h
 *
 * JSON of Ethereum nodes to values. Strict: quantities without leading zeros, exact lengths, "0x" in front, no
 * missing members; bounded by the arena's limit. Everything copied goes to the arena. ERR_INVALID names the member. */
#ifndef GH_NET_ETH_DECODE_H
#define GH_NET_ETH_DECODE_H

#include <jansson.h>

#include "node/base/arena.h"
#include "node/base/err.h"
#include "node/net/eth_types.h"

MUST_USE bool eth_decode_u64(const json_t *j, uint64_t *out, struct err *err);
MUST_USE bool eth_decode_u256(const json_t *j, struct u256 *out, struct err *err);
MUST_USE bool eth_decode_hash(const json_t *j, struct b256 *out, struct err *err);
MUST_USE bool eth_decode_addr(const json_t *j, struct addr *out, struct err *err);
MUST_USE bool eth_decode_bytes(const json_t *j, struct arena *a, struct bytes *out,
                               struct err *err);
MUST_USE bool eth_decode_log(const json_t *j, struct arena *a, struct eth_log *out,
                             struct err *err);
MUST_USE bool eth_decode_logs(const json_t *j, struct arena *a, struct eth_log **out, size_t *cnt,
                              struct err *err);
MUST_USE bool eth_decode_block(const json_t *j, struct arena *a, struct eth_block *out,
                               struct err *err);
MUST_USE bool eth_decode_receipt(const json_t *j, struct arena *a, struct eth_receipt *out,
                                 struct err *err);
MUST_USE bool eth_decode_tx(const json_t *j, struct arena *a, struct eth_tx *out, struct err *err);
/* with_rewards: they were asked for; else whatever stands in their place is passed over. */
MUST_USE bool eth_decode_fee_history(const json_t *j, struct arena *a, bool with_rewards,
                                     struct eth_fee_history *out, struct err *err);

/* --- the other way; NULL when out of memory --- */
json_t *eth_encode_u64(uint64_t v);
json_t *eth_encode_bytes(struct bytes b);
json_t *eth_encode_hash(const struct b256 *h);
json_t *eth_encode_addr(const struct addr *a);
/* "latest", "0x10", or {"blockHash": ..} */
json_t *eth_encode_block_id(const struct eth_block_id *at);
json_t *eth_encode_call_msg(const struct eth_call_msg *m);
/* the members address and topics; the caller adds the range */
json_t *eth_encode_filter(const struct eth_filter *f);

#endif
