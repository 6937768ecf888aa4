/* node/stf/header.c
 *
 * Block header (spec 10 §2.2) and L2->L1 log records (spec 10 §10.1). */
#include "node/base/hash.h"
#include "node/base/rlp.h"
#include "node/stf/stf.h"

/* keccak(rlp([])) */
static const struct b256 ommers_hash = { { 0x1d, 0xcc, 0x4d, 0xe8, 0xde, 0xc7, 0x5d, 0x7a,
                                           0xab, 0x85, 0xb5, 0x67, 0xb6, 0xcc, 0xd4, 0x1a,
                                           0xd3, 0x12, 0x45, 0x1b, 0x94, 0x8a, 0x74, 0x13,
                                           0xf0, 0xa1, 0x42, 0xfd, 0x40, 0xd4, 0x93, 0x47 } };

static size_t write_fixed(uint8_t *out, const void *p, size_t len)
{
    return rlp_write_string(out, bytes_of(p, len));
}

size_t stf_header_encode(uint8_t out[700], const struct stf_header *h)
{
    static const uint8_t zeros[256];
    uint8_t body[700];
    size_t n = 0;
    n += write_fixed(body + n, h->parent_hash.b, 32);
    n += write_fixed(body + n, ommers_hash.b, 32);
    n += write_fixed(body + n, h->coinbase.b, 20);
    n += write_fixed(body + n, zeros, 32); /* stateRoot */
    n += write_fixed(body + n, h->transactions_root.b, 32);
    n += write_fixed(body + n, zeros, 32);  /* receiptsRoot */
    n += write_fixed(body + n, zeros, 256); /* logsBloom */
    n += rlp_write_u64(body + n, 0);        /* difficulty */
    n += rlp_write_u64(body + n, h->number);
    n += rlp_write_u64(body + n, h->gas_limit);
    n += rlp_write_u64(body + n, h->gas_used);
    n += rlp_write_u64(body + n, h->timestamp);
    n += write_fixed(body + n, zeros, 0); /* extraData */
    n += write_fixed(body + n, h->mix_hash.b, 32);
    n += write_fixed(body + n, zeros, 8); /* nonce */
    n += rlp_write_u256(body + n, &h->base_fee);
    size_t head = rlp_write_list_header(out, n);
    memcpy(out + head, body, n);
    return head + n;
}

struct b256 stf_header_hash(const struct stf_header *h)
{
    uint8_t enc[700];
    size_t n = stf_header_encode(enc, h);
    return keccak256(enc, n);
}

void stf_l2_log_encode(uint8_t out[88], const struct stf_l2_log *log)
{
    struct addr sender = addr_of_u32(log->is_message ? 0x8008 : 0x8001);
    out[0] = 0; /* shard */
    out[1] = 1; /* is service */
    store_be16(out + 2, log->tx_number);
    memcpy(out + 4, sender.b, 20);
    memcpy(out + 24, log->key.b, 32);
    memcpy(out + 56, log->value.b, 32);
}
