/* node/sender/sl_event.h
 *
 * What happened to our batches on the settlement layer, as a value: l1-watcher decodes logs into it, settlement acts on it. */
#ifndef GH_SENDER_SL_EVENT_H
#define GH_SENDER_SL_EVENT_H

#include "node/base/bytes.h"

enum sl_event_kind {
    SL_BATCH_RANGE,   /* batch, first, last: comes right before SL_BATCH_COMMIT of the same batch */
    SL_BATCH_COMMIT,  /* batch, state_commitment, commitment */
    SL_BATCH_PROVE,   /* first = last verified before, last = last verified now */
    SL_BATCH_EXECUTE, /* batch, state_commitment, commitment */
    SL_BATCH_REVERT,  /* batch = committed, first = verified, last = executed */
    SL_PRIORITY_RELAYED, /* a Gateway took over a priority operation: last = operations it has now */
    SL_NOTICE,           /* something an operator must know stops or changes settlement: text */
};
struct sl_event {
    enum sl_event_kind kind;
    uint64_t batch, first, last;
    struct b256 state_commitment, commitment;
    const char *text; /* static string */
    uint64_t sl_block;
    struct b256 block_hash, tx_hash;
};

#endif
