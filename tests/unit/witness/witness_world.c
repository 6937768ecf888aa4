/* tests/unit/witness/witness_world.c */
#include "tests/unit/witness/witness_world.h"

#include <inttypes.h>
#include <stdio.h>

#include "node/base/hex.h"
#include "node/state/genesis.h"
#include "node/state/witness_maker.h"

#define MAX_BLOCKS 512

bool batch_witness(struct chain_world *w, uint64_t number, uint64_t first, uint64_t last,
                   uint8_t scheme, struct buf *out, struct err *err)
{
    static struct witness_source_block blocks[MAX_BLOCKS];
    static const struct chain_block *held[MAX_BLOCKS];
    struct arena arena;
    size_t n = (size_t)(last - first + 1);
    assert_true(n <= MAX_BLOCKS);
    arena_init_growing(&arena, 1 << 16, 64 << 20);
    for (size_t i = 0; i < n; i++) {
        const struct chain_block *b = chain_block_acquire(w->chain, w->reader, first + i, err);
        assert_non_null(b);
        held[i] = b;
        struct bytes *txs = arena_alloc(&arena, b->r.tx_cnt * sizeof(*txs));
        assert_non_null(txs);
        for (size_t k = 0; k < b->r.tx_cnt; k++)
            txs[k] = b->r.txs[k].envelope;
        blocks[i] = (struct witness_source_block){ .ctx = &b->r.ctx,
                                                   .txs = txs,
                                                   .tx_cnt = b->r.tx_cnt,
                                                   .forced_codes = b->r.forced_codes,
                                                   .forced_code_cnt = b->r.forced_code_cnt,
                                                   .block_hash = b->r.block_hash };
    }
    struct witness_source src = { .batch_number = number,
                                  .da_scheme = scheme,
                                  .last_timestamp = held[0]->r.previous_timestamp,
                                  .blocks = blocks,
                                  .block_cnt = n };
    bool ok = witness_make(out, w->state, &src, crypto_host(), err);
    for (size_t i = 0; i < n; i++)
        chain_block_release(w->chain, held[i]);
    arena_clear(&arena);
    return ok;
}

void batch_witness_ok(struct chain_world *w, uint64_t number, uint64_t first, uint64_t last,
                      uint8_t scheme, struct buf *out)
{
    struct err err = { .kind = ERR_NONE };
    if (!batch_witness(w, number, first, last, scheme, out, &err))
        fail_msg("%s", err.msg);
}

static struct b256 commitment_of(struct chain_world *w, uint64_t block, struct arena *arena)
{
    struct state_mark mark;
    struct err err;
    assert_true(state_mark_at(w->state, block, &mark));
    if (block > 0) {
        struct batch_block b;
        assert_true(chain_batch_block_load(w->chain, w->reader, block, arena, &b, &err));
        return state_commitment(&mark, &b.last_256_hashes, b.timestamp);
    }
    struct state_ring ring = { 0 };
    struct b256 genesis = genesis_block_hash();
    state_ring_push(&ring, &genesis);
    struct b256 last_256 = state_ring_hash(&ring);
    return state_commitment(&mark, &last_256, 0);
}

void batch_expect(struct chain_world *w, uint64_t number, uint64_t first, uint64_t last,
                  uint8_t scheme, struct expected *out)
{
    struct arena arena;
    struct batch_accumulator acc;
    struct err err;
    arena_init_growing(&arena, 1 << 16, 256 << 20);
    batch_accumulator_init(&acc, &arena, number, WORLD_CHAIN_ID, scheme);
    for (uint64_t n = first; n <= last; n++) {
        struct batch_block b;
        if (!chain_batch_block_load(w->chain, w->reader, n, &arena, &b, &err))
            fail_msg("%s", err.msg);
        assert_true(batch_accumulator_add(&acc, &b));
    }
    batch_accumulator_finish(&acc, &out->batch, NULL);
    out->state_before = commitment_of(w, first - 1, &arena);
    out->public_input = batch_public_input(&out->state_before, &out->batch.stored);
    arena_clear(&arena);
}

enum verify_code verify(struct verify_result *out, struct verify_fault *fault, struct bytes witness,
                        const struct stf_crypto *crypto)
{
    struct arena keep, work;
    arena_init_growing(&keep, 1 << 16, (size_t)512 << 20);
    arena_init_growing(&work, 1 << 20, (size_t)512 << 20);
    enum verify_code e = verify_batch(out, fault, witness, crypto, &keep, &work);
    arena_clear(&keep);
    arena_clear(&work);
    return e;
}

