/* A block record read from a damaged file: any bytes give a record or an error, and a record encodes to the bytes it came from. */
#include <stdint.h>
#include <stdlib.h>

#include "node/chain/block_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct arena arena;
    struct block_record r;
    struct err err;
    arena_init_growing(&arena, 1 << 16, 32 << 20);
    if (block_record_decode(&r, bytes_of(data, len), &arena, &err)) {
        struct buf b;
        buf_init(&b, 64 << 20);
        if (!block_record_encode(&b, &r, &err) ||
            !bytes_eq(bytes_of(b.p, b.len), bytes_of(data, len)))
            abort();
        (void)block_output_hash(&r);
        buf_clear(&b);
    } else if (err.kind == ERR_NONE || err.msg[0] == 0) {
        abort();
    }
    arena_clear(&arena);
    return 0;
}
