/* node/rpc/encode.c */
#include "node/rpc/encode.h"

#include "node/base/hex.h"
#include "node/base/rlp.h"

/* ---- the writer ---- */

static void separate(struct buf *b)
{
    if (b->len == 0)
        return;
    uint8_t last = b->p[b->len - 1];
    if (last != '{' && last != '[' && last != ':' && last != ',')
        buf_append(b, ",", 1);
}

void js_open(struct buf *b, char bracket)
{
    separate(b);
    buf_append(b, &bracket, 1);
}

void js_close(struct buf *b, char bracket)
{
    buf_append(b, &bracket, 1);
}

void js_key(struct buf *b, const char *key)
{
    separate(b);
    buf_append(b, "\"", 1);
    buf_append_str(b, key);
    buf_append(b, "\":", 2);
}

static void text_n(struct buf *b, const char *p, size_t n)
{
    separate(b);
    buf_append(b, "\"", 1);
    size_t from = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
            continue;
        buf_append(b, p + from, i - from);
        from = i + 1;
        if (c == '"' || c == '\\')
            buf_printf(b, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            buf_printf(b, "\\u%04x", c);
        else
            from = i; /* part of UTF-8, goes with the next run */
    }
    buf_append(b, p + from, n - from);
    buf_append(b, "\"", 1);
}

void js_text(struct buf *b, const char *text)
{
    text_n(b, text, strlen(text));
}

void js_raw(struct buf *b, const char *json)
{
    separate(b);
    buf_append_str(b, json);
}

void js_hex(struct buf *b, const void *p, size_t len)
{
    separate(b);
    buf_append(b, "\"", 1);
    buf_append_hex(b, p, len);
    buf_append(b, "\"", 1);
}

void js_quantity(struct buf *b, uint64_t v)
{
    char text[70] = "\"";
    size_t n = 1 + hex_quantity_u64(text + 1, v);
    text[n++] = '"';
    separate(b);
    buf_append(b, text, n);
}

void js_quantity_u256(struct buf *b, const struct u256 *v)
{
    char text[70] = "\"";
    size_t n = 1 + hex_quantity_u256(text + 1, v);
    text[n++] = '"';
    separate(b);
    buf_append(b, text, n);
}

void js_number(struct buf *b, uint64_t v)
{
    char text[24];
    size_t n = sizeof(text);
    do
        text[--n] = (char)('0' + v % 10);
    while ((v /= 10) != 0);
    separate(b);
    buf_append(b, text + n, sizeof(text) - n);
}

void jm_raw(struct buf *b, const char *key, const char *json)
{
    js_key(b, key);
    js_raw(b, json);
}

void jm_null(struct buf *b, const char *key)
{
    jm_raw(b, key, "null");
}

void jm_bool(struct buf *b, const char *key, bool v)
{
    jm_raw(b, key, v ? "true" : "false");
}

void jm_text(struct buf *b, const char *key, const char *text)
{
    js_key(b, key);
    js_text(b, text);
}

void jm_hex(struct buf *b, const char *key, const void *p, size_t len)
{
    js_key(b, key);
    js_hex(b, p, len);
}

void jm_hash(struct buf *b, const char *key, const struct b256 *h)
{
    jm_hex(b, key, h->b, 32);
}

void jm_addr(struct buf *b, const char *key, const struct addr *a)
{
    jm_hex(b, key, a->b, 20);
}

void jm_quantity(struct buf *b, const char *key, uint64_t v)
{
    js_key(b, key);
    js_quantity(b, v);
}

void jm_quantity_u256(struct buf *b, const char *key, const struct u256 *v)
{
    js_key(b, key);
    js_quantity_u256(b, v);
}

void jm_number(struct buf *b, const char *key, uint64_t v)
{
    js_key(b, key);
    js_number(b, v);
}

/* ---- transactions ---- */

static void place_fields(struct buf *b, const struct tx_place *at)
{
    if (!at->block) {
        jm_null(b, "blockHash");
        jm_null(b, "blockNumber");
        jm_null(b, "blockTimestamp");
        jm_null(b, "transactionIndex");
        return;
    }
    jm_hash(b, "blockHash", &at->block->r.block_hash);
    jm_quantity(b, "blockNumber", at->block->r.header.number);
    jm_quantity(b, "blockTimestamp", at->block->r.header.timestamp);
    jm_quantity(b, "transactionIndex", at->index);
}

