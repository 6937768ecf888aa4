/* tests/fuzz/rlp/fuzz_rlp.c
 *
 * Reads any input as one RLP item down to a bounded depth. What was accepted is written again and must
 * give the same bytes: that is what "canonical only" means. */
#include <stdlib.h>

#include "node/base/rlp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MAX_DEPTH 24

/* Writes the item (measures for NULL). *ok turns false where the reader refused. Below MAX_DEPTH an
 * item is copied as it is. */
static size_t rewrite(uint8_t *out, struct rlp_reader *r, int depth, bool *ok)
{
    if (depth == 0) {
        struct bytes raw = rlp_read_raw(r);
        *ok = *ok && r->ok;
        if (out && raw.len)
            memcpy(out, raw.p, raw.len);
        return raw.len;
    }
    if (!rlp_next_is_list(r)) {
        struct bytes s = rlp_read_string(r);
        *ok = *ok && r->ok;
        return r->ok ? rlp_write_string(out, s) : 0;
    }
    struct rlp_reader list = rlp_read_list(r);
    *ok = *ok && r->ok && list.ok;
    size_t payload = (size_t)(list.end - list.p);
    size_t n = rlp_write_list_header(out, payload);
    while (*ok && !rlp_at_end(&list))
        n += rewrite(out ? out + n : NULL, &list, depth - 1, ok);
    *ok = *ok && rlp_finish(&list);
    return n;
}

static void check_integers(const uint8_t *data, size_t len)
{
    struct rlp_reader a = rlp_reader_of(bytes_of(data, len)), b = a, c = a;
    uint8_t again[40], fixed[20];
    struct u256 wide = rlp_read_u256(&a);
    uint64_t small = rlp_read_u64(&b);
    rlp_read_fixed(&c, fixed, sizeof(fixed));
    if (b.ok && (!a.ok || wide.w[0] != small || !u256_fits_u64(&wide)))
        abort();
    if (a.ok) {
        size_t n = rlp_write_u256(again, &wide);
        if (n != (size_t)(a.p - data) || memcmp(again, data, n) != 0)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct rlp_reader r = rlp_reader_of(bytes_of(data, len)), second = r;
    bool ok = true;
    size_t n = rewrite(NULL, &r, MAX_DEPTH, &ok);
    check_integers(data, len);
    if (!ok)
        return 0;
    if (n != (size_t)(r.p - data))
        abort();
    uint8_t *out = malloc(n ? n : 1);
    if (!out)
        return 0;
    if (rewrite(out, &second, MAX_DEPTH, &ok) != n || !ok || memcmp(out, data, n) != 0)
        abort();
    free(out);
    return 0;
}
