/* Replies of a settlement layer's node: JSON-RPC envelope, revert data, every decoder on every result. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "node/net/eth_decode.h"
#include "node/net/http_client.h"
#include "node/net/rpc_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void decode_everything(const json_t *j)
{
    struct arena a;
    struct err e;
    uint64_t n;
    struct u256 v;
    struct b256 h;
    struct addr ad;
    struct bytes b;
    struct eth_log *logs;
    size_t cnt;
    struct eth_block block;
    struct eth_receipt receipt;
    struct eth_tx tx;
    struct eth_fee_history fees;
    arena_init_growing(&a, 1024, 1 << 20);
    (void)!eth_decode_u64(j, &n, &e);
    (void)!eth_decode_u256(j, &v, &e);
    (void)!eth_decode_hash(j, &h, &e);
    (void)!eth_decode_addr(j, &ad, &e);
    (void)!eth_decode_bytes(j, &a, &b, &e);
    if (eth_decode_logs(j, &a, &logs, &cnt, &e))
        for (size_t i = 0; i < cnt; i++)
            CHECK(logs[i].topic_cnt <= 4);
    if (eth_decode_block(j, &a, &block, &e) && block.tx_hashes)
        CHECK(block.tx_cnt > 0);
    (void)!eth_decode_receipt(j, &a, &receipt, &e);
    (void)!eth_decode_tx(j, &a, &tx, &e);
    (void)!eth_decode_fee_history(j, &a, true, &fees, &e);
    arena_clear(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct err e;
    bool is_array;
    size_t cnt;
    uint64_t wait;
    (void)!http_parse_retry_after((const char *)data, len, 1700000000000, &wait);
    json_t *doc = rpc_reply_parse(bytes_of(data, len), &is_array, &cnt, &e);
    if (!doc)
        return 0;
    for (size_t i = 0; i < cnt; i++) {
        struct rpc_answer a;
        struct buf revert;
        if (!rpc_reply_answer(doc, is_array, i, &a, &e))
            continue;
        CHECK(a.is_error || a.result != NULL);
        CHECK(a.message != NULL);
        (void)rpc_is_rate_limit(&a);
        buf_init(&revert, 1 << 16);
        if (rpc_revert_data(&a, &revert))
            CHECK(revert.len <= len);
        buf_clear(&revert);
        if (!a.is_error)
            decode_everything(a.result);
    }
    json_decref(doc);
    return 0;
}
