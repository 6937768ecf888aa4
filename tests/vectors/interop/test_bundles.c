/* tests/vectors/interop/test_bundles.c
 *
 * Bundles, their attributes and addresses against what the unmodified InteropCenter, InteropHandler and InteroperableAddress gave
 * (vectors/interop/bundles.json, erc7930.json, gateway_proofs.json). */
#include "tests/vectors/interop/vectors.h"

#include "contracts-abi/gen/l2.h"
#include "interop/bundle.h"
#include "node/base/hash.h"

static json_t *bundles, *addresses, *proofs;
static struct arena arena;

static struct u256 big_of(const json_t *v)
{
    struct u256 n = u256_of_u64(0);
    const char *s = json_string_value(v);
    if (!s || !u256_parse_dec(&n, s, strlen(s)))
        fail_msg("not a decimal number");
    return n;
}

static void assert_bytes(struct bytes have, const json_t *want)
{
    struct bytes w = bytes_of_hex(want);
    assert_int_equal(have.len, w.len);
    if (w.len)
        assert_memory_equal(have.p, w.p, w.len);
    bytes_free(w);
}

static struct bytes kept(const json_t *hex)
{
    struct bytes b = bytes_of_hex(hex);
    const void *p = arena_copy(&arena, b.p, b.len);
    assert_non_null(p);
    bytes_free(b);
    return bytes_of(p, b.len);
}

/* ---- ERC-7930 ---- */

static void addresses_are_written_as_the_library_writes(void **state)
{
    (void)state;
    const json_t *e;
    size_t i;
    json_array_foreach(json_need(addresses, "items"), i, e)
    {
        const json_t *chain = json_object_get(e, "chainId"), *addr = json_object_get(e, "address");
        struct interop_address a = { .has_chain = chain != NULL, .has_addr = addr != NULL }, back;
        struct err err = { .kind = ERR_NONE };
        uint8_t out[INTEROP_ADDRESS_MAX];
        if (chain)
            a.chain = big_of(chain);
        if (addr)
            a.addr = json_addr(addr);
        size_t n = interop_address_format(out, &a);
        assert_bytes(bytes_of(out, n), json_need(e, "bytes"));
        assert_true(interop_address_parse(bytes_of(out, n), &back, &err));
        assert_true(u256_eq(&back.chain, &a.chain) && addr_eq(&back.addr, &a.addr));
        assert_true(back.has_chain == a.has_chain && back.has_addr == a.has_addr);
    }
    assert_int_equal(i, 21);
}

static void addresses_are_read_as_the_library_reads(void **state)
{
    (void)state;
    const json_t *e;
    size_t i;
    json_array_foreach(json_need(addresses, "parse"), i, e)
    {
        struct bytes in = kept(json_need(e, "bytes"));
        struct interop_address a;
        struct err err = { .kind = ERR_NONE };
        bool ok = interop_address_parse(in, &a, &err);
        assert_true(ok == (json_object_get(e, "revert") == NULL));
        if (!ok)
            continue;
        struct u256 chain = big_of(json_need(e, "chainId"));
        struct addr addr = json_addr(json_need(e, "address"));
        assert_true(u256_eq(&a.chain, &chain) && addr_eq(&a.addr, &addr));
        for (size_t n = 0; n < 6; n++)
            assert_false(interop_address_parse(bytes_of(in.p, n), &a, &err));
    }
    assert_int_equal(i, 10);
    char text[200];
    struct bytes in = kept(json_need(json_array_get(json_need(addresses, "parse"), 5), "bytes"));
    interop_address_text(in, text, sizeof(text));
    assert_string_equal(text, "0x36615cf349d7f6344891b1e7ca7c72883f5dc049 on chain 325");
    interop_address_text(bytes_of(NULL, 0), text, sizeof(text));
    assert_string_equal(text, "nobody");
}

/* ---- bundles ---- */

