/* node/witnesses.h   (inside topology)
 *
 * Makes witnesses of sealed batches from the live state, and verifies them, on a worker of its own: neither stops the sequencer. Who asks for
 * the same batch gets the same witness. */
#ifndef GH_NODE_WITNESSES_H
#define GH_NODE_WITNESSES_H

#include "node/chain/chain.h"
#include "settlement/witness.h"

struct witnesses;

MUST_USE struct witnesses *witnesses_create(struct event_base *base, struct chain *chain,
                                            struct store *store, const struct stf_crypto *crypto,
                                            struct err *err);
struct settlement_witness_ops witnesses_ops(struct witnesses *w);
/* Ends the worker; callbacks that are due run in here. */
void witnesses_stop(struct witnesses *w);
/* After everybody who has a witness let go of it. NULL allowed. */
void witnesses_destroy(struct witnesses *w);

#endif
