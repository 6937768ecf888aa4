/* node/stf/account.h
 *
 * Account records, bytecode blobs and flat keys (spec 20 §1, §2). Freestanding.
 *
 * The whole state is one map flat key -> value. The value at an account key is blake2s of the
 * 124-byte record; the record is a preimage. Code is stored as a blob: code, zeros up to a multiple
 * of 8, then the jump-destination bitmap in little-endian 64-bit words. */
#ifndef GH_STF_ACCOUNT_H
#define GH_STF_ACCOUNT_H

#include "node/base/bytes.h"
#include "node/base/hash.h"
#include "node/base/u256.h"

#define ACCOUNT_RECORD_LEN           124u
#define ACCOUNT_VERSIONING_NONE      0x0000000000000000ull
#define ACCOUNT_VERSIONING_DEPLOYED  0x0101010000000000ull
#define ACCOUNT_ENVIRONMENT_EVM      1u
#define ACCOUNT_VERSIONING_DELEGATED 0x0201010000000000ull /* EIP-7702 */

struct account_record {
    uint64_t versioning, nonce;
    struct u256 balance;
    struct b256 bytecode_hash; /* blake2s(blob); zero without code */
    uint32_t code_len;         /* unpadded */
    uint32_t artifacts_len;
    struct b256 observable_hash; /* keccak(code); zero without code */
    uint32_t observable_len;
};

void account_encode(uint8_t out[ACCOUNT_RECORD_LEN], const struct account_record *a);
/* false when the length is not 124 */
MUST_USE bool account_decode(struct account_record *out, struct bytes in);
bool account_is_default(const struct account_record *a); /* every field zero */
bool account_eq(const struct account_record *a, const struct account_record *b);
/* EIP-161 emptiness: no nonce, no balance, no code */
bool account_is_empty(const struct account_record *a);
/* EIP-7702: told by the status byte alone (spec 20 §2.2, §2.4) */
static inline bool account_is_delegated(const struct account_record *a)
{
    return a->versioning >> 56 == 2;
}
/* EIP-7702: true and the target when the code is a designator (0xef0100 || address) */
bool account_delegation_target(struct bytes code, struct addr *target);
/* The environment its code is for (ee.h); 0 without code. */
static inline uint8_t account_environment(const struct account_record *a)
{
    return (uint8_t)(a->versioning >> 48);
}
/* Of an account whose code is for that environment. */
static inline uint64_t account_versioning_deployed(uint8_t environment)
{
    return (ACCOUNT_VERSIONING_DEPLOYED & ~(0xffull << 48)) | (uint64_t)environment << 48;
}
/* blake2s(record), also for the all-zero record (spec 20 §2.1) */
struct b256 account_value(const struct account_record *a);

/* pseudo-account 0x8003 */
struct addr account_storage_addr(void);
/* flat_key(0x8003, pad32(a)) */
struct b256 account_flat_key(const struct addr *a);

/* round_up8(code_len) + 8 * ceil(code_len / 64) */
size_t code_blob_len(size_t code_len);
static inline size_t code_artifacts_len(size_t code_len)
{
    return (code_len + 63) / 64 * 8;
}
static inline size_t code_padded_len(size_t code_len)
{
    return (code_len + 7) / 8 * 8;
}
/* out has code_blob_len(code.len) bytes; code may already lie at out. */
void code_blob_build(uint8_t *out, struct bytes code);
/* Record fields of a deployed EVM contract with this blob; nonce and balance untouched. */
void account_set_code(struct account_record *a, struct bytes blob, size_t code_len);
static inline bool code_is_jumpdest(const uint8_t *bitmap, size_t i)
{
    return (bitmap[i / 8] & 1u << (i % 8)) != 0;
}

#endif