/* Batch numbers in receipts and logs are shown once the batch is committed. The second number is the one the
 * messages of the transaction carry, which clients put into their claims: its place in the block. */
static void batch_fields(struct buf *b, const struct tx_place *at, const char *tx_key)
{
    bool known = at->batch && at->batch->step[BATCH_COMMIT].done;
    if (known)
        jm_quantity(b, "l1BatchNumber", at->batch->number);
    else
        jm_null(b, "l1BatchNumber");
    if (tx_key && known)
        jm_quantity(b, tx_key, at->index);
    else if (tx_key)
        jm_null(b, tx_key);
}

static void no_signature(struct buf *b)
{
    jm_quantity(b, "v", 0);
    jm_quantity(b, "r", 0);
    jm_quantity(b, "s", 0);
    jm_quantity(b, "yParity", 0);
}

static void l1_tx_fields(struct buf *b, const struct stf_tx *tx)
{
    jm_addr(b, "initiator", &tx->from);
    jm_addr(b, "from", &tx->from);
    jm_addr(b, "to", &tx->to);
    jm_quantity(b, "gas", tx->gas_limit);
    jm_quantity(b, "gasPerPubdataByteLimit", tx->gas_per_pubdata);
    jm_quantity_u256(b, "maxFeePerGas", &tx->max_fee);
    jm_quantity_u256(b, "maxPriorityFeePerGas", &tx->max_priority_fee);
    jm_quantity_u256(b, "gasPrice", &tx->max_fee);
    jm_quantity_u256(b, "nonce", &tx->l1_nonce);
    jm_quantity_u256(b, "value", &tx->value);
    jm_quantity_u256(b, "toMint", &tx->to_mint);
    jm_addr(b, "refundRecipient", &tx->refund_recipient);
    jm_hex(b, "input", tx->data.p, tx->data.len);
    js_key(b, "factoryDeps");
    js_open(b, '[');
    for (size_t i = 0; i + 32 <= tx->factory_deps.len; i += 32)
        js_hex(b, tx->factory_deps.p + i, 32);
    js_close(b, ']');
    no_signature(b);
}

static void system_tx_fields(struct buf *b, const struct stf_tx *tx)
{
    struct addr from = addr_of_u32(TX_SYSTEM_SENDER);
    jm_addr(b, "initiator", &from);
    jm_addr(b, "from", &from);
    jm_addr(b, "to", &tx->to);
    static const char *const zeros[] = { "gas",          "gasPrice",
                                         "maxFeePerGas", "maxPriorityFeePerGas",
                                         "nonce",        "value" };
    for (size_t i = 0; i < GH_COUNT(zeros); i++)
        jm_quantity(b, zeros[i], 0);
    jm_hex(b, "input", tx->data.p, tx->data.len);
    no_signature(b);
}

static void access_list(struct buf *b, const struct stf_tx *tx)
{
    js_key(b, "accessList");
    js_open(b, '[');
    for (size_t i = 0; i < tx->access_cnt; i++) {
        js_open(b, '{');
        jm_addr(b, "address", &tx->access[i].addr);
        js_key(b, "storageKeys");
        js_open(b, '[');
        for (size_t k = 0; k < tx->access[i].key_cnt; k++)
            js_hex(b, tx->access[i].keys[k].b, 32);
        js_close(b, ']');
        js_close(b, '}');
    }
    js_close(b, ']');
}

static void authorization_list(struct buf *b, const struct stf_tx *tx)
{
    js_key(b, "authorizationList");
    js_open(b, '[');
    for (size_t i = 0; i < tx->auth_cnt; i++) {
        const struct tx_authorization *a = &tx->auths[i];
        js_open(b, '{');
        jm_quantity_u256(b, "chainId", &a->chain_id);
        jm_addr(b, "address", &a->target);
        jm_quantity(b, "nonce", a->nonce);
        jm_quantity_u256(b, "yParity", &a->y_parity);
        jm_quantity_u256(b, "r", &a->r);
        jm_quantity_u256(b, "s", &a->s);
        js_close(b, '}');
    }
    js_close(b, ']');
}

