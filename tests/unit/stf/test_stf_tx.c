/* tests/unit/stf/test_stf_tx.c
 *
 * Decoding of every envelope: fields, hashes and senders; and that nothing but the canonical form is taken. */
#include "tests/unit/stf/stf_chain.h"

#include "node/base/hash.h"
#include "node/base/rlp.h"

static enum stf_error decode(struct chain *c, struct stf_tx *tx, struct bytes in)
{
    return tx_decode(tx, in, &c->w.arena);
}

/* EIP-155's own example */
#define EIP155                                                                                     \
    "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a764000080"       \
    "25a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276"                         \
    "a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"

static void test_legacy(void **state)
{
    (void)state;
    struct chain c;
    struct stf_tx tx;
    chain_init(&c);
    assert_int_equal(decode(&c, &tx, chain_hex(&c, EIP155)), STF_OK);
    struct b256 signing =
        world_b256("daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53");
    struct addr to = world_addr("3535353535353535353535353535353535353535");
    struct addr from = world_addr("9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f");
    assert_memory_equal(tx.signing_hash.b, signing.b, 32);
    assert_int_equal(tx.type, TX_LEGACY);
    assert_int_equal(tx.nonce, 9);
    assert_int_equal(tx.chain_id, 1);
    assert_true(tx.has_chain_id);
    assert_int_equal(tx.gas_limit, 21000);
    assert_int_equal(tx.max_fee.w[0], 20000000000);
    assert_true(u256_eq(&tx.max_fee, &tx.max_priority_fee));
    assert_memory_equal(tx.to.b, to.b, 20);
    assert_true(tx_signature_in_range(&tx));
    assert_true(crypto_tx_recover_sender(&tx));
    assert_memory_equal(tx.from.b, from.b, 20);
    struct u256 v = tx_v(&tx);
    assert_int_equal(v.w[0], 37);
    chain_clear(&c);
}

/* ---- an encoder for the tests: fields to the signed envelope ---- */

struct writer {
    uint8_t *p;
    size_t len;
};

static void w_u64(struct writer *w, uint64_t v)
{
    w->len += rlp_write_u64(w->p + w->len, v);
}
static void w_u256(struct writer *w, const struct u256 *v)
{
    w->len += rlp_write_u256(w->p + w->len, v);
}
static void w_str(struct writer *w, const void *p, size_t n)
{
    w->len += rlp_write_string(w->p + w->len, bytes_of(p, n));
}
static void w_list(struct writer *w, const struct writer *items)
{
    w->len += rlp_write_list_header(w->p + w->len, items->len);
    memcpy(w->p + w->len, items->p, items->len);
    w->len += items->len;
}
static struct writer w_new(struct chain *c)
{
    return (struct writer){ arena_alloc(&c->w.arena, 8192), 0 };
}

static void w_access(struct chain *c, struct writer *w, const struct stf_tx *tx)
{
    struct writer list = w_new(c);
    for (size_t i = 0; i < tx->access_cnt; i++) {
        struct writer keys = w_new(c), item = w_new(c);
        for (size_t k = 0; k < tx->access[i].key_cnt; k++)
            w_str(&keys, tx->access[i].keys[k].b, 32);
        w_str(&item, tx->access[i].addr.b, 20);
        w_list(&item, &keys);
        w_list(&list, &item);
    }
    w_list(w, &list);
}

static void w_auths(struct chain *c, struct writer *w, const struct stf_tx *tx)
{
    struct writer list = w_new(c);
    for (size_t i = 0; i < tx->auth_cnt; i++) {
        const struct tx_authorization *a = &tx->auths[i];
        struct writer item = w_new(c);
        w_u256(&item, &a->chain_id);
        w_str(&item, a->target.b, 20);
        w_u64(&item, a->nonce);
        w_u256(&item, &a->y_parity);
        w_u256(&item, &a->r);
        w_u256(&item, &a->s);
        w_list(&list, &item);
    }
    w_list(w, &list);
}