size_t batch_check(struct chain_world *w, uint64_t number, uint64_t first, uint64_t last,
                   uint8_t scheme)
{
    struct buf out;
    struct expected want;
    struct verify_result got;
    struct verify_fault fault;
    buf_init(&out, WITNESS_MAX_LEN);
    batch_witness_ok(w, number, first, last, scheme, &out);
    batch_expect(w, number, first, last, scheme, &want);
    if (verify(&got, &fault, bytes_of(out.p, out.len), crypto_host()) != VERIFY_OK)
        fail_msg("batch of %" PRIu64 " to %" PRIu64 ": %s (%s), block %" PRIu64 ", transaction %u",
                 first, last, verify_code_text(fault.code), stf_error_name(fault.stf.code),
                 fault.block, fault.tx);
    assert_memory_equal(got.state_before.b, want.state_before.b, 32);
    assert_memory_equal(got.state_after.b, want.batch.stored.state_commitment.b, 32);
    assert_memory_equal(got.output_hash.b, want.batch.stored.commitment.b, 32);
    assert_memory_equal(got.public_input.b, want.public_input.b, 32);
    struct b256 stored = stored_batch_hash(&want.batch.stored);
    assert_memory_equal(got.stored_hash.b, stored.b, 32);
    assert_int_equal(got.batch.first_block, first);
    assert_int_equal(got.batch.last_block, last);
    size_t len = out.len;
    buf_clear(&out);
    return len;
}

/* ---- transactions ---- */

static void send_tx(struct chain_world *w, const struct wallet *from, struct wallet_tx *t)
{
    struct arena arena;
    struct mempool_refusal why;
    arena_init_growing(&arena, 4096, 1 << 20);
    t->chain_id = WORLD_CHAIN_ID;
    t->gas_limit = 300000;
    t->max_fee = 1000000;
    struct stf_tx *tx = wallet_make(from, t, &arena);
    if (!world_send(w, tx, &why))
        fail_msg("refused: %s", why.message);
    arena_clear(&arena);
}

struct addr send_create(struct chain_world *w, const struct wallet *from, uint64_t nonce)
{
    /* stores calldata word 1 at the slot of word 0; the constructor returns those eight bytes */
    static const uint8_t code[] = { 0x67, 0x60, 0x20, 0x35, 0x60, 0x00, 0x35, 0x55, 0x00,
                                    0x60, 0x00, 0x52, 0x60, 0x08, 0x60, 0x18, 0xf3 };
    struct wallet_tx t = { .nonce = nonce,
                           .is_create = true,
                           .data = bytes_of(code, sizeof(code)) };
    send_tx(w, from, &t);
    return tx_create_address(&from->addr, nonce);
}

void send_store(struct chain_world *w, const struct wallet *from, uint64_t nonce,
                const struct addr *contract, uint64_t slot, uint64_t value)
{
    uint8_t data[64] = { 0 };
    store_be64(data + 24, slot);
    store_be64(data + 56, value);
    struct wallet_tx t = { .nonce = nonce, .to = *contract, .data = bytes_of(data, 64) };
    send_tx(w, from, &t);
}

uint64_t run_all(struct chain_world *w, const struct addr *from, uint64_t nonce)
{
    for (int i = 0; i < 100; i++) {
        world_run_to_ok(w, w->last_block + (world_nonce(w, from) < nonce));
        if (world_nonce(w, from) == nonce)
            return w->last_block;
    }
    fail_msg("nonce %" PRIu64 " is not reached", nonce);
    return 0;
}

uint64_t busy_chain(struct chain_world *w)
{
    struct wallet a = wallet_of(1), b = wallet_of(2);
    uint64_t nonce = 0;
    struct addr c = send_create(w, &a, nonce++);
    run_all(w, &a.addr, nonce);
    for (uint64_t i = 0; i < 12; i++)
        send_store(w, &a, nonce++, &c, i, 100 + i);
    run_all(w, &a.addr, nonce);
    struct addr d = send_create(w, &a, nonce++); /* the same code, which the state has by now */
    for (uint64_t i = 6; i < 18; i++)
        send_store(w, &a, nonce++, &c, i, i & 1 ? 0 : 1000 + i); /* changed, emptied, added */
    run_all(w, &a.addr, nonce);
    for (uint64_t i = 0; i < 4; i++)
        send_store(w, &a, nonce++, &d, i * i, i); /* a zero that was nothing, too */
    world_transfer(w, &b, 0, 77);
    run_all(w, &a.addr, nonce);
    run_all(w, &b.addr, 1);
    return w->last_block;
}
