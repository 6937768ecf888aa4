/* interop/relay/relay_internal.h: what the files of the relayer share. */
#ifndef GH_INTEROP_RELAY_INTERNAL_H
#define GH_INTEROP_RELAY_INTERNAL_H

#include "interop/relay/relay.h"
#include "node/net/eth_client.h"

#define RELAY_MESSAGE_MAX (BUNDLE_MAX_LEN + 64u)
#define RELAY_ARENA_MAX   (32u << 20)

struct relay_message {
    struct relay *relay;
    struct relay_row row;            /* blobs owned (malloc) */
    struct eth_request *req;         /* at most one call at a time */
    const struct relay_chain *asked; /* by req */
    uint64_t tx_id;                  /* 0: none yet in this run */
    bool must_save, must_save_calldata,
        was_done; /* was_done: once the simulation said "delivered" and the status did not */
    /* from the receipt: place among the transaction's l2ToL1Logs, number of the transaction in its block */
    bool is_placed;
    uint64_t place, tx_number;
    /* between asking for a proof and comparing where it leads */
    struct message_proof proof;
    struct proof_end end;
    struct relay_message *next;
};

struct relay_found {
    struct relay_row row;
    bool is_new; /* it was not in the store */
};
struct relay_source { /* of one chain that routes begin at */
    struct relay *relay;
    const struct relay_chain *chain;
    char cursor_name[48];
    uint64_t next_block;
    struct eth_span span;
    struct eth_request *req;
    struct arena arena; /* of one scan */
    struct relay_found *found;
    size_t found_cnt;
    uint64_t covered_to;
    bool writing;
};

struct relay {
    struct relay_deps deps;
    struct relay_config cfg;
    struct store_reader *reader;
    struct event *timer;
    struct tx_manager *senders[RELAY_MAX_CHAINS]; /* by chain */
    const struct relay_chain *l1;                 /* NULL: no withdrawals */
    struct addr nullifier;                        /* zero: not known yet */
    struct eth_request *nullifier_req;
    struct relay_source sources[RELAY_MAX_CHAINS];
    size_t source_cnt;
    struct relay_message *messages; /* open ones; who had his turn goes to the end */
    struct relay_message **tail;
    struct relay_stats stats;
    bool started, said_paused;
};

const struct relay_chain *relay_chain_find(const struct relay *r, uint64_t id);
const struct relay_route *relay_route_find(const struct relay *r, uint64_t src, uint64_t dst);
struct tx_manager *relay_sender(const struct relay *r, uint64_t chain);
/* Takes over a copy of the row, blobs included. NULL: out of memory. */
struct relay_message *relay_message_add(struct relay *r, const struct relay_row *row);
/* Writes the row. What the store does not take is tried again at the next turn. */
void relay_message_save(struct relay_message *m);

/* relay_source.c */
/* By the routes as they are: whether the message is carried; id of a bundle, destination and note are set. */
bool relay_judge(const struct relay *r, struct relay_row *row);
bool relay_source_start(struct relay *r, const struct relay_chain *chain, struct err *err);
void relay_source_turn(struct relay_source *s);
void relay_source_stop(struct relay_source *s);

/* relay_message.c: does the next thing about a message that is due; false: it is not. */
bool relay_message_turn(struct relay_message *m);
void relay_message_on_tx(struct relay_message *m);

#endif
