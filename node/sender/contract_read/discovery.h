/* node/sender/contract_read/discovery.h
 *
 * Everything a chain needs to know of its contracts on one layer, from the Bridgehub's address and the chain id alone (spec 50 §2.2), read at
 * one block. On a Gateway the same calls are answered by the Bridgehub at 0x10002 (spec 30 §4.1). Asynchronous; used at start and again
 * when something seems to have changed. */
#ifndef GH_SENDER_DISCOVERY_H
#define GH_SENDER_DISCOVERY_H

#include "node/net/eth_client.h"

#define GATEWAY_BRIDGEHUB 0x10002u

struct discovery_result {
    uint64_t chain_id; /* of the layer asked: L1, or a Gateway */
    uint64_t at_block, at_timestamp;
    uint64_t
        sl_chain_id; /* Bridgehub.settlementLayer: where the chain settles; only L1 is to be believed */
    bool sl_is_whitelisted; /* the Bridgehub lets chains settle there */
    struct addr bridgehub, diamond, ctm, timelock, message_root, asset_router, verifier, base_token,
        admin;
    struct addr bytecodes_supplier, server_notifier,
        chain_asset_handler; /* zero when the contract does not know them */
    struct addr da_validator;
    uint8_t da_scheme;             /* 0: the pair is not set, commits would fail */
    struct addr settlement_layer;  /* zero: this layer; else the chain has left it */
    uint64_t protocol_version;     /* of the chain's contracts: minor << 32 | patch */
    uint64_t ctm_protocol_version; /* newest published on the chain type manager */
    uint64_t execution_delay_s;
    uint64_t committed, proved, executed;
    uint64_t total_priority_txs, first_unprocessed_priority_tx, priority_tree_start_index;
    struct b256 stored_batch_hash_0;
    struct b256 upgrade_tx_hash; /* zero: none pending */
    bool is_testnet_verifier, is_zksync_os;
    uint8_t pubdata_pricing_mode;
};
static inline uint32_t discovery_protocol_minor(const struct discovery_result *d)
{
    return (uint32_t)(d->protocol_version >> 32);
}

struct discovery;
/* err: ERR_INVALID when the chain is not registered there or a contract answers nonsense; ERR_TRANSIENT when L1 is not to be reached. */
typedef void discovery_fn(void *arg, const struct discovery_result *r, const struct err *err);
MUST_USE struct discovery *discovery_start(struct eth_client *l1, const struct addr *bridgehub,
                                           uint64_t chain_id, discovery_fn *done, void *arg,
                                           struct err *err);
void discovery_cancel(struct discovery *d); /* NULL allowed; not after the callback has started */

#endif