static void assert_bundle(const struct bundle *b, const json_t *e)
{
    const json_t *j = json_need(e, "bundle"), *call, *attributes = json_need(j, "bundleAttributes");
    struct b256 want = json_b256(json_need(e, "bundleHash"));
    size_t i;
    assert_hash(&b->hash, &want);
    assert_bytes(b->raw, json_need(e, "abi_encoded_bundle"));
    struct u256 n = big_of(json_need(j, "sourceChainId"));
    assert_true(u256_eq(&b->v.source_chain_id, &n));
    n = big_of(json_need(j, "destinationChainId"));
    assert_true(u256_eq(&b->v.destination_chain_id, &n));
    want = json_b256(json_need(j, "destinationBaseTokenAssetId"));
    assert_hash(&b->v.destination_base_token_asset_id, &want);
    want = json_b256(json_need(j, "interopBundleSalt"));
    assert_hash(&b->v.interop_bundle_salt, &want);
    assert_bytes(b->v.bundle_attributes.execution_address,
                 json_need(attributes, "executionAddress"));
    assert_bytes(b->v.bundle_attributes.unbundler_address,
                 json_need(attributes, "unbundlerAddress"));
    assert_true(b->v.bundle_attributes.use_fixed_fee ==
                json_is_true(json_need(attributes, "useFixedFee")));
    assert_int_equal(b->v.calls.cnt, json_array_size(json_need(j, "calls")));
    json_array_foreach(json_need(j, "calls"), i, call)
    {
        const struct abi_v31_interop_call *c = &b->v.calls.items[i];
        struct addr to = json_addr(json_need(call, "to")),
                    from = json_addr(json_need(call, "from"));
        struct b256 id = bundle_send_id(&b->hash, i);
        n = big_of(json_need(call, "value"));
        assert_true(addr_eq(&c->to, &to) && addr_eq(&c->from, &from) && u256_eq(&c->value, &n));
        assert_int_equal(c->version.b[0], 1);
        assert_true(c->shadow_account == json_is_true(json_need(call, "shadowAccount")));
        assert_bytes(c->data, json_need(call, "data"));
        want = json_b256(json_array_get(json_need(e, "sendIds"), i));
        assert_hash(&id, &want);
    }
}

static void bundles_are_read_as_the_center_made_them(void **state)
{
    (void)state;
    const json_t *e;
    size_t i;
    json_array_foreach(json_need(bundles, "bundles"), i, e)
    {
        struct err err = { .kind = ERR_NONE };
        struct bundle b;
        struct bytes message = kept(json_need(e, "l1_message")),
                     raw = kept(json_need(e, "abi_encoded_bundle"));
        struct b256 hash = keccak256(message.p, message.len),
                    want = json_b256(json_need(e, "l1_message_hash"));
        assert_hash(&hash, &want);
        assert_true(bundle_from_message(message, &b, &arena, &err));
        assert_bundle(&b, e);
        assert_true(bundle_decode(raw, &b, &arena, &err));
        assert_bundle(&b, e);
        assert_true(bundle_from_any(message, &b, &arena, &err));
        assert_bundle(&b, e);
        assert_true(bundle_from_any(raw, &b, &arena, &err));
        assert_bundle(&b, e);
        /* the event of the receipt: its data, and its hashes */
        const json_t *logs = json_need(e, "source_receipt_logs"),
                     *last = json_array_get(logs, json_array_size(logs) - 1);
        assert_true(bundle_from_any(kept(json_need(last, "data")), &b, &arena, &err));
        assert_bundle(&b, e);
        /* the message in the event of the messenger */
        struct abi_v31_l1_message_sent sent;
        struct b256 topics[3];
        size_t n;
        words_of(topics, 3, &n, json_need(json_array_get(logs, 0), "topics"));
        struct abi_log_view view = { topics, n, kept(json_need(json_array_get(logs, 0), "data")) };
        assert_true(abi_v31_decode_l1_message_sent(&view, &sent, &arena, &err));
        assert_true(bytes_eq(sent.message, message));
        /* re-encoding gives the same bytes here, because the contract's own encoder made them */
        struct buf again;
        buf_init(&again, BUNDLE_MAX_LEN);
        assert_true(abi_v31_encode_interop_bundle(&again, &b.v));
        assert_bytes(bytes_of(again.p, again.len), json_need(e, "abi_encoded_bundle"));
        buf_clear(&again);
        /* cut anywhere before the last padding, or another identifier: refused */
        for (size_t cut = 0; cut + 4 < raw.len; cut += 31)
            assert_false(bundle_decode(bytes_of(raw.p, cut), &b, &arena, &err));
        assert_false(bundle_from_message(raw, &b, &arena, &err));
    }
    assert_int_equal(i, 2);
}

