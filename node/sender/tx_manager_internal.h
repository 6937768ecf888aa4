/* node/sender/tx_manager_internal.h
 *
 * Inside of the shell: tx_manager.c has the lifecycle, the owner's side and the journal, tx_manager_view.c and tx_manager_calls.c the calls to the
 * settlement layer's node. */
#ifndef GH_SENDER_TX_MANAGER_INTERNAL_H
#define GH_SENDER_TX_MANAGER_INTERNAL_H

#include "node/net/eth_client.h"
#include "node/sender/sidecar.h"
#include "node/sender/tx_core.h"

#define TX_CALL_PARTS       7
#define TX_CALL_DEADLINE_MS 15000

/* One RPC call, or the group of calls that one command needs. */
struct tx_call {
    struct tx_manager *m;
    enum tx_cmd_kind kind;
    uint64_t id;
    size_t variant;
    struct eth_request *reqs[TX_CALL_PARTS];
    unsigned left;
    struct tx_view view;
    bool has_market, has_blob_fee, needs_blob_fee, has_err, is_revert;
    struct err err;
    uint64_t gas, block;
    enum sidecar_form form; /* of what is sent */
    struct buf revert;
    TAILQ_ENTRY(tx_call) link;
};
struct tx_manager {
    struct tx_manager_deps deps;
    char *name; /* owned */
    tx_change_fn *on_change;
    void *arg;
    struct tx_core core;
    struct event *timer; /* owned */
    struct event *kick;  /* owned */
    bool loaded, started, draining;
    /* The form of sidecar that goes out, and whether the last answer to the question spoke for the newer one. */
    enum sidecar_form form, form_told;
    bool form_is_told, form_is_used;
    uint64_t form_asked_ms; /* monotonic; 0: never */
    TAILQ_HEAD(, tx_call) calls;
};

/* tx_manager.c: carries out what the machine wants now. */
void tx_manager_drain(struct tx_manager *m);
/* tx_manager_calls.c: every command but PUT and NOTIFY. `it` may be NULL for VIEW. */
void tx_manager_ask(struct tx_manager *m, const struct tx_cmd *cmd, const struct tx_item *it);
void tx_call_cancel(struct tx_call *k);
struct tx_call *tx_call_new(struct tx_manager *m, const struct tx_cmd *cmd);
void tx_call_free(struct tx_call *k);
/* The request of slot i has come back. true: it was the last one. */
MUST_USE bool tx_call_part_done(struct tx_call *k, size_t i, const struct err *err);
/* r is NULL when it could not be asked, with err. */
bool tx_call_part_asked(struct tx_call *k, size_t i, struct eth_request *r, const struct err *err);
/* Nothing could be asked at all: the answer must still not come from inside the command. */
bool tx_call_none_asked(const struct tx_call *k);
/* tx_manager_view.c: VIEW */
void tx_manager_ask_view(struct tx_manager *m, const struct tx_cmd *cmd);

#endif