static void w_fields(struct chain *c, struct writer *w, const struct stf_tx *tx)
{
    if (tx->type != TX_LEGACY)
        w_u64(w, tx->chain_id);
    w_u64(w, tx->nonce);
    if (tx->type >= TX_DYNAMIC_FEE)
        w_u256(w, &tx->max_priority_fee);
    w_u256(w, &tx->max_fee);
    w_u64(w, tx->gas_limit);
    w_str(w, tx->to.b, tx->is_create ? 0 : 20);
    w_u256(w, &tx->value);
    w_str(w, tx->data.p, tx->data.len);
    if (tx->type != TX_LEGACY)
        w_access(c, w, tx);
    if (tx->type == TX_SET_CODE)
        w_auths(c, w, tx);
    if (tx->type == TX_BLOB) {
        struct writer list = w_new(c);
        w_u256(w, &tx->max_fee_per_blob_gas);
        for (size_t i = 0; i < tx->blob_cnt; i++)
            w_str(&list, tx->blob_hashes[i].b, 32);
        w_list(w, &list);
    }
}

static struct bytes seal(struct chain *c, const struct stf_tx *tx, const struct writer *fields)
{
    struct writer out = w_new(c);
    if (tx->type != TX_LEGACY)
        out.p[out.len++] = tx->type;
    w_list(&out, fields);
    return bytes_of(out.p, out.len);
}

/* Signed; the signing hash is taken over the unsigned list, independently of the decoder. */
static struct bytes encode(struct chain *c, struct stf_tx *tx)
{
    struct writer fields = w_new(c);
    w_fields(c, &fields, tx);
    struct writer plain = fields;
    plain.p = arena_alloc(&c->w.arena, 8192);
    memcpy(plain.p, fields.p, fields.len);
    if (tx->type == TX_LEGACY && tx->has_chain_id) {
        w_u64(&plain, tx->chain_id);
        w_u64(&plain, 0);
        w_u64(&plain, 0);
    }
    struct bytes unsigned_tx = seal(c, tx, &plain);
    struct crypto_signature s;
    tx->signing_hash = keccak256(unsigned_tx.p, unsigned_tx.len);
    assert_true(crypto_sign(&s, &tx->signing_hash, &c->key));
    tx->y_parity = (uint8_t)s.y_parity;
    struct u256 v = tx_v(tx);
    w_u256(&fields, &v);
    w_u256(&fields, &s.r);
    w_u256(&fields, &s.s);
    return seal(c, tx, &fields);
}

struct sample {
    struct b256 keys[2], blobs[2];
    struct tx_access access[2];
    struct tx_authorization auths[2];
    struct stf_tx tx;
};

static void sample_init(struct chain *c, struct sample *s, uint8_t type)
{
    struct addr to = world_addr("00112233445566778899aabbccddeeff00112233");
    memset(s, 0, sizeof *s);
    s->keys[0] = b256_of_u64(0);
    memset(s->keys[1].b, 0xee, 32);
    s->access[0] = (struct tx_access){ .addr = to, .keys = s->keys, .key_cnt = 2 };
    s->access[1] = (struct tx_access){ .addr = c->sender, .keys = s->keys, .key_cnt = 0 };
    for (unsigned i = 0; i < 2; i++) {
        s->auths[i] = (struct tx_authorization){ .chain_id = u256_of_u64(i),
                                                 .target = to,
                                                 .nonce = 300 * i,
                                                 .y_parity = u256_of_u64(255 * i),
                                                 .r = U256_MAX,
                                                 .s = U256_ONE };
        s->blobs[i] = s->keys[i];
    }
    s->tx = chain_tx(c, &to);
    s->tx.type = type;
    s->tx.nonce = 300;
    s->tx.max_fee = u256_of_u64(123456789);
    s->tx.max_priority_fee = type < TX_DYNAMIC_FEE ? s->tx.max_fee : u256_of_u64(5);
    s->tx.value = U256_MAX;
    s->tx.data = bytes_of((const uint8_t *)"some calldata", 13);
    if (type != TX_LEGACY) {
        s->tx.access = s->access;
        s->tx.access_cnt = 2;
    }
    if (type == TX_SET_CODE) {
        s->tx.auths = s->auths;
        s->tx.auth_cnt = 2;
    }
    if (type == TX_BLOB) {
        s->tx.max_fee_per_blob_gas = u256_of_u64(77);
        s->tx.blob_hashes = s->blobs;
        s->tx.blob_cnt = 2;
    }
}

