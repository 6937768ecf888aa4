/* node/sender/tx_core.h
 *
 * The sender's decisions, as a machine without I/O: events go in (functions below), commands come out (tx_core_next). Time is an
 * argument. The shell (tx_manager.c) carries commands out and reports back; tests are another shell.
 *
 * One turn. A VIEW (head, fees, balance, nonces) starts a round: for every signed request the receipts of all its versions are
 * asked. When a request's answers are in:
 *   a receipt          -> MINED at that block; at the required depth CONFIRMED, REPLACED, REVERTED or ABANDONED (cancelled)
 *   none, was MINED    -> its block was reorganised away: the bytes go out again
 *   none, nonce used   -> after two rounds: somebody else's transaction. Named if the node can; if it does what ours does, it is adopted as ours,
 *                         otherwise the request starts over with a new nonce once the foreign one is as deep as we require
 *   none, nonce free   -> looked up in the pool now and then, sent again when lost, replaced when it does not move
 * Then the queue is pumped: the oldest request without a nonce is simulated, priced, checked against the balance, signed with
 * the lowest free nonce, stored, and only then sent. A nonce that nobody holds below one that somebody holds is
 * taken by the next request, or by a transfer of nothing.
 *
 * Blobs. A request with a sidecar is a blob transaction for its whole life: replacements and the transfer of nothing that
 * cancels it carry the same blobs, because a pool takes nothing else in its place, and so does a transfer that fills a nonce below it.
 * Every bump doubles all three fees.
 *
 * Invariants (tx_core_check): live requests never share a nonce; a request has a nonce exactly when it has a signed version for it;
 * nothing is sent that is not durable. */
#ifndef GH_SENDER_TX_CORE_H
#define GH_SENDER_TX_CORE_H

#include <sys/queue.h>

#include "node/base/buf.h"
#include "node/sender/tx_errors.h"
#include "node/sender/tx_fees.h"
#include "node/sender/tx_journal.h"
#include "node/sender/tx_manager.h"

#define TX_VARIANTS_MAX   64 /* signed versions of one request; then no more bumps */
#define TX_LOOKUP_ROUNDS  5  /* rounds between two looks into the pool */
#define TX_FOREIGN_ROUNDS 2
#define TX_GAP_ROUNDS     3
#define TX_SPEND_RING     64
#define TX_RETRY_MS       2000 /* after a refusal that passes: full pool, nonce too high */

struct tx_variant {
    struct tx_variant_row row; /* row.raw points to raw below */
    uint8_t *raw;              /* owned; NULL: adopted, bytes unknown */
};
struct tx_receipt {
    bool status;
    uint64_t block_number, gas_used, blob_gas_used;
    struct b256 block_hash;
    struct u256 price, blob_price;
};
struct tx_item {
    uint64_t id;
    char key[TX_KEY_CAP], label[TX_LABEL_CAP];
    enum tx_state state;
    enum tx_wait wait;
    struct addr to;
    struct u256 value;
    uint8_t *data; /* owned */
    size_t data_len;
    struct sidecar *sidecar; /* a reference; NULL: no blobs */
    uint64_t gas_hint;
    bool is_fill, cancel_wanted;
    uint64_t nonce;
    uint64_t created_ms, sent_wall_ms; /* wall clock */
    struct tx_variant *variants;       /* owned array, all there ever were */
    size_t variant_cnt, variant_base;  /* from base on: at the present nonce */

    /* journal */
    bool dirty, put_busy;
    uint64_t put_ticket, put_retry_ms;
    size_t put_variants, durable_variants; /* in the write under way; safely stored */
    bool durable;                          /* the intent is */

    /* preparing */
    bool prepare_busy, prepared;
    uint64_t prepared_head, retry_at_ms;
    uint64_t gas_limit;

    /* sending */
    bool send_busy, send_wanted, send_to_all;
    bool ever_sent, ever_accepted; /* at the present nonce */
    enum tx_verdict verdict;       /* the last word of a node */
    bool bump_wanted;
    uint32_t bump_percent; /* asked by a refusal; 0: the usual */
    bool has_rival;        /* somebody else's transaction is in the pool with our nonce, at: */
    struct tx_fee rival;
    uint64_t last_send_ms, last_sign_ms, last_sign_head;
    size_t last_sent_variant;