/* The sender of both is the same account; nonces 0 and 1. */
static void salts_are_those_of_the_center(void **state)
{
    (void)state;
    const json_t *e;
    size_t i;
    json_array_foreach(json_need(bundles, "bundles"), i, e)
    {
        const json_t *j = json_need(e, "bundle");
        struct addr sender = json_addr(json_need(json_array_get(json_need(j, "calls"), 0), "from"));
        struct u256 nonce = u256_of_u64(i);
        struct b256 salt = bundle_salt(&sender, &nonce),
                    want = json_b256(json_need(j, "interopBundleSalt"));
        assert_hash(&salt, &want);
    }
}

static void attributes_are_those_of_the_center(void **state)
{
    (void)state;
    struct err err = { .kind = ERR_NONE };
    struct abi_v31_send_message_call call;
    struct bytes data = kept(json_need(json_need(bundles, "calldata"), "sendMessage"));
    struct bundle_attributes a;
    struct abi_bytes_list again;
    const json_t *execution =
        json_need(json_need(json_need(json_array_get(json_need(bundles, "bundles"), 1), "bundle"),
                            "bundleAttributes"),
                  "executionAddress");
    assert_true(abi_v31_decode_send_message_call(data, &call, &arena, &err));
    assert_true(bundle_attributes_parse(&call.attributes, ATTRIBUTE_OF_CALL | ATTRIBUTE_OF_BUNDLE,
                                        &a, &arena, &err));
    assert_true(a.has_execution && !a.has_unbundler && !a.has_call_value && !a.has_indirect &&
                !a.has_fixed_fee);
    assert_bytes(a.execution, execution);
    assert_true(bundle_attributes_encode(&a, &again, &arena));
    assert_int_equal(again.cnt, call.attributes.cnt);
    for (size_t i = 0; i < again.cnt; i++)
        assert_true(bytes_eq(again.items[i], call.attributes.items[i]));
    assert_false(bundle_attributes_parse(&call.attributes, ATTRIBUTE_OF_CALL, &a, &arena, &err));

    /* all five, there and back; twice the same, unknown and short ones are refused */
    static const uint8_t unknown[36] = { 1, 2, 3, 4 };
    struct bundle_attributes all = { .has_call_value = true,
                                     .has_indirect = true,
                                     .has_execution = true,
                                     .has_unbundler = true,
                                     .has_fixed_fee = true,
                                     .call_value = u256_of_u64(5),
                                     .indirect_value = u256_of_u64(6),
                                     .execution = call.recipient,
                                     .unbundler = call.recipient,
                                     .fixed_fee = true };
    assert_true(bundle_attributes_encode(&all, &again, &arena) && again.cnt == 5);
    assert_true(bundle_attributes_parse(&again, 3, &a, &arena, &err));
    assert_true(u256_eq(&a.call_value, &all.call_value) && a.fixed_fee &&
                u256_eq(&a.indirect_value, &all.indirect_value) &&
                bytes_eq(a.unbundler, all.unbundler));
    struct bytes twice[2] = { again.items[0], again.items[0] };
    assert_false(
        bundle_attributes_parse(&(struct abi_bytes_list){ twice, 2 }, 3, &a, &arena, &err));
    struct bytes other = bytes_of(unknown, sizeof(unknown));
    assert_false(
        bundle_attributes_parse(&(struct abi_bytes_list){ &other, 1 }, 3, &a, &arena, &err));
    assert_int_equal(err.code, 0x01020304);
    other.len = 3;
    assert_false(
        bundle_attributes_parse(&(struct abi_bytes_list){ &other, 1 }, 3, &a, &arena, &err));
}

