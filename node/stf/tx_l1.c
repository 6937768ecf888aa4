/* node/stf/tx_l1.c
 *
 * L1 priority and upgrade transactions: the ABI tuple L2CanonicalTransaction (spec 10 §1.3). The layout
 * is the canonical one or the transaction is malformed; nothing is re-encoded for the hash. */
#include "node/base/hash.h"
#include "node/stf/tx_wire.h"

enum slot {
    SLOT_TYPE,
    SLOT_FROM,
    SLOT_TO,
    SLOT_GAS_LIMIT,
    SLOT_GAS_PER_PUBDATA,
    SLOT_MAX_FEE,
    SLOT_MAX_PRIORITY_FEE,
    SLOT_PAYMASTER,
    SLOT_NONCE,
    SLOT_VALUE,
    SLOT_RESERVED, /* 4 of them */
    SLOT_OFFSETS = 14,
    SLOT_CNT = 19
};
#define HEAD_LEN ((size_t)SLOT_CNT * 32)

struct tuple_reader {
    struct bytes t;
    size_t end; /* of the dynamic parts read so far */
    unsigned next_offset;
    bool ok;
};

static struct u256 head_word(const struct tuple_reader *r, unsigned slot)
{
    return u256_of_be32(r->t.p + 32 * (size_t)slot);
}

static struct addr head_addr(struct tuple_reader *r, unsigned slot)
{
    struct u256 v = head_word(r, slot);
    r->ok &= (v.w[3] | v.w[2] >> 32) == 0;
    return u256_to_addr(&v);
}

static uint64_t head_number(struct tuple_reader *r, unsigned slot, uint64_t max)
{
    struct u256 v = head_word(r, slot);
    r->ok &= u256_fits_u64(&v) && v.w[0] <= max;
    return v.w[0];
}

/* Opens the next dynamic part, which must begin where the last one ended; its length word. */
static size_t open_part(struct tuple_reader *r)
{
    uint64_t offset = head_number(r, SLOT_OFFSETS + r->next_offset++, UINT32_MAX);
    if (!r->ok || offset != r->end || r->t.len - r->end < 32) {
        r->ok = false;
        return 0;
    }
    struct u256 len = u256_of_be32(r->t.p + r->end);
    r->end += 32;
    if (!u256_fits_u64(&len) || len.w[0] > UINT32_MAX) {
        r->ok = false;
        return 0;
    }
    return (size_t)len.w[0];
}

static struct bytes take(struct tuple_reader *r, size_t n)
{
    if (!r->ok || n > r->t.len - r->end) {
        r->ok = false;
        return bytes_of(NULL, 0);
    }
    struct bytes b = bytes_of(r->t.p + r->end, n);
    r->end += n;
    return b;
}

static struct bytes read_bytes(struct tuple_reader *r)
{
    size_t len = open_part(r);
    struct bytes b = take(r, len);
    struct bytes padding = take(r, (32 - len % 32) % 32);
    for (size_t i = 0; i < padding.len; i++)
        r->ok &= padding.p[i] == 0;
    return b;
}

static struct bytes read_words(struct tuple_reader *r)
{
    size_t n = open_part(r);
    if (n > r->t.len / 32) {
        r->ok = false;
        n = 0;
    }
    return take(r, n * 32);
}

static void read_empty(struct tuple_reader *r)
{
    if (open_part(r) != 0)
        r->ok = false;
}

static void read_head(struct stf_tx *out, struct tuple_reader *r)
{
    r->ok &= head_number(r, SLOT_TYPE, UINT8_MAX) == out->type;
    out->from = head_addr(r, SLOT_FROM);
    out->to = head_addr(r, SLOT_TO);
    out->gas_limit = head_number(r, SLOT_GAS_LIMIT, UINT64_MAX);
    out->gas_per_pubdata = head_number(r, SLOT_GAS_PER_PUBDATA, UINT32_MAX);
    out->max_fee = head_word(r, SLOT_MAX_FEE);
    out->max_priority_fee = head_word(r, SLOT_MAX_PRIORITY_FEE);
    (void)head_number(r, SLOT_PAYMASTER, 0);
    out->l1_nonce = head_word(r, SLOT_NONCE);
    out->nonce = u256_sat_u64(&out->l1_nonce);
    out->value = head_word(r, SLOT_VALUE);
    out->to_mint = head_word(r, SLOT_RESERVED);
    out->refund_recipient = head_addr(r, SLOT_RESERVED + 1);
    (void)head_number(r, SLOT_RESERVED + 2, 0);
    (void)head_number(r, SLOT_RESERVED + 3, 0);
}

static struct b256 canonical_hash(struct bytes t)
{
    struct b256 offset = b256_of_u64(32);
    struct keccak k;
    keccak_init(&k);
    keccak_update(&k, offset.b, 32);
    keccak_update(&k, t.p, t.len);
    return keccak_final(&k);
}

enum stf_error tx_decode_l1(struct stf_tx *out, struct bytes in)
{
    struct tuple_reader r = { .t = bytes_of(in.p + 1, in.len - 1), .end = HEAD_LEN, .ok = true };
    if (r.t.len < HEAD_LEN)
        return STF_E_L1_TX_MALFORMED;
    read_head(out, &r);
    out->data = read_bytes(&r);
    read_empty(&r); /* signature */
    out->factory_deps = read_words(&r);
    read_empty(&r); /* paymasterInput */
    read_empty(&r); /* reservedDynamic */
    if (!r.ok || r.end != r.t.len)
        return STF_E_L1_TX_MALFORMED;
    out->from_is_set = true;
    out->hash = canonical_hash(r.t);
    return STF_OK;
}
