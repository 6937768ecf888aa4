/* settlement/prover/base64.h
 *
 * Base64 of RFC 4648 §4: standard alphabet, padded, one encoding for one byte string. */
#ifndef GH_SETTLEMENT_PROVER_BASE64_H
#define GH_SETTLEMENT_PROVER_BASE64_H

#include "node/base/buf.h"

static inline size_t base64_len(size_t len)
{
    return (len + 2) / 3 * 4;
}
/* Appends. false: over the buffer's maximum, or out of memory */
MUST_USE bool base64_encode(struct buf *out, struct bytes in);
/* Appends. false: not base64 (bits behind the end must be zero), or as above */
MUST_USE bool base64_decode(struct buf *out, const char *text, size_t len);

#endif
