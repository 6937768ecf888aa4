#include "node/sender/signer.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "node/base/file.h"
#include "node/base/hash.h"
#include "node/base/hex.h"
#include "node/base/rlp.h"
#include "node/crypto/crypto.h"

#define KEY_FILE_MAX ((size_t)4096)

struct signer {
    struct crypto_key key; /* secret */
    struct addr addr;
};

static struct signer *signer_of_hex(const char *hex, size_t len, struct err *err)
{
    struct signer *s = calloc(1, sizeof(*s));
    if (!s) {
        err_set(err, ERR_LOCAL, "out of memory");
        return NULL;
    }
    if (!crypto_key_parse(&s->key, hex, len) || !crypto_key_address(&s->addr, &s->key)) {
        signer_destroy(s);
        err_set(err, ERR_INVALID, "a key is 64 hexadecimal digits in the range of the curve");
        return NULL;
    }
    return s;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct signer *signer_of_text(const char *text, size_t len, struct err *err)
{
    while (len > 0 && is_blank(*text)) {
        text++;
        len--;
    }
    while (len > 0 && is_blank(text[len - 1]))
        len--;
    return signer_of_hex(text, len, err);
}

static struct signer *signer_of_file(const char *path, struct err *err)
{
    uint8_t *data = NULL;
    size_t len = 0;
    if (!file_read(&data, &len, path, KEY_FILE_MAX, err)) {
        err_wrap(err, "key file");
        return NULL;
    }
    struct signer *s = signer_of_text((const char *)data, len, err);
    OPENSSL_cleanse(data, len);
    free(data);
    if (!s)
        err_wrap(err, "key file %s", path);
    return s;
}

struct signer *signer_open(const char *source, struct err *err)
{
    if (strncmp(source, "file:", 5) == 0)
        return signer_of_file(source + 5, err);
    if (strncmp(source, "env:", 4) == 0) {
        const char *value = getenv(source + 4); /* NOLINT(concurrency-mt-unsafe): start-up only */
        if (!value) {
            err_set(err, ERR_INVALID, "environment variable %s is not set", source + 4);
            return NULL;
        }
        return signer_of_text(value, strlen(value), err);
    }
    return signer_of_text(source, strlen(source), err);
}

struct signer *signer_from_bytes(const uint8_t secret[32], struct err *err)
{
    char hex[65];
    size_t len = hex_encode(hex, secret, 32);
    struct signer *s = signer_of_hex(hex, len, err);
    OPENSSL_cleanse(hex, sizeof(hex));
    return s;
}

void signer_destroy(struct signer *s)
{
    if (!s)
        return;
    crypto_key_clear(&s->key);
    free(s);
}

struct addr signer_addr(const struct signer *s)
{
    return s->addr;
}

/* --- transactions: the same list twice, without and with the signature --- */

struct tail { /* behind the payload fields */
    bool is_signed;
    uint64_t v; /* legacy: the EIP-155 number, unsigned: chain id with two zeros behind it */
    struct u256 r, s;
};

static bool is_typed(const struct signer_tx *tx)
{
    return tx->kind != SIGNER_TX_LEGACY;
}

static size_t hash_list_payload(const struct signer_tx *tx)
{
    return tx->blob_cnt * 33; /* a string of 32 bytes each */
}

static size_t payload_size(const struct signer_tx *tx, const struct tail *t)
{
    struct bytes to = bytes_of(tx->to.b, tx->has_to ? 20 : 0);
    size_t n = rlp_u64_size(tx->nonce) + rlp_u64_size(tx->gas_limit) + rlp_string_size(to) +
               rlp_u256_size(&tx->value) + rlp_string_size(tx->data) + rlp_u256_size(&tx->max_fee);
    if (is_typed(tx))
        n += rlp_u64_size(tx->chain_id) + rlp_u256_size(&tx->max_tip) + rlp_list_size(0);
    if (tx->kind == SIGNER_TX_BLOB)
        n += rlp_u256_size(&tx->max_blob_fee) + rlp_list_size(hash_list_payload(tx));
    if (t->is_signed || tx->kind == SIGNER_TX_LEGACY)
        n += rlp_u64_size(t->v) + rlp_u256_size(&t->r) + rlp_u256_size(&t->s);
    return n;
}

static size_t write_payload(uint8_t *p, const struct signer_tx *tx, const struct tail *t)
{
    struct bytes to = bytes_of(tx->to.b, tx->has_to ? 20 : 0);
    size_t n = 0;
    if (is_typed(tx))
        n += rlp_write_u64(p + n, tx->chain_id);
    n += rlp_write_u64(p + n, tx->nonce);
    if (is_typed(tx))
        n += rlp_write_u256(p + n, &tx->max_tip);
    n += rlp_write_u256(p + n, &tx->max_fee);
    n += rlp_write_u64(p + n, tx->gas_limit);
    n += rlp_write_string(p + n, to);
    n += rlp_write_u256(p + n, &tx->value);
    n += rlp_write_string(p + n, tx->data);
    if (is_typed(tx))
        n += rlp_write_list_header(p + n, 0); /* access list */
    if (tx->kind == SIGNER_TX_BLOB) {
        n += rlp_write_u256(p + n, &tx->max_blob_fee);
        n += rlp_write_list_header(p + n, hash_list_payload(tx));
        for (size_t i = 0; i < tx->blob_cnt; i++)
            n += rlp_write_string(p + n, bytes_of(tx->blob_hashes[i].b, 32));
    }
    if (t->is_signed || tx->kind == SIGNER_TX_LEGACY) {
        n += rlp_write_u64(p + n, t->v);
        n += rlp_write_u256(p + n, &t->r);
        n += rlp_write_u256(p + n, &t->s);
    }
    return n;
}

/* Appends the (unsigned or signed) transaction; false when raw is full. */
static bool append_tx(struct buf *raw, const struct signer_tx *tx, const struct tail *t)
{
    size_t payload = payload_size(tx, t);
    size_t typed = is_typed(tx) ? 1 : 0;
    size_t total = typed + rlp_list_size(payload);
    uint8_t *p = buf_extend(raw, total);
    if (!p)
        return false;
    if (typed)
        p[0] = (uint8_t)tx->kind;
    size_t at = typed + rlp_write_list_header(p + typed, payload);
    at += write_payload(p + at, tx, t);
    CHECK(at == total);
    return true;
}

static bool check_tx(const struct signer_tx *tx, struct err *err)
{
    if (tx->kind != SIGNER_TX_LEGACY && tx->kind != SIGNER_TX_EIP1559 && tx->kind != SIGNER_TX_BLOB)
        return err_set(err, ERR_INVALID, "transaction type %d cannot be signed here",
                       (int)tx->kind);
    if (tx->kind == SIGNER_TX_BLOB && (tx->blob_cnt == 0 || !tx->has_to))
        return err_set(err, ERR_INVALID, "a blob transaction needs blobs and a target");
    if (is_typed(tx) && u256_lt(&tx->max_fee, &tx->max_tip))
        return err_set(err, ERR_INVALID, "the tip is above the fee");
    if (tx->chain_id == 0 || tx->chain_id > (UINT64_MAX - 36) / 2)
        return err_set(err, ERR_INVALID, "chain id");
    return true;
}

bool signer_sign_tx(const struct signer *s, const struct signer_tx *tx, struct buf *raw,
                    struct b256 *hash, struct err *err)
{
    struct buf unsigned_tx;
    struct crypto_signature sig;
    struct tail t = { .is_signed = false, .v = tx->chain_id };
    if (!check_tx(tx, err))
        return false;
    buf_init(&unsigned_tx, raw->max);
    if (!append_tx(&unsigned_tx, tx, &t)) {
        buf_clear(&unsigned_tx);
        return err_set(err, ERR_LOCAL, "transaction too large");
    }
    struct b256 digest = keccak256(unsigned_tx.p, unsigned_tx.len);
    buf_clear(&unsigned_tx);
    if (!crypto_sign(&sig, &digest, &s->key))
        return err_set(err, ERR_LOCAL, "signing failed");
    t.is_signed = true;
    t.v = tx->kind == SIGNER_TX_LEGACY ? 2 * tx->chain_id + 35 + sig.y_parity : sig.y_parity;
    t.r = sig.r;
    t.s = sig.s;
    size_t start = raw->len;
    if (!append_tx(raw, tx, &t))
        return err_set(err, ERR_LOCAL, "transaction too large");
    *hash = keccak256(raw->p + start, raw->len - start);
    return true;
}
