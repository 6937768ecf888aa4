/* interop/bundle.h
 *
 * Bundles of calls between chains (InteropCenter and InteropHandler, spec 40 §6), and the ERC-7786 attributes of sending. Pure.
 *
 * The bytes of a bundle are its identity: the handler hashes what it is given. They are kept as they came in the message and never made
 * again from the decoded form. */
#ifndef GH_INTEROP_BUNDLE_H
#define GH_INTEROP_BUNDLE_H

#include "contracts-abi/gen/interop.h"
#include "interop/interop_address.h"
#include "interop/message_proof.h"
#include "node/base/buf.h"

#define BUNDLE_IDENTIFIER 0x01u /* first byte of the message */
#define BUNDLE_VERSION    0x01u
#define BUNDLE_MAX_LEN    (4u << 20)
#define INTEROP_CENTER    0x1000du
#define INTEROP_HANDLER   0x1000eu

enum bundle_status { /* InteropHandler.bundleStatus */
                     BUNDLE_UNRECEIVED = 0,
                     BUNDLE_VERIFIED = 1,
                     BUNDLE_EXECUTED = 2,
                     BUNDLE_UNBUNDLED = 3,
};
enum call_status { CALL_UNPROCESSED = 0, CALL_EXECUTED = 1, CALL_CANCELLED = 2 };
const char *bundle_status_name(uint64_t s); /* "unknown status" beyond the table */
const char *call_status_name(uint64_t s);

struct bundle {
    struct bytes raw; /* abi.encode(InteropBundle), as it came; in the arena */
    struct b256 hash;
    struct abi_v31_interop_bundle v;
};
/* raw: abi.encode(InteropBundle). Total: ERR_INVALID says what is wrong. Does not judge versions and chains: bundle_objection does. */
MUST_USE bool bundle_decode(struct bytes raw, struct bundle *out, struct arena *arena,
                            struct err *err);
/* A message of the InteropCenter: the identifier, then the bundle. */
MUST_USE bool bundle_from_message(struct bytes message, struct bundle *out, struct arena *arena,
                                  struct err *err);
/* What somebody pastes: a message, a bundle, calldata of executeBundle, verifyBundle or unbundleBundle, or data of InteropBundleSent. */
MUST_USE bool bundle_from_any(struct bytes in, struct bundle *out, struct arena *arena,
                              struct err *err);

/* keccak(abi.encode(source chain, bundle bytes)) */
struct b256 bundle_hash(const struct u256 *source_chain, struct bytes raw);
struct b256 bundle_send_id(const struct b256 *hash, uint64_t call); /* receive id as well */
/* keccak(sender || nonce), nonce as interopBundleNonce gave it before */
struct b256 bundle_salt(const struct addr *sender, const struct u256 *nonce);

/* Why the handler of `chain` would never execute it as it is: wrong version, destination, base token; NULL: nothing against it. */
const char *bundle_objection(const struct bundle *b, uint64_t chain,
                             const struct b256 *base_token_asset_id);
/* Whether `who` on `chain` may execute, or unbundle, by calling the handler directly. */
bool bundle_may_execute(const struct bundle *b, const struct addr *who, uint64_t chain);
bool bundle_may_unbundle(const struct bundle *b, const struct addr *who, uint64_t chain);

/* Calldata for the handler, appended; false: it does not fit into `out`. */
bool bundle_execute_calldata(struct buf *out, const struct bundle *b, const struct message_proof *p,
                             uint64_t tx_number);
bool bundle_verify_calldata(struct buf *out, const struct bundle *b, const struct message_proof *p,
                            uint64_t tx_number);
bool bundle_unbundle_calldata(struct buf *out, const struct bundle *b, const uint64_t *statuses,
                              size_t cnt);

/* ---- attributes (ERC-7786) ---- */
struct bundle_attributes { /* absent ones: has_* false, values zero */
    bool has_call_value, has_indirect, has_execution, has_unbundler, has_fixed_fee;
    struct u256 call_value, indirect_value;
    struct bytes execution, unbundler; /* interoperable addresses */
    bool fixed_fee;
};
enum attribute_level {
    ATTRIBUTE_OF_CALL = 1,
    ATTRIBUTE_OF_BUNDLE = 2
}; /* bits: sendMessage takes both */
MUST_USE bool bundle_attributes_parse(const struct abi_bytes_list *list, unsigned levels,
                                      struct bundle_attributes *out, struct arena *arena,
                                      struct err *err);
/* Encoded attributes in the order of the struct; memory in the arena. */
MUST_USE bool bundle_attributes_encode(const struct bundle_attributes *a,
                                       struct abi_bytes_list *out, struct arena *arena);

/* ---- for people ---- (appended; every text escaped) */
void bundle_write_text(struct buf *out, const struct bundle *b);
void bundle_write_json(struct buf *out, const struct bundle *b);

#endif
