/* interop/bundle_text.c
 *
 * A bundle for people. Calls that the asset router itself makes are taken apart one level more; of anything else the data is shown. */
#include "contracts-abi/codec.h"
#include "contracts-abi/gen/bridge.h"
#include "interop/bundle.h"
#include "node/base/hex.h"

#define ASSET_ROUTER 0x10003u
#define TEXT_CAP     600u
#define SHOWN_DATA   256u /* bytes of a call's data in the text; the JSON has all */

struct transfer { /* what finalizeDeposit of the asset router brings */
    struct abi_v31_finalize_deposit_call call;
    struct abi_v31_bridge_mint_data mint;
};

static bool is_transfer(const struct abi_v31_interop_call *c, struct transfer *out,
                        struct arena *arena)
{
    struct addr router = addr_of_u32(ASSET_ROUTER);
    struct err err = { .kind = ERR_NONE };
    return addr_eq(&c->from, &router) && addr_eq(&c->to, &router) &&
           abi_v31_decode_finalize_deposit_call(c->data, &out->call, arena, &err) &&
           abi_v31_decode_bridge_mint_data(out->call.transfer_data, &out->mint, arena, &err);
}

static void put_dec(struct buf *b, const struct u256 *v)
{
    char text[80];
    u256_format_dec(text, v);
    buf_append_str(b, text);
}

static void put_addr(struct buf *b, const struct addr *a)
{
    buf_append_hex(b, a->b, 20);
}

/* ---- text ---- */

static void line(struct buf *b, const char *name)
{
    buf_printf(b, "  %-14s ", name);
}

static void put_party(struct buf *b, const char *name, struct bytes address, const char *if_empty)
{
    char text[TEXT_CAP];
    line(b, name);
    if (address.len == 0) {
        buf_printf(b, "%s\n", if_empty);
        return;
    }
    interop_address_text(address, text, sizeof(text));
    buf_printf(b, "%s\n", text);
}

static void text_call(struct buf *b, const struct bundle *bundle, size_t i, struct arena *arena)
{
    const struct abi_v31_interop_call *c = &bundle->v.calls.items[i];
    struct b256 id = bundle_send_id(&bundle->hash, i);
    struct transfer t;
    buf_printf(b, "  call %zu\n    from         ", i);
    put_addr(b, &c->from);
    buf_append_str(b, "\n    to           ");
    put_addr(b, &c->to);
    buf_append_str(b, "\n    value        ");
    put_dec(b, &c->value);
    buf_append_str(b, "\n    id           ");
    buf_append_hex(b, id.b, 32);
    if (c->version.b[0] != BUNDLE_VERSION || c->shadow_account)
        buf_printf(b, "\n    version      %u%s", c->version.b[0],
                   c->shadow_account ? ", by a shadow account" : "");
    if (is_transfer(c, &t, arena)) {
        buf_append_str(b, "\n    transfer     ");
        put_dec(b, &t.mint.amount);
        buf_append_str(b, " of asset ");
        buf_append_hex(b, t.call.asset_id.b, 32);
        buf_append_str(b, "\n    origin token ");
        put_addr(b, &t.mint.origin_token);
        buf_append_str(b, "\n    sent by      ");
        put_addr(b, &t.mint.original_caller);
        buf_append_str(b, "\n    receiver     ");
        put_addr(b, &t.mint.receiver);
    } else {
        size_t n = c->data.len < SHOWN_DATA ? c->data.len : SHOWN_DATA;
        buf_printf(b, "\n    data         %zu bytes ", c->data.len);
        buf_append_hex(b, c->data.p, n);
        if (n < c->data.len)
            buf_append_str(b, "...");
    }
    buf_append_str(b, "\n");
}

void bundle_write_text(struct buf *out, const struct bundle *b)
{
    struct arena arena;
    arena_init_growing(&arena, 4096, 2 * BUNDLE_MAX_LEN);
    buf_append_str(out, "bundle ");
    buf_append_hex(out, b->hash.b, 32);
    buf_append_str(out, "\n");
    line(out, "version");
    buf_printf(out, "%u\n", b->v.version.b[0]);
    line(out, "from chain");
    put_dec(out, &b->v.source_chain_id);
    buf_append_str(out, "\n");
    line(out, "to chain");
    put_dec(out, &b->v.destination_chain_id);
    buf_append_str(out, "\n");
    line(out, "its base token");
    buf_append_hex(out, b->v.destination_base_token_asset_id.b, 32);
    buf_append_str(out, "\n");
    line(out, "salt");
    buf_append_hex(out, b->v.interop_bundle_salt.b, 32);
    buf_append_str(out, "\n");
    put_party(out, "may execute", b->v.bundle_attributes.execution_address, "anyone");
    put_party(out, "may unbundle", b->v.bundle_attributes.unbundler_address, "nobody");
    line(out, "fee");
    buf_append_str(out, b->v.bundle_attributes.use_fixed_fee ? "fixed\n" : "of the protocol\n");
    for (size_t i = 0; i < b->v.calls.cnt; i++) {
        struct arena_mark mark = arena_save(&arena);
        text_call(out, b, i, &arena);
        arena_restore(&arena, mark);
    }
    arena_clear(&arena);
}