    /* watching */
    unsigned round_left;
    bool round_bad;            /* an answer failed: no conclusions from absence */
    size_t found;              /* variant with a receipt, SIZE_MAX: none so far */
    struct tx_receipt receipt; /* of it */
    unsigned lost_rounds, absent_cnt, rounds;
    bool lookup_busy;
    bool foreign; /* noticed, at: */
    uint64_t foreign_head, foreign_at_ms;

    /* mined */
    uint64_t block_number;
    struct b256 block_hash, mined_hash;
    bool mined_status;
    size_t mined_variant;
    uint64_t gas_used;
    struct u256 paid;
    bool replay_busy, replay_done;

    struct err err; /* last problem */
    TAILQ_ENTRY(tx_item) link;
};
TAILQ_HEAD(tx_items, tx_item);

struct tx_view {
    uint64_t head;
    struct b256 head_hash;
    struct tx_fee_market market;
    struct u256 balance;
    uint64_t latest_nonce, pending_nonce;
    bool knows_blobs; /* their fee and form were asked for, because a request has some */
};

enum tx_cmd_kind {
    TX_CMD_VIEW,
    TX_CMD_PUT,      /* id, ticket: write tx_core_row(item) */
    TX_CMD_PREPARE,  /* id: simulate and estimate */
    TX_CMD_SEND,     /* id, variant, to_all */
    TX_CMD_RECEIPT,  /* id, variant */
    TX_CMD_LOOKUP,   /* id, variant: is it in a pool or a block? */
    TX_CMD_NONCE_TX, /* id: which transaction, mined or in the pool, has item->nonce? */
    TX_CMD_REPLAY,   /* id: why did it revert? */
    TX_CMD_NOTIFY,   /* id, state, err */
};
struct tx_cmd {
    enum tx_cmd_kind kind;
    uint64_t id, ticket;
    size_t variant;
    bool to_all;
    enum tx_state state;
    bool has_err;
    struct err err;
};

/* Signs; deterministic. Appends to raw. */
typedef bool tx_sign_fn(void *ctx, const struct tx_item *item, const struct tx_variant_row *v,
                        const struct addr *to, const struct u256 *value, struct bytes data,
                        struct buf *raw, struct b256 *hash, struct err *err);

struct tx_core {
    struct tx_manager_config cfg; /* defaults filled in */
    struct addr self;
    struct tx_fee_policy fees;
    tx_sign_fn *sign;
    void *sign_ctx;
    uint64_t now_ms, wall_ms;
    bool started, paused;

    struct tx_items items; /* live, by id */
    size_t item_cnt;
    uint64_t next_id, next_ticket;

    bool view_busy, view_ok, view_wanted;
    uint64_t next_view_ms, view_failures;
    struct tx_view view;
    uint64_t nonce_floor, floor_head; /* lowest nonce that may be free */
    unsigned floor_low_rounds;
    bool floor_is_known; /* a view came since the start */
    unsigned gap_rounds;

    struct tx_cmd *cmds; /* owned ring */
    size_t cmd_cap, cmd_head, cmd_cnt;

    struct {
        uint64_t at_ms;
        struct u256 cost;
    } spends[TX_SPEND_RING];
    size_t spend_cnt, spend_at;
    struct tx_manager_status stats; /* counters */
};

/* --- lifecycle --- */
MUST_USE bool tx_core_init(struct tx_core *c, const struct tx_manager_config *cfg,
                           const struct addr *self, tx_sign_fn *sign, void *sign_ctx,
                           struct err *err);
void tx_core_clear(struct tx_core *c);
/* Before start: a journal row that is not final. false: out of memory. */
MUST_USE bool tx_core_adopt(struct tx_core *c, const struct tx_row *row);
/* nonce_floor: every nonce below it is used, says the journal */
void tx_core_start(struct tx_core *c, uint64_t next_id, uint64_t nonce_floor, uint64_t now_ms,
                   uint64_t wall_ms);
/* Every answer on the way is lost (the shell cancelled its calls). */
void tx_core_stop(struct tx_core *c);

/* --- requests --- */
/* The key must not be live; the caller has asked. NULL: out of memory. */
struct tx_item *tx_core_submit(struct tx_core *c, const struct tx_request *r);
MUST_USE bool tx_core_cancel(struct tx_core *c, uint64_t id, struct err *err);
void tx_core_pause(struct tx_core *c, bool paused);
MUST_USE bool tx_core_set_caps(struct tx_core *c, const struct tx_fee_caps *caps, struct err *err);

