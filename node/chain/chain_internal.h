/* node/chain/chain_internal.h   (inside chain) */
#ifndef GH_CHAIN_INTERNAL_H
#define GH_CHAIN_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "node/base/map.h"
#include "node/chain/chain.h"
#include "node/chain/execute.h"
#include "node/chain/worker.h"

#define CHAIN_MAX_SUBSCRIBERS 8
#define MAX_RECORD_LEN        (256u << 20)

struct cached_block { /* a decoded block; b is the public part */
    struct chain_block b;
    struct arena arena; /* owned: everything b points to */
    uint64_t number;
    unsigned refs;
    struct cached_block *newer, *older; /* least recently used last */
};

struct block_cache {
    pthread_mutex_t mutex;
    struct map by_number; /* u64 -> struct cached_block * */
    struct cached_block *newest, *oldest;
    size_t cnt, max;
};

struct tree_row { /* table block_tree: what the tree and two slots say after a block */
    struct b256 root, multichain_root;
    uint64_t leaf_count, sl_chain_id;
};

#define ROOT_QUEUE_MAX      4096u
#define ROOTS_PER_TX        100u                     /* the peer's interop_roots_per_tx */
#define ROOT_BLOCK_DELAY_MS 750u                     /* the peer's service_block_delay */
struct root_queue {                                  /* loop only */
    struct chain_interop_root items[ROOT_QUEUE_MAX]; /* oldest first */
    size_t cnt;
    struct chain_interop_root last; /* done with */
    uint64_t imported, last_import_ms;
    bool stopped;
    char why[256];
};

struct chain {
    struct chain_deps deps; /* borrowed */
    struct chain_config cfg;
    struct store_reader *reader; /* owned; the loop's */
    struct worker_pool *builder; /* owned; one thread: blocks in order */
    struct worker_pool *tree;    /* owned; one thread: tree and checkpoints */
    struct event *timer;         /* owned: next block time */
    struct event *wake;          /* owned: chain_wake from any thread */
    struct block_cache cache;

    pthread_mutex_t mutex; /* guards what follows, read by any thread */
    struct chain_head head;
    uint64_t tree_head, index_head;
    struct map recent_txs;    /* b256 -> struct chain_tx_location, of blocks above index_head */
    struct map recent_hashes; /* b256 -> u64 */
    bool paused;
    char pause_reason[128];
    struct chain_stats stats;

    /* loop only */
    bool started, stopping, in_work, timer_armed;
    atomic_bool wake_pending;
    struct root_queue roots;
    bool left_some; /* the last block was closed by a limit while transactions waited */
    uint64_t last_start_ms, work_priority_end;
    struct b256 last_hashes[256]; /* context of the next block */
    struct u256 next_base_fee, next_native_price, next_pubdata_price;
    struct {
        chain_block_fn *on_block;
        chain_tree_fn *on_tree;
        chain_stopped_fn *on_stopped;
        void *arg;
    } subs[CHAIN_MAX_SUBSCRIBERS];
    size_t sub_cnt;
};

/* cache.c */
void block_cache_init(struct block_cache *k, size_t max);
void block_cache_clear(struct block_cache *k); /* no block may be acquired */
/* Takes the block over with one reference for the caller; an entry that is there already wins and is returned. */
struct cached_block *block_cache_add(struct block_cache *k, struct cached_block *fresh);
struct cached_block *block_cache_find(struct block_cache *k, uint64_t number);
void block_cache_release(struct block_cache *k, struct cached_block *e);
/* Decodes. NULL with err filled. */
MUST_USE struct cached_block *cached_block_create(struct bytes encoded, struct err *err);
void cached_block_destroy(struct cached_block *e);

/* index.c: derived rows, on the store thread */
MUST_USE bool index_write_block(struct store_txn *t, const struct chain_block *b, struct err *err);
MUST_USE bool index_applied(struct store_reader *r, const char *name, uint64_t *number, bool *found,
                            struct err *err);
MUST_USE bool index_write_tree(struct store_txn *t, uint64_t number, const struct tree_row *row,
                               struct err *err);
MUST_USE bool index_load_tree(struct store_reader *r, uint64_t number, struct tree_row *row,
                              bool *found, struct err *err);

/* tree.c: runs on the tree worker */
MUST_USE bool tree_row_make(struct chain *c, uint64_t number, struct tree_row *row,
                            struct err *err);
/* Queues hashing of a published block; on_tree follows. Loop. */
void tree_submit(struct chain *c, uint64_t number);

/* recover.c */
MUST_USE bool chain_recover(struct chain *c, struct err *err);
MUST_USE bool block_record_read(struct store_reader *r, uint64_t number, struct buf *out,
                                bool *found, struct err *err);
/* job for store_write: arg is a struct record_row */
struct record_row {
    uint64_t number;
    struct b256 hash;
    struct bytes encoded;
};
bool block_record_write(struct store_txn *t, void *arg, struct err *err);

/* roots.c: loop */
bool roots_are_due(const struct chain *c, uint64_t now_mono_ms);
uint64_t roots_wait_ms(const struct chain *c, uint64_t now_mono_ms); /* UINT64_MAX: none waits */
/* The first ones, as many as one transaction takes; they stay until roots_done. */
size_t roots_take(const struct chain *c, struct arena *arena,
                  const struct chain_interop_root **out);
void roots_done(struct chain *c, size_t n, bool imported, uint64_t now_mono_ms);
/* roots.c: worker. ERR_DIVERGED: another root is stored for that block. */
MUST_USE bool roots_is_stored(struct state_view *v, const struct chain_interop_root *r,
                              bool *stored, struct err *err);
/* len 0: out of memory */
struct bytes roots_tx(const struct chain_interop_root *roots, size_t n, struct arena *arena);

/* chain.c */
void chain_fail(struct chain *c,
                const struct err *why); /* stop producing, tell subscribers. Loop. */
/* Moves the head to this block: hashes, fees, next priority id. Before chain_start returns, or on the loop. */
void chain_set_head(struct chain *c, const struct block_record *r);

#endif