/* ---- JSON ---- */

static void member(struct buf *b, const char *name)
{
    uint8_t last = b->len ? b->p[b->len - 1] : 0;
    if (last != '{' && last != '[')
        buf_append(b, ",", 1);
    buf_printf(b, "\"%s\":", name);
}

static void member_hex(struct buf *b, const char *name, const void *p, size_t len)
{
    member(b, name);
    buf_append(b, "\"", 1);
    buf_append_hex(b, p, len);
    buf_append(b, "\"", 1);
}

static void member_dec(struct buf *b, const char *name, const struct u256 *v)
{
    member(b, name);
    buf_append(b, "\"", 1);
    put_dec(b, v);
    buf_append(b, "\"", 1);
}

static void member_bool(struct buf *b, const char *name, bool v)
{
    member(b, name);
    buf_append_str(b, v ? "true" : "false");
}

static void member_party(struct buf *b, const char *name, struct bytes address)
{
    char text[TEXT_CAP];
    member(b, name);
    if (address.len == 0) {
        buf_append_str(b, "null");
        return;
    }
    interop_address_text(address, text, sizeof(text));
    buf_append_str(b, "{");
    member_hex(b, "bytes", address.p, address.len);
    member(b, "text");
    buf_append_json_str(b, text);
    buf_append_str(b, "}");
}

static void json_call(struct buf *b, const struct bundle *bundle, size_t i, struct arena *arena)
{
    const struct abi_v31_interop_call *c = &bundle->v.calls.items[i];
    struct b256 id = bundle_send_id(&bundle->hash, i);
    struct transfer t;
    buf_append_str(b, i ? ",{" : "{");
    member_hex(b, "sendId", id.b, 32);
    member_hex(b, "version", c->version.b, 1);
    member_bool(b, "shadowAccount", c->shadow_account);
    member_hex(b, "from", c->from.b, 20);
    member_hex(b, "to", c->to.b, 20);
    member_dec(b, "value", &c->value);
    member_hex(b, "data", c->data.p, c->data.len);
    if (is_transfer(c, &t, arena)) {
        member(b, "transfer");
        buf_append_str(b, "{");
        member_hex(b, "assetId", t.call.asset_id.b, 32);
        member_dec(b, "amount", &t.mint.amount);
        member_hex(b, "originToken", t.mint.origin_token.b, 20);
        member_hex(b, "originalCaller", t.mint.original_caller.b, 20);
        member_hex(b, "receiver", t.mint.receiver.b, 20);
        buf_append_str(b, "}");
    }
    buf_append_str(b, "}");
}

void bundle_write_json(struct buf *out, const struct bundle *b)
{
    struct arena arena;
    arena_init_growing(&arena, 4096, 2 * BUNDLE_MAX_LEN);
    buf_append_str(out, "{");
    member_hex(out, "bundleHash", b->hash.b, 32);
    member_hex(out, "version", b->v.version.b, 1);
    member_dec(out, "sourceChainId", &b->v.source_chain_id);
    member_dec(out, "destinationChainId", &b->v.destination_chain_id);
    member_hex(out, "destinationBaseTokenAssetId", b->v.destination_base_token_asset_id.b, 32);
    member_hex(out, "interopBundleSalt", b->v.interop_bundle_salt.b, 32);
    member_party(out, "executionAddress", b->v.bundle_attributes.execution_address);
    member_party(out, "unbundlerAddress", b->v.bundle_attributes.unbundler_address);
    member_bool(out, "useFixedFee", b->v.bundle_attributes.use_fixed_fee);
    member(out, "calls");
    buf_append_str(out, "[");
    for (size_t i = 0; i < b->v.calls.cnt; i++) {
        struct arena_mark mark = arena_save(&arena);
        json_call(out, b, i, &arena);
        arena_restore(&arena, mark);
    }
    buf_append_str(out, "]}");
    arena_clear(&arena);
}
