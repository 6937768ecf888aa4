/* node/sender/sidecar.h
 *
 * What travels with a blob transaction and is no part of what is signed: blobs, commitments and proofs.
 *
 * Made empty, filled with blobs, then finished on a worker (about half a second a blob), and from then on never changed; shared
 * by counting on the loop's thread. Both kinds of proofs are made: which one a node wants depends on the fork
 * that is active when the bytes arrive, and the same signed transaction can go out in either form.
 *
 * Sources: EIP-4844 (networking), EIP-7594 (networking, wrapper version 1). */
#ifndef GH_SENDER_SIDECAR_H
#define GH_SENDER_SIDECAR_H

#include "node/base/buf.h"
#include "node/base/err.h"

#define SIDECAR_BLOBS_MAX 6 /* a transaction may carry since Osaka (EIP-7594) */
#define SIDECAR_BLOB_LEN  131072u
#define SIDECAR_BLOB_GAS  131072u /* a blob's, EIP-4844 */

enum sidecar_form {
    SIDECAR_EIP4844, /* a proof a blob; up to and with Prague */
    SIDECAR_EIP7594, /* a proof a cell; since Osaka */
};
const char *sidecar_form_name(enum sidecar_form f);

struct sidecar;
/* With zeroed blobs; one reference. NULL: out of memory. blob_cnt: 1 .. SIDECAR_BLOBS_MAX. */
MUST_USE struct sidecar *sidecar_new(size_t blob_cnt);
/* SIDECAR_BLOB_LEN bytes, to be filled before sidecar_commit */
uint8_t *sidecar_blob(struct sidecar *s, size_t i);
/* Commitments and versioned hashes; then the proofs, which need them. Any one thread. false: a scalar of a blob is not below the
 * group's order. */
MUST_USE bool sidecar_commit(struct sidecar *s);
MUST_USE bool sidecar_prove(struct sidecar *s);

struct sidecar *sidecar_ref(struct sidecar *s); /* NULL gives NULL */
void sidecar_unref(struct sidecar *s);          /* NULL is allowed */

size_t sidecar_blob_cnt(const struct sidecar *s);
const struct b256 *sidecar_hashes(const struct sidecar *s); /* versioned hashes */

/* The form eth_sendRawTransaction takes: `signed_tx` (0x03 || list) with the sidecar around it, appended. false: the
 * buffer is too small, or signed_tx is no typed transaction. */
MUST_USE bool sidecar_wrap(struct buf *out, const struct sidecar *s, enum sidecar_form form,
                           struct bytes signed_tx);
size_t sidecar_wrapped_max(const struct sidecar *s, struct bytes signed_tx);

/* For the journal: proofs, then the blobs up to their last byte that is not zero. Appends. */
MUST_USE bool sidecar_store(struct buf *out, const struct sidecar *s);
/* NULL (ERR_LOCAL): not what sidecar_store made of a sidecar with these hashes. */
MUST_USE struct sidecar *sidecar_load(struct bytes stored, const struct b256 *hashes,
                                      size_t blob_cnt, struct err *err);

#endif
