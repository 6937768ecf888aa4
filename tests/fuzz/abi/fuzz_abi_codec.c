/* The first byte picks a type, the rest is its encoding by somebody else. What decodes must encode,
 * and the encoding must decode to the same encoding. Revert data must always give a text. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "contracts-abi/codec.h"
#include "contracts-abi/gen/ctm.h"
#include "contracts-abi/gen/executor.h"
#include "contracts-abi/gen/interop.h"
#include "contracts-abi/gen/mailbox.h"
#include "contracts-abi/gen/test_samples.h"
#include "contracts-abi/gen/upgrade.h"
#include "contracts-abi/revert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define ARENA_LIMIT ((size_t)1 << 20)
#define OUT_MAX     ((size_t)64 << 20) /* a list of bools takes 32 times its memory */

static struct arena arena;
static struct buf first, second;

#define FUZZ(word, name)                                                                           \
    static void fuzz_##word(struct bytes in)                                                       \
    {                                                                                              \
        struct name v;                                                                             \
        struct err err;                                                                            \
        if (!DECODE(word)(in, &v, &arena, &err))                                                   \
            return;                                                                                \
        CHECK(ENCODE(word)(&first, &v));                                                           \
        arena_reset(&arena);                                                                       \
        CHECK(DECODE(word)(bytes_of(first.p, first.len), &v, &arena, &err));                       \
        CHECK(ENCODE(word)(&second, &v));                                                          \
        CHECK(bytes_eq(bytes_of(first.p, first.len), bytes_of(second.p, second.len)));             \
    }
#define DECODE(word) abi_v31_decode_##word
#define ENCODE(word) abi_v31_encode_##word
FUZZ(commit_data, abi_v31_commit_data)
FUZZ(prove_data, abi_v31_prove_data)
FUZZ(execute_data, abi_v31_execute_data)
FUZZ(interop_bundle, abi_v31_interop_bundle)
FUZZ(l1_upgrade_call, abi_v31_l1_upgrade_call)
FUZZ(l2_canonical_transaction, abi_v31_l2_canonical_transaction)
#undef DECODE
#undef ENCODE
#define DECODE(word) abi_test_decode_##word
#define ENCODE(word) abi_test_encode_##word
FUZZ(pair, abi_test_pair)

static void fuzz_upgrade_cut_data(struct bytes in)
{
    struct b256 topics[2] = { ABI_V31_NEW_UPGRADE_CUT_DATA_TOPIC, { { 0 } } };
    struct abi_log_view log = { topics, 2, in };
    struct abi_v31_new_upgrade_cut_data v;
    struct abi_log_parts parts = { .data = &first };
    struct err err;
    if (!abi_v31_decode_new_upgrade_cut_data(&log, &v, &arena, &err))
        return;
    CHECK(abi_v31_encode_new_upgrade_cut_data(&parts, &v));
    log.data = bytes_of(first.p, first.len);
    arena_reset(&arena);
    CHECK(abi_v31_decode_new_upgrade_cut_data(&log, &v, &arena, &err));
    parts.data = &second;
    CHECK(abi_v31_encode_new_upgrade_cut_data(&parts, &v));
    CHECK(bytes_eq(log.data, bytes_of(second.p, second.len)));
}

static void fuzz_revert(struct bytes in)
{
    char text[ABI_REVERT_TEXT_CAP], small[40];
    size_t n = abi_format_revert(text, sizeof text, in);
    CHECK(n > 0 && n < sizeof text && strlen(text) == n);
    for (size_t i = 0; i < n; i++)
        CHECK(text[i] >= 0x20 && text[i] <= 0x7e);
    n = abi_format_revert(small, sizeof small, in);
    CHECK(strlen(small) == n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static void (*const targets[])(struct bytes) = {
        fuzz_commit_data,      fuzz_prove_data,      fuzz_execute_data,
        fuzz_interop_bundle,   fuzz_l1_upgrade_call, fuzz_l2_canonical_transaction,
        fuzz_upgrade_cut_data, fuzz_revert,          fuzz_pair,
    };
    if (len == 0)
        return 0;
    arena_init_growing(&arena, 4096, ARENA_LIMIT);
    buf_init(&first, OUT_MAX);
    buf_init(&second, OUT_MAX);
    targets[data[0] % GH_COUNT(targets)](bytes_of(data + 1, len - 1));
    buf_clear(&first);
    buf_clear(&second);
    arena_clear(&arena);
    return 0;
}
