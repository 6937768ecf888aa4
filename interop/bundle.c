#include "interop/bundle.h"

#include "contracts-abi/codec.h"
#include "node/base/hash.h"

const char *bundle_status_name(uint64_t s)
{
    static const char *const names[] = { "not received", "verified", "executed", "unbundled" };
    return s < GH_COUNT(names) ? names[s] : "unknown status";
}

const char *call_status_name(uint64_t s)
{
    static const char *const names[] = { "not processed", "executed", "cancelled" };
    return s < GH_COUNT(names) ? names[s] : "unknown status";
}

/* ---- decoding ---- */

struct b256 bundle_hash(const struct u256 *source_chain, struct bytes raw)
{
    static const uint8_t zeros[32] = { 0 };
    struct b256 head[3] = { { { 0 } }, b256_of_u64(0x40), b256_of_u64(raw.len) };
    struct keccak k;
    u256_to_be32(head[0].b, source_chain);
    keccak_init(&k);
    keccak_update(&k, head, sizeof(head));
    keccak_update(&k, raw.p, raw.len);
    keccak_update(&k, zeros, (32 - raw.len % 32) % 32);
    return keccak_final(&k);
}

struct b256 bundle_send_id(const struct b256 *hash, uint64_t call)
{
    struct b256 n = b256_of_u64(call);
    return keccak256_pair(hash, &n);
}

struct b256 bundle_salt(const struct addr *sender, const struct u256 *nonce)
{
    uint8_t in[52];
    memcpy(in, sender->b, 20);
    u256_to_be32(in + 20, nonce);
    return keccak256(in, sizeof(in));
}

bool bundle_decode(struct bytes raw, struct bundle *out, struct arena *arena, struct err *err)
{
    *out = (struct bundle){ 0 };
    if (raw.len > BUNDLE_MAX_LEN)
        return err_set(err, ERR_INVALID, "a bundle of %zu bytes, more than %u", raw.len,
                       BUNDLE_MAX_LEN);
    if (!abi_v31_decode_interop_bundle(raw, &out->v, arena, err))
        return false;
    const uint8_t *copy = arena_copy(arena, raw.p, raw.len);
    if (!copy)
        return err_set(err, ERR_LOCAL, "out of memory for a bundle");
    out->raw = bytes_of(copy, raw.len);
    out->hash = bundle_hash(&out->v.source_chain_id, out->raw);
    return true;
}

bool bundle_from_message(struct bytes message, struct bundle *out, struct arena *arena,
                         struct err *err)
{
    if (message.len == 0 || message.p[0] != BUNDLE_IDENTIFIER)
        return err_set(err, ERR_INVALID,
                       "the message is not a bundle: it does not begin with 0x01");
    return bundle_decode(bytes_of(message.p + 1, message.len - 1), out, arena, err);
}

bool bundle_from_any(struct bytes in, struct bundle *out, struct arena *arena, struct err *err)
{
    struct abi_v31_execute_bundle_call execute;
    struct abi_v31_verify_bundle_call verify;
    struct abi_v31_unbundle_bundle_call unbundle;
    struct abi_v31_interop_bundle_sent sent;
    struct b256 topic = ABI_V31_INTEROP_BUNDLE_SENT_TOPIC;
    struct abi_log_view log = { .topics = &topic, .topic_cnt = 1, .data = in };
    uint32_t selector = 0;
    if (in.len > 2 * BUNDLE_MAX_LEN)
        return err_set(err, ERR_INVALID, "%zu bytes are more than any bundle has", in.len);
    if (abi_selector_of(in, &selector)) {
        if (selector == ABI_V31_EXECUTE_BUNDLE_SELECTOR)
            return abi_v31_decode_execute_bundle_call(in, &execute, arena, err) &&
                   bundle_decode(execute.bundle, out, arena, err);
        if (selector == ABI_V31_VERIFY_BUNDLE_SELECTOR)
            return abi_v31_decode_verify_bundle_call(in, &verify, arena, err) &&
                   bundle_decode(verify.bundle, out, arena, err);
        if (selector == ABI_V31_UNBUNDLE_BUNDLE_SELECTOR)
            return abi_v31_decode_unbundle_bundle_call(in, &unbundle, arena, err) &&
                   bundle_decode(unbundle.bundle, out, arena, err);
    }
    if (in.len % 32 == 1)
        return bundle_from_message(in, out, arena, err);
    if (bundle_decode(in, out, arena, err))
        return true;
    struct err other = { .kind = ERR_NONE };
    if (!abi_v31_decode_interop_bundle_sent(&log, &sent, arena, &other))
        return false;
    /* the event has the bundle decoded: its own bytes are those of the message, which the contract made in the same way */
    struct buf raw;
    buf_init(&raw, BUNDLE_MAX_LEN);
    bool ok = abi_v31_encode_interop_bundle(&raw, &sent.interop_bundle) &&
              bundle_decode(bytes_of(raw.p, raw.len), out, arena, err);
    buf_clear(&raw);
    if (ok && !b256_eq(&out->hash, &sent.interop_bundle_hash))
        return err_set(err, ERR_INVALID, "the bundle of the event has another hash than it says");
    return ok;
}

