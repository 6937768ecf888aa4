/* node/stf/account.c
 *
 * Account records and bytecode blobs (spec 20 §1, §2). */
#include "node/stf/account.h"

void account_encode(uint8_t out[ACCOUNT_RECORD_LEN], const struct account_record *a)
{
    store_be64(out, a->versioning);
    store_be64(out + 8, a->nonce);
    u256_to_be32(out + 16, &a->balance);
    memcpy(out + 48, a->bytecode_hash.b, 32);
    store_be32(out + 80, a->code_len);
    store_be32(out + 84, a->artifacts_len);
    memcpy(out + 88, a->observable_hash.b, 32);
    store_be32(out + 120, a->observable_len);
}

bool account_decode(struct account_record *out, struct bytes in)
{
    if (in.len != ACCOUNT_RECORD_LEN)
        return false;
    out->versioning = load_be64(in.p);
    out->nonce = load_be64(in.p + 8);
    out->balance = u256_of_be32(in.p + 16);
    memcpy(out->bytecode_hash.b, in.p + 48, 32);
    out->code_len = load_be32(in.p + 80);
    out->artifacts_len = load_be32(in.p + 84);
    memcpy(out->observable_hash.b, in.p + 88, 32);
    out->observable_len = load_be32(in.p + 120);
    return true;
}

bool account_is_default(const struct account_record *a)
{
    return (a->versioning | a->nonce | a->code_len | a->artifacts_len | a->observable_len) == 0 &&
           u256_is_zero(&a->balance) && b256_is_zero(&a->bytecode_hash) &&
           b256_is_zero(&a->observable_hash);
}

bool account_eq(const struct account_record *a, const struct account_record *b)
{
    return a->versioning == b->versioning && a->nonce == b->nonce && a->code_len == b->code_len &&
           a->artifacts_len == b->artifacts_len && a->observable_len == b->observable_len &&
           u256_eq(&a->balance, &b->balance) && b256_eq(&a->bytecode_hash, &b->bytecode_hash) &&
           b256_eq(&a->observable_hash, &b->observable_hash);
}

bool account_is_empty(const struct account_record *a)
{
    return a->nonce == 0 && a->code_len == 0 && u256_is_zero(&a->balance);
}

struct b256 account_value(const struct account_record *a)
{
    uint8_t record[ACCOUNT_RECORD_LEN];
    account_encode(record, a);
    return blake2s(record, sizeof record);
}

struct addr account_storage_addr(void)
{
    return addr_of_u32(0x8003);
}

struct b256 account_flat_key(const struct addr *a)
{
    struct addr storage = account_storage_addr();
    struct b256 slot = addr_pad32(a);
    return blake2s_flat_key(&storage, &slot);
}

size_t code_blob_len(size_t code_len)
{
    return code_padded_len(code_len) + code_artifacts_len(code_len);
}

void code_blob_build(uint8_t *out, struct bytes code)
{
    size_t padded = code_padded_len(code.len);
    if (code.len != 0 && code.p != out)
        memmove(out, code.p, code.len);
    memset(out + code.len, 0, code_blob_len(code.len) - code.len);
    uint8_t *bitmap = out + padded;
    for (size_t i = 0; i < code.len; i++) {
        uint8_t op = out[i];
        if (op == 0x5b)
            bitmap[i / 8] = (uint8_t)(bitmap[i / 8] | 1u << (i % 8));
        else if (op >= 0x60 && op <= 0x7f)
            i += (size_t)op - 0x5f;
    }
}

bool account_delegation_target(struct bytes code, struct addr *target)
{
    if (code.len != 23 || code.p[0] != 0xef || code.p[1] != 0x01 || code.p[2] != 0x00)
        return false;
    memcpy(target->b, code.p + 3, 20);
    return true;
}

void account_set_code(struct account_record *a, struct bytes blob, size_t code_len)
{
    CHECK(blob.len == code_blob_len(code_len));
    a->versioning = ACCOUNT_VERSIONING_DEPLOYED;
    a->bytecode_hash = blake2s(blob.p, blob.len);
    a->code_len = (uint32_t)code_len;
    a->artifacts_len = (uint32_t)code_artifacts_len(code_len);
    a->observable_hash = keccak256(blob.p, code_len);
    a->observable_len = (uint32_t)code_len;
}
