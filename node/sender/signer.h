/* node/sender/signer.h
 *
 * A key and what it signs: EIP-1559 (type 2), blob (EIP-4844, type 3) and legacy (EIP-155) transactions of a settlement
 * layer. What is signed of a blob transaction, and its hash, know the blobs by their versioned hashes only: the
 * sidecar is put around it when it is sent (sidecar.h).
 *
 * The secret lives in one heap block, cleansed when the signer is destroyed, and is never logged or compared. Signatures are
 * deterministic (RFC 6979) with low s, so signing the same fields twice gives the same bytes. */
#ifndef GH_SENDER_SIGNER_H
#define GH_SENDER_SIGNER_H

#include "node/base/buf.h"
#include "node/base/bytes.h"
#include "node/base/err.h"
#include "node/base/u256.h"

struct signer;

/* Where a key comes from, as configuration spells it: "0x..." 64 hex digits, "file:/path" (hex in the file, blanks
 * around it allowed), or "env:NAME". ERR_INVALID never repeats the text. */
MUST_USE struct signer *signer_open(const char *source, struct err *err);
MUST_USE struct signer *signer_from_bytes(const uint8_t secret[32], struct err *err);
/* Cleanses. NULL is allowed. */
void signer_destroy(struct signer *s);
struct addr signer_addr(const struct signer *s);

enum signer_tx_kind {
    SIGNER_TX_LEGACY = 0,
    SIGNER_TX_EIP1559 = 2,
    SIGNER_TX_BLOB = 3,
};
struct signer_tx {
    enum signer_tx_kind kind;
    uint64_t chain_id;
    uint64_t nonce;
    uint64_t gas_limit;
    struct u256 max_fee; /* legacy: the gas price */
    struct u256 max_tip; /* legacy: ignored */
    bool has_to;
    struct addr to;
    struct u256 value;
    struct bytes data; /* borrowed */
    /* blob transactions only */
    struct u256 max_blob_fee;
    const struct b256 *blob_hashes; /* borrowed */
    size_t blob_cnt;
};
/* Appends the raw transaction (what eth_sendRawTransaction takes; with blobs: without the sidecar) to `raw`; *hash is its hash.
 * ERR_INVALID for a kind it cannot sign, a tip above the fee, or a blob transaction without blobs or target. */
MUST_USE bool signer_sign_tx(const struct signer *s, const struct signer_tx *tx, struct buf *raw,
                             struct b256 *hash, struct err *err);

#endif
