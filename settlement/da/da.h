/* settlement/da/da.h
 *
 * Where a batch's pubdata goes, one scheme each (spec 30 §6): kept by the operator (1), in the commit's calldata (3), in blobs
 * that travel with the commit (4). Pure functions but for the two that compute commitments, which are for a worker. */
#ifndef GH_SETTLEMENT_DA_H
#define GH_SETTLEMENT_DA_H

#include "node/base/buf.h"
#include "node/sender/sidecar.h"

/* operatorDAInput. false: no such scheme, more pubdata than it carries, or out of memory. */
MUST_USE bool da_operator_input(struct buf *out, uint8_t scheme, struct bytes pubdata);
/* Bytes of pubdata that a batch may have; UINT64_MAX: any number. */
uint64_t da_capacity(uint8_t scheme);

/* ---- blobs (spec 30 §6.2) ----
 * A stream of 31-byte pieces: the first is the length of the pubdata (8 bytes, big-endian) and zeros, then the pubdata; each
 * piece is the lower part of a scalar, 4096 scalars a blob, zeros behind the end. */
size_t da_blob_cnt(size_t pubdata_len); /* at least 1 */
/* The blobs, neither committed to nor proved. NULL: more pubdata than a transaction carries, or out of memory. */
MUST_USE struct sidecar *da_blobs_pack(struct bytes pubdata);
/* What ZKsync OS puts into the batch: keccak over the versioned hashes. */
struct b256 da_blobs_commitment(const struct sidecar *s);

#endif
