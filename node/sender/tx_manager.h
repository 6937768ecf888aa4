/* node/sender/tx_manager.h
 *
 * One operator key on one chain: takes calls and sees each of them mined exactly once.
 *
 * A request is written to the journal before anything else, simulated, priced, signed, written again with its raw bytes, and only then
 * handed to a node. From then on it is watched by (nonce, hash, block hash): replaced with the same nonce and payload
 * at higher fees when it does not move, re-sent from the journal's bytes when a pool or a reorganisation loses it, and adopted
 * after a restart. Requests go out in the order they were submitted. Nothing here ends the process: what cannot proceed
 * waits in a visible state (enum tx_wait) and goes on by itself.
 *
 * Blob transactions. Which form of sidecar a node wants is found out, not configured: a call of an instruction that came with the
 * Osaka fork (CLZ) tells whether the chain has it, which every node can answer; one that cannot is taken to have it. A refusal that
 * names the sidecar's version turns to the other form, and the same signed transaction goes out again.
 *
 * All decisions are made by a state machine without I/O or clock (tx_core.h); this component only carries its
 * commands out on the event loop. It shares nothing with other managers: one key belongs to one manager of one process.
 *
 *   invariant: at most one live request per nonce; a nonce is taken only together with a durable signed transaction. */
#ifndef GH_SENDER_TX_MANAGER_H
#define GH_SENDER_TX_MANAGER_H

#include <event2/event.h>

#include "node/base/clock.h"
#include "node/sender/tx_types.h"

struct eth_client;
struct signer;
struct tx_journal;
struct tx_manager;

struct tx_manager_deps { /* borrowed: must outlive the manager */
    struct event_base *base;
    const struct clock *clock;
    struct eth_client *eth;
    const struct signer *signer;
    struct tx_journal *journal; /* tx_journal.h */
};

struct tx_manager_config { /* zero means the default */
    const char *name;      /* for logs and metrics: "commit" */
    uint64_t chain_id;     /* required */
    /* Depth N with replacement on L1; 1 and no replacement on a chain without a public mempool (a Gateway) */
    uint32_t max_in_flight; /* 16 */
    bool no_replacement;
    /* No request needs another one or the passing of time: a revert in the simulation abandons the request at once, and those
     * behind it go on. */
    bool independent;
    uint32_t required_confirmations; /* 3; the block of inclusion counts */
    struct tx_fee_caps caps; /* max_fee 200 gwei, max_tip 1 gwei, base_fee_max_percent 1000 */
    uint64_t min_tip_wei;    /* 1 */
    uint32_t base_fee_headroom_percent; /* maxFeePerGas = base fee * this + tip; 200 */
    uint32_t bump_percent;              /* pool rule; 10 (at least 10) */
    uint32_t bump_after_blocks;         /* not mined for this many blocks; 3 */
    uint64_t bump_after_ms;             /* or this long without a new block; 120 s */
    uint32_t gas_margin_percent;        /* on top of eth_estimateGas; 25 */
    uint64_t gas_fallback;    /* when the node cannot estimate and there is no hint; 15 000 000 */
    uint64_t poll_ms;         /* 1 s */
    uint64_t revert_retry_ms; /* a simulated revert that passes with time; 10 s */
    uint64_t resend_ms;  /* the same raw bytes to all endpoints, as long as it is not mined; 60 s */
    size_t max_requests; /* live ones; 1024: submit fails with ERR_TRANSIENT beyond it */
};

/* Every change of state, from the loop. `err` says why for REVERTED, ABANDONED, REPLACED, and for a return from MINED or a lost nonce; NULL otherwise.
 * After a final state the manager keeps nothing but the journal's row. */
typedef void tx_change_fn(void *arg, uint64_t id, enum tx_state state, const struct err *err);

