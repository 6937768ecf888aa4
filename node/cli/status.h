/* node/cli/status.h   (inside cli)
 *
 * What `gatehouse status` shows, however it was learnt. */
#ifndef GH_CLI_STATUS_H
#define GH_CLI_STATUS_H

#include "node/base/buf.h"
#include "node/config.h"

#define STATUS_BATCHES 12

struct status_batch {
    uint64_t number, first_block, last_block, sealed_at_ms, l1_txs, l2_txs;
    char stage[16]; /* open, sealed, committed, proved, executed, finalized */
    char waits_for[256];
    uint64_t eta_ms; /* UINT64_MAX: unknown */
};
struct status_view {
    bool from_node; /* otherwise from the store, which cannot know what things wait for */
    uint64_t chain_id, head, head_timestamp;
    bool accepting;
    char not_accepting[256];
    uint64_t frontier_batch[5],
        frontier_block[5]; /* sealed, committed, proved, executed, finalized */
    struct status_batch batches[STATUS_BATCHES]; /* newest first */
    size_t batch_cnt;
    char hold_reason[512], hold_remedy[512];
    char l1_problem[256], gateway_problem[256];
    uint64_t settles_on; /* chain id of the layer; 0: not known */
    bool on_gateway;
    struct { /* of the layer's message roots; layer 0: none */
        uint64_t layer, read_to, checked_to, chains, batches, layer_known, layer_on_l1;
        char problem[512];
    } mirror;
    struct {
        char lane[16], address[43], balance_wei[80], note[256];
    } senders[3];
    size_t sender_cnt;
};

/* From a data folder; no node needed. */
MUST_USE bool status_from_store(struct status_view *v, const char *data_dir, struct err *err);
/* Asks a node's status server. ERR_TRANSIENT: nobody answers. */
MUST_USE bool status_from_node(struct status_view *v, const char *status_url, struct err *err);
void status_print_text(struct buf *out, const struct status_view *v, uint64_t now_ms);
void status_print_json(struct buf *out, const struct status_view *v);
const char *status_stage_name(unsigned i); /* 0 sealed .. 4 finalized */

#endif