/* --- events --- */
void tx_core_tick(struct tx_core *c, uint64_t now_ms, uint64_t wall_ms);
uint64_t tx_core_next_wake_ms(const struct tx_core *c); /* monotonic time of the next tick */
void tx_core_on_view(struct tx_core *c, const struct tx_view *v, const struct err *err);
void tx_core_on_put(struct tx_core *c, uint64_t ticket, const struct err *err);
/* err NULL: it would succeed; gas 0 when the node cannot estimate. ERR_REJECTED: it reverts (with data, perhaps);
 * other errors: no answer. */
void tx_core_on_prepared(struct tx_core *c, uint64_t id, uint64_t gas, struct bytes revert_data,
                         const struct err *err);
void tx_core_on_sent(struct tx_core *c, uint64_t id, size_t variant, const struct err *err);
/* rc NULL with err NULL: there is none */
void tx_core_on_receipt(struct tx_core *c, uint64_t id, size_t variant, const struct tx_receipt *rc,
                        const struct err *err);
void tx_core_on_lookup(struct tx_core *c, uint64_t id, bool present, const struct err *err);
struct tx_rival { /* a transaction with our nonce, by whomever */
    struct b256 hash;
    bool has_to;
    struct addr to;
    struct u256 value;
    struct bytes data; /* borrowed */
    struct tx_fee fee;
};
/* NULL: the node cannot say, or there is none */
void tx_core_on_nonce_tx(struct tx_core *c, uint64_t id, const struct tx_rival *t);
void tx_core_on_replay(struct tx_core *c, uint64_t id, struct bytes revert_data,
                       const struct err *err);

/* --- commands --- */
bool tx_core_next(struct tx_core *c, struct tx_cmd *out);

/* --- looking --- */
struct tx_item *tx_core_find(const struct tx_core *c, uint64_t id);
struct tx_item *tx_core_find_key(const struct tx_core *c, const char *key);
/* `variants` needs room for item->variant_cnt entries; everything is borrowed from the item. */
void tx_core_row(const struct tx_item *it, struct tx_variant_row *variants, struct tx_row *out);
void tx_core_info(const struct tx_item *it, struct tx_info *out);
void tx_row_info(const struct tx_row *row, struct tx_info *out);
void tx_core_status(const struct tx_core *c, struct tx_manager_status *out);
void tx_core_check(const struct tx_core *c);

/* --- between the core's files --- */
struct tx_cmd *tx_core_command(struct tx_core *c, enum tx_cmd_kind kind, const struct tx_item *it);
void tx_core_dirty(struct tx_core *c, struct tx_item *it);
void tx_core_set_state(struct tx_core *c, struct tx_item *it, enum tx_state s,
                       const struct err *err);
bool tx_item_in_flight(const struct tx_item *it); /* holds a nonce, not mined */
void tx_core_pump(struct tx_core *c);
void tx_core_tend(struct tx_core *c, struct tx_item *it); /* a signed request that is in no block */
void tx_core_begin_rounds(struct tx_core *c);
void tx_core_mind_gap(struct tx_core *c);
void tx_core_try_send(struct tx_core *c, struct tx_item *it);
void tx_core_want_send(struct tx_core *c, struct tx_item *it, bool to_all);
void tx_core_wait(struct tx_core *c, struct tx_item *it, enum tx_wait w);
struct u256 tx_core_reserved(const struct tx_core *c, const struct tx_item *except);
struct u256 tx_item_cost(const struct tx_item *it, uint64_t gas, const struct tx_fee *fee);
bool tx_core_has_blobs(const struct tx_core *c); /* a live request carries some */
uint64_t tx_core_next_free(const struct tx_core *c);
/* a request, live or waiting to be durable, has it */
bool tx_core_nonce_is_held(const struct tx_core *c, uint64_t nonce);
void tx_core_note_spend(struct tx_core *c, const struct u256 *cost);
MUST_USE bool tx_core_add_variant(struct tx_core *c, struct tx_item *it,
                                  const struct tx_variant_row *row, struct bytes raw);
struct tx_item *tx_core_new_item(struct tx_core *c);
void tx_core_view_soon(struct tx_core *c);

#endif
