/* tests/unit/watcher/fake_l1.h
 *
 * An L1 node in this process: JSON-RPC on loopback over a scripted chain. Blocks are mined, logs put into them, the tip is replaced
 * by another fork; answers can be refused, delayed, falsified or cut by rules of a provider. Runs on the caller's loop. */
#ifndef GH_TESTS_WATCHER_FAKE_L1_H
#define GH_TESTS_WATCHER_FAKE_L1_H

#include <event2/event.h>
#include <jansson.h>

#include "node/net/eth_types.h"

struct eth_client;

#define FAKE_MAX_BLOCKS 131072
#define FAKE_MAX_LOGS   16 /* of one block */

struct fake_log {
    struct addr addr;
    struct b256 topics[4];
    size_t topic_cnt;
    uint8_t *data; /* owned */
    size_t len;
    struct b256 tx_hash;
    bool is_priority; /* counts for getTotalPriorityTxs */
};
struct fake_block {
    struct b256 hash, parent;
    struct fake_log *logs; /* owned; room for FAKE_MAX_LOGS, NULL until the first */
    size_t log_cnt;
};
struct fake_l1 {
    struct fake_block block[FAKE_MAX_BLOCKS];
    uint64_t head, fork;
    struct addr diamond;
    uint64_t deployed_at; /* the diamond has code from here on */

    /* faults: each counts down to zero */
    unsigned fail_next; /* replies with this HTTP status */
    int fail_status;
    unsigned garbage_next;  /* replies 200 with text that is no JSON */
    unsigned nulls_next;    /* eth_getBlockByNumber(number) answers null */
    unsigned drop_log_next; /* eth_getLogs leaves its first log out */
    uint64_t max_range;     /* blocks of one eth_getLogs; 0: any */
    bool prunes;        /* no state of old blocks: eth_call and eth_getCode with a number fail */
    int64_t count_bias; /* added to getTotalPriorityTxs */
    struct b256
        root_before; /* getAggregatedRoot before the first NewInteropRoot; afterwards what the last one has */
    uint8_t root_bias;  /* makes it another one */
    uint64_t show_head; /* an endpoint that is behind says this; 0: the truth */
    /* Runs after an eth_getLogs answer was made and before it is sent. */
    void (*on_logs)(struct fake_l1 *l1, void *arg);
    void *on_logs_arg;

    uint64_t requests, log_requests, call_requests, code_requests;
    struct http_server *server; /* owned */
    char url[64];
};

struct fake_l1 *fake_l1_create(struct event_base *base);
void fake_l1_destroy(struct fake_l1 *l1);
/* A client of it that does not wait long. */
struct eth_client *fake_l1_client(struct event_base *base, const struct fake_l1 *l1);
/* Appends so many empty blocks. */
void fake_l1_mine(struct fake_l1 *l1, uint64_t n);
/* Into a block that is there already; the hash of the block stays. */
struct fake_log *fake_l1_put(struct fake_l1 *l1, uint64_t number, const struct addr *addr,
                             const struct b256 *topics, size_t topic_cnt, const void *data,
                             size_t len);
/* A well-formed NewPriorityRequest of the diamond; variant makes another transaction of the same id. Returns its hash. */
struct b256 fake_l1_priority(struct fake_l1 *l1, uint64_t number, uint64_t id, uint64_t variant);
/* ReportCommittedBatchRangeZKsyncOS and BlockCommit. */
void fake_l1_commit(struct fake_l1 *l1, uint64_t number, uint64_t batch);
/* The last `depth` blocks are replaced by empty ones of another fork. */
void fake_l1_reorg(struct fake_l1 *l1, uint64_t depth);
uint64_t fake_l1_count(const struct fake_l1 *l1,
                       uint64_t at); /* priority operations up to a block */

#endif
