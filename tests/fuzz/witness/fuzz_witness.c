/* tests/fuzz/witness/fuzz_witness.c
 *
 * Any bytes as a witness: decoding is bounded and canonical, and verification gives some answer. What a mutation of the tree
 * would hide behind a wrong root is reached as well: the root is put right and the witness is verified again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "node/crypto/portable.h"
#include "node/stf/verify.h"

#define KEEP_LEN (8u << 20)
#define WORK_LEN (24u << 20)
#define GAS_BOUND                                                                                  \
    100000000u /* of a block: what the recorded ones have; time per input is bounded */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(struct bytes in, struct arena *keep, struct arena *work)
{
    struct verify_result r;
    struct verify_fault fault;
    arena_reset(keep);
    arena_reset(work);
    enum verify_code e = verify_batch(&r, &fault, in, crypto_portable(), keep, work);
    CHECK(e < VERIFY_CODE_CNT && e == fault.code);
    if (e == VERIFY_OK) {
        struct b256 again = batch_public_input(&r.state_before, &r.batch.stored);
        CHECK(b256_eq(&again, &r.public_input));
    }
}

static bool is_small(const struct witness *w)
{
    for (size_t i = 0; i < w->block_cnt; i++)
        if (w->blocks[i].gas_limit > GAS_BOUND || w->blocks[i].tx_cnt > 100)
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t *mem[2];
    struct arena keep, work;
    struct witness w;
    for (int i = 0; i < 2 && !mem[i]; i++)
        CHECK((mem[i] = malloc(i ? WORK_LEN : KEEP_LEN)) != NULL);
    arena_init(&keep, mem[0], KEEP_LEN);
    arena_init(&work, mem[1], WORK_LEN);
    if (witness_decode(&w, bytes_of(data, size), &keep) != WITNESS_OK)
        return 0;
    CHECK(witness_encoded_len(&w) == size);
    uint8_t *again = malloc(size);
    CHECK(again != NULL);
    witness_encode(again, &w);
    CHECK(memcmp(again, data, size) == 0);
    if (is_small(&w)) {
        struct b256 root;
        bool no_memory;
        bool folds = witness_fold(&root, w.leaves, w.leaf_cnt, w.leaf_count, w.siblings,
                                  w.sibling_cnt, &work, &no_memory);
        run(bytes_of(data, size), &keep, &work);
        if (folds && witness_decode(&w, bytes_of(data, size), &keep) == WITNESS_OK) {
            w.root = root;
            witness_encode(again, &w);
            run(bytes_of(again, size), &keep, &work);
        }
    }
    free(again);
    return 0;
}