/* ---- who may, and whether at all ---- */

const char *bundle_objection(const struct bundle *b, uint64_t chain,
                             const struct b256 *base_token_asset_id)
{
    struct u256 here = u256_of_u64(chain);
    if (b->v.version.b[0] != BUNDLE_VERSION)
        return "its version is not 1";
    if (!u256_eq(&b->v.destination_chain_id, &here))
        return "it is for another chain";
    if (!b256_eq(&b->v.destination_base_token_asset_id, base_token_asset_id))
        return "it names another base token than the destination has";
    for (size_t i = 0; i < b->v.calls.cnt; i++)
        if (b->v.calls.items[i].version.b[0] != BUNDLE_VERSION)
            return "a call in it has another version than 1";
    return NULL;
}

static bool names(struct bytes address, const struct addr *who, uint64_t chain)
{
    struct interop_address a;
    struct err err = { .kind = ERR_NONE };
    struct u256 here = u256_of_u64(chain);
    return interop_address_parse(address, &a, &err) &&
           (u256_is_zero(&a.chain) || u256_eq(&a.chain, &here)) && addr_eq(&a.addr, who);
}

bool bundle_may_execute(const struct bundle *b, const struct addr *who, uint64_t chain)
{
    struct bytes only = b->v.bundle_attributes.execution_address;
    return only.len == 0 || names(only, who, chain);
}

bool bundle_may_unbundle(const struct bundle *b, const struct addr *who, uint64_t chain)
{
    return names(b->v.bundle_attributes.unbundler_address, who, chain);
}

/* ---- calldata ---- */

static struct abi_v31_message_inclusion_proof
inclusion(const struct bundle *b, const struct message_proof *p, uint64_t tx_number)
{
    /* the handler puts 0x01 and the bundle in place of the message's data */
    return (struct abi_v31_message_inclusion_proof){
        .chain_id = b->v.source_chain_id,
        .l1_batch_number = u256_of_u64(p->batch),
        .l2_message_index = u256_of_u64(p->index),
        .message = { .tx_number_in_batch = tx_number, .sender = addr_of_u32(INTEROP_CENTER) },
        .proof = { p->words, p->cnt }
    };
}

bool bundle_execute_calldata(struct buf *out, const struct bundle *b, const struct message_proof *p,
                             uint64_t tx_number)
{
    struct abi_v31_execute_bundle_call c = { b->raw, inclusion(b, p, tx_number) };
    return abi_v31_encode_execute_bundle_call(out, &c);
}

bool bundle_verify_calldata(struct buf *out, const struct bundle *b, const struct message_proof *p,
                            uint64_t tx_number)
{
    struct abi_v31_verify_bundle_call c = { b->raw, inclusion(b, p, tx_number) };
    return abi_v31_encode_verify_bundle_call(out, &c);
}

bool bundle_unbundle_calldata(struct buf *out, const struct bundle *b, const uint64_t *statuses,
                              size_t cnt)
{
    struct abi_v31_unbundle_bundle_call c = { b->raw, { statuses, cnt } };
    return abi_v31_encode_unbundle_bundle_call(out, &c);
}

/* ---- attributes ---- */

static bool once(bool *has, const char *name, struct err *err)
{
    if (*has)
        return err_set(err, ERR_INVALID, "attribute %s is set twice", name);
    *has = true;
    return true;
}

