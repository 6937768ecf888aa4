/* node/stf/tx.c
 *
 * Transactions: the entry of the decoder, system transactions, and small helpers (spec 10 §1). */
#include "node/stf/tx.h"

#include "node/base/hash.h"
#include "node/base/rlp.h"
#include "node/stf/tx_wire.h"

/* secp256k1 group order and its half */
static const struct u256 curve_n = { { 0xbfd25e8cd0364141ull, 0xbaaedce6af48a03bull,
                                       0xfffffffffffffffeull, 0xffffffffffffffffull } };
static const struct u256 curve_half_n = { { 0xdfe92f46681b20a0ull, 0x5d576e7357a4501dull,
                                            0xffffffffffffffffull, 0x7fffffffffffffffull } };

static enum stf_error decode_system(struct stf_tx *out, struct bytes in)
{
    struct rlp_reader top = rlp_reader_of(bytes_of(in.p + 1, in.len - 1));
    struct rlp_reader r = rlp_read_list(&top);
    rlp_read_fixed(&r, out->to.b, 20);
    out->data = rlp_read_string(&r);
    out->salt = rlp_read_u64(&r);
    if (!rlp_finish(&r) || !rlp_finish(&top))
        return STF_E_INVALID_ENCODING;
    out->from = addr_of_u32(TX_SYSTEM_SENDER);
    out->from_is_set = true;
    out->hash = keccak256(in.p, in.len);
    return STF_OK;
}

enum stf_error tx_decode(struct stf_tx *out, struct bytes envelope, struct arena *arena)
{
    memset(out, 0, sizeof *out);
    if (envelope.len == 0 || envelope.len > TX_MAX_LEN)
        return STF_E_INVALID_ENCODING;
    out->envelope = envelope;
    uint8_t first = envelope.p[0];
    if (first >= 0xc0)
        return tx_decode_legacy(out, envelope);
    out->type = first;
    switch (first) {
    case TX_ACCESS_LIST:
    case TX_DYNAMIC_FEE:
    case TX_BLOB:
    case TX_SET_CODE:
        return tx_decode_typed(out, envelope, arena);
    case TX_SYSTEM:
        return decode_system(out, envelope);
    case TX_UPGRADE:
    case TX_PRIORITY:
        return tx_decode_l1(out, envelope);
    default:
        return STF_E_INVALID_ENCODING;
    }
}

struct bytes tx_encode_system(const struct addr *to, struct bytes data, uint64_t salt,
                              struct arena *arena)
{
    struct bytes to_bytes = bytes_of(to->b, 20);
    size_t body = rlp_string_size(to_bytes) + rlp_string_size(data) + rlp_u64_size(salt);
    uint8_t *out = arena_alloc(arena, 1 + rlp_list_size(body));
    if (out == NULL)
        return bytes_of(NULL, 0);
    size_t n = 0;
    out[n++] = TX_SYSTEM;
    n += rlp_write_list_header(out + n, body);
    n += rlp_write_string(out + n, to_bytes);
    n += rlp_write_string(out + n, data);
    n += rlp_write_u64(out + n, salt);
    return bytes_of(out, n);
}

struct u256 tx_v(const struct stf_tx *tx)
{
    struct u256 v = u256_of_u64(tx->y_parity);
    if (tx->type != TX_LEGACY)
        return v;
    if (!tx->has_chain_id) {
        v.w[0] += 27;
        return v;
    }
    struct u256 chain = u256_of_u64(tx->chain_id);
    struct u256 base = u256_of_u64(35);
    chain = u256_add(&chain, &chain);
    v = u256_add(&v, &chain);
    return u256_add(&v, &base);
}

bool tx_signature_in_range(const struct stf_tx *tx)
{
    return !u256_is_zero(&tx->r) && !u256_is_zero(&tx->s) && u256_lt(&tx->r, &curve_n) &&
           !u256_lt(&curve_half_n, &tx->s);
}

struct addr tx_create_address(const struct addr *from, uint64_t nonce)
{
    uint8_t enc[1 + 21 + 9];
    struct bytes f = bytes_of(from->b, 20);
    size_t body = rlp_string_size(f) + rlp_u64_size(nonce);
    size_t n = rlp_write_list_header(enc, body);
    n += rlp_write_string(enc + n, f);
    n += rlp_write_u64(enc + n, nonce);
    struct b256 h = keccak256(enc, n);
    return b256_low_addr(&h);
}
