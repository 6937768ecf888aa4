/* l1-watcher/decode.h   (inside l1-watcher)
 *
 * Logs of the chain's contracts to values. Total: any log gives a value, "not ours", or an error that names it. */
#ifndef GH_WATCHER_DECODE_H
#define GH_WATCHER_DECODE_H

#include "node/net/eth_types.h"
#include "node/sender/sl_event.h"
#include "node/store/l1_tx.h"
#include "node/store/message_root_table.h"

enum decoded_kind {
    DECODED_NOTHING,
    DECODED_PRIORITY,
    DECODED_UPGRADE,
    DECODED_EVENT,
    DECODED_ROOT,
};
struct decoded {
    enum decoded_kind kind;
    struct l1_tx_row row; /* memory in the arena */
    struct sl_event event;
    struct message_root_row root;
};
/* Topics worth asking for; the second set is that of a MessageRoot. */
const struct b256 *decode_topics(size_t *n);
const struct b256 *decode_root_topics(size_t *n);
/* The rules of spec 50 §2.4 are checked, the canonical hash is recomputed and compared. */
MUST_USE bool decode_log(struct decoded *out, const struct eth_log *log, uint64_t chain_id,
                         struct arena *arena, struct err *err);
/* A log of the MessageRoot on chain `layer`. */
MUST_USE bool decode_root_log(struct decoded *out, const struct eth_log *log, uint64_t layer,
                              struct arena *arena, struct err *err);

#endif
