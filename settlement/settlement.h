/* settlement/settlement.h
 *
 * Our hand on the settlement layer: seals batches and takes each through commit, prove, execute (spec 30).
 *
 * Sealing. Blocks whose tree is hashed are added to the open batch in order; a criterion of spec 30 §1.3 seals it without the block at
 * hand. A sealed batch is a row in table batch before anything is sent. Sealing does not depend on the settlement layer, with one
 * exception: a batch that is committed there and not in our table (a lost or older journal) is sealed with the committed range, once
 * the events that say so are read.
 *
 * Submitting. Three lanes, one key each. A batch is committed when it is sealed and the one before is sealed (the previous hash is known
 * here, so commits overlap); proved when its commit is confirmed; executed when its proof is confirmed and the timelock's delay has passed.
 * What is on the chain is known from l1-watcher's events alone; what is under way, from the senders' journals. Calldata is a pure function of
 * the batch, and every request has a key ("commit:12", "prove:3-7"), so a restart finds its own requests and never makes a second one. Where the
 * contracts count more than the events have told so far, the lane waits for the events. Only a step that went through and was taken
 * back on the layer (a revert, a deep reorganisation) is sent again, under the next key ("commit:12/2").
 *
 * Invariant: executed <= proved <= committed <= sealed (checked after every event).
 *
 * Holding. When something is wrong that sending would make worse, nothing new is sent and the reason is shown with its remedy; sealing, RPC
 * and sequencing go on. A hold about the contracts (roles, DA pair, version) is looked at again by itself and lifts itself.
 *
 * All on the event loop; the snapshot functions at the end may be called from any thread. */
#ifndef GH_SETTLEMENT_SETTLEMENT_H
#define GH_SETTLEMENT_SETTLEMENT_H

#include <event2/event.h>

#include "node/base/buf.h"
#include "node/base/clock.h"
#include "node/sender/contract_read/discovery.h"
#include "node/sender/sl_event.h"
#include "node/sender/tx_manager.h"
#include "node/stf/batch.h"
#include "node/store/batch_table.h"
#include "settlement/prover/prover.h"
#include "settlement/verification.h"

struct signer;
struct settlement;

enum settlement_lane { LANE_COMMIT, LANE_PROVE, LANE_EXECUTE, LANE_CNT };
const char *settlement_lane_name(enum settlement_lane l);

struct settlement_deps { /* borrowed */
    struct event_base *base;
    const struct clock *clock;
    struct store *store;
    struct eth_client *sl;
    const struct signer *signers[LANE_CNT]; /* all NULL: batches are sealed, nothing is sent */
    struct tx_journal *journal;
    struct settlement_witness_ops witness; /* used where cfg asks for provers or verification */
    void *arg;
    /* Loop. ERR_TRANSIENT: the block's tree is not hashed yet. */
    bool (*load_block)(void *arg, uint64_t number, struct arena *arena, struct batch_block *out,
                       struct err *err);
    uint64_t (*tree_head)(void *arg);
    /* Reads the contracts again; settlement_on_contracts follows. */
    void (*ask_contracts)(void *arg);
    /* Runs `run` on a worker, one job at a time, then `done` on the loop, also when stopping: before settlement_destroy. NULL: no blobs and
     * no prover API. false: nothing will run. */
    bool (*run_job)(void *arg, void (*run)(void *), void (*done)(void *), void *job);
    /* A step of a batch is confirmed, or taken back (frontiers moved). */
    void (*on_change)(void *arg);
};

/* The layer that takes our batches. Everything in which L1 and a Gateway differ for settlement is here, in the endpoint and in the senders'
 * configuration (spec 30 §8, §9). */
struct settlement_layer {
    const char *name; /* in texts: "L1", "the Gateway"; static */
    uint64_t chain_id;
    bool
        is_gateway; /* operations are relayed before they are executed, executions carry logs and messages */
};