static bool take_attribute(struct bytes in, uint32_t selector, struct bundle_attributes *out,
                           struct arena *arena, struct err *err)
{
    struct abi_v31_interop_call_value_call value;
    struct abi_v31_indirect_call_call indirect;
    struct abi_v31_execution_address_call execution;
    struct abi_v31_unbundler_address_call unbundler;
    struct abi_v31_use_fixed_fee_call fee;
    switch (selector) {
    case ABI_V31_INTEROP_CALL_VALUE_SELECTOR:
        if (!once(&out->has_call_value, "interopCallValue", err) ||
            !abi_v31_decode_interop_call_value_call(in, &value, arena, err))
            return false;
        out->call_value = value.value;
        return true;
    case ABI_V31_INDIRECT_CALL_SELECTOR:
        if (!once(&out->has_indirect, "indirectCall", err) ||
            !abi_v31_decode_indirect_call_call(in, &indirect, arena, err))
            return false;
        out->indirect_value = indirect.message_value;
        return true;
    case ABI_V31_EXECUTION_ADDRESS_SELECTOR:
        if (!once(&out->has_execution, "executionAddress", err) ||
            !abi_v31_decode_execution_address_call(in, &execution, arena, err))
            return false;
        out->execution = execution.execution_address;
        return true;
    case ABI_V31_UNBUNDLER_ADDRESS_SELECTOR:
        if (!once(&out->has_unbundler, "unbundlerAddress", err) ||
            !abi_v31_decode_unbundler_address_call(in, &unbundler, arena, err))
            return false;
        out->unbundler = unbundler.unbundler_address;
        return true;
    case ABI_V31_USE_FIXED_FEE_SELECTOR:
        if (!once(&out->has_fixed_fee, "useFixedFee", err) ||
            !abi_v31_decode_use_fixed_fee_call(in, &fee, arena, err))
            return false;
        out->fixed_fee = fee.use_fixed_fee;
        return true;
    default:
        return err_set_code(err, ERR_INVALID, selector, "unsupported attribute 0x%08x",
                            (unsigned)selector);
    }
}

bool bundle_attributes_parse(const struct abi_bytes_list *list, unsigned levels,
                             struct bundle_attributes *out, struct arena *arena, struct err *err)
{
    *out = (struct bundle_attributes){ 0 };
    for (size_t i = 0; i < list->cnt; i++) {
        uint32_t selector;
        if (!abi_selector_of(list->items[i], &selector))
            return err_set(err, ERR_INVALID, "an attribute of %zu bytes", list->items[i].len);
        bool of_call = selector == ABI_V31_INTEROP_CALL_VALUE_SELECTOR ||
                       selector == ABI_V31_INDIRECT_CALL_SELECTOR;
        if (!take_attribute(list->items[i], selector, out, arena, err))
            return false;
        if (!(levels & (of_call ? ATTRIBUTE_OF_CALL : ATTRIBUTE_OF_BUNDLE)))
            return err_set(err, ERR_INVALID, "attribute 0x%08x belongs to a %s", (unsigned)selector,
                           of_call ? "call" : "bundle");
    }
    return true;
}

/* One encoded attribute moved into the arena. */
static bool keep(struct buf *b, struct bytes *items, size_t *cnt, struct arena *arena)
{
    const uint8_t *p = b->failed ? NULL : arena_copy(arena, b->p, b->len);
    if (p)
        items[(*cnt)++] = bytes_of(p, b->len);
    buf_reset(b);
    return p != NULL;
}

bool bundle_attributes_encode(const struct bundle_attributes *a, struct abi_bytes_list *out,
                              struct arena *arena)
{
    struct abi_v31_interop_call_value_call value = { a->call_value };
    struct abi_v31_indirect_call_call indirect = { a->indirect_value };
    struct abi_v31_execution_address_call execution = { a->execution };
    struct abi_v31_unbundler_address_call unbundler = { a->unbundler };
    struct abi_v31_use_fixed_fee_call fee = { a->fixed_fee };
    struct bytes *items = arena_alloc(arena, 5 * sizeof(*items));
    struct buf b;
    size_t cnt = 0;
    buf_init(&b, 4096);
    bool ok =
        items != NULL &&
        (!a->has_call_value ||
         (abi_v31_encode_interop_call_value_call(&b, &value) && keep(&b, items, &cnt, arena))) &&
        (!a->has_indirect ||
         (abi_v31_encode_indirect_call_call(&b, &indirect) && keep(&b, items, &cnt, arena))) &&
        (!a->has_execution ||
         (abi_v31_encode_execution_address_call(&b, &execution) && keep(&b, items, &cnt, arena))) &&
        (!a->has_unbundler ||
         (abi_v31_encode_unbundler_address_call(&b, &unbundler) && keep(&b, items, &cnt, arena))) &&
        (!a->has_fixed_fee ||
         (abi_v31_encode_use_fixed_fee_call(&b, &fee) && keep(&b, items, &cnt, arena)));
    buf_clear(&b);
    *out = (struct abi_bytes_list){ items, cnt };
    return ok;
}
