/* node/store/relay_table.h
 *
 * What the relayer knows of each message: one row a message, in the journal database. A row is there before anything is done about the
 * message, and says why it stands where it stands. */
#ifndef GH_STORE_RELAY_TABLE_H
#define GH_STORE_RELAY_TABLE_H

#include "node/store/store.h"

enum relay_kind { RELAY_BUNDLE = 1, RELAY_WITHDRAWAL = 2 };
enum relay_state {                        /* numbers are stored: only ever append */
                   RELAY_WAITS_PROOF = 1, /* its batch is not executed, or its proof not served */
                   RELAY_WAITS_ROOT = 2,  /* the destination does not know the proof's root yet */
                   RELAY_READY = 3,       /* to be sent, or sent again after a failure */
                   RELAY_SENT = 4,        /* the transaction manager has it */
                   RELAY_MINED = 5,       /* delivered, in a block that is not final */
                   RELAY_DELIVERED = 6,   /* final at the destination */
                   RELAY_PARKED = 7,      /* needs a person: note and remedy say what for */
                   RELAY_SKIPPED = 8,     /* no route or a rule of the route says no */
                   RELAY_UNBUNDLED = 9,   /* its unbundler took it apart: nothing left to do */
                   RELAY_NOT_OURS = 10,   /* only its execution address may execute it */
};
const char *relay_kind_name(enum relay_kind k);
const char *relay_state_name(enum relay_state s);
static inline bool relay_state_is_open(enum relay_state s)
{
    return s <= RELAY_MINED;
}

struct relay_row {
    struct b256
        id; /* of a bundle: its hash; of a withdrawal: keccak(source chain || transaction || log) */
    enum relay_kind kind;
    uint64_t src, dst;    /* chain ids */
    struct b256 tx_hash;  /* on the source */
    uint64_t block, log;  /* log: index of the event in its block */
    struct addr sender;   /* of the L2->L1 message: a system contract */
    struct bytes message; /* as it was sent */
    enum relay_state state;
    uint64_t attempts;    /* transactions that failed, and simulations that reverted */
    uint64_t next_try_ms; /* wall clock */
    uint64_t seen_ms, changed_ms;
    uint64_t batch, leaf; /* known with the proof */
    struct b256 dst_tx;   /* zero: not sent by us, or not yet */
    uint64_t dst_block;
    struct bytes calldata; /* for `target`; empty before the proof is there */
    struct addr target;    /* contract on the destination */
    char note[384],
        remedy[256]; /* why it stands there; what helps. "" when there is nothing to say */
};

/* --- on the store thread --- */
/* Without calldata and target. *is_new false: a message with this id is there already and is left alone. */
MUST_USE bool relay_add(struct store_txn *t, const struct relay_row *r, bool *is_new,
                        struct err *err);
/* Everything that changes afterwards, but for calldata and target, which are large and come once. */
MUST_USE bool relay_update(struct store_txn *t, const struct relay_row *r, struct err *err);
MUST_USE bool relay_set_calldata(struct store_txn *t, const struct relay_row *r, struct err *err);

/* --- readers --- */
#define RELAY_STATE_BIT(s) (1u << (s))
#define RELAY_OPEN_STATES  0x3eu /* relay_state_is_open */
#define RELAY_ALL_STATES   UINT32_MAX
/* Rows of these states (bits) in the order they were seen. Blobs live in the arena, which is reset before each row. Stops with false when
 * `each` does. */
MUST_USE bool relay_each(struct store_reader *r, uint32_t states, struct arena *arena,
                         bool (*each)(void *arg, const struct relay_row *row, struct err *err),
                         void *arg, struct err *err);
MUST_USE bool relay_load(struct store_reader *r, const struct b256 *id, struct arena *arena,
                         struct relay_row *out, bool *found, struct err *err);

#endif
