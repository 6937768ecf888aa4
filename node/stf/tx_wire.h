/* node/stf/tx_wire.h   (inside stf)
 *
 * The pieces of tx_decode, one per family of envelopes. */
#ifndef GH_STF_TX_WIRE_H
#define GH_STF_TX_WIRE_H

#include "node/stf/tx.h"

/* in: the whole envelope. out is zeroed, type and envelope are set. */
enum stf_error tx_decode_legacy(struct stf_tx *out, struct bytes in);
enum stf_error tx_decode_typed(struct stf_tx *out, struct bytes in, struct arena *arena);
enum stf_error tx_decode_l1(struct stf_tx *out, struct bytes in);

#endif
