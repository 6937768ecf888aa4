/* interop/layer_batches.h
 *
 * The batches of a Gateway, as far as proofs for L1 need them: which blocks, the root of its own logs, and whether L1 has the batch
 * (spec 40 §3.2, §3.3). The Gateway's node tells the first two (unstable_getBatchByBlockNumber, unstable_getLocalRoot); they are believed
 * when, with our mirror's root of the last block, they give the batch's root, and that root is the one in L1's MessageRoot. A batch may be sealed
 * anew until L1 has it, and L1 may lose it: what turns out to be another one is taken back and asked for again. Durable in table layer_batch. On
 * the loop. */
#ifndef GH_INTEROP_LAYER_BATCHES_H
#define GH_INTEROP_LAYER_BATCHES_H

#include <event2/event.h>

#include "interop/mirror.h"
#include "node/net/eth_client.h"

struct layer_batches;
struct layer_batches_deps { /* borrowed */
    struct event_base *base;
    struct store *store;
    struct eth_client *layer, *l1;
    struct mirror *mirror;
};
struct layer_batches_config {
    uint64_t layer; /* chain id */
    struct addr l1_message_root;
    uint64_t l1_confirmations, poll_ms;
};
MUST_USE struct layer_batches *layer_batches_create(const struct layer_batches_deps *deps,
                                                    const struct layer_batches_config *cfg,
                                                    struct err *err);
/* After the mirror's: batches from these blocks on that L1 does not have yet are asked for again. */
void layer_batches_on_rewind(struct layer_batches *b, uint64_t from);
void layer_batches_stop(struct layer_batches *b);
void layer_batches_destroy(struct layer_batches *b); /* NULL allowed */

struct layer_batches_status {
    uint64_t known, on_l1; /* highest batch; 0: none */
    char problem[256];     /* "" when none */
};
void layer_batches_status_get(const struct layer_batches *b, struct layer_batches_status *out);

#endif
