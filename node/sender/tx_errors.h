/* node/sender/tx_errors.h
 *
 * The one table of what nodes say when they refuse a transaction, and the one table of what contracts say when they
 * revert. Everything else decides by these classes, never by text. (spec 30 §11.4, §14; spec 90 rows 6, 9, 10) */
#ifndef GH_SENDER_TX_ERRORS_H
#define GH_SENDER_TX_ERRORS_H

#include "node/base/bytes.h"
#include "node/base/err.h"

enum tx_verdict {
    TX_SEND_ACCEPTED,
    TX_SEND_KNOWN,       /* it is in the pool already */
    TX_SEND_UNCLEAR,     /* no answer, or one we do not know: perhaps accepted, watch it by hash */
    TX_SEND_NONCE_LOW,   /* the nonce is used */
    TX_SEND_NONCE_HIGH,  /* the pool wants the nonces before it first */
    TX_SEND_REPLACE_LOW, /* another transaction with this nonce pays nearly as much or more */
    TX_SEND_UNDERPRICED, /* below the pool's minimum */
    TX_SEND_BELOW_BASE,  /* maxFeePerGas below the base fee */
    TX_SEND_LOW_FUNDS,
    TX_SEND_POOL_FULL,    /* also limits per account: later */
    TX_SEND_WRONG_KIND,   /* the account has transactions of another kind (blobs) in the pool */
    TX_SEND_SIDECAR,      /* the node wants the other form of the blobs' proofs */
    TX_SEND_NODE_FEE_CAP, /* the node's own protection against high fees */
    TX_SEND_BAD_GAS,      /* gas limit below the intrinsic cost or above the block's */
    TX_SEND_BAD_TX,       /* malformed, wrong chain, too large: never acceptable */
    TX_SEND_CNT
};
const char *tx_verdict_name(enum tx_verdict v);
/* An ERR_REJECTED by its text; anything else is UNCLEAR. */
enum tx_verdict tx_classify_send(const struct err *e);

enum tx_revert_class {
    TX_REVERT_FINAL, /* asking again cannot help until somebody does something */
    TX_REVERT_WAIT,  /* passes with time or with another transaction */
};
/* d: revert data. *remedy: what the operator can do, "" when there is nothing to say. */
enum tx_revert_class tx_classify_revert(struct bytes d, const char **remedy);

#endif
