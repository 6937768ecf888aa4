#include "node/net/eth_decode.h"

#include <stdlib.h>
#include <string.h>

#include "node/base/hex.h"

static bool hex_text(const json_t *j, const char **s, size_t *len, struct err *err)
{
    if (!json_is_string(j))
        return err_set(err, ERR_INVALID, j ? "not a string" : "missing");
    *s = json_string_value(j);
    *len = json_string_length(j);
    if (*len < 2 || (*s)[0] != '0' || (*s)[1] != 'x')
        return err_set(err, ERR_INVALID, "not 0x text");
    return true;
}

bool eth_decode_u256(const json_t *j, struct u256 *out, struct err *err)
{
    const char *s = NULL;
    size_t len = 0;
    if (!hex_text(j, &s, &len, err))
        return false;
    if (!hex_parse_quantity(out, s, len, false))
        return err_set(err, ERR_INVALID, "not a quantity");
    return true;
}

bool eth_decode_u64(const json_t *j, uint64_t *out, struct err *err)
{
    struct u256 v;
    if (!eth_decode_u256(j, &v, err))
        return false;
    if (!u256_fits_u64(&v))
        return err_set(err, ERR_INVALID, "quantity above 64 bits");
    *out = v.w[0];
    return true;
}

static bool decode_fixed(const json_t *j, void *out, size_t n, struct err *err)
{
    const char *s;
    size_t len;
    if (!hex_text(j, &s, &len, err))
        return false;
    if (!hex_decode_exact(out, n, s, len))
        return err_set(err, ERR_INVALID, "not %zu bytes", n);
    return true;
}

bool eth_decode_hash(const json_t *j, struct b256 *out, struct err *err)
{
    return decode_fixed(j, out->b, 32, err);
}

bool eth_decode_addr(const json_t *j, struct addr *out, struct err *err)
{
    return decode_fixed(j, out->b, 20, err);
}

bool eth_decode_bytes(const json_t *j, struct arena *a, struct bytes *out, struct err *err)
{
    const char *s;
    size_t len, n = 0;
    if (!hex_text(j, &s, &len, err))
        return false;
    uint8_t *p = arena_alloc(a, len / 2);
    if (!p)
        return err_set(err, ERR_LOCAL, "out of memory");
    if (!hex_decode(p, len / 2, &n, s, len))
        return err_set(err, ERR_INVALID, "not hex bytes");
    *out = bytes_of(p, n);
    return true;
}

/* Members of an object: the first fault sticks and names the member. */
struct members {
    const json_t *obj;
    struct arena *arena;
    struct err *err;
    bool ok;
};

