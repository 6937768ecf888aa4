/* node/topology_internal.h   (inside topology) */
#ifndef GH_NODE_TOPOLOGY_INTERNAL_H
#define GH_NODE_TOPOLOGY_INTERNAL_H

#include <stdatomic.h>

#include "interop/layer_batches.h"
#include "interop/mirror.h"
#include "l1-watcher/watcher.h"
#include "node/chain/chain.h"
#include "node/chain/fee.h"
#include "node/net/eth_client.h"
#include "node/rpc/rpc.h"
#include "node/sender/contract_read/contract_read.h"
#include "node/sender/contract_read/discovery.h"
#include "node/sender/signer.h"
#include "node/sender/tx_journal.h"
#include "node/state/genesis.h"
#include "node/topology.h"
#include "node/witnesses.h"
#include "settlement/settlement.h"

#define NODE_ROOTS_MAX  1024
#define NODE_ROOT_CALLS 64
struct node_roots { /* roots.c: offers the Gateway has not confirmed yet, oldest first */
    struct chain_interop_root items[NODE_ROOTS_MAX];
    size_t cnt, asked;
    struct contract_call calls[NODE_ROOT_CALLS];
    struct contract_read *read;
    struct arena arena;
    struct event *timer;
    char problem[256];
};

struct node_mirror { /* mirrors.c */
    struct event *timer;
    struct mirror *trees; /* NULL until the layer's contracts are known */
    struct watcher *watcher;
    struct layer_batches *batches; /* NULL where the layer is L1 */
    struct eth_request *request;
    char name[32], cursor[40];
    uint64_t head, head_since_ms; /* newest block read, and since when */
    bool stopped;
};

struct node {
    const struct config *cfg;
    const struct clock *clock;
    struct event_base *base;
    struct event *sigint, *sigterm, *fee_timer, *discovery_timer, *minute_timer;
    struct store *store;
    struct store_reader *reader; /* the loop's */
    struct state *state;
    struct mempool *mempool;
    struct chain *chain;
    struct rpc *rpc;
    struct eth_client *l1;
    struct eth_client *gateway;  /* NULL where the chain settles on L1 */
    struct discovery *discovery; /* of L1, then of the Gateway: one at a time */
    struct eth_request *fee_request;
    struct signer *signers[LANE_CNT];
    struct tx_journal *journal;
    struct worker_pool *settlement_worker;   /* blobs, answers to provers; NULL without both */
    struct witnesses *witnesses;             /* NULL: neither provers nor verification */
    _Atomic(struct settlement *) settlement; /* NULL until L1 answered once; RPC workers read it */
    struct watcher *watcher,
        *gateway_watcher;                 /* the second reads batch events, the first requests */
    struct discovery_result contracts;    /* on L1 */
    struct discovery_result sl_contracts; /* on the layer the chain settles on */
    uint64_t sl_chain_id;                 /* 0: not known yet */
    atomic_bool l1_answered;              /* RPC workers read it */
    bool have_contracts, stopping, watcher_stopped;
    struct b256 genesis_commitment;
    uint8_t *genesis_json;
    size_t genesis_json_len;
    struct fee_inputs fee_inputs;
    struct fee_prices prices;
    bool have_prices;   /* of a block before, or computed from what L1 asks */
    uint64_t fee_block; /* head when they were set */
    uint64_t started_at_ms, discovery_failures;
    /* why the layer was not usable at the last try; "" when it was */
    char l1_problem[256], gateway_problem[256];
    struct node_roots roots;
    struct node_mirror mirror; /* of the settlement layer's MessageRoot */
    struct err fatal;
    int exit_code;
};

/* Ends the loop with an error. */
void node_fail(struct node *n, const struct err *err);

/* observe.c: figures and status of what is not RPC's own */
struct rpc_observe_ops observe_ops(struct node *n);
struct rpc_settlement_ops observe_settlement_ops(struct node *n);

/* roots.c */
/* A root of the Gateway that is final and equal to what was computed for it here; in ascending order of block. It is imported once
 * the Gateway's own historicalRoot says the same. false: too many wait, offer it again later. Loop. */
MUST_USE bool node_offer_root(struct node *n, const struct chain_interop_root *r);
void roots_start(struct node *n);
void roots_stop(struct node *n);
bool roots_status_json(const struct node *n, struct buf *out); /* a member of /status */

/* mirrors.c */
MUST_USE bool mirrors_start(struct node *n, struct err *err);
void mirrors_stop(struct node *n);
void mirrors_destroy(struct node *n);
bool mirrors_status_json(const struct node *n, struct buf *out); /* a member of /status */
void mirrors_metrics(const struct node *n, struct metrics *m);

/* fees.c */
void fees_init(struct node *n);
void fees_start(struct node *n);
void fees_stop(struct node *n);
void fees_layer_known(struct node *n); /* asks at once */

static inline struct eth_client *node_sl(const struct node *n)
{
    return n->gateway ? n->gateway : n->l1;
}

/* layer_parts.c: settlement and the watchers */
MUST_USE bool layer_start_watcher(struct node *n, struct err *err);
/* Settlement, and its own watcher where that is not L1's. */
MUST_USE bool layer_start_settlement(struct node *n, struct err *err);
void layer_ask_contracts(struct node *n);

/* layer.c: everything that needs a settlement layer */
MUST_USE bool layer_create(struct node *n, struct err *err);
void layer_start(struct node *n);
void layer_stop(struct node *n);
void layer_destroy(struct node *n);

#endif
