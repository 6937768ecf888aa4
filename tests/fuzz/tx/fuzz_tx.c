/* tests/fuzz/tx/fuzz_tx.c
 *
 * tx_decode over any bytes: bounded memory, no read outside, everything it hands out lies inside the input, and a
 * second decoding of a copy gives the same hashes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "node/base/arena.h"
#include "node/stf/tx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct bytes part, struct bytes whole)
{
    if (part.len != 0)
        CHECK(part.p >= whole.p && part.len <= whole.len &&
              (size_t)(part.p - whole.p) <= whole.len - part.len);
}

static uint64_t touch(const struct stf_tx *tx)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < tx->data.len; i++)
        sum += tx->data.p[i];
    for (size_t i = 0; i < tx->factory_deps.len; i++)
        sum += tx->factory_deps.p[i];
    for (size_t i = 0; i < tx->access_cnt; i++)
        for (size_t k = 0; k < tx->access[i].key_cnt; k++)
            sum += tx->access[i].keys[k].b[31];
    for (size_t i = 0; i < tx->auth_cnt; i++)
        sum += tx->auths[i].nonce;
    for (size_t i = 0; i < tx->blob_cnt; i++)
        sum += tx->blob_hashes[i].b[0];
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* decoded lists are never much larger than what they were decoded from */
    size_t cap = 4096 + 8 * size;
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    void *mem = malloc(cap);
    CHECK(copy != NULL && mem != NULL);
    if (size != 0)
        memcpy(copy, data, size);
    struct arena arena;
    struct stf_tx a, b;
    struct bytes in = { copy, size };
    arena_init(&arena, mem, cap);
    enum stf_error e = tx_decode(&a, in, &arena);
    CHECK(e != STF_E_OUT_OF_MEMORY);
    if (e == STF_OK) {
        check_inside(a.data, in);
        check_inside(a.factory_deps, in);
        uint64_t sum = touch(&a);
        (void)tx_v(&a);
        (void)tx_signature_in_range(&a);
        arena_reset(&arena);
        CHECK(tx_decode(&b, in, &arena) == STF_OK);
        CHECK(b256_eq(&a.hash, &b.hash) && b256_eq(&a.signing_hash, &b.signing_hash));
        CHECK(touch(&b) == sum);
    }
    free(mem);
    free(copy);
    return 0;
}
