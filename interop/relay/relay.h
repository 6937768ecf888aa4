/* interop/relay/relay.h
 *
 * Carries messages between chains: bundles to other chains, withdrawals to L1 (spec 40 §8).
 *
 * A source is read up to its finalized block only, so nothing discovered can be taken back. Each message is a row in the store before
 * anything is done about it, and goes its own way:
 *
 *   waits for proof -> waits for root -> ready -> sent -> mined -> delivered
 *
 * The proof comes from a node of the source. It is walked here, and the root it leads to is compared with what the destination knows (interop
 * roots there; on L1 the batch root of the diamond), so a node that lies costs time, not money. Before each transaction the destination is asked
 * whether the message was delivered already, and the call is simulated. A revert is decoded: what passes with time is tried again with a
 * growing pause, what does not is parked with its reason and remedy. Transport trouble is tried again and counts for nothing. No message
 * waits for another one.
 *
 * Never twice: a transaction is named after its message in the sender's durable journal, so after a crash the same request finds itself; a
 * new one is made only after the destination said "not delivered" at a block that includes the old one. The requests of a key do not wait for
 * each other (tx_manager_config.independent).
 *
 * All on the event loop. */
#ifndef GH_INTEROP_RELAY_H
#define GH_INTEROP_RELAY_H

#include <event2/event.h>

#include "interop/bundle.h"
#include "node/base/clock.h"
#include "node/sender/tx_manager.h"
#include "node/store/relay_table.h"

#define RELAY_MAX_CHAINS 16
#define RELAY_MAX_ROUTES 64
#define RELAY_MAX_LIST   256

struct relay_chain { /* borrowed */
    uint64_t id;
    const char *name; /* for logs */
    struct eth_client *client;
    const struct signer *signer; /* NULL: nothing is sent there */
    bool is_l1;
    struct addr bridgehub; /* of L1 */
};

struct relay_addrs {
    struct addr items[RELAY_MAX_LIST];
    size_t cnt;
};
struct relay_route {
    uint64_t src, dst;
    bool bundles, withdrawals;
    size_t max_calls; /* of a bundle; 0: no limit */
    bool has_max_value;
    struct u256 max_value; /* of all calls together, in the destination's base token */
    /* allow lists: empty means everybody. Senders: who called the InteropCenter or withdrew; recipients: targets of calls, receivers. */
    struct relay_addrs allow_senders, deny_senders, allow_recipients, deny_recipients;
};
/* Whether the route takes the bundle; otherwise the reason, in words that name the rule. */
MUST_USE bool relay_route_takes(const struct relay_route *r, const struct bundle *b, char *reason,
                                size_t cap);
/* The same for a withdrawal (message of the base token or of the asset router). ERR-free: an unknown message is refused with a reason. */
MUST_USE bool relay_route_takes_withdrawal(const struct relay_route *r, const struct addr *sender,
                                           struct bytes message, char *reason, size_t cap);

/* What a revert of a delivery means. */
enum relay_revert {
    RELAY_REVERT_DONE,     /* somebody else delivered it: ask again */
    RELAY_REVERT_NOT_OURS, /* only the execution address may */
    RELAY_REVERT_NEVER,    /* this bundle, or this proof, can never pass */
    RELAY_REVERT_LATER,    /* the target, a pause, gas: perhaps later */
};
enum relay_revert relay_classify(struct bytes d, const char **remedy);

struct relay_config {
    struct relay_chain chains[RELAY_MAX_CHAINS];
    size_t chain_cnt;
    struct relay_route routes[RELAY_MAX_ROUTES];
    size_t route_cnt;
    uint64_t poll_ms; /* how often sources and waiting messages are looked at */
    uint64_t backoff_min_ms, backoff_max_ms; /* pause after a revert: doubles between the two */
    uint64_t max_attempts;                   /* reverts until a message is parked */
    size_t max_in_work;                      /* messages looked at at once */
    bool retry_parked;                       /* at start: parked ones become ready again */
    const char
        *pause_file; /* while it exists nothing is discovered or sent; NULL: no such switch */
    struct tx_manager_config sender; /* name and chain id are filled in per destination */
};
struct relay_deps {
    struct event_base *base;
    const struct clock *clock;
    struct store *store;
    struct tx_journal *journal;
};

/* ERR_INVALID: two chains with one id, two routes between the same two, a route to or from a chain that is not there, a destination without a
 * key. Looks at no client. */
MUST_USE bool relay_config_check(const struct relay_config *c, struct err *err);

struct relay;
/* ERR_INVALID: as relay_config_check. */
MUST_USE struct relay *relay_create(const struct relay_deps *deps, const struct relay_config *cfg,
                                    struct err *err);
MUST_USE bool relay_start(struct relay *r, struct err *err);
void relay_stop(struct relay *r);
void relay_destroy(struct relay *r); /* NULL allowed */

struct relay_stats {
    uint64_t seen, delivered, delivered_by_others, parked, reverts;
    size_t open;
    bool paused;
};
void relay_stats_get(const struct relay *r, struct relay_stats *out);

#endif