/* ERR_INVALID if cfg breaks a rule. Touches neither network nor disk. */
MUST_USE struct tx_manager *tx_manager_create(const struct tx_manager_deps *deps,
                                              const struct tx_manager_config *cfg,
                                              tx_change_fn *on_change, void *arg, struct err *err);
/* Loads the journal and adopts what is pending. Then looks at the chain before it sends anything. on_change is not called for
 * adopted requests that did not change: ask tx_manager_find. */
MUST_USE bool tx_manager_start(struct tx_manager *m, struct err *err);
/* Idempotent. No callback runs after it returns; calls in flight are cancelled, transactions stay in the journal. */
void tx_manager_stop(struct tx_manager *m);
/* Stops first. NULL is allowed. */
void tx_manager_destroy(struct tx_manager *m);

/* Idempotent by key: a key that is live, CONFIRMED or REPLACED gives its id and nothing is sent (*is_new false; its blobs need not be
 * given again); one that ended
 * REVERTED or ABANDONED starts again under a new id. ERR_INVALID: the same live or confirmed key with another
 * payload; ERR_TRANSIENT: too many requests. Works while stopped or paused, too (after create and a first start). */
MUST_USE bool tx_manager_submit(struct tx_manager *m, const struct tx_request *r, uint64_t *id,
                                bool *is_new, struct err *err);
/* Not sent yet: ABANDONED at once. In flight: its nonce is taken by a transfer of nothing to ourselves with higher fees; whichever
 * is mined decides. false (ERR_INVALID) when it is unknown, mined or final. */
MUST_USE bool tx_manager_cancel(struct tx_manager *m, uint64_t id, struct err *err);

/* false when there is none. Finals come from the journal. */
MUST_USE bool tx_manager_get(struct tx_manager *m, uint64_t id, struct tx_info *out);
MUST_USE bool tx_manager_find(struct tx_manager *m, const char *key, struct tx_info *out);
/* Live requests in order, at most cap; returns how many there are. */
size_t tx_manager_list(const struct tx_manager *m, struct tx_info *out, size_t cap);

/* While paused nothing new is signed or bumped; what is in flight is watched and re-sent. */
void tx_manager_pause(struct tx_manager *m);
void tx_manager_resume(struct tx_manager *m);
/* At once; the next tick uses them. ERR_INVALID: a cap of zero, tip above fee. */
MUST_USE bool tx_manager_set_caps(struct tx_manager *m, const struct tx_fee_caps *caps,
                                  struct err *err);
struct tx_fee_caps tx_manager_caps(const struct tx_manager *m);

struct tx_manager_status {
    struct addr addr;
    bool started, paused, node_ok;
    /* any request waits for it (fee_capped: of either kind); foreign: since start */
    bool fee_capped, blob_fee_capped, low_funds, foreign_seen;
    size_t queued, in_flight, unconfirmed; /* not sent; sent and not mined; mined and not deep */
    uint64_t oldest_pending_ms;            /* age of the oldest request that is not final */
    uint64_t latest_nonce, pending_nonce, next_nonce;
    uint64_t head;
    struct u256 base_fee, tip; /* what the network asks, last seen */
    struct u256 blob_base_fee, blob_fee_cap;
    const char *sidecar_form; /* static; "" while no blob transaction was made */
    struct u256 balance;
    struct u256 worst_cost;    /* of everything in flight */
    struct u256 spent;         /* confirmed since start */
    uint64_t gas_used;         /* the same */
    struct u256 spend_per_day; /* 0: not known yet */
    uint64_t runway_ms;        /* balance at that rate; UINT64_MAX: not known */
    uint64_t submitted, confirmed, reverted, abandoned;
    uint64_t bumps, resends, reorged, foreign, filled, fee_cap_waits, send_errors, maybe_sent;
    uint64_t wait_cnt[TX_WAIT_CNT]; /* live requests by what they wait for */
    char last_error[256];
};
void tx_manager_get_status(const struct tx_manager *m, struct tx_manager_status *out);

#endif
