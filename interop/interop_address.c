#include "interop/interop_address.h"

#include <stdio.h>

#include "node/base/hex.h"

bool interop_address_parse(struct bytes in, struct interop_address *out, struct err *err)
{
    static const uint8_t head[4] = { 0, 1, 0, 0 };
    *out = (struct interop_address){ 0 };
    if (in.len < 6 || memcmp(in.p, head, 4) != 0)
        return err_set(err, ERR_INVALID,
                       "not an interoperable address of version 1 and chain type EIP-155");
    size_t ref = in.p[4], at = 5 + ref;
    if (ref > 32 || at >= in.len)
        return err_set(err, ERR_INVALID, "interoperable address: chain reference of %zu bytes",
                       ref);
    size_t len = in.p[at++];
    if ((len != 0 && len != 20) || in.len - at < len)
        return err_set(err, ERR_INVALID, "interoperable address: address of %zu bytes", len);
    out->has_chain = ref > 0;
    out->has_addr = len > 0;
    out->chain = u256_of_be(in.p + 5, ref);
    if (len)
        memcpy(out->addr.b, in.p + at, 20);
    return true;
}

size_t interop_address_format(uint8_t out[INTEROP_ADDRESS_MAX], const struct interop_address *a)
{
    uint8_t word[32];
    size_t n = 0, skip = 0;
    out[n++] = 0;
    out[n++] = 1;
    out[n++] = 0;
    out[n++] = 0;
    u256_to_be32(word, &a->chain);
    while (skip < 32 && word[skip] == 0)
        skip++;
    if (!a->has_chain)
        skip = 32;
    out[n++] = (uint8_t)(32 - skip);
    memcpy(out + n, word + skip, 32 - skip);
    n += 32 - skip;
    out[n++] = a->has_addr ? 20 : 0;
    if (a->has_addr) {
        memcpy(out + n, a->addr.b, 20);
        n += 20;
    }
    return n;
}

void interop_address_text(struct bytes in, char *out, size_t cap)
{
    struct interop_address a;
    struct err err = { .kind = ERR_NONE };
    char who[43] = "any address", chain[80];
    if (in.len == 0) {
        snprintf(out, cap, "nobody");
        return;
    }
    if (!interop_address_parse(in, &a, &err)) {
        snprintf(out, cap, "%s", err.msg);
        return;
    }
    if (a.has_addr)
        hex_encode0x(who, a.addr.b, 20);
    u256_format_dec(chain, &a.chain);
    if (a.has_chain)
        snprintf(out, cap, "%s on chain %s", who, chain);
    else
        snprintf(out, cap, "%s on any chain", who);
}