/* The calldata that the real handler executed, made from our own bundle and a proof. */
static void calldata_is_what_the_handler_executed(void **state)
{
    (void)state;
    struct err err = { .kind = ERR_NONE };
    const json_t *e = json_array_get(json_need(bundles, "bundles"), 0),
                 *p = json_need(json_need(json_need(proofs, "proofs"), "messageRoot"),
                                "bundle0_index1");
    struct bundle b, seen;
    static struct message_proof proof;
    struct buf data;
    struct bytes want = kept(json_need(json_need(proofs, "executeBundle"), "bundle0_calldata"));
    assert_true(bundle_from_message(kept(json_need(e, "l1_message")), &b, &arena, &err));
    proof.batch = 2;
    proof.index = json_u64(json_need(p, "index"));
    words_of(proof.words, GH_COUNT(proof.words), &proof.cnt, json_need(p, "proof"));
    buf_init(&data, BUNDLE_MAX_LEN);
    assert_true(
        bundle_execute_calldata(&data, &b, &proof, json_u64(json_need(p, "txNumberInBatch"))));
    struct abi_v31_execute_bundle_call ours, theirs;
    assert_true(
        abi_v31_decode_execute_bundle_call(bytes_of(data.p, data.len), &ours, &arena, &err));
    assert_true(abi_v31_decode_execute_bundle_call(want, &theirs, &arena, &err));
    assert_true(bytes_eq(ours.bundle, theirs.bundle));
    assert_true(u256_eq(&ours.proof.chain_id, &theirs.proof.chain_id) &&
                u256_eq(&ours.proof.l1_batch_number, &theirs.proof.l1_batch_number) &&
                u256_eq(&ours.proof.l2_message_index, &theirs.proof.l2_message_index) &&
                ours.proof.message.tx_number_in_batch == theirs.proof.message.tx_number_in_batch &&
                addr_eq(&ours.proof.message.sender, &theirs.proof.message.sender));
    assert_int_equal(ours.proof.proof.cnt, theirs.proof.proof.cnt);
    assert_memory_equal(ours.proof.proof.items, theirs.proof.proof.items, 32 * proof.cnt);
    assert_true(bundle_from_any(want, &seen, &arena, &err) && b256_eq(&seen.hash, &b.hash));
    uint64_t statuses[2] = { CALL_EXECUTED, CALL_CANCELLED };
    buf_reset(&data);
    assert_true(bundle_unbundle_calldata(&data, &b, statuses, 2));
    assert_true(bundle_from_any(bytes_of(data.p, data.len), &seen, &arena, &err) &&
                b256_eq(&seen.hash, &b.hash));
    buf_reset(&data);
    assert_true(bundle_verify_calldata(&data, &b, &proof, 1));
    assert_true(bundle_from_any(bytes_of(data.p, data.len), &seen, &arena, &err) &&
                b256_eq(&seen.hash, &b.hash));
    buf_clear(&data);
}