static void l2_tx_fields(struct buf *b, const struct stf_tx *tx, const struct tx_place *at)
{
    jm_addr(b, "from", &tx->from);
    if (tx->is_create)
        jm_null(b, "to");
    else
        jm_addr(b, "to", &tx->to);
    jm_quantity(b, "nonce", tx->nonce);
    jm_quantity(b, "gas", tx->gas_limit);
    jm_quantity_u256(b, "value", &tx->value);
    jm_hex(b, "input", tx->data.p, tx->data.len);
    if (tx->has_chain_id)
        jm_quantity(b, "chainId", tx->chain_id);
    bool dynamic = tx->type >= TX_DYNAMIC_FEE;
    if (dynamic) {
        jm_quantity_u256(b, "maxFeePerGas", &tx->max_fee);
        jm_quantity_u256(b, "maxPriorityFeePerGas", &tx->max_priority_fee);
    }
    jm_quantity_u256(b, "gasPrice",
                     dynamic && at->block ? &at->block->r.txs[at->index].effective_gas_price
                                          : &tx->max_fee);
    if (tx->type != TX_LEGACY) {
        access_list(b, tx);
        jm_quantity(b, "yParity", tx->y_parity);
    }
    if (tx->type == TX_SET_CODE)
        authorization_list(b, tx);
    struct u256 v = tx_v(tx);
    jm_quantity_u256(b, "v", &v);
    jm_quantity_u256(b, "r", &tx->r);
    jm_quantity_u256(b, "s", &tx->s);
}

void encode_tx(struct buf *b, const struct stf_tx *tx, const struct tx_place *at)
{
    js_open(b, '{');
    jm_quantity(b, "type", tx->type);
    jm_hash(b, "hash", &tx->hash);
    place_fields(b, at);
    if (tx_is_l1(tx))
        l1_tx_fields(b, tx);
    else if (tx->type == TX_SYSTEM)
        system_tx_fields(b, tx);
    else
        l2_tx_fields(b, tx, at);
    js_close(b, '}');
}

/* ---- receipts and logs ---- */

void encode_log(struct buf *b, const struct stf_event *e, const struct tx_place *at,
                uint64_t log_index, uint64_t tx_log_index)
{
    js_open(b, '{');
    jm_addr(b, "address", &e->addr);
    js_key(b, "topics");
    js_open(b, '[');
    for (uint32_t i = 0; i < e->topic_cnt && i < 4; i++)
        js_hex(b, e->topics[i].b, 32);
    js_close(b, ']');
    jm_hex(b, "data", e->data.p, e->data.len);
    place_fields(b, at);
    jm_hash(b, "transactionHash", &at->block->r.txs[at->index].hash);
    jm_quantity(b, "logIndex", log_index);
    jm_quantity(b, "transactionLogIndex", tx_log_index);
    jm_null(b, "logType");
    jm_bool(b, "removed", false);
    batch_fields(b, at, NULL);
    js_close(b, '}');
}

/* The keys of the newer and of the older servers together. */
static void encode_l2_log(struct buf *b, const struct stf_l2_log *l, const struct tx_place *at,
                          uint64_t log_index, uint64_t tx_log_index)
{
    struct addr sender = addr_of_u32(l->is_message ? 0x8008 : 0x8001);
    js_open(b, '{');
    place_fields(b, at);
    jm_hash(b, "transactionHash", &at->block->r.txs[at->index].hash);
    jm_quantity(b, "logIndex", log_index);
    jm_quantity(b, "transactionLogIndex", tx_log_index);
    jm_quantity(b, "shardId", 0);
    jm_bool(b, "isService", true);
    jm_addr(b, "sender", &sender);
    jm_hash(b, "key", &l->key);
    jm_hash(b, "value", &l->value);
    batch_fields(b, at, "txIndexInL1Batch");
    if (at->batch && at->batch->step[BATCH_COMMIT].done)
        jm_quantity(b, "l1BatchTxIndex", at->index);
    else
        jm_null(b, "l1BatchTxIndex");
    jm_number(b, "l2_shard_id", 0);
    jm_bool(b, "is_service", true);
    jm_number(b, "tx_number_in_block", l->tx_number);
    js_close(b, '}');
}

