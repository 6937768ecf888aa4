/* A log as an L1 endpoint could make it up. First byte: which topic we ask for (above: the topic is in the input); second: how many
 * topics; then the topics and the data. A request that decodes has an envelope with its hash. */
#include <stdint.h>
#include <stdlib.h>

#include "l1-watcher/decode.h"
#include "node/base/hash.h"
#include "node/stf/tx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_row(const struct l1_tx_row *row)
{
    /* canonical: the leading offset word, then the envelope without its type byte */
    struct b256 offset = b256_of_u64(32);
    struct keccak k;
    keccak_init(&k);
    keccak_update(&k, offset.b, 32);
    keccak_update(&k, row->envelope.p + 1, row->envelope.len - 1);
    struct b256 hash = keccak_final(&k);
    if (row->envelope.len < 1 || !b256_eq(&hash, &row->hash))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 2)
        return 0;
    size_t known = 0;
    const struct b256 *topics = decode_topics(&known);
    struct eth_log log = { .topic_cnt = data[1] % 5, .block_number = 1 };
    size_t pos = 2;
    for (size_t i = 0; i < log.topic_cnt && len - pos >= 32; i++, pos += 32)
        memcpy(log.topics[i].b, data + pos, 32);
    if (data[0] < known)
        log.topics[0] = topics[data[0]];
    log.data = bytes_of(data + pos, len - pos);
    struct arena arena;
    struct decoded d;
    struct err err = { .kind = ERR_NONE };
    arena_init_growing(&arena, 1 << 16, 64 << 20);
    if (!decode_log(&d, &log, 10, &arena, &err)) {
        if (err.kind == ERR_NONE || !err.msg[0])
            abort();
    } else if (d.kind == DECODED_PRIORITY || d.kind == DECODED_UPGRADE) {
        check_row(&d.row);
    }
    /* the same bytes as an event of a MessageRoot */
    size_t roots = 0;
    topics = decode_root_topics(&roots);
    log.topics[0] = topics[data[0] % roots];
    err.kind = ERR_NONE;
    if (!decode_root_log(&d, &log, 506, &arena, &err)) {
        if (err.kind == ERR_NONE || !err.msg[0])
            abort();
    } else if (d.kind == DECODED_ROOT && (d.root.block != 1 || d.root.kind < MESSAGE_ROOT_CHAIN ||
                                          d.root.kind > MESSAGE_ROOT_INTEROP)) {
        abort();
    }
    arena_clear(&arena);
    return 0;
}