static void who_may_do_what(void **state)
{
    (void)state;
    struct err err = { .kind = ERR_NONE };
    struct bundle open, named;
    struct b256 token = b256_of_u64(0xba5e), other = b256_of_u64(1);
    struct addr deployer, sender, stranger = addr_of_u32(5);
    assert_true(hex_decode_exact(deployer.b, 20, "f39fd6e51aad88f6f4ce6ab8827279cfffb92266", 40));
    assert_true(hex_decode_exact(sender.b, 20, "70997970c51812dc3a010c7d01b50e0d17dc79c8", 40));
    const json_t *list = json_need(bundles, "bundles");
    assert_true(bundle_from_message(kept(json_need(json_array_get(list, 0), "l1_message")), &open,
                                    &arena, &err));
    assert_true(bundle_from_message(kept(json_need(json_array_get(list, 1), "l1_message")), &named,
                                    &arena, &err));
    assert_true(bundle_may_execute(&open, &stranger, 6566));
    assert_true(bundle_may_execute(&named, &deployer, 6566));
    assert_false(bundle_may_execute(&named, &deployer, 6567)); /* the same account elsewhere */
    assert_false(bundle_may_execute(&named, &stranger, 6566)); /* execute_wrong_caller */
    /* the unbundler is named on the source chain: nobody can do it directly on the destination */
    assert_false(bundle_may_unbundle(&named, &sender, 6566));
    assert_true(bundle_may_unbundle(&named, &sender, 6565));
    assert_null(bundle_objection(&open, 6566, &token));
    assert_non_null(bundle_objection(&open, 6567, &token));
    assert_non_null(bundle_objection(&open, 6566, &other));
    open.v.version.b[0] = 2;
    assert_non_null(bundle_objection(&open, 6566, &token));
}

static void it_can_be_read_by_people(void **state)
{
    (void)state;
    struct err err = { .kind = ERR_NONE };
    struct bundle b;
    struct buf out;
    const json_t *e = json_array_get(json_need(bundles, "bundles"), 1);
    buf_init(&out, 1u << 20);
    assert_true(bundle_from_message(kept(json_need(e, "l1_message")), &b, &arena, &err));
    bundle_write_text(&out, &b);
    assert_true(buf_append(&out, "", 1));
    const char *text = (const char *)out.p;
    assert_non_null(strstr(text, json_string_value(json_need(e, "bundleHash"))));
    assert_non_null(strstr(text, "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266 on chain 6566"));
    assert_non_null(strstr(text, "2 bytes 0xcafe"));
    buf_reset(&out);
    bundle_write_json(&out, &b);
    json_t *j = json_loadb((const char *)out.p, out.len, 0, NULL);
    assert_non_null(j);
    assert_string_equal(json_string_value(json_need(j, "bundleHash")),
                        json_string_value(json_need(e, "bundleHash")));
    assert_string_equal(
        json_string_value(json_need(json_array_get(json_need(j, "calls"), 0), "data")), "0xcafe");
    assert_string_equal(json_string_value(json_need(j, "sourceChainId")), "6565");
    json_decref(j);
    buf_clear(&out);
    assert_string_equal(bundle_status_name(2), "executed");
    assert_string_equal(bundle_status_name(4), "unknown status");
    assert_string_equal(call_status_name(2), "cancelled");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_written_as_the_library_writes),
        cmocka_unit_test(addresses_are_read_as_the_library_reads),
        cmocka_unit_test(bundles_are_read_as_the_center_made_them),
        cmocka_unit_test(salts_are_those_of_the_center),
        cmocka_unit_test(attributes_are_those_of_the_center),
        cmocka_unit_test(calldata_is_what_the_handler_executed),
        cmocka_unit_test(who_may_do_what),
        cmocka_unit_test(it_can_be_read_by_people),
    };
    if (!recorded_present("interop vectors"))
        return 77;
    bundles = vectors_load("vectors/interop/bundles.json");
    addresses = vectors_load("vectors/interop/erc7930.json");
    proofs = vectors_load("vectors/interop/gateway_proofs.json");
    arena_init_growing(&arena, 64u << 10, 64u << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_clear(&arena);
    json_decref(bundles);
    json_decref(addresses);
    json_decref(proofs);
    return failed;
}