static struct members members_of(const json_t *j, struct arena *a, struct err *err)
{
    struct members m = { j, a, err, true };
    if (!json_is_object(j))
        m.ok = err_set(err, ERR_INVALID, "not an object");
    return m;
}
#define MEMBER_READER(name, type)                                                                  \
    static void member_##name(struct members *m, const char *key, type *out)                       \
    {                                                                                              \
        if (m->ok && !eth_decode_##name(json_object_get(m->obj, key), out, m->err))                \
            m->ok = err_wrap(m->err, "%s", key);                                                   \
    }
MEMBER_READER(u64, uint64_t)
MEMBER_READER(u256, struct u256)
MEMBER_READER(hash, struct b256)
MEMBER_READER(addr, struct addr)
#undef MEMBER_READER
static void member_bytes(struct members *m, const char *key, struct bytes *out)
{
    if (m->ok && !eth_decode_bytes(json_object_get(m->obj, key), m->arena, out, m->err))
        m->ok = err_wrap(m->err, "%s", key);
}
static bool member_present(const struct members *m, const char *key)
{
    const json_t *v = m->ok ? json_object_get(m->obj, key) : NULL;
    return v && !json_is_null(v);
}

/* A JSON array as arena items; NULL with *cnt 0 for an empty one. */
static void *list_alloc(const json_t *j, struct arena *a, size_t item_len, size_t *cnt, bool *ok,
                        struct err *err)
{
    *ok = true;
    *cnt = 0;
    if (!json_is_array(j)) {
        *ok = err_set(err, ERR_INVALID, j ? "not an array" : "missing");
        return NULL;
    }
    size_t n = json_array_size(j);
    if (n == 0)
        return NULL;
    void *p = n <= SIZE_MAX / item_len ? arena_zalloc(a, n * item_len) : NULL;
    if (!p)
        *ok = err_set(err, ERR_LOCAL, "out of memory");
    else
        *cnt = n;
    return p;
}

bool eth_decode_log(const json_t *j, struct arena *a, struct eth_log *out, struct err *err)
{
    struct members m = members_of(j, a, err);
    *out = (struct eth_log){ 0 };
    member_addr(&m, "address", &out->addr);
    member_bytes(&m, "data", &out->data);
    member_u64(&m, "blockNumber", &out->block_number);
    member_hash(&m, "blockHash", &out->block_hash);
    member_hash(&m, "transactionHash", &out->tx_hash);
    member_u64(&m, "transactionIndex", &out->tx_index);
    member_u64(&m, "logIndex", &out->log_index);
    if (!m.ok)
        return false;
    if (json_is_true(json_object_get(j, "removed")))
        return err_set(err, ERR_INVALID, "removed log");
    const json_t *topics = json_object_get(j, "topics");
    if (!json_is_array(topics) || json_array_size(topics) > 4)
        return err_set(err, ERR_INVALID, "topics: not a list of at most four");
    out->topic_cnt = json_array_size(topics);
    for (size_t i = 0; i < out->topic_cnt; i++)
        if (!eth_decode_hash(json_array_get(topics, i), &out->topics[i], err))
            return err_wrap(err, "topics[%zu]", i);
    return true;
}

bool eth_decode_logs(const json_t *j, struct arena *a, struct eth_log **out, size_t *cnt,
                     struct err *err)
{
    bool ok;
    size_t n = 0;
    struct eth_log *logs = list_alloc(j, a, sizeof(*logs), &n, &ok, err);
    *out = logs;
    *cnt = 0;
    if (!ok)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!eth_decode_log(json_array_get(j, i), a, &logs[i], err))
            return err_wrap(err, "log %zu", i);
    *cnt = n;
    return true;
}

bool eth_decode_block(const json_t *j, struct arena *a, struct eth_block *out, struct err *err)
{
    struct members m = members_of(j, a, err);
    *out = (struct eth_block){ 0 };
    member_u64(&m, "number", &out->number);
    member_hash(&m, "hash", &out->hash);
    member_hash(&m, "parentHash", &out->parent_hash);
    member_u64(&m, "timestamp", &out->timestamp);
    member_u64(&m, "gasLimit", &out->gas_limit);
    member_u64(&m, "gasUsed", &out->gas_used);
    out->has_base_fee = member_present(&m, "baseFeePerGas");
    if (out->has_base_fee)
        member_u256(&m, "baseFeePerGas", &out->base_fee);
    if (!m.ok || !member_present(&m, "transactions"))
        return m.ok;
    const json_t *txs = json_object_get(j, "transactions");
    bool ok;
    struct b256 *hashes = list_alloc(txs, a, sizeof(*hashes), &out->tx_cnt, &ok, err);
    if (!ok)
        return err_wrap(err, "transactions");
    if (out->tx_cnt > 0 && json_is_object(json_array_get(txs, 0)))
        return true; /* whole transactions were asked for: the caller reads them itself */
    out->tx_hashes = hashes;
    for (size_t i = 0; i < out->tx_cnt; i++)
        if (!eth_decode_hash(json_array_get(txs, i), &hashes[i], err))
            return err_wrap(err, "transactions[%zu]", i);
    return true;
}

