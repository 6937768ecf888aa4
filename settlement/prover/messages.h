/* settlement/prover/messages.h
 *
 * The JSON bodies of the prover API (spec 30 §13). Reading is total: any bytes give a submission, or a status and a reason. */
#ifndef GH_SETTLEMENT_PROVER_MESSAGES_H
#define GH_SETTLEMENT_PROVER_MESSAGES_H

#include "node/base/buf.h"

#define PROVER_BODY_MAX (10u << 20) /* as the peer's */

struct prover_submission {
    uint64_t from, to; /* from <= to, not 0 */
    struct b256 vk;
    struct buf proof; /* owned, also after a failure: buf_clear */
};
/* {"batch_number", "vk_hash", "proof"} or {"from_batch_number", "to_batch_number", "vk_hash", "proof"}. false: *status is 400 or 422. */
MUST_USE bool prover_read_submission(struct prover_submission *out, bool is_snark,
                                     struct bytes body, int *status, char reason[160]);

/* A key hash as text: 32 bytes in hexadecimal, with or without 0x. */
MUST_USE bool prover_read_key(struct b256 *out, const char *text, size_t len);
/* A decimal number below 2^63 that is all of the text, not 0. */
MUST_USE bool prover_read_number(uint64_t *out, const char *text, size_t len);
/* The comma-separated list of supported_vk_hashes: lets jobs of that key through. Blank: no filter; unknown entries are passed over. */
MUST_USE bool prover_keys_allow(const char *list, const struct b256 *vk);

/* A witness as prover_input: little-endian u32 words, the first the witness' length in bytes, then its bytes with zeros behind. Base64 of that. */
MUST_USE bool prover_write_input(struct buf *out, struct bytes witness);

#endif