static void check_authorization(const struct tx_authorization *got,
                                const struct tx_authorization *want)
{
    assert_true(u256_eq(&got->chain_id, &want->chain_id));
    assert_memory_equal(got->target.b, want->target.b, 20);
    assert_int_equal(got->nonce, want->nonce);
    assert_true(u256_eq(&got->y_parity, &want->y_parity));
    assert_true(u256_eq(&got->r, &want->r) && u256_eq(&got->s, &want->s));
}

static void check_lists(const struct stf_tx *got, const struct stf_tx *want)
{
    assert_int_equal(got->access_cnt, want->access_cnt);
    for (size_t i = 0; i < want->access_cnt; i++) {
        assert_memory_equal(got->access[i].addr.b, want->access[i].addr.b, 20);
        assert_int_equal(got->access[i].key_cnt, want->access[i].key_cnt);
        for (size_t k = 0; k < want->access[i].key_cnt; k++)
            assert_memory_equal(got->access[i].keys[k].b, want->access[i].keys[k].b, 32);
    }
    assert_int_equal(got->auth_cnt, want->auth_cnt);
    for (size_t i = 0; i < want->auth_cnt; i++)
        check_authorization(&got->auths[i], &want->auths[i]);
    assert_int_equal(got->blob_cnt, want->blob_cnt);
    for (size_t i = 0; i < want->blob_cnt; i++)
        assert_memory_equal(got->blob_hashes[i].b, want->blob_hashes[i].b, 32);
}

static void test_round_trips(void **state)
{
    (void)state;
    static const uint8_t types[] = { TX_LEGACY, TX_ACCESS_LIST, TX_DYNAMIC_FEE, TX_BLOB,
                                     TX_SET_CODE };
    struct chain c;
    chain_init(&c);
    for (size_t i = 0; i < GH_COUNT(types); i++) {
        struct sample s;
        sample_init(&c, &s, types[i]);
        struct bytes env = encode(&c, &s.tx);
        struct stf_tx got;
        assert_int_equal(decode(&c, &got, env), STF_OK);
        struct b256 hash = keccak256(env.p, env.len);
        assert_memory_equal(got.hash.b, hash.b, 32);
        assert_memory_equal(got.signing_hash.b, s.tx.signing_hash.b, 32);
        assert_int_equal(got.type, types[i]);
        assert_int_equal(got.chain_id, 270);
        assert_int_equal(got.nonce, 300);
        assert_true(u256_eq(&got.max_fee, &s.tx.max_fee));
        assert_true(u256_eq(&got.max_priority_fee, &s.tx.max_priority_fee));
        assert_true(u256_eq(&got.value, &s.tx.value));
        assert_true(bytes_eq(got.data, s.tx.data));
        assert_true(u256_eq(&got.max_fee_per_blob_gas, &s.tx.max_fee_per_blob_gas));
        check_lists(&got, &s.tx);
        assert_true(crypto_tx_recover_sender(&got));
        assert_memory_equal(got.from.b, c.sender.b, 20);
        for (size_t n = 0; n < env.len; n++) /* every prefix is refused */
            assert_int_not_equal(decode(&c, &got, bytes_of(env.p, n)), STF_OK);
        uint8_t *longer = arena_zalloc(&c.w.arena, env.len + 1);
        memcpy(longer, env.p, env.len);
        assert_int_equal(decode(&c, &got, bytes_of(longer, env.len + 1)), STF_E_INVALID_ENCODING);
    }
    chain_clear(&c);
}