struct settlement_config {
    uint64_t chain_id;
    struct settlement_layer layer;
    uint32_t protocol_minor;
    struct b256 genesis_state_commitment;
    uint8_t da_scheme;
    uint64_t batch_timeout_ms, max_txs, max_blocks /* 0: no limit */, max_pubdata, max_native;
    uint64_t max_range; /* batches in one prove or execute */
    bool
        accept_history; /* the layer may have fewer executed batches than we saw: a reorganisation while we were away */
    struct prover_config prover; /* genesis and fake flags are filled in */
    struct verification_config verification;
    bool mock_proofs;  /* only used where the contract says it is the testnet verifier */
    bool l1_finalized; /* ask for the finalized tag (frontier "finalized") */
    struct tx_manager_config sender; /* name is filled in per lane */
};

MUST_USE struct settlement *settlement_create(const struct settlement_deps *deps,
                                              const struct settlement_config *cfg, struct err *err);
/* Loads batches, reconciles with the contracts as read, adopts pending transactions, begins. ERR_DIVERGED (fatal for the process): the genesis the
 * settlement layer stores is not ours; ERR_INVALID: another protocol version or kind of chain. Everything else becomes a hold. */
MUST_USE bool settlement_start(struct settlement *s, const struct discovery_result *contracts,
                               struct err *err);
void settlement_stop(struct settlement *s);
void settlement_destroy(struct settlement *s);

/* ---- events, loop ---- */
void settlement_on_tree(struct settlement *s, uint64_t block);
void settlement_on_events(struct settlement *s, const struct sl_event *events, size_t n);
void settlement_on_rewind(struct settlement *s, uint64_t from_sl_block);
void settlement_on_contracts(struct settlement *s, const struct discovery_result *contracts);
/* After a start: true when the contracts count steps that our table does not have. Events from *sl_block on must be given (again) then: the
 * journal was lost, or is older than the chain. */
MUST_USE bool settlement_missed_from(struct settlement *s, uint64_t *sl_block);
/* The settlement layer's newest block, as the watcher sees it. */
void settlement_on_head(struct settlement *s, uint64_t sl_block);
/* The watcher has read everything up to the settlement layer's head once: frontiers are complete, sending may begin. */
void settlement_on_caught_up(struct settlement *s);
/* Stops sending for good, e.g. because L1's history contradicts ours. */
void settlement_hold(struct settlement *s, const char *reason, const char *remedy);

/* ---- snapshots, any thread ---- */
struct settlement_frontiers {
    uint64_t batch[5], block[5]; /* sealed, committed, proved, executed, finalized */
};
enum {
    FRONTIER_SEALED,
    FRONTIER_COMMITTED,
    FRONTIER_PROVED,
    FRONTIER_EXECUTED,
    FRONTIER_FINALIZED
};
void settlement_frontiers_get(struct settlement *s, struct settlement_frontiers *out);
/* What a batch waits for, in words; "" when it is executed and final. eta UINT64_MAX: unknown. Batch 0: the open one. */
void settlement_waits_for(struct settlement *s, uint64_t batch, char *text, size_t cap,
                          uint64_t *eta_ms);
/* One JSON object (see README, status). */
bool settlement_status_json(struct settlement *s, struct buf *out);
/* Loop. Status of a lane's sender; false without signers. */
bool settlement_sender_status(struct settlement *s, enum settlement_lane l,
                              struct tx_manager_status *out);
struct settlement_stats {
    uint64_t sealed, adopted, reverted_txs;
    uint64_t sealed_to_broadcast_ms; /* of the last commit */
    uint64_t
        execute_wait_ms; /* until the timelock lets the next batch go; 0: nothing to wait for */
    bool holding;
    char hold_reason[384]; /* empty: none */
    bool has_prover, has_verification;
    struct prover_stats prover;
    struct verification_stats verification;
};
void settlement_stats_get(struct settlement *s, struct settlement_stats *out);

#endif
