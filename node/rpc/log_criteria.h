/* node/rpc/log_criteria.h   (inside rpc)
 *
 * Which logs somebody wants: addresses, and alternatives for each topic (spec 50 §5.6). Shared by queries, filters and subscriptions. */
#ifndef GH_RPC_LOG_CRITERIA_H
#define GH_RPC_LOG_CRITERIA_H

#include "node/rpc/rpc_internal.h"

struct alternatives {         /* cnt 0: anything */
    const struct b256 *items; /* addresses as padded words */
    size_t cnt;
};

struct criteria {
    struct alternatives addrs, topics[4];
    size_t topic_cnt; /* places given, null ones too */
    bool by_hash, hash_found;
    uint64_t from, to;
};

/* A member that is there and not null. */
const json_t *criteria_member(const json_t *o, const char *key);
/* Address and topics of a filter object; memory of the call. */
bool criteria_read(struct rpc_call *c, const json_t *o, struct criteria *k);
bool criteria_match(const struct criteria *k, const struct stf_event *e);
/* false: no log of the block can match. */
bool criteria_bloom(const struct criteria *k, const uint8_t bloom[256]);
/* Addresses and topics in it. */
size_t criteria_size(const struct criteria *k);
/* A copy in memory of its own, freed as one; NULL: out of memory. */
struct criteria *criteria_copy(const struct criteria *k);

#endif