static void test_creation(void **state)
{
    (void)state;
    struct chain c;
    chain_init(&c);
    for (uint8_t type = TX_LEGACY; type <= TX_SET_CODE; type++) {
        struct sample s;
        struct stf_tx got;
        sample_init(&c, &s, type);
        s.tx.is_create = true;
        enum stf_error e = decode(&c, &got, encode(&c, &s.tx));
        bool allowed = type <= TX_DYNAMIC_FEE;
        assert_int_equal(e, allowed ? STF_OK : STF_E_INVALID_ENCODING);
        if (allowed)
            assert_true(got.is_create);
    }
    struct addr creator = world_addr("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0");
    struct addr a0 = world_addr("cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d");
    struct addr a1 = world_addr("343c43a37d37dff08ae8c4a11544c718abb4fcf8");
    struct addr got0 = tx_create_address(&creator, 0), got1 = tx_create_address(&creator, 1);
    assert_memory_equal(got0.b, a0.b, 20);
    assert_memory_equal(got1.b, a1.b, 20);
    chain_clear(&c);
}

static void check_bad(struct chain *c, const char *hex)
{
    struct stf_tx tx;
    enum stf_error e = decode(c, &tx, chain_hex(c, hex));
    if (e != STF_E_INVALID_ENCODING)
        fail_msg("%s: %s", hex, stf_error_name(e));
}

static void test_not_canonical(void **state)
{
    (void)state;
    struct chain c;
    struct stf_tx tx;
    chain_init(&c);
    assert_int_equal(decode(&c, &tx, chain_hex(&c, "c98080808080801b8080")), STF_OK);
    check_bad(&c, "");
    check_bad(&c, "00");
    check_bad(&c, "05c0");
    check_bad(&c, "02"); /* nothing behind a type */
    check_bad(&c, "71c0");
    check_bad(&c, "7cc0");
    check_bad(&c, "c0");
    check_bad(&c, "c98080808080801a8080"); /* v 26 */
    check_bad(&c, "c98080808080801d8080"); /* v 29 */
    check_bad(&c, "c9808080808080228080"); /* v 34 */
    check_bad(&c, "c90080808080801b8080"); /* nonce 00 */
    check_bad(&c, "cb820001808080"
                  "80801b8080"); /* nonce 0001 */
    check_bad(&c, "ca8101808080"
                  "80801b8080");             /* nonce 81 01 */
    check_bad(&c, "f8098080808080801b8080"); /* long form of a short list */
    check_bad(&c, "c98080808080c01b8080");   /* a list where data belongs */
    check_bad(&c, "ca808080818080801b8080"); /* an address of one byte */
    chain_clear(&c);
}

static void test_numbers_fit(void **state)
{
    (void)state;
    struct chain c;
    struct stf_tx tx;
    chain_init(&c);
    /* nonce of 8 bytes, then of 9; gas likewise; value of 33 bytes */
    assert_int_equal(decode(&c, &tx, chain_hex(&c, "d188ffffffffffffffff80808080801b8080")),
                     STF_OK);
    assert_int_equal(tx.nonce, UINT64_MAX);
    check_bad(&c, "d28901000000000000000080808080801b8080");
    check_bad(&c, "d28080890100000000000000008080801b8080");
    assert_int_equal(decode(&c, &tx, chain_hex(&c, "d1808088ffffffffffffffff8080801b8080")),
                     STF_OK);
    assert_int_equal(tx.gas_limit, UINT64_MAX);
    chain_clear(&c);
}