bool eth_decode_receipt(const json_t *j, struct arena *a, struct eth_receipt *out, struct err *err)
{
    struct members m = members_of(j, a, err);
    uint64_t status = 0;
    *out = (struct eth_receipt){ 0 };
    member_hash(&m, "transactionHash", &out->tx_hash);
    member_u64(&m, "blockNumber", &out->block_number);
    member_hash(&m, "blockHash", &out->block_hash);
    member_u64(&m, "transactionIndex", &out->tx_index);
    member_u64(&m, "status", &status);
    member_u64(&m, "gasUsed", &out->gas_used);
    member_addr(&m, "from", &out->from);
    if (member_present(&m, "effectiveGasPrice"))
        member_u256(&m, "effectiveGasPrice", &out->effective_gas_price);
    if (member_present(&m, "blobGasUsed") && member_present(&m, "blobGasPrice")) {
        member_u64(&m, "blobGasUsed", &out->blob_gas_used);
        member_u256(&m, "blobGasPrice", &out->blob_gas_price);
    }
    if (!m.ok)
        return false;
    if (status > 1)
        return err_set(err, ERR_INVALID, "status: neither 0 nor 1");
    out->status = status == 1;
    struct eth_log *logs = NULL;
    if (!eth_decode_logs(json_object_get(j, "logs"), a, &logs, &out->log_cnt, err))
        return err_wrap(err, "logs");
    out->logs = logs;
    return true;
}

bool eth_decode_tx(const json_t *j, struct arena *a, struct eth_tx *out, struct err *err)
{
    struct members m = members_of(j, a, err);
    *out = (struct eth_tx){ 0 };
    member_hash(&m, "hash", &out->hash);
    member_u64(&m, "nonce", &out->nonce);
    member_addr(&m, "from", &out->from);
    out->has_to = member_present(&m, "to");
    if (out->has_to)
        member_addr(&m, "to", &out->to);
    member_u256(&m, "value", &out->value);
    member_bytes(&m, "input", &out->input);
    member_u64(&m, "gas", &out->gas);
    if (member_present(&m, "type"))
        member_u64(&m, "type", &out->type);
    if (member_present(&m, "maxFeePerGas")) {
        member_u256(&m, "maxFeePerGas", &out->max_fee);
        member_u256(&m, "maxPriorityFeePerGas", &out->max_tip);
    } else {
        member_u256(&m, "gasPrice", &out->max_fee);
        out->max_tip = out->max_fee;
    }
    if (member_present(&m, "maxFeePerBlobGas"))
        member_u256(&m, "maxFeePerBlobGas", &out->max_blob_fee);
    out->mined = member_present(&m, "blockHash") && member_present(&m, "blockNumber");
    if (out->mined) {
        member_hash(&m, "blockHash", &out->block_hash);
        member_u64(&m, "blockNumber", &out->block_number);
    }
    return m.ok;
}

/* A list that not every node has. */
static bool decode_prices(const json_t *list, struct arena *a, const struct u256 **out, size_t *cnt,
                          struct err *err)
{
    bool ok;
    if (!json_is_array(list))
        return true;
    struct u256 *p = list_alloc(list, a, sizeof(*p), cnt, &ok, err);
    for (size_t i = 0; ok && i < *cnt; i++)
        ok = eth_decode_u256(json_array_get(list, i), &p[i], err);
    *out = p;
    return ok;
}

bool eth_decode_fee_history(const json_t *j, struct arena *a, bool with_rewards,
                            struct eth_fee_history *out, struct err *err)
{
    struct members m = members_of(j, a, err);
    bool ok;
    *out = (struct eth_fee_history){ 0 };
    member_u64(&m, "oldestBlock", &out->oldest_block);
    if (!m.ok)
        return false;
    const json_t *fees = json_object_get(j, "baseFeePerGas");
    struct u256 *base = list_alloc(fees, a, sizeof(*base), &out->base_fee_cnt, &ok, err);
    if (!ok)
        return err_wrap(err, "baseFeePerGas");
    for (size_t i = 0; i < out->base_fee_cnt; i++)
        if (!eth_decode_u256(json_array_get(fees, i), &base[i], err))
            return err_wrap(err, "baseFeePerGas[%zu]", i);
    out->base_fees = base;
    if (!decode_prices(json_object_get(j, "pubdataPricePerByte"), a, &out->pubdata_prices,
                       &out->pubdata_price_cnt, err))
        return err_wrap(err, "pubdataPricePerByte");
    if (!decode_prices(json_object_get(j, "baseFeePerBlobGas"), a, &out->blob_base_fees,
                       &out->blob_base_fee_cnt, err))
        return err_wrap(err, "baseFeePerBlobGas");
    if (!with_rewards || !member_present(&m, "reward"))
        return true;
    const json_t *rewards = json_object_get(j, "reward");
    struct u256 *tips = list_alloc(rewards, a, sizeof(*tips), &out->reward_cnt, &ok, err);
    if (!ok)
        return err_wrap(err, "reward");
    for (size_t i = 0; i < out->reward_cnt; i++)
        if (!eth_decode_u256(json_array_get(json_array_get(rewards, i), 0), &tips[i], err))
            return err_wrap(err, "reward[%zu]", i);
    out->rewards = tips;
    return true;
}

