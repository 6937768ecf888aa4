/* tests/fuzz/bundle/fuzz_bundle.c
 *
 * Any bytes as a bundle, an interoperable address and a list of attributes. What is read can be shown, its hash is that of its own bytes,
 * and an address that is written comes back. */
#include <stdlib.h>

#include "interop/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void bundle(struct bytes in, struct arena *arena)
{
    struct bundle b;
    struct buf out;
    struct err err = { .kind = ERR_NONE };
    if (!bundle_from_any(in, &b, arena, &err)) {
        if (err.kind == ERR_NONE || err.msg[0] == 0)
            abort();
        return;
    }
    struct b256 hash = bundle_hash(&b.v.source_chain_id, b.raw);
    if (!b256_eq(&hash, &b.hash))
        abort();
    buf_init(&out, 64u << 20);
    bundle_write_text(&out, &b);
    bundle_write_json(&out, &b);
    if (out.failed || out.p[out.len - 1] != '}')
        abort();
    buf_clear(&out);
}

static void address(struct bytes in)
{
    struct interop_address a, b;
    struct err err = { .kind = ERR_NONE };
    uint8_t out[INTEROP_ADDRESS_MAX];
    char text[128];
    interop_address_text(in, text, sizeof(text));
    if (!interop_address_parse(in, &a, &err))
        return;
    size_t n = interop_address_format(out, &a);
    if (!interop_address_parse(bytes_of(out, n), &b, &err) || !u256_eq(&a.chain, &b.chain) ||
        !addr_eq(&a.addr, &b.addr))
        abort();
}

static void attributes(struct bytes in, struct arena *arena)
{
    struct bytes items[3] = { bytes_of(in.p, in.len / 2),
                              bytes_of(in.p + in.len / 2, in.len - in.len / 2), in };
    struct abi_bytes_list list = { items, 2 }, one = { items + 2, 1 }, again;
    struct bundle_attributes a, b;
    struct err err = { .kind = ERR_NONE };
    (void)!bundle_attributes_parse(&list, 3, &a, arena, &err);
    if (bundle_attributes_parse(&one, 3, &a, arena, &err) &&
        (!bundle_attributes_encode(&a, &again, arena) ||
         !bundle_attributes_parse(&again, 3, &b, arena, &err) ||
         !u256_eq(&a.call_value, &b.call_value) || !bytes_eq(a.execution, b.execution)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct arena arena;
    arena_init_growing(&arena, 64u << 10, 64u << 20);
    if (len > 0) {
        struct bytes in = bytes_of(data, len);
        bundle(in, &arena);
        address(in);
        attributes(in, &arena);
    }
    arena_clear(&arena);
    return 0;
}