/* Legacy v: any chain id of 64 bits. */
static void test_legacy_chain_ids(void **state)
{
    (void)state;
    static const uint64_t ids[] = { 0, 1, 270, UINT32_MAX, UINT64_MAX };
    struct chain c;
    chain_init(&c);
    for (size_t i = 0; i < GH_COUNT(ids); i++) {
        struct sample s;
        struct stf_tx got;
        sample_init(&c, &s, TX_LEGACY);
        s.tx.chain_id = ids[i];
        assert_int_equal(decode(&c, &got, encode(&c, &s.tx)), STF_OK);
        assert_true(got.has_chain_id);
        assert_int_equal(got.chain_id, ids[i]);
        assert_true(crypto_tx_recover_sender(&got));
        assert_memory_equal(got.from.b, c.sender.b, 20);
    }
    struct sample s;
    struct stf_tx got;
    sample_init(&c, &s, TX_LEGACY);
    s.tx.has_chain_id = false;
    assert_int_equal(decode(&c, &got, encode(&c, &s.tx)), STF_OK);
    assert_false(got.has_chain_id);
    assert_true(crypto_tx_recover_sender(&got));
    assert_memory_equal(got.from.b, c.sender.b, 20);
    chain_clear(&c);
}

/* Lists of millions of empty items are refused without memory for them. */
static void test_empty_items_cost_nothing(void **state)
{
    (void)state;
    struct chain c;
    struct stf_tx tx;
    chain_init(&c);
    size_t n = 4000000, len = 0;
    uint8_t *in = malloc(n + 64);
    uint8_t inner[8];
    size_t inner_len = rlp_write_list_header(inner, n);
    in[0] = TX_ACCESS_LIST;
    len = 1 + rlp_write_list_header(in + 1, 7 + inner_len + n + 3);
    memset(in + len, 0x80, 7);
    len += 7;
    memcpy(in + len, inner, inner_len);
    memset(in + len + inner_len, 0xc0, n);
    memset(in + len + inner_len + n, 0x80, 3);
    len += inner_len + n + 3;
    void *mem = malloc(4096);
    struct arena small;
    arena_init(&small, mem, 4096);
    assert_int_equal(tx_decode(&tx, bytes_of(in, len), &small), STF_E_INVALID_ENCODING);
    free(mem);
    free(in);
    chain_clear(&c);
}

/* ---- L1 ---- */

static void put_word(uint8_t *t, size_t slot, uint64_t v)
{
    memset(t + 32 * slot, 0, 32);
    store_be64(t + 32 * slot + 24, v);
}

#define L1_WORDS 27u /* head, data of 5 bytes, no signature, one factory dep, nothing, nothing */

static size_t l1_envelope(uint8_t out[1 + 32 * L1_WORDS])
{
    memset(out, 0, 1 + 32 * L1_WORDS);
    uint8_t *t = out + 1;
    out[0] = TX_PRIORITY;
    put_word(t, 0, TX_PRIORITY);
    put_word(t, 1, 0xaaaa);
    put_word(t, 2, 0xbbbb);
    put_word(t, 3, 1000000);
    put_word(t, 4, 800);
    put_word(t, 5, 250000000);
    put_word(t, 8, 7);
    put_word(t, 9, 5);
    put_word(t, 10, 6);
    put_word(t, 11, 0xcccc);
    size_t at = 19;
    static const unsigned parts[5] = { 2, 1, 2, 1, 1 }; /* words of each dynamic part */
    for (size_t i = 0; i < 5; i++) {
        put_word(t, 14 + i, 32 * at);
        at += parts[i];
    }
    put_word(t, 19, 5);
    static const uint8_t hello[5] = { 'h', 'e', 'l', 'l', 'o' };
    memcpy(t + 32 * (size_t)20, hello, sizeof hello);
    put_word(t, 22, 1); /* factoryDeps */
    memset(t + 32 * 23, 0xfd, 32);
    return 1 + 32 * at;
}

