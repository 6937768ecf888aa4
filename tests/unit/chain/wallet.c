/* tests/unit/chain/wallet.c */
#include "tests/unit/chain/wallet.h"

#include "node/base/hash.h"
#include "node/base/rlp.h"
#include "tests/unit/base/testing.h"

struct wallet wallet_of(uint64_t number)
{
    struct wallet w = { 0 };
    store_be64(w.key.secret + 24, number);
    assert_true(crypto_key_address(&w.addr, &w.key));
    return w;
}

struct wallet wallet_of_hex(const char *hex)
{
    struct wallet w;
    assert_true(crypto_key_parse(&w.key, hex, strlen(hex)));
    assert_true(crypto_key_address(&w.addr, &w.key));
    return w;
}

static uint8_t *write_u64(uint8_t *p, uint64_t v)
{
    return p + rlp_write_u64(p, v);
}

static uint8_t *write_access_list(uint8_t *p, const struct wallet_tx *t)
{
    if (t->access_keys == 0)
        return p + rlp_write_list_header(p, 0);
    size_t keys = t->access_keys * 33, entry = 21 + rlp_list_size(keys);
    p += rlp_write_list_header(p, rlp_list_size(entry));
    p += rlp_write_list_header(p, entry);
    p += rlp_write_string(p, bytes_of(t->to.b, 20));
    p += rlp_write_list_header(p, keys);
    for (size_t i = 0; i < t->access_keys; i++) {
        struct b256 key = b256_of_u64(i);
        p += rlp_write_string(p, bytes_of(key.b, 32));
    }
    return p;
}

/* The fields before the signature, without the list's header. */
static uint8_t *write_fields(uint8_t *p, const struct wallet_tx *t, uint8_t type)
{
    if (type != TX_LEGACY)
        p = write_u64(p, t->chain_id);
    p = write_u64(p, t->nonce);
    if (type == TX_DYNAMIC_FEE)
        p = write_u64(p, t->max_priority_fee);
    p = write_u64(p, t->max_fee);
    p = write_u64(p, t->gas_limit);
    p += rlp_write_string(p, t->is_create ? bytes_of(NULL, 0) : bytes_of(t->to.b, 20));
    p += rlp_write_u256(p, &t->value);
    p += rlp_write_string(p, t->data);
    if (type != TX_LEGACY)
        p = write_access_list(p, t);
    return p;
}

static struct bytes wrap(uint8_t *out, uint8_t type, const uint8_t *fields, size_t len)
{
    uint8_t *p = out;
    if (type != TX_LEGACY)
        *p++ = type;
    p += rlp_write_list_header(p, len);
    memcpy(p, fields, len);
    return bytes_of(out, (size_t)(p - out) + len);
}

struct bytes wallet_sign(const struct wallet *w, const struct wallet_tx *t, struct arena *arena)
{
    uint8_t type = t->is_legacy ? TX_LEGACY : t->type ? t->type : TX_DYNAMIC_FEE;
    size_t cap = 1024 + t->data.len + t->access_keys * 33;
    uint8_t *fields = arena_alloc(arena, cap), *out = arena_alloc(arena, cap);
    assert_true(fields && out);
    uint8_t *end = write_fields(fields, t, type), *p = end;
    bool eip155 = type == TX_LEGACY && !t->unprotected;
    if (eip155) {
        p = write_u64(p, t->chain_id);
        p = write_u64(p, 0);
        p = write_u64(p, 0);
    }
    struct bytes unsigned_tx = wrap(out, type, fields, (size_t)(p - fields));
    struct b256 hash = keccak256(unsigned_tx.p, unsigned_tx.len);
    struct crypto_signature sig;
    assert_true(crypto_sign(&sig, &hash, &w->key));
    uint64_t v = type != TX_LEGACY ? sig.y_parity
                 : eip155          ? t->chain_id * 2 + 35 + sig.y_parity
                                   : 27 + sig.y_parity;
    p = write_u64(end, v);
    p += rlp_write_u256(p, &sig.r);
    p += rlp_write_u256(p, &sig.s);
    return wrap(out, type, fields, (size_t)(p - fields));
}

struct stf_tx *wallet_make(const struct wallet *w, const struct wallet_tx *t, struct arena *arena)
{
    struct stf_tx *tx = arena_zalloc(arena, sizeof(*tx));
    assert_non_null(tx);
    assert_int_equal(tx_decode(tx, wallet_sign(w, t, arena), arena), STF_OK);
    assert_true(crypto_tx_recover_sender(tx));
    assert_memory_equal(tx->from.b, w->addr.b, 20);
    return tx;
}