static void receipt_logs(struct buf *b, const struct block_tx *t, const struct tx_place *at,
                         uint64_t logs_before, uint64_t l2_logs_before)
{
    uint8_t bloom[256] = { 0 };
    js_key(b, "logs");
    js_open(b, '[');
    for (size_t i = 0; i < t->event_cnt; i++) {
        chain_bloom_add(bloom, &t->events[i]);
        encode_log(b, &t->events[i], at, logs_before + i, i);
    }
    js_close(b, ']');
    jm_hex(b, "logsBloom", bloom, 256);
    js_key(b, "l2ToL1Logs");
    js_open(b, '[');
    for (size_t i = 0; i < t->l2_log_cnt; i++)
        encode_l2_log(b, &t->l2_logs[i], at, l2_logs_before + i, i);
    js_close(b, ']');
}

void encode_receipt(struct buf *b, const struct stf_tx *tx, const struct tx_place *at,
                    uint64_t gas_before, uint64_t logs_before, uint64_t l2_logs_before)
{
    const struct block_tx *t = &at->block->r.txs[at->index];
    js_open(b, '{');
    jm_quantity(b, "type", tx->type);
    jm_quantity(b, "status", t->success);
    jm_quantity(b, "cumulativeGasUsed", gas_before + t->gas_used);
    receipt_logs(b, t, at, logs_before, l2_logs_before);
    jm_hash(b, "transactionHash", &t->hash);
    place_fields(b, at);
    jm_quantity(b, "gasUsed", t->gas_used);
    jm_quantity_u256(b, "effectiveGasPrice", &t->effective_gas_price);
    jm_addr(b, "from", &t->from);
    if (tx->is_create)
        jm_null(b, "to");
    else
        jm_addr(b, "to", &tx->to);
    if (t->has_created)
        jm_addr(b, "contractAddress", &t->created);
    else
        jm_null(b, "contractAddress");
    batch_fields(b, at, "l1BatchTxIndex");
    jm_quantity(b, "nativeUsed", t->native_used);
    jm_quantity(b, "computationalNativeUsed", t->computational_native_used);
    jm_quantity(b, "pubdataUsed", t->pubdata_used);
    jm_quantity(b, "gasRefunded", t->gas_refunded);
    js_close(b, '}');
}

/* ---- blocks ---- */

uint64_t encode_block_rlp_len(const struct chain_block *blk)
{
    uint8_t header[700];
    size_t txs = 0;
    for (size_t i = 0; i < blk->r.tx_cnt; i++) {
        struct bytes e = blk->r.txs[i].envelope;
        /* a legacy transaction is a list of its own, others are strings */
        txs += e.len > 0 && e.p[0] >= 0xc0 ? e.len : rlp_string_size(e);
    }
    size_t body = stf_header_encode(header, &blk->r.header) + rlp_list_size(txs) + rlp_list_size(0);
    return rlp_list_size(body);
}

void encode_header_fields(struct buf *b, const struct chain_block *blk,
                          const struct batch_row *batch)
{
    static const uint8_t zeros[32];
    static const char ommers[] =
        "\"0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347\"";
    const struct stf_header *h = &blk->r.header;
    jm_quantity(b, "number", h->number);
    jm_hash(b, "hash", &blk->r.block_hash);
    jm_hash(b, "parentHash", &h->parent_hash);
    jm_raw(b, "sha3Uncles", ommers);
    jm_addr(b, "miner", &h->coinbase);
    jm_hex(b, "stateRoot", zeros, 32);
    jm_hash(b, "transactionsRoot", &h->transactions_root);
    jm_hex(b, "receiptsRoot", zeros, 32);
    jm_hex(b, "logsBloom", blk->bloom, 256);
    jm_quantity(b, "difficulty", 0);
    jm_quantity(b, "totalDifficulty", 0);
    jm_quantity(b, "gasLimit", h->gas_limit);
    jm_quantity(b, "gasUsed", h->gas_used);
    jm_quantity(b, "timestamp", h->timestamp);
    jm_hex(b, "extraData", NULL, 0);
    jm_hash(b, "mixHash", &h->mix_hash);
    jm_hex(b, "nonce", zeros, 8);
    jm_quantity_u256(b, "baseFeePerGas", &h->base_fee);
    jm_quantity(b, "size", encode_block_rlp_len(blk));
    if (batch && batch->step[BATCH_COMMIT].done) {
        jm_quantity(b, "l1BatchNumber", batch->number);
        jm_quantity(b, "l1BatchTimestamp", batch->last_timestamp);
    } else {
        jm_null(b, "l1BatchNumber");
        jm_null(b, "l1BatchTimestamp");
    }
}