static void test_l1(void **state)
{
    (void)state;
    struct chain c;
    struct stf_tx tx;
    chain_init(&c);
    uint8_t env[1 + 32 * L1_WORDS + 32], with_offset[32 + 32 * L1_WORDS];
    size_t len = l1_envelope(env);
    assert_int_equal(decode(&c, &tx, bytes_of(env, len)), STF_OK);
    memset(with_offset, 0, 32);
    with_offset[31] = 32;
    memcpy(with_offset + 32, env + 1, len - 1);
    struct b256 hash = keccak256(with_offset, 32 + len - 1);
    assert_memory_equal(tx.hash.b, hash.b, 32);
    assert_int_equal(tx.gas_limit, 1000000);
    assert_int_equal(tx.l1_nonce.w[0], 7);
    assert_int_equal(tx.value.w[0], 5);
    assert_int_equal(tx.to_mint.w[0], 6);
    assert_int_equal(tx.refund_recipient.b[18], 0xcc);
    assert_int_equal(tx.factory_deps.len, 32);
    assert_true(bytes_eq(tx.data, bytes_of((const uint8_t *)"hello", 5)));
    assert_true(tx_is_l1(&tx) && tx.from_is_set);
    for (size_t n = 0; n < len; n++)
        assert_int_not_equal(decode(&c, &tx, bytes_of(env, n)), STF_OK);
    assert_int_equal(decode(&c, &tx, bytes_of(env, len + 32)), STF_E_L1_TX_MALFORMED);
    env[0] = TX_UPGRADE; /* does not agree with slot 0 */
    assert_int_equal(decode(&c, &tx, bytes_of(env, len)), STF_E_L1_TX_MALFORMED);
    chain_clear(&c);
}

/* One byte changed at a time: only bytes of free fields may be anything. */
static void test_l1_strictness(void **state)
{
    (void)state;
    struct chain c;
    chain_init(&c);
    uint8_t env[1 + 32 * L1_WORDS];
    size_t len = l1_envelope(env);
    for (size_t i = 1; i < len; i++) {
        size_t slot = (i - 1) / 32, byte = (i - 1) % 32;
        bool is_free = slot == 5 || slot == 6 || (slot >= 8 && slot <= 10) || slot == 23;
        is_free |= (slot == 1 || slot == 2 || slot == 11) && byte >= 12;
        is_free |= slot == 3 && byte >= 24;
        is_free |= slot == 4 && byte >= 28;
        is_free |= slot == 20 && byte < 5;
        struct stf_tx tx;
        env[i] ^= 0x40;
        enum stf_error e = decode(&c, &tx, bytes_of(env, len));
        env[i] ^= 0x40;
        if (e != (is_free ? STF_OK : STF_E_L1_TX_MALFORMED))
            fail_msg("slot %zu byte %zu: %s", slot, byte, stf_error_name(e));
    }
    chain_clear(&c);
}

static void test_system(void **state)
{
    (void)state;
    struct chain c;
    struct stf_tx tx;
    chain_init(&c);
    struct addr to = addr_of_u32(0x800b);
    struct bytes env = tx_encode_system(&to, bytes_of((const uint8_t *)"abc", 3), 7, &c.w.arena);
    assert_int_equal(decode(&c, &tx, env), STF_OK);
    assert_int_equal(tx.salt, 7);
    assert_int_equal(tx.from.b[18], 0x80);
    assert_true(b256_is_zero(&tx.signing_hash));
    for (size_t n = 0; n < env.len; n++)
        assert_int_not_equal(decode(&c, &tx, bytes_of(env.p, n)), STF_OK);
    check_bad(&c, "7dc3808080");                                           /* no address */
    check_bad(&c, "7dd794000000000000000000000000000000000000800b8000");   /* salt 00 */
    check_bad(&c, "7dd894000000000000000000000000000000000000800b808080"); /* a fourth field */
    struct arena none;
    arena_init(&none, NULL, 0);
    assert_int_equal(tx_encode_system(&to, env, 1, &none).len, 0);
    chain_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_legacy),
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_creation),
        cmocka_unit_test(test_not_canonical),
        cmocka_unit_test(test_numbers_fit),
        cmocka_unit_test(test_legacy_chain_ids),
        cmocka_unit_test(test_empty_items_cost_nothing),
        cmocka_unit_test(test_l1),
        cmocka_unit_test(test_l1_strictness),
        cmocka_unit_test(test_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
