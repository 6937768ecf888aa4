/* l1-watcher/watcher.h
 *
 * Our eyes on the settlement layer: a gapless, reorganisation-safe cursor over the logs of the chain's contracts (spec 50 §2).
 *
 * One range at a time: ask for logs of next..upper (upper = head - confirmations), decode every one, hand batch events over, then write
 * new requests and the cursor in one transaction. A crash in between reads the range again; everything downstream is idempotent.
 * The hash of the last block read is part of the cursor: when L1 shows another one, the watcher walks back to the common ancestor,
 * takes back what was read above it, and goes on, in the same process.
 *
 * A malformed request, a gap in the ids, or a count that differs from the contract's own stops the watcher in words: a
 * priority operation is never skipped. */
#ifndef GH_WATCHER_WATCHER_H
#define GH_WATCHER_WATCHER_H

#include <event2/event.h>

#include "node/base/clock.h"
#include "node/net/eth_client.h"
#include "node/sender/sl_event.h"
#include "node/store/l1_tx.h"
#include "node/store/message_root_table.h"

/* rows in table watcher_cursor */
#define WATCHER_CURSOR_L1      "l1"
#define WATCHER_CURSOR_GATEWAY "gateway"

/* What is taken from the logs. Where a chain settles on a Gateway, requests are read on L1 and batch events on the Gateway; notices
 * (upgrade, freeze, migration) are taken everywhere. */
enum watcher_family {
    WATCH_REQUESTS = 1,
    WATCH_BATCHES = 2,
    WATCH_ROOTS = 4, /* alone, with the MessageRoot in place of the diamond (spec 40 §2.4) */
};

struct watcher;
struct watcher_deps { /* borrowed */
    struct event_base *base;
    const struct clock *clock;
    struct eth_client *eth;
    struct store *store;
};
struct watcher_config {
    const char *name;    /* of the layer, in texts: "L1"; borrowed */
    const char *cursor;  /* WATCHER_CURSOR_*; borrowed */
    unsigned families;   /* enum watcher_family */
    uint64_t chain_id;   /* WATCH_ROOTS: of the layer */
    struct addr diamond; /* the others give notices only, and may be zero */
    struct addr ctm, server_notifier, bridgehub, chain_asset_handler;
    uint64_t confirmations, poll_ms, max_blocks;
    uint64_t
        silence_alarm_ms; /* no new head for so long is an alarm; 0: 120 s; UINT64_MAX: never, a quiet Gateway makes no
                                * blocks */
};
struct watcher_callbacks { /* on the loop */
    void *arg;
    /* Batch events of one range, in order; the cursor moves after the store has what is queued in here. */
    void (*on_batch_events)(void *arg, const struct sl_event *events, size_t n);
    /* New requests are durable. */
    void (*on_l1_txs)(void *arg);
    /* WATCH_ROOTS: rows of blocks up to covered_to, in order, now durable. false with err: they cannot be what the contract says; the
     * watcher stops. */
    bool (*on_roots)(void *arg, const struct message_root_row *rows, size_t n, uint64_t covered_to,
                     struct err *err);
    /* WATCH_ROOTS: what getAggregatedRoot must give after everything read so far; compared with the contract whenever caught up. */
    struct b256 (*expected_root)(void *arg);
    /* WATCH_ROOTS: the contract said so at `block`, the last one read. */
    void (*on_root_checked)(void *arg, uint64_t block);
    /* Everything read from blocks >= from is taken back. */
    void (*on_rewind)(void *arg, uint64_t from);
    /* First priority id that is in none of our blocks, the one in work included. */
    uint64_t (*first_free_priority_id)(void *arg);
    /* Caught up with the head for the first time, and after each range that ends at `upper`. */
    void (*on_caught_up)(void *arg, uint64_t upper);
    /* ERR_DIVERGED: L1's history contradicts ours; ERR_INVALID: a log that cannot be what the contract emits. The watcher has stopped. */
    void (*on_stopped)(void *arg, const struct err *why);
};
MUST_USE struct watcher *watcher_create(const struct watcher_deps *deps,
                                        const struct watcher_config *cfg,
                                        const struct watcher_callbacks *cb, struct err *err);
MUST_USE bool watcher_start(struct watcher *w, struct err *err);
void watcher_stop(struct watcher *w);
void watcher_destroy(struct watcher *w);

struct watcher_status {
    uint64_t head, next_block, next_priority_id, reorgs, last_reorg_depth, max_reorg_depth;
    uint64_t priority_ops, batch_events, root_events;
    uint64_t last_head_at_ms; /* wall clock of the last new head */
    bool caught_up, silent, stopped;
    char error[256]; /* last problem, "" when none */
};
void watcher_status_get(const struct watcher *w, struct watcher_status *out);

#endif
