/* tests/fuzz/prover/fuzz_prover.c
 *
 * Any bytes as the body of a submission, as base64, as a list of keys and as a proof of a range. What is taken is what was said: it encodes back to
 * the same text. */
#include <stdlib.h>

#include "settlement/prover/base64.h"
#include "settlement/prover/messages.h"
#include "settlement/prover/snark_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void submission(struct bytes in, bool is_snark)
{
    struct prover_submission s;
    char reason[160];
    int status = 0;
    bool ok = prover_read_submission(&s, is_snark, in, &status, reason);
    if (ok ? s.from == 0 || s.from > s.to || s.proof.len == 0
           : (status != 400 && status != 422) || !memchr(reason, 0, sizeof(reason)))
        abort();
    buf_clear(&s.proof);
}

static void base64(struct bytes in)
{
    struct buf plain, text;
    buf_init(&plain, 1u << 20);
    buf_init(&text, 1u << 21);
    if (base64_decode(&plain, (const char *)in.p, in.len) &&
        (!base64_encode(&text, bytes_of(plain.p, plain.len)) ||
         !bytes_eq(bytes_of(text.p, text.len), in)))
        abort();
    buf_clear(&plain);
    buf_clear(&text);
}

static void words(struct bytes in)
{
    static const struct b256 folded;
    struct u256 out[SNARK_WORDS_MAX];
    size_t cnt = 0;
    enum snark_kind kind;
    char reason[160] = "";
    bool ok = snark_words(out, &cnt, &kind, in, &folded, 0, reason);
    if (ok ? cnt != (kind == SNARK_MOCK ? 4u : 46u) : !reason[0])
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes in = bytes_of(data, len);
    static const struct b256 vk;
    char list[256];
    if (len == 0 || len > 1u << 20)
        return 0;
    submission(in, false);
    submission(in, true);
    base64(in);
    words(in);
    size_t n = len < sizeof(list) - 1 ? len : sizeof(list) - 1;
    memcpy(list, data, n);
    list[n] = 0;
    (void)!prover_keys_allow(list, &vk);
    uint64_t number;
    if (prover_read_number(&number, list, n) && number == 0)
        abort();
    return 0;
}
