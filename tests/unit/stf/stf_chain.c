/* tests/unit/stf/stf_chain.c */
#include "tests/unit/stf/stf_chain.h"

#include "node/base/hash.h"

void chain_init(struct chain *c)
{
    memset(c, 0, sizeof *c);
    world_init(&c->w);
    c->ctx = world_context();
    c->options.verify_signatures = true;
    c->rules = stf_rules_zksync_os_v31();
    assert_true(crypto_key_parse(
        &c->key, "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80", 64));
    assert_true(crypto_key_address(&c->sender, &c->key));
    chain_fund(c, &c->sender, SENDER_FUNDS);
}

void chain_clear(struct chain *c)
{
    world_clear(&c->w);
}

void chain_begin(struct chain *c)
{
    struct stf_fault fault;
    c->b = stf_block_begin(&c->w.arena, c->rules, &c->ctx, &c->w.oracle, crypto_host(), &c->options,
                           &fault);
    assert_non_null(c->b);
}

struct stf_block_output chain_end(struct chain *c)
{
    struct stf_block_output out;
    struct stf_fault fault;
    assert_true(stf_block_end(c->b, &out, &fault));
    world_apply(&c->w, &out);
    c->b = NULL;
    return out;
}

void chain_put_code(struct chain *c, const struct addr *a, const char *hex)
{
    struct u256 zero = U256_ZERO;
    world_set_account(&c->w, a, 1, &zero, chain_hex(c, hex));
}

void chain_fund(struct chain *c, const struct addr *a, uint64_t balance)
{
    struct u256 v = u256_of_u64(balance);
    world_set_account(&c->w, a, 0, &v, bytes_of(NULL, 0));
}

uint64_t chain_balance(const struct chain *c, const struct addr *a)
{
    struct account_record rec = world_account(&c->w, a);
    assert_true(u256_fits_u64(&rec.balance));
    return rec.balance.w[0];
}

uint64_t chain_nonce(const struct chain *c, const struct addr *a)
{
    return world_account(&c->w, a).nonce;
}

struct stf_tx chain_tx(struct chain *c, const struct addr *to)
{
    struct stf_tx tx;
    memset(&tx, 0, sizeof tx);
    tx.type = TX_DYNAMIC_FEE;
    tx.has_chain_id = true;
    tx.chain_id = c->ctx.chain_id;
    tx.from = c->sender;
    tx.from_is_set = true;
    tx.nonce = chain_nonce(c, &c->sender);
    tx.gas_limit = 100000;
    tx.max_fee = c->ctx.base_fee;
    if (to != NULL)
        tx.to = *to;
    else
        tx.is_create = true;
    return tx;
}

void chain_sign(struct chain *c, struct stf_tx *tx)
{
    struct crypto_signature s;
    tx->signing_hash = b256_of_u64(++c->tx_cnt);
    tx->hash = keccak256(tx->signing_hash.b, 32);
    assert_true(crypto_sign(&s, &tx->signing_hash, &c->key));
    tx->r = s.r;
    tx->s = s.s;
    tx->y_parity = (uint8_t)s.y_parity;
}

struct stf_tx chain_l1_tx(struct chain *c, uint8_t type, const struct addr *to, uint64_t value)
{
    struct stf_tx tx;
    memset(&tx, 0, sizeof tx);
    tx.type = type;
    tx.from = addr_of_u32(0x11110000);
    tx.from_is_set = true;
    tx.to = *to;
    tx.gas_limit = 2000000;
    tx.gas_per_pubdata = 800;
    tx.value = u256_of_u64(value);
    tx.refund_recipient = addr_of_u32(0xbeef0000);
    if (type == TX_PRIORITY) {
        tx.max_fee = u256_of_u64(1000);
        tx.to_mint = u256_of_u64(2000000u * 1000u + value);
    } else {
        tx.from = addr_of_u32(0x8007);
    }
    tx.hash = b256_of_u64(0x700000 + ++c->tx_cnt);
    tx.envelope = bytes_of(arena_zalloc(&c->w.arena, 801), 801); /* only its length counts */
    return tx;
}

struct addr chain_receiver(void)
{
    return addr_of_u32(0x123456);
}

/* keccak(05 || rlp([chain, target, nonce])), the bytes of it by hand */
struct tx_authorization chain_authorization(const struct crypto_key *key, uint64_t chain_id,
                                            const struct addr *target, uint64_t nonce)
{
    bool is_short = chain_id < 128;
    assert_true(chain_id > 0 && (is_short || chain_id >= 256) && chain_id < 65536 && nonce < 128);
    uint8_t enc[27] = { 0x05, 0xc0 + 25, 0x82, (uint8_t)(chain_id >> 8), (uint8_t)chain_id };
    size_t len = 5;
    if (is_short) {
        enc[1] = 0xc0 + 23;
        enc[2] = (uint8_t)chain_id;
        len = 3;
    }
    enc[len++] = 0x80 + 20;
    memcpy(enc + len, target->b, 20);
    len += 20;
    enc[len++] = nonce == 0 ? 0x80 : (uint8_t)nonce;
    struct b256 hash = keccak256(enc, len);
    struct crypto_signature s;
    assert_true(crypto_sign(&s, &hash, key));
    return (struct tx_authorization){ .chain_id = u256_of_u64(chain_id),
                                      .target = *target,
                                      .nonce = nonce,
                                      .y_parity = u256_of_u64(s.y_parity),
                                      .r = s.r,
                                      .s = s.s };
}

struct stf_tx chain_system_tx(struct chain *c, uint32_t to, const char *data_hex)
{
    struct addr a = addr_of_u32(to);
    struct stf_tx tx;
    struct bytes enc = tx_encode_system(&a, chain_hex(c, data_hex), ++c->tx_cnt, &c->w.arena);
    assert_int_equal(tx_decode(&tx, enc, &c->w.arena), STF_OK);
    return tx;
}

enum stf_verdict chain_run(struct chain *c, struct stf_tx *tx)
{
    if (c->b == NULL)
        chain_begin(c);
    if (tx->type <= TX_SET_CODE && b256_is_zero(&tx->signing_hash))
        chain_sign(c, tx);
    return stf_tx_run(c->b, tx, &c->result);
}

void chain_expect(struct chain *c, struct stf_tx *tx, bool success)
{
    if (chain_run(c, tx) != STF_INCLUDED)
        fail_msg("not included: %s", stf_error_name(c->result.fault.code));
    assert_int_equal(c->result.success, success);
}

void chain_expect_error(struct chain *c, struct stf_tx *tx, enum stf_error e)
{
    chain_begin(c);
    enum stf_verdict v = chain_run(c, tx);
    if (c->result.fault.code != e)
        fail_msg("%s instead of %s", stf_error_name(c->result.fault.code), stf_error_name(e));
    char policy = stf_error_policy(e);
    assert_int_equal(v, policy == 'F' ? STF_FATAL : policy == 'S' ? STF_SEAL : STF_INVALID);
    if (v != STF_FATAL) { /* nothing is left of it */
        struct stf_block_output out = chain_end(c);
        assert_int_equal(out.diff_cnt, 0);
        assert_int_equal(out.tx_cnt, 0);
    }
    c->b = NULL;
}

struct bytes chain_hex(struct chain *c, const char *hex)
{
    return world_hex(&c->w, hex);
}