/* --- encoding --- */

static json_t *encode_u256(const struct u256 *v)
{
    char text[67];
    size_t n = hex_quantity_u256(text, v);
    return json_stringn(text, n);
}

json_t *eth_encode_u64(uint64_t v)
{
    char text[67];
    size_t n = hex_quantity_u64(text, v);
    return json_stringn(text, n);
}

json_t *eth_encode_bytes(struct bytes b)
{
    char *text = malloc(2 * b.len + 3);
    if (!text)
        return NULL;
    size_t n = hex_encode0x(text, b.p, b.len);
    json_t *j = json_stringn_nocheck(text, n);
    free(text);
    return j;
}

json_t *eth_encode_hash(const struct b256 *h)
{
    return eth_encode_bytes(bytes_of(h->b, 32));
}

json_t *eth_encode_addr(const struct addr *a)
{
    return eth_encode_bytes(bytes_of(a->b, 20));
}

json_t *eth_encode_block_id(const struct eth_block_id *at)
{
    switch (at->tag) {
    case ETH_LATEST:
        return json_string("latest");
    case ETH_PENDING:
        return json_string("pending");
    case ETH_SAFE:
        return json_string("safe");
    case ETH_FINALIZED:
        return json_string("finalized");
    case ETH_EARLIEST:
        return json_string("earliest");
    case ETH_NUMBER:
        return eth_encode_u64(at->number);
    case ETH_HASH:
        return json_pack("{s:o}", "blockHash", eth_encode_hash(&at->hash));
    }
    return NULL;
}

json_t *eth_encode_call_msg(const struct eth_call_msg *m)
{
    json_t *o = json_object();
    int bad = 0;
    if (m->has_from)
        bad |= json_object_set_new(o, "from", eth_encode_addr(&m->from));
    if (m->has_to)
        bad |= json_object_set_new(o, "to", eth_encode_addr(&m->to));
    if (!u256_is_zero(&m->value))
        bad |= json_object_set_new(o, "value", encode_u256(&m->value));
    if (m->gas)
        bad |= json_object_set_new(o, "gas", eth_encode_u64(m->gas));
    bad |= json_object_set_new(o, "data", eth_encode_bytes(m->data));
    if (m->blob_hash_cnt) {
        json_t *hashes = json_array();
        for (size_t i = 0; i < m->blob_hash_cnt; i++)
            bad |= json_array_append_new(hashes, eth_encode_hash(&m->blob_hashes[i]));
        bad |= json_object_set_new(o, "blobVersionedHashes", hashes);
    }
    if (bad) {
        json_decref(o);
        return NULL;
    }
    return o;
}

static json_t *hash_choice(const struct b256 *any, size_t cnt)
{
    if (cnt == 0)
        return json_null();
    if (cnt == 1)
        return eth_encode_hash(any);
    json_t *list = json_array();
    for (size_t i = 0; i < cnt; i++)
        if (json_array_append_new(list, eth_encode_hash(&any[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

json_t *eth_encode_filter(const struct eth_filter *f)
{
    json_t *o = json_object(), *topics = json_array();
    int bad = 0;
    size_t last = 0;
    for (size_t i = 0; i < 4; i++)
        if (f->topics[i].cnt > 0)
            last = i + 1;
    for (size_t i = 0; i < last; i++)
        bad |= json_array_append_new(topics, hash_choice(f->topics[i].any, f->topics[i].cnt));
    if (last > 0)
        bad |= json_object_set(o, "topics", topics);
    json_decref(topics);
    if (f->addr_cnt > 0) {
        json_t *addrs = json_array();
        for (size_t i = 0; i < f->addr_cnt; i++)
            bad |= json_array_append_new(addrs, eth_encode_addr(&f->addrs[i]));
        bad |= json_object_set_new(o, "address", addrs);
    }
    if (bad) {
        json_decref(o);
        return NULL;
    }
    return o;
}
