/* tests/fuzz/message_proof/fuzz_message_proof.c
 *
 * Any words as the proof of any claim: chain, batch and index (8 bytes each), leaf (32), then words. What is accepted as a form must lead
 * to the same end with words behind it (unless it is the older form, whose length is its path), and elsewhere with another leaf. */
#include <stdlib.h>

#include "interop/message_proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool is_old_form(const struct b256 *words)
{
    for (size_t i = 4; i < 32; i++)
        if (words[0].b[i])
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct proof_end end, again;
    struct b256 leaf, chain, batch, index;
    if (len < 56)
        return 0;
    size_t cnt = (len - 56) / 32;
    chain = b256_of_u64(load_be64(data));
    batch = b256_of_u64(load_be64(data + 8));
    index = b256_of_u64(load_be64(data + 16));
    memcpy(leaf.b, data + 24, 32);
    struct b256 *words = calloc(cnt + 1, sizeof(*words));
    if (!words)
        return 0;
    memcpy(words, data + 56, cnt * 32);
    enum proof_fault f = message_proof_walk(&end, &chain, &batch, &index, &leaf, words, cnt);
    if (f != PROOF_OK && proof_fault_name(f)[0] == 0)
        abort();
    if (f == PROOF_OK && !end.nested && !is_old_form(words) &&
        (message_proof_walk(&again, &chain, &batch, &index, &leaf, words, cnt + 1) != PROOF_OK ||
         !b256_eq(&again.root, &end.root)))
        abort();
    leaf.b[7] ^= 1;
    if (f == PROOF_OK &&
        message_proof_walk(&again, &chain, &batch, &index, &leaf, words, cnt) == PROOF_OK &&
        b256_eq(&again.root, &end.root))
        abort();
    free(words);
    return 0;
}
